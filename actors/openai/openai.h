/* SPDX-License-Identifier: Apache-2.0 */
/* actors/openai/openai.h - what the public options mean: for its models (openai.c), and for the list of them (list.c). */
#ifndef WEFT_ACTORS_OPENAI_OPENAI_H
#define WEFT_ACTORS_OPENAI_OPENAI_H

#include <weft/openai.h>

#include "actors/remote/provider.h"

/** Where requests go and with what: all but the models and the API. What it points at is opt's or the environment's. @return 0, -EINVAL */
int weft__openai_setup(const weft_openai_options *opt, struct weft__provider_setup *ret_setup, weft_error *err);
/** The fields that have options of their own. @return 0, -EINVAL, -ENOMEM */
int weft__openai_headers(struct weft__provider *p, const weft_openai_options *opt, weft_error *err);

#endif
