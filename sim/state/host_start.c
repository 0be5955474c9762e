/* SPDX-License-Identifier: Apache-2.0 */
#include "sim/state/host_start.h"

#include "nvml/abi.h"
#include "sim/state/internal.h"

#define MAX_TEXT 63

/* The NVML compute instance profile of that many slices; SIM_NONE. */
static uint32_t ci_profile_of(const struct cat_profile *gi, int64_t slices)
{
    static const uint32_t by_slices[] = {
        [1] = 0, [2] = 1, [3] = 2, [4] = 3, [6] = 6, [7] = 4, [8] = 5};
    if (slices == 1 && gi->nvml_profile == NVML_GI_1_SLICE_REV2) {
        return NVML_CI_1_SLICE_REV1;
    }
    return slices == 5 ? SIM_NONE : by_slices[slices];
}

static void make_compute(struct reader *r, struct sim_host *host, struct sim_gpu *gpu,
                         struct sim_gi *gi)
{
    json_t *array = reader_array_or_null(r, "compute", SIM_MAX_CIS);
    for (size_t i = 0; array != NULL && i < json_array_size(array) && r->result == 0; i++) {
        const json_t *item = json_array_get(array, i);
        json_int_t slices = json_integer_value(item);
        uint32_t profile =
            slices >= 1 && slices <= 8 ? ci_profile_of(gi->profile, slices) : SIM_NONE;
        if (profile == SIM_NONE || sim_ci_create(host, gpu, gi, profile, NULL) != SIM_NVML_OK) {
            reader_fail(r, "compute", "%lld slices don't fit into %s", (long long)slices,
                        gi->profile->name);
        }
    }
}

static void make_instance(struct reader *r, struct sim_host *host, struct sim_gpu *gpu)
{
    const char *text = reader_str(r, "profile", MAX_TEXT);
    int64_t start = reader_int_or(r, "start", 0, 31, SIM_NONE);
    const struct cat_profile *profile = NULL;
    struct error problem = {0};
    struct sim_gi *gi = NULL;
    if (text == NULL) {
        return;
    }
    if (model_find_profile(gpu->model, text, &profile, &problem) < 0) {
        reader_fail(r, "profile", "%s", problem.message);
        return;
    }
    switch (sim_gi_create(host, gpu, profile, (uint32_t)start, &gi)) {
    case SIM_NVML_OK:
        make_compute(r, host, gpu, gi);
        break;
    case SIM_NVML_NOT_SUPPORTED:
        reader_fail(r, "profile", "the GPU needs `mig: true` to have instances");
        break;
    case SIM_NVML_INVALID_ARGUMENT:
        reader_fail(r, "start", "%s can't start at %lld", profile->name, (long long)start);
        break;
    default:
        reader_fail(r, "profile", "%s does not fit next to the instances before it", profile->name);
        break;
    }
}

static void start_gpu(struct reader *r, struct sim_host *host, struct sim_gpu *gpu)
{
    const json_t *vfs = reader_object_or_null(r, "vfs");
    bool enabled = json_is_true(json_object_get(vfs, "enabled"));
    if (enabled && sim_sriov(host, gpu, true) < 0) {
        reader_fail(r, "vfs", "the host or the board can't enable them");
    }
    json_t *array = reader_array_or_null(r, "instances", SIM_MAX_GIS);
    for (size_t i = 0; array != NULL && i < json_array_size(array) && r->result == 0; i++) {
        char path[160];
        struct reader item;
        reader_init(&item, json_array_get(array, i), r->origin,
                    reader_path(r, "instances", (int)i, path, sizeof(path)), r->err);
        make_instance(&item, host, gpu);
        r->result = reader_end(&item);
    }
}

int host_start_gpus(struct reader *r, struct sim_host *host)
{
    json_t *array = json_object_get(r->object, "gpus");
    for (uint32_t i = 0; i < host->n_gpus && r->result == 0; i++) {
        char path[160];
        struct reader g;
        reader_init(&g, json_array_get(array, i), r->origin,
                    reader_path(r, "gpus", (int)i, path, sizeof(path)), r->err);
        start_gpu(&g, host, &host->gpus[i]);
        r->result = g.result;
    }
    return r->result;
}
