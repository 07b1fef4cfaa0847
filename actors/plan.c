/* SPDX-License-Identifier: Apache-2.0 */
/*
 * actors/plan.c - sections and templates made once a definition, when its first agent starts: character, dynamic providers,
 * actions, and a prompt for each question.
 */
#include "actors/plan.h"

#include <errno.h>

#include "actors/agent.h"
#include "actors/bootstrap.h"
#include "actors/def.h"
#include "actors/text.h"

/* ---- sections ------------------------------------------------------------ */

static void put_list(struct weft__buf *b, weft_str heading, const weft_str *items, uint32_t count)
{
	if (count == 0)
		return;
	weft__buf_put(b, heading);
	for (uint32_t i = 0; i < count; i++) {
		weft__buf_put(b, WEFT_STR("- "));
		weft__buf_put(b, items[i]);
		weft__buf_put_char(b, '\n');
	}
}

/* Sections are joined by newlines: take the last one off. */
static int end_section(struct weft__buf *b, weft_str *ret)
{
	if (!b->failed && b->len_bytes && b->ptr[b->len_bytes - 1] == '\n')
		b->len_bytes--;
	return weft__buf_end(b, ret);
}

static int make_character(struct weft__plan *plan, const weft_character *c)
{
	struct weft__buf b = weft__buf_begin(plan->arena, 1024);

	weft__buf_put(&b, WEFT_STR("# About "));
	weft__buf_put(&b, c->name);
	weft__buf_put_char(&b, '\n');
	put_list(&b, WEFT_STR(""), c->bio, c->bio_count);
	put_list(&b, WEFT_STR("# Topics\n"), c->topics, c->topic_count);
	put_list(&b, WEFT_STR("# Style\n"), c->style_all, c->style_all_count);
	put_list(&b, WEFT_STR("# Style in chat\n"), c->style_chat, c->style_chat_count);
	return end_section(&b, &plan->character);
}

static int make_providers(struct weft__plan *plan, const weft_agent_def *def)
{
	struct weft__buf b = weft__buf_begin(plan->arena, 512);
	uint32_t n = 0;

	for (uint32_t i = 0; i < def->provider_count; i++) {
		const weft_provider *p = def->providers[i];

		if (!(p->flags & WEFT_PROVIDER_DYNAMIC) || (p->flags & WEFT_PROVIDER_PRIVATE))
			continue;
		if (n++ == 0)
			weft__buf_put(&b, WEFT_STR("# Providers that may be asked for\n"));
		weft__buf_put(&b, WEFT_STR("- "));
		weft__buf_put(&b, weft_str_from(p->name));
		weft__buf_put(&b, WEFT_STR(": "));
		weft__buf_put(&b, weft_str_from(p->description));
		weft__buf_put_char(&b, '\n');
	}
	return end_section(&b, &plan->providers);
}

void weft__plan_put_action(struct weft__buf *b, const weft_action *a)
{
	weft__buf_put(b, WEFT_STR("- "));
	weft__buf_put(b, weft_str_from(a->name));
	if (a->description) {
		weft__buf_put(b, WEFT_STR(": "));
		weft__buf_put(b, weft_str_from(a->description));
	}
	for (uint32_t i = 0; i < a->required_parameter_count; i++) {
		weft__buf_put(b, i ? WEFT_STR(", ") : WEFT_STR(" (parameters: "));
		weft__buf_put(b, weft_str_from(a->required_parameters[i]));
	}
	weft__buf_put(b, a->required_parameter_count ? WEFT_STR(")\n") : WEFT_STR("\n"));
}

static int make_actions(struct weft__plan *plan, const weft_agent_def *def)
{
	struct weft__buf b = weft__buf_begin(plan->arena, 512), names = weft__buf_begin(plan->arena, 128);
	int r;

	weft__buf_put(&b, WEFT_STR("# Actions\n"));
	for (uint32_t i = 0; i < def->action_count; i++) {
		plan->actions_vary |= def->actions[i]->validate != NULL;
		weft__plan_put_action(&b, def->actions[i]);
		weft__buf_put(&names, i ? WEFT_STR(", ") : WEFT_STR(""));
		weft__buf_put(&names, weft_str_from(def->actions[i]->name));
	}
	r = end_section(&b, &plan->actions);
	return r < 0 ? r : weft__buf_end(&names, &plan->action_names);
}

/* ---- templates ----------------------------------------------------------- */

static int make_templates(struct weft__plan *plan, const weft_agent_def *def)
{
	const struct weft__template_var vars[] = {
	        {WEFT_STR("agent_name"), -1, weft__def_name(def)},
	        {WEFT_STR("system"), -1, def->character->system},
	        {WEFT_STR("state"), WEFT__SLOT_STATE, {NULL, 0}},
	        {WEFT_STR("complaint"), WEFT__SLOT_COMPLAINT, {NULL, 0}},
	        {WEFT_STR("round"), WEFT__SLOT_ROUND, {NULL, 0}},
	        {WEFT_STR("rounds_max"), WEFT__SLOT_ROUNDS_MAX, {NULL, 0}},
	        {WEFT_STR("trace"), WEFT__SLOT_TRACE, {NULL, 0}},
	        {WEFT_STR("action"), WEFT__SLOT_ACTION, {NULL, 0}},
	        {WEFT_STR("missing"), WEFT__SLOT_MISSING, {NULL, 0}},
	        {WEFT_STR("message"), WEFT__SLOT_MESSAGE, {NULL, 0}},
	};

	for (int q = 0; q < WEFT__QUESTION_COUNT; q++) {
		int r = weft__template_compile(weft__questions[q].name, weft__questions[q].source, vars,
		                               sizeof(vars) / sizeof(vars[0]), plan->arena,
		                               &plan->templates[q], NULL);

		if (r < 0)
			return r;
	}
	return 0;
}

int weft__plan_create(weft_agent_def *def)
{
	struct weft__plan *plan = weft_calloc(1, sizeof(*plan));
	int r = plan ? weft_arena_create(4096, &plan->arena) : -ENOMEM;

	if (r == 0)
		r = weft__bootstrap_add(def);
	if (r == 0)
		r = make_character(plan, def->character);
	if (r == 0)
		r = make_providers(plan, def);
	if (r == 0)
		r = make_actions(plan, def);
	if (r == 0)
		r = make_templates(plan, def);
	if (r < 0) {
		weft__plan_destroy(plan);
		return r;
	}
	def->plan = plan;
	return 0;
}

void weft__plan_destroy(struct weft__plan *plan)
{
	if (!plan)
		return;
	weft_arena_destroy(plan->arena);
	weft_free(plan);
}
