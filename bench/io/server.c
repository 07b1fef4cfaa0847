/* SPDX-License-Identifier: Apache-2.0 */
/* bench/io/server.c - the mock in a process of its own, so that its work is not measured; and the side that asks it. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench/io/io.h"

/* Tens of thousands of connections: as many descriptors as this process may have. */
static void raise_files(void)
{
	struct rlimit files;

	if (getrlimit(RLIMIT_NOFILE, &files) == 0 && files.rlim_cur < files.rlim_max) {
		files.rlim_cur = files.rlim_max;
		setrlimit(RLIMIT_NOFILE, &files);
	}
}

void io_begin(const struct bench_options *opt, const struct bench_micro *self, struct bench_outcome *out)
{
	uint32_t iterations, warmup;

	bench_counts(opt, self->iterations, self->iterations != 0, self->warmup, &iterations, &warmup);
	bench_outcome_begin(out, iterations, warmup);
	raise_files();
	out->rss_start_mb = bench_rss_read().now_mb;
}

void io_end(struct bench_outcome *out, int r, const weft_error *err)
{
	if (r < 0)
		bench_fail(out, "%s", err && err->message[0] ? err->message : weft_strerror(r));
	out->rss_end_mb = bench_rss_read().now_mb;
	out->rss_peak_mb = bench_rss_read().peak_mb;
}

/* ---- the other process ------------------------------------------------------------------ */

static void say(int fd, const char *text)
{
	if (write(fd, text, strlen(text)) < 0)
		_exit(1);
}

/* Until the pipe's other end is closed. */
static void serve(const weft_mock_llm_options *options, int said, int life)
{
	weft_runtime_options ro = WEFT_RUNTIME_OPTIONS_INIT;
	weft_mock_llm *mock = NULL;
	weft_runtime *rt = NULL;
	weft_error err = { 0 };
	char byte;
	int r;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	ro.workers = 1;
	r = weft_runtime_create(&ro, &rt);
	if (r == 0)
		r = weft_runtime_start(rt);
	if (r == 0)
		r = weft_mock_llm_start(rt, options, &mock, &err);
	if (r < 0) {
		say(said, "!");
		say(said, err.message[0] ? err.message : weft_strerror(r));
		_exit(1);
	}
	say(said, weft_mock_llm_url(mock));
	close(said);
	while (read(life, &byte, 1) < 0 && errno == EINTR)
		;
	_exit(0);
}

/* What it said until it closed its end. */
static int listen_to(struct io_server *s, int said, struct bench_outcome *out)
{
	size_t len = 0;
	ssize_t n;

	while (len < sizeof(s->url) - 1 && (n = read(said, s->url + len, sizeof(s->url) - 1 - len)) > 0)
		len += (size_t)n;
	s->url[len] = '\0';
	if (len == 0 || s->url[0] == '!')
		return bench_fail(out, "the endpoint: %s", len ? s->url + 1 : "ended");
	return 0;
}

int io_server_start(struct io_server *s, const weft_mock_llm_options *options, struct bench_outcome *out)
{
	int said[2], life[2], r;

	*s = (struct io_server){ .pid = -1, .life = -1 };
	if (pipe(said) < 0)
		return bench_fail(out, "a pipe: %s", weft_strerror(-errno));
	if (pipe(life) < 0) {
		close(said[0]);
		close(said[1]);
		return bench_fail(out, "a pipe: %s", weft_strerror(-errno));
	}
	s->pid = fork();
	if (s->pid == 0) {
		close(life[1]);
		close(said[0]);
		serve(options, said[1], life[0]);
	}
	close(life[0]);
	close(said[1]);
	s->life = life[1];
	r = s->pid < 0 ? bench_fail(out, "a process: %s", weft_strerror(-errno)) : listen_to(s, said[0], out);
	close(said[0]);
	if (r < 0)
		io_server_stop(s);
	return r;
}

void io_server_stop(struct io_server *s)
{
	if (s->life >= 0)
		close(s->life);
	if (s->pid > 0)
		waitpid(s->pid, NULL, 0);
	s->life = -1;
	s->pid = -1;
}

/* ---- this one ------------------------------------------------------------------------------- */

int io_client_up(struct io_client *c, const struct io_server *s, bool stream, weft_error *err)
{
	weft_openai_options oo = WEFT_OPENAI_OPTIONS_INIT;
	weft_runtime_options ro = WEFT_RUNTIME_OPTIONS_INIT;
	int r;

	*c = (struct io_client){ NULL, NULL };
	oo.base_url = s->url;
	oo.api_key = "";
	oo.large_model = "mock";
	oo.proxy = "";
	oo.flags = WEFT_OPENAI_NO_GATE | (stream ? 0 : WEFT_OPENAI_NO_STREAM);
	ro.workers = 1;
	r = weft_runtime_create(&ro, &c->rt);
	if (r == 0)
		r = weft_runtime_start(c->rt);
	if (r == 0)
		r = weft_models_create(&c->models);
	if (r == 0)
		r = weft_models_add_openai(c->models, 0, &oo, err);
	if (r < 0)
		io_client_down(c);
	return r;
}

int io_port_take(weft_port *port, weft_msg **ret_msgs, uint32_t max, uint64_t until_ns)
{
	struct pollfd ready = { .fd = weft_port_fd(port), .events = POLLIN };
	int n;

	while ((n = weft_port_reap(port, ret_msgs, max)) == 0) {
		uint64_t now = weft_now_ns();

		if (now >= until_ns)
			return 0;
		poll(&ready, 1, (int)((until_ns - now + 999999) / 1000000));
	}
	return n;
}

void io_client_down(struct io_client *c)
{
	weft_models_unref(c->models);
	weft_runtime_destroy(c->rt);
	*c = (struct io_client){ NULL, NULL };
}
