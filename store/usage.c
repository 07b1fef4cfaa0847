/* SPDX-License-Identifier: Apache-2.0 */
/*
 * store/usage.c - what rooms and agents hold, and the quotas of agents.
 *
 * A record is counted in three places: its history's live and bytes, under the room's lock; its agent's
 * memories and bytes, which are counters, since an agent's memories lie in many rooms; and the
 * store's. A quota is a bound that a counter is never moved over: charging is a compare and exchange of the sum, done
 * before the record is put in, and undone when that fails.
 */
#include <errno.h>
#include <inttypes.h>

#include "store/journal.h"
#include "store/store.h"

static struct weft__account *account_get(weft_store *store, weft_uuid id, bool create)
{
	struct weft__shard *shard;
	struct weft__account *account;

	if (weft_uuid_is_nil(id))
		return &store->nobody;
	shard = weft__map_lock(&store->accounts, id);
	account = weft__shard_find(shard, id);
	if (!account && create) {
		account = weft_calloc(1, sizeof(*account));
		if (account) {
			account->id = id;
			if (weft__shard_insert(shard, account) < 0) {
				weft_free(account);
				account = NULL;
			}
		}
	}
	weft__map_unlock(shard);
	return account;
}

/* ---- charging ---------------------------------------------------------------------------- */

/*
 * relaxed loads: the sums order nothing, and the compare and exchange alone keeps them under max. What a log holds was within
 * its quota once, or came before it.
 */
static bool charge(const weft_store *store, _Atomic(uint64_t) *sum, uint64_t n, const _Atomic(uint64_t) *max)
{
	uint64_t limit = store->opening ? 0 : weft__load_relaxed(max), held;

	if (!limit || !n) {
		weft__fetch_add_relaxed(sum, n);
		return true;
	}
	held = weft__load_relaxed(sum);
	do {
		if (held > limit || n > limit - held)
			return false;
	} while (!weft__cas_weak_acq_rel(sum, &held, held + n));
	return true;
}

static int refuse(weft_store *store, _Atomic(uint64_t) *reason)
{
	/* relaxed: statistics */
	weft__fetch_add_relaxed(reason, 1u);
	weft__fetch_add_relaxed(&store->refused, 1u);
	return -EDQUOT;
}

int weft__usage_charge_bytes(weft_store *store, struct weft__account *account, uint64_t bytes)
{
	if (!charge(store, &account->bytes, bytes, &account->bytes_max))
		return refuse(store, &account->bytes_refused);
	weft__fetch_add_relaxed(&store->bytes, bytes); /* relaxed: statistics */
	return 0;
}

void weft__usage_refund_bytes(weft_store *store, struct weft__account *account, uint64_t bytes)
{
	/* relaxed: as in charge */
	weft__fetch_sub_relaxed(&account->bytes, bytes);
	weft__fetch_sub_relaxed(&store->bytes, bytes);
}

int weft__usage_charge(weft_store *store, struct weft__record *record)
{
	struct weft__account *account = account_get(store, record->m.agent_id, true);
	int r;

	if (!account)
		return -ENOMEM;
	if (!charge(store, &account->memories, 1, &account->memories_max))
		return refuse(store, &account->memories_refused);
	r = weft__usage_charge_bytes(store, account, record->bytes);
	if (r < 0) {
		weft__fetch_sub_relaxed(&account->memories, 1u); /* relaxed: as in charge */
		return r;
	}
	record->account = account;
	return 0;
}

void weft__usage_refund(weft_store *store, struct weft__record *record)
{
	weft__usage_refund_bytes(store, record->account, record->bytes);
	weft__fetch_sub_relaxed(&record->account->memories, 1u); /* relaxed: as in charge */
}

/* ---- reading --------------------------------------------------------------------------------- */

int weft_store_usage(weft_store *store, weft_uuid room_id, weft_usage *ret_usage)
{
	weft_usage usage = { .size = sizeof(usage) };
	struct weft__room *room;

	if (!store || !ret_usage || ret_usage->size != sizeof(*ret_usage))
		return -EINVAL;
	room = weft__room_get(store, room_id, false);
	if (!room)
		return -ENOENT;
	pthread_rwlock_rdlock(&room->lock);
	for (int i = 0; i < WEFT_MEMORY_TYPE_COUNT; i++) {
		const struct weft__history *h = room->histories[i];

		usage.memories += weft__history_live(h);
		usage.bytes += h ? h->bytes : 0;
	}
	pthread_rwlock_unlock(&room->lock);
	*ret_usage = usage;
	return 0;
}

int weft_store_agent_usage(weft_store *store, weft_uuid agent_id, weft_usage *ret_usage)
{
	struct weft__account *account;

	if (!store || !ret_usage || ret_usage->size != sizeof(*ret_usage))
		return -EINVAL;
	*ret_usage = (weft_usage){ .size = sizeof(*ret_usage) };
	account = account_get(store, agent_id, false);
	if (!account)
		return 0;
	/* relaxed: a snapshot */
	ret_usage->memories = weft__load_relaxed(&account->memories);
	ret_usage->bytes = weft__load_relaxed(&account->bytes);
	ret_usage->memories_max = weft__load_relaxed(&account->memories_max);
	ret_usage->bytes_max = weft__load_relaxed(&account->bytes_max);
	ret_usage->memories_refused = weft__load_relaxed(&account->memories_refused);
	ret_usage->bytes_refused = weft__load_relaxed(&account->bytes_refused);
	return 0;
}

int weft_store_quota_error(weft_store *store, weft_uuid agent_id, weft_error *err)
{
	weft_usage u = { .size = sizeof(u) };
	char id[WEFT_UUID_TEXT_LEN];

	weft_uuid_format(agent_id, id);
	if (weft_store_agent_usage(store, agent_id, &u) < 0)
		return weft_error_set(err, -EDQUOT, "a quota is used up");
	if (u.memories_max && u.memories >= u.memories_max)
		return weft_error_set(err, -EDQUOT, "agent %.*s holds %" PRIu64 " memories, its quota is %" PRIu64, (int)sizeof(id), id,
		                      u.memories, u.memories_max);
	return weft_error_set(err, -EDQUOT, "agent %.*s holds %" PRIu64 " bytes, its quota is %" PRIu64, (int)sizeof(id), id,
	                      u.bytes, u.bytes_max);
}

int weft_store_set_quota(weft_store *store, weft_uuid agent_id, uint64_t memories_max, uint64_t bytes_max)
{
	weft_change change = { .kind = WEFT_CHANGE_QUOTA, .quota = { agent_id, memories_max, bytes_max } };
	struct weft__account *account;
	struct weft__journal journal;
	int r;

	if (!store)
		return -EINVAL;
	account = account_get(store, agent_id, true);
	if (!account)
		return -ENOMEM;
	r = weft__journal_begin(store, &change, &journal);
	if (r < 0)
		return r;
	weft__lock_take(&store->settings);
	/* relaxed: whoever charges at the same time may see the old bound or the new one */
	weft__store_relaxed(&account->memories_max, memories_max);
	weft__store_relaxed(&account->bytes_max, bytes_max);
	weft__journal_push(store, &journal);
	weft__lock_give(&store->settings);
	return weft__journal_end(store, &journal, 0);
}

static bool visit_quota(const struct weft__account *account, weft_change_visitor fn, void *user)
{
	/* relaxed: as in limit.c */
	weft_change c = { .kind = WEFT_CHANGE_QUOTA,
		          .quota = { account->id, weft__load_relaxed(&account->memories_max),
		                     weft__load_relaxed(&account->bytes_max) } };

	return (!c.quota.memories_max && !c.quota.bytes_max) || fn(&c, user);
}

bool weft__quotas_visit(weft_store *store, weft_change_visitor fn, void *user)
{
	struct weft__map *map = &store->accounts;
	bool goes_on = visit_quota(&store->nobody, fn, user);

	for (uint32_t i = 0; i <= map->mask && goes_on; i++) {
		struct weft__shard *s = &map->shards[i];

		pthread_mutex_lock(&s->lock);
		for (uint32_t j = 0; j < s->cap && goes_on; j++)
			goes_on = !s->slots[j] || visit_quota(s->slots[j], fn, user);
		pthread_mutex_unlock(&s->lock);
	}
	return goes_on;
}
