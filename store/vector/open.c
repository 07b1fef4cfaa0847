/* SPDX-License-Identifier: Apache-2.0 */
/*
 * store/vector/open.c - an index from a file (file.h): the chunks are where the file is mapped.
 *
 * The mapping is private, so what is written later stays in this process until it is saved.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <weft/alloc.h>

#include "store/log/crc.h"
#include "store/vector/file.h"

struct load {
	const char *path;
	weft_error *err;
	char *map;
	uint64_t bytes;
	struct weft__file_header h;
	const uint32_t *sums;
	bool verify; /* codes and vectors, too */
	weft_index *index;
};

static int damaged(const struct load *l, uint64_t offset, const char *what)
{
	return weft_error_set(l->err, -EBADMSG, "%s: damaged at byte %llu: %s", l->path, (unsigned long long)offset, what);
}

/* ---- the header ------------------------------------------------------------------------- */

static bool section_fits(const struct load *l, const struct weft__file_section *s)
{
	uint64_t per = UINT64_C(1) << l->h.shift;

	return s->offset <= l->bytes && s->offset % WEFT__FILE_PAGE == 0 && s->count <= WEFT__SLAB_NUMBERS_MAX &&
	       s->chunks == (s->count + per - 1) / per &&
	       (!s->chunks || (s->chunk_bytes <= l->bytes && s->chunks <= (l->bytes - s->offset) / s->chunk_bytes));
}

static int read_header(struct load *l)
{
	struct weft__file_header *h = &l->h, plain;

	if (l->bytes < WEFT__FILE_PAGE || memcmp(l->map, WEFT__FILE_MAGIC, sizeof(h->magic)))
		return weft_error_set(l->err, -EBADMSG, "%s: not an index of weft", l->path);
	memcpy(h, l->map, sizeof(*h));
	if (h->version != WEFT__FILE_VERSION)
		return weft_error_set(l->err, -EPROTONOSUPPORT, "%s: version %u; this one reads version %u", l->path, h->version,
		                      WEFT__FILE_VERSION);
	if (h->order != WEFT__FILE_ORDER)
		return weft_error_set(l->err, -EPROTONOSUPPORT, "%s: written by a machine of another byte order", l->path);
	plain = *h;
	plain.crc = 0;
	if (weft__crc32c(0, &plain, sizeof(plain)) != h->crc)
		return damaged(l, 0, "the header");
	if (h->file_bytes != l->bytes)
		return weft_error_set(l->err, -EBADMSG, "%s: %llu bytes, and the header says %llu", l->path,
		                      (unsigned long long)l->bytes, (unsigned long long)h->file_bytes);
	if (!section_fits(l, &h->rows) || !section_fits(l, &h->items) || !section_fits(l, &h->uppers) ||
	    h->sums_offset > l->bytes || h->sums_offset % WEFT__FILE_PAGE ||
	    weft__file_sums(h) > (l->bytes - h->sums_offset) / sizeof(uint32_t))
		return damaged(l, 0, "sections outside of the file");
	l->sums = (const uint32_t *)(const void *)(l->map + h->sums_offset);
	if (weft__crc32c(0, l->sums, weft__file_sums(h) * sizeof(uint32_t)) != h->sums_crc)
		return damaged(l, h->sums_offset, "the check sums");
	return 0;
}

/* ---- check sums ----------------------------------------------------------------------------- */

static int check_row_chunk(const struct load *l, uint32_t i)
{
	const struct weft__rows *r = &l->index->rows;
	uint64_t offset = l->h.rows.offset + i * l->h.rows.chunk_bytes;
	const char *chunk = l->map + offset;
	size_t from = weft__file_from(r), to = weft__file_to(r);
	uint32_t crc;

	if (weft__crc32c(0, chunk + from, to - from) != l->sums[2 * i])
		return damaged(l, offset + from, "links");
	if (!l->verify)
		return 0;
	crc = weft__crc32c(0, chunk, from);
	if (weft__crc32c(crc, chunk + to, r->slab.chunk_bytes - to) != l->sums[2 * i + 1])
		return damaged(l, offset, "vectors");
	return 0;
}

static int check_section(const struct load *l, const struct weft__file_section *s, const uint32_t *sums, const char *what)
{
	for (uint32_t i = 0; i < s->chunks; i++) {
		uint64_t offset = s->offset + i * s->chunk_bytes;

		if (weft__crc32c(0, l->map + offset, s->chunk_bytes) != sums[i])
			return damaged(l, offset, what);
	}
	return 0;
}

static int check_sums(const struct load *l)
{
	const uint32_t *items = l->sums + 2 * (size_t)l->h.rows.chunks;
	int r = 0;

	for (uint32_t i = 0; i < l->h.rows.chunks && !r; i++)
		r = check_row_chunk(l, i);
	if (!r)
		r = check_section(l, &l->h.items, items, "ids");
	if (!r)
		r = check_section(l, &l->h.uppers, items + l->h.items.chunks, "links of upper floors");
	return r;
}

/* ---- taking the chunks -------------------------------------------------------------------------- */

static int adopt(struct load *l, struct weft__slab *slab, const struct weft__file_section *s)
{
	char **chunks = weft_malloc((s->chunks + 1) * sizeof(*chunks));
	int r;

	if (!chunks)
		return -ENOMEM;
	for (uint32_t i = 0; i < s->chunks; i++)
		chunks[i] = l->map + s->offset + i * s->chunk_bytes;
	r = weft__slab_adopt(slab, chunks, s->chunks, s->count);
	weft_free(chunks);
	return r;
}

static bool list_is_sound(const struct load *l, struct weft__links links, uint32_t floor)
{
	for (uint32_t i = 0; i < links.cap; i++) {
		uint32_t to = weft__load_relaxed(&links.words[i]), state; /* relaxed: ours alone, here and below */

		if (to == WEFT__NONE)
			break;
		if (to >= l->h.rows.count)
			return false;
		state = weft__load_relaxed(weft__graph_state(l->index, to));
		if (!(state & WEFT__ROW_IN) || state >> WEFT__ROW_FLOOR_SHIFT < floor)
			return false;
	}
	return true;
}

/* Everything that leads from this row leads to a row that is in the graph. */
static bool row_is_sound(const struct load *l, uint32_t row)
{
	const struct weft__rows *r = &l->index->rows;
	uint32_t state = weft__load_relaxed(weft__graph_state(l->index, row)), floor = state >> WEFT__ROW_FLOOR_SHIFT;
	uint64_t upper = *weft__row_upper(r, weft__slab_chunk(&r->slab, row), row);

	if (floor > WEFT__GRAPH_FLOORS || (floor && upper + floor > l->h.uppers.count))
		return false;
	if (!(state & WEFT__ROW_IN) || state & WEFT__ROW_CONDEMNED)
		return true;
	for (uint32_t at = 0; at <= floor; at++) {
		if (!list_is_sound(l, weft__graph_links(l->index, row, at), at))
			return false;
	}
	return true;
}

/* An item hangs on a row, between its neighbours: so lists have an end. */
static bool item_is_sound(const struct load *l, uint32_t item)
{
	const weft_index *index = l->index;
	uint32_t row = weft__load_relaxed(weft__item_row(&index->items, item));
	uint32_t next = weft__load_relaxed(weft__item_next(&index->items, item)), prev = *weft__item_prev(&index->items, item);
	uint32_t leads_here;

	if (row >= l->h.rows.count || (next != WEFT__NONE && (next >= l->h.items.count || *weft__item_prev(&index->items, next) != item)))
		return false;
	if (prev != WEFT__NONE && prev >= l->h.items.count)
		return false;
	leads_here = prev == WEFT__NONE ? weft__load_relaxed(weft__row_head(&index->rows, weft__slab_chunk(&index->rows.slab, row), row))
	                                : weft__load_relaxed(weft__item_next(&index->items, prev));
	return leads_here == item;
}

/* Rows that live, or are dead and in the graph, are found by their vectors; the others are free. */
static int take_rows(struct load *l)
{
	weft_index *index = l->index;
	const struct weft__rows *rows = &index->rows;
	int r = 0;

	for (uint32_t row = 0; row < l->h.rows.count && !r; row++) {
		char *chunk = weft__slab_chunk(&rows->slab, row);
		uint32_t head = weft__load_relaxed(weft__row_head(rows, chunk, row));
		uint32_t state = weft__load_relaxed(weft__row_state(rows, chunk, row));

		if (l->h.has_graph && !row_is_sound(l, row))
			return damaged(l, (uint64_t)((char *)weft__row_state(rows, chunk, row) - l->map), "a link to nowhere");
		if (head != WEFT__NONE && (head >= l->h.items.count || weft__load_relaxed(weft__item_row(&index->items, head)) != row))
			return damaged(l, (uint64_t)((char *)weft__row_head(rows, chunk, row) - l->map), "a row without its id");
		if (head == WEFT__NONE && (!(state & WEFT__ROW_IN) || state & WEFT__ROW_CONDEMNED))
			weft__slab_retire(&index->rows.slab, row);
		else
			r = weft__index_learn(&index->by_vector, row);
	}
	return r;
}

static int take_items(struct load *l)
{
	weft_index *index = l->index;
	int r = 0;

	for (uint32_t item = 0; item < l->h.items.count && !r; item++) {
		if (weft__load_relaxed(weft__item_row(&index->items, item)) == WEFT__NONE)
			weft__slab_retire(&index->items.slab, item);
		else if (!item_is_sound(l, item))
			return damaged(l, (uint64_t)((char *)weft__item_row(&index->items, item) - l->map), "an id without its row");
		else
			r = weft__index_learn(&index->by_id, item);
	}
	return r;
}

static int take_graph(struct load *l)
{
	struct weft__graph *g = weft__index_graph(l->index);
	const struct weft__file_header *h = &l->h;

	if (!h->has_graph)
		return 0;
	if (h->entry != WEFT__GRAPH_EMPTY &&
	    ((uint32_t)h->entry >= h->rows.count || h->entry >> 32 > WEFT__GRAPH_FLOORS ||
	     weft__load_relaxed(weft__graph_state(l->index, (uint32_t)h->entry)) >> WEFT__ROW_FLOOR_SHIFT < h->entry >> 32))
		return damaged(l, 0, "no such entry");
	/* relaxed: nobody else knows the index */
	weft__store_relaxed(&g->entry, h->entry);
	weft__store_relaxed(&g->linked, h->linked);
	weft__store_relaxed(&g->dead, h->dead);
	weft__store_relaxed(&g->sweep.checked, h->linked);
	weft__store_relaxed(&g->calibration.rows, h->calibrated_rows);
	for (uint32_t i = 0; i < WEFT__CALIBRATE_EFS; i++)
		weft__store_relaxed(&g->calibration.found[i], h->found[i]);
	return 0;
}

/* ---- open --------------------------------------------------------------------------------------------- */

/* An index like the one that was saved, with nothing in it. */
static int create_like(struct load *l)
{
	const struct weft__file_header *h = &l->h;
	weft_index_options o = WEFT_INDEX_OPTIONS_INIT;
	weft_index *index;
	int r;

	o.dims = h->dims;
	o.kind = (weft_index_kind)h->kind;
	o.codes = (weft_index_codes)h->codes;
	o.m = h->m;
	o.ef_construction = h->ef_construction;
	o.graph_from = h->graph_from;
	o.seed = h->seed;
	r = weft__index_create(&o, h->has_graph, &l->index);
	if (r == -EINVAL)
		return damaged(l, 0, "options");
	if (r < 0)
		return r;
	index = l->index;
	if (h->shift != index->rows.slab.shift || (h->rows.chunks && h->rows.chunk_bytes != index->rows.slab.chunk_bytes) ||
	    (h->items.chunks && h->items.chunk_bytes != index->items.slab.chunk_bytes) ||
	    (h->uppers.chunks && (!h->has_graph || h->uppers.chunk_bytes != weft__index_graph(index)->uppers.chunk_bytes)))
		return damaged(l, 0, "sizes of chunks");
	return 0;
}

static int load(struct load *l)
{
	int r = read_header(l);

	if (!r)
		r = create_like(l);
	if (!r)
		r = check_sums(l);
	if (!r)
		r = adopt(l, &l->index->rows.slab, &l->h.rows);
	if (!r)
		r = adopt(l, &l->index->items.slab, &l->h.items);
	if (!r && l->h.has_graph)
		r = adopt(l, &weft__index_graph(l->index)->uppers, &l->h.uppers);
	if (!r)
		r = take_rows(l);
	if (!r)
		r = take_items(l);
	if (!r)
		r = take_graph(l);
	if (r < 0)
		return r;
	weft__store_relaxed(&l->index->ids, l->h.ids); /* relaxed: nobody else knows the index */
	weft__store_relaxed(&l->index->live_rows, l->h.live_rows);
	l->index->map = l->map;
	l->index->map_bytes = l->bytes;
	return 0;
}

static int map_file(struct load *l)
{
	struct stat st;
	int fd = open(l->path, O_RDONLY | O_CLOEXEC), r = 0;

	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) < 0)
		r = -errno;
	else if (!S_ISREG(st.st_mode) || st.st_size < (off_t)WEFT__FILE_PAGE)
		r = weft_error_set(l->err, -EBADMSG, "%s: not an index of weft", l->path);
	if (!r) {
		l->bytes = (uint64_t)st.st_size;
		l->map = mmap(NULL, l->bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
		if (l->map == MAP_FAILED)
			r = -errno;
	}
	close(fd);
	return r;
}

int weft_index_open(const char *path, const weft_index_open_options *opt, weft_index **ret_index, weft_error *err)
{
	const weft_index_open_options o = opt ? *opt : (weft_index_open_options)WEFT_INDEX_OPEN_OPTIONS_INIT;
	struct load l = { .path = path, .err = err, .verify = o.verify };
	int r;

	WEFT_RETURN_IF(!path || !ret_index || o.size != sizeof(o), -EINVAL);
	if (err)
		*err = (weft_error){ 0 };
	r = map_file(&l);
	if (r < 0)
		return err && err->code ? r : weft_error_set(err, r, "%s: %s", path, weft_strerror(r));
	r = load(&l);
	if (r < 0) {
		weft_index_unref(l.index);
		munmap(l.map, l.bytes);
		return err && err->code ? r : weft_error_set(err, r, "%s: %s", path, weft_strerror(r));
	}
	*ret_index = l.index;
	return 0;
}
