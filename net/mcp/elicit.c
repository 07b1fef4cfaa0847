/* SPDX-License-Identifier: Apache-2.0 */
/* net/mcp/elicit.c - see elicit.h. */
#include "net/mcp/elicit.h"

#include <errno.h>

static bool is_accepted(weft_json answer)
{
	weft_str action;

	return weft_json_get_str(weft_json_find(answer, WEFT_STR("action")), &action) &&
	       weft_str_eq(action, WEFT_STR("accept"));
}

static void content_put(weft_json_writer *w, weft_json params, weft_json content)
{
	weft_json fields = weft_json_find(weft_json_find(params, WEFT_STR("requestedSchema")), WEFT_STR("properties"));
	weft_json_iter it;

	weft_json_begin_object(w);
	for (it = weft_json_iter_begin(content); weft_json_iter_next(&it);) {
		weft_json_key(w, it.key);
		weft_json_put_value(w, it.value);
	}
	for (it = weft_json_iter_begin(fields); weft_json_iter_next(&it);) {
		weft_json preset = weft_json_find(it.value, WEFT_STR("default"));

		if (weft_json_typeof(preset) == WEFT_JSON_NONE ||
		    weft_json_typeof(weft_json_find(content, it.key)) != WEFT_JSON_NONE)
			continue;
		weft_json_key(w, it.key);
		weft_json_put_value(w, preset);
	}
	weft_json_end_object(w);
}

void weft__mcp_elicit_put(weft_json_writer *w, weft_json params, weft_json answer)
{
	weft_str action = WEFT_STR("cancel");

	weft_json_get_str(weft_json_find(answer, WEFT_STR("action")), &action);
	weft_json_begin_object(w);
	weft_json_key(w, WEFT_STR("action"));
	weft_json_put_str(w, action);
	if (is_accepted(answer)) {
		weft_json_key(w, WEFT_STR("content"));
		content_put(w, params, weft_json_find(answer, WEFT_STR("content")));
	}
	weft_json_end_object(w);
}

/* The form as it will be sent. */
static int filled(weft_json params, weft_json answer, weft_json_doc **ret_doc)
{
	weft_json_writer *w;
	weft_str text;
	int r = weft_json_writer_create(0, &w);

	if (r < 0)
		return r;
	content_put(w, params, weft_json_find(answer, WEFT_STR("content")));
	r = weft_json_writer_text(w, &text);
	if (r == 0)
		r = weft_json_parse(text, ret_doc, NULL);
	weft_json_writer_destroy(w);
	return r;
}

int weft__mcp_elicit_check(weft_json params, weft_json answer, weft_error *err)
{
	weft_json form = weft_json_find(params, WEFT_STR("requestedSchema"));
	weft_json_schema *schema = NULL;
	weft_json_doc *doc = NULL;
	weft_str action;
	int r;

	if (!weft_json_get_str(weft_json_find(answer, WEFT_STR("action")), &action) ||
	    !(weft_str_eq(action, WEFT_STR("accept")) || weft_str_eq(action, WEFT_STR("decline")) ||
	      weft_str_eq(action, WEFT_STR("cancel"))))
		return weft_error_set(err, WEFT_ESCHEMA, "action must be accept, decline or cancel");
	if (!is_accepted(answer) || weft_json_typeof(form) != WEFT_JSON_OBJECT)
		return 0;
	r = weft_json_schema_compile(form, &schema, NULL);
	if (r < 0)
		return r == -ENOMEM ? r : 0; /* a form we cannot check is the server's to check */
	r = filled(params, answer, &doc);
	if (r == 0)
		r = weft_json_schema_check(schema, weft_json_root(doc), err);
	weft_json_release(doc);
	weft_json_schema_destroy(schema);
	return r;
}
