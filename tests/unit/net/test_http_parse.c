/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The HTTP/1.1 parser. Goal: messages are told as RFC 9112 has them, what can be read in two ways is refused, and
 * neither depends on how the bytes were cut. Method: each message is read whole, a byte at a time, and cut in two at
 * each place; the transcripts must be equal. Then one of them is compared with what it should say.
 */
#include <criterion/criterion.h>
#include <errno.h>

#include "tests/support/http_transcript.h"

struct how {
	int kind, answer_to, stop_at;
	struct weft__http_limits limits;
};

/* The transcript of the text, which is the same however it is cut. The caller's to free. */
static char *told_bytes(const struct how *how, const char *bytes, size_t len)
{
	const uint8_t *at = (const uint8_t *)bytes;
	char *whole = transcript_of(how->kind, &how->limits, how->answer_to, how->stop_at, at, len, 0);

	for (size_t cut = 1; cut <= len; cut++) {
		char *other = transcript_of(how->kind, &how->limits, how->answer_to, how->stop_at, at, len,
		                            cut == len ? SIZE_MAX : cut);

		cr_assert_str_eq(other, whole, "cut at %zu of %zu", cut, len);
		free(other);
	}
	return whole;
}

static void tells_how(const struct how *how, const char *text, const char *wanted)
{
	char *told = told_bytes(how, text, strlen(text));

	cr_expect(strstr(told, wanted), "wanted \"%s\" of\n%s\ntold\n%s", wanted, text, told);
	free(told);
}

static void tells(int kind, const char *text, const char *wanted)
{
	tells_how(&(struct how){ .kind = kind }, text, wanted);
}

static void refuses(int kind, const char *text, int error)
{
	char wanted[32];

	snprintf(wanted, sizeof(wanted), "refused %d\n", error);
	tells(kind, text, wanted);
}

#define REQ WEFT__HTTP_REQUEST
#define RES WEFT__HTTP_RESPONSE

/* A request with this line behind Host. */
static void refuses_field(const char *line, int error)
{
	char text[512];

	snprintf(text, sizeof(text), "POST / HTTP/1.1\r\nHost: a\r\n%s\r\n\r\n", line);
	refuses(REQ, text, error);
	snprintf(text, sizeof(text), "HTTP/1.1 200 OK\r\n%s\r\n\r\n", line);
	refuses(RES, text, error);
}

Test(http_parse, request__in_its_parts)
{
	tells(REQ, "GET /v1/models?a=b HTTP/1.1\r\nHost: example.org:8080\r\nAccept:*/*\r\nX-Empty:\r\nX-Space: \t two words \t \r\n\r\n",
	      "head 0\nmethod GET\ntarget /v1/models?a=b\nreason \nminor 1\nkeep 1\nchunked 0\nlength 0\ncontinue 0\n"
	      "  Host\n    example.org:8080\n  Accept\n    */*\n  X-Empty\n    \n  X-Space\n    two words\nend, keep 1\neof 0\n");
}

Test(http_parse, request__with_a_body_and_another_behind_it)
{
	tells(REQ, "POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhelloGET /b HTTP/1.1\r\nHost: a\r\n\r\n",
	      "body hello\nend, keep 1\nhead 0\nmethod GET\ntarget /b\n");
}

Test(http_parse, request__forms_of_targets)
{
	tells(REQ, "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", "target *\n");
	tells(REQ, "CONNECT a.b:443 HTTP/1.1\r\nHost: a.b:443\r\n\r\n", "target a.b:443\n");
	tells(REQ, "GET http://a/x HTTP/1.1\r\nHost: a\r\n\r\n", "target http://a/x\n");
	tells(REQ, "GET / HTTP/1.1\r\nHost: [::1]:80\r\n\r\n", "    [::1]:80\n");
}

Test(http_parse, request__one_empty_line_before_it_is_let_through)
{
	tells(REQ, "\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", "method GET");
	refuses(REQ, "\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", -EBADMSG);
	refuses(RES, "\r\nHTTP/1.1 200 OK\r\n\r\n", -EBADMSG);
}

Test(http_parse, request__of_http_1_0)
{
	tells(REQ, "GET / HTTP/1.0\r\n\r\n", "minor 0\nkeep 0\n");
	tells(REQ, "GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n", "minor 0\nkeep 1\n");
	tells(REQ, "GET / HTTP/1.0\r\nConnection: keep-alive, close\r\n\r\n", "minor 0\nkeep 0\n");
	refuses(REQ, "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", -EBADMSG);
}

Test(http_parse, keep_alive__ends_with_close_in_any_list)
{
	tells(REQ, "GET / HTTP/1.1\r\nHost: a\r\nConnection: x, CLOSE ;p\r\n\r\n", "keep 0\n");
	tells(REQ, "GET / HTTP/1.1\r\nHost: a\r\nConnection: closed, xclose\r\n\r\n", "keep 1\n");
	tells(RES, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: keep-alive\r\nConnection:close\r\n\r\n", "keep 0\n");
}

Test(http_parse, request_line__is_strict)
{
	static const char *const lines[] = {
		"GET  / HTTP/1.1", "GET / HTTP/1.1 ", "GET /", "GET", " GET / HTTP/1.1", "GET\t/ HTTP/1.1", "GET / HTTP/1",
		"GET / HTTP/1.1x", "GET / http/1.1", "G(T / HTTP/1.1", "GET /\x01 HTTP/1.1", "GET /\xc3\xa9 HTTP/1.1",
		"GET /a b HTTP/1.1", "GET / HTTP/x.1", "GET / HTTP/1.a", ": / HTTP/1.1", "GET / HTTP/1.1\r", "GET * HTTP/1.1", "GET ? HTTP/1.1", "GET a HTTP/1.1",
		"GET /a#b HTTP/1.1", "GET ://a HTTP/1.1", "CONNECT / HTTP/1.1", "CONNECT a/b:1 HTTP/1.1", "\x16\x03\x01",
	};
	char text[256];

	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		snprintf(text, sizeof(text), "%s\r\nHost: a\r\n\r\n", lines[i]);
		refuses(REQ, text, -EBADMSG);
	}
	refuses(REQ, "GET / HTTP/2.0\r\nHost: a\r\n\r\n", -EPROTONOSUPPORT);
	refuses(REQ, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", -EPROTONOSUPPORT);
	refuses(REQ, "GET / HTTP/1.1\nHost: a\r\n\r\n", -EBADMSG);
}

Test(http_parse, fields__are_strict)
{
	static const char *const lines[] = {
		"Name : value", "Name\t: value", "Name", ": value", " folded: a", "\tfolded", "A: b\r\n c", "A: b\r\n\tc",
		"A: b\rc", "A: b\nB: c", "A: \x01", "A: a\x7f", "N\xc3\xa9: a", "A B: c", "(A): b", "A: b\n", "\n", "A: b\r\r", "A: b\x01\nC: d",
	};

	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
		refuses_field(lines[i], -EBADMSG);
}

Test(http_parse, fields__with_a_nul)
{
	static const char text[] = "GET / HTTP/1.1\r\nHost: a\r\nA: b\0c\r\n\r\n";
	char *told = told_bytes(&(struct how){ .kind = REQ }, text, sizeof(text) - 1);

	cr_expect(strstr(told, "refused -74"), "%s", told); /* EBADMSG */
	free(told);
}

Test(http_parse, fields__keep_bytes_outside_ascii_and_tabs)
{
	tells(RES, "HTTP/1.1 200 \xc3\xa9t\xc3\xa9\r\nX: a\tb \xff\r\nContent-Length: 0\r\n\r\n", "reason \xc3\xa9t\xc3\xa9\n");
	tells(RES, "HTTP/1.1 200 OK\r\nX: a\tb \xff\r\nContent-Length: 0\r\n\r\n", "    a\tb \xff\n");
}

Test(http_parse, values__controls_are_found_wherever_they_stand)
{
	char text[128];

	for (int at = 0; at < 40; at++) {
		char value[64] = "0123456789abcdefghijklmnopqrstuvwxyz~!@#";

		value[at] = at % 2 ? '\x7f' : '\x1f';
		snprintf(text, sizeof(text), "A: %s", value);
		refuses_field(text, -EBADMSG);
		value[at] = '\t';
		snprintf(text, sizeof(text), "HTTP/1.1 204 x\r\nA: x%sx\r\n\r\n", value);
		tells(RES, text, "end, keep 1");
	}
}

Test(http_parse, host__is_there_once)
{
	refuses(REQ, "GET / HTTP/1.1\r\n\r\n", -EBADMSG);
	refuses(REQ, "GET / HTTP/1.1\r\nHost: a\r\nHOST: a\r\n\r\n", -EBADMSG);
	refuses(REQ, "GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", -EBADMSG);
	refuses(REQ, "GET / HTTP/1.1\r\nHost: a, b\r\n\r\n", -EBADMSG);
	refuses(REQ, "GET / HTTP/1.1\r\nHost: u@a\r\n\r\n", -EBADMSG);
	tells(REQ, "GET / HTTP/1.1\r\nHost:\r\n\r\n", "end, keep 1");
}

Test(http_parse, length__is_one_number)
{
	static const char *const values[] = { "", "-1", "+1", "1 1", "1, 1", "0x1", "1.0", "1e1", "18446744073709551616",
		                              "18446744073709551615", "9223372036854775807", "\xd9\xa1" };
	char line[64];

	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		snprintf(line, sizeof(line), "Content-Length: %s", values[i]);
		refuses_field(line, -EBADMSG);
	}
	refuses_field("Content-Length: 3\r\nContent-Length: 3", -EBADMSG);
	refuses_field("Content-Length: 3\r\ncontent-length: 4", -EBADMSG);
	refuses_field("Content-Length: 3\t", -EBADMSG);
	refuses_field("Content-Length: 3\t ", -EBADMSG);
	refuses_field("Transfer-Encoding: chunked \t", -EBADMSG);
	tells(REQ, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0005\r\n\r\nhello", "body hello\nend");
}

Test(http_parse, length_beside_chunked__is_refused)
{
	refuses_field("Content-Length: 3\r\nTransfer-Encoding: chunked", -EBADMSG);
	refuses_field("Transfer-Encoding: chunked\r\nContent-Length: 0", -EBADMSG);
}

Test(http_parse, coding__is_chunked_alone)
{
	refuses_field("Transfer-Encoding: gzip", -EPROTONOSUPPORT);
	refuses_field("Transfer-Encoding: gzip, chunked", -EPROTONOSUPPORT);
	refuses_field("Transfer-Encoding: chunked, identity", -EPROTONOSUPPORT);
	refuses_field("Transfer-Encoding: xchunked", -EPROTONOSUPPORT);
	refuses_field("Transfer-Encoding:", -EPROTONOSUPPORT);
	refuses_field("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked", -EBADMSG);
	tells(REQ, "POST / HTTP/1.1\r\nHost: a\r\ntransfer-encoding: Chunked\r\n\r\n0\r\n\r\n", "chunked 1\n");
}

static void chunked(const char *body, const char *wanted)
{
	char text[8192];

	snprintf(text, sizeof(text), "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n%s", body);
	tells(RES, text, wanted);
}

Test(http_parse, chunks__are_joined)
{
	chunked("5\r\nhello\r\n0\r\n\r\n", "length -1\ncontinue 0\n  Transfer-Encoding\n    chunked\nbody hello\nend, keep 1\neof 0\n");
	chunked("A\r\n0123456789\r\n00003\r\nabc\r\n000\r\n\r\n", "body 0123456789abc\nend, keep 1\n");
	chunked("5;a=b;c=\"d e\"\r\nhello\r\n0;x\r\nX-Sum: 1\r\nY:\r\n\r\n", "body hello\nend, keep 1\n");
	chunked("1;a;b=c;d=\"\\\"\t;\";e\r\nx\r\n0\r\n\r\n", "body x\nend, keep 1\n");
	chunked("0\r\n\r\nHTTP/1.1 204 No\r\n\r\n", "end, keep 1\nhead 204\n");
}

Test(http_parse, chunks__are_strict)
{
	static const char *const bad[] = { "5\nhello\r\n", "5\r\nhello\n", "5\r\nhelloX\r\n", "5\r\nhello\rX", "x\r\n", "\r\n", " 5\r\n",
		                           "5 \r\n",       "5 x\r\n",      "-5\r\n",         "+5\r\n",        "0x5\r\n",
		                           "5;a\nhello\r\n", "5;\x01\r\n",   "5;\r\n",          "5;a=\r\n",       "5;a=b c\r\n",    "5;a=\"b\r\n",
		                           "5;a=\"b\"c\r\n", "5;a =b \r\n", "5;=b\r\n",        "5;a b\r\n",      "5;a=\"\\\r\n", "0\r\nContent-Length: 1\r\n\r\n",
		                           "0\r\nTransfer-Encoding: chunked\r\n\r\n",   "5\rX",           "0\r\nX\r\n\r\n", "0\r\n X: a\r\n\r\n",
		                           "0\r\nX : a\r\n\r\n", "0\r\n\n",   "g\r\n",          "5,\r\n" };

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		chunked(bad[i], "refused -74\n");
	chunked("1000000000000000\r\n", "refused -90\n"); /* EMSGSIZE: sixteen digits */
	chunked("fffffffffffffff\r\n", "refused -90\n");
	cr_expect(EBADMSG == 74 && EMSGSIZE == 90);
}

Test(http_parse, chunks__extensions_are_bounded)
{
	char *body = malloc(6000);

	cr_assert_not_null(body);
	memset(body, 'x', 6000);
	memcpy(body, "1;", 2);
	body[4099] = '\0';
	chunked(body, "refused -90\nbecause the chunks' extensions");
	strcpy(body + 4098, "\r\na\r\n0\r\n\r\n");
	chunked(body, "body a\nend");
	strcpy(body + 4098, "\r\na\r\n0;xx\r\n\r\n");
	chunked(body, "refused -90\nbecause the chunks' extensions");
	free(body);
}

Test(http_parse, answer__in_its_parts)
{
	tells(RES, "HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\nno", "head 404\nmethod \ntarget \nreason Not Found\nminor 1\nkeep 1\n");
	tells(RES, "HTTP/1.1 200 \r\nContent-Length: 0\r\n\r\n", "reason \n");
	tells(RES, "HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n", "head 200\n");
	refuses(RES, "HTTP/1.1 2\n00 OK\r\n\r\n", -EBADMSG);
}

Test(http_parse, status_line__is_strict)
{
	static const char *const lines[] = { "HTTP/1.1 20 OK", "HTTP/1.1 2000 OK", "HTTP/1.1  200 OK", "HTTP/1.1 099 x", "HTTP/1.1 2x0 OK",
		                             "HTTP/1.1\t200 OK", "HTTP/1.1", "HTTP/1. 200 OK", "ICY 200 OK", "HTTP/1.1 200 a\x01" };
	char text[128];

	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		snprintf(text, sizeof(text), "%s\r\n\r\n", lines[i]);
		refuses(RES, text, -EBADMSG);
	}
	refuses(RES, "HTTP/2.0 200 OK\r\n\r\n", -EPROTONOSUPPORT);
}

Test(http_parse, answer__ends_with_the_connection)
{
	tells(RES, "HTTP/1.1 200 OK\r\n\r\nall there is", "keep 0\nchunked 0\nlength -1\ncontinue 0\nbody all there is\nend, keep 0\neof 0\n");
	tells(RES, "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\n\r\n", "end, keep 0\neof 0\n");
}

Test(http_parse, answer__without_a_body)
{
	struct how head = { .kind = RES, .answer_to = WEFT__HTTP_ANSWER_TO_HEAD };

	tells(RES, "HTTP/1.1 204 No Content\r\n\r\nHTTP/1.1 304 x\r\nContent-Length: 9\r\n\r\n", "end, keep 1\nhead 304\n");
	tells(RES, "HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n", "length 0\ncontinue 0\n  Transfer-Encoding\n    chunked\nend, keep 1\neof 0\n");
	tells_how(&head, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n", "length 0\ncontinue 0\n  Content-Length\n    100\nend, keep 1\neof 0\n");
	tells_how(&head, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "end, keep 1\neof 0\n");
	tells_how(&head, "HTTP/1.1 200 OK\r\n\r\n", "end, keep 1\neof 0\n");
}

Test(http_parse, answer_to_connect__begins_a_tunnel)
{
	struct how connect = { .kind = RES, .answer_to = WEFT__HTTP_ANSWER_TO_CONNECT };

	tells_how(&connect, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n", "end, keep 1\neof 0\n");
	tells_how(&connect, "HTTP/1.1 407 No\r\nContent-Length: 2\r\n\r\nno", "body no\nend, keep 1\neof 0\n");
}

Test(http_parse, infos__come_before_the_answer)
{
	char many[4096] = "";

	tells(RES, "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early\r\nLink: a\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx",
	      "info 100\nmethod \ntarget \nreason Continue\n");
	tells(RES, "HTTP/1.1 103 Early\r\nLink: a\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx",
	      "  Link\n    a\nhead 200\nmethod \ntarget \nreason OK\nminor 1\nkeep 1\nchunked 0\nlength 1\ncontinue 0\n  Content-Length\n    1\nbody x\nend");
	tells(RES, "HTTP/1.1 100 Continue\r\n\r\n", "eof -104"); /* ECONNRESET */
	refuses(RES, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\n", -EPROTONOSUPPORT);
	for (int i = 0; i < 17; i++)
		strcat(many, "HTTP/1.1 102 Processing\r\n\r\n");
	refuses(RES, many, -EMSGSIZE);
}

Test(http_parse, expect__waits_for_100)
{
	tells(REQ, "POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-Continue\r\nContent-Length: 1\r\n\r\nx", "continue 1\n");
	tells(REQ, "POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "continue 1\n");
	tells(REQ, "GET / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n\r\n", "continue 0\n");
	tells(REQ, "POST / HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\nx", "continue 0\n");
}

Test(http_parse, upgrade__is_not_heeded)
{
	tells(REQ, "GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\nGET /b HTTP/1.1\r\nHost: a\r\n\r\n",
	      "end, keep 1\nhead 0\nmethod GET\ntarget /b\n");
}

Test(http_parse, eof__in_the_middle)
{
	static const char *const texts[] = { "H", "HTTP/1.1 200 OK\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n",
		                             "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nx",
		                             "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
		                             "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n",
		                             "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\nX: y\r\n" };

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		tells(RES, texts[i], "eof -104");
	tells(RES, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nxx", "eof 0");
}

/* ---- limits --------------------------------------------------------------------------- */

Test(http_parse, limits__of_the_head_to_the_byte)
{
	static const char text[] = "GET / HTTP/1.1\r\nHost: a\r\nAccept: *\r\n\r\n";
	struct how how = { .kind = REQ, .limits = { .head_bytes = sizeof(text) - 1 } };

	tells_how(&how, text, "end, keep 1");
	how.limits.head_bytes--;
	tells_how(&how, text, "refused -90\nbecause the head is too long");
	tells_how(&(struct how){ .kind = REQ, .limits = { .head_bytes = 24 } }, "GET / HTTP/1.1\r\nHost: a\r", "refused -90\n");
	how.limits.head_bytes = 5;
	tells_how(&how, text, "refused -90\nbecause the head is too long");
}

Test(http_parse, limits__of_fields)
{
	struct how how = { .kind = RES, .limits = { .fields = 2 } };

	tells_how(&how, "HTTP/1.1 204 x\r\nA: a\r\nB: b\r\n\r\n", "end, keep 1");
	tells_how(&how, "HTTP/1.1 204 x\r\nA: a\r\nB: b\r\nC: c\r\n\r\n", "refused -90\nbecause too many fields");
}

Test(http_parse, limits__of_the_trailer)
{
	struct how how = { .kind = RES, .limits = { .head_bytes = 60, .fields = 2 } };
	char text[512];

	tells_how(&how, "HTTP/1.1 200 x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nA: a\r\nB: b\r\n\r\n", "end, keep 1");
	tells_how(&how, "HTTP/1.1 200 x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nA: a\r\nB: b\r\nC: c\r\n\r\n", "too many fields in the trailer");
	snprintf(text, sizeof(text), "HTTP/1.1 200 x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nA: %060d\r\n\r\n", 0);
	tells_how(&how, text, "refused -90\nbecause the trailer is too long");
}

Test(http_parse, limits__of_the_body)
{
	struct how how = { .kind = RES, .limits = { .body_bytes = 4 } };

	tells_how(&how, "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n1234", "body 1234\nend");
	tells_how(&how, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n12345", "    5\nrefused -90\nbecause the body is too long");
	tells_how(&how, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\n123\r\n1\r\n4\r\n0\r\n\r\n", "body 1234\nend");
	tells_how(&how, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\n123\r\n2\r\n45\r\n", "body 123\nrefused -90\n");
	tells_how(&how, "HTTP/1.1 200 OK\r\n\r\n1234", "body 1234\nend");
	tells_how(&how, "HTTP/1.1 200 OK\r\n\r\n12345", "body 1234\nrefused -90\n");
}

Test(http_parse, limits__a_long_head_that_comes_in_pieces)
{
	static char text[70000];
	struct weft__http_limits limits = { 0 };
	size_t len = (size_t)snprintf(text, sizeof(text), "GET / HTTP/1.1\r\nHost: a\r\nX: ");
	size_t cuts[] = { 0, 1, 30, 4000, 40000, SIZE_MAX };

	memset(text + len, 'x', 65000 - len);
	strcpy(text + 65000, "\r\n\r\n");
	for (size_t i = 0; i < sizeof(cuts) / sizeof(cuts[0]); i++) {
		char *told = transcript_of(REQ, &limits, 0, 0, (const uint8_t *)text, strlen(text), cuts[i]);

		cr_expect(strstr(told, "end, keep 1"), "cut at %zu", cuts[i]);
		free(told);
	}
}

/* ---- sinks ---------------------------------------------------------------------------- */

Test(http_parse, sink__stops_the_parse_with_what_it_says)
{
	static const char text[] = "HTTP/1.1 100 x\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nxHTTP/1.1 204 x\r\n\r\n";

	for (const char *at = "ihbe"; *at; at++)
		tells_how(&(struct how){ .kind = RES, .stop_at = *at }, text, "refused -7\n");
}

static int end_it(struct weft__http_parser *p, void *user)
{
	(void)user;
	weft__http_parser_fini(p);
	memset(p, 0x55, sizeof(*p));
	return -5;
}

static int end_it_body(struct weft__http_parser *p, const uint8_t *bytes, size_t len, void *user)
{
	(void)bytes;
	(void)len;
	return end_it(p, user);
}

Test(http_parse, sink__may_end_the_parser)
{
	static const char text[] = "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nabcd";
	const struct weft__http_sink sinks[] = { { .head = end_it },
		                                 { .head = transcript_on_head, .body = end_it_body },
		                                 { .head = transcript_on_head, .end = end_it } };

	for (size_t i = 0; i < 3; i++) {
		struct weft__http_parser *p = malloc(sizeof(*p));
		struct transcript t = { 0 };
		size_t used;

		cr_assert_not_null(p);
		weft__http_parser_init(p, RES, NULL, &sinks[i], &t);
		cr_expect_eq(weft__http_parse(p, (const uint8_t *)text, 20, &used), 0); /* so that there is memory to free */
		cr_expect_eq(weft__http_parse(p, (const uint8_t *)text + 20, sizeof(text) - 21, &used), -5);
		free(p);
		free(t.text);
	}
}

Test(http_parse, refused__stays_refused)
{
	struct weft__http_parser p;
	struct transcript t = { 0 };
	size_t used;

	weft__http_parser_init(&p, REQ, NULL, &transcript_sink, &t);
	cr_expect_eq(weft__http_parse(&p, (const uint8_t *)"x\r\n", 3, &used), -EBADMSG);
	cr_expect_eq(weft__http_parse_status(&p, -EBADMSG), 400);
	cr_expect_eq(weft__http_parse(&p, (const uint8_t *)"GET / HTTP/1.1\r\n\r\n", 18, &used), -EBADMSG);
	cr_expect_null(t.text);
	weft__http_parser_fini(&p);
}

Test(http_parse, begun__once_a_byte_has_come)
{
	static const char text[] = "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx";
	struct weft__http_parser p;
	struct transcript t = { 0 };
	size_t used;

	weft__http_parser_init(&p, RES, NULL, &transcript_sink, &t);
	cr_expect(!weft__http_parser_begun(&p));
	for (size_t i = 0; i < sizeof(text) - 1; i++) {
		cr_expect_eq(weft__http_parse(&p, (const uint8_t *)text + i, 1, &used), 0);
		cr_expect_eq(weft__http_parser_begun(&p), i < sizeof(text) - 2, "%zu", i);
	}
	cr_expect(p.done);
	cr_expect_eq(weft__http_parse(&p, (const uint8_t *)"x", 1, &used), 0);
	cr_expect_eq(used, 0);
	weft__http_parser_next(&p);
	cr_expect(!weft__http_parser_begun(&p) && !p.done);
	weft__http_parser_fini(&p);
	free(t.text);
}

Test(http_parse, status__for_what_was_refused)
{
	struct { const char *text; int error, status; } cases[] = {
		{ "GET / HTTP/3.0\r\n\r\n", -EPROTONOSUPPORT, 505 },
		{ "GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\n\r\n", -EPROTONOSUPPORT, 501 },
		{ "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 99\r\n\r\n", -EMSGSIZE, 413 },
		{ "GET / HTTP/1.1\r\nHost: a\r\nA: b\r\nC: d\r\nE: f\r\n\r\n", -EMSGSIZE, 431 },
	};
	struct weft__http_limits limits = { .fields = 3, .body_bytes = 10 };

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct weft__http_parser p;
		struct transcript t = { 0 };
		size_t used;

		weft__http_parser_init(&p, REQ, &limits, &transcript_sink, &t);
		cr_expect_eq(weft__http_parse(&p, (const uint8_t *)cases[i].text, strlen(cases[i].text), &used), cases[i].error);
		cr_expect_eq(weft__http_parse_status(&p, cases[i].error), cases[i].status);
		weft__http_parser_fini(&p);
		free(t.text);
	}
}
