/* SPDX-License-Identifier: Apache-2.0 */
/*
 * runtime/io/stream.h - bytes both ways, over a socket or a pair of pipe ends.
 *
 *     connect --> open(0) --+
 *     adopt ----------------+--> data ... data --> end --> (the owner) close --> closed
 *
 * A stream lives on one loop, and every call and every callback is in that loop's thread. Callbacks come inside
 * wait only, never inside a call of the stream, and may call anything of the stream, close too: after close
 * the only one that still comes is closed. What went wrong is told once, by open or end, and the owner closes.
 *
 * What is received lies in a buffer of the loop's: an idle stream holds no memory but its own struct.
 */
#ifndef WEFT_RUNTIME_IO_STREAM_H
#define WEFT_RUNTIME_IO_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "runtime/io/loop.h"

#define WEFT__STREAM_UNSENT_BYTES (16u << 20) /* the bound, unless it is set */

struct weft__stream;

struct weft__stream_fns {
	/* connect ended: 0, or -ECONNREFUSED, -ETIMEDOUT, ...: nothing else comes then, close it. Not after adopt. */
	void (*open)(struct weft__stream *s, int status);
	/* Bytes arrived, one at least; valid during the call. */
	void (*data)(struct weft__stream *s, const uint8_t *bytes, size_t len);
	/*
	 * No data comes after it. 0: the peer sends no more; what this side sends may still arrive. Negative: the
	 * connection is broken (-ECONNRESET, -EPIPE, ...), perhaps after a 0: what was not sent yet is lost.
	 * A peer that takes no more may have said why: what it sent is delivered before.
	 */
	void (*end)(struct weft__stream *s, int status);
	/* The kernel has taken everything that was queued. May be NULL. */
	void (*drained)(struct weft__stream *s);
	/* The last call; nothing is in flight, the descriptors are closed, s may be freed. */
	void (*closed)(struct weft__stream *s);
};

struct weft__chunk;

/* Embedded by its owner, zeroed, with fns set, and kept until closed. */
struct weft__stream {
	const struct weft__stream_fns *fns;
	void *user;
	size_t unsent_max; /* bytes; 0: WEFT__STREAM_UNSENT_BYTES. May be changed at any time */
	bool wipe;         /* secrets go over it: copies of what is sent or held are overwritten before they are freed */

	/* the stream's own from here */
	struct weft__loop *loop;
	struct weft__io in, out;
	struct weft__job job;
	struct weft__chunk *first, *last;           /* owned: what send queued */
	struct weft__chunk *held_first, *held_last; /* owned: what came while paused */
	struct sockaddr *addr;                      /* owned; to connect to */
	size_t unsent;
	int fd_in, fd_out; /* owned; equal for a socket; -1 for none */
	int end_status;
	uint32_t flags;
};

/*
 * Connect a new stream socket to addr (inet or unix); open comes. 0, or -Exxx and nothing happened: s is the caller's,
 * no callback comes. There is no time limit: close it by an alarm.
 */
int weft__stream_connect(struct weft__loop *loop, struct weft__stream *s, const struct sockaddr *addr, socklen_t len);

/*
 * A stream over descriptors that are open: a connected socket (both the same) or pipe ends; either may be -1.
 * 0: they are the stream's, which closes them. -EINVAL, -EAGAIN, -ENOMEM: they are still the caller's.
 */
int weft__stream_adopt(struct weft__loop *loop, struct weft__stream *s, int fd_in, int fd_out);

/*
 * Send a copy of bytes, all of them, behind what was queued before; also before open. 0, -EPIPE (finished,
 * broken or closed), -ENOMEM, -ENOBUFS (it would be more unsent than the bound; nothing was queued).
 */
int weft__stream_send(struct weft__stream *s, const void *bytes, size_t len);

/* Bytes that the kernel has not taken yet. */
size_t weft__stream_unsent(const struct weft__stream *s);

/* No data and no end while paused: the peer is held back by its window. A broken connection may show late, then. */
void weft__stream_pause(struct weft__stream *s, bool paused);

/* No more will be sent: the peer sees the end behind what is queued. Receiving goes on. */
void weft__stream_finish(struct weft__stream *s);

/* Give up at once: what is queued is dropped. closed comes, inside a wait. Twice is fine. */
void weft__stream_close(struct weft__stream *s);

/* The same; the peer sees -ECONNRESET (of inet) in place of an end. */
void weft__stream_reset(struct weft__stream *s);

/* Between connect or adopt and closed? */
bool weft__stream_is_live(const struct weft__stream *s);

#endif
