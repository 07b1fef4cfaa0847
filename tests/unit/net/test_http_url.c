/* SPDX-License-Identifier: Apache-2.0 */
/* Addresses in their parts; what is refused, and why. */
#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

#include "net/http/url.h"

static void parts(const char *text, const char *host, uint16_t port, const char *authority, const char *path)
{
	struct weft__url url;
	weft_error err = { 0 };

	cr_assert_eq(weft__url_parse(weft_str_from(text), &url, &err), 0, "%s: %s", text, err.message);
	cr_expect(weft_str_eq(url.host, weft_str_from(host)), "%s: host %.*s", text, WEFT_STR_ARG(url.host));
	cr_expect_eq(url.port, port, "%s: port %u", text, url.port);
	cr_expect(weft_str_eq(url.authority, weft_str_from(authority)), "%s: authority %.*s", text, WEFT_STR_ARG(url.authority));
	cr_expect(weft_str_eq(url.path_query, weft_str_from(path)), "%s: path %.*s", text, WEFT_STR_ARG(url.path_query));
	cr_expect_eq(url.tls, (text[4] | 0x20) == 's', "%s", text);
	cr_expect_eq(url.ipv6, strchr(host, ':') != NULL, "%s", text);
}

static void refused(const char *text, int error, const char *why)
{
	struct weft__url url = { .port = 7 };
	weft_error err = { 0 };

	cr_expect_eq(weft__url_parse(weft_str_from(text), &url, &err), error, "%s", text);
	cr_expect(strstr(err.message, why), "%s: %s", text, err.message);
	cr_expect_eq(url.port, 7);
	cr_expect_eq(weft__url_parse(weft_str_from(text), &url, NULL), error);
}

Test(http_url, parse__parts)
{
	parts("http://example.org", "example.org", 80, "example.org", "");
	parts("HTTPS://Example.ORG/", "Example.ORG", 443, "Example.ORG", "/");
	parts("https://api.example.org:8443/v1/chat?a=b&c=%20d#frag", "api.example.org", 8443, "api.example.org:8443",
	      "/v1/chat?a=b&c=%20d");
	parts("http://127.0.0.1:1/x", "127.0.0.1", 1, "127.0.0.1:1", "/x");
	parts("http://[::1]:65535/x", "::1", 65535, "[::1]:65535", "/x");
	parts("https://[2001:db8::1]", "2001:db8::1", 443, "[2001:db8::1]", "");
	parts("http://[::ffff:1.2.3.4]/", "::ffff:1.2.3.4", 80, "[::ffff:1.2.3.4]", "/");
	parts("http://host?q=/a@b:c", "host", 80, "host", "?q=/a@b:c");
	parts("http://host#x/y@z", "host", 80, "host", "");
	parts("http://host:/a", "host", 80, "host", "/a");
	parts("http://under_score.local./", "under_score.local.", 80, "under_score.local.", "/");
	parts("http://xn--bcher-kva.example/a//b/../c;d=e", "xn--bcher-kva.example", 80, "xn--bcher-kva.example", "/a//b/../c;d=e");
}

Test(http_url, parse__refuses)
{
	refused("", -EINVAL, "no http://");
	refused("example.org", -EINVAL, "no http://");
	refused("http:/a", -EINVAL, "no http://");
	refused("://a", -EPROTONOSUPPORT, "only http and https");
	refused("ftp://a", -EPROTONOSUPPORT, "not ftp");
	refused("file:///etc/passwd", -EPROTONOSUPPORT, "not file");
	refused("http://", -EINVAL, "no host");
	refused("http:///a", -EINVAL, "no host");
	refused("http://:80", -EINVAL, "no host");
	refused("http://user@host/", -EINVAL, "user name");
	refused("http://user:pass@host/", -EINVAL, "user name");
	refused("http://@host/", -EINVAL, "user name");
	refused("http://b\xc3\xbc" "cher.example/", -EINVAL, "xn--");
	refused("http://a b/", -EINVAL, "character in the host");
	refused("http://a%41/", -EINVAL, "character in the host");
	refused("http://a\\b/", -EINVAL, "character in the host");
	refused("http://a:0/", -EINVAL, "port");
	refused("http://a:65536/", -EINVAL, "port");
	refused("http://a:8o/", -EINVAL, "port");
	refused("http://a:1:2/", -EINVAL, "port");
	refused("http://::1/", -EINVAL, "no host");
	refused("http://[::1/", -EINVAL, "IPv6");
	refused("http://[]/", -EINVAL, "IPv6");
	refused("http://[1.2.3.4]/", -EINVAL, "IPv6");
	refused("http://[::1%25eth0]/", -EINVAL, "zone");
	refused("http://[::1]x/", -EINVAL, "behind the host");
	refused("http://a/b c", -EINVAL, "percent-encoded");
	refused("http://a/b\r\nX: y", -EINVAL, "percent-encoded");
	refused("http://a/\"", -EINVAL, "percent-encoded");
	refused("http://a/\xc3\xa9", -EINVAL, "not ASCII");
	refused("http://a/%", -EINVAL, "two hexadecimal");
	refused("http://a/%4", -EINVAL, "two hexadecimal");
	refused("http://a/%4g", -EINVAL, "two hexadecimal");
}

Test(http_url, parse__bounds)
{
	static char text[WEFT__URL_BYTES_MAX + 2];
	struct weft__url url;

	memset(text, 'a', sizeof(text) - 1);
	memcpy(text, "http://", 7);
	text[7 + 256] = '/';
	refused(text, -EINVAL, "too long");
	cr_expect_eq(weft__url_parse((weft_str){ text, 400 }, &url, NULL), -EINVAL); /* a host of 256 */
	text[7 + 255] = '/';
	cr_expect_eq(weft__url_parse((weft_str){ text, WEFT__URL_BYTES_MAX }, &url, NULL), 0);
}

Test(http_url, same_origin__scheme_host_port)
{
	struct weft__url a, b;
	static const struct { const char *a, *b; bool same; } cases[] = {
		{ "http://a/x", "HTTP://A:80/y", true }, { "http://a", "https://a", false }, { "http://a:443", "https://a:443", false },
		{ "http://a", "http://b", false },       { "http://a", "http://a:81", false },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		cr_assert_eq(weft__url_parse(weft_str_from(cases[i].a), &a, NULL), 0);
		cr_assert_eq(weft__url_parse(weft_str_from(cases[i].b), &b, NULL), 0);
		cr_expect_eq(weft__url_same_origin(&a, &b), cases[i].same, "%zu", i);
	}
}
