/* SPDX-License-Identifier: Apache-2.0 */
/*
 * actors/text.h - small text work: a buffer that grows in an arena, and
 * looking for words without regard to case.
 *
 * A buffer's errors stick: put freely, ask once at the end.
 */
#ifndef WEFT_ACTORS_TEXT_H
#define WEFT_ACTORS_TEXT_H

#include <string.h>

#include <weft/alloc.h>
#include <weft/base.h>

struct weft__buf {
	weft_arena *arena; /* borrowed; outlives the text */
	char *ptr;
	size_t len_bytes;
	size_t cap_bytes;
	bool failed; /* out of memory: the text is not complete */
};

/** An empty buffer with room for cap_bytes. Inline, so that it is made where it stays. */
static inline struct weft__buf weft__buf_begin(weft_arena *arena, size_t cap_bytes)
{
	char *ptr = (char *)weft_arena_alloc(arena, cap_bytes ? cap_bytes : 1);

	return (struct weft__buf){ .arena = arena, .ptr = ptr, .cap_bytes = ptr ? cap_bytes : 0, .failed = !ptr };
}
/** Make room for `more` bytes; false when out of memory. */
bool weft__buf_reserve(struct weft__buf *b, size_t more);
void weft__buf_put_uint(struct weft__buf *b, uint64_t value);
/** The text as a JSON string. */
void weft__buf_put_quoted(struct weft__buf *b, weft_str text);
/** 0 and the text, or -ENOMEM. */
int weft__buf_end(struct weft__buf *b, weft_str *ret_text);

static inline void weft__buf_put(struct weft__buf *b, weft_str s)
{
	if (s.len_bytes == 0)
		return;
	if (b->cap_bytes - b->len_bytes < s.len_bytes && !weft__buf_reserve(b, s.len_bytes))
		return;
	memcpy(b->ptr + b->len_bytes, s.ptr, s.len_bytes);
	b->len_bytes += s.len_bytes;
}

static inline void weft__buf_put_char(struct weft__buf *b, char c)
{
	weft__buf_put(b, (weft_str){&c, 1});
}

/** ASCII letters compare without case; other bytes as they are. */
bool weft__str_eq_nocase(weft_str a, weft_str b);
/** True when word stands in text, any case, not inside a longer word. An empty word never does. */
bool weft__text_has_word(weft_str text, weft_str word);
/** Equal but for case, spaces, underscores and hyphens: "Send Message" is SEND_MESSAGE. */
bool weft__name_matches(weft_str a, weft_str b);
weft_str weft__str_trim(weft_str s);
/** How many bytes of s, at most max, do not end within a UTF-8 character. */
size_t weft__str_cut(weft_str s, size_t max);
/** How many bytes of s, whose rest is not there, do not end within a UTF-8 character. */
size_t weft__str_whole(weft_str s);
/**
 * How many bytes at `at` are a character that moves a terminal's cursor or turns the order of its text: ASCII's control
 * characters, U+0080 to U+009F, and the bidirectional ones U+202A to U+202E and U+2066 to U+2069. 0: another one.
 */
size_t weft__control_at(weft_str text, size_t at);

/** "2026-11-20 22:38:05 UTC" into 24 bytes; the day is the first ten. */
void weft__format_utc(int64_t ms, char *ret_text);

#endif
