/* SPDX-License-Identifier: Apache-2.0 */
/* actors/values.c - open addressing, linear probing, at most three quarters full; nothing is ever taken out. */
#include "actors/values.h"

#include <errno.h>

#define CAP_FIRST 32u

/* FNV-1a: keys are short, and made by providers, not by strangers. */
static uint32_t hash_of(weft_str s)
{
	uint32_t h = 2166136261u;

	for (size_t i = 0; i < s.len_bytes; i++)
		h = (h ^ (unsigned char)s.ptr[i]) * 16777619u;
	return h;
}

/* The key's place, or the free one where it belongs. */
static struct weft__value *place_of(const struct weft__values *v, weft_str key, uint32_t hash)
{
	uint32_t mask = v->cap - 1;

	for (uint32_t i = hash & mask;; i = (i + 1) & mask) {
		struct weft__value *p = &v->places[i];

		if (!p->key.ptr || (p->hash == hash && weft_str_eq(p->key, key)))
			return p;
	}
}

static int grow(struct weft__values *v, weft_arena *arena)
{
	struct weft__values bigger = {.count = v->count, .cap = v->cap ? v->cap * 2 : CAP_FIRST};

	bigger.places = weft_arena_calloc(arena, bigger.cap * sizeof(*bigger.places));
	if (!bigger.places)
		return -ENOMEM;
	for (uint32_t i = 0; i < v->cap; i++) {
		if (v->places[i].key.ptr)
			*place_of(&bigger, v->places[i].key, v->places[i].hash) = v->places[i];
	}
	*v = bigger;
	return 0;
}

int weft__values_put(struct weft__values *v, weft_arena *arena, weft_str key, weft_str value)
{
	uint32_t hash = hash_of(key);
	struct weft__value *p;
	int r;

	if (!key.ptr || key.len_bytes == 0)
		return -EINVAL;
	if ((v->count + 1) * 4 > v->cap * 3) {
		r = grow(v, arena);
		if (r < 0)
			return r;
	}
	p = place_of(v, key, hash);
	v->count += !p->key.ptr;
	*p = (struct weft__value){key, value, hash};
	return 0;
}

bool weft__values_get(const struct weft__values *v, weft_str key, weft_str *ret_value)
{
	const struct weft__value *p;

	if (v->cap == 0)
		return false;
	p = place_of(v, key, hash_of(key));
	if (!p->key.ptr)
		return false;
	*ret_value = p->value;
	return true;
}
