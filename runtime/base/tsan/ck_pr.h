/* SPDX-License-Identifier: Apache-2.0 */
/*
 * runtime/base/tsan/ck_pr.h - Concurrency Kit's primitives over __atomic builtins.
 *
 * Stands before ck's own ck_pr.h in thread-sanitizer builds, and only there: the
 * sanitizer cannot see into inline assembly (docs/decisions/0003-tsan-and-ck.md).
 * ck orders plain operations with fences; the sanitizer does not model fences, so
 * here the operations carry the order: loads acquire, stores release, read-modify-write
 * seq_cst. A fence then has nothing left to do but where a store comes before a load.
 *
 * It has what ck_ring.h and ck_stack.h use (not the double-word CAS of the MPMC
 * stack, which we do not use). What else is needed fails to compile: add it here.
 */
#ifndef CK_PR_H
#define CK_PR_H

#include <ck_cc.h>
#include <ck_limits.h>
#include <ck_md.h>
#include <ck_stdbool.h>
#include <ck_stdint.h>

#define CK_F_PR

/* Pointers: macros, as ck's own, so that they keep the type. */
#define ck_pr_load_ptr(src) __atomic_load_n((src), __ATOMIC_ACQUIRE)
#define ck_pr_store_ptr(dst, value) __atomic_store_n((dst), (value), __ATOMIC_RELEASE)
#define ck_pr_store_ptr_unsafe ck_pr_store_ptr

CK_CC_INLINE static void *ck_pr_fas_ptr(void *target, void *value)
{
	return __atomic_exchange_n((void **)target, value, __ATOMIC_SEQ_CST);
}

CK_CC_INLINE static bool ck_pr_cas_ptr(void *target, void *expected, void *value)
{
	return __atomic_compare_exchange_n((void **)target, &expected, value, false, __ATOMIC_SEQ_CST,
	                                   __ATOMIC_ACQUIRE);
}

CK_CC_INLINE static bool ck_pr_cas_ptr_value(void *target, void *expected, void *value, void *ret_seen)
{
	bool done = __atomic_compare_exchange_n((void **)target, &expected, value, false, __ATOMIC_SEQ_CST,
	                                        __ATOMIC_ACQUIRE);

	*(void **)ret_seen = expected; /* on success: what stood there, which is what was expected */
	return done;
}

/* Numbers: the same functions for each type. */
#define WEFT_CK_PR(name, type)                                                                               \
	CK_CC_INLINE static type ck_pr_load_##name(const type *src)                                          \
	{                                                                                                    \
		return __atomic_load_n(src, __ATOMIC_ACQUIRE);                                               \
	}                                                                                                    \
	CK_CC_INLINE static void ck_pr_store_##name(type *dst, type value)                                   \
	{                                                                                                    \
		__atomic_store_n(dst, value, __ATOMIC_RELEASE);                                              \
	}                                                                                                    \
	CK_CC_INLINE static type ck_pr_fas_##name(type *target, type value)                                  \
	{                                                                                                    \
		return __atomic_exchange_n(target, value, __ATOMIC_SEQ_CST);                                 \
	}                                                                                                    \
	CK_CC_INLINE static type ck_pr_faa_##name(type *target, type delta)                                  \
	{                                                                                                    \
		return __atomic_fetch_add(target, delta, __ATOMIC_SEQ_CST);                                  \
	}                                                                                                    \
	CK_CC_INLINE static void ck_pr_add_##name(type *target, type delta)                                  \
	{                                                                                                    \
		(void)__atomic_fetch_add(target, delta, __ATOMIC_SEQ_CST);                                   \
	}                                                                                                    \
	CK_CC_INLINE static void ck_pr_sub_##name(type *target, type delta)                                  \
	{                                                                                                    \
		(void)__atomic_fetch_sub(target, delta, __ATOMIC_SEQ_CST);                                   \
	}                                                                                                    \
	CK_CC_INLINE static bool ck_pr_cas_##name##_value(type *target, type expected, type value, type *ret_seen) \
	{                                                                                                    \
		bool done = __atomic_compare_exchange_n(target, &expected, value, false, __ATOMIC_SEQ_CST,   \
		                                        __ATOMIC_ACQUIRE);                                   \
		*ret_seen = expected;                                                                        \
		return done;                                                                                 \
	}                                                                                                    \
	CK_CC_INLINE static bool ck_pr_cas_##name(type *target, type expected, type value)                   \
	{                                                                                                    \
		return ck_pr_cas_##name##_value(target, expected, value, &expected);                         \
	}

WEFT_CK_PR(int, int)
WEFT_CK_PR(uint, unsigned int)
WEFT_CK_PR(32, uint32_t)
WEFT_CK_PR(64, uint64_t)
#undef WEFT_CK_PR

/* Ordered by the operations on both sides already. */
#define WEFT_CK_FENCE_NONE(name)                                                                             \
	CK_CC_INLINE static void ck_pr_fence_##name(void)                                                    \
	{                                                                                                    \
		__asm__ __volatile__("" ::: "memory");                                                       \
	}

/* A store, then a load: a locked operation on a word of our own orders those. */
#define WEFT_CK_FENCE_FULL(name)                                                                             \
	CK_CC_INLINE static void ck_pr_fence_##name(void)                                                    \
	{                                                                                                    \
		int word = 0;                                                                                \
		(void)__atomic_fetch_add(&word, 1, __ATOMIC_SEQ_CST);                                        \
		__asm__ __volatile__("" ::: "memory");                                                       \
	}

WEFT_CK_FENCE_NONE(atomic)
WEFT_CK_FENCE_NONE(atomic_store)
WEFT_CK_FENCE_NONE(atomic_load)
WEFT_CK_FENCE_NONE(store_atomic)
WEFT_CK_FENCE_NONE(load_atomic)
WEFT_CK_FENCE_NONE(load)
WEFT_CK_FENCE_NONE(load_store)
WEFT_CK_FENCE_NONE(load_depends)
WEFT_CK_FENCE_NONE(store)
WEFT_CK_FENCE_NONE(acquire)
WEFT_CK_FENCE_NONE(release)
WEFT_CK_FENCE_NONE(lock)
WEFT_CK_FENCE_NONE(unlock)
WEFT_CK_FENCE_FULL(memory)
WEFT_CK_FENCE_FULL(store_load)
#undef WEFT_CK_FENCE_NONE
#undef WEFT_CK_FENCE_FULL

CK_CC_INLINE static void ck_pr_barrier(void)
{
	__asm__ __volatile__("" ::: "memory");
}

CK_CC_INLINE static void ck_pr_stall(void)
{
#if defined(__x86_64__) || defined(__i386__)
	__builtin_ia32_pause();
#else
	ck_pr_barrier();
#endif
}

#endif
