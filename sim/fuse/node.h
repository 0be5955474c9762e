/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A file of the simulated kernel: a row of the table in nodes.c. Patterns are paths whose parts are
 * words or slots such as {fn}; a slot stands for the names of one kind of object (slot.h), and
 * binding a path to a row fills the `struct ref` that the row's functions get.
 */
#ifndef SIM_FUSE_NODE_H
#define SIM_FUSE_NODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/str.h"
#include "sim/fuse/ref.h"

enum node_kind { NODE_DIR, NODE_FILE, NODE_LINK };

struct node {
    const char *pattern;
    enum node_kind kind;
    mode_t mode;
    uint32_t size;                            /* what stat says; attributes are one page */
    uint64_t (*bytes)(const struct ref *ref); /* the same where it differs; NULL: `size` */
    /* How often it was made again: sysfs gives each life another inode number. NULL: once. */
    uint32_t (*lives)(const struct ref *ref);
    bool drops_last;                     /* the last byte of a write, taken for a newline */
    bool exclusive;                      /* one process at a time has it open */
    bool (*when)(const struct ref *ref); /* NULL: always there */
    /* Content of a file, or target of a link. 0 or -errno. NULL: write-only. */
    int (*read)(const struct ref *ref, struct strbuf *out);
    /* One write: `text` without the newline at its end. 0 or -errno. NULL: read-only. */
    int (*write)(const struct ref *ref, const char *text);
};

#endif
