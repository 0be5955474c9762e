/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The top of /proc for a kernel that was built without modules, which has no /proc/modules, and in
 * whose /proc nothing can be made: a FUSE mount of symbolic links, one for each name of the real
 * /proc, which is bound elsewhere, and one more. A thread of its own serves it and never takes the
 * host's lock, so that who holds that one may read /proc.
 */
#ifndef SIM_FUSE_PROC_ROOT_H
#define SIM_FUSE_PROC_ROOT_H

#include "base/error.h"

struct proc_root;
/* `real`: where the real /proc will be found; `modules`: what /proc/modules leads to. Both are
 * kept. */
int proc_root_start(const char *real, const char *modules, const char *mount_dir,
                    struct proc_root **ret_root, struct error *err);
void proc_root_stop(struct proc_root *root);

#endif
