/* SPDX-License-Identifier: Apache-2.0 */
/*
 * actors/attachment.h - what came with a message is looked into before anybody decides about it.
 *
 *   attachment --described, or text that is given--------------------> left as it is
 *      \--a handler takes its type--> asked; it fails: the next one --> what it said
 *       \--none does, and it is an image--> the IMAGE_DESCRIPTION model
 *
 * All attachments of a message are started before the first is waited for. A look is
 * one handler or model at one attachment: what it says stays with the look until all are
 * back, so nobody who still works on the message sees its attachments change.
 */
#ifndef WEFT_ACTORS_ATTACHMENT_H
#define WEFT_ACTORS_ATTACHMENT_H

#include "actors/turn.h"

/** The store knew the message: what it has of the attachments takes the place of what came. @return 0 or -ENOMEM */
int weft__attachments_recall(weft_turn *turn);

/** Start looking at those that need it. @return 0: done; WEFT_PENDING: weft__turn_go goes on when the last is back; -ENOMEM */
int weft__attachments_look(weft_turn *turn);

/** All are back: take what was said into the turn's message and the stored one. @return 0 or -ENOMEM */
int weft__attachments_keep(weft_turn *turn);

/** Let go of what the arena does not hold. */
void weft__attachments_fini(weft_turn *turn);

#endif
