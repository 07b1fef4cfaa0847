/* SPDX-License-Identifier: Apache-2.0 */
/* store/log/crc.c - see crc.h. */
#include "store/log/crc.h"

#include <stdbool.h>
#include <string.h>

#include "runtime/base/atomic.h"

#if defined(__x86_64__)
#include <nmmintrin.h>
#elif defined(__aarch64__)
#include <sys/auxv.h>
#endif

#define POLYNOMIAL 0x82f63b78u /* reflected */

typedef uint32_t (*crc_fn)(uint32_t crc, const void *data, size_t len);
typedef void (*crc_three_fn)(const void *const data[3], size_t len, uint32_t ret[3]);

static uint64_t load64(const unsigned char *p)
{
	uint64_t v;

	memcpy(&v, p, sizeof(v));
	return v;
}

/* ---- by table ------------------------------------------------------------------- */

/* tables[k][b]: what a byte b does to the checksum k bytes later. Made at load: nobody has to ask whether they are there. */
static uint32_t tables[8][256];

__attribute__((constructor)) static void tables_make(void)
{
	for (uint32_t b = 0; b < 256; b++) {
		uint32_t c = b;

		for (int i = 0; i < 8; i++)
			c = c >> 1 ^ (c & 1 ? POLYNOMIAL : 0);
		tables[0][b] = c;
	}
	for (uint32_t b = 0; b < 256; b++) {
		for (int k = 1; k < 8; k++)
			tables[k][b] = tables[k - 1][b] >> 8 ^ tables[0][tables[k - 1][b] & 255];
	}
}

uint32_t weft__crc32c_table(uint32_t crc, const void *data, size_t len)
{
	const unsigned char *p = data;

	crc = ~crc;
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
	for (; len >= 8; len -= 8, p += 8) {
		uint64_t v = load64(p) ^ crc;

		crc = 0;
		for (int k = 0; k < 8; k++)
			crc ^= tables[7 - k][v >> 8 * k & 255];
	}
#endif
	for (; len; len--)
		crc = crc >> 8 ^ tables[0][(crc ^ *p++) & 255];
	return ~crc;
}

static void crc_three_table(const void *const data[3], size_t len, uint32_t ret[3])
{
	for (int i = 0; i < 3; i++)
		ret[i] = weft__crc32c_table(0, data[i], len);
}

/* ---- by instruction ---------------------------------------------------------------- */

#if defined(__x86_64__)
__attribute__((target("sse4.2"))) static uint32_t crc_instruction(uint32_t crc, const void *data, size_t len)
{
	const unsigned char *p = data;
	uint64_t c = ~crc;

	for (; len >= 8; len -= 8, p += 8)
		c = _mm_crc32_u64(c, load64(p));
	for (; len; len--)
		c = _mm_crc32_u8((uint32_t)c, *p++);
	return ~(uint32_t)c;
}

__attribute__((target("sse4.2"))) static void crc_three_instruction(const void *const data[3], size_t len, uint32_t ret[3])
{
	const unsigned char *p = data[0], *q = data[1], *r = data[2];
	uint64_t a = UINT32_MAX, b = UINT32_MAX, c = UINT32_MAX;
	size_t i = 0;

	for (; i + 8 <= len; i += 8) {
		a = _mm_crc32_u64(a, load64(p + i));
		b = _mm_crc32_u64(b, load64(q + i));
		c = _mm_crc32_u64(c, load64(r + i));
	}
	ret[0] = crc_instruction(~(uint32_t)a, p + i, len - i);
	ret[1] = crc_instruction(~(uint32_t)b, q + i, len - i);
	ret[2] = crc_instruction(~(uint32_t)c, r + i, len - i);
}

static bool has_instruction(void)
{
	return __builtin_cpu_supports("sse4.2");
}
#elif defined(__aarch64__) && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define HAS_CRC32 (1UL << 7) /* HWCAP_CRC32 */

/* <arm_acle.h> names them for who compiles the whole file for such a CPU. */
#ifdef __clang__
#define CRC_TARGET "crc"
#define crc32c_8 __builtin_arm_crc32cd
#define crc32c_1 __builtin_arm_crc32cb
#else
#define CRC_TARGET "+crc"
#define crc32c_8 __builtin_aarch64_crc32cx
#define crc32c_1 __builtin_aarch64_crc32cb
#endif

__attribute__((target(CRC_TARGET))) static uint32_t crc_instruction(uint32_t crc, const void *data, size_t len)
{
	const unsigned char *p = data;
	uint32_t c = ~crc;

	for (; len >= 8; len -= 8, p += 8)
		c = crc32c_8(c, load64(p));
	for (; len; len--)
		c = crc32c_1(c, *p++);
	return ~c;
}

__attribute__((target(CRC_TARGET))) static void crc_three_instruction(const void *const data[3], size_t len, uint32_t ret[3])
{
	const unsigned char *p = data[0], *q = data[1], *r = data[2];
	uint32_t a = UINT32_MAX, b = UINT32_MAX, c = UINT32_MAX;
	size_t i = 0;

	for (; i + 8 <= len; i += 8) {
		a = crc32c_8(a, load64(p + i));
		b = crc32c_8(b, load64(q + i));
		c = crc32c_8(c, load64(r + i));
	}
	ret[0] = crc_instruction(~a, p + i, len - i);
	ret[1] = crc_instruction(~b, q + i, len - i);
	ret[2] = crc_instruction(~c, r + i, len - i);
}

static bool has_instruction(void)
{
	return getauxval(AT_HWCAP) & HAS_CRC32;
}
#else
#define crc_instruction       weft__crc32c_table
#define crc_three_instruction crc_three_table

static bool has_instruction(void)
{
	return false;
}
#endif

static _Atomic(crc_fn) chosen;
static _Atomic(crc_three_fn) chosen_three;

uint32_t weft__crc32c(uint32_t crc, const void *data, size_t len)
{
	crc_fn fn = weft__load_relaxed(&chosen); /* relaxed: code, and all choose the same */

	if (!fn) {
		fn = has_instruction() ? crc_instruction : weft__crc32c_table;
		weft__store_relaxed(&chosen, fn);
	}
	return fn(crc, data, len);
}

void weft__crc32c_three(const void *const data[3], size_t len, uint32_t ret[3])
{
	crc_three_fn fn = weft__load_relaxed(&chosen_three); /* relaxed: the same */

	if (!fn) {
		fn = has_instruction() ? crc_three_instruction : crc_three_table;
		weft__store_relaxed(&chosen_three, fn);
	}
	fn(data, len, ret);
}
