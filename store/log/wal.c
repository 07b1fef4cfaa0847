/* SPDX-License-Identifier: Apache-2.0 */
/* store/log/wal.c - what callers of a log do: push, wait, flush; its thread is in writer.c. */
#include "store/log/wal.h"

#include <errno.h>
#include <string.h>

#include <weft/runtime.h>

#include "runtime/base/assert.h"
#include "store/log/format.h"
#include "store/log/writer.h"

/* ---- entries ---------------------------------------------------------------------- */

static bool is_full(const struct weft__wal *w)
{
	return w->bytes_waiting >= w->config.waiting_bytes_max;
}

/* With the lock, which is left meanwhile: sleep until something was written, or failed. */
static void sleep_locked(struct weft__wal *w)
{
	uint32_t turn = weft__load_relaxed(&w->turn); /* relaxed: changed under the lock */
	bool wake;

	w->sleepers++;
	wake = weft__writer_should_wake(w);
	pthread_mutex_unlock(&w->lock);
	if (wake)
		weft__loop_wake(w->loop);
	weft__word_wait(&w->turn, turn, UINT64_MAX);
	pthread_mutex_lock(&w->lock);
	w->sleepers--;
}

/* 0, or WEFT_ELOGFAILED. */
static int wait_for_room(struct weft__wal *w)
{
	int status;

	pthread_mutex_lock(&w->lock);
	while (is_full(w) && !w->status) {
		w->urgent = w->pushed;
		sleep_locked(w);
	}
	status = w->status ? WEFT_ELOGFAILED : 0;
	pthread_mutex_unlock(&w->lock);
	return status;
}

int weft__wal_entry_make(struct weft__wal *wal, size_t len, struct weft__entry **ret_entry)
{
	struct weft__entry *e;
	int status;

	if (len > WEFT__BATCH_BYTES_MAX)
		return -EMSGSIZE;
	status = wait_for_room(wal);
	if (status < 0)
		return status;
	e = weft_malloc(sizeof(*e) + len);
	if (!e)
		return -ENOMEM;
	*e = (struct weft__entry){ .records = len ? 1 : 0, .len = (uint32_t)len };
	*ret_entry = e;
	return 0;
}

void weft__wal_entry_free(struct weft__entry *entry)
{
	weft_free(entry);
}

uint64_t weft__wal_push(struct weft__wal *wal, struct weft__entry *entry)
{
	uint64_t position;

	entry->next = NULL;
	pthread_mutex_lock(&wal->lock);
	*wal->end = entry;
	wal->end = &entry->next;
	wal->bytes_waiting += entry->len;
	wal->stats.changes_logged += entry->records;
	position = ++wal->pushed;
	if (entry->fn || entry->roll)
		wal->urgent = position;
	pthread_mutex_unlock(&wal->lock);
	return position;
}

int weft__wal_pushed(struct weft__wal *wal, uint64_t position)
{
	bool wake;

	if (wal->config.sync == WEFT_STORE_SYNC_WRITE)
		return weft__wal_wait(wal, position);
	pthread_mutex_lock(&wal->lock);
	wake = weft__writer_should_wake(wal);
	pthread_mutex_unlock(&wal->lock);
	if (wake)
		weft__loop_wake(wal->loop);
	return 0;
}

/* ---- waiting ------------------------------------------------------------------------ */

int weft__wal_wait(struct weft__wal *wal, uint64_t position)
{
	int status = 0;

	pthread_mutex_lock(&wal->lock);
	if (wal->urgent < position)
		wal->urgent = position;
	while (wal->durable < position && !wal->status)
		sleep_locked(wal);
	if (wal->durable < position)
		status = wal->status;
	pthread_mutex_unlock(&wal->lock);
	return status;
}

int weft__wal_flush(struct weft__wal *wal)
{
	uint64_t position;

	pthread_mutex_lock(&wal->lock);
	position = wal->pushed;
	pthread_mutex_unlock(&wal->lock);
	return weft__wal_wait(wal, position);
}

void weft__wal_hurry(struct weft__wal *wal, uint64_t position)
{
	bool wake;

	pthread_mutex_lock(&wal->lock);
	if (wal->urgent < position)
		wal->urgent = position;
	wake = weft__writer_should_wake(wal);
	pthread_mutex_unlock(&wal->lock);
	if (wake)
		weft__loop_wake(wal->loop);
}

/* ---- looking ------------------------------------------------------------------------- */

int weft__wal_status(struct weft__wal *wal)
{
	int status;

	pthread_mutex_lock(&wal->lock);
	status = wal->status;
	pthread_mutex_unlock(&wal->lock);
	return status;
}

struct weft__wal_mark weft__wal_mark(struct weft__wal *wal)
{
	struct weft__wal_mark mark;

	pthread_mutex_lock(&wal->lock);
	mark = wal->mark;
	pthread_mutex_unlock(&wal->lock);
	return mark;
}

void weft__wal_watch(struct weft__wal *wal, void (*grown)(void *user), void *user)
{
	pthread_mutex_lock(&wal->lock);
	wal->on_grown = grown;
	wal->on_grown_user = user;
	pthread_mutex_unlock(&wal->lock);
}

void weft__wal_snapshot_ended(struct weft__wal *wal, int status, uint64_t bytes)
{
	pthread_mutex_lock(&wal->lock);
	wal->stats.snapshot_status = status;
	if (status == 0) {
		wal->stats.snapshots++;
		wal->snapshot_bytes = bytes;
		wal->log_bytes -= wal->rolled_bytes;
		wal->rolled_bytes = 0;
	}
	pthread_mutex_unlock(&wal->lock);
}

void weft__wal_stats(struct weft__wal *wal, weft_store_log_stats *ret_stats)
{
	pthread_mutex_lock(&wal->lock);
	*ret_stats = wal->stats;
	ret_stats->status = wal->status;
	ret_stats->bytes_waiting = wal->bytes_waiting;
	ret_stats->log_bytes = wal->log_bytes;
	pthread_mutex_unlock(&wal->lock);
}

const char *weft__wal_folder(const struct weft__wal *wal)
{
	return wal->folder;
}

weft_uuid weft__wal_store_id(const struct weft__wal *wal)
{
	return wal->config.store;
}

/* ---- life ------------------------------------------------------------------------------ */

int weft__wal_open(const struct weft__wal_config *config, struct weft__wal **ret_wal)
{
	struct weft__wal *w;
	int status;

	if (strlen(config->folder) >= WEFT__LOG_FOLDER_BYTES)
		return -ENAMETOOLONG;
	w = weft_calloc(1, sizeof(*w));
	if (!w)
		return -ENOMEM;
	w->config = *config;
	strcpy(w->folder, config->folder);
	w->config.folder = w->folder;
	w->end = &w->first;
	w->fd = -1;
	w->segment = config->last_segment;
	w->seq = config->last_seq;
	w->crc = config->chain;
	w->log_bytes = w->grown = config->log_bytes;
	w->snapshot_bytes = config->snapshot_bytes;
	pthread_mutex_init(&w->lock, NULL);
	w->buf = weft_aligned_alloc(WEFT__FILE_ALIGN, WEFT__WAL_BUF_BYTES);
	status = w->buf ? weft__writer_start(w) : -ENOMEM;
	if (status < 0) {
		weft_free(w->buf);
		pthread_mutex_destroy(&w->lock);
		weft_free(w);
		return status;
	}
	*ret_wal = w;
	return 0;
}

int weft__wal_close(struct weft__wal *wal)
{
	pthread_mutex_lock(&wal->lock);
	wal->closing = true;
	wal->urgent = wal->pushed;
	wal->users++;
	while (wal->users > 1)
		sleep_locked(wal);
	wal->stopping = true;
	wal->asleep = WEFT__WRITER_AWAKE;
	pthread_mutex_unlock(&wal->lock);
	weft__loop_wake(wal->loop);
	weft__thread_join(wal->thread);
	weft__loop_close(wal->loop);
	WEFT_ASSERT(!wal->first && !wal->sleepers);
	weft__file_close(wal->config.lock_fd);
	weft_free(wal->buf);
	wal->buf = NULL;
	return wal->status;
}

void weft__wal_free(struct weft__wal *wal)
{
	if (!wal)
		return;
	WEFT_ASSERT(wal->stopping);
	pthread_mutex_destroy(&wal->lock);
	weft_free(wal);
}

int weft__wal_enter(struct weft__wal *wal)
{
	int status;

	pthread_mutex_lock(&wal->lock);
	status = wal->closing ? -ESHUTDOWN : 0;
	wal->users += !wal->closing;
	pthread_mutex_unlock(&wal->lock);
	return status;
}

void weft__wal_leave(struct weft__wal *wal)
{
	bool wake;

	pthread_mutex_lock(&wal->lock);
	WEFT_ASSERT(wal->users);
	wal->users--;
	wake = wal->closing; /* who closes waits for us */
	if (wake)
		weft__writer_turn(wal);
	pthread_mutex_unlock(&wal->lock);
	if (wake)
		weft__word_wake(&wal->turn);
}
