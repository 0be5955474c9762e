/* SPDX-License-Identifier: Apache-2.0 */
/* Every board of the catalog starts, and what NVML and the kernel's files say of it agrees. */
#include "test.h"

#include "base/parse.h"
#include "nvml/abi.h"
#include "test/sim/machine.h"

#define MAX_TYPES 256

struct group {
    struct catalog *catalog;
};

/* One board on a simulated machine, with an NVML session. */
struct simulated {
    struct sim_host *host;
    struct sim_gpu *gpu;
    struct sim_rpc *rpc;
    struct sim_fuse *fuse;
    struct nvml_device *device;
    char bdf[BDF_SIZE];
};

static struct simulated *board_new(const struct gpu_model *model, const struct catalog *catalog,
                                   const char *kernel)
{
    struct simulated *board = xcalloc(1, sizeof(*board));
    struct error err = {0};
    CLEANUP_FREE char *path = xasprintf("board:%s", model->key);
    if (sim_host_load_as(path, &(struct sim_host_changes){.kernel = kernel}, catalog, &board->host,
                         &err) < 0 ||
        sim_rpc_start(board->host, SIM_SOCKET, &board->rpc, &err) < 0 ||
        sim_fuse_start(board->host, MACHINE "/sys", &board->fuse, &err) < 0) {
        fail_msg("%s: %s: %s", model->key, err.subject, err.message);
    }
    board->gpu = &board->host->gpus[0];
    pci_addr_format(&board->gpu->addr, board->bdf);
    if (board->gpu->vfs_total > 0) {
        assert_int_equal(sim_sriov(board->host, board->gpu, true), 0);
    }
    assert_int_equal(nvmlInit_v2(), NVML_SUCCESS);
    assert_int_equal(nvmlDeviceGetHandleByIndex_v2(0, &board->device), NVML_SUCCESS);
    return board;
}

static void board_free(struct simulated *board)
{
    nvmlShutdown();
    sim_fuse_stop(board->fuse);
    sim_rpc_stop(board->rpc);
    sim_host_free(board->host);
    free(board);
}
DEFINE_FREEP(struct simulated *, board_free)

static char *read_function(const struct simulated *board, const char *file)
{
    CLEANUP_FREE char *path = xasprintf("bus/pci/devices/%s/%s", board->bdf, file);
    return machine_read(path);
}

static uint32_t read_hex(const struct simulated *board, const char *file)
{
    CLEANUP_FREE char *text = read_function(board, file);
    uint32_t value = 0;
    assert_true(parse_hex32(str_trim(text), &value));
    return value;
}

/* ---- what must agree ---- */

static void check_identity(const struct simulated *board)
{
    struct nvml_pci_info pci;
    char text[96];
    assert_int_equal(nvmlDeviceGetPciInfo_v3(board->device, &pci), NVML_SUCCESS);
    assert_int_equal(pci.pci_device_id & 0xffff, read_hex(board, "vendor"));
    assert_int_equal(pci.pci_device_id >> 16, read_hex(board, "device"));
    assert_int_equal(pci.pci_sub_system_id >> 16, read_hex(board, "subsystem_device"));
    assert_non_null(strstr(pci.bus_id, board->bdf));
    CLEANUP_FREE char *path = xasprintf("proc/driver/nvidia/gpus/%s/information", board->bdf);
    CLEANUP_FREE char *information = machine_read(path);
    assert_int_equal(nvmlDeviceGetName(board->device, text, sizeof(text)), NVML_SUCCESS);
    assert_non_null(strstr(information, text));
    assert_int_equal(nvmlDeviceGetUUID(board->device, text, sizeof(text)), NVML_SUCCESS);
    assert_non_null(strstr(information, text));
}

static void check_memory(const struct simulated *board)
{
    struct nvml_memory memory;
    struct nvml_bar1_memory bar1;
    struct stat st;
    CLEANUP_FREE char *path = xasprintf(MACHINE "/sys/bus/pci/devices/%s/resource1", board->bdf);
    assert_int_equal(nvmlDeviceGetMemoryInfo(board->device, &memory), NVML_SUCCESS);
    assert_true(memory.total > 0);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(nvmlDeviceGetBAR1MemoryInfo(board->device, &bar1), NVML_SUCCESS);
    assert_int_equal(st.st_size, bar1.bar1_total);
    assert_true(memory.total <= (uint64_t)board->gpu->model->memory_mib << 20);
}

/* Megatransfers of a lane in the kernel's files, the generation in NVML's answers. */
static void check_link(const struct simulated *board)
{
    static const char *const speeds[] = {"", "2.5", "5.0", "8.0", "16.0", "32.0"};
    CLEANUP_FREE char *current = read_function(board, "current_link_speed");
    CLEANUP_FREE char *most = read_function(board, "max_link_speed");
    uint32_t now = 0;
    uint32_t max = 0;
    assert_int_equal(nvmlDeviceGetCurrPcieLinkGeneration(board->device, &now), NVML_SUCCESS);
    assert_int_equal(nvmlDeviceGetMaxPcieLinkGeneration(board->device, &max), NVML_SUCCESS);
    assert_true(now >= 1 && now <= max && max < ARRAY_SIZE(speeds));
    assert_int_equal(strncmp(current, speeds[now], strlen(speeds[now])), 0);
    assert_int_equal(strncmp(most, speeds[max], strlen(speeds[max])), 0);
    uint32_t state = 0;
    assert_int_equal(nvmlDeviceGetPerformanceState(board->device, &state), NVML_SUCCESS);
    assert_true((state == 8) == (now < max));
}

static void check_mig(const struct simulated *board)
{
    uint32_t current = 0;
    uint32_t pending = 0;
    bool capable =
        nvmlDeviceGetMigMode(board->device, &current, &pending) != NVML_ERROR_NOT_SUPPORTED;
    assert_true(capable == (board->gpu->model->profiles.n > 0));
    bool files = access(MACHINE "/sys/proc/driver/nvidia/capabilities/mig/config", F_OK) == 0;
    assert_true(capable == files);
}

/* The types of NVML are those of the kernel's files, by id. A type of which no source tells the
 * size is supported, but never creatable. */
static void check_types(const struct simulated *board, const char *carrier, bool mdev)
{
    uint32_t ids[MAX_TYPES];
    uint32_t n = MAX_TYPES;
    int r = nvmlDeviceGetSupportedVgpus(board->device, &n, ids);
    if (r == NVML_ERROR_NOT_SUPPORTED) {
        n = 0;
    } else {
        assert_int_equal(r, NVML_SUCCESS);
    }
    assert_int_equal(n, board->gpu->model->types.n);
    CLEANUP_FREE char *path = xasprintf("bus/pci/devices/%s/nvidia/creatable_vgpu_types", carrier);
    CLEANUP_FREE char *listed = machine_read(path);
    bool mig_only = true;
    for (uint32_t i = 0; i < n; i++) {
        CLEANUP_FREE char *type =
            xasprintf("bus/pci/devices/%s/mdev_supported_types/nvidia-%u/name", carrier, ids[i]);
        CLEANUP_FREE char *name = machine_read(type);
        char full[96];
        uint32_t size = sizeof(full);
        assert_int_equal(nvmlVgpuTypeGetName(ids[i], full, &size), NVML_SUCCESS);
        const struct cat_vgpu_type *known = sim_type_by_id(board->gpu->model, ids[i]);
        if (mdev) {
            assert_int_equal(strncmp(name, full, strlen(full)), 0);
        } else if (!known->mig_backed && known->framebuffer_mib != CAT_UNKNOWN) {
            mig_only = false;
            assert_non_null(strstr(listed, full));
        }
    }
    assert_true(mdev || mig_only == (strstr(listed, "vGPU Name") == NULL));
}

static void check(const struct simulated *board, bool mdev)
{
    char carrier[BDF_SIZE];
    check_identity(board);
    check_memory(board);
    check_link(board);
    check_mig(board);
    bool sriov = board->gpu->vfs_total > 0;
    pci_addr_format(sriov ? &board->gpu->vfs[0].addr : &board->gpu->addr, carrier);
    if (mdev || sriov) {
        check_types(board, carrier, mdev);
    }
}

static void every_board_starts_on_both_kernel_interfaces(void **state)
{
    const struct group *group = *state;
    static const char *const kernels[] = {"5.15.0-113-generic", "6.8.0-60-generic"};
    unsigned started = 0;
    for (size_t i = 0; i < catalog_count(group->catalog); i++) {
        const struct gpu_model *model = catalog_at(group->catalog, i);
        for (size_t k = 0; k < ARRAY_SIZE(kernels) && model->memory_mib != CAT_UNKNOWN; k++) {
            CLEANUP(board_freep)
            struct simulated *board = board_new(model, group->catalog, kernels[k]);
            check(board, k == 0);
            started++;
        }
    }
    assert_true(started > 100);
}

static void what_is_no_board_is_refused(void **state)
{
    const struct group *group = *state;
    static const char *const bad[] = {"board:",          "board:nothing", "board:l40s*0",
                                      "board:l40s*many", "board:l40s*17", "board:jetson-thor"};
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        struct sim_host *host = NULL;
        struct error err = {0};
        assert_true(sim_host_load(bad[i], group->catalog, &host, &err) < 0);
        assert_true(err.message[0] != '\0');
    }
    CLEANUP(sim_host_freep) struct sim_host *host = NULL;
    assert_int_equal(sim_host_load("board:l40s*2,t4", group->catalog, &host, NULL), 0);
    assert_int_equal(host->n_gpus, 3);
    assert_int_equal(host->gpus[2].numa_node, 1);
}

static int set_up(void **state)
{
    struct group *group = xcalloc(1, sizeof(*group));
    *state = group;
    return catalog_load_default(&group->catalog, NULL);
}

static int tear_down(void **state)
{
    struct group *group = *state;
    catalog_free(group->catalog);
    free(group);
    return 0;
}

int main(int argc, char **argv)
{
    if (argc != 2 || !machine_prepare(argv[1])) {
        puts("1..0 # SKIP needs root, FUSE and mount namespaces");
        return 0;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_board_starts_on_both_kernel_interfaces),
        cmocka_unit_test(what_is_no_board_is_refused),
    };
    return cmocka_run_group_tests_name("sim boards", tests, set_up, tear_down);
}
