/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench/memory/recall.c - what a store's memories are found by: the nearest ten, asked for as an agent's provider asks:
 * exactly of a room; of one agent among four, and of one of its rooms, at the recall that the store takes by itself.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "bench/memory/memory.h"

#define AGENTS 4u
#define ROOMS 4u /* of each agent */

struct recall {
	weft_store *store;
	uint32_t agents, rooms; /* 1 and 1: all rows are in one place */
	weft_uuid agent_ids[AGENTS], room_ids[AGENTS * ROOMS];
	weft_uuid *ids; /* of the rows */
	struct vectors v;
	weft_recall what;
};

static uint32_t agent_of(const struct recall *a, uint32_t row)
{
	return row % a->agents;
}

static uint32_t room_of(const struct recall *a, uint32_t row)
{
	return agent_of(a, row) * a->rooms + row / a->agents % a->rooms;
}

static int fill(struct recall *a)
{
	weft_uuid entity = weft_uuid_v7();
	int r = 0;

	for (uint32_t i = 0; r == 0 && i < a->v.count; i++) {
		weft_memory m = { .type = WEFT_MEMORY_FACT, .entity_id = entity, .text = WEFT_STR("a fact") };

		m.agent_id = a->agent_ids[agent_of(a, i)];
		m.room_id = a->room_ids[room_of(a, i)];
		r = weft_store_add(a->store, &m, &a->ids[i]);
		if (r == 0)
			r = weft_store_set_embedding(a->store, a->ids[i], vectors_row(&a->v, i), a->v.dims);
	}
	return r;
}

static int compare(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(weft_uuid));
}

/* Ids of memories are in the order in which they were made: the row is where the id stands. */
static uint32_t row_of(const struct recall *a, weft_uuid id)
{
	const weft_uuid *at = bsearch(&id, a->ids, a->v.count, sizeof(id), compare);

	return at ? (uint32_t)(at - a->ids) : VECTORS_NONE;
}

static int ask(const struct recall *a, uint32_t query, weft_search_hit *ret_hits)
{
	return weft_store_recall(a->store, &a->what, vectors_query(&a->v, query), a->v.dims, MEMORY_TOP, ret_hits);
}

static int ask_all(const struct recall *a)
{
	weft_search_hit hits[MEMORY_TOP];

	for (uint32_t q = 0; q < a->v.query_count; q++) {
		int n = ask(a, q, hits);

		if (n != (int)vectors_wanted(&a->v, q, MEMORY_TOP))
			return n < 0 ? n : -EIO;
	}
	return 0;
}

/* Does what was asked for take this row? */
static bool allows(const struct vectors *v, uint32_t row, void *user)
{
	const struct recall *a = user;

	(void)v;
	return (weft_uuid_is_nil(a->what.agent_id) || agent_of(a, row) == 0) &&
	       (weft_uuid_is_nil(a->what.room_id) || room_of(a, row) == 0);
}

static int judge(struct recall *a, struct bench_outcome *out)
{
	uint32_t right = 0, wanted = 0;

	for (uint32_t q = 0; q < a->v.query_count; q++) {
		weft_search_hit hits[MEMORY_TOP];
		uint32_t rows[MEMORY_TOP];
		int n = ask(a, q, hits);

		for (int i = 0; i < (int)MEMORY_TOP; i++) {
			rows[i] = i < n ? row_of(a, hits[i].id) : VECTORS_NONE;
			if (rows[i] != VECTORS_NONE && !allows(&a->v, rows[i], a))
				return bench_fail(out, "a memory came that was not asked for");
		}
		right += vectors_right(&a->v, q, rows, MEMORY_TOP);
		wanted += vectors_wanted(&a->v, q, MEMORY_TOP);
	}
	out->recall = (double)right / wanted;
	return 0;
}

static int recall_open(struct recall *a, const struct bench_options *opt, const struct bench_micro *self, struct bench_outcome *out)
{
	int r;

	for (uint32_t i = 0; i < AGENTS; i++)
		a->agent_ids[i] = weft_uuid_v7();
	for (uint32_t i = 0; i < AGENTS * ROOMS; i++)
		a->room_ids[i] = weft_uuid_v7();
	r = memory_set_read(opt, self, &a->v, out);
	if (r < 0)
		return r;
	a->ids = malloc(a->v.count * sizeof(*a->ids));
	return a->ids ? 0 : -ENOMEM;
}

static void recall_run(struct recall *a, const struct bench_options *opt, const struct bench_micro *self, struct bench_outcome *out)
{
	int r;

	memory_begin(opt, self, out);
	r = recall_open(a, opt, self, out);
	if (r == 0)
		r = weft_store_create(NULL, &a->store);
	if (r == 0)
		r = fill(a);
	if (memory_detail(self)->of_room)
		a->what.room_id = a->room_ids[0];
	if (a->agents > 1)
		a->what.agent_id = a->agent_ids[0];
	if (r == 0)
		r = vectors_find_truth(&a->v, MEMORY_TOP, allows, a);
	for (uint32_t i = 0; r == 0 && i < out->warmup + out->iterations; i++) {
		uint64_t t0 = weft_now_ns();

		r = ask_all(a);
		memory_add(out, i, t0, a->v.query_count);
	}
	if (r == 0)
		r = judge(a, out);
	weft_store_unref(a->store);
	free(a->ids);
	vectors_free(&a->v);
	memory_end(out, r);
}

void memory_store_search(const struct bench_options *opt, const struct bench_micro *self, struct bench_outcome *out)
{
	struct recall a = { .agents = 1, .rooms = 1, .what = WEFT_RECALL_INIT };

	a.what.types = 1u << WEFT_MEMORY_FACT;
	a.what.recall = 1;
	recall_run(&a, opt, self, out);
}

void memory_store_recall(const struct bench_options *opt, const struct bench_micro *self, struct bench_outcome *out)
{
	struct recall a = { .agents = AGENTS, .rooms = ROOMS, .what = WEFT_RECALL_INIT };

	a.what.types = 1u << WEFT_MEMORY_FACT;
	recall_run(&a, opt, self, out);
}

/* ---- from the disk --------------------------------------------------------------------------------------- */

/* Write the store's folder, with a snapshot, and close it. */
static int write_store(struct recall *a, const char *path)
{
	weft_store_open_options opt = WEFT_STORE_OPEN_OPTIONS_INIT;
	int r;

	opt.sync = WEFT_STORE_SYNC_DEMAND;
	r = weft_store_open(path, &opt, &a->store, NULL);
	if (r == 0)
		r = fill(a);
	if (r == 0)
		r = weft_store_snapshot(a->store, NULL);
	if (r == 0) {
		r = weft_store_close(a->store);
		a->store = NULL;
	}
	return r;
}

/* Until the first answer is there. */
static int open_and_ask(struct recall *a, const char *path)
{
	weft_search_hit hits[MEMORY_TOP];
	int r = weft_store_open(path, NULL, &a->store, NULL);

	if (r == 0)
		r = ask(a, 0, hits);
	return r < 0 ? r : r == (int)MEMORY_TOP ? 0 : -EIO;
}

void memory_store_open(const struct bench_options *opt, const struct bench_micro *self, struct bench_outcome *out)
{
	struct recall a = { .agents = 1, .rooms = 1, .what = WEFT_RECALL_INIT };
	char folder[256] = "", path[300] = "";
	int r;

	memory_begin(opt, self, out);
	r = recall_open(&a, opt, self, out);
	a.what.types = 1u << WEFT_MEMORY_FACT;
	a.what.agent_id = a.agent_ids[0];
	if (r == 0)
		r = memory_folder_make(folder, sizeof(folder));
	snprintf(path, sizeof(path), "%s/store", folder);
	if (r == 0)
		r = write_store(&a, path);
	if (r == 0)
		r = vectors_find_truth(&a.v, MEMORY_TOP, NULL, NULL);
	for (uint32_t i = 0; r == 0 && i < out->warmup + out->iterations; i++) {
		uint64_t t0 = weft_now_ns();

		r = open_and_ask(&a, path);
		memory_add(out, i, t0, 1);
		if (r == 0 && i + 1 == out->warmup + out->iterations)
			r = judge(&a, out);
		weft_store_unref(a.store);
		a.store = NULL;
	}
	weft_store_unref(a.store);
	if (folder[0]) {
		memory_folder_remove(path);
		memory_folder_remove(folder);
	}
	free(a.ids);
	vectors_free(&a.v);
	memory_end(out, r);
}
