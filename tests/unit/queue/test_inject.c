/* SPDX-License-Identifier: Apache-2.0 */
/* The injection stack on one thread: everything comes out, oldest first. */
#include "runtime/queue/inject.h"

#include <criterion/criterion.h>

Test(inject, take_all__is_empty_at_first)
{
	struct weft__inject in;

	weft__inject_init(&in);
	cr_assert(weft__inject_is_empty(&in));
	cr_assert_null(weft__inject_take_all(&in));
}

Test(inject, take_all__gives_all_oldest_first)
{
	struct weft__inject in;
	ck_stack_entry_t entries[5];
	ck_stack_entry_t *e;
	int i = 0;

	weft__inject_init(&in);
	for (int k = 0; k < 5; k++)
		weft__inject_push(&in, &entries[k]);
	cr_assert_not(weft__inject_is_empty(&in));
	for (e = weft__inject_take_all(&in); e; e = e->next)
		cr_assert_eq(e, &entries[i++]);
	cr_assert_eq(i, 5);
	cr_assert(weft__inject_is_empty(&in));
}
