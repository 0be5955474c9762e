/* SPDX-License-Identifier: Apache-2.0 */
#include "test/lab/port.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "test/lab/early.h"

#define PORT "/dev/vport0p1"
#define SCRIPT_MAX (1U << 20)
#define STATUS_TIMEOUT 124
#define POLL_NS 2000000L
#define PORT_TRIES 5000

static void nap(void)
{
    nanosleep(&(struct timespec){.tv_nsec = POLL_NS}, NULL);
}

static int open_port(void)
{
    for (int i = 0; i < PORT_TRIES; i++) {
        int fd = open(PORT, O_RDWR | O_CLOEXEC);
        if (fd >= 0) {
            return fd;
        }
        nap();
    }
    early_fail(PORT);
    return -1;
}

static void read_all(int fd, char *data, size_t len)
{
    for (size_t done = 0; done < len;) {
        ssize_t n = read(fd, data + done, len - done);
        if (n > 0) {
            done += (size_t)n;
        } else {
            nap(); /* no one at the other end yet */
        }
    }
}

static void write_all(int fd, const char *data, size_t len)
{
    for (size_t done = 0; done < len;) {
        ssize_t n = write(fd, data + done, len - done);
        if (n > 0) {
            done += (size_t)n;
        } else {
            nap();
        }
    }
}

static double now_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* Until `pid` ends, or for so long; in an init, others' orphans are buried here, too. */
static int wait_for(pid_t pid, double timeout_s)
{
    double end = now_s() + timeout_s;
    for (;;) {
        int status = 0;
        pid_t gone = waitpid(-1, &status, WNOHANG);
        if (gone == pid) {
            return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
        }
        if (gone <= 0 && now_s() > end) {
            kill(-pid, SIGKILL);
            return STATUS_TIMEOUT;
        }
        if (gone <= 0) {
            nap();
        }
    }
}

static int run_script(const char *script, double timeout_s, int out)
{
    pid_t pid = fork();
    if (pid == 0) {
        setsid();
        dup2(open("/dev/null", O_RDONLY | O_CLOEXEC), 0);
        dup2(out, 1);
        dup2(out, 2);
        execl("/bin/sh", "sh", "-c", script, (char *)NULL);
        _exit(127);
    }
    return pid < 0 ? 126 : wait_for(pid, timeout_s);
}

static void serve_one(int port, char *script)
{
    char head[64] = "";
    size_t used = 0;
    do {
        read_all(port, head + used, 1);
    } while (head[used] != '\n' && ++used < sizeof(head) - 1);
    double timeout_s = 0;
    size_t len = 0;
    if (sscanf(head, "%lf %zu", &timeout_s, &len) != 2 || len >= SCRIPT_MAX) {
        errno = EPROTO;
        early_fail("the test's request");
    }
    read_all(port, script, len);
    script[len] = '\0';
    int out = memfd_create("out", MFD_CLOEXEC);
    int status = run_script(script, timeout_s, out);
    struct stat st = {0};
    fstat(out, &st);
    char *text = mmap(NULL, (size_t)st.st_size + 1, PROT_READ, MAP_SHARED, out, 0);
    int n = snprintf(head, sizeof(head), "%d %lld\n", status, (long long)st.st_size);
    write_all(port, head, (size_t)n);
    write_all(port, text, (size_t)st.st_size);
    munmap(text, (size_t)st.st_size + 1);
    close(out);
}

void port_serve(void)
{
    setenv("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", 1);
    setenv("HOME", "/root", 1);
    int port = open_port();
    char *script = malloc(SCRIPT_MAX);
    if (script == NULL) {
        early_fail("memory");
    }
    for (;;) {
        serve_one(port, script);
    }
}
