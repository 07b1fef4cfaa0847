/* SPDX-License-Identifier: Apache-2.0 */
/* bench/seeds/report.c - the items of suite seeds on the console: ours, what was published, the ratio. */
#include "bench/seeds/seeds.h"

#include <string.h>

static void value_text(enum seeds_metric metric, double v, char *buf, size_t size)
{
	switch (metric) {
	case SEEDS_MEDIAN:
	case SEEDS_P95:
		bench_time_text(v, buf, size);
		break;
	case SEEDS_RATE:
	case SEEDS_A_CORE:
		if (v >= 1e6)
			snprintf(buf, size, "%.2f M/s", v / 1e6);
		else
			snprintf(buf, size, "%.1f k/s", v / 1e3);
		break;
	case SEEDS_PEAK:
		snprintf(buf, size, "%.1f MB", v);
		break;
	case SEEDS_AT_ONCE:
		snprintf(buf, size, "%.0f", v);
		break;
	}
}

static void published_text(const struct seeds_published *p, char *buf, size_t size)
{
	char low[24], high[24];

	value_text(p->metric, p->low, low, sizeof(low));
	value_text(p->metric, p->high, high, sizeof(high));
	if (p->low < p->high)
		snprintf(buf, size, "%s - %s", low, high);
	else
		snprintf(buf, size, "%s", low);
}

/* An item with its published figure. @return it is as good */
static bool row(FILE *to, const struct seeds_published *p, const struct bench_outcome *out)
{
	double ours = seeds_value_of(p, out), ratio = seeds_ratio(p, ours);
	bool as_good = seeds_is_as_good(p, ours);
	char mine[24], theirs[52];

	value_text(p->metric, ours, mine, sizeof(mine));
	published_text(p, theirs, sizeof(theirs));
	fprintf(to, "  %-26s %11s %22s %8.2f x  %s%s\n", p->id, mine, theirs, ratio,
	        ratio >= 1 ? "better" : as_good ? "within" : "worse", p->other_hardware ? "" : ", published on hardware like this");
	return as_good;
}

bool bench_published_text(const char *id, const struct bench_outcome *out, char *buf, size_t size)
{
	const struct seeds_published *p = seeds_published_of(id);

	if (p)
		value_text(p->metric, seeds_value_of(p, out), buf, size);
	return p;
}

void bench_seeds_report(FILE *to, const struct bench_row *rows, uint32_t count)
{
	uint32_t shown = 0, as_good = 0, elsewhere = 0;

	for (uint32_t i = 0; i < count; i++) {
		const struct seeds_published *p = seeds_published_of(rows[i].id);

		if (!p || rows[i].out->error[0])
			continue;
		if (!shown++)
			fprintf(to, "\npublished figures\n  %-26s %11s %22s %10s\n", "", "here", "published", "ratio");
		as_good += row(to, p, rows[i].out);
		elsewhere += p->other_hardware;
	}
	if (shown)
		fprintf(to,
		        "  %u of %u at or better than published; %u of %u published on other hardware\n"
		        "  a ratio is to the better end of a range, and above 1 it is better here\n",
		        as_good, shown, elsewhere, shown);
}
