/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The HTTP/1.1 parser on hostile bytes. The first byte says how: request or answer, to what, with which limits; the
 * rest is the connection. Oracles: the transcript does not depend on where the bytes were cut; limits hold; what was
 * told of a head is written again, read again, and is the same; no string outlives its call (pieces are freed).
 */
#include "fuzz.h"

#include <string.h>

#include "net/http/write.h"
#include "tests/support/http_transcript.h"

static struct weft__http_limits limits;

struct again {
	struct weft__http_writer writer;
	char *first, *second; /* transcripts of the head as it came, and as it was written */
};

static char *head_text(struct weft__http_parser *p)
{
	struct transcript t = { 0 };

	transcript_str(&t, "", p->method);
	transcript_str(&t, "", p->target);
	transcript_line(&t, "status", p->status);
	transcript_line(&t, "length", p->content_length);
	transcript_line(&t, "chunked", p->chunked);
	for (uint32_t i = 0; i < p->field_count; i++) {
		transcript_str(&t, "", p->fields[i].name);
		transcript_str(&t, "", p->fields[i].value);
	}
	return t.text;
}

static void check_limits(struct weft__http_parser *p)
{
	size_t bytes = p->method.len_bytes + p->target.len_bytes;

	for (uint32_t i = 0; i < p->field_count; i++)
		bytes += p->fields[i].name.len_bytes + p->fields[i].value.len_bytes;
	FUZZ_CHECK(p->field_count <= limits.fields);
	FUZZ_CHECK(bytes <= limits.head_bytes);
}

static int on_second(struct weft__http_parser *p, void *user)
{
	struct again *a = user;

	a->second = head_text(p);
	return -7;
}

static int on_first(struct weft__http_parser *p, void *user)
{
	struct again *a = user;

	check_limits(p);
	a->first = head_text(p);
	if (p->kind == WEFT__HTTP_REQUEST)
		weft__http_write_request(&a->writer, p->method, p->target);
	else
		weft__http_write_status(&a->writer, p->status);
	weft__http_write_fields(&a->writer, p->fields, p->field_count);
	weft__http_write_end(&a->writer);
	return -7;
}

/* The writer gives 1.1 back: a head of 1.0 may mean something else there. */
static void check_round_trip(int kind, int answer_to, const uint8_t *bytes, size_t len)
{
	static const struct weft__http_sink first = { .head = on_first }, second = { .head = on_second };
	struct weft__http_limits wide = { .head_bytes = 1u << 20 };
	struct weft__http_parser p;
	struct again a = { .first = NULL };
	weft_str text;
	size_t used;
	int r;

	weft__http_parser_init(&p, kind, &limits, &first, &a);
	weft__http_parser_expect(&p, answer_to);
	r = weft__http_parse(&p, bytes, len, &used);
	if (r == -7 && p.minor == 1) {
		struct weft__http_parser q;

		FUZZ_CHECK(weft__http_writer_text(&a.writer, &text) == 0);
		weft__http_parser_init(&q, kind, &wide, &second, &a);
		weft__http_parser_expect(&q, answer_to);
		FUZZ_CHECK(weft__http_parse(&q, (const uint8_t *)text.ptr, text.len_bytes, &used) == -7);
		FUZZ_CHECK(!strcmp(a.first, a.second));
		weft__http_parser_fini(&q);
	}
	weft__http_parser_fini(&p);
	weft__http_writer_fini(&a.writer);
	free(a.first);
	free(a.second);
}

static void check_splits(int kind, int answer_to, const uint8_t *bytes, size_t len)
{
	char *whole = transcript_of(kind, &limits, answer_to, 0, bytes, len, 0);
	size_t cuts[] = { SIZE_MAX, len / 2, len / 3, len - len / 7, 1 };

	for (size_t i = 0; i < sizeof(cuts) / sizeof(cuts[0]); i++) {
		char *other = transcript_of(kind, &limits, answer_to, 0, bytes, len, cuts[i] > len ? SIZE_MAX : cuts[i]);

		FUZZ_CHECK(whole ? other && !strcmp(whole, other) : !other);
		free(other);
	}
	free(whole);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	int kind, answer_to;

	if (size < 2)
		return 0;
	kind = data[0] & 1 ? WEFT__HTTP_RESPONSE : WEFT__HTTP_REQUEST;
	answer_to = (data[0] >> 1) % 3;
	limits = (struct weft__http_limits){ .head_bytes = data[0] & 8 ? 200 : 65536,
		                             .fields = data[0] & 16 ? 3 : 100,
		                             .body_bytes = data[0] & 32 ? 20 : 1u << 20 };
	check_splits(kind, answer_to, data + 1, size - 1);
	check_round_trip(kind, answer_to, data + 1, size - 1);
	return 0;
}
