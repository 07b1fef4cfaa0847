/* SPDX-License-Identifier: Apache-2.0 */
/*
 * runtime/sched/run.c - which task a worker runs next, and its main loop.
 *
 * The newest task goes into the LIFO slot: its data is hot, and two actors that talk
 * to each other stay on one core. The slot goes before the queue at most
 * WEFT__LIFO_RUNS_MAX times in a row, so a chatting pair cannot starve the queue.
 * Then come the actors that never ran, the newest first: a tree of spawns is walked depth
 * first, in little memory. Each fourth turn the queue goes before them. Below those that keep
 * coming one may lie for ever, so the oldest goes first when it has been that for a
 * millisecond (each so many turns would open all branches of a tree at once).
 * Every few turns (so many that about CHECK_NS pass) a worker looks at what came
 * from outside: injections, timers, I/O, and whether to wake somebody up.
 */
#include "runtime/sched/worker.h"

#define CHECK_NS 5000u /* aimed-at time between two looks around */
#define TIMERS_MAX 256u /* run or filed again at a look around */
#define LOOP_NS 25000u /* between two looks at a loop that may have nothing, with tasks waiting */
#define IO_TURNS_MAX 16u /* sleeps in a row without a look around */
#define RESCUE_NS 2000000u /* time between two looks for workers that are stuck */
#define BUDGET_UNKNOWN 8u  /* messages of an activation at most, before it is known how long they take */

_Thread_local struct weft__worker *weft__self;

void weft__schedule(struct weft__worker *w, struct weft__task *task)
{
	struct weft__task *old;

	WEFT_ASSERT(task->run);
	/* relaxed: only this worker fills the slot, thieves only empty it, and leave it alone when it is empty */
	if (!weft__load_relaxed(&w->lifo)) {
		/* L1 release -> L2 in a thief: the task's state before the task. */
		weft__store_release(&w->lifo, task);
		return;
	}
	weft__bias_enter(&w->lifo_lock);
	old = weft__load_relaxed(&w->lifo); /* relaxed: this thread wrote it */
	weft__store_relaxed(&w->lifo, task); /* relaxed: the lock orders it */
	weft__bias_leave(&w->lifo_lock);
	if (old)
		weft__runq_push(&w->runq, old);
}

void weft__schedule_fresh(struct weft__worker *w, struct weft__task *task)
{
	WEFT_ASSERT(task->run);
	if (!weft__deque_push(&w->fresh, task))
		weft__runq_push(&w->runq, task);
}

void weft__schedule_back(struct weft__worker *w, struct weft__task *task)
{
	WEFT_ASSERT(task->run);
	weft__runq_push(&w->runq, task);
}

void weft__schedule_pinned(struct weft__worker *w, struct weft__task *task)
{
	WEFT_ASSERT(!w->guest);
	task->next = NULL;
	if (w->pinned_last)
		w->pinned_last->next = task;
	else
		w->pinned_first = task;
	w->pinned_last = task;
}

void weft__schedule_class(struct weft__worker *w, uint32_t class, struct weft__task *task)
{
	WEFT_ASSERT(task->run && class != WEFT__NORMAL);
	weft__runq_push(&w->classes[class], task);
	/* relaxed: single writer; a hint to thieves */
	weft__store_relaxed(&w->classes_ready, weft__load_relaxed(&w->classes_ready) | 1u << class);
}

void weft__schedule_arrived(struct weft__worker *w, struct weft__task *task)
{
	uint32_t class = w->sched->hooks->class_of(task);

	if (class == WEFT__NORMAL)
		weft__runq_push(&w->runq, task);
	else
		weft__schedule_class(w, class, task);
}

/* An awake worker rather than one that must be woken: light load stays on one. */
static struct weft__worker *remote_target(struct weft__sched *s, uint32_t home)
{
	struct weft__worker *w = &s->workers[home % s->worker_count];

	/* relaxed: a wrong guess costs a wake-up, nothing else */
	if (!weft__load_relaxed(&w->sleeping) || weft__load_relaxed(&s->sleepers) >= s->worker_count)
		return w;
	for (uint32_t i = 1; i < s->worker_count; i++) {
		struct weft__worker *other = &s->workers[(home + i) % s->worker_count];

		if (!weft__load_relaxed(&other->sleeping))
			return other;
	}
	return w;
}

void weft__schedule_remote(struct weft__sched *s, uint32_t home, bool pinned, struct weft__task *task)
{
	struct weft__worker *w;

	WEFT_ASSERT(task->run);
	if (pinned) {
		w = &s->workers[home % s->worker_count];
		weft__inject_push(&w->inject_pinned, &task->link);
	} else {
		w = remote_target(s, home);
		weft__inject_push(&w->inject, &task->link);
	}
	weft__wake(w);
}

void weft__timer_remote(struct weft__sched *s, uint32_t worker, ck_stack_entry_t *entry)
{
	struct weft__worker *w = &s->workers[worker % s->worker_count];

	weft__inject_push(&w->inject_timers, entry);
	weft__wake(w);
}

static struct weft__task *pinned_pop(struct weft__worker *w)
{
	struct weft__task *task = w->pinned_first;

	if (!task)
		return NULL;
	w->pinned_first = task->next;
	if (!w->pinned_first)
		w->pinned_last = NULL;
	return task;
}

static struct weft__task *lifo_take(struct weft__worker *w)
{
	struct weft__task *task;

	/* relaxed: only this worker fills the slot, and no thief is in it meanwhile */
	if (!weft__load_relaxed(&w->lifo))
		return NULL;
	weft__bias_enter(&w->lifo_lock);
	task = weft__load_relaxed(&w->lifo);
	weft__store_relaxed(&w->lifo, NULL);
	weft__bias_leave(&w->lifo_lock);
	return task;
}

/*
 * What is not in the slot. The kinds take turns by a count of their own: counted with the
 * slot's turns, one of them could be met in the same place of its round for ever.
 */
static struct weft__task *next_of_others(struct weft__worker *w)
{
	uint32_t turn = w->other_turns++;
	struct weft__task *task;

	if (__builtin_expect(w->pinned_first && (turn & 1), 0))
		return pinned_pop(w);
	if (__builtin_expect(w->oldest_due, 0)) {
		w->oldest_due = false;
		task = weft__deque_steal(&w->fresh);
		if (task)
			return task;
	}
	if (turn % WEFT__QUEUE_EVERY && (task = weft__deque_pop(&w->fresh)))
		return task;
	task = weft__runq_pop(&w->runq);
	if (task)
		return task;
	task = weft__deque_pop(&w->fresh);
	return task ? task : pinned_pop(w);
}

static struct weft__task *next_normal(struct weft__worker *w)
{
	struct weft__task *task;

	if (w->lifo_runs < WEFT__LIFO_RUNS_MAX && (task = lifo_take(w))) {
		w->lifo_runs++;
		return task;
	}
	w->lifo_runs = 0;
	task = next_of_others(w);
	return task ? task : lifo_take(w);
}

/* The next one of a class, if it has any. */
static struct weft__task *class_pop(struct weft__worker *w, uint32_t class)
{
	uint32_t ready = weft__load_relaxed(&w->classes_ready); /* relaxed: single writer */
	struct weft__task *task;

	if (!(ready & 1u << class))
		return NULL;
	task = weft__runq_pop(&w->classes[class]);
	if (!task) /* it was the last one, or thieves took what there was */
		weft__store_relaxed(&w->classes_ready, ready & ~(1u << class));
	return task;
}

static struct weft__task *first_of(struct weft__worker *w, const uint8_t *classes)
{
	struct weft__task *task = NULL;

	for (uint32_t i = 0; !task && i < WEFT__CLASSES; i++)
		task = classes[i] == WEFT__NORMAL ? next_normal(w) : class_pop(w, classes[i]);
	return task;
}

/* By priority, but each class comes first now and then. */
static struct weft__task *next_by_class(struct weft__worker *w)
{
	static const uint8_t by_priority[WEFT__CLASSES] = { WEFT__SYSTEM, WEFT__HIGH, WEFT__NORMAL, WEFT__BACKGROUND };
	static const uint8_t high_first[WEFT__CLASSES] = { WEFT__HIGH, WEFT__SYSTEM, WEFT__NORMAL, WEFT__BACKGROUND };
	static const uint8_t normal_first[WEFT__CLASSES] = { WEFT__NORMAL, WEFT__SYSTEM, WEFT__HIGH, WEFT__BACKGROUND };
	static const uint8_t background_first[WEFT__CLASSES] = { WEFT__BACKGROUND, WEFT__SYSTEM, WEFT__HIGH, WEFT__NORMAL };
	uint32_t turn = ++w->class_turns;

	if (turn % WEFT__BACKGROUND_EVERY == 0)
		return first_of(w, background_first);
	if (turn % WEFT__NORMAL_EVERY == 0)
		return first_of(w, normal_first);
	return first_of(w, turn % WEFT__HIGH_EVERY == 0 ? high_first : by_priority);
}

struct weft__task *weft__next_task(struct weft__worker *w)
{
	if (__builtin_expect(weft__load_relaxed(&w->classes_ready), 0)) /* relaxed: single writer */
		return next_by_class(w);
	return next_normal(w);
}

static void take_injected(struct weft__worker *w)
{
	ck_stack_entry_t *entry = weft__inject_take_all(&w->inject);

	while (entry) {
		struct weft__task *task = (struct weft__task *)((char *)entry - offsetof(struct weft__task, link));

		entry = entry->next;
		weft__schedule_arrived(w, task);
	}
	entry = weft__inject_take_all(&w->inject_pinned);
	while (entry) {
		struct weft__task *task = (struct weft__task *)((char *)entry - offsetof(struct weft__task, link));

		entry = entry->next;
		weft__schedule_pinned(w, task);
	}
	entry = weft__inject_take_all(&w->inject_timers);
	if (entry)
		w->sched->hooks->timers(w, entry);
}

static void timer_due(struct weft__timer *timer, void *user)
{
	struct weft__worker *w = user;

	w->sched->hooks->timer_due(w, timer);
}

static void run_timers(struct weft__worker *w, uint64_t now)
{
	if (now < w->wheel_due_ns)
		return;
	weft__wheel_advance(w->wheel, now, TIMERS_MAX, timer_due, w);
	w->wheel_due_ns = UINT64_MAX;
	{
		uint64_t in_ns = weft__wheel_next_ns(w->wheel, now);

		if (in_ns != UINT64_MAX)
			w->wheel_due_ns = now + in_ns;
	}
}

/*
 * Is there an actor that never ran, for so long that others could help? What it will spawn is
 * not known, so how many there are says nothing; a batch that comes and goes is done sooner alone.
 */
static bool grows(struct weft__worker *w, uint64_t now)
{
	uint64_t wake_ns = weft__load_relaxed(&w->sched->wake_ns); /* relaxed: a measure */
	uint64_t patience = wake_ns > 2 * w->sched->steal_delay_ns ? wake_ns : 2 * w->sched->steal_delay_ns;

	return weft__deque_depth(&w->fresh) && now - w->oldest_since_ns > patience;
}

static uint32_t classes_depth(const struct weft__worker *w)
{
	uint32_t depth = 0;

	for (uint32_t class = 0; weft__load_relaxed(&w->classes_ready) && class < WEFT__CLASSES; class++) /* relaxed: a hint */
		depth += weft__runq_stealable(&w->classes[class]);
	return depth;
}

/* Is the run queue worth a sleeper's wake-up? */
static bool is_backlog(struct weft__worker *w, uint64_t turn_ns)
{
	uint64_t ns = (weft__runq_stealable(&w->runq) + classes_depth(w)) * turn_ns, wake_ns = weft__load_relaxed(&w->sched->wake_ns); /* relaxed: a measure */

	return ns > wake_ns && (!weft__is_fine(w) || ns > WEFT__FINE_BACKLOG_NS);
}

/* A moving average of four. For the worker itself, read by others. */
static uint64_t average(_Atomic(uint64_t) *mean, uint64_t now)
{
	uint64_t ns = (weft__load_relaxed(mean) + 3 * now) / 4; /* relaxed: single writer, a measure */

	weft__store_relaxed(mean, ns);
	return ns;
}

static uint32_t budget_of(const struct weft__sched *s, uint64_t msg_ns)
{
	if (__builtin_expect(msg_ns <= s->long_msg_ns, 1))
		return s->budget_msgs;
	return msg_ns < WEFT__ACTIVATION_NS ? (uint32_t)(WEFT__ACTIVATION_NS / msg_ns) : 1;
}

/* Has the same one been the oldest that never ran for too long? */
static void look_at_oldest(struct weft__worker *w, uint64_t now)
{
	uint32_t top = weft__load_relaxed(&w->fresh.top); /* relaxed: a hint */

	if (top != w->oldest_top || !weft__deque_depth(&w->fresh)) {
		w->oldest_top = top;
		w->oldest_since_ns = now;
	} else if (now - w->oldest_since_ns > WEFT__OLDEST_NS) {
		w->oldest_since_ns = now;
		w->oldest_due = true;
	}
}

/*
 * How long turns and messages take decides three things: after how many turns to look again,
 * how many messages an activation handles, and whether what waits here is worth a sleeper's wake-up. A wake-up costs both
 * sides about wake_ns; a backlog of less than that is done sooner alone.
 */
static void measure_and_balance(struct weft__worker *w, uint64_t now)
{
	struct weft__sched *s = w->sched;
	uint64_t turns = w->check_turns ? w->check_turns : 1;
	uint64_t took = now - weft__load_relaxed(&w->check_ns);   /* relaxed: single writer, as all here */
	uint64_t handled = weft__load_relaxed(&w->count.handled), msgs = handled - w->check_handled;
	uint64_t turn_ns = weft__load_relaxed(&w->turn_ns);

	if (w->check_turns) {
		turn_ns = average(&w->turn_ns, took / turns);
		w->budget = budget_of(s, average(&w->msg_ns, msgs ? took / msgs : took));
	}
	w->check_handled = handled;
	weft__store_relaxed(&w->check_ns, now); /* relaxed: a measure */
	if (turn_ns * 2 * turns < CHECK_NS)
		turns *= 2;
	else
		turns = CHECK_NS / (turn_ns + 1);
	w->check_turns = turns < 1 ? 1 : turns > WEFT__CHECK_TURNS_MAX ? WEFT__CHECK_TURNS_MAX : (uint32_t)turns;

	/* relaxed: a hint, looked at again soon */
	if (!weft__load_relaxed(&s->sleepers) || weft__load_relaxed(&s->searching))
		return;
	if (is_backlog(w, turn_ns) || grows(w, now))
		weft__wake_one(s);
}

static void check_deadline(struct weft__worker *w, uint64_t now)
{
	struct weft__sched *s = w->sched;
	uint32_t phase = WEFT__PHASE_DRAIN;

	if (now < weft__load_relaxed(&s->deadline_ns)) /* relaxed: set before the phase, T1; a sooner one is seen later */
		return;
	if (weft__cas_seq_cst(&s->phase, &phase, (uint32_t)WEFT__PHASE_HALT)) /* T2, and D1 for wake_all */
		weft__wake_all(s);
}

/* Time the turn that comes next, and send out a probe; meter.h says why now. */
static void take_samples(struct weft__worker *w, uint64_t now)
{
	bool due = w->turn_from; /* that turn has not come yet */

	if (w->meter && ++w->looks % WEFT__METER_LOOKS == 0 && now >= w->meter_after_ns)
		due = w->probe_due = true;
	if (!due)
		return;
	w->turns_to_check = 1;
	w->turn_from = weft_ticks();
}

static void turn_timed(struct weft__worker *w)
{
	uint64_t turns = weft__load_relaxed(&w->turns); /* relaxed: single writer */

	weft__meter_turn(w->meter, w->turn_from, turns - w->turns_timed);
	w->turn_from = 0;
	w->turns_timed = turns;
}

/*
 * Give the loop a turn. With tasks waiting, only when it is known to have something, or each so often: a connection that is idle
 * would cost a system call each time where the back end cannot tell.
 */
static void look_at_loop(struct weft__worker *w, uint64_t now, bool busy)
{
	if (busy && now - w->loop_ns < LOOP_NS && !weft__loop_peek(w->loop))
		return;
	w->loop_ns = now;
	if (weft__loop_has_work(w->loop))
		w->io_ran = weft__loop_wait(w->loop, 0) > 0;
}

static void check(struct weft__worker *w, bool busy)
{
	uint64_t now;

	weft__sim_point();
	now = weft_now_ns();
	if (!w->guest) {
		take_injected(w);
		run_timers(w, now);
		look_at_loop(w, now, busy);
		/* T1 acquire: the deadline that was set before the phase */
		if (__builtin_expect(weft__load_acquire(&w->sched->phase) == WEFT__PHASE_DRAIN, 0))
			check_deadline(w, now);
	}
	if (now - w->rescue_ns > RESCUE_NS) {
		w->rescue_ns = now;
		w->sched->hooks->rescue(w);
		weft__help_stuck(w, now);
	}
	look_at_oldest(w, now);
	measure_and_balance(w, now);
	w->turns_to_check = w->check_turns;
	take_samples(w, now);
}

void weft__worker_check(struct weft__worker *w)
{
	check(w, false);
}

void weft__turns_over(struct weft__worker *w)
{
	if (w->turn_from) {
		turn_timed(w);
		if (w->check_turns > 1) {
			w->turns_to_check = w->check_turns - 1;
			return;
		}
	}
	check(w, true);
}

void weft__load_unknown(struct weft__worker *w)
{
	w->check_turns = 0;
	w->turns_to_check = 1;
	if (w->budget > BUDGET_UNKNOWN)
		w->budget = BUDGET_UNKNOWN;
	weft__turn_later(w);
	weft__store_relaxed(&w->check_ns, weft_now_ns()); /* relaxed: a measure */
}

/*
 * Did the loop run something, and nothing came of it for actors? Then what comes next comes from there as well: no search, which
 * would spin while it lies in the kernel. To sleep hands over what was submitted in the same call, so mostly there is not even a
 * look around.
 */
static bool is_all_io(struct weft__worker *w)
{
	if (!w->io_ran)
		return false;
	w->io_ran = false;
	return true;
}

static bool is_check_due(const struct weft__worker *w)
{
	uint64_t now = weft_now_ns();

	return now >= w->wheel_due_ns || now - w->rescue_ns > RESCUE_NS;
}

static struct weft__task *find_task(struct weft__worker *w)
{
	struct weft__task *task = weft__next_task(w);
	bool all_io;

	if (__builtin_expect(task != NULL, 1))
		return task;
	all_io = is_all_io(w);
	if (all_io && ++w->io_turns % IO_TURNS_MAX && !is_check_due(w))
		return NULL;
	weft__worker_check(w);
	task = weft__next_task(w);
	if (task)
		return task;
	if (all_io || w->io_ran)
		return NULL;
	task = weft__search(w, NULL, NULL);
	weft__load_unknown(w);
	return task ? task : weft__next_task(w);
}

/* Called in order to search, but there was work of its own: somebody else may search. */
static void stop_searching(struct weft__worker *w)
{
	w->searcher = false;
	weft__store_release(&w->sched->searching, 0u);
}

/* It slept, and has found something to do. */
static void back_to_work(struct weft__worker *w)
{
	w->rested = false;
	if (w->searcher)
		stop_searching(w);
	weft__watch_pass(w);
}

/* There is no work: sleep, or poll. A runtime that stops is done when all sleep. */
static void rest(struct weft__worker *w)
{
	/* relaxed: a late look costs a round */
	if (__builtin_expect(w->sched->busy_poll, 0) && weft__load_relaxed(&w->sched->phase) == WEFT__PHASE_RUN) {
		weft__cpu_relax();
		return;
	}
	weft__park(w);
	weft__turn_later(w);
}

void weft__worker_loop(struct weft__worker *w)
{
	weft__load_unknown(w);
	/* acquire: what the halting thread wrote before the phase */
	while (weft__load_acquire(&w->sched->phase) != WEFT__PHASE_HALT) {
		struct weft__task *task = find_task(w);

		if (!task) {
			rest(w);
			continue;
		}
		if (__builtin_expect(w->rested, 0))
			back_to_work(w);
		weft__run_task(w, task);
	}
}
