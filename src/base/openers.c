/* SPDX-License-Identifier: Apache-2.0 */
#include "base/openers.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/attr.h"
#include "base/clock.h"
#include "base/fs.h"
#include "base/mem.h"
#include "base/parse.h"

#define MAX_INFORMATION 16384
#define MAX_CGROUP 16384
#define GPU_BUDGET_US UINT64_C(1000000)
#define CLOCK_PERIOD 64 /* descriptors between two looks at the clock */

void openers_search_done(struct openers_search *search)
{
    vec_done(&search->found);
}

/* ---- one process ---- */

enum turn { TURN_FIRST, TURN_LATER, N_TURNS };

struct process {
    uint32_t pid;
    enum turn turn;
    bool has_more;  /* than it was looked through for */
    uint64_t n_fds; /* seen so far */
};

static void read_name(const char *proc, uint32_t pid, char name[OPENER_NAME_SIZE])
{
    char path[PATH_MAX];
    CLEANUP_FREE char *text = NULL;
    size_t len = 0;
    str_print(path, sizeof(path), "%s/%u/comm", proc, pid);
    bool known = fs_read(path, 4096, &text, &len) == 0;
    str_copy(name, OPENER_NAME_SIZE, known ? str_trim(text) : "?");
    str_make_clean(name);
}

/* A line is "0::/machine.slice/…" or "4:devices:/…": a number, controllers, the path. */
static bool is_service_line(const char *line)
{
    static const char *const places[] = {"/machine.slice/", "/machine/", "/system.slice/"};
    const char *at = strchr(line, ':');
    at = at != NULL ? strchr(at + 1, ':') : NULL;
    for (size_t i = 0; at != NULL && i < ARRAY_SIZE(places); i++) {
        if (str_starts(at + 1, places[i])) {
            return true;
        }
    }
    return false;
}

static bool is_service_cgroup(char *text)
{
    bool is = false;
    char *rest = text;
    while (!is && rest != NULL) {
        const char *line = strsep(&rest, "\n");
        is = is_service_line(line);
    }
    return is;
}

/* Root's, a service's and a VM's: where the service manager and libvirt put a process, another user
 * can't; a name, any process gives itself. */
static enum turn find_turn(const char *proc, uint32_t pid)
{
    char path[PATH_MAX];
    struct stat st;
    str_print(path, sizeof(path), "%s/%u", proc, pid);
    if (stat(path, &st) == 0 && st.st_uid == 0) {
        return TURN_FIRST;
    }
    CLEANUP_FREE char *text = NULL;
    size_t len = 0;
    str_print(path, sizeof(path), "%s/%u/cgroup", proc, pid);
    bool known = fs_read(path, MAX_CGROUP, &text, &len) == 0;
    return known && is_service_cgroup(text) ? TURN_FIRST : TURN_LATER;
}

static bool is_fit(const struct openers_search *search, int fd, const char *name)
{
    char target[PATH_MAX];
    ssize_t len = readlinkat(fd, name, target, sizeof(target) - 1);
    target[len > 0 ? len : 0] = '\0';
    return search->fits(target, search->data);
}

/* At most `share` descriptors, and none after `until_us`. Returns whether one fits. */
static bool look_through(const struct openers_search *search, struct process *process,
                         uint64_t share, uint64_t until_us)
{
    char path[PATH_MAX];
    str_print(path, sizeof(path), "%s/%u/fd", search->proc, process->pid);
    DIR *dir = opendir(path);
    process->has_more = false;
    process->n_fds = 0;
    if (dir == NULL) {
        return false; /* it has ended, or is not ours to see */
    }
    bool fits = false;
    struct dirent *entry = readdir(dir);
    while (entry != NULL && !fits && !process->has_more) {
        if (entry->d_name[0] != '.') {
            fits = is_fit(search, dirfd(dir), entry->d_name);
            process->n_fds++;
        }
        bool late = process->n_fds % CLOCK_PERIOD == 0 && clock_monotonic_us() >= until_us;
        entry = readdir(dir);
        process->has_more = entry != NULL && !fits && (late || process->n_fds >= share);
    }
    (void)closedir(dir);
    return fits;
}

/* ---- all of them ---- */

struct processes {
    struct process *items;
    size_t n;
    size_t cap;
};

static int list_processes(const struct openers_search *search, uint64_t until_us,
                          struct processes *ret_processes)
{
    CLEANUP_STRLIST struct strlist entries = {0};
    int r = fs_list(search->proc, &entries);
    for (vec_each(&entries, entry)) {
        uint32_t pid = 0;
        if (r >= 0 && parse_u32(*entry, &pid) && pid != search->skip) {
            bool in_time = clock_monotonic_us() < until_us;
            *vec_push(ret_processes) = (struct process){
                .pid = pid, .turn = in_time ? find_turn(search->proc, pid) : TURN_LATER};
        }
    }
    return r < 0 ? r : 0;
}

static bool is_over(const struct openers_search *search)
{
    return search->max > 0 && search->found.n >= search->max;
}

static void look(struct openers_search *search, struct process *process, uint64_t share,
                 uint64_t until_us)
{
    if (clock_monotonic_us() >= until_us) {
        process->has_more = true;
    } else if (look_through(search, process, share, until_us)) {
        struct opener *opener = vec_push(&search->found);
        opener->pid = process->pid;
        read_name(search->proc, process->pid, opener->name);
    }
}

static void note_unfinished(struct openers_search *search, const struct processes *processes)
{
    const struct process *most = NULL;
    for (vec_each(processes, process)) {
        search->n_unfinished += process->has_more;
        if (process->has_more && (most == NULL || process->n_fds > most->n_fds)) {
            most = process;
        }
    }
    if (most != NULL) {
        search->unfinished.pid = most->pid;
        read_name(search->proc, most->pid, search->unfinished.name);
    }
}

/* Each its share, then the rest of those that have more. */
static void look_in_turn(struct openers_search *search, const struct processes *processes,
                         enum turn turn, uint64_t until_us)
{
    for (vec_each(processes, process)) {
        if (process->turn == turn && !is_over(search)) {
            look(search, process, OPENERS_SHARE, until_us);
        }
    }
    for (vec_each(processes, process)) {
        if (process->turn == turn && process->has_more && !is_over(search)) {
            look(search, process, UINT64_MAX, until_us);
        }
    }
}

int openers_search(struct openers_search *search)
{
    struct processes processes = {0};
    uint64_t until_us = clock_monotonic_us() + search->budget_us;
    int r = list_processes(search, until_us, &processes);
    for (enum turn turn = TURN_FIRST; turn < N_TURNS; turn++) {
        look_in_turn(search, &processes, turn, until_us);
    }
    note_unfinished(search, &processes);
    vec_done(&processes);
    return r;
}

/* ---- a GPU ---- */

static bool is_gpu_node(const char *path, const void *data)
{
    static const char prefix[] = "/dev/nvidia";
    const int *minor = data;
    uint32_t number = 0;
    return strncmp(path, prefix, sizeof(prefix) - 1) == 0 &&
           parse_u32(path + sizeof(prefix) - 1, &number) &&
           (*minor < 0 || number == (uint32_t)*minor);
}

/* "Device Minor: 	 0"; -1: not known. */
static int read_minor(const char *root, const char *bdf)
{
    static const char key[] = "Device Minor:";
    char path[PATH_MAX];
    CLEANUP_FREE char *text = NULL;
    size_t len = 0;
    uint32_t minor = 0;
    str_print(path, sizeof(path), "%s/proc/driver/nvidia/gpus/%s/information", root, bdf);
    if (fs_read(path, MAX_INFORMATION, &text, &len) != 0) {
        return -1;
    }
    char *at = strstr(text, key);
    if (at == NULL) {
        return -1;
    }
    at += sizeof(key) - 1;
    at[strcspn(at, "\n")] = '\0';
    return parse_u32(str_trim(at), &minor) && minor < 256 ? (int)minor : -1;
}

size_t openers_of_gpu(const char *root, const char *bdf, size_t max, struct strbuf *ret_names)
{
    char proc[PATH_MAX];
    int minor = read_minor(root, bdf);
    str_print(proc, sizeof(proc), "%s/proc", root);
    CLEANUP_OPENERS struct openers_search search = {.proc = proc,
                                                    .fits = is_gpu_node,
                                                    .data = &minor,
                                                    .budget_us = GPU_BUDGET_US,
                                                    .skip = (uint32_t)getpid()};
    (void)openers_search(&search);
    size_t n = 0;
    for (vec_each(&search.found, opener)) {
        if (n++ < max) {
            strbuf_addf(ret_names, "%s%s (PID %u)", n > 1 ? ", " : "", opener->name, opener->pid);
        }
    }
    if (n > max) {
        strbuf_addf(ret_names, " and %zu more", n - max);
    }
    if (n > 0 && search.n_unfinished > 0) {
        strbuf_add(ret_names, " and maybe others");
    }
    return n;
}
