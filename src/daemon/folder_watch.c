/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/folder_watch.h"

#include <errno.h>
#include <limits.h>
#include <stdint.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fs.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "base/vec.h"

#define SETTLE_US UINT64_C(250000)
#define SETTLE_LATEST_US UINT64_C(2000000) /* after the first change, if they don't end */
#define PATIENCE_US UINT64_C(10000000)
#define MAX_LINKS 64   /* files of the folder that are symbolic links, and are followed */
#define MAX_WRITTEN 64 /* files that are being written at once */

#define OF_FOLDER                                                                                  \
    (IN_CREATE | IN_MODIFY | IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE |            \
     IN_ATTRIB | IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR)
#define OF_PARENT                                                                                  \
    (IN_CREATE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE | IN_DELETE_SELF | IN_MOVE_SELF |         \
     IN_ONLYDIR)
#define OF_LINK (IN_MODIFY | IN_CLOSE_WRITE | IN_ATTRIB | IN_DELETE_SELF | IN_MOVE_SELF)

/* A path that is watched. */
struct place {
    int id; /* inotify's */
    enum { PLACE_FOLDER, PLACE_PARENT, PLACE_LINK } kind;
    char name[NAME_MAX + 1]; /* of the link; what the parent has to get */
};
struct places {
    struct place *items;
    size_t n;
    size_t cap;
};

struct folder_watch {
    struct folder_watch_config config;
    int fd;
    struct evloop_watch *watch;
    struct evloop_timer *timer;
    struct places places;
    uint64_t first_us; /* monotonic: of the changes that settle; 0: none */
    struct written {
        char name[NAME_MAX + 1];
        uint64_t since_us;
    } written[MAX_WRITTEN]; /* begun, and not closed */
    size_t n_written;
};

/* ---- what is watched ---- */

static void add_place(struct folder_watch *w, struct places *places, const char *path,
                      const struct place *kind, uint32_t mask)
{
    int id = inotify_add_watch(w->fd, path, mask);
    if (id < 0) {
        if (errno != ENOENT && errno != ENOTDIR) {
            log_warning("cleaved can't see changes of %s (%s); after a change send it SIGHUP", path,
                        strerror(errno));
        }
        return;
    }
    struct place *place = vec_push(places);
    *place = *kind;
    place->id = id;
}

/* The nearest folder above that is there: its next entry on the way is waited for. */
static void add_parent(struct folder_watch *w, struct places *places)
{
    CLEANUP_FREE char *path = xstrdup(w->config.path);
    for (;;) {
        char *slash = strrchr(path, '/');
        struct place parent = {.kind = PLACE_PARENT};
        struct stat st = {0};
        if (slash == NULL) {
            return;
        }
        STR_SET(parent.name, slash + 1);
        slash[slash == path ? 1 : 0] = '\0';
        if (stat(path, &st) == 0 && S_ISDIR(st.st_mode)) {
            add_place(w, places, path, &parent, OF_PARENT);
            return;
        }
        if (str_eq(path, "/")) {
            return;
        }
    }
}

static void add_links(struct folder_watch *w, struct places *places)
{
    CLEANUP_STRLIST struct strlist names = {0};
    size_t n = 0;
    (void)fs_list(w->config.path, &names);
    for (size_t i = 0; i < names.n && n < MAX_LINKS; i++) {
        CLEANUP_FREE char *path = xasprintf("%s/%s", w->config.path, names.items[i]);
        struct place link = {.kind = PLACE_LINK};
        struct stat st = {0};
        STR_SET(link.name, names.items[i]);
        if (w->config.is_name(link.name) && lstat(path, &st) == 0 && S_ISLNK(st.st_mode)) {
            add_place(w, places, path, &link, OF_LINK);
            n++;
        }
    }
}

static bool has_place(const struct places *places, int id)
{
    for (vec_each(places, place)) {
        if (place->id == id) {
            return true;
        }
    }
    return false;
}

/* Watches what is at these paths now; what is no longer there is let go. */
static void place_watches(struct folder_watch *w)
{
    struct places now = {0};
    add_parent(w, &now);
    add_place(w, &now, w->config.path, &(struct place){.kind = PLACE_FOLDER}, OF_FOLDER);
    add_links(w, &now);
    for (vec_each(&w->places, place)) {
        if (!has_place(&now, place->id)) {
            (void)inotify_rm_watch(w->fd, place->id);
        }
    }
    vec_done(&w->places);
    w->places = now;
}

/* ---- what changes ---- */

static void set_timer(struct folder_watch *w)
{
    uint64_t now_us = clock_monotonic_us();
    w->first_us = w->first_us != 0 ? w->first_us : now_us;
    uint64_t latest_us = w->first_us + SETTLE_LATEST_US;
    uint64_t due_us = now_us + w->config.settle_us;
    due_us = due_us < latest_us ? due_us : latest_us;
    (void)evloop_timer_set(w->timer, due_us > now_us ? due_us - now_us : 0);
}

static struct written *find_written(struct folder_watch *w, const char *name)
{
    for (size_t i = 0; i < w->n_written; i++) {
        if (str_eq(w->written[i].name, name)) {
            return &w->written[i];
        }
    }
    return NULL;
}

static void note_writing(struct folder_watch *w, const char *name)
{
    if (find_written(w, name) == NULL && w->n_written < MAX_WRITTEN) {
        struct written *it = &w->written[w->n_written++];
        STR_SET(it->name, name);
        it->since_us = clock_monotonic_us();
    }
}

static void note_closed(struct folder_watch *w, const char *name)
{
    struct written *it = find_written(w, name);
    if (it != NULL) {
        *it = w->written[--w->n_written];
    }
}

/* A file that was made is empty until its writer goes on; a link is whole at once. */
static bool is_begun(const struct folder_watch *w, const char *name)
{
    struct stat st = {0};
    CLEANUP_FREE char *path = xasprintf("%s/%s", w->config.path, name);
    return lstat(path, &st) == 0 && S_ISREG(st.st_mode) && st.st_size == 0;
}

static void take_of_file(struct folder_watch *w, const char *name, uint32_t mask)
{
    if ((mask & IN_MODIFY) != 0 || ((mask & IN_CREATE) != 0 && is_begun(w, name))) {
        note_writing(w, name);
    } else if ((mask & ~(uint32_t)IN_ATTRIB) != 0) {
        note_closed(w, name);
    }
    set_timer(w);
}

static void take_event(struct folder_watch *w, const struct inotify_event *event)
{
    const char *name = event->len > 0 ? event->name : "";
    if ((event->mask & IN_Q_OVERFLOW) != 0) {
        w->n_written = 0;
        set_timer(w);
        return;
    }
    for (vec_each(&w->places, place)) {
        if (place->id != event->wd || (event->mask & IN_IGNORED) != 0) {
            continue;
        }
        if (place->kind == PLACE_LINK) {
            take_of_file(w, place->name, event->mask);
        } else if (place->kind == PLACE_PARENT) {
            if (name[0] == '\0' || str_eq(name, place->name)) {
                set_timer(w);
            }
        } else if (name[0] == '\0' || !w->config.is_name(name)) {
            bool moved = (event->mask & (IN_MOVED_TO | IN_MOVED_FROM)) != 0 || name[0] == '\0';
            if (moved) { /* of a folder that links lead through, or the folder itself */
                set_timer(w);
            }
        } else {
            take_of_file(w, name, event->mask);
        }
    }
}

static void readable(int fd, uint32_t revents, void *data)
{
    (void)revents;
    struct folder_watch *w = data;
    for (;;) {
        _Alignas(struct inotify_event) char buffer[4096];
        ssize_t len = read(fd, buffer, sizeof(buffer));
        if (len <= 0) {
            return;
        }
        for (ssize_t at = 0; at < len;) {
            const struct inotify_event *event = (const void *)(buffer + at);
            take_event(w, event);
            at += (ssize_t)(sizeof(*event) + event->len);
        }
    }
}

static const struct written *oldest(const struct folder_watch *w)
{
    const struct written *first = NULL;
    for (size_t i = 0; i < w->n_written; i++) {
        if (first == NULL || w->written[i].since_us < first->since_us) {
            first = &w->written[i];
        }
    }
    return first;
}

/* Its writer may have gone before it was watched, or the folder with it. */
static void forget_absent(struct folder_watch *w)
{
    for (size_t i = w->n_written; i > 0; i--) {
        CLEANUP_FREE char *path = xasprintf("%s/%s", w->config.path, w->written[i - 1].name);
        if (!fs_exists(path)) {
            w->written[i - 1] = w->written[--w->n_written];
        }
    }
}

static void settled(void *data)
{
    struct folder_watch *w = data;
    forget_absent(w);
    const struct written *first = oldest(w);
    uint64_t now_us = clock_monotonic_us();
    if (first != NULL && now_us < first->since_us + w->config.patience_us) {
        (void)evloop_timer_set(w->timer, first->since_us + w->config.patience_us - now_us);
        return;
    }
    w->first_us = 0;
    if (first != NULL) {
        char name[NAME_MAX + 1];
        STR_SET(name, first->name);
        w->config.changed(w->config.data, name);
        return;
    }
    place_watches(w);
    w->config.changed(w->config.data, NULL);
}

void folder_watch_ask(struct folder_watch *w)
{
    (void)evloop_timer_set(w->timer, 0);
}

/* ---- life ---- */

int folder_watch_new(const struct folder_watch_config *config, struct folder_watch **ret_watch)
{
    struct folder_watch *w = xcalloc(1, sizeof(*w));
    w->config = *config;
    w->config.settle_us = config->settle_us != 0 ? config->settle_us : SETTLE_US;
    w->config.patience_us = config->patience_us != 0 ? config->patience_us : PATIENCE_US;
    w->fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
    int r = w->fd < 0 ? -errno : evloop_timer_new(config->loop, settled, w, &w->timer);
    r = r != 0 ? r : evloop_watch_new(config->loop, w->fd, EPOLLIN, readable, w, &w->watch);
    if (r != 0) {
        folder_watch_free(w);
        return r;
    }
    place_watches(w);
    *ret_watch = w;
    return 0;
}

void folder_watch_free(struct folder_watch *w)
{
    if (w == NULL) {
        return;
    }
    evloop_watch_free(w->watch);
    evloop_timer_free(w->timer);
    vec_done(&w->places);
    closep(&w->fd);
    free(w);
}
