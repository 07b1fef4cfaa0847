/* SPDX-License-Identifier: Apache-2.0 */
/*
 * store/saved.h - the agents' indexes beside a snapshot, so that an open maps them and builds none.
 *
 *   snapshot-0000000005                the truth, embeddings too
 *   index-0000000005-<agent's id>      made with it; a help, and no more
 *
 * A row that an opened index holds already costs a look when its embedding is read again, and not a search for
 * neighbours. A file that is missing, damaged or of another version is left out: its index is built from the
 * snapshot then. What is in a file and not in the log cannot be: the log is made durable after the file
 * was written and before it gets its name.
 *
 * Blocks for the disk. Not in a simulation, whose disks know no maps. Tests: tests/unit/store/test_saved.c.
 */
#ifndef WEFT_STORE_SAVED_H
#define WEFT_STORE_SAVED_H

#include "store/store.h"

/*
 * After snapshot number was made: save all indexes of a store with a log that is entered. What fails has no file. give_up: none is
 * begun after somebody has closed the store.
 */
void weft__saved_make(weft_store *store, const char *folder, uint64_t number, bool give_up);
/* Into a store that holds nothing yet: the indexes that go with the newest snapshot. How many. */
uint32_t weft__saved_open(weft_store *store, const char *folder);
/* Remove those of other snapshots than this one, and what was not finished. */
void weft__saved_drop(const char *folder, uint64_t keep);

#endif
