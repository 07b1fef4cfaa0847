/* SPDX-License-Identifier: Apache-2.0 */
/*
 * net/http/client/client.c - the client of a loop: made by the first call, ended with the loop.
 *
 * When the loop ends, every call is over at once, and every connection is closed; the client itself goes with
 * the last of them, still inside the loop's retirement.
 */
#include <errno.h>
#include <stdlib.h>

#include <weft/alloc.h>

#include "net/http/client/parts.h"
#include "runtime/base/assert.h"
#include "runtime/base/clock.h"
#include "runtime/base/log.h"

static const char key; /* its address is what a loop finds its client by */

static const struct weft__http_config defaults = WEFT__HTTP_CONFIG_INIT;

/* ---- end ---------------------------------------------------------------------------------------- */

static void client_free(struct weft__http_client *c)
{
	for (uint32_t i = 0; i < WEFT__HTTP_ORIGIN_BUCKETS; i++) {
		while (!TAILQ_EMPTY(&c->buckets[i]))
			weft__http_origin_free(TAILQ_FIRST(&c->buckets[i]));
	}
	weft__resolver_destroy(c->resolver);
	weft__proxies_fini(&c->proxies);
	weft_free(c);
}

void weft__http_client_maybe_free(struct weft__http_client *client)
{
	if (client->closing && TAILQ_EMPTY(&client->wires) && TAILQ_EMPTY(&client->flights))
		client_free(client);
}

/* In the loop's retirement. */
static void client_close(struct weft__resident *resident)
{
	struct weft__http_client *c = (struct weft__http_client *)resident;
	struct weft__http_flight *f, *next_flight;
	struct weft__http_wire *w, *next_wire;

	c->closing = true;
	weft__loop_alarm_off(c->loop, &c->idle_alarm);
	for (f = TAILQ_FIRST(&c->flights); f; f = next_flight) {
		next_flight = TAILQ_NEXT(f, all);
		weft__http_flight_fail(f, -ECANCELED, "the runtime ends");
	}
	for (w = TAILQ_FIRST(&c->wires); w; w = next_wire) {
		next_wire = TAILQ_NEXT(w, all);
		weft__http_wire_close(w);
	}
	weft__http_client_maybe_free(c);
}

/* ---- begin ---------------------------------------------------------------------------------------- */

static struct weft__http_client *client_new(struct weft__loop *loop)
{
	struct weft__http_client *c = weft_calloc(1, sizeof(*c));

	if (!c)
		return NULL;
	c->loop = loop;
	c->resident = (struct weft__resident){.close = client_close, .key = &key};
	c->config = defaults;
	c->config.log = weft__loop_log(loop);
	for (uint32_t i = 0; i < WEFT__HTTP_ORIGIN_BUCKETS; i++)
		TAILQ_INIT(&c->buckets[i]);
	TAILQ_INIT(&c->starved);
	TAILQ_INIT(&c->wires);
	TAILQ_INIT(&c->idle);
	TAILQ_INIT(&c->flights);
	if (weft__proxies_read(&c->proxies, getenv) < 0 || weft__resolver_create(loop, &c->resolver) < 0) {
		client_free(c);
		return NULL;
	}
	if (c->proxies.wrong)
		weft__log(c->config.log, WEFT_LOG_WARN, "%s", c->proxies.wrong);
	return c;
}

static struct weft__http_client *client_find(struct weft__loop *loop)
{
	return (struct weft__http_client *)weft__loop_find(loop, &key);
}

struct weft__http_client *weft__http_client_of(struct weft__loop *loop, int *ret_status)
{
	struct weft__http_client *c = client_find(loop);

	if (c)
		return c;
	c = client_new(loop);
	*ret_status = c ? weft__loop_attach(loop, &c->resident) : -ENOMEM;
	if (c && *ret_status < 0) {
		client_free(c);
		c = NULL;
	}
	return c;
}

/* ---- idle wires --------------------------------------------------------------------------------------- */

static void end_old_wires(struct weft__alarm *alarm)
{
	struct weft__http_client *c = (struct weft__http_client *)(void *)((char *)alarm -
	                                                                   offsetof(struct weft__http_client,
	                                                                            idle_alarm));
	uint64_t now = weft_now_ns();
	struct weft__http_wire *w;

	while ((w = TAILQ_FIRST(&c->idle)) && now - w->idle_since_ns >= c->config.idle_ns)
		weft__http_wire_close(w);
	weft__http_client_watch_idle(c);
}

void weft__http_client_watch_idle(struct weft__http_client *client)
{
	struct weft__http_wire *oldest;

	while (client->counts.idle > client->config.idle_max)
		weft__http_wire_close(TAILQ_FIRST(&client->idle));
	oldest = TAILQ_FIRST(&client->idle);
	/* An alarm that comes too early costs a look; so it is not moved for each wire that is taken. */
	if (oldest && !weft__alarm_is_on(&client->idle_alarm))
		weft__loop_alarm(client->loop, &client->idle_alarm,
		                 weft__after_ns(oldest->idle_since_ns, client->config.idle_ns), end_old_wires);
}

/* ---- what is called -------------------------------------------------------------------------------------- */

static void or_default(struct weft__http_config *c, const struct weft__loop *loop)
{
	c->connections_max = c->connections_max ? c->connections_max : defaults.connections_max;
	c->origin_connections_max = c->origin_connections_max ? c->origin_connections_max
	                                                      : defaults.origin_connections_max;
	c->idle_max = c->idle_max ? c->idle_max : defaults.idle_max;
	c->origin_idle_max = c->origin_idle_max ? c->origin_idle_max : defaults.origin_idle_max;
	c->waiting_max = c->waiting_max ? c->waiting_max : defaults.waiting_max;
	c->log = c->log ? c->log : weft__loop_log(loop);
	c->idle_ns = c->idle_ns ? c->idle_ns : defaults.idle_ns;
}

int weft__http_configure(struct weft__loop *loop, const struct weft__http_config *config)
{
	int status = 0;
	struct weft__http_client *c = weft__http_client_of(loop, &status);

	if (!c)
		return status;
	c->config = *config;
	or_default(&c->config, loop);
	weft__loop_alarm_off(loop, &c->idle_alarm);
	weft__http_client_watch_idle(c);
	return 0;
}

void weft__http_counts(struct weft__loop *loop, struct weft__http_counts *ret_counts)
{
	const struct weft__http_client *c = client_find(loop);

	*ret_counts = c ? c->counts : (struct weft__http_counts){.started = 0};
}

void weft__http_flush(struct weft__loop *loop)
{
	struct weft__http_client *c = client_find(loop);
	struct weft__http_origin *o;

	if (!c)
		return;
	while (!TAILQ_EMPTY(&c->idle))
		weft__http_wire_close(TAILQ_FIRST(&c->idle));
	weft__resolver_flush(c->resolver);
	for (uint32_t i = 0; i < WEFT__HTTP_ORIGIN_BUCKETS; i++) {
		TAILQ_FOREACH(o, &c->buckets[i], bucket)
		weft__tls_tickets_clear(&o->tickets);
	}
}
