/* SPDX-License-Identifier: Apache-2.0 */
/*
 * net/mcp/list.c - the lists of a server (tools, resources, templates, prompts), all pages of them.
 *
 * A cursor is the server's, so a list could go in circles or never end: items are counted, a page
 * that brings nothing new but its own cursor again ends it.
 */
#include <errno.h>
#include <stddef.h>

#include <weft/alloc.h>

#include "net/mcp/session.h"

#define ITEMS_MAX 4096u
#define PAGES_MAX 4096u

static const struct {
	weft_str method, member;
	uint32_t capability;
} lists[] = {
	[WEFT__MCP_LIST_TOOLS] = { { "tools/list", 10 }, { "tools", 5 }, WEFT__MCP_TOOLS },
	[WEFT__MCP_LIST_RESOURCES] = { { "resources/list", 14 }, { "resources", 9 }, WEFT__MCP_RESOURCES },
	[WEFT__MCP_LIST_TEMPLATES] = { { "resources/templates/list", 24 }, { "resourceTemplates", 17 }, WEFT__MCP_RESOURCES },
	[WEFT__MCP_LIST_PROMPTS] = { { "prompts/list", 12 }, { "prompts", 7 }, WEFT__MCP_PROMPTS },
};

static int page_ask(struct weft__mcp_list *list)
{
	weft_json_writer *w = weft__mcp_open(list->session, &list->call, lists[list->what].method);

	if (list->cursor) {
		weft_json_key(w, WEFT_STR("cursor"));
		weft_json_put_str(w, weft_str_from(list->cursor));
	}
	return weft__mcp_commit(list->session);
}

static void end(struct weft__mcp_list *list, int status, weft_str why)
{
	weft_free(list->cursor);
	list->cursor = NULL;
	list->done(list, status, why.len_bytes || !status ? why : weft_str_from(weft_strerror(status)));
}

static int items_give(struct weft__mcp_list *list, weft_json items)
{
	uint32_t most = list->session->config->items_max ? list->session->config->items_max : ITEMS_MAX;
	weft_json_iter it;
	int r = 0;

	for (it = weft_json_iter_begin(items); r == 0 && weft_json_iter_next(&it); list->items++)
		r = list->items < most ? list->item(list, it.value) : -E2BIG;
	return r < 0 ? r : 0;
}

static bool has_nul(weft_str text)
{
	for (size_t i = 0; i < text.len_bytes; i++) {
		if (!text.ptr[i])
			return true;
	}
	return false;
}

/* The next page's cursor takes the place of this one's. 0: there is none, 1, or negative. */
static int cursor_next(struct weft__mcp_list *list, weft_json result)
{
	weft_str cursor;
	char *copy;

	if (!weft_json_get_str(weft_json_find(result, WEFT_STR("nextCursor")), &cursor) || !cursor.len_bytes)
		return 0;
	if (has_nul(cursor) || (list->cursor && weft_str_eq(cursor, weft_str_from(list->cursor))))
		return -EBADMSG;
	copy = weft_strndup(cursor.ptr, cursor.len_bytes);
	if (!copy)
		return -ENOMEM;
	weft_free(list->cursor);
	list->cursor = copy;
	return 1;
}

static void page_done(struct weft__rpc_call *call, const struct weft__rpc_answer *answer)
{
	struct weft__mcp_list *list = (struct weft__mcp_list *)((char *)call - offsetof(struct weft__mcp_list, call));
	weft_json items;
	int r;

	if (answer->status < 0) {
		end(list, answer->status, answer->message);
		return;
	}
	items = weft_json_find(answer->result, lists[list->what].member);
	if (weft_json_typeof(items) != WEFT_JSON_ARRAY) {
		end(list, -EBADMSG, WEFT_STR("the answer has no list"));
		return;
	}
	r = items_give(list, items);
	if (r == 0)
		r = cursor_next(list, answer->result);
	if (r == 1 && ++list->pages > PAGES_MAX)
		r = -E2BIG;
	if (r == 1)
		r = page_ask(list) < 0 ? -EPIPE : 1;
	if (r <= 0)
		end(list, r, r == -EBADMSG ? WEFT_STR("the list goes in circles") : r == -E2BIG ? WEFT_STR("the list is too long") : (weft_str){ 0 });
}

int weft__mcp_list_start(struct weft__mcp_session *s, struct weft__mcp_list *list, enum weft__mcp_listed what)
{
	if (weft__mcp_is_ready(s) && !(s->capabilities & lists[what].capability))
		return -EOPNOTSUPP;
	list->session = s;
	list->what = what;
	list->items = list->pages = 0;
	list->cursor = NULL;
	list->call = (struct weft__rpc_call){ .done = page_done, .timeout_ns = s->config->list_ns };
	return page_ask(list);
}

void weft__mcp_list_stop(struct weft__mcp_list *list)
{
	if (list->call.id)
		weft__mcp_drop(list->session, &list->call, WEFT_STR("not needed any more"));
	weft_free(list->cursor);
	list->cursor = NULL;
}
