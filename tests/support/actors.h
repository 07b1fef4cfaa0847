/* SPDX-License-Identifier: Apache-2.0 */
/* tests/support/actors.h - a runtime and the few actors that API tests need again and again. */
#ifndef WEFT_TESTS_SUPPORT_ACTORS_H
#define WEFT_TESTS_SUPPORT_ACTORS_H

#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include <weft/weft.h>

#define TEST_SECOND UINT64_C(1000000000)
#define TEST_LONG (60 * TEST_SECOND) /* for what must happen: machines are slow, and stall */

enum { TEST_ECHO = 1, TEST_KEEP, TEST_FAIL, TEST_EXIT };

static inline weft_runtime *test_runtime_with(const weft_runtime_options *opt)
{
	weft_runtime *rt = NULL;

	cr_assert_eq(weft_runtime_create(opt, &rt), 0);
	cr_assert_eq(weft_runtime_start(rt), 0);
	return rt;
}

static inline weft_runtime *test_runtime(uint32_t workers)
{
	weft_runtime_options opt = WEFT_RUNTIME_OPTIONS_INIT;

	opt.workers = workers;
	return test_runtime_with(&opt);
}

/* Until all workers sleep: nothing is under way but what waits for a timer or for this thread. */
static inline void test_quiet(weft_runtime *rt)
{
	uint64_t until = weft_now_ns() + TEST_LONG;
	weft_stats s = WEFT_STATS_INIT;

	while (weft_stats_read(rt, WEFT_LANE_ALL, &s) == 0 && s.parked < s.workers && weft_now_ns() < until)
		usleep(200);
	cr_assert_eq(s.parked, s.workers, "a worker does not come to rest");
}

/* Stop, join, check that nothing was cut off and that the counts add up, destroy. */
static inline void test_runtime_end(weft_runtime *rt)
{
	weft_runtime_stats s = { .size = sizeof(s) };

	cr_assert_eq(weft_runtime_stop(rt, TEST_LONG), 0);
	cr_assert_eq(weft_runtime_join(rt), 0);
	cr_assert_eq(weft_runtime_stats_read(rt, &s), 0);
	cr_assert_eq(s.msgs_sent, s.msgs_handled + s.msgs_dropped, "sent %lu, handled %lu, dropped %lu",
	             (unsigned long)s.msgs_sent, (unsigned long)s.msgs_handled, (unsigned long)s.msgs_dropped);
	cr_assert_eq(s.requests_open, 0);
	cr_assert_eq(s.actors_spawned, s.actors_ended);
	weft_runtime_destroy(rt);
}

/* ECHO: answers with the message itself. KEEP: drops it unanswered. FAIL, EXIT: ends. */
static int test_echo_behaviour(weft_actor *self, weft_msg *msg)
{
	switch (weft_msg_kind(msg)) {
	case TEST_ECHO:
		return weft_msg_wants_reply(msg) ? weft_reply(msg, msg) : 0;
	case TEST_FAIL:
		return -EIO;
	case TEST_EXIT:
		weft_actor_exit(self, 0);
		return 0;
	default:
		return 0;
	}
}

static const weft_actor_class test_echo = { .size = sizeof(test_echo),
	                                    .name = "echo",
	                                    .behaviour = test_echo_behaviour };

static inline weft_ref test_spawn(weft_runtime *rt, const weft_actor_class *cls, const void *state)
{
	weft_ref ref = { 0 };

	cr_assert_eq(weft_actor_spawn(rt, cls, state, &ref), 0);
	return ref;
}

/* Ask through a future and give the answer's kind; the answer is released. */
static inline uint32_t test_ask_kind(weft_runtime *rt, weft_ref to, uint32_t kind)
{
	weft_future *future;
	weft_msg *msg = weft_msg_create(kind, 0), *answer = NULL;
	uint32_t answer_kind;

	cr_assert_eq(weft_future_create(rt, &future), 0);
	cr_assert_eq(weft_request(to, msg, weft_reply_to_future(future)), 0);
	cr_assert_eq(weft_future_wait_until(future, &answer, weft_now_ns() + TEST_LONG), 0);
	answer_kind = weft_msg_kind(answer);
	weft_msg_destroy(answer);
	weft_future_destroy(future);
	return answer_kind;
}

#endif
