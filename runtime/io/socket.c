/* SPDX-License-Identifier: Apache-2.0 */
/* runtime/io/socket.c - see socket.h. */
#include "runtime/io/socket.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <unistd.h>

#include "runtime/base/sim.h"
#include "runtime/io/disk.h"
#include "runtime/io/net.h"

#define BACKLOG 4096
#define KIND (SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK)

static int result_of(int r)
{
	return r < 0 ? -errno : r;
}

int weft__socket_open(int family)
{
	if (weft__sim_is_on())
		return weft__net_open(family);
	return result_of(socket(family, KIND, 0));
}

static int port_of(int fd, uint16_t *ret_port)
{
	struct sockaddr_storage addr;
	socklen_t len = sizeof(addr);

	if (getsockname(fd, (struct sockaddr *)&addr, &len) < 0)
		return -errno;
	*ret_port = 0;
	if (addr.ss_family == AF_INET)
		*ret_port = ntohs(((struct sockaddr_in *)&addr)->sin_port);
	else if (addr.ss_family == AF_INET6)
		*ret_port = ntohs(((struct sockaddr_in6 *)&addr)->sin6_port);
	return 0;
}

static int bind_and_listen(int fd, const struct sockaddr *addr, socklen_t len, bool reuse_port)
{
	int on = 1;

	/* A port whose last owner's connections still linger is free; unix sockets know no such thing. */
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (reuse_port && setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on)) < 0)
		return -errno;
	return bind(fd, addr, len) < 0 || listen(fd, BACKLOG) < 0 ? -errno : 0;
}

int weft__socket_listen(const struct sockaddr *addr, socklen_t len, bool reuse_port, uint16_t *ret_port)
{
	int fd, r;

	if (weft__sim_is_on())
		return weft__net_listen(addr, len, reuse_port, ret_port);
	fd = socket(addr->sa_family, KIND, 0);
	if (fd < 0)
		return -errno;
	r = bind_and_listen(fd, addr, len, reuse_port);
	if (r == 0)
		r = port_of(fd, ret_port);
	if (r == 0)
		return fd;
	close(fd);
	return r;
}

int weft__socket_pair(int ret_fds[2])
{
	if (weft__sim_is_on())
		return weft__net_pair(ret_fds);
	return result_of(socketpair(AF_UNIX, KIND, 0, ret_fds));
}

bool weft__socket_is(int fd)
{
	int type;
	socklen_t len = sizeof(type);

	if (weft__sim_is_on())
		return weft__net_is(fd);
	return getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len) == 0;
}

void weft__socket_prompt(int fd)
{
	int on = 1;

	if (weft__sim_is_on())
		return;
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)); /* refused by other families, which hold nothing back */
}

void weft__socket_shut(int fd)
{
	if (weft__sim_is_on())
		weft__net_shut(fd);
	else
		shutdown(fd, SHUT_WR); /* fails when the peer has gone: it sees nothing, then */
}

void weft__socket_will_reset(int fd)
{
	struct linger at_once = { .l_onoff = 1, .l_linger = 0 };

	if (weft__sim_is_on())
		weft__net_will_reset(fd);
	else
		setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
}

bool weft__socket_is_quiet(int fd)
{
	char byte;

	return weft__sim_is_on() || (recv(fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) < 0 && errno == EAGAIN);
}

void weft__socket_close(int fd)
{
	if (fd < 0)
		return;
	if (!weft__sim_is_on())
		close(fd);
	else if (weft__net_is(fd))
		weft__net_close(fd);
	else
		weft__disk_close(fd);
}
