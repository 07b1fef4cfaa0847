/* SPDX-License-Identifier: Apache-2.0 */
/*
 * net/oauth/scope.h - scopes: words with a blank between (RFC 6749, 3.3), as a set.
 */
#ifndef WEFT_NET_OAUTH_SCOPE_H
#define WEFT_NET_OAUTH_SCOPE_H

#include <weft/base.h>

#define WEFT__OAUTH_SCOPE_BYTES_MAX 4096u /* of a set, with its NUL */

/* Printable ASCII without '"' and '\', words with one blank between; at least one. */
bool weft__oauth_scope_is_valid(weft_str scope);

/* Is word one of the set's? */
bool weft__oauth_scope_has(weft_str set, weft_str word);

/* Are all words of part among those of set? An empty part is. */
bool weft__oauth_scope_covers(weft_str set, weft_str part);

/*
 * The words of more that set lacks are put behind it. set has room for WEFT__OAUTH_SCOPE_BYTES_MAX. False:
 * they do not fit; set is as it was.
 */
bool weft__oauth_scope_add(char *set, weft_str more);

#endif
