/* SPDX-License-Identifier: Apache-2.0 */
/*
 * net/mcp/transport.h - what carries the messages of one session: a child's pipes (program.h), or HTTP
 * requests and event streams (http.h).
 *
 *     open -> message ... message -> lost -> close -> closed
 *                  \------close (nothing more is told)--^
 *
 * A transport lives as long as one session, on one loop, in its thread. What is told comes inside a wait of
 * the loop, never inside open, send, forget or close; closed is the last of it.
 */
#ifndef WEFT_NET_MCP_TRANSPORT_H
#define WEFT_NET_MCP_TRANSPORT_H

#include <weft/base.h>

struct weft__mcp_transport;

/* What its owner hears. May call any function of the transport. */
struct weft__mcp_heard {
	/* A message of the server, or a batch of them. Valid during the call. */
	void (*message)(struct weft__mcp_transport *t, weft_str text);
	/*
	 * One call alone could not be asked or will not be answered. -EHOSTDOWN: it did not reach the server; -ESTALE: the server did
	 * not look at it, and lost follows; -EPROTO, -EACCES: it refused. After any other it may have been done.
	 */
	void (*failed)(struct weft__mcp_transport *t, int64_t id, int status, weft_str why);
	/* Nothing comes or goes any more, for a reason; once, and not after close. */
	void (*lost)(struct weft__mcp_transport *t, int status, weft_str why);
	/* Does anybody still wait for the answer to this call? */
	bool (*is_awaited)(struct weft__mcp_transport *t, int64_t id);
	/* This call waits for an authorization, which has patience of its own; or it goes on. May be NULL. */
	void (*held)(struct weft__mcp_transport *t, int64_t id, bool held);
	/* Something for a log: a line of the program's stderr, or of its stdout that is too long, a stream that broke. */
	void (*chatter)(struct weft__mcp_transport *t, weft_str text);
	/* Nothing is in flight: the memory is the owner's again. */
	void (*closed)(struct weft__mcp_transport *t);
};

struct weft__mcp_transport {
	const struct weft__mcp_heard *heard; /* the owner's to set */
	/* One message, copied. id: of the call it asks, else 0. 0, or negative: it did not go. */
	int (*send)(struct weft__mcp_transport *t, weft_str text, int64_t id);
	/* Nobody waits for the answer to this call any more. May be NULL. */
	void (*forget)(struct weft__mcp_transport *t, int64_t id);
	/* The handshake was done, in this version of the protocol (static text). May be NULL. */
	void (*greeted)(struct weft__mcp_transport *t, const char *version);
	/* End it, with what politeness the kind asks for. NULL in tests. */
	void (*close)(struct weft__mcp_transport *t);
};

#endif
