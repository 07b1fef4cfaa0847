/* SPDX-License-Identifier: Apache-2.0 */
/*
 * actors/embed_words.h - a text's words as a unit vector: what the mock embeds with.
 *
 * Each word, any case, adds or takes one at eight places that its hash names. Texts
 * that share words point in similar directions, in whatever order the words stand;
 * texts that share none are close to orthogonal.
 */
#ifndef WEFT_ACTORS_EMBED_WORDS_H
#define WEFT_ACTORS_EMBED_WORDS_H

#include <weft/base.h>

/** Fill ret_vector with dims numbers (at most 65,536) of length 1, also for the empty text. */
void weft__embed_words(weft_str text, float *ret_vector, uint32_t dims);

#endif
