/* SPDX-License-Identifier: Apache-2.0 */
/* bench/results_fields.c - fields of result files: their kinds and bounds, and what is said when one is wrong. */
#include "bench/results_fields.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* ---- what is wrong, and where ------------------------------------------------------------ */

static size_t write_place(const struct bench_place *p, char *buf, size_t size)
{
	size_t at = p->up ? write_place(p->up, buf, size) : 0;
	int n;

	if (at >= size)
		return at;
	if (p->key.len_bytes)
		n = snprintf(buf + at, size - at, "%s%.*s", at ? "." : "", WEFT_STR_ARG(p->key));
	else
		n = p->up ? snprintf(buf + at, size - at, "[%zu]", p->index) : 0;
	return at + (n > 0 ? (size_t)n : 0);
}

/* Of a long path its end, so that the field still fits into the error. */
static const char *short_name(const char *name)
{
	size_t n = strlen(name);

	return n > 60 ? name + n - 60 : name;
}

int bench_read_refuse(const struct bench_reader *r, const struct bench_place *at, const char *why)
{
	char place[150] = "";

	write_place(at, place, sizeof(place));
	return weft_error_set(r->err, WEFT_ECONFIG, "%s: %s%s%s", short_name(r->name), place,
	                      place[0] ? ": " : "", why);
}

int bench_read_no_memory(const struct bench_reader *r)
{
	return weft_error_set(r->err, -ENOMEM, "%s: out of memory", short_name(r->name));
}

struct bench_place bench_read_below(const struct bench_place *up, const char *key)
{
	return (struct bench_place){ up, weft_str_from(key), 0 };
}

bool bench_read_is_there(weft_json v)
{
	return weft_json_typeof(v) != WEFT_JSON_NONE && weft_json_typeof(v) != WEFT_JSON_NULL;
}

/* ---- kinds ----------------------------------------------------------------------------------- */

int bench_read_number(const struct bench_reader *r, const struct bench_place *at, weft_json v,
                      enum bench_field_kind kind, double *ret)
{
	double d;

	if (!weft_json_get_double(v, &d) || !isfinite(d))
		return bench_read_refuse(r, at, "not a number");
	if (d < 0 && kind != BENCH_NUMBER)
		return bench_read_refuse(r, at, "negative");
	if (d > 1 && kind == BENCH_SHARE)
		return bench_read_refuse(r, at, "above 1");
	*ret = d;
	return 0;
}

int bench_read_count(const struct bench_reader *r, const struct bench_place *at, weft_json v, int64_t max,
                     int64_t *ret)
{
	int64_t n;

	if (!weft_json_get_int(v, &n))
		return bench_read_refuse(r, at, "not a whole number");
	if (n < 0 || n > max)
		return bench_read_refuse(r, at, n < 0 ? "negative" : "too large");
	*ret = n;
	return 0;
}

/* Bytes of the control character at c: C0, DEL, C1, and what turns the order of a text around. 0: it is none. */
static size_t control_bytes(const unsigned char *c)
{
	if (c[0] < 0x20 || c[0] == 0x7f)
		return 1;
	if (c[0] == 0xc2 && c[1] >= 0x80 && c[1] < 0xa0)
		return 2;
	if (c[0] == 0xe2 && ((c[1] == 0x80 && c[2] >= 0xaa && c[2] <= 0xae) ||
	                     (c[1] == 0x81 && c[2] >= 0xa6 && c[2] <= 0xa9)))
		return 3;
	return 0;
}

bool bench_read_has_control(weft_str text)
{
	for (size_t i = 0; i < text.len_bytes; i++) {
		if (control_bytes((const unsigned char *)text.ptr + i))
			return true;
	}
	return false;
}

void bench_read_clean(char *text, size_t len_bytes)
{
	for (size_t i = 0; i < len_bytes;) {
		size_t n = control_bytes((const unsigned char *)text + i);

		memset(text + i, ' ', n);
		i += n ? n : 1;
	}
}

static int read_text(const struct bench_reader *r, const struct bench_place *at, weft_json v,
                     enum bench_field_kind kind, const char **ret)
{
	weft_str s;
	char *copy;

	if (!weft_json_get_str(v, &s))
		return bench_read_refuse(r, at, "not a text");
	if (kind == BENCH_NAME && s.len_bytes == 0)
		return bench_read_refuse(r, at, "empty");
	if (s.len_bytes > (kind == BENCH_NAME ? BENCH_RESULTS_NAME_BYTES_MAX : BENCH_RESULTS_TEXT_BYTES_MAX))
		return bench_read_refuse(r, at, "too long");
	copy = weft_arena_calloc(r->arena, s.len_bytes + 1);
	if (!copy)
		return bench_read_no_memory(r);
	if (s.len_bytes)
		memcpy(copy, s.ptr, s.len_bytes);
	if (kind == BENCH_NAME && bench_read_has_control((weft_str){ copy, s.len_bytes }))
		return bench_read_refuse(r, at, "has control characters");
	bench_read_clean(copy, s.len_bytes);
	*ret = copy;
	return 0;
}

static int read_field(const struct bench_reader *r, const struct bench_place *at, weft_json v,
                      const struct bench_field *f, void *to)
{
	int64_t n = 0;
	int res = 0;

	switch (f->kind) {
	case BENCH_AMOUNT:
	case BENCH_NUMBER:
	case BENCH_SHARE:
		return bench_read_number(r, at, v, f->kind, to);
	case BENCH_SMALL:
		res = bench_read_count(r, at, v, UINT32_MAX, &n);
		if (res == 0)
			*(uint32_t *)to = (uint32_t)n;
		return res;
	case BENCH_LARGE:
		res = bench_read_count(r, at, v, INT64_MAX, &n);
		if (res == 0)
			*(uint64_t *)to = (uint64_t)n;
		return res;
	case BENCH_FLAG:
		return weft_json_get_bool(v, to) ? 0 : bench_read_refuse(r, at, "not true or false");
	case BENCH_NAME:
	case BENCH_TEXT:
		return read_text(r, at, v, f->kind, to);
	}
	return -EINVAL;
}

int bench_read_fields(const struct bench_reader *r, const struct bench_place *at, weft_json v,
                      const struct bench_field *fields, size_t count, void *to)
{
	if (weft_json_typeof(v) != WEFT_JSON_OBJECT)
		return bench_read_refuse(r, at, bench_read_is_there(v) ? "not an object" : "missing");
	for (size_t i = 0; i < count; i++) {
		const struct bench_field *f = &fields[i];
		struct bench_place here = bench_read_below(at, f->key);
		weft_json value = weft_json_find(v, here.key);
		void *member = (char *)to + f->offset;
		int res;

		if (f->kind == BENCH_AMOUNT || f->kind == BENCH_NUMBER || f->kind == BENCH_SHARE)
			*(double *)member = NAN;
		if (!bench_read_is_there(value) && f->required)
			return bench_read_refuse(r, &here, "missing");
		res = bench_read_is_there(value) ? read_field(r, &here, value, f, member) : 0;
		if (res < 0)
			return res;
	}
	return 0;
}

int bench_read_part(const struct bench_reader *r, const struct bench_place *up, weft_json v, const char *key,
                    const struct bench_field *fields, size_t count, void *to)
{
	struct bench_place at = bench_read_below(up, key);
	weft_json part = weft_json_find(v, at.key);

	if (bench_read_is_there(part))
		return bench_read_fields(r, &at, part, fields, count, to);
	for (size_t i = 0; i < count; i++) {
		if (fields[i].kind == BENCH_AMOUNT || fields[i].kind == BENCH_NUMBER)
			*(double *)((char *)to + fields[i].offset) = NAN;
	}
	return 0;
}

int bench_read_items(const struct bench_reader *r, const struct bench_place *at, weft_json list, size_t max, size_t size,
                     bench_read_item *read, void *ret_items, uint32_t *ret_count)
{
	struct bench_place here = { at, { 0 }, 0 };
	size_t count = weft_json_count(list);
	weft_json_iter it;
	char *items = NULL;
	int res = 0;

	if (bench_read_is_there(list)) {
		if (weft_json_typeof(list) != WEFT_JSON_ARRAY)
			return bench_read_refuse(r, at, "not a list");
		if (count > max)
			return bench_read_refuse(r, at, "too many");
		items = weft_arena_calloc(r->arena, (count + 1) * size);
		if (!items)
			return bench_read_no_memory(r);
	}
	for (it = weft_json_iter_begin(list); items && res == 0 && weft_json_iter_next(&it); here.index++)
		res = read(r, &here, it.value, items + here.index * size);
	if (res < 0)
		return res;
	memcpy(ret_items, &items, sizeof(items)); /* whatever it points to */
	*ret_count = items ? (uint32_t)count : 0;
	return 0;
}

int bench_read_amount(const struct bench_reader *r, const struct bench_place *at, weft_json v, void *item)
{
	return bench_read_number(r, at, v, BENCH_AMOUNT, item);
}

int bench_read_interval(const struct bench_reader *r, const struct bench_place *up, weft_json v, const char *key, double *ret_low,
                        double *ret_high)
{
	struct bench_place at = bench_read_below(up, key);
	uint32_t count = 0;
	double *bound = NULL;
	int res = bench_read_items(r, &at, weft_json_find(v, at.key), 2, sizeof(*bound), bench_read_amount, &bound, &count);

	*ret_low = *ret_high = NAN;
	if (res < 0 || !bound)
		return res;
	if (count != 2)
		return bench_read_refuse(r, &at, "not two numbers");
	if (bound[0] > bound[1])
		return bench_read_refuse(r, &at, "the low end is above the high one");
	*ret_low = bound[0];
	*ret_high = bound[1];
	return 0;
}

int bench_read_one_of(const struct bench_reader *r, const struct bench_place *up, const char *key,
                      const char *value, const char *const *of)
{
	struct bench_place at = bench_read_below(up, key);

	for (int i = 0; of[i]; i++) {
		if (!strcmp(value, of[i]))
			return i;
	}
	return bench_read_refuse(r, &at, "not one of those that are known");
}
