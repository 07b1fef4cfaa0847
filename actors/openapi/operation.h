/* SPDX-License-Identifier: Apache-2.0 */
/*
 * actors/openapi/operation.h - an operation of a document: what its tool is shown as, and what is sent when it is called.
 */
#ifndef WEFT_ACTORS_OPENAPI_OPERATION_H
#define WEFT_ACTORS_OPENAPI_OPERATION_H

#include <weft/openapi.h>

#include "actors/openapi/document.h"
#include "net/http/message.h"
#include "runtime/base/refs.h"

#define WEFT__OPENAPI_FIELDS_MAX 32u
#define WEFT__OPENAPI_PARAMS_MAX 64u
#define WEFT__OPENAPI_SECRETS_MAX 4u
#define WEFT__OPENAPI_SPELLINGS_MAX 12u /* of the secrets of one operation */

/* What all operations of a document share; goes with the last of them. */
struct weft__openapi {
	weft__refs refs;
	weft_arena *arena;     /* owns everything below and the operations */
	weft_json_doc *doc;    /* only while tools are added */
	weft_json root;
	weft_openapi_options options; /* strings in arena, or the caller's while tools are added */
	const char *name;
};

struct weft__openapi *weft__openapi_ref(struct weft__openapi *api);
void weft__openapi_unref(struct weft__openapi *api); /* NULL is fine */

enum weft__openapi_in { WEFT__OPENAPI_PATH, WEFT__OPENAPI_QUERY, WEFT__OPENAPI_HEADER, WEFT__OPENAPI_COOKIE };
enum weft__openapi_style { WEFT__OPENAPI_PLAIN, WEFT__OPENAPI_EXPLODE, WEFT__OPENAPI_DEEP };
/* The first that an operation takes. */
enum weft__openapi_body { WEFT__OPENAPI_NO_BODY, WEFT__OPENAPI_JSON, WEFT__OPENAPI_FORM, WEFT__OPENAPI_MULTIPART, WEFT__OPENAPI_TEXT };

struct weft__openapi_param {
	weft_str name;     /* as it is sent */
	weft_str argument; /* as the model calls it */
	uint8_t in, style;
	char separator; /* between the elements of a list that is not exploded */
	bool required;
	weft_json entry; /* of the document; only while tools are added */
};

/* A member of a multipart body that is a file, or whose type the document names. */
struct weft__openapi_part {
	weft_str name;
	weft_str type; /* of its content; empty: by what it is */
	bool is_file;  /* the model gives {"content": "...", "filename": "..."}, or a list of them */
};

struct weft__openapi_operation {
	struct weft__openapi *api; /* a reference */
	weft_str id, method;
	weft_str server; /* without a '/' at the end */
	bool open;       /* asked over http because the document says so */
	weft_str path;   /* with {names} */
	struct weft__openapi_param *params;
	uint32_t param_count;
	uint8_t body;
	bool body_required;
	weft_str body_type; /* the media type */
	struct weft__openapi_part *parts; /* of a multipart body */
	uint32_t part_count;
	weft_str secret_query; /* "name=value", encoded; or empty */
	weft_str secret_cookie; /* "name=value; name=value", or empty */
	struct weft__http_field *fields; /* secrets that are fields */
	uint32_t field_count;
	weft_str *secrets; /* as they were given and as they are sent: what is in no text for the model */
	uint32_t secret_count;
};

/* ---- while tools are added (operation.c, security.c) ---- */

/*
 * Read one: path of the document, its item, the method in upper case, the operation's object. 0; -EPERM: it is left out, and why says
 * so; -ENOMEM. schema_json, description: of its tool, in the arena.
 */
int weft__openapi_read(struct weft__openapi *api, weft_str path, weft_json item, const char *method, weft_json operation,
                       struct weft__openapi_operation **ret, weft_str *ret_schema_json, weft_str *ret_description,
                       weft_error *why);

/* Its credentials. 0, -EPERM (none that it takes was given), -ENOMEM. */
int weft__openapi_secure(struct weft__openapi_operation *op, weft_json operation, weft_error *why);

/* text without the operation's secrets, in the arena where it has some; ptr NULL: out of memory. */
weft_str weft__openapi_mask(const struct weft__openapi_operation *op, weft_str text, weft_arena *arena);

/* Is a parameter of this name the place of a secret? Then it is not for the model. */
bool weft__openapi_is_secret(const struct weft__openapi *api, weft_str name, weft_str in);

/* Where it goes, and whether that may be asked. */
int weft__openapi_server(struct weft__openapi_operation *op, weft_json item, weft_json operation, weft_error *why);

/* ---- the same, of multipart bodies (multipart.c) ---- */

/* media: the object of the body's content. 0, -ENOMEM. */
int weft__openapi_parts_read(struct weft__openapi_operation *op, weft_json media);

/* The schema of such a body as the model sees it: files are objects. As weft__openapi_schema_put. */
int weft__openapi_parts_schema_put(const struct weft__openapi_operation *op, weft_json_writer *w, weft_json schema, uint32_t *parts);

/* ---- when one is called (request.c) ---- */

struct weft__buf;

/* Percent-encoded, all but what needs no encoding anywhere. */
void weft__openapi_encode(struct weft__buf *to, weft_str text);

/* A request in the making; strings in its arena, or in the arguments. */
struct weft__openapi_request {
	weft_arena *arena;
	weft_str url, body;
	struct weft__http_field fields[WEFT__OPENAPI_FIELDS_MAX];
	uint32_t field_count;
	int status;
	const char *wrong; /* status -EINVAL: why, for the model */
};

/* Errors stick in the request; the first one counts. */
void weft__openapi_wrong(struct weft__openapi_request *request, const char *why);
void weft__openapi_field(struct weft__openapi_request *request, weft_str name, weft_str value);
/* The text that was put together; empty, and an error, when out of memory. */
weft_str weft__openapi_text(struct weft__openapi_request *request, struct weft__buf *b);
weft_str weft__openapi_json(struct weft__openapi_request *request, weft_json v);

/* The body of a multipart operation, and its Content-Type (multipart.c). */
void weft__openapi_multipart(const struct weft__openapi_operation *op, weft_json body, struct weft__openapi_request *request);

/* 0; -EINVAL: an argument cannot be sent; -ENOMEM. */
int weft__openapi_request(const struct weft__openapi_operation *op, weft_json arguments, weft_arena *arena,
                          struct weft__openapi_request *request);

/* The handler of the tool; user is the operation. */
int weft__openapi_call(weft_tool_call *call, void *user);

#endif
