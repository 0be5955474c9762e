/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A folder of files that people and other programs edit while cleaved runs (inotify(7)). It may
 * come later, go, or be a symbolic link, and so may its files. A change is reported once it has
 * settled, and no file that a program is in the middle of writing. Loop thread only.
 */
#ifndef DAEMON_FOLDER_WATCH_H
#define DAEMON_FOLDER_WATCH_H

#include <stdbool.h>

#include "base/evloop.h"

struct folder_watch;

/* `unfinished` NULL: the folder is to be read. Else the name of a file that a program has been
 * writing for long and has not closed. */
typedef void folder_changed_fn(void *data, const char *unfinished);

struct folder_watch_config {
    struct evloop *loop;
    const char *path;                  /* absolute; borrowed */
    bool (*is_name)(const char *name); /* of a file that counts */
    folder_changed_fn *changed;
    void *data;
    uint64_t settle_us;   /* after the last change; 0: the default */
    uint64_t patience_us; /* with a file that is being written; 0: the default */
};

/* From now on changes are reported: watch first, then read the folder. 0 or -errno. */
int folder_watch_new(const struct folder_watch_config *config, struct folder_watch **ret_watch);
void folder_watch_free(struct folder_watch *watch);
/* Reports a change even if none was seen, as soon as no file is being written. */
void folder_watch_ask(struct folder_watch *watch);

#endif
