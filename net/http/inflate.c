/* SPDX-License-Identifier: Apache-2.0 */
/*
 * net/http/inflate.c - zlib, with its memory from our seam and its output bounded.
 *
 * "deflate" is the zlib format, but some servers send it bare: the first byte tells (RFC 1950: method 8 in its low half,
 * a window of at most 32 KiB in its high one).
 */
#include "net/http/inflate.h"

#include <errno.h>
#include <string.h>

#include <weft/alloc.h>

#include "net/http/message.h"

int weft__coding_of(weft_str value, int *ret_coding)
{
	if (!value.len_bytes || weft__http_name_eq(value, WEFT_STR("identity")))
		*ret_coding = WEFT__CODING_IDENTITY;
	else if (weft__http_name_eq(value, WEFT_STR("gzip")) || weft__http_name_eq(value, WEFT_STR("x-gzip")))
		*ret_coding = WEFT__CODING_GZIP;
	else if (weft__http_name_eq(value, WEFT_STR("deflate")))
		*ret_coding = WEFT__CODING_DEFLATE;
	else
		return -EPROTONOSUPPORT;
	return 0;
}

#ifdef WEFT_HAVE_ZLIB
#include <zlib.h>

#define RATIO_FREE_BYTES (UINT64_C(1) << 20)
#define OUT_BYTES 16384u

enum state { FRESH, OPEN, BETWEEN /* members */, ENDED };

bool weft__inflate_available(void)
{
	return true;
}

static void *take(void *user, unsigned count, unsigned bytes)
{
	(void)user;
	return weft_calloc(count, bytes);
}

static void give(void *user, void *ptr)
{
	(void)user;
	weft_free(ptr);
}

int weft__inflate_init(struct weft__inflate *z, int coding, uint64_t out_bytes_max,
                       int (*out)(const uint8_t *bytes, size_t len, void *user), void *user)
{
	memset(z, 0, sizeof(*z));
	if (coding != WEFT__CODING_GZIP && coding != WEFT__CODING_DEFLATE)
		return -EINVAL;
	z->zlib = weft_calloc(1, sizeof(z_stream));
	if (!z->zlib)
		return -ENOMEM;
	*(z_stream *)z->zlib = (z_stream){ .zalloc = take, .zfree = give };
	z->out = out;
	z->user = user;
	z->out_bytes_max = out_bytes_max ? out_bytes_max : UINT64_MAX;
	z->ratio_max = WEFT__INFLATE_RATIO_MAX;
	z->coding = (uint8_t)coding;
	return 0;
}

void weft__inflate_fini(struct weft__inflate *z)
{
	if (z->zlib && z->state != FRESH)
		inflateEnd(z->zlib);
	weft_free(z->zlib);
	z->zlib = NULL;
}

static int refuse(struct weft__inflate *z, int error, const char *why)
{
	z->error = why;
	return error;
}

/* The first byte is here: which of the formats is it? */
static int begin(struct weft__inflate *z, uint8_t first)
{
	int window = 15 + 16; /* gzip only */

	if (z->coding == WEFT__CODING_DEFLATE)
		window = (first & 0x0f) == 8 && first >> 4 <= 7 ? 15 : -15;
	if (inflateInit2((z_stream *)z->zlib, window) != Z_OK)
		return refuse(z, -ENOMEM, "no memory to unpack in");
	z->state = OPEN;
	return 0;
}

static int tell(struct weft__inflate *z, const uint8_t *bytes, size_t len)
{
	if (len > z->out_bytes_max - z->out_bytes)
		return refuse(z, -EMSGSIZE, "the unpacked body is too long");
	z->out_bytes += len;
	if (z->out_bytes > RATIO_FREE_BYTES && z->out_bytes / z->ratio_max > z->in_bytes)
		return refuse(z, -EMSGSIZE, "the body unpacks to suspiciously much");
	return len ? z->out(bytes, len, z->user) : 0;
}

/* One call of zlib's. 1: go on, 0: it wants more input. */
static int step(struct weft__inflate *z)
{
	z_stream *s = z->zlib;
	uint8_t buf[OUT_BYTES];
	uInt in = s->avail_in;
	int said, r;

	s->next_out = buf;
	s->avail_out = sizeof(buf);
	said = inflate(s, Z_NO_FLUSH);
	z->in_bytes += in - s->avail_in;
	switch (said) {
	case Z_OK:
	case Z_BUF_ERROR: /* no input left to go on with */
		break;
	case Z_STREAM_END:
		z->state = z->coding == WEFT__CODING_GZIP ? BETWEEN : ENDED;
		break;
	case Z_MEM_ERROR:
		return refuse(z, -ENOMEM, "no memory to unpack in");
	default:
		return refuse(z, -EBADMSG, "the packed body is damaged");
	}
	in = s->avail_in;
	said = s->avail_out == 0;
	r = tell(z, buf, sizeof(buf) - s->avail_out);
	return r < 0 ? r : in || (said && z->state == OPEN);
}

int weft__inflate_feed(struct weft__inflate *z, const uint8_t *bytes, size_t len)
{
	z_stream *s = z->zlib;
	int r = 1;

	if (!s || z->error)
		return -EBADMSG;
	if (!len)
		return 0;
	if (len > UINT32_MAX)
		return refuse(z, -EMSGSIZE, "too much at once");
	if (z->state == FRESH) {
		r = begin(z, bytes[0]);
		if (r < 0)
			return r;
		r = 1;
	}
	s->next_in = (Bytef *)(uintptr_t)bytes; /* zlib does not write there, and does not say const */
	s->avail_in = (uInt)len;
	while (r == 1) {
		if (z->state == ENDED)
			return refuse(z, -EBADMSG, "bytes behind the end of the packed body");
		if (z->state == BETWEEN) {
			if (inflateReset(s) != Z_OK)
				return refuse(z, -EBADMSG, "the packed body is damaged");
			z->state = OPEN;
		}
		r = step(z);
	}
	return r;
}

int weft__inflate_finish(struct weft__inflate *z)
{
	if (z->error)
		return -EBADMSG;
	if (z->state == OPEN)
		return refuse(z, -EBADMSG, "the packed body is not complete");
	return 0;
}

#else

bool weft__inflate_available(void)
{
	return false;
}

int weft__inflate_init(struct weft__inflate *z, int coding, uint64_t out_bytes_max,
                       int (*out)(const uint8_t *bytes, size_t len, void *user), void *user)
{
	(void)coding;
	(void)user;
	memset(z, 0, sizeof(*z));
	z->out = out;
	z->out_bytes_max = out_bytes_max;
	z->error = "built without zlib (-Dzlib=enabled)";
	return -EPROTONOSUPPORT;
}

void weft__inflate_fini(struct weft__inflate *z)
{
	(void)z;
}

int weft__inflate_feed(struct weft__inflate *z, const uint8_t *bytes, size_t len)
{
	(void)z;
	(void)bytes;
	(void)len;
	return -EPROTONOSUPPORT;
}

int weft__inflate_finish(struct weft__inflate *z)
{
	(void)z;
	return -EPROTONOSUPPORT;
}

#endif
