/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A port with its reaper and answering threads, in every way. Goal: the reaper gets each answer once, is never
 * left waiting while one is there, and whoever comes last frees the port. Method: the real port.c over an eventfd that is
 * one step and orders nothing; places and blocks are counted at the end.
 */
#include <criterion/criterion.h>

#include "tests/model/host.h"

static struct weft_runtime rt;
static weft_port *port;
static uint32_t reaped;

static struct weft__sink *sink(void)
{
	return (struct weft__sink *)port; /* its first member */
}

static void begin_with(uint32_t requests)
{
	waits_begin();
	stand_ins_time(0);
	reaped = 0;
	explore_assert(weft_port_create(&rt, NULL, &port) == 0);
	explore_name(port, 320, "port");
	explore_name((char *)port + 64, 8, "queue");
	explore_name((char *)port + 72, 8, "first");
	explore_name((char *)port + 128, 8, "held");
	explore_name((char *)port + 136, 4, "signalled");
	explore_name((char *)port + 140, 4, "helping");
	explore_name((char *)port + 144, 4, "closed");
	for (uint32_t i = 0; i < requests; i++)
		explore_assert(sink()->take(sink()) == 0);
}

static void begin_one(void)
{
	begin_with(1);
}

static void begin_two(void)
{
	begin_with(2);
}

static void answers(void)
{
	sink()->deliver(sink(), answer_make(10 + explore_self()));
}

static void gives_back(void)
{
	sink()->give_back(sink());
}

static void answers_twice(void)
{
	answers();
	answers();
}

static void take(weft_msg *const *msgs, int n)
{
	explore_assert(n >= 0);
	for (int i = 0; i < n; i++, reaped++) {
		explore_assert(msgs[i]->kind >= 10 && msgs[i]->kind < 20);
		explore_free(msgs[i]);
	}
}

/* In the library's wait, which may help first. */
static void wait_for(uint32_t count)
{
	while (reaped < count) {
		weft_msg *msgs[2];

		take(msgs, weft_port_wait_until(port, msgs, 2, WEFT_FOREVER));
	}
	weft_port_destroy(port);
}

static void waits_for_one(void)
{
	wait_for(1);
}

static void waits_for_two(void)
{
	wait_for(2);
}

/* In a poll loop of the host's own, one answer at a time. */
static void polls_for_two(void)
{
	while (reaped < 2) {
		weft_msg *msg;

		weft__fd_wait(weft_port_fd(port), WEFT_FOREVER);
		take(&msg, weft_port_reap(port, &msg, 1));
	}
	weft_port_destroy(port);
}

static void destroys(void)
{
	weft_port_destroy(port);
}

static void reaps_and_destroys(void)
{
	weft_msg *msgs[2];

	take(msgs, weft_port_reap(port, msgs, 2));
	weft_port_destroy(port);
}

static void nothing_is_left(void)
{
	explore_assert(explore_blocks() == 0);
}

#define MODEL(about, first, ...)                                                                             \
	static const struct explore_model m = {                                                              \
		.name = "port, " about, .init = first, .thread = { __VA_ARGS__ }, .check = nothing_is_left   \
	};                                                                                                   \
	cr_assert(explore(&m))

Test(model_port, waiter__gets_one_answer)
{
	MODEL("wait", begin_one, waits_for_one, answers);
}

Test(model_port, waiter__gets_two_answers_of_one_thread)
{
	MODEL("wait for two", begin_two, waits_for_two, answers_twice);
}

/* The second may still come, and is released. */
Test(model_port, waiter__gets_the_first_of_two_threads)
{
	MODEL("wait, 2 threads", begin_two, waits_for_one, answers, answers);
}

Test(model_port, poll_loop__is_told_of_each_answer)
{
	MODEL("poll", begin_two, polls_for_two, answers_twice);
}

Test(model_port, poll_loop__of_two_threads)
{
	MODEL("poll, 2 threads", begin_two, polls_for_two, answers, answers);
}

Test(model_port, destroyed__with_answers_on_their_way)
{
	MODEL("destroy", begin_two, reaps_and_destroys, answers, answers);
}

Test(model_port, destroyed__with_a_request_given_back)
{
	MODEL("give back", begin_two, destroys, answers, gives_back);
}
