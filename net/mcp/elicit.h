/* SPDX-License-Identifier: Apache-2.0 */
/*
 * net/mcp/elicit.h - the answer to a form that a server wants filled in (elicitation/create).
 *
 * A field that was left out and has a default in the form gets it; what was filled in must be what the form asks for.
 */
#ifndef WEFT_NET_MCP_ELICIT_H
#define WEFT_NET_MCP_ELICIT_H

#include <weft/error.h>
#include <weft/json.h>

/* params: of the request; answer: {action: accept | decline | cancel, content}. 0, WEFT_ESCHEMA, -ENOMEM. */
int weft__mcp_elicit_check(weft_json params, weft_json answer, weft_error *err);

/* Write the answer, defaults filled in. */
void weft__mcp_elicit_put(weft_json_writer *w, weft_json params, weft_json answer);

#endif
