/* SPDX-License-Identifier: Apache-2.0 */
/*
 * net/http/service.c - servers opened, read and closed from outside, by jobs in their loops' threads.
 *
 *   field     written by                      read by
 *   waiting   the caller, before posting;     the caller, who sleeps until it is 0
 *             each job counts it down
 *   open      the caller, before closing;     the same
 *             each server's closed counts it down
 *   stats     a node's job                    the caller, after its wait: waiting orders it
 *
 * A node's job is posted again only after it has run. When a loop has retired it has closed its server itself.
 */
#include "net/http/service.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include <weft/alloc.h>

#include "runtime/base/atomic.h"
#include "runtime/base/thread.h"
#include "runtime/io/loop.h"
#include "runtime/loops.h"

struct node {
	struct weft__job job;               /* first */
	struct weft__http_service *service;
	struct weft__loop *loop;
	struct weft__http_server *server;   /* the loop's thread alone; NULL: not open */
	struct weft__http_server_stats stats;
	weft_error error;
	void *user;
	int result;
	uint16_t port;
	bool now;                           /* how to close */
};

struct weft__http_service {
	_Atomic(uint32_t) waiting, open;
	struct weft__http_server_options options;
	struct sockaddr_storage address;    /* the port of all, once the first is open */
	uint32_t count;
	struct node nodes[];
};

static void count_down(_Atomic(uint32_t) *word)
{
	/* acq_rel: what this thread wrote is seen by who reads 0, and may then free the word: waking at an address harms nobody */
	if (weft__fetch_sub_acq_rel(word, 1u) == 1)
		weft__word_wake(word);
}

/* False: it was not 0 at the deadline. */
static bool wait_for_none(_Atomic(uint32_t) *word, uint64_t deadline_ns)
{
	uint32_t n;

	while ((n = weft__load_acquire(word)) != 0) { /* acquire: pairs with count_down */
		if (weft_now_ns() >= deadline_ns)
			return false;
		weft__word_wait(word, n, deadline_ns);
	}
	return true;
}

/* ---- in the loop's thread --------------------------------------------------------------- */

static void on_request(struct weft__http_exchange *x, void *user)
{
	struct node *n = user;

	n->service->options.request(x, n->user);
}

static void on_closed(const struct weft__http_server_stats *stats, void *user)
{
	struct node *n = user;

	n->server = NULL;
	n->stats = *stats;
	count_down(&n->service->open);
}

static void run_open(struct weft__job *job)
{
	struct node *n = (struct node *)job;
	struct weft__http_server_options o = n->service->options;

	o.request = on_request;
	o.closed = on_closed;
	o.user = n;
	o.address = (const struct sockaddr *)&n->service->address;
	o.reuse_port = n->service->count > 1;
	n->result = weft__http_server_open(n->loop, &o, &n->server, &n->error);
	if (n->result == 0) {
		n->port = weft__http_server_port(n->server);
		weft__fetch_add_relaxed(&n->service->open, 1u); /* relaxed: waiting orders it */
	}
	count_down(&n->service->waiting);
}

static void run_close(struct weft__job *job)
{
	struct node *n = (struct node *)job;

	if (n->server)
		weft__http_server_close(n->server, n->now);
	count_down(&n->service->waiting);
}

static void run_stats(struct weft__job *job)
{
	struct node *n = (struct node *)job;

	if (n->server)
		weft__http_server_stats(n->server, &n->stats);
	count_down(&n->service->waiting);
}

/* ---- outside ------------------------------------------------------------------------------ */

/* Have each of the nodes do it, and wait. Those whose loop has gone keep what they had. */
static void on_nodes(struct weft__http_service *s, struct node *first, uint32_t count, void (*run)(struct weft__job *))
{
	weft__store_relaxed(&s->waiting, count); /* relaxed: posting orders it */
	for (uint32_t i = 0; i < count; i++) {
		first[i].job.run = run;
		if (weft__loop_post(first[i].loop, &first[i].job) < 0) {
			first[i].result = -ESHUTDOWN;
			count_down(&s->waiting);
		}
	}
	wait_for_none(&s->waiting, UINT64_MAX);
}

static void set_port(struct sockaddr_storage *address, uint16_t port)
{
	if (address->ss_family == AF_INET || address->ss_family == AF_INET6)
		memcpy((char *)address + 2, &(uint16_t){ htons(port) }, sizeof(port)); /* sin_port and sin6_port stand at the same place */
}

static int service_error(const struct node *n, weft_error *err)
{
	if (n->error.code)
		return weft_error_set(err, n->result, "%s", n->error.message);
	return weft_error_set(err, n->result, "HTTP service: %s", weft_strerror(n->result));
}

/* Sockets that share a port share it with those of another process of the same user, too: is somebody there already? */
static int probe(const struct sockaddr_storage *address, socklen_t len)
{
	int fd = socket(address->ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1, r = 0;

	if (fd < 0)
		return -errno;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(fd, (const struct sockaddr *)address, len) < 0)
		r = -errno;
	close(fd);
	return r;
}

/* The first by itself: it finds the port. */
static int open_all(struct weft__http_service *s, weft_error *err)
{
	int r = s->count > 1 ? probe(&s->address, s->options.address_len) : 0;

	if (r < 0)
		return weft_error_set(err, r, "HTTP service: cannot listen: %s", weft_strerror(r));
	on_nodes(s, s->nodes, 1, run_open);
	if (s->nodes[0].result < 0)
		return service_error(&s->nodes[0], err);
	set_port(&s->address, s->nodes[0].port);
	on_nodes(s, s->nodes + 1, s->count - 1, run_open);
	for (uint32_t i = 1; i < s->count; i++) {
		if (s->nodes[i].result < 0)
			return service_error(&s->nodes[i], err);
	}
	return 0;
}

static void close_all(struct weft__http_service *s, bool now)
{
	for (uint32_t i = 0; i < s->count; i++)
		s->nodes[i].now = now;
	on_nodes(s, s->nodes, s->count, run_close);
}

static struct weft__http_service *service_create(weft_runtime *rt, const struct weft__http_service_options *o)
{
	uint32_t workers = weft_runtime_workers(rt), count = o->loops && o->loops < workers ? o->loops : workers;
	struct weft__http_service *s;

	/* Only one can listen at the path of a unix socket. */
	count = o->server.address->sa_family == AF_UNIX ? 1 : count;
	s = weft_calloc(1, sizeof(*s) + count * sizeof(s->nodes[0]));
	if (!s)
		return NULL;
	s->options = o->server;
	s->count = count;
	memcpy(&s->address, o->server.address, o->server.address_len);
	for (uint32_t i = 0; i < count; i++) {
		s->nodes[i].service = s;
		s->nodes[i].loop = weft__loop_of(rt, i);
		s->nodes[i].user = o->users ? o->users[i] : NULL;
	}
	return s;
}

int weft__http_service_start(weft_runtime *rt, const struct weft__http_service_options *options,
                             struct weft__http_service **ret_service, weft_error *err)
{
	struct weft__http_service *s;
	int r;

	if (!options->server.address || options->server.address_len > sizeof(s->address))
		return weft_error_set(err, -EINVAL, "HTTP service: no address");
	if (weft__loop_here())
		return weft_error_set(err, -EDEADLK, "HTTP service: a worker cannot wait for the workers");
	s = service_create(rt, options);
	if (!s)
		return weft_error_set(err, -ENOMEM, "HTTP service: no memory");
	r = open_all(s, err);
	if (r < 0) {
		weft__http_service_stop(s, 0, NULL);
		return r;
	}
	*ret_service = s;
	return 0;
}

uint16_t weft__http_service_port(const struct weft__http_service *service)
{
	return service->nodes[0].port;
}

uint32_t weft__http_service_loops(const struct weft__http_service *service)
{
	return service->count;
}

struct weft__loop *weft__http_service_loop(const struct weft__http_service *service, uint32_t n)
{
	return service->nodes[n].loop;
}

static void stats_sum(const struct weft__http_service *s, struct weft__http_server_stats *ret)
{
	memset(ret, 0, sizeof(*ret));
	for (uint32_t i = 0; i < s->count; i++) {
		ret->accepted += s->nodes[i].stats.accepted;
		ret->requests += s->nodes[i].stats.requests;
		ret->refused += s->nodes[i].stats.refused;
		ret->gone += s->nodes[i].stats.gone;
		ret->connections += s->nodes[i].stats.connections;
	}
}

int weft__http_service_stop(struct weft__http_service *s, uint64_t timeout_ns, struct weft__http_server_stats *ret_stats)
{
	uint64_t now = weft_now_ns(), deadline = weft__after_ns(now, timeout_ns);

	if (!s)
		return 0;
	if (weft__loop_here())
		return -EDEADLK;
	close_all(s, timeout_ns == 0);
	if (!wait_for_none(&s->open, deadline)) {
		close_all(s, true);
		wait_for_none(&s->open, UINT64_MAX);
	}
	if (ret_stats)
		stats_sum(s, ret_stats);
	weft_free(s);
	return 0;
}

int weft__http_service_stats(struct weft__http_service *s, struct weft__http_server_stats *ret)
{
	if (weft__loop_here())
		return -EDEADLK;
	on_nodes(s, s->nodes, s->count, run_stats);
	stats_sum(s, ret);
	return 0;
}
