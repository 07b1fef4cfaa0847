/* SPDX-License-Identifier: Apache-2.0 */
/*
 * actors/audit.h - one line for each call of a tool.
 */
#ifndef WEFT_ACTORS_AUDIT_H
#define WEFT_ACTORS_AUDIT_H

#include <weft/json.h>
#include <weft/permission.h>
#include <weft/uuid.h>

struct weft__audit_entry {
	weft_str agent, tool, call_id;
	uint64_t workflow_id;     /* counts from the start of the process */
	weft_uuid run;            /* the suspended run that waits for it, or went on to it; nil: none */
	weft_json arguments;      /* for their hash; none: they could not be parsed */
	weft_str arguments_text;
	const char *decision;     /* "allow", "deny", "waiting", "approved", "denied", "expired" */
	weft_str by, reason;      /* the rule, or who answered */
	bool made;                /* the tool was called */
	int status;               /* of the call: 0 or an error */
	uint64_t duration_ns;
};

/** Any thread. What cannot be written is counted. */
void weft__audit_note(weft_audit *audit, const struct weft__audit_entry *entry);

#endif
