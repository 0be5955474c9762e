/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Stands in for /usr/bin/qemu-system-x86_64 on the simulated host. A VM without an assigned device,
 * and every probe of libvirt's, runs the real emulator as if this program were not there. For an
 * assigned device of the simulated host it says "open" to the host, as VFIO's file descriptor
 * would, and gives the VM a piece of shared memory that names the device (page.h). The process id
 * stays the same through exec: when the emulator ends, the host sees that the device is closed, and
 * the memory, which has no name in any file system, is gone too.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"
#include "sim/guest/argv.h"
#include "sim/guest/describe.h"
#include "sim/guest/keeper.h"
#include "sim/guest/token_disc.h"
#include "sim/rpc/rpc.h"

#define BUSY "another process has it open"

/* One "open" at the simulated host. *ret_reply stays NULL if it has no such device. */
static int open_at_host(const char *device, const struct argv_vm *vm, bool has_token,
                        json_t **ret_reply, struct error *err)
{
    CLEANUP_JSON json_t *request =
        json_pack("{s:s, s:s, s:i, s:s, s:b}", "op", "open", "device", device, "pid", (int)getpid(),
                  "vm_uuid", vm->uuid, "token", has_token);
    CLEANUP_FREE char *request_text = json_text(request);
    CLEANUP_FREE char *reply_text = NULL;
    CLEANUP_JSON json_t *reply = NULL;
    int result = sim_ctl_call(NULL, request_text, &reply_text);
    if (result < 0) {
        return error_set_errno(err, -result, device, "the simulated host does not answer");
    }
    result = json_read(reply_text, strlen(reply_text), "reply", &reply, err);
    if (result < 0) {
        return result;
    }
    if (json_is_true(json_object_get(reply, "ok"))) {
        *ret_reply = TAKE_PTR(reply);
        return 0;
    }
    json_int_t errnum = json_integer_value(json_object_get(reply, "errno"));
    if (errnum == ENODEV) {
        return 0;
    }
    const char *message = json_string_value(json_object_get(reply, "message"));
    return error_set(err, REASON_IN_USE, device, "%s",
                     errnum == EBUSY ? BUSY : (message != NULL ? message : "refused"));
}

/* The devices that were opened. */
struct opened {
    struct kept_page pages[ARGV_MAX_DEVICES];
    size_t n;
    struct strlist groups; /* "42": IOMMU groups */
    bool incoming;
    bool has_token; /* the VM has a client configuration token on a disc */
};

/* The IOMMU group stays open as long as the emulator lives, as if VFIO were behind it: who
 * looks for the user of a device finds it there. What has no group to open is left to the host to
 * judge. */
static int open_group(struct opened *opened, const char *device, struct error *err)
{
    bool mdev = strchr(device, ':') == NULL;
    CLEANUP_FREE char *link =
        xasprintf("/sys/bus/%s/devices/%s/iommu_group", mdev ? "mdev" : "pci", device);
    char group[16];
    int result = fs_link_name(link, group, sizeof(group));
    if (result < 0) {
        return 0;
    }
    for (vec_each(&opened->groups, have)) {
        if (str_eq(*have, group)) {
            return 0;
        }
    }
    CLEANUP_FREE char *path = xasprintf("/dev/vfio/%s", group);
    if (open(path, O_RDWR) < 0) { /* not O_CLOEXEC: the emulator inherits it */
        return errno == ENOENT  ? 0
               : errno == EBUSY ? error_set(err, REASON_IN_USE, device, BUSY)
                                : error_set_errno(err, errno, device, "opening %s", path);
    }
    *vec_push(&opened->groups) = xstrdup(group);
    return 0;
}

/* Memory that starts with the page and lives as long as this process or the emulator after it. */
static int make_memory(struct kept_page *kept, struct device_memory *ret_memory, struct error *err)
{
    const struct guest_page *page = &kept->page;
    uint64_t bytes = describe_memory_bytes(page->framebuffer_mib);
    CLEANUP_CLOSE int fd = memfd_create(page->device, 0);
    if (fd < 0 || ftruncate(fd, (off_t)bytes) < 0 ||
        pwrite(fd, page, sizeof(*page), 0) != (ssize_t)sizeof(*page)) {
        return error_set_errno(err, errno, page->device, "making %llu bytes of shared memory",
                               (unsigned long long)bytes);
    }
    kept->fd = TAKE_FD(fd);
    (void)snprintf(ret_memory->path, sizeof(ret_memory->path), "/proc/self/fd/%d", kept->fd);
    ret_memory->bytes = bytes;
    return 0;
}

static int open_device(void *data, const char *device, const struct argv_vm *vm,
                       struct device_memory *ret_memory, struct error *err)
{
    struct opened *opened = data;
    CLEANUP_JSON json_t *reply = NULL;
    struct kept_page *kept = &opened->pages[opened->n];
    int result = open_group(opened, device, err);
    result = result < 0 ? result : open_at_host(device, vm, opened->has_token, &reply, err);
    if (result < 0 || reply == NULL) {
        return result;
    }
    if (str_eq(json_string_value(json_object_get(reply, "kind")), "companion")) {
        ret_memory->placeholder = true;
        return 0;
    }
    result = describe_page(reply, vm, &kept->page, err);
    if (result == 0) {
        result = make_memory(kept, ret_memory, err);
    }
    ret_memory->movable = json_is_true(json_object_get(reply, "movable"));
    opened->n += result == 0 ? 1 : 0;
    opened->incoming = vm->incoming;
    return result;
}

static NORETURN void run_emulator(char *const *argv)
{
    /* A libvirt that was unpacked has libraries of its own; the emulator is the machine's. */
    (void)unsetenv("LD_LIBRARY_PATH");
    execv(SIM_REAL_EMULATOR, argv);
    fprintf(stderr, "cleave-sim: running %s: %s\n", SIM_REAL_EMULATOR, strerror(errno));
    _exit(127);
}

int main(int argc, char **argv)
{
    struct strlist rewritten = {0};
    struct error err = {0};
    if (argc < 2 || !argv_assigns(argv)) {
        run_emulator(argv);
    }
    struct opened opened = {.has_token = token_disc_is_among(argv)};
    int result = argv_rewrite(argv, open_device, &opened, &rewritten, &err);
    if (result == 0 && opened.incoming && opened.n > 0) {
        result = keeper_start(opened.pages, opened.n, &err);
    }
    if (result < 0) {
        fprintf(stderr, "cleave-sim: can't assign %s: %s\n", err.subject, err.message);
        return 1;
    }
    run_emulator(rewritten.items);
}
