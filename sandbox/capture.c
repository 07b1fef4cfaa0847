/* SPDX-License-Identifier: Apache-2.0 */
/* sandbox/capture.c - the beginning and the end of a program's output; see capture.h. */
#include "sandbox/capture.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <weft/alloc.h>

#define ROOM_FIRST 512u
#define NOTE_BYTES 64u

void weft__capture_init(struct weft__capture *c, size_t keep_bytes)
{
	*c = (struct weft__capture){ .half = keep_bytes / 2 ? keep_bytes / 2 : 1 };
}

void weft__capture_fini(struct weft__capture *c)
{
	weft_free(c->head);
	weft_free(c->tail);
	*c = (struct weft__capture){ 0 };
}

static bool head_grow(struct weft__capture *c, size_t wanted)
{
	size_t room = c->head_room ? c->head_room : ROOM_FIRST;
	uint8_t *more;

	while (room < wanted)
		room *= 2;
	if (room > c->half)
		room = c->half;
	more = weft_realloc(c->head, room);
	if (!more)
		return false;
	c->head = more;
	c->head_room = room;
	return true;
}

/* How many of them went into the head. */
static size_t head_put(struct weft__capture *c, const uint8_t *bytes, size_t len)
{
	size_t n = c->half - c->head_len;

	if (n > len)
		n = len;
	if (!n || (c->head_len + n > c->head_room && !head_grow(c, c->head_len + n)))
		return 0;
	memcpy(c->head + c->head_len, bytes, n);
	c->head_len += n;
	return n;
}

/* The last of them stay. */
static void tail_put(struct weft__capture *c, const uint8_t *bytes, size_t len)
{
	size_t first;

	if (len > c->half) {
		bytes += len - c->half;
		len = c->half;
	}
	first = c->half - c->tail_at < len ? c->half - c->tail_at : len;
	memcpy(c->tail + c->tail_at, bytes, first);
	memcpy(c->tail, bytes + first, len - first);
	c->tail_at = (c->tail_at + len) % c->half;
	c->tail_len = c->tail_len + len < c->half ? c->tail_len + len : c->half;
}

bool weft__capture_put(struct weft__capture *c, const void *bytes, size_t len)
{
	const uint8_t *at = bytes;
	size_t n;

	c->total += len;
	n = c->tail ? 0 : head_put(c, at, len);
	if (n == len)
		return true;
	if (c->head_len < c->half) /* it could not grow */
		return false;
	if (!c->tail)
		c->tail = weft_malloc(c->half);
	if (!c->tail)
		return false;
	tail_put(c, at + n, len - n);
	return true;
}

uint64_t weft__capture_left_out(const struct weft__capture *c)
{
	return c->total - c->head_len - c->tail_len;
}

static size_t note(const struct weft__capture *c, char *to)
{
	uint64_t out = weft__capture_left_out(c);
	int n = out ? snprintf(to, NOTE_BYTES, "\n[... %" PRIu64 " bytes left out ...]\n", out) : 0;

	return n > 0 ? (size_t)n : 0;
}

size_t weft__capture_len(const struct weft__capture *c)
{
	char line[NOTE_BYTES];

	return c->head_len + note(c, line) + c->tail_len;
}

void weft__capture_copy(const struct weft__capture *c, char *to)
{
	size_t old = c->tail_len < c->half ? 0 : c->tail_at; /* where the ring begins */
	char line[NOTE_BYTES];
	size_t n = note(c, line);

	if (c->head_len)
		memcpy(to, c->head, c->head_len);
	to += c->head_len;
	memcpy(to, line, n);
	to += n;
	if (!c->tail_len)
		return;
	memcpy(to, c->tail + old, c->tail_len - old);
	memcpy(to + (c->tail_len - old), c->tail, old);
}
