/* SPDX-License-Identifier: Apache-2.0 */
/*
 * runtime/observe/events.c - emitting, and subscriptions that merge the lanes.
 *
 * Merging by time: a read first takes the time T, then looks how far each lane is
 * published, and delivers what is there with a timestamp before T, oldest first.
 * That keeps the events of one agent in order although it moves between workers:
 * let e1 happen before e2, e1 in lane A, e2 in lane B. e1 was published before e2 was
 * stamped. If this read does not see e1, A was looked at before e1 was published,
 * so T was taken before e2 was stamped, and e2 is left for the next read. If it
 * sees both, e1 has the smaller stamp and comes first.
 *
 * For that the counter is looked at in order (weft__tsc_order): for a stamp not before
 * what was seen earlier, for T not after a look at a lane. What a worker sees of others
 * comes with a message, so its first stamp for a message is put in order, and those that
 * follow are behind it anyway.
 *
 * Stamps are ticks of the CPU's counter since the bus was made, half the cost of a clock
 * reading. A read makes nanoseconds of them by the rate between the bus's birth and now.
 *
 * Offsets: | ticks 55 | lane 9 |. Stamps grow strictly within a lane, so an
 * offset names one event. Offsets grow within a read and within a lane. From a read to
 * the next they may step back: an event stamped before T, but published after its lane
 * was looked at, comes behind unrelated ones with later stamps. A stamp
 * ticks once in 16 cycles: shorter than anything that takes an event from lane to
 * lane, and 55 bits of it last for six years at 3 GHz.
 */
#include "runtime/observe/events.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>

#include <weft/alloc.h>
#include <weft/runtime.h>

#include "runtime/base/assert.h"
#include "runtime/base/atomic.h"
#include "runtime/base/clock.h"
#include "runtime/observe/record.h"
#include "runtime/queue/broadcast.h"

#define LANE_BITS 9
#if defined(__x86_64__)
#define STAMP_SHIFT 4
#else
#define STAMP_SHIFT 0 /* counters of other machines tick slower */
#endif
#define BLOCK_NS_DEFAULT UINT64_C(100000000)
#define BATCH_BYTES_MAX (1u << 20) /* a read returns early rather than hold more */

struct lane {
	_Alignas(WEFT_CACHELINE) struct weft__broadcast ring;
	_Atomic(bool) ready; /* ring is made; stored before wanted */
	/* before it is published up to here, no reader presses; written under the bus's lock */
	_Atomic(uint64_t) calm_until;
	uint64_t last_ticks; /* the lane's writer */
	uint64_t turn;       /* the lane's writer: of the last stamp */
};

struct weft__bus {
	_Alignas(WEFT_CACHELINE) _Atomic(uint32_t) wanted; /* subscriptions */
	_Atomic(uint32_t) blocking;                        /* those that must not lose events */
	uint32_t lane_count, ring_bytes;                   /* constant; the foreign lane is the last */
	uint64_t first_ticks, first_ns;                    /* constant: when it was made */
	struct lane *lanes;
	pthread_mutex_t foreign_lock; /* writers of the foreign lane */
	pthread_mutex_t lock;         /* the list of subscriptions, making rings */
	struct weft_subscription *subs;
};

struct reader { /* of one lane */
	struct weft__cursor cursor;
	_Atomic(uint64_t) seen; /* cursor.position, for weft__bus_pressed */
	uint64_t limit;         /* published, at the beginning of this read */
	uint64_t lost;          /* to be told before the next record */
	uint64_t head_ticks;    /* stamp of the record at the cursor; 0: not looked yet */
	uint32_t head_words;
};

struct weft_subscription {
	struct weft__bus *bus;
	struct weft_subscription *next; /* under bus->lock */
	weft_subscribe_options opt;
	_Atomic(uint64_t) last_read_ns;
	_Atomic(uint64_t) lost;
	struct reader *readers;
	uint64_t *buf; /* records of the last batch */
	size_t buf_words, buf_cap;
	double ns_per_tick;  /* of this read */
	int64_t wall_minus_ms; /* wall clock less monotonic, of this read */
	uint64_t last_ns;    /* timestamps never go back within a subscription */
};

/* ---- the bus --------------------------------------------------------------------------- */

int weft__bus_create(uint32_t lanes, uint32_t ring_bytes, struct weft__bus **ret_bus)
{
	struct weft__bus *bus = weft_aligned_alloc(WEFT_CACHELINE, sizeof(*bus));
	size_t bytes = (lanes + 1) * sizeof(struct lane);

	if (!bus)
		return -ENOMEM;
	memset(bus, 0, sizeof(*bus));
	bus->lane_count = lanes + 1;
	bus->ring_bytes = ring_bytes;
	bus->first_ns = weft_now_ns();
	bus->first_ticks = weft__tsc();
	bus->lanes = weft_aligned_alloc(WEFT_CACHELINE, bytes);
	if (!bus->lanes) {
		weft_free(bus);
		return -ENOMEM;
	}
	memset(bus->lanes, 0, bytes);
	pthread_mutex_init(&bus->foreign_lock, NULL);
	pthread_mutex_init(&bus->lock, NULL);
	*ret_bus = bus;
	return 0;
}

void weft__bus_destroy(struct weft__bus *bus)
{
	if (!bus)
		return;
	WEFT_ASSERT(!bus->subs);
	for (uint32_t i = 0; i < bus->lane_count; i++)
		weft__broadcast_fini(&bus->lanes[i].ring);
	weft_free(bus->lanes);
	pthread_mutex_destroy(&bus->foreign_lock);
	pthread_mutex_destroy(&bus->lock);
	weft_free(bus);
}

bool weft__bus_wanted(const struct weft__bus *bus)
{
	return weft__load_relaxed(&bus->wanted) != 0; /* relaxed: late by a moment is fine; rings: see ready */
}

static uint64_t ticks_now(const struct weft__bus *bus)
{
	return (weft__tsc() - bus->first_ticks) >> STAMP_SHIFT;
}

/* weft_ticks() of a stamp, to within one. */
static uint64_t ticks_of(const struct weft__bus *bus, uint64_t stamp)
{
	return bus->first_ticks + (stamp << STAMP_SHIFT);
}

/*
 * The lane's writer is about to stamp. turn: see weft__bus_emit. follows: the last stamp of this turn will
 * do, which is not after the moment, and behind all that this worker saw of others.
 */
static uint64_t stamp(struct weft__bus *bus, struct lane *lane, uint64_t turn, bool follows)
{
	uint64_t now;

	if (lane->turn != turn || !turn) {
		weft__tsc_order(); /* publishing the record depends on the stamp: it is later by itself */
		lane->turn = turn;
		follows = false;
	}
	now = follows ? lane->last_ticks : ticks_now(bus);
	lane->last_ticks = now > lane->last_ticks ? now : lane->last_ticks + 1;
	return lane->last_ticks;
}

static uint32_t words_max(const struct lane *lane)
{
	uint32_t max = weft__broadcast_words_max(&lane->ring);

	return max < WEFT__RECORD_WORDS_MAX ? max : WEFT__RECORD_WORDS_MAX;
}

static void write_cut(struct lane *lane, const weft_event_desc *desc, uint64_t ticks);

static void write(struct lane *lane, const weft_event_desc *desc, uint64_t ticks)
{
	uint32_t words = weft__record_words(desc, words_max(lane));

	if (__builtin_expect(!words, 0)) {
		write_cut(lane, desc, ticks);
		return;
	}
	weft__record_put(weft__broadcast_begin(&lane->ring, words), desc, ticks);
	weft__broadcast_publish(&lane->ring, words);
}

static __attribute__((noinline)) void write_cut(struct lane *lane, const weft_event_desc *desc, uint64_t ticks)
{
	struct weft__record_cut cut;

	weft__record_cut(&cut, desc, words_max(lane));
	write(lane, &cut.desc, ticks); /* fits now */
}

/* This thread's lane, or NULL: nobody has ever listened. */
static inline struct lane *lane_open(struct weft__bus *bus, uint32_t lane)
{
	struct lane *l = &bus->lanes[lane];

	WEFT_ASSERT(lane < bus->lane_count);
	if (!weft__load_acquire(&l->ready)) /* acquire: the ring, made by whoever subscribed first */
		return NULL;
	if (lane + 1 == bus->lane_count)
		pthread_mutex_lock(&bus->foreign_lock);
	return l;
}

static inline void lane_close(struct weft__bus *bus, uint32_t lane)
{
	if (lane + 1 == bus->lane_count)
		pthread_mutex_unlock(&bus->foreign_lock);
}

void weft__bus_emit(struct weft__bus *bus, uint32_t lane, uint64_t turn, const weft_event_desc *desc)
{
	struct lane *l = lane_open(bus, lane);

	if (!l)
		return;
	write(l, desc, stamp(bus, l, lane + 1 == bus->lane_count ? 0 : turn, false));
	lane_close(bus, lane);
}

/* What does not fit as a form is cut as a description. False: not in order. */
static __attribute__((noinline)) bool write_described(struct lane *lane, const weft_event_form *form,
                                                      const weft_event_values *values, uint64_t ticks)
{
	struct weft__record_desc d;

	if (!weft__record_describe(&d, form, values))
		return false;
	write(lane, &d.desc, ticks);
	return true;
}

uint64_t weft__bus_emit_form(struct weft__bus *bus, uint32_t lane, uint64_t turn, const weft_event_form *form,
                             const weft_event_values *values)
{
	struct lane *l = lane_open(bus, lane);
	uint32_t words;
	uint64_t at;
	bool wrote = true;

	if (!l)
		return 0;
	words = weft__record_form_words(form, values, words_max(l));
	at = stamp(bus, l, lane + 1 == bus->lane_count ? 0 : turn, values->follows);
	if (__builtin_expect(!words, 0)) {
		wrote = write_described(l, form, values, at);
	} else {
		weft__record_put_form(weft__broadcast_begin(&l->ring, words), form, values, at);
		weft__broadcast_publish(&l->ring, words);
	}
	lane_close(bus, lane);
	return wrote ? ticks_of(bus, at) : 0;
}

/* How far a ring may be published before a reader that stands at `seen` presses. */
static uint64_t presses_at(const struct weft__broadcast *ring, uint64_t seen)
{
	return seen + (ring->mask + 1) / 2 + 1;
}

static bool reads_still(const struct weft_subscription *sub, uint64_t now)
{
	/* relaxed: a hint; a late look costs a slice of a pause */
	return now - weft__load_relaxed(&sub->last_read_ns) < sub->opt.block_ns;
}

/* Look at all readers of the lane, and how long the next look has time. */
static bool pressed_locked(struct weft__bus *bus, uint32_t lane, uint64_t published)
{
	struct lane *l = &bus->lanes[lane];
	uint64_t now = weft_now_ns(), first = published + (l->ring.mask + 1);
	bool pressed = false;

	for (struct weft_subscription *s = bus->subs; s; s = s->next) {
		/* relaxed: as above */
		uint64_t at = presses_at(&l->ring, weft__load_relaxed(&s->readers[lane].seen));

		if (s->opt.lag != WEFT_LAG_BLOCK)
			continue;
		if ((int64_t)(at - first) < 0)
			first = at;
		pressed |= (int64_t)(published - at) >= 0 && reads_still(s, now);
	}
	weft__store_relaxed(&l->calm_until, first); /* relaxed: under the lock */
	return pressed;
}

bool weft__bus_pressed(struct weft__bus *bus, uint32_t lane)
{
	struct lane *l = &bus->lanes[lane];
	uint64_t published;
	bool pressed;

	if (!weft__load_relaxed(&bus->blocking)) /* relaxed: a hint */
		return false;
	if (!weft__load_acquire(&l->ready)) /* acquire: the ring */
		return false;
	published = weft__broadcast_published(&l->ring);
	/* relaxed: readers only move on, and a new one sets it back; seen late, the next look is late */
	if ((int64_t)(published - weft__load_relaxed(&l->calm_until)) < 0)
		return false;
	pthread_mutex_lock(&bus->lock);
	pressed = pressed_locked(bus, lane, published);
	pthread_mutex_unlock(&bus->lock);
	return pressed;
}

/* ---- subscribing ------------------------------------------------------------------------- */

static int rings_make_locked(struct weft__bus *bus)
{
	for (uint32_t i = 0; i < bus->lane_count; i++) {
		struct lane *l = &bus->lanes[i];
		int r;

		if (weft__load_relaxed(&l->ready)) /* relaxed: written under this lock */
			continue;
		r = weft__broadcast_init(&l->ring, bus->ring_bytes);
		if (r < 0)
			return r;
		weft__store_release(&l->ready, true);
	}
	return 0;
}

static void subscription_free(struct weft_subscription *s)
{
	weft_free(s->readers);
	weft_free(s->buf);
	weft_free(s);
}

static void readers_place(struct weft_subscription *s)
{
	for (uint32_t i = 0; i < s->bus->lane_count; i++) {
		struct weft__broadcast *ring = &s->bus->lanes[i].ring;
		struct reader *r = &s->readers[i];

		r->cursor = s->opt.from_offset == UINT64_MAX ? weft__broadcast_newest(ring) : weft__broadcast_oldest(ring);
		weft__store_relaxed(&r->seen, r->cursor.position); /* relaxed: not shared yet */
		if (s->opt.lag == WEFT_LAG_BLOCK) /* relaxed: under the lock, where looks are too */
			weft__store_relaxed(&s->bus->lanes[i].calm_until, weft__broadcast_published(ring));
	}
}

int weft__bus_subscribe(struct weft__bus *bus, const weft_subscribe_options *opt, weft_subscription **ret_sub)
{
	weft_subscribe_options o = WEFT_SUBSCRIBE_OPTIONS_INIT;
	struct weft_subscription *s;
	int r;

	WEFT_RETURN_IF(!bus || !ret_sub || (opt && opt->size != sizeof(*opt)), -EINVAL);
	o = opt ? *opt : o;
	WEFT_RETURN_IF(o.lag > WEFT_LAG_BLOCK, -EINVAL);
	s = weft_calloc(1, sizeof(*s));
	if (!s)
		return -ENOMEM;
	s->bus = bus;
	s->opt = o;
	s->opt.block_ns = o.block_ns ? o.block_ns : BLOCK_NS_DEFAULT;
	s->readers = weft_calloc(bus->lane_count, sizeof(*s->readers));
	if (!s->readers) {
		subscription_free(s);
		return -ENOMEM;
	}
	pthread_mutex_lock(&bus->lock);
	r = rings_make_locked(bus);
	if (r == 0) {
		readers_place(s);
		weft__store_relaxed(&s->last_read_ns, weft_now_ns()); /* relaxed: published by the lock */
		s->next = bus->subs;
		bus->subs = s;
		weft__fetch_add_acq_rel(&bus->wanted, 1u);
		if (o.lag == WEFT_LAG_BLOCK)
			weft__fetch_add_acq_rel(&bus->blocking, 1u);
	}
	pthread_mutex_unlock(&bus->lock);
	if (r < 0) {
		subscription_free(s);
		return r;
	}
	*ret_sub = s;
	return 0;
}

void weft_events_unsubscribe(weft_subscription *sub)
{
	struct weft_subscription **at;

	if (!sub)
		return;
	pthread_mutex_lock(&sub->bus->lock);
	for (at = &sub->bus->subs; *at != sub; at = &(*at)->next)
		;
	*at = sub->next;
	weft__fetch_sub_acq_rel(&sub->bus->wanted, 1u);
	if (sub->opt.lag == WEFT_LAG_BLOCK)
		weft__fetch_sub_acq_rel(&sub->bus->blocking, 1u);
	pthread_mutex_unlock(&sub->bus->lock);
	subscription_free(sub);
}

/* ---- reading ------------------------------------------------------------------------------- */

static uint64_t offset_of(uint64_t ticks, uint32_t lane)
{
	return ticks << LANE_BITS | lane;
}

static bool scope_wanted(const struct weft_subscription *s, uint32_t scope)
{
	/* a scope that there is not, by an emitter's mistake, has no bit */
	return !s->opt.scope_mask || (scope < 32 && (s->opt.scope_mask >> scope & 1));
}

/* Look at the record at the lane's cursor, if that was not done yet. False: none before the limit. */
static bool head_look(struct weft_subscription *s, uint32_t lane)
{
	struct reader *r = &s->readers[lane];
	uint64_t head[WEFT__RECORD_FIXED_WORDS], lost;

	for (;;) {
		if (r->head_ticks)
			return true;
		r->head_words = weft__broadcast_peek(&s->bus->lanes[lane].ring, &r->cursor, r->limit, head,
		                                     WEFT__RECORD_FIXED_WORDS, &lost);
		r->lost += lost;
		if (!r->head_words)
			return false;
		/* history before the wanted offset, and scopes that are not wanted */
		if ((s->opt.from_offset != UINT64_MAX && offset_of(head[1], lane) < s->opt.from_offset) ||
		    !scope_wanted(s, (uint32_t)(head[4] >> 56))) {
			weft__broadcast_pass(&s->bus->lanes[lane].ring, &r->cursor, r->head_words);
			continue;
		}
		r->head_ticks = head[1];
		return true;
	}
}

static int buf_reserve(struct weft_subscription *s, size_t words)
{
	size_t cap = s->buf_cap ? s->buf_cap : 1024;
	uint64_t *more;

	if (s->buf_words + words <= s->buf_cap)
		return 0;
	while (cap < s->buf_words + words)
		cap *= 2;
	more = weft_realloc(s->buf, cap * sizeof(*more));
	if (!more)
		return -ENOMEM;
	s->buf = more;
	s->buf_cap = cap;
	return 0;
}

static void event_base(struct weft_subscription *s, weft_event *e, uint32_t lane, uint64_t ticks)
{
	uint64_t ns = s->bus->first_ns + (uint64_t)((double)ticks * s->ns_per_tick);

	if (ns < s->last_ns)
		ns = s->last_ns;
	s->last_ns = ns;
	memset(e, 0, offsetof(weft_event, fields));
	e->worker = lane;
	e->timestamp_ns = ns;
	e->offset = offset_of(ticks, lane);
	e->wall_ms = (int64_t)(ns / 1000000u) + s->wall_minus_ms;
}

/*
 * Take the record at the lane's cursor. 1: into *e, with e->component_id.ptr an index into
 * buf until the batch is complete; 0: it was overtaken meanwhile; -ENOMEM.
 */
static int take(struct weft_subscription *s, uint32_t lane, weft_event *e)
{
	struct reader *r = &s->readers[lane];
	uint64_t sequence = r->cursor.next_sequence, lost;
	uint32_t words = r->head_words;

	if (buf_reserve(s, words) < 0)
		return -ENOMEM;
	if (weft__broadcast_peek(&s->bus->lanes[lane].ring, &r->cursor, r->limit, s->buf + s->buf_words, words, &lost) !=
	            words ||
	    r->cursor.next_sequence != sequence) {
		r->lost += lost;
		r->head_ticks = 0;
		return 0;
	}
	event_base(s, e, lane, r->head_ticks);
	e->id = (uint64_t)(lane + 1) << 48 | (sequence & 0xffffffffffff);
	e->component_id.len_bytes = s->buf_words; /* unpacked by read, when buf no longer moves */
	s->buf_words += words;
	weft__broadcast_pass(&s->bus->lanes[lane].ring, &r->cursor, words);
	r->head_ticks = 0;
	return 1;
}

/* Where a read is: on a lane, until its next record is not the oldest any more. */
struct merge {
	int lane;            /* -1: none */
	uint64_t until_ticks; /* the oldest of the other lanes, or T */
};

/* To the lane whose next record is the oldest before T. */
static void to_oldest(struct weft_subscription *s, uint64_t before_ticks, struct merge *m)
{
	uint64_t oldest = before_ticks;

	*m = (struct merge){ .lane = -1, .until_ticks = before_ticks };
	for (uint32_t i = 0; i < s->bus->lane_count; i++) {
		uint64_t ticks = head_look(s, i) ? s->readers[i].head_ticks : before_ticks;

		if (ticks < oldest) {
			m->until_ticks = oldest;
			oldest = ticks;
			m->lane = (int)i;
		} else if (ticks < m->until_ticks) {
			m->until_ticks = ticks;
		}
	}
}

/* What the other lanes have does not change within a read: mostly there is no need to look at them. */
static int next_lane(struct weft_subscription *s, uint64_t before_ticks, struct merge *m)
{
	if (m->lane < 0 || !head_look(s, (uint32_t)m->lane) || s->readers[m->lane].head_ticks >= m->until_ticks)
		to_oldest(s, before_ticks, m);
	return m->lane;
}

/* Gives T, in ticks: taken before the lanes are looked at. */
static uint64_t begin_read(struct weft_subscription *s)
{
	uint64_t ns = weft_now_ns(), ticks = ticks_now(s->bus);

	weft__tsc_order();
	s->ns_per_tick = (double)(ns - s->bus->first_ns) / (double)(ticks ? ticks : 1);
	s->wall_minus_ms = weft_wall_ms() - (int64_t)(ns / 1000000u);
	for (uint32_t i = 0; i < s->bus->lane_count; i++)
		s->readers[i].limit = weft__broadcast_published(&s->bus->lanes[i].ring);
	s->buf_words = 0;
	return ticks;
}

static void end_read(struct weft_subscription *s, weft_event *events, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		if (events[i].type != WEFT_EVENT_LAGGED || events[i].id)
			weft__record_unpack(s->buf + events[i].component_id.len_bytes,
			                    ticks_of(s->bus, events[i].offset >> LANE_BITS), &events[i]);
	}
	/* relaxed: read by weft__bus_pressed as hints */
	for (uint32_t i = 0; i < s->bus->lane_count; i++)
		weft__store_relaxed(&s->readers[i].seen, s->readers[i].cursor.position);
	weft__store_relaxed(&s->last_read_ns, weft_now_ns());
}

int weft_events_read(weft_subscription *sub, weft_event *ret_events, uint32_t max)
{
	struct merge merge = { .lane = -1 };
	uint32_t n = 0;
	uint64_t before;
	int lane, took = 0;

	WEFT_RETURN_IF(!sub || (!ret_events && max), -EINVAL);
	before = begin_read(sub);
	while (n < max && sub->buf_words * 8 < BATCH_BYTES_MAX && (lane = next_lane(sub, before, &merge)) >= 0) {
		struct reader *r = &sub->readers[lane];

		if (r->lost) {
			event_base(sub, &ret_events[n], (uint32_t)lane, r->head_ticks);
			ret_events[n].scope = WEFT_SCOPE_SYSTEM;
			ret_events[n].type = WEFT_EVENT_LAGGED;
			ret_events[n].component_id = WEFT_STR("system:lagged");
			ret_events[n].lagged_events = r->lost;
			weft__fetch_add_relaxed(&sub->lost, r->lost); /* relaxed: statistics */
			r->lost = 0;
			n++;
			continue;
		}
		took = take(sub, (uint32_t)lane, &ret_events[n]);
		if (took < 0)
			break; /* out of memory: what is not taken stays in the ring */
		n += (uint32_t)took;
	}
	end_read(sub, ret_events, n);
	return n || took >= 0 ? (int)n : took;
}

uint64_t weft_events_lost(const weft_subscription *sub)
{
	return sub ? weft__load_relaxed(&sub->lost) : 0; /* relaxed: statistics */
}

/* ---- the public side ---------------------------------------------------------------------------- */

bool weft_events_wanted(const weft_runtime *rt)
{
	return rt && weft__bus_wanted(weft__runtime_bus(rt));
}

void weft_event_emit(weft_runtime *rt, const weft_event_desc *desc)
{
	uint64_t turn;
	uint32_t lane;

	if (!rt || !desc || !weft__bus_wanted(weft__runtime_bus(rt)))
		return;
	lane = weft__current_lane(rt, &turn);
	weft__bus_emit(weft__runtime_bus(rt), lane, turn, desc);
}

uint64_t weft_event_emit_form(weft_runtime *rt, const weft_event_form *form, const weft_event_values *values)
{
	uint64_t turn;
	uint32_t lane;

	if (!rt || !form || !values || !weft__bus_wanted(weft__runtime_bus(rt)))
		return 0;
	lane = weft__current_lane(rt, &turn);
	return weft__bus_emit_form(weft__runtime_bus(rt), lane, turn, form, values);
}

int weft_events_subscribe(weft_runtime *rt, const weft_subscribe_options *opt, weft_subscription **ret_sub)
{
	return rt ? weft__bus_subscribe(weft__runtime_bus(rt), opt, ret_sub) : -EINVAL;
}

const char *weft_event_status_name(weft_event_type type)
{
	static const char *const names[] = { "pending", "running", "completed", "failed", "canceled", "running" };

	return (unsigned)type < 6 ? names[type] : "unknown";
}

const char *weft_event_scope_name(weft_event_scope scope)
{
	static const char *const names[] = { "workflow", "workflow_step", "agent", "llm_request", "tool", "system" };

	return (unsigned)scope < 6 ? names[scope] : "unknown";
}

const char *weft_event_type_name(weft_event_type type)
{
	static const char *const names[] = { "started", "progress", "completed", "failed", "canceled", "lagged" };

	return (unsigned)type < 6 ? names[type] : "unknown";
}
