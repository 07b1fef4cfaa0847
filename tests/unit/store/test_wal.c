/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: what a log acknowledges is in its files, in order; the three policies do what they say; nothing is
 * left behind by a close.
 * Method: entries of known changes through a log in a fresh folder, read back by recovery. Several threads at once;
 * small segments so that it rolls; one entry that is larger than a batch and than a segment.
 */
#include "store/log/wal.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

#include <weft/runtime.h>

#include "store/log/format.h"
#include "store/log/record.h"
#include "store/log/recover.h"
#include "tests/support/folder.h"
#include "tests/support/seed.h"

#define SEGMENT (64u << 10)

static char folder[256];

static struct weft__wal_config config_of(weft_store_sync sync)
{
	return (struct weft__wal_config){ .folder = folder, .store = { { 1 } }, .lock_fd = -1, .sync = sync,
		                          .interval_ns = 20000000, .segment_bytes = SEGMENT, .waiting_bytes_max = 64 << 10 };
}

static struct weft__wal *open_log(weft_store_sync sync)
{
	struct weft__wal_config config = config_of(sync);
	struct weft__wal *wal;

	cr_assert_not_null(test_folder(folder));
	cr_assert_eq(weft__wal_open(&config, &wal), 0);
	cr_assert_eq(weft__wal_enter(wal), 0);
	return wal;
}

static int close_log(struct weft__wal *wal)
{
	int r;

	weft__wal_leave(wal);
	r = weft__wal_close(wal);
	weft__wal_free(wal);
	return r;
}

/* A change that carries a number, and text of so many bytes. */
static weft_change numbered(uint64_t n, const char *text, size_t len)
{
	weft_change c = { .kind = WEFT_CHANGE_WORLD, .world = { .name = { text, len } } };

	memcpy(c.world.id.bytes, &n, sizeof(n));
	return c;
}

static uint64_t push(struct weft__wal *wal, uint64_t n, const char *text, size_t len)
{
	weft_change c = numbered(n, text, len);
	struct weft__entry *e;

	cr_assert_eq(weft__wal_entry_make(wal, weft__change_bytes(&c), &e), 0);
	weft__change_put(e->bytes, &c);
	return weft__wal_push(wal, e);
}

struct reading {
	uint64_t seen[100000];
	uint64_t count;
};

static int on_change(const weft_change *change, const weft_log_place *place, void *user)
{
	struct reading *r = user;

	(void)place;
	cr_assert_eq((int)change->kind, WEFT_CHANGE_WORLD);
	memcpy(&r->seen[r->count++], change->world.id.bytes, sizeof(uint64_t));
	return 0;
}

static struct reading *read_back(weft_log_summary *ret)
{
	struct reading *r = calloc(1, sizeof(*r));
	struct weft__recover_options opt = { .folder = folder, .fn = on_change, .user = r };
	struct weft__recovered recovered;
	weft_error err;

	cr_assert_eq(weft__log_recover(&opt, &recovered, &err), 0, "%s", err.message);
	*ret = recovered.summary;
	free(recovered.again);
	return r;
}

Test(wal, what_was_acknowledged_is_there_in_order)
{
	struct weft__wal *wal = open_log(WEFT_STORE_SYNC_WRITE);
	weft_log_summary summary;
	struct reading *r;

	for (uint64_t i = 0; i < 100; i++)
		cr_assert_eq(weft__wal_pushed(wal, push(wal, i, "x", 1)), 0);
	r = read_back(&summary);
	cr_assert_eq(r->count, 100, "before the close, too");
	free(r);
	cr_assert_eq(close_log(wal), 0);
	r = read_back(&summary);
	cr_assert_eq(r->count, 100);
	for (uint64_t i = 0; i < 100; i++)
		cr_assert_eq(r->seen[i], i);
	cr_assert(summary.clean && !summary.torn);
	cr_assert_gt(summary.segments, 1, "100 sectors do not fit into one");
	free(r);
	test_folder_remove(folder);
}

Test(wal, an_entry_may_be_larger_than_a_segment)
{
	struct weft__wal *wal = open_log(WEFT_STORE_SYNC_WRITE);
	size_t len = 3 * SEGMENT + (1 << 20) + 17;
	char *text = calloc(1, len);
	weft_log_summary summary;
	struct reading *r;

	for (uint64_t i = 0; i < 3; i++) {
		cr_assert_eq(weft__wal_pushed(wal, push(wal, 2 * i, "small", 5)), 0);
		cr_assert_eq(weft__wal_pushed(wal, push(wal, 2 * i + 1, text, len)), 0);
	}
	cr_assert_eq(close_log(wal), 0);
	r = read_back(&summary);
	cr_assert_eq(r->count, 6);
	for (uint64_t i = 0; i < 6; i++)
		cr_assert_eq(r->seen[i], i);
	free(r);
	free(text);
	test_folder_remove(folder);
}

Test(wal, too_large_is_refused)
{
	struct weft__wal *wal = open_log(WEFT_STORE_SYNC_WRITE);
	struct weft__entry *e;

	cr_assert_eq(weft__wal_entry_make(wal, WEFT__BATCH_BYTES_MAX + 1, &e), -EMSGSIZE);
	cr_assert_eq(close_log(wal), 0);
	test_folder_remove(folder);
}

Test(wal, nothing_written_makes_no_file)
{
	struct weft__wal *wal = open_log(WEFT_STORE_SYNC_WRITE);

	cr_assert_eq(weft__wal_flush(wal), 0);
	cr_assert_eq(close_log(wal), 0);
	cr_assert_eq(rmdir(folder), 0, "it is empty");
}

static _Atomic(int) flushed;

static void on_flushed(int status, void *user)
{
	cr_assert_null(user);
	flushed = status == 0 ? 1 : -1;
}

Test(wal, on_demand_waits_for_a_flush)
{
	struct weft__wal *wal = open_log(WEFT_STORE_SYNC_DEMAND);
	weft_store_log_stats stats = { .size = sizeof(stats) };
	struct weft__entry *e;

	cr_assert_eq(weft__wal_pushed(wal, push(wal, 1, "x", 1)), 0);
	usleep(50000);
	weft__wal_stats(wal, &stats);
	cr_assert_eq(stats.changes_logged, 1);
	cr_assert_eq(stats.changes_durable, 0);
	cr_assert_eq(weft__wal_flush(wal), 0);
	weft__wal_stats(wal, &stats);
	cr_assert_eq(stats.changes_durable, 1);

	cr_assert_eq(weft__wal_pushed(wal, push(wal, 2, "x", 1)), 0);
	flushed = 0;
	cr_assert_eq(weft__wal_entry_make(wal, 0, &e), 0);
	e->fn = on_flushed;
	weft__wal_hurry(wal, weft__wal_push(wal, e));
	while (!flushed)
		usleep(100);
	cr_assert_eq(flushed, 1);
	weft__wal_stats(wal, &stats);
	cr_assert_eq(stats.changes_durable, 2);
	cr_assert_eq(close_log(wal), 0);
	test_folder_remove(folder);
}

Test(wal, an_interval_passes_by_itself)
{
	struct weft__wal *wal = open_log(WEFT_STORE_SYNC_INTERVAL);
	weft_store_log_stats stats = { .size = sizeof(stats) };
	uint64_t until = weft_now_ns() + UINT64_C(60000000000), durable_at_once = 0;

	for (uint64_t i = 0; i < 50; i++) {
		cr_assert_eq(weft__wal_pushed(wal, push(wal, i, "x", 1)), 0);
		weft__wal_stats(wal, &stats);
		durable_at_once += stats.changes_durable > i;
	}
	cr_assert_lt(durable_at_once, 50, "nobody waited for the disk");
	do {
		usleep(1000);
		weft__wal_stats(wal, &stats);
		cr_assert_lt(weft_now_ns(), until);
	} while (stats.changes_durable < 50);
	cr_assert_lt(stats.batches, 40, "many in one");
	cr_assert_eq(close_log(wal), 0);
	test_folder_remove(folder);
}

/* ---- threads ------------------------------------------------------------------------ */

#define THREADS 6u
#define EACH 300u

struct pusher {
	struct weft__wal *wal;
	uint64_t id, rnd;
};

static void *pusher_main(void *arg)
{
	struct pusher *p = arg;
	char text[3000] = "";

	for (uint64_t i = 0; i < EACH; i++) {
		uint64_t position = push(p->wal, p->id << 32 | i, text, test_below(&p->rnd, sizeof(text)));

		cr_assert_eq(weft__wal_pushed(p->wal, position), 0);
		if (test_below(&p->rnd, 20) == 0)
			cr_assert_eq(weft__wal_wait(p->wal, position), 0);
	}
	return NULL;
}

static void push_at_once(weft_store_sync sync, uint64_t seed)
{
	struct weft__wal *wal = open_log(sync);
	struct pusher p[THREADS];
	pthread_t thread[THREADS];
	uint64_t next[THREADS] = { 0 };
	weft_log_summary summary;
	struct reading *r;

	for (uint64_t i = 0; i < THREADS; i++) {
		p[i] = (struct pusher){ wal, i, seed + i };
		pthread_create(&thread[i], NULL, pusher_main, &p[i]);
	}
	for (uint32_t i = 0; i < THREADS; i++)
		pthread_join(thread[i], NULL);
	cr_assert_eq(close_log(wal), 0);
	r = read_back(&summary);
	cr_assert_eq(r->count, THREADS * EACH);
	for (uint64_t i = 0; i < r->count; i++) {
		uint64_t id = r->seen[i] >> 32;

		cr_assert_lt(id, THREADS);
		cr_assert_eq(r->seen[i] & 0xffffffffu, next[id], "each thread's are in its order");
		next[id]++;
	}
	free(r);
	test_folder_remove(folder);
}

Test(wal, threads__each_write)
{
	push_at_once(WEFT_STORE_SYNC_WRITE, test_seed("wal"));
}

Test(wal, threads__interval)
{
	push_at_once(WEFT_STORE_SYNC_INTERVAL, test_seed("wal"));
}

Test(wal, threads__demand)
{
	push_at_once(WEFT_STORE_SYNC_DEMAND, test_seed("wal"));
}
