/* SPDX-License-Identifier: Apache-2.0 */
/*
 * net/http/url.h - http and https addresses in their parts (RFC 3986), nothing decoded.
 *
 * What would have to be guessed is refused, with a text: a user name in the address, a host that is not ASCII
 * (write its xn-- form), blanks and other bytes that belong percent-encoded, a zone in an IPv6 literal.
 */
#ifndef WEFT_NET_HTTP_URL_H
#define WEFT_NET_HTTP_URL_H

#include <weft/base.h>
#include <weft/error.h>

#define WEFT__URL_BYTES_MAX (16u << 10)

/* Parts of the caller's text, as long as that lives. */
struct weft__url {
	weft_str host;       /* a name, an IPv4 address, or an IPv6 one without its brackets; not empty, at most 255 bytes */
	weft_str authority;  /* host and port as written: what goes into the field Host */
	weft_str path_query; /* without the fragment: "", "/p?q", or "?q"; see weft__url_target_slash */
	uint16_t port;       /* as given, else 80 or 443 */
	bool tls;            /* https */
	bool ipv6;           /* host is an IPv6 literal */
};

/* 0, -EINVAL (not an address; the message says why) or -EPROTONOSUPPORT (another scheme). err may be NULL. */
int weft__url_parse(weft_str text, struct weft__url *ret, weft_error *err);

/* Does a request's target need a "/" before path_query? */
static inline bool weft__url_target_slash(const struct weft__url *url)
{
	return !url->path_query.len_bytes || url->path_query.ptr[0] != '/';
}

/* Same scheme, host (case aside) and port: may share connections. */
bool weft__url_same_origin(const struct weft__url *a, const struct weft__url *b);

#endif
