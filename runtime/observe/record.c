/* SPDX-License-Identifier: Apache-2.0 */
/* runtime/observe/record.c - see record.h. */
#include "runtime/observe/record.h"

#include <string.h>

#include "runtime/base/assert.h"
#include "runtime/queue/broadcast.h"

#define KEY_MAX 255u
#define COMPONENT_MAX 256u
#define FIELD_WORDS 2u /* before its value */

static size_t words_of(size_t bytes)
{
	return (bytes + 7) / 8;
}

static bool is_text(const weft_event_field *f)
{
	return f->kind == WEFT_FIELD_STR || f->kind == WEFT_FIELD_JSON;
}

static size_t value_words(const weft_event_field *f)
{
	return is_text(f) ? words_of(f->str.len_bytes) : 1;
}

/* ---- putting ------------------------------------------------------------------------- */

uint32_t weft__record_words(const weft_event_desc *desc, uint32_t max)
{
	size_t words = WEFT__RECORD_FIXED_WORDS + words_of(desc->component_id.len_bytes) +
	               words_of(desc->message.len_bytes);
	bool fits = desc->component_id.len_bytes <= COMPONENT_MAX && desc->message.len_bytes <= WEFT_EVENT_BYTES_MAX &&
	            desc->field_count <= WEFT_EVENT_FIELDS_MAX;

	for (uint32_t i = 0; fits && i < desc->field_count; i++) {
		const weft_event_field *f = &desc->fields[i];

		fits = f->key.len_bytes <= KEY_MAX && (!is_text(f) || f->str.len_bytes <= WEFT_EVENT_BYTES_MAX);
		words += FIELD_WORDS + value_words(f);
	}
	return fits && words <= max ? (uint32_t)words : 0;
}

/* 1 to 7 bytes, then zeros. (gcc would make a call of memcpy, and loads that overlap are no faster.) */
static uint64_t part_of_word(const char *from, size_t n)
{
	uint64_t word = 0;

	for (size_t i = n; i--;)
		word = word << 8 | (unsigned char)from[i];
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
	word = __builtin_bswap64(word);
#endif
	return word;
}

static _Atomic(uint64_t) *put_text(_Atomic(uint64_t) *to, weft_str s)
{
	const char *from = s.ptr;
	size_t left = s.len_bytes;

	for (; left >= 8; left -= 8, from += 8) {
		uint64_t word;

		memcpy(&word, from, 8);
		weft__broadcast_put(to++, word);
	}
	if (left)
		weft__broadcast_put(to++, part_of_word(from, left));
	return to;
}

static _Atomic(uint64_t) *put_field(_Atomic(uint64_t) *to, const weft_event_field *f)
{
	size_t value_bytes = is_text(f) ? f->str.len_bytes : 8;
	uint64_t number;

	weft__broadcast_put(to++, (uint64_t)f->kind << 56 | (uint64_t)f->key.len_bytes << 48 | value_bytes);
	weft__broadcast_put(to++, (uintptr_t)f->key.ptr);
	if (is_text(f))
		return put_text(to, f->str);
	memcpy(&number, &f->num, 8);
	weft__broadcast_put(to++, number);
	return to;
}

void weft__record_put(_Atomic(uint64_t) *to, const weft_event_desc *desc, uint64_t ticks)
{
	weft__broadcast_put(&to[1], ticks);
	weft__broadcast_put(&to[2], desc->workflow_id);
	weft__broadcast_put(&to[3], desc->parent_workflow_id);
	weft__broadcast_put(&to[4], (uint64_t)(desc->scope & 0xff) << 56 | (uint64_t)(desc->type & 0xff) << 48 |
	                                    (uint64_t)desc->field_count << 40 | desc->component_id.len_bytes << 16 |
	                                    desc->message.len_bytes);
	to = put_text(&to[WEFT__RECORD_FIXED_WORDS], desc->component_id);
	to = put_text(to, desc->message);
	for (uint32_t i = 0; i < desc->field_count; i++)
		to = put_field(to, &desc->fields[i]);
}

/* ---- cutting --------------------------------------------------------------------------- */

/* As much of s as `room` words hold. */
static weft_str cut_text(struct weft__record_cut *c, weft_str s, size_t room)
{
	char *to = c->text + c->text_bytes;
	size_t n = room * 8;

	if (s.len_bytes > n) {
		n -= 3;
		while (n && ((unsigned char)s.ptr[n] & 0xc0) == 0x80)
			n--; /* not within a character */
		memcpy(to, s.ptr, n);
		memcpy(to + n, "...", 3);
		c->text_bytes += (uint32_t)n + 3;
		s = (weft_str){ to, n + 3 };
	}
	c->words += (uint32_t)words_of(s.len_bytes);
	return s;
}

/* Words that a text may take: what the fields behind it leave, but its equal share at least. */
static size_t share(const struct weft__record_cut *c, const weft_event_field *fields, uint32_t count)
{
	size_t left = c->max - c->words, rest = 0, equal = left * (count - 1) / count;

	for (uint32_t i = 1; i < count; i++)
		rest += FIELD_WORDS + value_words(&fields[i]);
	return left - (rest < equal ? rest : equal);
}

/* The first of count fields. False: not even a short value fits, and they are left out. */
static bool cut_field(struct weft__record_cut *c, const weft_event_field *fields, uint32_t count)
{
	weft_event_field *to = &c->fields[c->desc.field_count];

	if (c->words + FIELD_WORDS + 1 > c->max)
		return false;
	*to = fields[0];
	if (to->key.len_bytes > KEY_MAX)
		to->key.len_bytes = KEY_MAX;
	c->words += FIELD_WORDS;
	if (to->kind == WEFT_FIELD_JSON && value_words(to) > c->max - c->words)
		to->str = WEFT_STR("null");
	if (to->kind == WEFT_FIELD_STR)
		to->str = cut_text(c, to->str, share(c, fields, count));
	else
		c->words += (uint32_t)value_words(to);
	c->desc.field_count++;
	return true;
}

void weft__record_cut(struct weft__record_cut *c, const weft_event_desc *desc, uint32_t max)
{
	uint32_t count = desc->field_count < WEFT_EVENT_FIELDS_MAX ? desc->field_count : WEFT_EVENT_FIELDS_MAX;

	WEFT_ASSERT(max > WEFT__RECORD_FIXED_WORDS + 8);
	c->desc = *desc;
	c->desc.fields = c->fields;
	c->desc.field_count = 0;
	c->text_bytes = 0;
	c->words = WEFT__RECORD_FIXED_WORDS;
	c->max = max;
	c->desc.component_id =
	        cut_text(c, desc->component_id, max - c->words < COMPONENT_MAX / 8 ? max - c->words : COMPONENT_MAX / 8);
	c->desc.message = cut_text(c, desc->message, (max - c->words) / 2);
	while (c->desc.field_count < count &&
	       cut_field(c, &desc->fields[c->desc.field_count], count - c->desc.field_count))
		;
}

/* ---- reading ----------------------------------------------------------------------------- */

static weft_str unpack_text(const uint64_t **at, uint64_t len_bytes)
{
	weft_str s = { (const char *)*at, len_bytes };

	*at += words_of(len_bytes);
	return s;
}

void weft__record_unpack(const uint64_t *words, weft_event *ret)
{
	const uint64_t *at = words + WEFT__RECORD_FIXED_WORDS;
	uint64_t w = words[4];

	ret->workflow_id = words[2];
	ret->parent_workflow_id = words[3];
	ret->scope = (weft_event_scope)(w >> 56);
	ret->type = (weft_event_type)(w >> 48 & 0xff);
	ret->field_count = (uint32_t)(w >> 40 & 0xff);
	ret->component_id = unpack_text(&at, w >> 16 & 0xffff);
	ret->message = unpack_text(&at, w & 0xffff);
	for (uint32_t i = 0; i < ret->field_count; i++) {
		weft_event_field *f = &ret->fields[i];
		uint64_t head = *at++;

		f->kind = head >> 56;
		f->key = (weft_str){ (const char *)(uintptr_t)*at++, head >> 48 & 0xff };
		f->str = (weft_str){ 0 };
		f->num.i = 0;
		if (is_text(f))
			f->str = unpack_text(&at, head & 0xffffffff);
		else
			memcpy(&f->num, at++, 8);
	}
}
