/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: adding a tool says -ENOMEM when memory runs out in the middle. Its name was hashed before anybody looked
 * whether there was a copy of it.
 * Method: a simulation refuses memory now and then.
 * Found by: weft sim --scenario agents --seed 214.
 */
#include "tests/support/actors.h"

static int any_tool(weft_tool_call *call, void *user)
{
	(void)call;
	(void)user;
	return 0;
}

static void stuck(const char *why, void *user)
{
	(void)user;
	cr_assert(false, "stuck: %s", why);
	abort();
}

Test(regress, tool_without_memory)
{
	weft_tool_options tool = WEFT_TOOL_OPTIONS_INIT;
	weft_sim_options opt = WEFT_SIM_OPTIONS_INIT;
	int refused = 0;

	tool.name = "any";
	tool.fn = any_tool;
	opt.faults = WEFT_SIM_ALLOC;
	opt.stuck = stuck;
	for (opt.seed = 0; opt.seed < 300; opt.seed++) {
		weft_tools *tools;
		int r;

		cr_assert_eq(weft_sim_begin(&opt), 0);
		while (weft_tools_create(&tools) == -ENOMEM)
			;
		r = weft_tools_add(tools, &tool, NULL);
		refused += r == -ENOMEM;
		cr_assert(r == 0 || r == -ENOMEM);
		cr_assert_eq(weft_tools_count(tools), r == 0 ? 1 : 0);
		weft_tools_unref(tools);
		cr_assert_eq(weft_sim_end(), 0);
	}
	cr_assert_gt(refused, 10);
}
