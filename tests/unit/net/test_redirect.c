/* SPDX-License-Identifier: Apache-2.0 */
/*
 * addresses and the references found in answers, joined: the examples of RFC 3986, 5.4, and what else servers
 * write.
 */
#include <criterion/criterion.h>

#include <errno.h>

#include <weft/alloc.h>

#include "net/http/client/parts.h"

static const struct {
	const char *base, *reference, *joined;
} rows[] = {
        {"http://a/b/c/d;p?q", "g", "http://a/b/c/g"},
        {"http://a/b/c/d;p?q", "./g", "http://a/b/c/g"},
        {"http://a/b/c/d;p?q", "g/", "http://a/b/c/g/"},
        {"http://a/b/c/d;p?q", "/g", "http://a/g"},
        {"http://a/b/c/d;p?q", "//g", "http://g"},
        {"http://a/b/c/d;p?q", "?y", "http://a/b/c/d;p?y"},
        {"http://a/b/c/d;p?q", "g?y", "http://a/b/c/g?y"},
        {"http://a/b/c/d;p?q", "#s", "http://a/b/c/d;p?q#s"},
        {"http://a/b/c/d;p?q", "g#s", "http://a/b/c/g#s"},
        {"http://a/b/c/d;p?q", ";x", "http://a/b/c/;x"},
        {"http://a/b/c/d;p?q", "", "http://a/b/c/d;p?q"},
        {"http://a/b/c/d;p?q", ".", "http://a/b/c/"},
        {"http://a/b/c/d;p?q", "./", "http://a/b/c/"},
        {"http://a/b/c/d;p?q", "..", "http://a/b/"},
        {"http://a/b/c/d;p?q", "../g", "http://a/b/g"},
        {"http://a/b/c/d;p?q", "../..", "http://a/"},
        {"http://a/b/c/d;p?q", "../../g", "http://a/g"},
        {"http://a/b/c/d;p?q", "../../../../g", "http://a/g"},
        {"http://a/b/c/d;p?q", "/./g", "http://a/g"},
        {"http://a/b/c/d;p?q", "/../g", "http://a/g"},
        {"http://a/b/c/d;p?q", "g.", "http://a/b/c/g."},
        {"http://a/b/c/d;p?q", "..g", "http://a/b/c/..g"},
        {"http://a/b/c/d;p?q", "./../g", "http://a/b/g"},
        {"http://a/b/c/d;p?q", "g/./h", "http://a/b/c/g/h"},
        {"http://a/b/c/d;p?q", "g/../h", "http://a/b/c/h"},
        {"http://a/b/c/d;p?q", "g?y/./x", "http://a/b/c/g?y/./x"},
        {"http://a/b/c/d;p?q", "g#s/../x", "http://a/b/c/g#s/../x"},
        {"http://a/b/c/d;p?q", "https://x/y?z", "https://x/y?z"},
        {"http://a/b/c/d;p?q", "mailto:x", "mailto:x"},
        {"http://a", "g", "http://a/g"},
        {"http://a", "/g", "http://a/g"},
        {"http://a", "?y", "http://a?y"},
        {"http://a?q", "g", "http://a/g"},
        {"http://a?q#f", "", "http://a?q"},
        {"https://a:8443/x", "//b:1/y", "https://b:1/y"},
        {"http://a/b//c", "d", "http://a/b//d"},
};

Test(redirect, references_are_joined_with_the_address_they_came_from)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char *joined = weft__http_url_join(weft_str_from(rows[i].base),
		                                   weft_str_from(rows[i].reference));

		cr_expect_str_eq(joined, rows[i].joined, "%s + %s: %s", rows[i].base, rows[i].reference,
		                 joined);
		weft_free(joined);
	}
}

static int look(struct weft__http_redirect *r, int status, const char *location, weft_error *err)
{
	struct weft__http_field fields[] = {{WEFT_STR("X"), WEFT_STR("y")},
	                                    {WEFT_STR("location"), weft_str_from(location)}};

	return weft__http_redirect_look(r, status, fields, location ? 2 : 1, err);
}

Test(redirect, which_answers_lead_on_and_with_which_request)
{
	struct weft__http_field secrets[] = {{WEFT_STR("authorization"), WEFT_STR("s")},
	                                     {WEFT_STR("X-Api-Key"), WEFT_STR("s")},
	                                     {WEFT_STR("Cookie"), WEFT_STR("s")},
	                                     {WEFT_STR("X-Company-Token"), WEFT_STR("s")},
	                                     {WEFT_STR("Mcp-Session-Id"), WEFT_STR("s")},
	                                     {WEFT_STR("Content-Type"), WEFT_STR("text/plain")},
	                                     {WEFT_STR("user-agent"), WEFT_STR("x")},
	                                     {WEFT_STR("Accept"), WEFT_STR("*/*")}};
	struct weft__http_request req = {.method = WEFT_STR("POST"),
	                                 .url = WEFT_STR("https://a.example/x"),
	                                 .fields = secrets,
	                                 .field_count = 8,
	                                 .body = WEFT_STR("body")};
	struct weft__http_redirect *r = weft__http_redirect_new(&req);
	const struct weft__http_request *next;
	weft_error err = {.code = 0};

	cr_assert_not_null(r);
	cr_expect_eq(look(r, 200, "/y", &err), 0);
	cr_expect_eq(look(r, 304, "/y", &err), 0);
	cr_expect_eq(look(r, 302, NULL, &err), 0, "an answer like others");
	cr_expect_eq(look(r, 308, "/y", &err), 1);
	next = weft__http_redirect_next(r);
	cr_expect(weft_str_eq(next->method, WEFT_STR("POST")) && weft_str_eq(next->body, WEFT_STR("body")));
	cr_expect(weft_str_eq(next->url, WEFT_STR("https://a.example/y")));
	cr_expect_eq(next->field_count, 8u, "the same origin");
	cr_expect_eq(look(r, 308, "//b.example/", &err), 1);
	next = weft__http_redirect_next(r);
	cr_expect_eq(next->field_count, 3u, "what may be a secret stays behind");
	cr_expect_eq(look(r, 302, "/", &err), 1);
	next = weft__http_redirect_next(r);
	cr_expect(weft_str_eq(next->method, WEFT_STR("GET")) && next->body.len_bytes == 0);
	cr_expect_eq(next->field_count, 2u, "and what spoke of the body");
	cr_expect(weft_str_eq(next->fields[0].name, WEFT_STR("user-agent")));
	cr_expect(weft_str_eq(next->fields[1].name, WEFT_STR("Accept")));
	cr_expect_eq(look(r, 302, "http://b.example/", &err), -EACCES, "never from https to http");
	cr_expect_eq(look(r, 302, "https://u:p@b.example/", &err), -EBADMSG);
	cr_expect_eq(look(r, 302, "https://b example/", &err), -EBADMSG);
	weft__http_redirect_free(r);
}

Test(redirect, some_never_leave_their_origin)
{
	static const char *const strangers[] = {"//b.example/", "https://a.example:8443/x", "https://a.example.b.example/"};
	struct weft__http_request req = {.method = WEFT_STR("POST"),
	                                 .url = WEFT_STR("https://a.example/x"),
	                                 .body = WEFT_STR("body"),
	                                 .flags = WEFT__HTTP_FOLLOW | WEFT__HTTP_SAME_ORIGIN};
	struct weft__http_redirect *r = weft__http_redirect_new(&req);
	weft_error err = {.code = 0};

	cr_assert_not_null(r);
	for (size_t i = 0; i < sizeof(strangers) / sizeof(strangers[0]); i++)
		cr_expect_eq(look(r, 307, strangers[i], &err), -EACCES, "%s", strangers[i]);
	cr_expect_eq(look(r, 307, "https://A.example:443/y", &err), 1);
	cr_expect(weft_str_eq(weft__http_redirect_next(r)->body, WEFT_STR("body")));
	weft__http_redirect_free(r);
}
