/* SPDX-License-Identifier: Apache-2.0 */
/* bench/text_file.c - see text_file.h. */
#include "bench/text_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define FIRST_BYTES 65536u
#define PATH_BYTES 4096

/* All of it, or until more than max bytes are there. */
static int read_all(FILE *f, size_t max, char **ret_text, size_t *ret_len)
{
	size_t room = FIRST_BYTES, len = 0;
	char *text = malloc(room + 1);

	errno = 0;
	while (text && len <= max) {
		size_t n = fread(text + len, 1, room - len, f);
		char *larger;

		len += n;
		if (!n)
			break;
		if (len < room)
			continue;
		room *= 2;
		larger = realloc(text, room + 1);
		if (!larger)
			free(text);
		text = larger;
	}
	if (!text)
		return -ENOMEM;
	if (ferror(f) || len > max) {
		int r = !ferror(f) ? -EFBIG : errno ? -errno : -EIO;

		free(text);
		return r;
	}
	text[len] = '\0';
	*ret_text = text;
	*ret_len = len;
	return 0;
}

int bench_text_read(const char *path, size_t max, char **ret_text, size_t *ret_len)
{
	FILE *f = fopen(path, "re");
	int r;

	if (!f)
		return -errno;
	r = read_all(f, max, ret_text, ret_len);
	fclose(f);
	return r;
}

/* On the disk when this returns, if it is to be. Closes f. */
static int put(FILE *f, weft_str text, bool lasting)
{
	int r = 0;

	if (fwrite(text.ptr, 1, text.len_bytes, f) != text.len_bytes || fputc('\n', f) == EOF)
		r = -EIO;
	if (r == 0 && lasting && (fflush(f) != 0 || fsync(fileno(f)) < 0))
		r = -errno;
	if (fclose(f) != 0 && r == 0)
		r = -errno;
	return r;
}

int bench_text_write(const char *path, weft_str text)
{
	FILE *f = fopen(path, "we");

	return f ? put(f, text, false) : -errno;
}

/* What has that name, perhaps somebody's link, goes; only what is made here is written to. */
static FILE *make(const char *path)
{
	FILE *f = NULL;
	int fd;

	unlink(path);
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0666);
	if (fd >= 0 && !(f = fdopen(fd, "w")))
		close(fd);
	return f;
}

int bench_text_replace(const char *path, weft_str text)
{
	char beside[PATH_BYTES];
	FILE *f;
	int r;

	if (snprintf(beside, sizeof(beside), "%s.new", path) >= PATH_BYTES)
		return -ENAMETOOLONG;
	f = make(beside);
	if (!f)
		return -errno;
	r = put(f, text, true);
	if (r == 0 && rename(beside, path) < 0)
		r = -errno;
	if (r < 0)
		unlink(beside);
	return r;
}
