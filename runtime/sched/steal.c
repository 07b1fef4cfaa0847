/* SPDX-License-Identifier: Apache-2.0 */
/*
 * runtime/sched/steal.c - how a worker without work gets some from the others.
 *
 * One searcher at a time, for at most spin_ns, then it sleeps. A thief is
 * patient: work must have been in sight for steal_delay_ns before it is taken, and
 * there must still be as long to do, because a short backlog is done sooner by the
 * worker whose cache holds it, and two actors that talk to each other would be torn
 * apart. No patience: with a deep queue; when the thief was woken in order to help;
 * when the victim has not turned for that long, because it sits in a long activation
 * (then its LIFO slot is taken too). Half of what a victim has is taken.
 * A worker that always has work of its own never searches; now and then it looks for others that are stuck.
 */
#include "runtime/sched/worker.h"

#include "runtime/base/probe.h"

#define DEEP_TASKS 64u  /* a queue this long is shared at once */
#define STEAL_MAX 32u
#define HANDOVER_LOOKS 8u /* about 2 us */
#define STUCK_NS 16000000u /* who has not looked around for so long sits in one behaviour, or in long ones */

static void stole(struct weft__worker *w, const struct weft__worker *victim, uint32_t tasks)
{
	weft__count(&w->count.steals, tasks);
	weft__note(w, WEFT_FLIGHT_STEAL, victim->id, 0, tasks);
	WEFT_PROBE3(steal, w->id, victim->id, tasks);
}

/* Take half of what never ran, the oldest first: one to run, the rest for our own deque. */
static struct weft__task *take_fresh(struct weft__worker *w, struct weft__worker *victim)
{
	uint32_t want = (weft__deque_depth(&victim->fresh) + 1) / 2;
	struct weft__task *first = weft__deque_steal(&victim->fresh);
	uint32_t got = 1;

	if (!first)
		return NULL;
	for (; got < want && got < STEAL_MAX; got++) {
		struct weft__task *task = weft__deque_steal(&victim->fresh);

		if (!task)
			break;
		weft__schedule_fresh(w, task);
	}
	stole(w, victim, got);
	return first;
}

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
	stole(w, victim, got);
	return first;
}

/* What a searcher remembers of its victims between two looks. */
struct watch {
	struct weft__worker *victim; /* NULL: nobody has anything */
	uint64_t turns;              /* the victim's, when the watch began */
	uint32_t oldest;             /* of what never ran: its place in the deque */
	uint64_t since_ns;
};

struct sight {
	struct watch classes, fresh, queue, lifo;
	bool called; /* woken in order to help */
};

/* How long has victim been watched? A new victim starts a new watch. */
static uint64_t watched_ns(struct watch *watch, struct weft__worker *victim, uint64_t now)
{
	if (watch->victim != victim)
		*watch = (struct watch){
			.victim = victim, .turns = weft__load_relaxed(&victim->turns), .oldest = weft__load_relaxed(&victim->fresh.top), .since_ns = now
		};
	return now - watch->since_ns;
}

static bool is_stuck(const struct watch *watch)
{
	/* relaxed: a hint */
	return weft__load_relaxed(&watch->victim->turns) == watch->turns;
}

/* Work injected into a busy worker is anybody's. */
static struct weft__task *take_injected_of(struct weft__worker *w, struct weft__worker *victim)
{
	ck_stack_entry_t *entry = weft__inject_take_all(&victim->inject);
	struct weft__task *first = NULL;

	while (entry) {
		struct weft__task *task = (struct weft__task *)((char *)entry - offsetof(struct weft__task, link));

		entry = entry->next;
		if (first)
			weft__schedule_arrived(w, task);
		else
			first = task;
	}
	if (first)
		stole(w, victim, 1);
	return first;
}

static bool worth_taking(struct weft__worker *w, struct weft__worker *victim, uint32_t depth, struct sight *sight,
                         uint64_t now)
{
	uint64_t turn_ns = weft__load_relaxed(&victim->turn_ns), delay = w->sched->steal_delay_ns; /* relaxed: a hint */

	if (sight->called)
		return true;
	if (weft__is_fine(victim) ? depth * turn_ns >= WEFT__FINE_BACKLOG_NS : depth >= DEEP_TASKS)
		return true;
	if (watched_ns(&sight->queue, victim, now) < delay)
		return false;
	return (!weft__is_fine(victim) && depth * turn_ns >= delay) || is_stuck(&sight->queue);
}

static struct weft__task *look_at_queue(struct weft__worker *w, struct weft__worker *victim, struct sight *sight,
                                        uint64_t now)
{
	uint32_t depth = weft__runq_stealable(&victim->runq) + !weft__inject_is_empty(&victim->inject);
	struct weft__task *task;

	if (!depth) {
		if (sight->queue.victim == victim)
			sight->queue.victim = NULL;
		return NULL;
	}
	if (!worth_taking(w, victim, depth, sight, now))
		return NULL;
	task = take_half(w, victim);
	return task || victim->guest ? task : take_injected_of(w, victim);
}

/* More than a thief's patience, even if they spawn nothing? */
static bool is_much(const struct weft__worker *victim, const struct weft__sched *s)
{
	return weft__deque_depth(&victim->fresh) * weft__load_relaxed(&victim->turn_ns) >= s->steal_delay_ns; /* relaxed: a hint */
}

/*
 * Two that talk to each other have run: no fresh task is torn from its peer. Few short ones are left to their worker
 * until it calls for help (run.c, grows).
 */
static struct weft__task *look_at_fresh(struct weft__worker *w, struct weft__worker *victim, struct sight *sight,
                                        uint64_t now)
{
	uint32_t oldest = weft__load_relaxed(&victim->fresh.top); /* relaxed: a hint */

	if (!weft__deque_depth(&victim->fresh)) {
		if (sight->fresh.victim == victim)
			sight->fresh.victim = NULL;
		return NULL;
	}
	if (sight->fresh.victim == victim && sight->fresh.oldest != oldest)
		sight->fresh.victim = NULL; /* a batch that its worker is done with sooner than we would take it */
	if (!sight->called && (watched_ns(&sight->fresh, victim, now) < w->sched->steal_delay_ns ||
	                       (!is_much(victim, w->sched) && !is_stuck(&sight->fresh))))
		return NULL;
	return take_fresh(w, victim);
}

/* One of another class than normal, the highest first. */
static struct weft__task *take_of_classes(struct weft__worker *w, struct weft__worker *victim)
{
	static const uint8_t order[] = { WEFT__SYSTEM, WEFT__HIGH, WEFT__BACKGROUND };
	struct weft__task *task = NULL;

	for (uint32_t i = 0; !task && i < sizeof(order); i++)
		task = weft__runq_steal(&victim->classes[order[i]]);
	if (task)
		weft__count(&w->count.steals, 1u);
	return task;
}

static struct weft__task *look_at_classes(struct weft__worker *w, struct weft__worker *victim, struct sight *sight,
                                          uint64_t now)
{
	if (!weft__load_relaxed(&victim->classes_ready)) { /* relaxed: a hint */
		if (sight->classes.victim == victim)
			sight->classes.victim = NULL;
		return NULL;
	}
	if (!sight->called && watched_ns(&sight->classes, victim, now) < w->sched->steal_delay_ns)
		return NULL;
	return take_of_classes(w, victim);
}

static struct weft__task *take_lifo(struct weft__worker *w, struct weft__worker *victim)
{
	struct weft__task *task;

	/* relaxed: a hint */
	if (!weft__load_relaxed(&victim->lifo) || !weft__bias_claim(&victim->lifo_lock))
		return NULL;
	task = weft__load_acquire(&victim->lifo); /* L2, see run.c */
	if (task) {
		weft__store_relaxed(&victim->lifo, NULL); /* relaxed: the lock orders it */
		stole(w, victim, 1);
	}
	weft__bias_release(&victim->lifo_lock);
	return task;
}

static struct weft__task *look_at_lifo(struct weft__worker *w, struct weft__worker *victim, struct sight *sight,
                                       uint64_t now)
{
	bool stuck;

	/* relaxed: a hint */
	if (!weft__load_relaxed(&victim->lifo))
		return NULL;
	if (watched_ns(&sight->lifo, victim, now) < w->sched->steal_delay_ns)
		return NULL;
	stuck = is_stuck(&sight->lifo);
	sight->lifo.victim = NULL;
	return stuck ? take_lifo(w, victim) : NULL;
}

static struct weft__task *look_at(struct weft__worker *w, struct weft__worker *victim, struct sight *sight, uint64_t now)
{
	struct weft__task *task = look_at_classes(w, victim, sight, now);

	if (!task)
		task = look_at_fresh(w, victim, sight, now);
	if (!task)
		task = look_at_queue(w, victim, sight, now);
	return task ? task : look_at_lifo(w, victim, sight, now);
}

/* Guests may be anywhere. */
static int distance(const struct weft__worker *w, const struct weft__worker *victim)
{
	const struct weft__place *places = w->sched->places;

	return w->guest || victim->guest ? WEFT__FAR : weft__distance(places[w->id], places[victim->id]);
}

/* All but w from a random one on; with places, only those as far away as that. */
static struct weft__task *look_around(struct weft__worker *w, struct sight *sight, uint64_t now, int how_far)
{
	struct weft__sched *s = w->sched;
	uint32_t total = s->worker_count + s->guest_count;
	uint32_t start = (uint32_t)weft__rng_next(&w->rng) % total;

	for (uint32_t i = 0; i < total; i++) {
		struct weft__worker *victim = &s->workers[(start + i) % total];
		struct weft__task *task;

		if (victim == w || (s->places && distance(w, victim) != how_far))
			continue;
		task = look_at(w, victim, sight, now);
		if (task)
			return task;
	}
	return NULL;
}

/* The nearest first. */
static struct weft__task *look_once(struct weft__worker *w, struct sight *sight, uint64_t now)
{
	struct weft__task *task = NULL;

	if (!w->sched->places)
		return look_around(w, sight, now, 0);
	for (int how_far = 0; !task && how_far < WEFT__DISTANCES; how_far++)
		task = look_around(w, sight, now, how_far);
	return task;
}

static bool own_work(struct weft__worker *w)
{
	return !weft__inject_is_empty(&w->inject) || !weft__inject_is_empty(&w->inject_pinned) ||
	       !weft__inject_is_empty(&w->inject_timers) || (!w->guest && weft__loop_peek(w->loop));
}

/*
 * Take the searcher's place. If somebody has it, he may just have found what this worker
 * sent him (two actors on two workers that answer each other): wait a moment
 * before going to sleep, which is dear.
 */
static bool become_searcher(struct weft__worker *w)
{
	for (uint32_t i = 0; i < HANDOVER_LOOKS; i++) {
		uint32_t nobody = 0;

		if (w->searcher || weft__cas_acq_rel(&w->sched->searching, &nobody, 1u))
			return true;
		for (int j = 0; j < 8; j++)
			weft__cpu_relax();
		if (own_work(w))
			return false;
	}
	return false;
}

/* Who has the watch (park.c) searches long enough to tell a victim that is stuck from one that is not. */
static uint64_t search_ns(const struct weft__worker *w)
{
	const struct weft__sched *s = w->sched;
	bool watches = weft__load_relaxed(&s->watch) == w->id + 1; /* relaxed: a late look costs one nap */

	return watches && s->spin_ns < 2 * s->steal_delay_ns ? 2 * s->steal_delay_ns : s->spin_ns;
}

struct weft__task *weft__search(struct weft__worker *w, bool (*done)(void *what), void *what)
{
	struct weft__sched *s = w->sched;
	struct weft__task *task = NULL;
	struct sight sight = { .called = w->searcher };
	uint64_t span_ns, start, now;

	if (!become_searcher(w))
		return NULL;
	w->searcher = false;
	span_ns = search_ns(w);
	start = now = weft_now_ns();
	while (now - start < span_ns && now < w->wheel_due_ns) {
		task = look_once(w, &sight, now);
		if (task || own_work(w) || (done && done(what)) || weft__load_relaxed(&s->phase) == WEFT__PHASE_HALT)
			break;
		for (int i = 0; i < 16; i++)
			weft__cpu_relax();
		now = weft_now_ns();
	}
	weft__store_release(&s->searching, 0u);
	if (task && w->rested && !sight.called)
		weft__watch_found(s);
	if (!task && !w->guest && own_work(w))
		weft__worker_check(w);
	return task;
}

/* ---- those who are stuck ------------------------------------------------------ */

enum kind { OF_CLASSES, FRESH, QUEUE, LIFO, KINDS };

static struct weft__task *take_one(struct weft__worker *w, struct weft__worker *victim, enum kind kind)
{
	struct weft__task *task = NULL;

	if (kind == OF_CLASSES)
		return take_of_classes(w, victim);
	if (kind == LIFO)
		return take_lifo(w, victim);
	task = kind == FRESH ? weft__deque_steal(&victim->fresh) : weft__runq_steal(&victim->runq);
	if (task)
		stole(w, victim, 1);
	return task || kind == FRESH || victim->guest ? task : take_injected_of(w, victim);
}

/* Not one who sleeps, nor a guest that sits in its place without being inside. */
static bool is_long_stuck(const struct weft__worker *w, uint64_t now)
{
	/* relaxed: hints */
	return !weft__load_relaxed(&w->sleeping) && (!w->guest || weft__load_relaxed(&w->active)) &&
	       (int64_t)(now - weft__load_relaxed(&w->check_ns)) > (int64_t)STUCK_NS;
}

/*
 * One is taken, and comes next. Half, as a searcher takes, would go to the end of the queue here, and perhaps once more to the end of
 * another one, when this worker has long turns itself. Which kind is left to chance: none of them may hide another.
 */
void weft__help_stuck(struct weft__worker *w, uint64_t now)
{
	struct weft__sched *s = w->sched;
	uint32_t total = s->worker_count + s->guest_count;
	struct weft__task *task = NULL;

	for (uint32_t i = 1; !task && i < total; i++) {
		struct weft__worker *victim = &s->workers[(w->id + i) % total];
		uint32_t kind;

		if (!is_long_stuck(victim, now))
			continue;
		kind = (uint32_t)weft__rng_next(&w->rng);
		for (uint32_t k = 0; !task && k < KINDS; k++)
			task = take_one(w, victim, (enum kind)((kind + k) % KINDS));
	}
	if (task)
		weft__schedule(w, task);
}
