/* SPDX-License-Identifier: Apache-2.0 */
/*
 * weft/runtime.h - the life of a runtime inside any process.
 *
 * create -> start -> (use) -> stop -> join -> destroy. A process may hold
 * several runtimes at once. The library installs no signal handlers, prints
 * nothing and never ends the process: what it has to say goes to the log and
 * fault hooks.
 */
#ifndef WEFT_RUNTIME_H
#define WEFT_RUNTIME_H

#include <weft/actor.h>
#include <weft/base.h>

WEFT_BEGIN_DECLS

typedef enum weft_log_level {
	WEFT_LOG_DEBUG = 0,
	WEFT_LOG_INFO = 1,
	WEFT_LOG_WARN = 2,
	WEFT_LOG_ERROR = 3
} weft_log_level;

/** Gets one line without newline. Any thread of weft, possibly at once. Must not call back into weft. */
typedef void (*weft_log_fn)(weft_log_level level, const char *line, void *user);

/** Told when an invariant of weft did not hold (WEFT_EINTERNAL). The process goes on. */
typedef void (*weft_fault_fn)(const char *what, const char *file, int line, void *user);

typedef enum weft_pin {
	WEFT_PIN_AUTO = 0, /* one worker a core, pinned, when there are as many cores as workers */
	WEFT_PIN_OFF = 1,
	WEFT_PIN_ON = 2
} weft_pin;

typedef enum weft_io_backend {
	WEFT_IO_AUTO = 0, /* io_uring where it works, else epoll; environment WEFT_IO=uring|epoll overrides */
	WEFT_IO_URING = 1,
	WEFT_IO_EPOLL = 2
} weft_io_backend;

typedef enum weft_metrics {
	WEFT_METRICS_SAMPLED = 0, /* activations and waits are timed, by samples: weft_stats_histogram */
	WEFT_METRICS_OFF = 1      /* only counted */
} weft_metrics;

#define WEFT_FLIGHT_OFF UINT32_MAX

typedef struct weft_runtime_options {
	uint32_t size;           /* set by WEFT_RUNTIME_OPTIONS_INIT */
	uint32_t workers;        /* 0: one a core of the process's cpuset and cgroup quota; at most 256 */
	uint32_t pin;            /* weft_pin */
	uint32_t io;             /* weft_io_backend */
	uint32_t guests_max;     /* foreign threads that may run actors while they wait; 0 = 4, at most 64 */
	uint32_t actors_max;     /* so many can live at once, and a few hundred more a worker; 0 = 4,194,304; at most 16,777,216 */
	uint32_t mailbox_msgs;   /* default mailbox bound; 0 = 4,096 */
	uint32_t budget_msgs;    /* messages an activation handles before it yields, fewer where they take long: about 1 ms of them; 0 = 64 */
	uint64_t spin_ns;        /* an idle worker looks for work this long before it sleeps; 0 = 20,000 */
	uint64_t steal_delay_ns; /* how long a thief watches a victim before it takes; 0 = 10,000 */
	uint32_t event_ring_bytes; /* event history a worker keeps; 0 = 262,144; power of two (weft/event.h) */
	uint32_t metrics;        /* weft_metrics (weft/metrics.h) */
	uint32_t flight_events;  /* the flight recorder keeps a worker (weft/flight.h); 0 = 1,024; a power of two, or WEFT_FLIGHT_OFF */
	uint32_t trace;          /* 1: it records each activation, spawn, end and timer, too */
	/*
	 * 1: a worker without work polls instead of sleeping, until the runtime stops. Nobody pays for waking it; it takes a
	 * whole core for good, and more such workers than cores are slower than sleeping ones.
	 */
	uint32_t busy_poll;
	uint32_t log_level;      /* weft_log_level: the lowest that reaches log */
	weft_log_fn log;         /* NULL: silent */
	void *log_user;
	weft_fault_fn fault; /* NULL: logged as an error */
	void *fault_user;
} weft_runtime_options;

#define WEFT_RUNTIME_OPTIONS_INIT                                                                          \
	{                                                                                                  \
		.size = sizeof(weft_runtime_options), .log_level = WEFT_LOG_INFO                           \
	}

/**
 * Make a runtime; no thread runs yet.
 * @param opt  NULL for the defaults; copied
 * @return 0, or -EINVAL (an option out of range), -ENOMEM, -EMFILE, -EAGAIN (64 runtimes exist)
 * Threads: any.
 */
WEFT_API int weft_runtime_create(const weft_runtime_options *opt, weft_runtime **ret_rt);

/** Start the workers. @return 0, or -EALREADY, -EAGAIN (no thread could be made), an I/O set-up error. */
WEFT_API int weft_runtime_start(weft_runtime *rt);

/**
 * Ask it to stop; does not wait. From now on foreign threads get -ESHUTDOWN;
 * actors go on until nothing runs and no request waits for an answer, or until
 * timeout_ns is over; then every actor is ended (its fini runs, requests still
 * open are answered NOREPLY). A second call can only bring the deadline nearer.
 * @return 0, -EINVAL. Threads: any, actors too.
 */
WEFT_API int weft_runtime_stop(weft_runtime *rt, uint64_t timeout_ns);

/**
 * Wait until the workers are gone. Threads: any, several at once, too; but who calls weft_runtime_destroy comes after them.
 * @return 0: all work was drained; -ETIMEDOUT: the deadline ended some;
 *         -EDEADLK: called from a worker; -EINVAL: never started or not asked to stop
 */
WEFT_API int weft_runtime_join(weft_runtime *rt);

/** Release it; stops and joins first (timeout 0) if that was not done. NULL is fine. Not from a worker. */
WEFT_API void weft_runtime_destroy(weft_runtime *rt);

/** Workers it has (threads, guests not counted). Threads: any. */
WEFT_API uint32_t weft_runtime_workers(const weft_runtime *rt);

/** "uring" or "epoll"; "sim" on a simulated machine. Threads: any, after start. */
WEFT_API const char *weft_runtime_io_name(const weft_runtime *rt);

/** Nanoseconds of the runtime's monotonic clock. Threads: any. */
WEFT_API uint64_t weft_now_ns(void);
/**
 * A stamp of the cheapest steady clock there is, about half the cost of weft_now_ns, for measuring spans:
 * span_ns = weft_ticks_to_ns(weft_ticks() - from). Comparable across threads. Threads: any.
 */
WEFT_API uint64_t weft_ticks(void);
/** A span of ticks in nanoseconds. The first call of a process may take 200 us to calibrate. Threads: any. */
WEFT_API uint64_t weft_ticks_to_ns(uint64_t ticks);
/** Milliseconds since 1970 by the runtime's wall clock. Threads: any. */
WEFT_API int64_t weft_wall_ms(void);

/**
 * Counts since start, merged over all workers when read. sent == handled +
 * dropped + queued holds at rest; refused sends were never accepted.
 * More, and by worker: weft/metrics.h.
 */
typedef struct weft_runtime_stats {
	uint32_t size;          /* sizeof(weft_runtime_stats), set by the caller */
	uint32_t workers;
	uint64_t msgs_sent;     /* accepted by a mailbox */
	uint64_t msgs_handled;  /* given to a behaviour */
	uint64_t msgs_dropped;  /* accepted, but the receiver ended before handling them */
	uint64_t msgs_refused;  /* -EAGAIN or -ESRCH */
	uint64_t activations;
	uint64_t steals;        /* tasks taken from another worker */
	uint64_t parks;
	uint64_t wakes;         /* wake-ups sent to a sleeping worker */
	uint64_t actors_spawned;
	uint64_t actors_ended;
	uint64_t timers_fired;
	uint64_t requests_open; /* requests waiting for an answer; after the last worker ended it stays as it was */
	uint64_t actors_muted;  /* times that an actor rested for a full mailbox (WEFT_ACTOR_MUTE) */
} weft_runtime_stats;

/** @return 0 or -EINVAL. Threads: any; a snapshot that is exact when the runtime is at rest. */
WEFT_API int weft_runtime_stats_read(const weft_runtime *rt, weft_runtime_stats *ret_stats);

WEFT_END_DECLS

#endif
