/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Private copies of system directories: a tmpfs is mounted over a directory and every entry of the
 * original is bound into it again, except those that the simulated host brings itself. So the
 * machine's own entries stay live, and new ones can be put next to them.
 */
#ifndef SIM_RUN_SKELETON_H
#define SIM_RUN_SKELETON_H

#include <stdbool.h>

#include "base/error.h"

/* Says which entries of the original are left out. */
typedef bool skeleton_hide_fn(const char *name, const void *data);

/* Lays a tmpfs over `dir` and fills it. */
int skeleton_mount(const char *dir, skeleton_hide_fn *hide, const void *data, struct error *err);
/* Fills the existing directory `dir` (on a tmpfs) from `original`, a path below which the real one
 * is still reachable. */
int skeleton_fill(const char *original, const char *dir, skeleton_hide_fn *hide, const void *data,
                  struct error *err);

/* Creates `target` (a directory, or an empty file, as `source` is one) if need be and binds
 * `source` there, with what is mounted below it. */
int skeleton_bind(const char *source, const char *target, struct error *err);
/* Binds each entry of `source` that exists into `target`, over what may be there. */
int skeleton_bind_entries(const char *source, const char *target, struct error *err);
/* A fresh tmpfs at `dir`, which must exist. `mode` as in "0755". */
int skeleton_tmpfs(const char *dir, const char *mode, struct error *err);

/* hide functions: a NULL-terminated list of names; every entry that exists in a directory. */
bool skeleton_hide_listed(const char *name, const void *names);
bool skeleton_hide_existing(const char *name, const void *dir);

#endif
