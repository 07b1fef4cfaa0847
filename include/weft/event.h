/* SPDX-License-Identifier: Apache-2.0 */
/*
 * weft/event.h - what agents do, as a stream anyone may watch.
 *
 * Each worker writes its events into a bounded ring of its own; a subscription
 * is a cursor over all of them, so a second subscriber costs the workers
 * nothing. Without a subscriber nothing is written. A read gives events in time
 * order; those of one agent come in the order they happened, over all reads.
 *
 * Source: docs/internals/events.md, docs/decisions/0002-shared-event-rings.md.
 */
#ifndef WEFT_EVENT_H
#define WEFT_EVENT_H

#include <weft/actor.h>
#include <weft/base.h>
#include <weft/json.h>
#include <weft/uuid.h>

WEFT_BEGIN_DECLS

typedef enum weft_event_scope {
	WEFT_SCOPE_WORKFLOW = 0, /* one handled message or ask, as a whole */
	WEFT_SCOPE_STEP,         /* workflow_step: one stage of it */
	WEFT_SCOPE_AGENT,
	WEFT_SCOPE_LLM, /* "llm_request" */
	WEFT_SCOPE_TOOL,
	WEFT_SCOPE_SYSTEM
} weft_event_scope;

typedef enum weft_event_type {
	WEFT_EVENT_STARTED = 0,
	WEFT_EVENT_PROGRESS,
	WEFT_EVENT_COMPLETED,
	WEFT_EVENT_FAILED,
	WEFT_EVENT_CANCELED,
	WEFT_EVENT_LAGGED /* made by the subscription: lagged_events were lost here */
} weft_event_type;

/** pending, running, completed, failed, canceled follow from the type. */
WEFT_API const char *weft_event_status_name(weft_event_type type);
WEFT_API const char *weft_event_scope_name(weft_event_scope scope);
WEFT_API const char *weft_event_type_name(weft_event_type type);

typedef enum weft_field_kind {
	WEFT_FIELD_STR = 0,
	WEFT_FIELD_INT,
	WEFT_FIELD_DOUBLE,
	WEFT_FIELD_BOOL,
	WEFT_FIELD_JSON, /* valid JSON text */
	WEFT_FIELD_SINCE_MS /* emitted: weft_ticks() of a moment; read: a DOUBLE, from there to the event; 0 for 0 */
} weft_field_kind;

typedef union weft_event_number {
	int64_t i;
	double d;
	bool b;
	uint64_t ticks; /* SINCE_MS */
} weft_event_number;

/** A typed value in an event's data. Keys are static strings: only their address is kept, as long as the runtime lives. */
typedef struct weft_event_field {
	weft_str key;
	weft_field_kind kind;
	weft_str str; /* STR, JSON */
	weft_event_number num;
} weft_event_field;

#define WEFT_EVENT_FIELDS_MAX 8
#define WEFT_EVENT_BYTES_MAX 16384 /* longer text is cut and ends in "...", JSON becomes null */

/** What an emitter says. All texts but the fields' keys are copied before the call returns. */
typedef struct weft_event_desc {
	weft_event_scope scope;
	weft_event_type type;
	weft_str component_id; /* "name", "wf:step:N", "agent:llm:N", tool name, "system:*" */
	uint64_t workflow_id;  /* the run; 0 for none */
	uint64_t parent_workflow_id;
	weft_str message; /* for people; may be empty */
	const weft_event_field *fields;
	uint32_t field_count;
} weft_event_desc;

/** The name of a field, and what it holds. */
typedef struct weft_event_key {
	weft_str name;
	weft_field_kind kind;
} weft_event_key;

/* Initializer of a weft_event_key: the name is a literal. */
#define WEFT_EVENT_KEY(name_, kind_)                                                                       \
	{                                                                                                  \
		{ (name_), sizeof(name_) - 1 }, (kind_)                                                    \
	}

/**
 * What all events that one place in a program emits have in common. Only their values are written then, in less
 * room than a description takes; who reads sees no difference. Static, as keys are: its address is kept.
 */
typedef struct weft_event_form {
	weft_event_scope scope;
	weft_str step_prefix; /* not empty: the component is component_id, this and the step in decimal: "name:llm:3" */
	uint32_t text_count, number_count;           /* WEFT_EVENT_FIELDS_MAX together */
	weft_event_key keys[WEFT_EVENT_FIELDS_MAX]; /* of the texts (STR, JSON) first, then of the numbers */
} weft_event_form;

/** What one of them says. Texts are copied before the call returns. */
typedef struct weft_event_values {
	weft_event_type type;
	bool follows; /* at once after the event that this behaviour emitted last: shares its time, no clock is read */
	uint32_t step;
	uint64_t workflow_id;
	uint64_t parent_workflow_id;
	weft_str component_id;
	weft_str message;
	const weft_str *texts;            /* as many as the form has */
	const weft_event_number *numbers; /* likewise */
} weft_event_values;

/** A run's id: unique in the process. Threads: any; no shared line is written on a worker. */
WEFT_API uint64_t weft_workflow_id(weft_runtime *rt);

/** True when somebody listens: ask before preparing costly fields. Threads: any; one relaxed load. */
WEFT_API bool weft_events_wanted(const weft_runtime *rt);

/** Emit from inside a behaviour or from a foreign thread. Never fails; never waits. */
WEFT_API void weft_event_emit(weft_runtime *rt, const weft_event_desc *desc);

/**
 * Likewise, by a form. One with more than WEFT_EVENT_FIELDS_MAX keys says nothing.
 * @return weft_ticks() of the event, good for WEFT_FIELD_SINCE_MS; 0 when nothing was emitted.
 */
WEFT_API uint64_t weft_event_emit_form(weft_runtime *rt, const weft_event_form *form, const weft_event_values *values);

/** What a subscriber reads. Pointers live in the batch's buffer: until the next read or unsubscribe. */
typedef struct weft_event {
	uint64_t id;     /* unique in the runtime */
	/* names it: give it to weft_events_subscribe to replay; grows within a read and within a worker,
	   from read to read nearly always (docs/internals/events.md) */
	uint64_t offset;
	uint64_t timestamp_ns; /* weft_now_ns() when emitted */
	int64_t wall_ms;
	weft_event_scope scope;
	weft_event_type type;
	uint32_t worker;
	uint32_t field_count;
	uint64_t workflow_id;
	uint64_t parent_workflow_id;
	uint64_t lagged_events; /* LAGGED only */
	weft_str component_id;
	weft_str message;
	weft_event_field fields[WEFT_EVENT_FIELDS_MAX];
} weft_event;

typedef enum weft_lag_policy {
	WEFT_LAG_DROP_OLDEST = 0, /* a reader too slow loses the oldest, and is told how many */
	WEFT_LAG_BLOCK = 1 /* emitting actors lose their budget until the reader caught up, at most block_ns */
} weft_lag_policy;

typedef struct weft_subscribe_options {
	uint32_t size; /* set by WEFT_SUBSCRIBE_OPTIONS_INIT */
	uint32_t lag;  /* weft_lag_policy */
	uint64_t block_ns;    /* WEFT_LAG_BLOCK: after this long without a read it drops; 0 = 100 ms */
	uint64_t from_offset; /* replay what the history still holds from here; 0 = all of it; UINT64_MAX = only new */
	uint32_t scope_mask;  /* bit (1 << scope); 0 = all */
	uint32_t reserved;
} weft_subscribe_options;

#define WEFT_SUBSCRIBE_OPTIONS_INIT                                                                        \
	{                                                                                                  \
		.size = sizeof(weft_subscribe_options), .from_offset = UINT64_MAX                          \
	}

typedef struct weft_subscription weft_subscription;

/** @return 0, -EINVAL, -ENOMEM. Any number may exist. Threads: any. */
WEFT_API int weft_events_subscribe(weft_runtime *rt, const weft_subscribe_options *opt, weft_subscription **ret_sub);
WEFT_API void weft_events_unsubscribe(weft_subscription *sub);

/**
 * Take up to max events that are there; never waits.
 * @return how many, or -EINVAL, -ENOMEM (nothing was taken and nothing is lost: read again). Threads: one at a time a subscription; before destroying the runtime.
 */
WEFT_API int weft_events_read(weft_subscription *sub, weft_event *ret_events, uint32_t max);

/** Events lost to lag since the start. */
WEFT_API uint64_t weft_events_lost(const weft_subscription *sub);

/** One event as {id, offset, timestamp, scope, type, component_id, status, workflow_id, ..., data}. */
WEFT_API void weft_event_write_json(const weft_event *event, weft_json_writer *w);

WEFT_END_DECLS

#endif
