/* SPDX-License-Identifier: Apache-2.0 */
/* tests/support/folder.h - a folder for a test's files: made anew, emptied and removed. */
#ifndef WEFT_TESTS_SUPPORT_FOLDER_H
#define WEFT_TESTS_SUPPORT_FOLDER_H

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A new folder below TMPDIR or /tmp; ret has 256 bytes. */
static inline const char *test_folder(char *ret)
{
	const char *tmp = getenv("TMPDIR");

	snprintf(ret, 256, "%s/weft-test-XXXXXX", tmp && *tmp ? tmp : "/tmp");
	return mkdtemp(ret);
}

static inline void test_folder_empty(const char *folder)
{
	char path[1024];
	struct dirent *e;
	DIR *dir = opendir(folder);

	while (dir && (e = readdir(dir))) {
		snprintf(path, sizeof(path), "%s/%s", folder, e->d_name);
		if (e->d_name[0] != '.')
			remove(path);
	}
	if (dir)
		closedir(dir);
}

static inline void test_folder_remove(const char *folder)
{
	test_folder_empty(folder);
	rmdir(folder);
}

#endif
