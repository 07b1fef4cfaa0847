/* SPDX-License-Identifier: Apache-2.0 */
/*
 * actors/values.h - the named values of a composed state: a small hash table
 * in the turn's arena. A later value of a name replaces the earlier one.
 */
#ifndef WEFT_ACTORS_VALUES_H
#define WEFT_ACTORS_VALUES_H

#include <weft/alloc.h>
#include <weft/base.h>

struct weft__value {
	weft_str key; /* ptr NULL: a free place */
	weft_str value;
	uint32_t hash;
};

struct weft__values {               /* all zero is empty */
	struct weft__value *places; /* open addressing, linear probing, never more than 3/4 full */
	uint32_t count;
	uint32_t cap; /* power of two, or 0 */
};

/** key and value are borrowed. @return 0, -EINVAL (empty key), -ENOMEM */
int weft__values_put(struct weft__values *v, weft_arena *arena, weft_str key, weft_str value);
bool weft__values_get(const struct weft__values *v, weft_str key, weft_str *ret_value);

#endif
