/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sandbox/cgroup.c - see cgroup.h. A run's group is FOLDER/weft-run-NUMBER, and its owner has it locked (flock), which ends with its
 * process however that ends: one that is not locked has no owner, and whoever looks next removes it. A
 * group whose processes were killed goes when the last has exited, a moment later: it is unlocked and left for the next look.
 */
#include "sandbox/cgroup.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <weft/alloc.h>

#include "runtime/base/atomic.h"
#include "runtime/base/rng.h"

#define PREFIX "weft-run-"
#define PERIOD_US 100000u
#define MAKE_TRIES 8u  /* somebody may tidy up between making a group and locking it */
#define LAST_TRIES 50u /* when it closes, a millisecond apart */

struct weft__cgroup {
	struct weft__cgroup_limits limits;
	int folder;
	_Atomic(uint32_t) untidy; /* any thread: there may be groups that are nobody's */
};

/* ---- files of the kernel's -------------------------------------------------------------------- */

static int write_text(int folder, const char *name, const char *text)
{
	int fd = openat(folder, name, O_WRONLY | O_CLOEXEC), r;

	if (fd < 0)
		return -errno;
	r = write(fd, text, strlen(text)) < 0 ? -errno : 0;
	close(fd);
	return r;
}

static int write_number(int folder, const char *name, uint64_t number)
{
	char text[24];

	snprintf(text, sizeof(text), "%llu", (unsigned long long)number);
	return write_text(folder, name, text);
}

/* "" when it cannot be read. */
static void read_text(int folder, const char *name, char *to, size_t room)
{
	int fd = openat(folder, name, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, to, room - 1);

	to[n > 0 ? n : 0] = '\0';
	if (fd >= 0)
		close(fd);
}

static bool has_word(const char *text, const char *word)
{
	size_t n = strlen(word);

	for (const char *at = text; (at = strstr(at, word)); at += n) {
		if ((at == text || at[-1] == ' ') && (at[n] == '\0' || at[n] == ' ' || at[n] == '\n'))
			return true;
	}
	return false;
}

/* ---- the folder ------------------------------------------------------------------------------------ */

static int enable(const struct weft__cgroup *c, const char *path, const char *controller, weft_error *err)
{
	char text[512], plus[16];
	int r;

	read_text(c->folder, "cgroup.controllers", text, sizeof(text));
	if (!has_word(text, controller))
		return weft_error_set(err, -EOPNOTSUPP, "the cgroup '%s' was not given the controller '%s'", path, controller);
	read_text(c->folder, "cgroup.subtree_control", text, sizeof(text));
	if (has_word(text, controller))
		return 0;
	snprintf(plus, sizeof(plus), "+%s", controller);
	r = write_text(c->folder, "cgroup.subtree_control", plus);
	return r < 0 ? weft_error_set(err, r, "the cgroup '%s' cannot hand on '%s': %s%s", path, controller, weft_strerror(r),
	                              r == -EBUSY ? " (no process may be in it)" : "") :
	               0;
}

static int enable_all(const struct weft__cgroup *c, const char *path, weft_error *err)
{
	int r = c->limits.memory_bytes ? enable(c, path, "memory", err) : 0;

	if (r == 0 && c->limits.processes)
		r = enable(c, path, "pids", err);
	if (r == 0 && c->limits.cpu_percent)
		r = enable(c, path, "cpu", err);
	return r;
}

static int open_folder(struct weft__cgroup *c, const char *path, weft_error *err)
{
	struct statfs fs;
	int r;

	c->folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (c->folder < 0) {
		r = -errno;
		return weft_error_set(err, r, "the cgroup '%s': %s", path, weft_strerror(r));
	}
	if (fstatfs(c->folder, &fs) < 0 || fs.f_type != CGROUP2_SUPER_MAGIC)
		return weft_error_set(err, -ENOTDIR, "'%s' is no cgroup of version 2", path);
	if (faccessat(c->folder, ".", W_OK, AT_EACCESS) < 0) {
		r = -errno;
		return weft_error_set(err, r, "the cgroup '%s' is not this user's to write to: %s", path, weft_strerror(r));
	}
	return enable_all(c, path, err);
}

int weft__cgroup_open(const char *folder, const struct weft__cgroup_limits *limits, struct weft__cgroup **ret_cgroup, weft_error *err)
{
	struct weft__cgroup *c = weft_calloc(1, sizeof(*c));
	int r;

	if (!c)
		return weft_error_set(err, -ENOMEM, "out of memory");
	c->limits = *limits;
	c->untidy = 1; /* who knows who was here before */
	r = open_folder(c, folder, err);
	if (r < 0) {
		weft__cgroup_close(c);
		return r;
	}
	*ret_cgroup = c;
	return 0;
}

/* ---- tidying up -------------------------------------------------------------------------------- */

static int open_run(const struct weft__cgroup *c, const char *name)
{
	int fd = openat(c->folder, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC), r;

	if (fd < 0)
		return -errno;
	if (flock(fd, LOCK_EX | LOCK_NB) == 0)
		return fd;
	r = -errno;
	close(fd);
	return r;
}

/* Of one that is locked by the caller. False: somebody in it is still exiting. */
static bool end_run(const struct weft__cgroup *c, const char *name, int folder)
{
	(void)write_text(folder, "cgroup.kill", "1"); /* Linux 5.14; before it the walls kill what is in them */
	return unlinkat(c->folder, name, AT_REMOVEDIR) == 0 || errno == ENOENT;
}

/* False: there is more to do, later. */
static bool end_ownerless(const struct weft__cgroup *c)
{
	int fd = openat(c->folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	bool tidy = true;

	for (struct dirent *e; dir && (e = readdir(dir));) {
		int run = strncmp(e->d_name, PREFIX, strlen(PREFIX)) ? -1 : open_run(c, e->d_name);

		if (run < 0)
			continue;
		tidy = end_run(c, e->d_name, run) && tidy;
		close(run);
	}
	if (dir)
		closedir(dir);
	else if (fd >= 0)
		close(fd);
	return dir && tidy;
}

/* relaxed: a hint; what it is about is the kernel's, and two may tidy up at once. */
static void tidy_up(struct weft__cgroup *c)
{
	if (!weft__load_relaxed(&c->untidy))
		return;
	weft__store_relaxed(&c->untidy, 0);
	if (!end_ownerless(c))
		weft__store_relaxed(&c->untidy, 1);
}

void weft__cgroup_close(struct weft__cgroup *c)
{
	if (!c)
		return;
	for (uint32_t i = 0; c->folder >= 0 && i < LAST_TRIES && weft__load_relaxed(&c->untidy); i++) {
		if (i > 0)
			usleep(1000);
		tidy_up(c);
	}
	if (c->folder >= 0)
		close(c->folder);
	weft_free(c);
}

/* ---- runs ------------------------------------------------------------------------------------------- */

int weft__cgroup_limit(int folder, const struct weft__cgroup_limits *l)
{
	char quota[48];
	int r = 0;

	if (l->memory_bytes) {
		r = write_number(folder, "memory.max", l->memory_bytes);
		(void)write_text(folder, "memory.swap.max", "0"); /* where swap is counted: else a bound would only be slow */
		if (r == 0)
			r = write_text(folder, "memory.oom.group", "1");
	}
	if (r == 0 && l->processes)
		r = write_number(folder, "pids.max", l->processes);
	if (r == 0 && l->cpu_percent) {
		snprintf(quota, sizeof(quota), "%llu %u", (unsigned long long)l->cpu_percent * (PERIOD_US / 100), PERIOD_US);
		r = write_text(folder, "cpu.max", quota);
	}
	return r;
}

/* Its bounds, and the way in. */
static int furnish(const struct weft__cgroup *c, struct weft__cgroup_run *run)
{
	int r = weft__cgroup_limit(run->folder, &c->limits);

	if (r < 0)
		return r;
	run->procs = openat(run->folder, "cgroup.procs", O_WRONLY | O_CLOEXEC);
	return run->procs < 0 ? -errno : 0;
}

static int make_run(const struct weft__cgroup *c, struct weft__cgroup_run *run)
{
	int r;

	snprintf(run->name, sizeof(run->name), PREFIX "%016llx", (unsigned long long)weft__entropy());
	if (mkdirat(c->folder, run->name, 0755) < 0)
		return -errno;
	run->folder = open_run(c, run->name);
	if (run->folder < 0)
		return run->folder; /* somebody tidies it up */
	r = furnish(c, run);
	if (r < 0) {
		(void)end_run(c, run->name, run->folder);
		close(run->folder);
	}
	return r;
}

int weft__cgroup_enter(struct weft__cgroup *c, struct weft__cgroup_run *ret_run)
{
	struct weft__cgroup_run run = { .procs = -1 };
	int r = -EAGAIN;

	tidy_up(c);
	for (uint32_t i = 0; i < MAKE_TRIES; i++) {
		r = make_run(c, &run);
		if (r != -EEXIST && r != -ENOENT && r != -ENODEV && r != -EAGAIN)
			break; /* those four are what it looks like when somebody was quicker */
	}
	if (r == 0)
		*ret_run = run;
	return r;
}

static bool lacked_memory(int folder)
{
	char text[512];
	const char *at;

	read_text(folder, "memory.events", text, sizeof(text));
	at = strstr(text, "oom_kill ");
	return at && strtoul(at + 9, NULL, 10) > 0;
}

bool weft__cgroup_leave(struct weft__cgroup *c, struct weft__cgroup_run *run)
{
	bool lacked;

	if (!weft__cgroup_has(run))
		return false;
	lacked = lacked_memory(run->folder);
	if (!end_run(c, run->name, run->folder))
		weft__store_relaxed(&c->untidy, 1); /* relaxed: see tidy_up */
	close(run->folder); /* unlocked: from here it is nobody's */
	*run = (struct weft__cgroup_run){ .procs = -1 };
	tidy_up(c);
	return lacked;
}
