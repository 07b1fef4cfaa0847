/* SPDX-License-Identifier: Apache-2.0 */
/* rooms: the table of rooms at work, and their queues. */
#include "actors/rooms.h"

#include <criterion/criterion.h>

#define MANY 2000

Test(rooms, add__find__remove_many)
{
	struct weft__rooms *rooms = weft__rooms_create();
	weft_uuid ids[MANY];

	cr_assert_null(weft__rooms_find(rooms, weft_uuid_v7()));
	for (int i = 0; i < MANY; i++) {
		ids[i] = weft_uuid_v7();
		cr_assert_not_null(weft__rooms_add(rooms, ids[i], NULL));
	}
	cr_assert_eq(rooms->room_count, MANY);
	for (int i = 0; i < MANY; i += 2)
		weft__rooms_remove(rooms, weft__rooms_find(rooms, ids[i]));
	for (int i = 0; i < MANY; i++)
		cr_assert_eq(weft__rooms_find(rooms, ids[i]) != NULL, i % 2 == 1);
	cr_assert_eq(rooms->room_count, MANY / 2);
	weft__rooms_destroy(rooms);
	weft__rooms_destroy(NULL);
}

Test(rooms, push__pop_is_first_in_first_out)
{
	struct weft__rooms *rooms = weft__rooms_create();
	struct weft__room *room = weft__rooms_add(rooms, weft_uuid_v7(), NULL);

	cr_assert_null(weft__room_pop(rooms, room));
	for (uint32_t i = 0; i < 10; i++)
		cr_assert_eq(weft__room_push(rooms, room, weft_msg_create(i, 0)), 0);
	cr_assert_eq(rooms->waiting, 10);
	for (uint32_t i = 0; i < 8; i++) {
		weft_msg *m = weft__room_pop(rooms, room);

		cr_assert_eq(weft_msg_kind(m), i);
		weft_msg_destroy(m);
		if (i == 3)
			cr_assert_eq(weft__room_push(rooms, room, weft_msg_create(10, 0)), 0);
	}
	cr_assert_eq(rooms->waiting, 3);
	weft__rooms_destroy(rooms); /* with three still in it */
}
