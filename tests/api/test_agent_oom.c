/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A handler answers that it will finish later, and there is no memory for its way back. Goal: its
 * call stays valid until it finishes, and belongs to nobody else. Method: an allocator that fails on
 * demand; the handler uses up the worker's pool of messages before it returns.
 */
#include "tests/support/agents.h"
#include "tests/support/failing_alloc.h"

#define DRAIN_MAX 65536

static _Thread_local bool drained;
static _Thread_local uint32_t failures; /* so many allocations fail */

static bool test_alloc_fails(void)
{
	if (drained)
		return true;
	return failures && failures--;
}

static weft_model_call *lost;
static weft_msg *taken[DRAIN_MAX];
static uint32_t taken_count, second_asked;

static int lose_the_way(weft_model_call *call, void *user)
{
	(void)user;
	drained = true;
	while (taken_count < DRAIN_MAX && (taken[taken_count] = weft_msg_create(1, 0)))
		taken_count++;
	drained = false;
	failures = 1; /* the promise's */
	lost = call;
	return WEFT_PENDING;
}

static int second(weft_model_call *call, void *user)
{
	(void)user;
	second_asked++;
	call->response->text = WEFT_STR("second");
	return 0;
}

Test(agent_oom, model__that_cannot_come_back_keeps_its_call, .timeout = 60)
{
	const weft_allocator allocator = test_failing_allocator();
	struct kit k;
	weft_msg *answer;

	cr_assert_eq(weft_allocator_set(&allocator), 0);
	kit_init(&k);
	cr_assert_eq(weft_models_add(k.models, WEFT_MODEL_TEXT_LARGE, 1, "first", lose_the_way, NULL, NULL), 0);
	cr_assert_eq(weft_models_add(k.models, WEFT_MODEL_TEXT_LARGE, 0, "second", second, NULL, NULL), 0);
	kit_start(&k, 1);
	answer = kit_say(&k, "hi");
	cr_assert_not_null(weft_agent_result_of(answer));
	cr_assert_eq(weft_msg_status(answer), WEFT_EMODEL);
	cr_assert_eq(second_asked, 0, "the first may still write into the answer");
	cr_assert_not_null(lost);
	weft_model_finish(lost, 0); /* lets go of the run */
	weft_msg_destroy(answer);
	for (uint32_t i = 0; i < taken_count; i++)
		weft_msg_destroy(taken[i]);
	kit_end(&k);
}
