/* SPDX-License-Identifier: Apache-2.0 */
/* bench/text_file.h - a whole file into memory, and out of it. */
#ifndef WEFT_BENCH_TEXT_FILE_H
#define WEFT_BENCH_TEXT_FILE_H

#include <weft/base.h>

/**
 * Read a file; pipes are fine.
 * @param ret_text  owned by the caller: free(). Untouched on failure; a NUL follows it
 * @return 0, -errno, -EFBIG (more than max bytes), -ENOMEM
 */
int bench_text_read(const char *path, size_t max, char **ret_text, size_t *ret_len);

/** Write a text and a newline behind it; what was in the file is gone. @return 0 or -errno */
int bench_text_write(const char *path, weft_str text);

/**
 * The same, all or nothing: a new file beside it takes its place once it is on the disk. In a folder where others may write,
 * nothing that they put there is written through. @return 0 or -errno; the old file is as it was then
 */
int bench_text_replace(const char *path, weft_str text);

#endif
