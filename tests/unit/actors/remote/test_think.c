/* SPDX-License-Identifier: Apache-2.0 */
/* remote/think: thoughts and text come apart the same way however they are cut. */
#include "actors/remote/think.h"

#include <criterion/criterion.h>
#include <string.h>

static char out[2][512];
static size_t len[2];

static void keep(void *user, bool is_thought, weft_str piece)
{
	(void)user;
	cr_assert(piece.len_bytes > 0);
	memcpy(out[is_thought] + len[is_thought], piece.ptr, piece.len_bytes);
	len[is_thought] += piece.len_bytes;
}

static void is_split(const char *input, bool opened, const char *thought, const char *text)
{
	size_t n = strlen(input);

	for (size_t a = 0; a <= n; a++) {
		for (size_t b = a; b <= n; b++) {
			struct weft__think t;

			len[0] = len[1] = 0;
			weft__think_begin(&t, opened, keep, NULL);
			weft__think_feed(&t, (weft_str){ input, a });
			weft__think_feed(&t, (weft_str){ input + a, b - a });
			weft__think_feed(&t, (weft_str){ input + b, n - b });
			weft__think_end(&t);
			cr_assert_eq(len[0], strlen(text), "'%s' cut at %zu and %zu: '%.*s'", input, a, b, (int)len[0], out[0]);
			cr_assert_eq(memcmp(out[0], text, len[0]), 0);
			cr_assert_eq(len[1], strlen(thought), "'%s' cut at %zu and %zu: '%.*s'", input, a, b, (int)len[1], out[1]);
			cr_assert_eq(memcmp(out[1], thought, len[1]), 0);
		}
	}
}

Test(think, feed__splits_at_any_byte)
{
	is_split("", false, "", "");
	is_split("just text", false, "", "just text");
	is_split("<think>why</think>\n\nbecause", false, "why", "because");
	is_split(" \n<think>why</think>because <think>x</think>", false, "why", "because <think>x</think>");
	is_split("<think>a < b << </thin </</think>c", false, "a < b << </thin </", "c");
	is_split("<think></think>", false, "", "");
	is_split("<think>never closed", false, "never closed", "");
	is_split("<think>almost closed</thin", false, "almost closed</thin", "");
	is_split("<thinking>text", false, "", "<thinking>text");
	is_split("  <thi", false, "", "  <thi");
	is_split("text <think>no</think>", false, "", "text <think>no</think>");
	is_split("                                 <think>far</think>", false, "",
	         "                                 <think>far</think>");
	is_split("\xc3\xa9<think>", false, "", "\xc3\xa9<think>");
}

static int pieces;

static void count(void *user, bool is_thought, weft_str piece)
{
	(void)user;
	(void)is_thought;
	(void)piece;
	pieces++;
}

Test(think, feed__leaves_a_piece_of_plain_text_in_one)
{
	struct weft__think t;

	weft__think_begin(&t, false, count, NULL);
	weft__think_feed(&t, WEFT_STR("Once"));
	weft__think_feed(&t, WEFT_STR(" upon"));
	weft__think_end(&t);
	cr_assert_eq(pieces, 2);
}

Test(think, feed__starts_inside_when_the_prompt_opened_it)
{
	is_split("so</think>\nyes", true, "so", "yes");
	is_split("<think>so</think>yes", true, "<think>so", "yes");
}
