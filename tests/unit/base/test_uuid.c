/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: ids are UUIDs of version 7, sort as they were made, and never repeat: not between
 * threads, not after a fork, not when the wall clock steps back.
 * Method: bits are checked against RFC 9562; the clock is replaced where it matters.
 */
#include <weft/uuid.h>

#include <criterion/criterion.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "runtime/base/clock.h"

static uint64_t ms_of(weft_uuid id)
{
	uint64_t ms = 0;

	for (int i = 0; i < 6; i++)
		ms = ms << 8 | id.bytes[i];
	return ms;
}

static int order(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(weft_uuid));
}

Test(uuid, v7__has_version_variant_and_time)
{
	for (int i = 0; i < 1000; i++) {
		int64_t before = weft_wall_ms();
		weft_uuid id = weft_uuid_v7();

		cr_assert_eq(id.bytes[6] >> 4, 7);
		cr_assert_eq(id.bytes[8] >> 6, 2);
		cr_assert_geq((int64_t)ms_of(id), before - 1);
		cr_assert_leq((int64_t)ms_of(id), weft_wall_ms());
	}
}

Test(uuid, v7__sorts_within_a_thread)
{
	weft_uuid last = weft_uuid_v7();

	for (int i = 0; i < 300000; i++) { /* several milliseconds' worth */
		weft_uuid id = weft_uuid_v7();

		cr_assert_lt(order(&last, &id), 0);
		last = id;
	}
}

#define PER_THREAD 20000
#define THREADS 4

static void *make_many(void *user)
{
	weft_uuid *ids = user;

	for (int i = 0; i < PER_THREAD; i++)
		ids[i] = weft_uuid_v7();
	return NULL;
}

Test(uuid, v7__differs_between_threads)
{
	static weft_uuid ids[THREADS * PER_THREAD];
	pthread_t threads[THREADS];

	for (int i = 0; i < THREADS; i++)
		cr_assert_eq(pthread_create(&threads[i], NULL, make_many, ids + i * PER_THREAD), 0);
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	qsort(ids, THREADS * PER_THREAD, sizeof(ids[0]), order);
	for (int i = 1; i < THREADS * PER_THREAD; i++)
		cr_assert_neq(order(&ids[i - 1], &ids[i]), 0);
}

Test(uuid, v7__differs_after_fork)
{
	weft_uuid mine, childs;
	int fds[2], status;
	pid_t child;

	weft_uuid_v7();
	cr_assert_eq(pipe(fds), 0);
	child = fork();
	if (child == 0) {
		childs = weft_uuid_v7();
		_exit(write(fds[1], &childs, sizeof(childs)) == (ssize_t)sizeof(childs) ? 0 : 1);
	}
	mine = weft_uuid_v7();
	cr_assert_eq(read(fds[0], &childs, sizeof(childs)), (ssize_t)sizeof(childs));
	cr_assert_eq(waitpid(child, &status, 0), child);
	cr_expect_neq(memcmp(mine.bytes + 6, childs.bytes + 6, 10), 0, "the same random bits");
}

static uint64_t fake_ns;
static int64_t fake_ms;

static uint64_t now_ns(void *user)
{
	(void)user;
	return fake_ns += 1000000; /* so that the wall clock is read each time */
}

static int64_t wall_ms(void *user)
{
	(void)user;
	return fake_ms;
}

Test(uuid, v7__sorts_when_the_clock_steps_back)
{
	struct weft__clock_source source = { now_ns, wall_ms, NULL };
	weft_uuid a, b, c;

	fake_ms = 1700000000000;
	weft__clock_source_set(&source);
	a = weft_uuid_v7();
	fake_ms -= 5000;
	b = weft_uuid_v7();
	fake_ms += 6000;
	c = weft_uuid_v7();
	weft__clock_source_set(NULL);
	cr_expect_eq(ms_of(a), 1700000000000u);
	cr_expect_eq(ms_of(b), ms_of(a), "stays until it is passed again");
	cr_expect_eq(ms_of(c), 1700000001000u);
	cr_expect_lt(order(&a, &b), 0);
	cr_expect_lt(order(&b, &c), 0);
}

Test(uuid, format_and_parse__are_inverse)
{
	for (int i = 0; i < 100; i++) {
		weft_uuid id = weft_uuid_v7(), back;
		char text[WEFT_UUID_TEXT_LEN + 1] = { 0 };

		weft_uuid_format(id, text);
		cr_assert_eq(strlen(text), WEFT_UUID_TEXT_LEN);
		cr_assert_eq(weft_uuid_parse(weft_str_from(text), &back), 0);
		cr_assert(weft_uuid_eq(id, back));
		cr_assert_eq(weft_uuid_hash(id), weft_uuid_hash(back));
	}
}

Test(uuid, parse__takes_any_version_and_case)
{
	char text[WEFT_UUID_TEXT_LEN];
	weft_uuid id;

	cr_assert_eq(weft_uuid_parse(WEFT_STR("017F22E2-79B0-4CC3-98C4-DC0C0C07398F"), &id), 0);
	cr_expect_eq(id.bytes[0], 0x01);
	cr_expect_eq(id.bytes[15], 0x8f);
	weft_uuid_format(id, text);
	cr_expect_eq(memcmp(text, "017f22e2-79b0-4cc3-98c4-dc0c0c07398f", WEFT_UUID_TEXT_LEN), 0);
	cr_assert_eq(weft_uuid_parse(WEFT_STR("00000000-0000-0000-0000-000000000000"), &id), 0);
	cr_expect(weft_uuid_is_nil(id));
	cr_expect_not(weft_uuid_is_nil(weft_uuid_v7()));
}

/* What the character at a place of an all-zero id stands for; -1: it may not stand there. */
static int expected_at(int place, unsigned char c)
{
	if (place == 8 || place == 13 || place == 18 || place == 23)
		return c == '-' ? 0 : -1;
	if (c >= '0' && c <= '9')
		return c - '0';
	if ((c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'))
		return (c | 0x20) - 'a' + 10;
	return -1;
}

Test(uuid, parse__knows_every_byte_at_every_place)
{
	char text[] = "00000000-0000-0000-0000-000000000000";

	for (int place = 0, digit = 0; place < WEFT_UUID_TEXT_LEN; place++) {
		char was = text[place];

		for (int c = 0; c < 256; c++) {
			int want = expected_at(place, (unsigned char)c);
			weft_uuid id;

			text[place] = (char)c;
			cr_assert_eq(weft_uuid_parse((weft_str){ text, WEFT_UUID_TEXT_LEN }, &id), want < 0 ? -EINVAL : 0, "%d at %d", c, place);
			if (want > 0)
				cr_assert_eq(id.bytes[digit / 2], digit % 2 ? want : want << 4, "%c at %d", c, place);
		}
		text[place] = was;
		digit += was != '-';
	}
}

Test(uuid, parse__refuses_what_is_not_one)
{
	static const char *const bad[] = {
		"",
		"017f22e2",
		"017f22e2-79b0-7cc3-98c4-dc0c0c07398",
		"017f22e2-79b0-7cc3-98c4-dc0c0c07398f0",
		"017f22e2+79b0-7cc3-98c4-dc0c0c07398f",
		"017f22e279b0-7cc3-98c4-dc0c0c07398f-a",
		"017f22e2-79b0-7cc3-98c4-dc0c0c07398g",
		"g17f22e2-79b0-7cc3-98c4-dc0c0c073980",
		"{17f22e2-79b0-7cc3-98c4-dc0c0c07398}",
	};
	weft_uuid id;

	memset(&id, 0x55, sizeof(id));
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		cr_expect_eq(weft_uuid_parse(weft_str_from(bad[i]), &id), -EINVAL, "%s", bad[i]);
	cr_expect_eq(id.bytes[0], 0x55, "untouched");
	cr_expect_eq(weft_uuid_parse((weft_str){ NULL, 0 }, &id), -EINVAL);
	cr_expect_eq(weft_uuid_parse(WEFT_STR("00000000-0000-0000-0000-000000000000"), NULL), -EINVAL);
}
