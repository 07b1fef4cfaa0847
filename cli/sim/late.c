/* SPDX-License-Identifier: Apache-2.0 */
/* cli/sim/late.c - calls that another thread finishes: a few places, emptied in an order that the seed chooses. */
#include "cli/sim/late.h"

#include "cli/sim/sim.h"

#define PLACES 32u

static struct {
	struct sim_late calls[PLACES];
	uint32_t count;
	bool over;
	uint64_t thread;
} waiting;

static struct sim_late take_at(uint32_t i)
{
	struct sim_late late = waiting.calls[i];

	waiting.calls[i] = waiting.calls[--waiting.count];
	return late;
}

bool sim_late_has_room(void)
{
	return waiting.count < PLACES;
}

void sim_late_put(struct sim_late late)
{
	sim_check(sim_late_has_room(), "a handler did not ask");
	waiting.calls[waiting.count++] = late;
}

bool sim_late_take(uint64_t told, struct sim_late *ret_late)
{
	for (uint32_t i = 0; i < waiting.count; i++) {
		if (waiting.calls[i].told == told) {
			*ret_late = take_at(i);
			return true;
		}
	}
	return false;
}

static void *finisher(void *user)
{
	(void)user;
	for (;;) {
		bool last = waiting.over;

		while (waiting.count && (last || weft_sim_choose(3))) {
			struct sim_late late = take_at((uint32_t)weft_sim_choose(waiting.count));

			late.finish(late.call);
		}
		if (last)
			return NULL;
		weft_sim_sleep(weft_sim_choose(SIM_MS));
	}
}

void sim_late_begin(void)
{
	waiting.thread = sim_thread(finisher, NULL);
}

void sim_late_end(void)
{
	waiting.over = true;
	weft_sim_thread_join(waiting.thread);
}
