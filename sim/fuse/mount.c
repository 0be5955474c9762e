/* SPDX-License-Identifier: Apache-2.0 */
#include "sim/fuse/mount.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/attr.h"

/* Answers requests until the mount is gone or stop_fd can be read. */
static void *serve(void *data)
{
    const struct mount *mount = data;
    struct fuse_buf buffer = {0};
    struct pollfd fds[] = {
        {.fd = fuse_session_fd(mount->session), .events = POLLIN},
        {.fd = mount->stop_fd, .events = POLLIN},
    };
    while (!fuse_session_exited(mount->session)) {
        if (poll(fds, ARRAY_SIZE(fds), -1) < 0 && errno != EINTR) {
            break;
        }
        if (fds[1].revents != 0 || (fds[0].revents & (POLLERR | POLLNVAL)) != 0) {
            break;
        }
        if ((fds[0].revents & POLLIN) == 0) {
            continue;
        }
        int r = fuse_session_receive_buf(mount->session, &buffer);
        if (r > 0) {
            fuse_session_process_buf(mount->session, &buffer);
        } else if (r != -EINTR && r != -EAGAIN) {
            break; /* unmounted */
        }
    }
    free(buffer.mem);
    return NULL;
}

static int refuse(const char *dir, struct error *err)
{
    error_set(err, REASON_UNAVAILABLE, "fuse", "cannot mount FUSE at %s", dir);
    error_hint(err, "FUSE needs /dev/fuse and root (or a user namespace of its own)");
    return -REASON_UNAVAILABLE;
}

static void close_all(struct mount *mount)
{
    fuse_session_destroy(mount->session);
    close(mount->stop_fd);
    mount->session = NULL;
}

int mount_start(struct mount *mount, const struct fuse_lowlevel_ops *operations, const char *name,
                const char *dir, void *data, struct error *err)
{
    char options[96];
    snprintf(options, sizeof(options), "allow_other,default_permissions,fsname=%s", name);
    char *argv[] = {(char[]){"cleave-sim"}, (char[]){"-o"}, options, NULL};
    struct fuse_args args = FUSE_ARGS_INIT(ARRAY_SIZE(argv) - 1, argv);
    int stop_fd = eventfd(0, EFD_CLOEXEC);
    if (stop_fd < 0) {
        return error_set_errno(err, errno, "fuse", "cannot make an event descriptor");
    }
    struct fuse_session *session = fuse_session_new(&args, operations, sizeof(*operations), data);
    fuse_opt_free_args(&args);
    if (session == NULL) {
        close(stop_fd);
        return error_set(err, REASON_INTERNAL, "fuse", "libfuse gives no session");
    }
    *mount = (struct mount){.session = session, .stop_fd = stop_fd};
    if (fuse_session_mount(session, dir) != 0) {
        close_all(mount);
        return refuse(dir, err);
    }
    int r = pthread_create(&mount->thread, NULL, serve, mount);
    if (r != 0) {
        fuse_session_unmount(session);
        close_all(mount);
        return error_set_errno(err, r, "fuse", "cannot start a thread");
    }
    return 0;
}

void mount_stop(struct mount *mount)
{
    eventfd_write(mount->stop_fd, 1);
    pthread_join(mount->thread, NULL);
}

void mount_end(struct mount *mount)
{
    fuse_session_unmount(mount->session);
    close_all(mount);
}
