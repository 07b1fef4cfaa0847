/* SPDX-License-Identifier: Apache-2.0 */
/*
 * net/mcp/catalog.h - the tools a server offers, as it listed them at one moment.
 *
 * Made by one thread, then immutable and shared by references. Names are the server's own: making them
 * fit for a model is the reader's business.
 */
#ifndef WEFT_NET_MCP_CATALOG_H
#define WEFT_NET_MCP_CATALOG_H

#include <weft/alloc.h>
#include <weft/json.h>

#include "runtime/base/refs.h"

#define WEFT__MCP_TOOL_NAME_BYTES_MAX 256u

enum { /* what the server says about a tool; a hint, not a promise */
	WEFT__MCP_HINT_READ_ONLY = 1,
	WEFT__MCP_HINT_DESTRUCTIVE = 2, /* the default of the protocol unless it is read-only */
	WEFT__MCP_HINT_IDEMPOTENT = 4,
	WEFT__MCP_HINT_OPEN_WORLD = 8 /* the default, too */
};

struct weft__mcp_tool {
	weft_str name, description, schema; /* a NUL stands behind each; schema is the JSON of an object schema */
	uint32_t hints;
};

struct weft__mcp_catalog {
	weft__refs refs;
	weft_arena *arena; /* holds all below */
	struct weft__mcp_tool *tools;
	uint32_t count, cap;
	size_t bytes; /* of the texts */
};

/* One reference. NULL: out of memory. */
struct weft__mcp_catalog *weft__mcp_catalog_create(void);
struct weft__mcp_catalog *weft__mcp_catalog_ref(struct weft__mcp_catalog *catalog);
void weft__mcp_catalog_unref(struct weft__mcp_catalog *catalog); /* NULL is fine */

/*
 * Take one item of tools/list; only while nobody else has it. 0; -EBADMSG: it has no name or no schema of an object, and is
 * left out; -EEXIST: a second one of that name, left out too; -E2BIG: more text than 4 MiB in all; -ENOMEM.
 */
int weft__mcp_catalog_add(struct weft__mcp_catalog *catalog, weft_json item);

const struct weft__mcp_tool *weft__mcp_catalog_find(const struct weft__mcp_catalog *catalog, weft_str name);

#endif
