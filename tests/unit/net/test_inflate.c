/* SPDX-License-Identifier: Apache-2.0 */
/* Bodies unpacked: each format, cut anywhere, damaged, too long, without zlib. */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "net/http/inflate.h"

#define S WEFT_STR

Test(inflate, coding__by_its_name)
{
	int coding = 7;

	cr_expect(weft__coding_of(S("GZIP"), &coding) == 0 && coding == WEFT__CODING_GZIP);
	cr_expect(weft__coding_of(S("x-gzip"), &coding) == 0 && coding == WEFT__CODING_GZIP);
	cr_expect(weft__coding_of(S("deflate"), &coding) == 0 && coding == WEFT__CODING_DEFLATE);
	cr_expect(weft__coding_of(S("identity"), &coding) == 0 && coding == WEFT__CODING_IDENTITY);
	cr_expect(weft__coding_of(S(""), &coding) == 0 && coding == WEFT__CODING_IDENTITY);
	cr_expect_eq(weft__coding_of(S("br"), &coding), -EPROTONOSUPPORT);
	cr_expect_eq(weft__coding_of(S("gzip, gzip"), &coding), -EPROTONOSUPPORT);
}

#ifdef WEFT_HAVE_ZLIB
#include <zlib.h>

struct out {
	uint8_t *bytes;
	size_t len, cap;
	int says;
};

static int on_out(const uint8_t *bytes, size_t len, void *user)
{
	struct out *o = user;

	cr_assert(len > 0);
	if (o->len + len > o->cap) {
		o->cap = (o->len + len) * 2;
		o->bytes = realloc(o->bytes, o->cap);
		cr_assert_not_null(o->bytes);
	}
	memcpy(o->bytes + o->len, bytes, len);
	o->len += len;
	return o->says;
}

/* window: 15 zlib, 31 gzip, -15 bare */
static uint8_t *packed(const void *bytes, size_t len, int window, size_t *ret_len)
{
	z_stream s = { 0 };
	uint8_t *to = malloc(len + 1024);

	cr_assert_not_null(to);
	cr_assert_eq(deflateInit2(&s, 9, Z_DEFLATED, window, 8, Z_DEFAULT_STRATEGY), Z_OK);
	s.next_in = (Bytef *)(uintptr_t)bytes;
	s.avail_in = (uInt)len;
	s.next_out = to;
	s.avail_out = (uInt)len + 1024;
	cr_assert_eq(deflate(&s, Z_FINISH), Z_STREAM_END);
	*ret_len = s.total_out;
	deflateEnd(&s);
	return to;
}

/* What feed and finish said, together. */
static int unpack(int coding, uint64_t max, const uint8_t *bytes, size_t len, size_t cut, struct out *o)
{
	struct weft__inflate z;
	int r;

	cr_assert_eq(weft__inflate_init(&z, coding, max, on_out, o), 0);
	if (cut == SIZE_MAX) {
		r = 0;
		for (size_t i = 0; i < len && r == 0; i++)
			r = weft__inflate_feed(&z, bytes + i, 1);
	} else {
		r = weft__inflate_feed(&z, bytes, cut);
		if (r == 0)
			r = weft__inflate_feed(&z, bytes + cut, len - cut);
	}
	if (r == 0)
		r = weft__inflate_finish(&z);
	if (r < 0 && r != -7)
		cr_expect(z.error && weft__inflate_feed(&z, bytes, 1) < 0);
	weft__inflate_fini(&z);
	return r;
}

static const char text[] = "{\"data\":[{\"a\":1},{\"a\":1},{\"a\":1},{\"a\":1},{\"a\":2}],\"object\":\"list\"}";

static void unpacks(int coding, const uint8_t *bytes, size_t len, const char *wanted, size_t wanted_len)
{
	for (size_t cut = 0; cut <= len; cut++) {
		struct out o = { 0 };

		cr_assert_eq(unpack(coding, 0, bytes, len, cut == len ? SIZE_MAX : cut, &o), 0, "cut at %zu", cut);
		cr_assert(o.len == wanted_len && !memcmp(o.bytes, wanted, wanted_len), "cut at %zu", cut);
		free(o.bytes);
	}
}

Test(inflate, each_format__cut_anywhere)
{
	static const int windows[] = { 31, 15, -15 };

	for (int i = 0; i < 3; i++) {
		size_t len;
		uint8_t *bytes = packed(text, sizeof(text) - 1, windows[i], &len);

		unpacks(i == 0 ? WEFT__CODING_GZIP : WEFT__CODING_DEFLATE, bytes, len, text, sizeof(text) - 1);
		free(bytes);
	}
}

Test(inflate, gzip__of_several_members)
{
	size_t one, two;
	uint8_t *a = packed(text, 10, 31, &one), *b = packed(text + 10, sizeof(text) - 11, 31, &two), *both = malloc(one + two);

	cr_assert_not_null(both);
	memcpy(both, a, one);
	memcpy(both + one, b, two);
	unpacks(WEFT__CODING_GZIP, both, one + two, text, sizeof(text) - 1);
	free(a);
	free(b);
	free(both);
}

Test(inflate, long_output__in_order)
{
	size_t len = 1000000, packed_len;
	uint8_t *plain = malloc(len), *bytes;
	struct out o = { 0 };

	cr_assert_not_null(plain);
	for (size_t i = 0; i < len; i++)
		plain[i] = (uint8_t)(i / 7 * 31 % 251);
	bytes = packed(plain, len, 31, &packed_len);
	cr_expect_eq(unpack(WEFT__CODING_GZIP, 0, bytes, packed_len, 0, &o), 0);
	cr_expect(o.len == len && !memcmp(o.bytes, plain, len));
	free(o.bytes);
	free(bytes);
	free(plain);
}

Test(inflate, nothing__is_an_empty_body)
{
	struct out o = { 0 };

	cr_expect_eq(unpack(WEFT__CODING_GZIP, 0, (const uint8_t *)"", 0, 0, &o), 0);
	cr_expect_eq(o.len, 0);
}

Test(inflate, damaged_or_cut_off__is_said)
{
	size_t len;
	uint8_t *bytes = packed(text, sizeof(text) - 1, 31, &len);

	for (size_t i = 1; i < len; i++) {
		struct out o = { 0 };

		cr_expect_eq(unpack(WEFT__CODING_GZIP, 0, bytes, i, 0, &o), -EBADMSG, "%zu bytes", i);
		free(o.bytes);
	}
	for (size_t i = 10; i < len; i++) { /* behind the header, whose time and system mean nothing */
		struct out o = { 0 };

		bytes[i] ^= 0x10;
		cr_expect_eq(unpack(WEFT__CODING_GZIP, 0, bytes, len, 0, &o), -EBADMSG, "byte %zu", i);
		bytes[i] ^= 0x10;
		free(o.bytes);
	}
	free(bytes);
}

Test(inflate, bytes_behind_the_end__are_refused)
{
	size_t len;
	uint8_t *bytes = packed(text, sizeof(text) - 1, 15, &len);
	struct out o = { 0 }, p = { 0 };

	bytes[len] = 'x';
	cr_expect_eq(unpack(WEFT__CODING_DEFLATE, 0, bytes, len + 1, 0, &o), -EBADMSG);
	cr_expect_eq(unpack(WEFT__CODING_DEFLATE, 0, bytes, len + 1, SIZE_MAX, &p), -EBADMSG);
	free(o.bytes);
	free(p.bytes);
	free(bytes);
}

Test(inflate, limits__of_length_and_of_ratio)
{
	size_t len = 8u << 20, packed_len;
	uint8_t *zeros = calloc(1, len), *bytes;
	struct out o = { 0 }, p = { 0 }, q = { 0 };

	cr_assert_not_null(zeros);
	bytes = packed(zeros, 50000, 31, &packed_len);
	cr_expect_eq(unpack(WEFT__CODING_GZIP, 50000, bytes, packed_len, 0, &o), 0);
	cr_expect_eq(unpack(WEFT__CODING_GZIP, 49999, bytes, packed_len, 0, &p), -EMSGSIZE);
	cr_expect_leq(p.len, 49999);
	free(bytes);
	bytes = packed(zeros, len, 31, &packed_len);
	cr_expect_eq(unpack(WEFT__CODING_GZIP, 0, bytes, packed_len, 0, &q), -EMSGSIZE);
	cr_expect_leq(q.len, 3u << 20);
	free(o.bytes);
	free(p.bytes);
	free(q.bytes);
	free(bytes);
	free(zeros);
}

Test(inflate, out__stops_it_with_what_it_says)
{
	size_t len;
	uint8_t *bytes = packed(text, sizeof(text) - 1, 31, &len);
	struct out o = { .says = -7 };

	cr_expect_eq(unpack(WEFT__CODING_GZIP, 0, bytes, len, 0, &o), -7);
	free(o.bytes);
	free(bytes);
}

Test(inflate, init__refuses_what_is_no_coding)
{
	struct weft__inflate z;

	cr_expect_eq(weft__inflate_init(&z, WEFT__CODING_IDENTITY, 0, on_out, NULL), -EINVAL);
	weft__inflate_fini(&z);
	cr_expect(weft__inflate_available());
}
#else
Test(inflate, without_zlib__says_so)
{
	struct weft__inflate z;

	cr_expect(!weft__inflate_available());
	cr_expect_eq(weft__inflate_init(&z, WEFT__CODING_GZIP, 0, NULL, NULL), -EPROTONOSUPPORT);
	cr_expect(strstr(z.error, "-Dzlib"));
	weft__inflate_fini(&z);
}
#endif
