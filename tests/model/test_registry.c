/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The registry of runtimes, in every way. Goal: who entered a runtime finds it whole until it leaves, also when the
 * slot belongs to the next one already. Method: the real registry.c; two that enter, look at the runtime and
 * leave, against one that removes it, frees it, and puts another one into the slot.
 */
#include <criterion/criterion.h>
#include <string.h>

#include "runtime/actor/registry.c"

#include "tests/model/explore.h"
#include "tests/model/stand_ins.h"

static struct weft_runtime *first, *second;

static struct weft_runtime *runtime_make(void)
{
	struct weft_runtime *rt = explore_alloc(sizeof(*rt), WEFT_CACHELINE);

	rt->slot = 0;
	rt->mailbox_msgs = 7;
	return rt;
}

static void begin(void)
{
	waits_begin();
	memset(slots, 0, sizeof(slots));
	start = 0;
	explore_name(&slots[0].rt, sizeof(slots[0].rt), "slot.rt");
	explore_name(&slots[0].users, sizeof(slots[0].users), "slot.users");
	first = runtime_make();
	second = NULL;
	explore_name(first, sizeof(*first), "the first runtime");
	slots[0].taken = true;
	weft__store_seq_cst(&slots[0].rt, first);
}

static void enters(void)
{
	struct weft_runtime *rt = weft__registry_enter(0);

	if (!rt)
		return;
	explore_assert(rt->mailbox_msgs == 7);
	weft__registry_leave(0);
}

static void removes(void)
{
	weft__registry_quiesce(first);
	weft__registry_remove(first, 5);
	explore_free(first);
}

static void replaces(void)
{
	removes();
	second = explore_alloc(sizeof(*second), WEFT_CACHELINE);
	explore_assert(weft__registry_add(second) == 0);
	explore_assert(second->slot == 0);
	second->mailbox_msgs = 7;
	weft__registry_publish(second);
}

static void nobody_is_inside(void)
{
	explore_assert(weft__load_relaxed(&slots[0].users) == 0);
	explore_assert(slots[0].life == 6 && slots[0].taken == (second != NULL));
	explore_free(second);
	explore_assert(explore_blocks() == 0);
}

Test(model_registry, two_enter__while_the_runtime_is_removed)
{
	static const struct explore_model m = {
		.name = "registry, removed", .init = begin, .thread = { removes, enters, enters }, .check = nobody_is_inside
	};

	cr_assert(explore(&m));
}

Test(model_registry, one_enters__while_the_slot_gets_another_runtime)
{
	static const struct explore_model m = {
		.name = "registry, replaced", .init = begin, .thread = { replaces, enters }, .check = nobody_is_inside
	};

	cr_assert(explore(&m));
}
