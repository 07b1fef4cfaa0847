/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cli/sim/pipeline.c - scenario "pipeline": messages in rooms go through the whole pipeline, with
 * models, providers, actions, evaluators and attachment handlers that answer at once, fail, or are
 * finished by another thread at any moment, memory that runs out, and a stop in the middle.
 *
 * Each message that was accepted has one answer; an answer that says it was saved can be found in the
 * store; each run that began is completed, failed or canceled, which a thread does at any moment.
 */
#include "cli/sim/late.h"
#include "cli/sim/sim.h"
#include "cli/sim/talk.h"

#define ROOMS 2u

static struct sim_talk talk;
static struct {
	weft_store *store;
	weft_uuid rooms[ROOMS], user;
} world;

/* ---- handlers -------------------------------------------------------------------------- */

/* For the finisher: WEFT_PENDING; 0 when there is no place. */
static int put_aside(void (*finish)(void *call), void *call)
{
	if (!sim_late_has_room())
		return 0;
	sim_late_put((struct sim_late){ finish, call, 0 });
	return WEFT_PENDING;
}

static int any_status(void)
{
	return weft_sim_choose(3) ? 0 : -EIO;
}

static void finish_model(void *call)
{
	weft_model_finish(call, -EIO);
}

/* Asked before the mock, which answers what this one fails at. */
static int any_model(weft_model_call *call, void *user)
{
	(void)user;
	switch (weft_sim_choose(6)) {
	case 0:
		call->response->text = WEFT_STR("<response>half an answ");
		return call->request->type == WEFT_MODEL_TEXT_EMBEDDING ? -EIO : 0;
	case 1:
	case 2:
		return put_aside(finish_model, call) == WEFT_PENDING ? WEFT_PENDING : -EIO;
	default:
		return -EIO;
	}
}

static void finish_provider(void *call)
{
	int status = any_status();

	weft_provider_return(call, WEFT_STR("It rained."));
	weft_provider_finish(call, status);
}

static int any_provider(weft_provider_call *call, void *user)
{
	int r;

	(void)user;
	switch (weft_sim_choose(4)) {
	case 0:
		return -EIO;
	case 1:
		return put_aside(finish_provider, call);
	default:
		r = weft_provider_put(call, WEFT_STR("weather"), WEFT_STR("rain"));
		sim_check(r == 0 || r == -ENOMEM, "%s", weft_errname(r));
		return weft_provider_return(call, WEFT_STR("It rains."));
	}
}

static void finish_action(void *call)
{
	int status = any_status();

	weft_action_return(call, WEFT_STR("Seen, at last."));
	weft_action_finish(call, status);
}

static int any_action(weft_action_call *call, void *user)
{
	int r;

	(void)user;
	switch (weft_sim_choose(4)) {
	case 0:
		return weft_action_fail(call, -EIO, "nothing to be seen");
	case 1:
		return put_aside(finish_action, call);
	default:
		weft_action_return(call, WEFT_STR("Seen."));
		r = weft_action_say(call, WEFT_STR("I see."));
		sim_check(r == 0 || r == -ENOMEM, "%s", weft_errname(r));
		return 0;
	}
}

static void finish_evaluator(void *call)
{
	weft_evaluator_finish(call, any_status());
}

static int any_evaluator(weft_evaluator_call *call, void *user)
{
	(void)user;
	return weft_sim_choose(3) == 0 ? put_aside(finish_evaluator, call) : weft_sim_choose(4) ? 0 : -EIO;
}

static void finish_attachment(void *call)
{
	int status = any_status();

	weft_attachment_describe(call, WEFT_STR("a file"), WEFT_STR("It is a file."), WEFT_STR(""));
	weft_attachment_finish(call, status);
}

static int any_attachment(weft_attachment_call *call, void *user)
{
	(void)user;
	if (weft_sim_choose(2))
		return put_aside(finish_attachment, call);
	return weft_attachment_describe(call, WEFT_STR("a file"), WEFT_STR("It is a file."), WEFT_STR(""));
}

static int any_pre_evaluator(weft_turn *turn, weft_verdict *ret_verdict, void *user)
{
	(void)turn;
	(void)user;
	ret_verdict->blocked = weft_sim_choose(10) == 0;
	if (weft_sim_choose(4) == 0)
		ret_verdict->rewritten_text = WEFT_STR("Something else.");
	return weft_sim_choose(10) ? 0 : -EIO;
}

/* ---- the world ---------------------------------------------------------------------------- */

static weft_models *models_make(void)
{
	static const weft_model_type types[] = { WEFT_MODEL_TEXT_SMALL, WEFT_MODEL_TEXT_LARGE, WEFT_MODEL_TEXT_EMBEDDING };
	weft_mock_options mock = WEFT_MOCK_OPTIONS_INIT;
	weft_models *models;

	mock.delay_ns = weft_sim_choose(2) ? 0 : 1 + weft_sim_choose(SIM_MS);
	mock.actions = weft_sim_choose(2) ? "REPLY" : "REPLY, LOOK";
	mock.rounds = 1 + (uint32_t)weft_sim_choose(3);
	sim_insist(weft_models_create(&models));
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		sim_insist(weft_models_add(models, types[i], 1, "any", any_model, NULL, NULL));
	sim_insist(weft_models_add_mock(models, 0, &mock));
	return models;
}

static void def_fill(weft_agent_def *def)
{
	weft_provider provider = WEFT_PROVIDER_INIT;
	weft_action action = WEFT_ACTION_INIT;
	weft_evaluator evaluator = WEFT_EVALUATOR_INIT;
	weft_attachment_handler handler = WEFT_ATTACHMENT_HANDLER_INIT;
	weft_pre_evaluator pre = WEFT_PRE_EVALUATOR_INIT;

	provider.name = "WEATHER";
	provider.fn = any_provider;
	provider.flags = weft_sim_choose(2) ? WEFT_PROVIDER_VOLATILE : 0;
	sim_insist(weft_agent_def_add_provider(def, &provider));
	provider.name = "NEWS";
	sim_insist(weft_agent_def_add_provider(def, &provider));
	action.name = "LOOK";
	action.description = "Look around.";
	action.fn = any_action;
	sim_insist(weft_agent_def_add_action(def, &action));
	evaluator.name = "THINK";
	evaluator.fn = any_evaluator;
	evaluator.always_run = weft_sim_choose(2);
	sim_insist(weft_agent_def_add_evaluator(def, &evaluator));
	handler.name = "file";
	handler.content_type = "*/*";
	handler.fn = any_attachment;
	sim_insist(weft_agent_def_add_attachment_handler(def, &handler));
	pre.name = "screen";
	pre.fn = any_pre_evaluator;
	sim_insist(weft_agent_def_add_pre_evaluator(def, &pre));
}

static weft_agent_def *def_make(const weft_character *character)
{
	weft_agent_options opt = WEFT_AGENT_OPTIONS_INIT;
	weft_agent_def *def;

	opt.models = models_make();
	opt.store = world.store;
	opt.character = character;
	opt.room_policy = (uint8_t)weft_sim_choose(3);
	opt.check_should_respond = weft_sim_choose(2);
	opt.multi_step = weft_sim_choose(3) == 0;
	opt.no_embeddings = weft_sim_choose(2);
	opt.queue_msgs = 1 + (uint32_t)weft_sim_choose(16);
	opt.run_timeout_ns = weft_sim_choose(3) ? 0 : 1 + weft_sim_choose(10 * SIM_MS);
	sim_insist(weft_agent_def_create(&opt, &def, NULL));
	weft_models_unref(opt.models);
	def_fill(def);
	return def;
}

static void rooms_make(void)
{
	weft_entity user = { .id = weft_uuid_v7(), .name = WEFT_STR("Bob") };

	world.user = user.id;
	sim_insist(weft_store_create(NULL, &world.store));
	sim_insist(weft_store_put_entity(world.store, &user));
	for (uint32_t i = 0; i < ROOMS; i++) {
		weft_room room = { .id = weft_uuid_v7(), .name = WEFT_STR("lobby") };

		room.kind = i ? WEFT_ROOM_DM : WEFT_ROOM_GROUP;
		world.rooms[i] = room.id;
		sim_insist(weft_store_put_room(world.store, &room));
		sim_insist(weft_store_join(world.store, room.id, user.id));
	}
}

/* ---- who writes ------------------------------------------------------------------------------ */

static void check_result(const weft_agent_result *result, int status)
{
	(void)status;
	if (!result || result->status < 0 || !result->responded)
		return;
	sim_check(weft_uuid_is_nil(result->reply_id) || weft_store_has(world.store, result->reply_id), "not in the store");
}

static int write_(weft_future *to)
{
	static const weft_attachment file = { .url = WEFT_STR("https://example.org/a.pdf") };
	weft_incoming in = WEFT_INCOMING_INIT;

	in.message.room_id = world.rooms[weft_sim_choose(ROOMS)];
	in.message.entity_id = world.user;
	in.message.text = weft_sim_choose(2) ? WEFT_STR("Ada, what do you see?") : WEFT_STR("Nothing for anybody.");
	in.mentions_agent = weft_sim_choose(4) == 0;
	if (weft_sim_choose(4) == 0) {
		in.message.attachments = &file;
		in.message.attachment_count = 1;
	}
	in.workflow_id = sim_talk_workflow(&talk);
	return weft_agent_handle_message(sim_talk_agent(&talk), &in, weft_reply_to_future(to));
}

static void run(void)
{
	const weft_str ada = WEFT_STR("{\"name\":\"Ada\",\"system\":\"You are Ada.\",\"bio\":\"Ada counts.\"}");
	uint64_t writers = sim_talk_askers();
	const weft_character *character;

	rooms_make();
	sim_insist(weft_character_parse(ada, "ada.json", &character, NULL));
	talk = (struct sim_talk){ .agent_count = 2, .send = write_, .check = check_result };
	talk.def = def_make(character);
	talk.rt = sim_runtime();
	sim_talk(&talk, writers);
	weft_agent_def_unref(talk.def);
	weft_store_unref(world.store);
	weft_character_destroy(character);
}

const struct sim_scenario sim_pipeline = {
	.name = "pipeline",
	.what = "the message pipeline, with parts that fail or are finished by another thread",
	.faults = WEFT_SIM_ALL,
	.run = run,
};
