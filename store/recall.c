/* SPDX-License-Identifier: Apache-2.0 */
/* store/recall.c - see recall.h. */
#include "store/recall.h"

#include <errno.h>
#include <math.h>
#include <string.h>

#include "simd/simd.h"

/* ---- partitions --------------------------------------------------------------------- */

void weft__partition_free(void *partition)
{
	struct weft__partition *p = partition;

	weft_index_unref(p->index);
	weft_free(p);
}

/* index: NULL, then a new one is made. */
static struct weft__partition *partition_make(weft_uuid agent_id, uint32_t dims, weft_index *index)
{
	weft_index_options opt = WEFT_INDEX_OPTIONS_INIT;
	struct weft__partition *p = weft_calloc(1, sizeof(*p));

	if (!p)
		return NULL;
	p->agent_id = agent_id;
	p->index = index;
	opt.dims = dims;
	if (!index && weft_index_create(&opt, &p->index) < 0) {
		weft_free(p);
		return NULL;
	}
	return p;
}

/* For who looks everywhere. */
static void publish(weft_store *store, struct weft__partition *p)
{
	p->next = weft__load_acquire(&store->partitions);
	while (!weft__cas_weak_acq_rel(&store->partitions, &p->next, p)) /* release -> acquire in search_everywhere */
		;
}

struct weft__partition *weft__partition_get(weft_store *store, weft_uuid agent_id, uint32_t dims, bool create)
{
	struct weft__shard *shard = weft__map_lock(&store->agents, agent_id);
	struct weft__partition *p = weft__shard_find(shard, agent_id);

	if (!p && create) {
		p = partition_make(agent_id, dims, NULL);
		if (p && weft__shard_insert(shard, p) < 0) {
			weft__partition_free(p);
			p = NULL;
		}
		if (p)
			publish(store, p);
	}
	weft__map_unlock(shard);
	return p;
}

bool weft__partition_adopt(weft_store *store, weft_uuid agent_id, weft_index *index)
{
	weft_index_stats stats = WEFT_INDEX_STATS_INIT;
	uint32_t dims = weft__load_relaxed(&store->dims); /* relaxed: nobody else knows the store yet */
	struct weft__shard *shard;
	struct weft__partition *p;

	weft_index_stats_read(index, &stats);
	if (dims && dims != stats.dims)
		return false;
	p = partition_make(agent_id, stats.dims, index);
	if (!p)
		return false;
	shard = weft__map_lock(&store->agents, agent_id);
	if (weft__shard_find(shard, agent_id) || weft__shard_insert(shard, p) < 0) {
		weft__map_unlock(shard);
		weft_free(p);
		return false;
	}
	publish(store, p);
	weft__map_unlock(shard);
	weft__store_relaxed(&store->dims, stats.dims); /* relaxed: as above */
	return true;
}

/* ---- rows ------------------------------------------------------------------------------ */

/* Nothing is removed from the list: at worst a search looks at an agent that remembers nothing of the room any more. */
static int room_remembers(struct weft__room *room, struct weft__partition *p)
{
	struct weft__partition **more;
	int r = 0;

	pthread_rwlock_wrlock(&room->lock);
	for (uint32_t i = 0; i < room->partition_count; i++) {
		if (room->partitions[i] == p)
			goto out;
	}
	more = weft_realloc(room->partitions, (room->partition_count + 1) * sizeof(*more));
	if (more) {
		room->partitions = more;
		room->partitions[room->partition_count++] = p;
	} else {
		r = -ENOMEM;
	}
out:
	pthread_rwlock_unlock(&room->lock);
	return r;
}

int weft__recall_put(weft_store *store, struct weft__room *room, const weft_memory *memory, const float *v, uint32_t dims)
{
	struct weft__partition *p = weft__partition_get(store, memory->agent_id, dims, true);
	weft_index_attrs attrs = { .room = weft_uuid_hash(memory->room_id),
		                   .entity = weft_uuid_hash(memory->entity_id),
		                   .time_ms = memory->created_ms,
		                   .type = memory->type };

	if (!p || room_remembers(room, p) < 0)
		return -ENOMEM;
	return weft_index_put(p->index, weft__recall_key(memory->id), v, &attrs);
}

void weft__recall_delete(weft_store *store, weft_uuid agent_id, weft_uuid memory_id)
{
	struct weft__partition *p = weft__partition_get(store, agent_id, 0, false);

	if (p)
		weft_index_delete(p->index, weft__recall_key(memory_id));
}

int weft__recall_get(weft_store *store, weft_uuid agent_id, weft_uuid memory_id, float *ret_v)
{
	struct weft__partition *p = weft__partition_get(store, agent_id, 0, false);

	return p ? weft_index_get(p->index, weft__recall_key(memory_id), ret_v, NULL) : -ENOENT;
}

/* ---- searching ----------------------------------------------------------------------------- */

struct recall {
	weft_store *store;
	const weft_recall *what;
	const float *query;
	uint32_t k, count;
	weft_search_hit *best;   /* the caller's: best first */
	weft_index_hit *found;   /* k of one partition; ours */
	weft_index_query opt;
	weft_index_filter filter;
};

/* Its id, when the memory is still there and is what was asked for. */
static bool resolve(struct recall *rc, uint64_t key, weft_uuid *ret_id)
{
	struct weft__shard *shard = weft__map_lock_key(&rc->store->memories, key);
	const struct weft__record *r = weft__shard_find_key(shard, key);
	bool right = r && (weft_uuid_is_nil(rc->what->room_id) || weft_uuid_eq(r->m.room_id, rc->what->room_id)) &&
	             (weft_uuid_is_nil(rc->what->entity_id) || weft_uuid_eq(r->m.entity_id, rc->what->entity_id));

	if (right)
		*ret_id = r->m.id;
	weft__map_unlock(shard);
	return right;
}

static void offer(struct recall *rc, weft_search_hit hit)
{
	uint32_t at;

	if (rc->count == rc->k && hit.score <= rc->best[rc->k - 1].score)
		return;
	at = rc->count < rc->k ? rc->count++ : rc->k - 1;
	for (; at && rc->best[at - 1].score < hit.score; at--)
		rc->best[at] = rc->best[at - 1];
	rc->best[at] = hit;
}

static int search_partition(struct recall *rc, const struct weft__partition *p)
{
	int n = weft_index_search(p->index, rc->query, rc->k, &rc->opt, rc->found);

	for (int i = 0; i < n; i++) {
		weft_search_hit hit = { .score = rc->found[i].score };

		if (resolve(rc, rc->found[i].id, &hit.id))
			offer(rc, hit);
	}
	return n < 0 ? n : 0;
}

/* Who remembers something of the room. The list only grows; it is copied, so that nobody waits for us. */
static int search_room(struct recall *rc)
{
	struct weft__room *room = weft__room_get(rc->store, rc->what->room_id, false);
	struct weft__partition *few[8], **list = few;
	uint32_t n;
	int r = 0;

	if (!room)
		return 0;
	pthread_rwlock_rdlock(&room->lock);
	n = room->partition_count;
	if (n > 8)
		list = weft_malloc(n * sizeof(*list));
	if (n && list)
		memcpy(list, room->partitions, n * sizeof(*list));
	pthread_rwlock_unlock(&room->lock);
	if (!list)
		return -ENOMEM;
	for (uint32_t i = 0; r == 0 && i < n; i++)
		r = search_partition(rc, list[i]);
	if (list != few)
		weft_free(list);
	return r;
}

static int search_everywhere(struct recall *rc)
{
	int r = 0;

	/* acquire -> release in partition_get: what it points to; next is constant */
	for (const struct weft__partition *p = weft__load_acquire(&rc->store->partitions); r == 0 && p; p = p->next)
		r = search_partition(rc, p);
	return r;
}

static int search_agent(struct recall *rc)
{
	const struct weft__partition *p = weft__partition_get(rc->store, rc->what->agent_id, 0, false);

	return p ? search_partition(rc, p) : 0;
}

/* Does it point anywhere? */
static bool has_direction(const float *v, uint32_t dims)
{
	float largest = weft__simd()->largest_f32(v, dims); /* NaN or Inf where there is one */

	return isfinite(largest) && largest > 0;
}

bool weft__recall_accepts(weft_store *store, const float *v, uint32_t dims)
{
	/* acquire: nothing hangs on it but the number */
	uint32_t have = weft__load_acquire(&store->dims);

	return dims && dims <= WEFT_INDEX_DIMS_MAX && (!have || have == dims) && has_direction(v, dims);
}

static void filter_for(const weft_recall *what, weft_index_filter *f)
{
	if (!weft_uuid_is_nil(what->room_id)) {
		f->fields |= WEFT_INDEX_BY_ROOM;
		f->room = weft_uuid_hash(what->room_id);
	}
	if (!weft_uuid_is_nil(what->entity_id)) {
		f->fields |= WEFT_INDEX_BY_ENTITY;
		f->entity = weft_uuid_hash(what->entity_id);
	}
	if (what->types) {
		f->fields |= WEFT_INDEX_BY_TYPE;
		f->types = what->types;
	}
	if (what->from_ms || what->to_ms) {
		f->fields |= WEFT_INDEX_BY_TIME;
		f->time_min_ms = what->from_ms;
		f->time_max_ms = what->to_ms ? what->to_ms : INT64_MAX;
	}
}

int weft_store_recall(weft_store *store, const weft_recall *what, const float *query, uint32_t dims, uint32_t k,
                      weft_search_hit *ret_hits)
{
	struct recall rc = { .store = store, .what = what, .query = query, .best = ret_hits };
	uint64_t there;
	int r;

	if (!store || !what || what->size != sizeof(*what) || !query || !ret_hits || !(what->recall >= 0 && what->recall <= 1))
		return -EINVAL;
	if (!weft__recall_accepts(store, query, dims))
		return -EINVAL;
	there = weft__load_relaxed(&store->embeddings); /* relaxed: at most so many can be found */
	rc.k = k < there ? k : (uint32_t)there;
	if (!rc.k)
		return 0;
	rc.found = weft_malloc(rc.k * sizeof(*rc.found));
	if (!rc.found)
		return -ENOMEM;
	rc.opt = (weft_index_query)WEFT_INDEX_QUERY_INIT;
	rc.opt.recall = what->recall;
	rc.opt.filter = &rc.filter;
	filter_for(what, &rc.filter);
	if (!weft_uuid_is_nil(what->agent_id))
		r = search_agent(&rc);
	else if (!weft_uuid_is_nil(what->room_id))
		r = search_room(&rc);
	else
		r = search_everywhere(&rc);
	weft_free(rc.found);
	return r < 0 ? r : (int)rc.count;
}

int weft_store_search(weft_store *store, weft_uuid room_id, weft_memory_type type, const float *query, uint32_t dims,
                      uint32_t k, weft_search_hit *ret_hits)
{
	weft_recall what = WEFT_RECALL_INIT;

	if ((unsigned)type >= WEFT_MEMORY_TYPE_COUNT || weft_uuid_is_nil(room_id))
		return -EINVAL;
	what.room_id = room_id;
	what.types = 1u << type;
	return weft_store_recall(store, &what, query, dims, k, ret_hits);
}
