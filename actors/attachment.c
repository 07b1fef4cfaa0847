/* SPDX-License-Identifier: Apache-2.0 */
/*
 * actors/attachment.c - a look for each attachment that needs one: by handlers, one after another until one does not fail, or
 * by the model. When all are back what they said is applied, and saved.
 */
#include "actors/attachment.h"

#include <errno.h>

#include "actors/content_type.h"
#include "actors/late.h"
#include "actors/model.h"
#include "actors/question.h"

struct weft__attachment_look {
	weft_attachment_call call; /* first: what the handler holds */
	struct weft__op op;
	weft_error error;    /* why it failed, if it says so */
	weft_str by;         /* the handler's name, or the model's type */
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
	bool told = status < 0 && !weft__op_is_lost(&look->op) && look->error.message[0];

	look->done = status >= 0;
	if (look->done)
		say(look, WEFT_EVENT_COMPLETED, WEFT_STR("ATTACHMENT_COMPLETED"), (weft_str){NULL, 0});
	else
		say(look, WEFT_EVENT_FAILED, WEFT_STR("ATTACHMENT_FAILED"),
		    weft_str_from(told ? look->error.message : weft_strerror(status)));
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

/* ---- the model ------------------------------------------------------------ */

/* The answer's fields, or all of it as the description. @return 0 or WEFT_ESCHEMA */
static int read_answer(struct weft__attachment_look *look, weft_str text)
{
	weft_arena *arena = look->call.turn->arena;
	struct weft__answer answer;

	if (weft__answer_parse(text, arena, &answer, NULL) == 0 &&
	    weft__answer_find(&answer, WEFT_STR("description"))) {
		look->title = weft__question_field(&answer, WEFT_STR("title"));
		look->description = weft__question_field(&answer, WEFT_STR("description"));
		look->text = weft__question_field(&answer, WEFT_STR("text"));
	} else {
		look->description = weft__str_trim(weft__strip_think(text, arena));
	}
	if (look->title.len_bytes > WEFT_ATTACHMENT_NAME_BYTES_MAX)
		look->title.len_bytes = 0;
	if (look->description.len_bytes == 0)
		return weft_error_set(&look->error, WEFT_ESCHEMA, "the answer describes nothing");
	return 0;
}

static void model_ended(struct weft__attachment_look *look, const struct weft__model_ask *ask, int status)
{
	if (status < 0) {
		weft_error_set(&look->error, status, "%.*s", WEFT_STR_ARG(ask->why));
	} else {
		weft__usage_add(&look->call.turn->run->result.usage, &ask->response.usage);
		status = read_answer(look, ask->response.text);
	}
	look_ended(look, status);
}

static void model_back(struct weft__model_ask *ask, int status)
{
	struct weft__attachment_look *look = ask->user;

	if (!look->call.turn->ended)
		model_ended(look, ask, status);
	weft__turn_child_done(look->call.turn);
}

/* The handlers get an arena of this look: other looks wait beside it, on threads of their own. */
static int ask_model(weft_turn *turn, uint32_t index)
{
	const struct weft__question_spec *q = &weft__image_question;
	struct weft__attachment_look *look = look_create(turn, index, weft_str_from(weft_model_type_name(q->model)));
	struct weft__model_ask *ask = weft_arena_calloc(turn->arena, sizeof(*ask));
	int r;

	if (!look || !ask || weft_arena_create(0, &look->late.arena) < 0)
		return -ENOMEM;
	ask->request = (weft_model_request){
	        .type = q->model,
	        .prompt = q->source,
	        .image_url = look->call.attachment->url,
	        .fields = q->fields,
	        .field_count = q->field_count,
	        .max_tokens = turn->def->opt.max_tokens,
	        .temperature = turn->def->opt.temperature,
	};
	ask->arena = look->late.arena;
	ask->number = ++turn->run->result.iterations;
	ask->back = model_back;
	ask->user = look;
	say(look, WEFT_EVENT_STARTED, WEFT_STR("ATTACHMENT_STARTED"), (weft_str){NULL, 0});
	r = weft__model_ask(ask, turn->run);
	if (r == WEFT_PENDING)
		turn->waiting++;
	else
		model_ended(look, ask, r);
	return 0;
}

/* ---- all of a message ---------------------------------------------------- */

int weft__attachments_recall(weft_turn *turn)
{
	weft_memory stored;
	int r = weft_store_get(turn->store, turn->message.id, turn->arena, &stored);

	if (r == 0 && stored.attachment_count == turn->message.attachment_count)
		turn->message.attachments = stored.attachments;
	return r == -ENOMEM ? r : 0;
}

static bool needs_look(const weft_attachment *a)
{
	bool readable = a->text.len_bytes && weft__content_type_is_text(a->content_type);

	return a->description.len_bytes == 0 && !readable;
}

static bool model_can(const weft_agent_def *def, const weft_attachment *a)
{
	return a->url.len_bytes && weft__content_type_matches(a->content_type, WEFT_STR("image/*")) &&
	       weft__models_have(def->models, WEFT_MODEL_IMAGE_DESCRIPTION);
}

static int look_at(weft_turn *turn, uint32_t index)
{
	const weft_attachment *a = &turn->message.attachments[index];
	uint32_t handler;

	if (!needs_look(a))
		return 0;
	handler = handler_for(turn->def, a->content_type, 0);
	if (handler == turn->def->attachment_handler_count && model_can(turn->def, a))
		return ask_model(turn, index);
	return ask_handlers(turn, index, handler);
}

int weft__attachments_look(weft_turn *turn)
{
	for (uint32_t i = 0; i < turn->message.attachment_count; i++) {
		int r = look_at(turn, i);

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
