/* SPDX-License-Identifier: Apache-2.0 */
/*
 * runtime/flight.c - reading the flight recorder: weft/flight.h. As events, and as text from a signal handler.
 *
 * On the way of weft_flight_dump nothing is called but write(2) and clock_gettime(2), and only what atomics
 * and this thread's own variables hold is looked at.
 */
#include <weft/flight.h>

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include <weft/metrics.h>

#include "runtime/actor/core.h"
#include "runtime/base/clock.h"

static uint32_t lane_count(const struct weft_runtime *rt)
{
	return rt->sched.worker_count + rt->sched.guest_count;
}

const char *weft_flight_kind_name(uint32_t kind)
{
	static const char *const names[] = {
		[WEFT_FLIGHT_PARK] = "park",   [WEFT_FLIGHT_UNPARK] = "unpark",   [WEFT_FLIGHT_WAKE] = "wake",
		[WEFT_FLIGHT_STEAL] = "steal", [WEFT_FLIGHT_FAIL] = "fail",       [WEFT_FLIGHT_RESTART] = "restart",
		[WEFT_FLIGHT_MUTE] = "mute",   [WEFT_FLIGHT_SPAWN] = "spawn",     [WEFT_FLIGHT_END] = "end",
		[WEFT_FLIGHT_RUN] = "run",     [WEFT_FLIGHT_DONE] = "done",       [WEFT_FLIGHT_TIMER] = "timer",
	};

	return kind < sizeof(names) / sizeof(names[0]) && names[kind] ? names[kind] : "?";
}

/* ---- as events --------------------------------------------------------------------------- */

/* How many events there are that a read would deliver, about. */
static uint64_t events_there(const struct weft__flight_merge *m)
{
	uint64_t n = 0;

	for (uint32_t i = m->first; i < m->end; i++)
		n += weft__flight_next(&m->flights[i]) - m->at[i];
	return n;
}

int weft_flight_read(const weft_runtime *rt, uint32_t lane, weft_flight_event *events, uint32_t max)
{
	struct weft__flight_merge merge;
	struct weft__flight_record r;
	uint32_t first = lane == WEFT_LANE_ALL ? 0 : lane, from, n = 0;
	uint64_t there, now_ns, ns, last_ns = 0;

	WEFT_RETURN_IF(!rt || (!events && max) || max > INT32_MAX, -EINVAL);
	WEFT_RETURN_IF(lane != WEFT_LANE_ALL && lane >= lane_count(rt), -EINVAL);
	WEFT_RETURN_IF(!rt->sched.flights, -ENODATA);
	weft__flight_merge_begin(&merge, rt->sched.flights, first, lane == WEFT_LANE_ALL ? lane_count(rt) : lane + 1);
	now_ns = weft_now_ns();
	there = events_there(&merge);
	while (n < max && weft__flight_merge_next(&merge, &from, &r)) {
		if (there-- > max) /* older than what there is room for */
			continue;
		ns = now_ns - weft__tsc_to_ns(merge.until - r.ticks);
		if (ns < last_ns) /* another thread calibrated the clock in between */
			ns = last_ns;
		last_ns = ns;
		events[n++] = (weft_flight_event){ .timestamp_ns = ns,
			                           .lane = from,
			                           .kind = r.kind,
			                           .actor = { r.actor },
			                           .arg = r.arg,
			                           .other = r.other };
	}
	return (int)n;
}

/* ---- as text -------------------------------------------------------------------------------- */

struct line {
	char text[192]; /* longer than the longest */
	uint32_t len;
};

static void put_text(struct line *l, const char *text, uint32_t width)
{
	uint32_t n = 0;

	for (; text[n] && l->len < sizeof(l->text); n++)
		l->text[l->len++] = text[n];
	for (; n < width && l->len < sizeof(l->text); n++)
		l->text[l->len++] = ' ';
}

static void put_number(struct line *l, uint64_t value, uint32_t base, uint32_t width)
{
	char digits[24];
	uint32_t at = sizeof(digits) - 1;

	digits[at] = '\0';
	do {
		digits[--at] = "0123456789abcdef"[value % base];
		value /= base;
	} while (value);
	while (at > 0 && sizeof(digits) - 1 - at < width)
		digits[--at] = ' ';
	put_text(l, digits + at, 0);
}

static void put_signed(struct line *l, int64_t value)
{
	if (value < 0)
		put_text(l, "-", 0);
	put_number(l, value < 0 ? -(uint64_t)value : (uint64_t)value, 10, 0);
}

static void put_lane(struct line *l, const struct weft_runtime *rt, uint32_t lane)
{
	bool guest = lane >= rt->sched.worker_count;

	put_text(l, guest ? "guest " : "worker ", 7);
	put_number(l, guest ? lane - rt->sched.worker_count : lane, 10, 0);
}

static int line_write(struct line *l, int fd)
{
	uint32_t at = 0;

	while (l->len && l->text[l->len - 1] == ' ') /* a column that nothing stands behind */
		l->len--;
	put_text(l, "\n", 0);
	l->text[l->len - 1] = '\n'; /* also where a long name has filled the line */
	while (at < l->len) {
		ssize_t n = write(fd, l->text + at, l->len - at);

		if (n < 0 && errno != EINTR)
			return -errno;
		at += n > 0 ? (uint32_t)n : 0;
	}
	l->len = 0;
	return 0;
}

static int dump_head(const struct weft_runtime *rt, struct line *l, int fd)
{
	const struct weft__worker *self = weft__self;

	put_text(l, "weft flight recorder, runtime ", 0);
	put_number(l, rt->slot, 10, 0);
	put_text(l, "; this thread is ", 0);
	if (!self || self->rt != rt)
		put_text(l, "none of its", 0);
	else
		put_lane(l, rt, self->id);
	if (self && self->rt == rt && self->actor) {
		put_text(l, ", runs actor 0x", 0);
		put_number(l, self->actor->ref_id, 16, 0);
		put_text(l, " of class ", 0);
		put_text(l, self->actor->cls->name ? self->actor->cls->name : "?", 0);
	}
	return line_write(l, fd);
}

static void put_record(struct line *l, const struct weft_runtime *rt, uint32_t lane,
                       const struct weft__flight_record *r, uint64_t until)
{
	put_number(l, weft__tsc_to_ns(until - r->ticks), 10, 14);
	put_text(l, " ns ago  ", 0);
	put_lane(l, rt, lane);
	put_text(l, "  ", 0);
	put_text(l, weft_flight_kind_name(r->kind), 8);
	if (r->actor) {
		put_text(l, " actor 0x", 0);
		put_number(l, r->actor, 16, 0);
	}
	if (r->kind == WEFT_FLIGHT_WAKE || r->kind == WEFT_FLIGHT_STEAL) {
		put_text(l, " other ", 0);
		put_lane(l, rt, r->other);
	}
	if (r->arg) {
		put_text(l, " arg ", 0);
		put_signed(l, r->arg);
	}
}

static int dump_one(const struct weft_runtime *rt, int fd)
{
	struct weft__flight_merge merge;
	struct weft__flight_record r;
	struct line l = { .len = 0 };
	uint32_t lane;
	int status;

	if (!rt->sched.flights)
		return -ENODATA;
	status = dump_head(rt, &l, fd);
	weft__flight_merge_begin(&merge, rt->sched.flights, 0, lane_count(rt));
	while (status == 0 && weft__flight_merge_next(&merge, &lane, &r)) {
		put_record(&l, rt, lane, &r, merge.until);
		status = line_write(&l, fd);
	}
	return status;
}

int weft_flight_dump(const weft_runtime *rt, int fd)
{
	int saved = errno, r = rt ? dump_one(rt, fd) : 0;

	for (uint32_t i = 0; !rt && r == 0 && i < WEFT__RUNTIMES_MAX; i++) {
		const struct weft_runtime *each = weft__registry_enter(i);

		if (!each)
			continue;
		r = dump_one(each, fd);
		if (r == -ENODATA)
			r = 0;
		weft__registry_leave(i);
	}
	errno = saved; /* whatever the signal interrupted */
	return r;
}
