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
#include "store/vector/sound.h"

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

/* A section that begins where the last one ends, which is at *at; then *at is its own end. */
static bool section_fits(const struct load *l, const struct weft__file_section *s, uint64_t *at)
{
	uint64_t per = UINT64_C(1) << WEFT__INDEX_SHIFT;

	if (s->offset != weft__file_page_up(*at) || s->offset > l->bytes || s->count > WEFT__SLAB_NUMBERS_MAX ||
	    s->chunks != (s->count + per - 1) / per)
		return false;
	if (s->chunks && (!s->chunk_bytes || s->chunks > (l->bytes - s->offset) / s->chunk_bytes))
		return false;
	*at = s->offset + s->chunks * s->chunk_bytes;
	return true;
}

static bool sections_fit(const struct load *l)
{
	const struct weft__file_header *h = &l->h;
	uint64_t at = WEFT__FILE_PAGE;

	if (h->shift != WEFT__INDEX_SHIFT || h->has_graph > 1 || !section_fits(l, &h->rows, &at) || !section_fits(l, &h->items, &at))
		return false;
	if (h->has_graph ? !section_fits(l, &h->uppers, &at) : h->uppers.chunks || h->uppers.count)
		return false;
	return h->sums_offset == weft__file_page_up(at) && h->sums_offset <= l->bytes &&
	       weft__file_sums(h) <= (l->bytes - h->sums_offset) / sizeof(uint32_t);
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
	if (!sections_fit(l))
		return damaged(l, 0, "sections that are not where they should be");
	l->sums = (const uint32_t *)(const void *)(l->map + h->sums_offset);
	if (weft__crc32c(0, l->sums, weft__file_sums(h) * sizeof(uint32_t)) != h->sums_crc)
		return damaged(l, h->sums_offset, "the check sums");
	return 0;
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

/* ---- what leads somewhere ------------------------------------------------------------------------ */

/* One chunk of rows or items, the first of which is given. */
static int look_at(const struct load *l, struct weft__sound *sound, uint32_t first,
                   const char *(*look)(struct weft__sound *, uint32_t, const void **))
{
	const void *where;
	const char *wrong = look(sound, first, &where);

	return wrong ? damaged(l, (uint64_t)((const char *)where - l->map), wrong) : 0;
}

/* ---- check sums ----------------------------------------------------------------------------- */

/* Of at most three pieces of one length, a stride apart, the sums, which are one and the other's stride apart. */
static int check_three(const struct load *l, uint64_t offset, uint64_t stride, size_t len, uint32_t count, const uint32_t *sums,
                       uint32_t sum_stride, const char *what)
{
	const void *pieces[3];
	uint32_t got[3];

	for (uint32_t i = 0; i < 3; i++)
		pieces[i] = l->map + offset + (i < count ? i : 0) * stride;
	weft__crc32c_three(pieces, len, got);
	for (uint32_t i = 0; i < count && i < 3; i++) {
		if (got[i] != sums[i * sum_stride])
			return damaged(l, offset + i * stride, what);
	}
	return 0;
}

static int check_vectors(const struct load *l)
{
	const struct weft__rows *r = &l->index->rows;
	size_t from = weft__file_from(r), to = weft__file_to(r);

	for (uint32_t i = 0; i < l->h.rows.chunks; i++) {
		uint64_t offset = l->h.rows.offset + i * l->h.rows.chunk_bytes;
		const char *chunk = l->map + offset;
		uint32_t crc = weft__crc32c(0, chunk, from);

		if (weft__crc32c(crc, chunk + to, r->slab.chunk_bytes - to) != l->sums[2 * i + 1])
			return damaged(l, offset, "vectors");
	}
	return 0;
}

static int check_section(const struct load *l, const struct weft__file_section *s, const uint32_t *sums, const char *what)
{
	int r = 0;

	for (uint32_t i = 0; i < s->chunks && !r; i += 3)
		r = check_three(l, s->offset + i * s->chunk_bytes, s->chunk_bytes, s->chunk_bytes, s->chunks - i, sums + i, 1, what);
	return r;
}

/* What leads somewhere of the chunks of rows: the sums, and while it is in the cache, the states. */
static int check_rows(const struct load *l, struct weft__sound *sound)
{
	const struct weft__file_section *s = &l->h.rows;
	size_t from = weft__file_from(&l->index->rows), to = weft__file_to(&l->index->rows);
	int r = 0;

	for (uint32_t i = 0; i < s->chunks && !r; i++) {
		if (i % 3 == 0)
			r = check_three(l, s->offset + from + i * s->chunk_bytes, s->chunk_bytes, to - from, s->chunks - i, l->sums + 2 * i, 2,
			                "links");
		if (!r)
			r = look_at(l, sound, i << WEFT__INDEX_SHIFT, weft__sound_states);
	}
	return r;
}

static int check_sums(const struct load *l, struct weft__sound *sound)
{
	const uint32_t *items = l->sums + 2 * (size_t)l->h.rows.chunks;
	int r = check_rows(l, sound);

	if (!r)
		r = check_section(l, &l->h.items, items, "ids");
	if (!r)
		r = check_section(l, &l->h.uppers, items + l->h.items.chunks, "links of upper floors");
	return r || !l->verify ? r : check_vectors(l);
}

/* ---- taking rows and items ------------------------------------------------------------------------- */

/* Rows that live, or are dead and in the graph, are found by their vectors; the others are free. */
static int take_rows(struct load *l, const struct weft__sound *sound, uint32_t *numbers)
{
	struct weft__rows *r = &l->index->rows;
	uint32_t n = 0, live = 0;

	for (uint32_t row = 0; row < sound->rows; row++) {
		/* relaxed: ours alone */
		bool lives = weft__load_relaxed(weft__row_head(r, weft__slab_chunk(&r->slab, row), row)) != WEFT__NONE;

		live += lives;
		if (lives || weft__sound_is_in(sound, row))
			numbers[n++] = row;
		else
			weft__slab_retire(&r->slab, row);
	}
	weft__store_relaxed(&l->index->live_rows, live); /* relaxed: nobody else knows the index, here and below */
	if (sound->has_graph)
		weft__store_relaxed(&weft__index_graph(l->index)->dead, n - live);
	return weft__lookup_fill(&l->index->by_vector, numbers, n);
}

static int take_items(struct load *l, uint32_t *numbers)
{
	struct weft__items *t = &l->index->items;
	uint32_t n = 0;

	for (uint32_t item = 0; item < l->h.items.count; item++) {
		if (weft__load_relaxed(weft__item_row(t, item)) == WEFT__NONE) /* relaxed: ours alone */
			weft__slab_retire(&t->slab, item);
		else
			numbers[n++] = item;
	}
	weft__store_relaxed(&l->index->ids, n); /* relaxed: the same */
	return weft__lookup_fill(&l->index->by_id, numbers, n);
}

static int take_graph(struct load *l, const struct weft__sound *sound)
{
	struct weft__graph *g = weft__index_graph(l->index);
	const struct weft__file_header *h = &l->h;

	if (!g)
		return 0;
	if (!weft__sound_entry(sound, h->entry))
		return damaged(l, 0, "no such entry");
	/* relaxed: nobody else knows the index */
	weft__store_relaxed(&g->entry, h->entry);
	weft__store_relaxed(&g->linked, sound->linked);
	weft__store_relaxed(&g->sweep.checked, sound->linked);
	weft__store_relaxed(&g->calibration.rows, h->calibrated_rows);
	for (uint32_t i = 0; i < WEFT__CALIBRATE_EFS; i++)
		weft__store_relaxed(&g->calibration.found[i], h->found[i]);
	return 0;
}

static int take_sound(struct load *l, struct weft__sound *sound)
{
	uint32_t most = sound->rows > sound->items ? sound->rows : sound->items;
	uint32_t *numbers;
	int r = check_sums(l, sound);

	for (uint32_t first = 0; first < sound->rows && !r; first += 1u << WEFT__INDEX_SHIFT)
		r = look_at(l, sound, first, weft__sound_rows);
	for (uint32_t first = 0; first < sound->items && !r; first += 1u << WEFT__INDEX_SHIFT)
		r = look_at(l, sound, first, weft__sound_items);
	if (!r)
		r = take_graph(l, sound);
	if (r < 0)
		return r;
	numbers = weft_malloc(((size_t)most + 1) * sizeof(*numbers));
	if (!numbers)
		return -ENOMEM;
	r = take_rows(l, sound, numbers);
	if (!r)
		r = take_items(l, numbers);
	weft_free(numbers);
	return r;
}

static int take_all(struct load *l)
{
	struct weft__sound sound;
	int r = weft__sound_begin(&sound, l->index);

	if (!r)
		r = take_sound(l, &sound);
	weft__sound_end(&sound);
	return r;
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
	if (h->has_graph != (weft__index_graph(index) != NULL) || (h->has_graph && o.kind == WEFT_INDEX_SCAN))
		return damaged(l, 0, "a graph that should not be, or be there");
	if ((h->rows.chunks && h->rows.chunk_bytes != index->rows.slab.chunk_bytes) ||
	    (h->items.chunks && h->items.chunk_bytes != index->items.slab.chunk_bytes) ||
	    (h->uppers.chunks && h->uppers.chunk_bytes != weft__index_graph(index)->uppers.chunk_bytes))
		return damaged(l, 0, "sizes of chunks");
	return 0;
}

static int load(struct load *l)
{
	int r = read_header(l);

	if (!r)
		r = create_like(l);
	if (!r)
		r = adopt(l, &l->index->rows.slab, &l->h.rows);
	if (!r)
		r = adopt(l, &l->index->items.slab, &l->h.items);
	if (!r && l->h.has_graph)
		r = adopt(l, &weft__index_graph(l->index)->uppers, &l->h.uppers);
	if (!r)
		r = take_all(l);
	if (r < 0)
		return r;
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
