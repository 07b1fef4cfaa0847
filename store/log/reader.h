/* SPDX-License-Identifier: Apache-2.0 */
/* store/log/reader.h - one file of a log, read through a window that moves forward; batch by batch. */
#ifndef WEFT_STORE_LOG_READER_H
#define WEFT_STORE_LOG_READER_H

#include <stdbool.h>

#include "store/log/format.h"

struct weft__reader {
	int fd;
	uint64_t size, offset; /* offset: of the next batch */
	struct weft__head head;
	char *buf;             /* the window; owned */
	uint64_t start;        /* its place in the file */
	size_t len, room;
};

/* 0, or as weft__file_open. head is not read yet. */
int weft__reader_open(struct weft__reader *r, const char *path);
void weft__reader_close(struct weft__reader *r); /* zeroed: nothing */

/* As weft__head_get; a file that is too short holds zeros. */
int weft__reader_head(struct weft__reader *r, uint32_t *ret_version);

/*
 * The batch at offset, whatever its number: 1, and *ret_records (in the window, until the next call); 0:
 * there is none with a good checksum; -EIO, -ENOMEM.
 */
int weft__reader_batch(struct weft__reader *r, uint64_t offset, struct weft__frame *ret, const char **ret_records);

/* From offset on, sector by sector: is there a batch? 1 and where, 0, -EIO, -ENOMEM. *ret_dirty: something not zero. */
int weft__reader_search(struct weft__reader *r, uint64_t offset, uint64_t *ret_at, bool *ret_dirty);

#endif
