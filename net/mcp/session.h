/* SPDX-License-Identifier: Apache-2.0 */
/*
 * net/mcp/session.h - the client's side of one MCP session: handshake, what the server can do, calls,
 * lists page by page, and what the server asks of us.
 *
 * Still no I/O: messages leave by a struct weft__mcp_transport and come back by weft__mcp_received. The
 * time is weft_now_ns; whoever owns the session sets an alarm for weft__mcp_due after each entry.
 *
 *     NEW --start--> GREETING --initialize answered--> READY --lost, end--> OVER
 *                        \--refused, timed out, lost----------------------^
 *
 * A session is used once: after a loss its owner makes a new one. Versions of the protocol:
 * 2025-11-25, 2025-06-18, 2025-03-26, 2024-11-05. One thread at a time; no callback comes inside
 * start, commit, list_start, answer or refuse.
 */
#ifndef WEFT_NET_MCP_SESSION_H
#define WEFT_NET_MCP_SESSION_H

#include "net/mcp/rpc.h"
#include "net/mcp/transport.h"

struct weft__mcp_session;

enum { /* capabilities of the server */
	WEFT__MCP_TOOLS = 1,
	WEFT__MCP_TOOLS_CHANGE = 2,
	WEFT__MCP_RESOURCES = 4,
	WEFT__MCP_RESOURCES_CHANGE = 8,
	WEFT__MCP_SUBSCRIBE = 16,
	WEFT__MCP_PROMPTS = 32,
	WEFT__MCP_PROMPTS_CHANGE = 64,
	WEFT__MCP_LOGGING = 128,
	WEFT__MCP_COMPLETIONS = 256
};

enum weft__mcp_listed {
	WEFT__MCP_LIST_TOOLS,
	WEFT__MCP_LIST_RESOURCES,
	WEFT__MCP_LIST_TEMPLATES,
	WEFT__MCP_LIST_PROMPTS
};

/* The server asks for a sampling or an elicitation. The session's until answered, refused or gone. */
struct weft__mcp_asked {
	weft_str method;
	weft_json params;
	void *user; /* the owner's */
	/* private */
	struct weft__mcp_session *session;
	struct weft__mcp_asked *next;
	weft_json_doc *doc;
	struct weft__rpc_id id;
};

struct weft__mcp_session_fns {
	/* The handshake is over, once: 0, or why there is no session. */
	void (*ready)(struct weft__mcp_session *s, int status, weft_str why);
	/* A list is not what it was. */
	void (*changed)(struct weft__mcp_session *s, enum weft__mcp_listed what);
	/* A resource that was subscribed to. */
	void (*updated)(struct weft__mcp_session *s, weft_str uri);
	/* The server logs; text is its message, or JSON. */
	void (*logged)(struct weft__mcp_session *s, weft_str level, weft_str logger, weft_str text);
	/* Answer now or later. Only what config offers comes. */
	void (*asked)(struct weft__mcp_session *s, struct weft__mcp_asked *asked);
	/* The server needs no answer any more, or the session is over; asked is freed after it. */
	void (*gone)(struct weft__mcp_session *s, struct weft__mcp_asked *asked);
	/* For a log: something odd came. */
	void (*odd)(struct weft__mcp_session *s, const char *what, weft_str text);
};

struct weft__mcp_config {
	const char *client_name, *client_version;
	const char *const *roots; /* file:// URIs that the server may ask for; NULL: roots are not offered */
	uint32_t root_count;
	bool sampling, elicitation; /* offered to the server: fns->asked answers them */
	const char *log_level;      /* from which level on the server shall log; NULL: as it likes */
	uint64_t greet_ns;          /* patience for the handshake; 0: no limit */
	uint64_t list_ns;           /* and for one page of a list */
	uint32_t calls_max;         /* of ours under way; 0: 1024 */
	uint32_t asked_max;         /* of the server's; 0: 16 */
	uint32_t items_max;         /* of one list; 0: 4096 */
};

struct weft__mcp_session {
	struct weft__rpc rpc; /* first */
	const struct weft__mcp_session_fns *fns;
	const struct weft__mcp_config *config; /* the owner's, as long as the session */
	struct weft__mcp_transport *transport; /* the same */
	/* after the handshake */
	const char *version; /* static */
	uint32_t capabilities;
	char *server_name, *server_version, *instructions; /* owned; may be NULL */
	/* private */
	uint8_t state;
	struct weft__rpc_call hello;
	struct weft__rpc_call level;
	struct weft__mcp_asked *asked;
	uint32_t asked_count;
};

/* 0 or -ENOMEM. */
int weft__mcp_init(struct weft__mcp_session *s, const struct weft__mcp_session_fns *fns,
                   const struct weft__mcp_config *config, struct weft__mcp_transport *transport);
/* After weft__mcp_lost, or without start. Not inside a callback of the session. */
void weft__mcp_fini(struct weft__mcp_session *s);

/* Greet. 0: ready comes. Negative: it could not be sent, and ready does not come. */
int weft__mcp_start(struct weft__mcp_session *s);
bool weft__mcp_is_ready(const struct weft__mcp_session *s);

/* What the transport told: a message; one call failed alone; nothing comes or goes any more (also to end a session from our side). */
void weft__mcp_received(struct weft__mcp_session *s, weft_str text);
void weft__mcp_failed(struct weft__mcp_session *s, int64_t id, int status, weft_str why);
void weft__mcp_lost(struct weft__mcp_session *s, int status, weft_str why);

/* It waits for something that is not the server's answer, or goes on: its times stand still meanwhile. */
void weft__mcp_held(struct weft__mcp_session *s, int64_t id, bool held);

/* Is this call under way? */
bool weft__mcp_is_awaited(const struct weft__mcp_session *s, int64_t id);

uint64_t weft__mcp_due(const struct weft__mcp_session *s);
void weft__mcp_tick(struct weft__mcp_session *s);

/* Any request: open, write the members of params, commit (as weft__rpc_commit, and -ENOTCONN when not ready). */
weft_json_writer *weft__mcp_open(struct weft__mcp_session *s, struct weft__rpc_call *call, weft_str method);
int weft__mcp_commit(struct weft__mcp_session *s);
/* tools/call; arguments an object, or none. */
int weft__mcp_call_tool(struct weft__mcp_session *s, struct weft__rpc_call *call, weft_str name, weft_json arguments);
/* Take a call back; its done does not come. */
void weft__mcp_drop(struct weft__mcp_session *s, struct weft__rpc_call *call, weft_str reason);

/* Answer with a JSON object, refuse with a code: asked is gone then. Negative (-EINVAL, WEFT_ESCHEMA, -ENOMEM): it is not. */
int weft__mcp_answer(struct weft__mcp_asked *asked, weft_json result, weft_error *err);
void weft__mcp_refuse(struct weft__mcp_asked *asked, int code, weft_str message);

/*
 * All of a list, page by page. 0: item comes for each, then done once; -EOPNOTSUPP: the server has no such list; or as
 * commit. A list that repeats a cursor or is too long fails with -EBADMSG or -E2BIG.
 */
struct weft__mcp_list {
	int (*item)(struct weft__mcp_list *list, weft_json item); /* negative: done comes with it */
	void (*done)(struct weft__mcp_list *list, int status, weft_str why);
	/* private */
	struct weft__rpc_call call;
	struct weft__mcp_session *session;
	enum weft__mcp_listed what;
	uint32_t items, pages;
	char *cursor; /* owned: of the page under way */
};
int weft__mcp_list_start(struct weft__mcp_session *s, struct weft__mcp_list *list, enum weft__mcp_listed what);
/* Give up; done does not come. Idle ones are fine. */
void weft__mcp_list_stop(struct weft__mcp_list *list);

#endif
