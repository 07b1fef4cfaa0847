/* SPDX-License-Identifier: Apache-2.0 */
/*
 * store/log/record.h - a change as bytes, and back.
 *
 *   u32 length of the rest | u8 kind | fields        ids 16 bytes, numbers little endian, strings u32 length + bytes
 *
 * What was read is checked: lengths, kinds, counts. Strings of it lie in the bytes; arrays in an arena.
 */
#ifndef WEFT_STORE_LOG_RECORD_H
#define WEFT_STORE_LOG_RECORD_H

#include <weft/durable.h>

/* The end of a snapshot: how many records stand before it. Not in a log. */
#define WEFT__RECORD_END 0xffu

/* Bytes of a change. */
size_t weft__change_bytes(const weft_change *change);
/* Write them; gives the end. */
char *weft__change_put(char *at, const weft_change *change);
#define WEFT__RECORD_END_BYTES 13u
char *weft__change_put_end(char *at, uint64_t records);

/* One record at a time out of bytes. */
struct weft__changes {
	const char *at, *end;
};

/*
 * 1: *ret is the next; 0: none is left; WEFT_EDAMAGED, -ENOMEM. *ret_end: the number in an end mark, for
 * which *ret has kind 0; untouched otherwise.
 */
int weft__changes_next(struct weft__changes *r, weft_arena *arena, weft_change *ret, uint64_t *ret_end);

#endif
