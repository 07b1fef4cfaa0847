/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: what was made and sent before a start that fails is ended, dropped and answered by the destroy. When no
 * thread at all could be made, nobody did it: fini never ran, and a request was never answered.
 * Method: from some moment on, no thread gets its stack.
 * Found by: review.
 */
#include <pthread.h>

#include "tests/support/actors.h"

static int finis;

static void count_fini(weft_actor *self)
{
	(void)self;
	finis++;
}

static const weft_actor_class counted = { .size = sizeof(counted),
	                                  .name = "counted",
	                                  .behaviour = test_echo_behaviour,
	                                  .fini = count_fini };

/* A stack that no thread gets. (RLIMIT_NPROC does not hold for root.) */
static void forbid_threads(void)
{
	pthread_attr_t attr;

	cr_assert_eq(pthread_attr_init(&attr), 0);
	cr_assert_eq(pthread_attr_setstacksize(&attr, (size_t)1 << 46), 0);
	cr_assert_eq(pthread_setattr_default_np(&attr), 0);
}

Test(regress, start_that_fails)
{
	weft_runtime *rt = NULL;
	weft_future *future;
	weft_msg *answer = NULL;
	weft_ref ref;

	cr_assert_eq(weft_runtime_create(NULL, &rt), 0);
	cr_assert_eq(weft_actor_spawn(rt, &counted, NULL, &ref), 0);
	cr_assert_eq(weft_future_create(rt, &future), 0);
	cr_assert_eq(weft_request(ref, weft_msg_create(TEST_ECHO, 0), weft_reply_to_future(future)), 0);
	forbid_threads();
	cr_assert_lt(weft_runtime_start(rt), 0);
	weft_runtime_destroy(rt);
	cr_assert_eq(finis, 1, "the actor was never ended");
	cr_assert_eq(weft_future_try_take(future, &answer), 0, "the request was never answered");
	cr_assert_eq(weft_msg_kind(answer), WEFT_KIND_NOREPLY);
	weft_msg_destroy(answer);
	weft_future_destroy(future);
}
