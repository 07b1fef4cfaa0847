/* SPDX-License-Identifier: Apache-2.0 */
/* models_file: providers from JSON: all of it is read, nothing odd is passed over, and keys stay where they are. */
#include <weft/model.h>

#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "actors/def.h"
#include "actors/model.h"
#include "actors/remote/provider.h"

#define KEY "sk-file-0a1b2c3d4e5f"

static char folder[] = "/tmp/weft-models-XXXXXX", path[64], key_path[64];
static weft_models *models;
static weft_error err;

static void put(const char *to, const char *text)
{
	FILE *f = fopen(to, "w");

	cr_assert_not_null(f);
	cr_assert_geq(fputs(text, f), 0);
	fclose(f);
}

static void setup(void)
{
	cr_assert_not_null(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/models.json", folder);
	snprintf(key_path, sizeof(key_path), "%s/key", folder);
	put(key_path, KEY "\n");
	unsetenv("OPENAI_API_KEY");
	unsetenv("OPENAI_BASE_URL");
	memset(&err, 0, sizeof(err));
	cr_assert_eq(weft_models_create(&models), 0);
}

static void teardown(void)
{
	weft_models_unref(models);
	unlink(path);
	unlink(key_path);
	rmdir(folder);
}

TestSuite(models_file, .init = setup, .fini = teardown);

static int load(const char *text)
{
	put(path, text);
	return weft_models_load(models, path, &err);
}

#define PROVIDER "{\"api\":\"openai\",\"base_url\":\"http://x/v1\",\"models\":{\"large\":\"l\",\"small\":\"s\"}"
#define ONE(more) "{\"providers\":[" PROVIDER more "}]}"
#define ALL(more) "{\"providers\":[" PROVIDER "}]" more "}"

static const struct weft__provider *provider(weft_model_type type)
{
	return models->handlers[type][0].user;
}

Test(models_file, load__reads_all_of_it)
{
	const struct weft__provider *p;

	setenv("WEFT_TEST_KEY", "sk-env-1", 1);
	cr_assert_eq(load("{\"providers\":[\n"
	                  "{\"api\":\"openai\",\"name\":\"local\",\"priority\":-2,\"base_url\":\"http://127.0.0.1:8080/v1\",\"api_key_file\":\"key\",\n"
	                  " \"models\":{\"small\":\"s\",\"large\":\"l\",\"embedding\":\"e\"},\"flags\":[\"no_stream\",\"starts_thinking\"],\n"
	                  " \"timeouts\":{\"connect_s\":0.5,\"total_s\":60},\"headers\":{\"X-Team\":\"a b\"},\"extra\":{\"top_k\":4},\n"
	                  " \"gate\":{\"requests_per_minute\":60,\"retries\":0},\"ca_file\":\"ca.pem\",\"proxy\":\"\"},\n"
	                  "{\"api\":\"anthropic\",\"priority\":5,\"api_key_env\":\"WEFT_TEST_KEY\",\"models\":{\"large\":\"c\"},\n"
	                  " \"thinking_tokens\":2048,\"flags\":[\"cache\",\"no_gate\"]}]}"),
	             0, "%s", err.message);
	cr_assert_eq(weft_models_count(models, WEFT_MODEL_TEXT_LARGE), 2);
	p = provider(WEFT_MODEL_TEXT_LARGE);
	cr_assert(weft_str_eq(p->name, WEFT_STR("anthropic")), "the higher priority");
	cr_assert(weft_str_eq(p->chat_url, WEFT_STR("https://api.anthropic.com/v1/messages")));
	cr_assert(weft_str_eq(weft__secret_key(&p->secret), WEFT_STR("sk-env-1")));
	cr_assert_null(p->gate);
	p = provider(WEFT_MODEL_TEXT_EMBEDDING);
	cr_assert(weft_str_eq(p->name, WEFT_STR("local")));
	cr_assert(weft_str_eq(weft__secret_key(&p->secret), WEFT_STR(KEY)), "without the end of its line");
	cr_assert(weft_str_eq(weft__http_find(p->fields, p->field_count, WEFT_STR("x-team")), WEFT_STR("a b")));
	cr_assert_eq(p->connect_ns, 500000000u);
	cr_assert_eq(p->timeout_ns, UINT64_C(60000000000));
	cr_assert(p->no_stream && p->starts_thinking && p->gate);
	cr_assert(strstr(p->ca_file, folder) == p->ca_file, "%s: from the file's own folder", p->ca_file);
	cr_assert_str_eq(p->proxy, "");
}

Test(models_file, prices_cache_and_budget__are_set)
{
	weft_agent_options opt = WEFT_AGENT_OPTIONS_INIT;
	weft_agent_def *def;

	cr_assert_eq(load("{\"cache\":{\"bytes_max\":1000000,\"age_max_s\":60,\"tool_calls\":true,\"near_min\":0.95,\"near_answers_max\":9},\n"
	                  "\"budget\":{\"tokens\":5000,\"money\":0.25},\n"
	                  "\"providers\":[" PROVIDER ",\"name\":\"a\",\"price\":{\"prompt\":2.5,\"completion\":0.000001}},"
	                  PROVIDER ",\"name\":\"b\",\"price\":{}}," PROVIDER ",\"priority\":-1}]}"),
	             0, "%s", err.message);
	for (int type = WEFT_MODEL_TEXT_SMALL; type <= WEFT_MODEL_TEXT_LARGE; type++) {
		cr_assert_eq(weft_models_count(models, (weft_model_type)type), 3);
		cr_assert_eq(models->handlers[type][0].price.prompt_micros, 2500000);
		cr_assert_eq(models->handlers[type][0].price.completion_micros, 1);
		cr_assert_eq(models->handlers[type][1].price.prompt_micros, 0);
		cr_assert_eq(models->handlers[type][2].price.prompt_micros, 0);
	}
	cr_assert_not_null(models->cache);
	cr_assert_eq(models->budget.tokens, 5000);
	cr_assert_eq(models->budget.micros, 250000);

	opt.models = models;
	opt.budget.tokens = 70;
	cr_assert_eq(weft_agent_def_create(&opt, &def, &err), 0, "%s", err.message);
	cr_expect_eq(def->opt.budget.tokens, 70, "the definition's own");
	cr_expect_eq(def->opt.budget.micros, 250000, "and the registry's");
	cr_expect_eq(weft_models_set_budget(models, &opt.budget), -EBUSY);
	weft_agent_def_unref(def);
}

Test(models_file, a_member_twice__is_an_error)
{
	cr_assert_eq(load(ALL(",\"budget\":{\"tokens\":1},\"budget\":{}")), WEFT_EPARSE);
	cr_assert_not_null(strstr(err.message, "budget"), "%s", err.message);
	cr_assert_eq(load(ONE(",\"api\":\"openai\"")), WEFT_EPARSE);
	cr_assert_not_null(strstr(err.message, path), "%s", err.message);
}

Test(models_file, load__says_what_is_wrong_and_where)
{
	static const struct {
		const char *text, *says;
		uint32_t line;
	} bad[] = {
		{ "{}", "no providers", 1 },
		{ "[]", "no providers", 1 },
		{ ALL(",\n\"x\":1"), "/x: no such member", 2 },
		{ "{\"providers\":[]}", "1 to 64", 1 },
		{ "{\"providers\":[7]}", "/providers/0: not an object", 1 },
		{ "{\"providers\":[{\"api\":\"gopher\"}]}", "\"openai\" or \"anthropic\"", 1 },
		{ "{\"providers\":[{\"api\":\"openai\",\n\"bas_url\":\"x\"}]}", "/providers/0/bas_url: no such member", 2 },
		{ "{\"providers\":[{\"api\":\"openai\",\n\"api_key\":\"" KEY "\"}]}", "does not belong into this file", 2 },
		{ "{\"providers\":[{\"api\":\"openai\",\"priority\":\"1\"}]}", "/providers/0/priority: not a whole number", 1 },
		{ "{\"providers\":[{\"api\":\"openai\",\"gate\":{\"retries\":-1}}]}", "/gate/retries: not a whole number, 0 or more", 1 },
		{ "{\"providers\":[{\"api\":\"openai\",\"gate\":{\"a\":1}}]}", "/gate/a: no such member", 1 },
		{ "{\"providers\":[{\"api\":\"openai\",\"timeouts\":{\"idle_s\":0}}]}", "/timeouts/idle_s: not a number of seconds", 1 },
		{ "{\"providers\":[{\"api\":\"openai\",\"timeouts\":[]}]}", "/timeouts: not an object", 1 },
		{ "{\"providers\":[{\"api\":\"openai\",\"flags\":[\"cache\"]}]}", "/flags: a flag that this API does not know", 1 },
		{ "{\"providers\":[{\"api\":\"openai\",\"headers\":{\"a\":1}}]}", "/headers: not an object of", 1 },
		{ "{\"providers\":[{\"api\":\"openai\",\"extra\":[]}]}", "/extra: not an object", 1 },
		{ "{\"providers\":[{\"api\":\"openai\",\"name\":7}]}", "/name: not a text", 1 },
		{ "{\"providers\":[{\"api\":\"openai\",\"api_key_env\":\"A\",\"api_key_file\":\"b\"}]}", "one of them", 1 },
		{ ONE(",\"price\":{\"promt\":1}"), "/providers/0/price/promt: no such member", 1 },
		{ ONE(",\"price\":{\"prompt\":-1}"), "/price/prompt: not an amount of money", 1 },
		{ ONE(",\"price\":{\"prompt\":\"1\"}"), "/price/prompt: not an amount of money", 1 },
		{ ONE(",\"price\":2.5"), "/price: not an object", 1 },
		{ "{\"providers\":[\n" PROVIDER ",\"price\":{\"prompt\":1}},\n" PROVIDER "}]}", "/providers/0: with a price it needs a name of its own", 2 },
		{ ALL(",\n\"cache\":{\"age_s\":1}"), "/cache/age_s: no such member", 2 },
		{ ALL(",\n\"cache\":{\"near_min\":1.5}"), "/cache/near_min: not a number from 0 to 1", 2 },
		{ ALL(",\n\"cache\":{\"tool_calls\":1}"), "/cache/tool_calls: not true or false", 2 },
		{ ALL(",\n\"cache\":{\"bytes_max\":-1}"), "/cache/bytes_max: not a whole number, 0 or more", 2 },
		{ ALL(",\n\"cache\":true"), "/cache: not an object", 2 },
		{ ALL(",\n\"budget\":{\"token\":1}"), "/budget/token: no such member", 2 },
		{ ALL(",\n\"budget\":{\"tokens\":0.5}"), "/budget/tokens: not a whole number", 2 },
		{ ALL(",\n\"budget\":{\"money\":1e10}"), "/budget/money: not an amount of money", 2 },
		{ ALL(",\n\"budgets\":{}"), "/budgets: no such member", 2 },
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		cr_assert_eq(load(bad[i].text), WEFT_ECONFIG, "%s", bad[i].text);
		cr_assert_not_null(strstr(err.message, bad[i].says), "%s: %s", bad[i].text, err.message);
		cr_assert_eq(err.line, bad[i].line, "%s: line %u", bad[i].text, err.line);
		cr_assert_null(strstr(err.message, KEY));
	}
	for (int type = 0; type < WEFT_MODEL_TYPE_COUNT; type++)
		cr_assert_eq(weft_models_count(models, (weft_model_type)type), 0);
}

Test(models_file, load__says_what_a_provider_lacks)
{
	cr_assert_eq(load("{\"providers\":[{\"api\":\"openai\",\"models\":{\"large\":\"l\"}}]}"), WEFT_ECONFIG);
	cr_assert_not_null(strstr(err.message, "OPENAI_API_KEY"), "%s", err.message);
	cr_assert_eq(load("{\"providers\":[{\"api\":\"openai\",\"base_url\":\"http://x/v1\"}]}"), WEFT_ECONFIG);
	cr_assert_not_null(strstr(err.message, "no model is named"), "%s", err.message);
	cr_assert_eq(load("{\"providers\":[{\"api\":\"openai\",\"base_url\":\"ftp://x\",\"models\":{\"large\":\"l\"}}]}"), WEFT_ECONFIG);
	cr_assert_not_null(strstr(err.message, "base_url: "), "%s", err.message);
	cr_assert_eq(load("{\"providers\":[{\"api\":\"openai\",\"api_key_env\":\"WEFT_NO_SUCH\",\"models\":{\"large\":\"l\"}}]}"), WEFT_ECONFIG);
	cr_assert_not_null(strstr(err.message, "no WEFT_NO_SUCH"), "%s", err.message);
	cr_assert_eq(load("{\"providers\":[{\"api\":\"openai\",\"api_key_file\":\"none\",\"models\":{\"large\":\"l\"}}]}"), -ENOENT);
	cr_assert_eq(load("{\"providers\":"), WEFT_EPARSE);
	cr_assert_eq(weft_models_load(models, "/nonexistent/models.json", &err), -ENOENT);
	cr_assert_eq(weft_models_load(NULL, path, &err), -EINVAL);
	cr_assert_eq(weft_models_load(models, NULL, NULL), -EINVAL);
}
