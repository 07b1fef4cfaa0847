/* SPDX-License-Identifier: Apache-2.0 */
/*
 * runtime/io/disk.h - the disk of a simulated machine: files in memory, that a loss of power tears.
 *
 * A file has what is to be seen, and what is on the platter. A write is seen at once and lies in a list
 * until a sync puts the list on the platter, or power is lost: then each sector of each write in the list
 * is there or is not, as the seed says, in any combination.
 *
 *     write --> seen                        crash: seen = platter + some sectors of the list
 *          \--> list --sync--> platter
 *
 * Names are the same: made, changed and removed at once, for good after a sync of the names; a loss of power
 * keeps as many of the oldest changes as the seed says.
 *
 * A sync that fails may take its writes off the list without putting them anywhere, as Linux does: what is
 * seen then is not on the platter, and no later sync brings it there.
 *
 * Descriptors are for the simulated loop alone (runtime/io/sim.c): numbers that the kernel never gives.
 * Threads: one, the simulated machine's. Tests: tests/unit/io/test_disk.c.
 */
#ifndef WEFT_RUNTIME_IO_DISK_H
#define WEFT_RUNTIME_IO_DISK_H

#include "runtime/io/loop.h"

#define WEFT__DISK_FD (1 << 24) /* the first */
#define WEFT__DISK_SECTOR_BYTES 512u

/* Open by name; the file is made for good when it is not there. A descriptor, -EINVAL, -ENOSPC, or -EMFILE. */
int weft__disk_open(const char *name);
/* As runtime/io/file.h says of the function with that name. */
int weft__disk_open_as(const char *name, uint32_t flags);
int weft__disk_resize(int fd, uint64_t len, bool shorten);
int weft__disk_rename(const char *from, const char *to);
int weft__disk_remove(const char *name);
int weft__disk_sync_names(void);
int weft__disk_list(const char *folder, bool (*fn)(const char *name, void *user), void *user);
int weft__disk_lock(const char *name);
void weft__disk_close(int fd);
/* What is to be seen. -EBADF. */
int64_t weft__disk_size(int fd);

/* Power is lost: all descriptors are closed, and what was not synced is what the seed makes of it. */
void weft__disk_crash(void);
/* Another disk, empty. All descriptors are closed. */
void weft__disk_clear(void);

/* Do io now: what its result would be. With what the machine lets go wrong. */
int32_t weft__disk_perform(const struct weft__io *io);

/* ---- between disk.c, which has the files, and disk_names.c, which has their names ------------- */

struct weft__disk_file;

struct weft__disk_file *weft__disk_file_make(void); /* empty; NULL: there are 64 */
void weft__disk_file_free(struct weft__disk_file *file);
/* Free those that are not open and have no name. */
void weft__disk_files_sweep(bool (*has_name)(const struct weft__disk_file *file));
int weft__disk_file_open(struct weft__disk_file *file, bool durable);
int weft__disk_file_lock(int fd);
struct weft__disk_file *weft__disk_file_of(const char *name); /* NULL: none */
bool weft__disk_is_off(void);
void weft__disk_names_crash(void);
void weft__disk_names_clear(void);

#endif
