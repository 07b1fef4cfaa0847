/* SPDX-License-Identifier: Apache-2.0 */
/* tests/model/memory.c - atomic words, their stores, and who may read which; see memory.h. */
#include "tests/model/memory.h"

#include <string.h>

#include "tests/model/explore.h"
#include "tests/model/races.h"

#define WORDS 128u        /* atomic words of one execution */
#define WORD_STORES 128u  /* to one of them */
#define STORES 2048u
#define BUCKETS 512u      /* power of two */
#define LOCKS 16u
#define PLACE_STEP (1u << 16) /* room for stores in between */

/* What a thread, or a store, knows: for each word the oldest store (its place) that may still be read. */
struct view {
	struct mem_clock clock;
	uint32_t oldest[WORDS];
};

struct store {
	uint64_t value;
	uint32_t place; /* among the stores to its word; grows */
	bool replaced;  /* by a read-modify-write, which is the next one: nothing goes in between */
	struct view carries; /* for whoever acquires it */
};

struct word {
	void *at;
	uint8_t bytes;
	uint16_t count;
	uint32_t base;      /* stores before it were overwritten by a plain write */
	uint32_t sc_oldest; /* seq_cst operations read nothing older, and write nothing before it */
	uint16_t store[WORD_STORES]; /* by place */
};

static struct thread {
	struct view now;
	struct view to_acquire; /* by the next acquire fence */
	struct view released;   /* by the last release fence */
	uint16_t spun[WORDS];   /* words loaded since mem_spin_done */
	unsigned spun_count;
	bool spun_old;          /* and one of them was not the newest */
} threads[MEM_THREADS];

static struct word words[WORDS];
static uint16_t buckets[BUCKETS]; /* word number + 1 */
static unsigned word_count;
static struct store stores[STORES]; /* as they were executed */
static unsigned store_count;
static struct view fences; /* what seq_cst fences have agreed on */
static struct {
	const void *object;
	struct view view;
} locks[LOCKS];
static unsigned lock_count;

static void view_copy(struct view *to, const struct view *from)
{
	to->clock = from->clock;
	memcpy(to->oldest, from->oldest, word_count * sizeof(to->oldest[0]));
	memset(&to->oldest[word_count], 0, (WORDS - word_count) * sizeof(to->oldest[0]));
}

static void join(struct view *to, const struct view *from)
{
	mem_clock_join(&to->clock, &from->clock);
	for (unsigned i = 0; i < word_count; i++) {
		if (from->oldest[i] > to->oldest[i])
			to->oldest[i] = from->oldest[i];
	}
}

void mem_reset(void)
{
	memset(threads, 0, sizeof(threads));
	memset(buckets, 0, sizeof(buckets));
	memset(&fences, 0, sizeof(fences));
	memset(locks, 0, sizeof(locks));
	word_count = store_count = lock_count = 0;
	for (unsigned i = 0; i < MEM_THREADS; i++)
		threads[i].now.clock.at[i] = 1;
	races_reset();
}

void mem_thread_begin(unsigned thread)
{
	join(&threads[thread].now, &threads[0].now);
	threads[0].now.clock.at[0]++;
}

void mem_join_all(void)
{
	for (unsigned i = 1; i < MEM_THREADS; i++)
		join(&threads[0].now, &threads[i].now);
}

/* ---- words ------------------------------------------------------------------------------ */

static uint64_t memory_read(const void *at, unsigned bytes)
{
	switch (bytes) {
	case 1:
		return *(const uint8_t *)at;
	case 2:
		return *(const uint16_t *)at;
	case 4:
		return *(const uint32_t *)at;
	default:
		return *(const uint64_t *)at;
	}
}

static void memory_write(void *at, unsigned bytes, uint64_t value)
{
	switch (bytes) {
	case 1:
		*(uint8_t *)at = (uint8_t)value;
		break;
	case 2:
		*(uint16_t *)at = (uint16_t)value;
		break;
	case 4:
		*(uint32_t *)at = (uint32_t)value;
		break;
	default:
		*(uint64_t *)at = value;
	}
}

static uint64_t cut(uint64_t value, unsigned bytes)
{
	return bytes == 8 ? value : value & ((UINT64_C(1) << (8 * bytes)) - 1);
}

static unsigned bucket_of(const void *at)
{
	return (unsigned)(((uintptr_t)at * UINT64_C(0x9e3779b97f4a7c15)) >> 40) & (BUCKETS - 1);
}

static struct word *word_find(const void *at)
{
	for (unsigned b = bucket_of(at); buckets[b]; b = (b + 1) & (BUCKETS - 1)) {
		if (words[buckets[b] - 1].at == at)
			return &words[buckets[b] - 1];
	}
	return NULL;
}

static unsigned number_of(const struct word *w)
{
	return (unsigned)(w - words);
}

static struct store *store_of(const struct word *w, unsigned number)
{
	return &stores[w->store[number]];
}

static struct store *newest_of(const struct word *w)
{
	return store_of(w, w->count - 1u);
}

/* A store that carries nothing, as number `number` to its word. */
static struct store *store_add(struct word *w, unsigned number, uint64_t value)
{
	struct store *s = &stores[store_count];
	uint32_t before = number ? store_of(w, number - 1)->place : 0;
	uint32_t after = number < w->count ? store_of(w, number)->place : before + 2 * PLACE_STEP;

	if (store_count == STORES || w->count == WORD_STORES || after - before < 2)
		explore_fail("model too large: stores");
	memmove(&w->store[number + 1], &w->store[number], (w->count - number) * sizeof(w->store[0]));
	w->store[number] = (uint16_t)store_count++;
	w->count++;
	s->value = value;
	s->place = before + (after - before) / 2;
	s->replaced = false;
	return s;
}

/* What stood there when nothing else had been stored: ordered before everything. */
static void store_first(struct word *w, uint64_t value)
{
	static const struct view nothing;
	struct store *s = store_add(w, w->count, value);

	view_copy(&s->carries, &nothing);
	w->base = s->place;
}

static struct word *word_add(void *at, unsigned bytes)
{
	struct word *w = &words[word_count];
	unsigned b = bucket_of(at);

	if (word_count == WORDS)
		explore_fail("model too large: words");
	while (buckets[b])
		b = (b + 1) & (BUCKETS - 1);
	buckets[b] = (uint16_t)++word_count;
	w->at = at;
	w->bytes = (uint8_t)bytes;
	w->count = 0;
	w->sc_oldest = 0;
	store_first(w, memory_read(at, bytes));
	return w;
}

/*
 * The word at. When something else than an atomic operation wrote it meanwhile (an
 * initialisation; races.c says whether it was ordered), its stores begin anew.
 */
static struct word *word_of(void *at, unsigned bytes)
{
	struct word *w = word_find(at);

	if (!w)
		return word_add(at, bytes);
	if (w->bytes != bytes)
		explore_fail("%s is used with two sizes", mem_name(at));
	if (memory_read(at, bytes) != newest_of(w)->value)
		store_first(w, memory_read(at, bytes));
	return w;
}

unsigned mem_last_store(void)
{
	return store_count - 1;
}

/* ---- operations --------------------------------------------------------------------------- */

static bool acquires(unsigned order)
{
	return order == __ATOMIC_ACQUIRE || order == __ATOMIC_CONSUME || order == __ATOMIC_ACQ_REL ||
	       order == __ATOMIC_SEQ_CST;
}

static bool releases(unsigned order)
{
	return order == __ATOMIC_RELEASE || order == __ATOMIC_ACQ_REL || order == __ATOMIC_SEQ_CST;
}

/* The place of the oldest store that thread may read, or write behind. */
static uint32_t oldest_for(const struct thread *t, const struct word *w, unsigned order)
{
	uint32_t oldest = t->now.oldest[number_of(w)];

	if (oldest < w->base)
		oldest = w->base;
	if (order == __ATOMIC_SEQ_CST && oldest < w->sc_oldest)
		oldest = w->sc_oldest;
	return oldest;
}

static void note_sc(struct word *w, uint32_t place, unsigned order)
{
	if (order == __ATOMIC_SEQ_CST && w->sc_oldest < place)
		w->sc_oldest = place;
}

static void read_store(struct thread *t, struct word *w, const struct store *s, unsigned order)
{
	if (t->now.oldest[number_of(w)] < s->place)
		t->now.oldest[number_of(w)] = s->place;
	join(acquires(order) ? &t->now : &t->to_acquire, &s->carries);
	note_sc(w, s->place, order);
}

/* read: the store that a read-modify-write replaces; its release sequence goes on. */
static void write_store(struct thread *t, unsigned thread, struct word *w, unsigned number, uint64_t value,
                        unsigned order, struct store *read)
{
	struct store *s = store_add(w, number, value);

	t->now.oldest[number_of(w)] = s->place;
	if (releases(order)) {
		view_copy(&s->carries, &t->now);
		t->now.clock.at[thread]++; /* what comes later is not published by this */
	} else {
		view_copy(&s->carries, &t->released);
		s->carries.oldest[number_of(w)] = s->place;
	}
	if (read) {
		join(&s->carries, &read->carries);
		read->replaced = true;
	}
	note_sc(w, s->place, order);
	if (number == w->count - 1u)
		memory_write(w->at, w->bytes, value);
}

static void note_spun(struct thread *t, const struct word *w)
{
	for (unsigned i = 0; i < t->spun_count; i++) {
		if (t->spun[i] == number_of(w))
			return;
	}
	t->spun[t->spun_count++] = (uint16_t)number_of(w);
}

/* The stores that op may read, by number. unseen: see mem_perform. */
static unsigned readable(const struct thread *t, const struct word *w, const struct mem_op *op, unsigned unseen,
                         unsigned *ret_ways)
{
	unsigned n = 0;

	for (unsigned i = w->count; i-- > 0;) {
		const struct store *s = store_of(w, i);
		bool fails = op->kind == MEM_CAS && s->value != op->expected;
		bool writes = op->kind != MEM_LOAD && !fails;

		if (s->place < oldest_for(t, w, fails ? op->order_failed : op->order))
			continue;
		if (w->store[i] >= unseen && !(writes && s->replaced))
			ret_ways[n++] = i;
	}
	return n;
}

bool mem_is_possible(unsigned thread, const struct mem_op *op, unsigned unseen)
{
	const struct word *w = op->kind < MEM_FENCE && op->kind != MEM_STORE ? word_find(op->at) : NULL;
	unsigned ways[WORD_STORES];

	return !w || readable(&threads[thread], w, op, unseen, ways) > 0;
}

/* Behind which store a plain store goes. */
static unsigned choose_place(const struct thread *t, const struct word *w, unsigned order,
                             unsigned (*choose)(unsigned))
{
	unsigned ways[WORD_STORES], n = 0;

	for (unsigned i = w->count; i-- > 0;) {
		const struct store *s = store_of(w, i);

		if (s->place < oldest_for(t, w, order))
			break;
		if (!s->replaced)
			ways[n++] = i;
	}
	n = choose(n);
	return ways[n];
}

static uint64_t modified(const struct mem_op *op, uint64_t old)
{
	switch (op->kind) {
	case MEM_ADD:
		return old + op->operand;
	case MEM_SUB:
		return old - op->operand;
	case MEM_AND:
		return old & op->operand;
	case MEM_OR:
		return old | op->operand;
	case MEM_XOR:
		return old ^ op->operand;
	default: /* MEM_XCHG, MEM_CAS */
		return op->operand;
	}
}

/* Loads and read-modify-writes. */
static struct mem_result reading(struct thread *t, unsigned thread, struct word *w, const struct mem_op *op,
                                 unsigned unseen, unsigned (*choose)(unsigned))
{
	unsigned ways[WORD_STORES], n = readable(t, w, op, unseen, ways);
	unsigned number = ways[choose(n)];
	struct store *s = store_of(w, number);
	struct mem_result r = { .value = s->value, .from = w->store[number], .behind = w->count - 1u - number };

	if (op->kind == MEM_LOAD || (op->kind == MEM_CAS && s->value != op->expected)) {
		read_store(t, w, s, op->kind == MEM_CAS ? op->order_failed : op->order);
		note_spun(t, w);
		t->spun_old |= r.behind > 0;
		return r;
	}
	r.wrote = r.swapped = true;
	read_store(t, w, s, op->order);
	write_store(t, thread, w, number + 1, cut(modified(op, s->value), w->bytes), op->order, s);
	return r;
}

static struct mem_result storing(struct thread *t, unsigned thread, struct word *w, const struct mem_op *op,
                                 unsigned (*choose)(unsigned))
{
	unsigned number = choose_place(t, w, op->order, choose);
	struct mem_result r = { .wrote = true, .behind = w->count - 1u - number };

	write_store(t, thread, w, number + 1, cut(op->operand, op->bytes), op->order, NULL);
	return r;
}

static void fence(struct thread *t, unsigned thread, unsigned order)
{
	if (acquires(order))
		join(&t->now, &t->to_acquire);
	if (order == __ATOMIC_SEQ_CST) {
		/* what seq_cst operations have agreed on, and what other fences have; it orders, and publishes no plain data */
		for (unsigned i = 0; i < word_count; i++) {
			uint32_t agreed = words[i].sc_oldest > fences.oldest[i] ? words[i].sc_oldest : fences.oldest[i];

			if (t->now.oldest[i] < agreed)
				t->now.oldest[i] = agreed;
			words[i].sc_oldest = fences.oldest[i] = t->now.oldest[i];
		}
	}
	if (releases(order)) {
		view_copy(&t->released, &t->now);
		t->now.clock.at[thread]++;
	}
}

struct mem_result mem_perform(unsigned thread, const struct mem_op *op, unsigned unseen, unsigned (*choose)(unsigned))
{
	struct thread *t = &threads[thread];
	struct word *w;

	if (op->kind == MEM_FENCE) {
		fence(t, thread, op->order);
		return (struct mem_result){ 0 };
	}
	races_atomic(thread, &t->now.clock, op->at, op->bytes, op->kind != MEM_LOAD);
	w = word_of(op->at, op->bytes);
	return op->kind == MEM_STORE ? storing(t, thread, w, op, choose) :
	                               reading(t, thread, w, op, unseen, choose);
}

/* The store after the one that thread knows of; NULL: it knows the newest. */
static const struct store *newer(const struct thread *t, unsigned word)
{
	const struct word *w = &words[word];
	const struct store *found = NULL;

	for (unsigned i = w->count; i-- > 0 && store_of(w, i)->place > t->now.oldest[word];)
		found = store_of(w, i);
	return found;
}

bool mem_spin_ready(unsigned thread)
{
	const struct thread *t = &threads[thread];

	for (unsigned i = 0; i < t->spun_count; i++) {
		if (newer(t, t->spun[i]))
			return true;
	}
	return false;
}

bool mem_nap_ready(unsigned thread)
{
	return threads[thread].spun_old || mem_spin_ready(thread);
}

void mem_spin_done(unsigned thread)
{
	struct thread *t = &threads[thread];

	for (unsigned i = 0; i < t->spun_count; i++) {
		const struct store *s = newer(t, t->spun[i]);

		if (s)
			t->now.oldest[t->spun[i]] = s->place;
	}
	t->spun_count = 0;
	t->spun_old = false;
}

/* ---- plain memory and locks ----------------------------------------------------------------- */

void mem_plain(unsigned thread, const void *at, size_t bytes, bool write)
{
	races_plain(thread, &threads[thread].now.clock, at, bytes, write);
}

static struct view *lock_of(const void *object)
{
	for (unsigned i = 0; i < lock_count; i++) {
		if (locks[i].object == object)
			return &locks[i].view;
	}
	if (lock_count == LOCKS)
		explore_fail("model too large: locks");
	locks[lock_count].object = object;
	return &locks[lock_count++].view;
}

void mem_release(unsigned thread, const void *object)
{
	join(lock_of(object), &threads[thread].now);
	threads[thread].now.clock.at[thread]++;
}

void mem_acquire(unsigned thread, const void *object)
{
	join(&threads[thread].now, lock_of(object));
}

void mem_free(unsigned thread, void *block)
{
	races_free(thread, &threads[thread].now.clock, block);
}
