/* SPDX-License-Identifier: Apache-2.0 */
/*
 * runtime/io/child.c - a program on a loop: spawn.h starts it, three streams are its pipes, a pidfd its end.
 *
 * What has to be over before closed may come: the pidfd was told of the end, and each
 * stream is closed. Both happen inside a wait, in either order, and whichever is last calls
 * over(). Then the run is freed and the child is its owner's.
 */
#include "runtime/io/child.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include <weft/alloc.h>

#include "runtime/base/assert.h"
#include "runtime/base/clock.h"
#include "runtime/base/sim.h"
#include "runtime/io/spawn.h"
#include "runtime/io/stream.h"

#define PIPES 3
#define FLAGS_ALL (WEFT__CHILD_NO_IN | WEFT__CHILD_NO_OUT | WEFT__CHILD_NO_ERR | WEFT__CHILD_ERR_TO_OUT | \
                   WEFT__CHILD_NO_NEW_PRIVS | WEFT__CHILD_AS_USER | WEFT__CHILD_IN_CGROUP)
#define AGAIN_NS 1000000u      /* until the kernel is asked again for what it had no room for */
#define ABANDON_NS 1500000000u /* a loop that retires waits so long for a killed program to be gone */

struct child_pipe {
	struct weft__stream stream; /* first: the pipe is found by it */
	struct weft__child_run *run;
	int refused; /* < 0: it could not be had, and this is why; told at the end */
	bool live;   /* the stream is not closed yet */
	bool paused;
};

struct weft__child_run {
	struct weft__child *child; /* the owner's */
	struct weft__loop *loop;
	struct weft__resident resident;
	struct child_pipe pipes[PIPES];
	struct weft__io ended; /* a poll of pidfd */
	struct weft__alarm again, grace, linger, abandon;
	uint64_t linger_ns;
	int pidfd; /* owned */
	bool exited, closing, abandoned;
	bool looked; /* the linger is over, and what has come meanwhile is looked at once more */
	bool retiring; /* the loop waits for what is in flight, and for no alarm */
};

static struct weft__child_run *run_of(void *member, size_t offset)
{
	return (struct weft__child_run *)((char *)member - offset);
}
#define RUN_OF(ptr, member) run_of(ptr, offsetof(struct weft__child_run, member))

static int which_of(const struct child_pipe *pipe)
{
	return (int)(pipe - pipe->run->pipes);
}

static void alarm_in(struct weft__child_run *run, struct weft__alarm *alarm, uint64_t ns,
                     void (*fn)(struct weft__alarm *alarm))
{
	weft__loop_alarm(run->loop, alarm, weft_now_ns() + ns, fn);
}

static void signal_group(struct weft__child_run *run, int signal)
{
	(void)weft__spawn_signal(run->child->pid, run->pidfd, signal);
}

/* ---- the end ----------------------------------------------------------------------- */

static void run_free(struct weft__child_run *run)
{
	weft__loop_alarm_off(run->loop, &run->again);
	weft__loop_alarm_off(run->loop, &run->grace);
	weft__loop_alarm_off(run->loop, &run->linger);
	weft__loop_alarm_off(run->loop, &run->abandon);
	weft__loop_detach(run->loop, &run->resident);
	if (run->pidfd >= 0)
		close(run->pidfd);
	weft_free(run);
}

/* Is it over? Then the last call: run and perhaps the child are gone afterwards. */
static void over(struct weft__child_run *run)
{
	struct weft__child *child = run->child;

	if (!run->exited || run->pipes[0].live || run->pipes[1].live || run->pipes[2].live)
		return;
	run_free(run);
	child->run = NULL;
	child->pid = 0;
	child->fns->closed(child);
}

static void pipe_close(struct child_pipe *pipe)
{
	if (pipe->live)
		weft__stream_close(&pipe->stream);
}

static void tell_end(struct child_pipe *pipe, int status)
{
	struct weft__child *child = pipe->run->child;

	if (!pipe->run->closing && child->fns->end)
		child->fns->end(child, which_of(pipe), status);
}

/*
 * Nobody of the group is left, but a pipe is still open: somebody who left the group has it. Or this thread had no
 * processor for so long, and what was printed waits to be read: so there is another turn of the loop first.
 */
static void on_linger(struct weft__alarm *alarm)
{
	struct weft__child_run *run = RUN_OF(alarm, linger);

	if (!run->looked) {
		run->looked = true;
		alarm_in(run, alarm, AGAIN_NS, on_linger);
		return;
	}
	for (int which = WEFT__CHILD_OUT; which <= WEFT__CHILD_ERR; which++) {
		struct child_pipe *pipe = &run->pipes[which];

		if (!pipe->live || pipe->paused)
			continue;
		pipe_close(pipe);
		tell_end(pipe, -ETIMEDOUT);
	}
}

static void tell_exit(struct weft__child_run *run, const struct weft__child_exit *exit)
{
	run->exited = true;
	weft__loop_alarm_off(run->loop, &run->grace);
	pipe_close(&run->pipes[WEFT__CHILD_IN]);
	for (int which = WEFT__CHILD_OUT; which <= WEFT__CHILD_ERR; which++) {
		if (run->pipes[which].refused < 0)
			tell_end(&run->pipes[which], run->pipes[which].refused);
	}
	alarm_in(run, &run->linger, run->linger_ns, on_linger);
	run->child->fns->exited(run->child, exit);
	over(run);
}

static void watch(struct weft__child_run *run);

static void on_again(struct weft__alarm *alarm)
{
	watch(RUN_OF(alarm, again));
}

/* A pidfd may tell of an end a moment before there is something to reap. */
static void watch_again(struct weft__child_run *run)
{
	if (run->retiring)
		watch(run); /* at once, so that something is in flight */
	else
		alarm_in(run, &run->again, AGAIN_NS, on_again);
}

static void on_ended(struct weft__io *io)
{
	struct weft__child_run *run = RUN_OF(io, ended);
	struct weft__child_exit exit = { 0 };

	if (run->abandoned) {
		tell_exit(run, &exit);
		return;
	}
	/*
	 * The rest of the group goes before its leader is reaped: until then the number can be nobody else's.
	 */
	if (io->result > 0)
		signal_group(run, SIGKILL);
	if (io->result <= 0 || weft__spawn_reap(run->pidfd, &exit) < 0)
		watch_again(run);
	else
		tell_exit(run, &exit);
}

static void watch(struct weft__child_run *run)
{
	run->ended = (struct weft__io){
		.done = on_ended, .op = WEFT__IO_POLL, .fd = run->pidfd, .poll_events = POLLIN
	};
	if (weft__loop_submit(run->loop, &run->ended) < 0)
		alarm_in(run, &run->again, AGAIN_NS, on_again);
}

/* A killed program that does not go (it waits for a disk, say): the loop may not wait with it. */
static void on_abandon(struct weft__alarm *alarm)
{
	struct weft__child_run *run = RUN_OF(alarm, abandon);
	struct weft__child_exit nothing = { 0 };

	if (run->exited)
		return;
	run->abandoned = true;
	if (weft__alarm_is_on(&run->again)) { /* nothing is in flight */
		tell_exit(run, &nothing);
	} else if (weft__loop_cancel(run->loop, &run->ended) < 0) {
		alarm_in(run, &run->abandon, AGAIN_NS, on_abandon);
	}
}

static void on_retire(struct weft__resident *resident)
{
	struct weft__child_run *run = RUN_OF(resident, resident);

	run->retiring = true;
	weft__child_close(run->child);
	if (weft__alarm_is_on(&run->again)) {
		weft__loop_alarm_off(run->loop, &run->again);
		watch(run);
	}
	alarm_in(run, &run->abandon, ABANDON_NS, on_abandon);
}

/* ---- the pipes ------------------------------------------------------------------------ */

static void on_data(struct weft__stream *s, const uint8_t *bytes, size_t len)
{
	struct child_pipe *pipe = (struct child_pipe *)s;
	struct weft__child_run *run = pipe->run;

	run->looked = false;
	if (run->exited)
		alarm_in(run, &run->linger, run->linger_ns, on_linger);
	run->child->fns->data(run->child, which_of(pipe), bytes, len);
}

/* A program that does not read its input may be well: that pipe ends in silence. */
static void on_end(struct weft__stream *s, int status)
{
	struct child_pipe *pipe = (struct child_pipe *)s;

	pipe_close(pipe);
	if (which_of(pipe) != WEFT__CHILD_IN)
		tell_end(pipe, status);
}

static void on_drained(struct weft__stream *s)
{
	struct weft__child *child = ((struct child_pipe *)s)->run->child;

	if (child->fns->drained)
		child->fns->drained(child);
}

static void on_closed(struct weft__stream *s)
{
	struct child_pipe *pipe = (struct child_pipe *)s;

	pipe->live = false;
	over(pipe->run);
}

static const struct weft__stream_fns pipe_fns = {
	.data = on_data,
	.end = on_end,
	.drained = on_drained,
	.closed = on_closed,
};

/* ---- spawn ------------------------------------------------------------------------------- */

/* The two ends of each pipe while a child is made; all CLOEXEC, -1: none. */
struct ends {
	int ours[PIPES], theirs[PIPES];
	int null;
};

static void ends_close(struct ends *e)
{
	for (int i = 0; i < PIPES; i++) {
		if (e->ours[i] >= 0)
			close(e->ours[i]);
		if (e->theirs[i] >= 0)
			close(e->theirs[i]);
	}
	if (e->null >= 0)
		close(e->null);
}

/* Ours never blocks the loop; theirs blocks, as programs expect. */
static int pipe_open(struct ends *e, int which)
{
	int fds[2], ours = which == WEFT__CHILD_IN ? 1 : 0;

	if (pipe2(fds, O_CLOEXEC) < 0)
		return -errno;
	e->ours[which] = fds[ours];
	e->theirs[which] = fds[!ours];
	return fcntl(fds[ours], F_SETFL, O_NONBLOCK) < 0 ? -errno : 0;
}

static int ends_open(struct ends *e, uint32_t flags)
{
	static const uint32_t without[PIPES] = {
		WEFT__CHILD_NO_IN, WEFT__CHILD_NO_OUT, WEFT__CHILD_NO_ERR | WEFT__CHILD_ERR_TO_OUT
	};
	int r = 0;

	*e = (struct ends){ { -1, -1, -1 }, { -1, -1, -1 }, -1 };
	for (int i = 0; r == 0 && i < PIPES; i++) {
		if (!(flags & without[i]))
			r = pipe_open(e, i);
	}
	if (r == 0 && (flags & (WEFT__CHILD_NO_IN | WEFT__CHILD_NO_OUT | WEFT__CHILD_NO_ERR))) {
		e->null = open("/dev/null", O_RDWR | O_CLOEXEC);
		r = e->null < 0 ? -errno : 0;
	}
	return r;
}

static bool is_valid(const struct weft__child *child, const struct weft__child_options *o)
{
	return child && child->fns && child->fns->data && child->fns->exited && child->fns->closed && o && o->argv &&
	       o->argv[0] && !(o->flags & ~FLAGS_ALL) && o->fd_count <= WEFT__CHILD_FDS_MAX && (o->fds || !o->fd_count);
}

static int start(struct weft__child_run *run, const struct weft__child_options *o, const struct ends *e)
{
	struct weft__spawn plan = {
		.argv = o->argv,
		.envp = o->envp,
		.cwd = o->cwd,
		.limits = o->limits,
		.no_new_privs = o->flags & WEFT__CHILD_NO_NEW_PRIVS,
		.as_user = o->flags & WEFT__CHILD_AS_USER,
		.in_cgroup = o->flags & WEFT__CHILD_IN_CGROUP,
		.cgroup = o->cgroup,
		.uid = o->uid,
		.gid = o->gid,
		.fd_count = PIPES + o->fd_count,
	};

	for (int i = 0; i < PIPES; i++)
		plan.fds[i] = e->theirs[i] >= 0 ? e->theirs[i] : e->null;
	if (o->flags & WEFT__CHILD_ERR_TO_OUT)
		plan.fds[WEFT__CHILD_ERR] = plan.fds[WEFT__CHILD_OUT];
	for (uint32_t i = 0; i < o->fd_count; i++)
		plan.fds[PIPES + i] = o->fds[i];
	return weft__spawn(&plan, &run->child->pid, &run->pidfd);
}

/* The program runs. A pipe that cannot be had now costs it its life, and that is told in order: end, exited, closed. */
static void take_pipe(struct weft__child_run *run, int which, int *fd)
{
	struct child_pipe *pipe = &run->pipes[which];
	bool in = which == WEFT__CHILD_IN;
	int r;

	if (*fd < 0)
		return;
	r = weft__stream_adopt(run->loop, &pipe->stream, in ? -1 : *fd, in ? *fd : -1);
	if (r < 0) {
		pipe->refused = r;
		signal_group(run, SIGKILL);
		return;
	}
	pipe->live = true;
	*fd = -1;
}

static int child_start(struct weft__child_run *run, const struct weft__child_options *o)
{
	struct ends e;
	int r = ends_open(&e, o->flags);

	if (r == 0)
		r = start(run, o, &e);
	if (r == 0) {
		for (int i = 0; i < PIPES; i++)
			take_pipe(run, i, &e.ours[i]);
		watch(run);
	}
	ends_close(&e);
	return r;
}

int weft__child_spawn(struct weft__loop *loop, struct weft__child *child, const struct weft__child_options *options)
{
	struct weft__child_run *run;
	int r;

	WEFT_RETURN_IF(!is_valid(child, options), -EINVAL);
	if (weft__sim_is_on())
		return -ENOSYS;
	run = weft_calloc(1, sizeof(*run));
	if (!run)
		return -ENOMEM;
	run->child = child;
	run->loop = loop;
	run->pidfd = -1;
	run->linger_ns = options->linger_ns ? options->linger_ns : WEFT__CHILD_LINGER_NS;
	run->resident.close = on_retire;
	for (int i = 0; i < PIPES; i++) {
		run->pipes[i].run = run;
		run->pipes[i].stream.fns = &pipe_fns;
	}
	run->pipes[WEFT__CHILD_IN].stream.unsent_max = options->unsent_bytes_max ? options->unsent_bytes_max
	                                                                          : WEFT__CHILD_UNSENT_MAX;
	r = weft__loop_attach(loop, &run->resident);
	if (r == 0)
		r = child_start(run, options);
	if (r < 0) {
		run_free(run);
		return r;
	}
	child->run = run;
	return 0;
}

/* ---- while it runs ------------------------------------------------------------------------- */

int weft__child_send(struct weft__child *child, const void *bytes, size_t len)
{
	WEFT_RETURN_IF(!child->run, -ESRCH);
	if (!child->run->pipes[WEFT__CHILD_IN].live)
		return -EPIPE;
	return weft__stream_send(&child->run->pipes[WEFT__CHILD_IN].stream, bytes, len);
}

size_t weft__child_unsent(const struct weft__child *child)
{
	if (!child->run || !child->run->pipes[WEFT__CHILD_IN].live)
		return 0;
	return weft__stream_unsent(&child->run->pipes[WEFT__CHILD_IN].stream);
}

void weft__child_finish(struct weft__child *child)
{
	if (child->run && child->run->pipes[WEFT__CHILD_IN].live)
		weft__stream_finish(&child->run->pipes[WEFT__CHILD_IN].stream);
}

void weft__child_pause(struct weft__child *child, int which, bool paused)
{
	struct weft__child_run *run = child->run;

	WEFT_ASSERT(which == WEFT__CHILD_OUT || which == WEFT__CHILD_ERR);
	if (!run || !run->pipes[which].live)
		return;
	run->pipes[which].paused = paused;
	weft__stream_pause(&run->pipes[which].stream, paused);
	run->looked = false;
	if (run->exited && !paused)
		alarm_in(run, &run->linger, run->linger_ns, on_linger);
}

int weft__child_kill(struct weft__child *child, int signal)
{
	WEFT_RETURN_IF(signal < 1 || signal > 64, -EINVAL);
	if (!child->run || child->run->exited)
		return -ESRCH;
	return weft__spawn_signal(child->pid, child->run->pidfd, signal);
}

static void on_grace(struct weft__alarm *alarm)
{
	signal_group(RUN_OF(alarm, grace), SIGKILL);
}

void weft__child_end(struct weft__child *child, uint64_t grace_ns)
{
	struct weft__child_run *run = child->run;

	if (!run || run->exited)
		return;
	if (!grace_ns) {
		signal_group(run, SIGKILL);
		return;
	}
	signal_group(run, SIGTERM);
	signal_group(run, SIGCONT); /* one that is stopped could not heed it */
	alarm_in(run, &run->grace, grace_ns, on_grace);
}

void weft__child_close(struct weft__child *child)
{
	struct weft__child_run *run = child->run;

	if (!run || run->closing)
		return;
	run->closing = true;
	if (!run->exited)
		signal_group(run, SIGKILL);
	for (int i = 0; i < PIPES; i++)
		pipe_close(&run->pipes[i]);
}
