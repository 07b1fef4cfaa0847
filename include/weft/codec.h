/* SPDX-License-Identifier: Apache-2.0 */
/*
 * weft/codec.h - chat messages as bytes: JSON, MessagePack, Protocol Buffers.
 *
 * For what leaves the process or comes into it: files, queues, sockets, programs in other languages. One message or a list,
 * the same fields in each format; what is encoded in one and decoded is, encoded in another one, still all there.
 *
 *   JSON         an object; a list is an array of them. Ids are text, the role is its name
 *   MessagePack  a map with the same keys; ids are 16 bytes (bin), the role is its name (meson option msgpack)
 *   protobuf     weft.v1.Message and weft.v1.Messages of <weft/message.proto> (meson option protobuf)
 *
 * A field that is empty, nil or 0 is left out. In what is read, null (nil) is as good as left out; keys that are not known
 * here are passed over and not kept: what has no field of its own belongs into metadata. A key given twice is an error in JSON and
 * MessagePack; in protobuf the last one holds, as its specification says. All text is UTF-8, checked both ways.
 *
 * What is decoded takes at most WEFT_CODEC_GROWTH times the bytes it was made of, and a chunk of the arena; while protobuf is
 * unpacked, three times that are held.
 *
 * Threads: any, as long as no two share a buffer or an arena.   Source: docs/guide/codec.md.
 */
#ifndef WEFT_CODEC_H
#define WEFT_CODEC_H

#include <weft/alloc.h>
#include <weft/base.h>
#include <weft/error.h>
#include <weft/memory.h>
#include <weft/model.h>
#include <weft/uuid.h>

WEFT_BEGIN_DECLS

#define WEFT_CODEC_BYTES_MAX (64u << 20)        /* of one encoded message or list */
#define WEFT_CODEC_MESSAGES_MAX 65536u          /* in a list */
#define WEFT_CODEC_TEXT_BYTES_MAX (4u << 20)    /* text, thought, actions, source, metadata, arguments, results; url, text, description of attachments */
#define WEFT_CODEC_NAME_BYTES_MAX 1024u         /* all other text */
#define WEFT_CODEC_CALLS_MAX 128u               /* tool calls, and results, of a message; attachments: WEFT_ATTACHMENTS_MAX */
#define WEFT_CODEC_METADATA_DEPTH_MAX 32u       /* objects and arrays in one another in metadata */
#define WEFT_CODEC_GROWTH 64u

typedef enum weft_codec_format {
	WEFT_CODEC_JSON = 0,
	WEFT_CODEC_MSGPACK,
	WEFT_CODEC_PROTOBUF,
	WEFT_CODEC_FORMAT_COUNT
} weft_codec_format;

/** "json", "msgpack", "protobuf"; "?" for anything else. Static. */
WEFT_API const char *weft_codec_format_name(weft_codec_format format);
/** Was it built in? @return 0, -EPROTONOSUPPORT (err names the meson option), -EINVAL. JSON always is. */
WEFT_API int weft_codec_has(weft_codec_format format, weft_error *err);

/** What a tool gave. */
typedef struct weft_codec_result {
	weft_str call_id; /* weft_tool_request.id of the call */
	weft_str name;    /* of the tool; may be empty */
	weft_str text;
	bool failed;      /* text says why */
} weft_codec_result;

/** A message of a conversation, as it is exchanged. Keys and fields have the names that stand here, unless a comment says otherwise. */
typedef struct weft_codec_message {
	weft_role role;        /* required */
	weft_uuid id;          /* each: nil is none */
	weft_uuid room_id;
	weft_uuid entity_id;   /* who said it */
	weft_uuid agent_id;    /* whose conversation it is */
	weft_uuid in_reply_to;
	int64_t created_ms;    /* Unix time; 0: not said */
	weft_str text;
	weft_str thought;
	weft_str actions;      /* comma list */
	weft_str source;       /* which client it came from */
	weft_str metadata_json; /* key "metadata": one JSON object, or empty. Comes back byte for byte */
	const weft_attachment *attachments;
	const weft_tool_request *tool_calls; /* keys "id", "name", "arguments": text, as the model wrote it */
	const weft_codec_result *tool_results;
	uint32_t attachment_count, tool_call_count, tool_result_count;
} weft_codec_message;

/**
 * Could it be encoded? Bounds, UTF-8, the role, and that metadata is a JSON object; nothing of what a message ought to say
 * (weft/validate.h, weft_attachments_check).
 * @return 0, -EINVAL (NULL), -EMSGSIZE, -EILSEQ (not UTF-8), WEFT_EPARSE (metadata), WEFT_ESCHEMA (role; metadata is no object
 *         or too deep), -ENOMEM; err names the field: "attachments[2].title: not UTF-8". Allocates: only to look into metadata.
 */
WEFT_API int weft_codec_check(const weft_codec_message *message, weft_error *err);

/**
 * Append a message, or a list of count, to a buffer (weft/alloc.h): memory of its own, or of an arena.
 * @return 0, as weft_codec_check, -EPROTONOSUPPORT (not built in; err names the option); the buffer's length is as it was then
 */
WEFT_API int weft_codec_encode(weft_codec_format format, const weft_codec_message *message, weft_buffer *to,
                               weft_error *err);
WEFT_API int weft_codec_encode_list(weft_codec_format format, const weft_codec_message *messages, uint32_t count,
                                    weft_buffer *to, weft_error *err);

/** A flag of decoding: text may point into the bytes, which then must live as long as the message. JSON is copied all the same. */
#define WEFT_CODEC_BORROW 1u

/**
 * Read one message, or a list, that is all of bytes. What it points to lies in arena; with WEFT_CODEC_BORROW in bytes, too.
 *
 * @param ret_messages  NULL for an empty list
 * @return 0, WEFT_EPARSE (not that format), WEFT_ESCHEMA (another type than the field's, a key twice, no role), -EILSEQ, -EMSGSIZE
 *         (a bound above), -EPROTONOSUPPORT, -EINVAL (NULL), -ENOMEM. err names field and place:
 *         "[3].attachments[0].url: expected text, at byte 412"; of JSON that is none line and column. On failure arena
 *         may hold parts of what was read.
 */
WEFT_API int weft_codec_decode(weft_codec_format format, weft_str bytes, uint32_t flags, weft_arena *arena,
                               weft_codec_message *ret_message, weft_error *err);
WEFT_API int weft_codec_decode_list(weft_codec_format format, weft_str bytes, uint32_t flags, weft_arena *arena,
                                    weft_codec_message **ret_messages, uint32_t *ret_count, weft_error *err);

/**
 * A memory as a message, and back; both point to what the other one points to. The role is the assistant's where the entity is the
 * agent, else the user's. A memory has no tool calls, results and metadata: those are left behind.
 */
WEFT_API void weft_codec_from_memory(const weft_memory *memory, weft_codec_message *ret_message);
WEFT_API void weft_codec_to_memory(const weft_codec_message *message, weft_memory *ret_memory);

WEFT_END_DECLS

#endif
