/* SPDX-License-Identifier: Apache-2.0 */
/* weft/uuid.h - UUIDs of version 7 (RFC 9562): ids that sort by time. */
#ifndef WEFT_UUID_H
#define WEFT_UUID_H

#include <weft/base.h>

WEFT_BEGIN_DECLS

typedef struct weft_uuid {
	uint8_t bytes[16]; /* network order, as in the RFC */
} weft_uuid;

#define WEFT_UUID_TEXT_LEN 36

/**
 * A fresh id: 48 bits of Unix milliseconds, a counter so that ids made by one
 * thread within a millisecond still sort, and random bits.
 * Threads: any; no lock. Blocks: never (seeds itself from getrandom(2) once a thread).
 */
WEFT_API weft_uuid weft_uuid_v7(void);
/** Write 36 lower-case characters, no NUL. */
WEFT_API void weft_uuid_format(weft_uuid id, char *ret_text);
/** @return 0, or -EINVAL when text is not 36 characters of 8-4-4-4-12 hex; any version is taken. */
WEFT_API int weft_uuid_parse(weft_str text, weft_uuid *ret_id);
WEFT_API bool weft_uuid_eq(weft_uuid a, weft_uuid b);
WEFT_API bool weft_uuid_is_nil(weft_uuid id);
/** A 64-bit hash for tables; not for anything a stranger can choose the input of. */
WEFT_API uint64_t weft_uuid_hash(weft_uuid id);

WEFT_END_DECLS

#endif
