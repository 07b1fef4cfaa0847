/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/doctor.h"

#include <sys/resource.h>
#include <unistd.h>

#include "bench/doctor/facts.h"

static double seconds_of(int who)
{
	struct rusage u = { 0 };

	getrusage((__rusage_who_t)who, &u);
	return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) + (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

static void read_ticks(struct bench_ticks *ret)
{
	bench_ticks_read("", ret);
	ret->own = (uint64_t)((seconds_of(RUSAGE_SELF) + seconds_of(RUSAGE_CHILDREN)) * (double)sysconf(_SC_CLK_TCK));
}

int bench_doctor(struct bench_machine *ret, bool quickly)
{
	struct bench_facts f = { .uring_sysctl = FACTS_UNKNOWN, .turbo = FACTS_UNKNOWN };

	bench_facts_program(&f);
	bench_facts_read("", &f);
	bench_facts_ask(&f, !quickly);
	read_ticks(&f.after);
	bench_facts_judge(&f, ret);
	return 0;
}

void bench_doctor_after(struct bench_machine *machine)
{
	struct bench_ticks now;

	read_ticks(&now);
	bench_ticks_judge(&machine->ticks, &now, machine);
	machine->ticks = now;
}
