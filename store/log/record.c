/* SPDX-License-Identifier: Apache-2.0 */
/* store/log/record.c - see record.h. */
#include "store/log/record.h"

#include <errno.h>
#include <string.h>

#include "runtime/base/assert.h"
#include "store/log/format.h"

/* ---- writing --------------------------------------------------------------------- */

/* Counts, and writes when there is a place to write to. */
struct out {
	char *at; /* NULL: count only */
	size_t len;
};

static void put_bytes(struct out *o, const void *bytes, size_t n)
{
	if (o->at && n)
		memcpy(o->at + o->len, bytes, n);
	o->len += n;
}

static void put_u8(struct out *o, unsigned v)
{
	unsigned char byte = (unsigned char)v;

	put_bytes(o, &byte, 1);
}

static void put_u32(struct out *o, uint32_t v)
{
	char bytes[4];

	weft__put32(bytes, v);
	put_bytes(o, bytes, sizeof(bytes));
}

static void put_u64(struct out *o, uint64_t v)
{
	char bytes[8];

	weft__put64(bytes, v);
	put_bytes(o, bytes, sizeof(bytes));
}

static void put_id(struct out *o, weft_uuid id)
{
	put_bytes(o, id.bytes, sizeof(id.bytes));
}

static void put_str(struct out *o, weft_str s)
{
	put_u32(o, (uint32_t)s.len_bytes);
	put_bytes(o, s.ptr, s.len_bytes);
}

static void put_attachments(struct out *o, const weft_memory *m)
{
	put_u32(o, m->attachment_count);
	for (uint32_t i = 0; i < m->attachment_count; i++) {
		const weft_attachment *a = &m->attachments[i];

		put_id(o, a->id);
		put_str(o, a->url);
		put_str(o, a->content_type);
		put_str(o, a->title);
		put_str(o, a->description);
		put_str(o, a->text);
		put_str(o, a->source);
	}
}

static void put_memory(struct out *o, const weft_memory *m)
{
	put_id(o, m->id);
	put_u8(o, m->type);
	put_id(o, m->room_id);
	put_id(o, m->entity_id);
	put_id(o, m->agent_id);
	put_id(o, m->in_reply_to);
	put_u64(o, (uint64_t)m->created_ms);
	put_str(o, m->text);
	put_str(o, m->thought);
	put_str(o, m->actions);
	put_str(o, m->source);
	put_attachments(o, m);
}

static void put_embedding(struct out *o, const weft_memory *m)
{
	put_id(o, m->id);
	put_u32(o, m->embedding_dims);
	for (uint32_t i = 0; i < m->embedding_dims; i++) {
		uint32_t bits;

		memcpy(&bits, &m->embedding[i], sizeof(bits));
		put_u32(o, bits);
	}
}

static void put_double(struct out *o, double v)
{
	uint64_t bits;

	memcpy(&bits, &v, sizeof(bits));
	put_u64(o, bits);
}

static void put_relationship(struct out *o, const weft_relationship *r)
{
	put_id(o, r->source_id);
	put_id(o, r->target_id);
	put_double(o, r->strength);
	put_u64(o, (uint64_t)r->created_ms);
	put_u64(o, (uint64_t)r->updated_ms);
	put_str(o, r->tags);
}

static void put_task(struct out *o, const weft_task *t)
{
	put_id(o, t->id);
	put_id(o, t->room_id);
	put_id(o, t->entity_id);
	put_u8(o, t->kind);
	put_u8(o, t->status);
	put_u64(o, (uint64_t)t->due_ms);
	put_u64(o, (uint64_t)t->created_ms);
	put_u64(o, (uint64_t)t->updated_ms);
	put_str(o, t->name);
	put_str(o, t->description);
	put_str(o, t->tags);
}

static void put_change(struct out *o, const weft_change *c)
{
	WEFT_ASSERT(c->kind >= WEFT_CHANGE_WORLD && c->kind < WEFT_CHANGE_KIND_COUNT);
	put_u8(o, c->kind);
	switch (c->kind) {
	case WEFT_CHANGE_WORLD:
		put_id(o, c->world.id);
		put_str(o, c->world.name);
		break;
	case WEFT_CHANGE_ROOM:
		put_id(o, c->room.id);
		put_id(o, c->room.world_id);
		put_u8(o, c->room.kind);
		put_str(o, c->room.name);
		put_str(o, c->room.source);
		break;
	case WEFT_CHANGE_ENTITY:
		put_id(o, c->entity.id);
		put_u8(o, c->entity.is_agent);
		put_str(o, c->entity.name);
		break;
	case WEFT_CHANGE_JOIN:
	case WEFT_CHANGE_FOLLOW:
		put_id(o, c->person.room_id);
		put_id(o, c->person.entity_id);
		put_u8(o, c->kind == WEFT_CHANGE_FOLLOW ? c->person.state : 0);
		break;
	case WEFT_CHANGE_MEMORY:
		put_memory(o, &c->memory);
		break;
	case WEFT_CHANGE_DELETE:
		put_id(o, c->memory.id);
		break;
	case WEFT_CHANGE_EMBEDDING:
		put_embedding(o, &c->memory);
		break;
	case WEFT_CHANGE_ATTACHMENTS:
		put_id(o, c->memory.id);
		put_attachments(o, &c->memory);
		break;
	case WEFT_CHANGE_RELATIONSHIP:
		put_relationship(o, &c->relationship);
		break;
	case WEFT_CHANGE_RELATIONSHIP_DELETE:
		put_id(o, c->relationship.source_id);
		put_id(o, c->relationship.target_id);
		break;
	case WEFT_CHANGE_TASK:
		put_task(o, &c->task);
		break;
	case WEFT_CHANGE_TASK_DELETE:
		put_id(o, c->task.id);
		break;
	case WEFT_CHANGE_LIMITS:
		put_id(o, c->limit.room_id);
		put_u8(o, c->limit.type);
		put_u64(o, c->limit.limits.memories_max);
		put_u64(o, c->limit.limits.bytes_max);
		put_u64(o, c->limit.limits.age_max_ms);
		break;
	case WEFT_CHANGE_QUOTA:
		put_id(o, c->quota.agent_id);
		put_u64(o, c->quota.memories_max);
		put_u64(o, c->quota.bytes_max);
		break;
	default:
		break;
	}
}

size_t weft__change_bytes(const weft_change *change)
{
	struct out o = { NULL, 4 };

	put_change(&o, change);
	return o.len;
}

char *weft__change_put(char *at, const weft_change *change)
{
	struct out o = { at, 4 };

	put_change(&o, change);
	weft__put32(at, (uint32_t)(o.len - 4));
	return at + o.len;
}

char *weft__change_put_end(char *at, uint64_t records)
{
	weft__put32(at, WEFT__RECORD_END_BYTES - 4);
	at[4] = (char)WEFT__RECORD_END;
	weft__put64(at + 5, records);
	return at + WEFT__RECORD_END_BYTES;
}

/* ---- reading ----------------------------------------------------------------------- */

/* Takes from the front. What is not there is zeros, and wrong from then on. */
struct in {
	const char *at, *end;
	bool wrong;
};

static const char *take(struct in *in, size_t n)
{
	const char *at = in->at;

	if (in->wrong || n > (size_t)(in->end - at)) {
		in->wrong = true;
		return NULL;
	}
	in->at += n;
	return at;
}

static uint32_t take_u8(struct in *in, uint32_t below)
{
	const char *at = take(in, 1);
	uint32_t v = at ? (unsigned char)*at : 0;

	in->wrong |= v >= below;
	return v;
}

static uint32_t take_u32(struct in *in)
{
	const char *at = take(in, 4);

	return at ? weft__get32(at) : 0;
}

static uint64_t take_u64(struct in *in)
{
	const char *at = take(in, 8);

	return at ? weft__get64(at) : 0;
}

static weft_uuid take_id(struct in *in)
{
	const char *at = take(in, sizeof(weft_uuid));
	weft_uuid id = { { 0 } };

	if (at)
		memcpy(id.bytes, at, sizeof(id.bytes));
	return id;
}

static weft_str take_str(struct in *in)
{
	size_t n = take_u32(in);
	const char *at = take(in, n);

	return (weft_str){ at, at ? n : 0 };
}

static int take_attachments(struct in *in, weft_arena *arena, weft_memory *m)
{
	uint32_t n = take_u32(in);
	weft_attachment *list;

	in->wrong |= n > WEFT_ATTACHMENTS_MAX;
	if (in->wrong || !n)
		return 0;
	list = weft_arena_alloc(arena, n * sizeof(*list));
	if (!list)
		return -ENOMEM;
	for (uint32_t i = 0; i < n; i++) {
		weft_attachment *a = &list[i];

		a->id = take_id(in);
		a->url = take_str(in);
		a->content_type = take_str(in);
		a->title = take_str(in);
		a->description = take_str(in);
		a->text = take_str(in);
		a->source = take_str(in);
	}
	m->attachments = list;
	m->attachment_count = n;
	return 0;
}

static int take_memory(struct in *in, weft_arena *arena, weft_memory *m)
{
	m->id = take_id(in);
	m->type = (weft_memory_type)take_u8(in, WEFT_MEMORY_TYPE_COUNT);
	m->room_id = take_id(in);
	m->entity_id = take_id(in);
	m->agent_id = take_id(in);
	m->in_reply_to = take_id(in);
	m->created_ms = (int64_t)take_u64(in);
	m->text = take_str(in);
	m->thought = take_str(in);
	m->actions = take_str(in);
	m->source = take_str(in);
	return take_attachments(in, arena, m);
}

static int take_embedding(struct in *in, weft_arena *arena, weft_memory *m)
{
	const char *at;
	float *v;

	m->id = take_id(in);
	m->embedding_dims = take_u32(in);
	at = take(in, (size_t)m->embedding_dims * 4);
	if (!at)
		return 0;
	v = weft_arena_alloc(arena, (size_t)m->embedding_dims * sizeof(*v) + 1);
	if (!v)
		return -ENOMEM;
	for (uint32_t i = 0; i < m->embedding_dims; i++) {
		uint32_t bits = weft__get32(at + 4 * (size_t)i);

		memcpy(&v[i], &bits, sizeof(bits));
	}
	m->embedding = v;
	return 0;
}

static double take_double(struct in *in)
{
	uint64_t bits = take_u64(in);
	double v;

	memcpy(&v, &bits, sizeof(v));
	return v;
}

static void take_relationship(struct in *in, weft_relationship *r)
{
	r->source_id = take_id(in);
	r->target_id = take_id(in);
	r->strength = take_double(in);
	r->created_ms = (int64_t)take_u64(in);
	r->updated_ms = (int64_t)take_u64(in);
	r->tags = take_str(in);
}

static void take_task(struct in *in, weft_task *t)
{
	t->id = take_id(in);
	t->room_id = take_id(in);
	t->entity_id = take_id(in);
	t->kind = (weft_task_kind)take_u8(in, WEFT_TASK_GOAL + 1);
	t->status = (weft_task_status)take_u8(in, WEFT_TASK_FAILED + 1);
	t->due_ms = (int64_t)take_u64(in);
	t->created_ms = (int64_t)take_u64(in);
	t->updated_ms = (int64_t)take_u64(in);
	t->name = take_str(in);
	t->description = take_str(in);
	t->tags = take_str(in);
}

static int take_change(struct in *in, weft_arena *arena, weft_change *c)
{
	switch (c->kind) {
	case WEFT_CHANGE_WORLD:
		c->world.id = take_id(in);
		c->world.name = take_str(in);
		return 0;
	case WEFT_CHANGE_ROOM:
		c->room.id = take_id(in);
		c->room.world_id = take_id(in);
		c->room.kind = (weft_room_kind)take_u8(in, WEFT_ROOM_THREAD + 1);
		c->room.name = take_str(in);
		c->room.source = take_str(in);
		return 0;
	case WEFT_CHANGE_ENTITY:
		c->entity.id = take_id(in);
		c->entity.is_agent = take_u8(in, 2);
		c->entity.name = take_str(in);
		return 0;
	case WEFT_CHANGE_JOIN:
	case WEFT_CHANGE_FOLLOW:
		c->person.room_id = take_id(in);
		c->person.entity_id = take_id(in);
		c->person.state = (weft_follow)take_u8(in, c->kind == WEFT_CHANGE_FOLLOW ? WEFT_FOLLOW_MUTED + 1 : 1);
		return 0;
	case WEFT_CHANGE_MEMORY:
		return take_memory(in, arena, &c->memory);
	case WEFT_CHANGE_DELETE:
		c->memory.id = take_id(in);
		return 0;
	case WEFT_CHANGE_EMBEDDING:
		return take_embedding(in, arena, &c->memory);
	case WEFT_CHANGE_ATTACHMENTS:
		c->memory.id = take_id(in);
		return take_attachments(in, arena, &c->memory);
	case WEFT_CHANGE_RELATIONSHIP:
		take_relationship(in, &c->relationship);
		return 0;
	case WEFT_CHANGE_RELATIONSHIP_DELETE:
		c->relationship.source_id = take_id(in);
		c->relationship.target_id = take_id(in);
		return 0;
	case WEFT_CHANGE_TASK:
		take_task(in, &c->task);
		return 0;
	case WEFT_CHANGE_TASK_DELETE:
		c->task.id = take_id(in);
		return 0;
	case WEFT_CHANGE_LIMITS:
		c->limit.room_id = take_id(in);
		c->limit.type = (weft_memory_type)take_u8(in, WEFT_MEMORY_TYPE_COUNT);
		c->limit.limits.memories_max = take_u64(in);
		c->limit.limits.bytes_max = take_u64(in);
		c->limit.limits.age_max_ms = take_u64(in);
		return 0;
	case WEFT_CHANGE_QUOTA:
		c->quota.agent_id = take_id(in);
		c->quota.memories_max = take_u64(in);
		c->quota.bytes_max = take_u64(in);
		return 0;
	default:
		in->wrong = true;
		return 0;
	}
}

int weft__changes_next(struct weft__changes *r, weft_arena *arena, weft_change *ret, uint64_t *ret_end)
{
	struct in all = { r->at, r->end, false }, in;
	weft_change c;
	int status = 0;
	size_t len;

	if (r->at == r->end)
		return 0;
	memset(&c, 0, sizeof(c));
	len = take_u32(&all);
	in.at = take(&all, len);
	if (!in.at)
		return WEFT_EDAMAGED;
	in.end = in.at + len;
	in.wrong = false;
	c.kind = (weft_change_kind)take_u8(&in, 256);
	if ((uint32_t)c.kind == WEFT__RECORD_END) {
		c.kind = (weft_change_kind)0;
		*ret_end = take_u64(&in);
	} else {
		status = take_change(&in, arena, &c);
	}
	if (status == 0 && (in.wrong || in.at != in.end))
		status = WEFT_EDAMAGED;
	if (status < 0)
		return status;
	r->at = all.at;
	*ret = c;
	return 1;
}
