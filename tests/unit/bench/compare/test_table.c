/* SPDX-License-Identifier: Apache-2.0 */
/* Goal: boxes line up whatever the texts are, stay within their width, and have a form in ASCII. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/compare/table.h"

static char drawn[4096];

/* spare: a column that may go; 0: none */
static int draw_sparing(const char *const *cells, uint32_t count, uint32_t columns, uint32_t spare, bool ascii, uint32_t width)
{
	weft_arena *arena;
	struct bench_table t;
	FILE *to = fmemopen(drawn, sizeof(drawn), "w");
	int gone;

	cr_assert_eq(weft_arena_create(0, &arena), 0);
	bench_table_init(&t, arena, columns);
	for (uint32_t i = 0; i < count; i++)
		bench_table_put(&t, "%s", cells[i]);
	t.spare[0] = spare;
	gone = bench_table_print(&t, to, ascii, width);
	fclose(to);
	weft_arena_destroy(arena);
	return gone;
}

static void draw(const char *const *cells, uint32_t count, uint32_t columns, bool ascii, uint32_t width)
{
	cr_assert_eq(draw_sparing(cells, count, columns, 0, ascii, width), 0);
}

Test(table, print__draws_a_box)
{
	static const char *const cells[] = { "", "time", "weft", "1.5 us", "größer", "2" };

	draw(cells, 6, 2, false, 100);
	cr_expect_str_eq(drawn, "┌────────┬────────┐\n"
	                        "│        │   time │\n"
	                        "├────────┼────────┤\n"
	                        "│ weft   │ 1.5 us │\n"
	                        "│ größer │      2 │\n"
	                        "└────────┴────────┘\n");
}

Test(table, print__has_a_form_in_ascii)
{
	static const char *const cells[] = { "", "time", "größer", "2" };

	draw(cells, 4, 2, true, 100);
	cr_expect_str_eq(drawn, "+--------+------+\n"
	                        "|        | time |\n"
	                        "+--------+------+\n"
	                        "| gr??er |    2 |\n"
	                        "+--------+------+\n");
}

Test(table, print__cuts_the_first_column)
{
	static const char *const cells[] = { "", "time", "a name that does not fit", "1.5 us" };

	draw(cells, 4, 2, true, 24);
	cr_expect_str_eq(drawn, "+-------------+--------+\n"
	                        "|             |   time |\n"
	                        "+-------------+--------+\n"
	                        "| a name tha~ | 1.5 us |\n"
	                        "+-------------+--------+\n");
}

Test(table, print__leaves_spare_columns_out_before_it_cuts)
{
	static const char *const cells[] = { "", "rate", "verdict", "a name", "12 k/s", "faster" };

	cr_expect_eq(draw_sparing(cells, 6, 3, 1, true, 29), 0);
	cr_expect_eq(draw_sparing(cells, 6, 3, 1, true, 28), 1);
	cr_expect_str_eq(drawn, "+--------+---------+\n"
	                        "|        | verdict |\n"
	                        "+--------+---------+\n"
	                        "| a name |  faster |\n"
	                        "+--------+---------+\n");
}

static const char *cut(const char *text, uint32_t width, bool ascii)
{
	static char buf[64];

	bench_table_cut(text, width, ascii, buf, sizeof(buf));
	return buf;
}

Test(table, cut__never_halves_a_character)
{
	cr_expect_str_eq(cut("größer", 6, false), "größer");
	cr_expect_str_eq(cut("größer", 4, false), "grö…");
	cr_expect_str_eq(cut("größer", 4, true), "gr?~");
	cr_expect_str_eq(cut("", 4, false), "");
	cr_expect_str_eq(cut("abc", 1, false), "…");
}

static void expect_middle(const char *text, uint32_t width, const char *wanted)
{
	char buf[64];

	bench_table_cut_middle(text, width, false, buf, sizeof(buf));
	cr_expect_str_eq(buf, wanted);
}

Test(table, cut_middle__keeps_both_ends)
{
	expect_middle("history-1000", 12, "history-1000");
	expect_middle("history-10000", 12, "histor…10000");
	expect_middle("größer-ößer", 6, "grö…er");
	expect_middle("abc", 1, "…");
}

Test(table, columns__of_the_environment_within_bounds)
{
	setenv("COLUMNS", "90", 1);
	cr_expect_eq(bench_table_columns(), 90);
	setenv("COLUMNS", "10", 1);
	cr_expect_eq(bench_table_columns(), 60);
	setenv("COLUMNS", "100000", 1);
	cr_expect_eq(bench_table_columns(), BENCH_TABLE_COLUMNS_MAX);
}

Test(table, utf8__the_first_variable_that_is_set_decides)
{
	unsetenv("LC_ALL");
	unsetenv("LC_CTYPE");
	unsetenv("LANG");
	cr_expect_not(bench_table_is_utf8());
	setenv("LANG", "de_DE.utf8", 1);
	cr_expect(bench_table_is_utf8());
	setenv("LC_CTYPE", "en_US.ISO-8859-1", 1);
	cr_expect_not(bench_table_is_utf8());
	setenv("LC_ALL", "", 1);
	cr_expect_not(bench_table_is_utf8(), "empty is not set");
	setenv("LC_ALL", "C.UTF-8", 1);
	cr_expect(bench_table_is_utf8());
}
