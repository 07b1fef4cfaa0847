/* SPDX-License-Identifier: Apache-2.0 */
/*
 * net/codec/json.c - messages as JSON objects.
 *
 * Reading walks the tape of the parsed document and its text side by side: the text gives metadata back as it was spelled,
 * and says where a wrong value stands.
 */
#include "net/codec/codec.h"

#include <errno.h>

#include "net/json/json.h"

/* ---- encoding --------------------------------------------------------------------- */

static void write_struct(weft_json_writer *w, const struct weft__codec_shape *shape, const void *from);

static void write_list(weft_json_writer *w, const struct weft__codec_field *f, const void *from)
{
	uint32_t count = weft__codec_count_of(f, from);

	weft_json_begin_array(w);
	for (uint32_t i = 0; i < count; i++)
		write_struct(w, f->items, weft__codec_entry_of(f, from, i));
	weft_json_end_array(w);
}

static void write_value(weft_json_writer *w, const struct weft__codec_field *f, const void *from)
{
	char id[WEFT_UUID_TEXT_LEN];

	switch (f->kind) {
	case WEFT__CODEC_TEXT:
		weft_json_put_str(w, weft__codec_str_of(f, from));
		break;
	case WEFT__CODEC_JSON:
		weft_json_put_raw(w, weft__codec_str_of(f, from));
		break;
	case WEFT__CODEC_UUID:
		weft_uuid_format(weft__codec_uuid_of(f, from), id);
		weft_json_put_str(w, (weft_str){ id, sizeof(id) });
		break;
	case WEFT__CODEC_TIME:
		weft_json_put_int(w, weft__codec_time_of(f, from));
		break;
	case WEFT__CODEC_ROLE:
		weft_json_put_str(w, weft__codec_role_name(weft__codec_role_of(f, from)));
		break;
	case WEFT__CODEC_FLAG:
		weft_json_put_bool(w, true); /* false is left out */
		break;
	case WEFT__CODEC_LIST:
		write_list(w, f, from);
		break;
	}
}

static void write_struct(weft_json_writer *w, const struct weft__codec_shape *shape, const void *from)
{
	weft_json_begin_object(w);
	for (uint32_t i = 0; i < shape->count; i++) {
		const struct weft__codec_field *f = &shape->fields[i];

		if (weft__codec_is_default(f, from))
			continue;
		weft_json_key(w, f->name);
		write_value(w, f, from);
	}
	weft_json_end_object(w);
}

static int encode(const struct weft__codec_out *out)
{
	weft_json_writer *w;
	weft_str text;
	int r = weft_json_writer_create(0, &w);

	if (r < 0)
		return r;
	if (out->is_list)
		weft_json_begin_array(w);
	for (uint32_t i = 0; i < out->count; i++)
		write_struct(w, &weft__codec_message_shape, &out->messages[i]);
	if (out->is_list)
		weft_json_end_array(w);
	r = weft_json_writer_text(w, &text);
	if (r == 0)
		r = weft_buffer_put(out->to, text);
	weft_json_writer_destroy(w);
	return r;
}

/* ---- decoding --------------------------------------------------------------------- */

/* Each read_ begins with the cursor at its value, and leaves it behind. */
struct reader {
	struct weft__codec_in *in;
	const char *begin; /* of the document's text */
	const char *at;    /* the cursor */
	struct weft__codec_path path;
};

static size_t offset_of(const struct reader *rd, const char *at)
{
	return (size_t)(at - rd->begin);
}

/* Over the white space and the comma or colon that stand before a key or a value. */
static void to_next(struct reader *rd)
{
	rd->at = weft__json_skip_space(rd->at);
	if (*rd->at == ',' || *rd->at == ':')
		rd->at = weft__json_skip_space(rd->at + 1);
}

/* The next member of an object, or entry of an array; the cursor is at its value then. */
static bool next(struct reader *rd, weft_json_iter *it, bool keys)
{
	if (!weft_json_iter_next(it)) {
		rd->at = weft__json_skip_space(rd->at) + 1; /* behind the bracket */
		return false;
	}
	to_next(rd);
	if (keys) {
		rd->at = weft__json_skip_string(rd->at, it->key.len_bytes);
		to_next(rd);
	}
	return true;
}

static int read_struct(struct reader *rd, const struct weft__codec_shape *shape, weft_json v, void *to);

static int read_list(struct reader *rd, const struct weft__codec_field *f, weft_json v, void *to)
{
	weft_json_iter it = weft_json_iter_begin(v);
	char *entry;
	void *entries;
	int r;

	if (weft_json_typeof(v) != WEFT_JSON_ARRAY)
		return weft__codec_wrong_type(rd->in->err, f, &rd->path, offset_of(rd, rd->at));
	r = weft__codec_put_list(rd->in, f, to, weft_json_count(v), &rd->path, offset_of(rd, rd->at), &entries);
	rd->at++;
	rd->path.entry = 0;
	for (entry = entries; r == 0 && next(rd, &it, false); entry += f->items->size) {
		r = read_struct(rd, f->items, it.value, entry);
		rd->path.entry += r == 0;
	}
	if (r == 0)
		rd->path.entry = -1;
	return r;
}

/* It has been parsed: of what check.c asks only its depth and size are left. */
static int read_object(struct reader *rd, const struct weft__codec_field *f, weft_json v, void *to)
{
	struct weft__codec_in *in = rd->in;
	size_t offset = offset_of(rd, rd->at);
	weft_str raw = { rd->at, 0 };
	int r;

	if (weft_json_typeof(v) != WEFT_JSON_OBJECT)
		return weft__codec_wrong_type(in->err, f, &rd->path, offset);
	rd->at = weft__json_skip_value(rd->at);
	raw.len_bytes = (size_t)(rd->at - raw.ptr);
	if (raw.len_bytes > f->max)
		return weft__codec_fail(in->err, &rd->path, offset, -EMSGSIZE, "%zu bytes, at most %u", raw.len_bytes, f->max);
	r = weft__codec_check_depth(v, &rd->path, offset, in->err);
	if (r < 0)
		return r;
	raw = weft_arena_dup(in->arena, raw);
	*(weft_str *)(void *)((char *)to + f->offset) = raw;
	return raw.ptr ? 0 : -ENOMEM;
}

static int read_text(struct reader *rd, const struct weft__codec_field *f, weft_str s, void *to)
{
	size_t offset = offset_of(rd, rd->at);

	rd->at = weft__json_skip_string(rd->at, s.len_bytes);
	return weft__codec_put_str(rd->in, f, to, s, false, &rd->path, offset);
}

static int read_value(struct reader *rd, const struct weft__codec_field *f, weft_json v, void *to)
{
	void *place = (char *)to + f->offset;
	weft_str s;

	if (f->kind == WEFT__CODEC_LIST)
		return read_list(rd, f, v, to);
	if (f->kind == WEFT__CODEC_JSON)
		return read_object(rd, f, v, to);
	if (weft_json_get_str(v, &s))
		return read_text(rd, f, s, to);
	if (!(f->kind == WEFT__CODEC_TIME && weft_json_get_int(v, place)) &&
	    !(f->kind == WEFT__CODEC_FLAG && weft_json_get_bool(v, place)))
		return weft__codec_wrong_type(rd->in->err, f, &rd->path, offset_of(rd, rd->at));
	rd->at = weft__json_skip_value(rd->at);
	return 0;
}

static int read_member(struct reader *rd, const struct weft__codec_shape *shape, const weft_json_iter *it, void *to,
                       uint32_t *hint, uint32_t *seen)
{
	const struct weft__codec_field *f = weft__codec_field_find(shape, it->key, hint);
	uint32_t bit = f ? 1u << (f - shape->fields) : 0;

	if (!f || weft_json_typeof(it->value) == WEFT_JSON_NULL) {
		rd->at = weft__json_skip_value(rd->at);
		return 0;
	}
	*(rd->path.entry < 0 ? &rd->path.field : &rd->path.part) = f;
	if (*seen & bit)
		return weft__codec_fail(rd->in->err, &rd->path, offset_of(rd, rd->at), WEFT_ESCHEMA, "given twice");
	*seen |= bit;
	return read_value(rd, f, it->value, to);
}

static int read_struct(struct reader *rd, const struct weft__codec_shape *shape, weft_json v, void *to)
{
	weft_json_iter it = weft_json_iter_begin(v);
	const char *begin = rd->at++;
	uint32_t hint = 0, seen = 0;
	int r = 0;

	if (weft_json_typeof(v) != WEFT_JSON_OBJECT)
		return weft__codec_fail(rd->in->err, &rd->path, offset_of(rd, begin), WEFT_ESCHEMA, "expected an object");
	while (r == 0 && next(rd, &it, true))
		r = read_member(rd, shape, &it, to, &hint, &seen);
	if (r < 0)
		return r;
	rd->path.part = NULL;
	if (shape == &weft__codec_message_shape && !(seen & 1)) {
		rd->path.field = &shape->fields[0];
		return weft__codec_fail(rd->in->err, &rd->path, offset_of(rd, begin), WEFT_ESCHEMA, "is required");
	}
	return 0;
}

static int read_message(struct reader *rd, weft_json v, weft_codec_message *to)
{
	rd->path.field = NULL;
	rd->path.part = NULL;
	rd->path.entry = -1;
	return read_struct(rd, &weft__codec_message_shape, v, to);
}

static int read_messages(struct reader *rd, weft_json v)
{
	weft_json_iter it = weft_json_iter_begin(v);
	int r;

	if (weft_json_typeof(v) != WEFT_JSON_ARRAY)
		return weft__codec_fail(rd->in->err, &rd->path, offset_of(rd, rd->at), WEFT_ESCHEMA, "expected a list of messages");
	r = weft__codec_in_begin(rd->in, weft_json_count(v), offset_of(rd, rd->at));
	rd->at++;
	for (rd->path.message = 0; r == 0 && next(rd, &it, false); rd->path.message++)
		r = read_message(rd, it.value, &rd->in->messages[rd->path.message]);
	return r;
}

static int decode(struct weft__codec_in *in)
{
	struct reader rd = { .in = in, .path = { .message = -1, .entry = -1 } };
	weft_json_doc *doc;
	int r = weft_json_parse(in->bytes, &doc, in->err);

	if (r < 0)
		return r;
	in->is_utf8 = true; /* the parser's work */
	rd.begin = weft_json_text(doc).ptr;
	rd.at = weft__json_skip_space(rd.begin);
	if (in->is_list)
		r = read_messages(&rd, weft_json_root(doc));
	else if ((r = weft__codec_in_begin(in, 1, 0)) == 0)
		r = read_message(&rd, weft_json_root(doc), in->messages);
	weft_json_release(doc);
	return r;
}

const struct weft__codec_ops weft__codec_json = { encode, decode };
