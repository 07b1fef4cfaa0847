/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: workers take cores before hyper-threads and stay near each other, on any machine that sysfs describes, and on one
 * that it does not. Method: small copies of sysfs in a temporary folder.
 */
#include "runtime/sched/placement.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char root[64];

static void make_root(void)
{
	strcpy(root, "/tmp/weft-sysfs-XXXXXX");
	cr_assert(mkdtemp(root));
}

static void remove_root(void)
{
	char command[128];

	snprintf(command, sizeof(command), "rm -r %s", root);
	cr_assert_eq(system(command), 0);
}

TestSuite(placement, .init = make_root, .fini = remove_root);

static void put(const char *path, const char *text)
{
	char full[256];
	FILE *f;

	snprintf(full, sizeof(full), "%s/%s", root, path);
	for (char *slash = full + strlen(root) + 1; (slash = strchr(slash, '/')); slash++) {
		*slash = '\0';
		mkdir(full, 0700);
		*slash = '/';
	}
	f = fopen(full, "w");
	cr_assert(f);
	fputs(text, f);
	fclose(f);
}

static void put_siblings(int cpu, const char *list)
{
	char path[128];

	snprintf(path, sizeof(path), "devices/system/cpu/cpu%d/topology/thread_siblings_list", cpu);
	put(path, list);
}

/* Two sockets of four cores, two threads each: core c has the threads c and c + 8. */
static void two_sockets(void)
{
	char list[32];

	for (int cpu = 0; cpu < 16; cpu++) {
		snprintf(list, sizeof(list), "%d,%d\n", cpu % 8, cpu % 8 + 8);
		put_siblings(cpu, list);
	}
	put("devices/system/node/node0/cpulist", "0-3,8-11\n");
	put("devices/system/node/node1/cpulist", "4-7,12-15\n");
}

static void expect_order(const int *cpus, uint32_t count, const int *expected)
{
	int got[32];

	memcpy(got, cpus, count * sizeof(*cpus));
	weft__cpus_order(root, got, count);
	for (uint32_t i = 0; i < count; i++)
		cr_expect_eq(got[i], expected[i], "place %u: cpu %d, expected %d", i, got[i], expected[i]);
}

Test(placement, order__cores_before_threads_and_nodes_together)
{
	static const int all[16] = { 8, 9, 10, 11, 0, 1, 2, 3, 12, 13, 14, 15, 4, 5, 6, 7 };
	static const int expected[16] = { 8, 9, 10, 11, 12, 13, 14, 15, 0, 1, 2, 3, 4, 5, 6, 7 };

	two_sockets();
	expect_order(all, 16, expected); /* the first listed thread of each core, node 0 then node 1; then the second ones */
}

Test(placement, order__threads_that_are_numbered_in_pairs)
{
	static const int all[8] = { 0, 1, 2, 3, 4, 5, 6, 7 }, expected[8] = { 0, 2, 4, 6, 1, 3, 5, 7 };

	for (int cpu = 0; cpu < 8; cpu++) {
		char list[32];

		snprintf(list, sizeof(list), "%d-%d\n", cpu & ~1, cpu | 1);
		put_siblings(cpu, list);
	}
	expect_order(all, 8, expected);
}

/* A cpuset that leaves some out: the second thread is the first one of its core that may be used. */
Test(placement, order__of_what_may_be_used)
{
	static const int some[5] = { 3, 9, 11, 12, 13 }, expected[5] = { 3, 9, 12, 13, 11 };

	two_sockets();
	expect_order(some, 5, expected);
}

Test(placement, place__says_who_is_near)
{
	two_sockets();
	cr_expect_eq(weft__distance(weft__place_of(root, 1), weft__place_of(root, 9)), WEFT__NEAR_CORE);
	cr_expect_eq(weft__distance(weft__place_of(root, 1), weft__place_of(root, 10)), WEFT__NEAR_NODE);
	cr_expect_eq(weft__distance(weft__place_of(root, 1), weft__place_of(root, 5)), WEFT__FAR);
}

Test(placement, nothing_known__is_a_core_each_and_one_node)
{
	static const int all[4] = { 4, 5, 6, 7 };

	expect_order(all, 4, all);
	cr_expect_eq(weft__place_of(root, 6).core, 6);
	cr_expect_eq(weft__place_of(root, 6).node, 0);
}

Test(placement, garbage__is_as_nothing)
{
	static const char *const texts[] = { "", "\n", "x", "-3", "7-", "9-2", "99999999999999999999", "1,,2", "\xff\xff" };

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		put_siblings(3, texts[i]);
		put("devices/system/node/node0/cpulist", texts[i]);
		cr_expect_eq(weft__place_of(root, 3).core, 3, "'%s'", texts[i]);
		cr_expect_eq(weft__place_of(root, 3).node, 0, "'%s'", texts[i]);
	}
}
