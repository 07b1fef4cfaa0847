/* SPDX-License-Identifier: Apache-2.0 */
/*
 * actors/mcp/client.h - a client as its host has it: the engine of net/mcp on its loop, and what other
 * threads may look at meanwhile.
 *
 *   host's threads --jobs--> loop's thread: engine --lock--> what is known
 */
#ifndef WEFT_ACTORS_MCP_CLIENT_H
#define WEFT_ACTORS_MCP_CLIENT_H

#include <pthread.h>

#include <weft/mcp.h>

#include "net/mcp/client.h"
#include "runtime/base/refs.h"

struct weft_mcp {
	struct weft__mcp_client engine; /* first; the loop's thread */
	struct weft__loop *loop;
	weft__refs users;        /* references; with the last one the engine is told to close */
	weft__refs holders;      /* of the memory: the users together, and the engine */
	struct weft__mcp_grant *grant; /* owned; NULL: no authorization; the loop's thread after open */
	struct weft__job opening, closing;
	_Atomic(uint8_t) close_posted; /* whoever sets it posts closing */
	weft_arena *arena;       /* the options' strings; immutable after open */
	weft_mcp_options options; /* with defaults, strings in arena */

	pthread_mutex_t lock; /* for all below; held for a few instructions */
	pthread_cond_t changed;
	struct weft__mcp_catalog *catalog; /* NULL until the first session */
	weft_mcp_info info;
	char *instructions;
	int status; /* 1: starting; 0: up; or why not */
	bool closed;
	char why[200];
};

/* Check opt, copy it into the client, fill the engine's options. */
int weft__mcp_options_take(weft_mcp *m, const weft_mcp_options *opt, weft_error *err);

void weft__mcp_log(const weft_mcp *m, weft_log_level level, const char *what, weft_str text);

/* The memory, not the server: for what is under way. */
void weft__mcp_hold(weft_mcp *m);
void weft__mcp_release(weft_mcp *m);

/*
 * Have job run in the loop's thread. 0, or -ESHUTDOWN: the engine has closed, and maybe the loop is no more. Any thread.
 */
int weft__mcp_post(weft_mcp *m, struct weft__job *job);

/* ---- oauth.c ---- */

/* The authorization that opt asks for, if it does; m->arena and the engine's options for HTTP are there. 0, or negative with err. */
int weft__mcp_oauth_take(weft_mcp *m, const weft_mcp_options *opt, weft_error *err);
/* Could such a server be authorized for: an address that tokens may go to, no Authorization header, a build that can? */
bool weft__mcp_oauth_fits(const weft_mcp_options *opt);
void weft__mcp_oauth_free(weft_mcp *m); /* closed, or never opened */
/* The loop's thread. */
void weft__mcp_oauth_open(weft_mcp *m);
void weft__mcp_oauth_close(weft_mcp *m, void (*closed)(weft_mcp *m)); /* closed comes, maybe at once */

/* hooks.question, in the loop's thread. */
void weft__mcp_question_begin(weft_mcp *m, struct weft__mcp_asked *asked);
void weft__mcp_question_gone(weft_mcp *m, struct weft__mcp_asked *asked);

/* How long a person may take; 0: nobody is asked. Any thread. */
uint64_t weft__mcp_oauth_person_ns(const weft_mcp *m);

/* How long a start may take, with a person who may have to let it in. */
uint64_t weft__mcp_start_span_ns(const weft_mcp *m);

/* Until when a task waits for a session, from now. */
uint64_t weft__mcp_patience(const weft_mcp *m);

#endif
