/* SPDX-License-Identifier: Apache-2.0 */
/*
 * net/http/proxy.h - which proxy a request goes through, if any.
 *
 * By the customs of the environment: HTTPS_PROXY and HTTP_PROXY by the scheme of the request, ALL_PROXY for
 * both, NO_PROXY against them; in small letters first. HTTP_PROXY in capitals is not heeded where
 * REQUEST_METHOD is set: there a request's field "Proxy" could have become that variable. The host itself
 * (localhost, 127.0.0.0/8, ::1) is never reached through a proxy of the environment.
 *
 * A password in a proxy's address is kept as the field that sends it, and told to nobody else.
 */
#ifndef WEFT_NET_HTTP_PROXY_H
#define WEFT_NET_HTTP_PROXY_H

#include "net/http/url.h"

struct weft__proxy {
	char *host;          /* owned; a name or an address, without brackets */
	char *authorization; /* owned: the value of Proxy-Authorization; NULL: none. Secret */
	uint16_t port;
};

/*
 * "http://[user:password@]host[:port]", also without "http://"; the default port is 80. 0, -EINVAL,
 * -EPROTONOSUPPORT (https and socks proxies), -ENOMEM; the message has no user and no password. Begins with a
 * zeroed proxy.
 */
int weft__proxy_parse(weft_str text, struct weft__proxy *ret, weft_error *err);
void weft__proxy_fini(struct weft__proxy *proxy);

/* What the environment says, read once. */
struct weft__proxies {
	struct weft__proxy https, http; /* host NULL: none */
	char *no_proxy;                 /* owned; NULL: none */
	char *wrong;                    /* owned: a variable that makes no sense; NULL: none. For the log */
};

/* getenv in all but tests. 0 or -ENOMEM. A proxy that makes no sense is none. */
int weft__proxies_read(struct weft__proxies *proxies, char *(*get)(const char *name));
void weft__proxies_fini(struct weft__proxies *proxies);

/* The proxy for this address; NULL: straight. */
const struct weft__proxy *weft__proxies_for(const struct weft__proxies *proxies, const struct weft__url *url);

/*
 * Is that host in a NO_PROXY list? Items are parted by commas or blanks: a name (itself and all below it; a
 * dot or "*." in front makes no difference), an address, a range of addresses ("10.0.0.0/8"), each with a
 * port or without; "*" is everything.
 */
bool weft__no_proxy_has(weft_str list, weft_str host, uint16_t port);

#endif
