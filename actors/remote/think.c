/* SPDX-License-Identifier: Apache-2.0 */
/*
 * actors/remote/think.c - thoughts told from text while they stream in.
 *
 * Before the tag at most WEFT__THINK_HELD bytes are held, inside the block at most a beginning of </think>. Its first byte
 * occurs nowhere else in it, so a match that fails starts again at the byte that failed it.
 */
#include "actors/remote/think.h"

#include <string.h>

static const char opening[] = "<think>", closing[] = "</think>";

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static void say(const struct weft__think *t, bool is_thought, const char *ptr, size_t len)
{
	if (len)
		t->out(t->user, is_thought, (weft_str){ ptr, len });
}

static void say_held(struct weft__think *t, bool is_thought)
{
	say(t, is_thought, t->hold, t->held);
	t->held = 0;
}

void weft__think_begin(struct weft__think *t, bool opened, void (*out)(void *user, bool is_thought, weft_str piece),
                       void *user)
{
	t->state = opened ? WEFT__THINK_INSIDE : WEFT__THINK_BEFORE;
	t->held = 0;
	t->out = out;
	t->user = user;
}

/* One byte before anything but white space and perhaps a beginning of <think>. False: then it is text. */
static bool before(struct weft__think *t, char c)
{
	size_t spaces = 0, matched;

	t->hold[t->held++] = c;
	while (spaces < t->held && is_space(t->hold[spaces]))
		spaces++;
	matched = t->held - spaces;
	if (matched >= sizeof(opening) || memcmp(t->hold + spaces, opening, matched))
		return false;
	if (matched < sizeof(opening) - 1)
		return t->held < WEFT__THINK_HELD;
	t->state = WEFT__THINK_INSIDE;
	t->held = 0;
	return true;
}

/* @return how many bytes of the piece were taken: all that may yet become a tag, or none, and what was held is said */
static size_t begin(struct weft__think *t, weft_str piece)
{
	uint8_t held = t->held; /* of earlier pieces */
	size_t n = 0;

	while (n < piece.len_bytes && t->state == WEFT__THINK_BEFORE) {
		if (before(t, piece.ptr[n++]))
			continue;
		t->state = WEFT__THINK_TEXT;
		t->held = held;
		say_held(t, false);
		return 0;
	}
	return n;
}

/* @return how many bytes of the piece were taken */
static size_t inside(struct weft__think *t, weft_str piece)
{
	const char *tag;

	if (t->held) {
		if (piece.ptr[0] != closing[t->held]) {
			say_held(t, true);
			return 0;
		}
		t->hold[t->held++] = piece.ptr[0];
		if (t->held == sizeof(closing) - 1) {
			t->state = WEFT__THINK_BEHIND;
			t->held = 0;
		}
		return 1;
	}
	tag = memchr(piece.ptr, '<', piece.len_bytes);
	if (!tag) {
		say(t, true, piece.ptr, piece.len_bytes);
		return piece.len_bytes;
	}
	say(t, true, piece.ptr, (size_t)(tag - piece.ptr));
	t->hold[t->held++] = '<';
	return (size_t)(tag - piece.ptr) + 1;
}

void weft__think_feed(struct weft__think *t, weft_str piece)
{
	size_t used;

	while (piece.len_bytes) {
		used = 1;
		switch (t->state) {
		case WEFT__THINK_BEFORE:
			used = begin(t, piece);
			break;
		case WEFT__THINK_INSIDE:
			used = inside(t, piece);
			break;
		case WEFT__THINK_BEHIND: /* the answer begins with its first word */
			if (!is_space(piece.ptr[0])) {
				t->state = WEFT__THINK_TEXT;
				used = 0;
			}
			break;
		default:
			say(t, false, piece.ptr, piece.len_bytes);
			return;
		}
		piece.ptr += used;
		piece.len_bytes -= used;
	}
}

void weft__think_end(struct weft__think *t)
{
	if (t->state == WEFT__THINK_BEFORE)
		say_held(t, false);
	else if (t->state == WEFT__THINK_INSIDE)
		say_held(t, true);
	t->state = WEFT__THINK_TEXT;
}
