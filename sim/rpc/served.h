/* SPDX-License-Identifier: Apache-2.0 */
/* For tests: the engine's fixture host, served on a socket of its own that clients of this process
 * find by themselves. */
#ifndef SIM_RPC_SERVED_H
#define SIM_RPC_SERVED_H

#include <unistd.h>

#include "nvml/abi.h"
#include "sim/rpc/rpc.h"
#include "sim/state/fixture.h"

struct served {
    struct fixture *fix;
    struct sim_host *host;
    struct sim_rpc *rpc;
    char dir[32];
    char socket[48];
};

/* The fixture leaves out what only NVML shows. */
static inline void served_complete(struct fixture *fix)
{
    static const struct {
        const char *name;
        uint32_t number;
    } numbers[] = {
        {"1g.5gb", NVML_GI_1_SLICE},           {"1g.5gb+me", NVML_GI_1_SLICE_REV1},
        {"2g.10gb", NVML_GI_2_SLICE},          {"3g.20gb", NVML_GI_3_SLICE},
        {"4g.20gb", NVML_GI_4_SLICE},          {"7g.40gb", NVML_GI_7_SLICE},
        {"1g.24gb", NVML_GI_1_SLICE},          {"1g.24gb+gfx", NVML_GI_1_SLICE_GFX},
        {"1g.24gb-me", NVML_GI_1_SLICE_NO_ME}, {"1g.24gb+me.all", NVML_GI_1_SLICE_ALL_ME},
        {"2g.48gb+gfx", NVML_GI_2_SLICE_GFX}};
    static const uint32_t devices[FIX_GPUS] = {0x20b0, 0x2bb5, 0x26b9, 0x1eb8};
    STR_SET(fix->host->driver_version, "580.105.08");
    STR_SET(fix->host->kernel, "6.8.0-60-generic");
    fix->host->nvml_holds_gpus = false; /* tests change the host in the middle of a session */
    for (uint32_t g = 0; g < FIX_GPUS; g++) {
        struct sim_gpu *gpu = fix->gpus[g];
        snprintf(gpu->name, sizeof(gpu->name), "NVIDIA %s", gpu->model->name);
        snprintf(gpu->serial, sizeof(gpu->serial), "13200%u", g);
        gpu->pci_device = devices[g];
        gpu->pci_subsystem = 0x1000 + g;
        gpu->numa_node = g == FIX_T4 ? -1 : 0;
        for (vec_each(&fix->models[g].profiles, profile)) {
            profile->sm = 14 * profile->compute_slices;
            profile->memory_mib = profile->memory_slices * 4864;
            for (size_t i = 0; i < ARRAY_SIZE(numbers); i++) {
                if (str_eq(numbers[i].name, profile->name)) {
                    profile->nvml_profile = numbers[i].number;
                }
            }
        }
    }
}

static inline void served_start(struct served *s)
{
    struct error err = {0};
    if (sim_rpc_start(s->host, s->socket, &s->rpc, &err) < 0) {
        fprintf(stderr, "%s\n", err.message);
        abort();
    }
}

static inline struct served *served_new(enum sim_iface iface)
{
    struct served *s = xcalloc(1, sizeof(*s));
    STR_SET(s->dir, "/tmp/served-XXXXXX");
    if (mkdtemp(s->dir) == NULL) {
        abort();
    }
    snprintf(s->socket, sizeof(s->socket), "%s/socket", s->dir);
    setenv("CLEAVE_SIM_SOCKET", s->socket, 1);
    s->fix = fixture_new(iface);
    s->host = s->fix->host;
    served_complete(s->fix);
    served_start(s);
    return s;
}

static inline void served_free(struct served *s)
{
    sim_rpc_stop(s->rpc);
    fixture_free(s->fix);
    rmdir(s->dir);
    free(s);
}
DEFINE_FREEP(struct served *, served_free)

#define SERVED(iface) CLEANUP(served_freep) struct served *sim = served_new(iface)

#endif
