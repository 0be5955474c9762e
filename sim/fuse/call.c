/* SPDX-License-Identifier: Apache-2.0 */
#include "sim/fuse/call.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "sim/fuse/attr.h"
#include "sim/state/fault.h"

/* Longest write that is looked at; the kernel's attributes take a page. */
#define WRITE_MAX 4096
#define WAIT_US 1000
#define HELD_POLL_US 10000 /* whether a VM has let go */

struct call {
    struct sim_fuse *fuse;
    fuse_req_t req;
    fuse_ino_t number;
    size_t size;
    off_t offset;
    struct handle *handle; /* of a read; NULL: a write */
    char text[WRITE_MAX + 1];
    bool newline; /* at the text's end, which is not in it */
    struct sim_strike strike;
    bool done;              /* a write that is only answered later (ATTR_LATER) */
    struct pci_addr device; /* which a VM must let go of first */
};

/* ---- faults ---- */

/* The device that a file is about, or that is named in what is written to it. */
static bool device_of(const struct call *call, const struct ref *ref, struct pci_addr *ret_addr)
{
    if (ref->fn.gpu != NULL || ref->fn.extra != NULL) {
        *ret_addr = *function_addr(&ref->fn);
        return true;
    }
    return call->handle == NULL && pci_addr_parse(call->text, ret_addr);
}

/* Under the lock. */
static void suffer_faults(struct call *call)
{
    struct target target;
    if (call->fuse->host->n_faults == 0 || fuse_find(call->req, call->number, &target) < 0) {
        return;
    }
    const char *path = target.inode->path;
    bool below_sys = !str_starts(path, "proc/") && !str_starts(path, "dev/");
    CLEANUP_FREE char *full = xasprintf("%s/%s", below_sys ? "/sys" : "", path);
    struct pci_addr addr;
    bool known = device_of(call, &target.ref, &addr);
    call->strike =
        sim_fault_strike(call->fuse->host, call->handle != NULL ? SIM_CALL_READ : SIM_CALL_WRITE,
                         full, known ? &addr : NULL);
}

/* ---- the calls themselves, under the lock ---- */

/* A VFIO group is good for ioctl() only, also one that went while it was open. */
static bool is_group(const struct call *call)
{
    const struct inode *inode = inodes_at(call->fuse->inodes, call->number);
    return inode != NULL && str_starts(inode->path, "dev/vfio/");
}

static int read_file(struct call *call)
{
    struct target target;
    struct strbuf *text = &call->handle->text;
    strbuf_done(text);
    *text = (struct strbuf){0};
    int r = fuse_find(call->req, call->number, &target);
    if (r < 0) {
        return is_group(call) ? -EINVAL : -ENODEV; /* gone while it was open */
    }
    return call->strike.code != 0 ? call->strike.code : target.node->read(&target.ref, text);
}

static int write_file(struct call *call)
{
    struct target target;
    if (is_group(call)) {
        return -EINVAL;
    }
    if (fuse_find(call->req, call->number, &target) < 0) {
        return -ENODEV;
    }
    if (target.node->write == NULL) {
        return -EIO;
    }
    struct sim_host *host = call->fuse->host;
    if (host->process_lives != NULL) {
        sim_forget_dead(host, host->process_lives);
    }
    if (call->strike.code != 0 && target.node->write == write_unbind_lock) {
        return 0; /* the lock says no when it is read back, not by an error */
    }
    size_t len = strlen(call->text);
    if (target.node->drops_last && !call->newline && len > 0 && !call->done) {
        call->text[len - 1] = '\0';
        call->newline = true; /* a write that waits is tried again */
    }
    int r =
        call->strike.code != 0 ? call->strike.code : target.node->write(&target.ref, call->text);
    if (r > 0 && !device_of(call, &target.ref, &call->device)) {
        return -EBUSY;
    }
    return r;
}

/* Under the lock. */
static bool is_leaving(struct call *call)
{
    struct function fn;
    return function_find(call->fuse->host, &call->device, &fn) && function_is_leaving(&fn);
}

/* ATTR_AGAIN while it has to wait. */
static int try_write(struct call *call)
{
    if (call->done) {
        return is_leaving(call) ? ATTR_AGAIN : 0;
    }
    int r = write_file(call);
    call->done = r == ATTR_LATER;
    return r == ATTR_LATER ? ATTR_AGAIN : r;
}

static void reply_read(const struct call *call, int r)
{
    const struct strbuf *text = &call->handle->text;
    size_t at = (size_t)call->offset < text->len ? (size_t)call->offset : text->len;
    size_t left = text->len - at;
    if (r < 0) {
        fuse_reply_err(call->req, -r);
    } else {
        fuse_reply_buf(call->req, left == 0 ? NULL : text->text + at,
                       left < call->size ? left : call->size);
    }
}

/* The reply comes under the lock, too: another read of the same handle must not change the text.
 * False: not yet. */
static bool finish(struct call *call)
{
    int r = 0;
    sim_lock(call->fuse->host);
    if (call->handle == NULL) {
        r = try_write(call);
        if (r < 0) {
            fuse_reply_err(call->req, -r);
        } else if (r == 0) {
            fuse_reply_write(call->req, call->size);
        }
    } else {
        bool fresh = call->offset == 0 || call->handle->text.text == NULL;
        reply_read(call, fresh ? read_file(call) : 0);
    }
    sim_unlock(call->fuse->host);
    return r != ATTR_AGAIN;
}

static bool interrupted(void *data)
{
    const struct call *call = data;
    return fuse_req_interrupted(call->req) != 0;
}

static bool closing(struct call *call)
{
    sim_lock(call->fuse->host);
    bool is = call->fuse->host->closing;
    sim_unlock(call->fuse->host);
    return is;
}

static void *finish_late(void *data)
{
    struct call *call = data;
    struct sim_fuse *fuse = call->fuse;
    bool answered = false;
    bool goes_on = sim_fault_wait(fuse->host, &call->strike, interrupted, call);
    while (goes_on && !answered) {
        answered = finish(call);
        if (!answered) {
            usleep(HELD_POLL_US);
            goes_on = !interrupted(call) && !closing(call);
        }
    }
    if (!answered) {
        fuse_reply_err(call->req, EINTR); /* the process gets a signal, or ends */
    }
    free(call);
    atomic_fetch_sub(&fuse->late_calls, 1);
    return NULL;
}

static bool start_late(const struct call *call)
{
    pthread_t thread;
    struct call *late = xcalloc(1, sizeof(*late));
    memcpy(late, call, sizeof(*late));
    atomic_fetch_add(&call->fuse->late_calls, 1);
    if (pthread_create(&thread, NULL, finish_late, late) == 0) {
        pthread_detach(thread);
        return true;
    }
    atomic_fetch_sub(&call->fuse->late_calls, 1);
    free(late);
    return false;
}

static void perform(struct call *call)
{
    sim_lock(call->fuse->host);
    suffer_faults(call);
    sim_unlock(call->fuse->host);
    bool late = call->strike.delay_us != 0 || call->strike.hang != 0;
    if ((!late || !start_late(call)) && !finish(call) && !start_late(call)) {
        fuse_reply_err(call->req, ENOMEM);
    }
}

void calls_wait(struct sim_fuse *fuse)
{
    while (atomic_load(&fuse->late_calls) > 0) {
        usleep(WAIT_US);
    }
}

/* ---- requests ---- */

void call_read(fuse_req_t req, fuse_ino_t number, size_t size, off_t offset,
               struct fuse_file_info *file)
{
    struct call call = {.fuse = fuse_of(req),
                        .req = req,
                        .number = number,
                        .size = size,
                        .offset = offset,
                        .handle = handle_of(file)};
    perform(&call);
}

void call_write(fuse_req_t req, fuse_ino_t number, const char *data, size_t size,
                off_t offset UNUSED, struct fuse_file_info *file UNUSED)
{
    /* kernfs_fop_write_iter() takes a page, and attributes end at the first NUL. */
    size = size < WRITE_MAX ? size : WRITE_MAX;
    struct call call = {.fuse = fuse_of(req), .req = req, .number = number, .size = size};
    memcpy(call.text, data, size);
    if (size > 0 && call.text[size - 1] == '\n') {
        call.text[size - 1] = '\0';
        call.newline = true;
    }
    perform(&call);
}
