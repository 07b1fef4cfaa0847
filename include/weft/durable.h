/* SPDX-License-Identifier: Apache-2.0 */
/*
 * weft/durable.h - a store that is still there after kill -9 and after a loss of power.
 *
 * A store that was opened with a path writes every change into a log there, many changes with one
 * write, before it acknowledges them. It is used like one in memory (weft/memory.h) otherwise: all
 * is held in memory, and reads never touch the disk.
 *
 *     weft_store_open("/var/lib/agents/memory", NULL, &store, &err);
 *     weft_store_add(store, &memory, &id);       durable when it returns (WEFT_STORE_SYNC_WRITE)
 *     weft_store_close(store);
 *
 * When the disk fails, the store acknowledges nothing from then on: calls that were waiting get the disk's
 * error (-EIO, -ENOSPC), every later change WEFT_ELOGFAILED, and nothing is tried again,
 * because a kernel that failed once to write may say next time that all is well. Reads go on. Whether a
 * change that got an error is there after the next open is not known; one that was acknowledged is.
 *
 * Source: docs/internals/log.md.
 */
#ifndef WEFT_DURABLE_H
#define WEFT_DURABLE_H

#include <weft/memory.h>

WEFT_BEGIN_DECLS

/* When a change is acknowledged. */
typedef enum weft_store_sync {
	WEFT_STORE_SYNC_WRITE = 0, /* each call returns when what it did is durable */
	WEFT_STORE_SYNC_INTERVAL,  /* calls return at once; durable some milliseconds later, or by a flush */
	WEFT_STORE_SYNC_DEMAND     /* calls return at once; durable by a flush, or when much is waiting */
} weft_store_sync;

typedef struct weft_store_open_options {
	uint32_t size;   /* set by WEFT_STORE_OPEN_OPTIONS_INIT */
	uint32_t shards; /* as in weft_store_options */
	weft_store_sync sync;
	uint32_t interval_ms;     /* of SYNC_INTERVAL; 0 = 10 */
	uint64_t segment_bytes;   /* of a file of the log; 0 = 64 MiB, at least 64 KiB */
	/*
	 * A snapshot is made by itself when the log behind the last one has grown to this, and to the size of that snapshot: a log
	 * is never much larger than what it stands for. 0 = 256 MiB, at least 64 KiB; WEFT_SNAPSHOT_NEVER: only when asked for.
	 */
	uint64_t snapshot_log_bytes;
	uint64_t waiting_bytes_max; /* changes not yet on the disk; more and their calls wait; 0 = 16 MiB, at least 64 KiB */
	bool must_exist;          /* -ENOENT when there is no store; else one is made */
	/* While open reads; both in bytes. May be NULL. */
	void (*progress)(uint64_t done_bytes, uint64_t total_bytes, void *user);
	void *user;
} weft_store_open_options;

#define WEFT_SNAPSHOT_NEVER UINT64_MAX

#define WEFT_STORE_OPEN_OPTIONS_INIT                                                                       \
	{                                                                                                  \
		.size = sizeof(weft_store_open_options)                                                    \
	}

/**
 * Open the store in the folder path; it is made when it is not there (its parent must be). Holds one reference.
 * @param opt  may be NULL
 * @param err  says what is wrong, with file and offset; may be NULL
 * @return 0, -EINVAL, -ENOMEM,
 *         -EBUSY (another process has it: the message names it), -ENOTDIR, -EACCES, -ENOENT, -EIO, ... as the disk says,
 *         -ENOTEMPTY (the folder holds other files, and no store),
 *         WEFT_EDAMAGED (something is not what was written, or missing), WEFT_EVERSION
 *
 * What the last process left unfinished at the end of its log, unacknowledged, is cut off; damage before
 * the end is an error, and nothing is changed. Blocks: for the disk; as long as it takes to read all of it.
 */
WEFT_API int weft_store_open(const char *path, const weft_store_open_options *opt, weft_store **ret_store,
                             weft_error *err);

/**
 * Make all durable, let go of the path, and give back the caller's reference. Who else holds one may
 * go on reading; changes get -ESHUTDOWN. weft_store_unref of the last reference does the same, but cannot say how
 * it went. For a store in memory: weft_store_unref.
 * @return 0, or why not all is durable. Blocks: for the disk. Not from a weft_store_flushed.
 */
WEFT_API int weft_store_close(weft_store *store);

/** Wait until all changes that were made before are durable. @return 0 (also in memory), or the log's error */
WEFT_API int weft_store_flush(weft_store *store);

/** status: as weft_store_flush returns. On the log's thread: send a message, set a flag; do not call the store. */
typedef void (*weft_store_flushed)(int status, void *user);
/**
 * The same without waiting, for agents: fn is called once, when they are, or will never be. @return 0; or
 * -ENOMEM, -EINVAL: fn is not called. In memory, and after the log has failed or was closed, fn is called before this returns.
 */
WEFT_API int weft_store_flush_async(weft_store *store, weft_store_flushed fn, void *user);

/**
 * Write what the store holds into one file, while it is used, and drop the log before it: less disk, faster opens.
 * A room's writers wait while their room is copied. One is made by itself now and then (snapshot_log_bytes).
 * @return 0, -ENOSYS (in memory), -EBUSY (another is being made), or the disk's or the log's error: the log is whole then
 */
WEFT_API int weft_store_snapshot(weft_store *store, weft_error *err);

typedef struct weft_store_log_stats {
	uint32_t size; /* sizeof(weft_store_log_stats), set by the caller */
	int32_t status; /* 0, or why the log failed */
	uint64_t changes_logged, changes_durable; /* since the open */
	uint64_t batches, bytes;  /* written; with padding */
	uint64_t segment;         /* the newest; 0: none yet */
	uint64_t bytes_waiting;
	uint64_t log_bytes;       /* behind the last snapshot: what the next open reads again */
	uint64_t snapshots;       /* made since the open */
	int32_t snapshot_status;  /* of the last one: 0, or why it failed; the log is whole then */
	uint32_t reserved;
	uint64_t read_changes, read_ns; /* by the open: changes replayed, and how long all of it took */
} weft_store_log_stats;
/** @return 0, -EINVAL, -ENOSYS (in memory). Threads: any. */
WEFT_API int weft_store_log_stats_read(weft_store *store, weft_store_log_stats *ret_stats);

/* ---- changes: what a log is made of ----------------------------------------- */

typedef enum weft_change_kind {
	WEFT_CHANGE_WORLD = 1,
	WEFT_CHANGE_ROOM,
	WEFT_CHANGE_ENTITY,
	WEFT_CHANGE_JOIN,
	WEFT_CHANGE_FOLLOW,
	WEFT_CHANGE_MEMORY,      /* all of memory but the embedding */
	WEFT_CHANGE_DELETE,      /* memory.id */
	WEFT_CHANGE_EMBEDDING,   /* memory.id, embedding, embedding_dims; as it was given, or normalised */
	WEFT_CHANGE_ATTACHMENTS, /* memory.id, attachments, attachment_count */
	WEFT_CHANGE_RELATIONSHIP,
	WEFT_CHANGE_RELATIONSHIP_DELETE, /* relationship.source_id, target_id */
	WEFT_CHANGE_TASK,
	WEFT_CHANGE_TASK_DELETE, /* task.id */
	WEFT_CHANGE_LIMITS, /* limit: of a room, or (nil) of all that have none of their own */
	WEFT_CHANGE_QUOTA,
	WEFT_CHANGE_KIND_COUNT
} weft_change_kind;

typedef struct weft_change {
	weft_change_kind kind;
	union {
		weft_world world;
		weft_room room;
		weft_entity entity;
		struct {
			weft_uuid room_id, entity_id;
			weft_follow state; /* FOLLOW */
		} person;
		weft_memory memory;
		weft_relationship relationship;
		weft_task task;
		struct {
			weft_uuid room_id;
			weft_memory_type type;
			weft_limits limits;
		} limit;
		struct {
			weft_uuid agent_id;
			uint64_t memories_max, bytes_max;
		} quota;
	};
} weft_change;

/** change and what it leads to are valid during the call. Return false to end. */
typedef bool (*weft_change_visitor)(const weft_change *change, void *user);

/**
 * The changes that would make what the store holds, in an order that works: for exports. Limits and quotas come after what
 * they limit, so that making the changes neither evicts nor refuses. Writers of a room wait while it is visited; do not
 * call the store from fn.
 * @return 0, -ECANCELED (fn gave false), -ENOMEM
 */
WEFT_API int weft_store_visit(weft_store *store, weft_change_visitor fn, void *user);
/**
 * Make a change, by the function it belongs to. A memory that is there is replaced and becomes the newest; a
 * room that is not is made. @return as that function; 0 for a DELETE of what is not there
 */
WEFT_API int weft_store_apply(weft_store *store, const weft_change *change);

/* Where a change stands. */
typedef struct weft_log_place {
	const char *file; /* its name in the folder */
	uint64_t offset;  /* of its batch in bytes */
	uint64_t seq;     /* the batch's number; 0 in a snapshot */
} weft_log_place;

typedef struct weft_log_summary {
	uint32_t size; /* sizeof(weft_log_summary), set by the caller */
	uint32_t torn; /* 1: an unfinished write at the end, which the next open cuts off */
	uint32_t clean; /* 1: it was closed */
	uint32_t segments; /* of the log that are read */
	uint64_t snapshot; /* which segment it stands before; 0: there is none */
	uint64_t batches, changes, bytes;
	uint64_t last_seq;
} weft_log_summary;

typedef bool (*weft_log_visitor)(const weft_change *change, const weft_log_place *place, void *user);

/**
 * Read the store in a folder without opening it: check it (fn NULL), or see each change where it stands. Changes nothing;
 * a store that is open meanwhile may look torn.
 * @return 0, -ECANCELED (fn gave false), or as weft_store_open; ret_summary (may be NULL) holds what was read until then
 */
WEFT_API int weft_log_read(const char *path, weft_log_visitor fn, void *user, weft_log_summary *ret_summary,
                           weft_error *err);

WEFT_END_DECLS

#endif
