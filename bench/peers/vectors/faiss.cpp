// SPDX-License-Identifier: Apache-2.0
// bench/peers/vectors/faiss.cpp - the items by faiss: IndexHNSWFlat with M 16, efConstruction 200, and IndexFlatIP.
#include <faiss/IndexFlat.h>
#include <faiss/IndexHNSW.h>
#include <faiss/index_io.h>
#include <faiss/utils/distances.h>
#include <omp.h>

#include "bench/peers/vectors/harness.h"

static uint32_t take(const faiss::Index &index, const float *query, uint32_t k, uint32_t *ids)
{
	thread_local std::vector<float> scores;
	thread_local std::vector<faiss::Index::idx_t> found;
	uint32_t n = 0;

	scores.resize(k);
	found.resize(k);
	index.search(1, query, k, scores.data(), found.data());
	for (uint32_t i = 0; i < k; i++)
		if (found[i] >= 0)
			ids[n++] = uint32_t(found[i]);
	return n;
}

struct Index {
	static constexpr bool can_replace = false, can_mix = false;
	std::unique_ptr<faiss::IndexHNSW> graph;

	Index(const vectors &v, uint32_t) : graph(new faiss::IndexHNSWFlat(int(v.dims), 16, faiss::METRIC_INNER_PRODUCT))
	{
		graph->hnsw.efConstruction = 200;
		omp_set_num_threads(1);
	}
	void add(uint32_t, const float *row) { graph->add(1, row); }
	void add_all(const vectors &v, unsigned threads)
	{
		omp_set_num_threads(int(threads));
		graph->add(v.count, v.rows);
		omp_set_num_threads(1);
	}
	void erase(uint32_t) {}
	void replace(uint32_t, const float *) {}
	void width(uint32_t ef) { graph->hnsw.efSearch = int(ef); }
	uint32_t search(const float *query, uint32_t k, uint32_t *ids) const { return take(*graph, query, k, ids); }
	void save(const std::string &path) { faiss::write_index(graph.get(), path.c_str()); }
	void load(const std::string &path) { graph.reset(dynamic_cast<faiss::IndexHNSW *>(faiss::read_index(path.c_str()))); }
};

struct Scan {
	faiss::IndexFlatIP rows;

	explicit Scan(const vectors &v) : rows(v.dims)
	{
		omp_set_num_threads(1);
		rows.add(v.count, v.rows);
	}
	uint32_t search(const float *query, uint32_t k, uint32_t *ids) const { return take(rows, query, k, ids); }
};

struct Kernel {
	size_t dims;

	explicit Kernel(size_t n) : dims(n) {}
	float operator()(const float *a, const float *b) const { return faiss::fvec_inner_product(a, b, dims); }
};

int main(int argc, char **argv)
{
	return harness<Index, Scan, Kernel>(argc, argv);
}
