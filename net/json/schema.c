/* SPDX-License-Identifier: Apache-2.0 */
/*
 * net/json/schema.c - the part of JSON Schema 2020-12 that tools use, compiled once
 * into a tree of nodes and checked without allocating.
 *
 * A node lists its assertions. References are resolved after compiling, so they may
 * be recursive; the depth of a check is bounded by the depth of the value (64) times
 * the references followed, which is bounded too. Errors say where in the value, and what.
 */
#include <weft/json.h>

#include <errno.h>
#include <math.h>
#include <regex.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define CHECK_DEPTH_MAX 256

enum { /* bit (1 << type) of the types that pass */
	T_NULL = 1 << WEFT_JSON_NULL,
	T_BOOL = 1 << WEFT_JSON_BOOL,
	T_INT = 1 << WEFT_JSON_INT,
	T_DOUBLE = 1 << WEFT_JSON_DOUBLE,
	T_STRING = 1 << WEFT_JSON_STRING,
	T_ARRAY = 1 << WEFT_JSON_ARRAY,
	T_OBJECT = 1 << WEFT_JSON_OBJECT,
	T_ALL = T_NULL | T_BOOL | T_INT | T_DOUBLE | T_STRING | T_ARRAY | T_OBJECT,
	T_WHOLE = 1 << 30 /* of the doubles, only those without fraction ("integer") */
};

struct node;

struct property {
	weft_str name;
	struct node *schema; /* NULL: only required */
	bool required;
};

struct node_list {
	struct node **nodes;
	uint32_t count;
};

struct node {
	uint32_t types;
	bool never; /* the schema false */
	struct property *properties;
	uint32_t property_count, required_count;
	struct node *additional; /* additionalProperties; NULL: anything */
	struct node *items;
	struct node_list prefix_items, any_of, one_of, all_of;
	struct node *not_;
	struct node *ref;
	weft_str ref_text; /* until resolved */
	weft_json enum_values, const_value;
	double minimum, maximum, exclusive_minimum, exclusive_maximum, multiple_of;
	uint64_t min_items, max_items, min_length, max_length;
	regex_t *pattern;
	weft_str pattern_text;
	struct node *next; /* all nodes, for freeing */
	weft_json source;  /* for resolving references to it */
};

struct weft_json_schema {
	weft_arena *arena;
	weft_json_doc *doc; /* a copy of the schema: enum values and names lead into it */
	struct node *nodes, *root;
};

struct compiler {
	weft_json_schema *schema;
	weft_error *err;
	char path[160];
	size_t path_len;
};

/* ---- compiling ------------------------------------------------------------------- */

static int complain(struct compiler *c, const char *what)
{
	return weft_error_set(c->err, WEFT_ESCHEMA, "schema at %s: %s", c->path_len ? c->path : "/", what);
}

static size_t path_push(struct compiler *c, weft_str step)
{
	size_t before = c->path_len;
	int n = snprintf(c->path + c->path_len, sizeof(c->path) - c->path_len, "/%.*s", (int)step.len_bytes, step.ptr);

	if (n > 0)
		c->path_len += (size_t)n < sizeof(c->path) - c->path_len ? (size_t)n : sizeof(c->path) - c->path_len - 1;
	return before;
}

static void path_pop(struct compiler *c, size_t before)
{
	c->path_len = before;
	c->path[before] = '\0';
}

static int compile(struct compiler *c, weft_json v, struct node **ret);

static int compile_at(struct compiler *c, weft_str step, weft_json v, struct node **ret)
{
	size_t before = path_push(c, step);
	int r = compile(c, v, ret);

	path_pop(c, before);
	return r;
}

static bool type_bit(weft_str name, uint32_t *types)
{
	static const struct {
		const char *name;
		uint32_t types;
	} all[] = { { "null", T_NULL },     { "boolean", T_BOOL }, { "integer", T_INT | T_WHOLE }, { "number", T_INT | T_DOUBLE },
		    { "string", T_STRING }, { "array", T_ARRAY },  { "object", T_OBJECT } };

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		if (weft_str_eq(name, weft_str_from(all[i].name))) {
			*types |= all[i].types;
			return true;
		}
	}
	return false;
}

static int key_type(struct compiler *c, struct node *n, weft_json v)
{
	weft_json_iter it;
	weft_str s;

	n->types = 0;
	if (weft_json_get_str(v, &s))
		return type_bit(s, &n->types) ? 0 : complain(c, "unknown type");
	if (weft_json_typeof(v) != WEFT_JSON_ARRAY || !weft_json_count(v))
		return complain(c, "type must be a name or an array of names");
	for (it = weft_json_iter_begin(v); weft_json_iter_next(&it);) {
		if (!weft_json_get_str(it.value, &s) || !type_bit(s, &n->types))
			return complain(c, "unknown type");
	}
	return 0;
}

static struct property *property_of(struct node *n, weft_str name)
{
	for (uint32_t i = 0; i < n->property_count; i++) {
		if (weft_str_eq(n->properties[i].name, name))
			return &n->properties[i];
	}
	return NULL;
}

/* Room for the properties of both "properties" and "required". */
static int properties_reserve(struct compiler *c, struct node *n, weft_json schema)
{
	size_t cap = weft_json_count(weft_json_find(schema, WEFT_STR("properties"))) +
	             weft_json_count(weft_json_find(schema, WEFT_STR("required")));

	if (!cap || n->properties)
		return 0;
	n->properties = weft_arena_calloc(c->schema->arena, cap * sizeof(*n->properties));
	return n->properties ? 0 : -ENOMEM;
}

static int key_properties(struct compiler *c, struct node *n, weft_json v)
{
	weft_json_iter it;
	int r = 0;

	if (weft_json_typeof(v) != WEFT_JSON_OBJECT)
		return complain(c, "properties must be an object");
	for (it = weft_json_iter_begin(v); r == 0 && weft_json_iter_next(&it);) {
		struct property *p = property_of(n, it.key);

		if (!p) {
			p = &n->properties[n->property_count++];
			p->name = it.key;
		}
		r = compile_at(c, it.key, it.value, &p->schema);
	}
	return r;
}

static int key_required(struct compiler *c, struct node *n, weft_json v)
{
	weft_json_iter it;
	weft_str name;

	if (weft_json_typeof(v) != WEFT_JSON_ARRAY)
		return complain(c, "required must be an array of names");
	for (it = weft_json_iter_begin(v); weft_json_iter_next(&it);) {
		struct property *p;

		if (!weft_json_get_str(it.value, &name))
			return complain(c, "required must be an array of names");
		p = property_of(n, name);
		if (!p) {
			p = &n->properties[n->property_count++];
			p->name = name;
		}
		n->required_count += !p->required;
		p->required = true;
	}
	return 0;
}

static int key_list(struct compiler *c, struct node_list *list, weft_json v)
{
	weft_json_iter it;
	char step[12];
	int r = 0;

	if (weft_json_typeof(v) != WEFT_JSON_ARRAY || !weft_json_count(v))
		return complain(c, "must be a non-empty array of schemas");
	list->nodes = weft_arena_calloc(c->schema->arena, weft_json_count(v) * sizeof(*list->nodes));
	if (!list->nodes)
		return -ENOMEM;
	for (it = weft_json_iter_begin(v); r == 0 && weft_json_iter_next(&it);) {
		snprintf(step, sizeof(step), "%u", list->count);
		r = compile_at(c, weft_str_from(step), it.value, &list->nodes[list->count]);
		list->count++;
	}
	return r;
}

static int key_number(struct compiler *c, double *ret, weft_json v)
{
	return weft_json_get_double(v, ret) ? 0 : complain(c, "must be a number");
}

static int key_count(struct compiler *c, uint64_t *ret, weft_json v)
{
	int64_t n;

	if (!weft_json_get_int(v, &n) || n < 0)
		return complain(c, "must be a whole number, not negative");
	*ret = (uint64_t)n;
	return 0;
}

static int key_pattern(struct compiler *c, struct node *n, weft_json v)
{
	weft_str s, copy;

	if (!weft_json_get_str(v, &s) || memchr(s.ptr, 0, s.len_bytes))
		return complain(c, "pattern must be a string");
	copy = weft_arena_dup(c->schema->arena, s);
	n->pattern = weft_arena_calloc(c->schema->arena, sizeof(*n->pattern));
	if (!copy.ptr || !n->pattern)
		return -ENOMEM;
	n->pattern_text = copy;
	if (regcomp(n->pattern, copy.ptr, REG_EXTENDED | REG_NOSUB) != 0) {
		n->pattern = NULL;
		return complain(c, "pattern is not a POSIX extended regular expression");
	}
	return 0;
}

static int key_enum(struct compiler *c, struct node *n, weft_json v)
{
	if (weft_json_typeof(v) != WEFT_JSON_ARRAY || !weft_json_count(v))
		return complain(c, "enum must be a non-empty array");
	n->enum_values = v;
	return 0;
}

static int key_ref(struct compiler *c, struct node *n, weft_json v)
{
	if (!weft_json_get_str(v, &n->ref_text) || !n->ref_text.len_bytes || n->ref_text.ptr[0] != '#')
		return complain(c, "$ref must lead into this schema (#/...)");
	return 0;
}

static int key_defs(struct compiler *c, weft_json v)
{
	weft_json_iter it;
	struct node *unused;
	int r = 0;

	if (weft_json_typeof(v) != WEFT_JSON_OBJECT)
		return complain(c, "must be an object of schemas");
	for (it = weft_json_iter_begin(v); r == 0 && weft_json_iter_next(&it);)
		r = compile_at(c, it.key, it.value, &unused);
	return r;
}

static bool is_annotation(weft_str key)
{
	static const char *const all[] = { "$schema", "$id", "$comment", "title", "description", "default", "examples",
		                           "deprecated", "readOnly", "writeOnly", "format", "contentEncoding",
		                           "contentMediaType", "$anchor" };

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		if (weft_str_eq(key, weft_str_from(all[i])))
			return true;
	}
	return false;
}

#define KEY(text) weft_str_eq(key, WEFT_STR(text))

static int compile_key(struct compiler *c, struct node *n, weft_str key, weft_json v)
{
	if (KEY("type"))
		return key_type(c, n, v);
	if (KEY("properties"))
		return key_properties(c, n, v);
	if (KEY("required"))
		return key_required(c, n, v);
	if (KEY("additionalProperties"))
		return compile(c, v, &n->additional);
	if (KEY("items"))
		return compile(c, v, &n->items);
	if (KEY("not"))
		return compile(c, v, &n->not_);
	if (KEY("prefixItems"))
		return key_list(c, &n->prefix_items, v);
	if (KEY("anyOf"))
		return key_list(c, &n->any_of, v);
	if (KEY("oneOf"))
		return key_list(c, &n->one_of, v);
	if (KEY("allOf"))
		return key_list(c, &n->all_of, v);
	if (KEY("enum"))
		return key_enum(c, n, v);
	if (KEY("const")) {
		n->const_value = v;
		return 0;
	}
	if (KEY("minimum"))
		return key_number(c, &n->minimum, v);
	if (KEY("maximum"))
		return key_number(c, &n->maximum, v);
	if (KEY("exclusiveMinimum"))
		return key_number(c, &n->exclusive_minimum, v);
	if (KEY("exclusiveMaximum"))
		return key_number(c, &n->exclusive_maximum, v);
	if (KEY("multipleOf")) {
		int r = key_number(c, &n->multiple_of, v);

		return r == 0 && n->multiple_of <= 0 ? complain(c, "multipleOf must be over 0") : r;
	}
	if (KEY("minItems"))
		return key_count(c, &n->min_items, v);
	if (KEY("maxItems"))
		return key_count(c, &n->max_items, v);
	if (KEY("minLength"))
		return key_count(c, &n->min_length, v);
	if (KEY("maxLength"))
		return key_count(c, &n->max_length, v);
	if (KEY("pattern"))
		return key_pattern(c, n, v);
	if (KEY("$ref"))
		return key_ref(c, n, v);
	if (KEY("$defs") || KEY("definitions"))
		return key_defs(c, v);
	return is_annotation(key) ? 0 : complain(c, "this keyword is not supported");
}

static struct node *node_make(struct compiler *c, weft_json source)
{
	struct node *n = weft_arena_calloc(c->schema->arena, sizeof(*n));

	if (!n)
		return NULL;
	n->types = T_ALL;
	n->minimum = n->exclusive_minimum = -INFINITY;
	n->maximum = n->exclusive_maximum = INFINITY;
	n->max_items = n->max_length = UINT64_MAX;
	n->source = source;
	n->next = c->schema->nodes;
	c->schema->nodes = n;
	return n;
}

static int compile(struct compiler *c, weft_json v, struct node **ret)
{
	struct node *n = node_make(c, v);
	weft_json_iter it;
	bool b;
	int r;

	if (!n)
		return -ENOMEM;
	*ret = n;
	if (weft_json_get_bool(v, &b)) {
		n->never = !b;
		return 0;
	}
	if (weft_json_typeof(v) != WEFT_JSON_OBJECT)
		return complain(c, "a schema is an object, true or false");
	r = properties_reserve(c, n, v);
	for (it = weft_json_iter_begin(v); r == 0 && weft_json_iter_next(&it);) {
		size_t before = path_push(c, it.key);

		r = compile_key(c, n, it.key, it.value);
		path_pop(c, before);
	}
	return r;
}

static bool same_value(weft_json a, weft_json b)
{
	return a.doc == b.doc && a.index == b.index;
}

/* "#", "#/$defs/name", ... */
static weft_json resolve_text(weft_json root, weft_str ref)
{
	weft_json v = root;
	const char *at = ref.ptr + 1, *end = ref.ptr + ref.len_bytes;

	while (at < end && *at == '/') {
		const char *stop = memchr(at + 1, '/', (size_t)(end - at - 1));

		stop = stop ? stop : end;
		v = weft_json_find(v, (weft_str){ at + 1, (size_t)(stop - at - 1) });
		at = stop;
	}
	return at == end ? v : (weft_json){ 0 };
}

static int resolve_refs(struct compiler *c)
{
	weft_json root = weft_json_root(c->schema->doc);

	for (struct node *n = c->schema->nodes; n; n = n->next) {
		weft_json target;

		if (!n->ref_text.len_bytes)
			continue;
		target = resolve_text(root, n->ref_text);
		for (struct node *m = c->schema->nodes; m && !n->ref; m = m->next) {
			if (weft_json_typeof(target) != WEFT_JSON_NONE && same_value(m->source, target))
				n->ref = m;
		}
		if (!n->ref)
			return weft_error_set(c->err, WEFT_ESCHEMA, "$ref '%.*s' leads to no schema",
			                      WEFT_STR_ARG(n->ref_text));
	}
	return 0;
}

/* The schema keeps a document of its own: the caller's may go. */
static int copy_source(weft_json_schema *s, weft_json v)
{
	weft_json_writer *w;
	weft_str text;
	int r = weft_json_writer_create(0, &w);

	if (r < 0)
		return r;
	weft_json_put_value(w, v);
	r = weft_json_writer_text(w, &text);
	if (r == 0)
		r = weft_json_parse(text, &s->doc, NULL);
	weft_json_writer_destroy(w);
	return r;
}

int weft_json_schema_compile(weft_json schema, weft_json_schema **ret_schema, weft_error *err)
{
	weft_json_schema *s;
	struct compiler c = { .err = err };
	int r;

	if (!ret_schema || weft_json_typeof(schema) == WEFT_JSON_NONE)
		return -EINVAL;
	s = weft_calloc(1, sizeof(*s));
	if (!s)
		return -ENOMEM;
	c.schema = s;
	r = weft_arena_create(0, &s->arena);
	if (r == 0)
		r = copy_source(s, schema);
	if (r == 0)
		r = compile(&c, weft_json_root(s->doc), &s->root);
	if (r == 0)
		r = resolve_refs(&c);
	if (r < 0) {
		weft_json_schema_destroy(s);
		return r;
	}
	*ret_schema = s;
	return 0;
}

void weft_json_schema_destroy(weft_json_schema *schema)
{
	if (!schema)
		return;
	for (struct node *n = schema->nodes; n; n = n->next) {
		if (n->pattern)
			regfree(n->pattern);
	}
	weft_json_release(schema->doc);
	weft_arena_destroy(schema->arena);
	weft_free(schema);
}

/* ---- checking ------------------------------------------------------------------------ */

struct place {
	const struct place *up;
	weft_str key;
	uint32_t index; /* when key.ptr is NULL */
};

struct check {
	weft_error *err; /* NULL: only yes or no */
	int depth;
};

static size_t place_text(const struct place *p, char *buf, size_t size)
{
	size_t at;
	int n;

	if (!p)
		return 0;
	at = place_text(p->up, buf, size);
	n = p->key.ptr ? snprintf(buf + at, size - at, "/%.*s", (int)p->key.len_bytes, p->key.ptr) :
	                 snprintf(buf + at, size - at, "/%u", p->index);
	at += n > 0 ? (size_t)n : 0;
	return at < size ? at : size - 1;
}

static int wrong(const struct check *c, const struct place *p, const char *fmt, ...) WEFT_PRINTF(3, 4);

static int wrong(const struct check *c, const struct place *p, const char *fmt, ...)
{
	char where[96] = "/", what[128];
	va_list args;

	if (!c->err)
		return WEFT_ESCHEMA;
	place_text(p, where, sizeof(where));
	va_start(args, fmt);
	vsnprintf(what, sizeof(what), fmt, args);
	va_end(args);
	return weft_error_set(c->err, WEFT_ESCHEMA, "at %s: %s", where, what);
}

static const char *type_name(uint32_t types)
{
	if (types & T_WHOLE && !(types & T_DOUBLE))
		return types == (T_INT | T_WHOLE) ? "integer" : "another type";
	switch (types) {
	case T_NULL: return "null";
	case T_BOOL: return "boolean";
	case T_INT: return "integer";
	case T_DOUBLE: return "number";
	case T_INT | T_DOUBLE: return "number";
	case T_STRING: return "string";
	case T_ARRAY: return "array";
	case T_OBJECT: return "object";
	default: return "another type";
	}
}

static int check(struct check *c, const struct node *n, weft_json v, const struct place *p);

static bool passes(const struct check *c, const struct node *n, weft_json v, const struct place *p)
{
	struct check quiet = { .err = NULL, .depth = c->depth };

	return check(&quiet, n, v, p) == 0;
}

static bool equal(weft_json a, weft_json b)
{
	weft_str s, t;
	weft_hash128 x, y;

	if (weft_json_get_str(a, &s))
		return weft_json_get_str(b, &t) && weft_str_eq(s, t);
	x = weft_json_canonical_hash(a);
	y = weft_json_canonical_hash(b);
	return x.lo == y.lo && x.hi == y.hi;
}

static int check_values(const struct check *c, const struct node *n, weft_json v, const struct place *p)
{
	weft_json_iter it;

	if (n->const_value.doc && !equal(n->const_value, v))
		return wrong(c, p, "is not the one value that is allowed");
	if (!n->enum_values.doc)
		return 0;
	for (it = weft_json_iter_begin(n->enum_values); weft_json_iter_next(&it);) {
		if (equal(it.value, v))
			return 0;
	}
	return wrong(c, p, "is none of the allowed values");
}

static int check_number(const struct check *c, const struct node *n, weft_json v, const struct place *p)
{
	double d = 0;

	weft_json_get_double(v, &d);
	if (d < n->minimum)
		return wrong(c, p, "less than the minimum %g", n->minimum);
	if (d > n->maximum)
		return wrong(c, p, "more than the maximum %g", n->maximum);
	if (d <= n->exclusive_minimum)
		return wrong(c, p, "must be more than %g", n->exclusive_minimum);
	if (d >= n->exclusive_maximum)
		return wrong(c, p, "must be less than %g", n->exclusive_maximum);
	if (n->multiple_of > 0) {
		double q = d / n->multiple_of;

		if (fabs(q - round(q)) > 1e-9 * (fabs(q) > 1 ? fabs(q) : 1))
			return wrong(c, p, "is not a multiple of %g", n->multiple_of);
	}
	return 0;
}

static uint64_t code_points(weft_str s)
{
	uint64_t n = 0;

	for (size_t i = 0; i < s.len_bytes; i++)
		n += ((unsigned char)s.ptr[i] & 0xc0) != 0x80;
	return n;
}

static int check_string(const struct check *c, const struct node *n, weft_json v, const struct place *p)
{
	weft_str s = { 0 };
	regmatch_t range;

	if (!n->pattern && !n->min_length && n->max_length == UINT64_MAX)
		return 0;
	weft_json_get_str(v, &s);
	if (n->min_length && code_points(s) < n->min_length)
		return wrong(c, p, "shorter than %llu characters", (unsigned long long)n->min_length);
	if (n->max_length != UINT64_MAX && code_points(s) > n->max_length)
		return wrong(c, p, "longer than %llu characters", (unsigned long long)n->max_length);
	if (n->pattern) {
		range = (regmatch_t){ .rm_so = 0, .rm_eo = (regoff_t)s.len_bytes };
		if (regexec(n->pattern, s.ptr ? s.ptr : "", 1, &range, REG_STARTEND) != 0)
			return wrong(c, p, "does not match the pattern '%.*s'", WEFT_STR_ARG(n->pattern_text));
	}
	return 0;
}

static int check_array(struct check *c, const struct node *n, weft_json v, const struct place *p)
{
	weft_json_iter it;
	uint32_t i = 0;
	int r = 0;

	for (it = weft_json_iter_begin(v); r == 0 && weft_json_iter_next(&it); i++) {
		struct place here = { .up = p, .index = i };
		const struct node *item = i < n->prefix_items.count ? n->prefix_items.nodes[i] : n->items;

		if (item)
			r = check(c, item, it.value, &here);
	}
	if (r == 0 && i < n->min_items)
		return wrong(c, p, "fewer than %llu items", (unsigned long long)n->min_items);
	if (r == 0 && i > n->max_items)
		return wrong(c, p, "more than %llu items", (unsigned long long)n->max_items);
	return r;
}

static const struct property *property_find(const struct node *n, weft_str name)
{
	for (uint32_t i = 0; i < n->property_count; i++) {
		if (weft_str_eq(n->properties[i].name, name))
			return &n->properties[i];
	}
	return NULL;
}

static int missing(const struct check *c, const struct node *n, weft_json v, const struct place *p)
{
	for (uint32_t i = 0; i < n->property_count; i++) {
		if (n->properties[i].required && weft_json_typeof(weft_json_find(v, n->properties[i].name)) == WEFT_JSON_NONE)
			return wrong(c, p, "'%.*s' is required", WEFT_STR_ARG(n->properties[i].name));
	}
	return 0;
}

static int check_object(struct check *c, const struct node *n, weft_json v, const struct place *p)
{
	weft_json_iter it;
	uint64_t seen = 0; /* required properties among the first 64 */
	int r = 0;

	for (it = weft_json_iter_begin(v); r == 0 && weft_json_iter_next(&it);) {
		struct place here = { .up = p, .key = it.key };
		const struct property *known = property_find(n, it.key);

		if (known && known->required && known - n->properties < 64)
			seen |= UINT64_C(1) << (known - n->properties);
		if (known && known->schema)
			r = check(c, known->schema, it.value, &here);
		else if (!known && n->additional)
			r = n->additional->never ? wrong(c, &here, "there is no such property") :
			                           check(c, n->additional, it.value, &here);
	}
	if (r == 0 && (uint32_t)__builtin_popcountll(seen) != n->required_count)
		r = missing(c, n, v, p);
	return r;
}

static int check_combined(struct check *c, const struct node *n, weft_json v, const struct place *p)
{
	uint32_t passed = 0;
	int r = 0;

	for (uint32_t i = 0; r == 0 && i < n->all_of.count; i++)
		r = check(c, n->all_of.nodes[i], v, p);
	if (r < 0)
		return r;
	for (uint32_t i = 0; i < n->any_of.count && !passed; i++)
		passed += passes(c, n->any_of.nodes[i], v, p);
	if (n->any_of.count && !passed)
		return wrong(c, p, "fits none of anyOf");
	passed = 0;
	for (uint32_t i = 0; i < n->one_of.count; i++)
		passed += passes(c, n->one_of.nodes[i], v, p);
	if (n->one_of.count && passed != 1)
		return wrong(c, p, passed ? "fits more than one of oneOf" : "fits none of oneOf");
	if (n->not_ && passes(c, n->not_, v, p))
		return wrong(c, p, "fits what is not allowed");
	return n->ref ? check(c, n->ref, v, p) : 0;
}

static bool type_fits(const struct node *n, weft_json v, weft_json_type type)
{
	double d = 0;

	if (n->types & (1u << type))
		return true;
	/* 1.0 is an integer */
	return type == WEFT_JSON_DOUBLE && (n->types & T_WHOLE) && weft_json_get_double(v, &d) && d == trunc(d);
}

static int check(struct check *c, const struct node *n, weft_json v, const struct place *p)
{
	weft_json_type type = weft_json_typeof(v);
	int r = 0;

	if (n->never)
		return wrong(c, p, "nothing is allowed here");
	if (!type_fits(n, v, type))
		return wrong(c, p, "expected %s, found %s", type_name(n->types), type_name(1u << type));
	if (++c->depth > CHECK_DEPTH_MAX)
		return wrong(c, p, "the schema refers to itself too deeply");
	if (n->enum_values.doc || n->const_value.doc)
		r = check_values(c, n, v, p);
	if (r == 0 && (type == WEFT_JSON_INT || type == WEFT_JSON_DOUBLE))
		r = check_number(c, n, v, p);
	else if (r == 0 && type == WEFT_JSON_STRING)
		r = check_string(c, n, v, p);
	else if (r == 0 && type == WEFT_JSON_ARRAY)
		r = check_array(c, n, v, p);
	else if (r == 0 && type == WEFT_JSON_OBJECT)
		r = check_object(c, n, v, p);
	if (r == 0)
		r = check_combined(c, n, v, p);
	c->depth--;
	return r;
}

int weft_json_schema_check(const weft_json_schema *schema, weft_json value, weft_error *err)
{
	struct check c = { .err = err };

	if (!schema || weft_json_typeof(value) == WEFT_JSON_NONE)
		return weft_error_set(err, WEFT_ESCHEMA, "at /: no value");
	return check(&c, schema->root, value, NULL);
}
