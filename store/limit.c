/* SPDX-License-Identifier: Apache-2.0 */
/*
 * store/limit.c - what a room keeps: so many memories of a type, so many bytes, for so long.
 *
 * After an add the oldest of that history goes while it is over a limit. It is picked under the room's lock and
 * deleted by its id without it, since a memory's shard comes before its room in the lock order. Two threads may pick the same
 * one; it goes once, and both look again, so that nothing that is within the limits is evicted by a race between them.
 */
#include <errno.h>
#include <limits.h>

#include "runtime/base/clock.h"
#include "store/journal.h"
#include "store/store.h"

#define EXPIRED_AT_ONCE 128u

/* ---- setting ----------------------------------------------------------------------------- */

static void limits_store(struct weft__limits *to, const weft_limits *from)
{
	/* relaxed: each is a bound by itself */
	weft__store_relaxed(&to->memories_max, from->memories_max);
	weft__store_relaxed(&to->bytes_max, from->bytes_max);
	weft__store_relaxed(&to->age_max_ms, from->age_max_ms);
}

/* The room's own, made at the first call. */
static struct weft__limits *room_limits(struct weft__room *room)
{
	struct weft__limits *limits;

	pthread_rwlock_wrlock(&room->lock);
	limits = weft__load_relaxed(&room->limits); /* relaxed: set under this lock only */
	if (!limits) {
		limits = weft_calloc(WEFT_MEMORY_TYPE_COUNT, sizeof(*limits));
		/* release -> acquire in limits_of: publishes the zeroes */
		weft__store_release(&room->limits, limits);
	}
	pthread_rwlock_unlock(&room->lock);
	return limits;
}

static int set_limits(weft_store *store, weft_uuid room_id, bool create, weft_memory_type type, const weft_limits *limits)
{
	weft_change change = { .kind = WEFT_CHANGE_LIMITS, .limit = { room_id, type, *limits } };
	struct weft__limits *to = store->limits;
	struct weft__journal journal;
	int r;

	if (!weft_uuid_is_nil(room_id)) {
		struct weft__room *room = weft__room_get(store, room_id, create);

		if (!room)
			return create ? -ENOMEM : -ENOENT;
		to = room_limits(room);
		if (!to)
			return -ENOMEM;
	}
	r = weft__journal_begin(store, &change, &journal);
	if (r < 0)
		return r;
	weft__lock_take(&store->settings);
	limits_store(&to[type], limits);
	weft__journal_push(store, &journal);
	weft__lock_give(&store->settings);
	return weft__journal_end(store, &journal, 0);
}

int weft_store_set_limits(weft_store *store, weft_uuid room_id, weft_memory_type type, const weft_limits *limits)
{
	if (!store || !limits || (unsigned)type >= WEFT_MEMORY_TYPE_COUNT)
		return -EINVAL;
	return set_limits(store, room_id, false, type, limits);
}

int weft__limits_apply(weft_store *store, weft_uuid room_id, weft_memory_type type, const weft_limits *limits)
{
	return set_limits(store, room_id, true, type, limits);
}

static bool visit_one(const struct weft__limits *from, weft_uuid room_id, weft_memory_type type, weft_change_visitor fn,
                      void *user)
{
	/* relaxed: each is a bound by itself; whoever sets one meanwhile has it in the log */
	weft_change c = { .kind = WEFT_CHANGE_LIMITS,
		          .limit = { room_id, type,
		                     { .memories_max = weft__load_relaxed(&from->memories_max),
		                       .bytes_max = weft__load_relaxed(&from->bytes_max),
		                       .age_max_ms = weft__load_relaxed(&from->age_max_ms) } } };
	const weft_limits *l = &c.limit.limits;

	return (!l->memories_max && !l->bytes_max && !l->age_max_ms) || fn(&c, user);
}

bool weft__limits_visit(const weft_store *store, const struct weft__room *room, weft_change_visitor fn, void *user)
{
	const struct weft__limits *from = room ? weft__load_acquire(&room->limits) : store->limits;
	bool goes_on = true;

	for (int type = 0; from && type < WEFT_MEMORY_TYPE_COUNT && goes_on; type++)
		goes_on = visit_one(&from[type], room ? room->id : (weft_uuid){ { 0 } }, (weft_memory_type)type, fn, user);
	return goes_on;
}

/* ---- enforcing ----------------------------------------------------------------------------- */

static uint64_t one_limit(const _Atomic(uint64_t) *own, const _Atomic(uint64_t) *common)
{
	uint64_t limit = own ? weft__load_relaxed(own) : 0; /* relaxed: each is a bound by itself */

	limit = limit ? limit : weft__load_relaxed(common);
	return limit ? limit : WEFT_LIMIT_NONE;
}

/* What holds for a room and type; WEFT_LIMIT_NONE where nothing does. */
static weft_limits limits_of(weft_store *store, struct weft__room *room, weft_memory_type type)
{
	const struct weft__limits *own = weft__load_acquire(&room->limits), *common = &store->limits[type];

	own = own ? &own[type] : NULL;
	return (weft_limits){
		.memories_max = one_limit(own ? &own->memories_max : NULL, &common->memories_max),
		.bytes_max = one_limit(own ? &own->bytes_max : NULL, &common->bytes_max),
		.age_max_ms = one_limit(own ? &own->age_max_ms : NULL, &common->age_max_ms),
	};
}

static bool is_any(const weft_limits *l)
{
	return l->memories_max != WEFT_LIMIT_NONE || l->bytes_max != WEFT_LIMIT_NONE || l->age_max_ms != WEFT_LIMIT_NONE;
}

/* What was created before it is too old. */
static int64_t too_old(const weft_limits *l, int64_t now_ms)
{
	uint64_t past = (uint64_t)now_ms - (uint64_t)INT64_MIN; /* how far back time goes */

	return l->age_max_ms >= past ? INT64_MIN : (int64_t)((uint64_t)now_ms - l->age_max_ms);
}

/* The next to go, if one has to. */
static bool pick(struct weft__room *room, weft_memory_type type, const weft_limits *l, int64_t now_ms, weft_uuid *ret)
{
	const struct weft__history *h;
	const struct weft__record *oldest;
	bool over;

	pthread_rwlock_rdlock(&room->lock);
	h = room->histories[type];
	oldest = weft__history_oldest(h);
	over = oldest && ((h->live > 1 && (h->live > l->memories_max || h->bytes > l->bytes_max)) ||
	                  oldest->m.created_ms < too_old(l, now_ms));
	if (over)
		*ret = oldest->m.id;
	pthread_rwlock_unlock(&room->lock);
	return over;
}

/* Somebody else may have been faster: then nothing was evicted here. */
static int evict(weft_store *store, weft_uuid id, uint64_t *position)
{
	int r = weft__store_delete_later(store, id, position);

	if (r == 0)
		weft__fetch_add_relaxed(&store->evicted, 1u); /* relaxed: statistics */
	return r == -ENOENT ? 0 : r < 0 ? r : 1;
}

/* How many were evicted; or why one was not. */
static int64_t enforce(weft_store *store, struct weft__room *room, weft_memory_type type, const weft_limits *l,
                       int64_t now_ms, uint64_t *position)
{
	int64_t count = 0;
	weft_uuid id;

	while (pick(room, type, l, now_ms, &id)) {
		int r = evict(store, id, position);

		if (r < 0)
			return r;
		count += r;
	}
	return count;
}

void weft__limits_enforce(weft_store *store, struct weft__room *room, weft_memory_type type)
{
	weft_limits l = limits_of(store, room, type);
	uint64_t position = 0; /* nobody waits for it: what comes back after a loss of power goes with the next add */

	if (is_any(&l) && !store->opening)
		(void)enforce(store, room, type, &l, l.age_max_ms == WEFT_LIMIT_NONE ? 0 : weft_wall_ms(), &position);
}

/* ---- the sweep --------------------------------------------------------------------------------- */

/* Also the old ones behind younger ones. */
static int64_t expire_old(weft_store *store, struct weft__room *room, weft_memory_type type, int64_t before_ms,
                          uint64_t *position)
{
	weft_uuid ids[EXPIRED_AT_ONCE];
	int64_t count = 0;
	uint32_t n;

	do {
		pthread_rwlock_rdlock(&room->lock);
		n = weft__history_before(room->histories[type], before_ms, EXPIRED_AT_ONCE, ids);
		pthread_rwlock_unlock(&room->lock);
		for (uint32_t i = 0; i < n; i++) {
			int r = evict(store, ids[i], position);

			if (r < 0)
				return r;
			count += r;
		}
	} while (n == EXPIRED_AT_ONCE);
	return count;
}

static int64_t expire_room(weft_store *store, struct weft__room *room, int64_t now_ms, uint64_t *position)
{
	int64_t count = 0;

	for (int type = 0; type < WEFT_MEMORY_TYPE_COUNT; type++) {
		weft_limits l = limits_of(store, room, (weft_memory_type)type);
		int64_t n = is_any(&l) ? enforce(store, room, (weft_memory_type)type, &l, now_ms, position) : 0;

		if (n >= 0 && l.age_max_ms != WEFT_LIMIT_NONE) {
			count += n;
			n = expire_old(store, room, (weft_memory_type)type, too_old(&l, now_ms), position);
		}
		if (n < 0)
			return n;
		count += n;
	}
	return count;
}

int weft_store_expire(weft_store *store, int64_t now_ms)
{
	struct weft__room **rooms = NULL;
	size_t room_count = 0;
	int64_t count = 0, n = 0;
	uint64_t position = 0;
	int r;

	if (!store)
		return -EINVAL;
	r = weft__rooms_list(store, &rooms, &room_count);
	if (r < 0)
		return r;
	for (size_t i = 0; i < room_count && n >= 0; i++) {
		n = expire_room(store, rooms[i], now_ms, &position);
		count += n > 0 ? n : 0;
	}
	weft_free(rooms);
	r = weft__journal_wait(store, position); /* once for all of them */
	if (n >= 0 && r < 0)
		return r;
	return n < 0 ? (int)n : count > INT_MAX ? INT_MAX : (int)count;
}
