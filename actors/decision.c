/* SPDX-License-Identifier: Apache-2.0 */
/*
 * actors/decision.c - what an answer means.
 *
 * No action named is IGNORE. IGNORE beside others is dropped when there is something
 * to say, and is all there is when there is not. An answer is simple when it is
 * exactly a reply and asks for no providers, whatever it says of itself.
 */
#include <errno.h>

#include "actors/bootstrap.h"
#include "actors/pipeline.h"
#include "actors/question.h"

static const weft_str reply_name = {WEFT__REPLY, sizeof(WEFT__REPLY) - 1};
static const weft_str ignore_name = {WEFT__IGNORE, sizeof(WEFT__IGNORE) - 1};

static bool means(weft_str name, weft_str action)
{
	return weft__name_matches(name, action);
}

static bool has_ignore(const struct weft__decision *d)
{
	for (uint32_t i = 0; i < d->action_count; i++) {
		if (means(d->actions[i], ignore_name))
			return true;
	}
	return false;
}

static void drop_ignore(struct weft__decision *d)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < d->action_count; i++) {
		if (!means(d->actions[i], ignore_name))
			d->actions[n++] = d->actions[i];
	}
	d->action_count = n;
}

void weft__decision_normalise(struct weft__decision *d)
{
	if (d->action_count == 0) {
		d->actions[0] = ignore_name;
		d->action_count = 1;
	}
	if (d->action_count > 1 && has_ignore(d)) {
		if (d->text.len_bytes)
			drop_ignore(d);
		if (d->text.len_bytes == 0 || d->action_count == 0) {
			d->actions[0] = ignore_name;
			d->action_count = 1;
		}
	}
	d->simple = d->action_count == 1 && d->provider_count == 0 && means(d->actions[0], reply_name);
}

int weft__decision_read(weft_turn *turn)
{
	const struct weft__answer *a = &turn->answer;
	struct weft__decision *d = &turn->decision;
	weft_str actions = weft__question_field(a, WEFT_STR("actions"));

	if (actions.len_bytes == 0)
		actions = weft__question_field(a, WEFT_STR("action"));
	*d = (struct weft__decision){.thought = weft__question_field(a, WEFT_STR("thought")),
	                             .text = weft__question_field(a, WEFT_STR("text"))};
	d->action_count = weft__answer_list(actions, turn->arena, &d->actions);
	d->provider_count = weft__answer_list(weft__question_field(a, WEFT_STR("providers")), turn->arena,
	                                      &d->providers);
	if (d->action_count == 0) { /* room for the IGNORE that it will mean */
		d->actions = weft_arena_calloc(turn->arena, sizeof(*d->actions));
		if (!d->actions)
			return -ENOMEM;
	}
	(void)weft__answer_bool(weft__question_field(a, WEFT_STR("is_finish")), &d->finished);
	return 0;
}
