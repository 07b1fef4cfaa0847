/* SPDX-License-Identifier: Apache-2.0 */
/* store/durable.c - a store with a log: opened, flushed, closed. What stands on disk is store/log's. */
#include <weft/durable.h>

#include <errno.h>
#include <string.h>

#include <weft/runtime.h>

#include "runtime/io/file.h"
#include "store/log/names.h"
#include "store/log/recover.h"
#include "store/log/wal.h"
#include "store/saved.h"
#include "store/store.h"

#define INTERVAL_MS_DEFAULT 10u
#define SEGMENT_BYTES_DEFAULT (UINT64_C(64) << 20)
#define SNAPSHOT_LOG_BYTES_DEFAULT (UINT64_C(256) << 20)
#define WAITING_BYTES_DEFAULT (UINT64_C(16) << 20)
#define BYTES_MIN (UINT64_C(64) << 10)
#define BYTES_MAX (UINT64_C(1) << 40)

/* ---- opening ---------------------------------------------------------------------- */

struct opening {
	const char *path;
	weft_store_open_options opt;
	weft_store *store;
	int lock_fd;
	weft_error *err;
};

static int failed(struct opening *o, int code)
{
	return weft_error_set(o->err, code, "%.200s: %s", o->path, weft_strerror(code));
}

static uint64_t option(uint64_t value, uint64_t when_zero)
{
	return value ? value : when_zero;
}

static int check_options(struct opening *o)
{
	weft_store_open_options *opt = &o->opt;

	if (opt->size != sizeof(*opt) || (unsigned)opt->sync > WEFT_STORE_SYNC_DEMAND)
		return weft_error_set(o->err, -EINVAL, "options: size or sync is none");
	opt->interval_ms = (uint32_t)option(opt->interval_ms, INTERVAL_MS_DEFAULT);
	opt->segment_bytes = option(opt->segment_bytes, SEGMENT_BYTES_DEFAULT);
	opt->snapshot_log_bytes = option(opt->snapshot_log_bytes, SNAPSHOT_LOG_BYTES_DEFAULT);
	opt->waiting_bytes_max = option(opt->waiting_bytes_max, WAITING_BYTES_DEFAULT);
	if (opt->segment_bytes < BYTES_MIN || opt->segment_bytes > BYTES_MAX)
		return weft_error_set(o->err, -EINVAL, "options: segment_bytes is not between 64 KiB and 1 TiB");
	if (opt->snapshot_log_bytes < BYTES_MIN)
		return weft_error_set(o->err, -EINVAL, "options: snapshot_log_bytes is less than 64 KiB");
	if (opt->waiting_bytes_max < BYTES_MIN)
		return weft_error_set(o->err, -EINVAL, "options: waiting_bytes_max is less than 64 KiB");
	if (strlen(o->path) >= WEFT__LOG_FOLDER_BYTES)
		return failed(o, -ENAMETOOLONG);
	return 0;
}

/* The name of a folder that was made lasts as long as that of its parent: this is the parent's sync. */
static int sync_parent(const char *path)
{
	char parent[WEFT__FILE_PATH_BYTES];
	size_t n = strlen(path);

	while (n > 1 && path[n - 1] == '/')
		n--;
	while (n && path[n - 1] != '/')
		n--;
	snprintf(parent, sizeof(parent), "%.*s", n ? (int)n : 1, n ? path : ".");
	return weft__dir_sync(parent);
}

static int make_folder(struct opening *o)
{
	int r;

	if (o->opt.must_exist)
		return 0;
	r = weft__dir_make(o->path);
	if (r == 0)
		r = sync_parent(o->path);
	return r == -EEXIST || r == 0 ? 0 : failed(o, r);
}

struct look {
	bool ours, strangers;
};

static bool on_name(const char *name, void *user)
{
	struct look *look = user;
	uint64_t number;

	look->ours |= strcmp(name, "lock") == 0 || weft__segment_number(name, WEFT__SEGMENT_LOG, &number) ||
	              weft__segment_number(name, WEFT__SEGMENT_SNAPSHOT, &number);
	look->strangers = true;
	return !look->ours;
}

/* No lock file is left in a folder of somebody else's. */
static int look_before_lock(struct opening *o)
{
	struct look look = { false, false };
	int r = weft__dir_list(o->path, on_name, &look);

	if (r < 0)
		return failed(o, r);
	if (look.ours)
		return 0;
	if (o->opt.must_exist)
		return weft_error_set(o->err, -ENOENT, "%.200s: holds no store", o->path);
	if (look.strangers)
		return weft_error_set(o->err, -ENOTEMPTY, "%.200s: holds other files, and no store", o->path);
	return 0;
}

static int take_lock(struct opening *o)
{
	char path[WEFT__FILE_PATH_BYTES];
	int64_t owner;

	weft__log_path(o->path, "lock", path);
	o->lock_fd = weft__file_lock(path, &owner);
	if (o->lock_fd == -EBUSY && owner)
		return weft_error_set(o->err, -EBUSY, "%.200s: process %lld has it open", o->path, (long long)owner);
	if (o->lock_fd == -EBUSY)
		return weft_error_set(o->err, -EBUSY, "%.200s: another process has it open", o->path);
	return o->lock_fd < 0 ? failed(o, o->lock_fd) : 0;
}

static int replay(const weft_change *change, const weft_log_place *place, void *user)
{
	struct opening *o = user;
	int r = weft_store_apply(o->store, change);

	(void)place;
	o->store->read_changes++;
	/* A change of a memory that a snapshot no longer had: its deletion comes later in the log. */
	return r == -ENOENT ? 0 : r;
}

static void tell_progress(uint64_t done_bytes, uint64_t total_bytes, void *user)
{
	struct opening *o = user;

	o->opt.progress(done_bytes, total_bytes, o->opt.user);
}

static int read_all(struct opening *o, struct weft__recovered *ret)
{
	struct weft__recover_options opt = {
		.folder = o->path,
		.repair = true,
		.fn = replay,
		.progress = o->opt.progress ? tell_progress : NULL,
		.user = o,
	};
	int r = weft__log_recover(&opt, ret, o->err);

	if (r == 0 && !ret->any && o->opt.must_exist)
		return weft_error_set(o->err, -ENOENT, "%.200s: holds no store", o->path);
	return r;
}

/* Say the last batch once more, where nothing proves that it is on the platter. */
static int say_again(struct weft__wal *wal, const struct weft__recovered *from)
{
	struct weft__entry *e;
	int r;

	if (!from->again)
		return 0;
	r = weft__wal_entry_make(wal, from->again_len, &e);
	if (r < 0)
		return r;
	memcpy(e->bytes, from->again, from->again_len);
	e->records = from->again_records;
	return weft__wal_wait(wal, weft__wal_push(wal, e));
}

static int start_log(struct opening *o, const struct weft__recovered *from)
{
	struct weft__wal_config config = {
		.store = from->any ? from->store : weft_uuid_v7(),
		.last_segment = from->last_segment,
		.last_seq = from->last_seq,
		.chain = from->chain,
		.lock_fd = o->lock_fd,
		.sync = o->opt.sync,
		.interval_ns = o->opt.interval_ms * UINT64_C(1000000),
		.segment_bytes = o->opt.segment_bytes,
		.waiting_bytes_max = o->opt.waiting_bytes_max,
		.log_bytes = from->log_bytes,
		.snapshot_bytes = from->snapshot_bytes,
		.grown_bytes = o->opt.snapshot_log_bytes,
	};
	char folder[WEFT__FILE_PATH_BYTES];
	struct weft__wal *wal;
	int r = weft__dir_absolute(o->path, folder);

	config.folder = folder;
	if (r == 0)
		r = weft__wal_open(&config, &wal);
	if (r < 0)
		return failed(o, r);
	o->lock_fd = -1; /* the log's */
	r = say_again(wal, from);
	if (r < 0) {
		weft__wal_close(wal);
		weft__wal_free(wal);
		return failed(o, r);
	}
	o->store->wal = wal;
	weft__wal_watch(wal, weft__keeper_grown, o->store);
	return 0;
}

static int open_in(struct opening *o)
{
	weft_store_options options = WEFT_STORE_OPTIONS_INIT;
	struct weft__recovered recovered = { .again = NULL };
	uint64_t start_ns = weft_now_ns();
	int r = make_folder(o);

	if (r == 0)
		r = look_before_lock(o);
	if (r == 0)
		r = take_lock(o);
	if (r < 0)
		return r;
	options.shards = o->opt.shards;
	r = weft_store_create(&options, &o->store);
	if (r < 0)
		return failed(o, r);
	weft__saved_open(o->store, o->path);
	o->store->opening = true;
	r = read_all(o, &recovered);
	o->store->opening = false;
	if (r == 0)
		r = start_log(o, &recovered);
	weft_free(recovered.again);
	o->store->read_ns = weft_now_ns() - start_ns;
	return r;
}

int weft_store_open(const char *path, const weft_store_open_options *opt, weft_store **ret_store, weft_error *err)
{
	struct opening o = { .path = path, .opt = WEFT_STORE_OPEN_OPTIONS_INIT, .lock_fd = -1, .err = err };
	int r;

	if (!path || !*path || !ret_store)
		return weft_error_set(err, -EINVAL, "path or ret_store: not given");
	if (opt)
		o.opt = *opt;
	r = check_options(&o);
	if (r == 0)
		r = open_in(&o);
	weft__file_close(o.lock_fd);
	if (r < 0) {
		weft_store_unref(o.store);
		return r;
	}
	*ret_store = o.store;
	return 0;
}

/* ---- flushing and closing -------------------------------------------------------------- */

int weft_store_flush(weft_store *store)
{
	int r;

	if (!store)
		return -EINVAL;
	if (!store->wal)
		return 0;
	if (weft__wal_enter(store->wal) < 0)
		return weft__wal_status(store->wal); /* closed: all was written, or will never be */
	r = weft__wal_flush(store->wal);
	weft__wal_leave(store->wal);
	return r;
}

/* With the log entered. */
static int flush_later(struct weft__wal *wal, weft_store_flushed fn, void *user)
{
	struct weft__entry *e;
	int r = weft__wal_entry_make(wal, 0, &e);

	if (r == 0) {
		e->fn = fn;
		e->user = user;
		weft__wal_hurry(wal, weft__wal_push(wal, e));
	}
	return r;
}

int weft_store_flush_async(weft_store *store, weft_store_flushed fn, void *user)
{
	int r;

	if (!store || !fn)
		return -EINVAL;
	if (!store->wal) {
		fn(0, user);
		return 0;
	}
	r = weft__wal_enter(store->wal);
	if (r == 0) {
		r = flush_later(store->wal, fn, user);
		weft__wal_leave(store->wal);
	}
	if (r == -ESHUTDOWN || r == WEFT_ELOGFAILED) {
		fn(weft__wal_status(store->wal), user);
		r = 0;
	}
	return r;
}

int weft_store_close(weft_store *store)
{
	int r = 0;

	if (!store)
		return -EINVAL;
	if (store->wal && !weft__xchg_acq_rel(&store->closed, 1u)) {
		r = weft__wal_close(store->wal);
		weft__keeper_join(&store->keeper);
	}
	else if (store->wal)
		r = weft__wal_status(store->wal);
	weft_store_unref(store);
	return r;
}

int weft_store_log_stats_read(weft_store *store, weft_store_log_stats *ret_stats)
{
	if (!store || !ret_stats || ret_stats->size != sizeof(*ret_stats))
		return -EINVAL;
	if (!store->wal)
		return -ENOSYS;
	weft__wal_stats(store->wal, ret_stats);
	ret_stats->size = sizeof(*ret_stats);
	ret_stats->read_changes = store->read_changes;
	ret_stats->read_ns = store->read_ns;
	return 0;
}

/* ---- reading without opening ------------------------------------------------------------- */

struct reading {
	weft_log_visitor fn;
	void *user;
};

static int show(const weft_change *change, const weft_log_place *place, void *user)
{
	struct reading *r = user;

	return !r->fn || r->fn(change, place, r->user) ? 0 : -ECANCELED;
}

int weft_log_read(const char *path, weft_log_visitor fn, void *user, weft_log_summary *ret_summary, weft_error *err)
{
	struct reading reading = { fn, user };
	struct weft__recover_options opt = { .folder = path, .fn = show, .user = &reading };
	struct weft__recovered recovered;
	int r;

	if (!path || !*path || (ret_summary && ret_summary->size != sizeof(*ret_summary)))
		return weft_error_set(err, -EINVAL, "path or summary: not given");
	if (strlen(path) >= WEFT__LOG_FOLDER_BYTES)
		return weft_error_set(err, -ENAMETOOLONG, "%.200s: %s", path, weft_strerror(-ENAMETOOLONG));
	r = weft__log_recover(&opt, &recovered, err);
	if (r == 0 && !recovered.any)
		r = weft_error_set(err, -ENOENT, "%.200s: holds no store", path);
	weft_free(recovered.again);
	if (ret_summary)
		*ret_summary = recovered.summary;
	return r;
}
