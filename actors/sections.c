/* SPDX-License-Identifier: Apache-2.0 */
/*
 * actors/sections.c - relationships, tasks and goals of the store written as sections; nothing when it knows nothing.
 */
#include "actors/sections.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "actors/text.h"
#include "actors/turn.h"

#define DATE_BYTES 10u /* of a time: 2026-11-21 */

/* ---- relationships --------------------------------------------------------- */

static int newest_first(const void *a, const void *b)
{
	int64_t at_a = ((const weft_relationship *)a)->updated_ms, at_b = ((const weft_relationship *)b)->updated_ms;

	return at_a < at_b ? 1 : at_a > at_b ? -1 : 0;
}

/* False: nobody by a name. */
static bool put_relationship(const weft_turn *turn, struct weft__buf *b, const weft_relationship *r)
{
	bool outward = weft_uuid_eq(r->source_id, turn->message.entity_id);
	char strength[48];
	weft_entity other;

	if (weft_store_get_entity(turn->store, outward ? r->target_id : r->source_id, turn->arena, &other) < 0)
		return false;
	weft__buf_put(b, outward ? WEFT_STR("\n- to ") : WEFT_STR("\n- from "));
	weft__buf_put(b, other.name);
	if (r->tags.len_bytes) {
		weft__buf_put(b, WEFT_STR(": "));
		weft__buf_put(b, r->tags);
	}
	if (r->strength < 0 || r->strength > 0) {
		snprintf(strength, sizeof(strength), " (strength %.3g)", r->strength);
		weft__buf_put(b, weft_str_from(strength));
	}
	return true;
}

int weft__relationships(weft_provider_call *call, void *user)
{
	weft_turn *turn = call->turn;
	struct weft__buf b = { .arena = call->arena };
	weft_relationship *list = NULL;
	weft_entity speaker;
	int n, shown = 0;

	(void)user;
	n = weft_store_relationships(turn->store, turn->message.entity_id, call->arena, &list);
	if (n <= 0)
		return n;
	if (weft_store_get_entity(turn->store, turn->message.entity_id, call->arena, &speaker) < 0)
		return 0;
	qsort(list, (size_t)n, sizeof(*list), newest_first);
	weft__buf_put(&b, WEFT_STR("# Relationships of "));
	weft__buf_put(&b, speaker.name);
	for (int i = 0; i < n && shown < WEFT__RELATIONSHIPS_SHOWN; i++)
		shown += put_relationship(turn, &b, &list[i]);
	return shown || b.failed ? weft__buf_end(&b, &call->text) : 0;
}

/* ---- tasks and goals -------------------------------------------------------- */

static void put_task(struct weft__buf *b, const weft_task *t)
{
	char date[24];

	weft__buf_put(b, t->kind == WEFT_TASK_GOAL ? WEFT_STR("\n- goal: ") : WEFT_STR("\n- task: "));
	weft__buf_put(b, t->name);
	if (t->description.len_bytes) {
		weft__buf_put(b, WEFT_STR(". "));
		weft__buf_put(b, t->description);
	}
	if (t->due_ms) {
		weft__format_utc(t->due_ms, date);
		weft__buf_put(b, WEFT_STR(" (due "));
		weft__buf_put(b, (weft_str){ date, DATE_BYTES });
		weft__buf_put_char(b, ')');
	}
}

/* Those of a kind: goals say what the tasks are for, and come first. */
static int put_kind(struct weft__buf *b, const weft_task *list, int n, weft_task_kind kind, int shown)
{
	for (int i = 0; i < n && shown < WEFT__TASKS_SHOWN; i++) {
		if (list[i].kind != kind)
			continue;
		put_task(b, &list[i]);
		shown++;
	}
	return shown;
}

int weft__goals(weft_provider_call *call, void *user)
{
	static const weft_uuid none;
	weft_turn *turn = call->turn;
	struct weft__buf b = { .arena = call->arena };
	weft_task *here = NULL, *own = NULL;
	int n, own_n, shown = 0;

	(void)user;
	n = weft_store_tasks(turn->store, turn->message.room_id, none, 1u << WEFT_TASK_OPEN, call->arena, &here);
	own_n = weft_store_tasks(turn->store, none, turn->agent_id, 1u << WEFT_TASK_OPEN, call->arena, &own);
	if (n < 0 || own_n < 0)
		return -ENOMEM;
	if (n + own_n == 0)
		return 0;
	weft__buf_put(&b, WEFT_STR("# To do"));
	for (int kind = WEFT_TASK_GOAL; kind >= WEFT_TASK_TASK; kind--) {
		shown = put_kind(&b, here, n, (weft_task_kind)kind, shown);
		shown = put_kind(&b, own, own_n, (weft_task_kind)kind, shown);
	}
	return weft__buf_end(&b, &call->text);
}
