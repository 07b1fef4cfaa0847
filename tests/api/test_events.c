/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Events of a real runtime: emitted inside behaviours on two workers and by a foreign
 * thread, read by a host, in each actor's order; and the JSON that a host passes on.
 */
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#include "tests/support/actors.h"

#define ACTORS 8u
#define EACH 400u /* messages an actor */
#define BATCH 256u

enum { TELL = 100 };

/* Says its number and sends itself the message again, until nothing is left to say. */
struct talker {
	uint64_t workflow;
	int64_t said;
	uint32_t left;
};

static int talker_behaviour(weft_actor *self, weft_msg *msg)
{
	struct talker *t = weft_actor_state(self);
	weft_event_field field = { .key = WEFT_STR("n"), .kind = WEFT_FIELD_INT, .num.i = t->said };
	weft_event_desc desc = { .scope = WEFT_SCOPE_AGENT,
		                 .type = WEFT_EVENT_PROGRESS,
		                 .component_id = WEFT_STR("talker"),
		                 .workflow_id = t->workflow,
		                 .fields = &field,
		                 .field_count = 1 };

	weft_event_emit(weft_actor_runtime(self), &desc);
	t->said++;
	if (--t->left)
		return weft_send(weft_actor_ref(self), msg);
	weft_actor_exit(self, 0);
	return 0;
}

static const weft_actor_class talker = { .size = sizeof(talker),
	                                 .name = "talker",
	                                 .behaviour = talker_behaviour,
	                                 .state_bytes = sizeof(struct talker) };

static void talk(weft_runtime *rt, uint32_t actors, uint32_t each)
{
	for (uint32_t i = 0; i < actors; i++) {
		struct talker t = { .workflow = i + 1, .left = each };

		cr_assert_eq(weft_send(test_spawn(rt, &talker, &t), weft_msg_create(TELL, 0)), 0);
	}
}

struct tally {
	uint64_t read, lost;
	int64_t next[ACTORS + 1];
};

/* Read until `total` events were read or counted as lost; checks each actor's order. */
static void follow(weft_subscription *sub, struct tally *t, uint64_t total)
{
	weft_event *events = calloc(BATCH, sizeof(*events));
	uint64_t until = weft_now_ns() + TEST_LONG, last_ns = 0;

	while (t->read + t->lost < total) {
		int n = weft_events_read(sub, events, BATCH);

		cr_assert_geq(n, 0);
		cr_assert_lt(weft_now_ns(), until, "read %lu, lost %lu", (unsigned long)t->read, (unsigned long)t->lost);
		for (int i = 0; i < n; i++) {
			const weft_event *e = &events[i];

			cr_assert_geq(e->timestamp_ns, last_ns);
			last_ns = e->timestamp_ns;
			if (e->type == WEFT_EVENT_LAGGED) {
				t->lost += e->lagged_events;
				continue;
			}
			cr_assert(e->workflow_id >= 1 && e->workflow_id <= ACTORS);
			cr_assert_geq(e->fields[0].num.i, t->next[e->workflow_id], "an actor's order is broken");
			cr_assert(t->lost || e->fields[0].num.i == t->next[e->workflow_id], "a gap, and nothing was lost");
			t->next[e->workflow_id] = e->fields[0].num.i + 1;
			t->read++;
		}
		if (!n)
			usleep(100);
	}
	cr_assert_eq(t->read + t->lost, total);
	cr_assert_eq(weft_events_lost(sub), t->lost);
	free(events);
}

static weft_runtime *runtime_with_ring(uint32_t ring_bytes)
{
	weft_runtime_options opt = WEFT_RUNTIME_OPTIONS_INIT;

	opt.workers = 2;
	opt.event_ring_bytes = ring_bytes;
	return test_runtime_with(&opt);
}

Test(events, ring_bytes__out_of_range)
{
	weft_runtime_options opt = WEFT_RUNTIME_OPTIONS_INIT;
	weft_runtime *rt;

	opt.event_ring_bytes = 5000;
	cr_assert_eq(weft_runtime_create(&opt, &rt), -EINVAL);
	opt.event_ring_bytes = 2048;
	cr_assert_eq(weft_runtime_create(&opt, &rt), -EINVAL);
}

Test(events, read__every_actors_events_in_its_order)
{
	weft_runtime *rt = runtime_with_ring(0);
	struct tally t = { 0 };
	weft_subscription *sub;

	cr_assert_not(weft_events_wanted(rt));
	cr_assert_eq(weft_events_subscribe(rt, NULL, &sub), 0);
	cr_assert(weft_events_wanted(rt));
	talk(rt, ACTORS, EACH);
	follow(sub, &t, ACTORS * EACH);
	cr_assert_eq(t.lost, 0, "a ring of 256 KiB holds them all");
	weft_events_unsubscribe(sub);
	cr_assert_not(weft_events_wanted(rt));
	test_runtime_end(rt);
}

Test(events, read__by_a_slow_host_counts_what_it_missed)
{
	weft_runtime *rt = runtime_with_ring(4096);
	struct tally t = { 0 };
	weft_subscription *sub;

	cr_assert_eq(weft_events_subscribe(rt, NULL, &sub), 0);
	talk(rt, ACTORS, EACH);
	cr_assert_eq(weft_runtime_stop(rt, TEST_LONG), 0);
	cr_assert_eq(weft_runtime_join(rt), 0);
	follow(sub, &t, ACTORS * EACH); /* after the end: the rings are there until the runtime is destroyed */
	cr_assert_gt(t.read, 0);
	cr_assert_gt(t.lost, 0);
	weft_events_unsubscribe(sub);
	weft_runtime_destroy(rt);
}

/* Workers wait for a host that must not lose events, though it reads late and the ring is small. */
Test(events, block__holds_the_actors_back)
{
	weft_subscribe_options opt = WEFT_SUBSCRIBE_OPTIONS_INIT;
	struct tally t = { 0 };
	weft_subscription *sub;
	weft_runtime *rt;

	rt = runtime_with_ring(4096); /* 50 such events: fewer than an actor's budget */
	opt.lag = WEFT_LAG_BLOCK;
	opt.block_ns = TEST_LONG;
	cr_assert_eq(weft_events_subscribe(rt, &opt, &sub), 0);
	talk(rt, ACTORS, EACH);
	usleep(20000); /* longer than all of it takes */
	follow(sub, &t, ACTORS * EACH);
	cr_assert_eq(t.lost, 0);
	weft_events_unsubscribe(sub);
	test_runtime_end(rt);
}

Test(events, block__gives_way_after_block_ns)
{
	weft_runtime *rt = runtime_with_ring(4096);
	weft_subscribe_options opt = WEFT_SUBSCRIBE_OPTIONS_INIT;
	struct tally t = { 0 };
	weft_subscription *sub;

	opt.lag = WEFT_LAG_BLOCK;
	opt.block_ns = 10000000;
	cr_assert_eq(weft_events_subscribe(rt, &opt, &sub), 0);
	talk(rt, ACTORS, EACH);
	cr_assert_eq(weft_runtime_stop(rt, TEST_LONG), 0);
	cr_assert_eq(weft_runtime_join(rt), 0, "nobody reads, and it comes to its end");
	follow(sub, &t, ACTORS * EACH);
	cr_assert_gt(t.lost, 0);
	weft_events_unsubscribe(sub);
	weft_runtime_destroy(rt);
}

Test(events, replay__for_who_comes_late)
{
	weft_runtime *rt = runtime_with_ring(0);
	weft_subscribe_options opt = WEFT_SUBSCRIBE_OPTIONS_INIT;
	struct tally t = { 0 }, again = { 0 };
	weft_subscription *sub, *late;

	cr_assert_eq(weft_events_subscribe(rt, NULL, &sub), 0); /* without one there is no history */
	talk(rt, ACTORS, EACH);
	follow(sub, &t, ACTORS * EACH);
	opt.from_offset = 0;
	cr_assert_eq(weft_events_subscribe(rt, &opt, &late), 0);
	follow(late, &again, ACTORS * EACH);
	cr_assert_eq(again.lost, 0);
	weft_events_unsubscribe(sub);
	weft_events_unsubscribe(late);
	test_runtime_end(rt);
}

Test(events, workflow_ids__are_unique)
{
	weft_runtime *rt = test_runtime(2);
	uint64_t a = weft_workflow_id(rt), b = weft_workflow_id(rt);

	cr_assert(a && b && a != b);
	test_runtime_end(rt);
}

/* ---- JSON ------------------------------------------------------------------------------ */

static void assert_str_at(weft_json v, const char *key, const char *want)
{
	weft_str s = { 0 };

	cr_assert(weft_json_get_str(weft_json_find(v, weft_str_from(key)), &s), "%s", key);
	cr_assert(weft_str_eq(s, weft_str_from(want)), "%s is \"%.*s\"", key, WEFT_STR_ARG(s));
}

static void assert_int_at(weft_json v, const char *key, int64_t want)
{
	int64_t i = 0;

	cr_assert(weft_json_get_int(weft_json_find(v, weft_str_from(key)), &i), "%s", key);
	cr_assert_eq(i, want, "%s is %ld", key, (long)i);
}

/* Written and parsed back; the document is the caller's. */
static weft_json_doc *written(const weft_event *e)
{
	weft_json_writer *w;
	weft_json_doc *doc;
	weft_error err = { 0 };
	weft_str text;

	cr_assert_eq(weft_json_writer_create(0, &w), 0);
	weft_event_write_json(e, w);
	cr_assert_eq(weft_json_writer_text(w, &text), 0);
	cr_assert_eq(weft_json_parse(text, &doc, &err), 0, "%s: %.*s", err.message, WEFT_STR_ARG(text));
	weft_json_writer_destroy(w);
	return doc;
}

static void assert_keys(weft_json v, const char *const *keys, size_t count)
{
	weft_json_iter it = weft_json_iter_begin(v);
	size_t n = 0;

	for (; weft_json_iter_next(&it); n++)
		cr_assert(n < count && weft_str_eq(it.key, weft_str_from(keys[n])), "%.*s", WEFT_STR_ARG(it.key));
	cr_assert_eq(n, count);
}

/* Emitted by this thread, which is foreign to the runtime; read back by the one subscriber. */
static weft_event emitted(weft_runtime *rt, weft_subscription *sub, const weft_event_desc *desc)
{
	weft_event e;

	weft_event_emit(rt, desc);
	usleep(10);
	cr_assert_eq(weft_events_read(sub, &e, 1), 1);
	return e;
}

Test(events, json__has_every_key_and_kind)
{
	static const char *const keys[] = { "id",     "offset",      "timestamp",          "scope",   "type", "component_id",
		                            "status", "workflow_id", "parent_workflow_id", "message", "data" };
	const weft_event_field fields[] = {
		{ .key = WEFT_STR("text"), .kind = WEFT_FIELD_STR, .str = WEFT_STR("a \"b\"\n\xff") },
		{ .key = WEFT_STR("int"), .kind = WEFT_FIELD_INT, .num.i = INT64_MIN },
		{ .key = WEFT_STR("double"), .kind = WEFT_FIELD_DOUBLE, .num.d = 0.1 },
		{ .key = WEFT_STR("bool"), .kind = WEFT_FIELD_BOOL, .num.b = true },
		{ .key = WEFT_STR("json"), .kind = WEFT_FIELD_JSON, .str = WEFT_STR("{\"x\":[1,null]}") },
	};
	weft_event_desc desc = { .scope = WEFT_SCOPE_LLM,
		                 .type = WEFT_EVENT_STARTED,
		                 .component_id = WEFT_STR("ada:llm:1"),
		                 .workflow_id = 5,
		                 .parent_workflow_id = 4,
		                 .message = WEFT_STR("asking"),
		                 .fields = fields,
		                 .field_count = 5 };
	weft_runtime *rt = test_runtime(1);
	int64_t began = weft_wall_ms(), when = 0;
	weft_json_doc *doc;
	weft_subscription *sub;
	weft_json v, data;
	weft_event e;
	double d = 0;
	bool b = false;

	cr_assert_eq(weft_events_subscribe(rt, NULL, &sub), 0);
	e = emitted(rt, sub, &desc);
	doc = written(&e);
	v = weft_json_root(doc);
	assert_keys(v, keys, sizeof(keys) / sizeof(*keys));
	assert_int_at(v, "id", (int64_t)e.id);
	assert_int_at(v, "offset", (int64_t)e.offset);
	cr_assert(weft_json_get_int(weft_json_find(v, WEFT_STR("timestamp")), &when));
	cr_assert(when >= began - 2 && when <= weft_wall_ms() + 2, "milliseconds of the wall clock");
	assert_str_at(v, "scope", "llm_request");
	assert_str_at(v, "type", "started");
	assert_str_at(v, "component_id", "ada:llm:1");
	assert_str_at(v, "status", "pending");
	assert_int_at(v, "workflow_id", 5);
	assert_int_at(v, "parent_workflow_id", 4);
	assert_str_at(v, "message", "asking");
	data = weft_json_find(v, WEFT_STR("data"));
	cr_assert_eq(weft_json_count(data), 5);
	assert_str_at(data, "text", "a \"b\"\n\xef\xbf\xbd");
	assert_int_at(data, "int", INT64_MIN);
	cr_assert(weft_json_get_double(weft_json_find(data, WEFT_STR("double")), &d) && d == 0.1);
	cr_assert(weft_json_get_bool(weft_json_find(data, WEFT_STR("bool")), &b) && b);
	cr_assert_eq(weft_json_count(weft_json_find(weft_json_find(data, WEFT_STR("json")), WEFT_STR("x"))), 2);
	weft_json_release(doc);
	weft_events_unsubscribe(sub);
	test_runtime_end(rt);
}

Test(events, json__leaves_out_what_is_not_there)
{
	static const char *const keys[] = { "id",           "offset", "timestamp",   "scope", "type",
		                            "component_id", "status", "workflow_id", "data" };
	weft_event_desc desc = { .scope = WEFT_SCOPE_TOOL, .type = WEFT_EVENT_FAILED, .component_id = WEFT_STR("city") };
	weft_runtime *rt = test_runtime(1);
	weft_subscription *sub;
	weft_json_doc *doc;
	weft_event e;

	cr_assert_eq(weft_events_subscribe(rt, NULL, &sub), 0);
	e = emitted(rt, sub, &desc);
	doc = written(&e);
	assert_keys(weft_json_root(doc), keys, sizeof(keys) / sizeof(*keys));
	assert_str_at(weft_json_root(doc), "status", "failed");
	cr_assert_eq(weft_json_count(weft_json_find(weft_json_root(doc), WEFT_STR("data"))), 0);
	weft_json_release(doc);
	weft_events_unsubscribe(sub);
	test_runtime_end(rt);
}

Test(events, json__of_a_loss)
{
	weft_event e = { .scope = WEFT_SCOPE_SYSTEM,
		         .type = WEFT_EVENT_LAGGED,
		         .lagged_events = 17,
		         .component_id = WEFT_STR("system:lagged") };
	weft_json_doc *doc = written(&e);

	assert_str_at(weft_json_root(doc), "type", "lagged");
	assert_int_at(weft_json_find(weft_json_root(doc), WEFT_STR("data")), "lagged", 17);
	weft_json_release(doc);
}
