/* SPDX-License-Identifier: Apache-2.0 */
/*
 * the resolver, over a source of names of the test's own: answers, failures, how long they are kept, one
 * question a name at a time, cancelling, and a loop that ends while a helper is still asking. Names of this
 * machine once, by getaddrinfo.
 */
#include <criterion/criterion.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <weft/error.h>

#include "net/dns/resolver.h"
#include "runtime/base/clock.h"
#include "runtime/base/thread.h"
#include "tests/support/turn.h"

static _Atomic(uint32_t) asked, may_answer, left;

/* "a.example" has two addresses; "gone..." none; "busy..." no server. "slow..." waits for the test. */
static int source(const char *host, struct weft__address *ret, uint32_t max, void *user)
{
	uint32_t now;

	(void)user;
	cr_assert_eq(max, WEFT__DNS_ADDRESSES_MAX);
	weft__fetch_add_acq_rel(&asked, 1u);
	weft__word_wake(&asked);
	if (strncmp(host, "slow", 4) == 0) {
		while ((now = weft__load_acquire(&may_answer)) == 0)
			weft__word_wait(&may_answer, now, UINT64_MAX);
		weft__fetch_add_acq_rel(&left, 1u);
		weft__word_wake(&left);
	}
	if (strncmp(host, "gone", 4) == 0)
		return 0;
	if (strncmp(host, "busy", 4) == 0)
		return -EAGAIN;
	cr_assert(weft__address_parse(WEFT_STR("2001:db8::5"), &ret[0]));
	cr_assert(weft__address_parse(WEFT_STR("192.0.2.5"), &ret[1]));
	return 2;
}

static void let_go(void)
{
	weft__store_release(&may_answer, 1);
	weft__word_wake(&may_answer);
}

static void wait_asked(uint32_t n)
{
	uint32_t now;

	while ((now = weft__load_acquire(&asked)) < n)
		weft__word_wait(&asked, now, UINT64_MAX);
}

/* A clock that the test moves, and holds. */
static _Atomic(uint64_t) ahead_ns, stands_at_ns;

static uint64_t late_ns(void *user)
{
	struct timespec now;

	(void)user;
	if (weft__load_acquire(&stands_at_ns))
		return weft__load_acquire(&stands_at_ns);
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * UINT64_C(1000000000) + (uint64_t)now.tv_nsec +
	       weft__load_acquire(&ahead_ns);
}

static int64_t wall_ms(void *user)
{
	(void)user;
	return 0;
}

static const struct weft__clock_source late = {.now_ns = late_ns, .wall_ms = wall_ms};

static struct weft__loop *loop;
static struct weft__resolver *resolver;

static void setup(void)
{
	weft__clock_source_set(&late);
	weft__dns_source_set(source, NULL);
	loop = test_loop();
	cr_assert_eq(weft__resolver_create(loop, &resolver), 0);
}

static void teardown(void)
{
	weft__resolver_destroy(resolver);
	weft__loop_close(loop);
}

TestSuite(resolver, .init = setup, .fini = teardown, .timeout = 120);

struct query {
	struct weft__dns_query q;
	struct weft__dns_answer *answer;
	int done;
	const char *ask_inside;
};

static int ask(struct query *query, const char *host);

static void on_done(struct weft__dns_query *q, struct weft__dns_answer *answer)
{
	struct query *query = (struct query *)q;
	struct query inside = {.done = 0};

	query->done++;
	query->answer = weft__dns_answer_ref(answer);
	if (query->ask_inside) {
		cr_expect_eq(ask(&inside, query->ask_inside), 1, "kept already");
		weft__dns_answer_unref(inside.answer);
	}
}

static int ask(struct query *query, const char *host)
{
	query->q.done = on_done;
	return weft__resolver_ask(resolver, &query->q, weft_str_from(host), &query->answer);
}

static void forget(struct query *query)
{
	weft__dns_answer_unref(query->answer);
	*query = (struct query){.done = 0};
}

static void ask_and_wait(struct query *query, const char *host)
{
	int r = ask(query, host);

	cr_assert_geq(r, 0);
	if (r == 0)
		test_turn(loop, &query->done, 1);
}

/* ---- answers ---------------------------------------------------------------------------------------- */

Test(resolver, an_address_is_answered_at_once)
{
	struct query q = {.done = 0};
	char buf[WEFT__ADDRESS_TEXT_BYTES];

	cr_assert_eq(ask(&q, "127.0.0.1"), 1);
	cr_expect_eq(q.answer->status, 0);
	cr_assert_eq(q.answer->count, 1u);
	cr_expect_str_eq(weft__address_text(&q.answer->addresses[0], buf), "127.0.0.1");
	forget(&q);
	cr_assert_eq(ask(&q, "::1"), 1);
	forget(&q);
	cr_expect_eq(weft__load_acquire(&asked), 0u);
}

Test(resolver, a_name_is_asked_for_once_and_its_order_kept)
{
	struct query q = {.ask_inside = "A.EXAMPLE"};

	cr_assert_eq(ask(&q, "a.example"), 0);
	cr_expect_eq(q.done, 0, "never inside ask");
	test_turn(loop, &q.done, 1);
	cr_expect_eq(q.answer->status, 0);
	cr_assert_eq(q.answer->count, 2u);
	cr_expect_eq(q.answer->addresses[0].any.sa_family, AF_INET6);
	cr_expect_eq(q.answer->addresses[1].any.sa_family, AF_INET);
	forget(&q);
	cr_assert_eq(ask(&q, "a.example"), 1);
	forget(&q);
	cr_expect_eq(weft__load_acquire(&asked), 1u);
}

static void kept_for(const char *host, int status, uint64_t ns)
{
	struct query q = {.done = 0};
	uint32_t before = weft__load_acquire(&asked);
	uint64_t began_ns = weft_now_ns(), ended_ns;

	ask_and_wait(&q, host);
	ended_ns = weft_now_ns();
	cr_expect_eq(q.answer->status, status);
	forget(&q);
	weft__store_release(&stands_at_ns, began_ns + ns - 1);
	cr_expect_eq(ask(&q, host), 1, "%s is kept", host);
	cr_expect_eq(q.answer->status, status);
	forget(&q);
	weft__store_release(&stands_at_ns, ended_ns + ns);
	cr_expect_eq(ask(&q, host), 0, "%s is asked for again", host);
	weft__fetch_add_acq_rel(&ahead_ns, ns);
	weft__store_release(&stands_at_ns, 0u);
	test_turn(loop, &q.done, 1);
	forget(&q);
	cr_expect_eq(weft__load_acquire(&asked), before + 2);
}

Test(resolver, answers_are_kept_for_a_while_and_failures_for_a_shorter_one)
{
	kept_for("a.example", 0, WEFT__DNS_KEPT_NS);
	kept_for("gone.example", WEFT_EHOSTNAME, WEFT__DNS_MISSING_NS);
	kept_for("busy.example", -EAGAIN, WEFT__DNS_TROUBLE_NS);
}

Test(resolver, flush_forgets)
{
	struct query q = {.done = 0};

	ask_and_wait(&q, "a.example");
	forget(&q);
	weft__resolver_flush(resolver);
	cr_expect_eq(ask(&q, "a.example"), 0);
	test_turn(loop, &q.done, 1);
	forget(&q);
	cr_expect_eq(weft__load_acquire(&asked), 2u);
}

Test(resolver, what_cannot_be_a_name_is_refused)
{
	char text[300];
	struct query q = {.done = 0};

	memset(text, 'a', sizeof(text));
	text[256] = '\0';
	cr_expect_eq(ask(&q, ""), -EINVAL);
	cr_expect_eq(ask(&q, text), -EINVAL);
	cr_expect_eq(weft__resolver_ask(resolver, &q.q, (weft_str){"a\0b", 3}, &q.answer), -EINVAL);
}

Test(resolver, names_are_bounded_and_the_oldest_go)
{
	char host[32];

	for (uint32_t i = 0; i < WEFT__DNS_NAMES_MAX + 10; i++) {
		struct query q = {.done = 0};

		snprintf(host, sizeof(host), "h%u.example", i);
		ask_and_wait(&q, host);
		forget(&q);
	}
	for (int i = 0; i < 2; i++) {
		struct query q = {.done = 0};

		cr_expect_eq(ask(&q, i ? "h0.example" : "h200.example"), !i, "%d", i);
		if (i)
			test_turn(loop, &q.done, 1);
		forget(&q);
	}
}

/* ---- many, and nobody ---------------------------------------------------------------------------------- */

Test(resolver, many_share_one_question_and_some_give_up)
{
	enum { N = 50 };
	struct query all[N];

	memset(all, 0, sizeof(all));
	for (int i = 0; i < N; i++)
		cr_assert_eq(ask(&all[i], "slow.example"), 0);
	for (int i = 0; i < N; i += 3)
		weft__resolver_cancel(&all[i].q);
	weft__resolver_cancel(&all[0].q);
	let_go();
	test_turn(loop, &all[N - 1].done, 1);
	for (int i = 0; i < N; i++) {
		cr_expect_eq(all[i].done, i % 3 != 0);
		cr_expect_eq(all[i].answer != NULL, i % 3 != 0);
		weft__dns_answer_unref(all[i].answer);
	}
	cr_expect_eq(weft__load_acquire(&asked), 1u);
}

Test(resolver, an_answer_that_nobody_waits_for_is_kept)
{
	struct query q = {.done = 0};

	cr_assert_eq(ask(&q, "slow.example"), 0);
	wait_asked(1);
	weft__resolver_cancel(&q.q);
	let_go();
	while (ask(&q, "slow.example") == 0) {
		weft__resolver_cancel(&q.q);
		weft__loop_wait(loop, TEST_MS);
	}
	cr_expect_eq(q.done, 0);
	forget(&q);
	cr_expect_eq(weft__load_acquire(&asked), 1u);
}

/*
 * The helper comes back when there is neither resolver nor loop. What it has is freed by itself, or the
 * sanitizer tells.
 */
Test(resolver, a_loop_may_end_while_a_helper_asks)
{
	struct query q = {.done = 0};
	uint32_t now;

	cr_assert_eq(ask(&q, "slow.example"), 0);
	wait_asked(1);
	weft__resolver_cancel(&q.q);
	teardown();
	loop = NULL;
	resolver = NULL;
	let_go();
	while ((now = weft__load_acquire(&left)) == 0)
		weft__word_wait(&left, now, UINT64_MAX);
	cr_expect_eq(q.done, 0);
}

/* The same, while the loop is still there: the answer has been posted, and its lookup is gone. */
Test(resolver, a_resolver_may_end_while_its_answer_is_on_the_way)
{
	struct query q = {.done = 0};

	cr_assert_eq(ask(&q, "slow.example"), 0);
	weft__resolver_cancel(&q.q);
	let_go();
	while (!weft__loop_has_work(loop))
		weft__thread_yield();
	weft__resolver_destroy(resolver);
	resolver = NULL;
	test_settle(loop);
	cr_expect_eq(q.done, 0);
}

Test(resolver, names_of_this_machine)
{
	struct query q = {.done = 0};

	weft__dns_source_set(NULL, NULL);
	ask_and_wait(&q, "localhost");
	if (q.answer->status == 0) {
		cr_expect_geq(q.answer->count, 1u);
		cr_expect_not(weft__address_is_public(&q.answer->addresses[0]));
	} else {
		cr_log_warn("this machine does not know localhost: %s", q.answer->why);
	}
	forget(&q);
	/* What getaddrinfo takes for an address is one for us, spelled as it may be. */
	ask_and_wait(&q, "2130706433");
	if (q.answer->status == 0)
		cr_expect_not(weft__address_is_public(&q.answer->addresses[0]));
	forget(&q);
}
