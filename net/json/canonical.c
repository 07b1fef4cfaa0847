/* SPDX-License-Identifier: Apache-2.0 */
/*
 * net/json/canonical.c - one hash for all spellings of a value.
 *
 * The value is walked in a canonical order (object members by key, of keys given twice
 * the first) and fed to XXH3 with a tag a value and a length a string, so that no two
 * values feed the same bytes. A number that is a whole one within 64 bits is fed as such,
 * however it is spelled; so 1, 1.0 and 1e0 are one, and so are 0 and -0.0.
 *
 * Most values fit the buffer and are hashed in one go. Nothing here can fail: objects
 * too large for the stack are sorted in memory, or without any when there is none.
 */
#include "net/json/json.h"

#include <stdlib.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#define MEMBERS_ON_STACK 32u
#define BUFFER_BYTES 512u
#define STRING_BLOCK 32u /* simdjson keeps as many bytes readable behind every string */

struct feed {
	const weft_json_doc *doc;
	size_t len_bytes;
	XXH3_state_t *stream; /* where the buffer overflowed to; used is whether it has been */
	bool used;
	unsigned char buf[BUFFER_BYTES + STRING_BLOCK];
};

struct member {
	weft_str key;
	uint64_t at; /* of the value */
};

static __attribute__((noinline)) void feed_flush(struct feed *f)
{
	if (!f->used)
		XXH3_128bits_reset(f->stream);
	f->used = true;
	XXH3_128bits_update(f->stream, f->buf, f->len_bytes);
	f->len_bytes = 0;
}

static inline void feed_room(struct feed *f, size_t bytes)
{
	if (__builtin_expect(f->len_bytes + bytes > BUFFER_BYTES, 0))
		feed_flush(f);
}

static inline void feed_tag(struct feed *f, char tag)
{
	feed_room(f, 1);
	f->buf[f->len_bytes++] = (unsigned char)tag;
}

/* The tape's strings begin with their length: one copy takes both. */
static inline void feed_str(struct feed *f, weft_str s)
{
	const char *from = s.ptr - sizeof(uint32_t);
	size_t bytes = s.len_bytes + sizeof(uint32_t);

	feed_room(f, bytes);
	if (bytes <= STRING_BLOCK) {
		memcpy(f->buf + f->len_bytes, from, STRING_BLOCK);
		f->len_bytes += bytes;
	} else if (bytes <= BUFFER_BYTES) {
		memcpy(f->buf + f->len_bytes, from, bytes);
		f->len_bytes += bytes;
	} else {
		XXH3_128bits_update(f->stream, from, bytes);
	}
}

static inline void feed_number(struct feed *f, char tag, uint64_t bits)
{
	feed_room(f, 1 + sizeof(bits));
	f->buf[f->len_bytes++] = (unsigned char)tag;
	memcpy(f->buf + f->len_bytes, &bits, sizeof(bits));
	f->len_bytes += sizeof(bits);
}

static void feed_double(struct feed *f, double d)
{
	uint64_t bits;

	if (d >= -0x1p63 && d < 0x1p63 && d == (double)(int64_t)d) {
		feed_number(f, 'l', (uint64_t)(int64_t)d);
	} else if (d >= 0x1p63 && d < 0x1p64) {
		feed_number(f, 'u', (uint64_t)d);
	} else {
		memcpy(&bits, &d, sizeof(bits));
		feed_number(f, 'd', bits);
	}
}

/* Any total order will do: the length first is the quickest. */
static inline int key_cmp(weft_str a, weft_str b)
{
	if (a.len_bytes != b.len_bytes)
		return a.len_bytes < b.len_bytes ? -1 : 1;
	if (a.len_bytes && a.ptr[0] != b.ptr[0]) /* mostly there is no need to call */
		return (unsigned char)a.ptr[0] < (unsigned char)b.ptr[0] ? -1 : 1;
	return memcmp(a.ptr, b.ptr, a.len_bytes);
}

static int by_key(const void *a, const void *b)
{
	const struct member *x = a, *y = b;
	int c = key_cmp(x->key, y->key);

	return c ? c : (x->at > y->at) - (x->at < y->at);
}

static void feed_value(struct feed *f, uint64_t at);

static inline void feed_member(struct feed *f, weft_str key, uint64_t at)
{
	feed_tag(f, '"'); /* no key is taken for the end of the object */
	feed_str(f, key);
	feed_value(f, at);
}

static void feed_sorted(struct feed *f, const struct member *m, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (i == 0 || key_cmp(m[i - 1].key, m[i].key) != 0)
			feed_member(f, m[i].key, m[i].at);
	}
}

/* Each member goes to its place among those before it: few, and often in order. */
static void feed_small(struct feed *f, uint64_t at, uint64_t end)
{
	struct member m[MEMBERS_ON_STACK];
	size_t n = 0;

	while (at < end) {
		struct member x = { weft__json_str(f->doc, at), at + 1 };
		size_t i = n++;

		for (; i && key_cmp(m[i - 1].key, x.key) > 0; i--)
			m[i] = m[i - 1];
		m[i] = x;
		at = weft__json_after(f->doc, at + 1);
	}
	feed_sorted(f, m, n);
}

/* Without memory: look for the next larger key again and again. */
static void feed_selected(struct feed *f, uint64_t begin, uint64_t end)
{
	struct member last = { { NULL, 0 }, 0 };

	for (;;) {
		struct member next = { { NULL, 0 }, 0 };

		for (uint64_t at = begin; at < end; at = weft__json_after(f->doc, at + 1)) {
			weft_str key = weft__json_str(f->doc, at);

			if ((!last.at || key_cmp(key, last.key) > 0) && (!next.at || key_cmp(key, next.key) < 0))
				next = (struct member){ key, at + 1 };
		}
		if (!next.at)
			return;
		feed_member(f, next.key, next.at);
		last = next;
	}
}

static __attribute__((noinline)) void feed_large(struct feed *f, uint64_t begin, uint64_t end, size_t count)
{
	struct member *m = weft_malloc(count * sizeof(*m));
	size_t n = 0;

	if (!m) {
		feed_selected(f, begin, end);
		return;
	}
	for (uint64_t at = begin; at < end; at = weft__json_after(f->doc, at + 1))
		m[n++] = (struct member){ weft__json_str(f->doc, at), at + 1 };
	qsort(m, n, sizeof(*m), by_key);
	feed_sorted(f, m, n);
	weft_free(m);
}

static void feed_object(struct feed *f, uint64_t at)
{
	size_t count = weft_json_count((weft_json){ f->doc, at });
	uint64_t end = weft__json_end(f->doc, at);

	feed_tag(f, '{');
	if (count <= MEMBERS_ON_STACK)
		feed_small(f, at + 1, end);
	else
		feed_large(f, at + 1, end, count);
	feed_tag(f, '}');
}

static void feed_array(struct feed *f, uint64_t at)
{
	uint64_t end = weft__json_end(f->doc, at);

	feed_tag(f, '[');
	for (at++; at < end; at = weft__json_after(f->doc, at))
		feed_value(f, at);
	feed_tag(f, ']');
}

static void feed_value(struct feed *f, uint64_t at)
{
	char tag = weft__json_tag(f->doc, at);

	switch (tag) {
	case '{':
		feed_object(f, at);
		break;
	case '[':
		feed_array(f, at);
		break;
	case '"':
		feed_tag(f, tag);
		feed_str(f, weft__json_str(f->doc, at));
		break;
	case 'l':
	case 'u':
		feed_number(f, tag, (uint64_t)weft__json_int(f->doc, at));
		break;
	case 'd':
		feed_double(f, weft__json_double(f->doc, at));
		break;
	default: /* n, t, f */
		feed_tag(f, tag);
		break;
	}
}

weft_hash128 weft_json_canonical_hash(weft_json value)
{
	XXH3_state_t stream;
	struct feed f;
	XXH128_hash_t h;

	f.doc = weft__json_doc_of(value);
	f.len_bytes = 0;
	f.stream = &stream;
	f.used = false;
	if (f.doc)
		feed_value(&f, value.index);
	if (f.used)
		feed_flush(&f);
	h = f.used ? XXH3_128bits_digest(&stream) : XXH3_128bits(f.buf, f.len_bytes);
	return (weft_hash128){ .lo = h.low64, .hi = h.high64 };
}
