/* SPDX-License-Identifier: Apache-2.0 */
/*
 * runtime/observe/record.h - an event as the words of a ring record, and back.
 *
 *   word 0  the ring's header
 *   word 1  stamp in ticks, growing strictly within a lane; becomes timestamp_ns when it is read
 *   word 2  workflow_id      word 3  parent_workflow_id
 *   word 4  | scope 8 | type 8 | fields 8 | - 8 | component length 16 | message length 16 |
 *   then component and message, and for each field:
 *           | kind 8 | key length 8 | - 16 | value length 32 |, address of the key, value
 *
 * Everything begins at a word, so a record is put into the ring as it is made, word by
 * word, with nothing in between. Texts are copied, the last word of each filled up
 * with zeros. Keys are static strings (weft/event.h): their address is enough.
 */
#ifndef WEFT_RUNTIME_OBSERVE_RECORD_H
#define WEFT_RUNTIME_OBSERVE_RECORD_H

#include <weft/event.h>

#include "runtime/base/atomic.h"

#define WEFT__RECORD_WORDS_MAX (WEFT_EVENT_BYTES_MAX / 8)
#define WEFT__RECORD_FIXED_WORDS 5u

/* Words that desc takes, or 0: more than max, or a text that is too long by itself. */
uint32_t weft__record_words(const weft_event_desc *desc, uint32_t max);

/* Put all words but the ring's; `to` has room for as many as weft__record_words said. */
void weft__record_put(_Atomic(uint64_t) *to, const weft_event_desc *desc, uint64_t ticks);

/* A description that fits, made from one that does not: texts cut as weft/event.h says. */
struct weft__record_cut {
	weft_event_desc desc;
	weft_event_field fields[WEFT_EVENT_FIELDS_MAX];
	char text[WEFT_EVENT_BYTES_MAX]; /* what is cut, each ending in "..." */
	uint32_t text_bytes;
	uint32_t words, max; /* of the record so far */
};

void weft__record_cut(struct weft__record_cut *cut, const weft_event_desc *desc, uint32_t max);

/* Unpack all but id, offset, worker and times. Pointers lead into words. */
void weft__record_unpack(const uint64_t *words, weft_event *ret);

#endif
