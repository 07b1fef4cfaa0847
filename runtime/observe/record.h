/* SPDX-License-Identifier: Apache-2.0 */
/*
 * runtime/observe/record.h - an event as the words of a ring record, and back.
 *
 *   word 0  the ring's header
 *   word 1  stamp in ticks, growing strictly within a lane; becomes timestamp_ns when it is read
 *   word 2  workflow_id
 *   word 3  address of the form, 0 for an event with a description
 *   word 4  | scope 8 | type 8 | fields 8 | has a parent 8 | component length 16 | message length 16 |
 *   then parent_workflow_id, if it has one
 *
 * With a description: component and message, and for each field:
 *           | kind 8 | key length 8 | - 16 | value length 32 |, address of the key, value
 *
 * Of a form: the step, if it has steps; the lengths of the texts, four to a word; the
 * numbers; the component, with room for what the reader appends; message; texts.
 *
 * Everything begins at a word, so a record is put into the ring as it is made, word by
 * word, with nothing in between. Texts are copied, the last word of each filled up
 * with zeros. Keys and forms are static (weft/event.h): their address is enough.
 */
#ifndef WEFT_RUNTIME_OBSERVE_RECORD_H
#define WEFT_RUNTIME_OBSERVE_RECORD_H

#include <weft/event.h>

#include "runtime/base/atomic.h"

#define WEFT__RECORD_WORDS_MAX (WEFT_EVENT_BYTES_MAX / 8)
#define WEFT__RECORD_FIXED_WORDS 5u
#define WEFT__RECORD_COMPONENT_MAX 256u

/* Words that desc takes, or 0: more than max, or a text that is too long by itself. */
uint32_t weft__record_words(const weft_event_desc *desc, uint32_t max);

/* Put all words but the ring's; `to` has room for as many as weft__record_words said. */
void weft__record_put(_Atomic(uint64_t) *to, const weft_event_desc *desc, uint64_t ticks);

/* The same of an event of a form. 0 too when the form or the values are not in order. */
uint32_t weft__record_form_words(const weft_event_form *form, const weft_event_values *v, uint32_t max);
void weft__record_put_form(_Atomic(uint64_t) *to, const weft_event_form *form, const weft_event_values *v, uint64_t ticks);

/* A form and values as a description. False: the form is not in order. */
struct weft__record_desc {
	weft_event_desc desc;
	weft_event_field fields[WEFT_EVENT_FIELDS_MAX];
	char component[WEFT__RECORD_COMPONENT_MAX];
};

bool weft__record_describe(struct weft__record_desc *d, const weft_event_form *form, const weft_event_values *v);

/* A description that fits, made from one that does not: texts cut as weft/event.h says. */
struct weft__record_cut {
	weft_event_desc desc;
	weft_event_field fields[WEFT_EVENT_FIELDS_MAX];
	char text[WEFT_EVENT_BYTES_MAX]; /* what is cut, each ending in "..." */
	uint32_t text_bytes;
	uint32_t words, max; /* of the record so far */
};

void weft__record_cut(struct weft__record_cut *cut, const weft_event_desc *desc, uint32_t max);

/* Unpack all but id, offset, worker and times. Pointers lead into words. ticks: weft_ticks() of the event. */
void weft__record_unpack(uint64_t *words, uint64_t ticks, weft_event *ret);

#endif
