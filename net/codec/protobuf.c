/* SPDX-License-Identifier: Apache-2.0 */
/*
 * net/codec/protobuf.c - messages as Protocol Buffers, by protobuf-c and what its compiler makes of include/weft/message.proto.
 *
 * Its structs and ours are the same fields in the same order: field i of a shape is field i of the descriptor, number i + 1. So
 * they are copied by the tables, in both directions. Its structs live in an arena of the call. Texts are compiled as bytes:
 * the same on the wire, and as C strings they would end at their first NUL.
 */
#include "net/codec/codec.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "net/codec/wire.h"
#include "runtime/base/assert.h"

#include "message.pb-c.h"

static_assert(WEFT__V1__ROLE__ROLE_SYSTEM == WEFT_ROLE_SYSTEM + 1 && WEFT__V1__ROLE__ROLE_USER == WEFT_ROLE_USER + 1 &&
              WEFT__V1__ROLE__ROLE_ASSISTANT == WEFT_ROLE_ASSISTANT + 1 && WEFT__V1__ROLE__ROLE_TOOL == WEFT_ROLE_TOOL + 1,
              "a role is its number less one");

static void *place(ProtobufCMessage *m, uint32_t offset)
{
	return (char *)m + offset;
}

static const ProtobufCFieldDescriptor *twin(const ProtobufCMessageDescriptor *d, const struct weft__codec_shape *shape, uint32_t i)
{
	WEFT_ASSERT(d->n_fields == shape->count);
	WEFT_ASSERT(weft_str_eq(weft_str_from(d->fields[i].name), shape->fields[i].name));
	WEFT_ASSERT(d->fields[i].id == i + 1);
	return &d->fields[i];
}

/* ---- encoding --------------------------------------------------------------------- */

static int fill(weft_arena *arena, const struct weft__codec_shape *shape, const void *from, ProtobufCMessage *to);

static ProtobufCMessage *made(weft_arena *arena, const ProtobufCMessageDescriptor *d)
{
	ProtobufCMessage *m = weft_arena_alloc(arena, d->sizeof_message);

	if (m)
		protobuf_c_message_init(d, m);
	return m;
}

static int fill_list(weft_arena *arena, const struct weft__codec_field *f, const void *from,
                     const ProtobufCFieldDescriptor *d, ProtobufCMessage *to)
{
	uint32_t count = weft__codec_count_of(f, from);
	ProtobufCMessage **list = weft_arena_alloc(arena, count * sizeof(*list));
	int r = list ? 0 : -ENOMEM;

	for (uint32_t i = 0; r == 0 && i < count; i++) {
		list[i] = made(arena, d->descriptor);
		r = list[i] ? fill(arena, f->items, weft__codec_entry_of(f, from, i), list[i]) : -ENOMEM;
	}
	*(ProtobufCMessage ***)place(to, d->offset) = list;
	*(size_t *)place(to, d->quantifier_offset) = count;
	return r;
}

static int fill_field(weft_arena *arena, const struct weft__codec_field *f, const void *from,
                      const ProtobufCFieldDescriptor *d, ProtobufCMessage *to)
{
	const void *value = weft__codec_at(from, f->offset);
	void *p = place(to, d->offset);

	switch (f->kind) {
	case WEFT__CODEC_TEXT:
	case WEFT__CODEC_JSON:
		*(ProtobufCBinaryData *)p = (ProtobufCBinaryData){ ((const weft_str *)value)->len_bytes,
			                                           (uint8_t *)(uintptr_t)((const weft_str *)value)->ptr };
		break;
	case WEFT__CODEC_UUID:
		*(ProtobufCBinaryData *)p = (ProtobufCBinaryData){ sizeof(weft_uuid), (uint8_t *)(uintptr_t)value };
		break;
	case WEFT__CODEC_TIME:
		*(int64_t *)p = *(const int64_t *)value;
		break;
	case WEFT__CODEC_ROLE:
		*(Weft__V1__Role *)p = (Weft__V1__Role)(*(const weft_role *)value + 1);
		break;
	case WEFT__CODEC_FLAG:
		*(protobuf_c_boolean *)p = *(const bool *)value;
		break;
	case WEFT__CODEC_LIST:
		return fill_list(arena, f, from, d, to);
	}
	return 0;
}

static int fill(weft_arena *arena, const struct weft__codec_shape *shape, const void *from, ProtobufCMessage *to)
{
	int r = 0;

	for (uint32_t i = 0; r == 0 && i < shape->count; i++) {
		const struct weft__codec_field *f = &shape->fields[i];

		if (!weft__codec_is_default(f, from))
			r = fill_field(arena, f, from, twin(to->descriptor, shape, i), to);
	}
	return r;
}

static ProtobufCMessage *filled(weft_arena *arena, const weft_codec_message *from)
{
	ProtobufCMessage *m = made(arena, &weft__v1__message__descriptor);

	return m && fill(arena, &weft__codec_message_shape, from, m) == 0 ? m : NULL;
}

static ProtobufCMessage *filled_list(weft_arena *arena, const struct weft__codec_out *out)
{
	Weft__V1__Messages *all = (Weft__V1__Messages *)(void *)made(arena, &weft__v1__messages__descriptor);

	if (!all || !out->count)
		return all ? &all->base : NULL;
	all->messages = weft_arena_alloc(arena, out->count * sizeof(*all->messages));
	if (!all->messages)
		return NULL;
	for (; all->n_messages < out->count; all->n_messages++) {
		ProtobufCMessage *m = filled(arena, &out->messages[all->n_messages]);

		if (!m)
			return NULL;
		all->messages[all->n_messages] = (Weft__V1__Message *)(void *)m;
	}
	return &all->base;
}

static int encode(const struct weft__codec_out *out)
{
	weft_arena *arena;
	ProtobufCMessage *m;
	int r = weft_arena_create(0, &arena);

	if (r < 0)
		return r;
	m = out->is_list ? filled_list(arena, out) : filled(arena, out->messages);
	r = m ? weft_buffer_reserve(out->to, protobuf_c_message_get_packed_size(m)) : -ENOMEM;
	if (r == 0 && out->to->ptr)
		out->to->len_bytes += protobuf_c_message_pack(m, (uint8_t *)out->to->ptr + out->to->len_bytes);
	weft_arena_destroy(arena);
	return r;
}

/* ---- decoding --------------------------------------------------------------------- */

static void *arena_take(void *arena, size_t bytes)
{
	return weft_arena_alloc(arena, bytes);
}

static void arena_keep(void *arena, void *ptr)
{
	(void)arena;
	(void)ptr;
}

static int take(struct weft__codec_in *in, const struct weft__codec_shape *shape, ProtobufCMessage *from, void *to);

static int take_list(struct weft__codec_in *in, const struct weft__codec_field *f, const ProtobufCFieldDescriptor *d,
                     ProtobufCMessage *from, void *to)
{
	static const struct weft__codec_path path = { .message = -1, .entry = -1 };
	size_t count = *(size_t *)place(from, d->quantifier_offset);
	ProtobufCMessage **list = *(ProtobufCMessage ***)place(from, d->offset);
	void *entries;
	int r = weft__codec_put_list(in, f, to, count, &path, WEFT__CODEC_NOWHERE, &entries);

	for (size_t i = 0; r == 0 && i < count; i++)
		r = take(in, f->items, list[i], (char *)entries + i * f->items->size);
	return r;
}

static int take_text(struct weft__codec_in *in, const ProtobufCBinaryData *data, weft_str *to)
{
	if (data->len == 0)
		return 0;
	*to = weft_arena_dup(in->arena, (weft_str){ (const char *)data->data, data->len });
	return to->ptr ? 0 : -ENOMEM;
}

/* weft__wire_check has seen to types and bounds. */
static int take_field(struct weft__codec_in *in, const struct weft__codec_field *f, const ProtobufCFieldDescriptor *d,
                      ProtobufCMessage *from, void *to)
{
	void *value = (char *)to + f->offset, *p = place(from, d->offset);
	const ProtobufCBinaryData *data = p;

	switch (f->kind) {
	case WEFT__CODEC_TEXT:
	case WEFT__CODEC_JSON:
		return take_text(in, data, value);
	case WEFT__CODEC_UUID:
		if (data->len == sizeof(weft_uuid))
			memcpy(value, data->data, sizeof(weft_uuid));
		break;
	case WEFT__CODEC_TIME:
		*(int64_t *)value = *(const int64_t *)p;
		break;
	case WEFT__CODEC_ROLE:
		*(weft_role *)value = (weft_role)(*(const Weft__V1__Role *)p - 1);
		break;
	case WEFT__CODEC_FLAG:
		*(bool *)value = *(const protobuf_c_boolean *)p;
		break;
	case WEFT__CODEC_LIST:
		return take_list(in, f, d, from, to);
	}
	return 0;
}

static int take(struct weft__codec_in *in, const struct weft__codec_shape *shape, ProtobufCMessage *from, void *to)
{
	int r = 0;

	for (uint32_t i = 0; r == 0 && i < shape->count; i++)
		r = take_field(in, &shape->fields[i], twin(from->descriptor, shape, i), from, to);
	return r;
}

static int take_all(struct weft__codec_in *in, ProtobufCMessage *from)
{
	const Weft__V1__Messages *all = (const Weft__V1__Messages *)(const void *)from;
	int r = weft__codec_in_begin(in, in->is_list ? all->n_messages : 1, WEFT__CODEC_NOWHERE);

	if (r == 0 && !in->is_list)
		return take(in, &weft__codec_message_shape, from, in->messages);
	for (uint32_t i = 0; r == 0 && i < in->count; i++)
		r = take(in, &weft__codec_message_shape, &all->messages[i]->base, &in->messages[i]);
	return r;
}

/* What passed the check is not unpacked for one reason only: there is no memory. */
static int decode(struct weft__codec_in *in)
{
	ProtobufCAllocator allocator = { arena_take, arena_keep, NULL };
	weft_arena *arena;
	ProtobufCMessage *m;
	int r = weft__wire_check(in);

	if (r == 0)
		r = weft_arena_create(0, &arena);
	if (r < 0)
		return r;
	allocator.allocator_data = arena;
	m = protobuf_c_message_unpack(in->is_list ? &weft__v1__messages__descriptor : &weft__v1__message__descriptor, &allocator,
	                              in->bytes.len_bytes, (const uint8_t *)in->bytes.ptr);
	r = m ? take_all(in, m) : -ENOMEM;
	weft_arena_destroy(arena);
	return r;
}

const struct weft__codec_ops weft__codec_protobuf = { encode, decode };
