/* SPDX-License-Identifier: Apache-2.0 */
/* net/http/proxy.c - proxies out of text, and who needs none. See proxy.h. */
#include "net/http/proxy.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <weft/alloc.h>

#include "net/dns/address.h"
#include "net/http/message.h"

/* ---- small things about text --------------------------------------------------------------------- */

static weft_str part(weft_str s, size_t from, size_t until)
{
	return (weft_str){s.ptr + from, until - from};
}

static size_t find(weft_str s, char c)
{
	const char *at = s.len_bytes ? memchr(s.ptr, c, s.len_bytes) : NULL;

	return at ? (size_t)(at - s.ptr) : s.len_bytes;
}

static size_t find_last(weft_str s, char c)
{
	const char *at = s.len_bytes ? memrchr(s.ptr, c, s.len_bytes) : NULL;

	return at ? (size_t)(at - s.ptr) : s.len_bytes;
}

static bool begins(weft_str s, const char *with)
{
	size_t len = strlen(with);

	return s.len_bytes >= len && strncasecmp(s.ptr, with, len) == 0;
}

/* ---- user and password ------------------------------------------------------------------------------ */

static int hex(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* In place of %xx the byte it stands for. The length, or -1: not a text of that kind. */
static int percent_decode(weft_str text, char *to)
{
	int n = 0;

	for (size_t i = 0; i < text.len_bytes; i++) {
		char c = text.ptr[i];

		if (c == '%') {
			int high = i + 2 < text.len_bytes ? hex(text.ptr[i + 1]) : -1;
			int low = i + 2 < text.len_bytes ? hex(text.ptr[i + 2]) : -1;

			if (high < 0 || low < 0)
				return -1;
			c = (char)(high << 4 | low);
			i += 2;
		}
		if ((unsigned char)c < ' ' || c == 0x7f)
			return -1;
		to[n++] = c;
	}
	return n;
}

static void base64(const unsigned char *from, size_t len, char *to)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

	for (size_t i = 0; i < len; i += 3) {
		uint32_t left = (uint32_t)(len - i);
		uint32_t word = (uint32_t)from[i] << 16 | (left > 1 ? (uint32_t)from[i + 1] << 8 : 0) |
		                (left > 2 ? from[i + 2] : 0);

		*to++ = digits[word >> 18];
		*to++ = digits[word >> 12 & 63];
		*to++ = left > 1 ? digits[word >> 6 & 63] : '=';
		*to++ = left > 2 ? digits[word & 63] : '=';
	}
	*to = '\0';
}

#define BASIC "Basic "

/* "user:password" to what Proxy-Authorization says. The first colon parts them, and one is needed. */
static int authorize(weft_str userinfo, char **ret, weft_error *err)
{
	size_t room = userinfo.len_bytes + 2;
	char *plain = weft_malloc(room);
	char *value = weft_malloc(sizeof(BASIC) + (room + 2) / 3 * 4);
	int n, r = 0;

	if (!plain || !value) {
		r = weft_error_set(err, -ENOMEM, "no memory for a proxy");
		goto out;
	}
	n = percent_decode(userinfo, plain);
	if (n < 0) {
		r = weft_error_set(err, -EINVAL, "user or password of the proxy is not percent-encoded text");
		goto out;
	}
	if (!memchr(plain, ':', (size_t)n))
		plain[n++] = ':';
	memcpy(value, BASIC, sizeof(BASIC) - 1);
	base64((const unsigned char *)plain, (size_t)n, value + sizeof(BASIC) - 1);
	*ret = value;
	value = NULL;
out:
	if (plain)
		explicit_bzero(plain, room);
	weft_free(plain);
	weft_free(value);
	return r;
}

/* ---- a proxy's address --------------------------------------------------------------------------------- */

void weft__proxy_fini(struct weft__proxy *proxy)
{
	weft_free(proxy->host);
	if (proxy->authorization)
		explicit_bzero(proxy->authorization, strlen(proxy->authorization));
	weft_free(proxy->authorization);
	*proxy = (struct weft__proxy){0};
}

/* The scheme off; a path behind it is nothing to a proxy. */
static int strip(weft_str *text, weft_error *err)
{
	size_t slashes = 0;

	if (begins(*text, "http://"))
		slashes = 7;
	else
		for (size_t i = 0; i + 2 < text->len_bytes && !slashes; i++) {
			if (memcmp(text->ptr + i, "://", 3) == 0)
				return weft_error_set(err, -EPROTONOSUPPORT,
				                      "the proxy is %.*s: only http proxies are known",
				                      (int)(i < 16 ? i : 16), text->ptr);
		}
	*text = part(*text, slashes, text->len_bytes);
	*text = part(*text, 0, find(*text, '/'));
	return 0;
}

/* Brackets, port and all that are url.c's business. */
static int take_host(weft_str authority, struct weft__proxy *ret, weft_error *err)
{
	char text[512];
	struct weft__url url;
	int len = snprintf(text, sizeof(text), "http://%.*s/", WEFT_STR_ARG(authority));
	int r = -EINVAL;

	if (authority.len_bytes && len < (int)sizeof(text))
		r = weft__url_parse((weft_str){text, (size_t)len}, &url, NULL);
	if (r < 0)
		return weft_error_set(err, -EINVAL, "the proxy's address is not host:port");
	ret->port = url.port;
	ret->host = weft_strndup(url.host.ptr, url.host.len_bytes);
	return ret->host ? 0 : weft_error_set(err, -ENOMEM, "no memory for a proxy");
}

int weft__proxy_parse(weft_str text, struct weft__proxy *ret, weft_error *err)
{
	size_t at;
	int r = strip(&text, err);

	if (r < 0)
		return r;
	at = find_last(text, '@');
	if (at < text.len_bytes) {
		r = authorize(part(text, 0, at), &ret->authorization, err);
		at++;
	} else {
		at = 0;
	}
	if (r == 0)
		r = take_host(part(text, at, text.len_bytes), ret, err);
	if (r < 0)
		weft__proxy_fini(ret);
	return r;
}

/* ---- the environment --------------------------------------------------------------------------------------- */

/* NULL: not set, or empty, which says the same. */
static const char *read_one(char *(*get)(const char *name), const char *small, const char *capitals)
{
	const char *value = get(small);

	if ((!value || !*value) && capitals)
		value = get(capitals);
	return value && *value ? value : NULL;
}

static int read_proxy(struct weft__proxies *p, struct weft__proxy *ret, const char *value, const char *name)
{
	weft_error err = {0};
	char text[sizeof(err.message) + 32];
	int r;

	if (!value)
		return 0;
	r = weft__proxy_parse(weft_str_from(value), ret, &err);
	if (r == 0 || r == -ENOMEM || p->wrong)
		return r == -ENOMEM ? r : 0;
	snprintf(text, sizeof(text), "%s: %s", name, err.message);
	p->wrong = weft_strndup(text, strlen(text));
	return p->wrong ? 0 : -ENOMEM;
}

int weft__proxies_read(struct weft__proxies *proxies, char *(*get)(const char *name))
{
	const char *all = read_one(get, "all_proxy", "ALL_PROXY");
	const char *https = read_one(get, "https_proxy", "HTTPS_PROXY");
	const char *http = read_one(get, "http_proxy", get("REQUEST_METHOD") ? NULL : "HTTP_PROXY");
	const char *no_proxy = read_one(get, "no_proxy", "NO_PROXY");
	int r = read_proxy(proxies, &proxies->https, https ? https : all,
	                   https ? "HTTPS_PROXY" : "ALL_PROXY");

	if (r == 0)
		r = read_proxy(proxies, &proxies->http, http ? http : all, http ? "HTTP_PROXY" : "ALL_PROXY");
	if (r == 0 && no_proxy) {
		proxies->no_proxy = weft_strndup(no_proxy, strlen(no_proxy));
		r = proxies->no_proxy ? 0 : -ENOMEM;
	}
	return r;
}

void weft__proxies_fini(struct weft__proxies *proxies)
{
	weft__proxy_fini(&proxies->https);
	weft__proxy_fini(&proxies->http);
	weft_free(proxies->no_proxy);
	weft_free(proxies->wrong);
	*proxies = (struct weft__proxies){0};
}

/*
 * ---- who needs none
 * ----------------------------------------------------------------------------------------------
 */

static const uint8_t *bytes_of(const struct weft__address *a, uint32_t *ret_bits)
{
	*ret_bits = a->any.sa_family == AF_INET ? 32 : 128;
	return a->any.sa_family == AF_INET ? (const uint8_t *)&a->v4.sin_addr
	                                   : (const uint8_t *)&a->v6.sin6_addr;
}

/* "10.0.0.0/8" */
static bool range_has(weft_str range, const struct weft__address *host)
{
	struct weft__address net;
	size_t slash = find(range, '/');
	uint32_t bits_max;
	uint64_t bits;
	const uint8_t *a, *b;

	if (slash == range.len_bytes || !weft__address_parse(part(range, 0, slash), &net) ||
	    net.any.sa_family != host->any.sa_family)
		return false;
	a = bytes_of(&net, &bits_max);
	b = bytes_of(host, &bits_max);
	if (!weft__http_number(part(range, slash + 1, range.len_bytes), &bits) || bits > bits_max)
		return false;
	if (memcmp(a, b, bits / 8) != 0)
		return false;
	return bits % 8 == 0 || ((a[bits / 8] ^ b[bits / 8]) >> (8 - bits % 8)) == 0;
}

static bool same_address(const struct weft__address *a, const struct weft__address *b)
{
	uint32_t bits, bits_b;
	const uint8_t *bytes = bytes_of(a, &bits), *bytes_b = bytes_of(b, &bits_b);

	return bits == bits_b && memcmp(bytes, bytes_b, bits / 8) == 0;
}

/* Itself, or a name below it. */
static bool name_covers(weft_str name, weft_str host)
{
	size_t before;

	if (name.len_bytes && name.ptr[0] == '*')
		name = part(name, 1, name.len_bytes);
	if (name.len_bytes && name.ptr[0] == '.')
		name = part(name, 1, name.len_bytes);
	if (!name.len_bytes || host.len_bytes < name.len_bytes)
		return false;
	before = host.len_bytes - name.len_bytes;
	return strncasecmp(host.ptr + before, name.ptr, name.len_bytes) == 0 &&
	       (before == 0 || host.ptr[before - 1] == '.');
}

/*
 * "host:80", "[::1]:80": the port off. False: it is for another port. An IPv6 address without brackets has
 * none.
 */
static bool take_port(weft_str *item, uint16_t port)
{
	size_t colon = find_last(*item, ':');
	uint64_t wanted;
	bool bracketed = item->len_bytes && item->ptr[0] == '[';

	if (bracketed) {
		size_t close = find(*item, ']');

		if (close + 1 < item->len_bytes && item->ptr[close + 1] == ':' &&
		    (!weft__http_number(part(*item, close + 2, item->len_bytes), &wanted) || wanted != port))
			return false;
		*item = part(*item, 1, close);
		return true;
	}
	if (colon == item->len_bytes || find(*item, ':') != colon)
		return true;
	if (!weft__http_number(part(*item, colon + 1, item->len_bytes), &wanted) || wanted != port)
		return false;
	*item = part(*item, 0, colon);
	return true;
}

static bool item_covers(weft_str item, weft_str host, const struct weft__address *address, uint16_t port)
{
	struct weft__address wanted;

	if (weft_str_eq(item, WEFT_STR("*")))
		return true;
	if (!take_port(&item, port))
		return false;
	if (!address)
		return name_covers(item, host);
	return range_has(item, address) ||
	       (weft__address_parse(item, &wanted) && same_address(&wanted, address));
}

static bool is_separator(char c)
{
	return c == ',' || c == ' ' || c == '\t';
}

static weft_str without_dot(weft_str host)
{
	return host.len_bytes > 1 && host.ptr[host.len_bytes - 1] == '.' ? part(host, 0, host.len_bytes - 1)
	                                                                 : host;
}

bool weft__no_proxy_has(weft_str list, weft_str host, uint16_t port)
{
	struct weft__address address;
	bool numeric = weft__address_parse(host, &address);
	size_t i = 0;

	host = without_dot(host);
	while (i < list.len_bytes) {
		size_t from;

		while (i < list.len_bytes && is_separator(list.ptr[i]))
			i++;
		from = i;
		while (i < list.len_bytes && !is_separator(list.ptr[i]))
			i++;
		if (i > from && item_covers(part(list, from, i), host, numeric ? &address : NULL, port))
			return true;
	}
	return false;
}

const struct weft__proxy *weft__proxies_for(const struct weft__proxies *proxies, const struct weft__url *url)
{
	const struct weft__proxy *proxy = url->tls ? &proxies->https : &proxies->http;

	if (!proxy->host || weft__no_proxy_has(WEFT_STR("localhost 127.0.0.0/8 ::1"), url->host, url->port))
		return NULL;
	if (proxies->no_proxy && weft__no_proxy_has(weft_str_from(proxies->no_proxy), url->host, url->port))
		return NULL;
	return proxy;
}
