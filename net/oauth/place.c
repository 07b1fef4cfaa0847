/* SPDX-License-Identifier: Apache-2.0 */
/*
 * net/oauth/place.c - see place.h. RFC 8414 and RFC 9728 put the well-known part between host and path;
 * OpenID puts it behind.
 */
#include "net/oauth/place.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "net/http/message.h"
#include "net/oauth/challenge.h"

static bool host_is_loopback(const struct weft__url *url)
{
	char text[INET6_ADDRSTRLEN];
	struct in_addr v4;
	struct in6_addr v6;

	if (weft__http_name_eq(url->host, WEFT_STR("localhost")))
		return true;
	if (url->host.len_bytes >= sizeof(text))
		return false;
	memcpy(text, url->host.ptr, url->host.len_bytes);
	text[url->host.len_bytes] = '\0';
	if (url->ipv6)
		return inet_pton(AF_INET6, text, &v6) == 1 && IN6_IS_ADDR_LOOPBACK(&v6);
	return inet_pton(AF_INET, text, &v4) == 1 && ntohl(v4.s_addr) >> 24 == 127;
}

bool weft__oauth_is_loopback(weft_str text)
{
	struct weft__url url;

	return weft__url_parse(text, &url, NULL) == 0 && host_is_loopback(&url);
}

int weft__oauth_allowed(weft_str text, bool loopback, const char *what, weft_error *err)
{
	struct weft__url url;

	if (text.len_bytes >= WEFT__OAUTH_URL_BYTES_MAX || weft__url_parse(text, &url, NULL) < 0)
		return weft_error_set(err, -EACCES, "%s is not an address that can be asked", what);
	if (memchr(text.ptr, '#', text.len_bytes))
		return weft_error_set(err, -EACCES, "%s has a fragment", what);
	if (!url.tls && !(loopback && host_is_loopback(&url)))
		return weft_error_set(
		        err, -EACCES,
		        "%s is not https (http is for this host alone, when the server is on it)", what);
	return 0;
}

/* The path without query; "" for a lone slash. */
static weft_str path_of(const struct weft__url *url)
{
	const char *query = url->path_query.len_bytes
	                            ? memchr(url->path_query.ptr, '?', url->path_query.len_bytes)
	                            : NULL;
	weft_str path = url->path_query;

	if (query)
		path.len_bytes = (size_t)(query - path.ptr);
	if (path.len_bytes == 1)
		path.len_bytes = 0;
	return path;
}

static int lower(char *text, int n, size_t room)
{
	if (n < 0 || (size_t)n >= room)
		return -E2BIG;
	for (; *text; text++) {
		if (*text >= 'A' && *text <= 'Z')
			*text = (char)(*text + 32);
	}
	return 0;
}

static int origin(const struct weft__url *url, char *to, size_t room)
{
	bool usual = url->port == (url->tls ? 443 : 80);
	const char *open = url->ipv6 ? "[" : "", *close = url->ipv6 ? "]" : "";
	char port[8] = "";

	if (!usual)
		snprintf(port, sizeof(port), ":%u", (unsigned)url->port);
	return lower(to,
	             snprintf(to, room, "%s://%s%.*s%s%s", url->tls ? "https" : "http", open,
	                      WEFT_STR_ARG(url->host), close, port),
	             room);
}

int weft__oauth_origin(weft_str text, char *to, size_t room)
{
	struct weft__url url;

	return weft__url_parse(text, &url, NULL) < 0 ? -EINVAL : origin(&url, to, room);
}

/* origin + before + path + behind */
static int join(const struct weft__url *url, const char *before, weft_str path, const char *behind, char *to,
                size_t room)
{
	int r = origin(url, to, room);
	size_t n = r < 0 ? 0 : strlen(to);

	if (r < 0)
		return r;
	r = snprintf(to + n, room - n, "%s%.*s%s", before, (int)path.len_bytes,
	             path.len_bytes ? path.ptr : "", behind);
	return r < 0 || (size_t)r >= room - n ? -E2BIG : 0;
}

int weft__oauth_place_of_resource(weft_str server, uint32_t n, char *to, size_t room)
{
	static const char known[] = "/.well-known/oauth-protected-resource";
	struct weft__url url;
	weft_str path;

	if (weft__url_parse(server, &url, NULL) < 0)
		return -EINVAL;
	path = path_of(&url);
	if (n == 0)
		return join(&url, known, path, "", to, room);
	return n == 1 && path.len_bytes ? join(&url, known, (weft_str){0}, "", to, room) : -ENOENT;
}

int weft__oauth_place_of_issuer(weft_str issuer, uint32_t n, char *to, size_t room)
{
	static const char oauth[] = "/.well-known/oauth-authorization-server",
	                  openid[] = "/.well-known/openid-configuration";
	struct weft__url url;
	weft_str path;

	if (weft__url_parse(issuer, &url, NULL) < 0)
		return -EINVAL;
	path = path_of(&url);
	if (path.len_bytes && path.ptr[path.len_bytes - 1] == '/')
		path.len_bytes--;
	if (n < 2)
		return join(&url, n ? openid : oauth, path, "", to, room);
	return n == 2 && path.len_bytes ? join(&url, "", path, openid, to, room) : -ENOENT;
}

int weft__oauth_resource_of(weft_str server, char *to, size_t room)
{
	struct weft__url url;

	return weft__url_parse(server, &url, NULL) < 0 ? -EINVAL
	                                               : join(&url, "", path_of(&url), "", to, room);
}

bool weft__oauth_resource_covers(weft_str resource, weft_str server)
{
	struct weft__url a, b;
	weft_str above, path;

	if (weft__url_parse(resource, &a, NULL) < 0 || weft__url_parse(server, &b, NULL) < 0 ||
	    !weft__url_same_origin(&a, &b) || memchr(resource.ptr, '#', resource.len_bytes))
		return false;
	above = path_of(&a);
	path = path_of(&b);
	if (above.len_bytes && above.ptr[above.len_bytes - 1] == '/')
		above.len_bytes--; /* "/a/" holds "/a/b", and "/a" for those who do not look */
	return above.len_bytes <= path.len_bytes &&
	       (!above.len_bytes || !memcmp(above.ptr, path.ptr, above.len_bytes)) &&
	       (above.len_bytes == path.len_bytes || path.ptr[above.len_bytes] == '/');
}

static weft_str without_lone_slash(weft_str issuer)
{
	struct weft__url url;

	if (weft__url_parse(issuer, &url, NULL) == 0 && url.path_query.len_bytes == 1 &&
	    *url.path_query.ptr == '/')
		issuer.len_bytes--;
	return issuer;
}

bool weft__oauth_issuer_eq(weft_str a, weft_str b)
{
	return weft_str_eq(without_lone_slash(a), without_lone_slash(b));
}
