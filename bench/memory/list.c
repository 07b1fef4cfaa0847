/* SPDX-License-Identifier: Apache-2.0 */
/* bench/memory/list.c - the items by name. */
#include "bench/memory/memory.h"

#define ITEM(id_, group_, text, unit_, run_, ...)                                                                      \
	{ .id = "memory-" id_, .suite = "memory", .group = (group_), .description = (text), .unit = (unit_),            \
	  .run_item = (run_), .iterations = 10, .warmup = 1, .detail = &(const struct memory_detail){ __VA_ARGS__ } }

/* An item over the notes. */
#define NOTES(id_, group_, text, unit_, run_, iterations_, ...)                                                        \
	{ .id = "memory-" id_, .suite = "memory", .group = (group_), .description = (text), .unit = (unit_),            \
	  .run_item = (run_), .iterations = (iterations_), .warmup = (iterations_) > 2, .data = "notes384",             \
	  .detail = &(const struct memory_detail){ .set = "notes384", __VA_ARGS__ } }

/* What is measured of each set; data_ NULL: it is made, and the rest says how large. */
#define SET(name, data_, ...)                                                                                          \
	SET_ITEM(name, data_, "-build", "A graph of all rows: a row.", "us", memory_build, 2, true, __VA_ARGS__),       \
	SET_ITEM(name, data_, "-search-95", "The nearest ten, as wide as a recall of .95 needs.", "us", memory_search, 5, true, \
	         .aim = 0.95, __VA_ARGS__),                                                                             \
	SET_ITEM(name, data_, "-search-99", "Of .99.", "us", memory_search, 5, true, .aim = 0.99, __VA_ARGS__),         \
	{ .id = "memory-" name "-bytes", .suite = "memory", .group = name, .unit = "bytes", .iterations = 1,           \
	  .description = "Resident bytes of a row, floats and graph.", .run_item = memory_bytes, .data = (data_),        \
	  .bytes_of = "memory-" name "-build", .detail = &(const struct memory_detail){ .set = (data_), __VA_ARGS__ } },  \
	SET_ITEM(name, data_, "-save", "All rows into a file.", "ms", memory_save, 5, false, __VA_ARGS__),              \
	SET_ITEM(name, data_, "-open", "From the file to the first answer.", "ms", memory_open, 5, false, __VA_ARGS__)

#define SET_ITEM(name, data_, what, text, unit_, run_, iterations_, scales_, ...)                                      \
	{ .id = "memory-" name what, .suite = "memory", .group = name, .description = (text), .unit = (unit_),          \
	  .run_item = (run_), .iterations = (iterations_), .warmup = (iterations_) > 2, .scales = (scales_),            \
	  .data = (data_), .detail = &(const struct memory_detail){ .set = (data_), __VA_ARGS__ } }

/* One query against rows of dims values that fit a level of the cache. */
#define KERNEL(type_, dims_, where_, text, kernel_, kib_)                                                              \
	ITEM("kernel-" type_ "-" #dims_ "-" where_, "kernels", text, "ns", memory_kernels, .kernel = &(kernel_), .dims = (dims_), .kib = (kib_))

#define KERNELS(dims_)                                                                                                 \
	KERNEL("f32", dims_, "l1", "A row of f32 against the query, in the first cache.", memory_kernel_f32, 24),       \
	KERNEL("f32", dims_, "l2", "In the second.", memory_kernel_f32, 1024),                                          \
	KERNEL("f32", dims_, "l3", "In the third.", memory_kernel_f32, 16384),                                          \
	KERNEL("f32", dims_, "dram", "In memory.", memory_kernel_f32, 524288),                                          \
	KERNEL("i8", dims_, "l1", "A row of bytes, in the first cache.", memory_kernel_i8, 24),                         \
	KERNEL("i8", dims_, "l2", "In the second.", memory_kernel_i8, 1024),                                            \
	KERNEL("i8", dims_, "l3", "In the third.", memory_kernel_i8, 16384),                                            \
	KERNEL("i8", dims_, "dram", "In memory.", memory_kernel_i8, 524288)

const struct bench_micro bench_memories[] = {
	KERNELS(128),
	KERNELS(384),
	KERNELS(768),
	KERNELS(1536),
	KERNEL("one", 384, "l1", "A row of f32, one a call.", memory_kernel_one, 24),
	KERNEL("cosine", 384, "l1", "With both lengths.", memory_kernel_cosine, 24),
	KERNEL("f16", 384, "l1", "A row of f16, one a call.", memory_kernel_f16, 24),
	KERNEL("bf16", 384, "l1", "Of bf16.", memory_kernel_bf16, 24),
	KERNEL("bits", 384, "l1", "Of bits.", memory_kernel_bits, 24),
	ITEM("topk-10000", "kernels", "The best ten of 10,000 scores.", "us", memory_topk, .count = 0),
	ITEM("validate", "kernels", "An entry of a batch looked through: its sender, its text and its confidence.", "ns",
	     memory_validate, .count = 0),
	ITEM("history-append", "history", "A message appended to a room, 100,000 of them.", "ns", memory_history_append, .count = 100000),
	ITEM("history-evict", "history", "To a room that keeps 1,000: the oldest goes.", "ns", memory_history_append, .count = 100000,
	     .kept = 1000),
	ITEM("history-read-100", "history", "The last ten messages of a room that has 100.", "ns", memory_history_read, .count = 100),
	ITEM("history-read-1000", "history", "Of 1,000.", "ns", memory_history_read, .count = 1000),
	ITEM("history-read-10000", "history", "Of 10,000.", "ns", memory_history_read, .count = 10000),
	ITEM("history-read-100000", "history", "Of 100,000.", "ns", memory_history_read, .count = 100000),
	ITEM("history-range-100", "history", "Ten messages by their time, of a room that has 100.", "ns", memory_history_range, .count = 100),
	ITEM("history-range-1000", "history", "Of 1,000.", "ns", memory_history_range, .count = 1000),
	ITEM("history-range-10000", "history", "Of 10,000.", "ns", memory_history_range, .count = 10000),
	ITEM("history-range-100000", "history", "Of 100,000.", "ns", memory_history_range, .count = 100000),
	ITEM("rooms-add", "history", "A message appended, to 100,000 rooms in turn.", "ns", memory_rooms_add, .count = 100000),
	ITEM("rooms-read", "history", "All three messages of one of 100,000 rooms.", "ns", memory_rooms_read, .count = 100000),
	ITEM("room-bytes", "history", "Resident bytes of a room with three messages, 100,000 of them.", "bytes", memory_room_bytes,
	     .count = 100000),
	ITEM("log-group", "log", "A message made durable, in groups of 64.", "us", memory_log_commit, .count = 64),
	ITEM("log-group-bare", "log", "As many bytes by write and fdatasync.", "us", memory_log_bare, .count = 64),
	ITEM("log-each", "log", "A message made durable by itself.", "us", memory_log_commit, .count = 1),
	ITEM("log-each-bare", "log", "As many bytes by write and fdatasync.", "us", memory_log_bare, .count = 1),
	ITEM("log-recover", "log", "A message read back, of a store of 100,000 that is opened.", "us", memory_log_recover, .count = 100000),
	ITEM("store-search-1000x768", "exact", "The nearest ten of a room's 1,000 memories.", "us", memory_store_search, .count = 1000,
	     .dims = 768, .of_room = true),
	ITEM("store-search-10000x384", "exact", "Of 10,000.", "us", memory_store_search, .count = 10000, .dims = 384, .of_room = true),
	ITEM("store-recall-agent", "exact", "The nearest ten of one of four agents that have 10,000 memories each.", "us", memory_store_recall,
	     .count = 40000, .dims = 384),
	ITEM("store-recall-room", "exact", "Of one of its four rooms.", "us", memory_store_recall, .count = 40000, .dims = 384,
	     .of_room = true),
	ITEM("store-open-20000", "log", "A durable store of 20,000 memories with embeddings, to the first answer.", "ms", memory_store_open,
	     .count = 20000, .dims = 384),
	ITEM("exact-1000x768", "exact", "The nearest ten of an index of 1,000 rows that is scanned.", "us", memory_exact, .count = 1000,
	     .dims = 768),
	ITEM("exact-10000x384", "exact", "Of 10,000.", "us", memory_exact, .count = 10000, .dims = 384),
	SET("notes384", "notes384", .count = 0),
	SET("mnist784", "mnist784", .count = 0),
	SET("sift128", "sift128", .count = 0),
	SET("made768", NULL, .count = 10000, .dims = 768),
	SET_ITEM("notes384", "notes384", "-codes", "Resident bytes of a row of which only the codes are kept.", "bytes", memory_bytes, 1,
	         false, .codes_only = true),
	NOTES("chosen-95", "chosen", "The nearest ten, kind and width chosen by an index that knows what is asked, for a recall of .95.", "us",
	      memory_search_chosen, 5, .aim = 0.95),
	NOTES("chosen-99", "chosen", "Of .99.", "us", memory_search_chosen, 5, .aim = 0.99),
	NOTES("strange-95", "strange", "The nearest ten to queries that have little to do with the rows, at recall .95.", "us",
	      memory_search, 5, .aim = 0.95, .strange = true),
	NOTES("strange-99", "strange", "At .99.", "us", memory_search, 5, .aim = 0.99, .strange = true),
	NOTES("filter-1", "filter", "The nearest ten of the 1% that a filter allows, at recall .99.", "us", memory_filter, 5,
	      .percent = 1, .aim = 0.99),
	NOTES("filter-10", "filter", "Of 10%.", "us", memory_filter, 5, .percent = 10, .aim = 0.99),
	NOTES("filter-50", "filter", "Of 50%.", "us", memory_filter, 5, .percent = 50, .aim = 0.99),
	NOTES("delete", "change", "Half of the rows deleted; the others have to be found, those not: a row.", "us", memory_delete,
	      1, .count = 0),
	NOTES("replace", "change", "A row gets a new vector, a fifth of all at a time; all have to be reached.", "us", memory_replace,
	      5, .count = 0),
	NOTES("repeated", "change", "The nearest ten where half of the rows are copies of five.", "us", memory_repeated, 5,
	      .count = 0),
	NOTES("mixed-alone", "change", "A reader alone on half of the rows.", "us", memory_mixed_alone, 1, .count = 0),
	NOTES("mixed", "change", "The same beside a writer that adds the other half.", "us", memory_mixed, 1, .count = 0),
	NOTES("mixed-write", "change", "A row put in beside a reader.", "us", memory_mixed_write, 1, .count = 0),
};

const uint32_t bench_memory_count = sizeof(bench_memories) / sizeof(bench_memories[0]);
