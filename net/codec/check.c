/* SPDX-License-Identifier: Apache-2.0 */
/* net/codec/check.c - what holds for each message in every format, and the sentences that say what does not. */
#include "net/codec/codec.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

#include "net/json/json.h"
#include "runtime/base/assert.h"

/* ---- saying it -------------------------------------------------------------------- */

static size_t path_text(const struct weft__codec_path *p, char *to, size_t size)
{
	char message[24] = "", entry[24] = "";

	if (p->message >= 0)
		snprintf(message, sizeof(message), "[%lld]%s", (long long)p->message, p->field ? "." : "");
	if (p->field && p->entry >= 0)
		snprintf(entry, sizeof(entry), "[%lld]", (long long)p->entry);
	return (size_t)snprintf(to, size, "%s%s%s%s%s", message, p->field ? p->field->name.ptr : "", entry,
	                        p->part ? "." : "", p->part ? p->part->name.ptr : "");
}

__attribute__((cold)) int weft__codec_fail(weft_error *err, const struct weft__codec_path *path, size_t offset, int code,
                                           const char *fmt, ...)
{
	char where[96], what[128], at[40] = "";
	size_t n;
	va_list ap;

	if (!err)
		return code;
	va_start(ap, fmt);
	vsnprintf(what, sizeof(what), fmt, ap);
	va_end(ap);
	n = path_text(path, where, sizeof(where));
	if (offset != WEFT__CODEC_NOWHERE)
		snprintf(at, sizeof(at), ", at byte %zu", offset);
	return weft_error_set(err, code, "%s%s%s%s", where, n ? ": " : "", what, at);
}

int weft__codec_wrong_type(weft_error *err, const struct weft__codec_field *f, const struct weft__codec_path *path,
                           size_t offset)
{
	static const char *const expected[] = {
		[WEFT__CODEC_TEXT] = "text",        [WEFT__CODEC_JSON] = "an object",
		[WEFT__CODEC_UUID] = "an id",       [WEFT__CODEC_TIME] = "a whole number of 64 bits",
		[WEFT__CODEC_ROLE] = "a role",      [WEFT__CODEC_FLAG] = "true or false",
		[WEFT__CODEC_LIST] = "a list",
	};

	return weft__codec_fail(err, path, offset, WEFT_ESCHEMA, "expected %s", expected[f->kind]);
}

/* ---- one text --------------------------------------------------------------------- */

/* Levels of objects and arrays in v, counted up to limit + 1. */
static uint32_t depth_of(weft_json v, uint32_t limit)
{
	weft_json_type type = weft_json_typeof(v);
	weft_json_iter it;
	uint32_t deepest = 0;

	if (type != WEFT_JSON_OBJECT && type != WEFT_JSON_ARRAY)
		return 0;
	for (it = weft_json_iter_begin(v); limit && deepest < limit && weft_json_iter_next(&it);) {
		uint32_t d = depth_of(it.value, limit - 1);

		deepest = d > deepest ? d : deepest;
	}
	return deepest + 1;
}

int weft__codec_check_depth(weft_json v, const struct weft__codec_path *path, size_t offset, weft_error *err)
{
	if (depth_of(v, WEFT_CODEC_METADATA_DEPTH_MAX) <= WEFT_CODEC_METADATA_DEPTH_MAX)
		return 0;
	return weft__codec_fail(err, path, offset, WEFT_ESCHEMA, "nested more than %u deep", WEFT_CODEC_METADATA_DEPTH_MAX);
}

static int check_object(weft_str s, const struct weft__codec_path *path, size_t offset, weft_error *err)
{
	weft_error why = { 0 };
	weft_json_doc *doc;
	int r = weft_json_parse(s, &doc, err ? &why : NULL);

	if (r == WEFT_EPARSE)
		return weft__codec_fail(err, path, offset, r, "not JSON (%.90s)", why.message);
	if (r < 0)
		return weft__codec_fail(err, path, offset, r, "out of memory");
	if (weft_json_typeof(weft_json_root(doc)) != WEFT_JSON_OBJECT)
		r = weft__codec_fail(err, path, offset, WEFT_ESCHEMA, "expected an object");
	else
		r = weft__codec_check_depth(weft_json_root(doc), path, offset, err);
	weft_json_release(doc);
	return r;
}

int weft__codec_check_str(const struct weft__codec_field *f, weft_str s, bool is_utf8,
                          const struct weft__codec_path *path, size_t offset, weft_error *err)
{
	if (s.len_bytes > f->max)
		return weft__codec_fail(err, path, offset, -EMSGSIZE, "%zu bytes, at most %u", s.len_bytes, f->max);
	if (s.len_bytes && !s.ptr)
		return weft__codec_fail(err, path, offset, -EINVAL, "NULL, and its length is %zu", s.len_bytes);
	if (!is_utf8 && !weft__json_is_utf8(s))
		return weft__codec_fail(err, path, offset, -EILSEQ, "not UTF-8");
	return f->kind == WEFT__CODEC_JSON && s.len_bytes ? check_object(s, path, offset, err) : 0;
}

/* ---- a message -------------------------------------------------------------------- */

static int check_struct(const struct weft__codec_shape *shape, const void *from, struct weft__codec_path *path,
                        weft_error *err);

static int check_list(const struct weft__codec_field *f, const void *from, struct weft__codec_path *path,
                      weft_error *err)
{
	uint32_t count = weft__codec_count_of(f, from);
	int r = 0;

	if (count > f->max)
		return weft__codec_fail(err, path, WEFT__CODEC_NOWHERE, -EMSGSIZE, "%u entries, at most %u", count, f->max);
	if (count && !*(const void *const *)weft__codec_at(from, f->offset))
		return weft__codec_fail(err, path, WEFT__CODEC_NOWHERE, -EINVAL, "NULL, and its count is %u", count);
	for (uint32_t i = 0; r == 0 && i < count; i++) {
		path->entry = i;
		r = check_struct(f->items, weft__codec_entry_of(f, from, i), path, err);
	}
	path->entry = -1;
	return r;
}

static int check_field(const struct weft__codec_field *f, const void *from, struct weft__codec_path *path,
                       weft_error *err)
{
	uint32_t role;

	switch (f->kind) {
	case WEFT__CODEC_TEXT:
	case WEFT__CODEC_JSON:
		return weft__codec_check_str(f, weft__codec_str_of(f, from), false, path, WEFT__CODEC_NOWHERE, err);
	case WEFT__CODEC_ROLE:
		role = (uint32_t)weft__codec_role_of(f, from);
		if (role < WEFT__CODEC_ROLES)
			return 0;
		return weft__codec_wrong_type(err, f, path, WEFT__CODEC_NOWHERE);
	case WEFT__CODEC_LIST:
		return check_list(f, from, path, err);
	case WEFT__CODEC_UUID:
	case WEFT__CODEC_TIME:
	case WEFT__CODEC_FLAG:
		break;
	}
	return 0;
}

static int check_struct(const struct weft__codec_shape *shape, const void *from, struct weft__codec_path *path,
                        weft_error *err)
{
	int r = 0;

	for (uint32_t i = 0; r == 0 && i < shape->count; i++) {
		const struct weft__codec_field *f = &shape->fields[i];

		*(path->entry < 0 ? &path->field : &path->part) = f;
		r = check_field(f, from, path, err);
	}
	if (r == 0)
		path->part = NULL;
	return r;
}

int weft__codec_check(const weft_codec_message *message, struct weft__codec_path *path, weft_error *err)
{
	int r = check_struct(&weft__codec_message_shape, message, path, err);

	if (r == 0)
		path->field = NULL;
	return r;
}

int weft_codec_check(const weft_codec_message *message, weft_error *err)
{
	struct weft__codec_path path = { .message = -1, .entry = -1 };

	WEFT_RETURN_IF(!message, weft_error_set(err, -EINVAL, "message: NULL"));
	return weft__codec_check(message, &path, err);
}
