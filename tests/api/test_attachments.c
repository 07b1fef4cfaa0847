/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What came with a message: handed over, looked into by handlers that answer at once, later
 * or not at all, kept in the store, shown to the model.
 */
#include "tests/support/attachments.h"
#include "tests/support/leap.h"

TestSuite(attachments, .init = attachments_setup, .fini = attachments_teardown, .timeout = 120);

/* With a deadline of an hour, which can be over at once; one worker, so that whoever is woken has the timer. */
static void setup_late(void)
{
	test_leaps();
	attachments_setup_with(1);
	w->opt.run_timeout_ns = TEST_HOUR;
}

TestSuite(attachments_late, .init = setup_late, .fini = attachments_teardown, .timeout = 120);

/* ---- without handlers -------------------------------------------------------------- */

Test(attachments, none__costs_no_stage)
{
	world_start(w);
	cr_assert_eq(send(NULL, 0)->stage_runs[WEFT_STAGE_ATTACHMENTS], 0);
	cr_assert_eq(stored().attachment_count, 0);
}

Test(attachments, no_handler__kept_and_shown_as_they_came)
{
	weft_attachment list[] = {IMAGE, {.text = WEFT_STR("a note")}};

	world_start(w);
	cr_assert_eq(send(list, 2)->stage_runs[WEFT_STAGE_ATTACHMENTS], 1);
	cr_assert_eq(stored().attachment_count, 2);
	assert_str(stored().attachments[0].url, "https://a/bee.png");
	assert_str(stored().attachments[0].description, "");
	assert_str(stored().attachments[1].text, "a note");
	cr_assert(strstr(w->script.prompt[ASK_MESSAGE], " - bee.png (https://a/bee.png)]\n"), "%s",
	          w->script.prompt[ASK_MESSAGE]);
	cr_assert(strstr(w->script.prompt[ASK_MESSAGE], "] Text: a note"));
}

Test(attachments, refused__before_the_agent_hears_of_it)
{
	weft_attachment list[WEFT_ATTACHMENTS_MAX + 1] = {IMAGE};
	weft_incoming in = with("x", list, WEFT_ATTACHMENTS_MAX + 1);

	world_start(w);
	for (int i = 1; i <= (int)WEFT_ATTACHMENTS_MAX; i++)
		list[i] = list[0];
	cr_assert_eq(weft_agent_handle_message(w->agent, &in, weft_reply_to_future(w->future)), -EMSGSIZE);
	in.message.attachment_count = 2;
	list[1].url = (weft_str){NULL, 0};
	cr_assert_eq(weft_agent_handle_message(w->agent, &in, weft_reply_to_future(w->future)), -EINVAL);
	in.message.attachments = NULL;
	cr_assert_eq(weft_agent_handle_message(w->agent, &in, weft_reply_to_future(w->future)), -EINVAL);
	list[1] = list[0];
	cr_assert_eq(send(list, WEFT_ATTACHMENTS_MAX)->stage_runs[WEFT_STAGE_ATTACHMENTS], 1);
	cr_assert_eq(stored().attachment_count, WEFT_ATTACHMENTS_MAX);
}

Test(attachments, handed_over__are_copied)
{
	char url[] = "https://a", text[] = "first words";
	weft_attachment list[] = {{.url = {url, strlen(url)}, .text = {text, strlen(text)}}};
	weft_incoming in = with("x", list, 1);

	w->script.hold[ASK_MESSAGE] = true;
	world_start(w);
	cr_assert_eq(weft_agent_handle_message(w->agent, &in, weft_reply_to_future(w->future)), 0);
	memset(url, '!', sizeof(url));
	memset(text, '!', sizeof(text));
	memset(list, 0xee, sizeof(list));
	test_until(script_held(&w->script) == 1);
	script_let_go(&w->script);
	cr_assert_eq(weft_future_wait_until(w->future, &reply, weft_now_ns() + TEST_LONG), 0);
	assert_str(stored().attachments[0].url, "https://a");
	assert_str(stored().attachments[0].text, "first words");
}

/* ---- handlers that answer at once ---------------------------------------------------- */

Test(attachments, inline__what_it_says_is_kept_and_shown)
{
	struct handler h = {.title = "A bee", .description = "A bee on a thistle.", .text = "NO SMOKING"};
	weft_attachment list[] = {IMAGE};
	uint32_t counts[4] = {0};
	char error[64];

	add_handler("eyes", "image/*", 0, &h);
	world_start(w);
	listen();
	(void)send(list, 1);
	assert_str(stored().attachments[0].title, "A bee");
	assert_str(stored().attachments[0].description, "A bee on a thistle.");
	assert_str(stored().attachments[0].text, "NO SMOKING");
	assert_str(stored().attachments[0].url, "https://a/bee.png");
	cr_assert(strstr(w->script.prompt[ASK_MESSAGE],
	                 " - A bee (https://a/bee.png)] Text: NO SMOKING Description: A bee on a thistle."),
	          "%s", w->script.prompt[ASK_MESSAGE]);
	count_events(stage_events, counts, error, sizeof(error));
	cr_assert_eq(counts[0], 1);
	cr_assert_eq(counts[1], 1);
	cr_assert_eq(counts[2], 0);
	cr_assert_eq(counts[3], 2, "the stage begins and ends");
}

Test(attachments, inline__what_it_does_not_say_stays)
{
	struct handler h = {.description = "A bee."};
	weft_attachment list[] = {IMAGE};

	add_handler("eyes", "image/*", 0, &h);
	world_start(w);
	(void)send(list, 1);
	assert_str(stored().attachments[0].title, "bee.png");
	assert_str(stored().attachments[0].description, "A bee.");
}

static weft_str seen_url, seen_description;

static int see(weft_provider_call *call, void *user)
{
	const weft_memory *m = weft_turn_message(call->turn);

	(void)user;
	cr_assert_eq(m->attachment_count, 1);
	seen_url = weft_arena_dup(arena, m->attachments[0].url);
	seen_description = weft_arena_dup(arena, m->attachments[0].description);
	return 0;
}

Test(attachments, inline__providers_see_them_described)
{
	struct handler h = {.description = "A bee."};
	weft_provider p = WEFT_PROVIDER_INIT;
	weft_attachment list[] = {IMAGE};

	add_handler("eyes", "image/*", 0, &h);
	p.name = "SEE";
	p.fn = see;
	cr_assert_eq(weft_agent_def_add_provider(w->def, &p), 0);
	world_start(w);
	(void)send(list, 1);
	assert_str(seen_url, "https://a/bee.png");
	assert_str(seen_description, "A bee.");
}

Test(attachments, should_respond__is_asked_with_them_described)
{
	struct handler h = {.description = "A bee on a thistle."};
	weft_attachment list[] = {IMAGE};
	weft_incoming in = with("what is this?", list, 1);

	w->opt.check_should_respond = true;
	add_handler("eyes", "image/*", 0, &h);
	world_start(w);
	cr_assert(world_handle(w, &in, &reply)->responded);
	cr_assert_eq(script_calls(&w->script, ASK_RESPOND), 1);
	cr_assert(strstr(w->script.prompt[ASK_RESPOND], "Description: A bee on a thistle."));
}

Test(attachments, which__text_and_described_ones_need_no_look)
{
	struct handler h = {.description = "never"};
	weft_attachment list[] = {
	        {.content_type = WEFT_STR("text/markdown"), .text = WEFT_STR("# Hi")},
	        {.content_type = WEFT_STR("application/json; charset=utf-8"), .text = WEFT_STR("{}")},
	        {.content_type = WEFT_STR("image/png"), .url = WEFT_STR("u"), .description = WEFT_STR("known")},
	};

	add_handler("all", "*/*", 0, &h);
	world_start(w);
	(void)send(list, 3);
	cr_assert_eq(h.calls, 0);
	assert_str(stored().attachments[0].text, "# Hi");
	assert_str(stored().attachments[2].description, "known");
	list[0].text = (weft_str){NULL, 0}; /* a text that is not here yet: somebody has to fetch it */
	list[0].url = WEFT_STR("https://a/readme.md");
	(void)send(list, 3);
	cr_assert_eq(h.calls, 1);
}

Test(attachments, which__by_type_then_priority)
{
	struct handler any = {.description = "any"}, image = {.description = "image"}, png = {.description = "png"};
	weft_attachment list[] = {
	        IMAGE, {.url = WEFT_STR("u"), .content_type = WEFT_STR("IMAGE/jpeg")}, {.url = WEFT_STR("u")}};

	add_handler("any", "*/*", -1, &any);
	add_handler("image", "image/*", 5, &image);
	add_handler("png", "image/png", 6, &png);
	world_start(w);
	(void)send(list, 3);
	assert_str(stored().attachments[0].description, "png");
	assert_str(stored().attachments[1].description, "image");
	assert_str(stored().attachments[2].description, "any");
}

Test(attachments, which__not_again_when_the_message_is_handed_over_twice)
{
	struct handler h = {.description = "A bee."};
	weft_attachment list[] = {IMAGE, IMAGE};
	weft_incoming in = with("look, Ada", list, 1);
	weft_uuid first;

	in.message.id = weft_uuid_v7();
	add_handler("eyes", "image/*", 0, &h);
	world_start(w);
	cr_assert_eq(world_handle(w, &in, &reply)->status, 0);
	first = stored().attachments[0].id;
	weft_msg_destroy(reply);
	cr_assert_eq(world_handle(w, &in, &reply)->status, 0);
	cr_assert_eq(h.calls, 1);
	cr_assert(weft_uuid_eq(stored().attachments[0].id, first), "its id was shown to the model");
	in.message.attachment_count = 2; /* but what came is looked at when it is something else */
	weft_msg_destroy(reply);
	cr_assert_eq(world_handle(w, &in, &reply)->status, 0);
	cr_assert_eq(h.calls, 3);
	cr_assert_eq(stored().attachment_count, 2);
}

/* ---- handlers that fail --------------------------------------------------------------- */

Test(attachments, failing__leaves_it_and_the_message_goes_on)
{
	struct handler h = {.status = -EIO};
	weft_attachment list[] = {IMAGE};
	uint32_t counts[4] = {0};
	char error[64] = "";

	add_handler("eyes", "image/*", 0, &h);
	world_start(w);
	listen();
	cr_assert(send(list, 1)->responded);
	assert_str(stored().attachments[0].title, "bee.png");
	assert_str(stored().attachments[0].description, "");
	count_events(stage_events, counts, error, sizeof(error));
	cr_assert_eq(counts[1], 0);
	cr_assert_eq(counts[2], 1);
	cr_assert_str_eq(error, "no eyes for https://a/bee.png");
}

Test(attachments, failing__the_next_by_priority_is_asked)
{
	struct handler first = {.status = -EIO}, second = {.status = -ENOENT}, third = {.description = "seen"},
	               fourth = {.description = "never"};
	weft_attachment list[] = {IMAGE};
	weft_incoming in = with("x", list, 1);

	add_handler("first", "image/png", 9, &first);
	add_handler("second", "image/*", 8, &second);
	add_handler("third", "*/*", 7, &third);
	add_handler("fourth", "*/*", 6, &fourth);
	second.hold = true; /* fails too, from here */
	world_start(w);
	cr_assert_eq(weft_agent_handle_message(w->agent, &in, weft_reply_to_future(w->future)), 0);
	test_until(held(&second) == 1);
	let_go(&second, 0);
	cr_assert_eq(weft_future_wait_until(w->future, &reply, weft_now_ns() + TEST_LONG), 0);
	assert_str(stored().attachments[0].description, "seen");
	cr_assert_eq(first.calls, 1);
	cr_assert_eq(third.calls, 1);
	cr_assert_eq(fourth.calls, 0);
}

static int say_too_much(weft_attachment_call *call, void *user)
{
	static char much[WEFT_ATTACHMENTS_BYTES_MAX + 1];
	weft_str none = {NULL, 0}, most = {much, WEFT_ATTACHMENTS_BYTES_MAX}, more = {much, sizeof(much)};

	(void)user;
	memset(much, 'x', sizeof(much));
	cr_assert_eq(weft_attachment_describe(NULL, none, none, none), -EINVAL);
	cr_assert_eq(weft_attachment_describe(call, none, more, none), -EMSGSIZE);
	cr_assert_eq(weft_attachment_describe(call, (weft_str){much, WEFT_ATTACHMENT_NAME_BYTES_MAX + 1}, none, none),
	             -EMSGSIZE);
	return weft_attachment_describe(call, none, most, none);
}

/* One description may be as long as all attachments together may be: with the url it is too long for the store. */
Test(attachments, too_long_for_the_store__is_told_and_the_message_goes_on)
{
	static const char *const saved[] = {"ATTACHMENTS_NOT_SAVED", NULL};
	weft_attachment_handler handler = WEFT_ATTACHMENT_HANDLER_INIT;
	weft_attachment list[] = {IMAGE};
	uint32_t counts[1] = {0};
	char error[64];

	world_def(w);
	handler.name = "talker";
	handler.content_type = "image/*";
	handler.fn = say_too_much;
	cr_assert_eq(weft_agent_def_add_attachment_handler(w->def, &handler), 0);
	world_start(w);
	listen();
	cr_assert(send(list, 1)->responded);
	assert_str(stored().attachments[0].description, "");
	count_events(saved, counts, error, sizeof(error));
	cr_assert_eq(counts[0], 1);
}

/* ---- handlers that wait ---------------------------------------------------------------- */

Test(attachments, pending__two_of_a_message_beside_each_other)
{
	struct handler h = {.description = "late", .title = "t", .text = "words", .hold = true};
	weft_attachment list[] = {IMAGE, {.text = WEFT_STR("no look"), .content_type = WEFT_STR("text/plain")}, IMAGE};
	weft_incoming in = with("x", list, 3);
	weft_memory *none;

	add_handler("eyes", "image/*", 0, &h);
	world_start(w);
	cr_assert_eq(weft_agent_handle_message(w->agent, &in, weft_reply_to_future(w->future)), 0);
	test_until(held(&h) == 2); /* both are under way before either is over */
	let_go(&h, 1);
	usleep(2000);
	cr_assert_eq(script_calls(&w->script, ASK_MESSAGE), 0, "the other one is waited for");
	cr_assert_eq(weft_store_recent(w->store, w->room_id, WEFT_MEMORY_MESSAGE, 0, 1, arena, &none), 1);
	assert_str(none[0].attachments[2].description, "");
	let_go(&h, 0);
	cr_assert_eq(weft_future_wait_until(w->future, &reply, weft_now_ns() + TEST_LONG), 0);
	for (int i = 0; i < 3; i += 2) {
		assert_str(stored().attachments[i].description, "late");
		assert_str(stored().attachments[i].text, "words");
	}
	assert_str(stored().attachments[1].text, "no look");
	cr_assert_gt(weft_agent_result_of(reply)->stage_ns[WEFT_STAGE_ATTACHMENTS], 2000000);
	cr_assert(strstr(w->script.prompt[ASK_MESSAGE], "] Text: words Description: late"));
}

Test(attachments_late, pending__past_the_deadline_is_dropped)
{
	struct handler h = {.description = "too late", .hold = true}, next = {.description = "never"};
	weft_attachment list[] = {IMAGE};
	weft_incoming in = with("x", list, 1);

	add_handler("eyes", "image/*", 1, &h);
	add_handler("next", "*/*", 0, &next);
	world_start(w);
	cr_assert_eq(weft_agent_handle_message(w->agent, &in, weft_reply_to_future(w->future)), 0);
	test_until(held(&h) == 1);
	test_leap(TEST_HOUR);
	cr_assert_eq(weft_send(test_spawn(w->rt, &test_echo, NULL), weft_msg_create(TEST_EXIT, 0)), 0);
	cr_assert_eq(weft_future_wait_until(w->future, &reply, weft_now_ns() + TEST_LONG), 0);
	cr_assert_eq(weft_msg_status(reply), -ETIMEDOUT);
	assert_str(stored().attachments[0].description, "");
	h.status = -EIO; /* a failure then asks nobody else */
	let_go(&h, 0);
	weft_msg_destroy(reply);
	cr_assert_eq(weft_actor_stop(w->agent), 0);
	test_until(!weft_actor_is_alive(w->agent));
	reply = NULL;
	cr_assert_eq(next.calls, 0);
}

Test(attachments, pending__a_newer_message_takes_over)
{
	struct handler h = {.description = "seen", .hold = true};
	weft_attachment list[] = {IMAGE};
	weft_incoming in = with("x", list, 1);
	weft_future *other;

	w->opt.room_policy = WEFT_ROOM_LATEST;
	add_handler("eyes", "image/*", 0, &h);
	world_start(w);
	cr_assert_eq(weft_future_create(w->rt, &other), 0);
	cr_assert_eq(weft_agent_handle_message(w->agent, &in, weft_reply_to_future(other)), 0);
	test_until(held(&h) == 1);
	h.hold = false;
	cr_assert_eq(world_handle(w, &in, &reply)->status, 0);
	weft_msg_destroy(reply);
	cr_assert_eq(weft_future_wait_until(other, &reply, weft_now_ns() + TEST_LONG), 0);
	cr_assert_eq(weft_msg_status(reply), WEFT_ESUPERSEDED);
	let_go(&h, 0);
	weft_future_destroy(other);
}

Test(attachments, runtime_end__lets_go_of_what_is_pending)
{
	struct handler h = {.description = "nobody hears", .title = "t", .text = "t", .hold = true};
	weft_attachment list[] = {IMAGE, IMAGE};
	weft_incoming in = with("x", list, 2);
	weft_runtime *rt = w->rt;

	add_handler("eyes", "image/*", 0, &h);
	world_start(w);
	cr_assert_eq(weft_agent_handle_message(w->agent, &in, weft_reply_to_future(w->future)), 0);
	test_until(held(&h) == 2);
	cr_assert_eq(weft_runtime_stop(rt, 0), 0);
	cr_assert_eq(weft_runtime_join(rt), -ETIMEDOUT);
	cr_assert_eq(weft_future_wait_until(w->future, &reply, weft_now_ns() + TEST_LONG), 0);
	cr_assert_eq(weft_msg_status(reply), -ECANCELED);
	let_go(&h, 0);
	let_go(&h, 0); /* the abandoned run goes with its last call */
	weft_future_destroy(w->future);
	weft_runtime_destroy(rt);
	w->rt = test_runtime(1); /* what teardown ends */
	cr_assert_eq(weft_future_create(w->rt, &w->future), 0);
	w->agent.id = 0;
}

/* ---- registration ----------------------------------------------------------------------- */

Test(attachments, add_handler__refuses_bad_ones)
{
	struct handler h = {0};
	weft_attachment_handler handler = WEFT_ATTACHMENT_HANDLER_INIT;

	add_handler("eyes", "image/*", 0, &h);
	cr_assert_eq(weft_agent_def_add_attachment_handler(w->def, NULL), -EINVAL);
	handler.name = "eyes";
	handler.content_type = "image/png";
	cr_assert_eq(weft_agent_def_add_attachment_handler(w->def, &handler), -EINVAL, "no function");
	handler.fn = look;
	cr_assert_eq(weft_agent_def_add_attachment_handler(w->def, &handler), -EEXIST);
	handler.name = "ears";
	handler.content_type = "image";
	cr_assert_eq(weft_agent_def_add_attachment_handler(w->def, &handler), -EINVAL, "no pattern");
	handler.content_type = NULL;
	cr_assert_eq(weft_agent_def_add_attachment_handler(w->def, &handler), -EINVAL);
	world_start(w);
	handler.content_type = "audio/*";
	cr_assert_eq(weft_agent_def_add_attachment_handler(w->def, &handler), -EBUSY);
}
