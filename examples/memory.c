/* SPDX-License-Identifier: Apache-2.0 */
/*
 * examples/memory.c - a memory that is still there tomorrow: facts are stored, the store is closed, opened again,
 * and asked what it knows.
 *
 *     example-memory [FOLDER]
 *
 * Embeddings come from a model; here each word of a fact is a direction, which is enough to tell tea from trains.
 */
#include <stdio.h>
#include <string.h>

#include <weft/durable.h>

#define DIMS 64u

static const char *const facts[] = {
	"Ann drinks her tea without sugar.",
	"The train to Hamburg leaves at nine.",
	"Ann's sister lives in Hamburg.",
	"Bob is afraid of geese.",
};

static void embed(const char *text, float *ret)
{
	uint32_t word = 0;

	memset(ret, 0, DIMS * sizeof(*ret));
	for (; *text; text++) {
		if ((*text | 32) >= 'a' && (*text | 32) <= 'z') {
			word = word * 31 + (uint32_t)(*text | 32);
		} else {
			ret[word % DIMS] += word ? 1 : 0;
			word = 0;
		}
	}
	ret[word % DIMS] += word ? 1 : 0;
	ret[0] += 0.01f; /* a text without words has a direction, too */
}

static int say(int r, const char *what)
{
	if (r < 0)
		fprintf(stderr, "memory: %s: %s\n", what, weft_strerror(r));
	return r;
}

/* Each call returns when what it did is on the disk: with the default policy, WEFT_STORE_SYNC_WRITE. */
static int remember(weft_store *store, weft_uuid room)
{
	for (size_t i = 0; i < sizeof(facts) / sizeof(facts[0]); i++) {
		weft_memory m = { .type = WEFT_MEMORY_FACT, .room_id = room, .text = weft_str_from(facts[i]) };
		float v[DIMS];
		weft_uuid id;
		int r = weft_store_add(store, &m, &id);

		embed(facts[i], v);
		if (r == 0)
			r = weft_store_set_embedding(store, id, v, DIMS);
		if (r < 0)
			return say(r, "remember");
	}
	return 0;
}

static int recall(weft_store *store, weft_uuid room, const char *question)
{
	weft_arena *arena = NULL;
	weft_search_hit hit;
	weft_memory m;
	float v[DIMS];
	int r = weft_arena_create(0, &arena), hits = 0;

	embed(question, v);
	if (r == 0)
		r = hits = weft_store_search(store, room, WEFT_MEMORY_FACT, v, DIMS, 1, &hit);
	if (hits == 1)
		r = weft_store_get(store, hit.id, arena, &m);
	if (hits == 1 && r == 0)
		printf("%s\n  %.*s\n", question, WEFT_STR_ARG(m.text));
	weft_arena_destroy(arena);
	return say(r, "recall");
}

/* What a process does at its end, and the next one at its beginning. */
static int reopen(const char *path, weft_store **store)
{
	weft_error err;
	int r = *store ? weft_store_close(*store) : 0;

	*store = NULL;
	if (r < 0)
		return say(r, "close");
	r = weft_store_open(path, NULL, store, &err);
	if (r < 0)
		fprintf(stderr, "memory: %s\n", err.message);
	return r;
}

int main(int argc, char **argv)
{
	const char *path = argc > 1 ? argv[1] : "memory-store";
	weft_uuid room = { { 1 } };
	weft_store *store = NULL;
	weft_error err = { .code = 0 };
	int r = reopen(path, &store);

	if (r == 0 && weft_store_count(store, room, WEFT_MEMORY_FACT) == 0)
		r = remember(store, room);
	if (r == 0)
		r = reopen(path, &store);
	if (r == 0)
		r = recall(store, room, "How does Ann take her tea?");
	if (r == 0)
		r = recall(store, room, "When does the train leave?");
	if (r == 0 && (r = weft_store_snapshot(store, &err)) < 0) /* the log before it is not needed any more */
		fprintf(stderr, "memory: %s\n", err.message);
	if (store && weft_store_close(store) < 0)
		r = -1;
	return r < 0;
}
