/* SPDX-License-Identifier: Apache-2.0 */
/*
 * runtime/async/group.c - the life of a group: jobs come, end, are canceled; somebody is told when it is over.
 *
 * A job ends in one place, settled: whoever brings it there (its runner, its finisher, whoever cancels) is the
 * only one that has it. Policies are decided there, under the lock, so that "the first" is well defined.
 */
#include "runtime/async/group.h"

#include <errno.h>

#include <weft/alloc.h>

#define SETTLED_AT_ONCE 64u /* nodes of a graph that never run, under the lock */

static int check_options(const weft_group_options *opt)
{
	WEFT_RETURN_IF(opt->size != sizeof(*opt), -EINVAL);
	WEFT_RETURN_IF(opt->policy > WEFT_GROUP_RACE, -EINVAL);
	return 0;
}

struct weft_group *weft__group_new(struct weft_runtime *rt, const weft_group_options *opt, int *ret_error)
{
	weft_group_options o = WEFT_GROUP_OPTIONS_INIT;
	struct weft_group *g;

	*ret_error = opt ? check_options(opt) : 0;
	if (*ret_error < 0)
		return NULL;
	*ret_error = -ENOMEM;
	g = weft_calloc(1, sizeof(*g));
	if (!g)
		return NULL;
	o = opt ? *opt : o;
	pthread_mutex_init(&g->lock, NULL);
	g->rt = rt;
	g->policy = o.policy;
	g->limit = o.limit;
	g->runners_max = weft_runtime_workers(rt);
	if (g->limit && g->limit < g->runners_max)
		g->runners_max = g->limit;
	g->refs = 1;
	g->result.first = UINT32_MAX;
	*ret_error = o.timeout_ns ? weft__keeper_make(g, o.timeout_ns) : 0;
	if (*ret_error < 0) {
		weft__group_unref(g);
		return NULL;
	}
	return g;
}

static void group_free(struct weft_group *g)
{
	WEFT_ASSERT(!g->unended && !g->runners && !g->queue.first);
	WEFT_ASSERT(!g->parked && !g->answer && !g->keeper);
	if (g->hooks)
		g->hooks->fini(g);
	pthread_mutex_destroy(&g->lock);
	weft_free(g->items.slots);
	weft_free(g);
}

void weft__group_ref(struct weft_group *g)
{
	pthread_mutex_lock(&g->lock);
	g->refs++;
	pthread_mutex_unlock(&g->lock);
}

void weft__group_unref(struct weft_group *g)
{
	bool last;

	pthread_mutex_lock(&g->lock);
	last = --g->refs == 0;
	pthread_mutex_unlock(&g->lock);
	if (last)
		group_free(g);
}

/* ---- over ----------------------------------------------------------------------------------- */

/* Everything has ended, and nothing can come any more? */
static void look_whether_over(struct weft_group *g, struct weft__after *after)
{
	if (g->over || g->unended || !(g->joined || g->destroyed))
		return;
	g->over = true;
	after->answer = g->answer;
	after->keeper = g->keeper;
	g->answer = NULL;
	g->keeper = NULL;
	if (!after->answer)
		return;
	g->result.status = g->policy == WEFT_GROUP_RACE && g->result.succeeded ? 0 : g->result.status;
	*(weft_group_result *)weft_msg_data(after->answer) = g->result;
	weft_msg_set_status(after->answer, g->result.status);
}

/* ---- ending ---------------------------------------------------------------------------------- */

/* The job that decides what the group's answer says; the first one does. */
static void decided_by(struct weft_group *g, uint32_t index, int status)
{
	if (g->result.first != UINT32_MAX)
		return;
	g->result.first = index;
	if (!g->result.status)
		g->result.status = status;
}

static void succeeded(struct weft_group *g, const struct weft_job *job, struct weft__after *after)
{
	if (g->policy == WEFT_GROUP_RACE && !g->result.succeeded) {
		g->result.first = job->index; /* over any failure before */
		weft__group_cancel_locked(g, -ECANCELED, after);
	}
	g->result.succeeded++;
}

static void failed(struct weft_group *g, const struct weft_job *job, struct weft__after *after)
{
	g->result.failed++;
	if (g->policy == WEFT_GROUP_RACE && g->result.succeeded)
		return;
	decided_by(g, job->index, job->status);
	if (g->policy == WEFT_GROUP_FAIL_FAST)
		weft__group_cancel_locked(g, -ECANCELED, after);
}

static struct weft_msg *block_of(struct weft_job *job)
{
	return (struct weft_msg *)((char *)job - WEFT__MSG_HEADER_BYTES);
}

/* Its memory, for the next one. Nodes are the graph's. */
static void job_release(struct weft_group *g, struct weft_job *job)
{
	if (job->memory == WEFT__JOB_SPAWNED) {
		weft__msg_release(block_of(job));
	} else if (job->memory == WEFT__JOB_ITEM) {
		job->next = g->items.free;
		g->items.free = job;
	}
}

static void settled(struct weft_group *g, struct weft_job *job, struct weft__jobs *ended, struct weft__after *after)
{
	if (job->told_prev) {
		*job->told_prev = job->told_next;
		if (job->told_next)
			job->told_next->told_prev = job->told_prev;
		job->told_prev = NULL;
	}
	if (job->being_told) { /* whoever tells it comes back with it */
		job->ended_meanwhile = true;
		return;
	}
	WEFT_ASSERT(g->unended && (!job->started || g->in_flight));
	g->in_flight -= job->started;
	g->result.jobs++;
	if (job->memory == WEFT__JOB_ITEM)
		weft__item_status(g, job->index, job->status);
	if (!job->ran)
		g->result.canceled++;
	else if (job->status < 0)
		failed(g, job, after);
	else
		succeeded(g, job, after);
	if (g->hooks && job->memory == WEFT__JOB_NODE) /* others may be spawned beside the nodes */
		g->hooks->ended(g, job, ended);
	g->unended--;
	after->unref |= !g->unended;
	job_release(g, job);
}

/*
 * Jobs have come, or some have ended and leave room for others. The parked runner is there for those, and when there will be none. If
 * all runners run jobs, which may take long, there is one more, or what could start waits for them.
 */
static void look_whether_to_go(struct weft_group *g, struct weft__after *after)
{
	bool may_start = weft__group_may_start(g);

	if (g->parked && (may_start || !weft__group_has_more(g))) {
		after->go = g->parked;
		g->parked = NULL;
	} else if (may_start && g->busy && g->busy == g->runners && g->runners < g->runners_max && !weft__runner_is_quick(g)) {
		after->wake = weft__runner_make(g, after) == 0;
	}
}

void weft__group_settle_locked(struct weft_group *g, struct weft__jobs ended, struct weft__after *after)
{
	struct weft_job *job;

	while ((job = weft__jobs_pop(&ended)))
		settled(g, job, &ended, after);
	look_whether_to_go(g, after);
	look_whether_over(g, after);
}

void weft__group_settle(struct weft_group *g, struct weft__jobs ended)
{
	struct weft__after after = { 0 };

	pthread_mutex_lock(&g->lock);
	weft__group_settle_locked(g, ended, &after);
	pthread_mutex_unlock(&g->lock);
	weft__group_after(g, &after);
}

void weft__group_settle_one(struct weft_group *g, struct weft_job *job)
{
	struct weft__jobs one = { NULL, NULL };

	weft__jobs_push(&one, job);
	weft__group_settle(g, one);
}

/* ---- canceling -------------------------------------------------------------------------------- */

/* n that never ran are gone: counted in one go. */
static void never_count(struct weft_group *g, uint32_t n)
{
	struct weft__after after = { 0 };

	pthread_mutex_lock(&g->lock);
	g->result.jobs += n;
	g->result.canceled += n;
	g->unended -= n;
	after.unref = !g->unended;
	look_whether_to_go(g, &after);
	look_whether_over(g, &after);
	pthread_mutex_unlock(&g->lock);
	weft__group_after(g, &after);
}

/*
 * Jobs that were waiting. They may be many, and nobody else has them any more: the lock is not held while they go. A foreign
 * thread has no cache, and takes the lock of all such threads for each block: here it has one for the moment.
 */
static void never_settle(struct weft_group *g, struct weft__jobs never)
{
	struct weft__msgcache moment = { 0 }, *cache = weft__self ? &weft__self->cache : &moment;
	int reason = weft__load_relaxed(&g->canceled); /* relaxed: this thread wrote it */
	struct weft__jobs nodes = { NULL, NULL };
	uint32_t n = 0, node_count = 0;
	struct weft_job *job;

	while ((job = weft__jobs_pop(&never))) {
		if (job->memory == WEFT__JOB_SPAWNED) {
			weft__msg_free(cache, block_of(job));
			n++;
			continue;
		}
		job->ran = false;
		job->status = reason;
		weft__jobs_push(&nodes, job);
		if (++node_count % SETTLED_AT_ONCE == 0) {
			weft__group_settle(g, nodes);
			nodes = (struct weft__jobs){ NULL, NULL };
		}
	}
	weft__msgcache_drain(&moment);
	if (nodes.first)
		weft__group_settle(g, nodes);
	if (n)
		never_count(g, n);
}

/* Items that were not made yet, and will not be. They may be many, too. */
static void items_settle(struct weft_group *g, uint32_t from, uint32_t to)
{
	int reason = weft__load_relaxed(&g->canceled); /* relaxed: this thread wrote it */

	for (uint32_t i = from; i < to; i++)
		weft__item_status(g, i, reason);
	never_count(g, to - from);
}

void weft__group_cancel_locked(struct weft_group *g, int reason, struct weft__after *after)
{
	struct weft__jobs never = { NULL, NULL };

	if (weft__load_relaxed(&g->canceled)) /* relaxed: written under the lock */
		return;
	weft__store_release(&g->canceled, reason);
	g->refs++; /* until weft__group_after is through: others may end everything as soon as the lock is released */
	if (!g->result.status)
		g->result.status = reason;
	weft__jobs_splice(&never, &g->queue);
	if (g->hooks && g->unended) /* a graph's nodes are no jobs before its run has begun */
		g->hooks->canceled(g, &never);
	weft__jobs_splice(&after->ended, &never);
	after->items_from = g->items.next;
	after->items_to = g->items.next = g->items.count;
	after->cancel = true;
}

/* Tell those that are pending, one after another: each may end meanwhile, and is settled here then. */
static void tell_all(struct weft_group *g)
{
	struct weft_job *job;

	pthread_mutex_lock(&g->lock);
	while ((job = g->told)) {
		bool ended;

		g->told = job->told_next;
		if (g->told)
			g->told->told_prev = &g->told;
		job->told_prev = NULL;
		/* relaxed: a hint, as in job_run; whoever finished it settles it */
		if (weft__load_relaxed(&job->stage) == WEFT__JOB_FINISHED)
			continue;
		job->being_told = true;
		pthread_mutex_unlock(&g->lock);
		job->on_cancel(job, job->arg);
		pthread_mutex_lock(&g->lock);
		job->being_told = false;
		ended = job->ended_meanwhile;
		if (!ended)
			continue;
		pthread_mutex_unlock(&g->lock);
		weft__group_settle_one(g, job);
		pthread_mutex_lock(&g->lock);
	}
	pthread_mutex_unlock(&g->lock);
}

/* The jobs' reference is given up last: until then g is there for the caller, whatever the answer sets off. */
void weft__group_after(struct weft_group *g, struct weft__after *after)
{
	if (after->cancel) {
		if (after->ended.first)
			never_settle(g, after->ended);
		if (after->items_from < after->items_to)
			items_settle(g, after->items_from, after->items_to);
		tell_all(g);
	}
	if (after->go)
		weft__runner_go(after->go, after->wake);
	if (after->keeper)
		weft_promise_finish(after->keeper, 0, 0);
	if (after->answer)
		weft_reply(after->answer, after->answer);
	if (after->cancel)
		weft__group_unref(g);
	if (after->unref)
		weft__group_unref(g);
}

void weft_group_cancel(weft_group *group, int reason)
{
	struct weft__after after = { 0 };

	if (!WEFT_CHECK(group != NULL))
		return;
	pthread_mutex_lock(&group->lock);
	weft__group_cancel_locked(group, reason < 0 ? reason : -ECANCELED, &after);
	look_whether_to_go(group, &after);
	look_whether_over(group, &after);
	pthread_mutex_unlock(&group->lock);
	weft__group_after(group, &after);
}

/* ---- jobs come --------------------------------------------------------------------------------- */

int weft__group_add_locked(struct weft_group *g, uint32_t n, struct weft__after *after)
{
	int r = g->runners ? 0 : weft__runner_make(g, after);

	if (r < 0)
		return r;
	g->refs += !g->unended && n;
	g->unended += n;
	return 0;
}

static int spawn_locked(struct weft_group *g, struct weft_job *job, struct weft__after *after)
{
	int r;

	WEFT_RETURN_IF(weft__load_relaxed(&g->canceled), -ECANCELED); /* relaxed: under the lock */
	WEFT_RETURN_IF(g->over, -EALREADY);
	WEFT_RETURN_IF(g->unended == INT32_MAX, -ENOMEM);
	r = weft__group_add_locked(g, 1, after);
	if (r < 0)
		return r;
	job->index = g->spawned++;
	weft__jobs_push(&g->queue, job);
	look_whether_to_go(g, after);
	return 0;
}

int weft_group_spawn(weft_group *group, weft_job_fn fn, void *arg)
{
	struct weft__after after = { 0 };
	struct weft_job *job;
	struct weft_msg *block;
	int r;

	WEFT_RETURN_IF(!group || !fn, -EINVAL);
	block = weft__msg_new(0, sizeof(*job));
	if (!block)
		return -ENOMEM;
	job = weft__msg_payload(block);
	job->group = group;
	job->fn = fn;
	job->arg = arg;
	job->memory = WEFT__JOB_SPAWNED;
	pthread_mutex_lock(&group->lock);
	r = spawn_locked(group, job, &after);
	pthread_mutex_unlock(&group->lock);
	if (r < 0) {
		weft__msg_release(block);
		return r;
	}
	weft__group_after(group, &after);
	return 0;
}

/* ---- the owner's side ----------------------------------------------------------------------------- */

int weft_group_create(weft_runtime *rt, const weft_group_options *opt, weft_group **ret_group)
{
	struct weft_group *g;
	int r;

	WEFT_RETURN_IF(!rt || !ret_group, -EINVAL);
	g = weft__group_new(rt, opt, &r);
	if (!g)
		return r;
	*ret_group = g;
	return 0;
}

/* Nobody is owed this answer after all. */
static void take_back(struct weft_msg *answer)
{
	weft__request_cancel(answer);
	weft__msg_release(answer);
}

/* answer is owed from here on, and may be due. Under the lock: the group may be gone when it is released. */
static void join_locked(struct weft_group *g, struct weft_msg *answer, struct weft__after *after)
{
	g->joined = true;
	g->answer = answer;
	look_whether_over(g, after);
}

int weft_group_join(weft_group *group, weft_reply_to reply_to)
{
	struct weft__after after = { 0 };
	struct weft_msg *answer;
	int r;

	WEFT_RETURN_IF(!group, -EINVAL);
	r = weft__promise_new(reply_to, sizeof(weft_group_result), &answer);
	if (r < 0)
		return r;
	pthread_mutex_lock(&group->lock);
	if (group->joined)
		r = -EALREADY;
	else
		join_locked(group, answer, &after);
	pthread_mutex_unlock(&group->lock);
	if (r < 0)
		take_back(answer);
	else
		weft__group_after(group, &after);
	return r;
}

/*
 * A group whose time was up before it began ends all jobs at once: it is canceled once more, with the jobs. If there is no runner,
 * nothing has begun.
 */
static int start_locked(struct weft_group *g, uint32_t count, void (*come)(struct weft_group *g), struct weft__after *after)
{
	int32_t canceled = weft__load_relaxed(&g->canceled); /* relaxed: under the lock */

	if (count && canceled) {
		g->refs++;
		g->unended = count;
	} else if (count) {
		int r = weft__group_add_locked(g, count, after);

		if (r < 0)
			return r;
	}
	g->spawned = count;
	come(g);
	if (canceled) {
		weft__store_relaxed(&g->canceled, 0); /* relaxed: under the lock, and nobody runs */
		weft__group_cancel_locked(g, canceled, after);
	}
	return 0;
}

int weft__group_start(struct weft_group *g, uint32_t count, void (*come)(struct weft_group *g), weft_reply_to reply_to,
                      weft_group **ret_group)
{
	struct weft__after after = { 0 };
	struct weft_msg *answer = NULL;
	int r = weft__promise_new(reply_to, sizeof(weft_group_result), &answer);

	if (r == 0) {
		pthread_mutex_lock(&g->lock);
		r = start_locked(g, count, come, &after);
		if (r == 0)
			join_locked(g, answer, &after);
		if (r == 0 && ret_group) /* before anybody can get the answer */
			*ret_group = g;
		pthread_mutex_unlock(&g->lock);
	}
	if (r < 0) {
		if (answer)
			take_back(answer);
		weft_group_destroy(g);
		return r;
	}
	weft__group_after(g, &after);
	if (!ret_group)
		weft__group_unref(g); /* joined: it goes with its last job */
	return 0;
}

const weft_group_result *weft_group_result_of(weft_msg *answer)
{
	if (!answer || weft_msg_kind(answer) != 0 || weft_msg_len_bytes(answer) != sizeof(weft_group_result))
		return NULL;
	return weft_msg_data(answer);
}

void weft_group_destroy(weft_group *group)
{
	struct weft__after after = { 0 };

	if (!group)
		return;
	pthread_mutex_lock(&group->lock);
	group->destroyed = true;
	if (group->unended)
		weft__group_cancel_locked(group, -ECANCELED, &after);
	look_whether_to_go(group, &after);
	look_whether_over(group, &after);
	pthread_mutex_unlock(&group->lock);
	weft__group_after(group, &after);
	weft__group_unref(group);
}
