/* SPDX-License-Identifier: Apache-2.0 */
/* actors/event_json.c - an event as JSON. It stands here, and not with the bus, because it needs the JSON writer. */
#include <weft/event.h>

static void put_str(weft_json_writer *w, weft_str key, weft_str value)
{
	weft_json_key(w, key);
	weft_json_put_str(w, value);
}

static void put_uint(weft_json_writer *w, weft_str key, uint64_t value)
{
	weft_json_key(w, key);
	weft_json_put_uint(w, value);
}

static void put_field(weft_json_writer *w, const weft_event_field *f)
{
	weft_json_key(w, f->key);
	switch (f->kind) {
	case WEFT_FIELD_STR:
		weft_json_put_str(w, f->str);
		break;
	case WEFT_FIELD_JSON:
		weft_json_put_raw(w, f->str);
		break;
	case WEFT_FIELD_INT:
		weft_json_put_int(w, f->num.i);
		break;
	case WEFT_FIELD_DOUBLE:
		weft_json_put_double(w, f->num.d);
		break;
	case WEFT_FIELD_BOOL:
		weft_json_put_bool(w, f->num.b);
		break;
	case WEFT_FIELD_SINCE_MS: /* what is read is a DOUBLE */
		weft_json_put_null(w);
		break;
	}
}

void weft_event_write_json(const weft_event *event, weft_json_writer *w)
{
	weft_json_begin_object(w);
	put_uint(w, WEFT_STR("id"), event->id);
	put_uint(w, WEFT_STR("offset"), event->offset);
	weft_json_key(w, WEFT_STR("timestamp"));
	weft_json_put_int(w, event->wall_ms);
	put_str(w, WEFT_STR("scope"), weft_str_from(weft_event_scope_name(event->scope)));
	put_str(w, WEFT_STR("type"), weft_str_from(weft_event_type_name(event->type)));
	put_str(w, WEFT_STR("component_id"), event->component_id);
	put_str(w, WEFT_STR("status"), weft_str_from(weft_event_status_name(event->type)));
	put_uint(w, WEFT_STR("workflow_id"), event->workflow_id);
	if (event->parent_workflow_id)
		put_uint(w, WEFT_STR("parent_workflow_id"), event->parent_workflow_id);
	if (event->message.len_bytes)
		put_str(w, WEFT_STR("message"), event->message);
	weft_json_key(w, WEFT_STR("data"));
	weft_json_begin_object(w);
	if (event->type == WEFT_EVENT_LAGGED)
		put_uint(w, WEFT_STR("lagged"), event->lagged_events);
	for (uint32_t i = 0; i < event->field_count; i++)
		put_field(w, &event->fields[i]);
	weft_json_end_object(w);
	weft_json_end_object(w);
}
