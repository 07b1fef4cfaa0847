/* SPDX-License-Identifier: Apache-2.0 */
/* net/mock_llm/instance.h - some value that a JSON Schema takes: the arguments of a call, a structured answer. */
#ifndef WEFT_NET_MOCK_LLM_INSTANCE_H
#define WEFT_NET_MOCK_LLM_INSTANCE_H

#include <weft/json.h>

/*
 * Write one: of what is required only, the first of what may be chosen, the least of what has bounds. Patterns, formats,
 * "not" and references are not looked at: what comes of those may not fit. text: what strings say where they may.
 */
void weft__instance_write(weft_json_writer *w, weft_json schema, weft_str text);

#endif
