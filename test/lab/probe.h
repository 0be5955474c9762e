/* SPDX-License-Identifier: Apache-2.0 */
/* What lab-probe does: scenes.c is the list. */
#ifndef TEST_LAB_PROBE_H
#define TEST_LAB_PROBE_H

#include <stddef.h>

enum what {
    DO_READ,
    DO_WRITE,
    DO_LINK, /* last part of a link's target */
    DO_STAT,
    DO_OPEN_TWICE,
    DO_CREATE,
    DO_MKDIR,
    DO_UNLINK,
    DO_TRUNCATE,
    DO_RENAME,
    DO_SYMLINK,
    DO_KEEP, /* opens the file for DO_USE_KEPT */
    DO_USE_KEPT,
    DO_WAIT,        /* until it is there */
    DO_START_WRITE, /* in a process of its own: says whether it comes back */
    DO_END_WRITE,   /* what came of it in the end */
    DO_HOLD,        /* QEMU opens the device of that address; the file says whether it has */
    DO_LET_GO,      /* and ends */
};

/* How much of what is read, or of a file's size, is the kernel's and not the hardware's. */
enum show { SHOW_ALL, SHOW_SHAPE, SHOW_LENGTH, SHOW_NOTHING };

struct action {
    enum what what;
    const char *path; /* NULL: the end */
    const char *text;
    enum show show;
};

struct scene {
    const char *title;
    const struct action *actions;
};

extern const struct scene scenes[];
extern const size_t n_scenes;

#endif
