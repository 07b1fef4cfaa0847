/* SPDX-License-Identifier: Apache-2.0 */
/* actors/def.c - agent definitions: made, filled, frozen, counted, freed. */
#include "actors/permission.h"
#include "actors/def.h"

#include <errno.h>
#include <string.h>

#include <weft/record.h>

#include "actors/agent.h"
#include "actors/content_type.h"
#include "actors/loopguard.h"
#include "actors/pause.h"

#define TOKENS_DEFAULT 8192u
#define TEMPERATURE_DEFAULT 0.7f
#define ITERATIONS_DEFAULT 10u
#define ROUNDS_DEFAULT 6u
#define TRIES_DEFAULT 3u
#define TIMEOUT_DEFAULT_NS (UINT64_C(3600) * 1000000000u)
#define QUEUE_DEFAULT 16384u
#define CONTEXT_DEFAULT 128000u
#define FREEZE_LOOK_NS 10000u /* a plan takes about ten times as long to make */

enum { OPEN = 0, FREEZING = 1, FROZEN = 2 };

/* ---- life ---------------------------------------------------------------------- */

static int check(const weft_agent_options *opt, weft_error *err)
{
	if (!opt || opt->size != sizeof(*opt))
		return weft_error_set(err, -EINVAL, "options missing or of another size");
	if (opt->recorder && opt->replay)
		return weft_error_set(err, -EINVAL, "recorder, replay: at most one of them");
	if (!opt->models && !opt->replay)
		return weft_error_set(err, -EINVAL, "models: required");
	if (opt->loop_policy > WEFT_LOOP_OFF)
		return weft_error_set(err, -EINVAL, "loop_policy: %u is none of weft_loop_policy", opt->loop_policy);
	if (opt->room_policy > WEFT_ROOM_PARALLEL)
		return weft_error_set(err, -EINVAL, "room_policy: %u is none of weft_room_policy", opt->room_policy);
	if (opt->temperature > 2.0f)
		return weft_error_set(err, -EINVAL, "temperature: %g is over 2", (double)opt->temperature);
	if (opt->name && !opt->name[0])
		return weft_error_set(err, -EINVAL, "name: empty");
	return 0;
}

static void defaults(weft_agent_options *o)
{
	o->max_tokens = o->max_tokens ? o->max_tokens : TOKENS_DEFAULT;
	o->temperature = o->temperature < 0 ? TEMPERATURE_DEFAULT : o->temperature;
	o->max_tool_iterations = o->max_tool_iterations ? o->max_tool_iterations : ITERATIONS_DEFAULT;
	o->multi_step_rounds = o->multi_step_rounds ? o->multi_step_rounds : ROUNDS_DEFAULT;
	o->parse_tries = o->parse_tries ? o->parse_tries : TRIES_DEFAULT;
	o->run_timeout_ns = o->run_timeout_ns ? o->run_timeout_ns : TIMEOUT_DEFAULT_NS;
	o->queue_msgs = o->queue_msgs ? o->queue_msgs : QUEUE_DEFAULT;
	o->context_tokens = o->context_tokens ? o->context_tokens : CONTEXT_DEFAULT;
}

/* A C string from the option, else from the character, else a default. */
static char *copy_text(const char *text, weft_str other, const char *otherwise)
{
	if (text)
		return weft_strndup(text, strlen(text));
	if (other.len_bytes)
		return weft_strndup(other.ptr, other.len_bytes);
	return weft_strndup(otherwise, strlen(otherwise));
}

static int fill(weft_agent_def *def, const weft_agent_options *opt)
{
	const weft_character *c = opt->character;
	weft_str none = { 0 };

	def->opt = *opt;
	defaults(&def->opt);
	def->character = c;
	def->name = copy_text(opt->name, c ? c->name : none, "agent");
	def->system = copy_text(opt->system, c ? c->system : none, "");
	def->loop_message = copy_text(opt->loop_message, none, weft__loop_default_message);
	def->shards = weft_aligned_alloc(64, WEFT__STAT_SHARDS * sizeof(*def->shards));
	if (!def->name || !def->system || !def->loop_message || !def->shards)
		return -ENOMEM;
	def->name_len = strlen(def->name);
	def->system_len = strlen(def->system);
	memset(def->shards, 0, WEFT__STAT_SHARDS * sizeof(*def->shards));
	def->models = weft_models_ref(opt->models ? opt->models : weft_replay_models(opt->replay));
	def->opt.budget = def->models->budget;
	weft__budget_set(&def->opt.budget, &opt->budget);
	def->tools = opt->tools ? weft_tools_ref(opt->tools) : NULL;
	def->store = opt->store ? weft_store_ref(opt->store) : NULL;
	def->permissions = opt->permissions ? weft_permissions_ref(opt->permissions) : NULL;
	def->approvals = opt->approvals && !opt->replay ? weft_approvals_ref(opt->approvals) : NULL; /* a replay asks nobody */
	def->audit = opt->audit ? weft_audit_ref(opt->audit) : NULL;
	if (def->permissions)
		def->permissions->held = true;
	def->models->held = true;
	if (def->tools)
		def->tools->held = true;
	def->cls = (weft_actor_class){ .size = sizeof(def->cls),
		                       .name = def->name,
		                       .behaviour = weft__agent_behaviour,
		                       .fini = weft__agent_fini,
		                       .state_bytes = sizeof(struct weft__agent),
		                       .mailbox_msgs = opt->mailbox_msgs,
		                       .flags = WEFT_ACTOR_TRAP_STOP };
	def->tape = opt->recorder ? (struct weft__tape *)weft_recorder_ref(opt->recorder) : NULL;
	if (opt->replay)
		def->tape = (struct weft__tape *)weft_replay_ref(opt->replay);
	return def->tape ? def->tape->fns->bind(def->tape, def) : 0;
}

int weft_agent_def_create(const weft_agent_options *opt, weft_agent_def **ret_def, weft_error *err)
{
	weft_agent_def *def;
	int r;

	if (!ret_def)
		return -EINVAL;
	r = check(opt, err);
	if (r < 0)
		return r;
	def = weft_calloc(1, sizeof(*def));
	if (!def)
		return -ENOMEM;
	weft__refs_init(&def->refs, 1);
	r = fill(def, opt);
	if (r < 0) {
		weft_agent_def_unref(def);
		return r;
	}
	*ret_def = def;
	return 0;
}

weft_agent_def *weft_agent_def_ref(weft_agent_def *def)
{
	weft__refs_take(&def->refs);
	return def;
}

/* Every entry begins with members of its own kind; free_entry knows which strings it owns. */
static void list_free(void **list, uint32_t count, void (*free_entry)(void *entry))
{
	for (uint32_t i = 0; i < count; i++)
		free_entry(list[i]);
	weft_free(list);
}

static void strings_free(const char *name, const char *description)
{
	weft_free((char *)(uintptr_t)name);
	weft_free((char *)(uintptr_t)description);
}

static void provider_free(void *entry)
{
	weft_provider *p = entry;

	strings_free(p->name, p->description);
	weft_free(p);
}

static void attachment_handler_free(void *entry)
{
	weft_attachment_handler *h = entry;

	strings_free(h->name, h->content_type);
	weft_free(h);
}

static void action_free(void *entry)
{
	weft_action *a = entry;

	strings_free(a->name, a->description);
	weft_free(a);
}

static void evaluator_free(void *entry)
{
	weft_evaluator *e = entry;

	strings_free(e->name, e->description);
	weft_free(e);
}

static void pre_evaluator_free(void *entry)
{
	weft_pre_evaluator *e = entry;

	strings_free(e->name, NULL);
	weft_free(e);
}

void weft_agent_def_unref(weft_agent_def *def)
{
	if (!def || !weft__refs_drop(&def->refs))
		return;
	weft__plan_destroy(def->plan);
	list_free((void **)def->providers, def->provider_count, provider_free);
	list_free((void **)def->attachment_handlers, def->attachment_handler_count, attachment_handler_free);
	list_free((void **)def->actions, def->action_count, action_free);
	list_free((void **)def->evaluators, def->evaluator_count, evaluator_free);
	list_free((void **)def->pre_evaluators, def->pre_evaluator_count, pre_evaluator_free);
	weft_models_unref(def->models);
	weft_tools_unref(def->tools);
	weft_store_unref(def->store);
	weft_permissions_unref(def->permissions);
	weft_approvals_unref(def->approvals);
	weft_audit_unref(def->audit);
	weft__tape_unref(def->tape);
	weft_free(def->name);
	weft_free(def->system);
	weft_free(def->loop_message);
	weft_free(def->shards);
	weft_free(def);
}

/* ---- filling ------------------------------------------------------------------- */

static int may_add(const weft_agent_def *def, uint32_t size, size_t expected, const char *name, bool has_fn)
{
	if (!def || size != expected || !name || !name[0] || !has_fn)
		return -EINVAL;
	return weft__load_acquire(&def->frozen) == FROZEN ? -EBUSY : 0;
}

/* Put a copied entry at index at. Takes entry over, also on failure. */
static int list_insert(void ***list, uint32_t *count, uint32_t at, void *entry, void (*free_entry)(void *entry))
{
	void **more = weft_realloc(*list, (*count + 1) * sizeof(**list));

	if (!more) {
		free_entry(entry);
		return -ENOMEM;
	}
	memmove(&more[at + 1], &more[at], (*count - at) * sizeof(*more));
	more[at] = entry;
	*list = more;
	++*count;
	return 0;
}

static bool dup_strings(const char **name, const char **description)
{
	*name = weft_strndup(*name, strlen(*name));
	if (description)
		*description = weft_strndup(*description ? *description : "", *description ? strlen(*description) : 0);
	return *name && (!description || *description);
}

static void *entry_copy(const void *entry, size_t bytes)
{
	void *copy = weft_malloc(bytes);

	if (copy)
		memcpy(copy, entry, bytes);
	return copy;
}

int weft_agent_def_add_provider(weft_agent_def *def, const weft_provider *provider)
{
	weft_provider *p;
	uint32_t at = 0;
	int r = provider ? may_add(def, provider->size, sizeof(*provider), provider->name, provider->fn != NULL) : -EINVAL;

	if (r < 0)
		return r;
	for (uint32_t i = 0; i < def->provider_count; i++) {
		if (!strcmp(def->providers[i]->name, provider->name))
			return -EEXIST;
		if (def->providers[i]->position <= provider->position)
			at = i + 1;
	}
	p = entry_copy(provider, sizeof(*provider));
	if (!p)
		return -ENOMEM;
	if (!dup_strings(&p->name, &p->description)) {
		provider_free(p);
		return -ENOMEM;
	}
	return list_insert((void ***)&def->providers, &def->provider_count, at, p, provider_free);
}

int weft_agent_def_add_attachment_handler(weft_agent_def *def, const weft_attachment_handler *handler)
{
	weft_attachment_handler *h;
	uint32_t at = 0;
	int r = handler ? may_add(def, handler->size, sizeof(*handler), handler->name, handler->fn != NULL) : -EINVAL;

	if (r < 0)
		return r;
	if (!weft__content_pattern_is_valid(weft_str_from(handler->content_type)))
		return -EINVAL;
	for (uint32_t i = 0; i < def->attachment_handler_count; i++) {
		if (!strcmp(def->attachment_handlers[i]->name, handler->name))
			return -EEXIST;
		if (def->attachment_handlers[i]->priority >= handler->priority)
			at = i + 1;
	}
	h = entry_copy(handler, sizeof(*handler));
	if (!h)
		return -ENOMEM;
	if (!dup_strings(&h->name, &h->content_type)) {
		attachment_handler_free(h);
		return -ENOMEM;
	}
	return list_insert((void ***)&def->attachment_handlers, &def->attachment_handler_count, at, h,
	                   attachment_handler_free);
}

int weft_agent_def_add_action(weft_agent_def *def, const weft_action *action)
{
	weft_action *a;
	int r = action ? may_add(def, action->size, sizeof(*action), action->name, action->fn != NULL) : -EINVAL;

	if (r < 0)
		return r;
	for (uint32_t i = 0; i < def->action_count; i++) {
		if (!strcmp(def->actions[i]->name, action->name))
			return -EEXIST;
	}
	a = entry_copy(action, sizeof(*action));
	if (!a)
		return -ENOMEM;
	if (!dup_strings(&a->name, &a->description)) {
		action_free(a);
		return -ENOMEM;
	}
	return list_insert((void ***)&def->actions, &def->action_count, def->action_count, a, action_free);
}

int weft_agent_def_add_evaluator(weft_agent_def *def, const weft_evaluator *evaluator)
{
	weft_evaluator *e;
	int r = evaluator ? may_add(def, evaluator->size, sizeof(*evaluator), evaluator->name, evaluator->fn != NULL) :
	                    -EINVAL;

	if (r < 0)
		return r;
	for (uint32_t i = 0; i < def->evaluator_count; i++) {
		if (!strcmp(def->evaluators[i]->name, evaluator->name))
			return -EEXIST;
	}
	e = entry_copy(evaluator, sizeof(*evaluator));
	if (!e)
		return -ENOMEM;
	if (!dup_strings(&e->name, &e->description)) {
		evaluator_free(e);
		return -ENOMEM;
	}
	return list_insert((void ***)&def->evaluators, &def->evaluator_count, def->evaluator_count, e, evaluator_free);
}

int weft_agent_def_add_pre_evaluator(weft_agent_def *def, const weft_pre_evaluator *pre)
{
	weft_pre_evaluator *e;
	int r = pre ? may_add(def, pre->size, sizeof(*pre), pre->name, pre->fn != NULL) : -EINVAL;

	if (r < 0)
		return r;
	for (uint32_t i = 0; i < def->pre_evaluator_count; i++) {
		if (!strcmp(def->pre_evaluators[i]->name, pre->name))
			return -EEXIST;
	}
	e = entry_copy(pre, sizeof(*pre));
	if (!e)
		return -ENOMEM;
	if (!dup_strings(&e->name, NULL)) {
		pre_evaluator_free(e);
		return -ENOMEM;
	}
	return list_insert((void ***)&def->pre_evaluators, &def->pre_evaluator_count, def->pre_evaluator_count, e,
	                   pre_evaluator_free);
}

/* ---- frozen --------------------------------------------------------------------- */

int weft__def_freeze(weft_agent_def *def)
{
	uint32_t open = OPEN;
	int r = 0;

	for (;;) {
		/* acquire: the plan that whoever froze it made */
		if (__builtin_expect(weft__load_acquire(&def->frozen) == FROZEN, 1))
			return 0;
		open = OPEN;
		if (weft__cas_acq_rel(&def->frozen, &open, FREEZING))
			break;
		weft__pause(FREEZE_LOOK_NS); /* another thread spawns the first agent right now */
	}
	if (def->store && def->character)
		r = weft__plan_create(def);
	weft__store_release(&def->frozen, r < 0 ? OPEN : FROZEN);
	return r;
}

/* ---- counters --------------------------------------------------------------------- */

#define SHARED_SHARD (WEFT__STAT_SHARDS - 1)

/* Threads get a shard of their own as they come, for good; the last one is for those who come when there are no more. */
static uint32_t my_shard(void)
{
	static _Atomic(uint32_t) next;
	static _Thread_local uint32_t mine; /* index + 1 */

	if (__builtin_expect(!mine, 0)) {
		mine = weft__fetch_add_relaxed(&next, 1u) + 1; /* relaxed: a number that nobody else has */
		if (mine > SHARED_SHARD) {
			weft__store_relaxed(&next, SHARED_SHARD); /* relaxed: it only must not wrap */
			mine = SHARED_SHARD + 1;
		}
	}
	return mine - 1;
}

/* One's own is written without the price of an atomic addition, which would also wait for all stores before it. */
void weft__def_count(weft_agent_def *def, enum weft__stat stat, uint64_t n)
{
	uint32_t shard = my_shard();
	_Atomic(uint64_t) *at = &def->shards[shard].n[stat];

	/* relaxed, all three: statistics */
	if (__builtin_expect(shard != SHARED_SHARD, 1))
		weft__count(at, n);
	else
		weft__fetch_add_relaxed(at, n);
}

int weft_agent_stats_read(const weft_agent_def *def, weft_agent_stats *ret_stats)
{
	uint64_t n[WEFT__STAT_COUNT] = { 0 };

	if (!def || !ret_stats || ret_stats->size != sizeof(*ret_stats))
		return -EINVAL;
	for (uint32_t i = 0; i < WEFT__STAT_SHARDS; i++) {
		for (uint32_t j = 0; j < WEFT__STAT_COUNT; j++)
			n[j] += weft__load_relaxed(&def->shards[i].n[j]); /* relaxed: statistics */
	}
	*ret_stats = (weft_agent_stats){ .size = sizeof(*ret_stats),
		                         .runs_started = n[WEFT__STAT_RUNS_STARTED],
		                         .runs_completed = n[WEFT__STAT_RUNS_COMPLETED],
		                         .runs_failed = n[WEFT__STAT_RUNS_FAILED],
		                         .runs_canceled = n[WEFT__STAT_RUNS_CANCELED],
		                         .runs_suspended = n[WEFT__STAT_RUNS_SUSPENDED],
		                         .tool_calls = n[WEFT__STAT_TOOL_CALLS],
		                         .tool_loops_found = n[WEFT__STAT_TOOL_LOOPS],
		                         .model_calls = n[WEFT__STAT_MODEL_CALLS],
		                         .model_failures = n[WEFT__STAT_MODEL_FAILURES],
		                         .model_cached = n[WEFT__STAT_MODEL_CACHED],
		                         .parse_retries = n[WEFT__STAT_PARSE_RETRIES],
		                         .embeddings_queued = n[WEFT__STAT_EMBEDDINGS_QUEUED],
		                         .embeddings_done = n[WEFT__STAT_EMBEDDINGS_DONE],
		                         .embeddings_dropped = n[WEFT__STAT_EMBEDDINGS_DROPPED] };
	return 0;
}
