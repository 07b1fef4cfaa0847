/* SPDX-License-Identifier: Apache-2.0 */
/*
 * store/log/names.h - the files of a store's folder.
 *
 *   lock                  held by the process that has it open
 *   log-0000000007        segments, without a gap
 *   snapshot-0000000005   all before segment 5
 *   index-0000000005-...  an agent's index as it was when snapshot 5 was made (saved.h)
 *   *.tmp                 one of the last two that was not finished
 */
#ifndef WEFT_STORE_LOG_NAMES_H
#define WEFT_STORE_LOG_NAMES_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/io/file.h"
#include "store/log/format.h"

#define WEFT__LOG_NAME_BYTES 64u
#define WEFT__LOG_FOLDER_BYTES (WEFT__FILE_PATH_BYTES - WEFT__LOG_NAME_BYTES)

static inline void weft__segment_name(uint32_t kind, uint64_t number, char ret[WEFT__LOG_NAME_BYTES])
{
	snprintf(ret, WEFT__LOG_NAME_BYTES, "%s-%010llu", kind == WEFT__SEGMENT_LOG ? "log" : "snapshot",
	         (unsigned long long)number);
}

/* folder/name; both fit. */
static inline void weft__log_path(const char *folder, const char *name, char ret[WEFT__FILE_PATH_BYTES])
{
	snprintf(ret, WEFT__FILE_PATH_BYTES, "%.*s/%.*s", (int)WEFT__LOG_FOLDER_BYTES - 1, folder,
	         (int)WEFT__LOG_NAME_BYTES - 1, name);
}

static inline void weft__segment_path(const char *folder, uint32_t kind, uint64_t number, char ret[WEFT__FILE_PATH_BYTES])
{
	char name[WEFT__LOG_NAME_BYTES];

	weft__segment_name(kind, number, name);
	weft__log_path(folder, name, ret);
}

/* Is it the name of one? */
static inline bool weft__segment_number(const char *name, uint32_t kind, uint64_t *ret_number)
{
	char again[WEFT__LOG_NAME_BYTES];
	const char *dash = strchr(name, '-');

	if (!dash)
		return false;
	*ret_number = strtoull(dash + 1, NULL, 10);
	weft__segment_name(kind, *ret_number, again);
	return *ret_number && strcmp(name, again) == 0;
}

#endif
