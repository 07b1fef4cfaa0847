/* SPDX-License-Identifier: Apache-2.0 */
/*
 * net/codec/msgpack.c - messages as MessagePack, by msgpack-c.
 *
 * Its packer writes. Its unpacker is a template that calls back for each value; a stack of frames says which field the value is
 * for, and it is put there at once: no tree is built, nothing is allocated for what is passed over, and a number of
 * messages is believed only as far as there are bytes for it.
 */
#include "net/codec/codec.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include <msgpack/pack.h>
#include <msgpack/unpack.h>

/* ---- encoding --------------------------------------------------------------------- */

static int append(void *to, const char *bytes, size_t len)
{
	return weft_buffer_put(to, (weft_str){ bytes, len });
}

static int pack_text(msgpack_packer *pk, weft_str s)
{
	int r = msgpack_pack_str(pk, s.len_bytes);

	return r < 0 ? r : msgpack_pack_str_body(pk, s.ptr, s.len_bytes);
}

static int pack_id(msgpack_packer *pk, weft_uuid id)
{
	int r = msgpack_pack_bin(pk, sizeof(id.bytes));

	return r < 0 ? r : msgpack_pack_bin_body(pk, id.bytes, sizeof(id.bytes));
}

static int pack_struct(msgpack_packer *pk, const struct weft__codec_shape *shape, const void *from);

static int pack_list(msgpack_packer *pk, const struct weft__codec_field *f, const void *from)
{
	uint32_t count = weft__codec_count_of(f, from);
	int r = msgpack_pack_array(pk, count);

	for (uint32_t i = 0; r == 0 && i < count; i++)
		r = pack_struct(pk, f->items, weft__codec_entry_of(f, from, i));
	return r;
}

static int pack_value(msgpack_packer *pk, const struct weft__codec_field *f, const void *from)
{
	switch (f->kind) {
	case WEFT__CODEC_TEXT:
	case WEFT__CODEC_JSON:
		return pack_text(pk, weft__codec_str_of(f, from));
	case WEFT__CODEC_UUID:
		return pack_id(pk, weft__codec_uuid_of(f, from));
	case WEFT__CODEC_TIME:
		return msgpack_pack_int64(pk, weft__codec_time_of(f, from));
	case WEFT__CODEC_ROLE:
		return pack_text(pk, weft__codec_role_name(weft__codec_role_of(f, from)));
	case WEFT__CODEC_FLAG:
		return msgpack_pack_true(pk); /* false is left out */
	case WEFT__CODEC_LIST:
		return pack_list(pk, f, from);
	}
	return 0;
}

static int pack_struct(msgpack_packer *pk, const struct weft__codec_shape *shape, const void *from)
{
	uint32_t there = 0;
	int r;

	for (uint32_t i = 0; i < shape->count; i++)
		there += !weft__codec_is_default(&shape->fields[i], from);
	r = msgpack_pack_map(pk, there);
	for (uint32_t i = 0; r == 0 && i < shape->count; i++) {
		const struct weft__codec_field *f = &shape->fields[i];

		if (weft__codec_is_default(f, from))
			continue;
		r = pack_text(pk, f->name);
		if (r == 0)
			r = pack_value(pk, f, from);
	}
	return r;
}

static int encode(const struct weft__codec_out *out)
{
	msgpack_packer pk;
	int r = 0;

	msgpack_packer_init(&pk, out->to, append);
	if (out->is_list)
		r = msgpack_pack_array(&pk, out->count);
	for (uint32_t i = 0; r == 0 && i < out->count; i++)
		r = pack_struct(&pk, &weft__codec_message_shape, &out->messages[i]);
	return r;
}

/* ---- decoding: what a value is for -------------------------------------------------- */

#define DEPTH_MAX 32u         /* the template's: MSGPACK_EMBED_STACK_SIZE */
#define MESSAGE_BYTES_MIN 11u /* a map of one, "role", "tool" */

enum frame_kind {
	SKIPPED, /* whatever it holds is passed over */
	STRUCT,  /* a map with a shape */
	LIST     /* an array of such maps */
};

/* An array or a map that has begun and not ended. */
struct frame {
	enum frame_kind kind;
	bool at_key;      /* STRUCT: a key comes next, else its value */
	uint32_t left;    /* entries, or pairs */
	uint32_t hint;    /* STRUCT: for the next key */
	uint32_t seen;    /* STRUCT: a bit a field */
	const struct weft__codec_shape *shape; /* of the struct, or of each entry */
	const struct weft__codec_field *field; /* STRUCT: whose value comes; NULL: none that is known */
	char *to;         /* the struct, or the next entry */
};

struct reader {
	struct weft__codec_in *in;
	uint32_t top;
	int status;      /* why a callback said no */
	bool has_offset; /* and it said where */
	struct weft__codec_path path;
	struct frame frames[DEPTH_MAX];
};

enum scalar { NIL, TEXT, BYTES, NUMBER, FLAG, OTHER /* fits no field */ };

static bool is_message(const struct frame *f)
{
	return f->shape == &weft__codec_message_shape;
}

/* 0 is no failure. */
static int fail(struct reader *rd, int status)
{
	rd->status = status;
	return status;
}

static int not_a_map(struct reader *rd)
{
	return fail(rd, weft__codec_fail(rd->in->err, &rd->path, WEFT__CODEC_NOWHERE, WEFT_ESCHEMA, "expected a map"));
}

static int wrong_type(struct reader *rd, const struct frame *f)
{
	return fail(rd, weft__codec_wrong_type(rd->in->err, f->field, &rd->path, WEFT__CODEC_NOWHERE));
}

/* A value that is not nil comes for the frame's field. */
static int claim(struct reader *rd, struct frame *f)
{
	uint32_t bit = 1u << (f->field - f->shape->fields);

	if (f->seen & bit)
		return fail(rd, weft__codec_fail(rd->in->err, &rd->path, WEFT__CODEC_NOWHERE, WEFT_ESCHEMA, "given twice"));
	f->seen |= bit;
	return 0;
}

static void key_set(struct reader *rd, struct frame *f, const struct weft__codec_field *field)
{
	f->field = field;
	f->at_key = false;
	*(is_message(f) ? &rd->path.field : &rd->path.part) = field;
}

/* ---- arrays and maps ---------------------------------------------------------------- */

static struct frame *push(struct reader *rd, enum frame_kind kind, uint32_t count)
{
	struct frame *f = &rd->frames[rd->top++];

	*f = (struct frame){ .kind = kind, .at_key = kind == STRUCT, .left = count };
	return f;
}

static int push_struct(struct reader *rd, const struct weft__codec_shape *shape, char *to, uint32_t count)
{
	struct frame *f = push(rd, STRUCT, count);

	f->shape = shape;
	f->to = to;
	return 0;
}

static int push_list(struct reader *rd, const struct weft__codec_shape *shape, void *to, uint32_t count)
{
	struct frame *f = push(rd, LIST, count);

	f->shape = shape;
	f->to = to;
	*(is_message(f) ? &rd->path.message : &rd->path.entry) = 0;
	return 0;
}

static int enter_root(struct reader *rd, uint32_t count, bool is_map)
{
	struct weft__codec_in *in = rd->in;
	int r;

	if (is_map == in->is_list)
		return fail(rd, weft__codec_fail(in->err, &rd->path, WEFT__CODEC_NOWHERE, WEFT_ESCHEMA, "expected %s",
		                                 in->is_list ? "a list of messages" : "a map"));
	if (in->is_list && count > in->bytes.len_bytes / MESSAGE_BYTES_MIN)
		return fail(rd, weft__codec_fail(in->err, &rd->path, WEFT__CODEC_NOWHERE, WEFT_EPARSE,
		                                 "%u messages announced, more than there are bytes for", count));
	r = weft__codec_in_begin(in, count, WEFT__CODEC_NOWHERE);
	if (r < 0)
		return fail(rd, r);
	if (in->is_list)
		return push_list(rd, &weft__codec_message_shape, in->messages, count);
	return push_struct(rd, &weft__codec_message_shape, (char *)in->messages, count);
}

static int enter_field(struct reader *rd, struct frame *f, uint32_t count, bool is_map)
{
	const struct weft__codec_field *field = f->field;
	void *entries;
	int r;

	if (field->kind != WEFT__CODEC_LIST || is_map)
		return wrong_type(rd, f);
	r = claim(rd, f);
	if (r == 0)
		r = fail(rd, weft__codec_put_list(rd->in, field, f->to, count, &rd->path, WEFT__CODEC_NOWHERE, &entries));
	return r < 0 ? r : push_list(rd, field->items, entries, count);
}

static int enter(struct reader *rd, uint32_t count, bool is_map)
{
	struct frame *f = rd->top ? &rd->frames[rd->top - 1] : NULL;

	if (!f)
		return enter_root(rd, count, is_map);
	if (f->kind == LIST)
		return is_map ? push_struct(rd, f->shape, f->to, count) : not_a_map(rd);
	if (f->kind == STRUCT && !f->at_key && f->field)
		return enter_field(rd, f, count, is_map);
	push(rd, SKIPPED, count);
	return 0;
}

/* All of the frame on top has come. */
static int leave(struct reader *rd)
{
	struct frame *f = &rd->frames[--rd->top], *above = rd->top ? f - 1 : NULL;

	if (f->kind == STRUCT && is_message(f) && !(f->seen & 1)) {
		rd->path.field = &f->shape->fields[0];
		return fail(rd, weft__codec_fail(rd->in->err, &rd->path, WEFT__CODEC_NOWHERE, WEFT_ESCHEMA, "is required"));
	}
	if (f->kind == STRUCT)
		*(is_message(f) ? &rd->path.field : &rd->path.part) = NULL;
	if (f->kind == LIST)
		*(is_message(f) ? &rd->path.message : &rd->path.entry) = -1;
	if (above && above->kind == STRUCT && above->at_key) /* it was a key */
		key_set(rd, above, NULL);
	return 0;
}

static int container(struct reader *rd, uint32_t count, bool is_map)
{
	int r = enter(rd, count, is_map);

	return r == 0 && count == 0 ? leave(rd) : r;
}

/* An entry or a pair of the frame on top has come. */
static int entry(struct reader *rd)
{
	struct frame *f = &rd->frames[rd->top - 1];

	if (f->kind == LIST) {
		f->to += f->shape->size;
		++*(is_message(f) ? &rd->path.message : &rd->path.entry);
	}
	f->at_key = f->kind == STRUCT;
	return --f->left ? 0 : leave(rd);
}

/* ---- other values ------------------------------------------------------------------- */

static int put(struct reader *rd, struct frame *f, enum scalar what, weft_str bytes, int64_t number)
{
	const struct weft__codec_field *field = f->field;
	size_t offset = bytes.ptr ? (size_t)(bytes.ptr - rd->in->bytes.ptr) : WEFT__CODEC_NOWHERE;
	int r;

	if (claim(rd, f) < 0)
		return rd->status;
	if (field->kind == WEFT__CODEC_TIME && what == NUMBER) {
		memcpy(f->to + field->offset, &number, sizeof(number));
		return 0;
	}
	if (field->kind == WEFT__CODEC_FLAG && what == FLAG) {
		*(bool *)(f->to + field->offset) = number;
		return 0;
	}
	if (what != TEXT && what != BYTES)
		return wrong_type(rd, f);
	if (what == TEXT)
		r = weft__codec_put_str(rd->in, field, f->to, bytes, true, &rd->path, offset);
	else
		r = weft__codec_put_id(rd->in, field, f->to, bytes, &rd->path, offset);
	rd->has_offset = r < 0;
	return fail(rd, r);
}

static int scalar(struct reader *rd, enum scalar what, weft_str bytes, int64_t number)
{
	struct frame *f = rd->top ? &rd->frames[rd->top - 1] : NULL;

	if (!f || f->kind == LIST)
		return not_a_map(rd);
	if (f->kind == SKIPPED)
		return 0;
	if (f->at_key)
		key_set(rd, f, what == TEXT ? weft__codec_field_find(f->shape, bytes, &f->hint) : NULL);
	else if (f->field && what != NIL)
		return put(rd, f, what, bytes, number);
	return 0;
}

/* ---- the template ------------------------------------------------------------------- */

typedef struct reader *user;
typedef char nothing; /* what the template carries around for us */

#define msgpack_unpack_struct(name) struct unpack##name
#define msgpack_unpack_func(ret, name) static __attribute__((unused)) ret unpack##name
#define msgpack_unpack_callback(name) on##name
#define msgpack_unpack_object nothing
#define msgpack_unpack_user user

static nothing on_root(user *u)
{
	(void)u;
	return 0;
}

#define ON_VALUE(name, type, what, number)                                                                            \
	static int on##name(user *u, type n, nothing *ret)                                                             \
	{                                                                                                              \
		*ret = 0;                                                                                              \
		(void)n;                                                                                               \
		return scalar(*u, what, (weft_str){ 0 }, number);                                                      \
	}

ON_VALUE(_uint8, uint8_t, NUMBER, n)
ON_VALUE(_uint16, uint16_t, NUMBER, n)
ON_VALUE(_uint32, uint32_t, NUMBER, n)
ON_VALUE(_uint64, uint64_t, n <= INT64_MAX ? NUMBER : OTHER, (int64_t)n)
ON_VALUE(_int8, int8_t, NUMBER, n)
ON_VALUE(_int16, int16_t, NUMBER, n)
ON_VALUE(_int32, int32_t, NUMBER, n)
ON_VALUE(_int64, int64_t, NUMBER, n)
ON_VALUE(_float, float, OTHER, 0)
ON_VALUE(_double, double, OTHER, 0)

#define ON_WORD(name, what, number)                                                                                   \
	static int on##name(user *u, nothing *ret)                                                                     \
	{                                                                                                              \
		*ret = 0;                                                                                              \
		return scalar(*u, what, (weft_str){ 0 }, number);                                                      \
	}

ON_WORD(_nil, NIL, 0)
ON_WORD(_true, FLAG, true)
ON_WORD(_false, FLAG, false)

/* Of no bytes at is any pointer. */
#define ON_BYTES(name, what)                                                                                          \
	static int on##name(user *u, const char *base, const char *at, unsigned int len, nothing *ret)                 \
	{                                                                                                              \
		*ret = 0;                                                                                              \
		return scalar(*u, what, (weft_str){ len ? at : base, len }, 0);                                        \
	}

ON_BYTES(_str, TEXT)
ON_BYTES(_bin, BYTES)
ON_BYTES(_ext, OTHER)

#define ON_CONTAINER(name, is_map)                                                                                    \
	static int on##name(user *u, unsigned int count, nothing *ret)                                                 \
	{                                                                                                              \
		*ret = 0;                                                                                              \
		return container(*u, count, is_map);                                                                   \
	}

ON_CONTAINER(_array, false)
ON_CONTAINER(_map, true)

static int on_array_item(user *u, nothing *list, nothing value)
{
	(void)list;
	(void)value;
	return entry(*u);
}

static int on_map_item(user *u, nothing *map, nothing key, nothing value)
{
	(void)map;
	(void)key;
	(void)value;
	return entry(*u);
}

#include <msgpack/unpack_define.h>
#include <msgpack/unpack_template.h>

static_assert(DEPTH_MAX == MSGPACK_EMBED_STACK_SIZE, "as many frames as the template has levels");

/* ---- all together ------------------------------------------------------------------- */

/* A callback that saw no bytes could not say where: reading stopped there. */
static int refused(struct reader *rd, size_t at)
{
	weft_error *err = rd->in->err, before;

	if (!err || rd->has_offset || rd->status == -ENOMEM)
		return rd->status;
	before = *err;
	return weft_error_set(err, rd->status, "%.200s, at byte %zu", before.message, at);
}

static int decode(struct weft__codec_in *in)
{
	struct reader rd = { .in = in, .path = { .message = -1, .entry = -1 } };
	struct unpack_context unpack = { .user = &rd };
	size_t at = 0;
	int r;

	unpack_init(&unpack);
	r = unpack_execute(&unpack, in->bytes.ptr, in->bytes.len_bytes, &at);
	if (rd.status < 0)
		return refused(&rd, at);
	if (r == MSGPACK_UNPACK_NOMEM_ERROR)
		return weft__codec_fail(in->err, &rd.path, at, WEFT_EPARSE, "nested more than %u deep", DEPTH_MAX);
	if (r < 0)
		return weft__codec_fail(in->err, &rd.path, at, WEFT_EPARSE, "no value begins with 0x%02x", (unsigned char)in->bytes.ptr[at]);
	if (r == 0)
		return weft__codec_fail(in->err, &rd.path, in->bytes.len_bytes, WEFT_EPARSE, "the bytes end too early");
	if (at < in->bytes.len_bytes)
		return weft__codec_fail(in->err, &rd.path, at, WEFT_EPARSE, "bytes behind the end");
	return 0;
}

const struct weft__codec_ops weft__codec_msgpack = { encode, decode };
