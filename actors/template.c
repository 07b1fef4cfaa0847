/* SPDX-License-Identifier: Apache-2.0 */
/*
 * actors/template.c - a template as a list of pieces: text, and holes that are filled when it is rendered. What is known at
 * compile time is text already.
 */
#include "actors/template.h"

#include <errno.h>
#include <string.h>

#include "actors/text.h"

struct segment {
	weft_str text; /* slot < 0 */
	int slot;
};

struct weft__template {
	uint32_t count;
	struct segment segments[];
};

/* The next "{{" at or after pos; the text's length when there is none. */
static size_t find_hole(weft_str s, size_t pos)
{
	while (pos + 1 < s.len_bytes && !(s.ptr[pos] == '{' && s.ptr[pos + 1] == '{'))
		pos++;
	return pos + 1 < s.len_bytes ? pos : s.len_bytes;
}

static size_t find_close(weft_str s, size_t pos)
{
	while (pos + 1 < s.len_bytes && !(s.ptr[pos] == '}' && s.ptr[pos + 1] == '}'))
		pos++;
	return pos + 1 < s.len_bytes ? pos : s.len_bytes;
}

static const struct weft__template_var *find_var(const struct weft__template_var *vars, uint32_t count,
                                                 weft_str name)
{
	for (uint32_t i = 0; i < count; i++) {
		if (weft_str_eq(vars[i].name, name))
			return &vars[i];
	}
	return NULL;
}

static uint32_t count_holes(weft_str s)
{
	uint32_t n = 0;

	for (size_t pos = find_hole(s, 0); pos < s.len_bytes; pos = find_hole(s, pos + 2))
		n++;
	return n;
}

int weft__template_compile(const char *name, weft_str source, const struct weft__template_var *vars,
                           uint32_t var_count, weft_arena *arena, const struct weft__template **ret,
                           weft_error *err)
{
	uint32_t max = 2 * count_holes(source) + 1;
	struct weft__template *t = weft_arena_calloc(arena, sizeof(*t) + max * sizeof(t->segments[0]));
	weft_str text = weft_arena_dup(arena, source);
	size_t pos = 0;

	if (!t || (source.len_bytes && !text.ptr))
		return -ENOMEM;
	while (pos < text.len_bytes) {
		size_t hole = find_hole(text, pos), close;
		const struct weft__template_var *var;
		weft_str inside;

		if (hole > pos)
			t->segments[t->count++] = (struct segment){{text.ptr + pos, hole - pos}, -1};
		if (hole == text.len_bytes)
			break;
		close = find_close(text, hole + 2);
		if (close == text.len_bytes)
			return weft_error_set(err, WEFT_ECONFIG, "template %s: \"{{\" is never closed", name);
		inside = weft__str_trim((weft_str){text.ptr + hole + 2, close - hole - 2});
		var = find_var(vars, var_count, inside);
		if (!var)
			return weft_error_set(err, WEFT_ECONFIG, "template %s: no value is called \"%.*s\"",
			                      name, WEFT_STR_ARG(inside));
		t->segments[t->count++] = (struct segment){var->fixed, var->slot};
		pos = close + 2;
	}
	*ret = t;
	return 0;
}

static size_t slot_len(const struct weft__slot *slot)
{
	size_t n = 0;

	for (uint32_t i = 0; i < slot->count; i++) {
		if (slot->parts[i].len_bytes)
			n += slot->parts[i].len_bytes + 1;
	}
	return n ? n - 1 : 0;
}

size_t weft__template_len_bytes(const struct weft__template *t, const struct weft__slot *slots)
{
	size_t n = 0;

	for (uint32_t i = 0; i < t->count; i++) {
		const struct segment *s = &t->segments[i];

		n += s->slot < 0 ? s->text.len_bytes : slot_len(&slots[s->slot]);
	}
	return n;
}

static char *put(char *p, weft_str s)
{
	if (s.len_bytes)
		memcpy(p, s.ptr, s.len_bytes);
	return p + s.len_bytes;
}

static char *put_slot(char *p, const struct weft__slot *slot)
{
	bool first = true;

	for (uint32_t i = 0; i < slot->count; i++) {
		if (slot->parts[i].len_bytes == 0)
			continue;
		if (!first)
			*p++ = '\n';
		first = false;
		p = put(p, slot->parts[i]);
	}
	return p;
}

int weft__template_render(const struct weft__template *t, const struct weft__slot *slots, weft_arena *arena,
                          weft_str *ret_text)
{
	size_t len = weft__template_len_bytes(t, slots);
	char *text = weft_arena_alloc(arena, len + 1), *p = text;

	if (!text)
		return -ENOMEM;
	for (uint32_t i = 0; i < t->count; i++) {
		const struct segment *s = &t->segments[i];

		p = s->slot < 0 ? put(p, s->text) : put_slot(p, &slots[s->slot]);
	}
	*p = '\0';
	*ret_text = (weft_str){text, len};
	return 0;
}
