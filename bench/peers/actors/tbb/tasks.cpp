// SPDX-License-Identifier: Apache-2.0
//
// oneTBB: no actors, but the tasks that those are measured by who only want to join work. The thread that waits for a
// task_group runs its tasks meanwhile.
//
//   tasks-tbb ITEM WORKERS REPETITIONS      prints one line of JSON a figure
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <string>
#include <sys/resource.h>
#include <time.h>
#include <vector>

#include <tbb/global_control.h>
#include <tbb/task_arena.h>
#include <tbb/task_group.h>

using u64 = uint64_t;

static int repetitions;

static u64 now()
{
	timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return u64(t.tv_sec) * 1000000000ull + u64(t.tv_nsec);
}

// One to warm up, then those that count; `one` does the work, its time is divided by `per`.
static void measure(const std::string &item, const char *unit, double per, const std::function<void()> &one)
{
	rusage r;
	std::string values;
	for (int i = -1; i < repetitions; i++) {
		u64 start = now();
		one();
		double took = double(now() - start) / per;
		if (i >= 0)
			values += (values.empty() ? "" : ",") + std::to_string(took);
	}
	getrusage(RUSAGE_SELF, &r);
	printf("{\"item\":\"%s\",\"unit\":\"%s\",\"peak_rss_mb\":%.1f,\"values\":[%s]}\n", item.c_str(), unit,
	       double(r.ru_maxrss) / 1024, values.c_str());
}

static u64 fib(u64 n)
{
	u64 a = 0, b = 0;
	if (n <= 2)
		return 1;
	tbb::task_group both;
	both.run([&] { a = fib(n - 1); });
	both.run([&] { b = fib(n - 2); });
	both.wait();
	return a + b;
}

static u64 sky(u64 number, u64 size)
{
	u64 sums[10], sum = 0;
	if (size == 1)
		return number;
	tbb::task_group children;
	for (u64 i = 0; i < 10; i++)
		children.run([&sums, i, number, size] { sums[i] = sky(number + i * (size / 10), size / 10); });
	children.wait();
	for (u64 s : sums)
		sum += s;
	return sum;
}

static volatile u64 computed;

static void compute()
{
	u64 x = 88172645463325252ull;
	for (int i = 0; i < 60; i++) {
		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
	}
	computed = x;
}

static void tasks(u64 n, u64 batches)
{
	for (u64 b = 0; b < batches; b++) {
		tbb::task_group batch;
		for (u64 i = 0; i < n; i++)
			batch.run(compute);
		batch.wait();
	}
}

// Every answer is known.
static void expect(bool right)
{
	if (!right)
		abort();
}

static int run(const std::string &item)
{
	const u64 batches = 2000;
	u64 n = u64(atoi(item.c_str() + item.rfind('-') + 1));
	if (item == "fibonacci")
		measure(item, "ms", 1e6, [] { expect(fib(25) == 75025); });
	else if (item == "skynet")
		measure(item, "ms", 1e6, [] { expect(sky(0, 1000000) == 499999500000ull); });
	else if (item.rfind("tasks-", 0) == 0 && n > 0) // the thread that joins is one of the workers: -foreign is the same
		measure(item, "us", 1e3 * batches, [&] { tasks(n, batches); });
	else
		return 3; // not here
	return 0;
}

int main(int argc, char **argv)
{
	if (argc != 4) {
		fprintf(stderr, "usage: tasks-tbb ITEM WORKERS REPETITIONS\n");
		return 2;
	}
	repetitions = atoi(argv[3]);
	tbb::global_control limit(tbb::global_control::max_allowed_parallelism, size_t(atoi(argv[2])));
	return run(argv[1]);
}
