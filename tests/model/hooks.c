/* SPDX-License-Identifier: Apache-2.0 */
/* tests/model/hooks.c - the thread sanitizer's interface, answered by the explorer; see hooks.h. */
#include "tests/model/hooks.h"

#include "tests/model/explore.h"

#define IGNORED 4u

bool hooks_on;

static struct {
	const char *at;
	size_t bytes;
} ignored[IGNORED];
static unsigned ignored_count;

void hooks_ignore(const void *at, size_t bytes)
{
	ignored[ignored_count].at = at;
	ignored[ignored_count++].bytes = bytes;
}

void hooks_forget(void)
{
	ignored_count = 0;
}

/* ---- plain accesses ----------------------------------------------------------------------- */

static void plain(const void *at, size_t bytes, bool write)
{
	if (!hooks_on)
		return;
	for (unsigned i = 0; i < ignored_count; i++) {
		if ((size_t)((const char *)at - ignored[i].at) < ignored[i].bytes)
			return;
	}
	hooks_on = false;
	mem_plain(explore_self(), at, bytes, write);
	hooks_on = true;
}

#define PLAIN(suffix, bytes)                                                                                 \
	void __tsan_read##suffix(void *at);                                                                  \
	void __tsan_read##suffix(void *at)                                                                   \
	{                                                                                                    \
		plain(at, bytes, false);                                                                     \
	}                                                                                                    \
	void __tsan_write##suffix(void *at);                                                                 \
	void __tsan_write##suffix(void *at)                                                                  \
	{                                                                                                    \
		plain(at, bytes, true);                                                                      \
	}                                                                                                    \
	void __tsan_unaligned_read##suffix(void *at);                                                        \
	void __tsan_unaligned_read##suffix(void *at)                                                         \
	{                                                                                                    \
		plain(at, bytes, false);                                                                     \
	}                                                                                                    \
	void __tsan_unaligned_write##suffix(void *at);                                                       \
	void __tsan_unaligned_write##suffix(void *at)                                                        \
	{                                                                                                    \
		plain(at, bytes, true);                                                                      \
	}

PLAIN(1, 1)
PLAIN(2, 2)
PLAIN(4, 4)
PLAIN(8, 8)
PLAIN(16, 16)

void __tsan_read_range(void *at, size_t bytes);
void __tsan_read_range(void *at, size_t bytes)
{
	plain(at, bytes, false);
}

void __tsan_write_range(void *at, size_t bytes);
void __tsan_write_range(void *at, size_t bytes)
{
	plain(at, bytes, true);
}

void __tsan_init(void);
void __tsan_init(void)
{
}

void __tsan_func_entry(void *caller);
void __tsan_func_entry(void *caller)
{
	(void)caller;
}

void __tsan_func_exit(void);
void __tsan_func_exit(void)
{
}

/* ---- atomic operations ---------------------------------------------------------------------- */

#define ATOMIC_RMW(bits, type, name, how, builtin)                                                           \
	type __tsan_atomic##bits##_##name(volatile type *at, type value, int order);                         \
	type __tsan_atomic##bits##_##name(volatile type *at, type value, int order)                          \
	{                                                                                                    \
		struct mem_op op = { .kind = how, .bytes = sizeof(type), .order = (uint8_t)order,            \
			             .at = (void *)at, .operand = value };                                   \
		if (!hooks_on)                                                                               \
			return builtin(at, value, __ATOMIC_SEQ_CST);                                         \
		return (type)explore_perform(&op).value;                                                     \
	}

#define ATOMIC_CAS(bits, type, name)                                                                         \
	int __tsan_atomic##bits##_compare_exchange_##name(volatile type *at, type *expected, type value,     \
	                                                  int order, int order_failed);                      \
	int __tsan_atomic##bits##_compare_exchange_##name(volatile type *at, type *expected, type value,     \
	                                                  int order, int order_failed)                       \
	{                                                                                                    \
		struct mem_op op = { .kind = MEM_CAS, .bytes = sizeof(type), .order = (uint8_t)order,        \
			             .order_failed = (uint8_t)order_failed, .at = (void *)at,                \
			             .operand = value, .expected = *expected };                              \
		struct mem_result r;                                                                         \
		if (!hooks_on)                                                                               \
			return __atomic_compare_exchange_n(at, expected, value, false, __ATOMIC_SEQ_CST,     \
			                                   __ATOMIC_SEQ_CST);                                \
		r = explore_perform(&op);                                                                    \
		if (!r.swapped)                                                                              \
			*expected = (type)r.value;                                                           \
		return r.swapped;                                                                            \
	}

/* What clang calls for either of these. */
#define ATOMIC_CAS_VALUE(bits, type)                                                                         \
	type __tsan_atomic##bits##_compare_exchange_val(volatile type *at, type expected, type value,        \
	                                                int order, int order_failed);                        \
	type __tsan_atomic##bits##_compare_exchange_val(volatile type *at, type expected, type value,        \
	                                                int order, int order_failed)                         \
	{                                                                                                    \
		__tsan_atomic##bits##_compare_exchange_strong(at, &expected, value, order, order_failed);    \
		return expected;                                                                             \
	}

#define ATOMIC(bits, type)                                                                                   \
	type __tsan_atomic##bits##_load(const volatile type *at, int order);                                 \
	type __tsan_atomic##bits##_load(const volatile type *at, int order)                                  \
	{                                                                                                    \
		struct mem_op op = { .kind = MEM_LOAD, .bytes = sizeof(type), .order = (uint8_t)order,       \
			             .at = (void *)(uintptr_t)at };                                          \
		return hooks_on ? (type)explore_perform(&op).value : __atomic_load_n(at, __ATOMIC_SEQ_CST);  \
	}                                                                                                    \
	void __tsan_atomic##bits##_store(volatile type *at, type value, int order);                          \
	void __tsan_atomic##bits##_store(volatile type *at, type value, int order)                           \
	{                                                                                                    \
		struct mem_op op = { .kind = MEM_STORE, .bytes = sizeof(type), .order = (uint8_t)order,      \
			             .at = (void *)at, .operand = value };                                   \
		if (hooks_on)                                                                                \
			explore_perform(&op);                                                                \
		else                                                                                         \
			__atomic_store_n(at, value, __ATOMIC_SEQ_CST);                                       \
	}                                                                                                    \
	ATOMIC_RMW(bits, type, exchange, MEM_XCHG, __atomic_exchange_n)                                      \
	ATOMIC_RMW(bits, type, fetch_add, MEM_ADD, __atomic_fetch_add)                                       \
	ATOMIC_RMW(bits, type, fetch_sub, MEM_SUB, __atomic_fetch_sub)                                       \
	ATOMIC_RMW(bits, type, fetch_and, MEM_AND, __atomic_fetch_and)                                       \
	ATOMIC_RMW(bits, type, fetch_or, MEM_OR, __atomic_fetch_or)                                          \
	ATOMIC_RMW(bits, type, fetch_xor, MEM_XOR, __atomic_fetch_xor)                                       \
	ATOMIC_CAS(bits, type, strong)                                                                       \
	ATOMIC_CAS(bits, type, weak)                                                                         \
	ATOMIC_CAS_VALUE(bits, type)

ATOMIC(8, uint8_t)
ATOMIC(16, uint16_t)
ATOMIC(32, uint32_t)
ATOMIC(64, uint64_t)

void __tsan_atomic_thread_fence(int order);
void __tsan_atomic_thread_fence(int order)
{
	struct mem_op op = { .kind = MEM_FENCE, .order = (uint8_t)order };

	if (hooks_on)
		explore_perform(&op);
	else
		__atomic_thread_fence(__ATOMIC_SEQ_CST);
}
