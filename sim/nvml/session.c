/* SPDX-License-Identifier: Apache-2.0 */
#include "sim/nvml/session.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sim/nvml/library.h"

#define MAX_NODES 32

/* A library has no main() to own its state. */
static struct {
    pthread_mutex_t lock;
    unsigned users;
    uint32_t branch;
    int nodes[MAX_NODES]; /* open device nodes */
    unsigned n_nodes;
} session = {.lock = PTHREAD_MUTEX_INITIALIZER};

/* As the real library, one that is in use has the nodes of all GPUs open: that is how fuser(1) and
 * others tell who holds a GPU. By their path alone: no driver stands behind them
 * (sim/run/devnode.c), and a real GPU's is never opened. */
static void open_nodes(void)
{
    for (unsigned i = 0; i < MAX_NODES; i++) {
        char path[32];
        struct stat info;
        snprintf(path, sizeof(path), "/dev/nvidia%u", i);
        bool there = lstat(path, &info) == 0 && (S_ISREG(info.st_mode) || S_ISCHR(info.st_mode));
        int fd = there ? open(path, O_PATH | O_CLOEXEC | O_NOFOLLOW) : -1;
        if (fd >= 0) {
            session.nodes[session.n_nodes++] = fd;
        }
    }
}

static void close_nodes(void)
{
    while (session.n_nodes > 0) {
        close(session.nodes[--session.n_nodes]);
    }
}

static __thread struct rpc_caller entered;

void session_enter(const char *function)
{
    entered = (struct rpc_caller){.function = function};
}

struct rpc_caller *session_caller(void)
{
    return &entered;
}

int session_check(void)
{
    pthread_mutex_lock(&session.lock);
    int r = session.users > 0 ? NVML_SUCCESS : NVML_ERROR_UNINITIALIZED;
    pthread_mutex_unlock(&session.lock);
    return r;
}

uint32_t session_branch(void)
{
    pthread_mutex_lock(&session.lock);
    uint32_t branch = session.branch;
    pthread_mutex_unlock(&session.lock);
    return branch;
}

void session_begin(uint32_t branch)
{
    pthread_mutex_lock(&session.lock);
    if (session.users++ == 0) {
        open_nodes();
    }
    session.branch = branch;
    pthread_mutex_unlock(&session.lock);
}

bool session_end(void)
{
    pthread_mutex_lock(&session.lock);
    bool last = session.users == 1;
    if (session.users > 0) {
        session.users--;
    }
    if (last) {
        close_nodes();
    }
    pthread_mutex_unlock(&session.lock);
    return last;
}
