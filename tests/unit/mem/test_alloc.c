/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: the seam hands out memory as its header says, and a host can put its own underneath,
 * once and in time. Method: each case is a fresh process, so the first use is its own.
 */
#include <weft/alloc.h>

#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

static struct {
	int mallocs, reallocs, frees, aligned;
	bool fail;
} host;

static void *host_malloc(size_t bytes, void *user)
{
	(void)user;
	host.mallocs++;
	return host.fail ? NULL : memset(malloc(bytes), 0xab, bytes);
}

static void *host_realloc(void *ptr, size_t bytes, void *user)
{
	(void)user;
	host.reallocs++;
	return host.fail ? NULL : realloc(ptr, bytes);
}

static void host_free(void *ptr, void *user)
{
	host.frees++;
	*(int *)user += 1;
	free(ptr);
}

static void *host_aligned(size_t alignment, size_t bytes, void *user)
{
	void *ptr = NULL;

	(void)user;
	host.aligned++;
	return host.fail || posix_memalign(&ptr, alignment, bytes) ? NULL : ptr;
}

static int user_told;

static weft_allocator allocator(void)
{
	return (weft_allocator){
		.size = sizeof(weft_allocator),
		.malloc_fn = host_malloc,
		.realloc_fn = host_realloc,
		.free_fn = host_free,
		.aligned_fn = host_aligned,
		.user = &user_told,
	};
}

static void everything_works(void)
{
	char *a = weft_malloc(100), *b = weft_calloc(10, 10), *c, *d;

	cr_assert_not_null(a);
	cr_assert_not_null(b);
	for (int i = 0; i < 100; i++)
		cr_assert_eq(b[i], 0);
	strcpy(a, "text");
	a = weft_realloc(a, 100000);
	cr_assert_str_eq(a, "text");
	for (size_t alignment = 1; alignment <= 4096; alignment *= 2) {
		d = weft_aligned_alloc(alignment < sizeof(void *) ? sizeof(void *) : alignment, 100);
		cr_assert_not_null(d);
		cr_assert_eq((uintptr_t)d % alignment, 0);
		weft_free(d);
	}
	c = weft_strndup("hello world", 5);
	cr_assert_str_eq(c, "hello");
	weft_free(a);
	weft_free(b);
	weft_free(c);
	weft_free(NULL);
}

Test(alloc, default_works)
{
	everything_works();
}

Test(alloc, nothing_is_something)
{
	void *a = weft_malloc(0), *b = weft_calloc(0, 8), *c = weft_realloc(NULL, 0), *d = weft_strndup(NULL, 0);

	cr_expect(a && b && c && d, "NULL is for out of memory only");
	c = weft_realloc(c, 0);
	cr_expect_not_null(c);
	weft_free(a);
	weft_free(b);
	weft_free(c);
	weft_free(d);
}

Test(alloc, nonsense_is_null)
{
	cr_expect_null(weft_calloc(SIZE_MAX / 2, 3), "the product overflows");
	cr_expect_null(weft_aligned_alloc(0, 8));
	cr_expect_null(weft_aligned_alloc(24, 8));
	cr_expect_null(weft_strndup("x", SIZE_MAX));
	cr_expect_null(weft_strndup(NULL, 3));
}

Test(allocator, set__routes_everything)
{
	weft_allocator a = allocator();

	cr_assert_eq(weft_allocator_set(&a), 0);
	everything_works();
	cr_expect_geq(host.mallocs, 3);
	cr_expect_eq(host.reallocs, 1);
	cr_expect_eq(host.aligned, 13);
	cr_expect_eq(host.frees, 16);
	cr_expect_eq(user_told, host.frees);
}

Test(allocator, set__refuses_what_is_incomplete)
{
	weft_allocator a = allocator();

	cr_expect_eq(weft_allocator_set(NULL), -EINVAL);
	a.size = 8;
	cr_expect_eq(weft_allocator_set(&a), -EINVAL);
	a = allocator();
	a.malloc_fn = NULL;
	cr_expect_eq(weft_allocator_set(&a), -EINVAL);
	a = allocator();
	a.realloc_fn = NULL;
	cr_expect_eq(weft_allocator_set(&a), -EINVAL);
	a = allocator();
	a.free_fn = NULL;
	cr_expect_eq(weft_allocator_set(&a), -EINVAL);
	a = allocator();
	a.aligned_fn = NULL;
	cr_expect_eq(weft_allocator_set(&a), -EINVAL);
	weft_free(weft_malloc(1));
	cr_expect_eq(host.mallocs, 0, "none of them took");
}

Test(allocator, set__is_busy_once_used)
{
	weft_allocator a = allocator();

	weft_free(weft_malloc(1));
	cr_expect_eq(weft_allocator_set(&a), -EBUSY);
}

Test(allocator, set__may_be_repeated_until_used)
{
	weft_allocator a = allocator();

	cr_expect_eq(weft_allocator_set(&a), 0);
	cr_expect_eq(weft_allocator_set(&a), 0);
	weft_free(weft_malloc(1));
	cr_expect_eq(weft_allocator_set(&a), -EBUSY);
}

Test(allocator, out_of_memory_is_null)
{
	weft_allocator a = allocator();
	weft_arena *arena = NULL;

	cr_assert_eq(weft_allocator_set(&a), 0);
	host.fail = true;
	cr_expect_null(weft_malloc(1));
	cr_expect_null(weft_calloc(1, 1));
	cr_expect_null(weft_realloc(NULL, 1));
	cr_expect_null(weft_aligned_alloc(64, 1));
	cr_expect_null(weft_strndup("a", 1));
	cr_expect_eq(weft_arena_create(0, &arena), -ENOMEM);
	cr_expect_null(arena);
	host.fail = false;
	cr_assert_eq(weft_arena_create(256, &arena), 0);
	host.fail = true;
	cr_expect_null(weft_arena_alloc(arena, 1000));
	cr_expect_null(weft_arena_calloc(arena, 1000));
	cr_expect_null(weft_arena_printf(arena, "%1000d", 1).ptr);
	cr_expect_null(weft_arena_dup(arena, (weft_str){ (char[1000]){ 0 }, 1000 }).ptr);
	cr_expect_not_null(weft_arena_alloc(arena, 16), "what it holds goes on");
	weft_arena_destroy(arena);
}
