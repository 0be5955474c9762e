/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who has a file open: found in /proc, as fuser(1) does. Only root sees other users' processes;
 * what can't be seen is left out.
 */
#ifndef BASE_OPENERS_H
#define BASE_OPENERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

/* Does a path concern the question? */
typedef bool openers_fit_fn(const char *path, const void *data);

/* Has the process a fitting file open? One that has ended, or is not ours to see, has none. `proc`
 * is
 * "/proc". Any thread. */
bool openers_has(const char *proc, uint32_t pid, openers_fit_fn *fits, const void *data);

/* Appends "name (PID 812), name (PID 900)" of the processes, this one left out, that have a fitting
 * file open; at most `max` of them, and how many more there are. `proc` is "/proc". Returns how
 * many there are. Any thread. */
size_t openers_list(const char *proc, openers_fit_fn *fits, const void *data, size_t max,
                    struct strbuf *ret_names);

/* Of a GPU's node, /dev/nvidia0 or the like: which one it is NVIDIA's driver says in
 * /proc/driver/nvidia; where it doesn't, of any. `root` is "" for the real machine. */
size_t openers_of_gpu(const char *root, const char *bdf, size_t max, struct strbuf *ret_names);

#endif
