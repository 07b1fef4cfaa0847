/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: blocks are aligned, big enough and never given twice; what one thread gives back serves another; the pool grows
 * with the messages alive at once, not with those ever made.
 * Method: an allocator that counts slabs and can fail; each test has a process, hence a depot, of its own.
 */
#include "runtime/mem/msgpool.h"

#include <criterion/criterion.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

#include <weft/alloc.h>

static _Atomic(uint32_t) taken;
static bool empty;

static void *take(size_t bytes, void *user)
{
	(void)user;
	taken++;
	return empty ? NULL : malloc(bytes);
}

static void *take_more(void *ptr, size_t bytes, void *user)
{
	(void)user;
	return empty ? NULL : realloc(ptr, bytes);
}

static void *take_aligned(size_t alignment, size_t bytes, void *user)
{
	(void)user;
	taken++;
	return empty ? NULL : aligned_alloc(alignment, bytes);
}

static void give(void *ptr, void *user)
{
	(void)user;
	free(ptr);
}

static void count_slabs(void)
{
	weft_allocator a = { .size = sizeof(a),
		             .malloc_fn = take,
		             .realloc_fn = take_more,
		             .free_fn = give,
		             .aligned_fn = take_aligned };

	cr_assert_eq(weft_allocator_set(&a), 0);
}

TestSuite(msgpool, .init = count_slabs);

Test(msgpool, class__is_the_smallest_that_fits)
{
	for (size_t payload = 0; payload <= 5000; payload++) {
		uint32_t cls = weft__msg_class(payload);
		size_t block = payload + WEFT__MSG_HEADER_BYTES;

		if (block > 4096) {
			cr_assert_eq(cls, WEFT__MSG_CLASS_LARGE);
			continue;
		}
		cr_assert_leq(block, (size_t)64 << cls, "payload %zu", payload);
		cr_assert(cls == 0 || block > (size_t)32 << cls, "payload %zu fits a smaller class", payload);
	}
}

Test(msgpool, alloc__gives_each_block_once)
{
	enum { N = 3000 };
	static struct weft_msg *m[N];
	struct weft__msgcache cache = { 0 };

	for (size_t i = 0; i < N; i++) {
		m[i] = weft__msg_alloc(&cache, i % 700);
		cr_assert_not_null(m[i]);
		cr_assert_eq((uintptr_t)weft__msg_payload(m[i]) % 16, 0);
		memset(weft__msg_payload(m[i]), (int)(i % 251), i % 700);
	}
	for (size_t i = 0; i < N; i++) {
		const unsigned char *p = weft__msg_payload(m[i]);

		for (size_t at = 0; at < i % 700; at++)
			cr_assert_eq(p[at], i % 251, "block %zu was written by another", i);
		weft__msg_free(&cache, m[i]);
	}
	weft__msgcache_drain(&cache);
}

Test(msgpool, free__serves_the_next_alloc)
{
	struct weft__msgcache cache = { 0 };
	struct weft_msg *m = weft__msg_alloc(&cache, 10);
	uint32_t slabs = taken;

	for (int i = 0; i < 1000000; i++) {
		weft__msg_free(&cache, m);
		m = weft__msg_alloc(&cache, 10);
	}
	cr_assert_eq(taken, slabs);
	weft__msg_free(&cache, m);
	weft__msgcache_drain(&cache);
}

Test(msgpool, large__comes_and_goes_by_itself)
{
	struct weft__msgcache cache = { 0 };
	struct weft_msg *m = weft__msg_alloc(&cache, 100000);

	cr_assert_eq(m->size_class, WEFT__MSG_CLASS_LARGE);
	memset(weft__msg_payload(m), 1, 100000);
	weft__msg_free(&cache, m);
	m = weft__msg_alloc(NULL, 100000);
	cr_assert_not_null(m);
	weft__msg_free(NULL, m);
	cr_assert_eq(taken, 2);
}

Test(msgpool, alloc__without_memory_is_null_and_recovers)
{
	struct weft__msgcache cache = { 0 };
	struct weft_msg *m;

	empty = true;
	cr_assert_null(weft__msg_alloc(&cache, 10));
	cr_assert_null(weft__msg_alloc(NULL, 10));
	cr_assert_null(weft__msg_alloc(&cache, 100000));
	empty = false;
	m = weft__msg_alloc(&cache, 10);
	cr_assert_not_null(m);
	weft__msg_free(&cache, m);
	weft__msgcache_drain(&cache);
}

/* One thread makes, the other releases: through a box of one place. */
static _Atomic(struct weft_msg *) box;

static void *release(void *arg)
{
	struct weft__msgcache cache = { 0 };
	uint32_t left = *(uint32_t *)arg;

	while (left) {
		struct weft_msg *m = weft__xchg_acq_rel(&box, NULL);

		if (!m) {
			sched_yield(); /* on one core the other runs now */
			continue;
		}
		weft__msg_free(&cache, m);
		left--;
	}
	weft__msgcache_drain(&cache);
	return NULL;
}

Test(msgpool, release_elsewhere__travels_back, .timeout = 120)
{
	struct weft__msgcache cache = { 0 };
	uint32_t n = 100000;
	pthread_t thread;

	cr_assert_eq(pthread_create(&thread, NULL, release, &n), 0);
	for (uint32_t i = 0; i < n; i++) {
		struct weft_msg *m = weft__msg_alloc(&cache, 100), *nobody = NULL;

		cr_assert_not_null(m);
		while (!weft__cas_acq_rel(&box, &nobody, m)) {
			nobody = NULL;
			sched_yield();
		}
	}
	pthread_join(thread, NULL);
	weft__msgcache_drain(&cache);
	/* two caches, the loose blocks and one in the box: nowhere near the 392 slabs of 100,000 blocks */
	cr_assert_leq(taken, 8, "%u slabs", (unsigned)taken);
}
