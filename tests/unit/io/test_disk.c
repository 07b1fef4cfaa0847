/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: the simulated loop keeps what loop.h promises while everything goes wrong, and the simulated disk keeps
 * what was synced, and nothing else for sure, when power is lost.
 * Method: hundreds of seeds. One operation at a time in each file, against a shadow that knows which
 * bytes are certain; then a log that is written, synced and recovered after a crash.
 */
#include "runtime/io/disk.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <weft/sim.h>

#include "runtime/io/file.h"

#define SEEDS 300u
#define FILES 4u
#define BYTES 8192u

static void stuck(const char *why, void *user)
{
	(void)user;
	cr_assert(false, "stuck: %s", why);
	abort();
}

static struct weft__loop *begin(uint64_t seed, uint32_t faults)
{
	weft_sim_options opt = WEFT_SIM_OPTIONS_INIT;
	struct weft__loop *loop = NULL;
	const char *why = NULL;

	opt.seed = seed;
	opt.stuck = stuck;
	cr_assert_eq(weft_sim_begin(&opt), 0);
	cr_assert_eq(weft__loop_open(WEFT_IO_AUTO, &loop, &why), 0);
	cr_assert_str_eq(weft__loop_name(loop), "sim");
	weft_sim_faults(faults);
	return loop;
}

static void end(struct weft__loop *loop)
{
	weft__loop_close(loop);
	weft__disk_clear();
	cr_assert_eq(weft_sim_end(), 0);
}

/* ---- one operation a file, checked against a shadow -------------------------------------- */

struct lane {
	struct weft__io io; /* first */
	char buf[600], shadow[BYTES];
	bool certain[BYTES];
	size_t size; /* at most */
	uint32_t submitted, done;
	bool cancelled;
};

static void check_read(struct lane *l)
{
	for (int32_t i = 0; i < l->io.result; i++) {
		size_t at = l->io.offset + (size_t)i;

		cr_assert(!l->certain[at] || l->buf[i] == l->shadow[at], "byte %zu", at);
	}
}

static void note_write(struct lane *l)
{
	size_t sure = l->io.result > 0 ? (size_t)l->io.result : 0;

	for (size_t i = 0; i < l->io.len_bytes; i++) {
		size_t at = l->io.offset + i;

		if (i < sure) {
			l->shadow[at] = l->buf[i];
			l->certain[at] = true;
		} else if (l->io.result < 0 && l->buf[i] != l->shadow[at]) {
			l->certain[at] = false; /* of a failed one some may be there */
		}
	}
}

static void on_done(struct weft__io *io)
{
	struct lane *l = (struct lane *)io;
	int32_t r = io->result;

	l->done++;
	cr_assert_eq(l->done, l->submitted, "done exactly once");
	cr_assert(r >= 0 || r == -EIO || r == -ENOSPC || r == -ENOMEM || (r == -ECANCELED && l->cancelled), "result %d", r);
	cr_assert_leq(r, (int32_t)io->len_bytes);
	if (io->op == WEFT__IO_READ)
		check_read(l);
	else if (io->op == WEFT__IO_WRITE)
		note_write(l);
}

static void submit_any(struct weft__loop *loop, struct lane *l)
{
	int fd = l->io.fd, r;

	l->io = (struct weft__io){ .done = on_done, .fd = fd, .buf = l->buf, .op = (uint8_t)weft_sim_choose(WEFT__IO_POLL) };
	l->cancelled = false;
	l->io.offset = weft_sim_choose(BYTES - sizeof(l->buf));
	if (l->io.op == WEFT__IO_READ || l->io.op == WEFT__IO_WRITE)
		l->io.len_bytes = (uint32_t)weft_sim_choose(sizeof(l->buf) + 1);
	if (l->io.op == WEFT__IO_WRITE)
		memset(l->buf, 'a' + (int)weft_sim_choose(26), sizeof(l->buf));
	l->submitted++;
	r = weft__loop_submit(loop, &l->io);
	cr_assert(r == 0 || r == -EAGAIN);
	if (r < 0)
		l->submitted--;
}

Test(disk, each_operation_ends_once_and_reads_what_was_written)
{
	static struct lane lanes[FILES];

	for (uint64_t seed = 0; seed < SEEDS; seed++) {
		struct weft__loop *loop = begin(seed, WEFT_SIM_ALL);
		uint32_t left = 300;

		memset(lanes, 0, sizeof(lanes));
		for (uint32_t i = 0; i < FILES; i++) {
			char name[8];

			snprintf(name, sizeof(name), "f%u", i);
			lanes[i].io.fd = weft__disk_open(name);
			cr_assert_geq(lanes[i].io.fd, 0);
			memset(lanes[i].certain, true, sizeof(lanes[i].certain)); /* zeros, or not there */
		}
		while (left || weft__loop_in_flight(loop)) {
			struct lane *l = &lanes[weft_sim_choose(FILES)];

			if (l->submitted == l->done && left) {
				submit_any(loop, l);
				left--;
			} else if (weft_sim_choose(4) == 0) {
				int r = weft__loop_cancel(loop, &l->io);

				cr_assert(r == 0 || r == -ENOENT || r == -EAGAIN);
				l->cancelled |= r == 0;
			}
			weft__loop_wait(loop, weft_sim_choose(2) ? 0 : weft_sim_choose(100000));
		}
		for (uint32_t i = 0; i < FILES; i++)
			cr_assert_eq(lanes[i].done, lanes[i].submitted);
		end(loop);
	}
}

/* ---- a log that power is taken from ---------------------------------------------------------- */

static int32_t last;

static void note_result(struct weft__io *io)
{
	last = io->result;
}

/* One operation, until it is done. */
static int32_t do_io(struct weft__loop *loop, int fd, uint8_t op, void *buf, uint32_t len, uint64_t offset)
{
	struct weft__io io = { .done = note_result, .fd = fd, .op = op, .buf = buf, .len_bytes = len, .offset = offset };

	while (weft__loop_submit(loop, &io) == -EAGAIN)
		weft__loop_wait(loop, 1000);
	while (weft__loop_in_flight(loop))
		weft__loop_wait(loop, UINT64_MAX);
	return last;
}

struct record {
	uint32_t seq, sum;
	char text[700]; /* over a sector */
};

static uint32_t sum_of(const struct record *r)
{
	uint32_t sum = r->seq * 2654435761u;

	for (size_t i = 0; i < sizeof(r->text); i++)
		sum = sum * 31 + (uint8_t)r->text[i];
	return sum;
}

/* Write all of it, in as many writes as it takes. False: it failed. */
static bool write_all(struct weft__loop *loop, int fd, char *data, size_t len, uint64_t offset)
{
	while (len) {
		int32_t n = do_io(loop, fd, WEFT__IO_WRITE, data, (uint32_t)len, offset);

		if (n <= 0)
			return false;
		data += n;
		offset += (size_t)n;
		len -= (size_t)n;
	}
	return true;
}

/* How many records are surely there. */
static uint32_t write_log(struct weft__loop *loop, uint32_t records)
{
	int fd = weft__disk_open("log");
	uint32_t synced = 0;

	cr_assert_geq(fd, 0);
	for (uint32_t seq = 0; seq < records; seq++) {
		struct record r = { .seq = seq };

		memset(r.text, 'a' + (int)(seq % 26), sizeof(r.text));
		r.sum = sum_of(&r);
		if (!write_all(loop, fd, (char *)&r, sizeof(r), seq * sizeof(r)))
			break;
		if (weft_sim_choose(3))
			continue;
		/* after a sync that failed nothing may be trusted any more */
		if (do_io(loop, fd, WEFT__IO_FSYNC, NULL, 0, 0) < 0)
			break;
		synced = seq + 1;
	}
	return synced;
}

static uint32_t read_log(struct weft__loop *loop)
{
	int fd = weft__disk_open("log");
	uint32_t good = 0;

	cr_assert_geq(fd, 0);
	for (;; good++) {
		struct record r = { 0 };

		if (do_io(loop, fd, WEFT__IO_READ, &r, sizeof(r), good * sizeof(r)) != (int32_t)sizeof(r) || r.seq != good ||
		    r.sum != sum_of(&r))
			return good;
	}
}

Test(disk, what_was_synced_survives_a_crash)
{
	uint32_t lost = 0, more = 0;

	for (uint64_t seed = 0; seed < SEEDS; seed++) {
		struct weft__loop *loop = begin(seed, WEFT_SIM_IO);
		uint32_t records = 1 + (uint32_t)weft_sim_choose(40), synced = write_log(loop, records), found;

		weft__disk_crash();
		weft_sim_faults(0);
		found = read_log(loop);
		cr_assert_geq(found, synced, "seed %lu", (unsigned long)seed);
		lost += found < records;
		more += found > synced;
		end(loop);
	}
	cr_assert_gt(lost, SEEDS / 4, "power takes something");
	cr_assert_gt(more, SEEDS / 20, "and leaves something that was not promised");
}

Test(disk, a_write_is_torn_at_sectors)
{
	bool torn = false;

	for (uint64_t seed = 0; seed < 50; seed++) {
		struct weft__loop *loop = begin(seed, 0);
		char data[4 * WEFT__DISK_SECTOR_BYTES];
		int fd = weft__disk_open("torn");
		int32_t n;

		memset(data, 'x', sizeof(data));
		cr_assert_eq(do_io(loop, fd, WEFT__IO_WRITE, data, sizeof(data), 0), (int32_t)sizeof(data));
		weft__disk_crash();
		cr_assert_eq(weft__disk_size(fd), -EBADF, "closed");
		fd = weft__disk_open("torn");
		n = do_io(loop, fd, WEFT__IO_READ, data, sizeof(data), 0);
		cr_assert_eq(n % (int32_t)WEFT__DISK_SECTOR_BYTES, 0);
		cr_assert_eq(n, weft__disk_size(fd));
		for (int32_t at = 0; at < n; at += (int32_t)WEFT__DISK_SECTOR_BYTES) {
			for (uint32_t i = 1; i < WEFT__DISK_SECTOR_BYTES; i++)
				cr_assert_eq(data[at + (int32_t)i], data[at], "a sector is whole");
			torn |= data[at] != 'x';
		}
		end(loop);
	}
	cr_assert(torn);
}

Test(disk, files_have_positions_and_ends)
{
	struct weft__loop *loop = begin(1, 0);
	int fd = weft__disk_open("pos"), again = weft__disk_open("pos");
	char buf[8];

	cr_assert_eq(do_io(loop, fd, WEFT__IO_WRITE, (char[]){ "abc" }, 3, WEFT__IO_OFFSET_NONE), 3);
	cr_assert_eq(do_io(loop, fd, WEFT__IO_WRITE, (char[]){ "def" }, 3, WEFT__IO_OFFSET_NONE), 3);
	cr_assert_eq(do_io(loop, again, WEFT__IO_READ, buf, sizeof(buf), WEFT__IO_OFFSET_NONE), 6);
	cr_assert_eq(memcmp(buf, "abcdef", 6), 0);
	cr_assert_eq(do_io(loop, again, WEFT__IO_READ, buf, sizeof(buf), WEFT__IO_OFFSET_NONE), 0, "the end");
	cr_assert_eq(weft__disk_size(fd), 6);
	weft__disk_close(fd);
	cr_assert_eq(do_io(loop, fd, WEFT__IO_READ, buf, 1, 0), -EBADF);
	cr_assert_eq(do_io(loop, 0, WEFT__IO_READ, buf, 1, 0), -EBADF, "the kernel's are not ours");
	cr_assert_eq(weft__disk_open(""), -EINVAL);
	end(loop);
}

/* ---- names ----------------------------------------------------------------------------------- */

static bool is_there(const char *name)
{
	int fd = weft__file_open(name, 0);

	weft__file_close(fd);
	return fd >= 0;
}

static void make(const char *name)
{
	int fd = weft__file_open(name, WEFT__FILE_WRITE | WEFT__FILE_CREATE);

	cr_assert_geq(fd, 0);
	cr_assert_eq(weft__file_write(fd, name, strlen(name), 0), 0);
	cr_assert_eq(weft__file_sync(fd), 0);
	weft__file_close(fd);
}

Test(disk, changes_of_names_last_in_their_order)
{
	uint32_t kept[4] = { 0 };

	for (uint64_t seed = 0; seed < SEEDS; seed++) {
		struct weft__loop *loop = begin(seed, 0);
		bool a, b, c;

		make("d/old");
		cr_assert_eq(weft__dir_sync("d"), 0);
		make("d/a");
		cr_assert_eq(weft__file_rename("d/a", "d/b"), 0);
		cr_assert_eq(weft__file_remove("d/old"), 0);
		cr_assert(!is_there("d/a") && is_there("d/b") && !is_there("d/old"), "seen at once");
		weft__disk_crash();
		a = is_there("d/a");
		b = is_there("d/b");
		c = is_there("d/old");
		cr_assert(!(a && b) && (c || b), "a prefix of: make, rename, remove");
		kept[c ? (a ? 1 : b ? 2 : 0) : 3]++;
		end(loop);
	}
	for (int i = 0; i < 4; i++)
		cr_assert_gt(kept[i], SEEDS / 20, "every prefix");
}

Test(disk, names_that_were_synced_stay)
{
	struct weft__loop *loop = begin(3, 0);
	int fd, other;

	make("d/a");
	cr_assert_eq(weft__file_rename("d/a", "d/b"), 0);
	cr_assert_eq(weft__dir_sync("d"), 0);
	weft__disk_crash();
	cr_assert(is_there("d/b") && !is_there("d/a"));
	cr_assert_eq(weft__file_open("d/b", WEFT__FILE_WRITE | WEFT__FILE_CREATE), -EEXIST);
	fd = weft__disk_lock("d/lock");
	cr_assert_geq(fd, 0);
	cr_assert_eq(weft__disk_lock("d/lock"), -EBUSY);
	weft_sim_disk_stop(false);
	cr_assert_eq(weft__file_open("d/b", 0), -EIO, "the process is dead");
	weft_sim_disk_go_on();
	other = weft__disk_lock("d/lock");
	cr_assert_geq(other, 0, "its lock went with it");
	cr_assert(is_there("d/b"));
	end(loop);
}
