/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cli/sim/events.c - scenario "events": actors and threads emit into small rings, and subscribers read
 * at their own pace: some lose what they are too slow for, some make the actors wait.
 *
 * What a subscriber read and what it was told that it lost is what was emitted; the events of one
 * emitter come in order, each once.
 */
#include <errno.h>
#include <inttypes.h>

#include "cli/sim/sim.h"

#define ACTORS 4u
#define THREADS 2u
#define EMITTERS (ACTORS + THREADS)
#define READERS 2u
#define BATCH 16u

enum { GO = 1 };

static struct {
	weft_runtime *rt;
	uint64_t seq[EMITTERS], emitted;
	bool over;
} seen;

static void emit(uint32_t emitter)
{
	weft_event_field fields[2] = {
		{ .key = WEFT_STR("emitter"), .kind = WEFT_FIELD_INT, .num.i = (int64_t)emitter },
		{ .key = WEFT_STR("seq"), .kind = WEFT_FIELD_INT, .num.i = (int64_t)seen.seq[emitter] },
	};
	weft_event_desc desc = { .scope = WEFT_SCOPE_AGENT,
		                 .type = WEFT_EVENT_PROGRESS,
		                 .component_id = WEFT_STR("simulated"),
		                 .message = WEFT_STR("some text, so that a ring holds few"),
		                 .fields = fields,
		                 .field_count = 2 };

	seen.seq[emitter]++;
	seen.emitted++;
	weft_event_emit(seen.rt, &desc);
}

/* ---- emitters ---------------------------------------------------------------------- */

static int behaviour(weft_actor *self, weft_msg *msg)
{
	uint32_t *emitter = weft_actor_state(self);

	if (weft_msg_kind(msg) == WEFT_KIND_STOP || !sim_goes_on())
		return 0;
	for (uint64_t n = weft_sim_choose(8); n; n--)
		emit(*emitter);
	(void)weft_timer_start(self, weft_sim_choose(SIM_MS / 2), 0, NULL); /* without memory: no more of it */
	return 0;
}

static const weft_actor_class emitter_class = { .size = sizeof(emitter_class),
	                                        .name = "emitter",
	                                        .behaviour = behaviour,
	                                        .state_bytes = sizeof(uint32_t) };

static void *emitting_thread(void *user)
{
	while (sim_goes_on()) {
		for (uint64_t n = weft_sim_choose(8); n; n--)
			emit((uint32_t)(uintptr_t)user);
		weft_sim_sleep(weft_sim_choose(SIM_MS / 2));
	}
	return NULL;
}

/* ---- readers -------------------------------------------------------------------------- */

struct reader {
	weft_subscription *sub;
	uint64_t pace_ns;
	uint64_t read, told;
	uint64_t next[EMITTERS];
};

static void on_event(struct reader *r, const weft_event *e)
{
	uint64_t emitter, seq;

	if (e->type == WEFT_EVENT_LAGGED) {
		r->told += e->lagged_events;
		return;
	}
	sim_check(e->field_count == 2 && weft_str_eq(e->component_id, WEFT_STR("simulated")), "another event");
	emitter = (uint64_t)e->fields[0].num.i;
	seq = (uint64_t)e->fields[1].num.i;
	sim_check(emitter < EMITTERS && seq >= r->next[emitter], "emitter %" PRIu64 ": %" PRIu64 " after %" PRIu64, emitter,
	          seq, r->next[emitter]);
	r->next[emitter] = seq + 1;
	r->read++;
	weft_sim_note(emitter << 32 | seq);
}

/* 0: there is nothing. */
static int read_some(struct reader *r)
{
	weft_event events[BATCH];
	int n = weft_events_read(r->sub, events, 1 + (uint32_t)weft_sim_choose(BATCH));

	if (n == -ENOMEM)
		return 1; /* not now; it is still there */
	sim_check(n >= 0, "%s", weft_errname(n));
	for (int i = 0; i < n; i++)
		on_event(r, &events[i]);
	return n;
}

static void *reading_thread(void *user)
{
	struct reader *r = user;

	while (!seen.over) {
		read_some(r);
		weft_sim_sleep(weft_sim_choose(r->pace_ns));
	}
	while (read_some(r))
		;
	return NULL;
}

static void run(void)
{
	static struct reader readers[READERS];
	uint64_t reading[READERS], emitting[THREADS];

	seen.rt = sim_runtime();
	for (uint32_t i = 0; i < READERS; i++) {
		weft_subscribe_options opt = WEFT_SUBSCRIBE_OPTIONS_INIT;

		opt.lag = (uint32_t)weft_sim_choose(2);
		opt.block_ns = 1 + weft_sim_choose(5 * SIM_MS);
		readers[i].pace_ns = weft_sim_choose(2) ? SIM_MS : 20 * SIM_MS;
		sim_insist(weft_events_subscribe(seen.rt, &opt, &readers[i].sub));
	}
	for (uint32_t i = 0; i < READERS; i++)
		reading[i] = sim_thread(reading_thread, &readers[i]);
	for (uint32_t i = 0; i < ACTORS; i++)
		sim_check(weft_send(sim_spawn(seen.rt, &emitter_class, &i), sim_msg(GO, 0)) == 0, "go");
	for (uint32_t i = 0; i < THREADS; i++)
		emitting[i] = sim_thread(emitting_thread, (void *)(uintptr_t)(ACTORS + i));
	for (uint32_t i = 0; i < THREADS; i++)
		weft_sim_thread_join(emitting[i]);
	weft_runtime_stop(seen.rt, sim_stop_ns());
	weft_runtime_join(seen.rt); /* nobody emits any more */
	seen.over = true;
	for (uint32_t i = 0; i < READERS; i++) {
		struct reader *r = &readers[i];

		weft_sim_thread_join(reading[i]);
		sim_check(r->told == weft_events_lost(r->sub), "told of %" PRIu64 ", lost %" PRIu64, r->told,
		          weft_events_lost(r->sub));
		sim_check(r->read + r->told == seen.emitted, "%" PRIu64 " read, %" PRIu64 " lost, of %" PRIu64, r->read,
		          r->told, seen.emitted);
		weft_events_unsubscribe(r->sub);
	}
	sim_runtime_end(seen.rt, 0);
}

const struct sim_scenario sim_events = {
	.name = "events",
	.what = "events into small rings, read at any pace",
	.faults = WEFT_SIM_ALL,
	.run = run,
};
