/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Messages whose handlers are finished by other threads, while their runs are canceled, superseded and too late, and their agents
 * asked to stop or cut off.
 * Goal: one answer a message, whoever was first; what a handler says late goes where nobody looks; nothing dangles (run it
 * under asan and tsan). Method: models, providers, actions, evaluators and summaries are parked or not, by the seed; finishers take
 * them, and say something before each finish. Conservation: accepted == answered, started == completed + failed + canceled,
 * parked == finished.
 */
#include <stdatomic.h>

#include "tests/support/actors.h"
#include "tests/support/finishers.h"

#define DEFS 3
#define AGENTS 2 /* of a definition */
#define ROOMS 3
#define IDS 32
#define MESSAGES 600

/* ---- handlers ------------------------------------------------------------------ */

enum kind { MODEL, PROVIDER, ACTION, EVALUATOR, SUMMARY };

struct work {
	enum kind kind;
	void *call;
};

static const char *const answers[] = {
	"<response><thought>t</thought><actions>REPLY</actions><text>yes</text></response>",
	"<response><thought>t</thought><actions>SLOW, REPLY</actions><providers>LATE</providers><text>yes</text></response>",
	"<response><thought>t</thought><actions>SLOW, NONSENSE, SLOW</actions><text>no</text></response>",
	"<response><thought>t</thought><actions>IGNORE</actions><text></text></response>",
	"<response><thought>t</thought><action>SLOW</action><providers>LATE</providers><is_finish>false</is_finish></response>",
	"<response><thought>t</thought><is_finish>true</is_finish><text>done</text></response>",
	"they said so",
};

static int answer(weft_model_call *call)
{
	static const float vector[4] = { 1, 2, 3, 4 };

	if (draw(20) == 0)
		return -EIO;
	if (call->request->type == WEFT_MODEL_TEXT_EMBEDDING) {
		call->response->embedding = vector;
		call->response->embedding_dims = 4;
		return 0;
	}
	/* in the arena, which is the handler's until it finishes */
	call->response->text = weft_arena_dup(call->arena, weft_str_from(answers[draw(sizeof(answers) / sizeof(answers[0]))]));
	return call->response->text.ptr ? 0 : -ENOMEM;
}

static void say(enum kind kind, void *call)
{
	switch (kind) {
	case MODEL:
		weft_model_chunk(call, WEFT_STR("a chunk"));
		break;
	case PROVIDER:
		(void)weft_provider_put(call, WEFT_STR("key"), WEFT_STR("value"));
		(void)weft_provider_return(call, WEFT_STR("a section"));
		break;
	case ACTION:
		(void)weft_action_say(call, WEFT_STR("one more"));
		weft_action_return(call, WEFT_STR("acted"));
		break;
	case EVALUATOR:
		break;
	case SUMMARY:
		(void)weft_summary_return(call, WEFT_STR("a summary"));
		break;
	}
}

static void finish_parked(struct parked *p)
{
	struct work *w = p->user;

	say(w->kind, w->call);
	switch (w->kind) {
	case MODEL:
		weft_model_finish(w->call, answer(w->call));
		break;
	case PROVIDER:
		weft_provider_finish(w->call, draw(8) ? 0 : -EIO);
		break;
	case ACTION:
		weft_action_finish(w->call, draw(8) ? 0 : weft_action_fail(w->call, -EIO, "it did not work"));
		break;
	case EVALUATOR:
		weft_evaluator_finish(w->call, draw(8) ? 0 : -EIO);
		break;
	case SUMMARY:
		weft_summary_finish(w->call, draw(8) ? 0 : -EIO);
		break;
	}
	free(w);
}

/* One in three is done at once. */
static int begin(enum kind kind, void *call)
{
	struct work *w;

	if (draw(3) == 0) {
		say(kind, call);
		return kind == MODEL ? answer(call) : 0;
	}
	w = malloc(sizeof(*w));
	*w = (struct work){ kind, call };
	return park(NULL, NULL, w);
}

static int model(weft_model_call *call, void *user)
{
	(void)user;
	return begin(MODEL, call);
}

static int provide(weft_provider_call *call, void *user)
{
	(void)user;
	return begin(PROVIDER, call);
}

static int act(weft_action_call *call, void *user)
{
	(void)user;
	return begin(ACTION, call);
}

static int evaluate(weft_evaluator_call *call, void *user)
{
	(void)user;
	return begin(EVALUATOR, call);
}

static int sum_up(weft_summary_call *call, void *user)
{
	(void)user;
	return begin(SUMMARY, call);
}

/* ---- agents -------------------------------------------------------------------- */

static struct {
	weft_runtime *rt;
	weft_store *store;
	weft_models *models;
	const weft_character *character;
	weft_agent_def *defs[DEFS]; /* one a room policy */
	weft_ref agents[DEFS * AGENTS];
	weft_uuid rooms[ROOMS], user;
	_Atomic(uint64_t) ids[IDS];
	_Atomic(bool) over;
} all;

static void add_parts(weft_agent_def *def, bool by_model)
{
	weft_provider quick = WEFT_PROVIDER_INIT, late = WEFT_PROVIDER_INIT;
	weft_summarizer summarizer = WEFT_SUMMARIZER_INIT;
	weft_evaluator evaluator = WEFT_EVALUATOR_INIT;
	weft_action action = WEFT_ACTION_INIT;

	quick.name = "QUICK";
	quick.flags = WEFT_PROVIDER_VOLATILE;
	late.name = "LATE";
	late.flags = WEFT_PROVIDER_DYNAMIC;
	quick.fn = late.fn = provide;
	action.name = "SLOW";
	action.fn = act;
	evaluator.name = "LAST";
	evaluator.always_run = true;
	evaluator.fn = evaluate;
	summarizer.after_messages = 5;
	summarizer.fn = by_model ? NULL : sum_up;
	cr_assert_eq(weft_agent_def_add_provider(def, &quick), 0);
	cr_assert_eq(weft_agent_def_add_provider(def, &late), 0);
	cr_assert_eq(weft_agent_def_add_action(def, &action), 0);
	cr_assert_eq(weft_agent_def_add_evaluator(def, &evaluator), 0);
	cr_assert_eq(weft_agent_def_set_summarizer(def, &summarizer), 0);
}

static void def_make(int policy)
{
	weft_agent_options opt = WEFT_AGENT_OPTIONS_INIT;

	opt.models = all.models;
	opt.store = all.store;
	opt.character = all.character;
	opt.room_policy = (uint8_t)policy;
	opt.multi_step = policy == WEFT_ROOM_PARALLEL;
	opt.recall_always = true;
	opt.run_timeout_ns = 20000000; /* some are too late */
	cr_assert_eq(weft_agent_def_create(&opt, &all.defs[policy], NULL), 0);
	add_parts(all.defs[policy], policy == WEFT_ROOM_QUEUE);
}

static void setup(void)
{
	weft_entity user = { .name = WEFT_STR("Bob") };

	all.over = false;
	all.rt = test_runtime(2);
	cr_assert_eq(weft_store_create(NULL, &all.store), 0);
	cr_assert_eq(weft_models_create(&all.models), 0);
	for (int type = WEFT_MODEL_TEXT_SMALL; type <= WEFT_MODEL_TEXT_EMBEDDING; type++)
		cr_assert_eq(weft_models_add(all.models, (weft_model_type)type, 0, "any", model, NULL, NULL), 0);
	cr_assert_eq(weft_character_parse(WEFT_STR("{\"name\":\"Ada\"}"), "ada.json", &all.character, NULL), 0);
	all.user = user.id = weft_uuid_v7();
	cr_assert_eq(weft_store_put_entity(all.store, &user), 0);
	for (int i = 0; i < ROOMS; i++) {
		weft_room room = { .id = weft_uuid_v7(), .kind = WEFT_ROOM_GROUP };

		all.rooms[i] = room.id;
		cr_assert_eq(weft_store_put_room(all.store, &room), 0);
	}
	for (int i = 0; i < DEFS; i++)
		def_make(i);
	for (int i = 0; i < DEFS * AGENTS; i++)
		cr_assert_eq(weft_agent_spawn(all.rt, all.defs[i % DEFS], NULL, &all.agents[i]), 0);
	finishers_start(finish_parked);
}

/* ---- what is done to them -------------------------------------------------------- */

static void *canceler(void *unused)
{
	while (!all.over) {
		uint64_t id = draw(100) ? all.ids[draw(IDS)] : 0;
		int r = weft_agent_cancel(all.agents[draw(DEFS * AGENTS)], id);

		cr_assert(r == 0 || r == -ESRCH);
		usleep(draw(300));
	}
	return unused;
}

struct tally {
	uint32_t accepted, answered, refused;
};

static void reap(weft_port *port, struct tally *t)
{
	weft_msg *got[64];
	int n = weft_port_wait_until(port, got, 64, weft_now_ns() + TEST_LONG);

	cr_assert_gt(n, 0);
	for (int i = 0; i < n; i++) {
		t->refused += !weft_agent_result_of(got[i]);
		weft_msg_destroy(got[i]);
	}
	t->answered += (uint32_t)n;
}

static void send_one(weft_port *port, uint32_t i, struct tally *t)
{
	weft_incoming in = WEFT_INCOMING_INIT;

	in.message.room_id = all.rooms[draw(ROOMS)];
	in.message.entity_id = all.user;
	in.message.text = WEFT_STR("what was said earlier?");
	in.workflow_id = weft_workflow_id(all.rt);
	all.ids[i % IDS] = in.workflow_id;
	if (weft_agent_handle_message(all.agents[draw(DEFS * AGENTS)], &in, weft_reply_to_port(port, i)) == 0)
		t->accepted++;
}

static void check(const struct tally *t)
{
	uint64_t started = 0, over = 0, canceled = 0;

	for (int i = 0; i < DEFS; i++) {
		weft_agent_stats s = { .size = sizeof(s) };

		cr_assert_eq(weft_agent_stats_read(all.defs[i], &s), 0);
		started += s.runs_started;
		canceled += s.runs_canceled;
		over += s.runs_completed + s.runs_failed + s.runs_canceled;
	}
	cr_assert_eq(started, t->accepted - t->refused, "%lu started, %u accepted, %u never begun", (unsigned long)started, t->accepted,
	             t->refused);
	cr_assert_eq(started, over);
	cr_assert_gt(canceled, 0, "nothing was canceled: the test does not test");
}

/* The runtime goes while handlers are parked, which are finished afterwards. */
static void tear_down(weft_port *port)
{
	weft_port_destroy(port);
	weft_runtime_destroy(all.rt);
	for (int i = 0; i < DEFS; i++)
		weft_agent_def_unref(all.defs[i]);
	finishers_stop();
	weft_models_unref(all.models);
	weft_store_unref(all.store);
	weft_character_destroy(all.character);
}

static void messages(const char *name, bool cut_off)
{
	weft_subscription *sub;
	struct tally t = { 0 };
	pthread_t canceling;
	weft_port *port;

	finishers.seed = test_seed(name);
	setup();
	cr_assert_eq(weft_port_create(all.rt, NULL, &port), 0);
	cr_assert_eq(weft_events_subscribe(all.rt, NULL, &sub), 0); /* somebody listens: chunks and progress are said */
	cr_assert_eq(pthread_create(&canceling, NULL, canceler, NULL), 0);
	for (uint32_t i = 0; i < MESSAGES; i++) {
		send_one(port, i, &t);
		while (t.accepted - t.answered > 60)
			reap(port, &t);
	}
	for (int i = 0; i < DEFS * AGENTS; i++)
		(void)weft_actor_stop(all.agents[i]);
	all.over = true;
	pthread_join(canceling, NULL);
	if (cut_off) {
		cr_assert_eq(weft_runtime_stop(all.rt, 0), 0);
		(void)weft_runtime_join(all.rt);
	}
	while (t.answered < t.accepted)
		reap(port, &t);
	while (!cut_off && weft_actor_is_alive(all.agents[t.answered++ % (DEFS * AGENTS)]))
		usleep(100);
	check(&t);
	weft_events_unsubscribe(sub);
	tear_down(port);
}

Test(turns, canceled_superseded_and_late__each_message_is_answered_once, .timeout = 300)
{
	messages("turns", false);
}

Test(turns, cut_off__nothing_dangles, .timeout = 300)
{
	messages("turns cut off", true);
}
