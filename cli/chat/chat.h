/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cli/chat/chat.h - the parts of `weft chat`.
 *
 *   chat_cmd.c   options; one line after another becomes a turn
 *   input.c      lines, edited where there is an editor
 *   turn.c       one turn: asks the agent, shows what its events say, cancels it
 *   screen.c     words on a terminal, or lines of JSON
 *   model.c, tools.c, memory.c   what --model, --tools and --memory mean
 */
#ifndef WEFT_CLI_CHAT_CHAT_H
#define WEFT_CLI_CHAT_CHAT_H

#include <signal.h>
#include <stdio.h>

#include <weft/weft.h>

enum { CHAT_FAILED = 1 }; /* exit code */

/* ---- screen ------------------------------------------------------------------ */

struct screen {
	bool terminal; /* words are wrapped at its width */
	bool colour;
	bool json;  /* lines of JSON in place of text */
	bool plain; /* the answer's text and nothing else */
	int width, column;
	char word[256]; /* that has no end yet */
	size_t word_len;
	uint64_t shown_bytes; /* of the answer, in this turn */
	weft_json_writer *w;  /* with json */
};

int screen_begin(struct screen *s, bool json, bool plain);
void screen_end(struct screen *s);
/** Some of the answer, as it comes: may end inside of a word, or of a character. */
void screen_text(struct screen *s, weft_str text);
/** What was begun is shown, and the next thing begins on a line of its own. */
void screen_break(struct screen *s);
/** A line beside the conversation; not with plain. mark: one character before it. */
void screen_note(struct screen *s, char mark, const char *fmt, ...) WEFT_PRINTF(3, 4);
void screen_error(struct screen *s, const char *fmt, ...) WEFT_PRINTF(2, 3);
/** A line of JSON: type, and pairs of key and text, NULL at the end. Nothing without json. */
void screen_event(struct screen *s, const char *type, ...);

/* ---- input --------------------------------------------------------------------- */

enum input_line { INPUT_LINE, INPUT_INTERRUPTED, INPUT_END };

/** Before the first line. @return 0 or a negative error */
int input_begin(bool terminal, const char *prompt);
void input_end(void);
/** The next line, without its end; valid until the next. A line that ends in a backslash goes on in the next one. */
enum input_line input_read(weft_str *ret_line);

/* ---- agent ----------------------------------------------------------------------- */

/** What --model says: mock[:MS], URL[#NAME], PROVIDER:NAME, FILE.json. @return 0, or a negative error with err */
int chat_models(weft_models *models, const char *spec, bool with_tools, weft_error *err);
/** Is it one of these? */
bool chat_model_is_one(const char *spec);

struct chat_tools {
	weft_tools *tools;
	weft_mcp *mcp[8];
	int mcp_count;
};

/** What --tools says: names and files, between commas. @return as chat_models */
int chat_tools_make(struct chat_tools *t, weft_runtime *rt, const char *list, weft_error *err);
/** Are they all such? If not, *ret_wrong is the first that is not. */
bool chat_tools_are(const char *list, weft_str *ret_wrong);
/** "x.json" */
bool chat_is_json_file(const char *name);
void chat_tools_end(struct chat_tools *t);

struct memory {
	weft_store *store;
	weft_uuid room, user, agent;
	bool durable;
	bool fresh; /* nothing was remembered when it was opened */
};

/** path NULL: for this conversation only. agent: the name it is remembered under. @return as chat_models */
int chat_memory_open(struct memory *m, const char *path, weft_str agent, weft_error *err);
/** @return 0, or why not all of it is kept */
int chat_memory_close(struct memory *m);
/** The last messages, oldest first, in arena. @return how many, or -ENOMEM */
int chat_memory_history(struct memory *m, weft_arena *arena, weft_chat_message **ret_list);
/** Keep what was said and answered. @return 0 or a negative error */
int chat_memory_add(struct memory *m, weft_str said, weft_str answer);
/** Forget all of the conversation. @return how many messages it was */
int chat_memory_forget(struct memory *m);

/* ---- turns ------------------------------------------------------------------------- */

struct chat {
	struct screen screen;
	struct memory memory;
	weft_runtime *rt;
	weft_ref agent;
	weft_subscription *events;
	weft_port *port;
	weft_arena *arena; /* reset each turn */
};

/** SIGINT has come since it was looked at last. */
bool chat_interrupted(void);

/** Say something, show what comes, remember it. @return 0, -ECANCELED, or why it failed (shown already) */
int chat_turn(struct chat *c, weft_str said);

#endif
