/* SPDX-License-Identifier: Apache-2.0 */
/* net/gate/line.c - places, and a line of those who wait for one: line.h. */
#include "net/gate/line.h"

#include <errno.h>

#include <weft/alloc.h>

#define MARKS_A_WORD 64u

static uint32_t next_of(uint64_t word)
{
	return (uint32_t)(word >> 32);
}

static uint32_t serve_of(uint64_t word)
{
	return (uint32_t)word;
}

static uint64_t word_of(uint32_t next, uint32_t serve)
{
	return (uint64_t)next << 32 | serve;
}

int weft__line_init(struct weft__line *l, uint32_t waiting_max)
{
	uint32_t bits = MARKS_A_WORD;

	while (bits <= waiting_max)
		bits *= 2;
	l->marks = weft_calloc(bits / MARKS_A_WORD, sizeof(*l->marks));
	if (!l->marks)
		return -ENOMEM;
	l->waiting_max = waiting_max;
	l->ring_mask = bits - 1;
	/* relaxed: not shared yet. Just below the wrap, so that it comes in every test and in the first second */
	weft__store_relaxed(&l->word, word_of(UINT32_MAX - 7, UINT32_MAX - 7));
	weft__store_relaxed(&l->back, UINT32_MAX - 7);
	return 0;
}

void weft__line_fini(struct weft__line *l)
{
	weft_free(l->marks);
	l->marks = NULL;
}

static bool has_place(uint64_t word, uint32_t back, uint32_t limit)
{
	return serve_of(word) - back < limit;
}

static bool is_marked(const struct weft__line *l, uint32_t ticket)
{
	uint32_t bit = ticket & l->ring_mask;

	/* E2: after serve + 1 (E1); see line.h */
	return weft__load_seq_cst(&l->marks[bit / MARKS_A_WORD]) >> (bit % MARKS_A_WORD) & 1;
}

/* True for one of all who try: that one gives the place back. */
static bool clear_mark(struct weft__line *l, uint32_t ticket)
{
	uint32_t bit = ticket & l->ring_mask;
	uint64_t mask = UINT64_C(1) << (bit % MARKS_A_WORD);

	/* acq_rel: the exchange decides; nothing else is published by it */
	return weft__fetch_and_acq_rel(&l->marks[bit / MARKS_A_WORD], ~mask) & mask;
}

void weft__line_serve(struct weft__line *l, uint32_t limit)
{
	uint64_t word = weft__load_seq_cst(&l->word); /* D1: after back + 1 of a leaver */

	while (next_of(word) != serve_of(word)) {
		uint32_t ticket = serve_of(word);

		/* D2: after next + 1 of who came */
		if (!has_place(word, weft__load_seq_cst(&l->back), limit) && !is_marked(l, ticket))
			return;
		/* E1. On failure another one came or served: look again */
		if (!weft__cas_seq_cst(&l->word, &word, word_of(next_of(word), ticket + 1)))
			continue;
		word = word_of(next_of(word), ticket + 1);
		if (is_marked(l, ticket) && clear_mark(l, ticket)) {
			weft__fetch_add_seq_cst(&l->back, 1u); /* D2: it leaves, so look at the word once more */
			word = weft__load_seq_cst(&l->word);
		}
	}
}

enum weft__line_place weft__line_come(struct weft__line *l, uint32_t limit, uint32_t *ret_ticket)
{
	uint64_t word = weft__load_seq_cst(&l->word);
	bool free;

	do {
		free = next_of(word) == serve_of(word) && has_place(word, weft__load_seq_cst(&l->back), limit);
		if (!free && next_of(word) - serve_of(word) >= l->waiting_max)
			return WEFT__LINE_FULL;
		/* D1 */
	} while (!weft__cas_seq_cst(&l->word, &word, word_of(next_of(word) + 1, serve_of(word) + free)));
	*ret_ticket = next_of(word);
	if (free)
		return WEFT__LINE_HAS;
	return weft__line_served(l, limit, *ret_ticket) ? WEFT__LINE_HAS : WEFT__LINE_WAITS;
}

static bool is_past(uint32_t serve, uint32_t ticket)
{
	return (int32_t)(serve - ticket) > 0;
}

bool weft__line_served(struct weft__line *l, uint32_t limit, uint32_t ticket)
{
	if (is_past(serve_of(weft__load_seq_cst(&l->word)), ticket))
		return true;
	weft__line_serve(l, limit);
	return is_past(serve_of(weft__load_seq_cst(&l->word)), ticket);
}

void weft__line_leave(struct weft__line *l, uint32_t limit)
{
	weft__fetch_add_seq_cst(&l->back, 1u); /* D2 */
	weft__line_serve(l, limit);
}

static void set_mark(struct weft__line *l, uint32_t ticket)
{
	uint32_t bit = ticket & l->ring_mask;
	uint64_t mask = UINT64_C(1) << (bit % MARKS_A_WORD);

	/* E2. There already: another round's, whose owner is held up; its place was served long ago */
	while (weft__fetch_or_seq_cst(&l->marks[bit / MARKS_A_WORD], mask) & mask) {
		if (clear_mark(l, ticket))
			weft__fetch_add_seq_cst(&l->back, 1u);
	}
}

void weft__line_give_up(struct weft__line *l, uint32_t limit, uint32_t ticket)
{
	if (is_past(serve_of(weft__load_seq_cst(&l->word)), ticket)) {
		weft__line_leave(l, limit);
		return;
	}
	set_mark(l, ticket);
	/* E1: was it served before the mark could be seen? */
	if (is_past(serve_of(weft__load_seq_cst(&l->word)), ticket) && clear_mark(l, ticket))
		weft__fetch_add_seq_cst(&l->back, 1u);
	weft__line_serve(l, limit);
}

uint32_t weft__line_taken(const struct weft__line *l)
{
	/* back first: it only grows, and never past serve, so the difference is not negative */
	uint32_t back = weft__load_acquire(&l->back);

	return serve_of(weft__load_acquire(&l->word)) - back;
}

uint32_t weft__line_waiting(const struct weft__line *l)
{
	uint64_t word = weft__load_relaxed(&l->word); /* relaxed: a number to look at */

	return next_of(word) - serve_of(word);
}

uint32_t weft__line_before(const struct weft__line *l, uint32_t ticket)
{
	uint32_t before = ticket - serve_of(weft__load_relaxed(&l->word)); /* relaxed: a number to look at */

	return (int32_t)before > 0 ? before : 0;
}
