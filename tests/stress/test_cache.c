/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Many agents that ask few questions, and for the embeddings of few texts, through a cache and a gathering registry.
 * Goal: each ask has one answer, and it is the one to its question, or an error it could have; nothing is called more often than it
 * is asked; canceling one harms no other; in the end nothing is under way. Method: handlers that a thread ends in random
 * order, well or not, streamed or not; asks that are canceled at random moments; agents that end in the middle.
 */
#include <weft/cache.h>

#include "tests/support/agents.h"
#include "tests/support/leap.h"
#include "tests/support/seed.h"

#define AGENTS 24u
#define ASKS 20000u
#define OPEN 64u /* asks of the test at once */
#define QUESTIONS 6u
#define HELD 256u

static struct kit k;
static weft_cache *cache;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static weft_model_call *held[HELD]; /* under the lock */
static uint32_t held_count;
static bool over;
static uint64_t asked, answered, right, canceled, failed, calls, told;

/* ---- the models ------------------------------------------------------------------------ */

static bool let_go(weft_model_call *call)
{
	bool found = false;

	pthread_mutex_lock(&lock);
	for (uint32_t i = 0; i < held_count && !found; i++) {
		if (held[i] != call)
			continue;
		held[i] = held[--held_count];
		found = true;
	}
	pthread_mutex_unlock(&lock);
	return found;
}

static void was_canceled(void *user)
{
	__atomic_fetch_add(&told, 1, __ATOMIC_RELAXED);
	if (let_go(user))
		weft_model_finish(user, -ECANCELED);
}

static int hold(weft_model_call *call, void *user)
{
	bool room;

	(void)user;
	__atomic_fetch_add(&calls, 1, __ATOMIC_RELAXED);
	cr_assert_eq(weft_model_on_cancel(call, was_canceled, call), 0);
	pthread_mutex_lock(&lock);
	room = held_count < HELD;
	if (room)
		held[held_count++] = call;
	pthread_mutex_unlock(&lock);
	return room ? WEFT_PENDING : -EIO;
}

/* The answer to a question is the question. */
static weft_str question_of(const weft_model_request *r)
{
	return r->messages[r->message_count - 1].content;
}

static int echo(weft_model_call *call, void *user)
{
	(void)user;
	call->response->text = question_of(call->request);
	return 0;
}

/* A direction for each question, so that near is the same. */
static int embed(weft_model_call *call, void *user)
{
	float *v = weft_arena_calloc(call->arena, QUESTIONS * sizeof(*v));

	(void)user;
	v[call->request->prompt.ptr[sizeof("question ") - 1] - '0'] = 1;
	call->response->embedding = v;
	call->response->embedding_dims = QUESTIONS;
	return 0;
}

static void answer(weft_model_call *call, uint64_t *state)
{
	weft_str text = weft_arena_dup(call->arena, question_of(call->request));

	if (test_below(state, 2)) {
		weft_model_chunk(call, (weft_str){ text.ptr, 1 });
		usleep(test_below(state, 50));
		weft_model_chunk(call, (weft_str){ text.ptr + 1, text.len_bytes - 1 });
	} else if (test_below(state, 6) == 0) {
		weft_model_finish(call, -EIO);
		return;
	}
	call->response->text = text;
	weft_model_finish(call, 0);
}

static void *finisher(void *seed)
{
	uint64_t state = *(uint64_t *)seed;

	while (!__atomic_load_n(&over, __ATOMIC_ACQUIRE)) {
		weft_model_call *call = NULL;

		pthread_mutex_lock(&lock);
		if (held_count) {
			uint32_t i = test_below(&state, held_count);

			call = held[i];
			held[i] = held[--held_count];
		}
		pthread_mutex_unlock(&lock);
		if (call)
			answer(call, &state);
		else
			usleep(50);
	}
	return NULL;
}

/* ---- asking ------------------------------------------------------------------------------ */

struct open_ask {
	weft_future *future;
	weft_ref agent;
	uint64_t id;
	char text[32];
};

static weft_ref agents[AGENTS];

static bool ask(struct open_ask *o, uint64_t *state)
{
	uint32_t i = test_below(state, AGENTS);
	weft_ask what = WEFT_ASK_INIT;

	if (!weft_actor_is_alive(agents[i]))
		cr_assert_eq(weft_agent_spawn(k.rt, k.def, NULL, &agents[i]), 0);
	snprintf(o->text, sizeof(o->text), "question %u of some", test_below(state, QUESTIONS));
	what.input = weft_str_from(o->text);
	what.workflow_id = o->id = weft_workflow_id(k.rt);
	o->agent = agents[i];
	cr_assert_eq(weft_future_create(k.rt, &o->future), 0);
	if (weft_agent_ask(o->agent, &what, weft_reply_to_future(o->future)) < 0) {
		weft_future_destroy(o->future);
		o->future = NULL;
		return false;
	}
	asked++;
	return true;
}

static void take(struct open_ask *o)
{
	const weft_agent_result *r;
	weft_msg *msg = NULL;

	cr_assert_eq(weft_future_wait_until(o->future, &msg, weft_now_ns() + TEST_LONG), 0);
	weft_future_destroy(o->future);
	o->future = NULL;
	answered++;
	r = weft_agent_result_of(msg);
	if (r && r->status == 0) {
		cr_assert(text_is(r->text, o->text), "%.*s, not %s", WEFT_STR_ARG(r->text), o->text);
		right++;
	} else if (r && r->status == -ECANCELED) {
		canceled++;
	} else {
		failed++; /* broken off after it was shown, or its agent ended */
		cr_assert(!r || r->status == WEFT_EBROKEN || r->status == WEFT_EMODEL, "%s", weft_errname(r->status));
	}
	weft_msg_destroy(msg);
}

static void play(uint64_t *state)
{
	struct open_ask open[OPEN] = { 0 };

	while (asked < ASKS) {
		struct open_ask *o = &open[test_below(state, OPEN)];

		if (!o->future) {
			ask(o, state);
		} else if (test_below(state, 8) == 0) {
			weft_agent_cancel(o->agent, o->id);
		} else if (test_below(state, 300) == 0) {
			weft_actor_kill(o->agent);
		} else if (test_below(state, 4) == 0) {
			take(o);
		}
		if (test_below(state, 100) == 0)
			test_leap(TEST_SECOND); /* what the cache holds is too old, however fast the machine is */
		if (test_below(state, 400) == 0)
			weft_cache_clear(cache);
	}
	for (uint32_t i = 0; i < OPEN; i++) {
		if (open[i].future)
			take(&open[i]);
	}
}

static void run(float near_min)
{
	weft_cache_options options = WEFT_CACHE_OPTIONS_INIT;
	weft_cache_stats s = { .size = sizeof(s) };
	uint64_t seed = test_seed("stress cache"), seeds[2] = { seed + 1, seed + 2 }, state = seed;
	pthread_t finishers[2];

	test_leaps();
	kit_init(&k);
	k.options.system = "";
	options.age_max_ns = TEST_SECOND;
	options.near_min = near_min;
	options.near_answers_max = 4;
	cr_assert_eq(weft_cache_create(&options, &cache), 0);
	cr_assert_eq(weft_models_set_cache(k.models, cache), 0);
	cr_assert_eq(weft_models_add(k.models, WEFT_MODEL_TEXT_LARGE, 1, "hold", hold, NULL, NULL), 0);
	cr_assert_eq(weft_models_add(k.models, WEFT_MODEL_TEXT_LARGE, 0, "echo", echo, NULL, NULL), 0);
	cr_assert_eq(weft_models_add(k.models, WEFT_MODEL_TEXT_EMBEDDING, 0, "embed", embed, NULL, NULL), 0);
	kit_start(&k, 2);
	for (int i = 0; i < 2; i++)
		cr_assert_eq(pthread_create(&finishers[i], NULL, finisher, &seeds[i]), 0);
	for (uint32_t i = 0; i < AGENTS; i++)
		cr_assert_eq(weft_agent_spawn(k.rt, k.def, NULL, &agents[i]), 0);
	play(&state);
	while (__atomic_load_n(&held_count, __ATOMIC_ACQUIRE)) /* what agents that were killed had asked */
		usleep(100);
	__atomic_store_n(&over, true, __ATOMIC_RELEASE);
	for (int i = 0; i < 2; i++)
		pthread_join(finishers[i], NULL);
	cr_assert_eq(weft_cache_stats_read(cache, &s), 0);
	printf("%" PRIu64 " asked, %" PRIu64 " right, %" PRIu64 " canceled, %" PRIu64 " failed; %" PRIu64 " calls, %" PRIu64
	       " told; %" PRIu64 " hits, %" PRIu64 " near, %" PRIu64 " joined, %" PRIu64 " misses\n",
	       asked, right, canceled, failed, calls, told, s.hits, s.near, s.joined, s.misses);
	cr_expect_eq(answered, asked);
	cr_expect_eq(right + canceled + failed, answered);
	cr_expect_gt(right, ASKS / 4);
	cr_expect_gt(s.joined, 10);
	cr_expect_gt(s.hits, 10);
	cr_expect_leq(calls, s.misses);
	cr_expect_eq(s.near > 0, near_min > 0);
	kit_end(&k);
	weft_cache_unref(cache);
}

Test(stress_cache, many_ask_few_questions)
{
	run(0);
}

Test(stress_cache, many_ask_nearly_the_same)
{
	run(0.9f);
}
