/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench/compare/table.h - boxes around columns of text, of lines or of ASCII.
 *
 * Texts are put in cell by cell, row by row; the first row is the head. The first column stands left, the others right.
 * What is too wide loses its spare columns, one after the other; then the first one gives way.
 */
#ifndef WEFT_BENCH_COMPARE_TABLE_H
#define WEFT_BENCH_COMPARE_TABLE_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include <weft/alloc.h>

#define BENCH_TABLE_COLUMNS 100u /* of what is no terminal */
#define BENCH_TABLE_COLUMNS_MAX 200u
#define BENCH_TABLE_SPARE_MAX 4u

struct bench_table {
	weft_arena *arena;
	const char **cells; /* row by row */
	uint32_t columns, count, room;
	uint32_t spare[BENCH_TABLE_SPARE_MAX]; /* columns that may go, the first of them first; 0: no more */
	bool failed; /* out of memory: nothing is printed */
};

void bench_table_init(struct bench_table *t, weft_arena *arena, uint32_t columns);
void bench_table_put(struct bench_table *t, const char *fmt, ...) WEFT_PRINTF(2, 3);
/** @return how many columns were left out, or -ENOMEM */
int bench_table_print(const struct bench_table *t, FILE *to, bool ascii, uint32_t width_max);

/* Words in lines of a width; the second line and those after it are indented. */
struct bench_wrap {
	FILE *to;
	uint32_t width, column; /* column: after what was written by others */
	bool ascii, begun;
};

void bench_wrap_word(struct bench_wrap *l, const char *word);
void bench_wrap_words(struct bench_wrap *l, const char *text);

/** Columns of standard output: $COLUMNS, else those of the terminal, else BENCH_TABLE_COLUMNS; from 60 to 200. */
uint32_t bench_table_columns(void);
/** Does the environment speak UTF-8? LC_ALL, LC_CTYPE, LANG: the first that is set says so. */
bool bench_table_is_utf8(void);
/** Columns of a text: its code points. */
uint32_t bench_table_width(const char *text);
/** A text cut to so many columns, "…" or "~" where it was; with ascii, '?' for what is not. */
void bench_table_cut(const char *text, uint32_t width, bool ascii, char *buf, size_t size);
/** The same, cut in its middle: of ids, ends tell one from the next. */
void bench_table_cut_middle(const char *text, uint32_t width, bool ascii, char *buf, size_t size);

#endif
