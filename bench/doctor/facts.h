/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench/doctor/facts.h - what is so on a machine (read), and what that means for measuring (judged).
 *
 *   host.c    small files below a root folder: /proc and /sys, or made-up ones
 *   read.c    processor, memory, control group, load: facts from such files
 *   ask.c     facts that only the kernel can tell: io_uring, limits, how steady a loop runs
 *   judge.c   facts into findings; nothing in it looks at anything
 *   show.c    findings for people, and as JSON
 *   doctor.c  all of that of this machine
 */
#ifndef WEFT_BENCH_DOCTOR_FACTS_H
#define WEFT_BENCH_DOCTOR_FACTS_H

#include "bench/doctor.h"

#define FACTS_UNKNOWN (-1)

struct bench_facts {
	/* the program */
	bool optimized, assertions;
	const char *sanitizer; /* NULL: none */
	/* processors */
	char cpu_model[96], governor[24], clock[24], clocks[96];
	uint32_t cpus_online, cpus_allowed;
	int turbo;       /* 1 on, 0 off, FACTS_UNKNOWN */
	bool turbo_intel; /* the switch is intel_pstate's */
	int smt;         /* 1: hardware threads share cores */
	uint32_t nodes;
	bool hypervisor;
	/* memory */
	double memory_gb;
	uint64_t swap_used_kib, hugepages;
	char thp[16];    /* "always", "madvise", "never"; "": unknown */
	/* control group */
	double quota_cpus;        /* 0: none */
	double memory_limit_gb;   /* 0: none */
	/* kernel */
	char kernel[64];
	int uring_sysctl;         /* kernel.io_uring_disabled: 0, 1, 2, FACTS_UNKNOWN: not there */
	int seccomp;              /* 2: filtered */
	int uring_error;          /* of trying: 0 works, else an errno */
	char io[8];               /* what a runtime takes */
	/* limits; UINT64_MAX: none */
	uint64_t memlock_bytes, files, files_max;
	/* what others do */
	double load;
	struct bench_ticks before, after;
	double spin_p50_ns, spin_p99_ns; /* 0: not measured */
};

/* ---- host.c ---- */

/* The file's text without its last newline, cut to size. false: it cannot be read, buf is "". */
bool bench_host_text(const char *root, const char *path, char *buf, size_t size);
/* Its first number; `none` when there is no such file or no number. */
int64_t bench_host_number(const char *root, const char *path, int64_t none);
/* The number behind `key` at the start of a line, as in meminfo; `none` when there is no such line. */
int64_t bench_host_field(const char *root, const char *path, const char *key, int64_t none);
/* How many numbers a list like "0-3,8" names. */
uint32_t bench_host_list(const char *text);

/* ---- read.c, ask.c ---- */

void bench_facts_read(const char *root, struct bench_facts *f);
void bench_ticks_read(const char *root, struct bench_ticks *ret);
void bench_facts_program(struct bench_facts *f);
void bench_facts_ask(struct bench_facts *f, bool spin);

/* ---- judge.c ---- */

/* *ret becomes what the facts say; its ticks are those after. */
void bench_facts_judge(const struct bench_facts *f, struct bench_machine *ret);
/* What happened between two moments of a run, as findings more. */
void bench_ticks_judge(const struct bench_ticks *before, const struct bench_ticks *after, struct bench_machine *m);

#endif
