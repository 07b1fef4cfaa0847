// SPDX-License-Identifier: Apache-2.0
//
// CAF, the C++ Actor Framework: event-based actors on its work-stealing scheduler.
//
//   actors-caf ITEM WORKERS REPETITIONS      prints one line of JSON a figure
#include <caf/all.hpp>

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <future>
#include <string>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <thread>
#include <time.h>
#include <unistd.h>
#include <vector>

using namespace caf;
using u64 = uint64_t;

#if CAF_VERSION >= 10000
#define SEND(self, to, ...) (self)->mail(__VA_ARGS__).send(to)
#define SEND_FROM_OUTSIDE(to, ...) caf::anon_mail(__VA_ARGS__).send(to)
#define MAX_THREADS "caf.scheduler.max-threads"
#else
#define SEND(self, to, ...) (self)->send(to, __VA_ARGS__)
#define SEND_FROM_OUTSIDE(to, ...) caf::anon_send(to, __VA_ARGS__)
#define MAX_THREADS "scheduler.max-threads"
#endif

static int repetitions;

static u64 now()
{
	timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return u64(t.tv_sec) * 1000000000ull + u64(t.tv_nsec);
}

static void report(const std::string &item, const char *unit, const std::vector<double> &values)
{
	rusage r;
	getrusage(RUSAGE_SELF, &r);
	printf("{\"item\":\"%s\",\"unit\":\"%s\",\"peak_rss_mb\":%.1f,\"values\":[", item.c_str(), unit, double(r.ru_maxrss) / 1024);
	for (size_t i = 0; i < values.size(); i++)
		printf("%s%.3f", i ? "," : "", values[i]);
	printf("]}\n");
	fflush(stdout);
}

// One to warm up, then those that count.
static void measure(const std::string &item, const char *unit, const std::function<double()> &one)
{
	std::vector<double> values;
	one();
	for (int i = 0; i < repetitions; i++)
		values.push_back(one());
	report(item, unit, values);
}

static double ns_each(u64 start, u64 n)
{
	return double(now() - start) / double(n);
}

// What the main thread waits for.
struct gate {
	std::promise<void> promise;
	std::future<void> future = promise.get_future();
	void open() { promise.set_value(); }
	void wait() { future.wait(); }
};

static u64 xorshift(u64 &s)
{
	s ^= s << 13;
	s ^= s >> 7;
	s ^= s << 17;
	return s;
}

// ---- ping-pong ----

static behavior ponger(event_based_actor *)
{
	return {[](u64 v) { return v; }};
}

static behavior pinger(event_based_actor *self, actor pong, u64 rounds, gate *done)
{
	SEND(self, pong, u64(0));
	auto left = rounds;
	return {[=](u64 v) mutable {
		if (--left) {
			SEND(self, pong, v + 1);
			return;
		}
		done->open();
		self->quit();
	}};
}

template <spawn_options O>
static double ping_pong(actor_system &sys, u64 rounds)
{
	gate done;
	auto pong = sys.spawn<O>(ponger);
	auto start = now();
	sys.spawn<O>(pinger, pong, rounds, &done);
	done.wait();
	double ns = ns_each(start, rounds);
	anon_send_exit(pong, exit_reason::kill);
	return ns;
}

// ---- many to one, ring ----

static behavior counter(event_based_actor *self, u64 n, gate *done)
{
	auto left = n;
	return {[=](u64) mutable {
		if (--left == 0) {
			done->open();
			self->quit();
		}
	}};
}

// A hundred messages a turn: all at once would fill gigabytes, since mailboxes have no bound.
static behavior sender(event_based_actor *self, actor to, u64 n)
{
	auto left = n;
	return {[=](u64) mutable {
		for (u64 i = 0; i < 100; i++)
			SEND(self, to, i);
		left -= 100;
		if (left)
			SEND(self, actor_cast<actor>(self), u64(0));
		else
			self->quit();
	}};
}

static double many_to_one(actor_system &sys)
{
	const u64 senders = 100, each = 20000; // all 100,000 are a gigabyte in the mailbox, and no faster
	gate done;
	auto receiver = sys.spawn(counter, senders * each, &done);
	std::vector<actor> all;
	for (u64 i = 0; i < senders; i++)
		all.push_back(sys.spawn(sender, receiver, each));
	auto start = now();
	for (auto &a : all)
		SEND_FROM_OUTSIDE(a, u64(0));
	done.wait();
	return ns_each(start, senders * each);
}

static behavior node(event_based_actor *self, gate *done)
{
	auto next = std::make_shared<actor>();
	return {[=](const actor &n) { *next = n; },
	        [=](u64 left) {
			if (left)
				SEND(self, *next, left - 1);
			else
				done->open();
	        }};
}

static double ring(actor_system &sys)
{
	const u64 nodes = 100, hops = 2000000;
	gate done;
	std::vector<actor> all;
	for (u64 i = 0; i < nodes; i++)
		all.push_back(sys.spawn(node, &done));
	for (u64 i = 0; i < nodes; i++)
		SEND_FROM_OUTSIDE(all[i], all[(i + 1) % nodes]);
	auto start = now();
	SEND_FROM_OUTSIDE(all[0], hops);
	done.wait();
	double ns = ns_each(start, hops);
	for (auto &a : all)
		anon_send_exit(a, exit_reason::kill);
	return ns;
}

// ---- many actors ----

static behavior once(event_based_actor *self, actor to)
{
	return {[=](u64 v) {
		SEND(self, to, v);
		self->quit();
	}};
}

static behavior spawner(event_based_actor *self, u64 n, gate *done)
{
	auto left = n;
	return {[=](u64) mutable {
			if (--left == 0) {
				done->open();
				self->quit();
			}
		},
	        [=](u64, u64) {
			actor me = actor_cast<actor>(self);
			for (u64 i = 0; i < n; i++)
				SEND(self, self->spawn(once, me), i);
	        }};
}

static double spawn(actor_system &sys)
{
	const u64 n = 50000; // a million takes minutes with two workers
	gate done;
	auto a = sys.spawn(spawner, n, &done);
	auto start = now();
	SEND_FROM_OUTSIDE(a, u64(0), u64(0));
	done.wait();
	return ns_each(start, n);
}

static behavior idle_actor(event_based_actor *)
{
	return {[](u64) {}};
}

static double rss_bytes()
{
	long size = 0, resident = 0;
	FILE *f = fopen("/proc/self/statm", "r");
	if (!f || fscanf(f, "%ld %ld", &size, &resident) != 2)
		resident = 0;
	fclose(f);
	return double(resident) * double(sysconf(_SC_PAGESIZE));
}

static void idle_bytes(actor_system &sys)
{
	const u64 n = 300000;
	auto &keep = *new std::vector<actor>;
	keep.reserve(n);
	double before = rss_bytes();
	for (u64 i = 0; i < n; i++)
		keep.push_back(sys.spawn(idle_actor));
	usleep(500000);
	report("idle-bytes", "bytes", {(rss_bytes() - before) / double(n)});
	_exit(0); // so many exits prove nothing
}

// ---- Savina ----

static std::vector<actor> peers;

// (kind, from): 0 go on, 1 ping
static behavior peer(event_based_actor *self, u64 id, actor host)
{
	u64 random = id * 2654435761u + 1, left = 1000;
	return {[=](u64 is_ping, u64 from) mutable {
		if (is_ping) {
			SEND(self, peers[from], u64(0), id);
		} else if (left == 0) {
			SEND(self, host, u64(1));
		} else {
			left--;
			SEND(self, peers[xorshift(random) % 1000], u64(1), id);
		}
	}};
}

static double big(actor_system &sys)
{
	gate done;
	auto host = sys.spawn(counter, u64(1000), &done);
	peers.clear();
	for (u64 i = 0; i < 1000; i++)
		peers.push_back(sys.spawn(peer, i, host));
	auto start = now();
	for (auto &p : peers)
		SEND_FROM_OUTSIDE(p, u64(0), u64(0));
	done.wait();
	double ns = ns_each(start, 2000000);
	for (auto &p : peers)
		anon_send_exit(p, exit_reason::kill);
	peers.clear();
	return ns;
}

static behavior hand(event_based_actor *self, actor dealer, u64 n)
{
	auto left = n;
	double sum = 0;
	return {[=](u64) mutable {
		sum += 37.2 * 37.2;
		if (--left == 0) {
			SEND(self, dealer, u64(sum > 0));
			self->quit();
		}
	}};
}

// A hundred rounds a turn, as the senders of many-to-one.
static behavior dealer(event_based_actor *self, std::vector<actor> hands, u64 rounds)
{
	auto left = rounds;
	return {[=](u64) mutable {
		for (int i = 0; i < 100 && left; i++, left--)
			for (auto &h : hands)
				SEND(self, h, left);
		if (left)
			SEND(self, actor_cast<actor>(self), u64(0));
		else
			self->quit();
	}};
}

static double fork_join(actor_system &sys)
{
	const u64 hands = 60, each = 10000;
	gate done;
	auto last = sys.spawn(counter, hands, &done);
	std::vector<actor> all;
	for (u64 i = 0; i < hands; i++)
		all.push_back(sys.spawn(hand, last, each));
	auto from = sys.spawn(dealer, all, each);
	auto start = now();
	SEND_FROM_OUTSIDE(from, u64(0));
	done.wait();
	return ns_each(start, hands * each);
}

// Both get the third colour, or keep the one they share.
static u64 blend(u64 a, u64 b)
{
	return a == b ? a : 3 - a - b;
}

// Told to begin by two numbers; of a meeting by the other and its colour; of an answer by a colour; of the end by nothing.
static behavior creature(event_based_actor *self, actor mall, u64 first_colour)
{
	struct state {
		u64 colour, met;
	};
	auto s = std::make_shared<state>(state{first_colour, 0});
	auto meet = [=](u64 theirs) {
		s->colour = blend(s->colour, theirs);
		s->met++;
		SEND(self, mall, actor_cast<actor>(self), s->colour);
	};
	return {[=](u64, u64) { SEND(self, mall, actor_cast<actor>(self), s->colour); },
	        [=](const actor &other, u64 theirs) {
			SEND(self, other, s->colour);
			meet(theirs);
	        },
	        [=](u64 theirs) { meet(theirs); },
	        [=](unit_t) {
			SEND(self, mall, s->met);
			self->quit();
	        }};
}

// Sends the newcomer's message to the one that waits, who answers to the newcomer; both come again.
static behavior mall(event_based_actor *self, u64 creatures, u64 meetings, gate *done)
{
	struct state {
		actor waiting;
		u64 meetings, creatures, met;
	};
	auto s = std::make_shared<state>(state{nullptr, meetings, creatures, 0});
	return {[=](const actor &who, u64 colour) {
			if (s->meetings == 0) {
				SEND(self, who, unit);
			} else if (!s->waiting) {
				s->waiting = who;
			} else {
				SEND(self, s->waiting, who, colour);
				s->waiting = nullptr;
				s->meetings--;
			}
		},
	        [=](u64 met) {
			s->met += met;
			if (--s->creatures)
				return;
			if (s->met != 2 * meetings)
				abort();
			done->open();
			self->quit();
	        }};
}

static double chameneos(actor_system &sys)
{
	const u64 creatures = 100, meetings = 200000;
	gate done;
	auto start = now();
	auto m = sys.spawn(mall, creatures, meetings, &done);
	for (u64 i = 0; i < creatures; i++)
		SEND_FROM_OUTSIDE(sys.spawn(creature, m, i % 3), u64(0), u64(0));
	done.wait();
	return ns_each(start, meetings);
}

// Money is one number and answered by one. An order says how much, to whom, and who is told; the source takes nothing
// else until the destination has answered (await). At the end, two numbers ask for the balance.
static behavior account(event_based_actor *self)
{
	auto balance = std::make_shared<int64_t>(1000000);
	return {[=](u64 amount) {
			*balance += int64_t(amount);
			return amount;
		},
	        [=](u64 amount, const actor &to, const actor &teller) {
			*balance -= int64_t(amount);
			self->request(to, infinite, amount).await([=](u64) { SEND(self, teller, u64(1)); });
	        },
	        [=](const actor &teller) {
			SEND(self, teller, *balance);
			self->quit();
	        }};
}

// From a lower account to a higher one, so that nobody waits in a circle.
static behavior teller(event_based_actor *self, std::vector<actor> accounts, u64 transfers, gate *done)
{
	struct state {
		u64 left, open;
		int64_t total;
	};
	u64 n = accounts.size();
	auto s = std::make_shared<state>(state{transfers, n, 0});
	actor me = actor_cast<actor>(self);
	return {[=](u64, u64) {
			u64 random = 88172645463325252ull;
			for (u64 i = 0; i < transfers; i++) {
				u64 from = xorshift(random) % (n / 10 * 8), to = from + 1 + xorshift(random) % (n - from - 1);
				SEND(self, accounts[from], xorshift(random) % 1000, accounts[to], me);
			}
		},
	        [=](u64) {
			if (--s->left == 0)
				for (auto &a : accounts)
					SEND(self, a, me);
	        },
	        [=](int64_t balance) {
			s->total += balance;
			if (--s->open)
				return;
			if (s->total != int64_t(1000000 * n))
				abort();
			done->open();
			self->quit();
	        }};
}

static double bank(actor_system &sys)
{
	const u64 count = 1000, transfers = 50000;
	gate done;
	std::vector<actor> accounts;
	for (u64 i = 0; i < count; i++)
		accounts.push_back(sys.spawn(account));
	auto t = sys.spawn(teller, accounts, transfers, &done);
	auto start = now();
	SEND_FROM_OUTSIDE(t, u64(0), u64(0));
	done.wait();
	return ns_each(start, transfers);
}

static behavior fib(event_based_actor *self, actor parent, gate *done)
{
	auto sum = std::make_shared<std::pair<u64, int>>(0, 2);
	return {[=](u64 n, u64) {
			if (n <= 2) {
				SEND(self, parent, u64(1));
				self->quit();
				return;
			}
			actor me = actor_cast<actor>(self);
			for (u64 k = 1; k <= 2; k++)
				SEND(self, self->spawn(fib, me, (gate *)nullptr), n - k, u64(0));
		},
	        [=](u64 v) {
			sum->first += v;
			if (--sum->second)
				return;
			if (!done)
				SEND(self, parent, sum->first);
			else if (sum->first == 75025)
				done->open();
			else
				abort();
			self->quit();
	        }};
}

static double fibonacci(actor_system &sys)
{
	gate done;
	auto start = now();
	SEND_FROM_OUTSIDE(sys.spawn(fib, actor{}, &done), u64(25), u64(0));
	done.wait();
	return ns_each(start, 1) / 1e6;
}

// ---- skynet ----

static behavior sky(event_based_actor *self, actor parent, gate *done)
{
	auto sum = std::make_shared<std::pair<u64, int>>(0, 10);
	return {[=](u64 number, u64 size) {
			if (size == 1) {
				SEND(self, parent, number);
				self->quit();
				return;
			}
			actor me = actor_cast<actor>(self);
			for (u64 i = 0; i < 10; i++)
				SEND(self, self->spawn(sky, me, (gate *)nullptr), number + i * (size / 10), size / 10);
		},
	        [=](u64 v) {
			sum->first += v;
			if (--sum->second)
				return;
			if (!done)
				SEND(self, parent, sum->first);
			else if (sum->first == 499999500000ull)
				done->open();
			else
				abort();
			self->quit();
	        }};
}

static double skynet(actor_system &sys)
{
	gate done;
	auto start = now();
	SEND_FROM_OUTSIDE(sys.spawn(sky, actor{}, &done), u64(0), u64(1000000));
	done.wait();
	return ns_each(start, 1) / 1e6;
}

// ---- tasks ----

static volatile u64 computed;

static void compute()
{
	u64 x = 88172645463325252ull;
	for (int i = 0; i < 60; i++)
		xorshift(x);
	computed = x;
}

static behavior task(event_based_actor *self, actor joiner)
{
	return {[=](u64) {
		compute();
		SEND(self, joiner, u64(1));
		self->quit();
	}};
}

static behavior joiner(event_based_actor *self, u64 n, u64 batches, gate *done)
{
	auto left = n, left_batches = batches;
	auto start_batch = [=] {
		actor me = actor_cast<actor>(self);
		for (u64 i = 0; i < n; i++)
			SEND(self, self->spawn(task, me), u64(0));
	};
	return {[=](u64) mutable {
			if (--left)
				return;
			if (--left_batches == 0) {
				done->open();
				self->quit();
				return;
			}
			left = n;
			start_batch();
		},
	        [=](u64, u64) { start_batch(); }};
}

static double tasks(actor_system &sys, u64 n)
{
	const u64 batches = 2000;
	gate done;
	auto a = sys.spawn(joiner, n, batches, &done);
	auto start = now();
	SEND_FROM_OUTSIDE(a, u64(0), u64(0));
	done.wait();
	return ns_each(start, batches) / 1e3;
}

static double tasks_foreign(actor_system &sys, u64 n)
{
	const u64 batches = 1000;
	scoped_actor self{sys};
	actor me = actor_cast<actor>(self.ptr());
	auto start = now();
	for (u64 b = 0; b < batches; b++) {
		for (u64 i = 0; i < n; i++)
			SEND_FROM_OUTSIDE(sys.spawn(task, me), u64(0));
		u64 got = 0;
		self->receive_while([&] { return got < n; })([&](u64) { got++; });
	}
	return ns_each(start, batches) / 1e3;
}

// ---- open loop ----

static std::vector<u64> delays;
static std::atomic<u64> arrived;

static behavior receiver(event_based_actor *)
{
	return {[](u64 number, u64 due) {
		delays[number] = now() - due;
		arrived.fetch_add(1, std::memory_order_relaxed);
	}};
}

static void open_loop(actor_system &sys)
{
	const u64 receivers = 64, gap = 10000, count = 200000;
	std::vector<actor> all;
	delays.assign(count, 0);
	for (u64 i = 0; i < receivers; i++)
		all.push_back(sys.spawn(receiver));
	usleep(200000);
	std::thread generator([&] {
		prctl(PR_SET_TIMERSLACK, 1);
		u64 start = now() + 1000000;
		for (u64 i = 0; i < count;) {
			u64 due = start + i * gap;
			timespec t{time_t(due / 1000000000), long(due % 1000000000)};
			clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, nullptr);
			for (; i < count && start + i * gap <= now(); i++)
				SEND_FROM_OUTSIDE(all[i % receivers], i, start + i * gap);
		}
		for (int k = 0; k < 5000 && arrived < count; k++)
			usleep(1000);
	});
	generator.join();
	std::sort(delays.begin(), delays.end());
	auto us = [&](double share) { return std::vector<double>{double(delays[u64(share * count)]) / 1e3}; };
	report("open-loop-p50", "us", us(0.5));
	report("open-loop-p99", "us", us(0.99));
	report("open-loop-p99.9", "us", us(0.999));
}

// ---- broadcast ----

static behavior publisher(event_based_actor *self, std::vector<actor> subscribers, u64 n)
{
	auto left = n;
	return {[=](u64) mutable {
		for (int i = 0; i < 128 && left; i++, left--)
			for (auto &s : subscribers)
				SEND(self, s, left);
		if (left)
			SEND(self, actor_cast<actor>(self), u64(0));
		else
			self->quit();
	}};
}

static double broadcast(actor_system &sys, int n)
{
	const u64 events = 300000;
	std::vector<gate> done(n);
	std::vector<actor> subscribers;
	for (auto &d : done)
		subscribers.push_back(sys.spawn(counter, events, &d));
	auto p = sys.spawn(publisher, subscribers, events);
	auto start = now();
	SEND_FROM_OUTSIDE(p, u64(0));
	for (auto &d : done)
		d.wait();
	return ns_each(start, events);
}

static int run(actor_system &sys, const std::string &item)
{
	auto number = [&] { return u64(atoi(item.c_str() + item.rfind('-') + 1)); };
	if (item == "ping-pong")
		measure(item, "ns", [&] { return ping_pong<no_spawn_options>(sys, 300000); });
	else if (item == "ping-pong-cross")
		measure(item, "ns", [&] { return ping_pong<detached>(sys, 20000); });
	else if (item == "many-to-one")
		measure(item, "ns", [&] { return many_to_one(sys); });
	else if (item == "ring")
		measure(item, "ns", [&] { return ring(sys); });
	else if (item == "spawn")
		measure(item, "ns", [&] { return spawn(sys); });
	else if (item == "idle-bytes")
		idle_bytes(sys);
	else if (item == "big")
		measure(item, "ns", [&] { return big(sys); });
	else if (item == "fork-join")
		measure(item, "ns", [&] { return fork_join(sys); });
	else if (item == "chameneos")
		measure(item, "ns", [&] { return chameneos(sys); });
	else if (item == "bank")
		measure(item, "ns", [&] { return bank(sys); });
	else if (item == "fibonacci")
		measure(item, "ms", [&] { return fibonacci(sys); });
	else if (item == "skynet")
		measure(item, "ms", [&] { return skynet(sys); });
	else if (item.rfind("tasks-foreign-", 0) == 0)
		measure(item, "us", [&] { return tasks_foreign(sys, number()); });
	else if (item.rfind("tasks-", 0) == 0)
		measure(item, "us", [&] { return tasks(sys, number()); });
	else if (item == "open-loop")
		open_loop(sys);
	else if (item == "broadcast-4")
		measure(item, "ns", [&] { return broadcast(sys, 4); });
	else
		return 3; // not here
	return 0;
}

int main(int argc, char **argv)
{
	if (argc != 4) {
		fprintf(stderr, "usage: actors-caf ITEM WORKERS REPETITIONS\n");
		return 2;
	}
#if CAF_VERSION >= 1800
	core::init_global_meta_objects();
#endif
	actor_system_config config;
	config.set(MAX_THREADS, u64(atoi(argv[2])));
	repetitions = atoi(argv[3]);
	actor_system sys{config};
	int status = run(sys, argv[1]);
	fflush(stdout);
	_exit(status); // what is left of the actors would be waited for
}
