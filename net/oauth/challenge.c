/* SPDX-License-Identifier: Apache-2.0 */
/*
 * net/oauth/challenge.c - see challenge.h. A comma may part two parameters or two challenges; a word with a
 * '=' behind it is a parameter, one without begins a challenge. What cannot be read ends the reading of its
 * field; what was read counts.
 */
#include "net/oauth/challenge.h"

#include <string.h>

#include "net/http/chars.h"

struct reader {
	const char *at, *end;
};

static void skip(struct reader *r, const char *among)
{
	while (r->at < r->end && strchr(among, *r->at) && *r->at)
		r->at++;
}

static weft_str word(struct reader *r)
{
	const char *from = r->at;

	r->at = (const char *)weft__chars_end((const uint8_t *)r->at, (const uint8_t *)r->end,
	                                      WEFT__CHAR_TOKEN);
	return (weft_str){from, (size_t)(r->at - from)};
}

/*
 * A quoted value without its quotes and backslashes. The length it has; SIZE_MAX: it does not end. What does
 * not fit is left out.
 */
static size_t quoted(struct reader *r, char *to, size_t room)
{
	size_t n = 0;

	for (r->at++; r->at < r->end && *r->at != '"'; r->at++, n++) {
		if (*r->at == '\\' && r->end - r->at > 1)
			r->at++;
		if (n < room)
			to[n] = *r->at;
	}
	if (r->at == r->end)
		return SIZE_MAX;
	r->at++;
	return n;
}

/* False: it does not end. *ret_len more than room: it did not fit. */
static bool value(struct reader *r, char *to, size_t room, size_t *ret_len)
{
	weft_str plain;

	if (r->at < r->end && *r->at == '"') {
		*ret_len = quoted(r, to, room);
		return *ret_len != SIZE_MAX;
	}
	plain = word(r);
	*ret_len = plain.len_bytes;
	if (plain.len_bytes <= room)
		memcpy(to, plain.ptr, plain.len_bytes);
	return true;
}

static void keep(char *to, size_t room, const char *text, size_t len)
{
	if (*to || !len || len >= room || memchr(text, '\0', len))
		return; /* the first one counts */
	memcpy(to, text, len);
	to[len] = '\0';
}

static void parameter(struct weft__oauth_challenge *c, weft_str name, const char *text, size_t len)
{
	if (weft__http_name_eq(name, WEFT_STR("resource_metadata")))
		keep(c->resource_metadata, sizeof(c->resource_metadata), text, len);
	else if (weft__http_name_eq(name, WEFT_STR("scope")) &&
	         weft__oauth_scope_is_valid((weft_str){text, len}))
		keep(c->scope, sizeof(c->scope), text, len);
	else if (weft__http_name_eq(name, WEFT_STR("error")) &&
	         weft__oauth_scope_is_valid((weft_str){text, len}))
		keep(c->error, sizeof(c->error), text, len);
}

/* One field. True: its Bearer challenge was read. */
static bool read_field(weft_str field, struct weft__oauth_challenge *c)
{
	struct reader r = {field.ptr, field.ptr + field.len_bytes};
	char text[WEFT__OAUTH_URL_BYTES_MAX > WEFT__OAUTH_SCOPE_BYTES_MAX ? WEFT__OAUTH_URL_BYTES_MAX
	                                                                  : WEFT__OAUTH_SCOPE_BYTES_MAX];
	bool ours = false;

	while (skip(&r, ", \t"), r.at < r.end) {
		weft_str name = word(&r);
		struct reader before = r;
		size_t len;

		if (!name.len_bytes)
			break;
		skip(&r, " \t");
		if (r.at == r.end || *r.at != '=') { /* a scheme */
			if (ours)
				break; /* the next one */
			r = before;
			ours = c->is_bearer = weft__http_name_eq(name, WEFT_STR("Bearer"));
			continue;
		}
		r.at++;
		skip(&r,
		     "= \t"); /* more of them: the padding of a token68, which belongs to no scheme of ours */
		if (!value(&r, text, sizeof(text), &len))
			break;
		if (ours && len <= sizeof(text))
			parameter(c, name, text, len);
	}
	return ours;
}

void weft__oauth_challenge_read(const struct weft__http_field *fields, uint32_t n,
                                struct weft__oauth_challenge *ret)
{
	memset(ret, 0, sizeof(*ret));
	for (uint32_t i = 0; i < n; i++) {
		if (weft__http_name_eq(fields[i].name, WEFT_STR("WWW-Authenticate")) &&
		    read_field(fields[i].value, ret))
			return;
	}
}
