/* SPDX-License-Identifier: Apache-2.0 */
/*
 * net/json/check.c - is a value what a schema asks for?
 *
 * Walks the value's tape beside the schema's nodes. Nothing is kept for the error
 * message: a place on the tape is turned into a pointer when there is something to say.
 *
 * A schema may refer to itself, and may try much more than the value is long, so a check
 * has a depth and a number of steps that it does not exceed.
 */
#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>

#include "net/json/schema.h"

#define DEPTH_MAX 256u /* a value is at most 64 deep; the rest is for $ref and the like */
#define STEPS_MIN 10000u
#define STEPS_A_WORD 64u
#define STEPS_A_PATTERN 32u /* a string has at least two words */
#define STEPS_A_DEAR_PATTERN 4096u /* a match of a millisecond: not one for each string of a long list */

struct check {
	const weft_json_doc *doc;
	weft_error *err; /* NULL: only yes or no */
	uint64_t root;   /* what pointers begin at */
	uint64_t *steps; /* left */
	uint32_t depth;
	bool strictly; /* a key given twice is wrong; without a reason */
};

/* ---- saying what is wrong -------------------------------------------------------- */

static size_t append(char *buf, size_t size, size_t at, const char *fmt, ...) WEFT_PRINTF(4, 5);

static size_t append(char *buf, size_t size, size_t at, const char *fmt, ...)
{
	va_list args;
	int n;

	va_start(args, fmt);
	n = vsnprintf(buf + at, size - at, fmt, args);
	va_end(args);
	at += n > 0 ? (size_t)n : 0;
	return at < size ? at : size - 1;
}

/* '/' and the key, with '~' and '/' in it escaped. */
static size_t append_key(char *buf, size_t size, size_t at, weft_str key)
{
	at = append(buf, size, at, "/");
	for (size_t i = 0; i < key.len_bytes && at + 2 < size; i++) {
		char c = key.ptr[i];

		buf[at++] = c == '/' ? '~' : c;
		if (c == '/' || c == '~')
			buf[at++] = c == '/' ? '1' : '0';
	}
	buf[at] = '\0';
	return at;
}

/* A JSON pointer to the value at target, which lies in the one at `at`; "/" for that one itself. */
static void pointer_text(const weft_json_doc *doc, uint64_t at, uint64_t target, char *buf, size_t size)
{
	size_t len = 0;

	snprintf(buf, size, "/");
	while (at != target) {
		bool object = weft__json_tag(doc, at) == '{';
		uint64_t member = at + 1;

		for (uint32_t i = 0;; i++) {
			uint64_t value = member + object;
			uint64_t after = weft__json_after(doc, value);

			if (target < after) {
				len = object ? append_key(buf, size, len, weft__json_str(doc, member)) :
				               append(buf, size, len, "/%u", i);
				at = value;
				break;
			}
			member = after;
		}
	}
}

static int wrong(const struct check *c, uint64_t at, const char *fmt, ...) WEFT_PRINTF(3, 4);

static __attribute__((noinline, cold)) int wrong(const struct check *c, uint64_t at, const char *fmt, ...)
{
	char where[96], what[128];
	va_list args;

	if (!c->err)
		return WEFT_ESCHEMA;
	pointer_text(c->doc, c->root, at, where, sizeof(where));
	va_start(args, fmt);
	vsnprintf(what, sizeof(what), fmt, args);
	va_end(args);
	return weft_error_set(c->err, WEFT_ESCHEMA, "at %s: %s", where, what);
}

static void types_text(uint32_t types, char *buf, size_t size)
{
	static const struct {
		uint32_t types;
		const char *name;
	} all[] = { { T_NUMBER, "number" }, { T_INT, "integer" }, { T_DOUBLE, "number" }, { T_STRING, "string" },
		    { T_BOOL, "boolean" },  { T_ARRAY, "array" }, { T_OBJECT, "object" }, { T_NULL, "null" } };
	size_t len = 0;

	buf[0] = '\0';
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		if ((types & all[i].types) != all[i].types)
			continue;
		types &= ~all[i].types;
		len = append(buf, size, len, "%s%s", len ? " or " : "", all[i].name);
	}
}

static __attribute__((noinline, cold)) int wrong_type(const struct check *c, const struct node *n, uint64_t at)
{
	weft_json v = { c->doc, at };
	char expected[64], found[16];

	types_text(n->types, expected, sizeof(expected));
	types_text(1u << weft_json_typeof(v), found, sizeof(found));
	return wrong(c, at, "expected %s, found %s", expected, found);
}

/* Says the values, as far as there is room. */
static __attribute__((noinline, cold)) int wrong_value(const struct check *c, weft_json allowed, bool many, uint64_t at)
{
	weft_json_writer *w;
	weft_str text = WEFT_STR("another value");
	int r;

	if (!c->err)
		return WEFT_ESCHEMA;
	if (weft_json_writer_create(0, &w) < 0)
		w = NULL;
	if (w) {
		weft_json_put_value(w, allowed);
		(void)weft_json_writer_text(w, &text);
	}
	r = wrong(c, at, "expected %s%.*s", many ? "one of " : "", WEFT_STR_ARG(text));
	weft_json_writer_destroy(w);
	return r;
}

/* ---- one value ------------------------------------------------------------------- */

static int check(struct check *c, const struct node *n, uint64_t at);

static bool passes(const struct check *c, const struct node *n, uint64_t at)
{
	struct check quiet = *c;

	quiet.err = NULL;
	quiet.strictly = false; /* whoever asks has looked at the keys */
	return check(&quiet, n, at) == 0;
}

static bool is_value(weft_json a, weft_json b)
{
	weft_hash128 x, y;

	if (weft__json_tag_of(a) == '"' && weft__json_tag_of(b) == '"')
		return weft__json_key_eq(weft__json_str(weft__json_doc_of(a), a.index),
		                         weft__json_str(weft__json_doc_of(b), b.index));
	if (weft__json_tag_of(a) == '"' || weft__json_tag_of(b) == '"')
		return false;
	x = weft_json_canonical_hash(a);
	y = weft_json_canonical_hash(b);
	return x.lo == y.lo && x.hi == y.hi;
}

static bool is_one_of(weft_json values, weft_json v)
{
	const weft_json_doc *doc = weft__json_doc_of(values);
	uint64_t end = weft__json_end(doc, values.index);

	for (uint64_t at = values.index + 1; at < end; at = weft__json_after(doc, at)) {
		if (is_value((weft_json){ doc, at }, v))
			return true;
	}
	return false;
}

static int check_values(const struct check *c, const struct node *n, uint64_t at)
{
	weft_json v = { c->doc, at };

	if (n->const_value.doc && !is_value(n->const_value, v))
		return wrong_value(c, n->const_value, false, at);
	if (n->enum_values.doc && !is_one_of(n->enum_values, v))
		return wrong_value(c, n->enum_values, true, at);
	return 0;
}

/* Whole numbers are divided as such; else as near as the division's rounding can tell. */
static bool is_multiple(weft_json v, double of)
{
	double d = 0, q;
	int64_t i;

	if (weft_json_get_int(v, &i) && of >= 1 && of < 0x1p53 && of == trunc(of))
		return i % (int64_t)of == 0;
	(void)weft_json_get_double(v, &d);
	q = d / of;
	return isfinite(q) && fabs(q - round(q)) <= 0x1p-50 * fmax(fabs(q), 1);
}

static int check_number(const struct check *c, const struct node *n, uint64_t at)
{
	weft_json v = { c->doc, at };
	double d = 0;

	(void)weft_json_get_double(v, &d);
	if (d < n->minimum)
		return wrong(c, at, "%g is less than the minimum %g", d, n->minimum);
	if (d > n->maximum)
		return wrong(c, at, "%g is more than the maximum %g", d, n->maximum);
	if (d <= n->exclusive_minimum)
		return wrong(c, at, "%g is not more than %g", d, n->exclusive_minimum);
	if (d >= n->exclusive_maximum)
		return wrong(c, at, "%g is not less than %g", d, n->exclusive_maximum);
	if (n->multiple_of > 0 && !is_multiple(v, n->multiple_of))
		return wrong(c, at, "%g is not a multiple of %g", d, n->multiple_of);
	return 0;
}

static uint64_t code_points(weft_str s)
{
	uint64_t n = 0;

	for (size_t i = 0; i < s.len_bytes; i++)
		n += ((unsigned char)s.ptr[i] & 0xc0) != 0x80;
	return n;
}

static int check_pattern(const struct check *c, const struct node *n, uint64_t at, weft_str s)
{
	int r = weft__pattern_try(n->pattern, s);
	uint64_t price = r == -E2BIG ? STEPS_A_DEAR_PATTERN : STEPS_A_PATTERN;

	if (r == -E2BIG && *c->steps > price)
		r = weft__pattern_match(n->pattern, s);
	*c->steps -= *c->steps < price ? *c->steps : price;
	if (r > 0)
		return 0;
	if (r == 0)
		return wrong(c, at, "does not match the pattern %.*s", WEFT_STR_ARG(n->pattern_text));
	*c->steps = 0; /* as in check() */
	return wrong(c, at, "takes too much to be matched by the pattern %.*s", WEFT_STR_ARG(n->pattern_text));
}

static int check_string(const struct check *c, const struct node *n, uint64_t at)
{
	weft_str s = weft__json_str(c->doc, at);
	uint64_t len = code_points(s);

	if (len < n->min_length)
		return wrong(c, at, "shorter than %llu characters", (unsigned long long)n->min_length);
	if (len > n->max_length)
		return wrong(c, at, "longer than %llu characters", (unsigned long long)n->max_length);
	return n->pattern ? check_pattern(c, n, at, s) : 0;
}

/* ---- arrays and objects ---------------------------------------------------------- */

/* No node looks into what is at at: if keys count, somebody has to. */
static int check_unseen(const struct check *c, uint64_t at)
{
	char tag = weft__json_tag(c->doc, at);

	if (!c->strictly || (tag != '{' && tag != '['))
		return 0;
	return weft_json_check_keys((weft_json){ c->doc, at }, NULL);
}

static int check_array(struct check *c, const struct node *n, uint64_t at)
{
	uint64_t end = weft__json_end(c->doc, at);
	uint64_t count = weft_json_count((weft_json){ c->doc, at });
	uint32_t i = 0;

	if (count < n->min_items)
		return wrong(c, at, "fewer than %llu items", (unsigned long long)n->min_items);
	if (count > n->max_items)
		return wrong(c, at, "more than %llu items", (unsigned long long)n->max_items);
	for (uint64_t item = at + 1; item < end; item = weft__json_after(c->doc, item), i++) {
		const struct node *node = i < n->prefix_items.count ? n->prefix_items.nodes[i] : n->items;
		int r = node ? check(c, node, item) : check_unseen(c, item);

		if (r < 0)
			return r;
	}
	return 0;
}

/* Members often come in the order of the schema: look at hint first. NULL: no such property. */
static inline const struct property *property_find(const struct node *n, weft_str name, uint32_t hint)
{
	if (hint < n->property_count && weft__json_key_eq(n->properties[hint].name, name))
		return &n->properties[hint];
	for (uint32_t i = 0; i < n->property_count; i++) {
		if (weft__json_key_eq(n->properties[i].name, name))
			return &n->properties[i];
	}
	return NULL;
}

static __attribute__((noinline)) int check_missing(const struct check *c, const struct node *n, uint64_t at)
{
	weft_json v = { c->doc, at };

	for (uint32_t i = 0; i < n->property_count; i++) {
		if (n->properties[i].required && !weft_json_find(v, n->properties[i].name).doc)
			return wrong(c, at, "'%.*s' is required", WEFT_STR_ARG(n->properties[i].name));
	}
	return 0;
}

static bool is_repeated(const struct check *c, uint64_t at)
{
	weft_str key;

	return weft__json_object_repeats(c->doc, at, &key) != 0;
}

static int check_object(struct check *c, const struct node *n, uint64_t at)
{
	uint64_t end = weft__json_end(c->doc, at);
	uint64_t seen = 0, again = 0; /* of the first 64 properties */
	uint32_t next = 0, others = 0;

	for (uint64_t member = at + 1; member < end; member = weft__json_after(c->doc, member + 1)) {
		const struct property *p = property_find(n, weft__json_str(c->doc, member), next);
		const struct node *node = p && p->node ? p->node : n->additional;
		int r;

		if (p)
			next = (uint32_t)(p - n->properties) + 1;
		if (p && next <= 64) {
			again |= seen & UINT64_C(1) << (next - 1);
			seen |= UINT64_C(1) << (next - 1);
		} else {
			others++;
		}
		if (node && node == n->additional && node->groups & N_NEVER)
			return wrong(c, member + 1, "there is no such property");
		r = node ? check(c, node, member + 1) : check_unseen(c, member + 1);
		if (r < 0)
			return r;
	}
	if (c->strictly && (again || (others > 1 && is_repeated(c, at))))
		return WEFT_EPARSE;
	return (seen & n->required) == n->required && !n->required_later ? 0 : check_missing(c, n, at);
}

/* ---- all together ---------------------------------------------------------------- */

static int check_combined(struct check *c, const struct node *n, uint64_t at)
{
	uint32_t passed = 0;
	int r = n->ref ? check(c, n->ref, at) : 0;

	for (uint32_t i = 0; r == 0 && i < n->all_of.count; i++)
		r = check(c, n->all_of.nodes[i], at);
	if (r < 0)
		return r;
	for (uint32_t i = 0; i < n->any_of.count && !passed; i++)
		passed += passes(c, n->any_of.nodes[i], at);
	if (n->any_of.count && !passed)
		return wrong(c, at, "fits none of anyOf");
	passed = 0;
	for (uint32_t i = 0; i < n->one_of.count && passed < 2; i++)
		passed += passes(c, n->one_of.nodes[i], at);
	if (n->one_of.count && passed != 1)
		return wrong(c, at, passed ? "fits more than one of oneOf" : "fits none of oneOf");
	if (n->not_ && passes(c, n->not_, at))
		return wrong(c, at, "fits what is not allowed");
	return *c->steps ? 0 : wrong(c, at, "the schema asks for too much work");
}

static bool type_fits(const struct node *n, weft_json v, weft_json_type type)
{
	double d = 0;

	if (n->types & (1u << type))
		return true;
	/* 1.0 is an integer */
	return type == WEFT_JSON_DOUBLE && (n->types & T_WHOLE) && weft_json_get_double(v, &d) && d == trunc(d);
}

/* Keys are looked at by one: the node that names the members, or who walks all of them. */
static int check_groups(struct check *c, const struct node *n, uint64_t at, weft_json_type type)
{
	uint32_t groups = n->groups;
	bool strictly = c->strictly;
	int r = 0;

	if (groups & N_VALUES)
		r = check_values(c, n, at);
	if (r == 0 && !(type == WEFT_JSON_OBJECT && groups & N_OBJECT) && !(type == WEFT_JSON_ARRAY && groups & N_ARRAY))
		r = check_unseen(c, at);
	if (r == 0 && type == WEFT_JSON_OBJECT && groups & N_OBJECT)
		r = check_object(c, n, at);
	else if (r == 0 && type == WEFT_JSON_ARRAY && groups & N_ARRAY)
		r = check_array(c, n, at);
	else if (r == 0 && type == WEFT_JSON_STRING && groups & N_STRING)
		r = check_string(c, n, at);
	else if (r == 0 && (1u << type) & T_NUMBER && groups & N_NUMBER)
		r = check_number(c, n, at);
	c->strictly = false; /* the others look at the same members */
	if (r == 0 && groups & N_COMBINED)
		r = check_combined(c, n, at);
	c->strictly = strictly;
	return r;
}

static int check(struct check *c, const struct node *n, uint64_t at)
{
	weft_json_type type = weft__json_type(c->doc, at);
	int r;

	if (!type_fits(n, (weft_json){ c->doc, at }, type))
		return wrong_type(c, n, at);
	if (!n->groups)
		return check_unseen(c, at);
	if (n->groups & N_NEVER)
		return wrong(c, at, "nothing is allowed here");
	if (c->depth == DEPTH_MAX)
		*c->steps = 0; /* for good, also where a failure would be a "not" come true */
	if (!*c->steps)
		return wrong(c, at, "the schema asks for too much work");
	--*c->steps;
	c->depth++;
	r = check_groups(c, n, at, type);
	c->depth--;
	return r;
}

static int check_root(struct check *c, const weft_json_schema *schema)
{
	uint64_t steps = STEPS_MIN + STEPS_A_WORD * (weft__json_after(c->doc, c->root) - c->root);

	c->steps = &steps;
	return check(c, schema->root, c->root);
}

int weft_json_schema_check(const weft_json_schema *schema, weft_json value, weft_error *err)
{
	struct check c = { .doc = weft__json_doc_of(value), .err = err, .root = value.index };

	if (!schema || !c.doc)
		return weft_error_set(err, WEFT_ESCHEMA, "at /: there is no value");
	return check_root(&c, schema);
}

int weft__json_schema_check_strictly(const weft_json_schema *schema, weft_json value)
{
	struct check c = { .doc = weft__json_doc_of(value), .root = value.index, .strictly = true };

	return c.doc ? check_root(&c, schema) : WEFT_ESCHEMA;
}
