/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An index from a file that somebody wrote to lead astray. Goal: whatever leads out of it, or round in a circle, is found, and
 * nothing else. Method: an index that is right, in which one word after another is made wrong and right again.
 */
#include <criterion/criterion.h>

#include "store/vector/sound.h"
#include "tests/support/seed.h"

#define DIMS 8u
#define ROWS 400u /* the last chunk is not full */
#define ROUNDS 60u

static weft_index *make(uint64_t *rnd, weft_index_kind kind)
{
	weft_index_options opt = WEFT_INDEX_OPTIONS_INIT;
	weft_index *index;

	opt.dims = DIMS;
	opt.kind = kind;
	opt.m = 4; /* many on upper floors */
	cr_assert_eq(weft_index_create(&opt, &index), 0);
	for (uint32_t id = 0; id < ROWS; id++) {
		float v[DIMS];

		for (uint32_t i = 0; i < DIMS; i++)
			v[i] = (float)test_below(rnd, 1000) - 500.5f;
		for (uint32_t i = 0; i < 3; i++) /* ids a row */
			cr_assert_eq(weft_index_put(index, id + i * ROWS, v, NULL), 0);
	}
	return index;
}

static const char *wrong_in(struct weft__sound *s)
{
	const char *wrong = NULL;
	const void *at;

	for (uint32_t first = 0; first < s->rows && !wrong; first += 64)
		wrong = weft__sound_states(s, first, &at);
	for (uint32_t first = 0; first < s->rows && !wrong; first += 64)
		wrong = weft__sound_rows(s, first, &at);
	for (uint32_t first = 0; first < s->items && !wrong; first += 64)
		wrong = weft__sound_items(s, first, &at);
	return wrong;
}

/* Is all of it right? */
static bool is_sound(const weft_index *index)
{
	struct weft__graph *g = weft__index_graph(index);
	struct weft__sound s;
	bool sound;

	cr_assert_eq(weft__sound_begin(&s, index), 0);
	sound = !wrong_in(&s) && (!g || weft__sound_entry(&s, weft__load_relaxed(&g->entry)));
	weft__sound_end(&s);
	return sound;
}

/* Seen as it is now, and put right. */
#define EXPECT_WRONG(index, what, number) cr_assert(!is_sound(index), "%s of %u was not seen", what, (unsigned)(number))

static void break_word(const weft_index *index, void *where, uint32_t word, const char *what, uint32_t of)
{
	uint32_t was = *(uint32_t *)where;

	*(uint32_t *)where = word;
	EXPECT_WRONG(index, what, of);
	*(uint32_t *)where = was;
}

/* ---- one row, one item ------------------------------------------------------------------------- */

static void break_list(const weft_index *index, uint32_t row, uint32_t floor)
{
	struct weft__links links = weft__graph_links(index, row, floor);
	uint32_t *words = (uint32_t *)(void *)links.words, last = links.cap - 1;

	for (uint32_t i = 0; i <= last; i += last) {
		break_word(index, words + i, ROWS, "a link", row);
		break_word(index, words + i, UINT32_C(1) << 31, "a link", row);
		break_word(index, words + i, WEFT__NONE - 1, "a link", row);
	}
}

static void break_state(const weft_index *index, uint32_t row)
{
	void *state = (void *)weft__graph_state(index, row);
	uint32_t was = *(uint32_t *)state;

	break_word(index, state, (WEFT__GRAPH_FLOORS + 1) << WEFT__ROW_FLOOR_SHIFT | (was & 0xff), "too high a floor", row);
	break_word(index, state, was & ~(uint32_t)WEFT__ROW_IN, "half a mark", row);
	break_word(index, state, was | WEFT__ROW_CONDEMNED, "a condemned row that lives: the state", row);
	break_word(index, state, was | 1u << 5, "a mark that there is not", row);
	if (was >> WEFT__ROW_FLOOR_SHIFT)
		break_word(index, state, was & ~(uint32_t)WEFT__ROW_FLOORED, "a floor that was not drawn", row);
}

static void break_row(const weft_index *index, uint32_t row)
{
	const struct weft__rows *r = &index->rows;
	char *chunk = weft__slab_chunk(&r->slab, row);
	uint32_t floor = *(uint32_t *)(void *)weft__row_state(r, chunk, row) >> WEFT__ROW_FLOOR_SHIFT;
	uint32_t *head = (uint32_t *)(void *)weft__row_head(r, chunk, row);

	for (uint32_t at = 0; at <= floor; at++)
		break_list(index, row, at);
	break_state(index, row);
	if (floor) {
		break_word(index, weft__row_upper(r, chunk, row), WEFT__NONE, "a block of links", row);
		break_word(index, weft__row_upper(r, chunk, row), weft__slab_count(&weft__index_graph(index)->uppers), "a block of links", row);
	}
	break_word(index, head, 3 * ROWS, "a head", row);
	break_word(index, head, *head ^ 4, "another's head", row);
	break_word(index, head, *(uint32_t *)(void *)weft__item_next(&index->items, *head), "a head with one before it", row);
	break_word(index, head, WEFT__NONE, "no head", row);
}

static void break_item(const weft_index *index, uint32_t item)
{
	const struct weft__items *t = &index->items;
	uint64_t *live = (uint64_t *)(void *)weft__item_live(t, item);

	break_word(index, (void *)weft__item_row(t, item), ROWS, "the row", item);
	break_word(index, (void *)weft__item_row(t, item), (*(uint32_t *)(void *)weft__item_row(t, item) + 1) % ROWS, "another's row", item);
	break_word(index, (void *)weft__item_row(t, item), WEFT__NONE, "no row", item);
	break_word(index, (void *)weft__item_next(t, item), item, "a circle: next", item);
	break_word(index, (void *)weft__item_next(t, item), 3 * ROWS, "next", item);
	break_word(index, weft__item_prev(t, item), 3 * ROWS, "prev", item);
	break_word(index, weft__item_prev(t, item), item, "a circle: prev", item);
	*live ^= UINT64_C(1) << item % 64;
	EXPECT_WRONG(index, "the bit", item);
	*live ^= UINT64_C(1) << item % 64;
}

/* From its head to the end and back to the head. */
static void break_ring(const weft_index *index, uint32_t row)
{
	const struct weft__items *t = &index->items;
	uint32_t head = *(uint32_t *)(void *)weft__row_head(&index->rows, weft__slab_chunk(&index->rows.slab, row), row), last = head, next;

	while ((next = *(uint32_t *)(void *)weft__item_next(t, last)) != WEFT__NONE)
		last = next;
	*(uint32_t *)(void *)weft__item_next(t, last) = head;
	*weft__item_prev(t, head) = last;
	EXPECT_WRONG(index, "a circle of all ids", row);
	*(uint32_t *)(void *)weft__item_next(t, last) = WEFT__NONE;
	*weft__item_prev(t, head) = WEFT__NONE;
}

/* ---- what is no row's ------------------------------------------------------------------------------- */

static void break_entry(weft_index *index)
{
	struct weft__graph *g = weft__index_graph(index);
	uint64_t was = weft__load_relaxed(&g->entry), wrong[] = { ROWS, was + (UINT64_C(1) << 32), UINT64_MAX - 1 };

	for (uint32_t i = 0; i < 3; i++) {
		weft__store_relaxed(&g->entry, wrong[i]);
		EXPECT_WRONG(index, "entry", i);
	}
	weft__store_relaxed(&g->entry, was);
}

/* What was never used is nobody's, and comes into use as it is. */
static void break_behind(const weft_index *index)
{
	const struct weft__rows *r = &index->rows;
	char *chunk = weft__slab_chunk(&r->slab, ROWS);

	break_word(index, (void *)weft__row_state(r, chunk, ROWS), WEFT__ROW_FLOORED | 3 << WEFT__ROW_FLOOR_SHIFT, "the state", ROWS);
	break_word(index, (void *)weft__row_head(r, chunk, ROWS), 0, "the head", ROWS);
	for (uint32_t item = 3 * ROWS; item % 64; item++)
		break_word(index, (void *)weft__item_row(&index->items, item), 0, "the row", item);
}

/* Two rows with one list: what one writes, the other follows on another floor. */
static void break_blocks(const weft_index *index)
{
	const struct weft__rows *r = &index->rows;
	uint32_t first = WEFT__NONE;

	for (uint32_t row = 0; row < ROWS; row++) {
		char *chunk = weft__slab_chunk(&r->slab, row);

		if (*(uint32_t *)(void *)weft__row_state(r, chunk, row) >> WEFT__ROW_FLOOR_SHIFT == 0)
			continue;
		if (first == WEFT__NONE)
			first = *weft__row_upper(r, chunk, row);
		else
			break_word(index, weft__row_upper(r, chunk, row), first, "another's block", row);
	}
}

Test(sound, what_leads_astray_is_found)
{
	uint64_t rnd = test_seed("sound");
	weft_index *index = make(&rnd, WEFT_INDEX_GRAPH);

	cr_assert(is_sound(index), "as it was made");
	for (uint32_t i = 0; i < ROUNDS; i++) {
		break_row(index, test_below(&rnd, ROWS));
		break_item(index, test_below(&rnd, 3 * ROWS));
		break_ring(index, test_below(&rnd, ROWS));
	}
	break_entry(index);
	break_behind(index);
	break_blocks(index);
	cr_assert(is_sound(index), "as it was made");
	weft_index_unref(index);
}

static uint32_t *next_of(const weft_index *index, uint32_t item)
{
	return (uint32_t *)(void *)weft__item_next(&index->items, item);
}

static uint32_t *prev_of(const weft_index *index, uint32_t item)
{
	return weft__item_prev(&index->items, item);
}

/* A free item that agrees with its neighbour: behind the last of a row, whose first is last + 2, and before one that the row has lost. */
static void break_chain(const weft_index *index, uint32_t last, uint32_t gone)
{
	uint32_t next = *next_of(index, gone), prev = *prev_of(index, gone), lost = last + 1;

	*prev_of(index, gone) = last;
	break_word(index, next_of(index, last), gone, "a free id behind that", last);
	*next_of(index, last + 2) = last;
	*prev_of(index, last) = last + 2;
	*next_of(index, lost) = WEFT__NONE;
	*next_of(index, gone) = lost;
	break_word(index, prev_of(index, lost), gone, "a free id before that", lost);
	*next_of(index, last + 2) = *prev_of(index, last) = lost;
	*next_of(index, lost) = last;
	*next_of(index, gone) = next;
	*prev_of(index, gone) = prev;
}

/* With free rows and items between: links are looked at one by one then, and must not lead there. */
Test(sound, also_where_rows_were_deleted)
{
	uint64_t rnd = test_seed("sound deleted");
	weft_index *index = make(&rnd, WEFT_INDEX_GRAPH);

	for (uint32_t id = 0; id < 3 * ROWS; id++) {
		if (id % ROWS % 2 == 0)
			cr_assert_eq(weft_index_delete(index, id), 0);
	}
	cr_assert_eq(weft_index_sweep(index), 0);
	cr_assert(is_sound(index), "after a sweep");
	for (uint32_t i = 0; i < ROUNDS; i++) {
		uint32_t gone = test_below(&rnd, ROWS / 2) * 2, row = gone + 1;
		struct weft__links links = weft__graph_links(index, row, 0);

		break_row(index, row);
		break_item(index, 3 * row); /* items were made in this order */
		break_word(index, (void *)&links.words[0], gone, "a link to a free row", row);
		break_chain(index, 3 * row, 3 * gone);
	}
	weft__store_relaxed(&weft__index_graph(index)->entry, 0);
	EXPECT_WRONG(index, "entry", 0);
	weft_index_unref(index);
}

/* Before there is a graph, nobody has been put there, and no list has been written. */
Test(sound, also_without_a_graph)
{
	uint64_t rnd = test_seed("sound scan");
	weft_index *index = make(&rnd, WEFT_INDEX_AUTO);

	cr_assert_null(weft__index_graph(index));
	cr_assert(is_sound(index), "as it was made");
	for (uint32_t i = 0; i < ROUNDS; i++) {
		uint32_t row = test_below(&rnd, ROWS);

		break_word(index, (void *)weft__graph_state(index, row), WEFT__ROW_LINKED | WEFT__ROW_IN, "the state", row);
		break_word(index, (void *)weft__graph_state(index, row), WEFT__ROW_FLOORED, "the state", row);
		break_item(index, test_below(&rnd, 3 * ROWS));
		break_ring(index, row);
	}
	weft_index_unref(index);
}
