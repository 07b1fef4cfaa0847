/* SPDX-License-Identifier: Apache-2.0 */
/* place: where metadata is looked for, in which order, and which addresses are not asked. */
#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

#include "net/oauth/place.h"

static char text[512];

static const char *resource(const char *server, uint32_t n)
{
	int r = weft__oauth_place_of_resource(weft_str_from(server), n, text, sizeof(text));

	return r == -ENOENT ? "none" : r < 0 ? "wrong" : text;
}

static const char *issuer(const char *of, uint32_t n)
{
	int r = weft__oauth_place_of_issuer(weft_str_from(of), n, text, sizeof(text));

	return r == -ENOENT ? "none" : r < 0 ? "wrong" : text;
}

Test(place, of_resource__path_inserted_then_root)
{
	cr_assert_str_eq(resource("https://h/public/mcp", 0), "https://h/.well-known/oauth-protected-resource/public/mcp");
	cr_assert_str_eq(resource("https://h/public/mcp", 1), "https://h/.well-known/oauth-protected-resource");
	cr_assert_str_eq(resource("https://h/public/mcp", 2), "none");
	cr_assert_str_eq(resource("https://H:8443/?q=1#f", 0), "https://h:8443/.well-known/oauth-protected-resource");
	cr_assert_str_eq(resource("https://h", 1), "none");
	cr_assert_str_eq(resource("ftp://h", 0), "wrong");
}

Test(place, of_issuer__three_with_a_path_and_two_without)
{
	cr_assert_str_eq(issuer("https://a/tenant1", 0), "https://a/.well-known/oauth-authorization-server/tenant1");
	cr_assert_str_eq(issuer("https://a/tenant1", 1), "https://a/.well-known/openid-configuration/tenant1");
	cr_assert_str_eq(issuer("https://a/tenant1", 2), "https://a/tenant1/.well-known/openid-configuration");
	cr_assert_str_eq(issuer("https://a/tenant1", 3), "none");
	cr_assert_str_eq(issuer("https://a/t/", 2), "https://a/t/.well-known/openid-configuration");
	cr_assert_str_eq(issuer("https://a/", 0), "https://a/.well-known/oauth-authorization-server");
	cr_assert_str_eq(issuer("https://a", 1), "https://a/.well-known/openid-configuration");
	cr_assert_str_eq(issuer("https://a", 2), "none");
	cr_assert_str_eq(issuer("http://[::1]:99/x", 0), "http://[::1]:99/.well-known/oauth-authorization-server/x");
}

Test(place, room__too_little_is_said)
{
	char small[20];

	cr_assert_eq(weft__oauth_place_of_issuer(WEFT_STR("https://a/tenant1"), 0, small, sizeof(small)), -E2BIG);
	cr_assert_eq(weft__oauth_origin(WEFT_STR("https://a-long-host.example"), small, sizeof(small)), -E2BIG);
}

static bool allowed(const char *url, bool loopback)
{
	return weft__oauth_allowed(weft_str_from(url), loopback, "it", NULL) == 0;
}

Test(place, allowed__https_or_this_host)
{
	char url[4096];

	cr_assert(allowed("https://a.example/x", false));
	cr_assert(allowed("https://127.0.0.1/x", false));
	cr_assert(!allowed("http://a.example/x", false));
	cr_assert(!allowed("http://a.example/x", true));
	cr_assert(!allowed("http://127.0.0.1/x", false), "a server far away must not have us ask this host");
	cr_assert(allowed("http://127.0.0.1:8/x", true));
	cr_assert(allowed("http://127.9.9.9/x", true));
	cr_assert(allowed("http://localhost/x", true));
	cr_assert(allowed("http://LOCALHOST/x", true));
	cr_assert(allowed("http://[::1]/x", true));
	cr_assert(!allowed("http://[::2]/x", true));
	cr_assert(!allowed("http://localhost.example/x", true));
	cr_assert(!allowed("http://127.0.0.1.example/x", true));
	cr_assert(!allowed("http://128.0.0.1/x", true));
	cr_assert(!allowed("https://a/x#f", false));
	cr_assert(!allowed("https://u:p@a/x", false));
	cr_assert(!allowed("file:///etc/passwd", true));
	cr_assert(!allowed("", true));
	memset(url, 'a', sizeof(url) - 1);
	memcpy(url, "https://", 8);
	url[20] = '/';
	url[sizeof(url) - 1] = '\0';
	cr_assert(!allowed(url, false), "too long");
}

Test(place, resource_of__names_a_server)
{
	cr_assert_eq(weft__oauth_resource_of(WEFT_STR("HTTPS://MCP.Example:443/Server/mcp?x#y"), text, sizeof(text)), 0);
	cr_assert_str_eq(text, "https://mcp.example/Server/mcp");
	cr_assert_eq(weft__oauth_resource_of(WEFT_STR("https://h/"), text, sizeof(text)), 0);
	cr_assert_str_eq(text, "https://h");
}

static bool covers(const char *name, const char *server)
{
	return weft__oauth_resource_covers(weft_str_from(name), weft_str_from(server));
}

Test(place, resource_covers__the_same_origin_and_a_path_above)
{
	cr_assert(covers("https://h/mcp", "https://h/mcp"));
	cr_assert(covers("https://h", "https://h/mcp"));
	cr_assert(covers("https://h/", "https://h/mcp"));
	cr_assert(covers("https://h/a/", "https://h/a/b"));
	cr_assert(covers("https://H:443/a", "https://h/a/b?q"));
	cr_assert(!covers("https://h/mc", "https://h/mcp"));
	cr_assert(!covers("https://h/mcp/x", "https://h/mcp"));
	cr_assert(!covers("https://evil.example/mcp", "https://h/mcp"));
	cr_assert(!covers("http://h/mcp", "https://h/mcp"));
	cr_assert(!covers("https://h:8443/mcp", "https://h/mcp"));
	cr_assert(!covers("https://h/mcp#x", "https://h/mcp"));
	cr_assert(!covers("", "https://h/mcp"));
}

Test(place, issuer_eq__byte_by_byte_but_for_a_lone_slash)
{
	cr_assert(weft__oauth_issuer_eq(WEFT_STR("https://a"), WEFT_STR("https://a/")));
	cr_assert(weft__oauth_issuer_eq(WEFT_STR("https://a/t"), WEFT_STR("https://a/t")));
	cr_assert(!weft__oauth_issuer_eq(WEFT_STR("https://a/t"), WEFT_STR("https://a/t/")));
	cr_assert(!weft__oauth_issuer_eq(WEFT_STR("https://a/t"), WEFT_STR("https://A/t")));
	cr_assert(!weft__oauth_issuer_eq(WEFT_STR("https://a/t"), WEFT_STR("https://a")));
}
