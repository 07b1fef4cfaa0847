/* SPDX-License-Identifier: Apache-2.0 */
/* net/codec/wire.h - a look over protobuf bytes before they are unpacked. */
#ifndef WEFT_NET_CODEC_WIRE_H
#define WEFT_NET_CODEC_WIRE_H

#include "net/codec/codec.h"

#define WEFT__WIRE_UNKNOWN_MAX 1024u /* fields that are not known here, in one message: protobuf-c keeps them while it unpacks */

/* That in->bytes are a message or a list of them, within all bounds. 0, or the error to give. */
int weft__wire_check(struct weft__codec_in *in);

#endif
