/* SPDX-License-Identifier: Apache-2.0 */
/* net/http/head.h - the lines of a head, for parse.c. */
#ifndef WEFT_NET_HTTP_HEAD_H
#define WEFT_NET_HTTP_HEAD_H

#include "net/http/parse.h"

/* parser->seen */
enum {
	WEFT__SEEN_BLANK = 1u << 0,      /* an empty line before the request */
	WEFT__SEEN_START = 1u << 1,      /* the start line */
	WEFT__SEEN_HOST = 1u << 2,
	WEFT__SEEN_LENGTH = 1u << 3,
	WEFT__SEEN_CODING = 1u << 4,     /* Transfer-Encoding */
	WEFT__SEEN_CLOSE = 1u << 5,      /* Connection: close */
	WEFT__SEEN_KEEP_ALIVE = 1u << 6, /* Connection: keep-alive */
	WEFT__SEEN_EXPECT = 1u << 7      /* Expect: 100-continue */
};

enum { WEFT__LINE_CUT, WEFT__LINE_DONE, WEFT__LINE_LAST };

/*
 * One line of a head, from *at on. WEFT__LINE_DONE: taken, *at stands behind it; WEFT__LINE_LAST: so, and it was the
 * empty one; WEFT__LINE_CUT: its LF does not lie before stop, nothing happened. Or refused, p->error says why.
 */
int weft__http_line(struct weft__http_parser *p, const uint8_t **at, const uint8_t *stop);

/* The same of a trailer: checked, not kept. */
int weft__http_trailer_line(struct weft__http_parser *p, const uint8_t **at, const uint8_t *stop);

/* All lines are there: what follows the head? Sets chunked, content_length, keep_alive. 0, or refused. */
int weft__http_framing(struct weft__http_parser *p);

static inline int weft__http_refuse(struct weft__http_parser *p, int error, const char *why)
{
	p->error = why;
	return error;
}

#endif
