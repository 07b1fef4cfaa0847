/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: recovery gives back every batch up to the end, cuts off a write that was not finished, and refuses damage
 * before the end with file and offset, for every place where either may be.
 * Method: a log of a few segments is written once; copies of it are cut at every sector, and broken by one bit
 * in every sector; what comes back must be a prefix, and the longest that can be told.
 */
#include "store/log/recover.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/log/crc.h"
#include "store/log/names.h"
#include "store/log/record.h"
#include "store/log/wal.h"
#include "tests/support/folder.h"
#include "tests/support/seed.h"

#define BATCHES 40u

static char folder[256];
static weft_error err;

/* A log of BATCHES batches with one change each, numbered from 0. clean: it is closed. Else it looks killed. */
static void write_log(bool clean)
{
	struct weft__wal_config config = { .folder = folder, .store = { { 1 } }, .lock_fd = -1, .sync = WEFT_STORE_SYNC_WRITE,
		                           .segment_bytes = 64 << 10, .waiting_bytes_max = 64 << 10 };
	struct weft__wal *wal;
	char path[WEFT__FILE_PATH_BYTES];
	uint64_t last = 0;
	struct stat st;

	cr_assert_not_null(test_folder(folder));
	cr_assert_eq(weft__wal_open(&config, &wal), 0);
	cr_assert_eq(weft__wal_enter(wal), 0);
	for (uint64_t i = 0; i < BATCHES; i++) {
		char text[6000] = "";
		weft_change c = { .kind = WEFT_CHANGE_WORLD, .world = { .name = { text, i % 3 * 3000 } } };
		struct weft__entry *e;

		memcpy(c.world.id.bytes, &i, sizeof(i));
		cr_assert_eq(weft__wal_entry_make(wal, weft__change_bytes(&c), &e), 0);
		weft__change_put(e->bytes, &c);
		cr_assert_eq(weft__wal_pushed(wal, weft__wal_push(wal, e)), 0);
	}
	weft__wal_leave(wal);
	cr_assert_eq(weft__wal_close(wal), 0);
	weft__wal_free(wal);
	if (clean)
		return;
	/* without the end mark, and reserved as it was */
	for (uint64_t n = 1; weft__segment_path(folder, WEFT__SEGMENT_LOG, n, path), access(path, F_OK) == 0; n++)
		last = n;
	weft__segment_path(folder, WEFT__SEGMENT_LOG, last, path);
	cr_assert_eq(stat(path, &st), 0);
	cr_assert_eq(truncate(path, st.st_size - WEFT__SECTOR), 0);
	cr_assert_eq(truncate(path, 64 << 10), 0);
}

static int count_up(const weft_change *change, const weft_log_place *place, void *user)
{
	uint64_t *next = user, n;

	memcpy(&n, change->world.id.bytes, sizeof(n));
	cr_assert_eq(n, *next, "none is missing, none is there twice");
	cr_assert_gt(place->offset, 0);
	++*next;
	return 0;
}

static int recover(bool repair, uint64_t *ret_count, struct weft__recovered *ret)
{
	struct weft__recover_options opt = { .folder = folder, .repair = repair, .fn = count_up, .user = ret_count };
	int r;

	*ret_count = 0;
	r = weft__log_recover(&opt, ret, &err);
	free(ret->again);
	return r;
}

static void path_of(uint64_t number, char *ret)
{
	weft__segment_path(folder, WEFT__SEGMENT_LOG, number, ret);
}

static void flip(const char *path, uint64_t offset)
{
	int fd = open(path, O_RDWR);
	char byte;

	cr_assert_eq(pread(fd, &byte, 1, (off_t)offset), 1);
	byte ^= 0x10;
	cr_assert_eq(pwrite(fd, &byte, 1, (off_t)offset), 1);
	close(fd);
}

Test(recover, a_log_that_was_closed)
{
	struct weft__recovered r;
	uint64_t n;

	write_log(true);
	cr_assert_eq(recover(true, &n, &r), 0, "%s", err.message);
	cr_assert_eq(n, BATCHES);
	cr_assert_eq(r.last_seq, BATCHES);
	cr_assert(r.any && r.summary.clean && !r.summary.torn && !r.again_len);
	cr_assert_gt(r.last_segment, 2);
	test_folder_remove(folder);
}

Test(recover, one_that_was_not_says_its_last_batch_again)
{
	struct weft__recovered r;
	uint64_t n;

	write_log(false);
	cr_assert_eq(recover(true, &n, &r), 0, "%s", err.message);
	cr_assert_eq(n, BATCHES);
	cr_assert_eq(r.last_seq, BATCHES - 1);
	cr_assert_gt(r.again_len, 0);
	cr_assert_eq(r.again_records, 1);
	cr_assert(!r.summary.clean && !r.summary.torn);
	test_folder_remove(folder);
}

Test(recover, no_store_is_no_error)
{
	struct weft__recovered r;
	uint64_t n;

	cr_assert_not_null(test_folder(folder));
	cr_assert_eq(recover(true, &n, &r), 0);
	cr_assert(!r.any && r.last_segment == 0 && r.last_seq == 0);
	test_folder_remove(folder);
	cr_assert_eq(recover(true, &n, &r), -ENOENT);
}

static uint64_t first_seq_of(const char *path)
{
	char sector[WEFT__SECTOR];
	struct weft__head head;
	uint32_t version;
	int fd = open(path, O_RDONLY);

	cr_assert_eq(pread(fd, sector, sizeof(sector), 0), (ssize_t)sizeof(sector));
	close(fd);
	cr_assert_eq(weft__head_get(sector, &head, &version), 0);
	return head.first_seq;
}

Test(recover, the_last_segment_cut_anywhere)
{
	char path[WEFT__FILE_PATH_BYTES];
	struct weft__recovered r;
	uint64_t n, last, before_last, before = BATCHES;

	write_log(false);
	cr_assert_eq(recover(false, &n, &r), 0);
	last = r.last_segment;
	path_of(last, path);
	before_last = first_seq_of(path) - 1;
	for (off_t cut = 64 << 10; cut >= 0; cut -= 512) {
		cr_assert_eq(truncate(path, cut), 0);
		cr_assert_eq(recover(false, &n, &r), 0, "cut at %ld: %s", (long)cut, err.message);
		cr_assert_leq(n, before);
		cr_assert_eq(r.summary.last_seq, n);
		cr_assert_eq(r.last_segment, n > before_last ? last : last - 1, "one that holds nothing is made anew");
		/* a segment that begins behind the last batch proves it; else it is said again */
		cr_assert_eq(r.last_seq, cut && r.summary.last_seq == before_last ? n : n - 1, "cut at %ld", (long)cut);
		before = n;
	}
	cr_assert_lt(before, BATCHES);
	cr_assert_gt(before, 0);
	/* then the empty file goes, and the log goes on with its number */
	cr_assert_eq(recover(true, &n, &r), 0);
	cr_assert_eq(access(path, F_OK), -1);
	test_folder_remove(folder);
}

/* One bit in each sector: of the last batch it looks like a write that was not finished, anywhere else it is damage. */
Test(recover, a_wrong_bit_anywhere)
{
	char path[WEFT__FILE_PATH_BYTES], name[WEFT__LOG_NAME_BYTES];
	struct weft__recovered r;
	uint64_t n, last, cut_off = 0, refused = 0;
	struct stat st;

	write_log(false);
	cr_assert_eq(recover(false, &n, &r), 0);
	last = r.last_segment;
	for (uint64_t number = 1; number <= last; number++) {
		path_of(number, path);
		weft__segment_name(WEFT__SEGMENT_LOG, number, name);
		cr_assert_eq(stat(path, &st), 0);
		for (uint64_t sector = 0; sector < (uint64_t)st.st_size; sector += WEFT__SECTOR) {
			int status;

			flip(path, sector + 5);
			status = recover(false, &n, &r);
			flip(path, sector + 5);
			if (status == 0 && n < BATCHES) {
				cr_assert_eq(n, BATCHES - 1, "only the last one can be cut off");
				cr_assert_eq(number, last);
				cut_off++;
			} else if (status < 0) {
				cr_assert_eq(status, WEFT_EDAMAGED);
				cr_assert_not_null(strstr(err.message, name), "%s: %s", name, err.message);
				cr_assert_not_null(strstr(err.message, "offset"), "%s", err.message);
				refused++;
			}
		}
	}
	cr_assert_geq(cut_off, 1);
	cr_assert_geq(refused, 30);
	cr_assert_eq(recover(false, &n, &r), 0, "whole again");
	cr_assert_eq(n, BATCHES);
	test_folder_remove(folder);
}

Test(recover, damage_in_a_closed_log_is_never_an_end)
{
	char path[WEFT__FILE_PATH_BYTES];
	struct weft__recovered r;
	uint64_t n, last;
	struct stat st;

	write_log(true);
	cr_assert_eq(recover(false, &n, &r), 0);
	last = r.last_segment;
	path_of(last, path);
	cr_assert_eq(stat(path, &st), 0);
	for (off_t sector = 0; sector < st.st_size - (off_t)WEFT__SECTOR; sector += WEFT__SECTOR) {
		flip(path, (uint64_t)sector + 20);
		cr_assert_eq(recover(false, &n, &r), WEFT_EDAMAGED, "sector at %ld", (long)sector);
		flip(path, (uint64_t)sector + 20);
	}
	test_folder_remove(folder);
}

/* A batch that is whole, has the right number, and follows another one. */
Test(recover, the_chain_counts)
{
	char path[WEFT__FILE_PATH_BYTES], sector[WEFT__SECTOR];
	struct weft__recovered r;
	struct weft__head head;
	struct weft__frame f;
	uint64_t n;
	uint32_t version;
	int fd;

	write_log(true);
	path_of(1, path);
	fd = open(path, O_RDWR);
	cr_assert_eq(pread(fd, sector, sizeof(sector), 0), (ssize_t)sizeof(sector));
	cr_assert_eq(weft__head_get(sector, &head, &version), 0);
	cr_assert_eq(pread(fd, sector, sizeof(sector), WEFT__SECTOR), (ssize_t)sizeof(sector));
	cr_assert_eq(weft__frame_get(sector, &f), 0);
	f.chain ^= 1;
	f.crc = weft__crc32c(weft__frame_begin(&f, head.crc), sector + WEFT__FRAME_BYTES, f.len);
	weft__frame_put(sector, &f);
	cr_assert_eq(pwrite(fd, sector, sizeof(sector), WEFT__SECTOR), (ssize_t)sizeof(sector));
	close(fd);
	cr_assert_eq(recover(false, &n, &r), WEFT_EDAMAGED);
	cr_assert_eq(n, 0);
	test_folder_remove(folder);
}

Test(recover, missing_files_are_named)
{
	char path[WEFT__FILE_PATH_BYTES], aside[WEFT__FILE_PATH_BYTES + 8];
	struct weft__recovered r;
	uint64_t n, last;

	write_log(true);
	cr_assert_eq(recover(false, &n, &r), 0);
	last = r.last_segment;
	for (uint64_t number = 1; number < last; number++) {
		path_of(number, path);
		snprintf(aside, sizeof(aside), "%s.tmp", path);
		cr_assert_eq(rename(path, aside), 0);
		cr_assert_eq(recover(false, &n, &r), WEFT_EDAMAGED);
		cr_assert_not_null(strstr(err.message, "missing"), "%s", err.message);
		cr_assert_eq(rename(aside, path), 0);
	}
	test_folder_remove(folder);
}

Test(recover, files_that_are_something_else)
{
	char path[WEFT__FILE_PATH_BYTES], other[WEFT__FILE_PATH_BYTES];
	struct weft__recovered r;
	uint64_t n, bytes;
	int fd;

	write_log(true);
	path_of(1, path);
	path_of(2, other);
	fd = open(path, O_WRONLY);
	cr_assert_eq(pwrite(fd, "#!/bin/sh\n", 10, 0), 10);
	close(fd);
	cr_assert_eq(recover(false, &n, &r), WEFT_EDAMAGED);
	cr_assert_not_null(strstr(err.message, "no file of weft"), "%s", err.message);
	cr_assert_eq(rename(other, path), 0);
	cr_assert_eq(recover(false, &n, &r), WEFT_EDAMAGED);
	cr_assert_not_null(strstr(err.message, "another file"), "%s", err.message);
	test_folder_empty(folder);
	snprintf(path, sizeof(path), "%s/notes", folder);
	fd = open(path, O_WRONLY | O_CREAT, 0600);
	close(fd);
	cr_assert_eq(recover(false, &n, &r), -ENOTEMPTY);
	(void)bytes;
	test_folder_remove(folder);
}

static int stop_at_five(const weft_change *change, const weft_log_place *place, void *user)
{
	(void)change;
	(void)place;
	return ++*(int *)user == 5 ? -ENOMEM : 0;
}

Test(recover, a_visitor_that_cannot_go_on)
{
	int seen = 0;
	struct weft__recover_options opt = { .folder = folder, .fn = stop_at_five, .user = &seen };
	struct weft__recovered r;

	write_log(true);
	cr_assert_eq(weft__log_recover(&opt, &r, &err), -ENOMEM);
	cr_assert_eq(seen, 5);
	test_folder_remove(folder);
}
