/* SPDX-License-Identifier: Apache-2.0 */
/*
 * store/vector/save.c - an index into a file (file.h): writers wait, searches do not.
 *
 * Written beside the old file and renamed over it, so there is always a whole one.
 */
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <weft/alloc.h>

#include "store/log/crc.h"
#include "store/vector/file.h"

struct save {
	weft_index *index;
	int fd;
	uint64_t at; /* in the file */
	uint32_t *sums;
	uint64_t sum_count;
};

/* ---- writing ------------------------------------------------------------------------- */

static int write_at(int fd, const void *bytes, size_t n, uint64_t at)
{
	const char *from = bytes;

	while (n) {
		ssize_t wrote = pwrite(fd, from, n, (off_t)at);

		if (wrote < 0 && errno == EINTR)
			continue;
		if (wrote <= 0)
			return wrote < 0 ? -errno : -EIO;
		from += wrote;
		at += (uint64_t)wrote;
		n -= (size_t)wrote;
	}
	return 0;
}

static void add_sums(struct save *s, const struct weft__slab *slab, const char *chunk)
{
	const struct weft__rows *r = &s->index->rows;
	size_t from = weft__file_from(r), to = weft__file_to(r);
	uint32_t crc;

	if (slab != &r->slab) {
		s->sums[s->sum_count++] = weft__crc32c(0, chunk, slab->chunk_bytes);
		return;
	}
	s->sums[s->sum_count++] = weft__crc32c(0, chunk + from, to - from);
	crc = weft__crc32c(0, chunk, from);
	s->sums[s->sum_count++] = weft__crc32c(crc, chunk + to, slab->chunk_bytes - to);
}

/* What was never used of the last chunk is not for a file. Writers are out. */
static void blank(const struct weft__rows *r, uint32_t row)
{
	char *chunk = weft__slab_chunk(&r->slab, row);

	memset(weft__row_codes(r, chunk, row), 0, r->code_bytes);
	memset((void *)weft__row_links(r, chunk, row), 0, r->link_words * sizeof(uint32_t));
	memset(weft__row_vector(r, chunk, row), 0, r->vector_floats * sizeof(float));
	memset(weft__row_rests(r, chunk, row), 0, r->rest_words * sizeof(int16_t));
	*weft__row_largest(r, chunk, row) = 0;
	*weft__row_hash(r, chunk, row) = *weft__row_upper(r, chunk, row) = 0;
}

static void blank_rows(const struct weft__rows *r)
{
	uint32_t count = weft__slab_count(&r->slab);

	for (uint32_t row = count; row & r->slab.mask; row++)
		blank(r, row);
}

static int write_slab(struct save *s, const struct weft__slab *slab, struct weft__file_section *ret)
{
	uint32_t count = weft__slab_count(slab);
	int r = 0;

	s->at = weft__file_page_up(s->at);
	*ret = (struct weft__file_section){
		.offset = s->at, .chunk_bytes = slab->chunk_bytes, .chunks = (count + slab->mask) >> slab->shift, .count = count
	};
	for (uint32_t i = 0; i < ret->chunks && !r; i++) {
		const char *chunk = weft__slab_table(slab)[i];

		add_sums(s, slab, chunk);
		r = write_at(s->fd, chunk, slab->chunk_bytes, s->at);
		s->at += slab->chunk_bytes;
	}
	return r;
}

static uint32_t chunks_of(const struct weft__slab *slab)
{
	return (weft__slab_count(slab) + slab->mask) >> slab->shift;
}

static void describe(const weft_index *index, struct weft__file_header *h)
{
	const weft_index_options *o = &index->opt;
	struct weft__graph *g = weft__index_graph(index);

	memcpy(h->magic, WEFT__FILE_MAGIC, sizeof(h->magic));
	h->version = WEFT__FILE_VERSION;
	h->order = WEFT__FILE_ORDER;
	h->dims = o->dims;
	h->kind = o->kind;
	h->codes = o->codes;
	h->m = o->m;
	h->ef_construction = o->ef_construction;
	h->graph_from = o->graph_from;
	h->seed = o->seed;
	h->shift = index->rows.slab.shift;
	h->entry = WEFT__GRAPH_EMPTY;
	if (!g)
		return;
	h->has_graph = 1;
	h->entry = weft__load_relaxed(&g->entry); /* relaxed, also below: writers are out */
	h->calibrated_rows = weft__load_relaxed(&g->calibration.rows);
	for (uint32_t i = 0; i < WEFT__CALIBRATE_EFS; i++)
		h->found[i] = weft__load_relaxed(&g->calibration.found[i]);
}

static int write_sections(struct save *s, struct weft__file_header *h)
{
	struct weft__graph *g = weft__index_graph(s->index);
	int r;

	s->at = WEFT__FILE_PAGE;
	r = write_slab(s, &s->index->rows.slab, &h->rows);
	if (!r)
		r = write_slab(s, &s->index->items.slab, &h->items);
	if (!r && g)
		r = write_slab(s, &g->uppers, &h->uppers);
	if (r < 0)
		return r;
	h->sums_offset = s->at = weft__file_page_up(s->at);
	h->file_bytes = s->at + s->sum_count * sizeof(*s->sums);
	h->sums_crc = weft__crc32c(0, s->sums, s->sum_count * sizeof(*s->sums));
	return write_at(s->fd, s->sums, s->sum_count * sizeof(*s->sums), s->at);
}

/* With writers out. */
static int write_all(weft_index *index, int fd)
{
	struct save s = { .index = index, .fd = fd };
	struct weft__graph *g = weft__index_graph(index);
	char page[WEFT__FILE_PAGE] = { 0 };
	struct weft__file_header h;
	uint64_t sums = 2 * (uint64_t)chunks_of(&index->rows.slab) + chunks_of(&index->items.slab) +
	                (g ? chunks_of(&g->uppers) : 0);
	int r;

	s.sums = weft_malloc((sums + 1) * sizeof(*s.sums));
	if (!s.sums)
		return -ENOMEM;
	memset(&h, 0, sizeof(h));
	describe(index, &h);
	blank_rows(&index->rows);
	r = write_sections(&s, &h);
	h.crc = weft__crc32c(0, &h, sizeof(h));
	memcpy(page, &h, sizeof(h));
	if (!r)
		r = write_at(fd, page, sizeof(page), 0);
	weft_free(s.sums);
	return r;
}

/* ---- keeping writers out ------------------------------------------------------------------- */

/* The graph is built and swept, or not begun, and stays so. */
static int settle(weft_index *index)
{
	struct weft__searcher *s;
	struct weft__graph *g;
	int r = weft__searcher_take(index, NULL, &s);

	if (r < 0)
		return r;
	weft__lock_take(&index->building); /* none begins from here on */
	g = weft__index_graph(index);
	if (g)
		r = weft__build_all(index, s);
	if (!r && g)
		r = weft__sweep_hold(index, s);
	if (r < 0)
		weft__lock_give(&index->building);
	weft__searcher_give(index, s);
	return r;
}

static void unsettle(weft_index *index)
{
	if (weft__index_graph(index))
		weft__lock_give(&weft__index_graph(index)->sweep.turn);
	weft__lock_give(&index->building);
}

static int save_to(weft_index *index, int fd)
{
	int r = settle(index);

	if (r < 0)
		return r;
	for (uint32_t i = 0; i <= index->by_id.mask; i++) /* all in this order; nobody else takes two */
		weft__lock_take(&index->by_id.shards[i].lock);
	r = write_all(index, fd);
	for (uint32_t i = 0; i <= index->by_id.mask; i++)
		weft__lock_give(&index->by_id.shards[i].lock);
	unsettle(index);
	if (!r && fsync(fd) < 0)
		r = -errno;
	return r;
}

/* The rename is on the disk, too. */
static int sync_folder(const char *path)
{
	char folder[PATH_MAX];
	int fd, r = 0;

	if (snprintf(folder, sizeof(folder), "%s", path) >= (int)sizeof(folder))
		return -ENAMETOOLONG;
	fd = open(dirname(folder), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (fsync(fd) < 0)
		r = -errno;
	close(fd);
	return r;
}

int weft_index_save(weft_index *index, const char *path)
{
	char beside[PATH_MAX];
	int fd, r;

	WEFT_RETURN_IF(!index || !path || !*path, -EINVAL);
	if (snprintf(beside, sizeof(beside), "%s.new", path) >= (int)sizeof(beside))
		return -ENAMETOOLONG;
	unlink(beside); /* left by a crash, or somebody's link: only what is made here is written to */
	fd = open(beside, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	r = save_to(index, fd);
	if (close(fd) < 0 && !r)
		r = -errno;
	if (!r && rename(beside, path) < 0)
		r = -errno;
	if (r < 0) {
		unlink(beside);
		return r;
	}
	return sync_folder(path);
}
