/* SPDX-License-Identifier: Apache-2.0 */
/* store/store.c - the life of a store, and memories: added, read, deleted, embedded. */
#include "store/store.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "runtime/base/clock.h"
#include "store/attachment.h"
#include "store/bag.h"
#include "store/journal.h"
#include "store/log/wal.h"
#include "store/recall.h"

#define SHARDS_DEFAULT 64u

weft_str weft__text_put(char **at, weft_str s)
{
	weft_str out = { *at, s.len_bytes };

	if (s.len_bytes)
		memcpy(*at, s.ptr, s.len_bytes);
	(*at)[s.len_bytes] = '\0';
	*at += s.len_bytes + 1;
	return out;
}

static void record_free(void *record)
{
	struct weft__record *r = record;

	if (r && r->m.attachments)
		weft_free((void *)(uintptr_t)r->m.attachments);
	weft_free(r);
}

/* ---- life ------------------------------------------------------------------------ */

int weft_store_create(const weft_store_options *opt, weft_store **ret_store)
{
	uint32_t shards = opt && opt->shards ? opt->shards : SHARDS_DEFAULT;
	weft_store *s;

	if (!ret_store || (opt && opt->size != sizeof(*opt)) || (shards & (shards - 1)) || shards > 65536)
		return -EINVAL;
	s = weft_calloc(1, sizeof(*s));
	if (!s)
		return -ENOMEM;
	weft__refs_init(&s->refs, 1);
	if (weft__map_init(&s->worlds, 1) < 0 || weft__map_init(&s->entities, shards) < 0 ||
	    weft__map_init(&s->rooms, shards) < 0 || weft__map_init(&s->memories, shards) < 0 ||
	    weft__map_init(&s->agents, 16) < 0 || weft__map_init(&s->accounts, 16) < 0 ||
	    weft__map_init(&s->relations, 16) < 0 || weft__map_init(&s->tasks, 16) < 0 ||
	    weft__map_init(&s->task_bags, 16) < 0) {
		weft_store_unref(s);
		return -ENOMEM;
	}
	*ret_store = s;
	return 0;
}

weft_store *weft_store_ref(weft_store *store)
{
	weft__refs_take(&store->refs);
	return store;
}

void weft_store_unref(weft_store *store)
{
	if (!store || !weft__refs_drop(&store->refs))
		return;
	if (store->wal && !weft__xchg_acq_rel(&store->closed, 1u)) /* a snapshot that nobody asked for sees it */
		weft__wal_close(store->wal);
	weft__keeper_join(&store->keeper);
	weft__wal_free(store->wal);
	weft__map_fini(&store->memories, record_free);
	weft__map_fini(&store->rooms, weft__room_free);
	weft__map_fini(&store->agents, weft__partition_free);
	weft__map_fini(&store->accounts, weft_free);
	weft__map_fini(&store->relations, weft__relations_free);
	weft__map_fini(&store->task_bags, weft__bag_free);
	weft__map_fini(&store->tasks, weft_free);
	weft__map_fini(&store->entities, weft_free);
	weft__map_fini(&store->worlds, weft_free);
	weft_free(store);
}

/* ---- adding ------------------------------------------------------------------------ */

/* The record's own copy. */
static int attach(struct weft__record *r, const weft_memory *m)
{
	size_t bytes = weft__attachments_bytes(m->attachments, m->attachment_count);
	void *block = weft_malloc(bytes);

	if (!block)
		return -ENOMEM;
	r->m.attachments = weft__attachments_put(block, m->attachments, m->attachment_count);
	r->m.attachment_count = m->attachment_count;
	r->bytes += (uint32_t)bytes;
	return 0;
}

static_assert(4ull * WEFT_MEMORY_TEXT_MAX + 2ull * WEFT_ATTACHMENTS_BYTES_MAX + 4ull * WEFT_INDEX_DIMS_MAX < UINT32_MAX,
              "a record counts its bytes in 32 bits");

static struct weft__record *record_make(const weft_memory *m)
{
	size_t bytes = sizeof(struct weft__record) + m->text.len_bytes + m->thought.len_bytes + m->actions.len_bytes +
	               m->source.len_bytes + 4;
	struct weft__record *r = weft_malloc(bytes);
	char *at;

	if (!r)
		return NULL;
	at = (char *)(r + 1);
	r->m = *m;
	r->room = NULL;
	r->account = NULL;
	r->at = 0;
	r->bytes = (uint32_t)bytes;
	if (weft_uuid_is_nil(r->m.id))
		r->m.id = weft_uuid_v7();
	if (!r->m.created_ms)
		r->m.created_ms = weft_wall_ms();
	r->m.text = weft__text_put(&at, m->text);
	r->m.thought = weft__text_put(&at, m->thought);
	r->m.actions = weft__text_put(&at, m->actions);
	r->m.source = weft__text_put(&at, m->source);
	r->m.embedding = NULL;
	r->m.embedding_dims = 0;
	r->m.attachments = NULL;
	r->m.attachment_count = 0;
	if (m->attachment_count && attach(r, m) < 0) {
		record_free(r);
		return NULL;
	}
	return r;
}

/* Into map and history, or into neither. */
static int record_insert(weft_store *store, struct weft__record *r, struct weft__room *room, struct weft__journal *journal)
{
	struct weft__shard *shard = weft__map_lock(&store->memories, r->m.id);
	int status = weft__shard_find(shard, r->m.id) ? -EEXIST : weft__shard_insert(shard, r);

	if (status == 0) {
		r->room = room;
		pthread_rwlock_wrlock(&room->lock);
		status = weft__history_append(&room->histories[r->m.type], r);
		if (status == 0)
			weft__journal_push(store, journal);
		pthread_rwlock_unlock(&room->lock);
		if (status < 0)
			weft__shard_remove(shard, r->m.id);
	}
	weft__map_unlock(shard);
	return status;
}

int weft_store_add(weft_store *store, const weft_memory *memory, weft_uuid *ret_id)
{
	struct weft__journal journal;
	struct weft__record *r;
	struct weft__room *room = NULL;
	weft_uuid id;
	int status;

	if (!store || !memory || weft_uuid_is_nil(memory->room_id) || (unsigned)memory->type >= WEFT_MEMORY_TYPE_COUNT)
		return -EINVAL;
	if (memory->text.len_bytes > WEFT_MEMORY_TEXT_MAX || memory->thought.len_bytes > WEFT_MEMORY_TEXT_MAX ||
	    memory->actions.len_bytes > WEFT_MEMORY_TEXT_MAX || memory->source.len_bytes > WEFT_MEMORY_TEXT_MAX)
		return -EMSGSIZE;
	if (memory->attachment_count) {
		status = weft_attachments_check(memory->attachments, memory->attachment_count, NULL);
		if (status < 0)
			return status;
	}
	r = record_make(memory);
	status = r ? weft__usage_charge(store, r) : -ENOMEM;
	if (status == 0) {
		status = weft__journal_begin(store, &(weft_change){ .kind = WEFT_CHANGE_MEMORY, .memory = r->m }, &journal);
		if (status < 0)
			weft__usage_refund(store, r);
	}
	if (status < 0) {
		record_free(r);
		return status;
	}
	id = r->m.id;
	room = weft__room_get(store, memory->room_id, true);
	status = room ? record_insert(store, r, room, &journal) : -ENOMEM;
	if (status < 0) {
		weft__usage_refund(store, r);
		record_free(r);
	} else {
		weft__limits_enforce(store, room, memory->type);
	}
	status = weft__journal_end(store, &journal, status);
	if (status == 0 && ret_id)
		*ret_id = id;
	return status;
}

/* ---- one by id ----------------------------------------------------------------------- */

static int copy_text(weft_arena *arena, weft_str *s)
{
	*s = weft_arena_dup(arena, *s);
	return s->ptr ? 0 : -ENOMEM;
}

/* Under the shard's or the room's lock. */
static int memory_copy(weft_store *store, const weft_memory *from, weft_arena *arena, weft_memory *ret)
{
	weft_memory m = *from;

	if (copy_text(arena, &m.text) < 0 || copy_text(arena, &m.thought) < 0 || copy_text(arena, &m.actions) < 0 ||
	    copy_text(arena, &m.source) < 0)
		return -ENOMEM;
	if (m.embedding_dims) {
		float *v = weft_arena_alloc(arena, m.embedding_dims * sizeof(*v));

		if (!v)
			return -ENOMEM;
		if (weft__recall_get(store, m.agent_id, m.id, v) == 0)
			m.embedding = v;
		else
			m.embedding_dims = 0; /* deleted at this moment */
	}
	if (m.attachment_count) {
		void *block = weft_arena_alloc(arena, weft__attachments_bytes(m.attachments, m.attachment_count));

		if (!block)
			return -ENOMEM;
		m.attachments = weft__attachments_put(block, m.attachments, m.attachment_count);
	}
	*ret = m;
	return 0;
}

int weft_store_get(weft_store *store, weft_uuid id, weft_arena *arena, weft_memory *ret)
{
	struct weft__shard *shard;
	struct weft__record *r;
	int status = -ENOENT;

	if (!store || !arena || !ret)
		return -EINVAL;
	shard = weft__map_lock(&store->memories, id);
	r = weft__shard_find(shard, id);
	if (r) {
		/* the room's lock as well: attachments and embeddings change under it */
		pthread_rwlock_rdlock(&r->room->lock);
		status = memory_copy(store, &r->m, arena, ret);
		pthread_rwlock_unlock(&r->room->lock);
	}
	weft__map_unlock(shard);
	return status;
}

bool weft_store_has(weft_store *store, weft_uuid id)
{
	struct weft__shard *shard;
	bool found;

	if (!store)
		return false;
	shard = weft__map_lock(&store->memories, id);
	found = weft__shard_find(shard, id) != NULL;
	weft__map_unlock(shard);
	return found;
}

/* Who gives a memory its embedding, and who deletes it, hold this: a row in the index is never without its memory. */
static struct weft__lock *stripe_of(weft_store *store, weft_uuid id)
{
	return &store->embedding[weft_uuid_hash(id) % WEFT__EMBED_STRIPES];
}

/* Out of the map, its history and its index. 0 or -ENOENT. */
static int record_delete(weft_store *store, weft_uuid id, struct weft__journal *journal)
{
	struct weft__lock *stripe = stripe_of(store, id);
	struct weft__shard *shard;
	struct weft__record *r;

	weft__lock_take(stripe);
	shard = weft__map_lock(&store->memories, id);
	r = weft__shard_remove(shard, id);
	if (r) {
		pthread_rwlock_wrlock(&r->room->lock);
		weft__history_remove(r->room->histories[r->m.type], r);
		weft__journal_push(store, journal);
		pthread_rwlock_unlock(&r->room->lock);
	}
	weft__map_unlock(shard);
	if (r && r->m.embedding_dims) {
		weft__recall_delete(store, r->m.agent_id, id);
		weft__fetch_sub_relaxed(&store->embeddings, 1u); /* relaxed: statistics */
	}
	weft__lock_give(stripe);
	if (r)
		weft__usage_refund(store, r);
	record_free(r);
	return r ? 0 : -ENOENT;
}

int weft_store_delete(weft_store *store, weft_uuid id)
{
	weft_change change = { .kind = WEFT_CHANGE_DELETE, .memory = { .id = id } };
	struct weft__journal journal;
	int r;

	if (!store)
		return -EINVAL;
	r = weft__journal_begin(store, &change, &journal);
	return r < 0 ? r : weft__journal_end(store, &journal, record_delete(store, id, &journal));
}

int weft__store_delete_later(weft_store *store, weft_uuid id, uint64_t *position)
{
	weft_change change = { .kind = WEFT_CHANGE_DELETE, .memory = { .id = id } };
	struct weft__journal journal;
	int r = weft__journal_begin(store, &change, &journal);

	return r < 0 ? r : weft__journal_end_later(store, &journal, record_delete(store, id, &journal), position);
}

/* ---- embeddings ------------------------------------------------------------------------- */

/* All embeddings of a store have as many dimensions as the first. */
static bool dims_agree(weft_store *store, uint32_t dims)
{
	uint32_t none = 0;

	return weft__cas_acq_rel(&store->dims, &none, dims) || none == dims;
}

/* It is there, and stays while its stripe is held: what its row in the index is made of. */
static int record_look(weft_store *store, weft_uuid id, weft_memory *ret_head, struct weft__room **ret_room,
                       struct weft__account **ret_account)
{
	struct weft__shard *shard = weft__map_lock(&store->memories, id);
	const struct weft__record *r = weft__shard_find(shard, id);

	if (r) {
		*ret_head = r->m;
		*ret_room = r->room;
		*ret_account = r->account;
	}
	weft__map_unlock(shard);
	return r ? 0 : -ENOENT;
}

/* From now on the memory says that it has one, of so many bytes more than before, and so does the log. */
static void mark_embedded(weft_store *store, weft_uuid id, uint32_t dims, uint32_t bytes, struct weft__journal *journal)
{
	struct weft__shard *shard = weft__map_lock(&store->memories, id);
	struct weft__record *r = weft__shard_find(shard, id);

	pthread_rwlock_wrlock(&r->room->lock);
	if (!r->m.embedding_dims) {
		weft__fetch_add_relaxed(&store->embeddings, 1u); /* relaxed: statistics */
		r->room->histories[r->m.type]->embedded++;
	}
	r->m.embedding_dims = dims;
	r->bytes += bytes;
	r->room->histories[r->m.type]->bytes += bytes;
	weft__journal_push(store, journal);
	pthread_rwlock_unlock(&r->room->lock);
	weft__map_unlock(shard);
}

int weft_store_set_embedding(weft_store *store, weft_uuid id, const float *embedding, uint32_t dims)
{
	weft_change change = { .kind = WEFT_CHANGE_EMBEDDING,
		               .memory = { .id = id, .embedding = embedding, .embedding_dims = dims } };
	struct weft__account *account;
	struct weft__journal journal;
	struct weft__room *room;
	struct weft__lock *stripe;
	weft_memory m = { .embedding_dims = 0 };
	uint32_t bytes;
	int status;

	if (!store || !embedding || !weft__recall_accepts(store, embedding, dims))
		return -EINVAL;
	status = weft__journal_begin(store, &change, &journal);
	if (status < 0)
		return status;
	stripe = stripe_of(store, id);
	weft__lock_take(stripe);
	status = record_look(store, id, &m, &room, &account);
	if (status == 0 && !dims_agree(store, dims))
		status = -EINVAL;
	bytes = m.embedding_dims ? 0 : dims * (uint32_t)sizeof(*embedding);
	if (status == 0)
		status = weft__usage_charge_bytes(store, account, bytes);
	if (status == 0) {
		status = weft__recall_put(store, room, &m, embedding, dims);
		if (status == 0)
			mark_embedded(store, id, dims, bytes, &journal);
		else
			weft__usage_refund_bytes(store, account, bytes);
	}
	weft__lock_give(stripe);
	if (status == 0)
		weft__limits_enforce(store, room, m.type);
	return weft__journal_end(store, &journal, status);
}

/* ---- histories ------------------------------------------------------------------------------ */

uint64_t weft_store_count_embedded(weft_store *store, weft_uuid room_id, weft_memory_type type)
{
	struct weft__room *room;
	uint64_t n;

	if (!store || (unsigned)type >= WEFT_MEMORY_TYPE_COUNT)
		return 0;
	room = weft__room_get(store, room_id, false);
	if (!room)
		return 0;
	pthread_rwlock_rdlock(&room->lock);
	n = room->histories[type] ? room->histories[type]->embedded : 0;
	pthread_rwlock_unlock(&room->lock);
	return n;
}

uint64_t weft_store_count(weft_store *store, weft_uuid room_id, weft_memory_type type)
{
	struct weft__room *room;
	uint64_t n;

	if (!store || (unsigned)type >= WEFT_MEMORY_TYPE_COUNT)
		return 0;
	room = weft__room_get(store, room_id, false);
	if (!room)
		return 0;
	pthread_rwlock_rdlock(&room->lock);
	n = weft__history_live(room->histories[type]);
	pthread_rwlock_unlock(&room->lock);
	return n;
}

int weft_store_visit_recent(weft_store *store, weft_uuid room_id, weft_memory_type type, uint32_t skip, uint32_t k,
                            weft_memory_visitor fn, void *user)
{
	struct weft__room *room;
	uint32_t n;

	if (!store || !fn || (unsigned)type >= WEFT_MEMORY_TYPE_COUNT)
		return -EINVAL;
	room = weft__room_get(store, room_id, false);
	if (!room)
		return 0;
	pthread_rwlock_rdlock(&room->lock);
	n = weft__history_recent(room->histories[type], skip, k, fn, user);
	pthread_rwlock_unlock(&room->lock);
	return (int)n;
}

int weft_store_visit_between(weft_store *store, weft_uuid room_id, weft_memory_type type, int64_t from_ms, int64_t to_ms,
                             uint32_t k, weft_memory_visitor fn, void *user)
{
	struct weft__room *room;
	uint32_t n;

	if (!store || !fn || (unsigned)type >= WEFT_MEMORY_TYPE_COUNT)
		return -EINVAL;
	room = weft__room_get(store, room_id, false);
	if (!room || from_ms > to_ms)
		return 0;
	pthread_rwlock_rdlock(&room->lock);
	n = weft__history_between(room->histories[type], from_ms, to_ms, k, fn, user);
	pthread_rwlock_unlock(&room->lock);
	return (int)n;
}

struct copying {
	weft_store *store;
	weft_arena *arena;
	weft_memory *list;
	uint32_t count;
	int status;
};

static bool copy_visitor(const weft_memory *memory, void *user)
{
	struct copying *c = user;

	c->status = memory_copy(c->store, memory, c->arena, &c->list[c->count]);
	if (c->status < 0)
		return false;
	c->count++;
	return true;
}

int weft_store_recent(weft_store *store, weft_uuid room_id, weft_memory_type type, uint32_t skip, uint32_t k,
                      weft_arena *arena, weft_memory **ret_memories)
{
	struct copying c = { .store = store, .arena = arena };
	uint64_t there;
	int r;

	if (!store || !arena || !ret_memories)
		return -EINVAL;
	there = weft_store_count(store, room_id, type);
	if (k > there)
		k = (uint32_t)there;
	c.list = weft_arena_alloc(arena, (k + 1) * sizeof(*c.list));
	if (!c.list)
		return -ENOMEM;
	r = weft_store_visit_recent(store, room_id, type, skip, k, copy_visitor, &c);
	if (r < 0 || c.status < 0)
		return r < 0 ? r : c.status;
	*ret_memories = c.list;
	return (int)c.count;
}

int weft_store_stats_read(weft_store *store, weft_store_stats *ret_stats)
{
	if (!store || !ret_stats || ret_stats->size != sizeof(*ret_stats))
		return -EINVAL;
	/* relaxed: a snapshot */
	*ret_stats = (weft_store_stats){ .size = sizeof(*ret_stats),
		                         .worlds = weft__map_count(&store->worlds),
		                         .rooms = weft__map_count(&store->rooms),
		                         .entities = weft__map_count(&store->entities),
		                         .memories = weft__map_count(&store->memories),
		                         .embeddings = weft__load_relaxed(&store->embeddings),
		                         .bytes = weft__load_relaxed(&store->bytes),
		                         .relationships = weft__load_relaxed(&store->relationships),
		                         .tasks = weft__map_count(&store->tasks),
		                         .evicted = weft__load_relaxed(&store->evicted),
		                         .refused = weft__load_relaxed(&store->refused) };
	return 0;
}
