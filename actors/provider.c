/* SPDX-License-Identifier: Apache-2.0 */
/*
 * actors/provider.c - providers chosen, started and kept for the message; sections and values read by the others. One that
 * waits speaks into memory of its own, which joins the state when its op is back.
 */
#include "actors/provider.h"

#include <errno.h>

#include "actors/late.h"
#include "actors/text.h"

enum run_state { RUNNING, DONE, FAILED };

/* A value that was given; one of the turn's values when the provider has ended well. */
struct given {
	weft_str key, value;
	struct given *next;
};

struct weft__provider_run {
	weft_provider_call call; /* first: what the provider holds */
	struct weft__op op;
	const weft_provider *provider;
	enum run_state state;
	struct weft__late late;
	struct given *given_first, **given_last;
};

static void provider_back(struct weft__op *op);

/* ---- which ones ---------------------------------------------------------- */

static bool is_included(const weft_provider *p, const struct weft__compose_spec *spec)
{
	if (spec->include_count == 0)
		return false;
	for (uint32_t i = 0; i < spec->include_count; i++) {
		if (weft_str_eq(spec->include[i], weft_str_from(p->name)))
			return true;
	}
	return false;
}

static bool has_keyword(const weft_provider *p, weft_str text)
{
	for (uint32_t i = 0; i < p->keyword_count; i++) {
		if (weft__text_has_word(text, weft_str_from(p->keywords[i])))
			return true;
	}
	return false;
}

static bool is_wanted(const weft_turn *turn, const weft_provider *p, const struct weft__compose_spec *spec)
{
	if (p->flags & WEFT_PROVIDER_ALWAYS)
		return true;
	if (is_included(p, spec))
		return true;
	if (spec->include_only || (p->flags & WEFT_PROVIDER_PRIVATE))
		return false;
	if (p->flags & WEFT_PROVIDER_DYNAMIC)
		return has_keyword(p, turn->message.text);
	return true;
}

/* ---- running ------------------------------------------------------------- */

static void say_failed(weft_turn *turn, const struct weft__provider_run *run, int status)
{
	weft_event_field fields[] = {
	        {.key = WEFT_STR("provider"),
	         .kind = WEFT_FIELD_STR,
	         .str = weft_str_from(run->provider->name)},
	        {.key = WEFT_STR("error"),
	         .kind = WEFT_FIELD_STR,
	         .str = weft_str_from(weft_strerror(status))},
	};

	weft__turn_event(turn, WEFT_SCOPE_STEP, WEFT_EVENT_FAILED, weft_str_from(run->provider->name),
	                 WEFT_STR("PROVIDER_FAILED"), fields, 2);
}

static int values_join(const struct weft__provider_run *run)
{
	weft_turn *turn = run->call.turn;
	int r = 0;

	for (const struct given *v = run->given_first; v && r == 0; v = v->next)
		r = weft__values_put(&turn->values, turn->arena, v->key, v->value);
	return r;
}

/* What it gave joins the state, whoever gave it and when; of one that failed nothing does. */
static void provider_ended(struct weft__provider_run *run, int status)
{
	if (status >= 0)
		status = values_join(run);
	run->state = status < 0 ? FAILED : DONE;
	if (status < 0)
		say_failed(run->call.turn, run, status);
}

static void provider_back(struct weft__op *op)
{
	struct weft__provider_run *run = weft__op_owner(op, struct weft__provider_run, op);

	if (!run->call.turn->ended)
		provider_ended(run, op->status);
	weft__turn_child_done(run->call.turn);
}

static struct weft__provider_run *run_create(weft_turn *turn, uint32_t index)
{
	struct weft__provider_run *old = turn->providers[index],
	                          *run = weft_arena_alloc(turn->arena, sizeof(*run));

	if (!run)
		return NULL;
	run->call = (weft_provider_call){.turn = turn, .arena = turn->arena};
	run->provider = turn->def->providers[index];
	run->state = RUNNING;
	run->late = (struct weft__late){.older = old ? &old->late : NULL};
	run->given_first = NULL;
	run->given_last = &run->given_first;
	turn->providers[index] = run;
	return run;
}

static int provider_start(weft_turn *turn, uint32_t index)
{
	struct weft__provider_run *run = run_create(turn, index);
	int r;

	if (!run)
		return -ENOMEM;
	weft__op_begin(&run->op, turn->run, provider_back);
	r = run->provider->fn(&run->call, run->provider->user);
	r = weft__op_returned(&run->op, r);
	if (r == WEFT_PENDING)
		turn->waiting++;
	else
		provider_ended(run, r);
	return 0;
}

static bool needs_run(const struct weft__provider_run *run)
{
	return !run || (run->state != RUNNING && (run->provider->flags & WEFT_PROVIDER_VOLATILE));
}

int weft__compose(weft_turn *turn, const struct weft__compose_spec *spec)
{
	const weft_agent_def *def = turn->def;
	int r;

	if (!turn->providers) {
		turn->provider_count = def->provider_count;
		turn->providers = weft_arena_calloc(turn->arena,
		                                    def->provider_count * sizeof(*turn->providers) + 1);
		turn->in_state = weft_arena_calloc(turn->arena, def->provider_count + 1);
		if (!turn->providers || !turn->in_state)
			return -ENOMEM;
	}
	turn->text_made = false;
	for (uint32_t i = 0; i < def->provider_count; i++) {
		bool wanted = is_wanted(turn, def->providers[i], spec) || (spec->keep && turn->in_state[i]);

		turn->in_state[i] = wanted;
		if (!wanted || !needs_run(turn->providers[i]))
			continue;
		r = provider_start(turn, i);
		if (r < 0)
			return r;
	}
	return turn->waiting ? WEFT_PENDING : 0;
}

int weft__compose_sections(const weft_turn *turn, weft_str **ret_sections)
{
	uint32_t count = turn->provider_count, n = 0;
	weft_str *sections = weft_arena_alloc(turn->arena, (count + 1) * sizeof(*sections));

	if (!sections)
		return -ENOMEM;
	for (uint32_t i = 0; turn->providers && i < count; i++) {
		const struct weft__provider_run *run = turn->providers[i];

		if (turn->in_state[i] && run && run->state == DONE && run->call.text.len_bytes)
			sections[n++] = run->call.text;
	}
	*ret_sections = sections;
	return (int)n;
}

size_t weft__compose_trim(weft_turn *turn, size_t bytes)
{
	const char *before = turn->recent.section.ptr;
	size_t dropped = weft__recent_trim(&turn->recent, bytes);

	for (uint32_t i = 0; dropped && i < turn->provider_count; i++) {
		if (turn->providers[i] && turn->providers[i]->call.text.ptr == before)
			turn->providers[i]->call.text = turn->recent.section;
	}
	turn->text_made &= dropped == 0;
	return dropped;
}

struct weft__op *weft__provider_op(weft_provider_call *call)
{
	return &((struct weft__provider_run *)call)->op;
}

void weft__providers_fini(weft_turn *turn)
{
	for (uint32_t i = 0; turn->providers && i < turn->provider_count; i++) {
		if (turn->providers[i])
			weft__late_fini(&turn->providers[i]->late);
	}
}

/* ---- what a provider may call ------------------------------------------- */

int weft_provider_put(weft_provider_call *call, weft_str key, weft_str value)
{
	struct weft__provider_run *run = (struct weft__provider_run *)call;
	struct given *v;
	weft_arena *arena;

	if (!call || !key.ptr || key.len_bytes == 0)
		return -EINVAL;
	arena = weft__late_arena(&run->late, &run->op, call->turn->arena);
	v = arena ? weft_arena_alloc(arena, sizeof(*v)) : NULL;
	if (!v)
		return -ENOMEM;
	*v = (struct given){weft_arena_dup(arena, key), weft_arena_dup(arena, value), NULL};
	if (!v->key.ptr || !v->value.ptr)
		return -ENOMEM;
	*run->given_last = v;
	run->given_last = &v->next;
	return 0;
}

int weft_provider_return(weft_provider_call *call, weft_str text)
{
	struct weft__provider_run *run = (struct weft__provider_run *)call;
	weft_arena *arena;

	if (!call)
		return -EINVAL;
	arena = weft__late_arena(&run->late, &run->op, call->turn->arena);
	text = arena ? weft_arena_dup(arena, text) : (weft_str){NULL, 0};
	if (!text.ptr)
		return -ENOMEM;
	call->text = text;
	return 0;
}

void weft_provider_finish(weft_provider_call *call, int status)
{
	struct weft__provider_run *run = (struct weft__provider_run *)call;

	if (call)
		weft__op_finish(&run->op, status);
}

/* ---- reading the state --------------------------------------------------- */

bool weft_turn_value(const weft_turn *turn, weft_str key, weft_str *ret_value)
{
	return weft__values_get(&turn->values, key, ret_value);
}

weft_str weft_turn_section(const weft_turn *turn, weft_str provider)
{
	for (uint32_t i = 0; turn->providers && i < turn->provider_count; i++) {
		const struct weft__provider_run *run = turn->providers[i];

		if (run && run->state == DONE && weft_str_eq(weft_str_from(run->provider->name), provider))
			return run->call.text;
	}
	return (weft_str){NULL, 0};
}

weft_str weft_turn_text(const weft_turn *turn)
{
	weft_turn *t = (weft_turn *)(uintptr_t)turn; /* made when first asked for */
	struct weft__buf b;
	weft_str *sections;
	int n;

	if (t->text_made)
		return t->text;
	n = weft__compose_sections(t, &sections);
	if (n < 0)
		return (weft_str){NULL, 0};
	b = weft__buf_begin(t->arena, 4096);
	for (int i = 0; i < n; i++) {
		if (i > 0)
			weft__buf_put_char(&b, '\n');
		weft__buf_put(&b, sections[i]);
	}
	t->text_made = weft__buf_end(&b, &t->text) == 0;
	return t->text_made ? t->text : (weft_str){NULL, 0};
}
