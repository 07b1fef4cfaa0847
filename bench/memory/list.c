/* SPDX-License-Identifier: Apache-2.0 */
/* bench/memory/list.c - the items by name. */
#include "bench/memory/memory.h"

#define ITEM(id_, group_, text, unit_, run_, ...)                                                                      \
	{ .id = "memory-" id_, .suite = "memory", .group = (group_), .description = (text), .unit = (unit_),            \
	  .run_item = (run_), .iterations = 10, .warmup = 1, .detail = &(const struct memory_detail){ __VA_ARGS__ } }

const struct bench_micro bench_memories[] = {
	ITEM("history-append", "history", "A message appended to a room, 100,000 of them.", "ns", memory_history_append, .count = 100000),
	ITEM("history-read-100", "history", "The last ten messages of a room that has 100.", "ns", memory_history_read, .count = 100),
	ITEM("history-read-1000", "history", "Of 1,000.", "ns", memory_history_read, .count = 1000),
	ITEM("history-read-10000", "history", "Of 10,000.", "ns", memory_history_read, .count = 10000),
	ITEM("history-read-100000", "history", "Of 100,000.", "ns", memory_history_read, .count = 100000),
	ITEM("rooms-add", "history", "A message appended, to 100,000 rooms in turn.", "ns", memory_rooms_add, .count = 100000),
	ITEM("rooms-read", "history", "All three messages of one of 100,000 rooms.", "ns", memory_rooms_read, .count = 100000),
	ITEM("room-bytes", "history", "Resident bytes of a room with three messages, 100,000 of them.", "bytes", memory_room_bytes,
	     .count = 100000),
	ITEM("store-search-1000x768", "exact", "The nearest ten of a room's 1,000 memories.", "us", memory_store_search, .count = 1000,
	     .dims = 768),
	ITEM("store-search-10000x384", "exact", "Of 10,000.", "us", memory_store_search, .count = 10000, .dims = 384),
};

const uint32_t bench_memory_count = sizeof(bench_memories) / sizeof(bench_memories[0]);
