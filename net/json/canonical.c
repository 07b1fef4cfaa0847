/* SPDX-License-Identifier: Apache-2.0 */
/*
 * net/json/canonical.c - one hash for all spellings of a value.
 *
 * The value is walked in a canonical order (object members by key) and fed to XXH3
 * with a tag a value and a length a string, so that no two values feed the same
 * bytes. Numbers: integers that fit are fed as integers, also when written 1.0 or 1e0.
 */
#include <weft/json.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#define MEMBERS_ON_STACK 16u
#define BUFFER_BYTES 512u

/* Small values are gathered and hashed in one go; what does not fit is streamed. */
struct feed {
	size_t len;
	XXH3_state_t *stream; /* NULL while all fits */
	bool failed;
	char buf[BUFFER_BYTES];
};

struct member {
	weft_str key;
	weft_json value;
};

static void feed_bytes(struct feed *f, const void *bytes, size_t n)
{
	if (f->len + n <= sizeof(f->buf)) {
		memcpy(f->buf + f->len, bytes, n);
		f->len += n;
		return;
	}
	if (!f->stream) {
		f->stream = XXH3_createState();
		if (!f->stream) {
			f->failed = true;
			return;
		}
		XXH3_128bits_reset(f->stream);
	}
	XXH3_128bits_update(f->stream, f->buf, f->len);
	f->len = 0;
	if (n > sizeof(f->buf)) {
		XXH3_128bits_update(f->stream, bytes, n);
		return;
	}
	memcpy(f->buf, bytes, n);
	f->len = n;
}

static void feed_tag(struct feed *f, char tag)
{
	feed_bytes(f, &tag, 1);
}

static void feed_str(struct feed *f, weft_str s)
{
	uint64_t n = s.len_bytes;

	feed_bytes(f, &n, sizeof(n));
	if (s.len_bytes)
		feed_bytes(f, s.ptr, s.len_bytes);
}

static int by_key(const void *a, const void *b)
{
	const struct member *x = a, *y = b;
	size_t n = x->key.len_bytes < y->key.len_bytes ? x->key.len_bytes : y->key.len_bytes;
	int c = n ? memcmp(x->key.ptr, y->key.ptr, n) : 0;

	return c ? c : (x->key.len_bytes > y->key.len_bytes) - (x->key.len_bytes < y->key.len_bytes);
}

static void sort(struct member *m, size_t n)
{
	if (n > MEMBERS_ON_STACK) {
		qsort(m, n, sizeof(*m), by_key);
		return;
	}
	for (size_t i = 1; i < n; i++) { /* few, and often in order already */
		struct member x = m[i];
		size_t j = i;

		for (; j && by_key(&m[j - 1], &x) > 0; j--)
			m[j] = m[j - 1];
		m[j] = x;
	}
}

static void feed_value(struct feed *f, weft_json v);

static void feed_object(struct feed *f, weft_json v)
{
	struct member few[MEMBERS_ON_STACK], *all = few;
	size_t n = 0, cap = MEMBERS_ON_STACK;
	weft_json_iter it;

	for (it = weft_json_iter_begin(v); weft_json_iter_next(&it);) {
		if (n == cap) {
			struct member *more = weft_malloc(cap * 2 * sizeof(*more));

			if (!more) {
				f->failed = true;
				break;
			}
			memcpy(more, all, n * sizeof(*more));
			if (all != few)
				weft_free(all);
			all = more;
			cap *= 2;
		}
		all[n++] = (struct member){ .key = it.key, .value = it.value };
	}
	sort(all, n);
	feed_tag(f, '{');
	for (size_t i = 0; i < n; i++) {
		feed_str(f, all[i].key);
		feed_value(f, all[i].value);
	}
	feed_tag(f, '}');
	if (all != few)
		weft_free(all);
}

static void feed_number(struct feed *f, weft_json v)
{
	int64_t i;
	double d;

	if (weft_json_get_int(v, &i)) {
		feed_tag(f, 'i');
		feed_bytes(f, &i, sizeof(i));
		return;
	}
	if (!weft_json_get_double(v, &d))
		return;
	if (d >= -9007199254740992.0 && d <= 9007199254740992.0 && d == trunc(d)) {
		i = (int64_t)d; /* 1.0 is 1, -0.0 is 0 */
		feed_tag(f, 'i');
		feed_bytes(f, &i, sizeof(i));
		return;
	}
	feed_tag(f, 'd');
	feed_bytes(f, &d, sizeof(d));
}

static void feed_value(struct feed *f, weft_json v)
{
	weft_json_iter it;
	weft_str s = { 0 };
	bool b = false;

	switch (weft_json_typeof(v)) {
	case WEFT_JSON_OBJECT:
		feed_object(f, v);
		return;
	case WEFT_JSON_ARRAY:
		feed_tag(f, '[');
		for (it = weft_json_iter_begin(v); weft_json_iter_next(&it);)
			feed_value(f, it.value);
		feed_tag(f, ']');
		return;
	case WEFT_JSON_STRING:
		weft_json_get_str(v, &s);
		feed_tag(f, '"');
		feed_str(f, s);
		return;
	case WEFT_JSON_INT:
	case WEFT_JSON_DOUBLE:
		feed_number(f, v);
		return;
	case WEFT_JSON_BOOL:
		weft_json_get_bool(v, &b);
		feed_tag(f, b ? 't' : 'f');
		return;
	case WEFT_JSON_NULL:
		feed_tag(f, 'n');
		return;
	case WEFT_JSON_NONE:
		feed_tag(f, '-');
		return;
	}
}

weft_hash128 weft_json_canonical_hash(weft_json value)
{
	struct feed f;
	XXH128_hash_t h;

	f.len = 0;
	f.stream = NULL;
	f.failed = false;
	feed_value(&f, value);
	if (f.stream) {
		XXH3_128bits_update(f.stream, f.buf, f.len);
		h = XXH3_128bits_digest(f.stream);
		XXH3_freeState(f.stream);
	} else {
		h = XXH3_128bits(f.buf, f.len);
	}
	if (f.failed) /* out of memory: equal to nothing, not even to itself before */
		h.high64 ^= (uintptr_t)&f;
	return (weft_hash128){ .lo = h.low64, .hi = h.high64 };
}
