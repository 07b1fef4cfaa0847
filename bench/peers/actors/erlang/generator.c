/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The foreign thread of actors.erl's open loop: sends the time each message is due at to the processes, when it is due.
 * Erlang's monotonic clock is the system's with an offset, which only a scheduler's thread may ask for.
 */
#include <erl_nif.h>
#include <pthread.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <time.h>

#define PIDS_MAX 1024

static ErlNifPid pids[PIDS_MAX];
static int pid_count;
static int64_t gap_ns, count, offset_ns;

static int64_t system_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static void *generate(void *unused)
{
	ErlNifEnv *env = enif_alloc_env();
	int64_t start = system_ns() + 1000000;

	prctl(PR_SET_TIMERSLACK, 1);
	for (int64_t i = 0; i < count;) {
		int64_t due = start + i * gap_ns;
		struct timespec t = { due / 1000000000, due % 1000000000 };

		clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL);
		for (; i < count && start + i * gap_ns <= system_ns(); i++) {
			enif_send(NULL, &pids[i % pid_count], env, enif_make_int64(env, start + i * gap_ns - offset_ns));
			enif_clear_env(env);
		}
	}
	enif_free_env(env);
	return unused;
}

static ERL_NIF_TERM generator_start(ErlNifEnv *env, int argc, const ERL_NIF_TERM argv[])
{
	const ERL_NIF_TERM *list;
	ErlNifSInt64 gap, n;
	pthread_t thread;

	if (argc != 4 || !enif_get_tuple(env, argv[0], &pid_count, &list) || pid_count > PIDS_MAX ||
	    !enif_get_int64(env, argv[1], &gap) || !enif_get_int64(env, argv[2], &n))
		return enif_make_badarg(env);
	for (int i = 0; i < pid_count; i++)
		enif_get_local_pid(env, list[i], &pids[i]);
	offset_ns = system_ns() - enif_monotonic_time(ERL_NIF_NSEC);
	gap_ns = gap;
	count = n;
	if (pthread_create(&thread, NULL, generate, NULL) != 0)
		return enif_make_badarg(env);
	pthread_detach(thread);
	return enif_make_atom(env, "ok");
}

static ErlNifFunc functions[] = { { "generator_start", 4, generator_start, 0 } };

ERL_NIF_INIT(actors, functions, NULL, NULL, NULL, NULL)
