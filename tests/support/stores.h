/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tests/support/stores.h - what a store holds as text, the same for two stores that hold the same, whatever
 * order their maps are in: a line for each change, rooms kept together, then sorted by room.
 */
#ifndef WEFT_TESTS_SUPPORT_STORES_H
#define WEFT_TESTS_SUPPORT_STORES_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <weft/durable.h>

struct test_texts {
	char **parts; /* one a world, an entity, a room */
	size_t count, room;
};

static inline void test_texts_add(struct test_texts *t, const char *line, bool fresh)
{
	size_t old = 0;

	if (fresh || !t->count) {
		if (t->count == t->room) {
			t->room = t->room ? 2 * t->room : 64;
			t->parts = realloc(t->parts, t->room * sizeof(*t->parts));
		}
		t->parts[t->count++] = NULL;
	} else {
		old = strlen(t->parts[t->count - 1]);
	}
	t->parts[t->count - 1] = realloc(t->parts[t->count - 1], old + strlen(line) + 1);
	strcpy(t->parts[t->count - 1] + old, line);
}

static inline const char *test_id(weft_uuid id, char *ret)
{
	weft_uuid_format(id, ret);
	ret[WEFT_UUID_TEXT_LEN] = '\0';
	return ret;
}

static inline bool test_texts_visit(const weft_change *c, void *user)
{
	struct test_texts *t = user;
	char a[40], b[40], line[4096];
	int n = 0;

	switch (c->kind) {
	case WEFT_CHANGE_WORLD:
		snprintf(line, sizeof(line), "world %s %.*s\n", test_id(c->world.id, a), WEFT_STR_ARG(c->world.name));
		break;
	case WEFT_CHANGE_ENTITY:
		snprintf(line, sizeof(line), "entity %s %d %.*s\n", test_id(c->entity.id, a), c->entity.is_agent,
		         WEFT_STR_ARG(c->entity.name));
		break;
	case WEFT_CHANGE_ROOM:
		snprintf(line, sizeof(line), "room %s %s %d %.*s %.*s\n", test_id(c->room.id, a), test_id(c->room.world_id, b),
		         (int)c->room.kind, WEFT_STR_ARG(c->room.name), WEFT_STR_ARG(c->room.source));
		break;
	case WEFT_CHANGE_JOIN:
	case WEFT_CHANGE_FOLLOW:
		snprintf(line, sizeof(line), "%s %s %d\n", c->kind == WEFT_CHANGE_JOIN ? "join" : "follow",
		         test_id(c->person.entity_id, a), (int)c->person.state);
		break;
	case WEFT_CHANGE_MEMORY:
		n = snprintf(line, sizeof(line), "memory %s %d %s %lld %.*s|%.*s|%.*s|%.*s", test_id(c->memory.id, a),
		             (int)c->memory.type, test_id(c->memory.entity_id, b), (long long)c->memory.created_ms,
		             c->memory.text.len_bytes > 999 ? 999 : (int)c->memory.text.len_bytes, c->memory.text.ptr,
		             WEFT_STR_ARG(c->memory.thought), WEFT_STR_ARG(c->memory.actions), WEFT_STR_ARG(c->memory.source));
		for (uint32_t i = 0; i < c->memory.attachment_count; i++)
			n += snprintf(line + n, sizeof(line) - (size_t)n, " [%s %.*s %.*s]", test_id(c->memory.attachments[i].id, a),
			              WEFT_STR_ARG(c->memory.attachments[i].url), WEFT_STR_ARG(c->memory.attachments[i].text));
		snprintf(line + n, sizeof(line) - (size_t)n, "\n");
		break;
	case WEFT_CHANGE_RELATIONSHIP:
		snprintf(line, sizeof(line), "relationship %s %s %.*s %a %lld %lld\n", test_id(c->relationship.source_id, a),
		         test_id(c->relationship.target_id, b), WEFT_STR_ARG(c->relationship.tags), c->relationship.strength,
		         (long long)c->relationship.created_ms, (long long)c->relationship.updated_ms);
		break;
	case WEFT_CHANGE_TASK:
		snprintf(line, sizeof(line), "task %s %s %d %d %lld %lld %.*s|%.*s|%.*s\n", test_id(c->task.id, a),
		         test_id(c->task.room_id, b), (int)c->task.kind, (int)c->task.status, (long long)c->task.due_ms,
		         (long long)c->task.updated_ms, WEFT_STR_ARG(c->task.name), WEFT_STR_ARG(c->task.description),
		         WEFT_STR_ARG(c->task.tags));
		break;
	case WEFT_CHANGE_LIMITS:
		snprintf(line, sizeof(line), "limits %s %d %llu %llu %llu\n", test_id(c->limit.room_id, a), (int)c->limit.type,
		         (unsigned long long)c->limit.limits.memories_max, (unsigned long long)c->limit.limits.bytes_max,
		         (unsigned long long)c->limit.limits.age_max_ms);
		break;
	case WEFT_CHANGE_QUOTA:
		snprintf(line, sizeof(line), "quota %s %llu %llu\n", test_id(c->quota.agent_id, a),
		         (unsigned long long)c->quota.memories_max, (unsigned long long)c->quota.bytes_max);
		break;
	default:
		n = snprintf(line, sizeof(line), "embedding %s", test_id(c->memory.id, a));
		for (uint32_t i = 0; i < c->memory.embedding_dims && i < 64; i++)
			n += snprintf(line + n, sizeof(line) - (size_t)n, " %a", (double)c->memory.embedding[i]);
		snprintf(line + n, sizeof(line) - (size_t)n, "\n");
	}
	test_texts_add(t, line, c->kind <= WEFT_CHANGE_ENTITY || c->kind >= WEFT_CHANGE_RELATIONSHIP);
	return true;
}

static inline int test_texts_order(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The caller frees it. */
static inline char *test_store_text(weft_store *store)
{
	struct test_texts t = { NULL, 0, 0 };
	size_t bytes = 1;
	char *all, *at;

	if (weft_store_visit(store, test_texts_visit, &t) < 0)
		abort();
	if (t.count)
		qsort(t.parts, t.count, sizeof(*t.parts), test_texts_order);
	for (size_t i = 0; i < t.count; i++)
		bytes += strlen(t.parts[i]);
	all = at = calloc(1, bytes);
	for (size_t i = 0; i < t.count; i++) {
		at = stpcpy(at, t.parts[i]);
		free(t.parts[i]);
	}
	free(t.parts);
	return all;
}

#endif
