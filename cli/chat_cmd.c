/* SPDX-License-Identifier: Apache-2.0 */
/* cli/chat_cmd.c - `weft chat`: talk with an agent in a terminal, or from a script. */
#include <errno.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/chat/chat.h"
#include "cli/cli.h"

#define PROMPT "> "

static const char default_character[] =
	"{\"name\":\"Weft\",\"system\":\"You are Weft, who answers in a few plain sentences and says so when it does not know.\","
	"\"bio\":\"Weft lives in a terminal.\"}";

struct options {
	const char *character, *model, *tools, *memory, *record, *once;
	bool json, plain;
};

static volatile sig_atomic_t interrupts;

static void on_interrupt(int signal)
{
	(void)signal;
	interrupts = 1;
}

bool chat_interrupted(void)
{
	bool came = interrupts;

	interrupts = 0;
	return came;
}

/* ---- making it ----------------------------------------------------------------- */

/* All that a conversation needs, in the order in which it goes again. */
struct session {
	const struct options *opt;
	const weft_character *character;
	struct chat chat;
	weft_models *models;
	struct chat_tools tools;
	weft_recorder *recorder;
	weft_agent_def *def;
	bool remembers; /* the memory is open */
	char *system;
};

static int fail(struct session *s, const char *what)
{
	screen_error(&s->chat.screen, "%s", what);
	return CHAT_FAILED;
}

/* The character as a system prompt. */
static char *system_of(const weft_character *c)
{
	char *text = NULL;
	size_t size;
	FILE *f = open_memstream(&text, &size);

	if (!f)
		return NULL;
	fprintf(f, "%.*s", WEFT_STR_ARG(c->system));
	for (uint32_t i = 0; i < c->bio_count; i++)
		fprintf(f, "\n%.*s", WEFT_STR_ARG(c->bio[i]));
	if (c->style_all_count || c->style_chat_count)
		fprintf(f, "\n\nStyle:");
	for (uint32_t i = 0; i < c->style_all_count; i++)
		fprintf(f, "\n- %.*s", WEFT_STR_ARG(c->style_all[i]));
	for (uint32_t i = 0; i < c->style_chat_count; i++)
		fprintf(f, "\n- %.*s", WEFT_STR_ARG(c->style_chat[i]));
	return fclose(f) == 0 ? text : NULL;
}

static int start_runtime(struct chat *c)
{
	weft_subscribe_options sub = WEFT_SUBSCRIBE_OPTIONS_INIT;
	int r;

	sub.lag = WEFT_LAG_BLOCK;
	sub.scope_mask = 1u << WEFT_SCOPE_LLM | 1u << WEFT_SCOPE_TOOL;
	r = weft_arena_create(0, &c->arena);
	if (r == 0)
		r = cli_start_runtime(1, &c->rt);
	if (r == 0)
		r = weft_port_create(c->rt, NULL, &c->port);
	return r < 0 ? r : weft_events_subscribe(c->rt, &sub, &c->events);
}

static int start_agent(struct session *s, weft_error *err)
{
	weft_agent_options opt = WEFT_AGENT_OPTIONS_INIT;
	int r;

	s->system = system_of(s->character);
	opt.character = s->character;
	opt.system = s->system;
	opt.models = s->models;
	opt.tools = s->tools.tools;
	opt.recorder = s->recorder;
	opt.strip_think = true;
	r = weft_agent_def_create(&opt, &s->def, err);
	return r < 0 ? r : weft_agent_spawn(s->chat.rt, s->def, NULL, &s->chat.agent);
}

static int begin(struct session *s)
{
	const struct options *o = s->opt;
	weft_error err = { 0 };
	int r = o->character ? weft_character_load(o->character, &s->character, &err) :
	                       weft_character_parse(weft_str_from(default_character), "weft chat", &s->character, &err);

	if (r == 0)
		r = start_runtime(&s->chat);
	if (r == 0)
		r = weft_models_create(&s->models);
	if (r == 0)
		r = chat_models(s->models, o->model, o->tools && strstr(o->tools, "time"), &err);
	if (r == 0 && o->tools)
		r = chat_tools_make(&s->tools, s->chat.rt, o->tools, &err);
	if (r == 0) {
		r = chat_memory_open(&s->chat.memory, o->memory, s->character->name, &err);
		s->remembers = r == 0;
	}
	if (r == 0 && o->record) /* late: what fails before leaves no file that would be in the way */
		r = weft_recorder_open(o->record, NULL, &s->recorder, &err);
	if (r == 0)
		r = start_agent(s, &err);
	return r < 0 ? fail(s, err.message[0] ? err.message : weft_strerror(r)) : 0;
}

/* @return 0, or CHAT_FAILED: the memory or the recording is not whole */
static int end(struct session *s)
{
	int r = 0, kept;

	weft_events_unsubscribe(s->chat.events);
	weft_port_destroy(s->chat.port);
	weft_runtime_destroy(s->chat.rt);
	weft_agent_def_unref(s->def);
	chat_tools_end(&s->tools);
	weft_models_unref(s->models);
	kept = s->remembers ? chat_memory_close(&s->chat.memory) : 0;
	if (kept < 0)
		r = fail(s, weft_strerror(kept));
	kept = s->recorder ? weft_recorder_close(s->recorder) : 0;
	if (kept < 0)
		r = fail(s, weft_strerror(kept));
	weft_recorder_unref(s->recorder);
	weft_character_destroy(s->character);
	weft_arena_destroy(s->chat.arena);
	free(s->system);
	screen_end(&s->chat.screen);
	return r;
}

/* ---- talking ---------------------------------------------------------------------- */

static void greet(struct session *s, bool terminal)
{
	struct chat *c = &s->chat;

	if (!terminal)
		return;
	screen_note(&c->screen, '#', "%.*s, by %s. Ctrl-C cancels a turn, Ctrl-D ends, /help tells more.",
	            WEFT_STR_ARG(s->character->name), s->opt->model);
	if (!c->memory.fresh)
		screen_note(&c->screen, '#', "%llu messages are remembered.",
		            (unsigned long long)weft_store_count(c->memory.store, c->memory.room, WEFT_MEMORY_MESSAGE));
}

static int word_of(weft_str line)
{
	int n = 0;

	while ((size_t)n < line.len_bytes && line.ptr[n] != ' ' && line.ptr[n] != '\t')
		n++;
	return n;
}

/* A line that begins with a slash. False: it ends the conversation. */
static bool command(struct session *s, weft_str line)
{
	struct screen *screen = &s->chat.screen;

	if (weft_str_eq(line, WEFT_STR("/quit")) || weft_str_eq(line, WEFT_STR("/exit")))
		return false;
	if (weft_str_eq(line, WEFT_STR("/forget")))
		screen_note(screen, '#', "%d messages are forgotten.", chat_memory_forget(&s->chat.memory));
	else if (weft_str_eq(line, WEFT_STR("/help")))
		screen_note(screen, '#', "/forget: begin anew. /quit: end. A line that ends in a backslash goes on in the next.");
	else
		screen_note(screen, '#', "There is no %.*s; /help tells what there is. Begin with a space to say it.", word_of(line), line.ptr);
	return true;
}

static bool is_blank(weft_str line)
{
	for (size_t i = 0; i < line.len_bytes; i++) {
		if (line.ptr[i] != ' ' && line.ptr[i] != '\t' && line.ptr[i] != '\r')
			return false;
	}
	return true;
}

/* One line after another. @return 0, or CHAT_FAILED when a turn failed that no person saw */
static int talk(struct session *s, bool terminal)
{
	bool warned = false; /* the line before was a Ctrl-C too */
	int r = 0;

	greet(s, terminal);
	for (;;) {
		weft_str line;
		enum input_line got = input_read(&line);

		if (got == INPUT_END)
			break;
		if (got == INPUT_INTERRUPTED) {
			putchar('\n');
			if (warned || !terminal)
				return r;
			screen_note(&s->chat.screen, '#', "Ctrl-C once more, or Ctrl-D, ends.");
			warned = true;
			continue;
		}
		warned = false;
		if (is_blank(line))
			continue;
		if (terminal && line.ptr[0] == '/') {
			if (!command(s, line))
				return 0;
			continue;
		}
		if (chat_turn(&s->chat, line) < 0 && !terminal)
			r = CHAT_FAILED;
	}
	if (terminal)
		putchar('\n');
	return r;
}

static void take_interrupts(void)
{
	struct sigaction act = { .sa_handler = on_interrupt }; /* no SA_RESTART: a read comes back */

	sigemptyset(&act.sa_mask);
	sigaction(SIGINT, &act, NULL);
}

static int chat_run(int argc, char **argv)
{
	struct options opt = { .model = "mock" };
	struct session s = { .opt = &opt };
	bool terminal;
	int r = cli_read_options(&cli_chat, argc, argv, &opt), kept;

	if (r != CLI_GO_ON)
		return r;
	(void)setlocale(LC_CTYPE, "");
	terminal = isatty(STDIN_FILENO) && isatty(STDOUT_FILENO) && !opt.once && !opt.json;
	if (screen_begin(&s.chat.screen, opt.json, !terminal && !opt.json) < 0)
		return CHAT_FAILED;
	take_interrupts();
	r = begin(&s);
	if (r == 0 && opt.once) {
		r = chat_turn(&s.chat, weft_str_from(opt.once)) < 0 ? CHAT_FAILED : 0;
	} else if (r == 0) {
		r = input_begin(terminal, PROMPT) < 0 ? CHAT_FAILED : talk(&s, terminal);
		input_end();
	}
	kept = end(&s);
	return r ? r : kept;
}

static bool read_model(const char *value, void *options, weft_str *ret_wrong)
{
	(void)ret_wrong;
	((struct options *)options)->model = value;
	return chat_model_is_one(value);
}

static bool read_tools(const char *value, void *options, weft_str *ret_wrong)
{
	((struct options *)options)->tools = value;
	return chat_tools_are(value, ret_wrong);
}

#define AT(field) offsetof(struct options, field)

static const char *const models[] = { "mock", "openai:", "anthropic:", "ollama:", "vllm:", "llama.cpp:", NULL };
static const char *const tools[] = { "time", "shell", "python", NULL };

static const struct cli_option options[] = {
	{ "model", "M", "mock (default), mock:MS (answers after so many milliseconds), URL[#NAME] of a server that "
	  "speaks the OpenAI API, openai:NAME, anthropic:NAME, ollama:NAME, vllm:NAME, llama.cpp:NAME, "
	  "or a file.json of providers", .kind = CLI_OWN, .read = read_model, .words = models, .files = true,
	  .expected = "mock, mock:MS up to 600000, a URL, openai:NAME, anthropic:NAME, ollama:NAME, vllm:NAME, llama.cpp:NAME or a file.json" },
	{ "tools", "T", "time, shell, python, files.json of MCP servers; several between commas", .kind = CLI_OWN, .read = read_tools, .words = tools, .files = true,
	  .expected = "time, shell, python or a file.json of MCP servers, several between commas" },
	{ "memory", "P", "remember the conversation in this folder; the next start goes on with it", .kind = CLI_FILE, .at = AT(memory) },
	{ "record", "F", "write all exchanges into this file, for `weft replay`", .kind = CLI_FILE, .at = AT(record) },
	{ "once", "TEXT", "say this, print the answer, end", .kind = CLI_TEXT, .at = AT(once) },
	{ "json", NULL, "print what happens as lines of JSON", .kind = CLI_FLAG, .at = AT(json) },
	{ .name = NULL },
};

static const struct cli_operand operands[] = { { "CHARACTER.json", .at = AT(character), .optional = true }, { .name = NULL } };

const struct cli_command cli_chat = {
	.name = "chat",
	.what = "talk with an agent in the terminal",
	.intro = "Talk with an agent. Ctrl-C cancels its turn; Ctrl-C at the prompt, or Ctrl-D, ends.",
	.outro = "Without a terminal each line of standard input is a turn, and only answers are printed.\n"
		 "Exit status: 0; 1 when a turn, or what was asked for, failed; 2 for a wrong option.",
	.options = options,
	.operands = operands,
	.run = chat_run,
};
