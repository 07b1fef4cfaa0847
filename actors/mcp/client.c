/* SPDX-License-Identifier: Apache-2.0 */
/*
 * actors/mcp/client.c - the life of a client, and what it tells its host.
 *
 * The engine holds the memory until it has closed; the users together hold it until the last of them
 * lets go, and then the engine is told to close. A loop that is retired closes the engine by itself.
 */
#include "actors/mcp/client.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "runtime/io/loop.h"
#include "runtime/loops.h"

#define STARTING 1 /* status */
#define NS_A_SECOND 1000000000u

static weft_mcp *of_engine(struct weft__mcp_client *engine)
{
	return (weft_mcp *)engine; /* its first member */
}

/* ---- memory ------------------------------------------------------------------------ */

static void client_free(weft_mcp *m)
{
	weft__mcp_catalog_unref(m->catalog);
	weft__mcp_oauth_free(m);
	weft_free(m->instructions);
	pthread_cond_destroy(&m->changed);
	pthread_mutex_destroy(&m->lock);
	weft_arena_destroy(m->arena);
	weft_free(m);
}

void weft__mcp_hold(weft_mcp *m)
{
	weft__refs_take(&m->holders);
}

void weft__mcp_release(weft_mcp *m)
{
	if (weft__refs_drop(&m->holders))
		client_free(m);
}

weft_mcp *weft_mcp_ref(weft_mcp *client)
{
	weft__refs_take(&client->users);
	return client;
}

/* Under the lock: the engine closes before its loop goes, and says so under the same lock. */
int weft__mcp_post(weft_mcp *m, struct weft__job *job)
{
	int r;

	pthread_mutex_lock(&m->lock);
	r = m->closed ? -ESHUTDOWN : weft__loop_post(m->loop, job);
	pthread_mutex_unlock(&m->lock);
	return r;
}

static void run_closing(struct weft__job *job)
{
	weft_mcp *m = (weft_mcp *)((char *)job - offsetof(weft_mcp, closing));

	weft__mcp_client_close(&m->engine);
	weft__mcp_release(m);
}

void weft_mcp_close(weft_mcp *m)
{
	if (!m || weft__xchg_acq_rel(&m->close_posted, 1))
		return;
	weft__mcp_hold(m);
	m->closing.run = run_closing;
	if (weft__mcp_post(m, &m->closing) < 0) /* it has closed by itself */
		weft__mcp_release(m);
}

void weft_mcp_unref(weft_mcp *m)
{
	if (!m || !weft__refs_drop(&m->users))
		return;
	weft_mcp_close(m);
	weft__mcp_release(m);
}

/* ---- what it says ------------------------------------------------------------------------ */

void weft__mcp_log(const weft_mcp *m, weft_log_level level, const char *what, weft_str text)
{
	char line[512];

	if (!m->options.log)
		return;
	snprintf(line, sizeof(line), "mcp %s: %s%s%.*s", m->options.name, what, text.len_bytes ? ": " : "",
	         (int)(text.len_bytes < 400 ? text.len_bytes : 400), text.len_bytes ? text.ptr : "");
	m->options.log(level, line, m->options.log_user);
}

/* Everybody who waits looks again. */
static void status_set(weft_mcp *m, int status, weft_str why)
{
	pthread_mutex_lock(&m->lock);
	m->status = status;
	m->info.up = status == 0;
	snprintf(m->why, sizeof(m->why), "%.*s", WEFT_STR_ARG(why));
	pthread_cond_broadcast(&m->changed);
	pthread_mutex_unlock(&m->lock);
}

static void text_set(char *to, size_t room, const char *text)
{
	snprintf(to, room, "%s", text ? text : "");
}

static void catalog_publish(weft_mcp *m)
{
	struct weft__mcp_catalog *old;

	pthread_mutex_lock(&m->lock);
	old = m->catalog;
	m->catalog = weft__mcp_catalog_ref(m->engine.catalog);
	m->info.tools = m->catalog->count;
	pthread_mutex_unlock(&m->lock);
	weft__mcp_catalog_unref(old);
}

static bool catalog_equal(const struct weft__mcp_catalog *a, const struct weft__mcp_catalog *b)
{
	if (!a || !b || a->count != b->count)
		return false;
	for (uint32_t i = 0; i < a->count; i++) {
		const struct weft__mcp_tool *x = &a->tools[i], *y = weft__mcp_catalog_find(b, x->name);

		if (!y || x->hints != y->hints || !weft_str_eq(x->schema, y->schema) ||
		    !weft_str_eq(x->description, y->description))
			return false;
	}
	return true;
}

/* A server that was restarted may have come back as another one. */
static void tools_look(weft_mcp *m)
{
	bool first = !m->catalog, same = catalog_equal(m->catalog, m->engine.catalog);

	if (same)
		return;
	catalog_publish(m);
	if (first)
		return;
	pthread_mutex_lock(&m->lock);
	m->info.changes++;
	pthread_mutex_unlock(&m->lock);
	weft__mcp_log(m, WEFT_LOG_INFO, "its tools have changed", (weft_str){ 0 });
	if (m->options.hooks.tools_changed)
		m->options.hooks.tools_changed(m, m->options.user);
}

static void on_up(struct weft__mcp_client *engine)
{
	weft_mcp *m = of_engine(engine);
	const struct weft__mcp_session *s = weft__mcp_client_session(engine);
	char *words = s->instructions ? weft_strndup(s->instructions, strlen(s->instructions)) : NULL, *old;

	pthread_mutex_lock(&m->lock);
	m->info.starts++;
	text_set(m->info.server, sizeof(m->info.server), s->server_name);
	text_set(m->info.server_version, sizeof(m->info.server_version), s->server_version);
	text_set(m->info.protocol, sizeof(m->info.protocol), s->version);
	old = m->instructions;
	m->instructions = words;
	pthread_mutex_unlock(&m->lock);
	weft_free(old);
	weft__mcp_log(m, WEFT_LOG_INFO, "is there", weft_str_from(s->server_name));
	tools_look(m);
	status_set(m, 0, (weft_str){ 0 });
	if (m->options.hooks.up)
		m->options.hooks.up(m, m->options.user);
}

static void on_down(struct weft__mcp_client *engine, int status, weft_str why, bool restarts)
{
	weft_mcp *m = of_engine(engine);
	char text[200];

	snprintf(text, sizeof(text), "%.*s", WEFT_STR_ARG(why));
	pthread_mutex_lock(&m->lock);
	m->info.losses += m->info.up;
	pthread_mutex_unlock(&m->lock);
	status_set(m, status, why);
	weft__mcp_log(m, WEFT_LOG_WARN, restarts ? "is down, will be started again" : "is down, the next call tries again", why);
	if (m->options.hooks.down)
		m->options.hooks.down(m, status, text, m->options.user);
}

static void on_tools_changed(struct weft__mcp_client *engine)
{
	tools_look(of_engine(engine));
}

static void on_changed(struct weft__mcp_client *engine, enum weft__mcp_listed what)
{
	weft_mcp *m = of_engine(engine);

	if (m->options.hooks.list_changed)
		m->options.hooks.list_changed(m, what == WEFT__MCP_LIST_PROMPTS ? "prompts" : "resources", m->options.user);
}

static void on_updated(struct weft__mcp_client *engine, weft_str uri)
{
	weft_mcp *m = of_engine(engine);

	if (m->options.hooks.resource_updated)
		m->options.hooks.resource_updated(m, uri, m->options.user);
}

/* The eight levels of syslog in our four. */
static weft_log_level level_of(weft_str level)
{
	if (weft_str_eq(level, WEFT_STR("debug")))
		return WEFT_LOG_DEBUG;
	if (weft_str_eq(level, WEFT_STR("info")) || weft_str_eq(level, WEFT_STR("notice")))
		return WEFT_LOG_INFO;
	return weft_str_eq(level, WEFT_STR("warning")) ? WEFT_LOG_WARN : WEFT_LOG_ERROR;
}

static void on_logged(struct weft__mcp_client *engine, weft_str level, weft_str logger, weft_str text)
{
	char what[64];

	snprintf(what, sizeof(what), "%.*s", (int)(logger.len_bytes < 60 ? logger.len_bytes : 60),
	         logger.len_bytes ? logger.ptr : "");
	weft__mcp_log(of_engine(engine), level_of(level), what, text);
}

static void on_asked(struct weft__mcp_client *engine, struct weft__mcp_asked *asked)
{
	weft__mcp_question_begin(of_engine(engine), asked);
}

static void on_gone(struct weft__mcp_client *engine, struct weft__mcp_asked *asked)
{
	weft__mcp_question_gone(of_engine(engine), asked);
}

static void on_chatter(struct weft__mcp_client *engine, const char *what, weft_str text)
{
	weft__mcp_log(of_engine(engine), WEFT_LOG_DEBUG, what, text);
}

static void closed_set(weft_mcp *m)
{
	pthread_mutex_lock(&m->lock);
	m->closed = true;
	m->info.up = false;
	pthread_cond_broadcast(&m->changed);
	pthread_mutex_unlock(&m->lock);
}

static void over(weft_mcp *m)
{
	closed_set(m);
	if (m->options.hooks.closed)
		m->options.hooks.closed(m->options.user);
	weft__mcp_release(m);
}

static void on_closed(struct weft__mcp_client *engine)
{
	weft__mcp_oauth_close(of_engine(engine), over);
}

static const struct weft__mcp_client_fns fns = { .up = on_up,
	                                         .down = on_down,
	                                         .tools_changed = on_tools_changed,
	                                         .changed = on_changed,
	                                         .updated = on_updated,
	                                         .logged = on_logged,
	                                         .asked = on_asked,
	                                         .gone = on_gone,
	                                         .chatter = on_chatter,
	                                         .closed = on_closed };

/* ---- opening ------------------------------------------------------------------------------ */

/* A loop that is being retired takes jobs and no residents: the client is closed before it was open. */
static void run_opening(struct weft__job *job)
{
	weft_mcp *m = (weft_mcp *)((char *)job - offsetof(weft_mcp, opening));

	m->engine.fns = &fns;
	if (weft__mcp_client_open(m->loop, &m->engine) == 0) {
		weft__mcp_oauth_open(m);
		return;
	}
	weft__mcp_client_refuse(&m->engine);
	over(m);
}

static weft_mcp *client_make(void)
{
	weft_mcp *m = weft_calloc(1, sizeof(*m));
	pthread_condattr_t attr;

	if (!m)
		return NULL;
	if (weft_arena_create(0, &m->arena) < 0) {
		weft_free(m);
		return NULL;
	}
	weft_arena_wipe_at_end(m->arena); /* headers and variables with keys */
	weft__refs_init(&m->users, 1);
	weft__refs_init(&m->holders, 1);
	m->status = STARTING;
	m->info.size = sizeof(m->info);
	pthread_mutex_init(&m->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&m->changed, &attr);
	pthread_condattr_destroy(&attr);
	return m;
}

int weft_mcp_open(weft_runtime *rt, const weft_mcp_options *opt, weft_mcp **ret_client, weft_error *err)
{
	weft_mcp *m;
	int r;

	if (!ret_client || !opt || opt->size != sizeof(*opt))
		return weft_error_set(err, -EINVAL, "an MCP client needs options of the right size, and somewhere to go");
	m = client_make();
	if (!m)
		return weft_error_set(err, -ENOMEM, "out of memory");
	r = weft__mcp_options_take(m, opt, err);
	if (r < 0)
		goto failed;
	m->loop = rt ? weft__loop_any(rt) : weft__loop_own();
	r = m->loop ? 0 : weft_error_set(err, -ESHUTDOWN, rt ? "the runtime is not running" : "there is no thread to run it on");
	if (r < 0)
		goto failed;
	weft__mcp_hold(m); /* the engine's */
	m->opening.run = run_opening;
	r = weft__loop_post(m->loop, &m->opening);
	if (r < 0) {
		weft_error_set(err, r, "the runtime is ending");
		goto failed;
	}
	*ret_client = m;
	return 0;
failed:
	client_free(m);
	return r == -ENOMEM ? weft_error_set(err, r, "out of memory") : r;
}

/* ---- looking ----------------------------------------------------------------------------------- */

static struct timespec moment(uint64_t from_now_ns)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	t.tv_sec += (time_t)(from_now_ns / NS_A_SECOND);
	t.tv_nsec += (long)(from_now_ns % NS_A_SECOND);
	if (t.tv_nsec >= (long)NS_A_SECOND) {
		t.tv_sec++;
		t.tv_nsec -= (long)NS_A_SECOND;
	}
	return t;
}

int weft_mcp_wait(weft_mcp *m, uint64_t timeout_ns, weft_error *err)
{
	struct timespec until = moment(timeout_ns < UINT64_MAX / 4 ? timeout_ns : UINT64_MAX / 4);
	bool may_wait = !weft__loop_here();
	int r = 0;

	pthread_mutex_lock(&m->lock);
	while (m->status == STARTING && !m->closed && may_wait && r == 0)
		r = -pthread_cond_timedwait(&m->changed, &m->lock, &until);
	if (m->closed)
		r = weft_error_set(err, -ESHUTDOWN, "MCP server '%s' was closed", m->options.name);
	else if (m->status < 0)
		r = weft_error_set(err, m->status, "MCP server '%s': %s", m->options.name, m->why);
	else if (m->status == 0)
		r = 0;
	else if (!may_wait)
		r = weft_error_set(err, -EDEADLK, "MCP server '%s' is still starting, and this thread must not wait", m->options.name);
	else
		r = weft_error_set(err, -ETIMEDOUT, "MCP server '%s' did not start in time", m->options.name);
	pthread_mutex_unlock(&m->lock);
	return r;
}

int weft_mcp_get_info(const weft_mcp *client, weft_mcp_info *ret_info)
{
	weft_mcp *m = (weft_mcp *)(uintptr_t)client; /* the lock is written */

	if (!m || !ret_info || ret_info->size != sizeof(*ret_info))
		return -EINVAL;
	pthread_mutex_lock(&m->lock);
	*ret_info = m->info;
	pthread_mutex_unlock(&m->lock);
	return 0;
}

int weft_mcp_instructions(weft_mcp *m, weft_arena *arena, weft_str *ret_text)
{
	weft_str text;

	pthread_mutex_lock(&m->lock);
	text = weft_arena_dup(arena, weft_str_from(m->instructions ? m->instructions : ""));
	pthread_mutex_unlock(&m->lock);
	if (!text.ptr)
		return -ENOMEM;
	*ret_text = text;
	return 0;
}

uint64_t weft__mcp_start_span_ns(const weft_mcp *m)
{
	return weft__after_ns(m->options.start_ns, weft__mcp_oauth_person_ns(m));
}

uint64_t weft__mcp_patience(const weft_mcp *m)
{
	return weft__after_ns(weft_now_ns(), weft__mcp_start_span_ns(m));
}
