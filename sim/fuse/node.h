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

#include "base/fs.h"
#include "base/str.h"
#include "sim/fuse/function.h"
#include "sim/state/state.h"

enum node_kind { NODE_DIR, NODE_FILE, NODE_LINK };

/* What a path is about. Borrowed from the host, valid under its lock. */
struct ref {
    struct sim_host *host;
    char root[ROOT_NAME_SIZE];
    struct function fn;
    char driver[16];
    uint32_t group;
    uint32_t virtfn;
    uint32_t bar;
    struct sim_vgpu *mdev; /* with fn its parent */
    const struct cat_vgpu_type *type;
    struct sim_gi *gi;
    struct sim_ci *ci;
    bool privileged; /* the caller is root: reads all of `config` */
};

struct node {
    const char *pattern;
    enum node_kind kind;
    mode_t mode;
    uint32_t size;                            /* what stat says; attributes are one page */
    uint64_t (*bytes)(const struct ref *ref); /* the same where it differs; NULL: `size` */
    /* How often it was made again: sysfs gives each life another inode number. NULL: once. */
    uint32_t (*lives)(const struct ref *ref);
    bool exclusive;                      /* one process at a time has it open */
    bool (*when)(const struct ref *ref); /* NULL: always there */
    /* Content of a file, or target of a link. 0 or -errno. NULL: write-only. */
    int (*read)(const struct ref *ref, struct strbuf *out);
    /* One write: `text` without the newline at its end. 0 or -errno. NULL: read-only. */
    int (*write)(const struct ref *ref, const char *text);
};

extern const struct node nodes[];
extern const size_t n_nodes;

/* The table as a tree, for quick look-ups. */
struct tree;
struct tree *tree_new(void);
void tree_free(struct tree *tree);
/* Finds the row for "bus/pci/devices" ("" is the root) and fills *ref, of which host is
 * set. NULL: no such file now. */
const struct node *tree_find(const struct tree *tree, const char *path, struct ref *ref);
/* Names below a directory that tree_find() gave with `ref`. */
void tree_list(const struct tree *tree, const struct node *dir, const struct ref *ref,
               struct strlist *names);
/* Is the name of this row fixed and always there below its parent? Such entries may be cached. */
bool node_is_fixed(const struct node *node);

#endif
