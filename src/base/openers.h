/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Programs that have a file open: found in /proc, as fuser(1) does. Only root sees other users'
 * processes; what can't be seen is left out. A search has a budget of time, for any user may have
 * millions of descriptors: root's processes, services' and VMs' (by their cgroup) are looked
 * through before the other users', and of either each gets a share before one with more gets the
 * rest. A search that ran out of time says so: what it did not find may be there all the same.
 */
#ifndef BASE_OPENERS_H
#define BASE_OPENERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"
#include "base/vec.h"

#define OPENERS_SHARE 1024  /* descriptors of one process, in the first round */
#define OPENER_NAME_SIZE 32 /* of a process, as the kernel keeps it, and more */

/* Does a path concern the question? */
typedef bool openers_fit_fn(const char *path, const void *data);

struct opener {
    uint32_t pid;
    char name[OPENER_NAME_SIZE]; /* clean; "?": not known */
};

struct openers_search {
    /* In: */
    const char *proc; /* "/proc" */
    openers_fit_fn *fits;
    const void *data;
    uint64_t budget_us;
    size_t max;    /* found ones that end the search; 0: all are to be found */
    uint32_t skip; /* a process that is left out; 0: none */
    /* Out: */
    VEC(struct opener) found;
    size_t n_unfinished;      /* processes that there was no time for, or not for all they have */
    struct opener unfinished; /* the one with most, as far as is known; PID 0: none */
};
void openers_search_done(struct openers_search *search);
#define CLEANUP_OPENERS CLEANUP(openers_search_done)

/* 0, or -errno: there is no /proc. A process that has ended, or is not ours to see, has no file
 * open. Any thread. */
int openers_search(struct openers_search *search);

/* Appends "name (PID 812), name (PID 900)" of the processes, this one left out, that have a GPU's
 * node open, /dev/nvidia0 or the like; at most `max` of them, and whether there are, or may be,
 * more. Which node it is NVIDIA's driver says in /proc/driver/nvidia; where it doesn't, any is.
 * Takes a second at most. `root` is "" for the real machine. Returns how many are known. Any
 * thread. */
size_t openers_of_gpu(const char *root, const char *bdf, size_t max, struct strbuf *ret_names);

#endif
