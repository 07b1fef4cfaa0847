/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A server that wants authorization under many callers, while by chance its token ends, more scope is wanted, the authorization server refuses or
 * is ill, persons agree, refuse and lie, and clients are closed in the middle. Goal: no call is lost, none is done twice, no secret is anywhere.
 * Laws: every call ends, with the answer or a reason; each was done at most once, and once when it was answered; clients close.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

#include <weft/weft.h>

#include "tests/support/actors.h"
#include "tests/support/oauth_server.h"
#include "tests/support/seed.h"

#define ROUNDS 25u
#define CALLERS 6u
#define CALLS 25u /* of each caller in a round */

static struct oauth_world world;
static char server_url[64];
static weft_mcp *client;
static weft_tools *tools;
static _Atomic uint32_t closed, answered, failed, odd, next_call, callers_left, persons;
static _Atomic uint64_t chance;

static uint32_t below(uint32_t n)
{
	uint64_t state = atomic_fetch_add(&chance, 0x9e3779b97f4a7c15u);

	return test_below(&state, n);
}

static void on_closed(void *user)
{
	(void)user;
	atomic_fetch_add(&closed, 1);
}

/* In the loop's thread; the answer is a job of it. */
static void on_open(weft_mcp *c, const char *url, void *user)
{
	char query[128];

	(void)user;
	atomic_fetch_add(&persons, 1);
	if (below(8) == 0) {
		cr_assert_eq(weft_mcp_refuse(c), 0);
		return;
	}
	if (below(4) == 0)
		cr_assert_eq(weft_mcp_authorize(c, WEFT_STR("?state=wrong&code=x")), 0);
	oauth_agree(&world, url, query);
	cr_assert_eq(weft_mcp_authorize(c, weft_str_from(query)), 0);
}

static void *call_on(void *arg)
{
	char arguments[32];
	weft_arena *arena;

	(void)arg;
	cr_assert_eq(weft_arena_create(0, &arena), 0);
	for (uint32_t i = 0; i < CALLS; i++) {
		uint32_t n = atomic_fetch_add(&next_call, 1);
		weft_str text = { "", 0 };
		int r;

		snprintf(arguments, sizeof(arguments), "{\"n\":%u}", n);
		r = weft_tools_call(tools, WEFT_STR("echo"), weft_str_from(arguments), arena, &text);
		if (r == 0) {
			bool once;

			pthread_mutex_lock(&world.lock);
			once = world.done[n] == 1;
			pthread_mutex_unlock(&world.lock);
			if (!once || !weft_str_eq(text, WEFT_STR("well")))
				atomic_fetch_add(&odd, 1);
			atomic_fetch_add(&answered, 1);
		} else {
			if (!text.len_bytes || oauth_has(text, "SECRET"))
				atomic_fetch_add(&odd, 1);
			atomic_fetch_add(&failed, 1);
		}
		weft_arena_reset(arena);
	}
	weft_arena_destroy(arena);
	atomic_fetch_sub(&callers_left, 1);
	return NULL;
}

/* Something happens to the servers. */
static void happen(void)
{
	pthread_mutex_lock(&world.lock);
	switch (below(8)) {
	case 0:
	case 1:
		strcpy(world.access, "another");
		break;
	case 2:
		world.tool_wants = world.tool_wants ? NULL : below(2) ? "write" : "more";
		break;
	case 3:
		world.refresh_is_refused = !world.refresh_is_refused;
		break;
	case 4:
		world.token_status = world.token_status || below(3) ? 0 : 503;
		break;
	case 5:
		world.takes_no_token = !world.takes_no_token && below(6) == 0;
		break;
	default:
		world.takes_no_token = false;
		world.token_status = 0;
	}
	pthread_mutex_unlock(&world.lock);
	if (below(4) == 0)
		(void)weft_mcp_authorize(client, WEFT_STR("?state=nobody&code=asked"));
	usleep(below(2000)); /* so that something else happens in between */
}

static void round_run(void)
{
	weft_mcp_options opt = WEFT_MCP_OPTIONS_INIT;
	weft_mcp_oauth oauth = WEFT_MCP_OAUTH_INIT;
	pthread_t callers[CALLERS];
	weft_error err = { 0 };
	uint32_t before = atomic_load(&closed);

	pthread_mutex_lock(&world.lock);
	world.takes_no_token = world.refresh_is_refused = false;
	world.token_status = 0;
	pthread_mutex_unlock(&world.lock);
	oauth.open = on_open;
	oauth.redirect_uri = "https://host.example/page";
	opt.name = "w";
	opt.url = server_url;
	opt.proxy = "";
	opt.oauth = &oauth;
	opt.hooks.closed = on_closed;
	cr_assert_eq(weft_mcp_open(NULL, &opt, &client, &err), 0, "%s", err.message);
	cr_assert_eq(weft_tools_create(&tools), 0);
	if (weft_tools_add_mcp(tools, client, "", &err) == 1) {
		atomic_store(&callers_left, CALLERS);
		for (uint32_t i = 0; i < CALLERS; i++)
			cr_assert_eq(pthread_create(&callers[i], NULL, call_on, NULL), 0);
		while (atomic_load(&callers_left)) {
			happen();
			if (below(60) == 0)
				weft_mcp_close(client);
		}
		for (uint32_t i = 0; i < CALLERS; i++)
			pthread_join(callers[i], NULL);
	}
	weft_tools_unref(tools);
	weft_mcp_unref(client);
	while (atomic_load(&closed) == before)
		usleep(100);
}

Test(mcp_oauth, many_callers_and_servers_that_change)
{
	uint32_t done = 0, asked, twice = 0;

	atomic_store(&chance, test_seed("stress mcp_oauth"));
	oauth_world_begin(&world);
	oauth_url(&world, OAUTH_RESOURCE, "/mcp", server_url, sizeof(server_url));
	for (uint32_t i = 0; i < ROUNDS; i++)
		round_run();
	oauth_world_end(&world);
	asked = atomic_load(&next_call);
	for (uint32_t i = 0; i < asked; i++) {
		done += world.done[i];
		twice += world.done[i] > 1;
	}
	fprintf(stderr, "%u asked: %u answered, %u failed, %u done; %u refreshes, %u codes, %u persons, %u refusals\n", asked, answered, failed, done,
	        world.refreshes, world.codes, persons, world.refused);
	cr_assert_eq(answered + failed, asked);
	cr_assert_eq(twice, 0);
	cr_assert_geq(done, answered);
	cr_assert_leq(done, asked);
	cr_assert_eq(odd, 0);
	cr_assert_eq(world.leaks, 0);
	cr_assert_eq(world.elsewhere, 0);
	cr_assert_gt(answered, 0);
}
