/* SPDX-License-Identifier: Apache-2.0 */
/*
 * runtime/base/assert.h - three ways to say what must hold.
 *
 * WEFT_ASSERT: our own invariant; crashes loudly in debug, sanitizer and fuzz
 * builds, is gone in release. WEFT_CHECK: an invariant worth testing in release;
 * tells the fault hook and gives false, so that the caller can return
 * WEFT_EINTERNAL and the host lives. WEFT_RETURN_IF: an argument check at the
 * public edge.
 */
#ifndef WEFT_RUNTIME_BASE_ASSERT_H
#define WEFT_RUNTIME_BASE_ASSERT_H

#include <stdbool.h>

#ifdef NDEBUG
#define WEFT_ASSERT(cond) ((void)sizeof(!(cond)))
#else
#define WEFT_ASSERT(cond) ((cond) ? (void)0 : weft__assert_fail(#cond, __FILE__, __LINE__))
#endif

#define WEFT_CHECK(cond) (__builtin_expect(!!(cond), 1) || weft__check_fail(#cond, __FILE__, __LINE__))

#define WEFT_RETURN_IF(cond, code)                                                                         \
	do {                                                                                               \
		if (__builtin_expect(!!(cond), 0))                                                         \
			return (code);                                                                     \
	} while (0)

/* Prints to stderr and aborts: the builds that have WEFT_ASSERT are ours, not a host's. */
_Noreturn void weft__assert_fail(const char *cond, const char *file, int line);

/* Always false. */
bool weft__check_fail(const char *cond, const char *file, int line);

/* Where WEFT_CHECK reports to; process-wide, the runtime started last. NULL: nowhere. */
void weft__fault_hook_set(void (*fn)(const char *what, const char *file, int line, void *user), void *user);

/* No longer to that user, unless another one took its place meanwhile. */
void weft__fault_hook_unset(void *user);

#endif
