/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cli/clean.c - text from elsewhere, made fit for a terminal.
 *
 * What models, servers and files say must not move the cursor, name the window or show itself in another order than it
 * has.
 */
#include <stdarg.h>
#include <stdbool.h>
#include <string.h>

#include "cli/cli.h"

#define LINE_BYTES 1024u

/* Bytes of the control character at c; 0: it is none. */
static size_t control_bytes(const unsigned char *c, size_t have)
{
	bool bidirectional;

	if (c[0] < 0x20 || c[0] == 0x7f)
		return 1;
	if (have > 1 && c[0] == 0xc2 && c[1] >= 0x80 && c[1] < 0xa0)
		return 2;
	if (have < 3 || c[0] != 0xe2)
		return 0;
	bidirectional = (c[1] == 0x80 && c[2] >= 0xaa && c[2] <= 0xae) || (c[1] == 0x81 && c[2] >= 0xa6 && c[2] <= 0xa9);
	return bidirectional ? 3 : 0;
}

size_t cli_clean(char *text, size_t len_bytes)
{
	size_t to = 0;

	for (size_t at = 0; at < len_bytes;) {
		size_t control = control_bytes((const unsigned char *)text + at, len_bytes - at);

		if (strchr("\n\t\r", text[at]) && text[at])
			text[to++] = ' ';
		else if (!control)
			text[to++] = text[at];
		at += control ? control : 1;
	}
	return to;
}

void cli_line(FILE *to, const char *fmt, ...)
{
	char text[LINE_BYTES];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	fprintf(to, "%.*s\n", (int)cli_clean(text, strlen(text)), text);
}
