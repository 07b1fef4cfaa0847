/* SPDX-License-Identifier: Apache-2.0 */
/*
 * net/mcp/lines.h - a stream of bytes cut into lines: how messages stand on a pipe.
 *
 * Feed it any pieces; each line comes once it is whole, without its end (\n or \r\n). Empty lines
 * are passed over. A line longer than the bound is thrown away as it comes, and told once:
 * what follows it is read as if it had not been there.
 */
#ifndef WEFT_NET_MCP_LINES_H
#define WEFT_NET_MCP_LINES_H

#include <weft/base.h>

struct weft__lines {
	int (*line)(struct weft__lines *lines, weft_str line); /* valid during the call; negative: stop, feed answers with it */
	void (*overlong)(struct weft__lines *lines);           /* once a line; may be NULL */
	size_t bytes_max;                                      /* of a line */
	/* private */
	char *part; /* owned: what came of a line so far */
	size_t len_bytes, cap_bytes;
	bool skipping; /* inside a line that is too long */
};

/* Set line, overlong and bytes_max after it; all else is zero. */
void weft__lines_init(struct weft__lines *lines);
void weft__lines_fini(struct weft__lines *lines);

/* 0, -ENOMEM (the line under way is lost), or what line answered: the rest of bytes is dropped then. */
int weft__lines_feed(struct weft__lines *lines, const uint8_t *bytes, size_t len);

/* The stream ended: a last line without an end is a line too. As feed. */
int weft__lines_finish(struct weft__lines *lines);

#endif
