/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Agents whose texts are embedded together, and runtimes that end. Goal: no handler is called with a runtime that is gone; a
 * batch that nobody waits for any more is told so, also when its handler was just being called; texts of different
 * runtimes do not share a batch. Method: a first call from a thread without a runtime keeps the handler busy, agents line
 * up behind it, and its end, on a thread of the test's, calls for them, while their runtime ends or they are canceled.
 * How far those are is not to be seen from outside: where they are late a test shows less, and does not fail.
 */
#include <weft/cache.h>

#include "tests/support/agents.h"

#define CALLS 4u
#define SOON_US 50000u /* for the other thread to come as far as it can */

static struct kit k;
static pthread_t guest, finisher;
static weft_model_call *held[CALLS]; /* set with release */
static uint32_t texts[CALLS];
static uint32_t calls, told, gone;
static int (*second)(weft_model_call *call); /* what the handler does when it is called again */

static const float row[CALLS] = { 1, 2, 3, 4 };

static uint32_t seen(const uint32_t *n)
{
	return __atomic_load_n(n, __ATOMIC_ACQUIRE);
}

static bool in_time(const uint32_t *n, uint32_t value)
{
	uint64_t end = weft_now_ns() + TEST_LONG;

	while (seen(n) < value && weft_now_ns() < end)
		usleep(200);
	return seen(n) >= value;
}

static void was_canceled(void *user)
{
	__atomic_fetch_add(&told, 1, __ATOMIC_ACQ_REL);
	weft_model_finish(user, -ECANCELED);
}

static int embed(weft_model_call *call, void *user)
{
	uint32_t n = __atomic_fetch_add(&calls, 1, __ATOMIC_ACQ_REL);

	(void)user;
	cr_assert_lt(n, CALLS);
	texts[n] = call->request->input_count;
	__atomic_store_n(&held[n], call, __ATOMIC_RELEASE);
	return n ? second(call) : WEFT_PENDING;
}

static void *ask_without_a_runtime(void *arg)
{
	weft_model_request r = { .type = WEFT_MODEL_TEXT_EMBEDDING, .prompt = WEFT_STR("a guest's") };
	weft_model_response response;
	weft_arena *arena;

	(void)arg;
	cr_assert_eq(weft_arena_create(0, &arena), 0);
	cr_expect_eq(weft_models_call(k.models, &r, arena, &response, NULL), 0);
	weft_arena_destroy(arena);
	return NULL;
}

static void *finish_the_first(void *arg)
{
	weft_model_call *call = __atomic_load_n(&held[0], __ATOMIC_ACQUIRE);

	(void)arg;
	call->response->embedding = row;
	call->response->embedding_dims = CALLS;
	call->response->embedding_count = 1;
	weft_model_finish(call, 0);
	return NULL;
}

/* The handler is busy with a guest's text, and an agent whose questions are embedded can be asked. */
static void begin(int (*then)(weft_model_call *call))
{
	weft_cache_options opt = WEFT_CACHE_OPTIONS_INIT;
	weft_cache *cache;

	opt.near_min = 0.9f;
	second = then;
	kit_init(&k);
	cr_assert_eq(weft_cache_create(&opt, &cache), 0);
	cr_assert_eq(weft_models_set_cache(k.models, cache), 0);
	weft_cache_unref(cache);
	cr_assert_eq(weft_models_add(k.models, WEFT_MODEL_TEXT_EMBEDDING, 0, "e", embed, NULL, NULL), 0);
	cr_assert_eq(weft_models_gather_embeddings(k.models, 16), 0);
	kit_start(&k, 1);
	cr_assert_eq(pthread_create(&guest, NULL, ask_without_a_runtime, NULL), 0);
	cr_assert(in_time(&calls, 1));
}

/* Until an agent that was asked is in the line: its worker has begun with all that was sent, and sleeps again. */
static void wait_until_handled(weft_runtime *rt)
{
	weft_runtime_stats s = { .size = sizeof(s) };
	uint64_t end = weft_now_ns() + TEST_LONG;

	do {
		usleep(200);
		cr_assert_eq(weft_runtime_stats_read(rt, &s), 0);
	} while (s.msgs_handled < s.msgs_sent && weft_now_ns() < end);
	test_quiet(rt);
}

static weft_future *ask(weft_runtime *rt, weft_ref agent, const char *text)
{
	weft_ask what = WEFT_ASK_INIT;
	weft_future *future;

	what.input = weft_str_from(text);
	cr_assert_eq(weft_future_create(rt, &future), 0);
	cr_assert_eq(weft_agent_ask(agent, &what, weft_reply_to_future(future)), 0);
	wait_until_handled(rt);
	return future;
}

static void go_on(void)
{
	cr_assert_eq(pthread_create(&finisher, NULL, finish_the_first, NULL), 0);
	cr_assert(in_time(&calls, 2));
}

static void wait_for(weft_future *future)
{
	weft_msg *answer = NULL;

	cr_expect_eq(weft_future_wait_until(future, &answer, weft_now_ns() + TEST_LONG), 0);
	weft_msg_destroy(answer);
	weft_future_destroy(future);
}

static void end_at_once(weft_runtime *rt, weft_future *future)
{
	weft_runtime_stop(rt, 0);
	weft_runtime_join(rt); /* it cuts off what it did not wait for, and says so */
	wait_for(future);
	weft_runtime_destroy(rt);
	__atomic_store_n(&gone, 1, __ATOMIC_RELEASE);
}

static void end_of_models(void)
{
	pthread_join(finisher, NULL);
	pthread_join(guest, NULL);
	weft_agent_def_unref(k.def);
	weft_models_unref(k.models);
	weft_tools_unref(k.tools);
}

static int look_at_the_runtime(weft_model_call *call)
{
	usleep(SOON_US); /* it would be gone */
	cr_expect_eq(seen(&gone), 0, "the runtime of the call ends while its handler is being called");
	if (!seen(&gone))
		cr_expect_eq(weft_runtime_workers(call->rt), 1);
	return -EIO;
}

Test(agent_gather, runtime_ends_while_the_handler_is_called__waits_for_it)
{
	weft_future *future;

	begin(look_at_the_runtime);
	future = ask(k.rt, k.agent, "hello");
	go_on();
	end_at_once(k.rt, future);
	end_of_models();
}

static int ask_to_be_told_late(weft_model_call *call)
{
	usleep(SOON_US); /* all who waited leave */
	cr_assert_eq(weft_model_on_cancel(call, was_canceled, call), 0);
	return WEFT_PENDING;
}

Test(agent_gather, canceled_while_the_handler_is_called__is_told)
{
	weft_future *future;

	begin(ask_to_be_told_late);
	future = ask(k.rt, k.agent, "hello");
	go_on();
	cr_assert_eq(weft_agent_cancel(k.agent, 0), 0);
	cr_expect(in_time(&told, 1), "nobody told the handler that nobody waits");
	wait_for(future);
	test_runtime_end(k.rt);
	end_of_models();
}

Test(agent_gather, runtimes__have_batches_of_their_own)
{
	weft_future *of_one, *of_other;
	weft_runtime *other;
	weft_ref agent;

	begin(ask_to_be_told_late);
	other = test_runtime(1);
	cr_assert_eq(weft_agent_spawn(other, k.def, NULL, &agent), 0);
	of_other = ask(other, agent, "of the other");
	of_one = ask(k.rt, k.agent, "of the one");
	go_on();
	end_at_once(other, of_other);
	cr_assert(in_time(&calls, 3), "the end of the one's batch calls for the other's");
	cr_expect_eq(texts[1], 1);
	cr_expect_eq(texts[2], 1);
	cr_expect_eq(held[2]->rt, k.rt);
	cr_assert_eq(weft_agent_cancel(k.agent, 0), 0);
	wait_for(of_one);
	cr_expect(in_time(&told, 2));
	test_runtime_end(k.rt);
	end_of_models();
}
