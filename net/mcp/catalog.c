/* SPDX-License-Identifier: Apache-2.0 */
/* net/mcp/catalog.c - see catalog.h. */
#include "net/mcp/catalog.h"

#include <errno.h>
#include <string.h>

#include "runtime/base/atomic.h"

#define BYTES_MAX ((size_t)4 << 20)

struct weft__mcp_catalog *weft__mcp_catalog_create(void)
{
	struct weft__mcp_catalog *c = weft_calloc(1, sizeof(*c));

	if (!c)
		return NULL;
	weft__refs_init(&c->refs, 1);
	if (weft_arena_create(0, &c->arena) < 0) {
		weft_free(c);
		return NULL;
	}
	return c;
}

struct weft__mcp_catalog *weft__mcp_catalog_ref(struct weft__mcp_catalog *catalog)
{
	weft__refs_take(&catalog->refs);
	return catalog;
}

void weft__mcp_catalog_unref(struct weft__mcp_catalog *catalog)
{
	if (!catalog || !weft__refs_drop(&catalog->refs))
		return;
	weft_arena_destroy(catalog->arena);
	weft_free(catalog->tools);
	weft_free(catalog);
}

const struct weft__mcp_tool *weft__mcp_catalog_find(const struct weft__mcp_catalog *catalog, weft_str name)
{
	for (uint32_t i = 0; i < catalog->count; i++) {
		if (weft_str_eq(catalog->tools[i].name, name))
			return &catalog->tools[i];
	}
	return NULL;
}

static uint32_t hint(weft_json annotations, weft_str name, bool preset, uint32_t bit)
{
	bool yes = preset;

	weft_json_get_bool(weft_json_find(annotations, name), &yes);
	return yes ? bit : 0;
}

static uint32_t hints_of(weft_json annotations)
{
	uint32_t hints = hint(annotations, WEFT_STR("readOnlyHint"), false, WEFT__MCP_HINT_READ_ONLY);

	if (!hints)
		hints = hint(annotations, WEFT_STR("destructiveHint"), true, WEFT__MCP_HINT_DESTRUCTIVE) |
		        hint(annotations, WEFT_STR("idempotentHint"), false, WEFT__MCP_HINT_IDEMPOTENT);
	return hints | hint(annotations, WEFT_STR("openWorldHint"), true, WEFT__MCP_HINT_OPEN_WORLD);
}

static int grow(struct weft__mcp_catalog *c)
{
	uint32_t cap = c->cap ? c->cap * 2 : 16;
	struct weft__mcp_tool *more;

	if (c->count < c->cap)
		return 0;
	more = weft_realloc(c->tools, cap * sizeof(*more));
	if (!more)
		return -ENOMEM;
	c->tools = more;
	c->cap = cap;
	return 0;
}

static int schema_keep(struct weft__mcp_catalog *c, weft_json schema, weft_str *ret)
{
	weft_json_writer *w;
	weft_str text;
	int r = weft_json_writer_create(0, &w);

	if (r < 0)
		return r;
	weft_json_put_value(w, schema);
	r = weft_json_writer_text(w, &text);
	if (r == 0)
		*ret = weft_arena_dup(c->arena, text);
	weft_json_writer_destroy(w);
	return r < 0 ? r : ret->ptr ? 0 : -ENOMEM;
}

static bool name_is_fine(weft_str name)
{
	return name.len_bytes && name.len_bytes <= WEFT__MCP_TOOL_NAME_BYTES_MAX && !memchr(name.ptr, '\0', name.len_bytes);
}

int weft__mcp_catalog_add(struct weft__mcp_catalog *c, weft_json item)
{
	weft_json schema = weft_json_find(item, WEFT_STR("inputSchema"));
	weft_str name = { 0 }, description = WEFT_STR("");
	struct weft__mcp_tool tool;
	int r;

	weft_json_get_str(weft_json_find(item, WEFT_STR("name")), &name);
	if (!weft_json_get_str(weft_json_find(item, WEFT_STR("description")), &description))
		weft_json_get_str(weft_json_find(item, WEFT_STR("title")), &description);
	if (!name_is_fine(name) || weft_json_typeof(schema) != WEFT_JSON_OBJECT)
		return -EBADMSG;
	if (weft__mcp_catalog_find(c, name))
		return -EEXIST;
	r = grow(c);
	if (r == 0)
		r = schema_keep(c, schema, &tool.schema);
	if (r < 0)
		return r;
	c->bytes += name.len_bytes + description.len_bytes + tool.schema.len_bytes;
	if (c->bytes > BYTES_MAX)
		return -E2BIG;
	tool.name = weft_arena_dup(c->arena, name);
	tool.description = weft_arena_dup(c->arena, description);
	tool.hints = hints_of(weft_json_find(item, WEFT_STR("annotations")));
	if (!tool.name.ptr || !tool.description.ptr)
		return -ENOMEM;
	c->tools[c->count++] = tool;
	return 0;
}
