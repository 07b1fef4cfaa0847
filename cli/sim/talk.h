/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cli/sim/talk.h - agents that several threads talk to, while one more cancels their runs and the caller ends them
 * and spawns them anew.
 *
 * Each message that was accepted has one answer; each run that began is completed, failed or canceled.
 */
#ifndef WEFT_CLI_SIM_TALK_H
#define WEFT_CLI_SIM_TALK_H

#include <weft/weft.h>

#define SIM_TALK_AGENTS_MAX 3u
#define SIM_TALK_WORKFLOWS 8u

struct sim_talk {
	weft_runtime *rt;    /* the scenario's; sim_talk ends it */
	weft_agent_def *def; /* the scenario's */
	uint32_t agent_count;
	/* Hand one message over, to sim_talk_agent(), and say how that went; look at the result, or NULL, of one that came. */
	int (*send)(weft_future *to);
	void (*check)(const weft_agent_result *result, int status);

	/* sim_talk's own */
	weft_ref agents[SIM_TALK_AGENTS_MAX];
	uint64_t asked, answered;
	uint64_t workflows[SIM_TALK_WORKFLOWS]; /* ids that runs were given */
	uint32_t next_workflow;
};

/* How many threads will talk. */
uint64_t sim_talk_askers(void);
/* Talk until the steps are used up or the seed says so, end the runtime, and check the laws above. */
void sim_talk(struct sim_talk *talk, uint64_t askers);

/* For send: one of the agents, that may have ended; an id for the run, which somebody may cancel, or 0. */
weft_ref sim_talk_agent(const struct sim_talk *talk);
uint64_t sim_talk_workflow(struct sim_talk *talk);

#endif
