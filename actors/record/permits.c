/* SPDX-License-Identifier: Apache-2.0 */
/* actors/record/permits.c - rules, verdicts and suspended runs put into a line and read back, member by member. */
#include "actors/record/permits.h"

#include <errno.h>

/* ---- rules -------------------------------------------------------------------- */

static void put_rule(struct weft__scribe *s, const struct weft__rule *rule)
{
	weft_json_begin_object(s->w);
	weft__scribe_plain(s, "permit", weft_str_from(weft_permit_name((weft_permit)rule->permit)));
	weft__scribe_str(s, "tool", weft_str_from(rule->tool));
	weft__scribe_str(s, "argument", weft_str_from(rule->argument));
	weft__scribe_str(s, "value", weft_str_from(rule->value));
	weft__scribe_str(s, "why", weft_str_from(rule->why));
	weft_json_end_object(s->w);
}

void weft__scribe_permissions(struct weft__scribe *s, const weft_permissions *p)
{
	if (!p)
		return;
	weft_json_key(s->w, WEFT_STR("permissions"));
	weft_json_begin_object(s->w);
	weft__scribe_plain(s, "otherwise", weft_str_from(weft_permit_name((weft_permit)p->otherwise)));
	weft_json_key(s->w, WEFT_STR("rules"));
	weft_json_begin_array(s->w);
	for (uint32_t i = 0; i < p->count; i++)
		put_rule(s, &p->rules[i]);
	weft_json_end_array(s->w);
	weft_json_end_object(s->w);
}

static bool read_permit(weft_json object, const char *key, weft_permit *ret_permit)
{
	weft_str name = weft__read_str(object, key);

	for (int i = 0; i <= WEFT_PERMIT_DENY; i++) {
		if (weft_str_eq(name, weft_str_from(weft_permit_name((weft_permit)i)))) {
			*ret_permit = (weft_permit)i;
			return true;
		}
	}
	return false;
}

/* A value as text of its own. The writer is the caller's. */
static int text_of(weft_json_writer *w, weft_json value, weft_str *ret_text)
{
	weft_json_put_value(w, value);
	return weft_json_writer_text(w, ret_text);
}

static int read_rules(weft_json list, weft_permissions *p, weft_error *err)
{
	weft_json_writer *w;
	weft_str text;
	int r = weft_json_writer_create(0, &w);

	if (r < 0)
		return r;
	r = text_of(w, list, &text);
	if (r == 0)
		r = weft_permissions_add_json(p, text, err);
	weft_json_writer_destroy(w);
	return r;
}

int weft__read_permissions(weft_json line, weft_permissions **ret_permissions, weft_error *err)
{
	weft_json object = weft_json_find(line, WEFT_STR("permissions"));
	weft_permissions *p;
	weft_permit otherwise;
	int r;

	*ret_permissions = NULL;
	if (weft_json_typeof(object) == WEFT_JSON_NONE)
		return 0;
	if (!read_permit(object, "otherwise", &otherwise))
		return weft_error_set(err, WEFT_ECONFIG, "the recorded permissions say nothing of what no rule matches");
	r = weft_permissions_create(otherwise, &p);
	if (r < 0)
		return r;
	r = read_rules(weft_json_find(object, WEFT_STR("rules")), p, err);
	if (r < 0)
		weft_permissions_unref(p);
	else
		*ret_permissions = p;
	return r;
}

/* ---- what they said ------------------------------------------------------------- */

void weft__scribe_verdict(struct weft__scribe *s, const weft_tool_call *call, const struct weft__verdict *v)
{
	weft__scribe_call(s, call);
	weft__scribe_plain(s, "permit", weft_str_from(weft_permit_name(v->permit)));
	weft__scribe_str(s, "rule", v->rule);
	weft__scribe_str(s, "why", v->why);
	weft__scribe_true(s, "waits", v->waits);
}

int weft__read_verdict(weft_json line, weft_arena *arena, struct weft__verdict *ret_verdict)
{
	struct weft__verdict v = { .waits = weft__read_bool(line, "waits") };
	int r = 0;

	if (!read_permit(line, "permit", &v.permit))
		return WEFT_EDAMAGED;
	v.rule = weft__read_copy(line, "rule", arena, &r);
	v.why = weft__read_copy(line, "why", arena, &r);
	if (r == 0)
		*ret_verdict = v;
	return r;
}

/* ---- runs that wait ----------------------------------------------------------------- */

int weft__scribe_suspended(struct weft__scribe *s, const struct weft__suspended *suspended, bool with_state)
{
	struct weft__suspended shown = *suspended;
	weft_json_doc *doc;
	weft_str json;
	int r;

	if (!with_state)
		shown.state_json = WEFT_STR("{}");
	r = weft__suspended_write(&shown, s->scratch, &json);
	if (r == 0)
		r = weft_json_parse(json, &doc, NULL);
	if (r < 0)
		return -ENOMEM; /* what is written is JSON */
	weft__scribe_value(s, "suspended", weft_json_root(doc));
	weft_json_release(doc);
	return 0;
}

int weft__read_suspended(weft_json line, weft_arena *arena, struct weft__suspended *ret_suspended)
{
	weft_json_writer *w;
	weft_str text;
	int r = weft_json_writer_create(0, &w);

	if (r < 0)
		return r;
	r = text_of(w, weft_json_find(line, WEFT_STR("suspended")), &text);
	if (r == 0)
		r = weft__suspended_read(text, arena, ret_suspended, NULL);
	weft_json_writer_destroy(w);
	return r == -EINVAL ? WEFT_EDAMAGED : r;
}
