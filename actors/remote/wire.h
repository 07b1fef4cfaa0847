/* SPDX-License-Identifier: Apache-2.0 */
/*
 * actors/remote/wire.h - the few words of JSON that every API's reader and writer needs.
 */
#ifndef WEFT_ACTORS_REMOTE_WIRE_H
#define WEFT_ACTORS_REMOTE_WIRE_H

#include <weft/json.h>

/** "key": "value" */
void weft__wire_put(weft_json_writer *w, weft_str key, weft_str value);
/** As a person would write it: 0.7, not 0.699999988079071. */
void weft__wire_put_float(weft_json_writer *w, weft_str key, float value);
/** "key": ["value", ...] */
void weft__wire_put_list(weft_json_writer *w, weft_str key, const weft_str *values, uint32_t count);
/** All members of the object in json; nothing for an empty text. @return 0, WEFT_EPARSE, -ENOMEM */
int weft__wire_put_members(weft_json_writer *w, weft_str json, weft_error *err);

/** The end of a request's object. @return 0 and its text, the writer's; or an error, which err tells */
int weft__wire_end(weft_json_writer *w, weft_str *ret_body, weft_error *err);

/** A member that is a text, and not an empty one. */
bool weft__wire_find(weft_json v, weft_str key, weft_str *ret);
/** The same; empty when there is none. */
weft_str weft__wire_text(weft_json v, weft_str key);
/** A member that counts something; 0 when there is none. */
uint32_t weft__wire_count(weft_json v, weft_str key);

#endif
