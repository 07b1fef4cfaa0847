/* SPDX-License-Identifier: Apache-2.0 */
/* cli/replay/look.h - what is in a recording, for people. */
#ifndef WEFT_CLI_REPLAY_LOOK_H
#define WEFT_CLI_REPLAY_LOOK_H

#include <weft/record.h>

/** Print its agents, runs and steps on standard output. @return 0, -ENOMEM, or what the library says of a line */
int replay_look(weft_replay *replay, const char *path);

#endif
