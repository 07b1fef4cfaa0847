/* SPDX-License-Identifier: Apache-2.0 */
/*
 * actors/config.c - a member is looked up in its table, checked against its type and bounds, and stored at its offset; what is
 * wrong is located in the text again, for its line and column.
 */
#include "actors/config.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define SECONDS_MAX 86400.0
#define MONEY_MAX 1e9
#define LARGE_MAX (INT64_C(1) << 53)

/* ---- the file ----------------------------------------------------------------------- */

static int check_keys(const struct weft__config *c)
{
	weft_error why = { 0 };
	int r = weft_json_check_keys(weft_json_root(c->doc), &why);

	return r < 0 ? weft_error_set(c->err, r, "%s: %s", c->path, why.message) : 0;
}

int weft__config_open(struct weft__config *c, const char *path, weft_error *err)
{
	int r;

	*c = (struct weft__config){ .path = path, .err = err };
	r = weft_json_parse_file(path, &c->doc, err);
	if (r < 0)
		return r;
	r = weft_arena_create(0, &c->arena);
	if (r < 0)
		return weft__config_no_memory(c);
	weft_arena_wipe_at_end(c->arena); /* keys may stand in headers, passwords in addresses */
	return check_keys(c);
}

void weft__config_close(struct weft__config *c)
{
	weft_arena_destroy(c->arena);
	weft_json_release(c->doc);
	*c = (struct weft__config){ 0 };
}

/* ---- what is wrong --------------------------------------------------------------------- */

struct weft__place weft__place_below(const struct weft__place *place, weft_str key)
{
	struct weft__place p;

	if (snprintf(p.text, sizeof(p.text), "%s/%.*s", place->text, WEFT_STR_ARG(key)) >= (int)sizeof(p.text))
		p = *place; /* a name so long is not known here: what is around it will do */
	return p;
}

int weft__config_bad(const struct weft__config *c, const struct weft__place *place, const char *why)
{
	uint32_t line = 0, column = 0;

	(void)weft_json_locate(weft_json_text(c->doc), weft_str_from(place->text), &line, &column);
	weft_error_set(c->err, WEFT_ECONFIG, "%s:%u:%u: %s: %s", c->path, line, column, place->text, why);
	if (c->err) {
		c->err->line = line;
		c->err->column = column;
	}
	return WEFT_ECONFIG;
}

int weft__config_no_memory(const struct weft__config *c)
{
	return weft_error_set(c->err, -ENOMEM, "%s: out of memory", c->path);
}

/* ---- values -------------------------------------------------------------------------------- */

static int text_read(const struct weft__config *c, const struct weft__place *place, weft_json value, const char **ret)
{
	weft_str text;

	if (!weft_json_get_str(value, &text) || memchr(text.ptr, '\0', text.len_bytes))
		return weft__config_bad(c, place, "not a text");
	text = weft_arena_dup(c->arena, text);
	*ret = text.ptr;
	return text.ptr ? 0 : weft__config_no_memory(c);
}

/* Up to max, from 0 or from above it. */
static bool real_read(weft_json value, bool zero, double max, double *ret)
{
	return weft_json_get_double(value, ret) && (zero ? *ret >= 0 : *ret > 0) && *ret <= max;
}

static bool int_read(weft_json value, int64_t min, int64_t max, int64_t *ret)
{
	return weft_json_get_int(value, ret) && *ret >= min && *ret <= max;
}

/* @return what it should have been; NULL: it is */
static const char *number_read(enum weft__config_kind kind, weft_json value, void *field)
{
	int64_t n;
	double d;

	switch (kind) {
	case WEFT__CONFIG_SECONDS:
		if (!real_read(value, false, SECONDS_MAX, &d))
			return "not a number of seconds, up to a day";
		*(uint64_t *)field = (uint64_t)(d * 1e9);
		return NULL;
	case WEFT__CONFIG_MONEY:
		if (!real_read(value, true, MONEY_MAX, &d))
			return "not an amount of money, up to a billion";
		*(uint64_t *)field = (uint64_t)(d * 1e6 + 0.5);
		return NULL;
	case WEFT__CONFIG_SHARE:
		if (!real_read(value, true, 1, &d))
			return "not a number from 0 to 1";
		*(float *)field = (float)d;
		return NULL;
	case WEFT__CONFIG_LARGE:
		if (!int_read(value, 0, LARGE_MAX, &n))
			return "not a whole number, 0 or more";
		*(uint64_t *)field = (uint64_t)n;
		return NULL;
	case WEFT__CONFIG_INT:
		return int_read(value, -INT32_MAX, INT32_MAX, field) ? NULL : "not a whole number";
	default:
		if (!int_read(value, 0, INT32_MAX, &n))
			return "not a whole number, 0 or more";
		*(uint32_t *)field = (uint32_t)n; /* or an int32_t: it is not negative */
		return NULL;
	}
}

int weft__config_value(const struct weft__config *c, const struct weft__place *place, const struct weft__config_member *m,
                       weft_json value, void *to)
{
	void *field = (char *)to + m->offset;
	const char *wrong;

	if (m->kind == WEFT__CONFIG_TEXT)
		return text_read(c, place, value, field);
	if (m->kind == WEFT__CONFIG_BOOL)
		wrong = weft_json_get_bool(value, field) ? NULL : "not true or false";
	else
		wrong = number_read(m->kind, value, field);
	return wrong ? weft__config_bad(c, place, wrong) : 0;
}

const struct weft__config_member *weft__config_find(const struct weft__config_member *list, weft_str name)
{
	for (; list->name; list++) {
		if (weft_str_eq(name, weft_str_from(list->name)))
			return list;
	}
	return NULL;
}

int weft__config_object(const struct weft__config *c, const struct weft__place *place, const struct weft__config_member *list,
                        weft_json object, void *to)
{
	weft_json_iter it = weft_json_iter_begin(object);
	int r = 0;

	if (weft_json_typeof(object) != WEFT_JSON_OBJECT)
		return weft__config_bad(c, place, "not an object");
	while (r == 0 && weft_json_iter_next(&it)) {
		const struct weft__config_member *m = weft__config_find(list, it.key);
		struct weft__place here = weft__place_below(place, it.key);

		r = m ? weft__config_value(c, &here, m, it.value, to) : weft__config_bad(c, &here, "no such member");
	}
	return r;
}
