/* SPDX-License-Identifier: Apache-2.0 */
/*
 * net/json/pattern.h - regular expressions as JSON Schema writes them (ECMA 262, with its "u" flag), by PCRE2.
 *
 * Patterns come from strangers (the tools of an MCP server, an OpenAPI document) and are matched against what a model
 * wrote: what compiling and matching may cost is bounded, and more than that is an error and never a match.
 */
#ifndef WEFT_NET_JSON_PATTERN_H
#define WEFT_NET_JSON_PATTERN_H

#include <weft/alloc.h>
#include <weft/base.h>

#define WEFT__PATTERN_BYTES_MAX 16384u /* of a pattern's text */

struct weft__pattern; /* immutable: any thread may match by it */

/**
 * @param ret_pattern  the caller's, to be freed; NULL after a failure
 * @param ret_why      after -EINVAL: what it has that is not allowed, as in "the pattern ..."; static
 * @return 0, -EINVAL, -ENOMEM, -EPROTONOSUPPORT (built without PCRE2)
 */
int weft__pattern_compile(weft_str ecma, struct weft__pattern **ret_pattern, const char **ret_why);
/** NULL is fine. */
void weft__pattern_free(struct weft__pattern *pattern);

/** Anywhere in text, as ECMA's test(). @return 1, 0, -ENOMEM, or -E2BIG: more work or memory than a match may cost */
int weft__pattern_match(const struct weft__pattern *pattern, weft_str text);
/** The same for a hundredth of what that may cost; most need no more. */
int weft__pattern_try(const struct weft__pattern *pattern, weft_str text);

#endif
