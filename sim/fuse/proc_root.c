/* SPDX-License-Identifier: Apache-2.0 */
#include "sim/fuse/proc_root.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <unistd.h>

#include "base/fs.h"
#include "base/mem.h"
#include "base/str.h"
#include "sim/fuse/session.h"

#define MODULES "modules"
#define MAX_STATUS 8192
/* How long the kernel may take a name for there: that long a process that has ended still has a
 * link, which leads nowhere. */
#define LINK_TIMEOUT_S 1.0

struct proc_root {
    const char *real, *modules;
    struct inodes *inodes;
    struct mount mount;
};

static struct proc_root *root_of(fuse_req_t req)
{
    return fuse_req_userdata(req);
}

static struct stat stat_of(uint64_t number)
{
    bool root = number == INODE_ROOT;
    return (struct stat){.st_ino = number,
                         .st_mode = root ? S_IFDIR | 0555 : S_IFLNK | 0777,
                         .st_nlink = root ? 2 : 1};
}

static void on_lookup(fuse_req_t req, fuse_ino_t parent, const char *name)
{
    struct proc_root *root = root_of(req);
    struct stat st;
    CLEANUP_FREE char *path = xasprintf("%s/%s", root->real, name);
    if (parent != INODE_ROOT || (!str_eq(name, MODULES) && lstat(path, &st) < 0)) {
        fuse_reply_err(req, ENOENT);
        return;
    }
    uint64_t number = inodes_of_path(root->inodes, name)->number;
    struct fuse_entry_param entry = {.ino = number,
                                     .attr = stat_of(number),
                                     .attr_timeout = LINK_TIMEOUT_S,
                                     .entry_timeout = LINK_TIMEOUT_S};
    fuse_reply_entry(req, &entry);
}

static void on_getattr(fuse_req_t req, fuse_ino_t number, struct fuse_file_info *file UNUSED)
{
    struct stat st = stat_of(number);
    fuse_reply_attr(req, &st, LINK_TIMEOUT_S);
}

/* Where /proc/self and /proc/thread-self lead a thread; NULL: it has ended. Caller frees. */
static char *link_of_thread(const struct proc_root *root, pid_t thread, bool itself)
{
    CLEANUP_FREE char *status = xasprintf("%s/%d/status", root->real, thread);
    CLEANUP_FREE char *text = NULL;
    unsigned process = 0;
    if (fs_read(status, MAX_STATUS, &text, NULL) < 0) {
        return NULL;
    }
    const char *line = strstr(text, "\nTgid:");
    if (line == NULL || sscanf(line, "\nTgid: %u", &process) != 1) {
        return NULL;
    }
    return itself ? xasprintf("%u/task/%d", process, thread) : xasprintf("%u", process);
}

static char *link_target(const struct proc_root *root, const char *name, pid_t thread)
{
    if (str_eq(name, MODULES)) {
        return xstrdup(root->modules);
    }
    bool itself = str_eq(name, "thread-self");
    char *own = itself || str_eq(name, "self") ? link_of_thread(root, thread, itself) : NULL;
    return own != NULL ? own : xasprintf("%s/%s", root->real, name);
}

static void on_readlink(fuse_req_t req, fuse_ino_t number)
{
    struct proc_root *root = root_of(req);
    const struct inode *inode = inodes_at(root->inodes, number);
    if (inode == NULL || number == INODE_ROOT) {
        fuse_reply_err(req, EINVAL);
        return;
    }
    CLEANUP_FREE char *target = link_target(root, inode->path, fuse_req_ctx(req)->pid);
    fuse_reply_readlink(req, target);
}

/* ---- the list of names, made when it is opened ---- */

static struct strlist *names_of(const struct fuse_file_info *file)
{
    return (struct strlist *)(uintptr_t)file->fh;
}

static void on_opendir(fuse_req_t req, fuse_ino_t number, struct fuse_file_info *file)
{
    struct strlist *names = xcalloc(1, sizeof(*names));
    int r = number == INODE_ROOT ? fs_list(root_of(req)->real, names) : -ENOTDIR;
    if (r == 0) {
        *vec_push(names) = xstrdup(MODULES);
        file->fh = (uintptr_t)names;
        r = fuse_reply_open(req, file);
    } else {
        fuse_reply_err(req, -r);
    }
    if (r != 0) {
        strlist_done(names);
        free(names);
    }
}

static void on_readdir(fuse_req_t req, fuse_ino_t number, size_t size, off_t offset,
                       struct fuse_file_info *file)
{
    names_reply(req, number, names_of(file), size, offset);
}

static void on_releasedir(fuse_req_t req, fuse_ino_t number UNUSED, struct fuse_file_info *file)
{
    strlist_done(names_of(file));
    free(names_of(file));
    fuse_reply_err(req, 0);
}

/* ---- life ---- */

static const struct fuse_lowlevel_ops operations = {
    .lookup = on_lookup,
    .getattr = on_getattr,
    .readlink = on_readlink,
    .opendir = on_opendir,
    .readdir = on_readdir,
    .releasedir = on_releasedir,
};

static void proc_root_free(struct proc_root *root)
{
    inodes_free(root->inodes);
    free(root);
}
DEFINE_FREEP(struct proc_root *, proc_root_free)

int proc_root_start(const char *real, const char *modules, const char *mount_dir,
                    struct proc_root **ret_root, struct error *err)
{
    CLEANUP(proc_root_freep) struct proc_root *root = xcalloc(1, sizeof(*root));
    *root = (struct proc_root){.real = real, .modules = modules, .inodes = inodes_new()};
    int r = mount_start(&root->mount, &operations, "proc", mount_dir, root, err);
    if (r != 0) {
        return r;
    }
    *ret_root = TAKE_PTR(root);
    return 0;
}

void proc_root_stop(struct proc_root *root)
{
    if (root == NULL) {
        return;
    }
    mount_stop(&root->mount);
    mount_end(&root->mount);
    proc_root_free(root);
}
