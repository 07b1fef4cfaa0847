/* SPDX-License-Identifier: Apache-2.0 */
/*
 * net/json/file.c - a document from a file; its errors name the file and the place. Files of configuration hold keys, so no copy
 * of what was read is left behind.
 */
#include "net/json/json.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "runtime/base/assert.h"

#define FILE_BYTES_MAX (256u << 20)

static void forget(char *text, size_t cap)
{
	if (text)
		explicit_bzero(text, cap);
	weft_free(text);
}

static int read_all(FILE *f, char **ret_text, size_t *ret_len, size_t *ret_cap)
{
	size_t len = 0, cap = 4096;
	char *text = weft_malloc(cap);
	int r = -ENOMEM;

	while (text) {
		size_t n;
		char *more;

		errno = 0;
		n = fread(text + len, 1, cap - len, f);
		len += n;
		if (len < cap) {
			r = ferror(f) ? -(errno ? errno : EIO) : 0;
			break;
		}
		if (cap >= FILE_BYTES_MAX) {
			r = -EFBIG;
			break;
		}
		more = weft_malloc(cap * 2); /* not realloc: that may leave a copy behind */
		if (!more)
			break;
		memcpy(more, text, len);
		forget(text, cap);
		text = more;
		cap *= 2;
	}
	if (r < 0) {
		forget(text, cap);
		return r;
	}
	*ret_text = text;
	*ret_len = len;
	*ret_cap = cap;
	return 0;
}

int weft_json_parse_file(const char *path, weft_json_doc **ret_doc, weft_error *err)
{
	char *text = NULL;
	size_t len = 0, cap = 0;
	FILE *f;
	int r;

	WEFT_RETURN_IF(!path || !ret_doc, -EINVAL);
	f = fopen(path, "re");
	if (!f) {
		r = -errno;
		return weft_error_set(err, r, "%s: %s", path, weft_strerror(r));
	}
	setvbuf(f, NULL, _IONBF, 0); /* nor a copy in stdio's buffer */
	r = read_all(f, &text, &len, &cap);
	fclose(f);
	if (r < 0)
		return weft_error_set(err, r, "%s: %s", path, weft_strerror(r));
	r = weft__json_parse_secret((weft_str){ text, len }, path, ret_doc, err);
	forget(text, cap);
	return r;
}
