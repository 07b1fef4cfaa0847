/* SPDX-License-Identifier: Apache-2.0 */
/* net/codec/memory.c - a memory as a message, and back. */
#include <weft/codec.h>

void weft_codec_from_memory(const weft_memory *memory, weft_codec_message *ret_message)
{
	bool own = !weft_uuid_is_nil(memory->agent_id) && weft_uuid_eq(memory->entity_id, memory->agent_id);

	*ret_message = (weft_codec_message){
		.role = own ? WEFT_ROLE_ASSISTANT : WEFT_ROLE_USER,
		.id = memory->id,
		.room_id = memory->room_id,
		.entity_id = memory->entity_id,
		.agent_id = memory->agent_id,
		.in_reply_to = memory->in_reply_to,
		.created_ms = memory->created_ms,
		.text = memory->text,
		.thought = memory->thought,
		.actions = memory->actions,
		.source = memory->source,
		.attachments = memory->attachments,
		.attachment_count = memory->attachment_count,
	};
}

void weft_codec_to_memory(const weft_codec_message *message, weft_memory *ret_memory)
{
	*ret_memory = (weft_memory){
		.id = message->id,
		.type = WEFT_MEMORY_MESSAGE,
		.room_id = message->room_id,
		.entity_id = message->entity_id,
		.agent_id = message->agent_id,
		.in_reply_to = message->in_reply_to,
		.created_ms = message->created_ms,
		.text = message->text,
		.thought = message->thought,
		.actions = message->actions,
		.source = message->source,
		.attachments = message->attachments,
		.attachment_count = message->attachment_count,
	};
}
