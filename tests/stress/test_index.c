/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The index under several threads. Goal: no id that stays is ever missed by its own vector, none that was deleted
 * comes back, no hit is torn. Method: each writer owns a share of the ids and puts, replaces and deletes them, some
 * with vectors that others use too; readers search meanwhile for ids that nobody touches and check every hit; at
 * the end what each writer believes is compared with what the index holds.
 */
#include <criterion/criterion.h>
#include <errno.h>
#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <weft/index.h>

#include "runtime/base/atomic.h"
#include "tests/support/sanitized.h"
#include "tests/support/seed.h"

#define DIMS 20u
#define WRITERS 3u
#define READERS 2u
#define IDS_EACH 300u
#define STILL 200u /* ids that are put once and never touched */
#define STEPS (TEST_TSAN ? 600u : 3000u)
#define K 8u

static weft_index *index_;
static uint64_t seed;
static _Atomic(uint32_t) writing;
static struct {
	bool there;
	uint32_t version;
} own[WRITERS][IDS_EACH];

/* An id's vector follows from id and version; version 0 is one that several ids share. */
static void vector_of(uint64_t id, uint32_t version, float *v)
{
	uint64_t rnd = version ? id * 1000003 + version : id % 7;

	for (uint32_t i = 0; i < DIMS; i++)
		v[i] = (float)test_below(&rnd, 2001) / 1000 - 1;
}

static weft_index_attrs attrs_of(uint64_t id, uint32_t version)
{
	return (weft_index_attrs){ .room = id % 5, .entity = id * 31 + version, .time_ms = version, .tags = ~(id * 31 + version) };
}

static void put(uint64_t id, uint32_t version)
{
	weft_index_attrs attrs = attrs_of(id, version);
	float v[DIMS];

	vector_of(id, version, v);
	cr_assert_eq(weft_index_put(index_, id, v, &attrs), 0);
}

static void write_one(uint64_t *rnd, uint32_t writer)
{
	uint32_t at = test_below(rnd, IDS_EACH);
	uint64_t id = STILL + writer * IDS_EACH + at;

	if (own[writer][at].there && !test_below(rnd, 3)) {
		cr_assert_eq(weft_index_delete(index_, id), 0);
		own[writer][at].there = false;
		return;
	}
	own[writer][at].version = test_below(rnd, 4) ? own[writer][at].version + 1 : 0;
	own[writer][at].there = true;
	put(id, own[writer][at].version);
}

static void *writer_main(void *arg)
{
	uint32_t writer = (uint32_t)(uintptr_t)arg;
	uint64_t rnd = seed + writer;

	for (uint32_t i = 0; i < STEPS; i++)
		write_one(&rnd, writer);
	weft__fetch_sub_acq_rel(&writing, 1);
	return NULL;
}

/* Is id among the nearest to v, or are there more at that very place than were asked for? */
static bool is_found(uint64_t id, const float *v)
{
	weft_index_query opt = WEFT_INDEX_QUERY_INIT;
	weft_index_hit hits[K];
	int n;

	opt.ef = 64;
	n = weft_index_search(index_, v, K, &opt, hits);
	cr_assert_geq(n, 0);
	for (int i = 0; i < n; i++) {
		cr_assert_leq(hits[i].score, 1.02f);
		cr_assert(i == 0 || hits[i - 1].score >= hits[i].score);
		for (int j = 0; j < i; j++)
			cr_assert_neq(hits[i].id, hits[j].id);
		if (hits[i].id == id && hits[i].score > 0.97f)
			return true;
	}
	return n == (int)K && hits[K - 1].score == hits[0].score;
}

static void *reader_main(void *arg)
{
	uint64_t rnd = seed + 100 + (uintptr_t)arg;
	float v[DIMS];

	/* acquire: what the writers believe is read after they left */
	while (weft__load_acquire(&writing)) {
		uint64_t id = test_below(&rnd, STILL);

		vector_of(id, 1, v);
		cr_assert(is_found(id, v), "id %u is missed", (unsigned)id);
	}
	return NULL;
}

static void check_end(void)
{
	weft_index_stats stats = WEFT_INDEX_STATS_INIT;
	weft_index_report report = WEFT_INDEX_REPORT_INIT;
	uint64_t n = STILL;
	float v[DIMS], got[DIMS];
	weft_index_attrs attrs;

	for (uint32_t w = 0; w < WRITERS; w++) {
		for (uint32_t at = 0; at < IDS_EACH; at++) {
			uint64_t id = STILL + w * IDS_EACH + at;

			cr_assert_eq(weft_index_get(index_, id, got, &attrs), own[w][at].there ? 0 : -ENOENT);
			if (!own[w][at].there)
				continue;
			n++;
			cr_assert_eq(attrs.entity, attrs_of(id, own[w][at].version).entity);
			vector_of(id, own[w][at].version, v);
			cr_assert(is_found(id, v), "id %u", (unsigned)id);
		}
	}
	cr_assert_eq(weft_index_stats_read(index_, &stats), 0);
	cr_assert_eq(stats.ids, n, "conservation");
	cr_assert_eq(weft_index_sweep(index_), 0);
	cr_assert_eq(weft_index_check(index_, &report), 0);
	cr_assert_eq(report.unreachable, 0);
	cr_assert_eq(report.stale, 0);
}

/* What is saved while others write is whole: every id that nobody touches is in it. */
static void save_and_look(void)
{
	char path[] = "/tmp/weft-index-stress-XXXXXX";
	weft_index_report report = WEFT_INDEX_REPORT_INIT;
	weft_index *saved;
	int fd = mkstemp(path);

	cr_assert_geq(fd, 0);
	close(fd);
	cr_assert_eq(weft_index_save(index_, path), 0);
	cr_assert_eq(weft_index_open(path, NULL, &saved, NULL), 0);
	for (uint64_t id = 0; id < STILL; id++)
		cr_assert_eq(weft_index_get(saved, id, NULL, NULL), 0);
	cr_assert_eq(weft_index_check(saved, &report), 0);
	cr_assert_eq(report.stale, 0);
	weft_index_unref(saved);
	unlink(path);
}

static void run(weft_index_kind kind, weft_index_codes codes)
{
	weft_index_options opt = WEFT_INDEX_OPTIONS_INIT;
	pthread_t threads[WRITERS + READERS];

	seed = test_seed("index");
	opt.dims = DIMS;
	opt.kind = kind;
	opt.codes = codes;
	opt.graph_from = 350;
	opt.ef_construction = 64;
	opt.m = 8;
	memset(own, 0, sizeof(own));
	cr_assert_eq(weft_index_create(&opt, &index_), 0);
	for (uint64_t id = 0; id < STILL; id++)
		put(id, 1);
	weft__store_release(&writing, WRITERS); /* release: before the threads start anyway */
	for (uintptr_t i = 0; i < WRITERS + READERS; i++)
		cr_assert_eq(pthread_create(&threads[i], NULL, i < WRITERS ? writer_main : reader_main, (void *)i), 0);
	save_and_look();
	for (uint32_t i = 0; i < WRITERS + READERS; i++)
		pthread_join(threads[i], NULL);
	check_end();
	weft_index_unref(index_);
}

Test(index_stress, scan)
{
	run(WEFT_INDEX_SCAN, WEFT_INDEX_CODES_I8);
}

Test(index_stress, scan_over_codes)
{
	run(WEFT_INDEX_SCAN, WEFT_INDEX_CODES_I8_ONLY);
}

Test(index_stress, graph)
{
	run(WEFT_INDEX_GRAPH, WEFT_INDEX_CODES_I8);
}

Test(index_stress, graph_over_floats)
{
	run(WEFT_INDEX_GRAPH, WEFT_INDEX_CODES_NONE);
}

Test(index_stress, from_a_scan_to_a_graph)
{
	run(WEFT_INDEX_AUTO, WEFT_INDEX_CODES_I8);
}
