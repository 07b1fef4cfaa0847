/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tests/plain - the part of Criterion that our tests use, for sanitizer builds.
 *
 * Criterion keeps an arena at an address where the thread sanitizer keeps its shadow, and
 * cannot start there. Under the address sanitizer it starts, and calls a test passed whose
 * process found a leak on its way out. This header and criterion.c take its place in such
 * builds: the same macros, a process for each test, the same closing line. Is a macro
 * missing? Add it here.
 */
#ifndef WEFT_TESTS_PLAIN_CRITERION_H
#define WEFT_TESTS_PLAIN_CRITERION_H

#include <math.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct plain_options {
	void (*init)(void);
	void (*fini)(void);
	const char *description;
	int signal;
	int exit_code;
	double timeout; /* seconds; stretched: the sanitizer is slow */
	bool disabled;
};

struct plain_test {
	const char *suite;
	const char *name; /* NULL: these are the suite's options */
	void (*fn)(void);
	struct plain_options options;
	struct plain_test *next;
};

void plain_register(struct plain_test *test);
void plain_failed(bool fatal, const char *file, int line, const char *what);
void plain_say(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
_Noreturn void plain_skip(void);

#define Test(Suite, Name, ...)                                                                               \
	static void plain_fn_##Suite##_##Name(void);                                                         \
	static struct plain_test plain_test_##Suite##_##Name = {                                             \
	        .suite = #Suite, .name = #Name, .fn = plain_fn_##Suite##_##Name, .options = {__VA_ARGS__}};  \
	__attribute__((constructor)) static void plain_reg_##Suite##_##Name(void)                            \
	{                                                                                                    \
		plain_register(&plain_test_##Suite##_##Name);                                                \
	}                                                                                                    \
	static void plain_fn_##Suite##_##Name(void)

#define TestSuite(Suite, ...)                                                                                \
	static struct plain_test plain_suite_##Suite = {.suite = #Suite, .options = {__VA_ARGS__}};          \
	__attribute__((constructor)) static void plain_reg_suite_##Suite(void)                               \
	{                                                                                                    \
		plain_register(&plain_suite_##Suite);                                                        \
	}                                                                                                    \
	struct plain_unused_##Suite

/* The first of the rest is a printf format, when there is one. */
#define PLAIN_CHECK(fatal, holds, what, ...)                                                                 \
	do {                                                                                                 \
		if (!(holds)) {                                                                              \
			plain_say(" " __VA_ARGS__);                                                          \
			plain_failed((fatal), __FILE__, __LINE__, (what));                                   \
		}                                                                                            \
	} while (0)

#define cr_assert(cond, ...) PLAIN_CHECK(true, (cond), #cond, __VA_ARGS__)
#define cr_expect(cond, ...) PLAIN_CHECK(false, (cond), #cond, __VA_ARGS__)
#define cr_fatal(...) PLAIN_CHECK(true, false, "cr_fatal", __VA_ARGS__)
#define cr_fail(...) PLAIN_CHECK(false, false, "cr_fail", __VA_ARGS__)
#define cr_assert_fail cr_fatal
#define cr_expect_fail cr_fail

#define PLAIN_OP(fatal, a, op, b, ...) PLAIN_CHECK(fatal, (a)op(b), #a " " #op " " #b, __VA_ARGS__)
#define cr_assert_not(cond, ...) PLAIN_CHECK(true, !(cond), "!" #cond, __VA_ARGS__)
#define cr_assert_eq(a, b, ...) PLAIN_OP(true, a, ==, b, __VA_ARGS__)
#define cr_assert_neq(a, b, ...) PLAIN_OP(true, a, !=, b, __VA_ARGS__)
#define cr_assert_lt(a, b, ...) PLAIN_OP(true, a, <, b, __VA_ARGS__)
#define cr_assert_leq(a, b, ...) PLAIN_OP(true, a, <=, b, __VA_ARGS__)
#define cr_assert_gt(a, b, ...) PLAIN_OP(true, a, >, b, __VA_ARGS__)
#define cr_assert_geq(a, b, ...) PLAIN_OP(true, a, >=, b, __VA_ARGS__)
#define cr_assert_null(p, ...) PLAIN_CHECK(true, (p) == NULL, #p " is NULL", __VA_ARGS__)
#define cr_assert_not_null(p, ...) PLAIN_CHECK(true, (p) != NULL, #p " is not NULL", __VA_ARGS__)
#define cr_assert_str_eq(a, b, ...) PLAIN_CHECK(true, strcmp((a), (b)) == 0, #a " is " #b, __VA_ARGS__)
#define cr_assert_str_neq(a, b, ...) PLAIN_CHECK(true, strcmp((a), (b)) != 0, #a " is not " #b, __VA_ARGS__)
#define cr_assert_str_empty(a, ...) PLAIN_CHECK(true, *(a) == 0, #a " is empty", __VA_ARGS__)
#define cr_assert_arr_eq(a, b, n, ...) PLAIN_CHECK(true, memcmp((a), (b), (n)) == 0, #a " is " #b, __VA_ARGS__)
#define cr_assert_arr_neq(a, b, n, ...)                                                                      \
	PLAIN_CHECK(true, memcmp((a), (b), (n)) != 0, #a " is not " #b, __VA_ARGS__)
#define cr_assert_float_eq(a, b, eps, ...)                                                                   \
	PLAIN_CHECK(true, fabs((double)((a) - (b))) <= (double)(eps), #a " is about " #b, __VA_ARGS__)

#define cr_expect_not(cond, ...) PLAIN_CHECK(false, !(cond), "!" #cond, __VA_ARGS__)
#define cr_expect_eq(a, b, ...) PLAIN_OP(false, a, ==, b, __VA_ARGS__)
#define cr_expect_neq(a, b, ...) PLAIN_OP(false, a, !=, b, __VA_ARGS__)
#define cr_expect_lt(a, b, ...) PLAIN_OP(false, a, <, b, __VA_ARGS__)
#define cr_expect_leq(a, b, ...) PLAIN_OP(false, a, <=, b, __VA_ARGS__)
#define cr_expect_gt(a, b, ...) PLAIN_OP(false, a, >, b, __VA_ARGS__)
#define cr_expect_geq(a, b, ...) PLAIN_OP(false, a, >=, b, __VA_ARGS__)
#define cr_expect_null(p, ...) PLAIN_CHECK(false, (p) == NULL, #p " is NULL", __VA_ARGS__)
#define cr_expect_not_null(p, ...) PLAIN_CHECK(false, (p) != NULL, #p " is not NULL", __VA_ARGS__)
#define cr_expect_str_eq(a, b, ...) PLAIN_CHECK(false, strcmp((a), (b)) == 0, #a " is " #b, __VA_ARGS__)
#define cr_expect_float_eq(a, b, eps, ...)                                                                   \
	PLAIN_CHECK(false, fabs((double)((a) - (b))) <= (double)(eps), #a " is about " #b, __VA_ARGS__)

#define cr_log_info(...) plain_say(__VA_ARGS__)
#define cr_log_warn(...) plain_say(__VA_ARGS__)
#define cr_log_error(...) plain_say(__VA_ARGS__)
#define cr_log(level, ...) plain_say(__VA_ARGS__)
#define cr_skip(...) (plain_say(" " __VA_ARGS__), plain_skip())
#define cr_skip_test(...) (plain_say(" " __VA_ARGS__), plain_skip())

#endif
