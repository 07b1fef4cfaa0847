/* SPDX-License-Identifier: Apache-2.0 */
/*
 * weft/gate.h - what stands before an endpoint that must not be overrun.
 *
 * One gate for one endpoint (or one key of it), shared by any number of models,
 * agents and threads, without locks. It holds back what would exceed the
 * requests and tokens a minute, learns how many calls at once the endpoint bears,
 * stops asking one that is broken, and says which failed calls to repeat, and when.
 *
 * A gate never waits and never looks at a clock: time is an argument, and waiting
 * is the caller's, with a timer of its own.
 *
 *	weft_gate_pass pass = { .deadline_ns = deadline };
 *
 *	again:
 *	while ((wait = weft_gate_enter(gate, &pass, weft_now_ns(), tokens)) > 0)
 *		... a timer of wait ns ...
 *	if (wait < 0)
 *		... refused: pass.why, pass.retry_after_ns; there is nothing to give back ...
 *	... the call ...
 *	switch (weft_gate_leave(gate, &pass, &outcome, weft_now_ns())) {
 *	case WEFT_GATE_RETRY:
 *		... a timer of pass.retry_after_ns, then again ...
 *
 * A caller that gives up, between any two of these, calls weft_gate_cancel.
 *
 * Source: docs/internals/gate.md, docs/guide/resilience.md.
 */
#ifndef WEFT_GATE_H
#define WEFT_GATE_H

#include <weft/base.h>
#include <weft/error.h>

WEFT_BEGIN_DECLS

typedef struct weft_gate weft_gate;

typedef struct weft_gate_options {
	uint32_t size; /* set by WEFT_GATE_OPTIONS_INIT */
	/* rates */
	uint32_t requests_per_minute; /* 0: no limit */
	uint32_t requests_burst;      /* so many may go at once after a pause; 0: a second's worth, at least 1 */
	uint32_t tokens_per_minute;   /* 0: no limit; prompt and completion together */
	uint32_t tokens_burst;        /* 0: six seconds' worth. A call of more goes when the bucket is full */
	/* concurrency: how many calls are under way at once, between a floor and a ceiling */
	uint32_t concurrency_min;   /* 0 = 1 */
	uint32_t concurrency_start; /* 0 = 32, or the nearest within the two */
	uint32_t concurrency_max;   /* 0 = 1,024; at most 1,048,576 */
	/* overload */
	uint32_t waiting_max; /* who comes when so many wait is refused; 0 = 16,384; at most 1,048,576 */
	uint64_t wait_max_ns; /* nor does anybody begin to wait for longer than this; 0 = 60 s */
	/* breaker */
	uint32_t breaker_failures; /* in a row, that open it; 0 = 5; UINT32_MAX: it never opens */
	uint64_t breaker_open_ns;  /* then one call is let through to try; 0 = 30 s */
	/* retries of one call */
	int32_t retries;             /* negative = 3; 0: none */
	uint32_t retry_share_percent; /* retries are at most this share of all calls (and 10 more); 0 = 20 */
	uint64_t retry_first_ns;     /* the n-th waits a random time up to first * 2^n; 0 = 1 s */
	uint64_t retry_cap_ns;       /* but no longer than this; 0 = 60 s */
	uint64_t retry_after_max_ns; /* an endpoint that says "later than this" is not asked again; 0 = 60 s */
	uint64_t seed;               /* of the random times; 0: from the system */
} weft_gate_options;

#define WEFT_GATE_OPTIONS_INIT                                                                             \
	{                                                                                                  \
		.size = sizeof(weft_gate_options), .retries = -1                                           \
	}

/**
 * Make a gate; it holds one reference.
 * @param opt  may be NULL: no rates, adaptive concurrency, breaker and retries as above
 * @return 0, -EINVAL (err says which option), -ENOMEM
 */
WEFT_API int weft_gate_create(const weft_gate_options *opt, weft_gate **ret_gate, weft_error *err);
WEFT_API weft_gate *weft_gate_ref(weft_gate *gate);
/** NULL is fine. No pass may be waiting or under way when the last one goes. Threads: any. */
WEFT_API void weft_gate_unref(weft_gate *gate);

/* What a call has taken from a bucket; the gate's own. */
struct weft_gate_booking {
	uint64_t cost_ns, end_ns, credit_ns;
};

/** One call on its way: waiting, under way, to be repeated. Zeroed by its owner before it is first used; one thread at a time. */
typedef struct weft_gate_pass {
	uint64_t deadline_ns;    /* set by the caller; on the caller's clock; 0: none */
	uint64_t retry_after_ns; /* refused, RETRY or FAIL: ask again after so long; 0: no idea, or no use */
	const char *why;         /* refused or FAIL: a static sentence; else NULL */
	uint32_t retries;        /* so many times this call was repeated */
	/* the gate's own */
	uint16_t state;
	uint16_t waited;
	uint32_t ticket;
	uint32_t tokens;
	uint64_t began_ns;
	uint64_t period;
	struct weft_gate_booking taken[2];
	uint64_t reserved[2];
} weft_gate_pass;

/**
 * Ask to go. Who has to wait has a place: it is kept between two calls, nobody who came later takes it.
 *
 * @param now_ns  the caller's steady clock, weft_now_ns() or one of a test; the same for all who share the gate
 * @param tokens  what the call will use, prompt and answer; corrected when it leaves. Only the first call of a
 *                wait says it; the rest of a wait keeps it
 * @return 0: go, and leave or cancel afterwards;
 *         positive: ask again after so many nanoseconds (sooner does no harm), or cancel;
 *         WEFT_EBREAKER: the endpoint is broken and is not asked; WEFT_EOVERLOAD: too many wait, or for too long;
 *         -ETIMEDOUT: the deadline is over, or would be before it could go. Then the pass is empty again.
 *
 * Threads: any; lock-free. Blocks: never. Allocates: never.
 */
WEFT_API int64_t weft_gate_enter(weft_gate *gate, weft_gate_pass *pass, uint64_t now_ns, uint32_t tokens);

typedef enum weft_gate_server_says { WEFT_GATE_SAYS_NOTHING = 0, WEFT_GATE_SAYS_RETRY, WEFT_GATE_SAYS_NO_RETRY } weft_gate_server_says;

/** How a call that went has ended. */
typedef struct weft_gate_outcome {
	int http_status; /* 0: there was no answer */
	int error;       /* 0, or what broke: -ECONNREFUSED, -ECONNRESET, -ETIMEDOUT, -ECANCELED, ... */
	uint64_t retry_after_ns; /* as the endpoint says (weft_gate_hints); 0: it does not */
	uint32_t tokens_used;    /* 0: unknown, the estimate stands */
	bool bytes_delivered;    /* some of the answer was passed on: it is never repeated then */
	bool safe_to_repeat;     /* a second time does no harm even if the first was carried out */
	uint8_t server_says;     /* weft_gate_server_says */
} weft_gate_outcome;

typedef enum weft_gate_verdict {
	WEFT_GATE_DONE = 0, /* it succeeded */
	WEFT_GATE_RETRY,    /* wait pass->retry_after_ns, then enter again with the same pass (or cancel) */
	WEFT_GATE_FAIL      /* that was all; pass->why, and retry_after_ns when the endpoint named a time */
} weft_gate_verdict;

/**
 * After a call that went. Repeated is
 *	- what the endpoint turned away: 408, 409, 429, 503, 529, and what never reached it: -ECONNREFUSED, -EHOSTUNREACH,
 *	  -ENETUNREACH, -EHOSTDOWN, -ENETDOWN, WEFT_EHOSTNAME, WEFT_EPROXY;
 *	- if safe_to_repeat: 500, 502, 504, other broken connections and timeouts;
 * unless bytes were delivered, the retries or their share are used up, the deadline would pass, the endpoint says
 * NO_RETRY or a time over retry_after_max_ns. The breaker counts failures of transport and 5xx: not 4xx, which say
 * something of the caller or its quota. 429, 503, 504, 529 and -ETIMEDOUT lower the concurrency; 429, 503 and 529 with
 * a time hold everybody back for so long. A deadline of the caller's own that ends a call is -ECANCELED, which says
 * nothing. A call that failed and delivered nothing has used no tokens, unless tokens_used says so.
 *
 * Threads: any; lock-free. Blocks: never.
 */
WEFT_API weft_gate_verdict weft_gate_leave(weft_gate *gate, weft_gate_pass *pass, const weft_gate_outcome *outcome,
                                           uint64_t now_ns);

/** Give up, wherever the pass is; nothing happens if it is nowhere. What it had reserved is given back. Threads: any. */
WEFT_API void weft_gate_cancel(weft_gate *gate, weft_gate_pass *pass, uint64_t now_ns);

/** What an answer's head says of limits; zeroed before its first field. */
typedef struct weft_gate_hints {
	uint64_t retry_after_ns; /* retry-after-ms, else Retry-After, else the longest reset of a quota that is used up */
	uint8_t server_says;     /* x-should-retry: weft_gate_server_says */
	uint8_t rank;            /* private, as all below */
	uint8_t used_up;
	uint8_t reserved;
	uint64_t reset_ns[2];
} weft_gate_hints;

/**
 * Read one field of an answer's head: Retry-After, retry-after-ms, x-should-retry, x-ratelimit-remaining-requests and
 * -tokens, x-ratelimit-reset-requests and -tokens. Others are passed over, as are malformed ones; a time is at most a day.
 * @param name     any case
 * @param wall_ms  Unix time, for a Retry-After that is a date
 * Threads: any.
 */
WEFT_API void weft_gate_hint(weft_gate_hints *hints, weft_str name, weft_str value, int64_t wall_ms);

typedef enum weft_breaker_state { WEFT_BREAKER_CLOSED = 0, WEFT_BREAKER_OPEN, WEFT_BREAKER_HALF_OPEN } weft_breaker_state;

typedef struct weft_gate_stats {
	uint32_t size;          /* sizeof(weft_gate_stats), set by the caller */
	uint32_t under_way;     /* places taken: calls under way, and those that wait for their turn in a bucket */
	uint32_t concurrency;   /* the limit just now */
	uint32_t waiting;       /* for a place */
	uint32_t breaker;       /* weft_breaker_state */
	uint32_t reserved;
	uint64_t held_until_ns; /* the endpoint asked for quiet until then; 0: never did */
	uint64_t refused_breaker, refused_overload, refused_deadline;
	uint64_t retries, retries_denied; /* denied: only their share stood against it */
	uint64_t cuts;                    /* of the concurrency limit */
	uint64_t breaker_opened;          /* from closed */
} weft_gate_stats;

/** A moment's view; each number is right, they need not fit each other. @return 0 or -EINVAL. Threads: any. */
WEFT_API int weft_gate_stats_read(const weft_gate *gate, weft_gate_stats *ret_stats);

WEFT_END_DECLS

#endif
