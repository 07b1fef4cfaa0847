/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Secrets of MCP servers are where they must be and nowhere else: a server that repeats what it was shown, and memory that was given back.
 * Method: the servers and the person of test_mcp_oauth.c, and an allocator that looks into what is freed.
 */
#include <weft/mcp.h>

#include "tests/support/looking_alloc.h"
#include "tests/support/oauth_host.h"

TestSuite(mcp_secrets, .init = begin, .fini = end);

/* What the model would be told of a call. */
static int told(char *text, size_t room)
{
	weft_str said = { "", 0 };
	weft_arena *arena;
	int r;

	cr_assert_eq(weft_arena_create(0, &arena), 0);
	r = weft_tools_call(tools, WEFT_STR("echo"), WEFT_STR("{}"), arena, &said);
	snprintf(text, room, "%.*s", WEFT_STR_ARG(said));
	weft_arena_destroy(arena);
	cr_assert_null(strstr(text, "SECRET"), "%s", text);
	return r;
}

static void both_are_covered(void)
{
	char text[400];

	SET(world.repeats_in_result = true);
	cr_expect_eq(told(text, sizeof(text)), 0);
	cr_expect_not_null(strstr(text, "'Bearer ***************' it was"), "%s", text);
	SET(world.repeats_in_result = false; world.repeats_in_error = true);
	cr_expect_lt(told(text, sizeof(text)), 0);
	cr_expect_not_null(strstr(text, "'Bearer ***************' it was"), "%s", text);
}

Test(mcp_secrets, token__that_is_repeated)
{
	must_open();
	both_are_covered();
	client_end();
}

/* Without an authorization: the host's own header. */
Test(mcp_secrets, header__that_is_repeated)
{
	static const char *const headers[] = { "Authorization: Bearer SECRET-access-0", "X-Tenant: a", NULL };

	SET(snprintf(world.access, sizeof(world.access), "SECRET-access-0"));
	opt.oauth = NULL;
	opt.headers = headers;
	must_open();
	both_are_covered();
	client_end();
}

/* A refresh while the call is under way: the answer repeats the token that it was sent with. */
Test(mcp_secrets, token__of_before)
{
	char text[400];

	must_open();
	SET(world.repeats_in_result = true; world.repeats_the_first = true; world.access[0] = '\0');
	cr_expect_eq(told(text, sizeof(text)), 0);
	cr_expect_eq(is_now()->refreshes, 1);
	cr_expect_not_null(strstr(text, "'Bearer ***************' it was"), "%s", text);
	client_end();
}

/* ---- what is freed ---------------------------------------------------------------------- */

static void begin_looking(void)
{
	look_for("SECRET");
	begin();
	look_away_from(world.thread);
}

TestSuite(mcp_secrets_freed, .init = begin_looking, .fini = end);

Test(mcp_secrets_freed, tokens_and_codes)
{
	oauth.load = on_load;
	oauth.save = on_save;
	must_open();
	must_call();
	SET(world.access[0] = '\0'); /* a refresh */
	must_call();
	client_end();
	must_open(); /* from what was kept */
	must_call();
	client_end();
	cr_assert_eq(is_now()->refreshes, 1);
	cr_assert_eq(look_found(), 0, "%u blocks", look_found());
}

Test(mcp_secrets_freed, client_secrets)
{
	SET(world.ways = "\"client_secret_basic\"");
	oauth.client_id = "me";
	oauth.client_secret = "SECRET-of-the-client";
	oauth.flags = WEFT_MCP_OAUTH_MACHINE;
	oauth.open = NULL;
	must_open();
	must_call();
	client_end();
	cr_assert_eq(is_now()->machines, 1);
	cr_assert_eq(look_found(), 0, "%u blocks", look_found());
}

Test(mcp_secrets_freed, headers_of_a_file)
{
	char path[] = "/tmp/weft-test-secrets-XXXXXX";
	int fd = mkstemp(path);
	weft_mcp_options base = opt;
	weft_mcp *clients[1];
	weft_error err = { 0 };

	cr_assert_geq(fd, 0);
	SET(snprintf(world.access, sizeof(world.access), "SECRET-access-0"));
	setenv("WEFT_TEST_TOKEN", "SECRET-access-0", 1);
	dprintf(fd, "{\"mcpServers\":{\"w\":{\"url\":\"%s\",\"headers\":{\"Authorization\":\"Bearer ${WEFT_TEST_TOKEN}\","
	        "\"X-Key\":\"SECRET-in-the-file\"}}}}", server_url);
	close(fd);
	base.url = NULL;
	base.oauth = NULL;
	cr_assert_eq(weft_mcp_load(NULL, path, &base, clients, 1, &err), 1, "%s", err.message);
	client = clients[0];
	cr_assert_eq(weft_tools_create(&tools), 0);
	cr_assert_eq(weft_tools_add_mcp(tools, client, "", &err), 1, "%s", err.message);
	must_call();
	client_end();
	unlink(path);
	cr_assert_eq(look_found(), 0, "%u blocks", look_found());
}
