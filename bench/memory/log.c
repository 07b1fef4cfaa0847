/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench/memory/log.c - durable stores: messages that are on the disk, beside a loop that writes as many bytes to a file and
 * calls fdatasync, and how long a store takes to open.
 *
 * Groups are what many agents make: one is filled while the one before is written, so two are on their way at any time.
 * The loop is what this disk and kernel can do for one who waits for each write: its file is filled with
 * zeros before, so it changes nothing but data.
 */
#include <errno.h>
#include <fcntl.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench/memory/memory.h"

#define COMMITS 200u /* an iteration */
#define BARE_BYTES (8u << 20)
#define SECTOR 4096u

static const char words[] = "Not a long message, about as long as people write them to each other in a room, and a bit.";

struct place {
	char folder[256], path[512];
};

static int place_make(struct place *p)
{
	int r = memory_folder_make(p->folder, sizeof(p->folder));

	if (r < 0)
		return r;
	snprintf(p->path, sizeof(p->path), "%s/store", p->folder);
	return 0;
}

static void place_remove(struct place *p)
{
	memory_folder_remove(p->path);
	memory_folder_remove(p->folder);
}

static int open_store(const struct place *p, weft_store_sync sync, weft_store **ret)
{
	weft_store_open_options opt = WEFT_STORE_OPEN_OPTIONS_INIT;

	opt.sync = sync;
	return weft_store_open(p->path, &opt, ret, NULL);
}

static int add(weft_store *store, weft_uuid room)
{
	weft_memory m = { .type = WEFT_MEMORY_MESSAGE, .room_id = room, .text = weft_str_from(words), .source = WEFT_STR("benchmark") };

	return weft_store_add(store, &m, NULL);
}

/* So many messages, and then all of them are durable. */
static int commit(weft_store *store, weft_uuid room, uint32_t messages)
{
	int r = 0;

	for (uint32_t i = 0; r == 0 && i < messages; i++)
		r = add(store, room);
	return r < 0 ? r : weft_store_flush(store);
}

struct groups {
	sem_t room;
	int status; /* the log's thread writes it, before a post */
};

static void on_flushed(int status, void *user)
{
	struct groups *g = user;

	if (status < 0)
		g->status = status;
	sem_post(&g->room);
}

static void wait_for_room(struct groups *g)
{
	while (sem_wait(&g->room) < 0)
		;
}

/* So many commits, two of them on their way at a time. */
static int commit_groups(weft_store *store, weft_uuid room, uint32_t messages, uint32_t commits)
{
	struct groups g = { .status = 0 };
	int r = 0;

	if (sem_init(&g.room, 0, 2) < 0)
		return -errno;
	for (uint32_t c = 0; r == 0 && c < commits; c++) {
		wait_for_room(&g);
		for (uint32_t i = 0; r == 0 && i < messages; i++)
			r = add(store, room);
		if (r == 0)
			r = weft_store_flush_async(store, on_flushed, &g);
		if (r < 0)
			sem_post(&g.room);
	}
	wait_for_room(&g);
	wait_for_room(&g);
	sem_destroy(&g.room);
	return r < 0 ? r : g.status;
}

/* Bytes that the log writes for a commit. */
static int commit_bytes(weft_store *store, uint32_t messages, size_t *ret)
{
	weft_store_log_stats stats = { .size = sizeof(stats) };
	uint64_t before;
	int r = weft_store_log_stats_read(store, &stats);

	before = stats.bytes;
	if (r == 0)
		r = commit(store, weft_uuid_v7(), messages);
	if (r == 0)
		r = weft_store_log_stats_read(store, &stats);
	*ret = (size_t)(stats.bytes - before);
	return r == 0 && (*ret == 0 || *ret % SECTOR) ? -EIO : r;
}

void memory_log_commit(const struct bench_options *opt, const struct bench_micro *self, struct bench_outcome *out)
{
	uint32_t messages = memory_detail(self)->count, commits = opt->quick ? 20 : COMMITS;
	weft_store_log_stats stats = { .size = sizeof(stats) };
	weft_uuid room = weft_uuid_v7();
	weft_store *store = NULL;
	struct place p;
	int r = place_make(&p);

	memory_begin(opt, self, out);
	if (r == 0)
		r = open_store(&p, messages > 1 ? WEFT_STORE_SYNC_DEMAND : WEFT_STORE_SYNC_WRITE, &store);
	for (uint32_t i = 0; r == 0 && i < out->warmup + out->iterations; i++) {
		uint64_t t0 = weft_now_ns();

		if (messages > 1)
			r = commit_groups(store, room, messages, commits);
		for (uint32_t c = 0; messages == 1 && r == 0 && c < commits; c++)
			r = add(store, room);
		memory_add(out, i, t0, (uint64_t)commits * messages);
	}
	if (r == 0)
		r = weft_store_log_stats_read(store, &stats);
	if (r == 0 && stats.changes_durable != weft_store_count(store, room, WEFT_MEMORY_MESSAGE))
		r = bench_fail(out, "not all that was flushed is durable");
	if (store && weft_store_close(store) < 0 && r == 0)
		r = bench_fail(out, "close failed");
	place_remove(&p);
	memory_end(out, r);
}

static int bare_open(const struct place *p, size_t bytes, char **ret_buf)
{
	char name[600];
	int fd;

	*ret_buf = calloc(1, bytes > BARE_BYTES ? bytes : BARE_BYTES);
	snprintf(name, sizeof(name), "%s/bare", p->folder);
	fd = *ret_buf ? open(name, O_RDWR | O_CREAT | O_CLOEXEC, 0600) : -1;
	if (fd < 0)
		return -errno;
	if (pwrite(fd, *ret_buf, BARE_BYTES, 0) != BARE_BYTES || fsync(fd) < 0) {
		close(fd);
		return -EIO;
	}
	memset(*ret_buf, 'x', bytes);
	return fd;
}

void memory_log_bare(const struct bench_options *opt, const struct bench_micro *self, struct bench_outcome *out)
{
	uint32_t messages = memory_detail(self)->count, commits = opt->quick ? 20 : COMMITS;
	weft_store *store = NULL;
	char *buf = NULL;
	size_t bytes = 0;
	uint64_t offset = 0;
	struct place p;
	int fd = -1, r = place_make(&p);

	memory_begin(opt, self, out);
	if (r == 0)
		r = open_store(&p, WEFT_STORE_SYNC_DEMAND, &store);
	if (r == 0)
		r = commit_bytes(store, messages, &bytes);
	weft_store_unref(store);
	if (r == 0)
		r = fd = bare_open(&p, bytes, &buf);
	for (uint32_t i = 0; r >= 0 && i < out->warmup + out->iterations; i++) {
		uint64_t t0 = weft_now_ns();

		for (uint32_t c = 0; r >= 0 && c < commits; c++) {
			if (pwrite(fd, buf, bytes, (off_t)offset) != (ssize_t)bytes || fdatasync(fd) < 0)
				r = -EIO;
			offset = offset + 2 * bytes > BARE_BYTES ? 0 : offset + bytes;
		}
		memory_add(out, i, t0, (uint64_t)commits * messages);
	}
	if (fd >= 0)
		close(fd);
	free(buf);
	place_remove(&p);
	memory_end(out, r < 0 ? r : 0);
}

void memory_log_recover(const struct bench_options *opt, const struct bench_micro *self, struct bench_outcome *out)
{
	uint32_t count = opt->quick ? 2000 : memory_detail(self)->count;
	weft_uuid room = weft_uuid_v7();
	weft_store *store = NULL;
	struct place p;
	int r = place_make(&p);

	memory_begin(opt, self, out);
	if (r == 0)
		r = open_store(&p, WEFT_STORE_SYNC_DEMAND, &store);
	if (r == 0)
		r = commit(store, room, count);
	for (uint32_t i = 0; r == 0 && i < out->warmup + out->iterations; i++) {
		uint64_t t0;

		r = weft_store_close(store);
		store = NULL;
		t0 = weft_now_ns();
		if (r == 0)
			r = open_store(&p, WEFT_STORE_SYNC_DEMAND, &store);
		memory_add(out, i, t0, count);
		if (r == 0 && weft_store_count(store, room, WEFT_MEMORY_MESSAGE) != count)
			r = bench_fail(out, "the store does not hold what was added");
	}
	weft_store_unref(store);
	place_remove(&p);
	memory_end(out, r);
}
