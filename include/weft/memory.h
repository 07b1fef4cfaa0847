/* SPDX-License-Identifier: Apache-2.0 */
/*
 * weft/memory.h - what agents remember: worlds, rooms, entities, messages, facts.
 *
 * A store is shared by any number of agents and threads. All calls may overlap;
 * each locks only the shard or room it touches, and only for as long as it
 * copies. What is read is copied into the caller's arena, or seen in place by a visitor.
 *
 * Source: docs/internals/store.md.
 */
#ifndef WEFT_MEMORY_H
#define WEFT_MEMORY_H

#include <weft/alloc.h>
#include <weft/base.h>
#include <weft/error.h>
#include <weft/uuid.h>

WEFT_BEGIN_DECLS

typedef struct weft_store weft_store;

typedef struct weft_store_options {
	uint32_t size; /* set by WEFT_STORE_OPTIONS_INIT */
	uint32_t shards; /* power of two; 0 = 64 */
} weft_store_options;

#define WEFT_STORE_OPTIONS_INIT                                                                            \
	{                                                                                                  \
		.size = sizeof(weft_store_options)                                                         \
	}

/** A store in memory, holding one reference. @return 0, -EINVAL, -ENOMEM. opt may be NULL. */
WEFT_API int weft_store_create(const weft_store_options *opt, weft_store **ret_store);
WEFT_API weft_store *weft_store_ref(weft_store *store);
WEFT_API void weft_store_unref(weft_store *store); /* NULL is fine */

/* ---- worlds, rooms, entities ------------------------------------------- */

typedef enum weft_room_kind {
	WEFT_ROOM_GROUP = 0,
	WEFT_ROOM_DM,
	WEFT_ROOM_VOICE_DM,
	WEFT_ROOM_VOICE_GROUP,
	WEFT_ROOM_SELF,
	WEFT_ROOM_API,
	WEFT_ROOM_FEED,
	WEFT_ROOM_THREAD
} weft_room_kind;

typedef struct weft_world {
	weft_uuid id;
	weft_str name;
} weft_world;

typedef struct weft_room {
	weft_uuid id;
	weft_uuid world_id; /* nil: none */
	weft_room_kind kind;
	weft_str name;
	weft_str source; /* which client it came from: "client_chat", "discord", ... */
} weft_room;

typedef struct weft_entity {
	weft_uuid id;
	weft_str name;
	bool is_agent;
} weft_entity;

/* put: insert or replace by id; strings are copied. 0, -EINVAL (nil id), -ENOMEM. */
WEFT_API int weft_store_put_world(weft_store *store, const weft_world *world);
WEFT_API int weft_store_put_room(weft_store *store, const weft_room *room);
WEFT_API int weft_store_put_entity(weft_store *store, const weft_entity *entity);
/* get: strings are copied into arena. 0, -ENOENT, -ENOMEM. */
WEFT_API int weft_store_get_world(weft_store *store, weft_uuid id, weft_arena *arena, weft_world *ret);
WEFT_API int weft_store_get_room(weft_store *store, weft_uuid id, weft_arena *arena, weft_room *ret);
WEFT_API int weft_store_get_entity(weft_store *store, weft_uuid id, weft_arena *arena, weft_entity *ret);

/** Make an entity a participant of a room. 0 (also when it is one), -ENOENT (no such room or entity), -ENOMEM. */
WEFT_API int weft_store_join(weft_store *store, weft_uuid room_id, weft_uuid entity_id);
/** Participants in the order they joined, in arena. @return how many, -ENOENT, -ENOMEM */
WEFT_API int weft_store_participants(weft_store *store, weft_uuid room_id, weft_arena *arena,
                                     weft_entity **ret_entities);

typedef enum weft_follow { WEFT_FOLLOW_NONE = 0, WEFT_FOLLOW_FOLLOWED, WEFT_FOLLOW_MUTED } weft_follow;
/** How an agent follows a room (MUTED: answers only when named). 0, -ENOENT, -ENOMEM. */
WEFT_API int weft_store_set_follow(weft_store *store, weft_uuid room_id, weft_uuid entity_id, weft_follow state);
/** NONE when unknown. */
WEFT_API weft_follow weft_store_get_follow(weft_store *store, weft_uuid room_id, weft_uuid entity_id);

/* ---- relationships ------------------------------------------------------ */

/** What an entity is to another one. There is one from a source to a target, and perhaps another one back. */
typedef struct weft_relationship {
	weft_uuid source_id, target_id;
	weft_str tags;       /* comma list: "friend, colleague"; may be empty */
	double strength;     /* what it means, the program knows; finite */
	int64_t created_ms;  /* 0: now */
	int64_t updated_ms;  /* 0: as created_ms */
} weft_relationship;

/** Insert or replace; tags are copied. 0, -EINVAL (a nil id, strength not finite), -EMSGSIZE, -ENOMEM. O(relationships of both). */
WEFT_API int weft_store_put_relationship(weft_store *store, const weft_relationship *relationship);
/** 0, -ENOENT, -ENOMEM. */
WEFT_API int weft_store_get_relationship(weft_store *store, weft_uuid source_id, weft_uuid target_id,
                                         weft_arena *arena, weft_relationship *ret);
/** All from or to an entity, in the order they were first put, in arena. @return how many (0: the list may be NULL), -ENOMEM */
WEFT_API int weft_store_relationships(weft_store *store, weft_uuid entity_id, weft_arena *arena,
                                      weft_relationship **ret_list);
/** 0 or -ENOENT. */
WEFT_API int weft_store_delete_relationship(weft_store *store, weft_uuid source_id, weft_uuid target_id);

/* ---- tasks and goals ------------------------------------------------------ */

typedef enum weft_task_kind { WEFT_TASK_TASK = 0, WEFT_TASK_GOAL } weft_task_kind;
typedef enum weft_task_status { WEFT_TASK_OPEN = 0, WEFT_TASK_DONE, WEFT_TASK_FAILED } weft_task_status;

typedef struct weft_task {
	weft_uuid id;
	weft_uuid room_id;   /* nil: of no room */
	weft_uuid entity_id; /* whose; nil: nobody's */
	weft_task_kind kind;
	weft_task_status status;
	int64_t due_ms; /* 0: whenever */
	int64_t created_ms; /* 0: now */
	int64_t updated_ms; /* 0: as created_ms */
	weft_str name;
	weft_str description;
	weft_str tags; /* comma list; may be empty */
} weft_task;

/** Insert or replace by id; strings are copied. 0, -EINVAL (nil id, kind, status), -EMSGSIZE, -ENOMEM. O(tasks of its room). */
WEFT_API int weft_store_put_task(weft_store *store, const weft_task *task);
/** 0, -ENOENT, -ENOMEM. */
WEFT_API int weft_store_get_task(weft_store *store, weft_uuid id, weft_arena *arena, weft_task *ret);
/**
 * The tasks of a room in the order they came to it, in arena. Or, room_id nil, those of an entity that have no room.
 * @param entity_id  in a room: only whose; nil: anybody's
 * @param statuses   1 << WEFT_TASK_OPEN | ...; 0: any
 * @return how many (0: the list may be NULL), -ENOMEM
 */
WEFT_API int weft_store_tasks(weft_store *store, weft_uuid room_id, weft_uuid entity_id, uint32_t statuses,
                              weft_arena *arena, weft_task **ret_tasks);
/** 0 or -ENOENT. */
WEFT_API int weft_store_delete_task(weft_store *store, weft_uuid id);

/* ---- memories ---------------------------------------------------------- */

typedef enum weft_memory_type {
	WEFT_MEMORY_MESSAGE = 0,
	WEFT_MEMORY_FACT,
	WEFT_MEMORY_DOCUMENT,
	WEFT_MEMORY_SUMMARY, /* of a room's messages up to created_ms; the newest one stands for all before it */
	WEFT_MEMORY_TYPE_COUNT
} weft_memory_type;

#define WEFT_MEMORY_TEXT_MAX (1u << 20)

/** Something that came with a message: an image, a file, a link. At least one of url and text is not empty. */
typedef struct weft_attachment {
	weft_uuid id; /* nil: a fresh one */
	weft_str url; /* where it is; never fetched by weft itself */
	weft_str content_type; /* "image/png", parameters allowed; empty: not known */
	weft_str title;
	weft_str description; /* what is to be seen or heard in it, for a model that cannot */
	weft_str text;        /* what it says */
	weft_str source;      /* which client or site it came from */
} weft_attachment;

#define WEFT_ATTACHMENTS_MAX 32u                /* of a memory */
#define WEFT_ATTACHMENTS_BYTES_MAX (4u << 20)   /* all strings of a memory's attachments together */
#define WEFT_ATTACHMENT_NAME_BYTES_MAX 1024u    /* each content_type, title and source */

/**
 * What weft_store_add, weft_store_set_attachments and weft_agent_handle_message ask of attachments.
 * @param err  names the field that is wrong: "attachments[2].content_type: ..."; may be NULL
 * @return 0, -EINVAL (no url and no text, or a content_type that is none), -EMSGSIZE (too many, or too long). Threads: any.
 */
WEFT_API int weft_attachments_check(const weft_attachment *attachments, uint32_t count, weft_error *err);

typedef struct weft_memory {
	weft_uuid id;
	weft_memory_type type;
	weft_uuid room_id;
	weft_uuid entity_id; /* who said it, or whom it is about */
	weft_uuid agent_id; /* who remembers it: whose searches find it, whose quota it counts for; nil: nobody's */
	weft_uuid in_reply_to; /* nil: none */
	int64_t created_ms;
	weft_str text;
	weft_str thought; /* an agent's; may be empty */
	weft_str actions; /* comma list; may be empty */
	weft_str source;
	const float *embedding; /* normalised; NULL: none yet, and to visitors, who see only its dims */
	uint32_t embedding_dims;
	uint32_t attachment_count;
	const weft_attachment *attachments; /* what came with it */
} weft_memory;

/**
 * Append. A nil id gets a fresh UUIDv7, a zero created_ms the time now; strings and attachments are copied.
 * @param ret_id  may be NULL
 * @return 0, -EINVAL (nil room), -EEXIST (that id is there; nothing changed), -EMSGSIZE (text too long), -ENOMEM,
 *         -EDQUOT (its agent's quota; nothing changed), as weft_attachments_check
 * Cost: O(1). A room that was never put is made (kind GROUP).
 */
WEFT_API int weft_store_add(weft_store *store, const weft_memory *memory, weft_uuid *ret_id);
/** A deep copy in arena. 0, -ENOENT, -ENOMEM. */
WEFT_API int weft_store_get(weft_store *store, weft_uuid id, weft_arena *arena, weft_memory *ret);
WEFT_API bool weft_store_has(weft_store *store, weft_uuid id);
/** 0 or -ENOENT. O(1) amortised. */
WEFT_API int weft_store_delete(weft_store *store, weft_uuid id);
/** Memories of a type in a room. O(1). */
WEFT_API uint64_t weft_store_count(weft_store *store, weft_uuid room_id, weft_memory_type type);
/** Of them, those that have an embedding. O(1). */
WEFT_API uint64_t weft_store_count_embedded(weft_store *store, weft_uuid room_id, weft_memory_type type);
/**
 * Give a memory its embedding: copied, normalised, and kept to 24 bits a number (WEFT_INDEX_CODES_I8 in weft/index.h).
 * 0, -ENOENT, -EINVAL (not finite, zero length or other dims than the store's first), -EDQUOT, -ENOMEM.
 */
WEFT_API int weft_store_set_embedding(weft_store *store, weft_uuid id, const float *embedding, uint32_t dims);
/** Replace the attachments of a memory; copied. 0, -ENOENT, -EDQUOT, -ENOMEM, as weft_attachments_check: then nothing changed. */
WEFT_API int weft_store_set_attachments(weft_store *store, weft_uuid id, const weft_attachment *attachments,
                                        uint32_t count);

/**
 * Go on from a message in another direction: a new room that holds what an old one held up to there.
 *
 * It has the old one's world, kind, name, source and participants, who follow it as they do the old one, and copies of its memories
 * in their order: messages up to last_id, of the other types what was created no later. A copy has a fresh id, what it is a
 * reply to is the copy where there is one; all else is the same, attachments and embeddings too. The rooms know nothing of
 * each other afterwards.
 *
 * @param last_id  the last message to take; nil: all of the room
 * @return 0, -EINVAL, -ENOENT (no such room; no such message in it), -ENOMEM, as weft_store_add: its memories are gone again
 *         then, and an empty room may be left. A durable store that loses its power meanwhile may have the first of them
 * Threads: any. What is added to the old room meanwhile is not in the new one. Cost: O(n log n), and a copy of what it takes
 * while it runs.
 */
WEFT_API int weft_store_branch(weft_store *store, weft_uuid room_id, weft_uuid last_id, weft_uuid *ret_room_id);

/** Called under the room's lock: look, copy, do not call the store. memory is valid during the call. Return false to end. */
typedef bool (*weft_memory_visitor)(const weft_memory *memory, void *user);

/**
 * The newest memories of a type in a room, newest first, skipping the first `skip`.
 * @return how many were seen. O(k) whatever the length of the history.
 */
WEFT_API int weft_store_visit_recent(weft_store *store, weft_uuid room_id, weft_memory_type type, uint32_t skip,
                                     uint32_t k, weft_memory_visitor fn, void *user);
/** The same as deep copies in arena, newest first. @return how many, or -ENOMEM */
WEFT_API int weft_store_recent(weft_store *store, weft_uuid room_id, weft_memory_type type, uint32_t skip,
                               uint32_t k, weft_arena *arena, weft_memory **ret_memories);

/**
 * The memories of a type in a room that were created from from_ms to to_ms, both included, at most k of them, in the order
 * of weft_store_visit_recent: the last added first, whatever created_ms says.
 * @return how many were seen, 0 when from_ms > to_ms
 * Cost: O(log n + k) while memories are added in the order of their times. Times may go back; each range then walks over
 * what lies within the largest step back of it as well.
 */
WEFT_API int weft_store_visit_between(weft_store *store, weft_uuid room_id, weft_memory_type type, int64_t from_ms,
                                      int64_t to_ms, uint32_t k, weft_memory_visitor fn, void *user);

typedef struct weft_search_hit {
	weft_uuid id;
	float score; /* cosine, -1..1, best first */
} weft_search_hit;

/**
 * The k memories of a type in a room whose embeddings are closest to query: weft_store_recall for these two.
 * @return as weft_store_recall
 */
WEFT_API int weft_store_search(weft_store *store, weft_uuid room_id, weft_memory_type type, const float *query,
                               uint32_t dims, uint32_t k, weft_search_hit *ret_hits);

/**
 * Add a memory with its embedding, unless one of its type, room and agent (nil: anybody's) means the same.
 *
 * @param memory    embedding and embedding_dims are set; need not be normalised
 * @param likeness  the cosine from which on two are the same; 0 = 0.95
 * @param ret_id    the new one, or with -EEXIST the one that is there; may be NULL
 * @return 0, -EEXIST, as weft_store_add and weft_store_set_embedding: nothing was added then
 * Threads: any; one after another for a room, so that two who come with the same thing add it once.
 */
WEFT_API int weft_store_add_unique(weft_store *store, const weft_memory *memory, float likeness, weft_uuid *ret_id);

/** Which memories are to be found. What is nil or 0 asks for nothing. */
typedef struct weft_recall {
	uint32_t size;       /* set by WEFT_RECALL_INIT */
	uint32_t types;      /* 1 << WEFT_MEMORY_FACT | ... */
	weft_uuid agent_id;  /* whose memories; the search is cheapest when this is known */
	weft_uuid room_id;
	weft_uuid entity_id;
	int64_t from_ms, to_ms; /* created_ms, both ends in */
	float recall;        /* wanted share of the true neighbours where the search is not exact; 0 = 0.95, 1: exact */
	uint32_t reserved;
} weft_recall;

#define WEFT_RECALL_INIT                                                                                   \
	{                                                                                                  \
		.size = sizeof(weft_recall)                                                                \
	}

/**
 * The k memories closest to query among those that are asked for, best first. Exact by a scan of codes and floats while
 * an agent has few memories, by a graph with the wanted recall when it has many (weft/index.h).
 * @return how many hits: k, or all there are; -EINVAL (dims, not finite, zero vector), -ENOMEM
 * Threads: any; waits for no writer but for the moments in which ids are looked up.
 */
WEFT_API int weft_store_recall(weft_store *store, const weft_recall *what, const float *query, uint32_t dims,
                               uint32_t k, weft_search_hit *ret_hits);

typedef struct weft_store_stats {
	uint32_t size; /* sizeof(weft_store_stats), set by the caller */
	uint32_t reserved;
	uint64_t worlds, rooms, entities, memories, embeddings, relationships, tasks;
	uint64_t bytes; /* held for memories, with attachments and embeddings; allocator overhead left out */
	uint64_t evicted; /* by limits */
	uint64_t refused; /* adds and changes, by quotas */
} weft_store_stats;
WEFT_API int weft_store_stats_read(weft_store *store, weft_store_stats *ret_stats);

/* ---- how much: limits of rooms, quotas of agents -------------------------- */

/** What a room or an agent holds. The sums over all rooms, over all agents, and the store's stats are the same. */
typedef struct weft_usage {
	uint32_t size; /* sizeof(weft_usage), set by the caller */
	uint32_t reserved;
	uint64_t memories;
	uint64_t bytes; /* as in weft_store_stats */
	/* agents only */
	uint64_t memories_max, bytes_max;         /* its quota; 0: none */
	uint64_t memories_refused, bytes_refused; /* how often each of the two refused */
} weft_usage;

/** What a room holds, of all types. 0, -EINVAL, -ENOENT. O(1). Threads: any. */
WEFT_API int weft_store_usage(weft_store *store, weft_uuid room_id, weft_usage *ret_usage);
/** What stands under an agent_id in all rooms, nil included. 0 (also for one that has nothing), -EINVAL. O(1). Threads: any. */
WEFT_API int weft_store_agent_usage(weft_store *store, weft_uuid agent_id, weft_usage *ret_usage);

/**
 * How much an agent may hold; 0: any. What it has already is kept. An add, a first embedding or attachments that would
 * go over are refused with -EDQUOT; weft_store_agent_usage counts for which of the two reasons. A durable store keeps it.
 * At the very edge, of two adds at the same time both may be refused where one would have fitted.
 * @return 0, -EINVAL, -ENOMEM, or the log's error (weft/durable.h). Threads: any.
 */
WEFT_API int weft_store_set_quota(weft_store *store, weft_uuid agent_id, uint64_t memories_max, uint64_t bytes_max);

/** What -EDQUOT was about: err says which of an agent's two quotas is used up, and by how much. @return -EDQUOT. Threads: any. */
WEFT_API int weft_store_quota_error(weft_store *store, weft_uuid agent_id, weft_error *err);

#define WEFT_LIMIT_NONE UINT64_MAX

/** What a room keeps of a type; 0: no limit, in a room: the default's. WEFT_LIMIT_NONE: none, whatever the default says. */
typedef struct weft_limits {
	uint64_t memories_max;
	uint64_t bytes_max; /* the newest memory is kept even if it alone is more */
	uint64_t age_max_ms; /* by created_ms */
} weft_limits;

/**
 * Limit what a room keeps of a type, or (nil room_id) every room that was not told otherwise. Who goes over by an add loses
 * the oldest first, in the order they were added. Limits change nothing by themselves: the next add to a room does, and
 * weft_store_expire. A durable store keeps them. @return 0, -EINVAL, -ENOENT (room), -ENOMEM, or the log's error. Threads: any.
 */
WEFT_API int weft_store_set_limits(weft_store *store, weft_uuid room_id, weft_memory_type type,
                                   const weft_limits *limits);
/**
 * Evict from all rooms what is over their limits at now_ms; also what an add did not see: old memories behind younger ones,
 * and rooms to which nobody adds. Threads: any. @return how many (at most INT_MAX), -EINVAL, -ENOMEM, or as weft_store_delete
 */
WEFT_API int weft_store_expire(weft_store *store, int64_t now_ms);

WEFT_END_DECLS

#endif
