/* SPDX-License-Identifier: Apache-2.0 */
/* remote/fault: the sentence of every kind of refusal, in one line, cut, without the key. */
#include "actors/remote/fault.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#define KEY "sk-proj-abcdefghijklmnop"

static weft_error err;

static int fault(int status, const char *body)
{
	memset(&err, 0, sizeof(err));
	return weft__fault(&err, status, weft_str_from(body), WEFT_STR(KEY));
}

Test(fault, fault__reads_every_dialect)
{
	static const struct {
		int status;
		const char *body, *says;
		int code;
	} of[] = {
		{ 429, "{\"error\":{\"message\":\"Slow down.\",\"type\":\"requests\",\"param\":null,\"code\":\"rate_limit_exceeded\"}}",
		  "HTTP 429 (rate_limit_exceeded): Slow down.", -EAGAIN },
		{ 400, "{\"object\":\"error\",\"message\":\"max_tokens is too large\",\"type\":\"BadRequestError\",\"code\":400}",
		  "HTTP 400 (BadRequestError): max_tokens is too large", -EPROTO },
		{ 503, "{\"error\":{\"code\":503,\"message\":\"Loading model\",\"type\":\"unavailable_error\"}}",
		  "HTTP 503 (unavailable_error): Loading model", -EAGAIN },
		{ 404, "{\"error\":\"model 'x' not found\"}", "HTTP 404: model 'x' not found", -ENOENT },
		{ 529, "{\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\",\"message\":\"Overloaded\"}}",
		  "HTTP 529 (overloaded_error): Overloaded", -EAGAIN },
		{ 422, "{\"detail\":[{\"loc\":[\"body\"],\"msg\":\"field required\"}]}", "HTTP 422: field required", -EPROTO },
		{ 402, "{\"error\":\"pay\"}", "HTTP 402: pay", -EDQUOT },
		{ 404, "{\"detail\":\"Not Found\"}", "HTTP 404: Not Found", -ENOENT },
		{ 400, "[{\"error\":{\"code\":400,\"message\":\"Bad\",\"status\":\"INVALID_ARGUMENT\"}}]",
		  "HTTP 400 (INVALID_ARGUMENT): Bad", -EPROTO },
		{ 502, "<html>\n<head><title>502 Bad\n Gateway</title></head><body>x</body></html>", "HTTP 502: 502 Bad Gateway", -EIO },
		{ 500, "<p>no title <b>here</b>", "HTTP 500: no title here", -EIO },
		{ 401, " plain\r\n\ttext ", "HTTP 401: plain text", -EACCES },
		{ 504, "", "HTTP 504", -ETIMEDOUT },
		{ 413, "{}", "HTTP 413", -EMSGSIZE },
		{ 500, "{\"error\":\"a\\u001b[2J\\u009b2J\\u202eb\\u2066c\\u00a0d\"}", "HTTP 500: a [2J 2J b c\xc2\xa0" "d", -EIO },
		{ 500, "{\"error\":", "HTTP 500: {\"error\":", -EIO },
	};

	for (size_t i = 0; i < sizeof(of) / sizeof(of[0]); i++) {
		cr_assert_eq(fault(of[i].status, of[i].body), of[i].code, "%s", of[i].body);
		cr_assert_str_eq(err.message, of[i].says);
	}
}

Test(fault, fault__never_shows_the_key)
{
	fault(401, "{\"error\":{\"message\":\"Incorrect API key provided: " KEY ". See\",\"code\":\"" KEY "\"}}");
	cr_assert_str_eq(err.message, "HTTP 401 ([key]): Incorrect API key provided: [key] See");
	fault(401, "{\"error\":\"wrong key sk-proj-ab**************mnop, sorry\"}");
	cr_assert_str_eq(err.message, "HTTP 401: wrong key [key], sorry");
	fault(401, "<html>" KEY "</html>");
	cr_assert_null(strstr(err.message, "abcdefgh"));
}

Test(fault, fault__is_cut_between_characters)
{
	char body[2000];
	size_t n = 0;

	for (int i = 0; i < 300; i++)
		n += (size_t)sprintf(body + n, "\xf0\x9f\x8e\x88");
	for (int shift = 0; shift < 4; shift++) {
		memmove(body + 1, body, 1500);
		body[0] = 'a';
		fault(500, body);
		n = strlen(err.message);
		cr_assert(n > 150 && n < sizeof(err.message));
		cr_assert_eq((n - strlen("HTTP 500: ") - (size_t)shift - 1) % 4, 0, "%zu", n);
	}
}

Test(fault, is__knows_an_error_in_a_stream)
{
	static const struct {
		const char *json;
		bool is;
	} of[] = { { "{\"error\":{}}", true },        { "{\"error\":null,\"choices\":[]}", false },
		   { "{\"object\":\"error\"}", true }, { "{\"object\":\"chat.completion.chunk\"}", false },
		   { "{\"type\":\"error\"}", true },  { "[]", false } };

	for (size_t i = 0; i < sizeof(of) / sizeof(of[0]); i++) {
		weft_json_doc *doc;

		cr_assert_eq(weft_json_parse(weft_str_from(of[i].json), &doc, NULL), 0);
		cr_assert_eq(weft__fault_is(weft_json_root(doc)), of[i].is, "%s", of[i].json);
		weft_json_release(doc);
	}
}
