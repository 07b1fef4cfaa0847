/* SPDX-License-Identifier: Apache-2.0 */
/*
 * examples/convert.c - a list of chat messages from one format into another: standard input to standard output.
 *
 *   example-convert json msgpack < room.json > room.msgpack
 *   example-convert msgpack protobuf < room.msgpack | protoc --decode=weft.v1.Messages -I include include/weft/message.proto
 */
#include <stdio.h>
#include <string.h>

#include <weft/codec.h>

static int format_of(const char *name, weft_codec_format *ret)
{
	for (int f = 0; f < WEFT_CODEC_FORMAT_COUNT; f++) {
		if (strcmp(name, weft_codec_format_name((weft_codec_format)f)) == 0) {
			*ret = (weft_codec_format)f;
			return 0;
		}
	}
	fprintf(stderr, "convert: no format '%s'; there are json, msgpack, protobuf\n", name);
	return -1;
}

/* No more than a list may have: what is longer is refused by weft_codec_decode_list. */
static int read_all(FILE *from, weft_buffer *to)
{
	size_t n;

	do {
		if (weft_buffer_reserve(to, 1 << 16) < 0)
			return -1;
		n = fread(to->ptr + to->len_bytes, 1, to->cap_bytes - to->len_bytes, from);
		to->len_bytes += n;
	} while (n && to->len_bytes <= WEFT_CODEC_BYTES_MAX);
	return ferror(from) ? -1 : 0;
}

static int convert(weft_codec_format from, weft_codec_format to, weft_arena *arena, weft_error *err)
{
	weft_buffer in = { .arena = arena }, out = { .arena = arena };
	weft_codec_message *list;
	uint32_t count;
	int r;

	if (read_all(stdin, &in) < 0)
		return weft_error_set(err, WEFT_EFAILED, "standard input cannot be read");
	/* its texts may point into in: both go with the arena */
	r = weft_codec_decode_list(from, (weft_str){ in.ptr, in.len_bytes }, WEFT_CODEC_BORROW, arena, &list, &count, err);
	if (r == 0)
		r = weft_codec_encode_list(to, list, count, &out, err);
	if (r < 0)
		return r;
	if (fwrite(out.ptr, 1, out.len_bytes, stdout) != out.len_bytes || fflush(stdout) != 0)
		return weft_error_set(err, WEFT_EFAILED, "standard output cannot be written");
	return 0;
}

int main(int argc, char **argv)
{
	weft_codec_format from, to;
	weft_error err = { 0 };
	weft_arena *arena;
	int r;

	if (argc != 3) {
		fprintf(stderr, "usage: %s FROM TO <IN >OUT, each of json, msgpack, protobuf\n", argv[0]);
		return 2;
	}
	if (format_of(argv[1], &from) < 0 || format_of(argv[2], &to) < 0)
		return 2;
	if (weft_arena_create(1 << 16, &arena) < 0)
		return 1;
	r = convert(from, to, arena, &err);
	if (r < 0)
		fprintf(stderr, "convert: %s\n", err.message);
	weft_arena_destroy(arena);
	return r < 0;
}
