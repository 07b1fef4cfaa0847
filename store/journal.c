/* SPDX-License-Identifier: Apache-2.0 */
/* store/journal.c - see journal.h. */
#include "store/journal.h"

#include "store/log/record.h"
#include "store/log/wal.h"
#include "store/store.h"

int weft__journal_begin(weft_store *store, const weft_change *change, struct weft__journal *ret)
{
	struct weft__journal j = { .inside = store->wal != NULL };
	int r;

	*ret = j;
	if (!j.inside)
		return 0;
	r = weft__wal_enter(store->wal);
	if (r < 0)
		return r;
	r = weft__wal_entry_make(store->wal, weft__change_bytes(change), &j.entry);
	if (r < 0) {
		weft__wal_leave(store->wal);
		return r;
	}
	weft__change_put(j.entry->bytes, change);
	*ret = j;
	return 0;
}

void weft__journal_push(weft_store *store, struct weft__journal *journal)
{
	if (!journal->inside)
		return;
	journal->position = weft__wal_push(store->wal, journal->entry);
	journal->entry = NULL;
}

int weft__journal_end_later(weft_store *store, struct weft__journal *journal, int status, uint64_t *position)
{
	if (!journal->inside)
		return status;
	if (journal->position > *position)
		*position = journal->position;
	weft__wal_entry_free(journal->entry);
	weft__wal_leave(store->wal);
	return status;
}

int weft__journal_wait(weft_store *store, uint64_t position)
{
	int r;

	if (!position)
		return 0;
	r = weft__wal_enter(store->wal);
	if (r < 0)
		return r;
	r = weft__wal_pushed(store->wal, position);
	weft__wal_leave(store->wal);
	return r;
}

int weft__journal_end(weft_store *store, struct weft__journal *journal, int status)
{
	if (!journal->inside)
		return status;
	if (journal->position) {
		int r = weft__wal_pushed(store->wal, journal->position);

		status = status < 0 ? status : r;
	}
	weft__wal_entry_free(journal->entry);
	weft__wal_leave(store->wal);
	return status;
}
