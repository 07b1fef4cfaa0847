/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench/select.h - which entries a run has: those of the suites that were asked for and that match the filter, and what
 * scales of them with 1, 2, .. workers where a sweep was asked for.
 */
#ifndef WEFT_BENCH_SELECT_H
#define WEFT_BENCH_SELECT_H

#include "bench/bench.h"

struct bench_entry {
	const char *id, *group, *description, *suite;
	const struct bench_scenario *scenario; /* one of the two */
	const struct bench_micro *micro;
	const char *base; /* of ID@N; NULL: not of a sweep */
	uint32_t workers; /* N; 0: as many as were asked for */
};

struct bench_selection {
	struct bench_file file;
	struct bench_entry *entries;
	uint32_t count;
	char **names; /* of the sweep; owned */
	uint32_t name_count;
};

/* cores: the most workers of a sweep. @return 0, or -1 after a word on stderr; *ret is to be freed either way */
int bench_select(const struct bench_options *opt, uint32_t cores, struct bench_selection *ret);
void bench_selection_free(struct bench_selection *s);

/* Is `suite` in the list "a,b,c", or the list "all"? */
bool bench_suite_is_in(const char *list, const char *suite);

/* Iterations and warm-up of an entry, as the command line or itself says. */
void bench_entry_counts(const struct bench_options *opt, const struct bench_selection *s, const struct bench_entry *e,
                        uint32_t *ret_iterations, uint32_t *ret_warmup);

/* The entry whose run measures what this one does, so that it needs none of its own; NULL: none of them. */
const struct bench_entry *bench_entry_same(const struct bench_selection *s, const struct bench_entry *e);

#endif
