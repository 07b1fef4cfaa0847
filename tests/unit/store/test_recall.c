/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What weft_store_recall finds, beside a plain loop in doubles: by agent, room, entity, type and time in any combination,
 * while memories get embeddings, get other ones, and go.
 */
#include "store/recall.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/seed.h"

#define DIMS 24u
#define MEMORIES 1500u
#define AGENTS 3u
#define ROOMS 11u
#define K 10u

struct kept {
	weft_memory m;
	float v[DIMS];
	bool embedded, gone;
};

static weft_uuid agents[AGENTS], rooms[ROOMS], entities[2];
static struct kept kept[MEMORIES];

static void random_vector(uint64_t *rnd, float *v)
{
	for (uint32_t i = 0; i < DIMS; i++)
		v[i] = (float)test_below(rnd, 2001) / 1000.0f - 1.0f;
}

static void embed(weft_store *store, uint64_t *rnd, struct kept *k)
{
	random_vector(rnd, k->v);
	cr_assert_eq(weft_store_set_embedding(store, k->m.id, k->v, DIMS), 0);
	k->embedded = true;
}

static void fill(weft_store *store, uint64_t *rnd)
{
	for (uint32_t i = 0; i < AGENTS; i++)
		agents[i] = i ? weft_uuid_v7() : (weft_uuid){ 0 }; /* and what no agent owns */
	for (uint32_t i = 0; i < ROOMS; i++)
		rooms[i] = weft_uuid_v7();
	for (uint32_t i = 0; i < 2; i++)
		entities[i] = weft_uuid_v7();
	for (uint32_t i = 0; i < MEMORIES; i++) {
		struct kept *k = &kept[i];

		*k = (struct kept){ .m = { .type = test_below(rnd, WEFT_MEMORY_TYPE_COUNT),
			                   .room_id = rooms[test_below(rnd, ROOMS)],
			                   .entity_id = entities[test_below(rnd, 2)],
			                   .agent_id = agents[test_below(rnd, AGENTS)],
			                   .created_ms = 1 + test_below(rnd, 1000),
			                   .text = WEFT_STR("x") } };
		cr_assert_eq(weft_store_add(store, &k->m, &k->m.id), 0);
		if (test_below(rnd, 8))
			embed(store, rnd, k);
	}
}

static void change(weft_store *store, uint64_t *rnd)
{
	struct kept *k = &kept[test_below(rnd, MEMORIES)];

	if (k->gone)
		return;
	if (test_below(rnd, 3)) {
		embed(store, rnd, k);
		return;
	}
	cr_assert_eq(weft_store_delete(store, k->m.id), 0);
	k->gone = true;
}

static bool asked_for(const weft_recall *w, const struct kept *k)
{
	return k->embedded && !k->gone && (weft_uuid_is_nil(w->agent_id) || weft_uuid_eq(w->agent_id, k->m.agent_id)) &&
	       (weft_uuid_is_nil(w->room_id) || weft_uuid_eq(w->room_id, k->m.room_id)) &&
	       (weft_uuid_is_nil(w->entity_id) || weft_uuid_eq(w->entity_id, k->m.entity_id)) &&
	       (!w->types || w->types >> k->m.type & 1) && (!w->from_ms || k->m.created_ms >= w->from_ms) &&
	       (!w->to_ms || k->m.created_ms <= w->to_ms);
}

static double cosine(const float *a, const float *b)
{
	double ab = 0, aa = 0, bb = 0;

	for (uint32_t i = 0; i < DIMS; i++) {
		ab += (double)a[i] * b[i];
		aa += (double)a[i] * a[i];
		bb += (double)b[i] * b[i];
	}
	return ab / sqrt(aa * bb);
}

static int descending(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? 1 : x > y ? -1 : 0;
}

static const struct kept *kept_of(weft_uuid id)
{
	for (uint32_t i = 0; i < MEMORIES; i++) {
		if (weft_uuid_eq(kept[i].m.id, id))
			return &kept[i];
	}
	return NULL;
}

static void ask(weft_store *store, uint64_t *rnd)
{
	static double scores[MEMORIES];
	weft_recall what = WEFT_RECALL_INIT;
	weft_search_hit hits[K];
	uint32_t there = 0;
	float q[DIMS];
	int n;

	what.recall = 1;
	if (test_below(rnd, 2))
		what.agent_id = agents[test_below(rnd, AGENTS)];
	if (test_below(rnd, 2))
		what.room_id = rooms[test_below(rnd, ROOMS)];
	if (test_below(rnd, 4) == 0)
		what.entity_id = entities[test_below(rnd, 2)];
	if (test_below(rnd, 2))
		what.types = 1 + test_below(rnd, 7);
	if (test_below(rnd, 3) == 0)
		what.from_ms = 1 + test_below(rnd, 1000);
	if (test_below(rnd, 3) == 0)
		what.to_ms = 1 + test_below(rnd, 1000);
	random_vector(rnd, q);
	for (uint32_t i = 0; i < MEMORIES; i++) {
		if (asked_for(&what, &kept[i]))
			scores[there++] = cosine(q, kept[i].v);
	}
	qsort(scores, there, sizeof(scores[0]), descending);
	n = weft_store_recall(store, &what, q, DIMS, K, hits);
	cr_assert_eq(n, (int)(there < K ? there : K), "%d of %u", n, there);
	for (int i = 0; i < n; i++) {
		const struct kept *k = kept_of(hits[i].id);

		cr_assert(k && asked_for(&what, k), "hit %d was not asked for", i);
		cr_assert_float_eq(hits[i].score, cosine(q, k->v), 1e-5);
		cr_assert_geq(hits[i].score, scores[i] - 1e-5, "hit %d: %g, a better one has %g", i, (double)hits[i].score, scores[i]);
	}
}

Test(recall, finds_what_a_plain_loop_finds)
{
	uint64_t rnd = test_seed("recall");
	weft_store_stats stats = { .size = sizeof(stats) };
	weft_store *store = NULL;
	uint64_t embedded = 0;

	cr_assert_eq(weft_store_create(NULL, &store), 0);
	fill(store, &rnd);
	for (int i = 0; i < 400; i++) {
		change(store, &rnd);
		ask(store, &rnd);
	}
	for (uint32_t i = 0; i < MEMORIES; i++)
		embedded += kept[i].embedded && !kept[i].gone;
	cr_assert_eq(weft_store_stats_read(store, &stats), 0);
	cr_assert_eq(stats.embeddings, embedded);
	weft_store_unref(store);
}

Test(recall, refuses_what_it_cannot_ask)
{
	float v[2] = { 1, 2 }, zero[2] = { 0, 0 }, inf[2] = { INFINITY, 0 };
	weft_memory m = { .room_id = weft_uuid_v7(), .text = WEFT_STR("x") };
	weft_recall what = WEFT_RECALL_INIT, other = WEFT_RECALL_INIT;
	weft_store *store = NULL;
	weft_search_hit hit[2];
	weft_uuid id;

	cr_assert_eq(weft_store_create(NULL, &store), 0);
	cr_assert_eq(weft_store_recall(store, &what, v, 2, 2, hit), 0, "nothing is there");
	cr_assert_eq(weft_store_recall(store, &what, zero, 2, 2, hit), -EINVAL);
	cr_assert_eq(weft_store_recall(store, &what, inf, 2, 2, hit), -EINVAL);
	cr_assert_eq(weft_store_add(store, &m, &id), 0);
	cr_assert_eq(weft_store_set_embedding(store, id, v, 2), 0);
	cr_assert_eq(weft_store_recall(store, &what, v, 1, 2, hit), -EINVAL, "other dims");
	cr_assert_eq(weft_store_recall(store, NULL, v, 2, 2, hit), -EINVAL);
	cr_assert_eq(weft_store_recall(store, &what, NULL, 2, 2, hit), -EINVAL);
	other.size = 1;
	cr_assert_eq(weft_store_recall(store, &other, v, 2, 2, hit), -EINVAL);
	other = what;
	other.recall = 1.5f;
	cr_assert_eq(weft_store_recall(store, &other, v, 2, 2, hit), -EINVAL);
	cr_assert_eq(weft_store_recall(store, &what, v, 2, 0, hit), 0);
	cr_assert_eq(weft_store_recall(store, &what, v, 2, 2, hit), 1);
	cr_assert(weft_uuid_eq(hit[0].id, id));
	weft_store_unref(store);
}
