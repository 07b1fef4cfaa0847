/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tests/support/talker.h - a small HTTP server of blocking threads, for clients that are tested: what it says is up to the
 * test, byte for byte, so it can be wrong in any way.
 *
 * One thread a connection, which lives as long as the peer and the test's function want. Its port is the kernel's choice.
 */
#ifndef WEFT_TESTS_SUPPORT_TALKER_H
#define WEFT_TESTS_SUPPORT_TALKER_H

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define TALKER_CONNECTIONS_MAX 256
#define TALKER_REQUEST_MAX (1u << 20)

struct talker;

/* A request has come: head and body, a NUL behind. Answer it on fd. False: close the connection. */
typedef bool (*talker_fn)(struct talker *t, int fd, const char *request, const char *body);

struct talker {
	talker_fn answer;
	void *user;
	int listener;
	uint16_t port;
	pthread_t acceptor, threads[TALKER_CONNECTIONS_MAX];
	int fds[TALKER_CONNECTIONS_MAX];
	uint32_t connections, requests;
};

struct talker__connection {
	struct talker *t;
	int fd;
};

/* Everything, or as much as the peer takes. False: it has gone. */
static inline bool talker_say(int fd, const char *text, size_t len)
{
	while (len) {
		ssize_t n = send(fd, text, len, MSG_NOSIGNAL);

		if (n <= 0)
			return false;
		text += n;
		len -= (size_t)n;
	}
	return true;
}

static inline bool talker_says(int fd, const char *text)
{
	return talker_say(fd, text, strlen(text));
}

/* Close with a reset. */
static inline void talker_break(int fd)
{
	struct linger now = { .l_onoff = 1 };

	setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
}

/* The next whole request in text. @return its body, or NULL: the peer has gone. *len: what is in text, *used: of it */
static inline const char *talker__next(int fd, char *text, size_t *len, size_t *used)
{
	memmove(text, text + *used, *len - *used);
	*len -= *used;
	*used = 0;
	for (;;) {
		const char *end, *length;
		ssize_t n;

		text[*len] = '\0';
		end = strstr(text, "\r\n\r\n");
		length = strcasestr(text, "\r\ncontent-length:");
		if (end && (!length || length > end || *len >= (size_t)(end + 4 - text) + strtoul(length + 17, NULL, 10))) {
			*used = (size_t)(end + 4 - text) + (length && length < end ? strtoul(length + 17, NULL, 10) : 0);
			return end + 4;
		}
		if (*len + 1 >= TALKER_REQUEST_MAX)
			return NULL;
		n = recv(fd, text + *len, TALKER_REQUEST_MAX - *len - 1, 0);
		if (n <= 0)
			return NULL;
		*len += (size_t)n;
	}
}

static inline void *talker__serve(void *arg)
{
	struct talker__connection c = *(struct talker__connection *)arg;
	char *text = malloc(TALKER_REQUEST_MAX), *copy;
	size_t len = 0, used = 0;
	const char *body;
	bool more = text != NULL;

	free(arg);
	while (more && (body = talker__next(c.fd, text, &len, &used))) {
		copy = strndup(body, used - (size_t)(body - text)); /* what follows may be the next request */
		__atomic_fetch_add(&c.t->requests, 1, __ATOMIC_ACQ_REL);
		more = copy && c.t->answer(c.t, c.fd, text, copy);
		free(copy);
	}
	free(text);
	shutdown(c.fd, SHUT_WR);
	close(c.fd);
	return NULL;
}

static inline void *talker__accept(void *arg)
{
	struct talker *t = arg;

	while (t->connections < TALKER_CONNECTIONS_MAX) {
		struct talker__connection *c = malloc(sizeof(*c));
		int fd = accept(t->listener, NULL, NULL);

		if (fd < 0 || !c) {
			free(c);
			break;
		}
		*c = (struct talker__connection){ t, fd };
		if (pthread_create(&t->threads[t->connections], NULL, talker__serve, c) != 0)
			abort();
		t->connections++;
	}
	return NULL;
}

static inline void talker_start(struct talker *t, talker_fn answer, void *user)
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(at);

	memset(t, 0, sizeof(*t));
	t->answer = answer;
	t->user = user;
	t->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	cr_assert_geq(t->listener, 0);
	cr_assert_eq(bind(t->listener, (struct sockaddr *)&at, len), 0);
	cr_assert_eq(listen(t->listener, 128), 0);
	cr_assert_eq(getsockname(t->listener, (struct sockaddr *)&at, &len), 0);
	t->port = ntohs(at.sin_port);
	cr_assert_eq(pthread_create(&t->acceptor, NULL, talker__accept, t), 0);
}

/* When all peers have gone, or been told to: the client is closed first. */
static inline void talker_end(struct talker *t)
{
	shutdown(t->listener, SHUT_RDWR);
	pthread_join(t->acceptor, NULL);
	for (uint32_t i = 0; i < t->connections; i++)
		pthread_join(t->threads[i], NULL);
	close(t->listener);
}

#endif
