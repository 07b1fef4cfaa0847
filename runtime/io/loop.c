/* SPDX-License-Identifier: Apache-2.0 */
/*
 * runtime/io/loop.c - choose a back end, check arguments, call it; alarms, residents, and the end. See loop.h.
 *
 * One turn of a loop: jobs, alarms that are due, then the back end, which sleeps until a completion, a wake or the
 * next alarm; then the jobs and alarms that ended the sleep.
 */
#include "runtime/io/loop.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <weft/alloc.h>

#include "runtime/base/clock.h"
#include "runtime/base/log.h"
#include "runtime/base/probe.h"
#include "runtime/base/sim.h"
#include "runtime/io/backend.h"

#define RETIRE_NS_MAX 2000000000u
#define RETIRE_STEP_NS 50000000u
#define ALARMS_MAX 256u /* run or filed again at a turn */

static weft_io_backend from_environment(weft_io_backend want, const char **ret_why)
{
	const char *text = secure_getenv("WEFT_IO");

	if (!text || !*text)
		return want;
	if (strcmp(text, "uring") == 0) {
		*ret_why = "WEFT_IO asks for it";
		return WEFT_IO_URING;
	}
	if (strcmp(text, "epoll") == 0) {
		*ret_why = "WEFT_IO asks for it";
		return WEFT_IO_EPOLL;
	}
	*ret_why = "WEFT_IO is neither uring nor epoll: ignored";
	return want;
}

static const char *why_not_uring(int error)
{
	switch (error) {
	case -EPERM:
	case -EACCES:
		return "io_uring is forbidden here";
	case -ENOSYS:
		return "io_uring is not there: old kernel, or left out of this build";
	case -EOPNOTSUPP:
	case -EINVAL:
		return "this kernel's io_uring is too old";
	case -ENOMEM:
		return "no memory for io_uring (RLIMIT_MEMLOCK?)";
	case -EMFILE:
	case -ENFILE:
		return "no descriptor left for io_uring";
	case -ETIME:
		return "io_uring failed its self-test";
	default:
		return "io_uring could not be set up";
	}
}

/*
 * A write to a pipe or socket that nobody reads is a result, -EPIPE. The kernel
 * would also kill the host for it, by a signal to the thread that writes: this one.
 * And it adds 50 us to every timeout unless a thread says that it minds.
 */
static void prepare_thread(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGPIPE);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	prctl(PR_SET_TIMERSLACK, 1000UL, 0UL, 0UL, 0UL);
}

int weft__loop_open(weft_io_backend want, struct weft__loop **ret_loop, const char **ret_why)
{
	const char *why = want == WEFT_IO_AUTO ? "works here" : "asked for by the host";
	int r = -ENOSYS;

	WEFT_RETURN_IF(!ret_loop || (unsigned)want > WEFT_IO_EPOLL, -EINVAL);
	if (weft__sim_is_on()) {
		if (ret_why)
			*ret_why = "the machine is simulated";
		return weft__simio_open(ret_loop);
	}
	want = from_environment(want, &why);
	prepare_thread();
	if (want != WEFT_IO_EPOLL) {
		r = weft__uring_open(ret_loop);
		if (r < 0)
			why = why_not_uring(r);
	}
	if (r < 0)
		r = weft__epoll_open(ret_loop);
	if (r == 0 && ret_why)
		*ret_why = why;
	return r;
}

void *weft__loop_alloc(size_t bytes, const struct weft__loop_ops *ops)
{
	size_t rounded = (bytes + WEFT_CACHELINE - 1) & ~(size_t)(WEFT_CACHELINE - 1);
	struct weft__loop *loop = weft_aligned_alloc(WEFT_CACHELINE, rounded);

	if (!loop)
		return NULL;
	memset(loop, 0, rounded);
	loop->ops = ops;
	loop->thread = (uintptr_t)pthread_self();
	loop->later_end = &loop->later_first;
	loop->alarm_due_ns = UINT64_MAX;
	weft__wheel_init(&loop->wheel, weft_now_ns());
	return loop;
}

void weft__loop_set_log(struct weft__loop *loop, const struct weft__log *log)
{
	loop->log = log;
}

const struct weft__log *weft__loop_log(const struct weft__loop *loop)
{
	return loop->log;
}

bool weft__loop_is_mine(const struct weft__loop *loop)
{
	return loop->thread == (uintptr_t)pthread_self();
}

/* ---- residents, and the end ------------------------------------------------------ */

int weft__loop_attach(struct weft__loop *loop, struct weft__resident *resident)
{
	WEFT_ASSERT(weft__loop_is_mine(loop) && resident->close);
	if (loop->residents_asked)
		return -ESHUTDOWN;
	resident->next = loop->residents;
	loop->residents = resident;
	return 0;
}

void weft__loop_detach(struct weft__loop *loop, struct weft__resident *resident)
{
	struct weft__resident **at = &loop->residents;

	WEFT_ASSERT(weft__loop_is_mine(loop));
	while (*at && *at != resident)
		at = &(*at)->next;
	if (*at)
		*at = resident->next;
}

struct weft__resident *weft__loop_find(struct weft__loop *loop, const void *key)
{
	struct weft__resident *r = loop->residents;

	WEFT_ASSERT(weft__loop_is_mine(loop));
	while (r && (!key || r->key != key))
		r = r->next;
	return r;
}

static void close_residents(struct weft__loop *loop)
{
	struct weft__resident *r;

	loop->residents_asked = true;
	while ((r = loop->residents)) {
		loop->residents = r->next;
		r->close(r);
	}
}

/*
 * What was posted may still start something, so that comes first; what residents leave behind ends by completions.
 * False: not all of it did.
 */
static bool wind_up(struct weft__loop *loop)
{
	uint64_t end_ns;

	weft__posts_close(loop);
	close_residents(loop);
	end_ns = weft_now_ns() + RETIRE_NS_MAX;
	while ((weft__loop_in_flight(loop) || loop->later_first) && weft_now_ns() < end_ns)
		weft__loop_wait(loop, RETIRE_STEP_NS);
	WEFT_ASSERT(weft__loop_in_flight(loop) == 0);
	return weft__loop_in_flight(loop) == 0;
}

void weft__loop_retire(struct weft__loop *loop)
{
	if (loop->retired)
		return;
	WEFT_ASSERT(weft__loop_is_mine(loop));
	if (!wind_up(loop))
		weft__log(loop->log, WEFT_LOG_ERROR, "io: %u operations outlive their loop: it is left to them",
		          weft__loop_in_flight(loop));
	else if (loop->ops->retire)
		loop->ops->retire(loop);
	loop->retired = true;
}

void weft__loop_close(struct weft__loop *loop)
{
	if (!loop)
		return;
	weft__loop_retire(loop);
	/* Neither memory nor descriptors are taken from what is still in flight: they stay until the process ends. */
	if (weft__loop_in_flight(loop) == 0)
		loop->ops->close(loop);
}

const char *weft__loop_name(const struct weft__loop *loop)
{
	return loop->ops->name;
}

static bool is_valid(const struct weft__io *io)
{
	bool many = io && (io->flags & WEFT__IO_MANY);

	if (!io || !io->done || io->op >= WEFT__IO_OPS)
		return false;
	switch (io->op) {
	case WEFT__IO_RECV:
		return many || io->buf || io->len_bytes == 0;
	case WEFT__IO_ACCEPT:
		return true;
	case WEFT__IO_READ:
	case WEFT__IO_WRITE:
	case WEFT__IO_SEND:
		return !many && (io->buf || io->len_bytes == 0);
	case WEFT__IO_CONNECT:
	case WEFT__IO_OPENAT:
		return !many && io->buf;
	default:
		return !many;
	}
}

int weft__loop_submit(struct weft__loop *loop, struct weft__io *io)
{
	int r;

	WEFT_RETURN_IF(!is_valid(io), -EINVAL);
	WEFT_RETURN_IF(!weft__loop_is_mine(loop), -EPERM);
	WEFT_RETURN_IF(io->state != WEFT__IO_IDLE, -EALREADY);
	if (io->op == WEFT__IO_SEND)
		io->offset = 0;
	r = loop->ops->submit(loop, io);
	if (r < 0)
		return r;
	WEFT_ASSERT(io->state != WEFT__IO_IDLE);
	weft__count(&loop->in_flight, 1u);
	WEFT_PROBE3(io__submit, io, io->op, io->fd);
	return 0;
}

int weft__loop_cancel(struct weft__loop *loop, struct weft__io *io)
{
	WEFT_RETURN_IF(!io, -EINVAL);
	WEFT_RETURN_IF(!weft__loop_is_mine(loop), -EPERM);
	WEFT_RETURN_IF(io->state == WEFT__IO_IDLE, -ENOENT);
	return loop->ops->cancel(loop, io);
}

uint32_t weft__loop_in_flight(const struct weft__loop *loop)
{
	return weft__load_relaxed(&loop->in_flight); /* relaxed: single writer, and statistics */
}

/* ---- alarms ------------------------------------------------------------------------ */

void weft__loop_alarm(struct weft__loop *loop, struct weft__alarm *alarm, uint64_t due_ns,
                      void (*fn)(struct weft__alarm *alarm))
{
	uint64_t tick_ns;

	WEFT_ASSERT(weft__loop_is_mine(loop) && fn);
	weft__wheel_cancel(&loop->wheel, &alarm->timer);
	alarm->fn = fn;
	weft__wheel_add(&loop->wheel, &alarm->timer, due_ns);
	tick_ns = alarm->timer.due_tick << WEFT__WHEEL_TICK_SHIFT;
	if (tick_ns >= due_ns && tick_ns < loop->alarm_due_ns) /* else it lies beyond the end of time */
		loop->alarm_due_ns = tick_ns;
}

void weft__loop_alarm_off(struct weft__loop *loop, struct weft__alarm *alarm)
{
	WEFT_ASSERT(weft__loop_is_mine(loop));
	weft__wheel_cancel(&loop->wheel, &alarm->timer);
}

static void alarm_due(struct weft__timer *timer, void *user)
{
	struct weft__alarm *alarm = (struct weft__alarm *)timer;

	(void)user;
	alarm->fn(alarm);
}

/* Run those that are due. Returns how many; *ret_left_ns: until the next. */
static int run_alarms(struct weft__loop *loop, uint64_t *ret_left_ns)
{
	uint64_t now, ran = 0;

	*ret_left_ns = UINT64_MAX;
	if (!loop->wheel.armed)
		return 0;
	now = weft_now_ns();
	if (now >= loop->alarm_due_ns) {
		uint64_t left_ns;

		ran = weft__wheel_advance(&loop->wheel, now, ALARMS_MAX, alarm_due, NULL);
		left_ns = weft__wheel_next_ns(&loop->wheel, now);
		loop->alarm_due_ns = left_ns > UINT64_MAX - now ? UINT64_MAX : now + left_ns;
	}
	*ret_left_ns = loop->alarm_due_ns > now ? loop->alarm_due_ns - now : 0;
	return (int)ran;
}

/* ---- waiting ------------------------------------------------------------------------- */

int weft__loop_wait(struct weft__loop *loop, uint64_t timeout_ns)
{
	uint64_t alarm_ns;
	int count;

	WEFT_ASSERT(weft__loop_is_mine(loop));
	count = weft__posts_run(loop);
	count += run_alarms(loop, &alarm_ns);
	if (alarm_ns < timeout_ns)
		timeout_ns = alarm_ns;
	if (count > 0 || timeout_ns == 0 || !weft__posts_fall_asleep(loop))
		return count + loop->ops->wait(loop, 0);
	count = loop->ops->wait(loop, timeout_ns);
	weft__posts_wake_up(loop);
	count += weft__posts_run(loop);
	return count + run_alarms(loop, &alarm_ns);
}

bool weft__loop_has_work(const struct weft__loop *loop)
{
	return weft__loop_in_flight(loop) > 0 || loop->wheel.armed || weft__posts_any(loop);
}

bool weft__loop_peek(const struct weft__loop *loop)
{
	return weft__posts_any(loop) || (loop->ops->peek && weft__loop_in_flight(loop) && loop->ops->peek(loop));
}

void weft__loop_wake(struct weft__loop *loop)
{
	uint64_t one = 1;
	ssize_t n;

	if (loop->ops->wake) {
		loop->ops->wake(loop);
		return;
	}
	do {
		n = write(loop->wake_fd, &one, sizeof(one));
	} while (n < 0 && errno == EINTR); /* EAGAIN: so many wakes are pending that one more adds nothing */
}

void weft__loop_wake_in(struct weft__loop *loop, uint64_t span_ns)
{
	struct itimerspec at = { .it_value = { .tv_sec = (time_t)(span_ns / 1000000000u), .tv_nsec = (long)(span_ns % 1000000000u) } };

	WEFT_ASSERT(span_ns > 0); /* 0 would disarm it */
	if (loop->ops->wake_in)
		loop->ops->wake_in(loop, span_ns);
	else
		timerfd_settime(loop->timer_fd, 0, &at, NULL); /* cannot fail: a timerfd, and a time */
}

int weft__loop_fds_open(struct weft__loop *loop, int flags)
{
	int r;

	loop->wake_fd = eventfd(0, EFD_CLOEXEC | flags);
	if (loop->wake_fd < 0)
		return -errno;
	loop->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (loop->timer_fd >= 0)
		return 0;
	r = -errno;
	close(loop->wake_fd);
	return r;
}

void weft__loop_fds_close(struct weft__loop *loop)
{
	close(loop->wake_fd);
	close(loop->timer_fd);
}

void weft__loop_timer_seen(struct weft__loop *loop)
{
	uint64_t count;

	if (read(loop->timer_fd, &count, sizeof(count)) < 0)
		return; /* EAGAIN: it was set again meanwhile; EINTR: it stays readable */
}

#ifndef WEFT_HAVE_URING
int weft__uring_open(struct weft__loop **ret_loop)
{
	(void)ret_loop;
	return -ENOSYS;
}
#endif
