/* SPDX-License-Identifier: Apache-2.0 */
/*
 * /usr/lib/nvidia/sriov-manage of the simulated host: the options, messages and exit status of
 * NVIDIA's program, which unbinds the GPU, sets the number of its VFs and binds it again. Here the
 * simulated driver does that in one go.
 */
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/fs.h"
#include "base/mem.h"
#include "base/parse.h"
#include "base/pci.h"
#include "base/str.h"
#include "sim/rpc/rpc.h"

#define DEVICES "/sys/bus/pci/devices"
#define NVIDIA_VENDOR 0x10de
#define CLASS_DISPLAY 0x03

static int usage(FILE *to, int status)
{
    fputs("Usage:\n"
          "    sriov-manage <-e|-d> <ssss:bb:dd.f|ALL>\n"
          "        Enable (-e) or disable (-d) the virtual functions of one GPU, or of ALL.\n"
          "    sriov-manage -h\n"
          "        Print this help.\n",
          to);
    return status;
}

/* An attribute as a number, decimal or with 0x; false when it can't be read. */
static bool read_number(const char *bdf, const char *file, uint32_t *ret_value)
{
    CLEANUP_FREE char *path = xasprintf(DEVICES "/%s/%s", bdf, file);
    CLEANUP_FREE char *text = NULL;
    if (fs_read(path, 64, &text, NULL) < 0) {
        return false;
    }
    const char *number = str_trim(text);
    return parse_u32(number, ret_value) || parse_hex32(number, ret_value);
}

/* Asks the simulated driver; 0 or -errno. */
static int request(const char *bdf, bool enable)
{
    json_t *object = json_pack("{s:s, s:s, s:b}", "op", "sriov", "gpu", bdf, "enable", enable);
    CLEANUP_FREE char *text = json_dumps(object, JSON_COMPACT);
    json_decref(object);
    CLEANUP_FREE char *reply = NULL;
    int r = sim_ctl_call(NULL, text, &reply);
    if (r < 0) {
        return r;
    }
    json_t *answer = json_loads(reply, 0, NULL);
    if (!json_is_true(json_object_get(answer, "ok"))) {
        int code = (int)json_integer_value(json_object_get(answer, "errno"));
        r = code > 0 ? -code : -EIO;
    }
    json_decref(answer);
    return r;
}

static int change(const char *bdf, bool enable)
{
    uint32_t now = 0;
    if (!read_number(bdf, "sriov_numvfs", &now)) {
        return 0; /* no SR-IOV: nothing to do */
    }
    if ((now != 0) == enable) {
        printf("GPU at %s already has VFs %s.\n", bdf, enable ? "enabled" : "disabled");
        return 0;
    }
    printf("%s VFs on %s\n", enable ? "Enabling" : "Disabling", bdf);
    fflush(stdout);
    int r = request(bdf, enable);
    if (r == -EBUSY) {
        fprintf(stderr, "Cannot obtain unbindLock for %s\n", bdf);
    } else if (r < 0) {
        fprintf(stderr, "%s: write error: %s\n", bdf, strerror(-r));
    }
    return r < 0 ? 1 : 0;
}

static bool is_gpu(const char *bdf)
{
    uint32_t vendor = 0;
    uint32_t class = 0;
    CLEANUP_FREE char *physfn = xasprintf(DEVICES "/%s/physfn", bdf);
    return read_number(bdf, "vendor", &vendor) && vendor == NVIDIA_VENDOR &&
           read_number(bdf, "class", &class) && class >> 16 == CLASS_DISPLAY && !fs_exists(physfn);
}

static int change_all(bool enable)
{
    CLEANUP_STRLIST struct strlist names = {0};
    fs_list(DEVICES, &names);
    for (vec_each(&names, name)) {
        int status = is_gpu(*name) ? change(*name, enable) : 0;
        if (status != 0) {
            return status;
        }
    }
    return 0;
}

int main(int argc, char **argv)
{
    if (argc == 2 && str_eq(argv[1], "-h")) {
        return usage(stdout, 0);
    }
    bool enable = argc > 1 && str_eq(argv[1], "-e");
    if (argc != 3 || (!enable && !str_eq(argv[1], "-d"))) {
        return usage(stderr, 1);
    }
    if (strcasecmp(argv[2], "ALL") == 0) {
        return change_all(enable);
    }
    struct pci_addr addr;
    char bdf[BDF_SIZE];
    if (!pci_addr_parse(argv[2], &addr) || !is_gpu(pci_addr_format(&addr, bdf))) {
        return 1; /* silent, as NVIDIA's program is */
    }
    return change(bdf, enable);
}
