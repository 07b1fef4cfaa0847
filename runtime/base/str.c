/* SPDX-License-Identifier: Apache-2.0 */
/* runtime/base/str.c - counted strings, and the version they are first needed for. */
#include <weft/base.h>

#include <string.h>

weft_str weft_str_from(const char *cstr)
{
	return (weft_str){ cstr, cstr ? strlen(cstr) : 0 };
}

bool weft_str_eq(weft_str a, weft_str b)
{
	return a.len_bytes == b.len_bytes && (a.len_bytes == 0 || memcmp(a.ptr, b.ptr, a.len_bytes) == 0);
}

const char *weft_version(void)
{
	return WEFT_VERSION; /* meson's project version, from weft-config.h */
}
