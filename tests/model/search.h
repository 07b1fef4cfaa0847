/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tests/model/search.h - which decisions to take, so that every execution is seen and few are seen twice.
 *
 * Each place with more than one way on is a node on a stack. After an execution the last node with a way
 * left takes that way, the nodes behind it are forgotten, and the model runs again from its beginning.
 *
 * Two orders of operations that nobody can tell apart need one execution. What helps is that a load may
 * read an old store (memory.h) as if it had come earlier, and a store may take a place behind others:
 *
 *   own words     A word that no other thread touches, or nobody writes: its operations are done at once.
 *                 Which words these are is learnt on the way; when one turns out to be shared after all,
 *                 everything begins anew.
 *   plain stores  are done at once too, but for seq_cst ones: whoever reads later may still read what
 *                 was there before.
 *   races         A node begins with one thread. Another one is added when an operation later in an
 *                 execution turns out to have been able to come before that thread's, and to matter to it:
 *                 one that reads, then one that writes the same word (after Abdulla et al., Optimal dynamic
 *                 partial order reduction, POPL 2014, source sets).
 *   sleep sets    When all that begins with thread A's operation has been seen at a node, and B's is tried
 *                 next, A sleeps until somebody does what matters to A's operation. A load that is woken
 *                 by a store must see that store or a later one, for the others it has seen; as long
 *                 as it may see none of these it sleeps on.
 *
 * seq_cst operations on one word, locks and the like are never swapped unseen.
 */
#ifndef WEFT_TESTS_MODEL_SEARCH_H
#define WEFT_TESTS_MODEL_SEARCH_H

#include "tests/model/memory.h"

/* A new model. everything: take all ways, to see that the above leaves nothing out. */
void search_reset(unsigned thread_count, bool everything);
/* A new execution. trail: replay this one; NULL: the next. */
void search_begin(const char *trail);
/* After an execution: is there another one? */
bool search_next(void);
/* The decisions of this execution, for search_begin. */
const char *search_trail(void);

/* Thread is about to do op. */
void search_pending(unsigned thread, const struct mem_op *op);
/* Who goes on: one of the bits of `ready`. running: who ran last, or 0. 0: whatever comes was seen. */
unsigned search_thread(unsigned ready, unsigned running);
/* 0 .. below-1 */
unsigned search_way(unsigned below);
/* See mem_perform. */
unsigned search_unseen(unsigned thread);
/* Thread did what it was about to do. */
void search_done(unsigned thread, const struct mem_result *r);

#endif
