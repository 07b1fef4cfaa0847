/* SPDX-License-Identifier: Apache-2.0 */
/*
 * weft/base.h - what every other public header needs: export marks, versions,
 * counted strings. Nothing here allocates or can fail.
 */
#ifndef WEFT_BASE_H
#define WEFT_BASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
#define WEFT_BEGIN_DECLS extern "C" {
#define WEFT_END_DECLS }
#else
#define WEFT_BEGIN_DECLS
#define WEFT_END_DECLS
#endif

#if defined(__GNUC__)
#define WEFT_API __attribute__((visibility("default")))
#define WEFT_PRINTF(fmt, first) __attribute__((format(printf, fmt, first)))
#else
#define WEFT_API
#define WEFT_PRINTF(fmt, first)
#endif

#define WEFT_VERSION_MAJOR 0
#define WEFT_VERSION_MINOR 1
#define WEFT_VERSION_PATCH 0

WEFT_BEGIN_DECLS

/**
 * A counted string: bytes, not owned, not NUL-terminated unless a function says
 * so. The empty string is {NULL, 0} or any pointer with length 0. Text is UTF-8.
 */
typedef struct weft_str {
	const char *ptr;
	size_t len_bytes;
} weft_str;

/* A weft_str over a string literal. */
#ifdef __cplusplus
#define WEFT_STR(literal) weft_str{(literal), sizeof(literal) - 1}
#else
#define WEFT_STR(literal) ((weft_str){(literal), sizeof(literal) - 1})
#endif

/* printf("%.*s", WEFT_STR_ARG(s)) */
#define WEFT_STR_ARG(s) (int)(s).len_bytes, (s).ptr

/** A weft_str over a C string; NULL gives the empty string. Threads: any. */
WEFT_API weft_str weft_str_from(const char *cstr);

/** Byte-wise equality. Threads: any. */
WEFT_API bool weft_str_eq(weft_str a, weft_str b);

/** The version of the library at run time, "MAJOR.MINOR.PATCH"; static. Threads: any. */
WEFT_API const char *weft_version(void);

WEFT_END_DECLS

#endif
