/* SPDX-License-Identifier: Apache-2.0 */
/*
 * weft/anthropic.h - models behind the Anthropic messages API.
 *
 *	weft_anthropic_options opt = WEFT_ANTHROPIC_OPTIONS_INIT;
 *
 *	opt.large_model = "claude-sonnet-4-5";
 *	r = weft_models_add_anthropic(models, 0, &opt, &err);
 *
 * As weft/openai.h in all else. There are no embeddings. Source: docs/guide/models.md.
 */
#ifndef WEFT_ANTHROPIC_H
#define WEFT_ANTHROPIC_H

#include <weft/error.h>
#include <weft/gate.h>
#include <weft/model.h>

WEFT_BEGIN_DECLS

enum {
	WEFT_ANTHROPIC_NO_STREAM = 1u << 0,   /* answers come whole */
	WEFT_ANTHROPIC_CACHE = 1u << 1,       /* instructions and tools are marked for the provider's prompt cache */
	WEFT_ANTHROPIC_NO_GATE = 1u << 2,     /* nothing is held back and nothing repeated */
	WEFT_ANTHROPIC_PUBLIC_ONLY = 1u << 3, /* private and local addresses are refused */
	WEFT_ANTHROPIC_INSECURE = 1u << 4     /* any certificate is believed */
};

/** Strings are copied. */
typedef struct weft_anthropic_options {
	uint32_t size;  /* set by WEFT_ANTHROPIC_OPTIONS_INIT */
	uint32_t flags; /* WEFT_ANTHROPIC_* */
	const char *name; /* in errors; NULL: "anthropic" */
	const char *base_url; /* without "/v1"; NULL: ANTHROPIC_BASE_URL, else https://api.anthropic.com */
	const char *api_key;  /* NULL: ANTHROPIC_API_KEY if base_url is NULL too; "": none; else as in weft/openai.h */
	/* names of models; NULL: this provider does not answer requests of that type; one at least */
	const char *small_model, *large_model, *reasoning_small_model, *reasoning_large_model, *image_model;
	const char *version; /* the field anthropic-version; NULL: 2023-06-01 */
	const char *const *headers; /* more fields, "Name: value" */
	uint32_t header_count;      /* up to 24 */
	uint32_t thinking_tokens; /* budget of extended thinking, on top of max_tokens; 0: off; else at least 1,024 */
	const char *extra_json;   /* an object whose members are added to the body of each request; NULL: none */
	weft_gate *gate;          /* a reference is taken; NULL: a gate of its own without rates */
	uint64_t connect_ns, first_byte_ns, idle_ns, timeout_ns; /* as in weft/openai.h */
	const char *ca_file, *proxy;
} weft_anthropic_options;

#define WEFT_ANTHROPIC_OPTIONS_INIT                                                                        \
	{                                                                                                  \
		.size = sizeof(weft_anthropic_options)                                                     \
	}

/** Add the models of one endpoint. @return as weft_models_add_openai */
WEFT_API int weft_models_add_anthropic(weft_models *models, int priority, const weft_anthropic_options *opt,
                                       weft_error *err);

WEFT_END_DECLS

#endif
