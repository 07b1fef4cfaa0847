/* SPDX-License-Identifier: Apache-2.0 */
/*
 * actors/remote/think.h - what a model thinks aloud, taken out of its text as it streams.
 *
 * Models without a field of their own for it open their answer with <think> and go
 * on behind </think>. Only a block that opens the answer counts: a tag further on is what
 * the answer is about. The pieces may be cut anywhere.
 */
#ifndef WEFT_ACTORS_REMOTE_THINK_H
#define WEFT_ACTORS_REMOTE_THINK_H

#include <weft/base.h>

#define WEFT__THINK_HELD 24u /* white space before the tag, and the tag */

enum weft__think_state { WEFT__THINK_BEFORE = 0, WEFT__THINK_INSIDE, WEFT__THINK_BEHIND, WEFT__THINK_TEXT };

struct weft__think {
	uint8_t state;   /* enum weft__think_state */
	uint8_t held;    /* bytes of hold that wait for what follows them */
	char hold[WEFT__THINK_HELD];
	void (*out)(void *user, bool is_thought, weft_str piece); /* never empty; valid during the call */
	void *user;
};

/** opened: the prompt has opened the block already, as some chat templates do. */
void weft__think_begin(struct weft__think *t, bool opened, void (*out)(void *user, bool is_thought, weft_str piece),
                       void *user);
void weft__think_feed(struct weft__think *t, weft_str piece);
/** What was held back is what it looked like. */
void weft__think_end(struct weft__think *t);

#endif
