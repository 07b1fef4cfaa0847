/* SPDX-License-Identifier: Apache-2.0 */
/* tool: the registry, and a call without an agent: four ways to fail, each told differently. */
#include "actors/tool.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define CITY_SCHEMA                                                                                        \
	"{\"type\":\"object\",\"properties\":{\"city\":{\"type\":\"string\"},\"days\":{\"type\":\"integer\"}},"  \
	"\"required\":[\"city\"]}"

static int echo(weft_tool_call *call, void *user)
{
	weft_str city = { 0 };

	++*(int *)user;
	weft_json_get_str(weft_json_find(call->arguments, WEFT_STR("city")), &city);
	weft_tool_return(call, city);
	return 0;
}

static int broken(weft_tool_call *call, void *user)
{
	(void)user;
	return weft_tool_fail(call, -EIO, "disk %d is gone", 7);
}

static int silent_fail(weft_tool_call *call, void *user)
{
	(void)call, (void)user;
	return -ENOSPC;
}

static int silent(weft_tool_call *call, void *user)
{
	(void)call, (void)user;
	return 0;
}

static void *finish_soon(void *call)
{
	usleep(2000);
	weft_tool_return(call, WEFT_STR("late"));
	weft_tool_finish(call, 0);
	return NULL;
}

static void *fail_soon(void *call)
{
	usleep(2000);
	weft_tool_finish(call, weft_tool_fail(call, -ETIMEDOUT, "no answer"));
	return NULL;
}

static int pending(weft_tool_call *call, void *user)
{
	pthread_t thread;

	cr_assert_eq(pthread_create(&thread, NULL, user, call), 0);
	pthread_detach(thread);
	return WEFT_PENDING;
}

static int add(weft_tools *tools, const char *name, const char *schema, weft_tool_fn fn, void *user, weft_error *err)
{
	weft_tool_options opt = WEFT_TOOL_OPTIONS_INIT;

	opt.name = name;
	opt.description = "does \"it\"";
	opt.schema_json = weft_str_from(schema);
	opt.fn = fn;
	opt.user = user;
	return weft_tools_add(tools, &opt, err);
}

static int calls_of_echo;
static weft_tools *tools;
static weft_arena *arena;
static weft_str result;

static void setup(void)
{
	calls_of_echo = 0;
	cr_assert_eq(weft_tools_create(&tools), 0);
	cr_assert_eq(weft_arena_create(0, &arena), 0);
	cr_assert_eq(add(tools, "echo", CITY_SCHEMA, echo, &calls_of_echo, NULL), 0);
	cr_assert_eq(add(tools, "broken", NULL, broken, NULL, NULL), 0);
	cr_assert_eq(add(tools, "silent_fail", NULL, silent_fail, NULL, NULL), 0);
	cr_assert_eq(add(tools, "silent", NULL, silent, NULL, NULL), 0);
	cr_assert_eq(add(tools, "late", NULL, pending, (void *)finish_soon, NULL), 0);
	cr_assert_eq(add(tools, "late_fail", NULL, pending, (void *)fail_soon, NULL), 0);
}

static void teardown(void)
{
	weft_tools_unref(tools);
	weft_arena_destroy(arena);
}

TestSuite(tool, .init = setup, .fini = teardown);

static int call(const char *name, const char *arguments)
{
	result = (weft_str){ 0 };
	return weft_tools_call(tools, weft_str_from(name), weft_str_from(arguments), arena, &result);
}

static bool told(const char *part)
{
	return result.len_bytes && memmem(result.ptr, result.len_bytes, part, strlen(part));
}

Test(tool, add__says_what_is_wrong)
{
	weft_tool_options opt = WEFT_TOOL_OPTIONS_INIT;
	weft_error err = { 0 };
	char long_name[66];

	memset(long_name, 'a', 65);
	long_name[65] = '\0';
	cr_assert_eq(add(tools, "no spaces", NULL, silent, NULL, &err), -EINVAL);
	cr_assert(strstr(err.message, "name"));
	cr_assert_eq(add(tools, "", NULL, silent, NULL, NULL), -EINVAL);
	cr_assert_eq(add(tools, NULL, NULL, silent, NULL, NULL), -EINVAL);
	cr_assert_eq(add(tools, long_name, NULL, silent, NULL, NULL), -EINVAL);
	long_name[64] = '\0';
	cr_assert_eq(add(tools, long_name, NULL, silent, NULL, NULL), 0);
	cr_assert_eq(add(tools, "x", NULL, NULL, NULL, NULL), -EINVAL);
	cr_assert_eq(add(tools, "echo", NULL, silent, NULL, &err), -EEXIST);
	cr_assert(strstr(err.message, "echo"));
	cr_assert_eq(add(tools, "bad", "{\"type\":", silent, NULL, &err), WEFT_EPARSE);
	cr_assert_eq(add(tools, "bad", "{\"type\":\"blob\"}", silent, NULL, &err), WEFT_ESCHEMA);
	cr_assert(err.message[0]);
	cr_assert_eq(weft_tools_add(NULL, &opt, NULL), -EINVAL);
	opt.size = 3;
	cr_assert_eq(weft_tools_add(tools, &opt, NULL), -EINVAL);
	cr_assert_eq(weft_tools_create(NULL), -EINVAL);
	cr_assert_eq(weft_tools_count(tools), 7, "what was refused is not there");
}

Test(tool, find__among_many)
{
	char name[24];

	for (int i = 0; i < 300; i++) {
		snprintf(name, sizeof(name), "tool_%d", i);
		cr_assert_eq(add(tools, name, NULL, silent, NULL, NULL), 0);
	}
	for (int i = 0; i < 300; i++) {
		snprintf(name, sizeof(name), "tool_%d", i);
		cr_assert_eq(call(name, "{}"), 0);
	}
	cr_assert_eq(call("tool_300", "{}"), WEFT_ENOTOOL);
}

Test(tool, json__is_openai_functions)
{
	weft_tools *none;
	weft_json_doc *doc;
	weft_json first;
	weft_str s;

	cr_assert_eq(weft_json_parse(weft_tools_json(tools), &doc, NULL), 0);
	cr_assert_eq(weft_json_count(weft_json_root(doc)), 6);
	weft_json_iter it = weft_json_iter_begin(weft_json_root(doc));
	cr_assert(weft_json_iter_next(&it));
	cr_assert(weft_json_get_str(weft_json_find(it.value, WEFT_STR("type")), &s));
	cr_assert(weft_str_eq(s, WEFT_STR("function")));
	first = weft_json_find(it.value, WEFT_STR("function"));
	cr_assert(weft_json_get_str(weft_json_find(first, WEFT_STR("name")), &s));
	cr_assert(weft_str_eq(s, WEFT_STR("echo")));
	cr_assert(weft_json_get_str(weft_json_find(first, WEFT_STR("description")), &s));
	cr_assert(weft_str_eq(s, WEFT_STR("does \"it\"")));
	cr_assert_eq(weft_json_typeof(weft_json_find(weft_json_find(first, WEFT_STR("parameters")), WEFT_STR("properties"))),
	             WEFT_JSON_OBJECT);
	weft_json_release(doc);
	cr_assert_eq(weft_tools_create(&none), 0);
	cr_assert_eq(weft_tools_json(none).len_bytes, 0);
	weft_tools_unref(none);
}

Test(tool, call__returns_what_the_tool_said)
{
	cr_assert_eq(call("echo", "{\"city\":\"Rome\",\"days\":3}"), 0);
	cr_assert(weft_str_eq(result, WEFT_STR("Rome")));
	cr_assert_eq(call("silent", ""), 0, "no arguments at all are an empty object");
	cr_assert_eq(result.len_bytes, 0);
}

Test(tool, call__tells_four_failures_apart)
{
	cr_assert_eq(call("nope", "{}"), WEFT_ENOTOOL);
	cr_assert(told("no tool named 'nope'"));
	cr_assert_eq(call("echo", "{\"city\":"), WEFT_EPARSE);
	cr_assert(told("could not be parsed"));
	cr_assert_eq(call("echo", "{\"city\":7}"), WEFT_ESCHEMA);
	cr_assert(told("invalid arguments") && told("/city"), "%.*s", WEFT_STR_ARG(result));
	cr_assert_eq(call("echo", "{\"days\":1}"), WEFT_ESCHEMA);
	cr_assert(told("city"));
	cr_assert_eq(call("silent", "[1]"), WEFT_ESCHEMA, "no schema still means an object");
	cr_assert_eq(call("broken", "{}"), WEFT_ETOOL);
	cr_assert(told("failed") && told("disk 7 is gone"));
	cr_assert_eq(call("silent_fail", "{}"), WEFT_ETOOL);
	cr_assert(told(weft_strerror(-ENOSPC)));
	cr_assert_eq(calls_of_echo, 0, "a handler never sees arguments that are not valid");
}

/* The schema and the rules would see the first, a server behind the tool perhaps the last. */
Test(tool, call__refuses_a_key_given_twice)
{
	static const char *const twice[] = {
		"{\"city\":\"Rome\",\"city\":\"Oslo\"}", "{\"city\":\"Rome\",\"c\\u0069ty\":7}",
		"{\"city\":\"Rome\",\"more\":[1,{\"x\":{\"city\":1,\"a\":2.5,\"city\":1}}]}"
	};

	for (size_t i = 0; i < sizeof(twice) / sizeof(*twice); i++) {
		cr_expect_eq(call("echo", twice[i]), WEFT_EPARSE, "%s", twice[i]);
		cr_expect(told("tool 'echo'") && told("the key 'city' is given twice"), "%.*s", WEFT_STR_ARG(result));
	}
	cr_expect_eq(call("silent", "{\"a\":{\"b\":1},\"b\":[{\"a\":1},{\"a\":2}]}"), 0, "the same key in other objects");
	cr_expect_eq(calls_of_echo, 0);
}

Test(tool, call__waits_for_a_pending_tool)
{
	cr_assert_eq(call("late", "{}"), 0);
	cr_assert(weft_str_eq(result, WEFT_STR("late")));
	cr_assert_eq(call("late_fail", "{}"), WEFT_ETOOL);
	cr_assert(told("no answer"));
}

Test(tool, call_parsed__checks_too)
{
	weft_json_doc *doc;

	cr_assert_eq(weft_json_parse(WEFT_STR("{\"city\":\"Oslo\"}"), &doc, NULL), 0);
	cr_assert_eq(weft_tools_call_parsed(tools, WEFT_STR("echo"), weft_json_root(doc), arena, &result), 0);
	cr_assert(weft_str_eq(result, WEFT_STR("Oslo")));
	cr_assert_eq(weft_tools_call_parsed(tools, WEFT_STR("nope"), weft_json_root(doc), arena, &result), WEFT_ENOTOOL);
	cr_assert_eq(weft_tools_call_parsed(tools, WEFT_STR("echo"), weft_json_find(weft_json_root(doc), WEFT_STR("city")),
	                                    arena, &result), WEFT_ESCHEMA);
	cr_assert_eq(weft_tools_call_parsed(tools, WEFT_STR("echo"), weft_json_root(doc), NULL, &result), -EINVAL);
	weft_json_release(doc);
}

Test(tool, call_parsed__refuses_a_key_twice)
{
	static const char *const names[] = { "echo", "silent" }; /* with a schema, and without */
	weft_json_doc *doc;

	calls_of_echo = 0;
	cr_assert_eq(weft_json_parse(WEFT_STR("{\"city\":\"Oslo\",\"city\":\"Rome\"}"), &doc, NULL), 0);
	for (size_t i = 0; i < 2; i++) {
		cr_assert_eq(weft_tools_call_parsed(tools, weft_str_from(names[i]), weft_json_root(doc), arena, &result), WEFT_EPARSE,
		             "%s", names[i]);
		cr_assert(told("the key 'city' is given twice"), "%.*s", WEFT_STR_ARG(result));
	}
	cr_assert_eq(calls_of_echo, 0);
	weft_json_release(doc);
}

Test(tool, ref__keeps_the_registry)
{
	cr_assert_eq(weft_tools_ref(tools), tools);
	weft_tools_unref(tools);
	cr_assert_eq(call("silent", "{}"), 0);
	weft_tools_unref(NULL);
}
