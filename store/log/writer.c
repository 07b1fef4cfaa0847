/* SPDX-License-Identifier: Apache-2.0 */
/*
 * store/log/writer.c - the thread of a log.
 *
 * Takes what was pushed, as one batch of up to a mebibyte (or one entry that is larger), makes its frame,
 * and writes it behind the last one. The file is open so that a write is done when it is
 * on the platter, past the page cache where the file system lets us: there is no sync that could
 * lie about an earlier write.
 *
 * A segment is reserved as a whole and filled with zeros a mebibyte ahead: a write into blocks that the file
 * system has never seen costs a change of its journal, half as much again as the write itself.
 */
#include "store/log/writer.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include <weft/runtime.h>

#include "runtime/base/assert.h"
#include "runtime/base/clock.h"
#include "store/log/crc.h"
#include "store/log/format.h"

#define BATCH_BYTES (1u << 20)  /* enough for a batch; one entry may be more */
#define AHEAD_BYTES (1u << 20)
#define AGAIN_NS 100000u        /* the loop takes no more now */
#define SHORT_WRITES_MAX 64u    /* in a row without a sector of progress */
#define DISK_SECTOR 512u

/* ---- one write ---------------------------------------------------------------------- */

struct one {
	struct weft__io io; /* first */
	bool done;
};

static void on_done(struct weft__io *io)
{
	((struct one *)io)->done = true;
}

static int32_t write_once(struct weft__wal *w, const char *buf, size_t len, uint64_t offset)
{
	struct one one = { .io = { .done = on_done,
		                   .fd = w->fd,
		                   .op = WEFT__IO_WRITE,
		                   .buf = (void *)(uintptr_t)buf,
		                   .len_bytes = (uint32_t)len,
		                   .offset = offset } };
	int r;

	while ((r = weft__loop_submit(w->loop, &one.io)) == -EAGAIN)
		weft__loop_wait(w->loop, AGAIN_NS);
	if (r < 0)
		return r;
	while (!one.done)
		weft__loop_wait(w->loop, UINT64_MAX);
	return one.io.result;
}

/* All of it. A short write goes on at the last whole sector: it holds nothing that was acknowledged. */
static int write_all(struct weft__wal *w, const char *buf, size_t len, uint64_t offset)
{
	uint32_t stuck = 0;

	while (len) {
		int32_t n = write_once(w, buf, len, offset);
		size_t whole = n > 0 ? (size_t)n / DISK_SECTOR * DISK_SECTOR : 0;

		if (n < 0 && n != -EINTR)
			return n;
		if (!whole && ++stuck == SHORT_WRITES_MAX)
			return -EIO;
		buf += whole;
		offset += whole;
		len -= whole;
	}
	return 0;
}

/* ---- batches -------------------------------------------------------------------------- */

/* What the buffer holds goes to offset. */
static int buf_flush(struct weft__wal *w)
{
	int r = write_all(w, w->buf, w->buffered, w->offset);

	w->offset += w->buffered;
	w->buffered = 0;
	return r;
}

static int buf_put(struct weft__wal *w, const char *bytes, size_t len)
{
	while (len) {
		size_t n = WEFT__WAL_BUF_BYTES - w->buffered;
		int r;

		if (n == 0) {
			r = buf_flush(w);
			if (r < 0)
				return r;
			continue;
		}
		n = n < len ? n : len;
		memcpy(w->buf + w->buffered, bytes, n);
		w->buffered += n;
		bytes += n;
		len -= n;
	}
	return 0;
}

static int buf_end(struct weft__wal *w)
{
	size_t over = w->buffered % WEFT__SECTOR;

	if (over) {
		memset(w->buf + w->buffered, 0, WEFT__SECTOR - over);
		w->buffered += WEFT__SECTOR - over;
	}
	return buf_flush(w);
}

static int write_frame(struct weft__wal *w, const struct weft__frame *frame)
{
	char bytes[WEFT__FRAME_BYTES];

	weft__frame_put(bytes, frame);
	return buf_put(w, bytes, sizeof(bytes));
}

/* Zeros behind a batch of so many bytes, when the last ones are used up. */
static int zero_ahead(struct weft__wal *w, uint64_t bytes)
{
	uint64_t from = w->offset + bytes, n;
	int r;

	if (from <= w->zeroed || from >= w->size)
		return 0;
	n = w->size - from < AHEAD_BYTES ? w->size - from : AHEAD_BYTES;
	memset(w->buf, 0, WEFT__WAL_BUF_BYTES);
	r = write_all(w, w->buf, n, from);
	w->zeroed = from + n;
	return r;
}

static_assert(AHEAD_BYTES <= WEFT__WAL_BUF_BYTES, "zeros come out of the buffer");

/* ---- segments --------------------------------------------------------------------------- */

/* Nothing comes after it: so all of it is on the platter, which recovery need not doubt then. */
static void segment_end(struct weft__wal *w)
{
	struct weft__frame mark = { .seq = w->seq, .chain = w->crc, .flags = WEFT__FRAME_END };

	if (w->fd < 0)
		return;
	if (w->status == 0) { /* what goes wrong here costs a doubt, and some room, no more */
		mark.crc = weft__frame_begin(&mark, w->head_crc);
		if (w->offset + WEFT__SECTOR <= w->size && write_frame(w, &mark) == 0)
			buf_end(w);
		weft__file_truncate(w->fd, w->offset);
	}
	w->buffered = 0;
	weft__file_close(w->fd);
	w->fd = -1;
}

static int segment_fill(struct weft__wal *w, const char *path, uint64_t number)
{
	struct weft__head head = { .kind = WEFT__SEGMENT_LOG,
		                   .store = w->config.store,
		                   .number = number,
		                   .first_seq = w->seq + 1,
		                   .chain = w->crc,
		                   .created_ms = weft_wall_ms() };
	int r;

	w->fd = weft__file_open(path, WEFT__FILE_WRITE | WEFT__FILE_CREATE | WEFT__FILE_DURABLE);
	if (w->fd < 0)
		return w->fd;
	r = weft__file_reserve(w->fd, w->size);
	if (r < 0)
		return r;
	weft__head_put(w->buf, &head);
	w->head_crc = head.crc;
	r = write_all(w, w->buf, WEFT__SECTOR, 0);
	return r < 0 ? r : weft__dir_sync(w->folder);
}

/* Begin one with room for a batch of so many bytes. */
static int segment_begin(struct weft__wal *w, uint64_t bytes)
{
	char path[WEFT__FILE_PATH_BYTES];
	int r;

	segment_end(w);
	weft__segment_path(w->folder, WEFT__SEGMENT_LOG, w->segment + 1, path);
	w->size = w->config.segment_bytes / WEFT__SECTOR * WEFT__SECTOR;
	if (w->size < 2 * WEFT__SECTOR + bytes) /* an end mark has room, too */
		w->size = 2 * WEFT__SECTOR + bytes;
	r = segment_fill(w, path, w->segment + 1);
	if (r < 0) {
		if (w->fd >= 0)
			weft__file_remove(path);
		weft__file_close(w->fd);
		w->fd = -1;
		return r;
	}
	w->segment++;
	w->offset = w->zeroed = WEFT__SECTOR;
	return 0;
}

/* ---- taking and giving ------------------------------------------------------------------- */

struct batch {
	struct weft__entry *first; /* until NULL; the thread's */
	uint64_t entries, len;
	uint32_t records;
	bool roll;
};

/* With the lock. A roll ends a batch. */
static struct batch take_locked(struct weft__wal *w)
{
	struct batch b = { .first = w->first };
	struct weft__entry **at = &w->first;

	while (*at && !b.roll && (b.entries == 0 || b.len + (*at)->len <= BATCH_BYTES)) {
		b.entries++;
		b.len += (*at)->len;
		b.records += (*at)->records;
		b.roll = (*at)->roll;
		at = &(*at)->next;
	}
	w->first = *at;
	if (!w->first)
		w->end = &w->first;
	*at = NULL;
	return b;
}

static int write_batch(struct weft__wal *w, const struct batch *b)
{
	struct weft__frame frame = { .seq = w->seq + 1, .chain = w->crc, .records = b->records, .len = (uint32_t)b->len };
	uint64_t bytes = weft__batch_bytes(b->len);
	int r = 0;

	if (!b->records)
		return 0;
	if (w->fd < 0 || w->offset + bytes > w->size)
		r = segment_begin(w, bytes);
	if (r == 0)
		r = zero_ahead(w, bytes);
	if (r < 0)
		return r;
	frame.crc = weft__frame_begin(&frame, w->head_crc);
	for (const struct weft__entry *e = b->first; e; e = e->next)
		frame.crc = weft__crc32c(frame.crc, e->bytes, e->len);
	r = write_frame(w, &frame);
	for (const struct weft__entry *e = b->first; e && r == 0; e = e->next)
		r = buf_put(w, e->bytes, e->len);
	if (r == 0)
		r = buf_end(w);
	if (r < 0)
		return r;
	w->seq++;
	w->crc = frame.crc;
	return 0;
}

static void roll(struct weft__wal *w)
{
	segment_end(w);
	pthread_mutex_lock(&w->lock);
	w->rolled_bytes = w->log_bytes;
	w->grown = 0;
	w->mark = (struct weft__wal_mark){ .segment = w->segment + 1, .first_seq = w->seq + 1, .chain = w->crc };
	pthread_mutex_unlock(&w->lock);
}

/* With the lock. Is it time for a snapshot? */
static bool has_grown(struct weft__wal *w, uint64_t bytes)
{
	w->log_bytes += bytes;
	w->grown += bytes;
	if (!w->on_grown || w->grown < w->config.grown_bytes || w->grown < w->snapshot_bytes)
		return false;
	w->grown = 0;
	return true;
}

/* Tell all that waited. */
static void acknowledge(struct weft__wal *w, const struct batch *b, int status)
{
	uint64_t bytes = b->records ? weft__batch_bytes(b->len) : 0;
	bool wake, grown = false;

	pthread_mutex_lock(&w->lock);
	w->bytes_waiting -= b->len;
	if (status < 0) {
		w->status = status;
	} else {
		w->durable += b->entries;
		w->stats.changes_durable += b->records;
		w->stats.batches += b->records ? 1 : 0;
		w->stats.bytes += bytes;
		w->stats.segment = w->segment;
		grown = has_grown(w, bytes);
	}
	weft__writer_turn(w);
	wake = w->sleepers > 0;
	pthread_mutex_unlock(&w->lock);
	if (wake)
		weft__word_wake(&w->turn);
	if (grown)
		w->on_grown(w->on_grown_user); /* set before it has grown, and never again */
}

/* Callbacks, in order, and the end of the entries. */
static void entries_end(struct weft__entry *e, int status)
{
	while (e) {
		struct weft__entry *next = e->next;

		if (e->fn)
			e->fn(status, e->user);
		weft_free(e);
		e = next;
	}
}

static void do_batch(struct weft__wal *w, struct batch *b)
{
	int status = w->status; /* this thread alone sets it */

	if (status == 0)
		status = write_batch(w, b);
	if (status == -ENOMEM)
		status = -EIO; /* the kernel's; to a caller -ENOMEM says that nothing has changed */
	if (status == 0 && b->roll)
		roll(w);
	acknowledge(w, b, status);
	entries_end(b->first, status);
}

/* ---- the thread ----------------------------------------------------------------------------- */

/* With the lock. */
static bool is_urgent(const struct weft__wal *w)
{
	return w->urgent > w->durable || w->closing || w->status || w->bytes_waiting >= w->config.waiting_bytes_max / 2;
}

bool weft__writer_should_wake(struct weft__wal *w)
{
	if (!w->first || w->asleep == WEFT__WRITER_AWAKE || (w->asleep == WEFT__WRITER_TO_URGENT && !is_urgent(w)))
		return false;
	w->asleep = WEFT__WRITER_AWAKE;
	return true;
}

/* With the lock: how long to sleep for what is there; 0: not at all. */
static uint64_t sleep_ns(const struct weft__wal *w, uint64_t since_ns)
{
	uint64_t now;

	if (!w->first)
		return w->stopping ? 0 : UINT64_MAX;
	if (w->config.sync == WEFT_STORE_SYNC_WRITE || is_urgent(w))
		return 0;
	if (w->config.sync == WEFT_STORE_SYNC_DEMAND)
		return UINT64_MAX;
	now = weft_now_ns();
	return now - since_ns < w->config.interval_ns ? w->config.interval_ns - (now - since_ns) : 0;
}

/* Takes the lock, and a batch. since_ns: when the oldest entry was first seen. False: closed, and all is done. */
static bool take_or_sleep(struct weft__wal *w, uint64_t *since_ns, struct batch *ret)
{
	uint64_t ns;

	pthread_mutex_lock(&w->lock);
	while ((ns = sleep_ns(w, *since_ns)) > 0) {
		bool had = w->first != NULL;

		w->asleep = had || w->config.sync == WEFT_STORE_SYNC_DEMAND ? WEFT__WRITER_TO_URGENT : WEFT__WRITER_TO_ANY;
		pthread_mutex_unlock(&w->lock);
		weft__loop_wait(w->loop, ns);
		pthread_mutex_lock(&w->lock);
		w->asleep = WEFT__WRITER_AWAKE;
		if (!had)
			*since_ns = weft_now_ns();
	}
	*ret = take_locked(w);
	*since_ns = weft_now_ns();
	pthread_mutex_unlock(&w->lock);
	return ret->first != NULL;
}

struct starting {
	struct weft__wal *w;
	_Atomic(uint32_t) ready;
	int status;
};

static void *writer_main(void *arg)
{
	struct starting *starting = arg;
	struct weft__wal *w = starting->w;
	uint64_t since_ns = weft_now_ns();
	struct batch b;
	int status;

	status = starting->status = weft__loop_open(WEFT_IO_AUTO, &w->loop, NULL);
	/* release: the loop, to who started us; starting is gone after it */
	weft__store_release(&starting->ready, 1u);
	weft__word_wake(&starting->ready);
	if (status < 0)
		return NULL;
	while (take_or_sleep(w, &since_ns, &b))
		do_batch(w, &b);
	segment_end(w);
	weft__loop_retire(w->loop); /* closed by who joins: a wake may be on its way */
	return NULL;
}

int weft__writer_start(struct weft__wal *w)
{
	struct starting starting = { .w = w };
	int r = weft__thread_start("weft-log", writer_main, &starting, &w->thread);

	if (r < 0)
		return r;
	while (!weft__load_acquire(&starting.ready))
		weft__word_wait(&starting.ready, 0, UINT64_MAX);
	if (starting.status < 0)
		weft__thread_join(w->thread);
	return starting.status;
}
