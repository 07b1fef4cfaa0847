/* SPDX-License-Identifier: Apache-2.0 */
/*
 * runtime/observe/record.h - an event as the words of a ring record, and back.
 *
 *   word 0  the ring's header
 *   word 1  stamp in ticks, growing strictly within a lane; becomes timestamp_ns when it is read
 *   word 2  workflow_id      word 3  parent_workflow_id
 *   word 4  | scope 8 | type 8 | fields 8 | - 8 | component length 16 | message length 16 |
 *   then bytes: component, message, and for each field: kind 1, key length 1,
 *   value length 2, key, value (text, or 8 bytes of a number)
 */
#ifndef WEFT_RUNTIME_OBSERVE_RECORD_H
#define WEFT_RUNTIME_OBSERVE_RECORD_H

#include <weft/event.h>

#define WEFT__RECORD_WORDS_MAX (WEFT_EVENT_BYTES_MAX / 8)
#define WEFT__RECORD_FIXED_WORDS 5u

/* Pack into words, at most max of them; texts are cut as weft/event.h says. @return words used */
uint32_t weft__record_pack(const weft_event_desc *desc, uint64_t ticks, uint64_t *words, uint32_t max);

/* Unpack all but id, offset, worker and times. Pointers lead into words. */
void weft__record_unpack(const uint64_t *words, weft_event *ret);

#endif
