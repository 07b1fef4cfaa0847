/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cli/sim/flood.c - scenario "flood": actors and foreign threads send more than small mailboxes
 * take, to receivers that end now and then, while the runtime stops under them.
 *
 * Each message is handled once, dropped once, or refused and the sender's again. From one
 * sender to one receiver they arrive in order and without a gap. Senders that rest for a full mailbox go on
 * when it has drained: one that does not is waited for until the steps are over.
 */
#include <inttypes.h>

#include "cli/sim/sim.h"

#define RECEIVERS_MAX 3u
#define SENDERS_MAX 6u /* actors, then threads */
#define BURST_MAX 12u

enum { DATA = 1, TICK };

struct data {
	uint32_t sender, seq;
};

static struct {
	weft_runtime *rt;
	uint32_t receivers;
	weft_ref receiver[RECEIVERS_MAX];
	struct sender {
		uint64_t to[RECEIVERS_MAX]; /* which life of the receiver the next field counts for */
		uint32_t seq[RECEIVERS_MAX];
	} senders[SENDERS_MAX];
	uint64_t done; /* sending actors that have nothing more to send, or ended */
	uint64_t made, gone, accepted, refused, late, handled; /* late: the runtime was stopping */
} seen;

/* ---- receivers -------------------------------------------------------------- */

struct receiver_state {
	uint32_t next[SENDERS_MAX];
};

static int receiver_behaviour(weft_actor *self, weft_msg *msg)
{
	struct receiver_state *st = weft_actor_state(self);
	struct data d;

	if (weft_msg_kind(msg) != DATA)
		return 0;
	memcpy(&d, weft_msg_data(msg), sizeof(d));
	sim_check(d.seq == st->next[d.sender], "sender %u: %u, not %u", d.sender, d.seq, st->next[d.sender]);
	st->next[d.sender]++;
	seen.handled++;
	weft_sim_note((uint64_t)d.sender << 32 | d.seq);
	if (weft_sim_choose(8) == 0)
		weft_actor_yield(self);
	if (weft_sim_choose(100) == 0)
		weft_actor_exit(self, 0);
	return weft_sim_choose(200) == 0 ? -EIO : 0;
}

static const weft_actor_class receiver_class = { .size = sizeof(receiver_class),
	                                         .name = "receiver",
	                                         .behaviour = receiver_behaviour,
	                                         .state_bytes = sizeof(struct receiver_state) };

/* Dead ones are replaced. -ESHUTDOWN: no more. */
static int receivers_refresh(void)
{
	for (uint32_t i = 0; i < seen.receivers; i++) {
		int r;

		if (weft_actor_is_alive(seen.receiver[i]))
			continue;
		r = weft_actor_spawn(seen.rt, &receiver_class, NULL, &seen.receiver[i]);
		if (r == -ESHUTDOWN)
			return r;
		sim_check(r == 0 || r == -ENOMEM, "%s", weft_errname(r));
	}
	return 0;
}

/* ---- senders ------------------------------------------------------------------ */

static void on_gone(weft_msg *msg)
{
	(void)msg;
	seen.gone++;
}

/* What the send said; -ENOMEM: there was none. */
static int send_one(uint32_t sender)
{
	struct sender *s = &seen.senders[sender];
	uint32_t which = (uint32_t)weft_sim_choose(seen.receivers);
	weft_ref to = seen.receiver[which];
	weft_msg *m = weft_msg_create(DATA, sizeof(struct data));
	struct data d = { .sender = sender };
	int r;

	if (!m)
		return -ENOMEM;
	if (s->to[which] != to.id) {
		s->to[which] = to.id;
		s->seq[which] = 0;
	}
	d.seq = s->seq[which];
	memcpy(weft_msg_data(m), &d, sizeof(d));
	weft_msg_on_destroy(m, on_gone);
	seen.made++;
	s->seq[which]++; /* before the send: the receiver may run at once, and another thread of ours not */
	r = weft_send(to, m);
	if (r == 0) {
		seen.accepted++;
		return 0;
	}
	s->seq[which]--;
	sim_check(r == -EAGAIN || r == -ESRCH || r == -ESHUTDOWN, "%s", weft_errname(r));
	*(r == -ESHUTDOWN ? &seen.late : &seen.refused) += 1;
	weft_msg_destroy(m);
	return r;
}

/* Come again: at once where there is a place and memory, later where there is not. */
static int again(weft_actor *self)
{
	weft_msg *tick = weft_sim_choose(4) ? weft_msg_create(TICK, 0) : NULL;
	int r;

	if (tick && weft_send(weft_actor_ref(self), tick) == 0)
		return 0;
	weft_msg_destroy(tick);
	r = weft_timer_start(self, weft_sim_choose(SIM_MS), 0, NULL);
	return r == -ESHUTDOWN ? 0 : r;
}

struct sender_state {
	uint32_t index;
	bool done;
};

static int sender_behaviour(weft_actor *self, weft_msg *msg)
{
	struct sender_state *st = weft_actor_state(self);

	if (weft_msg_kind(msg) == WEFT_KIND_STOP || st->done)
		return 0;
	for (uint64_t n = weft_sim_choose(BURST_MAX); n; n--)
		send_one(st->index);
	if (sim_goes_on())
		return again(self);
	st->done = true;
	seen.done++;
	return 0;
}

static void sender_end(weft_actor *self)
{
	struct sender_state *st = weft_actor_state(self);

	seen.done += !st->done;
}

static const weft_actor_class sender_class = { .size = sizeof(sender_class),
	                                       .name = "sender",
	                                       .behaviour = sender_behaviour,
	                                       .fini = sender_end,
	                                       .state_bytes = sizeof(struct sender_state) };
static const weft_actor_class muted_class = { .size = sizeof(muted_class),
	                                      .name = "muted",
	                                      .behaviour = sender_behaviour,
	                                      .fini = sender_end,
	                                      .state_bytes = sizeof(struct sender_state),
	                                      .flags = WEFT_ACTOR_MUTE };
static const weft_actor_class muted_pinned_class = { .size = sizeof(muted_pinned_class),
	                                             .name = "muted",
	                                             .behaviour = sender_behaviour,
	                                             .fini = sender_end,
	                                             .state_bytes = sizeof(struct sender_state),
	                                             .flags = WEFT_ACTOR_MUTE | WEFT_ACTOR_PINNED };

static void *sender_thread(void *user)
{
	uint32_t sender = (uint32_t)(uintptr_t)user;
	int r = 0;

	while (r != -ESHUTDOWN && sim_goes_on()) {
		for (uint64_t n = weft_sim_choose(BURST_MAX); n; n--)
			r = send_one(sender);
		weft_sim_sleep(weft_sim_choose(SIM_MS));
	}
	return NULL;
}

/* ---- all of it ------------------------------------------------------------------- */

static void sender_make(uint32_t index)
{
	static const weft_actor_class *const classes[] = { &sender_class, &muted_class, &muted_pinned_class };
	struct sender_state st = { .index = index };
	weft_msg *tick = sim_msg(TICK, 0);

	sim_check(weft_send(sim_spawn(seen.rt, classes[weft_sim_choose(3)], &st), tick) == 0, "tick");
}

static void run(void)
{
	uint32_t actors = (uint32_t)weft_sim_choose(4), threads = 1 + (uint32_t)weft_sim_choose(SENDERS_MAX - 3);
	uint64_t thread[SENDERS_MAX], stop_at;

	seen.rt = sim_runtime();
	seen.receivers = 1 + (uint32_t)weft_sim_choose(RECEIVERS_MAX);
	receivers_refresh();
	for (uint32_t i = 0; i < actors; i++)
		sender_make(i);
	for (uint32_t i = 0; i < threads; i++)
		thread[i] = sim_thread(sender_thread, (void *)(uintptr_t)(actors + i));
	stop_at = weft_sim_choose(2) ? UINT64_MAX : weft_now_ns() + weft_sim_choose(20 * SIM_MS);
	while (sim_goes_on() && weft_now_ns() < stop_at) {
		receivers_refresh();
		weft_sim_sleep(weft_sim_choose(SIM_MS));
	}
	while (stop_at == UINT64_MAX && seen.done < actors) {
		receivers_refresh();
		weft_sim_sleep(SIM_MS);
	}
	sim_runtime_end(seen.rt, sim_stop_ns());
	for (uint32_t i = 0; i < threads; i++)
		weft_sim_thread_join(thread[i]);
	sim_check(seen.made == seen.gone, "%" PRIu64 " made, %" PRIu64 " released", seen.made, seen.gone);
	sim_check(seen.handled <= seen.accepted, "%" PRIu64 " of %" PRIu64, seen.handled, seen.accepted);
	sim_check(seen.accepted + seen.refused + seen.late == seen.made,
	          "%" PRIu64 " accepted, %" PRIu64 " refused, %" PRIu64 " late, of %" PRIu64, seen.accepted, seen.refused,
	          seen.late, seen.made);
}

const struct sim_scenario sim_flood = {
	.name = "flood",
	.what = "actors and threads send more than mailboxes take, to receivers that end",
	.faults = WEFT_SIM_ALL,
	.run = run,
};
