/* SPDX-License-Identifier: Apache-2.0 */
/*
 * actors/params.c - the object that the answer gives, and children of the answer by the names that an action requires, merged
 * into one object; what was there before stays.
 */
#include "actors/params.h"

#include <errno.h>

#include "actors/question.h"

bool weft__params_has(weft_json object, weft_str name)
{
	weft_json v = weft_json_find(object, name);
	weft_str s;

	if (weft_json_typeof(v) == WEFT_JSON_NONE || weft_json_typeof(v) == WEFT_JSON_NULL)
		return false;
	return !weft_json_get_str(v, &s) || s.len_bytes > 0;
}

/* The turn lets go of doc when it ends. Takes doc also on failure. */
static int keep_doc(weft_turn *turn, weft_json_doc *doc)
{
	struct weft__kept_doc *kept = weft_arena_alloc(turn->arena, sizeof(*kept));

	if (!kept) {
		weft_json_release(doc);
		return -ENOMEM;
	}
	*kept = (struct weft__kept_doc){doc, turn->docs};
	turn->docs = kept;
	return 0;
}

/* Parse into *ret; NONE when it is not an object. */
static int parse_object(weft_turn *turn, weft_str text, weft_json *ret)
{
	weft_json_doc *doc = NULL;
	int r;

	*ret = (weft_json){0};
	text = weft__str_trim(text);
	if (text.len_bytes == 0)
		return 0;
	r = weft_json_parse(text, &doc, NULL);
	if (r < 0)
		return r == -ENOMEM ? r : 0;
	if (weft_json_typeof(weft_json_root(doc)) != WEFT_JSON_OBJECT) {
		weft_json_release(doc);
		return 0;
	}
	*ret = weft_json_root(doc);
	return keep_doc(turn, doc);
}

static void put_members(weft_json_writer *w, weft_json from, weft_json unless)
{
	for (weft_json_iter it = weft_json_iter_begin(from); weft_json_iter_next(&it);) {
		if (weft__params_has(unless, it.key))
			continue;
		weft_json_key(w, it.key);
		weft_json_put_value(w, it.value);
	}
}

/* Children of the answer that carry a required parameter's name, where neither object has it. */
static void put_children(weft_json_writer *w, const weft_action *action, const struct weft__answer *answer,
                         weft_json have, weft_json given)
{
	const struct weft__answer_field *field;

	for (uint32_t i = 0; i < action->required_parameter_count; i++) {
		weft_str name = weft_str_from(action->required_parameters[i]);

		if (weft__params_has(have, name) || weft__params_has(given, name))
			continue;
		field = weft__answer_find(answer, name);
		if (!field || field->text.len_bytes == 0)
			continue;
		weft_json_key(w, name);
		weft_json_put_str(w, field->text);
	}
}

int weft__params_collect(weft_turn *turn, struct weft__planned_action *planned,
                         const struct weft__answer *answer)
{
	weft_json have = planned->parameters, given;
	weft_json_writer *w = NULL;
	weft_str text = weft__question_field(answer, WEFT_STR("parameters"));
	int r;

	if (text.len_bytes == 0 && planned->action->required_parameter_count == 0)
		return 0;
	r = parse_object(turn, text, &given);
	if (r == 0)
		r = weft_json_writer_create(0, &w);
	if (r < 0)
		return r;
	weft_json_begin_object(w);
	put_members(w, have, (weft_json){0});
	put_members(w, given, have);
	put_children(w, planned->action, answer, have, given);
	weft_json_end_object(w);
	r = weft_json_writer_text(w, &text);
	if (r == 0)
		r = parse_object(turn, text, &planned->parameters);
	weft_json_writer_destroy(w);
	return r;
}
