/* SPDX-License-Identifier: Apache-2.0 */
/* net/mcp/lines.c - see lines.h. A line that comes whole is never copied. */
#include "net/mcp/lines.h"

#include <errno.h>
#include <string.h>

#include <weft/alloc.h>

#define PART_BYTES_MIN 512u

void weft__lines_init(struct weft__lines *lines)
{
	memset(lines, 0, sizeof(*lines));
}

void weft__lines_fini(struct weft__lines *lines)
{
	weft_free(lines->part);
	memset(lines, 0, sizeof(*lines));
}

static int give(struct weft__lines *lines, const char *text, size_t len)
{
	if (len && text[len - 1] == '\r')
		len--;
	return len ? lines->line(lines, (weft_str){ text, len }) : 0;
}

/* No more of this line is kept; its rest, up to the newline, goes too. */
static void skip(struct weft__lines *lines)
{
	lines->len_bytes = 0;
	lines->skipping = true;
	if (lines->overlong)
		lines->overlong(lines);
}

static int keep(struct weft__lines *lines, const char *text, size_t len)
{
	size_t need = lines->len_bytes + len;

	if (need > lines->cap_bytes) {
		size_t cap = lines->cap_bytes ? lines->cap_bytes : PART_BYTES_MIN;
		char *more;

		while (cap < need)
			cap *= 2;
		more = weft_realloc(lines->part, cap);
		if (!more)
			return -ENOMEM;
		lines->part = more;
		lines->cap_bytes = cap;
	}
	memcpy(lines->part + lines->len_bytes, text, len);
	lines->len_bytes = need;
	return 0;
}

/* A piece of a line, the last one when ends. */
static int take(struct weft__lines *lines, const char *text, size_t len, bool ends)
{
	size_t part = lines->len_bytes;
	int r = 0;

	if (lines->skipping) {
		lines->skipping = !ends;
		return 0;
	}
	if (len > lines->bytes_max || part > lines->bytes_max - len) {
		skip(lines);
		lines->skipping = !ends;
		return 0;
	}
	if (ends && !part)
		return give(lines, text, len);
	if (len)
		r = keep(lines, text, len);
	if (r < 0) {
		lines->len_bytes = 0;
		lines->skipping = !ends;
		return r;
	}
	if (!ends)
		return 0;
	lines->len_bytes = 0;
	return give(lines, lines->part, part + len);
}

int weft__lines_feed(struct weft__lines *lines, const uint8_t *bytes, size_t len)
{
	const char *at = (const char *)bytes, *end = at + len;
	int r = 0;

	while (at < end && r == 0) {
		const char *newline = memchr(at, '\n', (size_t)(end - at));
		size_t n = (size_t)((newline ? newline : end) - at);

		r = take(lines, at, n, newline != NULL);
		at += n + 1;
	}
	return r;
}

int weft__lines_finish(struct weft__lines *lines)
{
	return lines->len_bytes || lines->skipping ? take(lines, "", 0, true) : 0;
}
