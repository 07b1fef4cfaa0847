/* SPDX-License-Identifier: Apache-2.0 */
/* actors/replay/replay.h - struct weft_replay: replay.c runs from it, look.c says what is in it. */
#ifndef WEFT_ACTORS_REPLAY_REPLAY_H
#define WEFT_ACTORS_REPLAY_REPLAY_H

#include <pthread.h>

#include <weft/record.h>

#include "actors/record/redact.h"
#include "actors/record/tape.h"
#include "actors/replay/file.h"

struct weft_replay {
	struct weft__tape tape; /* first; its count is the replay's */
	struct weft__tape_file file;
	struct weft__redact redact;
	weft_models *models; /* owned; its handlers hold no reference */
	weft_tools **tools;  /* owned; an agent each, NULL until asked for */
	weft_permissions **permissions; /* the same */
	const weft_character **characters; /* owned; an agent each, NULL until asked for */
	weft_json_doc **agents; /* owned; their lines */
	char **names; /* owned */
	weft_arena *arena; /* texts that were given out; under the lock */
	pthread_mutex_t lock; /* for claims, numbers, and what is made when first asked for */
	weft_replay_stats stats;
};

#endif
