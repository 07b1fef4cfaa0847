/* SPDX-License-Identifier: Apache-2.0 */
/*
 * net/mcp/http.h - a server behind a URL: streamable HTTP.
 *
 * Each message is a POST. Its answer is JSON, or a stream of events that ends with the answer; a stream
 * that breaks before it is taken up again after its last event (GET with Last-Event-ID). One more GET,
 * if the server has such a thing, brings what it says by itself.
 *
 *     post -> head -> JSON ------------------------------------------------> done
 *                 \-> events -> ended before the answer -> pause -> GET -> events ... -> done
 *
 * The server names the session in its first answer (Mcp-Session-Id); 404 later means that it has forgotten
 * it, and the transport is lost. close says DELETE, so that the server can forget it at once.
 *
 * With an oauth each request carries its token. One that is refused for want of a better one waits for that and goes once more; so
 * does one whose token is over.
 *
 * A server that asks much, takes no answers and ends no stream holds a bounded number of connections: about a hundred, or
 * twice as many as calls were awaited at once.
 */
#ifndef WEFT_NET_MCP_HTTP_H
#define WEFT_NET_MCP_HTTP_H

#include "net/http/client.h"
#include "net/http/message.h"
#include "net/mcp/transport.h"
#include "runtime/io/loop.h"

#define WEFT__MCP_SESSION_ID_BYTES 512u
#define WEFT__MCP_HTTP_FIELDS 32u /* of the owner's, at most */

struct weft__mcp_exchange;
struct weft__oauth;

struct weft__mcp_http_options {
	weft_str url;
	const struct weft__http_field *fields; /* for every request: Authorization and the like */
	uint32_t field_count;
	size_t message_bytes_max;
	uint64_t retry_ns;     /* the pause before a stream is taken up again, when the server names none */
	uint64_t retry_ns_min, retry_ns_max; /* and the shortest and the longest one, whatever it names */
	uint64_t end_ns;       /* patience for DELETE */
	const char *ca_file, *proxy; /* as struct weft__http_request */
	bool insecure;
	struct weft__oauth *oauth; /* the owner's, longer than the transport; NULL: a refusal is the end */
};

struct weft__mcp_http {
	struct weft__mcp_transport transport; /* first */
	/* private */
	struct weft__loop *loop;
	struct weft__mcp_http_options options; /* strings: the owner's, as long as the transport */
	char session_id[WEFT__MCP_SESSION_ID_BYTES + 1]; /* "" when there is none */
	const char *version; /* NULL until the handshake was done */
	struct weft__mcp_exchange *exchanges;            /* under way */
	struct weft__mcp_exchange *waiting, **waiting_end; /* until the server has seen the handshake's end */
	uint32_t posts, told; /* POSTs that are not over; of them those that nobody waits for: answers, notifications */
	uint32_t look_at;     /* so many POSTs: look which were answered; 0: at the first bound */
	bool greeted;  /* the next message ends the handshake */
	bool greeting; /* it is on its way: nothing may overtake it */
	bool closing, lost, deleting;
	struct weft__job job;
};

/* 0. Nothing is sent yet. transport.heard is set by the owner before. */
int weft__mcp_http_open(struct weft__loop *loop, struct weft__mcp_http *http, const struct weft__mcp_http_options *options);

#endif
