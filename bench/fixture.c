/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/fixture.h"

#include <errno.h>
#include <stdlib.h>

#define DUMMY_MAX 1000u

int bench_runtime_up(const struct bench_options *opt, weft_runtime **ret_rt)
{
	weft_runtime_options ro = WEFT_RUNTIME_OPTIONS_INIT;
	int r;

	ro.workers = opt->workers;
	r = weft_runtime_create(&ro, ret_rt);
	return r < 0 ? r : weft_runtime_start(*ret_rt);
}

/* ---- the agent's parts ---------------------------------------------------------------- */

static int dummy_provider(weft_provider_call *call, void *user)
{
	unsigned n = (unsigned)(uintptr_t)user;
	weft_str key = weft_arena_printf(call->arena, "dummy_%u", n);
	weft_str value = weft_arena_printf(call->arena, "value_%u", n);

	call->text = weft_arena_printf(call->arena, "Dummy provider %u context data.", n);
	return weft_provider_put(call, key, value);
}

static int add_dummies(struct bench_fixture *f, uint32_t count)
{
	weft_provider p = WEFT_PROVIDER_INIT;
	char name[32];
	int r = 0;

	for (uint32_t i = 0; r == 0 && i < count && i < DUMMY_MAX; i++) {
		snprintf(name, sizeof(name), "BENCHMARK_DUMMY_%u", i);
		p.name = name;
		p.description = "A provider with a line of text and a value.";
		p.fn = dummy_provider;
		p.user = (void *)(uintptr_t)i;
		r = weft_agent_def_add_provider(f->def, &p);
	}
	return r;
}

static int bench_action(weft_action_call *call, void *user)
{
	(void)user;
	weft_action_return(call, WEFT_STR("done"));
	return 0;
}

static int add_actions(struct bench_fixture *f)
{
	static const char *const names[] = { "BENCH_ACTION", "BENCH_ACTION_TWO" };
	weft_action a = WEFT_ACTION_INIT;
	int r = 0;

	for (int i = 0; r == 0 && i < 2; i++) {
		a.name = names[i];
		a.description = "An action that does next to nothing.";
		a.fn = bench_action;
		r = weft_agent_def_add_action(f->def, &a);
	}
	return r;
}

static int def_up(struct bench_fixture *f, const struct bench_options *opt, const struct bench_scenario *s, weft_error *err)
{
	weft_mock_options mock = WEFT_MOCK_OPTIONS_INIT;
	weft_agent_options ao = WEFT_AGENT_OPTIONS_INIT;
	int r = weft_models_create(&f->models);

	if (r < 0)
		return r;
	if (s->config.custom_actions)
		mock.actions = "BENCH_ACTION, BENCH_ACTION_TWO";
	r = weft_models_add_mock(f->models, 0, &mock);
	if (r < 0)
		return r;
	ao.models = f->models;
	ao.character = f->character;
	ao.store = f->store;
	ao.bare = s->config.bare;
	ao.check_should_respond = s->config.check_should_respond;
	ao.multi_step = s->config.multi_step;
	ao.no_stage_times = !opt->times;
	r = weft_agent_def_create(&ao, &f->def, err);
	if (r == 0)
		r = add_dummies(f, s->config.dummy_providers);
	if (r == 0 && s->config.custom_actions)
		r = add_actions(f);
	return r;
}

/* ---- who is where ------------------------------------------------------------------------ */

static int people_up(struct bench_fixture *f)
{
	weft_world world = { .id = f->world_id, .name = WEFT_STR("BenchmarkWorld") };
	weft_entity agent = { .id = f->agent_id, .name = WEFT_STR("BenchmarkAgent"), .is_agent = true };
	weft_entity user = { .id = f->user_id, .name = WEFT_STR("BenchmarkUser") };
	int r = weft_store_put_world(f->store, &world);

	if (r == 0)
		r = weft_store_put_entity(f->store, &agent);
	if (r == 0)
		r = weft_store_put_entity(f->store, &user);
	for (uint32_t i = 0; r == 0 && i < f->room_count; i++) {
		weft_room room = { .world_id = f->world_id,
			           .kind = WEFT_ROOM_GROUP,
			           .name = WEFT_STR("BenchmarkRoom"),
			           .source = WEFT_STR("benchmark") };

		room.id = f->rooms[i] = weft_uuid_v7();
		r = weft_store_put_room(f->store, &room);
		if (r == 0)
			r = weft_store_join(f->store, room.id, f->agent_id);
		if (r == 0)
			r = weft_store_join(f->store, room.id, f->user_id);
	}
	return r;
}

int bench_history_fill(struct bench_fixture *f, weft_uuid room, uint32_t count)
{
	char text[80];
	int r = 0;

	for (uint32_t i = 0; r == 0 && i < count; i++) {
		weft_memory m = { .type = WEFT_MEMORY_MESSAGE,
			          .room_id = room,
			          .entity_id = f->user_id,
			          .agent_id = f->agent_id,
			          .created_ms = weft_wall_ms() - 1000 * (int64_t)(count - i),
			          .source = WEFT_STR("benchmark") };

		snprintf(text, sizeof(text), "Historical message number %u for benchmark testing.", i + 1);
		m.text = weft_str_from(text);
		r = weft_store_add(f->store, &m, NULL);
	}
	return r;
}

int bench_fixture_up(struct bench_fixture *f, const struct bench_options *opt, const struct bench_scenario *s,
                     weft_error *err)
{
	weft_subscribe_options so = WEFT_SUBSCRIBE_OPTIONS_INIT;
	int r;

	*f = (struct bench_fixture){ .room_count = s->config.room_per_message ? s->message_count : 1 };
	f->rooms = calloc(f->room_count ? f->room_count : 1, sizeof(*f->rooms));
	f->agent_id = weft_uuid_v7();
	f->user_id = weft_uuid_v7();
	f->world_id = weft_uuid_v7();
	r = f->rooms ? bench_runtime_up(opt, &f->rt) : -ENOMEM;
	if (r == 0 && opt->events > 0)
		r = weft_events_subscribe(f->rt, &so, &f->events);
	if (r == 0)
		r = weft_character_parse((weft_str){ bench_character_json, bench_character_json_len }, "character.json",
		                         &f->character, err);
	if (r == 0)
		r = weft_store_create(NULL, &f->store);
	if (r == 0)
		r = people_up(f);
	if (r == 0)
		r = def_up(f, opt, s, err);
	if (r == 0)
		r = weft_agent_spawn(f->rt, f->def, &f->agent_id, &f->agent);
	if (r == 0 && s->config.history)
		r = bench_history_fill(f, f->rooms[0], s->config.history);
	if (r < 0 && err && !err->message[0])
		weft_error_set(err, r, "set-up: %s", weft_strerror(r));
	return r;
}

void bench_fixture_down(struct bench_fixture *f)
{
	weft_events_unsubscribe(f->events);
	weft_runtime_destroy(f->rt);
	weft_agent_def_unref(f->def);
	weft_models_unref(f->models);
	weft_store_unref(f->store);
	weft_character_destroy(f->character);
	free(f->rooms);
}
