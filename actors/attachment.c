/* SPDX-License-Identifier: Apache-2.0 */
/* attachment - see attachment.h. */
#include "actors/attachment.h"

#include <errno.h>

#include "actors/content_type.h"
#include "actors/late.h"

struct weft__attachment_look {
	weft_attachment_call call; /* first: what the handler holds */
	struct weft__op op;
	weft_error error;    /* why it failed, if it says so */
	weft_str by;         /* the handler's name */
	uint32_t index;      /* of the attachment */
	uint32_t next;       /* handler to ask when this one fails */
	bool done;           /* it did not fail; what it said: */
	weft_str title, description, text; /* in the arena or in late; empty: nothing */
	struct weft__late late;
	struct weft__attachment_look *older; /* of this turn */
};

static void look_back(struct weft__op *op);

/* ---- events -------------------------------------------------------------- */

static void say(const struct weft__attachment_look *look, weft_event_type type, weft_str message, weft_str error)
{
	weft_turn *turn = look->call.turn;
	char id[WEFT_UUID_TEXT_LEN];
	weft_event_field fields[] = {
	        {.key = WEFT_STR("attachment"), .kind = WEFT_FIELD_STR, .str = {id, sizeof(id)}},
	        {.key = WEFT_STR("content_type"),
	         .kind = WEFT_FIELD_STR,
	         .str = look->call.attachment->content_type},
	        {.key = WEFT_STR("error"), .kind = WEFT_FIELD_STR, .str = error},
	};

	if (!weft_events_wanted(turn->rt))
		return;
	weft_uuid_format(look->call.attachment->id, id);
	weft__turn_event(turn, WEFT_SCOPE_STEP, type, look->by, message, fields, error.len_bytes ? 3 : 2);
}

static void say_not_saved(weft_turn *turn, int status)
{
	weft_event_field field = {.key = WEFT_STR("error"),
	                          .kind = WEFT_FIELD_STR,
	                          .str = weft_str_from(weft_strerror(status))};

	weft__turn_event(turn, WEFT_SCOPE_STEP, WEFT_EVENT_FAILED, turn->agent_name,
	                 WEFT_STR("ATTACHMENTS_NOT_SAVED"), &field, 1);
}

/* ---- one look ------------------------------------------------------------ */

static struct weft__attachment_look *look_create(weft_turn *turn, uint32_t index, weft_str by)
{
	struct weft__attachment_look *look = weft_arena_calloc(turn->arena, sizeof(*look));

	if (!look)
		return NULL;
	look->call = (weft_attachment_call){.turn = turn,
	                                    .arena = turn->arena,
	                                    .attachment = &turn->message.attachments[index],
	                                    .error = &look->error};
	look->by = by;
	look->index = index;
	look->older = turn->looks;
	turn->looks = look;
	return look;
}

static void look_ended(struct weft__attachment_look *look, int status)
{
	look->done = status >= 0;
	if (look->done)
		say(look, WEFT_EVENT_COMPLETED, WEFT_STR("ATTACHMENT_COMPLETED"), (weft_str){NULL, 0});
	else
		say(look, WEFT_EVENT_FAILED, WEFT_STR("ATTACHMENT_FAILED"),
		    weft_str_from(look->error.message[0] ? look->error.message : weft_strerror(status)));
}

/* ---- handlers ------------------------------------------------------------ */

/* The first handler from `from` on that takes this type; the list's length: none does. */
static uint32_t handler_for(const weft_agent_def *def, weft_str content_type, uint32_t from)
{
	while (from < def->attachment_handler_count &&
	       !weft__content_type_matches(content_type,
	                                   weft_str_from(def->attachment_handlers[from]->content_type)))
		from++;
	return from;
}

/* Ask the handlers from `at` on until one does not fail, or waits. Each has a look of its own: a late one may still write into it. */
static int ask_handlers(weft_turn *turn, uint32_t index, uint32_t at)
{
	const weft_agent_def *def = turn->def;
	weft_str type = turn->message.attachments[index].content_type;

	for (; at < def->attachment_handler_count; at = handler_for(def, type, at + 1)) {
		const weft_attachment_handler *h = def->attachment_handlers[at];
		struct weft__attachment_look *look = look_create(turn, index, weft_str_from(h->name));
		int r;

		if (!look)
			return -ENOMEM;
		look->next = at + 1;
		say(look, WEFT_EVENT_STARTED, WEFT_STR("ATTACHMENT_STARTED"), (weft_str){NULL, 0});
		weft__op_begin(&look->op, turn->run, look_back);
		r = weft__op_returned(&look->op, h->fn(&look->call, h->user));
		if (r == WEFT_PENDING) {
			turn->waiting++;
			return 0;
		}
		look_ended(look, r);
		if (look->done)
			return 0;
	}
	return 0;
}

static void look_back(struct weft__op *op)
{
	struct weft__attachment_look *look = weft__op_owner(op, struct weft__attachment_look, op);
	weft_turn *turn = look->call.turn;

	if (!turn->ended) {
		look_ended(look, op->status);
		if (!look->done &&
		    ask_handlers(turn, look->index,
		                 handler_for(turn->def, look->call.attachment->content_type, look->next)) < 0)
			weft__turn_fail(turn, -ENOMEM, "out of memory");
	}
	weft__turn_child_done(turn);
}

/* ---- all of a message ---------------------------------------------------- */

static bool needs_look(const weft_attachment *a)
{
	bool readable = a->text.len_bytes && weft__content_type_is_text(a->content_type);

	return a->description.len_bytes == 0 && !readable;
}

int weft__attachments_look(weft_turn *turn)
{
	for (uint32_t i = 0; i < turn->message.attachment_count; i++) {
		const weft_attachment *a = &turn->message.attachments[i];
		int r = 0;

		if (needs_look(a))
			r = ask_handlers(turn, i, handler_for(turn->def, a->content_type, 0));
		if (r < 0)
			return r;
	}
	return turn->waiting ? WEFT_PENDING : 0;
}

/* What was said replaces what was there; what was not said stays. @return whether anything changed */
static bool apply(const struct weft__attachment_look *look, weft_attachment *a)
{
	if (look->title.len_bytes)
		a->title = look->title;
	if (look->description.len_bytes)
		a->description = look->description;
	if (look->text.len_bytes)
		a->text = look->text;
	return look->title.len_bytes || look->description.len_bytes || look->text.len_bytes;
}

int weft__attachments_keep(weft_turn *turn)
{
	uint32_t count = turn->message.attachment_count;
	bool changed = false;
	weft_attachment *list;
	int r;

	if (!turn->looks)
		return 0;
	list = weft_arena_alloc(turn->arena, count * sizeof(*list));
	if (!list)
		return -ENOMEM;
	memcpy(list, turn->message.attachments, count * sizeof(*list));
	for (const struct weft__attachment_look *look = turn->looks; look; look = look->older)
		changed |= look->done && apply(look, &list[look->index]);
	if (!changed)
		return 0;
	turn->message.attachments = list;
	r = weft_store_set_attachments(turn->store, turn->message.id, list, count);
	if (r < 0)
		say_not_saved(turn, r);
	return 0;
}

void weft__attachments_fini(weft_turn *turn)
{
	for (struct weft__attachment_look *look = turn->looks; look; look = look->older)
		weft__late_fini(&look->late);
}

/* ---- what a handler may call --------------------------------------------- */

int weft_attachment_describe(weft_attachment_call *call, weft_str title, weft_str description, weft_str text)
{
	struct weft__attachment_look *look = (struct weft__attachment_look *)call;
	weft_arena *arena;

	if (!call)
		return -EINVAL;
	if (title.len_bytes > WEFT_ATTACHMENT_NAME_BYTES_MAX || description.len_bytes > WEFT_ATTACHMENTS_BYTES_MAX ||
	    text.len_bytes > WEFT_ATTACHMENTS_BYTES_MAX)
		return -EMSGSIZE;
	arena = weft__late_arena(&look->late, &look->op, call->turn->arena);
	if (!arena)
		return -ENOMEM;
	title = weft_arena_dup(arena, title);
	description = weft_arena_dup(arena, description);
	text = weft_arena_dup(arena, text);
	if (!title.ptr || !description.ptr || !text.ptr)
		return -ENOMEM;
	look->title = title;
	look->description = description;
	look->text = text;
	return 0;
}

void weft_attachment_finish(weft_attachment_call *call, int status)
{
	if (call)
		weft__op_finish(&((struct weft__attachment_look *)call)->op, status);
}
