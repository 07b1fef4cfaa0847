/* SPDX-License-Identifier: Apache-2.0 */
/* actors/remote/fault.c - refusals of all kinds of servers as one sentence and a code. Nothing here allocates but the parser. */
#include "actors/remote/fault.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "actors/remote/wire.h"
#include "actors/text.h"

#define SENTENCE_BYTES 192u
#define CODE_BYTES 48u
#define LOOK_BYTES 4096u /* of a text that is no JSON */
#define KEY_PART 8u      /* as much of a key is a secret already */

struct sentence {
	char text[SENTENCE_BYTES];
	size_t len;
};

/* How many bytes at `at` are the key, or a long enough beginning of it with what hangs on it. */
static size_t key_at(weft_str text, size_t at, weft_str key)
{
	size_t same = 0, len = text.len_bytes - at;

	while (same < len && same < key.len_bytes && text.ptr[at + same] == key.ptr[same])
		same++;
	if (!key.len_bytes || (same < key.len_bytes && same < KEY_PART))
		return 0;
	while (same < len && (unsigned char)text.ptr[at + same] > ' ' && !strchr("\"'<>,;)", text.ptr[at + same]))
		same++;
	return same;
}

static void put(struct sentence *s, const char *text, size_t len)
{
	if (len > sizeof(s->text) - s->len)
		len = sizeof(s->text) - s->len;
	memcpy(s->text + s->len, text, len);
	s->len += len;
}

/* One line: runs of white space and control characters are one space. tags: without what stands between < and >. */
static void put_text(struct sentence *s, weft_str text, weft_str key, bool tags)
{
	bool space = false;

	for (size_t i = 0; i < text.len_bytes && s->len < sizeof(s->text); i++) {
		unsigned char c = (unsigned char)text.ptr[i];
		size_t secret = key_at(text, i, key), control = weft__control_at(text, i);

		if (tags && c == '<') {
			while (i < text.len_bytes && text.ptr[i] != '>')
				i++;
			space = true;
			continue;
		}
		if (c == ' ' || control) {
			i += control ? control - 1 : 0;
			space = true;
			continue;
		}
		if (space && s->len)
			put(s, " ", 1);
		space = false;
		if (secret)
			put(s, "[key]", 5);
		else
			put(s, &text.ptr[i], 1);
		i += secret ? secret - 1 : 0;
	}
}

static int code_of(int status)
{
	switch (status) {
	case 402:
		return -EDQUOT;
	case 401:
	case 403:
		return -EACCES;
	case 404:
		return -ENOENT;
	case 408:
	case 504:
		return -ETIMEDOUT;
	case 413:
		return -EMSGSIZE;
	case 425:
	case 429:
	case 503:
	case 529:
		return -EAGAIN;
	default:
		return status >= 400 && status < 500 ? -EPROTO : -EIO; /* -EINVAL would say that nobody could answer it */
	}
}

static int say(weft_error *err, int status, const char *kind, int kind_len, struct sentence *s)
{
	char where[80];

	if (s->len == sizeof(s->text)) /* cut: not within a character */
		s->len = weft__str_whole((weft_str){ s->text, s->len });
	if (status && kind_len)
		snprintf(where, sizeof(where), "HTTP %d (%.*s)", status, kind_len, kind);
	else if (status)
		snprintf(where, sizeof(where), "HTTP %d", status);
	else if (kind_len)
		snprintf(where, sizeof(where), "the provider says (%.*s)", kind_len, kind);
	else
		snprintf(where, sizeof(where), "the provider says");
	return weft_error_set(err, code_of(status), "%s%s%.*s", where, s->len ? ": " : "", (int)s->len, s->text);
}

/* ---- JSON ---------------------------------------------------------------------------- */

bool weft__fault_is(weft_json value)
{
	weft_json error = weft_json_find(value, WEFT_STR("error"));
	weft_str kind;

	if (weft_json_typeof(error) != WEFT_JSON_NONE && weft_json_typeof(error) != WEFT_JSON_NULL)
		return true;
	if (weft__wire_find(value, WEFT_STR("object"), &kind) || weft__wire_find(value, WEFT_STR("type"), &kind))
		return weft_str_eq(kind, WEFT_STR("error"));
	return false;
}

/* The sentence in v: a text, {message}, {error}, {detail}, a list of them. */
static bool sentence_in(weft_json v, uint32_t depth, weft_str *ret)
{
	static const weft_str keys[] = { { "message", 7 }, { "error", 5 }, { "detail", 6 }, { "msg", 3 },
		                         { "error_description", 17 } };
	weft_json_iter it;

	if (depth > 4)
		return false;
	if (weft_json_get_str(v, ret))
		return ret->len_bytes > 0;
	if (weft_json_typeof(v) == WEFT_JSON_ARRAY) {
		it = weft_json_iter_begin(v);
		return weft_json_iter_next(&it) && sentence_in(it.value, depth + 1, ret);
	}
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		if (sentence_in(weft_json_find(v, keys[i]), depth + 1, ret))
			return true;
	}
	return false;
}

/* What kind of error it is: the code when it is a word, else the type. */
static weft_str kind_in(weft_json v)
{
	weft_json inner = weft_json_find(v, WEFT_STR("error"));
	weft_str kind = { 0 };

	if (weft_json_typeof(inner) == WEFT_JSON_OBJECT)
		v = inner;
	if (!weft__wire_find(v, WEFT_STR("code"), &kind) && !weft__wire_find(v, WEFT_STR("type"), &kind))
		(void)weft__wire_find(v, WEFT_STR("status"), &kind);
	return kind;
}

/* Inside a stream the status can stand in the body alone. */
static int status_in(weft_json v)
{
	weft_json inner = weft_json_find(v, WEFT_STR("error"));
	int64_t code = 0;

	if (!weft_json_get_int(weft_json_find(inner, WEFT_STR("code")), &code))
		(void)weft_json_get_int(weft_json_find(v, WEFT_STR("code")), &code);
	return code >= 400 && code < 600 ? (int)code : 0;
}

int weft__fault_json(weft_error *err, int status, weft_json value, weft_str key)
{
	struct sentence s = { .len = 0 }, kind = { .len = 0 };
	weft_json_iter it;
	weft_str text;

	if (weft_json_typeof(value) == WEFT_JSON_ARRAY) { /* [{"error": ...}] */
		it = weft_json_iter_begin(value);
		if (weft_json_iter_next(&it))
			value = it.value;
	}
	if (sentence_in(value, 0, &text))
		put_text(&s, text, key, false);
	text = kind_in(value);
	put_text(&kind, text, key, false);
	if (kind.len > CODE_BYTES)
		kind.len = weft__str_cut((weft_str){ kind.text, kind.len }, CODE_BYTES);
	return say(err, status ? status : status_in(value), kind.text, (int)kind.len, &s);
}

/* ---- anything else --------------------------------------------------------------------- */

/* The title of a page, else all of its text. */
static weft_str title_of(weft_str page)
{
	const char *end = page.ptr + page.len_bytes;

	for (size_t i = 0; i + 7 < page.len_bytes; i++) {
		if (!weft__str_eq_nocase((weft_str){ page.ptr + i, 6 }, WEFT_STR("<title")))
			continue;
		page = (weft_str){ page.ptr + i, (size_t)(end - page.ptr) - i };
		for (size_t n = 0; n + 8 <= page.len_bytes; n++) {
			if (weft__str_eq_nocase((weft_str){ page.ptr + n, 8 }, WEFT_STR("</title>")))
				return (weft_str){ page.ptr, n };
		}
		return page;
	}
	return page;
}

int weft__fault(weft_error *err, int status, weft_str body, weft_str key)
{
	struct sentence s = { .len = 0 };
	weft_str text = weft__str_trim(body);
	weft_json_doc *doc = NULL;
	bool page;
	int r;

	if (text.len_bytes && (text.ptr[0] == '{' || text.ptr[0] == '[' || text.ptr[0] == '"') &&
	    weft_json_parse(text, &doc, NULL) == 0) {
		r = weft__fault_json(err, status, weft_json_root(doc), key);
		weft_json_release(doc);
		return r;
	}
	page = text.len_bytes && text.ptr[0] == '<';
	if (page)
		text = title_of(text);
	if (text.len_bytes > LOOK_BYTES)
		text.len_bytes = LOOK_BYTES;
	put_text(&s, text, key, page);
	return say(err, status, "", 0, &s);
}
