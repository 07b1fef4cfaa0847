/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes from a server, on a pipe: how they are cut makes no difference, each call ends once, each
 * question is answered once, and what is sent is always one line of JSON-RPC.
 *
 * The first byte says how the second pass is cut; the rest is what the server writes.
 */
#include <errno.h>
#include <string.h>

#include <weft/alloc.h>

#include "fuzz.h"
#include "net/mcp/content.h"
#include "net/mcp/lines.h"
#include "net/mcp/session.h"

#define CALLS 4u

struct pass {
	struct weft__lines lines; /* first */
	struct weft__mcp_session session;
	struct weft__mcp_transport transport;
	struct weft__mcp_list list;
	struct weft__rpc_call calls[CALLS];
	uint32_t begun, ended, asked, answered, listed;
	uint64_t hash; /* of all that was sent and told */
};

static struct pass *now; /* the pass under way */

static void note(weft_str text)
{
	for (size_t i = 0; i < text.len_bytes; i++)
		now->hash = (now->hash ^ (uint8_t)text.ptr[i]) * 0x100000001b3u;
	now->hash = (now->hash ^ 0xff) * 0x100000001b3u;
}

static int on_send(struct weft__mcp_transport *t, weft_str text, int64_t id)
{
	weft_json_doc *doc = NULL;
	weft_str version;

	(void)t;
	(void)id;
	FUZZ_CHECK(!memchr(text.ptr, '\n', text.len_bytes));
	FUZZ_CHECK(weft_json_parse(text, &doc, NULL) == 0);
	FUZZ_CHECK(weft_json_get_str(weft_json_find(weft_json_root(doc), WEFT_STR("jsonrpc")), &version));
	weft_json_release(doc);
	note(text);
	return 0;
}

static void on_ready(struct weft__mcp_session *s, int status, weft_str why)
{
	FUZZ_CHECK((status == 0) == weft__mcp_is_ready(s));
	note(why);
}

static void on_changed(struct weft__mcp_session *s, enum weft__mcp_listed what)
{
	(void)s;
	note((weft_str){ &"0123"[what], 1 });
}

static void on_updated(struct weft__mcp_session *s, weft_str uri)
{
	(void)s;
	note(uri);
}

static void on_logged(struct weft__mcp_session *s, weft_str level, weft_str logger, weft_str text)
{
	(void)s;
	note(level);
	note(logger);
	note(text);
}

/* Every second question is answered at once, the others wait. */
static void on_asked(struct weft__mcp_session *s, struct weft__mcp_asked *asked)
{
	weft_json_doc *doc = NULL;

	(void)s;
	if (now->asked++ % 2)
		return;
	FUZZ_CHECK(weft_json_parse(WEFT_STR("{\"action\":\"accept\",\"content\":{\"a\":1}}"), &doc, NULL) == 0);
	now->answered++;
	if (weft__mcp_answer(asked, weft_json_root(doc), NULL) < 0)
		weft__mcp_refuse(asked, -1, WEFT_STR("the form does not like it"));
	weft_json_release(doc);
}

static void on_gone(struct weft__mcp_session *s, struct weft__mcp_asked *asked)
{
	(void)s;
	(void)asked;
	now->answered++;
}

static void on_odd(struct weft__mcp_session *s, const char *what, weft_str text)
{
	(void)s;
	note(weft_str_from(what));
	note(text);
}

static const struct weft__mcp_session_fns fns = { on_ready, on_changed, on_updated, on_logged, on_asked, on_gone, on_odd };

static void on_done(struct weft__rpc_call *call, const struct weft__rpc_answer *answer)
{
	weft_arena *arena;
	weft_str text = { 0 };
	bool failed;

	FUZZ_CHECK(!call->id);
	FUZZ_CHECK(answer->status == 0 || answer->message.len_bytes);
	now->ended++;
	FUZZ_CHECK(weft_arena_create(0, &arena) == 0);
	if (answer->status == 0 && weft__mcp_content_text(answer->result, 100, arena, &text, &failed) == 0)
		FUZZ_CHECK(text.len_bytes < 100 + 64);
	note(answer->status ? answer->message : text);
	weft_arena_destroy(arena);
}

static void on_progress(struct weft__rpc_call *call, double progress, double total, weft_str message)
{
	(void)call;
	(void)progress;
	(void)total;
	note(message);
}

static int on_item(struct weft__mcp_list *list, weft_json item)
{
	(void)list;
	FUZZ_CHECK(weft_json_typeof(item) != WEFT_JSON_NONE);
	return 0;
}

static void on_listed(struct weft__mcp_list *list, int status, weft_str why)
{
	(void)list;
	(void)status;
	now->listed++;
	note(why);
}

static int on_line(struct weft__lines *lines, weft_str line)
{
	weft__mcp_received(&((struct pass *)lines)->session, line);
	return 0;
}

static void begin(struct pass *p)
{
	static const struct weft__mcp_config config = { .client_name = "fuzz", .client_version = "0", .sampling = true, .elicitation = true };

	now = p;
	memset(p, 0, sizeof(*p));
	weft__lines_init(&p->lines);
	p->lines.line = on_line;
	p->lines.bytes_max = 2000;
	p->transport.send = on_send;
	FUZZ_CHECK(weft__mcp_init(&p->session, &fns, &config, &p->transport) == 0);
	FUZZ_CHECK(weft__mcp_start(&p->session) == 0);
	weft__mcp_received(&p->session, WEFT_STR("{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"protocolVersion\":\"2025-03-26\","
	                                         "\"capabilities\":{\"tools\":{}}}}"));
	for (uint32_t i = 0; i < CALLS; i++) { /* 2 to 5 */
		p->calls[i] = (struct weft__rpc_call){ .done = on_done, .progress = i % 2 ? on_progress : NULL };
		FUZZ_CHECK(weft__mcp_call_tool(&p->session, &p->calls[i], WEFT_STR("t"), (weft_json){ 0 }) == 0);
		p->begun++;
	}
	p->list = (struct weft__mcp_list){ .item = on_item, .done = on_listed }; /* 6 */
	FUZZ_CHECK(weft__mcp_list_start(&p->session, &p->list, WEFT__MCP_LIST_TOOLS) == 0);
}

static uint64_t end(struct pass *p)
{
	FUZZ_CHECK(weft__lines_finish(&p->lines) == 0);
	weft__mcp_lost(&p->session, -EPIPE, WEFT_STR("the end"));
	FUZZ_CHECK(p->ended == p->begun && p->listed == 1 && p->asked == p->answered);
	weft__mcp_fini(&p->session);
	weft__lines_fini(&p->lines);
	return p->hash;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct pass p;
	size_t cut = size ? 1 + data[0] % 37 : 1;
	uint64_t whole;

	begin(&p);
	if (size)
		FUZZ_CHECK(weft__lines_feed(&p.lines, data + 1, size - 1) == 0);
	whole = end(&p);
	begin(&p);
	for (size_t at = 1; at < size; at += cut)
		FUZZ_CHECK(weft__lines_feed(&p.lines, data + at, size - at < cut ? size - at : cut) == 0);
	FUZZ_CHECK(end(&p) == whole);
	return 0;
}
