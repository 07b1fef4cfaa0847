/* SPDX-License-Identifier: Apache-2.0 */
/* actors/loopguard.c - see loopguard.h. A run makes few calls: a scan beats a table. */
#include "actors/loopguard.h"

#include <errno.h>
#include <string.h>

#define CYCLE_MAX 4u

const char weft__loop_default_message[] =
	"You already called the tool '{tool_name}' with these arguments. It gave: {previous_result}\n"
	"Do not repeat the call. Use this result, call another tool, or give your final answer.";

#define MULTIPLIER 0x9ddfea08eb382d69u /* odd, and no pattern in it */

static weft_hash128 add_word(weft_hash128 key, uint64_t word)
{
	unsigned __int128 product = (unsigned __int128)(key.lo ^ word) * MULTIPLIER;

	key.hi = (key.hi ^ (uint64_t)(product >> 64)) * MULTIPLIER;
	key.lo = (uint64_t)product ^ key.hi >> 29;
	return key;
}

/* The length ends it: what follows a text is not taken for a part of it. */
static weft_hash128 add_text(weft_hash128 key, weft_str text)
{
	uint64_t word = 0;
	size_t i = 0;

	for (; i + sizeof(word) <= text.len_bytes; i += sizeof(word)) {
		memcpy(&word, text.ptr + i, sizeof(word));
		key = add_word(key, word);
	}
	for (word = 0; i < text.len_bytes; i++)
		word = word << 8 | (uint8_t)text.ptr[i];
	return add_word(key, word ^ (uint64_t)text.len_bytes << 56);
}

weft_hash128 weft__loop_key(weft_str tool, weft_json arguments)
{
	return add_text(weft_json_canonical_hash(arguments), tool);
}

weft_hash128 weft__loop_key_raw(weft_str tool, weft_str arguments)
{
	weft_hash128 key = { .lo = 0xcbf29ce484222325u, .hi = 0x9e3779b97f4a7c15u };

	return add_text(add_text(key, arguments), tool);
}

static bool key_eq(weft_hash128 a, weft_hash128 b)
{
	return a.lo == b.lo && a.hi == b.hi;
}

/* The shortest period of 2 to 4 with which the newest calls repeat; the newest one is in. */
static uint32_t find_cycle(const struct weft__loopguard *g)
{
	for (uint32_t len = 2; len <= CYCLE_MAX && 2 * len <= g->count; len++) {
		uint32_t i = 0;

		while (i < len && key_eq(g->entries[g->count - 1 - i].key, g->entries[g->count - 1 - i - len].key))
			i++;
		if (i == len)
			return len;
	}
	return 0;
}

int weft__loop_check(struct weft__loopguard *guard, weft_arena *arena, weft_hash128 key,
                     const struct weft__tool_run *call, struct weft__loop_verdict *ret_verdict)
{
	*ret_verdict = (struct weft__loop_verdict){ 0 };
	for (uint32_t i = 0; i < guard->count && !ret_verdict->previous; i++) {
		if (key_eq(guard->entries[i].key, key))
			ret_verdict->previous = guard->entries[i].call;
	}
	if (guard->count == guard->cap) {
		uint32_t cap = guard->cap ? guard->cap * 2 : 8;
		struct weft__loop_entry *more = weft_arena_alloc(arena, cap * sizeof(*more));

		if (!more)
			return -ENOMEM;
		if (guard->count)
			memcpy(more, guard->entries, guard->count * sizeof(*more));
		guard->entries = more;
		guard->cap = cap;
	}
	/* the first of its kind is the one whose result is quoted */
	guard->entries[guard->count++] = (struct weft__loop_entry){
		.key = key, .call = ret_verdict->previous ? ret_verdict->previous : call
	};
	if (ret_verdict->previous)
		ret_verdict->cycle = find_cycle(guard);
	return 0;
}

weft_str weft__loop_message(weft_arena *arena, const char *text, weft_str tool, weft_str previous_result)
{
	static const char tool_hole[] = "{tool_name}", result_hole[] = "{previous_result}";
	size_t holes = 0, len = strlen(text);
	char *out, *at;

	for (const char *p = text; (p = strchr(p, '{')); p++)
		holes++;
	out = at = weft_arena_alloc(arena, len + holes * (tool.len_bytes + previous_result.len_bytes) + 1);
	if (!out)
		return (weft_str){ 0 };
	while (*text) {
		weft_str fill = { 0 };
		size_t hole = 0;

		if (!strncmp(text, tool_hole, sizeof(tool_hole) - 1)) {
			fill = tool;
			hole = sizeof(tool_hole) - 1;
		} else if (!strncmp(text, result_hole, sizeof(result_hole) - 1)) {
			fill = previous_result;
			hole = sizeof(result_hole) - 1;
		}
		if (!hole) {
			*at++ = *text++;
			continue;
		}
		if (fill.len_bytes)
			memcpy(at, fill.ptr, fill.len_bytes);
		at += fill.len_bytes;
		text += hole;
	}
	*at = '\0';
	return (weft_str){ out, (size_t)(at - out) };
}
