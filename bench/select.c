/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/select.h"

#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#include "bench/open_loop.h"
#include "bench/seeds/seeds.h"

bool bench_suite_is_in(const char *list, const char *suite)
{
	size_t len = strlen(suite);

	if (!strcmp(list, "all"))
		return true;
	for (const char *at = list; at; at = strchr(at, ',')) {
		at += *at == ',';
		if (!strncmp(at, suite, len) && (at[len] == '\0' || at[len] == ','))
			return true;
	}
	return false;
}

static bool is_wanted(const struct bench_options *opt, const char *id, const char *suite)
{
	return bench_suite_is_in(opt->suite, suite) && (!opt->filter || fnmatch(opt->filter, id, FNM_EXTMATCH) == 0);
}

static int add(struct bench_selection *s, struct bench_entry e)
{
	struct bench_entry *more = s->entries;

	if (!(s->count & (s->count - 1))) { /* a power of two: it is full */
		more = realloc(more, (s->count ? 2 * (size_t)s->count : 1) * sizeof(*more));
		if (!more)
			return -1;
		s->entries = more;
	}
	s->entries[s->count++] = e;
	return 0;
}

/* A child was chosen by one who had looked. */
static bool has_what_it_needs(const struct bench_options *opt, const struct bench_micro *m)
{
	if (opt->child)
		return true;
	return (!m->data || bench_data_is_there(opt, m->data)) && (!m->is_there || m->is_there(m));
}

static int add_micros(struct bench_selection *s, const struct bench_options *opt, const struct bench_micro *list, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		const struct bench_micro *m = &list[i];
		struct bench_entry e = { .id = m->id, .group = m->group, .description = m->description, .suite = m->suite, .micro = m };

		if (!is_wanted(opt, m->id, m->suite) || !has_what_it_needs(opt, m))
			continue;
		if (add(s, e) < 0)
			return -1;
	}
	return 0;
}

static int add_scenarios(struct bench_selection *s, const struct bench_options *opt)
{
	for (uint32_t i = 0; i < s->file.count; i++) {
		const struct bench_scenario *sc = &s->file.scenarios[i];
		struct bench_entry e = { .id = sc->id,
			                 .group = sc->config.group,
			                 .description = sc->description,
			                 .suite = "scenarios",
			                 .scenario = sc };

		if (is_wanted(opt, sc->id, "scenarios") && add(s, e) < 0)
			return -1;
	}
	return 0;
}

/* ---- sweeps ------------------------------------------------------------------------------- */

/* What `all` sweeps on a machine with more than one core: whole agents, one room, actors. */
static const char *const headlines[] = { "agents-per-second", "burst-1000", "actors-skynet" };

static bool is_headline(const char *id)
{
	for (size_t i = 0; i < sizeof(headlines) / sizeof(headlines[0]); i++) {
		if (!strcmp(headlines[i], id))
			return true;
	}
	return false;
}

static int add_swept(struct bench_selection *s, struct bench_entry of, uint32_t workers)
{
	char **names = realloc(s->names, (s->name_count + 1) * sizeof(*names));
	size_t size = strlen(of.id) + sizeof("@4294967295");
	char *name = malloc(size);

	s->names = names ? names : s->names;
	if (!names || !name) {
		free(name);
		return -1;
	}
	snprintf(name, size, "%s@%u", of.id, workers);
	s->names[s->name_count++] = name;
	of.base = of.id;
	of.id = name;
	of.workers = workers;
	return add(s, of);
}

static bool scales(const struct bench_entry *e)
{
	return e->micro ? e->micro->scales : e->scenario->config.scales;
}

static int add_sweep(struct bench_selection *s, uint32_t cores, bool only_headlines)
{
	uint32_t count = s->count;

	for (uint32_t i = 0; i < count; i++) {
		if (!scales(&s->entries[i]) || (only_headlines && !is_headline(s->entries[i].id)))
			continue;
		for (uint32_t n = 1; n <= cores; n = bench_sweep_next(n, cores)) {
			if (add_swept(s, s->entries[i], n) < 0)
				return -1;
		}
	}
	return 0;
}

/* Only what is swept stays. */
static void keep_swept(struct bench_selection *s)
{
	uint32_t kept = 0;

	for (uint32_t i = 0; i < s->count; i++) {
		if (s->entries[i].base)
			s->entries[kept++] = s->entries[i];
	}
	s->count = kept;
}

/* ---- all of it ------------------------------------------------------------------------------ */

int bench_select(const struct bench_options *opt, uint32_t cores, struct bench_selection *ret)
{
	weft_error err = { 0 };
	bool whole = !strcmp(opt->suite, "all") && !opt->filter && !opt->child && !opt->list && cores > 1;
	int r;

	*ret = (struct bench_selection){ .count = 0 };
	if (bench_file_load(opt->scenarios_path, &ret->file, &err) < 0) {
		fprintf(stderr, "weft bench: %s\n", err.message);
		return -1;
	}
	r = add_scenarios(ret, opt);
	if (r == 0 && !opt->scenarios_path)
		r = add_micros(ret, opt, bench_open_loops, bench_open_loop_count);
	r = r < 0 ? r : add_micros(ret, opt, bench_micros, bench_micro_count);
	r = r < 0 ? r : add_micros(ret, opt, bench_actors, bench_actor_count);
	r = r < 0 ? r : add_micros(ret, opt, bench_memories, bench_memory_count);
	r = r < 0 ? r : add_micros(ret, opt, bench_ios, bench_io_count);
	r = r < 0 ? r : add_micros(ret, opt, bench_seeds, bench_seeds_count);
	if (r == 0 && (opt->sweep || whole))
		r = add_sweep(ret, cores, !opt->sweep);
	if (opt->sweep)
		keep_swept(ret);
	if (r < 0)
		fprintf(stderr, "weft bench: out of memory\n");
	return r;
}

void bench_selection_free(struct bench_selection *s)
{
	for (uint32_t i = 0; i < s->name_count; i++)
		free(s->names[i]);
	free(s->names);
	free(s->entries);
	bench_file_free(&s->file);
}

static const struct bench_micro *find_micro(const char *id)
{
	static const struct {
		const struct bench_micro *list;
		const uint32_t *count;
	} suites[] = { { bench_micros, &bench_micro_count },
		       { bench_actors, &bench_actor_count },
		       { bench_memories, &bench_memory_count },
		       { bench_ios, &bench_io_count } };

	for (size_t i = 0; i < sizeof(suites) / sizeof(suites[0]); i++) {
		for (uint32_t k = 0; k < *suites[i].count; k++) {
			if (!strcmp(suites[i].list[k].id, id))
				return &suites[i].list[k];
		}
	}
	return NULL;
}

static const struct bench_scenario *find_scenario(const struct bench_selection *s, const char *id)
{
	for (uint32_t i = 0; i < s->file.count; i++) {
		if (!strcmp(s->file.scenarios[i].id, id))
			return &s->file.scenarios[i];
	}
	return NULL;
}

/* The item of another suite that this one runs under its own name; NULL: it is one itself. */
static const struct seeds_same *same_of(const struct bench_entry *e)
{
	return e->micro && e->micro->run_item == seeds_same_run ? e->micro->detail : NULL;
}

void bench_entry_counts(const struct bench_options *opt, const struct bench_selection *s, const struct bench_entry *e,
                        uint32_t *ret_iterations, uint32_t *ret_warmup)
{
	const struct seeds_same *same = same_of(e);
	const struct bench_micro *m = same ? find_micro(same->id) : e->micro;
	const struct bench_scenario *sc = same ? find_scenario(s, same->id) : e->scenario;

	if (m)
		bench_counts(opt, m->iterations, m->iterations != 0, m->warmup, ret_iterations, ret_warmup);
	else if (sc)
		bench_counts(opt, sc->config.iterations, sc->config.has_warmup, sc->config.warmup, ret_iterations, ret_warmup);
	else
		bench_counts(opt, 0, false, 0, ret_iterations, ret_warmup);
}

const struct bench_entry *bench_entry_same(const struct bench_selection *s, const struct bench_entry *e)
{
	const struct seeds_same *same = same_of(e);
	const char *id = same && !same->workers ? same->id : e->micro && !e->base ? e->micro->bytes_of : NULL;

	for (uint32_t i = 0; id && i < s->count; i++) {
		if (!strcmp(s->entries[i].id, id))
			return &s->entries[i];
	}
	return NULL;
}
