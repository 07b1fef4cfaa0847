/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tests/support/peer.h - a server of a test, over plain blocking sockets: it sends whatever bytes the test
 * wants, however wrong.
 *
 * A thread accepts, and runs the test's function for each connection on a thread of its own. The function
 * gets the number of the connection, from 0. peer_stop ends all of them, also those that wait.
 */
#ifndef WEFT_TESTS_SUPPORT_PEER_H
#define WEFT_TESTS_SUPPORT_PEER_H

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define PEER_CONNECTIONS_MAX 4096

struct peer;

struct peer_connection {
	struct peer *peer;
	pthread_t thread;
	bool finished;
	int fd, number;
};

struct peer {
	void (*serve)(int fd, int number,
	              void *user); /* the descriptor is closed after it, unless it did so */
	void *user;
	uint16_t port;
	int listener;
	pthread_t thread;
	pthread_mutex_t lock;
	int accepted, joined; /* those before joined are */
	bool stopping;
	struct peer_connection connections[PEER_CONNECTIONS_MAX];
};

static inline void *peer_connection_main(void *arg)
{
	struct peer_connection *c = arg;

	c->peer->serve(c->fd, c->number, c->peer->user);
	pthread_mutex_lock(&c->peer->lock);
	close(c->fd);
	c->fd = -1;
	c->finished = true;
	pthread_mutex_unlock(&c->peer->lock);
	return NULL;
}

/*
 * Threads that have finished keep their stacks until they are joined. Not detached: a sanitizer, or OpenSSL,
 * at exit minds.
 */
static inline void peer_join_finished(struct peer *p)
{
	for (; p->joined < p->accepted; p->joined++) {
		struct peer_connection *c = &p->connections[p->joined];
		bool finished;

		pthread_mutex_lock(&p->lock);
		finished = c->finished || p->stopping;
		pthread_mutex_unlock(&p->lock);
		if (!finished)
			return;
		pthread_join(c->thread, NULL);
	}
}

static inline void *peer_main(void *arg)
{
	struct peer *p = arg;
	int fd;

	while ((fd = accept(p->listener, NULL, NULL)) >= 0 || errno == EMFILE) {
		struct peer_connection *c;

		if (fd < 0) { /* a test takes all descriptors away for a while */
			usleep(1000);
			continue;
		}
		peer_join_finished(p);
		pthread_mutex_lock(&p->lock);
		if (p->stopping || p->accepted == PEER_CONNECTIONS_MAX) {
			pthread_mutex_unlock(&p->lock);
			close(fd);
			continue;
		}
		c = &p->connections[p->accepted];
		*c = (struct peer_connection){.peer = p, .fd = fd, .number = p->accepted++};
		pthread_create(&c->thread, NULL, peer_connection_main, c);
		pthread_mutex_unlock(&p->lock);
	}
	return NULL;
}

/* At 127.0.0.1 and a port that the kernel chooses. */
static inline struct peer *peer_start(void (*serve)(int fd, int number, void *user), void *user)
{
	struct peer *p = calloc(1, sizeof(*p));
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(at);

	p->serve = serve;
	p->user = user;
	pthread_mutex_init(&p->lock, NULL);
	p->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (p->listener < 0 || bind(p->listener, (struct sockaddr *)&at, sizeof(at)) < 0 ||
	    listen(p->listener, 1024) < 0 || getsockname(p->listener, (struct sockaddr *)&at, &len) < 0) {
		perror("peer");
		abort();
	}
	p->port = ntohs(at.sin_port);
	pthread_create(&p->thread, NULL, peer_main, p);
	return p;
}

static inline int peer_accepted(struct peer *p)
{
	int n;

	pthread_mutex_lock(&p->lock);
	n = p->accepted;
	pthread_mutex_unlock(&p->lock);
	return n;
}

static inline void peer_stop(struct peer *p)
{
	pthread_mutex_lock(&p->lock);
	p->stopping = true;
	for (int i = 0; i < p->accepted; i++) {
		if (p->connections[i].fd >= 0)
			shutdown(p->connections[i].fd, SHUT_RDWR);
	}
	pthread_mutex_unlock(&p->lock);
	shutdown(p->listener, SHUT_RDWR);
	pthread_join(p->thread, NULL);
	peer_join_finished(p);
	close(p->listener);
	pthread_mutex_destroy(&p->lock);
	free(p);
}

/* ---- for functions that serve ------------------------------------------------------------------------- */

static inline bool peer_send_bytes(int fd, const void *bytes, size_t len)
{
	const char *at = bytes;

	while (len > 0) {
		ssize_t n = send(fd, at, len, MSG_NOSIGNAL);

		if (n <= 0)
			return false;
		at += n;
		len -= (size_t)n;
	}
	return true;
}

static inline bool peer_send(int fd, const char *text)
{
	return peer_send_bytes(fd, text, strlen(text));
}

/*
 * One request with its body, into buf as text. The length, 0: the client sent no more; -1: broken, or too
 * long. What follows a request stays in the socket.
 */
static inline int peer_request(int fd, char *buf, size_t size)
{
	size_t len = 0, wanted = 0;

	while (len + 1 < size) {
		char *end, *length;
		ssize_t n = recv(fd, buf + len, wanted ? wanted - len : 1, 0); /* a head byte by byte */

		if (n <= 0)
			return n == 0 && len == 0 ? 0 : -1;
		len += (size_t)n;
		buf[len] = '\0';
		if (wanted && len == wanted)
			return (int)len;
		if (wanted || len < 4 || memcmp(buf + len - 4, "\r\n\r\n", 4) != 0)
			continue;
		end = buf + len;
		length = strcasestr(buf, "\r\nContent-Length: ");
		wanted = (size_t)(end - buf) + (length ? strtoul(length + 18, NULL, 10) : 0);
		if (wanted == len)
			return (int)len;
		if (wanted >= size)
			return -1;
	}
	return -1;
}

/* Close so that the client sees a reset. */
static inline void peer_reset(int fd)
{
	struct linger at_once = {.l_onoff = 1, .l_linger = 0};

	setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
}

/* Until the client closes; what it sends is dropped. */
static inline void peer_wait_closed(int fd)
{
	char buf[4096];

	while (recv(fd, buf, sizeof(buf), 0) > 0)
		;
}

#endif
