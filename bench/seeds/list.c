/* SPDX-License-Identifier: Apache-2.0 */
/* bench/seeds/list.c - the items by name. What was published of each stands in published.c. */
#include "bench/seeds/seeds.h"

/* The item of another suite; workers_ 0: as many as asked for. */
#define SAME(id_, group_, text, unit_, other, workers_)                                                                \
	{ .id = "seeds-" id_, .suite = "seeds", .group = "seeds: " group_, .description = (text), .unit = (unit_),      \
	  .run_item = seeds_same_run, .detail = &(const struct seeds_same){ .id = (other), .workers = (workers_) } }

#define ITEM(id_, group_, text, unit_, run_)                                                                           \
	{ .id = "seeds-" id_, .suite = "seeds", .group = "seeds: " group_, .description = (text), .unit = (unit_),      \
	  .run = (run_), .iterations = 10, .warmup = 1 }

/* Of a format that the library may have been built without. */
#define FORMAT(id_, text, run_, format_)                                                                               \
	{ .id = "seeds-" id_, .suite = "seeds", .group = "seeds: messages", .description = (text), .unit = "ns",        \
	  .run = (run_), .iterations = 10, .warmup = 1, .is_there = seeds_format_is_there,                              \
	  .detail = &(const weft_codec_format){ format_ } }

#define SOME(id_, group_, text, unit_, run_, iterations_, warmup_)                                                     \
	{ .id = "seeds-" id_, .suite = "seeds", .group = "seeds: " group_, .description = (text), .unit = (unit_),      \
	  .run = (run_), .iterations = (iterations_), .warmup = (warmup_) }

#define LOAD(id_, text)                                                                                                \
	{ .id = "seeds-" id_, .suite = "seeds", .group = "seeds: load", .description = (text), .unit = "ms", .run_item = seeds_requests }

const struct bench_micro bench_seeds[] = {
	SAME("agent-no-tools", "agents", "As agent-no-tools.", "ns", "agent-no-tools", 0),
	SAME("agent-1-tool", "agents", "As agent-1-tool.", "ns", "agent-1-tool", 0),
	SAME("agent-3-tools", "agents", "As agent-3-tools.", "ns", "agent-3-tools", 0),
	SAME("tool-overhead", "agents", "As tool-dispatch.", "ns", "tool-dispatch", 0),
	SAME("event", "agents", "As event-1-subscriber.", "ns", "event-1-subscriber", 0),
	SAME("concurrent-1", "agents", "As concurrent-agents-1.", "us", "concurrent-agents-1", 0),
	SAME("concurrent-5", "agents", "As concurrent-agents-5.", "us", "concurrent-agents-5", 0),
	SAME("concurrent-10", "agents", "As concurrent-agents-10.", "us", "concurrent-agents-10", 0),
	SAME("concurrent-20", "agents", "As concurrent-agents-20.", "us", "concurrent-agents-20", 0),
	SAME("concurrent-50", "agents", "As concurrent-agents-50.", "us", "concurrent-agents-50", 0),
	SAME("loop-detection", "agents", "As loop-detection.", "ns", "loop-detection", 0),
	ITEM("message-create", "messages", "An id, a time, and four texts copied into an arena.", "ns", seeds_message_create),
	ITEM("message-validate", "messages", "Bounds, UTF-8, and metadata parsed.", "ns", seeds_message_validate),
	ITEM("message-json", "messages", "A message into JSON and back, checked both ways.", "ns", seeds_message_json),
	FORMAT("message-msgpack", "The same in MessagePack.", seeds_message_msgpack, WEFT_CODEC_MSGPACK),
	FORMAT("message-binary", "The same in Protocol Buffers.", seeds_message_binary, WEFT_CODEC_PROTOBUF),
	ITEM("messages-20", "messages", "20 messages into JSON, checked.", "us", seeds_messages_20),
	ITEM("uuid-create", "messages", "A UUID of version 7.", "ns", seeds_uuid_create),
	ITEM("uuid-parse", "messages", "36 characters into a UUID.", "ns", seeds_uuid_parse),
	ITEM("dict-hash", "messages", "The canonical hash of a parsed object of 20 keys.", "ns", seeds_dict_hash),
	ITEM("validate-100", "messages", "100 messages checked as a map over the workers, joined.", "us", seeds_validate_100),
	ITEM("graph-sort-10", "graphs", "Ten nodes in layers of three put in order.", "ns", seeds_graph_sort_10),
	ITEM("graph-sort-50", "graphs", "Fifty nodes.", "ns", seeds_graph_sort_50),
	ITEM("graph-dispatch", "graphs", "From one node of a chain to the next.", "ns", seeds_graph_dispatch),
	ITEM("graph-10", "graphs", "Ten nodes run and joined.", "us", seeds_graph_10),
	ITEM("task-spawn", "tasks", "A job spawned, run and ended, 200,000 by one job.", "ns", seeds_task_spawn),
	ITEM("task-await", "tasks", "An item of a map that is pending and was finished before: all of it.", "ns", seeds_task_await),
	ITEM("task-switch", "tasks", "From one actor to another: half a round trip.", "ns", seeds_task_switch),
	ITEM("semaphore", "tasks", "A permit taken and given back.", "ns", seeds_semaphore),
	ITEM("gather-100", "tasks", "A hundred jobs that each ask an actor, gathered.", "us", seeds_gather_100),
	ITEM("bounded-map-2000", "tasks", "2,000 of them, a hundred at once.", "us", seeds_map_2000),
	ITEM("taskgroup-1000", "tasks", "1,000 of them, spawned one by one and joined.", "us", seeds_group_1000),
	SOME("tasks-at-once", "tasks", "A million jobs under way at the same time, then finished: one.", "ns", seeds_tasks_at_once, 3, 1),
	LOAD("requests", "8,000 agents a second spawned and asked, a model of 100 ms: from due to answered."),
	LOAD("requests-p95", "The same: the slowest twentieth."),
	LOAD("requests-memory", "The same: resident memory."),
	SAME("agents-mock", "load", "As agents-per-second, on one worker.", "us", "agents-per-second", 1),
	SAME("agents-200ms", "load", "As io-agents-1000: over HTTP, two tool calls each; of a core.", "us", "io-agents-1000", 0),
	SAME("top-10-of-1000", "memory", "As memory-exact-1000x768.", "us", "memory-exact-1000x768", 0),
	ITEM("cosine-768", "memory", "Both lengths included.", "ns", seeds_cosine_768),
	ITEM("session-create", "memory", "A room, two who join it, and a first message; in memory.", "ns", seeds_session_create),
	ITEM("session-branch", "memory", "A room branched in the middle of 100 messages; in memory.", "us", seeds_session_branch),
	ITEM("cache-get", "parts", "A model's answer from the cache: the whole call, request hashed and answer copied.", "ns", seeds_cache_get),
	SAME("counter", "parts", "As histogram-record: weft counts in histograms.", "ns", "histogram-record", 0),
	SAME("queue", "parts", "As mailbox-many-to-one: a message through a mailbox, from its making to its release.", "ns", "mailbox-many-to-one", 0),
	SAME("startup", "life", "As startup-cold.", "us", "startup-cold", 0),
	SAME("startup-memory", "life", "The same: resident memory.", "us", "startup-cold", 0),
};

const uint32_t bench_seeds_count = sizeof(bench_seeds) / sizeof(bench_seeds[0]);
