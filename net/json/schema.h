/* SPDX-License-Identifier: Apache-2.0 */
/*
 * net/json/schema.h - a compiled schema: what schema.c makes and check.c reads.
 *
 * A node a subschema. Names, patterns' texts, enum and const values lead into the
 * schema's own document; nodes and lists lie in its arena.
 */
#ifndef WEFT_NET_JSON_SCHEMA_H
#define WEFT_NET_JSON_SCHEMA_H

#include "net/json/json.h"
#include "net/json/pattern.h"

enum { /* bit (1 << type) of the types that pass */
	T_NULL = 1 << WEFT_JSON_NULL,
	T_BOOL = 1 << WEFT_JSON_BOOL,
	T_INT = 1 << WEFT_JSON_INT,
	T_DOUBLE = 1 << WEFT_JSON_DOUBLE,
	T_STRING = 1 << WEFT_JSON_STRING,
	T_ARRAY = 1 << WEFT_JSON_ARRAY,
	T_OBJECT = 1 << WEFT_JSON_OBJECT,
	T_NUMBER = T_INT | T_DOUBLE,
	T_ALL = T_NULL | T_BOOL | T_NUMBER | T_STRING | T_ARRAY | T_OBJECT,
	T_WHOLE = 1 << 30 /* of the doubles, only those without fraction ("integer") */
};

/* Which groups of assertions a node has; what it has none of is not looked at. */
enum {
	N_VALUES = 1 << 0,   /* enum, const */
	N_NUMBER = 1 << 1,
	N_STRING = 1 << 2,
	N_ARRAY = 1 << 3,
	N_OBJECT = 1 << 4,
	N_COMBINED = 1 << 5, /* allOf, anyOf, oneOf, not, $ref */
	N_NEVER = 1 << 6     /* the schema false */
};

struct node;

struct property {
	weft_str name;
	const struct node *node; /* NULL: named by "required" only */
	bool required;
};

struct node_list {
	const struct node **nodes;
	uint32_t count;
};

struct node {
	uint32_t types, groups;
	uint32_t property_count;
	uint32_t required_later; /* how many required ones are not among the first 64 properties */
	uint64_t required;       /* those that are */
	struct property *properties;
	const struct node *additional; /* additionalProperties; NULL: anything */
	const struct node *items;
	struct node_list prefix_items, any_of, one_of, all_of;
	const struct node *not_, *ref;
	weft_json enum_values, const_value;
	double minimum, maximum, exclusive_minimum, exclusive_maximum, multiple_of;
	uint64_t min_items, max_items, min_length, max_length;
	struct weft__pattern *pattern; /* owned */
	weft_str pattern_text;
	uint64_t source; /* the subschema's place on the tape */
	struct node *next;
};

struct weft_json_schema {
	weft_arena *arena;  /* owned */
	weft_json_doc *doc; /* owned: a copy of the schema */
	struct node *nodes; /* all, the latest first */
	const struct node *root;
};

#endif
