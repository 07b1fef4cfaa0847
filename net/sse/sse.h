/* SPDX-License-Identifier: Apache-2.0 */
/*
 * net/sse/sse.h - server-sent events out of a stream of bytes, by the rules of the HTML standard.
 *
 * Lines end in CR LF, LF or CR, which may be cut anywhere; so may everything else. Events are told when their empty
 * line has come, and one that has no data is not told. What stands behind the last empty line is dropped at the end, as
 * the standard wants it. Bytes are handed on as they are: text that is not UTF-8 is for the reader to refuse.
 *
 * An event of one line of data that lies in one piece is not copied.
 */
#ifndef WEFT_NET_SSE_SSE_H
#define WEFT_NET_SSE_SSE_H

#include <weft/base.h>

#define WEFT__SSE_EVENT_BYTES_MAX (4u << 20)

/* Valid during the call. */
struct weft__sse_event {
	weft_str type; /* "message" when none was given */
	weft_str data; /* its lines joined by LF; may be empty ("data:") */
	weft_str id;   /* the last one given in the stream; may be empty */
};

struct weft__sse {
	/* Negative stops the feed with it at once; nothing is touched any more. */
	int (*event)(const struct weft__sse_event *event, void *user);
	void *user;
	uint64_t events;     /* told so far */
	uint64_t retry_ms;   /* the last valid "retry", 0 when there was none */
	const char *error;   /* what was wrong, static */

	/* private */
	struct weft__sse_buf {
		char *ptr;   /* owned */
		uint32_t len, cap;
	} line, data, type, id; /* line: the part of one that has come */
	weft_str one;        /* data, while it is a single line in the fed bytes */
	uint32_t bytes_max;
	uint8_t bom;         /* bytes of the mark at the beginning that were seen */
	bool has_data, has_one, after_cr, in_comment;
	int status;
};

/* bytes_max: of an event's data, and of a line that is not a comment; 0: 4 MiB. Cannot fail, allocates nothing. */
void weft__sse_init(struct weft__sse *s, uint32_t bytes_max, int (*event)(const struct weft__sse_event *, void *), void *user);
void weft__sse_fini(struct weft__sse *s);

/* 0, -EMSGSIZE (an event or a line is too long), -ENOMEM: the same again from then on; or what event returned. */
int weft__sse_feed(struct weft__sse *s, const void *bytes, size_t len);

/* The stream ended: an event whose empty line has not come is dropped. True: there was one, so something was cut off. */
bool weft__sse_finish(struct weft__sse *s);

#endif
