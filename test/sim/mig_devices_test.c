/* SPDX-License-Identifier: Apache-2.0 */
/*
 * MIG devices of every board, in random layouts that are made and unmade: what NVML says of each by
 * its index, its UUID, its name and its instances agrees, and none gets what another has.
 */
#include "test.h"

#include <stdio.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/str.h"
#include "nvml/abi.h"
#include "sim/rpc/rpc.h"
#include "test/property/random.h"

#define STEPS 24
#define MAX_PARTS 64
#define MIB(n) ((uint64_t)(n) << 20)

struct group {
    struct catalog *catalog;
    struct random random;
    char dir[32];
    char socket[48];
};

struct board {
    struct sim_host *host;
    struct sim_rpc *rpc;
    struct nvml_device *device;
};

static struct board *board_new(const struct group *group, const struct gpu_model *model)
{
    struct board *board = xcalloc(1, sizeof(*board));
    struct error err = {0};
    CLEANUP_FREE char *path = xasprintf("board:%s", model->key);
    int32_t activation = 0;
    if (sim_host_load(path, group->catalog, &board->host, &err) < 0 ||
        sim_rpc_start(board->host, group->socket, &board->rpc, &err) < 0) {
        fail_msg("%s: %s", model->key, err.message);
    }
    assert_int_equal(nvmlInit_v2(), NVML_SUCCESS);
    assert_int_equal(nvmlDeviceGetHandleByIndex_v2(0, &board->device), NVML_SUCCESS);
    assert_int_equal(nvmlDeviceSetMigMode(board->device, NVML_ENABLED, &activation), NVML_SUCCESS);
    return board;
}

static void board_free(struct board *board)
{
    nvmlShutdown();
    sim_rpc_stop(board->rpc);
    sim_host_free(board->host);
    free(board);
}
DEFINE_FREEP(struct board *, board_free)

/* ---- changes ---- */

static struct nvml_gpu_instance *gi_at(const struct board *board, uint32_t n)
{
    struct nvml_gpu_instance *gi = NULL;
    uint32_t id = board->host->gpus[0].gis[n].id;
    assert_int_equal(nvmlDeviceGetGpuInstanceById(board->device, id, &gi), NVML_SUCCESS);
    return gi;
}

static void unmake(struct random *random, const struct board *board)
{
    const struct sim_gpu *gpu = &board->host->gpus[0];
    if (gpu->n_gis == 0) {
        return;
    }
    uint32_t n = random_below(random, gpu->n_gis);
    struct nvml_gpu_instance *gi = gi_at(board, n);
    const struct sim_gi *there = &gpu->gis[n];
    if (there->n_cis == 0) {
        assert_int_equal(nvmlGpuInstanceDestroy(gi), NVML_SUCCESS);
        return;
    }
    struct nvml_compute_instance *ci = NULL;
    uint32_t id = there->cis[random_below(random, there->n_cis)].id;
    assert_int_equal(nvmlGpuInstanceGetComputeInstanceById(gi, id, &ci), NVML_SUCCESS);
    assert_int_equal(nvmlComputeInstanceDestroy(ci), NVML_SUCCESS);
}

static void change(struct random *random, const struct board *board)
{
    const struct sim_gpu *gpu = &board->host->gpus[0];
    const struct gpu_model *model = gpu->model;
    uint32_t what = random_below(random, 5);
    if (what == 0) {
        unmake(random, board);
    } else if (what <= 2 || gpu->n_gis == 0) {
        struct nvml_gpu_instance *gi = NULL;
        uint32_t n = random_below(random, (uint32_t)model->profiles.n);
        (void)nvmlDeviceCreateGpuInstance(board->device, model->profiles.items[n].id, &gi);
    } else {
        struct nvml_compute_instance *ci = NULL;
        struct nvml_gpu_instance *gi = gi_at(board, random_below(random, gpu->n_gis));
        (void)nvmlGpuInstanceCreateComputeInstance(gi, random_below(random, NVML_CI_PROFILE_COUNT),
                                                   &ci);
    }
}

/* ---- what must agree ---- */

struct seen {
    char uuid[96];
    uint32_t gi, ci;
    uint32_t sm;
    uint64_t memory, bar1;
};

/* The name has the GPU instance's slices and memory, not its attributes, and the compute instance's
 * slices where those are fewer. */
static void check_name(const struct board *board, const struct sim_gi *gi, const struct sim_ci *ci,
                       struct nvml_device *mig)
{
    char name[128];
    const struct sim_gpu *gpu = &board->host->gpus[0];
    int length = (int)strcspn(gi->profile->name, "+-");
    assert_int_equal(nvmlDeviceGetName(mig, name, sizeof(name)), NVML_SUCCESS);
    CLEANUP_FREE char *expected =
        ci->size == gi->profile->compute_slices
            ? xasprintf("%s MIG %.*s", gpu->name, length, gi->profile->name)
            : xasprintf("%s MIG %uc.%.*s", gpu->name, ci->size, length, gi->profile->name);
    assert_string_equal(name, expected);
}

static void check_one(const struct board *board, uint32_t index, struct nvml_device *mig,
                      struct seen *seen)
{
    struct nvml_device *again = NULL;
    struct nvml_memory memory;
    struct nvml_bar1_memory bar1;
    struct nvml_device_attributes attributes;
    uint32_t number = UINT32_MAX;
    uint64_t errors = 1;
    assert_int_equal(nvmlDeviceGetIndex(mig, &number), NVML_SUCCESS);
    assert_int_equal(number, index);
    assert_int_equal(nvmlDeviceGetUUID(mig, seen->uuid, sizeof(seen->uuid)), NVML_SUCCESS);
    assert_int_equal(nvmlDeviceGetHandleByUUID(seen->uuid, &again), NVML_SUCCESS);
    assert_ptr_equal(again, mig);
    assert_int_equal(nvmlDeviceGetDeviceHandleFromMigDeviceHandle(mig, &again), NVML_SUCCESS);
    assert_ptr_equal(again, board->device);
    assert_int_equal(nvmlDeviceGetGpuInstanceId(mig, &seen->gi), NVML_SUCCESS);
    assert_int_equal(nvmlDeviceGetComputeInstanceId(mig, &seen->ci), NVML_SUCCESS);
    struct sim_gi *gi = sim_find_gi(&board->host->gpus[0], seen->gi);
    assert_non_null(gi);
    struct sim_ci *ci = sim_find_ci(gi, seen->ci);
    assert_non_null(ci);
    check_name(board, gi, ci, mig);
    assert_int_equal(nvmlDeviceGetMemoryInfo(mig, &memory), NVML_SUCCESS);
    assert_int_equal(nvmlDeviceGetBAR1MemoryInfo(mig, &bar1), NVML_SUCCESS);
    assert_int_equal(nvmlDeviceGetAttributes_v2(mig, &attributes), NVML_SUCCESS);
    assert_int_equal(MIB(attributes.memory_size_mb), memory.total);
    assert_int_equal(attributes.compute_instance_slice_count, ci->size);
    assert_int_equal(nvmlDeviceGetTotalEccErrors(mig, 1, 0, &errors), NVML_SUCCESS);
    assert_int_equal(errors, 0);
    seen->memory = memory.total;
    seen->bar1 = bar1.bar1_total;
    seen->sm = attributes.multiprocessor_count;
}

/* GPU instances share out the board, compute instances their GPU instance. */
static void check_sums(const struct board *board, const struct seen *seen, uint32_t n)
{
    struct nvml_memory whole;
    struct nvml_bar1_memory window;
    uint64_t memory = 0;
    uint64_t bar1 = 0;
    assert_int_equal(nvmlDeviceGetMemoryInfo(board->device, &whole), NVML_SUCCESS);
    assert_int_equal(nvmlDeviceGetBAR1MemoryInfo(board->device, &window), NVML_SUCCESS);
    for (uint32_t i = 0; i < n;) {
        struct sim_gi *gi = sim_find_gi(&board->host->gpus[0], seen[i].gi);
        uint32_t sm = 0;
        memory += seen[i].memory;
        bar1 += seen[i].bar1;
        for (uint32_t first = i; i < n && seen[i].gi == seen[first].gi; i++) {
            sm += seen[i].sm;
        }
        assert_true(gi->profile->sm == CAT_UNKNOWN || sm <= gi->profile->sm);
    }
    assert_true(memory <= whole.total);
    assert_true(bar1 <= window.bar1_total);
}

static void check(const struct board *board)
{
    struct seen seen[MAX_PARTS];
    uint32_t n = 0;
    uint32_t expected = 0;
    uint32_t most = 0;
    const struct sim_gpu *gpu = &board->host->gpus[0];
    for (uint32_t i = 0; i < gpu->n_gis; i++) {
        expected += gpu->gis[i].n_cis;
    }
    assert_int_equal(nvmlDeviceGetMaxMigDeviceCount(board->device, &most), NVML_SUCCESS);
    assert_true(expected <= most);
    for (uint32_t index = 0; index < most; index++) {
        struct nvml_device *mig = NULL;
        int r = nvmlDeviceGetMigDeviceHandleByIndex(board->device, index, &mig);
        assert_int_equal(r, index < expected ? NVML_SUCCESS : NVML_ERROR_NOT_FOUND);
        if (r == NVML_SUCCESS) {
            check_one(board, index, mig, &seen[n++]);
        }
    }
    for (uint32_t i = 1; i < n; i++) {
        bool ascending = seen[i].gi > seen[i - 1].gi ||
                         (seen[i].gi == seen[i - 1].gi && seen[i].ci > seen[i - 1].ci);
        assert_true(ascending);
        for (uint32_t other = 0; other < i; other++) {
            assert_string_not_equal(seen[i].uuid, seen[other].uuid);
        }
    }
    check_sums(board, seen, n);
}

static void mig_devices_of_every_board_agree(void **state)
{
    struct group *group = *state;
    unsigned checked = 0;
    print_message("# CLEAVE_SEED=%llu\n", random_seed(&group->random));
    for (size_t i = 0; i < catalog_count(group->catalog); i++) {
        const struct gpu_model *model = catalog_at(group->catalog, i);
        CLEANUP(sim_host_freep) struct sim_host *probe = NULL;
        CLEANUP_FREE char *path = xasprintf("board:%s", model->key);
        if (sim_host_load(path, group->catalog, &probe, NULL) < 0 ||
            probe->gpus[0].model->profiles.n == 0) {
            continue;
        }
        CLEANUP(board_freep) struct board *board = board_new(group, model);
        for (unsigned step = 0; step < STEPS; step++) {
            change(&group->random, board);
            check(board);
        }
        checked++;
    }
    assert_true(checked > 30);
}

/* ---- single boards ---- */

static struct board *board_of(const struct group *group, const char *name)
{
    const struct gpu_model *model = NULL;
    assert_int_equal(catalog_find(group->catalog, name, &model, NULL), 0);
    return board_new(group, model);
}

/* In a GPU instance of one slice and double memory both profiles of one slice are there, the plain
 * one with a plain slice's multiprocessors. */
static void a_double_memory_instance_takes_both_profiles_of_one_slice(void **state)
{
    const struct group *group = *state;
    static const struct {
        const char *board;
        uint32_t plain, all;
    } cases[] = {
        {"a100-40gb", 14, 14}, {"a100-80gb", 14, 14}, {"h100", 16, 26},
        {"h200", 16, 26},      {"b200", 18, 30},      {"gh200-96gb", 16, 26},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        CLEANUP(board_freep) struct board *board = board_of(group, cases[i].board);
        const uint32_t numbers[] = {NVML_CI_1_SLICE, NVML_CI_1_SLICE_REV1};
        for (size_t k = 0; k < ARRAY_SIZE(numbers); k++) {
            struct nvml_gpu_instance *gi = NULL;
            struct nvml_compute_instance *ci = NULL;
            struct nvml_device *mig = NULL;
            struct nvml_compute_instance_profile_info info;
            struct nvml_device_attributes attributes;
            uint32_t sm = k == 0 ? cases[i].plain : cases[i].all;
            assert_int_equal(nvmlDeviceCreateGpuInstance(board->device, 15, &gi), NVML_SUCCESS);
            assert_int_equal(nvmlGpuInstanceGetComputeInstanceProfileInfo(gi, numbers[k], 0, &info),
                             NVML_SUCCESS);
            assert_int_equal(info.multiprocessor_count, sm);
            assert_int_equal(nvmlGpuInstanceCreateComputeInstance(gi, info.id, &ci), NVML_SUCCESS);
            assert_int_equal(nvmlDeviceGetMigDeviceHandleByIndex(board->device, 0, &mig),
                             NVML_SUCCESS);
            assert_int_equal(nvmlDeviceGetAttributes_v2(mig, &attributes), NVML_SUCCESS);
            assert_int_equal(attributes.multiprocessor_count, sm);
            assert_int_equal(nvmlComputeInstanceDestroy(ci), NVML_SUCCESS);
            assert_int_equal(nvmlGpuInstanceDestroy(gi), NVML_SUCCESS);
        }
    }
}

/* nvml.h: of a MIG device those errors that are uncorrected, volatile and outside device memory; of
 * a board in MIG mode no volatile ones. */
static void errors_are_counted_where_nvml_counts_them(void **state)
{
    const struct group *group = *state;
    CLEANUP(board_freep) struct board *board = board_of(group, "h100");
    struct nvml_gpu_instance *gi = NULL;
    struct nvml_compute_instance *ci = NULL;
    struct nvml_device *mig = NULL;
    assert_int_equal(nvmlDeviceCreateGpuInstance(board->device, 19, &gi), NVML_SUCCESS);
    assert_int_equal(nvmlGpuInstanceCreateComputeInstance(gi, 0, &ci), NVML_SUCCESS);
    assert_int_equal(nvmlDeviceGetMigDeviceHandleByIndex(board->device, 0, &mig), NVML_SUCCESS);
    static const struct {
        bool part;
        uint32_t type, counter, location;
        int code;
    } cases[] = {
        {true, 1, 0, 7, NVML_SUCCESS},
        {true, 1, 0, 1, NVML_SUCCESS},
        {true, 1, 0, 2, NVML_ERROR_NOT_SUPPORTED},
        {true, 0, 0, 7, NVML_ERROR_NOT_SUPPORTED},
        {true, 1, 1, 7, NVML_ERROR_NOT_SUPPORTED},
        {true, 1, 0, 8, NVML_ERROR_INVALID_ARGUMENT},
        {false, 1, 0, 7, NVML_ERROR_NOT_SUPPORTED},
        {false, 1, 1, 7, NVML_SUCCESS},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        uint64_t count = 1;
        int r = nvmlDeviceGetMemoryErrorCounter(cases[i].part ? mig : board->device, cases[i].type,
                                                cases[i].counter, cases[i].location, &count);
        assert_int_equal(r, cases[i].code);
        assert_int_equal(count, r == NVML_SUCCESS ? 0 : 1);
    }
}

/* Published outputs of nvidia-smi. */
static void memory_is_what_such_boards_have(void **state)
{
    const struct group *group = *state;
    static const struct {
        const char *board;
        uint64_t mib, off_mib, bar1_mib;
    } cases[] = {
        {"a100-40gb", 40960, 40960, 65536},
        {"a100-80gb", 81920, 81920, 131072},
        {"h100", 81559, 81559, 131072},
        {"h200", 143771, 143771, 262144},
        {"b200", 183359, 183359, 262144},
        {"gh200-96gb", 97871, 97871, 131072},
        {"rtx-pro-6000-blackwell-se", 97887, 97887, 131072},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        CLEANUP(board_freep) struct board *board = board_of(group, cases[i].board);
        struct nvml_memory_v2 memory = {.version = NVML_VERSION(struct nvml_memory_v2, 2)};
        struct nvml_bar1_memory bar1;
        assert_int_equal(nvmlDeviceGetMemoryInfo_v2(board->device, &memory), NVML_SUCCESS);
        assert_int_equal(memory.total, MIB(cases[i].mib));
        assert_int_equal(memory.used + memory.free + memory.reserved, memory.total);
        assert_int_equal(nvmlDeviceGetBAR1MemoryInfo(board->device, &bar1), NVML_SUCCESS);
        assert_int_equal(bar1.bar1_total, MIB(cases[i].bar1_mib));
        assert_int_equal(nvmlDeviceSetEccMode(board->device, NVML_DISABLED), NVML_SUCCESS);
        sim_gpu_reset(board->host, &board->host->gpus[0]);
        assert_int_equal(nvmlDeviceGetMemoryInfo_v2(board->device, &memory), NVML_SUCCESS);
        assert_int_equal(memory.total, MIB(cases[i].off_mib));
    }
}

/* A GPU is a NUMA node where its memory is the system's, too: after the processors' nodes. */
static void only_gpus_on_a_processor_s_package_are_numa_nodes(void **state)
{
    const struct group *group = *state;
    static const struct {
        const char *board;
        int64_t node; /* -1: none */
    } cases[] = {{"gh200-96gb", 1}, {"gb200", 1}, {"h100", -1}, {"l40s", -1}, {"t4", -1}};
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        CLEANUP(sim_host_freep) struct sim_host *host = NULL;
        struct sim_rpc *rpc = NULL;
        struct nvml_device *device = NULL;
        uint32_t node = 0;
        CLEANUP_FREE char *path = xasprintf("board:%s", cases[i].board);
        assert_int_equal(sim_host_load(path, group->catalog, &host, NULL), 0);
        assert_int_equal(sim_rpc_start(host, group->socket, &rpc, NULL), 0);
        assert_int_equal(nvmlInit_v2(), NVML_SUCCESS);
        assert_int_equal(nvmlDeviceGetHandleByIndex_v2(0, &device), NVML_SUCCESS);
        int r = nvmlDeviceGetNumaNodeId(device, &node);
        assert_int_equal(r, cases[i].node < 0 ? NVML_ERROR_NOT_SUPPORTED : NVML_SUCCESS);
        assert_true(cases[i].node < 0 || node == cases[i].node);
        nvmlShutdown();
        sim_rpc_stop(rpc);
    }
}

/* With MIG off nvidia-smi lists a Hopper's profiles with all of them free (driver 580), an Ampere's
 * with none. */
static void profiles_are_counted_with_mig_off(void **state)
{
    const struct group *group = *state;
    static const struct {
        const char *board;
        uint32_t off, on;
    } cases[] = {{"h100", 7, 7}, {"b200", 7, 7}, {"a100-40gb", 0, 7}, {"a100-80gb", 0, 7}};
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        CLEANUP(board_freep) struct board *board = board_of(group, cases[i].board);
        int32_t activation = 0;
        uint32_t n = 99;
        assert_int_equal(nvmlDeviceGetGpuInstanceRemainingCapacity(board->device, 19, &n), 0);
        assert_int_equal(n, cases[i].on);
        assert_int_equal(nvmlDeviceSetMigMode(board->device, NVML_DISABLED, &activation), 0);
        assert_int_equal(nvmlDeviceGetGpuInstanceRemainingCapacity(board->device, 19, &n), 0);
        assert_int_equal(n, cases[i].off);
    }
}

static int set_up(void **state)
{
    struct group *group = xcalloc(1, sizeof(*group));
    *state = group;
    group->random = random_new();
    STR_SET(group->dir, "/tmp/mig-XXXXXX");
    if (mkdtemp(group->dir) == NULL) {
        return -1;
    }
    snprintf(group->socket, sizeof(group->socket), "%s/socket", group->dir);
    setenv("CLEAVE_SIM_SOCKET", group->socket, 1);
    return catalog_load_default(&group->catalog, NULL);
}

static int tear_down(void **state)
{
    struct group *group = *state;
    rmdir(group->dir);
    catalog_free(group->catalog);
    free(group);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(mig_devices_of_every_board_agree),
        cmocka_unit_test(a_double_memory_instance_takes_both_profiles_of_one_slice),
        cmocka_unit_test(errors_are_counted_where_nvml_counts_them),
        cmocka_unit_test(profiles_are_counted_with_mig_off),
        cmocka_unit_test(memory_is_what_such_boards_have),
        cmocka_unit_test(only_gpus_on_a_processor_s_package_are_numa_nodes),
    };
    return cmocka_run_group_tests_name("sim mig devices", tests, set_up, tear_down);
}
