/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cli/sim/jobs.c - scenario "jobs": groups, maps and graphs with limits, policies and timeouts, filled by several threads; their
 * jobs return, fail, spawn, cancel, wait for a permit, or for a thread that finishes them in any order. Memory fails, and now and
 * then the runtime is stopped in the middle.
 *
 * Each group that was joined answers once; what the answers say is what the jobs counted; permits are neither lost nor made.
 */
#include <inttypes.h>

#include "cli/sim/sim.h"

#define FILLERS_MAX 3u
#define PENDING_MAX 256u
#define NODES 6u
#define PERMITS 2u

static struct {
	weft_runtime *rt;
	weft_semaphore *permits;
	weft_graph *graph;
	weft_job *pending[PENDING_MAX];
	bool holds[PENDING_MAX]; /* a permit, while it is pending */
	uint32_t pending_count, fillers;
	uint64_t accepted, ran, ok, bad;             /* as the jobs count */
	uint64_t jobs, succeeded, failed, canceled;  /* as the answers say */
	uint64_t permits_out;
	bool is_stopped;
} all;

/* ---- jobs --------------------------------------------------------------------------------- */

static int counted(int status)
{
	if (status < 0)
		all.bad++;
	else
		all.ok++;
	weft_sim_note((uint64_t)(int64_t)status);
	return status;
}

static void give_permit_back(void)
{
	all.permits_out--;
	weft_semaphore_release(all.permits);
}

/* For the finisher, with or without a permit. False: there is no room. */
static bool leave_pending(weft_job *job, bool holds)
{
	if (all.pending_count == PENDING_MAX)
		return false;
	all.holds[all.pending_count] = holds;
	all.pending[all.pending_count++] = job;
	return true;
}

/* Out of those that wait for the finisher. */
static weft_job *take_pending(uint64_t i)
{
	weft_job *job = all.pending[i];
	bool holds = all.holds[i];

	all.pending[i] = all.pending[--all.pending_count];
	all.holds[i] = all.holds[all.pending_count];
	if (holds)
		give_permit_back();
	return job;
}

/* It has a permit: keeps it for a while, or not. True: it is pending. */
static bool has_permit(weft_job *job)
{
	sim_check(++all.permits_out <= PERMITS, "%" PRIu64 " permits are out", all.permits_out);
	if (weft_sim_choose(3) && leave_pending(job, true))
		return true;
	give_permit_back();
	return false;
}

static void permit_comes(weft_msg *msg, void *user)
{
	bool looks = weft_sim_choose(8); /* else its permit goes to the next one by itself */
	int status = looks ? weft_semaphore_take(msg) : -EIO;

	weft_msg_destroy(msg);
	if (status == 0 && has_permit(user))
		return;
	weft_job_finish(user, counted(status));
}

static int want_permit(weft_job *job)
{
	int r = weft_semaphore_acquire(all.permits, weft_reply_to_call(permit_comes, job), NULL);

	sim_check(r == 0 || r == WEFT_PENDING || r == -ENOMEM, "%s", weft_errname(r));
	if (r == WEFT_PENDING)
		return r;
	return r == 0 && has_permit(job) ? WEFT_PENDING : counted(r);
}

static void told(weft_job *job, void *arg)
{
	(void)arg;
	sim_check(weft_job_is_canceled(job), "told, and not canceled");
	for (uint32_t i = 0; i < all.pending_count; i++) {
		if (all.pending[i] != job || weft_sim_choose(2))
			continue;
		weft_job_finish(take_pending(i), counted(-ECANCELED));
		return;
	}
}

static int pend(weft_job *job)
{
	if (weft_sim_choose(6) == 0) { /* sooner than it says so */
		weft_job_finish(job, counted(0));
		return WEFT_PENDING;
	}
	if (weft_sim_choose(2))
		weft_job_on_cancel(job, told);
	return leave_pending(job, false) ? WEFT_PENDING : counted(0);
}

/* A job of a group spawns others, too; those of maps and graphs are as many as they are. */
static int any_job(weft_job *job, void *arg)
{
	all.ran++;
	if (arg && weft_sim_choose(4) == 0 && weft_group_spawn(weft_job_group(job), any_job, arg) == 0)
		all.accepted++;
	switch (weft_sim_choose(10)) {
	case 0:
	case 1:
	case 2:
		return pend(job);
	case 3:
	case 4:
		return want_permit(job);
	case 5:
		if (weft_sim_choose(10) == 0)
			weft_group_cancel(weft_job_group(job), -EINTR);
		return counted(-EIO);
	default:
		return counted(0);
	}
}

/* Ends what is pending, in any order, until nobody can make more. */
static void *finisher(void *user)
{
	(void)user;
	while (all.fillers || all.pending_count) {
		weft_sim_sleep(weft_sim_choose(SIM_MS / 5));
		for (uint64_t n = weft_sim_choose(20); n && all.pending_count; n--)
			weft_job_finish(take_pending(weft_sim_choose(all.pending_count)), counted(weft_sim_choose(10) ? 0 : -EIO));
	}
	return NULL;
}

/* ---- who fills groups ------------------------------------------------------------------------ */

static weft_group_options some_options(void)
{
	weft_group_options o = WEFT_GROUP_OPTIONS_INIT;

	o.policy = (uint32_t)weft_sim_choose(3);
	o.limit = (uint32_t)weft_sim_choose(5);
	o.timeout_ns = weft_sim_choose(6) ? 0 : 1 + weft_sim_choose(SIM_MS);
	return o;
}

static void took(weft_future *f)
{
	const weft_group_result *r;
	weft_msg *answer = NULL;

	sim_check(weft_future_wait_until(f, &answer, WEFT_FOREVER) == 0, "wait");
	r = weft_group_result_of(answer);
	sim_check(r, "no result");
	sim_check(r->jobs == r->succeeded + r->failed + r->canceled, "%u jobs", r->jobs);
	all.jobs += r->jobs;
	all.succeeded += r->succeeded;
	all.failed += r->failed;
	all.canceled += r->canceled;
	weft_msg_destroy(answer);
}

/* It may have been refused, before anything ran. True: it was not. */
static bool begun(int r)
{
	sim_check(r == 0 || r == -ENOMEM || r == -EAGAIN || (r == -ESHUTDOWN && all.is_stopped), "%s", weft_errname(r));
	return r == 0;
}

static void a_group(weft_future *f)
{
	weft_group_options o = some_options();
	weft_group *g;

	if (!begun(weft_group_create(all.rt, &o, &g)))
		return;
	for (uint64_t n = weft_sim_choose(30); n; n--) {
		int r = weft_group_spawn(g, any_job, &all);

		if (r != -ECANCELED)
			all.accepted += begun(r);
	}
	sim_insist(weft_group_join(g, weft_reply_to_future(f)));
	if (weft_sim_choose(5) == 0)
		weft_group_cancel(g, -EPIPE);
	took(f);
	weft_group_destroy(g);
}

static void a_map(weft_future *f)
{
	weft_group_options o = some_options();
	weft_map_work work = { .fn = any_job, .count = (uint32_t)weft_sim_choose(60) };
	weft_group *g;

	if (!begun(weft_map(all.rt, &work, &o, weft_reply_to_future(f), &g)))
		return;
	all.accepted += work.count;
	if (weft_sim_choose(5) == 0)
		weft_group_cancel(g, -EPIPE);
	took(f);
	weft_group_destroy(g);
}

static void a_graph(weft_future *f)
{
	weft_graph_run_options o = WEFT_GRAPH_RUN_OPTIONS_INIT;
	weft_node_outcome out[NODES];

	o.policy = (uint32_t)weft_sim_choose(3);
	o.limit = (uint32_t)weft_sim_choose(3);
	o.ret_nodes = out;
	if (!begun(weft_graph_run(all.rt, all.graph, &o, weft_reply_to_future(f), NULL)))
		return;
	all.accepted += NODES;
	took(f);
	for (uint32_t i = 0; i < NODES; i++)
		sim_check(out[i].state != WEFT_NODE_PENDING, "node %u", i);
}

static void *filler(void *user)
{
	weft_future *f;

	(void)user;
	sim_insist(weft_future_create(all.rt, &f));
	while (sim_goes_on()) {
		bool guest = weft_sim_choose(3) == 0 && weft_guest_enter(all.rt) == 0;
		uint64_t what = weft_sim_choose(4);

		if (what < 2)
			a_group(f);
		else if (what == 2)
			a_map(f);
		else
			a_graph(f);
		if (guest)
			sim_check(weft_guest_leave(all.rt) == 0, "leave");
		weft_sim_sleep(weft_sim_choose(SIM_MS));
	}
	weft_future_destroy(f);
	all.fillers--;
	return NULL;
}

/* ---- all of it -------------------------------------------------------------------------------- */

/* Two layers and a last one; node n needs some of those before. */
static void graph_make(void)
{
	static const char *const names[NODES] = { "a", "b", "c", "d", "e", "f" };
	weft_graph_input inputs[NODES];

	sim_insist(weft_graph_create(&all.graph));
	for (uint32_t n = 0; n < NODES; n++) {
		weft_graph_node node = { .name = names[n], .fn = any_job, .inputs = inputs };

		for (uint32_t i = 0; i < n; i++) {
			if (weft_sim_choose(2))
				inputs[node.input_count++] = (weft_graph_input){ .node = names[i] };
		}
		sim_insist(weft_graph_add(all.graph, &node));
	}
	sim_insist(weft_graph_check(all.graph, NULL));
}

static void *stop_in_the_middle(void *user)
{
	(void)user;
	weft_sim_sleep(weft_sim_choose(20 * SIM_MS));
	weft_runtime_stop(all.rt, weft_sim_choose(2) ? 0 : weft_sim_choose(SIM_MS));
	return NULL;
}

static void run(void)
{
	uint64_t fillers[FILLERS_MAX], stopper, last;
	uint32_t count = 1 + (uint32_t)weft_sim_choose(FILLERS_MAX);

	all.rt = sim_runtime();
	all.is_stopped = weft_sim_choose(3) == 0;
	all.fillers = count;
	sim_insist(weft_semaphore_create(PERMITS, &all.permits));
	graph_make();
	stopper = all.is_stopped ? sim_thread(stop_in_the_middle, NULL) : 0;
	last = sim_thread(finisher, NULL);
	for (uint32_t i = 0; i < count; i++)
		fillers[i] = sim_thread(filler, NULL);
	for (uint32_t i = 0; i < count; i++)
		weft_sim_thread_join(fillers[i]);
	weft_sim_thread_join(last);
	weft_sim_thread_join(stopper);
	sim_check(all.jobs == all.accepted, "%" PRIu64 " of %" PRIu64 " jobs ended", all.jobs, all.accepted);
	sim_check(all.succeeded == all.ok && all.failed == all.bad, "%" PRIu64 " succeeded, %" PRIu64 " failed", all.succeeded,
	          all.failed);
	sim_check(all.ran == all.succeeded + all.failed, "%" PRIu64 " ran", all.ran);
	sim_check(weft_semaphore_free(all.permits) == PERMITS && !weft_semaphore_waiting(all.permits), "%u permits",
	          weft_semaphore_free(all.permits));
	weft_semaphore_destroy(all.permits);
	weft_graph_destroy(all.graph);
	sim_check(sim_runtime_end(all.rt, WEFT_FOREVER) || all.is_stopped, "drained");
}

const struct sim_scenario sim_jobs = {
	.name = "jobs",
	.what = "groups of jobs, maps, graphs and permits, filled by several threads",
	.faults = WEFT_SIM_ALL,
	.run = run,
};
