/* SPDX-License-Identifier: Apache-2.0 */
/* The event bus without a runtime: what goes in comes out, cut where it must be, in order, replayed, or counted as lost. */
#include "runtime/observe/events.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <weft/runtime.h>

#include "tests/support/leap.h"
#include "tests/support/seed.h"

#define LANES 3u
#define MANY 4096u

#define SLACK_NS 5000000000u /* two clocks are read one after the other: a thread may lose its core in between */

static struct weft__bus *bus;
static weft_event events[MANY];

/* The floor above gives these; here there is no runtime. */
struct weft__bus *weft__runtime_bus(const weft_runtime *rt)
{
	(void)rt;
	return bus;
}

uint32_t weft__current_lane(const weft_runtime *rt, uint64_t *ret_turn)
{
	(void)rt;
	*ret_turn = 0;
	return LANES;
}

static void up(void)
{
	cr_assert_eq(weft__bus_create(LANES, 16384, &bus), 0);
}

static void down(void)
{
	weft__bus_destroy(bus);
}

TestSuite(events, .init = up, .fini = down);

static weft_subscription *subscribe(uint64_t from, uint32_t mask)
{
	weft_subscribe_options opt = WEFT_SUBSCRIBE_OPTIONS_INIT;
	weft_subscription *sub;

	opt.from_offset = from;
	opt.scope_mask = mask;
	cr_assert_eq(weft__bus_subscribe(bus, &opt, &sub), 0);
	return sub;
}

static void emit(uint32_t lane, weft_event_scope scope, int64_t n)
{
	weft_event_field field = { .key = WEFT_STR("n"), .kind = WEFT_FIELD_INT, .num.i = n };
	weft_event_desc desc = { .scope = scope,
		                 .type = WEFT_EVENT_PROGRESS,
		                 .component_id = WEFT_STR("test"),
		                 .workflow_id = 7,
		                 .fields = &field,
		                 .field_count = 1 };

	weft__bus_emit(bus, lane, 0, &desc);
}

static bool same(weft_str s, const char *text)
{
	return weft_str_eq(s, weft_str_from(text));
}

/* Reads are for stamps before the moment of reading: let it pass. */
static int read_all(weft_subscription *sub)
{
	usleep(10);
	return weft_events_read(sub, events, MANY);
}

Test(events, subscribe__rejects_bad_options)
{
	weft_subscribe_options opt = WEFT_SUBSCRIBE_OPTIONS_INIT;
	weft_subscription *sub;

	opt.lag = 9;
	cr_assert_eq(weft__bus_subscribe(bus, &opt, &sub), -EINVAL);
	opt = (weft_subscribe_options)WEFT_SUBSCRIBE_OPTIONS_INIT;
	opt.size = 1;
	cr_assert_eq(weft__bus_subscribe(bus, &opt, &sub), -EINVAL);
	cr_assert_eq(weft_events_read(NULL, events, 1), -EINVAL);
	weft_events_unsubscribe(NULL);
}

Test(events, wanted__while_somebody_listens)
{
	weft_subscription *sub;

	cr_assert_not(weft__bus_wanted(bus));
	emit(0, WEFT_SCOPE_TOOL, 1); /* nobody listens: nothing happens */
	sub = subscribe(0, 0);
	cr_assert(weft__bus_wanted(bus));
	cr_assert_eq(read_all(sub), 0);
	weft_events_unsubscribe(sub);
	cr_assert_not(weft__bus_wanted(bus));
}

Test(events, read__gives_back_every_kind_of_field)
{
	weft_subscription *sub = subscribe(UINT64_MAX, 0);
	weft_event_field fields[5] = { { .key = WEFT_STR("s"), .kind = WEFT_FIELD_STR, .str = WEFT_STR("text") },
		                       { .key = WEFT_STR("i"), .kind = WEFT_FIELD_INT, .num.i = -5 },
		                       { .key = WEFT_STR("d"), .kind = WEFT_FIELD_DOUBLE, .num.d = 2.5 },
		                       { .key = WEFT_STR("b"), .kind = WEFT_FIELD_BOOL, .num.b = true },
		                       { .key = WEFT_STR("j"), .kind = WEFT_FIELD_JSON, .str = WEFT_STR("[1,2]") } };
	weft_event_desc desc = { .scope = WEFT_SCOPE_LLM,
		                 .type = WEFT_EVENT_COMPLETED,
		                 .component_id = WEFT_STR("agent:llm:1"),
		                 .workflow_id = 11,
		                 .parent_workflow_id = 12,
		                 .message = WEFT_STR("for people"),
		                 .fields = fields,
		                 .field_count = 5 };
	const weft_event *e = events;
	uint64_t before = weft_now_ns();

	weft__bus_emit(bus, 1, 0, &desc);
	cr_assert_eq(read_all(sub), 1);
	cr_assert(e->scope == WEFT_SCOPE_LLM && e->type == WEFT_EVENT_COMPLETED && e->worker == 1);
	cr_assert(e->workflow_id == 11 && e->parent_workflow_id == 12 && e->field_count == 5);
	cr_assert(same(e->component_id, "agent:llm:1") && same(e->message, "for people"));
	cr_assert(same(e->fields[0].key, "s") && same(e->fields[0].str, "text"));
	cr_assert(same(e->fields[1].key, "i") && e->fields[1].num.i == -5);
	cr_assert(same(e->fields[2].key, "d") && e->fields[2].num.d == 2.5);
	cr_assert(same(e->fields[3].key, "b") && e->fields[3].num.b);
	cr_assert(same(e->fields[4].key, "j") && e->fields[4].kind == WEFT_FIELD_JSON && same(e->fields[4].str, "[1,2]"));
	cr_assert(e->timestamp_ns + SLACK_NS > before && e->timestamp_ns <= weft_now_ns() + SLACK_NS);
	weft_events_unsubscribe(sub);
}

Test(events, emit__cuts_long_texts_and_drops_long_json)
{
	weft_subscription *sub = subscribe(UINT64_MAX, 0);
	static char big[20000];
	weft_event_field fields[2] = { { .key = WEFT_STR("json"), .kind = WEFT_FIELD_JSON, .str = { big, sizeof(big) } },
		                       { .key = WEFT_STR("text"), .kind = WEFT_FIELD_STR, .str = { big, sizeof(big) } } };
	weft_event_desc desc = { .component_id = WEFT_STR("c"), .fields = fields, .field_count = 2 };
	weft_str text;

	memset(big, 'x', sizeof(big));
	weft__bus_emit(bus, 0, 0, &desc);
	cr_assert_eq(read_all(sub), 1);
	cr_assert(same(events[0].fields[0].str, "null"));
	text = events[0].fields[1].str;
	cr_assert_gt(text.len_bytes, 1000);
	cr_assert_lt(text.len_bytes, sizeof(big));
	cr_assert_eq(memcmp(text.ptr + text.len_bytes - 3, "...", 3), 0);
	weft_events_unsubscribe(sub);
}

/* One event with one long text in the field that `cut` picks; it is in events[0] afterwards. */
static void emit_long(weft_subscription *sub, uint32_t cut, weft_str text)
{
	weft_event_desc desc = { .component_id = cut == 0 ? text : WEFT_STR("c"), .message = cut == 1 ? text : WEFT_STR("") };

	weft__bus_emit(bus, 0, 0, &desc);
	cr_assert_eq(read_all(sub), 1);
}

Test(events, emit__cuts_between_characters)
{
	weft_subscription *sub = subscribe(UINT64_MAX, 0);
	static char text[9000];

	for (size_t pre = 0; pre < 3; pre++) { /* the cut meets each byte of a character once */
		for (uint32_t which = 0; which < 2; which++) {
			weft_str got;

			for (size_t i = 0; i < sizeof(text); i++)
				text[i] = i < pre ? 'x' : "\xe2\x82\xac"[(i - pre) % 3];
			emit_long(sub, which, (weft_str){ text, sizeof(text) });
			got = which ? events[0].message : events[0].component_id;
			cr_assert(got.len_bytes > 200 && got.len_bytes < sizeof(text));
			cr_assert_eq((got.len_bytes - 3 - pre) % 3, 0, "cut within a character");
			cr_assert_eq(memcmp(got.ptr, text, got.len_bytes - 3), 0);
			cr_assert_eq(memcmp(got.ptr + got.len_bytes - 3, "...", 3), 0);
		}
	}
	weft_events_unsubscribe(sub);
}

/* An eighth of the ring a record: eight long texts share it, and more fields than there may be are left out. */
Test(events, emit__gives_every_field_a_share)
{
	weft_subscription *sub = subscribe(UINT64_MAX, 0);
	static char big[5000];
	weft_event_field fields[WEFT_EVENT_FIELDS_MAX + 4];
	weft_event_desc desc = { .component_id = WEFT_STR("c"), .fields = fields, .field_count = WEFT_EVENT_FIELDS_MAX + 4 };

	memset(big, 'y', sizeof(big));
	for (uint32_t i = 0; i < WEFT_EVENT_FIELDS_MAX + 4; i++)
		fields[i] = (weft_event_field){ .key = WEFT_STR("k"), .kind = WEFT_FIELD_STR, .str = { big, sizeof(big) } };
	weft__bus_emit(bus, 0, 0, &desc);
	cr_assert_eq(read_all(sub), 1);
	cr_assert_eq(events[0].field_count, WEFT_EVENT_FIELDS_MAX);
	for (uint32_t i = 0; i < WEFT_EVENT_FIELDS_MAX; i++) {
		weft_str s = events[0].fields[i].str;

		cr_assert(same(events[0].fields[i].key, "k"), "field %u", i);
		cr_assert(s.len_bytes >= 3 && memcmp(s.ptr + s.len_bytes - 3, "...", 3) == 0, "field %u", i);
	}
	weft_events_unsubscribe(sub);
}

Test(events, emit__takes_what_is_empty)
{
	weft_subscription *sub = subscribe(UINT64_MAX, 0);
	weft_event_field fields[2] = { { .key = WEFT_STR(""), .kind = WEFT_FIELD_STR },
		                       { .key = WEFT_STR("z"), .kind = WEFT_FIELD_BOOL } };
	weft_event_desc desc = { .fields = fields, .field_count = 2 };

	weft__bus_emit(bus, 0, 0, &desc);
	cr_assert_eq(read_all(sub), 1);
	cr_assert_eq(events[0].component_id.len_bytes, 0);
	cr_assert_eq(events[0].message.len_bytes, 0);
	cr_assert_eq(events[0].field_count, 2);
	cr_assert_eq(events[0].fields[0].str.len_bytes, 0);
	cr_assert(same(events[0].fields[1].key, "z") && !events[0].fields[1].num.b);
	weft_events_unsubscribe(sub);
}

Test(events, emit__from_a_foreign_thread_goes_to_the_last_lane)
{
	weft_runtime *rt = (weft_runtime *)&bus; /* only asked for its bus and its lane, above */
	weft_event_desc desc = { .scope = WEFT_SCOPE_SYSTEM, .component_id = WEFT_STR("system:test") };
	weft_subscription *sub;

	weft_event_emit(NULL, &desc);
	weft_event_emit(rt, NULL);
	cr_assert_not(weft_events_wanted(NULL));
	cr_assert_eq(weft_events_subscribe(NULL, NULL, &sub), -EINVAL);
	cr_assert_eq(weft_events_subscribe(rt, NULL, NULL), -EINVAL);
	cr_assert_eq(weft_events_subscribe(rt, NULL, &sub), 0);
	cr_assert(weft_events_wanted(rt));
	weft_event_emit(rt, &desc);
	cr_assert_eq(read_all(sub), 1);
	cr_assert_eq(events[0].worker, LANES);
	cr_assert(same(events[0].component_id, "system:test"));
	weft_events_unsubscribe(sub);
}

Test(events, read__merges_lanes_in_the_order_of_emission)
{
	weft_subscription *sub = subscribe(UINT64_MAX, 0);
	int n;

	for (int64_t i = 0; i < 200; i++)
		emit((uint32_t)i * 7 % (LANES + 1), WEFT_SCOPE_TOOL, i); /* the foreign lane too */
	n = read_all(sub);
	cr_assert_eq(n, 200);
	for (int i = 0; i < n; i++) {
		cr_assert_eq(events[i].fields[0].num.i, i);
		cr_assert(i == 0 || events[i].offset > events[i - 1].offset);
		cr_assert(i == 0 || events[i].timestamp_ns >= events[i - 1].timestamp_ns);
	}
	weft_events_unsubscribe(sub);
}

Test(events, scope_mask__passes_over_the_rest)
{
	weft_subscription *sub = subscribe(UINT64_MAX, 1u << WEFT_SCOPE_AGENT);

	for (int64_t i = 0; i < 30; i++)
		emit(0, i % 3 ? WEFT_SCOPE_TOOL : WEFT_SCOPE_AGENT, i);
	cr_assert_eq(read_all(sub), 10);
	for (int i = 0; i < 10; i++)
		cr_assert_eq(events[i].fields[0].num.i, i * 3);
	weft_events_unsubscribe(sub);
}

/* A scope outside the enum is somebody's mistake: it is nobody's, and does no harm. */
Test(events, scope_mask__passes_over_scopes_there_are_not)
{
	weft_subscription *all = subscribe(UINT64_MAX, 0), *some = subscribe(UINT64_MAX, UINT32_MAX);

	emit(0, (weft_event_scope)40, 1);
	emit(0, (weft_event_scope)64, 1);
	emit(0, WEFT_SCOPE_TOOL, 2);
	cr_assert_eq(read_all(some), 1);
	cr_assert_eq(events[0].fields[0].num.i, 2);
	cr_assert_eq(read_all(all), 3);
	weft_events_unsubscribe(all);
	weft_events_unsubscribe(some);
}

Test(events, read__in_small_batches_loses_nothing)
{
	weft_subscription *sub = subscribe(UINT64_MAX, 0);
	uint64_t last = 0;

	for (int64_t i = 0; i < 100; i++)
		emit((uint32_t)i % LANES, WEFT_SCOPE_TOOL, i);
	usleep(10);
	cr_assert_eq(weft_events_read(sub, NULL, 1), -EINVAL);
	cr_assert_eq(weft_events_read(sub, NULL, 0), 0);
	for (int64_t i = 0; i < 100; i += 4) {
		cr_assert_eq(weft_events_read(sub, events, 4), 4);
		for (int k = 0; k < 4; k++) {
			cr_assert_eq(events[k].fields[0].num.i, i + k);
			cr_assert_gt(events[k].offset, last);
			last = events[k].offset;
		}
	}
	cr_assert_eq(weft_events_read(sub, events, 4), 0);
	cr_assert_eq(weft_events_lost(sub), 0);
	weft_events_unsubscribe(sub);
}

Test(events, replay__from_an_offset_gives_it_and_all_after_it_once)
{
	weft_subscription *first = subscribe(UINT64_MAX, 0), *again, *all, *fresh;
	uint64_t from;

	for (int64_t i = 0; i < 50; i++)
		emit((uint32_t)i % LANES, WEFT_SCOPE_TOOL, i);
	cr_assert_eq(read_all(first), 50);
	from = events[20].offset;
	again = subscribe(from, 0);
	all = subscribe(0, 0);
	fresh = subscribe(UINT64_MAX, 0);
	emit(0, WEFT_SCOPE_TOOL, 50);
	cr_assert_eq(read_all(again), 31);
	cr_assert_eq(events[0].offset, from);
	for (int i = 0; i < 31; i++)
		cr_assert_eq(events[i].fields[0].num.i, 20 + i);
	cr_assert_eq(read_all(all), 51);
	cr_assert_eq(read_all(fresh), 1);
	weft_events_unsubscribe(first);
	weft_events_unsubscribe(again);
	weft_events_unsubscribe(all);
	weft_events_unsubscribe(fresh);
}

Test(events, lagged__says_exactly_how_many_were_lost)
{
	weft_subscription *sub = subscribe(UINT64_MAX, 0);
	uint64_t lost = 0, got = 0, total = 0;

	for (int round = 0; round < 5; round++) {
		int n;

		for (int64_t i = 0; i < 1000; i++, total++)
			emit(1, WEFT_SCOPE_TOOL, (int64_t)total);
		n = read_all(sub);
		for (int i = 0; i < n; i++) {
			if (events[i].type == WEFT_EVENT_LAGGED) {
				lost += events[i].lagged_events;
				continue;
			}
			cr_assert_eq((uint64_t)events[i].fields[0].num.i, got + lost, "the gap is what was told");
			got++;
		}
	}
	cr_assert_gt(lost, 0);
	cr_assert_eq(got + lost, total);
	cr_assert_eq(weft_events_lost(sub), lost);
	weft_events_unsubscribe(sub);
}

/* The losses of one lane are told before its next event, and the other lanes' events are all there. */
Test(events, lagged__in_one_lane_only)
{
	weft_subscription *sub = subscribe(UINT64_MAX, 0), *whole = subscribe(UINT64_MAX, 0);
	uint32_t quiet = 0, lagged = 0;
	int n, got = 0;

	for (int64_t i = 0; i < 1000; i++) {
		emit(0, WEFT_SCOPE_TOOL, i);
		if (i % 100 == 0) {
			emit(1, WEFT_SCOPE_AGENT, i);
			got += read_all(whole);
		}
	}
	got += read_all(whole);
	cr_assert_eq(got, 1010, "one that keeps up is not told of another's losses");
	n = read_all(sub);
	for (int i = 0; i < n; i++) {
		if (events[i].type == WEFT_EVENT_LAGGED) {
			lagged++;
			cr_assert(same(events[i].component_id, "system:lagged") && events[i].scope == WEFT_SCOPE_SYSTEM);
			cr_assert_eq(events[i].worker, 0);
			cr_assert_eq(events[i].field_count, 0);
			cr_assert_eq((int64_t)events[i].lagged_events, events[i + 1].fields[0].num.i);
		} else {
			quiet += events[i].worker == 1;
		}
	}
	cr_assert_eq(lagged, 1);
	cr_assert_eq(quiet, 10);
	weft_events_unsubscribe(sub);
	weft_events_unsubscribe(whole);
}

Test(events, pressed__until_read_or_until_block_ns)
{
	weft_subscribe_options opt = WEFT_SUBSCRIBE_OPTIONS_INIT;
	weft_subscription *sub;

	test_leaps();
	opt.lag = WEFT_LAG_BLOCK;
	opt.block_ns = TEST_HOUR;
	cr_assert_eq(weft__bus_subscribe(bus, &opt, &sub), 0);
	cr_assert_not(weft__bus_pressed(bus, 0));
	for (int64_t i = 0; i < 160; i++) /* more than half of a ring */
		emit(0, WEFT_SCOPE_TOOL, i);
	cr_assert(weft__bus_pressed(bus, 0));
	cr_assert_not(weft__bus_pressed(bus, 1), "another lane");
	cr_assert_eq(read_all(sub), 160);
	cr_assert_not(weft__bus_pressed(bus, 0));
	for (int64_t i = 0; i < 160; i++)
		emit(0, WEFT_SCOPE_TOOL, i);
	cr_assert(weft__bus_pressed(bus, 0));
	test_leap(TEST_HOUR);
	cr_assert_not(weft__bus_pressed(bus, 0), "nobody reads: go on, and count");
	weft_events_unsubscribe(sub);
	cr_assert_not(weft__bus_pressed(bus, 0));
}

/* ---- forms ------------------------------------------------------------------------- */

/* An event of random make, as a form and as the description that says the same. */
struct made {
	weft_event_form form;
	weft_event_values values;
	weft_event_desc desc;
	weft_str texts[WEFT_EVENT_FIELDS_MAX];
	weft_event_number numbers[WEFT_EVENT_FIELDS_MAX];
	weft_event_field fields[WEFT_EVENT_FIELDS_MAX];
	char component[400];
};

static char letters[4000];

static weft_str some_text(uint64_t *rnd, uint32_t below)
{
	uint32_t n = test_below(rnd, below);

	return (weft_str){ letters + test_below(rnd, sizeof(letters) - n), n };
}

static void make_fields(struct made *m, uint64_t *rnd, bool too_long)
{
	static const weft_str names[] = { { "a", 1 }, { "messages", 8 }, { "", 0 } };
	static const weft_field_kind text_kinds[] = { WEFT_FIELD_STR, WEFT_FIELD_JSON };
	static const weft_field_kind number_kinds[] = { WEFT_FIELD_INT, WEFT_FIELD_DOUBLE, WEFT_FIELD_BOOL };
	uint32_t texts = test_below(rnd, WEFT_EVENT_FIELDS_MAX + 1);
	uint32_t count = texts + test_below(rnd, WEFT_EVENT_FIELDS_MAX + 1 - texts);

	m->form.text_count = texts;
	m->form.number_count = count - texts;
	for (uint32_t i = 0; i < count; i++) {
		bool text = i < texts;
		weft_event_key key = { names[test_below(rnd, 3)],
			               text ? text_kinds[test_below(rnd, 2)] : number_kinds[test_below(rnd, 3)] };

		m->form.keys[i] = key;
		m->fields[i] = (weft_event_field){ .key = key.name, .kind = key.kind };
		if (text)
			m->fields[i].str = m->texts[i] =
				too_long ? (weft_str){ letters, sizeof(letters) } : some_text(rnd, 30);
		else
			m->fields[i].num.i = m->numbers[i - texts].i = (int64_t)test_random(rnd);
	}
}

static void make(struct made *m, uint64_t *rnd, bool too_long)
{
	static const weft_str prefixes[] = { { NULL, 0 }, { ":llm:", 5 } };
	weft_str prefix = prefixes[test_below(rnd, 2)], name = some_text(rnd, 200);
	uint32_t step = (uint32_t)(test_random(rnd) >> (32 + test_below(rnd, 32)));
	int n;

	*m = (struct made){ .form = { .scope = (weft_event_scope)test_below(rnd, 6), .step_prefix = prefix } };
	make_fields(m, rnd, too_long);
	n = snprintf(m->component, sizeof(m->component), "%.*s", (int)name.len_bytes, name.ptr);
	if (prefix.len_bytes)
		n += snprintf(m->component + n, sizeof(m->component) - (size_t)n, "%s%u", prefix.ptr, step);
	m->values = (weft_event_values){ .type = (weft_event_type)test_below(rnd, 5),
		                         .step = step,
		                         .workflow_id = test_random(rnd),
		                         .parent_workflow_id = test_below(rnd, 2) ? test_random(rnd) : 0,
		                         .component_id = name,
		                         .message = some_text(rnd, 40),
		                         .texts = m->texts,
		                         .numbers = m->numbers };
	m->desc = (weft_event_desc){ .scope = m->form.scope,
		                     .type = m->values.type,
		                     .component_id = { m->component, (size_t)n },
		                     .workflow_id = m->values.workflow_id,
		                     .parent_workflow_id = m->values.parent_workflow_id,
		                     .message = m->values.message,
		                     .fields = m->fields,
		                     .field_count = m->form.text_count + m->form.number_count };
}

static bool same_field(const weft_event_field *a, const weft_event_field *b)
{
	return weft_str_eq(a->key, b->key) && a->kind == b->kind && weft_str_eq(a->str, b->str) && a->num.i == b->num.i;
}

static bool same_event(const weft_event *a, const weft_event *b)
{
	bool all = a->scope == b->scope && a->type == b->type && a->workflow_id == b->workflow_id &&
	           a->parent_workflow_id == b->parent_workflow_id && weft_str_eq(a->component_id, b->component_id) &&
	           weft_str_eq(a->message, b->message) && a->field_count == b->field_count;

	for (uint32_t i = 0; all && i < a->field_count; i++)
		all = same_field(&a->fields[i], &b->fields[i]);
	return all;
}

/* Short ones as they are; those that are too long for a record are cut alike. */
Test(events, form__is_read_as_the_same_description_would_be)
{
	weft_subscription *sub = subscribe(UINT64_MAX, 0);
	static struct made made;
	uint64_t rnd = test_seed("forms");

	for (size_t i = 0; i < sizeof(letters); i++)
		letters[i] = (char)('a' + test_below(&rnd, 26));
	for (uint32_t round = 0; round < 3000; round++) {
		make(&made, &rnd, round % 2);
		cr_assert_neq(weft__bus_emit_form(bus, 0, 0, &made.form, &made.values), 0);
		weft__bus_emit(bus, 0, 0, &made.desc);
		cr_assert_eq(read_all(sub), 2);
		cr_assert(same_event(&events[0], &events[1]), "round %u", round);
	}
	weft_events_unsubscribe(sub);
}

static uint64_t emit_values(uint64_t turn, const weft_event_form *form, weft_event_values v)
{
	return weft__bus_emit_form(bus, 0, turn, form, &v);
}

/* The step is the end of a component, and it is the beginning that is cut. */
Test(events, form__keeps_the_step_of_a_long_component)
{
	static const weft_event_form form = { .step_prefix = { ":llm:", 5 } };
	weft_subscription *sub = subscribe(UINT64_MAX, 0);

	for (size_t len = 200; len < 400; len++) {
		weft_str got;

		memset(letters, 'x', sizeof(letters));
		emit_values(0, &form, (weft_event_values){ .component_id = { letters, len }, .step = UINT32_MAX });
		cr_assert_eq(read_all(sub), 1);
		got = events[0].component_id;
		cr_assert(got.len_bytes >= 200 && got.len_bytes <= 256);
		cr_assert_eq(memcmp(got.ptr + got.len_bytes - 15, ":llm:4294967295", 15), 0);
	}
	weft_events_unsubscribe(sub);
}

Test(events, form__with_too_many_keys_says_nothing)
{
	static const weft_event_form forms[] = { { .text_count = 9 }, { .text_count = 1, .number_count = 8 }, { .number_count = UINT32_MAX } };
	weft_runtime *rt = (weft_runtime *)&bus; /* as above */
	weft_event_values nothing = { .type = WEFT_EVENT_STARTED };
	weft_subscription *sub;

	cr_assert_eq(emit_values(0, &(weft_event_form){ 0 }, nothing), 0, "nobody listens");
	sub = subscribe(0, 0);
	for (uint32_t i = 0; i < 3; i++)
		cr_assert_eq(emit_values(0, &forms[i], nothing), 0);
	cr_assert_eq(weft_event_emit_form(NULL, &forms[0], &nothing), 0);
	cr_assert_eq(weft_event_emit_form(rt, NULL, &nothing), 0);
	cr_assert_eq(weft_event_emit_form(rt, &forms[0], NULL), 0);
	cr_assert_eq(read_all(sub), 0);
	emit(0, WEFT_SCOPE_TOOL, 1);
	cr_assert_eq(read_all(sub), 1, "and nothing is missed");
	weft_events_unsubscribe(sub);
}

/* A tick of an offset is 16 of the counter's at most. */
static void let_time_pass(void)
{
	for (uint64_t from = weft_ticks(); weft_ticks() - from < 64;)
		;
}

Test(events, form__that_follows_takes_the_time_of_the_one_before)
{
	static const weft_event_form form = { .scope = WEFT_SCOPE_TOOL };
	const weft_event_values looks = { 0 }, follows = { .follows = true };
	weft_subscription *sub = subscribe(UINT64_MAX, 0);
	uint64_t at[5];

	emit_values(5, &form, looks);
	for (uint32_t i = 1; i < 5; i++) {
		let_time_pass();
		emit_values(i < 4 ? 5 : 6, &form, i == 2 ? looks : follows);
	}
	cr_assert_eq(read_all(sub), 5);
	for (uint32_t i = 0; i < 5; i++)
		at[i] = events[i].offset >> 9;
	cr_assert_eq(at[1], at[0] + 1);
	cr_assert_gt(at[2], at[1] + 1);
	cr_assert_eq(at[3], at[2] + 1);
	cr_assert_gt(at[4], at[3] + 1, "what another message's behaviour said is not the one before");
	weft_events_unsubscribe(sub);
}

Test(events, since__is_the_time_from_a_moment_to_the_event)
{
	static const weft_event_form form = { .number_count = 3,
		                              .keys = { WEFT_EVENT_KEY("long", WEFT_FIELD_SINCE_MS),
		                                        WEFT_EVENT_KEY("none", WEFT_FIELD_SINCE_MS),
		                                        WEFT_EVENT_KEY("later", WEFT_FIELD_SINCE_MS) } };
	weft_subscription *sub = subscribe(UINT64_MAX, 0);
	uint64_t from = weft_ticks(), at;
	double ms;
	weft_event_number numbers[] = { { .ticks = from }, { .ticks = 0 }, { .ticks = UINT64_MAX } };

	usleep(2000);
	at = emit_values(0, &form, (weft_event_values){ .numbers = numbers });
	cr_assert_gt(at, from);
	cr_assert_eq(read_all(sub), 1);
	for (uint32_t i = 0; i < 3; i++)
		cr_assert_eq(events[0].fields[i].kind, WEFT_FIELD_DOUBLE);
	cr_assert_geq(events[0].fields[0].num.d, 1.9);
	ms = (double)weft_ticks_to_ns(at - from) / 1e6;
	cr_assert(events[0].fields[0].num.d > ms * 0.98 && events[0].fields[0].num.d < ms * 1.02);
	cr_assert(events[0].fields[1].num.d == 0 && events[0].fields[2].num.d == 0);
	weft_events_unsubscribe(sub);
}

/* ---- names -------------------------------------------------------------------------- */

Test(events, names__are_those_of_the_schema)
{
	cr_assert_str_eq(weft_event_scope_name(WEFT_SCOPE_STEP), "workflow_step");
	cr_assert_str_eq(weft_event_scope_name(WEFT_SCOPE_LLM), "llm_request");
	cr_assert_str_eq(weft_event_type_name(WEFT_EVENT_CANCELED), "canceled");
	cr_assert_str_eq(weft_event_status_name(WEFT_EVENT_STARTED), "pending");
	cr_assert_str_eq(weft_event_scope_name((weft_event_scope)99), "unknown");
}
