/* SPDX-License-Identifier: Apache-2.0 */
/* tests/api/mock_llm_test.h - a runtime with a mock endpoint, asked by a client that shares no code with it. */
#ifndef WEFT_TESTS_API_MOCK_LLM_TEST_H
#define WEFT_TESTS_API_MOCK_LLM_TEST_H

#include <criterion/criterion.h>
#include <errno.h>
#include <math.h>
#include <pthread.h>
#include <weft/weft.h>

#include "tests/support/folder.h"
#include "tests/support/http_ask.h"

#define S WEFT_STR
#define SECOND UINT64_C(1000000000)

static weft_runtime *rt;
static weft_mock_llm *mock;
static uint16_t port;

static inline void serve(weft_mock_llm_options *o)
{
	weft_runtime_options opt = WEFT_RUNTIME_OPTIONS_INIT;
	weft_error err = { 0 };

	opt.workers = 2;
	cr_assert_eq(weft_runtime_create(&opt, &rt), 0);
	cr_assert_eq(weft_runtime_start(rt), 0);
	cr_assert_eq(weft_mock_llm_start(rt, o, &mock, &err), 0, "%s", err.message);
	port = weft_mock_llm_port(mock);
}

static inline void serve_plainly(void)
{
	weft_mock_llm_options o = WEFT_MOCK_LLM_OPTIONS_INIT;

	serve(&o);
}

static inline weft_mock_llm_stats finish(void)
{
	weft_mock_llm_stats stats = { .size = sizeof(stats) };

	weft_mock_llm_stop(mock, SECOND, &stats);
	weft_runtime_destroy(rt);
	return stats;
}

static inline struct answer chat(const char *body)
{
	return http_ask(port, "/v1/chat/completions", "Content-Type: application/json\r\n", body);
}

/* The document of a body that is JSON; to be released. */
static inline weft_json_doc *parsed(const struct answer *a)
{
	weft_json_doc *doc = NULL;
	weft_error err = { 0 };

	cr_assert_eq(weft_json_parse((weft_str){ a->body, a->body_len }, &doc, &err), 0, "%s: %s", err.message, a->bytes);
	return doc;
}

/* By a path of keys and numbers: "choices/0/message/content". */
static inline weft_json at(weft_json v, const char *path)
{
	while (*path) {
		size_t n = strcspn(path, "/");

		if (weft_json_typeof(v) == WEFT_JSON_ARRAY) {
			weft_json_iter it = weft_json_iter_begin(v);

			v = (weft_json){ NULL, 0 };
			for (int i = atoi(path); i >= 0 && weft_json_iter_next(&it); i--)
				v = i ? v : it.value;
		} else {
			v = weft_json_find(v, (weft_str){ path, n });
		}
		path += n + (path[n] == '/');
	}
	return v;
}

static inline weft_str text_at(weft_json v, const char *path)
{
	weft_str s = S("(none)");

	weft_json_get_str(at(v, path), &s);
	return s;
}

static inline void says(weft_json v, const char *path, const char *wanted)
{
	weft_str s = text_at(v, path);

	cr_expect(weft_str_eq(s, weft_str_from(wanted)), "%s: \"%.*s\", not \"%s\"", path, WEFT_STR_ARG(s), wanted);
}

static inline int64_t number_at(weft_json v, const char *path)
{
	int64_t n = -1;

	weft_json_get_int(at(v, path), &n);
	return n;
}

/* The content of an answer to that. */
static inline void chat_says(const char *body, const char *wanted)
{
	struct answer a = chat(body);
	weft_json_doc *doc = parsed(&a);

	cr_expect_eq(a.status, 200, "%s", a.bytes);
	says(weft_json_root(doc), "choices/0/message/content", wanted);
	weft_json_release(doc);
	answer_free(&a);
}

#define ASK(messages) "{\"model\":\"m\",\"messages\":[" messages "]}"
#define WITH(more) "{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":\"x\"}]," more "}"

#endif
