/* SPDX-License-Identifier: Apache-2.0 */
/* net/codec/shape.c - the fields of a message, an attachment, a call and a result, in the order of their protobuf numbers. */
#include "net/codec/codec.h"

#include <stddef.h>
#include <string.h>

#define NAME(text) { (text), sizeof(text) - 1 }
#define FIELD(type, member, text, kind_, max_)                                                                    \
	{ .name = NAME(text), .kind = WEFT__CODEC_##kind_, .offset = offsetof(type, member), .max = (max_) }
#define LIST(type, member, count_, text, max_, shape)                                                             \
	{ .name = NAME(text), .kind = WEFT__CODEC_LIST, .offset = offsetof(type, member),                          \
	  .count_offset = offsetof(type, count_), .max = (max_), .items = (shape) }

#define LONG WEFT_CODEC_TEXT_BYTES_MAX
#define SHORT WEFT_CODEC_NAME_BYTES_MAX

static const struct weft__codec_shape attachment_shape = {
	.size = sizeof(weft_attachment),
	.count = 7,
	.fields = {
		FIELD(weft_attachment, id, "id", UUID, 0),
		FIELD(weft_attachment, url, "url", TEXT, LONG),
		FIELD(weft_attachment, content_type, "content_type", TEXT, SHORT),
		FIELD(weft_attachment, title, "title", TEXT, SHORT),
		FIELD(weft_attachment, description, "description", TEXT, LONG),
		FIELD(weft_attachment, text, "text", TEXT, LONG),
		FIELD(weft_attachment, source, "source", TEXT, SHORT),
	},
};

static const struct weft__codec_shape call_shape = {
	.size = sizeof(weft_tool_request),
	.count = 3,
	.fields = {
		FIELD(weft_tool_request, id, "id", TEXT, SHORT),
		FIELD(weft_tool_request, name, "name", TEXT, SHORT),
		FIELD(weft_tool_request, arguments_json, "arguments", TEXT, LONG),
	},
};

static const struct weft__codec_shape result_shape = {
	.size = sizeof(weft_codec_result),
	.count = 4,
	.fields = {
		FIELD(weft_codec_result, call_id, "call_id", TEXT, SHORT),
		FIELD(weft_codec_result, name, "name", TEXT, SHORT),
		FIELD(weft_codec_result, text, "text", TEXT, LONG),
		FIELD(weft_codec_result, failed, "failed", FLAG, 0),
	},
};

#define M weft_codec_message

const struct weft__codec_shape weft__codec_message_shape = {
	.size = sizeof(M),
	.count = 15,
	.fields = {
		FIELD(M, role, "role", ROLE, 0),
		FIELD(M, id, "id", UUID, 0),
		FIELD(M, room_id, "room_id", UUID, 0),
		FIELD(M, entity_id, "entity_id", UUID, 0),
		FIELD(M, agent_id, "agent_id", UUID, 0),
		FIELD(M, in_reply_to, "in_reply_to", UUID, 0),
		FIELD(M, created_ms, "created_ms", TIME, 0),
		FIELD(M, text, "text", TEXT, LONG),
		FIELD(M, thought, "thought", TEXT, LONG),
		FIELD(M, actions, "actions", TEXT, LONG),
		FIELD(M, source, "source", TEXT, LONG),
		FIELD(M, metadata_json, "metadata", JSON, LONG),
		LIST(M, attachments, attachment_count, "attachments", WEFT_ATTACHMENTS_MAX, &attachment_shape),
		LIST(M, tool_calls, tool_call_count, "tool_calls", WEFT_CODEC_CALLS_MAX, &call_shape),
		LIST(M, tool_results, tool_result_count, "tool_results", WEFT_CODEC_CALLS_MAX, &result_shape),
	},
};

static bool name_is(const struct weft__codec_field *f, weft_str name)
{
	return f->name.len_bytes == name.len_bytes && memcmp(f->name.ptr, name.ptr, name.len_bytes) == 0;
}

const struct weft__codec_field *weft__codec_field_find(const struct weft__codec_shape *shape, weft_str name,
                                                       uint32_t *hint)
{
	uint32_t at = *hint;

	for (uint32_t i = 0; i < shape->count; i++, at++) {
		at = at < shape->count ? at : 0;
		if (name_is(&shape->fields[at], name)) {
			*hint = at + 1;
			return &shape->fields[at];
		}
	}
	return NULL;
}

bool weft__codec_is_default(const struct weft__codec_field *f, const void *from)
{
	switch (f->kind) {
	case WEFT__CODEC_TEXT:
	case WEFT__CODEC_JSON:
		return weft__codec_str_of(f, from).len_bytes == 0;
	case WEFT__CODEC_UUID:
		return weft_uuid_is_nil(weft__codec_uuid_of(f, from));
	case WEFT__CODEC_TIME:
		return weft__codec_time_of(f, from) == 0;
	case WEFT__CODEC_FLAG:
		return !*(const bool *)weft__codec_at(from, f->offset);
	case WEFT__CODEC_LIST:
		return weft__codec_count_of(f, from) == 0;
	case WEFT__CODEC_ROLE:
		break;
	}
	return false;
}

static const weft_str roles[WEFT__CODEC_ROLES] = {
	[WEFT_ROLE_SYSTEM] = NAME("system"),
	[WEFT_ROLE_USER] = NAME("user"),
	[WEFT_ROLE_ASSISTANT] = NAME("assistant"),
	[WEFT_ROLE_TOOL] = NAME("tool"),
};

weft_str weft__codec_role_name(weft_role role)
{
	return roles[role];
}

bool weft__codec_role_find(weft_str name, weft_role *ret)
{
	for (uint32_t i = 0; i < WEFT__CODEC_ROLES; i++) {
		if (weft_str_eq(roles[i], name)) {
			*ret = (weft_role)i;
			return true;
		}
	}
	return false;
}
