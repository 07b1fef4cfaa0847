/* SPDX-License-Identifier: Apache-2.0 */
/*
 * weft/index.h - nearest neighbours by cosine, over rows {id, vector, attributes}.
 *
 * An index answers "which k rows point most nearly where this vector points", exactly by
 * a scan or nearly by a graph, and only among rows that a filter lets through. It may be
 * searched, written and saved by any number of threads at once: a search takes no lock
 * and never waits; writers wait only for writers that touch the same rows.
 *
 * A put that has returned is found by every search that starts later, a deleted row by
 * none. A search that runs beside a put or delete sees the row before or after it; beside
 * one that gives an id another vector it may miss that id. No id comes twice in one answer.
 *
 * Source: docs/internals/vector.md.
 */
#ifndef WEFT_INDEX_H
#define WEFT_INDEX_H

#include <weft/base.h>
#include <weft/error.h>

WEFT_BEGIN_DECLS

#define WEFT_INDEX_DIMS_MAX 16384u
#define WEFT_INDEX_M_MAX 64u
#define WEFT_INDEX_EF_MAX 20000u /* a scan is better then */

typedef struct weft_index weft_index;

typedef enum weft_index_kind {
	WEFT_INDEX_AUTO = 0, /* a scan while that is the faster one, a graph from then on */
	WEFT_INDEX_SCAN,     /* every answer exact; cost grows with the rows */
	WEFT_INDEX_GRAPH     /* HNSW: nearly exact, cost grows with the logarithm */
} weft_index_kind;

typedef enum weft_index_codes {
	/*
	 * A byte a dimension to search by, two more to score by: 3/4 of the memory of floats. A number is off by 6.1e-8 of the
	 * vector's largest at most; so a score by sqrt(dims) * 6.1e-8 at the very most, some 1e-8 as a rule, beside what adding floats up
	 * is off by (some 1e-7).
	 */
	WEFT_INDEX_CODES_I8 = 0,
	WEFT_INDEX_CODES_I8_ONLY, /* the bytes alone: scores to about 1e-3 */
	WEFT_INDEX_CODES_NONE     /* the floats alone: four times as much to read a row */
} weft_index_codes;

typedef struct weft_index_options {
	uint32_t size; /* set by WEFT_INDEX_OPTIONS_INIT */
	uint32_t dims; /* of every vector: 1 .. WEFT_INDEX_DIMS_MAX */
	weft_index_kind kind;
	weft_index_codes codes;
	uint32_t m;               /* links a row has on upper floors, half of the ground floor's; 0 = 16; 4 .. WEFT_INDEX_M_MAX */
	uint32_t ef_construction; /* how widely a new row's neighbours are looked for; 0 = 200; at most WEFT_INDEX_EF_MAX */
	uint32_t graph_from;      /* AUTO: rows from which a graph is built; 0 = chosen by what was measured */
	uint32_t reserved;
	uint64_t seed; /* of the rows' floors; the same rows put in the same order by one thread give the same graph */
} weft_index_options;

#define WEFT_INDEX_OPTIONS_INIT                                                                            \
	{                                                                                                  \
		.size = sizeof(weft_index_options)                                                         \
	}

/** What filters look at. All zero is a fine value. */
typedef struct weft_index_attrs {
	uint64_t room;   /* any number that stands for it, such as weft_uuid_hash of its id */
	uint64_t entity;
	int64_t time_ms;
	uint32_t type;
	uint32_t reserved; /* 0 */
	uint64_t tags;   /* one bit each, the caller's meaning */
} weft_index_attrs;

enum { /* weft_index_filter.fields: which of them must hold; all that are named must */
	WEFT_INDEX_BY_ROOM = 1u << 0,
	WEFT_INDEX_BY_ENTITY = 1u << 1,
	WEFT_INDEX_BY_TYPE = 1u << 2,     /* type < 32 and its bit set in types */
	WEFT_INDEX_BY_TIME = 1u << 3,     /* time_min_ms <= time_ms <= time_max_ms */
	WEFT_INDEX_BY_TAGS_ALL = 1u << 4, /* every bit of tags_all is set */
	WEFT_INDEX_BY_TAGS_ANY = 1u << 5  /* one bit of tags_any at least is set */
};

typedef struct weft_index_filter {
	uint32_t fields; /* 0: everything passes */
	uint32_t types;
	uint64_t room;
	uint64_t entity;
	int64_t time_min_ms;
	int64_t time_max_ms;
	uint64_t tags_all;
	uint64_t tags_any;
} weft_index_filter;

typedef struct weft_index_query {
	uint32_t size;   /* set by WEFT_INDEX_QUERY_INIT */
	uint32_t ef;     /* how widely the graph is searched; 0: chosen from recall; more than WEFT_INDEX_EF_MAX: a scan */
	float recall;    /* wanted share of the true neighbours, on average, 0 < recall < 1; 0 = 0.95; 1: exact, by a scan */
	uint32_t reserved;
	const weft_index_filter *filter; /* NULL: everything passes */
} weft_index_query;

#define WEFT_INDEX_QUERY_INIT                                                                              \
	{                                                                                                  \
		.size = sizeof(weft_index_query)                                                           \
	}

typedef struct weft_index_hit {
	uint64_t id;
	float score;  /* cosine, -1 .. 1 */
	uint32_t row; /* ids whose vectors are the same have the same row */
} weft_index_hit;

typedef struct weft_index_stats {
	uint32_t size;    /* set by WEFT_INDEX_STATS_INIT */
	uint32_t dims;
	uint64_t ids;     /* that a search can return */
	uint64_t rows;    /* distinct vectors among them */
	uint64_t linked;  /* rows that are in the graph */
	uint64_t dead;    /* rows deleted and not yet taken out of the graph */
	uint64_t bytes;   /* held from the allocator or mapped from a file */
	uint64_t searches_by_graph, searches_by_scan;
	uint32_t top_floor;
	uint32_t reserved;
} weft_index_stats;

#define WEFT_INDEX_STATS_INIT                                                                              \
	{                                                                                                  \
		.size = sizeof(weft_index_stats)                                                           \
	}

/** What weft_index_check found in the graph. */
typedef struct weft_index_report {
	uint32_t size; /* set by WEFT_INDEX_REPORT_INIT */
	uint32_t reserved;
	uint64_t rows;        /* in the graph, dead ones too, without those that are being taken out */
	uint64_t links;       /* of them, on all floors */
	uint64_t unreachable; /* rows that no walk over the ground floor from the entry comes to */
	uint64_t stale;       /* links to rows that are being taken out, or to the row itself; a sweep leaves none */
	uint64_t one_way;     /* links that do not lead back: normal, a tenth or so */
} weft_index_report;

#define WEFT_INDEX_REPORT_INIT                                                                             \
	{                                                                                                  \
		.size = sizeof(weft_index_report)                                                          \
	}

/** An index in memory, holding one reference. @return 0, -EINVAL (opt NULL, a value out of range), -ENOMEM. */
WEFT_API int weft_index_create(const weft_index_options *opt, weft_index **ret_index);
WEFT_API weft_index *weft_index_ref(weft_index *index);
/** The last one frees it, when no call may be running. NULL is fine. */
WEFT_API void weft_index_unref(weft_index *index);

/**
 * Insert a row, or replace what its id had.
 *
 * @param vector dims floats; copied and normalised
 * @param attrs  NULL: all zero; copied
 * @return 0, -EINVAL (vector not finite or of length zero), -ENOMEM or -ENOSPC (2^31 rows); nothing has changed then
 *
 * Threads: any; calls for the same id, or the same vector, go one after another.
 */
WEFT_API int weft_index_put(weft_index *index, uint64_t id, const float *vector, const weft_index_attrs *attrs);

/** @return 0, -ENOENT. Needs no memory. Threads: any. */
WEFT_API int weft_index_delete(weft_index *index, uint64_t id);

/**
 * Take all that is dead out of the graph now, see to it that every row can be reached, and measure anew which ef gives which
 * recall if that is due: the index has grown by half, or knows for the first time what is asked of it (a thousand searches for a
 * recall). Puts and deletes do that in small portions anyway: this is for an hour of rest, or before a save.
 * @return 0, -ENOMEM. Threads: any; waits for searches that run. Never from a visitor of a search.
 */
WEFT_API int weft_index_sweep(weft_index *index);

/**
 * The vector and attributes of an id. Either result may be NULL. The vector comes back as it is kept: with
 * WEFT_INDEX_CODES_I8 each number to 1.2e-7 of the largest (a float's own rounding counted in), with I8_ONLY to 0.4%; put again
 * it is the same row.
 * @param ret_vector dims floats, of length 1
 * @return 0, -ENOENT. Threads: any; waits for a put or delete of the same id.
 */
WEFT_API int weft_index_get(weft_index *index, uint64_t id, float *ret_vector, weft_index_attrs *ret_attrs);

/**
 * The nearest rows to a query, best first, equal scores by id.
 *
 * @param query    dims floats; need not be normalised
 * @param opt      NULL: as WEFT_INDEX_QUERY_INIT
 * @param ret_hits room for k
 * @return how many: k, or all that pass the filter when those are fewer; -EINVAL (query not finite or of
 *         length zero, recall out of range), -ENOMEM
 *
 * Threads: any; lock-free.   Blocks: never.
 * Allocates: the first searches of a thread count or size not seen before; none after that.
 */
WEFT_API int weft_index_search(weft_index *index, const float *query, uint32_t k, const weft_index_query *opt,
                               weft_index_hit *ret_hits);

/**
 * Look the graph over; all zero when there is none. Costs about a microsecond a row, and no sweep runs meanwhile.
 * @return 0, -EINVAL (size), -ENOMEM. Threads: any; exact when nobody writes, else rows that just come may count as unreachable.
 */
WEFT_API int weft_index_check(weft_index *index, weft_index_report *ret_report);

typedef struct weft_index_open_options {
	uint32_t size; /* set by WEFT_INDEX_OPEN_OPTIONS_INIT */
	bool verify;   /* compare the check sums of the vectors, too: reads the whole file */
} weft_index_open_options;

#define WEFT_INDEX_OPEN_OPTIONS_INIT                                                                       \
	{                                                                                                  \
		.size = sizeof(weft_index_open_options)                                                    \
	}

/**
 * Write the index to a file, beside the one that is there and then in its place. Puts and deletes wait meanwhile,
 * searches do not. The bytes of deleted rows may stand in it until their places are used again.
 * @return 0, -EINVAL, -ENOMEM, what open, write, fsync or rename say; the old file is whole then
 * Threads: any; one save of a path at a time. Waits for searches that run.
 */
WEFT_API int weft_index_save(weft_index *index, const char *path);

/**
 * An index from a file, which is mapped and not read: what changes later stays in memory until it is saved. Ids, links
 * and attributes are checked; vectors only with opt->verify. Nobody may shorten or overwrite the file
 * while the index lives; weft_index_save to the same path is fine.
 * @param opt  NULL: as WEFT_INDEX_OPEN_OPTIONS_INIT
 * @param err  names the file and the byte; may be NULL
 * @return 0, -EINVAL, -ENOMEM, -EBADMSG (not an index, or damaged), -EPROTONOSUPPORT (another version or byte order), or
 *         what open and mmap say
 */
WEFT_API int weft_index_open(const char *path, const weft_index_open_options *opt, weft_index **ret_index, weft_error *err);

/** A snapshot. @return 0, -EINVAL (size). Threads: any. */
WEFT_API int weft_index_stats_read(weft_index *index, weft_index_stats *ret_stats);

WEFT_END_DECLS

#endif
