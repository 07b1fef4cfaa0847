/* SPDX-License-Identifier: Apache-2.0 */
/*
 * net/mcp/content.h - the result of a tool as text for a model.
 *
 * Text stands as it is; pictures, sounds and binary resources are named, with type and size, since a
 * model could not read their bytes; a resource that is text is given under its address.
 * structuredContent is used when there is no text: servers repeat it as text for those who cannot.
 */
#ifndef WEFT_NET_MCP_CONTENT_H
#define WEFT_NET_MCP_CONTENT_H

#include <weft/alloc.h>
#include <weft/json.h>

/*
 * In arena; at most bytes_max, then a line says how much is missing. ret_failed: the tool says that it failed (isError).
 * 0, -ENOMEM, -EBADMSG (this is no result of a tool).
 */
int weft__mcp_content_text(weft_json result, size_t bytes_max, weft_arena *arena, weft_str *ret_text, bool *ret_failed);

#endif
