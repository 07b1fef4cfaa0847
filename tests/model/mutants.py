#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""
mutants.py BUILD_ROOT [LABEL...]

Goal: the models are able to fail, and each labelled edge is there for a reason.
Method: for each row below, the source with one edge weakened or removed is compiled into its model, which must fail.
A row that says why it lives must hold: strength that C11 does not ask for here, or a bug that the memory model of
tests/model/memory.h cannot show. Prints the table of docs/internals/model-checking.md.
"""
import concurrent.futures
import json
import os
import pathlib
import re
import shlex
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent


class Mutant:
    def __init__(self, label, path, old, new, model, what, lives=None):
        self.label, self.path, self.old, self.new = label, path, old, new
        self.model, self.what, self.lives = model, what, lives


def xchg(args, order):
    return f'atomic_exchange_explicit({args}, memory_order_{order})'


def fetch_add(args, order):
    return f'atomic_fetch_add_explicit({args}, memory_order_{order})'


def cas(args, order, failed):
    return f'atomic_compare_exchange_strong_explicit({args}, memory_order_{order}, memory_order_{failed})'


MAILBOX = 'runtime/queue/mailbox.h'
BROADCAST_H, BROADCAST = 'runtime/queue/broadcast.h', 'runtime/queue/broadcast.c'
FLIGHT, METER = 'runtime/observe/flight.c', 'runtime/observe/meter.c'
HISTOGRAM = 'runtime/observe/histogram.c'
HISTOGRAM_H = 'runtime/observe/histogram.h'
INJECT, RUNQ, DEQUE = 'runtime/queue/inject.h', 'runtime/queue/runq.h', 'runtime/queue/deque.h'
CK_PR, CK_RING = 'runtime/base/tsan/ck_pr.h', 'runtime/base/tsan/ck_ring.h'
POST = 'runtime/io/post.c'
PARK, RUN, STEAL = 'runtime/sched/park.c', 'runtime/sched/run.c', 'runtime/sched/steal.c'

SEND, ACTOR, CORE = 'runtime/actor/send.c', 'runtime/actor/actor.c', 'runtime/actor/core.h'
SCHED, GUEST = 'runtime/sched/sched.c', 'runtime/host/guest.c'
FUTURE, PORT = 'runtime/host/future.c', 'runtime/host/port.c'
MUTE = 'runtime/actor/mute.c'
BIAS, OUTBOX, OUTBOX_H = 'runtime/base/bias.h', 'runtime/actor/outbox.c', 'runtime/actor/outbox.h'
GRACE, GRACE_H = 'store/vector/grace.c', 'store/vector/grace.h'
TIMER, REGISTRY = 'runtime/actor/timer.c', 'runtime/actor/registry.c'
OP, REFS = 'actors/op.c', 'runtime/base/refs.h'

M1 = 'weft__xchg_acq_rel(&mb->head, last)'
M4 = 'weft__cas_seq_cst(&mb->head, &expected, NULL)'
M5 = 'weft__cas_acq_rel(&mb->head, &expected, (struct weft_msg *)stub)'
STUB = '&mb->head, &expected, (struct weft_msg *)stub'
O1 = 'weft__cas_acq_rel(&op->state, &word, (word & ~(uint32_t)STATES) | to)'


def cas_word(order, failed):
    return cas('&op->state, &word, (word & ~(uint32_t)STATES) | to', order, failed)


MUTANTS = [
    Mutant('M1', MAILBOX, M1, xchg('&mb->head, last', 'acquire'), 'mailbox', 'no release'),
    Mutant('M1', MAILBOX, M1, xchg('&mb->head, last', 'release'), 'mailbox', 'no acquire'),
    Mutant('M2', MAILBOX, 'weft__store_release(&prev->next, first)', 'weft__store_relaxed(&prev->next, first)', 'mailbox',
           'relaxed'),
    Mutant('M3', MAILBOX, 'weft__load_acquire(&node->next)', 'weft__load_relaxed(&node->next)', 'mailbox', 'relaxed'),
    Mutant('M4', MAILBOX, M4, cas('&mb->head, &expected, NULL', 'acquire', 'acquire'), 'mailbox', 'no release'),
    Mutant('M4', MAILBOX, M4, cas('&mb->head, &expected, NULL', 'release', 'relaxed'), 'mailbox', 'no acquire',
           lives='what it would acquire came by M1 and M3'),
    Mutant('M5', MAILBOX, M5, cas(STUB, 'acquire', 'acquire'), 'mailbox', 'no release'),
    Mutant('M5', MAILBOX, M5, cas(STUB, 'release', 'relaxed'), 'mailbox', 'no acquire',
           lives='what it would acquire came by M1 and M3'),
    Mutant('M5', MAILBOX, 'weft__store_relaxed(&stub->next, NULL); /*', '/*', 'mailbox', 'the stub keeps its old link'),
    Mutant('M5', MAILBOX, '*ret_next = weft__mailbox_next_wait(msg);\n\treturn NULL;', 'return NULL;', 'mailbox',
           'does not wait for the link'),

    Mutant('ck', CK_PR, 'bool done = __atomic_compare_exchange_n((void **)target, &expected, value, false, __ATOMIC_SEQ_CST,\n'
           '\t                                        __ATOMIC_ACQUIRE);\n\n\t*(void **)ret_seen',
           'bool done = __atomic_compare_exchange_n((void **)target, &expected, value, false, __ATOMIC_ACQUIRE,\n'
           '\t                                        __ATOMIC_ACQUIRE);\n\n\t*(void **)ret_seen', 'inject', 'push: no release'),
    Mutant('ck', CK_PR, 'return __atomic_exchange_n((void **)target, value, __ATOMIC_SEQ_CST);',
           'return __atomic_exchange_n((void **)target, value, __ATOMIC_RELEASE);', 'inject', 'take_all: no acquire'),

    Mutant('ck', CK_PR, '__atomic_store_n(dst, value, __ATOMIC_RELEASE);', '__atomic_store_n(dst, value, __ATOMIC_RELAXED);',
           'runq', 'p_tail stored relaxed'),
    Mutant('ck', CK_PR, 'return __atomic_load_n(src, __ATOMIC_ACQUIRE);', 'return __atomic_load_n(src, __ATOMIC_RELAXED);',
           'runq', 'c_head, p_tail loaded relaxed'),
    Mutant('ck', CK_PR, 'bool done = __atomic_compare_exchange_n(target, &expected, value, false, __ATOMIC_SEQ_CST,   \\\n'
           '\t\t                                        __ATOMIC_ACQUIRE);',
           'bool done = __atomic_compare_exchange_n(target, &expected, value, false, __ATOMIC_SEQ_CST,   \\\n'
           '\t\t                                        __ATOMIC_RELAXED);', 'runq', 'c_head after a failed swap: relaxed'),
    Mutant('ck', CK_PR, 'bool done = __atomic_compare_exchange_n(target, &expected, value, false, __ATOMIC_SEQ_CST,   \\\n',
           'bool done = __atomic_compare_exchange_n(target, &expected, value, false, __ATOMIC_RELAXED,   \\\n',
           'runq', 'c_head swapped relaxed'),
    Mutant('-', RUNQ, 'if (__builtin_expect(!q->overflow_first && ck_ring', 'if (__builtin_expect(ck_ring', 'runq',
           'push passes by the list'),

    Mutant('B1', BROADCAST, 'if ((int64_t)(tail - weft__load_relaxed(&b->tail)) > 0)', 'if (false && tail)', 'broadcast',
           'tail is not moved'),
    Mutant('B2', BROADCAST_H, 'weft__store_release(at, word);', 'weft__store_relaxed(at, word);', 'broadcast', 'relaxed'),
    Mutant('B3', BROADCAST, 'to[i] = weft__load_acquire(&from[i]);', 'to[i] = weft__load_relaxed(&from[i]);', 'broadcast',
           'relaxed'),
    Mutant('B4', BROADCAST, 'return (int64_t)(weft__load_acquire(&b->tail) - position) > 0;', 'return false;', 'broadcast',
           'not looked at'),
    Mutant('B4', BROADCAST, '(int64_t)(weft__load_acquire(&b->tail) - position) > 0', '(int64_t)(weft__load_relaxed(&b->tail) - position) > 0',
           'broadcast', 'relaxed', lives='comes after the acquires of B3; only a second look at tail follows it'),
    Mutant('B5', BROADCAST_H, 'weft__store_release(&b->published, b->end);', 'weft__store_relaxed(&b->published, b->end);',
           'broadcast', 'stored relaxed'),
    Mutant('B5', BROADCAST_H, 'return weft__load_acquire(&b->published);', 'return weft__load_relaxed(&b->published);',
           'broadcast', 'loaded relaxed'),
    Mutant('B6', BROADCAST_H, 'weft__store_release(&b->last, b->open);', 'weft__store_relaxed(&b->last, b->open);',
           'broadcast', 'stored relaxed'),
    Mutant('B6', BROADCAST, 'uint64_t last = weft__load_acquire(&b->last);', 'uint64_t last = weft__load_relaxed(&b->last);',
           'broadcast', 'loaded relaxed'),

    Mutant('J1', FLIGHT, 'weft__store_release(&words[0], weft__tsc());', 'weft__store_relaxed(&words[0], weft__tsc());', 'flight',
           'ticks stored relaxed'),
    Mutant('J1', FLIGHT, 'weft__store_release(&words[2], actor);', 'weft__store_relaxed(&words[2], actor);', 'flight', 'actor stored relaxed'),
    Mutant('J1', FLIGHT, 'ret->actor = weft__load_acquire(&words[2]);', 'ret->actor = weft__load_relaxed(&words[2]);', 'flight',
           'loaded relaxed'),
    Mutant('J1', FLIGHT, 'return weft__flight_next(f) - number < f->room;', 'return true;', 'flight', 'no second look at next'),
    Mutant('J1', FLIGHT, 'return weft__flight_next(f) - number < f->room;', 'return weft__flight_next(f) - number <= f->room;', 'flight',
           'the record that is being overwritten passes'),
    Mutant('J2', FLIGHT, 'weft__store_release(&f->next, next + 1);', 'weft__store_relaxed(&f->next, next + 1);', 'flight', 'stored relaxed'),
    Mutant('J2', FLIGHT, 'return weft__load_acquire(&f->next);', 'return weft__load_relaxed(&f->next);', 'flight', 'loaded relaxed'),
    Mutant('V1', METER, 'if (weft__load_acquire(&m->from)) /* V1 */', 'if (weft__load_relaxed(&m->from)) /* V1 */', 'meter',
           'loaded relaxed'),
    Mutant('V1', METER, 'weft__store_release(&of->from, 0u); /* V1 */', 'weft__store_relaxed(&of->from, 0u); /* V1 */', 'meter',
           'stored relaxed'),
    Mutant('Z1', HISTOGRAM, 'weft__store_release(&h->made, weft__load_relaxed(&h->made)', 'weft__store_relaxed(&h->made, weft__load_relaxed(&h->made)',
           'meter', 'stored relaxed'),
    Mutant('Z1', HISTOGRAM, 'for (uint64_t left = weft__load_acquire(&(h)->made); left; left &= left - 1) /* Z1 */',
           'for (uint64_t left = weft__load_relaxed(&(h)->made); left; left &= left - 1) /* Z1 */', 'meter', 'loaded relaxed'),
    Mutant('Z2', HISTOGRAM_H, 'weft__store_release(&h->buckets[index], weft__load_relaxed(&h->buckets[index]) + times);',
           'weft__store_relaxed(&h->buckets[index], weft__load_relaxed(&h->buckets[index]) + times);', 'meter', 'stored relaxed'),
    Mutant('Z2', HISTOGRAM, 'n += weft__load_acquire(&h->buckets[i]);', 'n += weft__load_relaxed(&h->buckets[i]);', 'meter', 'loaded relaxed'),
    Mutant('D1', CK_PR, 'bool done = __atomic_compare_exchange_n((void **)target, &expected, value, false, __ATOMIC_SEQ_CST,\n'
           '\t                                        __ATOMIC_ACQUIRE);\n\n\t*(void **)ret_seen',
           'bool done = __atomic_compare_exchange_n((void **)target, &expected, value, false, __ATOMIC_ACQ_REL,\n'
           '\t                                        __ATOMIC_ACQUIRE);\n\n\t*(void **)ret_seen', 'park', 'push is acq_rel'),
    Mutant("D1'", PARK, 'if (weft__load_seq_cst(&w->sleeping) != ASLEEP)', 'if (weft__load_acquire(&w->sleeping) != ASLEEP)',
           'park', 'acquire'),
    Mutant('D2', PARK, 'weft__store_seq_cst(&w->sleeping, (uint32_t)ASLEEP);', 'weft__store_release(&w->sleeping, (uint32_t)ASLEEP);',
           'park', 'release'),
    Mutant("D2'", INJECT, '__atomic_load_n(&in->stack.head, __ATOMIC_SEQ_CST)', '__atomic_load_n(&in->stack.head, __ATOMIC_ACQUIRE)',
           'park', 'acquire'),
    Mutant("D2'", PARK, 'if (!has_own_work(w) && phase', 'if (phase', 'park', 'not looked at'),
    Mutant('D2', PARK, 'found = weft__xchg_seq_cst(&w->sleeping, (uint32_t)AWAKE);', 'found = weft__load_seq_cst(&w->sleeping);', 'park',
           'stays asleep when it is awake'),

    Mutant('E1', PARK, 'whose = weft__load_seq_cst(&s->watch); /* E1, E4 */', 'whose = weft__load_acquire(&s->watch);', 'watch', 'acquire'),
    Mutant('E1', PARK, 'if (!weft__load_seq_cst(&s->watch)) /* E1 */', 'if (!weft__load_acquire(&s->watch))', 'watch', 'guest: acquire'),
    Mutant('E1', PARK, 'weft__fetch_sub_seq_cst(&w->sched->sleepers, 1u);', 'weft__fetch_sub_acq_rel(&w->sched->sleepers, 1u);', 'watch',
           'sleepers: acq_rel'),
    Mutant('E2', PARK, 'weft__cas_seq_cst(&s->watch, &mine, whose = 0); /* E2 */', 'weft__cas_acq_rel(&s->watch, &mine, whose = 0);', 'watch',
           'acq_rel'),
    Mutant("E2'", PARK, 'deserted = weft__load_seq_cst(&s->sleepers) >= s->worker_count && !weft__load_seq_cst(&s->guests_active);', ';',
           'watch', 'not looked at'),
    Mutant("E2'", PARK, 'deserted = weft__load_seq_cst(&s->sleepers) >= s->worker_count',
           'deserted = weft__load_acquire(&s->sleepers) >= s->worker_count', 'watch', 'sleepers: acquire'),
    Mutant("E2'", PARK, 'asleep = weft__fetch_add_seq_cst(&s->sleepers, 1u) + 1;', 'asleep = weft__fetch_add_acq_rel(&s->sleepers, 1u) + 1;',
           'watch', 'sleepers: acq_rel', lives='both sides change the same word: the later one acquires'),
    Mutant("E2'", PARK, 'asleep >= s->worker_count && !weft__load_seq_cst(&s->guests_active);',
           'asleep >= s->worker_count && !weft__load_acquire(&s->guests_active);', 'watch', 'guests, without the watch: acquire'),
    Mutant("E2'", PARK, 's->worker_count && !weft__load_seq_cst(&s->guests_active);\n\t}',
           's->worker_count && !weft__load_acquire(&s->guests_active);\n\t}', 'watch', 'guests: acquire'),
    Mutant('E3', PARK, '!weft__cas_seq_cst(&s->watch, &nobody, w->id + 1) || watch_give',
           '!weft__cas_acq_rel(&s->watch, &nobody, w->id + 1) || watch_give', 'watch', 'acq_rel'),
    Mutant("E3'", PARK, 'if (weft__load_seq_cst(&w->sleeping) == ASLEEP) { /* E3\' */', 'if (weft__load_acquire(&w->sleeping) == ASLEEP) {',
           'watch', 'acquire'),
    Mutant("E3'", PARK, 'if (weft__load_seq_cst(&w->sleeping) == ASLEEP) { /* E3\' */', 'if (true) {', 'watch', 'not looked at'),
    Mutant('E4', PARK, 'uint32_t found = weft__xchg_seq_cst(&w->sleeping, (uint32_t)AWAKE);',
           'uint32_t found = weft__xchg_acq_rel(&w->sleeping, (uint32_t)AWAKE);', 'watch', 'sleeping: acq_rel'),
    Mutant('E4', PARK, 'if (whose == mine)\n\t\tweft__cas_seq_cst(&s->watch, &mine, 0u);', 'if (whose == mine)\n\t\treturn;', 'watch', 'it is kept'),
    Mutant('E5', PARK, 'whose = weft__load_seq_cst(&s->watch); /* E5', 'whose = weft__load_acquire(&s->watch); /* E5', 'watch', 'acquire'),
    Mutant('-', PARK, '\telse if (whose)\n\t\treturn;\n\twatch_hand_out(s);', '', 'watch', 'nobody is given it'),
    Mutant('-', PARK, '\t\ti = s->worker_count; /* who', '\t\t; /* who', 'watch', 'taken back, and those it passed are not looked at again'),
    Mutant('D1', POST, 'weft__cas_seq_cst(&loop->posted, &top, job)', cas('&loop->posted, &top, job', 'acq_rel', 'acquire'), 'post',
           'push is acq_rel'),
    Mutant('D1', POST, 'weft__cas_seq_cst(&loop->posted, &top, job)', cas('&loop->posted, &top, job', 'relaxed', 'relaxed'), 'post',
           'push is relaxed'),
    Mutant("D1'", POST, 'weft__load_seq_cst(&loop->asleep)', 'weft__load_acquire(&loop->asleep)', 'post', 'acquire'),
    Mutant("D1'", POST, 'weft__cas_seq_cst(&loop->asleep, &asleep, 0u)', 'asleep', 'post', 'every poster wakes'),
    Mutant('D2', POST, 'weft__store_seq_cst(&loop->asleep, 1u);', 'weft__store_release(&loop->asleep, 1u);', 'post', 'release'),
    Mutant("D2'", POST, 'has_posted(weft__load_seq_cst(&loop->posted))', 'has_posted(weft__load_acquire(&loop->posted))', 'post',
           'acquire'),
    Mutant("D2'", POST, 'if (!has_posted(weft__load_seq_cst(&loop->posted)))', 'if (true)', 'post', 'not looked at'),
    Mutant('take', POST, 'weft__xchg_acq_rel(&loop->posted, NULL)', xchg('&loop->posted, NULL', 'relaxed'), 'post', 'relaxed'),
    Mutant('close', POST, 'weft__xchg_acq_rel(&loop->posted, WEFT__POSTS_CLOSED)', xchg('&loop->posted, WEFT__POSTS_CLOSED', 'relaxed'),
           'post', 'relaxed'),
    Mutant('close', POST, 'if (top == WEFT__POSTS_CLOSED)', 'if (!job)', 'post', 'posted all the same'),

    Mutant('A1', BIAS, 'weft__store_relaxed(&bias->inside, 1u); /* A1; ordered by the fence */\n\t\tweft__fence_light();',
           'weft__store_release(&bias->inside, 1u);', 'bias', 'no light fence'),
    Mutant("A1'", BIAS, '!weft__load_acquire(&bias->claimed), 1)', '!weft__load_relaxed(&bias->claimed), 1)', 'bias', 'relaxed'),
    Mutant("A1'", BIAS, 'if (__builtin_expect(!weft__load_acquire(&bias->claimed), 1))', 'if (weft__load_acquire(&bias->claimed) < 2)',
           'bias', 'not looked at'),
    Mutant('A2', BIAS, '\tweft__fence_heavy();\n\twhile', '\twhile', 'bias', 'no heavy fence'),
    Mutant('A2', BIAS, 'weft__cas_acq_rel(&bias->claimed, &nobody, 1u)', cas('&bias->claimed, &nobody, 1u', 'relaxed', 'relaxed'), 'bias',
           'relaxed', lives='the fence behind it acquires'),
    Mutant("A2'", BIAS, 'weft__load_acquire(&bias->inside)', 'weft__load_relaxed(&bias->inside)', 'bias', 'relaxed'),
    Mutant('A3', BIAS, 'weft__store_release(&bias->inside, 0u);', 'weft__store_relaxed(&bias->inside, 0u);', 'bias', 'relaxed'),
    Mutant('A4', BIAS, 'weft__store_release(&bias->claimed, 0u);', 'weft__store_relaxed(&bias->claimed, 0u);', 'bias', 'relaxed'),

    Mutant('L1', RUN, 'weft__store_release(&w->lifo, task);', 'weft__store_relaxed(&w->lifo, task);', 'steal', 'stored relaxed'),
    Mutant('L2', STEAL, 'task = weft__load_acquire(&victim->lifo);', 'task = weft__load_relaxed(&victim->lifo);', 'steal', 'loaded relaxed',
           lives='there was a look before the fence of the claim, which acquires'),
    Mutant('-', STEAL, ' || !weft__bias_claim(&victim->lifo_lock))', ')', 'steal', 'a thief does not claim'),
    Mutant('-', RUN, '\tweft__bias_enter(&w->lifo_lock);\n\ttask = ', '\ttask = ', 'steal', 'the owner does not enter'),

    Mutant('-', OUTBOX, '\tof->outbox.places = 0;\n', '', 'outbox', 'a rescuer leaves the places'),
    Mutant('-', OUTBOX_H, '\tweft__bias_enter(&w->outbox.lock);\n\tfits', '\tfits', 'outbox', 'put does not enter'),
    Mutant('-', OUTBOX, '\tweft__bias_enter(&w->outbox.lock);\n\twoken', '\twoken', 'outbox', 'flush does not enter'),
    Mutant('-', OUTBOX, '\tif (!weft__bias_claim(&of->outbox.lock))\n\t\treturn;\n', '', 'outbox', 'a rescuer does not claim'),
    Mutant('-', OUTBOX, '\t\tweft__fetch_sub_acq_rel(&a->word, of->outbox.places * WEFT__PLACE); /* P4 */', '\t\t;', 'outbox',
           'places are not given back'),
    Mutant('W1', FUTURE, 'weft__xchg_seq_cst(&f->sleeping, 1u);', 'weft__store_release(&f->sleeping, 1u);', 'future', 'release',
           lives='the futex looks at the word once more, after a full barrier'),
    Mutant('W1', FUTURE, 'while (weft__load_seq_cst(&f->state) == ASKED', 'while (weft__load_acquire(&f->state) == ASKED',
           'future', 'state: acquire', lives='the futex looks at the word once more, after a full barrier'),
    Mutant('W2', FUTURE, 'weft__xchg_seq_cst(&f->state, state);', 'weft__store_release(&f->state, state);',
           'future', 'release'),
    Mutant('W2', FUTURE, 'if (weft__load_seq_cst(&f->sleeping))', 'if (weft__load_acquire(&f->sleeping))', 'future',
           'sleeping: acquire'),
    Mutant('-', FUTURE, 'weft__fetch_sub_acq_rel(&f->refs, 1u)', 'weft__fetch_sub_relaxed(&f->refs, 1u)', 'future',
           'refs: relaxed'),
    Mutant('-', FUTURE, 'weft__fetch_add_acq_rel(&f->refs, 1u);', '', 'future', 'a request holds no reference'),
    Mutant('F1', PORT, 'weft__store_seq_cst(&p->first, msg);', 'weft__store_release(&p->first, msg);', 'port', 'release'),
    Mutant('F2', PORT, 'weft__load_seq_cst(&p->first);', 'weft__load_acquire(&p->first);', 'port', 'acquire'),
    Mutant('H1', PORT, 'weft__store_seq_cst(&port->helping, 0u);', 'weft__store_release(&port->helping, 0u);', 'port', 'release'),
    Mutant('H2', PORT, '!weft__load_seq_cst(&p->helping)', '!weft__load_acquire(&p->helping)', 'port', 'acquire'),
    Mutant('S1', PORT, 'weft__store_seq_cst(&port->signalled, 0u);', 'weft__store_release(&port->signalled, 0u);', 'port', 'release'),
    Mutant('S2', PORT, 'weft__xchg_seq_cst(&p->signalled, 1u)', xchg('&p->signalled, 1u', 'acq_rel'), 'port', 'acq_rel'),
    Mutant('C1', PORT, 'weft__store_seq_cst(&port->closed, 1u);', 'weft__store_release(&port->closed, 1u);', 'port', 'release'),
    Mutant('C2', PORT, 'weft__load_seq_cst(&p->closed)', 'weft__load_acquire(&p->closed)', 'port', 'acquire'),
    Mutant('-', PORT, 'weft__fetch_add_acq_rel(&p->held, DELIVERING);', 'weft__fetch_add_acq_rel(&p->held, DELIVERING * 0);',
           'port', 'a delivery holds nothing'),
    Mutant('-', PORT, 'if (weft__fetch_sub_acq_rel(&p->held, what) == what)', 'if (weft__fetch_sub_relaxed(&p->held, what) == what)',
           'port', 'held: relaxed'),
    Mutant('-', STEAL, 'weft__store_release(&s->searching, 0u);', '', 'steal', "the searcher's place is kept"),
    Mutant('-', RUN, '\t\tstop_searching(w);', '\t\t;', 'steal', "the searcher's place is kept by who is busy"),
]

MUTANTS += [
    Mutant('P1', SEND, 'weft__fetch_add_acq_rel(&a->word, WEFT__PLACE);', fetch_add('&a->word, WEFT__PLACE', 'release') + ';',
           'actor', 'no acquire'),
    Mutant('P1', SEND, 'weft__fetch_add_acq_rel(&a->word, WEFT__PLACE);', fetch_add('&a->word, WEFT__PLACE', 'acquire') + ';',
           'actor', 'no release', lives='what the sender did before is released by M1, or with the place it gives back'),
    Mutant('P1', SEND, '\tif (r < 0)\n\t\tweft__fetch_sub_acq_rel(&a->word, WEFT__PLACE);', '', 'actor', 'a refused sender keeps its place'),
    Mutant('P1', SEND, '(word & WEFT__LIFE_MASK) != life || ', '', 'actor', 'the life is not looked at'),
    Mutant('P2', ACTOR, 'weft__fetch_add_seq_cst(&a->word, 1u); /* P2: see place_take. seq_cst: U2 in mute.c */', 'weft__fetch_add_relaxed(&a->word, 1u);',
           'actor', 'the end: relaxed', lives='its turn among the fetch_adds of the word is all that counts'),
    Mutant('P2', ACTOR, 'weft__fetch_add_seq_cst(&a->word, 1u); /* P2: see place_take. seq_cst: U2 in mute.c */',
           'weft__store_release(&a->word, weft__load_acquire(&a->word) + 1u);', 'actor', 'the end: load, then store'),
    Mutant('P3', ACTOR, '/* P3 release -> P1 in send.c: the fields above, to whoever gets the reference some other way */\n\t'
           'weft__fetch_add_acq_rel(&a->word, 1u);', fetch_add('&a->word, 1u', 'acquire') + ';', 'actor', 'birth: no release'),
    Mutant('P4', SEND, '\t\tweft__fetch_sub_acq_rel(&a->word, WEFT__PLACE);', '\t\tweft__fetch_sub_relaxed(&a->word, WEFT__PLACE);',
           'actor', 'a place is given back relaxed',
           lives='what a refused sender reads of the cell is atomic, the bound too since actor/mute.c'),
    Mutant('P4', ACTOR, '} else if (places_all_back(a)) {', '} else {', 'actor', 'buried while places are out'),
    Mutant('P4', ACTOR, 'uint64_t word = weft__load_acquire(&a->word);', 'uint64_t word = weft__load_relaxed(&a->word);', 'actor',
           'relaxed',
           lives='what a refused sender reads of the cell is atomic, the bound too since actor/mute.c'),
    Mutant('P5', ACTOR, 'weft__store_release(&a->taken,', 'weft__store_relaxed(&a->taken,', 'actor', 'taken stored relaxed',
           lives='a number to compare with: nothing is read because of it'),
    Mutant('P5', CORE, 'weft__load_acquire(&a->taken)', 'weft__load_relaxed(&a->taken)', 'actor', 'taken loaded relaxed',
           lives='a number to compare with: nothing is read because of it'),
]

MUTANTS += [
    Mutant('G1', GRACE, 'weft__fetch_add_acq_rel(place, 1);', 'weft__fetch_add_relaxed(place, 1);', 'grace', 'enter: relaxed'),
    Mutant('G1', GRACE, 'weft__fetch_add_acq_rel(&g->stripes[i].in[parity], 0)', 'weft__load_acquire(&g->stripes[i].in[parity])',
           'grace', 'the scan: loads'),
    Mutant('G2', GRACE, 'weft__fetch_sub_acq_rel(place, 1);', 'weft__fetch_sub_relaxed(place, 1);', 'grace', 'leave: relaxed'),
    Mutant('G2', GRACE, 'return weft__load_acquire(&g->phase) - stamp', 'return weft__load_relaxed(&g->phase) - stamp', 'grace',
           'over: relaxed'),
    Mutant('G2', GRACE, '\t\tweft__fetch_add_acq_rel(&g->phase, 1);', '\t\tweft__fetch_add_relaxed(&g->phase, 1);', 'grace',
           'the flip: relaxed'),
    Mutant('G3', GRACE, 'return weft__fetch_add_acq_rel(&g->phase, 0);', 'return weft__load_acquire(&g->phase);', 'grace',
           'the stamp: a load'),
    Mutant('G3', GRACE_H, 'WEFT__GRACE_FLIPS 3u', 'WEFT__GRACE_FLIPS 2u', 'grace', 'two flips are enough'),
]

MUTANTS += [
    Mutant('-', TIMER, '\t\tif (own) {', '\t\tt->entry.next = NULL;\n\t\tif (own) {', 'timer', 'cancel of a held one touches it afterwards'),
    Mutant('-', TIMER, 'weft__cas_acq_rel(&t->state, &sent, (uint32_t)CANCELLED))\n\t\treturn true;',
           'weft__cas_acq_rel(&t->state, &sent, (uint32_t)CANCELLED))\n\t\treturn t->entry.next = NULL, true;', 'timer',
           'cancel of a sent one touches it afterwards'),
    Mutant('-', TIMER, 'weft__cas_acq_rel(&t->state, &held, (uint32_t)CANCELLED)',
           cas('&t->state, &held, (uint32_t)CANCELLED', 'acquire', 'acquire'), 'timer', 'cancel of a held one: no release'),
    Mutant('-', TIMER, 'weft__cas_acq_rel(&t->state, &sent, (uint32_t)CANCELLED)',
           cas('&t->state, &sent, (uint32_t)CANCELLED', 'acquire', 'acquire'), 'timer', 'cancel of a sent one: no release'),
    Mutant('-', TIMER, 'weft__cas_acq_rel(&t->state, &held, (uint32_t)SENT)',
           cas('&t->state, &held, (uint32_t)SENT', 'release', 'relaxed'), 'timer', 'handing over: no acquire'),
    Mutant('-', TIMER, 'weft__cas_acq_rel(&t->state, &sent, (uint32_t)ARMED)',
           cas('&t->state, &sent, (uint32_t)ARMED', 'release', 'relaxed'), 'timer', 'arming: no acquire'),
    Mutant('-', TIMER, 'if (weft__cas_acq_rel(&t->state, &sent, (uint32_t)ARMED))',
           'weft__store_release(&t->state, (uint32_t)ARMED);\n\tif (true)', 'timer', 'armed, cancelled or not'),
    Mutant('-', TIMER, '\tif (!weft__cas_acq_rel(&t->state, &armed, (uint32_t)FIRED))\n\t\treturn;',
           '\tweft__store_release(&t->state, (uint32_t)FIRED);\n\tif (armed != ARMED)\n\t\treturn;', 'timer', 'fired, cancelled or not'),
    Mutant('T1', RUN, 'weft__load_acquire(&w->sched->phase) == WEFT__PHASE_DRAIN', 'weft__load_relaxed(&w->sched->phase) == WEFT__PHASE_DRAIN',
           'stop', 'phase loaded relaxed'),
    Mutant('T1', SCHED, 'weft__cas_seq_cst(&s->phase, &run, (uint32_t)WEFT__PHASE_DRAIN);',
           'weft__cas_acq_rel(&s->phase, &run, (uint32_t)WEFT__PHASE_DRAIN);', 'stop', 'DRAIN: acq_rel'),
    Mutant('T1', SCHED, 'weft__cas_seq_cst(&s->phase, &run, (uint32_t)WEFT__PHASE_DRAIN);',
           cas('&s->phase, &run, (uint32_t)WEFT__PHASE_DRAIN', 'relaxed', 'relaxed') + ';', 'stop', 'DRAIN: relaxed'),
    Mutant('T2', RUN, 'weft__cas_seq_cst(&s->phase, &phase, (uint32_t)WEFT__PHASE_HALT)', 'weft__cas_acq_rel(&s->phase, &phase, (uint32_t)WEFT__PHASE_HALT)',
           'stop', 'HALT in a check: acq_rel'),
    Mutant('T2', PARK, 'weft__cas_seq_cst(&s->phase, &phase, (uint32_t)WEFT__PHASE_HALT)', 'weft__cas_acq_rel(&s->phase, &phase, (uint32_t)WEFT__PHASE_HALT)',
           'stop', 'HALT when drained: acq_rel'),
    Mutant('T3', SCHED, 'while (weft__load_seq_cst(&s->workers[i].active))', 'while (weft__load_acquire(&s->workers[i].active))',
           'stop', 'active: acquire'),
    Mutant('T3', SCHED, 'while (weft__load_seq_cst(&s->workers[i].active))', 'while (0)', 'stop', 'not looked at'),
    Mutant('T3', GUEST, 'weft__store_seq_cst(&w->active, true);', 'weft__store_release(&w->active, true);', 'stop', 'active: release'),
    Mutant('T3', GUEST, 'if (weft__load_seq_cst(&w->sched->phase) != WEFT__PHASE_HALT)', 'if (weft__load_acquire(&w->sched->phase) != WEFT__PHASE_HALT)',
           'stop', 'phase: acquire'),
    Mutant('T3', GUEST, 'weft__store_release(&w->active, false);', 'weft__store_relaxed(&w->active, false);', 'stop', 'on the way out: relaxed'),
]

MUTANTS += [
    Mutant('Q1', DEQUE, 'weft__store_release(&d->bottom, bottom + 1);', 'weft__store_relaxed(&d->bottom, bottom + 1);', 'deque', 'relaxed'),
    Mutant('Q2', DEQUE, 'weft__store_seq_cst(&d->bottom, bottom);', 'weft__store_release(&d->bottom, bottom);', 'deque', 'release'),
    Mutant("Q2'", DEQUE, 'top = weft__load_seq_cst(&d->top);       /*', 'top = weft__load_acquire(&d->top); /*', 'deque', 'acquire'),
    Mutant('Q3', DEQUE, 'return weft__cas_seq_cst(&d->top, &top, top + 1) ? task : NULL;',
           'return weft__cas_acq_rel(&d->top, &top, top + 1) ? task : NULL;', 'deque', 'acq_rel',
           lives='the next look at top is seq_cst; an owner that misses one step takes nothing that was taken'),
    Mutant("Q3'", DEQUE, 'uint32_t bottom = weft__load_seq_cst(&d->bottom);', 'uint32_t bottom = weft__load_acquire(&d->bottom);',
           'deque', 'bottom: acquire'),
    Mutant("Q3'", DEQUE, 'uint32_t top = weft__load_seq_cst(&d->top);', 'uint32_t top = weft__load_acquire(&d->top);', 'deque',
           'top: acquire', lives='the swap Q3 is seq_cst, too: one of the two is enough'),
    Mutant('-', DEQUE, 'd->top_seen = weft__load_acquire(&d->top);', 'd->top_seen = weft__load_relaxed(&d->top);',
           'deque', 'push looks at top relaxed', lives='a slot that is read late is load buffering, which is not modelled'),
    Mutant('-', DEQUE, 'if (bottom == top && weft__cas_seq_cst(&d->top, &top, top + 1))', 'if (bottom == top)', 'deque',
           'the owner takes the last without a swap'),
]

MUTANTS += [
    Mutant('G1', REGISTRY, 'weft__fetch_add_seq_cst(&s->users, 1u);', 'weft__fetch_add_acq_rel(&s->users, 1u);', 'registry', 'users: acq_rel'),
    Mutant('G1', REGISTRY, 'rt = weft__load_seq_cst(&s->rt);', 'rt = weft__load_acquire(&s->rt);', 'registry', 'rt: acquire'),
    Mutant('G2', REGISTRY, 'weft__store_seq_cst(&s->rt, NULL);', 'weft__store_release(&s->rt, NULL);', 'registry', 'rt: release'),
    Mutant('G2', REGISTRY, 'while (weft__load_seq_cst(&s->users))', 'while (weft__load_acquire(&s->users))', 'registry', 'users: acquire'),
    Mutant('-', REGISTRY, 'weft__store_seq_cst(&slots[rt->slot].rt, rt);', 'weft__store_relaxed(&slots[rt->slot].rt, rt);', 'registry',
           'published relaxed'),
    Mutant('-', REGISTRY, 'weft__fetch_sub_seq_cst(&slots[slot % WEFT__RUNTIMES_MAX].users, 1u);',
           'weft__fetch_sub_relaxed(&slots[slot % WEFT__RUNTIMES_MAX].users, 1u);', 'registry', 'leave: relaxed'),
]

MUTANTS += [
    Mutant('U1', MUTE, 'weft__fetch_or_seq_cst(&on->bound_msgs, WEFT__WAITED);', 'weft__fetch_or_acq_rel(&on->bound_msgs, WEFT__WAITED);',
           'mute', 'acq_rel'),
    Mutant("U1'", MUTE, '!weft__load_seq_cst(&on->mailbox.head)', '!weft__load_acquire(&on->mailbox.head)', 'mute', 'head: acquire'),
    Mutant("U1'", MUTE, 'uint64_t word = weft__load_seq_cst(&on->word);', 'uint64_t word = weft__load_acquire(&on->word);', 'mute',
           'word: acquire'),
    Mutant('-', MUTE, 'is_overloaded(on, weft__ref_life(receiver))', 'is_overloaded(on, 0)', 'mute', 'in whichever life'),
    Mutant('U2', MAILBOX, M4, 'weft__cas_acq_rel(&mb->head, &expected, NULL)', 'mute', 'head to NULL: acq_rel'),
    Mutant('U2', ACTOR, 'weft__fetch_add_seq_cst(&a->word, 1u); /* P2', 'weft__fetch_add_acq_rel(&a->word, 1u); /* P2', 'mute',
           'the end: acq_rel'),
    Mutant("U2'", ACTOR, 'weft__load_seq_cst(&a->bound_msgs) & WEFT__WAITED', 'weft__load_acquire(&a->bound_msgs) & WEFT__WAITED', 'mute',
           'acquire'),
    Mutant('-', GUEST, '\tweft__store_seq_cst(&w->active, true);\n\twhile ((task = ', '\twhile ((task = ', 'drain', 'handing over: not active'),
    Mutant('-', PARK, 'for (uint32_t i = s->worker_count + s->guest_count; i-- > 0;) {',
           'for (uint32_t i = 0; i < s->worker_count + s->guest_count; i++) {', 'drain', 'workers are looked at before guests'),
    Mutant('-', PARK, 'return weft__load_seq_cst(&s->sleepers) == s->worker_count;', 'return true;', 'drain', 'who is awake is not looked at'),
    Mutant('-', PARK, 'is_still(s) && !s->hooks->requests_open(s->rt) && is_still(s)',
           'is_still(s) && !s->hooks->requests_open(s->rt)', 'drain', 'one look'),
    Mutant('-', PARK, ' && turns_taken(s) == turns;', ' && turns + 1;', 'drain', 'turns are not compared'),
]

GATE_LINE, GATE_BREAKER, GATE_BUCKET = 'net/gate/line.c', 'net/gate/breaker.c', 'net/gate/bucket.c'

MUTANTS += [
    Mutant('gate D1', GATE_LINE, 'weft__cas_seq_cst(&l->word, &word, word_of(next_of(word) + 1,',
           'weft__cas_acq_rel(&l->word, &word, word_of(next_of(word) + 1,', 'gate_line', 'coming: acq_rel',
           lives='the look at the word behind it is seq_cst, and sees what was written'),
    Mutant('gate D2', GATE_LINE, 'weft__fetch_add_seq_cst(&l->back, 1u); /* D2 */', 'weft__fetch_add_acq_rel(&l->back, 1u);',
           'gate_line', 'leaving: acq_rel'),
    Mutant('gate D2', GATE_LINE, 'if (!has_place(word, weft__load_seq_cst(&l->back), limit)',
           'if (!has_place(word, weft__load_acquire(&l->back), limit)', 'gate_line', 'a look at back: acquire'),
    Mutant('gate D2', GATE_LINE, '\t\t\tword = weft__load_seq_cst(&l->word);\n\t\t}', '\t\t}', 'gate_line',
           'no second look at the word'),
    Mutant('gate E1', GATE_LINE, 'if (!weft__cas_seq_cst(&l->word, &word, word_of(next_of(word), ticket + 1)))',
           'if (!weft__cas_acq_rel(&l->word, &word, word_of(next_of(word), ticket + 1)))', 'gate_line', 'serving: acq_rel'),
    Mutant('gate E2', GATE_LINE, 'return weft__load_seq_cst(&l->marks[', 'return weft__load_acquire(&l->marks[', 'gate_line',
           'a look at the mark: acquire'),
    Mutant('gate E2', GATE_LINE, 'while (weft__fetch_or_seq_cst(', 'while (weft__fetch_or_acq_rel(', 'gate_line', 'the mark: acq_rel'),
    Mutant('gate E2', GATE_LINE, 'return weft__fetch_and_acq_rel(&l->marks[bit / MARKS_A_WORD], ~mask) & mask;',
           'return weft__load_acquire(&l->marks[bit / MARKS_A_WORD]) & mask;', 'gate_line', 'the mark is not cleared'),
    Mutant('gate', GATE_BREAKER, 'if (weft__cas_acq_rel(&b->word, &word, word_of(WEFT_BREAKER_HALF_OPEN, 0, stamp_of(word)))) {',
           'weft__store_release(&b->word, word_of(WEFT_BREAKER_HALF_OPEN, 0, stamp_of(word)));\n\t\t{', 'gate_breaker',
           'who tries: a store'),
    Mutant('gate', GATE_BREAKER, 'while (!weft__cas_weak_acq_rel(&b->word, &word, next));',
           'while (weft__store_release(&b->word, next), false);', 'gate_breaker', 'a failure: a store'),
    Mutant('gate', GATE_BUCKET, '} while (!weft__cas_weak_acq_rel(&b->full_ns, &full, end));',
           '} while (!' + cas('&b->full_ns, &full, end', 'relaxed', 'relaxed') + ');', 'gate_bucket', 'a booking: relaxed'),

    Mutant('O1', OP, O1, cas_word('release', 'relaxed'), 'op', 'a move: no acquire'),
    Mutant('O1', OP, O1, cas_word('acquire', 'acquire'), 'op', 'a move: no release'),
    Mutant('O2', OP, 'weft__load_acquire(&op->state) & STATES;', 'weft__load_relaxed(&op->state) & STATES;', 'op', 'a look: relaxed'),
    Mutant('O3', OP, 'while (weft__load_acquire(&op->state) >= SPEAKER)', 'while (weft__load_relaxed(&op->state) >= SPEAKER)', 'op',
           'speakers are outlasted relaxed'),
    Mutant('O3', OP, 'weft__fetch_sub_release(&op->state, SPEAKER)', 'weft__fetch_sub_relaxed(&op->state, SPEAKER)', 'op',
           'a speaker ends relaxed'),
    Mutant('O3', OP, 'while (weft__load_acquire(&op->state) >= SPEAKER)', 'while (false)', 'op', 'speakers are not outlasted'),
    Mutant('O4', OP, 'weft__fetch_add_acquire(&op->state, SPEAKER)', 'weft__fetch_add_relaxed(&op->state, SPEAKER)', 'op',
           'a speaker begins relaxed', lives='its turn among the moves of the word is all that counts; O3 releases what it read'),
    Mutant('-', OP, 'if (state == CANCELING && telling != op)', 'if (false)', 'op', 'finished while the handler is told'),
    Mutant('-', OP, 'hold_for_finish(op); /* before the CAS lets', '(void)0; /* before the CAS lets', 'op', 'an abandoned op holds nothing'),
    Mutant('-', OP, 'hold_for_finish(op); /* before the CAS: ', '(void)0; /* before the CAS: ', 'op', 'an op without a way back holds nothing'),
    Mutant('-', REFS, 'weft__load_acquire(refs) == 1', 'weft__load_relaxed(refs) == 1', 'op', 'the only holder looks relaxed'),
    Mutant('-', REFS, 'weft__fetch_sub_acq_rel(refs, 1u) == 1', 'weft__fetch_sub_relaxed(refs, 1u) == 1', 'op', 'a hold is given back relaxed'),
]


class Build:
    """How the models of a build folder are compiled and linked."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder).resolve()
        self.units = {}
        for unit in json.loads((self.folder / 'compile_commands.json').read_text()):
            found = re.match(r'tests/model/test-model-(\w+)\.p/', unit.get('output', ''))
            if found:
                self.units.setdefault(found[1], []).append(unit)
        self.sources = {}
        self.read_depends()

    def read_depends(self):
        """Which files each object was made from."""
        run = subprocess.run(['ninja', '-C', self.folder, '-t', 'deps'], capture_output=True, text=True, check=True)
        current = None
        for line in run.stdout.splitlines():
            found = re.match(r'(tests/model/test-model-\w+\.p/\S+): #deps', line)
            if found:
                current = self.sources.setdefault(found[1], set())
            elif line.startswith('    ') and current is not None:
                current.add(os.path.normpath(self.folder / line.strip()))
            else:
                current = None

    def compile(self, model, tree, path):
        """The model with the changed file in tree, which stands for path. The program's path, or an error."""
        objects = []
        for n, unit in enumerate(self.units[model]):
            if str(ROOT / path) not in self.sources[unit['output']]:
                objects.append(str(self.folder / unit['output']))
                continue
            source = (pathlib.Path(unit['directory']) / unit['file']).resolve()
            compiler, keep = arguments(unit)
            objects.append(f'{tree}/{n}.o')
            run = subprocess.run([*compiler, f'-I{tree}/runtime/base/tsan', f'-I{tree}', *keep, '-w', '-g0', '-c',
                                  str(tree / path if source == ROOT / path else source), '-o', objects[-1]],
                                 cwd=unit['directory'], capture_output=True, text=True)
            if run.returncode:
                return None, run.stderr
        compiler, _ = arguments(self.units[model][0])
        program = f'{tree}/model'
        run = subprocess.run([*compiler, *objects, f'{self.folder}/tests/model/libweft-explore.a', '-lcriterion',
                              '-pthread', '-o', program], capture_output=True, text=True)
        return (program, '') if run.returncode == 0 else (None, run.stderr)


def arguments(unit):
    """The compiler, and its arguments but for the source, the object and the dependencies."""
    args, compiler, keep, skip = shlex.split(unit['command']), [], [], False
    while not args[0].startswith('-'):
        compiler.append(args.pop(0))
    for arg in args:
        if skip or arg in ('-MD', '-MQ', '-MF', '-o', '-c', unit['file']):
            skip = not skip and arg in ('-MQ', '-MF', '-o')
        else:
            keep.append(arg)
    return compiler, keep


def finding(output):
    """The first failure that the explorer told of: its model, and what."""
    for line in output.splitlines():
        found = re.match(r'model ([^:]*): (.*)', line)
        if found and not re.match(r'holds|FAILED', found[2]):
            what = re.sub(r'0x[0-9a-f]+', 'memory', found[2])
            what = re.sub(r'^[^ ]*/([^/ ]+:)[0-9]+:', r'\1', what)
            return f'{found[1]}: {what}'
    return None


def try_out(build, m):
    """(as it should be, what happened)"""
    text = (ROOT / m.path).read_text()
    if text.count(m.old) < 1:
        return False, f'{m.path} has no longer: {m.old!r}'
    with tempfile.TemporaryDirectory() as folder:
        tree = pathlib.Path(folder)
        (tree / m.path).parent.mkdir(parents=True)
        (tree / m.path).write_text(text.replace(m.old, m.new))
        program, errors = build.compile(m.model, tree, m.path)
        if not program:
            return False, 'does not compile: ' + errors
        try:
            run = subprocess.run([program, '--jobs', '1', '--fail-fast'], capture_output=True, text=True, timeout=120)
        except subprocess.TimeoutExpired:
            return False, 'no end after 120 s'
    killed = run.returncode != 0
    if m.lives:
        return not killed, f'lives: {m.lives}' if not killed else 'should live, but ' + str(finding(run.stderr))
    return killed, str(finding(run.stderr)) if killed else 'not found'


def main():
    build, labels = Build(sys.argv[1]), sys.argv[2:]
    mutants = [m for m in MUTANTS if not labels or m.label in labels or m.model in labels]
    wrong = 0
    print('| edge | where | mutation | found by |\n|---|---|---|---|')
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for m, (good, what) in zip(mutants, pool.map(lambda m: try_out(build, m), mutants)):
            wrong += not good
            print(f'| {m.label} | `{pathlib.Path(m.path).name}` | {m.what} | {"" if good else "WRONG: "}{what} |', flush=True)
    print(f'\n{len(mutants)} mutants, {wrong} wrong')
    return 1 if wrong else 0


if __name__ == '__main__':
    sys.exit(main())
