/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The FUSE side: low-level requests of libfuse become look-ups in the table of nodes. One thread
 * serves them; all of it runs under the host's lock, so more threads would only wait. Files use
 * direct I/O, so that each read asks the engine, as each read of sysfs asks the kernel.
 */
#include "sim/fuse/fuse.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "sim/fuse/call.h"
#include "sim/fuse/session.h"

/* Names that never come or go may stay in the kernel's cache, and attributes: only chmod and chown
 * change them, through here. */
#define FIXED_TIMEOUT_S 3600.0

static struct stat stat_of(const struct sim_fuse *fuse, const struct target *target)
{
    static const mode_t types[] = {
        [NODE_DIR] = S_IFDIR, [NODE_FILE] = S_IFREG, [NODE_LINK] = S_IFLNK};
    mode_t mode = target->inode->mode != 0 ? target->inode->mode : target->node->mode;
    uint64_t size =
        target->node->bytes != NULL ? target->node->bytes(&target->ref) : target->node->size;
    uint64_t lives = target->node->lives != NULL ? target->node->lives(&target->ref) : 0;
    return (struct stat){
        .st_ino = target->inode->identity | lives << 32,
        .st_mode = types[target->node->kind] | mode,
        .st_nlink = target->node->kind == NODE_DIR ? 2 : 1,
        .st_uid = target->inode->uid,
        .st_gid = target->inode->gid,
        .st_size = (off_t)size,
        .st_blksize = 4096,
        .st_mtim = {.tv_sec = fuse->started},
        .st_ctim = {.tv_sec = fuse->started},
        .st_atim = {.tv_sec = fuse->started},
    };
}

/* ---- open files ---- */

/* Answers an open with `handle`, which is gone if no one waits for the answer any more. */
static void reply_open(fuse_req_t req, struct fuse_file_info *file, struct handle *handle)
{
    file->fh = (uintptr_t)handle;
    if (fuse_reply_open(req, file) == -ENOENT) {
        handle_free(handle);
    }
}

static void on_release(fuse_req_t req, fuse_ino_t number UNUSED, struct fuse_file_info *file)
{
    handle_free(handle_of(file));
    fuse_reply_err(req, 0);
}

/* ---- requests ---- */

static void on_init(void *data UNUSED, struct fuse_conn_info *conn)
{
    conn->max_readahead = 0;
}

static int do_lookup(fuse_req_t req, fuse_ino_t parent, const char *name,
                     struct fuse_entry_param *ret_entry)
{
    struct sim_fuse *fuse = fuse_of(req);
    struct inode *dir = inodes_at(fuse->inodes, parent);
    if (dir == NULL) {
        return -ENOENT;
    }
    CLEANUP_FREE char *path =
        dir->path[0] == '\0' ? xstrdup(name) : xasprintf("%s/%s", dir->path, name);
    struct target target = {.ref = fuse_ref(fuse, req)};
    target.node = tree_find(fuse->tree, path, &target.ref);
    if (target.node == NULL) {
        return -ENOENT;
    }
    target.inode = inodes_of_path(fuse->inodes, path);
    *ret_entry = (struct fuse_entry_param){
        .ino = target.inode->number,
        .attr = stat_of(fuse_of(req), &target),
        .attr_timeout = FIXED_TIMEOUT_S,
        .entry_timeout = tree_is_fixed(target.node) ? FIXED_TIMEOUT_S : 0,
    };
    return 0;
}

static void on_lookup(fuse_req_t req, fuse_ino_t parent, const char *name)
{
    struct fuse_entry_param entry = {0};
    sim_lock(fuse_of(req)->host);
    int r = do_lookup(req, parent, name, &entry);
    sim_unlock(fuse_of(req)->host);
    if (r < 0) {
        fuse_reply_err(req, -r);
    } else {
        fuse_reply_entry(req, &entry);
    }
}

static void on_getattr(fuse_req_t req, fuse_ino_t number, struct fuse_file_info *file UNUSED)
{
    struct target target;
    struct stat st = {0};
    sim_lock(fuse_of(req)->host);
    int r = fuse_find(req, number, &target);
    if (r == 0) {
        st = stat_of(fuse_of(req), &target);
    }
    sim_unlock(fuse_of(req)->host);
    if (r < 0) {
        fuse_reply_err(req, -r);
    } else {
        fuse_reply_attr(req, &st, FIXED_TIMEOUT_S);
    }
}

/* Truncation, as `echo x > file` asks for it, does nothing; times are not kept. */
static void on_setattr(fuse_req_t req, fuse_ino_t number, struct stat *attr, int to_set,
                       struct fuse_file_info *file UNUSED)
{
    struct target target;
    struct stat st = {0};
    sim_lock(fuse_of(req)->host);
    int r = fuse_find(req, number, &target);
    if (r == 0) {
        if ((to_set & FUSE_SET_ATTR_MODE) != 0) {
            target.inode->mode = attr->st_mode & 07777;
        }
        if ((to_set & FUSE_SET_ATTR_UID) != 0) {
            target.inode->uid = attr->st_uid;
        }
        if ((to_set & FUSE_SET_ATTR_GID) != 0) {
            target.inode->gid = attr->st_gid;
        }
        st = stat_of(fuse_of(req), &target);
    }
    sim_unlock(fuse_of(req)->host);
    if (r < 0) {
        fuse_reply_err(req, -r);
    } else {
        fuse_reply_attr(req, &st, FIXED_TIMEOUT_S);
    }
}

static void on_readlink(fuse_req_t req, fuse_ino_t number)
{
    struct target target;
    CLEANUP_STRBUF struct strbuf text = {0};
    sim_lock(fuse_of(req)->host);
    int r = fuse_find(req, number, &target);
    if (r == 0) {
        r = target.node->kind == NODE_LINK ? target.node->read(&target.ref, &text) : -EINVAL;
    }
    sim_unlock(fuse_of(req)->host);
    if (r < 0) {
        fuse_reply_err(req, -r);
    } else {
        fuse_reply_readlink(req, strbuf_str(&text));
    }
}

/* vfio_group_fops_open(): one process at a time, and none while a device of the group is open. */
static bool is_taken(struct sim_fuse *fuse, const struct target *target)
{
    if (target->node->exclusive && fuse->host->process_lives != NULL) {
        sim_forget_dead(fuse->host, fuse->host->process_lives);
    }
    return target->node->exclusive && (handle_is_open(fuse, target->inode->number) ||
                                       sim_group_is_open(fuse->host, target->ref.group));
}

static void on_open(fuse_req_t req, fuse_ino_t number, struct fuse_file_info *file)
{
    struct target target;
    sim_lock(fuse_of(req)->host);
    int r = fuse_find(req, number, &target);
    bool taken = r == 0 && is_taken(fuse_of(req), &target);
    sim_unlock(fuse_of(req)->host);
    int access = file->flags & O_ACCMODE;
    /* Root too gets EACCES where there is nothing to read or write, as in sysfs. */
    if (r == 0 && ((access != O_RDONLY && target.node->write == NULL && target.node->size != 0) ||
                   (access != O_WRONLY && target.node->read == NULL))) {
        r = -EACCES;
    }
    r = r == 0 && taken ? -EBUSY : r;
    if (r < 0) {
        fuse_reply_err(req, -r);
        return;
    }
    file->direct_io = 1;
    reply_open(req, file, handle_new(fuse_of(req), number));
}

/* ---- directories ---- */

static void on_opendir(fuse_req_t req, fuse_ino_t number, struct fuse_file_info *file)
{
    struct target target;
    struct handle *handle = handle_new(fuse_of(req), number);
    sim_lock(fuse_of(req)->host);
    int r = fuse_find(req, number, &target);
    if (r == 0 && target.node->kind == NODE_DIR) {
        tree_list(fuse_of(req)->tree, target.node, &target.ref, &handle->names);
    }
    sim_unlock(fuse_of(req)->host);
    if (r < 0) {
        handle_free(handle);
        fuse_reply_err(req, -r);
        return;
    }
    reply_open(req, file, handle);
}

static void on_readdir(fuse_req_t req, fuse_ino_t number, size_t size, off_t offset,
                       struct fuse_file_info *file)
{
    names_reply(req, number, &handle_of(file)->names, size, offset);
}

/* ---- what sysfs refuses ---- */

static void on_create(fuse_req_t req, fuse_ino_t parent UNUSED, const char *name UNUSED,
                      mode_t mode UNUSED, struct fuse_file_info *file UNUSED)
{
    fuse_reply_err(req, EACCES);
}

static void on_mkdir(fuse_req_t req, fuse_ino_t parent UNUSED, const char *name UNUSED,
                     mode_t mode UNUSED)
{
    fuse_reply_err(req, EPERM);
}

static void on_mknod(fuse_req_t req, fuse_ino_t parent UNUSED, const char *name UNUSED,
                     mode_t mode UNUSED, dev_t device UNUSED)
{
    fuse_reply_err(req, EPERM);
}

static void on_remove(fuse_req_t req, fuse_ino_t parent UNUSED, const char *name UNUSED)
{
    fuse_reply_err(req, EPERM);
}

static void on_rename(fuse_req_t req, fuse_ino_t parent UNUSED, const char *name UNUSED,
                      fuse_ino_t to_parent UNUSED, const char *to_name UNUSED,
                      unsigned int flags UNUSED)
{
    fuse_reply_err(req, EPERM);
}

static void on_symlink(fuse_req_t req, const char *target UNUSED, fuse_ino_t parent UNUSED,
                       const char *name UNUSED)
{
    fuse_reply_err(req, EPERM);
}

/* ---- life ---- */

static const struct fuse_lowlevel_ops operations = {
    .init = on_init,
    .lookup = on_lookup,
    .getattr = on_getattr,
    .setattr = on_setattr,
    .readlink = on_readlink,
    .open = on_open,
    .release = on_release,
    .read = call_read,
    .write = call_write,
    .opendir = on_opendir,
    .releasedir = on_release,
    .readdir = on_readdir,
    .create = on_create,
    .mkdir = on_mkdir,
    .mknod = on_mknod,
    .unlink = on_remove,
    .rmdir = on_remove,
    .rename = on_rename,
    .symlink = on_symlink,
};

static void fuse_free(struct sim_fuse *fuse)
{
    while (fuse->handles != NULL) {
        handle_free(fuse->handles);
    }
    inodes_free(fuse->inodes);
    tree_free(fuse->tree);
    free(fuse);
}
DEFINE_FREEP(struct sim_fuse *, fuse_free)

int sim_fuse_start(struct sim_host *host, const char *mount_dir, struct sim_fuse **ret_fuse,
                   struct error *err)
{
    CLEANUP(fuse_freep) struct sim_fuse *fuse = xcalloc(1, sizeof(*fuse));
    fuse->host = host;
    fuse->started = time(NULL);
    fuse->tree = tree_new();
    fuse->inodes = inodes_new();
    int r = mount_start(&fuse->mount, &operations, "cleave-sim", mount_dir, fuse, err);
    if (r != 0) {
        return r;
    }
    *ret_fuse = TAKE_PTR(fuse);
    return 0;
}

void sim_fuse_stop(struct sim_fuse *fuse)
{
    if (fuse == NULL) {
        return;
    }
    sim_close(fuse->host);
    mount_stop(&fuse->mount);
    calls_wait(fuse);
    mount_end(&fuse->mount);
    fuse_free(fuse);
}
