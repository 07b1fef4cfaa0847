/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The mock endpoint, asked over real sockets. Goal: it speaks the APIs as they are written down, is as strict, fails as
 * often as it is told to, and does the same again with the same seed. Method: requests of a client that shares no code with it.
 */
#include "mock_llm_test.h"

#include <semaphore.h>

/* ---- answers -------------------------------------------------------------------------- */

Test(mock_llm, chat__whole)
{
	struct answer a;
	weft_json_doc *doc;
	weft_json root;

	serve_plainly();
	a = chat("{\"model\":\"m\",\"messages\":[{\"role\":\"system\",\"content\":\"be kind\"},{\"role\":\"user\",\"content\":\"hello there\"}]}");
	cr_expect(a.status == 200 && a.whole && strstr(a.head, "Content-Type: application/json\r\n"));
	cr_expect_not_null(strstr(a.head, "x-request-id: req_"));
	doc = parsed(&a);
	root = weft_json_root(doc);
	says(root, "object", "chat.completion");
	says(root, "model", "m");
	says(root, "choices/0/message/role", "assistant");
	says(root, "choices/0/message/content", "You said: hello there");
	says(root, "choices/0/finish_reason", "stop");
	cr_expect_eq(number_at(root, "usage/completion_tokens"), 4);
	cr_expect_eq(number_at(root, "usage/total_tokens"), number_at(root, "usage/prompt_tokens") + 4);
	cr_expect(!strncmp(text_at(root, "id").ptr, "chatcmpl-", 9));
	weft_json_release(doc);
	answer_free(&a);
	finish();
}

/* The deltas put together; checks what all events have in common. */
struct heard {
	char content[4096], reasoning[512], arguments[3][512], finish[64];
	int events, calls, usage, done;
};

static void hear_delta(struct heard *h, weft_json choice)
{
	weft_json_iter it = weft_json_iter_begin(at(choice, "delta/tool_calls"));
	weft_str s;

	if (weft_json_get_str(at(choice, "delta/content"), &s))
		strncat(h->content, s.ptr, s.len_bytes);
	if (weft_json_get_str(at(choice, "delta/reasoning_content"), &s))
		strncat(h->reasoning, s.ptr, s.len_bytes);
	if (weft_json_get_str(at(choice, "finish_reason"), &s))
		snprintf(h->finish, sizeof(h->finish), "%.*s", WEFT_STR_ARG(s));
	while (weft_json_iter_next(&it)) {
		int64_t i = number_at(it.value, "index");

		cr_assert(i >= 0 && i < 3);
		h->calls += weft_json_get_str(at(it.value, "id"), &s);
		s = text_at(it.value, "function/arguments");
		strncat(h->arguments[i], s.ptr, s.len_bytes);
	}
}

static struct heard hear(const struct answer *a)
{
	struct heard h = { .events = 0 };
	const char *event = a->body;

	while (event && *event) {
		const char *end = strstr(event, "\n\n");
		weft_json_doc *doc;

		cr_assert(end && !strncmp(event, "data: ", 6), "%s", event);
		cr_assert_eq(h.done, 0, "nothing behind [DONE]");
		if (!strncmp(event, "data: [DONE]\n", 13)) {
			h.done++;
		} else {
			cr_assert_eq(weft_json_parse((weft_str){ event + 6, (size_t)(end - event) - 6 }, &doc, NULL), 0, "%s", event);
			says(weft_json_root(doc), "object", "chat.completion.chunk");
			if (weft_json_count(at(weft_json_root(doc), "choices")))
				hear_delta(&h, at(weft_json_root(doc), "choices/0"));
			h.usage += weft_json_typeof(at(weft_json_root(doc), "usage")) == WEFT_JSON_OBJECT;
			h.events++;
			weft_json_release(doc);
		}
		event = end + 2;
	}
	return h;
}

Test(mock_llm, chat__as_a_stream)
{
	struct answer a;
	struct heard h;

	serve_plainly();
	a = chat("{\"model\":\"m\",\"stream\":true,\"messages\":[{\"role\":\"user\",\"content\":\"say \\\"\xc3\xa9t\xc3\xa9\\\"\\nagain\"}]}");
	cr_expect(a.status == 200 && a.whole && strstr(a.head, "Content-Type: text/event-stream"), "%s", a.bytes);
	h = hear(&a);
	cr_expect_str_eq(h.content, "You said: say \"\xc3\xa9t\xc3\xa9\"\nagain");
	cr_expect_str_eq(h.finish, "stop");
	cr_expect(h.done == 1 && h.usage == 0 && h.events == 7);
	answer_free(&a);
	a = chat("{\"model\":\"m\",\"stream\":true,\"stream_options\":{\"include_usage\":true},\"max_tokens\":2,\"messages\":[{\"role\":\"user\",\"content\":\"x\"}]}");
	h = hear(&a);
	cr_expect_str_eq(h.content, "You said:");
	cr_expect_str_eq(h.finish, "length");
	cr_expect(h.done == 1 && h.usage == 1);
	answer_free(&a);
	finish();
}

/* The choices of a stream, each put together. */
static void hear_choices(const struct answer *a, struct heard *each, int n)
{
	for (const char *event = a->body, *end; !strncmp(event, "data: {", 7); event = end + 2) {
		weft_json_doc *doc;
		weft_json choice;
		int64_t i;

		end = strstr(event, "\n\n");
		cr_assert_not_null(end);
		cr_assert_eq(weft_json_parse((weft_str){ event + 6, (size_t)(end - event) - 6 }, &doc, NULL), 0, "%s", event);
		choice = at(weft_json_root(doc), "choices/0");
		if (weft_json_typeof(choice) != WEFT_JSON_NONE) {
			i = number_at(choice, "index");
			cr_assert(i >= 0 && i < n);
			cr_expect_str_eq(each[i].finish, "", "nothing behind the end");
			hear_delta(&each[i], choice);
			each[i].events++;
		}
		weft_json_release(doc);
	}
}

Test(mock_llm, chat__several_choices)
{
	static struct heard each[3];
	weft_mock_llm_options o = WEFT_MOCK_LLM_OPTIONS_INIT;
	weft_json_doc *doc;
	struct answer a;

	o.answer_tokens = 20;
	serve(&o);
	a = chat(WITH("\"n\":3"));
	doc = parsed(&a);
	cr_expect_eq(weft_json_count(at(weft_json_root(doc), "choices")), 3);
	cr_expect_eq(number_at(weft_json_root(doc), "choices/2/index"), 2);
	says(weft_json_root(doc), "choices/2/finish_reason", "stop");
	cr_expect_eq(number_at(weft_json_root(doc), "usage/completion_tokens"), 60);
	cr_expect(!weft_str_eq(text_at(weft_json_root(doc), "choices/0/message/content"), text_at(weft_json_root(doc), "choices/1/message/content")));
	weft_json_release(doc);
	answer_free(&a);
	a = chat(WITH("\"n\":3,\"stream\":true"));
	hear_choices(&a, each, 3);
	for (int i = 0; i < 3; i++) {
		cr_expect_eq(each[i].events, 22);
		cr_expect_str_eq(each[i].finish, "stop");
	}
	cr_expect(strcmp(each[0].content, each[2].content) != 0);
	answer_free(&a);
	a = chat(WITH("\"n\":128,\"max_tokens\":1"));
	doc = parsed(&a);
	cr_expect_eq(number_at(weft_json_root(doc), "choices/127/index"), 127);
	weft_json_release(doc);
	answer_free(&a);
	cr_expect_eq(finish().tokens, 60 + 60 + 128);
}

Test(mock_llm, chat__made_up_words_of_a_length)
{
	weft_mock_llm_options o = WEFT_MOCK_LLM_OPTIONS_INIT;
	struct answer a;
	struct heard h;

	o.answer_tokens = 50;
	serve(&o);
	a = chat("{\"model\":\"m\",\"stream\":true,\"messages\":[{\"role\":\"user\",\"content\":\"x\"}]}");
	h = hear(&a);
	cr_expect_eq(h.events, 52);
	cr_expect_gt(strlen(h.content), 100);
	answer_free(&a);
	cr_expect_eq(finish().tokens, 50);
}

/* A call that is required, and an answer that has to be JSON: both fit their schemas. */
static void fits(const char *schema_text, weft_str json)
{
	weft_json_doc *schema_doc, *doc;
	weft_json_schema *schema;
	weft_error err = { 0 };

	cr_assert_eq(weft_json_parse(weft_str_from(schema_text), &schema_doc, &err), 0, "%s", err.message);
	cr_assert_eq(weft_json_schema_compile(weft_json_root(schema_doc), &schema, &err), 0, "%s", err.message);
	cr_assert_eq(weft_json_parse(json, &doc, &err), 0, "%.*s", WEFT_STR_ARG(json));
	cr_expect_eq(weft_json_schema_check(schema, weft_json_root(doc), &err), 0, "%s in %.*s", err.message, WEFT_STR_ARG(json));
	weft_json_release(doc);
	weft_json_schema_destroy(schema);
	weft_json_release(schema_doc);
}

#define SCHEMA                                                                                                        \
	"{\"type\":\"object\",\"required\":[\"city\",\"days\",\"kind\",\"at\",\"ok\"],\"additionalProperties\":false,\"properties\":{" \
	"\"city\":{\"type\":\"string\",\"minLength\":5},\"days\":{\"type\":\"integer\",\"exclusiveMinimum\":2,\"multipleOf\":5}," \
	"\"kind\":{\"enum\":[\"sun\",\"rain\"]},\"at\":{\"type\":\"array\",\"minItems\":2,\"items\":{\"anyOf\":[{\"type\":\"number\",\"minimum\":1.5}]}}," \
	"\"ok\":{\"type\":\"boolean\"},\"optional\":{\"type\":\"string\"}}}"

Test(mock_llm, what_must_fit_a_schema__does)
{
	struct answer a;
	weft_json_doc *doc;

	serve_plainly();
	a = chat("{\"model\":\"m\",\"tool_choice\":\"required\",\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"weather\",\"parameters\":" SCHEMA
	         "}}],\"messages\":[{\"role\":\"user\",\"content\":\"x\"}]}");
	doc = parsed(&a);
	says(weft_json_root(doc), "choices/0/finish_reason", "tool_calls");
	says(weft_json_root(doc), "choices/0/message/tool_calls/0/function/name", "weather");
	fits(SCHEMA, text_at(weft_json_root(doc), "choices/0/message/tool_calls/0/function/arguments"));
	weft_json_release(doc);
	answer_free(&a);
	a = chat("{\"model\":\"m\",\"response_format\":{\"type\":\"json_schema\",\"json_schema\":{\"name\":\"w\",\"schema\":" SCHEMA
	         "}},\"messages\":[{\"role\":\"user\",\"content\":\"x\"}]}");
	doc = parsed(&a);
	fits(SCHEMA, text_at(weft_json_root(doc), "choices/0/message/content"));
	weft_json_release(doc);
	answer_free(&a);
	finish();
}

/* ---- what is refused ------------------------------------------------------------------ */

static void refused(const char *body, const char *param, const char *what)
{
	struct answer a = chat(body);
	weft_json_doc *doc = parsed(&a);
	weft_str message = text_at(weft_json_root(doc), "error/message");

	cr_expect_eq(a.status, 400, "%s: %d", body, a.status);
	says(weft_json_root(doc), "error/type", "invalid_request_error");
	cr_expect(memmem(message.ptr, message.len_bytes, what, strlen(what)), "%s: %.*s", body, WEFT_STR_ARG(message));
	if (param)
		says(weft_json_root(doc), "error/param", param);
	weft_json_release(doc);
	answer_free(&a);
}

#define CALL(id) "{\"role\":\"assistant\",\"tool_calls\":[{\"id\":\"" id "\",\"type\":\"function\",\"function\":{\"name\":\"f\",\"arguments\":\"{}\"}}]}"
#define RESULT(id) "{\"role\":\"tool\",\"tool_call_id\":\"" id "\",\"content\":\"ok\"}"
#define USER "{\"role\":\"user\",\"content\":\"x\"}"

Test(mock_llm, requests__are_checked)
{
	weft_mock_llm_options o = WEFT_MOCK_LLM_OPTIONS_INIT;

	o.strict = true;
	serve(&o);
	refused("{", NULL, "not JSON");
	refused("[]", NULL, "not a JSON object");
	refused("{\"messages\":[]}", "model", "model");
	refused("{\"model\":\"m\"}", "messages", "messages");
	refused("{\"model\":\"m\",\"messages\":[]}", "messages", "one message");
	refused("{\"model\":\"m\",\"messages\":{}}", "messages", "array");
	refused(ASK("{\"content\":\"x\"}"), "messages", "no role");
	refused(ASK("{\"role\":\"robot\",\"content\":\"x\"}"), "messages", "role");
	refused(ASK("{\"role\":\"user\"}"), "messages", "no content");
	refused(ASK("{\"role\":\"user\",\"content\":5}"), "messages", "content");
	refused(ASK("{\"role\":\"assistant\"}"), "messages", "content or tool_calls");
	refused(ASK(USER "," CALL("a")), "messages", "have not been answered");
	refused(ASK(USER "," CALL("a") "," USER), "messages", "must be followed by");
	refused(ASK(USER "," CALL("a") "," RESULT("b")), "messages", "no tool call");
	refused(ASK(USER "," CALL("a") "," RESULT("a") "," RESULT("a")), "messages", "no tool call");
	refused(WITH("\"temperature\":2.5"), "temperature", "2.5");
	refused(WITH("\"temperature\":\"hot\""), "temperature", "a number");
	refused(WITH("\"max_tokens\":0"), "max_tokens", "0");
	refused(WITH("\"max_tokens\":1.5"), "max_tokens", "an integer");
	refused(WITH("\"n\":129"), "n", "129");
	refused(WITH("\"n\":0"), "n", "0");
	refused(WITH("\"stream\":1"), "stream", "a boolean");
	refused(WITH("\"stream_options\":{\"include_usage\":true}"), "stream_options", "only allowed when");
	refused(WITH("\"tool_choice\":\"required\""), "tool_choice", "only allowed when");
	refused(WITH("\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"a b\"}}]"), "tools", "name");
	refused(WITH("\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"a\",\"parameters\":5}}]"), "tools", "schema");
	refused(WITH("\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"a\"}}],\"tool_choice\":{\"type\":\"function\",\"function\":{\"name\":\"b\"}}"),
	        "tool_choice", "no such function");
	refused(WITH("\"response_format\":{\"type\":\"xml\"}"), "response_format", "json_schema");
	refused(WITH("\"stop\":[\"a\",\"b\",\"c\",\"d\",\"e\"]"), "stop", "four");
	refused(WITH("\"top_k\":5"), NULL, "Unrecognized request argument supplied: top_k");
	chat_says(WITH("\"stop\":[\"a\"],\"temperature\":2,\"seed\":-5,\"user\":null"), "You said: x");
	chat_says(ASK("{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"a\"},{\"type\":\"image_url\",\"image_url\":{\"url\":\"data:\"}},{\"type\":\"text\",\"text\":\"b\"}]}"),
	          "You said: ab");
	chat_says(ASK(USER "," CALL("a") "," RESULT("a")), "The tool said: ok");
	cr_expect_eq(finish().refused, 30);
}

Test(mock_llm, paths__keys_and_methods)
{
	weft_mock_llm_options o = WEFT_MOCK_LLM_OPTIONS_INIT;
	struct answer a;
	weft_json_doc *doc;

	o.api_key = "sk-1";
	serve(&o);
	a = chat(WITH("\"n\":1"));
	doc = parsed(&a);
	cr_expect_eq(a.status, 401);
	says(weft_json_root(doc), "error/code", "invalid_api_key");
	weft_json_release(doc);
	answer_free(&a);
	a = http_ask(port, "/chat/completions?x=y", "authorization: bearer sk-1\r\n", WITH("\"n\":1"));
	cr_expect_eq(a.status, 200);
	answer_free(&a);
	a = http_ask(port, "/v1/chat/completions", "Authorization: Bearer sk-12\r\n", WITH("\"n\":1"));
	cr_expect_eq(a.status, 401);
	answer_free(&a);
	a = http_ask(port, "/v1/chat/completions", "", NULL);
	cr_expect_eq(a.status, 405);
	answer_free(&a);
	a = http_ask(port, "/v1/nope", "", "{}");
	cr_expect(a.status == 404 && strstr(a.body, "unknown_url"));
	answer_free(&a);
	a = http_ask(port, "/health", "", NULL);
	cr_expect(a.status == 200 && strstr(a.body, "ok"));
	answer_free(&a);
	a = http_ask(port, "/v1/models", "", NULL);
	cr_expect(a.status == 200 && strstr(a.body, "\"mock\""));
	answer_free(&a);
	cr_expect(!strncmp(weft_mock_llm_url(mock), "http://127.0.0.1:", 17));
	finish();
}

Test(mock_llm, options__are_checked)
{
	weft_runtime_options opt = WEFT_RUNTIME_OPTIONS_INIT;
	weft_mock_llm *none = NULL;
	weft_error err;

	opt.workers = 1;
	cr_assert_eq(weft_runtime_create(&opt, &rt), 0);
	cr_assert_eq(weft_runtime_start(rt), 0);
#define REFUSED(field, value, code, text)                                                                             \
	do {                                                                                                          \
		weft_mock_llm_options o = WEFT_MOCK_LLM_OPTIONS_INIT;                                                 \
		o.field = value;                                                                                      \
		cr_expect_eq(weft_mock_llm_start(rt, &o, &none, &err), code, #field ": %s", err.message);             \
		cr_expect(strstr(err.message, text), #field ": %s", err.message);                                     \
	} while (0)
	REFUSED(size, 3, -EINVAL, "size");
	REFUSED(rate_429, -0.1, -EINVAL, "rates");
	REFUSED(rate_500, 1.1, -EINVAL, "rates");
	REFUSED(rate_drop_before, NAN, -EINVAL, "rates");
	REFUSED(tokens_per_s, -1, -EINVAL, "tokens_per_s");
	REFUSED(dimensions, 100000, -EINVAL, "dimensions");
	REFUSED(address, "localhost", -EINVAL, "not an IP address");
	REFUSED(latency, "fast", -EINVAL, "lognormal:MS:SIGMA");
	REFUSED(latency, "file:/nonexistent/x", -ENOENT, "/nonexistent/x");
	REFUSED(fixture, "/nonexistent/y", -ENOENT, "/nonexistent/y");
	cr_expect_null(none);
	weft_mock_llm_stop(NULL, 0, NULL);
	weft_runtime_destroy(rt);
}

static sem_t asked;
static int stats_answer, stop_answer;

static int on_stop_it(weft_actor *self, weft_msg *msg)
{
	weft_mock_llm_stats stats = { .size = sizeof(stats) };

	(void)self;
	(void)msg;
	stats_answer = weft_mock_llm_stats_read(mock, &stats);
	stop_answer = weft_mock_llm_stop(mock, SECOND, &stats);
	sem_post(&asked);
	return 0;
}

/* It would wait for itself. */
Test(mock_llm, stop__on_a_worker_is_refused_and_changes_nothing, .timeout = 120)
{
	const weft_actor_class class = { .size = sizeof(class), .name = "stopper", .behaviour = on_stop_it };
	struct answer a;
	weft_ref ref;

	serve_plainly();
	cr_assert_eq(sem_init(&asked, 0, 0), 0);
	cr_assert_eq(weft_actor_spawn(rt, &class, NULL, &ref), 0);
	cr_assert_eq(weft_send(ref, weft_msg_create(1, 0)), 0);
	sem_wait(&asked);
	cr_expect_eq(stats_answer, -EDEADLK);
	cr_expect_eq(stop_answer, -EDEADLK);
	a = http_ask(port, "/v1/models", "", NULL);
	cr_expect_eq(a.status, 200, "it still answers");
	answer_free(&a);
	cr_expect_eq(finish().requests, 1u);
}

/* ---- embeddings ------------------------------------------------------------------------ */

static uint32_t base64_value(char c)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

	return (uint32_t)(strchr(digits, c) - digits);
}

Test(mock_llm, embeddings__floats_and_base64_are_the_same)
{
	struct answer a, b;
	weft_json_doc *doc, *packed;
	float from_base64[9];
	weft_str text;
	double sum = 0, v = 0;

	serve_plainly();
	a = http_ask(port, "/v1/embeddings", "", "{\"model\":\"e\",\"input\":[\"the red fox\",\"a red fox\",\"nothing alike\",\"the red fox\"],\"dimensions\":9}");
	b = http_ask(port, "/v1/embeddings", "", "{\"model\":\"e\",\"input\":\"The Red Fox\",\"dimensions\":9,\"encoding_format\":\"base64\"}");
	cr_expect(a.status == 200 && b.status == 200);
	doc = parsed(&a);
	packed = parsed(&b);
	cr_expect_eq(weft_json_count(at(weft_json_root(doc), "data")), 4);
	cr_expect_eq(number_at(weft_json_root(doc), "data/3/index"), 3);
	text = text_at(weft_json_root(packed), "data/0/embedding");
	cr_assert_eq(text.len_bytes, 48);
	for (size_t i = 0; i < 48; i += 4) {
		uint32_t n = base64_value(text.ptr[i]) << 18 | base64_value(text.ptr[i + 1]) << 12 | base64_value(text.ptr[i + 2]) << 6 |
		             base64_value(text.ptr[i + 3]);

		for (size_t j = 0; j < 3; j++)
			((uint8_t *)from_base64)[i / 4 * 3 + j] = (uint8_t)(n >> (16 - 8 * j));
	}
	for (int i = 0; i < 9; i++) {
		char path[64], again[64];

		snprintf(path, sizeof(path), "data/0/embedding/%d", i);
		snprintf(again, sizeof(again), "data/3/embedding/%d", i);
		cr_assert(weft_json_get_double(at(weft_json_root(doc), path), &v));
		cr_expect_eq((float)v, from_base64[i]);
		sum += v * v;
		cr_expect(weft_json_get_double(at(weft_json_root(doc), again), &v) && (float)v == from_base64[i]);
	}
	cr_expect(fabs(sum - 1) < 1e-5);
	weft_json_release(doc);
	weft_json_release(packed);
	answer_free(&a);
	answer_free(&b);
	cr_expect_eq(finish().embeddings, 5);
}

Test(mock_llm, embeddings__are_checked)
{
	static const char *const bodies[] = { "{\"input\":\"x\"}", "{\"model\":\"m\"}", "{\"model\":\"m\",\"input\":\"\"}", "{\"model\":\"m\",\"input\":[]}",
		                              "{\"model\":\"m\",\"input\":[{}]}", "{\"model\":\"m\",\"input\":[[1,\"a\"]]}",
		                              "{\"model\":\"m\",\"input\":\"x\",\"encoding_format\":\"hex\"}",
		                              "{\"model\":\"m\",\"input\":\"x\",\"dimensions\":0}", "5" };
	struct answer a;

	serve_plainly();
	for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
		a = http_ask(port, "/v1/embeddings", "", bodies[i]);
		cr_expect_eq(a.status, 400, "%s: %s", bodies[i], a.bytes);
		answer_free(&a);
	}
	a = http_ask(port, "/v1/embeddings", "", "{\"model\":\"m\",\"input\":[1,2,3]}");
	cr_expect_eq(a.status, 200);
	answer_free(&a);
	finish();
}

/* ---- Anthropic's ------------------------------------------------------------------------ */

Test(mock_llm, messages__whole_and_as_a_stream)
{
	struct answer a;
	weft_json_doc *doc;

	serve_plainly();
	a = http_ask(port, "/v1/messages", "", "{\"model\":\"c\",\"max_tokens\":100,\"system\":\"s\",\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}]}");
	doc = parsed(&a);
	cr_expect_eq(a.status, 200);
	says(weft_json_root(doc), "type", "message");
	says(weft_json_root(doc), "content/0/text", "You said: hi");
	says(weft_json_root(doc), "stop_reason", "end_turn");
	weft_json_release(doc);
	answer_free(&a);
	a = http_ask(port, "/v1/messages", "",
	             "{\"model\":\"c\",\"max_tokens\":100,\"stream\":true,\"tool_choice\":{\"type\":\"any\"},\"tools\":[{\"name\":\"f\",\"input_schema\":{\"type\":\"object\"}}],"
	             "\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"hi\"}]}]}");
	cr_expect(a.whole && strstr(a.body, "event: message_start\ndata: {") && strstr(a.body, "\"type\":\"tool_use\"") &&
	          strstr(a.body, "\"partial_json\":\"{}\"") && strstr(a.body, "\"stop_reason\":\"tool_use\"") && strstr(a.body, "event: message_stop\n"),
	          "%s", a.body);
	answer_free(&a);
	a = http_ask(port, "/v1/messages", "", "{\"model\":\"c\",\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}]}");
	doc = parsed(&a);
	cr_expect_eq(a.status, 400);
	says(weft_json_root(doc), "type", "error");
	says(weft_json_root(doc), "error/type", "invalid_request_error");
	weft_json_release(doc);
	answer_free(&a);
	a = http_ask(port, "/v1/messages", "",
	             "{\"model\":\"c\",\"max_tokens\":9,\"messages\":[{\"role\":\"user\",\"content\":\"hi\"},{\"role\":\"assistant\",\"content\":[{\"type\":\"tool_use\",\"id\":\"a\",\"name\":\"f\",\"input\":{}}]},"
	             "{\"role\":\"user\",\"content\":[{\"type\":\"tool_result\",\"tool_use_id\":\"a\",\"content\":\"42\"}]}]}");
	cr_expect(strstr(a.body, "The tool said: 42"), "%s", a.body);
	answer_free(&a);
	finish();
}

/* ---- the fixture -------------------------------------------------------------------------- */

static char folder[256], path[512];

static const char *write_file(const char *text)
{
	FILE *f;

	if (!folder[0])
		cr_assert_not_null(test_folder(folder));
	snprintf(path, sizeof(path), "%s/fixture", folder);
	f = fopen(path, "w");
	cr_assert(f && fputs(text, f) >= 0 && fclose(f) == 0);
	return path;
}

static void file_gone(void)
{
	test_folder_remove(folder);
	folder[0] = '\0';
}

Test(mock_llm, fixture__answers_what_fits)
{
	weft_mock_llm_options o = WEFT_MOCK_LLM_OPTIONS_INIT;
	struct answer a;
	struct heard h;

	o.fixture = write_file(
		"{\"models\":[\"m\",\"big\"],\"answers\":[\n"
		"{\"match\":{\"user\":\"once\"},\"times\":1,\"text\":\"only once\"},\n"
		"{\"match\":{\"user_contains\":\"weather\",\"turn\":1},\"reasoning\":\"let me see\",\"tool_calls\":[{\"name\":\"f\",\"id\":\"c1\",\"arguments\":{\"city\":\"Oslo \xc3\xa9\xc3\xa9\xc3\xa9\"}},{\"name\":\"g\",\"arguments\":\"{broken\"}]},\n"
		"{\"match\":{\"tool_result_contains\":\"rain\"},\"text\":\"take an umbrella\"},\n"
		"{\"match\":{\"user\":\"busy\"},\"error\":{\"status\":429,\"message\":\"slow down\",\"code\":\"insufficient_quota\",\"retry_after_s\":7}},\n"
		"{\"match\":{\"user\":\"drop\",\"stream\":true},\"disconnect\":\"middle\",\"text\":\"a b c d e f g h\"},\n"
		"{\"match\":{\"user\":\"drop\"},\"disconnect\":\"before\"},\n"
		"{\"match\":{\"user\":\"half\"},\"disconnect\":\"middle\",\"text\":\"a b c\"},\n"
		"{\"match\":{\"model\":\"big\",\"system_contains\":\"poet\"},\"text\":\"rose\",\"finish_reason\":\"content_filter\",\"delay_ms\":1},\n"
		"{\"text\":\"else\"}]}");
	serve(&o);
	chat_says(ASK("{\"role\":\"user\",\"content\":\"once\"}"), "only once");
	chat_says(ASK("{\"role\":\"user\",\"content\":\"once\"}"), "else");
	chat_says("{\"model\":\"big\",\"messages\":[{\"role\":\"system\",\"content\":\"a poet\"},{\"role\":\"user\",\"content\":\"x\"}]}", "rose");
	a = chat("{\"model\":\"m\",\"stream\":true,\"messages\":[{\"role\":\"user\",\"content\":\"the weather?\"}]}");
	h = hear(&a);
	cr_expect_str_eq(h.reasoning, "let me see");
	cr_expect_str_eq(h.arguments[0], "{\"city\":\"Oslo \xc3\xa9\xc3\xa9\xc3\xa9\"}");
	cr_expect_str_eq(h.arguments[1], "{broken");
	cr_expect(h.calls == 2 && !strcmp(h.finish, "tool_calls"));
	answer_free(&a);
	chat_says(ASK("{\"role\":\"user\",\"content\":\"the weather?\"}," CALL("c1") ",{\"role\":\"tool\",\"tool_call_id\":\"c1\",\"content\":\"rain\"}"), "take an umbrella");
	a = chat(ASK("{\"role\":\"user\",\"content\":\"busy\"}"));
	cr_expect(a.status == 429 && strstr(a.head, "Retry-After: 7\r\n") && strstr(a.body, "slow down") && strstr(a.body, "insufficient_quota"), "%s", a.bytes);
	answer_free(&a);
	a = chat(ASK("{\"role\":\"user\",\"content\":\"drop\"}"));
	cr_expect(a.status == 0 && a.error == ECONNRESET && !strlen(a.bytes));
	answer_free(&a);
	a = chat(ASK("{\"role\":\"user\",\"content\":\"half\"}"));
	cr_expect(a.status == 200 && a.error == ECONNRESET && !a.whole && a.body_len > 50);
	answer_free(&a);
	a = chat("{\"model\":\"m\",\"stream\":true,\"messages\":[{\"role\":\"user\",\"content\":\"drop\"}]}");
	cr_expect(a.status == 200 && a.error == ECONNRESET && !a.whole);
	h = hear(&a);
	cr_expect_str_eq(h.content, "a b c d");
	cr_expect_eq(h.done, 0);
	answer_free(&a);
	a = chat("{\"model\":\"other\",\"messages\":[{\"role\":\"user\",\"content\":\"x\"}]}");
	cr_expect(a.status == 404 && strstr(a.body, "model_not_found"));
	answer_free(&a);
	cr_expect_eq(finish().faults, 4);
	file_gone();
}

/* An entry without faults of its own does not protect from those that are drawn. */
Test(mock_llm, fixture__entries_meet_drawn_faults)
{
	weft_mock_llm_options o = WEFT_MOCK_LLM_OPTIONS_INIT;
	struct answer a;

	o.rate_500 = 1;
	o.fixture = write_file("{\"answers\":[{\"match\":{\"user\":\"own\"},\"error\":{\"status\":429}},{\"text\":\"fine\"}]}");
	serve(&o);
	a = chat(ASK("{\"role\":\"user\",\"content\":\"any\"}"));
	cr_expect_eq(a.status, 500);
	answer_free(&a);
	a = chat(ASK("{\"role\":\"user\",\"content\":\"own\"}"));
	cr_expect_eq(a.status, 429);
	answer_free(&a);
	cr_expect_eq(finish().faults, 2);
	file_gone();
}

Test(mock_llm, fixture__says_what_is_wrong_with_it)
{
	static const struct { const char *text, *what; uint32_t line; } cases[] = {
		{ "{\"answers\":[\n{\"txt\":\"x\"}]}", "/answers/0/txt: there is no such member", 2 },
		{ "{\n\"answer\":[]}", "/answer: there is no such member", 2 },
		{ "{\"answers\":[{},\n{\"match\":{\"users\":\"x\"}}]}", "/answers/1/match/users", 2 },
		{ "{\"answers\":[{\"times\":-1}]}", "whole number", 1 },
		{ "{\"answers\":[{\"text\":5}]}", "want a string", 1 },
		{ "{\"answers\":[{\"tool_calls\":[{\"name\":\"x\"}]}]}", "name and arguments", 1 },
		{ "{\"answers\":[{\"error\":{\"status\":200}}]}", "from 400 to 599", 1 },
		{ "{\"answers\":[{\"disconnect\":\"now\"}]}", "\"before\" or \"middle\"", 1 },
		{ "{\"answers\":{}}", "want a list", 1 },
		{ "{\"models\":[1]}", "list of names", 1 },
	};
	weft_runtime_options opt = WEFT_RUNTIME_OPTIONS_INIT;

	opt.workers = 1;
	cr_assert_eq(weft_runtime_create(&opt, &rt), 0);
	cr_assert_eq(weft_runtime_start(rt), 0);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		weft_mock_llm_options o = WEFT_MOCK_LLM_OPTIONS_INIT;
		weft_mock_llm *none = NULL;
		weft_error err = { 0 };

		o.fixture = write_file(cases[i].text);
		cr_expect_eq(weft_mock_llm_start(rt, &o, &none, &err), WEFT_ECONFIG, "%s", cases[i].text);
		cr_expect(strstr(err.message, cases[i].what) && strstr(err.message, path), "%s", err.message);
		cr_expect_eq(err.line, cases[i].line, "%s", err.message);
	}
	weft_runtime_destroy(rt);
	file_gone();
}
