/* SPDX-License-Identifier: Apache-2.0 */
/*
 * actors/record/scribe.h - requests, answers and runs as lines of JSON, without secrets.
 *
 * Recorder and replay write with the same scribe: the one to a file, the other to compare. A request's hash is made of
 * what is written, after redaction, and does not depend on the order of keys in tools' schemas. Each message of a
 * conversation has a hash of its own, so that a line holds only the messages that the line before did not.
 */
#ifndef WEFT_ACTORS_RECORD_SCRIBE_H
#define WEFT_ACTORS_RECORD_SCRIBE_H

#include <weft/json.h>
#include <weft/model.h>
#include <weft/tool.h>

#include "actors/record/redact.h"

#define WEFT__RECORDING_VERSION 2
#define WEFT__RECORDING_PERMITS 2 /* the first with permissions and approvals */
#define WEFT__HASH_TEXT 33 /* 32 hexadecimal digits and a NUL */

struct weft__scribe {
	struct weft__redact *redact; /* borrowed */
	weft_json_writer *w; /* owned; the line */
	weft_json_writer *part; /* owned; what is hashed on the way */
	weft_arena *scratch; /* owned; reset by each line */
	weft_str tools;      /* of a request: when they are just these, in the same place, their hash is at hand. Borrowed; may be empty */
	weft_hash128 tools_hash;
};

/* What a request is known by. */
struct weft__digest {
	weft_hash128 hash;
	weft_hash128 *messages; /* owned; one each */
	uint32_t count, cap;
};

/** @return 0 or -ENOMEM; fini is fine either way */
int weft__scribe_init(struct weft__scribe *s, struct weft__redact *redact);
void weft__scribe_fini(struct weft__scribe *s);

/** A line begins: {"type":"...","run":N,"step":N; run and step are left out when 0. */
void weft__scribe_begin(struct weft__scribe *s, const char *type, uint64_t run, uint32_t step);
/** The line is complete. @return 0 and its text, valid until the next begin; -ENOMEM */
int weft__scribe_end(struct weft__scribe *s, weft_str *ret_line);

void weft__scribe_str(struct weft__scribe *s, const char *key, weft_str text); /* redacted; left out when empty */
void weft__scribe_plain(struct weft__scribe *s, const char *key, weft_str text); /* not redacted */
void weft__scribe_uint(struct weft__scribe *s, const char *key, uint64_t value); /* left out when 0 */
void weft__scribe_true(struct weft__scribe *s, const char *key, bool value);     /* left out when false */
void weft__scribe_status(struct weft__scribe *s, int status); /* "status" and "error"; nothing for 0 */
void weft__scribe_hash(struct weft__scribe *s, const char *key, weft_hash128 hash);

/** The members of a request, the messages from `kept` on. */
void weft__scribe_request(struct weft__scribe *s, const weft_model_request *req, uint32_t kept);
/** The members of an answer. */
void weft__scribe_response(struct weft__scribe *s, const weft_model_response *res);
/** The members of a call of a tool. */
void weft__scribe_call(struct weft__scribe *s, const weft_tool_call *call);
/** A parsed value, with each text of it redacted; keys are not. */
void weft__scribe_value(struct weft__scribe *s, const char *key, weft_json value);
/** An array of messages. */
void weft__scribe_messages(struct weft__scribe *s, const char *key, const weft_chat_message *list, uint32_t count);

/** The tools of an agent, for tools and tools_hash. True: they are JSON, and *ret_hash is their hash. */
bool weft__scribe_tools_hash(struct weft__scribe *s, weft_str tools_json, weft_hash128 *ret_hash);

/** before: what the conversation is known to begin with, so that it is not looked at again; may be NULL. @return 0 or -ENOMEM. Uses the scribe's scratch. */
int weft__digest_make(struct weft__scribe *s, const weft_model_request *req, const struct weft__digest *before,
                      struct weft__digest *d);
void weft__digest_fini(struct weft__digest *d);
/** The next line keeps from this one: before takes over now, unless that has no messages. Frees what is left. */
void weft__digest_keep(struct weft__digest *before, struct weft__digest *now);
/** How many messages both begin with. */
uint32_t weft__digest_common(const struct weft__digest *a, const struct weft__digest *b);

void weft__hash_text(weft_hash128 hash, char *ret_text);

/* ---- reading back: strings live in arena or in the document ---------------- */

/** @return 0, -ENOMEM, -EINVAL (not what a scribe writes) */
int weft__read_messages(weft_json array, weft_arena *arena, weft_chat_message **ret_list, uint32_t *ret_count);
int weft__read_response(weft_json line, weft_arena *arena, weft_model_response *ret_res);

weft_str weft__read_str(weft_json object, const char *key); /* empty when it is not there */
/** The same, in arena: for when the document is not kept. *r becomes -ENOMEM when there is none, and is left alone else. */
weft_str weft__read_copy(weft_json object, const char *key, weft_arena *arena, int *r);
uint64_t weft__read_uint(weft_json object, const char *key); /* 0 when it is not there */
int64_t weft__read_int(weft_json object, const char *key);
bool weft__read_bool(weft_json object, const char *key);

#endif
