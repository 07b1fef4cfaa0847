/* SPDX-License-Identifier: Apache-2.0 */
/* bench/actors/list.c - the work items by name. Names and units are those of `scripts/peers actors`. */
#include "bench/actors/actors.h"

#define ITEM(id_, text, unit_, run_, scales_)                                                                          \
	{ .id = "actors-" id_, .suite = "actors", .group = "actors", .description = (text), .unit = (unit_), .run = (run_), \
	  .iterations = 5, .warmup = 1, .scales = (scales_) }

const struct bench_micro bench_actors[] = {
	ITEM("ping-pong", "A message there and back.", "ns", actors_ping_pong, true),
	ITEM("ping-pong-cross", "The same between actors pinned to two workers.", "ns", micro_ping_pong_cross, false),
	ITEM("many-to-one", "A hundred senders, 100,000 messages each, one receiver: a message.", "ns", actors_many_to_one, true),
	ITEM("ring", "A hundred actors in a ring: a hop.", "ns", actors_ring, true),
	ITEM("spawn", "An actor made, sent a message, answering and gone; a million at once.", "ns", micro_spawn, true),
	ITEM("idle-bytes", "Resident bytes an idle actor, a million of them.", "bytes", micro_idle_bytes, false),
	ITEM("big", "A thousand actors ping random others (Savina): a message.", "ns", actors_big, true),
	ITEM("fork-join", "One actor deals to sixty others (Savina): a message.", "ns", actors_fork_join, true),
	ITEM("chameneos", "A hundred creatures meet in pairs (Savina): a meeting.", "ns", actors_chameneos, true),
	ITEM("bank", "A teller and a thousand accounts (Savina): a transfer.", "ns", actors_bank, true),
	ITEM("fibonacci", "A tree of 150,000 actors (Savina).", "ms", actors_fibonacci, true),
	ITEM("skynet", "A tree of a million leaves.", "ms", actors_skynet, true),
	ITEM("tasks-1", "One task of 100 ns, joined by an actor.", "us", actors_tasks_1, true),
	ITEM("tasks-5", "Five tasks a batch.", "us", actors_tasks_5, true),
	ITEM("tasks-10", "Ten tasks a batch.", "us", actors_tasks_10, true),
	ITEM("tasks-20", "Twenty tasks a batch.", "us", actors_tasks_20, true),
	ITEM("tasks-50", "Fifty tasks a batch.", "us", actors_tasks_50, true),
	ITEM("tasks-foreign-1", "One task, joined by a foreign thread.", "us", actors_foreign_1, false),
	ITEM("tasks-foreign-5", "Five tasks a batch.", "us", actors_foreign_5, false),
	ITEM("tasks-foreign-10", "Ten tasks a batch.", "us", actors_foreign_10, false),
	ITEM("tasks-foreign-20", "Twenty tasks a batch.", "us", actors_foreign_20, false),
	ITEM("tasks-foreign-50", "Fifty tasks a batch.", "us", actors_foreign_50, false),
	ITEM("broadcast-4", "A number that four actors have.", "ns", actors_broadcast_4, true),
	ITEM("events-4", "A structured event that a foreign thread has read from four subscriptions.", "ns", actors_events_4, false),
	{ .id = "actors-open-loop", .suite = "actors", .group = "actors", .unit = "us",
	  .description = "100,000 messages a second from a foreign thread: the delay of one.", .run_all = actors_open_loop },
};

const uint32_t bench_actor_count = sizeof(bench_actors) / sizeof(bench_actors[0]);
