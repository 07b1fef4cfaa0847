/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tests/support/sanitized.h - TEST_TSAN: 1 when this is built for the thread sanitizer, else 0.
 *
 * gcc says so by a macro, clang by a feature. For what cannot run under it, and for counts: it makes each access to memory
 * ten to thirty times as slow.
 */
#ifndef WEFT_TESTS_SUPPORT_SANITIZED_H
#define WEFT_TESTS_SUPPORT_SANITIZED_H

#if defined(__SANITIZE_THREAD__)
#define TEST_TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define TEST_TSAN 1
#endif
#endif
#ifndef TEST_TSAN
#define TEST_TSAN 0
#endif

#endif
