/* SPDX-License-Identifier: Apache-2.0 */
/*
 * actors/remote/provider.h - models at the other end of an HTTP connection, whatever they speak.
 *
 * A provider is an endpoint with a key, an API to speak (struct weft__provider_api), a gate before it, and the
 * names of its models. It is made once, then only read: any number of agents and threads ask
 * through it. Each handler in a registry holds a reference.
 */
#ifndef WEFT_ACTORS_REMOTE_PROVIDER_H
#define WEFT_ACTORS_REMOTE_PROVIDER_H

#include <weft/gate.h>
#include <weft/json.h>
#include <weft/model.h>

#include "actors/remote/answering.h"
#include "actors/remote/secret.h"
#include "net/http/client.h"
#include "net/http/message.h"
#include "runtime/base/refs.h"

#define WEFT__PROVIDER_FIELDS_MAX 32u

struct weft__provider;

/* What differs between the APIs. A stream's state begins with a struct weft__answering. */
struct weft__provider_api {
	const char *name;
	size_t stream_bytes;
	/* The body of a request, and behind which path of the provider's it goes. */
	int (*write)(const struct weft__provider *p, const weft_model_request *req, bool stream, weft_json_writer *w,
	             weft_str *ret_body, weft_error *err);
	void (*stream_begin)(void *stream, weft_str key);
	int (*stream_data)(void *stream, weft_str data);
	bool (*stream_is_over)(const void *stream); /* the answer is complete, whatever else may come */
	int (*stream_end)(void *stream, weft_model_response *ret_response);
	int (*read)(struct weft__answering *a, const weft_model_request *req, weft_str body, weft_str key,
	            weft_model_response *ret_response);
};

/* The provider's own way of HTTP; tests put another one in its place. */
struct weft__line {
	int (*start)(struct weft__loop *loop, struct weft__http_call *call, const struct weft__http_request *req);
	void (*cancel)(struct weft__http_call *call);
};

struct weft__provider {
	weft__refs refs;
	const struct weft__provider_api *api;
	const void *manner; /* the API's own settings, in the arena */
	const struct weft__line *line;
	weft_arena *arena; /* owned: all strings but the key */
	struct weft__secret secret;
	weft_str name, chat_url, embeddings_url;
	weft_str models[WEFT_MODEL_TYPE_COUNT]; /* empty: not offered */
	struct weft__http_field fields[WEFT__PROVIDER_FIELDS_MAX];
	uint32_t field_count;
	weft_gate *gate; /* a reference; NULL: none */
	uint64_t connect_ns, first_byte_ns, idle_ns, timeout_ns;
	const char *ca_file, *proxy;
	uint32_t http_flags;
	bool no_stream, starts_thinking;
};

/* What the public options of all providers have in common. */
struct weft__provider_setup {
	const struct weft__provider_api *api;
	const char *name, *base_url;
	const char *key_field, *key_prefix, *key; /* key NULL or empty: none is sent */
	const char *models[WEFT_MODEL_TYPE_COUNT];
	const char *chat_path, *embeddings_path; /* behind the base */
	const char *const *headers; /* "Name: value" */
	uint32_t header_count;
	weft_gate *gate; /* NULL: one of its own, unless no_gate */
	bool no_gate, no_stream, starts_thinking;
	uint64_t connect_ns, first_byte_ns, idle_ns, timeout_ns;
	const char *ca_file, *proxy;
	uint32_t http_flags;
};

/** @return 0 and one reference, -EINVAL with err saying what, -ENOMEM. manner is set afterwards, in the provider's arena */
int weft__provider_create(const struct weft__provider_setup *setup, struct weft__provider **ret_provider, weft_error *err);
struct weft__provider *weft__provider_ref(struct weft__provider *p);
void weft__provider_unref(void *p); /* NULL is fine */

/** Add a field to every request. @return 0, -EINVAL (too many, or not "Name: value" of one line) */
int weft__provider_header(struct weft__provider *p, weft_str name, weft_str value, weft_error *err);

/** Put its models into the registry; takes the caller's reference over, also when it fails. @return as weft_models_add */
int weft__provider_register(struct weft__provider *p, weft_models *models, int priority, weft_error *err);

/** The handler (exchange.c). user is the provider. */
int weft__exchange(weft_model_call *call, void *user);

/** NULL, an object or not: what a host gives to be added to request bodies. @return 0 and a copy, -EINVAL with err */
int weft__provider_extra(struct weft__provider *p, const char *json, weft_str *ret, weft_error *err);

#endif
