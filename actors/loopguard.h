/* SPDX-License-Identifier: Apache-2.0 */
/*
 * actors/loopguard.h - does the model call the same tool with the same arguments again?
 *
 * Within one run. A call's key is its tool's name and the canonical hash of its
 * arguments, so key order and number spelling do not hide a repeat. Failures count like
 * results. Also told: cycles of length 2 to 4 (A B A B), which a policy that lets
 * repeats pass needs to see.
 */
#ifndef WEFT_ACTORS_LOOPGUARD_H
#define WEFT_ACTORS_LOOPGUARD_H

#include <weft/alloc.h>
#include <weft/json.h>

struct weft__tool_run;

struct weft__loopguard {
	struct weft__loop_entry {
		weft_hash128 key;
		const struct weft__tool_run *call; /* that one's result is quoted */
	} *entries; /* in the run's arena, in call order */
	uint32_t count, cap;
};

struct weft__loop_verdict {
	const struct weft__tool_run *previous; /* the earliest call with this key; NULL: none */
	uint32_t cycle;                        /* 2..4: the last calls repeat with this period; else 0 */
};

/** The key of a call whose arguments are parsed. */
weft_hash128 weft__loop_key(weft_str tool, weft_json arguments);

/** The key of a call whose arguments could not be parsed: their bytes. */
weft_hash128 weft__loop_key_raw(weft_str tool, weft_str arguments);

/** Note the call and say whether it repeats. @return 0 or -ENOMEM */
int weft__loop_check(struct weft__loopguard *guard, weft_arena *arena, weft_hash128 key,
                     const struct weft__tool_run *call, struct weft__loop_verdict *ret_verdict);

/** {tool_name} and {previous_result} filled in. */
weft_str weft__loop_message(weft_arena *arena, const char *text, weft_str tool, weft_str previous_result);

extern const char weft__loop_default_message[];

#endif
