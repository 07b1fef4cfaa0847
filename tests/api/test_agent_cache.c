/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Agents that ask the same at once. Goal: what is streamed comes to each of them, and to who comes later, and to nobody
 * twice; one that is canceled takes none with it; when the last one is, the handler hears of it, and the next who asks is
 * asked anew. Method: a handler that the test lets go on step by step.
 */
#include <weft/cache.h>
#include <weft/event.h>

#include "tests/support/agents.h"

static struct kit k;
static weft_cache *cache;
static weft_model_call *under_way; /* the handler's; set with release */
static uint32_t calls, told;

static void was_canceled(void *user)
{
	__atomic_fetch_add(&told, 1, __ATOMIC_ACQ_REL);
	weft_model_finish(user, -ECANCELED);
}

static int waits(weft_model_call *call, void *user)
{
	(void)user;
	__atomic_fetch_add(&calls, 1, __ATOMIC_ACQ_REL);
	cr_assert_eq(weft_model_on_cancel(call, was_canceled, call), 0);
	__atomic_store_n(&under_way, call, __ATOMIC_RELEASE);
	return WEFT_PENDING;
}

static weft_cache_stats stats(void)
{
	weft_cache_stats s = { .size = sizeof(s) };

	cr_assert_eq(weft_cache_stats_read(cache, &s), 0);
	return s;
}

/* Waits for the world to be so; the test's own limit of time ends what never comes. */
#define UNTIL(condition)                                                                                     \
	while (!(condition))                                                                                 \
	usleep(200)

static void begin(void)
{
	kit_init(&k);
	calls = told = 0;
	under_way = NULL;
	cr_assert_eq(weft_cache_create(NULL, &cache), 0);
	cr_assert_eq(weft_models_set_cache(k.models, cache), 0);
	cr_assert_eq(weft_models_add(k.models, WEFT_MODEL_TEXT_LARGE, 0, "waits", waits, NULL, NULL), 0);
	kit_start(&k, 2);
}

static void end(void)
{
	kit_end(&k);
	weft_cache_unref(cache);
}

struct asked {
	weft_ref agent;
	weft_future *future;
	weft_msg *answer;
};

/* Each has an agent of its own. */
static void ask(struct asked *a)
{
	weft_ask what = WEFT_ASK_INIT;

	what.input = WEFT_STR("the same");
	cr_assert_eq(weft_agent_spawn(k.rt, k.def, NULL, &a->agent), 0);
	cr_assert_eq(weft_future_create(k.rt, &a->future), 0);
	cr_assert_eq(weft_agent_ask(a->agent, &what, weft_reply_to_future(a->future)), 0);
}

static const weft_agent_result *wait_for(struct asked *a)
{
	cr_assert_eq(weft_future_wait_until(a->future, &a->answer, weft_now_ns() + TEST_LONG), 0);
	weft_future_destroy(a->future);
	return weft_agent_result_of(a->answer);
}

static void says(struct asked *a, int status, const char *text)
{
	const weft_agent_result *r = wait_for(a);

	cr_assert_not_null(r);
	cr_expect_eq(r->status, status, "%s: %.*s", weft_errname(r->status), WEFT_STR_ARG(r->error));
	if (status == 0)
		cr_expect(text_is(r->text, text), "%.*s", WEFT_STR_ARG(r->text));
	weft_msg_destroy(a->answer);
}

static void finish(const char *text)
{
	weft_model_call *call = __atomic_load_n(&under_way, __ATOMIC_ACQUIRE);

	call->response->text = weft_str_from(text);
	weft_model_finish(call, 0);
}

/* All chunks of a run in their order, put together; and how many there were. */
static void chunks_of(weft_subscription *sub, char *text, size_t room, uint32_t *ret_runs)
{
	uint64_t runs[8] = { 0 };
	weft_event events[64];
	int n;

	*ret_runs = 0;
	text[0] = '\0';
	while ((n = weft_events_read(sub, events, 64)) > 0) {
		for (int i = 0; i < n; i++) {
			uint32_t r = 0;

			if (events[i].scope != WEFT_SCOPE_LLM || events[i].type != WEFT_EVENT_PROGRESS)
				continue;
			while (r < *ret_runs && runs[r] != events[i].workflow_id)
				r++;
			if (r == *ret_runs)
				runs[(*ret_runs)++] = events[i].workflow_id;
			if (r == 0)
				strncat(text, events[i].fields[0].str.ptr, events[i].fields[0].str.len_bytes < room ? events[i].fields[0].str.len_bytes : 0);
		}
	}
}

Test(agent_cache, at_once__one_call_streams_to_all, .timeout = 120)
{
	weft_subscription *sub;
	struct asked a[3], later;
	char text[256];
	uint32_t runs;

	begin();
	cr_assert_eq(weft_events_subscribe(k.rt, NULL, &sub), 0);
	ask(&a[0]);
	UNTIL(__atomic_load_n(&under_way, __ATOMIC_ACQUIRE));
	ask(&a[1]);
	UNTIL(stats().joined == 1);
	weft_model_chunk(under_way, WEFT_STR("one "));
	ask(&a[2]);
	UNTIL(stats().joined == 2);
	weft_model_chunk(under_way, WEFT_STR("two "));
	finish("one two ");
	for (int i = 0; i < 3; i++)
		says(&a[i], 0, "one two");
	chunks_of(sub, text, 128, &runs);
	cr_expect_eq(runs, 3, "each was shown it");
	cr_expect_str_eq(text, "one two ");
	ask(&later);
	says(&later, 0, "one two");
	chunks_of(sub, text, 128, &runs);
	cr_expect_eq(runs, 1);
	cr_expect_str_eq(text, "one two ", "from memory, as it was");
	cr_expect_eq(calls, 1);
	cr_expect_eq(stats().hits, 1);
	weft_events_unsubscribe(sub);
	end();
}

Test(agent_cache, canceled__takes_nobody_with_it, .timeout = 120)
{
	struct asked a[2];

	begin();
	ask(&a[0]);
	UNTIL(__atomic_load_n(&under_way, __ATOMIC_ACQUIRE));
	ask(&a[1]);
	UNTIL(stats().joined == 1);
	cr_assert_eq(weft_agent_cancel(a[0].agent, 0), 0); /* the one whose call it was */
	says(&a[0], -ECANCELED, NULL);
	cr_expect_eq(told, 0);
	finish("still here");
	says(&a[1], 0, "still here");
	end();
}

Test(agent_cache, canceled_all__the_handler_is_told_and_the_next_begins_anew, .timeout = 120)
{
	struct asked a[3];

	begin();
	ask(&a[0]);
	UNTIL(__atomic_load_n(&under_way, __ATOMIC_ACQUIRE));
	ask(&a[1]);
	UNTIL(stats().joined == 1);
	cr_assert_eq(weft_agent_cancel(a[0].agent, 0), 0);
	cr_assert_eq(weft_actor_stop(a[1].agent), 0); /* ends in its own way, too: its run first */
	cr_assert_eq(weft_agent_cancel(a[1].agent, 0), 0);
	says(&a[0], -ECANCELED, NULL);
	says(&a[1], -ECANCELED, NULL);
	UNTIL(__atomic_load_n(&told, __ATOMIC_ACQUIRE) == 1);
	__atomic_store_n(&under_way, NULL, __ATOMIC_RELEASE);
	ask(&a[2]);
	UNTIL(__atomic_load_n(&under_way, __ATOMIC_ACQUIRE));
	finish("anew");
	says(&a[2], 0, "anew");
	cr_expect_eq(calls, 2);
	end();
}

Test(agent_cache, runtimes__have_calls_of_their_own, .timeout = 120)
{
	weft_runtime *other = test_runtime(1);
	weft_model_call *first;
	weft_ask what = WEFT_ASK_INIT;
	struct asked a[1];
	weft_ref agent;

	begin();
	ask(&a[0]);
	UNTIL(__atomic_load_n(&under_way, __ATOMIC_ACQUIRE));
	first = under_way;
	what.input = WEFT_STR("the same");
	cr_assert_eq(weft_agent_spawn(other, k.def, NULL, &agent), 0);
	cr_assert_eq(weft_agent_ask(agent, &what, weft_reply_to_none()), 0);
	UNTIL(__atomic_load_n(&calls, __ATOMIC_ACQUIRE) == 2);
	weft_runtime_stop(other, 0);
	weft_runtime_join(other); /* it cuts off what it did not wait for, and says so */
	UNTIL(__atomic_load_n(&told, __ATOMIC_ACQUIRE) == 1);
	weft_runtime_destroy(other);
	__atomic_store_n(&under_way, first, __ATOMIC_RELEASE);
	finish("still here");
	says(&a[0], 0, "still here");
	end();
}

/* ---- nearly the same -------------------------------------------------------------------------- */

/* Where a text points is how often it has the letters a to d; the rest of it does not count. */
static int embeds(weft_model_call *call, void *user)
{
	weft_str text = call->request->prompt;
	float *v = weft_arena_calloc(call->arena, 4 * sizeof(*v));

	(void)user;
	for (size_t i = 0; i < text.len_bytes; i++) {
		if (text.ptr[i] >= 'a' && text.ptr[i] <= 'd')
			v[text.ptr[i] - 'a'] += 1;
	}
	call->response->embedding = v;
	call->response->embedding_dims = 4;
	return 0;
}

static int repeats(weft_model_call *call, void *user)
{
	(void)user;
	__atomic_fetch_add(&calls, 1, __ATOMIC_ACQ_REL);
	call->response->text = call->request->messages[call->request->message_count - 1].content;
	return 0;
}

static void begin_near(void)
{
	weft_cache_options o = WEFT_CACHE_OPTIONS_INIT;

	o.near_min = 0.95f;
	o.near_answers_max = 3;
	kit_init(&k);
	calls = 0;
	cr_assert_eq(weft_cache_create(&o, &cache), 0);
	cr_assert_eq(weft_models_set_cache(k.models, cache), 0);
	cr_assert_eq(weft_models_add(k.models, WEFT_MODEL_TEXT_LARGE, 0, "repeats", repeats, NULL, NULL), 0);
	cr_assert_eq(weft_models_add(k.models, WEFT_MODEL_TEXT_EMBEDDING, 0, "embeds", embeds, NULL, NULL), 0);
	kit_start(&k, 1);
}

static void said(const char *question, const char *answer)
{
	weft_msg *msg = kit_say(&k, question);
	const weft_agent_result *r = weft_agent_result_of(msg);

	cr_assert_eq(r->status, 0, "%.*s", WEFT_STR_ARG(r->error));
	cr_expect(text_is(r->text, answer), "%s: %.*s", question, WEFT_STR_ARG(r->text));
	weft_msg_destroy(msg);
}

Test(agent_cache, near__is_answered_by_what_was_said_before, .timeout = 120)
{
	begin_near();
	said("aaaaaaaaab", "aaaaaaaaab");
	said("aaaaaaaaabb", "aaaaaaaaab");
	said("aaaaaaaaab", "aaaaaaaaab");
	said("dddd", "dddd");
	cr_expect_eq(calls, 2);
	cr_expect_eq(stats().near, 1);
	cr_expect_eq(stats().hits, 1, "the same is found without an embedding");
	weft_cache_clear(cache);
	said("aaaaaaaaabb", "aaaaaaaaabb");
	end();
}

Test(agent_cache, near__in_the_same_context_only, .timeout = 120)
{
	weft_agent_def *other;

	begin_near();
	said("aaaa", "aaaa");
	k.options.system = "You are another one.";
	cr_assert_eq(weft_agent_def_create(&k.options, &other, NULL), 0);
	cr_assert_eq(weft_agent_spawn(k.rt, other, NULL, &k.agent), 0);
	said("aaaaa", "aaaaa");
	cr_expect_eq(stats().near, 0);
	end();
	weft_agent_def_unref(other);
}

Test(agent_cache, near__the_oldest_goes, .timeout = 120)
{
	begin_near();
	said("a", "a");
	said("b", "b");
	said("c", "c");
	said("aa", "a");
	said("d", "d");
	said("aaa", "aaa");
	said("ddd", "d");
	said("bbb", "bbb");
	cr_expect_eq(stats().near, 2);
	end();
}
