/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: what an answer holds may be answered to the same port, also while that port is being destroyed. The
 * answer was released under a lock that the second answer then waited for.
 * Method: an answer that nobody reaps, and whose payload is a promise to its own port.
 * Found by: review.
 */
#include "tests/support/actors.h"

#define NESTED 50000 /* one inside the other would not fit a stack */

static int gone;

static void let_go(weft_msg *msg)
{
	gone++;
	weft_msg_destroy(*(weft_msg **)weft_msg_data(msg));
}

/* A message that owes the port an answer as long as it lives. */
static weft_msg *message_with_promise(weft_port *port)
{
	weft_msg *msg = weft_msg_create(TEST_ECHO, sizeof(weft_msg *));

	cr_assert_eq(weft_promise_create(weft_reply_to_port(port, 0), weft_msg_data(msg)), 0);
	weft_msg_on_destroy(msg, let_go);
	return msg;
}

Test(regress, answer_in_a_closing_port, .timeout = 120)
{
	weft_port_options opt = WEFT_PORT_OPTIONS_INIT;
	weft_runtime *rt = test_runtime(1);
	weft_ref echo = test_spawn(rt, &test_echo, NULL);
	weft_port *port;

	opt.capacity_msgs = 2 * NESTED + 1;
	cr_assert_eq(weft_port_create(rt, &opt, &port), 0);
	for (int i = 0; i < NESTED; i++) {
		weft_msg *msg = message_with_promise(port);

		while (weft_request(echo, msg, weft_reply_to_port(port, 0)) == -EAGAIN)
			;
	}
	/* once this one is gone, all answers are there */
	while (weft_request(echo, weft_msg_create(TEST_EXIT, 0), weft_reply_to_port(port, 0)) == -EAGAIN)
		;
	while (weft_actor_is_alive(echo))
		;
	weft_port_destroy(port);
	cr_assert_eq(gone, NESTED);
	test_runtime_end(rt);
}
