/* SPDX-License-Identifier: Apache-2.0 */
/*
 * actors/record/file.c - the stack of lines that wait, and the thread that turns it over and writes. Bytes are counted when
 * a line is pushed and again when it is written, which bounds what waits.
 */
#include "actors/record/file.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include <weft/alloc.h>
#include <weft/sim.h>

#include "runtime/base/atomic.h"

#define PARTS 64              /* lines a write */
#define SIM_WRITE_BYTES 65536 /* in a simulation: written when so many wait */

struct line {
	struct line *next;
	size_t len_bytes; /* the newline among them */
	char text[];
};

struct weft__record_file {
	/* any thread */
	_Atomic(struct line *) stack; /* S: pushed with release, taken with acquire */
	_Atomic(uint64_t) waiting_bytes, lines, bytes; /* relaxed: bounds and statistics */
	_Atomic(uint32_t) state;   /* OPEN, then CLOSING */
	_Atomic(uint32_t) pushing; /* pushes under way: a close waits for them */
	_Atomic(int) status;       /* the first error; relaxed: statistics, and the closer has joined the writer */
	sem_t work;                /* posted when the stack was empty, and by the close */
	/* constant */
	uint64_t bytes_max;
	int fd;
	bool threaded;
	pthread_t writer;
};

enum { OPEN = 0, CLOSING = 1 };

/* ---- writing ------------------------------------------------------------------- */

static void fail(struct weft__record_file *f, int r)
{
	int none = 0;

	(void)weft__cas_acq_rel(&f->status, &none, r); /* the first one stays */
}

/* All of the parts, whatever a write takes at once. After a failure nothing more is written: a hole is worse than an end. */
static void write_parts(struct weft__record_file *f, struct iovec *parts, int count)
{
	while (count && !weft__load_relaxed(&f->status)) { /* relaxed: set by this thread */
		ssize_t n = writev(f->fd, parts, count);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0) {
			fail(f, n < 0 ? -errno : -EIO);
			return;
		}
		while (count && (size_t)n >= parts->iov_len) {
			n -= (ssize_t)parts->iov_len;
			parts++;
			count--;
		}
		if (count) {
			parts->iov_base = (char *)parts->iov_base + n;
			parts->iov_len -= (size_t)n;
		}
	}
}

static struct line *turn_over(struct line *newest)
{
	struct line *oldest = NULL;

	while (newest) {
		struct line *next = newest->next;

		newest->next = oldest;
		oldest = newest;
		newest = next;
	}
	return oldest;
}

static void write_all(struct weft__record_file *f)
{
	/* acquire: the lines' text; pairs with the release of a push */
	struct line *line = turn_over(weft__xchg_acq_rel(&f->stack, NULL));

	while (line) {
		struct iovec parts[PARTS];
		struct line *first = line;
		uint64_t bytes = 0;
		int n = 0;

		for (; line && n < PARTS; line = line->next) {
			parts[n++] = (struct iovec){ line->text, line->len_bytes };
			bytes += line->len_bytes;
		}
		write_parts(f, parts, n);
		while (first != line) {
			struct line *next = first->next;

			weft_free(first);
			first = next;
		}
		weft__fetch_sub_relaxed(&f->waiting_bytes, bytes); /* relaxed: a bound */
	}
}

static void *writer_main(void *user)
{
	struct weft__record_file *f = user;
	bool closing;

	do {
		while (sem_wait(&f->work) < 0)
			;
		/* acquire: pushes that came before the close are in the stack */
		closing = weft__load_acquire(&f->state) == CLOSING;
		write_all(f);
	} while (!closing);
	return NULL;
}

/* ---- pushing ---------------------------------------------------------------------- */

static void push(struct weft__record_file *f, struct line *line)
{
	struct line *older = weft__load_relaxed(&f->stack); /* relaxed: the CAS says whether it was right */

	do {
		line->next = older;
		/* release: publishes text and next to the writer, whose line it is from here on */
	} while (!weft__cas_weak_acq_rel(&f->stack, &older, line));
	if (f->threaded && !older)
		sem_post(&f->work);
	else if (!f->threaded && weft__load_relaxed(&f->waiting_bytes) >= SIM_WRITE_BYTES)
		write_all(f);
}

static struct line *line_make(weft_str text)
{
	struct line *line = weft_malloc(sizeof(*line) + text.len_bytes + 1);

	if (!line)
		return NULL;
	line->len_bytes = text.len_bytes + 1;
	memcpy(line->text, text.ptr, text.len_bytes);
	line->text[text.len_bytes] = '\n';
	return line;
}

static int push_open(struct weft__record_file *f, weft_str text, bool must)
{
	struct line *line;
	uint64_t before;

	/* relaxed: a bound, and a push more or less does not matter */
	before = weft__fetch_add_relaxed(&f->waiting_bytes, text.len_bytes + 1);
	line = !must && before + text.len_bytes >= f->bytes_max ? NULL : line_make(text);
	if (!line) {
		weft__fetch_sub_relaxed(&f->waiting_bytes, text.len_bytes + 1); /* relaxed: as above */
		return !must && before + text.len_bytes >= f->bytes_max ? -ENOBUFS : -ENOMEM;
	}
	weft__fetch_add_relaxed(&f->lines, 1); /* relaxed: statistics */
	weft__fetch_add_relaxed(&f->bytes, line->len_bytes); /* relaxed: statistics */
	push(f, line);
	return 0;
}

int weft__record_file_push(struct weft__record_file *f, weft_str text, bool must)
{
	int r = -ESHUTDOWN;

	/* seq_cst on both sides: either this sees CLOSING, or the closer sees pushing and waits */
	weft__fetch_add_seq_cst(&f->pushing, 1);
	if (weft__load_seq_cst(&f->state) == OPEN)
		r = push_open(f, text, must);
	weft__fetch_sub_release(&f->pushing, 1); /* release: the line is in the stack when the closer sees this */
	return r;
}

void weft__record_file_look(const struct weft__record_file *f, uint64_t *ret_lines, uint64_t *ret_bytes, int *ret_status)
{
	/* relaxed: statistics */
	*ret_lines = weft__load_relaxed(&f->lines);
	*ret_bytes = weft__load_relaxed(&f->bytes);
	*ret_status = weft__load_relaxed(&f->status);
}

/* ---- opening and closing -------------------------------------------------------------- */

/* Signals are the host's: none of them is taken by this thread. */
static int start_writer(struct weft__record_file *f)
{
	sigset_t all, before;
	int r;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	r = -pthread_create(&f->writer, NULL, writer_main, f);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (r == 0)
		(void)pthread_setname_np(f->writer, "weft-record");
	f->threaded = r == 0;
	return r;
}

static int cannot_open(const char *path, int r, weft_error *err)
{
	if (r == -EEXIST)
		return weft_error_set(err, r, "%s exists; a recording is never written over: give another name or remove it", path);
	return weft_error_set(err, r, "%s: %s", path, weft_strerror(r));
}

int weft__record_file_open(const char *path, uint64_t buffer_bytes_max, struct weft__record_file **ret_file, weft_error *err)
{
	struct weft__record_file *f = weft_calloc(1, sizeof(*f));
	int r = 0;

	if (!f)
		return weft_error_set(err, -ENOMEM, "out of memory");
	f->bytes_max = buffer_bytes_max;
	sem_init(&f->work, 0, 0);
	f->fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOCTTY, 0600);
	if (f->fd < 0)
		r = -errno;
	else if (!weft_sim_is_on())
		r = start_writer(f);
	if (r < 0) {
		if (f->fd >= 0)
			(void)unlink(path);
		weft__record_file_destroy(f);
		return cannot_open(path, r, err);
	}
	*ret_file = f;
	return 0;
}

int weft__record_file_close(struct weft__record_file *f, weft_str last)
{
	struct line *line;

	weft__store_seq_cst(&f->state, CLOSING); /* see weft__record_file_push */
	while (weft__load_seq_cst(&f->pushing)) { /* a copy and a CAS: a moment */
		if (weft_sim_sleep(1000) < 0)
			sched_yield();
	}
	line = line_make(last);
	if (line)
		push(f, line);
	if (f->threaded) {
		sem_post(&f->work);
		pthread_join(f->writer, NULL);
		f->threaded = false;
	}
	write_all(f);
	if (fsync(f->fd) < 0 && errno != EINVAL && errno != EROFS) /* what is no file needs no sync */
		fail(f, -errno);
	if (close(f->fd) < 0 && errno != EINTR)
		fail(f, -errno);
	f->fd = -1;
	return line ? weft__load_relaxed(&f->status) : -ENOMEM; /* relaxed: the writer has ended */
}

void weft__record_file_destroy(struct weft__record_file *f)
{
	if (!f)
		return;
	if (f->fd >= 0)
		close(f->fd);
	sem_destroy(&f->work);
	weft_free(f);
}
