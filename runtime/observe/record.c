/* SPDX-License-Identifier: Apache-2.0 */
/* runtime/observe/record.c - see record.h. */
#include "runtime/observe/record.h"

#include <string.h>

#include "runtime/base/assert.h"

#define KEY_MAX 255u

struct pack {
	char *at, *end;
};

static size_t left(const struct pack *p)
{
	return (size_t)(p->end - p->at);
}

static void bytes(struct pack *p, const void *from, size_t n)
{
	/* Keys are known to be short, and gcc would copy them with "rep movs": 15 ns to start, libc's copy 3. */
	__asm__("" : "+r"(n));
	if (n)
		memcpy(p->at, from, n);
	p->at += n;
}

/* As much of s as `room` allows; what is cut ends in "...". @return bytes written */
static uint16_t text(struct pack *p, weft_str s, size_t room)
{
	size_t n = s.len_bytes;

	if (room > left(p))
		room = left(p);
	if (n <= room) {
		bytes(p, s.ptr, n);
		return (uint16_t)n;
	}
	if (room < 3)
		return 0;
	n = room - 3;
	while (n && ((unsigned char)s.ptr[n] & 0xc0) == 0x80)
		n--; /* not within a character */
	bytes(p, s.ptr, n);
	bytes(p, "...", 3);
	return (uint16_t)(n + 3);
}

/* False: not even its key fits, and the rest is left out. */
static bool field(struct pack *p, const weft_event_field *f, uint32_t fields_left)
{
	size_t key = f->key.len_bytes < KEY_MAX ? f->key.len_bytes : KEY_MAX;
	unsigned char *head = (unsigned char *)p->at;
	uint16_t n = 8;

	if (left(p) < 4 + key + 8)
		return false;
	head[0] = (unsigned char)f->kind;
	head[1] = (unsigned char)key;
	p->at += 4;
	bytes(p, f->key.ptr, key);
	if (f->kind == WEFT_FIELD_STR) {
		/* leave the later fields a share */
		n = text(p, f->str, fields_left > 1 ? left(p) / 2 : left(p));
	} else if (f->kind == WEFT_FIELD_JSON) {
		bool fits = f->str.len_bytes <= left(p) && f->str.len_bytes < UINT16_MAX;

		n = text(p, fits ? f->str : WEFT_STR("null"), left(p));
	} else {
		bytes(p, &f->num, 8);
	}
	memcpy(head + 2, &n, 2);
	return true;
}

uint32_t weft__record_pack(const weft_event_desc *desc, uint64_t ticks, uint64_t *words, uint32_t max)
{
	struct pack p = { (char *)(words + WEFT__RECORD_FIXED_WORDS), (char *)(words + max) };
	uint32_t count = desc->field_count < WEFT_EVENT_FIELDS_MAX ? desc->field_count : WEFT_EVENT_FIELDS_MAX;
	uint64_t component, message;
	uint32_t packed = 0, used;

	WEFT_ASSERT(max > WEFT__RECORD_FIXED_WORDS + 8);
	words[1] = ticks;
	words[2] = desc->workflow_id;
	words[3] = desc->parent_workflow_id;
	component = text(&p, desc->component_id, 256);
	message = text(&p, desc->message, left(&p) / 2);
	while (packed < count && field(&p, &desc->fields[packed], count - packed))
		packed++;
	words[4] = (uint64_t)(desc->scope & 0xff) << 56 | (uint64_t)(desc->type & 0xff) << 48 | (uint64_t)packed << 40 |
	           component << 16 | message;
	used = (uint32_t)(((size_t)(p.at - (char *)words) + 7) / 8);
	memset(p.at, 0, (size_t)((char *)(words + used) - p.at));
	return used;
}

void weft__record_unpack(const uint64_t *words, weft_event *ret)
{
	const char *at = (const char *)(words + WEFT__RECORD_FIXED_WORDS);
	uint64_t w = words[4];

	ret->workflow_id = words[2];
	ret->parent_workflow_id = words[3];
	ret->scope = (weft_event_scope)(w >> 56);
	ret->type = (weft_event_type)(w >> 48 & 0xff);
	ret->field_count = (uint32_t)(w >> 40 & 0xff);
	ret->component_id = (weft_str){ at, w >> 16 & 0xffff };
	at += ret->component_id.len_bytes;
	ret->message = (weft_str){ at, w & 0xffff };
	at += ret->message.len_bytes;
	for (uint32_t i = 0; i < ret->field_count; i++) {
		weft_event_field *f = &ret->fields[i];
		const unsigned char *head = (const unsigned char *)at;
		uint16_t n;

		memcpy(&n, head + 2, 2);
		*f = (weft_event_field){ .kind = head[0], .key = { at + 4, head[1] } };
		at += 4 + head[1];
		if (f->kind == WEFT_FIELD_STR || f->kind == WEFT_FIELD_JSON)
			f->str = (weft_str){ at, n };
		else
			memcpy(&f->num, at, 8);
		at += n;
	}
}
