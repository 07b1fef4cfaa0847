/* SPDX-License-Identifier: Apache-2.0 */
/* bench/fixture.h - a fresh runtime with one agent in it, as a scenario's config asks for. */
#ifndef WEFT_BENCH_FIXTURE_H
#define WEFT_BENCH_FIXTURE_H

#include "bench/bench.h"

struct bench_fixture {
	weft_runtime *rt;
	weft_store *store;
	weft_models *models;
	weft_agent_def *def;
	const weft_character *character;
	weft_subscription *events; /* NULL: nobody listens */
	weft_ref agent;
	weft_uuid agent_id, user_id, world_id;
	weft_uuid *rooms;
	uint32_t room_count;
};

/** @return 0, or a negative error; half-built fixtures are taken down by bench_fixture_down. */
int bench_fixture_up(struct bench_fixture *f, const struct bench_options *opt, const struct bench_scenario *s,
                     weft_error *err);
void bench_fixture_down(struct bench_fixture *f);

/** A runtime of opt->workers, started. */
int bench_runtime_up(const struct bench_options *opt, weft_runtime **ret_rt);

/** Memories in the store's history of a room, as old as there are. */
int bench_history_fill(struct bench_fixture *f, weft_uuid room, uint32_t count);

#endif
