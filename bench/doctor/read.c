/* SPDX-License-Identifier: Apache-2.0 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "bench/doctor/facts.h"

#define CPU "/sys/devices/system/cpu"

/* ---- processors ------------------------------------------------------------------------ */

static void copy_line(const char *from, char *to, size_t size)
{
	size_t n = strcspn(from, "\n");

	n = n < size ? n : size - 1;
	memmove(to, from, n);
	to[n] = '\0';
}

/* /proc/cpuinfo: x86 says "model name", arm "Processor" or nothing; the flags tell of a hypervisor. */
static void read_cpuinfo(const char *root, struct bench_facts *f)
{
	static const char *const names[] = { "model name", "Model", "cpu model", "Processor" };
	char text[8192], *flags, *end, *at = NULL;

	bench_host_text(root, "/proc/cpuinfo", text, sizeof(text));
	for (size_t i = 0; !at && i < sizeof(names) / sizeof(names[0]); i++)
		at = strstr(text, names[i]);
	at = at ? strchr(at, ':') : NULL;
	copy_line(at ? at + 1 + strspn(at + 1, " ") : "unknown", f->cpu_model, sizeof(f->cpu_model));
	flags = strstr(text, "flags");
	end = flags ? strchr(flags, '\n') : NULL;
	if (end)
		*end = '\0';
	f->hypervisor = flags && strstr(flags, " hypervisor");
}

static void read_turbo(const char *root, struct bench_facts *f)
{
	int64_t no_turbo = bench_host_number(root, CPU "/intel_pstate/no_turbo", FACTS_UNKNOWN);
	int64_t boost = bench_host_number(root, CPU "/cpufreq/boost", FACTS_UNKNOWN);

	f->turbo_intel = no_turbo >= 0;
	f->turbo = no_turbo >= 0 ? no_turbo == 0 : boost >= 0 ? boost != 0 : FACTS_UNKNOWN;
}

static void read_processors(const char *root, struct bench_facts *f)
{
	char list[1024];

	read_cpuinfo(root, f);
	read_turbo(root, f);
	bench_host_text(root, CPU "/cpu0/cpufreq/scaling_governor", f->governor, sizeof(f->governor));
	bench_host_text(root, "/sys/devices/system/clocksource/clocksource0/current_clocksource", f->clock, sizeof(f->clock));
	bench_host_text(root, "/sys/devices/system/clocksource/clocksource0/available_clocksource", f->clocks, sizeof(f->clocks));
	f->smt = bench_host_number(root, CPU "/smt/active", 0) == 1;
	bench_host_text(root, CPU "/online", list, sizeof(list));
	f->cpus_online = bench_host_list(list);
	bench_host_text(root, "/sys/devices/system/node/online", list, sizeof(list));
	f->nodes = bench_host_list(list);
}

/* "Cpus_allowed_list:\t0-3" of this process; and whether its system calls are filtered. */
static void read_status(const char *root, struct bench_facts *f)
{
	char text[8192], *at;

	bench_host_text(root, "/proc/self/status", text, sizeof(text));
	at = strstr(text, "Cpus_allowed_list:");
	if (at) {
		at += strlen("Cpus_allowed_list:");
		f->cpus_allowed = bench_host_list(at + strspn(at, " \t"));
	}
	if (!f->cpus_allowed)
		f->cpus_allowed = f->cpus_online;
	f->seccomp = (int)bench_host_field(root, "/proc/self/status", "Seccomp", 0);
}

/* ---- memory ------------------------------------------------------------------------------- */

/* "always [madvise] never": the one in brackets. */
static void read_thp(const char *root, struct bench_facts *f)
{
	char text[64], *at, *end;

	bench_host_text(root, "/sys/kernel/mm/transparent_hugepage/enabled", text, sizeof(text));
	at = strchr(text, '[');
	end = at ? strchr(at, ']') : NULL;
	if (end)
		*end = '\0';
	snprintf(f->thp, sizeof(f->thp), "%.15s", end ? at + 1 : "");
}

static void read_memory(const char *root, struct bench_facts *f)
{
	int64_t total = bench_host_field(root, "/proc/meminfo", "MemTotal", 0);
	int64_t swap = bench_host_field(root, "/proc/meminfo", "SwapTotal", 0) - bench_host_field(root, "/proc/meminfo", "SwapFree", 0);

	f->memory_gb = (double)total / (1 << 20);
	f->swap_used_kib = swap > 0 ? (uint64_t)swap : 0;
	f->hugepages = (uint64_t)bench_host_field(root, "/proc/meminfo", "HugePages_Total", 0);
	read_thp(root, f);
}

/* ---- the control group ----------------------------------------------------------------------- */

#define GROUP "/sys/fs/cgroup"
#define NO_LIMIT_GB 1048576.0 /* version 1 says "none" with a huge number */

/* The folder of our group below the hierarchy that a line "N:CONTROLLER:/path" of /proc/self/cgroup names. */
static void group_path(const char *root, const char *controller, char *buf, size_t size)
{
	char text[4096], *at, *save = NULL;

	buf[0] = '\0';
	bench_host_text(root, "/proc/self/cgroup", text, sizeof(text));
	for (at = strtok_r(text, "\n", &save); at; at = strtok_r(NULL, "\n", &save)) {
		char *names = strchr(at, ':'), *path = names ? strchr(names + 1, ':') : NULL;
		size_t len = path ? (size_t)(path - names - 1) : 0;
		char list[128];

		if (!path || len >= sizeof(list) - 2)
			continue;
		snprintf(list, sizeof(list), ",%.*s,", (int)len, names + 1);
		if (len ? strstr(list, controller) != NULL : !strcmp(controller, ",,"))
			snprintf(buf, size, "%s", path + 1);
	}
	if (!strcmp(buf, "/"))
		buf[0] = '\0';
}

static double least(double a, double b)
{
	return a > 0 && (b <= 0 || a < b) ? a : b;
}

/* "MAX PERIOD" or "max PERIOD" */
static double quota_of(const char *root, const char *path)
{
	char text[64];
	double quota = 0, period = 0;

	if (!bench_host_text(root, path, text, sizeof(text)) || sscanf(text, "%lf %lf", &quota, &period) != 2 || period <= 0)
		return 0;
	return quota / period;
}

/* Limits of a group hold for those below it: the tightest on the way up counts. */
static void read_group_2(const char *root, struct bench_facts *f)
{
	char group[256], path[512];

	group_path(root, ",,", group, sizeof(group));
	for (;;) {
		char *slash = strrchr(group, '/');

		snprintf(path, sizeof(path), GROUP "%s/cpu.max", group);
		f->quota_cpus = least(quota_of(root, path), f->quota_cpus);
		snprintf(path, sizeof(path), GROUP "%s/memory.max", group);
		f->memory_limit_gb = least((double)bench_host_number(root, path, 0) / (1 << 30), f->memory_limit_gb);
		if (!slash)
			return;
		*slash = '\0';
	}
}

static void read_group_1(const char *root, struct bench_facts *f)
{
	int64_t quota = bench_host_number(root, GROUP "/cpu/cpu.cfs_quota_us", 0);
	int64_t period = bench_host_number(root, GROUP "/cpu/cpu.cfs_period_us", 0);
	double limit = (double)bench_host_number(root, GROUP "/memory/memory.limit_in_bytes", 0) / (1 << 30);

	if (quota > 0 && period > 0)
		f->quota_cpus = least((double)quota / (double)period, f->quota_cpus);
	if (limit > 0 && limit < NO_LIMIT_GB)
		f->memory_limit_gb = least(limit, f->memory_limit_gb);
}

static uint64_t throttled(const char *root)
{
	char group[256], path[512];
	int64_t n;

	group_path(root, ",,", group, sizeof(group));
	snprintf(path, sizeof(path), GROUP "%s/cpu.stat", group);
	n = bench_host_field(root, path, "nr_throttled", FACTS_UNKNOWN);
	if (n < 0)
		n = bench_host_field(root, GROUP "/cpu/cpu.stat", "nr_throttled", 0);
	return (uint64_t)n;
}

/* ---- all of it -------------------------------------------------------------------------------- */

void bench_ticks_read(const char *root, struct bench_ticks *ret)
{
	unsigned long long t[8] = { 0 };
	char text[256];

	*ret = (struct bench_ticks){ .throttled = throttled(root) };
	bench_host_text(root, "/proc/stat", text, sizeof(text));
	/* user nice system idle iowait irq softirq steal; guests are counted in user already */
	if (sscanf(text, "cpu %llu %llu %llu %llu %llu %llu %llu %llu", &t[0], &t[1], &t[2], &t[3], &t[4], &t[5], &t[6], &t[7]) < 4)
		return;
	for (int i = 0; i < 8; i++)
		ret->all += t[i];
	ret->idle = t[3] + t[4];
	ret->steal = t[7];
	ret->swapped = (uint64_t)(bench_host_field(root, "/proc/vmstat", "pswpin", 0) + bench_host_field(root, "/proc/vmstat", "pswpout", 0));
}

void bench_facts_read(const char *root, struct bench_facts *f)
{
	char text[64];

	read_processors(root, f);
	read_status(root, f);
	read_memory(root, f);
	read_group_2(root, f);
	read_group_1(root, f);
	bench_host_text(root, "/proc/sys/kernel/osrelease", f->kernel, sizeof(f->kernel));
	f->uring_sysctl = (int)bench_host_number(root, "/proc/sys/kernel/io_uring_disabled", FACTS_UNKNOWN);
	bench_host_text(root, "/proc/loadavg", text, sizeof(text));
	f->load = strtod(text, NULL);
	bench_ticks_read(root, &f->before);
	f->after = f->before;
}
