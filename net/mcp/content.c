/* SPDX-License-Identifier: Apache-2.0 */
/* net/mcp/content.c - see content.h. Written twice over: once to measure, once into its place. */
#include "net/mcp/content.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define LEFT_OUT_BYTES 64u /* room for the line that says what is missing */

/* Where text goes: counted always, kept as far as there is room. */
struct sink {
	char *at;
	size_t room, len;
};

static void put(struct sink *out, weft_str text)
{
	size_t n = out->len < out->room ? out->room - out->len : 0;

	if (n > text.len_bytes)
		n = text.len_bytes;
	if (n)
		memcpy(out->at + out->len, text.ptr, n);
	out->len += text.len_bytes;
}

static void put_cstr(struct sink *out, const char *text)
{
	put(out, weft_str_from(text));
}

static weft_str member(weft_json v, weft_str key)
{
	weft_str text = { 0 };

	weft_json_get_str(weft_json_find(v, key), &text);
	return text;
}

/* How many bytes stand behind base64 text. */
static uint64_t decoded_bytes(weft_str base64)
{
	size_t n = base64.len_bytes;

	while (n && base64.ptr[n - 1] == '=')
		n--;
	return (uint64_t)n * 3 / 4;
}

/* [image: image/png, 1234 bytes] */
static void put_binary(struct sink *out, const char *what, weft_str type, weft_str base64)
{
	char size[40];

	snprintf(size, sizeof(size), ", %" PRIu64 " bytes]", decoded_bytes(base64));
	put_cstr(out, "[");
	put_cstr(out, what);
	put_cstr(out, ": ");
	put(out, type.len_bytes ? type : WEFT_STR("unknown type"));
	put_cstr(out, size);
}

static void put_resource(struct sink *out, weft_json resource)
{
	weft_json text = weft_json_find(resource, WEFT_STR("text"));
	weft_str words;

	if (!weft_json_get_str(text, &words)) {
		put_cstr(out, "[resource ");
		put(out, member(resource, WEFT_STR("uri")));
		put_cstr(out, "] ");
		put_binary(out, "data", member(resource, WEFT_STR("mimeType")), member(resource, WEFT_STR("blob")));
		return;
	}
	put_cstr(out, "[resource ");
	put(out, member(resource, WEFT_STR("uri")));
	put_cstr(out, "]\n");
	put(out, words);
}

static void put_link(struct sink *out, weft_json link)
{
	weft_str about = member(link, WEFT_STR("description"));

	put_cstr(out, "[link ");
	put(out, member(link, WEFT_STR("uri")));
	put_cstr(out, "] ");
	put(out, member(link, WEFT_STR("name")));
	if (about.len_bytes) {
		put_cstr(out, ": ");
		put(out, about);
	}
}

static void put_block(struct sink *out, weft_json block)
{
	weft_str type = member(block, WEFT_STR("type"));

	if (weft_str_eq(type, WEFT_STR("text"))) {
		put(out, member(block, WEFT_STR("text")));
	} else if (weft_str_eq(type, WEFT_STR("image")) || weft_str_eq(type, WEFT_STR("audio"))) {
		put_binary(out, type.ptr[0] == 'i' ? "image" : "audio", member(block, WEFT_STR("mimeType")),
		           member(block, WEFT_STR("data")));
	} else if (weft_str_eq(type, WEFT_STR("resource"))) {
		put_resource(out, weft_json_find(block, WEFT_STR("resource")));
	} else if (weft_str_eq(type, WEFT_STR("resource_link"))) {
		put_link(out, block);
	} else {
		put_cstr(out, "[");
		put(out, type.len_bytes ? type : WEFT_STR("something without a type"));
		put_cstr(out, "]");
	}
}

static bool has_text(weft_json content)
{
	weft_json_iter it;

	for (it = weft_json_iter_begin(content); weft_json_iter_next(&it);) {
		if (weft_str_eq(member(it.value, WEFT_STR("type")), WEFT_STR("text")))
			return true;
	}
	return false;
}

/* structured: structuredContent as JSON, or empty. */
static void put_all(struct sink *out, weft_json content, weft_str structured)
{
	weft_json_iter it;
	bool first = true;

	for (it = weft_json_iter_begin(content); weft_json_iter_next(&it); first = false) {
		if (!first)
			put_cstr(out, "\n");
		put_block(out, it.value);
	}
	if (structured.len_bytes) {
		if (!first)
			put_cstr(out, "\n");
		put(out, structured);
	}
}

/* Not in the middle of a character. */
static size_t cut(const char *text, size_t len)
{
	while (len && ((uint8_t)text[len] & 0xc0) == 0x80)
		len--;
	return len;
}

static int write_text(weft_json content, weft_str structured, size_t bytes_max, weft_arena *arena, weft_str *ret_text)
{
	struct sink all = { 0 }, kept;
	size_t room;

	put_all(&all, content, structured);
	room = all.len < bytes_max ? all.len : bytes_max;
	kept = (struct sink){ .at = weft_arena_alloc(arena, room + LEFT_OUT_BYTES), .room = room + 1 };
	if (!kept.at)
		return -ENOMEM;
	put_all(&kept, content, structured);
	if (all.len > room) {
		room = cut(kept.at, room);
		room += (size_t)snprintf(kept.at + room, LEFT_OUT_BYTES, "\n[%zu more bytes left out]", all.len - room);
	}
	kept.at[room] = '\0';
	*ret_text = (weft_str){ kept.at, room };
	return 0;
}

int weft__mcp_content_text(weft_json result, size_t bytes_max, weft_arena *arena, weft_str *ret_text, bool *ret_failed)
{
	weft_json content = weft_json_find(result, WEFT_STR("content"));
	weft_json structured = weft_json_find(result, WEFT_STR("structuredContent"));
	weft_json_writer *w = NULL;
	weft_str json = { 0 };
	bool failed = false;
	int r = 0;

	if (weft_json_typeof(content) != WEFT_JSON_ARRAY && weft_json_typeof(structured) != WEFT_JSON_OBJECT)
		return -EBADMSG;
	if (weft_json_typeof(structured) == WEFT_JSON_OBJECT && !has_text(content)) {
		r = weft_json_writer_create(0, &w);
		if (r == 0) {
			weft_json_put_value(w, structured);
			r = weft_json_writer_text(w, &json);
		}
	}
	if (r == 0)
		r = write_text(content, json, bytes_max, arena, ret_text);
	weft_json_writer_destroy(w);
	if (r == 0) {
		weft_json_get_bool(weft_json_find(result, WEFT_STR("isError")), &failed);
		*ret_failed = failed;
	}
	return r;
}
