/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tests/model/explore.c - threads as fibers, one execution after the other; see explore.h.
 *
 * A thread stops before each operation and says what it is about to do. schedule() then asks
 * search.c who goes on, and switches to that fiber; the operation is done by memory.c.
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
#include "tests/model/search.h"

#define THREADS MEM_THREADS
#define STACK_BYTES (128u << 10)
#define STEPS_MAX 1000u
#define STEPS_SHOWN 200u
#define EXECUTIONS_MAX_DEFAULT 5000000u
#define LOCALS 4u

enum outcome { RUNNING = 1, FINISHED, REDUNDANT, FAILED };

struct fiber {
	jmp_buf start, at; /* where it takes a new model, and where it stopped */
	ucontext_t context;
	char *stack;
	bool done;
	struct mem_op next; /* what it is about to do */
	bool (*ready)(const void *arg); /* MEM_STEP, MEM_SPIN */
	const void *arg;
	const char *what;
	unsigned steps, steps_of_others; /* its own so far; those of others when it last napped */
	uint64_t locals[LOCALS];
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
	struct step steps[STEPS_MAX];
	unsigned step_count, steps_longest;
	char failure[512];
	uint64_t executions, redundant;
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
	if (f->next.kind == MEM_SPIN && f->ready) /* a nap */
		return f->ready(f->arg) || mem_nap_ready(thread) || ex.step_count - f->steps > f->steps_of_others;
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
	unsigned ready = 0, done = 0, next;

	for (unsigned i = 1; i <= ex.thread_count; i++) {
		ready |= (unsigned)is_ready(i) << i;
		done += ex.fibers[i].done;
	}
	if (done == ex.thread_count)
		end_execution(FINISHED);
	if (!ready)
		fail_stuck();
	next = search_thread(ready, ex.self);
	if (!next)
		end_execution(REDUNDANT);
	run(next, false);
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

static void note_step(const struct mem_op *op, const struct mem_result *r, const char *what)
{
	if (ex.step_count == STEPS_MAX)
		explore_fail("more than %u steps: it does not end, or the model is too large", STEPS_MAX);
	ex.fibers[ex.self].steps++;
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
	search_pending(ex.self, op);
	schedule();
	hooks_on = false;
	r = mem_perform(ex.self, op, search_unseen(ex.self), search_way);
	search_done(ex.self, &r);
	note_step(op, &r, NULL);
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
	search_pending(ex.self, &op);
	schedule();
	hooks_on = false;
	if (kind == MEM_SPIN)
		mem_spin_done(ex.self);
	f->steps_of_others = ex.step_count - f->steps;
	search_done(ex.self, &r);
	note_step(&op, &r, what);
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

void explore_nap(const void *object, bool (*ready)(const void *arg), const void *arg, const char *what)
{
	wait_at(MEM_SPIN, object, ready, arg, what);
}

unsigned explore_choose(unsigned below)
{
	bool on = hooks_on;
	unsigned choice;

	hooks_on = false;
	choice = search_way(below);
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
		fprintf(stderr, "again: WEFT_MODEL_REPLAY=%s\n", search_trail());
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

static enum outcome set_up(void)
{
	enum outcome outcome = (enum outcome)_setjmp(ex.loop);

	if (outcome != 0)
		return outcome;
	mem_reset();
	mem_names_forget();
	hooks_forget();
	ex.local_count = 0;
	ex.self = ex.started = ex.step_count = 0;
	for (unsigned i = 1; i < THREADS; i++) {
		struct fiber *f = &ex.fibers[i];

		f->done = false;
		f->steps = f->steps_of_others = 0;
		memset(f->locals, 0, sizeof(f->locals));
	}
	hooks_on = true;
	ex.model->init();
	hooks_on = false;
	for (unsigned i = 1; i <= ex.thread_count; i++)
		mem_thread_begin(i);
	return FINISHED;
}

static enum outcome execution(const char *trail)
{
	enum outcome outcome;

	search_begin(trail);
	outcome = set_up();
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

	outcome = execution(trail);
	if (outcome != FAILED)
		snprintf(ex.failure, sizeof(ex.failure), "nothing wrong in this execution");
	print_failure();
	return outcome != FAILED;
}

static bool explore_all(uint64_t max)
{
	bool more = true;

	for (; more && ex.executions < max; more = search_next()) {
		if (execution(NULL) == FAILED) {
			print_failure();
			return false;
		}
	}
	if (more)
		fprintf(stderr, "model %s: not all seen after %llu executions\n", ex.model->name,
		        (unsigned long long)ex.executions);
	return !more;
}

bool explore(const struct explore_model *m)
{
	const char *trail = getenv("WEFT_MODEL_REPLAY");
	double start = seconds();
	bool good;

	ex.model = m;
	ex.executions = ex.redundant = 0;
	ex.steps_longest = 0;
	ex.thread_count = 0;
	while (ex.thread_count < EXPLORE_THREADS_MAX && m->thread[ex.thread_count])
		ex.thread_count++;
	for (unsigned i = 1; i <= ex.thread_count; i++) {
		if (!fiber_create(i)) {
			fprintf(stderr, "model %s: no memory for fibers\n", m->name);
			return false;
		}
	}
	search_reset(ex.thread_count, m->everything);
	if (trail && *trail)
		return replay(trail);
	good = explore_all(m->executions_max ? m->executions_max : EXECUTIONS_MAX_DEFAULT);
	if (!m->quiet)
		fprintf(stderr, "model %s: %s, %llu executions (%llu of them cut short), at most %u steps, %.2f s\n",
		        m->name, good ? "holds" : "FAILED", (unsigned long long)ex.executions, (unsigned long long)ex.redundant,
		        ex.steps_longest, seconds() - start);
	return good;
}
