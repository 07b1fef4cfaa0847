/* SPDX-License-Identifier: Apache-2.0 */
/*
 * actors/record/permits.h - who may do what, and who said so: rules, what they said of a call, and runs that wait for
 * approvals, as members of lines and back.
 *
 * A suspended run stands in a line as it stands in its file (approval.h), with each text of it redacted.
 */
#ifndef WEFT_ACTORS_RECORD_PERMITS_H
#define WEFT_ACTORS_RECORD_PERMITS_H

#include "actors/approval.h"
#include "actors/permission.h"
#include "actors/record/scribe.h"

/** "permissions": the rules of a definition. NULL: nothing. */
void weft__scribe_permissions(struct weft__scribe *s, const weft_permissions *permissions);
/** What the rules say of a call. */
void weft__scribe_verdict(struct weft__scribe *s, const weft_tool_call *call, const struct weft__verdict *v);
/** "suspended": a run that is kept, or taken to go on with it: then with all that it needs for that. @return 0 or -ENOMEM */
int weft__scribe_suspended(struct weft__scribe *s, const struct weft__suspended *suspended, bool with_state);

/* ---- reading back ------------------------------------------------------------ */

/** Rules of a definition's line. @return 0 (*ret NULL: it had none), -ENOMEM, WEFT_ECONFIG */
int weft__read_permissions(weft_json line, weft_permissions **ret_permissions, weft_error *err);
/** @return 0, -ENOMEM, WEFT_EDAMAGED; strings in arena */
int weft__read_verdict(weft_json line, weft_arena *arena, struct weft__verdict *ret_verdict);
/** @return 0, -ENOMEM, WEFT_EDAMAGED and others of weft__suspended_read; strings in arena */
int weft__read_suspended(weft_json line, weft_arena *arena, struct weft__suspended *ret_suspended);

#endif
