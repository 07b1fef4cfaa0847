/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tests/sim/interrupt.c - a simulated thread may lose its turn before any atomic operation.
 *
 * The runtime is compiled once more, instrumented for the thread sanitizer, and linked
 * with this file in its stead: each atomic operation asks the simulation first whether somebody
 * else shall run now. So the windows between two operations are met, in the whole runtime at
 * once, which `weft sim` alone cannot do. Memory is sequentially consistent here: what weaker memory does is
 * tests/model's to find.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "runtime/base/sim.h"
#include "tests/sim/interrupt.h"

#undef pthread_mutex_lock

int sim_mutex_lock(pthread_mutex_t *lock)
{
	if (!weft__sim_is_on())
		return pthread_mutex_lock(lock);
	while (pthread_mutex_trylock(lock) != 0)
		weft__sim->yield();
	return 0;
}

static void interrupt(void)
{
	if (weft__sim_is_on())
		weft__sim->interrupt();
}

/* ---- atomic operations ------------------------------------------------------------------- */

#define RMW(bits, type, name, builtin)                                                                       \
	type __tsan_atomic##bits##_##name(volatile type *at, type value, int order);                         \
	type __tsan_atomic##bits##_##name(volatile type *at, type value, int order)                          \
	{                                                                                                    \
		(void)order;                                                                                 \
		interrupt();                                                                                 \
		return builtin(at, value, __ATOMIC_SEQ_CST);                                                 \
	}

#define CAS(bits, type, name)                                                                                \
	int __tsan_atomic##bits##_compare_exchange_##name(volatile type *at, type *expected, type value,     \
	                                                  int order, int order_failed);                      \
	int __tsan_atomic##bits##_compare_exchange_##name(volatile type *at, type *expected, type value,     \
	                                                  int order, int order_failed)                       \
	{                                                                                                    \
		(void)order;                                                                                 \
		(void)order_failed;                                                                          \
		interrupt();                                                                                 \
		return __atomic_compare_exchange_n(at, expected, value, false, __ATOMIC_SEQ_CST,             \
		                                   __ATOMIC_SEQ_CST);                                        \
	}

#define ATOMIC(bits, type)                                                                                   \
	type __tsan_atomic##bits##_load(const volatile type *at, int order);                                 \
	type __tsan_atomic##bits##_load(const volatile type *at, int order)                                  \
	{                                                                                                    \
		(void)order;                                                                                 \
		interrupt();                                                                                 \
		return __atomic_load_n(at, __ATOMIC_SEQ_CST);                                                \
	}                                                                                                    \
	void __tsan_atomic##bits##_store(volatile type *at, type value, int order);                          \
	void __tsan_atomic##bits##_store(volatile type *at, type value, int order)                           \
	{                                                                                                    \
		(void)order;                                                                                 \
		interrupt();                                                                                 \
		__atomic_store_n(at, value, __ATOMIC_SEQ_CST);                                               \
	}                                                                                                    \
	RMW(bits, type, exchange, __atomic_exchange_n)                                                       \
	RMW(bits, type, fetch_add, __atomic_fetch_add)                                                       \
	RMW(bits, type, fetch_sub, __atomic_fetch_sub)                                                       \
	RMW(bits, type, fetch_and, __atomic_fetch_and)                                                       \
	RMW(bits, type, fetch_or, __atomic_fetch_or)                                                         \
	RMW(bits, type, fetch_xor, __atomic_fetch_xor)                                                       \
	CAS(bits, type, strong)                                                                              \
	CAS(bits, type, weak)                                                                                \
	type __tsan_atomic##bits##_compare_exchange_val(volatile type *at, type expected, type value,        \
	                                                int order, int order_failed);                        \
	type __tsan_atomic##bits##_compare_exchange_val(volatile type *at, type expected, type value,        \
	                                                int order, int order_failed)                         \
	{                                                                                                    \
		__tsan_atomic##bits##_compare_exchange_strong(at, &expected, value, order, order_failed);    \
		return expected;                                                                             \
	}

ATOMIC(8, uint8_t)
ATOMIC(16, uint16_t)
ATOMIC(32, uint32_t)
ATOMIC(64, uint64_t)

void __tsan_atomic_thread_fence(int order);
void __tsan_atomic_thread_fence(int order)
{
	(void)order;
	interrupt();
}

void __tsan_atomic_signal_fence(int order);
void __tsan_atomic_signal_fence(int order)
{
	(void)order;
}

/* ---- plain accesses are of no interest ------------------------------------------------------ */

#define PLAIN(name)                                                                                          \
	void __tsan_##name(void *at);                                                                        \
	void __tsan_##name(void *at)                                                                         \
	{                                                                                                    \
		(void)at;                                                                                    \
	}

#define SIZES(name) PLAIN(name##1) PLAIN(name##2) PLAIN(name##4) PLAIN(name##8) PLAIN(name##16)

SIZES(read)
SIZES(write)
SIZES(unaligned_read)
SIZES(unaligned_write)
SIZES(volatile_read)
SIZES(volatile_write)
PLAIN(func_entry)

#define RANGE(name)                                                                                          \
	void __tsan_##name(void *at, size_t bytes);                                                          \
	void __tsan_##name(void *at, size_t bytes)                                                           \
	{                                                                                                    \
		(void)at;                                                                                    \
		(void)bytes;                                                                                 \
	}

RANGE(read_range)
RANGE(write_range)

void __tsan_func_exit(void);
void __tsan_func_exit(void)
{
}

void __tsan_init(void);
void __tsan_init(void)
{
}
