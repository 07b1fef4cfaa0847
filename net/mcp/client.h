/* SPDX-License-Identifier: Apache-2.0 */
/*
 * net/mcp/client.h - one server over time: sessions come and go, the client stays.
 *
 *            /------------- a failure too many, then the next task after a while --------\
 *     open -> STARTING --greeted, tools listed--> UP --lost--> PAUSE --back-off--> STARTING ...
 *                 \--failed--> PAUSE                          (FAILED after restarts_max in a row, or when it lets nobody in)
 *
 * What is under way when a session is lost fails and is never repeated: the server may have done it. A task
 * that comes between two sessions waits for the next one, as long as it likes; it has not been sent, so
 * that is safe. A failed start fails all that wait, with the reason.
 *
 * One loop, in its thread. Nothing is called back inside open, submit, withdraw or close, but a task's own
 * functions inside submit.
 */
#ifndef WEFT_NET_MCP_CLIENT_H
#define WEFT_NET_MCP_CLIENT_H

#include "net/mcp/catalog.h"
#include "net/mcp/http.h"
#include "net/mcp/session.h"
#include "net/mcp/program.h"
#include "net/mcp/veil.h"

struct weft__mcp_client;
struct weft__mcp_link;

/* Something to ask of whichever session is there. Embedded by its owner, until go or fail. */
struct weft__mcp_task {
	/* Ask it: open, write, commit. Negative: fail is called with it. */
	int (*go)(struct weft__mcp_task *task, struct weft__mcp_session *session);
	/* It never went out. why lives during the call. */
	void (*fail)(struct weft__mcp_task *task, int status, weft_str why);
	uint64_t until_ns; /* how long to wait for a session, as a time of weft_now_ns; UINT64_MAX: as long as it takes */
	struct weft__mcp_task *next; /* private */
	bool waits;                  /* private */
};

struct weft__mcp_client_fns {
	/* A session is there; its tools are catalog. Again after each restart. */
	void (*up)(struct weft__mcp_client *c);
	/* There is none, for a reason; restarts: another one will be tried by itself. */
	void (*down)(struct weft__mcp_client *c, int status, weft_str why, bool restarts);
	/* The tools are others now: c->catalog. Not for the first ones. */
	void (*tools_changed)(struct weft__mcp_client *c);
	void (*changed)(struct weft__mcp_client *c, enum weft__mcp_listed what); /* of the other lists */
	void (*updated)(struct weft__mcp_client *c, weft_str uri);
	void (*logged)(struct weft__mcp_client *c, weft_str level, weft_str logger, weft_str text);
	void (*asked)(struct weft__mcp_client *c, struct weft__mcp_asked *asked);
	void (*gone)(struct weft__mcp_client *c, struct weft__mcp_asked *asked);
	/* For a log. what: where it comes from. */
	void (*chatter)(struct weft__mcp_client *c, const char *what, weft_str text);
	/* The last call: nothing is in flight, all tasks have failed, the memory is the owner's again. */
	void (*closed)(struct weft__mcp_client *c);
};

/* Strings are the owner's, as long as the client. */
struct weft__mcp_client_options {
	struct weft__mcp_config config;
	struct weft__mcp_program_options program; /* argv NULL: http is meant */
	struct weft__mcp_http_options http;
	uint64_t backoff_ns, backoff_ns_max; /* before a restart: the first pause, doubled each time, the longest */
	uint32_t restarts_max;               /* in a row; a session that held for backoff_ns_max ends the row */
};

struct weft__mcp_client {
	/* the owner's, before open */
	const struct weft__mcp_client_fns *fns;
	struct weft__mcp_client_options options;
	/* to read */
	struct weft__mcp_catalog *catalog; /* of the last session that was up; NULL before the first */
	struct weft__mcp_link *link;       /* private, but for weft__mcp_client_session */
	/* private */
	struct weft__loop *loop;
	struct weft__resident resident;
	struct weft__alarm alarm;
	struct weft__job job;
	uint8_t state;
	uint32_t failures; /* in a row */
	uint64_t retry_ns; /* when to start again */
	uint64_t up_ns;    /* since when it is up */
	struct weft__mcp_task *tasks, **tasks_end;
	struct weft__mcp_link *dying; /* links that are being closed */
	char why[200];                /* there is no session */
	struct weft__veil veil;       /* over everything that the server says */
};

/* Start. 0, or -ESHUTDOWN: the loop is being retired, nothing comes. A server that cannot be started is told by down. */
int weft__mcp_client_open(struct weft__loop *loop, struct weft__mcp_client *c);

/* For one that could not be opened: submit fails from now on, as after close; closed does not come. */
void weft__mcp_client_refuse(struct weft__mcp_client *c);

/* The session, or NULL when none is up. */
struct weft__mcp_session *weft__mcp_client_session(struct weft__mcp_client *c);

/* go or fail is called now, or later. */
void weft__mcp_client_submit(struct weft__mcp_client *c, struct weft__mcp_task *task);
/* Take back a task that waits; neither is called. False: it does not wait. */
bool weft__mcp_client_withdraw(struct weft__mcp_client *c, struct weft__mcp_task *task);
/* After anything that was done with the session directly: its times may have changed. */
void weft__mcp_client_touched(struct weft__mcp_client *c);

/* End it: what is under way and what waits fails with -ECANCELED, then closed. */
void weft__mcp_client_close(struct weft__mcp_client *c);

#endif
