/* SPDX-License-Identifier: Apache-2.0 */
/*
 * weft/openai.h - models behind the OpenAI HTTP API: OpenAI itself, vLLM, llama.cpp's server, Ollama, and the
 * many that speak as they do.
 *
 *	weft_openai_options opt = WEFT_OPENAI_OPTIONS_INIT;
 *
 *	opt.base_url = "http://127.0.0.1:8080/v1";
 *	opt.large_model = "qwen3";
 *	r = weft_models_add_openai(models, 0, &opt, &err);
 *
 * The answer streams in: chunks are llm progress events, thoughts are kept apart from the text, calls of tools are
 * put together. What fails is repeated when the gate says that it is safe, and not once text was shown.
 *
 * Source: docs/guide/models.md, docs/internals/models.md.
 */
#ifndef WEFT_OPENAI_H
#define WEFT_OPENAI_H

#include <weft/alloc.h>
#include <weft/error.h>
#include <weft/gate.h>
#include <weft/model.h>

WEFT_BEGIN_DECLS

enum {
	WEFT_OPENAI_NO_STREAM = 1u << 0,        /* answers come whole */
	WEFT_OPENAI_NO_STREAM_USAGE = 1u << 1,  /* stream_options is not sent: for servers that refuse it */
	WEFT_OPENAI_NO_TEMPERATURE = 1u << 2,   /* nor temperature and top_p: for models that reason */
	WEFT_OPENAI_DEVELOPER_ROLE = 1u << 3,   /* instructions go with the role "developer" */
	WEFT_OPENAI_COMPLETION_TOKENS = 1u << 4, /* max_completion_tokens instead of max_tokens */
	WEFT_OPENAI_FLOAT_EMBEDDINGS = 1u << 5, /* embeddings as lists of numbers: for servers without base64 */
	WEFT_OPENAI_STARTS_THINKING = 1u << 6,  /* the model's template opens <think> itself: the text begins inside */
	WEFT_OPENAI_PLAIN = 1u << 7,            /* no guesses from the host: else api.openai.com gets COMPLETION_TOKENS, and
	                                           NO_TEMPERATURE for models named o1, o3, o4, gpt-5 and on */
	WEFT_OPENAI_NO_GATE = 1u << 8,          /* nothing is held back and nothing repeated */
	WEFT_OPENAI_PUBLIC_ONLY = 1u << 9,      /* private and local addresses are refused */
	WEFT_OPENAI_INSECURE = 1u << 10         /* any certificate is believed */
};

/** Strings are copied. */
typedef struct weft_openai_options {
	uint32_t size;  /* set by WEFT_OPENAI_OPTIONS_INIT */
	uint32_t flags; /* WEFT_OPENAI_* */
	const char *name; /* in errors; NULL: "openai" */
	const char *base_url; /* up to and with "/v1"; NULL: OPENAI_BASE_URL, else https://api.openai.com/v1 */
	const char *api_key;  /* NULL: OPENAI_API_KEY if base_url is NULL too: the environment's key goes to nobody else.
	                         "": none. Kept in memory that is wiped, and sent to this host alone */
	/* names of models; NULL: this provider does not answer requests of that type; one at least */
	const char *small_model, *large_model, *reasoning_small_model, *reasoning_large_model, *embedding_model,
		*image_model;
	const char *organization, *project; /* sent as OpenAI-Organization and OpenAI-Project; NULL: not */
	const char *const *headers; /* more of them, "Name: value" */
	uint32_t header_count;      /* up to 24 */
	uint32_t reserved;
	const char *extra_json; /* an object whose members are added to the body of each chat request; NULL: none */
	weft_gate *gate;        /* a reference is taken; NULL: a gate of its own without rates */
	/* lengths of time; 0: 10 s to connect, 5 min to the first byte, 2 min between two, 10 min in all, repetitions too */
	uint64_t connect_ns, first_byte_ns, idle_ns, timeout_ns;
	const char *ca_file; /* PEM: the only authorities that are believed; NULL: the system's */
	const char *proxy;   /* NULL: from HTTPS_PROXY, HTTP_PROXY, ALL_PROXY, NO_PROXY; "": none */
} weft_openai_options;

#define WEFT_OPENAI_OPTIONS_INIT                                                                           \
	{                                                                                                  \
		.size = sizeof(weft_openai_options)                                                        \
	}

/**
 * Add the models of one endpoint. The handlers answer later (WEFT_PENDING): from an agent on its worker's loop,
 * from weft_models_call on a thread of the library's own.
 * @return as weft_models_add, and -EINVAL with err saying which option. Threads: as weft_models_add.
 */
WEFT_API int weft_models_add_openai(weft_models *models, int priority, const weft_openai_options *opt, weft_error *err);

/**
 * The names of the models that an endpoint has, in its order: GET base_url/models, asked once. Waits for the answer, 10 s in
 * all unless timeout_ns says more or less: not for a worker's thread.
 * @param opt  as above; the names of models in it are not looked at
 * @return 0 with the names in arena, maybe none; -EINVAL with err saying which option; with err saying why: what a call of a
 *         model may fail with (-ECONNREFUSED, -ETIMEDOUT, -EACCES, ...), -ENOENT (it lists none: 404), WEFT_EPARSE, -ENOMEM
 */
WEFT_API int weft_openai_list(const weft_openai_options *opt, weft_arena *arena, weft_str **ret_names, uint32_t *ret_count,
                              weft_error *err);

WEFT_END_DECLS

#endif
