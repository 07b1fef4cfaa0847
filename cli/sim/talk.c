/* SPDX-License-Identifier: Apache-2.0 */
/* cli/sim/talk.c - the threads around agents: those who talk, the one who cancels, the one who ends and spawns. */
#include "cli/sim/talk.h"

#include <inttypes.h>

#include "cli/sim/late.h"
#include "cli/sim/sim.h"

#define ASKERS_MAX 3u

weft_ref sim_talk_agent(const struct sim_talk *talk)
{
	return talk->agents[weft_sim_choose(talk->agent_count)];
}

uint64_t sim_talk_workflow(struct sim_talk *talk)
{
	uint64_t id = weft_sim_choose(2) ? weft_workflow_id(talk->rt) : 0;

	if (id)
		talk->workflows[talk->next_workflow++ % SIM_TALK_WORKFLOWS] = id;
	return id;
}

static void agents_refresh(struct sim_talk *talk)
{
	for (uint32_t i = 0; i < talk->agent_count; i++) {
		int r;

		if (weft_actor_is_alive(talk->agents[i]))
			continue;
		r = weft_agent_spawn(talk->rt, talk->def, NULL, &talk->agents[i]);
		sim_check(r == 0 || r == -ENOMEM, "%s", weft_errname(r));
	}
}

static void *canceler(void *user)
{
	struct sim_talk *talk = user;

	while (sim_goes_on()) {
		uint64_t which = weft_sim_choose(20) ? talk->workflows[weft_sim_choose(SIM_TALK_WORKFLOWS)] : 0;
		int r = weft_agent_cancel(sim_talk_agent(talk), which);

		sim_check(r == 0 || r == -ESRCH || r == -ENOMEM, "%s", weft_errname(r));
		weft_sim_sleep(weft_sim_choose(SIM_MS / 2));
	}
	return NULL;
}

/* What handing the message over said. */
static int ask_once(struct sim_talk *talk, weft_future *f)
{
	weft_msg *answer;
	int r = talk->send(f);

	sim_check(r == 0 || r == -ENOMEM || r == -EAGAIN || r == -ESRCH || r == -ESHUTDOWN, "%s", weft_errname(r));
	if (r < 0)
		return r;
	talk->asked++;
	sim_check(weft_future_wait_until(f, &answer, WEFT_FOREVER) == 0, "wait");
	talk->answered++;
	weft_sim_note((uint64_t)(int64_t)weft_msg_status(answer));
	sim_check(weft_agent_result_of(answer) || weft_msg_status(answer) < 0, "no result, and no reason");
	talk->check(weft_agent_result_of(answer), weft_msg_status(answer));
	weft_msg_destroy(answer);
	return 0;
}

static void *asker(void *user)
{
	struct sim_talk *talk = user;
	weft_future *f;
	int r = 0;

	sim_insist(weft_future_create(talk->rt, &f));
	while (r != -ESHUTDOWN && sim_goes_on()) {
		bool guest = weft_sim_choose(4) == 0 && weft_guest_enter(talk->rt) == 0;

		for (uint64_t n = weft_sim_choose(4); n && r != -ESHUTDOWN; n--)
			r = ask_once(talk, f);
		if (guest)
			sim_check(weft_guest_leave(talk->rt) == 0, "leave");
		weft_sim_sleep(weft_sim_choose(SIM_MS));
	}
	weft_future_destroy(f);
	return NULL;
}

/* Agents are ended now and then, and there are new ones. */
static void unrest(struct sim_talk *talk)
{
	uint64_t stop_at = weft_sim_choose(2) ? UINT64_MAX : weft_now_ns() + weft_sim_choose(20 * SIM_MS);

	while (sim_goes_on() && weft_now_ns() < stop_at) {
		agents_refresh(talk);
		if (weft_sim_choose(8) == 0)
			(void)weft_actor_stop(sim_talk_agent(talk));
		weft_sim_sleep(weft_sim_choose(SIM_MS));
	}
}

static void check_laws(const struct sim_talk *talk)
{
	weft_agent_stats stats = { .size = sizeof(stats) };

	sim_check(weft_agent_stats_read(talk->def, &stats) == 0, "stats");
	sim_check(stats.runs_started == stats.runs_completed + stats.runs_failed + stats.runs_canceled,
	          "%" PRIu64 " began, %" PRIu64 " completed, %" PRIu64 " failed, %" PRIu64 " canceled", stats.runs_started,
	          stats.runs_completed, stats.runs_failed, stats.runs_canceled);
	sim_check(talk->asked == talk->answered, "%" PRIu64 " asked, %" PRIu64 " answered", talk->asked, talk->answered);
}

uint64_t sim_talk_askers(void)
{
	return 1 + weft_sim_choose(ASKERS_MAX);
}

void sim_talk(struct sim_talk *talk, uint64_t askers)
{
	uint64_t thread[ASKERS_MAX], canceling;

	agents_refresh(talk);
	sim_late_begin();
	canceling = sim_thread(canceler, talk);
	for (uint64_t i = 0; i < askers; i++)
		thread[i] = sim_thread(asker, talk);
	unrest(talk);
	weft_runtime_stop(talk->rt, sim_stop_ns());
	for (uint64_t i = 0; i < askers; i++)
		weft_sim_thread_join(thread[i]); /* each had its answers */
	weft_sim_thread_join(canceling);
	sim_runtime_end(talk->rt, WEFT_FOREVER);
	sim_late_end();
	check_laws(talk);
}
