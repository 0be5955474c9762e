/* SPDX-License-Identifier: Apache-2.0 */
/* What the files that answer libfuse's requests share. */
#ifndef SIM_FUSE_SESSION_H
#define SIM_FUSE_SESSION_H

#include <stdatomic.h>
#include <time.h>

#include "sim/fuse/inode.h"
#include "sim/fuse/mount.h"
#include "sim/fuse/tree.h"

/* An open file or directory. They are listed, because the kernel may still owe releases when the
 * mount goes away. */
struct handle {
    struct handle *next;
    struct handle **from; /* what points here */
    fuse_ino_t number;
    struct strbuf text;   /* content, made at the read from the start: a seek back reads afresh */
    struct strlist names; /* of a directory, listed when it is opened */
};

struct sim_fuse {
    struct sim_host *host;
    struct tree *tree;
    struct inodes *inodes;
    time_t started; /* the time of every file */
    struct handle *handles;
    struct mount mount;
    atomic_uint late_calls; /* on threads of their own */
};

/* A path looked up under the lock. */
struct target {
    struct inode *inode;
    const struct node *node;
    struct ref ref;
};

struct sim_fuse *fuse_of(fuse_req_t req);
/* What a look-up of the request's caller starts with. */
struct ref fuse_ref(struct sim_fuse *fuse, fuse_req_t req);
/* 0 or -ENOENT. Under the host's lock. */
int fuse_find(fuse_req_t req, fuse_ino_t number, struct target *ret_target);

/* Answers a request for the names of a directory from `offset` on, with "." and "..". Types are
 * left to the look-up that follows. */
void names_reply(fuse_req_t req, fuse_ino_t number, const struct strlist *names, size_t size,
                 off_t offset);

struct handle *handle_new(struct sim_fuse *fuse, fuse_ino_t number);
void handle_free(struct handle *handle);
struct handle *handle_of(const struct fuse_file_info *file);
bool handle_is_open(const struct sim_fuse *fuse, fuse_ino_t number);

#endif
