/* SPDX-License-Identifier: Apache-2.0 */
/*
 * actors/character.c - who an agent is, from a JSON file.
 *
 * The character keeps its document: every string is a view into it. A field
 * that is unknown or has the wrong shape is an error that names file, line and
 * field, because a misspelt "styel" that is silently ignored costs hours.
 */
#include <weft/plugin.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

struct character {
	weft_character pub; /* first: what the caller holds */
	weft_json_doc *doc; /* owned; every string points into it */
	weft_arena *arena;  /* owned; the lists */
};

/* What the small functions below need to read a field and to complain about it. */
struct reader {
	struct character *c;
	const char *name; /* of the file */
	weft_error *err;
};

/* Write "FILE:LINE: field "style.al": what". The pointer is "/style/al", the field as people write it "style.al". */
static int complain(const struct reader *rd, const char *pointer, const char *what)
{
	uint32_t line = 0, column = 0;
	char field[128];
	size_t n = 0;
	int r;

	(void)weft_json_locate(weft_json_text(rd->c->doc), weft_str_from(pointer), &line, &column);
	for (const char *p = pointer[0] == '/' ? pointer + 1 : pointer; *p && n + 1 < sizeof(field); p++)
		field[n++] = *p == '/' ? '.' : *p;
	field[n] = '\0';
	r = weft_error_set(rd->err, WEFT_ECONFIG, "%s:%u: field \"%s\": %s", rd->name, line, field, what);
	if (rd->err) {
		rd->err->line = line;
		rd->err->column = column;
	}
	return r;
}

/* Append a key to a JSON pointer; ~ and / are escaped as RFC 6901 says. Too long a key is cut: it only makes a message. */
static void pointer_join(char *out, size_t cap, const char *base, weft_str key)
{
	size_t n = strlen(base);

	if (n >= cap - 1)
		n = cap - 2;
	memcpy(out, base, n);
	out[n++] = '/';
	for (size_t i = 0; i < key.len_bytes && n + 3 < cap; i++) {
		char ch = key.ptr[i];

		if (ch == '~' || ch == '/') {
			out[n++] = '~';
			out[n++] = ch == '~' ? '0' : '1';
		} else {
			out[n++] = ch;
		}
	}
	out[n] = '\0';
}

static int read_str(const struct reader *rd, const char *pointer, weft_json v, weft_str *ret)
{
	if (!weft_json_get_str(v, ret))
		return complain(rd, pointer, "must be a string");
	return 0;
}

static int read_list(const struct reader *rd, const char *pointer, weft_json v, const weft_str **ret_list,
                     uint32_t *ret_count)
{
	size_t count = weft_json_count(v), i = 0;
	char at[160];
	weft_str *list;

	if (weft_json_typeof(v) != WEFT_JSON_ARRAY)
		return complain(rd, pointer, "must be an array of strings");
	list = weft_arena_calloc(rd->c->arena, (count + 1) * sizeof(*list));
	if (!list)
		return -ENOMEM;
	for (weft_json_iter it = weft_json_iter_begin(v); weft_json_iter_next(&it); i++) {
		if (weft_json_get_str(it.value, &list[i]))
			continue;
		snprintf(at, sizeof(at), "%s/%zu", pointer, i);
		return complain(rd, at, "must be a string");
	}
	*ret_list = list;
	*ret_count = (uint32_t)count;
	return 0;
}

/* "bio" may be one string: a list of one. */
static int read_bio(const struct reader *rd, weft_json v)
{
	weft_character *c = &rd->c->pub;
	weft_str *one;

	if (weft_json_typeof(v) == WEFT_JSON_ARRAY)
		return read_list(rd, "/bio", v, &c->bio, &c->bio_count);
	if (weft_json_typeof(v) != WEFT_JSON_STRING)
		return complain(rd, "/bio", "must be a string or an array of strings");
	one = weft_arena_alloc(rd->c->arena, sizeof(*one));
	if (!one)
		return -ENOMEM;
	(void)weft_json_get_str(v, one);
	c->bio = one;
	c->bio_count = 1;
	return 0;
}

static int read_style(const struct reader *rd, weft_json v)
{
	weft_character *c = &rd->c->pub;
	char at[160];
	int r = 0;

	if (weft_json_typeof(v) != WEFT_JSON_OBJECT)
		return complain(rd, "/style", "must be an object with \"all\", \"chat\", \"post\"");
	for (weft_json_iter it = weft_json_iter_begin(v); r == 0 && weft_json_iter_next(&it);) {
		pointer_join(at, sizeof(at), "/style", it.key);
		if (weft_str_eq(it.key, WEFT_STR("all")))
			r = read_list(rd, at, it.value, &c->style_all, &c->style_all_count);
		else if (weft_str_eq(it.key, WEFT_STR("chat")))
			r = read_list(rd, at, it.value, &c->style_chat, &c->style_chat_count);
		else if (weft_str_eq(it.key, WEFT_STR("post")))
			r = read_list(rd, at, it.value, &c->style_post, &c->style_post_count);
		else
			r = complain(rd, at, "unknown field");
	}
	return r;
}

static int read_settings(const struct reader *rd, weft_json v)
{
	char at[160];

	if (weft_json_typeof(v) != WEFT_JSON_OBJECT)
		return complain(rd, "/settings", "must be an object of strings, numbers and bools");
	for (weft_json_iter it = weft_json_iter_begin(v); weft_json_iter_next(&it);) {
		switch (weft_json_typeof(it.value)) {
		case WEFT_JSON_STRING:
		case WEFT_JSON_INT:
		case WEFT_JSON_DOUBLE:
		case WEFT_JSON_BOOL:
			continue;
		default:
			pointer_join(at, sizeof(at), "/settings", it.key);
			return complain(rd, at, "must be a string, a number or a bool");
		}
	}
	rd->c->pub.settings = v;
	return 0;
}

static int read_field(const struct reader *rd, weft_str key, weft_json v)
{
	weft_character *c = &rd->c->pub;
	char at[160];

	if (weft_str_eq(key, WEFT_STR("name")))
		return read_str(rd, "/name", v, &c->name);
	if (weft_str_eq(key, WEFT_STR("system")))
		return read_str(rd, "/system", v, &c->system);
	if (weft_str_eq(key, WEFT_STR("bio")))
		return read_bio(rd, v);
	if (weft_str_eq(key, WEFT_STR("topics")))
		return read_list(rd, "/topics", v, &c->topics, &c->topic_count);
	if (weft_str_eq(key, WEFT_STR("style")))
		return read_style(rd, v);
	if (weft_str_eq(key, WEFT_STR("settings")))
		return read_settings(rd, v);
	if (weft_str_eq(key, WEFT_STR("plugins")))
		return read_list(rd, "/plugins", v, &c->plugins, &c->plugin_count);
	pointer_join(at, sizeof(at), "", key);
	return complain(rd, at, "unknown field");
}

static int read_root(const struct reader *rd)
{
	weft_json root = weft_json_root(rd->c->doc);
	int r;

	if (weft_json_typeof(root) != WEFT_JSON_OBJECT)
		return weft_error_set(rd->err, WEFT_ECONFIG, "%s:1: a character must be a JSON object",
		                      rd->name);
	for (weft_json_iter it = weft_json_iter_begin(root); weft_json_iter_next(&it);) {
		r = read_field(rd, it.key, it.value);
		if (r < 0)
			return r;
	}
	if (weft_json_typeof(weft_json_find(root, WEFT_STR("name"))) == WEFT_JSON_NONE)
		return weft_error_set(rd->err, WEFT_ECONFIG, "%s:1: field \"name\": missing", rd->name);
	if (rd->c->pub.name.len_bytes == 0)
		return complain(rd, "/name", "must not be empty");
	return 0;
}

/* Takes the document, also on failure. */
static int character_from(weft_json_doc *doc, const char *name, const weft_character **ret_character,
                          weft_error *err)
{
	struct character *c = weft_calloc(1, sizeof(*c));
	struct reader rd = {.c = c, .name = name, .err = err};
	int r = -ENOMEM;

	if (!c) {
		weft_json_release(doc);
		return weft_error_set(err, -ENOMEM, "%s: out of memory", name);
	}
	c->doc = doc;
	r = weft_arena_create(1024, &c->arena);
	if (r == 0)
		r = read_root(&rd);
	if (r == -ENOMEM)
		(void)weft_error_set(err, r, "%s: out of memory", name);
	if (r < 0)
		weft_character_destroy(&c->pub);
	else
		*ret_character = &c->pub;
	return r;
}

int weft_character_load(const char *path, const weft_character **ret_character, weft_error *err)
{
	weft_json_doc *doc = NULL;
	int r;

	if (!path || !ret_character)
		return weft_error_set(err, -EINVAL, "character: path and result must be given");
	r = weft_json_parse_file(path, &doc, err);
	if (r < 0)
		return r;
	return character_from(doc, path, ret_character, err);
}

int weft_character_parse(weft_str json, const char *name, const weft_character **ret_character,
                         weft_error *err)
{
	weft_json_doc *doc = NULL;
	weft_error why = {0};
	int r;

	if (!ret_character)
		return weft_error_set(err, -EINVAL, "character: result must be given");
	name = name ? name : "character";
	r = weft_json_parse(json, &doc, &why);
	if (r < 0) {
		(void)weft_error_set(err, r, "%s:%u: %.200s", name, why.line, why.message);
		if (err) {
			err->line = why.line;
			err->column = why.column;
		}
		return r;
	}
	return character_from(doc, name, ret_character, err);
}

void weft_character_destroy(const weft_character *character)
{
	struct character *c = (struct character *)(uintptr_t)character;

	if (!c)
		return;
	weft_json_release(c->doc);
	weft_arena_destroy(c->arena);
	weft_free(c);
}
