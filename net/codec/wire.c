/* SPDX-License-Identifier: Apache-2.0 */
/*
 * net/codec/wire.c - a look over protobuf bytes before protobuf-c unpacks them.
 *
 * protobuf-c answers NULL for bytes that are wrong, without why or where, does not look at UTF-8, and allocates for whatever the
 * bytes claim. This walk over the same tables that the other formats use says no first, with field and byte, and keeps the
 * bounds of <weft/codec.h>; what it lets pass, unpacks.
 *
 *   field  = tag (varint: number << 3 | type), then  0 varint | 1 eight bytes | 2 length (varint) and bytes | 5 four bytes
 */
#include "net/codec/wire.h"

#include <errno.h>

#define TAG_BYTES_MAX 5u
#define VARINT_BYTES_MAX 10u
#define NUMBER_MAX ((1u << 29) - 1)

enum wire_type { VARINT = 0, EIGHT = 1, BYTES = 2, FOUR = 5 };

struct span {
	const uint8_t *at, *end;
};

struct walk {
	struct weft__codec_in *in;
	struct weft__codec_path path;
};

/* One field of a message, as it stands there. */
struct item {
	const uint8_t *at; /* its tag */
	uint32_t number;
	enum wire_type type;
	uint64_t varint;
	struct span bytes; /* BYTES */
};

static size_t offset_of(const struct walk *w, const uint8_t *at)
{
	return (size_t)(at - (const uint8_t *)w->in->bytes.ptr);
}

static int wrong(const struct walk *w, const uint8_t *at, const char *what)
{
	return weft__codec_fail(w->in->err, &w->path, offset_of(w, at), WEFT_EPARSE, "%s", what);
}

/* false: it does not end within so many bytes, or within the span; or is more than 64 bits. */
static bool varint(struct span *s, size_t bytes_max, uint64_t *ret)
{
	uint64_t n = 0;

	for (size_t i = 0; i < bytes_max && s->at + i < s->end; i++) {
		uint64_t seven = s->at[i] & 0x7f;

		if (i == 9 && seven > 1)
			return false;
		n |= seven << (7 * i);
		if (!(s->at[i] & 0x80)) {
			s->at += i + 1;
			*ret = n;
			return true;
		}
	}
	return false;
}

static int skip(const struct walk *w, struct span *s, size_t bytes)
{
	if ((size_t)(s->end - s->at) < bytes)
		return wrong(w, s->at, "the bytes end too early");
	s->at += bytes;
	return 0;
}

static int next_value(const struct walk *w, struct span *s, struct item *ret)
{
	const uint8_t *begin = s->at;
	uint64_t length;

	switch (ret->type) {
	case VARINT:
		return varint(s, VARINT_BYTES_MAX, &ret->varint) ? 0 : wrong(w, begin, "a number that does not end");
	case EIGHT:
		return skip(w, s, 8);
	case FOUR:
		return skip(w, s, 4);
	case BYTES:
		if (!varint(s, TAG_BYTES_MAX, &length))
			return wrong(w, begin, "a length that does not end");
		if (length > (size_t)(s->end - s->at))
			return wrong(w, begin, "a length behind the end");
		ret->bytes = (struct span){ s->at, s->at + length };
		s->at += length;
		return 0;
	}
	return wrong(w, ret->at, "groups and types above 5 are not read here");
}

static int next(const struct walk *w, struct span *s, struct item *ret)
{
	uint64_t tag;

	*ret = (struct item){ .at = s->at };
	if (!varint(s, TAG_BYTES_MAX, &tag))
		return wrong(w, ret->at, "a tag that does not end");
	if (tag >> 3 == 0 || tag >> 3 > NUMBER_MAX)
		return wrong(w, ret->at, "not a field's number");
	ret->number = (uint32_t)(tag >> 3);
	ret->type = (enum wire_type)(tag & 7);
	return next_value(w, s, ret);
}

static int walk_struct(struct walk *w, const struct weft__codec_shape *shape, struct span s);

static int walk_entry(struct walk *w, const struct weft__codec_field *f, const struct item *item, uint32_t *count)
{
	int r;

	if (*count >= f->max)
		return weft__codec_fail(w->in->err, &w->path, offset_of(w, item->at), -EMSGSIZE, "more than %u entries", f->max);
	w->path.entry = (*count)++;
	r = walk_struct(w, f->items, item->bytes);
	if (r == 0)
		w->path.entry = -1;
	return r;
}

static enum wire_type type_of(const struct weft__codec_field *f)
{
	return f->kind == WEFT__CODEC_TIME || f->kind == WEFT__CODEC_ROLE || f->kind == WEFT__CODEC_FLAG ? VARINT : BYTES;
}

static int walk_field(struct walk *w, const struct weft__codec_field *f, const struct item *item, uint32_t *count)
{
	weft_str s = { (const char *)item->bytes.at, (size_t)(item->bytes.end - item->bytes.at) };
	size_t offset = offset_of(w, item->at);

	if (item->type != type_of(f))
		return weft__codec_wrong_type(w->in->err, f, &w->path, offset);
	switch (f->kind) {
	case WEFT__CODEC_TEXT:
	case WEFT__CODEC_JSON:
		return weft__codec_check_str(f, s, false, &w->path, offset_of(w, item->bytes.at), w->in->err);
	case WEFT__CODEC_UUID:
		if (s.len_bytes == 0 || s.len_bytes == sizeof(weft_uuid))
			return 0;
		return weft__codec_fail(w->in->err, &w->path, offset, WEFT_ESCHEMA, "an id has 16 bytes, not %zu", s.len_bytes);
	case WEFT__CODEC_ROLE:
		if (item->varint >= 1 && item->varint <= WEFT__CODEC_ROLES)
			return 0;
		return weft__codec_wrong_type(w->in->err, f, &w->path, offset);
	case WEFT__CODEC_LIST:
		return walk_entry(w, f, item, count);
	case WEFT__CODEC_TIME:
	case WEFT__CODEC_FLAG:
		break;
	}
	return 0;
}

static int walk_struct(struct walk *w, const struct weft__codec_shape *shape, struct span s)
{
	const struct weft__codec_field **where = w->path.entry < 0 ? &w->path.field : &w->path.part;
	const uint8_t *begin = s.at;
	uint32_t counts[WEFT__CODEC_FIELDS_MAX] = { 0 }, unknown = 0, seen = 0;
	struct item item;
	int r = 0;

	while (r == 0 && s.at < s.end) {
		*where = NULL;
		r = next(w, &s, &item);
		if (r < 0)
			return r;
		if (item.number > shape->count) {
			if (++unknown > WEFT__WIRE_UNKNOWN_MAX)
				return weft__codec_fail(w->in->err, &w->path, offset_of(w, item.at), -EMSGSIZE,
				                        "more than %u unknown fields", WEFT__WIRE_UNKNOWN_MAX);
			continue;
		}
		*where = &shape->fields[item.number - 1];
		seen |= 1u << (item.number - 1);
		r = walk_field(w, *where, &item, &counts[item.number - 1]);
	}
	if (r < 0)
		return r;
	*where = NULL;
	if (shape == &weft__codec_message_shape && !(seen & 1)) {
		*where = &shape->fields[0];
		return weft__codec_fail(w->in->err, &w->path, offset_of(w, begin), WEFT_ESCHEMA, "is required");
	}
	return 0;
}

static int walk_message(struct walk *w, const struct item *item)
{
	if (item->type != BYTES)
		return weft__codec_fail(w->in->err, &w->path, offset_of(w, item->at), WEFT_ESCHEMA, "expected a message");
	return walk_struct(w, &weft__codec_message_shape, item->bytes);
}

/* Field 1 of Messages, over and over. */
static int walk_list(struct walk *w, struct span s)
{
	uint32_t unknown = 0, count = 0;
	int r = 0;

	while (r == 0 && s.at < s.end) {
		struct item item;

		w->path = (struct weft__codec_path){ .message = count, .entry = -1 };
		r = next(w, &s, &item);
		if (r < 0)
			return r;
		if (item.number != 1)
			r = ++unknown > WEFT__WIRE_UNKNOWN_MAX ? wrong(w, item.at, "too many unknown fields") : 0;
		else if (count++ == WEFT_CODEC_MESSAGES_MAX)
			r = weft__codec_fail(w->in->err, &w->path, offset_of(w, item.at), -EMSGSIZE, "more than %u messages",
			                     WEFT_CODEC_MESSAGES_MAX);
		else
			r = walk_message(w, &item);
	}
	return r;
}

int weft__wire_check(struct weft__codec_in *in)
{
	struct walk w = { .in = in, .path = { .message = -1, .entry = -1 } };
	const uint8_t *begin = (const uint8_t *)in->bytes.ptr;
	struct span all = { begin, begin + in->bytes.len_bytes };

	return in->is_list ? walk_list(&w, all) : walk_struct(&w, &weft__codec_message_shape, all);
}
