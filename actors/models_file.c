/* SPDX-License-Identifier: Apache-2.0 */
/*
 * actors/models_file.c - providers from a JSON file, so that a host's models are configured and not compiled.
 *
 *     {"providers": [{"api": "openai", "base_url": "http://127.0.0.1:8080/v1", "priority": 10,
 *                     "api_key_env": "MY_KEY", "models": {"large": "qwen3", "embedding": "nomic"},
 *                     "price": {"prompt": 0.15, "completion": 0.6},
 *                     "gate": {"requests_per_minute": 600}, "timeouts": {"idle_s": 30}}],
 *      "cache": {"age_max_s": 3600}, "budget": {"tokens": 100000, "money": 0.5}}
 *
 * A key does not stand in the file: the file says where it is.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <weft/anthropic.h>
#include <weft/cache.h>
#include <weft/json.h>
#include <weft/openai.h>

#include "actors/config.h"
#include "actors/remote/secret.h"

#define PROVIDERS_MAX 64u
#define HEADERS_MAX 24u

/* What both APIs take is in the options of the one; flags are the API's own. */
struct provider {
	struct weft__place place;
	const char *api, *api_key_env, *api_key_file;
	const char *version;      /* anthropic */
	uint32_t thinking_tokens; /* the same */
	int64_t priority;
	weft_openai_options opt;
	const char *headers[HEADERS_MAX];
	bool has_gate, has_price;
	weft_gate_options gate;
	weft_price price;
};

struct file {
	struct weft__config config;
	struct provider *providers; /* in the arena */
	size_t count;
	bool has_cache;
	weft_cache_options cache;
	weft_budget budget;
};

#define AT(field) offsetof(struct provider, field)

static const struct weft__config_member provider_members[] = {
	{ "api", WEFT__CONFIG_TEXT, AT(api) },
	{ "name", WEFT__CONFIG_TEXT, AT(opt.name) },
	{ "priority", WEFT__CONFIG_INT, AT(priority) },
	{ "base_url", WEFT__CONFIG_TEXT, AT(opt.base_url) },
	{ "api_key_env", WEFT__CONFIG_TEXT, AT(api_key_env) },
	{ "api_key_file", WEFT__CONFIG_TEXT, AT(api_key_file) },
	{ "organization", WEFT__CONFIG_TEXT, AT(opt.organization) },
	{ "project", WEFT__CONFIG_TEXT, AT(opt.project) },
	{ "version", WEFT__CONFIG_TEXT, AT(version) },
	{ "ca_file", WEFT__CONFIG_TEXT, AT(opt.ca_file) },
	{ "proxy", WEFT__CONFIG_TEXT, AT(opt.proxy) },
	{ "thinking_tokens", WEFT__CONFIG_UINT, AT(thinking_tokens) },
	{ 0 },
};

static const struct weft__config_member model_members[] = {
	{ "small", WEFT__CONFIG_TEXT, AT(opt.small_model) },
	{ "large", WEFT__CONFIG_TEXT, AT(opt.large_model) },
	{ "reasoning_small", WEFT__CONFIG_TEXT, AT(opt.reasoning_small_model) },
	{ "reasoning_large", WEFT__CONFIG_TEXT, AT(opt.reasoning_large_model) },
	{ "embedding", WEFT__CONFIG_TEXT, AT(opt.embedding_model) },
	{ "image", WEFT__CONFIG_TEXT, AT(opt.image_model) },
	{ 0 },
};

static const struct weft__config_member timeout_members[] = {
	{ "connect_s", WEFT__CONFIG_SECONDS, AT(opt.connect_ns) },
	{ "first_byte_s", WEFT__CONFIG_SECONDS, AT(opt.first_byte_ns) },
	{ "idle_s", WEFT__CONFIG_SECONDS, AT(opt.idle_ns) },
	{ "total_s", WEFT__CONFIG_SECONDS, AT(opt.timeout_ns) },
	{ 0 },
};

/* Of a million tokens. */
static const struct weft__config_member price_members[] = {
	{ "prompt", WEFT__CONFIG_MONEY, AT(price.prompt_micros) },
	{ "completion", WEFT__CONFIG_MONEY, AT(price.completion_micros) },
	{ 0 },
};

static const struct weft__config_member gate_members[] = {
	{ "requests_per_minute", WEFT__CONFIG_UINT, AT(gate.requests_per_minute) },
	{ "requests_burst", WEFT__CONFIG_UINT, AT(gate.requests_burst) },
	{ "tokens_per_minute", WEFT__CONFIG_UINT, AT(gate.tokens_per_minute) },
	{ "tokens_burst", WEFT__CONFIG_UINT, AT(gate.tokens_burst) },
	{ "concurrency_min", WEFT__CONFIG_UINT, AT(gate.concurrency_min) },
	{ "concurrency_start", WEFT__CONFIG_UINT, AT(gate.concurrency_start) },
	{ "concurrency_max", WEFT__CONFIG_UINT, AT(gate.concurrency_max) },
	{ "waiting_max", WEFT__CONFIG_UINT, AT(gate.waiting_max) },
	{ "wait_max_s", WEFT__CONFIG_SECONDS, AT(gate.wait_max_ns) },
	{ "breaker_failures", WEFT__CONFIG_UINT, AT(gate.breaker_failures) },
	{ "breaker_open_s", WEFT__CONFIG_SECONDS, AT(gate.breaker_open_ns) },
	{ "retries", WEFT__CONFIG_COUNT, AT(gate.retries) },
	{ "retry_share_percent", WEFT__CONFIG_UINT, AT(gate.retry_share_percent) },
	{ "retry_first_s", WEFT__CONFIG_SECONDS, AT(gate.retry_first_ns) },
	{ "retry_cap_s", WEFT__CONFIG_SECONDS, AT(gate.retry_cap_ns) },
	{ "retry_after_max_s", WEFT__CONFIG_SECONDS, AT(gate.retry_after_max_ns) },
	{ 0 },
};

/* A flag's bit with each API; 0: that API does not know it. */
static const struct {
	const char *name;
	uint32_t openai, anthropic;
} flag_names[] = {
	{ "no_stream", WEFT_OPENAI_NO_STREAM, WEFT_ANTHROPIC_NO_STREAM },
	{ "no_stream_usage", WEFT_OPENAI_NO_STREAM_USAGE, 0 },
	{ "no_temperature", WEFT_OPENAI_NO_TEMPERATURE, 0 },
	{ "developer_role", WEFT_OPENAI_DEVELOPER_ROLE, 0 },
	{ "completion_tokens", WEFT_OPENAI_COMPLETION_TOKENS, 0 },
	{ "float_embeddings", WEFT_OPENAI_FLOAT_EMBEDDINGS, 0 },
	{ "starts_thinking", WEFT_OPENAI_STARTS_THINKING, 0 },
	{ "plain", WEFT_OPENAI_PLAIN, 0 },
	{ "cache", 0, WEFT_ANTHROPIC_CACHE },
	{ "no_gate", WEFT_OPENAI_NO_GATE, WEFT_ANTHROPIC_NO_GATE },
	{ "public_only", WEFT_OPENAI_PUBLIC_ONLY, WEFT_ANTHROPIC_PUBLIC_ONLY },
	{ "insecure", WEFT_OPENAI_INSECURE, WEFT_ANTHROPIC_INSECURE },
};

#undef AT
#define AT(field) offsetof(struct file, field)

static const struct weft__config_member cache_members[] = {
	{ "tool_calls", WEFT__CONFIG_BOOL, AT(cache.tool_calls) },
	{ "bytes_max", WEFT__CONFIG_LARGE, AT(cache.bytes_max) },
	{ "age_max_s", WEFT__CONFIG_SECONDS, AT(cache.age_max_ns) },
	{ "near_min", WEFT__CONFIG_SHARE, AT(cache.near_min) },
	{ "near_answers_max", WEFT__CONFIG_UINT, AT(cache.near_answers_max) },
	{ 0 },
};

static const struct weft__config_member budget_members[] = {
	{ "tokens", WEFT__CONFIG_LARGE, AT(budget.tokens) },
	{ "money", WEFT__CONFIG_MONEY, AT(budget.micros) },
	{ 0 },
};

/* ---- reading ------------------------------------------------------------------------- */

static int flags_read(const struct weft__config *l, const struct weft__place *place, weft_json v, struct provider *p)
{
	weft_json_iter it = weft_json_iter_begin(v);
	bool anthropic = p->api && !strcmp(p->api, "anthropic");
	weft_str name;

	if (weft_json_typeof(v) != WEFT_JSON_ARRAY)
		return weft__config_bad(l, place, "not a list");
	while (weft_json_iter_next(&it)) {
		uint32_t bit = 0;

		for (size_t i = 0; i < sizeof(flag_names) / sizeof(flag_names[0]); i++) {
			if (weft_json_get_str(it.value, &name) && weft_str_eq(name, weft_str_from(flag_names[i].name)))
				bit = anthropic ? flag_names[i].anthropic : flag_names[i].openai;
		}
		if (!bit)
			return weft__config_bad(l, place, "a flag that this API does not know");
		p->opt.flags |= bit;
	}
	return 0;
}

static int headers_read(const struct weft__config *l, const struct weft__place *place, weft_json v, struct provider *p)
{
	weft_json_iter it = weft_json_iter_begin(v);
	weft_str line, value;

	if (weft_json_typeof(v) != WEFT_JSON_OBJECT || weft_json_count(v) > HEADERS_MAX)
		return weft__config_bad(l, place, "not an object of up to 24 texts");
	while (weft_json_iter_next(&it)) {
		if (!weft_json_get_str(it.value, &value))
			return weft__config_bad(l, place, "not an object of up to 24 texts");
		line = weft_arena_printf(l->arena, "%.*s: %.*s", WEFT_STR_ARG(it.key), WEFT_STR_ARG(value));
		if (!line.ptr)
			return weft__config_no_memory(l);
		p->headers[p->opt.header_count++] = line.ptr;
	}
	return 0;
}

static int extra_read(const struct weft__config *l, const struct weft__place *place, weft_json v, struct provider *p)
{
	weft_json_writer *w;
	weft_str text;
	int r;

	if (weft_json_typeof(v) != WEFT_JSON_OBJECT)
		return weft__config_bad(l, place, "not an object");
	if (weft_json_writer_create(0, &w) < 0)
		return weft__config_no_memory(l);
	weft_json_put_value(w, v);
	r = weft_json_writer_text(w, &text);
	if (r == 0) {
		text = weft_arena_dup(l->arena, text);
		p->opt.extra_json = text.ptr;
	}
	weft_json_writer_destroy(w);
	return r < 0 || !text.ptr ? weft__config_no_memory(l) : 0;
}

/* What is not a plain value. */
static int part_read(const struct weft__config *l, const struct weft__place *place, weft_str key, weft_json v, struct provider *p)
{
	if (weft_str_eq(key, WEFT_STR("models")))
		return weft__config_object(l, place, model_members, v, p);
	if (weft_str_eq(key, WEFT_STR("timeouts")))
		return weft__config_object(l, place, timeout_members, v, p);
	if (weft_str_eq(key, WEFT_STR("gate"))) {
		p->has_gate = true;
		return weft__config_object(l, place, gate_members, v, p);
	}
	if (weft_str_eq(key, WEFT_STR("price"))) {
		p->has_price = true;
		return weft__config_object(l, place, price_members, v, p);
	}
	if (weft_str_eq(key, WEFT_STR("headers")))
		return headers_read(l, place, v, p);
	if (weft_str_eq(key, WEFT_STR("extra")))
		return extra_read(l, place, v, p);
	if (weft_str_eq(key, WEFT_STR("flags")))
		return 0; /* read last: what they mean depends on the API */
	if (weft_str_eq(key, WEFT_STR("api_key")))
		return weft__config_bad(l, place, "a key does not belong into this file: name it with api_key_env or api_key_file");
	return weft__config_bad(l, place, "no such member");
}

static int provider_check(const struct weft__config *l, weft_json flags, struct provider *p)
{
	struct weft__place here = weft__place_below(&p->place, WEFT_STR("flags"));

	if (!p->api || (strcmp(p->api, "openai") && strcmp(p->api, "anthropic")))
		return weft__config_bad(l, &p->place, "api: \"openai\" or \"anthropic\"");
	if (p->api_key_env && p->api_key_file)
		return weft__config_bad(l, &p->place, "api_key_env and api_key_file: one of them");
	if (!p->opt.name)
		p->opt.name = p->api;
	return weft_json_typeof(flags) == WEFT_JSON_NONE ? 0 : flags_read(l, &here, flags, p);
}

static int provider_read(const struct weft__config *l, weft_json v, struct provider *p)
{
	weft_json_iter it = weft_json_iter_begin(v);
	int r = 0;

	p->opt = (weft_openai_options)WEFT_OPENAI_OPTIONS_INIT;
	p->opt.headers = p->headers;
	p->gate = (weft_gate_options)WEFT_GATE_OPTIONS_INIT;
	if (weft_json_typeof(v) != WEFT_JSON_OBJECT)
		return weft__config_bad(l, &p->place, "not an object");
	while (r == 0 && weft_json_iter_next(&it)) {
		const struct weft__config_member *m = weft__config_find(provider_members, it.key);
		struct weft__place here = weft__place_below(&p->place, it.key);

		r = m ? weft__config_value(l, &here, m, it.value, p) : part_read(l, &here, it.key, it.value, p);
	}
	return r < 0 ? r : provider_check(l, weft_json_find(v, WEFT_STR("flags")), p);
}

/* A price is found by its provider's name, so nobody else may have that. */
static int prices_check(const struct file *f)
{
	for (size_t i = 0; i < f->count; i++) {
		for (size_t j = 0; f->providers[i].has_price && j < f->count; j++) {
			if (j != i && !strcmp(f->providers[i].opt.name, f->providers[j].opt.name))
				return weft__config_bad(&f->config, &f->providers[i].place, "with a price it needs a name of its own");
		}
	}
	return 0;
}

static int providers_read(struct file *f, const struct weft__place *place, weft_json list)
{
	weft_json_iter it = weft_json_iter_begin(list);
	size_t count = weft_json_count(list);
	int r = 0;

	if (weft_json_typeof(list) != WEFT_JSON_ARRAY || !count || count > PROVIDERS_MAX)
		return weft__config_bad(&f->config, place, "not a list of 1 to 64");
	f->providers = weft_arena_calloc(f->config.arena, count * sizeof(*f->providers));
	if (!f->providers)
		return weft__config_no_memory(&f->config);
	while (r == 0 && weft_json_iter_next(&it)) {
		struct provider *p = &f->providers[f->count];
		char number[8];

		snprintf(number, sizeof(number), "%zu", f->count++);
		p->place = weft__place_below(place, weft_str_from(number));
		r = provider_read(&f->config, it.value, p);
	}
	return r < 0 ? r : prices_check(f);
}

static int file_read(struct file *f)
{
	const struct weft__place root = { "" };
	weft_json_iter it = weft_json_iter_begin(weft_json_root(f->config.doc));
	int r = 0;

	f->cache = (weft_cache_options)WEFT_CACHE_OPTIONS_INIT;
	while (r == 0 && weft_json_iter_next(&it)) {
		struct weft__place here = weft__place_below(&root, it.key);

		if (weft_str_eq(it.key, WEFT_STR("providers"))) {
			r = providers_read(f, &here, it.value);
		} else if (weft_str_eq(it.key, WEFT_STR("cache"))) {
			f->has_cache = true;
			r = weft__config_object(&f->config, &here, cache_members, it.value, f);
		} else if (weft_str_eq(it.key, WEFT_STR("budget"))) {
			r = weft__config_object(&f->config, &here, budget_members, it.value, f);
		} else {
			r = weft__config_bad(&f->config, &here, "no such member");
		}
	}
	if (r == 0 && !f->count)
		r = weft__config_bad(&f->config, &root, "no providers");
	return r;
}

/* ---- files and keys ---------------------------------------------------------------------- */

/* As the file says it: from the folder it stands in. NULL stays NULL. @return 0 or -ENOMEM */
static int beside(const struct weft__config *l, const char **path)
{
	const char *slash = strrchr(l->path, '/');
	weft_str text;

	if (!*path || (*path)[0] == '/' || !slash)
		return 0;
	text = weft_arena_printf(l->arena, "%.*s/%s", (int)(slash - l->path), l->path, *path);
	*path = text.ptr;
	return text.ptr ? 0 : weft__config_no_memory(l);
}

static int key_from_file(const struct weft__config *l, const struct provider *p, char *key)
{
	int fd = open(p->api_key_file, O_RDONLY | O_CLOEXEC), saved;
	size_t len = 0;
	ssize_t n = -1;

	while (fd >= 0 && len < WEFT__SECRET_BYTES_MAX && (n = read(fd, key + len, WEFT__SECRET_BYTES_MAX - len)) != 0) {
		if (n > 0)
			len += (size_t)n;
		else if (errno != EINTR)
			break;
	}
	saved = errno;
	if (fd >= 0)
		close(fd);
	key[len] = '\0';
	if (fd < 0 || n < 0)
		return weft_error_set(l->err, -saved, "%s: %s: %s", l->path, p->api_key_file, weft_strerror(-saved));
	return len ? 0 : weft_error_set(l->err, WEFT_ECONFIG, "%s: %s: no key in it", l->path, p->api_key_file);
}

/* The key, or NULL: the provider's own variable, or none. buffer holds one from a file. */
static int key_find(const struct weft__config *l, const struct provider *p, char *buffer, const char **ret)
{
	*ret = NULL;
	if (p->api_key_env) {
		*ret = getenv(p->api_key_env);
		if (!*ret || !**ret)
			return weft_error_set(l->err, WEFT_ECONFIG, "%s: %s: the environment has no %s", l->path, p->place.text,
			                      p->api_key_env);
		return 0;
	}
	if (!p->api_key_file)
		return 0;
	*ret = buffer;
	return key_from_file(l, p, buffer);
}

/* ---- into the registry ----------------------------------------------------------------------- */

static int add_anthropic(weft_models *models, const struct provider *p, weft_error *err)
{
	weft_anthropic_options opt = WEFT_ANTHROPIC_OPTIONS_INIT;

	opt.flags = p->opt.flags;
	opt.name = p->opt.name;
	opt.base_url = p->opt.base_url;
	opt.api_key = p->opt.api_key;
	opt.small_model = p->opt.small_model;
	opt.large_model = p->opt.large_model;
	opt.reasoning_small_model = p->opt.reasoning_small_model;
	opt.reasoning_large_model = p->opt.reasoning_large_model;
	opt.image_model = p->opt.image_model;
	opt.version = p->version;
	opt.headers = p->opt.headers;
	opt.header_count = p->opt.header_count;
	opt.thinking_tokens = p->thinking_tokens;
	opt.extra_json = p->opt.extra_json;
	opt.gate = p->opt.gate;
	opt.connect_ns = p->opt.connect_ns;
	opt.first_byte_ns = p->opt.first_byte_ns;
	opt.idle_ns = p->opt.idle_ns;
	opt.timeout_ns = p->opt.timeout_ns;
	opt.ca_file = p->opt.ca_file;
	opt.proxy = p->opt.proxy;
	return weft_models_add_anthropic(models, (int)p->priority, &opt, err);
}

/* With its gate and its price. */
static int add(weft_models *models, struct provider *p, weft_error *err)
{
	int r = p->has_gate ? weft_gate_create(&p->gate, &p->opt.gate, err) : 0;

	if (r == 0 && !strcmp(p->api, "openai"))
		r = weft_models_add_openai(models, (int)p->priority, &p->opt, err);
	else if (r == 0)
		r = add_anthropic(models, p, err);
	weft_gate_unref(p->opt.gate);
	if (r == 0 && p->has_price)
		r = weft_models_set_price(models, p->opt.name, &p->price);
	return r;
}

static int provider_add(const struct weft__config *l, weft_models *models, struct provider *p)
{
	char buffer[WEFT__SECRET_BYTES_MAX + 1];
	weft_error why = { 0 };
	int r = beside(l, &p->api_key_file);

	if (r == 0)
		r = beside(l, &p->opt.ca_file);
	if (r == 0)
		r = key_find(l, p, buffer, &p->opt.api_key);
	if (r == 0) {
		r = add(models, p, &why);
		if (r == -EINVAL)
			r = WEFT_ECONFIG;
		if (r < 0)
			weft_error_set(l->err, r, "%s: %s: %s", l->path, p->place.text, why.message[0] ? why.message : weft_strerror(r));
	}
	explicit_bzero(buffer, sizeof(buffer));
	return r;
}

static int cache_add(const struct file *f, weft_models *models)
{
	weft_cache *cache;
	int r = weft_cache_create(&f->cache, &cache);

	if (r == 0) {
		r = weft_models_set_cache(models, cache);
		weft_cache_unref(cache);
	}
	return r < 0 ? weft_error_set(f->config.err, r == -EINVAL ? WEFT_ECONFIG : r, "%s: /cache: %s", f->config.path, weft_strerror(r)) : 0;
}

static int file_add(struct file *f, weft_models *models)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < f->count; i++)
		r = provider_add(&f->config, models, &f->providers[i]);
	if (r == 0 && f->has_cache)
		r = cache_add(f, models);
	if (r == 0 && (f->budget.tokens || f->budget.micros))
		r = weft_models_set_budget(models, &f->budget);
	return r;
}

int weft_models_load(weft_models *models, const char *path, weft_error *err)
{
	struct file f = { .count = 0 };
	int r;

	if (!models || !path)
		return weft_error_set(err, -EINVAL, "no models, or no path");
	r = weft__config_open(&f.config, path, err);
	if (r == 0)
		r = file_read(&f);
	if (r == 0)
		r = file_add(&f, models);
	weft__config_close(&f.config);
	return r;
}
