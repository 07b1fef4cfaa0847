/* SPDX-License-Identifier: Apache-2.0 */
/*
 * store/log/wal.h - the writer of a log: many threads push entries, one thread writes them, many with one write.
 *
 *   callers:  entry_make (waits for room) -> room locked: push -> unlocked: await
 *                                                |                     ^
 *                                          list, oldest first          | all of a batch at once
 *                                                |                     |
 *   thread:   take -> batch (copy, checksum) -> write, durable when it is done -> acknowledge
 *
 * Entries stand in the log in the order they were pushed. A push needs no memory and cannot fail, so a
 * change is made and logged under one lock, or neither. One write is in flight at a time: what an
 * unfinished one leaves is at the end, and nothing comes after it.
 *
 * The first write that fails is the last one: see weft/durable.h. What was pushed and not yet
 * written is dropped, its waiters get the error.
 *
 * Locks: one mutex, taken last, held for a few instructions, never across a wait or a call out.
 */
#ifndef WEFT_STORE_LOG_WAL_H
#define WEFT_STORE_LOG_WAL_H

#include <weft/durable.h>

struct weft__wal;

/* Something for the log. Made by entry_make, freed by the thread once pushed, by entry_free before. */
struct weft__entry {
	struct weft__entry *next;
	weft_store_flushed fn; /* called when all before it and itself are durable; may be NULL */
	void *user;
	uint32_t records;      /* 0: nothing is written for it */
	uint32_t len;
	bool roll;             /* what comes after it stands in another segment */
	char bytes[];
};

struct weft__wal_config {
	const char *folder; /* copied */
	weft_uuid store;
	uint64_t last_segment, last_seq; /* the log goes on behind them */
	uint32_t chain;                  /* the checksum of batch last_seq */
	int lock_fd;                     /* closed with the log; the caller's when open fails */
	weft_store_sync sync;
	uint64_t interval_ns, segment_bytes, waiting_bytes_max;
	uint64_t log_bytes, snapshot_bytes; /* that are there */
	uint64_t grown_bytes; /* the log has grown: by so much, and by the last snapshot's size */
};

/* Starts the thread; writes nothing yet. 0, -ENOMEM, -EAGAIN (no thread), or why there is no I/O loop. */
int weft__wal_open(const struct weft__wal_config *config, struct weft__wal **ret_wal);
/* Nobody may enter any more; write what was pushed, mark the end, let go of the files. Returns as status does. Once. */
int weft__wal_close(struct weft__wal *wal);
void weft__wal_free(struct weft__wal *wal); /* closed; NULL is fine */

/* Around all that follows: the log is not closed meanwhile. 0, or -ESHUTDOWN. */
int weft__wal_enter(struct weft__wal *wal);
void weft__wal_leave(struct weft__wal *wal);

/* Room for len bytes of records. Waits when much is waiting. 0, -ENOMEM, -EMSGSIZE, WEFT_ELOGFAILED. No locks held. */
int weft__wal_entry_make(struct weft__wal *wal, size_t len, struct weft__entry **ret_entry);
void weft__wal_entry_free(struct weft__entry *entry); /* NULL is fine */
/* The entry is the log's. Gives its position. Any locks held. */
uint64_t weft__wal_push(struct weft__wal *wal, struct weft__entry *entry);
/* After the locks were left: let the thread know; wait when the policy says so. 0 or the log's error. */
int weft__wal_pushed(struct weft__wal *wal, uint64_t position);
/* Wait until all up to position is durable. 0 or the log's error. No locks held. */
int weft__wal_wait(struct weft__wal *wal, uint64_t position);
/* Wait for all that was pushed so far. */
int weft__wal_flush(struct weft__wal *wal);
/* All up to position shall be durable soon. */
void weft__wal_hurry(struct weft__wal *wal, uint64_t position);

/* Where the log goes on after a roll entry was durable. */
struct weft__wal_mark {
	uint64_t segment, first_seq;
	uint32_t chain;
};
struct weft__wal_mark weft__wal_mark(struct weft__wal *wal);
/* grown is called each time that the log has grown, on its thread, without a lock. Once. */
void weft__wal_watch(struct weft__wal *wal, void (*grown)(void *user), void *user);
/* How a snapshot that began with the last roll went, and how large it is. */
void weft__wal_snapshot_ended(struct weft__wal *wal, int status, uint64_t bytes);

/* At any time: */
int weft__wal_status(struct weft__wal *wal); /* 0, or why it failed */
void weft__wal_stats(struct weft__wal *wal, weft_store_log_stats *ret_stats);
const char *weft__wal_folder(const struct weft__wal *wal);
weft_uuid weft__wal_store_id(const struct weft__wal *wal);

#endif
