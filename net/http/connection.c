/* SPDX-License-Identifier: Apache-2.0 */
/*
 * net/http/connection.c - one connection of a server: requests read, handed over one at a time, the next one kept.
 *
 * Bytes that come while a request is being answered are kept, up to a bound; then the peer is held back by its window. When it
 * is answered they are read in a job of the loop, so that a long row of pipelined requests is no recursion.
 *
 * One alarm a connection, for what it waits for: a request, the rest of a head, more of a body, or the peer that does not
 * take its answer. While a handler thinks there is none: its time is its own.
 */
#include "net/http/connection.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include <weft/alloc.h>

#define KEPT_BYTES_MAX (64u << 10)
#define BYTES_KEPT_MAX (16u << 10) /* of memory between two requests */
#define BODY_BYTES_TRUSTED (64u << 10)
#define UNSENT_BYTES_MAX (256u << 10) /* of answers that are not taken: no further request is read */
#define BODY_NS_PER_BYTE (UINT64_C(1000000000) >> 10) /* at least 1 KiB/s */
#define LINGER_NS UINT64_C(2000000000)
#define CONTINUE "HTTP/1.1 100 Continue\r\n\r\n"

static void take(struct weft__http_connection *c, const uint8_t *bytes, size_t len);

static struct weft__http_connection *of_stream(struct weft__stream *s)
{
	return s->user;
}

static int bytes_room(struct weft__http_bytes *b, size_t len)
{
	size_t cap = b->cap ? b->cap : 512;
	uint8_t *more;

	while (cap < b->len + len)
		cap *= 2;
	if (cap <= b->cap)
		return 0;
	more = weft_realloc(b->ptr, cap);
	if (!more)
		return -ENOMEM;
	b->ptr = more;
	b->cap = cap;
	return 0;
}

static int bytes_add(struct weft__http_bytes *b, const void *from, size_t len)
{
	int r = bytes_room(b, len);

	if (r < 0 || !len)
		return r;
	memcpy(b->ptr + b->len, from, len);
	b->len += len;
	return 0;
}

static void bytes_drop(struct weft__http_bytes *b)
{
	weft_free(b->ptr);
	*b = (struct weft__http_bytes){ .ptr = NULL };
}

/* Of heads: they carry keys and cookies. */
static void bytes_wipe(struct weft__http_bytes *b)
{
	if (b->ptr)
		explicit_bzero(b->ptr, b->cap);
	bytes_drop(b);
}

/* Empty; what was large is given back. */
static void bytes_clear(struct weft__http_bytes *b)
{
	b->len = 0;
	if (b->cap > BYTES_KEPT_MAX)
		bytes_drop(b);
}

/* ---- time ----------------------------------------------------------------------------- */

static uint64_t taken(const struct weft__http_connection *c)
{
	return c->queued - weft__stream_unsent(&c->stream);
}

static void on_alarm(struct weft__alarm *alarm);

static void arm(struct weft__http_connection *c)
{
	c->armed_ns = c->due_ns;
	weft__loop_alarm(c->server->loop, &c->alarm, c->due_ns, on_alarm);
}

/* An alarm that rings too early is left and armed again then: each request puts it off, and it hardly ever rings. */
static void wait_for(struct weft__http_connection *c, uint64_t ns)
{
	c->watching = false;
	c->due_ns = ns == UINT64_MAX ? ns : weft__after_ns(weft_now_ns(), ns);
	if (c->due_ns != UINT64_MAX && (c->due_ns < c->armed_ns || !weft__timer_is_armed(&c->alarm.timer)))
		arm(c);
}

static void refuse_late(struct weft__http_connection *c)
{
	weft__http_refuse_request(c, 408, "the request did not come in time");
}

/* For its next piece. What has come buys time for the rest, or a byte now and then would hold the connection for ever. */
static void wait_for_body(struct weft__http_connection *c)
{
	uint64_t patience = c->server->options.body_ns, now = weft_now_ns();
	uint64_t spent, bought = c->body.len * BODY_NS_PER_BYTE, over;

	if (!c->body_since_ns)
		c->body_since_ns = now;
	spent = now - c->body_since_ns;
	over = spent > bought && patience != UINT64_MAX ? spent - bought : 0;
	if (over < patience)
		wait_for(c, patience - over);
	else
		refuse_late(c);
}

static void watch(struct weft__http_connection *c)
{
	c->taken_seen = taken(c);
	wait_for(c, c->server->options.send_ns);
	c->watching = true;
}

void weft__http_watch_sending(struct weft__http_connection *c)
{
	if (!c->watching && weft__stream_unsent(&c->stream))
		watch(c);
}

/* The kernel did not take all of an answer: is it still taking some? */
static void on_alarm_while_sending(struct weft__http_connection *c)
{
	if (taken(c) == c->taken_seen)
		weft__http_connection_end(c, true);
	else
		watch(c);
}

static void on_alarm(struct weft__alarm *alarm)
{
	struct weft__http_connection *c =
		(struct weft__http_connection *)((char *)alarm - offsetof(struct weft__http_connection, alarm));
	bool watched = c->watching;

	if (c->due_ns > weft_now_ns()) {
		if (c->due_ns != UINT64_MAX)
			arm(c);
		return;
	}
	c->watching = false;
	if (weft__stream_unsent(&c->stream)) {
		on_alarm_while_sending(c);
		return;
	}
	switch (c->phase) {
	case WEFT__HTTP_IDLE:
		if (watched)
			wait_for(c, c->server->options.idle_ns);
		else
			weft__http_connection_end(c, false);
		break;
	case WEFT__HTTP_READING:
		refuse_late(c);
		break;
	case WEFT__HTTP_ANSWERING:
		break;
	default:
		weft__http_connection_end(c, false);
		break;
	}
}

/* ---- the end -------------------------------------------------------------------------- */

static void connection_free(struct weft__http_connection *c)
{
	weft__http_parser_fini(&c->parser);
	bytes_wipe(&c->kept);
	bytes_wipe(&c->head);
	bytes_drop(&c->body);
	weft_free(c);
}

void weft__http_connection_end(struct weft__http_connection *c, bool reset)
{
	bool answering = c->phase == WEFT__HTTP_ANSWERING;

	if (c->phase == WEFT__HTTP_ENDED)
		return;
	c->phase = WEFT__HTTP_ENDED;
	weft__loop_alarm_off(c->server->loop, &c->alarm);
	if (reset)
		weft__stream_reset(&c->stream);
	else
		weft__stream_close(&c->stream);
	if (!answering)
		return;
	c->server->stats.gone++;
	if (c->x.gone)
		c->x.gone(&c->x);
}

void weft__http_connection_linger(struct weft__http_connection *c)
{
	c->phase = WEFT__HTTP_LINGERING;
	bytes_clear(&c->kept);
	if (c->peer_ended && !weft__stream_unsent(&c->stream)) {
		weft__http_connection_end(c, false);
		return;
	}
	weft__stream_finish(&c->stream);
	weft__stream_pause(&c->stream, false);
	if (weft__stream_unsent(&c->stream))
		watch(c);
	else
		wait_for(c, LINGER_NS);
}

/* ---- what is kept --------------------------------------------------------------------- */

static void keep(struct weft__http_connection *c, const uint8_t *bytes, size_t len)
{
	if (bytes_add(&c->kept, bytes, len) < 0)
		weft__http_connection_end(c, true);
	else if (c->kept.len >= KEPT_BYTES_MAX)
		weft__stream_pause(&c->stream, true);
}

static void take_kept(struct weft__http_connection *c)
{
	struct weft__http_bytes kept = c->kept;

	c->kept = (struct weft__http_bytes){ .ptr = NULL };
	take(c, kept.ptr, kept.len);
	if (c->phase != WEFT__HTTP_ENDED && c->kept.len < KEPT_BYTES_MAX)
		weft__stream_pause(&c->stream, false);
	bytes_wipe(&kept);
}

static void tell_drained(struct weft__http_connection *c)
{
	if (c->begun && c->x.drained)
		c->x.drained(&c->x);
}

static void run_job(struct weft__job *job)
{
	struct weft__http_connection *c =
		(struct weft__http_connection *)((char *)job - offsetof(struct weft__http_connection, job));

	c->job_queued = false;
	if (c->dead)
		connection_free(c);
	else if (c->phase == WEFT__HTTP_IDLE && c->kept.len)
		take_kept(c);
	else if (c->phase == WEFT__HTTP_ANSWERING && c->head_only)
		tell_drained(c);
}

void weft__http_connection_later(struct weft__http_connection *c)
{
	if (c->job_queued)
		return;
	c->job_queued = true;
	c->job.run = run_job;
	weft__loop_later(c->server->loop, &c->job);
}

static bool is_held_back(const struct weft__http_connection *c)
{
	return weft__stream_unsent(&c->stream) >= UNSENT_BYTES_MAX;
}

/* Nothing is being answered: go on with what was kept, or wait for more. */
static void go_on(struct weft__http_connection *c)
{
	if (c->kept.len && !is_held_back(c)) {
		weft__http_connection_later(c);
	} else if (c->peer_ended && !c->kept.len) {
		weft__http_connection_linger(c);
	} else if (is_held_back(c)) {
		watch(c);
	} else {
		wait_for(c, c->server->options.idle_ns);
	}
}

void weft__http_exchange_over(struct weft__http_connection *c)
{
	if (c->head.cap > BYTES_KEPT_MAX)
		bytes_wipe(&c->head);
	bytes_clear(&c->body);
	if (!c->keep || c->server->closing) {
		weft__http_connection_linger(c);
		return;
	}
	c->phase = WEFT__HTTP_IDLE;
	if (!c->taking)
		go_on(c);
}

/* ---- reading -------------------------------------------------------------------------- */

static weft_str copy(uint8_t **to, weft_str s)
{
	weft_str there = { (const char *)*to, s.len_bytes };

	if (s.len_bytes)
		memcpy(*to, s.ptr, s.len_bytes);
	*to += s.len_bytes;
	return there;
}

/* The head outlives the bytes that it came in: fields first, then the strings. */
static int head_copy(struct weft__http_connection *c, const struct weft__http_parser *p)
{
	size_t fields = p->field_count * sizeof(*p->fields), len = fields + p->method.len_bytes + p->target.len_bytes;
	struct weft__http_field *to_fields;
	uint8_t *to;

	for (uint32_t i = 0; i < p->field_count; i++)
		len += p->fields[i].name.len_bytes + p->fields[i].value.len_bytes;
	c->head.len = 0;
	if (len > c->head.cap)
		bytes_wipe(&c->head); /* growing would copy, and leave the old one */
	if (bytes_room(&c->head, len) < 0)
		return -ENOMEM;
	c->head.len = len;
	to = c->head.ptr + fields;
	to_fields = (void *)c->head.ptr;
	c->x.method = copy(&to, p->method);
	c->x.target = copy(&to, p->target);
	for (uint32_t i = 0; i < p->field_count; i++) {
		to_fields[i].name = copy(&to, p->fields[i].name);
		to_fields[i].value = copy(&to, p->fields[i].value);
	}
	c->x.fields = to_fields;
	c->x.field_count = p->field_count;
	c->x.minor = p->minor;
	return 0;
}

static int on_head(struct weft__http_parser *p, void *user)
{
	struct weft__http_connection *c = user;
	bool known = p->content_length != WEFT__HTTP_LENGTH_UNKNOWN;
	int r = head_copy(c, p);

	c->body.len = 0;
	c->body_since_ns = 0;
	if (r < 0 || (known && p->content_length > p->limits.body_bytes))
		return r; /* the parser says so next */
	if (p->expect_continue) {
		r = weft__stream_send(&c->stream, CONTINUE, sizeof(CONTINUE) - 1);
		c->queued += r < 0 ? 0 : sizeof(CONTINUE) - 1;
	}
	if (r == 0 && known && p->content_length && p->content_length <= BODY_BYTES_TRUSTED)
		r = bytes_room(&c->body, (size_t)p->content_length);
	return r;
}

static int on_body(struct weft__http_parser *p, const uint8_t *bytes, size_t len, void *user)
{
	struct weft__http_connection *c = user;

	(void)p;
	return bytes_add(&c->body, bytes, len);
}

static const struct weft__http_sink sink = { .head = on_head, .body = on_body };

static void hand_over(struct weft__http_connection *c)
{
	struct weft__http_server *s = c->server;

	c->phase = WEFT__HTTP_ANSWERING;
	c->keep = c->parser.keep_alive && !s->closing;
	c->begun = c->chunked = false;
	c->head_only = weft_str_eq(c->x.method, WEFT_STR("HEAD"));
	weft__http_parser_next(&c->parser);
	c->x.body = (weft_str){ (const char *)c->body.ptr, c->body.len };
	c->x.user = NULL;
	c->x.drained = c->x.gone = NULL;
	s->stats.requests++;
	s->options.request(&c->x, s->options.user);
}

/* Requests out of the bytes, until one is not answered at once; the rest is kept. */
static void take_all(struct weft__http_connection *c, const uint8_t *bytes, size_t len)
{
	size_t used;
	int r;

	while (len && (c->phase == WEFT__HTTP_READING || (c->phase == WEFT__HTTP_IDLE && !is_held_back(c)))) {
		r = weft__http_parse(&c->parser, bytes, len, &used);
		if (r < 0) {
			c->phase = WEFT__HTTP_READING;
			weft__http_refuse_request(c, weft__http_parse_status(&c->parser, r),
			                          c->parser.error ? c->parser.error : weft_strerror(r));
			return;
		}
		bytes += used;
		len -= used;
		if (c->parser.done)
			hand_over(c);
	}
	if (len && c->phase <= WEFT__HTTP_ANSWERING)
		keep(c, bytes, len);
}

static void take(struct weft__http_connection *c, const uint8_t *bytes, size_t len)
{
	const struct weft__http_server_options *o = &c->server->options;

	c->taking = true;
	take_all(c, bytes, len);
	c->taking = false;
	if (c->phase > WEFT__HTTP_READING) {
		if (c->phase == WEFT__HTTP_ANSWERING && !c->watching)
			wait_for(c, UINT64_MAX);
	} else if (!weft__http_parser_begun(&c->parser) || c->kept.len) {
		go_on(c);
	} else if (c->peer_ended) {
		weft__http_connection_linger(c);
	} else if (weft__http_parser_in_body(&c->parser)) {
		c->phase = WEFT__HTTP_READING;
		wait_for_body(c);
	} else if (c->phase == WEFT__HTTP_IDLE) {
		c->phase = WEFT__HTTP_READING;
		wait_for(c, o->head_ns); /* for all of it */
	}
}

/* ---- the stream ----------------------------------------------------------------------- */

static void on_data(struct weft__stream *stream, const uint8_t *bytes, size_t len)
{
	struct weft__http_connection *c = of_stream(stream);

	if (c->phase == WEFT__HTTP_ANSWERING || c->job_queued || c->kept.len)
		keep(c, bytes, len);
	else if (c->phase <= WEFT__HTTP_READING)
		take(c, bytes, len);
}

static void on_end(struct weft__stream *stream, int status)
{
	struct weft__http_connection *c = of_stream(stream);

	c->peer_ended = true;
	if (status < 0 || (c->phase == WEFT__HTTP_LINGERING && !weft__stream_unsent(stream)))
		weft__http_connection_end(c, false);
	else if (c->phase <= WEFT__HTTP_READING && !c->kept.len && !c->job_queued)
		weft__http_connection_linger(c);
}

static void on_drained(struct weft__stream *stream)
{
	struct weft__http_connection *c = of_stream(stream);

	switch (c->phase) {
	case WEFT__HTTP_IDLE:
		if (c->kept.len)
			go_on(c);
		break;
	case WEFT__HTTP_ANSWERING:
		tell_drained(c);
		break;
	case WEFT__HTTP_LINGERING:
		if (c->peer_ended)
			weft__http_connection_end(c, false);
		else
			wait_for(c, LINGER_NS);
		break;
	default:
		break;
	}
}

static void on_closed(struct weft__stream *stream)
{
	struct weft__http_connection *c = of_stream(stream);

	c->dead = true;
	weft__http_connection_gone(c);
	if (!c->job_queued)
		connection_free(c);
}

static const struct weft__stream_fns stream_fns = { .data = on_data, .end = on_end, .drained = on_drained, .closed = on_closed };

static void list_add(struct weft__http_server *s, struct weft__http_connection *c)
{
	c->next = s->connections;
	if (c->next)
		c->next->prev = c;
	s->connections = c;
	s->stats.connections++;
}

int weft__http_connection_open(struct weft__http_server *s, int fd, bool refuse)
{
	struct weft__http_connection *c = weft_calloc(1, sizeof(*c));
	int r = c ? 0 : -ENOMEM;

	if (c) {
		c->server = s;
		c->x.server = s;
		c->stream.fns = &stream_fns;
		c->stream.user = c;
		weft__http_parser_init(&c->parser, WEFT__HTTP_REQUEST, &s->options.limits, &sink, c);
		r = weft__stream_adopt(s->loop, &c->stream, fd, fd);
	}
	if (r < 0) {
		close(fd);
		weft_free(c);
		return r;
	}
	list_add(s, c);
	if (refuse)
		weft__http_refuse_request(c, 503, "too many connections");
	else
		wait_for(c, s->options.head_ns);
	return 0;
}
