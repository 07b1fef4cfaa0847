/* SPDX-License-Identifier: Apache-2.0 */
/*
 * runtime/base/log.h - what the library has to say, one line at a time.
 *
 * The library prints nothing itself: a line is formatted on the stack and given to the
 * host's function. Not for hot paths; those count or emit events.
 */
#ifndef WEFT_RUNTIME_BASE_LOG_H
#define WEFT_RUNTIME_BASE_LOG_H

#include <stdint.h>

#include <weft/runtime.h>

/* Zeroed is silent. Copied by value; immutable once threads use it. */
struct weft__log {
	uint32_t level; /* the lowest weft_log_level that reaches fn */
	weft_log_fn fn; /* NULL: silent */
	void *user;
};

/* Lines over 511 bytes are cut. log may be NULL. Any thread. */
void weft__log(const struct weft__log *log, weft_log_level level, const char *fmt, ...) WEFT_PRINTF(3, 4);

#endif
