/* SPDX-License-Identifier: Apache-2.0 */
/* net/http/url.c - an address taken apart from left to right; each part says what is wrong with it. */
#include "net/http/url.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

#include "net/http/chars.h"
#include "net/http/message.h"

#define HOST_BYTES_MAX 255u

static int refuse(weft_error *err, const char *why)
{
	return weft_error_set(err, -EINVAL, "address: %s", why);
}

static bool has_non_ascii(weft_str s)
{
	for (size_t i = 0; i < s.len_bytes; i++) {
		if ((uint8_t)s.ptr[i] >= 0x80)
			return true;
	}
	return false;
}

static const char *find(weft_str s, char c)
{
	return s.len_bytes ? memchr(s.ptr, c, s.len_bytes) : NULL;
}

/* "http://" or "https://" taken off. */
static int take_scheme(weft_str *text, struct weft__url *url, weft_error *err)
{
	const char *colon = find(*text, ':');
	weft_str scheme = { text->ptr, colon ? (size_t)(colon - text->ptr) : 0 };

	if (!colon || text->len_bytes - scheme.len_bytes < 3 || memcmp(colon, "://", 3))
		return refuse(err, "no http:// or https:// in front");
	url->tls = weft__http_name_eq(scheme, WEFT_STR("https"));
	if (!url->tls && !weft__http_name_eq(scheme, WEFT_STR("http")))
		return weft_error_set(err, -EPROTONOSUPPORT, "address: only http and https, not %.*s",
		                      scheme.len_bytes < 20 ? (int)scheme.len_bytes : 20, scheme.ptr);
	text->ptr += scheme.len_bytes + 3;
	text->len_bytes -= scheme.len_bytes + 3;
	return 0;
}

/* Up to the first of "/?#" taken off. */
static weft_str take_authority(weft_str *text)
{
	weft_str authority = { text->ptr, 0 };

	while (authority.len_bytes < text->len_bytes && !memchr("/?#", text->ptr[authority.len_bytes], 3))
		authority.len_bytes++;
	text->ptr += authority.len_bytes;
	text->len_bytes -= authority.len_bytes;
	return authority;
}

static int set_ipv6(struct weft__url *url, weft_str literal, weft_error *err)
{
	char text[INET6_ADDRSTRLEN];
	struct in6_addr address;

	if (find(literal, '%'))
		return refuse(err, "a zone in an IPv6 address");
	if (!literal.len_bytes || literal.len_bytes >= sizeof(text))
		return refuse(err, "the IPv6 address is not well-formed");
	memcpy(text, literal.ptr, literal.len_bytes);
	text[literal.len_bytes] = '\0';
	if (strlen(text) != literal.len_bytes || inet_pton(AF_INET6, text, &address) != 1)
		return refuse(err, "the IPv6 address is not well-formed");
	url->host = literal;
	url->ipv6 = true;
	return 0;
}

static int set_name(struct weft__url *url, weft_str name, weft_error *err)
{
	const uint8_t *at = (const uint8_t *)name.ptr, *stop = at + name.len_bytes;

	if (!name.len_bytes)
		return refuse(err, "no host");
	if (has_non_ascii(name))
		return refuse(err, "the host is not ASCII; write its xn-- form");
	if (name.len_bytes > HOST_BYTES_MAX)
		return refuse(err, "the host is too long");
	if (weft__chars_end(at, stop, WEFT__CHAR_HOST) != stop)
		return refuse(err, "a character in the host that cannot be in one");
	url->host = name;
	return 0;
}

/* An empty one (":") is as none, says RFC 3986. */
static int set_port(struct weft__url *url, weft_str digits, weft_error *err)
{
	uint64_t port = url->tls ? 443 : 80;

	if (digits.len_bytes && (!weft__http_number(digits, &port) || !port || port > UINT16_MAX))
		return refuse(err, "the port is not a number from 1 to 65535");
	url->port = (uint16_t)port;
	return 0;
}

static int set_authority(struct weft__url *url, weft_str authority, weft_error *err)
{
	const char *end = authority.ptr + authority.len_bytes, *host = authority.ptr, *host_end, *port;
	int r;

	if (find(authority, '@'))
		return refuse(err, "a user name or password; give it as a field");
	url->authority = authority;
	if (authority.len_bytes && *host == '[') {
		host_end = find(authority, ']');
		if (!host_end)
			return refuse(err, "the IPv6 address is not well-formed");
		r = set_ipv6(url, (weft_str){ host + 1, (size_t)(host_end - host) - 1 }, err);
		host_end++;
	} else {
		host_end = find(authority, ':');
		host_end = host_end ? host_end : end;
		r = set_name(url, (weft_str){ host, (size_t)(host_end - host) }, err);
	}
	if (r < 0)
		return r;
	if (host_end < end && *host_end != ':')
		return refuse(err, "something other than a port behind the host");
	port = host_end < end ? host_end + 1 : end;
	if (port == end)
		url->authority.len_bytes = (size_t)(host_end - host);
	return set_port(url, (weft_str){ port, (size_t)(end - port) }, err);
}

/* Each '%' stands before two hexadecimal digits. */
static bool escapes_are_whole(weft_str s)
{
	for (size_t i = 0; i < s.len_bytes; i++) {
		if (s.ptr[i] == '%' && (s.len_bytes - i < 3 || weft__hex_digit((uint8_t)s.ptr[i + 1]) < 0 ||
		                        weft__hex_digit((uint8_t)s.ptr[i + 2]) < 0))
			return false;
	}
	return true;
}

static int set_path(struct weft__url *url, weft_str rest, weft_error *err)
{
	const char *fragment = find(rest, '#');
	const uint8_t *at = (const uint8_t *)rest.ptr;

	if (fragment)
		rest.len_bytes = (size_t)(fragment - rest.ptr);
	if (rest.len_bytes && weft__chars_end(at, at + rest.len_bytes, WEFT__CHAR_PATH) != at + rest.len_bytes)
		return refuse(err, has_non_ascii(rest) ? "the path is not ASCII; write it percent-encoded" :
		                                         "a character in the path that has to be percent-encoded");
	if (!escapes_are_whole(rest))
		return refuse(err, "a '%' without two hexadecimal digits");
	url->path_query = rest;
	return 0;
}

int weft__url_parse(weft_str text, struct weft__url *ret, weft_error *err)
{
	struct weft__url url = { .port = 0 };
	int r;

	if (text.len_bytes > WEFT__URL_BYTES_MAX)
		return refuse(err, "too long");
	r = take_scheme(&text, &url, err);
	if (r == 0)
		r = set_authority(&url, take_authority(&text), err);
	if (r == 0)
		r = set_path(&url, text, err);
	if (r == 0)
		*ret = url;
	return r;
}

bool weft__url_same_origin(const struct weft__url *a, const struct weft__url *b)
{
	return a->tls == b->tls && a->port == b->port && weft__http_name_eq(a->host, b->host);
}
