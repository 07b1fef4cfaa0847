/* SPDX-License-Identifier: Apache-2.0 */
/*
 * store/attachment.h - a list of attachments as one block: the array, and its strings behind it.
 *
 * Who makes room for the block owns it: a record its heap block, a reader his arena, a
 * request to an agent its payload. Nothing in a block is freed by itself.
 */
#ifndef WEFT_STORE_ATTACHMENT_H
#define WEFT_STORE_ATTACHMENT_H

#include <weft/memory.h>

/** Bytes of the block. 0 for no attachments. */
size_t weft__attachments_bytes(const weft_attachment *list, uint32_t count);

/** Make the block: so many bytes, aligned to 8. A nil id gets a fresh UUIDv7. @return block, or NULL when count is 0 */
weft_attachment *weft__attachments_put(void *block, const weft_attachment *list, uint32_t count);

#endif
