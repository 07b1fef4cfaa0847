/* SPDX-License-Identifier: Apache-2.0 */
/*
 * store/log/crc.h - CRC32C, the checksum of everything on disk.
 *
 * Castagnoli's polynomial, reflected, as in iSCSI and ext4: any burst of up to 32 wrong bits is seen, and
 * all but one in 2^32 of what else can happen. Not against forgers. With the CPU's
 * instruction where there is one (about 8 GB/s), else by a table of 8 times 256 words.
 */
#ifndef WEFT_STORE_LOG_CRC_H
#define WEFT_STORE_LOG_CRC_H

#include <stddef.h>
#include <stdint.h>

/* Goes on from crc, which is 0 at first: crc(b, crc(a, 0)) is that of ab. Any thread. */
uint32_t weft__crc32c(uint32_t crc, const void *data, size_t len);

/*
 * The sums of three pieces of one length, from 0: in the time of one, since what an instruction waits for is the sum
 * before it.
 */
void weft__crc32c_three(const void *const data[3], size_t len, uint32_t ret[3]);

/* The same by the table: what tests compare with. */
uint32_t weft__crc32c_table(uint32_t crc, const void *data, size_t len);

#endif
