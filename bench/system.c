/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench/system.c - scenarios without messages: the store by itself, a cold start,
 * and how many agents a second live and die.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "bench/fixture.h"

/* ---- the store ------------------------------------------------------------------------- */

static int db_write(struct bench_fixture *f, uint32_t count)
{
	char text[48];
	int r = 0;

	for (uint32_t i = 0; r == 0 && i < count; i++) {
		weft_memory m = { .type = WEFT_MEMORY_MESSAGE,
			          .room_id = f->rooms[0],
			          .entity_id = f->user_id,
			          .agent_id = f->agent_id,
			          .source = WEFT_STR("benchmark") };

		snprintf(text, sizeof(text), "Write benchmark message %u", i);
		m.text = weft_str_from(text);
		r = weft_store_add(f->store, &m, NULL);
	}
	return r;
}

static int db_read(struct bench_fixture *f, const weft_uuid *ids, uint32_t count)
{
	weft_arena *arena;
	int r = weft_arena_create(0, &arena);

	for (uint32_t i = 0; r == 0 && i < count; i++) {
		weft_memory m;

		r = weft_store_get(f->store, ids[i], arena, &m);
		if (r == 0 && !m.text.len_bytes)
			r = -EIO;
		weft_arena_reset(arena);
	}
	weft_arena_destroy(arena);
	return r;
}

struct id_list {
	weft_uuid *ids;
	uint32_t count;
};

static bool note_id(const weft_memory *m, void *user)
{
	struct id_list *list = user;

	list->ids[list->count++] = m->id;
	return true;
}

static int db_iteration(const struct bench_options *opt, const struct bench_scenario *s, struct bench_outcome *out,
                        bool measured)
{
	bool writes = !strcmp(s->config.db, "write");
	struct bench_fixture f;
	struct id_list list = { .ids = calloc(s->config.db_count + 1, sizeof(weft_uuid)) };
	weft_error err = { 0 };
	uint64_t t0 = 0;
	int r = bench_fixture_up(&f, opt, s, &err);

	if (r == 0 && !writes) {
		r = db_write(&f, s->config.db_count);
		weft_store_visit_recent(f.store, f.rooms[0], WEFT_MEMORY_MESSAGE, 0, s->config.db_count, note_id, &list);
	}
	t0 = weft_now_ns();
	if (r == 0)
		r = writes ? db_write(&f, s->config.db_count) : db_read(&f, list.ids, list.count);
	if (r == 0 && measured) {
		double ms = (double)(weft_now_ns() - t0) / 1e6;

		bench_outcome_add(out, ms, s->config.db_count);
		out->total_ms += ms;
		out->stage_ms[writes ? BENCH_MEMORY_CREATE : BENCH_MEMORY_GET] += ms;
		out->stage_runs[writes ? BENCH_MEMORY_CREATE : BENCH_MEMORY_GET] += s->config.db_count;
	}
	if (r == 0 && weft_store_count(f.store, f.rooms[0], WEFT_MEMORY_MESSAGE) != s->config.db_count)
		r = bench_fail(out, "the store does not hold what was written");
	if (r < 0)
		bench_fail(out, "%s", err.message[0] ? err.message : weft_strerror(r));
	bench_fixture_down(&f);
	free(list.ids);
	return r;
}

/* ---- cold start --------------------------------------------------------------------------- */

static int startup_iteration(const struct bench_options *opt, const struct bench_scenario *s, struct bench_outcome *out,
                             bool measured)
{
	struct bench_fixture f;
	weft_error err = { 0 };
	uint64_t t0 = weft_now_ns();
	int r = bench_fixture_up(&f, opt, s, &err);
	double ms = (double)(weft_now_ns() - t0) / 1e6;

	if (r < 0)
		bench_fail(out, "%s", err.message);
	else if (measured) {
		bench_outcome_add(out, ms, 1);
		out->total_ms += ms;
	}
	bench_fixture_down(&f);
	return r;
}

/* ---- agents a second ------------------------------------------------------------------------ */

#define IN_FLIGHT 64u

enum { DRIVE_GO = 1 };

struct driver { /* one a worker, pinned there */
	weft_agent_def *def;
	_Atomic(bool) *stop;
	weft_msg *asked;
	uint64_t done, failed;
	uint32_t out;
};

struct driver_result {
	uint64_t done, failed;
};

static int drive_one(weft_actor *self, struct driver *d)
{
	weft_ask ask = WEFT_ASK_INIT;
	weft_ref agent;
	int r = weft_agent_spawn(weft_actor_runtime(self), d->def, NULL, &agent);

	if (r < 0)
		return r;
	ask.input = WEFT_STR("Hello, how are you?");
	ask.end_after = true;
	r = weft_agent_ask(agent, &ask, weft_reply_to_actor(weft_actor_ref(self), 0));
	if (r == 0)
		d->out++;
	return r;
}

static int driver_behaviour(weft_actor *self, weft_msg *msg)
{
	struct driver *d = weft_actor_state(self);
	const weft_agent_result *result = weft_agent_result_of(msg);

	if (weft_msg_kind(msg) == DRIVE_GO) {
		weft_msg_keep(self, msg);
		d->asked = msg;
		for (uint32_t i = 0; i < IN_FLIGHT; i++)
			d->failed += drive_one(self, d) < 0;
	} else {
		d->out--;
		d->done++;
		d->failed += !result || result->status < 0;
		if (!*d->stop && d->failed == 0)
			d->failed += drive_one(self, d) < 0;
	}
	if (!d->out) {
		weft_msg *answer = weft_msg_create(DRIVE_GO, sizeof(struct driver_result));

		if (answer) {
			*(struct driver_result *)weft_msg_data(answer) =
				(struct driver_result){ .done = d->done, .failed = d->failed };
			weft_reply(d->asked, answer);
		}
		weft_msg_destroy(d->asked);
		weft_actor_exit(self, 0);
	}
	return 0;
}

static const weft_actor_class driver_class = { .size = sizeof(driver_class),
	                                       .name = "bench-driver",
	                                       .behaviour = driver_behaviour,
	                                       .state_bytes = sizeof(struct driver),
	                                       .flags = WEFT_ACTOR_PINNED };

static int agents_def(weft_agent_def **ret_def)
{
	weft_agent_options ao = WEFT_AGENT_OPTIONS_INIT;
	weft_models *models;
	int r = weft_models_create(&models);

	if (r < 0)
		return r;
	r = weft_models_add_mock(models, 0, NULL);
	ao.models = models;
	ao.system = "You are a benchmark agent. Respond concisely.";
	if (r == 0)
		r = weft_agent_def_create(&ao, ret_def, NULL);
	weft_models_unref(models);
	return r;
}

static int agents_gather(weft_port *port, uint32_t drivers, uint64_t *ret_done, uint64_t *ret_failed)
{
	for (uint32_t i = 0; i < drivers; i++) {
		weft_msg *msg;

		if (weft_port_wait_until(port, &msg, 1, weft_now_ns() + UINT64_C(30000000000)) != 1)
			return -ETIMEDOUT;
		if (weft_msg_kind(msg) == DRIVE_GO) {
			*ret_done += ((struct driver_result *)weft_msg_data(msg))->done;
			*ret_failed += ((struct driver_result *)weft_msg_data(msg))->failed;
		}
		weft_msg_destroy(msg);
	}
	return 0;
}

/* The host sleeps meanwhile: it would take a core from the workers. */
static void sleep_until(uint64_t deadline_ns)
{
	struct timespec rest;
	uint64_t now;

	while ((now = weft_now_ns()) < deadline_ns) {
		rest.tv_sec = (time_t)((deadline_ns - now) / 1000000000u);
		rest.tv_nsec = (long)((deadline_ns - now) % 1000000000u);
		nanosleep(&rest, NULL);
	}
}

static int agents_iteration(const struct bench_options *opt, const struct bench_scenario *s, struct bench_outcome *out,
                            bool measured)
{
	uint64_t ms = opt->quick ? s->config.agents_ms / 8 : s->config.agents_ms;
	_Atomic(bool) stop = false;
	struct driver d = { .stop = &stop };
	uint64_t t0, done = 0, failed = 0;
	weft_runtime *rt = NULL;
	weft_port *port = NULL;
	double took;
	int r = bench_runtime_up(opt, &rt);

	if (r == 0)
		r = agents_def(&d.def);
	if (r == 0)
		r = weft_port_create(rt, NULL, &port);
	t0 = weft_now_ns();
	for (uint32_t i = 0; r == 0 && i < weft_runtime_workers(rt); i++) {
		weft_ref ref;

		r = weft_actor_spawn(rt, &driver_class, &d, &ref);
		if (r == 0)
			r = weft_request(ref, weft_msg_create(DRIVE_GO, 0), weft_reply_to_port(port, 0));
	}
	if (r == 0) {
		sleep_until(t0 + ms * 1000000u);
		stop = true;
		r = agents_gather(port, weft_runtime_workers(rt), &done, &failed);
	}
	took = (double)(weft_now_ns() - t0) / 1e6;
	if (r < 0 || failed || !done) {
		r = bench_fail(out, "%s; %llu agents failed", weft_strerror(r), (unsigned long long)failed);
	} else if (measured) {
		bench_outcome_add(out, took / (double)done, done);
		out->total_ms += took;
	}
	weft_port_destroy(port);
	weft_runtime_destroy(rt);
	weft_agent_def_unref(d.def);
	return r;
}

/* ---- which ------------------------------------------------------------------------------------- */

void bench_system_run(const struct bench_options *opt, const struct bench_scenario *s, struct bench_outcome *out)
{
	int (*iteration)(const struct bench_options *, const struct bench_scenario *, struct bench_outcome *, bool) =
		s->config.agents_ms ? agents_iteration : s->config.startup_only ? startup_iteration : db_iteration;
	uint32_t iterations, warmup;
	int r = 0;

	bench_counts(opt, s->config.iterations, s->config.has_warmup, s->config.warmup, &iterations, &warmup);
	bench_outcome_begin(out, iterations, warmup);
	for (uint32_t i = 0; r == 0 && i < warmup; i++)
		r = iteration(opt, s, out, false);
	out->rss_start_mb = bench_rss_read().now_mb;
	for (uint32_t i = 0; r == 0 && i < iterations; i++)
		r = iteration(opt, s, out, true);
	out->rss_end_mb = bench_rss_read().now_mb;
	out->rss_peak_mb = bench_rss_read().peak_mb;
}
