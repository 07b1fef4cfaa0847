/* SPDX-License-Identifier: Apache-2.0 */
/*
 * net/codec/codec.h - what the formats share: the shape of a message, and putting values into it.
 *
 * A shape is a table: a struct's fields with their names, kinds, places and bounds. Each format walks the same tables in both
 * directions, so that none can know a field that another one does not. The number of a field in protobuf is its place
 * in the table, from 1.
 *
 *   public call -> codec.c: check.c, then  json.c | msgpack.c | protobuf.c -> the tables of shape.c
 */
#ifndef WEFT_NET_CODEC_CODEC_H
#define WEFT_NET_CODEC_CODEC_H

#include <weft/codec.h>
#include <weft/json.h>

enum weft__codec_kind {
	WEFT__CODEC_TEXT = 0, /* weft_str */
	WEFT__CODEC_JSON,     /* weft_str that holds a JSON object */
	WEFT__CODEC_UUID,
	WEFT__CODEC_TIME, /* int64_t */
	WEFT__CODEC_ROLE,
	WEFT__CODEC_FLAG, /* bool */
	WEFT__CODEC_LIST  /* a pointer to structs, and their number */
};

struct weft__codec_shape;

struct weft__codec_field {
	weft_str name;
	enum weft__codec_kind kind;
	uint32_t offset;       /* in the struct */
	uint32_t count_offset; /* LIST: of the uint32_t */
	uint32_t max;          /* TEXT, JSON: bytes; LIST: entries */
	const struct weft__codec_shape *items; /* LIST */
};

#define WEFT__CODEC_FIELDS_MAX 16u

struct weft__codec_shape {
	uint32_t size; /* of the struct */
	uint32_t count;
	struct weft__codec_field fields[WEFT__CODEC_FIELDS_MAX];
};

/* ---- shape.c ---------------------------------------------------------------------- */

extern const struct weft__codec_shape weft__codec_message_shape;

/* The field of that name, looked for from *hint on: fields often come in order. NULL: there is none. */
const struct weft__codec_field *weft__codec_field_find(const struct weft__codec_shape *shape, weft_str name,
                                                       uint32_t *hint);

static inline const void *weft__codec_at(const void *base, uint32_t offset)
{
	return (const char *)base + offset;
}

static inline weft_str weft__codec_str_of(const struct weft__codec_field *f, const void *from)
{
	return *(const weft_str *)weft__codec_at(from, f->offset);
}

static inline weft_uuid weft__codec_uuid_of(const struct weft__codec_field *f, const void *from)
{
	return *(const weft_uuid *)weft__codec_at(from, f->offset);
}

static inline weft_role weft__codec_role_of(const struct weft__codec_field *f, const void *from)
{
	return *(const weft_role *)weft__codec_at(from, f->offset);
}

static inline int64_t weft__codec_time_of(const struct weft__codec_field *f, const void *from)
{
	return *(const int64_t *)weft__codec_at(from, f->offset);
}

static inline uint32_t weft__codec_count_of(const struct weft__codec_field *f, const void *from)
{
	return *(const uint32_t *)weft__codec_at(from, f->count_offset);
}

/* Entry i of a list. */
static inline const void *weft__codec_entry_of(const struct weft__codec_field *f, const void *from, uint32_t i)
{
	return *(const char *const *)weft__codec_at(from, f->offset) + (size_t)i * f->items->size;
}

/* Is it left out: empty, nil, 0? A role never is. */
bool weft__codec_is_default(const struct weft__codec_field *f, const void *from);

#define WEFT__CODEC_ROLES 4u
weft_str weft__codec_role_name(weft_role role); /* of one of the four */
/* false: no role has that name */
bool weft__codec_role_find(weft_str name, weft_role *ret);

/* ---- where in a message ----------------------------------------------------------- */

#define WEFT__CODEC_NOWHERE SIZE_MAX

/* "[message].field[entry].part": what an error is about. */
struct weft__codec_path {
	int64_t message; /* -1: it is no list */
	const struct weft__codec_field *field;
	int64_t entry; /* -1: the field itself */
	const struct weft__codec_field *part;
};

/* Set err: the path, what is wrong, and the byte where (WEFT__CODEC_NOWHERE: not known). @return code */
int weft__codec_fail(weft_error *err, const struct weft__codec_path *path, size_t offset, int code, const char *fmt, ...)
	WEFT_PRINTF(5, 6);

/* ---- check.c ---------------------------------------------------------------------- */

/* Bounds and UTF-8 (unless that is known) of a text, and whether it is an object where it has to be. */
int weft__codec_check_str(const struct weft__codec_field *f, weft_str s, bool is_utf8,
                          const struct weft__codec_path *path, size_t offset, weft_error *err);
/* All of a message. */
int weft__codec_check(const weft_codec_message *message, struct weft__codec_path *path, weft_error *err);
/* That an object is not nested too deep. */
int weft__codec_check_depth(weft_json v, const struct weft__codec_path *path, size_t offset, weft_error *err);

/* ---- the formats ------------------------------------------------------------------ */

/* What is encoded: checked before. */
struct weft__codec_out {
	const weft_codec_message *messages;
	uint32_t count;
	bool is_list; /* else count is 1 */
	weft_buffer *to;
};

/* What is decoded, and into what. */
struct weft__codec_in {
	weft_str bytes;
	bool is_list;
	bool borrow;
	bool is_utf8; /* text was looked at already */
	weft_arena *arena;
	weft_error *err;
	weft_codec_message *messages; /* out: in arena for a list; the caller's one else */
	uint32_t count;
};

/* 0 or a negative error; encoding fails with -ENOMEM only. */
struct weft__codec_ops {
	int (*encode)(const struct weft__codec_out *out);
	int (*decode)(struct weft__codec_in *in);
};

extern const struct weft__codec_ops weft__codec_json, weft__codec_msgpack, weft__codec_protobuf;

/* ---- codec.c: putting values into a struct that is zero so far ---------------------- */

/* Room for the messages of a list of count, or the one there is. -EMSGSIZE, -ENOMEM. */
int weft__codec_in_begin(struct weft__codec_in *in, size_t count, size_t offset);
/* A text: TEXT, JSON, ROLE by name, UUID by its 36 characters. Copied unless may_borrow. */
int weft__codec_put_str(struct weft__codec_in *in, const struct weft__codec_field *f, void *to, weft_str s,
                        bool may_borrow, const struct weft__codec_path *path, size_t offset);
/* An id of 16 bytes. */
int weft__codec_put_id(struct weft__codec_in *in, const struct weft__codec_field *f, void *to, weft_str bytes,
                       const struct weft__codec_path *path, size_t offset);
/* Room for the entries of a list; zeroed. */
int weft__codec_put_list(struct weft__codec_in *in, const struct weft__codec_field *f, void *to, size_t count,
                         const struct weft__codec_path *path, size_t offset, void **ret_entries);

/* The value is of another type than the field: says what was expected. */
int weft__codec_wrong_type(weft_error *err, const struct weft__codec_field *f, const struct weft__codec_path *path,
                           size_t offset);

#endif
