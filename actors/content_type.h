/* SPDX-License-Identifier: Apache-2.0 */
/*
 * actors/content_type.h - content types, and patterns over them: "image/png", "image/" and a
 * star, or a star on both sides. Letters compare without case; parameters of a type do not count.
 */
#ifndef WEFT_ACTORS_CONTENT_TYPE_H
#define WEFT_ACTORS_CONTENT_TYPE_H

#include <weft/base.h>

/** A pattern as above: one slash, no parameters, a star only in place of a whole part. */
bool weft__content_pattern_is_valid(weft_str pattern);
/** The pattern is valid. An empty type, one that is not known, is matched by stars on both sides alone. */
bool weft__content_type_matches(weft_str type, weft_str pattern);
/** A file of this type can be read as it is: text of any kind, JSON, XML, YAML and such. */
bool weft__content_type_is_text(weft_str type);

#endif
