/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tests/interop/http_client_probe.c - what our HTTP client makes of a server's answers, for check_http_client.py.
 *
 * Reads lines "METHOD URL BODY FIELD..." with body and fields in hex ("-": no body; fields are "Name: value"), asks one after the other on
 * one loop, following redirections, and prints one line of JSON each: {"status", "fields", "body"} in hex, or {"error"}.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "net/http/client.h"
#include "net/http/message.h"
#include "runtime/io/loop.h"

#define FIELDS_MAX 16
#define LINE_BYTES (1u << 20)

struct asked {
	struct weft__http_call call; /* first */
	bool done, told_body;
	int status;
};

static void put_hex(weft_str bytes)
{
	for (size_t i = 0; i < bytes.len_bytes; i++)
		printf("%02x", (uint8_t)bytes.ptr[i]);
}

static void on_head(struct weft__http_call *call, int status, const struct weft__http_field *fields, uint32_t n)
{
	(void)call;
	printf("{\"status\":%d,\"fields\":[", status);
	for (uint32_t i = 0; i < n; i++) {
		printf("%s[\"", i ? "," : "");
		put_hex(fields[i].name);
		printf("\",\"");
		put_hex(fields[i].value);
		printf("\"]");
	}
	printf("],\"body\":\"");
	((struct asked *)call)->told_body = true;
}

static void on_body(struct weft__http_call *call, const uint8_t *bytes, size_t len)
{
	(void)call;
	put_hex((weft_str){ (const char *)bytes, len });
}

static void on_done(struct weft__http_call *call, int status)
{
	struct asked *a = (struct asked *)call;

	a->done = true;
	a->status = status;
}

/* In place. */
static weft_str from_hex(char *text)
{
	size_t len = strlen(text) / 2;
	unsigned byte;

	for (size_t i = 0; i < len; i++) {
		if (sscanf(text + 2 * i, "%2x", &byte) != 1)
			abort();
		text[i] = (char)byte;
	}
	return (weft_str){ text, len };
}

static void take_field(struct weft__http_request *req, struct weft__http_field *fields, char *hex)
{
	weft_str text = from_hex(hex);
	const char *colon = memchr(text.ptr, ':', text.len_bytes);

	if (!colon || req->field_count == FIELDS_MAX)
		abort();
	fields[req->field_count].name = (weft_str){ text.ptr, (size_t)(colon - text.ptr) };
	fields[req->field_count].value = (weft_str){ colon + 2, text.len_bytes - (size_t)(colon + 2 - text.ptr) };
	req->field_count++;
}

static void ask(struct weft__loop *loop, char *line)
{
	struct weft__http_field fields[FIELDS_MAX];
	struct weft__http_request req = { .fields = fields, .flags = WEFT__HTTP_FOLLOW | WEFT__HTTP_NO_PROXY };
	struct asked a = { .call = { .head = on_head, .body = on_body, .done = on_done } };
	char *save, *method = strtok_r(line, " \n", &save), *url = strtok_r(NULL, " \n", &save);
	char *body = strtok_r(NULL, " \n", &save);

	if (!method || !url || !body)
		abort();
	req.method = weft_str_from(method);
	req.url = weft_str_from(url);
	if (strcmp(body, "-") != 0)
		req.body = from_hex(body);
	for (char *field; (field = strtok_r(NULL, " \n", &save));)
		take_field(&req, fields, field);
	a.status = weft__http_start(loop, &a.call, &req);
	a.done = a.status < 0;
	while (!a.done)
		weft__loop_wait(loop, UINT64_C(1000000000));
	printf(a.told_body ? "\"" : "{\"status\":0");
	printf(",\"error\":%d}\n", a.status);
	fflush(stdout);
}

int main(void)
{
	char *line = malloc(LINE_BYTES);
	struct weft__loop *loop;

	if (!line || weft__loop_open(WEFT_IO_AUTO, &loop, NULL) < 0)
		return 1;
	while (fgets(line, LINE_BYTES, stdin))
		ask(loop, line);
	weft__loop_close(loop);
	free(line);
	return 0;
}
