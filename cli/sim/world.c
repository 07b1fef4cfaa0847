/* SPDX-License-Identifier: Apache-2.0 */
/* cli/sim/world.c - what scenarios have in common: a runtime from the seed, its end, insisting. */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "cli/sim/sim.h"

static bool had_threads; /* besides the host's first */

void sim_fail(const char *file, int line, const char *fmt, ...)
{
	va_list args;

	fprintf(stderr, "%s:%d: ", file, line);
	va_start(args, fmt);
	vfprintf(stderr, fmt, args);
	va_end(args);
	fprintf(stderr, " (step %" PRIu64 ", hash %016" PRIx64 ")\n", weft_sim_steps(), weft_sim_hash());
	fflush(stderr);
	_Exit(SIM_FAILED);
}

static void on_fault(const char *what, const char *file, int line, void *user)
{
	(void)user;
	sim_fail(file, line, "invariant: %s", what);
}

static weft_runtime *try_runtime(const weft_runtime_options *opt)
{
	weft_runtime *rt = NULL;
	int r = weft_runtime_create(opt, &rt);

	if (r == 0)
		r = weft_runtime_start(rt);
	if (r == 0)
		return rt;
	sim_check(r == -ENOMEM || r == -EAGAIN || r == -EMFILE, "%s", weft_errname(r));
	weft_runtime_destroy(rt);
	return NULL;
}

weft_runtime *sim_runtime(void)
{
	weft_runtime_options opt = WEFT_RUNTIME_OPTIONS_INIT;
	weft_runtime *rt;

	opt.workers = 1 + (uint32_t)weft_sim_choose(4);
	opt.actors_max = 1024u << weft_sim_choose(3);
	opt.budget_msgs = 1 + (uint32_t)weft_sim_choose(64);
	opt.mailbox_msgs = 1 + (uint32_t)weft_sim_choose(64);
	opt.spin_ns = weft_sim_choose(2) ? 0 : 1 + weft_sim_choose(50000);
	opt.steal_delay_ns = 1 + weft_sim_choose(20000);
	opt.event_ring_bytes = 4096;
	opt.fault = on_fault;
	do
		rt = try_runtime(&opt);
	while (!rt);
	return rt;
}

bool sim_runtime_end(weft_runtime *rt, uint64_t timeout_ns)
{
	weft_runtime_stats s = { .size = sizeof(s) };
	int r;

	sim_check(weft_runtime_stop(rt, timeout_ns) == 0, "stop");
	r = weft_runtime_join(rt);
	sim_check(r == 0 || r == -ETIMEDOUT, "%s", weft_errname(r));
	sim_check(weft_runtime_stats_read(rt, &s) == 0, "stats");
	sim_check(s.msgs_sent == s.msgs_handled + s.msgs_dropped,
	          "sent %" PRIu64 ", handled %" PRIu64 ", dropped %" PRIu64, s.msgs_sent, s.msgs_handled, s.msgs_dropped);
	sim_check(s.actors_spawned == s.actors_ended, "spawned %" PRIu64 ", ended %" PRIu64, s.actors_spawned,
	          s.actors_ended);
	/* what other threads finish or take back after the halt is not counted any more */
	sim_check(had_threads || s.requests_open == 0, "%" PRIu64 " open", s.requests_open);
	weft_sim_note(s.msgs_handled);
	weft_sim_note(s.steals);
	weft_sim_note(s.parks);
	weft_runtime_destroy(rt);
	return r == 0;
}

uint64_t sim_stop_ns(void)
{
	uint64_t choice = weft_sim_choose(3);

	return choice == 0 ? 0 : choice == 1 ? weft_sim_choose(5 * SIM_MS) : WEFT_FOREVER;
}

uint64_t sim_thread(void *(*fn)(void *user), void *user)
{
	uint64_t thread;
	int r;

	while ((r = weft_sim_thread_start(fn, user, &thread)) == -EAGAIN || r == -ENOMEM)
		weft_sim_sleep(1);
	sim_check(r == 0, "%s", weft_errname(r));
	had_threads = true;
	return thread;
}

weft_ref sim_spawn(weft_runtime *rt, const weft_actor_class *cls, const void *init)
{
	weft_ref ref;
	int r;

	while ((r = weft_actor_spawn(rt, cls, init, &ref)) == -ENOMEM)
		weft_sim_sleep(1);
	sim_check(r == 0, "%s", weft_errname(r));
	return ref;
}

weft_msg *sim_msg(uint32_t kind, size_t len_bytes)
{
	weft_msg *m;

	while (!(m = weft_msg_create(kind, len_bytes)))
		;
	return m;
}
