/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench/doctor.h - is this machine fit to measure on, and what would make it fitter?
 *
 * `weft doctor` prints it, `weft bench` asks before and after a run, the result file keeps it. Findings have a
 * severity: a note is good to know when figures are compared, a warning moves them from run to run (then the verdict is
 * noisy), an error makes them say nothing (unfit).
 */
#ifndef WEFT_BENCH_DOCTOR_H
#define WEFT_BENCH_DOCTOR_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include <weft/weft.h>

enum bench_severity { BENCH_NOTE = 0, BENCH_WARNING, BENCH_ERROR };
enum bench_fitness { BENCH_QUIET = 0, BENCH_NOISY, BENCH_UNFIT };

struct bench_finding {
	const char *id; /* "governor", "steal", ..: stable */
	enum bench_severity severity;
	char text[160];
	char fix[160]; /* a command line, or what to do in words; empty: there is none */
};

#define BENCH_FINDINGS_MAX 32u

/* What the processors did up to a moment, in ticks. */
struct bench_ticks {
	uint64_t all, idle, steal;
	uint64_t swapped;   /* pages, in and out */
	uint64_t own;       /* ticks of this process and its children that have ended */
	uint64_t throttled; /* periods in which our cgroup had to wait */
};

struct bench_machine {
	enum bench_fitness verdict;
	struct bench_finding findings[BENCH_FINDINGS_MAX];
	uint32_t count;
	char cpu_model[96], kernel[64], io[8], build[24]; /* io: "uring" or "epoll"; build: "release", "debug", .. */
	uint32_t cpus; /* that this process may use */
	double memory_gb;
	double load, steal_percent; /* while it looked */
	double spin_tail;           /* p99 over p50 of equal work done again and again; 0: not measured */
	char fingerprint[17];       /* 16 hex digits of what makes two results comparable */
	struct bench_ticks ticks;   /* when it looked */
};

/* Look at this machine for about a tenth of a second; quickly: no spinning. @return 0 or a negative error */
int bench_doctor(struct bench_machine *ret, bool quickly);
/* After a run: what happened meanwhile is added to the findings and to the verdict. */
void bench_doctor_after(struct bench_machine *machine);

const char *bench_fitness_name(enum bench_fitness f);
const char *bench_severity_name(enum bench_severity s);
/* "quiet", or "noisy: " and what the first findings of that severity say. */
void bench_doctor_line(const struct bench_machine *machine, char *buf, size_t size);
/* All of it for people. */
void bench_doctor_show(const struct bench_machine *machine, FILE *to);
/* "machine_check" of the result file: an object with verdict and findings; whole: with what the machine is, too. */
void bench_doctor_write(const struct bench_machine *machine, weft_json_writer *w, bool whole);

#endif
