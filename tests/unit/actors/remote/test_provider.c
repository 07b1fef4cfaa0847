/* SPDX-License-Identifier: Apache-2.0 */
/* remote/provider: what options and environment come to, and which of them are refused. */
#include "actors/remote/provider.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <weft/anthropic.h>
#include <weft/openai.h>

#include "actors/model.h"

static weft_models *models;
static weft_error err;

static void setup(void)
{
	unsetenv("OPENAI_API_KEY");
	unsetenv("OPENAI_BASE_URL");
	unsetenv("ANTHROPIC_API_KEY");
	unsetenv("ANTHROPIC_BASE_URL");
	memset(&err, 0, sizeof(err));
	cr_assert_eq(weft_models_create(&models), 0);
}

static void teardown(void)
{
	weft_models_unref(models);
}

TestSuite(provider, .init = setup, .fini = teardown);

static const struct weft__provider *last(void)
{
	const uint32_t n = models->counts[WEFT_MODEL_TEXT_LARGE];

	return models->handlers[WEFT_MODEL_TEXT_LARGE][n - 1].user;
}

static weft_str field(const char *name)
{
	return weft__http_find(last()->fields, last()->field_count, weft_str_from(name));
}

static weft_openai_options openai(void)
{
	weft_openai_options opt = WEFT_OPENAI_OPTIONS_INIT;

	opt.large_model = "l";
	return opt;
}

Test(provider, openai__takes_what_the_environment_says)
{
	weft_openai_options opt = openai();

	cr_assert_eq(weft_models_add_openai(models, 0, &opt, &err), -EINVAL);
	cr_assert_not_null(strstr(err.message, "OPENAI_API_KEY"));
	setenv("OPENAI_API_KEY", "sk-env", 1);
	cr_assert_eq(weft_models_add_openai(models, 0, &opt, &err), 0, "%s", err.message);
	cr_assert(weft_str_eq(last()->chat_url, WEFT_STR("https://api.openai.com/v1/chat/completions")));
	cr_assert(weft_str_eq(field("authorization"), WEFT_STR("Bearer sk-env")));
	setenv("OPENAI_BASE_URL", "http://127.0.0.1:1/v1/", 1);
	cr_assert_eq(weft_models_add_openai(models, 0, &opt, &err), 0);
	cr_assert(weft_str_eq(last()->chat_url, WEFT_STR("http://127.0.0.1:1/v1/chat/completions")));
	cr_assert(weft_str_eq(field("authorization"), WEFT_STR("Bearer sk-env")));
}

Test(provider, openai__gives_the_environments_key_to_no_other_host)
{
	weft_openai_options opt = openai();

	setenv("OPENAI_API_KEY", "sk-env", 1);
	opt.base_url = "http://somewhere.else/v1";
	cr_assert_eq(weft_models_add_openai(models, 0, &opt, &err), 0);
	cr_assert_eq(field("authorization").len_bytes, 0);
	opt.api_key = "own";
	cr_assert_eq(weft_models_add_openai(models, 0, &opt, &err), 0);
	cr_assert(weft_str_eq(field("authorization"), WEFT_STR("Bearer own")));
}

Test(provider, openai__sends_what_is_asked_for)
{
	static const char *const headers[] = { "X-A: 1", "X-B:2 " };
	weft_openai_options opt = openai();

	opt.base_url = "http://x/v1";
	opt.organization = "org";
	opt.project = "p";
	opt.headers = headers;
	opt.header_count = 2;
	cr_assert_eq(weft_models_add_openai(models, 0, &opt, &err), 0, "%s", err.message);
	cr_assert(weft_str_eq(field("openai-organization"), WEFT_STR("org")));
	cr_assert(weft_str_eq(field("x-b"), WEFT_STR("2")));
}

Test(provider, openai__refuses_bad_options)
{
	static const char *const no_colon[] = { "X-A 1" }, *const two_lines[] = { "X-A: 1\r\nHost: y" };
	weft_openai_options good = openai(), opt;

	good.base_url = "http://x/v1";
	cr_assert_eq(weft_models_add_openai(NULL, 0, &good, &err), -EINVAL);
	cr_assert_eq(weft_models_add_openai(models, 0, NULL, &err), -EINVAL);
	opt = good;
	opt.size = 4;
	cr_assert_eq(weft_models_add_openai(models, 0, &opt, &err), -EINVAL);
	opt = good;
	opt.base_url = "x/v1";
	cr_assert_eq(weft_models_add_openai(models, 0, &opt, &err), -EINVAL);
	cr_assert_not_null(strstr(err.message, "base_url"));
	opt = good;
	opt.api_key = "sk-\r\nX: y";
	cr_assert_eq(weft_models_add_openai(models, 0, &opt, &err), -EINVAL);
	cr_assert_null(strstr(err.message, "X: y"));
	opt = good;
	opt.header_count = 1;
	cr_assert_eq(weft_models_add_openai(models, 0, &opt, &err), -EINVAL);
	opt.headers = no_colon;
	cr_assert_eq(weft_models_add_openai(models, 0, &opt, &err), -EINVAL);
	opt.headers = two_lines;
	cr_assert_eq(weft_models_add_openai(models, 0, &opt, &err), -EINVAL);
	opt = good;
	opt.extra_json = "[]";
	cr_assert_eq(weft_models_add_openai(models, 0, &opt, &err), -EINVAL);
	opt.extra_json = "{";
	cr_assert_eq(weft_models_add_openai(models, 0, &opt, &err), -EINVAL);
	opt = good;
	opt.large_model = NULL;
	cr_assert_eq(weft_models_add_openai(models, 0, &opt, &err), -EINVAL);
	cr_assert_not_null(strstr(err.message, "no model is named"));
	cr_assert_eq(weft_models_count(models, WEFT_MODEL_TEXT_LARGE), 0);
}

/* What a model named so is sent by a provider made with flags at that address. */
static weft_str body_of(weft_json_writer *w, const char *base_url, const char *model, uint32_t flags)
{
	weft_model_request req = { .type = WEFT_MODEL_TEXT_LARGE, .prompt = WEFT_STR("p"), .max_tokens = 5, .temperature = 0.5f };
	weft_openai_options opt = openai();
	weft_str body = { 0 };

	opt.base_url = base_url;
	opt.api_key = "k";
	opt.large_model = model;
	opt.flags = flags;
	cr_assert_eq(weft_models_add_openai(models, 0, &opt, &err), 0, "%s", err.message);
	cr_assert_eq(last()->api->write(last(), &req, false, w, &body, &err), 0);
	return body;
}

Test(provider, openai__knows_what_its_own_models_refuse)
{
	weft_json_writer *w;

	cr_assert_eq(weft_json_writer_create(0, &w), 0);
	cr_assert_not_null(strstr(body_of(w, "https://api.openai.com/v1", "gpt-4o", 0).ptr,
	                          "\"max_completion_tokens\":5,\"temperature\":0.5"));
	cr_assert_null(strstr(body_of(w, "https://api.openai.com/v1", "o3-mini", 0).ptr, "temperature"));
	cr_assert_null(strstr(body_of(w, "https://api.openai.com/v1", "gpt-5-nano", 0).ptr, "temperature"));
	cr_assert_not_null(strstr(body_of(w, "https://api.openai.com/v1", "o3-mini", WEFT_OPENAI_PLAIN).ptr,
	                          "\"max_tokens\":5,\"temperature\":0.5"));
	cr_assert_not_null(strstr(body_of(w, "http://x/v1", "o3-mini", 0).ptr, "\"max_tokens\":5,\"temperature\":0.5"));
	weft_json_writer_destroy(w);
}

Test(provider, anthropic__takes_options_and_environment)
{
	weft_anthropic_options opt = WEFT_ANTHROPIC_OPTIONS_INIT;

	opt.large_model = "claude";
	cr_assert_eq(weft_models_add_anthropic(models, 0, &opt, &err), -EINVAL);
	cr_assert_not_null(strstr(err.message, "ANTHROPIC_API_KEY"));
	setenv("ANTHROPIC_API_KEY", "sk-ant", 1);
	cr_assert_eq(weft_models_add_anthropic(models, 0, &opt, &err), 0, "%s", err.message);
	cr_assert(weft_str_eq(last()->chat_url, WEFT_STR("https://api.anthropic.com/v1/messages")));
	cr_assert(weft_str_eq(field("x-api-key"), WEFT_STR("sk-ant")));
	cr_assert(weft_str_eq(field("anthropic-version"), WEFT_STR("2023-06-01")));
	opt.thinking_tokens = 10;
	cr_assert_eq(weft_models_add_anthropic(models, 0, &opt, &err), -EINVAL);
	cr_assert_eq(weft_models_add_anthropic(models, 0, NULL, &err), -EINVAL);
}
