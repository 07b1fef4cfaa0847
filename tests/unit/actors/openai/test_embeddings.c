/* SPDX-License-Identifier: Apache-2.0 */
/* openai/embeddings: both encodings give the same rows, in the order of the inputs, and nothing odd becomes a vector. */
#include "actors/openai/wire.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

static weft_arena *arena;
static weft_model_response res;
static weft_error err;

static void setup(void)
{
	cr_assert_eq(weft_arena_create(0, &arena), 0);
}

static void teardown(void)
{
	weft_arena_destroy(arena);
}

TestSuite(openai_embeddings, .init = setup, .fini = teardown);

static int read_(const char *body, uint32_t inputs)
{
	return weft__openai_read_embeddings(arena, weft_str_from(body), inputs, (weft_str){ 0 }, &res, &err);
}

static void are_the_two_rows(void)
{
	static const float want[] = { 0.5f, -1.0f, 0.25f, 2.0f, 0.0f, -0.125f };

	cr_assert_eq(res.embedding_dims, 3);
	cr_assert_eq(res.embedding_count, 2);
	cr_assert_eq(memcmp(res.embedding, want, sizeof(want)), 0);
}

Test(openai_embeddings, read__takes_numbers_and_base64_alike)
{
	cr_assert_eq(read_("{\"data\":[{\"index\":0,\"embedding\":[0.5,-1,0.25]},{\"index\":1,\"embedding\":[2,0,-0.125]}],"
	                   "\"usage\":{\"prompt_tokens\":6}}", 2), 0, "%s", err.message);
	are_the_two_rows();
	cr_assert_eq(res.usage.prompt_tokens, 6);
	/* 3f000000 bf800000 3e800000, 40000000 00000000 be000000, each low byte first */
	cr_assert_eq(read_("{\"data\":[{\"index\":0,\"embedding\":\"AAAAPwAAgL8AAIA+\"},"
	                   "{\"index\":1,\"embedding\":\"AAAAQAAAAAAAAAC+\"}]}", 2), 0, "%s", err.message);
	are_the_two_rows();
}

Test(openai_embeddings, read__orders_by_index)
{
	cr_assert_eq(read_("{\"data\":[{\"index\":1,\"embedding\":[2,0,-0.125]},{\"index\":0,\"embedding\":\"AAAAPwAAgL8AAIA+\"}]}", 2),
	             0, "%s", err.message);
	are_the_two_rows();
	cr_assert_eq(read_("{\"data\":[{\"embedding\":[0.5,-1,0.25]},{\"embedding\":[2,0,-0.125]}]}", 2), 0);
	are_the_two_rows();
}

Test(openai_embeddings, read__takes_padded_base64)
{
	cr_assert_eq(read_("{\"data\":[{\"index\":0,\"embedding\":\"AAAAPw==\"}]}", 1), 0, "%s", err.message);
	cr_assert_eq(res.embedding_dims, 1);
	cr_assert_float_eq(res.embedding[0], 0.5f, 0);
}

Test(openai_embeddings, read__refuses_what_is_not_one_row_an_input)
{
	static const struct {
		const char *body, *says;
	} bad[] = {
		{ "", "not JSON" },
		{ "{}", "no data" },
		{ "{\"data\":[]}", "one row an input" },
		{ "{\"data\":[{\"index\":0,\"embedding\":[1]}]}", "one row an input" },
		{ "{\"data\":[{\"index\":0,\"embedding\":[1]},{\"index\":0,\"embedding\":[1]}]}", "two rows" },
		{ "{\"data\":[{\"index\":0,\"embedding\":[1]},{\"index\":2,\"embedding\":[1]}]}", "not asked" },
		{ "{\"data\":[{\"index\":0,\"embedding\":[1]},{\"index\":-1,\"embedding\":[1]}]}", "not asked" },
		{ "{\"data\":[{\"index\":0,\"embedding\":[1]},{\"index\":1,\"embedding\":[1,2]}]}", "different length" },
		{ "{\"data\":[{\"index\":0,\"embedding\":[]},{\"index\":1,\"embedding\":[]}]}", "empty" },
		{ "{\"data\":[{\"index\":0,\"embedding\":[null]},{\"index\":1,\"embedding\":[1]}]}", "no number" },
		{ "{\"data\":[{\"index\":0,\"embedding\":[1e300]},{\"index\":1,\"embedding\":[1]}]}", "no number" },
		{ "{\"data\":[{\"index\":0,\"embedding\":\"AAAA*w==\"},{\"index\":1,\"embedding\":[1]}]}", "not base64" },
		{ "{\"data\":[{\"index\":0,\"embedding\":\"AAAAPwA\"},{\"index\":1,\"embedding\":[1]}]}", "no list of floats" },
		{ "{\"data\":[{\"index\":0,\"embedding\":\"AADAfw==\"},{\"index\":1,\"embedding\":[1]}]}", "no number" },
		{ "{\"data\":[{\"index\":0,\"embedding\":7},{\"index\":1,\"embedding\":[1]}]}", "neither" },
		{ "{\"error\":{\"message\":\"no such model\"}}", "no such model" },
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		cr_assert(read_(bad[i].body, 2) < 0, "%s", bad[i].body);
		cr_assert_not_null(strstr(err.message, bad[i].says), "%s: %s", bad[i].body, err.message);
	}
}
