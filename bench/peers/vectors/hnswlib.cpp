// SPDX-License-Identifier: Apache-2.0
// bench/peers/vectors/hnswlib.cpp - the items by hnswlib: M 16, ef_construction 200, inner product of normalised rows.
#include <hnswlib/hnswlib.h>

#include "bench/peers/vectors/harness.h"

static uint32_t take(std::priority_queue<std::pair<float, hnswlib::labeltype>> &found, uint32_t *ids)
{
	uint32_t n = uint32_t(found.size());
	for (uint32_t i = n; i-- > 0; found.pop())
		ids[i] = uint32_t(found.top().second);
	return n;
}

struct Index {
	static constexpr bool can_replace = true, can_mix = true;
	hnswlib::InnerProductSpace space;
	std::unique_ptr<hnswlib::HierarchicalNSW<float>> graph;
	uint32_t capacity;

	Index(const vectors &v, uint32_t rows)
		: space(v.dims), graph(new hnswlib::HierarchicalNSW<float>(&space, rows, 16, 200)), capacity(rows)
	{
	}
	void add(uint32_t id, const float *row) { graph->addPoint(row, id); }
	void add_all(const vectors &v, unsigned threads)
	{
		std::atomic<uint32_t> next{1};
		std::vector<std::thread> workers;
		add(0, vectors_row(&v, 0)); // the first one alone: the others start from it
		for (unsigned t = 0; t < threads; t++)
			workers.emplace_back([&] {
				for (uint32_t i; (i = next++) < v.count;)
					add(i, vectors_row(&v, i));
			});
		for (auto &w : workers)
			w.join();
	}
	void erase(uint32_t id) { graph->markDelete(id); }
	void replace(uint32_t id, const float *row)
	{
		graph->markDelete(id);
		graph->addPoint(row, id);
	}
	void width(uint32_t ef) { graph->setEf(ef); }
	uint32_t search(const float *query, uint32_t k, uint32_t *ids) const
	{
		auto found = graph->searchKnn(query, k);
		return take(found, ids);
	}
	void save(const std::string &path) { graph->saveIndex(path); }
	void load(const std::string &path) { graph.reset(new hnswlib::HierarchicalNSW<float>(&space, path, false, capacity)); }
};

struct Scan {
	hnswlib::InnerProductSpace space;
	hnswlib::BruteforceSearch<float> rows;

	explicit Scan(const vectors &v) : space(v.dims), rows(&space, v.count)
	{
		for (uint32_t i = 0; i < v.count; i++)
			rows.addPoint(vectors_row(&v, i), i);
	}
	uint32_t search(const float *query, uint32_t k, uint32_t *ids) const
	{
		auto found = rows.searchKnn(query, k);
		return take(found, ids);
	}
};

struct Kernel {
	hnswlib::InnerProductSpace space;
	hnswlib::DISTFUNC<float> distance;
	void *dims;

	explicit Kernel(size_t n) : space(n), distance(space.get_dist_func()), dims(space.get_dist_func_param()) {}
	float operator()(const float *a, const float *b) const { return distance(a, b, dims); }
};

int main(int argc, char **argv)
{
	return harness<Index, Scan, Kernel>(argc, argv);
}
