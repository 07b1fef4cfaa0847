/* SPDX-License-Identifier: Apache-2.0 */
/* runtime/actor/timerset.c - see timerset.h. */
#include "runtime/actor/timerset.h"

#include <stddef.h>

#include <weft/alloc.h>

#define ROOM_MIN 64u

struct weft__timer_table {
	uint32_t room, count; /* room: buckets, a power of two */
	struct weft__timer_entry *buckets[];
};

static struct weft__timer_table *table_of(const struct weft__timer_set *set)
{
	return set->word & 1 ? (struct weft__timer_table *)(set->word & ~(uintptr_t)1) : NULL;
}

/* Ids count up: their low bits spread them evenly, and those armed together lie together. */
static struct weft__timer_entry **bucket_of(struct weft__timer_table *table, uint64_t id)
{
	return &table->buckets[id & (table->room - 1)];
}

/* The head of the list that id belongs into. */
static struct weft__timer_entry **head_of(struct weft__timer_set *set, uint64_t id)
{
	struct weft__timer_table *table = table_of(set);

	return table ? bucket_of(table, id) : (struct weft__timer_entry **)&set->word;
}

static void link_in(struct weft__timer_entry **head, struct weft__timer_entry *entry)
{
	entry->next = *head;
	entry->prev = head;
	if (entry->next)
		entry->next->prev = &entry->next;
	*head = entry;
}

static void link_out(struct weft__timer_entry *entry)
{
	*entry->prev = entry->next;
	if (entry->next)
		entry->next->prev = entry->prev;
}

static void move_list(struct weft__timer_entry *list, struct weft__timer_table *to)
{
	while (list) {
		struct weft__timer_entry *next = list->next;

		link_in(bucket_of(to, list->id), list);
		to->count++;
		list = next;
	}
}

/* A table of so much room instead; without memory everything stays as it is. */
static void grow(struct weft__timer_set *set, uint32_t room)
{
	struct weft__timer_table *old = table_of(set), *table;

	table = weft_calloc(1, sizeof(*table) + (size_t)room * sizeof(struct weft__timer_entry *));
	if (!table)
		return;
	table->room = room;
	if (old) {
		for (uint32_t i = 0; i < old->room; i++)
			move_list(old->buckets[i], table);
		weft_free(old);
	} else {
		move_list((struct weft__timer_entry *)set->word, table);
	}
	set->word = (uintptr_t)table | 1;
}

static bool list_is_long(const struct weft__timer_entry *list)
{
	uint32_t n = 0;

	while (list && n < WEFT__TIMERS_LISTED) {
		list = list->next;
		n++;
	}
	return n == WEFT__TIMERS_LISTED;
}

void weft__timer_set_add(struct weft__timer_set *set, struct weft__timer_entry *entry)
{
	struct weft__timer_table *table = table_of(set);

	if (!table && list_is_long((struct weft__timer_entry *)set->word))
		grow(set, ROOM_MIN);
	else if (table && table->count == table->room && table->room <= UINT32_MAX / 8)
		grow(set, 4 * table->room);
	link_in(head_of(set, entry->id), entry);
	table = table_of(set);
	if (table)
		table->count++;
}

struct weft__timer_entry *weft__timer_set_find(const struct weft__timer_set *set, uint64_t id)
{
	struct weft__timer_table *table = table_of(set);
	struct weft__timer_entry *entry = table ? *bucket_of(table, id) : (struct weft__timer_entry *)set->word;

	while (entry && entry->id != id)
		entry = entry->next;
	return entry;
}

void weft__timer_set_remove(struct weft__timer_set *set, struct weft__timer_entry *entry)
{
	struct weft__timer_table *table = table_of(set);

	link_out(entry);
	if (table && --table->count == 0)
		weft__timer_set_clear(set);
}

static void visit(struct weft__timer_entry *list, void (*fn)(struct weft__timer_entry *entry, void *user), void *user)
{
	while (list) {
		struct weft__timer_entry *next = list->next;

		fn(list, user);
		list = next;
	}
}

void weft__timer_set_each(struct weft__timer_set *set, void (*fn)(struct weft__timer_entry *entry, void *user), void *user)
{
	struct weft__timer_table *table = table_of(set);

	if (!table) {
		visit((struct weft__timer_entry *)set->word, fn, user);
		return;
	}
	table->count++; /* it stays until the last was visited */
	for (uint32_t i = 0; i < table->room; i++)
		visit(table->buckets[i], fn, user);
	if (--table->count == 0)
		weft__timer_set_clear(set);
}

void weft__timer_set_clear(struct weft__timer_set *set)
{
	weft_free(table_of(set));
	set->word = 0;
}
