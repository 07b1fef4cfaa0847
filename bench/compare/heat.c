/* SPDX-License-Identifier: Apache-2.0 */
/* bench/compare/heat.c - where a message's time goes: the share of each stage in the sum of the stages' mean times. */
#include "bench/compare/compare.h"
#include "bench/compare/table.h"

#define CELL_COLUMNS 5u
#define ID_COLUMNS_MAX 40u

struct layout { /* columns */
	uint32_t id, name, between;
	bool ascii;
};

enum { STATE, PROVIDERS }; /* the first two stages */

static const char *const heads[BENCH_RESULTS_STAGES] = { "state", "prov", "resp", "model", "act",
	                                                 "eval",  "put",  "get",  "json" };

/* A stage's own time: composing the state waits for the providers, which have a stage of their own. */
static double own_time(const struct bench_results_entry *e, uint32_t stage)
{
	double ms = e->stage_ms[stage];

	if (stage != STATE || !bench_is_given(ms) || !bench_is_given(e->stage_ms[PROVIDERS]))
		return ms;
	return fmax(ms - e->stage_ms[PROVIDERS], 0);
}

/* The sum of what is given; 0: nothing to show. */
static double sum_of(const struct bench_results_entry *e)
{
	double sum = 0;

	for (uint32_t i = 0; e && !e->error && i < BENCH_RESULTS_STAGES; i++)
		sum += bench_is_given(own_time(e, i)) ? own_time(e, i) : 0;
	return sum;
}

static const char *shade(double share, bool ascii)
{
	static const char *const drawn[] = { "  ", "░░", "▒▒", "▓▓", "██" };
	static const char *const typed[] = { "  ", "..", "::", "**", "##" };
	int step = share <= 0 ? 0 : share < 0.1 ? 1 : share < 0.3 ? 2 : share < 0.6 ? 3 : 4;

	return ascii ? typed[step] : drawn[step];
}

static void put_label(FILE *to, const char *text, uint32_t width, bool ascii)
{
	char cut[4 * ID_COLUMNS_MAX + 8];

	bench_table_cut_middle(text, width, ascii, cut, sizeof(cut));
	fprintf(to, "%s%*s ", cut, (int)(width - bench_table_width(cut)), "");
}

static void put_line(FILE *to, const struct layout *l, const char *id, const char *name, const struct bench_results_entry *e)
{
	double sum = sum_of(e);

	put_label(to, id, l->id, l->ascii);
	put_label(to, name, l->name, l->ascii);
	for (uint32_t i = 0; i < BENCH_RESULTS_STAGES; i++) {
		double share = own_time(e, i) / sum;

		if (i)
			fprintf(to, "%*s", (int)l->between, "");
		if (!bench_is_given(share))
			fputs("    -", to);
		else
			fprintf(to, "%s%3.0f", shade(share, l->ascii), share * 100);
	}
	fputc('\n', to);
}

static void put_heads(FILE *to, const struct layout *l)
{
	fprintf(to, "\nstages, percent of the sum of their mean times (- not in the file)\n%*s", (int)(l->id + l->name + 2), "");
	for (uint32_t s = 0; s < BENCH_RESULTS_STAGES; s++)
		fprintf(to, "%*s%*s", s ? (int)l->between : 0, "", (int)CELL_COLUMNS, heads[s]);
	fputc('\n', to);
}

static struct layout layout_for(uint32_t columns, bool ascii)
{
	uint32_t between = columns >= BENCH_TABLE_COLUMNS ? 2 : 1;
	uint32_t taken = BENCH_RESULTS_STAGES * CELL_COLUMNS + (BENCH_RESULTS_STAGES - 1) * between + 2;
	uint32_t rest = columns > taken + 12 ? columns - taken : 12;
	uint32_t id = rest * 5 / 8 < ID_COLUMNS_MAX ? rest * 5 / 8 : ID_COLUMNS_MAX;

	return (struct layout){ id, rest - id < ID_COLUMNS_MAX ? rest - id : ID_COLUMNS_MAX, between, ascii };
}

/* A single stage, as of a store alone, is all there is of it. */
static bool has_stages(const struct bench_results_entry *e)
{
	uint32_t found = 0;

	for (uint32_t i = 0; e && !e->error && i < BENCH_RESULTS_STAGES; i++)
		found += own_time(e, i) > 0;
	return found > 1;
}

void bench_compare_heat(FILE *to, const struct bench_compare *c, bool ascii)
{
	struct layout l = layout_for(c->columns, ascii);
	bool begun = false;

	for (uint32_t i = 0; i < c->row_count; i++) {
		const char *id = c->rows[i].id;

		for (uint32_t f = 0; f < c->count; f++) {
			if (!has_stages(c->rows[i].cells[f].entry))
				continue;
			if (!begun)
				put_heads(to, &l);
			begun = true;
			put_line(to, &l, id, c->files[f].name, c->rows[i].cells[f].entry);
			id = "";
		}
	}
}
