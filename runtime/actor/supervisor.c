/* SPDX-License-Identifier: Apache-2.0 */
/*
 * runtime/actor/supervisor.c - an actor that keeps others running, over the public calls.
 *
 * Each child says what is wished of it: `wanted` (is to run) and `doomed` (is to be stopped first). Whatever
 * happens only changes these wishes, and advance() then works on them:
 *
 *     1. somebody is doomed      the last of them is asked to end; wait for its EXIT
 *     2. the supervisor ends     nothing is left: exit
 *     3. somebody is wanted      the first of them that does not run is started
 *     4. an order waits          carry it out, which changes wishes again
 *
 * So children are stopped one at a time, last first, and started first to last; and a child that ends while
 * others are being stopped needs no case of its own.
 *
 * Tests: tests/api/test_supervisor.c. docs/decisions/0008-supervision.md
 */
#include <weft/supervisor.h>

#include <errno.h>
#include <string.h>

#include <weft/alloc.h>
#include <weft/event.h>

#include "runtime/actor/core.h"

#define PATIENCE_DEFAULT_NS UINT64_C(5000000000)
#define RESTARTS_MOST 10000u
#define LISTED_MOST 100000u

enum { START = 1, ADD, TERMINATE, RESTART, DELETE, CHILDREN };

struct child {
	weft_child_spec spec; /* texts point into this; state_init is owned */
	char id[WEFT_NAME_BYTES], name[WEFT_NAME_BYTES];
	weft_ref ref; /* {0}: does not run */
	uint32_t starts, restarts;
	bool wanted, doomed;
	bool asked;      /* doomed, and told so */
	weft_msg *order; /* owned: who waits for its start or its end */
};

struct supervisor {
	weft_supervisor_options opt;
	weft_ref parent; /* whose end ends this one */
	struct child **children; /* in the order of their start; owned */
	uint32_t count, room;
	uint64_t *restarted_ns; /* the last restarts_max restarts, a ring */
	uint64_t restarts;
	weft_msg *first_order, *last_order; /* owned; by struct order.next */
	weft_timer patience;
	uint64_t patience_seq;
	bool ending;
	int reason;
};

/* The payload of an order; its answer, a weft_children, takes the same bytes. */
struct order {
	weft_msg *next;
	struct child *child; /* ADD: owned */
	uint32_t max;
	char id[WEFT_NAME_BYTES];
};

/* ---- what is made by whoever calls ------------------------------------------------------- */

static bool text_copy(char *to, const char *text)
{
	size_t len_bytes = text ? strlen(text) : 0;

	if (len_bytes >= WEFT_NAME_BYTES)
		return false;
	memcpy(to, text ? text : "", len_bytes + 1);
	return true;
}

static void child_free(struct child *c)
{
	if (!c)
		return;
	weft_free((void *)(uintptr_t)c->spec.state_init);
	weft_free(c);
}

static int spec_check(const weft_child_spec *spec)
{
	WEFT_RETURN_IF(!spec || spec->size != sizeof(*spec) || !spec->id || !*spec->id, -EINVAL);
	WEFT_RETURN_IF(spec->restart > WEFT_RESTART_TEMPORARY || !spec->cls == !spec->start, -EINVAL);
	WEFT_RETURN_IF(spec->cls && (spec->cls->size < sizeof(*spec->cls) || !spec->cls->behaviour), -EINVAL);
	WEFT_RETURN_IF(spec->state_init && !spec->cls, -EINVAL);
	return 0;
}

static int child_create(const weft_child_spec *spec, struct child **ret_child)
{
	struct child *c;
	int r = spec_check(spec);

	if (r < 0)
		return r;
	c = weft_calloc(1, sizeof(*c));
	if (!c)
		return -ENOMEM;
	c->spec = *spec;
	c->spec.state_init = NULL;
	if (!text_copy(c->id, spec->id) || !text_copy(c->name, spec->name)) {
		child_free(c);
		return -EINVAL;
	}
	if (spec->state_init && spec->cls->state_bytes) {
		void *copy = weft_malloc(spec->cls->state_bytes);

		if (!copy) {
			child_free(c);
			return -ENOMEM;
		}
		c->spec.state_init = memcpy(copy, spec->state_init, spec->cls->state_bytes);
	}
	c->wanted = true;
	*ret_child = c;
	return 0;
}

static struct child *find_id(const struct supervisor *s, const char *id)
{
	for (uint32_t i = 0; i < s->count; i++) {
		if (strcmp(s->children[i]->id, id) == 0)
			return s->children[i];
	}
	return NULL;
}

/* Takes the child on success. */
static int child_append(struct supervisor *s, struct child *c)
{
	if (find_id(s, c->id))
		return -EEXIST;
	if (s->count == s->room) {
		uint32_t room = s->room ? 2 * s->room : 8;
		struct child **more = weft_realloc(s->children, room * sizeof(struct child *));

		if (!more)
			return -ENOMEM;
		s->children = more;
		s->room = room;
	}
	s->children[s->count++] = c;
	return 0;
}

static void supervisor_free(struct supervisor *s)
{
	if (!s)
		return;
	for (uint32_t i = 0; i < s->count; i++)
		child_free(s->children[i]);
	weft_free(s->children);
	weft_free(s->restarted_ns);
	weft_free(s);
}

static int supervisor_create(const weft_supervisor_options *opt, const weft_child_spec *specs, uint32_t count,
                             struct supervisor **ret_s)
{
	struct supervisor *s = weft_calloc(1, sizeof(*s));
	weft_actor *self = weft_actor_self();
	int r = -ENOMEM;

	if (!s)
		return -ENOMEM;
	s->opt = *opt;
	if (self)
		s->parent = weft_actor_ref(self);
	s->restarted_ns = weft_calloc(opt->restarts_max + 1, sizeof(*s->restarted_ns));
	if (!s->restarted_ns)
		goto fail;
	for (uint32_t i = 0; i < count; i++) {
		struct child *c = NULL;

		r = child_create(&specs[i], &c);
		if (r == 0)
			r = child_append(s, c);
		if (r < 0) {
			child_free(c);
			goto fail;
		}
	}
	*ret_s = s;
	return 0;
fail:
	supervisor_free(s);
	return r;
}

/* ---- orders and their answers ---------------------------------------------------------------- */

static void info_fill(weft_child_info *info, const struct child *c)
{
	*info = (weft_child_info){ .ref = c->ref, .restart = c->spec.restart, .restarts = c->restarts };
	memcpy(info->id, c->id, sizeof(info->id));
}

/* Answer msg, which is consumed. one: the child it is about; NULL: max of all. */
static void answer(const struct supervisor *s, weft_msg *msg, int status, const struct child *one, uint32_t max)
{
	weft_children *list = weft_msg_data(msg);
	weft_child_info *infos = (weft_child_info *)(list + 1);

	memset(list, 0, weft_msg_len_bytes(msg));
	list->child = infos;
	list->specs = s->count;
	for (uint32_t i = 0; i < s->count; i++) {
		list->running += s->children[i]->ref.id != 0;
		if (list->listed < max && (!one || one == s->children[i]))
			info_fill(&infos[list->listed++], s->children[i]);
	}
	weft_msg_set_status(msg, status);
	if (weft_reply(msg, msg) < 0)
		weft_msg_destroy(msg); /* sent by somebody who wants no answer */
}

static void child_answer(const struct supervisor *s, struct child *c, int status)
{
	weft_msg *msg = c->order;

	c->order = NULL;
	if (msg)
		answer(s, msg, status, c, 1);
}

static void order_queue(struct supervisor *s, weft_msg *msg)
{
	struct order *last = s->last_order ? weft_msg_data(s->last_order) : NULL;

	if (last)
		last->next = msg;
	else
		s->first_order = msg;
	s->last_order = msg;
}

static weft_msg *order_take(struct supervisor *s)
{
	weft_msg *msg = s->first_order;

	s->first_order = ((struct order *)weft_msg_data(msg))->next;
	if (!s->first_order)
		s->last_order = NULL;
	return msg;
}

/* ---- wishes ------------------------------------------------------------------------------------ */

static uint32_t index_of(const struct supervisor *s, const struct child *c)
{
	uint32_t i = 0;

	while (s->children[i] != c)
		i++;
	return i;
}

static void child_remove(struct supervisor *s, struct child *c)
{
	uint32_t i = index_of(s, c);

	s->count--;
	memmove(&s->children[i], &s->children[i + 1], (s->count - i) * sizeof(struct child *));
	child_free(c);
}

static void end_begin(struct supervisor *s, int reason)
{
	if (s->ending)
		return;
	s->ending = true;
	s->reason = reason;
	for (uint32_t i = 0; i < s->count; i++) {
		s->children[i]->wanted = false;
		s->children[i]->doomed = s->children[i]->ref.id != 0;
	}
}

/* One more restart now. False: that is too many. */
static bool restart_allowed(struct supervisor *s)
{
	uint64_t now = weft_now_ns(), *oldest;

	if (!s->opt.restarts_max)
		return false;
	oldest = &s->restarted_ns[s->restarts % s->opt.restarts_max];
	if (s->restarts >= s->opt.restarts_max && now - *oldest <= s->opt.period_ns)
		return false;
	*oldest = now;
	s->restarts++;
	return true;
}

static void restart_tell(const weft_actor *self, const struct child *c, int reason)
{
	const weft_event_field fields[] = {
		{ .key = WEFT_STR("child"), .kind = WEFT_FIELD_STR, .str = weft_str_from(c->id) },
		{ .key = WEFT_STR("reason"), .kind = WEFT_FIELD_STR, .str = weft_str_from(weft_errname(reason)) },
	};

	if (weft_events_wanted(weft_actor_runtime(self)))
		weft_event_emit(weft_actor_runtime(self), &(weft_event_desc){ .scope = WEFT_SCOPE_SYSTEM,
		                                                              .type = WEFT_EVENT_PROGRESS,
		                                                              .component_id = WEFT_STR("system:supervisor"),
		                                                              .message = WEFT_STR("restart"),
		                                                              .fields = fields,
		                                                              .field_count = 2 });
}

/* Who is to be stopped and started with the child that is restarted. */
static void doom_group(struct supervisor *s, const struct child *c)
{
	uint32_t at = index_of(s, c);
	uint32_t from = s->opt.strategy == WEFT_ONE_FOR_ALL ? 0 : s->opt.strategy == WEFT_REST_FOR_ONE ? at : s->count;

	for (uint32_t i = from; i < s->count; i++) {
		struct child *other = s->children[i];

		if (!other->ref.id)
			continue;
		other->doomed = true;
		other->wanted = other->spec.restart != WEFT_RESTART_TEMPORARY;
	}
}

static void restart_wish(weft_actor *self, struct supervisor *s, struct child *c, int reason)
{
	if (!restart_allowed(s)) {
		c->wanted = false;
		end_begin(s, WEFT_ERESTARTS);
		return;
	}
	c->restarts++;
	weft__note(weft__self, WEFT_FLIGHT_RESTART, 0, weft_actor_ref(self).id, reason);
	restart_tell(self, c, reason);
	doom_group(s, c);
}

static bool runtime_stops(const weft_actor *self)
{
	return weft__load_relaxed(&self->rt->sched.phase) != WEFT__PHASE_RUN; /* relaxed: a look; the next one sees it */
}

/* c does not run any more. It may be gone after this. */
static void child_ended(weft_actor *self, struct supervisor *s, struct child *c, int reason)
{
	bool was_doomed = c->doomed;

	c->ref.id = 0;
	if (c->asked)
		(void)weft_timer_cancel(self, s->patience); /* one that fired has an old number by the next time */
	c->doomed = c->asked = false;
	if (!was_doomed)
		c->wanted = !runtime_stops(self) && (c->spec.restart == WEFT_RESTART_PERMANENT ||
		                                     (c->spec.restart == WEFT_RESTART_TRANSIENT && reason));
	if (!was_doomed && c->wanted)
		restart_wish(self, s, c, reason);
	if (!c->wanted)
		child_answer(s, c, 0);
	if (c->spec.restart == WEFT_RESTART_TEMPORARY)
		child_remove(s, c);
}

/* ---- work ---------------------------------------------------------------------------------------- */

static int child_spawn(weft_actor *self, struct child *c, weft_ref *ret_ref)
{
	if (c->spec.start)
		return c->spec.start(self, c->spec.user, ret_ref);
	return weft_actor_spawn(weft_actor_runtime(self), c->spec.cls, c->spec.state_init, ret_ref);
}

/* 0, or why it does not run; -ESRCH: it has ended already. */
static int child_start(weft_actor *self, struct child *c)
{
	weft_ref ref = { 0 };
	int r = child_spawn(self, c, &ref);

	if (r < 0)
		return r;
	c->starts++;
	r = weft_actor_link(self, ref);
	if (r == 0 && c->name[0])
		r = weft_name_register(weft_actor_runtime(self), c->name, ref);
	if (r == 0)
		c->ref = ref;
	else if (r != -ESRCH)
		(void)weft_actor_kill(ref); /* its EXIT is nobody's */
	return r;
}

static void start_failed(weft_actor *self, struct supervisor *s, struct child *c, int r)
{
	bool added = c->order && !c->starts;

	if (c->order) { /* whoever ordered it is told, and that is all */
		c->wanted = false;
		child_answer(s, c, r);
		if (added || c->spec.restart == WEFT_RESTART_TEMPORARY)
			child_remove(s, c);
	} else if (r == -ESRCH) { /* it was quick */
		child_ended(self, s, c, r);
	} else if (!c->starts) {
		end_begin(s, r);
	} else {
		restart_wish(self, s, c, r);
	}
}

static int stop_ask(weft_actor *self, struct supervisor *s, struct child *c)
{
	uint64_t ns = c->spec.shutdown_ns ? c->spec.shutdown_ns : PATIENCE_DEFAULT_NS;
	int r = ns == WEFT_SHUTDOWN_KILL ? weft_actor_kill(c->ref) : weft_actor_stop(c->ref);

	c->asked = true;
	s->patience = (weft_timer){ 0 };
	if (r == 0 && ns != WEFT_SHUTDOWN_KILL && ns != WEFT_SHUTDOWN_WAIT &&
	    weft_timer_start(self, ns, ++s->patience_seq, &s->patience) < 0)
		r = weft_actor_kill(c->ref);
	return r == -ESRCH ? 0 : r; /* its EXIT is on its way */
}

static struct child *last_doomed(const struct supervisor *s)
{
	for (uint32_t i = s->count; i > 0; i--) {
		if (s->children[i - 1]->doomed)
			return s->children[i - 1];
	}
	return NULL;
}

static struct child *first_wanted(const struct supervisor *s)
{
	for (uint32_t i = 0; i < s->count; i++) {
		if (s->children[i]->wanted && !s->children[i]->ref.id)
			return s->children[i];
	}
	return NULL;
}

static void add(struct supervisor *s, weft_msg *msg)
{
	struct order *o = weft_msg_data(msg);
	struct child *c = o->child;
	int r = child_append(s, c);

	if (r < 0) {
		child_free(c);
		answer(s, msg, r, NULL, 0);
	} else {
		c->order = msg;
	}
}

/* It only wishes; whoever has to wait is answered when the wish came true. */
static void carry_out(struct supervisor *s, weft_msg *msg)
{
	struct order *o = weft_msg_data(msg);
	uint32_t kind = weft_msg_kind(msg);
	struct child *c = find_id(s, o->id);
	bool runs = c && c->ref.id;

	weft_msg_on_destroy(msg, NULL);
	if (kind == ADD) {
		add(s, msg);
	} else if (kind == CHILDREN) {
		answer(s, msg, 0, NULL, o->max);
	} else if (!c) {
		answer(s, msg, -ENOENT, NULL, 0);
	} else if (kind == TERMINATE && runs) {
		c->wanted = false;
		c->doomed = true;
		c->order = msg;
	} else if (kind == RESTART && !runs) {
		c->wanted = true;
		c->order = msg;
	} else if (kind == DELETE && !runs) {
		answer(s, msg, 0, c, 1);
		child_remove(s, c);
	} else {
		answer(s, msg, kind == TERMINATE ? 0 : kind == RESTART ? -EALREADY : -EBUSY, c, 1);
	}
}

static int end(weft_actor *self, const struct supervisor *s)
{
	weft_actor_exit(self, s->reason);
	return s->reason < 0 ? weft_actor_fail(self, s->reason, "the supervisor gave up") : 0;
}

static int advance(weft_actor *self, struct supervisor *s)
{
	for (;;) {
		struct child *c = last_doomed(s);

		if (c)
			return c->asked ? 0 : stop_ask(self, s, c);
		if (s->ending)
			return end(self, s);
		c = first_wanted(s);
		if (c && c->starts && !c->order && runtime_stops(self)) {
			c->wanted = false;
		} else if (c) {
			int r = child_start(self, c);

			if (r < 0)
				start_failed(self, s, c, r);
			else
				child_answer(s, c, 0);
		} else if (s->first_order) {
			carry_out(s, order_take(s));
		} else {
			return 0;
		}
	}
}

/* ---- the actor -------------------------------------------------------------------------------------- */

static void exit_arrived(weft_actor *self, struct supervisor *s, weft_msg *msg)
{
	weft_ref who = weft_msg_sender(msg);

	for (uint32_t i = 0; i < s->count; i++) {
		if (s->children[i]->ref.id == who.id) {
			child_ended(self, s, s->children[i], weft_msg_status(msg));
			return;
		}
	}
	if (who.id == s->parent.id)
		end_begin(s, weft_msg_status(msg));
}

/* The child that was asked to end has not. */
static int patience_out(struct supervisor *s, uint64_t seq)
{
	struct child *c = last_doomed(s);
	int r = 0;

	if (c && c->asked && seq == s->patience_seq)
		r = weft_actor_kill(c->ref);
	return r == -ESRCH ? 0 : r;
}

static int behave(weft_actor *self, weft_msg *msg)
{
	struct supervisor *s = *(struct supervisor **)weft_actor_state(self);
	int r;

	switch (weft_msg_kind(msg)) {
	case WEFT_KIND_EXIT:
		exit_arrived(self, s, msg);
		break;
	case WEFT_KIND_STOP:
		end_begin(s, 0);
		break;
	case WEFT_KIND_TIMER:
		r = patience_out(s, weft_msg_token(msg));
		if (r < 0)
			return r;
		break;
	case START:
		break;
	default:
		if (weft_msg_kind(msg) > CHILDREN || weft_msg_len_bytes(msg) < sizeof(struct order))
			return 0;
		weft_msg_keep(self, msg);
		order_queue(s, msg);
	}
	return advance(self, s);
}

static void finish(weft_actor *self)
{
	struct supervisor *s = *(struct supervisor **)weft_actor_state(self);

	while (s->first_order)
		weft_msg_destroy(order_take(s));
	for (uint32_t i = 0; i < s->count; i++)
		weft_msg_destroy(s->children[i]->order);
	supervisor_free(s);
}

static const weft_actor_class supervisor_class = { .size = sizeof(supervisor_class),
	                                           .name = "supervisor",
	                                           .behaviour = behave,
	                                           .fini = finish,
	                                           .state_bytes = sizeof(struct supervisor *),
	                                           .flags = WEFT_ACTOR_TRAP_STOP | WEFT_ACTOR_TRAP_EXIT };

int weft_supervisor_spawn(weft_runtime *rt, const weft_supervisor_options *opt, const weft_child_spec *specs,
                          uint32_t count, weft_ref *ret_ref)
{
	const weft_supervisor_options defaults = WEFT_SUPERVISOR_OPTIONS_INIT;
	struct supervisor *s;
	weft_msg *start;
	weft_ref ref;
	int r;

	if (!opt)
		opt = &defaults;
	WEFT_RETURN_IF(!rt || !ret_ref || (count && !specs) || opt->size != sizeof(*opt), -EINVAL);
	WEFT_RETURN_IF(opt->strategy > WEFT_REST_FOR_ONE || opt->restarts_max > RESTARTS_MOST, -EINVAL);
	r = supervisor_create(opt, specs, count, &s);
	if (r < 0)
		return r;
	start = weft_msg_create(START, 0);
	r = start ? weft_actor_spawn(rt, &supervisor_class, &s, &ref) : -ENOMEM;
	if (r < 0) {
		supervisor_free(s);
	} else {
		r = weft_send(ref, start); /* refused only by a runtime that stops, which ends the actor */
		if (r == 0) {
			*ret_ref = ref;
			return 0;
		}
	}
	weft_msg_destroy(start);
	return r;
}

/* ---- asking ------------------------------------------------------------------------------------------- */

static void drop_added(weft_msg *msg)
{
	child_free(((struct order *)weft_msg_data(msg))->child);
}

static int order_send(weft_ref to, uint32_t kind, const char *id, struct child *child, uint32_t max, weft_reply_to reply_to)
{
	size_t answer_bytes = sizeof(weft_children) + max * sizeof(weft_child_info);
	weft_msg *msg = weft_msg_create(kind, answer_bytes < sizeof(struct order) ? sizeof(struct order) : answer_bytes);
	struct order *o;
	int r = -ENOMEM;

	if (!msg)
		return r;
	o = weft_msg_data(msg);
	o->max = max;
	if (!text_copy(o->id, id))
		r = -EINVAL;
	else
		r = 0;
	if (r == 0 && child) {
		o->child = child;
		weft_msg_on_destroy(msg, drop_added);
	}
	if (r == 0)
		r = weft_request(to, msg, reply_to);
	if (r < 0) {
		weft_msg_on_destroy(msg, NULL);
		weft_msg_destroy(msg);
	}
	return r;
}

int weft_supervisor_add(weft_ref supervisor, const weft_child_spec *spec, weft_reply_to reply_to)
{
	struct child *c;
	int r = child_create(spec, &c);

	if (r < 0)
		return r;
	r = order_send(supervisor, ADD, c->id, c, 1, reply_to);
	if (r < 0)
		child_free(c);
	return r;
}

int weft_supervisor_terminate(weft_ref supervisor, const char *id, weft_reply_to reply_to)
{
	return order_send(supervisor, TERMINATE, id, NULL, 1, reply_to);
}

int weft_supervisor_restart(weft_ref supervisor, const char *id, weft_reply_to reply_to)
{
	return order_send(supervisor, RESTART, id, NULL, 1, reply_to);
}

int weft_supervisor_delete(weft_ref supervisor, const char *id, weft_reply_to reply_to)
{
	return order_send(supervisor, DELETE, id, NULL, 1, reply_to);
}

int weft_supervisor_children(weft_ref supervisor, uint32_t max, weft_reply_to reply_to)
{
	WEFT_RETURN_IF(max > LISTED_MOST, -EINVAL);
	return order_send(supervisor, CHILDREN, NULL, NULL, max, reply_to);
}
