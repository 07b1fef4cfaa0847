/* SPDX-License-Identifier: Apache-2.0 */
/*
 * actors/anthropic/wire.h - the Anthropic messages API as bytes: requests written, answers
 * read. No I/O here.
 *
 * It differs from the other API in what it names, not in what it says: instructions stand
 * apart from the messages, a turn is a list of blocks, a tool's answer is a block of a user's
 * turn, turns must alternate, and max_tokens must be given.
 */
#ifndef WEFT_ACTORS_ANTHROPIC_WIRE_H
#define WEFT_ACTORS_ANTHROPIC_WIRE_H

#include <weft/json.h>
#include <weft/model.h>

#include "actors/remote/answering.h"

#define WEFT__ANTHROPIC_TOKENS 8192u /* max_tokens when the request names none */

/* What the provider's options say of each request. */
struct weft__anthropic_manner {
	uint32_t thinking_tokens; /* budget of extended thinking; 0: off */
	bool cache;               /* mark instructions and tools for the prompt cache */
	weft_str extra_json;      /* members of an object, added to each request body */
};

/**
 * The body of POST /v1/messages. json_schema is asked for in the instructions: it is checked afterwards, in
 * any case. @return 0 and the text, w's until its next use; -EINVAL with a reason in err, -ENOMEM
 */
int weft__anthropic_write(weft_json_writer *w, const weft_model_request *req, const struct weft__anthropic_manner *manner,
                          weft_str model, bool stream, weft_str *ret_body, weft_error *err);

/** A stream of events. */
struct weft__anthropic_stream {
	struct weft__answering answering;
	weft_str key;   /* not to be in an error; borrowed */
	bool finished;  /* a stop reason has come, or message_stop */
	bool stopped;   /* message_stop: nothing follows */
	int64_t thought; /* index of the block of thoughts that is open; -1: none */
	struct weft__buf thought_text, thought_signature;
};

void weft__anthropic_stream_begin(struct weft__anthropic_stream *s, weft_str key);
/** One event's data. @return 0, or what the stream has failed with; errors stick */
int weft__anthropic_stream_data(struct weft__anthropic_stream *s, weft_str data);
/** @return 0 and the response, or -EPIPE: the stream ended before the answer did; or an earlier error */
int weft__anthropic_stream_end(struct weft__anthropic_stream *s, weft_model_response *ret_response);

/** A whole body, answer or error. answering was begun. */
int weft__anthropic_read(struct weft__answering *a, weft_str body, weft_str key, weft_model_response *ret_response);

#endif
