/* SPDX-License-Identifier: Apache-2.0 */
/* What is made or cut off by name is never somebody else's file, to which a link leads. Simulated files: test_disk.c. */
#include "runtime/io/file.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char folder[64];

static void folder_make(void)
{
	snprintf(folder, sizeof(folder), "/tmp/weft-test-file-XXXXXX");
	cr_assert_not_null(mkdtemp(folder));
}

static void folder_remove(void)
{
	char command[96];

	snprintf(command, sizeof(command), "rm -rf %s", folder);
	cr_expect_eq(system(command), 0);
}

static const char *in(const char *name)
{
	static char paths[4][128];
	static unsigned next;
	char *path = paths[next++ % 4];

	snprintf(path, sizeof(paths[0]), "%s/%s", folder, name);
	return path;
}

static void write_text(const char *path, const char *text)
{
	FILE *f = fopen(path, "we");

	cr_assert_not_null(f);
	fputs(text, f);
	cr_assert_eq(fclose(f), 0);
}

static void expect_text(const char *path, const char *text)
{
	char has[64] = "";
	FILE *f = fopen(path, "re");

	cr_assert_not_null(f);
	(void)!fread(has, 1, sizeof(has) - 1, f);
	fclose(f);
	cr_expect_str_eq(has, text, "%s", has);
}

TestSuite(file, .init = folder_make, .fini = folder_remove, .timeout = 60);

Test(file, lock__is_held_once)
{
	int64_t owner = 0;
	int first = weft__file_lock(in("lock"), &owner), again;

	cr_assert_geq(first, 0);
	again = weft__file_lock(in("lock"), &owner);
	cr_expect_eq(again, -EBUSY);
	cr_expect_eq(owner, getpid());
	weft__file_close(first);
	again = weft__file_lock(in("lock"), &owner);
	cr_expect_geq(again, 0);
	weft__file_close(again);
}

Test(file, lock__follows_no_link)
{
	int64_t owner;

	write_text(in("victim"), "precious");
	cr_assert_eq(symlink(in("victim"), in("lock")), 0);
	cr_expect_eq(weft__file_lock(in("lock"), &owner), -ELOOP);
	expect_text(in("victim"), "precious");
}

Test(file, open__makes_nothing_behind_a_link)
{
	cr_assert_eq(symlink(in("not-there"), in("new")), 0);
	cr_expect_eq(weft__file_open(in("new"), WEFT__FILE_WRITE | WEFT__FILE_CREATE), -EEXIST);
	cr_expect_eq(weft__file_open(in("new"), WEFT__FILE_WRITE | WEFT__FILE_CREATE | WEFT__FILE_DURABLE), -EEXIST);
	cr_expect_neq(access(in("not-there"), F_OK), 0);
}
