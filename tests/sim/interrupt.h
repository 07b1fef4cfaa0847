/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tests/sim/interrupt.h - stands before each source of the interrupted build (meson.build): who
 * wants a mutex whose holder was interrupted lets him go on, instead of stopping the only thread.
 */
#ifndef WEFT_TESTS_SIM_INTERRUPT_H
#define WEFT_TESTS_SIM_INTERRUPT_H

#include <pthread.h>

int sim_mutex_lock(pthread_mutex_t *lock);

#define pthread_mutex_lock sim_mutex_lock

#endif
