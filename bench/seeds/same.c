/* SPDX-License-Identifier: Apache-2.0 */
/* bench/seeds/same.c - an item of another suite, or a scenario, run under a name of this one. */
#include "bench/seeds/seeds.h"

#include <string.h>

static const struct bench_micro *find_in(const struct bench_micro *list, uint32_t count, const char *id)
{
	for (uint32_t i = 0; i < count; i++) {
		if (!strcmp(list[i].id, id))
			return &list[i];
	}
	return NULL;
}

static const struct bench_micro *find(const char *id)
{
	const struct bench_micro *m = find_in(bench_micros, bench_micro_count, id);

	m = m ? m : find_in(bench_actors, bench_actor_count, id);
	m = m ? m : find_in(bench_memories, bench_memory_count, id);
	return m ? m : find_in(bench_ios, bench_io_count, id);
}

static void run_scenario(const struct bench_options *opt, const char *id, struct bench_outcome *out)
{
	struct bench_file file;
	weft_error err = { 0 };

	bench_outcome_begin(out, 0, 0);
	if (bench_file_load(NULL, &file, &err) < 0) {
		bench_fail(out, "%s", err.message);
		return;
	}
	for (uint32_t i = 0; i < file.count; i++) {
		const struct bench_scenario *s = &file.scenarios[i];

		if (strcmp(s->id, id) != 0)
			continue;
		if (s->config.startup_only || s->config.agents_ms || s->config.db[0])
			bench_system_run(opt, s, out);
		else
			bench_scenario_run(opt, s, out);
		bench_file_free(&file);
		return;
	}
	bench_file_free(&file);
	bench_fail(out, "no item '%s'", id);
}

void seeds_same_run(const struct bench_options *opt, const struct bench_micro *self, struct bench_outcome *out)
{
	const struct seeds_same *same = self->detail;
	const struct bench_micro *m = find(same->id);
	struct bench_options one = *opt;

	one.workers = same->workers ? same->workers : opt->workers;
	if (m)
		bench_micro_run(&one, m, out);
	else
		run_scenario(&one, same->id, out);
}
