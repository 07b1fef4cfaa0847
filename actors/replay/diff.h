/* SPDX-License-Identifier: Apache-2.0 */
/* actors/replay/diff.h - what differs between two lines, in few words. */
#ifndef WEFT_ACTORS_REPLAY_DIFF_H
#define WEFT_ACTORS_REPLAY_DIFF_H

#include <weft/json.h>

/**
 * The first member of which two objects differ, as "messages/2/content: recorded "...", now "..."". Members of the line
 * itself (type, run, step, hash, ns) do not count. Cut to what fits. False: they do not differ.
 */
bool weft__diff(weft_json recorded, weft_json now, char *ret_text, size_t size);

#endif
