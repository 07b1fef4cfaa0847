/* SPDX-License-Identifier: Apache-2.0 */
/* actors/openai/openai.c - the OpenAI API as a provider: options, environment, and what each request goes out with. */
#include "actors/openai/openai.h"

#include <errno.h>
#include <stdlib.h>

#include "actors/openai/wire.h"
#include "net/http/url.h"

#define OPENAI_URL "https://api.openai.com/v1"
#define OPENAI_HOST "api.openai.com"

/* The accent of a provider, and how much of it is a guess from the model's name. */
struct manner {
	struct weft__openai_accent accent;
	bool guess;
};

/* Models that reason take one temperature only, and say so by refusing others. */
static bool reasons(weft_str model)
{
	static const char *const names[] = { "o1", "o3", "o4", "gpt-5", "gpt-6" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		size_t len = strlen(names[i]);

		if (model.len_bytes >= len && memcmp(model.ptr, names[i], len) == 0)
			return true;
	}
	return false;
}

static int write_(const struct weft__provider *p, const weft_model_request *req, bool stream, weft_json_writer *w,
                  weft_str *ret_body, weft_error *err)
{
	const struct manner *m = p->manner;
	struct weft__openai_accent accent = m->accent;
	weft_str model = req->model.len_bytes ? req->model : p->models[req->type];

	if (req->type == WEFT_MODEL_TEXT_EMBEDDING) {
		accent.extra_json = (weft_str){ 0 };
		return weft__openai_write_embeddings(w, req, &accent, model, ret_body, err);
	}
	accent.completion_tokens |= m->guess;
	accent.no_temperature |= m->guess && reasons(model);
	return weft__openai_write_chat(w, req, &accent, model, stream, ret_body, err);
}

static void stream_begin(void *stream, weft_str key)
{
	weft__openai_stream_begin(stream, key);
}

static int stream_data(void *stream, weft_str data)
{
	return weft__openai_stream_data(stream, data);
}

static bool stream_is_over(const void *stream)
{
	return ((const struct weft__openai_stream *)stream)->done;
}

static int stream_end(void *stream, weft_model_response *ret_response)
{
	return weft__openai_stream_end(stream, ret_response);
}

static int read_(struct weft__answering *a, const weft_model_request *req, weft_str body, weft_str key,
                 weft_model_response *ret_response)
{
	if (req->type == WEFT_MODEL_TEXT_EMBEDDING)
		return weft__openai_read_embeddings(a->arena, body, req->input_count ? req->input_count : 1, key, ret_response,
		                                    a->error);
	return weft__openai_read_chat(a, body, key, ret_response);
}

static const struct weft__provider_api api = { .name = "openai",
	                                       .stream_bytes = sizeof(struct weft__openai_stream),
	                                       .write = write_,
	                                       .stream_begin = stream_begin,
	                                       .stream_data = stream_data,
	                                       .stream_is_over = stream_is_over,
	                                       .stream_end = stream_end,
	                                       .read = read_ };

static uint32_t http_flags(uint32_t flags)
{
	return (flags & WEFT_OPENAI_PUBLIC_ONLY ? WEFT__HTTP_PUBLIC_ONLY : 0) |
	       (flags & WEFT_OPENAI_INSECURE ? WEFT__HTTP_INSECURE : 0);
}

static bool is_openai(const char *base_url)
{
	struct weft__url url;

	return weft__url_parse(weft_str_from(base_url), &url, NULL) == 0 && weft_str_eq(url.host, WEFT_STR(OPENAI_HOST));
}

static int manner_set(struct weft__provider *p, const weft_openai_options *opt, const char *base_url, weft_error *err)
{
	struct manner *m = weft_arena_calloc(p->arena, sizeof(*m));

	if (!m)
		return weft_error_set(err, -ENOMEM, "out of memory");
	m->accent = (struct weft__openai_accent){ .developer = opt->flags & WEFT_OPENAI_DEVELOPER_ROLE,
		                                  .completion_tokens = opt->flags & WEFT_OPENAI_COMPLETION_TOKENS,
		                                  .no_temperature = opt->flags & WEFT_OPENAI_NO_TEMPERATURE,
		                                  .no_usage = opt->flags & WEFT_OPENAI_NO_STREAM_USAGE,
		                                  .float_embeddings = opt->flags & WEFT_OPENAI_FLOAT_EMBEDDINGS };
	m->guess = !(opt->flags & WEFT_OPENAI_PLAIN) && is_openai(base_url);
	p->manner = m;
	return weft__provider_extra(p, opt->extra_json, &m->accent.extra_json, err);
}

static int named_header(struct weft__provider *p, const char *name, const char *value, weft_error *err)
{
	weft_str copy;

	if (!value || !*value)
		return 0;
	copy = weft_arena_dup(p->arena, weft_str_from(value));
	return copy.ptr ? weft__provider_header(p, weft_str_from(name), copy, err) : weft_error_set(err, -ENOMEM, "out of memory");
}

int weft__openai_headers(struct weft__provider *p, const weft_openai_options *opt, weft_error *err)
{
	int r = named_header(p, "OpenAI-Organization", opt->organization, err);

	return r < 0 ? r : named_header(p, "OpenAI-Project", opt->project, err);
}

int weft__openai_setup(const weft_openai_options *opt, struct weft__provider_setup *ret_setup, weft_error *err)
{
	const char *from_env = getenv("OPENAI_BASE_URL");
	struct weft__provider_setup setup = { .api = &api, .key_field = "Authorization", .key_prefix = "Bearer " };

	if (!opt || opt->size != sizeof(*opt) || (opt->header_count && !opt->headers))
		return weft_error_set(err, -EINVAL, "openai: no options, or options of another version");
	setup.name = opt->name ? opt->name : "openai";
	setup.base_url = opt->base_url ? opt->base_url : from_env && *from_env ? from_env : OPENAI_URL;
	setup.key = opt->api_key ? opt->api_key : opt->base_url ? NULL : getenv("OPENAI_API_KEY");
	if (is_openai(setup.base_url) && (!setup.key || !*setup.key))
		return weft_error_set(err, -EINVAL, "%s: no key: api_key is not set, nor OPENAI_API_KEY", setup.name);
	setup.headers = opt->headers;
	setup.header_count = opt->header_count;
	setup.gate = opt->gate;
	setup.no_gate = opt->flags & WEFT_OPENAI_NO_GATE;
	setup.no_stream = opt->flags & WEFT_OPENAI_NO_STREAM;
	setup.starts_thinking = opt->flags & WEFT_OPENAI_STARTS_THINKING;
	setup.connect_ns = opt->connect_ns;
	setup.first_byte_ns = opt->first_byte_ns;
	setup.idle_ns = opt->idle_ns;
	setup.timeout_ns = opt->timeout_ns;
	setup.ca_file = opt->ca_file;
	setup.proxy = opt->proxy;
	setup.http_flags = http_flags(opt->flags);
	*ret_setup = setup;
	return 0;
}

int weft_models_add_openai(weft_models *models, int priority, const weft_openai_options *opt, weft_error *err)
{
	struct weft__provider_setup setup;
	struct weft__provider *p;
	int r = weft__openai_setup(opt, &setup, err);

	if (r < 0)
		return r;
	if (!models)
		return weft_error_set(err, -EINVAL, "%s: no models", setup.name);
	setup.chat_path = "/chat/completions";
	setup.embeddings_path = "/embeddings";
	setup.models[WEFT_MODEL_TEXT_SMALL] = opt->small_model;
	setup.models[WEFT_MODEL_TEXT_LARGE] = opt->large_model;
	setup.models[WEFT_MODEL_TEXT_REASONING_SMALL] = opt->reasoning_small_model;
	setup.models[WEFT_MODEL_TEXT_REASONING_LARGE] = opt->reasoning_large_model;
	setup.models[WEFT_MODEL_TEXT_EMBEDDING] = opt->embedding_model;
	setup.models[WEFT_MODEL_IMAGE_DESCRIPTION] = opt->image_model;
	r = weft__provider_create(&setup, &p, err);
	if (r < 0)
		return r;
	r = manner_set(p, opt, setup.base_url, err);
	if (r == 0)
		r = weft__openai_headers(p, opt, err);
	if (r < 0) {
		weft__provider_unref(p);
		return r;
	}
	return weft__provider_register(p, models, priority, err);
}
