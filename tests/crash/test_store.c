/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: of a process that was killed at any moment, every change that a call acknowledged is there, in order, and
 * nothing that it did not ask for.
 * Method: a child opens the store and changes it from a few threads, each in a room of its own, by steps that follow from the
 * seed; it tells each acknowledged step through a pipe. It is killed after a random time: while it writes, takes a
 * snapshot, rolls a segment, recovers from the last time; every second one has that time from its first step on, so that
 * there are steps however slow the machine is. The parent opens the store and compares each room
 * with what the acknowledged steps make, or one step more: the one that was on its way. The next child goes on from there.
 */
#include <criterion/criterion.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <weft/durable.h>

#include "tests/support/folder.h"
#include "tests/support/seed.h"

#define THREADS 3u
#define STEPS_MAX 200000u
#define LIVE_MAX 200u
#define CRASHES 20u
#define LIFE_US_MAX 100000u

static uint64_t seed;
static char folder[256], path[300];

/* ---- what a thread does ----------------------------------------------------------- */

struct item {
	uint32_t id, text; /* the steps that made it, and gave it its attachment (0: none) */
};

/* A room as it should be. */
struct model {
	struct item items[LIVE_MAX + 1]; /* oldest first */
	uint32_t count;
};

struct step {
	enum { ADD, DELETE, ATTACH } kind;
	uint32_t which; /* index in items */
};

static struct step step_of(const struct model *m, uint32_t thread, uint32_t n)
{
	uint64_t rnd = seed + thread * 1000003u + n;
	struct step s = { ADD, 0 };
	uint32_t dice = test_below(&rnd, 8);

	if (m->count == LIVE_MAX || (m->count && dice < 2))
		s.kind = DELETE;
	else if (m->count && dice == 2)
		s.kind = ATTACH;
	s.which = m->count ? test_below(&rnd, m->count) : 0;
	return s;
}

static void model_step(struct model *m, uint32_t thread, uint32_t n)
{
	struct step s = step_of(m, thread, n);

	switch (s.kind) {
	case ADD:
		m->items[m->count++] = (struct item){ n, 0 };
		break;
	case DELETE:
		memmove(&m->items[s.which], &m->items[s.which + 1], (m->count - s.which - 1) * sizeof(m->items[0]));
		m->count--;
		break;
	case ATTACH:
		m->items[s.which].text = n;
		break;
	}
}

static weft_uuid id_of(uint32_t thread, uint32_t n)
{
	weft_uuid id = { { 1, (uint8_t)thread } };

	memcpy(id.bytes + 4, &n, sizeof(n));
	return id;
}

static weft_uuid room_of(uint32_t thread)
{
	return (weft_uuid){ { 2, (uint8_t)thread } };
}

/* Of a length that follows from n, up to three sectors. */
static weft_str text_of(uint32_t n, char *room)
{
	uint64_t rnd = n;
	size_t len = 10 + test_below(&rnd, test_below(&rnd, 10) ? 300 : 12000);

	memset(room, 'a' + (int)(n % 26), len);
	memcpy(room, &n, sizeof(n));
	return (weft_str){ room, len };
}

static int store_step(weft_store *store, const struct model *m, uint32_t thread, uint32_t n)
{
	struct step s = step_of(m, thread, n);
	char text[13000];
	weft_attachment a = { .text = text_of(n, text) };

	switch (s.kind) {
	case ADD:
		return weft_store_add(store, &(weft_memory){ .id = id_of(thread, n), .room_id = room_of(thread), .text = a.text }, NULL);
	case DELETE:
		return weft_store_delete(store, id_of(thread, m->items[s.which].id));
	default:
		return weft_store_set_attachments(store, id_of(thread, m->items[s.which].id), &a, 1);
	}
}

/* ---- the child ------------------------------------------------------------------------ */

struct worker {
	weft_store *store;
	uint32_t thread, next;
	int pipe;
	struct model model;
};

static void *worker_main(void *arg)
{
	struct worker *w = arg;

	for (; w->next < STEPS_MAX; w->next++) {
		char told = (char)w->thread;

		if (store_step(w->store, &w->model, w->thread, w->next) != 0)
			_exit(3);
		if (write(w->pipe, &told, 1) != 1)
			_exit(4);
		model_step(&w->model, w->thread, w->next);
	}
	return NULL;
}

static weft_store *open_store(weft_error *err)
{
	weft_store_open_options opt = WEFT_STORE_OPEN_OPTIONS_INIT;
	weft_store *store;

	opt.segment_bytes = 256 << 10;
	return weft_store_open(path, &opt, &store, err) == 0 ? store : NULL;
}

static void child(int pipe, const struct model *models, const uint32_t *next)
{
	static struct worker w[THREADS];
	pthread_t thread[THREADS];
	weft_error err;
	weft_store *store = open_store(&err);

	if (!store) {
		fprintf(stderr, "child: %s\n", err.message);
		_exit(2);
	}
	for (uint32_t i = 0; i < THREADS; i++) {
		w[i] = (struct worker){ store, i, next[i], pipe, models[i] };
		if (pthread_create(&thread[i], NULL, worker_main, &w[i]) != 0)
			_exit(5);
	}
	for (;;) {
		usleep(5000);
		if (weft_store_snapshot(store, &err) < 0) {
			fprintf(stderr, "child: %s\n", err.message);
			_exit(6);
		}
	}
}

/* ---- the parent ------------------------------------------------------------------------- */

struct seen {
	uint32_t thread;
	struct model model;
	bool wrong;
};

/* Newest first. */
static bool on_memory(const weft_memory *m, void *user)
{
	struct seen *s = user;
	struct item item = { 0, 0 };
	char text[13000];

	memcpy(&item.id, m->id.bytes + 4, sizeof(item.id));
	s->wrong |= !weft_uuid_eq(m->id, id_of(s->thread, item.id)) || !weft_str_eq(m->text, text_of(item.id, text));
	if (m->attachment_count) {
		memcpy(&item.text, m->attachments[0].text.ptr, sizeof(item.text));
		s->wrong |= !weft_str_eq(m->attachments[0].text, text_of(item.text, text));
	}
	if (s->model.count <= LIVE_MAX)
		s->model.items[s->model.count++] = item;
	return true;
}

static bool is_model(const struct seen *s, const struct model *m)
{
	if (s->wrong || s->model.count != m->count)
		return false;
	for (uint32_t i = 0; i < m->count; i++) {
		const struct item *a = &s->model.items[m->count - 1 - i], *b = &m->items[i];

		if (a->id != b->id || a->text != b->text)
			return false;
	}
	return true;
}

/* A room after so many more steps than before: 0, or 1: one more was on its way and is there. -1: neither. */
static int check_room(weft_store *store, uint32_t thread, const struct model *before, uint32_t next, uint32_t acknowledged)
{
	struct seen *seen = calloc(1, sizeof(*seen));
	struct model m = *before;
	int more;

	seen->thread = thread;
	for (uint32_t i = 0; i < acknowledged; i++)
		model_step(&m, thread, next++);
	weft_store_visit_recent(store, room_of(thread), WEFT_MEMORY_MESSAGE, 0, UINT32_MAX, on_memory, seen);
	for (more = 0; more < 2 && !is_model(seen, &m); more++)
		model_step(&m, thread, next++);
	if (more == 2)
		fprintf(stderr, "thread %u: %u steps acknowledged: %u memories, not %u\n", thread, acknowledged, seen->model.count, m.count);
	free(seen);
	return more < 2 ? more : -1;
}

#define RIGHT 64 /* an exit status: and a bit for each thread whose step on the way is there */

/* In a process of its own, so that it may end without a close: what it opened is then opened again. */
static int check(const struct model *models, const uint32_t *next, const uint32_t *acknowledged, bool close_it)
{
	int status = RIGHT;
	weft_error err;
	weft_store *store = open_store(&err);

	if (!store) {
		fprintf(stderr, "open: %s\n", err.message);
		return 1;
	}
	for (uint32_t t = 0; t < THREADS; t++) {
		int more = check_room(store, t, &models[t], next[t], acknowledged[t]);

		if (more < 0)
			return 2;
		status |= more << t;
	}
	return close_it && weft_store_close(store) < 0 ? 3 : status;
}

static int check_apart(const struct model *models, const uint32_t *next, const uint32_t *acknowledged, bool close_it)
{
	pid_t pid;
	int status;

	fflush(NULL);
	pid = fork();
	if (pid == 0)
		_exit(check(models, next, acknowledged, close_it));
	return waitpid(pid, &status, 0) == pid && WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static pid_t start_child(int *ret_pipe, const struct model *models, const uint32_t *next)
{
	int fds[2];
	pid_t pid;

	cr_assert_eq(pipe(fds), 0);
	fflush(NULL);
	pid = fork();
	if (pid == 0) {
		close(fds[0]);
		child(fds[1], models, next);
	}
	close(fds[1]);
	*ret_pipe = fds[0];
	return pid;
}

/* Or it has ended. */
static void wait_for_a_step(int pipe)
{
	struct pollfd p = { .fd = pipe, .events = POLLIN };

	while (poll(&p, 1, -1) < 0)
		cr_assert_eq(errno, EINTR);
}

static void drain(int pipe, uint32_t *acknowledged)
{
	char told[4096];
	ssize_t n;

	while ((n = read(pipe, told, sizeof(told))) > 0) {
		for (ssize_t i = 0; i < n; i++)
			acknowledged[(unsigned char)told[i]]++;
	}
	close(pipe);
}

struct killing {
	pid_t pid;
	uint32_t after_us;
};

static void *kill_later(void *arg)
{
	struct killing *k = arg;

	usleep(k->after_us);
	kill(k->pid, SIGKILL);
	return NULL;
}

Test(crash, killed_at_any_moment, .timeout = 1200)
{
	static struct model models[THREADS];
	uint32_t next[THREADS] = { 1, 1, 1 }, crashes = CRASHES, steps = 0, waited_for = 0;
	uint64_t rnd = seed = test_seed("crash");

	if (getenv("WEFT_CRASHES"))
		crashes = (uint32_t)strtoul(getenv("WEFT_CRASHES"), NULL, 0);
	cr_assert_not_null(test_folder(folder));
	snprintf(path, sizeof(path), "%s/store", folder);
	for (uint32_t i = 0; i < crashes && next[0] < STEPS_MAX / 2; i++) {
		uint32_t acknowledged[THREADS] = { 0 };
		struct killing k = { .after_us = test_below(&rnd, LIFE_US_MAX) };
		pthread_t killer;
		int pipe, status;

		k.pid = start_child(&pipe, models, next);
		cr_assert_gt(k.pid, 0);
		if (i % 2) {
			wait_for_a_step(pipe);
			waited_for++;
		}
		cr_assert_eq(pthread_create(&killer, NULL, kill_later, &k), 0);
		drain(pipe, acknowledged);
		pthread_join(killer, NULL);
		cr_assert_eq(waitpid(k.pid, &status, 0), k.pid);
		cr_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL, "the child failed: %x", status);
		status = check_apart(models, next, acknowledged, test_below(&rnd, 2));
		cr_assert(status & RIGHT, "crash %u: %d", i, status);
		for (uint32_t t = 0; t < THREADS; t++) {
			for (uint32_t more = acknowledged[t] + (status >> t & 1); more; more--)
				model_step(&models[t], t, next[t]++);
			steps += acknowledged[t];
		}
	}
	fprintf(stderr, "crash: %u steps acknowledged\n", steps);
	cr_assert_geq(steps, waited_for, "the children came to something");
	test_folder_remove(path);
	test_folder_remove(folder);
}
