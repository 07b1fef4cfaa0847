/* SPDX-License-Identifier: Apache-2.0 */
/*
 * runtime/base/tsan/ck_ring.h - Concurrency Kit's ring, its slots read and written as atomics.
 *
 * Stands before ck's own in thread-sanitizer builds and in tests/model, and only there. With many
 * consumers, one copies its slot before the compare-and-swap that says whether the slot was its own; one that
 * loses may do so while the producer fills the slot again, and throws the copy away. That is
 * correct, and a data race by the letter. So the copy, a memcpy in ck, becomes a relaxed load
 * and store: it orders nothing, and needs no suppression. What a slot points to is still plain and
 * published by the ring's counters alone, and two producers on one ring race on p_tail, which ck reads plainly.
 */
#ifndef WEFT_TSAN_CK_RING_H
#define WEFT_TSAN_CK_RING_H

#include <ck_cc.h>
#include <ck_pr.h>
#include <ck_string.h>

CK_CC_FORCE_INLINE static void *weft_ck_copy(void *to, const void *from, size_t bytes)
{
	if (bytes != sizeof(void *)) /* our rings hold pointers */
		__builtin_trap();
	__atomic_store_n((void **)to, __atomic_load_n((void *const *)from, __ATOMIC_RELAXED), __ATOMIC_RELAXED);
	return to;
}

#define memcpy weft_ck_copy
#include_next <ck_ring.h>
#undef memcpy

#endif
