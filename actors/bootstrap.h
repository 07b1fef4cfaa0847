/* SPDX-License-Identifier: Apache-2.0 */
/*
 * actors/bootstrap.h - the providers and actions every full agent has.
 *
 *   position  provider           what it shows
 *     -10     CHARACTER          who the agent is (made once a definition)
 *      -1     ACTIONS            what it can do
 *       0     PROVIDERS          what it may ask for by name
 *       0     ENTITIES           who is in the room
 *       0     RELATIONSHIPS      whom the speaker has to do with
 *       0     FACTS              what it was told about them
 *       0     GOALS              what is to be done
 *       0     TIME               now
 *     100     RECENT_MESSAGES    the conversation
 *     150     ACTION_STATE       what it did so far for this message
 */
#ifndef WEFT_ACTORS_BOOTSTRAP_H
#define WEFT_ACTORS_BOOTSTRAP_H

#include <weft/agent.h>

#define WEFT__REPLY "REPLY"
#define WEFT__IGNORE "IGNORE"

/**
 * Complete a definition with them; what the host added under one of these names stays.
 * Of the providers only CHARACTER when the definition is bare. @return 0 or -ENOMEM
 */
int weft__bootstrap_add(weft_agent_def *def);

#endif
