/* SPDX-License-Identifier: Apache-2.0 */
/* actors/remote/hold.c - waiting on a loop that may end first. One resident a loop keeps the list; it goes with the loop. */
#include "actors/remote/hold.h"

#include <errno.h>

#include <weft/alloc.h>

struct room {
	struct weft__resident resident;
	struct weft__hold *first;
};

static const char room_key;

static void leave(struct weft__hold *h)
{
	*h->prev = h->next;
	if (h->next)
		h->next->prev = h->prev;
	h->prev = NULL;
}

static void room_close(struct weft__resident *resident)
{
	struct room *room = (struct room *)resident; /* its first member */

	while (room->first) {
		struct weft__hold *h = room->first;

		leave(h);
		weft__loop_alarm_off(h->loop, &h->alarm);
		h->over(h, true); /* may not wait again: the loop attaches nobody any more */
	}
	weft_free(room);
}

static struct room *room_of(struct weft__loop *loop, int *ret_status)
{
	struct room *room = (struct room *)weft__loop_find(loop, &room_key);

	if (room)
		return room;
	room = weft_calloc(1, sizeof(*room));
	if (!room) {
		*ret_status = -ENOMEM;
		return NULL;
	}
	room->resident = (struct weft__resident){ .close = room_close, .key = &room_key };
	*ret_status = weft__loop_attach(loop, &room->resident);
	if (*ret_status < 0) {
		weft_free(room);
		return NULL;
	}
	return room;
}

static void on_alarm(struct weft__alarm *alarm)
{
	struct weft__hold *h = (struct weft__hold *)((char *)alarm - offsetof(struct weft__hold, alarm));

	leave(h);
	h->over(h, false);
}

int weft__hold(struct weft__hold *h, struct weft__loop *loop, uint64_t ns,
               void (*over)(struct weft__hold *hold, bool loop_ends))
{
	uint64_t now = weft_now_ns();
	struct room *room;
	int r = 0;

	room = room_of(loop, &r);
	if (!room)
		return r;
	h->loop = loop;
	h->over = over;
	h->next = room->first;
	h->prev = &room->first;
	if (h->next)
		h->next->prev = &h->next;
	room->first = h;
	weft__loop_alarm(loop, &h->alarm, ns > UINT64_MAX - now ? UINT64_MAX : now + ns, on_alarm);
	return 0;
}

void weft__hold_end(struct weft__hold *h)
{
	if (!weft__hold_is_on(h))
		return;
	leave(h);
	weft__loop_alarm_off(h->loop, &h->alarm);
}
