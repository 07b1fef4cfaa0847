/* SPDX-License-Identifier: Apache-2.0 */
/*
 * actors/structured.h - answers that must be JSON of a certain shape.
 *
 * Providers promise to keep to a schema, and mostly do; some do not know how. So each answer to a
 * request with a json_schema is checked here, whoever gave it, and one that does not fit is asked
 * for again, with the reason told to the model.
 */
#ifndef WEFT_ACTORS_STRUCTURED_H
#define WEFT_ACTORS_STRUCTURED_H

#include <weft/model.h>

/**
 * Does the answer fit request->json_schema? Calls of tools and answers to requests without a schema always do. A fitting
 * answer's text becomes the JSON alone, without what surrounds it (<think>, a code fence).
 * @return 0; WEFT_ESCHEMA: it can be asked for again, err says what is wrong; -EINVAL: the schema is none;
 *         WEFT_ECUT, WEFT_EFILTERED: it was cut off, or withheld; -ENOMEM
 */
int weft__structured_check(const weft_model_request *request, weft_model_response *response, weft_arena *arena,
                           weft_error *err);

/** Put the answer and what was wrong with it behind the request's messages. The new list is the arena's. @return 0 or -ENOMEM */
int weft__structured_ask_again(weft_model_request *request, const weft_model_response *response, weft_arena *arena,
                               const weft_error *why);

#endif
