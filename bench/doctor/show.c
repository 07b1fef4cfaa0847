/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "bench/doctor.h"
#include "bench/entry.h"

const char *bench_fitness_name(enum bench_fitness f)
{
	static const char *const names[] = { [BENCH_QUIET] = "quiet", [BENCH_NOISY] = "noisy", [BENCH_UNFIT] = "unfit" };

	return names[f];
}

const char *bench_severity_name(enum bench_severity s)
{
	static const char *const names[] = { [BENCH_NOTE] = "note", [BENCH_WARNING] = "warning", [BENCH_ERROR] = "error" };

	return names[s];
}

/* ---- for people ------------------------------------------------------------------------------- */

void bench_doctor_line(const struct bench_machine *m, char *buf, size_t size)
{
	enum bench_severity wanted = m->verdict == BENCH_UNFIT ? BENCH_ERROR : BENCH_WARNING;
	size_t len = (size_t)snprintf(buf, size, "%s", bench_fitness_name(m->verdict));
	uint32_t more = 0, said = 0;

	for (uint32_t i = 0; m->verdict != BENCH_QUIET && i < m->count && len < size; i++) {
		if (m->findings[i].severity != wanted)
			continue;
		if (said == 2)
			more++;
		else
			len += (size_t)snprintf(buf + len, size - len, "%s%s", said++ ? "; " : ": ", m->findings[i].text);
	}
	if (more && len < size)
		snprintf(buf + len, size - len, "; and %u more", more);
}

static void show_machine(const struct bench_machine *m, FILE *to)
{
	fprintf(to, "%s, %u %s, %.1f GB, Linux %s, %s, %s build\n", m->cpu_model, m->cpus, m->cpus == 1 ? "processor" : "processors",
	        m->memory_gb, m->kernel, strcmp(m->io, "uring") ? m->io : "io_uring", m->build);
	fprintf(to, "load %.2f, %.1f%% stolen", m->load, m->steal_percent);
	if (m->spin_tail > 0)
		fprintf(to, ", the slowest hundredth of equal work takes %.2f x as long", m->spin_tail);
	fprintf(to, "\nfingerprint %s: results with another one are of another machine\n", m->fingerprint);
}

void bench_doctor_show(const struct bench_machine *m, FILE *to)
{
	show_machine(m, to);
	for (int severity = BENCH_ERROR; severity >= BENCH_NOTE; severity--) {
		for (uint32_t i = 0; i < m->count; i++) {
			const struct bench_finding *f = &m->findings[i];

			if ((int)f->severity != severity)
				continue;
			fprintf(to, "\n%-8s %s\n", bench_severity_name(f->severity), f->text);
			if (f->fix[0])
				fprintf(to, "         %s\n", f->fix);
		}
	}
	fprintf(to, "\n%s\n", m->verdict == BENCH_QUIET   ? "quiet: fit to measure on"
	                        : m->verdict == BENCH_NOISY ? "noisy: compare medians and intervals of runs, not single figures"
	                                                    : "unfit: figures from here say nothing about weft");
}

/* ---- as JSON -------------------------------------------------------------------------------------- */

static void write_machine(const struct bench_machine *m, weft_json_writer *w)
{
	bench_put_text(w, "cpu_model", m->cpu_model);
	bench_put_count(w, "cpus", m->cpus);
	bench_put_number(w, "memory_gb", m->memory_gb);
	bench_put_text(w, "kernel", m->kernel);
	bench_put_text(w, "io", m->io);
	bench_put_text(w, "build", m->build);
	bench_put_text(w, "fingerprint", m->fingerprint);
	bench_put_number(w, "load", m->load);
	bench_put_number(w, "steal_percent", m->steal_percent);
	if (m->spin_tail > 0)
		bench_put_number(w, "spin_p99_over_p50", m->spin_tail);
}

void bench_doctor_write(const struct bench_machine *m, weft_json_writer *w, bool whole)
{
	weft_json_begin_object(w);
	bench_put_text(w, "verdict", bench_fitness_name(m->verdict));
	if (whole)
		write_machine(m, w);
	bench_put_list(w, "findings");
	for (uint32_t i = 0; i < m->count; i++) {
		weft_json_begin_object(w);
		bench_put_text(w, "id", m->findings[i].id);
		bench_put_text(w, "severity", bench_severity_name(m->findings[i].severity));
		bench_put_text(w, "text", m->findings[i].text);
		if (m->findings[i].fix[0])
			bench_put_text(w, "fix", m->findings[i].fix);
		weft_json_end_object(w);
	}
	weft_json_end_array(w);
	weft_json_end_object(w);
}
