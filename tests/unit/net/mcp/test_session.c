/* SPDX-License-Identifier: Apache-2.0 */
/* session: transcripts of the handshake in all versions, lists, what the server tells and asks, losses at any moment. */
#include "mcp_test.h"
#include "net/mcp/session.h"
#include "runtime/base/clock.h"
#include "tests/support/seed.h"

static uint64_t now_ns;
static struct weft__mcp_session s;
static struct weft__mcp_asked *asked_last;
static bool is_over;

static int64_t wall(void *user)
{
	(void)user;
	return 0;
}

static uint64_t clock_now(void *user)
{
	(void)user;
	return now_ns;
}

static const struct weft__clock_source clock_source = { clock_now, wall, NULL };

static int t_send(struct weft__mcp_transport *t, weft_str text, int64_t id)
{
	(void)t;
	(void)id;
	return keep_sent(text);
}

static void t_greeted(struct weft__mcp_transport *t, const char *version)
{
	(void)t;
	happened("greeted %s;", version);
}

static struct weft__mcp_transport transport = { .send = t_send, .greeted = t_greeted };

static void on_ready(struct weft__mcp_session *x, int status, weft_str why)
{
	(void)x;
	happened("ready %s %.*s;", status ? weft_errname(status) : "0", WEFT_STR_ARG(why));
}

static void on_changed(struct weft__mcp_session *x, enum weft__mcp_listed what)
{
	(void)x;
	happened("changed %d;", what);
}

static void on_updated(struct weft__mcp_session *x, weft_str uri)
{
	(void)x;
	happened("updated %.*s;", WEFT_STR_ARG(uri));
}

static void on_logged(struct weft__mcp_session *x, weft_str level, weft_str logger, weft_str text)
{
	(void)x;
	happened("log %.*s %.*s %.*s;", WEFT_STR_ARG(level), WEFT_STR_ARG(logger), WEFT_STR_ARG(text));
}

static void on_asked(struct weft__mcp_session *x, struct weft__mcp_asked *asked)
{
	(void)x;
	asked_last = asked;
	happened("asked %.*s;", WEFT_STR_ARG(asked->method));
}

static void on_gone(struct weft__mcp_session *x, struct weft__mcp_asked *asked)
{
	(void)x;
	happened("gone %.*s;", WEFT_STR_ARG(asked->method));
}

static void on_odd(struct weft__mcp_session *x, const char *what, weft_str text)
{
	(void)x;
	(void)text;
	happened("odd %s;", what);
}

static const struct weft__mcp_session_fns fns = { on_ready, on_changed, on_updated, on_logged, on_asked, on_gone, on_odd };

static struct weft__mcp_config config;

static void setup(void)
{
	transcript_reset();
	now_ns = 0;
	is_over = false;
	weft__clock_source_set(&clock_source);
	config = (struct weft__mcp_config){ .client_name = "weft", .client_version = "1", .greet_ns = 100, .list_ns = 50 };
	cr_assert_eq(weft__mcp_init(&s, &fns, &config, &transport), 0);
}

static void lose(void)
{
	weft__mcp_lost(&s, -EPIPE, WEFT_STR("pipe closed"));
	is_over = true;
}

static void teardown(void)
{
	if (!is_over)
		lose();
	weft__mcp_fini(&s);
	weft__clock_source_set(NULL);
	transcript_reset();
}

TestSuite(session, .init = setup, .fini = teardown);

static void says(const char *json)
{
	weft__mcp_received(&s, weft_str_from(json));
}

static void greet(const char *version, const char *capabilities)
{
	char text[512];

	cr_assert_eq(weft__mcp_start(&s), 0);
	sent_read = sent_count;
	snprintf(text, sizeof(text),
	         "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"protocolVersion\":\"%s\",\"capabilities\":%s,"
	         "\"serverInfo\":{\"name\":\"srv\",\"version\":\"2\"},\"instructions\":\"be kind\"}}",
	         version, capabilities);
	says(text);
	expect_sent("{\"jsonrpc\":\"2.0\",\"method\":\"notifications/initialized\",\"params\":{}}");
	events[0] = '\0';
}

Test(session, handshake)
{
	static const char *const roots[] = { "file:///home" };

	config.roots = roots;
	config.root_count = 1;
	config.sampling = config.elicitation = true;
	config.log_level = "warning";
	cr_assert_eq(weft__mcp_start(&s), 0);
	expect_sent("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"initialize\",\"params\":{\"protocolVersion\":\"2025-11-25\","
	            "\"capabilities\":{\"roots\":{},\"sampling\":{},\"elicitation\":{}},"
	            "\"clientInfo\":{\"name\":\"weft\",\"version\":\"1\"}}}");
	says("{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"protocolVersion\":\"2025-06-18\",\"capabilities\":"
	     "{\"logging\":{},\"tools\":{\"listChanged\":true}},\"serverInfo\":{\"name\":\"srv\",\"version\":\"2\"}}}");
	expect_events("greeted 2025-06-18;ready 0 ;");
	expect_sent("{\"jsonrpc\":\"2.0\",\"method\":\"notifications/initialized\",\"params\":{}}");
	expect_sent("{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"logging/setLevel\",\"params\":{\"level\":\"warning\"}}");
	cr_assert_eq(s.capabilities, WEFT__MCP_TOOLS | WEFT__MCP_TOOLS_CHANGE | WEFT__MCP_LOGGING);
	cr_assert_str_eq(s.server_name, "srv");
	cr_assert_null(s.instructions);
	says("{\"jsonrpc\":\"2.0\",\"id\":\"r\",\"method\":\"roots/list\"}");
	expect_sent("{\"jsonrpc\":\"2.0\",\"id\":\"r\",\"result\":{\"roots\":[{\"uri\":\"file:///home\"}]}}");
}

Test(session, all_versions_and_no_other)
{
	static const char *const known[] = { "2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25" };

	for (int i = 0; i < 4; i++) {
		if (i) {
			teardown();
			setup();
		}
		greet(known[i], "{}");
		cr_assert_str_eq(s.version, known[i]);
		cr_assert_eq(s.rpc.batches, i < 2);
	}
	teardown();
	setup();
	weft__mcp_start(&s);
	says("{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"protocolVersion\":\"1999-01-01\",\"capabilities\":{}}}");
	expect_events("ready EPROTO the server speaks no version of the protocol that is known here;");
	cr_assert_not(weft__mcp_is_ready(&s));
}

Test(session, a_handshake_that_fails)
{
	weft__mcp_start(&s);
	cr_assert_eq(weft__mcp_due(&s), 100);
	now_ns = 100;
	sent_read = sent_count;
	weft__mcp_tick(&s);
	expect_nothing_sent(); /* a handshake is not called off */
	expect_events("ready ETIMEDOUT no answer in time;");
	teardown();
	setup();
	weft__mcp_start(&s);
	says("{\"jsonrpc\":\"2.0\",\"id\":1,\"error\":{\"code\":-32602,\"message\":\"Unsupported protocol version\"}}");
	expect_events("ready EREMOTEIO Unsupported protocol version;");
	teardown();
	setup();
	weft__mcp_start(&s);
	lose();
	expect_events("ready EPIPE pipe closed;");
}

Test(session, pings_both_ways)
{
	static struct weft__rpc_call ping;

	greet("2025-11-25", "{}");
	says("{\"jsonrpc\":\"2.0\",\"id\":7,\"method\":\"ping\"}");
	expect_sent("{\"jsonrpc\":\"2.0\",\"id\":7,\"result\":{}}");
	ping.done = s.hello.done;
	weft__mcp_open(&s, &ping, WEFT_STR("ping"));
	cr_assert_eq(weft__mcp_commit(&s), 0);
	expect_sent("{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"ping\",\"params\":{}}");
	weft__mcp_drop(&s, &ping, WEFT_STR("enough"));
}

Test(session, nothing_before_the_handshake)
{
	static struct weft__rpc_call call;

	weft__mcp_start(&s);
	weft__mcp_open(&s, &call, WEFT_STR("x"));
	cr_assert_eq(weft__mcp_commit(&s), -ENOTCONN);
	says("{\"jsonrpc\":\"2.0\",\"method\":\"notifications/tools/list_changed\"}");
	expect_events("odd a notification before the handshake;");
}

Test(session, what_the_server_tells)
{
	greet("2025-11-25", "{}");
	says("{\"jsonrpc\":\"2.0\",\"method\":\"notifications/tools/list_changed\"}");
	says("{\"jsonrpc\":\"2.0\",\"method\":\"notifications/resources/list_changed\"}");
	says("{\"jsonrpc\":\"2.0\",\"method\":\"notifications/prompts/list_changed\"}");
	says("{\"jsonrpc\":\"2.0\",\"method\":\"notifications/resources/updated\",\"params\":{\"uri\":\"a:b\"}}");
	says("{\"jsonrpc\":\"2.0\",\"method\":\"notifications/message\",\"params\":{\"level\":\"error\",\"logger\":\"db\",\"data\":\"gone\"}}");
	says("{\"jsonrpc\":\"2.0\",\"method\":\"notifications/message\",\"params\":{\"data\":{\"a\":1}}}");
	says("{\"jsonrpc\":\"2.0\",\"method\":\"notifications/of_tomorrow\"}");
	expect_events("changed 0;changed 1;changed 3;updated a:b;log error db gone;log info  {\"a\":1};");
}

Test(session, what_is_not_offered_is_refused)
{
	greet("2025-11-25", "{}");
	says("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"sampling/createMessage\",\"params\":{}}");
	says("{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"roots/list\"}");
	expect_sent("{\"jsonrpc\":\"2.0\",\"id\":1,\"error\":{\"code\":-32601,\"message\":\"no such method here\"}}");
	expect_sent("{\"jsonrpc\":\"2.0\",\"id\":2,\"error\":{\"code\":-32601,\"message\":\"no such method here\"}}");
	expect_events("");
}

static int answer(const char *json)
{
	weft_json_doc *doc = NULL;
	int r;

	cr_assert_eq(weft_json_parse(weft_str_from(json), &doc, NULL), 0);
	r = weft__mcp_answer(asked_last, weft_json_root(doc), NULL);
	weft_json_release(doc);
	return r;
}

Test(session, elicitation_and_sampling)
{
	config.sampling = config.elicitation = true;
	config.asked_max = 1;
	greet("2025-11-25", "{}");
	says("{\"jsonrpc\":\"2.0\",\"id\":5,\"method\":\"elicitation/create\",\"params\":{\"message\":\"who?\",\"requestedSchema\":"
	     "{\"type\":\"object\",\"properties\":{\"name\":{\"type\":\"string\",\"default\":\"Ann\"}}}}}");
	says("{\"jsonrpc\":\"2.0\",\"id\":6,\"method\":\"sampling/createMessage\",\"params\":{}}");
	expect_sent("{\"jsonrpc\":\"2.0\",\"id\":6,\"error\":{\"code\":-32603,\"message\":\"too many requests wait for an answer here\"}}");
	cr_assert_eq(answer("{\"action\":\"accept\",\"content\":{\"name\":7}}"), WEFT_ESCHEMA);
	cr_assert_eq(answer("{\"action\":\"accept\"}"), 0);
	expect_sent("{\"jsonrpc\":\"2.0\",\"id\":5,\"result\":{\"action\":\"accept\",\"content\":{\"name\":\"Ann\"}}}");
	says("{\"jsonrpc\":\"2.0\",\"id\":\"s\",\"method\":\"sampling/createMessage\",\"params\":{\"maxTokens\":5}}");
	cr_assert_eq(answer("{\"role\":\"assistant\",\"content\":{\"type\":\"text\",\"text\":\"hi\"},\"model\":\"m\"}"), 0);
	expect_sent("{\"jsonrpc\":\"2.0\",\"id\":\"s\",\"result\":{\"role\":\"assistant\",\"content\":{\"type\":\"text\",\"text\":\"hi\"},\"model\":\"m\"}}");
	says("{\"jsonrpc\":\"2.0\",\"id\":8,\"method\":\"elicitation/create\",\"params\":{\"mode\":\"url\",\"url\":\"https://x\"}}");
	expect_sent("{\"jsonrpc\":\"2.0\",\"id\":8,\"error\":{\"code\":-32602,\"message\":\"only forms are offered\"}}");
	says("{\"jsonrpc\":\"2.0\",\"id\":9,\"method\":\"sampling/createMessage\",\"params\":{}}");
	weft__mcp_refuse(asked_last, -1, WEFT_STR("not now"));
	expect_sent("{\"jsonrpc\":\"2.0\",\"id\":9,\"error\":{\"code\":-1,\"message\":\"not now\"}}");
	expect_events("asked elicitation/create;asked sampling/createMessage;asked sampling/createMessage;");
}

Test(session, the_server_lets_go_of_what_it_asked)
{
	config.sampling = true;
	greet("2025-11-25", "{}");
	says("{\"jsonrpc\":\"2.0\",\"id\":\"q1\",\"method\":\"sampling/createMessage\",\"params\":{}}");
	says("{\"jsonrpc\":\"2.0\",\"id\":12,\"method\":\"sampling/createMessage\",\"params\":{}}");
	says("{\"jsonrpc\":\"2.0\",\"id\":13,\"method\":\"sampling/createMessage\",\"params\":{}}");
	events[0] = '\0';
	says("{\"jsonrpc\":\"2.0\",\"method\":\"notifications/cancelled\",\"params\":{\"requestId\":\"q\"}}");
	says("{\"jsonrpc\":\"2.0\",\"method\":\"notifications/cancelled\",\"params\":{\"requestId\":1}}");
	expect_events("");
	says("{\"jsonrpc\":\"2.0\",\"method\":\"notifications/cancelled\",\"params\":{\"requestId\":\"q1\"}}");
	says("{\"jsonrpc\":\"2.0\",\"method\":\"notifications/cancelled\",\"params\":{\"requestId\":12}}");
	expect_events("gone sampling/createMessage;gone sampling/createMessage;");
	lose();
	expect_events("gone sampling/createMessage;");
}

/* ---- lists ---- */

static struct weft__mcp_list list;

static int on_item(struct weft__mcp_list *l, weft_json item)
{
	weft_str name = { 0 };

	(void)l;
	weft_json_get_str(weft_json_find(item, WEFT_STR("name")), &name);
	happened("%.*s,", WEFT_STR_ARG(name));
	return 0;
}

static void on_list_done(struct weft__mcp_list *l, int status, weft_str why)
{
	(void)l;
	happened("done %s %.*s;", status ? weft_errname(status) : "0", WEFT_STR_ARG(why));
}

static void list_begin(void)
{
	list = (struct weft__mcp_list){ .item = on_item, .done = on_list_done };
	cr_assert_eq(weft__mcp_list_start(&s, &list, WEFT__MCP_LIST_TOOLS), 0);
	sent_read = sent_count - 1;
}

Test(session, a_list_in_pages)
{
	greet("2025-11-25", "{\"tools\":{}}");
	list_begin();
	expect_sent("{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"tools/list\",\"params\":{}}");
	says("{\"jsonrpc\":\"2.0\",\"id\":2,\"result\":{\"tools\":[{\"name\":\"a\"},{\"name\":\"b\"}],\"nextCursor\":\"p2\"}}");
	expect_sent("{\"jsonrpc\":\"2.0\",\"id\":3,\"method\":\"tools/list\",\"params\":{\"cursor\":\"p2\"}}");
	says("{\"jsonrpc\":\"2.0\",\"id\":3,\"result\":{\"tools\":[],\"nextCursor\":\"p3\"}}");
	expect_sent("{\"jsonrpc\":\"2.0\",\"id\":4,\"method\":\"tools/list\",\"params\":{\"cursor\":\"p3\"}}");
	says("{\"jsonrpc\":\"2.0\",\"id\":4,\"result\":{\"tools\":[{\"name\":\"c\"}]}}");
	expect_events("a,b,c,done 0 ;");
	cr_assert_eq(weft__mcp_list_start(&s, &list, WEFT__MCP_LIST_PROMPTS), -EOPNOTSUPP);
}

Test(session, lists_that_do_not_end)
{
	config.items_max = 3;
	greet("2025-11-25", "{\"tools\":{}}");
	list_begin();
	says("{\"jsonrpc\":\"2.0\",\"id\":2,\"result\":{\"tools\":[{\"name\":\"a\"}],\"nextCursor\":\"p2\"}}");
	says("{\"jsonrpc\":\"2.0\",\"id\":3,\"result\":{\"tools\":[{\"name\":\"a\"}],\"nextCursor\":\"p2\"}}");
	expect_events("a,a,done EBADMSG the list goes in circles;");
	list_begin();
	says("{\"jsonrpc\":\"2.0\",\"id\":4,\"result\":{\"tools\":[{},{},{},{}]}}");
	expect_events(",,,done E2BIG the list is too long;");
	list_begin();
	says("{\"jsonrpc\":\"2.0\",\"id\":5,\"result\":{\"tool\":[]}}");
	expect_events("done EBADMSG the answer has no list;");
	list_begin();
	lose();
	expect_events("done EPIPE pipe closed;");
}

Test(session, a_list_given_up)
{
	greet("2025-11-25", "{\"tools\":{}}");
	list_begin();
	says("{\"jsonrpc\":\"2.0\",\"id\":2,\"result\":{\"tools\":[{\"name\":\"a\"}],\"nextCursor\":\"p2\"}}");
	weft__mcp_list_stop(&list);
	weft__mcp_list_stop(&list);
	says("{\"jsonrpc\":\"2.0\",\"id\":3,\"result\":{\"tools\":[{\"name\":\"b\"}]}}");
	expect_events("a,");
}
