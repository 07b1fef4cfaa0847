/* SPDX-License-Identifier: Apache-2.0 */
/*
 * runtime/base/atomic.h - the one seam through which weft touches shared words.
 *
 * C11 atomics with the memory order in the operation's name, so that no access
 * is seq_cst by accident and a systematic test can put its scheduler underneath
 * by replacing this header. Start strong; relax one operation at a time, with
 * the reason beside it.
 */
#ifndef WEFT_RUNTIME_BASE_ATOMIC_H
#define WEFT_RUNTIME_BASE_ATOMIC_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "runtime/base/sim.h"

#define WEFT_CACHELINE 64

#define weft__load_relaxed(p) atomic_load_explicit((p), memory_order_relaxed)
#define weft__load_acquire(p) atomic_load_explicit((p), memory_order_acquire)
#define weft__load_seq_cst(p) atomic_load_explicit((p), memory_order_seq_cst)
#define weft__store_relaxed(p, v) atomic_store_explicit((p), (v), memory_order_relaxed)
#define weft__store_release(p, v) atomic_store_explicit((p), (v), memory_order_release)
#define weft__store_seq_cst(p, v) atomic_store_explicit((p), (v), memory_order_seq_cst)
#define weft__xchg_acq_rel(p, v) atomic_exchange_explicit((p), (v), memory_order_acq_rel)
#define weft__xchg_seq_cst(p, v) atomic_exchange_explicit((p), (v), memory_order_seq_cst)
#define weft__fetch_add_relaxed(p, v) atomic_fetch_add_explicit((p), (v), memory_order_relaxed)
#define weft__fetch_add_acquire(p, v) atomic_fetch_add_explicit((p), (v), memory_order_acquire)
#define weft__fetch_add_acq_rel(p, v) atomic_fetch_add_explicit((p), (v), memory_order_acq_rel)
#define weft__fetch_add_seq_cst(p, v) atomic_fetch_add_explicit((p), (v), memory_order_seq_cst)
#define weft__fetch_sub_relaxed(p, v) atomic_fetch_sub_explicit((p), (v), memory_order_relaxed)
#define weft__fetch_sub_release(p, v) atomic_fetch_sub_explicit((p), (v), memory_order_release)
#define weft__fetch_sub_acq_rel(p, v) atomic_fetch_sub_explicit((p), (v), memory_order_acq_rel)
#define weft__fetch_sub_seq_cst(p, v) atomic_fetch_sub_explicit((p), (v), memory_order_seq_cst)
#define weft__fetch_or_acq_rel(p, v) atomic_fetch_or_explicit((p), (v), memory_order_acq_rel)
#define weft__fetch_or_seq_cst(p, v) atomic_fetch_or_explicit((p), (v), memory_order_seq_cst)
#define weft__fetch_and_acq_rel(p, v) atomic_fetch_and_explicit((p), (v), memory_order_acq_rel)
/* On failure *expected is reloaded with acquire. */
#define weft__cas_acq_rel(p, expected, v)                                                                  \
	atomic_compare_exchange_strong_explicit((p), (expected), (v), memory_order_acq_rel, memory_order_acquire)
#define weft__cas_weak_acq_rel(p, expected, v)                                                             \
	atomic_compare_exchange_weak_explicit((p), (expected), (v), memory_order_acq_rel, memory_order_acquire)
#define weft__cas_seq_cst(p, expected, v)                                                                  \
	atomic_compare_exchange_strong_explicit((p), (expected), (v), memory_order_seq_cst, memory_order_seq_cst)

/* A counter with one writer: no locked instruction; readers see a recent value. */
#define weft__count(p, n) weft__store_relaxed((p), weft__load_relaxed(p) + (n))

/* Tell the core, or the simulation, that this is a spin loop: only another thread can end it. */
static inline void weft__cpu_relax(void)
{
	if (weft__sim_is_on())
		weft__sim->yield();
#if defined(__x86_64__) || defined(__i386__)
	__builtin_ia32_pause();
#elif defined(__aarch64__)
	__asm__ __volatile__("yield");
#endif
}

/* The same, in a loop that nothing but another thread's write ends. */
#ifdef WEFT_MODEL
void weft__spin(void); /* tests/model: goes on when there is something new to read */
#else
static inline void weft__spin(void)
{
	weft__cpu_relax();
}
#endif

#endif
