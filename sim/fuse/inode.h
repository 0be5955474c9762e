/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Numbers for paths, as FUSE wants them: given at the first look-up and kept, so that a path has
 * one number for life. There are as many as names on the host, so none is ever forgotten.
 */
#ifndef SIM_FUSE_INODE_H
#define SIM_FUSE_INODE_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define INODE_ROOT 1

/* Owner and mode that chown and chmod have set; libvirt does that to /dev/vfio files. */
struct inode {
    uint64_t number;
    char *path; /* "bus/pci", "" for the root */
    /* By its path, so that it is the same after another mount: a kernel's own outlives what looks
     * at it. Of two paths it may be the same, seldom. */
    uint32_t identity;
    uid_t uid;
    gid_t gid;
    mode_t mode; /* permission bits; 0: those of the node */
};

struct inodes;
struct inodes *inodes_new(void);
void inodes_free(struct inodes *inodes);
/* Borrowed, valid until inodes_free(). NULL for a number that was never given. */
struct inode *inodes_at(struct inodes *inodes, uint64_t number);
struct inode *inodes_of_path(struct inodes *inodes, const char *path);

#endif
