/* SPDX-License-Identifier: Apache-2.0 */
/*
 * actors/replay/diff.c - two objects walked together to the first member that differs; texts are shown from a little before
 * the place where they part.
 */
#include "actors/replay/diff.h"

#include <stdio.h>
#include <string.h>

#include "actors/text.h"

#define AROUND 40u /* bytes of a text that are shown, around where it differs */
#define PATH_BYTES 96u
#define DEPTH_MAX 8

static bool is_of_line(weft_str key)
{
	static const weft_str keys[] = { WEFT_STR("type"), WEFT_STR("run"), WEFT_STR("step"), WEFT_STR("hash"), WEFT_STR("ns") };

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		if (weft_str_eq(key, keys[i]))
			return true;
	}
	return false;
}

static bool same(weft_json a, weft_json b)
{
	weft_hash128 x, y;

	if (weft_json_typeof(a) == WEFT_JSON_NONE || weft_json_typeof(b) == WEFT_JSON_NONE)
		return weft_json_typeof(a) == weft_json_typeof(b);
	x = weft_json_canonical_hash(a);
	y = weft_json_canonical_hash(b);
	return x.lo == y.lo && x.hi == y.hi;
}

/* A value for people; of a text the part around `at`. */
static void show(weft_json v, size_t at, char *out, size_t size)
{
	weft_json_writer *w;
	weft_str s;

	if (weft_json_get_str(v, &s)) {
		size_t from = at > AROUND / 4 ? at - AROUND / 4 : 0;

		while (from && from < s.len_bytes && ((unsigned char)s.ptr[from] & 0xc0) == 0x80)
			from--; /* not inside a character */
		s = from < s.len_bytes ? (weft_str){ s.ptr + from, s.len_bytes - from } : (weft_str){ "", 0 };
		snprintf(out, size, "%s\"%.*s%s", from ? "..." : "", (int)weft__str_cut(s, AROUND), s.ptr ? s.ptr : "",
		         s.len_bytes > AROUND ? "..." : "\"");
		return;
	}
	if (weft_json_typeof(v) == WEFT_JSON_NONE) {
		snprintf(out, size, "nothing");
		return;
	}
	out[0] = '\0';
	if (weft_json_writer_create(0, &w) < 0)
		return;
	weft_json_put_value(w, v);
	if (weft_json_writer_text(w, &s) == 0)
		snprintf(out, size, "%.*s%s", (int)weft__str_cut(s, AROUND), s.ptr, s.len_bytes > AROUND ? "..." : "");
	weft_json_writer_destroy(w);
}

static size_t first_difference(weft_json a, weft_json b)
{
	weft_str x = { 0 }, y = { 0 };
	size_t i = 0;

	if (!weft_json_get_str(a, &x) || !weft_json_get_str(b, &y))
		return 0;
	while (i < x.len_bytes && i < y.len_bytes && x.ptr[i] == y.ptr[i])
		i++;
	return i;
}

static void say(const char *path, weft_json a, weft_json b, char *out, size_t size)
{
	char x[AROUND + 16], y[AROUND + 16];
	size_t at = first_difference(a, b);

	show(a, at, x, sizeof(x));
	show(b, at, y, sizeof(y));
	snprintf(out, size, "%s: recorded %s, now %s", path, x, y);
}

static bool walk(weft_json a, weft_json b, const char *path, int depth, char *out, size_t size);

static void path_make(char *to, const char *path, weft_str key)
{
	snprintf(to, PATH_BYTES, "%s%s%.*s", path, path[0] ? "/" : "", (int)(key.len_bytes < 40 ? key.len_bytes : 40), key.ptr);
}

static bool walk_object(weft_json a, weft_json b, const char *path, int depth, char *out, size_t size)
{
	weft_json_iter it;
	char deeper[PATH_BYTES];

	for (it = weft_json_iter_begin(a); weft_json_iter_next(&it);) {
		weft_json other = weft_json_find(b, it.key);

		if ((!depth && is_of_line(it.key)) || same(it.value, other))
			continue;
		path_make(deeper, path, it.key);
		return walk(it.value, other, deeper, depth + 1, out, size);
	}
	for (it = weft_json_iter_begin(b); weft_json_iter_next(&it);) {
		weft_json other = weft_json_find(a, it.key);

		if ((!depth && is_of_line(it.key)) || weft_json_typeof(other) != WEFT_JSON_NONE)
			continue;
		path_make(deeper, path, it.key);
		return walk(other, it.value, deeper, depth + 1, out, size);
	}
	return false;
}

static bool walk_array(weft_json a, weft_json b, const char *path, int depth, char *out, size_t size)
{
	weft_json_iter x = weft_json_iter_begin(a), y = weft_json_iter_begin(b);
	char deeper[PATH_BYTES], number[16];

	for (uint32_t i = 0;; i++) {
		bool more_x = weft_json_iter_next(&x), more_y = weft_json_iter_next(&y);

		if (!more_x && !more_y)
			return false;
		snprintf(number, sizeof(number), "%u", i);
		path_make(deeper, path, weft_str_from(number));
		if (!more_x || !more_y) {
			say(deeper, more_x ? x.value : (weft_json){ 0 }, more_y ? y.value : (weft_json){ 0 }, out, size);
			return true;
		}
		if (!same(x.value, y.value))
			return walk(x.value, y.value, deeper, depth + 1, out, size);
	}
}

/* a and b differ. */
static bool walk(weft_json a, weft_json b, const char *path, int depth, char *out, size_t size)
{
	weft_json_type type = weft_json_typeof(a);

	if (type == weft_json_typeof(b) && depth < DEPTH_MAX) {
		if (type == WEFT_JSON_OBJECT && walk_object(a, b, path, depth, out, size))
			return true;
		if (type == WEFT_JSON_ARRAY && walk_array(a, b, path, depth, out, size))
			return true;
	}
	say(path, a, b, out, size);
	return true;
}

/* What a file says goes to logs and terminals: no character of it moves a cursor. */
static void clean(char *text)
{
	weft_str all = weft_str_from(text);
	size_t n;

	for (size_t i = 0; i < all.len_bytes; i += n ? n : 1) {
		n = weft__control_at(all, i);
		memset(text + i, ' ', n);
	}
}

bool weft__diff(weft_json recorded, weft_json now, char *ret_text, size_t size)
{
	bool differ = walk_object(recorded, now, "", 0, ret_text, size);

	if (differ)
		clean(ret_text);
	return differ;
}
