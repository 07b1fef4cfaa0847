/* SPDX-License-Identifier: Apache-2.0 */
/* store/saved.c - see saved.h. */
#include "store/saved.h"

#include <string.h>

#include <weft/sim.h>

#include "store/log/names.h"
#include "store/log/wal.h"
#include "store/recall.h"

#define PREFIX "index-"
#define NUMBER_DIGITS 10u

/* ---- names ---------------------------------------------------------------------- */

static void name_of(uint64_t number, weft_uuid agent_id, char ret[WEFT__LOG_NAME_BYTES])
{
	char id[WEFT_UUID_TEXT_LEN + 1];

	weft_uuid_format(agent_id, id);
	id[WEFT_UUID_TEXT_LEN] = '\0';
	snprintf(ret, WEFT__LOG_NAME_BYTES, PREFIX "%010llu-%s", (unsigned long long)number, id);
}

/* Is it the name of one? */
static bool read_name(const char *name, uint64_t *ret_number, weft_uuid *ret_agent)
{
	char again[WEFT__LOG_NAME_BYTES];
	size_t at = sizeof(PREFIX) - 1 + NUMBER_DIGITS + 1;

	if (strlen(name) != at + WEFT_UUID_TEXT_LEN || strncmp(name, PREFIX, sizeof(PREFIX) - 1) != 0 ||
	    weft_uuid_parse((weft_str){ name + at, WEFT_UUID_TEXT_LEN }, ret_agent) < 0)
		return false;
	*ret_number = strtoull(name + sizeof(PREFIX) - 1, NULL, 10);
	name_of(*ret_number, *ret_agent, again);
	return *ret_number && strcmp(name, again) == 0;
}

/* ---- saving ----------------------------------------------------------------------- */

/* The file gets its name when all that it holds is in the log, and on the platter there. */
static void save_one(weft_store *store, const struct weft__partition *p, const char *folder, uint64_t number)
{
	char name[WEFT__LOG_NAME_BYTES], tmp_name[WEFT__LOG_NAME_BYTES];
	char path[WEFT__FILE_PATH_BYTES], tmp[WEFT__FILE_PATH_BYTES];

	name_of(number, p->agent_id, name);
	snprintf(tmp_name, sizeof(tmp_name), "%.50s.tmp", name);
	weft__log_path(folder, name, path);
	weft__log_path(folder, tmp_name, tmp);
	if (weft_index_save(p->index, tmp) < 0 || weft__wal_flush(store->wal) < 0 || weft__file_rename(tmp, path) < 0)
		weft__file_remove(tmp);
}

void weft__saved_make(weft_store *store, const char *folder, uint64_t number, bool give_up)
{
	if (weft_sim_is_on())
		return;
	/* acquire -> release in recall.c */
	for (const struct weft__partition *p = weft__load_acquire(&store->partitions); p; p = p->next) {
		if (give_up && weft__load_relaxed(&store->closed)) /* relaxed: a look; who closes waits until we have left the log */
			return;
		save_one(store, p, folder, number);
	}
	weft__dir_sync(folder);
}

/* ---- opening ------------------------------------------------------------------------ */

struct opening {
	weft_store *store;
	const char *folder;
	uint64_t number;
	uint32_t opened;
};

static bool newest_snapshot(const char *name, void *user)
{
	struct opening *o = user;
	uint64_t number;

	if (weft__segment_number(name, WEFT__SEGMENT_SNAPSHOT, &number) && number > o->number)
		o->number = number;
	return true;
}

static bool open_one(const char *name, void *user)
{
	struct opening *o = user;
	char path[WEFT__FILE_PATH_BYTES];
	weft_index *index = NULL;
	weft_uuid agent_id;
	uint64_t number;

	if (!read_name(name, &number, &agent_id) || number != o->number)
		return true;
	weft__log_path(o->folder, name, path);
	if (weft_index_open(path, NULL, &index, NULL) < 0)
		return true; /* built from the snapshot */
	if (weft__partition_adopt(o->store, agent_id, index))
		o->opened++;
	else
		weft_index_unref(index);
	return true;
}

uint32_t weft__saved_open(weft_store *store, const char *folder)
{
	struct opening o = { .store = store, .folder = folder };

	if (weft_sim_is_on())
		return 0;
	weft__dir_list(folder, newest_snapshot, &o);
	if (o.number)
		weft__dir_list(folder, open_one, &o);
	return o.opened;
}

/* ---- dropping ------------------------------------------------------------------------- */

struct dropping {
	const char *folder;
	uint64_t keep;
};

static bool is_unfinished(const char *name)
{
	size_t n = strlen(name);

	return n > 4 && strncmp(name, PREFIX, sizeof(PREFIX) - 1) == 0 && strcmp(name + n - 4, ".tmp") == 0;
}

static bool drop_one(const char *name, void *user)
{
	struct dropping *d = user;
	char path[WEFT__FILE_PATH_BYTES];
	weft_uuid agent_id;
	uint64_t number;

	if (is_unfinished(name) || (read_name(name, &number, &agent_id) && number != d->keep)) {
		weft__log_path(d->folder, name, path);
		weft__file_remove(path);
	}
	return true;
}

void weft__saved_drop(const char *folder, uint64_t keep)
{
	weft__dir_list(folder, drop_one, &(struct dropping){ folder, keep });
}
