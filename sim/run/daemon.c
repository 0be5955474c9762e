/* SPDX-License-Identifier: Apache-2.0 */
#include "sim/run/daemon.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/log.h"
#include "base/mem.h"
#include "sim/fuse/fuse.h"
#include "sim/fuse/proc_root.h"
#include "sim/run/devnode.h"
#include "sim/run/emulator.h"
#include "sim/run/fault_places.h"

#define TICK_MS 200
#define MAX_PROC_FILE (1024 * 1024)
#define STOP_TIMEOUT_MS 2000

static bool process_lives(int32_t pid)
{
    return kill(pid, 0) == 0 || errno == EPERM;
}

/* Emulators of an earlier run are gone, no matter who has their numbers now. */
static bool no_process_lives(int32_t pid)
{
    (void)pid;
    return false;
}

static void say_notice(struct sim_host *host)
{
    if (host->notice[0] != '\0') {
        log_warning("%s", host->notice);
        host->notice[0] = '\0';
    }
}

static void power_off(void *data)
{
    (void)data;
    emulator_kill_all();
}

/* Until init closes the other end: lets go of what dead emulators held. */
static void serve(struct sim_host *host, int stop_fd)
{
    struct pollfd fd = {.fd = stop_fd, .events = POLLIN};
    while (poll(&fd, 1, TICK_MS) == 0 || errno == EINTR) {
        pthread_mutex_lock(&host->lock);
        sim_forget_dead(host, process_lives);
        say_notice(host);
        pthread_mutex_unlock(&host->lock);
        errno = 0;
    }
}

struct parts {
    struct devnodes nodes;
    struct sim_rpc *rpc;
    struct sim_fuse *fuse;
    struct proc_root *proc; /* NULL: the machine's kernel has all files */
};

/* Files of the machine's /proc that the simulated kernel's go on from. */
static void read_own(struct sim_host *host)
{
    (void)fs_read("/proc/modules", MAX_PROC_FILE, &host->own_modules, NULL);
    (void)fs_read("/proc/devices", MAX_PROC_FILE, &host->own_devices, NULL);
}

static int start_parts(struct sim_host *host, const char *state_dir, struct parts *parts,
                       struct error *err)
{
    CLEANUP_FREE char *state = xasprintf("%s/state.json", state_dir);
    int result = fs_mkdirs(state_dir, 0755);
    if (result < 0) {
        return error_set_errno(err, -result, state_dir, "making the state directory");
    }
    result = sim_host_attach_state(host, state, err);
    if (result < 0) {
        return result;
    }
    say_notice(host);
    sim_forget_dead(host, no_process_lives);
    host->on_power_off = power_off;
    host->process_lives = process_lives;
    host->has_place = fault_places_have;
    read_own(host);
    devnodes_start(&parts->nodes, host);
    result = sim_rpc_start(host, SIM_SOCKET, &parts->rpc, err);
    result = result < 0 ? result : sim_fuse_start(host, SIM_FUSE_DIR, &parts->fuse, err);
    if (result == 0 && host->own_modules == NULL) {
        result = proc_root_start(SIM_REAL_PROC, SIM_FUSE_DIR "/proc/modules", SIM_PROC_ROOT,
                                 &parts->proc, err);
    }
    return result;
}

/* What the daemon tells init when it is ready or can't be. */
struct ready {
    int result;
    struct error err;
};

static void daemon_main(struct sim_host *host, const char *state_dir, int ready_fd, int stop_fd)
{
    /* Its own session: a terminal's Ctrl-C is for COMMAND. Ends by stop_fd, or with init. */
    setsid();
    signal(SIGTERM, SIG_IGN);
    signal(SIGINT, SIG_IGN);
    signal(SIGHUP, SIG_IGN);
    signal(SIGPIPE, SIG_IGN);
    prctl(PR_SET_NAME, "cleave-sim-host");
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    struct parts *parts = xcalloc(1, sizeof(*parts));
    struct ready ready = {0};
    ready.result = start_parts(host, state_dir, parts, &ready.err);
    bool sent = write(ready_fd, &ready, sizeof(ready)) == (ssize_t)sizeof(ready);
    close(ready_fd);
    if (ready.result == 0 && sent) {
        serve(host, stop_fd);
    }
    proc_root_stop(parts->proc);
    if (parts->fuse != NULL) {
        sim_fuse_stop(parts->fuse);
    }
    if (parts->rpc != NULL) {
        sim_rpc_stop(parts->rpc);
    }
    host->on_change = NULL;
    free(parts);
    _exit(0);
}

int daemon_start(struct sim_host *host, const char *state_dir, struct daemon *ret_daemon,
                 struct error *err)
{
    int ready_fds[2];
    int stop_fds[2];
    if (pipe2(ready_fds, O_CLOEXEC) < 0 || pipe2(stop_fds, O_CLOEXEC) < 0) {
        return error_set_errno(err, errno, host->name, "making pipes");
    }
    pid_t pid = fork();
    if (pid < 0) {
        return error_set_errno(err, errno, host->name, "starting the simulated host");
    }
    if (pid == 0) {
        close(ready_fds[0]);
        close(stop_fds[1]);
        daemon_main(host, state_dir != NULL ? state_dir : SIM_RUN_DIR "/state", ready_fds[1],
                    stop_fds[0]);
    }
    close(ready_fds[1]);
    close(stop_fds[0]);
    *ret_daemon = (struct daemon){.pid = pid, .stop_fd = stop_fds[1]};
    struct ready ready = {0};
    ssize_t got = read(ready_fds[0], &ready, sizeof(ready));
    close(ready_fds[0]);
    if (got != (ssize_t)sizeof(ready)) {
        return error_set(err, REASON_INTERNAL, host->name, "the simulated host ended at its start");
    }
    if (ready.result < 0 && err != NULL) {
        *err = ready.err;
    }
    return ready.result;
}

void daemon_stop(struct daemon *daemon)
{
    if (daemon->pid <= 0) {
        return;
    }
    close(daemon->stop_fd);
    for (int waited_ms = 0; waited_ms < STOP_TIMEOUT_MS; waited_ms += 10) {
        pid_t done = waitpid(daemon->pid, NULL, WNOHANG);
        if (done != 0) {
            daemon->pid = 0;
            return;
        }
        usleep(10 * 1000);
    }
    kill(daemon->pid, SIGKILL);
    waitpid(daemon->pid, NULL, 0);
    daemon->pid = 0;
}
