/* SPDX-License-Identifier: Apache-2.0 */
/*
 * actors/sections.h - two providers that show what the store knows beside memories; nothing while it knows nothing.
 *
 *   # Relationships of Ann                         the speaker's, those that changed last first
 *   - to Bob: friend, colleague (strength 0.80)
 *   - from Carol: rival
 *
 *   # To do                                        open, of the room, then the agent's own that have none
 *   - goal: Find a flat. Quiet, with a garden (due 2026-11-21)
 *   - task: Call the owner
 */
#ifndef WEFT_ACTORS_SECTIONS_H
#define WEFT_ACTORS_SECTIONS_H

#include <weft/plugin.h>

#define WEFT__RELATIONSHIPS_SHOWN 16
#define WEFT__TASKS_SHOWN 32

/* weft_provider_fn both. */
int weft__relationships(weft_provider_call *call, void *user);
int weft__goals(weft_provider_call *call, void *user);

#endif
