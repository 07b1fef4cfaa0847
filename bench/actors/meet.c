/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench/actors/meet.c - one actor that many go to (Savina). chameneos: a hundred creatures meet in pairs at a mall,
 * 200,000 times, and change colour; an operation is a meeting. bank: a teller moves money between a thousand
 * accounts, 50,000 times; an account that waits for another one's receipt lets other orders wait; an operation is
 * a transfer.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "bench/actors/actors.h"

/* ---- chameneos ------------------------------------------------------------------------------- */

#define CREATURES 100u
#define COLOURS 3u

/* creature -> mall, mall -> the one that waits, that one -> the newcomer; the same message all the way */
struct meeting {
	weft_ref other;
	uint32_t colour, is_answer;
};

struct mall {
	struct actors_clock clock;
	weft_msg *waiting; /* who came first; owned */
	uint64_t meetings, left, counted;
	uint32_t creatures;
};

struct creature {
	weft_ref mall;
	uint32_t colour;
	uint64_t met;
};

static uint32_t blend(uint32_t a, uint32_t b)
{
	return a == b ? a : COLOURS - a - b;
}

static int go_to_mall(struct creature *c, weft_actor *self, weft_msg *msg)
{
	struct meeting m = { weft_actor_ref(self), c->colour, 0 };

	memcpy(weft_msg_data(msg), &m, sizeof(m));
	return weft_send(c->mall, msg);
}

static int creature_behaviour(weft_actor *self, weft_msg *msg)
{
	struct creature *c = weft_actor_state(self);
	struct meeting m;
	uint32_t mine = c->colour;
	int r;

	if (weft_msg_kind(msg) == ACTORS_GO) /* the first time */
		return actors_send(c->mall, actors_msg(ACTORS_PLAY, &(struct meeting){ weft_actor_ref(self), mine, 0 }, sizeof(m)));
	if (weft_msg_kind(msg) == ACTORS_DONE) { /* the mall closes */
		weft_actor_exit(self, 0);
		return actors_send(c->mall, actors_msg(ACTORS_RESULT, &c->met, sizeof(c->met)));
	}
	memcpy(&m, weft_msg_data(msg), sizeof(m));
	c->met++;
	c->colour = blend(mine, m.colour);
	if (!m.is_answer) { /* tell the other one, then go again with a message of our own */
		struct meeting answer = { weft_actor_ref(self), mine, 1 };

		memcpy(weft_msg_data(msg), &answer, sizeof(answer));
		r = weft_send(m.other, msg);
		if (r < 0)
			return r;
		return actors_send(c->mall, actors_msg(ACTORS_PLAY, &(struct meeting){ weft_actor_ref(self), c->colour, 0 }, sizeof(m)));
	}
	return go_to_mall(c, self, msg);
}

static const weft_actor_class creature_class = { .size = sizeof(creature_class),
	                                         .name = "creature",
	                                         .behaviour = creature_behaviour,
	                                         .state_bytes = sizeof(struct creature) };

/* The one that waits gets the newcomer's message. */
static int pair(struct mall *m, weft_actor *self, weft_msg *msg)
{
	struct meeting first;
	weft_msg *waiting = m->waiting;

	if (!waiting) {
		weft_msg_keep(self, msg);
		m->waiting = msg;
		return 0;
	}
	m->waiting = NULL;
	m->left--;
	memcpy(&first, weft_msg_data(waiting), sizeof(first));
	weft_msg_destroy(waiting);
	return weft_send(first.other, msg);
}

static int close_for(weft_msg *msg)
{
	struct meeting m;

	memcpy(&m, weft_msg_data(msg), sizeof(m));
	return actors_send(m.other, actors_msg(ACTORS_DONE, NULL, 0));
}

static int mall_open(struct mall *m, weft_actor *self, weft_msg *go)
{
	int r = 0;

	actors_clock_start(&m->clock, self, go);
	m->left = m->meetings;
	m->creatures = CREATURES;
	for (uint32_t i = 0; r == 0 && i < CREATURES; i++) {
		struct creature c = { .mall = weft_actor_ref(self), .colour = i % COLOURS };
		weft_ref ref;

		r = weft_actor_spawn(weft_actor_runtime(self), &creature_class, &c, &ref);
		if (r == 0)
			r = actors_send(ref, actors_msg(ACTORS_GO, NULL, 0));
	}
	return r;
}

static int mall_behaviour(weft_actor *self, weft_msg *msg)
{
	struct mall *m = weft_actor_state(self);
	uint64_t met;

	switch (weft_msg_kind(msg)) {
	case ACTORS_GO:
		return mall_open(m, self, msg);
	case ACTORS_RESULT:
		memcpy(&met, weft_msg_data(msg), sizeof(met));
		m->counted += met;
		if (--m->creatures)
			return 0;
		return m->counted == 2 * m->meetings ? actors_clock_stop(&m->clock) : -EINVAL;
	default:
		if (m->left)
			return pair(m, self, msg);
		return close_for(msg);
	}
}

static void mall_fini(weft_actor *self)
{
	struct mall *m = weft_actor_state(self);

	weft_msg_destroy(m->waiting);
}

static const weft_actor_class mall_class = { .size = sizeof(mall_class),
	                                     .name = "mall",
	                                     .behaviour = mall_behaviour,
	                                     .fini = mall_fini,
	                                     .state_bytes = sizeof(struct mall) };

int actors_chameneos(const struct bench_options *opt, double *ret_ms, uint64_t *ret_ops, struct bench_outcome *out)
{
	struct mall m = { .meetings = opt->quick ? 5000 : 200000 };

	return actors_run_one(opt, &mall_class, &m, m.meetings, ret_ms, ret_ops, out);
}

/* ---- bank ---------------------------------------------------------------------------------------- */

#define ACCOUNTS 1000u

struct transfer {
	weft_ref to;
	uint64_t amount;
};

enum { CREDIT = 16, DEBIT, RECEIPT, STATEMENT };

struct account {
	weft_ref teller;
	uint64_t balance;
	bool waits;                     /* for a receipt */
	struct transfer *orders;        /* that wait meanwhile: [taken, count) of room; owned */
	uint32_t taken, count, room;
};

struct teller {
	struct actors_clock clock;
	weft_ref accounts[ACCOUNTS];
	uint64_t transfers, left, total, random;
	uint32_t open;
};

static int carry_out(struct account *a, struct transfer t)
{
	a->balance -= t.amount;
	a->waits = true;
	return actors_send(t.to, actors_msg(DEBIT, &t.amount, sizeof(t.amount)));
}

/* Orders are copied, side by side: kept messages would be 50,000 places in memory to come back to. */
static int let_wait(struct account *a, struct transfer t)
{
	if (a->taken == a->count)
		a->taken = a->count = 0;
	if (a->count == a->room) {
		uint32_t room = a->room ? 2 * a->room : 16;
		struct transfer *orders = realloc(a->orders, room * sizeof(*orders));

		if (!orders)
			return -ENOMEM;
		a->orders = orders;
		a->room = room;
	}
	a->orders[a->count++] = t;
	return 0;
}

/* The transfer is done: tell the teller, take the next order. */
static int receipt(struct account *a)
{
	int r = actors_send(a->teller, actors_msg(RECEIPT, NULL, 0));

	a->waits = false;
	if (r < 0 || a->taken == a->count)
		return r;
	return carry_out(a, a->orders[a->taken++]);
}

static int account_behaviour(weft_actor *self, weft_msg *msg)
{
	struct account *a = weft_actor_state(self);
	struct transfer t;
	uint64_t amount;

	switch (weft_msg_kind(msg)) {
	case CREDIT:
		memcpy(&t, weft_msg_data(msg), sizeof(t));
		return a->waits ? let_wait(a, t) : carry_out(a, t);
	case DEBIT:
		memcpy(&amount, weft_msg_data(msg), sizeof(amount));
		a->balance += amount;
		return actors_send(weft_msg_sender(msg), actors_msg(RECEIPT, NULL, 0));
	case RECEIPT:
		return receipt(a);
	default:
		weft_actor_exit(self, 0);
		return actors_send(a->teller, actors_msg(STATEMENT, &a->balance, sizeof(a->balance)));
	}
}

static void account_fini(weft_actor *self)
{
	struct account *a = weft_actor_state(self);

	free(a->orders);
}

static const weft_actor_class account_class = { .size = sizeof(account_class),
	                                        .name = "account",
	                                        .behaviour = account_behaviour,
	                                        .fini = account_fini,
	                                        .state_bytes = sizeof(struct account),
	                                        .mailbox_msgs = 100000 };

/* From a lower account to a higher one, so that nobody waits in a circle. */
static int order_one(struct teller *t)
{
	uint64_t from = actors_random(&t->random) % (ACCOUNTS / 10 * 8);
	uint64_t to = from + 1 + actors_random(&t->random) % (ACCOUNTS - from - 1);
	struct transfer order = { t->accounts[to], actors_random(&t->random) % 1000 };

	return actors_send(t->accounts[from], actors_msg(CREDIT, &order, sizeof(order)));
}

static int bank_open(struct teller *t, weft_actor *self, weft_msg *go)
{
	int r = 0;

	for (uint32_t i = 0; r == 0 && i < ACCOUNTS; i++) {
		struct account a = { .teller = weft_actor_ref(self), .balance = 1000000 };

		r = weft_actor_spawn(weft_actor_runtime(self), &account_class, &a, &t->accounts[i]);
	}
	actors_clock_start(&t->clock, self, go);
	t->left = t->transfers;
	for (uint64_t i = 0; r == 0 && i < t->transfers; i++)
		r = order_one(t);
	return r;
}

static int teller_behaviour(weft_actor *self, weft_msg *msg)
{
	struct teller *t = weft_actor_state(self);
	uint64_t balance;
	int r = 0;

	switch (weft_msg_kind(msg)) {
	case ACTORS_GO:
		return bank_open(t, self, msg);
	case RECEIPT:
		if (--t->left)
			return 0;
		t->open = ACCOUNTS;
		for (uint32_t i = 0; r == 0 && i < ACCOUNTS; i++)
			r = actors_send(t->accounts[i], actors_msg(STATEMENT, NULL, 0));
		return r;
	default:
		memcpy(&balance, weft_msg_data(msg), sizeof(balance));
		t->total += balance;
		if (--t->open)
			return 0;
		return t->total == UINT64_C(1000000) * ACCOUNTS ? actors_clock_stop(&t->clock) : -EINVAL;
	}
}

static const weft_actor_class teller_class = { .size = sizeof(teller_class),
	                                       .name = "teller",
	                                       .behaviour = teller_behaviour,
	                                       .state_bytes = sizeof(struct teller),
	                                       .mailbox_msgs = 100000 };

int actors_bank(const struct bench_options *opt, double *ret_ms, uint64_t *ret_ops, struct bench_outcome *out)
{
	struct teller t = { .transfers = opt->quick ? 2000 : 50000, .random = 88172645463325252u };

	return actors_run_one(opt, &teller_class, &t, t.transfers, ret_ms, ret_ops, out);
}
