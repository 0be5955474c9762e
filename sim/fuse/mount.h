/* SPDX-License-Identifier: Apache-2.0 */
/* A FUSE mount, whose requests a thread of its own answers. */
#ifndef SIM_FUSE_MOUNT_H
#define SIM_FUSE_MOUNT_H

#define FUSE_USE_VERSION 314
#include <fuse_lowlevel.h>
#include <pthread.h>

#include "base/error.h"

struct mount {
    struct fuse_session *session; /* NULL: it is not mounted */
    int stop_fd;
    pthread_t thread;
};

/* `name`: the source in /proc/mounts. `data` is what the operations find as their request's.
 * -UNAVAILABLE without FUSE. */
int mount_start(struct mount *mount, const struct fuse_lowlevel_ops *operations, const char *name,
                const char *dir, void *data, struct error *err);
/* No request is answered any more. */
void mount_stop(struct mount *mount);
/* After mount_stop(). */
void mount_end(struct mount *mount);

#endif
