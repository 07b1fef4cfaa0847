/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/plan/stalls.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <weft/weft.h>

#define THREADS_MAX 512u
#define STALLS_MAX 65536u
#define LOOK_NS 1000000 /* how often */

/* ---- what there were -------------------------------------------------------------------------- */

void plan_stalls_add(struct plan_stalls *s, double ms)
{
	uint32_t kind = 0;

	if (ms < PLAN_STALL_MIN_MS)
		return;
	while (kind + 1 < PLAN_STALL_KINDS && ms >= PLAN_STALL_MIN_MS * (double)(2u << kind))
		kind++;
	s->count[kind]++;
	s->ms[kind] += ms;
}

void plan_stalls_merge(struct plan_stalls *into, const struct plan_stalls *from)
{
	into->seconds += from->seconds;
	for (uint32_t i = 0; i < PLAN_STALL_KINDS; i++) {
		into->count[i] += from->count[i];
		into->ms[i] += from->ms[i];
	}
}

double plan_stalls_per_s(const struct plan_stalls *s)
{
	double count = 0;

	for (uint32_t i = 0; i < PLAN_STALL_KINDS; i++)
		count += s->count[i];
	return s->seconds > 0 ? count / s->seconds : 0;
}

double plan_stalls_share(const struct plan_stalls *s)
{
	double ms = 0;

	for (uint32_t i = 0; i < PLAN_STALL_KINDS; i++)
		ms += s->ms[i];
	return s->seconds > 0 ? ms / 1e3 / s->seconds : 0;
}

double plan_stalls_quantile_ms(const struct plan_stalls *s, double q)
{
	double all = plan_stalls_per_s(s) * s->seconds, seen = 0;

	for (uint32_t i = 0; i < PLAN_STALL_KINDS; i++) {
		seen += s->count[i];
		if (s->count[i] && seen >= q * all)
			return s->ms[i] / s->count[i];
	}
	return 0;
}

/* ---- watching ------------------------------------------------------------------------------------ */

struct watched {
	int fd; /* of its schedstat */
	uint32_t who;
	uint64_t waited_ns;
};

struct plan_watch {
	struct watched threads[THREADS_MAX];
	uint32_t thread_count, stall_count;
	struct plan_stall stalls[STALLS_MAX]; /* more are not kept: such a host is not worth measuring on */
	pthread_t thread;
	atomic_bool stop;
	bool running;
};

struct plan_watch *plan_watch_create(void)
{
	return calloc(1, sizeof(struct plan_watch));
}

/* "ran waited times": the second number. */
static bool read_waited(int fd, uint64_t *ret_ns)
{
	char text[96], *end;
	ssize_t n = pread(fd, text, sizeof(text) - 1, 0);

	if (n <= 0)
		return false;
	text[n] = '\0';
	strtoull(text, &end, 10);
	if (*end != ' ')
		return false;
	*ret_ns = strtoull(end, &end, 10);
	return true;
}

static bool has_name(pid_t pid, const char *tid, const char *name)
{
	char path[96], text[32] = "";
	FILE *f;

	if (!name)
		return true;
	snprintf(path, sizeof(path), "/proc/%d/task/%.16s/comm", (int)pid, tid);
	f = fopen(path, "re");
	if (!f || !fgets(text, sizeof(text), f))
		text[0] = '\0';
	if (f)
		fclose(f);
	return strncmp(text, name, strlen(name)) == 0;
}

uint32_t plan_watch_add(struct plan_watch *w, pid_t pid, uint32_t who, const char *name)
{
	uint32_t before = w->thread_count;
	char path[96];
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%d/task", (int)pid);
	dir = opendir(path);
	for (struct dirent *e = dir ? readdir(dir) : NULL; e && w->thread_count < THREADS_MAX; e = readdir(dir)) {
		struct watched *t = &w->threads[w->thread_count];

		if (e->d_name[0] == '.' || !has_name(pid, e->d_name, name))
			continue;
		snprintf(path, sizeof(path), "/proc/%d/task/%.16s/schedstat", (int)pid, e->d_name);
		*t = (struct watched){ .fd = open(path, O_RDONLY | O_CLOEXEC), .who = who };
		if (t->fd >= 0 && read_waited(t->fd, &t->waited_ns))
			w->thread_count++;
		else if (t->fd >= 0)
			close(t->fd);
	}
	if (dir)
		closedir(dir);
	return w->thread_count - before;
}

uint32_t plan_watch_threads(const struct plan_watch *w, uint32_t who)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < w->thread_count; i++)
		n += w->threads[i].who == who;
	return n;
}

static void look(struct plan_watch *w)
{
	uint64_t now = weft_now_ns(), waited;

	for (uint32_t i = 0; i < w->thread_count; i++) {
		struct watched *t = &w->threads[i];

		if (!read_waited(t->fd, &waited))
			continue; /* it has ended */
		if ((double)(waited - t->waited_ns) >= PLAN_STALL_MIN_MS * 1e6 && w->stall_count < STALLS_MAX)
			w->stalls[w->stall_count++] = (struct plan_stall){ now, waited - t->waited_ns, t->who };
		t->waited_ns = waited;
	}
}

static void *watch(void *user)
{
	struct timespec rest = { 0, LOOK_NS };
	struct plan_watch *w = user;

	while (!atomic_load_explicit(&w->stop, memory_order_relaxed)) { /* what it leaves behind is published by the join */
		look(w);
		nanosleep(&rest, NULL);
	}
	look(w);
	return NULL;
}

int plan_watch_start(struct plan_watch *w)
{
	int r = w->thread_count ? pthread_create(&w->thread, NULL, watch, w) : ENODATA;

	w->running = r == 0;
	return -r;
}

const struct plan_stall *plan_watch_stop(struct plan_watch *w, uint32_t *ret_count)
{
	atomic_store_explicit(&w->stop, true, memory_order_relaxed);
	if (w->running)
		pthread_join(w->thread, NULL);
	w->running = false;
	*ret_count = w->stall_count;
	return w->stalls;
}

void plan_watch_destroy(struct plan_watch *w)
{
	uint32_t n;

	if (!w)
		return;
	plan_watch_stop(w, &n);
	for (uint32_t i = 0; i < w->thread_count; i++)
		close(w->threads[i].fd);
	free(w);
}
