/* SPDX-License-Identifier: Apache-2.0 */
/*
 * actors/record/redact.c - one walk over a text: at each byte a table says whether a value of the environment, a key or a
 * telling name may begin there. A text without a find is given back as it is.
 */
#include "actors/record/redact.h"

#include <errno.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "actors/text.h"

#define VALUE_BYTES_MIN 8u /* of a variable: shorter ones would be found everywhere */
#define USER_BYTES_MAX 128u /* of an address */
#define KEY_BYTES_MIN 16u  /* of a word that begins like a key */

extern char **environ;

/* How keys of known services begin; those of AWS and web tokens have rules of their own. */
static const weft_str key_begins[] = {
	WEFT_STR("sk-"), WEFT_STR("sk_live_"), WEFT_STR("sk_test_"), WEFT_STR("rk_live_"), WEFT_STR("rk_test_"),
	WEFT_STR("ghp_"), WEFT_STR("gho_"), WEFT_STR("ghs_"), WEFT_STR("ghu_"), WEFT_STR("ghr_"),
	WEFT_STR("github_pat_"), WEFT_STR("glpat-"), WEFT_STR("xoxb-"), WEFT_STR("xoxp-"), WEFT_STR("xai-"),
	WEFT_STR("gsk_"), WEFT_STR("AIza"), WEFT_STR("hf_"), WEFT_STR("npm_"), WEFT_STR("eyJhbGciOi"),
};

/* Names of what is secret: whole, or as the last word of a longer one. */
static const weft_str secret_names[] = {
	WEFT_STR("authorization"), WEFT_STR("password"), WEFT_STR("passwd"), WEFT_STR("passphrase"),
	WEFT_STR("pwd"), WEFT_STR("api_key"), WEFT_STR("api-key"), WEFT_STR("apikey"), WEFT_STR("access_key"),
	WEFT_STR("access-key"), WEFT_STR("accesskey"), WEFT_STR("secret_key"), WEFT_STR("secret-key"),
	WEFT_STR("secretkey"), WEFT_STR("private_key"), WEFT_STR("private-key"), WEFT_STR("privatekey"),
	WEFT_STR("secret"), WEFT_STR("token"), WEFT_STR("cookie"), WEFT_STR("credentials"),
};

enum { FIRST_OF_VALUE = 1, FIRST_OF_KEY = 2 };

static bool is_word(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
}

static bool is_space(char c)
{
	return c == ' ' || c == '\t';
}

/* Where a secret stands: [from, to). */
struct place {
	size_t from, to;
};

static bool is_redacted(weft_str value)
{
	return weft_str_eq(value, WEFT_STR(WEFT__REDACTED));
}

static bool starts(weft_str text, size_t at, weft_str with)
{
	return text.len_bytes - at >= with.len_bytes && !memcmp(text.ptr + at, with.ptr, with.len_bytes);
}

static bool is_of_authority(char c)
{
	return (unsigned char)c > ' ' && !strchr("/?#\"'<>\\", c);
}

/* The password of scheme://user:password@host; at is the ':' before it. */
static bool find_userinfo(weft_str text, size_t at, struct place *ret)
{
	size_t user = at, end = at + 1;
	const char *host;

	while (user && at - user < USER_BYTES_MAX && is_of_authority(text.ptr[user - 1]) && !strchr(":@[]", text.ptr[user - 1]))
		user--;
	if (user < 3 || memcmp(text.ptr + user - 3, "://", 3))
		return false;
	while (end < text.len_bytes && is_of_authority(text.ptr[end]))
		end++;
	host = memrchr(text.ptr + at + 1, '@', end - at - 1);
	end = host ? (size_t)(host - text.ptr) : 0;
	if (end <= at + 1 || starts(text, at + 1, WEFT_STR(WEFT__REDACTED)))
		return false; /* there is none, or it was redacted before */
	*ret = (struct place){ at + 1, end };
	return true;
}

/* ---- the environment --------------------------------------------------------- */

static bool ends_with(weft_str name, weft_str end)
{
	return name.len_bytes >= end.len_bytes &&
	       !strncasecmp(name.ptr + name.len_bytes - end.len_bytes, end.ptr, end.len_bytes);
}

static bool is_secret_variable(weft_str name)
{
	static const weft_str ends[] = { WEFT_STR("_KEY"),  WEFT_STR("_TOKEN"),  WEFT_STR("_SECRET"),  WEFT_STR("PASSWORD"),
		                         WEFT_STR("_PWD"),  WEFT_STR("APIKEY"),  WEFT_STR("PASSPHRASE"), WEFT_STR("_CREDENTIALS") };

	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		if (ends_with(name, ends[i]))
			return true;
	}
	return false;
}

static int value_add(struct weft__redact *r, const char *value, size_t len)
{
	char *copy;

	if (len < VALUE_BYTES_MIN || r->value_count == WEFT__REDACT_VALUES)
		return 0;
	copy = weft_strndup(value, len);
	if (!copy)
		return -ENOMEM;
	r->values[r->value_count++] = (weft_str){ copy, len };
	return 0;
}

/* A secret is in its value, or in the address that it is: DATABASE_URL=postgres://user:password@host. */
static int variable_add(struct weft__redact *r, weft_str name, const char *value)
{
	weft_str all = weft_str_from(value);
	struct place p;

	for (size_t i = 0; i < all.len_bytes; i++) {
		if (value[i] == ':' && find_userinfo(all, i, &p))
			return value_add(r, value + p.from, p.to - p.from);
	}
	if (!is_secret_variable(name) || (value[0] == '/' && access(value, F_OK) == 0))
		return 0; /* a path leads to the secret, and is none */
	return value_add(r, value, all.len_bytes);
}

static uint32_t letter(char c)
{
	return (uint32_t)((c | 0x20) - 'a'); /* 0 .. 25; others are more */
}

/* What a look at one byte, or two, can tell. */
static void note_firsts(struct weft__redact *r)
{
	for (uint32_t i = 0; i < r->value_count; i++)
		r->first[(uint8_t)r->values[i].ptr[0]] |= FIRST_OF_VALUE;
	for (size_t i = 0; i < sizeof(key_begins) / sizeof(key_begins[0]); i++)
		r->first[(uint8_t)key_begins[i].ptr[0]] |= FIRST_OF_KEY;
	r->first['A'] |= FIRST_OF_KEY; /* of AWS */
	r->first['e'] |= FIRST_OF_KEY; /* web tokens */
	for (size_t i = 0; i < sizeof(secret_names) / sizeof(secret_names[0]); i++) {
		const char *end = secret_names[i].ptr + secret_names[i].len_bytes;

		r->name_ends[letter(end[-1])] |= 1u << letter(end[-2]);
	}
}

int weft__redact_init(struct weft__redact *r, weft_redact_fn host, void *host_user)
{
	*r = (struct weft__redact){ .host = host, .host_user = host_user };
	for (char **e = environ; e && *e; e++) {
		const char *eq = strchr(*e, '=');

		if (eq && variable_add(r, (weft_str){ *e, (size_t)(eq - *e) }, eq + 1) < 0) {
			weft__redact_fini(r);
			return -ENOMEM;
		}
	}
	note_firsts(r);
	return 0;
}

void weft__redact_fini(struct weft__redact *r)
{
	for (uint32_t i = 0; i < r->value_count; i++)
		weft_free((char *)(uintptr_t)r->values[i].ptr);
	r->value_count = 0;
}

/* ---- finding -------------------------------------------------------------------- */

static bool starts_nocase(weft_str text, size_t at, weft_str with)
{
	return text.len_bytes - at >= with.len_bytes && !strncasecmp(text.ptr + at, with.ptr, with.len_bytes);
}

static size_t word_end(weft_str text, size_t at)
{
	while (at < text.len_bytes && (is_word(text.ptr[at]) || text.ptr[at] == '.' || text.ptr[at] == '/' ||
	                               text.ptr[at] == '+' || text.ptr[at] == '=' || text.ptr[at] == '~'))
		at++;
	return at;
}

static bool find_value(const struct weft__redact *r, weft_str text, size_t at, struct place *ret)
{
	for (uint32_t i = 0; i < r->value_count; i++) {
		if (!starts(text, at, r->values[i]))
			continue;
		*ret = (struct place){ at, at + r->values[i].len_bytes };
		return true;
	}
	return false;
}

/* The names of keys of AWS: four letters, and sixteen that are large or digits. */
static bool is_aws(weft_str text, size_t at)
{
	size_t end = at;

	if (!starts(text, at, WEFT_STR("AKIA")) && !starts(text, at, WEFT_STR("ASIA")))
		return false;
	while (end < text.len_bytes && ((text.ptr[end] >= 'A' && text.ptr[end] <= 'Z') || (text.ptr[end] >= '0' && text.ptr[end] <= '9')))
		end++;
	return end - at == 20 && (end == text.len_bytes || !is_word(text.ptr[end]));
}

/* A JSON web token: base64 of {", and a dot before the next part. */
static bool is_web_token(weft_str text, size_t at)
{
	if (!starts(text, at, WEFT_STR("eyJ")))
		return false;
	while (at < text.len_bytes && is_word(text.ptr[at]))
		at++;
	return at < text.len_bytes && text.ptr[at] == '.';
}

/* A word that begins as keys do and is as long as one. at is the beginning of a word. */
static bool find_key(weft_str text, size_t at, struct place *ret)
{
	bool is = is_aws(text, at) || is_web_token(text, at);
	size_t end;

	for (size_t i = 0; !is && i < sizeof(key_begins) / sizeof(key_begins[0]); i++)
		is = starts(text, at, key_begins[i]);
	if (!is)
		return false; /* before the end is looked for: of a/a/a/... each would look through all */
	end = word_end(text, at);
	*ret = (struct place){ at, end };
	return end - at >= KEY_BYTES_MIN;
}

static bool find_pem(weft_str text, size_t at, struct place *ret)
{
	static const weft_str begin = WEFT_STR("-----BEGIN "), what = WEFT_STR("PRIVATE KEY-----");
	const char *head, *end;

	if (!starts(text, at, begin))
		return false;
	head = memmem(text.ptr + at, text.len_bytes - at < 64 ? text.len_bytes - at : 64, what.ptr, what.len_bytes);
	if (!head)
		return false;
	head += what.len_bytes;
	end = memmem(head, text.len_bytes - (size_t)(head - text.ptr), what.ptr, what.len_bytes);
	*ret = (struct place){ at, end ? (size_t)(end - text.ptr) + what.len_bytes : text.len_bytes };
	return true;
}

static bool begins_word(char before, char c)
{
	return before == '_' || before == '-' || (c >= 'A' && c <= 'Z' && !(before >= 'A' && before <= 'Z'));
}

/* The name that begins at `at` is one of a secret: its end, or 0. */
static size_t secret_name(const struct weft__redact *r, weft_str text, size_t at)
{
	size_t end = at, len;

	while (end < text.len_bytes && is_word(text.ptr[end]))
		end++;
	len = end - at;
	if (len < 2 || letter(text.ptr[end - 1]) > 25 || letter(text.ptr[end - 2]) > 25 ||
	    !(r->name_ends[letter(text.ptr[end - 1])] >> letter(text.ptr[end - 2]) & 1))
		return 0;
	for (size_t i = 0; i < sizeof(secret_names) / sizeof(secret_names[0]); i++) {
		weft_str n = secret_names[i];
		size_t tail;

		/* whole, or the last word of a longer name: "x-api-key", "access_token", "accessToken" */
		if (len < n.len_bytes || !starts_nocase(text, end - n.len_bytes, n))
			continue;
		tail = len - n.len_bytes;
		if (tail == 0 || begins_word(text.ptr[at + tail - 1], text.ptr[at + tail]))
			return end;
	}
	return 0;
}

static size_t skip_spaces(weft_str text, size_t at)
{
	while (at < text.len_bytes && is_space(text.ptr[at]))
		at++;
	return at;
}

/* A quote at `at`, perhaps escaped; moves behind it. 0: there is none. */
static char take_quote(weft_str text, size_t *at, bool *ret_escaped)
{
	size_t i = *at;

	*ret_escaped = i < text.len_bytes && text.ptr[i] == '\\';
	i += *ret_escaped;
	if (i >= text.len_bytes || (text.ptr[i] != '"' && text.ptr[i] != '\''))
		return 0;
	*at = i + 1;
	return text.ptr[i];
}

/* The end of a value between quotes: an escaped quote ends it only when it began with one. */
static size_t quoted_end(weft_str text, size_t at, char quote, bool escaped)
{
	for (size_t i = at; i < text.len_bytes; i++) {
		if (text.ptr[i] == '\\' && escaped && i + 1 < text.len_bytes && text.ptr[i + 1] == quote)
			return i;
		if (text.ptr[i] == '\\')
			i++;
		else if (text.ptr[i] == quote)
			return i;
	}
	return text.len_bytes;
}

/* The end of the last text of a list, whose first one ends at `at`. */
static size_t list_end(weft_str text, size_t at, char quote, bool escaped)
{
	for (;;) {
		size_t i = skip_spaces(text, at + 1 + escaped);
		bool too;

		if (i >= text.len_bytes || text.ptr[i] != ',')
			return at;
		i = skip_spaces(text, i + 1);
		if (take_quote(text, &i, &too) != quote)
			return at;
		at = quoted_end(text, i, quote, too);
	}
}

/* Behind "Bearer " and its like. */
static size_t skip_scheme(weft_str text, size_t at)
{
	static const weft_str schemes[] = { WEFT_STR("Bearer "), WEFT_STR("Basic "), WEFT_STR("Token "), WEFT_STR("Digest ") };

	for (size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++) {
		if (starts_nocase(text, at, schemes[i]))
			return at + schemes[i].len_bytes;
	}
	return at;
}

/* The end of a bare value: a word, or the whole line of a cookie or an authorization. */
static size_t bare_end(weft_str text, size_t at, bool line)
{
	for (; at < text.len_bytes; at++) {
		char c = text.ptr[at];

		if (c == '\n' || c == '\r' || c == '"')
			break;
		if (!line && (is_space(c) || c == ',' || c == ';' || c == '&'))
			break;
	}
	return at;
}

/*
 * name: value, name=value, "name": "value", also with quotes that are escaped, and "name": ["value", "value"], which
 * becomes a list of one. [from, to) is the value.
 */
static bool find_named(const struct weft__redact *r, weft_str text, size_t at, struct place *ret)
{
	size_t i = secret_name(r, text, at), from;
	weft_str name;
	bool line, list, escaped, named_in_quotes;
	char quote;

	if (!i)
		return false;
	name = (weft_str){ text.ptr + at, i - at };
	line = ends_with(name, WEFT_STR("cookie")) || ends_with(name, WEFT_STR("authorization"));
	named_in_quotes = take_quote(text, &i, &escaped) != 0;
	i = skip_spaces(text, i);
	if (i >= text.len_bytes || (text.ptr[i] != ':' && text.ptr[i] != '='))
		return false;
	from = skip_spaces(text, i + 1);
	list = named_in_quotes && from < text.len_bytes && text.ptr[from] == '[';
	if (list)
		from = skip_spaces(text, from + 1);
	quote = take_quote(text, &from, &escaped);
	if (named_in_quotes && !quote)
		return false; /* JSON that would be none any more: a number, an object */
	if (ends_with(name, WEFT_STR("pwd")) && from < text.len_bytes && text.ptr[from] == '/')
		return false; /* a folder */
	from = skip_scheme(text, from);
	i = quote ? quoted_end(text, from, quote, escaped) : bare_end(text, from, line);
	if (list)
		i = list_end(text, i, quote, escaped);
	if (i == from || is_redacted((weft_str){ text.ptr + from, i - from }))
		return false; /* nothing, or redacted before */
	*ret = (struct place){ from, i };
	return true;
}

/* The first secret at or behind `at`. */
static bool find(const struct weft__redact *r, weft_str text, size_t at, struct place *ret)
{
	for (; at < text.len_bytes; at++) {
		bool begins = at == 0 || !is_word(text.ptr[at - 1]);
		uint8_t first = r->first[(uint8_t)text.ptr[at]];

		if (first & FIRST_OF_VALUE && find_value(r, text, at, ret))
			return true;
		if (text.ptr[at] == '-' && find_pem(text, at, ret))
			return true;
		if (text.ptr[at] == ':' && find_userinfo(text, at, ret))
			return true;
		if (!begins || !is_word(text.ptr[at]))
			continue;
		if ((first & FIRST_OF_KEY && find_key(text, at, ret)) || find_named(r, text, at, ret))
			return true;
	}
	return false;
}

/* ---- replacing ---------------------------------------------------------------------- */

static weft_str without_secrets(struct weft__redact *r, weft_str text, weft_arena *arena)
{
	static const weft_str instead = WEFT_STR(WEFT__REDACTED);
	weft_str out = { 0 };
	struct weft__buf b;
	struct place p;
	size_t at = 0;

	if (!find(r, text, 0, &p))
		return text;
	b = weft__buf_begin(arena, text.len_bytes + instead.len_bytes);
	do {
		weft__buf_put(&b, (weft_str){ text.ptr + at, p.from - at });
		weft__buf_put(&b, instead);
		at = p.to;
		weft__fetch_add_relaxed(&r->found, 1); /* relaxed: statistics */
	} while (find(r, text, at, &p));
	weft__buf_put(&b, (weft_str){ text.ptr + at, text.len_bytes - at });
	(void)weft__buf_end(&b, &out); /* out of memory: empty */
	return out;
}

weft_str weft__redact(struct weft__redact *r, weft_str text, weft_arena *arena)
{
	if (!text.len_bytes)
		return text;
	text = without_secrets(r, text, arena);
	return r->host && text.len_bytes ? r->host(text, arena, r->host_user) : text;
}
