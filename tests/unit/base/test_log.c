/* SPDX-License-Identifier: Apache-2.0 */
/* Goal: lines reach the host by level, cut to size; broken invariants reach the fault hook. */
#include "runtime/base/log.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "runtime/base/assert.h"

static int lines;
static char last[600];

static void keep(weft_log_level level, const char *line, void *user)
{
	lines++;
	snprintf(last, sizeof(last), "%d %s", (int)level, line);
	*(int *)user += 1;
}

Test(log, level_decides)
{
	int told = 0;
	struct weft__log log = { .level = WEFT_LOG_WARN, .fn = keep, .user = &told };

	weft__log(&log, WEFT_LOG_INFO, "not this");
	cr_expect_eq(lines, 0);
	weft__log(&log, WEFT_LOG_WARN, "%s %d", "this", 1);
	weft__log(&log, WEFT_LOG_ERROR, "and this");
	cr_expect_eq(lines, 2);
	cr_expect_eq(told, 2);
	cr_expect_str_eq(last, "3 and this");
}

Test(log, silent_without_a_function)
{
	struct weft__log log = { 0 };

	weft__log(&log, WEFT_LOG_ERROR, "nobody");
	weft__log(NULL, WEFT_LOG_ERROR, "nobody");
	cr_expect_eq(lines, 0);
}

Test(log, long_lines_are_cut)
{
	int told = 0;
	struct weft__log log = { .fn = keep, .user = &told };
	char text[2000];

	memset(text, 'x', sizeof(text));
	text[sizeof(text) - 1] = '\0';
	weft__log(&log, WEFT_LOG_INFO, "%s", text);
	cr_expect_eq(strlen(last), 2 + 511);
}

static void fault(const char *what, const char *file, int line, void *user)
{
	(void)file;
	cr_expect_gt(line, 0);
	snprintf(last, sizeof(last), "%s", what);
	*(int *)user += 1;
}

static int checked(int value)
{
	if (!WEFT_CHECK(value > 0))
		return -1;
	return value;
}

Test(assert, check__tells_the_hook_and_goes_on)
{
	int told = 0;

	cr_expect_eq(checked(0), -1, "no hook is fine");
	weft__fault_hook_set(fault, &told);
	cr_expect_eq(checked(5), 5);
	cr_expect_eq(told, 0);
	cr_expect_eq(checked(-5), -1);
	cr_expect_eq(told, 1);
	cr_expect_str_eq(last, "value > 0");
	weft__fault_hook_set(NULL, NULL);
	cr_expect_eq(checked(-5), -1);
	cr_expect_eq(told, 1);
}
