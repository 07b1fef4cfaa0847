/* SPDX-License-Identifier: Apache-2.0 */
/* runtime/observe/record.c - see record.h. */
#include "runtime/observe/record.h"

#include <assert.h>
#include <string.h>

#include "runtime/base/assert.h"
#include "runtime/base/clock.h"
#include "runtime/queue/broadcast.h"

#define KEY_MAX 255u
#define COMPONENT_MAX WEFT__RECORD_COMPONENT_MAX
#define FIELD_WORDS 2u /* before its value */
#define LENGTHS_A_WORD 4u
#define STEP_DIGITS 10u
#define BIG_ENDIAN_BYTES (__BYTE_ORDER__ == __ORDER_BIG_ENDIAN__)

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

static uint64_t word_of(weft_event_number number)
{
	uint64_t word;

	static_assert(sizeof(word) == sizeof(number), "a number is a word");
	memcpy(&word, &number, sizeof(word));
	return word;
}

static weft_event_number number_of(uint64_t word)
{
	weft_event_number number;

	memcpy(&number, &word, sizeof(number));
	return number;
}

/* ---- putting ------------------------------------------------------------------------- */

uint32_t weft__record_words(const weft_event_desc *desc, uint32_t max)
{
	size_t words = WEFT__RECORD_FIXED_WORDS + (desc->parent_workflow_id ? 1 : 0) +
	               words_of(desc->component_id.len_bytes) + words_of(desc->message.len_bytes);
	bool fits = desc->component_id.len_bytes <= COMPONENT_MAX && desc->message.len_bytes <= WEFT_EVENT_BYTES_MAX &&
	            desc->field_count <= WEFT_EVENT_FIELDS_MAX;

	for (uint32_t i = 0; fits && i < desc->field_count; i++) {
		const weft_event_field *f = &desc->fields[i];

		fits = f->key.len_bytes <= KEY_MAX && (!is_text(f) || f->str.len_bytes <= WEFT_EVENT_BYTES_MAX);
		words += FIELD_WORDS + value_words(f);
	}
	return fits && words <= max ? (uint32_t)words : 0;
}

/* The last n bytes of a text, 1 to 7, then zeros. */
static uint64_t last_word(weft_str s, size_t n)
{
	const char *end = s.ptr + s.len_bytes;
	uint64_t word = 0;

	if (s.len_bytes >= 8) { /* with bytes before them, which then go */
		memcpy(&word, end - 8, 8);
		return BIG_ENDIAN_BYTES ? word << 8 * (8 - n) : word >> 8 * (8 - n);
	}
	for (size_t i = 1; i <= n; i++)
		word = word << 8 | (unsigned char)end[-(ptrdiff_t)i];
	return BIG_ENDIAN_BYTES ? __builtin_bswap64(word) : word;
}

static inline _Atomic(uint64_t) *put_text(_Atomic(uint64_t) *to, weft_str s)
{
	const char *from = s.ptr;
	size_t left = s.len_bytes;

	for (; left >= 8; left -= 8, from += 8) {
		uint64_t word;

		memcpy(&word, from, 8);
		weft__broadcast_put(to++, word);
	}
	if (left)
		weft__broadcast_put(to++, last_word(s, left));
	return to;
}

static _Atomic(uint64_t) *put_field(_Atomic(uint64_t) *to, const weft_event_field *f)
{
	size_t value_bytes = is_text(f) ? f->str.len_bytes : 8;

	weft__broadcast_put(to++, (uint64_t)f->kind << 56 | (uint64_t)f->key.len_bytes << 48 | value_bytes);
	weft__broadcast_put(to++, (uintptr_t)f->key.ptr);
	if (is_text(f))
		return put_text(to, f->str);
	weft__broadcast_put(to++, word_of(f->num));
	return to;
}

/* What every record begins with. Gives the place behind it. */
struct head {
	const weft_event_form *form; /* NULL: a description */
	uint64_t ticks, workflow_id, parent_workflow_id;
	weft_event_scope scope;
	weft_event_type type;
	uint32_t field_count;
	size_t component_bytes, message_bytes;
};

static inline _Atomic(uint64_t) *put_head(_Atomic(uint64_t) *to, const struct head *h)
{
	weft__broadcast_put(&to[1], h->ticks);
	weft__broadcast_put(&to[2], h->workflow_id);
	weft__broadcast_put(&to[3], (uintptr_t)h->form);
	weft__broadcast_put(&to[4], (uint64_t)(h->scope & 0xff) << 56 | (uint64_t)(h->type & 0xff) << 48 |
	                                    (uint64_t)h->field_count << 40 | (uint64_t)!!h->parent_workflow_id << 32 |
	                                    h->component_bytes << 16 | h->message_bytes);
	to += WEFT__RECORD_FIXED_WORDS;
	if (h->parent_workflow_id)
		weft__broadcast_put(to++, h->parent_workflow_id);
	return to;
}

void weft__record_put(_Atomic(uint64_t) *to, const weft_event_desc *desc, uint64_t ticks)
{
	const struct head head = { .ticks = ticks,
		                   .workflow_id = desc->workflow_id,
		                   .parent_workflow_id = desc->parent_workflow_id,
		                   .scope = desc->scope,
		                   .type = desc->type,
		                   .field_count = desc->field_count,
		                   .component_bytes = desc->component_id.len_bytes,
		                   .message_bytes = desc->message.len_bytes };

	to = put_head(to, &head);
	to = put_text(to, desc->component_id);
	to = put_text(to, desc->message);
	for (uint32_t i = 0; i < desc->field_count; i++)
		to = put_field(to, &desc->fields[i]);
}

/* ---- forms ------------------------------------------------------------------------------ */

static bool form_is_valid(const weft_event_form *form)
{
	return form->text_count <= WEFT_EVENT_FIELDS_MAX && form->number_count <= WEFT_EVENT_FIELDS_MAX - form->text_count;
}

static bool has_steps(const weft_event_form *form)
{
	return form->step_prefix.len_bytes != 0;
}

/* Bytes of the component as it is read. */
static size_t component_room(const weft_event_form *form, size_t len_bytes)
{
	return has_steps(form) ? len_bytes + form->step_prefix.len_bytes + STEP_DIGITS : len_bytes;
}

uint32_t weft__record_form_words(const weft_event_form *form, const weft_event_values *v, uint32_t max)
{
	size_t component = component_room(form, v->component_id.len_bytes), all = v->message.len_bytes;
	size_t words = WEFT__RECORD_FIXED_WORDS + (v->parent_workflow_id ? 1 : 0) + (has_steps(form) ? 1 : 0) +
	               words_of(component) + words_of(all);

	if (!form_is_valid(form) || component > COMPONENT_MAX)
		return 0;
	words += (form->text_count + LENGTHS_A_WORD - 1) / LENGTHS_A_WORD + form->number_count;
	for (uint32_t i = 0; i < form->text_count; i++) {
		all |= v->texts[i].len_bytes; /* none is longer than this */
		words += words_of(v->texts[i].len_bytes);
	}
	return all <= 0xffff && words <= max ? (uint32_t)words : 0;
}

static _Atomic(uint64_t) *put_lengths(_Atomic(uint64_t) *to, const weft_str *texts, uint32_t count)
{
	uint64_t lengths = 0;

	for (uint32_t i = 0; i < count; i++) {
		lengths |= (uint64_t)texts[i].len_bytes << 16 * (i % LENGTHS_A_WORD);
		if (i % LENGTHS_A_WORD == LENGTHS_A_WORD - 1 || i + 1 == count) {
			weft__broadcast_put(to++, lengths);
			lengths = 0;
		}
	}
	return to;
}

void weft__record_put_form(_Atomic(uint64_t) *to, const weft_event_form *form, const weft_event_values *v, uint64_t ticks)
{
	const struct head head = { .form = form,
		                   .ticks = ticks,
		                   .workflow_id = v->workflow_id,
		                   .parent_workflow_id = v->parent_workflow_id,
		                   .scope = form->scope,
		                   .type = v->type,
		                   .field_count = form->text_count + form->number_count,
		                   .component_bytes = v->component_id.len_bytes,
		                   .message_bytes = v->message.len_bytes };
	_Atomic(uint64_t) *behind;

	to = put_head(to, &head);
	if (has_steps(form))
		weft__broadcast_put(to++, v->step);
	to = put_lengths(to, v->texts, form->text_count);
	for (uint32_t i = 0; i < form->number_count; i++)
		weft__broadcast_put(to++, word_of(v->numbers[i]));
	behind = to + words_of(component_room(form, v->component_id.len_bytes));
	put_text(to, v->component_id);
	to = put_text(behind, v->message);
	for (uint32_t i = 0; i < form->text_count; i++)
		to = put_text(to, v->texts[i]);
}

/* Append prefix and step to the component, of len_bytes so far. Gives its length. */
static size_t append_step(char *component, size_t len_bytes, weft_str prefix, uint32_t step)
{
	char digits[STEP_DIGITS];
	size_t d = sizeof(digits);

	do {
		digits[--d] = (char)('0' + step % 10);
		step /= 10;
	} while (step);
	memcpy(component + len_bytes, prefix.ptr, prefix.len_bytes);
	len_bytes += prefix.len_bytes;
	memcpy(component + len_bytes, digits + d, sizeof(digits) - d);
	return len_bytes + sizeof(digits) - d;
}

/* With the end that matters, though the beginning may be cut. */
static weft_str component_of(const weft_event_form *form, const weft_event_values *v, char buf[COMPONENT_MAX])
{
	weft_str c = v->component_id;
	size_t ends = form->step_prefix.len_bytes + STEP_DIGITS;

	if (!has_steps(form) || ends > COMPONENT_MAX)
		return c;
	if (c.len_bytes > COMPONENT_MAX - ends)
		c.len_bytes = COMPONENT_MAX - ends;
	if (c.len_bytes)
		memcpy(buf, c.ptr, c.len_bytes);
	return (weft_str){ buf, append_step(buf, c.len_bytes, form->step_prefix, v->step) };
}

bool weft__record_describe(struct weft__record_desc *d, const weft_event_form *form, const weft_event_values *v)
{
	uint32_t count = form->text_count + form->number_count;

	if (!form_is_valid(form))
		return false;
	d->desc = (weft_event_desc){ .scope = form->scope,
		                     .type = v->type,
		                     .component_id = component_of(form, v, d->component),
		                     .workflow_id = v->workflow_id,
		                     .parent_workflow_id = v->parent_workflow_id,
		                     .message = v->message,
		                     .fields = d->fields,
		                     .field_count = count };
	for (uint32_t i = 0; i < count; i++) {
		weft_event_field *f = &d->fields[i];

		*f = (weft_event_field){ .key = form->keys[i].name, .kind = form->keys[i].kind };
		if (i < form->text_count)
			f->str = v->texts[i];
		else
			f->num = v->numbers[i - form->text_count];
	}
	return true;
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
	c->words = WEFT__RECORD_FIXED_WORDS + (desc->parent_workflow_id ? 1 : 0);
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

/* A moment becomes the time from there to the event. */
static void resolve_since(weft_event_field *f, uint64_t ticks)
{
	uint64_t from = f->num.ticks;

	if (f->kind != WEFT_FIELD_SINCE_MS)
		return;
	f->kind = WEFT_FIELD_DOUBLE;
	f->num.d = from && from < ticks ? (double)weft__tsc_to_ns(ticks - from) / 1e6 : 0;
}

static void unpack_fields(const uint64_t *at, uint64_t head, uint64_t ticks, weft_event *ret)
{
	ret->component_id = unpack_text(&at, head >> 16 & 0xffff);
	ret->message = unpack_text(&at, head & 0xffff);
	for (uint32_t i = 0; i < ret->field_count; i++) {
		weft_event_field *f = &ret->fields[i];
		uint64_t field = *at++;

		f->kind = (weft_field_kind)(field >> 56);
		f->key = (weft_str){ (const char *)(uintptr_t)*at++, field >> 48 & 0xff };
		f->str = (weft_str){ 0 };
		f->num.i = 0;
		if (is_text(f)) {
			f->str = unpack_text(&at, field & 0xffffffff);
		} else {
			f->num = number_of(*at++);
			resolve_since(f, ticks);
		}
	}
}

/* The component with what belongs behind it, for which the record has room. */
static weft_str unpack_component(uint64_t **at, const weft_event_form *form, uint64_t step, size_t len_bytes)
{
	char *text = (char *)*at;

	*at += words_of(component_room(form, len_bytes));
	return (weft_str){ text, has_steps(form) ? append_step(text, len_bytes, form->step_prefix, (uint32_t)step) : len_bytes };
}

static void unpack_form(uint64_t *at, const weft_event_form *form, uint64_t head, uint64_t ticks, weft_event *ret)
{
	uint64_t step = has_steps(form) ? *at++ : 0;
	const uint64_t *lengths = at, *numbers = at + (form->text_count + LENGTHS_A_WORD - 1) / LENGTHS_A_WORD, *texts;

	at += numbers - lengths + form->number_count;
	ret->component_id = unpack_component(&at, form, step, head >> 16 & 0xffff);
	texts = at;
	ret->message = unpack_text(&texts, head & 0xffff);
	for (uint32_t i = 0; i < ret->field_count; i++) {
		weft_event_field *f = &ret->fields[i];

		f->key = form->keys[i].name;
		f->kind = form->keys[i].kind;
		f->str = (weft_str){ 0 };
		f->num.i = 0;
		if (i < form->text_count) {
			f->str = unpack_text(&texts, lengths[i / LENGTHS_A_WORD] >> 16 * (i % LENGTHS_A_WORD) & 0xffff);
		} else {
			f->num = number_of(*numbers++);
			resolve_since(f, ticks);
		}
	}
}

void weft__record_unpack(uint64_t *words, uint64_t ticks, weft_event *ret)
{
	uint64_t *at = words + WEFT__RECORD_FIXED_WORDS, head = words[4];
	const weft_event_form *form = (const weft_event_form *)(uintptr_t)words[3];

	ret->workflow_id = words[2];
	ret->parent_workflow_id = head >> 32 & 0xff ? *at++ : 0;
	ret->scope = (weft_event_scope)(head >> 56);
	ret->type = (weft_event_type)(head >> 48 & 0xff);
	ret->field_count = (uint32_t)(head >> 40 & 0xff);
	if (form)
		unpack_form(at, form, head, ticks, ret);
	else
		unpack_fields(at, head, ticks, ret);
}
