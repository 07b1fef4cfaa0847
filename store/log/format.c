/* SPDX-License-Identifier: Apache-2.0 */
/* store/log/format.c - see format.h. */
#include "store/log/format.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include <weft/error.h>

#include "store/log/crc.h"

/* A head, by offset. Magic, version and checksum stand where every later format will have them. */
enum {
	HEAD_MAGIC = 0,
	HEAD_VERSION = 8,
	HEAD_KIND = 12,
	HEAD_STORE = 16,
	HEAD_NUMBER = 32,
	HEAD_FIRST_SEQ = 40,
	HEAD_CREATED = 48,
	HEAD_SECTOR = 56,
	HEAD_CHAIN = 60,
	HEAD_CRC = 64,
	HEAD_BYTES = 68
};

/* A frame. */
enum { FRAME_MAGIC = 0, FRAME_CRC = 4, FRAME_CHAIN = 8, FRAME_RECORDS = 12, FRAME_SEQ = 16, FRAME_LEN = 24, FRAME_FLAGS = 28 };

static const char head_magic[8] = "weft.log";
#define MAGIC 0x42667477u /* "wtfB", as bytes */

static_assert(FRAME_FLAGS + 4 == WEFT__FRAME_BYTES, "a frame is full");

void weft__head_put(char *sector, struct weft__head *head)
{
	memset(sector, 0, WEFT__SECTOR);
	memcpy(sector + HEAD_MAGIC, head_magic, sizeof(head_magic));
	weft__put32(sector + HEAD_VERSION, WEFT__LOG_VERSION);
	weft__put32(sector + HEAD_KIND, head->kind);
	memcpy(sector + HEAD_STORE, head->store.bytes, sizeof(head->store.bytes));
	weft__put64(sector + HEAD_NUMBER, head->number);
	weft__put64(sector + HEAD_FIRST_SEQ, head->first_seq);
	weft__put64(sector + HEAD_CREATED, (uint64_t)head->created_ms);
	weft__put32(sector + HEAD_SECTOR, WEFT__SECTOR);
	weft__put32(sector + HEAD_CHAIN, head->chain);
	head->crc = weft__crc32c(0, sector, HEAD_CRC);
	weft__put32(sector + HEAD_CRC, head->crc);
}

static bool is_zero(const char *bytes, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (bytes[i])
			return false;
	}
	return true;
}

int weft__head_get(const char *sector, struct weft__head *ret_head, uint32_t *ret_version)
{
	struct weft__head h = {
		.kind = weft__get32(sector + HEAD_KIND),
		.number = weft__get64(sector + HEAD_NUMBER),
		.first_seq = weft__get64(sector + HEAD_FIRST_SEQ),
		.chain = weft__get32(sector + HEAD_CHAIN),
		.created_ms = (int64_t)weft__get64(sector + HEAD_CREATED),
		.crc = weft__get32(sector + HEAD_CRC),
	};
	size_t begun = 0;

	while (begun < sizeof(head_magic) && sector[begun] == head_magic[begun])
		begun++;
	if (begun < sizeof(head_magic) && is_zero(sector + begun, HEAD_BYTES - begun))
		return -ENODATA;
	if (memcmp(sector, head_magic, sizeof(head_magic)) != 0)
		return -EBADMSG;
	if (h.crc != weft__crc32c(0, sector, HEAD_CRC))
		return WEFT_EDAMAGED;
	*ret_version = weft__get32(sector + HEAD_VERSION);
	if (*ret_version != WEFT__LOG_VERSION)
		return WEFT_EVERSION;
	if (weft__get32(sector + HEAD_SECTOR) != WEFT__SECTOR)
		return WEFT_EDAMAGED;
	memcpy(h.store.bytes, sector + HEAD_STORE, sizeof(h.store.bytes));
	*ret_head = h;
	return 0;
}

void weft__frame_put(char *bytes, const struct weft__frame *frame)
{
	weft__put32(bytes + FRAME_MAGIC, MAGIC);
	weft__put32(bytes + FRAME_CRC, frame->crc);
	weft__put32(bytes + FRAME_CHAIN, frame->chain);
	weft__put32(bytes + FRAME_RECORDS, frame->records);
	weft__put64(bytes + FRAME_SEQ, frame->seq);
	weft__put32(bytes + FRAME_LEN, frame->len);
	weft__put32(bytes + FRAME_FLAGS, frame->flags);
}

uint32_t weft__frame_begin(const struct weft__frame *frame, uint32_t head_crc)
{
	char bytes[WEFT__FRAME_BYTES];

	weft__frame_put(bytes, frame);
	return weft__crc32c(head_crc, bytes + FRAME_CHAIN, WEFT__FRAME_BYTES - FRAME_CHAIN);
}

int weft__frame_get(const char *bytes, struct weft__frame *ret_frame)
{
	struct weft__frame f = {
		.seq = weft__get64(bytes + FRAME_SEQ),
		.chain = weft__get32(bytes + FRAME_CHAIN),
		.crc = weft__get32(bytes + FRAME_CRC),
		.records = weft__get32(bytes + FRAME_RECORDS),
		.flags = weft__get32(bytes + FRAME_FLAGS),
		.len = weft__get32(bytes + FRAME_LEN),
	};

	if (weft__get32(bytes + FRAME_MAGIC) != MAGIC || f.len > WEFT__BATCH_BYTES_MAX)
		return -EBADMSG;
	*ret_frame = f;
	return 0;
}
