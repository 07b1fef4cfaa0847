/* SPDX-License-Identifier: Apache-2.0 */
/*
 * examples/embed_epoll.c - a service with an epoll loop of its own, and agents behind it.
 *
 * Listens on 127.0.0.1 (port: first argument, 0 for any; else 7077). Each connection has an agent, each line
 * is a question, each answer a line back; the line "quit" ends the service. It has one thread:
 * weft's answers come through one more descriptor in the epoll set, the port's.
 */
#include <arpa/inet.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>
#include <weft/weft.h>

enum { CLIENTS = 1024, PORT_ID, LISTENER_ID }; /* an event's data: a client's index, or one of these */

struct client {
	int fd;              /* 0: free */
	uint32_t generation; /* an answer to somebody who left must not reach who came next */
	weft_ref agent;
	size_t used;
	char line[4096];
};

static struct client clients[CLIENTS];
static weft_runtime *rt;
static weft_agent_def *def;
static weft_port *port;
static int epoll_fd;
static bool stop;

static void watch(int fd, uint64_t id)
{
	epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &(struct epoll_event){.events = EPOLLIN, .data.u64 = id});
}

/* A real service would keep what the socket does not take at once. */
static void say(struct client *c, weft_str text)
{
	send(c->fd, text.ptr, text.len_bytes, MSG_NOSIGNAL | MSG_DONTWAIT);
	send(c->fd, "\n", 1, MSG_NOSIGNAL | MSG_DONTWAIT);
}

static void welcome(int fd)
{
	uint32_t i = 0;

	while (i < CLIENTS && clients[i].fd)
		i++;
	if (fd < 0 || i == CLIENTS || weft_agent_spawn(rt, def, NULL, &clients[i].agent) < 0) {
		close(fd);
		return;
	}
	clients[i].fd = fd;
	clients[i].used = 0;
	watch(fd, i);
}

/* Hand a question over; the answer's token says whose it was. */
static void ask(struct client *c, weft_str question)
{
	weft_ask what = {.size = sizeof(what), .input = question};
	uint64_t token = (uint64_t)c->generation << 32 | (uint64_t)(c - clients);
	int r = weft_agent_ask(c->agent, &what, weft_reply_to_port(port, token));

	if (r < 0)
		say(c, weft_str_from(weft_strerror(r))); /* -EAGAIN: it is busy, nothing was queued */
}

static void listen_to(struct client *c)
{
	ssize_t n = read(c->fd, c->line + c->used, sizeof(c->line) - c->used);
	char *end;

	if (n <= 0 || (c->used += (size_t)n) == sizeof(c->line)) { /* gone, or a line too long */
		weft_actor_stop(c->agent); /* finishes what it is doing; the answer finds nobody */
		close(c->fd);
		c->fd = 0;
		c->generation++;
		return;
	}
	while ((end = memchr(c->line, '\n', c->used))) {
		weft_str line = {c->line, (size_t)(end - c->line)};

		stop = stop || weft_str_eq(line, WEFT_STR("quit"));
		ask(c, line);
		c->used -= line.len_bytes + 1;
		memmove(c->line, end + 1, c->used);
	}
}

static void answers(void)
{
	weft_msg *msgs[64];
	int n = weft_port_reap(port, msgs, 64);

	for (int i = 0; i < n; i++) {
		const weft_agent_result *result = weft_agent_result_of(msgs[i]);
		uint64_t token = weft_msg_token(msgs[i]);
		struct client *c = &clients[token & UINT32_MAX];

		if (c->fd && c->generation == token >> 32)
			say(c, result && result->status == 0 ? result->text : WEFT_STR("sorry"));
		weft_msg_destroy(msgs[i]);
	}
}

static int serve(uint16_t number)
{
	struct sockaddr_in at = {AF_INET, htons(number), {htonl(INADDR_LOOPBACK)}, {0}};
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct epoll_event ev;

	setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &(int){1}, sizeof(int));
	if (bind(listener, (struct sockaddr *)&at, sizeof(at)) < 0 || listen(listener, 64) < 0 ||
	    getsockname(listener, (struct sockaddr *)&at, &(socklen_t){sizeof(at)}) < 0) {
		perror("embed_epoll: cannot listen");
		return -1;
	}
	fprintf(stderr, "embed_epoll: 127.0.0.1 port %u: a line is a question, \"quit\" ends it\n", ntohs(at.sin_port));
	epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	watch(listener, LISTENER_ID);
	watch(weft_port_fd(port), PORT_ID);
	while (!stop && epoll_wait(epoll_fd, &ev, 1, -1) == 1) {
		if (ev.data.u64 == PORT_ID)
			answers();
		else if (ev.data.u64 == LISTENER_ID)
			welcome(accept(listener, NULL, NULL));
		else
			listen_to(&clients[ev.data.u64]);
	}
	return 0;
}

int main(int argc, char **argv)
{
	weft_agent_options opt = WEFT_AGENT_OPTIONS_INIT;
	int r = -1;

	if (weft_models_create(&opt.models) == 0 && weft_models_add_mock(opt.models, 0, NULL) == 0 &&
	    weft_agent_def_create(&opt, &def, NULL) == 0 && weft_runtime_create(NULL, &rt) == 0 &&
	    weft_runtime_start(rt) == 0 && weft_port_create(rt, NULL, &port) == 0)
		r = serve((uint16_t)(argc > 1 ? atoi(argv[1]) : 7077));
	weft_runtime_stop(rt, 1000000000); /* a second for what is under way */
	weft_port_destroy(port);
	weft_runtime_destroy(rt); /* joins */
	weft_agent_def_unref(def);
	weft_models_unref(opt.models);
	return r != 0;
}
