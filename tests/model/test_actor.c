/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An actor's cell between senders, its end and its next life, in every way. Goal: each message that a send took is
 * handled or dropped once, by the actor it was meant for and by nobody later in the same cell; one that was
 * refused stays its sender's; the bound holds. Method: the real send.c and actor.c, three workers: one runs
 * the actor, two send. The scheduler between them is one place that holds the task, and orders as it does.
 */
#include <criterion/criterion.h>

#include "tests/model/cell.h"

/* ---- the end, and the next life ---------------------------------------------------------------- */

static void begin_life(void)
{
	begin(8);
	exit_after = 1;
	ref = spawn();
}

/* Run the actor until it is gone, and give its cell to another one at once. */
static void runs_until_gone(void)
{
	weft__self = &workers[0];
	while (!gone.opened)
		run_once();
	exit_after = 0;
	spawn();
	weft__self = NULL;
}

static void all_accounted_for(void)
{
	uint32_t took = 0, gave = 0;

	for (uint32_t i = 0; i < SENDERS + 2; i++) {
		took += sent[i];
		gave += destroyed[i];
	}
	explore_assert(took == gave);
	explore_assert(late == 0);
	explore_assert(handled >= 1 && handled <= took);
	explore_assert(weft__load_relaxed(&cell->word) >> WEFT__LIFE_BITS == (weft__load_relaxed(&cell->taken) & WEFT__PLACES_MASK));
	explore_assert(!weft__load_relaxed(&cell->mailbox.head));
	explore_free(cell->state);
	explore_assert(explore_blocks() == 2); /* the cell and its segment */
}

Test(model_actor, end__while_two_send_and_a_new_life_begins)
{
	static const struct explore_model m = {
		.name = "actor, end", .init = begin_life, .thread = { runs_until_gone, sends_one, sends_one },
		.check = all_accounted_for
	};

	cr_assert(explore(&m));
}

Test(model_actor, end__while_one_sends_twice)
{
	static const struct explore_model m = {
		.name = "actor, end, 2 of one", .init = begin_life, .thread = { runs_until_gone, sends_two },
		.check = all_accounted_for
	};

	cr_assert(explore(&m));
}

/* The second may find the mailbox full: what it looked at for that is written anew for the next life. */
static void begin_full(void)
{
	begin(1);
	exit_after = 1;
	ref = spawn();
}

Test(model_actor, end__while_a_sender_finds_it_full)
{
	static const struct explore_model m = {
		.name = "actor, end, full", .init = begin_full, .thread = { runs_until_gone, sends_one, sends_one },
		.check = all_accounted_for
	};

	cr_assert(explore(&m));
}

/* ---- birth: the reference gets around without any order of its own ------------------------------- */

static void begin_unborn(void)
{
	begin(8);
	exit_after = 0;
}

static void spawns_and_tells(void)
{
	weft__self = &workers[0];
	weft__store_relaxed(&told, spawn().id); /* relaxed: the cell's word must order what the sender needs */
	run_once();
	weft__self = NULL;
}

static void sends_when_told(void)
{
	weft_ref to;

	while (!(to.id = weft__load_relaxed(&told)))
		weft__spin();
	do {
		send_to(to);
	} while (refused[explore_self()] && !sent[explore_self()]); /* it may see the cell as it was before */
}

static void handled_one(void)
{
	explore_assert(handled == 1);
}

Test(model_actor, birth__is_published_by_the_cells_word)
{
	static const struct explore_model m = {
		.name = "actor, birth", .init = begin_unborn, .thread = { spawns_and_tells, sends_when_told },
		.check = handled_one
	};

	cr_assert(explore(&m));
}

/* ---- the bound ------------------------------------------------------------------------------------- */

static void begin_bounded(void)
{
	begin(1);
	exit_after = 0;
	ref = spawn();
}

/* Once somebody has sent, there is something to run; a second send may have found the mailbox full. */
static void runs_all(void)
{
	weft__self = &workers[0];
	do {
		run_once();
	} while (gate_is_open(&scheduled, "is there anything to run?"));
	weft__self = NULL;
}

static void handled_or_queued(void)
{
	uint32_t took = 0;

	for (uint32_t i = 0; i < SENDERS + 2; i++)
		took += sent[i];
	explore_assert(took >= 1);
	explore_assert(handled <= took);
	explore_assert(took - handled <= 1); /* at most the bound is queued */
}

Test(model_actor, bound__of_one_holds_against_two_senders)
{
	static const struct explore_model m = {
		.name = "actor, bound", .init = begin_bounded, .thread = { runs_all, sends_one, sends_one },
		.check = handled_or_queued
	};

	cr_assert(explore(&m));
}
