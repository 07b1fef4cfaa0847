/* SPDX-License-Identifier: Apache-2.0 */
/* store/log/recover.c - see recover.h. */
#include "store/log/recover.h"

#include <errno.h>
#include <inttypes.h>

#include "store/log/names.h"
#include "store/log/reader.h"
#include "store/log/record.h"

/* What the folder lists. */
struct listing {
	uint64_t *logs; /* sorted */
	size_t count, room;
	uint64_t newest;
	uint64_t unbegun;  /* from here on segments hold nothing, and are made anew; 0: none */
	uint64_t snapshot; /* the newest; 0: none */
	uint64_t old_snapshot; /* another one; 0: none */
	bool lock, strangers;
	int status;
};

struct recovery {
	const struct weft__recover_options *opt;
	weft_error *err;
	struct weft__recovered *out;
	struct listing found;
	struct weft__reader reader;
	weft_arena *arena;
	char name[WEFT__LOG_NAME_BYTES]; /* of the file that is read */
	uint64_t done_bytes, total_bytes;

	bool any;       /* a head was read */
	uint64_t seq;   /* of the last batch, */
	uint32_t crc;   /* and its checksum */
	/* The last batch that nothing proves: number 0 is none. */
	struct {
		uint64_t seq, segment, offset;
		uint32_t chain;
	} doubt;
	bool ended;     /* by an end mark */
	uint64_t records, end_records; /* of a snapshot; end: 1 + what its end mark says, 0: not seen */
};

/* ---- saying what is wrong ------------------------------------------------------------ */

static int wrong(struct recovery *x, int code, uint64_t offset, const char *what)
{
	return weft_error_set(x->err, code, "%.150s/%s: offset %" PRIu64 ": %s", x->opt->folder, x->name, offset, what);
}

static int wrong_file(struct recovery *x, int code)
{
	return weft_error_set(x->err, code, "%.150s/%s: %s", x->opt->folder, x->name, weft_strerror(code));
}

/* ---- the folder ------------------------------------------------------------------------ */

static bool list_add(struct listing *l, uint64_t number)
{
	size_t room = l->room ? 2 * l->room : 16, at = l->count;
	uint64_t *more;

	if (l->count == l->room) {
		more = weft_realloc(l->logs, room * sizeof(*more));
		if (!more)
			return false;
		l->logs = more;
		l->room = room;
	}
	for (; at && l->logs[at - 1] > number; at--)
		l->logs[at] = l->logs[at - 1];
	l->logs[at] = number;
	l->count++;
	return true;
}

static bool ends_in_tmp(const char *name)
{
	size_t n = strlen(name);

	return n > 4 && strcmp(name + n - 4, ".tmp") == 0;
}

static bool on_name(const char *name, void *user)
{
	struct listing *l = user;
	uint64_t number;

	if (weft__segment_number(name, WEFT__SEGMENT_LOG, &number)) {
		l->status = list_add(l, number) ? 0 : -ENOMEM;
	} else if (weft__segment_number(name, WEFT__SEGMENT_SNAPSHOT, &number)) {
		if (number > l->snapshot) {
			l->old_snapshot = l->snapshot;
			l->snapshot = number;
		} else {
			l->old_snapshot = number;
		}
	} else if (strcmp(name, "lock") == 0) {
		l->lock = true;
	} else if (!ends_in_tmp(name)) {
		l->strangers = true;
	}
	return l->status == 0;
}

static int list_folder(struct recovery *x)
{
	int r = weft__dir_list(x->opt->folder, on_name, &x->found);

	if (r == 0)
		r = x->found.status;
	if (r < 0)
		return weft_error_set(x->err, r, "%.200s: %s", x->opt->folder, weft_strerror(r));
	if (x->found.strangers && !x->found.count && !x->found.snapshot)
		return weft_error_set(x->err, -ENOTEMPTY, "%.200s: holds other files, and no store", x->opt->folder);
	return 0;
}

/* ---- batches ----------------------------------------------------------------------------- */

static int deliver(struct recovery *x, const struct weft__frame *f, const char *bytes, uint64_t offset)
{
	struct weft__changes records = { bytes, bytes + f->len };
	weft_log_place place = { .file = x->name, .offset = offset, .seq = f->seq };
	uint32_t n = 0;

	if (x->reader.head.kind == WEFT__SEGMENT_SNAPSHOT)
		place.seq = 0;
	for (;;) {
		uint64_t end = 0;
		weft_change c;
		int r;

		weft_arena_reset(x->arena);
		r = weft__changes_next(&records, x->arena, &c, &end);
		if (r == WEFT_EDAMAGED)
			return wrong(x, r, offset, "a record that is none: made by a defect, not by the disk");
		if (r < 0)
			return wrong_file(x, r);
		if (r == 0)
			break;
		n++;
		if ((int)c.kind == 0) {
			x->end_records = end + 1;
			continue;
		}
		x->records++;
		x->out->summary.changes++;
		r = x->opt->fn ? x->opt->fn(&c, &place, x->opt->user) : 0;
		if (r == -ECANCELED)
			return r;
		if (r < 0)
			return wrong(x, r, offset, weft_strerror(r));
	}
	return n == f->records ? 0 : wrong(x, WEFT_EDAMAGED, offset, "another number of records than its frame says");
}

static void tell_progress(struct recovery *x, uint64_t offset)
{
	if (x->opt->progress)
		x->opt->progress(x->done_bytes + offset, x->total_bytes, x->opt->user);
}

/* Batches one after the other, from reader.offset to the one that does not follow. */
static int read_batches(struct recovery *x)
{
	struct weft__reader *r = &x->reader;

	x->ended = false;
	for (;;) {
		struct weft__frame f;
		const char *bytes;
		int found = weft__reader_batch(r, r->offset, &f, &bytes), status;

		if (found < 0)
			return wrong(x, found, r->offset, weft_strerror(found));
		if (!found || f.chain != x->crc)
			return 0;
		if (f.flags & WEFT__FRAME_END) {
			x->ended = f.seq == x->seq;
			return 0;
		}
		if (f.seq != x->seq + 1)
			return 0;
		status = deliver(x, &f, bytes, r->offset);
		if (status < 0)
			return status;
		x->seq = f.seq;
		x->crc = f.crc;
		if (r->head.kind == WEFT__SEGMENT_LOG) {
			x->doubt.seq = f.seq;
			x->doubt.segment = r->head.number;
			x->doubt.offset = r->offset;
			x->doubt.chain = f.chain;
		}
		x->out->summary.batches++;
		x->out->summary.bytes += weft__batch_bytes(f.len);
		*(r->head.kind == WEFT__SEGMENT_LOG ? &x->out->log_bytes : &x->out->snapshot_bytes) += weft__batch_bytes(f.len);
		r->offset += weft__batch_bytes(f.len);
		tell_progress(x, r->offset);
	}
}

/* ---- files --------------------------------------------------------------------------------- */

static int open_file(struct recovery *x, uint32_t kind, uint64_t number)
{
	char path[WEFT__FILE_PATH_BYTES];
	int r;

	weft__reader_close(&x->reader);
	weft__segment_name(kind, number, x->name);
	weft__log_path(x->opt->folder, x->name, path);
	r = weft__reader_open(&x->reader, path);
	return r < 0 ? wrong_file(x, r) : 0;
}

/* 0, -ENODATA (never written), or an error that was said. */
static int read_head(struct recovery *x, uint32_t kind, uint64_t number)
{
	struct weft__head *h = &x->reader.head;
	uint32_t version = 0;
	int r = weft__reader_head(&x->reader, &version);

	switch (r) {
	case 0:
		break;
	case -ENODATA:
		return r;
	case -EBADMSG:
		return wrong(x, WEFT_EDAMAGED, 0, "this is no file of weft");
	case WEFT_EVERSION:
		return weft_error_set(x->err, r, "%.150s/%s: format version %u; this weft reads version %u", x->opt->folder,
		                      x->name, version, WEFT__LOG_VERSION);
	case WEFT_EDAMAGED:
		return wrong(x, r, 0, "the head is damaged");
	default:
		return wrong(x, r, 0, weft_strerror(r));
	}
	if (h->kind != kind || h->number != number)
		return wrong(x, WEFT_EDAMAGED, 0, "the head is that of another file");
	if (x->any && !weft_uuid_eq(h->store, x->out->store))
		return wrong(x, WEFT_EDAMAGED, 0, "belongs to another store");
	x->out->store = h->store;
	x->any = true;
	return 0;
}

static int read_snapshot(struct recovery *x)
{
	int r = open_file(x, WEFT__SEGMENT_SNAPSHOT, x->found.snapshot);

	if (r == 0)
		r = read_head(x, WEFT__SEGMENT_SNAPSHOT, x->found.snapshot);
	if (r == -ENODATA)
		r = wrong(x, WEFT_EDAMAGED, 0, "the snapshot has no head");
	if (r == 0)
		r = read_batches(x);
	if (r < 0)
		return r;
	if (x->end_records != x->records + 1)
		return wrong(x, WEFT_EDAMAGED, x->reader.offset, "the snapshot is damaged here, or ends too early");
	x->seq = x->reader.head.first_seq - 1;
	x->crc = x->reader.head.chain;
	x->out->summary.snapshot = x->found.snapshot;
	x->done_bytes += x->reader.size;
	return 0;
}

/* A segment goes on where the last one ended, or says its last batch again. */
static bool goes_on(struct recovery *x, const struct weft__head *h)
{
	if (h->first_seq == x->seq + 1 && h->chain == x->crc)
		return true;
	if (!x->doubt.seq || h->first_seq != x->doubt.seq || x->doubt.seq != x->seq || h->chain != x->doubt.chain)
		return false;
	x->seq--;
	x->crc = x->doubt.chain;
	return true;
}

/* What lies behind the last batch of the last segment is unfinished, or else this is not the end. */
static int check_tail(struct recovery *x)
{
	uint64_t at = 0;
	bool dirty = false;
	char what[96];
	int r;

	if (x->ended)
		return 0;
	r = weft__reader_search(&x->reader, x->reader.offset, &at, &dirty);
	if (r < 0)
		return wrong(x, r, x->reader.offset, weft_strerror(r));
	if (r > 0) {
		snprintf(what, sizeof(what), "damaged: there is a good batch behind it, at offset %" PRIu64, at);
		return wrong(x, WEFT_EDAMAGED, x->reader.offset, what);
	}
	x->out->summary.torn = dirty;
	return 0;
}

static int read_segment(struct recovery *x, uint64_t number, bool last)
{
	char before[WEFT__LOG_NAME_BYTES], here[WEFT__LOG_NAME_BYTES];
	uint64_t ended_at = x->reader.offset;
	int r;

	memcpy(before, x->name, sizeof(before));
	r = open_file(x, WEFT__SEGMENT_LOG, number);
	if (r == 0)
		r = read_head(x, WEFT__SEGMENT_LOG, number);
	if (r == -ENODATA)
		r = wrong(x, WEFT_EDAMAGED, 0, "the head is missing");
	if (r < 0)
		return r;
	if (!goes_on(x, &x->reader.head)) {
		if (!before[0])
			return wrong(x, WEFT_EDAMAGED, 0, "does not begin with the first batch");
		memcpy(here, x->name, sizeof(here));
		memcpy(x->name, before, sizeof(before));
		return weft_error_set(x->err, WEFT_EDAMAGED,
		                      "%.100s/%s: offset %" PRIu64 ": damaged: batch %" PRIu64 " should follow, and %s begins with %" PRIu64,
		                      x->opt->folder, before, ended_at, x->seq + 1, here, x->reader.head.first_seq);
	}
	if (x->doubt.seq && x->reader.head.first_seq > x->doubt.seq)
		x->doubt.seq = 0;
	x->out->last_segment = number;
	x->out->summary.segments++;
	r = read_batches(x);
	if (r == 0 && last)
		r = check_tail(x);
	if (r < 0)
		return r;
	if (last && !x->ended && x->reader.offset == WEFT__SECTOR) {
		/* Its head is as doubtful as a last batch. What it proves of the one before does not hang on it. */
		x->found.unbegun = number;
		x->out->last_segment--;
	}
	if (x->ended && x->doubt.seq <= x->seq)
		x->doubt.seq = 0;
	x->done_bytes += x->reader.size;
	return 0;
}

/* A last segment that was made and has no head yet, or half of one, holds nothing: the one before it is the last. */
static int set_aside_unbegun(struct recovery *x)
{
	struct listing *l = &x->found;
	uint64_t at;
	bool dirty = false;
	uint32_t version;
	int r;

	if (!l->count)
		return 0;
	l->newest = l->logs[l->count - 1];
	r = open_file(x, WEFT__SEGMENT_LOG, l->logs[l->count - 1]);
	if (r < 0)
		return r;
	r = weft__reader_head(&x->reader, &version);
	if (r == -EIO || r == -ENOMEM)
		return wrong(x, r, 0, weft_strerror(r));
	if (r == -ENODATA || r == WEFT_EDAMAGED) { /* anything else is told when it is read; and this, when something follows */
		int found = weft__reader_search(&x->reader, WEFT__SECTOR, &at, &dirty);

		if (found < 0)
			return wrong(x, found, 0, weft_strerror(found));
		if (!dirty)
			l->unbegun = l->logs[--l->count]; /* it is not read */
	}
	weft__reader_close(&x->reader);
	x->name[0] = '\0';
	return 0;
}

static int read_segments(struct recovery *x)
{
	struct listing *l = &x->found;
	uint64_t next = l->snapshot ? l->snapshot : 1;

	x->out->last_segment = next - 1;
	for (size_t i = 0; i < l->count; i++) {
		int r;

		if (l->logs[i] < next)
			continue; /* older than the snapshot */
		if (l->logs[i] != next) {
			weft__segment_name(WEFT__SEGMENT_LOG, next, x->name);
			return weft_error_set(x->err, WEFT_EDAMAGED, "%.150s/%s: missing", x->opt->folder, x->name);
		}
		r = read_segment(x, next, i + 1 == l->count);
		if (r < 0)
			return r;
		next++;
	}
	return 0;
}

/* ---- the last batch ------------------------------------------------------------------------ */

static int fetch_doubt(struct recovery *x)
{
	struct weft__recovered *out = x->out;
	uint32_t version;
	struct weft__frame f;
	const char *bytes;
	int r;

	out->last_seq = x->seq;
	out->chain = x->crc;
	if (!x->doubt.seq)
		return 0;
	out->last_seq = x->doubt.seq - 1;
	out->chain = x->doubt.chain;
	r = open_file(x, WEFT__SEGMENT_LOG, x->doubt.segment);
	if (r == 0)
		r = weft__reader_head(&x->reader, &version);
	if (r == 0)
		r = weft__reader_batch(&x->reader, x->doubt.offset, &f, &bytes);
	if (r <= 0)
		return wrong(x, r < 0 ? r : -EIO, x->doubt.offset, "it was there a moment ago");
	out->again = weft_malloc(f.len + 1);
	if (!out->again)
		return wrong_file(x, -ENOMEM);
	memcpy(out->again, bytes, f.len);
	out->again_len = f.len;
	out->again_records = f.records;
	return 0;
}

/* ---- tidying -------------------------------------------------------------------------------- */

static int remove_named(struct recovery *x, uint32_t kind, uint64_t number)
{
	char path[WEFT__FILE_PATH_BYTES];

	weft__segment_path(x->opt->folder, kind, number, path);
	return weft__file_remove(path);
}

static bool drop_unfinished(const char *name, void *folder)
{
	char path[WEFT__FILE_PATH_BYTES];

	if (ends_in_tmp(name) && (strncmp(name, "snapshot-", 9) == 0 || strncmp(name, "index-", 6) == 0)) {
		weft__log_path(folder, name, path);
		weft__file_remove(path);
	}
	return true;
}

/* The last segment keeps what is good. What else is removed is older than the snapshot, or was never begun. */
static int tidy(struct recovery *x, uint64_t end)
{
	const struct listing *l = &x->found;
	uint64_t keep_from = l->snapshot;
	char path[WEFT__FILE_PATH_BYTES];
	int r, fd;

	r = weft__dir_sync(x->opt->folder); /* the snapshot's name, before what it stands for goes */
	if (r < 0)
		return r;
	for (size_t i = 0; i < l->count && l->logs[i] < keep_from; i++) /* if not now, at the next open */
		remove_named(x, WEFT__SEGMENT_LOG, l->logs[i]);
	if (l->old_snapshot)
		remove_named(x, WEFT__SEGMENT_SNAPSHOT, l->old_snapshot);
	weft__dir_list(x->opt->folder, drop_unfinished, (void *)(uintptr_t)x->opt->folder);
	for (uint64_t n = l->newest; l->unbegun && n >= l->unbegun && r == 0; n--) /* their names will be wanted */
		r = remove_named(x, WEFT__SEGMENT_LOG, n);
	if (r < 0 || !end || x->ended)
		return r;
	weft__segment_path(x->opt->folder, WEFT__SEGMENT_LOG, x->out->last_segment, path);
	fd = weft__file_open(path, WEFT__FILE_WRITE);
	if (fd < 0)
		return fd;
	r = weft__file_truncate(fd, end);
	weft__file_close(fd);
	return r;
}

/* ---- all of it -------------------------------------------------------------------------------- */

static int64_t size_of(struct recovery *x, uint32_t kind, uint64_t number)
{
	char path[WEFT__FILE_PATH_BYTES];
	int64_t size;
	int fd;

	weft__segment_path(x->opt->folder, kind, number, path);
	fd = weft__file_open(path, 0);
	size = fd < 0 ? 0 : weft__file_size(fd);
	weft__file_close(fd);
	return size < 0 ? 0 : size;
}

static void measure(struct recovery *x)
{
	if (!x->opt->progress)
		return;
	if (x->found.snapshot)
		x->total_bytes += (uint64_t)size_of(x, WEFT__SEGMENT_SNAPSHOT, x->found.snapshot);
	for (size_t i = 0; i < x->found.count; i++) {
		if (x->found.logs[i] >= x->found.snapshot)
			x->total_bytes += (uint64_t)size_of(x, WEFT__SEGMENT_LOG, x->found.logs[i]);
	}
}

static int recover(struct recovery *x)
{
	uint64_t end = 0;
	int r = list_folder(x);

	if (r == 0) {
		measure(x);
		r = set_aside_unbegun(x);
	}
	if (r == 0 && x->found.snapshot)
		r = read_snapshot(x);
	if (r == 0)
		r = read_segments(x);
	if (r == 0 && x->reader.head.kind == WEFT__SEGMENT_LOG && x->reader.head.number == x->out->last_segment)
		end = x->reader.offset;
	if (r == 0)
		r = fetch_doubt(x);
	if (r == 0 && x->opt->repair) {
		r = tidy(x, end);
		if (r < 0)
			wrong_file(x, r);
	}
	x->out->any = x->any;
	x->out->summary.last_seq = x->seq;
	x->out->summary.clean = r == 0 && !x->doubt.seq;
	return r;
}

int weft__log_recover(const struct weft__recover_options *opt, struct weft__recovered *ret, weft_error *err)
{
	struct recovery x = { .opt = opt, .err = err, .out = ret };
	int r;

	memset(ret, 0, sizeof(*ret));
	ret->summary.size = sizeof(ret->summary);
	r = weft_arena_create(0, &x.arena);
	if (r < 0)
		return weft_error_set(err, r, "%.200s: %s", opt->folder, weft_strerror(r));
	r = recover(&x);
	weft__reader_close(&x.reader);
	weft_free(x.found.logs);
	weft_arena_destroy(x.arena);
	if (r < 0) {
		weft_free(ret->again);
		ret->again = NULL;
	}
	return r;
}
