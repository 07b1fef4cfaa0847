/* SPDX-License-Identifier: Apache-2.0 */
/*
 * net/mock_llm/mock.h - the endpoint, its part on each loop, and a request under way; for the files of this room.
 *
 *     mock_llm.c   start, stop, options       route.c   which request is whose, and what goes wrong with it on purpose
 *     run.c        an answer in time          openai.c, anthropic.c   its bytes        embeddings.c
 */
#ifndef WEFT_NET_MOCK_LLM_MOCK_H
#define WEFT_NET_MOCK_LLM_MOCK_H

#include <weft/mock_llm.h>

#include "net/http/server.h"
#include "net/http/write.h"
#include "net/mock_llm/answer.h"
#include "net/mock_llm/draw.h"
#include "net/mock_llm/fixture.h"
#include "runtime/io/loop.h"

/* What happens on one loop. Only its thread touches it, but for the counts, which others read. */
struct weft__mock_node {
	struct weft_mock_llm *mock;
	struct weft__loop *loop;
	weft_json_writer *json;        /* owned; one value at a time */
	struct weft__http_writer out;  /* one event or body at a time */
	uint64_t answers;              /* in one piece; numbers them */
	_Atomic(uint64_t) refused, faults, streams, events, tokens, embeddings;
};

struct weft_mock_llm {
	weft_mock_llm_options options; /* its strings are not: */
	char *api_key;                 /* owned; NULL: none */
	char url[80];
	struct weft__draw_times latency;
	struct weft__fixture fixture;
	struct weft__http_service *service;
	_Atomic(uint64_t) number;      /* of the next request */
	uint32_t node_count;
	struct weft__mock_node *nodes; /* owned */
};

struct weft__mock_run;

/* An API's way to put answers. The bytes go to node->out; 0 or -ENOMEM. */
struct weft__dialect {
	const char *id_prefix;
	int (*ask)(weft_json body, const struct weft_mock_llm *mock, weft_arena *arena, struct weft__ask *ret, struct weft__fault *fault);
	int (*whole)(struct weft__mock_run *run); /* the body of an answer; -EINVAL: run->fault is the answer */
	int (*begin)(struct weft__mock_run *run);                                         /* events before the pieces */
	int (*piece)(struct weft__mock_run *run, const struct weft__answer_piece *piece); /* one event, or some */
	int (*end)(struct weft__mock_run *run);                                           /* events behind them */
	int (*error)(struct weft__mock_node *node, const struct weft__fault *fault);      /* the body of an error */
	int (*overload)(struct weft__fault *fault, int status);                           /* a fault made on purpose */
};

extern const struct weft__dialect weft__dialect_openai, weft__dialect_anthropic, weft__dialect_embeddings;

/* An answer under way. Freed when the exchange is over. */
struct weft__mock_run {
	struct weft__http_exchange *x;
	struct weft__mock_node *node;
	const struct weft__dialect *dialect;
	weft_arena *arena;             /* owned; run lies in it */
	weft_json_doc *doc;            /* owned: the request */
	struct weft__alarm alarm;
	struct weft__rng rng;
	struct weft__ask ask;
	struct weft__reply *replies;   /* one a choice that was asked for */
	struct weft__answer_piece *pieces; /* of all of them, in turns */
	uint32_t piece_count;
	uint64_t completion_tokens;
	struct weft__fault fault;      /* status not 0: this is the answer */
	int drop;                      /* WEFT__DROP_ */
	uint64_t due_ns;               /* of the first token */
	int64_t created_s;
	weft_str id, event_head;       /* event_head: OpenAI's, up to the choice's index */
	uint32_t sent;                 /* pieces */
	bool begun;
	uint8_t open_block;            /* Anthropic's: of which kind, and one */
	uint32_t block;
};

/* run.c: begin. The run is over by itself from then on. */
void weft__mock_run_start(struct weft__mock_run *run);
void weft__mock_run_free(struct weft__mock_run *run);

/* route.c: the handler of a service; user is a node. */
void weft__mock_request(struct weft__http_exchange *x, void *user);
/* Answer at once, with a fault or what node->out holds. */
void weft__mock_fault(struct weft__http_exchange *x, struct weft__mock_node *node, const struct weft__dialect *dialect,
                      const struct weft__fault *fault);
void weft__mock_respond_json(struct weft__http_exchange *x, struct weft__mock_node *node, int status);
/* What node->json holds, to node->out. */
int weft__mock_put_json(struct weft__mock_node *node);

static inline void weft__mock_put(struct weft__mock_node *node, weft_str s)
{
	weft__http_write_bytes(&node->out, s.ptr, s.len_bytes);
}

#endif
