/* SPDX-License-Identifier: Apache-2.0 */
/* net/oauth/redirect.c - see redirect.h. Nothing of it is looked at before its state is the right one. */
#include "net/oauth/redirect.h"

#include <errno.h>
#include <string.h>

#include "net/http/chars.h"

#define REDIRECT_BYTES_MAX (16u << 10)

struct parts {
	struct weft__secret code, state, issuer, error;
	bool has_code, has_state, has_issuer, has_error;
};

static void parts_fini(struct parts *p)
{
	weft__secret_fini(&p->code);
	weft__secret_fini(&p->state);
	weft__secret_fini(&p->issuer);
	weft__secret_fini(&p->error);
}

static weft_str query_of(weft_str redirect)
{
	const char *hash = redirect.len_bytes ? memchr(redirect.ptr, '#', redirect.len_bytes) : NULL;
	size_t len = hash ? (size_t)(hash - redirect.ptr) : redirect.len_bytes;
	const char *mark = len ? memchr(redirect.ptr, '?', len) : NULL;

	return mark ? (weft_str){mark + 1, len - (size_t)(mark + 1 - redirect.ptr)}
	            : (weft_str){redirect.ptr, len};
}

/* A value of a form decoded: '+' is a blank. False: a '%' without two digits, or a NUL. */
static bool decode(weft_str value, struct weft__secret *to)
{
	for (size_t i = 0; i < value.len_bytes; i++) {
		char c = value.ptr[i] == '+' ? ' ' : value.ptr[i];

		if (c == '%') {
			int high = value.len_bytes - i > 2 ? weft__hex_digit((uint8_t)value.ptr[i + 1]) : -1;
			int low = value.len_bytes - i > 2 ? weft__hex_digit((uint8_t)value.ptr[i + 2]) : -1;

			if (high < 0 || low < 0)
				return false;
			c = (char)(high << 4 | low);
			i += 2;
		}
		if (!c)
			return false;
		weft__secret_put(to, (weft_str){&c, 1});
	}
	return true;
}

/* "name=value". False: one of ours that came before, or is not well-formed. */
static bool part_take(struct parts *p, weft_str pair)
{
	const struct {
		const char *name;
		struct weft__secret *to;
		bool *has;
	} ours[] = {{"code", &p->code, &p->has_code},
	            {"state", &p->state, &p->has_state},
	            {"iss", &p->issuer, &p->has_issuer},
	            {"error", &p->error, &p->has_error}};
	const char *equals = pair.len_bytes ? memchr(pair.ptr, '=', pair.len_bytes) : NULL;
	weft_str name = {pair.ptr, equals ? (size_t)(equals - pair.ptr) : pair.len_bytes};

	for (size_t i = 0; equals && i < sizeof(ours) / sizeof(ours[0]); i++) {
		if (!weft_str_eq(name, weft_str_from(ours[i].name)))
			continue;
		if (*ours[i].has)
			return false;
		*ours[i].has = true;
		return decode((weft_str){equals + 1, pair.len_bytes - name.len_bytes - 1}, ours[i].to);
	}
	return true;
}

static bool parts_take(struct parts *p, weft_str query)
{
	while (query.len_bytes) {
		const char *and = memchr(query.ptr, '&', query.len_bytes);
		weft_str pair = {query.ptr, and? (size_t)(and-query.ptr) : query.len_bytes};

		if (!part_take(p, pair))
			return false;
		query.ptr += pair.len_bytes + (and? 1 : 0);
		query.len_bytes -= pair.len_bytes + (and? 1 : 0);
	}
	return true;
}

/* "access_denied" and the like, for an error text; what is anything else is not repeated. */
static const char *word_of(const struct weft__secret *error)
{
	const char *plain = "abcdefghijklmnopqrstuvwxyz_";

	return error->len && error->len < 40 && strspn(error->at, plain) == error->len
	               ? error->at
	               : "an error of its own";
}

static int judge(const struct parts *p, weft_str state, weft_str issuer, bool issuer_must_be, weft_error *err)
{
	if (!p->has_state || !weft__secret_eq(weft__secret_text(&p->state), state))
		return weft_error_set(err, -EINVAL, "the answer of the browser belongs to another question");
	if (p->has_issuer ? !weft_str_eq(weft__secret_text(&p->issuer), issuer) : issuer_must_be)
		return weft_error_set(
		        err, -EACCES,
		        "the answer of the browser is not from the authorization server that was asked");
	if (p->has_error)
		return weft_error_set(err, -EACCES, "the authorization was refused: %s", word_of(&p->error));
	if (!p->code.len)
		return weft_error_set(err, -EACCES, "the answer of the browser has no code");
	return 0;
}

int weft__oauth_redirect_read(weft_str redirect, weft_str state, weft_str issuer, bool issuer_must_be,
                              struct weft__secret *ret_code, weft_error *err)
{
	struct parts p = {0};
	int r;

	if (redirect.len_bytes > REDIRECT_BYTES_MAX)
		return weft_error_set(err, -EINVAL, "the answer of the browser is too long");
	if (!parts_take(&p, query_of(redirect)))
		r = weft_error_set(err, -EINVAL, "the answer of the browser is not well-formed");
	else if (p.code.failed || p.state.failed || p.issuer.failed || p.error.failed)
		r = weft_error_set(err, -ENOMEM, "out of memory");
	else
		r = judge(&p, state, issuer, issuer_must_be, err);
	if (r == 0) {
		*ret_code = p.code; /* ownership moved */
		p.code = (struct weft__secret){0};
	}
	parts_fini(&p);
	return r;
}
