/* SPDX-License-Identifier: Apache-2.0 */
/*
 * runtime/actor/fail.c - how one actor goes wrong without anybody else.
 *
 * Why it failed is kept by the worker that runs it: the actor ends right after the message it is
 * handling, so no other comes in between.
 *
 * Tests: tests/api/test_fail.c.
 */
#include "runtime/actor/core.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <weft/event.h>

int weft_actor_fail(weft_actor *self, int reason, const char *text)
{
	struct weft__worker *w = weft__self;

	WEFT_RETURN_IF(!self || !w || w->actor != self, -EINVAL);
	if (reason >= 0)
		reason = WEFT_EFAILED;
	w->failed.ref = self->ref_id;
	snprintf(w->failed.text, sizeof(w->failed.text), "%s", text ? text : "");
	weft_actor_exit(self, reason);
	return reason;
}

bool weft_actor_check_failed(weft_actor *self, const char *cond, const char *file, int line)
{
	char text[WEFT_EXIT_TEXT_BYTES];
	const char *slash = strrchr(file, '/');

	snprintf(text, sizeof(text), "%s:%d: %s", slash ? slash + 1 : file, line, cond);
	weft_actor_fail(self, WEFT_EINTERNAL, text);
	return false;
}

void weft__actor_tell_failure(struct weft_actor *a, struct weft__worker *w, int reason)
{
	const char *text = w->failed.ref == a->ref_id ? w->failed.text : "";
	const weft_event_field fields[] = {
		{ .key = WEFT_STR("class"), .kind = WEFT_FIELD_STR, .str = weft_str_from(a->cls->name) },
		{ .key = WEFT_STR("actor"), .kind = WEFT_FIELD_INT, .num.i = (int64_t)a->ref_id },
		{ .key = WEFT_STR("reason"), .kind = WEFT_FIELD_STR, .str = weft_str_from(weft_errname(reason)) },
	};

	weft__note(w, WEFT_FLIGHT_FAIL, 0, a->ref_id, reason);
	if (!weft__bus_wanted(w->rt->bus))
		return;
	weft_event_emit(a->rt, &(weft_event_desc){ .scope = WEFT_SCOPE_SYSTEM,
	                                           .type = WEFT_EVENT_FAILED,
	                                           .component_id = WEFT_STR("system:actor"),
	                                           .message = weft_str_from(text),
	                                           .fields = fields,
	                                           .field_count = sizeof(fields) / sizeof(fields[0]) });
}
