/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: when the disk takes no more, calls say so by name, nothing that was acknowledged is lost, reads go on, and the
 * next open works again once there is room.
 * Method: a small file system in memory, in a mount namespace of the test's own process (skipped where that is not
 * allowed); and a limit of a file's size, which anybody may set.
 */
#include <weft/durable.h>

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <unistd.h>

#include "tests/support/folder.h"

#define ADDS_MAX 100000u

static char folder[256], path[300];

static weft_store *open_small(void)
{
	weft_store_open_options opt = WEFT_STORE_OPEN_OPTIONS_INIT;
	weft_store *s = NULL;
	weft_error err;
	int r;

	opt.segment_bytes = 128 << 10;
	r = weft_store_open(path, &opt, &s, &err);
	cr_assert_eq(r, 0, "%s", err.message);
	return s;
}

static const weft_uuid room = { { 7 } };

static int add(weft_store *s)
{
	static char text[1000];
	weft_memory m = { .room_id = room, .text = { memset(text, 'x', sizeof(text)), sizeof(text) } };

	return weft_store_add(s, &m, NULL);
}

static void on_flushed(int status, void *user)
{
	*(int *)user = status;
}

/* Until it fails. How many were acknowledged. */
static uint32_t fill(weft_store *s, int expected)
{
	weft_store_log_stats stats = { .size = sizeof(stats) };
	weft_error err;
	uint32_t n = 0;
	int told = 1, r;

	while ((r = add(s)) == 0)
		cr_assert_lt(++n, ADDS_MAX);
	cr_assert_eq(r, expected, "%s", weft_errname(r));
	cr_assert_eq(add(s), WEFT_ELOGFAILED);
	cr_assert_eq(weft_store_put_room(s, &(weft_room){ .id = room }), WEFT_ELOGFAILED);
	cr_assert_eq(weft_store_flush(s), expected, "the disk's own error");
	cr_assert_eq(weft_store_flush_async(s, on_flushed, &told), 0);
	cr_assert_eq(told, expected);
	cr_assert_lt(weft_store_snapshot(s, &err), 0);
	cr_assert_eq(weft_store_log_stats_read(s, &stats), 0);
	cr_assert_eq(stats.status, expected);
	cr_assert_eq(stats.changes_durable, n);
	cr_assert_geq(weft_store_count(s, room, WEFT_MEMORY_MESSAGE), n, "reads go on");
	return n;
}

static void check_again(uint32_t n)
{
	weft_store *s = open_small();
	uint64_t there = weft_store_count(s, room, WEFT_MEMORY_MESSAGE);

	cr_assert(there == n || there == n + 1, "%lu of %u", (unsigned long)there, n);
	cr_assert_eq(add(s), 0);
	cr_assert_eq(weft_store_close(s), 0);
}

Test(durable_full, a_file_system_without_room, .timeout = 120)
{
	char ballast[320];
	weft_store *s;
	uint32_t n;
	int fd;

	cr_assert_not_null(test_folder(folder));
	if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
	    mount("weft", folder, "tmpfs", 0, "size=4m") < 0) {
		rmdir(folder);
		cr_skip("no mount namespace for this user");
	}
	snprintf(path, sizeof(path), "%s/store", folder);
	snprintf(ballast, sizeof(ballast), "%s/ballast", folder);
	fd = open(ballast, O_CREAT | O_WRONLY, 0600);
	cr_assert_eq(fallocate(fd, 0, 0, 3 << 20), 0);
	close(fd);
	s = open_small();
	n = fill(s, -ENOSPC);
	cr_assert_gt(n, 10);
	cr_assert_eq(weft_store_close(s), -ENOSPC);
	cr_assert_eq(unlink(ballast), 0);
	check_again(n);
	cr_assert_eq(umount2(folder, MNT_DETACH), 0);
	rmdir(folder);
}

Test(durable_full, a_limit_of_file_sizes, .timeout = 120)
{
	struct rlimit limit, small;
	weft_store *s;
	uint32_t n;

	cr_assert_not_null(test_folder(folder));
	snprintf(path, sizeof(path), "%s/store", folder);
	signal(SIGXFSZ, SIG_IGN);
	cr_assert_eq(getrlimit(RLIMIT_FSIZE, &limit), 0);
	s = open_small();
	for (n = 0; n < 40; n++)
		cr_assert_eq(add(s), 0);
	small = limit;
	small.rlim_cur = 100 << 10; /* no other segment of 128 KiB */
	cr_assert_eq(setrlimit(RLIMIT_FSIZE, &small), 0);
	n = 40;
	while (add(s) == 0)
		cr_assert_lt(++n, ADDS_MAX);
	cr_assert_eq(add(s), WEFT_ELOGFAILED);
	cr_assert_eq(weft_store_close(s), -EFBIG);
	cr_assert_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
	check_again(n);
	test_folder_remove(path);
	test_folder_remove(folder);
}
