/* SPDX-License-Identifier: Apache-2.0 */
/* store/log/crc.c - see crc.h. */
#include "store/log/crc.h"

#include <string.h>

#include "runtime/base/atomic.h"

#if defined(__x86_64__)
#include <nmmintrin.h>
#elif defined(__aarch64__)
#include <sys/auxv.h>
#endif

#define POLYNOMIAL 0x82f63b78u /* reflected */

typedef uint32_t (*crc_fn)(uint32_t crc, const void *data, size_t len);

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

static crc_fn best(void)
{
	return __builtin_cpu_supports("sse4.2") ? crc_instruction : weft__crc32c_table;
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

static crc_fn best(void)
{
	return getauxval(AT_HWCAP) & HAS_CRC32 ? crc_instruction : weft__crc32c_table;
}
#else
static crc_fn best(void)
{
	return weft__crc32c_table;
}
#endif

static _Atomic(crc_fn) chosen;

uint32_t weft__crc32c(uint32_t crc, const void *data, size_t len)
{
	crc_fn fn = weft__load_relaxed(&chosen); /* relaxed: code, and all choose the same */

	if (!fn) {
		fn = best();
		weft__store_relaxed(&chosen, fn);
	}
	return fn(crc, data, len);
}
