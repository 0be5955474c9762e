/* SPDX-License-Identifier: Apache-2.0 */
#include "sim/fuse/inode.h"

#include <search.h>
#include <stdlib.h>

#include "base/mem.h"
#include "base/str.h"
#include "base/vec.h"

struct inodes {
    VEC(struct inode *) all; /* number n is all.items[n - 1] */
    void *by_path;           /* tsearch() tree of struct inode */
};

static int compare(const void *a, const void *b)
{
    const struct inode *x = a;
    const struct inode *y = b;
    return strcmp(x->path, y->path);
}

/* FNV-1a; never 0. */
static uint32_t identity_of(const char *path)
{
    uint32_t hash = 0x811c9dc5u;
    for (const char *p = path; *p != '\0'; p++) {
        hash = (hash ^ (unsigned char)*p) * 0x01000193u;
    }
    return hash != 0 ? hash : 1;
}

struct inode *inodes_of_path(struct inodes *inodes, const char *path)
{
    struct inode key = {.path = (char *)(uintptr_t)path};
    struct inode **found = tfind(&key, &inodes->by_path, compare);
    if (found != NULL) {
        return *found;
    }
    struct inode *inode = xcalloc(1, sizeof(*inode));
    inode->path = xstrdup(path);
    inode->identity = identity_of(path);
    *vec_push(&inodes->all) = inode;
    inode->number = inodes->all.n;
    if (tsearch(inode, &inodes->by_path, compare) == NULL) {
        abort(); /* out of memory, as everywhere */
    }
    return inode;
}

struct inode *inodes_at(struct inodes *inodes, uint64_t number)
{
    return number >= 1 && number <= inodes->all.n ? inodes->all.items[number - 1] : NULL;
}

struct inodes *inodes_new(void)
{
    struct inodes *inodes = xcalloc(1, sizeof(*inodes));
    inodes_of_path(inodes, ""); /* INODE_ROOT */
    return inodes;
}

static void keep(void *node UNUSED)
{
}

void inodes_free(struct inodes *inodes)
{
    if (inodes == NULL) {
        return;
    }
    tdestroy(inodes->by_path, keep);
    for (vec_each(&inodes->all, inode)) {
        free((*inode)->path);
        free(*inode);
    }
    vec_done(&inodes->all);
    free(inodes);
}
