/* SPDX-License-Identifier: Apache-2.0 */
#include "sim/run/run.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fs.h"
#include "sim/run/artifact.h"
#include "sim/run/init.h"

/* What can be said before anything is made. */
static int check_needs(const struct sim_run_options *options, struct error *err)
{
    if (geteuid() != 0) {
        return error_set(err, REASON_PERMISSION, "cleave-sim run",
                         "needs root, for namespaces and mounts");
    }
    if (!fs_exists("/dev/fuse")) {
        return error_set(err, REASON_UNAVAILABLE, "/dev/fuse", "is missing; load the fuse module");
    }
    for (int which = 0; which < ARTIFACT_COUNT; which++) {
        if (which == ARTIFACT_START_LIBVIRT && !options->libvirt) {
            continue;
        }
        char *path = NULL;
        int result = artifact_find((enum artifact)which, &path, err);
        free(path);
        if (result < 0) {
            return result;
        }
    }
    return 0;
}

/* Like fork(), into new namespaces; the child is process 1 of its own. */
static pid_t clone_init(void)
{
    unsigned long flags = CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWUTS | CLONE_NEWIPC | SIGCHLD;
    return (pid_t)syscall(SYS_clone, flags, NULL, NULL, NULL, NULL);
}

static void child(const struct sim_run_options *options, int report_fd, int alive_fd)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    /* Was the runner killed before that took hold? Then its end of the pipe is gone: the read below
     * would see the end instead of the byte. */
    char byte = 0;
    if (read(alive_fd, &byte, 1) != 1) {
        _exit(1);
    }
    close(alive_fd);
    prctl(PR_SET_NAME, "cleave-sim-init");
    init_main(options, report_fd);
}

/* Passes signals on to init until it ends. Those of a terminal reach the whole process group
 * anyway. */
static int wait_for_init(pid_t init)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGCHLD);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGHUP);
    sigaddset(&set, SIGQUIT);
    int status = 0;
    while (waitpid(init, &status, WNOHANG) == 0) {
        siginfo_t info;
        int sig = sigwaitinfo(&set, &info);
        if (sig > 0 && sig != SIGCHLD && info.si_code != SI_KERNEL) {
            kill(init, sig);
        }
    }
    return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

int sim_run(const struct sim_run_options *options, struct error *err)
{
    int result = check_needs(options, err);
    if (result < 0) {
        return result;
    }
    int report_fds[2];
    int alive_fds[2];
    if (pipe2(report_fds, O_CLOEXEC) < 0 || pipe2(alive_fds, O_CLOEXEC) < 0) {
        return error_set_errno(err, errno, "cleave-sim run", "making pipes");
    }
    sigset_t set;
    sigset_t before;
    sigfillset(&set);
    sigprocmask(SIG_BLOCK, &set, &before);
    pid_t init = clone_init();
    if (init == 0) {
        close(report_fds[0]);
        close(alive_fds[1]);
        sigprocmask(SIG_SETMASK, &before, NULL);
        child(options, report_fds[1], alive_fds[0]);
    }
    close(report_fds[1]);
    close(alive_fds[0]);
    if (init < 0) {
        result = error_set_errno(err, errno, "cleave-sim run", "making namespaces");
    } else {
        (void)!write(alive_fds[1], "", 1);
        result = wait_for_init(init);
    }
    close(alive_fds[1]);
    struct init_report report;
    if (read(report_fds[0], &report, sizeof(report)) == (ssize_t)sizeof(report)) {
        if (err != NULL) {
            *err = report.err;
        }
        result = report.result;
    }
    close(report_fds[0]);
    sigprocmask(SIG_SETMASK, &before, NULL);
    return result;
}
