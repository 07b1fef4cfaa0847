// SPDX-License-Identifier: Apache-2.0
//
// bench/peers/vectors/harness.h - the items of the suite `vectors`, for an index of any library.
//
// The library's program defines `struct Index`:
//
//   Index(const vectors &v, uint32_t capacity)       empty, for rows of v's dimensions
//   void add(uint32_t id, const float *row)          by one thread
//   void add_all(const vectors &v, unsigned threads) rows 0 .. count-1
//   void width(uint32_t ef)                          how widely the next searches look
//   uint32_t search(const float *query, uint32_t k, uint32_t *ids)
//   void save(const std::string &path)   void load(const std::string &path)
//   static constexpr bool can_replace, can_mix       has deletes; may be searched while it is written
//   void erase(uint32_t id)   void replace(uint32_t id, const float *row)
//
// and `struct Scan`, exact: Scan(const vectors &v), search; and `struct Kernel`, the arithmetic below both: Kernel(size_t dims),
// float operator()(const float *a, const float *b). Then: int main(...) { return harness<Index, Scan, Kernel>(argc, argv); }
//
// PROGRAM ITEM WORKERS REPETITIONS DATA SETS: sets are looked for in SETS, then in DATA. An answer is right when
// tests/support/vectors.h says so, for everybody alike. A width is the least at which the recall is reached, or twice, four
// times .. that where it is faster so.
#pragma once
#include <algorithm>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <sys/mman.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "tests/support/vectors.h"

constexpr uint32_t TOP = 10, EF_MAX = 1024;
constexpr uint64_t SEED = 20250101; // as bench/memory/memory.h has it
constexpr int NOT_HERE = 3;
constexpr double WINDOW_S = 0.1;

struct Options {
	std::string item, data, sets;
	unsigned workers, repetitions;
};

inline double now_s()
{
	timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return double(t.tv_sec) + double(t.tv_nsec) * 1e-9;
}

inline double resident_bytes()
{
	long pages = 0, resident = 0;
	FILE *f = fopen("/proc/self/statm", "r");
	if (f && fscanf(f, "%ld %ld", &pages, &resident) != 2)
		resident = 0;
	if (f)
		fclose(f);
	return double(resident) * double(sysconf(_SC_PAGESIZE));
}

// ---- figures --------------------------------------------------------------------------------------------

struct Extra {
	double recall = -1;
	uint32_t ef = 0;
};

inline void print(const std::string &item, const char *unit, const std::vector<double> &values, Extra extra = {})
{
	rusage use;
	getrusage(RUSAGE_SELF, &use);
	printf("{\"item\": \"%s\", \"unit\": \"%s\", \"values\": [", item.c_str(), unit);
	for (size_t i = 0; i < values.size(); i++)
		printf("%s%.6g", i ? ", " : "", values[i]);
	printf("], \"peak_rss_mb\": %.1f", double(use.ru_maxrss) / 1024);
	if (extra.recall >= 0)
		printf(", \"recall\": %.4f", extra.recall);
	if (extra.ef)
		printf(", \"ef\": %u", extra.ef);
	puts("}");
	fflush(stdout);
}

inline double percentile(std::vector<double> values, double share)
{
	std::sort(values.begin(), values.end());
	return values[std::min(values.size() - 1, size_t(share * double(values.size())))];
}

// ---- sets -----------------------------------------------------------------------------------------------

inline vectors load(const Options &o, const std::string &set)
{
	char why[1200];
	vectors v{};
	if (vectors_load(&v, o.sets.c_str(), set.c_str(), why, sizeof(why)) < 0 &&
	    vectors_load(&v, o.data.c_str(), set.c_str(), why, sizeof(why)) < 0) {
		fprintf(stderr, "%s\n", why);
		exit(access((o.data + "/" + set).c_str(), F_OK) == 0 ? 1 : NOT_HERE);
	}
	return v;
}

// ---- searching --------------------------------------------------------------------------------------------

using Search = std::function<uint32_t(uint32_t query, uint32_t *ids)>;

inline double recall_of(const vectors &v, const Search &search)
{
	uint64_t right = 0, wanted = 0;
	for (uint32_t q = 0; q < v.query_count; q++) {
		uint32_t ids[TOP];
		std::fill(ids, ids + TOP, VECTORS_NONE);
		search(q, ids);
		right += vectors_right(&v, q, ids, TOP);
		wanted += vectors_wanted(&v, q, TOP);
	}
	return wanted ? double(right) / double(wanted) : 1;
}

// Microseconds a query, over all threads together: a value a repetition, after one to warm up.
inline std::vector<double> time_of(const vectors &v, unsigned threads, unsigned repetitions, const Search &search)
{
	std::vector<double> values;
	for (unsigned n = 0; n <= repetitions; n++) {
		std::atomic<uint64_t> done{0};
		std::vector<std::thread> others;
		double start = now_s();
		auto work = [&](unsigned t) {
			uint32_t ids[TOP];
			uint64_t mine = 0;
			do
				for (uint32_t q = t; q < v.query_count; q += threads, mine++)
					search(q, ids);
			while (now_s() - start < WINDOW_S);
			done += mine;
		};
		for (unsigned t = 1; t < threads; t++)
			others.emplace_back(work, t);
		work(0);
		for (auto &t : others)
			t.join();
		if (n > 0)
			values.push_back((now_s() - start) * 1e6 / double(done));
	}
	return values;
}

// The least width at which the recall is reached; 0 when none does.
template <class I> uint32_t width_for(I &index, double aim, const std::function<double()> &recall)
{
	uint32_t low = TOP - 1, high = TOP;
	for (;; low = high, high *= 2) {
		index.width(std::min(high, EF_MAX));
		if (recall() >= aim)
			break;
		if (high >= EF_MAX)
			return 0;
	}
	high = std::min(high, EF_MAX);
	while (high - low > std::max(1u, low / 16)) {
		uint32_t middle = (low + high) / 2;
		index.width(middle);
		(recall() >= aim ? high : low) = middle;
	}
	index.width(high);
	return high;
}

inline double pass_s(const vectors &v, const Search &search)
{
	double best = 1e9;
	for (int i = 0; i < 2; i++) {
		uint32_t ids[TOP];
		double start = now_s();
		for (uint32_t q = 0; q < v.query_count; q++)
			search(q, ids);
		best = std::min(best, now_s() - start);
	}
	return best;
}

// The least width is not always the fastest: a filter may leave too few, and then more has to be asked for.
template <class I> uint32_t faster_width(I &index, uint32_t ef, const vectors &v, const Search &search)
{
	double best = pass_s(v, search);
	for (; ef * 2 <= EF_MAX; ef *= 2) {
		index.width(ef * 2);
		double spent = pass_s(v, search);
		if (spent >= best * 0.95) {
			index.width(ef);
			break;
		}
		best = spent;
	}
	return ef;
}

template <class I>
void search_at(I &index, const vectors &v, const Options &o, const std::string &name, double aim, const Search &search)
{
	auto recall = [&] { return recall_of(v, search); };
	uint32_t ef = width_for(index, aim, recall);
	if (ef)
		ef = faster_width(index, ef, v, search);
	if (ef)
		print(name, "us", time_of(v, o.workers, o.repetitions, search), {recall(), ef});
	else
		printf("{\"item\": \"%s\", \"why\": \"recall %.4f at width %u\"}\n", name.c_str(), recall(), EF_MAX);
}

// ---- items --------------------------------------------------------------------------------------------------

template <class S> int exact(const Options &o)
{
	for (const char *set : {"exact-1000x768", "exact-10000x384"}) {
		vectors v = load(o, set);
		S scan(v);
		auto search = [&](uint32_t q, uint32_t *ids) { return scan.search(vectors_query(&v, q), TOP, ids); };
		print(set, "us", time_of(v, 1, o.repetitions, search), {recall_of(v, search)});
		vectors_free(&v);
	}
	return 0;
}

// Build, search at two recalls; on one thread also bytes, save and open.
template <class I> int graph(const Options &o)
{
	const std::string &set = o.item;
	vectors v = load(o, set);
	double before = resident_bytes(), start = now_s();
	I index(v, v.count);
	index.add_all(v, o.workers);
	print(set + "-build", "us", {(now_s() - start) * 1e6 / v.count});
	if (o.workers == 1)
		print(set + "-bytes", "bytes", {(resident_bytes() - before) / v.count});
	auto search = [&](uint32_t q, uint32_t *ids) { return index.search(vectors_query(&v, q), TOP, ids); };
	search_at(index, v, o, set + "-search-95", 0.95, search);
	search_at(index, v, o, set + "-search-99", 0.99, search);
	if (o.workers == 1) {
		start = now_s();
		index.save("saved.index");
		double saved = now_s();
		index.load("saved.index");
		print(set + "-save", "ms", {(saved - start) * 1e3});
		print(set + "-open", "ms", {(now_s() - saved) * 1e3});
		remove("saved.index");
	}
	vectors_free(&v);
	return 0;
}

template <class I> int strange(const Options &o)
{
	vectors v = load(o, "notes384");
	I index(v, v.count);
	index.add_all(v, 2);
	v.query_count = std::min(v.query_count, 300u); // their truth takes a loop over all rows
	vectors_stray(&v, SEED);
	if (vectors_find_truth(&v, TOP, nullptr, nullptr) < 0)
		return 1;
	auto search = [&](uint32_t q, uint32_t *ids) { return index.search(vectors_query(&v, q), TOP, ids); };
	search_at(index, v, o, "strange-95", 0.95, search);
	search_at(index, v, o, "strange-99", 0.99, search);
	vectors_free(&v);
	return 0;
}

// A row is allowed by chance, the same for everybody (bench/memory/graph.c).
inline bool is_allowed(uint32_t row, unsigned percent)
{
	uint64_t seed = row;
	return vectors_random(&seed) % 100 < percent;
}

// These releases filter nothing: more and more is asked for until ten of what came are allowed.
template <class I> uint32_t search_allowed(I &index, const float *query, const std::vector<bool> &allowed, uint32_t first, uint32_t *ids)
{
	thread_local std::vector<uint32_t> found;
	uint32_t count = uint32_t(allowed.size());
	for (uint32_t k = std::min(first, count);; k = std::min(k * 2, count)) {
		found.assign(k, VECTORS_NONE);
		uint32_t n = index.search(query, k, found.data()), kept = 0;
		for (uint32_t i = 0; i < n && kept < TOP; i++)
			if (found[i] != VECTORS_NONE && allowed[found[i]])
				ids[kept++] = found[i];
		if (kept == TOP || k == count)
			return kept;
	}
}

template <class I> int filter(const Options &o)
{
	vectors v = load(o, "notes384");
	v.query_count = std::min(v.query_count, 300u);
	I index(v, v.count);
	index.add_all(v, 2);
	for (unsigned percent : {1u, 10u, 50u}) {
		std::vector<bool> allowed(v.count);
		for (uint32_t i = 0; i < v.count; i++)
			allowed[i] = is_allowed(i, percent);
		auto allows = [](const vectors *, uint32_t row, void *user) { return bool((*static_cast<std::vector<bool> *>(user))[row]); };
		if (vectors_find_truth(&v, TOP, allows, &allowed) < 0)
			return 1;
		auto search = [&](uint32_t q, uint32_t *ids) {
			return search_allowed(index, vectors_query(&v, q), allowed, TOP * 120 / percent, ids);
		};
		search_at(index, v, o, "filter-" + std::to_string(percent), 0.99, search);
	}
	vectors_free(&v);
	return 0;
}

inline void draw(std::vector<uint32_t> &order, uint32_t part, uint64_t &seed)
{
	for (uint32_t i = 0; i < part; i++)
		std::swap(order[i], order[i + vectors_random(&seed) % (order.size() - i)]);
}

// Is the id among the nearest to its own vector?
template <class I> bool is_found(const I &index, uint32_t id, const float *row)
{
	uint32_t ids[TOP], n = index.search(row, TOP, ids);
	return std::find(ids, ids + n, id) != ids + n;
}

// Half of the rows go; then every other is looked for, and the queries are asked again.
template <class I> int erase(const Options &o)
{
	if constexpr (!I::can_replace)
		return NOT_HERE;
	vectors v = load(o, "notes384");
	I index(v, v.count);
	index.add_all(v, 2);
	std::vector<uint32_t> order(v.count);
	std::vector<bool> left(v.count, true);
	for (uint32_t i = 0; i < v.count; i++)
		order[i] = i;
	uint64_t seed = 5;
	draw(order, v.count / 2, seed);
	double start = now_s();
	for (uint32_t i = 0; i < v.count / 2; i++) {
		index.erase(order[i]);
		left[order[i]] = false;
	}
	double spent = now_s() - start;
	index.width(128);
	uint32_t lost = 0;
	for (uint32_t i = 0; i < v.count; i++)
		lost += left[i] && !is_found(index, i, vectors_row(&v, i));
	v.query_count = std::min(v.query_count, 300u);
	auto allows = [](const vectors *, uint32_t row, void *user) { return bool((*static_cast<std::vector<bool> *>(user))[row]); };
	if (vectors_find_truth(&v, TOP, allows, &left) < 0)
		return 1;
	auto search = [&](uint32_t q, uint32_t *ids) { return index.search(vectors_query(&v, q), TOP, ids); };
	print("delete", "us", {spent * 1e6 / (v.count / 2)}, {recall_of(v, search), 128});
	print("delete-lost", "rows", {double(lost)});
	vectors_free(&v);
	return 0;
}

// Half of the set is indexed. Five times a fifth of the rows trade their vectors with some of the other half; then every row is
// looked for, and the queries are asked again.
template <class I> int replace(const Options &o)
{
	if constexpr (!I::can_replace)
		return NOT_HERE;
	vectors v = load(o, "notes384");
	v.count /= 2;
	I index(v, v.count);
	index.add_all(v, 2);
	std::vector<uint32_t> order(v.count);
	for (uint32_t i = 0; i < v.count; i++)
		order[i] = i;
	uint64_t seed = 5;
	uint32_t part = v.count / 5, lost = 0, waiting = 0;
	std::vector<double> values;
	for (int round = 0; round < 5; round++) {
		draw(order, part, seed);
		for (uint32_t i = 0; i < part; i++)
			vectors_swap(&v, order[i], v.count + waiting++ % v.count);
		double start = now_s();
		for (uint32_t i = 0; i < part; i++)
			index.replace(order[i], vectors_row(&v, order[i]));
		values.push_back((now_s() - start) * 1e6 / part);
	}
	index.width(128);
	for (uint32_t i = 0; i < v.count; i++)
		lost += !is_found(index, i, vectors_row(&v, i));
	v.query_count = std::min(v.query_count, 300u);
	if (vectors_find_truth(&v, TOP, nullptr, nullptr) < 0)
		return 1;
	auto search = [&](uint32_t q, uint32_t *ids) { return index.search(vectors_query(&v, q), TOP, ids); };
	print("replace", "us", values, {recall_of(v, search), 128});
	print("replace-lost", "rows", {double(lost)});
	vectors_free(&v);
	return 0;
}

template <class I> int repeated(const Options &o)
{
	vectors v = load(o, "repeated");
	I index(v, v.count);
	index.add_all(v, 2);
	index.width(128);
	auto search = [&](uint32_t q, uint32_t *ids) { return index.search(vectors_query(&v, q), TOP, ids); };
	double recall = recall_of(v, search);
	print("repeated-search", "us", time_of(v, 1, o.repetitions, search), {recall, 128});
	print("repeated-missed", "of 1000", {(1 - recall) * 1000});
	vectors_free(&v);
	return 0;
}

// A reader alone, then beside a writer that adds the second half.
template <class I> int mixed(const Options &o)
{
	if constexpr (!I::can_mix)
		return NOT_HERE;
	vectors v = load(o, "notes384");
	I index(v, v.count);
	uint32_t half = v.count / 2, at = 0;
	for (uint32_t i = 0; i < half; i++)
		index.add(i, vectors_row(&v, i));
	index.width(64);
	auto read_until = [&](const std::function<bool()> &end) {
		std::vector<double> us;
		uint32_t ids[TOP];
		while (!end()) {
			double start = now_s();
			index.search(vectors_query(&v, at++ % v.query_count), TOP, ids);
			us.push_back((now_s() - start) * 1e6);
		}
		return us;
	};
	double start = now_s();
	std::vector<double> alone = read_until([&] { return now_s() - start > 1; });
	std::atomic<bool> stop{false};
	std::vector<double> beside;
	std::thread reader([&] { beside = read_until([&] { return stop.load(); }); });
	start = now_s();
	for (uint32_t i = half; i < v.count; i++)
		index.add(i, vectors_row(&v, i));
	double wrote = now_s() - start;
	stop = true;
	reader.join();
	print("mixed-alone-p50", "us", {percentile(alone, .5)});
	print("mixed-alone-p99", "us", {percentile(alone, .99)});
	print("mixed-p50", "us", {percentile(beside, .5)});
	print("mixed-p99", "us", {percentile(beside, .99)});
	print("mixed-write", "us", {wrote * 1e6 / (v.count - half)});
	vectors_free(&v);
	return 0;
}

// A query against rows that lie one after another, in as much memory as a level of the cache holds (bench/memory/kernels.c).
template <class K> int kernel(const Options &o)
{
	const std::pair<const char *, size_t> levels[] = {{"l1", 24u << 10}, {"l2", 1u << 20}, {"l3", 16u << 20}, {"dram", 512u << 20}};
	for (size_t dims : {128, 384, 768, 1536})
		for (auto [level, bytes] : levels) {
			K kernel(dims);
			size_t rows = bytes / (dims * sizeof(float)), passes = std::max<size_t>(1, (64u << 20) / bytes);
			uint64_t seed = 1;
			void *room = aligned_alloc(2u << 20, std::max<size_t>(bytes, 2u << 20));
			if (!room)
				return 1;
			madvise(room, bytes, MADV_HUGEPAGE);
			float *values = static_cast<float *>(room);
			volatile float sink;
			std::vector<float> query(dims);
			std::vector<double> ns;
			for (size_t i = 0; i < rows * dims; i++)
				values[i] = i < 1u << 18 ? float(vectors_random(&seed) >> 40) / float(1 << 24) - .5f : values[i - (1u << 18)];
			for (float &x : query)
				x = float(vectors_random(&seed) >> 40) / float(1 << 24) - .5f;
			for (unsigned n = 0; n <= o.repetitions; n++) {
				double start = now_s();
				float sum = 0;
				for (size_t pass = 0; pass < passes; pass++)
					for (size_t i = 0; i < rows; i++)
						sum += kernel(query.data(), values + i * dims);
				sink = sum;
				if (n > 0)
					ns.push_back((now_s() - start) * 1e9 / double(passes * rows));
			}
			print("kernel-f32-" + std::to_string(dims) + "-" + level, "ns", ns);
			free(room);
		}
	return 0;
}

template <class I, class S, class K> int harness(int argc, char **argv)
{
	if (argc != 6) {
		fprintf(stderr, "usage: %s ITEM WORKERS REPETITIONS DATA SETS\n", argv[0]);
		return 2;
	}
	Options o{argv[1], argv[4], argv[5], unsigned(std::max(1, atoi(argv[2]))), unsigned(std::max(1, atoi(argv[3])))};
	if (o.item == "kernel")
		return kernel<K>(o);
	if (o.item == "exact")
		return exact<S>(o);
	if (o.item == "strange")
		return strange<I>(o);
	if (o.item == "filter")
		return filter<I>(o);
	if (o.item == "delete")
		return erase<I>(o);
	if (o.item == "replace")
		return replace<I>(o);
	if (o.item == "repeated")
		return repeated<I>(o);
	if (o.item == "mixed")
		return mixed<I>(o);
	return graph<I>(o);
}
