/* SPDX-License-Identifier: Apache-2.0 */
/*
 * store/vector/file.h - an index in a file, laid out as it lies in memory, so that opening it is a map.
 *
 *     | header, 4096 bytes | row chunks | item chunks | blocks of upper links | check sums |
 *       crc                                                                     two words a row chunk, one an
 *                                                                               item chunk, one a block chunk
 *
 * Sections follow each other, each from a multiple of 4096. Numbers are of the machine that wrote them; another byte order is
 * refused.
 * Of a row chunk, one sum is of what leads somewhere (links, heads, states, ...) and is compared when the file is
 * opened, and one of codes and vectors, which is compared when that is asked for. Whatever leads somewhere
 * is also looked at for leading where it should (sound.h), so a file that was forged is refused and not followed.
 * What can be counted is counted, and the maps from ids and vectors are made anew: they are hashes.
 */
#ifndef WEFT_STORE_VECTOR_FILE_H
#define WEFT_STORE_VECTOR_FILE_H

#include "store/vector/graph.h"

#define WEFT__FILE_MAGIC "weft idx"
#define WEFT__FILE_VERSION 2u
#define WEFT__FILE_ORDER 0x01020304u
#define WEFT__FILE_PAGE 4096u

struct weft__file_section {
	uint64_t offset, chunk_bytes;
	uint32_t chunks, count; /* count: numbers in use in them */
};

struct weft__file_header {
	char magic[8];
	uint32_t version, order;
	uint32_t crc;        /* of the header with 0 here */
	uint32_t sums_crc;   /* of the check sums */
	uint64_t file_bytes, sums_offset;
	uint32_t dims, kind, codes, m, ef_construction, graph_from, shift, has_graph;
	uint64_t seed, entry;
	uint32_t calibrated_rows, found[WEFT__CALIBRATE_EFS];
	uint32_t reserved;
	struct weft__file_section rows, items, uppers;
};

/* The bytes of a row chunk that lead somewhere: from .. to - 1; codes are before, vectors behind. */
static inline size_t weft__file_from(const struct weft__rows *r)
{
	return r->at_links;
}

static inline size_t weft__file_to(const struct weft__rows *r)
{
	return r->at_vectors;
}

static inline uint64_t weft__file_page_up(uint64_t at)
{
	return (at + WEFT__FILE_PAGE - 1) / WEFT__FILE_PAGE * WEFT__FILE_PAGE;
}

/* How many check sums there are. */
static inline uint64_t weft__file_sums(const struct weft__file_header *h)
{
	return 2 * (uint64_t)h->rows.chunks + h->items.chunks + h->uppers.chunks;
}

#endif
