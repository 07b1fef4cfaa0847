/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: what the files of a host say is read right, and each fact that moves measurements is a finding with its fix.
 * Method: made-up hosts below a temporary folder; facts made by hand for what only a kernel tells.
 */
#include <criterion/criterion.h>
#include <errno.h>
#include <ftw.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bench/doctor/facts.h"

static char root[] = "/tmp/weft-host-XXXXXX";

static void make_root(void)
{
	strcpy(root, "/tmp/weft-host-XXXXXX");
	cr_assert_not_null(mkdtemp(root));
}

static int drop(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

static void drop_root(void)
{
	nftw(root, drop, 8, FTW_DEPTH | FTW_PHYS);
}

/* A file of the made-up host, with the folders above it. */
static void put(const char *path, const char *text)
{
	char full[512];
	FILE *f;

	snprintf(full, sizeof(full), "%s%s", root, path);
	for (char *at = full + strlen(root) + 1; (at = strchr(at, '/')); at++) {
		*at = '\0';
		mkdir(full, 0700);
		*at = '/';
	}
	f = fopen(full, "w");
	cr_assert_not_null(f, "%s", full);
	fputs(text, f);
	fclose(f);
}

#define MEMINFO "MemTotal:       16777216 kB\nSwapTotal:       2097152 kB\nSwapFree:        1048576 kB\nHugePages_Total:      12\n"

/* A laptop of eight threads on four cores, in a container with limits of version 2. */
static void put_laptop(void)
{
	put("/proc/cpuinfo", "processor\t: 0\nmodel name\t: Fast(R) CPU @ 3 GHz\nflags\t\t: fpu tsc\n\nprocessor\t: 1\nmodel name\t: other\n"
	                     "flags\t\t: fpu hypervisor\n");
	put("/proc/meminfo", MEMINFO);
	put("/proc/loadavg", "3.50 2.00 1.00 2/300 999\n");
	put("/proc/stat", "cpu  100 0 50 800 20 0 10 20 0 0\ncpu0 1 2 3\n");
	put("/proc/vmstat", "pgpgin 5\npswpin 7\npswpout 9\n");
	put("/proc/self/status", "Name:\tweft\nCpus_allowed_list:\t0-1,4\nSeccomp:\t2\nSeccomp_filters:\t1\n");
	put("/proc/self/cgroup", "0::/user.slice/job\n");
	put("/proc/sys/kernel/osrelease", "6.8.0-generic\n");
	put("/proc/sys/kernel/io_uring_disabled", "2\n");
	put("/sys/devices/system/cpu/online", "0-7\n");
	put("/sys/devices/system/cpu/smt/active", "1\n");
	put("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor", "powersave\n");
	put("/sys/devices/system/cpu/intel_pstate/no_turbo", "0\n");
	put("/sys/devices/system/node/online", "0-1\n");
	put("/sys/devices/system/clocksource/clocksource0/current_clocksource", "hpet\n");
	put("/sys/devices/system/clocksource/clocksource0/available_clocksource", "tsc hpet acpi_pm\n");
	put("/sys/kernel/mm/transparent_hugepage/enabled", "always madvise [never]\n");
	put("/sys/fs/cgroup/user.slice/job/cpu.max", "max 100000\n");
	put("/sys/fs/cgroup/user.slice/job/cpu.stat", "usage_usec 1\nnr_throttled 4\n");
	put("/sys/fs/cgroup/user.slice/cpu.max", "150000 100000\n");
	put("/sys/fs/cgroup/user.slice/memory.max", "4294967296\n");
}

Test(doctor, read__of_a_laptop, .init = make_root, .fini = drop_root)
{
	struct bench_facts f = { 0 };

	put_laptop();
	bench_facts_read(root, &f);
	cr_expect_str_eq(f.cpu_model, "Fast(R) CPU @ 3 GHz");
	cr_expect_not(f.hypervisor, "the flags of the first processor count");
	cr_expect_str_eq(f.governor, "powersave");
	cr_expect_eq(f.turbo, 1);
	cr_expect(f.turbo_intel);
	cr_expect_eq(f.smt, 1);
	cr_expect_eq(f.cpus_online, 8);
	cr_expect_eq(f.cpus_allowed, 3);
	cr_expect_eq(f.nodes, 2);
	cr_expect_str_eq(f.clock, "hpet");
	cr_expect_str_eq(f.thp, "never");
	cr_expect_eq(f.memory_gb, 16);
	cr_expect_eq(f.swap_used_kib, 1048576);
	cr_expect_eq(f.hugepages, 12);
	cr_expect_eq(f.quota_cpus, 1.5, "of the group above ours");
	cr_expect_eq(f.memory_limit_gb, 4);
	cr_expect_eq(f.uring_sysctl, 2);
	cr_expect_eq(f.seccomp, 2);
	cr_expect_str_eq(f.kernel, "6.8.0-generic");
	cr_expect_eq(f.load, 3.5);
	cr_expect_eq(f.before.all, 1000);
	cr_expect_eq(f.before.idle, 820);
	cr_expect_eq(f.before.steal, 20);
	cr_expect_eq(f.before.swapped, 16);
	cr_expect_eq(f.before.throttled, 4);
}

Test(doctor, read__of_groups_of_version_1, .init = make_root, .fini = drop_root)
{
	struct bench_facts f = { 0 };

	put("/proc/self/cgroup", "4:cpu,cpuacct:/docker/x\n3:memory:/docker/x\n");
	put("/sys/fs/cgroup/cpu/cpu.cfs_quota_us", "50000\n");
	put("/sys/fs/cgroup/cpu/cpu.cfs_period_us", "100000\n");
	put("/sys/fs/cgroup/cpu/cpu.stat", "nr_periods 1\nnr_throttled 9\n");
	put("/sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n");
	bench_facts_read(root, &f);
	cr_expect_eq(f.quota_cpus, 0.5);
	cr_expect_eq(f.memory_limit_gb, 0, "that huge number means none");
	cr_expect_eq(f.before.throttled, 9);
}

/* Nothing there, or nonsense: unknown, and no finding. */
Test(doctor, read__of_an_empty_host, .init = make_root, .fini = drop_root)
{
	struct bench_facts f = { .optimized = true, .uring_sysctl = 7, .files_max = UINT64_MAX };
	struct bench_machine m;

	put("/proc/loadavg", "nonsense");
	put("/proc/stat", "cpu x");
	put("/sys/kernel/mm/transparent_hugepage/enabled", "always madvise");
	put("/sys/fs/cgroup/cpu.max", "x y");
	bench_facts_read(root, &f);
	cr_expect_str_eq(f.cpu_model, "unknown");
	cr_expect_eq(f.turbo, FACTS_UNKNOWN);
	cr_expect_eq(f.uring_sysctl, FACTS_UNKNOWN);
	cr_expect_str_eq(f.thp, "");
	bench_facts_judge(&f, &m);
	cr_expect_eq(m.count, 0, "%s", m.count ? m.findings[0].text : "");
	cr_expect_eq(m.verdict, BENCH_QUIET);
}

Test(doctor, host__lists_and_fields, .init = make_root, .fini = drop_root)
{
	char text[8];

	cr_expect_eq(bench_host_list("0"), 1);
	cr_expect_eq(bench_host_list("0-3,8,10-11"), 7);
	cr_expect_eq(bench_host_list(""), 0);
	cr_expect_eq(bench_host_list("3-1"), 0);
	put("/f", "MemTotalOther: 5\nMemTotal:   77 kB\nBad: x\n");
	cr_expect_eq(bench_host_field(root, "/f", "MemTotal", -1), 77);
	cr_expect_eq(bench_host_field(root, "/f", "Bad", -1), -1);
	cr_expect_eq(bench_host_field(root, "/f", "None", -1), -1);
	cr_expect_eq(bench_host_field(root, "/none", "None", -1), -1);
	cr_expect(bench_host_text(root, "/f", text, sizeof(text)));
	cr_expect_str_eq(text, "MemTota", "cut to size");
}

/* ---- judging ------------------------------------------------------------------------------- */

static struct bench_facts quiet_host(void)
{
	return (struct bench_facts){ .optimized = true,
		                     .cpu_model = "CPU",
		                     .governor = "performance",
		                     .clock = "tsc",
		                     .clocks = "tsc hpet",
		                     .cpus_online = 4,
		                     .cpus_allowed = 4,
		                     .nodes = 1,
		                     .memory_gb = 16,
		                     .thp = "madvise",
		                     .kernel = "6.8.1",
		                     .io = "uring",
		                     .uring_sysctl = 0,
		                     .memlock_bytes = UINT64_MAX,
		                     .files = UINT64_MAX,
		                     .files_max = UINT64_MAX,
		                     .load = 0.1,
		                     .before = { .all = 1000 },
		                     .after = { .all = 2000 },
		                     .spin_p50_ns = 20000,
		                     .spin_p99_ns = 20400 };
}

static const struct bench_finding *finding(const struct bench_machine *m, const char *id)
{
	for (uint32_t i = 0; i < m->count; i++) {
		if (!strcmp(m->findings[i].id, id))
			return &m->findings[i];
	}
	return NULL;
}

/* The facts have this finding and no other. */
static void expect(const struct bench_facts *f, const char *id, enum bench_severity severity, const char *text, const char *fix)
{
	struct bench_machine m;
	const struct bench_finding *it;

	bench_facts_judge(f, &m);
	it = finding(&m, id);
	cr_assert_not_null(it, "no finding '%s'", id);
	cr_expect_eq(m.count, 1, "%s: also %s", id, m.findings[m.count - 1].id);
	cr_expect_eq(it->severity, severity, "%s", id);
	cr_expect_not_null(strstr(it->text, text), "%s", it->text);
	cr_expect_not_null(strstr(it->fix, fix), "%s: '%s'", id, it->fix);
	cr_expect_eq(m.verdict, severity == BENCH_ERROR ? BENCH_UNFIT : severity == BENCH_WARNING ? BENCH_NOISY : BENCH_QUIET);
}

#define EXPECT(change, id, severity, text, fix)                                                                        \
	do {                                                                                                           \
		struct bench_facts f = quiet_host();                                                                   \
		change;                                                                                                \
		expect(&f, id, severity, text, fix);                                                                   \
	} while (0)

Test(doctor, judge__quiet_host_is_quiet)
{
	struct bench_facts f = quiet_host();
	struct bench_machine m;
	char line[256];

	bench_facts_judge(&f, &m);
	cr_expect_eq(m.count, 0);
	cr_expect_eq(m.verdict, BENCH_QUIET);
	cr_expect_float_eq(m.spin_tail, 1.02, 1e-9);
	bench_doctor_line(&m, line, sizeof(line));
	cr_expect_str_eq(line, "quiet");
}

Test(doctor, judge__program)
{
	EXPECT(f.optimized = false, "debug-build", BENCH_ERROR, "without optimisation", "buildtype=release");
	EXPECT(f.assertions = true, "assertions", BENCH_WARNING, "assertions", "release");
	EXPECT((f.sanitizer = "address", f.optimized = false), "sanitizer", BENCH_ERROR, "address", "release");
}

Test(doctor, judge__processors)
{
	EXPECT(strcpy(f.governor, "powersave"), "governor", BENCH_WARNING, "'powersave'", "echo performance");
	EXPECT(f.hypervisor = true, "virtual", BENCH_NOTE, "virtual", "");
	EXPECT((f.turbo = 1, f.turbo_intel = true), "turbo", BENCH_NOTE, "turbo", "no_turbo");
	EXPECT(f.turbo = 1, "turbo", BENCH_NOTE, "turbo", "cpufreq/boost");
	EXPECT(strcpy(f.clock, "hpet"), "clock-source", BENCH_WARNING, "'hpet'", "echo tsc");
	EXPECT(f.smt = 1, "smt", BENCH_NOTE, "threads share", "smt/control");
	EXPECT(f.nodes = 2, "numa", BENCH_NOTE, "2 memory nodes", "numactl");
	EXPECT(f.cpus_allowed = 2, "cpuset", BENCH_NOTE, "2 of 4", "");
	EXPECT(f.quota_cpus = 1.5, "cpu-quota", BENCH_WARNING, "1.50 of 4", "--workers");
}

Test(doctor, judge__memory)
{
	EXPECT(strcpy(f.thp, "never"), "huge-pages", BENCH_WARNING, "huge pages", "echo madvise");
	EXPECT(f.hugepages = 5, "reserved-huge-pages", BENCH_NOTE, "5 huge pages", "nr_hugepages=0");
	EXPECT(f.memory_limit_gb = 4, "memory-limit", BENCH_NOTE, "4.0 of 16.0", "");
	EXPECT(f.memory_gb = 1, "memory", BENCH_WARNING, "1.0 GB", "--filter");
	EXPECT(f.swap_used_kib = 10240, "swap", BENCH_NOTE, "10.0 MB", "swapoff");
}

/* Why there is no io_uring decides what helps. */
Test(doctor, judge__io_uring)
{
	EXPECT((f.uring_error = EPERM, f.uring_sysctl = 2), "io-uring", BENCH_NOTE, "io_uring_disabled is 2", "sysctl kernel.io_uring_disabled=0");
	EXPECT((f.uring_error = EPERM, f.uring_sysctl = 1), "io-uring", BENCH_NOTE, "not in its group", "sysctl");
	EXPECT((f.uring_error = EPERM, f.seccomp = 2), "io-uring", BENCH_NOTE, "seccomp", "seccomp=unconfined");
	EXPECT((f.uring_error = ENOSYS, f.seccomp = 0), "io-uring", BENCH_NOTE, "this kernel has none", "");
	EXPECT(strcpy(f.io, "epoll"), "io-uring", BENCH_NOTE, "though io_uring works", "");
	EXPECT(f.files_max = 4096, "open-files", BENCH_NOTE, "4096", "ulimit");
}

Test(doctor, judge__others)
{
	EXPECT(f.load = 1.5, "load", BENCH_WARNING, "1.50 on 4", "top");
	EXPECT(f.after.steal = 20, "steal", BENCH_WARNING, "2.0%", "");
	EXPECT(f.after.steal = 200, "steal", BENCH_ERROR, "20.0%", "");
	EXPECT(f.spin_p99_ns = 30000, "spin", BENCH_WARNING, "20 us takes 1.50 x", "another machine");
	EXPECT(f.spin_p99_ns = 90000, "spin", BENCH_ERROR, "4.50 x", "another machine");
}

Test(doctor, judge__what_happened_meanwhile)
{
	struct bench_facts f = quiet_host();
	struct bench_ticks before = { .all = 1000, .swapped = 3, .throttled = 5 }, after = before;
	struct bench_machine m;

	bench_facts_judge(&f, &m);
	bench_ticks_judge(&before, &after, &m);
	cr_expect_eq(m.count, 0);
	after = (struct bench_ticks){ .all = 2000, .idle = 900, .steal = 30, .own = 50, .swapped = 4, .throttled = 7 };
	bench_ticks_judge(&before, &after, &m);
	cr_expect_eq(m.count, 3);
	cr_expect_not_null(strstr(finding(&m, "steal-meanwhile")->text, "3.0%"));
	cr_expect_not_null(finding(&m, "swapping"));
	cr_expect_not_null(strstr(finding(&m, "throttled")->text, "2 times"));
	cr_expect_eq(m.verdict, BENCH_NOISY);
	before = after;
	after = (struct bench_ticks){ .all = 3000, .idle = 1000, .steal = 30, .own = 650, .swapped = 4, .throttled = 7 };
	bench_ticks_judge(&before, &after, &m);
	cr_expect_eq(m.count, 4);
	cr_expect_not_null(strstr(finding(&m, "others-meanwhile")->text, "30%"), "900 busy, 600 of them ours");
}

Test(doctor, line__says_the_worst)
{
	struct bench_facts f = quiet_host();
	struct bench_machine m;
	char line[512];

	f.load = 3;
	strcpy(f.thp, "never");
	strcpy(f.governor, "ondemand");
	f.smt = 1;
	bench_facts_judge(&f, &m);
	bench_doctor_line(&m, line, sizeof(line));
	cr_expect_eq(strncmp(line, "noisy: the load is 3.00 on 4 processors; the governor", 53), 0, "%s", line);
	cr_expect_not_null(strstr(line, "and 1 more"), "%s", line);
	f.optimized = false;
	bench_facts_judge(&f, &m);
	bench_doctor_line(&m, line, sizeof(line));
	cr_expect_str_eq(line, "unfit: built without optimisation");
}

/* Of what makes results comparable, and of nothing else. */
Test(doctor, fingerprint__is_stable)
{
	struct bench_facts f = quiet_host();
	struct bench_machine a, b;

	bench_facts_judge(&f, &a);
	cr_expect_eq(strlen(a.fingerprint), 16);
	f.load = 9;
	f.memory_gb = 15.9;
	strcpy(f.kernel, "6.12.0");
	bench_facts_judge(&f, &b);
	cr_expect_str_eq(a.fingerprint, b.fingerprint, "load, a minor version, a few MB more or less do not matter");
	strcpy(f.io, "epoll");
	bench_facts_judge(&f, &b);
	cr_expect_neq(strcmp(a.fingerprint, b.fingerprint), 0);
	f = quiet_host();
	f.cpus_allowed = 3;
	bench_facts_judge(&f, &b);
	cr_expect_neq(strcmp(a.fingerprint, b.fingerprint), 0);
	f = quiet_host();
	f.optimized = false;
	bench_facts_judge(&f, &b);
	cr_expect_neq(strcmp(a.fingerprint, b.fingerprint), 0);
}

Test(doctor, doctor__looks_at_this_machine)
{
	struct bench_machine m;

	cr_assert_eq(bench_doctor(&m, true), 0);
	cr_expect_gt(m.cpus, 0);
	cr_expect_gt(m.memory_gb, 0);
	cr_expect_neq(m.io[0], '\0');
	cr_expect_eq(m.spin_tail, 0, "quickly");
	bench_doctor_after(&m);
}
