/* SPDX-License-Identifier: Apache-2.0 */
/*
 * runtime/io/listener.h - connections that others make.
 *
 * A listener lives on one loop; calls and callbacks are in its thread, callbacks inside wait only. When the process
 * has no descriptor left it waits a moment and goes on: connections wait in the kernel's queue meanwhile.
 */
#ifndef WEFT_RUNTIME_IO_LISTENER_H
#define WEFT_RUNTIME_IO_LISTENER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include "runtime/io/loop.h"

/* Several listeners, one a loop, share an inet port; the kernel spreads connections over them. */
#define WEFT__LISTEN_REUSEPORT 1u

struct weft__listener;

struct weft__listener_fns {
	/* A connection; fd is the callee's, close-on-exec and non-blocking: weft__stream_adopt(loop, s, fd, fd). */
	void (*accepted)(struct weft__listener *l, int fd);
	/* The last call, after close or when it broke; l may be freed, the port is free. */
	void (*closed)(struct weft__listener *l);
};

/* Embedded by its owner, zeroed, with fns set, and kept until closed. */
struct weft__listener {
	const struct weft__listener_fns *fns;
	void *user;

	/* the listener's own from here */
	struct weft__loop *loop;
	struct weft__io io;
	struct weft__alarm again;
	struct weft__job closed_job;
	int fd; /* owned */
	uint16_t port;
	bool live, closing, queued; /* queued: closed_job is */
};

/*
 * Listen at addr; port 0: the kernel chooses. Of a unix socket the path is made here, and removed by whoever wants it gone.
 * 0, or -EADDRINUSE, -EACCES, -EMFILE, ... and nothing happened.
 */
int weft__listener_open(struct weft__loop *loop, struct weft__listener *l, const struct sockaddr *addr, socklen_t len,
                        uint32_t flags);

/* The port in host order; 0 of a unix socket. */
uint16_t weft__listener_port(const struct weft__listener *l);

/* Accept no more; closed comes, inside a wait. Twice is fine. */
void weft__listener_close(struct weft__listener *l);

#endif
