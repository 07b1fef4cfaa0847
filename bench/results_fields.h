/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench/results_fields.h - how result files are read: each object of the format is a table of its fields, and a
 * place in the file is a chain on the stack, written out only when something is wrong there.
 *
 * Functions return 0 unless they say otherwise, or a negative number after they filled the reader's error.
 */
#ifndef WEFT_BENCH_RESULTS_FIELDS_H
#define WEFT_BENCH_RESULTS_FIELDS_H

#include <stddef.h>

#include "bench/results.h"

struct bench_reader {
	weft_arena *arena;
	const char *name; /* of the file, as errors say it */
	weft_error *err;  /* may be NULL */
};

struct bench_place {
	const struct bench_place *up; /* NULL: the root */
	weft_str key;                 /* empty: an element */
	size_t index;
};

enum bench_field_kind {
	BENCH_AMOUNT, /* double, not negative; NAN where it is not given */
	BENCH_NUMBER, /* double; as above */
	BENCH_SHARE,  /* double, 0 to 1; as above */
	BENCH_SMALL,  /* uint32_t */
	BENCH_LARGE,  /* uint64_t, as far as an int64_t holds it */
	BENCH_FLAG,   /* bool */
	BENCH_NAME,   /* const char *: short, not empty, no control characters */
	BENCH_TEXT,   /* const char *: control characters become blanks */
};

struct bench_field {
	const char *key;
	enum bench_field_kind kind;
	bool required;
	size_t offset; /* of the member that takes it */
};

#define BENCH_FIELD(type, kind, key, member)                                                                 \
	{                                                                                                    \
		key, BENCH_##kind, false, offsetof(struct type, member)                                      \
	}
#define BENCH_NEEDED(type, kind, key, member)                                                                \
	{                                                                                                    \
		key, BENCH_##kind, true, offsetof(struct type, member)                                       \
	}
#define BENCH_COUNT(array) (sizeof(array) / sizeof((array)[0]))

int bench_read_refuse(const struct bench_reader *r, const struct bench_place *at, const char *why);
int bench_read_no_memory(const struct bench_reader *r);
struct bench_place bench_read_below(const struct bench_place *up, const char *key);
/** Neither missing nor null. */
bool bench_read_is_there(weft_json v);
/** Does text (up to its NUL at len_bytes) hold what must not reach a terminal? */
bool bench_read_has_control(weft_str text);
/** Those become blanks. */
void bench_read_clean(char *text, size_t len_bytes);

int bench_read_number(const struct bench_reader *r, const struct bench_place *at, weft_json v,
                      enum bench_field_kind kind, double *ret);
int bench_read_count(const struct bench_reader *r, const struct bench_place *at, weft_json v, int64_t max,
                     int64_t *ret);
/** One item of a list into `size` bytes that are all zeros. */
typedef int bench_read_item(const struct bench_reader *r, const struct bench_place *at, weft_json v, void *item);
/** The items of a list, one after the other, the arena's; NULL and 0 where the list is not there. Untouched on failure. */
int bench_read_items(const struct bench_reader *r, const struct bench_place *at, weft_json list, size_t max, size_t size,
                     bench_read_item *read, void *ret_items, uint32_t *ret_count);
/** The fields of an object into a struct that is all zeros. */
int bench_read_fields(const struct bench_reader *r, const struct bench_place *at, weft_json v,
                      const struct bench_field *fields, size_t count, void *to);
/** Those of a member that may be missing: they are not given then. */
int bench_read_part(const struct bench_reader *r, const struct bench_place *up, weft_json v, const char *key,
                    const struct bench_field *fields, size_t count, void *to);
/** Of a list of amounts: items are doubles. */
bench_read_item bench_read_amount;
/** [low, high], neither negative; NAN both where it is not there. */
int bench_read_interval(const struct bench_reader *r, const struct bench_place *up, weft_json v, const char *key, double *ret_low,
                        double *ret_high);
/** Which of these is the value of a field? The list ends with NULL. @return its place */
int bench_read_one_of(const struct bench_reader *r, const struct bench_place *up, const char *key,
                      const char *value, const char *const *of);

/* results_entry.c */
int bench_read_entry(const struct bench_reader *r, const struct bench_place *at, weft_json v,
                     struct bench_results_entry *e);

#endif
