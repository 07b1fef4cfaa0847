/* SPDX-License-Identifier: Apache-2.0 */
/*
 * runtime/sched/sched.c - the life of the workers: make, start, stop, join, free.
 *
 * Stop is two steps. DRAIN: workers go on until nothing is left to do or the
 * deadline passes. HALT: every worker leaves its loop; the last one to leave, when
 * no guest runs tasks any more, ends what is left (hooks->halted) alone. Phases
 * only grow.
 *
 *     stop                    worker                    last worker out        guest
 *     deadline   (T1)         phase == DRAIN? (T1)      phase = HALT   (T2)    active = 1     (T3)
 *     phase = DRAIN           then the deadline         look at active (T3)    look at phase
 *
 * T1 release, acquire: an old deadline would be no deadline, and end work that has time left. T2, T3:
 * store here, load there, so seq_cst: one of the two sees the other, or a guest would run actors
 * while the last worker ends them.
 *
 * Tests: tests/model/test_stop.c, tests/stress/test_actors.c, tests/api/test_runtime.c.
 */
#include "runtime/sched/worker.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <weft/alloc.h>

#include "runtime/base/clock.h"

#define SPIN_NS_DEFAULT 20000u
#define STEAL_DELAY_NS_DEFAULT 10000u
#define WAKE_NS_FIRST 20000u /* until the first one is measured */
#define BUDGET_DEFAULT 64u
#define GUESTS_DEFAULT 4u
#define FLIGHT_DEFAULT 1024u
#define FLIGHT_MOST (1u << 24)

static_assert(WEFT__WORKERS_MAX + WEFT__GUESTS_MAX <= WEFT__FLIGHT_LANES_MAX, "a recorder for each");

static int worker_init(struct weft__worker *w, struct weft__sched *s, uint32_t id)
{
	memset(w, 0, sizeof(*w));
	w->sched = s;
	w->rt = s->rt;
	w->id = id;
	w->guest = id >= s->worker_count;
	w->cpu = -1;
	w->wheel_due_ns = UINT64_MAX;
	w->budget = s->budget_msgs;
	w->flight = s->flights ? &s->flights[id] : NULL;
	w->meter = s->meters ? &s->meters[id] : NULL;
	w->meter_after_ns = weft_now_ns() + WEFT__METER_AFTER_NS;
	weft__rng_seed(&w->rng, weft__entropy());
	weft__deque_init(&w->fresh);
	weft__runq_init(&w->runq);
	for (uint32_t class = 0; class < WEFT__CLASSES; class++)
		weft__runq_init(&w->classes[class]);
	weft__inject_init(&w->inject);
	weft__inject_init(&w->inject_pinned);
	weft__inject_init(&w->inject_timers);
	if (w->guest)
		return 0;
	w->wheel = weft_calloc(1, sizeof(*w->wheel));
	if (!w->wheel)
		return -ENOMEM;
	weft__wheel_init(w->wheel, weft_now_ns());
	return 0;
}

/* What is kept of each lane beside its worker. 0 or -ENOMEM. */
static int observers_init(struct weft__sched *s, const weft_runtime_options *opt)
{
	uint32_t lanes = s->worker_count + s->guest_count;
	int r = 0;

	if (opt->flight_events != WEFT_FLIGHT_OFF)
		r = weft__flights_create(lanes, opt->flight_events ? opt->flight_events : FLIGHT_DEFAULT, &s->flights);
	if (r < 0 || opt->metrics == WEFT_METRICS_OFF)
		return r;
	s->meters = weft_malloc((lanes + 1) * sizeof(*s->meters));
	if (!s->meters)
		return -ENOMEM;
	for (uint32_t i = 0; i <= lanes; i++)
		weft__meter_init(&s->meters[i]);
	return 0;
}

static void pin_workers(struct weft__sched *s, uint32_t pin, const int *cpus, uint32_t cpu_count)
{
	if (pin == WEFT_PIN_OFF || !cpu_count)
		return;
	if (pin == WEFT_PIN_AUTO && s->worker_count != cpu_count)
		return;
	for (uint32_t i = 0; i < s->worker_count; i++)
		s->workers[i].cpu = cpus[i % cpu_count];
}

/*
 * Where pinned workers are, unless all are as far from each other: then nobody need look. Without memory they are taken as
 * if they were.
 */
static void places_find(struct weft__sched *s)
{
	bool differ = false;

	if (s->worker_count < 3 || s->workers[0].cpu < 0 || weft__sim_is_on())
		return;
	s->places = weft_calloc(s->worker_count, sizeof(*s->places));
	for (uint32_t i = 0; s->places && i < s->worker_count; i++)
		s->places[i] = weft__place_of("/sys", s->workers[i].cpu);
	for (uint32_t i = 0; s->places && i < s->worker_count; i++) {
		for (uint32_t j = 0; j < i; j++)
			differ |= weft__distance(s->places[i], s->places[j]) != weft__distance(s->places[0], s->places[1]);
	}
	if (differ)
		return;
	weft_free(s->places);
	s->places = NULL;
}

static int check_options(const weft_runtime_options *opt)
{
	WEFT_RETURN_IF(opt->workers > WEFT__WORKERS_MAX, -EINVAL);
	WEFT_RETURN_IF(opt->guests_max > WEFT__GUESTS_MAX, -EINVAL);
	WEFT_RETURN_IF(opt->pin > WEFT_PIN_ON, -EINVAL);
	WEFT_RETURN_IF(opt->busy_poll > 1, -EINVAL);
	WEFT_RETURN_IF(opt->io > WEFT_IO_EPOLL, -EINVAL);
	WEFT_RETURN_IF(opt->metrics > WEFT_METRICS_OFF || opt->trace > 1, -EINVAL);
	WEFT_RETURN_IF(opt->flight_events != WEFT_FLIGHT_OFF && opt->flight_events > FLIGHT_MOST, -EINVAL);
	WEFT_RETURN_IF(opt->flight_events != WEFT_FLIGHT_OFF && opt->flight_events & (opt->flight_events - 1), -EINVAL);
	return 0;
}

int weft__sched_init(struct weft__sched *s, struct weft_runtime *rt, const struct weft__sched_hooks *hooks,
                     const weft_runtime_options *opt)
{
	int cpus[WEFT__WORKERS_MAX];
	uint32_t cpu_count = weft__cpus_usable(cpus, WEFT__WORKERS_MAX);
	size_t bytes;
	int r = check_options(opt);

	if (r < 0)
		return r;
	weft__sim_local(&weft__self, sizeof(weft__self));
	weft__bias_init();
	s->rt = rt;
	s->hooks = hooks;
	s->worker_count = opt->workers ? opt->workers : cpu_count;
	s->guest_count = opt->guests_max ? opt->guests_max : GUESTS_DEFAULT;
	s->budget_msgs = opt->budget_msgs ? opt->budget_msgs : BUDGET_DEFAULT;
	s->long_msg_ns = WEFT__ACTIVATION_NS / s->budget_msgs;
	/* On one CPU, too, when there are several workers: who never looks around never helps one that blocks. */
	s->spin_ns = opt->spin_ns ? opt->spin_ns : cpu_count > 1 || s->worker_count > 1 ? SPIN_NS_DEFAULT : 0;
	s->steal_delay_ns = opt->steal_delay_ns ? opt->steal_delay_ns : STEAL_DELAY_NS_DEFAULT;
	weft__store_relaxed(&s->wake_ns, WAKE_NS_FIRST); /* relaxed: not shared yet */
	weft__watch_found(s);
	s->io_backend = opt->io;
	s->busy_poll = opt->busy_poll;
	bytes = (size_t)(s->worker_count + s->guest_count) * sizeof(*s->workers);
	s->workers = weft_aligned_alloc(WEFT_CACHELINE, (bytes + WEFT_CACHELINE - 1) & ~(size_t)(WEFT_CACHELINE - 1));
	if (!s->workers)
		return -ENOMEM;
	memset(s->workers, 0, bytes);
	r = observers_init(s, opt);
	for (uint32_t i = 0; r == 0 && i < s->worker_count + s->guest_count; i++) {
		r = worker_init(&s->workers[i], s, i);
		s->workers[i].traced = opt->trace && s->flights;
	}
	if (r < 0) {
		weft__sched_fini(s);
		return r;
	}
	pin_workers(s, opt->pin, cpus, cpu_count);
	places_find(s);
	return 0;
}

void weft__sched_fini(struct weft__sched *s)
{
	if (!s->workers)
		return;
	for (uint32_t i = 0; i < s->worker_count + s->guest_count; i++) {
		struct weft__worker *w = &s->workers[i];

		weft__loop_close(w->loop);
		weft__msgcache_drain(&w->cache);
		weft_free(w->wheel);
	}
	weft__flights_destroy(s->flights);
	weft_free(s->meters);
	weft_free(s->places);
	weft_free(s->workers);
	s->places = NULL;
	s->meters = NULL;
	s->flights = NULL;
	s->workers = NULL;
}

static void pin_self(struct weft__worker *w)
{
	cpu_set_t set;

	if (w->cpu < 0)
		return;
	CPU_ZERO(&set);
	CPU_SET((size_t)w->cpu, &set);
	if (pthread_setaffinity_np(pthread_self(), sizeof(set), &set) != 0)
		weft__log(&w->sched->log, WEFT_LOG_WARN, "worker %u: cannot pin to cpu %d", w->id, w->cpu);
}

/* Tell weft__sched_start how opening the loop went. */
static void report_open(struct weft__worker *w, int status, const char *why)
{
	struct weft__sched *s = w->sched;

	w->open_status = status;
	w->open_why = why;
	weft__fetch_add_acq_rel(&s->opened, 1u); /* release: the two above, to wait_opened */
	weft__word_wake(&s->opened);
}

/* The last worker out ends what is left, when no guest runs a task any more. */
static void leave(struct weft__worker *w)
{
	struct weft__sched *s = w->sched;

	if (weft__fetch_add_acq_rel(&s->halted_count, 1u) + 1 != s->worker_count)
		return;
	for (uint32_t i = s->worker_count; i < s->worker_count + s->guest_count; i++) {
		/* T3 seq_cst: against a guest that sets active, then looks at the phase, which was set before (T2) */
		while (weft__load_seq_cst(&s->workers[i].active))
			weft__thread_yield();
	}
	s->hooks->halted(s->rt);
}

/* Workers that got no thread leave, too, or nobody would be the last. */
static void leave_unmade(struct weft__sched *s)
{
	struct weft__worker *self = weft__self;

	for (uint32_t i = s->threads_started; i < s->worker_count; i++) {
		weft__self = &s->workers[i];
		leave(weft__self);
	}
	weft__self = self;
}

static void *worker_main(void *arg)
{
	struct weft__worker *w = arg;
	const char *why = "";
	int r;

	pin_self(w);
	weft__self = w;
	r = weft__loop_open((weft_io_backend)w->sched->io_backend, &w->loop, &why);
	report_open(w, r, why);
	if (r == 0) {
		weft__loop_set_log(w->loop, &w->sched->log);
		weft__worker_loop(w);
		/*
		 * What lives on the loop ends while this is a worker still: the last one out sweeps all queues. It is
		 * closed by weft__sched_fini, for another thread may be in the middle of a wake or a post.
		 */
		weft__loop_retire(w->loop);
	}
	leave(w);
	w->sched->hooks->thread_end(w);
	weft__self = NULL;
	return NULL;
}

static int wait_opened(struct weft__sched *s)
{
	uint32_t opened;
	int r = 0;

	/* acquire: what report_open left */
	while ((opened = weft__load_acquire(&s->opened)) < s->threads_started)
		weft__word_wait(&s->opened, opened, UINT64_MAX);
	for (uint32_t i = 0; i < s->threads_started; i++) {
		struct weft__worker *w = &s->workers[i];

		if (w->open_status < 0) {
			r = w->open_status;
		} else {
			s->io_name = weft__loop_name(w->loop);
			s->io_why = w->open_why;
		}
	}
	return r;
}

int weft__sched_start(struct weft__sched *s)
{
	int r = 0;

	if (s->started)
		return -EALREADY;
	s->started = true;
	s->threads_started = s->worker_count;
	for (uint32_t i = 0; i < s->worker_count; i++) {
		char name[16];

		snprintf(name, sizeof(name), "weft/%u", i);
		r = weft__thread_start(name, worker_main, &s->workers[i], &s->workers[i].thread);
		if (r < 0) {
			s->threads_started = i;
			break;
		}
	}
	if (s->threads_started) {
		int opened = wait_opened(s);

		r = r < 0 ? r : opened;
	}
	if (r < 0) {
		weft__sched_stop(s, 0);
		leave_unmade(s);
		weft__sched_join(s);
		return r;
	}
	weft__log(&s->log, WEFT_LOG_INFO, "weft: %u workers, I/O by %s (%s)", s->worker_count, s->io_name, s->io_why);
	return 0;
}

void weft__sched_stop(struct weft__sched *s, uint64_t deadline_ns)
{
	uint32_t run = WEFT__PHASE_RUN;
	uint64_t old = weft__load_acquire(&s->deadline_ns);

	while (!old || deadline_ns < old) {
		if (weft__cas_acq_rel(&s->deadline_ns, &old, deadline_ns ? deadline_ns : 1))
			break;
	}
	weft__cas_seq_cst(&s->phase, &run, (uint32_t)WEFT__PHASE_DRAIN); /* T1 release: the deadline; D1 for wake_all */
	weft__wake_all(s); /* nobody sleeps who was not started */
}

enum { NOT_YET = 0, JOINING, JOINED };

/* The first one joins the threads, which may be done once; the others wait for it. */
int weft__sched_join(struct weft__sched *s)
{
	uint32_t joined = NOT_YET;

	if (weft__cas_acq_rel(&s->joined, &joined, (uint32_t)JOINING)) {
		for (uint32_t i = 0; i < s->threads_started; i++)
			weft__thread_join(s->workers[i].thread);
		weft__store_release(&s->joined, (uint32_t)JOINED); /* all that the workers did, to who sees it */
		weft__word_wake(&s->joined);
	}
	while (weft__load_acquire(&s->joined) == JOINING)
		weft__word_wait(&s->joined, JOINING, UINT64_MAX);
	return weft__load_acquire(&s->drained) ? 0 : -ETIMEDOUT;
}
