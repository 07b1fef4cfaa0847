/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cli/chat/screen.c - words on a terminal, or lines of JSON.
 *
 * Text comes in pieces that end anywhere. On a terminal a word is held until its end is there, so that it can go to the
 * next line whole; a piece of a character waits for the rest of it likewise. Control characters are left out: what a model
 * says must not move the cursor or name the window.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <wchar.h>

#include "cli/chat/chat.h"
#include "cli/cli.h"

#define DIM "\033[2m"
#define RED "\033[31m"
#define OFF "\033[0m"

static int width_of_terminal(void)
{
	struct winsize size;

	return ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 10 ? size.ws_col : 80;
}

int screen_begin(struct screen *s, bool json, bool plain)
{
	const char *no_colour = getenv("NO_COLOR"), *term = getenv("TERM");

	*s = (struct screen){ .json = json, .plain = plain, .terminal = isatty(STDOUT_FILENO) && !json && !plain };
	s->colour = s->terminal && !(no_colour && *no_colour) && term && strcmp(term, "dumb") != 0;
	return json ? weft_json_writer_create(0, &s->w) : 0;
}

void screen_end(struct screen *s)
{
	screen_break(s);
	weft_json_writer_destroy(s->w);
	s->w = NULL;
}

/* ---- text ------------------------------------------------------------------------ */

/* Bytes of the character that begins with c; 1 for what begins none. */
static size_t char_bytes(unsigned char c)
{
	return c < 0xc2 ? 1 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : c < 0xf5 ? 4 : 1;
}

static int columns(const char *at, size_t bytes)
{
	mbstate_t state = { 0 };
	wchar_t wide;
	size_t n = mbrtowc(&wide, at, bytes, &state);
	int w = n == (size_t)-1 || n == (size_t)-2 ? 1 : wcwidth(wide);

	return w < 0 ? 1 : w;
}

static int columns_of(const char *text, size_t len)
{
	int n = 0;

	for (size_t i = 0; i < len; i += char_bytes((unsigned char)text[i]))
		n += columns(text + i, len - i);
	return n;
}

/* The word is as long as it will get. */
static void word_out(struct screen *s)
{
	int n;

	s->word_len = cli_clean(s->word, s->word_len); /* here, for a piece may have ended within a control character */
	if (!s->word_len)
		return;
	n = columns_of(s->word, s->word_len);
	if (s->terminal && s->column && s->column + n > s->width) {
		putchar('\n');
		s->column = 0;
	}
	fwrite(s->word, 1, s->word_len, stdout);
	s->column += n;
	s->word_len = 0;
}

/* One whole character. */
static void char_out(struct screen *s, const char *at, size_t bytes)
{
	unsigned char c = (unsigned char)*at;

	if (c == '\n' || c == ' ' || c == '\t') {
		word_out(s);
		if (c == '\n')
			s->column = 0;
		else if (s->terminal && s->column + 1 >= s->width)
			return; /* the line's end is as good as a space */
		else
			s->column++;
		putchar(c == '\t' ? ' ' : c);
		return;
	}
	if (s->word_len + bytes > sizeof(s->word))
		word_out(s);
	memcpy(s->word + s->word_len, at, bytes);
	s->word_len += bytes;
}

static void text_out(struct screen *s, weft_str text)
{
	size_t i = 0;

	/* the rest of a character that was cut off stands at the end of the word */
	while (i < text.len_bytes) {
		size_t n = char_bytes((unsigned char)text.ptr[i]), have = text.len_bytes - i;

		if (s->word_len && ((unsigned char)text.ptr[i] & 0xc0) == 0x80 && s->word_len < sizeof(s->word)) {
			s->word[s->word_len++] = text.ptr[i++];
			continue;
		}
		n = n > have ? have : n;
		char_out(s, text.ptr + i, n);
		i += n;
	}
}

void screen_text(struct screen *s, weft_str text)
{
	s->shown_bytes += text.len_bytes;
	if (s->json)
		return;
	if (s->terminal)
		s->width = width_of_terminal();
	text_out(s, text);
	if (!s->terminal)
		word_out(s);
	fflush(stdout);
}

void screen_break(struct screen *s)
{
	if (s->json)
		return;
	word_out(s);
	if (s->column)
		putchar('\n');
	s->column = 0;
	fflush(stdout);
}

/* ---- beside the text --------------------------------------------------------------- */

void screen_note(struct screen *s, char mark, const char *fmt, ...)
{
	char text[512];
	va_list args;

	if (s->json || s->plain)
		return;
	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	text[cli_clean(text, strlen(text))] = '\0';
	screen_break(s);
	printf("%s%c %s%s\n", s->colour ? DIM : "", mark, text, s->colour ? OFF : "");
	fflush(stdout);
}

void screen_error(struct screen *s, const char *fmt, ...)
{
	bool red = isatty(STDERR_FILENO) && s->colour;
	char text[512];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	text[cli_clean(text, strlen(text))] = '\0';
	screen_break(s);
	fprintf(stderr, "%sweft chat: %s%s\n", red ? RED : "", text, red ? OFF : "");
}

void screen_event(struct screen *s, const char *type, ...)
{
	const char *key;
	weft_str line;
	va_list args;

	if (!s->json)
		return;
	weft_json_writer_reset(s->w);
	weft_json_begin_object(s->w);
	weft_json_key(s->w, WEFT_STR("type"));
	weft_json_put_str(s->w, weft_str_from(type));
	va_start(args, type);
	while ((key = va_arg(args, const char *))) {
		weft_json_key(s->w, weft_str_from(key));
		weft_json_put_str(s->w, va_arg(args, weft_str));
	}
	va_end(args);
	weft_json_end_object(s->w);
	if (weft_json_writer_text(s->w, &line) < 0)
		return;
	fwrite(line.ptr, 1, line.len_bytes, stdout);
	putchar('\n');
	fflush(stdout);
}
