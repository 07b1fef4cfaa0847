/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench/page/chart.h - one chart in SVG: a frame with two axes, and what is drawn into it.
 *
 * A chart is 360 units wide, which is a phone's width: text stays readable there, and wide screens show several in a row.
 * Colours are classes (s0 .. s5), so that the page's style has a set for light and one for dark.
 */
#ifndef WEFT_BENCH_PAGE_CHART_H
#define WEFT_BENCH_PAGE_CHART_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <weft/base.h>

struct chart_axis {
	const char *name;
	char *(*text)(double value, char *buf); /* as html.h's */
	double low, high;                       /* set by chart_fit */
	bool log;
	bool whole; /* its marks are whole numbers: of workers there is no half */
};

struct chart {
	FILE *to;
	struct chart_axis x, y;
};

/* Make an axis hold a value; what is not finite, and for logarithms what is not above 0, is left out. Begin with none. */
void chart_none(struct chart_axis *axis, const char *name, char *(*text)(double, char *), bool log);
void chart_hold(struct chart_axis *axis, double value);
/* And an interval about it, as far as it would not flatten everything else. */
void chart_hold_interval(struct chart_axis *axis, double value, double low, double high);

/* Round the axes out and draw them. caption: what the chart shows, also for who cannot see it. */
void chart_begin(struct chart *c, const char *title, const char *caption);
void chart_end(struct chart *c);

/* What is outside the axes is drawn at their edge; points that are no numbers are left out. */
void chart_line(struct chart *c, const double *x, const double *y, size_t n, unsigned colour, bool dashed);
void chart_band(struct chart *c, const double *x, const double *low, const double *high, size_t n, unsigned colour);
/* A point that says something when it is pointed at; a large one has the shape of its colour, too, for who cannot tell colours apart. */
void chart_point(struct chart *c, double x, double y, double radius, unsigned colour, const char *fmt, ...) WEFT_PRINTF(6, 7);
void chart_whisker(struct chart *c, double x, double low, double high, unsigned colour);
/* An upright line with words. */
void chart_mark(struct chart *c, double x, const char *words);
/* A bar that begins at the right edge and grows to the left: a distribution beside what it is of. share: 0 .. 1. */
void chart_side_bar(struct chart *c, double low, double high, double share, const char *fmt, ...) WEFT_PRINTF(5, 6);
/* Names of the colours, with their shapes, under the chart; after chart_end. */
void chart_legend(FILE *to, const char *const *names, unsigned count);

/* The marks of an axis: values that people count in. @return how many, at most max */
size_t chart_ticks(const struct chart_axis *axis, double *ret, size_t max);

#endif
