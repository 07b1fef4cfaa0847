/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cli/store/json.c - a change as an object of JSON; see docs/man/weft-store.1 for its members.
 *
 * What is empty is left out when written, and empty when it is not there. Ids that are nil are left out, too.
 */
#include <assert.h>
#include <errno.h>
#include <string.h>

#include "cli/store/store.h"

static const char *const kinds[] = {
	[WEFT_CHANGE_WORLD] = "world",
	[WEFT_CHANGE_ROOM] = "room",
	[WEFT_CHANGE_ENTITY] = "entity",
	[WEFT_CHANGE_JOIN] = "join",
	[WEFT_CHANGE_FOLLOW] = "follow",
	[WEFT_CHANGE_MEMORY] = "memory",
	[WEFT_CHANGE_DELETE] = "delete",
	[WEFT_CHANGE_EMBEDDING] = "embedding",
	[WEFT_CHANGE_ATTACHMENTS] = "attachments",
	[WEFT_CHANGE_RELATIONSHIP] = "relationship",
	[WEFT_CHANGE_RELATIONSHIP_DELETE] = "delete_relationship",
	[WEFT_CHANGE_TASK] = "task",
	[WEFT_CHANGE_TASK_DELETE] = "delete_task",
	[WEFT_CHANGE_LIMITS] = "limits",
	[WEFT_CHANGE_QUOTA] = "quota",
};
static const char *const rooms[] = { "group", "dm", "voice_dm", "voice_group", "self", "api", "feed", "thread" };
static const char *const follows[] = { "none", "followed", "muted" };
static const char *const types[] = { "message", "fact", "document", "summary" };
static const char *const task_kinds[] = { "task", "goal" };
static const char *const statuses[] = { "open", "done", "failed" };

#define NONE "none" /* of bounds: WEFT_LIMIT_NONE */

#define COUNT(list) (sizeof(list) / sizeof((list)[0]))

static_assert(COUNT(kinds) == WEFT_CHANGE_KIND_COUNT && COUNT(types) == WEFT_MEMORY_TYPE_COUNT &&
                      COUNT(rooms) == WEFT_ROOM_THREAD + 1 && COUNT(follows) == WEFT_FOLLOW_MUTED + 1 &&
                      COUNT(task_kinds) == WEFT_TASK_GOAL + 1 && COUNT(statuses) == WEFT_TASK_FAILED + 1,
              "each has a name");

/* ---- writing --------------------------------------------------------------------- */

static void put_str(weft_json_writer *w, const char *key, weft_str value)
{
	if (!value.len_bytes)
		return;
	weft_json_key(w, weft_str_from(key));
	weft_json_put_str(w, value);
}

static void put_id(weft_json_writer *w, const char *key, weft_uuid id)
{
	char text[WEFT_UUID_TEXT_LEN];

	if (weft_uuid_is_nil(id))
		return;
	weft_uuid_format(id, text);
	put_str(w, key, (weft_str){ text, sizeof(text) });
}

static void put_name(weft_json_writer *w, const char *key, const char *const *names, unsigned which)
{
	put_str(w, key, weft_str_from(names[which]));
}

static void put_int(weft_json_writer *w, const char *key, int64_t value)
{
	weft_json_key(w, weft_str_from(key));
	weft_json_put_int(w, value);
}

static void put_attachments(weft_json_writer *w, const weft_memory *m)
{
	weft_json_key(w, WEFT_STR("attachments"));
	weft_json_begin_array(w);
	for (uint32_t i = 0; i < m->attachment_count; i++) {
		const weft_attachment *a = &m->attachments[i];

		weft_json_begin_object(w);
		put_id(w, "id", a->id);
		put_str(w, "url", a->url);
		put_str(w, "content_type", a->content_type);
		put_str(w, "title", a->title);
		put_str(w, "description", a->description);
		put_str(w, "text", a->text);
		put_str(w, "source", a->source);
		weft_json_end_object(w);
	}
	weft_json_end_array(w);
}

static void put_memory(weft_json_writer *w, const weft_memory *m)
{
	put_name(w, "type", types, m->type);
	put_id(w, "room", m->room_id);
	put_id(w, "entity", m->entity_id);
	put_id(w, "agent", m->agent_id);
	put_id(w, "in_reply_to", m->in_reply_to);
	put_int(w, "created_ms", m->created_ms);
	put_str(w, "text", m->text);
	put_str(w, "thought", m->thought);
	put_str(w, "actions", m->actions);
	put_str(w, "source", m->source);
	if (m->attachment_count)
		put_attachments(w, m);
}

static void put_vector(weft_json_writer *w, const weft_memory *m)
{
	weft_json_key(w, WEFT_STR("vector"));
	weft_json_begin_array(w);
	for (uint32_t i = 0; i < m->embedding_dims; i++)
		weft_json_put_double(w, (double)m->embedding[i]);
	weft_json_end_array(w);
}

static void put_relationship(weft_json_writer *w, const weft_relationship *r, bool whole)
{
	put_id(w, "source", r->source_id);
	put_id(w, "target", r->target_id);
	if (!whole)
		return;
	put_str(w, "tags", r->tags);
	weft_json_key(w, WEFT_STR("strength"));
	weft_json_put_double(w, r->strength);
	put_int(w, "created_ms", r->created_ms);
	put_int(w, "updated_ms", r->updated_ms);
}

static void put_task(weft_json_writer *w, const weft_task *t)
{
	put_id(w, "id", t->id);
	put_name(w, "type", task_kinds, t->kind);
	put_id(w, "room", t->room_id);
	put_id(w, "entity", t->entity_id);
	put_name(w, "status", statuses, t->status);
	if (t->due_ms)
		put_int(w, "due_ms", t->due_ms);
	put_int(w, "created_ms", t->created_ms);
	put_int(w, "updated_ms", t->updated_ms);
	put_str(w, "name", t->name);
	put_str(w, "description", t->description);
	put_str(w, "tags", t->tags);
}

/* As large as a number of JSON can be, or larger, is as good as none. */
static void put_bound(weft_json_writer *w, const char *key, uint64_t value)
{
	if (value > INT64_MAX)
		put_str(w, key, weft_str_from(NONE));
	else if (value)
		put_int(w, key, (int64_t)value);
}

static void put_fields(weft_json_writer *w, const weft_change *c)
{
	switch (c->kind) {
	case WEFT_CHANGE_WORLD:
		put_id(w, "id", c->world.id);
		put_str(w, "name", c->world.name);
		break;
	case WEFT_CHANGE_ROOM:
		put_id(w, "id", c->room.id);
		put_id(w, "world", c->room.world_id);
		put_name(w, "type", rooms, c->room.kind);
		put_str(w, "name", c->room.name);
		put_str(w, "source", c->room.source);
		break;
	case WEFT_CHANGE_ENTITY:
		put_id(w, "id", c->entity.id);
		put_str(w, "name", c->entity.name);
		weft_json_key(w, WEFT_STR("is_agent"));
		weft_json_put_bool(w, c->entity.is_agent);
		break;
	case WEFT_CHANGE_JOIN:
	case WEFT_CHANGE_FOLLOW:
		put_id(w, "room", c->person.room_id);
		put_id(w, "entity", c->person.entity_id);
		if (c->kind == WEFT_CHANGE_FOLLOW)
			put_name(w, "state", follows, c->person.state);
		break;
	case WEFT_CHANGE_RELATIONSHIP:
	case WEFT_CHANGE_RELATIONSHIP_DELETE:
		put_relationship(w, &c->relationship, c->kind == WEFT_CHANGE_RELATIONSHIP);
		break;
	case WEFT_CHANGE_TASK:
		put_task(w, &c->task);
		break;
	case WEFT_CHANGE_TASK_DELETE:
		put_id(w, "id", c->task.id);
		break;
	case WEFT_CHANGE_LIMITS:
		put_id(w, "room", c->limit.room_id);
		put_name(w, "type", types, c->limit.type);
		put_bound(w, "memories_max", c->limit.limits.memories_max);
		put_bound(w, "bytes_max", c->limit.limits.bytes_max);
		put_bound(w, "age_max_ms", c->limit.limits.age_max_ms);
		break;
	case WEFT_CHANGE_QUOTA:
		put_id(w, "agent", c->quota.agent_id);
		put_bound(w, "memories_max", c->quota.memories_max);
		put_bound(w, "bytes_max", c->quota.bytes_max);
		break;
	default:
		put_id(w, "id", c->memory.id);
		if (c->kind == WEFT_CHANGE_MEMORY)
			put_memory(w, &c->memory);
		else if (c->kind == WEFT_CHANGE_EMBEDDING)
			put_vector(w, &c->memory);
		else if (c->kind == WEFT_CHANGE_ATTACHMENTS)
			put_attachments(w, &c->memory);
	}
}

void store_json_put(weft_json_writer *w, const weft_change *change, const weft_log_place *place)
{
	weft_json_begin_object(w);
	if (place) {
		put_str(w, "file", weft_str_from(place->file));
		weft_json_key(w, WEFT_STR("offset"));
		weft_json_put_uint(w, place->offset);
		weft_json_key(w, WEFT_STR("batch"));
		weft_json_put_uint(w, place->seq);
	}
	put_name(w, "kind", kinds, change->kind);
	put_fields(w, change);
	weft_json_end_object(w);
}

/* ---- reading ----------------------------------------------------------------------- */

/* One object; the first thing that is wrong with it stays. */
struct from {
	weft_json v;
	weft_arena *arena;
	weft_error *err;
	int status;
};

static void wrong(struct from *f, int status, const char *key, const char *what)
{
	if (f->status == 0)
		f->status = weft_error_set(f->err, status, "%s: %s", key, what);
}

static weft_str get_str(struct from *f, const char *key)
{
	weft_json v = weft_json_find(f->v, weft_str_from(key));
	weft_str s = { NULL, 0 };

	if (weft_json_typeof(v) != WEFT_JSON_NONE && !weft_json_get_str(v, &s))
		wrong(f, WEFT_ESCHEMA, key, "is no string");
	return s;
}

static weft_uuid get_id(struct from *f, const char *key, bool required)
{
	weft_str s = get_str(f, key);
	weft_uuid id = { { 0 } };

	if (s.len_bytes && weft_uuid_parse(s, &id) < 0)
		wrong(f, WEFT_ESCHEMA, key, "is no UUID");
	if (required && weft_uuid_is_nil(id))
		wrong(f, WEFT_ESCHEMA, key, "is missing");
	return id;
}

static unsigned get_name(struct from *f, const char *key, const char *const *names, size_t count, bool required)
{
	weft_str s = get_str(f, key);

	for (size_t i = 0; i < count; i++) {
		if (names[i] && weft_str_eq(s, weft_str_from(names[i])))
			return (unsigned)i;
	}
	if (s.len_bytes || required)
		wrong(f, WEFT_ESCHEMA, key, s.len_bytes ? "is not one of its values" : "is missing");
	return 0;
}

static void get_attachments(struct from *f, weft_memory *m)
{
	weft_json list = weft_json_find(f->v, WEFT_STR("attachments"));
	weft_json_iter it = weft_json_iter_begin(list);
	size_t count = weft_json_count(list);
	weft_attachment *all;

	if (!count || f->status < 0)
		return;
	all = weft_arena_calloc(f->arena, count * sizeof(*all));
	if (!all) {
		wrong(f, -ENOMEM, "attachments", "no memory");
		return;
	}
	for (weft_attachment *a = all; weft_json_iter_next(&it); a++) {
		struct from one = { it.value, f->arena, f->err, 0 };

		a->id = get_id(&one, "id", false);
		a->url = get_str(&one, "url");
		a->content_type = get_str(&one, "content_type");
		a->title = get_str(&one, "title");
		a->description = get_str(&one, "description");
		a->text = get_str(&one, "text");
		a->source = get_str(&one, "source");
		if (f->status == 0)
			f->status = one.status;
	}
	m->attachments = all;
	m->attachment_count = (uint32_t)count;
	if (f->status == 0)
		f->status = weft_attachments_check(all, m->attachment_count, f->err);
}

static int64_t get_int(struct from *f, const char *key)
{
	weft_json v = weft_json_find(f->v, weft_str_from(key));
	int64_t value = 0;

	if (weft_json_typeof(v) != WEFT_JSON_NONE && !weft_json_get_int(v, &value))
		wrong(f, WEFT_ESCHEMA, key, "is no integer");
	return value;
}

static uint64_t get_bound(struct from *f, const char *key)
{
	weft_json v = weft_json_find(f->v, weft_str_from(key));
	weft_str none;
	int64_t value = 0;

	if (weft_json_get_str(v, &none) && weft_str_eq(none, weft_str_from(NONE)))
		return WEFT_LIMIT_NONE;
	if (weft_json_typeof(v) != WEFT_JSON_NONE && (!weft_json_get_int(v, &value) || value < 0))
		wrong(f, WEFT_ESCHEMA, key, "is neither a positive integer nor \"none\"");
	return (uint64_t)value;
}

static void get_memory(struct from *f, weft_memory *m)
{
	m->type = (weft_memory_type)get_name(f, "type", types, COUNT(types), false);
	m->room_id = get_id(f, "room", true);
	m->entity_id = get_id(f, "entity", false);
	m->agent_id = get_id(f, "agent", false);
	m->in_reply_to = get_id(f, "in_reply_to", false);
	m->text = get_str(f, "text");
	m->thought = get_str(f, "thought");
	m->actions = get_str(f, "actions");
	m->source = get_str(f, "source");
	m->created_ms = get_int(f, "created_ms");
	get_attachments(f, m);
}

static void get_vector(struct from *f, weft_memory *m)
{
	weft_json list = weft_json_find(f->v, WEFT_STR("vector"));
	weft_json_iter it = weft_json_iter_begin(list);
	size_t count = weft_json_count(list);
	float *v = count ? weft_arena_alloc(f->arena, count * sizeof(*v)) : NULL;

	if (!v) {
		wrong(f, count ? -ENOMEM : WEFT_ESCHEMA, "vector", count ? "no memory" : "is missing");
		return;
	}
	m->embedding = v;
	m->embedding_dims = (uint32_t)count;
	for (; weft_json_iter_next(&it); v++) {
		double value = 0;

		if (!weft_json_get_double(it.value, &value))
			wrong(f, WEFT_ESCHEMA, "vector", "holds something that is no number");
		*v = (float)value;
	}
}

static void get_relationship(struct from *f, weft_relationship *r)
{
	weft_json strength = weft_json_find(f->v, WEFT_STR("strength"));

	r->source_id = get_id(f, "source", true);
	r->target_id = get_id(f, "target", true);
	r->tags = get_str(f, "tags");
	if (weft_json_typeof(strength) != WEFT_JSON_NONE && !weft_json_get_double(strength, &r->strength))
		wrong(f, WEFT_ESCHEMA, "strength", "is no number");
	r->created_ms = get_int(f, "created_ms");
	r->updated_ms = get_int(f, "updated_ms");
}

static void get_task(struct from *f, weft_task *t)
{
	t->id = get_id(f, "id", true);
	t->kind = (weft_task_kind)get_name(f, "type", task_kinds, COUNT(task_kinds), false);
	t->room_id = get_id(f, "room", false);
	t->entity_id = get_id(f, "entity", false);
	t->status = (weft_task_status)get_name(f, "status", statuses, COUNT(statuses), false);
	t->due_ms = get_int(f, "due_ms");
	t->created_ms = get_int(f, "created_ms");
	t->updated_ms = get_int(f, "updated_ms");
	t->name = get_str(f, "name");
	t->description = get_str(f, "description");
	t->tags = get_str(f, "tags");
}

static void get_fields(struct from *f, weft_change *c)
{
	weft_json is_agent = weft_json_find(f->v, WEFT_STR("is_agent"));

	switch (c->kind) {
	case WEFT_CHANGE_WORLD:
		c->world.id = get_id(f, "id", true);
		c->world.name = get_str(f, "name");
		break;
	case WEFT_CHANGE_ROOM:
		c->room.id = get_id(f, "id", true);
		c->room.world_id = get_id(f, "world", false);
		c->room.kind = (weft_room_kind)get_name(f, "type", rooms, COUNT(rooms), false);
		c->room.name = get_str(f, "name");
		c->room.source = get_str(f, "source");
		break;
	case WEFT_CHANGE_ENTITY:
		c->entity.id = get_id(f, "id", true);
		c->entity.name = get_str(f, "name");
		if (weft_json_typeof(is_agent) != WEFT_JSON_NONE && !weft_json_get_bool(is_agent, &c->entity.is_agent))
			wrong(f, WEFT_ESCHEMA, "is_agent", "is neither true nor false");
		break;
	case WEFT_CHANGE_JOIN:
	case WEFT_CHANGE_FOLLOW:
		c->person.room_id = get_id(f, "room", true);
		c->person.entity_id = get_id(f, "entity", true);
		if (c->kind == WEFT_CHANGE_FOLLOW)
			c->person.state = (weft_follow)get_name(f, "state", follows, COUNT(follows), true);
		break;
	case WEFT_CHANGE_RELATIONSHIP:
	case WEFT_CHANGE_RELATIONSHIP_DELETE:
		get_relationship(f, &c->relationship);
		break;
	case WEFT_CHANGE_TASK:
		get_task(f, &c->task);
		break;
	case WEFT_CHANGE_TASK_DELETE:
		c->task.id = get_id(f, "id", true);
		break;
	case WEFT_CHANGE_LIMITS:
		c->limit.room_id = get_id(f, "room", false);
		c->limit.type = (weft_memory_type)get_name(f, "type", types, COUNT(types), true);
		c->limit.limits.memories_max = get_bound(f, "memories_max");
		c->limit.limits.bytes_max = get_bound(f, "bytes_max");
		c->limit.limits.age_max_ms = get_bound(f, "age_max_ms");
		break;
	case WEFT_CHANGE_QUOTA:
		c->quota.agent_id = get_id(f, "agent", false);
		c->quota.memories_max = get_bound(f, "memories_max");
		c->quota.bytes_max = get_bound(f, "bytes_max");
		break;
	default:
		c->memory.id = get_id(f, "id", c->kind != WEFT_CHANGE_MEMORY);
		if (c->kind == WEFT_CHANGE_MEMORY)
			get_memory(f, &c->memory);
		else if (c->kind == WEFT_CHANGE_EMBEDDING)
			get_vector(f, &c->memory);
		else if (c->kind == WEFT_CHANGE_ATTACHMENTS)
			get_attachments(f, &c->memory);
	}
}

int store_json_get(weft_json v, weft_arena *arena, weft_change *ret, weft_error *err)
{
	struct from f = { v, arena, err, 0 };

	memset(ret, 0, sizeof(*ret));
	if (weft_json_typeof(v) != WEFT_JSON_OBJECT)
		return weft_error_set(err, WEFT_ESCHEMA, "is no object");
	ret->kind = (weft_change_kind)get_name(&f, "kind", kinds, COUNT(kinds), true);
	if (f.status == 0)
		get_fields(&f, ret);
	return f.status;
}
