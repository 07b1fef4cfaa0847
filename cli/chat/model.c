/* SPDX-License-Identifier: Apache-2.0 */
/* cli/chat/model.c - what --model means. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cli/chat/chat.h"
#include "cli/options.h"

#define MOCK_TEXT                                                                                          \
	"I am the mock model: I say this to everything, and nothing left this machine. Give me a colleague with " \
	"--model, for example --model ollama:llama3.2 or --model http://127.0.0.1:8080/v1."
#define MOCK_MS_MAX 600000
#define NAMES_BYTES 120 /* of models, in an error */

static bool starts(const char *text, const char *with)
{
	return !strncmp(text, with, strlen(with));
}

/* mock, mock:MS. With tools it calls the first one there is, each turn. */
static int add_mock(weft_models *models, uint64_t ms, bool with_tools)
{
	static const weft_mock_step steps[2] = {
		{ .text = "Let me look at the clock.", .calls = { { "time", "{}" } }, .call_count = 1 },
		{ .text = "The clock has answered. " MOCK_TEXT },
	};
	weft_mock_options opt = WEFT_MOCK_OPTIONS_INIT;

	opt.delay_ns = ms * 1000000u;
	opt.text = MOCK_TEXT;
	opt.chunk_bytes = 6;
	opt.steps = with_tools ? steps : NULL;
	opt.step_count = with_tools ? 2 : 0;
	return weft_models_add_mock(models, 0, &opt);
}

/* "a, b, c", as many as fit. */
static void join_names(const weft_str *names, uint32_t count, char *text, size_t size)
{
	size_t len = 0;

	text[0] = '\0';
	for (uint32_t i = 0; i < count; i++) {
		if (len + names[i].len_bytes + sizeof(", ...") + 1 > size) {
			snprintf(text + len, size - len, ", ...");
			return;
		}
		len += (size_t)snprintf(text + len, size - len, "%s%.*s", i ? ", " : "", WEFT_STR_ARG(names[i]));
	}
}

/* Leave out those whose name says that they make embeddings: nobody can talk with them. */
static uint32_t that_talk(weft_str *names, uint32_t count)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < count; i++) {
		if (!strcasestr(names[i].ptr, "embed"))
			names[n++] = names[i];
	}
	return n;
}

/* The only model that the server has. */
static int only_model(const weft_openai_options *opt, weft_arena *arena, const char **ret_name, weft_error *err)
{
	char list[NAMES_BYTES];
	weft_str *names;
	uint32_t count;
	weft_error why = { 0 };
	int r = weft_openai_list(opt, arena, &names, &count, &why);

	if (r < 0)
		return weft_error_set(err, r, "--model %.60s: asked which models it has: %.110s; with URL#NAME it is not asked", opt->base_url,
		                      why.message);
	count = that_talk(names, count);
	if (count == 1) {
		*ret_name = names[0].ptr;
		return 0;
	}
	join_names(names, count, list, sizeof(list));
	return weft_error_set(err, -EINVAL, "--model %.60s: it has %u models; expected URL#NAME, with one of: %s", opt->base_url, count,
	                      count ? list : "none");
}

/* URL, URL#NAME */
static int add_url(weft_models *models, const char *spec, weft_error *err)
{
	weft_openai_options opt = WEFT_OPENAI_OPTIONS_INIT;
	const char *hash = strchr(spec, '#');
	weft_arena *arena;
	int r = weft_arena_create(0, &arena);

	if (r < 0)
		return weft_error_set(err, r, "out of memory");
	opt.name = "model";
	opt.base_url = weft_arena_dup(arena, (weft_str){ spec, hash ? (size_t)(hash - spec) : strlen(spec) }).ptr;
	opt.api_key = getenv("WEFT_CHAT_API_KEY");
	opt.large_model = hash && hash[1] ? hash + 1 : NULL;
	if (!opt.base_url)
		r = weft_error_set(err, -ENOMEM, "out of memory");
	if (r == 0 && !opt.large_model)
		r = only_model(&opt, arena, &opt.large_model, err);
	if (r == 0)
		r = weft_models_add_openai(models, 0, &opt, err);
	weft_arena_destroy(arena);
	return r;
}

static int add_provider(weft_models *models, const char *provider, const char *name, weft_error *err)
{
	weft_anthropic_options anthropic = WEFT_ANTHROPIC_OPTIONS_INIT;
	weft_openai_options openai = WEFT_OPENAI_OPTIONS_INIT;

	if (!strcmp(provider, "anthropic")) {
		anthropic.large_model = name;
		return weft_models_add_anthropic(models, 0, &anthropic, err);
	}
	openai.name = provider;
	openai.large_model = name;
	if (!strcmp(provider, "ollama"))
		openai.base_url = "http://127.0.0.1:11434/v1";
	else if (!strcmp(provider, "vllm"))
		openai.base_url = "http://127.0.0.1:8000/v1";
	else if (!strcmp(provider, "llama.cpp"))
		openai.base_url = "http://127.0.0.1:8080/v1";
	return weft_models_add_openai(models, 0, &openai, err);
}

/* ---- what it says ------------------------------------------------------------- */

enum kind { WRONG, MOCK, URL, CONFIG, PROVIDER };

static bool is_provider(const char *spec)
{
	static const char *const providers[] = { "openai:", "anthropic:", "ollama:", "vllm:", "llama.cpp:" };

	for (size_t i = 0; i < sizeof(providers) / sizeof(providers[0]); i++) {
		if (starts(spec, providers[i]))
			return spec[strlen(providers[i])] != '\0';
	}
	return false;
}

/* *ret_ms: of a mock */
static enum kind kind_of(const char *spec, uint64_t *ret_ms)
{
	*ret_ms = 0;
	if (!strcmp(spec, "mock"))
		return MOCK;
	if (starts(spec, "mock:"))
		return cli_read_uint(spec + 5, 0, MOCK_MS_MAX, ret_ms) ? MOCK : WRONG;
	if (starts(spec, "http://") || starts(spec, "https://"))
		return URL;
	if (chat_is_json_file(spec))
		return CONFIG;
	return is_provider(spec) ? PROVIDER : WRONG;
}

bool chat_model_is_one(const char *spec)
{
	uint64_t ms;

	return kind_of(spec, &ms) != WRONG;
}

int chat_models(weft_models *models, const char *spec, bool with_tools, weft_error *err)
{
	char provider[16]; /* one of those above */
	const char *colon = strchr(spec, ':');
	uint64_t ms;

	switch (kind_of(spec, &ms)) {
	case MOCK:
		return add_mock(models, ms, with_tools);
	case URL:
		return add_url(models, spec, err);
	case CONFIG:
		return weft_models_load(models, spec, err);
	case PROVIDER:
		snprintf(provider, sizeof(provider), "%.*s", (int)(colon - spec), spec);
		return add_provider(models, provider, colon + 1, err);
	default:
		return -EINVAL; /* chat_model_is_one was not asked */
	}
}
