/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The explorer itself. Goal: it finds each outcome that C11 allows (but those that memory.h leaves
 * out) and no other. Method: the litmus tests of the textbooks, whose sets of outcomes are known; then random
 * programs, explored with and without the shortcuts of search.h, which must come to the same outcomes. And planted
 * bugs of each sort must be found.
 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "runtime/base/atomic.h"
#include "tests/model/explore.h"
#include "tests/model/gate.h"
#include "tests/support/seed.h"

/* ---- litmus tests: what can the registers hold at the end? ----------------------------------- */

static _Atomic(uint32_t) x, y, z;
static uint32_t r[4]; /* one a load, each written by one thread */
static uint32_t plain;

#define OUTCOMES 256u
static bool seen[OUTCOMES]; /* by registers, two bits each */

static void forget(void)
{
	memset(seen, 0, sizeof(seen));
}

static void clear(void)
{
	x = y = z = 0;
	plain = 0;
	memset(r, 0, sizeof(r));
	explore_name(&x, sizeof(x), "x");
	explore_name(&y, sizeof(y), "y");
	explore_name(&z, sizeof(z), "z");
	explore_name(&plain, sizeof(plain), "plain");
}

static void note(void)
{
	seen[r[0] | r[1] << 2 | r[2] << 4 | r[3] << 6] = true;
}

static bool can_be(uint32_t r0, uint32_t r1, uint32_t r2, uint32_t r3)
{
	return seen[r0 | r1 << 2 | r2 << 4 | r3 << 6];
}

static unsigned outcomes(void)
{
	unsigned n = 0;

	for (unsigned i = 0; i < OUTCOMES; i++)
		n += seen[i];
	return n;
}

#define LITMUS(...)                                                                                          \
	do {                                                                                                 \
		const struct explore_model m = {                                                             \
			.name = "litmus", .init = clear, .thread = { __VA_ARGS__ }, .check = note, .quiet = true \
		};                                                                                           \
		forget();                                                                                    \
		cr_assert(explore(&m));                                                                      \
	} while (0)

#define THREAD(name, ...)                                                                                    \
	static void name(void)                                                                               \
	{                                                                                                    \
		__VA_ARGS__;                                                                                 \
	}

THREAD(sb_release_1, weft__store_release(&x, 1); r[0] = weft__load_acquire(&y))
THREAD(sb_release_2, weft__store_release(&y, 1); r[1] = weft__load_acquire(&x))
THREAD(sb_seq_cst_1, weft__store_seq_cst(&x, 1); r[0] = weft__load_seq_cst(&y))
THREAD(sb_seq_cst_2, weft__store_seq_cst(&y, 1); r[1] = weft__load_seq_cst(&x))
THREAD(sb_fence_1, weft__store_relaxed(&x, 1); atomic_thread_fence(memory_order_seq_cst); r[0] = weft__load_relaxed(&y))
THREAD(sb_fence_2, weft__store_relaxed(&y, 1); atomic_thread_fence(memory_order_seq_cst); r[1] = weft__load_relaxed(&x))

Test(model_explore, store_buffering__needs_seq_cst_on_both_sides)
{
	LITMUS(sb_release_1, sb_release_2);
	cr_assert(can_be(0, 0, 0, 0));
	cr_assert_eq(outcomes(), 4);
	LITMUS(sb_seq_cst_1, sb_release_2);
	cr_assert(can_be(0, 0, 0, 0));
	LITMUS(sb_seq_cst_1, sb_seq_cst_2);
	cr_assert_not(can_be(0, 0, 0, 0));
	cr_assert_eq(outcomes(), 3);
	LITMUS(sb_fence_1, sb_fence_2);
	cr_assert_not(can_be(0, 0, 0, 0));
	cr_assert_eq(outcomes(), 3);
}

THREAD(mp_release, weft__store_relaxed(&x, 1); weft__store_release(&y, 1))
THREAD(mp_relaxed, weft__store_relaxed(&x, 1); weft__store_relaxed(&y, 1))
THREAD(mp_fence, weft__store_relaxed(&x, 1); atomic_thread_fence(memory_order_release); weft__store_relaxed(&y, 1))
THREAD(mp_look_acquire, r[0] = weft__load_acquire(&y); r[1] = weft__load_relaxed(&x))
THREAD(mp_look_relaxed, r[0] = weft__load_relaxed(&y); r[1] = weft__load_relaxed(&x))
THREAD(mp_look_fence, r[0] = weft__load_relaxed(&y); atomic_thread_fence(memory_order_acquire); r[1] = weft__load_relaxed(&x))
THREAD(mp_between, weft__fetch_add_relaxed(&y, 1))

Test(model_explore, message_passing__needs_release_and_acquire)
{
	LITMUS(mp_release, mp_look_acquire);
	cr_assert_not(can_be(1, 0, 0, 0));
	cr_assert_eq(outcomes(), 3);
	LITMUS(mp_relaxed, mp_look_acquire);
	cr_assert(can_be(1, 0, 0, 0));
	LITMUS(mp_release, mp_look_relaxed);
	cr_assert(can_be(1, 0, 0, 0));
	LITMUS(mp_fence, mp_look_acquire);
	cr_assert_not(can_be(1, 0, 0, 0));
	LITMUS(mp_release, mp_look_fence);
	cr_assert_not(can_be(1, 0, 0, 0));
	/* a read-modify-write in between carries on what was released: 2 says it came second */
	LITMUS(mp_release, mp_look_acquire, mp_between);
	cr_assert_not(can_be(2, 0, 0, 0));
	cr_assert(can_be(1, 0, 0, 0), "the other's 1, which carries nothing");
}

THREAD(lb_1, r[0] = weft__load_relaxed(&x); weft__store_relaxed(&y, 1))
THREAD(lb_2, r[1] = weft__load_relaxed(&y); weft__store_relaxed(&x, 1))

Test(model_explore, load_buffering__is_left_out)
{
	LITMUS(lb_1, lb_2);
	cr_assert_not(can_be(1, 1, 0, 0));
	cr_assert_eq(outcomes(), 3);
}

THREAD(write_x, weft__store_release(&x, 1))
THREAD(write_y, weft__store_release(&y, 1))
THREAD(write_x_sc, weft__store_seq_cst(&x, 1))
THREAD(write_y_sc, weft__store_seq_cst(&y, 1))
THREAD(iriw_1, r[0] = weft__load_acquire(&x); r[1] = weft__load_acquire(&y))
THREAD(iriw_2, r[2] = weft__load_acquire(&y); r[3] = weft__load_acquire(&x))
THREAD(iriw_sc_1, r[0] = weft__load_seq_cst(&x); r[1] = weft__load_seq_cst(&y))
THREAD(iriw_sc_2, r[2] = weft__load_seq_cst(&y); r[3] = weft__load_seq_cst(&x))

Test(model_explore, two_writers__are_seen_in_one_order_with_seq_cst_only)
{
	LITMUS(write_x, write_y, iriw_1, iriw_2);
	cr_assert(can_be(1, 0, 1, 0));
	cr_assert_eq(outcomes(), 16);
	LITMUS(write_x_sc, write_y_sc, iriw_sc_1, iriw_sc_2);
	cr_assert_not(can_be(1, 0, 1, 0));
	cr_assert_eq(outcomes(), 15);
}

THREAD(xy_1, weft__store_release(&x, 1); weft__store_release(&y, 2))
THREAD(xy_2, weft__store_release(&y, 1); weft__store_release(&x, 2))
THREAD(xy_sc_1, weft__store_seq_cst(&x, 1); weft__store_seq_cst(&y, 2))
THREAD(xy_sc_2, weft__store_seq_cst(&y, 1); weft__store_seq_cst(&x, 2))

static void note_last(void)
{
	r[0] = weft__load_relaxed(&x);
	r[1] = weft__load_relaxed(&y);
	note();
}

Test(model_explore, two_words__are_overwritten_in_one_order_with_seq_cst_only)
{
	const struct explore_model release = {
		.name = "2+2W", .init = clear, .thread = { xy_1, xy_2 }, .check = note_last, .quiet = true
	};
	const struct explore_model seq_cst = {
		.name = "2+2W", .init = clear, .thread = { xy_sc_1, xy_sc_2 }, .check = note_last, .quiet = true
	};

	forget();
	cr_assert(explore(&release));
	cr_assert(can_be(1, 1, 0, 0), "each thread's first store was late");
	cr_assert_eq(outcomes(), 4);
	forget();
	cr_assert(explore(&seq_cst));
	cr_assert_not(can_be(1, 1, 0, 0));
	cr_assert_eq(outcomes(), 3);
}

THREAD(flag_late, weft__store_relaxed(&x, 1); weft__store_relaxed(&y, 1))
THREAD(add_early, r[0] = weft__load_relaxed(&y); r[1] = weft__fetch_add_relaxed(&x, 2); r[2] = weft__load_relaxed(&x))

Test(model_explore, read_modify_write__may_come_before_a_late_store)
{
	LITMUS(flag_late, add_early);
	cr_assert(can_be(1, 0, 2, 0), "x = 1 comes last");
	cr_assert(can_be(1, 0, 1, 0), "x = 1 comes in between");
	cr_assert(can_be(1, 1, 3, 0));
	cr_assert_not(can_be(1, 1, 1, 0));
}

THREAD(count_up, weft__store_relaxed(&x, 1); weft__store_relaxed(&x, 2))
THREAD(look_twice, r[0] = weft__load_relaxed(&x); r[1] = weft__load_relaxed(&x))

Test(model_explore, one_word__never_goes_back)
{
	LITMUS(count_up, look_twice);
	cr_assert_eq(outcomes(), 6, "0 0, 0 1, 0 2, 1 1, 1 2, 2 2");
	cr_assert_not(can_be(2, 1, 0, 0));
}

THREAD(wrc_2, r[0] = weft__load_acquire(&x); weft__store_release(&y, 1))
THREAD(wrc_3, r[1] = weft__load_acquire(&y); r[2] = weft__load_relaxed(&x))

Test(model_explore, what_was_read__is_passed_on)
{
	LITMUS(write_x, wrc_2, wrc_3);
	cr_assert_not(can_be(1, 1, 0, 0));
	cr_assert_eq(outcomes(), 7);
}

THREAD(add_1, r[0] = weft__fetch_add_relaxed(&x, 1))
THREAD(add_2, r[1] = weft__fetch_add_relaxed(&x, 1))
THREAD(add_3, r[2] = weft__fetch_add_relaxed(&x, 1))
static void swap(uint32_t *result)
{
	uint32_t expected = 0;

	*result = weft__cas_acq_rel(&x, &expected, 1u);
}
THREAD(swap_1, swap(&r[0]))
THREAD(swap_2, swap(&r[1]))

Test(model_explore, read_modify_write__is_one_step)
{
	LITMUS(add_1, add_2, add_3);
	cr_assert_eq(outcomes(), 6, "each order once");
	LITMUS(swap_1, swap_2);
	cr_assert_eq(outcomes(), 2);
	cr_assert(can_be(1, 0, 0, 0) && can_be(0, 1, 0, 0));
}

/* ---- random programs ---------------------------------------------------------------------------- */

#define PROGRAM_THREADS 3u
#define PROGRAM_OPS 3u
#define SET 4096u

struct instruction {
	uint32_t how, word, order, value;
};

static struct instruction program[PROGRAM_THREADS][PROGRAM_OPS];
static uint32_t results[PROGRAM_THREADS][PROGRAM_OPS];
static uint64_t set[2][SET];
static unsigned set_size[2], set_now;
static struct gate gate;

static void one(const struct instruction *i, uint32_t *result)
{
	uint32_t *at = (uint32_t *)(i->word ? &y : &x), expected = i->value;

	/* the builtins want an order that is constant, or take the strongest: so each of them by name */
	switch (i->how * 3 + (i->order % 3)) {
#define EACH(n, code) case n: code; break;
	EACH(0, *result = __atomic_load_n(at, __ATOMIC_RELAXED))
	EACH(1, *result = __atomic_load_n(at, __ATOMIC_ACQUIRE))
	EACH(2, *result = __atomic_load_n(at, __ATOMIC_SEQ_CST))
	EACH(3, __atomic_store_n(at, i->value, __ATOMIC_RELAXED))
	EACH(4, __atomic_store_n(at, i->value, __ATOMIC_RELEASE))
	EACH(5, __atomic_store_n(at, i->value, __ATOMIC_SEQ_CST))
	EACH(6, *result = __atomic_exchange_n(at, i->value, __ATOMIC_RELAXED))
	EACH(7, *result = __atomic_exchange_n(at, i->value, __ATOMIC_ACQ_REL))
	EACH(8, *result = __atomic_exchange_n(at, i->value, __ATOMIC_SEQ_CST))
	EACH(9, __atomic_compare_exchange_n(at, &expected, 7, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED); *result = expected)
	EACH(10, __atomic_compare_exchange_n(at, &expected, 7, false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE); *result = expected)
	EACH(11, __atomic_compare_exchange_n(at, &expected, 7, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST); *result = expected)
	EACH(12, __atomic_thread_fence(__ATOMIC_ACQUIRE))
	EACH(13, __atomic_thread_fence(__ATOMIC_RELEASE))
	EACH(14, __atomic_thread_fence(__ATOMIC_SEQ_CST))
	case 15:
	case 16:
	case 17:
		gate_pass(&gate, "passes");
		*result = gate_count(&gate);
		break;
#undef EACH
	default:
		break;
	}
}

static void program_thread(void)
{
	uint32_t self = explore_self() - 1;

	for (uint32_t i = 0; i < PROGRAM_OPS; i++)
		one(&program[self][i], &results[self][i]);
}

static void program_init(void)
{
	clear();
	memset(results, 0, sizeof(results));
	gate = (struct gate){ 0 };
}

/* Registers and the last values, in one number. */
static void program_note(void)
{
	uint64_t hash = 1469598103934665603u;
	const uint32_t *all = &results[0][0];

	for (uint32_t i = 0; i < PROGRAM_THREADS * PROGRAM_OPS; i++)
		hash = (hash ^ all[i]) * 1099511628211u;
	hash = (hash ^ weft__load_relaxed(&x)) * 1099511628211u;
	hash = (hash ^ weft__load_relaxed(&y)) * 1099511628211u;
	for (unsigned i = 0; i < set_size[set_now]; i++) {
		if (set[set_now][i] == hash)
			return;
	}
	cr_assert_lt(set_size[set_now], SET);
	set[set_now][set_size[set_now]++] = hash;
}

static bool same_sets(void)
{
	unsigned found = 0;

	for (unsigned i = 0; i < set_size[0]; i++) {
		for (unsigned j = 0; j < set_size[1]; j++)
			found += set[0][i] == set[1][j];
	}
	return set_size[0] == set_size[1] && found == set_size[0];
}

static void print_program(void)
{
	static const char *const how[] = { "load", "store", "xchg", "cas", "fence", "step" };

	for (uint32_t t = 0; t < PROGRAM_THREADS; t++) {
		for (uint32_t i = 0; i < PROGRAM_OPS; i++)
			fprintf(stderr, "T%u: %s/%u %c %u\n", t + 1, how[program[t][i].how], program[t][i].order % 3,
			        "xy"[program[t][i].word], program[t][i].value);
	}
}

Test(model_explore, shortcuts__leave_no_outcome_out, .timeout = 120)
{
	uint64_t rnd = test_seed("explore");

	for (int round = 0; round < 60; round++) {
		for (uint32_t i = 0; i < PROGRAM_THREADS * PROGRAM_OPS; i++) {
			struct instruction *in = &program[i / PROGRAM_OPS][i % PROGRAM_OPS];

			in->how = test_below(&rnd, 10) % 6; /* rarely a fence or a step */
			in->word = test_below(&rnd, 2);
			in->order = test_below(&rnd, 3);
			in->value = in->how == 3 ? test_below(&rnd, 3) : 1 + i;
		}
		for (set_now = 0; set_now < 2; set_now++) {
			const struct explore_model m = {
				.name = "random", .init = program_init,
				.thread = { program_thread, program_thread, program_thread }, .check = program_note,
				.everything = set_now == 0, .quiet = true
			};

			set_size[set_now] = 0;
			cr_assert(explore(&m));
		}
		if (!same_sets())
			print_program();
		cr_assert(same_sets(), "round %d: %u outcomes of all orders, %u with shortcuts", round, set_size[0], set_size[1]);
	}
}

/* ---- planted bugs ----------------------------------------------------------------------------------- */

#define FINDS(...)                                                                                           \
	do {                                                                                                 \
		const struct explore_model m = {                                                             \
			.name = "planted bug", .init = clear, .thread = { __VA_ARGS__ }, .quiet = true       \
		};                                                                                           \
		cr_assert_not(explore(&m));                                                                  \
	} while (0)

THREAD(publish_relaxed, plain = 7; weft__store_relaxed(&x, 1))
THREAD(publish_release, plain = 7; weft__store_release(&x, 1))
THREAD(use_acquire, if (weft__load_acquire(&x)) explore_assert(plain == 7))
THREAD(use_relaxed, if (weft__load_relaxed(&x)) explore_assert(plain == 7))

Test(model_explore, data_race__is_found)
{
	const struct explore_model fine = {
		.name = "published", .init = clear, .thread = { publish_release, use_acquire }, .quiet = true
	};

	cr_assert(explore(&fine));
	FINDS(publish_relaxed, use_acquire);
	FINDS(publish_release, use_relaxed);
}

static void *block;

static void with_block(void)
{
	clear();
	block = explore_alloc(16, 16);
}

THREAD(free_it, weft__fetch_add_acq_rel(&x, 1); explore_free(block))
THREAD(use_it, weft__fetch_add_acq_rel(&x, 1); *(volatile char *)block = 1; weft__fetch_add_acq_rel(&x, 1))

Test(model_explore, use_after_free__is_found)
{
	const struct explore_model m = {
		.name = "use after free", .init = with_block, .thread = { free_it, use_it }, .quiet = true
	};

	cr_assert_not(explore(&m));
}

static bool is_signalled(const void *arg)
{
	return *(const uint32_t *)arg;
}

static uint32_t signalled;

static void no_signal(void)
{
	clear();
	signalled = 0;
}

static void waits(void)
{
	explore_step(&signalled, is_signalled, &signalled, "waits for the signal");
}

static void signals_if_asked(void)
{
	if (weft__load_seq_cst(&x)) {
		explore_step(&signalled, NULL, NULL, "signals");
		signalled = 1;
	}
}

THREAD(asks_and_waits, weft__store_seq_cst(&x, 1); waits())

Test(model_explore, waiting_for_ever__is_found)
{
	const struct explore_model m = {
		.name = "waits for ever", .init = no_signal, .thread = { asks_and_waits, signals_if_asked }, .quiet = true
	};

	cr_assert_not(explore(&m));
}
