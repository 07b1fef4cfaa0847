/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Summaries of long conversations: made of what lies behind the window and after the last one, once it is enough, by the
 * host's function or the small model, at once or later; shown in prompts; nothing deleted; what fails is tried again.
 */
#include "tests/support/pipeline.h"

#define DAY_MS INT64_C(1795132800000)
#define WINDOW 64u /* messages that prompts show */

static struct world *w;
static weft_msg *reply;
static int64_t clock_ms;

struct asked {
	uint32_t times, count;
	char first[64], last[64], previous[64];
	int status;
	const char *text;
	weft_summary_call *held;
} asked;

static void setup(void)
{
	w = world_create();
	w->opt.no_embeddings = true;
	world_def(w);
	asked = (struct asked){ .text = "They talked about the weather." };
	clock_ms = DAY_MS;
}

static void teardown(void)
{
	weft_msg_destroy(reply);
	world_end(w);
	reply = NULL;
}

TestSuite(summary, .init = setup, .fini = teardown, .timeout = 120);

static void chat(uint32_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		char text[32];
		weft_memory m = { .room_id = w->room_id, .entity_id = w->user_id, .created_ms = clock_ms += 1000 };

		snprintf(text, sizeof(text), "line %d", (int)((clock_ms - DAY_MS) / 1000));
		m.text = weft_str_from(text);
		cr_assert_eq(weft_store_add(w->store, &m, NULL), 0);
	}
}

static void copy(char *to, weft_str s)
{
	snprintf(to, 64, "%.*s", WEFT_STR_ARG(s));
}

static int sum_up(weft_summary_call *call, void *user)
{
	struct asked *a = user;

	a->times++;
	a->count = call->count;
	copy(a->first, call->messages[0].text);
	copy(a->last, call->messages[call->count - 1].text);
	copy(a->previous, call->previous);
	if (a->status == WEFT_PENDING)
		__atomic_store_n(&a->held, call, __ATOMIC_RELEASE);
	else if (a->status == 0 && *a->text)
		cr_assert_eq(weft_summary_return(call, weft_str_from(a->text)), 0);
	return a->status;
}

static void with_summarizer(uint32_t after, weft_summarize_fn fn)
{
	weft_summarizer s = WEFT_SUMMARIZER_INIT;

	s.after_messages = after;
	s.fn = fn;
	s.user = &asked;
	cr_assert_eq(weft_agent_def_set_summarizer(w->def, &s), 0);
	cr_assert_eq(weft_agent_def_set_summarizer(w->def, &s), -EEXIST);
}

static const char *prompt_after(const char *text)
{
	weft_msg_destroy(reply);
	reply = NULL;
	cr_assert_eq(world_say(w, text, &reply)->status, 0);
	return w->script.prompt[ASK_MESSAGE];
}

Test(summary, set__refuses_what_is_not_valid)
{
	weft_summarizer s = WEFT_SUMMARIZER_INIT;

	cr_assert_eq(weft_agent_def_set_summarizer(NULL, &s), -EINVAL);
	cr_assert_eq(weft_agent_def_set_summarizer(w->def, NULL), -EINVAL);
	s.after_messages = WEFT_SUMMARY_MESSAGES_MAX + 1;
	cr_assert_eq(weft_agent_def_set_summarizer(w->def, &s), -EINVAL);
	s = (weft_summarizer){ 0 };
	cr_assert_eq(weft_agent_def_set_summarizer(w->def, &s), -EINVAL);
}

Test(summary, is_made_when_enough_lies_behind_and_shown_from_then_on)
{
	const char *p;

	with_summarizer(20, sum_up);
	chat(WINDOW + 17); /* and what is said now, and the reply: 19 behind */
	world_start(w);
	cr_assert_null(strstr(prompt_after("hello"), "# Earlier"));
	cr_assert_eq(asked.times, 0);
	prompt_after("hello again"); /* 21 behind now */
	cr_assert_eq(asked.times, 1);
	cr_assert_eq(asked.count, 21);
	cr_assert_str_eq(asked.first, "line 1");
	cr_assert_str_eq(asked.last, "line 21");
	cr_assert_str_eq(asked.previous, "");
	p = prompt_after("and now?");
	cr_assert(strstr(p, "# Earlier in the conversation\nThey talked about the weather."), "%s", p);
	cr_assert(strstr(p, "# Earlier in the conversation") < strstr(p, "# Conversation"));
	cr_assert_eq(asked.times, 1);
	cr_assert_eq(weft_store_count(w->store, w->room_id, WEFT_MEMORY_MESSAGE), WINDOW + 17 + 6, "nothing is deleted");
}

Test(summary, the_next_one_goes_on_from_the_last)
{
	with_summarizer(20, sum_up);
	chat(WINDOW + 20);
	world_start(w);
	prompt_after("hello");
	cr_assert_eq(asked.count, 22);
	asked.text = "More weather.";
	/* the clock of this test stands in the past: later than its messages is what was said */
	clock_ms = weft_wall_ms() + 1000;
	chat(WINDOW + 30);
	prompt_after("hello again");
	cr_assert_eq(asked.times, 2);
	cr_assert_str_eq(asked.previous, "They talked about the weather.");
	cr_assert_str_eq(asked.first, "line 23");
	cr_assert(strstr(prompt_after("and now?"), "# Earlier in the conversation\nMore weather."));
	cr_assert_eq(weft_store_count(w->store, w->room_id, WEFT_MEMORY_SUMMARY), 2);
}

Test(summary, that_fails_is_tried_again)
{
	with_summarizer(20, sum_up);
	asked.status = -EIO;
	chat(WINDOW + 30);
	world_start(w);
	prompt_after("hello");
	prompt_after("hello again");
	cr_assert_eq(asked.times, 2);
	cr_assert_eq(weft_store_count(w->store, w->room_id, WEFT_MEMORY_SUMMARY), 0);
	asked.status = 0;
	prompt_after("and now?");
	cr_assert_eq(weft_store_count(w->store, w->room_id, WEFT_MEMORY_SUMMARY), 1);
}

Test(summary, that_says_nothing_is_none)
{
	with_summarizer(20, sum_up);
	asked.text = "";
	chat(WINDOW + 30);
	world_start(w);
	prompt_after("hello");
	cr_assert_eq(asked.times, 1);
	cr_assert_eq(weft_store_count(w->store, w->room_id, WEFT_MEMORY_SUMMARY), 0);
}

Test(summary, from_another_thread)
{
	weft_incoming in;

	with_summarizer(20, sum_up);
	asked.status = WEFT_PENDING;
	chat(WINDOW + 30);
	world_start(w);
	in = world_message(w, "hello");
	cr_assert_eq(weft_agent_handle_message(w->agent, &in, weft_reply_to_future(w->future)), 0);
	test_until(__atomic_load_n(&asked.held, __ATOMIC_ACQUIRE) != NULL);
	cr_assert_eq(weft_summary_return(asked.held, WEFT_STR("first")), 0);
	cr_assert_eq(weft_summary_return(asked.held, WEFT_STR("second")), 0, "the last one counts");
	weft_summary_finish(asked.held, 0);
	cr_assert_eq(weft_future_wait_until(w->future, &reply, weft_now_ns() + TEST_LONG), 0);
	asked.status = 0;
	cr_assert(strstr(prompt_after("and now?"), "# Earlier in the conversation\nsecond"));
}

Test(summary, by_the_small_model)
{
	const char *p;

	w->script.answer[ASK_REPAIR] = "<think>hm</think> They agreed to meet. "; /* the question without fields */
	with_summarizer(0, NULL);
	chat(WINDOW + 60);
	world_start(w);
	prompt_after("hello");
	p = w->script.prompt[ASK_REPAIR];
	cr_assert(p && strstr(p, "<conversation>\nBob: line 1\nBob: line 2\n"), "%s", p ? p : "not asked");
	cr_assert_null(strstr(p, "<before>"));
	cr_assert(strstr(prompt_after("and now?"), "# Earlier in the conversation\nThey agreed to meet.\n"));
}
