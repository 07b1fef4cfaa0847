/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Indexes saved beside a snapshot: mapped by the next open, right after any changes since, left out when they are damaged, and gone with
 * their snapshot. What is found is compared with a store that never had a file.
 */
#include "store/saved.h"

#include <criterion/criterion.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <weft/durable.h>

#include "tests/support/folder.h"
#include "tests/support/seed.h"

#define DIMS 16u
#define MEMORIES 400u
#define AGENTS 3u
#define K 10u

static char folder[256];
static weft_store *store, *plain; /* durable, and its twin in memory */
static weft_uuid ids[MEMORIES], agents[AGENTS], room;
static uint64_t rnd;

static void open_store(void)
{
	weft_store_open_options opt = WEFT_STORE_OPEN_OPTIONS_INIT;
	weft_error err;

	opt.sync = WEFT_STORE_SYNC_DEMAND;
	cr_assert_eq(weft_store_open(folder, &opt, &store, &err), 0, "%s", err.message);
}

static void setup(void)
{
	cr_assert_not_null(test_folder(folder));
	rnd = test_seed("saved");
	cr_assert_eq(weft_store_create(NULL, &plain), 0);
	open_store();
	room = weft_uuid_v7();
	for (uint32_t i = 1; i < AGENTS; i++)
		agents[i] = weft_uuid_v7();
}

static void teardown(void)
{
	weft_store_close(store);
	weft_store_unref(plain);
	test_folder_remove(folder);
}

TestSuite(saved, .init = setup, .fini = teardown, .timeout = 120);

static void random_vector(float *v)
{
	for (uint32_t i = 0; i < DIMS; i++)
		v[i] = (float)test_below(&rnd, 2001) / 1000.0f - 1.0f;
}

static void embed(uint32_t i)
{
	float v[DIMS];

	random_vector(v);
	cr_assert_eq(weft_store_set_embedding(store, ids[i], v, DIMS), 0);
	cr_assert_eq(weft_store_set_embedding(plain, ids[i], v, DIMS), 0);
}

static void add(uint32_t i)
{
	weft_memory m = { .room_id = room, .agent_id = agents[i % AGENTS], .created_ms = 1 + i, .text = WEFT_STR("x") };

	ids[i] = m.id = weft_uuid_v7();
	cr_assert_eq(weft_store_add(store, &m, NULL), 0);
	cr_assert_eq(weft_store_add(plain, &m, NULL), 0);
	embed(i);
}

static void delete(uint32_t i)
{
	cr_assert_eq(weft_store_delete(store, ids[i]), 0);
	cr_assert_eq(weft_store_delete(plain, ids[i]), 0);
}

static void both_find_the_same(void)
{
	for (int round = 0; round < 60; round++) {
		weft_recall what = WEFT_RECALL_INIT;
		weft_search_hit a[K], b[K];
		float q[DIMS];
		int n;

		random_vector(q);
		what.recall = 1;
		if (round % 2)
			what.agent_id = agents[1 + round % 2];
		n = weft_store_recall(plain, &what, q, DIMS, K, a);
		cr_assert_eq(weft_store_recall(store, &what, q, DIMS, K, b), n);
		for (int i = 0; i < n; i++)
			cr_assert_float_eq(a[i].score, b[i].score, 1e-5, "round %d, hit %d", round, i);
	}
}

static void snapshot(void)
{
	weft_error err;

	cr_assert_eq(weft_store_snapshot(store, &err), 0, "%s", err.message);
}

static void reopen(void)
{
	cr_assert_eq(weft_store_close(store), 0);
	open_store();
}

/* Files whose names begin so; the last one's path. */
static int files(const char *prefix, char *ret_path)
{
	DIR *dir = opendir(folder);
	struct dirent *e;
	int n = 0;

	cr_assert_not_null(dir);
	while ((e = readdir(dir)) != NULL) {
		if (strncmp(e->d_name, prefix, strlen(prefix)) == 0) {
			n++;
			if (ret_path)
				snprintf(ret_path, 512, "%s/%s", folder, e->d_name);
		}
	}
	closedir(dir);
	return n;
}

static uint32_t opened(void)
{
	weft_store *other = NULL;
	uint32_t n;

	cr_assert_eq(weft_store_create(NULL, &other), 0);
	n = weft__saved_open(other, folder);
	weft_store_unref(other);
	return n;
}

Test(saved, open__maps_what_a_snapshot_saved)
{
	for (uint32_t i = 0; i < MEMORIES; i++)
		add(i);
	snapshot();
	cr_assert_eq(files("index-", NULL), AGENTS);
	cr_assert_eq(opened(), AGENTS);
	reopen();
	both_find_the_same();
}

Test(saved, changes_after_the_snapshot_are_made_again)
{
	for (uint32_t i = 0; i < MEMORIES / 2; i++)
		add(i);
	snapshot();
	for (uint32_t i = MEMORIES / 2; i < MEMORIES; i++)
		add(i);
	for (uint32_t i = 0; i < MEMORIES; i += 3)
		delete(i);
	for (uint32_t i = 1; i < MEMORIES; i += 3)
		embed(i);
	reopen();
	both_find_the_same();
	reopen(); /* and from the log of an open that changed nothing */
	both_find_the_same();
	snapshot();
	cr_assert_eq(files("index-", NULL), AGENTS, "those of the first snapshot are gone");
	cr_assert_eq(files("snapshot-", NULL), 1);
	reopen();
	both_find_the_same();
}

Test(saved, that_is_damaged_is_built_again)
{
	char path[512];
	int fd;

	for (uint32_t i = 0; i < MEMORIES; i++)
		add(i);
	snapshot();
	cr_assert_eq(files("index-", path), AGENTS);
	cr_assert_eq(weft_store_close(store), 0);
	fd = open(path, O_WRONLY);
	cr_assert_eq(pwrite(fd, "damaged", 7, 40), 7);
	close(fd);
	cr_assert_eq(opened(), AGENTS - 1);
	open_store();
	both_find_the_same();
	cr_assert_eq(weft_store_close(store), 0);
	cr_assert_eq(truncate(path, 100), 0);
	cr_assert_eq(opened(), AGENTS - 1);
	open_store();
	both_find_the_same();
	cr_assert_eq(weft_store_close(store), 0);
	cr_assert_eq(unlink(path), 0);
	open_store();
	both_find_the_same();
}

/* One that goes with another snapshot says nothing of this one. */
Test(saved, of_another_snapshot_is_not_opened)
{
	char path[512], other[600], *number;

	for (uint32_t i = 0; i < MEMORIES; i++)
		add(i);
	snapshot();
	cr_assert_eq(files("index-", path), AGENTS);
	cr_assert_eq(weft_store_close(store), 0);
	snprintf(other, sizeof(other), "%s", path);
	number = strstr(other, "/index-") + strlen("/index-");
	number[0] = '9'; /* the first of ten digits */
	cr_assert_eq(rename(path, other), 0);
	cr_assert_eq(opened(), AGENTS - 1);
	open_store();
	both_find_the_same();
}

Test(saved, other_names_are_let_be)
{
	char path[512];
	int fd;

	add(0);
	snapshot();
	snprintf(path, sizeof(path), "%s/index-of-mine", folder);
	fd = open(path, O_WRONLY | O_CREAT, 0600);
	close(fd);
	reopen();
	snapshot();
	cr_assert_eq(access(path, F_OK), 0);
}
