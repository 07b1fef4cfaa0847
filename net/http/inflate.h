/* SPDX-License-Identifier: Apache-2.0 */
/*
 * net/http/inflate.h - bodies of Content-Encoding gzip and deflate, unpacked as they come.
 *
 * A few bytes can stand for very many: what comes out is bounded in all, and by its ratio to what went in.
 * Needs zlib (-Dzlib); without it weft__inflate_init says -EPROTONOSUPPORT, and nobody should ask for gzip.
 */
#ifndef WEFT_NET_HTTP_INFLATE_H
#define WEFT_NET_HTTP_INFLATE_H

#include <weft/base.h>

/* Of Content-Encoding. */
enum { WEFT__CODING_IDENTITY, WEFT__CODING_GZIP, WEFT__CODING_DEFLATE };

/* How many times longer than its input the output may be, once it is over 1 MiB. */
#define WEFT__INFLATE_RATIO_MAX 256u

struct weft__inflate {
	int (*out)(const uint8_t *bytes, size_t len, void *user); /* len > 0; negative stops with it, and nothing is touched any more */
	void *user;
	const char *error;   /* what was wrong, static */
	uint64_t in_bytes, out_bytes, out_bytes_max;

	/* private */
	void *zlib;          /* owned */
	uint32_t ratio_max;
	uint8_t coding, state;
};

/* What a Content-Encoding says: 0 and *ret_coding ("" is identity), or -EPROTONOSUPPORT. */
int weft__coding_of(weft_str content_encoding, int *ret_coding);

/* Is zlib there? Then "gzip, deflate" may stand in Accept-Encoding. */
bool weft__inflate_available(void);

/*
 * coding: GZIP, also of several members, or DEFLATE, with or without zlib's wrapping. out_bytes_max: 0 is no limit
 * but the ratio's. 0, -ENOMEM, -EINVAL, -EPROTONOSUPPORT (built without zlib).
 */
int weft__inflate_init(struct weft__inflate *z, int coding, uint64_t out_bytes_max,
                       int (*out)(const uint8_t *bytes, size_t len, void *user), void *user);
void weft__inflate_fini(struct weft__inflate *z); /* a zeroed one is fine */

/* 0, -EBADMSG (not what the coding says, or bytes behind its end), -EMSGSIZE (a limit), -ENOMEM, what out returned. */
int weft__inflate_feed(struct weft__inflate *z, const uint8_t *bytes, size_t len);

/* The body ended: 0, or -EBADMSG when something is missing. No input at all is an empty body. */
int weft__inflate_finish(struct weft__inflate *z);

#endif
