/* SPDX-License-Identifier: Apache-2.0 */
/*
 * store/log/recover.h - read what a store's folder holds, in order, and say where its log goes on.
 *
 *   newest snapshot, whole -> segments from its number on, without a gap -> the end of the last one
 *
 * The end is where no batch follows. What lies there may be a write that was not finished: torn, and never
 * acknowledged, since one write is in flight at a time. If a batch can be found behind it,
 * then it is no end, but damage: an error, with file and offset.
 *
 * A batch is proven to be on the platter by what was written after it: another batch, an end mark, or a next
 * segment that begins behind it. The last batch of a log that was not closed may be seen here and
 * gone after the next loss of power; so it is said again, at the head of a new segment, before anybody
 * relies on it.
 */
#ifndef WEFT_STORE_LOG_RECOVER_H
#define WEFT_STORE_LOG_RECOVER_H

#include <weft/durable.h>

/* 0 to go on, or -Exxx, which recover then returns. */
typedef int (*weft__recover_fn)(const weft_change *change, const weft_log_place *place, void *user);

struct weft__recover_options {
	const char *folder;
	bool repair;        /* remove what an unfinished write, a snapshot, or an older log left */
	weft__recover_fn fn; /* NULL: check only */
	void (*progress)(uint64_t done_bytes, uint64_t total_bytes, void *user); /* may be NULL */
	void *user;
};

struct weft__recovered {
	bool any;            /* there was a store */
	weft_uuid store;
	uint64_t last_segment, last_seq;
	uint32_t chain;
	char *again;         /* records of batch last_seq + 1, to be said again; NULL: none. The caller's */
	uint32_t again_len, again_records;
	uint64_t log_bytes, snapshot_bytes; /* of the batches in each */
	weft_log_summary summary; /* filled also when it fails */
};

/* As weft_log_read. An empty folder is a store without anything. */
int weft__log_recover(const struct weft__recover_options *opt, struct weft__recovered *ret, weft_error *err);

#endif
