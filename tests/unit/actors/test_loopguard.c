/* SPDX-License-Identifier: Apache-2.0 */
/* loopguard: what counts as the same call, repeats and cycles, and the message. */
#include "actors/loopguard.h"

#include <criterion/criterion.h>

#include "actors/tool.h"

static weft_hash128 key_of(const char *tool, const char *json)
{
	weft_json_doc *doc = NULL;
	weft_hash128 key;

	cr_assert_eq(weft_json_parse(weft_str_from(json), &doc, NULL), 0);
	key = weft__loop_key(weft_str_from(tool), weft_json_root(doc));
	weft_json_release(doc);
	return key;
}

static bool same(weft_hash128 a, weft_hash128 b)
{
	return a.lo == b.lo && a.hi == b.hi;
}

Test(loopguard, key__ignores_order_space_and_number_spelling)
{
	cr_assert(same(key_of("t", "{\"a\":1,\"b\":[true,null]}"), key_of("t", "{ \"b\": [true, null], \"a\": 1.0 }")));
}

Test(loopguard, key__tells_tools_and_arguments_apart)
{
	cr_assert_not(same(key_of("t", "{\"a\":1}"), key_of("u", "{\"a\":1}")));
	cr_assert_not(same(key_of("t", "{\"a\":1}"), key_of("t", "{\"a\":2}")));
	cr_assert_not(same(key_of("t", "{\"a\":1}"), key_of("t", "{\"a\":\"1\"}")));
	cr_assert_not(same(weft__loop_key_raw(WEFT_STR("t"), WEFT_STR("{oops")), weft__loop_key_raw(WEFT_STR("t"), WEFT_STR("{oop"))));
	cr_assert_not(same(weft__loop_key_raw(WEFT_STR("ab"), WEFT_STR("c")), weft__loop_key_raw(WEFT_STR("b"), WEFT_STR("ca"))));
	cr_assert(same(weft__loop_key_raw(WEFT_STR("t"), WEFT_STR("{oops")), weft__loop_key_raw(WEFT_STR("t"), WEFT_STR("{oops"))));
}

/* One call a letter; gives the verdict on the last. */
static struct weft__loop_verdict play(const char *letters, const struct weft__tool_run *calls)
{
	struct weft__loop_verdict v = { 0 };
	struct weft__loopguard guard = { 0 };
	weft_arena *arena;

	cr_assert_eq(weft_arena_create(0, &arena), 0);
	for (size_t i = 0; letters[i]; i++)
		cr_assert_eq(weft__loop_check(&guard, arena, (weft_hash128){ (uint64_t)letters[i], 7 }, &calls[i], &v), 0);
	weft_arena_destroy(arena);
	return v;
}

Test(loopguard, check__finds_the_first_call_of_its_kind)
{
	static const struct weft__tool_run calls[64];

	cr_assert_null(play("A", calls).previous);
	cr_assert_null(play("ABCDEFGHIJKLMNOPQRST", calls).previous, "also when the list has grown");
	cr_assert_eq(play("AA", calls).previous, &calls[0]);
	cr_assert_eq(play("ABCBDB", calls).previous, &calls[1], "the first, also of a later repeat");
}

Test(loopguard, check__measures_cycles_of_two_to_four)
{
	static const struct weft__tool_run calls[64];

	cr_assert_eq(play("AA", calls).cycle, 0);
	cr_assert_eq(play("ABAB", calls).cycle, 2);
	cr_assert_eq(play("XABCABC", calls).cycle, 3);
	cr_assert_eq(play("ABCDABCD", calls).cycle, 4);
	cr_assert_eq(play("ABCDEABCDE", calls).cycle, 0, "five is too long");
	cr_assert_eq(play("ABA", calls).cycle, 0, "a repeat, not yet a cycle");
}

Test(loopguard, message__fills_in_both_names)
{
	weft_arena *arena;
	weft_str text;

	cr_assert_eq(weft_arena_create(0, &arena), 0);
	text = weft__loop_message(arena, "{tool_name}: {previous_result} {x} {tool_name}", WEFT_STR("find"), WEFT_STR("{tool_name}!"));
	cr_assert(weft_str_eq(text, WEFT_STR("find: {tool_name}! {x} find")), "what is filled in is not filled in again");
	text = weft__loop_message(arena, "plain", WEFT_STR("find"), (weft_str){ 0 });
	cr_assert(weft_str_eq(text, WEFT_STR("plain")));
	weft_arena_destroy(arena);
}
