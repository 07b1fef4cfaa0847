/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cli/sim/churn.c - scenario "churn": actors are made and stopped as fast as it goes, by each other
 * and by threads, in a table with few places, while the runtime stops under them.
 *
 * A message reaches the actor it was meant for or nobody: never another that lives in the same place.
 * Each actor is ended once.
 */
#include <inttypes.h>

#include "cli/sim/sim.h"

#define KNOWN 16u
#define THREADS 2u

enum { HELLO = 1, GO };

static struct {
	weft_runtime *rt;
	uint64_t next_id;
	struct known {
		weft_ref ref;
		uint64_t id;
	} known[KNOWN];
	uint64_t born, ended;
} seen;

struct state {
	uint64_t id;
	bool ended;
};

static void make_one(void);

static void greet_any(void)
{
	struct known k = seen.known[weft_sim_choose(KNOWN)];
	weft_msg *m;
	int r;

	if (!k.id)
		return;
	m = weft_msg_create(weft_sim_choose(3) ? HELLO : GO, sizeof(k.id));
	if (!m)
		return;
	memcpy(weft_msg_data(m), &k.id, sizeof(k.id));
	r = weft_send(k.ref, m);
	if (r < 0)
		weft_msg_destroy(m);
	sim_check(r == 0 || r == -EAGAIN || r == -ESRCH || r == -ESHUTDOWN, "%s", weft_errname(r));
}

static void stop_any(void)
{
	struct known k = seen.known[weft_sim_choose(KNOWN)];
	int r = k.id ? weft_actor_stop(k.ref) : 0;

	sim_check(r == 0 || r == -ESRCH || r == -ENOMEM, "%s", weft_errname(r));
}

static void do_something(void)
{
	switch (weft_sim_choose(4)) {
	case 0:
		stop_any();
		break;
	case 1:
		make_one();
		break;
	default:
		greet_any();
	}
}

static int behaviour(weft_actor *self, weft_msg *msg)
{
	struct state *st = weft_actor_state(self);
	uint64_t id;

	sim_check(!st->ended, "runs after its end");
	if (weft_msg_kind(msg) == WEFT_KIND_STOP) {
		if (weft_sim_choose(2))
			weft_actor_exit(self, 0); /* for those that trap it: not always */
		return 0;
	}
	memcpy(&id, weft_msg_data(msg), sizeof(id));
	sim_check(id == st->id, "%" PRIu64 " got the message of %" PRIu64, st->id, id);
	weft_sim_note(id);
	if (weft_msg_kind(msg) == GO && sim_goes_on()) {
		for (uint64_t n = weft_sim_choose(4); n; n--)
			do_something();
	}
	return weft_sim_choose(50) ? 0 : -EIO;
}

static void on_end(weft_actor *self)
{
	struct state *st = weft_actor_state(self);

	sim_check(!st->ended, "ended twice");
	st->ended = true;
	seen.ended++;
	if (weft_sim_choose(4) == 0)
		make_one();
}

#define CLASS(label, how)                                                                                  \
	static const weft_actor_class label = { .size = sizeof(label),                                     \
		                                .name = #label,                                            \
		                                .behaviour = behaviour,                                    \
		                                .fini = on_end,                                            \
		                                .state_bytes = sizeof(struct state),                       \
		                                .flags = how }
CLASS(plain, 0);
CLASS(pinned, WEFT_ACTOR_PINNED);
CLASS(stubborn, WEFT_ACTOR_TRAP_STOP);

static void make_one(void)
{
	static const weft_actor_class *const classes[] = { &plain, &plain, &pinned, &stubborn };
	struct state st = { .id = ++seen.next_id };
	struct known k = { .id = st.id };
	int r = weft_actor_spawn(seen.rt, classes[weft_sim_choose(4)], &st, &k.ref);

	sim_check(r == 0 || r == -ENOMEM || r == -EAGAIN || r == -ESHUTDOWN, "%s", weft_errname(r));
	if (r < 0)
		return;
	seen.born++;
	seen.known[weft_sim_choose(KNOWN)] = k;
}

static void *thread_main(void *user)
{
	(void)user;
	while (sim_goes_on()) {
		for (uint64_t n = weft_sim_choose(6); n; n--)
			do_something();
		weft_sim_sleep(weft_sim_choose(SIM_MS / 4));
	}
	return NULL;
}

static void run(void)
{
	uint64_t thread[THREADS], stop_at = weft_now_ns() + weft_sim_choose(50 * SIM_MS);

	seen.rt = sim_runtime();
	for (uint32_t i = 0; i < THREADS; i++)
		thread[i] = sim_thread(thread_main, NULL);
	while (sim_goes_on() && weft_now_ns() < stop_at) {
		do_something();
		weft_sim_sleep(weft_sim_choose(SIM_MS / 4));
	}
	weft_runtime_stop(seen.rt, sim_stop_ns());
	for (uint32_t i = 0; i < THREADS; i++)
		weft_sim_thread_join(thread[i]);
	sim_runtime_end(seen.rt, weft_sim_choose(SIM_MS));
	sim_check(seen.born == seen.ended, "%" PRIu64 " born, %" PRIu64 " ended", seen.born, seen.ended);
}

const struct sim_scenario sim_churn = {
	.name = "churn",
	.what = "actors made and stopped in few places, by each other and by threads",
	.faults = WEFT_SIM_ALL,
	.run = run,
};
