/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The mock endpoint, and clients that misbehave. Goal: whatever some connections do, the others have their whole answers,
 * and the counts add up. Method: threads that ask well, pipelined, in pieces, and others that leave in the middle, reset, or
 * send garbage; a seed says who does what. Law: requests = answers that came whole + those of clients that left before.
 */
#include <criterion/criterion.h>
#include <pthread.h>
#include <weft/weft.h>

#include "tests/support/http_ask.h"
#include "tests/support/seed.h"

#define THREADS 4
#define ROUNDS 60
#define SECOND UINT64_C(1000000000)
#define BODY "{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":\"x\"}]}"
#define STREAM "{\"model\":\"m\",\"stream\":true,\"messages\":[{\"role\":\"user\",\"content\":\"x\"}]}"
#define POST "POST /v1/chat/completions HTTP/1.1\r\nHost: a\r\n"
#define PIPELINED_MAX 6

static uint16_t port;

struct client {
	pthread_t thread;
	uint64_t seed;
	uint64_t whole; /* answers that came whole */
	uint64_t left;  /* requests that were sent whole by somebody who did not wait */
	uint64_t wrong; /* answers that did not come, or not whole */
};

static void leave(int fd, bool reset)
{
	struct linger at_once = { .l_onoff = 1 };

	if (reset)
		setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
	close(fd);
}

static void say(int fd, const char *text, size_t len)
{
	(void)!send(fd, text, len, MSG_NOSIGNAL);
}

static void ask_well(struct client *c, const char *body)
{
	struct answer a = http_ask(port, "/v1/chat/completions", "", body);

	if (a.status == 200 && a.whole)
		c->whole++;
	else
		c->wrong++;
	answer_free(&a);
}

/* Several at once, the last of which closes; cut into pieces. Each answer says its content once. */
static void ask_pipelined(struct client *c)
{
	uint32_t count = 1 + test_below(&c->seed, PIPELINED_MAX), found = 0;
	char text[4096];
	struct answer a = { 0 };
	size_t len = 0, got, at = 0;
	int fd = http_connect(port);

	for (uint32_t i = 0; i < count; i++)
		len += (size_t)snprintf(text + len, sizeof(text) - len, POST "%sContent-Length: %zu\r\n\r\n" BODY,
		                        i + 1 == count ? "Connection: close\r\n" : "", sizeof(BODY) - 1);
	while (at < len) {
		size_t n = 1 + test_below(&c->seed, 200);

		n = n < len - at ? n : len - at;
		say(fd, text + at, n);
		at += n;
	}
	http_read_all(fd, &a, &got);
	close(fd);
	for (const char *s = a.bytes; (s = strstr(s, "You said: x")); s++)
		found++;
	c->whole += found;
	c->wrong += count - found;
	answer_free(&a);
}

static void misbehave(struct client *c)
{
	static const char whole[] = POST "Content-Length: 70\r\n\r\n" STREAM;
	static const char garbage[] = "\x16\x03\x01\x02\r\n\r\nGET / HTTP/1.1\r\n";
	int fd = http_connect(port);
	uint32_t what = test_below(&c->seed, 4);

	_Static_assert(sizeof(STREAM) - 1 == 70, "as announced");
	if (what == 0)
		say(fd, whole, 1 + test_below(&c->seed, sizeof(whole) - 2)); /* not all of it */
	else if (what == 1)
		say(fd, garbage, sizeof(garbage) - 1);
	if (what >= 2) {
		say(fd, whole, sizeof(whole) - 1);
		c->left++;
	}
	leave(fd, test_below(&c->seed, 2));
}

static void *run(void *arg)
{
	struct client *c = arg;

	for (int i = 0; i < ROUNDS; i++) {
		switch (test_below(&c->seed, 4)) {
		case 0:
			ask_well(c, BODY);
			break;
		case 1:
			ask_well(c, STREAM);
			break;
		case 2:
			ask_pipelined(c);
			break;
		default:
			misbehave(c);
			break;
		}
	}
	return NULL;
}

Test(mock_llm, clients__that_misbehave, .timeout = 120)
{
	weft_runtime_options opt = WEFT_RUNTIME_OPTIONS_INIT;
	weft_mock_llm_options o = WEFT_MOCK_LLM_OPTIONS_INIT;
	weft_mock_llm_stats stats = { .size = sizeof(stats) };
	struct client clients[THREADS] = { 0 }, all = { 0 };
	uint64_t seed = test_seed("mock_llm");
	weft_mock_llm *mock;
	weft_runtime *rt;
	weft_error err;

	opt.workers = 2;
	o.seed = seed;
	o.latency = "lognormal:1:1";
	o.tokens_per_s = 2000;
	cr_assert_eq(weft_runtime_create(&opt, &rt), 0);
	cr_assert_eq(weft_runtime_start(rt), 0);
	cr_assert_eq(weft_mock_llm_start(rt, &o, &mock, &err), 0, "%s", err.message);
	port = weft_mock_llm_port(mock);
	for (int i = 0; i < THREADS; i++) {
		clients[i].seed = seed + (uint64_t)i;
		cr_assert_eq(pthread_create(&clients[i].thread, NULL, run, &clients[i]), 0);
	}
	for (int i = 0; i < THREADS; i++) {
		pthread_join(clients[i].thread, NULL);
		all.whole += clients[i].whole;
		all.left += clients[i].left;
		all.wrong += clients[i].wrong;
	}
	weft_mock_llm_stop(mock, 20 * SECOND, &stats);
	weft_runtime_destroy(rt);
	cr_expect_eq(all.wrong, 0);
	cr_expect_eq(stats.connections, 0);
	/* Of a client that reset, the kernel may have dropped the request. */
	cr_expect(stats.requests >= all.whole && stats.requests <= all.whole + all.left, "%lu requests, %lu whole, %lu left",
	          (unsigned long)stats.requests, (unsigned long)all.whole, (unsigned long)all.left);
	cr_expect_leq(stats.gone, all.left);
}
