/* SPDX-License-Identifier: Apache-2.0 */
/*
 * net/mcp/client.c - see client.h. A link is a transport with its session; a lost one is closed at its own
 * pace while the next one may be there already.
 */
#include "net/mcp/client.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <weft/runtime.h>

#include "net/oauth/oauth.h"
#include "runtime/base/assert.h"

enum { STARTING, UP, PAUSE, FAILED, CLOSING };

struct weft__mcp_link {
	union {
		struct weft__mcp_transport transport; /* first of both */
		struct weft__mcp_program program;
		struct weft__mcp_http http;
	};
	struct weft__mcp_session session;
	struct weft__mcp_client *client;
	struct weft__mcp_link *next; /* among the dying */
	struct weft__mcp_list list;  /* of its tools */
	struct weft__mcp_catalog *catalog; /* being listed; owned */
	bool listing, again; /* under way; and once more after it */
};

static struct weft__mcp_link *of_transport(struct weft__mcp_transport *t)
{
	return (struct weft__mcp_link *)t; /* its first member */
}

static struct weft__mcp_link *of_session(struct weft__mcp_session *s)
{
	return (struct weft__mcp_link *)((char *)s - offsetof(struct weft__mcp_link, session));
}

static bool is_current(const struct weft__mcp_link *link)
{
	return link->client->link == link;
}

/* ---- tasks --------------------------------------------------------------------------- */

static void task_go(struct weft__mcp_client *c, struct weft__mcp_task *task)
{
	int r = task->go(task, &c->link->session);

	if (r < 0)
		task->fail(task, r, weft_str_from(weft_strerror(r)));
}

static struct weft__mcp_task *task_take(struct weft__mcp_client *c, struct weft__mcp_task **at)
{
	struct weft__mcp_task *task = *at;

	*at = task->next;
	if (!*at)
		c->tasks_end = at;
	task->waits = false;
	return task;
}

static void task_fail(struct weft__mcp_task *task, int status, const char *fmt, const char *why)
{
	char text[300];

	snprintf(text, sizeof(text), fmt, why);
	task->fail(task, status, weft_str_from(text));
}

static void tasks_fail(struct weft__mcp_client *c, int status)
{
	while (c->tasks)
		task_fail(task_take(c, &c->tasks), status, "%s", c->why);
}

static struct weft__mcp_task **task_expired(struct weft__mcp_client *c, uint64_t now_ns)
{
	struct weft__mcp_task **at = &c->tasks;

	while (*at && (*at)->until_ns > now_ns)
		at = &(*at)->next;
	return *at ? at : NULL;
}

/* Who fails may take others back or bring new ones: begin again each time. */
static void tasks_expire(struct weft__mcp_client *c, uint64_t now_ns)
{
	struct weft__mcp_task **at;

	while ((at = task_expired(c, now_ns)))
		task_fail(task_take(c, at), -ETIMEDOUT, "the server is not there yet: %s", c->why);
}

/* ---- time ------------------------------------------------------------------------------- */

static void start(struct weft__mcp_client *c);

static void on_alarm(struct weft__alarm *alarm)
{
	struct weft__mcp_client *c = (struct weft__mcp_client *)((char *)alarm - offsetof(struct weft__mcp_client, alarm));
	uint64_t now_ns = weft_now_ns();

	if (c->link)
		weft__mcp_tick(&c->link->session);
	tasks_expire(c, now_ns);
	if (c->state == PAUSE && c->retry_ns <= now_ns)
		start(c);
	weft__mcp_client_touched(c);
}

void weft__mcp_client_touched(struct weft__mcp_client *c)
{
	uint64_t due = c->state == PAUSE ? c->retry_ns : UINT64_MAX;

	if (c->state == CLOSING)
		return;
	if (c->link && weft__mcp_due(&c->link->session) < due)
		due = weft__mcp_due(&c->link->session);
	for (struct weft__mcp_task *task = c->tasks; task; task = task->next)
		due = task->until_ns < due ? task->until_ns : due;
	if (due == UINT64_MAX)
		weft__loop_alarm_off(c->loop, &c->alarm);
	else
		weft__loop_alarm(c->loop, &c->alarm, due, on_alarm);
}

/* ---- links come and go ----------------------------------------------------------------------- */

static void link_free(struct weft__mcp_link *link)
{
	weft__mcp_catalog_unref(link->catalog);
	weft__mcp_fini(&link->session);
	weft_free(link);
}

static void tell_closed(struct weft__job *job)
{
	struct weft__mcp_client *c = (struct weft__mcp_client *)((char *)job - offsetof(struct weft__mcp_client, job));

	weft__mcp_catalog_unref(c->catalog);
	c->catalog = NULL;
	c->fns->closed(c);
}

static void close_when_idle(struct weft__mcp_client *c)
{
	if (c->state != CLOSING || c->dying || c->job.run)
		return;
	c->job.run = tell_closed;
	weft__loop_later(c->loop, &c->job);
}

/* The session is over for everybody; its transport takes its time. */
static void link_end(struct weft__mcp_link *link, int status, weft_str why)
{
	struct weft__mcp_client *c = link->client;

	WEFT_ASSERT(is_current(link));
	c->link = NULL;
	link->next = c->dying;
	c->dying = link;
	weft__mcp_lost(&link->session, status, why);
	link->transport.close(&link->transport);
}

static uint64_t pause_after(const struct weft__mcp_client *c, int status)
{
	uint64_t pause = c->options.backoff_ns;

	if (status == -ESTALE && c->failures == 1)
		return 0; /* it is well, and only forgot us */
	for (uint32_t i = 1; i < c->failures && pause < c->options.backoff_ns_max; i++)
		pause *= 2;
	return pause < c->options.backoff_ns_max ? pause : c->options.backoff_ns_max;
}

/* No session: say so to all who wait or asked, and see when to try again. link may be NULL: there was not even one. */
static void down(struct weft__mcp_client *c, struct weft__mcp_link *link, int status, weft_str why)
{
	bool was_up = c->state == UP;
	char text[sizeof(c->why)];

	if (c->state == CLOSING)
		return;
	if (was_up && weft_now_ns() - c->up_ns >= c->options.backoff_ns_max)
		c->failures = 0;
	c->failures++;
	snprintf(text, sizeof(text), "%.*s", WEFT_STR_ARG(why)); /* why may lie in what goes now */
	memcpy(c->why, text, sizeof(text));
	c->retry_ns = weft_now_ns() + pause_after(c, status);
	/* one that does not let us in will not do so for being asked again */
	c->state = status == -EACCES || c->failures > c->options.restarts_max ? FAILED : PAUSE;
	if (link) /* a call that fails with -ESTALE was not looked at: these may have been */
		link_end(link, status == -ESTALE ? -EPIPE : status, weft_str_from(text));
	if (!was_up)
		tasks_fail(c, status);
	if (c->state != CLOSING)
		c->fns->down(c, status, weft_str_from(text), c->state == PAUSE);
}

/* ---- what a link tells --------------------------------------------------------------------------- */

/* What the server was given in secret. */
static void veil_make(struct weft__mcp_client *c)
{
	const struct weft__mcp_http_options *http = &c->options.http;
	const char *const *env = c->options.program.argv ? c->options.program.envp : NULL;

	c->veil.count = 0;
	for (; env && *env; env++) {
		size_t n = strcspn(*env, "=");

		if ((*env)[n])
			weft__veil_add_named(&c->veil, (weft_str){ *env, n }, weft_str_from(*env + n + 1));
	}
	for (uint32_t i = 0; i < http->field_count; i++)
		weft__veil_add_named(&c->veil, http->fields[i].name, http->fields[i].value);
}

/* As weft__veil_cover, but that it is a text in any case. */
static weft_str veiled(struct weft__mcp_client *c, weft_str text, char **ret_copy)
{
	const struct weft__oauth *oauth = c->options.http.oauth;
	weft_str covered;

	if (oauth) {
		c->veil.token = weft__oauth_token(oauth);
		c->veil.past = weft__oauth_past_token(oauth);
	}
	covered = weft__veil_cover(&c->veil, text, ret_copy);
	return covered.ptr || !text.len_bytes ? covered : WEFT_STR("out of memory");
}

static void heard_message(struct weft__mcp_transport *t, weft_str text)
{
	struct weft__mcp_link *link = of_transport(t);
	char *copy;

	weft__mcp_received(&link->session, veiled(link->client, text, &copy));
	weft__mcp_client_touched(link->client);
	weft_free(copy);
}

static void heard_failed(struct weft__mcp_transport *t, int64_t id, int status, weft_str why)
{
	struct weft__mcp_link *link = of_transport(t);
	char *copy;

	weft__mcp_failed(&link->session, id, status, veiled(link->client, why, &copy));
	weft__mcp_client_touched(link->client);
	weft_free(copy);
}

static void heard_lost(struct weft__mcp_transport *t, int status, weft_str why)
{
	struct weft__mcp_link *link = of_transport(t);
	struct weft__mcp_client *c = link->client;
	char *copy;

	why = veiled(c, why, &copy);
	if (is_current(link))
		down(c, link, status, why);
	weft__mcp_client_touched(c);
	weft_free(copy);
}

static bool heard_is_awaited(struct weft__mcp_transport *t, int64_t id)
{
	return weft__mcp_is_awaited(&of_transport(t)->session, id);
}

static void heard_held(struct weft__mcp_transport *t, int64_t id, bool held)
{
	struct weft__mcp_link *link = of_transport(t);

	weft__mcp_held(&link->session, id, held);
	weft__mcp_client_touched(link->client);
}

static void heard_chatter(struct weft__mcp_transport *t, weft_str text)
{
	struct weft__mcp_link *link = of_transport(t);
	char *copy;

	link->client->fns->chatter(link->client, "says", veiled(link->client, text, &copy));
	weft_free(copy);
}

static void heard_closed(struct weft__mcp_transport *t)
{
	struct weft__mcp_link *link = of_transport(t);
	struct weft__mcp_client *c = link->client;
	struct weft__mcp_link **at = &c->dying;

	while (*at != link)
		at = &(*at)->next;
	*at = link->next;
	link_free(link);
	close_when_idle(c);
}

static const struct weft__mcp_heard heard = { .message = heard_message,
	                                      .failed = heard_failed,
	                                      .lost = heard_lost,
	                                      .is_awaited = heard_is_awaited,
	                                      .held = heard_held,
	                                      .chatter = heard_chatter,
	                                      .closed = heard_closed };

/* ---- the tools ------------------------------------------------------------------------------------- */

static void list_begin(struct weft__mcp_link *link);

static int on_tool(struct weft__mcp_list *list, weft_json item)
{
	struct weft__mcp_link *link = (struct weft__mcp_link *)((char *)list - offsetof(struct weft__mcp_link, list));
	weft_str name = WEFT_STR("(no name)");
	int r = weft__mcp_catalog_add(link->catalog, item);

	if (r != -EBADMSG && r != -EEXIST)
		return r;
	weft_json_get_str(weft_json_find(item, WEFT_STR("name")), &name);
	link->client->fns->chatter(link->client, r == -EEXIST ? "offers a tool twice" : "offers a tool without a name or schema", name);
	return 0;
}

/* Everything is there: whoever waited may ask. */
static void up(struct weft__mcp_link *link)
{
	struct weft__mcp_client *c = link->client;

	c->state = UP;
	c->up_ns = weft_now_ns();
	c->why[0] = '\0';
	c->fns->up(c);
	while (c->state == UP && c->tasks)
		task_go(c, task_take(c, &c->tasks));
}

static void catalog_take(struct weft__mcp_link *link)
{
	struct weft__mcp_client *c = link->client;

	weft__mcp_catalog_unref(c->catalog);
	c->catalog = link->catalog; /* ownership moved */
	link->catalog = NULL;
	if (c->state == STARTING)
		up(link);
	else
		c->fns->tools_changed(c);
}

static void on_listed(struct weft__mcp_list *list, int status, weft_str why)
{
	struct weft__mcp_link *link = (struct weft__mcp_link *)((char *)list - offsetof(struct weft__mcp_link, list));
	struct weft__mcp_client *c = link->client;

	link->listing = false;
	if (!is_current(link))
		return;
	if (status == 0)
		catalog_take(link);
	else if (c->state == STARTING)
		down(c, link, status, why);
	else
		c->fns->chatter(c, "could not list its tools again", why);
	if (is_current(link) && link->again)
		list_begin(link);
}

static void list_begin(struct weft__mcp_link *link)
{
	struct weft__mcp_client *c = link->client;
	int r;

	link->again = false;
	weft__mcp_catalog_unref(link->catalog);
	link->catalog = weft__mcp_catalog_create();
	if (!link->catalog) {
		if (c->state == STARTING)
			down(c, link, -ENOMEM, WEFT_STR("out of memory"));
		return;
	}
	link->list = (struct weft__mcp_list){ .item = on_tool, .done = on_listed };
	r = weft__mcp_list_start(&link->session, &link->list, WEFT__MCP_LIST_TOOLS);
	link->listing = r == 0;
	if (r == -EOPNOTSUPP)
		catalog_take(link); /* it has none, and said so */
	else if (r < 0 && c->state == STARTING)
		down(c, link, r, WEFT_STR("the tools could not be listed"));
}

/* ---- what a session tells --------------------------------------------------------------------------- */

static void on_ready(struct weft__mcp_session *s, int status, weft_str why)
{
	struct weft__mcp_link *link = of_session(s);

	if (!is_current(link))
		return;
	if (status == 0)
		list_begin(link);
	else
		down(link->client, link, status, why);
}

static void on_changed(struct weft__mcp_session *s, enum weft__mcp_listed what)
{
	struct weft__mcp_link *link = of_session(s);

	if (what != WEFT__MCP_LIST_TOOLS)
		link->client->fns->changed(link->client, what);
	else if (link->listing)
		link->again = true;
	else
		list_begin(link);
}

static void on_updated(struct weft__mcp_session *s, weft_str uri)
{
	struct weft__mcp_client *c = of_session(s)->client;

	c->fns->updated(c, uri);
}

static void on_logged(struct weft__mcp_session *s, weft_str level, weft_str logger, weft_str text)
{
	struct weft__mcp_client *c = of_session(s)->client;

	c->fns->logged(c, level, logger, text);
}

static void on_asked(struct weft__mcp_session *s, struct weft__mcp_asked *asked)
{
	struct weft__mcp_client *c = of_session(s)->client;

	c->fns->asked(c, asked);
}

static void on_gone(struct weft__mcp_session *s, struct weft__mcp_asked *asked)
{
	struct weft__mcp_client *c = of_session(s)->client;

	c->fns->gone(c, asked);
}

static void on_odd(struct weft__mcp_session *s, const char *what, weft_str text)
{
	struct weft__mcp_client *c = of_session(s)->client;

	c->fns->chatter(c, what, text);
}

static const struct weft__mcp_session_fns session_fns = { .ready = on_ready,
	                                                  .changed = on_changed,
	                                                  .updated = on_updated,
	                                                  .logged = on_logged,
	                                                  .asked = on_asked,
	                                                  .gone = on_gone,
	                                                  .odd = on_odd };

/* ---- a start ------------------------------------------------------------------------------------------ */

static struct weft__mcp_link *link_make(struct weft__mcp_client *c)
{
	struct weft__mcp_link *link = weft_calloc(1, sizeof(*link));

	if (!link)
		return NULL;
	link->client = c;
	link->transport.heard = &heard;
	if (weft__mcp_init(&link->session, &session_fns, &c->options.config, &link->transport) < 0) {
		weft_free(link);
		return NULL;
	}
	return link;
}

static int transport_open(struct weft__mcp_client *c, struct weft__mcp_link *link, weft_error *err)
{
	int r;

	if (c->options.program.argv)
		return weft__mcp_program_open(c->loop, &link->program, &c->options.program, err);
	r = weft__mcp_http_open(c->loop, &link->http, &c->options.http);
	return r < 0 ? weft_error_set(err, r, "%s", weft_strerror(r)) : 0;
}

static void start(struct weft__mcp_client *c)
{
	struct weft__mcp_link *link = link_make(c);
	weft_error err = { 0 };
	int r;

	c->state = STARTING;
	if (!link) {
		down(c, NULL, -ENOMEM, WEFT_STR("out of memory"));
		return;
	}
	r = transport_open(c, link, &err);
	if (r < 0) {
		link_free(link);
		down(c, NULL, r, weft_str_from(err.message));
		return;
	}
	c->link = link;
	r = weft__mcp_start(&link->session);
	if (r < 0)
		down(c, link, r, WEFT_STR("the handshake could not be sent"));
}

static void start_now(struct weft__job *job)
{
	struct weft__mcp_client *c = (struct weft__mcp_client *)((char *)job - offsetof(struct weft__mcp_client, job));

	job->run = NULL;
	if (c->state == STARTING)
		start(c);
	weft__mcp_client_touched(c);
	close_when_idle(c);
}

static void start_later(struct weft__mcp_client *c)
{
	c->state = STARTING;
	c->job.run = start_now;
	weft__loop_later(c->loop, &c->job);
}

static void on_retire(struct weft__resident *resident)
{
	weft__mcp_client_close((struct weft__mcp_client *)((char *)resident - offsetof(struct weft__mcp_client, resident)));
}

/* ---- from outside --------------------------------------------------------------------------------------- */

int weft__mcp_client_open(struct weft__loop *loop, struct weft__mcp_client *c)
{
	int r;

	c->loop = loop;
	c->resident.close = on_retire;
	r = weft__loop_attach(loop, &c->resident);
	if (r < 0)
		return r;
	veil_make(c);
	c->tasks_end = &c->tasks;
	snprintf(c->why, sizeof(c->why), "it is being started");
	start_later(c);
	return 0;
}

void weft__mcp_client_refuse(struct weft__mcp_client *c)
{
	c->state = CLOSING;
}

struct weft__mcp_session *weft__mcp_client_session(struct weft__mcp_client *c)
{
	return c->state == UP ? &c->link->session : NULL;
}

static void task_wait(struct weft__mcp_client *c, struct weft__mcp_task *task)
{
	task->next = NULL;
	task->waits = true;
	*c->tasks_end = task;
	c->tasks_end = &task->next;
}

void weft__mcp_client_submit(struct weft__mcp_client *c, struct weft__mcp_task *task)
{
	if (c->state == CLOSING) { /* it may have closed: with the task's end, c may go */
		task->fail(task, -ECANCELED, WEFT_STR("the client of the server was closed"));
		return;
	}
	if (c->state == UP) {
		task_go(c, task);
	} else if (c->state == FAILED && c->retry_ns > weft_now_ns()) {
		task_fail(task, -EHOSTDOWN, "the server keeps failing: %s", c->why);
	} else {
		task_wait(c, task);
		if (c->state == FAILED)
			start_later(c);
	}
	weft__mcp_client_touched(c);
}

bool weft__mcp_client_withdraw(struct weft__mcp_client *c, struct weft__mcp_task *task)
{
	struct weft__mcp_task **at = &c->tasks;

	if (!task->waits)
		return false;
	while (*at != task)
		at = &(*at)->next;
	task_take(c, at);
	return true;
}

void weft__mcp_client_close(struct weft__mcp_client *c)
{
	if (c->state == CLOSING)
		return;
	c->state = CLOSING;
	weft__loop_detach(c->loop, &c->resident);
	weft__loop_alarm_off(c->loop, &c->alarm);
	snprintf(c->why, sizeof(c->why), "the client of the server was closed");
	if (c->link)
		link_end(c->link, -ECANCELED, weft_str_from(c->why));
	tasks_fail(c, -ECANCELED);
	close_when_idle(c);
}
