/* SPDX-License-Identifier: Apache-2.0 */
/*
 * runtime/io/file.h - files by name: what is done to them before and beside the loop's reads and writes.
 *
 * Opening, reserving, renaming, syncing of folders, locking. All of it blocks for the disk: for
 * threads that may (a log's own, the host's), never for a worker. In a simulation the
 * files are those of disk.h.
 *
 * Every function gives 0 or more, or -Exxx. Threads: any; a file as its owner says.
 */
#ifndef WEFT_RUNTIME_IO_FILE_H
#define WEFT_RUNTIME_IO_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define WEFT__FILE_PATH_BYTES 4096u

enum {
	WEFT__FILE_WRITE = 1u << 0,   /* for reading and writing; else for reading alone */
	WEFT__FILE_CREATE = 1u << 1,  /* -EEXIST when it is there */
	WEFT__FILE_DURABLE = 1u << 2, /* a write is done when it is on the platter; offsets, lengths and buffers are
	                                 multiples of WEFT__FILE_ALIGN: past the page cache where the file system lets us */
};

#define WEFT__FILE_ALIGN 4096u

/* A descriptor, which the loop takes as well. */
int weft__file_open(const char *path, uint32_t flags);
void weft__file_close(int fd); /* negative: nothing */
int64_t weft__file_size(int fd);
/* The file has len bytes, zeros where there was none, and the disk has room for them. */
int weft__file_reserve(int fd, uint64_t len);
int weft__file_truncate(int fd, uint64_t len);
int weft__file_sync(int fd);
/* How many bytes: less than len at the end of the file alone. */
int64_t weft__file_read(int fd, void *buf, size_t len, uint64_t offset);
/* All of it, or -Exxx: then some of it may have been written. */
int weft__file_write(int fd, const void *buf, size_t len, uint64_t offset);

/* Names. They last through a loss of power after weft__dir_sync of their folder. */
int weft__file_rename(const char *from, const char *to); /* takes the place of what is there */
int weft__file_remove(const char *path);
int weft__dir_make(const char *path); /* -EEXIST */
int weft__dir_sync(const char *path);
/* The name that a folder which is there has from anywhere, also after a chdir; WEFT__FILE_PATH_BYTES in ret. */
int weft__dir_absolute(const char *path, char *ret);
/* Call fn with each name in it but "." and "..", in no order, until it gives false. */
int weft__dir_list(const char *path, bool (*fn)(const char *name, void *user), void *user);

/*
 * Make the file if need be, and be the only one who holds it, until the descriptor is closed
 * or the process ends. -EBUSY: another one does, *ret_owner is his process (0: not known). -ELOOP: it is a symbolic link.
 */
int weft__file_lock(const char *path, int64_t *ret_owner);

#endif
