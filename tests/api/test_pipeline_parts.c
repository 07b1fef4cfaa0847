/* SPDX-License-Identifier: Apache-2.0 */
/* Providers and actions as a plugin writes them, at once and pending, through a whole agent. */
#include "tests/support/leap.h"
#include "tests/support/pipeline.h"

static struct world *w;
static weft_msg *reply;

static void setup(void)
{
	w = world_create();
	world_def(w);
}

/* With a deadline of an hour, which can be over at once; one worker, which has the timer. */
static void setup_late(void)
{
	test_leaps();
	w = world_create_with(1);
	w->opt.run_timeout_ns = TEST_HOUR;
	world_def(w);
}

static void teardown(void)
{
	weft_msg_destroy(reply);
	world_end(w);
	reply = NULL;
}

TestSuite(pipeline_parts, .init = setup, .fini = teardown, .timeout = 120);
TestSuite(pipeline_late, .init = setup_late, .fini = teardown, .timeout = 120);

static const weft_agent_result *say(const char *text)
{
	weft_msg_destroy(reply);
	return world_say(w, text, &reply);
}

/* ---- providers ------------------------------------------------------------------- */

struct part {
	const char *text;
	int runs;
	int status;
	pthread_t thread;
	uint64_t began_ns, ended_ns;
};

static int provide(weft_provider_call *call, void *user)
{
	struct part *p = user;

	p->runs++;
	call->text = weft_str_from(p->text);
	if (p->status == 0)
		(void)weft_provider_put(call, weft_str_from(p->text), WEFT_STR("value"));
	return p->status;
}

static void add_provider(const char *name, uint32_t flags, int position, weft_provider_fn fn,
                         struct part *part)
{
	static const char *const keywords[] = {"weather", "rain"};
	weft_provider p = WEFT_PROVIDER_INIT;

	p.name = name;
	p.description = "a test";
	p.flags = flags;
	p.position = position;
	p.keywords = keywords;
	p.keyword_count = flags & WEFT_PROVIDER_DYNAMIC ? 2 : 0;
	p.fn = fn;
	p.user = part;
	cr_assert_eq(weft_agent_def_add_provider(w->def, &p), 0);
}

Test(pipeline_parts, providers__sections_stand_in_order_of_position)
{
	struct part a = {.text = "section-a"}, b = {.text = "section-b"}, c = {.text = "section-c"};
	const char *p;

	add_provider("B", 0, 50, provide, &b);
	add_provider("C", 0, 120, provide, &c);
	add_provider("A", 0, -50, provide, &a);
	world_start(w);
	cr_assert_eq(say("hi")->status, 0);
	p = w->script.prompt[ASK_MESSAGE];
	cr_assert(strstr(p, "section-a") < strstr(p, "# About Ada"));
	cr_assert(strstr(p, "# About Ada") < strstr(p, "section-b"));
	cr_assert(strstr(p, "section-b") < strstr(p, "# Conversation"));
	cr_assert(strstr(p, "# Conversation") < strstr(p, "section-c"));
}

Test(pipeline_parts, providers__selection)
{
	struct part private = {.text = "p"}, dynamic = {.text = "d"}, always = {.text = "a"},
	            failing = {.text = "f"};

	failing.status = -EIO;
	add_provider("PRIVATE", WEFT_PROVIDER_PRIVATE, 0, provide, &private);
	add_provider("DYNAMIC", WEFT_PROVIDER_DYNAMIC, 0, provide, &dynamic);
	add_provider("ALWAYS", WEFT_PROVIDER_ALWAYS | WEFT_PROVIDER_PRIVATE, 0, provide, &always);
	add_provider("FAILING", 0, 0, provide, &failing);
	world_start(w);
	cr_assert_eq(say("brainy")->status, 0); /* has "rain" inside a word */
	cr_assert_eq(private.runs, 0);
	cr_assert_eq(dynamic.runs, 0);
	cr_assert_eq(always.runs, 1);
	cr_assert_eq(failing.runs, 1);
	cr_assert(strstr(w->script.prompt[ASK_MESSAGE], "- DYNAMIC: a test"),
	          "dynamic ones are offered by name");
	cr_assert_null(strstr(w->script.prompt[ASK_MESSAGE], "- PRIVATE"));
	cr_assert_eq(say("will it RAIN?")->status, 0);
	cr_assert_eq(dynamic.runs, 1);
	w->script.answer[ASK_MESSAGE] = "<response><thought>t</thought><providers>PRIVATE,DYNAMIC</providers>"
	                                "<actions>REPLY</actions><text>x</text></response>";
	cr_assert_eq(say("hi")->status, 0);
	cr_assert_eq(private.runs, 1);
	cr_assert_eq(dynamic.runs, 2);
}

Test(pipeline_parts, providers__run_once_a_message_unless_volatile)
{
	struct part plain = {.text = "p"}, restless = {.text = "r"};

	add_provider("PLAIN", 0, 0, provide, &plain);
	add_provider("RESTLESS", WEFT_PROVIDER_VOLATILE, 0, provide, &restless);
	w->script.answer[ASK_MESSAGE] = "<response><thought>t</thought><providers>PLAIN,FACTS</providers>"
	                                "<actions>REPLY</actions><text>x</text></response>";
	world_start(w);
	cr_assert_eq(say("hi")->status, 0);
	cr_assert_eq(plain.runs, 1);
	cr_assert_eq(restless.runs, 2);
}

#define BESIDE 5u

static _Atomic(uint32_t) begun;

/* When all of them are under way, which one after another never are. */
static void *finish_later(void *user)
{
	weft_provider_call *call = user;

	test_until(begun == BESIDE);
	(void)weft_provider_put(call, WEFT_STR("late"), WEFT_STR("a value from another thread"));
	(void)weft_provider_return(call, WEFT_STR("a text from another thread"));
	weft_provider_finish(call, 0);
	return NULL;
}

static int provide_later(weft_provider_call *call, void *user)
{
	struct part *p = user;

	p->runs++;
	begun++;
	cr_assert_eq(pthread_create(&p->thread, NULL, finish_later, call), 0);
	return WEFT_PENDING;
}

static char seen_value[64], seen_section[64];

static int look(weft_evaluator_call *call, void *user)
{
	weft_str v = {NULL, 0};

	(void)user;
	(void)weft_turn_value(call->turn, WEFT_STR("late"), &v);
	snprintf(seen_value, sizeof(seen_value), "%.*s", WEFT_STR_ARG(v));
	v = weft_turn_section(call->turn, WEFT_STR("LATE_1"));
	snprintf(seen_section, sizeof(seen_section), "%.*s", WEFT_STR_ARG(v));
	cr_assert(weft_turn_text(call->turn).len_bytes > 0);
	return 0;
}

Test(pipeline_parts, providers__that_wait_run_beside_each_other)
{
	struct part parts[BESIDE] = {{0}};
	weft_evaluator e = WEFT_EVALUATOR_INIT;

	for (uint32_t i = 0; i < BESIDE; i++) {
		char name[24];

		snprintf(name, sizeof(name), "LATE_%u", i);
		add_provider(name, 0, 0, provide_later, &parts[i]);
	}
	e.name = "look";
	e.fn = look;
	cr_assert_eq(weft_agent_def_add_evaluator(w->def, &e), 0);
	world_start(w);
	cr_assert_eq(say("hi")->status, 0);
	for (uint32_t i = 0; i < BESIDE; i++)
		pthread_join(parts[i].thread, NULL);
	cr_assert(strstr(w->script.prompt[ASK_MESSAGE], "a text from another thread"));
	cr_assert_str_eq(seen_value, "a value from another thread");
	cr_assert_str_eq(seen_section, "a text from another thread");
}

Test(pipeline_parts, providers__of_the_same_name_are_refused_and_built_ins_can_be_replaced)
{
	struct part mine = {.text = "half past never"};
	weft_provider p = WEFT_PROVIDER_INIT;

	add_provider("TIME", 0, 0, provide, &mine);
	p.name = "TIME";
	p.fn = provide;
	cr_assert_eq(weft_agent_def_add_provider(w->def, &p), -EEXIST);
	world_start(w);
	cr_assert_eq(say("hi")->status, 0);
	cr_assert(strstr(w->script.prompt[ASK_MESSAGE], "half past never"));
	cr_assert_null(strstr(w->script.prompt[ASK_MESSAGE], "The time is"));
	p.name = "LATE";
	cr_assert_eq(weft_agent_def_add_provider(w->def, &p), -EBUSY);
}

Test(pipeline_parts, providers__a_bare_agent_has_the_characters_only)
{
	weft_agent_def_unref(w->def);
	w->opt.bare = true;
	world_def(w);
	world_start(w);
	cr_assert_eq(say("a question")->status, 0);
	cr_assert(strstr(w->script.prompt[ASK_MESSAGE], "Ada counts."));
	cr_assert_null(strstr(w->script.prompt[ASK_MESSAGE], "a question"));
	cr_assert_null(strstr(w->script.prompt[ASK_MESSAGE], "The time is"));
}

/* ---- actions --------------------------------------------------------------------- */

static int act(weft_action_call *call, void *user)
{
	struct part *p = user;

	p->runs++;
	if (p->status < 0)
		return weft_action_fail(call, p->status, "%s failed with %u before it", p->text,
		                        call->previous_count);
	weft_action_return(call,
	                   weft_arena_printf(call->arena, "%s after %u", p->text, call->previous_count));
	return weft_action_say(call, weft_str_from(p->text));
}

static bool refuse(const weft_turn *turn, void *user)
{
	(void)turn;
	(void)user;
	return false;
}

static void add_action(const char *name, weft_action_fn fn, struct part *part,
                       weft_action_validate_fn validate)
{
	static const char *const similes[] = {"DO_IT"};
	weft_action a = WEFT_ACTION_INIT;

	a.name = name;
	a.similes = similes;
	a.simile_count = strcmp(name, "FIRST_THING") ? 0 : 1;
	a.fn = fn;
	a.user = part;
	a.validate = validate;
	cr_assert_eq(weft_agent_def_add_action(w->def, &a), 0);
}

Test(pipeline_parts, actions__run_in_order_and_unknown_ones_are_recorded)
{
	struct part first = {.text = "one"}, second = {.text = "two", .status = -EIO},
	            hidden = {.text = "three"};
	const weft_agent_result *r;

	add_action("FIRST_THING", act, &first, NULL);
	add_action("SECOND", act, &second, NULL);
	add_action("HIDDEN", act, &hidden, refuse);
	w->script.answer[ASK_MESSAGE] =
	        "<response><thought>t</thought><actions>first thing, SECOND, THING, DO_IT, HIDDEN, REPLY</actions>"
	        "<text>spoken</text></response>";
	world_start(w);
	r = say("hi");
	cr_assert_eq(r->status, 0);
	cr_assert_eq(r->action_count, 6);
	assert_str(r->actions[0].name, "FIRST_THING");
	assert_str(r->actions[0].text, "one after 0");
	cr_assert_eq(r->actions[1].status, -EIO);
	assert_str(r->actions[1].error, "two failed with 1 before it");
	assert_str(r->actions[2].name, "THING");
	cr_assert_eq(r->actions[2].status, -ENOENT);
	cr_assert(strstr(r->actions[2].error.ptr, "\"THING\""));
	assert_str(r->actions[3].text, "one after 3");
	cr_assert_eq(r->actions[4].status, -EPERM);
	cr_assert_eq(hidden.runs, 0);
	assert_str(r->actions[5].name, "REPLY");
	assert_str(r->text, "one\none\nspoken");
	cr_assert_null(strstr(w->script.prompt[ASK_MESSAGE], "- HIDDEN"));
	cr_assert(strstr(w->script.prompt[ASK_MESSAGE], "- SECOND"));
	/* the message, the answer, and what the first action said twice */
	cr_assert_eq(weft_store_count(w->store, w->room_id, WEFT_MEMORY_MESSAGE), 4);
}

Test(pipeline_parts, actions__are_said_to_begin_and_to_end)
{
	struct part first = {.text = "one"};
	weft_subscription *sub;
	weft_event e[128];
	int n, open = 0, ended = 0, failed = 0;

	add_action("FIRST_THING", act, &first, NULL);
	w->script.answer[ASK_MESSAGE] =
	        "<response><thought>t</thought><actions>FIRST_THING, THING, REPLY</actions><text>spoken</text></response>";
	cr_assert_eq(weft_events_subscribe(w->rt, NULL, &sub), 0);
	world_start(w);
	cr_assert_eq(say("hi")->status, 0);
	while ((n = weft_events_read(sub, e, 128)) > 0) {
		for (int i = 0; i < n; i++) {
			open += weft_str_eq(e[i].message, WEFT_STR("ACTION_STARTED"));
			if (!weft_str_eq(e[i].message, WEFT_STR("ACTION_COMPLETED")))
				continue;
			ended++;
			failed += e[i].type == WEFT_EVENT_FAILED;
			cr_assert_eq(--open, 0, "one after another");
		}
	}
	cr_assert_eq(ended, 3);
	cr_assert_eq(failed, 1, "nothing is called THING");
	weft_events_unsubscribe(sub);
}

static void *act_later(void *user)
{
	weft_action_call *call = user;

	usleep(5000);
	weft_action_return(call, WEFT_STR("done elsewhere"));
	(void)weft_action_say(call, WEFT_STR("said elsewhere"));
	weft_action_finish(call, 0);
	return NULL;
}

static int act_pending(weft_action_call *call, void *user)
{
	struct part *p = user;

	p->runs++;
	cr_assert_eq(pthread_create(&p->thread, NULL, act_later, call), 0);
	return WEFT_PENDING;
}

Test(pipeline_parts, actions__may_finish_on_another_thread)
{
	struct part slow = {0}, after = {.text = "last"};
	const weft_agent_result *r;

	add_action("SLOW", act_pending, &slow, NULL);
	add_action("AFTER", act, &after, NULL);
	w->script.answer[ASK_MESSAGE] =
	        "<response><thought>t</thought><actions>SLOW,AFTER</actions><text>x</text></response>";
	world_start(w);
	r = say("hi");
	pthread_join(slow.thread, NULL);
	cr_assert_eq(r->action_count, 2);
	assert_str(r->actions[0].text, "done elsewhere");
	assert_str(r->actions[1].text, "last after 1");
	assert_str(r->text, "said elsewhere\nlast");
}

/* The other thread is done before this one says that it waits. */
static int act_overtaken(weft_action_call *call, void *user)
{
	int r = act_pending(call, user);

	cr_assert_eq(pthread_join(((struct part *)user)->thread, NULL), 0);
	return r;
}

Test(pipeline_parts, actions__may_finish_before_they_return)
{
	struct part slow = {0}, after = {.text = "last"};
	const weft_agent_result *r;

	add_action("SLOW", act_overtaken, &slow, NULL);
	add_action("AFTER", act, &after, NULL);
	w->script.answer[ASK_MESSAGE] =
	        "<response><thought>t</thought><actions>SLOW,AFTER</actions><text>x</text></response>";
	world_start(w);
	r = say("hi");
	cr_assert_eq(r->action_count, 2);
	assert_str(r->actions[0].text, "done elsewhere");
	assert_str(r->actions[1].text, "last after 1");
	assert_str(r->text, "said elsewhere\nlast");
}

static weft_action_call *late_call;

/* An hour goes by while it begins. */
static int act_for_ever(weft_action_call *call, void *user)
{
	(void)user;
	late_call = call;
	test_leap(TEST_HOUR);
	return WEFT_PENDING;
}

Test(pipeline_late, actions__of_a_run_that_timed_out_say_nothing_more)
{
	struct part slow = {0};
	weft_incoming in = world_message(w, "hi");
	const weft_agent_result *r;

	add_action("SLOW", act_for_ever, &slow, NULL);
	w->script.answer[ASK_MESSAGE] =
	        "<response><thought>t</thought><actions>SLOW</actions><text>x</text></response>";
	world_start(w);
	cr_assert_eq(weft_agent_handle_message(w->agent, &in, weft_reply_to_future(w->future)), 0);
	cr_assert_eq(weft_future_wait_until(w->future, &reply, weft_now_ns() + 2 * TEST_HOUR), 0);
	r = weft_agent_result_of(reply);
	cr_assert_eq(r->status, -ETIMEDOUT);
	cr_assert(strstr(r->error.ptr, "3600000 ms"), "%s", r->error.ptr);
	act_later(late_call);
	cr_assert_eq(weft_actor_stop(w->agent), 0); /* behind its message, if it sent one */
	test_until(!weft_actor_is_alive(w->agent));
	cr_assert_eq(weft_store_count(w->store, w->room_id, WEFT_MEMORY_MESSAGE), 2);
}

static void *evaluate_thread(void *user)
{
	usleep(5000);
	weft_evaluator_finish(user, 0);
	return NULL;
}

static int evaluate_later(weft_evaluator_call *call, void *user)
{
	struct part *p = user;

	p->runs++;
	cr_assert_eq(pthread_create(&p->thread, NULL, evaluate_thread, call), 0);
	return WEFT_PENDING;
}

Test(pipeline_parts, evaluators__may_finish_on_another_thread)
{
	struct part a = {0}, b = {0};
	weft_evaluator e = WEFT_EVALUATOR_INIT;

	e.name = "a";
	e.fn = evaluate_later;
	e.user = &a;
	cr_assert_eq(weft_agent_def_add_evaluator(w->def, &e), 0);
	e.name = "b";
	e.user = &b;
	cr_assert_eq(weft_agent_def_add_evaluator(w->def, &e), 0);
	world_start(w);
	cr_assert_eq(say("hi")->status, 0);
	pthread_join(a.thread, NULL);
	pthread_join(b.thread, NULL);
	cr_assert_eq(a.runs + b.runs, 2);
}
