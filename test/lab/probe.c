/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Does a fixed list of things to the kernel's PCI files and prints what came of each: the same list
 * on a real kernel and on the simulated one, whose answers must be equal. Usage:
 *   lab-probe GPU HOME OTHER OTHERHOME PF
 * GPU is a display device bound to driver HOME, OTHER one whose IOMMU group has a second function,
 * bound to OTHERHOME; PF has SR-IOV. All are left as they were found.
 *
 * A line is "ACTION FILE [TEXT] → ANSWER". Addresses, drivers, groups and ids are printed as the
 * names that they have here; numbers that are a matter of hardware as #.
 */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "test/lab/probe.h"

#define TEXT_SIZE 8192
#define LONG_TEXT 5000 /* more than a page */

/* What stands in braces in a path or text, and for what. */
struct variable {
    const char *name;
    char value[256];
};
static struct variable variables[] = {
    {.name = "gpu"},   {.name = "other"},    {.name = "second"},  {.name = "pf"},
    {.name = "GPU"},   {.name = "HOME"},     {.name = "OTHER"},   {.name = "SECOND"},
    {.name = "OHOME"}, {.name = "PF"},       {.name = "group"},   {.name = "ogroup"},
    {.name = "ids"},   {.name = "totalvfs"}, {.name = "morevfs"},
};
#define N_VARIABLES (sizeof(variables) / sizeof(variables[0]))

static void die(const char *what)
{
    fprintf(stderr, "lab-probe: %s: %s\n", what, strerror(errno));
    exit(2);
}

static char *value_of(const char *name, size_t len)
{
    for (size_t i = 0; i < N_VARIABLES; i++) {
        if (strlen(variables[i].name) == len && memcmp(variables[i].name, name, len) == 0) {
            return variables[i].value;
        }
    }
    errno = EINVAL;
    die(name);
    return NULL;
}

static char *variable(const char *name)
{
    return value_of(name, strlen(name));
}

static size_t expand(const char *text, char out[TEXT_SIZE])
{
    size_t used = 0;
    for (const char *p = text; *p != '\0';) {
        const char *end = *p == '{' ? strchr(p, '}') : NULL;
        if (end == NULL) {
            out[used++] = *p++;
            continue;
        }
        size_t len = (size_t)(end - p) - 1;
        if (len == 3 && memcmp(p + 1, "nul", 3) == 0) {
            out[used++] = '\0';
        } else if (len == 4 && memcmp(p + 1, "long", 4) == 0) {
            memset(out + used, 'x', LONG_TEXT);
            used += LONG_TEXT;
        } else {
            const char *value = value_of(p + 1, len);
            memcpy(out + used, value, strlen(value));
            used += strlen(value);
        }
        p = end + 1;
    }
    out[used] = '\0';
    return used;
}

/* ---- printing ---- */

static void print_escaped(const char *text, size_t len)
{
    putchar('"');
    for (size_t i = 0; i < len; i++) {
        if (text[i] == '\n') {
            fputs("\\n", stdout);
        } else if (isprint((unsigned char)text[i]) == 0) {
            printf("\\x%02x", (unsigned char)text[i]);
        } else {
            putchar(text[i]);
        }
    }
    putchar('"');
}

/* Addresses and drivers go by their names here. */
static size_t put_names(char *text, size_t len)
{
    for (size_t i = 0; i < N_VARIABLES; i++) {
        const struct variable *v = &variables[i];
        size_t size = strlen(v->value);
        bool known = isupper((unsigned char)v->name[0]) != 0 && size > 0;
        for (char *at = text; known && (at = memmem(at, len - (size_t)(at - text), v->value, size));
             at++) {
            size_t name = strlen(v->name);
            size_t rest = len - (size_t)(at - text) - size;
            memmove(at + name, at + size, rest);
            memcpy(at, v->name, name);
            len = len - size + name;
        }
    }
    return len;
}

/* Runs of hexadecimal digits become as many #, if there is a decimal one among them. */
static void hide_numbers(char *text, size_t len)
{
    for (size_t i = 0; i < len;) {
        size_t end = i;
        bool number = false;
        for (; end < len && isxdigit((unsigned char)text[end]) != 0; end++) {
            number = number || isdigit((unsigned char)text[end]) != 0;
        }
        bool prefix = end < len && text[end] == 'x'; /* of "0x" */
        if (number && !prefix) {
            memset(text + i, '#', end - i);
        }
        i = end == i ? i + 1 : end;
    }
}

static void print_content(char *text, size_t len, enum show show)
{
    if (show == SHOW_LENGTH) {
        printf("%zu bytes", len);
        return;
    }
    len = put_names(text, len);
    if (show == SHOW_SHAPE) {
        hide_numbers(text, len);
    }
    print_escaped(text, len);
}

static void print_errno(int errnum)
{
    fputs(strerrorname_np(errnum), stdout);
}

/* ---- actions ---- */

static void do_read(const char *path, enum show show)
{
    char text[TEXT_SIZE];
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t len = fd < 0 ? -1 : read(fd, text, TEXT_SIZE / 2);
    if (len < 0) {
        print_errno(errno);
    } else if (show == SHOW_NOTHING) {
        fputs("ok", stdout);
    } else {
        print_content(text, (size_t)len, show);
    }
    if (fd >= 0) {
        close(fd);
    }
}

static void do_write(const char *path, const char *text, size_t len)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : write(fd, text, len);
    if (fd < 0) {
        fputs("open: ", stdout);
    }
    if (n < 0) {
        print_errno(errno);
    } else if ((size_t)n == len) {
        fputs("ok", stdout);
    } else {
        printf("%zd bytes of %zu", n, len);
    }
    if (fd >= 0) {
        close(fd);
    }
}

static void do_link(const char *path)
{
    char target[TEXT_SIZE];
    ssize_t len = readlink(path, target, TEXT_SIZE / 2);
    if (len < 0) {
        print_errno(errno);
        return;
    }
    target[len] = '\0';
    const char *slash = strrchr(target, '/');
    const char *name = slash == NULL ? target : slash + 1;
    for (size_t i = 0; i < N_VARIABLES; i++) {
        if (strcmp(variables[i].value, name) == 0) {
            printf("{%s}", variables[i].name);
            return;
        }
    }
    fputs(name, stdout);
}

static void do_stat(const char *path, enum show show)
{
    struct stat st;
    if (lstat(path, &st) != 0) {
        print_errno(errno);
        return;
    }
    const char *kind = S_ISDIR(st.st_mode)   ? "folder"
                       : S_ISLNK(st.st_mode) ? "link"
                       : S_ISCHR(st.st_mode) ? "device"
                                             : "file";
    if (show == SHOW_NOTHING) {
        printf("%04o", st.st_mode & 07777U);
        return;
    }
    printf("%s %04o", kind, st.st_mode & 07777U);
    if (S_ISREG(st.st_mode)) {
        printf(" %lld", (long long)st.st_size);
    }
}

/* Both descriptors stay open until the second open has its answer. */
static void do_open_twice(const char *path)
{
    int first = open(path, O_RDWR | O_CLOEXEC);
    fputs(first < 0 ? strerrorname_np(errno) : "ok", stdout);
    int second = open(path, O_RDWR | O_CLOEXEC);
    printf(", then %s", second < 0 ? strerrorname_np(errno) : "ok");
    if (first >= 0) {
        close(first);
    }
    if (second >= 0) {
        close(second);
    }
}

static void print_result(int r)
{
    fputs(r == 0 ? "ok" : strerrorname_np(errno), stdout);
}

/* Opened before, used after: a file whose device goes in between. */
static int kept = -1;

static void do_keep(const char *path)
{
    kept = open(path, O_RDWR | O_CLOEXEC);
    print_result(kept < 0 ? -1 : 0);
}

static void do_use_kept(const char *text, size_t len)
{
    char now[64];
    fputs("read ", stdout);
    print_result(pread(kept, now, sizeof(now), 0) < 0 ? -1 : 0);
    fputs(", write ", stdout);
    print_result(pwrite(kept, text, len, 0) < 0 ? -1 : 0);
    close(kept);
}

/* ---- what does not come back at once ---- */

#define PATIENCE_MS 1500
#define HOLD_MS 60000
#define POLL_MS 10

static pid_t writers[4]; /* in the order in which they were started */
static size_t n_writers;
static pid_t emulator;

static bool has_ended(pid_t pid, int timeout_ms, int *ret_status)
{
    for (int waited = 0; waited <= timeout_ms; waited += POLL_MS) {
        if (waitpid(pid, ret_status, WNOHANG) == pid) {
            return true;
        }
        usleep(POLL_MS * 1000);
    }
    return false;
}

static void print_writer(int status)
{
    fputs(WEXITSTATUS(status) == 0 ? "ok" : strerrorname_np(WEXITSTATUS(status)), stdout);
}

static void do_start_write(const char *path, const char *text, size_t len)
{
    fflush(stdout);
    pid_t pid = fork();
    if (pid == 0) {
        int fd = open(path, O_WRONLY | O_CLOEXEC);
        _exit(fd >= 0 && write(fd, text, len) == (ssize_t)len ? 0 : errno);
    }
    int status = 0;
    if (has_ended(pid, PATIENCE_MS, &status)) {
        print_writer(status);
        return;
    }
    fputs("waits", stdout);
    writers[n_writers++] = pid;
}

static void do_end_write(void)
{
    int status = 0;
    if (n_writers == 0) {
        fputs("none waits", stdout);
        return;
    }
    if (has_ended(writers[0], HOLD_MS, &status)) {
        print_writer(status);
    } else {
        fputs("waits on", stdout);
    }
    memmove(writers, writers + 1, --n_writers * sizeof(writers[0]));
}

static bool is_enabled(const char *path)
{
    char text[8] = "";
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    bool enabled = fd >= 0 && read(fd, text, sizeof(text)) > 0 && text[0] == '1';
    if (fd >= 0) {
        close(fd);
    }
    return enabled;
}

/* A stopped VM without anything but the device; the function is enabled once it is open. */
static void do_hold(const char *path, const char *bdf)
{
    char device[TEXT_SIZE + 32];
    snprintf(device, sizeof(device), "vfio-pci,host=%s", bdf);
    fflush(stdout);
    emulator = fork();
    if (emulator == 0) {
        int null = open("/dev/null", O_RDWR | O_CLOEXEC);
        dup2(null, 1);
        dup2(null, 2);
        execlp("qemu-system-x86_64", "qemu-system-x86_64", "-nodefaults", "-no-user-config",
               "-display", "none", "-accel", "tcg", "-m", "64", "-S", "-device", device,
               (char *)NULL);
        _exit(127);
    }
    int status = 0;
    for (int waited = 0; waited < HOLD_MS; waited += POLL_MS) {
        bool open_now = is_enabled(path);
        if (open_now || has_ended(emulator, 0, &status)) {
            fputs(open_now ? "ok" : "refused", stdout);
            emulator = open_now ? emulator : 0;
            return;
        }
    }
    fputs("nothing happens", stdout);
}

/* The simulated kernel notices a moment later than a real one. */
static void do_let_go(const char *path)
{
    int status = 0;
    if (emulator <= 0 || kill(emulator, SIGKILL) != 0 || !has_ended(emulator, HOLD_MS, &status)) {
        fputs("there is none", stdout);
        return;
    }
    for (int waited = 0; waited < HOLD_MS && is_enabled(path); waited += POLL_MS) {
        usleep(POLL_MS * 1000);
    }
    fputs(is_enabled(path) ? "still open" : "ok", stdout);
}

static const char *const words[] = {
    [DO_READ] = "read",
    [DO_WRITE] = "write",
    [DO_LINK] = "link",
    [DO_STAT] = "stat",
    [DO_OPEN_TWICE] = "open",
    [DO_CREATE] = "create",
    [DO_MKDIR] = "mkdir",
    [DO_UNLINK] = "unlink",
    [DO_TRUNCATE] = "truncate",
    [DO_KEEP] = "keep",
    [DO_USE_KEPT] = "use",
    [DO_RENAME] = "rename",
    [DO_SYMLINK] = "symlink",
    [DO_WAIT] = "wait for",
    [DO_START_WRITE] = "write",
    [DO_END_WRITE] = "wait for the first write to",
    [DO_HOLD] = "QEMU opens, see",
    [DO_LET_GO] = "QEMU ends, see",
};

static void do_create(const char *path)
{
    int fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0644);
    print_result(fd < 0 ? -1 : 0);
    if (fd >= 0) {
        close(fd);
    }
}

/* What the kernel or udev makes a little later. */
static void do_wait(const char *path)
{
    struct stat st;
    for (int i = 0; i < 100 && lstat(path, &st) != 0; i++) {
        usleep(20000);
    }
    print_result(lstat(path, &st));
}

static void perform(const struct action *action)
{
    char path[TEXT_SIZE];
    char text[TEXT_SIZE];
    expand(action->path, path);
    size_t len = action->text == NULL ? 0 : expand(action->text, text);
    printf("%s %s", words[action->what], action->path);
    if (action->text != NULL) {
        putchar(' ');
        print_escaped(action->text, strlen(action->text));
    }
    fputs(" → ", stdout);
    switch (action->what) {
    case DO_READ:
        do_read(path, action->show);
        break;
    case DO_WRITE:
        do_write(path, text, len);
        break;
    case DO_LINK:
        do_link(path);
        break;
    case DO_STAT:
        do_stat(path, action->show);
        break;
    case DO_OPEN_TWICE:
        do_open_twice(path);
        break;
    case DO_CREATE:
        do_create(path);
        break;
    case DO_MKDIR:
        print_result(mkdir(path, 0755));
        break;
    case DO_UNLINK:
        print_result(unlink(path));
        break;
    case DO_TRUNCATE:
        print_result(truncate(path, 0));
        break;
    case DO_KEEP:
        do_keep(path);
        break;
    case DO_USE_KEPT:
        do_use_kept(text, len);
        break;
    case DO_RENAME:
        print_result(rename(path, text));
        break;
    case DO_SYMLINK:
        print_result(symlink(text, path));
        break;
    case DO_WAIT:
        do_wait(path);
        break;
    case DO_START_WRITE:
        do_start_write(path, text, len);
        break;
    case DO_END_WRITE:
        do_end_write();
        break;
    case DO_HOLD:
        do_hold(path, text);
        break;
    case DO_LET_GO:
        do_let_go(path);
        break;
    }
    putchar('\n');
    fflush(stdout);
}

/* ---- the machine's own names ---- */

static void set(const char *name, const char *value)
{
    snprintf(variable(name), sizeof(variables[0].value), "%s", value);
}

static void set_link(const char *name, const char *path)
{
    char target[256];
    ssize_t len = readlink(path, target, sizeof(target) - 1);
    if (len < 0) {
        die(path);
    }
    target[len] = '\0';
    set(name, strrchr(target, '/') + 1);
}

static unsigned read_number(const char *device, const char *file)
{
    char path[300];
    int value = 0;
    snprintf(path, sizeof(path), "%s/%s", device, file);
    FILE *f = fopen(path, "re");
    if (f == NULL || fscanf(f, "%i", &value) != 1) {
        die(path);
    }
    fclose(f);
    return (unsigned)value;
}

static void set_device(const char *name, const char *folder, const char *bdf)
{
    char path[128];
    snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s", bdf);
    set(name, bdf);
    set(folder, path);
}

static void learn(char **argv)
{
    char path[300];
    char text[64];
    set_device("GPU", "gpu", argv[1]);
    set("HOME", argv[2]);
    set_device("OTHER", "other", argv[3]);
    set("OHOME", argv[4]);
    set_device("PF", "pf", argv[5]);
    snprintf(text, sizeof(text), "%.*s1", (int)strlen(argv[3]) - 1, argv[3]);
    set_device("SECOND", "second", text);
    snprintf(path, sizeof(path), "%s/iommu_group", variable("gpu"));
    set_link("group", path);
    snprintf(path, sizeof(path), "%s/iommu_group", variable("other"));
    set_link("ogroup", path);
    snprintf(text, sizeof(text), "%04x %04x", read_number(variable("gpu"), "vendor"),
             read_number(variable("gpu"), "device"));
    set("ids", text);
    unsigned total = read_number(variable("pf"), "sriov_totalvfs");
    snprintf(text, sizeof(text), "%u", total);
    set("totalvfs", text);
    snprintf(text, sizeof(text), "%u", total + 1);
    set("morevfs", text);
}

int main(int argc, char **argv)
{
    if (argc != 6) {
        fprintf(stderr, "usage: lab-probe GPU HOME OTHER OTHERHOME PF\n");
        return 2;
    }
    learn(argv);
    for (size_t i = 0; i < n_scenes; i++) {
        printf("\n# %s\n", scenes[i].title);
        for (const struct action *action = scenes[i].actions; action->path != NULL; action++) {
            perform(action);
        }
    }
    return 0;
}
