/* SPDX-License-Identifier: Apache-2.0 */
/* runtime/io/disk.c - see disk.h. */
#include "runtime/io/disk.h"

#include <errno.h>
#include <poll.h>
#include <string.h>

#include <weft/alloc.h>
#include <weft/sim.h>

#include "runtime/base/assert.h"
#include "runtime/base/sim.h"

#define FILES_MAX 64u
#define OPEN_MAX 64u
#define NAME_BYTES 64u
#define FILE_BYTES_MAX (16u << 20)

struct bytes {
	char *at;
	size_t len, room;
};

/* A write that is not on the platter. */
struct write {
	struct write *next;
	size_t offset, len;
	char data[];
};

struct file {
	char name[NAME_BYTES]; /* empty: no file */
	struct bytes seen, platter;
	struct write *first, **end; /* oldest first */
};

static struct file files[FILES_MAX];
static struct opened {
	struct file *file;
	size_t position;
} opened[OPEN_MAX];

static bool chance(void)
{
	return weft__sim->fault(WEFT_SIM_IO);
}

/* ---- bytes --------------------------------------------------------------------------- */

/* Zeros up to len. False: no memory. */
static bool grow(struct bytes *b, size_t len)
{
	size_t room = b->room ? b->room : 4096;
	char *more;

	if (len <= b->len)
		return true;
	while (room < len)
		room *= 2;
	if (room > b->room) {
		more = weft_realloc(b->at, room);
		if (!more)
			return false;
		b->at = more;
		b->room = room;
	}
	memset(b->at + b->len, 0, len - b->len);
	b->len = len;
	return true;
}

static bool put(struct bytes *b, size_t offset, const char *data, size_t len)
{
	if (!grow(b, offset + len))
		return false;
	memcpy(b->at + offset, data, len);
	return true;
}

/* ---- the list of writes ------------------------------------------------------------------ */

static struct write *write_take(struct file *f)
{
	struct write *w = f->first;

	if (!w)
		return NULL;
	f->first = w->next;
	if (!f->first)
		f->end = &f->first;
	return w;
}

static void writes_forget(struct file *f)
{
	struct write *w;

	while ((w = write_take(f)))
		weft_free(w);
}

/* The platter has room from the moment of the write: a sync never needs memory. */
static bool write_note(struct file *f, size_t offset, const char *data, size_t len)
{
	struct write *w = weft_malloc(sizeof(*w) + len);
	size_t platter_len = f->platter.len;

	if (!w)
		return false;
	if (!grow(&f->platter, offset + len) || !put(&f->seen, offset, data, len)) {
		weft_free(w);
		return false;
	}
	f->platter.len = platter_len;
	*w = (struct write){ .offset = offset, .len = len };
	memcpy(w->data, data, len);
	*f->end = w;
	f->end = &w->next;
	return true;
}

static void onto_platter(struct file *f, const struct write *w, size_t from, size_t to)
{
	bool had_room = put(&f->platter, w->offset + from, w->data + from, to - from);

	WEFT_ASSERT(had_room);
	(void)had_room;
}

/* ---- operations ----------------------------------------------------------------------------- */

static int32_t do_read(struct opened *o, const struct weft__io *io, size_t offset)
{
	size_t len = io->len_bytes;

	if (chance())
		return -EIO;
	if (offset >= o->file->seen.len)
		return 0;
	if (len > o->file->seen.len - offset)
		len = o->file->seen.len - offset;
	if (len > 1 && chance())
		len = 1 + weft__sim->below(len);
	memcpy(io->buf, o->file->seen.at + offset, len);
	return (int32_t)len;
}

static int32_t do_write(struct opened *o, const struct weft__io *io, size_t offset)
{
	size_t len = io->len_bytes;
	bool fails = chance();

	if (len > 1 && chance())
		len = 1 + weft__sim->below(len);
	if (offset > FILE_BYTES_MAX || len > FILE_BYTES_MAX - offset)
		return -ENOSPC;
	/* of one that fails some may be there all the same */
	if (fails)
		len = weft__sim->below(len + 1);
	if (len && !write_note(o->file, offset, io->buf, len))
		return -ENOMEM;
	return fails ? (weft__sim->below(2) ? -ENOSPC : -EIO) : (int32_t)len;
}

static int32_t do_sync(struct file *f)
{
	struct write *w;

	if (chance()) {
		if (weft__sim->below(2))
			writes_forget(f);
		return -EIO;
	}
	while ((w = write_take(f))) {
		onto_platter(f, w, 0, w->len);
		weft_free(w);
	}
	return 0;
}

static struct opened *opened_of(int fd)
{
	uint32_t i = (uint32_t)fd - WEFT__DISK_FD;

	return fd >= WEFT__DISK_FD && i < OPEN_MAX && opened[i].file ? &opened[i] : NULL;
}

int32_t weft__disk_perform(const struct weft__io *io)
{
	struct opened *o = opened_of(io->fd);
	bool own_position = io->offset == WEFT__IO_OFFSET_NONE;
	size_t offset;
	int32_t r;

	if (!o)
		return -EBADF;
	offset = own_position ? o->position : io->offset;
	switch (io->op) {
	case WEFT__IO_READ:
		r = do_read(o, io, offset);
		break;
	case WEFT__IO_WRITE:
		r = do_write(o, io, offset);
		break;
	case WEFT__IO_FSYNC:
		return do_sync(o->file);
	case WEFT__IO_POLL:
		return io->poll_events & (POLLIN | POLLOUT);
	default:
		return 0;
	}
	if (own_position && r > 0)
		o->position += (size_t)r;
	return r;
}

/* ---- files --------------------------------------------------------------------------------------- */

static struct file *file_find(const char *name)
{
	struct file *free = NULL;

	for (uint32_t i = 0; i < FILES_MAX; i++) {
		if (strcmp(files[i].name, name) == 0)
			return &files[i];
		if (!files[i].name[0] && !free)
			free = &files[i];
	}
	if (!free)
		return NULL;
	memcpy(free->name, name, strlen(name) + 1);
	free->end = &free->first;
	return free;
}

int weft__disk_open(const char *name)
{
	struct file *f;

	WEFT_RETURN_IF(!name || !name[0] || strlen(name) >= NAME_BYTES, -EINVAL);
	for (uint32_t i = 0; i < OPEN_MAX; i++) {
		if (opened[i].file)
			continue;
		f = file_find(name);
		if (!f)
			return -ENOSPC;
		opened[i] = (struct opened){ .file = f };
		return WEFT__DISK_FD + (int)i;
	}
	return -EMFILE;
}

void weft__disk_close(int fd)
{
	struct opened *o = opened_of(fd);

	if (o)
		o->file = NULL;
}

int64_t weft__disk_size(int fd)
{
	struct opened *o = opened_of(fd);

	return o ? (int64_t)o->file->seen.len : -EBADF;
}

static void tear(struct file *f, const struct write *w)
{
	size_t from = 0;

	while (from < w->len) {
		size_t sector_end = (w->offset + from) / WEFT__DISK_SECTOR_BYTES * WEFT__DISK_SECTOR_BYTES +
		                    WEFT__DISK_SECTOR_BYTES - w->offset;
		size_t to = sector_end < w->len ? sector_end : w->len;

		if (weft__sim->below(2))
			onto_platter(f, w, from, to);
		from = to;
	}
}

static void close_all(void)
{
	memset(opened, 0, sizeof(opened));
}

void weft__disk_crash(void)
{
	close_all();
	for (uint32_t i = 0; i < FILES_MAX; i++) {
		struct file *f = &files[i];
		struct write *w;

		while ((w = write_take(f))) {
			tear(f, w);
			weft_free(w);
		}
		/* the platter is what is seen from now on; it never had more room than it */
		f->seen.len = 0;
		if (f->platter.len) {
			WEFT_ASSERT(f->platter.len <= f->seen.room);
			f->seen.len = f->platter.len;
			memcpy(f->seen.at, f->platter.at, f->platter.len);
		}
	}
}

void weft__disk_clear(void)
{
	close_all();
	for (uint32_t i = 0; i < FILES_MAX; i++) {
		struct file *f = &files[i];

		if (!f->name[0])
			continue;
		writes_forget(f);
		weft_free(f->seen.at);
		weft_free(f->platter.at);
		memset(f, 0, sizeof(*f));
	}
}
