/* SPDX-License-Identifier: Apache-2.0 */
/* Heads as they are written; nothing that ends a line gets in; what is written is read again as it was. */
#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

#include "net/http/write.h"
#include "tests/support/http_transcript.h"

#define S WEFT_STR

static void wrote(const struct weft__http_writer *w, const char *wanted)
{
	weft_str text = { NULL, 0 };

	cr_assert_eq(weft__http_writer_text(w, &text), 0);
	cr_expect(weft_str_eq(text, weft_str_from(wanted)), "%.*s", WEFT_STR_ARG(text));
}

Test(http_write, request__with_fields)
{
	struct weft__http_writer w = { 0 };
	const struct weft__http_field fields[] = { { S("A"), S("") }, { S("B"), S("x\ty \xff") } };

	weft__http_write_request(&w, S("POST"), S("/v1?a"));
	weft__http_write_fields(&w, fields, 2);
	weft__http_write_number(&w, S("Content-Length"), UINT64_MAX);
	weft__http_write_end(&w);
	weft__http_write_bytes(&w, "body", 4);
	wrote(&w, "POST /v1?a HTTP/1.1\r\nA: \r\nB: x\ty \xff\r\nContent-Length: 18446744073709551615\r\n\r\nbody");
	weft__http_writer_reset(&w);
	weft__http_write_number(&w, S("N"), 0);
	wrote(&w, "N: 0\r\n");
	weft__http_writer_fini(&w);
}

Test(http_write, request__targets)
{
	static const char *const pairs[][2] = { { "", "/" }, { "?a", "/?a" }, { "/x", "/x" }, { "*", "*" }, { "a.b:443", "a.b:443" } };

	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
		struct weft__http_writer w = { 0 };
		char wanted[64];

		snprintf(wanted, sizeof(wanted), "GET %s HTTP/1.1\r\n", pairs[i][1]);
		weft__http_write_request(&w, S("GET"), weft_str_from(pairs[i][0]));
		wrote(&w, wanted);
		weft__http_writer_fini(&w);
	}
}

Test(http_write, status__with_its_reason)
{
	struct weft__http_writer w = { 0 };

	weft__http_write_status(&w, 429);
	weft__http_write_status(&w, 999);
	wrote(&w, "HTTP/1.1 429 Too Many Requests\r\nHTTP/1.1 999 Unknown\r\n");
	weft__http_write_status(&w, 99);
	cr_expect_eq(w.status, -EINVAL);
	weft__http_writer_fini(&w);
}

static void field_refused(weft_str name, weft_str value)
{
	struct weft__http_writer w = { 0 };
	weft_str text;

	weft__http_write_field(&w, name, value);
	weft__http_write_end(&w);
	cr_expect_eq(weft__http_writer_text(&w, &text), -EINVAL, "%.*s: %.*s", WEFT_STR_ARG(name), WEFT_STR_ARG(value));
	cr_expect_eq(w.len, 0);
	weft__http_writer_reset(&w);
	weft__http_write_field(&w, S("A"), S("b"));
	wrote(&w, "A: b\r\n");
	weft__http_writer_fini(&w);
}

Test(http_write, field__nothing_that_ends_a_line)
{
	field_refused(S("A"), S("b\r\nC: d"));
	field_refused(S("A"), S("b\n"));
	field_refused(S("A"), S("b\0c"));
	field_refused(S("A"), S("\x7f"));
	field_refused(S("A: b\r\nC"), S("d"));
	field_refused(S("A "), S("b"));
	field_refused(S(""), S("b"));
	field_refused(S("\xc3\xa9"), S("b"));
}

Test(http_write, request__nothing_that_ends_a_line)
{
	static const char *const targets[] = { "/a b", "/a\r\n", "/\xc3\xa9", "/a HTTP/1.1\r\nX: y\r\n\r\n" };
	struct weft__http_writer w = { 0 };

	for (size_t i = 0; i < sizeof(targets) / sizeof(targets[0]); i++) {
		weft__http_writer_reset(&w);
		weft__http_write_request(&w, S("GET"), weft_str_from(targets[i]));
		cr_expect_eq(w.status, -EINVAL);
	}
	weft__http_writer_reset(&w);
	weft__http_write_request(&w, S("GE T"), S("/"));
	cr_expect_eq(w.status, -EINVAL);
	weft__http_writer_reset(&w);
	weft__http_write_request(&w, S(""), S("/"));
	cr_expect_eq(w.status, -EINVAL);
	weft__http_writer_fini(&w);
}

Test(http_write, chunk_head__each_number_of_digits)
{
	for (size_t len = 1; len; len = len << 1 | (len & 1)) {
		char head[WEFT__HTTP_CHUNK_HEAD_BYTES + 1] = "", wanted[32];
		size_t n = weft__http_chunk_head(head, len);

		cr_expect_eq(n, (size_t)snprintf(wanted, sizeof(wanted), "%zx\r\n", len));
		cr_expect_str_eq(head, wanted);
		if (len == SIZE_MAX)
			break;
	}
}

Test(http_write, round_trip)
{
	struct weft__http_writer w = { 0 };
	struct weft__http_limits limits = { 0 };
	char head[WEFT__HTTP_CHUNK_HEAD_BYTES], *told;

	weft__http_write_status(&w, 200);
	weft__http_write_field(&w, S("Transfer-Encoding"), S("chunked"));
	weft__http_write_field(&w, S("X"), S("a  b"));
	weft__http_write_end(&w);
	weft__http_write_bytes(&w, head, weft__http_chunk_head(head, 300));
	for (int i = 0; i < 30; i++)
		weft__http_write_bytes(&w, "0123456789", 10);
	weft__http_write_bytes(&w, "\r\n" WEFT__HTTP_CHUNK_LAST, 2 + sizeof(WEFT__HTTP_CHUNK_LAST) - 1);
	told = transcript_of(WEFT__HTTP_RESPONSE, &limits, 0, 0, (const uint8_t *)w.ptr, w.len, 0);
	cr_expect(strstr(told, "head 200\nmethod \ntarget \nreason OK\n") && strstr(told, "  X\n    a  b\n"), "%s", told);
	cr_expect(strstr(told, "0123456789\nend, keep 1\neof 0\n"), "%s", told);
	free(told);
	weft__http_writer_fini(&w);
}
