/* SPDX-License-Identifier: Apache-2.0 */
#include "sim/fuse/session.h"

#include <errno.h>

struct sim_fuse *fuse_of(fuse_req_t req)
{
    return fuse_req_userdata(req);
}

struct ref fuse_ref(struct sim_fuse *fuse, fuse_req_t req)
{
    return (struct ref){
        .host = fuse->host,
        .privileged = fuse_req_ctx(req)->uid == 0,
    };
}

int fuse_find(fuse_req_t req, fuse_ino_t number, struct target *ret_target)
{
    struct sim_fuse *fuse = fuse_of(req);
    struct target target = {.inode = inodes_at(fuse->inodes, number), .ref = fuse_ref(fuse, req)};
    if (target.inode == NULL) {
        return -ENOENT;
    }
    target.node = tree_find(fuse->tree, target.inode->path, &target.ref);
    if (target.node == NULL) {
        return -ENOENT;
    }
    *ret_target = target;
    return 0;
}

/* ---- open files ---- */

struct handle *handle_new(struct sim_fuse *fuse, fuse_ino_t number)
{
    struct handle *handle = xcalloc(1, sizeof(*handle));
    handle->number = number;
    handle->next = fuse->handles;
    handle->from = &fuse->handles;
    if (handle->next != NULL) {
        handle->next->from = &handle->next;
    }
    fuse->handles = handle;
    return handle;
}

bool handle_is_open(const struct sim_fuse *fuse, fuse_ino_t number)
{
    const struct handle *handle = fuse->handles;
    while (handle != NULL && handle->number != number) {
        handle = handle->next;
    }
    return handle != NULL;
}

void handle_free(struct handle *handle)
{
    *handle->from = handle->next;
    if (handle->next != NULL) {
        handle->next->from = handle->from;
    }
    strbuf_done(&handle->text);
    strlist_done(&handle->names);
    free(handle);
}

struct handle *handle_of(const struct fuse_file_info *file)
{
    return (struct handle *)(uintptr_t)file->fh;
}

/* ---- directories ---- */

void names_reply(fuse_req_t req, fuse_ino_t number, const struct strlist *names, size_t size,
                 off_t offset)
{
    CLEANUP_FREE char *buffer = xcalloc(1, size);
    size_t used = 0;
    for (size_t i = (size_t)offset; i < names->n + 2; i++) {
        static const char *const dots[] = {".", ".."};
        const char *name = i < 2 ? dots[i] : names->items[i - 2];
        struct stat st = {.st_ino = i < 2 ? number : UINT32_MAX};
        size_t need = fuse_add_direntry(req, buffer + used, size - used, name, &st, (off_t)i + 1);
        if (need > size - used) {
            break;
        }
        used += need;
    }
    fuse_reply_buf(req, used == 0 ? NULL : buffer, used);
}
