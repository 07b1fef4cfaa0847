/* SPDX-License-Identifier: Apache-2.0 */
/*
 * runtime/io/stream.c - see stream.h.
 *
 * Two operations are in flight at most: a receive that is done many times, into the loop's buffers, and one send of what is
 * queued. What should be in flight follows from the flags alone, and advance starts what is missing: after each call and
 * each completion. What the loop cannot take now is tried again in its next turn.
 *
 *     OPENING --open--> data* --end--> IN_ENDED          send, send, ... --> OUT_SHUT | OUT_DEAD
 *               PAUSED: what still comes is held, and the receive is cancelled by the first of it
 *               CLOSING: whatever is in flight is cancelled; when nothing is, descriptors are closed, then closed
 *
 * A peer that takes no more (-EPIPE) may have sent its reason, which lies behind in the kernel: so a send that fails only
 * ends the sending, and the other direction tells.
 */
#include "runtime/io/stream.h"

#include <errno.h>
#include <string.h>

#include <weft/alloc.h>

#include "runtime/base/assert.h"
#include "runtime/io/socket.h"

#define CHUNK_BYTES 4000u
#define BACKLOG_BYTES (64u << 10) /* a chunk of a long queue */
#define CHUNK_BYTES_MAX (1u << 20)

enum {
	LIVE = 1 << 0,
	OPENING = 1 << 1,
	SOCKET = 1 << 2,
	PAUSED = 1 << 3,
	FINISHING = 1 << 4, /* asked for */
	OUT_SHUT = 1 << 5,  /* and done */
	OUT_DEAD = 1 << 6,  /* nothing can be sent any more */
	LOST = 1 << 7,      /* something was not sent */
	IN_ENDED = 1 << 8,
	TOLD_BROKEN = 1 << 9,
	CLOSING = 1 << 10,
	CLOSED = 1 << 11, /* all but told */
	QUEUED = 1 << 12,   /* job is */
	END_WAITS = 1 << 13 /* for what is held */
};

struct weft__chunk {
	struct weft__chunk *next;
	uint32_t start, end, room; /* of bytes; start..end is to be sent */
	uint8_t bytes[];
};

static void advance(struct weft__stream *s);

static struct weft__stream *of_job(struct weft__job *job)
{
	return (struct weft__stream *)((char *)job - offsetof(struct weft__stream, job));
}

static struct weft__stream *of_in(struct weft__io *io)
{
	return (struct weft__stream *)((char *)io - offsetof(struct weft__stream, in));
}

static struct weft__stream *of_out(struct weft__io *io)
{
	return (struct weft__stream *)((char *)io - offsetof(struct weft__stream, out));
}

static bool is_flying(const struct weft__io *io)
{
	return io->state != 0;
}

static struct weft__chunk *chunk_make(size_t room)
{
	struct weft__chunk *c = weft_malloc(sizeof(*c) + room);

	if (c)
		*c = (struct weft__chunk){ .room = (uint32_t)room };
	return c;
}

static void chunk_free(const struct weft__stream *s, struct weft__chunk *c)
{
	if (s->wipe)
		explicit_bzero(c->bytes, c->end);
	weft_free(c);
}

/* ---- what waits to be sent ------------------------------------------------------------ */

static void drop_first(struct weft__stream *s)
{
	struct weft__chunk *c = s->first;

	s->first = c->next;
	if (!s->first)
		s->last = NULL;
	chunk_free(s, c);
}

/* The kernel has nothing of it. */
static void drop_all(struct weft__stream *s)
{
	WEFT_ASSERT(!is_flying(&s->out));
	if (s->unsent)
		s->flags |= LOST;
	while (s->first)
		drop_first(s);
	s->unsent = 0;
}

static struct weft__chunk *append_chunk(struct weft__stream *s, size_t len)
{
	size_t least = s->unsent < CHUNK_BYTES ? CHUNK_BYTES : s->unsent > BACKLOG_BYTES ? BACKLOG_BYTES : s->unsent;
	struct weft__chunk *c = chunk_make(len < least ? least : len > CHUNK_BYTES_MAX ? CHUNK_BYTES_MAX : len);

	if (!c)
		return NULL;
	if (s->last)
		s->last->next = c;
	else
		s->first = c;
	s->last = c;
	return c;
}

/* Take back what was appended behind last at end. */
static void cut_off(struct weft__stream *s, struct weft__chunk *last, uint32_t end)
{
	struct weft__chunk *c = last ? last->next : s->first;

	while (c) {
		struct weft__chunk *next = c->next;

		chunk_free(s, c);
		c = next;
	}
	s->last = last;
	if (!last) {
		s->first = NULL;
		return;
	}
	last->next = NULL;
	last->end = end;
}

static int append(struct weft__stream *s, const uint8_t *bytes, size_t len)
{
	struct weft__chunk *last = s->last, *c = last;
	uint32_t end = last ? last->end : 0;

	while (len > 0) {
		uint32_t n;

		if (!c || c->end == c->room)
			c = append_chunk(s, len);
		if (!c) {
			cut_off(s, last, end);
			return -ENOMEM;
		}
		n = len < c->room - c->end ? (uint32_t)len : c->room - c->end;
		memcpy(c->bytes + c->end, bytes, n);
		c->end += n;
		s->unsent += n;
		bytes += n;
		len -= n;
	}
	return 0;
}

/* ---- callbacks ------------------------------------------------------------------------ */

static void tell_end(struct weft__stream *s, int status)
{
	if (s->flags & (CLOSING | TOLD_BROKEN))
		return;
	s->flags |= IN_ENDED;
	if (status < 0) {
		s->flags |= TOLD_BROKEN | OUT_DEAD;
		if (!is_flying(&s->out))
			drop_all(s);
	}
	s->fns->end(s, status);
}

/* Nothing can be sent any more. */
static void out_died(struct weft__stream *s, int status)
{
	s->flags |= OUT_DEAD;
	drop_all(s);
	if ((s->flags & IN_ENDED) || s->fd_in < 0)
		tell_end(s, status);
}

/* ---- what is received -------------------------------------------------------------------- */

static void hold(struct weft__stream *s, const uint8_t *bytes, size_t len)
{
	struct weft__chunk *c = chunk_make(len);

	if (!c) { /* what comes behind a gap is of no use */
		s->flags |= END_WAITS;
		s->end_status = -ENOMEM;
		return;
	}
	memcpy(c->bytes, bytes, len);
	c->end = (uint32_t)len;
	if (s->held_last)
		s->held_last->next = c;
	else
		s->held_first = c;
	s->held_last = c;
}

static struct weft__chunk *take_held(struct weft__stream *s)
{
	struct weft__chunk *c = s->held_first;

	if (!c)
		return NULL;
	s->held_first = c->next;
	if (!s->held_first)
		s->held_last = NULL;
	return c;
}

static bool is_holding(const struct weft__stream *s)
{
	return (s->flags & (PAUSED | END_WAITS)) || s->held_first;
}

static void received(struct weft__stream *s, const uint8_t *bytes, size_t len)
{
	if (s->flags & (CLOSING | END_WAITS | IN_ENDED))
		return;
	if (is_holding(s))
		hold(s, bytes, len);
	else
		s->fns->data(s, bytes, len);
}

static void in_ended(struct weft__stream *s, int status)
{
	if (s->flags & (CLOSING | END_WAITS | IN_ENDED))
		return;
	if (status == 0 && (s->flags & LOST))
		status = -EPIPE;
	if (is_holding(s)) {
		s->flags |= END_WAITS;
		s->end_status = status;
	} else {
		tell_end(s, status);
	}
}

/* Not paused any more: what was held comes first. */
static void deliver_held(struct weft__stream *s)
{
	struct weft__chunk *c;

	while (!(s->flags & (PAUSED | CLOSING)) && (c = take_held(s))) {
		s->fns->data(s, c->bytes, c->end);
		chunk_free(s, c);
	}
	if ((s->flags & (PAUSED | CLOSING | END_WAITS)) == END_WAITS && !s->held_first) {
		s->flags &= ~END_WAITS;
		tell_end(s, s->end_status);
	}
}

/* ---- completions ------------------------------------------------------------------------ */

static void on_in(struct weft__io *io)
{
	struct weft__stream *s = of_in(io);

	if (io->result > 0)
		received(s, io->buf, (size_t)io->result);
	else if (io->result != -ECANCELED)
		in_ended(s, io->result);
	advance(s);
}

static void on_connected(struct weft__io *io)
{
	struct weft__stream *s = of_out(io);

	weft_free(s->addr);
	s->addr = NULL;
	s->flags &= ~OPENING;
	if (io->result < 0) {
		s->flags |= OUT_DEAD | IN_ENDED | TOLD_BROKEN;
		drop_all(s);
	}
	if (!(s->flags & CLOSING))
		s->fns->open(s, io->result < 0 ? io->result : 0);
	advance(s);
}

static void on_out(struct weft__io *io)
{
	struct weft__stream *s = of_out(io);

	if (s->flags & (CLOSING | OUT_DEAD)) {
		drop_all(s);
	} else if (io->result < 0) {
		out_died(s, io->result);
	} else {
		s->unsent -= (uint32_t)io->result;
		s->first->start += (uint32_t)io->result;
		if (s->first->start == s->first->end)
			drop_first(s);
		if (!s->first && s->fns->drained)
			s->fns->drained(s);
	}
	advance(s);
}

/* ---- what should be in flight ------------------------------------------------------------ */

static void run_job(struct weft__job *job)
{
	struct weft__stream *s = of_job(job);

	s->flags &= ~QUEUED;
	if (s->flags & CLOSED) {
		s->flags = 0;
		s->fns->closed(s);
		return;
	}
	deliver_held(s);
	advance(s);
}

static void call_later(struct weft__stream *s)
{
	if (s->flags & QUEUED)
		return;
	s->flags |= QUEUED;
	s->job.run = run_job;
	weft__loop_later(s->loop, &s->job);
}

static void start_in(struct weft__stream *s)
{
	s->in = (struct weft__io){ .done = on_in, .op = WEFT__IO_RECV, .flags = WEFT__IO_MANY, .fd = s->fd_in };
	if (weft__loop_submit(s->loop, &s->in) < 0)
		call_later(s);
}

static void stop_in(struct weft__stream *s)
{
	if (weft__loop_cancel(s->loop, &s->in) == -EAGAIN)
		call_later(s);
}

static void start_out(struct weft__stream *s)
{
	struct weft__chunk *c = s->first;

	s->out = (struct weft__io){ .done = on_out, .op = s->flags & SOCKET ? WEFT__IO_SEND : WEFT__IO_WRITE, .fd = s->fd_out,
		                    .buf = c->bytes + c->start, .len_bytes = c->end - c->start, .offset = WEFT__IO_OFFSET_NONE };
	if (weft__loop_submit(s->loop, &s->out) < 0)
		call_later(s);
}

static void shut_out(struct weft__stream *s)
{
	s->flags |= OUT_SHUT;
	if (s->flags & SOCKET) {
		weft__socket_shut(s->fd_out);
	} else if (s->fd_out != s->fd_in) {
		weft__socket_close(s->fd_out);
		s->fd_out = -1;
	}
}

static void drop_held(struct weft__stream *s)
{
	struct weft__chunk *c;

	while ((c = take_held(s)))
		chunk_free(s, c);
}

/* Cancel what is in flight; when nothing is any more, closed is next. */
static void wind_down(struct weft__stream *s)
{
	if ((is_flying(&s->in) && weft__loop_cancel(s->loop, &s->in) == -EAGAIN) ||
	    (is_flying(&s->out) && weft__loop_cancel(s->loop, &s->out) == -EAGAIN)) {
		call_later(s);
		return;
	}
	if (is_flying(&s->in) || is_flying(&s->out))
		return;
	drop_all(s);
	drop_held(s);
	weft__socket_close(s->fd_in);
	if (s->fd_out != s->fd_in)
		weft__socket_close(s->fd_out);
	s->fd_in = s->fd_out = -1;
	s->flags |= CLOSED;
	call_later(s);
}

static void advance(struct weft__stream *s)
{
	if (s->flags & CLOSED)
		return;
	if (s->flags & CLOSING) {
		wind_down(s);
		return;
	}
	if (s->flags & OPENING)
		return;
	if (is_flying(&s->in) && s->held_first)
		stop_in(s);
	else if (s->fd_in >= 0 && !is_flying(&s->in) && !is_holding(s) && !(s->flags & IN_ENDED))
		start_in(s);
	if (s->fd_out < 0 || is_flying(&s->out) || (s->flags & (OUT_DEAD | OUT_SHUT)))
		return;
	if (s->first)
		start_out(s);
	else if (s->flags & FINISHING)
		shut_out(s);
}

/* ---- calls -------------------------------------------------------------------------------- */

static void stream_init(struct weft__stream *s, struct weft__loop *loop, int fd_in, int fd_out)
{
	WEFT_ASSERT(s->fns && s->fns->data && s->fns->end && s->fns->closed);
	WEFT_ASSERT(weft__loop_is_mine(loop));
	s->loop = loop;
	s->in = s->out = (struct weft__io){ .state = 0 };
	s->first = s->last = s->held_first = s->held_last = NULL;
	s->addr = NULL;
	s->unsent = 0;
	s->fd_in = fd_in;
	s->fd_out = fd_out;
	s->flags = LIVE;
}

static int start_connect(struct weft__stream *s, const struct sockaddr *addr, socklen_t len)
{
	int r;

	s->addr = weft_malloc(len);
	if (!s->addr)
		return -ENOMEM;
	memcpy(s->addr, addr, len);
	s->out = (struct weft__io){ .done = on_connected, .op = WEFT__IO_CONNECT, .fd = s->fd_out, .buf = s->addr, .len_bytes = len };
	r = weft__loop_submit(s->loop, &s->out);
	if (r < 0)
		weft_free(s->addr);
	return r;
}

int weft__stream_connect(struct weft__loop *loop, struct weft__stream *s, const struct sockaddr *addr, socklen_t len)
{
	int fd, r;

	WEFT_ASSERT(s->fns->open);
	WEFT_RETURN_IF(len < sizeof(addr->sa_family) || len > sizeof(struct sockaddr_storage), -EINVAL);
	fd = weft__socket_open(addr->sa_family);
	if (fd < 0)
		return fd;
	weft__socket_prompt(fd); /* small writes are gathered here, not in the kernel */
	stream_init(s, loop, fd, fd);
	s->flags |= OPENING | SOCKET;
	r = start_connect(s, addr, len);
	if (r < 0) {
		s->flags = 0;
		weft__socket_close(fd);
	}
	return r;
}

int weft__stream_adopt(struct weft__loop *loop, struct weft__stream *s, int fd_in, int fd_out)
{
	int fd = fd_in < 0 ? fd_out : fd_in;

	WEFT_RETURN_IF(fd < 0, -EINVAL);
	stream_init(s, loop, fd_in, fd_out);
	if (weft__socket_is(fd)) {
		s->flags |= SOCKET;
		weft__socket_prompt(fd);
	}
	advance(s);
	return 0;
}

int weft__stream_send(struct weft__stream *s, const void *bytes, size_t len)
{
	size_t max = s->unsent_max ? s->unsent_max : WEFT__STREAM_UNSENT_BYTES, unsent = s->unsent;
	int r;

	if (!(s->flags & LIVE) || (s->flags & (CLOSING | FINISHING | OUT_DEAD)) || s->fd_out < 0)
		return -EPIPE;
	if (len > max || unsent > max - len)
		return -ENOBUFS;
	r = append(s, bytes, len);
	if (r < 0) {
		s->unsent = unsent;
		return r;
	}
	advance(s);
	return 0;
}

size_t weft__stream_unsent(const struct weft__stream *s)
{
	return s->unsent;
}

void weft__stream_pause(struct weft__stream *s, bool paused)
{
	if (paused) {
		s->flags |= PAUSED;
		return;
	}
	s->flags &= ~PAUSED;
	if (!(s->flags & LIVE))
		return;
	if (is_holding(s))
		call_later(s); /* it is delivered inside wait */
	else
		advance(s);
}

void weft__stream_finish(struct weft__stream *s)
{
	if (!(s->flags & LIVE))
		return;
	s->flags |= FINISHING;
	advance(s);
}

void weft__stream_close(struct weft__stream *s)
{
	if (!(s->flags & LIVE) || (s->flags & CLOSING))
		return;
	s->flags |= CLOSING;
	advance(s);
}

void weft__stream_reset(struct weft__stream *s)
{
	if ((s->flags & LIVE) && (s->flags & SOCKET))
		weft__socket_will_reset(s->fd_in < 0 ? s->fd_out : s->fd_in);
	weft__stream_close(s);
}

bool weft__stream_is_live(const struct weft__stream *s)
{
	return s->flags & LIVE;
}
