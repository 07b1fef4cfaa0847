/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: a store that is opened again holds what it held, all kinds of it, and bit for bit; what cannot be opened
 * says why, and is left as it was.
 * Method: the store as text (tests/support/stores.h) before a close and after an open, with and without a snapshot, by
 * hand and at random; wrong paths, wrong files; memory that runs out at every allocation of an open and of each change.
 */
#include <weft/durable.h>

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/support/folder.h"
#include "tests/support/seed.h"
#include "tests/support/stores.h"

static char folder[256], path[300];
static weft_error err;

static void make_path(void)
{
	cr_assert_not_null(test_folder(folder));
	snprintf(path, sizeof(path), "%s/store", folder);
}

static void remove_path(void)
{
	test_folder_remove(path);
	test_folder_remove(folder);
}

static weft_store *open_as(weft_store_sync sync)
{
	weft_store_open_options opt = WEFT_STORE_OPEN_OPTIONS_INIT;
	weft_store *s = NULL;
	int r;

	opt.sync = sync;
	opt.segment_bytes = 256 << 10;
	r = weft_store_open(path, &opt, &s, &err);
	cr_assert_eq(r, 0, "%s", err.message);
	return s;
}

/* Close, open, compare. Gives the new one. */
static weft_store *again(weft_store *s)
{
	char *before = test_store_text(s), *after;

	cr_assert_eq(weft_store_close(s), 0);
	s = open_as(WEFT_STORE_SYNC_DEMAND);
	after = test_store_text(s);
	cr_assert_str_eq(before, after);
	free(before);
	free(after);
	return s;
}

/* ---- everything there is ----------------------------------------------------------- */

static const weft_attachment image = { .url = WEFT_STR("http://x/a.png"), .content_type = WEFT_STR("image/png") };

static void limit_all(weft_store *s, weft_uuid room, weft_uuid agent)
{
	weft_limits own = { .memories_max = WEFT_LIMIT_NONE, .bytes_max = 70000 }, all = { 1000, 0, INT64_MAX };

	cr_assert_eq(weft_store_set_limits(s, room, WEFT_MEMORY_FACT, &own), 0);
	cr_assert_eq(weft_store_set_limits(s, (weft_uuid){ { 0 } }, WEFT_MEMORY_MESSAGE, &all), 0);
	cr_assert_eq(weft_store_set_quota(s, agent, 100, 0), 0);
	cr_assert_eq(weft_store_set_quota(s, (weft_uuid){ { 0 } }, 0, 1u << 30), 0);
}

static weft_uuid fill(weft_store *s)
{
	weft_world world = { weft_uuid_v7(), WEFT_STR("earth") };
	weft_room room = { weft_uuid_v7(), world.id, WEFT_ROOM_DM, WEFT_STR("dm"), WEFT_STR("test") };
	weft_entity ann = { weft_uuid_v7(), WEFT_STR("ann"), false }, bot = { weft_uuid_v7(), WEFT_STR("bot"), true };
	weft_memory m = { .type = WEFT_MEMORY_MESSAGE, .room_id = room.id, .entity_id = ann.id, .text = WEFT_STR("hello"),
		          .thought = WEFT_STR("t"), .actions = WEFT_STR("REPLY"), .source = WEFT_STR("test") };
	float v[4] = { 1, 2, 3, 4 };
	weft_uuid first, second, third;

	cr_assert_eq(weft_store_put_world(s, &world), 0);
	cr_assert_eq(weft_store_put_room(s, &room), 0);
	cr_assert_eq(weft_store_put_entity(s, &ann), 0);
	cr_assert_eq(weft_store_put_entity(s, &bot), 0);
	cr_assert_eq(weft_store_join(s, room.id, bot.id), 0);
	cr_assert_eq(weft_store_join(s, room.id, ann.id), 0);
	cr_assert_eq(weft_store_set_follow(s, room.id, bot.id, WEFT_FOLLOW_MUTED), 0);
	cr_assert_eq(weft_store_add(s, &m, &first), 0);
	m.attachments = &image;
	m.attachment_count = 1;
	cr_assert_eq(weft_store_add(s, &m, &second), 0);
	m.type = WEFT_MEMORY_FACT;
	m.room_id = weft_uuid_v7(); /* a room nobody put */
	cr_assert_eq(weft_store_add(s, &m, &third), 0);
	cr_assert_eq(weft_store_set_embedding(s, first, v, 4), 0);
	v[0] = -1;
	cr_assert_eq(weft_store_set_embedding(s, third, v, 4), 0);
	cr_assert_eq(weft_store_set_attachments(s, first, &image, 1), 0);
	cr_assert_eq(weft_store_set_attachments(s, third, NULL, 0), 0);
	limit_all(s, room.id, bot.id);
	cr_assert_eq(weft_store_delete(s, second), 0);
	room.name = WEFT_STR("renamed");
	cr_assert_eq(weft_store_put_room(s, &room), 0);
	return room.id;
}

/* What they took is in the log; what a limit that has changed since spared is not taken by reading it again. */
Test(durable, limits_and_quotas_hold_after_an_open_and_not_while_it_reads)
{
	weft_memory m = { .room_id = weft_uuid_v7(), .agent_id = weft_uuid_v7(), .text = WEFT_STR("x") };
	weft_limits two = { .memories_max = 2 }, four = { .memories_max = 4 };
	weft_usage u = { .size = sizeof(u) };
	weft_store *s;

	make_path();
	s = open_as(WEFT_STORE_SYNC_DEMAND);
	for (int i = 0; i < 3; i++)
		cr_assert_eq(weft_store_add(s, &m, NULL), 0);
	cr_assert_eq(weft_store_set_limits(s, m.room_id, WEFT_MEMORY_MESSAGE, &two), 0, "three are there already");
	cr_assert_eq(weft_store_set_quota(s, m.agent_id, 2, 0), 0);
	for (int opens = 0; opens < 3; opens++) {
		s = again(s);
		cr_assert_eq(weft_store_count(s, m.room_id, WEFT_MEMORY_MESSAGE), 3, "an open evicts and refuses nothing");
		cr_assert_eq(weft_store_add(s, &m, NULL), -EDQUOT);
		if (opens == 1)
			cr_assert_eq(weft_store_snapshot(s, &err), 0, "%s", err.message);
	}
	cr_assert_eq(weft_store_set_quota(s, m.agent_id, 5, 0), 0);
	cr_assert_eq(weft_store_set_limits(s, m.room_id, WEFT_MEMORY_MESSAGE, &four), 0);
	cr_assert_eq(weft_store_add(s, &m, NULL), 0);
	cr_assert_eq(weft_store_add(s, &m, NULL), 0, "within the quota, and the oldest goes");
	s = again(s);
	cr_assert_eq(weft_store_count(s, m.room_id, WEFT_MEMORY_MESSAGE), 4);
	cr_assert_eq(weft_store_agent_usage(s, m.agent_id, &u), 0);
	cr_assert_eq(u.memories, 4);
	cr_assert_eq(u.memories_max, 5);
	cr_assert_eq(weft_store_close(s), 0);
	remove_path();
}

/* ---- snapshots by themselves ---------------------------------------------------------- */

static weft_store_log_stats stats_of(weft_store *s)
{
	weft_store_log_stats stats = { .size = sizeof(stats) };

	cr_assert_eq(weft_store_log_stats_read(s, &stats), 0);
	return stats;
}

static weft_store *open_grown_at(uint64_t bytes)
{
	weft_store_open_options opt = WEFT_STORE_OPEN_OPTIONS_INIT;
	weft_store *s = NULL;
	int r;

	opt.sync = WEFT_STORE_SYNC_WRITE;
	opt.segment_bytes = 64 << 10;
	opt.snapshot_log_bytes = bytes;
	r = weft_store_open(path, &opt, &s, &err);
	cr_assert_eq(r, 0, "%s", err.message);
	return s;
}

/* A room's newest is replaced again and again: the log grows, the store does not. */
static void write_over(weft_store *s, weft_uuid room, uint32_t n)
{
	static char text[2000];
	weft_memory m = { .id = weft_uuid_v7(), .room_id = room, .text = { text, sizeof(text) } };
	weft_change c = { .kind = WEFT_CHANGE_MEMORY, .memory = m };

	for (uint32_t i = 0; i < n; i++)
		cr_assert_eq(weft_store_apply(s, &c), 0);
}

static void wait_for_snapshot(weft_store *s, uint64_t count)
{
	while (stats_of(s).snapshots < count) {
		cr_assert_eq(stats_of(s).snapshot_status, 0);
		usleep(1000);
	}
}

Test(durable, a_log_that_has_grown_becomes_a_snapshot, .timeout = 120)
{
	weft_uuid room = weft_uuid_v7();
	weft_store *s;

	make_path();
	s = open_grown_at(256 << 10);
	write_over(s, room, 10);
	cr_assert_eq(stats_of(s).snapshots, 0, "10 x two sectors is not 256 KiB");
	write_over(s, room, 100);
	wait_for_snapshot(s, 1);
	write_over(s, room, 100);
	wait_for_snapshot(s, 2);
	while (stats_of(s).log_bytes >= 256 << 10) /* else one more would be due; it may be in the making */
		usleep(1000);
	cr_assert_eq(weft_store_close(s), 0);
	s = open_grown_at(256 << 10);
	cr_assert_lt(stats_of(s).read_changes, 200, "of more than 420: what a snapshot stands for is not read again");
	cr_assert_eq(weft_store_count(s, room, WEFT_MEMORY_MESSAGE), 3);
	cr_assert_eq(weft_store_close(s), 0);
	remove_path();
}

Test(durable, a_log_that_grew_before_the_open_becomes_a_snapshot, .timeout = 120)
{
	weft_uuid room = weft_uuid_v7();
	weft_store *s;

	make_path();
	s = open_grown_at(WEFT_SNAPSHOT_NEVER);
	write_over(s, room, 60);
	cr_assert_eq(weft_store_close(s), 0);
	s = open_grown_at(128 << 10);
	cr_assert_gt(stats_of(s).log_bytes, 128 << 10);
	write_over(s, room, 1);
	wait_for_snapshot(s, 1);
	cr_assert_eq(weft_store_close(s), 0);
	s = open_grown_at(WEFT_SNAPSHOT_NEVER);
	write_over(s, room, 300);
	cr_assert_eq(stats_of(s).snapshots, 0);
	cr_assert_eq(weft_store_close(s), 0);
	remove_path();
}

/* The snapshot gives up, or was there; nothing is lost either way, and nothing is left lying about. */
Test(durable, closed_while_a_snapshot_is_made, .timeout = 120)
{
	for (uint32_t round = 0; round < 20; round++) {
		weft_uuid room = weft_uuid_v7();
		weft_store *s;

		make_path();
		s = open_grown_at(64 << 10);
		write_over(s, room, 8 + round);
		write_over(s, weft_uuid_v7(), 1);
		cr_assert_eq(weft_store_close(s), 0);
		s = open_grown_at(64 << 10);
		cr_assert_eq(weft_store_count(s, room, WEFT_MEMORY_MESSAGE), 1);
		weft_store_unref(s);
		remove_path();
	}
}

Test(durable, all_kinds_survive_a_close)
{
	weft_store *s;
	weft_arena *arena;
	weft_entity *people;
	weft_search_hit hit;
	weft_room got;
	weft_uuid room;

	make_path();
	s = open_as(WEFT_STORE_SYNC_WRITE);
	room = fill(s);
	s = again(again(s));
	cr_assert_eq(weft_arena_create(0, &arena), 0);
	cr_assert_eq(weft_store_get_room(s, room, arena, &got), 0);
	cr_assert(weft_str_eq(got.name, WEFT_STR("renamed")));
	cr_assert_eq(weft_store_participants(s, room, arena, &people), 2);
	cr_assert(weft_str_eq(people[0].name, WEFT_STR("bot")));
	cr_assert_eq(weft_store_get_follow(s, room, people[0].id), WEFT_FOLLOW_MUTED);
	cr_assert_eq(weft_store_count(s, room, WEFT_MEMORY_MESSAGE), 1);
	cr_assert_eq(weft_store_search(s, room, WEFT_MEMORY_MESSAGE, (float[]){ 1, 2, 3, 4 }, 4, 1, &hit), 1);
	cr_assert_gt(hit.score, 0.999f);
	weft_arena_destroy(arena);
	cr_assert_eq(weft_store_close(s), 0);
	remove_path();
}

Test(durable, all_kinds_survive_a_snapshot)
{
	struct stat st;
	weft_store *s;
	char file[400];

	make_path();
	s = open_as(WEFT_STORE_SYNC_WRITE);
	fill(s);
	cr_assert_eq(weft_store_snapshot(s, &err), 0, "%s", err.message);
	snprintf(file, sizeof(file), "%s/log-0000000001", path);
	cr_assert_eq(stat(file, &st), -1, "what the snapshot holds goes");
	s = again(s);
	fill(s);
	s = again(s);
	cr_assert_eq(weft_store_snapshot(s, &err), 0, "%s", err.message);
	cr_assert_eq(weft_store_snapshot(s, &err), 0, "and again, with nothing new");
	fill(s);
	s = again(s);
	cr_assert_eq(weft_store_close(s), 0);
	remove_path();
}

Test(durable, in_memory_nothing_is_asked_of_it)
{
	weft_store_log_stats stats = { .size = sizeof(stats) };
	weft_store *s;

	cr_assert_eq(weft_store_create(NULL, &s), 0);
	cr_assert_eq(weft_store_flush(s), 0);
	cr_assert_eq(weft_store_snapshot(s, &err), -ENOSYS);
	cr_assert_eq(weft_store_log_stats_read(s, &stats), -ENOSYS);
	cr_assert_eq(weft_store_close(s), 0);
}

Test(durable, closed_for_one_is_closed_for_all_who_write)
{
	weft_memory m = { .room_id = { { 1 } }, .text = WEFT_STR("x") };
	weft_store *s, *other;
	weft_uuid id;

	make_path();
	s = open_as(WEFT_STORE_SYNC_WRITE);
	other = weft_store_ref(s);
	cr_assert_eq(weft_store_add(s, &m, &id), 0);
	cr_assert_eq(weft_store_close(s), 0);
	cr_assert(weft_store_has(other, id));
	cr_assert_eq(weft_store_add(other, &m, NULL), -ESHUTDOWN);
	cr_assert_eq(weft_store_delete(other, id), -ESHUTDOWN);
	cr_assert(weft_store_has(other, id), "nothing has changed");
	cr_assert_eq(weft_store_flush(other), 0);
	s = open_as(WEFT_STORE_SYNC_WRITE); /* the path is free */
	weft_store_unref(s);
	weft_store_unref(other);
	remove_path();
}

Test(durable, a_relative_path_stays_where_it_was)
{
	weft_store *s;

	make_path();
	cr_assert_eq(chdir(folder), 0);
	snprintf(path, sizeof(path), "store");
	s = open_as(WEFT_STORE_SYNC_WRITE);
	cr_assert_eq(chdir("/"), 0);
	fill(s);
	cr_assert_eq(weft_store_snapshot(s, &err), 0, "%s", err.message);
	fill(s);
	snprintf(path, sizeof(path), "%.250s/store", folder);
	s = again(s);
	cr_assert_eq(weft_store_close(s), 0);
	remove_path();
}

static void on_flushed(int status, void *user)
{
	__atomic_store_n((int *)user, status == 0 ? 1 : -1, __ATOMIC_RELEASE);
}

Test(durable, a_flush_calls_back)
{
	weft_store_log_stats stats = { .size = sizeof(stats) };
	weft_memory m = { .room_id = { { 1 } }, .text = WEFT_STR("x") };
	weft_store *s;
	int told = 0;

	make_path();
	s = open_as(WEFT_STORE_SYNC_DEMAND);
	cr_assert_eq(weft_store_add(s, &m, NULL), 0);
	cr_assert_eq(weft_store_flush_async(s, on_flushed, &told), 0);
	while (!__atomic_load_n(&told, __ATOMIC_ACQUIRE))
		usleep(100);
	cr_assert_eq(told, 1);
	cr_assert_eq(weft_store_log_stats_read(s, &stats), 0);
	cr_assert_eq(stats.changes_durable, 1);
	cr_assert_eq(weft_store_close(s), 0);
	remove_path();
}

/* ---- at random, with snapshots ---------------------------------------------------------- */

#define IDS 40u

static void any_change(weft_store *s, uint64_t *rnd)
{
	weft_uuid ids[3] = { { { (uint8_t)test_below(rnd, IDS), 1 } }, { { (uint8_t)test_below(rnd, 4), 2 } },
		             { { (uint8_t)test_below(rnd, 4), 3 } } };
	char text[40];
	int n = snprintf(text, sizeof(text), "text %u", test_below(rnd, 1000000));
	weft_str str = { text, (size_t)n };
	float v[8];
	int r = 0;

	for (int i = 0; i < 8; i++)
		v[i] = (float)test_below(rnd, 100) + 1;
	switch (test_below(rnd, 10)) {
	case 0:
		r = weft_store_put_world(s, &(weft_world){ ids[1], str });
		break;
	case 1:
		r = weft_store_put_entity(s, &(weft_entity){ ids[2], str, true });
		break;
	case 2:
		r = weft_store_put_room(s, &(weft_room){ .id = ids[1], .name = str });
		break;
	case 3:
		r = weft_store_join(s, ids[1], ids[2]);
		break;
	case 4:
		r = weft_store_set_follow(s, ids[1], ids[2], (weft_follow)test_below(rnd, 3));
		break;
	case 5:
		r = weft_store_delete(s, ids[0]);
		break;
	case 6:
		r = weft_store_set_embedding(s, ids[0], v, 8);
		break;
	case 7:
		r = weft_store_set_attachments(s, ids[0], &(weft_attachment){ .text = str }, test_below(rnd, 2));
		break;
	default:
		r = weft_store_add(s, &(weft_memory){ .id = ids[0], .room_id = ids[1], .text = str,
		                                      .type = (weft_memory_type)test_below(rnd, 3) }, NULL);
	}
	cr_assert(r == 0 || r == -ENOENT || r == -EEXIST, "%s", weft_errname(r));
}

Test(durable, any_changes_survive, .timeout = 120)
{
	uint64_t rnd = test_seed("durable");
	weft_store *s;

	make_path();
	s = open_as(WEFT_STORE_SYNC_DEMAND);
	for (uint32_t round = 0; round < 30; round++) {
		for (uint32_t i = test_below(&rnd, 300); i; i--)
			any_change(s, &rnd);
		if (test_below(&rnd, 3) == 0)
			cr_assert_eq(weft_store_snapshot(s, &err), 0, "%s", err.message);
		s = again(s);
	}
	cr_assert_eq(weft_store_close(s), 0);
	remove_path();
}

struct writer {
	weft_store *s;
	uint64_t rnd;
	uint32_t changes;
};

static void *writer_main(void *arg)
{
	struct writer *w = arg;

	for (uint32_t i = 0; i < w->changes; i++)
		any_change(w->s, &w->rnd);
	return NULL;
}

Test(durable, snapshots_of_a_store_that_is_written_to, .timeout = 120)
{
	uint64_t seed = test_seed("durable");
	weft_store *s;

	make_path();
	s = open_as(WEFT_STORE_SYNC_INTERVAL);
	for (uint32_t round = 0; round < 8; round++) {
		struct writer w[3];
		pthread_t thread[3];

		for (uint32_t i = 0; i < 3; i++) {
			w[i] = (struct writer){ s, seed + round * 3 + i, 3000 };
			pthread_create(&thread[i], NULL, writer_main, &w[i]);
		}
		for (uint32_t i = 0; i < 4; i++)
			cr_assert_eq(weft_store_snapshot(s, &err), 0, "%s", err.message);
		for (uint32_t i = 0; i < 3; i++)
			pthread_join(thread[i], NULL);
		s = again(s);
	}
	cr_assert_eq(weft_store_close(s), 0);
	remove_path();
}

static bool apply(const weft_change *change, void *user)
{
	return weft_store_apply(user, change) == 0;
}

Test(durable, what_is_visited_makes_the_same_store)
{
	uint64_t rnd = test_seed("durable");
	weft_store *s, *copy;
	char *a, *b;

	cr_assert_eq(weft_store_create(NULL, &s), 0);
	cr_assert_eq(weft_store_create(NULL, &copy), 0);
	for (uint32_t i = 0; i < 3000; i++)
		any_change(s, &rnd);
	cr_assert_eq(weft_store_visit(s, apply, copy), 0);
	cr_assert_eq(weft_store_visit(s, apply, copy), 0, "twice is once");
	a = test_store_text(s);
	b = test_store_text(copy);
	cr_assert_str_eq(a, b);
	free(a);
	free(b);
	weft_store_unref(s);
	weft_store_unref(copy);
}

/* ---- what cannot be opened ------------------------------------------------------------------ */

static int try_open(const char *where)
{
	weft_store_open_options opt = WEFT_STORE_OPEN_OPTIONS_INIT;
	weft_store *s = NULL;
	int r;

	memset(&err, 0, sizeof(err));
	r = weft_store_open(where, &opt, &s, &err);
	if (r == 0)
		cr_assert_eq(weft_store_close(s), 0);
	else
		cr_assert(err.code == r && err.message[0], "it says why");
	return r;
}

static void write_file(const char *name, const char *text)
{
	char file[400];
	FILE *f;

	snprintf(file, sizeof(file), "%s/%s", path, name);
	f = fopen(file, "w");
	fputs(text, f);
	fclose(f);
}

Test(durable, paths_that_are_none)
{
	weft_store_open_options opt = WEFT_STORE_OPEN_OPTIONS_INIT;
	weft_store *s;
	char where[5000];

	make_path();
	cr_assert_eq(weft_store_open(NULL, NULL, &s, &err), -EINVAL);
	cr_assert_eq(try_open(""), -EINVAL);
	snprintf(where, sizeof(where), "%s/no/such", folder);
	cr_assert_eq(try_open(where), -ENOENT);
	cr_assert_eq(try_open("/dev/null"), -ENOTDIR);
	memset(where, 'x', sizeof(where) - 1);
	where[sizeof(where) - 1] = '\0';
	cr_assert_eq(try_open(where), -ENAMETOOLONG);
	opt.must_exist = true;
	cr_assert_eq(weft_store_open(path, &opt, &s, &err), -ENOENT);
	cr_assert_eq(access(path, F_OK), -1, "nothing was made");
	mkdir(path, 0700);
	cr_assert_eq(weft_store_open(path, &opt, &s, &err), -ENOENT);
	write_file("letter.txt", "dear");
	cr_assert_eq(try_open(path), -ENOTEMPTY);
	snprintf(where, sizeof(where), "%s/lock", path);
	cr_assert_eq(access(where, F_OK), -1, "nothing was left");
	opt.must_exist = false;
	opt.segment_bytes = 5;
	cr_assert_eq(weft_store_open(path, &opt, &s, &err), -EINVAL);
	remove_path();
}

Test(durable, a_folder_without_permission)
{
	int status;

	make_path();
	mkdir(path, 0700);
	if (geteuid() == 0) { /* as somebody else */
		pid_t child;

		chmod(folder, 0755);
		chmod(path, 0555);
		child = fork();
		if (child == 0) {
			weft_store *s;

			_exit(setuid(65534) < 0 ? 2 : weft_store_open(path, NULL, &s, NULL) == -EACCES ? 0 : 1);
		}
		cr_assert_eq(waitpid(child, &status, 0), child);
		cr_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0, "status %x", status);
	} else {
		chmod(path, 0555);
		cr_assert_eq(try_open(path), -EACCES);
	}
	chmod(path, 0755);
	remove_path();
}

Test(durable, two_at_once)
{
	char pid[24];
	weft_store *s, *two;

	make_path();
	s = open_as(WEFT_STORE_SYNC_WRITE);
	fill(s);
	cr_assert_eq(weft_store_open(path, NULL, &two, &err), -EBUSY);
	snprintf(pid, sizeof(pid), "process %d", (int)getpid());
	cr_assert_not_null(strstr(err.message, pid), "%s", err.message);
	s = again(s);
	cr_assert_eq(weft_store_close(s), 0);
	remove_path();
}

Test(durable, files_that_are_none)
{
	weft_store *s;
	char file[400];

	make_path();
	mkdir(path, 0700);
	write_file("log-0000000001", "this is no log, and longer than a head of one would be, which is sixty-eight bytes long");
	cr_assert_eq(try_open(path), WEFT_EDAMAGED);
	cr_assert_not_null(strstr(err.message, "log-0000000001"), "%s", err.message);
	test_folder_empty(path);
	write_file("snapshot-0000000003", "neither is this");
	cr_assert_eq(try_open(path), WEFT_EDAMAGED);
	test_folder_empty(path);
	write_file("log-0000000001", "");
	write_file("snapshot-0000000001.tmp", "half of");
	s = open_as(WEFT_STORE_SYNC_WRITE); /* made, and not begun when power went */
	snprintf(file, sizeof(file), "%s/snapshot-0000000001.tmp", path);
	cr_assert_eq(access(file, F_OK), -1, "what was not finished goes");
	fill(s);
	s = again(s);
	cr_assert_eq(weft_store_close(s), 0);
	remove_path();
}

/* ---- no memory --------------------------------------------------------------------------------- */

static _Atomic(int64_t) allocations_left;

static bool may_allocate(void)
{
	return __atomic_fetch_sub((int64_t *)&allocations_left, 1, __ATOMIC_RELAXED) > 0;
}

static void *lean_malloc(size_t n, void *user)
{
	(void)user;
	return may_allocate() ? malloc(n) : NULL;
}

static void *lean_realloc(void *p, size_t n, void *user)
{
	(void)user;
	return may_allocate() ? realloc(p, n) : NULL;
}

static void lean_free(void *p, void *user)
{
	(void)user;
	free(p);
}

static void *lean_aligned(size_t align, size_t n, void *user)
{
	void *p;

	(void)user;
	return may_allocate() && posix_memalign(&p, align, n) == 0 ? p : NULL;
}

static void lean(void)
{
	weft_allocator a = { sizeof(a), lean_malloc, lean_realloc, lean_free, lean_aligned, NULL };

	allocations_left = INT64_MAX;
	cr_assert_eq(weft_allocator_set(&a), 0);
}

Test(durable, an_open_without_memory, .timeout = 120)
{
	weft_store *s;
	char *text, *now;
	int64_t n;
	int r;

	lean();
	make_path();
	s = open_as(WEFT_STORE_SYNC_WRITE);
	fill(s);
	cr_assert_eq(weft_store_snapshot(s, &err), 0);
	fill(s);
	text = test_store_text(s);
	cr_assert_eq(weft_store_close(s), 0);
	for (n = 0;; n++) {
		allocations_left = n;
		r = weft_store_open(path, NULL, &s, &err);
		allocations_left = INT64_MAX;
		if (r == 0)
			break;
		cr_assert_eq(r, -ENOMEM, "%s", err.message);
	}
	cr_assert_gt(n, 20);
	now = test_store_text(s);
	cr_assert_str_eq(text, now);
	free(text);
	free(now);
	cr_assert_eq(weft_store_close(s), 0);
	remove_path();
}

Test(durable, changes_without_memory_are_made_and_logged_or_neither, .timeout = 120)
{
	uint64_t rnd = test_seed("durable");
	weft_store *s;

	lean();
	make_path();
	s = open_as(WEFT_STORE_SYNC_DEMAND);
	for (uint32_t i = 0; i < 1500; i++) {
		weft_uuid room = { { (uint8_t)test_below(&rnd, 3), 1 } }, id = { { (uint8_t)test_below(&rnd, 30), 2 } };
		weft_memory m = { .id = id, .room_id = room, .text = WEFT_STR("x"), .attachments = &image, .attachment_count = 1 };
		weft_attachment other = { .text = WEFT_STR("y") };

		allocations_left = test_below(&rnd, 8);
		switch (test_below(&rnd, 6)) {
		case 0:
			weft_store_put_room(s, &(weft_room){ .id = room, .name = WEFT_STR("n") });
			break;
		case 1:
			weft_store_delete(s, id);
			break;
		case 2:
			weft_store_set_embedding(s, id, (float[]){ 1, (float)i }, 2);
			break;
		case 3:
			weft_store_set_attachments(s, id, &other, 1);
			break;
		case 4:
			weft_store_put_world(s, &(weft_world){ id, WEFT_STR("w") });
			break;
		default:
			weft_store_add(s, &m, NULL);
		}
		if (i % 100 == 99) {
			allocations_left = (int64_t)test_below(&rnd, 6);
			weft_store_snapshot(s, &err);
		}
		allocations_left = INT64_MAX;
	}
	s = again(s);
	cr_assert_eq(weft_store_close(s), 0);
	remove_path();
}
