/* SPDX-License-Identifier: Apache-2.0 */
/*
 * weft/flight.h - the flight recorder: the last things that each worker did, to be read when something went wrong.
 *
 * Each worker and guest keeps its last weft_runtime_options.flight_events events in a ring of its own. What is rare
 * is always recorded: sleeping, waking, stealing, failing, restarting. What happens with each message only when
 * weft_runtime_options.trace is set, which costs some 30 ns an activation.
 *
 * After a crash: weft_flight_dump from the handler, docs/guide/observing.md.
 */
#ifndef WEFT_FLIGHT_H
#define WEFT_FLIGHT_H

#include <weft/actor.h>
#include <weft/base.h>
#include <weft/runtime.h>

WEFT_BEGIN_DECLS

typedef enum weft_flight_kind {
	WEFT_FLIGHT_NONE = 0,
	/* always */
	WEFT_FLIGHT_PARK = 1,    /* goes to sleep */
	WEFT_FLIGHT_UNPARK = 2,  /* is awake again. arg: 1 when somebody woke it */
	WEFT_FLIGHT_WAKE = 3,    /* woke `other` */
	WEFT_FLIGHT_STEAL = 4,   /* took arg tasks from `other` */
	WEFT_FLIGHT_FAIL = 5,    /* `actor` ended with the error arg */
	WEFT_FLIGHT_RESTART = 6, /* a child of the supervisor `actor` is restarted; it ended with arg */
	WEFT_FLIGHT_MUTE = 7,    /* `actor` rests for a full mailbox */
	/* with trace */
	WEFT_FLIGHT_SPAWN = 8,   /* `actor` was born */
	WEFT_FLIGHT_END = 9,     /* `actor` ended with arg */
	WEFT_FLIGHT_RUN = 10,    /* an activation of `actor` begins */
	WEFT_FLIGHT_DONE = 11,   /* ... is over. arg: messages it handled */
	WEFT_FLIGHT_TIMER = 12   /* a timer of `actor` ran out */
} weft_flight_kind;

typedef struct weft_flight_event {
	uint64_t timestamp_ns; /* as weft_now_ns */
	uint32_t lane;         /* who did it: a worker, or a guest's place (weft/metrics.h) */
	uint32_t kind;         /* weft_flight_kind */
	weft_ref actor;        /* or {0} */
	int64_t arg;
	uint32_t other;    /* a lane, where the kind names one */
	uint32_t reserved; /* 0 */
} weft_flight_event;

/**
 * Copy the newest events, the oldest of them first, in order of time over all lanes.
 * @param lane  one, or WEFT_LANE_ALL of weft/metrics.h
 * @param max   how many there is room for
 * @return how many, or -EINVAL, -ENODATA (WEFT_FLIGHT_OFF)
 * Threads: any, beside busy workers: what is overwritten meanwhile is left out, never torn.
 */
WEFT_API int weft_flight_read(const weft_runtime *rt, uint32_t lane, weft_flight_event *events, uint32_t max);

/**
 * Write all of it as text, one event a line, the newest last, and who was running on this thread.
 * @param rt  NULL: each runtime of this process
 * @return 0, -EINVAL, -ENODATA (WEFT_FLIGHT_OFF), or what write(2) said
 * Threads: any. Async-signal-safe, takes no lock and no memory but 4 KB of stack: made for a handler of SIGSEGV.
 */
WEFT_API int weft_flight_dump(const weft_runtime *rt, int fd);

/** "park", "steal", ...; "?" for what is none. Never NULL. Async-signal-safe. */
WEFT_API const char *weft_flight_kind_name(uint32_t kind);

WEFT_END_DECLS

#endif
