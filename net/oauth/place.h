/* SPDX-License-Identifier: Apache-2.0 */
/*
 * net/oauth/place.h - where metadata stands, and which addresses may be asked at all.
 *
 *   server  https://h/mcp  ->  https://h/.well-known/oauth-protected-resource/mcp
 *                              https://h/.well-known/oauth-protected-resource
 *   issuer  https://a/t    ->  https://a/.well-known/oauth-authorization-server/t
 *                              https://a/.well-known/openid-configuration/t
 *                              https://a/t/.well-known/openid-configuration
 *
 * Addresses come from servers. They are https; http only on this host, and only when the server itself is
 * asked on this host: else a server far away could have us ask what listens here.
 */
#ifndef WEFT_NET_OAUTH_PLACE_H
#define WEFT_NET_OAUTH_PLACE_H

#include "net/http/url.h"

/* Is its host localhost, 127.x.x.x or ::1? */
bool weft__oauth_is_loopback(weft_str url);

/* May this address be asked? what names it in err. 0, or -EACCES. */
int weft__oauth_allowed(weft_str url, bool loopback, const char *what, weft_error *err);

/* The n-th place to look at. 0, -ENOENT (no more), -EINVAL (the address is none), -E2BIG. */
int weft__oauth_place_of_resource(weft_str server, uint32_t n, char *to, size_t room);
int weft__oauth_place_of_issuer(weft_str issuer, uint32_t n, char *to, size_t room);

/*
 * "scheme://host:port" of an address, in lower case, without the port that goes without saying. 0, -EINVAL,
 * -E2BIG.
 */
int weft__oauth_origin(weft_str url, char *to, size_t room);

/*
 * The address as a resource is named (RFC 8707): its origin and path, no query, no lone slash. 0, -EINVAL,
 * -E2BIG.
 */
int weft__oauth_resource_of(weft_str server, char *to, size_t room);

/*
 * Does a resource of that name hold the server: the same origin, and a path that is the server's or a folder
 * above it?
 */
bool weft__oauth_resource_covers(weft_str resource, weft_str server);

/* The same issuer? Byte by byte, but for a slash that stands for an empty path. */
bool weft__oauth_issuer_eq(weft_str a, weft_str b);

#endif
