/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sandbox/filter.h - the system calls that no sandboxed program may make, as a seccomp filter.
 */
#ifndef WEFT_SANDBOX_FILTER_H
#define WEFT_SANDBOX_FILTER_H

#include <stddef.h>

/* The filter as the kernel's struct sock_filter array. Owned; weft__filter_fini. */
struct weft__filter {
	void *bytes;
	size_t len;
};

/* 0, -ENOMEM, -ENOSYS (built without libseccomp), or what libseccomp says. */
int weft__filter_init(struct weft__filter *filter);
void weft__filter_fini(struct weft__filter *filter); /* NULL and zeroed are fine */

/* A descriptor (CLOEXEC, the caller's) at whose start the filter is to be read, or -E. */
int weft__filter_open(const struct weft__filter *filter);

#endif
