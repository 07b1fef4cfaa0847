/* SPDX-License-Identifier: Apache-2.0 */
/*
 * actors/remote/provider.c - a setup checked and copied into an endpoint: addresses, headers with the key, the gate; and its
 * handlers put into a registry.
 */
#include "actors/remote/provider.h"

#include <errno.h>

#include "net/http/url.h"

#define TIMEOUT_NS UINT64_C(600000000000) /* 10 min for a call with all its repetitions */

static const struct weft__line http_line = { .start = weft__http_start, .cancel = weft__http_cancel };

struct weft__provider *weft__provider_ref(struct weft__provider *p)
{
	weft__refs_take(&p->refs);
	return p;
}

void weft__provider_unref(void *user)
{
	struct weft__provider *p = user;

	if (!p || !weft__refs_drop(&p->refs))
		return;
	weft__secret_wipe(&p->secret);
	weft_gate_unref(p->gate);
	weft_arena_destroy(p->arena);
	weft_free(p);
}

/* ---- making one ------------------------------------------------------------------------ */

/* NULL stays the empty string. */
static int keep(struct weft__provider *p, const char *text, weft_str *ret)
{
	*ret = (weft_str){ 0 };
	if (!text)
		return 0;
	*ret = weft_arena_dup(p->arena, weft_str_from(text));
	return ret->ptr ? 0 : -ENOMEM;
}

static int keep_path(struct weft__provider *p, const char *text, const char **ret)
{
	weft_str copy;
	int r = keep(p, text, &copy);

	*ret = copy.ptr;
	return r;
}

static int url_make(struct weft__provider *p, const char *base, const char *path, weft_str *ret)
{
	weft_str b = weft_str_from(base);

	while (b.len_bytes && b.ptr[b.len_bytes - 1] == '/')
		b.len_bytes--;
	*ret = (weft_str){ 0 };
	if (!path)
		return 0;
	*ret = weft_arena_printf(p->arena, "%.*s%s", WEFT_STR_ARG(b), path);
	return ret->ptr ? 0 : -ENOMEM;
}

static bool is_one_line(weft_str s)
{
	for (size_t i = 0; i < s.len_bytes; i++) {
		if (s.ptr[i] == '\r' || s.ptr[i] == '\n' || s.ptr[i] == '\0')
			return false;
	}
	return true;
}

int weft__provider_header(struct weft__provider *p, weft_str name, weft_str value, weft_error *err)
{
	if (!name.len_bytes || !is_one_line(name) || !is_one_line(value))
		return weft_error_set(err, -EINVAL, "%.*s: a header is not one line", WEFT_STR_ARG(p->name));
	if (p->field_count == WEFT__PROVIDER_FIELDS_MAX)
		return weft_error_set(err, -EINVAL, "%.*s: more than %u headers", WEFT_STR_ARG(p->name),
		                      WEFT__PROVIDER_FIELDS_MAX);
	p->fields[p->field_count++] = (struct weft__http_field){ .name = name, .value = value };
	return 0;
}

/* "Name: value" */
static int header_add(struct weft__provider *p, const char *line, weft_error *err)
{
	weft_str text, name, value;
	const char *colon;

	if (keep(p, line, &text) < 0)
		return -ENOMEM;
	colon = text.ptr ? strchr(text.ptr, ':') : NULL;
	if (!colon)
		return weft_error_set(err, -EINVAL, "%.*s: a header without a colon", WEFT_STR_ARG(p->name));
	name = (weft_str){ text.ptr, (size_t)(colon - text.ptr) };
	value = weft__str_trim(weft_str_from(colon + 1));
	return weft__provider_header(p, weft__str_trim(name), value, err);
}

static int key_set(struct weft__provider *p, const struct weft__provider_setup *setup, weft_error *err)
{
	weft_str key = weft__str_trim(weft_str_from(setup->key)), field;

	if (!key.len_bytes)
		return 0;
	if (key.len_bytes > WEFT__SECRET_BYTES_MAX || !is_one_line(key))
		return weft_error_set(err, -EINVAL, "%.*s: the key is not one line", WEFT_STR_ARG(p->name));
	if (!weft__secret_set(&p->secret, weft_str_from(setup->key_prefix), key) || keep(p, setup->key_field, &field) < 0)
		return -ENOMEM;
	return weft__provider_header(p, field, weft__secret_value(&p->secret), err);
}

static int gate_set(struct weft__provider *p, const struct weft__provider_setup *setup, weft_error *err)
{
	if (setup->gate)
		p->gate = weft_gate_ref(setup->gate);
	else if (!setup->no_gate)
		return weft_gate_create(NULL, &p->gate, err);
	return 0;
}

static int fill(struct weft__provider *p, const struct weft__provider_setup *setup, weft_error *err)
{
	struct weft__url url;
	weft_error why;
	int r = keep(p, setup->name, &p->name);

	for (int i = 0; r == 0 && i < WEFT_MODEL_TYPE_COUNT; i++)
		r = keep(p, setup->models[i], &p->models[i]);
	if (r == 0)
		r = url_make(p, setup->base_url, setup->chat_path, &p->chat_url);
	if (r == 0)
		r = url_make(p, setup->base_url, setup->embeddings_path, &p->embeddings_url);
	if (r == 0)
		r = keep_path(p, setup->ca_file, &p->ca_file);
	if (r == 0)
		r = keep_path(p, setup->proxy, &p->proxy);
	if (r < 0)
		return r;
	if (weft__url_parse(p->chat_url, &url, &why) < 0)
		return weft_error_set(err, -EINVAL, "%s: base_url: %s", setup->name, why.message);
	r = key_set(p, setup, err);
	for (uint32_t i = 0; r == 0 && i < setup->header_count; i++)
		r = header_add(p, setup->headers[i], err);
	return r == 0 ? gate_set(p, setup, err) : r;
}

int weft__provider_create(const struct weft__provider_setup *setup, struct weft__provider **ret_provider, weft_error *err)
{
	struct weft__provider *p = weft_calloc(1, sizeof(*p));
	int r;

	if (!p)
		return weft_error_set(err, -ENOMEM, "out of memory");
	weft__refs_init(&p->refs, 1);
	p->api = setup->api;
	p->line = &http_line;
	p->connect_ns = setup->connect_ns;
	p->first_byte_ns = setup->first_byte_ns;
	p->idle_ns = setup->idle_ns;
	p->timeout_ns = setup->timeout_ns ? setup->timeout_ns : TIMEOUT_NS;
	p->http_flags = setup->http_flags | WEFT__HTTP_SAFE_TO_REPEAT;
	p->no_stream = setup->no_stream;
	p->starts_thinking = setup->starts_thinking;
	r = weft_arena_create(0, &p->arena);
	if (r == 0) {
		weft_arena_wipe_at_end(p->arena); /* a host's own headers may hold keys */
		r = fill(p, setup, err);
	}
	if (r < 0) {
		weft__provider_unref(p);
		return r == -ENOMEM ? weft_error_set(err, r, "out of memory") : r;
	}
	*ret_provider = p;
	return 0;
}

int weft__provider_extra(struct weft__provider *p, const char *json, weft_str *ret, weft_error *err)
{
	weft_json_doc *doc;
	weft_error why;
	bool is_object;

	*ret = (weft_str){ 0 };
	if (!json)
		return 0;
	if (weft_json_parse(weft_str_from(json), &doc, &why) < 0)
		return weft_error_set(err, -EINVAL, "%.*s: extra_json: %s", WEFT_STR_ARG(p->name), why.message);
	is_object = weft_json_typeof(weft_json_root(doc)) == WEFT_JSON_OBJECT;
	weft_json_release(doc);
	if (!is_object)
		return weft_error_set(err, -EINVAL, "%.*s: extra_json: not an object", WEFT_STR_ARG(p->name));
	return keep(p, json, ret) < 0 ? weft_error_set(err, -ENOMEM, "out of memory") : 0;
}

/* ---- into a registry ----------------------------------------------------------------------- */

int weft__provider_register(struct weft__provider *p, weft_models *models, int priority, weft_error *err)
{
	uint32_t added = 0;
	int r = 0;

	for (int type = 0; r == 0 && type < WEFT_MODEL_TYPE_COUNT; type++) {
		if (!p->models[type].len_bytes)
			continue;
		if (type == WEFT_MODEL_TEXT_EMBEDDING && !p->embeddings_url.len_bytes)
			continue;
		weft__provider_ref(p);
		r = weft_models_add(models, (weft_model_type)type, priority, p->name.ptr, weft__exchange, p, weft__provider_unref);
		if (r < 0)
			weft__provider_unref(p);
		added++;
	}
	if (r == 0 && !added)
		r = weft_error_set(err, -EINVAL, "%.*s: no model is named", WEFT_STR_ARG(p->name));
	else if (r < 0)
		weft_error_set(err, r, "%.*s: %s", WEFT_STR_ARG(p->name), weft_strerror(r));
	weft__provider_unref(p);
	return r;
}
