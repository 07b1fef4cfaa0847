/* SPDX-License-Identifier: Apache-2.0 */
/* files: read whole, and named in errors. */
#include <unistd.h>

#include "json_test.h"

static char path[64];

static void write_file(const char *text, size_t times)
{
	int fd;
	FILE *f;

	strcpy(path, "/tmp/weft-json-XXXXXX");
	fd = mkstemp(path);
	cr_assert_geq(fd, 0);
	f = fdopen(fd, "w");
	for (size_t i = 0; i < times; i++)
		fputs(text, f);
	fclose(f);
}

Test(file, parse_file__reads_all_of_it)
{
	weft_json_doc *doc;
	weft_error err;

	write_file("[1,2,3]\n", 1);
	cr_assert_eq(weft_json_parse_file(path, &doc, &err), 0);
	cr_assert_eq(weft_json_count(weft_json_root(doc)), 3);
	cr_assert_eq(weft_json_text(doc).len_bytes, 8);
	weft_json_release(doc);
	unlink(path);
}

Test(file, parse_file__larger_than_any_buffer)
{
	weft_json_doc *doc;

	write_file("                                                               \n", 4096);
	cr_assert_eq(truncate(path, 4096 * 64), 0);
	FILE *f = fopen(path, "r+");
	fputs("{\"a\":true}", f);
	fclose(f);
	cr_assert_eq(weft_json_parse_file(path, &doc, NULL), 0);
	cr_assert_eq(weft_json_text(doc).len_bytes, 4096 * 64);
	weft_json_release(doc);
	unlink(path);
}

Test(file, parse_file__names_file_line_and_column)
{
	weft_json_doc *doc = NULL;
	weft_error err;
	char expected[128];

	write_file("{\n\"name\": \"Ada\",\n\"bio\": x\n}", 1);
	cr_assert_eq(weft_json_parse_file(path, &doc, &err), WEFT_EPARSE);
	snprintf(expected, sizeof(expected), "%s:3:8: expected a value", path);
	cr_assert_str_eq(err.message, expected);
	cr_assert_eq(err.line, 3);
	cr_assert_eq(err.column, 8);
	unlink(path);
}

Test(file, parse_file__says_why_it_cannot_be_read)
{
	weft_json_doc *doc = NULL;
	weft_error err;

	cr_assert_eq(weft_json_parse_file("/nonexistent/a.json", &doc, &err), -ENOENT);
	cr_assert_str_eq(err.message, "/nonexistent/a.json: No such file or directory");
	cr_assert_eq(weft_json_parse_file("/", &doc, &err), -EISDIR);
	cr_assert_eq(weft_json_parse_file(NULL, &doc, &err), -EINVAL);
	cr_assert_null(doc);
}
