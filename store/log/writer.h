/* SPDX-License-Identifier: Apache-2.0 */
/* store/log/writer.h - the inside of a log, shared by wal.c (the callers' side) and writer.c (the thread's). */
#ifndef WEFT_STORE_LOG_WRITER_H
#define WEFT_STORE_LOG_WRITER_H

#include <pthread.h>

#include "runtime/base/thread.h"
#include "runtime/io/loop.h"
#include "store/log/names.h"
#include "store/log/wal.h"

#define WEFT__WAL_BUF_BYTES (1u << 20)

/* What ends the thread's sleep, besides its time. */
enum { WEFT__WRITER_AWAKE = 0, WEFT__WRITER_TO_ANY, WEFT__WRITER_TO_URGENT };

struct weft__wal {
	struct weft__wal_config config; /* immutable */
	char folder[WEFT__LOG_FOLDER_BYTES];
	weft__thread thread;
	struct weft__loop *loop;

	pthread_mutex_t lock; /* of what follows */
	struct weft__entry *first, **end;
	uint64_t pushed, durable; /* positions: entries so far */
	uint64_t urgent;          /* up to here somebody waits */
	uint64_t bytes_waiting;
	uint32_t asleep;          /* the thread */
	uint32_t users, sleepers; /* callers inside, and those of them that wait */
	int status;               /* why it failed */
	bool closing;             /* no new users */
	bool stopping;            /* the last user is gone: the thread shall end */
	struct weft__wal_mark mark;
	uint64_t log_bytes, rolled_bytes; /* behind the last snapshot; of them before the last roll */
	uint64_t snapshot_bytes, grown;   /* grown: bytes since somebody rolled, or was told */
	void (*on_grown)(void *user);     /* set once; NULL: nobody is told */
	void *on_grown_user;
	weft_store_log_stats stats;
	_Atomic(uint32_t) turn;   /* what callers sleep on; changed under the lock */

	/* The thread's own. */
	int fd;               /* -1: no segment is begun */
	uint64_t segment, seq;
	uint32_t crc;         /* of batch seq */
	uint32_t head_crc;
	uint64_t offset;      /* where the next batch goes */
	uint64_t zeroed, size; /* up to here there are zeros; the segment has room */
	char *buf;            /* WEFT__WAL_BUF_BYTES */
	size_t buffered;
};

/* Start the thread and wait until it has a loop. */
int weft__writer_start(struct weft__wal *w);
/* With the lock: is the thread asleep, and has something to do? Then it counts as awake, and the caller wakes it. */
bool weft__writer_should_wake(struct weft__wal *w);
/* With the lock: who sleeps on it looks again, when he is woken. */
static inline void weft__writer_turn(struct weft__wal *w)
{
	/* relaxed: one writer at a time, and who wakes up takes the lock before he looks at anything */
	weft__store_relaxed(&w->turn, weft__load_relaxed(&w->turn) + 1);
}

#endif
