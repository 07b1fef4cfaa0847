/* SPDX-License-Identifier: Apache-2.0 */
/*
 * net/json/escape.h - a text as it stands between the quotes of a JSON string, written where the caller wants it.
 *
 * A byte may become six, but hardly any does. So who writes makes room for the bytes as they are, and a
 * little more, and makes room again when that was not enough:
 *
 *   while (text.len_bytes) {
 *           to = room for text.len_bytes + WEFT__JSON_ESCAPE_ROOM
 *           to += weft__json_escape(&text, to, room)
 *   }
 */
#ifndef WEFT_NET_JSON_ESCAPE_H
#define WEFT_NET_JSON_ESCAPE_H

#include <weft/base.h>

#define WEFT__JSON_ESCAPE_ROOM 16u /* the least room in which there is progress */

/**
 * Write *text as far as the room goes; what is left of it had none. Bytes that are not UTF-8 become U+FFFD.
 * @return bytes written. Those behind them in the room are written over too.
 */
size_t weft__json_escape(weft_str *text, char *to, size_t room);

#endif
