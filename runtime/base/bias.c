/* SPDX-License-Identifier: Apache-2.0 */
/*
 * runtime/base/bias.c - the heavy fence: membarrier(2), where there is one.
 *
 * A process registers once. With one thread that costs nothing; a process that already has many waits
 * for the kernel's grace period, milliseconds. After fork the child is registered, too.
 */
#include "runtime/base/bias.h"

#include <linux/membarrier.h>
#include <pthread.h>
#include <sys/syscall.h>
#include <unistd.h>

bool weft__fence_by_kernel;

static long membarrier(int command)
{
	return syscall(SYS_membarrier, command, 0, 0);
}

static void enroll(void)
{
	weft__fence_by_kernel = membarrier(MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED) == 0;
}

void weft__bias_init(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	pthread_once(&once, enroll);
}

void weft__fence_heavy(void)
{
	/* under simulation all threads are fibers of one */
	if (weft__sim_is_on())
		return;
	/* it cannot fail once it was registered; a sandbox put up since then must not kill the lock either */
	if (!weft__fence_by_kernel || membarrier(MEMBARRIER_CMD_PRIVATE_EXPEDITED) != 0)
		atomic_thread_fence(memory_order_seq_cst);
}
