/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench/result.h - rows of a run, and the file they are written to. The schema is bench/result.schema.json, version
 * BENCH_SCHEMA_VERSION; a file without a version is of version 1, and stays readable.
 */
#ifndef WEFT_BENCH_RESULT_H
#define WEFT_BENCH_RESULT_H

#include "bench/doctor.h"
#include "bench/goals.h"
#include "bench/outcome.h"

#define BENCH_SCHEMA_VERSION 2u

/* One line of a table, one entry of the file. Strings are borrowed. */
struct bench_row {
	const char *id, *group, *unit; /* unit NULL: a scenario */
	const struct bench_outcome *out;
	const char *suite, *description;
	const char *base; /* of ID@N: the ID; NULL: not of a sweep */
	uint32_t workers; /* 0: as many as cores */
};

/* One run. */
struct bench_result {
	const char *program; /* this binary, for its size */
	const struct bench_row *rows;
	uint32_t count;
	uint32_t rounds; /* that were asked for; an entry may have fewer */
	double wall_s;
	const struct bench_machine *machine; /* what it ran on; NULL: nobody looked */
	const struct bench_goal *goals;      /* that it answers; NULL: nobody asked */
	uint32_t goal_count;
};

/* The whole file. @return 0 or a negative error */
int bench_result_write(const char *path, const struct bench_result *result);

#endif
