/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench/doctor/judge.c - facts into findings, each with the command that ends it where there is one. A fact that could
 * not be read is no finding.
 */
#include <errno.h>
#include <stdarg.h>
#include <string.h>

#include "bench/doctor/facts.h"

#define LOAD_A_CPU 0.25     /* somebody else is at work */
#define STEAL_PERCENT 0.5
#define STEAL_PERCENT_UNFIT 10.0
#define OTHERS_PERCENT 5.0
#define SPIN_TAIL 1.10      /* p99 over p50 of equal work; 1.02 where nobody disturbs */
#define SPIN_TAIL_UNFIT 3.0
#define FILES_WANTED 11000u /* io-streams-10000, its mock being another process */
#define MEMORY_WANTED_GB 2.0

static void find(struct bench_machine *m, const char *id, enum bench_severity severity, const char *fix, const char *fmt, ...)
	WEFT_PRINTF(5, 6);

static void find(struct bench_machine *m, const char *id, enum bench_severity severity, const char *fix, const char *fmt, ...)
{
	struct bench_finding *f;
	va_list args;

	if (m->count == BENCH_FINDINGS_MAX)
		return;
	f = &m->findings[m->count++];
	f->id = id;
	f->severity = severity;
	snprintf(f->fix, sizeof(f->fix), "%s", fix);
	va_start(args, fmt);
	vsnprintf(f->text, sizeof(f->text), fmt, args);
	va_end(args);
	if (severity == BENCH_ERROR)
		m->verdict = BENCH_UNFIT;
	else if (severity == BENCH_WARNING && m->verdict == BENCH_QUIET)
		m->verdict = BENCH_NOISY;
}

/* ---- this program -------------------------------------------------------------------------- */

#define REBUILD "meson setup build -Dbuildtype=release -Db_lto=true && ninja -C build"

static void judge_program(const struct bench_facts *f, struct bench_machine *m)
{
	if (f->sanitizer)
		find(m, "sanitizer", BENCH_ERROR, REBUILD, "built with the %s sanitizer: several times slower", f->sanitizer);
	else if (!f->optimized)
		find(m, "debug-build", BENCH_ERROR, REBUILD, "built without optimisation");
	else if (f->assertions)
		find(m, "assertions", BENCH_WARNING, REBUILD, "assertions are compiled in");
}

/* ---- processors ------------------------------------------------------------------------------ */

static void judge_clock_rate(const struct bench_facts *f, struct bench_machine *m)
{
	if (f->governor[0] && strcmp(f->governor, "performance") != 0)
		find(m, "governor", BENCH_WARNING,
		     "echo performance | sudo tee /sys/devices/system/cpu/cpu*/cpufreq/scaling_governor",
		     "the governor is '%s': processors slow down between bursts of work", f->governor);
	if (f->turbo == 1)
		find(m, "turbo", BENCH_NOTE,
		     f->turbo_intel ? "echo 1 | sudo tee /sys/devices/system/cpu/intel_pstate/no_turbo"
		                    : "echo 0 | sudo tee /sys/devices/system/cpu/cpufreq/boost",
		     "turbo is on: the clock depends on temperature and on what other cores do");
}

static void judge_clock_source(const struct bench_facts *f, struct bench_machine *m)
{
	bool x86 = strstr(f->clocks, "tsc") != NULL || strstr(f->clocks, "hpet") != NULL || strstr(f->clocks, "acpi_pm") != NULL;

	if (!x86 || !f->clock[0] || !strcmp(f->clock, "tsc") || !strcmp(f->clock, "kvm-clock"))
		return;
	find(m, "clock-source", BENCH_WARNING,
	     strstr(f->clocks, "tsc") ? "echo tsc | sudo tee /sys/devices/system/clocksource/clocksource0/current_clocksource" : "",
	     "the clock source is '%s': reading the time is a system call", f->clock);
}

static void judge_processors(const struct bench_facts *f, struct bench_machine *m)
{
	judge_clock_rate(f, m);
	judge_clock_source(f, m);
	if (f->smt == 1)
		find(m, "smt", BENCH_NOTE, "echo off | sudo tee /sys/devices/system/cpu/smt/control",
		     "hardware threads share cores: twice the workers are not twice the work");
	if (f->nodes > 1)
		find(m, "numa", BENCH_NOTE, "numactl --cpunodebind=0 --membind=0 weft bench",
		     "%u memory nodes: where memory lies moves times", f->nodes);
	if (f->hypervisor)
		find(m, "virtual", BENCH_NOTE, "", "a virtual machine: neighbours cannot be seen, only the time they steal");
	if (f->cpus_allowed < f->cpus_online)
		find(m, "cpuset", BENCH_NOTE, "", "this process may use %u of %u processors", f->cpus_allowed, f->cpus_online);
	if (f->quota_cpus > 0 && f->quota_cpus < f->cpus_allowed)
		find(m, "cpu-quota", BENCH_WARNING, "weft bench --workers N, N below the quota; or lift it: docker update --cpus 0 NAME",
		     "the control group may use %.2f of %u processors, and is stopped in between", f->quota_cpus, f->cpus_allowed);
}

/* ---- memory ------------------------------------------------------------------------------------- */

static void judge_memory(const struct bench_facts *f, struct bench_machine *m)
{
	double memory = f->memory_limit_gb > 0 && f->memory_limit_gb < f->memory_gb ? f->memory_limit_gb : f->memory_gb;

	if (!strcmp(f->thp, "never"))
		find(m, "huge-pages", BENCH_WARNING, "echo madvise | sudo tee /sys/kernel/mm/transparent_hugepage/enabled",
		     "no transparent huge pages: large working sets wait for page tables");
	if (f->hugepages)
		find(m, "reserved-huge-pages", BENCH_NOTE, "sudo sysctl vm.nr_hugepages=0",
		     "%llu huge pages are reserved: weft uses none of them", (unsigned long long)f->hugepages);
	if (f->memory_limit_gb > 0 && f->memory_limit_gb < f->memory_gb)
		find(m, "memory-limit", BENCH_NOTE, "", "the control group may use %.1f of %.1f GB", f->memory_limit_gb, f->memory_gb);
	if (memory > 0 && memory < MEMORY_WANTED_GB)
		find(m, "memory", BENCH_WARNING, "weft bench --filter '!(memory-*)'", "%.1f GB: graphs and long histories may not fit", memory);
	if (f->swap_used_kib > 1024)
		find(m, "swap", BENCH_NOTE, "sudo swapoff -a && sudo swapon -a", "%.1f MB lie in swap", (double)f->swap_used_kib / 1024);
}

/* ---- kernel and limits ------------------------------------------------------------------------------ */

static void judge_uring(const struct bench_facts *f, struct bench_machine *m)
{
	const char *fix = "", *why = strerror(f->uring_error);

	if (!f->uring_error) {
		if (!strcmp(f->io, "epoll"))
			find(m, "io-uring", BENCH_NOTE, "", "epoll is used though io_uring works here: WEFT_IO, or a build without liburing");
		return;
	}
	if (f->uring_sysctl == 2 || (f->uring_sysctl == 1 && f->uring_error == EPERM)) {
		fix = "sudo sysctl kernel.io_uring_disabled=0";
		why = f->uring_sysctl == 2 ? "kernel.io_uring_disabled is 2" : "kernel.io_uring_disabled is 1 and this user is not in its group";
	} else if (f->seccomp == 2) {
		fix = "docker run --security-opt seccomp=unconfined, or a profile that allows io_uring_setup, _enter and _register";
		why = "the container's seccomp filter forbids it";
	} else if (f->uring_error == ENOSYS) {
		why = "this kernel has none";
	}
	find(m, "io-uring", BENCH_NOTE, fix, "no io_uring, epoll is used: %s", why);
}

static void judge_limits(const struct bench_facts *f, struct bench_machine *m)
{
	if (f->files_max < FILES_WANTED)
		find(m, "open-files", BENCH_NOTE, "ulimit -Hn 65536", "at most %llu open files: io-streams-10000 needs %u",
		     (unsigned long long)f->files_max, FILES_WANTED);
	if (f->memlock_bytes < 8u << 20 && f->uring_error == ENOMEM)
		find(m, "locked-memory", BENCH_WARNING, "ulimit -l unlimited", "only %llu KiB may be locked: io_uring needs more",
		     (unsigned long long)f->memlock_bytes / 1024);
}

/* ---- what others do ------------------------------------------------------------------------------------ */

static double steal_percent(const struct bench_ticks *before, const struct bench_ticks *after)
{
	uint64_t all = after->all - before->all;

	return after->all > before->all && after->steal > before->steal ? 100.0 * (double)(after->steal - before->steal) / (double)all : 0;
}

static void judge_steal(double percent, const char *id, const char *when, struct bench_machine *m)
{
	if (percent > STEAL_PERCENT)
		find(m, id, percent > STEAL_PERCENT_UNFIT ? BENCH_ERROR : BENCH_WARNING, "",
		     "%.1f%% of the time was stolen by other virtual machines%s", percent, when);
}

static void judge_others(const struct bench_facts *f, struct bench_machine *m)
{
	double tail = f->spin_p50_ns > 0 ? f->spin_p99_ns / f->spin_p50_ns : 0;

	if (f->load > LOAD_A_CPU * f->cpus_online)
		find(m, "load", BENCH_WARNING, "top -o %CPU, and end what is at work; or wait a minute", "the load is %.2f on %u processors",
		     f->load, f->cpus_online);
	judge_steal(steal_percent(&f->before, &f->after), "steal", "", m);
	if (tail > SPIN_TAIL)
		find(m, "spin", tail > SPIN_TAIL_UNFIT ? BENCH_ERROR : BENCH_WARNING,
		     "end what else is at work; where nothing is, neighbours are: another hour, or another machine",
		     "equal work of %.0f us takes %.2f x as long one time in a hundred", f->spin_p50_ns / 1e3, tail);
	m->spin_tail = tail;
	m->steal_percent = steal_percent(&f->before, &f->after);
}

/* Of all processors, what neither this run nor nobody used. */
static double others_percent(const struct bench_ticks *before, const struct bench_ticks *after)
{
	uint64_t all = after->all - before->all, idle = after->idle - before->idle, steal = after->steal - before->steal;
	uint64_t own = after->own - before->own;

	return after->all > before->all && all > idle + steal + own ? 100.0 * (double)(all - idle - steal - own) / (double)all : 0;
}

void bench_ticks_judge(const struct bench_ticks *before, const struct bench_ticks *after, struct bench_machine *m)
{
	judge_steal(steal_percent(before, after), "steal-meanwhile", " during the run", m);
	if (others_percent(before, after) > OTHERS_PERCENT)
		find(m, "others-meanwhile", BENCH_WARNING, "top -o %CPU, and end what is at work",
		     "other processes used %.0f%% of the processors during the run", others_percent(before, after));
	if (after->throttled > before->throttled)
		find(m, "throttled", BENCH_WARNING, "weft bench --workers N, N below the quota",
		     "the control group was stopped %llu times during the run", (unsigned long long)(after->throttled - before->throttled));
	if (after->swapped > before->swapped)
		find(m, "swapping", BENCH_WARNING, "", "%llu pages were swapped during the run",
		     (unsigned long long)(after->swapped - before->swapped));
}

/* ---- all of it --------------------------------------------------------------------------------------------- */

static uint64_t fnv(uint64_t h, const char *text)
{
	for (; *text; text++)
		h = (h ^ (unsigned char)*text) * UINT64_C(1099511628211);
	return (h ^ 0xff) * UINT64_C(1099511628211); /* ends are told apart */
}

static void fingerprint(const struct bench_facts *f, struct bench_machine *m)
{
	uint64_t h = UINT64_C(14695981039346656037);
	char text[64];

	h = fnv(h, f->cpu_model);
	snprintf(text, sizeof(text), "%u cpus, %.0f GB", f->cpus_allowed, f->memory_gb);
	h = fnv(h, text);
	snprintf(text, sizeof(text), "%.*s", (int)strcspn(f->kernel, "."), f->kernel);
	h = fnv(h, text);
	h = fnv(h, f->io);
	h = fnv(h, m->build);
	snprintf(m->fingerprint, sizeof(m->fingerprint), "%016llx", (unsigned long long)h);
}

void bench_facts_judge(const struct bench_facts *f, struct bench_machine *ret)
{
	*ret = (struct bench_machine){ .cpus = f->cpus_allowed, .memory_gb = f->memory_gb, .load = f->load, .ticks = f->after };
	snprintf(ret->cpu_model, sizeof(ret->cpu_model), "%s", f->cpu_model);
	snprintf(ret->kernel, sizeof(ret->kernel), "%s", f->kernel);
	snprintf(ret->io, sizeof(ret->io), "%s", f->io);
	snprintf(ret->build, sizeof(ret->build), "%s", f->sanitizer ? "sanitizer" : !f->optimized ? "debug" : f->assertions ? "assertions" : "release");
	fingerprint(f, ret);
	judge_program(f, ret);
	judge_others(f, ret);
	judge_processors(f, ret);
	judge_memory(f, ret);
	judge_uring(f, ret);
	judge_limits(f, ret);
}
