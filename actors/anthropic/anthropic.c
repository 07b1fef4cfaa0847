/* SPDX-License-Identifier: Apache-2.0 */
/* actors/anthropic/anthropic.c - the Anthropic API as a provider: options and environment. */
#include <weft/anthropic.h>

#include <errno.h>
#include <stdlib.h>

#include "actors/anthropic/wire.h"
#include "actors/remote/provider.h"

#define ANTHROPIC_URL "https://api.anthropic.com"
#define VERSION "2023-06-01"
#define THINKING_MIN 1024u

static int write_(const struct weft__provider *p, const weft_model_request *req, bool stream, weft_json_writer *w,
                  weft_str *ret_body, weft_error *err)
{
	return weft__anthropic_write(w, req, p->manner, p->models[req->type], stream, ret_body, err);
}

static void stream_begin(void *stream, weft_str key)
{
	weft__anthropic_stream_begin(stream, key);
}

static int stream_data(void *stream, weft_str data)
{
	return weft__anthropic_stream_data(stream, data);
}

static bool stream_is_over(const void *stream)
{
	return ((const struct weft__anthropic_stream *)stream)->stopped;
}

static int stream_end(void *stream, weft_model_response *ret_response)
{
	return weft__anthropic_stream_end(stream, ret_response);
}

static int read_(struct weft__answering *a, const weft_model_request *req, weft_str body, weft_str key,
                 weft_model_response *ret_response)
{
	(void)req;
	return weft__anthropic_read(a, body, key, ret_response);
}

static const struct weft__provider_api api = { .name = "anthropic",
	                                       .stream_bytes = sizeof(struct weft__anthropic_stream),
	                                       .write = write_,
	                                       .stream_begin = stream_begin,
	                                       .stream_data = stream_data,
	                                       .stream_is_over = stream_is_over,
	                                       .stream_end = stream_end,
	                                       .read = read_ };

static int manner_set(struct weft__provider *p, const weft_anthropic_options *opt, weft_error *err)
{
	struct weft__anthropic_manner *m = weft_arena_calloc(p->arena, sizeof(*m));
	weft_str version = weft_arena_dup(p->arena, weft_str_from(opt->version ? opt->version : VERSION));
	int r;

	if (!m || !version.ptr)
		return weft_error_set(err, -ENOMEM, "out of memory");
	m->thinking_tokens = opt->thinking_tokens;
	m->cache = opt->flags & WEFT_ANTHROPIC_CACHE;
	p->manner = m;
	r = weft__provider_extra(p, opt->extra_json, &m->extra_json, err);
	return r < 0 ? r : weft__provider_header(p, WEFT_STR("anthropic-version"), version, err);
}

int weft_models_add_anthropic(weft_models *models, int priority, const weft_anthropic_options *opt, weft_error *err)
{
	const char *from_env = getenv("ANTHROPIC_BASE_URL");
	struct weft__provider_setup setup = { .api = &api, .key_field = "x-api-key", .key_prefix = "", .chat_path = "/v1/messages" };
	struct weft__provider *p;
	int r;

	if (!models || !opt || opt->size != sizeof(*opt) || (opt->header_count && !opt->headers))
		return weft_error_set(err, -EINVAL, "anthropic: no models, no options, or options of another version");
	if (opt->thinking_tokens && opt->thinking_tokens < THINKING_MIN)
		return weft_error_set(err, -EINVAL, "anthropic: thinking_tokens: at least %u", THINKING_MIN);
	setup.name = opt->name ? opt->name : "anthropic";
	setup.base_url = opt->base_url ? opt->base_url : from_env && *from_env ? from_env : ANTHROPIC_URL;
	setup.key = opt->api_key ? opt->api_key : opt->base_url ? NULL : getenv("ANTHROPIC_API_KEY");
	if (!strcmp(setup.base_url, ANTHROPIC_URL) && (!setup.key || !*setup.key))
		return weft_error_set(err, -EINVAL, "%s: no key: api_key is not set, nor ANTHROPIC_API_KEY", setup.name);
	setup.models[WEFT_MODEL_TEXT_SMALL] = opt->small_model;
	setup.models[WEFT_MODEL_TEXT_LARGE] = opt->large_model;
	setup.models[WEFT_MODEL_TEXT_REASONING_SMALL] = opt->reasoning_small_model;
	setup.models[WEFT_MODEL_TEXT_REASONING_LARGE] = opt->reasoning_large_model;
	setup.models[WEFT_MODEL_IMAGE_DESCRIPTION] = opt->image_model;
	setup.headers = opt->headers;
	setup.header_count = opt->header_count;
	setup.gate = opt->gate;
	setup.no_gate = opt->flags & WEFT_ANTHROPIC_NO_GATE;
	setup.no_stream = opt->flags & WEFT_ANTHROPIC_NO_STREAM;
	setup.connect_ns = opt->connect_ns;
	setup.first_byte_ns = opt->first_byte_ns;
	setup.idle_ns = opt->idle_ns;
	setup.timeout_ns = opt->timeout_ns;
	setup.ca_file = opt->ca_file;
	setup.proxy = opt->proxy;
	setup.http_flags = (opt->flags & WEFT_ANTHROPIC_PUBLIC_ONLY ? WEFT__HTTP_PUBLIC_ONLY : 0) |
	                   (opt->flags & WEFT_ANTHROPIC_INSECURE ? WEFT__HTTP_INSECURE : 0);
	r = weft__provider_create(&setup, &p, err);
	if (r < 0)
		return r;
	r = manner_set(p, opt, err);
	if (r < 0) {
		weft__provider_unref(p);
		return r;
	}
	return weft__provider_register(p, models, priority, err);
}
