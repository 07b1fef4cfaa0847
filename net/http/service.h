/* SPDX-License-Identifier: Apache-2.0 */
/*
 * net/http/service.h - one HTTP server on each of a runtime's loops, all on one port: the kernel spreads connections.
 *
 * A request stays on the loop that its connection came to. What the handlers of two loops share, they share as threads do.
 */
#ifndef WEFT_NET_HTTP_SERVICE_H
#define WEFT_NET_HTTP_SERVICE_H

#include <weft/runtime.h>

#include "net/http/server.h"

struct weft__http_service;

struct weft__http_service_options {
	struct weft__http_server_options server; /* of each; its closed, user and reuse_port are not looked at */
	uint32_t loops;                          /* the first so many; 0: all */
	void *const *users;                      /* one a loop: what request is given. Copied */
};

/*
 * Listen on the loops of a runtime that was started. From a thread that is none of its workers, since it waits for them.
 * 0, -EDEADLK (a worker's thread), -EINVAL, -ENOMEM, -ESHUTDOWN (the runtime ends), or what listening said.
 */
int weft__http_service_start(weft_runtime *rt, const struct weft__http_service_options *options,
                             struct weft__http_service **ret_service, weft_error *err);

uint16_t weft__http_service_port(const struct weft__http_service *service);
uint32_t weft__http_service_loops(const struct weft__http_service *service);
struct weft__loop *weft__http_service_loop(const struct weft__http_service *service, uint32_t n);

/*
 * Accept no more, let what was begun be answered for up to timeout_ns, end the rest; all is gone then, service too.
 * Before the runtime is destroyed; it may have ended. NULL is fine.
 * ret_stats: what it had done in the end; may be NULL. 0, or -EDEADLK (a worker's thread): nothing happened.
 */
int weft__http_service_stop(struct weft__http_service *service, uint64_t timeout_ns, struct weft__http_server_stats *ret_stats);

/* The sum of all. Waits for each loop, as stop does, with the same results. */
int weft__http_service_stats(struct weft__http_service *service, struct weft__http_server_stats *ret);

#endif
