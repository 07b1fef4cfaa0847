/* SPDX-License-Identifier: Apache-2.0 */
/* proxies: their addresses, the environment's customs, and who needs none. */
#include <criterion/criterion.h>

#include <errno.h>
#include <string.h>

#include "net/http/proxy.h"

/* ---- addresses ---------------------------------------------------------------------------------- */

static void is(const char *text, const char *host, uint16_t port, const char *authorization)
{
	struct weft__proxy p = {0};
	weft_error err = {0};

	cr_assert_eq(weft__proxy_parse(weft_str_from(text), &p, &err), 0, "%s: %s", text, err.message);
	cr_expect_str_eq(p.host, host, "%s", text);
	cr_expect_eq(p.port, port, "%s", text);
	if (authorization)
		cr_expect(p.authorization && strcmp(p.authorization, authorization) == 0, "%s: %s", text,
		          p.authorization);
	else
		cr_expect_null(p.authorization);
	weft__proxy_fini(&p);
}

Test(proxy, addresses_of_all_customary_spellings)
{
	is("http://proxy.example:3128", "proxy.example", 3128, NULL);
	is("proxy.example:3128", "proxy.example", 3128, NULL);
	is("HTTP://proxy.example/", "proxy.example", 80, NULL);
	is("http://10.1.2.3:8080/ignored?x", "10.1.2.3", 8080, NULL);
	is("http://[fd00::1]:8080", "fd00::1", 8080, NULL);
}

Test(proxy, user_and_password_become_a_field)
{
	is("http://user:password@proxy.example", "proxy.example", 80, "Basic dXNlcjpwYXNzd29yZA==");
	is("http://user@proxy.example", "proxy.example", 80, "Basic dXNlcjo=");
	is("u:p%40ss%3aword@proxy.example:1", "proxy.example", 1, "Basic dTpwQHNzOndvcmQ=");
	is("http://a:b@c@proxy.example:1", "proxy.example", 1, "Basic YTpiQGM=");
	is("http://:@proxy.example:1", "proxy.example", 1, "Basic Og==");
}

static void is_not(const char *text, int code)
{
	struct weft__proxy p = {0};
	weft_error err = {0};

	cr_expect_eq(weft__proxy_parse(weft_str_from(text), &p, &err), code, "%s", text);
	cr_expect_null(p.host);
	cr_expect_null(p.authorization);
	cr_expect_null(strstr(err.message, "secret"), "%s", err.message);
	cr_expect_neq(err.message[0], '\0');
}

Test(proxy, what_is_none_is_refused_without_telling_the_password)
{
	is_not("", -EINVAL);
	is_not("http://", -EINVAL);
	is_not("http://user:secret@", -EINVAL);
	is_not("http://user:secret@pro xy", -EINVAL);
	is_not("http://user:secret@proxy:99999", -EINVAL);
	is_not("http://user:secret%0a@proxy", -EINVAL);
	is_not("http://user:secret%4@proxy", -EINVAL);
	is_not("http://user:secret%zz@proxy", -EINVAL);
	is_not("https://user:secret@proxy", -EPROTONOSUPPORT);
	is_not("socks5h://user:secret@proxy", -EPROTONOSUPPORT);
}

/* ---- NO_PROXY --------------------------------------------------------------------------------------- */

struct row {
	const char *list, *host;
	uint16_t port;
	bool has;
};

static const struct row rows[] = {
        {"", "a.example", 80, false},
        {"*", "a.example", 80, true},
        {"a.example", "a.example", 80, true},
        {"A.Example", "a.EXAMPLE", 80, true},
        {"a.example", "a.example.", 80, true},
        {"example", "a.example", 80, true},
        {".example", "a.example", 80, true},
        {"*.example", "a.example", 80, true},
        {".a.example", "a.example", 80, true},
        {"a.example", "ba.example", 80, false},
        {"a.example", "a.example.com", 80, false},
        {"b.example, a.example", "a.example", 80, true},
        {"b.example a.example", "a.example", 80, true},
        {",, ,a.example,", "a.example", 80, true},
        {"a.example:80", "a.example", 80, true},
        {"a.example:8080", "a.example", 80, false},
        {"a.example:x", "a.example", 80, false},
        {".", "a.example", 80, false},
        {"1.2.3.4", "1.2.3.4", 80, true},
        {"1.2.3.4", "1.2.3.5", 80, false},
        {"2.3.4", "1.2.3.4", 80, false},
        {"1.2.3.4:443", "1.2.3.4", 80, false},
        {"1.2.3.4:80", "1.2.3.4", 80, true},
        {"10.0.0.0/8", "10.255.0.1", 80, true},
        {"10.0.0.0/8", "11.0.0.1", 80, false},
        {"10.0.0.0/33", "10.0.0.1", 80, false},
        {"10.0.0.0/", "10.0.0.1", 80, false},
        {"10.1.0.0/15", "10.0.255.1", 80, true},
        {"10.1.0.0/17", "10.1.128.1", 80, false},
        {"0.0.0.0/0", "8.8.8.8", 80, true},
        {"0.0.0.0/0", "::1", 80, false},
        {"10.0.0.0/8", "a.example", 80, false},
        {"::1", "::1", 80, true},
        {"[::1]", "::1", 80, true},
        {"[::1]:80", "::1", 80, true},
        {"[::1]:81", "::1", 80, false},
        {"0:0::1", "::1", 80, true},
        {"fd00::/8", "fd12::1", 80, true},
        {"fd00::/8", "fe12::1", 80, false},
};

Test(proxy, no_proxy_knows_names_addresses_ranges_and_ports)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct row *row = &rows[i];

		cr_expect_eq(
		        weft__no_proxy_has(weft_str_from(row->list), weft_str_from(row->host), row->port),
		        row->has, "'%s' %s:%u", row->list, row->host, row->port);
	}
}

/* ---- the environment ---------------------------------------------------------------------------------- */

static const char *const *environment; /* name, value, ..., NULL */

static char *get(const char *name)
{
	for (const char *const *e = environment; *e; e += 2) {
		if (strcmp(*e, name) == 0)
			return (char *)(uintptr_t)e[1];
	}
	return NULL;
}

static void goes(const char *const *variables, const char *address, const char *proxy_host)
{
	struct weft__proxies proxies = {0};
	const struct weft__proxy *proxy;
	struct weft__url url;

	environment = variables;
	cr_assert_eq(weft__proxies_read(&proxies, get), 0);
	cr_assert_eq(weft__url_parse(weft_str_from(address), &url, NULL), 0);
	proxy = weft__proxies_for(&proxies, &url);
	if (proxy_host)
		cr_expect(proxy && strcmp(proxy->host, proxy_host) == 0, "%s by %s", address,
		          proxy ? proxy->host : "none");
	else
		cr_expect_null(proxy, "%s by %s", address, proxy->host);
	weft__proxies_fini(&proxies);
}

#define ENV(...) ((const char *const[]){__VA_ARGS__, NULL})

Test(proxy, the_environment_says_which_by_scheme)
{
	goes(ENV("HTTPS_PROXY", "s:1", "HTTP_PROXY", "p:1"), "https://a.example/", "s");
	goes(ENV("HTTPS_PROXY", "s:1", "HTTP_PROXY", "p:1"), "http://a.example/", "p");
	goes(ENV("HTTPS_PROXY", "s:1"), "http://a.example/", NULL);
	goes(ENV("https_proxy", "small:1", "HTTPS_PROXY", "s:1"), "https://a.example/", "small");
	goes(ENV("https_proxy", "", "HTTPS_PROXY", "s:1"), "https://a.example/", "s");
	goes(ENV("ALL_PROXY", "all:1"), "https://a.example/", "all");
	goes(ENV("ALL_PROXY", "all:1", "HTTP_PROXY", "p:1"), "http://a.example/", "p");
	goes(ENV("HTTP_PROXY", "p:1", "REQUEST_METHOD", "GET"), "http://a.example/", NULL);
	goes(ENV("http_proxy", "p:1", "REQUEST_METHOD", "GET"), "http://a.example/", "p");
	goes(ENV("HTTPS_PROXY", "s:1", "NO_PROXY", "b.example,a.example"), "https://a.example/", NULL);
	goes(ENV("HTTPS_PROXY", "s:1", "NO_PROXY", "b.example"), "https://a.example/", "s");
}

Test(proxy, this_host_is_reached_without_one)
{
	goes(ENV("ALL_PROXY", "all:1"), "http://localhost:8080/", NULL);
	goes(ENV("ALL_PROXY", "all:1"), "http://x.localhost/", NULL);
	goes(ENV("ALL_PROXY", "all:1"), "http://127.8.0.1/", NULL);
	goes(ENV("ALL_PROXY", "all:1"), "http://[::1]/", NULL);
	goes(ENV("ALL_PROXY", "all:1"), "http://128.0.0.1/", "all");
}

Test(proxy, a_variable_that_makes_no_sense_is_named)
{
	struct weft__proxies proxies = {0};

	environment = ENV("HTTPS_PROXY", "socks5://user:secret@s");
	cr_assert_eq(weft__proxies_read(&proxies, get), 0);
	cr_expect_null(proxies.https.host);
	cr_expect_not_null(strstr(proxies.wrong, "HTTPS_PROXY: "));
	cr_expect_null(strstr(proxies.wrong, "secret"));
	weft__proxies_fini(&proxies);
}
