/* SPDX-License-Identifier: Apache-2.0 */
/* net/markup/answer.c - see answer.h. A cursor over the text, no tree. */
#include "net/markup/answer.h"

#include <errno.h>
#include <string.h>

#include <weft/json.h>

#define FIELDS_FIRST 8u
#define JSON_TRIES 8u

struct cursor {
	const char *at, *end;
};

/* An empty text may be NULL, which nothing may be added to. */
static struct cursor cursor_over(weft_str text)
{
	const char *at = text.len_bytes ? text.ptr : "";

	return (struct cursor){ at, at + text.len_bytes };
}

/* ---- letters ------------------------------------------------------------------- */

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static char lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
}

static bool is_name_start(char c)
{
	return (lower(c) >= 'a' && lower(c) <= 'z') || c == '_';
}

static bool is_name(char c)
{
	return is_name_start(c) || (c >= '0' && c <= '9') || c == '-' || c == '.' || c == ':';
}

static weft_str span(const char *from, const char *to)
{
	return (weft_str){ from, (size_t)(to - from) };
}

static weft_str trim(weft_str s)
{
	while (s.len_bytes && is_space(s.ptr[0])) {
		s.ptr++;
		s.len_bytes--;
	}
	while (s.len_bytes && is_space(s.ptr[s.len_bytes - 1]))
		s.len_bytes--;
	return s;
}

static bool starts(const char *at, const char *end, const char *with)
{
	size_t n = strlen(with);

	return (size_t)(end - at) >= n && memcmp(at, with, n) == 0;
}

static const char *find(const char *at, const char *end, const char *what)
{
	return memmem(at, (size_t)(end - at), what, strlen(what));
}

/* ---- thinking -------------------------------------------------------------------- */

weft_str weft__strip_think(weft_str text, weft_arena *arena)
{
	const char *end = text.ptr + text.len_bytes;
	const char *open = text.len_bytes ? find(text.ptr, end, "<think>") : NULL;
	const char *from = text.ptr;
	char *out, *to;

	if (!open)
		return text;
	out = to = weft_arena_alloc(arena, text.len_bytes + 1);
	if (!out)
		return (weft_str){ 0 };
	while (open) {
		const char *close = find(open, end, "</think>");

		memcpy(to, from, (size_t)(open - from));
		to += open - from;
		from = close ? close + 8 : end;
		open = close ? find(from, end, "<think>") : NULL;
	}
	memcpy(to, from, (size_t)(end - from));
	to += end - from;
	*to = '\0';
	return span(out, to);
}

/* ---- elements ---------------------------------------------------------------------- */

struct tag {
	weft_str name;
	bool closing, empty; /* </x>, <x/> */
};

/* A tag at c->at ('<'). True: c->at is behind it. False: no tag; c->at stays. */
static bool tag_read(struct cursor *c, struct tag *ret)
{
	const char *p = c->at + 1, *name;
	char quote = 0;

	if (c->at >= c->end || *c->at != '<')
		return false;
	ret->closing = p < c->end && *p == '/';
	p += ret->closing;
	name = p;
	if (p >= c->end || !is_name_start(*p))
		return false;
	while (p < c->end && is_name(*p))
		p++;
	ret->name = span(name, p);
	if (p < c->end && *p != '>' && *p != '/' && !is_space(*p))
		return false;
	for (; p < c->end && (quote || *p != '>'); p++) { /* attributes are passed over */
		if (quote)
			quote = *p == quote ? 0 : quote;
		else if (*p == '"' || *p == '\'')
			quote = *p;
		else if (*p == '<')
			return false;
	}
	if (p >= c->end)
		return false;
	ret->empty = !ret->closing && p[-1] == '/';
	c->at = p + 1;
	return true;
}

static bool skip_cdata(struct cursor *c)
{
	const char *close;

	if (!starts(c->at, c->end, "<![CDATA["))
		return false;
	close = find(c->at + 9, c->end, "]]>");
	c->at = close ? close + 3 : c->end;
	return true;
}

/*
 * The end of the element named name whose opening tag was just read. Only tags of
 * the same name nest: a stray '<' or an unclosed <br> inside is text. c->at ends behind
 * the closing tag. False: never closed; c->at is at the end.
 */
static bool element_end(struct cursor *c, weft_str name, const char **ret_end)
{
	uint32_t depth = 1;

	while (c->at < c->end) {
		const char *lt = memchr(c->at, '<', (size_t)(c->end - c->at));
		struct tag tag;

		if (!lt)
			break;
		c->at = lt;
		if (skip_cdata(c))
			continue;
		if (!tag_read(c, &tag)) {
			c->at = lt + 1;
			continue;
		}
		if (tag.empty || !weft_str_eq(tag.name, name))
			continue;
		depth += tag.closing ? -1u : 1u;
		if (!depth) {
			*ret_end = lt;
			return true;
		}
	}
	c->at = c->end;
	return false;
}

/* ---- text ----------------------------------------------------------------------------- */

static size_t entity(const char *at, const char *end, char *ret)
{
	static const struct {
		const char *text;
		char c;
	} all[] = { { "&lt;", '<' }, { "&gt;", '>' }, { "&amp;", '&' }, { "&quot;", '"' }, { "&apos;", '\'' } };

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		if (starts(at, end, all[i].text)) {
			*ret = all[i].c;
			return strlen(all[i].text);
		}
	}
	return 0;
}

/* Trimmed, entities decoded, CDATA unwrapped. Into the input when there is nothing to decode. */
static int text_decode(weft_str raw, weft_arena *arena, weft_str *ret)
{
	weft_str s = trim(raw);
	const char *at = s.ptr, *end = s.ptr + s.len_bytes;
	char *out, *to;

	if (!s.len_bytes || (!memchr(s.ptr, '&', s.len_bytes) && !find(s.ptr, end, "<![CDATA["))) {
		*ret = s;
		return 0;
	}
	out = to = weft_arena_alloc(arena, s.len_bytes + 1);
	if (!out)
		return -ENOMEM;
	while (at < end) {
		size_t n;

		if (*at == '<' && starts(at, end, "<![CDATA[")) {
			const char *close = find(at + 9, end, "]]>");
			const char *stop = close ? close : end;

			memcpy(to, at + 9, (size_t)(stop - at - 9));
			to += stop - at - 9;
			at = close ? close + 3 : end;
		} else if (*at == '&' && (n = entity(at, end, to))) {
			to++;
			at += n;
		} else {
			*to++ = *at++;
		}
	}
	*to = '\0';
	*ret = span(out, to);
	return 0;
}

/* ---- fields ---------------------------------------------------------------------------- */

/* Beyond WEFT__ANSWER_FIELDS_MAX they are dropped. */
static int field_add(struct weft__answer *a, weft_arena *arena, weft_str name, weft_str text)
{
	bool full = a->count < FIELDS_FIRST ? a->count == 0 : (a->count & (a->count - 1)) == 0;

	if (a->count == WEFT__ANSWER_FIELDS_MAX)
		return 0;
	if (full) { /* at 0, 8, 16, 32: as much again, the old ones stay in the arena */
		uint32_t cap = a->count ? a->count * 2 : FIELDS_FIRST;
		struct weft__answer_field *more = weft_arena_alloc(arena, cap * sizeof(*more));

		if (!more)
			return -ENOMEM;
		if (a->count)
			memcpy(more, a->fields, a->count * sizeof(*more));
		a->fields = more;
	}
	a->fields[a->count++] = (struct weft__answer_field){ .name = name, .text = text };
	return 0;
}

/* Each direct child of the element's inside. A child that is never closed runs to the end. */
static int fields_read(struct cursor inside, weft_arena *arena, struct weft__answer *a)
{
	while (inside.at < inside.end && a->count < WEFT__ANSWER_FIELDS_MAX) {
		const char *lt = memchr(inside.at, '<', (size_t)(inside.end - inside.at));
		const char *begin, *end;
		struct tag tag;
		weft_str text = { 0 };
		int r;

		if (!lt)
			break;
		inside.at = lt;
		if (skip_cdata(&inside))
			continue;
		if (!tag_read(&inside, &tag) || tag.closing) {
			inside.at = lt + 1;
			continue;
		}
		if (!tag.empty) {
			begin = inside.at;
			end = inside.end;
			element_end(&inside, tag.name, &end);
			r = text_decode(span(begin, end), arena, &text);
			if (r < 0)
				return r;
		}
		r = field_add(a, arena, tag.name, text);
		if (r < 0)
			return r;
	}
	return 0;
}

/* <response>, closed or not. */
static bool response_find(struct cursor *c, struct cursor *ret_inside)
{
	const char *response = find(c->at, c->end, "<response");
	struct cursor r = { response, c->end };
	const char *close;
	struct tag tag;

	if (!response || !tag_read(&r, &tag) || tag.empty || !weft_str_eq(tag.name, WEFT_STR("response")))
		return false;
	*ret_inside = r;
	if (element_end(&r, tag.name, &close))
		ret_inside->end = close;
	c->at = r.at;
	return true;
}

/* The first element that has an end. Looking for ends that are not there costs at most four times the text. */
static bool element_find(struct cursor *c, struct cursor *ret_inside)
{
	size_t budget = (size_t)(c->end - c->at) * 4 + 65536;

	while (c->at < c->end) {
		const char *lt = memchr(c->at, '<', (size_t)(c->end - c->at));
		struct cursor e = { lt, c->end };
		size_t cost;
		struct tag tag;

		if (!lt)
			return false;
		c->at = lt + 1;
		if (!tag_read(&e, &tag) || tag.closing || tag.empty)
			continue;
		ret_inside->at = e.at;
		cost = (size_t)(e.end - e.at);
		if (element_end(&e, tag.name, &ret_inside->end)) {
			c->at = e.at;
			return true;
		}
		if (cost > budget)
			return false;
		budget -= cost;
	}
	return false;
}

/* ---- JSON ------------------------------------------------------------------------------- */

/* The end of the object that begins at at, by counting braces outside of strings. */
static const char *object_end(const char *at, const char *end)
{
	uint32_t depth = 0;
	bool string = false;

	for (; at < end; at++) {
		if (string) {
			if (*at == '\\')
				at++;
			else if (*at == '"')
				string = false;
		} else if (*at == '"') {
			string = true;
		} else if (*at == '{') {
			depth++;
		} else if (*at == '}' && --depth == 0) {
			return at + 1;
		}
	}
	return NULL;
}

static weft_str json_text(weft_json v, weft_arena *arena)
{
	weft_json_writer *w;
	weft_str text = { 0 };

	if (weft_json_get_str(v, &text))
		return weft_arena_dup(arena, trim(text));
	if (weft_json_typeof(v) == WEFT_JSON_NULL || weft_json_writer_create(0, &w) < 0)
		return text;
	weft_json_put_value(w, v);
	if (weft_json_writer_text(w, &text) == 0)
		text = weft_arena_dup(arena, text);
	weft_json_writer_destroy(w);
	return text;
}

/* 0, WEFT_EPARSE: no object here, or -ENOMEM. */
static int object_read(weft_str object, weft_arena *arena, struct weft__answer *a, weft_error *err)
{
	weft_json_doc *doc;
	weft_json_iter it;
	int r = weft_json_parse(object, &doc, err);

	if (r < 0)
		return r;
	for (it = weft_json_iter_begin(weft_json_root(doc)); r == 0 && weft_json_iter_next(&it);) {
		weft_str name = weft_arena_dup(arena, it.key);

		r = name.ptr ? field_add(a, arena, name, json_text(it.value, arena)) : -ENOMEM;
	}
	weft_json_release(doc);
	return r;
}

/* The first object with members. Braces in prose are no objects: a few are tried. */
static int json_read(weft_str text, weft_arena *arena, struct weft__answer *a, weft_error *err)
{
	const char *at = text.ptr, *end = text.ptr + text.len_bytes;
	int r = weft_error_set(err, WEFT_EPARSE, "the answer holds neither an element nor a JSON object");

	for (uint32_t tries = 0; tries < JSON_TRIES && at < end; tries++) {
		const char *open = memchr(at, '{', (size_t)(end - at));
		const char *close = open ? object_end(open, end) : NULL;

		if (!close)
			return r;
		r = object_read(span(open, close), arena, a, err);
		if (r == -ENOMEM)
			return r;
		if (r == 0 && a->count) {
			a->rest = trim(span(close, end));
			return 0;
		}
		at = open + 1;
	}
	return r;
}

/* ---- the whole -------------------------------------------------------------------------- */

static int element_read(struct cursor behind, struct cursor inside, weft_arena *arena, struct weft__answer *a)
{
	int r = fields_read(inside, arena, a);

	a->rest = trim(span(behind.at, behind.end));
	return r;
}

/* An object that begins before any tag does may hold markup in its strings. */
static bool json_first(weft_str text)
{
	const char *brace = memchr(text.ptr, '{', text.len_bytes);

	return brace && !memchr(text.ptr, '<', (size_t)(brace - text.ptr));
}

int weft__answer_parse(weft_str text, weft_arena *arena, struct weft__answer *ret, weft_error *err)
{
	weft_str said = trim(weft__strip_think(text, arena));
	struct weft__answer a = { 0 };
	struct cursor c = cursor_over(said), inside = { 0 };
	bool first;
	int r = 0;

	if (!said.len_bytes)
		return said.ptr || !text.len_bytes ? weft_error_set(err, WEFT_EPARSE, "the answer is empty") :
		                                     weft_error_set(err, -ENOMEM, "out of memory");
	if (response_find(&c, &inside)) {
		first = false;
		r = element_read(c, inside, arena, &a);
	} else {
		first = json_first(said);
		if (first)
			r = json_read(said, arena, &a, err);
		if (r != -ENOMEM && !a.count && element_find(&c, &inside))
			r = element_read(c, inside, arena, &a);
	}
	if (r != -ENOMEM && !a.count && !first)
		r = json_read(said, arena, &a, err);
	if (r == 0 && !a.count)
		r = weft_error_set(err, WEFT_EPARSE, "the answer has no fields");
	if (r == 0)
		*ret = a;
	return r;
}

/* Case, '_' and '-' do not count. */
static bool same_name(weft_str a, weft_str b)
{
	size_t i = 0, j = 0;

	for (;;) {
		while (i < a.len_bytes && (a.ptr[i] == '_' || a.ptr[i] == '-'))
			i++;
		while (j < b.len_bytes && (b.ptr[j] == '_' || b.ptr[j] == '-'))
			j++;
		if (i == a.len_bytes || j == b.len_bytes)
			return i == a.len_bytes && j == b.len_bytes;
		if (lower(a.ptr[i++]) != lower(b.ptr[j++]))
			return false;
	}
}

const struct weft__answer_field *weft__answer_find(const struct weft__answer *answer, weft_str name)
{
	for (uint32_t i = 0; i < answer->count; i++) {
		if (weft_str_eq(answer->fields[i].name, name))
			return &answer->fields[i];
	}
	for (uint32_t i = 0; i < answer->count; i++) {
		if (same_name(answer->fields[i].name, name))
			return &answer->fields[i];
	}
	return NULL;
}

bool weft__answer_bool(weft_str text, bool *ret)
{
	static const char *const yes[] = { "true", "yes", "1" }, *const no[] = { "false", "no", "0" };

	text = trim(text);
	for (int i = 0; i < 3; i++) {
		if (same_name(text, weft_str_from(yes[i]))) {
			*ret = true;
			return true;
		}
		if (same_name(text, weft_str_from(no[i]))) {
			*ret = false;
			return true;
		}
	}
	return false;
}

/* [{"name": "REPLY"}] is REPLY too. False: no JSON array. */
static bool list_of_json(weft_str text, weft_arena *arena, weft_str **ret_items, uint32_t *ret_count)
{
	weft_json_doc *doc;
	weft_json_iter it;
	weft_str *items;
	uint32_t n = 0;

	if (weft_json_parse(text, &doc, NULL) < 0)
		return false;
	items = weft_arena_alloc(arena, (weft_json_count(weft_json_root(doc)) + 1) * sizeof(*items));
	for (it = weft_json_iter_begin(weft_json_root(doc)); items && weft_json_iter_next(&it);) {
		weft_json name = weft_json_find(it.value, WEFT_STR("name"));
		weft_str s = json_text(name.doc ? name : it.value, arena);

		if (s.len_bytes)
			items[n++] = s;
	}
	weft_json_release(doc);
	*ret_items = items;
	*ret_count = n;
	return true;
}

/* <action><name>REPLY</name></action> is REPLY. */
static weft_str item_text(weft_str text, weft_arena *arena)
{
	struct cursor inside = cursor_over(text);
	const struct weft__answer_field *name;
	struct weft__answer a = { 0 };

	if (!text.len_bytes || text.ptr[0] != '<' || fields_read(inside, arena, &a) < 0)
		return text;
	name = weft__answer_find(&a, WEFT_STR("name"));
	return name ? name->text : text;
}

static uint32_t list_of_elements(weft_str text, weft_arena *arena, weft_str **ret_items)
{
	struct cursor inside = cursor_over(text);
	struct weft__answer a = { 0 };
	weft_str *items;
	uint32_t n = 0;

	if (fields_read(inside, arena, &a) < 0)
		return 0;
	items = weft_arena_alloc(arena, (a.count + 1) * sizeof(*items));
	for (uint32_t i = 0; items && i < a.count; i++) {
		weft_str item = item_text(a.fields[i].text, arena);

		if (item.len_bytes)
			items[n++] = item;
	}
	*ret_items = items;
	return n;
}

uint32_t weft__answer_list(weft_str text, weft_arena *arena, weft_str **ret_items)
{
	const char *at, *end;
	uint32_t n = 0, commas = 1;
	weft_str *items;

	*ret_items = NULL;
	text = trim(text);
	if (!text.len_bytes)
		return 0;
	if (text.ptr[0] == '[' && text.ptr[text.len_bytes - 1] == ']' && list_of_json(text, arena, ret_items, &n))
		return n;
	if (text.ptr[0] == '<')
		return list_of_elements(text, arena, ret_items);
	end = text.ptr + text.len_bytes;
	for (at = text.ptr; at < end; at++)
		commas += *at == ',';
	items = weft_arena_alloc(arena, commas * sizeof(*items));
	for (at = text.ptr; items && at <= end;) {
		const char *comma = memchr(at, ',', (size_t)(end - at));
		weft_str item = trim(span(at, comma ? comma : end));

		if (item.len_bytes)
			items[n++] = item;
		at = (comma ? comma : end) + 1;
	}
	*ret_items = items;
	return n;
}
