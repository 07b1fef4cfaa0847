/* SPDX-License-Identifier: Apache-2.0 */
/*
 * actors/permission.c - rules of what may be called. The strictest of those that match holds, so their order means nothing.
 */
#include "actors/permission.h"

#include <errno.h>
#include <string.h>

#define RULES_MAX 4096u

int weft_permissions_create(weft_permit otherwise, weft_permissions **ret_permissions)
{
	weft_permissions *p;

	if (!ret_permissions || (unsigned)otherwise > WEFT_PERMIT_DENY)
		return -EINVAL;
	p = weft_calloc(1, sizeof(*p));
	if (!p)
		return -ENOMEM;
	weft__refs_init(&p->refs, 1);
	p->otherwise = (uint8_t)otherwise;
	*ret_permissions = p;
	return 0;
}

weft_permissions *weft_permissions_ref(weft_permissions *permissions)
{
	weft__refs_take(&permissions->refs);
	return permissions;
}

static void rule_fini(struct weft__rule *rule)
{
	weft_free(rule->tool);
	weft_free(rule->argument);
	weft_free(rule->value);
	weft_free(rule->why);
}

void weft_permissions_unref(weft_permissions *permissions)
{
	if (!permissions || !weft__refs_drop(&permissions->refs))
		return;
	for (uint32_t i = 0; i < permissions->count; i++)
		rule_fini(&permissions->rules[i]);
	weft_free(permissions->rules);
	weft_free(permissions);
}

/* True when there was nothing to copy, too. */
static bool copy(const char *text, char **ret_copy)
{
	*ret_copy = text ? weft_strndup(text, strlen(text)) : NULL;
	return !text || *ret_copy;
}

static int grow(weft_permissions *p)
{
	uint32_t room = p->room ? 2 * p->room : 8;
	struct weft__rule *more;

	if (p->count < p->room)
		return 0;
	if (p->count >= RULES_MAX)
		return -ENOMEM;
	more = weft_realloc(p->rules, room * sizeof(*more));
	if (!more)
		return -ENOMEM;
	p->rules = more;
	p->room = room;
	return 0;
}

int weft_permissions_add(weft_permissions *permissions, const weft_permission_rule *rule)
{
	struct weft__rule made = { 0 };

	if (!permissions || !rule || rule->size != sizeof(*rule) || rule->permit > WEFT_PERMIT_DENY || !rule->tool ||
	    !*rule->tool || !rule->argument != !rule->value)
		return -EINVAL;
	if (permissions->held)
		return -EBUSY;
	made.permit = rule->permit;
	if (grow(permissions) < 0 || !copy(rule->tool, &made.tool) || !copy(rule->argument, &made.argument) ||
	    !copy(rule->value, &made.value) || !copy(rule->why, &made.why)) {
		rule_fini(&made);
		return -ENOMEM;
	}
	permissions->rules[permissions->count++] = made;
	return 0;
}

/* ---- from configuration --------------------------------------------------------- */

static bool read_text(weft_arena *arena, weft_json value, const char **ret_text)
{
	weft_str s;

	if (!weft_json_get_str(value, &s) || !s.len_bytes || memchr(s.ptr, '\0', s.len_bytes))
		return false;
	*ret_text = weft_arena_dup(arena, s).ptr;
	return *ret_text != NULL;
}

static bool read_permit(weft_json value, uint8_t *ret_permit)
{
	weft_str s;

	for (uint8_t i = 0; weft_json_get_str(value, &s) && i <= WEFT_PERMIT_DENY; i++) {
		if (weft_str_eq(s, weft_str_from(weft_permit_name((weft_permit)i)))) {
			*ret_permit = i;
			return true;
		}
	}
	return false;
}

static bool read_key(weft_arena *arena, const weft_json_iter *it, weft_permission_rule *rule, bool *ret_permit)
{
	if (weft_str_eq(it->key, WEFT_STR("permit")))
		return *ret_permit = read_permit(it->value, &rule->permit);
	if (weft_str_eq(it->key, WEFT_STR("tool")))
		return read_text(arena, it->value, &rule->tool);
	if (weft_str_eq(it->key, WEFT_STR("argument")))
		return read_text(arena, it->value, &rule->argument);
	if (weft_str_eq(it->key, WEFT_STR("value")))
		return read_text(arena, it->value, &rule->value);
	return weft_str_eq(it->key, WEFT_STR("why")) && read_text(arena, it->value, &rule->why);
}

static int add_object(weft_permissions *p, weft_json object, weft_arena *arena)
{
	weft_permission_rule rule = WEFT_PERMISSION_RULE_INIT;
	weft_json_iter it = weft_json_iter_begin(object);
	bool permit = false;
	int r;

	while (weft_json_iter_next(&it)) {
		if (weft_json_typeof(object) != WEFT_JSON_OBJECT || !read_key(arena, &it, &rule, &permit))
			return WEFT_ECONFIG;
	}
	if (!permit)
		return WEFT_ECONFIG;
	r = weft_permissions_add(p, &rule);
	return r == -EINVAL ? WEFT_ECONFIG : r;
}

static int add_list(weft_permissions *p, weft_json list, weft_arena *arena, weft_error *err)
{
	weft_json_iter it = weft_json_iter_begin(list);
	uint32_t n = 0;

	if (weft_json_typeof(list) != WEFT_JSON_ARRAY)
		return weft_error_set(err, WEFT_ECONFIG, "permissions: a list of rules is wanted");
	for (; weft_json_iter_next(&it); n++) {
		int r = add_object(p, it.value, arena);

		if (r < 0)
			return weft_error_set(err, r, "permissions: rule %u: %s", n + 1,
			                      r == WEFT_ECONFIG ? "it has a tool and a permit (allow, ask, deny), maybe argument "
			                                          "with value, maybe why, all of them texts, and nothing else"
			                                        : weft_strerror(r));
	}
	return 0;
}

int weft_permissions_add_json(weft_permissions *permissions, weft_str json, weft_error *err)
{
	weft_json_doc *doc = NULL;
	weft_arena *arena = NULL;
	uint32_t before;
	int r;

	if (!permissions)
		return weft_error_set(err, -EINVAL, "permissions are wanted");
	before = permissions->count;
	r = weft_json_parse(json, &doc, err);
	if (r == 0)
		r = weft_arena_create(0, &arena);
	if (r == 0)
		r = add_list(permissions, weft_json_root(doc), arena, err);
	while (r < 0 && permissions->count > before)
		rule_fini(&permissions->rules[--permissions->count]);
	weft_arena_destroy(arena);
	weft_json_release(doc);
	return r;
}

/* ---- does a rule match? ------------------------------------------------------------ */

/* The last star may give back: linear in practice, and never more than pattern times text. */
bool weft__glob(const char *pattern, weft_str text)
{
	const char *star = NULL;
	size_t at = 0, retry = 0;

	while (at < text.len_bytes) {
		if (*pattern == '*') {
			star = ++pattern;
			retry = at;
		} else if (*pattern && *pattern == text.ptr[at]) {
			pattern++;
			at++;
		} else if (star) {
			pattern = star;
			at = ++retry;
		} else {
			return false;
		}
	}
	while (*pattern == '*')
		pattern++;
	return !*pattern;
}

static bool matches(const struct weft__rule *rule, weft_str tool, weft_json arguments)
{
	weft_str value;

	if (!weft__glob(rule->tool, tool))
		return false;
	if (!rule->argument)
		return true;
	return weft_json_get_str(weft_json_find(arguments, weft_str_from(rule->argument)), &value) &&
	       weft__glob(rule->value, value);
}

const struct weft__rule *weft__permissions_find(const weft_permissions *permissions, weft_str tool, weft_json arguments)
{
	const struct weft__rule *found = NULL;

	for (uint32_t i = 0; i < permissions->count; i++) {
		const struct weft__rule *rule = &permissions->rules[i];

		if ((!found || rule->permit > found->permit) && matches(rule, tool, arguments))
			found = rule;
	}
	return found;
}

const char *weft_permit_name(weft_permit permit)
{
	static const char *const names[] = { "allow", "ask", "deny" };

	return (unsigned)permit <= WEFT_PERMIT_DENY ? names[permit] : "unknown";
}
