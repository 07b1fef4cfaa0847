/* SPDX-License-Identifier: Apache-2.0 */
/*
 * actors/permission.h - may this call be made? By the rules of its agent's definition.
 */
#ifndef WEFT_ACTORS_PERMISSION_H
#define WEFT_ACTORS_PERMISSION_H

#include <weft/json.h>
#include <weft/permission.h>

#include "runtime/base/refs.h"

struct weft__rule {
	char *tool, *argument, *value, *why; /* owned; but for tool maybe NULL */
	uint8_t permit;
};

struct weft_permissions {
	weft__refs refs;
	bool held; /* by a definition: read-only */
	uint8_t otherwise;
	struct weft__rule *rules;
	uint32_t count, room;
};

/* What the rules say of one call. */
struct weft__verdict {
	weft_permit permit;
	bool waits;         /* it asks, and there is somebody to be asked */
	weft_str rule, why; /* of the rule that holds: its pattern of tools, or "default"; its reason, maybe empty */
};

/** The rule that holds, or NULL: otherwise does. Any thread. */
const struct weft__rule *weft__permissions_find(const weft_permissions *permissions, weft_str tool, weft_json arguments);

static inline weft_permit weft__rule_permit(const weft_permissions *permissions, const struct weft__rule *rule)
{
	return (weft_permit)(rule ? rule->permit : permissions->otherwise);
}

/** Text is like the pattern, where * stands for any characters. */
bool weft__glob(const char *pattern, weft_str text);

#endif
