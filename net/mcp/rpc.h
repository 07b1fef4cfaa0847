/* SPDX-License-Identifier: Apache-2.0 */
/*
 * net/mcp/rpc.h - JSON-RPC 2.0, both ways, over anything that carries whole messages.
 *
 * No I/O and no clock: messages go out by fns->send and come in by weft__rpc_receive, the time is an
 * argument, and weft__rpc_due says when weft__rpc_tick is wanted next. Progress and cancellation are
 * part of it, in the words of MCP (notifications/progress, notifications/cancelled).
 *
 * A call is embedded by its owner:
 *
 *     idle --open, keys, commit--> under way --answer, error, timeout, end--> done(), idle again
 *                                       \--weft__rpc_drop--> idle, without done
 *
 * done comes exactly once for each commit that returned 0 and was not dropped, never inside commit or
 * drop. An id is used once in an engine's life, so a late or repeated answer finds nobody.
 *
 * One thread at a time. A callback may call anything here but fini.
 */
#ifndef WEFT_NET_MCP_RPC_H
#define WEFT_NET_MCP_RPC_H

#include <weft/error.h>
#include <weft/json.h>

#define WEFT__RPC_BUCKETS 64u
#define WEFT__RPC_ID_BYTES 96u /* of the peer's ids, as JSON */

enum { /* the codes of JSON-RPC */
	WEFT__RPC_PARSE_ERROR = -32700,
	WEFT__RPC_INVALID_REQUEST = -32600,
	WEFT__RPC_NO_METHOD = -32601,
	WEFT__RPC_INVALID_PARAMS = -32602,
	WEFT__RPC_INTERNAL = -32603
};

/* The peer's id of its request: a string or a whole number, kept as it was written. */
struct weft__rpc_id {
	uint32_t len_bytes; /* 0: null */
	char json[WEFT__RPC_ID_BYTES];
};

/*
 * How a call ended. status is 0, or -EREMOTEIO (the peer answered with an error: code, message, data), -EBADMSG (its
 * answer is none), -ETIMEDOUT, or what the engine ended with.
 */
struct weft__rpc_answer {
	int status;
	weft_json result; /* status 0; valid during done */
	int64_t code;     /* -EREMOTEIO */
	weft_str message; /* never empty when status is not 0; valid during done */
	weft_json data;
};

struct weft__rpc_call {
	uint64_t timeout_ns; /* without an answer or progress; 0: no limit */
	uint64_t total_ns;   /* with all the progress in the world; 0: no limit */
	bool whole;          /* not to be called off: the peer is not told when it times out or is dropped */
	void (*done)(struct weft__rpc_call *call, const struct weft__rpc_answer *answer);
	void (*progress)(struct weft__rpc_call *call, double progress, double total, weft_str message); /* NULL: not asked for; total 0: not known */
	/* private */
	int64_t id; /* 0: idle */
	uint64_t due_ns, last_ns;
	struct weft__rpc_call *chain;       /* of its bucket */
	struct weft__rpc_call *next, *prev; /* by due */
};

struct weft__rpc;

struct weft__rpc_fns {
	/* One message. id: of the call it asks, 0 for notifications and answers. 0, or negative: it did not go. */
	int (*send)(struct weft__rpc *rpc, weft_str text, int64_t id);
	/* A call is over for us while the peer may still work on it: it timed out or was dropped. May be NULL. */
	void (*forget)(struct weft__rpc *rpc, int64_t id);
	/* The peer asks: answer, now or later, with weft__rpc_answer_* or weft__rpc_refuse. params lives during the call. */
	void (*asked)(struct weft__rpc *rpc, const struct weft__rpc_id *id, weft_str method, weft_json params);
	void (*notified)(struct weft__rpc *rpc, weft_str method, weft_json params);
	/* Something came that is no message, or that nobody waits for. For a log; may be NULL. */
	void (*odd)(struct weft__rpc *rpc, const char *what, weft_str text);
};

struct weft__rpc {
	const struct weft__rpc_fns *fns;
	uint32_t calls_max; /* under way at once; 0: 1024 */
	bool batches;       /* arrays of messages are taken */
	/* private */
	uint32_t calls;
	int ended; /* 0, or what it ended with */
	int64_t last_id;
	weft_json_writer *writer;
	struct weft__rpc_call *opened; /* between open and commit */
	struct weft__rpc_call *first, *last;
	struct weft__rpc_call *buckets[WEFT__RPC_BUCKETS];
};

/* 0 or -ENOMEM. */
int weft__rpc_init(struct weft__rpc *rpc, const struct weft__rpc_fns *fns);
/* After weft__rpc_end. */
void weft__rpc_fini(struct weft__rpc *rpc);

/*
 * Ask: open, write the members of params, commit. Mistakes and refusals stick until commit.
 * commit: 0, -EAGAIN (calls_max are under way), -EALREADY (this one is), -EINVAL (what was written), -ENOMEM, what send or the
 * engine ended with.
 */
weft_json_writer *weft__rpc_open(struct weft__rpc *rpc, struct weft__rpc_call *call, weft_str method);
int weft__rpc_commit(struct weft__rpc *rpc, uint64_t now_ns);

/* Tell: the same without an answer. */
weft_json_writer *weft__rpc_notify_open(struct weft__rpc *rpc, weft_str method);
int weft__rpc_notify_commit(struct weft__rpc *rpc);

/* Answer: open, write one value, commit. */
weft_json_writer *weft__rpc_answer_open(struct weft__rpc *rpc, const struct weft__rpc_id *id);
int weft__rpc_answer_commit(struct weft__rpc *rpc);
int weft__rpc_refuse(struct weft__rpc *rpc, const struct weft__rpc_id *id, int code, weft_str message);

/* Forget a call under way and tell the peer (reason may be empty); done does not come. Idle ones are fine. */
void weft__rpc_drop(struct weft__rpc *rpc, struct weft__rpc_call *call, weft_str reason);

/* One message of the peer, or a batch. Never fails: what is wrong with it is told by odd, and to the peer where it asks. */
void weft__rpc_receive(struct weft__rpc *rpc, weft_str text, uint64_t now_ns);

/* The transport gave up on one call: done comes with status and why. Unknown ids are fine. */
void weft__rpc_failed(struct weft__rpc *rpc, int64_t id, int status, weft_str why);

/* Is a call of this id under way? */
bool weft__rpc_is_awaited(const struct weft__rpc *rpc, int64_t id);

/* The call has not been asked yet, for a reason that is not the peer's: its times stand still, or begin now. Unknown ids are fine. */
void weft__rpc_hold(struct weft__rpc *rpc, int64_t id, bool held, uint64_t now_ns);

/* When the next call times out; UINT64_MAX: never. */
uint64_t weft__rpc_due(const struct weft__rpc *rpc);
void weft__rpc_tick(struct weft__rpc *rpc, uint64_t now_ns);

/* Over: each call under way is done with status (negative) and why, and nothing goes out any more. */
void weft__rpc_end(struct weft__rpc *rpc, int status, weft_str why);

#endif
