/* SPDX-License-Identifier: Apache-2.0 */
/*
 * runtime/io/socket.h - stream sockets at once, for what needs no waiting; in a simulation those of sim_net.h.
 *
 * All are close-on-exec and non-blocking. What may wait (accept, connect, receive, send) is an operation of the loop.
 */
#ifndef WEFT_RUNTIME_IO_SOCKET_H
#define WEFT_RUNTIME_IO_SOCKET_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

/* A socket that is not connected. A descriptor, -EAFNOSUPPORT, -EMFILE, -ENFILE, -ENOMEM. */
int weft__socket_open(int family);

/*
 * One that listens at addr. A descriptor, or -EADDRINUSE, -EACCES, ...
 * ret_port: in host order; 0 of a unix socket.
 */
int weft__socket_listen(const struct sockaddr *addr, socklen_t len, bool reuse_port, uint16_t *ret_port);

/* Two unix sockets, connected to each other. 0 or -Exxx. */
int weft__socket_pair(int ret_fds[2]);

/* Is this descriptor a socket? */
bool weft__socket_is(int fd);

/* Do not keep small writes back. */
void weft__socket_prompt(int fd);

/* The peer sees the end. */
void weft__socket_shut(int fd);

/* Its close will be seen as a reset. */
void weft__socket_will_reset(int fd);

/* Is there neither a byte nor an end that nobody has received yet? In a simulation: always. */
bool weft__socket_is_quiet(int fd);

/* Any descriptor that nothing is in flight on; a negative one is none. */
void weft__socket_close(int fd);

#endif
