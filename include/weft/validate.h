/* SPDX-License-Identifier: Apache-2.0 */
/*
 * weft/validate.h - is a batch fit to be taken in? One call over arrays, before anything is changed.
 *
 * An import, a bridge to a chat or a network peer hands over thousands of messages, embeddings and confidences; one
 * that is not right should be refused by name, and not be found halfway through.
 */
#ifndef WEFT_VALIDATE_H
#define WEFT_VALIDATE_H

#include <weft/memory.h>

WEFT_BEGIN_DECLS

/** What can be wrong. Of one entry with several faults the first of these is told. */
typedef enum weft_batch_rule {
	WEFT_BATCH_SENDER = 1, /* nil: a message's entity_id, or one of senders */
	WEFT_BATCH_ROOM,       /* nil: a message's room_id */
	WEFT_BATCH_EMPTY,      /* no text, and a message has no attachment either */
	WEFT_BATCH_LONG,       /* a text of more than WEFT_MEMORY_TEXT_MAX bytes */
	WEFT_BATCH_FINITE,     /* NaN or Inf in an embedding or a confidence */
	WEFT_BATCH_RANGE       /* a confidence below confidence_min or above confidence_max */
} weft_batch_rule;

/** Arrays of count entries each; what is NULL is not looked at. Entry i of one belongs to entry i of the others. */
typedef struct weft_batch {
	uint32_t size; /* set by WEFT_BATCH_INIT */
	uint32_t count;
	const weft_memory *messages; /* sender, room, text; the embedding where there is one */
	const weft_uuid *senders;
	const weft_str *texts;
	const float *embeddings; /* count * dims, one after another */
	const float *confidences;
	float confidence_min, confidence_max; /* both ends in; WEFT_BATCH_INIT: 0 and 1 */
	uint32_t dims; /* of each of embeddings */
	uint32_t reserved;
} weft_batch;

#define WEFT_BATCH_INIT                                                                                    \
	{                                                                                                  \
		.size = sizeof(weft_batch), .confidence_max = 1                                            \
	}

typedef struct weft_batch_fault {
	uint32_t index;
	weft_batch_rule rule;
} weft_batch_fault;

/**
 * Look through a batch.
 *
 * @param ret_fault  the entry with the lowest index that is not right, and why; set when -EBADMSG is returned, and only
 *                   then; may be NULL
 * @return 0 (every entry passes; also of none), -EBADMSG (one does not), -EINVAL (batch NULL, embeddings without dims,
 *         confidence_min or _max NaN or the wrong way round)
 *
 * Threads: any.   Blocks: never.   Allocates: never.
 * Cost: a reading of the arrays, floats a register at a time. Attachments are checked by weft_attachments_check.
 */
WEFT_API int weft_batch_validate(const weft_batch *batch, weft_batch_fault *ret_fault);

/** "sender", "room", "empty", "long", "finite", "range"; "?" for anything else. Static. */
WEFT_API const char *weft_batch_rule_name(weft_batch_rule rule);

WEFT_END_DECLS

#endif
