/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Falling asleep against being woken, in Promela: a second opinion on D1 and D2 of runtime/sched/park.c, by a
 * tool that shares nothing with explore.c. Each processor has a store buffer, as x86 has; memory takes from it
 * when it likes. Liveness, not only safety: every task that is sent is run in the end.
 *
 *   spin -a park.pml && cc -o pan pan.c && ./pan -a -f -N all_run            must find nothing
 *   spin -a -DWEAK_D1 park.pml ..., or -DWEAK_D2                             must find a lost wake-up
 *
 * spin.sh does all three.
 */
#define SENDS 2

byte inject;          /* tasks in the stack; pushed by read-modify-write, which a fence follows */
byte sleeping;        /* 0 awake, 1 asleep */
byte ran;
bool event;           /* the eventfd is readable */

/* the store buffers: one store each at a time is all that the protocol has */
bool sender_holds;    /* a push not yet in memory; only without D1 */
bool worker_holds;    /* sleeping = 1 not yet in memory; only without D2 */

inline sender_flush()
{
	!sender_holds
}

inline worker_flush()
{
	!worker_holds
}

active proctype memory()
{
	do
	:: atomic { sender_holds -> inject++; sender_holds = false }
	:: atomic { worker_holds -> sleeping = 1; worker_holds = false }
	od
}

active proctype sender()
{
	byte n = 0;

	do
	:: n < SENDS ->
#ifdef WEAK_D1
		sender_flush();
		sender_holds = true;    /* a store that the look may overtake */
#else
		atomic { inject++ }     /* D1 */
#endif
		if
		:: sleeping == 1 ->     /* D1' */
			atomic {        /* the CAS: drains the buffer, too */
				sender_flush() ->
				if
				:: sleeping == 1 -> sleeping = 0; event = true
				:: else
				fi
			}
		:: else
		fi;
		n++
	:: else -> break
	od
}

active proctype worker()
{
	do
	:: atomic { inject > 0 -> ran = ran + inject; inject = 0 } /* take_all, and run */
	:: ran == SENDS -> break
	:: inject == 0 && ran < SENDS ->
#ifdef WEAK_D2
		worker_holds = true;
#else
		sleeping = 1;           /* D2 */
#endif
		if
		:: inject > 0           /* D2': there is work after all */
		:: inject == 0 ->
			atomic { event -> event = false } /* sleep until the eventfd is readable */
		fi;
		worker_flush();                 /* the exchange drains the buffer */
		sleeping = 0
	od
}

ltl all_run { <> (ran == SENDS) }
