/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writes to the simulated kernel's files. The input is lines of "PATH=TEXT"; paths are those below
 * /sys, links resolved ("bus/pci/drivers/nvidia/unbind=0000:21:00.0"). The first byte of the input
 * picks the kernel's vGPU interface. Whatever is written, the host stays one that its own state
 * file can hold, and no file's content breaks.
 */
#include <string.h>

#include "base/json.h"
#include "fuzz.h"
#include "sim/fuse/tree.h"
#include "sim/state/encode.h"
#include "sim/state/fixture.h"

#define MAX_WRITES 64
#define MAX_TEXT 4096

static const struct tree *shared_tree(void)
{
    static struct tree *tree; /* a fuzz target has no place to end */
    if (tree == NULL) {
        tree = tree_new();
    }
    return tree;
}

static const struct node *find(struct sim_host *host, const char *path, struct ref *ret_ref)
{
    *ret_ref = (struct ref){.host = host, .privileged = true};
    return tree_find(shared_tree(), path, ret_ref);
}

static void read_back(struct sim_host *host, const char *path)
{
    struct ref ref;
    const struct node *node = find(host, path, &ref);
    if (node == NULL) {
        return; /* a `remove` file removes itself */
    }
    CLEANUP_STRBUF struct strbuf text = {0};
    CLEANUP_STRLIST struct strlist names = {0};
    if (node->kind == NODE_DIR) {
        tree_list(shared_tree(), node, &ref, &names);
    } else if (node->read != NULL) {
        fuzz_assert(node->read(&ref, &text) <= 0, "a read gives 0 or an errno");
    }
}

static void write_one(struct sim_host *host, const char *path, const char *text)
{
    struct ref ref;
    const struct node *node = find(host, path, &ref);
    if (node != NULL && node->write != NULL) {
        fuzz_assert(node->write(&ref, text) <= 0, "a write gives 0 or an errno");
    }
    read_back(host, path);
}

static void check_host(struct sim_host *host, enum sim_iface iface)
{
    CLEANUP(fixture_freep) struct fixture *copy = fixture_new(iface);
    CLEANUP_JSON json_t *before = sim_host_to_json(host);
    struct error err = {0};
    fuzz_assert(sim_host_from_json(copy->host, before, "state", &err) == 0,
                "the state is read back");
    CLEANUP_JSON json_t *after = sim_host_to_json(copy->host);
    fuzz_assert(json_equal(before, after), "the state reads back the same");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0 || memchr(data, '\0', size) != NULL) {
        return 0; /* a write with a zero byte never gets past FUSE */
    }
    enum sim_iface iface = data[0] == 'm' ? SIM_MDEV : SIM_VENDOR_VFIO;
    CLEANUP(fixture_freep) struct fixture *fix = fixture_new(iface);
    for (uint32_t i = 0; i < FIX_GPUS; i++) {
        fix->gpus[i]->pci_device = 0x2bb5 + i;
        if (fix->gpus[i]->vfs_total > 0) {
            sim_sriov(fix->host, fix->gpus[i], true);
        }
    }
    CLEANUP_FREE char *text = xcalloc(size, 1);
    memcpy(text, data + 1, size - 1);
    char *rest = NULL;
    unsigned n = 0;
    for (char *line = strtok_r(text, "\n", &rest); line != NULL && n < MAX_WRITES;
         line = strtok_r(NULL, "\n", &rest), n++) {
        char *equals = strchr(line, '=');
        if (equals != NULL && strlen(equals) <= MAX_TEXT) {
            *equals = '\0';
            write_one(fix->host, line, equals + 1);
        } else {
            read_back(fix->host, line);
        }
    }
    check_host(fix->host, iface);
    return 0;
}
