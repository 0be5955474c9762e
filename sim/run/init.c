/* SPDX-License-Identifier: Apache-2.0 */
#include "sim/run/init.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fs.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/parse.h"
#include "sim/run/artifact.h"
#include "sim/run/daemon.h"
#include "sim/run/emulator.h"
#include "sim/run/machine.h"

#define GRACE_US (5 * 1000 * 1000) /* between SIGTERM and SIGKILL */

static const int handled_signals[] = {SIGCHLD, SIGINT, SIGTERM, SIGHUP, SIGQUIT};

static sigset_t handled_set(void)
{
    sigset_t set;
    sigemptyset(&set);
    for (size_t i = 0; i < ARRAY_SIZE(handled_signals); i++) {
        sigaddset(&set, handled_signals[i]);
    }
    return set;
}

static int exit_status(int wait_status)
{
    return WIFSIGNALED(wait_status) ? 128 + WTERMSIG(wait_status) : WEXITSTATUS(wait_status);
}

/* ---- children ---- */

static pid_t spawn(char *const *argv)
{
    pid_t pid = fork();
    if (pid != 0) {
        return pid;
    }
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    execvp(argv[0], argv);
    log_error("%s: %s", argv[0], strerror(errno));
    _exit(errno == ENOENT ? 127 : 126);
}

/* Waits for `pid`, passing on signals that were meant for it and reaping orphans. Sets *ret_status;
 * false when the daemon ended first. */
static bool wait_for(pid_t pid, pid_t daemon, int *ret_status)
{
    sigset_t set = handled_set();
    for (;;) {
        int status = 0;
        pid_t done = waitpid(-1, &status, WNOHANG);
        if (done == pid) {
            *ret_status = exit_status(status);
            return true;
        }
        if (done == daemon || (done < 0 && errno == ECHILD)) {
            return false;
        }
        if (done != 0) {
            continue;
        }
        siginfo_t info;
        int sig = sigwaitinfo(&set, &info);
        /* A terminal's signals reach COMMAND by themselves. */
        if (sig > 0 && sig != SIGCHLD && info.si_code != SI_KERNEL) {
            kill(pid, sig);
        }
    }
}

/* Ends everything but the daemon: politely, then not. Reaps until only the daemon is left. */
static void end_all(pid_t daemon)
{
    sigset_t set = handled_set();
    uint64_t deadline = clock_monotonic_us() + GRACE_US;
    bool killed = false;
    emulator_kill_all(); /* under libvirt, SIGTERM makes them wait for it */
    kill(-1, SIGTERM);   /* the daemon ignores it */
    kill(-1, SIGCONT);
    for (;;) {
        siginfo_t info = {0};
        while (waitpid(-1, NULL, WNOHANG) > 0) {
        }
        /* Are there children besides the daemon? Ask without reaping them. */
        bool left = false;
        CLEANUP_FREE char *text = NULL;
        if (fs_read("/proc/1/task/1/children", 65536, &text, NULL) == 0) {
            char *rest = NULL;
            for (char *word = strtok_r(text, " \n", &rest); word != NULL;
                 word = strtok_r(NULL, " \n", &rest)) {
                uint32_t child = 0;
                left = left || (parse_u32(word, &child) && (pid_t)child != daemon);
            }
        }
        if (!left) {
            return;
        }
        if (!killed && clock_monotonic_us() > deadline) {
            killed = true;
            kill(-1, SIGKILL);
        }
        struct timespec pause = {.tv_nsec = 50 * 1000 * 1000};
        sigtimedwait(&set, &info, &pause);
    }
}

/* ---- the way up ---- */

static int start_libvirt(const struct sim_run_options *options, pid_t daemon, struct error *err)
{
    CLEANUP_FREE char *script = NULL;
    int result = artifact_find(ARTIFACT_START_LIBVIRT, &script, err);
    if (result < 0) {
        return result;
    }
    if ((options->share_dir != NULL && setenv("CLEAVE_SIM_SHARE", options->share_dir, 1) < 0) ||
        (options->hook != NULL && setenv("CLEAVE_SIM_HOOK", options->hook, 1) < 0)) {
        return error_set_errno(err, errno, "libvirt", "telling it where its sockets go");
    }
    char *argv[] = {script, NULL};
    int status = 0;
    if (!wait_for(spawn(argv), daemon, &status) || status != 0) {
        return error_set(err, REASON_UNAVAILABLE, "libvirt", "starting it failed with status %d",
                         status);
    }
    return 0;
}

static int bring_up(const struct sim_run_options *options, struct daemon *daemon, struct error *err)
{
    struct sim_host *host = options->host;
    if (sethostname(host->name, strlen(host->name)) < 0) {
        return error_set_errno(err, errno, host->name, "setting the host name");
    }
    int result = machine_begin(err);
    if (result == 0) {
        result = daemon_start(host, options->state_dir, daemon, err);
    }
    if (result == 0) {
        result = machine_finish(err);
    }
    if (result == 0 && options->libvirt) {
        result = start_libvirt(options, daemon->pid, err);
    }
    return result;
}

NORETURN void init_main(const struct sim_run_options *options, int report_fd)
{
    sigset_t set = handled_set();
    sigprocmask(SIG_BLOCK, &set, NULL);
    CLEANUP_FREE char *cwd = getcwd(NULL, 0);
    struct daemon daemon = {0};
    struct init_report report = {0};
    report.result = bring_up(options, &daemon, &report.err);
    int status = 1;
    if (report.result < 0) {
        (void)!write(report_fd, &report, sizeof(report));
    } else {
        /* Enter the directory again by name: something may lie over it now. */
        if (cwd != NULL && chdir(cwd) < 0) {
            (void)!chdir("/");
        }
        close(report_fd);
        pid_t command = spawn(options->argv);
        if (!wait_for(command, daemon.pid, &status)) {
            log_error("the simulated host ended; stopping everything on it");
            daemon.pid = 0;
            status = 125;
        }
    }
    end_all(daemon.pid);
    daemon_stop(&daemon);
    _exit(status);
}
