/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tests/model/explore.c - one execution after the other, until none is left; see explore.h.
 *
 * A thread stops before each operation and says what it is about to do. schedule() then
 * picks who goes on. Each place where there was more than one way is a node on a stack; after
 * an execution the last node with a way left takes that way, the nodes behind it are
 * forgotten, and the model runs again from its beginning.
 *
 * Sleep sets: when all that begins with thread A's operation has been seen at a node,
 * and B's is tried next, A sleeps until somebody does an operation that A's depends
 * on; waking it earlier would only repeat what was seen with two independent operations
 * swapped. A load that sleeps and is woken by a store must read that store or one that is executed
 * later, for the others it could read before; a store must go behind it. A load
 * does not wake a store: it may still read what was there before.
 *
 * An operation on a word that no other thread touches, or that nobody writes, is done at once: no
 * other order could tell. Which words these are is learnt on the way; when a word turns out not to
 * be one of them, everything begins anew.
 */
#include "tests/model/explore.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <ucontext.h>

#include "tests/model/hooks.h"
#include "tests/model/memory.h"

#define THREADS MEM_THREADS
#define STACK_BYTES (128u << 10)
#define STEPS_MAX 1000u
#define STEPS_SHOWN 200u
#define NODES_MAX 2000u
#define EXECUTIONS_MAX_DEFAULT 5000000u
#define LOCALS 4u
#define USES 1024u /* power of two */

enum outcome { RUNNING = 1, FINISHED, REDUNDANT, FAILED };

struct fiber {
	jmp_buf start, at; /* where it takes a new model, and where it stopped */
	ucontext_t context;
	char *stack;
	bool done;
	struct mem_op next; /* what it is about to do */
	bool (*ready)(const void *arg); /* MEM_STEP */
	const void *arg;
	const char *what;
	unsigned unseen; /* see mem_perform */
	uint64_t locals[LOCALS];
};

/* A place with more than one way on. */
struct node {
	bool who; /* threads to choose from, else numbers below count */
	uint8_t choice, count;
	uint8_t ways;  /* who: bits of threads */
	uint8_t tried; /* who: bits of threads */
};

/* Who uses a word, in all executions so far. */
struct use {
	const void *at;
	uint8_t by; /* bits of threads */
	bool written;
};

/* What was done, for the trace of a failure. */
struct step {
	uint8_t thread;
	struct mem_op op;
	struct mem_result result;
	const char *what;
};

static struct {
	const struct explore_model *model;
	unsigned thread_count;
	struct fiber fibers[THREADS];
	jmp_buf loop;
	unsigned self;      /* 0 outside of threads */
	unsigned started;
	uint8_t asleep;     /* bits of threads */
	struct node nodes[NODES_MAX];
	unsigned node_count, node_at;
	struct step steps[STEPS_MAX];
	unsigned step_count, steps_longest;
	char trail[2 * STEPS_MAX + 1]; /* every decision, also those without a choice */
	unsigned trail_count;
	const char *replay; /* what is left of it */
	char failure[512];
	uint64_t executions, redundant;
	struct use uses[USES];
	unsigned use_count;
	bool learnt; /* a word is shared that was taken for somebody's own */
	struct {
		void *at;
		size_t bytes;
	} locals[LOCALS];
	unsigned local_count;
} ex;

static void end_execution(enum outcome outcome)
{
	hooks_on = false;
	_longjmp(ex.loop, (int)outcome);
}

/* ---- decisions ----------------------------------------------------------------------- */

static void note_decision(unsigned choice)
{
	ex.trail[ex.trail_count++] = "0123456789abcdefghijklmnopqrstuvwxyz"[choice];
	ex.trail[ex.trail_count] = 0;
}

static unsigned replayed(void)
{
	char c = *ex.replay ? *ex.replay++ : '0';

	return (unsigned)(c >= 'a' ? c - 'a' + 10 : c - '0');
}

static struct node *node_next(void)
{
	if (ex.node_at == ex.node_count) {
		if (ex.node_count == NODES_MAX)
			explore_fail("model too large: decisions");
		ex.nodes[ex.node_count++] = (struct node){ 0 };
	}
	return &ex.nodes[ex.node_at++];
}

static unsigned choose(unsigned below)
{
	unsigned choice = 0;

	if (!below)
		end_execution(REDUNDANT);
	if (below > 36)
		explore_fail("model too large: %u ways on", below);
	if (ex.replay) {
		choice = replayed();
		choice = choice < below ? choice : 0;
	} else if (below > 1) {
		struct node *n = node_next();

		n->count = (uint8_t)below; /* the same each time it comes by here */
		choice = n->choice;
	}
	note_decision(choice);
	return choice;
}

static unsigned lowest(unsigned bits)
{
	return (unsigned)__builtin_ctz(bits);
}

/* One of the ways; the thread that runs goes first, so that the first executions switch least. */
static unsigned choose_thread(unsigned ways)
{
	unsigned choice = ways >> ex.self & 1 ? ex.self : lowest(ways);

	if (ex.replay) {
		choice = replayed();
		if (!(ways >> choice & 1))
			choice = lowest(ways);
	} else if (ways & (ways - 1)) {
		struct node *n = node_next();

		if (!n->who)
			*n = (struct node){ .who = true, .ways = (uint8_t)ways, .choice = (uint8_t)choice };
		choice = n->choice;
		if (!ex.model->everything)
			ex.asleep |= n->tried;
	}
	note_decision(choice);
	return choice;
}

/* Take another way at the last node that has one. False: all were taken. */
static bool next_execution(void)
{
	while (ex.node_count) {
		struct node *n = &ex.nodes[ex.node_count - 1];

		if (n->who) {
			unsigned left;

			n->tried |= (uint8_t)(1u << n->choice);
			left = n->ways & ~(unsigned)n->tried;
			if (left) {
				n->choice = (uint8_t)lowest(left);
				return true;
			}
		} else if (n->choice + 1u < n->count) {
			n->choice++;
			return true;
		}
		ex.node_count--;
	}
	return false;
}

/* ---- words of one's own ------------------------------------------------------------------- */

static struct use *use_of(const void *at)
{
	unsigned i = (unsigned)(((uintptr_t)at * UINT64_C(0x9e3779b97f4a7c15)) >> 40) & (USES - 1);

	while (ex.uses[i].at && ex.uses[i].at != at)
		i = (i + 1) & (USES - 1);
	if (!ex.uses[i].at) {
		if (++ex.use_count == USES)
			explore_fail("model too large: words in all executions");
		ex.uses[i].at = at;
	}
	return &ex.uses[i];
}

static bool is_shared(const struct use *u)
{
	return u->written && (u->by & (u->by - 1));
}

static void note_use(const struct mem_op *op)
{
	struct use *u = op->kind < MEM_FENCE ? use_of(op->at) : NULL;
	bool was_shared = u && is_shared(u);

	if (!u || was_shared)
		return;
	u->by |= (uint8_t)(1u << ex.self);
	u->written |= op->kind != MEM_LOAD;
	ex.learnt |= is_shared(u);
}

/* A thread that is about to touch what is its own; 0: none. */
static unsigned undisturbed(unsigned ready)
{
	for (; ready; ready &= ready - 1) {
		const struct mem_op *op = &ex.fibers[lowest(ready)].next;

		if (op->kind < MEM_FENCE && !is_shared(use_of(op->at)))
			return lowest(ready);
	}
	return 0;
}

/* ---- fibers ---------------------------------------------------------------------------- */

static void schedule(void);

static void fiber_main(unsigned self)
{
	struct fiber *f = &ex.fibers[self];

	if (_setjmp(f->start) == 0)
		_longjmp(ex.loop, (int)RUNNING);
	hooks_on = true;
	ex.model->thread[self - 1]();
	hooks_on = false;
	f->done = true;
	schedule();
}

static bool fiber_create(unsigned self)
{
	struct fiber *f = &ex.fibers[self];

	if (!f->stack)
		f->stack = malloc(STACK_BYTES);
	if (!f->stack || getcontext(&f->context) != 0)
		return false;
	f->context.uc_stack.ss_sp = f->stack;
	f->context.uc_stack.ss_size = STACK_BYTES;
	f->context.uc_link = NULL;
	makecontext(&f->context, (void (*)(void))fiber_main, 1, self);
	if (_setjmp(ex.loop) == 0)
		setcontext(&f->context);
	return true;
}

static void swap_locals(unsigned from, unsigned to)
{
	for (unsigned i = 0; i < ex.local_count; i++) {
		memcpy(&ex.fibers[from].locals[i], ex.locals[i].at, ex.locals[i].bytes);
		memcpy(ex.locals[i].at, &ex.fibers[to].locals[i], ex.locals[i].bytes);
	}
}

/* Returns when somebody goes on with the thread that called it. */
static void run(unsigned thread, bool anew)
{
	unsigned from = ex.self;

	if (thread == from)
		return;
	ex.self = thread;
	swap_locals(from, thread);
	if (anew)
		_longjmp(ex.fibers[thread].start, 1);
	if (from == 0 || ex.fibers[from].done || _setjmp(ex.fibers[from].at) == 0)
		_longjmp(ex.fibers[thread].at, 1);
}

static bool is_ready(unsigned thread)
{
	const struct fiber *f = &ex.fibers[thread];

	if (f->done)
		return false;
	if (f->next.kind == MEM_SPIN)
		return mem_spin_ready(thread);
	return f->next.kind != MEM_STEP || !f->ready || f->ready(f->arg);
}

static void fail_stuck(void)
{
	char who[128] = "";

	for (unsigned i = 1; i <= ex.thread_count; i++) {
		const struct fiber *f = &ex.fibers[i];
		size_t used = strlen(who);

		if (!f->done)
			snprintf(who + used, sizeof(who) - used, " T%u %s", i, f->what);
	}
	explore_fail("everybody waits:%s", who);
}

/* Each thread first runs to its first operation. Returns when somebody goes on with the caller. */
static void start_next(void)
{
	if (ex.self && !ex.fibers[ex.self].done && _setjmp(ex.fibers[ex.self].at) != 0)
		return;
	run(++ex.started, true);
}

/* Who goes on. The thread that calls is about to do its `next`, or is done. */
static void pick(void)
{
	unsigned ready = 0, done = 0;

	for (unsigned i = 1; i <= ex.thread_count; i++) {
		ready |= (unsigned)is_ready(i) << i;
		done += ex.fibers[i].done;
	}
	if (done == ex.thread_count)
		end_execution(FINISHED);
	if (!ready)
		fail_stuck();
	if (!ex.model->everything && undisturbed(ready)) {
		note_decision(undisturbed(ready));
		run(undisturbed(ready), false);
		return;
	}
	if (!(ready & ~(unsigned)ex.asleep))
		end_execution(REDUNDANT);
	run(choose_thread(ready & ~(unsigned)ex.asleep), false);
}

static void schedule(void)
{
	hooks_on = false;
	if (ex.started < ex.thread_count)
		start_next();
	else
		pick();
	hooks_on = true;
}

/* ---- operations ------------------------------------------------------------------------- */

static bool is_sc(const struct mem_op *op)
{
	return op->order == __ATOMIC_SEQ_CST;
}

/* Must a thread that sleeps before `sleeper` wake up after op was done? */
static bool wakes(const struct mem_op *op, const struct mem_result *r, const struct mem_op *sleeper)
{
	if (sleeper->kind == MEM_SPIN && r->wrote)
		return true;
	if (op->kind >= MEM_SPIN || sleeper->kind >= MEM_SPIN)
		return op->kind >= MEM_SPIN && sleeper->kind >= MEM_SPIN && op->at && op->at == sleeper->at;
	if (op->kind == MEM_FENCE || sleeper->kind == MEM_FENCE)
		return is_sc(op) && is_sc(sleeper);
	if (op->at != sleeper->at)
		return false;
	return r->wrote || (is_sc(op) && is_sc(sleeper)); /* each seq_cst operation binds the next */
}

/*
 * A sleeper that a store wakes has seen what came before that store. That holds until an operation comes
 * between that its own cannot be swapped with: then it may see the older ones once more.
 */
static void wake_sleepers(const struct mem_op *op, const struct mem_result *r)
{
	for (unsigned i = 1; i <= ex.thread_count; i++) {
		struct fiber *f = &ex.fibers[i];

		if (i == ex.self || f->done || !wakes(op, r, &f->next))
			continue;
		if (!r->wrote || f->next.at != op->at || (is_sc(op) && is_sc(&f->next)))
			f->unseen = 0;
		else if (ex.asleep >> i & 1)
			f->unseen = mem_last_store();
		ex.asleep &= (uint8_t)~(1u << i);
	}
}

static void note_step(const struct mem_op *op, const struct mem_result *r, const char *what)
{
	if (ex.step_count == STEPS_MAX)
		explore_fail("more than %u steps: it does not end, or the model is too large", STEPS_MAX);
	ex.steps[ex.step_count++] = (struct step){ .thread = (uint8_t)ex.self, .op = *op, .result = *r, .what = what };
}

static unsigned choose_newest(unsigned below)
{
	(void)below;
	return 0;
}

/* Called by the hooks, in whatever thread there is. */
struct mem_result explore_perform(const struct mem_op *op)
{
	struct fiber *f = &ex.fibers[ex.self];
	struct mem_result r;

	if (!ex.self)
		return mem_perform(0, op, 0, choose_newest);
	f->next = *op;
	schedule();
	hooks_on = false;
	r = mem_perform(ex.self, op, f->unseen, choose);
	f->unseen = 0;
	note_use(op);
	note_step(op, &r, NULL);
	wake_sleepers(op, &r);
	hooks_on = true;
	return r;
}

static void wait_at(enum mem_kind kind, const void *object, bool (*ready)(const void *arg), const void *arg,
                    const char *what)
{
	struct fiber *f = &ex.fibers[ex.self];
	struct mem_op op = { .kind = kind, .at = (void *)object };
	struct mem_result r = { 0 };

	if (!ex.self) {
		if (ready && !ready(arg))
			explore_fail("%s outside of threads would wait for ever", what);
		return;
	}
	f->next = op;
	f->ready = ready;
	f->arg = arg;
	f->what = what;
	schedule();
	hooks_on = false;
	if (kind == MEM_SPIN)
		mem_spin_done(ex.self);
	note_step(&op, &r, what);
	wake_sleepers(&op, &r);
	hooks_on = true;
}

void explore_step(const void *object, bool (*ready)(const void *arg), const void *arg, const char *what)
{
	wait_at(MEM_STEP, object, ready, arg, what);
}

void explore_spin(void)
{
	wait_at(MEM_SPIN, NULL, NULL, NULL, "spins");
}

unsigned explore_choose(unsigned below)
{
	bool on = hooks_on;
	unsigned choice;

	hooks_on = false;
	choice = choose(below);
	hooks_on = on;
	return choice;
}

unsigned explore_self(void)
{
	return ex.self;
}

void explore_release(const void *object)
{
	mem_release(ex.self, object);
}

void explore_acquire(const void *object)
{
	mem_acquire(ex.self, object);
}

void *explore_alloc(size_t bytes, size_t alignment)
{
	return mem_alloc(bytes, alignment);
}

void explore_free(void *block)
{
	if (block)
		mem_free(ex.self, block);
}

unsigned explore_blocks(void)
{
	return mem_blocks();
}

void explore_name(const void *at, size_t bytes, const char *name)
{
	mem_name_add(at, bytes, name);
}

void explore_thread_local(void *variable, size_t bytes)
{
	ex.locals[ex.local_count].at = variable;
	ex.locals[ex.local_count++].bytes = bytes;
	hooks_ignore(variable, bytes);
}

/* ---- failures ------------------------------------------------------------------------------- */

void explore_fail(const char *format, ...)
{
	va_list args;

	hooks_on = false;
	va_start(args, format);
	vsnprintf(ex.failure, sizeof(ex.failure), format, args);
	va_end(args);
	end_execution(FAILED);
	__builtin_unreachable();
}

static void print_step(const struct step *s)
{
	static const char *const kinds[] = {
		[MEM_LOAD] = "load", [MEM_STORE] = "store", [MEM_XCHG] = "xchg", [MEM_ADD] = "add",
		[MEM_SUB] = "sub", [MEM_AND] = "and", [MEM_OR] = "or", [MEM_XOR] = "xor",
		[MEM_CAS] = "cas", [MEM_FENCE] = "fence",
	};
	static const char *const orders[] = { "relaxed", "consume", "acquire", "release", "acq_rel", "seq_cst" };
	const struct mem_op *op = &s->op;

	fprintf(stderr, "  %*sT%u ", (int)(s->thread - 1) * 4, "", s->thread);
	if (s->what) {
		fprintf(stderr, "%s\n", s->what);
		return;
	}
	fprintf(stderr, "%s %s", kinds[op->kind], orders[op->order]);
	if (op->kind != MEM_FENCE)
		fprintf(stderr, " %s", mem_name(op->at));
	if (op->kind == MEM_STORE)
		fprintf(stderr, " = %#llx", (unsigned long long)op->operand);
	else if (op->kind != MEM_FENCE)
		fprintf(stderr, ": %#llx", (unsigned long long)s->result.value);
	if (op->kind == MEM_CAS)
		fprintf(stderr, s->result.swapped ? " -> %#llx" : " failed", (unsigned long long)op->operand);
	else if (s->result.wrote && op->kind != MEM_STORE)
		fprintf(stderr, ", operand %#llx", (unsigned long long)op->operand);
	if (s->result.behind)
		fprintf(stderr, " (%u newer)", s->result.behind);
	fprintf(stderr, "\n");
}

static void print_failure(void)
{
	fprintf(stderr, "model %s: %s\n", ex.model->name, ex.failure);
	for (unsigned i = 0; i < ex.step_count && i < STEPS_SHOWN; i++)
		print_step(&ex.steps[i]);
	if (ex.step_count > STEPS_SHOWN)
		fprintf(stderr, "  ... and %u more\n", ex.step_count - STEPS_SHOWN);
	else
		fprintf(stderr, "again: WEFT_MODEL_REPLAY=%s\n", ex.trail);
}

/* ---- executions ----------------------------------------------------------------------------- */

static enum outcome run_threads(void)
{
	enum outcome outcome = (enum outcome)_setjmp(ex.loop);

	if (outcome == 0)
		schedule();
	swap_locals(ex.self, 0);
	ex.self = 0;
	return outcome;
}

static enum outcome check(void)
{
	enum outcome outcome = (enum outcome)_setjmp(ex.loop);

	if (outcome == 0) {
		mem_join_all();
		hooks_on = true;
		if (ex.model->check)
			ex.model->check();
		hooks_on = false;
		outcome = FINISHED;
	}
	return outcome;
}

static enum outcome begin(void)
{
	enum outcome outcome = (enum outcome)_setjmp(ex.loop);

	if (outcome != 0)
		return outcome;
	mem_reset();
	mem_names_forget();
	hooks_forget();
	ex.local_count = 0;
	ex.self = ex.started = ex.step_count = ex.trail_count = ex.node_at = 0;
	ex.asleep = 0;
	for (unsigned i = 1; i < THREADS; i++) {
		struct fiber *f = &ex.fibers[i];

		f->done = false;
		f->unseen = 0;
		memset(f->locals, 0, sizeof(f->locals));
	}
	hooks_on = true;
	ex.model->init();
	hooks_on = false;
	for (unsigned i = 1; i <= ex.thread_count; i++)
		mem_thread_begin(i);
	return FINISHED;
}

static enum outcome execution(void)
{
	enum outcome outcome = begin();

	if (outcome == FINISHED)
		outcome = run_threads();
	if (outcome == FINISHED)
		outcome = check();
	if (ex.step_count > ex.steps_longest)
		ex.steps_longest = ex.step_count;
	ex.executions++;
	ex.redundant += outcome == REDUNDANT;
	return outcome;
}

static double seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static bool replay(const char *trail)
{
	enum outcome outcome;

	ex.replay = trail;
	outcome = execution();
	ex.replay = NULL;
	if (outcome != FAILED)
		snprintf(ex.failure, sizeof(ex.failure), "nothing wrong in this execution");
	print_failure();
	return outcome != FAILED;
}

static bool explore_all(uint64_t max)
{
	do {
		ex.learnt = false;
		if (execution() == FAILED) {
			print_failure();
			return false;
		}
		if (ex.learnt)
			ex.node_count = 0;
	} while ((ex.learnt || next_execution()) && ex.executions < max);
	if (ex.node_count) {
		fprintf(stderr, "model %s: not all seen after %llu executions\n", ex.model->name,
		        (unsigned long long)ex.executions);
		return false;
	}
	return true;
}

bool explore(const struct explore_model *m)
{
	const char *trail = getenv("WEFT_MODEL_REPLAY");
	double start = seconds();
	bool good;

	ex.model = m;
	ex.executions = ex.redundant = 0;
	ex.node_count = ex.steps_longest = 0;
	ex.use_count = 0;
	memset(ex.uses, 0, sizeof(ex.uses));
	ex.thread_count = 0;
	while (ex.thread_count < EXPLORE_THREADS_MAX && m->thread[ex.thread_count])
		ex.thread_count++;
	for (unsigned i = 1; i <= ex.thread_count; i++) {
		if (!fiber_create(i)) {
			fprintf(stderr, "model %s: no memory for fibers\n", m->name);
			return false;
		}
	}
	if (trail && *trail)
		return replay(trail);
	good = explore_all(m->executions_max ? m->executions_max : EXECUTIONS_MAX_DEFAULT);
	if (!m->quiet)
		fprintf(stderr, "model %s: %s, %llu executions (%llu of them cut short), at most %u steps, %.2f s\n",
		        m->name, good ? "holds" : "FAILED", (unsigned long long)ex.executions, (unsigned long long)ex.redundant,
		        ex.steps_longest, seconds() - start);
	return good;
}
