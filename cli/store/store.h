/* SPDX-License-Identifier: Apache-2.0 */
/* cli/store/store.h - what the files of `weft store` share. */
#ifndef WEFT_CLI_STORE_STORE_H
#define WEFT_CLI_STORE_STORE_H

#include <stdint.h>

#include <weft/weft.h>

/* ---- json.c: a change as a line of JSON, and back --------------------------------- */

/* As an object. place: NULL, or where it stands in a log. */
void store_json_put(weft_json_writer *w, const weft_change *change, const weft_log_place *place);

/* Strings of *ret lie in the document, arrays in arena. 0, -ENOMEM, or WEFT_ESCHEMA and what is wrong. */
int store_json_get(weft_json v, weft_arena *arena, weft_change *ret, weft_error *err);

/* ---- progress.c: a bar on a terminal, nothing elsewhere ----------------------------- */

struct store_progress {
	const char *what;
	uint64_t drawn_ns; /* 0: never */
	bool on;
};

struct store_progress store_progress_begin(const char *what, bool quiet);
/* total 0: not known. */
void store_progress_show(struct store_progress *p, uint64_t done_bytes, uint64_t total_bytes);
/* The line is empty again. */
void store_progress_end(struct store_progress *p);

#endif
