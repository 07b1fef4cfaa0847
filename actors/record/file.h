/* SPDX-License-Identifier: Apache-2.0 */
/*
 * actors/record/file.h - lines into a file, written by a thread of its own.
 *
 *   any thread --push--> [newest -> .. -> oldest]   a stack: one CAS a line
 *   the writer <--take all, turn over, write-------
 *
 * A push never waits and never writes. The writer takes the whole stack at once, so there is no ABA, and lines that one
 * thread pushed, or that were pushed after each other in any order that both sides know of, are written in that
 * order: they stand so in the stack. Lines that wait are bounded in bytes; past that a push is refused.
 * In a simulation there is no thread: lines are written by the push that makes them many, and at the close.
 */
#ifndef WEFT_ACTORS_RECORD_FILE_H
#define WEFT_ACTORS_RECORD_FILE_H

#include <weft/base.h>
#include <weft/error.h>

struct weft__record_file;

/** Create the file (-EEXIST when there is one). @return 0, -errno, -ENOMEM */
int weft__record_file_open(const char *path, uint64_t buffer_bytes_max, struct weft__record_file **ret_file, weft_error *err);
/**
 * Copy a line, without its newline, into the buffer. @param must  also over the bound: for the few lines that say what was lost
 * @return 0, -ENOBUFS, -ENOMEM, -ESHUTDOWN (closed). Threads: any.
 */
int weft__record_file_push(struct weft__record_file *file, weft_str line, bool must);
/** Lines and bytes pushed so far, and how the writes go: 0 or -errno. Threads: any. */
void weft__record_file_look(const struct weft__record_file *file, uint64_t *ret_lines, uint64_t *ret_bytes, int *ret_status);
/** Write what waits, with last as the last line; pushes are refused from here on. Once. @return 0 or -errno */
int weft__record_file_close(struct weft__record_file *file, weft_str last);
/** After close. NULL is fine. */
void weft__record_file_destroy(struct weft__record_file *file);

#endif
