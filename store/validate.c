/* SPDX-License-Identifier: Apache-2.0 */
/*
 * store/validate.c - the first entry of a batch that is not right.
 *
 * Array by array: each is read only as far as the lowest fault known so far, so a batch is read once, and what comes
 * out does not depend on the order of the arrays. Floats are passed over a register at a time; ids and lengths are 16
 * bytes an entry, which plain loads read as fast as memory gives them.
 */
#include <weft/validate.h>

#include <errno.h>
#include <float.h>
#include <math.h>
#include <string.h>

#include "runtime/base/assert.h"
#include "simd/simd.h"

/* The lowest fault so far: its index is the batch's count while there is none. */
static void fault(weft_batch_fault *first, uint64_t index, weft_batch_rule rule)
{
	if (index < first->index || (index == first->index && rule < first->rule))
		*first = (weft_batch_fault){ .index = (uint32_t)index, .rule = rule };
}

static bool is_nil(const weft_uuid *id)
{
	uint64_t half[2];

	memcpy(half, id->bytes, sizeof(half));
	return !(half[0] | half[1]);
}

/* 0 when it may stand; an attachment may stand for it. */
static int text_rule(weft_str text, bool attached)
{
	if (!text.ptr || !text.len_bytes)
		return attached ? 0 : WEFT_BATCH_EMPTY;
	return text.len_bytes > WEFT_MEMORY_TEXT_MAX ? WEFT_BATCH_LONG : 0;
}

static size_t not_finite(const float *v, size_t n)
{
	return weft__simd()->outside_f32(v, n, -FLT_MAX, FLT_MAX);
}

static int message_rule(const weft_memory *m)
{
	int rule = text_rule(m->text, m->attachment_count > 0);

	if (is_nil(&m->entity_id))
		return WEFT_BATCH_SENDER;
	if (is_nil(&m->room_id))
		return WEFT_BATCH_ROOM;
	if (rule)
		return rule;
	return m->embedding && not_finite(m->embedding, m->embedding_dims) < m->embedding_dims ? WEFT_BATCH_FINITE : 0;
}

static void check_messages(const weft_batch *b, weft_batch_fault *first)
{
	for (uint32_t i = 0; i < b->count && i <= first->index; i++) {
		int rule = message_rule(&b->messages[i]);

		if (rule) {
			fault(first, i, (weft_batch_rule)rule);
			return;
		}
	}
}

static void check_senders(const weft_batch *b, weft_batch_fault *first)
{
	for (uint32_t i = 0; i < b->count && i <= first->index; i++) {
		if (is_nil(&b->senders[i])) {
			fault(first, i, WEFT_BATCH_SENDER);
			return;
		}
	}
}

static void check_texts(const weft_batch *b, weft_batch_fault *first)
{
	for (uint32_t i = 0; i < b->count && i <= first->index; i++) {
		int rule = text_rule(b->texts[i], false);

		if (rule) {
			fault(first, i, (weft_batch_rule)rule);
			return;
		}
	}
}

/* What comes before the lowest fault: at that one itself nothing that floats can be would be told first. */
static void check_embeddings(const weft_batch *b, weft_batch_fault *first)
{
	size_t values = (size_t)first->index * b->dims, at = not_finite(b->embeddings, values);

	if (at < values)
		fault(first, at / b->dims, WEFT_BATCH_FINITE);
}

static void check_confidences(const weft_batch *b, weft_batch_fault *first)
{
	float low = fmaxf(b->confidence_min, -FLT_MAX), high = fminf(b->confidence_max, FLT_MAX);
	size_t n = first->index, at = weft__simd()->outside_f32(b->confidences, n, low, high);

	if (at < n)
		fault(first, at, isfinite(b->confidences[at]) ? WEFT_BATCH_RANGE : WEFT_BATCH_FINITE);
}

int weft_batch_validate(const weft_batch *batch, weft_batch_fault *ret_fault)
{
	weft_batch_fault first;

	WEFT_RETURN_IF(!batch || batch->size != sizeof(*batch), -EINVAL);
	WEFT_RETURN_IF(batch->embeddings && !batch->dims, -EINVAL);
	WEFT_RETURN_IF(!(batch->confidence_min <= batch->confidence_max), -EINVAL);
	first = (weft_batch_fault){ .index = batch->count, .rule = WEFT_BATCH_RANGE };
	if (batch->messages)
		check_messages(batch, &first);
	if (batch->senders)
		check_senders(batch, &first);
	if (batch->texts)
		check_texts(batch, &first);
	if (batch->embeddings)
		check_embeddings(batch, &first);
	if (batch->confidences)
		check_confidences(batch, &first);
	if (first.index == batch->count)
		return 0;
	if (ret_fault)
		*ret_fault = first;
	return -EBADMSG;
}

const char *weft_batch_rule_name(weft_batch_rule rule)
{
	static const char *const names[] = { "?", "sender", "room", "empty", "long", "finite", "range" };

	return rule >= WEFT_BATCH_SENDER && rule <= WEFT_BATCH_RANGE ? names[rule] : names[0];
}
