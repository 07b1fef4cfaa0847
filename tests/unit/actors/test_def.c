/* SPDX-License-Identifier: Apache-2.0 */
/* def: which options are refused and why, what may be added when, and the counters. */
#include "actors/def.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <pthread.h>
#include <string.h>

static weft_models *models;
static weft_agent_def *def;

static void setup(void)
{
	weft_agent_options opt = WEFT_AGENT_OPTIONS_INIT;

	cr_assert_eq(weft_models_create(&models), 0);
	opt.models = models;
	cr_assert_eq(weft_agent_def_create(&opt, &def, NULL), 0);
}

static void teardown(void)
{
	weft_agent_def_unref(def);
	weft_models_unref(models);
}

TestSuite(def, .init = setup, .fini = teardown);

static const char *refused(const weft_agent_options *opt)
{
	static weft_error err;
	weft_agent_def *none = NULL;

	err.message[0] = '\0';
	cr_assert_eq(weft_agent_def_create(opt, &none, &err), -EINVAL);
	cr_assert_null(none);
	return err.message;
}

Test(def, create__names_the_option_that_is_wrong)
{
	weft_agent_options good = WEFT_AGENT_OPTIONS_INIT, opt;

	cr_assert(strstr(refused(NULL), "options"));
	cr_assert(strstr(refused(&good), "models"));
	good.models = models;
	opt = good;
	opt.size--;
	cr_assert(strstr(refused(&opt), "options"));
	opt = good;
	opt.loop_policy = 99;
	cr_assert(strstr(refused(&opt), "loop_policy"));
	opt = good;
	opt.room_policy = 99;
	cr_assert(strstr(refused(&opt), "room_policy"));
	opt = good;
	opt.temperature = 2.5f;
	cr_assert(strstr(refused(&opt), "temperature"));
	opt = good;
	opt.name = "";
	cr_assert(strstr(refused(&opt), "name"));
	cr_assert_eq(weft_agent_def_create(&good, NULL, NULL), -EINVAL);
}

Test(def, create__fills_in_the_defaults)
{
	cr_assert_str_eq(def->name, "agent");
	cr_assert_str_eq(def->system, "");
	cr_assert_eq(def->opt.max_tokens, 8192);
	cr_assert_float_eq(def->opt.temperature, 0.7, 1e-6);
	cr_assert_eq(def->opt.max_tool_iterations, 10);
	cr_assert_eq(def->opt.multi_step_rounds, 6);
	cr_assert_eq(def->opt.parse_tries, 3);
	cr_assert_eq(def->opt.run_timeout_ns, UINT64_C(3600000000000));
}

Test(def, create__holds_the_registries)
{
	weft_tools *tools;
	weft_agent_options opt = WEFT_AGENT_OPTIONS_INIT;
	weft_agent_def *other;
	weft_tool_options tool = WEFT_TOOL_OPTIONS_INIT;

	tool.name = "t";
	tool.fn = (weft_tool_fn)(uintptr_t)1; /* never called */
	cr_assert_eq(weft_tools_create(&tools), 0);
	opt.models = models;
	opt.tools = tools;
	cr_assert_eq(weft_agent_def_create(&opt, &other, NULL), 0);
	cr_assert_eq(weft_tools_add(tools, &tool, NULL), -EBUSY);
	cr_assert_eq(weft_models_add_mock(models, 0, NULL), -EBUSY);
	weft_tools_unref(tools);
	cr_assert_eq(weft_tools_count(tools), 0, "the definition's reference keeps it");
	weft_agent_def_unref(other);
}

static int provide(weft_provider_call *call, void *user)
{
	(void)call, (void)user;
	return 0;
}

static int add_provider(const char *name, int position)
{
	weft_provider p = WEFT_PROVIDER_INIT;

	p.name = name;
	p.position = position;
	p.fn = provide;
	return weft_agent_def_add_provider(def, &p);
}

Test(def, add_provider__sorts_by_position_then_by_order)
{
	char name[] = "late";

	cr_assert_eq(add_provider(name, 100), 0);
	name[0] = 'X'; /* the name was copied */
	cr_assert_eq(add_provider("a", 0), 0);
	cr_assert_eq(add_provider("first", -1), 0);
	cr_assert_eq(add_provider("b", 0), 0);
	cr_assert_str_eq(def->providers[0]->name, "first");
	cr_assert_str_eq(def->providers[1]->name, "a");
	cr_assert_str_eq(def->providers[2]->name, "b");
	cr_assert_str_eq(def->providers[3]->name, "late");
	cr_assert_eq(add_provider("a", 7), -EEXIST);
	cr_assert_eq(def->provider_count, 4);
}

static int act(weft_action_call *call, void *user)
{
	(void)call, (void)user;
	return 0;
}

static int evaluate(weft_evaluator_call *call, void *user)
{
	(void)call, (void)user;
	return 0;
}

static int judge(weft_turn *turn, weft_verdict *verdict, void *user)
{
	(void)turn, (void)verdict, (void)user;
	return 0;
}

Test(def, add__refuses_what_is_incomplete_or_there)
{
	weft_provider p = WEFT_PROVIDER_INIT;
	weft_action a = WEFT_ACTION_INIT;
	weft_evaluator e = WEFT_EVALUATOR_INIT;
	weft_pre_evaluator pre = WEFT_PRE_EVALUATOR_INIT;

	cr_assert_eq(weft_agent_def_add_provider(def, NULL), -EINVAL);
	cr_assert_eq(weft_agent_def_add_provider(def, &p), -EINVAL);
	cr_assert_eq(weft_agent_def_add_action(def, &a), -EINVAL);
	cr_assert_eq(weft_agent_def_add_evaluator(def, &e), -EINVAL);
	cr_assert_eq(weft_agent_def_add_pre_evaluator(def, &pre), -EINVAL);
	p.name = a.name = e.name = pre.name = "N";
	cr_assert_eq(weft_agent_def_add_provider(def, &p), -EINVAL, "no function");
	p.fn = provide;
	a.fn = act;
	e.fn = evaluate;
	pre.fn = judge;
	cr_assert_eq(weft_agent_def_add_action(def, &a), 0);
	cr_assert_eq(weft_agent_def_add_action(def, &a), -EEXIST);
	cr_assert_eq(weft_agent_def_add_evaluator(def, &e), 0);
	cr_assert_eq(weft_agent_def_add_evaluator(def, &e), -EEXIST);
	cr_assert_eq(weft_agent_def_add_pre_evaluator(def, &pre), 0);
	cr_assert_eq(weft_agent_def_add_pre_evaluator(def, &pre), -EEXIST);
	cr_assert_eq(weft__def_freeze(def), 0);
	cr_assert_eq(weft__def_freeze(def), 0);
	p.name = a.name = e.name = pre.name = "M";
	cr_assert_eq(weft_agent_def_add_provider(def, &p), -EBUSY);
	cr_assert_eq(weft_agent_def_add_action(def, &a), -EBUSY);
	cr_assert_eq(weft_agent_def_add_evaluator(def, &e), -EBUSY);
	cr_assert_eq(weft_agent_def_add_pre_evaluator(def, &pre), -EBUSY);
}

static void *count_many(void *unused)
{
	for (int i = 0; i < 1000; i++)
		weft__def_count(def, WEFT__STAT_TOOL_CALLS, 2);
	return unused;
}

Test(def, stats__add_up_over_threads)
{
	weft_agent_stats stats = { .size = sizeof(stats) };
	pthread_t threads[8];

	for (int i = 0; i < 8; i++)
		cr_assert_eq(pthread_create(&threads[i], NULL, count_many, NULL), 0);
	for (int i = 0; i < 8; i++)
		pthread_join(threads[i], NULL);
	cr_assert_eq(weft_agent_stats_read(def, &stats), 0);
	cr_assert_eq(stats.tool_calls, 16000);
	cr_assert_eq(stats.runs_started, 0);
	stats.size = 1;
	cr_assert_eq(weft_agent_stats_read(def, &stats), -EINVAL);
	cr_assert_eq(weft_agent_stats_read(def, NULL), -EINVAL);
}
