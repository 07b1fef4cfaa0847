/* SPDX-License-Identifier: Apache-2.0 */
/* net/mcp/program.c - see program.h. */
#include "net/mcp/program.h"

#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <weft/runtime.h>

#define ERR_LINE_BYTES_MAX 2000u
#define ERR_LINES_A_SECOND 100u
#define SECOND_NS 1000000000u
#define EXIT_PATIENCE_NS 200000000u /* between the end of its output and its own */

static struct weft__mcp_program *of_transport(struct weft__mcp_transport *t)
{
	return (struct weft__mcp_program *)t; /* its first member */
}

static struct weft__mcp_program *of_child(struct weft__child *child)
{
	return child->user;
}

static void chatter(struct weft__mcp_program *s, weft_str text)
{
	s->transport.heard->chatter(&s->transport, text);
}

/* ---- its log ----------------------------------------------------------------------- */

/* At most so many lines a second; how many were left out is said when the next one may. */
static bool window_has_room(struct weft__mcp_program *s)
{
	uint64_t now_ns = weft_now_ns();
	char text[64];
	uint32_t left_out = s->left_out;

	if (now_ns - s->window_ns >= SECOND_NS) {
		s->window_ns = now_ns;
		s->window_lines = s->left_out = 0;
		if (left_out) {
			snprintf(text, sizeof(text), "[%u lines left out]", left_out);
			chatter(s, weft_str_from(text));
		}
	}
	if (s->window_lines < ERR_LINES_A_SECOND) {
		s->window_lines++;
		return true;
	}
	s->left_out++;
	return false;
}

static int err_line(struct weft__lines *lines, weft_str line)
{
	struct weft__mcp_program *s =
		(struct weft__mcp_program *)((char *)lines - offsetof(struct weft__mcp_program, err));
	size_t n = line.len_bytes < WEFT__MCP_LAST_WORDS ? line.len_bytes : WEFT__MCP_LAST_WORDS;

	memcpy(s->last_words, line.ptr, n);
	s->last_words[n] = '\0';
	if (!s->closing && window_has_room(s))
		chatter(s, line);
	return 0;
}

/* ---- messages ------------------------------------------------------------------------- */

static int out_line(struct weft__lines *lines, weft_str line)
{
	struct weft__mcp_program *s =
		(struct weft__mcp_program *)((char *)lines - offsetof(struct weft__mcp_program, out));

	if (s->closing)
		return -ECANCELED;
	s->transport.heard->message(&s->transport, line);
	return 0;
}

static void out_overlong(struct weft__lines *lines)
{
	struct weft__mcp_program *s =
		(struct weft__mcp_program *)((char *)lines - offsetof(struct weft__mcp_program, out));

	if (!s->closing)
		chatter(s, WEFT_STR("a message that is too long was thrown away"));
}

static int on_send(struct weft__mcp_transport *t, weft_str text, int64_t id)
{
	struct weft__mcp_program *s = of_transport(t);
	int r;

	(void)id;
	if (s->closing || s->lost)
		return -EPIPE;
	r = weft__child_send(&s->child, text.ptr, text.len_bytes);
	if (r < 0)
		return r;
	r = weft__child_send(&s->child, "\n", 1);
	if (r < 0) /* half a message stands in the pipe: no other can follow it */
		weft__child_close(&s->child);
	return r;
}

/* ---- its end ---------------------------------------------------------------------------- */

static void tell_lost(struct weft__mcp_program *s)
{
	char why[WEFT__MCP_LAST_WORDS + 96];
	int n;

	if (s->lost || s->closing)
		return;
	s->lost = true;
	weft__loop_alarm_off(s->loop, &s->alarm);
	if (!s->exited || !s->exit.known)
		n = snprintf(why, sizeof(why), s->exited ? "the server has ended" : "the server closed its output");
	else if (s->exit.signal)
		n = snprintf(why, sizeof(why), "the server was ended by signal %d", s->exit.signal);
	else
		n = snprintf(why, sizeof(why), "the server has ended with status %d", s->exit.code);
	if (s->last_words[0] && (s->exit.code || s->exit.signal))
		snprintf(why + n, sizeof(why) - (size_t)n, ": %s", s->last_words);
	s->transport.heard->lost(&s->transport, -EPIPE, weft_str_from(why));
}

static void patience_over(struct weft__alarm *alarm)
{
	tell_lost((struct weft__mcp_program *)((char *)alarm - offsetof(struct weft__mcp_program, alarm)));
}

/* No more messages come. Why is known when it has exited, and its last words are read: a moment is given for both. */
static void look_for_end(struct weft__mcp_program *s)
{
	if (!s->ended || s->closing || s->lost)
		return;
	if (s->exited && s->err_ended)
		tell_lost(s);
	else if (!weft__alarm_is_on(&s->alarm))
		weft__loop_alarm(s->loop, &s->alarm, weft_now_ns() + EXIT_PATIENCE_NS, patience_over);
}

static void on_data(struct weft__child *child, int which, const uint8_t *bytes, size_t len)
{
	struct weft__mcp_program *s = of_child(child);
	int r = weft__lines_feed(which == WEFT__CHILD_OUT ? &s->out : &s->err, bytes, len);

	if (r == -ENOMEM && !s->closing)
		chatter(s, WEFT_STR("out of memory: a message was lost"));
}

static void on_end(struct weft__child *child, int which, int status)
{
	struct weft__mcp_program *s = of_child(child);

	(void)status;
	(void)weft__lines_finish(which == WEFT__CHILD_OUT ? &s->out : &s->err);
	*(which == WEFT__CHILD_OUT ? &s->ended : &s->err_ended) = true;
	look_for_end(s);
}

static void on_exited(struct weft__child *child, const struct weft__child_exit *exit)
{
	struct weft__mcp_program *s = of_child(child);

	s->exited = true;
	s->exit = *exit;
	look_for_end(s);
}

static void tell_closed(struct weft__job *job)
{
	struct weft__mcp_program *s = (struct weft__mcp_program *)((char *)job - offsetof(struct weft__mcp_program, job));

	weft__loop_alarm_off(s->loop, &s->alarm);
	weft__lines_fini(&s->out);
	weft__lines_fini(&s->err);
	s->transport.heard->closed(&s->transport);
}

static void on_closed(struct weft__child *child)
{
	struct weft__mcp_program *s = of_child(child);

	s->gone = true;
	tell_lost(s); /* its owner may close it there */
	if (s->closing && !s->job.run) {
		s->job.run = tell_closed;
		weft__loop_later(s->loop, &s->job);
	}
}

static void grace_over(struct weft__alarm *alarm)
{
	struct weft__mcp_program *s = (struct weft__mcp_program *)((char *)alarm - offsetof(struct weft__mcp_program, alarm));

	weft__child_end(&s->child, s->grace_ns);
}

/* Its stdin ends, which a good server takes as a request to leave; then SIGTERM; then SIGKILL. */
static void on_close(struct weft__mcp_transport *t)
{
	struct weft__mcp_program *s = of_transport(t);

	if (s->closing)
		return;
	s->closing = true;
	if (s->gone) {
		s->job.run = tell_closed;
		weft__loop_later(s->loop, &s->job);
		return;
	}
	weft__child_finish(&s->child);
	weft__loop_alarm(s->loop, &s->alarm, weft_now_ns() + s->grace_ns, grace_over);
}

static const struct weft__child_fns child_fns = { .data = on_data,
	                                          .end = on_end,
	                                          .exited = on_exited,
	                                          .closed = on_closed };

int weft__mcp_program_open(struct weft__loop *loop, struct weft__mcp_program *s,
                         const struct weft__mcp_program_options *options, weft_error *err)
{
	const struct weft__mcp_heard *heard = s->transport.heard;
	struct weft__child_options child = { .argv = options->argv, .envp = options->envp, .cwd = options->cwd };
	int r;

	memset(s, 0, sizeof(*s));
	s->transport = (struct weft__mcp_transport){ .heard = heard, .send = on_send, .close = on_close };
	s->loop = loop;
	s->grace_ns = options->grace_ns;
	s->child.fns = &child_fns;
	s->child.user = s;
	weft__lines_init(&s->out);
	s->out.line = out_line;
	s->out.overlong = out_overlong;
	s->out.bytes_max = options->message_bytes_max;
	weft__lines_init(&s->err);
	s->err.line = err_line;
	s->err.bytes_max = ERR_LINE_BYTES_MAX;
	r = weft__child_spawn(loop, &s->child, &child);
	if (r < 0)
		return weft_error_set(err, r, "'%s' could not be started: %s", options->argv[0], weft_strerror(r));
	return 0;
}
