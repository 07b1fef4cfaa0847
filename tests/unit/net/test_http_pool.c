/* SPDX-License-Identifier: Apache-2.0 */
/*
 * which connection a call gets, and how long it waits for what: reuse, limits, the line, repeating,
 * deadlines, several addresses, addresses that are not public. The server notes who came on which connection.
 */
#include <criterion/criterion.h>

#include <errno.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <time.h>

#include "net/dns/resolver.h"
#include "runtime/base/atomic.h"
#include "runtime/base/clock.h"
#include "runtime/base/thread.h"
#include "tests/support/http_asker.h"
#include "tests/support/leap.h"
#include "tests/support/peer.h"

#define HELLO "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"

static struct weft__loop *loop;
static struct peer *peer;
static char url[128];

/* ---- names of the test's own --------------------------------------------------------------------------- */

static _Atomic(uint32_t) may_answer;

/*
 * "two.example": an address where nobody is, and the server's. "mixed.example": a public one and a private
 * one.
 */
static int source(const char *host, struct weft__address *ret, uint32_t max, void *user)
{
	uint32_t now;

	(void)max;
	(void)user;
	if (strcmp(host, "slow.example") == 0) {
		while ((now = weft__load_acquire(&may_answer)) == 0)
			weft__word_wait(&may_answer, now, UINT64_MAX);
		return -EAGAIN;
	}
	if (strcmp(host, "gone.example") == 0)
		return 0;
	if (strcmp(host, "two.example") == 0) {
		weft__address_parse(WEFT_STR("127.0.0.2"), &ret[0]);
		weft__address_parse(WEFT_STR("127.0.0.1"), &ret[1]);
		return 2;
	}
	if (strcmp(host, "mixed.example") == 0) {
		weft__address_parse(WEFT_STR("8.8.8.8"), &ret[0]);
		weft__address_parse(WEFT_STR("10.0.0.1"), &ret[1]);
		return 2;
	}
	weft__address_parse(WEFT_STR("127.0.0.1"), &ret[0]);
	return 1;
}

static void setup(void)
{
	weft__dns_source_set(source, NULL);
	loop = test_loop();
}

static void teardown(void)
{
	asker_all_ended(loop);
	weft__loop_close(loop);
	if (peer)
		peer_stop(peer);
}

TestSuite(http_pool, .init = setup, .fini = teardown, .timeout = 120);

static void serve_with(void (*serve)(int fd, int number, void *user))
{
	peer = peer_start(serve, NULL);
	snprintf(url, sizeof(url), "http://127.0.0.1:%u/", peer->port);
}

static struct weft__http_request get(void)
{
	return (struct weft__http_request){.method = WEFT_STR("GET"), .url = weft_str_from(url)};
}

static struct weft__http_counts counts_now(void)
{
	struct weft__http_counts c;

	weft__http_counts(loop, &c);
	return c;
}

static void configure(struct weft__http_config config)
{
	cr_assert_eq(weft__http_configure(loop, &config), 0);
}

static void hello(int fd, int number, void *user)
{
	char buf[8192];

	(void)number;
	(void)user;
	while (peer_request(fd, buf, sizeof(buf)) > 0 && peer_send(fd, HELLO))
		;
}

/* Answers when the test lets it. */
static _Atomic(uint32_t) may_go, arrived;

static void let_go(void)
{
	weft__fetch_add_acq_rel(&may_go, 1u);
	weft__word_wake(&may_go);
}

static void hello_when_told(int fd, int number, void *user)
{
	char buf[8192];
	uint32_t now;

	(void)number;
	(void)user;
	while (peer_request(fd, buf, sizeof(buf)) > 0) {
		weft__fetch_add_acq_rel(&arrived, 1u);
		while ((now = weft__load_acquire(&may_go)) == 0)
			weft__word_wait(&may_go, now, UINT64_MAX);
		if (!peer_send(fd, HELLO))
			return;
	}
}

static void turn_until(const _Atomic(uint32_t) *word, uint32_t least)
{
	while (weft__load_acquire(word) < least)
		weft__loop_wait(loop, 5 * TEST_MS);
}

static void clear_all(struct asker *all, int n)
{
	for (int i = 0; i < n; i++)
		asker_clear(&all[i]);
}

/* ---- reuse ------------------------------------------------------------------------------------------------ */

Test(http_pool, a_connection_is_used_again_by_the_same_origin_only)
{
	struct asker a = {.done = 0};
	struct weft__http_request req;

	serve_with(hello);
	req = get();
	for (int i = 0; i < 5; i++) {
		cr_expect_eq(asker_run(loop, &a, &req), 0);
		cr_expect_eq(a.call.reused, i > 0);
		asker_clear(&a);
	}
	cr_expect_eq(counts_now().opened, 1u);
	cr_expect_eq(counts_now().reused, 4u);
	snprintf(url, sizeof(url), "http://LOCALHOST:%u/", peer->port);
	req = get();
	cr_expect_eq(asker_run(loop, &a, &req), 0);
	cr_expect_not(a.call.reused, "another name");
	asker_clear(&a);
	snprintf(url, sizeof(url), "http://localhost:%u/x", peer->port);
	req = get();
	cr_expect_eq(asker_run(loop, &a, &req), 0);
	cr_expect(a.call.reused, "the same name");
	asker_clear(&a);
	req.flags = WEFT__HTTP_FRESH;
	cr_expect_eq(asker_run(loop, &a, &req), 0);
	cr_expect_not(a.call.reused);
	asker_clear(&a);
	test_settle(loop);
	cr_expect_eq(counts_now().idle, 2u, "the fresh one is not kept");
}

static void start_next(struct asker *a)
{
	struct asker *next = a + 1;
	struct weft__http_request req = get();

	cr_assert_eq(asker_start(loop, next, &req), 0);
}

Test(http_pool, done_may_start_the_next_call_on_the_same_connection)
{
	struct asker a[4] = {{.then = start_next}, {.then = start_next}, {.then = start_next}};
	struct weft__http_request req;

	serve_with(hello);
	req = get();
	cr_assert_eq(asker_start(loop, &a[0], &req), 0);
	test_turn(loop, &a[3].done, 1);
	cr_expect_eq(counts_now().opened, 1u);
	clear_all(a, 4);
}

static void hello_and_close(int fd, int number, void *user)
{
	char buf[8192];

	(void)number;
	(void)user;
	if (peer_request(fd, buf, sizeof(buf)) > 0)
		peer_send(fd, HELLO);
}

Test(http_pool, a_connection_that_the_server_closes_while_idle_is_dropped)
{
	struct asker a = {.done = 0};
	struct weft__http_request req;

	serve_with(hello_and_close);
	req = get();
	cr_expect_eq(asker_run(loop, &a, &req), 0);
	asker_clear(&a);
	while (counts_now().idle)
		weft__loop_wait(loop, 10 * TEST_MS);
	cr_expect_eq(asker_run(loop, &a, &req), 0);
	cr_expect_not(a.call.reused);
	cr_expect_eq(counts_now().repeated, 0u);
	asker_clear(&a);
}

Test(http_pool, idle_connections_end_after_a_while_and_beyond_their_number)
{
	enum { N = 6 };
	struct asker a[N] = {{.done = 0}};
	struct weft__http_request req;

	serve_with(hello_when_told);
	configure((struct weft__http_config){.origin_idle_max = 3, .idle_ns = TEST_SECOND / 5});
	req = get();
	for (int i = 0; i < N; i++)
		cr_assert_eq(asker_start(loop, &a[i], &req), 0);
	turn_until(&arrived, N);
	let_go();
	for (int i = 0; i < N; i++)
		test_turn(loop, &a[i].done, 1);
	cr_expect_leq(counts_now().idle, 3u);
	while (counts_now().idle)
		weft__loop_wait(loop, 10 * TEST_MS);
	clear_all(a, N);
}

/*
 * ---- limits and the line
 * --------------------------------------------------------------------------------------
 */

static int order[64], ordered;

static void note_order(struct asker *a)
{
	order[ordered++] = (int)(intptr_t)a->call.user;
}

Test(http_pool, calls_beyond_the_limit_wait_in_line_and_in_order)
{
	enum { N = 12 };
	struct asker a[N] = {{.done = 0}};
	struct weft__http_request req;

	serve_with(hello_when_told);
	configure((struct weft__http_config){.origin_connections_max = 1});
	req = get();
	for (int i = 0; i < N; i++) {
		a[i].then = note_order;
		a[i].call.user = (void *)(intptr_t)i;
		cr_assert_eq(asker_start(loop, &a[i], &req), 0);
	}
	turn_until(&arrived, 1);
	cr_expect_eq(counts_now().waiting, (uint32_t)N - 1);
	weft__http_cancel(&a[5].call);
	let_go();
	test_turn(loop, &a[N - 1].done, 1);
	cr_expect_eq(counts_now().opened, 1u);
	cr_expect_eq(peer_accepted(peer), 1);
	for (int i = 0, at = 0; i < N; i++) {
		if (order[i] == 5)
			continue;
		at = order[i] >= at ? order[i] : -1;
		cr_expect_neq(at, -1, "in order");
	}
	cr_expect_eq(a[5].status, -ECANCELED);
	clear_all(a, N);
}

Test(http_pool, an_origin_without_a_place_takes_over_anothers_idle_one)
{
	struct asker a[2] = {{.done = 0}};
	struct weft__http_request req;
	char other[64];

	serve_with(hello);
	snprintf(other, sizeof(other), "http://other.example:%u/", peer->port);
	configure((struct weft__http_config){.connections_max = 1});
	for (int round = 0; round < 4; round++) {
		req = get();
		req.url = round % 2 ? weft_str_from(other) : req.url;
		req.flags = WEFT__HTTP_NO_PROXY;
		cr_expect_eq(asker_run(loop, &a[0], &req), 0);
		cr_expect_not(a[0].call.reused);
		asker_clear(&a[0]);
	}
	/* Both at once: the second has to wait for the first. */
	req.url = weft_str_from(url);
	cr_assert_eq(asker_start(loop, &a[0], &req), 0);
	req.url = weft_str_from(other);
	cr_assert_eq(asker_start(loop, &a[1], &req), 0);
	test_turn(loop, &a[0].done, 1);
	test_turn(loop, &a[1].done, 1);
	cr_expect_eq(a[0].status, 0);
	cr_expect_eq(a[1].status, 0);
	clear_all(a, 2);
}

/* Nothing holds the origin of a call that is over and waits for its done: it goes when there are too many. */
Test(http_pool, a_call_is_canceled_twice_and_its_origin_swept_away_between)
{
	enum { OTHERS = 600 }; /* origins that a client remembers, and more */
	struct asker busy = {.done = 0}, *others = calloc(OTHERS, sizeof(*others)), a = {.done = 0};
	struct weft__http_request req;

	serve_with(hello_when_told);
	configure((struct weft__http_config){.connections_max = 1, .waiting_max = OTHERS + 1});
	req = get();
	req.flags = WEFT__HTTP_NO_PROXY;
	cr_assert_eq(asker_start(loop, &busy, &req), 0);
	turn_until(&arrived, 1);
	req.url = WEFT_STR("http://127.0.0.2:81/");
	cr_assert_eq(asker_start(loop, &a, &req), 0);
	weft__http_cancel(&a.call);
	for (int i = 0; i < OTHERS; i++) {
		snprintf(url, sizeof(url), "http://127.0.0.3:%d/", 1000 + i);
		req.url = weft_str_from(url);
		cr_assert_eq(asker_start(loop, &others[i], &req), 0, "%s", others[i].call.error.message);
	}
	weft__http_cancel(&a.call);
	cr_expect_eq(a.done, 0, "never inside cancel");
	test_turn(loop, &a.done, 1);
	cr_expect_eq(a.status, -ECANCELED);
	for (int i = 0; i < OTHERS; i++)
		weft__http_cancel(&others[i].call);
	let_go();
	test_turn(loop, &busy.done, 1);
	for (int i = 0; i < OTHERS; i++)
		test_turn(loop, &others[i].done, 1);
	clear_all(others, OTHERS);
	asker_clear(&busy);
	asker_clear(&a);
	free(others);
}

Test(http_pool, too_many_that_wait_are_refused)
{
	struct asker a[4] = {{.done = 0}};
	struct weft__http_request req;

	serve_with(hello_when_told);
	configure((struct weft__http_config){.origin_connections_max = 1, .waiting_max = 2});
	req = get();
	for (int i = 0; i < 3; i++)
		cr_assert_eq(asker_start(loop, &a[i], &req), 0);
	cr_expect_eq(asker_start(loop, &a[3], &req), -ENOBUFS);
	let_go();
	test_turn(loop, &a[2].done, 1);
	cr_expect_eq(a[3].done, 0);
	clear_all(a, 4);
}

/* The second call waits for a connection of its own; the first one's becomes free before. */
Test(http_pool, a_call_moves_to_a_connection_that_is_idle_first)
{
	struct asker a = {.done = 0}, b = {.done = 0};
	struct weft__http_request req;
	int hole, full[2], one = 1;
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK + 1)};

	/* "two.example" is first sought at 127.0.0.2, where a listener takes no more: a quarter of a second. */
	serve_with(hello_when_told);
	at.sin_port = htons(peer->port);
	hole = socket(AF_INET, SOCK_STREAM, 0);
	setsockopt(hole, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(hole, (struct sockaddr *)&at, sizeof(at)) < 0 || listen(hole, 0) < 0)
		cr_skip_test("127.0.0.2 cannot be had here");
	for (int i = 0; i < 2; i++) {
		full[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
		if (connect(full[i], (struct sockaddr *)&at, sizeof(at)) < 0 && errno != EINPROGRESS)
			cr_skip_test("127.0.0.2 cannot be reached here");
	}
	snprintf(url, sizeof(url), "http://two.example:%u/", peer->port);
	req = get();
	cr_assert_eq(asker_start(loop, &a, &req), 0);
	turn_until(&arrived, 1);
	test_stands_still(); /* or a machine that stands still for that long tries the next address */
	cr_assert_eq(asker_start(loop, &b, &req), 0);
	test_settle(loop);
	let_go();
	test_turn(loop, &b.done, 1);
	cr_expect_eq(a.status, 0, "%s", a.call.error.message);
	cr_expect_eq(b.status, 0, "%s", b.call.error.message);
	cr_expect(b.call.reused, "it did not wait for its own");
	asker_clear(&a);
	asker_clear(&b);
	close(hole);
	close(full[0]);
	close(full[1]);
}

/*
 * ---- repeating
 * ------------------------------------------------------------------------------------------------
 */

/* The first connection answers once, and ends with the second request, before or after some bytes. */
static bool bytes_first, with_reset;

static void die_on_second(int fd, int number, void *user)
{
	char buf[8192];

	(void)user;
	if (number > 0) {
		hello(fd, number, user);
		return;
	}
	if (peer_request(fd, buf, sizeof(buf)) <= 0 || !peer_send(fd, HELLO) ||
	    peer_request(fd, buf, sizeof(buf)) <= 0)
		return;
	if (bytes_first)
		peer_send(fd, "HTTP/1.1 ");
	if (with_reset)
		peer_reset(fd);
}

static void repeat(const char *method, uint32_t flags, bool repeated, int status)
{
	struct asker a = {.done = 0};
	struct weft__http_request req;

	serve_with(die_on_second);
	req = get();
	req.method = weft_str_from(method);
	req.flags = flags;
	cr_expect_eq(asker_run(loop, &a, &req), 0);
	asker_clear(&a);
	cr_expect_eq(asker_run(loop, &a, &req), status, "%s: %s", method, a.call.error.message);
	cr_expect_eq(peer_accepted(peer), repeated ? 2 : 1, "%s", method);
	cr_expect_eq(a.call.reused, !repeated);
	cr_expect_eq(a.call.answered, bytes_first || status == 0);
	cr_expect(a.call.sent);
	asker_clear(&a);
	weft__http_flush(loop);
	test_settle(loop);
	peer_stop(peer);
	peer = NULL;
}

Test(http_pool, a_used_connection_that_ends_before_an_answer_is_replaced_once)
{
	for (int reset = 0; reset < 2; reset++) {
		with_reset = reset;
		bytes_first = false;
		repeat("GET", 0, true, 0);
		repeat("DELETE", 0, true, 0);
		repeat("POST", 0, false, -ECONNRESET);
		repeat("PATCH", 0, false, -ECONNRESET);
		repeat("POST", WEFT__HTTP_SAFE_TO_REPEAT, true, 0);
		bytes_first = true;
		repeat("GET", WEFT__HTTP_SAFE_TO_REPEAT, false, -ECONNRESET);
	}
}

static void die_always(int fd, int number, void *user)
{
	char buf[8192];

	if (number == 0) {
		die_on_second(fd, number, user);
		return;
	}
	peer_request(fd, buf, sizeof(buf));
}

Test(http_pool, and_not_more_than_once)
{
	struct asker a = {.done = 0};
	struct weft__http_request req;

	bytes_first = with_reset = false;
	serve_with(die_always);
	req = get();
	cr_expect_eq(asker_run(loop, &a, &req), 0);
	asker_clear(&a);
	cr_expect_eq(asker_run(loop, &a, &req), -ECONNRESET);
	cr_expect_eq(peer_accepted(peer), 2);
	cr_expect_eq(counts_now().repeated, 1u);
	asker_clear(&a);
	cr_expect_eq(asker_run(loop, &a, &req), -ECONNRESET, "a fresh one is not repeated at all");
	cr_expect_eq(peer_accepted(peer), 3);
	asker_clear(&a);
}

/*
 * ---- deadlines
 * ---------------------------------------------------------------------------------------------------
 */

static void never(int fd, int number, void *user)
{
	(void)number;
	(void)user;
	peer_wait_closed(fd);
}

static void one_byte_and_never(int fd, int number, void *user)
{
	char buf[8192];

	(void)number;
	(void)user;
	peer_request(fd, buf, sizeof(buf));
	peer_send(fd, "HTTP/1.1 200 OK\r\n\r\nx");
	peer_wait_closed(fd);
}

static void drip(int fd, int number, void *user)
{
	char buf[8192];

	(void)number;
	(void)user;
	peer_request(fd, buf, sizeof(buf));
	peer_send(fd, "HTTP/1.1 200 OK\r\n\r\n");
	while (peer_send(fd, "x"))
		usleep(5000);
}

static void times_out(void (*serve)(int fd, int number, void *user), struct weft__http_request req,
                      const char *words)
{
	struct asker a = {.done = 0};

	if (serve) {
		serve_with(serve);
		req.url = weft_str_from(url);
	}
	req.method = WEFT_STR("GET");
	cr_expect_eq(asker_run(loop, &a, &req), -ETIMEDOUT, "%s: %s", words, a.call.error.message);
	cr_expect(strstr(a.call.error.message, words), "expected '%s', got '%s'", words,
	          a.call.error.message);
	asker_clear(&a);
	if (serve) {
		peer_stop(peer);
		peer = NULL;
	}
}

Test(http_pool, each_deadline_has_its_own_words)
{
	uint64_t ns = 100 * TEST_MS;

	times_out(never, (struct weft__http_request){.first_byte_ns = ns}, "no answer within 0.1 s");
	times_out(one_byte_and_never, (struct weft__http_request){.idle_ns = ns},
	          "nothing more of the answer for 0.1 s");
	times_out(drip,
	          (struct weft__http_request){
	                  .idle_ns = 10 * TEST_SECOND, .total_ns = 2 * ns, .first_byte_ns = UINT64_MAX},
	          "no end of the answer in time");
	times_out(NULL,
	          (struct weft__http_request){.connect_ns = ns,
	                                      .url = WEFT_STR("http://slow.example/"),
	                                      .flags = WEFT__HTTP_NO_PROXY},
	          "no connection within 0.1 s (resolved the name");
	weft__store_release(&may_answer, 1u);
	weft__word_wake(&may_answer);
}

Test(http_pool, waiting_in_line_counts_as_connecting)
{
	struct asker a[2] = {{.done = 0}};
	struct weft__http_request req;

	serve_with(hello_when_told);
	configure((struct weft__http_config){.origin_connections_max = 1});
	req = get();
	cr_assert_eq(asker_start(loop, &a[0], &req), 0);
	turn_until(&arrived, 1);
	req.connect_ns = 50 * TEST_MS;
	cr_expect_eq(asker_run(loop, &a[1], &req), -ETIMEDOUT);
	cr_expect(strstr(a[1].call.error.message, "waited for a place"), "%s", a[1].call.error.message);
	cr_expect_not(a[1].call.sent);
	let_go();
	test_turn(loop, &a[0].done, 1);
	clear_all(a, 2);
}

/*
 * ---- hosts that are not there
 * --------------------------------------------------------------------------------------
 */

static uint16_t free_port(void)
{
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(at);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	cr_assert_eq(bind(fd, (struct sockaddr *)&at, sizeof(at)), 0);
	getsockname(fd, (struct sockaddr *)&at, &len);
	close(fd);
	return ntohs(at.sin_port);
}

static void fails(const char *address, uint32_t flags, int status, const char *words)
{
	struct weft__http_request req = {.method = WEFT_STR("GET"),
	                                 .url = weft_str_from(address),
	                                 .flags = flags | WEFT__HTTP_NO_PROXY};
	struct asker a = {.done = 0};

	cr_expect_eq(asker_run(loop, &a, &req), status, "%s: %d %s", address, a.status, a.call.error.message);
	cr_expect(strstr(a.call.error.message, words), "expected '%s', got '%s'", words,
	          a.call.error.message);
	cr_expect_not(a.call.sent);
	asker_clear(&a);
}

Test(http_pool, a_host_that_is_not_there_is_told_by_reason)
{
	char address[64];

	snprintf(address, sizeof(address), "http://127.0.0.1:%u/", free_port());
	fails(address, 0, -ECONNREFUSED, ": Connection refused");
	fails("http://gone.example/", 0, WEFT_EHOSTNAME, "gone.example:80: no such host");
}

Test(http_pool, no_descriptor_left_is_said_and_passes)
{
	struct rlimit old, none;
	struct asker a = {.done = 0};
	struct weft__http_request req;

	serve_with(hello);
	req = get();
	getrlimit(RLIMIT_NOFILE, &old);
	none = (struct rlimit){.rlim_cur = 3, .rlim_max = old.rlim_max};
	weft__loop_wait(loop, 0);
	setrlimit(RLIMIT_NOFILE, &none);
	cr_expect_eq(asker_run(loop, &a, &req), -EMFILE, "%s", a.call.error.message);
	setrlimit(RLIMIT_NOFILE, &old);
	asker_clear(&a);
	cr_expect_eq(asker_run(loop, &a, &req), 0, "%s", a.call.error.message);
	asker_clear(&a);
}

Test(http_pool, the_next_address_is_tried_when_one_refuses)
{
	struct asker a = {.done = 0};
	struct weft__http_request req;

	serve_with(hello);
	snprintf(url, sizeof(url), "http://two.example:%u/", peer->port);
	req = get();
	req.flags = WEFT__HTTP_NO_PROXY;
	cr_expect_eq(asker_run(loop, &a, &req), 0, "%s", a.call.error.message);
	asker_clear(&a);
}

Test(http_pool, addresses_that_are_not_public_are_refused_where_asked_for)
{
	char address[64];

	serve_with(hello);
	snprintf(address, sizeof(address), "http://127.0.0.1:%u/", peer->port);
	fails(address, WEFT__HTTP_PUBLIC_ONLY, -EACCES, "its address 127.0.0.1 is not a public one");
	snprintf(address, sizeof(address), "http://a.example:%u/", peer->port);
	fails(address, WEFT__HTTP_PUBLIC_ONLY, -EACCES, "its address 127.0.0.1 is not a public one");
	fails("http://mixed.example/", WEFT__HTTP_PUBLIC_ONLY, -EACCES,
	      "its address 10.0.0.1 is not a public one");
	fails("http://[::ffff:127.0.0.1]/", WEFT__HTTP_PUBLIC_ONLY, -EACCES, "is not a public one");
	cr_expect_eq(peer_accepted(peer), 0);
}

Test(http_pool, a_connection_made_without_that_check_is_not_used_by_a_call_that_wants_it)
{
	struct asker a = {.done = 0};
	struct weft__http_request req;

	serve_with(hello);
	req = get();
	cr_expect_eq(asker_run(loop, &a, &req), 0);
	cr_expect_eq(counts_now().idle, 1u);
	fails(url, WEFT__HTTP_PUBLIC_ONLY, -EACCES, "is not a public one");
	asker_clear(&a);
}
