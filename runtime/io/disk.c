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

struct weft__disk_file {
	bool used;
	struct bytes seen, platter;
	struct write *first, **end; /* oldest first */
};

static struct weft__disk_file files[FILES_MAX];
static struct opened {
	struct weft__disk_file *file;
	size_t position;
	bool durable, locked;
} opened[OPEN_MAX];
static bool off; /* no power */

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
	if (len)
		memcpy(b->at + offset, data, len);
	return true;
}

/* ---- the list of writes ------------------------------------------------------------------ */

static struct write *write_take(struct weft__disk_file *f)
{
	struct write *w = f->first;

	if (!w)
		return NULL;
	f->first = w->next;
	if (!f->first)
		f->end = &f->first;
	return w;
}

static void writes_forget(struct weft__disk_file *f)
{
	struct write *w;

	while ((w = write_take(f)))
		weft_free(w);
}

/* The platter has room from the moment of the write: a sync never needs memory. */
static bool write_note(struct weft__disk_file *f, size_t offset, const char *data, size_t len)
{
	struct write *w = weft_malloc(sizeof(*w) + len);
	size_t platter_len = f->platter.len;
	bool had_room;

	if (!w)
		return false;
	had_room = grow(&f->platter, offset + len);
	f->platter.len = platter_len;
	if (!had_room || !put(&f->seen, offset, data, len)) {
		weft_free(w);
		return false;
	}
	*w = (struct write){ .offset = offset, .len = len };
	if (len)
		memcpy(w->data, data, len);
	*f->end = w;
	f->end = &w->next;
	return true;
}

static void onto_platter(struct weft__disk_file *f, const struct write *w, size_t from, size_t to)
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

static int32_t do_sync(struct weft__disk_file *f)
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
	if (o->durable && !fails && do_sync(o->file) < 0)
		return -EIO;
	return fails ? (weft__sim->below(2) ? -ENOSPC : -EIO) : (int32_t)len;
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

	if (off)
		return -EIO;
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

struct weft__disk_file *weft__disk_file_make(void)
{
	for (uint32_t i = 0; i < FILES_MAX; i++) {
		if (files[i].used)
			continue;
		files[i].used = true;
		files[i].end = &files[i].first;
		return &files[i];
	}
	return NULL;
}

void weft__disk_file_free(struct weft__disk_file *f)
{
	writes_forget(f);
	weft_free(f->seen.at);
	weft_free(f->platter.at);
	memset(f, 0, sizeof(*f));
}

void weft__disk_files_sweep(bool (*has_name)(const struct weft__disk_file *file))
{
	for (uint32_t i = 0; i < FILES_MAX; i++) {
		bool keep = !files[i].used || has_name(&files[i]);

		for (uint32_t o = 0; o < OPEN_MAX && !keep; o++)
			keep = opened[o].file == &files[i];
		if (!keep)
			weft__disk_file_free(&files[i]);
	}
}

int weft__disk_file_open(struct weft__disk_file *file, bool durable)
{
	for (uint32_t i = 0; i < OPEN_MAX; i++) {
		if (opened[i].file)
			continue;
		opened[i] = (struct opened){ .file = file, .durable = durable };
		return WEFT__DISK_FD + (int)i;
	}
	return -EMFILE;
}

int weft__disk_file_lock(int fd)
{
	struct opened *mine = opened_of(fd);

	for (uint32_t i = 0; i < OPEN_MAX; i++) {
		if (opened[i].file == mine->file && opened[i].locked)
			return -EBUSY;
	}
	mine->locked = true;
	return 0;
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

/* A length is data of no bytes at the end. */
static int lengthen(struct weft__disk_file *f, size_t len)
{
	if (chance())
		return weft__sim->below(2) ? -ENOSPC : -EIO;
	if (len > FILE_BYTES_MAX)
		return -ENOSPC;
	return len <= f->seen.len || write_note(f, len, NULL, 0) ? 0 : -ENOMEM;
}

/* Done at once: who shortens a file must not care for what he cuts off. */
static void shorten_to(struct weft__disk_file *f, size_t len)
{
	struct write **at = &f->first, *w;

	while ((w = *at)) {
		if (w->offset < len) {
			w->len = w->len < len - w->offset ? w->len : len - w->offset;
			at = &w->next;
			continue;
		}
		*at = w->next;
		weft_free(w);
	}
	f->end = at;
	f->seen.len = f->seen.len < len ? f->seen.len : len;
	f->platter.len = f->platter.len < len ? f->platter.len : len;
}

int weft__disk_resize(int fd, uint64_t len, bool shorten)
{
	struct opened *o = opened_of(fd);

	if (off || !o)
		return off ? -EIO : -EBADF;
	if (!shorten || len > o->file->seen.len)
		return lengthen(o->file, len);
	if (chance())
		return -EIO;
	shorten_to(o->file, len);
	return 0;
}

/* ---- power ------------------------------------------------------------------------------------------ */

static void tear(struct weft__disk_file *f, const struct write *w)
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

static void lose_power(struct weft__disk_file *f)
{
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

static void close_all(void)
{
	memset(opened, 0, sizeof(opened));
}

void weft__disk_crash(void)
{
	close_all();
	for (uint32_t i = 0; i < FILES_MAX; i++) {
		if (files[i].used)
			lose_power(&files[i]);
	}
	weft__disk_names_crash();
}

void weft__disk_clear(void)
{
	close_all();
	weft__disk_names_clear();
	for (uint32_t i = 0; i < FILES_MAX; i++) {
		if (files[i].used)
			weft__disk_file_free(&files[i]);
	}
	off = false;
}

bool weft__disk_is_off(void)
{
	return off;
}

/* ---- weft/sim.h ---------------------------------------------------------------------------------------- */

void weft_sim_disk_stop(bool power)
{
	if (!weft__sim_is_on())
		return;
	if (power)
		weft__disk_crash();
	else
		close_all();
	off = true;
}

void weft_sim_disk_go_on(void)
{
	off = false;
}

void weft_sim_disk_clear(void)
{
	if (weft__sim_is_on())
		weft__disk_clear();
}

bool weft_sim_disk_flip(const char *name, uint64_t bit)
{
	struct weft__disk_file *f = weft__sim_is_on() && name ? weft__disk_file_of(name) : NULL;

	if (!f || bit / 8 >= f->seen.len)
		return false;
	f->seen.at[bit / 8] ^= (char)(1 << bit % 8);
	if (bit / 8 < f->platter.len)
		f->platter.at[bit / 8] ^= (char)(1 << bit % 8);
	return true;
}
