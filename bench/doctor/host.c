/* SPDX-License-Identifier: Apache-2.0 */
#include <ctype.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench/doctor/facts.h"

bool bench_host_text(const char *root, const char *path, char *buf, size_t size)
{
	char full[512];
	ssize_t n = -1, got = 0;
	int fd;

	buf[0] = '\0';
	snprintf(full, sizeof(full), "%s%s", root, path);
	fd = open(full, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	while ((size_t)got < size - 1 && (n = read(fd, buf + got, size - 1 - (size_t)got)) > 0)
		got += n; /* files of the kernel may come in pieces */
	close(fd);
	buf[got] = '\0';
	while (got > 0 && isspace((unsigned char)buf[got - 1]))
		buf[--got] = '\0';
	return n >= 0;
}

int64_t bench_host_number(const char *root, const char *path, int64_t none)
{
	char text[64], *end;
	long long v;

	if (!bench_host_text(root, path, text, sizeof(text)))
		return none;
	v = strtoll(text, &end, 10);
	return end == text ? none : v;
}

int64_t bench_host_field(const char *root, const char *path, const char *key, int64_t none)
{
	char text[16384], *at, *end;
	size_t len = strlen(key);
	long long v;

	if (!bench_host_text(root, path, text, sizeof(text)))
		return none;
	for (at = text; at; at = strchr(at, '\n')) {
		at += *at == '\n';
		if (strncmp(at, key, len) != 0 || (!isspace((unsigned char)at[len]) && at[len] != ':'))
			continue;
		v = strtoll(at + len + (at[len] == ':'), &end, 10);
		return end == at + len + (at[len] == ':') ? none : v;
	}
	return none;
}

uint32_t bench_host_list(const char *text)
{
	uint32_t count = 0;

	while (isdigit((unsigned char)*text)) {
		char *end;
		unsigned long first = strtoul(text, &end, 10), last = first;

		if (*end == '-')
			last = strtoul(end + 1, &end, 10);
		if (last >= first && last - first < 65536)
			count += (uint32_t)(last - first + 1);
		if (*end != ',')
			break;
		text = end + 1;
	}
	return count;
}
