/* SPDX-License-Identifier: Apache-2.0 */
/*
 * actors/config.h - a JSON file of configuration, read into structs by tables of their members.
 *
 * Members that are not known, or given twice, are errors with the line they stand on: a typing error must not become a
 * default.
 */
#ifndef WEFT_ACTORS_CONFIG_H
#define WEFT_ACTORS_CONFIG_H

#include <stddef.h>

#include <weft/alloc.h>
#include <weft/error.h>
#include <weft/json.h>

#define WEFT__PLACE_BYTES 160u

struct weft__config {
	const char *path;
	weft_json_doc *doc; /* owned */
	weft_arena *arena;  /* owned; what was read */
	weft_error *err;    /* may be NULL */
};

/* Where in the file something stands: a JSON pointer. */
struct weft__place {
	char text[WEFT__PLACE_BYTES];
};

/* What a member is, and how it is kept. */
enum weft__config_kind {
	WEFT__CONFIG_TEXT,    /* const char *, in the arena */
	WEFT__CONFIG_BOOL,    /* bool */
	WEFT__CONFIG_UINT,    /* uint32_t, up to INT32_MAX */
	WEFT__CONFIG_COUNT,   /* int32_t that is not negative */
	WEFT__CONFIG_INT,     /* int64_t, of 32 bits */
	WEFT__CONFIG_LARGE,   /* uint64_t, up to 2^53 */
	WEFT__CONFIG_SECONDS, /* uint64_t of ns; more than 0, up to a day; a fraction is fine */
	WEFT__CONFIG_MONEY,   /* uint64_t of millionths; not negative, up to a billion */
	WEFT__CONFIG_SHARE    /* float from 0 to 1 */
};

struct weft__config_member {
	const char *name; /* NULL ends a table */
	enum weft__config_kind kind;
	size_t offset;
};

/** Read and parse the file. @return 0, or weft_json_parse_file's, WEFT_EPARSE (a key twice), -ENOMEM; close is fine either way */
int weft__config_open(struct weft__config *c, const char *path, weft_error *err);
void weft__config_close(struct weft__config *c);

struct weft__place weft__place_below(const struct weft__place *place, weft_str key);
/** Say what is wrong with what stands there. @return WEFT_ECONFIG */
int weft__config_bad(const struct weft__config *c, const struct weft__place *place, const char *why);
/** @return -ENOMEM */
int weft__config_no_memory(const struct weft__config *c);

const struct weft__config_member *weft__config_find(const struct weft__config_member *list, weft_str name);
/** One value into its field of `to`. @return 0, WEFT_ECONFIG, -ENOMEM */
int weft__config_value(const struct weft__config *c, const struct weft__place *place, const struct weft__config_member *m,
                       weft_json value, void *to);
/** An object whose members are all in the list. */
int weft__config_object(const struct weft__config *c, const struct weft__place *place, const struct weft__config_member *list,
                        weft_json object, void *to);

#endif
