/* SPDX-License-Identifier: Apache-2.0 */
/*
 * actors/openai/list.c - which models an endpoint has: one GET, for a thread that may wait.
 *
 * The request lives on the process's own loop. The caller sleeps until it is over, so that all of it is on the caller's
 * stack.
 */
#include <errno.h>
#include <semaphore.h>

#include "actors/openai/openai.h"
#include "actors/op.h"
#include "actors/remote/fault.h"
#include "runtime/io/loop.h"
#include "runtime/loops.h"

#define LIST_BYTES_MAX (UINT64_C(4) << 20)
#define TIMEOUT_NS UINT64_C(10000000000)

struct listing {
	struct weft__http_call http;
	struct weft__job begin;
	const struct weft__provider *p;
	struct weft__loop *loop;
	sem_t over;
	int status, http_status;
	weft_buffer body; /* owned */
	bool out_of_memory;
};

/* ---- in the loop's thread ------------------------------------------------------- */

static void on_head(struct weft__http_call *http, int status, const struct weft__http_field *fields, uint32_t n)
{
	struct listing *l = http->user;

	(void)fields;
	(void)n;
	l->http_status = status;
}

static void on_body(struct weft__http_call *http, const uint8_t *bytes, size_t len)
{
	struct listing *l = http->user;

	if (weft_buffer_put(&l->body, (weft_str){ (const char *)bytes, len }) < 0)
		l->out_of_memory = true;
}

static void on_done(struct weft__http_call *http, int status)
{
	struct listing *l = http->user;

	l->status = status;
	sem_post(&l->over); /* from here on it may be gone */
}

static void begin(struct weft__job *job)
{
	struct listing *l = weft__op_owner(job, struct listing, begin);
	const struct weft__provider *p = l->p;
	struct weft__http_request req = { .method = WEFT_STR("GET"),
		                          .url = p->chat_url,
		                          .fields = p->fields,
		                          .field_count = p->field_count,
		                          .connect_ns = p->connect_ns,
		                          .total_ns = p->timeout_ns,
		                          .body_bytes_max = LIST_BYTES_MAX,
		                          .flags = p->http_flags | WEFT__HTTP_FOLLOW | WEFT__HTTP_SAME_ORIGIN,
		                          .ca_file = p->ca_file,
		                          .proxy = p->proxy };
	int r = weft__http_start(l->loop, &l->http, &req);

	if (r < 0)
		on_done(&l->http, r);
}

/* ---- in the caller's --------------------------------------------------------------- */

static int wait_for(struct listing *l)
{
	int r;

	l->loop = weft__loop_own();
	if (!l->loop)
		return -EAGAIN;
	r = weft__loop_post(l->loop, &l->begin);
	if (r < 0)
		return r;
	while (sem_wait(&l->over) < 0)
		; /* a signal: it is not over yet */
	return l->status < 0 ? l->status : l->out_of_memory ? -ENOMEM : 0;
}

/* {"data": [{"id": "name"}]} */
static int read_names(weft_json root, weft_arena *arena, weft_str **ret_names, uint32_t *ret_count)
{
	weft_json data = weft_json_find(root, WEFT_STR("data"));
	weft_json_iter it = weft_json_iter_begin(data);
	weft_str *names = weft_arena_calloc(arena, (weft_json_count(data) + 1) * sizeof(*names));
	uint32_t n = 0;

	if (!names)
		return -ENOMEM;
	if (weft_json_typeof(data) != WEFT_JSON_ARRAY)
		return WEFT_EPARSE;
	while (weft_json_iter_next(&it)) {
		weft_str id;

		if (!weft_json_get_str(weft_json_find(it.value, WEFT_STR("id")), &id) || !id.len_bytes)
			return WEFT_EPARSE;
		names[n] = weft_arena_dup(arena, id);
		if (!names[n++].ptr)
			return -ENOMEM;
	}
	*ret_names = names;
	*ret_count = n;
	return 0;
}

static int read_answer(const struct listing *l, weft_arena *arena, weft_str **ret_names, uint32_t *ret_count, weft_error *err)
{
	weft_str body = { l->body.ptr, l->body.len_bytes };
	weft_json_doc *doc;
	int r;

	if (l->http_status < 200 || l->http_status > 299)
		return weft__fault(err, l->http_status, body, weft__secret_key(&l->p->secret));
	r = weft_json_parse(body, &doc, err);
	if (r < 0)
		return r;
	r = read_names(weft_json_root(doc), arena, ret_names, ret_count);
	weft_json_release(doc);
	return r < 0 ? weft_error_set(err, r, "%s", r == WEFT_EPARSE ? "the answer is no list of models" : weft_strerror(r)) : 0;
}

static int list(const struct weft__provider *p, weft_arena *arena, weft_str **ret_names, uint32_t *ret_count, weft_error *err)
{
	struct listing l = { .p = p, .begin = { .run = begin } };
	weft_error why = { 0 };
	int r;

	l.http = (struct weft__http_call){ .head = on_head, .body = on_body, .done = on_done, .user = &l };
	sem_init(&l.over, 0, 0);
	r = wait_for(&l);
	if (r < 0)
		weft_error_set(&why, r, "%s", l.http.error.message[0] ? l.http.error.message : weft_strerror(r));
	else
		r = read_answer(&l, arena, ret_names, ret_count, &why);
	sem_destroy(&l.over);
	weft_buffer_fini(&l.body);
	return r < 0 ? weft_error_set(err, r, "%.*s: %s", WEFT_STR_ARG(p->name), why.message) : 0;
}

int weft_openai_list(const weft_openai_options *opt, weft_arena *arena, weft_str **ret_names, uint32_t *ret_count, weft_error *err)
{
	struct weft__provider_setup setup;
	struct weft__provider *p;
	int r = weft__openai_setup(opt, &setup, err);

	if (r < 0)
		return r;
	if (!arena || !ret_names || !ret_count)
		return weft_error_set(err, -EINVAL, "%s: no arena, or nowhere to put the names", setup.name);
	setup.chat_path = "/models"; /* the one address that this provider has */
	setup.no_gate = true;
	setup.gate = NULL;
	if (!setup.timeout_ns)
		setup.timeout_ns = TIMEOUT_NS;
	r = weft__provider_create(&setup, &p, err);
	if (r < 0)
		return r;
	r = weft__openai_headers(p, opt, err);
	if (r == 0)
		r = list(p, arena, ret_names, ret_count, err);
	weft__provider_unref(p);
	return r;
}
