/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cli/sim/ask.c - scenario "ask": requests to servers that answer, keep, pass on, promise, forget or
 * end; asked by actors, by calls, and by threads through futures, ports and as guests.
 *
 * Each request that was accepted has exactly one answer, and each one refused has none. Who waits
 * without a deadline comes back, also when the runtime stops: if not, the simulation is stuck.
 */
#include <inttypes.h>

#include "cli/sim/sim.h"

#define SERVERS 3u
#define ASKERS_MAX 3u
#define THREADS_MAX 3u
#define KEPT 4u
#define OPEN_MAX 32u /* requests a port has under way */

enum { ASK = 1, ANSWER, TICK };

static struct {
	weft_runtime *rt;
	weft_ref servers[SERVERS];
	uint64_t asked, answered; /* by threads and calls, which see each answer */
	uint64_t made, gone;      /* requests and answers */
	weft_msg *promises[KEPT]; /* to be finished by a thread */
	bool over;                /* the promises' thread goes when nothing is left */
	bool reliable;            /* servers answer each request, sooner or later, while they live */
} seen;

static void on_gone(weft_msg *msg)
{
	(void)msg;
	seen.gone++;
}

static weft_msg *make(uint32_t kind)
{
	weft_msg *m = weft_msg_create(kind, 16);

	if (m) {
		weft_msg_on_destroy(m, on_gone);
		seen.made++;
	}
	return m;
}

/* ---- servers -------------------------------------------------------------------- */

struct server_state {
	weft_msg *kept[KEPT];
};

static void answer_with_new(weft_msg *request)
{
	weft_msg *answer = make(ANSWER);

	if (answer)
		sim_check(weft_reply(request, answer) == 0, "reply");
	if (answer)
		sim_check(weft_reply(request, request) == -EINVAL, "answered twice");
}

static void keep(weft_actor *self, weft_msg *msg)
{
	struct server_state *st = weft_actor_state(self);
	uint64_t i = weft_sim_choose(KEPT);

	weft_msg_destroy(st->kept[i]); /* answers NOREPLY */
	weft_msg_keep(self, msg);
	st->kept[i] = msg;
}

static void answer_kept(weft_actor *self, uint64_t i)
{
	struct server_state *st = weft_actor_state(self);

	if (!st->kept[i])
		return;
	sim_check(weft_reply(st->kept[i], st->kept[i]) == 0, "reply");
	st->kept[i] = NULL;
}

/* Keep it until a timer runs out. False: there is no place, or no memory for a timer. */
static bool keep_for_a_while(weft_actor *self, weft_msg *msg)
{
	struct server_state *st = weft_actor_state(self);
	uint64_t i = weft_sim_choose(KEPT);

	if (st->kept[i] || weft_timer_start(self, weft_sim_choose(2 * SIM_MS), i, NULL) < 0)
		return false;
	weft_msg_keep(self, msg);
	st->kept[i] = msg;
	return true;
}

static void pass_on(weft_msg *msg)
{
	int r = weft_send(seen.servers[weft_sim_choose(SERVERS)], msg);

	sim_check(r == 0 || r == -EAGAIN || r == -ESRCH, "%s", weft_errname(r));
}

static int server_behaviour(weft_actor *self, weft_msg *msg)
{
	if (weft_msg_kind(msg) == WEFT_KIND_TIMER)
		answer_kept(self, weft_msg_token(msg));
	if (weft_msg_kind(msg) != ASK)
		return 0;
	sim_check(weft_msg_wants_reply(msg), "a request wants an answer");
	if (seen.reliable) {
		if (weft_sim_choose(3) == 0 || !keep_for_a_while(self, msg))
			sim_check(weft_reply(msg, msg) == 0, "reply");
		return 0;
	}
	if (weft_sim_choose(3) == 0)
		answer_kept(self, weft_sim_choose(KEPT));
	switch (weft_sim_choose(20)) {
	case 0:
		weft_actor_exit(self, 0);
		return 0;
	case 1:
		return -EIO;
	case 2:
	case 3:
		return 0; /* forgotten */
	case 4:
	case 5:
	case 6:
		if (weft_sim_choose(2) || !keep_for_a_while(self, msg))
			keep(self, msg);
		return 0;
	case 7:
	case 8:
	case 9:
		pass_on(msg);
		return 0;
	case 10:
	case 11:
		answer_with_new(msg);
		return 0;
	default:
		sim_check(weft_reply(msg, msg) == 0, "reply");
		return 0;
	}
}

static void server_end(weft_actor *self)
{
	struct server_state *st = weft_actor_state(self);

	for (uint32_t i = 0; i < KEPT; i++)
		weft_msg_destroy(st->kept[i]);
}

static const weft_actor_class server_class = { .size = sizeof(server_class),
	                                       .name = "server",
	                                       .behaviour = server_behaviour,
	                                       .fini = server_end,
	                                       .state_bytes = sizeof(struct server_state) };
static const weft_actor_class pinned_class = { .size = sizeof(pinned_class),
	                                       .name = "pinned",
	                                       .behaviour = server_behaviour,
	                                       .fini = server_end,
	                                       .state_bytes = sizeof(struct server_state),
	                                       .flags = WEFT_ACTOR_PINNED };

static void servers_refresh(void)
{
	for (uint32_t i = 0; i < SERVERS; i++) {
		int r;

		if (weft_actor_is_alive(seen.servers[i]))
			continue;
		r = weft_actor_spawn(seen.rt, weft_sim_choose(3) ? &server_class : &pinned_class, NULL, &seen.servers[i]);
		sim_check(r == 0 || r == -ENOMEM, "%s", weft_errname(r));
	}
}

/* Ask any server. What the request said; -ENOMEM: there was none. */
static int ask(weft_reply_to to)
{
	weft_msg *m = make(ASK);
	int r;

	if (!m)
		return -ENOMEM;
	r = weft_request(seen.servers[weft_sim_choose(SERVERS)], m, to);
	if (r < 0)
		weft_msg_destroy(m);
	sim_check(r == 0 || r == -EAGAIN || r == -ESRCH || r == -ESHUTDOWN, "%s", weft_errname(r));
	return r;
}

static void check_answer(weft_msg *m)
{
	sim_check(!seen.reliable || weft_msg_kind(m) != WEFT_KIND_NOREPLY, "not answered");
	sim_check(weft_msg_kind(m) == ANSWER || weft_msg_kind(m) == ASK || weft_msg_kind(m) == WEFT_KIND_NOREPLY,
	          "kind %u", weft_msg_kind(m));
	sim_check(!weft_msg_wants_reply(m), "an answer wants no answer");
	sim_check((weft_msg_kind(m) == WEFT_KIND_NOREPLY) == (weft_msg_status(m) == WEFT_ENOREPLY), "status %s",
	          weft_errname(weft_msg_status(m)));
	weft_sim_note(weft_msg_kind(m));
}

/* ---- asking actors ------------------------------------------------------------------ */

struct asker_state {
	uint64_t next; /* token */
	bool open[64]; /* requests and promises that wait for an answer, by their tokens */
};

static void on_call(weft_msg *answer, void *user)
{
	(void)user;
	check_answer(answer);
	seen.answered++;
	weft_msg_destroy(answer);
}

static void promise(weft_actor *self, struct asker_state *st, uint64_t token)
{
	uint64_t i = weft_sim_choose(KEPT);
	weft_msg *p;

	if (weft_promise_create(weft_reply_to_actor(weft_actor_ref(self), token), &p) < 0)
		return;
	st->open[token] = true;
	if (seen.promises[i] || seen.over)
		weft_promise_finish(p, ANSWER, 0);
	else
		seen.promises[i] = p;
}

static void ask_as_actor(weft_actor *self)
{
	struct asker_state *st = weft_actor_state(self);
	uint64_t token = st->next++ % 64;

	if (weft_sim_choose(4) == 0) {
		if (ask(weft_reply_to_call(on_call, NULL)) == 0)
			seen.asked++;
		return;
	}
	if (st->open[token])
		return;
	st->open[token] = true;
	if (weft_sim_choose(4) == 0) {
		st->open[token] = false;
		promise(self, st, token);
	} else if (ask(weft_reply_to_actor(weft_actor_ref(self), token)) < 0) {
		st->open[token] = false;
	}
}

static int asker_behaviour(weft_actor *self, weft_msg *msg)
{
	struct asker_state *st = weft_actor_state(self);
	uint32_t kind = weft_msg_kind(msg);

	if (kind == ANSWER || kind == ASK || kind == WEFT_KIND_NOREPLY) {
		uint64_t token = weft_msg_token(msg);

		check_answer(msg);
		sim_check(token < 64 && st->open[token], "an answer to nothing, token %" PRIu64, token);
		st->open[token] = false;
		return 0;
	}
	if (kind == WEFT_KIND_STOP || !sim_goes_on())
		return 0;
	for (uint64_t n = weft_sim_choose(4); n; n--)
		ask_as_actor(self);
	if (!seen.reliable && weft_sim_choose(100) == 0)
		weft_actor_exit(self, 0);
	return weft_timer_start(self, weft_sim_choose(SIM_MS / 4), 0, NULL) == -ENOMEM && !seen.reliable ? -ENOMEM : 0;
}

static void asker_end(weft_actor *self)
{
	struct asker_state *st = weft_actor_state(self);

	for (uint32_t i = 0; i < 64; i++)
		sim_check(!seen.reliable || !st->open[i], "no answer to %u", i);
}

static const weft_actor_class asker_class = { .size = sizeof(asker_class),
	                                      .name = "asker",
	                                      .behaviour = asker_behaviour,
	                                      .fini = asker_end,
	                                      .state_bytes = sizeof(struct asker_state),
	                                      .mailbox_msgs = 64 };

/* ---- asking threads -------------------------------------------------------------------- */

static weft_future *future_new(void)
{
	weft_future *f;

	sim_insist(weft_future_create(seen.rt, &f));
	return f;
}

static uint64_t any_deadline(void)
{
	return weft_sim_choose(2) ? WEFT_FOREVER : weft_now_ns() + weft_sim_choose(SIM_MS);
}

/* Ask once and wait. What the request said. */
static int ask_with_future(weft_future *f)
{
	weft_msg *answer;
	int r = ask(weft_reply_to_future(f));

	if (r < 0)
		return r;
	seen.asked++;
	do {
		r = weft_future_wait_until(f, &answer, any_deadline());
		if (r == -ETIMEDOUT)
			r = weft_future_try_take(f, &answer); /* it may have come just now */
	} while (r == -EAGAIN);
	sim_check(r == 0, "%s", weft_errname(r));
	check_answer(answer);
	seen.answered++;
	weft_msg_destroy(answer);
	return 0;
}

static void *future_thread(void *user)
{
	weft_future *f = future_new();
	int r = 0;

	(void)user;
	while (r != -ESHUTDOWN && sim_goes_on()) {
		bool guest = weft_sim_choose(4) == 0 && weft_guest_enter(seen.rt) == 0;

		for (uint64_t n = weft_sim_choose(4); n && r != -ESHUTDOWN; n--)
			r = ask_with_future(f);
		if (guest)
			sim_check(weft_guest_leave(seen.rt) == 0, "leave");
		weft_sim_sleep(weft_sim_choose(SIM_MS));
	}
	weft_future_destroy(f);
	return NULL;
}

struct port_user {
	weft_port *port;
	uint64_t next;
	bool open[OPEN_MAX];
	uint32_t count;
};

static void on_port_answers(struct port_user *u, weft_msg **answers, int n)
{
	sim_check(n >= 0, "%s", weft_errname(n));
	for (int i = 0; i < n; i++) {
		uint64_t token = weft_msg_token(answers[i]);

		check_answer(answers[i]);
		sim_check(token < OPEN_MAX && u->open[token], "an answer to nothing, token %" PRIu64, token);
		u->open[token] = false;
		u->count--;
		seen.answered++;
		weft_msg_destroy(answers[i]);
	}
}

static int ask_with_port(struct port_user *u)
{
	uint64_t token = u->next++ % OPEN_MAX;
	int r;

	if (u->open[token])
		return -EAGAIN;
	u->open[token] = true; /* before: the answer may be there at once, but this thread reaps it */
	r = ask(weft_reply_to_port(u->port, token));
	if (r < 0) {
		u->open[token] = false;
		return r;
	}
	u->count++;
	seen.asked++;
	return 0;
}

static void *port_thread(void *user)
{
	weft_port_options opt = WEFT_PORT_OPTIONS_INIT;
	struct port_user u = { 0 };
	weft_msg *answers[8];
	uint32_t most;
	int r = 0;

	(void)user;
	opt.capacity_msgs = 1 + (uint32_t)weft_sim_choose(OPEN_MAX);
	sim_insist(weft_port_create(seen.rt, &opt, &u.port));
	while (r != -ESHUTDOWN && sim_goes_on()) {
		for (uint64_t n = weft_sim_choose(6); n && r != -ESHUTDOWN; n--)
			r = ask_with_port(&u);
		most = (uint32_t)weft_sim_choose(9);
		if (u.count && most && weft_sim_choose(2))
			on_port_answers(&u, answers, weft_port_wait_until(u.port, answers, most, any_deadline()));
		else
			on_port_answers(&u, answers, weft_port_reap(u.port, answers, most));
		weft_sim_sleep(weft_sim_choose(SIM_MS / 4));
	}
	while (u.count)
		on_port_answers(&u, answers, weft_port_wait_until(u.port, answers, 8, WEFT_FOREVER));
	weft_port_destroy(u.port);
	return NULL;
}

/* What ends on another thread comes back by a promise. */
static void *promise_thread(void *user)
{
	(void)user;
	for (;;) {
		bool over = seen.over;

		for (uint32_t i = 0; i < KEPT; i++) {
			weft_msg *p = seen.promises[i];

			if (!p || (!over && weft_sim_choose(2)))
				continue;
			seen.promises[i] = NULL;
			if (seen.reliable || weft_sim_choose(4))
				weft_promise_finish(p, ANSWER, 0);
			else
				weft_msg_destroy(p);
		}
		if (over)
			return NULL;
		weft_sim_sleep(weft_sim_choose(SIM_MS / 2));
	}
}

/* ---- all of it ------------------------------------------------------------------------- */

static void run(void)
{
	uint64_t threads = 1 + weft_sim_choose(THREADS_MAX), thread[THREADS_MAX], promises;
	weft_ref askers[ASKERS_MAX] = { 0 };
	uint64_t asker_count = weft_sim_choose(ASKERS_MAX + 1);
	bool promises_first = weft_sim_choose(2), drained;
	uint64_t stop_at = weft_sim_choose(2) ? UINT64_MAX : weft_sim_choose(20 * SIM_MS) + weft_now_ns();

	seen.rt = sim_runtime();
	seen.reliable = weft_sim_choose(2);
	servers_refresh();
	promises = sim_thread(promise_thread, NULL);
	for (uint64_t i = 0; i < threads; i++)
		thread[i] = sim_thread(weft_sim_choose(2) ? future_thread : port_thread, NULL);
	while (sim_goes_on() && weft_now_ns() < stop_at) {
		servers_refresh();
		for (uint64_t i = 0; i < asker_count; i++) {
			weft_msg *tick;

			if (weft_actor_is_alive(askers[i]))
				continue;
			tick = sim_msg(TICK, 0);
			askers[i] = sim_spawn(seen.rt, &asker_class, NULL);
			sim_check(weft_send(askers[i], tick) == 0, "tick");
		}
		weft_sim_sleep(weft_sim_choose(SIM_MS));
	}
	if (promises_first) {
		seen.over = true;
		weft_sim_thread_join(promises);
	}
	/* a request that is kept for good holds a stop up until the deadline */
	weft_runtime_stop(seen.rt, seen.reliable ? WEFT_FOREVER : weft_sim_choose(2) ? 0 : weft_sim_choose(5 * SIM_MS));
	for (uint64_t i = 0; i < threads; i++)
		weft_sim_thread_join(thread[i]); /* each had all its answers */
	if (!promises_first) {
		seen.over = true;
		weft_sim_thread_join(promises);
	}
	drained = sim_runtime_end(seen.rt, WEFT_FOREVER);
	sim_check(drained || !seen.reliable, "not drained");
	sim_check(seen.asked == seen.answered, "%" PRIu64 " asked, %" PRIu64 " answered", seen.asked, seen.answered);
	sim_check(seen.made == seen.gone, "%" PRIu64 " made, %" PRIu64 " released", seen.made, seen.gone);
}

const struct sim_scenario sim_ask = {
	.name = "ask",
	.what = "requests through futures, ports, calls and promises to servers that may forget them",
	.faults = WEFT_SIM_ALL,
	.run = run,
};
