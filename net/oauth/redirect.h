/* SPDX-License-Identifier: Apache-2.0 */
/*
 * net/oauth/redirect.h - what a browser brings back: the address it was sent to, with a code or a refusal in
 * its query.
 */
#ifndef WEFT_NET_OAUTH_REDIRECT_H
#define WEFT_NET_OAUTH_REDIRECT_H

#include <weft/error.h>

#include "net/oauth/secret.h"

/*
 * redirect: the whole address, or its query alone. state: the one that was given along. issuer: whom it must
 * come from, when it says so, or when it has to say so (RFC 9207). The code is put into ret_code, which is
 * empty before. 0; -EINVAL: it is no answer to this question (no state or another one, a parameter twice),
 * wait on; -EACCES: it is one, and says no (err: how), or comes from another issuer; -ENOMEM.
 */
int weft__oauth_redirect_read(weft_str redirect, weft_str state, weft_str issuer, bool issuer_must_be,
                              struct weft__secret *ret_code, weft_error *err);

#endif
