/* SPDX-License-Identifier: Apache-2.0 */
/*
 * runtime/io/net.h - the network of a simulated machine: stream sockets between its own threads.
 *
 * Addresses are names: an inet port, or the path of a unix socket. Bytes take a moment chosen by the seed, arrive in pieces
 * cut anywhere, and a receiver that does not read holds its sender back after a few thousand. With WEFT_SIM_IO connections
 * are refused, time out, and break. Descriptors are small numbers behind WEFT__NET_FD, the lowest free one first.
 */
#ifndef WEFT_RUNTIME_IO_NET_H
#define WEFT_RUNTIME_IO_NET_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include "runtime/io/loop.h"

#define WEFT__NET_FD (1 << 25) /* the first */

static inline bool weft__net_is(int fd)
{
	return fd >= WEFT__NET_FD;
}

/* As runtime/io/socket.h says of the function with that name. */
int weft__net_open(int family);
int weft__net_listen(const struct sockaddr *addr, socklen_t len, bool reuse_port, uint16_t *ret_port);
int weft__net_pair(int ret_fds[2]);
int weft__net_shut(int fd);
void weft__net_will_reset(int fd);
int weft__net_close(int fd);

/* It would block. */
#define WEFT__NET_WAITS INT32_MIN

/*
 * Do io, or go on with it: what it comes to, or that it waits: look again at *ret_again_ns (UINT64_MAX: not before something
 * changes). What is received goes to buf.
 */
int32_t weft__net_perform(struct weft__io *io, void *buf, size_t len, uint64_t *ret_again_ns);

/* Another network: no sockets. */
void weft__net_clear(void);

/* The loops' (sim.c): something changed for who waits on fd. Another thread may run. */
void weft__simio_changed(int fd);

#endif
