/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The broadcast ring, in every way. Goal: no torn record, none twice, and what was lost is counted exactly.
 * Method: a ring of 8 blocks of 2 words that the writer goes around while a reader looks; each word says
 * which record it belongs to. At the end the reader gets the rest: read + lost == written.
 */
#include <criterion/criterion.h>

#include "runtime/queue/broadcast.h"
#include "tests/model/explore.h"

#define RING_BYTES 128u
#define RECORDS 16u

static struct weft__broadcast ring;
static struct weft__cursor cursor[2]; /* of each reader */
static uint64_t got[2], lost[2];
static uint32_t lengths[RECORDS]; /* of the records that are written */
static uint32_t count, written_before;

static uint64_t word_of(uint64_t sequence, uint32_t at)
{
	return 1000 + 10 * sequence + at;
}

static void write_one(uint32_t n)
{
	_Atomic(uint64_t) *words = weft__broadcast_begin(&ring, lengths[n]);

	for (uint32_t i = 1; i < lengths[n]; i++)
		weft__broadcast_put(&words[i], word_of(n, i));
	weft__broadcast_publish(&ring, lengths[n]);
}

static void begin(void)
{
	explore_assert(weft__broadcast_init(&ring, RING_BYTES) == 0);
	explore_name(&ring, sizeof(ring), "ring");
	explore_name(&ring.tail, sizeof(ring.tail), "tail");
	explore_name(&ring.published, sizeof(ring.published), "published");
	explore_name(&ring.last, sizeof(ring.last), "last");
	explore_name((void *)ring.words, RING_BYTES, "words");
	for (uint32_t i = 0; i < 2; i++) {
		cursor[i] = weft__broadcast_newest(&ring);
		got[i] = lost[i] = 0;
	}
	for (uint32_t i = 0; i < written_before; i++)
		write_one(i);
}

static void writer(void)
{
	for (uint32_t i = written_before; i < count; i++)
		write_one(i);
}

/* One record, if there is one. */
static bool read_one(uint32_t reader)
{
	struct weft__cursor *c = &cursor[reader];
	uint64_t words[2], lost_now;
	uint32_t n = weft__broadcast_peek(&ring, c, weft__broadcast_published(&ring), words, 2, &lost_now);

	lost[reader] += lost_now;
	if (!n)
		return false;
	explore_assert(c->next_sequence == got[reader] + lost[reader]);
	explore_assert(n == lengths[c->next_sequence]);
	for (uint32_t i = 1; i < n; i++)
		explore_assert(words[i] == word_of(c->next_sequence, i));
	weft__broadcast_pass(&ring, c, n);
	got[reader]++;
	return true;
}

static void reader(void)
{
	read_one(0);
	read_one(0);
}

static void other_reader(void)
{
	read_one(1);
}

static void all_counted(void)
{
	for (uint32_t i = 0; i < 2; i++) {
		while (read_one(i))
			;
		explore_assert(got[i] + lost[i] == count);
	}
	weft__broadcast_fini(&ring);
	explore_assert(explore_blocks() == 0);
}

/* n records, of which the first `before` stand there already. Those in the bits of `ones` are one word long. */
static void records(uint32_t before, uint32_t n, uint32_t ones)
{
	written_before = before;
	count = n;
	for (uint32_t i = 0; i < n; i++)
		lengths[i] = ones >> i & 1 ? 1 : 2;
}

Test(model_broadcast, reader__is_overtaken_and_knows_by_how_many)
{
	static const struct explore_model m = {
		.name = "broadcast, overtaken", .init = begin, .thread = { writer, reader }, .check = all_counted
	};

	records(7, 11, 0);
	cr_assert(explore(&m));
}

/* Records of other lengths come to lie across the old ones, and a pad at the end of the ring. */
Test(model_broadcast, records__of_other_lengths_and_a_pad)
{
	static const struct explore_model m = {
		.name = "broadcast, pad", .init = begin, .thread = { writer, reader }, .check = all_counted
	};

	records(7, 11, 1u << 0 | 1u << 8); /* each followed by a pad */
	cr_assert(explore(&m));
}

Test(model_broadcast, two_readers__do_not_meet)
{
	static const struct explore_model m = {
		.name = "broadcast, 2 readers", .init = begin, .thread = { writer, reader, other_reader }, .check = all_counted
	};

	records(7, 9, 0);
	cr_assert(explore(&m));
}

/* ---- new cursors ------------------------------------------------------------------------------ */

/* What a new cursor gives next is the record that it says. */
static void join_and_read(struct weft__cursor c)
{
	cursor[0] = c;
	got[0] = c.next_sequence;
	read_one(0);
}

static void joins_newest(void)
{
	join_and_read(weft__broadcast_newest(&ring));
}

static void joins_oldest(void)
{
	join_and_read(weft__broadcast_oldest(&ring));
}

Test(model_broadcast, newest__stands_at_the_start_of_a_record)
{
	static const struct explore_model m = {
		.name = "broadcast, newest", .init = begin, .thread = { writer, joins_newest }, .check = all_counted
	};

	records(7, 11, 1u << 6);
	cr_assert(explore(&m));
}

Test(model_broadcast, oldest__stands_at_the_start_of_a_record)
{
	static const struct explore_model m = {
		.name = "broadcast, oldest", .init = begin, .thread = { writer, joins_oldest }, .check = all_counted
	};

	records(8, 12, 1u << 1 | 1u << 8);
	cr_assert(explore(&m));
}
