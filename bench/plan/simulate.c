/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench/plan/simulate.c - how millions of agents go through in seconds.
 *
 *   served    a heap of four children, of what runs on a core right now: few, however many agents there are
 *   waiting   two rings: waits of a kind are as long as each other, so who begins first ends first, and needs no heap
 *   in line   a list through the agents, one a machine
 *   arrivals  one number: when the next one comes
 *
 * So an event costs the logarithm of the busy cores, not of the agents. A machine that fails leaves entries behind;
 * a generation in each tells that its agent has begun anew.
 */
#include "bench/plan/simulate.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "bench/stat/random.h"

#define NONE UINT32_MAX
#define WARM 10u /* a tenth of the agents */

struct agent { /* 40 bytes */
	double due;   /* when it came */
	double since; /* when its burst came into line */
	uint32_t next; /* in line, or free */
	uint32_t machine;
	uint32_t generation;
	uint32_t left; /* bursts */
	bool counts;
};

struct entry {
	double at;
	uint32_t agent, generation;
};

struct ring { /* ascending */
	struct entry *of; /* owned; size is a power of two */
	uint64_t head, tail;
	uint64_t size;
};

struct machine {
	uint32_t busy, under_way, under_way_max;
	uint32_t first, last; /* in line */
	uint32_t place;       /* in `order` */
	bool dead;
};

struct sim {
	const struct sim_ask *ask;
	struct bench_random random;
	struct agent *agents; /* owned */
	uint32_t agent_room, free;
	struct entry *heap;   /* owned */
	uint32_t heap_count, heap_room;
	struct ring waits[2];
	struct machine *machines; /* owned */
	uint32_t *order;          /* machines by agents under way, SIM_LEAST alone; owned */
	uint32_t *begins;         /* of those with so many, in order; owned */
	uint32_t begins_room, alive;
	double now, next_arrival, last_arrival, warm_at;
	uint64_t arrived, under_way, busy, counted_arrivals;
	double busy_area, under_way_area, added_sum, wait_sum, stay_sum, alive_area;
	uint64_t waits_counted, counted;
	weft_histogram *added, *in_line;
	struct sim_answer answer;
	int error;
};

/* ---- what waits ------------------------------------------------------------------------------- */

static void heap_push(struct sim *s, struct entry e)
{
	uint32_t i = s->heap_count;

	if (i == s->heap_room) {
		s->error = -EOVERFLOW; /* as many as there are cores: cannot be */
		return;
	}
	s->heap_count++;
	while (i > 0 && s->heap[(i - 1) / 4].at > e.at) {
		s->heap[i] = s->heap[(i - 1) / 4];
		i = (i - 1) / 4;
	}
	s->heap[i] = e;
}

static struct entry heap_pop(struct sim *s)
{
	struct entry top = s->heap[0], last = s->heap[--s->heap_count];
	uint32_t i = 0, n = s->heap_count;

	for (;;) {
		uint32_t child = 4 * i + 1, least = child;

		if (child >= n)
			break;
		for (uint32_t k = child + 1; k < child + 4 && k < n; k++)
			if (s->heap[k].at < s->heap[least].at)
				least = k;
		if (s->heap[least].at >= last.at)
			break;
		s->heap[i] = s->heap[least];
		i = least;
	}
	s->heap[i] = last;
	return top;
}

static void ring_push(struct sim *s, struct ring *r, struct entry e)
{
	if (r->tail - r->head == r->size) {
		uint64_t size = r->size ? 2 * r->size : 1024;
		struct entry *of = malloc(size * sizeof(*of));

		if (!of) {
			s->error = -ENOMEM;
			return;
		}
		for (uint64_t i = r->head; i < r->tail; i++)
			of[i & (size - 1)] = r->of[i & (r->size - 1)];
		free(r->of);
		r->of = of;
		r->size = size;
	}
	r->of[r->tail++ & (r->size - 1)] = e;
}

static double ring_next(const struct ring *r)
{
	return r->head < r->tail ? r->of[r->head & (r->size - 1)].at : INFINITY;
}

static uint32_t agent_take(struct sim *s)
{
	uint32_t i = s->free;

	if (i == NONE) {
		uint32_t room = s->agent_room ? 2 * s->agent_room : 4096;
		struct agent *agents;

		if (s->agent_room >= SIM_UNDER_WAY_MAX) {
			s->error = -EOVERFLOW;
			return NONE;
		}
		agents = realloc(s->agents, room * sizeof(*agents));
		if (!agents) {
			s->error = -ENOMEM;
			return NONE;
		}
		for (uint32_t k = s->agent_room; k < room; k++)
			agents[k] = (struct agent){ .next = k + 1 < room ? k + 1 : NONE, .machine = NONE };
		i = s->agent_room;
		s->agents = agents;
		s->agent_room = room;
	}
	s->free = s->agents[i].next;
	return i;
}

/* ---- the balancer ---------------------------------------------------------------------------------- */

/*
 * Machines stand in order of agents under way, and begins[n] is the place of the first with at least n: one more or one less
 * exchanges a machine with the last or the first of its equals.
 */
static void order_move(struct sim *s, uint32_t machine, int by)
{
	struct machine *m = &s->machines[machine];
	uint32_t n = m->under_way, other, place;

	if (n + 2 >= s->begins_room) {
		uint32_t room = 2 * (n + 2), *begins = realloc(s->begins, room * sizeof(*begins));

		if (!begins) {
			s->error = -ENOMEM;
			return;
		}
		for (uint32_t i = s->begins_room; i < room; i++)
			begins[i] = s->alive;
		s->begins = begins;
		s->begins_room = room;
	}
	place = by > 0 ? s->begins[n + 1] - 1 : s->begins[n];
	other = s->order[place];
	s->order[m->place] = other;
	s->machines[other].place = m->place;
	s->order[place] = machine;
	m->place = place;
	if (by > 0)
		s->begins[n + 1]--;
	else
		s->begins[n]++;
}

static void order_make(struct sim *s)
{
	uint32_t alive = 0, most = 0;

	for (uint32_t i = 0; i < s->ask->machines; i++)
		if (!s->machines[i].dead && s->machines[i].under_way > most)
			most = s->machines[i].under_way;
	s->begins_room = most + 2;
	free(s->begins);
	s->begins = malloc(s->begins_room * sizeof(*s->begins));
	if (!s->begins) {
		s->error = -ENOMEM;
		return;
	}
	for (uint32_t n = 0; n <= most; n++) { /* once, and once a failure */
		s->begins[n] = alive;
		for (uint32_t i = 0; i < s->ask->machines; i++)
			if (!s->machines[i].dead && s->machines[i].under_way == n) {
				s->machines[i].place = alive;
				s->order[alive++] = i;
			}
	}
	s->begins[most + 1] = alive;
}

static void under_way_add(struct sim *s, uint32_t machine, int by)
{
	struct machine *m = &s->machines[machine];

	if (s->ask->balance == SIM_LEAST && !m->dead)
		order_move(s, machine, by);
	m->under_way += (uint32_t)by;
	if (m->under_way > m->under_way_max)
		m->under_way_max = m->under_way;
}

static uint32_t any_alive(struct sim *s)
{
	uint32_t i;

	do {
		i = bench_random_below(&s->random, s->ask->machines);
	} while (s->machines[i].dead);
	return i;
}

static uint32_t choose(struct sim *s)
{
	uint32_t a, b;

	if (s->ask->balance == SIM_LEAST) /* any of those with the fewest */
		return s->order[bench_random_below(&s->random, s->begins[s->machines[s->order[0]].under_way + 1])];
	a = any_alive(s);
	if (s->ask->balance == SIM_RANDOM)
		return a;
	b = any_alive(s);
	return s->machines[b].under_way < s->machines[a].under_way ? b : a;
}

/* ---- what happens ------------------------------------------------------------------------------------- */

/* Of the mean and the variation that were asked for: constant, sums of exponentials, or two of them mixed. */
static double service(struct sim *s)
{
	double mean = s->ask->service_s, cs2 = s->ask->cs2, p, sum = 0;

	if (cs2 <= 0)
		return mean;
	if (cs2 == 1)
		return bench_random_exponential(&s->random, mean);
	if (cs2 < 1) {
		double k = ceil(1 / cs2), q = (k * cs2 - sqrt(k * (1 + cs2) - k * k * cs2)) / (1 + cs2); /* Tijms: k - 1 phases, or k */
		double phases = k - (bench_random_unit(&s->random) <= q), phase = mean / (k - q);

		for (double i = 0; i < phases; i++)
			sum += bench_random_exponential(&s->random, phase);
		return sum;
	}
	p = 0.5 * (1 + sqrt((cs2 - 1) / (cs2 + 1))); /* balanced means */
	p = bench_random_unit(&s->random) <= p ? p : 1 - p;
	return bench_random_exponential(&s->random, mean / (2 * p));
}

static void serve(struct sim *s, uint32_t i)
{
	struct agent *a = &s->agents[i];
	double waited = s->now - a->since;

	if (a->counts) {
		s->wait_sum += waited;
		s->waits_counted++;
		weft_histogram_record(s->in_line, (uint64_t)(waited * 1e9));
	}
	heap_push(s, (struct entry){ s->now + service(s), i, a->generation });
}

static void line_up(struct sim *s, uint32_t i)
{
	struct agent *a = &s->agents[i];
	struct machine *m = &s->machines[a->machine];

	a->since = s->now;
	if (m->busy < s->ask->cores) {
		m->busy++;
		s->busy++;
		serve(s, i);
		return;
	}
	a->next = NONE;
	if (m->first == NONE)
		m->first = i;
	else
		s->agents[m->last].next = i;
	m->last = i;
}

static void place(struct sim *s, uint32_t i)
{
	struct agent *a = &s->agents[i];

	a->machine = choose(s);
	a->left = s->ask->bursts;
	under_way_add(s, a->machine, 1);
	line_up(s, i);
}

static void arrive(struct sim *s)
{
	uint32_t i = agent_take(s);

	if (i == NONE)
		return;
	if (s->arrived == s->ask->agents / WARM)
		s->warm_at = s->now;
	s->agents[i].due = s->last_arrival = s->now;
	s->agents[i].counts = s->arrived >= s->ask->agents / WARM;
	s->counted_arrivals += s->agents[i].counts;
	s->arrived++;
	s->under_way++;
	if ((double)s->under_way > s->answer.under_way_max)
		s->answer.under_way_max = (double)s->under_way;
	place(s, i);
}

static void finish(struct sim *s, uint32_t i)
{
	struct agent *a = &s->agents[i];
	uint32_t first_waits = s->ask->bursts / 2, second_waits = (s->ask->bursts - 1) / 2;
	double stay = s->now - a->due, added = stay - first_waits * s->ask->wait_s[0] - second_waits * s->ask->wait_s[1];

	under_way_add(s, a->machine, -1);
	if (a->counts) {
		s->counted++;
		s->stay_sum += stay;
		s->added_sum += added;
		weft_histogram_record(s->added, added > 0 ? (uint64_t)(added * 1e9) : 0);
	}
	s->under_way--;
	s->answer.done++;
	a->machine = NONE;
	a->generation++;
	a->next = s->free;
	s->free = i;
}

static void served(struct sim *s, struct entry e)
{
	struct agent *a = &s->agents[e.agent];
	struct machine *m;

	if (a->generation != e.generation)
		return;
	m = &s->machines[a->machine];
	if (m->first != NONE) {
		uint32_t next = m->first;

		m->first = s->agents[next].next;
		serve(s, next);
	} else {
		m->busy--;
		s->busy--;
	}
	if (--a->left == 0) {
		finish(s, e.agent);
	} else {
		int which = (s->ask->bursts - a->left) % 2 ? 0 : 1; /* after the first burst the first wait */

		ring_push(s, &s->waits[which], (struct entry){ s->now + s->ask->wait_s[which], e.agent, a->generation });
	}
}

/* The first machines end; what was on them begins anew, late. */
static void fail(struct sim *s)
{
	for (uint32_t i = 0; i < s->ask->fail; i++) {
		struct machine *m = &s->machines[i];

		m->dead = true;
		s->busy -= m->busy;
		m->busy = m->under_way = 0;
		m->first = NONE;
	}
	s->alive -= s->ask->fail;
	if (s->ask->balance == SIM_LEAST)
		order_make(s);
	for (uint32_t i = 0; i < s->agent_room && !s->error; i++) {
		struct agent *a = &s->agents[i];

		if (a->machine == NONE || !s->machines[a->machine].dead)
			continue;
		a->generation++;
		s->answer.lost++;
		place(s, i);
	}
}

static void pass_time(struct sim *s, double to)
{
	double step = to - s->now;

	if (s->warm_at >= 0 && s->arrived < s->ask->agents) { /* between warm-up and the last arrival */
		s->busy_area += step * (double)s->busy;
		s->under_way_area += step * (double)s->under_way;
		s->alive_area += step * s->alive;
	}
	s->now = to;
}

static bool step(struct sim *s, double *fail_at)
{
	double at[4] = { s->arrived < s->ask->agents ? s->next_arrival : INFINITY, s->heap_count ? s->heap[0].at : INFINITY, ring_next(&s->waits[0]),
		         ring_next(&s->waits[1]) };
	int first = 0;

	for (int i = 1; i < 4; i++)
		if (at[i] < at[first])
			first = i;
	if (isinf(at[first]))
		return false;
	s->answer.events++;
	if (*fail_at <= at[first]) {
		pass_time(s, fmax(*fail_at, s->now));
		*fail_at = INFINITY;
		fail(s);
		return true;
	}
	pass_time(s, at[first]);
	if (first == 0) {
		for (uint32_t i = 0; i < s->ask->at_once && s->arrived < s->ask->agents && !s->error; i++)
			arrive(s);
		s->next_arrival += bench_random_exponential(&s->random, s->ask->at_once / s->ask->rate);
	} else if (first == 1) {
		served(s, heap_pop(s));
	} else {
		struct ring *r = &s->waits[first - 2];
		struct entry e = r->of[r->head++ & (r->size - 1)];

		if (s->agents[e.agent].generation == e.generation)
			line_up(s, e.agent);
	}
	return true;
}

/* ---- from beginning to end --------------------------------------------------------------------------- */

static int check(const struct sim_ask *a, weft_error *err)
{
	if (a->machines < 1 || a->machines > SIM_MACHINES_MAX)
		return weft_error_set(err, -EINVAL, "machines: %u is not 1 to %u", a->machines, SIM_MACHINES_MAX);
	if (a->cores < 1 || a->cores > SIM_CORES_MAX)
		return weft_error_set(err, -EINVAL, "cores: %u is not 1 to %u", a->cores, SIM_CORES_MAX);
	if (a->agents < 1 || a->agents > SIM_AGENTS_MAX)
		return weft_error_set(err, -EINVAL, "agents: %llu is not 1 to %u", (unsigned long long)a->agents, SIM_AGENTS_MAX);
	if (a->bursts < 1 || a->bursts > SIM_BURSTS_MAX || a->at_once < 1 || a->at_once > 1000000)
		return weft_error_set(err, -EINVAL, "bursts: %u is not 1 to %u, or at once: %u is not 1 to 1000000", a->bursts, SIM_BURSTS_MAX, a->at_once);
	if (!(a->rate > 0) || !(a->service_s > 0) || !(a->cs2 >= 0 && a->cs2 <= 1000) || !(a->wait_s[0] >= 0) || !(a->wait_s[1] >= 0) || !isfinite(a->rate))
		return weft_error_set(err, -EINVAL, "rate %g, service %g s, variation %g or waits are out of range", a->rate, a->service_s, a->cs2);
	if (a->cs2 > 0 && a->cs2 < 0.01)
		return weft_error_set(err, -EINVAL, "variation: %g: 0, or at least 0.01", a->cs2);
	if (a->fail && a->fail >= a->machines)
		return weft_error_set(err, -EINVAL, "fail: %u of %u machines: one has to be left", a->fail, a->machines);
	return 0;
}

static int up(struct sim *s)
{
	uint32_t n = s->ask->machines;

	s->heap_room = 2 * n * s->ask->cores; /* and what machines that failed left behind */
	s->heap = malloc(s->heap_room * sizeof(*s->heap));
	s->machines = calloc(n, sizeof(*s->machines));
	s->order = calloc(n, sizeof(*s->order));
	if (!s->heap || !s->machines || !s->order || weft_histogram_create(&s->added) < 0 || weft_histogram_create(&s->in_line) < 0)
		return -ENOMEM;
	for (uint32_t i = 0; i < n; i++)
		s->machines[i].first = NONE;
	s->alive = n;
	order_make(s);
	return s->error;
}

static void sum_up(struct sim *s, uint64_t began_ns)
{
	struct sim_answer *a = &s->answer;
	double window = s->last_arrival - s->warm_at;
	static const double quantiles[SIM_QUANTILES] = { 0.5, 0.9, 0.99, 0.999 };
	uint32_t fullest = 0;

	for (uint32_t i = 0; i < s->ask->machines; i++)
		if (s->machines[i].under_way_max > fullest)
			fullest = s->machines[i].under_way_max;
	a->seconds = s->now;
	a->utilisation = s->alive_area > 0 ? s->busy_area / (s->alive_area * s->ask->cores) : 0;
	a->under_way_mean = window > 0 ? s->under_way_area / window : 0;
	a->rate = window > 0 ? (double)s->counted_arrivals / window : 0;
	a->wait_mean_ms = s->waits_counted ? s->wait_sum / (double)s->waits_counted * 1e3 : 0;
	a->added_mean_ms = s->counted ? s->added_sum / (double)s->counted * 1e3 : 0;
	a->stay_mean_s = s->counted ? s->stay_sum / (double)s->counted : 0;
	for (int q = 0; q < SIM_QUANTILES; q++) {
		a->wait_ms[q] = (double)weft_histogram_quantile(s->in_line, quantiles[q]) / 1e6;
		a->added_ms[q] = (double)weft_histogram_quantile(s->added, quantiles[q]) / 1e6;
	}
	a->added_max_ms = (double)weft_histogram_max(s->added) / 1e6;
	a->machine_under_way_max = fullest;
	a->machine_memory_gb = (s->ask->base_bytes + fullest * s->ask->bytes_per_agent) / 1073741824.0;
	a->memory_mb = ((double)s->agent_room * sizeof(struct agent) + (double)(s->waits[0].size + s->waits[1].size) * sizeof(struct entry) +
	                (double)s->heap_room * sizeof(struct entry)) / 1048576.0;
	a->wall_s = (double)(weft_now_ns() - began_ns) / 1e9;
}

int sim_run(const struct sim_ask *ask, struct sim_answer *ret, weft_error *err)
{
	struct sim s = { .ask = ask, .random = { ask->seed }, .free = NONE, .warm_at = -1 };
	double fail_at = ask->fail ? ask->fail_at_s : INFINITY;
	uint64_t began = weft_now_ns();
	int r = check(ask, err);

	if (r < 0)
		return r;
	r = up(&s);
	s.next_arrival = bench_random_exponential(&s.random, ask->at_once / ask->rate);
	while (r == 0 && s.error == 0 && step(&s, &fail_at))
		;
	r = r < 0 ? r : s.error;
	if (r == 0) {
		sum_up(&s, began);
		*ret = s.answer;
	} else {
		weft_error_set(err, r, r == -EOVERFLOW ? "more than %u agents are under way: the cluster is overloaded" : "%u agents at most: out of memory", SIM_UNDER_WAY_MAX);
	}
	free(s.agents);
	free(s.heap);
	free(s.waits[0].of);
	free(s.waits[1].of);
	free(s.machines);
	free(s.order);
	free(s.begins);
	weft_histogram_destroy(s.added);
	weft_histogram_destroy(s.in_line);
	return r;
}
