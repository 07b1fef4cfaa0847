/* SPDX-License-Identifier: Apache-2.0 */
/*
 * weft/mock_llm.h - a model's HTTP endpoint that costs nothing: for benches, tests, and users' own load tests.
 *
 * It speaks the OpenAI API (POST /v1/chat/completions, /v1/embeddings, GET /v1/models) and Anthropic's POST
 * /v1/messages, streaming and not, checks requests as strictly as the real ones, and fails as often as it is told to.
 * What it answers comes from a fixture file, or is made up. The same seed gives the same answers, waits and faults.
 * docs/guide/mock-llm.md tells more.
 */
#ifndef WEFT_MOCK_LLM_H
#define WEFT_MOCK_LLM_H

#include <weft/base.h>
#include <weft/error.h>
#include <weft/runtime.h>

WEFT_BEGIN_DECLS

typedef struct weft_mock_llm weft_mock_llm;

/** Everything 0 or NULL: loopback, a free port, all workers, answers at once, no faults. Strings are copied. */
typedef struct weft_mock_llm_options {
	uint32_t size;        /* sizeof(weft_mock_llm_options) */
	uint32_t workers;     /* of the runtime's, the first so many; 0: all */
	const char *address;  /* an IPv4 or IPv6 address; NULL: 127.0.0.1 */
	uint16_t port;        /* 0: any that is free */
	bool by_request;      /* what is drawn depends on the request's content, not on its number */
	bool strict;          /* parameters that OpenAI does not know are refused too */
	uint64_t seed;
	/**
	 * How long until the first token: "200" or "200ms" (always), "lognormal:200:0.5" (median in ms and sigma of the
	 * logarithm), "file:PATH" (milliseconds, one a line: each drawn as likely). NULL: at once.
	 */
	const char *latency;
	double tokens_per_s;  /* how fast the others follow; 0: at once */
	uint32_t answer_tokens; /* length of made-up answers; 0: they repeat what the user said */
	/** How many of all requests, 0 to 1, get a 429, a 500, a 503; their sum and the two below is at most 1. */
	double rate_429, rate_500, rate_503;
	double rate_drop_before; /* are cut off before any byte of the answer */
	double rate_drop_middle; /* are cut off in the middle of it */
	uint32_t retry_after_s;  /* in the Retry-After of a 429 and a 503; 0: 1 */
	uint32_t dimensions;     /* of embeddings; 0: 1536 */
	uint32_t connections_max; /* 0: 10,000 a worker */
	const char *api_key;  /* asked for (Authorization: Bearer, or x-api-key); NULL: none is */
	const char *fixture;  /* a JSON file of scripted answers; see the guide */
} weft_mock_llm_options;

#define WEFT_MOCK_LLM_OPTIONS_INIT { .size = sizeof(weft_mock_llm_options) }

/** What it did so far. */
typedef struct weft_mock_llm_stats {
	uint32_t size;        /* sizeof(weft_mock_llm_stats) */
	uint32_t connections; /* open now */
	uint64_t accepted;    /* connections */
	uint64_t requests;    /* well-formed HTTP */
	uint64_t refused;     /* requests that were not as the API wants them, or not HTTP */
	uint64_t faults;      /* made on purpose: errors and cut-offs */
	uint64_t gone;        /* answers whose reader left before their end */
	uint64_t streams;     /* answers as a stream of events */
	uint64_t events;      /* of all streams */
	uint64_t tokens;      /* of all answers */
	uint64_t embeddings;
} weft_mock_llm_stats;

/**
 * Listen and answer, on loops of a runtime that was started. From a thread that is none of its workers: it waits for them.
 *
 * @param ret_mock  to be stopped before the runtime is destroyed
 * @param err       may be NULL; names the option, or file and line of the fixture
 * @return 0, -EINVAL (an option), WEFT_ECONFIG or WEFT_EPARSE (the fixture, the file of latencies), -EDEADLK (a worker's
 *         thread), -EADDRINUSE, -EACCES, -ESHUTDOWN, -ENOMEM
 *
 * Since: 0.1.   Source: docs/guide/mock-llm.md.
 */
WEFT_API int weft_mock_llm_start(weft_runtime *rt, const weft_mock_llm_options *options, weft_mock_llm **ret_mock,
                                 weft_error *err);

/** In host order. Threads: any. */
WEFT_API uint16_t weft_mock_llm_port(const weft_mock_llm *mock);

/** "http://127.0.0.1:8080/v1": the base URL for clients; lives as long as mock. Threads: any. */
WEFT_API const char *weft_mock_llm_url(const weft_mock_llm *mock);

/** @return 0, -EINVAL, or -EDEADLK (a worker's thread). One thread at a time: it waits for the workers. */
WEFT_API int weft_mock_llm_stats_read(weft_mock_llm *mock, weft_mock_llm_stats *ret_stats);

/**
 * Accept no more, give answers under way up to timeout_ns to end, end the rest. All is gone then, mock too; NULL is fine.
 * Threads: as start. ret_stats: what it had done in the end; may be NULL.
 *
 * @return 0, or -EDEADLK (a worker's thread): nothing happened, it is to be stopped from another one
 */
WEFT_API int weft_mock_llm_stop(weft_mock_llm *mock, uint64_t timeout_ns, weft_mock_llm_stats *ret_stats);

WEFT_END_DECLS

#endif
