/* SPDX-License-Identifier: Apache-2.0 */
/* bench/plan/work.h - what one agent does, and who starts them: between point.c and work.c. */
#ifndef WEFT_BENCH_PLAN_WORK_H
#define WEFT_BENCH_PLAN_WORK_H

#include "bench/plan/plan.h"

#define PLAN_SERVERS_MAX 32u
#define PLAN_RECENT 10u /* messages that go to the model */

struct plan_work_set { /* what the drivers of a process share; but for stop, read only while they run */
	const struct plan_run *run;
	weft_runtime *rt;
	weft_store *store; /* NULL: none */
	weft_uuid *rooms;  /* owned */
	uint32_t room_count;
	weft_uuid user_id, agent_id;
	weft_models *models[PLAN_SERVERS_MAX];
	weft_tools *tools;
	weft_agent_def *defs[PLAN_SERVERS_MAX]; /* one an endpoint */
	uint32_t def_count;
	_Atomic(bool) stop; /* closed drivers start no more */
	char fixture[64]; /* a file; "": none */
};

/* The answers of the endpoint, in a file, before any process is started. 0 or negative. */
int plan_work_fixture(struct plan_work_set *set, const struct plan_run *run);
/* Store, tools, models, definitions, over a runtime that is started. urls: of the endpoints; count 0: models inside. */
int plan_work_up(struct plan_work_set *set, const char *const *urls, uint32_t count, weft_error *err);
void plan_work_down(struct plan_work_set *set);

struct plan_driver_sum { /* what a driver found, within the window */
	_Atomic(uint64_t) started, ended; /* all; whoever asked reads them meanwhile */
	uint64_t failed;
	int status; /* of the first that failed */
	struct plan_ended {
		uint64_t due_ns;
		double added_ms; /* its time less its waits; a clock that is a little early makes it negative */
		uint32_t phase;
	} *agents; /* that were due in a window, as they ended; owned by whoever asked */
	uint32_t agent_count, agent_room;
};

struct plan_phase { /* of an open run: agents come at this rate */
	double rate;
	uint64_t from_ns, to_ns; /* the window: who is due in it counts */
	uint64_t end_ns;         /* then the next rate; the last of the window do not run alone */
};

struct plan_driver_start {
	struct plan_work_set *set;
	uint32_t index, drivers;
	uint64_t begin_ns; /* of weft_now_ns(), as in the phases */
	const struct plan_phase *phases; /* borrowed */
	uint32_t phase_count;            /* 0: closed */
	uint64_t warm_until_ns;          /* until then agents come at the rate of the last phase, and count for nothing */
	struct plan_driver_sum *sum;     /* written until the driver answers */
};

/* A driver, pinned to a worker. It answers reply_to when its last agent has ended. */
int plan_driver_start(const struct plan_driver_start *start, weft_reply_to reply_to);

/* ---- added.c ---- */

struct plan_seen { /* of an open run that is over; all borrowed */
	const struct plan_run *run;
	const struct plan_phase *phases; /* those of a cycle one after another */
	const struct plan_driver_sum *sums; /* one a worker */
	const struct plan_stall *stalls;
	uint32_t stall_count;
	uint32_t watched[PLAN_SIDES]; /* threads; 0: stalls are not known */
};

/* What the agents of a load took beyond their waits, all of them and those that met no stall. 0, -ENOMEM or -ENODATA: none was due. */
int plan_added_sum(const struct plan_seen *seen, uint32_t load, struct plan_point *p);

#endif
