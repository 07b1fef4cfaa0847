/* SPDX-License-Identifier: Apache-2.0 */
/* net/json/json.h - what the JSON files share. Read by the C++ shim too. */
#ifndef WEFT_NET_JSON_JSON_H
#define WEFT_NET_JSON_JSON_H

#include <weft/json.h>

WEFT_BEGIN_DECLS

/**
 * Why and where text is not JSON: the first place that a strict reader cannot go on
 * from. For error messages only. NULL when it finds nothing wrong.
 */
const char *weft__json_find_error(weft_str text, uint32_t *ret_line, uint32_t *ret_column);

WEFT_END_DECLS

#endif
