/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: weft_openai_list tells which models an endpoint has, or why not, and never waits for ever. Method: a server of
 * blocking threads that says what the test wants.
 */
#include <criterion/criterion.h>
#include <errno.h>

#include <weft/openai.h>

#include "tests/support/talker.h"

static struct talker t;
static weft_arena *arena;
static weft_str *names;
static uint32_t count;
static weft_error err;
static char url[64];

#define ANSWER(status, body) "HTTP/1.1 " status "\r\nContent-Type: application/json\r\nConnection: close\r\n\r\n" body

/* user: what it says to the one request it takes. */
static bool answer(struct talker *talker, int fd, const char *request, const char *body)
{
	(void)body;
	cr_expect(strstr(request, "GET /v1/models HTTP/1.1\r\n"), "%s", request);
	cr_expect(strcasestr(request, "\r\nAuthorization: Bearer planted\r\n"), "%s", request);
	cr_expect(strcasestr(request, "\r\nX-Team: blue\r\n"), "%s", request);
	talker_says(fd, talker->user);
	return false;
}

/* Says nothing until the peer goes. */
static bool hang(struct talker *talker, int fd, const char *request, const char *body)
{
	char c;

	(void)talker;
	(void)request;
	(void)body;
	return recv(fd, &c, 1, 0) > 0;
}

static int list_from(talker_fn fn, const char *says, uint64_t timeout_ns)
{
	static const char *const headers[] = { "X-Team: blue" };
	weft_openai_options opt = WEFT_OPENAI_OPTIONS_INIT;
	int r;

	count = 99;
	err = (weft_error){ 0 };
	talker_start(&t, fn, (void *)(uintptr_t)says);
	snprintf(url, sizeof(url), "http://127.0.0.1:%u/v1/", t.port);
	opt.base_url = url;
	opt.api_key = "planted";
	opt.headers = headers;
	opt.header_count = 1;
	opt.timeout_ns = timeout_ns;
	opt.proxy = "";
	r = weft_openai_list(&opt, arena, &names, &count, &err);
	talker_end(&t);
	return r;
}

static void begin(void)
{
	cr_assert_eq(weft_arena_create(0, &arena), 0);
}

static void end(void)
{
	weft_arena_destroy(arena);
}

TestSuite(models_list, .init = begin, .fini = end, .timeout = 120);

Test(models_list, names__in_their_order)
{
	cr_assert_eq(list_from(answer, ANSWER("200 OK", "{\"object\":\"list\",\"data\":[{\"id\":\"b-7b\",\"object\":\"model\"},{\"id\":\"a\"}]}"), 0), 0,
	             "%s", err.message);
	cr_assert_eq(count, 2);
	cr_expect(weft_str_eq(names[0], WEFT_STR("b-7b")));
	cr_expect(weft_str_eq(names[1], WEFT_STR("a")));
	cr_assert_eq(list_from(answer, ANSWER("200 OK", "{\"data\":[]}"), 0), 0);
	cr_assert_eq(count, 0);
}

static void fails(const char *says, int status, const char *why)
{
	cr_expect_eq(list_from(answer, says, 0), status, "%s: %s", says, err.message);
	cr_expect_eq(err.code, status);
	cr_expect_eq(count, 99, "nothing is touched");
	cr_expect(strstr(err.message, why), "%s", err.message);
	cr_expect_null(strstr(err.message, "planted"), "%s", err.message);
}

Test(models_list, what_is_no_list__is_told)
{
	fails(ANSWER("404 Not Found", "{\"error\":{\"message\":\"no such planted page\"}}"), -ENOENT, "HTTP 404");
	fails(ANSWER("401 Unauthorized", "{}"), -EACCES, "HTTP 401");
	fails(ANSWER("200 OK", "<html>"), WEFT_EPARSE, "openai: ");
	fails(ANSWER("200 OK", ""), WEFT_EPARSE, "openai: ");
	fails(ANSWER("200 OK", "{\"data\":{}}"), WEFT_EPARSE, "no list of models");
	fails(ANSWER("200 OK", "{\"data\":[{\"id\":7}]}"), WEFT_EPARSE, "no list of models");
	fails(ANSWER("200 OK", "{\"data\":[\"name\"]}"), WEFT_EPARSE, "no list of models");
	fails("HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n{\"da", -ECONNRESET, "127.0.0.1");
	fails("SSH-2.0\r\n\r\n", -EBADMSG, "127.0.0.1");
}

Test(models_list, a_silent_server__is_given_up)
{
	cr_assert_eq(list_from(hang, NULL, 50000000), -ETIMEDOUT, "%s", err.message);
	cr_expect_eq(count, 99);
}

Test(models_list, options__are_checked)
{
	weft_openai_options opt = WEFT_OPENAI_OPTIONS_INIT;

	cr_expect_eq(weft_openai_list(NULL, arena, &names, &count, &err), -EINVAL);
	unsetenv("OPENAI_API_KEY");
	unsetenv("OPENAI_BASE_URL");
	cr_expect_eq(weft_openai_list(&opt, arena, &names, &count, &err), -EINVAL, "no key");
	opt.base_url = "gopher://x";
	cr_expect_eq(weft_openai_list(&opt, arena, &names, &count, &err), -EINVAL);
	opt.base_url = "http://127.0.0.1:1/v1";
	opt.proxy = "";
	cr_expect_eq(weft_openai_list(&opt, NULL, &names, &count, &err), -EINVAL);
	cr_expect_eq(weft_openai_list(&opt, arena, &names, &count, &err), -ECONNREFUSED, "%s", err.message);
	cr_expect(strstr(err.message, "openai: 127.0.0.1"), "%s", err.message);
}
