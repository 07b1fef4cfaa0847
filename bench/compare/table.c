/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/compare/table.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define FIRST_WIDTH_MIN 8u
#define COLUMNS_MIN 60u
#define COLUMNS_MAX 24u
#define CELL_BYTES_MAX 512u
#define INDENT 4u
#define WORD_BYTES_MAX 1024u

struct lines {
	const char *across, *down;
	const char *left[3], *between[3], *right[3]; /* above, below the head, below all */
};

static const struct lines drawn = { "─", "│", { "┌", "├", "└" }, { "┬", "┼", "┴" }, { "┐", "┤", "┘" } };
static const struct lines typed = { "-", "|", { "+", "+", "+" }, { "+", "+", "+" }, { "+", "+", "+" } };

void bench_table_init(struct bench_table *t, weft_arena *arena, uint32_t columns)
{
	*t = (struct bench_table){ .arena = arena, .columns = columns, .failed = columns > COLUMNS_MAX };
}

static bool grow(struct bench_table *t)
{
	uint32_t room = t->room ? t->room * 2 : 64;
	const char **cells = weft_arena_alloc(t->arena, room * sizeof(*cells));

	if (!cells)
		return false;
	if (t->count)
		memcpy(cells, t->cells, t->count * sizeof(*cells));
	t->cells = cells;
	t->room = room;
	return true;
}

void bench_table_put(struct bench_table *t, const char *fmt, ...)
{
	char text[CELL_BYTES_MAX];
	const char *copy;
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	copy = weft_arena_dup(t->arena, weft_str_from(text)).ptr;
	if (!copy || (t->count == t->room && !grow(t)))
		t->failed = true;
	else
		t->cells[t->count++] = copy;
}

/* ---- widths --------------------------------------------------------------------------------- */

static bool is_start(char c)
{
	return ((unsigned char)c & 0xc0) != 0x80;
}

uint32_t bench_table_width(const char *text)
{
	uint32_t width = 0;

	for (; *text; text++)
		width += is_start(*text);
	return width;
}

static size_t character_bytes(const char *text)
{
	size_t n = 1;

	while (text[n] && !is_start(text[n]))
		n++;
	return n;
}

void bench_table_cut(const char *text, uint32_t width, bool ascii, char *buf, size_t size)
{
	uint32_t whole = bench_table_width(text), kept = whole > width && width ? width - 1 : whole;
	const char *end = ascii ? "~" : "…";
	size_t at = 0, n;

	for (; kept && *text; text += n, kept--) {
		n = character_bytes(text);
		if (at + n + sizeof("…") > size)
			break;
		if (ascii && n > 1)
			buf[at++] = '?';
		else
			memcpy(buf + at, text, n), at += n;
	}
	snprintf(buf + at, size - at, "%s", *text ? end : "");
}

void bench_table_cut_middle(const char *text, uint32_t width, bool ascii, char *buf, size_t size)
{
	uint32_t whole = bench_table_width(text), tail = whole > width ? (width - 1) / 2 : 0;
	const char *end = text;
	size_t at;

	bench_table_cut(text, width - tail, ascii, buf, size);
	at = strlen(buf);
	for (uint32_t skip = whole - tail; tail && skip; skip--)
		end += character_bytes(end);
	if (tail)
		bench_table_cut(end, tail, ascii, buf + at, size - at);
}

uint32_t bench_table_columns(void)
{
	const char *value = getenv("COLUMNS");
	struct winsize size = { 0 };
	long columns = value ? strtol(value, NULL, 10) : 0;

	if (columns <= 0 && isatty(STDOUT_FILENO) && ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0)
		columns = size.ws_col;
	if (columns <= 0)
		return BENCH_TABLE_COLUMNS;
	return columns < COLUMNS_MIN ? COLUMNS_MIN : columns > (long)BENCH_TABLE_COLUMNS_MAX ? BENCH_TABLE_COLUMNS_MAX : (uint32_t)columns;
}

bool bench_table_is_utf8(void)
{
	static const char *const names[] = { "LC_ALL", "LC_CTYPE", "LANG" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		const char *value = getenv(names[i]);

		if (value && value[0])
			return strcasestr(value, "utf-8") || strcasestr(value, "utf8");
	}
	return false;
}

/* ---- drawing ----------------------------------------------------------------------------------- */

/* A width of 0 is a column that is left out. */
static void rule(FILE *to, const struct lines *l, int where, const uint32_t *widths, uint32_t columns)
{
	for (uint32_t c = 0; c < columns; c++) {
		if (!widths[c])
			continue;
		fputs(c ? l->between[where] : l->left[where], to);
		for (uint32_t i = 0; i < widths[c] + 2; i++)
			fputs(l->across, to);
	}
	fprintf(to, "%s\n", l->right[where]);
}

static void row(FILE *to, const struct lines *l, const char *const *cells, const uint32_t *widths,
                uint32_t columns, bool ascii)
{
	char text[CELL_BYTES_MAX + 8];

	for (uint32_t c = 0; c < columns; c++) {
		if (!widths[c])
			continue;
		bench_table_cut(cells[c], widths[c], ascii, text, sizeof(text));
		fprintf(to, "%s %*s%s%*s ", l->down, c ? (int)(widths[c] - bench_table_width(text)) : 0, "",
		        text, c ? 0 : (int)(widths[c] - bench_table_width(text)), "");
	}
	fprintf(to, "%s\n", l->down);
}

/* @return how many columns had to go */
static int fit(const struct bench_table *t, uint32_t *widths, uint32_t width_max)
{
	uint32_t whole = 3 * t->columns + 1, gone = 0;

	for (uint32_t i = 0; i < t->count; i++) {
		uint32_t width = bench_table_width(t->cells[i]);

		if (width > widths[i % t->columns])
			widths[i % t->columns] = width;
	}
	widths[0] = widths[0] ? widths[0] : 1;
	for (uint32_t c = 0; c < t->columns; c++)
		whole += widths[c];
	for (; whole > width_max && gone < BENCH_TABLE_SPARE_MAX && t->spare[gone]; gone++) {
		whole -= widths[t->spare[gone]] + 3;
		widths[t->spare[gone]] = 0;
	}
	if (whole > width_max && widths[0] > FIRST_WIDTH_MIN) {
		uint32_t over = whole - width_max, most = widths[0] - FIRST_WIDTH_MIN;

		widths[0] -= over < most ? over : most;
	}
	return (int)gone;
}

int bench_table_print(const struct bench_table *t, FILE *to, bool ascii, uint32_t width_max)
{
	const struct lines *l = ascii ? &typed : &drawn;
	uint32_t widths[COLUMNS_MAX] = { 0 };
	int gone;

	if (t->failed || t->count % t->columns)
		return -ENOMEM;
	gone = fit(t, widths, width_max);
	rule(to, l, 0, widths, t->columns);
	for (uint32_t i = 0; i < t->count; i += t->columns) {
		row(to, l, t->cells + i, widths, t->columns, ascii);
		if (i == 0)
			rule(to, l, 1, widths, t->columns);
	}
	rule(to, l, 2, widths, t->columns);
	return gone;
}

/* ---- words ----------------------------------------------------------------------------------- */

void bench_wrap_word(struct bench_wrap *l, const char *word)
{
	char cut[WORD_BYTES_MAX];
	uint32_t width;

	bench_table_cut(word, l->width - INDENT - 1, l->ascii, cut, sizeof(cut));
	width = bench_table_width(cut);
	if (l->begun && l->column + 2 + width > l->width) { /* one for what may close it */
		fprintf(l->to, "\n%*s", (int)INDENT, "");
		l->column = INDENT;
	} else if (l->begun) {
		fputc(' ', l->to);
		l->column++;
	}
	l->begun = true;
	fputs(cut, l->to);
	l->column += width;
}

void bench_wrap_words(struct bench_wrap *l, const char *text)
{
	char word[WORD_BYTES_MAX];
	size_t n;

	for (; *text; text += n + (text[n] == ' ')) {
		n = strcspn(text, " ");
		if (n >= sizeof(word))
			n = sizeof(word) - 1;
		while (!is_start(text[n])) /* no half of a character */
			n--;
		memcpy(word, text, n);
		word[n] = '\0';
		bench_wrap_word(l, word);
	}
}
