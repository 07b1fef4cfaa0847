/* SPDX-License-Identifier: Apache-2.0 */
/* runtime/io/file.c - see file.h. */
#include "runtime/io/file.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "runtime/base/sim.h"
#include "runtime/io/disk.h"

#define MODE 0640

static_assert(WEFT__FILE_PATH_BYTES >= PATH_MAX, "realpath wants that many");

static int result_of(int r)
{
	return r < 0 ? -errno : r;
}

/* ---- files ----------------------------------------------------------------------- */

int weft__file_open(const char *path, uint32_t flags)
{
	int how = O_CLOEXEC | (flags & WEFT__FILE_WRITE ? O_RDWR : O_RDONLY);
	int fd;

	if (weft__sim_is_on())
		return weft__disk_open_as(path, flags);
	if (flags & WEFT__FILE_CREATE)
		how |= O_CREAT | O_EXCL;
	if (!(flags & WEFT__FILE_DURABLE))
		return result_of(open(path, how, MODE));
	how |= O_DSYNC;
	fd = open(path, how | O_DIRECT, MODE);
	if (fd >= 0 || errno != EINVAL)
		return result_of(fd);
	/* A file system without O_DIRECT may have made the file before it said so. */
	return result_of(open(path, (how & ~O_EXCL) | (flags & WEFT__FILE_CREATE ? O_NOFOLLOW : 0), MODE));
}

void weft__file_close(int fd)
{
	if (fd < 0)
		return;
	if (weft__sim_is_on())
		weft__disk_close(fd);
	else
		close(fd);
}

int64_t weft__file_size(int fd)
{
	struct stat st;

	if (weft__sim_is_on())
		return weft__disk_size(fd);
	return fstat(fd, &st) < 0 ? -errno : (int64_t)st.st_size;
}

int weft__file_reserve(int fd, uint64_t len)
{
	int r;

	if (weft__sim_is_on())
		return weft__disk_resize(fd, len, false);
	do {
		r = fallocate(fd, 0, 0, (off_t)len);
	} while (r < 0 && errno == EINTR);
	if (r < 0 && (errno == EOPNOTSUPP || errno == ENOSYS))
		r = ftruncate(fd, (off_t)len); /* no room is promised then */
	return result_of(r);
}

int weft__file_truncate(int fd, uint64_t len)
{
	if (weft__sim_is_on())
		return weft__disk_resize(fd, len, true);
	return result_of(ftruncate(fd, (off_t)len));
}

int weft__file_sync(int fd)
{
	if (weft__sim_is_on())
		return weft__disk_perform(&(struct weft__io){ .fd = fd, .op = WEFT__IO_FSYNC });
	return result_of(fsync(fd));
}

static int64_t read_some(int fd, char *buf, size_t len, uint64_t offset)
{
	ssize_t n;

	len = len < INT32_MAX ? len : INT32_MAX;
	if (weft__sim_is_on())
		return weft__disk_perform(&(struct weft__io){
			.fd = fd, .op = WEFT__IO_READ, .buf = buf, .len_bytes = (uint32_t)len, .offset = offset });
	do {
		n = pread(fd, buf, len, (off_t)offset);
	} while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : n;
}

int64_t weft__file_read(int fd, void *buf, size_t len, uint64_t offset)
{
	size_t have = 0;

	while (have < len) {
		int64_t n = read_some(fd, (char *)buf + have, len - have, offset + have);

		if (n < 0)
			return n;
		if (n == 0)
			break;
		have += (size_t)n;
	}
	return (int64_t)have;
}

static int64_t write_some(int fd, const char *buf, size_t len, uint64_t offset)
{
	ssize_t n;

	len = len < (1u << 30) ? len : 1u << 30;
	if (weft__sim_is_on())
		return weft__disk_perform(&(struct weft__io){ .fd = fd, .op = WEFT__IO_WRITE, .buf = (void *)(uintptr_t)buf,
			                                      .len_bytes = (uint32_t)len, .offset = offset });
	do {
		n = pwrite(fd, buf, len, (off_t)offset);
	} while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : n;
}

int weft__file_write(int fd, const void *buf, size_t len, uint64_t offset)
{
	size_t done = 0;

	while (done < len) {
		int64_t n = write_some(fd, (const char *)buf + done, len - done, offset + done);

		if (n <= 0)
			return n < 0 ? (int)n : -EIO;
		done += (size_t)n;
	}
	return 0;
}

/* ---- names ------------------------------------------------------------------------ */

int weft__file_rename(const char *from, const char *to)
{
	return weft__sim_is_on() ? weft__disk_rename(from, to) : result_of(rename(from, to));
}

int weft__file_remove(const char *path)
{
	return weft__sim_is_on() ? weft__disk_remove(path) : result_of(unlink(path));
}

int weft__dir_make(const char *path)
{
	return weft__sim_is_on() ? -EEXIST : result_of(mkdir(path, 0750)); /* a simulated disk has names, and no folders */
}

int weft__dir_sync(const char *path)
{
	int fd, r;

	if (weft__sim_is_on())
		return weft__disk_sync_names();
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	r = result_of(fsync(fd));
	close(fd);
	return r;
}

int weft__dir_absolute(const char *path, char *ret)
{
	if (weft__sim_is_on()) {
		snprintf(ret, WEFT__FILE_PATH_BYTES, "%s", path);
		return 0;
	}
	return realpath(path, ret) ? 0 : -errno;
}

int weft__dir_list(const char *path, bool (*fn)(const char *name, void *user), void *user)
{
	struct dirent *e;
	DIR *dir;
	int r;

	if (weft__sim_is_on())
		return weft__disk_list(path, fn, user);
	dir = opendir(path);
	if (!dir)
		return -errno;
	for (errno = 0; (e = readdir(dir)); errno = 0) {
		if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
			continue;
		if (!fn(e->d_name, user))
			break;
	}
	r = e ? 0 : -errno;
	closedir(dir);
	return r;
}

/* ---- the lock ---------------------------------------------------------------------- */

static int64_t owner_of(int fd)
{
	char text[24] = "";
	ssize_t n = pread(fd, text, sizeof(text) - 1, 0);

	return n > 0 ? strtoll(text, NULL, 10) : 0;
}

/* For a human eye and the next one's error text; the lock is the kernel's. */
static void sign(int fd)
{
	char text[24];
	int n = snprintf(text, sizeof(text), "%lld\n", (long long)getpid());

	if (ftruncate(fd, 0) == 0 && pwrite(fd, text, (size_t)n, 0) < 0)
		return; /* then the owner is not known */
}

int weft__file_lock(const char *path, int64_t *ret_owner)
{
	int fd, r;

	*ret_owner = 0;
	if (weft__sim_is_on())
		return weft__disk_lock(path);
	/* it is cut off and written to: somebody's link must not lead that elsewhere */
	fd = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, MODE);
	if (fd < 0)
		return -errno;
	do {
		r = flock(fd, LOCK_EX | LOCK_NB);
	} while (r < 0 && errno == EINTR);
	if (r == 0) {
		sign(fd);
		return fd;
	}
	r = errno == EWOULDBLOCK ? -EBUSY : -errno;
	*ret_owner = owner_of(fd);
	close(fd);
	return r;
}
