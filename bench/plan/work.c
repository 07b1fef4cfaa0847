/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench/plan/work.c - one agent: reads the last messages of its room, asks its model, calls its tools one after
 * another, answers; question and answer are added to the room. It is spawned for that and ends with it.
 *
 * Drivers start them, one driver pinned to each worker, so that no other thread takes a core. An open driver draws the
 * times at which agents are due beforehand, so to speak: each due time is the one before plus a random gap, whatever
 * happened meanwhile, and an agent's latency counts from it. A driver that comes late makes its agents late, which is
 * what a busy worker does to anybody's.
 */
#include "bench/plan/work.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench/stat/random.h"

#define MS_NS 1000000.0
#define ROOMS_MAX 1024u
#define MESSAGES_MAX 200000u /* in all rooms together, to begin with */
#define LAST_WORDS "They come to 16, as we said."
#define CALL "\"tool_calls\": [{\"name\": \"look_up\", \"arguments\": {\"n\": %u}}]"
#define QUESTION "What do these two come to, and what was it that we said about them?"

/* ---- tools ------------------------------------------------------------------------------------ */

struct sleeper {
	weft_tool_call *call;
	uint64_t wait_ns;
};

/* The endpoint knows by it which call comes next. */
static void answer(weft_tool_call *call)
{
	char text[32];
	int64_t n = 0;

	weft_json_get_int(weft_json_find(call->arguments, WEFT_STR("n")), &n);
	snprintf(text, sizeof(text), "value %d.", (int)n);
	weft_tool_return(call, weft_str_from(text));
}

/* An actor a call that waits: what a tool that asks somebody else costs here. */
static int sleeper_behaviour(weft_actor *self, weft_msg *msg)
{
	struct sleeper *s = weft_actor_state(self);

	if (weft_msg_kind(msg) != WEFT_KIND_TIMER)
		return weft_timer_start(self, s->wait_ns, 0, NULL);
	answer(s->call);
	weft_tool_finish(s->call, 0);
	weft_actor_exit(self, 0);
	return 0;
}

static const weft_actor_class sleeper_class = { .size = sizeof(sleeper_class),
	                                        .name = "plan-tool",
	                                        .behaviour = sleeper_behaviour,
	                                        .state_bytes = sizeof(struct sleeper) };

static int look_up(weft_tool_call *call, void *user)
{
	const struct plan_run *run = user;
	struct sleeper s = { call, (uint64_t)(run->work.tool_ms * MS_NS) };
	weft_ref ref;
	weft_msg *go;
	int r;

	if (!s.wait_ns || !call->rt) {
		answer(call);
		return 0;
	}
	go = weft_msg_create(1, 0);
	if (!go)
		return -ENOMEM;
	r = weft_actor_spawn(call->rt, &sleeper_class, &s, &ref);
	if (r == 0)
		r = weft_send(ref, go);
	if (r < 0)
		weft_msg_destroy(go);
	return r < 0 ? r : WEFT_PENDING;
}

static int tools_up(struct plan_work_set *set)
{
	weft_tool_options to = WEFT_TOOL_OPTIONS_INIT;
	int r = weft_tools_create(&set->tools);

	to.name = "look_up";
	to.description = "Looks up the n-th value.";
	to.schema_json = WEFT_STR("{\"type\":\"object\",\"properties\":{\"n\":{\"type\":\"integer\",\"minimum\":0}},\"required\":[\"n\"]}");
	to.fn = look_up;
	to.user = (void *)(uintptr_t)set->run; /* read only */
	return r < 0 ? r : weft_tools_add(set->tools, &to, NULL);
}

/* ---- models ----------------------------------------------------------------------------------- */

int plan_work_fixture(struct plan_work_set *set, const struct plan_run *run)
{
	FILE *f;
	int fd;

	strcpy(set->fixture, "/tmp/weft-plan-XXXXXX");
	fd = mkstemp(set->fixture);
	if (fd < 0) {
		set->fixture[0] = '\0';
		return -errno;
	}
	f = fdopen(fd, "w");
	if (!f) {
		close(fd);
		return -ENOMEM;
	}
	fputs("{\"answers\": [", f);
	if (run->work.tools)
		fprintf(f, "{\"match\": {\"tool_result\": \"value %u.\"}, \"text\": \"" LAST_WORDS "\"},", run->work.tools - 1);
	for (uint32_t i = run->work.tools; i-- > 1;)
		fprintf(f, "{\"match\": {\"tool_result\": \"value %u.\"}, " CALL "},", i - 1, i);
	if (run->work.tools)
		fprintf(f, "{" CALL "}]}\n", 0u);
	else
		fprintf(f, "{\"text\": \"" LAST_WORDS "\"}]}\n");
	return fclose(f) == 0 ? 0 : -EIO;
}

static int mock_up(weft_models *models, const struct plan_work *w)
{
	weft_mock_options mo = WEFT_MOCK_OPTIONS_INIT;
	weft_mock_step steps[PLAN_TOOLS_MAX + 1] = { 0 };
	char arguments[PLAN_TOOLS_MAX][24];

	for (uint32_t i = 0; i < w->tools; i++) {
		snprintf(arguments[i], sizeof(arguments[i]), "{\"n\":%u}", i);
		steps[i].calls[0].name = "look_up";
		steps[i].calls[0].arguments_json = arguments[i];
		steps[i].call_count = 1;
	}
	steps[w->tools].text = LAST_WORDS;
	mo.steps = steps;
	mo.step_count = w->tools + 1;
	mo.delay_ns = (uint64_t)(w->model_ms * MS_NS);
	return weft_models_add_mock(models, 0, &mo);
}

static int http_up(weft_models *models, const char *url, weft_error *err)
{
	weft_openai_options oo = WEFT_OPENAI_OPTIONS_INIT;

	oo.base_url = url;
	oo.api_key = "";
	oo.large_model = "mock";
	oo.proxy = "";
	oo.flags = WEFT_OPENAI_NO_GATE;
	return weft_models_add_openai(models, 0, &oo, err);
}

static int def_up(struct plan_work_set *set, uint32_t i, const char *url, weft_error *err)
{
	weft_agent_options ao = WEFT_AGENT_OPTIONS_INIT;
	int r = weft_models_create(&set->models[i]);

	if (r == 0)
		r = url ? http_up(set->models[i], url, err) : mock_up(set->models[i], &set->run->work);
	ao.models = set->models[i];
	ao.tools = set->run->work.tools ? set->tools : NULL;
	ao.system = "You are an agent that looks things up and answers in one sentence.";
	if (r == 0)
		r = weft_agent_def_create(&ao, &set->defs[i], err);
	if (r == 0)
		set->def_count = i + 1;
	return r;
}

/* ---- the store ---------------------------------------------------------------------------------- */

static int remember(struct plan_work_set *set, weft_uuid room, weft_str text, bool by_agent)
{
	weft_memory m = { .type = WEFT_MEMORY_MESSAGE,
		          .room_id = room,
		          .entity_id = by_agent ? set->agent_id : set->user_id,
		          .agent_id = set->agent_id,
		          .source = WEFT_STR("plan"),
		          .text = text };

	return weft_store_add(set->store, &m, NULL);
}

static int store_up(struct plan_work_set *set)
{
	uint32_t history = set->run->work.history, rooms = history ? MESSAGES_MAX / history : 0;
	int r;

	if (!history || set->run->no_store)
		return 0;
	set->room_count = rooms < 1 ? 1 : rooms > ROOMS_MAX ? ROOMS_MAX : rooms;
	set->rooms = calloc(set->room_count, sizeof(*set->rooms));
	set->user_id = weft_uuid_v7();
	set->agent_id = weft_uuid_v7();
	r = set->rooms ? weft_store_create(NULL, &set->store) : -ENOMEM;
	for (uint32_t i = 0; r == 0 && i < set->room_count; i++) {
		set->rooms[i] = weft_uuid_v7();
		for (uint32_t k = 0; r == 0 && k < history; k++) {
			char text[96];

			snprintf(text, sizeof(text), "Message %u of this room, about as long as people write them to each other.", k);
			r = remember(set, set->rooms[i], weft_str_from(text), k & 1);
		}
	}
	return r;
}

/* ---- up and down ----------------------------------------------------------------------------------- */

int plan_work_up(struct plan_work_set *set, const char *const *urls, uint32_t count, weft_error *err)
{
	int r = store_up(set);

	if (r == 0)
		r = tools_up(set);
	if (r == 0 && !count)
		r = def_up(set, 0, NULL, err);
	for (uint32_t i = 0; r == 0 && i < count; i++)
		r = def_up(set, i, urls[i], err);
	return r;
}

void plan_work_down(struct plan_work_set *set)
{
	for (uint32_t i = 0; i < PLAN_SERVERS_MAX; i++) {
		weft_agent_def_unref(set->defs[i]);
		weft_models_unref(set->models[i]);
	}
	weft_tools_unref(set->tools);
	weft_store_unref(set->store);
	free(set->rooms);
	if (set->fixture[0])
		unlink(set->fixture);
}

/* ---- drivers ---------------------------------------------------------------------------------------- */

struct slot { /* an agent under way */
	uint64_t due_ns;
	uint32_t room;
	uint32_t phase; /* in whose window it was due; NO_PHASE */
	uint32_t next_free;
};

struct driver {
	struct plan_driver_start start;
	struct bench_random random;
	weft_msg *asked;
	struct slot *slots; /* owned; grows */
	uint32_t slot_count, free_slot, under_way;
	uint32_t target;   /* closed: how many are under way */
	uint32_t phase;    /* open: of the next one that is due */
	uint64_t next_ns;  /* open: when the next is due; closed, while it fills up, too */
	uint64_t waits_ns; /* of an agent */
	double gap_ns;     /* closed, while it fills up */
	bool closed; /* as many as `target` under way, whatever the clock says */
	bool over;
	weft_arena *arena;
};

#define NO_SLOT UINT32_MAX
#define NO_PHASE UINT32_MAX

static int slot_take(struct driver *d, uint32_t *ret)
{
	if (d->free_slot == NO_SLOT) {
		uint32_t more = d->slot_count ? 2 * d->slot_count : 256;
		struct slot *slots = realloc(d->slots, more * sizeof(*slots));

		if (!slots)
			return -ENOMEM;
		for (uint32_t i = d->slot_count; i < more; i++)
			slots[i].next_free = i + 1 < more ? i + 1 : NO_SLOT;
		d->free_slot = d->slot_count;
		d->slots = slots;
		d->slot_count = more;
	}
	*ret = d->free_slot;
	d->free_slot = d->slots[*ret].next_free;
	return 0;
}

/* The last messages, oldest first. */
static int recent(struct driver *d, uint32_t room, weft_chat_message *ret)
{
	struct plan_work_set *set = d->start.set;
	weft_memory *memories = NULL;
	int n = weft_store_recent(set->store, set->rooms[room], WEFT_MEMORY_MESSAGE, 0, PLAN_RECENT, d->arena, &memories);

	for (int i = 0; i < n; i++) {
		const weft_memory *m = &memories[n - 1 - i];
		bool by_agent = memcmp(&m->entity_id, &set->agent_id, sizeof(m->entity_id)) == 0;

		ret[i] = (weft_chat_message){ .role = by_agent ? WEFT_ROLE_ASSISTANT : WEFT_ROLE_USER, .content = m->text };
	}
	return n;
}

/* In whose window is it due? */
static uint32_t phase_of(const struct driver *d, uint64_t due_ns)
{
	const struct plan_phase *p = d->closed ? NULL : &d->start.phases[d->phase];

	return p && due_ns >= p->from_ns && due_ns < p->to_ns ? d->phase : NO_PHASE;
}

static int begin_one(weft_actor *self, struct driver *d, uint64_t due_ns)
{
	struct plan_work_set *set = d->start.set;
	weft_chat_message history[PLAN_RECENT];
	weft_ask ask = WEFT_ASK_INIT;
	uint32_t slot;
	weft_ref agent;
	int r = slot_take(d, &slot);

	if (r < 0)
		return r;
	d->slots[slot].due_ns = due_ns;
	d->slots[slot].phase = phase_of(d, due_ns);
	if (set->store) {
		uint32_t room = d->slots[slot].room = bench_random_below(&d->random, set->room_count);

		weft_arena_reset(d->arena);
		r = recent(d, room, history);
		if (r < 0)
			return r;
		ask.history = history;
		ask.history_count = (uint32_t)r;
		r = remember(set, set->rooms[room], WEFT_STR(QUESTION), false);
	}
	if (r == 0)
		r = weft_agent_spawn(set->rt, set->defs[d->start.index % set->def_count], NULL, &agent);
	if (r < 0)
		return r;
	ask.input = WEFT_STR(QUESTION);
	ask.end_after = true;
	r = weft_agent_ask(agent, &ask, weft_reply_to_actor(weft_actor_ref(self), slot));
	if (r == 0) {
		d->under_way++;
		d->start.sum->started++;
	}
	return r;
}

static void failed(struct driver *d, int status)
{
	struct plan_driver_sum *sum = d->start.sum;

	if (!sum->failed++)
		sum->status = status;
	d->over = true; /* what is left to be measured is worth nothing */
}

static int note(struct plan_driver_sum *sum, const struct slot *s, double added_ms)
{
	if (sum->agent_count == sum->agent_room) {
		uint32_t more = sum->agent_room ? 2 * sum->agent_room : 4096;
		struct plan_ended *agents = realloc(sum->agents, more * sizeof(*agents));

		if (!agents)
			return -ENOMEM;
		sum->agents = agents;
		sum->agent_room = more;
	}
	sum->agents[sum->agent_count++] = (struct plan_ended){ s->due_ns, added_ms, s->phase };
	return 0;
}

static void end_one(struct driver *d, weft_msg *msg)
{
	const weft_agent_result *result = weft_agent_result_of(msg);
	uint32_t slot = (uint32_t)weft_msg_token(msg);
	struct slot *s = &d->slots[slot];
	double took_ns = (double)(weft_now_ns() - s->due_ns);

	d->under_way--;
	if (!result || result->status < 0 || result->tool_calls != d->start.set->run->work.tools)
		failed(d, result ? result->status < 0 ? result->status : -EBADMSG : weft_msg_status(msg));
	else if (d->start.set->store && remember(d->start.set, d->start.set->rooms[s->room], result->text, true) < 0)
		failed(d, -ENOMEM);
	d->start.sum->ended++; /* this driver alone writes it */
	if (s->phase != NO_PHASE && note(d->start.sum, s, (took_ns - (double)d->waits_ns) / MS_NS) < 0)
		failed(d, -ENOMEM);
	s->next_free = d->free_slot;
	d->free_slot = slot;
}

/* Open: which rate holds when the next one is due. @return false: the last one is over */
static bool has_phase(struct driver *d)
{
	while (d->phase < d->start.phase_count && d->next_ns >= d->start.phases[d->phase].end_ns)
		d->phase++;
	return d->phase < d->start.phase_count;
}

static uint64_t gap(struct driver *d)
{
	const struct plan_driver_start *s = &d->start;

	if (d->closed)
		return (uint64_t)d->gap_ns;
	return (uint64_t)bench_random_exponential(&d->random, 1e9 * s->drivers / s->phases[d->next_ns < s->warm_until_ns ? s->phase_count - 1 : d->phase].rate);
}

/* All that are due; and when the next one is. */
static int begin_due(weft_actor *self, struct driver *d)
{
	int r = 0;

	while (!d->over && r == 0 && d->next_ns <= weft_now_ns()) {
		if (d->closed ? d->under_way >= d->target : !has_phase(d)) {
			d->over = !d->closed;
			return 0;
		}
		r = begin_one(self, d, d->next_ns);
		d->next_ns += gap(d);
	}
	if (r == 0 && !d->over)
		r = weft_timer_start_at(self, d->next_ns, 0, NULL);
	return r;
}

static int drive_begin(weft_actor *self, struct driver *d, weft_msg *msg)
{
	const struct plan_run *run = d->start.set->run;

	weft_msg_keep(self, msg);
	d->asked = msg;
	d->closed = !d->start.phase_count;
	d->free_slot = NO_SLOT;
	d->random.state = run->seed * 1000003 + d->start.index;
	d->waits_ns = (uint64_t)(plan_waits_ms(&run->work) * MS_NS);
	d->next_ns = d->start.begin_ns;
	d->target = run->under_way / d->start.drivers + (d->start.index < run->under_way % d->start.drivers);
	/* A closed driver fills up over the time of one agent: their ends are spread, too. Where none ends, over a second. */
	d->gap_ns = (run->kind == PLAN_MEMORY ? 1e9 : (double)d->waits_ns) / (d->target ? d->target : 1);
	return weft_arena_create(0, &d->arena);
}

static int driver_behaviour(weft_actor *self, weft_msg *msg)
{
	struct driver *d = weft_actor_state(self);
	uint32_t kind = weft_msg_kind(msg);
	int r = 0;

	d->over = d->over || (d->closed && d->start.set->stop);

	if (kind == PLAN_KINDS) {
		r = drive_begin(self, d, msg);
		if (r == 0)
			r = begin_due(self, d);
	} else if (kind == WEFT_KIND_TIMER) {
		r = begin_due(self, d);
	} else {
		end_one(d, msg);
		if (d->closed && !d->over)
			r = begin_one(self, d, weft_now_ns());
	}
	if (r < 0)
		failed(d, r);
	if (d->over && !d->under_way) {
		weft_msg *answer = weft_msg_create(1, 0);

		if (answer)
			weft_reply(d->asked, answer);
		weft_actor_exit(self, 0);
	}
	return 0;
}

static void driver_fini(weft_actor *self)
{
	struct driver *d = weft_actor_state(self);

	weft_msg_destroy(d->asked);
	weft_arena_destroy(d->arena);
	free(d->slots);
}

static const weft_actor_class driver_class = { .size = sizeof(driver_class),
	                                       .name = "plan-driver",
	                                       .behaviour = driver_behaviour,
	                                       .fini = driver_fini,
	                                       .state_bytes = sizeof(struct driver),
	                                       .flags = WEFT_ACTOR_PINNED };

int plan_driver_start(const struct plan_driver_start *start, weft_reply_to reply_to)
{
	struct driver d = { .start = *start };
	weft_msg *go = weft_msg_create(PLAN_KINDS, 0);
	weft_ref ref;
	int r = go ? weft_actor_spawn(start->set->rt, &driver_class, &d, &ref) : -ENOMEM;

	if (r == 0)
		r = weft_request(ref, go, reply_to);
	if (r < 0)
		weft_msg_destroy(go);
	return r;
}
