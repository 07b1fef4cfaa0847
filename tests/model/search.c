/* SPDX-License-Identifier: Apache-2.0 */
/* tests/model/search.c - decisions, and which of them are worth taking; see search.h. */
#include "tests/model/search.h"

#include <string.h>

#include "tests/model/explore.h"

#define THREADS MEM_THREADS
#define NODES 2000u
#define EVENTS 2000u
#define STORES 4096u
#define USES 1024u /* power of two */
#define WAYS 36u
#define NONE UINT16_MAX

/* A place with more than one way on. */
struct node {
	bool who;       /* a choice of threads, in bits; else of numbers below count */
	uint8_t choice, count;
	uint8_t ways;   /* threads that can go on, and do not sleep */
	uint8_t asleep; /* and those that do */
	uint8_t todo, tried;
	uint16_t events; /* that were done before it */
};

/* An operation that was done, and what it comes after for certain. */
struct event {
	struct mem_op op;
	bool wrote;
	uint8_t thread;
	uint16_t node; /* where its thread was chosen; NONE: there was no choice */
	uint16_t after[THREADS]; /* so many events of each thread, its own included */
};

/* Who uses a word, in all executions so far. */
struct use {
	const void *at;
	uint8_t by; /* threads */
	bool written;
};

static unsigned thread_count;
static bool everything;
static struct node nodes[NODES];
static unsigned node_count, node_at;
static struct use uses[USES];
static unsigned use_count;
static bool learnt;

static const char *replay; /* what is left of it */
static char trail[2 * EVENTS + 1];
static unsigned trail_count;

static struct mem_op pending[THREADS];
static unsigned unseen[THREADS];
static unsigned asleep; /* threads */
static uint16_t node_of[THREADS]; /* where it was chosen last */
static struct event events[EVENTS];
static unsigned event_count;
static unsigned events_known; /* the first of them, which are those of the execution before: its decisions are, too */
static uint16_t store_event[STORES]; /* who made it; NONE */
static uint16_t now[THREADS][THREADS]; /* event.after of each thread's last */

void search_reset(unsigned threads, bool all)
{
	thread_count = threads;
	everything = all;
	node_count = 0;
	use_count = 0;
	memset(uses, 0, sizeof(uses));
}

void search_begin(const char *from)
{
	replay = from;
	trail_count = 0;
	trail[0] = 0;
	node_at = 0;
	asleep = 0;
	event_count = 0;
	events_known = node_count ? nodes[node_count - 1].events : 0;
	learnt = false;
	memset(unseen, 0, sizeof(unseen));
	memset(now, 0, sizeof(now));
	memset(node_of, 0xff, sizeof(node_of));
	memset(store_event, 0xff, sizeof(store_event));
}

const char *search_trail(void)
{
	return trail;
}

void search_pending(unsigned thread, const struct mem_op *op)
{
	pending[thread] = *op;
}

unsigned search_unseen(unsigned thread)
{
	return unseen[thread];
}

static unsigned lowest(unsigned bits)
{
	return (unsigned)__builtin_ctz(bits);
}

static bool is_sc(const struct mem_op *op)
{
	return op->order == __ATOMIC_SEQ_CST;
}

static bool reads(const struct mem_op *op)
{
	return op->kind != MEM_STORE;
}

/* ---- decisions -------------------------------------------------------------------------- */

static void note_decision(unsigned choice)
{
	if (trail_count + 1 >= sizeof(trail))
		explore_fail("model too large: decisions");
	trail[trail_count++] = "0123456789abcdefghijklmnopqrstuvwxyz"[choice];
	trail[trail_count] = 0;
}

static unsigned replayed(void)
{
	char c = *replay ? *replay++ : '0';

	return (unsigned)(c >= 'a' ? c - 'a' + 10 : c - '0');
}

static struct node *node_next(bool *ret_new)
{
	*ret_new = node_at == node_count;
	if (*ret_new && ++node_count > NODES)
		explore_fail("model too large: decisions");
	return &nodes[node_at++];
}

unsigned search_way(unsigned below)
{
	unsigned choice = 0;
	bool new;

	if (below > WAYS)
		explore_fail("model too large: %u ways on", below);
	if (replay) {
		choice = replayed();
		choice = choice < below ? choice : 0;
	} else if (below > 1) {
		struct node *n = node_next(&new);

		if (new)
			*n = (struct node){ .count = (uint8_t)below, .events = (uint16_t)event_count };
		choice = n->choice;
	}
	note_decision(choice);
	return choice;
}

/* One of ways; the thread that runs goes first, so that the first executions switch least. */
static unsigned choose_thread(unsigned ways, unsigned sleepers, unsigned running)
{
	unsigned choice = ways >> running & 1 ? running : lowest(ways);
	bool new;

	node_of[choice] = NONE;
	if (ways & (ways - 1)) {
		struct node *n = node_next(&new);

		if (new)
			*n = (struct node){ .who = true, .ways = (uint8_t)ways, .asleep = (uint8_t)sleepers,
				            .choice = (uint8_t)choice, .events = (uint16_t)event_count,
				            .todo = (uint8_t)(everything ? ways : 1u << choice) };
		choice = n->choice;
		node_of[choice] = (uint16_t)(node_at - 1);
		if (!everything)
			asleep |= n->tried;
	}
	return choice;
}

bool search_next(void)
{
	if (learnt) {
		node_count = 0;
		return true;
	}
	for (; node_count; node_count--) {
		struct node *n = &nodes[node_count - 1];

		if (n->who) {
			unsigned left;

			n->tried |= (uint8_t)(1u << n->choice);
			left = n->todo & ~(unsigned)n->tried;
			if (left) {
				n->choice = (uint8_t)lowest(left);
				return true;
			}
		} else if (n->choice + 1u < n->count) {
			n->choice++;
			return true;
		}
	}
	return false;
}

/* ---- words of one's own --------------------------------------------------------------------- */

static struct use *use_of(const void *at)
{
	unsigned i = (unsigned)(((uintptr_t)at * UINT64_C(0x9e3779b97f4a7c15)) >> 40) & (USES - 1);

	while (uses[i].at && uses[i].at != at)
		i = (i + 1) & (USES - 1);
	if (!uses[i].at) {
		if (++use_count == USES)
			explore_fail("model too large: words in all executions");
		uses[i].at = at;
	}
	return &uses[i];
}

static bool is_shared(const struct use *u)
{
	return u->written && (u->by & (u->by - 1));
}

static void note_use(unsigned thread, const struct mem_op *op)
{
	struct use *u = op->kind < MEM_FENCE ? use_of(op->at) : NULL;

	if (!u || is_shared(u))
		return;
	u->by |= (uint8_t)(1u << thread);
	u->written |= op->kind != MEM_LOAD;
	learnt |= is_shared(u);
}

/* May op be done at once? */
static bool is_undisturbed(const struct mem_op *op)
{
	if (op->kind >= MEM_FENCE)
		return false;
	return (op->kind == MEM_STORE && !is_sc(op)) || !is_shared(use_of(op->at));
}

/* Those that sleep, or have been woken for something that they cannot see. */
static unsigned sleeping(void)
{
	unsigned sleepers = asleep;

	for (unsigned i = 1; i <= thread_count; i++) {
		if (unseen[i] && !mem_is_possible(i, &pending[i], unseen[i]))
			sleepers |= 1u << i;
	}
	return sleepers;
}

unsigned search_thread(unsigned ready, unsigned running)
{
	unsigned choice = 0, sleepers = sleeping();

	if (replay) {
		choice = replayed();
		if (!(ready >> choice & 1))
			choice = lowest(ready);
	} else {
		for (unsigned left = everything ? 0 : ready; left && !choice; left &= left - 1) {
			if (is_undisturbed(&pending[lowest(left)]))
				choice = lowest(left);
		}
		if (choice)
			node_of[choice] = NONE;
		else if (ready & ~sleepers)
			choice = choose_thread(ready & ~sleepers, sleepers, running);
		else
			return 0;
	}
	note_decision(choice);
	return choice;
}

/* ---- what matters to what --------------------------------------------------------------------- */

/* Never swapped without being able to tell: both bind the other in whatever order they come. */
static bool bound(const struct mem_op *a, const struct mem_op *b)
{
	if (a->kind >= MEM_SPIN || b->kind >= MEM_SPIN)
		return a->kind >= MEM_SPIN && b->kind >= MEM_SPIN && a->at && a->at == b->at;
	if (!is_sc(a) || !is_sc(b))
		return false;
	if (a->kind == b->kind && a->kind == MEM_FENCE)
		return true;
	/* words of one's own bind nobody */
	return (a->kind == MEM_FENCE || b->kind == MEM_FENCE || a->at == b->at) &&
	       is_shared(use_of(a->kind == MEM_FENCE ? b->at : a->at));
}

/* Thread sleeps before its next operation, or has been woken: what does op of another one change? True: woken for a store. */
static bool wake(unsigned sleeper, const struct mem_op *op, bool wrote)
{
	const struct mem_op *next = &pending[sleeper];
	bool slept = asleep >> sleeper & 1;

	if (bound(op, next) || (next->kind == MEM_SPIN && wrote)) {
		unseen[sleeper] = 0; /* nothing that it saw is for certain what it would see now */
		asleep &= ~(1u << sleeper);
		return false;
	}
	if (!slept || !wrote || next->kind >= MEM_FENCE || next->at != op->at || !reads(next))
		return false;
	unseen[sleeper] = mem_last_store();
	asleep &= ~(1u << sleeper);
	return true;
}

/* ---- races --------------------------------------------------------------------------------------- */

/* Would event e, which came first, or this one have come out differently the other way round? */
static bool reversible(const struct event *e, const struct mem_op *op, bool wrote)
{
	if (bound(&e->op, op))
		return true;
	if (e->op.kind >= MEM_FENCE || op->kind >= MEM_FENCE || e->op.at != op->at || !reads(&e->op))
		return false;
	return wrote || (e->wrote && op->kind != MEM_LOAD && op->kind != MEM_STORE); /* a swap that failed since */
}

/* Could it matter which of two comes first? */
static bool may_matter(const struct mem_op *a, const struct mem_op *b)
{
	if (bound(a, b))
		return true;
	return a->kind < MEM_FENCE && b->kind < MEM_FENCE && a->at == b->at && (a->kind != MEM_LOAD || b->kind != MEM_LOAD);
}

/* Can event number k begin what comes after number `at` and not because of it? */
static bool is_initial(unsigned at, unsigned k)
{
	const struct event *e = &events[at];

	for (unsigned i = at + 1; i < k; i++) {
		if (events[i].after[e->thread] >= e->after[e->thread])
			continue; /* not without e */
		if (events[i].thread == events[k].thread || may_matter(&events[i].op, &events[k].op))
			return false;
	}
	return true;
}

/*
 * The event that was done last could have come before event number `at`: let it. Who goes on at that
 * node must then be a thread that can begin what led to it without `at`.
 */
static void reverse(unsigned at)
{
	const struct event *e = &events[at];
	struct node *n = &nodes[e->node];
	unsigned initials = 0;

	if (e->node == NONE)
		return; /* the others slept or could not */
	for (unsigned k = at + 1; k < event_count; k++) {
		if (k + 1 < event_count && events[k].after[e->thread] >= e->after[e->thread])
			continue;
		if (is_initial(at, k))
			initials |= 1u << events[k].thread;
	}
	if (initials & (n->todo | n->asleep))
		return;
	n->todo |= (uint8_t)(initials & n->ways ? 1u << lowest(initials & n->ways) : n->ways);
}

/* What the event that was done last comes after, and what it races with. */
static void look_back(unsigned from)
{
	struct event *last = &events[event_count - 1];

	for (unsigned i = event_count - 1; i-- > 0;) {
		const struct event *e = &events[i];

		if (e->thread == last->thread || e->after[e->thread] <= last->after[e->thread])
			continue;
		if (reversible(e, &last->op, last->wrote))
			reverse(i);
		if (i != from && !bound(&e->op, &last->op))
			continue;
		for (unsigned p = 1; p <= thread_count; p++) {
			if (last->after[p] < e->after[p])
				last->after[p] = e->after[p];
		}
	}
}

/* Thread does op, or would do it: then wrote says whether it could write. What is known has been looked back from. */
static struct event *event_add(unsigned thread, const struct mem_op *op, bool wrote, unsigned from)
{
	struct event *e = &events[event_count];

	if (event_count < events_known) {
		event_count++;
		return e;
	}
	if (event_count == EVENTS || mem_last_store() >= STORES)
		explore_fail("model too large: events");
	*e = (struct event){ .op = *op, .wrote = wrote, .thread = (uint8_t)thread, .node = node_of[thread] };
	memcpy(e->after, now[thread], sizeof(e->after));
	e->after[thread]++;
	event_count++;
	look_back(from);
	return e;
}

static void note_event(unsigned thread, const struct mem_op *op, const struct mem_result *r)
{
	bool read = op->kind < MEM_FENCE && reads(op);
	const struct event *e = event_add(thread, op, r->wrote, read ? store_event[r->from] : NONE);

	memcpy(now[thread], e->after, sizeof(e->after));
	if (r->wrote)
		store_event[mem_last_store()] = (uint16_t)(event_count - 1);
}

/*
 * A thread was woken for something that it cannot see, and sleeps on: what it would read was seen with the
 * two swapped. But in this order it may race with something before: look back on its behalf.
 */
static void look_back_for(unsigned thread)
{
	const struct mem_op *op = &pending[thread];

	if (event_count <= events_known)
		return;
	event_add(thread, op, op->kind != MEM_LOAD, NONE);
	event_count--;
}

void search_done(unsigned thread, const struct mem_result *r)
{
	struct mem_op op = pending[thread];

	unseen[thread] = 0;
	note_use(thread, &op);
	if (!everything && !replay)
		note_event(thread, &op, r);
	for (unsigned i = 1; i <= thread_count; i++) {
		if (i != thread && wake(i, &op, r->wrote) && !replay && !mem_is_possible(i, &pending[i], unseen[i]))
			look_back_for(i);
	}
}
