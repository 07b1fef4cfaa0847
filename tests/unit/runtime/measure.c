/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the loop costs: no test, run by hand on a quiet machine.
 *
 *     measure-io [seconds a run]
 *
 * echo: 64 connections (or 1) of another process ask with 40 bytes and are answered with 128, one at a time each. The server is
 * one thread: streams on io_uring, streams on epoll, the barest loop over epoll_wait, recv and send; or the only worker of a
 * runtime, which has nothing else to do and spins before it sleeps. bulk: one connection that receives as fast as it goes, also by
 * nothing but recv of 16 KiB. And before that what it takes to post
 * to a loop that is awake, to post and run, and to arm and disarm an alarm among 100,000.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <signal.h>
#include <unistd.h>

#include "runtime/base/atomic.h"
#include "runtime/base/thread.h"
#include "runtime/io/listener.h"
#include "runtime/io/socket.h"
#include "runtime/io/stream.h"
#include "runtime/loops.h"

#define CONNECTIONS 64

#define ASK_BYTES 40
#define ANSWER_BYTES 128

static const char answer[ANSWER_BYTES] = "HTTP/1.1 200 OK\r\nContent-Length: 88\r\n\r\n";
static uint64_t seconds = 2;
static int connections; /* of this run */

/* ---- the client: another process -------------------------------------------------------- */

static uint64_t ask_until(uint16_t port, uint64_t end_ns)
{
	struct sockaddr_in addr = { .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct epoll_event events[CONNECTIONS];
	char bytes[4096] = "GET / HTTP/1.1";
	int ep = epoll_create1(0), on = 1;
	uint64_t answers = 0;

	for (int i = 0; i < connections; i++) {
		int fd = socket(AF_INET, SOCK_STREAM, 0);
		struct epoll_event event = { .events = EPOLLIN, .data.fd = fd };

		if (connect(fd, (struct sockaddr *)&addr, sizeof(addr)) < 0)
			return 0;
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
		epoll_ctl(ep, EPOLL_CTL_ADD, fd, &event);
		if (send(fd, bytes, ASK_BYTES, 0) != ASK_BYTES)
			return 0;
	}
	while (weft_now_ns() < end_ns) {
		int n = epoll_wait(ep, events, CONNECTIONS, 100);

		for (int i = 0; i < n; i++) {
			if (recv(events[i].data.fd, bytes, sizeof(bytes), 0) != ANSWER_BYTES)
				return 0;
			answers++;
			if (send(events[i].data.fd, bytes, ASK_BYTES, 0) != ASK_BYTES)
				return 0;
		}
	}
	return answers;
}

/* Forks; the answers it got come through the pipe. */
static pid_t client_start(uint16_t port, int *ret_fd)
{
	int fds[2];
	pid_t pid;

	if (pipe(fds) < 0)
		exit(1);
	pid = fork();
	if (pid == 0) {
		uint64_t answers = ask_until(port, weft_now_ns() + seconds * 1000000000u);

		if (write(fds[1], &answers, sizeof(answers)) < 0)
			_exit(1);
		_exit(0);
	}
	close(fds[1]);
	*ret_fd = fds[0];
	return pid;
}

static double cpu_us(void)
{
	struct rusage r;

	getrusage(RUSAGE_SELF, &r);
	return (double)(r.ru_utime.tv_sec + r.ru_stime.tv_sec) * 1e6 + (double)(r.ru_utime.tv_usec + r.ru_stime.tv_usec);
}

static void report(const char *what, int fd, pid_t pid, double cpu)
{
	uint64_t answers = 0;

	if (read(fd, &answers, sizeof(answers)) != sizeof(answers) || !answers)
		printf("%-12s failed\n", what);
	else
		printf("%-12s %7.1f k req/s  %5.2f us CPU a request\n", what, (double)answers / (double)seconds / 1e3, cpu / (double)answers);
	close(fd);
	waitpid(pid, NULL, 0);
}

/* ---- streams ------------------------------------------------------------------------------ */

struct server {
	struct weft__listener l;
	struct weft__stream streams[CONNECTIONS];
	const struct weft__stream_fns *fns;
	int count, ended;
};

static void on_data(struct weft__stream *s, const uint8_t *bytes, size_t len)
{
	(void)bytes;
	(void)len;
	if (weft__stream_send(s, answer, sizeof(answer)) < 0)
		exit(1);
}

static void on_end(struct weft__stream *s, int status)
{
	(void)status;
	((struct server *)s->user)->ended++;
	weft__stream_close(s);
}

static void on_closed(struct weft__stream *s)
{
	(void)s;
}

static const struct weft__stream_fns fns = { .data = on_data, .end = on_end, .closed = on_closed };

static void on_accepted(struct weft__listener *l, int fd)
{
	struct server *server = l->user;
	struct weft__stream *s = &server->streams[server->count++];

	s->fns = server->fns;
	s->user = server;
	if (weft__stream_adopt(l->loop, s, fd, fd) < 0)
		exit(1);
}

static void on_listener_closed(struct weft__listener *l)
{
	(void)l;
}

static const struct weft__listener_fns listener_fns = { on_accepted, on_listener_closed };

static void echo_streams(weft_io_backend backend, const char *name)
{
	static struct server server;
	struct sockaddr_in addr = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct weft__loop *loop;
	double cpu;
	pid_t pid;
	int fd;

	memset(&server, 0, sizeof(server));
	server.l.fns = &listener_fns;
	server.l.user = &server;
	server.fns = &fns;
	if (weft__loop_open(backend, &loop, NULL) < 0 || strcmp(weft__loop_name(loop), name) != 0)
		exit(1);
	if (weft__listener_open(loop, &server.l, (struct sockaddr *)&addr, sizeof(addr), 0) < 0)
		exit(1);
	pid = client_start(weft__listener_port(&server.l), &fd);
	cpu = cpu_us();
	while (server.ended < connections)
		weft__loop_wait(loop, UINT64_MAX);
	cpu = cpu_us() - cpu;
	weft__listener_close(&server.l);
	weft__loop_close(loop);
	report(name, fd, pid, cpu);
}

/* The same on the worker of a runtime. */
struct on_worker {
	struct weft__job job;
	struct server server;
	struct weft__loop *loop;
	_Atomic(uint32_t) port, closed;
};

static void worker_end(struct weft__stream *s, int status)
{
	struct on_worker *w = (struct on_worker *)((char *)s->user - offsetof(struct on_worker, server));

	on_end(s, status);
	if (w->server.ended == connections)
		weft__listener_close(&w->server.l);
}

static void worker_listener_closed(struct weft__listener *l)
{
	struct on_worker *w = (struct on_worker *)((char *)l->user - offsetof(struct on_worker, server));

	weft__store_release(&w->closed, 1u);
	weft__word_wake(&w->closed);
}

static const struct weft__stream_fns worker_fns = { .data = on_data, .end = worker_end, .closed = on_closed };
static const struct weft__listener_fns worker_listener_fns = { on_accepted, worker_listener_closed };

static void worker_listen(struct weft__job *job)
{
	struct on_worker *w = (struct on_worker *)job;
	struct sockaddr_in addr = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };

	w->server.l.fns = &worker_listener_fns;
	w->server.l.user = &w->server;
	w->server.fns = &worker_fns;
	if (weft__listener_open(w->loop, &w->server.l, (struct sockaddr *)&addr, sizeof(addr), 0) < 0)
		exit(1);
	weft__store_release(&w->port, weft__listener_port(&w->server.l));
	weft__word_wake(&w->port);
}

static void echo_worker(weft_io_backend backend, const char *name)
{
	static struct on_worker w;
	weft_runtime_options opt = WEFT_RUNTIME_OPTIONS_INIT;
	weft_runtime *rt;
	double cpu;
	pid_t pid;
	int fd;

	memset(&w, 0, sizeof(w));
	opt.workers = 1;
	opt.io = backend;
	opt.log_level = WEFT_LOG_ERROR;
	if (weft_runtime_create(&opt, &rt) < 0 || weft_runtime_start(rt) < 0)
		exit(1);
	w.loop = weft__loop_of(rt, 0);
	w.job.run = worker_listen;
	weft__loop_post(w.loop, &w.job);
	while (!weft__load_acquire(&w.port))
		weft__word_wait(&w.port, 0, UINT64_MAX);
	pid = client_start((uint16_t)weft__load_relaxed(&w.port), &fd);
	cpu = cpu_us();
	while (!weft__load_acquire(&w.closed))
		weft__word_wait(&w.closed, 0, UINT64_MAX);
	cpu = cpu_us() - cpu;
	weft_runtime_stop(rt, UINT64_MAX);
	weft_runtime_join(rt);
	weft_runtime_destroy(rt);
	report(name, fd, pid, cpu);
}

/* ---- the barest loop ------------------------------------------------------------------------- */

static void echo_bare(void)
{
	struct sockaddr_in addr = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct epoll_event events[CONNECTIONS], event = { .events = EPOLLIN };
	uint16_t port;
	int ep = epoll_create1(0), listener = weft__socket_listen((struct sockaddr *)&addr, sizeof(addr), false, &port);
	int ended = 0, fd, on = 1;
	pid_t pid = client_start(port, &fd);
	double cpu = cpu_us();
	char bytes[4096];

	event.data.fd = listener;
	epoll_ctl(ep, EPOLL_CTL_ADD, listener, &event);
	while (ended < connections) {
		int n = epoll_wait(ep, events, CONNECTIONS, -1);

		for (int i = 0; i < n; i++) {
			int at = events[i].data.fd;

			if (at == listener) {
				event.data.fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK);
				setsockopt(event.data.fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
				epoll_ctl(ep, EPOLL_CTL_ADD, event.data.fd, &event);
			} else if (recv(at, bytes, sizeof(bytes), 0) <= 0) {
				close(at);
				ended++;
			} else if (send(at, answer, sizeof(answer), MSG_NOSIGNAL) < 0 && errno != EPIPE && errno != ECONNRESET) {
				exit(1);
			}
		}
	}
	cpu = cpu_us() - cpu;
	close(listener);
	close(ep);
	report("bare epoll", fd, pid, cpu);
}

/* ---- one connection, as fast as it goes ------------------------------------------------------- */

static pid_t blast(int fd)
{
	static char bytes[256 << 10];
	pid_t pid = fork();

	if (pid != 0)
		return pid;
	for (uint64_t end_ns = weft_now_ns() + seconds * 1000000000u; weft_now_ns() < end_ns;) {
		if (send(fd, bytes, sizeof(bytes), MSG_NOSIGNAL) < 0)
			_exit(1);
	}
	_exit(0);
}

static uint64_t bulk_bytes, bulk_calls;

static void bulk_data(struct weft__stream *s, const uint8_t *bytes, size_t len)
{
	(void)s;
	(void)bytes;
	bulk_bytes += len;
	bulk_calls++;
}

static void bulk_end(struct weft__stream *s, int status)
{
	(void)status;
	*(bool *)s->user = true;
	weft__stream_close(s);
}

static const struct weft__stream_fns bulk_fns = { .data = bulk_data, .end = bulk_end, .closed = on_closed };

static void tcp_pair(int fds[2])
{
	struct sockaddr_in addr = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	uint16_t port;
	int listener = weft__socket_listen((struct sockaddr *)&addr, sizeof(addr), false, &port);

	addr.sin_port = htons(port);
	fds[0] = socket(AF_INET, SOCK_STREAM, 0);
	if (connect(fds[0], (struct sockaddr *)&addr, sizeof(addr)) < 0)
		exit(1);
	fds[1] = accept4(listener, NULL, NULL, SOCK_NONBLOCK);
	close(listener);
}

static void bulk_report(const char *name, double cpu)
{
	printf("%-12s %6.0f MB/s  %5.0f us CPU a MB, %5.1f KB a call\n", name, (double)bulk_bytes / 1e6 / (double)seconds,
	       cpu / ((double)bulk_bytes / 1e6), (double)bulk_bytes / 1e3 / (double)bulk_calls);
}

static void bulk_stream(weft_io_backend backend, const char *name)
{
	struct weft__loop *loop;
	struct weft__stream s = { .fns = &bulk_fns };
	bool ended = false;
	int fds[2];
	double cpu;
	pid_t pid;

	bulk_bytes = bulk_calls = 0;
	s.user = &ended;
	tcp_pair(fds);
	if (weft__loop_open(backend, &loop, NULL) < 0 || weft__stream_adopt(loop, &s, fds[1], fds[1]) < 0)
		exit(1);
	pid = blast(fds[0]);
	close(fds[0]);
	cpu = cpu_us();
	while (!ended)
		weft__loop_wait(loop, UINT64_MAX);
	cpu = cpu_us() - cpu;
	weft__loop_close(loop);
	waitpid(pid, NULL, 0);
	bulk_report(name, cpu);
}

static void bulk_bare(void)
{
	static char bytes[16384];
	int fds[2];
	double cpu;
	pid_t pid;
	ssize_t n;

	bulk_bytes = bulk_calls = 0;
	tcp_pair(fds);
	fcntl(fds[1], F_SETFL, 0);
	pid = blast(fds[0]);
	close(fds[0]);
	cpu = cpu_us();
	while ((n = recv(fds[1], bytes, sizeof(bytes), 0)) > 0) {
		bulk_bytes += (uint64_t)n;
		bulk_calls++;
	}
	cpu = cpu_us() - cpu;
	close(fds[1]);
	waitpid(pid, NULL, 0);
	bulk_report("bare recv", cpu);
}

/* ---- posts and alarms ---------------------------------------------------------------------------- */

#define POSTS 100000
#define ALARMS 100000

static uint64_t jobs_ran;

static void job_run(struct weft__job *job)
{
	(void)job;
	jobs_ran++;
}

static void posts(struct weft__loop *loop)
{
	static struct weft__job jobs[POSTS];
	uint64_t start, posted, ran;

	for (int i = 0; i < POSTS; i++)
		jobs[i].run = job_run;
	for (int round = 0; round < 3; round++) {
		start = weft_now_ns();
		for (int i = 0; i < POSTS; i++)
			weft__loop_post(loop, &jobs[i]);
		posted = weft_now_ns();
		weft__loop_wait(loop, 0);
		ran = weft_now_ns();
	}
	printf("post         %5.1f ns, run %5.1f ns (%" PRIu64 ")\n", (double)(posted - start) / POSTS, (double)(ran - posted) / POSTS, jobs_ran);
}

static void no_alarm(struct weft__alarm *alarm)
{
	(void)alarm;
}

static void alarms(struct weft__loop *loop)
{
	static struct weft__alarm all[ALARMS];
	uint64_t now = weft_now_ns(), start, seed = 1, n = 0;

	for (int i = 0; i < ALARMS; i++)
		weft__loop_alarm(loop, &all[i], now + 30000000000u + (uint64_t)i * 1000000u, no_alarm);
	start = weft_now_ns();
	for (; n < 1000000; n++) {
		struct weft__alarm *a = &all[(seed = seed * 6364136223846793005u + 1) >> 33 & 0xffff];

		weft__loop_alarm_off(loop, a);
		weft__loop_alarm(loop, a, now + 30000000000u + (seed >> 40) * 1000u, no_alarm);
	}
	printf("alarm        %5.1f ns off and on, at random among 100,000\n", (double)(weft_now_ns() - start) / (double)n);
	start = weft_now_ns();
	for (n = 0; n < 1000000; n++) {
		struct weft__alarm a = { .fn = NULL };

		weft__loop_alarm(loop, &a, now + 30000000000u, no_alarm);
		weft__loop_alarm_off(loop, &a);
	}
	printf("alarm        %5.1f ns on and off, the same one beside 100,000\n", (double)(weft_now_ns() - start) / (double)n);
	for (int i = 0; i < ALARMS; i++)
		weft__loop_alarm_off(loop, &all[i]);
}

int main(int argc, char **argv)
{
	struct weft__loop *loop;

	if (argc > 1)
		seconds = strtoull(argv[1], NULL, 10);
	signal(SIGPIPE, SIG_IGN);
	setvbuf(stdout, NULL, _IOLBF, 0);
	if (weft__loop_open(WEFT_IO_EPOLL, &loop, NULL) < 0)
		return 1;
	posts(loop);
	alarms(loop);
	weft__loop_close(loop);
	for (int round = 0; round < 3; round++) {
		bulk_stream(WEFT_IO_URING, "bulk uring");
		bulk_stream(WEFT_IO_EPOLL, "bulk epoll");
		bulk_bare();
	}
	for (int round = 0; round < 6; round++) {
		connections = round % 2 ? 1 : CONNECTIONS;
		printf("%d connections\n", connections);
		echo_streams(WEFT_IO_URING, "uring");
		echo_streams(WEFT_IO_EPOLL, "epoll");
		echo_bare();
		echo_worker(WEFT_IO_URING, "worker uring");
		echo_worker(WEFT_IO_EPOLL, "worker epoll");
	}
	return 0;
}
