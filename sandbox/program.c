/* SPDX-License-Identifier: Apache-2.0 */
/* sandbox/program.c - one run of a program within its bounds; see program.h. */
#include "sandbox/program.h"

#include <errno.h>
#include <stddef.h>

#include "runtime/base/clock.h"

#define OVERDUE_NS 1000000000u
#define LOOK_NS 1000000u

static struct weft__program *program_of(struct weft__child *child)
{
	return child->user;
}

/* The first reason counts. */
static void end(struct weft__program *p, enum weft__program_end why, uint64_t grace_ns)
{
	if (p->end != WEFT__PROGRAM_EXITED)
		return;
	p->end = why;
	weft__child_end(&p->child, grace_ns);
}

static struct weft__program *timed_of(struct weft__alarm *alarm)
{
	return (struct weft__program *)((char *)alarm - offsetof(struct weft__program, wall));
}

/* It was killed long ago, or exited, and somebody who left its group goes on printing. */
static void on_overdue(struct weft__alarm *alarm)
{
	weft__child_close(&timed_of(alarm)->child);
}

/* Twice: when this thread had no processor for so long, the program may have ended in time, which the loop sees next. */
static void on_wall(struct weft__alarm *alarm)
{
	struct weft__program *p = timed_of(alarm);

	if (!p->late) {
		p->late = true;
		weft__loop_alarm(p->loop, alarm, weft_now_ns() + LOOK_NS, on_wall);
		return;
	}
	end(p, WEFT__PROGRAM_TIMED_OUT, p->grace_ns);
	weft__loop_alarm(p->loop, alarm, weft__after_ns(weft_now_ns() + OVERDUE_NS, p->grace_ns), on_overdue);
}

static void on_data(struct weft__child *child, int which, const uint8_t *bytes, size_t len)
{
	struct weft__program *p = program_of(child);

	(void)weft__capture_put(&p->kept[which - WEFT__CHILD_OUT], bytes, len); /* without memory it is counted */
	p->output_bytes += len;
	if (p->output)
		p->output(p, which, bytes, len);
	if (p->output_bytes_max && p->output_bytes > p->output_bytes_max) {
		end(p, WEFT__PROGRAM_TALKED_OUT, 0);
		weft__child_close(child); /* the rest of it is not read */
	}
}

static void on_exited(struct weft__child *child, const struct weft__child_exit *exit)
{
	struct weft__program *p = program_of(child);

	p->exit = *exit;
	p->wall_ns = weft_now_ns() - p->started_ns;
}

static void on_closed(struct weft__child *child)
{
	struct weft__program *p = program_of(child);

	weft__loop_alarm_off(p->loop, &p->wall);
	if (weft__walls_left(p->walls, &p->run) && p->end == WEFT__PROGRAM_EXITED && p->exit.signal)
		p->end = WEFT__PROGRAM_NO_MEMORY;
	p->done(p);
}

static const struct weft__child_fns child_fns = {
	.data = on_data,
	.exited = on_exited,
	.closed = on_closed,
};

/* One that does not take its input is not at fault: -EPIPE. -ENOBUFS and -ENOMEM are. */
static void give_input(struct weft__program *p, const struct weft__program_options *o)
{
	int r = o->in_len ? weft__child_send(&p->child, o->in, o->in_len) : 0;

	if (r < 0 && r != -EPIPE)
		end(p, WEFT__PROGRAM_CANCELED, 0);
	weft__child_finish(&p->child);
}

int weft__program_start(struct weft__loop *loop, struct weft__program *p, const struct weft__program_options *options)
{
	struct weft__walls_plan plan;
	int r = weft__walls_plan(options->walls, options->argv, &plan);

	if (r < 0)
		return r;
	p->end = WEFT__PROGRAM_EXITED;
	p->exit = (struct weft__child_exit){ 0 };
	p->child = (struct weft__child){ .fns = &child_fns, .user = p };
	p->loop = loop;
	p->walls = options->walls;
	p->run = plan.run;
	p->wall = (struct weft__alarm){ 0 };
	p->started_ns = weft_now_ns();
	p->grace_ns = options->grace_ns;
	p->output_bytes_max = options->output_bytes_max;
	p->output_bytes = 0;
	p->late = false;
	plan.options.flags |= options->in_len ? 0 : WEFT__CHILD_NO_IN;
	r = weft__child_spawn(loop, &p->child, &plan.options);
	weft__walls_plan_done(&plan);
	if (r < 0) {
		(void)weft__walls_left(p->walls, &p->run);
		return r;
	}
	weft__capture_init(&p->kept[0], options->keep_bytes);
	weft__capture_init(&p->kept[1], options->keep_bytes);
	give_input(p, options);
	if (options->wall_ns)
		weft__loop_alarm(loop, &p->wall, weft__after_ns(p->started_ns, options->wall_ns), on_wall);
	return 0;
}

void weft__program_cancel(struct weft__program *p)
{
	end(p, WEFT__PROGRAM_CANCELED, 0);
	weft__child_close(&p->child);
}

void weft__program_fini(struct weft__program *p)
{
	weft__capture_fini(&p->kept[0]);
	weft__capture_fini(&p->kept[1]);
}
