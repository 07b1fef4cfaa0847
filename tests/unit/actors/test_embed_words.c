/* SPDX-License-Identifier: Apache-2.0 */
/* embed_words: unit length whatever the text, near for shared words, far for others. */
#include "actors/embed_words.h"

#include <math.h>
#include <criterion/criterion.h>

#define DIMS 384

static float dot(const float *a, const float *b)
{
	float sum = 0;

	for (int i = 0; i < DIMS; i++)
		sum += a[i] * b[i];
	return sum;
}

static float similarity(weft_str a, weft_str b)
{
	float va[DIMS], vb[DIMS];

	weft__embed_words(a, va, DIMS);
	weft__embed_words(b, vb, DIMS);
	return dot(va, vb);
}

Test(embed_words, length__is_one_for_any_text)
{
	static const char *const texts[] = { "", " ", "...", "a", "hello world", "\xc3\xa4\xc3\xb6 \xe4\xbd\xa0", "x x x x x x x x x x x x" };

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		float v[DIMS];

		weft__embed_words(weft_str_from(texts[i]), v, DIMS);
		cr_assert_float_eq(dot(v, v), 1.0, 1e-5, "text %zu", i);
	}
}

Test(embed_words, same_words__same_direction)
{
	cr_assert_float_eq(similarity(WEFT_STR("The cat, the HAT!"), WEFT_STR("hat the the cat")), 1.0, 1e-5);
}

Test(embed_words, similar_texts__are_nearer_than_different_ones)
{
	weft_str a = WEFT_STR("please send the monthly report to the office in Berlin");
	weft_str near = WEFT_STR("send the monthly report to the office in Paris please");
	weft_str far = WEFT_STR("my cat sleeps under a warm blanket all day long");

	cr_assert_gt(similarity(a, near), 0.7f);
	cr_assert_lt(fabsf(similarity(a, far)), 0.35f);
}

Test(embed_words, dims__other_than_a_multiple_of_eight)
{
	float v[5];
	float sum = 0;

	weft__embed_words(WEFT_STR("a few words here"), v, 5);
	for (int i = 0; i < 5; i++)
		sum += v[i] * v[i];
	cr_assert_float_eq(sum, 1.0, 1e-5);
}
