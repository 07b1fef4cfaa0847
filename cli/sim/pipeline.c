/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cli/sim/pipeline.c - scenario "pipeline": messages in rooms go through the whole pipeline, with
 * models, providers, actions, evaluators and attachment handlers that answer at once, fail, or are
 * finished by another thread at any moment, memory that runs out, and a stop in the middle.
 *
 * Each message that was accepted has one answer; an answer that says it was saved can be found in the
 * store; each run that began is completed or failed.
 */
#include <inttypes.h>

#include "cli/sim/sim.h"

#define AGENTS 2u
#define ROOMS 2u
#define ASKERS_MAX 3u
#define PENDING_MAX 32u

enum what { MODEL, PROVIDER, ACTION, EVALUATOR, ATTACHMENT };

static struct {
	weft_runtime *rt;
	weft_store *store;
	weft_agent_def *def;
	weft_ref agents[AGENTS];
	weft_uuid rooms[ROOMS], user;
	uint64_t asked, answered;
	struct pending {
		enum what what;
		void *call;
	} pending[PENDING_MAX];
	uint32_t pending_count;
	bool over;
} seen;

/* ---- handlers -------------------------------------------------------------------------- */

/* For the finisher: WEFT_PENDING; 0 when there is no place. */
static int put_aside(enum what what, void *call)
{
	if (seen.pending_count == PENDING_MAX)
		return 0;
	seen.pending[seen.pending_count++] = (struct pending){ what, call };
	return WEFT_PENDING;
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
		return put_aside(MODEL, call) == WEFT_PENDING ? WEFT_PENDING : -EIO;
	default:
		return -EIO;
	}
}

static int any_provider(weft_provider_call *call, void *user)
{
	int r;

	(void)user;
	switch (weft_sim_choose(4)) {
	case 0:
		return -EIO;
	case 1:
		return put_aside(PROVIDER, call);
	default:
		r = weft_provider_put(call, WEFT_STR("weather"), WEFT_STR("rain"));
		sim_check(r == 0 || r == -ENOMEM, "%s", weft_errname(r));
		return weft_provider_return(call, WEFT_STR("It rains."));
	}
}

static int any_action(weft_action_call *call, void *user)
{
	int r;

	(void)user;
	switch (weft_sim_choose(4)) {
	case 0:
		return weft_action_fail(call, -EIO, "nothing to be seen");
	case 1:
		return put_aside(ACTION, call);
	default:
		weft_action_return(call, WEFT_STR("Seen."));
		r = weft_action_say(call, WEFT_STR("I see."));
		sim_check(r == 0 || r == -ENOMEM, "%s", weft_errname(r));
		return 0;
	}
}

static int any_evaluator(weft_evaluator_call *call, void *user)
{
	(void)user;
	return weft_sim_choose(3) == 0 ? put_aside(EVALUATOR, call) : weft_sim_choose(4) ? 0 : -EIO;
}

static int any_attachment(weft_attachment_call *call, void *user)
{
	(void)user;
	if (weft_sim_choose(2))
		return put_aside(ATTACHMENT, call);
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

static void finish(struct pending p)
{
	int status = weft_sim_choose(3) ? 0 : -EIO;

	switch (p.what) {
	case MODEL:
		weft_model_finish(p.call, -EIO);
		break;
	case PROVIDER:
		weft_provider_return(p.call, WEFT_STR("It rained."));
		weft_provider_finish(p.call, status);
		break;
	case ACTION:
		weft_action_return(p.call, WEFT_STR("Seen, at last."));
		weft_action_finish(p.call, status);
		break;
	case EVALUATOR:
		weft_evaluator_finish(p.call, status);
		break;
	case ATTACHMENT:
		weft_attachment_describe(p.call, WEFT_STR("a file"), WEFT_STR("It is a file."), WEFT_STR(""));
		weft_attachment_finish(p.call, status);
		break;
	}
}

static void *finisher(void *user)
{
	(void)user;
	for (;;) {
		bool last = seen.over;

		while (seen.pending_count && (last || weft_sim_choose(3))) {
			uint32_t which = (uint32_t)weft_sim_choose(seen.pending_count);
			struct pending p = seen.pending[which];

			seen.pending[which] = seen.pending[--seen.pending_count];
			finish(p);
		}
		if (last)
			return NULL;
		weft_sim_sleep(weft_sim_choose(SIM_MS));
	}
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

static void def_make(const weft_character *character)
{
	weft_agent_options opt = WEFT_AGENT_OPTIONS_INIT;

	opt.models = models_make();
	opt.store = seen.store;
	opt.character = character;
	opt.room_policy = (uint8_t)weft_sim_choose(3);
	opt.check_should_respond = weft_sim_choose(2);
	opt.multi_step = weft_sim_choose(3) == 0;
	opt.no_embeddings = weft_sim_choose(2);
	opt.queue_msgs = 1 + (uint32_t)weft_sim_choose(16);
	opt.run_timeout_ns = weft_sim_choose(3) ? 0 : 1 + weft_sim_choose(10 * SIM_MS);
	sim_insist(weft_agent_def_create(&opt, &seen.def, NULL));
	weft_models_unref(opt.models);
	def_fill(seen.def);
}

static void rooms_make(void)
{
	weft_entity user = { .id = weft_uuid_v7(), .name = WEFT_STR("Bob") };

	seen.user = user.id;
	sim_insist(weft_store_create(NULL, &seen.store));
	sim_insist(weft_store_put_entity(seen.store, &user));
	for (uint32_t i = 0; i < ROOMS; i++) {
		weft_room room = { .id = weft_uuid_v7(), .name = WEFT_STR("lobby") };

		room.kind = i ? WEFT_ROOM_DM : WEFT_ROOM_GROUP;
		seen.rooms[i] = room.id;
		sim_insist(weft_store_put_room(seen.store, &room));
		sim_insist(weft_store_join(seen.store, room.id, user.id));
	}
}

static void agents_refresh(void)
{
	for (uint32_t i = 0; i < AGENTS; i++) {
		int r;

		if (weft_actor_is_alive(seen.agents[i]))
			continue;
		r = weft_agent_spawn(seen.rt, seen.def, NULL, &seen.agents[i]);
		sim_check(r == 0 || r == -ENOMEM, "%s", weft_errname(r));
	}
}

/* ---- who writes ------------------------------------------------------------------------------ */

static void check_result(const weft_agent_result *result, int status)
{
	sim_check(result || status < 0, "no result, and no reason");
	if (!result || result->status < 0 || !result->responded)
		return;
	sim_check(weft_uuid_is_nil(result->reply_id) || weft_store_has(seen.store, result->reply_id), "not in the store");
}

/* What handing the message over said. */
static int write_once(weft_future *f)
{
	static const weft_attachment file = { .url = WEFT_STR("https://example.org/a.pdf") };
	weft_incoming in = WEFT_INCOMING_INIT;
	weft_msg *answer;
	int r;

	in.message.room_id = seen.rooms[weft_sim_choose(ROOMS)];
	in.message.entity_id = seen.user;
	in.message.text = weft_sim_choose(2) ? WEFT_STR("Ada, what do you see?") : WEFT_STR("Nothing for anybody.");
	in.mentions_agent = weft_sim_choose(4) == 0;
	if (weft_sim_choose(4) == 0) {
		in.message.attachments = &file;
		in.message.attachment_count = 1;
	}
	r = weft_agent_handle_message(seen.agents[weft_sim_choose(AGENTS)], &in, weft_reply_to_future(f));
	sim_check(r == 0 || r == -ENOMEM || r == -EAGAIN || r == -ESRCH || r == -ESHUTDOWN, "%s", weft_errname(r));
	if (r < 0)
		return r;
	seen.asked++;
	sim_check(weft_future_wait_until(f, &answer, WEFT_FOREVER) == 0, "wait");
	seen.answered++;
	weft_sim_note((uint64_t)(int64_t)weft_msg_status(answer));
	check_result(weft_agent_result_of(answer), weft_msg_status(answer));
	weft_msg_destroy(answer);
	return 0;
}

static void *writer(void *user)
{
	weft_future *f;
	int r = 0;

	(void)user;
	sim_insist(weft_future_create(seen.rt, &f));
	while (r != -ESHUTDOWN && sim_goes_on()) {
		bool guest = weft_sim_choose(4) == 0 && weft_guest_enter(seen.rt) == 0;

		for (uint64_t n = weft_sim_choose(4); n && r != -ESHUTDOWN; n--)
			r = write_once(f);
		if (guest)
			sim_check(weft_guest_leave(seen.rt) == 0, "leave");
		weft_sim_sleep(weft_sim_choose(SIM_MS));
	}
	weft_future_destroy(f);
	return NULL;
}

static void run(void)
{
	const weft_str ada = WEFT_STR("{\"name\":\"Ada\",\"system\":\"You are Ada.\",\"bio\":\"Ada counts.\"}");
	uint64_t writers = 1 + weft_sim_choose(ASKERS_MAX), thread[ASKERS_MAX], finishing, stop_at;
	weft_agent_stats stats = { .size = sizeof(stats) };
	const weft_character *character;

	rooms_make();
	sim_insist(weft_character_parse(ada, "ada.json", &character, NULL));
	def_make(character);
	seen.rt = sim_runtime();
	agents_refresh();
	finishing = sim_thread(finisher, NULL);
	for (uint64_t i = 0; i < writers; i++)
		thread[i] = sim_thread(writer, NULL);
	stop_at = weft_sim_choose(2) ? UINT64_MAX : weft_now_ns() + weft_sim_choose(20 * SIM_MS);
	while (sim_goes_on() && weft_now_ns() < stop_at) {
		agents_refresh();
		if (weft_sim_choose(8) == 0)
			(void)weft_actor_stop(seen.agents[weft_sim_choose(AGENTS)]);
		weft_sim_sleep(weft_sim_choose(SIM_MS));
	}
	weft_runtime_stop(seen.rt, sim_stop_ns());
	for (uint64_t i = 0; i < writers; i++)
		weft_sim_thread_join(thread[i]); /* each had its answers */
	sim_runtime_end(seen.rt, WEFT_FOREVER);
	seen.over = true;
	weft_sim_thread_join(finishing);
	sim_check(weft_agent_stats_read(seen.def, &stats) == 0, "stats");
	sim_check(stats.runs_started == stats.runs_completed + stats.runs_failed,
	          "%" PRIu64 " began, %" PRIu64 " completed, %" PRIu64 " failed", stats.runs_started, stats.runs_completed,
	          stats.runs_failed);
	sim_check(seen.asked == seen.answered, "%" PRIu64 " asked, %" PRIu64 " answered", seen.asked, seen.answered);
	weft_agent_def_unref(seen.def);
	weft_store_unref(seen.store);
	weft_character_destroy(character);
}

const struct sim_scenario sim_pipeline = {
	.name = "pipeline",
	.what = "the message pipeline, with parts that fail or are finished by another thread",
	.faults = WEFT_SIM_ALL,
	.run = run,
};
