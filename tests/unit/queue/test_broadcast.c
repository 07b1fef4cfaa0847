/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The broadcast ring on one thread: order, wrapping (debug builds start just below the
 * wrap of the positions), being overtaken with the exact count of what was lost.
 */
#include "runtime/queue/broadcast.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

#include "tests/support/seed.h"

static struct weft__broadcast ring;

static void write_one(uint64_t value, uint32_t count)
{
	_Atomic(uint64_t) *words = weft__broadcast_begin(&ring, count);

	for (uint32_t i = 1; i < count; i++)
		weft__broadcast_put(&words[i], value + i);
	weft__broadcast_publish(&ring, count);
}

/* Read the next record: its first word, or 0 when there is none; checks that it is whole. */
static uint64_t read_one(struct weft__cursor *c, uint64_t *ret_lost)
{
	uint64_t words[64];
	uint32_t n = weft__broadcast_peek(&ring, c, weft__broadcast_published(&ring), words, 64, ret_lost);

	if (!n)
		return 0;
	for (uint32_t i = 2; i < n; i++)
		cr_assert_eq(words[i], words[1] + i - 1, "a torn record");
	weft__broadcast_pass(&ring, c, n);
	return words[1] - 1;
}

Test(broadcast, init__rejects_bad_sizes)
{
	cr_assert_eq(weft__broadcast_init(&ring, 0), -EINVAL);
	cr_assert_eq(weft__broadcast_init(&ring, 1000), -EINVAL);
	cr_assert_eq(weft__broadcast_init(&ring, 32), -EINVAL);
}

Test(broadcast, read__in_order_through_many_wraps)
{
	uint64_t rnd = test_seed("broadcast"), lost;
	struct weft__cursor c;

	cr_assert_eq(weft__broadcast_init(&ring, 2048), 0); /* blocks of 32 words */
	c = weft__broadcast_oldest(&ring);
	cr_assert_eq(read_one(&c, &lost), 0, "empty");
	for (uint64_t i = 1; i < 20000; i++) {
		write_one(i * 1000, 2 + test_below(&rnd, 30)); /* pads of every length */
		cr_assert_eq(read_one(&c, &lost), i * 1000);
		cr_assert_eq(lost, 0);
	}
	weft__broadcast_fini(&ring);
}

Test(broadcast, newest__sees_only_what_comes_after)
{
	struct weft__cursor newest, oldest;
	uint64_t lost;

	cr_assert_eq(weft__broadcast_init(&ring, 1024), 0);
	write_one(1000, 4);
	newest = weft__broadcast_newest(&ring);
	oldest = weft__broadcast_oldest(&ring);
	write_one(2000, 4);
	cr_assert_eq(read_one(&newest, &lost), 2000);
	cr_assert_eq(read_one(&oldest, &lost), 1000);
	cr_assert_eq(read_one(&oldest, &lost), 2000);
	weft__broadcast_fini(&ring);
}

/* A slow reader beside a fast one: what the slow one reads and loses adds up to what was written. */
Test(broadcast, overtaken__counts_what_was_lost_exactly)
{
	uint64_t rnd = test_seed("overtaken"), read = 0, lost_all = 0, written = 0, last = 0, lost;
	struct weft__cursor c;

	cr_assert_eq(weft__broadcast_init(&ring, 2048), 0);
	write_one(++written * 1000, 3);
	c = weft__broadcast_oldest(&ring);
	cr_assert_eq(read_one(&c, &lost), 1000);
	read = last = 1;
	for (int round = 0; round < 2000; round++) {
		for (uint32_t n = test_below(&rnd, 100); n; n--)
			write_one(++written * 1000, 2 + test_below(&rnd, 20));
		for (uint32_t n = test_below(&rnd, 12); n; n--) {
			uint64_t got = read_one(&c, &lost) / 1000;

			if (!got)
				break;
			cr_assert_eq(got, last + lost + 1, "the gap is what was counted");
			last = got;
			lost_all += lost;
			read++;
		}
	}
	for (uint64_t got; (got = read_one(&c, &lost) / 1000); last = got, read++)
		lost_all += lost;
	cr_assert_eq(read + lost_all, written);
	cr_assert_gt(lost_all, 0);
	weft__broadcast_fini(&ring);
}

Test(broadcast, peek__of_part_of_a_record_tells_its_length)
{
	struct weft__cursor c;
	uint64_t words[2], lost;

	cr_assert_eq(weft__broadcast_init(&ring, 2048), 0);
	write_one(5000, 20);
	c = weft__broadcast_oldest(&ring);
	cr_assert_eq(weft__broadcast_peek(&ring, &c, weft__broadcast_published(&ring), words, 2, &lost), 20);
	cr_assert_eq(words[1], 5001);
	cr_assert_eq(read_one(&c, &lost), 5000, "peek does not pass it");
	cr_assert_eq(weft__broadcast_words_max(&ring), 32);
	weft__broadcast_fini(&ring);
}

/* Overtaken before the first read: both kinds of cursor still know where they began. */
Test(broadcast, cursor__overtaken_before_its_first_read_counts_too)
{
	struct weft__cursor fresh, newest, oldest;
	uint64_t lost;

	cr_assert_eq(weft__broadcast_init(&ring, 1024), 0);
	fresh = weft__broadcast_newest(&ring);
	for (uint64_t i = 1; i <= 5; i++)
		write_one(i * 1000, 8);
	newest = weft__broadcast_newest(&ring);
	oldest = weft__broadcast_oldest(&ring);
	for (uint64_t i = 6; i <= 105; i++) /* the ring has room for 16 */
		write_one(i * 1000, 8);
	cr_assert_eq(read_one(&fresh, &lost), 91000, "the last has begun a block of two: 15 are left");
	cr_assert_eq(lost, 90);
	cr_assert_eq(read_one(&newest, &lost), 91000);
	cr_assert_eq(lost, 85, "five were there before it");
	cr_assert_eq(read_one(&oldest, &lost), 91000);
	cr_assert_eq(lost, 90, "the five were its own");
	cr_assert_eq(read_one(&oldest, &lost), 92000);
	cr_assert_eq(lost, 0, "told once");
	weft__broadcast_fini(&ring);
}

/* A pad at the end of each block: cursors stand at records all the same. */
Test(broadcast, cursor__beside_a_pad)
{
	struct weft__cursor newest, oldest;
	uint64_t lost, first;

	cr_assert_eq(weft__broadcast_init(&ring, 1024), 0);
	for (uint64_t i = 1; i <= 100; i++) {
		uint64_t there = i < 15 ? i : 15 + (i - 1) % 2; /* seven blocks of two, and the one being filled */

		write_one(i * 1000, 7); /* two fill a block of 16 words but for a pad of 2 */
		newest = weft__broadcast_newest(&ring);
		oldest = weft__broadcast_oldest(&ring);
		cr_assert_eq(read_one(&newest, &lost), 0, "record %lu", (unsigned long)i);
		first = read_one(&oldest, &lost);
		cr_assert_eq(lost, 0);
		cr_assert_eq(first, (i - there + 1) * 1000, "record %lu", (unsigned long)i);
		for (uint64_t want = first + 1000; want <= i * 1000; want += 1000)
			cr_assert_eq(read_one(&oldest, &lost), want);
		cr_assert_eq(read_one(&oldest, &lost), 0);
	}
	weft__broadcast_fini(&ring);
}

Test(broadcast, peek__stops_at_the_limit)
{
	struct weft__cursor c;
	uint64_t words[8], lost, limit;

	cr_assert_eq(weft__broadcast_init(&ring, 1024), 0);
	c = weft__broadcast_newest(&ring);
	write_one(1000, 8);
	limit = weft__broadcast_published(&ring);
	write_one(2000, 8);
	cr_assert_eq(weft__broadcast_peek(&ring, &c, limit, words, 8, &lost), 8);
	weft__broadcast_pass(&ring, &c, 8);
	cr_assert_eq(weft__broadcast_peek(&ring, &c, limit, words, 8, &lost), 0, "published after the limit was taken");
	for (uint64_t i = 3; i <= 105; i++)
		write_one(i * 1000, 8);
	cr_assert_eq(weft__broadcast_peek(&ring, &c, limit, words, 8, &lost), 0, "all before it are overwritten");
	cr_assert_eq(lost, 0, "not told yet");
	cr_assert_eq(read_one(&c, &lost), 91000);
	cr_assert_eq(lost, 89);
	weft__broadcast_fini(&ring);
}
