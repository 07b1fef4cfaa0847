/* SPDX-License-Identifier: Apache-2.0 */
/* bench/cores.h - which cores this thread, and what it makes from then on, may use: so that one does not measure the other. */
#ifndef WEFT_BENCH_CORES_H
#define WEFT_BENCH_CORES_H

#include <sched.h>
#include <stdint.h>

/* What the process may use now; to be asked before the first bench_cores_keep. */
cpu_set_t bench_cores_all(void);

/* The from-th .. (to - 1)-th of them; where there are none, all of them. */
void bench_cores_keep(const cpu_set_t *all, uint32_t from, uint32_t to);

#endif
