/* SPDX-License-Identifier: Apache-2.0 */
/*
 * actors/remote/fault.h - what a provider says when it refuses, made fit to show.
 *
 * Every provider, and every proxy before it, wraps its reasons in another way: JSON of
 * several shapes, plain text, a page of HTML. The sentence inside is taken out, brought
 * into one line, cut, and freed of the key, which some of them quote.
 */
#ifndef WEFT_ACTORS_REMOTE_FAULT_H
#define WEFT_ACTORS_REMOTE_FAULT_H

#include <weft/error.h>
#include <weft/json.h>

/**
 * Fill err with "HTTP 429 (rate_limit_exceeded): <the provider's sentence>". status 0: no status to name
 * (an error inside a stream). key: what must not be in it; may be empty.
 * @return err's code: -EACCES, -EDQUOT, -ENOENT, -ETIMEDOUT, -EMSGSIZE, -EAGAIN (try later), -EPROTO (another 4xx), -EIO
 */
int weft__fault(weft_error *err, int status, weft_str body, weft_str key);

/** The same of what was parsed: an object with an error inside, or the error itself. */
int weft__fault_json(weft_error *err, int status, weft_json value, weft_str key);

/** True when value says that something went wrong: {"error": ...}, {"object": "error"}, {"type": "error"}. */
bool weft__fault_is(weft_json value);

#endif
