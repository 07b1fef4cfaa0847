/* SPDX-License-Identifier: Apache-2.0 */
/*
 * store/snapshot.c - all that a store holds as one file, made while it is used; then the log before it goes.
 *
 *   roll:    the log begins a new segment, S: what is in segments before S is in memory, too
 *   copy:    every change that would make the store, into snapshot-S.tmp, one room at a time under its lock
 *   commit:  sync the file, rename it to snapshot-S, sync the folder
 *   drop:    segments before S, older snapshots
 *   save:    the agents' indexes (saved.h), after those of the last snapshot have gone
 *
 * A room may be copied with changes in it that stand in segment S as well; store/change.c says
 * why making them twice does no harm. A process that ends on the way leaves a .tmp, which the next open removes, or
 * two ways to read the same store.
 */
#include <weft/durable.h>

#include <errno.h>
#include <string.h>

#include "runtime/base/atomic.h"
#include "runtime/base/clock.h"
#include "runtime/io/file.h"
#include "store/log/crc.h"
#include "store/log/names.h"
#include "store/log/record.h"
#include "store/log/wal.h"
#include "store/saved.h"
#include "store/store.h"

#define BATCH_BYTES (1u << 20) /* a batch ends with the record that reaches it */

struct snapshot {
	const weft_store *store;
	bool by_itself; /* nobody waits for it */
	const char *folder;
	char name[WEFT__LOG_NAME_BYTES], tmp[WEFT__FILE_PATH_BYTES];
	int fd, status;
	uint32_t head_crc, chain;
	uint64_t offset, seq, records;
	uint32_t in_batch;
	char *buf;         /* frame and records; owned */
	size_t len, room;
};

static int batch_write(struct snapshot *s)
{
	size_t bytes = weft__batch_bytes(s->len - WEFT__FRAME_BYTES);
	struct weft__frame f = {
		.seq = s->seq + 1, .chain = s->chain, .records = s->in_batch, .len = (uint32_t)(s->len - WEFT__FRAME_BYTES)
	};
	int r;

	if (!s->in_batch)
		return 0;
	f.crc = weft__crc32c(weft__frame_begin(&f, s->head_crc), s->buf + WEFT__FRAME_BYTES, f.len);
	weft__frame_put(s->buf, &f);
	memset(s->buf + s->len, 0, bytes - s->len);
	r = weft__file_write(s->fd, s->buf, bytes, s->offset);
	s->offset += bytes;
	s->seq = f.seq;
	s->chain = f.crc;
	s->in_batch = 0;
	s->len = WEFT__FRAME_BYTES;
	return r;
}

/* Room for so many more bytes, and for the padding. */
static int batch_reserve(struct snapshot *s, size_t bytes)
{
	size_t want = s->len + bytes + WEFT__SECTOR, room = s->room;
	char *more;

	if (want <= room)
		return 0;
	while (room < want)
		room *= 2;
	more = weft_realloc(s->buf, room);
	if (!more)
		return -ENOMEM;
	s->buf = more;
	s->room = room;
	return 0;
}

static bool on_change(const weft_change *change, void *user)
{
	struct snapshot *s = user;
	size_t bytes = weft__change_bytes(change);

	/* relaxed: a look; who closes waits until we have left the log */
	if (s->by_itself && weft__load_relaxed(&s->store->closed))
		s->status = -ECANCELED;
	else
		s->status = batch_reserve(s, bytes);
	if (s->status < 0)
		return false;
	weft__change_put(s->buf + s->len, change);
	s->len += bytes;
	s->in_batch++;
	s->records++;
	if (s->len >= BATCH_BYTES)
		s->status = batch_write(s);
	return s->status == 0;
}

static int begin(struct snapshot *s, struct weft__wal *wal, const struct weft__wal_mark *mark)
{
	struct weft__head head = { .kind = WEFT__SEGMENT_SNAPSHOT,
		                   .store = weft__wal_store_id(wal),
		                   .number = mark->segment,
		                   .first_seq = mark->first_seq,
		                   .chain = mark->chain,
		                   .created_ms = weft_wall_ms() };
	char tmp[WEFT__LOG_NAME_BYTES + 4];
	int r;

	s->folder = weft__wal_folder(wal);
	weft__segment_name(WEFT__SEGMENT_SNAPSHOT, mark->segment, s->name);
	snprintf(tmp, sizeof(tmp), "%s.tmp", s->name);
	weft__log_path(s->folder, tmp, s->tmp);
	s->room = BATCH_BYTES + WEFT__SECTOR;
	s->buf = weft_malloc(s->room);
	if (!s->buf)
		return -ENOMEM;
	r = weft__file_remove(s->tmp); /* of an earlier try */
	if (r < 0 && r != -ENOENT)
		return r;
	s->fd = weft__file_open(s->tmp, WEFT__FILE_WRITE | WEFT__FILE_CREATE);
	if (s->fd < 0)
		return s->fd;
	weft__head_put(s->buf, &head);
	s->head_crc = head.crc;
	s->offset = WEFT__SECTOR;
	s->len = WEFT__FRAME_BYTES;
	return weft__file_write(s->fd, s->buf, WEFT__SECTOR, 0);
}

static int copy(struct snapshot *s, weft_store *store)
{
	int r = weft_store_visit(store, on_change, s);

	if (r == -ECANCELED)
		r = s->status;
	if (r == 0)
		r = batch_reserve(s, WEFT__RECORD_END_BYTES);
	if (r < 0)
		return r;
	weft__change_put_end(s->buf + s->len, s->records);
	s->len += WEFT__RECORD_END_BYTES;
	s->in_batch++;
	return batch_write(s);
}

static int commit(struct snapshot *s)
{
	char path[WEFT__FILE_PATH_BYTES];
	int r = weft__file_sync(s->fd);

	weft__log_path(s->folder, s->name, path);
	if (r == 0)
		r = weft__file_rename(s->tmp, path);
	return r < 0 ? r : weft__dir_sync(s->folder);
}

/* ---- what is no longer needed ----------------------------------------------------------- */

struct dropping {
	const char *folder;
	uint64_t before;
};

static bool drop_one(const char *name, void *user)
{
	struct dropping *d = user;
	char path[WEFT__FILE_PATH_BYTES];
	uint64_t number;

	if ((weft__segment_number(name, WEFT__SEGMENT_LOG, &number) ||
	     weft__segment_number(name, WEFT__SEGMENT_SNAPSHOT, &number)) &&
	    number < d->before) {
		weft__log_path(d->folder, name, path);
		weft__file_remove(path);
	}
	return true;
}

/* ---- all of it ----------------------------------------------------------------------------- */

static int roll(struct weft__wal *wal, struct weft__wal_mark *ret_mark)
{
	struct weft__entry *e;
	int r = weft__wal_entry_make(wal, 0, &e);

	if (r < 0)
		return r;
	e->roll = true;
	r = weft__wal_wait(wal, weft__wal_push(wal, e));
	*ret_mark = weft__wal_mark(wal);
	return r;
}

/* With the log entered. */
static int make(weft_store *store, bool by_itself)
{
	struct snapshot s = { .store = store, .by_itself = by_itself, .fd = -1 };
	struct weft__wal_mark mark;
	int r = roll(store->wal, &mark);

	if (r == 0)
		r = begin(&s, store->wal, &mark);
	if (r == 0)
		r = copy(&s, store);
	if (r == 0)
		r = commit(&s);
	weft__file_close(s.fd);
	weft_free(s.buf);
	weft__wal_snapshot_ended(store->wal, r, s.offset);
	if (r == 0) {
		weft__saved_drop(s.folder, 0);
		weft__saved_make(store, s.folder, mark.segment, by_itself);
	}
	if (r == 0) /* what stays for now is dropped by the next one, or the next open */
		weft__dir_list(s.folder, drop_one, &(struct dropping){ s.folder, mark.segment });
	else if (s.fd >= 0)
		weft__file_remove(s.tmp);
	return r;
}

int weft__snapshot_make(weft_store *store, bool by_itself)
{
	int r;

	if (weft__xchg_acq_rel(&store->in_snapshot, 1u))
		return -EBUSY;
	r = weft__wal_enter(store->wal);
	if (r == 0) {
		r = make(store, by_itself);
		weft__wal_leave(store->wal);
	}
	weft__store_release(&store->in_snapshot, 0u); /* release: what was done for this one, to who makes the next */
	return r;
}

int weft_store_snapshot(weft_store *store, weft_error *err)
{
	int r;

	if (!store)
		return weft_error_set(err, -EINVAL, "store: not given");
	if (!store->wal)
		return weft_error_set(err, -ENOSYS, "a store in memory has no snapshots");
	r = weft__snapshot_make(store, false);
	if (r == -EBUSY)
		return weft_error_set(err, -EBUSY, "another snapshot is being made");
	return r < 0 ? weft_error_set(err, r, "%.200s: snapshot: %s", weft__wal_folder(store->wal), weft_strerror(r)) : 0;
}
