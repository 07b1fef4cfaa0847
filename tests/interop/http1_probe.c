/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tests/interop/http1_probe.c - what our HTTP/1.1 parser makes of messages, for check_http1.mjs.
 *
 * Reads lines of "q" (a request) or "r" (an answer) and the bytes in hex; prints one line of JSON each: the first message, or why
 * there is none.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "net/http/parse.h"

struct seen {
	bool head, end;
	char *text; /* of the head and the body so far */
	size_t len;
};

static void add(struct seen *s, const char *text, size_t len)
{
	s->text = realloc(s->text, s->len + len + 1);
	if (!s->text)
		abort();
	memcpy(s->text + s->len, text, len);
	s->len += len;
	s->text[s->len] = '\0';
}

static void add_hex(struct seen *s, weft_str bytes)
{
	char two[3];

	add(s, "\"", 1);
	for (size_t i = 0; i < bytes.len_bytes; i++) {
		snprintf(two, sizeof(two), "%02x", (uint8_t)bytes.ptr[i]);
		add(s, two, 2);
	}
	add(s, "\"", 1);
}

static int on_head(struct weft__http_parser *p, void *user)
{
	struct seen *s = user;
	char number[128];

	s->head = true;
	snprintf(number, sizeof(number), "{\"status\":%u,\"minor\":%u,\"keep\":%d,\"head\":[", p->status, p->minor, p->keep_alive);
	add(s, number, strlen(number));
	add_hex(s, p->method);
	add(s, ",", 1);
	add_hex(s, p->target);
	for (uint32_t i = 0; i < p->field_count; i++) {
		add(s, ",", 1);
		add_hex(s, p->fields[i].name);
		add(s, ",", 1);
		add_hex(s, p->fields[i].value);
	}
	add(s, "],\"body\":[\"\"", 12);
	return 0;
}

static int on_body(struct weft__http_parser *p, const uint8_t *bytes, size_t len, void *user)
{
	(void)p;
	add(user, ",", 1);
	add_hex(user, (weft_str){ (const char *)bytes, len });
	return 0;
}

static int on_end(struct weft__http_parser *p, void *user)
{
	struct seen *s = user;

	(void)p;
	s->end = true;
	return 0;
}

static size_t from_hex(char *text)
{
	size_t len = 0;
	unsigned byte;

	for (; sscanf(text + 2 * len, "%2x", &byte) == 1; len++)
		text[len] = (char)byte;
	return len;
}

static void probe(int kind, const uint8_t *bytes, size_t len)
{
	static const struct weft__http_sink sink = { .head = on_head, .body = on_body, .end = on_end };
	struct weft__http_parser p;
	struct seen s = { .text = NULL };
	size_t used;
	int r;

	weft__http_parser_init(&p, kind, NULL, &sink, &s);
	r = weft__http_parse(&p, bytes, len, &used);
	if (r == 0)
		r = weft__http_parse_eof(&p);
	if (s.end)
		printf("%s]}\n", s.text);
	else
		printf("{\"error\":\"%s\"}\n", r < 0 ? p.error : "it is not complete");
	weft__http_parser_fini(&p);
	free(s.text);
}

int main(void)
{
	char *line = NULL;
	size_t cap = 0;

	while (getline(&line, &cap, stdin) > 2) {
		char kind = line[0];
		size_t len = from_hex(memmove(line, line + 2, strlen(line) - 1));

		probe(kind == 'q' ? WEFT__HTTP_REQUEST : WEFT__HTTP_RESPONSE, (const uint8_t *)line, len);
	}
	free(line);
	return 0;
}
