/* SPDX-License-Identifier: Apache-2.0 */
/*
 * store/journal.h - a change of a store on its way into the log.
 *
 *   begin      no locks held: encoded, and room for it made; fails before anything has changed
 *   push       under the lock that the change is made under: they are in the same order in memory and on disk
 *   end        no locks held: waits as the store's policy says; without a push, undoes begin
 *
 * For a store in memory, and while one is opened, all three do nothing.
 */
#ifndef WEFT_STORE_JOURNAL_H
#define WEFT_STORE_JOURNAL_H

#include <weft/durable.h>

struct weft__journal {
	struct weft__entry *entry; /* NULL: there is no log, or it was pushed */
	uint64_t position;         /* 0: not pushed */
	bool inside;
};

/* 0, -ENOMEM, -EMSGSIZE, -ESHUTDOWN, WEFT_ELOGFAILED: then end must not be called. */
int weft__journal_begin(weft_store *store, const weft_change *change, struct weft__journal *ret);
void weft__journal_push(weft_store *store, struct weft__journal *journal);
/* What the call that made the change returns: status, or why it is not durable. */
int weft__journal_end(weft_store *store, struct weft__journal *journal, int status);

/*
 * For many changes that are waited for once: end without the wait, *position raised to that of the change; then wait, as the
 * store's policy says, for all up to there (0: none). A change that nobody waits for is written with the next ones.
 */
int weft__journal_end_later(weft_store *store, struct weft__journal *journal, int status, uint64_t *position);
int weft__journal_wait(weft_store *store, uint64_t position);

#endif
