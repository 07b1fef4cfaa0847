/* SPDX-License-Identifier: Apache-2.0 */
/*
 * net/mcp/veil.h - what a server repeats of the secrets that it was given is covered, before anybody sees it.
 *
 * Servers quote what they were sent: in a refusal, in a tool's result, in a line of a log. All of that is shown to models, told in
 * events and written into recordings. So each text of a server passes here first, as JSON or not; a secret in it becomes as many
 * stars, and what is around it stays as it was.
 */
#ifndef WEFT_NET_MCP_VEIL_H
#define WEFT_NET_MCP_VEIL_H

#include <weft/base.h>

#define WEFT__VEIL_SECRETS 32u
#define WEFT__VEIL_BYTES_MIN 8u /* shorter ones would be found everywhere, and are none */

struct weft__veil {
	weft_str token, past; /* one that changes, and what it was before: the owner's to set; may be empty */
	weft_str secrets[WEFT__VEIL_SECRETS]; /* borrowed; the first count */
	uint32_t count;
};

/* A header, or a variable of the environment, if its name says that it is secret: ..._KEY, Authorization, X-Token. */
void weft__veil_add_named(struct weft__veil *v, weft_str name, weft_str value);

/*
 * text, or when a secret is in it a copy, which the caller frees: *ret_copy, NULL when there is none. A NULL text when out of
 * memory: never the text itself.
 */
weft_str weft__veil_cover(const struct weft__veil *v, weft_str text, char **ret_copy);

#endif
