/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench/peers/io/curl.c - many streamed answers at once by libcurl's multi interface over epoll, for scripts/peers io.
 *
 * curl ITEM WORKERS REPETITIONS URL STREAMS TOKENS: says TOKENS numbers, "0 1 2 ...", STREAMS times at once to an endpoint that
 * repeats what it is told as server-sent events; each number of each stream has to come, in order. Prints the CPU time
 * of this process an event, and its resident bytes a stream.
 */
#include <curl/curl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <unistd.h>

#define LINE_BYTES 1024
#define EVENTS 512

struct stream {
	char line[LINE_BYTES]; /* what has come of a line */
	unsigned len;
	unsigned next; /* number that is expected */
	int ended;     /* [DONE] came */
};

static int epoll_fd;
static long timeout_ms = -1;
static uint64_t events;
static const char *wrong;

static double cpu_us(void)
{
	struct rusage u;

	getrusage(RUSAGE_SELF, &u);
	return 1e6 * (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) + (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec);
}

static double rss_kb(void)
{
	long pages = 0, all;
	FILE *f = fopen("/proc/self/statm", "r");

	if (!f || fscanf(f, "%ld %ld", &all, &pages) != 2)
		pages = 0;
	if (f)
		fclose(f);
	return (double)pages * (double)sysconf(_SC_PAGESIZE) / 1024;
}

/* A delta's text is a number and perhaps a space; the first and the last event have none. */
static void take_event(struct stream *s, const char *json)
{
	const char *at = strstr(json, "\"content\":\"");

	events++;
	if (strncmp(json, "[DONE]", 6) == 0) {
		s->ended = 1;
		return;
	}
	if (!at)
		return;
	at += strlen("\"content\":\"");
	while (*at && *at != '"') {
		char *end;
		unsigned long n = strtoul(at, &end, 10);

		if (end == at) {
			at++;
			continue;
		}
		if (n != s->next++)
			wrong = "a number is missing, or out of order";
		at = end;
	}
}

static size_t on_body(char *bytes, size_t size, size_t count, void *user)
{
	struct stream *s = user;

	for (size_t i = 0; i < size * count; i++) {
		if (bytes[i] != '\n') {
			if (s->len < LINE_BYTES - 1)
				s->line[s->len++] = bytes[i];
			continue;
		}
		s->line[s->len] = '\0';
		if (strncmp(s->line, "data: ", 6) == 0)
			take_event(s, s->line + 6);
		s->len = 0;
	}
	return size * count;
}

static int on_socket(CURL *easy, curl_socket_t fd, int what, void *user, void *known)
{
	struct epoll_event ev = { .data.fd = fd };

	(void)easy;
	(void)user;
	(void)known;
	if (what == CURL_POLL_REMOVE) {
		epoll_ctl(epoll_fd, EPOLL_CTL_DEL, fd, &ev);
		return 0;
	}
	ev.events = (what & CURL_POLL_IN ? EPOLLIN : 0) | (what & CURL_POLL_OUT ? EPOLLOUT : 0);
	if (epoll_ctl(epoll_fd, EPOLL_CTL_MOD, fd, &ev) < 0)
		epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &ev);
	return 0;
}

static int on_timer(CURLM *multi, long ms, void *user)
{
	(void)multi;
	(void)user;
	timeout_ms = ms;
	return 0;
}

static void collect(CURLM *multi, unsigned *left)
{
	CURLMsg *msg;
	int more;

	while ((msg = curl_multi_info_read(multi, &more))) {
		if (msg->msg != CURLMSG_DONE)
			continue;
		if (msg->data.result)
			wrong = curl_easy_strerror(msg->data.result);
		curl_multi_remove_handle(multi, msg->easy_handle);
		curl_easy_cleanup(msg->easy_handle);
		--*left;
	}
}

static void run(CURLM *multi, unsigned left)
{
	struct epoll_event ev[EVENTS];
	int running;

	while (left && !wrong) {
		int wait = timeout_ms < 0 || timeout_ms > 1000 ? 1000 : (int)timeout_ms;
		int n = epoll_wait(epoll_fd, ev, EVENTS, wait);

		if (n == 0 || timeout_ms == 0) {
			timeout_ms = -1;
			curl_multi_socket_action(multi, CURL_SOCKET_TIMEOUT, 0, &running);
		}
		for (int i = 0; i < n; i++) {
			int what = (ev[i].events & EPOLLIN ? CURL_CSELECT_IN : 0) | (ev[i].events & EPOLLOUT ? CURL_CSELECT_OUT : 0) |
			           (ev[i].events & (EPOLLERR | EPOLLHUP) ? CURL_CSELECT_ERR : 0);

			curl_multi_socket_action(multi, ev[i].data.fd, what, &running);
		}
		collect(multi, &left);
	}
}

static void ask(CURLM *multi, struct stream *s, const char *url, struct curl_slist *head, const char *body)
{
	CURL *easy = curl_easy_init();

	curl_easy_setopt(easy, CURLOPT_URL, url);
	curl_easy_setopt(easy, CURLOPT_POSTFIELDS, body);
	curl_easy_setopt(easy, CURLOPT_HTTPHEADER, head);
	curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
	curl_easy_setopt(easy, CURLOPT_WRITEDATA, s);
	curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(easy, CURLOPT_TCP_NODELAY, 1L);
	curl_multi_add_handle(multi, easy);
}

static char *make_body(unsigned tokens)
{
	char *body = malloc(200 + tokens * 11u), *at = body;

	if (!body)
		abort();
	at += sprintf(at, "{\"model\":\"mock\",\"stream\":true,\"messages\":[{\"role\":\"user\",\"content\":\"");
	for (unsigned i = 0; i < tokens; i++)
		at += sprintf(at, i ? " %u" : "%u", i);
	strcpy(at, "\"}]}");
	return body;
}

int main(int argc, char **argv)
{
	struct rlimit files = { 0, 0 };
	unsigned streams, tokens;
	struct curl_slist *head = NULL;
	struct stream *all;
	double rss, cpu;
	char url[300], *body;
	CURLM *multi;

	if (argc < 7)
		return 2;
	if (atoi(argv[2]) != 1)
		return 3; /* one thread drives all of them */
	streams = (unsigned)atoi(argv[5]);
	tokens = (unsigned)atoi(argv[6]);
	body = make_body(tokens);
	snprintf(url, sizeof(url), "%s/chat/completions", argv[4]);
	getrlimit(RLIMIT_NOFILE, &files);
	files.rlim_cur = files.rlim_max;
	setrlimit(RLIMIT_NOFILE, &files);
	curl_global_init(CURL_GLOBAL_ALL);
	all = calloc(streams, sizeof(*all));
	multi = curl_multi_init();
	epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (!all || !multi || epoll_fd < 0)
		return 1;
	curl_multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, on_socket);
	curl_multi_setopt(multi, CURLMOPT_TIMERFUNCTION, on_timer);
	curl_multi_setopt(multi, CURLMOPT_MAXCONNECTS, (long)streams);
	head = curl_slist_append(head, "Content-Type: application/json");
	head = curl_slist_append(head, "Accept: text/event-stream");
	head = curl_slist_append(head, "Expect:");
	rss = rss_kb();
	cpu = cpu_us();
	for (unsigned i = 0; i < streams; i++)
		ask(multi, &all[i], url, head, body);
	run(multi, streams);
	cpu = cpu_us() - cpu;
	for (unsigned i = 0; i < streams && !wrong; i++) {
		if (all[i].next != tokens || !all[i].ended)
			wrong = "a stream is not whole";
	}
	if (wrong) {
		printf("{\"item\": \"%s-cpu\", \"why\": \"%s\"}\n", argv[1], wrong);
		return 0;
	}
	{
		struct rusage u;

		getrusage(RUSAGE_SELF, &u);
		printf("{\"item\": \"%s-cpu\", \"unit\": \"us\", \"values\": [%.4f], \"peak_rss_mb\": %.1f}\n", argv[1], cpu / (double)events,
		       (double)u.ru_maxrss / 1024);
		printf("{\"item\": \"%s-memory\", \"unit\": \"KB\", \"values\": [%.3f]}\n", argv[1], ((double)u.ru_maxrss - rss) / streams);
	}
	return 0;
}
