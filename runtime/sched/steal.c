/* SPDX-License-Identifier: Apache-2.0 */
/*
 * runtime/sched/steal.c - how a worker without work gets some from the others.
 *
 * One searcher at a time, for at most spin_ns, then it sleeps. A thief is
 * patient: work must have been in sight for steal_delay_ns before it is taken,
 * because a short backlog is done sooner by the worker whose cache holds it, and two
 * actors that talk to each other would be torn apart. Only a deep queue is
 * shared at once. Half of what a victim has is taken. The LIFO slot is taken too
 * when its owner has not turned for that long: it sits in a long activation.
 */
#include "runtime/sched/worker.h"

#define DEEP_TASKS 64u  /* a queue this long is shared at once */
#define STEAL_MAX 32u

/* Take half of victim's queue: one to run, the rest into our own queue. */
static struct weft__task *take_half(struct weft__worker *w, struct weft__worker *victim)
{
	uint32_t want = (weft__runq_stealable(&victim->runq) + 1) / 2;
	struct weft__task *first = weft__runq_steal(&victim->runq);
	uint32_t got = 1;

	if (!first)
		return NULL;
	for (; got < want && got < STEAL_MAX; got++) {
		struct weft__task *task = weft__runq_steal(&victim->runq);

		if (!task)
			break;
		weft__runq_push(&w->runq, task);
	}
	weft__count(&w->count.steals, got);
	return first;
}

/* What a searcher remembers of its victims between two looks. */
struct sight {
	uint64_t since_ns;   /* when stealable work came into sight, 0: none in sight */
	uint64_t lifo_turns; /* a victim's turn count when its LIFO slot was seen full */
	uint64_t lifo_since_ns;
	struct weft__worker *lifo_victim;
};

/* Work injected into a busy worker is anybody's. */
static struct weft__task *take_injected_of(struct weft__worker *w, struct weft__worker *victim)
{
	ck_stack_entry_t *entry = weft__inject_take_all(&victim->inject);
	struct weft__task *first = NULL;

	while (entry) {
		struct weft__task *task = (struct weft__task *)((char *)entry - offsetof(struct weft__task, link));

		entry = entry->next;
		if (first)
			weft__runq_push(&w->runq, task);
		else
			first = task;
	}
	if (first)
		weft__count(&w->count.steals, 1u);
	return first;
}

static struct weft__task *look_at_lifo(struct weft__worker *w, struct weft__worker *victim, struct sight *sight,
                                       uint64_t now)
{
	uint64_t turns;

	/* relaxed: hints; the exchange below decides */
	if (!weft__load_relaxed(&victim->lifo))
		return NULL;
	turns = weft__load_relaxed(&victim->turns);
	if (sight->lifo_victim != victim || sight->lifo_turns != turns) {
		sight->lifo_victim = victim;
		sight->lifo_turns = turns;
		sight->lifo_since_ns = now;
		return NULL;
	}
	if (now - sight->lifo_since_ns < w->sched->steal_delay_ns)
		return NULL;
	sight->lifo_victim = NULL;
	{
		struct weft__task *task = weft__xchg_acq_rel(&victim->lifo, NULL); /* L2, see run.c */

		if (task)
			weft__count(&w->count.steals, 1u);
		return task;
	}
}

static struct weft__task *look_once(struct weft__worker *w, struct sight *sight, uint64_t now)
{
	struct weft__sched *s = w->sched;
	uint32_t total = s->worker_count + s->guest_count;
	uint32_t start = (uint32_t)weft__rng_next(&w->rng) % total;
	bool in_sight = false;

	for (uint32_t i = 0; i < total; i++) {
		struct weft__worker *victim = &s->workers[(start + i) % total];
		uint32_t depth;
		struct weft__task *task;

		if (victim == w)
			continue;
		depth = weft__runq_stealable(&victim->runq) + !weft__inject_is_empty(&victim->inject);
		if (depth) {
			in_sight = true;
			if (depth >= DEEP_TASKS ||
			    (sight->since_ns && now - sight->since_ns >= s->steal_delay_ns)) {
				task = take_half(w, victim);
				if (!task && !victim->guest)
					task = take_injected_of(w, victim);
				if (task)
					return task;
			}
		}
		task = look_at_lifo(w, victim, sight, now);
		if (task)
			return task;
	}
	if (!in_sight)
		sight->since_ns = 0;
	else if (!sight->since_ns)
		sight->since_ns = now;
	return NULL;
}

static bool own_work(struct weft__worker *w)
{
	return !weft__inject_is_empty(&w->inject) || !weft__inject_is_empty(&w->inject_pinned) ||
	       !weft__inject_is_empty(&w->inject_timers);
}

struct weft__task *weft__search(struct weft__worker *w, bool (*done)(void *what), void *what)
{
	struct weft__sched *s = w->sched;
	struct weft__task *task = NULL;
	struct sight sight = { 0 };
	uint32_t nobody = 0;
	uint64_t start, now;

	if (!w->searcher && !weft__cas_acq_rel(&s->searching, &nobody, 1u))
		return NULL;
	w->searcher = false;
	start = now = weft_now_ns();
	while (now - start < s->spin_ns && now < w->wheel_due_ns) {
		task = look_once(w, &sight, now);
		if (task || own_work(w) || (done && done(what)) || weft__load_relaxed(&s->phase) == WEFT__PHASE_HALT)
			break;
		for (int i = 0; i < 16; i++)
			weft__cpu_relax();
		now = weft_now_ns();
	}
	weft__store_release(&s->searching, 0u);
	if (!task && !w->guest && own_work(w))
		weft__worker_check(w);
	return task;
}
