/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A file of an index that somebody changed, with check sums that agree. The input says which index, and which words: eight bytes
 * each, where and what. It is refused, and says why; or it is an index, which is searched, written, swept and searched again without
 * leaving its memory.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fuzz.h"
#include "store/log/crc.h"
#include "store/vector/file.h"

#define DIMS 6u
#define DIMS_MOST 64u /* for codes of as many bytes as those of DIMS, so the header may say so */
#define ROWS 150u     /* the last chunk is not full */
#define K 5u

struct edit {
	uint32_t where;
	uint8_t how, what[3];
};

struct base {
	char *saved, *bytes; /* as it was saved; as it is now */
	size_t len;
	size_t from, to; /* from .. to - 1: the bytes of a chunk of rows that lead somewhere */
	int fd;
	char path[80];
};

static struct base bases[3];

static void vector_of(uint32_t n, float *v)
{
	for (uint32_t i = 0; i < DIMS; i++)
		v[i] = (float)((n * 2654435761u + i * 40503u) >> (i % 7) & 1023) - 511.5f;
}

static void put(weft_index *index, uint64_t id, uint32_t vector)
{
	weft_index_attrs attrs = { .room = id % 3, .entity = id % 5, .time_ms = (int64_t)id };
	float v[DIMS_MOST] = { 0 };
	int r;

	vector_of(vector, v);
	r = weft_index_put(index, id, v, &attrs);
	FUZZ_CHECK(r == 0 || r == -ENOMEM);
}

/* Rows with two ids, free rows and items between those that are used, upper floors. */
static weft_index *make(weft_index_kind kind, uint32_t rows)
{
	weft_index_options opt = WEFT_INDEX_OPTIONS_INIT;
	weft_index *index;

	opt.dims = DIMS;
	opt.kind = kind;
	opt.m = 4;
	opt.ef_construction = 20;
	opt.graph_from = ROWS;
	FUZZ_CHECK(weft_index_create(&opt, &index) == 0);
	for (uint32_t i = 0; i < rows; i++)
		put(index, i, i);
	for (uint32_t i = 0; i < rows; i += 10)
		put(index, ROWS + i, i + 1);
	for (uint32_t i = 0; i < rows; i += 7)
		FUZZ_CHECK(weft_index_delete(index, i) == 0);
	FUZZ_CHECK(weft_index_sweep(index) == 0);
	return index;
}

static void base_take(struct base *b, weft_index *index)
{
	const char *folder = getenv("TMPDIR");
	struct stat st;

	snprintf(b->path, sizeof(b->path), "%.40s/fuzz-index-%ld-%d", folder ? folder : "/tmp", (long)getpid(), (int)(b - bases));
	FUZZ_CHECK(weft_index_save(index, b->path) == 0);
	b->from = weft__file_from(&index->rows);
	b->to = weft__file_to(&index->rows);
	weft_index_unref(index);
	b->fd = open(b->path, O_RDWR | O_CLOEXEC);
	FUZZ_CHECK(b->fd >= 0 && fstat(b->fd, &st) == 0);
	b->len = (size_t)st.st_size;
	b->saved = malloc(b->len);
	b->bytes = malloc(b->len);
	FUZZ_CHECK(b->saved && b->bytes && pread(b->fd, b->saved, b->len, 0) == (ssize_t)b->len);
}

static void forget_files(void)
{
	for (uint32_t i = 0; i < 3; i++)
		unlink(bases[i].path);
}

static void begin(void)
{
	base_take(&bases[0], make(WEFT_INDEX_GRAPH, ROWS));
	base_take(&bases[1], make(WEFT_INDEX_AUTO, ROWS * 2 / 3)); /* gets its graph later */
	base_take(&bases[2], make(WEFT_INDEX_SCAN, ROWS));
	atexit(forget_files);
}

/* Any but those of codes and their rests, which lead nowhere and are most of them. */
static uint32_t *word(const struct base *b, uint32_t n)
{
	const struct weft__file_header *h = (const struct weft__file_header *)(const void *)b->saved;
	size_t at = n % (b->len / sizeof(uint32_t)) * sizeof(uint32_t), in = at - h->rows.offset;

	if (at >= h->rows.offset && at < h->items.offset)
		at += b->from + in % (b->to - b->from) / sizeof(uint32_t) * sizeof(uint32_t) - in % h->rows.chunk_bytes;
	return (uint32_t *)(void *)(b->bytes + at % b->len);
}

static void change(const struct base *b, struct edit e)
{
	uint32_t what = e.what[0] | (uint32_t)e.what[1] << 8 | (uint32_t)e.what[2] << 16, *to = word(b, e.where);

	switch (e.how % 5) {
	case 0:
		*to = what % (2 * ROWS);
		break;
	case 1:
		*to = WEFT__NONE;
		break;
	case 2:
		*to ^= UINT32_C(1) << what % 32;
		break;
	case 3:
		*to = *word(b, what);
		break;
	default:
		*to = what << 8 | e.how;
		break;
	}
}

/* The check sums of a section's chunks: one each, or two for rows. */
static uint32_t *sum_up(const struct base *b, const struct weft__file_section *s, uint32_t *sums)
{
	for (uint32_t i = 0; i < s->chunks; i++) {
		const char *chunk = b->bytes + s->offset + i * s->chunk_bytes;

		if (s->offset != WEFT__FILE_PAGE) {
			*sums++ = weft__crc32c(0, chunk, s->chunk_bytes);
			continue;
		}
		*sums++ = weft__crc32c(0, chunk + b->from, b->to - b->from);
		*sums++ = weft__crc32c(weft__crc32c(0, chunk, b->from), chunk + b->to, s->chunk_bytes - b->to);
	}
	return sums;
}

/* As who forges a file does. When the header is one of another index, what agrees is the header alone. */
static void agree(struct base *b)
{
	struct weft__file_header h, old;
	uint32_t *sums;

	memcpy(&h, b->bytes, sizeof(h));
	memcpy(&old, b->saved, sizeof(old));
	if (!memcmp(&h.rows, &old.rows, 3 * sizeof(h.rows)) && h.sums_offset == old.sums_offset) {
		sums = sum_up(b, &h.rows, (uint32_t *)(void *)(b->bytes + h.sums_offset));
		sum_up(b, &h.uppers, sum_up(b, &h.items, sums));
		h.sums_crc = weft__crc32c(0, b->bytes + h.sums_offset, weft__file_sums(&h) * sizeof(*sums));
	}
	h.crc = 0;
	h.crc = weft__crc32c(0, &h, sizeof(h));
	memcpy(b->bytes, &h, sizeof(h));
}

static void search(weft_index *index)
{
	weft_index_query q = WEFT_INDEX_QUERY_INIT;
	weft_index_filter filter = { .fields = WEFT_INDEX_BY_ROOM, .room = 1 };
	weft_index_hit hits[K];
	float v[DIMS_MOST] = { 0 };

	for (uint32_t i = 0; i < 6; i++) {
		vector_of(i * 31, v);
		q.ef = i % 2 ? 20 : 0;
		q.recall = i % 3 == 2;
		q.filter = i > 3 ? &filter : NULL;
		int n = weft_index_search(index, v, K, &q, hits);

		FUZZ_CHECK(n == -ENOMEM || (n >= 0 && n <= (int)K));
	}
}

static void use(weft_index *index)
{
	weft_index_report report = WEFT_INDEX_REPORT_INIT;
	weft_index_stats stats = WEFT_INDEX_STATS_INIT;
	float v[DIMS_MOST] = { 0 };

	FUZZ_CHECK(weft_index_stats_read(index, &stats) == 0 && stats.dims <= DIMS_MOST);
	search(index);
	for (uint32_t i = 0; i < 40; i++)
		put(index, i * 5, i * 5 + (i % 2)); /* new ones, and old ones elsewhere */
	for (uint32_t i = 0; i < 2 * ROWS; i += 2) {
		int r = weft_index_get(index, i, v, NULL);

		FUZZ_CHECK(weft_index_delete(index, i) == r);
	}
	FUZZ_CHECK(weft_index_check(index, &report) <= 0);
	FUZZ_CHECK(weft_index_sweep(index) <= 0);
	for (uint32_t i = 0; i < 40; i++)
		put(index, i * 2, i + ROWS);
	search(index);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct base *b = &bases[size ? *data % 3 : 0];
	weft_index *index;
	weft_error err;
	int r;

	if (!b->saved)
		begin();
	memcpy(b->bytes, b->saved, b->len);
	for (size_t at = 1; at + sizeof(struct edit) <= size; at += sizeof(struct edit)) {
		struct edit e;

		memcpy(&e, data + at, sizeof(e));
		change(b, e);
	}
	agree(b);
	if (pwrite(b->fd, b->bytes, b->len, 0) != (ssize_t)b->len)
		return 0;
	r = weft_index_open(b->path, NULL, &index, &err);
	if (r < 0) {
		FUZZ_CHECK(r == -EBADMSG || r == -EPROTONOSUPPORT || r == -ENOMEM);
		FUZZ_CHECK(err.code == r && err.message[0]);
		return 0;
	}
	use(index);
	weft_index_unref(index);
	return 0;
}
