/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench/plan/point.c - a run in a process of its own: fresh memory, its processor time its own, and the endpoint of
 * the models in yet another process, whose work is not counted. A closed run is one point; an open one goes through
 * its loads, one after another, and each is a point.
 *
 * This process has no threads, so a fork without exec is enough; what was measured comes back through a pipe.
 */
#include <errno.h>
#include <math.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "bench/cores.h"
#include "bench/io/io.h"
#include "bench/plan/work.h"

#define CLOSED_S 10.0 /* how long a closed point may take to fill up, and to give enough agents */
#define ENDED_MIN 500u
#define DRAIN_S 20.0 /* how long after the window its agents may take beyond their waits */
#define TICK_MS 200

struct host {
	struct plan_work_set set;
	struct io_server servers[PLAN_SERVERS_MAX];
	const char *urls[PLAN_SERVERS_MAX];
	uint32_t server_count;
	cpu_set_t cores; /* that there are */
	weft_port *port;
	struct plan_driver_sum sums[PLAN_WORKERS_MAX];
	struct plan_phase phases[PLAN_PHASES_MAX];
	struct plan_watch *watch;
	weft_error err;
};

struct edge { /* of the window */
	uint64_t at_ns, ended;
	double cpu_ms;
	weft_stats stats;
	weft_histogram *delay;
};

static void raise_files(void)
{
	struct rlimit files;

	if (getrlimit(RLIMIT_NOFILE, &files) == 0 && files.rlim_cur < files.rlim_max) {
		files.rlim_cur = files.rlim_max;
		setrlimit(RLIMIT_NOFILE, &files);
	}
}

static int servers_up(struct host *h, const struct plan_run *run, struct bench_outcome *said)
{
	weft_mock_llm_options mo = WEFT_MOCK_LLM_OPTIONS_INIT;
	char latency[32];
	int r = plan_work_fixture(&h->set, run);

	snprintf(latency, sizeof(latency), "%.0f", run->work.model_ms);
	mo.latency = latency;
	mo.fixture = h->set.fixture;
	for (uint32_t i = 0; r == 0 && i < run->servers && i < PLAN_SERVERS_MAX; i++) {
		r = io_server_start(&h->servers[i], &mo, said);
		if (r < 0)
			weft_error_set(&h->err, r, "%s", said->error);
		h->urls[i] = h->servers[i].url;
		h->server_count += r == 0;
	}
	return r;
}

/* Endpoints on the cores that the workers leave, where they leave any. */
static int processes_up(struct host *h, const struct plan_run *run)
{
	bool apart = run->workers < run->cores && !run->work.inline_model;
	struct bench_outcome said = { 0 };
	cpu_set_t all = bench_cores_all();
	int r = 0;

	h->cores = all;

	raise_files();
	if (!run->work.inline_model) {
		if (apart)
			bench_cores_keep(&all, run->workers, run->cores);
		r = servers_up(h, run, &said);
		sched_setaffinity(0, sizeof(all), &all);
	}
	if (apart)
		bench_cores_keep(&all, 0, run->workers);
	return r;
}

static int runtime_up(struct host *h, const struct plan_run *run)
{
	weft_runtime_options ro = WEFT_RUNTIME_OPTIONS_INIT;
	int r;

	ro.workers = run->workers;
	r = weft_runtime_create(&ro, &h->set.rt);
	return r < 0 ? r : weft_runtime_start(h->set.rt);
}

static void sleep_until(uint64_t deadline_ns)
{
	uint64_t now;

	while ((now = weft_now_ns()) < deadline_ns) {
		struct timespec rest = { (time_t)((deadline_ns - now) / 1000000000u), (long)((deadline_ns - now) % 1000000000u) };

		nanosleep(&rest, NULL);
	}
}

static uint64_t ended(const struct host *h)
{
	uint64_t sum = 0;

	for (uint32_t i = 0; i < PLAN_WORKERS_MAX; i++)
		sum += h->sums[i].ended;
	return sum;
}

static int edge_read(struct host *h, struct edge *e)
{
	int r = weft_histogram_create(&e->delay);

	e->ended = ended(h);

	e->stats = (weft_stats)WEFT_STATS_INIT;
	e->at_ns = weft_now_ns();
	e->cpu_ms = bench_cpu_ms();
	if (r == 0)
		r = weft_stats_read(h->set.rt, WEFT_LANE_ALL, &e->stats);
	return r < 0 ? r : weft_stats_histogram(h->set.rt, WEFT_LANE_ALL, WEFT_STATS_DELAY_NS, e->delay);
}

static int drivers_start(struct host *h, const struct plan_run *run, uint64_t begin_ns)
{
	int r = weft_port_create(h->set.rt, NULL, &h->port);

	for (uint32_t i = 0; r == 0 && i < run->workers; i++) {
		struct plan_driver_start s = { .set = &h->set, .index = i, .drivers = run->workers, .begin_ns = begin_ns, .phases = h->phases,
			                       .phase_count = run->loads * run->cycles, .warm_until_ns = begin_ns + (uint64_t)(run->lead_s * 1e9), .sum = &h->sums[i] };

		r = plan_driver_start(&s, weft_reply_to_port(h->port, i));
	}
	return r;
}

static int drivers_join(struct host *h, uint32_t drivers, double seconds)
{
	uint64_t until = weft_now_ns() + (uint64_t)(seconds * 1e9);
	uint32_t ended = 0;

	while (ended < drivers) {
		weft_msg *msgs[16];
		int n = io_port_take(h->port, msgs, 16, until);

		if (n <= 0)
			return weft_error_set(&h->err, -ETIMEDOUT, "agents that were under way have not ended %g s later: the rate is not held", seconds);
		for (int i = 0; i < n; i++)
			weft_msg_destroy(msgs[i]);
		ended += (uint32_t)n;
	}
	return 0;
}

static int all_good(struct host *h, const struct plan_run *run)
{
	for (uint32_t i = 0; i < run->workers; i++) {
		const struct plan_driver_sum *s = &h->sums[i];

		if (s->failed)
			return weft_error_set(&h->err, s->status < 0 ? s->status : -EIO, "%llu agents failed: %s", (unsigned long long)s->failed,
			                      weft_strerror(s->status));
	}
	return 0;
}

/* What the clocks and the runtime's counters say of windows: each from its first edge to its second. */
static int sum_up(struct host *h, const struct plan_run *run, struct edge (*windows)[2], uint32_t count, uint32_t step, struct plan_point *p)
{
	weft_histogram *delay = windows[0][1].delay;
	double ended = 0, cpu_ms = 0;

	for (uint32_t i = 0; i < count; i++) {
		const struct edge *a = &windows[i * step][0], *b = &windows[i * step][1];

		ended += (double)(b->ended - a->ended);
		cpu_ms += b->cpu_ms - a->cpu_ms;
		p->seconds += (double)(b->at_ns - a->at_ns) / 1e9;
		p->mailbox_depth_max = b->stats.mailbox_depth_max;
		p->refused += b->stats.msgs_refused - a->stats.msgs_refused;
		p->muted += b->stats.actors_muted - a->stats.actors_muted;
		p->steals_per_s += (double)(b->stats.steals - a->stats.steals);
		p->parks_per_s += (double)(b->stats.parks - a->stats.parks);
		weft_histogram_subtract(b->delay, a->delay);
		if (i > 0)
			weft_histogram_merge(delay, b->delay);
	}
	if (!(ended > 0))
		return weft_error_set(&h->err, -ENODATA, "no agent ended in %.1f s", p->seconds);
	p->done_per_s = ended / p->seconds;
	p->cpu_us = cpu_ms * 1e3 / ended;
	p->busy = cpu_ms / 1e3 / (p->seconds * run->workers);
	p->sched_p99_ms = (double)weft_histogram_quantile(delay, 0.99) / 1e6;
	p->steals_per_s /= p->seconds;
	p->parks_per_s /= p->seconds;
	p->under_way = run->under_way;
	return 0;
}

/* Until at least `more` have ended, and until_ns; but no longer than so many seconds. */
static void wait_for(const struct host *h, uint64_t more, uint64_t until_ns, double seconds_max)
{
	uint64_t from = ended(h), latest = weft_now_ns() + (uint64_t)(seconds_max * 1e9);

	sleep_until(until_ns);
	while (ended(h) - from < more && weft_now_ns() < latest)
		sleep_until(weft_now_ns() + 5000000);
}

/* It begins when all that are under way have ended once: connections are made and memory is warm, however slow the machine is. */
static int closed(struct host *h, const struct plan_run *run, struct plan_point *p)
{
	uint64_t begin = weft_now_ns() + 2000000;
	struct edge window[1][2] = { 0 };
	int r = drivers_start(h, run, begin);

	if (r == 0) {
		wait_for(h, run->under_way, begin + (uint64_t)(run->warm_s * 1e9), CLOSED_S);
		r = edge_read(h, &window[0][0]);
	}
	if (r == 0) {
		wait_for(h, ENDED_MIN, weft_now_ns() + (uint64_t)(run->window_s * 1e9), CLOSED_S);
		r = edge_read(h, &window[0][1]);
	}
	h->set.stop = true;
	if (r == 0)
		r = drivers_join(h, run->workers, 2 * plan_waits_ms(&run->work) / 1e3 + DRAIN_S);
	if (r == 0)
		r = all_good(h, run);
	if (r == 0)
		r = sum_up(h, run, window, 1, 1, p);
	weft_histogram_destroy(window[0][0].delay);
	weft_histogram_destroy(window[0][1].delay);
	return r;
}

/* ---- open ------------------------------------------------------------------------------------------- */

/*
 * Windows are set beforehand, whatever happens in them. Between them the line of one load becomes that of the next. First
 * comes the highest rate for a while: connections are made and memory is warm when the first window begins.
 */
static uint64_t phases_set(struct host *h, const struct plan_run *run)
{
	uint64_t tail_ns = (uint64_t)(plan_waits_ms(&run->work) * 1e6), begin = weft_now_ns() + 2000000, at = begin + (uint64_t)(run->lead_s * 1e9);

	for (uint32_t i = 0; i < run->loads * run->cycles; i++) {
		struct plan_phase *p = &h->phases[i];

		*p = (struct plan_phase){ .rate = run->load[i % run->loads].rate, .from_ns = at + (uint64_t)(run->warm_s * 1e9) };
		p->to_ns = p->from_ns + (uint64_t)(run->window_s * 1e9);
		at = p->end_ns = p->to_ns + tail_ns;
	}
	return begin;
}

/* Whose stalls are watched: the workers', and those of the endpoints' workers. */
static void watch_start(struct host *h, const struct plan_run *run)
{
	cpu_set_t mine = bench_cores_all(), all = h->cores;

	h->watch = plan_watch_create();
	if (!h->watch || !plan_watch_add(h->watch, getpid(), PLAN_WORKERS, "weft/"))
		return;
	for (uint32_t i = 0; i < h->server_count; i++)
		plan_watch_add(h->watch, h->servers[i].pid, PLAN_ENDPOINTS, "weft/");
	if (run->workers < run->cores)
		bench_cores_keep(&all, run->workers, run->cores); /* not on the workers' */
	plan_watch_start(h->watch);
	sched_setaffinity(0, sizeof(mine), &mine);
}

static int sum_up_loads(struct host *h, const struct plan_run *run, struct edge (*windows)[2], struct plan_point *points)
{
	struct plan_seen seen = { .run = run, .phases = h->phases, .sums = h->sums };
	int r = 0;

	if (h->watch)
		seen.stalls = plan_watch_stop(h->watch, &seen.stall_count);
	for (uint32_t side = 0; h->watch && side < PLAN_SIDES; side++)
		seen.watched[side] = plan_watch_threads(h->watch, side);
	for (uint32_t i = 0; r == 0 && i < run->loads; i++) {
		r = sum_up(h, run, windows + i, run->cycles, run->loads, &points[i]);
		if (r == 0)
			r = plan_added_sum(&seen, i, &points[i]);
	}
	return r;
}

static int open_loads(struct host *h, const struct plan_run *run, struct plan_point *points)
{
	static struct edge windows[PLAN_PHASES_MAX][2]; /* one such run a process */
	uint32_t count = run->loads * run->cycles;
	uint64_t begin;
	int r;

	watch_start(h, run);
	begin = phases_set(h, run);
	r = drivers_start(h, run, begin);
	for (uint32_t i = 0; r == 0 && i < 2 * count; i++) {
		sleep_until(i & 1 ? h->phases[i / 2].to_ns : h->phases[i / 2].from_ns);
		r = edge_read(h, &windows[i / 2][i & 1]);
	}
	if (r == 0)
		r = drivers_join(h, run->workers, 2 * plan_waits_ms(&run->work) / 1e3 + DRAIN_S);
	if (r == 0)
		r = all_good(h, run);
	if (r == 0)
		r = sum_up_loads(h, run, windows, points);
	for (uint32_t i = 0; i < 2 * count; i++)
		weft_histogram_destroy(windows[i / 2][i & 1].delay);
	return r;
}

/* ---- memory ----------------------------------------------------------------------------------------- */

/* How much more is resident with so many waiting for their model than with none. */
static int held(struct host *h, const struct plan_run *run, struct plan_point *p)
{
	double before = bench_rss_read().now_mb, now;
	uint64_t begin = weft_now_ns(), started = 0;
	int r = drivers_start(h, run, begin);

	sleep_until(r == 0 ? begin + UINT64_C(1600000000) : 0);
	now = bench_rss_read().now_mb;
	for (uint32_t i = 0; i < run->workers; i++)
		started += h->sums[i].started;
	if (r == 0 && started < run->under_way * 9 / 10)
		r = weft_error_set(&h->err, -ETIMEDOUT, "%llu of %u agents were started", (unsigned long long)started, run->under_way);
	p->under_way = (double)started;
	p->bytes_per_agent = started ? fmax(0, (now - before) * 1048576 / (double)started) : 0;
	return r;
}

/* points: as many as plan_run_points() says */
static int run_here(struct host *h, const struct plan_run *run, struct plan_point *p)
{
	double before, messages;
	int r = processes_up(h, run);

	if (r == 0)
		r = runtime_up(h, run);
	before = bench_rss_read().now_mb;
	if (r == 0)
		r = plan_work_up(&h->set, h->urls, h->server_count, &h->err);
	if (r < 0)
		return r;
	messages = (double)h->set.room_count * run->work.history;
	p->base_mb = before;
	p->bytes_per_message = messages > 0 ? fmax(0, (bench_rss_read().now_mb - before) * 1048576 / messages) : 0;
	return run->loads ? open_loads(h, run, p) : run->kind == PLAN_MEMORY ? held(h, run, p) : closed(h, run, p);
}

static void host_down(struct host *h)
{
	if (h->set.rt) {
		weft_runtime_stop(h->set.rt, 0);
		weft_runtime_join(h->set.rt);
	}
	weft_port_destroy(h->port);
	plan_work_down(&h->set);
	weft_runtime_destroy(h->set.rt);
	plan_watch_destroy(h->watch);
	for (uint32_t i = 0; i < PLAN_WORKERS_MAX; i++)
		free(h->sums[i].agents);
	for (uint32_t i = h->server_count; i-- > 0;) /* the later ones hold copies of what the earlier ones live by */
		io_server_stop(&h->servers[i]);
}

static void child(const struct plan_run *run, struct plan_point *points, int to)
{
	struct host *h = calloc(1, sizeof(*h));
	uint32_t count = plan_run_points(run);
	ssize_t bytes = (ssize_t)(count * sizeof(*points));
	int r = h ? 0 : -ENOMEM;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (h) {
		h->set.run = run;
		r = run_here(h, run, points);
	}
	for (uint32_t i = 0; r < 0 && i < count; i++)
		snprintf(points[i].error, sizeof(points[i].error), "%.150s", h && h->err.message[0] ? h->err.message : weft_strerror(r));
	if (h)
		host_down(h);
	free(h);
	_exit(write(to, points, (size_t)bytes) == bytes ? 0 : 1); /* less than a pipe holds */
}

/* 0; -EIO: it closed its end early; -ETIMEDOUT */
static int read_whole(const struct plan_run *run, int fd, void *into, size_t len, double seconds)
{
	uint64_t until = weft_now_ns() + (uint64_t)(seconds * 1e9), now;
	struct pollfd ready = { .fd = fd, .events = POLLIN };
	size_t have = 0;

	while (have < len) {
		ssize_t n;

		if ((now = weft_now_ns()) >= until)
			return -ETIMEDOUT;
		if (run->tick)
			run->tick(run->user);
		if (poll(&ready, 1, TICK_MS) <= 0)
			continue;
		n = read(fd, (char *)into + have, len - have);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return -EIO;
		have += (size_t)n;
	}
	return 0;
}

/* Longer than anything that goes well. */
static double limit_s(const struct plan_run *run)
{
	double each = run->warm_s + run->window_s + (run->kind == PLAN_MEMORY ? 0 : 4 * plan_waits_ms(&run->work) / 1e3);

	return each * plan_run_points(run) * (run->loads ? run->cycles : 1) + 2 * CLOSED_S + 2 * DRAIN_S;
}

void plan_point_run(const struct plan_run *run, struct plan_point *ret)
{
	uint32_t count = plan_run_points(run);
	struct plan_point got[PLAN_LOADS_MAX];
	int fds[2], status = 0, r;
	char error[sizeof(ret->error)] = "";
	pid_t pid;

	for (uint32_t i = 0; i < count; i++) {
		ret[i] = (struct plan_point){ .kind = run->loads ? run->load[i].kind : run->kind, .workers = run->workers,
			                      .oversubscribed = run->workers > run->cores, .offered_per_s = run->loads ? run->load[i].rate : 0,
			                      .own_mean_ms = NAN, .own_ms = { NAN, NAN, NAN, NAN } };
		got[i] = ret[i];
	}
	if (pipe(fds) < 0) {
		for (uint32_t i = 0; i < count; i++)
			snprintf(ret[i].error, sizeof(ret[i].error), "a pipe: %s", weft_strerror(-errno));
		return;
	}
	fflush(NULL);
	pid = fork();
	if (pid == 0) {
		close(fds[0]);
		child(run, got, fds[1]);
	}
	close(fds[1]);
	r = pid > 0 ? read_whole(run, fds[0], got, count * sizeof(*got), limit_s(run)) : -EAGAIN;
	if (r == 0)
		memcpy(ret, got, count * sizeof(*got));
	else
		snprintf(error, sizeof(error), "its process %s", r == -EAGAIN ? "could not be made" : r == -EIO ? "ended without a result" : "did not end in time");
	close(fds[0]);
	if (r == -ETIMEDOUT)
		kill(pid, SIGKILL); /* its endpoints die with it */
	while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (r == -EIO && WIFSIGNALED(status))
		snprintf(error, sizeof(error), "its process was killed by signal %d (%s)", WTERMSIG(status), strsignal(WTERMSIG(status)));
	for (uint32_t i = 0; r < 0 && i < count; i++)
		snprintf(ret[i].error, sizeof(ret[i].error), "%s", error);
}
