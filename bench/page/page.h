/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench/page/page.h - a result as one HTML page: nothing is loaded from anywhere, charts are SVG, and without a script
 * it only lacks what a tap on a point says.
 *
 *   page.c      the page: its parts in order, style.css and script.js inside
 *     summary.c   what ran, on what machine, and what to look at first
 *     goals.c     what the figures should come to; a part of the summary
 *     changes.c   what became slower or faster since the run before; the same
 *     workers.c   what more workers bring, with the scalability law
 *     load.c      latency against offered load, with the knee
 *     stages.c    where a message's time goes
 *     sizes.c     what grows with a history, a number of providers, agents at once
 *     memory.c    resident memory
 *     published.c figures that others published
 *     peers.c     other runtimes beside it
 *     entries.c   every entry: its figures, their distribution, their trend over earlier runs
 *   chart.c     axes, lines, points in SVG      html.c   text that strangers wrote, escaped; numbers as people read them
 *   keep.c      results of earlier runs, kept small
 */
#ifndef WEFT_BENCH_PAGE_PAGE_H
#define WEFT_BENCH_PAGE_PAGE_H

#include <stdio.h>

#include "bench/results.h"

struct bench_page { /* all the caller's */
	const struct bench_results *run;
	const struct bench_results *const *earlier; /* of the same runtime, the oldest first */
	uint32_t earlier_count;
	const struct bench_results *const *peers; /* of other runtimes */
	uint32_t peer_count;
};

/** @return 0 or -EIO */
int bench_page_write(FILE *to, const struct bench_page *page);

/* keep.c */
#define BENCH_KEPT_MAX 200u /* files that are kept and read; the oldest go */

/**
 * Copy a result file into a folder, which is made when missing, without its raw values: named by its time, so that the
 * same run is kept once. Of files named so the oldest go; others are left alone.
 * @return 0, -errno, WEFT_EPARSE, WEFT_ECONFIG; err says what is wrong with what
 */
int bench_keep(const char *path, const char *folder, weft_error *err);
/**
 * The results in a folder that a runtime wrote on a machine with this fingerprint before a time, oldest first. Files that
 * cannot be read are left out and counted.
 * @param ret_list owned by the caller: bench_kept_free
 * @return how many, or -errno; a folder that is not there holds none
 */
int bench_kept_load(const char *folder, const struct bench_results *run, struct bench_results ***ret_list, uint32_t *ret_bad);
void bench_kept_free(struct bench_results **list, int count);

#endif
