/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: what child.h promises, on each back end. Method: small shell programs that behave badly in one way
 * each; a struct that notes what it was told in what order. The churn draws programs by seed, and counts:
 * spawned == exited == closed, what was sent came back, no process and no descriptor is left.
 */
#include "runtime/io/child.h"

#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "runtime/base/clock.h"
#include "tests/support/seed.h"
#include "tests/support/backends.h"

/* A child, and what it told. */
struct kid {
	struct weft__child child;
	struct weft__loop *loop;
	char out[1024], err[1024]; /* the beginning */
	int out_len, err_len;
	uint64_t hash; /* of all its output */
	int ended[3], end_status[3], drained, exited, closed;
	struct weft__child_exit exit;
	bool in_call; /* one of child.h's functions is on the stack: no callback may come */
	bool close_on_data, close_on_exit, pause_on_data, stall_on_data;
};

static struct kid *kid_of(struct weft__child *child)
{
	return (struct kid *)child;
}

static void on_data(struct weft__child *child, int which, const uint8_t *bytes, size_t len)
{
	struct kid *k = kid_of(child);
	char *text = which == WEFT__CHILD_OUT ? k->out : k->err;
	int *text_len = which == WEFT__CHILD_OUT ? &k->out_len : &k->err_len;

	cr_assert_not(k->in_call);
	cr_assert_eq(k->closed, 0);
	cr_assert_eq(k->ended[which], 0, "no data behind the end");
	for (size_t i = 0; i < len; i++) {
		if ((size_t)*text_len + i < sizeof(k->out) - 1)
			text[(size_t)*text_len + i] = (char)bytes[i];
		k->hash = (k->hash ^ bytes[i]) * 0x100000001b3u;
	}
	*text_len += (int)len;
	for (uint64_t until = weft_now_ns() + 3 * MS; k->stall_on_data && weft_now_ns() < until;)
		;
	if (k->pause_on_data)
		weft__child_pause(child, which, true);
	if (k->close_on_data)
		weft__child_close(child);
}

static void on_end(struct weft__child *child, int which, int status)
{
	cr_assert_not(kid_of(child)->in_call);
	kid_of(child)->ended[which]++;
	kid_of(child)->end_status[which] = status;
}

static void on_drained(struct weft__child *child)
{
	kid_of(child)->drained++;
}

static void on_exited(struct weft__child *child, const struct weft__child_exit *exit)
{
	cr_assert_not(kid_of(child)->in_call);
	kid_of(child)->exited++;
	kid_of(child)->exit = *exit;
	if (kid_of(child)->close_on_exit)
		weft__child_close(child);
}

static void on_closed(struct weft__child *child)
{
	cr_assert_not(kid_of(child)->in_call);
	cr_assert_eq(kid_of(child)->exited, 1, "closed is the last call");
	kid_of(child)->closed++;
}

static const struct weft__child_fns fns = {
	.data = on_data, .end = on_end, .drained = on_drained, .exited = on_exited, .closed = on_closed
};

static const char *const path_env[] = { "PATH=/usr/bin:/bin", NULL };

static int kid_spawn(struct weft__loop *loop, struct kid *k, struct weft__child_options o)
{
	int r;

	*k = (struct kid){ .child = { .fns = &fns }, .loop = loop };
	o.envp = path_env;
	k->in_call = true;
	r = weft__child_spawn(loop, &k->child, &o);
	k->in_call = false;
	return r;
}

static void kid_shell(struct weft__loop *loop, struct kid *k, const char *script, uint32_t flags)
{
	const char *argv[] = { "/bin/sh", "-c", script, NULL };

	cr_assert_eq(kid_spawn(loop, k, (struct weft__child_options){ .argv = argv, .flags = flags }), 0);
}

static void expect_nobody_left(void)
{
	cr_expect_eq(waitpid(-1, NULL, WNOHANG | __WALL), -1);
	cr_expect_eq(errno, ECHILD);
}

static void kid_over(struct kid *k)
{
	turn_until(k->loop, &k->closed, 1);
	cr_expect_eq(k->exited, 1);
	cr_expect_eq(k->closed, 1);
	cr_expect_null(k->child.run);
}

static int descriptors(void)
{
	DIR *dir = opendir("/proc/self/fd");
	int count = 0;

	while (readdir(dir))
		count++;
	closedir(dir);
	return count;
}

/* ---- the ordinary course ---------------------------------------------------------------- */

static void output_and_exit_are_told(struct weft__loop *loop)
{
	struct kid k;

	kid_shell(loop, &k, "echo out; echo err >&2; exit 3", WEFT__CHILD_NO_IN);
	kid_over(&k);
	cr_expect_str_eq(k.out, "out\n");
	cr_expect_str_eq(k.err, "err\n");
	cr_expect(k.exit.known);
	cr_expect_eq(k.exit.code, 3);
	cr_expect_eq(k.ended[WEFT__CHILD_OUT], 1);
	cr_expect_eq(k.ended[WEFT__CHILD_ERR], 1);
	cr_expect_eq(k.end_status[WEFT__CHILD_OUT], 0);
	expect_nobody_left();
}

static void failure_to_start_is_an_error(struct weft__loop *loop)
{
	int before = descriptors();
	struct kid k;

	for (int i = 0; i < 5; i++)
		cr_expect_eq(kid_spawn(loop, &k, (struct weft__child_options){ .argv = (const char *[]){ "/no/such", NULL } }),
		             -ENOENT);
	settle(loop);
	cr_expect_eq(k.exited + k.closed, 0, "nothing comes");
	cr_expect_null(k.child.run);
	cr_expect_eq(descriptors(), before);
	expect_nobody_left();
}

static void nonsense_is_refused(struct weft__loop *loop)
{
	const char *none[] = { NULL }, *ok[] = { "/bin/true", NULL };
	struct kid k;

	cr_expect_eq(kid_spawn(loop, &k, (struct weft__child_options){ .argv = NULL }), -EINVAL);
	cr_expect_eq(kid_spawn(loop, &k, (struct weft__child_options){ .argv = none }), -EINVAL);
	cr_expect_eq(kid_spawn(loop, &k, (struct weft__child_options){ .argv = ok, .flags = 1u << 30 }), -EINVAL);
	cr_expect_eq(kid_spawn(loop, &k, (struct weft__child_options){ .argv = ok, .fd_count = 1 }), -EINVAL);
	cr_expect_eq(weft__child_send(&k.child, "x", 1), -ESRCH);
	cr_expect_eq(weft__child_kill(&k.child, SIGTERM), -ESRCH);
	weft__child_end(&k.child, 0);
	weft__child_close(&k.child);
	weft__child_finish(&k.child);
	weft__child_pause(&k.child, WEFT__CHILD_OUT, true);
}

static void stderr_may_join_stdout(struct weft__loop *loop)
{
	struct kid k;

	kid_shell(loop, &k, "echo one; echo two >&2; echo three", WEFT__CHILD_NO_IN | WEFT__CHILD_ERR_TO_OUT);
	kid_over(&k);
	cr_expect_str_eq(k.out, "one\ntwo\nthree\n");
	cr_expect_eq(k.ended[WEFT__CHILD_ERR], 0, "there was no such pipe");
}

static void no_pipes_at_all(struct weft__loop *loop)
{
	struct kid k;

	kid_shell(loop, &k, "cat; echo x; echo y >&2; exit 4", WEFT__CHILD_NO_IN | WEFT__CHILD_NO_OUT | WEFT__CHILD_NO_ERR);
	kid_over(&k);
	cr_expect_eq(k.exit.code, 4);
	cr_expect_eq(k.out_len + k.err_len, 0);
}

/* More than the pipes hold in both directions at once: whoever does one thing after another hangs here. */
static void much_both_ways_at_once(struct weft__loop *loop)
{
	enum { BYTES = 3 << 20 };
	uint8_t *bytes = malloc(BYTES);
	uint64_t hash = 0, state = 7;
	struct kid k;

	for (size_t i = 0; i < BYTES; i++) {
		bytes[i] = (uint8_t)test_random(&state);
		hash = (hash ^ bytes[i]) * 0x100000001b3u;
	}
	kid_shell(loop, &k, "exec cat", 0);
	cr_assert_eq(weft__child_send(&k.child, bytes, BYTES), 0);
	cr_expect_eq(weft__child_unsent(&k.child), BYTES);
	memset(bytes, 0, BYTES); /* it was copied */
	weft__child_finish(&k.child);
	cr_expect_eq(weft__child_send(&k.child, "x", 1), -EPIPE, "finished");
	kid_over(&k);
	cr_expect_eq(k.out_len, BYTES);
	cr_expect_eq(k.hash, hash);
	cr_expect_geq(k.drained, 1);
	cr_expect_eq(weft__child_unsent(&k.child), 0);
	free(bytes);
}

static void unsent_is_bounded(struct weft__loop *loop)
{
	static char bytes[200000];
	const char *argv[] = { "/bin/sleep", "100", NULL };
	struct kid k;

	cr_assert_eq(kid_spawn(loop, &k, (struct weft__child_options){ .argv = argv, .unsent_bytes_max = 250000 }), 0);
	cr_expect_eq(weft__child_send(&k.child, bytes, sizeof(bytes)), 0);
	cr_expect_eq(weft__child_send(&k.child, bytes, sizeof(bytes)), -ENOBUFS);
	weft__child_close(&k.child);
	kid_over(&k);
	cr_expect_eq(k.exit.signal, SIGKILL);
}

static void input_that_is_not_read_is_no_failure(struct weft__loop *loop)
{
	static char bytes[1 << 20];
	struct kid k;

	kid_shell(loop, &k, "exec <&-; sleep 0.1; echo well; exit 0", 0);
	cr_assert_eq(weft__child_send(&k.child, bytes, sizeof(bytes)), 0);
	kid_over(&k);
	cr_expect_str_eq(k.out, "well\n");
	cr_expect(k.exit.known);
	cr_expect_eq(k.exit.code, 0);
	cr_expect_eq(k.ended[WEFT__CHILD_IN], 0);
}

static void closes_its_output_and_lives(struct weft__loop *loop)
{
	struct kid k;

	kid_shell(loop, &k, "echo a; exec >&- 2>&-; read line; exit 6", 0);
	turn_until(loop, &k.ended[WEFT__CHILD_OUT], 1);
	turn_until(loop, &k.ended[WEFT__CHILD_ERR], 1);
	cr_expect_eq(k.exited, 0, "it waits for a line");
	cr_assert_eq(weft__child_send(&k.child, "\n", 1), 0);
	kid_over(&k);
	cr_expect_eq(k.exit.code, 6);
}

static void pause_holds_it_back(struct weft__loop *loop)
{
	struct kid k;

	kid_shell(loop, &k, "echo first; read go; head -c 1000000 /dev/zero; echo done >&2", 0);
	turn_until(loop, &k.out_len, 1);
	weft__child_pause(&k.child, WEFT__CHILD_OUT, true);
	cr_assert_eq(weft__child_send(&k.child, "\n", 1), 0);
	settle(loop);
	cr_expect_eq(k.out_len, 6);
	cr_expect_eq(k.err_len, 0, "the program waits for its pipe");
	cr_expect_eq(k.exited, 0);
	weft__child_pause(&k.child, WEFT__CHILD_OUT, false);
	kid_over(&k);
	cr_expect_eq(k.out_len, 1000006);
	cr_expect_str_eq(k.err, "done\n");
}

/* Paused longer than linger, after the exit: nothing is lost. */
static void a_pause_outlasts_linger(struct weft__loop *loop)
{
	const char *argv[] = { "/bin/sh", "-c", "head -c 50000 /dev/zero", NULL };
	uint64_t until;
	struct kid k;

	cr_assert_eq(kid_spawn(loop, &k, (struct weft__child_options){ .argv = argv, .linger_ns = 5 * MS }), 0);
	weft__child_pause(&k.child, WEFT__CHILD_OUT, true);
	turn_until(loop, &k.exited, 1);
	until = weft_now_ns() + 30 * MS;
	while (weft_now_ns() < until)
		weft__loop_wait(loop, 10 * MS);
	cr_expect_eq(k.closed, 0);
	weft__child_pause(&k.child, WEFT__CHILD_OUT, false);
	kid_over(&k);
	cr_expect_eq(k.out_len, 50000);
	cr_expect_eq(k.end_status[WEFT__CHILD_OUT], 0);
}

/* ---- ends --------------------------------------------------------------------------------- */

static void signals_reach_the_group(struct weft__loop *loop)
{
	struct kid k;

	kid_shell(loop, &k, "trap 'wait; echo parent; exit 9' TERM; "
	                    "(trap 'echo child; exit' TERM; echo up; while :; do sleep 0.01; done) & wait", WEFT__CHILD_NO_IN);
	turn_until(loop, &k.out_len, 3);
	cr_expect_eq(weft__child_kill(&k.child, 0), -EINVAL);
	cr_expect_eq(weft__child_kill(&k.child, SIGTERM), 0);
	kid_over(&k);
	cr_expect_not_null(strstr(k.out, "child"));
	cr_expect_not_null(strstr(k.out, "parent"));
	cr_expect_eq(k.exit.code, 9);
	cr_expect_eq(weft__child_kill(&k.child, SIGTERM), -ESRCH);
}

static void asked_to_end_it_may_clean_up(struct weft__loop *loop)
{
	struct kid k;

	kid_shell(loop, &k, "trap 'echo bye; exit 5' TERM; echo up; while :; do sleep 0.01; done", WEFT__CHILD_NO_IN);
	turn_until(loop, &k.out_len, 3);
	weft__child_end(&k.child, 100 * SECOND);
	kid_over(&k);
	cr_expect_str_eq(k.out, "up\nbye\n");
	cr_expect_eq(k.exit.code, 5);
}

static void deaf_to_asking_it_is_killed(struct weft__loop *loop)
{
	struct kid k;

	kid_shell(loop, &k, "trap '' TERM; echo up; while :; do sleep 0.01; done", WEFT__CHILD_NO_IN);
	turn_until(loop, &k.out_len, 3);
	weft__child_end(&k.child, 20 * MS);
	kid_over(&k);
	cr_expect_eq(k.exit.signal, SIGKILL);
}

static void stopped_it_still_hears(struct weft__loop *loop)
{
	struct kid k;

	kid_shell(loop, &k, "echo up; kill -STOP $$", WEFT__CHILD_NO_IN);
	turn_until(loop, &k.out_len, 3);
	weft__child_end(&k.child, 100 * SECOND);
	kid_over(&k);
}

/* The rest of the group goes with its leader, and what they had printed is read. */
static void grandchildren_die_with_it(struct weft__loop *loop)
{
	struct kid k;
	int pid = 0;

	kid_shell(loop, &k, "sleep 1000 & echo $!; exit 0", WEFT__CHILD_NO_IN);
	kid_over(&k);
	cr_expect_eq(k.end_status[WEFT__CHILD_OUT], 0, "nobody held the pipe");
	cr_assert_eq(sscanf(k.out, "%d", &pid), 1);
	/* an orphan is init's to reap: it is gone, or a zombie at most */
	for (int i = 0; i < 6000 && kill(pid, 0) == 0; i++) {
		char path[32], line[256] = "";
		FILE *f;

		snprintf(path, sizeof(path), "/proc/%d/stat", pid);
		f = fopen(path, "r");
		if (!f || !fgets(line, sizeof(line), f) || strstr(line, ") Z")) {
			if (f)
				fclose(f);
			return;
		}
		fclose(f);
		weft__loop_wait(loop, 10 * MS);
	}
	cr_expect_eq(kill(pid, 0), -1);
}

/* One that left the group keeps the pipe: bounded, and told. */
static void an_escaped_descendant_is_not_waited_for(struct weft__loop *loop)
{
	const char *argv[] = { "/bin/sh", "-c", "setsid sh -c 'echo $$; exec sleep 1000' & read x; exit 0", NULL };
	int pid = 0;
	struct kid k;

	cr_assert_eq(kid_spawn(loop, &k, (struct weft__child_options){ .argv = argv, .linger_ns = 20 * MS }), 0);
	turn_until(loop, &k.out_len, 2);
	weft__child_finish(&k.child);
	kid_over(&k);
	cr_expect_eq(k.end_status[WEFT__CHILD_OUT], -ETIMEDOUT);
	cr_assert_eq(sscanf(k.out, "%d", &pid), 1);
	cr_expect_eq(kill(pid, SIGKILL), 0, "it lives, alone");
}

/* The owner takes longer over each piece than the linger lasts: what was printed is read all the same. */
static void a_loop_that_stalls_loses_nothing(struct weft__loop *loop)
{
	const char *argv[] = { "/bin/sh", "-c", "exec head -c 60000 /dev/zero", NULL };
	struct kid k;

	cr_assert_eq(kid_spawn(loop, &k, (struct weft__child_options){ .argv = argv, .linger_ns = MS }), 0);
	weft__child_pause(&k.child, WEFT__CHILD_OUT, true);
	turn_until(loop, &k.exited, 1);
	k.stall_on_data = true;
	weft__child_pause(&k.child, WEFT__CHILD_OUT, false);
	kid_over(&k);
	cr_expect_eq(k.out_len, 60000);
	cr_expect_eq(k.end_status[WEFT__CHILD_OUT], 0);
}

static void close_at_once(struct weft__loop *loop)
{
	struct kid k;

	kid_shell(loop, &k, "echo x; sleep 1000", 0);
	k.in_call = true;
	weft__child_close(&k.child);
	weft__child_close(&k.child);
	k.in_call = false;
	kid_over(&k);
	cr_expect_eq(k.out_len, 0);
	cr_expect_eq(k.ended[WEFT__CHILD_OUT] + k.ended[WEFT__CHILD_ERR], 0, "not after close");
	expect_nobody_left();
}

static void callbacks_may_close(struct weft__loop *loop)
{
	struct kid k;

	kid_shell(loop, &k, "echo x; sleep 1000", 0);
	k.close_on_data = true;
	kid_over(&k);
	cr_expect_eq(k.exit.signal, SIGKILL);
	kid_shell(loop, &k, "setsid sleep 0.2 & exit 0", 0);
	k.close_on_exit = true;
	kid_over(&k);
	cr_expect_eq(k.ended[WEFT__CHILD_OUT], 0);
}

static void sigchld_ignored(struct weft__loop *loop)
{
	struct kid k;

	signal(SIGCHLD, SIG_IGN);
	kid_shell(loop, &k, "exit 7", 0);
	kid_over(&k);
	if (k.exit.known)
		cr_expect_eq(k.exit.code, 7);
	signal(SIGCHLD, SIG_DFL);
}

/* ---- the loop goes ---------------------------------------------------------------------------- */

static void retire_ends_its_children(weft_io_backend backend)
{
	struct weft__loop *loop = loop_make(backend);
	struct kid kids[3], late;

	kid_shell(loop, &kids[0], "trap '' TERM; echo up; while :; do sleep 0.01; done", 0);
	kid_shell(loop, &kids[1], "exec sleep 1000", WEFT__CHILD_NO_IN);
	kid_shell(loop, &kids[2], "exit 0", 0);
	turn_until(loop, &kids[0].out_len, 3);
	turn_until(loop, &kids[2].closed, 1);
	weft__loop_retire(loop);
	for (int i = 0; i < 3; i++)
		cr_expect_eq(kids[i].closed, 1, "kid %d", i);
	cr_expect_eq(kid_spawn(loop, &late, (struct weft__child_options){ .argv = (const char *[]){ "/bin/true", NULL } }),
	             -ESHUTDOWN);
	weft__loop_close(loop);
	expect_nobody_left();
}

Test(child_uring, retire_ends_its_children, .timeout = 120)
{
	retire_ends_its_children(WEFT_IO_URING);
}

Test(child_epoll, retire_ends_its_children, .timeout = 120)
{
	retire_ends_its_children(WEFT_IO_EPOLL);
}

/* ---- churn -------------------------------------------------------------------------------------- */

#define KIDS 200
#define AT_ONCE 12

struct law {
	int spawned, exited, closed;
	uint64_t sent, echoed; /* by those that were let finish */
};

static void churn_begin(struct weft__loop *loop, struct kid *k, uint64_t *seed, struct law *law)
{
	static char bytes[300000];
	uint32_t len = test_below(seed, sizeof(bytes));

	law->spawned++;
	switch (test_below(seed, 6)) {
	case 0:
		kid_shell(loop, k, "exit 0", test_below(seed, 8));
		break;
	case 1:
		kid_shell(loop, k, "sleep 1000 & sleep 1000", 0);
		weft__child_close(&k->child);
		break;
	case 2:
		kid_shell(loop, k, "sleep 1000", 0);
		weft__child_end(&k->child, test_below(seed, 2) * 5 * MS);
		break;
	case 3:
		kid_shell(loop, k, "head -c 100000 /dev/zero; head -c 1000 /dev/zero >&2", WEFT__CHILD_NO_IN);
		law->sent += 101000;
		break;
	case 4:
		kid_shell(loop, k, "exec cat", 0);
		cr_assert_eq(weft__child_send(&k->child, bytes, len), 0);
		weft__child_finish(&k->child);
		law->sent += len;
		break;
	default:
		kid_shell(loop, k, "kill -SEGV $$", 0);
		break;
	}
}

static void churn_end(struct kid *k, struct law *law)
{
	law->exited += k->exited;
	law->closed += k->closed;
	law->echoed += (uint64_t)(k->out_len + k->err_len);
}

static void churn(struct weft__loop *loop)
{
	uint64_t seed = test_seed("child churn"), end = weft_now_ns() + 100 * SECOND;
	int before = descriptors(), live = 0;
	static struct kid kids[AT_ONCE];
	struct law law = { 0 };

	memset(kids, 0, sizeof(kids));
	while (law.closed < KIDS && weft_now_ns() < end) {
		for (int i = 0; i < AT_ONCE; i++) {
			if (kids[i].child.run)
				continue;
			if (kids[i].child.fns) {
				churn_end(&kids[i], &law);
				live--;
			}
			kids[i].child.fns = NULL;
			if (law.spawned < KIDS) {
				churn_begin(loop, &kids[i], &seed, &law);
				live++;
			}
		}
		weft__loop_wait(loop, 100 * MS);
	}
	cr_expect_eq(live, 0);
	cr_expect_eq(law.spawned, KIDS);
	cr_expect_eq(law.exited, law.spawned);
	cr_expect_eq(law.closed, law.spawned);
	cr_expect_eq(law.echoed, law.sent);
	cr_expect_eq(weft__loop_in_flight(loop), 0);
	cr_expect_eq(descriptors(), before);
	expect_nobody_left();
}

ON_BOTH(child, output_and_exit_are_told)
ON_BOTH(child, failure_to_start_is_an_error)
ON_BOTH(child, nonsense_is_refused)
ON_BOTH(child, stderr_may_join_stdout)
ON_BOTH(child, no_pipes_at_all)
ON_BOTH(child, much_both_ways_at_once)
ON_BOTH(child, unsent_is_bounded)
ON_BOTH(child, input_that_is_not_read_is_no_failure)
ON_BOTH(child, closes_its_output_and_lives)
ON_BOTH(child, pause_holds_it_back)
ON_BOTH(child, a_pause_outlasts_linger)
ON_BOTH(child, signals_reach_the_group)
ON_BOTH(child, asked_to_end_it_may_clean_up)
ON_BOTH(child, deaf_to_asking_it_is_killed)
ON_BOTH(child, stopped_it_still_hears)
ON_BOTH(child, grandchildren_die_with_it)
ON_BOTH(child, an_escaped_descendant_is_not_waited_for)
ON_BOTH(child, a_loop_that_stalls_loses_nothing)
ON_BOTH(child, close_at_once)
ON_BOTH(child, callbacks_may_close)
ON_BOTH(child, sigchld_ignored)
ON_BOTH(child, churn)
