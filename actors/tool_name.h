/* SPDX-License-Identifier: Apache-2.0 */
/*
 * actors/tool_name.h - names of others made into names of tools: [A-Za-z0-9_-]{1,64}.
 */
#ifndef WEFT_ACTORS_TOOL_NAME_H
#define WEFT_ACTORS_TOOL_NAME_H

#include <weft/base.h>

#define WEFT__TOOL_NAME_BYTES 64u

/*
 * prefix, '_' when there is one, and name. What does not fit into a name becomes '_' or is cut off, and then a hash of name
 * keeps two such apart: the same name always gives the same. A NUL stands behind it.
 */
void weft__tool_name_fit(const char *prefix, weft_str name, char fitted[WEFT__TOOL_NAME_BYTES + 1]);

#endif
