/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Batches that are looked through before they are taken in. Goal: of any number of faults at random places the lowest is
 * found, with its first rule; what passes passes; arrays that are missing are not looked at.
 */
#include <criterion/criterion.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <weft/weft.h>

#include "tests/support/seed.h"

#define COUNT 300u
#define DIMS 7u

static weft_memory messages[COUNT];
static weft_uuid senders[COUNT];
static weft_str texts[COUNT];
static float embeddings[COUNT * DIMS], confidences[COUNT], own[COUNT][3];
static weft_attachment attachment;

static weft_batch good_batch(uint32_t count)
{
	weft_batch b = WEFT_BATCH_INIT;

	for (uint32_t i = 0; i < COUNT; i++) {
		senders[i] = weft_uuid_v7();
		texts[i] = WEFT_STR("hello");
		confidences[i] = (float)(i % 101) / 100.0f;
		for (uint32_t d = 0; d < 3; d++)
			own[i][d] = 1;
		messages[i] = (weft_memory){ .entity_id = weft_uuid_v7(), .room_id = weft_uuid_v7(), .text = WEFT_STR("hello"),
			                     .embedding = i % 2 ? own[i] : NULL, .embedding_dims = i % 2 ? 3 : 0 };
	}
	for (uint32_t i = 0; i < COUNT * DIMS; i++)
		embeddings[i] = (float)i;
	b.count = count;
	b.messages = messages;
	b.senders = senders;
	b.texts = texts;
	b.embeddings = embeddings;
	b.dims = DIMS;
	b.confidences = confidences;
	return b;
}

static float not_finite(uint64_t *rnd)
{
	static const float some[] = { NAN, INFINITY, -INFINITY };

	return some[test_below(rnd, 3)];
}

/* Break entry i in one of all ways. */
static void break_one(uint64_t *rnd, uint32_t i)
{
	switch (test_below(rnd, 10)) {
	case 0:
		memset(&messages[i].entity_id, 0, 16);
		break;
	case 1:
		memset(&senders[i], 0, 16);
		break;
	case 2:
		memset(&messages[i].room_id, 0, 16);
		break;
	case 3:
		messages[i].text = (weft_str){ 0 };
		break;
	case 4:
		texts[i].len_bytes = 0;
		break;
	case 5:
		texts[i].len_bytes = WEFT_MEMORY_TEXT_MAX + 1;
		break;
	case 6:
		embeddings[i * DIMS + test_below(rnd, DIMS)] = not_finite(rnd);
		break;
	case 7:
		confidences[i] = not_finite(rnd);
		break;
	case 8:
		own[i][1] = not_finite(rnd);
		break;
	default:
		confidences[i] = test_below(rnd, 2) ? -0.001f : nextafterf(1, 2);
		break;
	}
}

static bool all_finite(const float *v, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		if (!isfinite(v[i]))
			return false;
	}
	return true;
}

/* The first rule that entry i breaks, by the header's words; 0: none. */
static int rule_of(uint32_t i)
{
	const weft_memory *m = &messages[i];

	if (weft_uuid_is_nil(m->entity_id) || weft_uuid_is_nil(senders[i]))
		return WEFT_BATCH_SENDER;
	if (weft_uuid_is_nil(m->room_id))
		return WEFT_BATCH_ROOM;
	if (!m->text.len_bytes || !texts[i].len_bytes)
		return WEFT_BATCH_EMPTY;
	if (texts[i].len_bytes > WEFT_MEMORY_TEXT_MAX)
		return WEFT_BATCH_LONG;
	if (!all_finite(embeddings + i * DIMS, DIMS) || !isfinite(confidences[i]) || (m->embedding && !all_finite(m->embedding, 3)))
		return WEFT_BATCH_FINITE;
	return confidences[i] < 0 || confidences[i] > 1 ? WEFT_BATCH_RANGE : 0;
}

Test(validate, the_lowest_fault__and_its_first_rule)
{
	uint64_t rnd = test_seed("validate");

	for (int round = 0; round < 3000; round++) {
		uint32_t count = 1 + test_below(&rnd, COUNT), first = 0, at = test_below(&rnd, count);
		weft_batch b = good_batch(count);
		weft_batch_fault got = { .index = 12345 };

		for (uint32_t faults = test_below(&rnd, 6); faults; faults--) {
			break_one(&rnd, at);
			at = test_below(&rnd, 2) ? test_below(&rnd, count) : at; /* often one entry, in several ways */
		}
		while (first < count && !rule_of(first))
			first++;
		cr_assert_eq(weft_batch_validate(&b, &got), first < count ? -EBADMSG : 0, "count %u", count);
		if (first < count)
			cr_assert(got.index == first && (int)got.rule == rule_of(first), "entry %u %s, want %u %s", got.index,
			          weft_batch_rule_name(got.rule), first, weft_batch_rule_name((weft_batch_rule)rule_of(first)));
		else
			cr_assert_eq(got.index, 12345, "untouched");
	}
}

Test(validate, each_array_alone__and_none)
{
	weft_batch b = good_batch(COUNT), all = b;
	weft_batch none = WEFT_BATCH_INIT;

	cr_assert_eq(weft_batch_validate(&none, NULL), 0);
	none.count = 5;
	cr_assert_eq(weft_batch_validate(&none, NULL), 0, "no arrays: nothing is wrong");
	memset(&senders[3], 0, 16);
	texts[4] = (weft_str){ .ptr = NULL, .len_bytes = 7 };
	confidences[0] = NAN;
	b.senders = NULL;
	b.texts = NULL;
	b.confidences = NULL;
	cr_assert_eq(weft_batch_validate(&b, NULL), 0, "what is not there is not looked at");
	cr_assert_eq(weft_batch_validate(&all, NULL), -EBADMSG);
	b.texts = texts;
	cr_assert_eq(weft_batch_validate(&b, NULL), -EBADMSG, "a length without a text");
}

Test(validate, an_id_is_nil_only_when_all_of_it_is)
{
	weft_batch b = good_batch(COUNT);

	for (int byte = 0; byte < 16; byte++) {
		memset(&senders[5], 0, 16);
		senders[5].bytes[byte] = 1;
		cr_assert_eq(weft_batch_validate(&b, NULL), 0, "byte %d", byte);
	}
}

Test(validate, a_message_may_be_its_attachment)
{
	weft_batch b = good_batch(COUNT);

	messages[7].text = (weft_str){ 0 };
	messages[7].attachments = &attachment;
	messages[7].attachment_count = 1;
	cr_assert_eq(weft_batch_validate(&b, NULL), 0);
	memset(&messages[7].entity_id, 0, 16);
	cr_assert_eq(weft_batch_validate(&b, NULL), -EBADMSG);
}

Test(validate, ranges__both_ends_in_and_never_infinite)
{
	weft_batch b = good_batch(COUNT);
	weft_batch_fault fault;

	b.confidence_min = -INFINITY;
	b.confidence_max = INFINITY;
	confidences[9] = 3e38f;
	cr_assert_eq(weft_batch_validate(&b, NULL), 0);
	confidences[9] = INFINITY;
	cr_assert_eq(weft_batch_validate(&b, &fault), -EBADMSG);
	cr_assert(fault.index == 9 && fault.rule == WEFT_BATCH_FINITE);
	confidences[8] = -INFINITY;
	cr_assert_eq(weft_batch_validate(&b, &fault), -EBADMSG);
	cr_assert(fault.index == 8 && fault.rule == WEFT_BATCH_FINITE);
	b = good_batch(COUNT);
	b.confidence_max = 0.99f;
	cr_assert_eq(weft_batch_validate(&b, &fault), -EBADMSG);
	cr_assert(fault.index == 100 && fault.rule == WEFT_BATCH_RANGE);
}

Test(validate, arguments__that_make_no_sense)
{
	weft_batch b = good_batch(COUNT);

	cr_assert_eq(weft_batch_validate(NULL, NULL), -EINVAL);
	b.dims = 0;
	cr_assert_eq(weft_batch_validate(&b, NULL), -EINVAL);
	b = good_batch(COUNT);
	b.size = 0;
	cr_assert_eq(weft_batch_validate(&b, NULL), -EINVAL);
	b = good_batch(COUNT);
	b.confidence_max = NAN;
	cr_assert_eq(weft_batch_validate(&b, NULL), -EINVAL);
	b.confidence_max = -1;
	cr_assert_eq(weft_batch_validate(&b, NULL), -EINVAL);
	cr_assert_str_eq(weft_batch_rule_name(WEFT_BATCH_RANGE), "range");
	cr_assert_str_eq(weft_batch_rule_name((weft_batch_rule)77), "?");
}
