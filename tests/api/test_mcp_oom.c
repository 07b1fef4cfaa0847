/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A server, its tools and a call of one, the n-th allocation of it all failing, for every n. Law: each step works or says
 * why, a call that was begun ends, and the client closes; nothing crashes, and nothing is lost to the leak sanitizer.
 */
#include <criterion/criterion.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <weft/weft.h>

#include "tests/support/failing_alloc.h"

#define SECOND UINT64_C(1000000000)

static long countdown = -1; /* allocations until one fails; negative: none will */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static uint32_t closed;

static bool test_alloc_fails(void)
{
	return __atomic_load_n(&countdown, __ATOMIC_RELAXED) >= 0 && __atomic_fetch_sub(&countdown, 1, __ATOMIC_RELAXED) == 0;
}

static void on_closed(void *user)
{
	(void)user;
	pthread_mutex_lock(&lock);
	closed++;
	pthread_cond_broadcast(&changed);
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

static bool call_echo(weft_tools *tools)
{
	weft_arena *arena;
	weft_str text = { 0 };
	int r;

	if (weft_arena_create(0, &arena) < 0)
		return false;
	r = weft_tools_call(tools, WEFT_STR("t_echo"), WEFT_STR("{\"text\":\"hi\"}"), arena, &text);
	cr_assert(r < 0 || !text.ptr || weft_str_eq(text, WEFT_STR("hi")), "%.*s", WEFT_STR_ARG(text));
	weft_arena_destroy(arena);
	return r == 0 && text.ptr;
}

static bool request(weft_mcp *client)
{
	weft_arena *arena;
	weft_str text = { 0 };
	int r;

	if (weft_arena_create(0, &arena) < 0)
		return false;
	r = weft_mcp_request_wait(client, WEFT_STR("resources/list"), WEFT_STR("{}"), 0, arena, &text);
	weft_arena_destroy(arena);
	return r == 0;
}

/* True: all of it worked. */
static bool run(void)
{
	weft_mcp_options opt = WEFT_MCP_OPTIONS_INIT;
	weft_error err = { 0 };
	weft_tools *tools = NULL;
	weft_mcp *client;
	bool fine;
	int r;

	opt.name = "t";
	opt.command = MCP_SERVER;
	opt.backoff_ns = SECOND / 1000;
	/* A message that was lost for want of memory is not waited for. */
	opt.start_ns = opt.call_ns = __atomic_load_n(&countdown, __ATOMIC_RELAXED) < 0 ? 60 * SECOND : SECOND / 5;
	opt.hooks.closed = on_closed;
	r = weft_mcp_open(NULL, &opt, &client, &err);
	if (r < 0) {
		cr_assert(r == -ENOMEM || r == -ESHUTDOWN, "%s", err.message);
		return false;
	}
	fine = weft_tools_create(&tools) == 0 && weft_tools_add_mcp(tools, client, NULL, &err) == 11;
	cr_assert(fine || !tools || weft_tools_count(tools) == 0, "all of a server's tools or none");
	fine = fine && call_echo(tools);
	fine = request(client) && fine;
	weft_tools_unref(tools);
	weft_mcp_unref(client);
	wait_closed();
	return fine;
}

Test(mcp_oom, every_allocation_may_fail)
{
	weft_allocator allocator = test_failing_allocator();
	uint32_t broken = 0;
	long n = 0;

	cr_assert_eq(weft_allocator_set(&allocator), 0);
	cr_assert(run());
	for (;; n++) {
		__atomic_store_n(&countdown, n, __ATOMIC_RELAXED);
		broken += !run();
		if (__atomic_exchange_n(&countdown, -1, __ATOMIC_RELAXED) >= 0)
			break; /* it wanted no more than n */
		cr_assert(run(), "after %ld: it does not come back", n);
		cr_assert_lt(n, 3000);
	}
	fprintf(stderr, "%ld allocations, %u were missed\n", n, broken);
	cr_assert_gt(broken, 20);
}
