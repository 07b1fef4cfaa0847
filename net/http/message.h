/* SPDX-License-Identifier: Apache-2.0 */
/*
 * net/http/message.h - what requests and answers of HTTP/1.1 have in common: fields, limits, names of statuses.
 *
 * Field names are compared without regard to case and kept as they came. Strings point into
 * somebody else's bytes; each function that hands them out says for how long.
 */
#ifndef WEFT_NET_HTTP_MESSAGE_H
#define WEFT_NET_HTTP_MESSAGE_H

#include <weft/base.h>

struct weft__http_field {
	weft_str name, value; /* the value without white space around it; bytes, mostly ASCII */
};

/* What is refused as too much. A 0 stands for the default. */
struct weft__http_limits {
	uint32_t head_bytes; /* start line and fields, and once more for the trailer; 64 KiB */
	uint32_t fields;     /* 100, and once more for the trailer */
	uint64_t body_bytes; /* without its chunking; 16 MiB. UINT64_MAX: no limit */
};

#define WEFT__HTTP_LIMIT_HEAD_BYTES (64u << 10)
#define WEFT__HTTP_LIMIT_FIELDS 100u
#define WEFT__HTTP_LIMIT_BODY_BYTES (UINT64_C(16) << 20)

/* The same name, letters' case aside. */
bool weft__http_name_eq(weft_str a, weft_str b);

/* The value of the first field of that name; {NULL, 0} when there is none. */
weft_str weft__http_find(const struct weft__http_field *fields, uint32_t count, weft_str name);

/* Is token one of a comma-separated list's? Case aside, parameters (";q=1") and white space left out. */
bool weft__http_list_has(weft_str list, weft_str token);

/* A decimal number without sign or blanks that fits. False: *ret untouched. */
bool weft__http_number(weft_str text, uint64_t *ret);

/* "OK", "Not Found", ...; "Unknown" for a status that has no name. Static. */
const char *weft__http_reason(int status);

#endif
