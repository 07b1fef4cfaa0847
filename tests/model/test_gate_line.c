/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The line before a gate, in every way. Goal: one place is used by one at a time, each sees what the last one did,
 * nobody waits beside a free place, and a ticket that is given up takes no place with it. Method: a limit of one;
 * comers who take the place or wait, and who then stay or give up; a plain word that only the place guards.
 */
#include <criterion/criterion.h>
#include <string.h>

#include "net/gate/line.h"
#include "tests/model/explore.h"

#define LIMIT 1u

static struct weft__line line;
static _Atomic(uint64_t) marks[1];
static uint32_t inside; /* plain: guarded by the place */
static struct {
	uint32_t ticket;
	bool waits;
} calls[EXPLORE_THREADS_MAX + 1];

static void begin(void)
{
	memset(calls, 0, sizeof(calls));
	weft__store_relaxed(&marks[0], UINT64_C(0));
	line = (struct weft__line){ .waiting_max = 4, .ring_mask = 7, .marks = marks };
	weft__store_relaxed(&line.word, UINT64_MAX); /* across the wrap */
	weft__store_relaxed(&line.back, UINT32_MAX);
	inside = 0;
	explore_name(&line.word, sizeof(line.word), "word");
	explore_name(&line.back, sizeof(line.back), "back");
	explore_name(marks, sizeof(marks), "marks");
	explore_name(&inside, sizeof(inside), "inside");
}

static void use(void)
{
	inside++;
	weft__line_leave(&line, LIMIT);
}

static void come(void)
{
	enum weft__line_place place = weft__line_come(&line, LIMIT, &calls[explore_self()].ticket);

	explore_assert(place != WEFT__LINE_FULL);
	calls[explore_self()].waits = place == WEFT__LINE_WAITS;
}

/* Comes, and uses the place if it is to be had; else it waits on. */
static void uses(void)
{
	come();
	if (!calls[explore_self()].waits)
		use();
}

/* Asks once more; then gives up. */
static void uses_or_gives_up(void)
{
	uses();
	if (!calls[explore_self()].waits)
		return;
	calls[explore_self()].waits = false;
	if (weft__line_served(&line, LIMIT, calls[explore_self()].ticket))
		use();
	else
		weft__line_give_up(&line, LIMIT, calls[explore_self()].ticket);
}

static void gives_up(void)
{
	come();
	if (calls[explore_self()].waits)
		weft__line_give_up(&line, LIMIT, calls[explore_self()].ticket);
	else
		weft__line_leave(&line, LIMIT);
	calls[explore_self()].waits = false;
}

/* ---- a place that is taken, and three who wait for it --------------------------------------- */

static void begin_full(void)
{
	uint32_t ticket;

	begin();
	explore_assert(weft__line_come(&line, LIMIT, &ticket) == WEFT__LINE_HAS);
	for (uint32_t i = 1; i <= 3; i++) {
		explore_assert(weft__line_come(&line, LIMIT, &calls[i].ticket) == WEFT__LINE_WAITS);
		calls[i].waits = true;
	}
}

static void leaves(void)
{
	use();
}

static void one_gives_up(uint32_t i)
{
	calls[i].waits = false;
	weft__line_give_up(&line, LIMIT, calls[i].ticket);
}

static void first_gives_up(void)
{
	one_gives_up(1);
}

static void second_gives_up(void)
{
	one_gives_up(2);
}

static void begin_with_a_mark(void)
{
	begin_full();
	second_gives_up();
}

/* The one that has the place leaves, and before it looks who waits, they give up. */
static void begin_served_late(void)
{
	begin_full();
	weft__fetch_add_seq_cst(&line.back, 1u);
}

static void third_asks(void)
{
	explore_assert(!weft__line_served(&line, LIMIT, calls[3].ticket));
}

/* Without asking, which would heal it: who waits has a place by now, one after the other. */
static void nobody_forgotten(void)
{
	uint32_t left = 0;

	for (uint32_t i = 1; i <= EXPLORE_THREADS_MAX; i++)
		left += calls[i].waits;
	for (; left; left--) {
		uint32_t serve = (uint32_t)weft__load_relaxed(&line.word), found = 0;

		for (uint32_t i = 1; i <= EXPLORE_THREADS_MAX; i++) {
			if (!calls[i].waits || (int32_t)(serve - calls[i].ticket) <= 0)
				continue;
			found++;
			calls[i].waits = false;
			use();
		}
		explore_assert(found == 1);
		left -= found - 1;
	}
	explore_assert(weft__line_taken(&line) == 0);
	explore_assert(weft__line_waiting(&line) == 0);
	explore_assert(weft__load_relaxed(&marks[0]) == 0);
}

#define MODEL_FROM(first, about, ...)                                                                        \
	static const struct explore_model m = {                                                              \
		.name = "line, " about, .init = first, .thread = { __VA_ARGS__ }, .check = nobody_forgotten  \
	};                                                                                                   \
	cr_assert(explore(&m))
#define MODEL(about, ...) MODEL_FROM(begin, about, __VA_ARGS__)

Test(model_gate_line, two_come)
{
	MODEL("two come", uses, uses);
}

Test(model_gate_line, one_comes_one_gives_up)
{
	MODEL("one gives up", uses, gives_up);
}

Test(model_gate_line, leaves_while_the_first_gives_up)
{
	MODEL_FROM(begin_full, "the first gives up", leaves, first_gives_up);
}

/* Two servers pass one mark each; the one that is slower to give its place back is the last to look. */
Test(model_gate_line, leaves_while_the_first_gives_up__the_second_did)
{
	MODEL_FROM(begin_with_a_mark, "the first gives up, the second did", leaves, first_gives_up);
}

Test(model_gate_line, two_give_up)
{
	MODEL_FROM(begin_served_late, "two give up", first_gives_up, second_gives_up);
}

Test(model_gate_line, leaves_while_the_last_asks)
{
	MODEL_FROM(begin_full, "the last asks", leaves, third_asks);
}

Test(model_gate_line, asks_again)
{
	MODEL("asks again", uses, uses_or_gives_up);
}
