/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as the records of a log: what is taken for a change lies in the bytes or the arena, says the same
 * when it is written again, and nothing is read behind the end. And as a head and a frame.
 */
#include <errno.h>
#include <string.h>

#include "fuzz.h"
#include "store/log/format.h"
#include "store/log/record.h"

static weft_arena *arena;

static void check_change(const weft_change *change, const char *bytes, size_t size)
{
	size_t again_bytes = weft__change_bytes(change);
	char *again = malloc(again_bytes);

	FUZZ_CHECK(again_bytes == size);
	FUZZ_CHECK(weft__change_put(again, change) == again + again_bytes);
	FUZZ_CHECK(memcmp(again, bytes, size) == 0);
	free(again);
}

static void check_sector(const uint8_t *data, size_t size)
{
	char sector[WEFT__SECTOR] = { 0 };
	struct weft__frame frame;
	struct weft__head head;
	uint32_t version;

	memcpy(sector, data, size < sizeof(sector) ? size : sizeof(sector));
	if (weft__head_get(sector, &head, &version) == 0)
		FUZZ_CHECK(version == WEFT__LOG_VERSION);
	if (weft__frame_get(sector, &frame) == 0)
		FUZZ_CHECK(frame.len <= WEFT__BATCH_BYTES_MAX);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct weft__changes records = { (const char *)data, (const char *)data + size };
	uint64_t end = 0;
	weft_change c;
	int r;

	check_sector(data, size);
	if (!arena && weft_arena_create(0, &arena) < 0)
		return 0;
	for (;;) {
		const char *from = records.at;

		weft_arena_reset(arena);
		r = weft__changes_next(&records, arena, &c, &end);
		if (r <= 0)
			break;
		FUZZ_CHECK(records.at > from && records.at <= records.end);
		if ((int)c.kind)
			check_change(&c, from, (size_t)(records.at - from));
	}
	FUZZ_CHECK(r == 0 || r == WEFT_EDAMAGED || r == -ENOMEM);
	return 0;
}
