/* SPDX-License-Identifier: Apache-2.0 */
/* Waiting for a state, in tests that run no loop: how long it takes does not matter. */
#ifndef TEST_LIB_AWAIT_H
#define TEST_LIB_AWAIT_H

#include <stdbool.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define AWAIT_LOOKS 20000 /* a pause each: more than any state takes */
#define AWAIT_PAUSE_NS 1000000

/* Until is_so(data); false if it does not come about. */
static inline bool await(bool (*is_so)(void *data), void *data)
{
    bool so = is_so(data);
    for (int i = 0; i < AWAIT_LOOKS && !so; i++) {
        nanosleep(&(struct timespec){.tv_nsec = AWAIT_PAUSE_NS}, NULL);
        so = is_so(data);
    }
    return so;
}

/* For await(), of a thread of this process (pid_t): it waits for a lock or a condition. One that
 * has ended does not. */
static inline bool await_is_blocked(void *tid)
{
    char path[64];
    long call = -1;
    snprintf(path, sizeof(path), "/proc/self/task/%d/syscall", *(const pid_t *)tid);
    FILE *file = fopen(path, "re");
    bool known = file != NULL && fscanf(file, "%ld", &call) == 1;
    if (file != NULL) {
        fclose(file);
    }
    return known && call == SYS_futex;
}

#endif
