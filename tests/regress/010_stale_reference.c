/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: a reference into a runtime that is gone is refused, also while another runtime is being made in its place. That one
 * was to be found before it was ready: a race, and for a moment a table without memory.
 * Method: a thread uses references into each of the 64 places while runtimes come and go.
 * Found by: review.
 */
#include <pthread.h>

#include "tests/support/actors.h"

#define PLACES 64
#define ROUNDS 20

static weft_ref stale[PLACES];
static _Atomic(bool) over;

static void *use_them(void *arg)
{
	(void)arg;
	while (!over) {
		for (int i = 0; i < PLACES; i++) {
			weft_msg *msg = weft_msg_create(TEST_ECHO, 0);
			int r = weft_send(stale[i], msg);

			cr_assert(r == -ESRCH || r == -ESHUTDOWN); /* the next one in its place may be stopping */
			cr_assert(!weft_actor_is_alive(stale[i]));
			weft_msg_destroy(msg);
		}
	}
	return NULL;
}

static weft_ref make_and_destroy(void)
{
	weft_runtime_options opt = WEFT_RUNTIME_OPTIONS_INIT;
	weft_runtime *rt = NULL;
	weft_ref ref;

	opt.workers = 1;
	opt.actors_max = 256;
	cr_assert_eq(weft_runtime_create(&opt, &rt), 0);
	ref = test_spawn(rt, &test_echo, NULL);
	weft_runtime_destroy(rt);
	return ref;
}

Test(regress, stale_reference)
{
	pthread_t user;

	for (int i = 0; i < PLACES; i++)
		stale[i] = make_and_destroy();
	cr_assert_eq(pthread_create(&user, NULL, use_them, NULL), 0);
	for (int i = 0; i < ROUNDS * PLACES; i++)
		make_and_destroy();
	over = true;
	pthread_join(user, NULL);
}
