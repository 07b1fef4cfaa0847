/* SPDX-License-Identifier: Apache-2.0 */
/*
 * actors/openai/wire.h - the OpenAI HTTP API as bytes: requests written, answers read.
 * No I/O here: what is written goes anywhere, what is read came from anywhere.
 *
 * The API is spoken by many servers, each with an accent of its own (OpenAI, vLLM,
 * llama.cpp, Ollama and what copies them). The reader takes all of them; the
 * differences are listed in docs/internals/models.md, with a fixture each.
 */
#ifndef WEFT_ACTORS_OPENAI_WIRE_H
#define WEFT_ACTORS_OPENAI_WIRE_H

#include <weft/json.h>
#include <weft/model.h>

#include "actors/remote/answering.h"

/* How a server wants to be spoken to. */
struct weft__openai_accent {
	bool developer;         /* instructions have the role "developer" instead of "system" */
	bool completion_tokens; /* max_completion_tokens instead of max_tokens */
	bool no_temperature;    /* temperature and top_p are not sent: models that reason refuse them */
	bool no_usage;          /* stream_options is not sent: servers that do not know it refuse it */
	bool float_embeddings;  /* encoding_format float instead of base64 */
	weft_str extra_json;    /* members of an object, added to each request body; its text, checked when it was set */
};

/**
 * The body of POST /chat/completions. @param model  used when the request names none
 * @return 0 and the text, w's until its next use; -EINVAL with a reason in err, -ENOMEM
 */
int weft__openai_write_chat(weft_json_writer *w, const weft_model_request *req, const struct weft__openai_accent *accent,
                            weft_str model, bool stream, weft_str *ret_body, weft_error *err);

/** The body of POST /embeddings. */
int weft__openai_write_embeddings(weft_json_writer *w, const weft_model_request *req,
                                  const struct weft__openai_accent *accent, weft_str model, weft_str *ret_body,
                                  weft_error *err);

/* ---- reading ----------------------------------------------------------------------- */

/** A stream of answers' pieces. */
struct weft__openai_stream {
	struct weft__answering answering;
	weft_str key; /* not to be in an error; borrowed */
	bool finished; /* a finish reason has come */
	bool done;     /* [DONE]: nothing behind it counts */
};

void weft__openai_stream_begin(struct weft__openai_stream *s, weft_str key);

/**
 * One event's data: a chunk as JSON, or [DONE]. Errors stick, and the rest is passed over.
 * @return 0, or what the stream has failed with: an error of the provider's, WEFT_EPARSE, -EMSGSIZE, -ENOMEM
 */
int weft__openai_stream_data(struct weft__openai_stream *s, weft_str data);

/** The stream has ended. @return 0 and the response, or -EPIPE: it ended before the answer did; or an earlier error */
int weft__openai_stream_end(struct weft__openai_stream *s, weft_model_response *ret_response);

/** A whole body, answer or error. answering was begun. @return as weft__openai_stream_end, WEFT_EPARSE */
int weft__openai_read_chat(struct weft__answering *a, weft_str body, weft_str key, weft_model_response *ret_response);

/** A body of embeddings: rows in the order of the inputs. @return 0, WEFT_EPARSE with a reason, an error of the provider's, -ENOMEM */
int weft__openai_read_embeddings(weft_arena *arena, weft_str body, uint32_t inputs, weft_str key,
                                 weft_model_response *ret_response, weft_error *err);

#endif
