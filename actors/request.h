/* SPDX-License-Identifier: Apache-2.0 */
/*
 * actors/request.h - requests to models, and their answers, as values: equal or not, and copied whole.
 */
#ifndef WEFT_ACTORS_REQUEST_H
#define WEFT_ACTORS_REQUEST_H

#include <weft/model.h>

/**
 * All that a handler may look at, one behind the other, each with its length: equal for equal requests only.
 * @return 0 or -ENOMEM
 */
int weft__request_key(weft_arena *arena, const weft_model_request *request, weft_str *ret_key);

/** For tables; equal keys have equal hashes, no more. */
uint64_t weft__key_hash(weft_str key);

/** A copy that shares nothing. @return 0 or -ENOMEM */
int weft__request_copy(weft_arena *arena, const weft_model_request *request, weft_model_request *ret_copy);
int weft__response_copy(weft_arena *arena, const weft_model_response *response, weft_model_response *ret_copy);

#endif
