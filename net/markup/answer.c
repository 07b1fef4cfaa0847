/* SPDX-License-Identifier: Apache-2.0 */
/* net/markup/answer.c - see answer.h. A cursor over the text, no tree. */
#include "net/markup/answer.h"

#include <errno.h>
#include <string.h>

#include <weft/json.h>

struct cursor {
	const char *at, *end;
};

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

static int field_add(struct weft__answer *a, weft_str name, weft_str text)
{
	if (a->count < WEFT__ANSWER_FIELDS_MAX)
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
		field_add(a, tag.name, text);
	}
	return 0;
}

/* The first element that has an end; <response> wherever it is comes before all others, closed or not. */
static bool element_find(struct cursor *c, struct cursor *ret_inside)
{
	const char *response = c->at < c->end ? find(c->at, c->end, "<response") : NULL;
	const char *lt, *limit;
	struct tag tag;

	if (response) {
		struct cursor r = { response, c->end };

		if (tag_read(&r, &tag) && !tag.empty && weft_str_eq(tag.name, WEFT_STR("response"))) {
			ret_inside->at = r.at;
			ret_inside->end = r.end;
			if (element_end(&r, tag.name, &lt))
				ret_inside->end = lt;
			c->at = r.at;
			return true;
		}
	}
	limit = c->at + 65536; /* an answer begins early, or it is none: keeps unclosed tags from costing a square */
	for (uint32_t tries = 0; tries < 64 && c->at < c->end && c->at < limit; tries++) {
		struct cursor e;

		lt = memchr(c->at, '<', (size_t)(c->end - c->at));
		if (!lt)
			return false;
		e = (struct cursor){ lt, c->end };
		c->at = lt + 1;
		if (!tag_read(&e, &tag) || tag.closing || tag.empty)
			continue;
		ret_inside->at = e.at;
		if (element_end(&e, tag.name, &ret_inside->end)) {
			c->at = e.at;
			return true;
		}
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

static int json_read(weft_str text, weft_arena *arena, struct weft__answer *a, weft_error *err)
{
	const char *end = text.ptr + text.len_bytes;
	const char *open = text.len_bytes ? memchr(text.ptr, '{', text.len_bytes) : NULL;
	const char *close = open ? object_end(open, end) : NULL;
	weft_json_doc *doc;
	weft_json_iter it;
	int r;

	if (!close)
		return weft_error_set(err, WEFT_EPARSE, "the answer holds neither an element nor a JSON object");
	r = weft_json_parse(span(open, close), &doc, err);
	if (r < 0)
		return r;
	for (it = weft_json_iter_begin(weft_json_root(doc)); weft_json_iter_next(&it);)
		field_add(a, weft_arena_dup(arena, it.key), json_text(it.value, arena));
	weft_json_release(doc);
	a->rest = trim(span(close, end));
	return 0;
}

/* ---- the whole -------------------------------------------------------------------------- */

int weft__answer_parse(weft_str text, weft_arena *arena, struct weft__answer *ret, weft_error *err)
{
	struct weft__answer a = { 0 };
	struct cursor c, inside = { 0 };
	int r;

	a.fields = weft_arena_alloc(arena, WEFT__ANSWER_FIELDS_MAX * sizeof(*a.fields));
	if (!a.fields)
		return -ENOMEM;
	text = trim(weft__strip_think(text, arena));
	if (!text.len_bytes)
		return weft_error_set(err, WEFT_EPARSE, "the answer is empty");
	c = (struct cursor){ text.ptr, text.ptr + text.len_bytes };
	if (element_find(&c, &inside)) {
		r = fields_read(inside, arena, &a);
		a.rest = trim(span(c.at, c.end));
	} else {
		r = json_read(text, arena, &a, err);
	}
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

static uint32_t list_of_json(weft_str text, weft_arena *arena, weft_str **ret_items)
{
	weft_json_doc *doc;
	weft_json_iter it;
	weft_str *items;
	uint32_t n = 0;

	if (weft_json_parse(text, &doc, NULL) < 0)
		return 0;
	items = weft_arena_alloc(arena, (weft_json_count(weft_json_root(doc)) + 1) * sizeof(*items));
	for (it = weft_json_iter_begin(weft_json_root(doc)); items && weft_json_iter_next(&it);) {
		weft_str s = trim(json_text(it.value, arena));

		if (s.len_bytes)
			items[n++] = s;
	}
	weft_json_release(doc);
	*ret_items = items;
	return n;
}

static uint32_t list_of_elements(weft_str text, weft_arena *arena, weft_str **ret_items)
{
	struct weft__answer a = { .fields = weft_arena_alloc(arena, WEFT__ANSWER_FIELDS_MAX * sizeof(*a.fields)) };
	struct cursor inside = { text.ptr, text.ptr + text.len_bytes };
	weft_str *items = weft_arena_alloc(arena, WEFT__ANSWER_FIELDS_MAX * sizeof(*items));
	uint32_t n = 0;

	if (!a.fields || !items || fields_read(inside, arena, &a) < 0)
		return 0;
	for (uint32_t i = 0; i < a.count; i++) {
		struct weft__answer inner = { .fields = weft_arena_alloc(arena, WEFT__ANSWER_FIELDS_MAX * sizeof(*a.fields)) };
		struct cursor c = { a.fields[i].text.ptr, a.fields[i].text.ptr + a.fields[i].text.len_bytes };
		const struct weft__answer_field *name;

		/* <action><name>REPLY</name></action> is REPLY */
		if (a.fields[i].text.len_bytes && memchr(c.at, '<', a.fields[i].text.len_bytes) && inner.fields &&
		    fields_read(c, arena, &inner) == 0 && (name = weft__answer_find(&inner, WEFT_STR("name"))))
			a.fields[i].text = name->text;
		if (a.fields[i].text.len_bytes)
			items[n++] = a.fields[i].text;
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
	if (text.ptr[0] == '[' && text.ptr[text.len_bytes - 1] == ']' && (n = list_of_json(text, arena, ret_items)))
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
