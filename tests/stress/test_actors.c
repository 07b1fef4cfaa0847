/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Thousands of actors on all workers. Goal: no message is lost, whatever ends or
 * fills up meanwhile. Method: random senders, refusals counted, actors that die at
 * random, foreign threads that send and ask; at the end
 * sent == handled + dropped, and every accepted request had exactly one answer.
 */
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <unistd.h>

#include "tests/support/actors.h"
#include "tests/support/seed.h"

/* ---- 10,000 actors x 100 messages, none lost ---------------------------------------- */

#define ACTORS 10000u
#define EACH 100u

static _Atomic(uint64_t) received;

static int count_behaviour(weft_actor *self, weft_msg *msg)
{
	uint32_t *n = weft_actor_state(self);

	(void)msg;
	received++;
	if (++*n == EACH)
		weft_actor_exit(self, 0);
	return 0;
}

static const weft_actor_class counter = { .size = sizeof(counter),
	                                  .name = "counter",
	                                  .behaviour = count_behaviour,
	                                  .state_bytes = sizeof(uint32_t) };

/* Sends EACH messages to every actor of its share, a few at a time. */
struct sender {
	weft_ref *refs;
	uint32_t count, next, round;
};

static int sender_behaviour(weft_actor *self, weft_msg *msg)
{
	struct sender *s = weft_actor_state(self);

	for (uint32_t i = 0; i < 200 && s->round < EACH; i++) {
		weft_msg *m = weft_msg_create(1, i % 5 * 30);
		int r = weft_send(s->refs[s->next], m);

		if (r == -EAGAIN) {
			weft_msg_destroy(m);
			break;
		}
		cr_assert_eq(r, 0);
		if (++s->next == s->count) {
			s->next = 0;
			s->round++;
		}
	}
	if (s->round == EACH) {
		weft_actor_exit(self, 0);
		return 0;
	}
	weft_actor_yield(self);
	return weft_send(weft_actor_ref(self), msg);
}

static const weft_actor_class sender_class = { .size = sizeof(sender_class),
	                                       .name = "sender",
	                                       .behaviour = sender_behaviour,
	                                       .state_bytes = sizeof(struct sender) };

Test(stress_actors, ten_thousand_times_a_hundred__none_lost, .timeout = 120)
{
	weft_runtime *rt = test_runtime(0);
	weft_ref *refs = calloc(ACTORS, sizeof(*refs));

	received = 0;
	for (uint32_t i = 0; i < ACTORS; i++)
		refs[i] = test_spawn(rt, &counter, NULL);
	for (uint32_t i = 0; i < 10; i++) {
		struct sender s = { .refs = refs + i * (ACTORS / 10), .count = ACTORS / 10 };

		cr_assert_eq(weft_send(test_spawn(rt, &sender_class, &s), weft_msg_create(1, 0)), 0);
	}
	test_runtime_end(rt);
	cr_assert_eq(received, (uint64_t)ACTORS * EACH);
	free(refs);
}

/* ---- everything at once ----------------------------------------------------------------- */

#define CROWD 500u

static weft_ref crowd[CROWD];
static weft_runtime *crowd_rt;
static _Atomic(uint64_t) answers, asked, refused;
static _Atomic(bool) crowd_stop;
static uint64_t seed;

static void on_answer(weft_msg *answer, void *user)
{
	(void)user;
	answers++;
	weft_msg_destroy(answer);
}

static weft_ref somebody(uint64_t *rnd)
{
	return (weft_ref){ __atomic_load_n(&crowd[test_below(rnd, CROWD)].id, __ATOMIC_RELAXED) };
}

static void ask_somebody(uint64_t *rnd)
{
	weft_msg *m = weft_msg_create(1 + test_below(rnd, 4), test_below(rnd, 300));

	if (weft_request(somebody(rnd), m, weft_reply_to_call(on_answer, NULL)) == 0) {
		asked++;
	} else {
		refused++;
		weft_msg_destroy(m);
	}
}

/* Echoes, drops, forwards, fails now and then; keeps a timer running. */
static int person_behaviour(weft_actor *self, weft_msg *msg)
{
	uint64_t *rnd = weft_actor_state(self);

	if (weft_msg_kind(msg) >= WEFT_KIND_SYSTEM)
		return 0;
	switch (test_below(rnd, 64)) {
	case 0:
		return -EIO;
	case 1:
		weft_actor_exit(self, 0);
		return 0;
	case 2:
		return weft_timer_start(self, test_below(rnd, 3000000), 0, NULL);
	case 3:
		weft_msg_keep(self, msg);
		weft_msg_destroy(msg);
		return 0;
	case 4 ... 15: {
		int r = weft_send(somebody(rnd), msg); /* forwarded with its reply address */

		(void)r; /* refused: released unanswered with this activation */
		return 0;
	}
	default:
		return weft_msg_wants_reply(msg) ? weft_reply(msg, msg) : 0;
	}
}

static const weft_actor_class person = { .size = sizeof(person),
	                                 .name = "person",
	                                 .behaviour = person_behaviour,
	                                 .state_bytes = sizeof(uint64_t),
	                                 .mailbox_msgs = 32 };

static void *outsider(void *arg)
{
	uint64_t rnd = seed + (uintptr_t)arg;
	bool guest = false;

	while (!crowd_stop) {
		for (int i = 0; i < 50; i++)
			ask_somebody(&rnd);
		if (guest) {
			cr_assert_eq(weft_guest_leave(crowd_rt), 0);
			guest = false;
		} else if (test_below(&rnd, 3) == 0) {
			guest = weft_guest_enter(crowd_rt) == 0;
		}
		if (test_below(&rnd, 4) == 0)
			usleep(200);
	}
	if (guest)
		weft_guest_leave(crowd_rt);
	return NULL;
}

/* Brings the dead back under the same index: cells are used again all the time. */
static void revive(uint64_t *rnd)
{
	for (uint32_t i = 0; i < CROWD; i++) {
		if (!weft_actor_is_alive(crowd[i])) {
			uint64_t state = test_random(rnd);
			weft_ref ref;

			if (weft_actor_spawn(crowd_rt, &person, &state, &ref) == 0)
				__atomic_store_n(&crowd[i].id, ref.id, __ATOMIC_RELAXED);
		}
	}
}

#define CROWD_ASKED 1000u /* at least */

static void crowd_run(uint32_t workers, uint64_t ns, bool graceful)
{
	pthread_t threads[3];
	uint64_t rnd, end = weft_now_ns() + ns;
	weft_runtime_stats s = { .size = sizeof(s) };
	int joined;

	rnd = seed = test_seed("crowd");
	answers = asked = refused = 0;
	crowd_stop = false;
	crowd_rt = test_runtime(workers);
	memset(crowd, 0, sizeof(crowd));
	revive(&rnd);
	for (uintptr_t i = 0; i < 3; i++)
		pthread_create(&threads[i], NULL, outsider, (void *)(i + 1));
	while (weft_now_ns() < end || asked <= CROWD_ASKED) { /* also on a slow machine */
		revive(&rnd);
		usleep(500);
	}
	if (!graceful)
		weft_runtime_stop(crowd_rt, 0); /* while the outsiders go on */
	crowd_stop = true;
	for (int i = 0; i < 3; i++)
		pthread_join(threads[i], NULL);
	if (graceful)
		weft_runtime_stop(crowd_rt, TEST_LONG);
	joined = weft_runtime_join(crowd_rt);
	/* cut off while it happened to be at rest: drained all the same */
	cr_assert(joined == 0 || (!graceful && joined == -ETIMEDOUT), "joined: %d", joined);
	weft_runtime_stats_read(crowd_rt, &s);
	cr_assert_eq(s.msgs_sent, s.msgs_handled + s.msgs_dropped, "sent %lu handled %lu dropped %lu",
	             (unsigned long)s.msgs_sent, (unsigned long)s.msgs_handled, (unsigned long)s.msgs_dropped);
	cr_assert_eq(s.actors_spawned, s.actors_ended);
	cr_assert_eq(asked, answers, "asked %lu, answered %lu", (unsigned long)asked, (unsigned long)answers);
	weft_runtime_destroy(crowd_rt);
}

Test(stress_actors, crowd__every_request_is_answered_once, .timeout = 120)
{
	crowd_run(2, TEST_SECOND, true);
}

Test(stress_actors, crowd__also_with_more_workers_than_cores, .timeout = 120)
{
	crowd_run(5, TEST_SECOND, true);
}

Test(stress_actors, crowd__also_when_it_is_cut_off, .timeout = 120)
{
	for (int i = 0; i < 5; i++)
		crowd_run(3, TEST_SECOND / 10, false);
}
