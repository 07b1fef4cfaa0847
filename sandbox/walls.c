/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sandbox/walls.c - bubblewrap's command line, and one run of it to see whether this machine allows it.
 *
 * The program sees /usr and the few files of /etc that programs need to start, all read-only; a
 * /proc of its own processes, a /dev of six harmless devices, /tmp and /dev/shm in
 * bounded memory, and its workspace. It has no capability, no network but a loopback of its
 * own, and no way up. What bubblewrap cannot limit is limited by the kernel's resource
 * limits; the number of processes by a shell in between, inside the user namespace: outside,
 * the limit would count all that the host's user runs.
 */
#include "sandbox/walls.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <weft/alloc.h>

#include "runtime/base/sim.h"
#include "runtime/io/spawn.h"
#include "sandbox/filter.h"

#define NOBODY 65534u
#define INSIDE_ID "1000"
#define FILTER_FD "3" /* the first of weft__child_options.fds */
#define TRIAL_MS 10000
#define ARGS_MAX 1024u
#define WORKSPACE "/workspace"

/* $1: how many processes; dash and busybox say -p, bash and zsh -u. The rest is the program. */
#define LAUNCHER "n=$1; shift; ulimit -p $n 2>/dev/null || ulimit -u $n || exit 126; exec \"$@\""

/* Owned copies, NULL behind the last. */
struct list {
	char **items;
	uint32_t count, room;
	bool failed;
};

struct weft__walls {
	struct list front; /* in front of the program's own arguments; empty without walls */
	struct list env;
	char *cwd; /* without walls; owned, may be NULL */
	struct weft__filter filter;
	struct weft__child_limits limits;
	struct weft__cgroup *cgroup; /* owned; NULL: none */
	uint32_t flags, uid, gid; /* weft__child_options */
};

/* ---- lists ------------------------------------------------------------------------- */

static void list_fini(struct list *l)
{
	for (uint32_t i = 0; i < l->count; i++) {
		explicit_bzero(l->items[i], strlen(l->items[i])); /* variables may hold secrets */
		weft_free(l->items[i]);
	}
	weft_free(l->items);
	*l = (struct list){ 0 };
}

static void list_add(struct list *l, const char *text)
{
	char *copy;

	if (l->failed)
		return;
	if (l->count + 1 >= l->room) {
		uint32_t room = l->room ? 2 * l->room : 64;
		char **more = room <= 4 * ARGS_MAX ? weft_realloc(l->items, room * sizeof(*more)) : NULL;

		if (!more) {
			l->failed = true;
			return;
		}
		l->items = more;
		l->room = room;
	}
	copy = weft_strndup(text, strlen(text));
	if (!copy) {
		l->failed = true;
		return;
	}
	l->items[l->count++] = copy;
	l->items[l->count] = NULL;
}

static void list_add_all(struct list *l, const char *const *texts)
{
	for (; *texts; texts++)
		list_add(l, *texts);
}

static void list_add_number(struct list *l, uint64_t number)
{
	char text[24];

	snprintf(text, sizeof(text), "%llu", (unsigned long long)number);
	list_add(l, text);
}

/* ---- the command line ------------------------------------------------------------------ */

static void add_bind(struct list *l, const char *how, const char *from, const char *to)
{
	list_add(l, how);
	list_add(l, from);
	list_add(l, to);
}

/* /bin is a folder on some machines and a link to usr/bin on most: it is the same inside. */
static void add_root(struct list *l, const char *path)
{
	char target[256];
	ssize_t n = readlink(path, target, sizeof(target) - 1);

	if (n <= 0) {
		add_bind(l, "--ro-bind-try", path, path);
		return;
	}
	target[n] = '\0';
	add_bind(l, "--symlink", target, path);
}

static void add_system(struct list *l, bool network)
{
	static const char *const roots[] = { "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", NULL };
	static const char *const etc[] = { "/etc/alternatives", "/etc/ld.so.cache", "/etc/localtime", "/etc/mime.types", NULL };
	static const char *const net[] = { "/etc/resolv.conf", "/etc/hosts", "/etc/nsswitch.conf", "/etc/services",
		                           "/etc/ssl/certs", "/etc/ssl/openssl.cnf", "/etc/pki/tls", NULL };

	add_bind(l, "--ro-bind", "/usr", "/usr");
	for (const char *const *path = roots; *path; path++) {
		if (access(*path, F_OK) == 0)
			add_root(l, *path);
	}
	for (const char *const *path = etc; *path; path++)
		add_bind(l, "--ro-bind-try", *path, *path);
	for (const char *const *path = net; network && *path; path++)
		add_bind(l, "--ro-bind-try", *path, *path);
}

static void add_memory(struct list *l, uint64_t bytes, const char *where)
{
	list_add(l, "--perms");
	list_add(l, "1777");
	list_add(l, "--size");
	list_add_number(l, bytes);
	list_add(l, "--tmpfs");
	list_add(l, where);
}

/*
 * What the dynamic linker and the C library obey. bubblewrap itself runs outside, as the host's user: it would load what a
 * relative path, or one that is bound and writable, leads to. So these are set inside only.
 */
static bool is_for_loader(const char *entry)
{
	static const char *const names[] = { "LD_", "GLIBC_TUNABLES=", "GCONV_PATH=", "LOCPATH=", "NLSPATH=", NULL };

	for (const char *const *n = names; *n; n++) {
		if (strncmp(entry, *n, strlen(*n)) == 0)
			return true;
	}
	return false;
}

static void add_loader_env(struct list *l, const char *const *env)
{
	for (const char *const *e = env; e && *e; e++) {
		size_t name = strcspn(*e, "=");
		char *copy = is_for_loader(*e) ? weft_strndup(*e, name) : NULL;

		if (!is_for_loader(*e))
			continue;
		if (!copy) {
			l->failed = true;
			return;
		}
		add_bind(l, "--setenv", copy, *e + name + 1);
		weft_free(copy);
	}
}

static void make_front(struct list *l, const struct weft__walls_options *o, const char *bwrap)
{
	static const char *const apart[] = { "--unshare-user", "--unshare-pid", "--unshare-ipc", "--unshare-uts",
		                             "--unshare-cgroup-try", "--uid", INSIDE_ID, "--gid", INSIDE_ID,
		                             "--hostname", "sandbox", "--die-with-parent", "--cap-drop", "ALL",
		                             "--seccomp", FILTER_FD, "--proc", "/proc", "--dev", "/dev", NULL };
	static const char *const shut[] = { "--remount-ro", "/dev", "--remount-ro", "/", "--", "/bin/sh", "-c",
		                            LAUNCHER, "sh", NULL };

	list_add(l, bwrap);
	if (!o->network)
		list_add(l, "--unshare-net");
	list_add_all(l, apart);
	add_memory(l, o->tmp_bytes, "/dev/shm");
	add_memory(l, o->tmp_bytes, "/tmp");
	add_system(l, o->network);
	for (uint32_t i = 0; i < o->bind_count; i++)
		add_bind(l, o->binds[i].writable ? "--bind" : "--ro-bind", o->binds[i].from,
		         o->binds[i].to ? o->binds[i].to : o->binds[i].from);
	if (o->workspace)
		add_bind(l, o->workspace_read_only ? "--ro-bind" : "--bind", o->workspace, WORKSPACE);
	add_loader_env(l, o->env);
	list_add(l, "--chdir");
	list_add(l, o->workspace ? WORKSPACE : "/tmp");
	list_add_all(l, shut);
	list_add_number(l, o->processes);
}

static void make_env(struct list *l, const struct weft__walls_options *o)
{
	static const char *const fixed[] = { "PATH=/usr/local/bin:/usr/bin:/bin", "HOME=/tmp", "TMPDIR=/tmp",
		                             "LANG=C.UTF-8", "TERM=dumb", NULL };

	for (const char *const *e = o->env; e && *e; e++) {
		if (o->unsandboxed || !is_for_loader(*e))
			list_add(l, *e);
	}
	for (const char *const *f = fixed; *f; f++) {
		size_t name = strcspn(*f, "=") + 1;
		bool given = false;

		for (const char *const *e = o->env; e && *e; e++)
			given = given || strncmp(*e, *f, name) == 0;
		if (!given)
			list_add(l, *f);
	}
}

/* ---- what must be there ---------------------------------------------------------------------- */

static const char *find_bwrap(const char *wanted)
{
	static const char *const places[] = { "/usr/local/bin/bwrap", "/usr/bin/bwrap", "/bin/bwrap" };

	if (wanted)
		return access(wanted, X_OK) == 0 ? wanted : NULL;
	for (size_t i = 0; i < sizeof(places) / sizeof(*places); i++) {
		if (access(places[i], X_OK) == 0)
			return places[i];
	}
	return NULL;
}

static bool is_absolute(const char *path)
{
	return path && *path == '/';
}

static int check_folder(const char *path, weft_error *err)
{
	struct stat st;

	if (!is_absolute(path))
		return weft_error_set(err, -EINVAL, "the workspace '%s' is not an absolute path", path);
	if (stat(path, &st) < 0)
		return weft_error_set(err, -errno, "the workspace '%s': %s", path, weft_strerror(-errno));
	if (!S_ISDIR(st.st_mode))
		return weft_error_set(err, -ENOTDIR, "the workspace '%s' is no folder", path);
	return 0;
}

static int check_options(const struct weft__walls_options *o, weft_error *err)
{
	uint32_t env = 0;

	for (const char *const *e = o->env; e && *e; e++, env++) {
		if (**e == '=' || !strchr(*e, '='))
			return weft_error_set(err, -EINVAL, "an environment entry is NAME=value");
	}
	if (env > ARGS_MAX || o->bind_count > ARGS_MAX)
		return weft_error_set(err, -EINVAL, "more than %u binds or environment entries", ARGS_MAX);
	for (uint32_t i = 0; i < o->bind_count; i++) {
		if (!is_absolute(o->binds[i].from) || (o->binds[i].to && !is_absolute(o->binds[i].to)))
			return weft_error_set(err, -EINVAL, "a bind needs absolute paths");
	}
	return o->workspace ? check_folder(o->workspace, err) : 0;
}

/* ---- the trial ------------------------------------------------------------------------------- */

struct trial {
	int pid, pidfd, said; /* said: the reading end of its stderr */
	char text[512];
};

/* Its stderr's first words, until it ends or the time is over. */
static void trial_listen(struct trial *t)
{
	struct pollfd in = { .fd = t->said, .events = POLLIN };
	size_t len = 0;
	ssize_t n = 1;

	while (n > 0 && len < sizeof(t->text) - 1 && poll(&in, 1, TRIAL_MS) > 0) {
		n = read(t->said, t->text + len, sizeof(t->text) - 1 - len);
		len += n > 0 ? (size_t)n : 0;
	}
	t->text[len] = '\0';
	t->text[strcspn(t->text, "\n")] = '\0';
}

/* 0: it ended well. -ETIME, -ENOEXEC (it failed; text says why), or why it could not be started. */
static int trial_end(struct trial *t)
{
	struct pollfd ended = { .fd = t->pidfd, .events = POLLIN };
	struct weft__child_exit end;
	int r;

	trial_listen(t);
	r = poll(&ended, 1, TRIAL_MS) > 0 ? 0 : -ETIME;
	(void)weft__spawn_signal(t->pid, t->pidfd, 9 /* SIGKILL: if it is still there */);
	if (poll(&ended, 1, TRIAL_MS) > 0 && weft__spawn_reap(t->pidfd, &end) == 0 && r == 0 &&
	    end.known && (end.code || end.signal))
		r = -ENOEXEC;
	close(t->pidfd);
	return r;
}

static int trial_start(struct trial *t, const struct weft__walls_plan *plan)
{
	int ends[2], null = open("/dev/null", O_RDWR | O_CLOEXEC), r;
	struct weft__spawn spawn = {
		.argv = plan->options.argv,
		.envp = plan->options.envp,
		.cwd = plan->options.cwd,
		.limits = plan->options.limits,
		.no_new_privs = plan->options.flags & WEFT__CHILD_NO_NEW_PRIVS,
		.as_user = plan->options.flags & WEFT__CHILD_AS_USER,
		.uid = plan->options.uid,
		.gid = plan->options.gid,
		.in_cgroup = plan->options.flags & WEFT__CHILD_IN_CGROUP,
		.cgroup = plan->options.cgroup,
		.fds = { null, null, -1, plan->filter },
		.fd_count = 3 + plan->options.fd_count,
	};

	if (null < 0)
		return -errno;
	r = pipe2(ends, O_CLOEXEC) < 0 ? -errno : 0;
	if (r == 0) {
		spawn.fds[2] = ends[1];
		r = weft__spawn(&spawn, &t->pid, &t->pidfd);
		close(ends[1]);
		t->said = ends[0];
		if (r < 0)
			close(ends[0]);
	}
	close(null);
	return r;
}

static int trial_failed(const struct trial *t, int why, bool lacked, weft_error *err)
{
	if (lacked)
		return weft_error_set(err, -EINVAL, "memory_bytes is too little for any program to start");
	return weft_error_set(err, -EPERM,
	                      "no sandbox can be made here (are user namespaces forbidden?); allow it, or say 'unsandboxed' to run "
	                      "programs without walls%s%s", *t->text ? ": " : why == -ETIME ? ": the trial did not end" : "", t->text);
}

static int trial(const struct weft__walls *walls, weft_error *err)
{
	static const char *const nothing[] = { "/bin/true", NULL };
	struct weft__walls_plan plan;
	struct trial t = { .text = "" };
	bool lacked;
	int r = weft__walls_plan(walls, nothing, &plan);

	if (r < 0)
		return weft_error_set(err, r, "a program could not be prepared%s: %s", walls->cgroup ? " in its cgroup" : "",
		                      weft_strerror(r));
	r = trial_start(&t, &plan);
	weft__walls_plan_done(&plan);
	if (r < 0) {
		(void)weft__walls_left(walls, &plan.run);
		return weft_error_set(err, r, "a program could not be started%s: %s", walls->cgroup ? " in its cgroup" : "",
		                      weft_strerror(r));
	}
	r = trial_end(&t);
	close(t.said);
	lacked = weft__walls_left(walls, &plan.run);
	return r == 0 ? 0 : trial_failed(&t, r, lacked, err);
}

/* ---- create ------------------------------------------------------------------------------------ */

static void become_nobody(struct weft__walls *w, const struct weft__walls_options *o)
{
	bool root = geteuid() == 0;

	w->uid = o->uid ? o->uid : root && !o->unsandboxed ? NOBODY : 0;
	w->gid = o->gid ? o->gid : w->uid;
	if (w->uid)
		w->flags |= WEFT__CHILD_AS_USER;
	if (w->uid == geteuid())
		w->flags &= ~(uint32_t)WEFT__CHILD_AS_USER;
}

static int make_walls(struct weft__walls *w, const struct weft__walls_options *o, weft_error *err)
{
	const char *bwrap = find_bwrap(o->bwrap);
	int r;

	if (!bwrap)
		return weft_error_set(err, -ENOENT,
		                      "bubblewrap (bwrap) is not installed%s%s: install it, or say 'unsandboxed' to run "
		                      "programs without walls", o->bwrap ? " at " : "", o->bwrap ? o->bwrap : "");
	r = weft__filter_init(&w->filter);
	if (r == -ENOSYS)
		return weft_error_set(err, r, "this libweft was built without libseccomp (meson option 'seccomp'), so no "
		                              "sandbox can be made: say 'unsandboxed' to run programs without walls");
	if (r < 0)
		return weft_error_set(err, r, "the system call filter: %s", weft_strerror(r));
	make_front(&w->front, o, bwrap);
	return w->front.failed ? -ENOMEM : 0;
}

static int make_bare(struct weft__walls *w, const struct weft__walls_options *o)
{
	w->flags |= WEFT__CHILD_NO_NEW_PRIVS;
	if (!o->workspace)
		return 0;
	w->cwd = weft_strndup(o->workspace, strlen(o->workspace));
	return w->cwd ? 0 : -ENOMEM;
}

int weft__walls_create(const struct weft__walls_options *options, struct weft__walls **ret_walls, weft_error *err)
{
	struct weft__walls *w;
	int r = check_options(options, err);

	if (r == 0 && weft__sim_is_on())
		r = weft_error_set(err, -ENOSYS, "a simulated machine runs no programs");
	if (r < 0)
		return r;
	w = weft_calloc(1, sizeof(*w));
	if (!w)
		return weft_error_set(err, -ENOMEM, "out of memory");
	w->limits = options->limits;
	w->limits.processes = 0;
	become_nobody(w, options);
	make_env(&w->env, options);
	r = options->unsandboxed ? make_bare(w, options) : make_walls(w, options, err);
	if (r == 0 && w->env.failed)
		r = -ENOMEM;
	if (r == 0 && options->cgroup)
		r = weft__cgroup_open(options->cgroup, &options->all, &w->cgroup, err);
	if (r == 0 && (!options->unsandboxed || options->cgroup))
		r = trial(w, err);
	if (r < 0) {
		weft__walls_destroy(w);
		return r;
	}
	*ret_walls = w;
	return 0;
}

void weft__walls_destroy(struct weft__walls *walls)
{
	if (!walls)
		return;
	list_fini(&walls->front);
	list_fini(&walls->env);
	weft__filter_fini(&walls->filter);
	weft__cgroup_close(walls->cgroup);
	weft_free(walls->cwd);
	weft_free(walls);
}

/* ---- a program ----------------------------------------------------------------------------------- */

static int plan_filter(const struct weft__walls *walls, struct weft__walls_plan *plan)
{
	if (!walls->filter.bytes)
		return 0;
	plan->filter = weft__filter_open(&walls->filter);
	plan->options.fds = &plan->filter;
	plan->options.fd_count = 1;
	return plan->filter < 0 ? plan->filter : 0;
}

static int plan_cgroup(const struct weft__walls *walls, struct weft__walls_plan *plan)
{
	int r = walls->cgroup ? weft__cgroup_enter(walls->cgroup, &plan->run) : 0;

	if (!walls->cgroup || r < 0)
		return r;
	plan->options.flags |= WEFT__CHILD_IN_CGROUP;
	plan->options.cgroup = plan->run.procs;
	return 0;
}

int weft__walls_plan(const struct weft__walls *walls, const char *const *argv, struct weft__walls_plan *plan)
{
	uint32_t front = walls->front.count, count = 0;
	int r;

	while (argv[count])
		count++;
	*plan = (struct weft__walls_plan){ .filter = -1 };
	plan->argv = weft_malloc((front + count + 1) * sizeof(*plan->argv));
	if (!plan->argv)
		return -ENOMEM;
	for (uint32_t i = 0; i < front; i++)
		plan->argv[i] = walls->front.items[i];
	memcpy(plan->argv + front, argv, (count + 1) * sizeof(*argv));
	plan->options = (struct weft__child_options){
		.argv = plan->argv,
		.envp = (const char *const *)walls->env.items,
		.cwd = walls->cwd,
		.limits = walls->limits,
		.flags = walls->flags,
		.uid = walls->uid,
		.gid = walls->gid,
	};
	r = plan_filter(walls, plan);
	if (r == 0)
		r = plan_cgroup(walls, plan);
	if (r < 0)
		weft__walls_plan_done(plan);
	return r;
}

bool weft__walls_left(const struct weft__walls *walls, struct weft__cgroup_run *run)
{
	return walls->cgroup && weft__cgroup_leave(walls->cgroup, run);
}

void weft__walls_plan_done(struct weft__walls_plan *plan)
{
	weft_free(plan->argv);
	if (plan->filter >= 0)
		close(plan->filter);
	if (weft__cgroup_has(&plan->run))
		close(plan->run.procs);
}
