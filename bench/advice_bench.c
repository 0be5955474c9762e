/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What advice on a need costs, on hosts of 8 and of 1,000 GPUs, next to the anchor of the same run:
 * the planner asked for every GPU and every mode that serves, as if no two GPUs were alike.
 * Printed, never judged; what is aimed at is 1 ms and 20 ms.
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "advise/contender.h"
#include "base/str.h"
#include "plan/host_advice.h"
#include "rules/rules_json.h"

static const char *const boards[] = {"l40s", "a100-pcie-40gb", "rtx-pro-6000-blackwell-se",
                                     "h100-sxm5-80gb"};

static double now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

static void make_gpu(struct host *host, uint32_t n, const struct gpu_model *model)
{
    struct gpu *gpu = vec_push(&host->gpus);
    *gpu = (struct gpu){.addr = {.domain = n / 200, .bus = (uint8_t)(1 + n % 200)},
                        .pci_id = model->pci_ids.items[0].device,
                        .pci_subsystem_id = model->pci_ids.items[0].subsystem,
                        .index = n,
                        .number = n,
                        .iommu_group = n,
                        .numa_node = -1,
                        .vfs_total = 32,
                        .vf_offset = 4,
                        .vf_stride = 1,
                        .mig_capable = model->profiles.n > 0 ? TRI_YES : TRI_NO,
                        .iface = VGPU_IFACE_VENDOR_VFIO,
                        .vgpus_running = NO_ID};
    STR_SET(gpu->model, model->key);
    STR_SET(gpu->driver, "nvidia");
    snprintf(gpu->uuid, sizeof(gpu->uuid), "GPU-00000000-0000-4000-8000-%012x", n);
}

static void no_uuid(char out[37])
{
    str_copy(out, 37, "00000000-0000-4000-8000-000000000000");
}

/* The slow way; returns how many plans were made. */
static unsigned ask_each(const struct planner *planner, const struct need *need)
{
    unsigned n = 0;
    for (vec_each(&planner->host->gpus, gpu)) {
        struct advices advices = {0};
        const struct gpu_model *model = NULL;
        if (catalog_find(planner->catalog, gpu->model, &model, NULL) != 0) {
            continue;
        }
        advise_board(planner->rules, model, need, &advices);
        for (vec_each(&advices, advice)) {
            struct claim claim = {.name = "asked", .spec = {.mode = advice->mode, .start = NO_ID}};
            const struct claim *add[] = {&claim};
            const struct plan_request request = {.add = add, .n_add = 1, .new_uuid = no_uuid};
            CLEANUP(plan_freep) struct plan *plan = NULL;
            (void)pci_addr_format(&gpu->addr, claim.spec.gpu);
            STR_SET(claim.spec.type, advice->type != NULL ? advice->type->name : "");
            STR_SET(claim.spec.profile,
                    advice->type == NULL && advice->profile != NULL ? advice->profile->name : "");
            if (advice->verdict != VERDICT_NO) {
                n += planner_build(planner, &request, &plan, NULL) == 0 ? 1 : 0;
            }
        }
        advices_done(&advices);
    }
    return n;
}

static void measure(const struct catalog *catalog, const struct rules *rules, uint32_t n,
                    unsigned rounds)
{
    const struct need need = {.memory_mib = 8192, .graphics = true, .any_licence = true};
    CLEANUP(host_freep) struct host *host = host_new();
    struct claims claims = {0};
    for (uint32_t i = 0; i < n; i++) {
        const struct gpu_model *model = NULL;
        if (catalog_find(catalog, boards[i % ARRAY_SIZE(boards)], &model, NULL) == 0) {
            make_gpu(host, i, model);
        }
    }
    const struct planner planner = {
        .catalog = catalog, .rules = rules, .host = host, .claims = &claims};
    double best = 1e9;
    size_t rows = 0;
    for (unsigned i = 0; i < rounds; i++) {
        struct host_advices advices = {0};
        double from = now_ms();
        planner_advise(&planner, &need, &advices);
        double took = now_ms() - from;
        best = took < best ? took : best;
        rows = advices.n;
        host_advices_done(&advices);
    }
    uint32_t n_slow = n > 40 ? 40 : n; /* of many GPUs a part stands for all */
    host->gpus.n = n_slow;
    double from = now_ms();
    unsigned plans = ask_each(&planner, &need);
    double slow = (now_ms() - from) * n / n_slow;
    host->gpus.n = n;
    printf("advice on %4u GPUs: %7.3f ms, %zu entries; each GPU alone: %9.3f ms (%u plans), %.0f "
           "times as long\n",
           n, best, rows, slow, plans * n / n_slow, slow / best);
}

static void count_evaluations(const struct catalog *catalog, const struct rules *rules)
{
    const struct need need = {.memory_mib = 8192, .graphics = true, .any_licence = true};
    json_t *list = NULL;
    size_t n_rules = 0;
    if (rules_to_json(rules, NULL, &list, NULL) != 0) {
        return;
    }
    for (size_t i = 0; i < json_array_size(list); i++) {
        const char *scope = json_string_value(json_object_get(json_array_get(list, i), "applies"));
        n_rules += scope != NULL && str_eq(scope, "claim") ? 1 : 0;
    }
    json_decref(list);
    for (size_t b = 0; b < ARRAY_SIZE(boards); b++) {
        const struct gpu_model *model = NULL;
        size_t n = 0;
        if (catalog_find(catalog, boards[b], &model, NULL) != 0) {
            continue;
        }
        for (uint32_t mode = 0; mode < CLAIM_MODE_COUNT; mode++) {
            struct contenders contenders = {0};
            contenders_judge(rules, model, &need, (enum claim_mode)mode, &contenders);
            n += contenders.n;
            contenders_done(&contenders);
        }
        printf("rule evaluations of a need on %s: %zu (%zu types and profiles x %zu rules of "
               "claims); of a claim in exact words: %zu\n",
               boards[b], n * n_rules, n, n_rules, n_rules);
    }
}

int main(void)
{
    CLEANUP(catalog_freep) struct catalog *catalog = NULL;
    CLEANUP(rules_freep) struct rules *rules = NULL;
    struct error err = {0};
    if (catalog_load_default(&catalog, &err) != 0 || rules_load_default(&rules, &err) != 0) {
        fprintf(stderr, "%s\n", err.message);
        return 1;
    }
    measure(catalog, rules, 8, 50);
    measure(catalog, rules, 1000, 10);
    count_evaluations(catalog, rules);
    return 0;
}
