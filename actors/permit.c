/* SPDX-License-Identifier: Apache-2.0 */
/* actors/permit.c - may a call be made, and the audit line that says what came of it. */
#include "actors/ask.h"
#include "actors/audit.h"
#include "actors/permission.h"

void weft__ask_refuse(struct weft__ask *a, struct weft__tool_run *t, const char *decision, weft_str text)
{
	(void)a;
	t->status = WEFT_EDENIED;
	t->text = text.ptr ? text : WEFT_STR("Error: the call is not permitted");
	t->decision = decision;
}

/* By the rules, and by whether there is somebody to be asked. */
static struct weft__verdict judge(const weft_agent_def *def, const weft_tool_call *call)
{
	const struct weft__rule *rule = NULL;
	weft_permit permit = WEFT_PERMIT_ALLOW;

	if (def->permissions) {
		rule = weft__permissions_find(def->permissions, call->name, call->arguments);
		permit = weft__rule_permit(def->permissions, rule);
	}
	return (struct weft__verdict){ .permit = permit,
		                       .waits = permit == WEFT_PERMIT_ASK && def->approvals,
		                       .rule = weft_str_from(rule ? rule->tool : "default"),
		                       .why = weft_str_from(rule ? rule->why : NULL) };
}

void weft__ask_permit(struct weft__ask *a, struct weft__tool_run *t)
{
	struct weft__verdict v;
	weft_str why;

	if (t->status < 0 || t->repeated)
		return;
	v = judge(a->run->agent->def, &t->call);
	if (a->run->tape)
		a->run->tape->tape->fns->permitted(a->run, t, &v);
	t->by = v.rule;
	if (v.permit == WEFT_PERMIT_ALLOW)
		return;
	if (v.waits) {
		t->why = v.why;
		t->decision = "waiting";
		t->waits = true;
		a->waiting++;
		return;
	}
	why = v.why;
	if (!why.len_bytes)
		why = weft_str_from(v.permit == WEFT_PERMIT_ASK ? "it needs an approval, and there is nobody to give one"
		                                                : "it is not permitted to this agent");
	weft__ask_refuse(a, t, "deny", weft_arena_printf(a->run->arena, "Error: tool '%.*s' may not be called: %.*s",
	                                                 WEFT_STR_ARG(t->call.name), WEFT_STR_ARG(why)));
}

void weft__ask_audit(const struct weft__ask *a, const struct weft__tool_run *t)
{
	struct weft__audit_entry entry = {
		.agent = a->name,
		.tool = t->call.name,
		.call_id = t->call.id,
		.workflow_id = a->run->workflow_id,
		.run = t->waits ? a->run->result.suspended_run : a->resumed,
		.arguments_text = t->call.arguments_text,
		.decision = t->decision ? t->decision : "allow",
		.by = t->by,
		.reason = t->why,
		.made = t->called,
		.status = t->status,
		.duration_ns = t->started ? weft_ticks_to_ns(weft_ticks() - t->started) : 0,
	};

	if (t->doc)
		entry.arguments = t->call.arguments;
	weft__audit_note(a->run->agent->def->audit, &entry);
}
