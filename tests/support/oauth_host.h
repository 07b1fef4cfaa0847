/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tests/support/oauth_host.h - a host with one MCP client that wants authorization, and a person in a browser: on the library's port, or
 * on a page of the host's. A test sets opt, oauth, manner and the world, opens, calls, and ends. Everything that the host is told is
 * searched for secrets.
 */
#ifndef WEFT_TESTS_SUPPORT_OAUTH_HOST_H
#define WEFT_TESTS_SUPPORT_OAUTH_HOST_H

#include <pthread.h>
#include <unistd.h>

#include <weft/mcp.h>

#include "tests/support/actors.h"
#include "tests/support/http_ask.h"
#include "tests/support/oauth_server.h"

#define MS UINT64_C(1000000)
#define SECOND (1000 * MS)
#define CROWD 48

/* What the person does. */
enum manner { COMES_BACK, TELLS_THE_HOST, REFUSES, IS_DENIED, LIES_FIRST, IS_CROWDED_OUT, NEVER };

static struct oauth_world world;
static enum manner manner;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;

/* What the hooks saw, under lock. */
static struct seen {
	char url[4096]; /* of a person who was asked and has not looked yet */
	weft_mcp *client;
	uint32_t opens, overs, saves, closed;
	bool ends;
	char saved[4096], log[16384], scopes[512];
} seen;

static char server_url[64];

/* The servers' thread reads what the test sets, and the test what it counted. */
#define SET(statement)                                                                                     \
	do {                                                                                               \
		pthread_mutex_lock(&world.lock);                                                           \
		statement;                                                                                 \
		pthread_mutex_unlock(&world.lock);                                                         \
	} while (0)

static inline const struct oauth_world *is_now(void)
{
	static struct oauth_world copy;

	SET(copy = world);
	return &copy;
}

static inline const struct seen *was_seen(void)
{
	static struct seen copy;

	pthread_mutex_lock(&lock);
	copy = seen;
	pthread_mutex_unlock(&lock);
	return &copy;
}
static pthread_t person;

/* ---- the host ------------------------------------------------------------------------- */

static inline void on_log(weft_log_level level, const char *line, void *user)
{
	size_t n;

	(void)level;
	(void)user;
	pthread_mutex_lock(&lock);
	n = strlen(seen.log);
	snprintf(seen.log + n, sizeof(seen.log) - n, "%s\n", line);
	pthread_mutex_unlock(&lock);
}

static inline void on_open(weft_mcp *client, const char *url, void *user)
{
	char scope[512];

	cr_assert_eq(user, &seen);
	pthread_mutex_lock(&lock);
	seen.opens++;
	seen.client = client;
	snprintf(seen.url, sizeof(seen.url), "%s", url);
	snprintf(seen.scopes + strlen(seen.scopes), sizeof(seen.scopes) - strlen(seen.scopes), "%s;", oauth_param(url, "scope", scope));
	pthread_cond_broadcast(&changed);
	pthread_mutex_unlock(&lock);
}

static inline void count(uint32_t *what)
{
	pthread_mutex_lock(&lock);
	(*what)++;
	pthread_cond_broadcast(&changed);
	pthread_mutex_unlock(&lock);
}

static inline void on_over(weft_mcp *client, void *user)
{
	(void)client;
	(void)user;
	count(&seen.overs);
}

static inline void on_closed(void *user)
{
	(void)user;
	count(&seen.closed);
}

static inline int on_load(const char *url, weft_arena *arena, weft_str *ret_text, void *user)
{
	(void)user;
	cr_assert_str_eq(url, server_url);
	*ret_text = weft_arena_dup(arena, weft_str_from(was_seen()->saved));
	return 0;
}

static inline void on_save(weft_mcp *client, const char *url, const char *text, void *user)
{
	(void)client;
	(void)user;
	cr_assert_str_eq(url, server_url);
	pthread_mutex_lock(&lock);
	seen.saves++;
	snprintf(seen.saved, sizeof(seen.saved), "%s", text ? text : "");
	pthread_mutex_unlock(&lock);
}

static inline void wait_for(const uint32_t *what, uint32_t n)
{
	pthread_mutex_lock(&lock);
	while (*what < n)
		pthread_cond_wait(&changed, &lock);
	pthread_mutex_unlock(&lock);
}

/* ---- the person --------------------------------------------------------------------------- */

/* Where the address says that the browser shall come back to: its port, and that it is ours. */
static inline void come_back(const char *url, const char *query, int expected)
{
	char target[256];
	struct answer a;

	snprintf(target, sizeof(target), "/callback%s", query);
	a = http_ask(oauth_redirect_port(url), target, "", NULL);
	cr_assert_eq(a.status, expected, "%d: %s", a.status, a.head);
	answer_free(&a);
}

static inline void answer_as(weft_mcp *client, const char *url)
{
	char query[128], value[512];
	int fds[CROWD];

	switch (manner) {
	case IS_CROWDED_OUT:
		oauth_crowd(url, fds, CROWD);
		oauth_agree(&world, url, query);
		come_back(url, query, 200);
		for (int i = 0; i < CROWD; i++)
			close(fds[i]);
		break;
	case LIES_FIRST:
		come_back(url, "?code=x&state=y", 400);
		come_back(url, "", 400);
		oauth_agree(&world, url, query);
		come_back(url, query, 200);
		break;
	case COMES_BACK:
		oauth_agree(&world, url, query);
		come_back(url, query, 200);
		break;
	case TELLS_THE_HOST:
		cr_assert_eq(weft_mcp_authorize(client, WEFT_STR("https://host/page?code=x&state=y")), 0, "passed over");
		oauth_agree(&world, url, query);
		cr_assert_eq(weft_mcp_authorize(client, weft_str_from(query)), 0);
		break;
	case REFUSES:
		cr_assert_eq(weft_mcp_refuse(client), 0);
		break;
	case IS_DENIED:
		snprintf(query, sizeof(query), "?error=access_denied&state=%s", oauth_param(url, "state", value));
		come_back(url, query, 200);
		break;
	case NEVER:
		break;
	}
}

static inline void *be_a_person(void *arg)
{
	char url[sizeof(seen.url)];
	weft_mcp *client;

	(void)arg;
	for (;;) {
		pthread_mutex_lock(&lock);
		while (!seen.url[0] && !seen.ends)
			pthread_cond_wait(&changed, &lock);
		memcpy(url, seen.url, sizeof(url));
		client = seen.client;
		seen.url[0] = '\0';
		pthread_mutex_unlock(&lock);
		if (!url[0])
			return NULL;
		answer_as(client, url);
	}
}

/* ---- a client ---------------------------------------------------------------------------------- */

static weft_mcp_options opt;
static weft_mcp_oauth oauth;
static weft_mcp *client;
static weft_tools *tools;

static inline void begin(void)
{
	memset(&world, 0, sizeof(world));
	memset(&seen, 0, sizeof(seen));
	oauth_world_begin(&world);
	oauth_url(&world, OAUTH_RESOURCE, "/mcp", server_url, sizeof(server_url));
	oauth = (weft_mcp_oauth)WEFT_MCP_OAUTH_INIT;
	oauth.open = on_open;
	oauth.over = on_over;
	oauth.user = &seen;
	opt = (weft_mcp_options)WEFT_MCP_OPTIONS_INIT;
	opt.name = "w";
	opt.url = server_url;
	opt.proxy = "";
	opt.oauth = &oauth;
	opt.log = on_log;
	opt.hooks.closed = on_closed;
	manner = COMES_BACK;
	cr_assert_eq(pthread_create(&person, NULL, be_a_person, NULL), 0);
}

static inline int client_open(weft_error *err)
{
	int r;

	cr_assert_eq(weft_mcp_open(NULL, &opt, &client, err), 0, "%s", err->message);
	cr_assert_eq(weft_tools_create(&tools), 0);
	r = weft_tools_add_mcp(tools, client, "", err);
	return r < 0 ? r : 0;
}

/* The last reference goes: all of it has ended when this returns. */
static inline void client_end(void)
{
	uint32_t before = was_seen()->closed;

	weft_tools_unref(tools);
	weft_mcp_unref(client);
	wait_for(&seen.closed, before + 1);
	cr_assert_eq(is_now()->leaks, 0);
	cr_assert_null(strstr(was_seen()->log, "SECRET"), "%s", was_seen()->log);
}

static inline void end(void)
{
	pthread_mutex_lock(&lock);
	seen.ends = true;
	pthread_cond_broadcast(&changed);
	pthread_mutex_unlock(&lock);
	pthread_join(person, NULL);
	oauth_world_end(&world);
}

static inline void must_open(void)
{
	weft_error err = { 0 };

	cr_assert_eq(client_open(&err), 0, "%s", err.message);
}

/* 0, and the text is "well"; or negative, and it is in why. */
static inline int call(char *why, size_t room)
{
	weft_arena *arena;
	weft_str text = { "", 0 };
	int r;

	cr_assert_eq(weft_arena_create(0, &arena), 0);
	r = weft_tools_call(tools, WEFT_STR("echo"), WEFT_STR("{}"), arena, &text);
	if (r == 0)
		cr_assert(weft_str_eq(text, WEFT_STR("well")), "%.*s", WEFT_STR_ARG(text));
	snprintf(why, room, "%.*s", WEFT_STR_ARG(text));
	cr_assert_null(strstr(why, "SECRET"), "%s", why);
	weft_arena_destroy(arena);
	return r;
}

static inline void must_call(void)
{
	char why[400];

	cr_assert_eq(call(why, sizeof(why)), 0, "%s", why);
}

static inline void must_fail(const char *part)
{
	char why[400];

	cr_assert_neq(call(why, sizeof(why)), 0);
	cr_assert_not_null(strstr(why, part), "%s", why);
}

static inline void must_not_open(int status, const char *part)
{
	weft_error err = { 0 };

	cr_assert_eq(client_open(&err), status, "%s", err.message);
	cr_assert_not_null(strstr(err.message, part), "%s", err.message);
	cr_assert_null(strstr(err.message, "SECRET"), "%s", err.message);
}

#endif
