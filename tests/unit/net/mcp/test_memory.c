/* SPDX-License-Identifier: Apache-2.0 */
/*
 * memory: a whole session, the n-th allocation of it failing, for every n. Law: what was begun ends once, what the
 * server asked is answered or gone, nothing crashes; the leak sanitizer sees to the rest.
 */
#include "../json_test.h"
#include "mcp_test.h"
#include "net/mcp/catalog.h"
#include "net/mcp/content.h"
#include "net/mcp/lines.h"
#include "net/mcp/session.h"

static struct weft__lines lines;
static struct weft__mcp_session s;
static uint32_t begun, ended, questions, settled;

static int t_send(struct weft__mcp_transport *t, weft_str text, int64_t id)
{
	(void)t;
	(void)text;
	(void)id;
	return 0;
}

static struct weft__mcp_transport transport = { .send = t_send };

static void on_ready(struct weft__mcp_session *x, int status, weft_str why)
{
	(void)x;
	(void)status;
	(void)why;
	ended++;
}

static void on_changed(struct weft__mcp_session *x, enum weft__mcp_listed what)
{
	(void)x;
	(void)what;
}

static void on_text(struct weft__mcp_session *x, weft_str text)
{
	(void)x;
	(void)text;
}

static void on_logged(struct weft__mcp_session *x, weft_str level, weft_str logger, weft_str text)
{
	(void)x;
	(void)level;
	(void)logger;
	(void)text;
}

static void on_asked(struct weft__mcp_session *x, struct weft__mcp_asked *asked)
{
	weft_json_doc *doc = NULL;
	int r = weft_json_parse(WEFT_STR("{\"action\":\"accept\",\"content\":{\"a\":1}}"), &doc, NULL);

	(void)x;
	questions++;
	settled++;
	if (r == 0)
		r = weft__mcp_answer(asked, weft_json_root(doc), NULL);
	weft_json_release(doc);
	if (r < 0)
		weft__mcp_refuse(asked, -1, WEFT_STR("no memory"));
}

static void on_gone(struct weft__mcp_session *x, struct weft__mcp_asked *asked)
{
	(void)x;
	(void)asked;
	settled++;
}

static void on_odd(struct weft__mcp_session *x, const char *what, weft_str text)
{
	(void)x;
	(void)what;
	(void)text;
}

static const struct weft__mcp_session_fns fns = { on_ready, on_changed, on_text, on_logged, on_asked, on_gone, on_odd };

static void on_done(struct weft__rpc_call *call, const struct weft__rpc_answer *answer)
{
	weft_arena *arena;
	weft_str text;
	bool failed;

	(void)call;
	ended++;
	if (answer->status || weft_arena_create(0, &arena) < 0)
		return;
	(void)weft__mcp_content_text(answer->result, 1000, arena, &text, &failed);
	weft_arena_destroy(arena);
}

static struct weft__mcp_catalog *catalog;

static int on_item(struct weft__mcp_list *list, weft_json item)
{
	(void)list;
	return catalog ? weft__mcp_catalog_add(catalog, item) : -ENOMEM;
}

static void on_listed(struct weft__mcp_list *list, int status, weft_str why)
{
	(void)list;
	cr_assert(status == 0 || why.len_bytes);
	ended++;
}

static int on_line(struct weft__lines *l, weft_str line)
{
	(void)l;
	weft__mcp_received(&s, line);
	return 0;
}

/* In pieces, so that lines have to be put together. */
static void says(const char *text)
{
	size_t len = strlen(text), half = len / 2;

	(void)weft__lines_feed(&lines, (const uint8_t *)text, half);
	(void)weft__lines_feed(&lines, (const uint8_t *)text + half, len - half);
	(void)weft__lines_feed(&lines, (const uint8_t *)"\n", 1);
}

static void session_run(void)
{
	struct weft__rpc_call call = { .done = on_done };
	struct weft__mcp_list list = { .item = on_item, .done = on_listed };

	begun += weft__mcp_start(&s) == 0;
	says("{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"protocolVersion\":\"2025-06-18\",\"capabilities\":{\"tools\":{}},"
	     "\"serverInfo\":{\"name\":\"n\",\"version\":\"1\"},\"instructions\":\"i\"}}");
	begun += weft__mcp_call_tool(&s, &call, WEFT_STR("t"), (weft_json){ 0 }) == 0;
	begun += weft__mcp_list_start(&s, &list, WEFT__MCP_LIST_TOOLS) == 0;
	says("{\"jsonrpc\":\"2.0\",\"id\":3,\"result\":{\"tools\":[{\"name\":\"a\",\"inputSchema\":{\"type\":\"object\"}}],\"nextCursor\":\"c\"}}");
	says("{\"jsonrpc\":\"2.0\",\"id\":4,\"result\":{\"tools\":[{\"name\":\"b\",\"inputSchema\":{}}]}}");
	says("{\"jsonrpc\":\"2.0\",\"id\":9,\"method\":\"elicitation/create\",\"params\":{\"requestedSchema\":{\"type\":\"object\","
	     "\"properties\":{\"a\":{\"type\":\"integer\"}}}}}");
	says("{\"jsonrpc\":\"2.0\",\"method\":\"notifications/message\",\"params\":{\"data\":{\"x\":1}}}");
	says("{\"jsonrpc\":\"2.0\",\"id\":2,\"result\":{\"structuredContent\":{\"x\":[1,2]}}}");
	weft__mcp_list_stop(&list);
	weft__mcp_lost(&s, -EPIPE, (weft_str){ 0 });
}

/* True: it had all the memory it wanted. */
static bool run_with(long allocations)
{
	static const struct weft__mcp_config config = { .client_name = "t", .client_version = "0", .elicitation = true };
	uint32_t listed;

	begun = ended = questions = settled = 0;
	allocations_left = allocations;
	weft__lines_init(&lines);
	lines.line = on_line;
	lines.bytes_max = 4096;
	catalog = weft__mcp_catalog_create();
	if (weft__mcp_init(&s, &fns, &config, &transport) == 0) {
		session_run();
		weft__mcp_fini(&s);
	}
	listed = catalog ? catalog->count : 0;
	weft__mcp_catalog_unref(catalog);
	weft__lines_fini(&lines);
	cr_assert_leq(ended, begun); /* a list may be stopped */
	cr_assert_leq(begun - ended, 1);
	cr_assert_eq(questions, settled);
	return allocations_left > 0 && listed == 2 && questions == 1;
}

Test(mcp_memory, every_allocation_may_fail)
{
	long n = 0;

	allocator_replace();
	while (!run_with(n)) {
		cr_assert_lt(n, 2000);
		n++;
	}
	cr_assert_gt(n, 10);
}
