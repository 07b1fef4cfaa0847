/* SPDX-License-Identifier: Apache-2.0 */
/* bench/io/list.c - the items by name. */
#include "bench/io/io.h"

#define ITEM(id_, group_, text, unit_, run_, iterations_, warmup_, ...)                                                \
	{ .id = "io-" id_, .suite = "io", .group = (group_), .description = (text), .unit = (unit_), .run_item = (run_), \
	  .iterations = (iterations_), .warmup = (warmup_), .detail = &(const struct io_detail){ __VA_ARGS__ } }

/* Weighed while the item of that name runs; by itself where that one does not. */
#define BYTES(of_, text, ...)                                                                                           \
	{ .id = "io-" of_ "-bytes", .suite = "io", .group = "streams", .description = (text), .unit = "bytes",          \
	  .run_item = io_streams_bytes, .iterations = 1, .bytes_of = "io-" of_, .detail = &(const struct io_detail){ __VA_ARGS__ } }

const struct bench_micro bench_ios[] = {
	ITEM("streams-1000", "streams", "1,000 streamed answers at once, 50 tokens/s each: processor time an event.", "us",
	     io_streams_cpu, 3, 0, .count = 1000, .tokens = 200, .tokens_per_s = 50),
	ITEM("streams-10000", "streams", "10,000 streamed answers at once, 8 tokens/s each: processor time an event.", "us",
	     io_streams_cpu, 1, 0, .count = 10000, .tokens = 60, .tokens_per_s = 8),
	BYTES("streams-1000", "Resident bytes of one of 1,000 streamed answers, its agent too.", .count = 1000, .tokens = 200,
	      .tokens_per_s = 50),
	BYTES("streams-10000", "Of one of 10,000.", .count = 10000, .tokens = 60, .tokens_per_s = 8),
	ITEM("agents-1000", "agents", "1,000 agents/s, a model of 200 ms, two tool calls each: processor time an agent.", "us",
	     io_agents, 5, 1, .count = 1000),
	ITEM("request", "requests", "A short answer over a connection that is kept, 64 at a time: processor time a request.", "us",
	     io_requests, 5, 1, .count = 10000),
};

const uint32_t bench_io_count = sizeof(bench_ios) / sizeof(bench_ios[0]);
