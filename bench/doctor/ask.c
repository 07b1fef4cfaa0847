/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "bench/doctor/facts.h"
#include "bench/stat/quantile.h"

/* ---- this program ------------------------------------------------------------------------- */

#if defined(__SANITIZE_ADDRESS__)
#define SANITIZER "address"
#elif defined(__SANITIZE_THREAD__)
#define SANITIZER "thread"
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SANITIZER "address"
#elif __has_feature(thread_sanitizer)
#define SANITIZER "thread"
#elif __has_feature(memory_sanitizer)
#define SANITIZER "memory"
#endif
#endif
#ifndef SANITIZER
#define SANITIZER NULL
#endif

void bench_facts_program(struct bench_facts *f)
{
#ifdef __OPTIMIZE__
	f->optimized = true;
#endif
#ifndef NDEBUG
	f->assertions = true;
#endif
	f->sanitizer = SANITIZER;
}

/* ---- the kernel ------------------------------------------------------------------------------ */

/* The smallest ring there is, made and let go. */
static int try_uring(void)
{
#ifdef SYS_io_uring_setup
	uint64_t params[15] = { 0 }; /* struct io_uring_params: 120 bytes, all zero */
	long fd = syscall(SYS_io_uring_setup, 1, params);

	if (fd < 0)
		return errno;
	close((int)fd);
	return 0;
#else
	return ENOSYS;
#endif
}

static void ask_runtime(struct bench_facts *f)
{
	weft_runtime_options ro = WEFT_RUNTIME_OPTIONS_INIT;
	weft_runtime *rt = NULL;

	ro.workers = 1;
	if (weft_runtime_create(&ro, &rt) == 0 && weft_runtime_start(rt) == 0)
		snprintf(f->io, sizeof(f->io), "%s", weft_runtime_io_name(rt));
	weft_runtime_destroy(rt);
}

static uint64_t limit(int which, bool most)
{
	struct rlimit l;

	if (getrlimit((__rlimit_resource_t)which, &l) != 0)
		return UINT64_MAX;
	l.rlim_cur = most ? l.rlim_max : l.rlim_cur;
	return l.rlim_cur == RLIM_INFINITY ? UINT64_MAX : l.rlim_cur;
}

/* ---- how steady a loop runs -------------------------------------------------------------------- */

#define SPINS 2000u
#define STEPS 20000u /* about 20 us each */

static uint64_t spin_ns(void)
{
	struct timespec a, b;
	uint64_t x = 88172645463325252u;

	clock_gettime(CLOCK_MONOTONIC, &a);
	for (uint32_t i = 0; i < STEPS; i++) {
		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
		__asm__ volatile("" : "+r"(x)); /* each step is done */
	}
	clock_gettime(CLOCK_MONOTONIC, &b);
	return (uint64_t)(b.tv_sec - a.tv_sec) * 1000000000u + (uint64_t)b.tv_nsec - (uint64_t)a.tv_nsec;
}

static void spin(struct bench_facts *f)
{
	double ns[SPINS];

	for (uint32_t i = 0; i < SPINS / 10; i++)
		spin_ns(); /* the clock of a processor that slept rises first */
	for (uint32_t i = 0; i < SPINS; i++)
		ns[i] = (double)spin_ns();
	bench_sort(ns, SPINS);
	f->spin_p50_ns = bench_median(ns, SPINS);
	f->spin_p99_ns = bench_quantile(ns, SPINS, 0.99);
}

void bench_facts_ask(struct bench_facts *f, bool do_spin)
{
	f->uring_error = try_uring();
	ask_runtime(f);
	f->memlock_bytes = limit(RLIMIT_MEMLOCK, false);
	f->files = limit(RLIMIT_NOFILE, false);
	f->files_max = limit(RLIMIT_NOFILE, true);
	if (do_spin)
		spin(f);
}
