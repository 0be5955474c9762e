/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Init of the lab's VM: loads the modules that the initial file system holds, makes the machine's
 * own root its own (read-only over 9p, under a tmpfs that takes what is written), and then runs
 * what the test asks for over a virtio port:
 *   "TIMEOUT_S LENGTH\n" and a shell script of LENGTH bytes
 *   → "STATUS LENGTH\n" and what it printed; STATUS as the shell has it, 124 after the timeout
 * What a script leaves in the background goes on.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MODULES "/modules" /* names of files in load order, one per line */
#define PORT "/dev/vport0p1"
#define SCRIPT_MAX (1U << 20)
#define STATUS_TIMEOUT 124
#define POLL_NS 2000000L
#define PORT_TRIES 5000

static void fail(const char *what)
{
    fprintf(stderr, "lab: %s: %s\n", what, strerror(errno));
    exit(1); /* the kernel panics, and QEMU ends */
}

static void load_modules(void)
{
    FILE *list = fopen(MODULES, "re");
    char path[256];
    if (list == NULL) {
        fail(MODULES);
    }
    while (fgets(path, sizeof(path), list) != NULL) {
        path[strcspn(path, "\n")] = '\0';
        int fd = open(path, O_RDONLY | O_CLOEXEC);
        if (fd < 0 || syscall(SYS_finit_module, fd, "", 0) != 0) {
            fail(path);
        }
        close(fd);
        unlink(path);
    }
    fclose(list);
}

static void mount_at(const char *what, const char *where, const char *type, unsigned long flags,
                     const char *options)
{
    mkdir(where, 0755);
    if (mount(what, where, type, flags, options) != 0) {
        fail(where);
    }
}

static void take_root(void)
{
    mount_at("root", "/lower", "9p", MS_RDONLY,
             "trans=virtio,version=9p2000.L,cache=loose,msize=1048576");
    mount_at("tmpfs", "/over", "tmpfs", 0, "mode=0755");
    mkdir("/over/upper", 0755);
    mkdir("/over/work", 0755);
    mount_at("overlay", "/new", "overlay", 0,
             "lowerdir=/lower,upperdir=/over/upper,workdir=/over/work");
    static const char *const moved[] = {"/proc", "/sys", "/dev"};
    for (size_t i = 0; i < sizeof(moved) / sizeof(moved[0]); i++) {
        char to[32];
        snprintf(to, sizeof(to), "/new%s", moved[i]);
        if (mount(moved[i], to, NULL, MS_MOVE, NULL) != 0) {
            fail(to);
        }
    }
    /* On top of the initial file system, which can't be left otherwise (switch_root(8)). */
    if (chdir("/new") != 0 || mount(".", "/", NULL, MS_MOVE, NULL) != 0 || chroot(".") != 0) {
        fail("the new root");
    }
    mount_at("tmpfs", "/run", "tmpfs", 0, "mode=0755");
    mount_at("tmpfs", "/dev/shm", "tmpfs", 0, "mode=1777");
    mount_at("devpts", "/dev/pts", "devpts", 0, NULL);
}

/* ---- the test's scripts ---- */

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
    fail(PORT);
    return -1;
}

static void read_all(int fd, char *data, size_t len)
{
    for (size_t done = 0; done < len;) {
        ssize_t n = read(fd, data + done, len - done);
        if (n > 0) {
            done += (size_t)n;
        } else {
            nap(); /* nobody at the other end yet */
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

/* Until `pid` ends, or for so long; as init, others' orphans are buried here, too. */
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
        fail("the test's request");
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

int main(void)
{
    mount_at("proc", "/proc", "proc", 0, NULL);
    mount_at("sysfs", "/sys", "sysfs", 0, NULL);
    mount_at("devtmpfs", "/dev", "devtmpfs", 0, NULL);
    load_modules();
    take_root();
    setenv("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", 1);
    setenv("HOME", "/root", 1);
    int port = open_port();
    char *script = malloc(SCRIPT_MAX);
    if (script == NULL) {
        fail("memory");
    }
    for (;;) {
        serve_one(port, script);
    }
}
