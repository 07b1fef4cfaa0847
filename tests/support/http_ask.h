/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tests/support/http_ask.h - one HTTP request of a test's thread, and all of its answer: plain blocking sockets, nothing of ours.
 */
#ifndef WEFT_TESTS_SUPPORT_HTTP_ASK_H
#define WEFT_TESTS_SUPPORT_HTTP_ASK_H

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

struct answer {
	int status;   /* 0: no whole head came */
	bool whole;   /* the body has the length that was announced, or its last chunk */
	int error;    /* of the connection; ECONNRESET, ... */
	char *head, *body;
	size_t body_len;
	char *bytes;  /* all that came; head and body lie in it */
};

static inline int http_connect(uint16_t port)
{
	struct sockaddr_in addr = { .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct timeval patience = { .tv_sec = 60 };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	if (fd >= 0 && connect(fd, (struct sockaddr *)&addr, sizeof(addr)) < 0) {
		close(fd);
		return -1;
	}
	return fd;
}

static inline void http_read_all(int fd, struct answer *a, size_t *ret_len)
{
	size_t cap = 65536, len = 0;
	ssize_t n = 0;

	a->bytes = malloc(cap);
	while (a->bytes && (n = recv(fd, a->bytes + len, cap - len - 1, 0)) > 0) {
		len += (size_t)n;
		if (len + 1 == cap)
			a->bytes = realloc(a->bytes, cap *= 2);
	}
	a->error = n < 0 ? errno : 0;
	if (!a->bytes)
		abort();
	a->bytes[len] = '\0';
	*ret_len = len;
}

/* In place. */
static inline void http_join_chunks(struct answer *a, size_t len)
{
	char *from = a->body, *to = a->body, *end = a->body + len, *after;

	while (from < end) {
		size_t n = strtoul(from, &after, 16);

		if (after == from || after + 2 > end)
			break;
		from = after + 2;
		if (!n) {
			a->whole = from + 2 == end;
			break;
		}
		n = n < (size_t)(end - from) ? n : (size_t)(end - from);
		memmove(to, from, n);
		to += n;
		from += n + 2;
	}
	*to = '\0';
	a->body_len = (size_t)(to - a->body);
}

static inline struct answer http_take_apart(struct answer a, size_t len)
{
	char *end = strstr(a.bytes, "\r\n\r\n"), *length;

	if (!end || sscanf(a.bytes, "HTTP/1.1 %d", &a.status) != 1)
		return a;
	end[2] = '\0';
	a.head = a.bytes;
	a.body = end + 4;
	a.body_len = len - (size_t)(a.body - a.bytes);
	length = strstr(a.head, "Content-Length: ");
	if (length)
		a.whole = strtoul(length + 16, NULL, 10) == a.body_len;
	else
		http_join_chunks(&a, a.body_len);
	return a;
}

/* The request as it is; it should ask for Connection: close. */
static inline struct answer http_say(uint16_t port, const char *text, size_t len)
{
	struct answer a = { .status = 0 };
	int fd = http_connect(port);
	size_t got = 0;

	while (fd >= 0 && len) {
		ssize_t n = send(fd, text, len, MSG_NOSIGNAL);

		if (n <= 0)
			break;
		text += n;
		len -= (size_t)n;
	}
	http_read_all(fd, &a, &got);
	close(fd);
	return http_take_apart(a, got);
}

/* fields: further lines, each ended by CR LF; body NULL: a GET. */
static inline struct answer http_ask(uint16_t port, const char *path, const char *fields, const char *body)
{
	size_t cap = 4096 + (body ? strlen(body) : 0);
	char *text = malloc(cap);
	struct answer a;
	int n;

	if (!text)
		abort();
	n = snprintf(text, cap, "%s %s HTTP/1.1\r\nHost: test\r\nConnection: close\r\n%sContent-Length: %zu\r\n\r\n%s", body ? "POST" : "GET", path,
	             fields, body ? strlen(body) : 0, body ? body : "");
	a = http_say(port, text, (size_t)n);
	free(text);
	return a;
}

static inline void answer_free(struct answer *a)
{
	free(a->bytes);
	*a = (struct answer){ .status = 0 };
}

#endif
