/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cli/chat/turn.c - one turn: ask the agent, show what its events say while it works, cancel it when told to.
 *
 * The answer comes at the port; what happens meanwhile comes as events of the turn's run, whose id is chosen here. The
 * subscription holds the agent back rather than lose some; if the text that was shown is not the answer's all the same
 * (a model that does not stream), the answer is shown whole.
 */
#include <errno.h>
#include <poll.h>
#include <string.h>

#include "cli/chat/chat.h"

#define LOOK_MS 10 /* between two looks at the events, when nothing else wakes us */

struct turn {
	struct chat *chat;
	uint64_t id;
	bool cancel_asked;
	size_t streamed_bytes; /* by the model call under way */
	char partial[8192]; /* what was shown of the last answer; cut at its end */
	size_t partial_len;
};

static weft_str field(const weft_event *e, weft_str key)
{
	for (uint32_t i = 0; i < e->field_count; i++) {
		if (weft_str_eq(e->fields[i].key, key))
			return e->fields[i].str;
	}
	return (weft_str){ 0 };
}

/* ---- what is shown -------------------------------------------------------------- */

static void on_chunk(struct turn *t, weft_str chunk)
{
	size_t room = sizeof(t->partial) - t->partial_len, n = chunk.len_bytes < room ? chunk.len_bytes : room;

	memcpy(t->partial + t->partial_len, chunk.ptr, n);
	t->partial_len += n;
	t->streamed_bytes += chunk.len_bytes;
	if (!t->chat->screen.plain) /* a script gets the answer alone */
		screen_text(&t->chat->screen, chunk);
	screen_event(&t->chat->screen, "chunk", "text", chunk, NULL);
}

static void on_llm(struct turn *t, const weft_event *e)
{
	switch (e->type) {
	case WEFT_EVENT_STARTED:
		t->streamed_bytes = t->partial_len = 0;
		t->chat->screen.shown_bytes = 0;
		break;
	case WEFT_EVENT_PROGRESS:
		on_chunk(t, field(e, WEFT_STR("chunk")));
		break;
	default:
		break;
	}
}

static void on_tool(struct turn *t, const weft_event *e)
{
	weft_str result = field(e, WEFT_STR("result")), arguments = field(e, WEFT_STR("arguments"));
	struct screen *s = &t->chat->screen;

	switch (e->type) {
	case WEFT_EVENT_STARTED:
		screen_note(s, '>', "%.*s %.*s", WEFT_STR_ARG(e->component_id), WEFT_STR_ARG(arguments));
		screen_event(s, "tool", "name", e->component_id, "id", field(e, WEFT_STR("tool_call_id")), "arguments", arguments, NULL);
		break;
	case WEFT_EVENT_COMPLETED:
		screen_note(s, '=', "%.*s: %.*s", WEFT_STR_ARG(e->component_id), WEFT_STR_ARG(result));
		screen_event(s, "result", "name", e->component_id, "id", field(e, WEFT_STR("tool_call_id")), "text", result, NULL);
		break;
	case WEFT_EVENT_FAILED:
		screen_note(s, '!', "%.*s: %.*s", WEFT_STR_ARG(e->component_id), WEFT_STR_ARG(result));
		screen_event(s, "failure", "name", e->component_id, "id", field(e, WEFT_STR("tool_call_id")), "text", result, NULL);
		break;
	default:
		break;
	}
}

/* True: there were some. */
static bool show_events(struct turn *t)
{
	weft_event events[32];
	int n = weft_events_read(t->chat->events, events, 32);

	for (int i = 0; i < n; i++) {
		if (events[i].workflow_id != t->id || t->cancel_asked)
			continue;
		if (events[i].scope == WEFT_SCOPE_LLM)
			on_llm(t, &events[i]);
		else if (events[i].scope == WEFT_SCOPE_TOOL)
			on_tool(t, &events[i]);
	}
	return n > 0;
}

/* ---- waiting ------------------------------------------------------------------------ */

static void look_at_interrupts(struct turn *t)
{
	if (!chat_interrupted())
		return;
	while (show_events(t))
		; /* what was said until now */
	t->cancel_asked = true;
	(void)weft_agent_cancel(t->chat->agent, t->id);
}

/* The answer; the caller owns it. */
static weft_msg *wait_for_answer(struct turn *t)
{
	struct pollfd p = { .fd = weft_port_fd(t->chat->port), .events = POLLIN };
	weft_msg *answer = NULL;

	for (;;) {
		look_at_interrupts(t);
		if (weft_port_reap(t->chat->port, &answer, 1) == 1)
			break;
		if (!show_events(t))
			(void)poll(&p, 1, LOOK_MS); /* EINTR: a SIGINT, looked at above */
	}
	while (show_events(t))
		;
	return answer;
}

/* ---- the end -------------------------------------------------------------------------- */

static void show_answer(struct turn *t, weft_str text)
{
	struct screen *s = &t->chat->screen;

	if (s->shown_bytes < text.len_bytes && !s->json) { /* it did not stream, or not all of it */
		if (s->shown_bytes)
			screen_break(s);
		screen_text(s, text);
	}
	screen_break(s);
	screen_event(s, "answer", "text", text, NULL);
}

static int ended(struct turn *t, weft_str said, const weft_msg *answer)
{
	const weft_agent_result *result = weft_agent_result_of(answer);
	int status = weft_msg_status(answer);
	struct screen *s = &t->chat->screen;
	weft_str text = { 0 };

	if (status == 0 && result) {
		text = result->text;
		show_answer(t, text);
	} else if (status == -ECANCELED) {
		text = (weft_str){ t->partial, t->partial_len };
		screen_note(s, '^', "canceled");
		screen_event(s, "canceled", "text", text, NULL);
	} else {
		weft_str why = result ? result->error : weft_str_from(weft_strerror(status));

		screen_error(s, "%.*s", WEFT_STR_ARG(why));
		screen_event(s, "error", "error", weft_str_from(weft_errname(status)), "why", why, NULL);
	}
	if (text.len_bytes) { /* of a canceled turn what was shown, so that both sides know the same */
		int r = chat_memory_add(&t->chat->memory, said, text);

		if (r < 0)
			screen_error(s, "not remembered: %s", weft_strerror(r));
	}
	return status;
}

int chat_turn(struct chat *c, weft_str said)
{
	struct turn t = { .chat = c, .id = weft_workflow_id(c->rt) };
	weft_ask ask = WEFT_ASK_INIT;
	weft_chat_message *history = NULL;
	weft_msg *answer;
	int n, r;

	weft_arena_reset(c->arena);
	n = chat_memory_history(&c->memory, c->arena, &history);
	c->screen.shown_bytes = 0;
	ask.input = said;
	ask.workflow_id = t.id;
	ask.history = history;
	ask.history_count = n > 0 ? (uint32_t)n : 0;
	r = n < 0 ? n : weft_agent_ask(c->agent, &ask, weft_reply_to_port(c->port, 0));
	if (r < 0) {
		screen_error(&c->screen, "%s", weft_strerror(r));
		return r;
	}
	answer = wait_for_answer(&t);
	r = ended(&t, said, answer);
	weft_msg_destroy(answer);
	return r;
}
