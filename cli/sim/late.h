/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cli/sim/late.h - calls of handlers that one more thread finishes, at any moment: while the handler returns, much
 * later, or after the agent was ended.
 */
#ifndef WEFT_CLI_SIM_LATE_H
#define WEFT_CLI_SIM_LATE_H

#include <stdbool.h>
#include <stdint.h>

struct sim_late {
	void (*finish)(void *call);
	void *call;
	uint64_t told; /* a number that the one who put it here knows it by; or 0 */
};

/* False: the handler has to answer by itself. */
bool sim_late_has_room(void);
/* From here on the call may be finished at any moment. */
void sim_late_put(struct sim_late late);
/* Take back the one that is known by told. False: the thread is at it already, or will be. */
bool sim_late_take(uint64_t told, struct sim_late *ret_late);

/* The thread that finishes them, and its end: no handler runs any more, and what is left is finished now. */
void sim_late_begin(void);
void sim_late_end(void);

#endif
