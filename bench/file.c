/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench/file.c - scenarios.json into structs, strictly: an unknown key or a value
 * of the wrong type is an error that names it.
 */
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "bench/bench.h"

#define MESSAGES_MAX 1000000

enum kind { FLAG, COUNT, TEXT };

static const struct config_key {
	const char *name;
	enum kind kind;
	size_t offset, size;
} config_keys[] = {
#define FIELD(name, kind, member)                                                                          \
	{                                                                                                  \
		name, kind, offsetof(struct bench_config, member), sizeof(((struct bench_config *)0)->member) \
	}
	FIELD("group", TEXT, group),
	FIELD("iterations", COUNT, iterations),
	FIELD("warmup", COUNT, warmup),
	FIELD("concurrent", FLAG, concurrent),
	FIELD("room_per_message", FLAG, room_per_message),
	FIELD("bare", FLAG, bare),
	FIELD("check_should_respond", FLAG, check_should_respond),
	FIELD("multi_step", FLAG, multi_step),
	FIELD("custom_actions", FLAG, custom_actions),
	FIELD("startup_only", FLAG, startup_only),
	FIELD("scales", FLAG, scales),
	FIELD("dummy_providers", COUNT, dummy_providers),
	FIELD("history", COUNT, history),
	FIELD("db", TEXT, db),
	FIELD("db_count", COUNT, db_count),
	FIELD("agents_ms", COUNT, agents_ms),
#undef FIELD
};

static char *text_dup(weft_str s)
{
	char *copy = malloc(s.len_bytes + 1);

	if (copy) {
		if (s.len_bytes)
			memcpy(copy, s.ptr, s.len_bytes);
		copy[s.len_bytes] = '\0';
	}
	return copy;
}

static int config_value(const struct config_key *key, weft_json v, struct bench_config *config)
{
	char *at = (char *)config + key->offset;
	weft_str s;
	int64_t n;

	switch (key->kind) {
	case FLAG:
		return weft_json_get_bool(v, (bool *)at) ? 0 : -EINVAL;
	case COUNT:
		if (!weft_json_get_int(v, &n) || n < 0 || n > 10000000)
			return -EINVAL;
		*(uint32_t *)at = (uint32_t)n;
		return 0;
	case TEXT:
		if (!weft_json_get_str(v, &s) || s.len_bytes >= key->size)
			return -EINVAL;
		memcpy(at, s.ptr, s.len_bytes);
		return 0;
	}
	return -EINVAL;
}

static int config_read(weft_json v, struct bench_config *config, const char *id, weft_error *err)
{
	weft_json_iter it;

	if (weft_json_typeof(v) != WEFT_JSON_OBJECT)
		return weft_error_set(err, WEFT_ECONFIG, "scenario %s: config must be an object", id);
	for (it = weft_json_iter_begin(v); weft_json_iter_next(&it);) {
		const struct config_key *key = NULL;

		for (size_t i = 0; i < sizeof(config_keys) / sizeof(config_keys[0]); i++) {
			if (weft_str_eq(it.key, weft_str_from(config_keys[i].name)))
				key = &config_keys[i];
		}
		if (!key)
			return weft_error_set(err, WEFT_ECONFIG, "scenario %s: config.%.*s: unknown key", id,
			                      WEFT_STR_ARG(it.key));
		if (config_value(key, it.value, config) < 0)
			return weft_error_set(err, WEFT_ECONFIG, "scenario %s: config.%s: wrong type or out of range", id,
			                      key->name);
		config->has_warmup |= weft_str_eq(it.key, WEFT_STR("warmup"));
	}
	return 0;
}

static int messages_generate(int64_t n, struct bench_scenario *s)
{
	char text[80];

	if (n < 0 || n > MESSAGES_MAX)
		return -EINVAL;
	s->messages = calloc((size_t)n + 1, sizeof(*s->messages));
	for (; s->messages && s->message_count < n; s->message_count++) {
		snprintf(text, sizeof(text), "BenchmarkAgent, benchmark message number %u.", s->message_count + 1);
		s->messages[s->message_count] = text_dup(weft_str_from(text));
		if (!s->messages[s->message_count])
			return -ENOMEM;
	}
	return s->messages ? 0 : -ENOMEM;
}

/* A list of texts, or {"generate": n}. */
static int messages_read(weft_json v, struct bench_scenario *s)
{
	weft_json_iter it;
	weft_str text;
	int64_t n;

	if (weft_json_typeof(v) == WEFT_JSON_OBJECT)
		return weft_json_count(v) == 1 && weft_json_get_int(weft_json_find(v, WEFT_STR("generate")), &n) ?
		               messages_generate(n, s) :
		               -EINVAL;
	if (weft_json_typeof(v) != WEFT_JSON_ARRAY)
		return -EINVAL;
	s->messages = calloc(weft_json_count(v) + 1, sizeof(*s->messages));
	for (it = weft_json_iter_begin(v); s->messages && weft_json_iter_next(&it); s->message_count++) {
		if (!weft_json_get_str(it.value, &text))
			return -EINVAL;
		s->messages[s->message_count] = text_dup(text);
		if (!s->messages[s->message_count])
			return -ENOMEM;
	}
	return s->messages ? 0 : -ENOMEM;
}

static int scenario_read(weft_json v, struct bench_scenario *s, weft_error *err)
{
	weft_json_iter it;
	weft_str text;
	bool has_messages = false;
	int r;

	if (weft_json_get_str(weft_json_find(v, WEFT_STR("id")), &text) && text.len_bytes)
		s->id = text_dup(text);
	if (!s->id)
		return weft_error_set(err, WEFT_ECONFIG, "a scenario without id");
	for (it = weft_json_iter_begin(v); weft_json_iter_next(&it);) {
		if (weft_str_eq(it.key, WEFT_STR("id")))
			continue;
		if (weft_str_eq(it.key, WEFT_STR("messages"))) {
			has_messages = true;
			r = messages_read(it.value, s);
		} else if (weft_str_eq(it.key, WEFT_STR("config"))) {
			r = config_read(it.value, &s->config, s->id, err);
			if (r < 0)
				return r;
		} else if (weft_str_eq(it.key, WEFT_STR("name")) || weft_str_eq(it.key, WEFT_STR("description"))) {
			char **to = it.key.ptr[0] == 'n' ? &s->name : &s->description;

			r = weft_json_get_str(it.value, &text) && !*to && (*to = text_dup(text)) ? 0 : -EINVAL;
		} else {
			return weft_error_set(err, WEFT_ECONFIG, "scenario %s: %.*s: unknown key", s->id,
			                      WEFT_STR_ARG(it.key));
		}
		if (r < 0)
			return weft_error_set(err, WEFT_ECONFIG, "scenario %s: %.*s: wrong type or out of range", s->id,
			                      WEFT_STR_ARG(it.key));
	}
	if (!s->name || !s->description || !has_messages || !s->config.group[0])
		return weft_error_set(err, WEFT_ECONFIG,
		                      "scenario %s: name, description, messages and config.group are required", s->id);
	return 0;
}

static int list_read(weft_json root, struct bench_file *file, weft_error *err)
{
	weft_json list = weft_json_find(root, WEFT_STR("scenarios"));
	weft_json_iter it;
	int64_t version;
	int r;

	if (!weft_json_get_int(weft_json_find(root, WEFT_STR("version")), &version) || version != 1)
		return weft_error_set(err, WEFT_ECONFIG, "version: 1 is the only one known");
	if (weft_json_typeof(list) != WEFT_JSON_ARRAY)
		return weft_error_set(err, WEFT_ECONFIG, "scenarios: an array is required");
	file->scenarios = calloc(weft_json_count(list) + 1, sizeof(*file->scenarios));
	if (!file->scenarios)
		return -ENOMEM;
	for (it = weft_json_iter_begin(list); weft_json_iter_next(&it);) {
		struct bench_scenario *s = &file->scenarios[file->count++];

		r = scenario_read(it.value, s, err);
		if (r < 0)
			return r;
		for (uint32_t i = 0; i + 1 < file->count; i++) {
			if (!strcmp(file->scenarios[i].id, s->id))
				return weft_error_set(err, WEFT_ECONFIG, "scenario %s: given twice", s->id);
		}
	}
	return 0;
}

int bench_file_load(const char *path, struct bench_file *ret, weft_error *err)
{
	weft_json_doc *doc;
	weft_error inner = { 0 };
	int r;

	*ret = (struct bench_file){ 0 };
	r = path ? weft_json_parse_file(path, &doc, err) :
	           weft_json_parse((weft_str){ bench_scenarios_json, bench_scenarios_json_len }, &doc, err);
	if (r < 0)
		return r;
	r = list_read(weft_json_root(doc), ret, &inner);
	weft_json_release(doc);
	if (r < 0) {
		weft_error_set(err, r, "%s: %s", path ? path : "scenarios.json",
		               inner.message[0] ? inner.message : weft_strerror(r));
		bench_file_free(ret);
	}
	return r;
}

void bench_file_free(struct bench_file *file)
{
	for (uint32_t i = 0; i < file->count; i++) {
		struct bench_scenario *s = &file->scenarios[i];

		for (uint32_t j = 0; j < s->message_count; j++)
			free(s->messages[j]);
		free(s->messages);
		free(s->id);
		free(s->name);
		free(s->description);
	}
	free(file->scenarios);
	*file = (struct bench_file){ 0 };
}
