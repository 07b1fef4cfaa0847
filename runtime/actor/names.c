/* SPDX-License-Identifier: Apache-2.0 */
/*
 * runtime/actor/names.c - actors by name.
 *
 * Tables of WEFT__NAME_SHARDS, each under a lock of its own; a name is held for as long as its actor lives. The
 * end is told by a monitor whose answer is a call (weft_actor_monitor): exactly one comes for each entry, and it
 * frees the entry. Until it has come an entry may name a dead actor; it is not found then, and its name is free.
 *
 *     listed --unregister, another one takes the name--> not listed --DOWN--> freed
 *       \--DOWN--> freed
 *
 * Tests: tests/api/test_supervisor.c.
 */
#include <weft/supervisor.h>

#include <errno.h>
#include <string.h>

#include <weft/alloc.h>

#include "runtime/actor/core.h"
#include "runtime/base/hash.h"

#define ROOM_FIRST 16u

struct weft__name {
	struct weft__name *next; /* in its bucket */
	struct weft__names *shard;
	uint64_t hash;
	weft_ref actor;
	bool listed; /* under the shard's lock */
	char text[WEFT_NAME_BYTES];
};

void weft__names_init(struct weft_runtime *rt)
{
	for (uint32_t i = 0; i < WEFT__NAME_SHARDS; i++)
		pthread_mutex_init(&rt->names[i].lock, NULL);
}

void weft__names_fini(struct weft_runtime *rt)
{
	for (uint32_t i = 0; i < WEFT__NAME_SHARDS; i++) {
		WEFT_ASSERT(!rt->names[i].count);
		weft_free(rt->names[i].buckets);
		pthread_mutex_destroy(&rt->names[i].lock);
	}
}

/* False: no name. */
static bool hash_of(const char *name, uint64_t *ret_hash)
{
	uint64_t hash = 0;
	size_t len_bytes = name ? strnlen(name, WEFT_NAME_BYTES) : 0;

	if (!len_bytes || len_bytes == WEFT_NAME_BYTES)
		return false;
	for (size_t i = 0; i < len_bytes; i++)
		hash = weft__mix2(hash, (unsigned char)name[i]);
	*ret_hash = hash;
	return true;
}

static struct weft__names *shard_of(weft_runtime *rt, uint64_t hash)
{
	return &rt->names[hash % WEFT__NAME_SHARDS];
}

static struct weft__name **bucket_of(struct weft__names *shard, uint64_t hash)
{
	return &shard->buckets[(hash / WEFT__NAME_SHARDS) & (shard->room - 1)];
}

/* Where the entry hangs, or where a new one would; NULL: no table yet. */
static struct weft__name **find_locked(struct weft__names *shard, const char *name, uint64_t hash)
{
	struct weft__name **at;

	if (!shard->room)
		return NULL;
	at = bucket_of(shard, hash);
	while (*at && ((*at)->hash != hash || strcmp((*at)->text, name) != 0))
		at = &(*at)->next;
	return at;
}

static void unlist_locked(struct weft__names *shard, struct weft__name **at)
{
	(*at)->listed = false;
	*at = (*at)->next;
	shard->count--;
}

/* Room for one more, if there is memory; a full table works, too, but there must be one. */
static bool grow_locked(struct weft__names *shard)
{
	struct weft__names more = { .room = shard->room ? 2 * shard->room : ROOM_FIRST };

	if (shard->count < shard->room)
		return true;
	more.buckets = weft_calloc(more.room, sizeof(struct weft__name *));
	if (!more.buckets)
		return shard->room != 0;
	for (uint32_t i = 0; i < shard->room; i++) {
		struct weft__name *e, *next;

		for (e = shard->buckets[i]; e; e = next) {
			struct weft__name **at = bucket_of(&more, e->hash);

			next = e->next;
			e->next = *at;
			*at = e;
		}
	}
	weft_free(shard->buckets);
	shard->buckets = more.buckets;
	shard->room = more.room;
	return true;
}

/* The actor ended, or was unregistered: the entry's last moment. On any thread. */
static void down(weft_msg *msg, void *user)
{
	struct weft__name *e = user;
	struct weft__names *shard = e->shard;

	pthread_mutex_lock(&shard->lock);
	if (e->listed) {
		struct weft__name **at = bucket_of(shard, e->hash);

		while (*at != e)
			at = &(*at)->next;
		unlist_locked(shard, at);
	}
	pthread_mutex_unlock(&shard->lock);
	weft_free(e);
	weft_msg_destroy(msg);
}

/* The monitor is armed under the lock: its answer comes when the entry is in the table. */
static int enter_locked(struct weft__names *shard, struct weft__name *e)
{
	struct weft__name **at;
	int r;

	if (!grow_locked(shard))
		return -ENOMEM;
	at = find_locked(shard, e->text, e->hash);
	if (*at && weft_actor_is_alive((*at)->actor))
		return -EEXIST;
	r = weft_actor_monitor(e->actor, weft_reply_to_call(down, e));
	if (r < 0)
		return r;
	if (*at)
		unlist_locked(shard, at);
	at = bucket_of(shard, e->hash);
	e->next = *at;
	*at = e;
	e->listed = true;
	shard->count++;
	return 0;
}

int weft_name_register(weft_runtime *rt, const char *name, weft_ref actor)
{
	struct weft__name *e;
	uint64_t hash;
	int r;

	WEFT_RETURN_IF(!rt || !hash_of(name, &hash), -EINVAL);
	WEFT_RETURN_IF(!actor.id || weft__ref_slot(actor) != rt->slot, -EINVAL);
	e = weft_calloc(1, sizeof(*e));
	if (!e)
		return -ENOMEM;
	*e = (struct weft__name){ .shard = shard_of(rt, hash), .hash = hash, .actor = actor };
	memcpy(e->text, name, strlen(name) + 1);
	pthread_mutex_lock(&e->shard->lock);
	r = enter_locked(e->shard, e);
	pthread_mutex_unlock(&shard_of(rt, hash)->lock); /* e may be gone */
	if (r < 0)
		weft_free(e);
	return r;
}

int weft_name_unregister(weft_runtime *rt, const char *name)
{
	struct weft__names *shard;
	struct weft__name **at, *e = NULL;
	weft_ref actor = { 0 };
	uint64_t hash;

	WEFT_RETURN_IF(!rt || !hash_of(name, &hash), -EINVAL);
	shard = shard_of(rt, hash);
	pthread_mutex_lock(&shard->lock);
	at = find_locked(shard, name, hash);
	if (at && *at) {
		e = *at;
		actor = e->actor;
		unlist_locked(shard, at);
	}
	pthread_mutex_unlock(&shard->lock);
	if (!e)
		return -ENOENT;
	(void)weft_actor_demonitor(actor, weft_reply_to_call(down, e)); /* no memory: the entry goes with the actor */
	return 0;
}

int weft_name_find(weft_runtime *rt, const char *name, weft_ref *ret_actor)
{
	struct weft__names *shard;
	struct weft__name **at;
	weft_ref actor = { 0 };
	uint64_t hash;

	WEFT_RETURN_IF(!rt || !ret_actor || !hash_of(name, &hash), -EINVAL);
	shard = shard_of(rt, hash);
	pthread_mutex_lock(&shard->lock);
	at = find_locked(shard, name, hash);
	if (at && *at)
		actor = (*at)->actor;
	pthread_mutex_unlock(&shard->lock);
	if (!actor.id || !weft_actor_is_alive(actor))
		return -ENOENT;
	*ret_actor = actor;
	return 0;
}
