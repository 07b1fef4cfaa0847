/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cli/sim/log.c - scenario "log": a durable store on a disk that tears writes, fails syncs, has no room, turns bits over,
 * and whose power goes at any moment, or whose process does.
 *
 * Each writer has a room, and changes it by steps that follow from their numbers. After every open its room must be
 * what some number of steps make: at least those that were said to be durable, at most those that were begun. What an
 * open has shown is durable from then on. Nothing is ever damaged but by a bit that was turned over.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "cli/sim/sim.h"

#define WRITERS_MAX 3u
#define LIVE_MAX 24u
#define STEPS_MAX 4096u
#define DIMS 4u
#define PLACES_MAX 256u
#define TRIES_MAX 10u
#define PATH "store"

struct item {
	uint32_t id, text; /* the steps that made it, and gave it its attachment (0: none) */
	bool embedded;
};

/* A room after some steps, oldest first. */
struct model {
	struct item items[LIVE_MAX + 1];
	uint32_t count, steps;
};

static struct writer {
	uint32_t index;
	struct model sure;      /* what is durable */
	uint32_t begun;         /* steps so far, the last of them perhaps unfinished */
} writers[WRITERS_MAX];

static struct {
	weft_store *store;
	weft_store_sync sync;
	uint64_t salt;
	bool over; /* this life of the process is */
	uint32_t writers;
	uint64_t lives, cuts, flips;
} seen;

/* ---- steps -------------------------------------------------------------------------- */

enum { ADD, DELETE, ATTACH, EMBED };

static uint64_t mix(uint64_t x)
{
	x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
	return x ^ x >> 31;
}

static uint32_t kind_of(const struct model *m, uint32_t writer, uint32_t n, uint32_t *ret_which)
{
	uint64_t rnd = mix(seen.salt + writer * UINT64_C(1000003) + n);

	*ret_which = m->count ? (uint32_t)(rnd >> 32) % m->count : 0;
	if (m->count == LIVE_MAX)
		return DELETE;
	if (!m->count)
		return ADD;
	switch (rnd & 7) {
	case 0:
	case 1:
		return DELETE;
	case 2:
		return ATTACH;
	case 3:
		return EMBED;
	default:
		return ADD;
	}
}

static void model_step(struct model *m, uint32_t writer)
{
	uint32_t which, n = ++m->steps;

	switch (kind_of(m, writer, n, &which)) {
	case DELETE:
		memmove(&m->items[which], &m->items[which + 1], (m->count - which - 1) * sizeof(m->items[0]));
		m->count--;
		break;
	case ATTACH:
		m->items[which].text = n;
		break;
	case EMBED:
		m->items[which].embedded = true;
		break;
	default:
		m->items[m->count++] = (struct item){ n, 0, false };
	}
}

static weft_uuid id_of(uint32_t writer, uint32_t n)
{
	weft_uuid id = { { 1, (uint8_t)writer } };

	memcpy(id.bytes + 4, &n, sizeof(n));
	return id;
}

static weft_uuid room_of(uint32_t writer)
{
	return (weft_uuid){ { 2, (uint8_t)writer } };
}

/* Up to three sectors of it. room: 12,000 bytes. */
static weft_str text_of(uint32_t n, char *room)
{
	uint64_t rnd = mix(n);
	size_t len = 8 + (rnd & 7 ? rnd >> 8 & 255 : (rnd >> 8) % 11000);

	memset(room, 'a' + (int)(n % 26), len);
	memcpy(room, &n, sizeof(n));
	return (weft_str){ room, len };
}

static int store_step(const struct model *m, uint32_t writer, uint32_t n, char *room)
{
	weft_attachment a = { .text = text_of(n, room) };
	weft_memory added = { .id = id_of(writer, n), .room_id = room_of(writer), .text = a.text };
	float v[DIMS] = { (float)n, 1, 2, 3 };
	uint32_t which;

	switch (kind_of(m, writer, n, &which)) {
	case DELETE:
		return weft_store_delete(seen.store, id_of(writer, m->items[which].id));
	case ATTACH:
		return weft_store_set_attachments(seen.store, id_of(writer, m->items[which].id), &a, 1);
	case EMBED:
		return weft_store_set_embedding(seen.store, id_of(writer, m->items[which].id), v, DIMS);
	default:
		return weft_store_add(seen.store, &added, NULL);
	}
}

/* ---- who writes ----------------------------------------------------------------------- */

static bool is_disk_error(int r)
{
	return r == -EIO || r == -ENOSPC || r == -ECANCELED || r == WEFT_ELOGFAILED || r == -ESHUTDOWN || r == -EBADF;
}

static void *write_on(void *user)
{
	struct writer *w = user;
	struct model m = w->sure;
	char *room = malloc(12000);

	while (!seen.over && m.steps < STEPS_MAX) {
		int r;

		w->begun = m.steps + 1;
		r = store_step(&m, w->index, m.steps + 1, room);
		sim_check(r == 0 || r == -ENOMEM || is_disk_error(r), "step %u: %s", m.steps + 1, weft_errname(r));
		if (r == -ENOMEM) /* nothing has changed */
			continue;
		if (r < 0)
			break;
		model_step(&m, w->index);
		if (seen.sync == WEFT_STORE_SYNC_WRITE || (weft_sim_choose(8) == 0 && weft_store_flush(seen.store) == 0))
			w->sure = m;
		if (weft_sim_choose(4) == 0)
			weft_sim_sleep(weft_sim_choose(SIM_MS));
	}
	free(room);
	return NULL;
}

static void on_flushed(int status, void *user)
{
	sim_check(status == 0 || is_disk_error(status), "%s", weft_errname(status));
	++*(uint32_t *)user;
}

/* Snapshots, and flushes that are not waited for. */
static void *disturb(void *user)
{
	uint32_t asked = 0, *told = user;

	while (!seen.over) {
		weft_sim_sleep(weft_sim_choose(4 * SIM_MS));
		if (weft_sim_choose(2)) {
			int r = weft_store_snapshot(seen.store, NULL);

			/* -EBUSY: one is being made that nobody asked for */
			sim_check(r == 0 || r == -ENOMEM || r == -EBUSY || is_disk_error(r), "snapshot: %s", weft_errname(r));
		} else if (weft_store_flush_async(seen.store, on_flushed, told) == 0) {
			asked++;
		}
	}
	*told -= asked; /* those still to come bring it back to 0 */
	return NULL;
}

/* ---- what is there after an open ---------------------------------------------------------- */

struct look {
	uint32_t writer;
	struct model found; /* newest first */
	bool wrong;
	char *room;
};

static bool on_memory(const weft_memory *m, void *user)
{
	struct look *l = user;
	struct item item = { 0, 0, m->embedding_dims == DIMS };

	memcpy(&item.id, m->id.bytes + 4, sizeof(item.id));
	l->wrong |= !weft_uuid_eq(m->id, id_of(l->writer, item.id)) || !weft_str_eq(m->text, text_of(item.id, l->room));
	if (m->attachment_count) {
		memcpy(&item.text, m->attachments[0].text.ptr, sizeof(item.text));
		l->wrong |= !weft_str_eq(m->attachments[0].text, text_of(item.text, l->room));
	}
	if (l->found.count <= LIVE_MAX)
		l->found.items[l->found.count++] = item;
	return true;
}

static bool is_same(const struct look *l, const struct model *m)
{
	if (l->wrong || l->found.count != m->count)
		return false;
	for (uint32_t i = 0; i < m->count; i++) {
		const struct item *a = &l->found.items[m->count - 1 - i], *b = &m->items[i];

		if (a->id != b->id || a->text != b->text || a->embedded != b->embedded)
			return false;
	}
	return true;
}

static void check_writer(struct writer *w)
{
	struct look l = { .writer = w->index, .room = malloc(12000) };
	struct model m = w->sure;

	weft_store_visit_recent(seen.store, room_of(w->index), WEFT_MEMORY_MESSAGE, 0, UINT32_MAX, on_memory, &l);
	while (!is_same(&l, &m)) {
		sim_check(m.steps < w->begun, "writer %u: %u memories are not what %u to %u steps make", w->index, l.found.count,
		          w->sure.steps, w->begun);
		model_step(&m, w->index);
	}
	weft_sim_note(m.steps);
	w->sure = m;
	w->begun = m.steps;
	free(l.room);
}

/* ---- bits ----------------------------------------------------------------------------------- */

struct places {
	weft_log_place at[PLACES_MAX];
	char files[PLACES_MAX][32];
	uint32_t count;
};

static bool on_place(const weft_change *change, const weft_log_place *place, void *user)
{
	struct places *p = user;
	uint32_t i = p->count < PLACES_MAX ? p->count++ : (uint32_t)weft_sim_choose(PLACES_MAX);

	(void)change;
	p->at[i] = *place;
	snprintf(p->files[i], sizeof(p->files[i]), "%s", place->file);
	return true;
}

/* Turn a bit over, look, turn it back: damage is told, or it was no bit that counts, or the end moved by a batch. */
static void flip_a_bit(void)
{
	weft_log_summary whole = { .size = sizeof(whole) }, s = { .size = sizeof(s) };
	struct places *p = calloc(1, sizeof(*p));
	char path[64];
	weft_error err;
	uint64_t bit;
	uint32_t i;
	int r = weft_log_read(PATH, on_place, p, &whole, &err);

	sim_check(r == 0 || r == -ENOENT, "%s", err.message);
	if (p->count) {
		i = (uint32_t)weft_sim_choose(p->count);
		bit = 8 * p->at[i].offset + weft_sim_choose(8 * 600);
		snprintf(path, sizeof(path), PATH "/%s", p->files[i]);
		sim_check(weft_sim_disk_flip(path, bit), "%s has no bit %" PRIu64, path, bit);
		r = weft_log_read(PATH, NULL, NULL, &s, &err);
		sim_check(r == 0 || r == WEFT_EDAMAGED, "%s", weft_errname(r));
		sim_check(r == 0 || strstr(err.message, "store/"), "%s", err.message);
		sim_check(r < 0 || s.last_seq == whole.last_seq || (s.last_seq + 1 == whole.last_seq && !whole.clean),
		          "%s bit %" PRIu64 ": ends at batch %" PRIu64 " of %" PRIu64, path, bit, s.last_seq, whole.last_seq);
		weft_sim_disk_flip(path, bit);
		seen.flips++;
	}
	free(p);
}

/* ---- lives of a process ------------------------------------------------------------------------ */

static void open_store(void)
{
	weft_store_open_options opt = WEFT_STORE_OPEN_OPTIONS_INIT;
	uint32_t tries = 0;
	weft_error err;
	int r;

	opt.sync = seen.sync = (weft_store_sync)weft_sim_choose(3);
	opt.shards = 4;
	opt.interval_ms = 1 + (uint32_t)weft_sim_choose(5);
	opt.segment_bytes = 65536u << weft_sim_choose(3);
	opt.snapshot_log_bytes = 65536u << weft_sim_choose(4);
	opt.waiting_bytes_max = 65536;
	do {
		r = weft_store_open(PATH, &opt, &seen.store, &err);
		sim_check(r == 0 || r == -ENOMEM || r == -EIO || r == -ENOSPC || r == -EAGAIN || r == -EMFILE, "%s: %s",
		          weft_errname(r), err.message);
		if (r < 0 && weft_sim_choose(2)) { /* a disk that fails, and power that goes while it is mended */
			weft_sim_disk_stop(true);
			weft_sim_disk_go_on();
		}
		if (++tries == TRIES_MAX) /* a disk where hardly anything works: it is mended */
			weft_sim_faults(0);
	} while (r < 0);
}

static void live(uint32_t faults)
{
	uint64_t thread[WRITERS_MAX + 1];
	uint32_t told = 0;
	bool cut;
	int r;

	open_store();
	weft_sim_faults(0);
	for (uint32_t i = 0; i < seen.writers; i++)
		check_writer(&writers[i]);
	weft_sim_faults(faults);
	seen.over = false;
	for (uint32_t i = 0; i < seen.writers; i++)
		thread[i] = sim_thread(write_on, &writers[i]);
	thread[seen.writers] = sim_thread(disturb, &told);
	weft_sim_sleep(weft_sim_choose(20 * SIM_MS));
	cut = weft_sim_choose(4);
	if (cut)
		weft_sim_disk_stop(weft_sim_choose(4));
	seen.over = true;
	for (uint32_t i = 0; i <= seen.writers; i++)
		weft_sim_thread_join(thread[i]);
	r = weft_store_close(seen.store);
	sim_check(r == 0 || is_disk_error(r), "close: %s", weft_errname(r));
	sim_check(told == 0, "%d flushes were not answered, or twice", -(int32_t)told);
	weft_sim_disk_go_on();
	seen.lives++;
	seen.cuts += cut;
}

static void run(void)
{
	uint32_t faults = weft_sim_faults(0);

	weft_sim_disk_clear();
	seen.salt = weft_sim_choose(UINT64_C(1) << 40);
	seen.writers = 1 + (uint32_t)weft_sim_choose(WRITERS_MAX);
	for (uint32_t i = 0; i < seen.writers; i++)
		writers[i].index = i;
	do {
		weft_sim_faults(faults);
		live(faults);
		weft_sim_faults(0);
		if (weft_sim_choose(3) == 0)
			flip_a_bit();
	} while (sim_goes_on() && writers[0].begun < STEPS_MAX);
	live(0);
	weft_sim_disk_clear();
}

const struct sim_scenario sim_log = {
	.name = "log",
	.what = "a durable store: power cuts, kills, torn writes, failed syncs, full disks",
	.faults = WEFT_SIM_ALL,
	.run = run,
};
