/* SPDX-License-Identifier: Apache-2.0 */
/*
 * store/log/format.h - the bytes of a log segment and of a snapshot. docs/internals/log.md has the pictures.
 *
 *   segment:  head | batch | batch | ... | end mark? | zeros?
 *   head:     one sector                     batch:  a frame of 32 bytes, records, zeros up to a sector's end
 *
 * A sector is WEFT__SECTOR bytes; all starts at a sector and none holds two things, so what is written
 * never touches a sector that was acknowledged. Numbers are little endian.
 *
 * A frame's checksum covers the frame, with its sequence number and the checksum of the batch before (the
 * chain), and its records; it starts from the checksum of the head, so that a frame of another
 * segment or store, left in a block of the disk, is none here.
 */
#ifndef WEFT_STORE_LOG_FORMAT_H
#define WEFT_STORE_LOG_FORMAT_H

#include <stddef.h>
#include <stdint.h>

#include <weft/uuid.h>

#define WEFT__LOG_VERSION 1u
#define WEFT__SECTOR 4096u
#define WEFT__FRAME_BYTES 32u
#define WEFT__BATCH_BYTES_MAX (64u << 20) /* records of a batch; more is damage */

enum weft__segment_kind { WEFT__SEGMENT_LOG = 1, WEFT__SEGMENT_SNAPSHOT = 2 };

struct weft__head {
	uint32_t kind;
	weft_uuid store;    /* which store it belongs to */
	uint64_t number;    /* of the segment; of a snapshot: of the segment that goes on from it */
	uint64_t first_seq; /* of the batch that comes first, there */
	uint32_t chain;     /* the checksum of the batch before that one; 0: none */
	int64_t created_ms;
	uint32_t crc;       /* set by put and get */
};

/* Fill a sector. */
void weft__head_put(char *sector, struct weft__head *head);
/*
 * 0, -ENODATA (zeros, or hardly begun: it was never written), -EBADMSG (this is no head), WEFT_EVERSION (*ret_version is
 * that of the format), or WEFT_EDAMAGED.
 */
int weft__head_get(const char *sector, struct weft__head *ret_head, uint32_t *ret_version);

enum { WEFT__FRAME_END = 1u << 0 }; /* an end mark: all before it is on the platter. No records, the last batch's number */

struct weft__frame {
	uint64_t seq;
	uint32_t chain, crc;
	uint32_t records, flags;
	uint32_t len; /* bytes of the records */
};

/* crc of the result: of the frame alone, to go on from over the records. */
uint32_t weft__frame_begin(const struct weft__frame *frame, uint32_t head_crc);
/* frame->crc is the whole one. */
void weft__frame_put(char *bytes, const struct weft__frame *frame);
/* 0, or -EBADMSG: this is no frame. The checksum is not looked at. */
int weft__frame_get(const char *bytes, struct weft__frame *ret_frame);

/* Frame, records and zeros. */
static inline uint64_t weft__batch_bytes(uint64_t len)
{
	return (WEFT__FRAME_BYTES + len + WEFT__SECTOR - 1) / WEFT__SECTOR * WEFT__SECTOR;
}

/* ---- numbers in bytes ------------------------------------------------------------ */

static inline void weft__put32(char *at, uint32_t v)
{
	for (int i = 0; i < 4; i++)
		at[i] = (char)(v >> 8 * i);
}

static inline void weft__put64(char *at, uint64_t v)
{
	weft__put32(at, (uint32_t)v);
	weft__put32(at + 4, (uint32_t)(v >> 32));
}

static inline uint32_t weft__get32(const char *at)
{
	const unsigned char *u = (const unsigned char *)at;

	return u[0] | (uint32_t)u[1] << 8 | (uint32_t)u[2] << 16 | (uint32_t)u[3] << 24;
}

static inline uint64_t weft__get64(const char *at)
{
	return weft__get32(at) | (uint64_t)weft__get32(at + 4) << 32;
}

#endif
