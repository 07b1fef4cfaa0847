/* SPDX-License-Identifier: Apache-2.0 */
/* net/json/pattern.h - regular expressions as JSON Schema writes them, for POSIX's regcomp. */
#ifndef WEFT_NET_JSON_PATTERN_H
#define WEFT_NET_JSON_PATTERN_H

#include <weft/alloc.h>
#include <weft/base.h>

/**
 * An ECMA pattern as a POSIX extended one: \d \w \s and their opposites, escapes inside
 * brackets, (?:...). to has room for WEFT__PATTERN_BYTES(pattern).
 * @return NULL, or what it has that POSIX cannot say
 */
const char *weft__pattern_translate(weft_str pattern, char *to);

/* "\w" becomes 14 bytes at most; a bracket grows by another 2. */
#define WEFT__PATTERN_BYTES(pattern) ((pattern).len_bytes * 9 + 16)

#endif
