/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tests/support/attachments.h - messages that bring something, handlers that say what the
 * test wants at once or when it lets them, and what came of it in store and events.
 */
#ifndef WEFT_TESTS_SUPPORT_ATTACHMENTS_H
#define WEFT_TESTS_SUPPORT_ATTACHMENTS_H

#include "tests/support/pipeline.h"

static struct world *w;
static weft_msg *reply;
static weft_arena *arena;
static weft_subscription *events;

static inline void attachments_setup_with(uint32_t workers)
{
	w = world_create_with(workers);
	w->opt.no_embeddings = true;
	cr_assert_eq(weft_arena_create(0, &arena), 0);
}

static inline void attachments_setup(void)
{
	attachments_setup_with(2);
}

static inline void attachments_teardown(void)
{
	weft_msg_destroy(reply);
	weft_arena_destroy(arena);
	weft_events_unsubscribe(events);
	world_end(w);
	reply = NULL;
	events = NULL;
}

/* ---- handlers --------------------------------------------------------------------- */

#define LATE_MAX 64

/* A handler that says what it is told to: at once, or later from let_go's thread. */
struct handler {
	const char *title, *description, *text;
	int status;
	bool hold;
	pthread_mutex_t lock;
	uint32_t calls;
	weft_attachment_call *held[LATE_MAX];
	uint32_t held_count;
};

static inline int answer(struct handler *h, weft_attachment_call *call)
{
	if (h->status < 0)
		return weft_error_set(call->error, h->status, "no eyes for %.*s",
		                      WEFT_STR_ARG(call->attachment->url));
	cr_assert_eq(weft_attachment_describe(call, weft_str_from(h->title), weft_str_from(h->description),
	                                      weft_str_from(h->text)),
	             0);
	return 0;
}

static inline int look(weft_attachment_call *call, void *user)
{
	struct handler *h = user;
	bool hold;

	pthread_mutex_lock(&h->lock);
	h->calls++;
	hold = h->hold;
	if (hold)
		h->held[h->held_count++] = call;
	pthread_mutex_unlock(&h->lock);
	return hold ? WEFT_PENDING : answer(h, call);
}

static inline uint32_t held(struct handler *h)
{
	uint32_t n;

	pthread_mutex_lock(&h->lock);
	n = h->held_count;
	pthread_mutex_unlock(&h->lock);
	return n;
}

/* Finish one of the held calls. */
static inline void let_go(struct handler *h, uint32_t at)
{
	weft_attachment_call *call;

	pthread_mutex_lock(&h->lock);
	cr_assert_lt(at, h->held_count);
	call = h->held[at];
	h->held[at] = h->held[--h->held_count];
	pthread_mutex_unlock(&h->lock);
	weft_attachment_finish(call, answer(h, call));
}

static inline void add_handler(const char *name, const char *content_type, int priority, struct handler *h)
{
	weft_attachment_handler handler = WEFT_ATTACHMENT_HANDLER_INIT;

	if (!w->def)
		world_def(w);
	pthread_mutex_init(&h->lock, NULL);
	handler.name = name;
	handler.content_type = content_type;
	handler.priority = priority;
	handler.fn = look;
	handler.user = h;
	cr_assert_eq(weft_agent_def_add_attachment_handler(w->def, &handler), 0);
}

/* ---- messages --------------------------------------------------------------------- */

#define IMAGE {.url = WEFT_STR("https://a/bee.png"), .content_type = WEFT_STR("image/png"), .title = WEFT_STR("bee.png")}

static inline weft_incoming with(const char *text, const weft_attachment *list, uint32_t count)
{
	weft_incoming in = world_message(w, text);

	in.message.attachments = list;
	in.message.attachment_count = count;
	return in;
}

static inline const weft_agent_result *send(const weft_attachment *list, uint32_t count)
{
	weft_incoming in = with("look, Ada", list, count);
	const weft_agent_result *r;

	weft_msg_destroy(reply);
	r = world_handle(w, &in, &reply);
	cr_assert_eq(r->status, 0, "%.*s", WEFT_STR_ARG(r->error));
	return r;
}

/* The message as the store has it. */
static inline weft_memory stored(void)
{
	weft_memory m;

	cr_assert_eq(weft_store_get(w->store, weft_agent_result_of(reply)->message_id, arena, &m), 0);
	return m;
}

static inline void listen(void)
{
	weft_subscribe_options opt = WEFT_SUBSCRIBE_OPTIONS_INIT;

	cr_assert_eq(weft_events_subscribe(w->rt, &opt, &events), 0);
}

/* How often an event of this name came since the last call; error: of the last that had one. */
static inline void count_events(const char *const *names, uint32_t *counts, char *error, size_t size)
{
	static weft_event batch[256];
	int n;

	while ((n = weft_events_read(events, batch, 256)) > 0) {
		for (int i = 0; i < n; i++) {
			for (int k = 0; names[k]; k++)
				counts[k] += weft_str_eq(batch[i].message, weft_str_from(names[k]));
			for (uint32_t f = 0; f < batch[i].field_count; f++) {
				if (weft_str_eq(batch[i].fields[f].key, WEFT_STR("error")))
					snprintf(error, size, "%.*s", WEFT_STR_ARG(batch[i].fields[f].str));
			}
		}
	}
}

static const char *const stage_events[] = {"ATTACHMENT_STARTED", "ATTACHMENT_COMPLETED", "ATTACHMENT_FAILED",
                                    "process_attachments", NULL};

#endif
