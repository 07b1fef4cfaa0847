/* SPDX-License-Identifier: Apache-2.0 */
/* net/codec/codec.c - the public calls, which format is there, and how decoded values come into a struct. */
#include "net/codec/codec.h"

#include <errno.h>
#include <string.h>

#include "runtime/base/assert.h"

/* ---- formats ---------------------------------------------------------------------- */

static const struct format {
	const char *name;
	const struct weft__codec_ops *ops; /* NULL: not built in */
} formats[WEFT_CODEC_FORMAT_COUNT] = {
	[WEFT_CODEC_JSON] = { "json", &weft__codec_json },
#ifdef WEFT_HAVE_MSGPACK
	[WEFT_CODEC_MSGPACK] = { "msgpack", &weft__codec_msgpack },
#else
	[WEFT_CODEC_MSGPACK] = { "msgpack", NULL },
#endif
#ifdef WEFT_HAVE_PROTOBUF
	[WEFT_CODEC_PROTOBUF] = { "protobuf", &weft__codec_protobuf },
#else
	[WEFT_CODEC_PROTOBUF] = { "protobuf", NULL },
#endif
};

const char *weft_codec_format_name(weft_codec_format format)
{
	return (uint32_t)format < WEFT_CODEC_FORMAT_COUNT ? formats[format].name : "?";
}

/* The same name says the option. */
int weft_codec_has(weft_codec_format format, weft_error *err)
{
	if ((uint32_t)format >= WEFT_CODEC_FORMAT_COUNT)
		return weft_error_set(err, -EINVAL, "format: %u is none", (uint32_t)format);
	if (!formats[format].ops)
		return weft_error_set(err, -EPROTONOSUPPORT, "this build of weft has no %s (meson option %s)",
		                      formats[format].name, formats[format].name);
	return 0;
}

/* ---- encoding --------------------------------------------------------------------- */

static int check_all(const struct weft__codec_out *out, weft_error *err)
{
	int r = 0;

	if (out->count && !out->messages)
		return weft_error_set(err, -EINVAL, "messages: NULL, and their count is %u", out->count);
	if (out->count > WEFT_CODEC_MESSAGES_MAX)
		return weft_error_set(err, -EMSGSIZE, "%u messages, at most %u", out->count, WEFT_CODEC_MESSAGES_MAX);
	for (uint32_t i = 0; r == 0 && i < out->count; i++) {
		struct weft__codec_path path = { .message = out->is_list ? (int64_t)i : -1, .entry = -1 };

		r = weft__codec_check(&out->messages[i], &path, err);
	}
	return r;
}

static int encode(weft_codec_format format, const struct weft__codec_out *out, weft_error *err)
{
	size_t before;
	int r = weft_codec_has(format, err);

	if (r < 0)
		return r;
	if (!out->to)
		return weft_error_set(err, -EINVAL, "buffer: NULL");
	r = check_all(out, err);
	if (r < 0)
		return r;
	before = out->to->len_bytes;
	r = formats[format].ops->encode(out);
	if (r == 0 && out->to->len_bytes - before > WEFT_CODEC_BYTES_MAX)
		r = weft_error_set(err, -EMSGSIZE, "%zu bytes, at most %u", out->to->len_bytes - before, WEFT_CODEC_BYTES_MAX);
	else if (r < 0)
		weft_error_set(err, r, "%s", weft_strerror(r));
	if (r < 0)
		out->to->len_bytes = before;
	return r;
}

int weft_codec_encode(weft_codec_format format, const weft_codec_message *message, weft_buffer *to, weft_error *err)
{
	struct weft__codec_out out = { .messages = message, .count = 1, .to = to };

	return encode(format, &out, err);
}

int weft_codec_encode_list(weft_codec_format format, const weft_codec_message *messages, uint32_t count,
                           weft_buffer *to, weft_error *err)
{
	struct weft__codec_out out = { .messages = messages, .count = count, .is_list = true, .to = to };

	return encode(format, &out, err);
}

/* ---- decoding --------------------------------------------------------------------- */

static int decode(weft_codec_format format, uint32_t flags, struct weft__codec_in *in)
{
	int r = weft_codec_has(format, in->err);

	if (r < 0)
		return r;
	if (!in->arena)
		return weft_error_set(in->err, -EINVAL, "arena: NULL");
	if (!in->bytes.ptr && in->bytes.len_bytes)
		return weft_error_set(in->err, -EINVAL, "bytes: NULL, and their length is %zu", in->bytes.len_bytes);
	if (flags & ~WEFT_CODEC_BORROW)
		return weft_error_set(in->err, -EINVAL, "flags: 0x%x are not known", flags);
	if (in->bytes.len_bytes > WEFT_CODEC_BYTES_MAX)
		return weft_error_set(in->err, -EMSGSIZE, "%zu bytes, at most %u", in->bytes.len_bytes, WEFT_CODEC_BYTES_MAX);
	in->borrow = flags & WEFT_CODEC_BORROW;
	if (!in->bytes.ptr)
		in->bytes.ptr = "";
	r = formats[format].ops->decode(in);
	if (r == -ENOMEM)
		weft_error_set(in->err, r, "out of memory");
	return r;
}

int weft_codec_decode(weft_codec_format format, weft_str bytes, uint32_t flags, weft_arena *arena,
                      weft_codec_message *ret_message, weft_error *err)
{
	weft_codec_message message;
	struct weft__codec_in in = { .bytes = bytes, .arena = arena, .err = err, .messages = &message };
	int r;

	WEFT_RETURN_IF(!ret_message, weft_error_set(err, -EINVAL, "ret_message: NULL"));
	r = decode(format, flags, &in);
	if (r == 0)
		*ret_message = message;
	return r;
}

int weft_codec_decode_list(weft_codec_format format, weft_str bytes, uint32_t flags, weft_arena *arena,
                           weft_codec_message **ret_messages, uint32_t *ret_count, weft_error *err)
{
	struct weft__codec_in in = { .bytes = bytes, .is_list = true, .arena = arena, .err = err };
	int r;

	WEFT_RETURN_IF(!ret_messages || !ret_count, weft_error_set(err, -EINVAL, "ret_messages or ret_count: NULL"));
	r = decode(format, flags, &in);
	if (r < 0)
		return r;
	*ret_messages = in.messages;
	*ret_count = in.count;
	return 0;
}

/* ---- values into structs ---------------------------------------------------------- */

int weft__codec_in_begin(struct weft__codec_in *in, size_t count, size_t offset)
{
	static const struct weft__codec_path nowhere = { .message = -1, .entry = -1 };

	if (!in->is_list) {
		memset(in->messages, 0, sizeof(*in->messages));
		in->count = 1;
		return 0;
	}
	if (count > WEFT_CODEC_MESSAGES_MAX)
		return weft__codec_fail(in->err, &nowhere, offset, -EMSGSIZE, "%zu messages, at most %u", count,
		                        WEFT_CODEC_MESSAGES_MAX);
	in->count = (uint32_t)count;
	in->messages = count ? weft_arena_calloc(in->arena, count * sizeof(*in->messages)) : NULL;
	return count && !in->messages ? -ENOMEM : 0;
}

static void *place(const struct weft__codec_field *f, void *to)
{
	return (char *)to + f->offset;
}

static int put_text(struct weft__codec_in *in, const struct weft__codec_field *f, void *to, weft_str s, bool may_borrow)
{
	if (!may_borrow || !in->borrow)
		s = weft_arena_dup(in->arena, s);
	if (!s.ptr)
		return -ENOMEM;
	*(weft_str *)place(f, to) = s;
	return 0;
}

static int put_role(struct weft__codec_in *in, const struct weft__codec_field *f, void *to, weft_str s,
                    const struct weft__codec_path *path, size_t offset)
{
	if (weft__codec_role_find(s, place(f, to)))
		return 0;
	return weft__codec_fail(in->err, path, offset, WEFT_ESCHEMA, "\"%.*s\" is no role", s.len_bytes > 32 ? 32 : (int)s.len_bytes,
	                        s.ptr);
}

int weft__codec_put_str(struct weft__codec_in *in, const struct weft__codec_field *f, void *to, weft_str s,
                        bool may_borrow, const struct weft__codec_path *path, size_t offset)
{
	int r;

	switch (f->kind) {
	case WEFT__CODEC_TEXT:
	case WEFT__CODEC_JSON:
		r = weft__codec_check_str(f, s, in->is_utf8, path, offset, in->err);
		return r < 0 || !s.len_bytes ? r : put_text(in, f, to, s, may_borrow);
	case WEFT__CODEC_ROLE:
		return put_role(in, f, to, s, path, offset);
	case WEFT__CODEC_UUID:
		if (weft_uuid_parse(s, place(f, to)) == 0)
			return 0;
		return weft__codec_fail(in->err, path, offset, WEFT_ESCHEMA, "not an id of 36 characters");
	default:
		return weft__codec_wrong_type(in->err, f, path, offset);
	}
}

int weft__codec_put_id(struct weft__codec_in *in, const struct weft__codec_field *f, void *to, weft_str bytes,
                       const struct weft__codec_path *path, size_t offset)
{
	if (f->kind != WEFT__CODEC_UUID)
		return weft__codec_wrong_type(in->err, f, path, offset);
	if (bytes.len_bytes != sizeof(weft_uuid))
		return weft__codec_fail(in->err, path, offset, WEFT_ESCHEMA, "an id has 16 bytes, not %zu", bytes.len_bytes);
	memcpy(place(f, to), bytes.ptr, sizeof(weft_uuid));
	return 0;
}

int weft__codec_put_list(struct weft__codec_in *in, const struct weft__codec_field *f, void *to, size_t count,
                         const struct weft__codec_path *path, size_t offset, void **ret_entries)
{
	void *entries;

	if (f->kind != WEFT__CODEC_LIST)
		return weft__codec_wrong_type(in->err, f, path, offset);
	if (count > f->max)
		return weft__codec_fail(in->err, path, offset, -EMSGSIZE, "%zu entries, at most %u", count, f->max);
	*ret_entries = NULL;
	if (!count)
		return 0;
	entries = weft_arena_calloc(in->arena, count * f->items->size);
	if (!entries)
		return -ENOMEM;
	*(const void **)place(f, to) = entries;
	*(uint32_t *)(void *)((char *)to + f->count_offset) = (uint32_t)count;
	*ret_entries = entries;
	return 0;
}
