/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench/compare/machines.c - were the files measured on one machine, was it quiet, and in more than one round? They are
 * compared all the same, with a warning.
 */
#include <errno.h>
#include <stdarg.h>
#include <string.h>
#include <strings.h>

#include "bench/compare/compare.h"

#define MEMORY_SAME 0.02 /* what a kernel keeps for itself differs a little */

struct list {
	char *buf;
	size_t size, at;
};

static void add(struct list *l, const char *fmt, ...) WEFT_PRINTF(2, 3);

static void add(struct list *l, const char *fmt, ...)
{
	va_list args;
	int n;

	if (l->at && l->at + 2 < l->size)
		l->at += (size_t)snprintf(l->buf + l->at, l->size - l->at, ", ");
	va_start(args, fmt);
	n = vsnprintf(l->buf + l->at, l->size - l->at, fmt, args);
	va_end(args);
	l->at += n > 0 ? (size_t)n : 0;
	if (l->at >= l->size)
		l->at = l->size - 1;
}

/* One name for what node and the kernel call differently. */
static const char *arch(const char *name)
{
	return !strcmp(name, "x64") ? "x86_64" : !strcmp(name, "arm64") ? "aarch64" : name;
}

void bench_compare_difference(const struct bench_results *a, const struct bench_results *b, char *buf,
                              size_t size)
{
	const struct bench_results_system *x = &a->system, *y = &b->system;
	bool fingerprints = x->fingerprint && y->fingerprint;
	struct list l = { buf, size, 0 };

	buf[0] = '\0';
	if (fingerprints && !strcmp(x->fingerprint, y->fingerprint))
		return;
	if (x->cpu_model && y->cpu_model && strcmp(x->cpu_model, y->cpu_model) != 0)
		add(&l, "%s and %s", x->cpu_model, y->cpu_model);
	if (x->cpus != y->cpus)
		add(&l, "%u and %u cpus", x->cpus, y->cpus);
	if (fabs(x->memory_gb - y->memory_gb) > MEMORY_SAME * fmax(x->memory_gb, y->memory_gb))
		add(&l, "%.1f and %.1f GB", x->memory_gb, y->memory_gb);
	if (strcmp(arch(x->arch), arch(y->arch)) != 0)
		add(&l, "%s and %s", x->arch, y->arch);
	if (strcasecmp(x->os, y->os) != 0)
		add(&l, "%s and %s", x->os, y->os);
	if (fingerprints && !buf[0])
		add(&l, "fingerprints %s and %s", x->fingerprint, y->fingerprint);
}

static int warn(struct bench_compare *c, const char *fmt, ...) WEFT_PRINTF(2, 3);

static int warn(struct bench_compare *c, const char *fmt, ...)
{
	char text[600];
	const char *copy;
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	copy = weft_arena_dup(c->arena, weft_str_from(text)).ptr;
	if (!copy)
		return -ENOMEM;
	c->warnings[c->warning_count++] = copy;
	return 0;
}

/* What weighed most in the verdict on a machine; NULL: nothing is said. */
static const struct bench_results_finding *worst(const struct bench_results *r)
{
	const struct bench_results_finding *found = NULL;

	for (uint32_t i = 0; i < r->finding_count; i++) {
		const struct bench_results_finding *f = &r->findings[i];

		if (!strcmp(f->severity, "error"))
			return f;
		if (!found && !strcmp(f->severity, "warning"))
			found = f;
	}
	return found;
}

/* Rounds never fall. */
static bool is_one_round(const struct bench_results_entry *e)
{
	const struct bench_results_latency *l = &e->latency;

	return !l->round || l->round[0] == l->round[l->raw_count - 1];
}

/* What a round shares (memory as it was laid out, neighbours on the machine) shifts all its values: of one alone nobody knows by how much. */
static int check_rounds(struct bench_compare *c)
{
	const char *first = NULL;
	uint32_t count = 0;

	for (uint32_t i = 0; i < c->row_count; i++) {
		const struct bench_compare_row *row = &c->rows[i];

		for (uint32_t f = 0; f < c->count; f++) {
			const struct bench_compare_cell *cell = &row->cells[f];

			if ((cell->verdict != BENCH_FASTER && cell->verdict != BENCH_SLOWER) ||
			    !(is_one_round(cell->entry) || is_one_round(row->cells[row->base].entry)))
				continue;
			first = first ? first : row->id;
			count++;
		}
	}
	return !count ? 0 :
	                warn(c,
	                     "%u verdict%s of faster or slower rest%s on a single round (%s%s): how much runs differ is not in the interval; compare --merge joins several runs",
	                     count, count > 1 ? "s" : "", count > 1 ? "" : "s", first, count > 1 ? ", .." : "");
}

int bench_compare_machines(struct bench_compare *c)
{
	uint32_t base = c->reference < 0 ? 0 : (uint32_t)c->reference;
	char difference[400];
	int r = 0;

	for (uint32_t f = 0; r == 0 && f < c->count; f++) {
		const struct bench_results *own = c->files[f].results;
		const struct bench_results_finding *finding = worst(own);

		bench_compare_difference(c->files[base].results, own, difference, sizeof(difference));
		if (difference[0])
			r = warn(c, "%s and %s were measured on different machines: %s", c->files[base].name,
			         c->files[f].name, difference);
		if (r == 0 && own->machine_verdict && strcmp(own->machine_verdict, "quiet") != 0)
			r = warn(c, "%s: the machine was %s when it was measured%s%s", c->files[f].name,
			         own->machine_verdict, finding ? ": " : "", finding ? finding->text : "");
	}
	return r < 0 ? r : check_rounds(c);
}
