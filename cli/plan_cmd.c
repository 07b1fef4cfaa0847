/* SPDX-License-Identifier: Apache-2.0 */
/* cli/plan_cmd.c - the options of `weft plan`. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench/plan/plan.h"
#include "bench/plan/simulate.h"
#include "bench/progress.h"
#include "cli/cli.h"

#define PROGRESS_WIDTH 30
#define NOT_GIVEN UINT32_MAX

struct options {
	struct plan_ask ask;
	struct sim_ask sim;
	double model_ms, tool_ms; /* NAN: not given */
	uint32_t tools, history;  /* NOT_GIVEN */
	double service_us;        /* of an agent; 0: measured */
	const char *from, *save_path, *html_path, *balance;
	bool json, check, measure, simulate;
};

/* ---- values of their own kind ---------------------------------------------------------------------- */

/* A number and what may stand behind it. */
static bool read_number(const char *text, const char *unit, double min, double max, double *ret)
{
	const char *end;
	double v;

	if (!cli_read_real(text, &end, &v) || (*end && strcmp(end, unit) != 0) || v < min || v > max)
		return false;
	*ret = v;
	return true;
}

static bool read_rate(const char *value, void *options, weft_str *ret_wrong)
{
	(void)ret_wrong;
	return read_number(value, "", 0.001, 1e9, &((struct options *)options)->ask.rate);
}

static bool read_model_ms(const char *value, void *options, weft_str *ret_wrong)
{
	(void)ret_wrong;
	return read_number(value, "ms", 0, 600000, &((struct options *)options)->model_ms);
}

static bool read_tool_ms(const char *value, void *options, weft_str *ret_wrong)
{
	(void)ret_wrong;
	return read_number(value, "ms", 0, 600000, &((struct options *)options)->tool_ms);
}

static bool read_headroom(const char *value, void *options, weft_str *ret_wrong)
{
	struct plan_ask *a = &((struct options *)options)->ask;
	double percent;

	(void)ret_wrong;
	if (!read_number(value, "%", 0, 95, &percent))
		return false;
	a->headroom = percent / 100;
	return true;
}

/* "p99=50ms" */
static bool read_slo(const char *value, void *options, weft_str *ret_wrong)
{
	struct plan_ask *a = &((struct options *)options)->ask;
	const char *is;
	double percent;

	(void)ret_wrong;
	if (value[0] != 'p' || !cli_read_real(value + 1, &is, &percent) || *is != '=' || percent < 1 || percent > 99.99)
		return false;
	a->slo_quantile = percent / 100;
	return read_number(is + 1, "ms", 0.001, 1e6, &a->slo_ms);
}

/* "NAME:CORES,MEM_GB[,USD_MONTH]" */
static bool read_vm(const char *value, void *options, weft_str *ret_wrong)
{
	struct plan_ask *a = &((struct options *)options)->ask;
	struct plan_vm v = { .usd_month = 0 };
	const char *at = strchr(value, ':');
	size_t len = at ? (size_t)(at - value) : 0;

	(void)ret_wrong;
	if (a->vm_count == PLAN_VMS_MAX || !len || len >= sizeof(v.name))
		return false;
	memcpy(v.name, value, len);
	v.name[cli_clean(v.name, len)] = '\0';
	if (!cli_read_real(at + 1, &at, &v.cores) || *at != ',' || !cli_read_real(at + 1, &at, &v.memory_gb))
		return false;
	if (*at == ',' && !cli_read_real(at + 1, &at, &v.usd_month))
		return false;
	if (*at || v.cores < 1 || v.cores > 1024 || v.cores != floor(v.cores) || v.memory_gb < 0.1 || v.memory_gb > 1e6 || v.usd_month > 1e9)
		return false;
	a->vms[a->vm_count++] = v;
	return true;
}

static bool read_service(const char *value, void *options, weft_str *ret_wrong)
{
	(void)ret_wrong;
	return read_number(value, "us", 0.001, 1e9, &((struct options *)options)->service_us);
}

static bool read_variation(const char *value, void *options, weft_str *ret_wrong)
{
	double *to = &((struct options *)options)->sim.cs2;

	(void)ret_wrong;
	return read_number(value, "", 0, 1000, to) && (*to == 0 || *to >= 0.01);
}

/* "2@30": two machines, after 30 seconds */
static bool read_fail(const char *value, void *options, weft_str *ret_wrong)
{
	struct sim_ask *s = &((struct options *)options)->sim;
	const char *at;
	double machines;

	(void)ret_wrong;
	if (!cli_read_real(value, &at, &machines) || *at != '@' || machines < 1 || machines > SIM_MACHINES_MAX || machines != floor(machines))
		return false;
	s->fail = (uint32_t)machines;
	return read_number(at + 1, "s", 0, 1e9, &s->fail_at_s);
}

/* ---- running ---------------------------------------------------------------------------------- */

static void progress(double share, double left_s, const char *what, void *user)
{
	int done = (int)(share * PROGRESS_WIDTH);
	char left[24];

	(void)user;
	if (!isatty(STDERR_FILENO))
		return;
	bench_progress_time(left_s, left, sizeof(left));
	if (share >= 1)
		fprintf(stderr, "\r%*s\r", PROGRESS_WIDTH + 40, "");
	else
		fprintf(stderr, "\r[%.*s%*s] %s left at most  %-16s", done, "##############################", PROGRESS_WIDTH - done, "", left, what);
	fflush(stderr);
}

static int to_file(const char *path, int (*show)(FILE *, const struct plan_shown *), const struct plan_shown *s)
{
	FILE *f = fopen(path, "we");
	int r = f ? show(f, s) : -errno;

	if (f && fclose(f) != 0 && r == 0)
		r = -errno;
	if (r < 0)
		fprintf(stderr, "weft plan: %s: %s\n", path, weft_strerror(r));
	return r;
}

static int show(const struct options *opt, const struct plan_shown *s)
{
	int r = 0;

	if (opt->json)
		r = plan_json(stdout, s);
	else
		plan_text(stdout, s);
	if (r == 0 && opt->save_path)
		r = to_file(opt->save_path, plan_json, s);
	if (r == 0 && opt->html_path)
		r = to_file(opt->html_path, plan_html, s);
	return r;
}

static int model_make(struct options *opt, struct plan_data *data, struct plan_model *ret, weft_error *err)
{
	int r = opt->from ? plan_from(opt->from, &opt->ask, data, err) : plan_measure(&opt->ask, data, progress, NULL, err);

	if (r < 0)
		return r;
	r = plan_fit(data, ret);
	if (r < 0)
		weft_error_set(err, r, "%s: nothing to fit: %s", data->source,
		               !data->count ? "no points" : data->points[0].error[0] ? data->points[0].error : weft_strerror(r));
	return r;
}

/* What kept an answer from being made. @return the exit status: a file that cannot be used is like a wrong option */
static int no_model(const struct options *opt, const weft_error *err, int r)
{
	fprintf(stderr, "weft plan: %s\n", err->message[0] ? err->message : weft_strerror(r));
	return opt->from ? CLI_USAGE : 1;
}

/* The processor time of an agent: as given, or what machines of so many cores need by the model. 0, or negative with err. */
static int service_us(struct options *opt, double *ret_us, weft_error *err)
{
	static struct plan_data data;
	static struct plan_model m;
	struct sim_ask *s = &opt->sim;
	int r;

	*ret_us = opt->service_us;
	if (opt->service_us > 0)
		return 0;
	opt->ask.quick = true;
	r = model_make(opt, &data, &m, err);
	if (r < 0)
		return r;
	if (s->cores > PLAN_EXTRAPOLATE_MAX * m.usl.n_max)
		fprintf(stderr, "weft plan: %u cores are %.0f times what was measured: the processor time of an agent there is a guess\n", s->cores,
		        s->cores / m.usl.n_max);
	s->base_bytes = m.base_mb * 1048576;
	s->bytes_per_agent = m.bytes_per_agent + opt->ask.work.history * m.bytes_per_message;
	*ret_us = s->cores * 1e6 / bench_usl_x(&m.usl, s->cores);
	return 0;
}

static int simulate(struct options *opt)
{
	const struct plan_work *w = &opt->ask.work;
	struct sim_ask *s = &opt->sim;
	struct sim_answer a;
	weft_error err = { 0 };
	double agent_us;
	int r = service_us(opt, &agent_us, &err);

	if (r < 0)
		return no_model(opt, &err, r);
	s->rate = opt->ask.rate;
	s->seed = opt->ask.seed;
	s->bursts = 2 * w->tools + 2; /* before and after each model call and each tool */
	s->service_s = agent_us / 1e6 / s->bursts;
	s->wait_s[0] = w->model_ms / 1e3;
	s->wait_s[1] = w->tool_ms / 1e3;
	s->balance = !strcmp(opt->balance, "random") ? SIM_RANDOM : !strcmp(opt->balance, "least") ? SIM_LEAST : SIM_TWO;
	r = sim_run(s, &a, &err);
	if (r == 0 && opt->json)
		r = sim_json(stdout, s, &a);
	else if (r == 0)
		sim_text(stdout, s, &a);
	if (r == 0 && !opt->json && isatty(STDERR_FILENO))
		fprintf(stderr, "%.1f s, %.0f MB\n", a.wall_s, a.memory_mb);
	if (r < 0)
		fprintf(stderr, "weft plan: %s\n", err.message[0] ? err.message : weft_strerror(r));
	return r < 0;
}

/* Without refusals; or, by --force, of some machine all the same. */
static bool answered(const struct plan_ask *ask, const struct plan_answer *a)
{
	if (!a->refusal_count)
		return true;
	for (uint32_t i = 0; ask->force && i < a->machine_count; i++) {
		if (!a->machines[i].refused)
			return true;
	}
	return false;
}

static int answer(struct options *opt)
{
	static struct plan_data data;
	static struct plan_model model;
	static struct plan_answer made;
	static struct plan_checks checks;
	struct plan_shown s = { &opt->ask, &data, &model, &made, &checks };
	weft_error err = { 0 };
	int r = model_make(opt, &data, &model, &err);

	if (r < 0)
		return no_model(opt, &err, r);
	plan_answer_make(&opt->ask, &data, &model, &made);
	plan_verify(&data, &model, &checks);
	if (show(opt, &s) < 0)
		return 1;
	return !answered(&opt->ask, &made) || (opt->check && !checks.all_ok);
}

static int wrong(const char *why)
{
	fprintf(stderr, "weft plan: %s\n", why);
	return CLI_USAGE;
}

/* Whether an option of --simulate says something else than its default. */
static bool simulation_asked(const struct options *opt)
{
	const struct sim_ask *s = &opt->sim;

	return s->machines != 1 || s->cores != 8 || s->agents != 1000000 || s->cs2 != 1 || s->at_once != 1 || s->fail || opt->service_us > 0 ||
	       strcmp(opt->balance, "two") != 0;
}

/* Options that do not go together. */
static int check(const struct options *opt)
{
	if (!(opt->ask.rate > 0))
		return wrong("--rate is missing: how many agents a second?");
	if (opt->from && (opt->measure || opt->ask.quick || opt->ask.long_one || opt->check))
		return wrong("--from measures nothing: not together with --measure, --quick, --long or --check");
	if (opt->ask.quick && opt->ask.long_one)
		return wrong("--quick and --long do not go together");
	if (opt->check && opt->ask.no_verify)
		return wrong("--check needs what --no-verify leaves out");
	if (!opt->simulate && simulation_asked(opt))
		return wrong("--machines, --cores, --agents, --service-us, --variation, --balance, --burst and --fail want --simulate beside them");
	if (opt->simulate && (opt->save_path || opt->html_path || opt->check || opt->ask.vm_count))
		return wrong("--simulate: goes with none of --vm, --check, --save and --html");
	return 0;
}

/* Before half a minute of measuring, not behind it. */
static int check_output(const char *option, const char *path)
{
	int r = path ? cli_can_write(path) : 0;

	if (r < 0)
		fprintf(stderr, "weft plan: %s: %s: %s\n", option, path, weft_strerror(r));
	return r < 0;
}

static void given(struct options *opt)
{
	struct plan_ask *a = &opt->ask;

	a->given = (!isnan(opt->model_ms) || !isnan(opt->tool_ms) ? PLAN_GIVEN_WAITS : 0) | (opt->tools != NOT_GIVEN ? PLAN_GIVEN_TOOLS : 0) |
	           (opt->history != NOT_GIVEN ? PLAN_GIVEN_HISTORY : 0) | (a->work.inline_model ? PLAN_GIVEN_INLINE : 0);
	a->work.model_ms = isnan(opt->model_ms) ? 200 : opt->model_ms;
	a->work.tool_ms = isnan(opt->tool_ms) ? 5 : opt->tool_ms;
	a->work.tools = opt->tools == NOT_GIVEN ? 2 : opt->tools;
	a->work.history = opt->history == NOT_GIVEN ? 100 : opt->history;
}

static int plan_run(int argc, char **argv)
{
	static struct options opt = { .ask = { .headroom = 0.3, .slo_quantile = 0.99, .seed = 1 },
		                      .sim = { .machines = 1, .cores = 8, .agents = 1000000, .cs2 = 1, .at_once = 1 },
		                      .model_ms = NAN, .tool_ms = NAN, .tools = NOT_GIVEN, .history = NOT_GIVEN, .balance = "two" };
	int r = cli_read_options(&cli_plan, argc, argv, &opt);

	if (r != CLI_GO_ON)
		return r;
	r = check(&opt);
	if (r == 0)
		r = check_output("--save", opt.save_path);
	if (r == 0)
		r = check_output("--html", opt.html_path);
	if (r != 0)
		return r;
	given(&opt);
	return opt.simulate ? simulate(&opt) : answer(&opt);
}

/* ---- the table ---------------------------------------------------------------------------------- */

#define AT(field) offsetof(struct options, field)

static const char *const balances[] = { "random", "least", "two", NULL };

static const struct cli_option options[] = {
	{ "rate", "N", "agents a second; required", .kind = CLI_OWN, .read = read_rate, .expected = "a number from 0.001 to 1e9" },
	{ "model-ms", "MS", "until a model answers, which is asked once more than there are tool calls (default 200)", .kind = CLI_OWN,
	  .read = read_model_ms, .expected = "milliseconds from 0 to 600000" },
	{ "tools", "N", "tool calls of an agent, one after another (default 2, at most 8)", .kind = CLI_U32, .at = AT(tools), .min = 0, .max = PLAN_TOOLS_MAX },
	{ "tool-ms", "MS", "until a tool answers (default 5)", .kind = CLI_OWN, .read = read_tool_ms, .expected = "milliseconds from 0 to 600000" },
	{ "history", "N", "messages in an agent's room (default 100)", .kind = CLI_U32, .at = AT(history), .min = 0, .max = PLAN_HISTORY_MAX },
	{ "model-inline", NULL, "models are functions of the process, not HTTP endpoints", .kind = CLI_FLAG, .at = AT(ask.work.inline_model) },
	{ "slo", "pQ=MS", "of the latency that weft adds to those waits, as p99=50ms", .kind = CLI_OWN, .read = read_slo,
	  .expected = "a percentile and milliseconds, as p99=50ms" },
	{ "headroom", "P%", "of the processors, to be left over (default 30)", .kind = CLI_OWN, .read = read_headroom, .expected = "percents from 0 to 95" },
	{ "vm", "NAME:CORES,GB", "a type of machine, up to 16 times; ,USD behind it: dollars a month (default: like this host)", .kind = CLI_OWN, .read = read_vm,
	  .expected = "a name, whole cores, GB and perhaps dollars a month, as c7.large:2,4,62.50; 16 types at most" },
	{ "measure", NULL, "this host, now: half a minute on two cores (the default)", .kind = CLI_FLAG, .at = AT(measure) },
	{ "quick", NULL, "a third of that: one round, no intervals", .kind = CLI_FLAG, .at = AT(ask.quick) },
	{ "long", NULL, "a minute and a half: more rounds, narrower intervals", .kind = CLI_FLAG, .at = AT(ask.long_one) },
	{ "from", "FILE", "measure nothing: what --save wrote, or a result of weft bench", .kind = CLI_FILE, .at = AT(from) },
	{ "no-verify", NULL, "do not run loads that the fit has not seen", .kind = CLI_FLAG, .at = AT(ask.no_verify) },
	{ "check", NULL, "exit 1 when a prediction misses: 10% of throughput; 25% of p99 and outside its interval", .kind = CLI_FLAG, .at = AT(check) },
	{ "seed", "S", "of arrivals (default 1)", .kind = CLI_U64, .at = AT(ask.seed) },
	{ "json", NULL, "JSON in place of text", .kind = CLI_FLAG, .at = AT(json) },
	{ "save", "FILE", "the same JSON into FILE, for --from", .kind = CLI_FILE, .at = AT(save_path) },
	{ "html", "FILE", "a page, too", .kind = CLI_FILE, .at = AT(html_path) },
	{ "force", NULL, "answer also where the figures do not carry it; what is refused is said", .kind = CLI_FLAG, .at = AT(ask.force) },
	{ "simulate", NULL, "a cluster, event by event, in place of a plan; the options below are its", .kind = CLI_FLAG, .at = AT(simulate) },
	{ "machines", "N", "of one kind (default 1, at most 1000)", .kind = CLI_U32, .at = AT(sim.machines), .min = 1, .max = SIM_MACHINES_MAX },
	{ "cores", "N", "of each (default 8)", .kind = CLI_U32, .at = AT(sim.cores), .min = 1, .max = SIM_CORES_MAX },
	{ "agents", "N", "to be simulated (default 1000000)", .kind = CLI_U64, .at = AT(sim.agents), .min = 1, .max = SIM_AGENTS_MAX },
	{ "service-us", "US", "processor time of an agent (default: --from, or measured)", .kind = CLI_OWN, .read = read_service,
	  .expected = "microseconds from 0.001 to 1e9" },
	{ "variation", "X", "squared coefficient of variation of its pieces (default 1: exponential)", .kind = CLI_OWN, .read = read_variation,
	  .expected = "0, or a number from 0.01 to 1000" },
	{ "balance", "HOW", "random, least (loaded) or two (the better of two at random; default)", .kind = CLI_WORD, .at = AT(balance), .words = balances },
	{ "burst", "N", "so many agents come at once (default 1)", .kind = CLI_U32, .at = AT(sim.at_once), .min = 1, .max = 1000000 },
	{ "fail", "N@SECS", "so many machines end then; their agents begin anew elsewhere", .kind = CLI_OWN, .read = read_fail,
	  .expected = "machines and seconds, as 2@30" },
	{ .name = NULL },
};

const struct cli_command cli_plan = {
	.name = "plan",
	.what = "how many cores, how much memory and how many machines a rate needs",
	.intro = "Measures this host, fits a model to it, and says how many cores, how much memory and how many machines so many agents "
		 "a second need; loads that the model was not fitted to are run as well, and printed beside what it predicts.",
	.outro = "Exit status: 0; 1 when there is no answer or a check missed; 2 for a wrong option, or a file that cannot be used.",
	.options = options,
	.run = plan_run,
};
