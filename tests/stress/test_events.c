/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The event bus with real threads. Goal: nothing torn, nothing out of order, every loss
 * counted. Method: writers on lanes of their own and foreign ones on the shared lane emit
 * numbered, checksummed events; readers of different speed and subscribers that come and
 * go; a subscriber that saw the whole run has read + lost == emitted. The ring alone, so
 * small that readers are overtaken in the middle of a copy: each word of a record follows from its number.
 */
#include <criterion/criterion.h>
#include <pthread.h>
#include <sched.h>
#include <string.h>

#include "runtime/base/atomic.h"
#include "runtime/observe/events.h"
#include "runtime/queue/broadcast.h"
#include "tests/support/seed.h"

#define LANES 3u
#define WRITERS 5u /* three on lanes of their own, two foreign */
#define EACH 20000u

static struct weft__bus *bus;
static _Atomic(uint32_t) writers_left;
static uint64_t seed;

struct weft__bus *weft__runtime_bus(const weft_runtime *rt)
{
	(void)rt;
	return bus;
}

uint32_t weft__current_lane(const weft_runtime *rt, uint64_t *ret_turn)
{
	(void)rt;
	*ret_turn = 0;
	return LANES;
}

static int64_t checksum(const char *text, size_t n)
{
	uint64_t h = 1469598103934665603u;

	for (size_t i = 0; i < n; i++)
		h = (h ^ (uint8_t)text[i]) * 1099511628211u;
	return (int64_t)h;
}

/* Every other one as values of a form: readers see no difference. */
static void emit(uint32_t id, int64_t n, weft_str text)
{
	static const weft_event_form form = { .text_count = 1,
		                              .number_count = 2,
		                              .keys = { WEFT_EVENT_KEY("text", WEFT_FIELD_STR),
		                                        WEFT_EVENT_KEY("n", WEFT_FIELD_INT),
		                                        WEFT_EVENT_KEY("sum", WEFT_FIELD_INT) } };
	const weft_event_number numbers[] = { { .i = n }, { .i = checksum(text.ptr, text.len_bytes) } };
	const weft_event_field fields[] = { { .key = WEFT_STR("text"), .kind = WEFT_FIELD_STR, .str = text },
		                            { .key = WEFT_STR("n"), .kind = WEFT_FIELD_INT, .num = numbers[0] },
		                            { .key = WEFT_STR("sum"), .kind = WEFT_FIELD_INT, .num = numbers[1] } };
	uint32_t lane = id < LANES ? id : LANES;

	if (n % 2)
		weft__bus_emit(bus, lane, 0, &(weft_event_desc){ .workflow_id = id, .fields = fields, .field_count = 3 });
	else
		weft__bus_emit_form(bus, lane, 0, &form,
		                    &(weft_event_values){ .workflow_id = id, .texts = &text, .numbers = numbers });
}

static void *writer(void *arg)
{
	uint32_t id = (uint32_t)(uintptr_t)arg;
	uint64_t rnd = seed + id;
	char text[300];

	for (int64_t n = 0; n < EACH; n++) {
		uint32_t len = test_below(&rnd, sizeof(text));

		for (uint32_t i = 0; i < len; i++)
			text[i] = (char)test_random(&rnd);
		emit(id, n, (weft_str){ text, len });
		if (test_below(&rnd, 128) == 0)
			sched_yield();
	}
	writers_left--;
	return NULL;
}

struct tally {
	uint64_t read, lost;
	int64_t next[WRITERS];
	uint64_t offset[LANES + 1]; /* of the last event of each lane */
};

static void check(struct tally *t, const weft_event *e, int n)
{
	for (int i = 0; i < n; i++) {
		uint64_t who = e[i].workflow_id;

		if (e[i].type == WEFT_EVENT_LAGGED) {
			t->lost += e[i].lagged_events;
			continue;
		}
		cr_assert_eq(e[i].field_count, 3);
		cr_assert_eq(e[i].fields[2].num.i, checksum(e[i].fields[0].str.ptr, e[i].fields[0].str.len_bytes), "torn");
		cr_assert_geq(e[i].fields[1].num.i, t->next[who], "a writer's order is broken");
		t->next[who] = e[i].fields[1].num.i + 1;
		cr_assert_eq(e[i].worker, who < LANES ? who : LANES);
		cr_assert_gt(e[i].offset, t->offset[e[i].worker], "a lane's order is broken, or an event came twice");
		t->offset[e[i].worker] = e[i].offset;
		t->read++;
	}
}

static void read_some(weft_subscription *sub, struct tally *t, uint64_t *rnd)
{
	weft_event events[64];
	int n = weft_events_read(sub, events, 1 + test_below(rnd, 64));

	cr_assert_geq(n, 0);
	check(t, events, n);
}

/* Reads to the end; slow ones rest so long that they are overtaken. */
static void *reader(void *arg)
{
	weft_subscription *sub = arg;
	struct tally t = { 0 };
	uint64_t rnd = seed ^ (uintptr_t)arg;
	uint32_t rest = test_below(&rnd, 3) * 200;

	while (writers_left) {
		read_some(sub, &t, &rnd);
		for (uint32_t i = 0; i < rest; i++)
			sched_yield();
	}
	for (uint64_t before = UINT64_MAX; before != t.read + t.lost;) { /* twice nothing: it is empty */
		before = t.read + t.lost;
		for (int i = 0; i < 4000; i++)
			read_some(sub, &t, &rnd);
	}
	cr_assert_eq(t.read + t.lost, (uint64_t)WRITERS * EACH, "read %lu, lost %lu", (unsigned long)t.read,
	             (unsigned long)t.lost);
	cr_assert_eq(weft_events_lost(sub), t.lost);
	return NULL;
}

/* Comes and goes. */
static void *visitor(void *arg)
{
	uint64_t rnd = seed + 99;

	(void)arg;
	while (writers_left) {
		weft_subscribe_options opt = WEFT_SUBSCRIBE_OPTIONS_INIT;
		struct tally t = { 0 };
		weft_subscription *sub;

		opt.from_offset = test_below(&rnd, 2) ? UINT64_MAX : 0;
		cr_assert_eq(weft__bus_subscribe(bus, &opt, &sub), 0);
		for (uint32_t i = test_below(&rnd, 20); i; i--)
			read_some(sub, &t, &rnd);
		weft_events_unsubscribe(sub);
	}
	return NULL;
}

Test(stress_events, everything__read_or_counted, .timeout = 120)
{
	pthread_t threads[WRITERS + 4];
	weft_subscription *subs[3];
	uint32_t n = 0;

	seed = test_seed("events");
	writers_left = WRITERS;
	cr_assert_eq(weft__bus_create(LANES, 65536, &bus), 0);
	for (int i = 0; i < 3; i++)
		cr_assert_eq(weft__bus_subscribe(bus, NULL, &subs[i]), 0);
	for (uint32_t i = 0; i < WRITERS; i++)
		pthread_create(&threads[n++], NULL, writer, (void *)(uintptr_t)i);
	for (int i = 0; i < 3; i++)
		pthread_create(&threads[n++], NULL, reader, subs[i]);
	pthread_create(&threads[n++], NULL, visitor, NULL);
	for (uint32_t i = 0; i < n; i++)
		pthread_join(threads[i], NULL);
	for (int i = 0; i < 3; i++)
		weft_events_unsubscribe(subs[i]);
	weft__bus_destroy(bus);
}

/* ---- the ring alone ---------------------------------------------------------------- */

#define RING_BYTES 1024u
#define RING_WORDS_MAX (RING_BYTES / 8 / WEFT__BROADCAST_BLOCKS)
#define RECORDS 400000u

static struct weft__broadcast ring;
static _Atomic(bool) written;

static void *ring_writer(void *arg)
{
	uint64_t rnd = seed;

	(void)arg;
	for (uint64_t n = 0; n < RECORDS; n++) {
		uint32_t count = 2 + test_below(&rnd, RING_WORDS_MAX - 1);
		_Atomic(uint64_t) *words = weft__broadcast_begin(&ring, count);

		for (uint32_t i = 1; i < count; i++)
			weft__broadcast_put(&words[i], n * RING_WORDS_MAX + i);
		weft__broadcast_publish(&ring, count);
		if (n % 4096 == 0)
			sched_yield();
	}
	weft__store_release(&written, true); /* pairs with the acquire in ring_reader */
	return NULL;
}

static void *ring_reader(void *arg)
{
	struct weft__cursor c = *(struct weft__cursor *)arg;
	uint64_t words[RING_WORDS_MAX], lost, next = 0, lost_all = 0, read = 0;

	for (;;) {
		bool last = weft__load_acquire(&written); /* before the look that finds nothing */
		uint32_t count = weft__broadcast_peek(&ring, &c, weft__broadcast_published(&ring), words, RING_WORDS_MAX, &lost);

		if (!count && last)
			break;
		if (!count)
			continue;
		cr_assert(count >= 2 && count <= RING_WORDS_MAX, "no length of a record: %u", count);
		next += lost;
		for (uint32_t i = 1; i < count; i++)
			cr_assert_eq(words[i], next * RING_WORDS_MAX + i, "record %lu is torn at word %u of %u", (unsigned long)next,
			             i, count);
		weft__broadcast_pass(&ring, &c, count);
		lost_all += lost;
		read++;
		next++;
	}
	cr_assert_eq(read + lost_all, RECORDS);
	return NULL;
}

/* Cursors made while the writer runs know exactly where they begin. */
static void *ring_visitor(void *arg)
{
	uint64_t words[RING_WORDS_MAX], lost;

	(void)arg;
	for (uint32_t i = 0; !weft__load_acquire(&written); i++) { /* as above */
		struct weft__cursor c = i % 2 ? weft__broadcast_newest(&ring) : weft__broadcast_oldest(&ring);
		uint64_t first = c.next_sequence;

		if (!weft__broadcast_peek(&ring, &c, weft__broadcast_published(&ring), words, RING_WORDS_MAX, &lost))
			continue;
		cr_assert_eq(words[1], (first + lost) * RING_WORDS_MAX + 1, "began at %lu, lost %lu", (unsigned long)first,
		             (unsigned long)lost);
	}
	return NULL;
}

Test(stress_events, ring__no_record_is_torn, .timeout = 120)
{
	pthread_t threads[4];
	struct weft__cursor start;

	seed = test_seed("ring");
	written = false;
	cr_assert_eq(weft__broadcast_init(&ring, RING_BYTES), 0);
	start = weft__broadcast_newest(&ring);
	pthread_create(&threads[0], NULL, ring_writer, NULL);
	pthread_create(&threads[1], NULL, ring_reader, &start);
	pthread_create(&threads[2], NULL, ring_reader, &start);
	pthread_create(&threads[3], NULL, ring_visitor, NULL);
	for (int i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	weft__broadcast_fini(&ring);
}
