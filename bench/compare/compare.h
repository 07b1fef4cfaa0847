/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench/compare/compare.h - result files side by side: what `weft compare` calls, and what its files share.
 *
 *   main.c       files in, report out: the command without its options
 *   compare.c    rows: an entry's figure in each file, its ratio, its interval, the verdict; what is missing, and why
 *   machines.c   were the files measured on one machine, and was it quiet?
 *   winners.c    who is best at what: six categories
 *   table.c      boxes around columns
 *   text.c, notes.c, heat.c   the report for people    json.c   the report for programs
 *   merge.c      runs of one runtime on one machine become one file
 *
 * A ratio is one of costs: above 1 is worse, whatever is measured; of a figure of which more is better it is turned over.
 */
#ifndef WEFT_BENCH_COMPARE_COMPARE_H
#define WEFT_BENCH_COMPARE_COMPARE_H

#include <stdio.h>

#include "bench/results.h"
#include "bench/stat/verdict.h"

#define BENCH_COMPARE_FILES_MAX 16u
#define BENCH_COMPARE_THRESHOLD 0.05
#define BENCH_COMPARE_CONFIDENCE 0.95

enum { BENCH_COMPARE_FINE = 0, BENCH_COMPARE_REGRESSION = 1, BENCH_COMPARE_WRONG = 2 }; /* exit statuses */

struct bench_compare_options {
	const char *paths[BENCH_COMPARE_FILES_MAX]; /* borrowed, as all texts here */
	uint32_t count;
	const char *names; /* "a,b,c"; NULL: after the runtimes */
	const char *
	        reference; /* a name; NULL: the fastest, or the first file where regressions are looked for */
	const char *filter; /* glob over ids; NULL: all */
	double threshold;   /* differences below do not matter; 0.05 is five percent */
	uint32_t columns;   /* that the report keeps within; 0: BENCH_TABLE_COLUMNS */
	bool fail_on_regression, ascii, json, merge, force;
};

/** The whole command. @return its exit status; what is wrong was said on err_to */
int bench_compare_main(const struct bench_compare_options *opt, FILE *to, FILE *err_to);

/* ---- what came out ------------------------------------------------------------------------- */

/* Why something is not in the report. */
enum bench_compare_gap {
	BENCH_GAP_NONE = 0,
	BENCH_GAP_FAILED,    /* the entry has an error */
	BENCH_GAP_FIGURE,    /* neither times nor a rate nor bytes */
	BENCH_GAP_OTHER,     /* another kind of figure than the others' */
	BENCH_GAP_ZERO,      /* a figure of 0 has no ratio */
	BENCH_GAP_REFERENCE, /* the reference has no figure */
	BENCH_GAP_RAW,       /* no values to judge by */
	BENCH_GAP_FEW,       /* too few values to judge by */
	BENCH_GAP_ONE,       /* one figure for all, not several values */
	BENCH_GAP_P99,
	BENCH_GAP_RATE,
	BENCH_GAP_MEMORY,
	BENCH_GAP_COUNT
};

/** As a sentence's end: "no latency.raw_ms, so no interval and no verdict". */
const char *bench_compare_gap_text(enum bench_compare_gap gap);

enum bench_compare_metric {
	BENCH_METRIC_NONE = 0,
	BENCH_METRIC_MEDIAN,
	BENCH_METRIC_RATE,
	BENCH_METRIC_BYTES
};

/** Its path in the file: "latency.median_ms". */
const char *bench_compare_metric_text(enum bench_compare_metric metric);

struct bench_compare_cell {
	const struct bench_results_entry *entry; /* NULL: the file does not have it */
	double figure;                           /* NAN: none, and gap says why */
	double ratio;                            /* of costs, to the row's base; NAN: none */
	struct bench_interval interval;          /* of the ratio; NAN: none */
	enum bench_verdict_kind verdict;         /* of this file against the base; of the base itself NOISE */
	enum bench_compare_gap gap; /* why there is no figure, no ratio or no verdict; the first of them */
};

struct bench_compare_row {
	const char *id;
	enum bench_compare_metric metric;
	bool lower_is_better;
	int base;    /* file that ratios are to; -1: none has a figure */
	int fastest; /* file with the best figure; -1: none */
	struct bench_compare_cell cells[BENCH_COMPARE_FILES_MAX];
};

struct bench_compare_file {
	const struct bench_results *results; /* borrowed */
	const char *name;
};

enum bench_compare_category {
	BENCH_LATENCY,
	BENCH_THROUGHPUT,
	BENCH_MEMORY,
	BENCH_STARTUP,
	BENCH_SCALE,
	BENCH_CATEGORIES
};

struct bench_compare_winner {
	int file;           /* -1: nobody */
	bool tie;           /* the second is within the threshold */
	uint32_t scenarios; /* that all of the files have, and that were counted */
	double score
	        [BENCH_COMPARE_FILES_MAX]; /* geometric mean of cost over the best cost; NAN: not counted */
	double growth
	        [BENCH_COMPARE_FILES_MAX]; /* of scale: of the cost, from the smallest to the largest; else NAN */
};

struct bench_compare {
	struct bench_compare_file files[BENCH_COMPARE_FILES_MAX];
	uint32_t count;
	int reference; /* file; -1: each row's fastest */
	double threshold;
	bool fail_on_regression;
	uint32_t columns; /* of the report */
	struct bench_compare_row *rows; /* of entries that two files have at least */
	uint32_t row_count;
	struct bench_compare_winner winners[BENCH_CATEGORIES];
	const char *warnings[BENCH_COMPARE_FILES_MAX * 3];
	uint32_t warning_count;
	weft_arena *arena; /* owns all of the above */
};

/**
 * Compare results that were read; they stay the caller's and have to live as long.
 * @param opt names, reference, filter, threshold
 * @return 0, -EINVAL (err says what: a name twice, no such reference, nothing in common), -ENOMEM
 */
int bench_compare_make(const struct bench_results *const *results, uint32_t count,
                       const struct bench_compare_options *opt, struct bench_compare **ret, weft_error *err);
/** NULL is fine. */
void bench_compare_free(struct bench_compare *c);

/** Surely slower than the reference, or failed where that did not; only of a file of the reference's runtime. */
bool bench_compare_is_regression(const struct bench_compare *c, const struct bench_compare_row *row,
                                 uint32_t file);
uint32_t bench_compare_regressions(const struct bench_compare *c);

/* machines.c */
int bench_compare_machines(struct bench_compare *c);
/** How two machines differ, as a list in words; empty: nothing that the files say. */
void bench_compare_difference(const struct bench_results *a, const struct bench_results *b, char *buf,
                              size_t size);

/* winners.c */
void bench_compare_winners(struct bench_compare *c);
extern const char *const bench_compare_categories[BENCH_CATEGORIES]; /* their names */
extern const char *const bench_compare_meanings[BENCH_CATEGORIES];   /* what is counted */

/* text.c: -ENOMEM, or 0; notes.c, heat.c */
int bench_compare_text(FILE *to, const struct bench_compare *c, bool ascii);
void bench_compare_notes(FILE *to, const struct bench_compare *c, bool ascii);
void bench_compare_heat(FILE *to, const struct bench_compare *c, bool ascii);
/** The text of a figure, or "-". */
void bench_compare_figure(enum bench_compare_metric metric, double figure, char *buf, size_t size);

/* json.c */
int bench_compare_json(FILE *to, const struct bench_compare *c);

/* merge.c: the merged file to `to`. -EINVAL with err: they do not belong together. */
int bench_compare_merge(const struct bench_results *const *results, uint32_t count, bool force, FILE *to,
                        FILE *err_to, weft_error *err);

#endif
