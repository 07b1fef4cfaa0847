/* SPDX-License-Identifier: Apache-2.0 */
/*
 * net/oauth/receiver.h - where a browser on this host comes back to (RFC 8252, 7.3): a listener on 127.0.0.1,
 * as long as a person is asked.
 *
 * It takes GET /callback and shows a line of text. Anybody on this host may knock: who does not know the
 * state is sent away, and the receiver waits on.
 */
#ifndef WEFT_NET_OAUTH_RECEIVER_H
#define WEFT_NET_OAUTH_RECEIVER_H

#include <weft/error.h>

struct weft__loop;
struct weft__http_server;

struct weft__oauth_receiver {
	/*
	 * The owner's. A browser came: 0, -EACCES (it was the answer, and says no), -EINVAL (it was not the
	 * answer). May close.
	 */
	int (*came)(struct weft__oauth_receiver *r, weft_str target);
	void (*closed)(struct weft__oauth_receiver *r); /* nothing of it is left */
	/* to read */
	char uri[48];                     /* http://127.0.0.1:PORT/callback */
	struct weft__http_server *server; /* private; NULL: closed */
};

/* port 0: the kernel's choice; one that is taken makes it that, too. 0, or what listening said. */
int weft__oauth_receiver_open(struct weft__loop *loop, struct weft__oauth_receiver *r, uint16_t port,
                              weft_error *err);
/*
 * closed comes later, once, when it was open. now: what is being answered is cut off. May be called again
 * with now.
 */
void weft__oauth_receiver_close(struct weft__oauth_receiver *r, bool now);

#endif
