/* SPDX-License-Identifier: Apache-2.0 */
/* bench/page/chart.c - see chart.h. */
#include "bench/page/chart.h"

#include <float.h>
#include <math.h>
#include <stdarg.h>
#include <string.h>

#include "bench/page/html.h"

#define WIDTH 360.0
#define HEIGHT 230.0
#define LEFT 58.0
#define RIGHT 350.0
#define TOP 24.0
#define BOTTOM 190.0
#define TICKS 8u
#define INTERVAL_TIMES 2.5 /* a farther end is drawn at the edge */
#define COLOURS 6u
#define SHAPED 3.0 /* a smaller point is a dot, whatever its shape */
#define SIDE 60.0 /* the longest side bar */

/* ---- axes ----------------------------------------------------------------------------------- */

void chart_none(struct chart_axis *axis, const char *name, char *(*text)(double, char *), bool log)
{
	*axis = (struct chart_axis){ .name = name, .text = text, .low = DBL_MAX, .high = -DBL_MAX, .log = log };
}

void chart_hold(struct chart_axis *axis, double value)
{
	if (!isfinite(value) || (axis->log && value <= 0))
		return;
	axis->low = fmin(axis->low, value);
	axis->high = fmax(axis->high, value);
}

void chart_hold_interval(struct chart_axis *axis, double value, double low, double high)
{
	chart_hold(axis, value);
	chart_hold(axis, fmax(low, value / INTERVAL_TIMES));
	chart_hold(axis, fmin(high, value * INTERVAL_TIMES));
}

/* 1, 2 or 5 times a power of ten that cuts the range into about five. */
static double step_of(double range)
{
	double rough = range / 5, power = pow(10, floor(log10(rough))), m = rough / power;

	return power * (m < 1.5 ? 1 : m < 3.5 ? 2 : m < 7.5 ? 5 : 10);
}

static void round_out(struct chart_axis *a)
{
	if (a->low > a->high) { /* nothing to show */
		a->low = 1;
		a->high = 10;
	}
	if (a->log) {
		a->low /= 1.15;
		a->high *= 1.15;
		return;
	}
	if (a->low > 0 && a->low < a->high * 0.6)
		a->low = 0;
	if (a->high <= a->low) {
		double by = a->low != 0 ? fabs(a->low) * 0.1 : 1;

		a->low -= a->low > 0 && a->low <= by ? a->low : by;
		a->high += by;
	} else {
		double by = (a->high - a->low) * 0.05;

		a->high += by;
		a->low -= a->low > 0 ? fmin(by, a->low) : 0;
	}
}

static size_t log_ticks(const struct chart_axis *a, double *ret, size_t max)
{
	static const double within[] = { 1, 2, 5 };
	double decades = log10(a->high / a->low), every = ceil(decades / 6);
	size_t n = 0;

	for (double e = floor(log10(a->low)); e <= ceil(log10(a->high)) && n < max; e += every > 1 ? every : 1) {
		for (int i = 0; i < (decades < 2.5 ? 3 : 1) && n < max; i++) {
			double v = within[i] * pow(10, e);

			if (v >= a->low && v <= a->high)
				ret[n++] = v;
		}
	}
	return n;
}

size_t chart_ticks(const struct chart_axis *a, double *ret, size_t max)
{
	double step, first;
	size_t n = 0;

	if (a->log)
		return log_ticks(a, ret, max);
	step = step_of(a->high - a->low);
	if (a->whole)
		step = fmax(step, 1);
	first = ceil(a->low / step - 1e-9);
	for (double i = first; i * step <= a->high + step * 1e-9 && n < max; i++)
		ret[n++] = i * step + 0.0; /* no -0 */
	return n;
}

static double part(const struct chart_axis *a, double v)
{
	double p = a->log ? log(v / a->low) / log(a->high / a->low) : (v - a->low) / (a->high - a->low);

	return p < 0 ? 0 : p > 1 ? 1 : p;
}

static double at_x(const struct chart *c, double v)
{
	return LEFT + part(&c->x, v) * (RIGHT - LEFT);
}

static double at_y(const struct chart *c, double v)
{
	return BOTTOM - part(&c->y, v) * (BOTTOM - TOP);
}

static bool drawable(const struct chart *c, double x, double y)
{
	return isfinite(x) && isfinite(y) && (!c->x.log || x > 0) && (!c->y.log || y > 0);
}

/* ---- the frame --------------------------------------------------------------------------------- */

/* "1.00 k" -> "1 k": a mark is a round number. */
static char *trimmed(char *text)
{
	char *point = strchr(text, '.'), *end = point ? point + 1 : NULL, *keep = point;

	if (!point)
		return text;
	for (; *end >= '0' && *end <= '9'; end++)
		keep = *end != '0' ? end + 1 : keep;
	memmove(keep, end, strlen(end) + 1);
	return text;
}

static void ticks_x(struct chart *c)
{
	double ticks[TICKS * 2], last = -DBL_MAX;
	size_t n = chart_ticks(&c->x, ticks, TICKS * 2);
	char buf[HTML_NUMBER];

	for (size_t i = 0; i < n; i++) {
		double x = at_x(c, ticks[i]);

		fprintf(c->to, "<line class=\"tick\" x1=\"%.1f\" x2=\"%.1f\" y1=\"%.1f\" y2=\"%.1f\"/>", x, x, BOTTOM, BOTTOM + 4);
		if (x - last < 40)
			continue;
		last = x;
		fprintf(c->to, "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"middle\">%s</text>", x, BOTTOM + 16,
		        trimmed(c->x.text(ticks[i], buf)));
	}
}

static void ticks_y(struct chart *c)
{
	double ticks[TICKS * 2], last = DBL_MAX;
	size_t n = chart_ticks(&c->y, ticks, TICKS * 2);
	char buf[HTML_NUMBER];

	for (size_t i = 0; i < n; i++) {
		double y = at_y(c, ticks[i]);

		fprintf(c->to, "<line class=\"grid\" x1=\"%.1f\" x2=\"%.1f\" y1=\"%.1f\" y2=\"%.1f\"/>", LEFT, RIGHT, y, y);
		if (last - y < 12)
			continue;
		last = y;
		fprintf(c->to, "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"end\">%s</text>", LEFT - 5, y + 3.5,
		        trimmed(c->y.text(ticks[i], buf)));
	}
}

/* That of the upright axis stands above it, where nobody takes it for the other's. */
static void axis_name(struct chart *c, const struct chart_axis *axis, double x, double y, const char *anchor)
{
	fprintf(c->to, "<text class=\"name\" x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\">", x, y, anchor);
	html_text(c->to, axis->name);
	fputs(axis->log ? ", logarithmic</text>\n" : "</text>\n", c->to);
}

void chart_begin(struct chart *c, const char *title, const char *caption)
{
	round_out(&c->x);
	round_out(&c->y);
	fputs("<figure class=\"chart\"><figcaption><b>", c->to);
	html_text(c->to, title);
	fputs("</b> ", c->to);
	html_text(c->to, caption);
	fprintf(c->to, "</figcaption><svg viewBox=\"0 0 %.0f %.0f\" role=\"img\" aria-label=\"", WIDTH, HEIGHT);
	html_textf(c->to, "%s: %s", title, caption);
	fputs("\">", c->to);
	ticks_y(c);
	ticks_x(c);
	fprintf(c->to, "<line class=\"axis\" x1=\"%.1f\" x2=\"%.1f\" y1=\"%.1f\" y2=\"%.1f\"/>", LEFT, RIGHT, BOTTOM, BOTTOM);
	fprintf(c->to, "<line class=\"axis\" x1=\"%.1f\" x2=\"%.1f\" y1=\"%.1f\" y2=\"%.1f\"/>", LEFT, LEFT, TOP, BOTTOM);
	axis_name(c, &c->x, RIGHT, BOTTOM + 33, "end");
	axis_name(c, &c->y, 2, TOP - 12, "start");
}

void chart_end(struct chart *c)
{
	fputs("</svg></figure>\n", c->to);
}

void chart_legend(FILE *to, const char *const *names, unsigned count)
{
	fputs("<p class=\"legend\">", to);
	for (unsigned i = 0; i < count; i++) {
		fprintf(to, "<span class=\"s%u\">", i % COLOURS);
		html_text(to, names[i]);
		fputs("</span> ", to);
	}
	fputs("</p>\n", to);
}

/* ---- what is drawn -------------------------------------------------------------------------------- */

void chart_line(struct chart *c, const double *x, const double *y, size_t n, unsigned colour, bool dashed)
{
	bool open = false;

	for (size_t i = 0; i < n; i++) {
		if (!drawable(c, x[i], y[i]))
			continue;
		if (!open)
			fprintf(c->to, "<polyline class=\"line s%u%s\" points=\"", colour % COLOURS, dashed ? " dashed" : "");
		open = true;
		fprintf(c->to, "%.1f,%.1f ", at_x(c, x[i]), at_y(c, y[i]));
	}
	if (open)
		fputs("\"/>\n", c->to);
}

void chart_band(struct chart *c, const double *x, const double *low, const double *high, size_t n, unsigned colour)
{
	fprintf(c->to, "<polygon class=\"band s%u\" points=\"", colour % COLOURS);
	for (size_t i = 0; i < n; i++) {
		if (drawable(c, x[i], high[i]))
			fprintf(c->to, "%.1f,%.1f ", at_x(c, x[i]), at_y(c, high[i]));
	}
	for (size_t i = n; i-- > 0;) {
		if (drawable(c, x[i], low[i]))
			fprintf(c->to, "%.1f,%.1f ", at_x(c, x[i]), at_y(c, low[i]));
	}
	fputs("\"/>\n", c->to);
}

static void say(FILE *to, const char *fmt, va_list args)
{
	char text[512];

	vsnprintf(text, sizeof(text), fmt, args);
	fputs("<title>", to);
	html_text(to, text);
	fputs("</title>", to);
}

/* Around 0, 0 with about the area of a circle of radius 1; the others' points are circles. */
static const char *const shapes[COLOURS] = {
	[1] = "M-.9-.9h1.8v1.8h-1.8z",
	[2] = "M0-1.3L1.15.75H-1.15z",
	[3] = "M0-1.3L1.3 0 0 1.3-1.3 0z",
	[4] = "M0 1.3L1.15-.75H-1.15z",
};

void chart_point(struct chart *c, double x, double y, double radius, unsigned colour, const char *fmt, ...)
{
	const char *shape = radius >= SHAPED ? shapes[colour % COLOURS] : NULL;
	va_list args;

	if (!drawable(c, x, y))
		return;
	if (shape)
		fprintf(c->to, "<path class=\"dot s%u\" transform=\"translate(%.1f %.1f) scale(%.1f)\" d=\"%s\">", colour % COLOURS,
		        at_x(c, x), at_y(c, y), radius, shape);
	else
		fprintf(c->to, "<circle class=\"dot s%u\" cx=\"%.1f\" cy=\"%.1f\" r=\"%.1f\">", colour % COLOURS, at_x(c, x),
		        at_y(c, y), radius);
	va_start(args, fmt);
	say(c->to, fmt, args);
	va_end(args);
	fputs(shape ? "</path>" : "</circle>", c->to);
}

void chart_whisker(struct chart *c, double x, double low, double high, unsigned colour)
{
	if (drawable(c, x, low) && drawable(c, x, high))
		fprintf(c->to, "<line class=\"line s%u\" x1=\"%.1f\" x2=\"%.1f\" y1=\"%.1f\" y2=\"%.1f\"/>", colour % COLOURS,
		        at_x(c, x), at_x(c, x), at_y(c, low), at_y(c, high));
}

void chart_mark(struct chart *c, double x, const char *words)
{
	double at = at_x(c, x);
	bool left = at > (LEFT + RIGHT) / 2;

	fprintf(c->to, "<line class=\"mark\" x1=\"%.1f\" x2=\"%.1f\" y1=\"%.1f\" y2=\"%.1f\"/>", at, at, TOP, BOTTOM);
	fprintf(c->to, "<text class=\"mark\" x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\">", left ? at - 4 : at + 4, TOP + 10,
	        left ? "end" : "start");
	html_text(c->to, words);
	fputs("</text>", c->to);
}

void chart_side_bar(struct chart *c, double low, double high, double share, const char *fmt, ...)
{
	double top = at_y(c, high), bottom = at_y(c, low);
	va_list args;

	fprintf(c->to, "<rect class=\"side\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\">", RIGHT - share * SIDE, top,
	        share * SIDE, fmax(bottom - top - 0.5, 0.5));
	va_start(args, fmt);
	say(c->to, fmt, args);
	va_end(args);
	fputs("</rect>", c->to);
}
