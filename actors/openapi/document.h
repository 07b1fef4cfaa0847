/* SPDX-License-Identifier: Apache-2.0 */
/*
 * actors/openapi/document.h - reading an OpenAPI document: references within it, and its schemas as JSON Schema.
 *
 * A hostile document may refer to itself, or unfold without end: references are followed so far and no
 * further, and a schema has so many parts and no more. References to other documents are not followed.
 */
#ifndef WEFT_ACTORS_OPENAPI_DOCUMENT_H
#define WEFT_ACTORS_OPENAPI_DOCUMENT_H

#include <weft/json.h>

#define WEFT__OPENAPI_SCHEMA_PARTS_MAX 4000u
#define WEFT__OPENAPI_DEPTH_MAX 24u

/* What a value is once its "$ref" has been followed; type NONE when that leads nowhere. */
weft_json weft__openapi_resolve(weft_json root, weft_json v);

/* The value at "#/a/b~1c/0"; type NONE when there is none, or it is elsewhere. */
weft_json weft__openapi_find(weft_json root, weft_str ref);

/*
 * Write a schema without references and without what only OpenAPI 3.0 says (nullable, exclusiveMinimum: true). Where
 * it contains itself, anything goes. parts: how many are left; -E2BIG when they are not enough, -ENOENT for a reference that leads
 * nowhere: what was written is of no use then. description: instead of its own, when it is not empty.
 */
int weft__openapi_schema_put(weft_json_writer *w, weft_json root, weft_json schema, weft_str description, uint32_t *parts);

#endif
