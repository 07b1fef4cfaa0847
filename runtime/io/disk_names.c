/* SPDX-License-Identifier: Apache-2.0 */
/*
 * runtime/io/disk_names.c - the names of a simulated disk's files; see disk.h.
 *
 * There are the names to be seen, those on the platter, and the changes between them in a list, oldest
 * first. A sync makes all of them on the platter; a loss of power only the first few, since file
 * systems keep such changes in order.
 */
#include "runtime/io/disk.h"

#include <errno.h>
#include <string.h>

#include <weft/sim.h>

#include "runtime/base/assert.h"
#include "runtime/base/sim.h"
#include "runtime/io/file.h"

#define NAMES_MAX 64u
#define NAME_BYTES 64u
#define CHANGES_MAX 256u

struct name {
	char text[NAME_BYTES]; /* empty: none */
	struct weft__disk_file *file;
};

/* The file gets the name to; what had it loses it; from, when there is one, is gone. No file: to is gone. */
struct change {
	char from[NAME_BYTES], to[NAME_BYTES];
	struct weft__disk_file *file;
};

static struct name seen[NAMES_MAX], platter[NAMES_MAX];
static struct change changes[CHANGES_MAX];
static uint32_t change_count;

static struct name *find(struct name *names, const char *text)
{
	for (uint32_t i = 0; i < NAMES_MAX; i++) {
		if (strcmp(names[i].text, text) == 0)
			return &names[i];
	}
	return NULL;
}

static void make(struct name *names, const struct change *c)
{
	struct name *to = find(names, c->to), *from = c->from[0] ? find(names, c->from) : NULL;

	if (from)
		*from = (struct name){ .file = NULL };
	if (!to)
		to = find(names, "");
	WEFT_ASSERT(to); /* change_add left room */
	*to = (struct name){ .file = NULL };
	if (c->file) {
		memcpy(to->text, c->to, NAME_BYTES);
		to->file = c->file;
	}
}

static bool has_name(const struct weft__disk_file *file)
{
	for (uint32_t i = 0; i < NAMES_MAX; i++) {
		if ((seen[i].text[0] && seen[i].file == file) || (platter[i].text[0] && platter[i].file == file))
			return true;
	}
	for (uint32_t i = 0; i < change_count; i++) {
		if (changes[i].file == file)
			return true;
	}
	return false;
}

static void all_onto_platter(uint32_t count)
{
	for (uint32_t i = 0; i < count; i++)
		make(platter, &changes[i]);
	change_count = 0;
}

static bool fits(const char *name)
{
	return name && name[0] && strlen(name) < NAME_BYTES;
}

static int change_add(const char *from, const char *to, struct weft__disk_file *file)
{
	struct change *c = &changes[change_count];

	if (!fits(to) || (from && !fits(from)))
		return -EINVAL;
	if (change_count == CHANGES_MAX || !find(seen, "") || !find(platter, ""))
		all_onto_platter(change_count); /* a journal that is full is written out */
	c = &changes[change_count];
	if (!find(seen, "") || !find(platter, ""))
		return -ENOSPC;
	memset(c, 0, sizeof(*c));
	memcpy(c->to, to, strlen(to));
	if (from)
		memcpy(c->from, from, strlen(from));
	c->file = file;
	make(seen, c);
	change_count++;
	weft__disk_files_sweep(has_name);
	return 0;
}

static bool chance(void)
{
	return weft__sim->fault(WEFT_SIM_IO);
}

struct weft__disk_file *weft__disk_file_of(const char *name)
{
	struct name *n = fits(name) ? find(seen, name) : NULL;

	return n ? n->file : NULL;
}

/* ---- opening ------------------------------------------------------------------------ */

/* A new file under that name. NULL: no room. */
static struct weft__disk_file *file_make(const char *name, int *ret_error)
{
	struct weft__disk_file *f;

	weft__disk_files_sweep(has_name);
	f = weft__disk_file_make();
	*ret_error = f ? change_add(NULL, name, f) : -ENOSPC;
	if (f && *ret_error < 0) {
		weft__disk_file_free(f);
		return NULL;
	}
	return f;
}

int weft__disk_open(const char *name)
{
	struct weft__disk_file *f;
	int error = -EINVAL;

	WEFT_RETURN_IF(!fits(name), -EINVAL);
	f = weft__disk_file_of(name);
	if (!f) {
		f = file_make(name, &error);
		all_onto_platter(change_count);
	}
	return f ? weft__disk_file_open(f, false) : error;
}

int weft__disk_open_as(const char *name, uint32_t flags)
{
	struct weft__disk_file *f;
	int error = -ENOENT;

	WEFT_RETURN_IF(!fits(name), -EINVAL);
	if (weft__disk_is_off() || chance())
		return -EIO;
	f = weft__disk_file_of(name);
	if (f && (flags & WEFT__FILE_CREATE))
		return -EEXIST;
	if (!f && (flags & WEFT__FILE_CREATE))
		f = file_make(name, &error);
	return f ? weft__disk_file_open(f, flags & WEFT__FILE_DURABLE) : error;
}

int weft__disk_lock(const char *name)
{
	struct weft__disk_file *f = weft__disk_file_of(name);
	int error = 0, fd, r;

	if (weft__disk_is_off() || chance())
		return -EIO;
	if (!f)
		f = file_make(name, &error);
	fd = f ? weft__disk_file_open(f, false) : error;
	if (fd < 0)
		return fd;
	r = weft__disk_file_lock(fd);
	if (r < 0)
		weft__disk_close(fd);
	return r < 0 ? r : fd;
}

/* ---- changing ------------------------------------------------------------------------- */

int weft__disk_rename(const char *from, const char *to)
{
	struct weft__disk_file *f = weft__disk_file_of(from);

	if (weft__disk_is_off() || chance())
		return -EIO;
	return f ? change_add(from, to, f) : -ENOENT;
}

int weft__disk_remove(const char *name)
{
	if (weft__disk_is_off() || chance())
		return -EIO;
	return weft__disk_file_of(name) ? change_add(NULL, name, NULL) : -ENOENT;
}

int weft__disk_sync_names(void)
{
	if (weft__disk_is_off() || chance())
		return -EIO;
	all_onto_platter(change_count);
	return 0;
}

int weft__disk_list(const char *folder, bool (*fn)(const char *name, void *user), void *user)
{
	size_t n = strlen(folder);

	if (weft__disk_is_off() || chance())
		return -EIO;
	for (uint32_t i = 0; i < NAMES_MAX; i++) {
		const char *text = seen[i].text;

		if (strncmp(text, folder, n) != 0 || text[n] != '/')
			continue;
		if (!fn(text + n + 1, user))
			break;
	}
	return 0;
}

/* ---- power ------------------------------------------------------------------------------ */

void weft__disk_names_crash(void)
{
	all_onto_platter(change_count ? (uint32_t)weft__sim->below(change_count + 1) : 0);
	memcpy(seen, platter, sizeof(seen));
	weft__disk_files_sweep(has_name);
}

void weft__disk_names_clear(void)
{
	memset(seen, 0, sizeof(seen));
	memset(platter, 0, sizeof(platter));
	change_count = 0;
}
