/* SPDX-License-Identifier: Apache-2.0 */
/* bench/seeds/session.c - conversations begun and branched, an answer from the cache, the likeness of two vectors. */
#include <errno.h>
#include <string.h>

#include "bench/seeds/seeds.h"

#define BRANCH_MESSAGES 100u
#define DIMS 768u

static void timed(uint64_t t0, uint64_t n, double *ret_ms, uint64_t *ret_ops)
{
	*ret_ms = (double)(weft_now_ns() - t0) / 1e6 / (double)n;
	*ret_ops = n;
}

/* ---- sessions --------------------------------------------------------------------------------- */

/* A room of two, one of them an agent that follows it, and what was said first. */
static int session_make(weft_store *store, weft_uuid agent, weft_uuid user)
{
	weft_room room = { .id = weft_uuid_v7(), .kind = WEFT_ROOM_DM, .name = WEFT_STR("a session"), .source = WEFT_STR("bench") };
	weft_memory first = { .room_id = room.id, .entity_id = user, .agent_id = agent, .text = WEFT_STR("Hello, how are you?"),
		              .source = WEFT_STR("bench") };
	int r = weft_store_put_room(store, &room);

	r = r < 0 ? r : weft_store_join(store, room.id, user);
	r = r < 0 ? r : weft_store_join(store, room.id, agent);
	r = r < 0 ? r : weft_store_set_follow(store, room.id, agent, WEFT_FOLLOW_FOLLOWED);
	return r < 0 ? r : weft_store_add(store, &first, NULL);
}

static int people_put(weft_store *store, weft_uuid *ret_agent, weft_uuid *ret_user)
{
	weft_entity agent = { .id = weft_uuid_v7(), .name = WEFT_STR("agent"), .is_agent = true };
	weft_entity user = { .id = weft_uuid_v7(), .name = WEFT_STR("user") };
	int r = weft_store_put_entity(store, &agent);

	*ret_agent = agent.id;
	*ret_user = user.id;
	return r < 0 ? r : weft_store_put_entity(store, &user);
}

int seeds_session_create(const struct bench_options *opt, double *ret_ms, uint64_t *ret_ops, struct bench_outcome *out)
{
	uint64_t n = opt->quick ? 1000 : 20000, t0;
	weft_uuid agent, user;
	weft_store *store;
	int r = weft_store_create(NULL, &store);

	(void)out;
	if (r < 0)
		return r;
	r = people_put(store, &agent, &user);
	t0 = weft_now_ns();
	for (uint64_t i = 0; r == 0 && i < n; i++)
		r = session_make(store, agent, user);
	timed(t0, n, ret_ms, ret_ops);
	weft_store_unref(store);
	return r;
}

static int history_put(weft_store *store, weft_uuid room, weft_uuid user, weft_uuid *ret_middle)
{
	int r = 0;

	for (uint32_t i = 0; r == 0 && i < BRANCH_MESSAGES; i++) {
		weft_memory m = { .room_id = room, .entity_id = user, .source = WEFT_STR("bench"),
			          .text = WEFT_STR("What would you say to a walk along the river before it begins to rain again?") };

		r = weft_store_add(store, &m, i == BRANCH_MESSAGES / 2 ? ret_middle : NULL);
	}
	return r;
}

/* In the middle of a hundred messages. */
int seeds_session_branch(const struct bench_options *opt, double *ret_ms, uint64_t *ret_ops, struct bench_outcome *out)
{
	uint64_t n = opt->quick ? 50 : 1000, t0;
	weft_uuid agent, user, room = weft_uuid_v7(), middle, other = room;
	weft_store *store;
	int r = weft_store_create(NULL, &store);

	if (r < 0)
		return r;
	r = people_put(store, &agent, &user);
	r = r < 0 ? r : history_put(store, room, user, &middle);
	r = r < 0 ? r : weft_store_join(store, room, user);
	t0 = weft_now_ns();
	for (uint64_t i = 0; r == 0 && i < n; i++)
		r = weft_store_branch(store, room, middle, &other);
	timed(t0, n, ret_ms, ret_ops);
	if (r == 0 && weft_store_count(store, other, WEFT_MEMORY_MESSAGE) != BRANCH_MESSAGES / 2 + 1)
		r = bench_fail(out, "a branch is not as long as it should be");
	weft_store_unref(store);
	return r;
}

/* ---- the cache of answers ------------------------------------------------------------------------ */

static int cached_models(weft_models **ret_models)
{
	weft_cache *cache = NULL;
	int r = weft_models_create(ret_models);

	r = r < 0 ? r : weft_models_add_mock(*ret_models, 0, NULL);
	r = r < 0 ? r : weft_cache_create(NULL, &cache);
	r = r < 0 ? r : weft_models_set_cache(*ret_models, cache);
	weft_cache_unref(cache);
	return r;
}

int seeds_cache_get(const struct bench_options *opt, double *ret_ms, uint64_t *ret_ops, struct bench_outcome *out)
{
	uint64_t n = opt->quick ? 20000 : 200000, t0;
	weft_chat_message message = { .role = WEFT_ROLE_USER, .content = WEFT_STR("What will the weather be in Kyoto?") };
	weft_model_request request = { .type = WEFT_MODEL_TEXT_LARGE, .messages = &message, .message_count = 1, .max_tokens = 100 };
	weft_model_response response = { 0 };
	weft_models *models = NULL;
	weft_arena *arena = NULL;
	int r = cached_models(&models);

	r = r < 0 ? r : weft_arena_create(0, &arena);
	r = r < 0 ? r : weft_models_call(models, &request, arena, &response, NULL);
	t0 = weft_now_ns();
	for (uint64_t i = 0; r == 0 && i < n; i++) {
		weft_arena_reset(arena);
		r = weft_models_call(models, &request, arena, &response, NULL);
	}
	timed(t0, n, ret_ms, ret_ops);
	if (r == 0 && !response.cached)
		r = bench_fail(out, "the answer did not come from the cache");
	weft_arena_destroy(arena);
	weft_models_unref(models);
	return r;
}

/* ---- vectors ------------------------------------------------------------------------------------- */

int seeds_cosine_768(const struct bench_options *opt, double *ret_ms, uint64_t *ret_ops, struct bench_outcome *out)
{
	static float a[DIMS], b[DIMS];
	uint64_t n = opt->quick ? 100000 : 1000000, t0;
	double sum = 0;

	for (uint32_t i = 0; i < DIMS; i++) {
		a[i] = (float)(i % 17) - 8;
		b[i] = (float)(i % 17) - 7.5f;
	}
	t0 = weft_now_ns();
	for (uint64_t i = 0; i < n; i++)
		sum += weft_vector_cosine(a, b, DIMS);
	timed(t0, n, ret_ms, ret_ops);
	return sum > 0.9 * (double)n && sum < 1.0001 * (double)n ? 0 : bench_fail(out, "a cosine of %g", sum / (double)n);
}
