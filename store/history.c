/* SPDX-License-Identifier: Apache-2.0 */
/*
 * store/history.c - a room's memories of one type, oldest to newest.
 *
 * An array of records that only grows at its end, so the newest k are its last k,
 * whatever the length. A deleted one leaves a gap; when half of the array is gaps it
 * is closed up, so walking over gaps costs O(1) a memory over time. Times of records may
 * go back; order_ms does not, and is at most back_ms ahead, so a range of time is found by
 * halving and then by walking over what lies in it, or within back_ms of it.
 */
#include "store/store.h"

#include <errno.h>
#include <string.h>

#include "runtime/base/assert.h"

#define FIRST_CAP 4u

static int grow(struct weft__history **history)
{
	struct weft__history *h = *history;
	uint32_t cap = h ? h->cap * 2 : FIRST_CAP;
	struct weft__history *more = weft_realloc(h, sizeof(*h) + cap * sizeof(h->slots[0]));

	if (!more)
		return -ENOMEM;
	if (!h)
		memset(more, 0, sizeof(*more));
	more->cap = cap;
	*history = more;
	return 0;
}

int weft__history_append(struct weft__history **history, struct weft__record *record)
{
	int64_t created = record->m.created_ms, latest;
	struct weft__history *h = *history;

	if (!h || h->count == h->cap) {
		int r = grow(history);

		if (r < 0)
			return r;
		h = *history;
	}
	latest = h->count ? h->slots[h->count - 1].order_ms : created;
	if (created < latest && (uint64_t)latest - (uint64_t)created > h->back_ms)
		h->back_ms = (uint64_t)latest - (uint64_t)created;
	record->at = h->count;
	h->slots[h->count++] = (struct weft__slot){ record, created > latest ? created : latest };
	h->live++;
	h->bytes += record->bytes;
	return 0;
}

static void close_up(struct weft__history *h)
{
	uint32_t to = 0;

	for (uint32_t i = h->first; i < h->count; i++) {
		if (!h->slots[i].record)
			continue;
		h->slots[to] = h->slots[i];
		h->slots[to].record->at = to;
		to++;
	}
	h->count = to;
	h->first = 0;
}

void weft__history_remove(struct weft__history *h, struct weft__record *record)
{
	h->slots[record->at].record = NULL;
	h->live--;
	h->bytes -= record->bytes;
	h->embedded -= record->m.embedding_dims != 0;
	while (h->first < h->count && !h->slots[h->first].record)
		h->first++;
	if (h->count > 32 && h->live < h->count / 2)
		close_up(h);
}

uint32_t weft__history_live(const struct weft__history *h)
{
	return h ? h->live : 0;
}

uint32_t weft__history_recent(const struct weft__history *h, uint32_t skip, uint32_t k, weft_memory_visitor fn,
                              void *user)
{
	uint32_t seen = 0;

	if (!h)
		return 0;
	for (uint32_t i = h->count; i-- > h->first && seen < k;) {
		const struct weft__record *r = h->slots[i].record;

		if (!r)
			continue;
		if (skip) {
			skip--;
			continue;
		}
		seen++;
		if (!fn(&r->m, user))
			break;
	}
	return seen;
}

/* The first slot whose order_ms is over limit_ms, from h->first on. */
static uint32_t first_over(const struct weft__history *h, int64_t limit_ms)
{
	uint32_t low = h->first, high = h->count;

	while (low < high) {
		uint32_t mid = low + (high - low) / 2;

		if (h->slots[mid].order_ms > limit_ms)
			high = mid;
		else
			low = mid + 1;
	}
	return low;
}

/* The end of the slots that may hold what was created until to_ms: their order_ms is at most to_ms + back_ms. */
static uint32_t end_until(const struct weft__history *h, int64_t to_ms)
{
	uint64_t room = (uint64_t)INT64_MAX - (uint64_t)to_ms;

	return first_over(h, h->back_ms > room ? INT64_MAX : (int64_t)((uint64_t)to_ms + h->back_ms));
}

uint32_t weft__history_between(const struct weft__history *h, int64_t from_ms, int64_t to_ms, uint32_t k,
                               weft_memory_visitor fn, void *user)
{
	uint32_t seen = 0;

	if (!h)
		return 0;
	for (uint32_t i = end_until(h, to_ms); i-- > h->first && seen < k && h->slots[i].order_ms >= from_ms;) {
		const struct weft__record *r = h->slots[i].record;

		if (!r || r->m.created_ms < from_ms || r->m.created_ms > to_ms)
			continue;
		seen++;
		if (!fn(&r->m, user))
			break;
	}
	return seen;
}

struct weft__record *weft__history_oldest(const struct weft__history *h)
{
	WEFT_ASSERT(!weft__history_live(h) || h->slots[h->first].record);
	return weft__history_live(h) ? h->slots[h->first].record : NULL;
}

uint32_t weft__history_before(const struct weft__history *h, int64_t before_ms, uint32_t max, weft_uuid *ret_ids)
{
	uint32_t count = 0, end;

	if (!h || before_ms == INT64_MIN)
		return 0;
	end = end_until(h, before_ms - 1);
	for (uint32_t i = h->first; i < end && count < max; i++) {
		const struct weft__record *r = h->slots[i].record;

		if (r && r->m.created_ms < before_ms)
			ret_ids[count++] = r->m.id;
	}
	return count;
}
