/* SPDX-License-Identifier: Apache-2.0 */
/* runtime/base/assert.c - where broken invariants are told; see assert.h. */
#include "runtime/base/assert.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

static struct {
	pthread_mutex_t lock; /* the pair below is read and replaced together */
	void (*fn)(const char *what, const char *file, int line, void *user);
	void *user;
} hook = { .lock = PTHREAD_MUTEX_INITIALIZER };

void weft__assert_fail(const char *cond, const char *file, int line)
{
	fprintf(stderr, "%s:%d: weft: assertion failed: %s\n", file, line, cond);
	abort();
}

bool weft__check_fail(const char *cond, const char *file, int line)
{
	void (*fn)(const char *what, const char *file, int line, void *user);
	void *user;

	pthread_mutex_lock(&hook.lock);
	fn = hook.fn;
	user = hook.user;
	pthread_mutex_unlock(&hook.lock);
	if (fn)
		fn(cond, file, line, user);
	return false;
}

void weft__fault_hook_set(void (*fn)(const char *what, const char *file, int line, void *user), void *user)
{
	pthread_mutex_lock(&hook.lock);
	hook.fn = fn;
	hook.user = user;
	pthread_mutex_unlock(&hook.lock);
}

void weft__fault_hook_unset(void *user)
{
	pthread_mutex_lock(&hook.lock);
	if (hook.user == user)
		hook.fn = NULL;
	pthread_mutex_unlock(&hook.lock);
}
