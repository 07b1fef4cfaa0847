/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A client that is authorized by a person, calls, renews its token and asks for more scope, the n-th allocation of it all failing, for every
 * n. The servers and the person have all the memory they want. Law: each step works or says why, the client closes, the next one works;
 * nothing crashes, nothing is lost to the leak sanitizer, no secret leaks.
 */
#include <criterion/criterion.h>
#include <errno.h>
#include <pthread.h>
#include <time.h>

#include <weft/weft.h>

#include "tests/support/failing_alloc.h"
#include "tests/support/oauth_server.h"

#define MS UINT64_C(1000000)

static long countdown = -1; /* allocations until one fails; negative: none will */
static __thread bool has_memory; /* this thread is not the client's */
static struct oauth_world world;
static char server_url[64];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static uint32_t closed;

static bool test_alloc_fails(void)
{
	return !has_memory && __atomic_load_n(&countdown, __ATOMIC_RELAXED) >= 0 && __atomic_fetch_sub(&countdown, 1, __ATOMIC_RELAXED) == 0;
}

static void on_closed(void *user)
{
	(void)user;
	pthread_mutex_lock(&lock);
	closed++;
	pthread_cond_signal(&changed);
	pthread_mutex_unlock(&lock);
}

static void wait_closed(void)
{
	struct timespec until;
	int r = 0;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += 60;
	pthread_mutex_lock(&lock);
	while (!closed && r == 0)
		r = pthread_cond_timedwait(&changed, &lock, &until);
	closed = 0;
	pthread_mutex_unlock(&lock);
	cr_assert_eq(r, 0, "the client did not close");
}

/* The person, at once and in the loop's thread: the answer is a job. */
static void on_open(weft_mcp *client, const char *url, void *user)
{
	char query[128];

	(void)user;
	oauth_agree(&world, url, query);
	if (weft_mcp_authorize(client, weft_str_from(query)) < 0)
		(void)weft_mcp_refuse(client); /* which may fail too: then the patience ends it */
}

static bool call(weft_tools *tools)
{
	weft_arena *arena;
	weft_str text = { 0 };
	int r;

	if (weft_arena_create(0, &arena) < 0)
		return false;
	r = weft_tools_call(tools, WEFT_STR("echo"), WEFT_STR("{}"), arena, &text);
	weft_arena_destroy(arena);
	return r == 0;
}

static void world_set(const char *access, const char *tool_wants)
{
	pthread_mutex_lock(&world.lock);
	if (access)
		snprintf(world.access, sizeof(world.access), "%s", access);
	world.tool_wants = tool_wants;
	pthread_mutex_unlock(&world.lock);
}

/* True: all of it worked. */
static bool run(void)
{
	weft_mcp_options opt = WEFT_MCP_OPTIONS_INIT;
	weft_mcp_oauth oauth = WEFT_MCP_OAUTH_INIT;
	weft_error err = { 0 };
	uint64_t patience_ns = __atomic_load_n(&countdown, __ATOMIC_RELAXED) < 0 ? 60000 * MS : 200 * MS;
	weft_tools *tools = NULL;
	weft_mcp *client;
	bool fine;
	int r;

	world_set(NULL, NULL);
	oauth.open = on_open;
	oauth.redirect_uri = "https://host.example/page";
	oauth.person_ns = patience_ns;
	opt.name = "w";
	opt.url = server_url;
	opt.proxy = "";
	opt.oauth = &oauth;
	opt.start_ns = opt.call_ns = patience_ns; /* a message that was lost for want of memory is not waited for */
	opt.restarts_max = UINT32_MAX;
	opt.hooks.closed = on_closed;
	r = weft_mcp_open(NULL, &opt, &client, &err);
	if (r < 0) {
		cr_assert(r == -ENOMEM || r == -ESHUTDOWN, "%s", err.message);
		return false;
	}
	fine = weft_tools_create(&tools) == 0 && weft_tools_add_mcp(tools, client, "", &err) == 1;
	if (fine) {
		world_set("another", NULL);
		fine = call(tools);
		world_set(NULL, "write");
		fine = call(tools) && fine;
	}
	weft_tools_unref(tools);
	weft_mcp_unref(client);
	wait_closed();
	cr_assert_null(strstr(err.message, "SECRET"));
	return fine;
}

/* Of the server's thread. */
static void have_memory(struct weft__job *job)
{
	(void)job;
	has_memory = true;
}

Test(mcp_oauth_oom, every_allocation_may_fail)
{
	weft_allocator allocator = test_failing_allocator();
	struct weft__job job = { .run = have_memory };
	uint32_t broken = 0;
	long n = 0;

	cr_assert_eq(weft_allocator_set(&allocator), 0);
	oauth_world_begin(&world);
	cr_assert_eq(weft__loop_post(world.loop, &job), 0);
	oauth_url(&world, OAUTH_RESOURCE, "/mcp", server_url, sizeof(server_url));
	cr_assert(run());
	for (;; n++) {
		__atomic_store_n(&countdown, n, __ATOMIC_RELAXED);
		broken += !run();
		if (__atomic_exchange_n(&countdown, -1, __ATOMIC_RELAXED) >= 0)
			break; /* it wanted no more than n */
		cr_assert_lt(n, 6000);
	}
	cr_assert(run(), "it does not come back");
	fprintf(stderr, "%ld allocations, %u were missed\n", n, broken);
	cr_assert_gt(broken, 20);
	oauth_world_end(&world);
	cr_assert_eq(world.leaks, 0);
}
