/* SPDX-License-Identifier: Apache-2.0 */
/*
 * actors/openapi/request.c - the arguments of a call as an HTTP request.
 *
 * What the model wrote is encoded so that it stays where it belongs: a value cannot end a path segment, begin
 * another parameter or a field. A path that would climb (..) is refused. Errors stick in the request.
 */
#include <errno.h>
#include <string.h>

#include "actors/openapi/operation.h"
#include "actors/text.h"

#define URL_BYTES_MAX 8000u
#define COOKIE_BYTES_MAX 4096u
#define BUF_BYTES 256u

void weft__openapi_wrong(struct weft__openapi_request *q, const char *why)
{
	if (q->status == 0) {
		q->status = -EINVAL;
		q->wrong = why;
	}
}

weft_str weft__openapi_text(struct weft__openapi_request *q, struct weft__buf *b)
{
	weft_str text = { "", 0 };

	if (weft__buf_end(b, &text) < 0)
		q->status = -ENOMEM;
	return text;
}

/* ---- values ---------------------------------------------------------------------------- */

static bool is_unreserved(unsigned char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_' ||
	       c == '~';
}

void weft__openapi_encode(struct weft__buf *to, weft_str text)
{
	static const char digits[] = "0123456789ABCDEF";

	for (size_t i = 0; i < text.len_bytes; i++) {
		unsigned char c = (unsigned char)text.ptr[i];
		char three[3] = { '%', digits[c >> 4], digits[c & 15] };

		weft__buf_put(to, is_unreserved(c) ? (weft_str){ text.ptr + i, 1 } : (weft_str){ three, 3 });
	}
}

weft_str weft__openapi_json(struct weft__openapi_request *q, weft_json v)
{
	weft_str text = { "", 0 };
	weft_json_writer *w;

	if (weft_json_writer_create(0, &w) < 0) {
		q->status = -ENOMEM;
		return text;
	}
	weft_json_put_value(w, v);
	if (weft_json_writer_text(w, &text) == 0)
		text = weft_arena_dup(q->arena, text);
	if (!text.len_bytes)
		q->status = -ENOMEM;
	weft_json_writer_destroy(w);
	return text;
}

static void scalar_put(struct weft__openapi_request *q, struct weft__buf *to, weft_json v, bool encoded)
{
	weft_str text;

	if (!weft_json_get_str(v, &text))
		text = weft__openapi_json(q, v);
	if (encoded)
		weft__openapi_encode(to, text);
	else
		weft__buf_put(to, text);
}

/* A value or, of a list, its elements one behind the other. */
static void value_put(struct weft__openapi_request *q, struct weft__buf *to, weft_json v, char separator, bool encoded)
{
	weft_json_iter it;
	bool first = true;

	if (weft_json_typeof(v) != WEFT_JSON_ARRAY) {
		scalar_put(q, to, v, encoded);
		return;
	}
	for (it = weft_json_iter_begin(v); weft_json_iter_next(&it); first = false) {
		if (!first)
			weft__buf_put_char(to, separator);
		scalar_put(q, to, it.value, encoded);
	}
}

static bool is_given(weft_json v)
{
	return weft_json_typeof(v) != WEFT_JSON_NONE && weft_json_typeof(v) != WEFT_JSON_NULL;
}

/* ---- the path ---------------------------------------------------------------------------- */

/* "..", "a/../b", "a\..": what servers take as a way out, also when it is encoded. */
static bool climbs(weft_str text)
{
	size_t begin = 0;

	for (size_t i = 0; i <= text.len_bytes; i++) {
		if (i < text.len_bytes && text.ptr[i] != '/' && text.ptr[i] != '\\')
			continue;
		if ((i - begin == 1 && text.ptr[begin] == '.') || (i - begin == 2 && !memcmp(text.ptr + begin, "..", 2)))
			return true;
		begin = i + 1;
	}
	return false;
}

static const struct weft__openapi_param *path_param(const struct weft__openapi_operation *op, weft_str name)
{
	for (uint32_t i = 0; i < op->param_count; i++) {
		if (op->params[i].in == WEFT__OPENAPI_PATH && weft_str_eq(op->params[i].name, name))
			return &op->params[i];
	}
	return NULL;
}

static void segment_put(const struct weft__openapi_operation *op, weft_str name, weft_json arguments,
                        struct weft__openapi_request *q, struct weft__buf *url)
{
	const struct weft__openapi_param *param = path_param(op, name);
	weft_json v = param ? weft_json_find(arguments, param->argument) : (weft_json){ 0 };
	struct weft__buf plain = weft__buf_begin(q->arena, BUF_BYTES);
	weft_str text;

	if (!is_given(v)) {
		weft__openapi_wrong(q, "a part of the path is missing");
		return;
	}
	value_put(q, &plain, v, ',', false);
	text = weft__openapi_text(q, &plain);
	if (!text.len_bytes || climbs(text))
		weft__openapi_wrong(q, "a part of the path is empty or leads out of it");
	weft__openapi_encode(url, text);
}

static void path_put(const struct weft__openapi_operation *op, weft_json arguments, struct weft__openapi_request *q,
                     struct weft__buf *url)
{
	const char *at = op->path.ptr, *end = at + op->path.len_bytes;

	while (at < end) {
		const char *open = memchr(at, '{', (size_t)(end - at));
		const char *close = open ? memchr(open, '}', (size_t)(end - open)) : NULL;

		weft__buf_put(url, (weft_str){ at, (size_t)((close ? open : end) - at) });
		if (close)
			segment_put(op, (weft_str){ open + 1, (size_t)(close - open - 1) }, arguments, q, url);
		at = close ? close + 1 : end;
	}
}

/* ---- the query, also as a form's body ---------------------------------------------------------- */

struct pairs {
	struct weft__buf *to;
	char before; /* of the next pair; 0: nothing */
};

/* name=value, name[member]=value */
static void pair_put(struct weft__openapi_request *q, struct pairs *p, weft_str name, weft_str member, weft_json v, char separator)
{
	if (p->before)
		weft__buf_put_char(p->to, p->before);
	p->before = '&';
	weft__openapi_encode(p->to, name);
	if (member.ptr) {
		weft__buf_put(p->to, WEFT_STR("%5B"));
		weft__openapi_encode(p->to, member);
		weft__buf_put(p->to, WEFT_STR("%5D"));
	}
	weft__buf_put_char(p->to, '=');
	value_put(q, p->to, v, separator, true);
}

static void param_put(struct weft__openapi_request *q, struct pairs *p, const struct weft__openapi_param *param, weft_json v)
{
	const weft_str none = { 0 };
	weft_json_iter it;

	if (weft_json_typeof(v) == WEFT_JSON_ARRAY && param->style == WEFT__OPENAPI_EXPLODE) {
		for (it = weft_json_iter_begin(v); weft_json_iter_next(&it);)
			pair_put(q, p, param->name, none, it.value, ',');
	} else if (weft_json_typeof(v) == WEFT_JSON_OBJECT && param->style == WEFT__OPENAPI_DEEP) {
		for (it = weft_json_iter_begin(v); weft_json_iter_next(&it);)
			pair_put(q, p, param->name, it.key, it.value, ',');
	} else {
		pair_put(q, p, param->name, none, v, param->separator);
	}
}

static void query_put(const struct weft__openapi_operation *op, weft_json arguments, struct weft__openapi_request *q,
                      struct weft__buf *url)
{
	struct pairs p = { .to = url, .before = '?' };

	for (uint32_t i = 0; i < op->param_count; i++) {
		weft_json v = weft_json_find(arguments, op->params[i].argument);

		if (op->params[i].in == WEFT__OPENAPI_QUERY && is_given(v))
			param_put(q, &p, &op->params[i], v);
	}
	if (op->secret_query.len_bytes) {
		weft__buf_put_char(url, p.before);
		weft__buf_put(url, op->secret_query);
	}
}

/* ---- fields and body ----------------------------------------------------------------------------- */

static bool is_field_value(weft_str text)
{
	for (size_t i = 0; i < text.len_bytes; i++) {
		if ((unsigned char)text.ptr[i] < 0x20 || text.ptr[i] == 0x7f)
			return false;
	}
	return true;
}

void weft__openapi_field(struct weft__openapi_request *q, weft_str name, weft_str value)
{
	if (q->field_count < WEFT__OPENAPI_FIELDS_MAX)
		q->fields[q->field_count++] = (struct weft__http_field){ name, value };
	else
		weft__openapi_wrong(q, "it has too many headers");
}

static void header_put(const struct weft__openapi_param *param, weft_json v, struct weft__openapi_request *q)
{
	struct weft__buf b = weft__buf_begin(q->arena, BUF_BYTES);
	weft_str text;

	value_put(q, &b, v, ',', false);
	text = weft__openapi_text(q, &b);
	if (!is_field_value(text))
		weft__openapi_wrong(q, "the value of a header has control characters");
	weft__openapi_field(q, param->name, text);
}

/* All of them are one field. A list is one value, its commas encoded: a cookie has none. */
static void cookies_put(const struct weft__openapi_operation *op, weft_json arguments, struct weft__openapi_request *q)
{
	struct weft__buf b = weft__buf_begin(q->arena, BUF_BYTES);
	weft_str text;

	weft__buf_put(&b, op->secret_cookie);
	for (uint32_t i = 0; i < op->param_count; i++) {
		weft_json v = weft_json_find(arguments, op->params[i].argument);
		struct weft__buf value = weft__buf_begin(q->arena, BUF_BYTES);

		if (op->params[i].in != WEFT__OPENAPI_COOKIE || !is_given(v))
			continue;
		weft__buf_put(&b, b.len_bytes ? WEFT_STR("; ") : WEFT_STR(""));
		weft__openapi_encode(&b, op->params[i].name);
		weft__buf_put_char(&b, '=');
		value_put(q, &value, v, ',', false);
		weft__openapi_encode(&b, weft__openapi_text(q, &value));
	}
	text = weft__openapi_text(q, &b);
	if (text.len_bytes > COOKIE_BYTES_MAX)
		weft__openapi_wrong(q, "the cookies are too long");
	if (text.len_bytes)
		weft__openapi_field(q, WEFT_STR("Cookie"), text);
}

static void fields_put(const struct weft__openapi_operation *op, weft_json arguments, struct weft__openapi_request *q)
{
	weft__openapi_field(q, WEFT_STR("Accept"), WEFT_STR("application/json, text/*;q=0.9, */*;q=0.1"));
	for (uint32_t i = 0; i < op->field_count; i++)
		weft__openapi_field(q, op->fields[i].name, op->fields[i].value);
	for (uint32_t i = 0; i < op->param_count; i++) {
		weft_json v = weft_json_find(arguments, op->params[i].argument);

		if (op->params[i].in == WEFT__OPENAPI_HEADER && is_given(v))
			header_put(&op->params[i], v, q);
	}
	cookies_put(op, arguments, q);
}

static weft_str form_of(weft_json v, struct weft__openapi_request *q)
{
	struct weft__openapi_param each = { .style = WEFT__OPENAPI_EXPLODE, .separator = ',' };
	struct weft__buf b = weft__buf_begin(q->arena, BUF_BYTES);
	struct pairs p = { .to = &b };
	weft_json_iter it;

	for (it = weft_json_iter_begin(v); weft_json_iter_next(&it);) {
		each.name = it.key;
		param_put(q, &p, &each, it.value);
	}
	return weft__openapi_text(q, &b);
}

static void body_put(const struct weft__openapi_operation *op, weft_json arguments, struct weft__openapi_request *q)
{
	weft_json v = weft_json_find(arguments, WEFT_STR("body"));

	if (op->body == WEFT__OPENAPI_NO_BODY || weft_json_typeof(v) == WEFT_JSON_NONE)
		return;
	if (op->body == WEFT__OPENAPI_MULTIPART) {
		weft__openapi_multipart(op, v, q);
		return;
	}
	if (op->body == WEFT__OPENAPI_FORM)
		q->body = form_of(v, q);
	else if (op->body == WEFT__OPENAPI_JSON || !weft_json_get_str(v, &q->body))
		q->body = weft__openapi_json(q, v);
	weft__openapi_field(q, WEFT_STR("Content-Type"), op->body_type);
}

int weft__openapi_request(const struct weft__openapi_operation *op, weft_json arguments, weft_arena *arena,
                          struct weft__openapi_request *q)
{
	struct weft__buf url = weft__buf_begin(arena, 1024);

	*q = (struct weft__openapi_request){ .arena = arena };
	weft__buf_put(&url, op->server);
	path_put(op, arguments, q, &url);
	query_put(op, arguments, q, &url);
	q->url = weft__openapi_text(q, &url);
	if (q->url.len_bytes > URL_BYTES_MAX)
		weft__openapi_wrong(q, "the address is too long");
	fields_put(op, arguments, q);
	body_put(op, arguments, q);
	return q->status;
}
