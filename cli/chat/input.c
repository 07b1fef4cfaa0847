/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cli/chat/input.c - lines that are typed or piped in.
 *
 * On a terminal with libedit (meson option line_editing): cursor keys, history, the editor of ~/.editrc. Else getline:
 * the terminal's own line discipline erases characters and words. A SIGINT while a line is typed drops the line.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "cli/chat/chat.h"

#ifdef WEFT_WITH_EDITLINE
#include <histedit.h>
#endif

#define CTRL_D 4

static struct {
	const char *prompt;
	bool terminal, goes_on, held;
	struct termios before; /* with held: what the terminal was set to */
	char *line; /* getline's */
	size_t room;
	char *joined; /* lines that belong together */
	size_t joined_len;
#ifdef WEFT_WITH_EDITLINE
	EditLine *el;
	History *history;
#endif
} in;

static const char *prompt(void)
{
	return in.goes_on ? ". " : in.prompt;
}

#ifdef WEFT_WITH_EDITLINE
static char *prompt_of(EditLine *el)
{
	(void)el;
	return (char *)(uintptr_t)prompt(); /* libedit does not write to it */
}

static void editor_begin(void)
{
	HistEvent event;

	in.el = el_init("weft", stdin, stdout, stderr);
	in.history = history_init();
	if (!in.el || !in.history)
		return;
	history(in.history, &event, H_SETSIZE, 500);
	el_set(in.el, EL_PROMPT, prompt_of);
	el_set(in.el, EL_EDITOR, "emacs");
	el_set(in.el, EL_SIGNAL, 0);
	el_set(in.el, EL_HIST, history, in.history);
	el_source(in.el, NULL);
}

/* NULL: the end, or a SIGINT. */
static const char *edited(int *ret_len)
{
	HistEvent event;
	const char *line;

	el_set(in.el, EL_PREP_TERM, 1); /* before the prompt: what is typed when it is seen meets a terminal that is ready */
	line = el_gets(in.el, ret_len);
	if (line && *ret_len > 1)
		history(in.history, &event, H_ENTER, line);
	return line;
}
#endif

/*
 * While no line is read, keys are kept as they are for the next one, unseen: not echoed into the answer, and a Ctrl-D
 * among them is still one when it is read. Ctrl-C and its like work. Nothing without a terminal.
 */
static void hold_keys(bool hold)
{
	struct termios quiet;

	if (!in.terminal || hold == in.held)
		return;
	if (!hold) {
		in.held = tcsetattr(STDIN_FILENO, TCSANOW, &in.before) < 0;
		return;
	}
	if (tcgetattr(STDIN_FILENO, &in.before) < 0)
		return;
	quiet = in.before;
	quiet.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
	in.held = tcsetattr(STDIN_FILENO, TCSANOW, &quiet) == 0;
}

int input_begin(bool terminal, const char *text)
{
	memset(&in, 0, sizeof(in));
	in.prompt = text;
	in.terminal = terminal;
#ifdef WEFT_WITH_EDITLINE
	if (terminal)
		editor_begin();
#endif
	hold_keys(true);
	return 0;
}

void input_end(void)
{
	hold_keys(false);
#ifdef WEFT_WITH_EDITLINE
	if (in.history)
		history_end(in.history);
	if (in.el)
		el_end(in.el);
#endif
	free(in.line);
	free(in.joined);
	memset(&in, 0, sizeof(in));
}

/* One line with its newline. NULL: none. */
static const char *next(size_t *ret_len)
{
	ssize_t n;

#ifdef WEFT_WITH_EDITLINE
	if (in.el && in.history) {
		int count = 0;
		const char *line = edited(&count);

		*ret_len = count > 0 ? (size_t)count : 0;
		return count > 0 ? line : NULL;
	}
#endif
	if (in.terminal) {
		fputs(prompt(), stdout);
		fflush(stdout);
	}
	errno = 0;
	n = getline(&in.line, &in.room, stdin);
	if (n < 0 && errno == EINTR)
		clearerr(stdin);
	while (n > 0 && in.terminal && in.line[n - 1] == CTRL_D) /* typed in a turn, kept as it was */
		n--;
	*ret_len = n > 0 ? (size_t)n : 0;
	return n > 0 ? in.line : NULL;
}

static bool join(const char *line, size_t len)
{
	char *more = realloc(in.joined, in.joined_len + len + 1);

	if (!more)
		return false;
	memcpy(more + in.joined_len, line, len);
	in.joined = more;
	in.joined_len += len;
	return true;
}

enum input_line input_read(weft_str *ret_line)
{
	in.joined_len = 0;
	in.goes_on = false;
	hold_keys(false);
	for (;;) {
		size_t len;
		const char *line = next(&len);

		if (!line && chat_interrupted())
			return INPUT_INTERRUPTED;
		if (!line && !in.joined_len)
			return INPUT_END;
		if (line && line[len - 1] == '\n')
			len--;
		in.goes_on = line && len && line[len - 1] == '\\';
		if (line && !join(line, in.goes_on ? len - 1 : len))
			return INPUT_END;
		if (in.goes_on && !join("\n", 1))
			return INPUT_END;
		if (in.goes_on)
			continue;
		hold_keys(true);
		*ret_line = (weft_str){ in.joined, in.joined_len };
		return INPUT_LINE;
	}
}
