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

/* Open by name; the file is made when it is not there. A descriptor, -ENOMEM, or -EMFILE. */
int weft__disk_open(const char *name);
void weft__disk_close(int fd);
/* What is to be seen. -EBADF. */
int64_t weft__disk_size(int fd);

/* Power is lost: all descriptors are closed, and what was not synced is what the seed makes of it. */
void weft__disk_crash(void);
/* Another disk, empty. All descriptors are closed. */
void weft__disk_clear(void);

/* Do io now: what its result would be. With what the machine lets go wrong. */
int32_t weft__disk_perform(const struct weft__io *io);

#endif
