/* SPDX-License-Identifier: Apache-2.0 */
/* net/json/file.c - a document from a file; its errors name the file and the place. */
#include "net/json/json.h"

#include <errno.h>
#include <stdio.h>

#include "runtime/base/assert.h"

#define FILE_BYTES_MAX (256u << 20)

static int read_all(FILE *f, char **ret_text, size_t *ret_len)
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
		more = weft_realloc(text, cap *= 2);
		if (!more)
			break;
		text = more;
	}
	if (r < 0) {
		weft_free(text);
		return r;
	}
	*ret_text = text;
	*ret_len = len;
	return 0;
}

int weft_json_parse_file(const char *path, weft_json_doc **ret_doc, weft_error *err)
{
	char *text = NULL;
	size_t len = 0;
	FILE *f;
	int r;

	WEFT_RETURN_IF(!path || !ret_doc, -EINVAL);
	f = fopen(path, "re");
	if (!f) {
		r = -errno;
		return weft_error_set(err, r, "%s: %s", path, weft_strerror(r));
	}
	r = read_all(f, &text, &len);
	fclose(f);
	if (r < 0)
		return weft_error_set(err, r, "%s: %s", path, weft_strerror(r));
	r = weft__json_parse_named((weft_str){ text, len }, path, ret_doc, err);
	weft_free(text);
	return r;
}
