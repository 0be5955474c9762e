/* SPDX-License-Identifier: Apache-2.0 */
#include "driver/nvml/nvml_port.h"

#include <pthread.h>

#include "base/mem.h"
#include "base/str.h"
#include "driver/nvml/nvml_migrate.h"
#include "driver/nvml/nvml_observe.h"
#include "driver/nvml/nvml_step.h"
#include "driver/nvml/nvml_watch.h"

struct nvml_port {
    struct gpu_port base;
    struct nvml nvml;          /* who looks */
    struct nvml_boards boards; /* of who looks */
    struct nvml step_nvml;     /* who changes: on another thread */
    pthread_mutex_t in_use;    /* NVML is open: held by who looks, and by a step that needs quiet */
    struct nvml_watch *watch;  /* NULL: reports are not wanted */
};

static const struct nvml_verb *const verbs[STEP_KIND_COUNT] = {
    [STEP_MIG_ENABLE] = &nvml_verb_mode,         [STEP_MIG_DISABLE] = &nvml_verb_mode,
    [STEP_MIXED_ON] = &nvml_verb_mixed,          [STEP_MIXED_OFF] = &nvml_verb_mixed,
    [STEP_SCHEDULER_SET] = &nvml_verb_scheduler, [STEP_GI_CREATE] = &nvml_verb_gi,
    [STEP_GI_DESTROY] = &nvml_verb_gi,           [STEP_CI_CREATE] = &nvml_verb_ci,
    [STEP_CI_DESTROY] = &nvml_verb_ci,
};

static struct nvml *library(struct gpu_port *port)
{
    return &((struct nvml_port *)(void *)port)->nvml;
}

static struct nvml *step_library(struct gpu_port *port)
{
    return &((struct nvml_port *)(void *)port)->step_nvml;
}

static pthread_mutex_t *in_use(struct gpu_port *port)
{
    return &((struct nvml_port *)(void *)port)->in_use;
}

static struct nvml_watch **watch_of(struct gpu_port *port)
{
    return &((struct nvml_port *)(void *)port)->watch;
}

static int observe(struct gpu_port *port, struct host *host, struct error *err)
{
    VEC(struct pci_addr) used = {0};
    pthread_mutex_lock(in_use(port));
    int r = nvml_observe(library(port), &((struct nvml_port *)(void *)port)->boards, host, err);
    pthread_mutex_unlock(in_use(port));
    for (vec_each(&host->gpus, gpu)) {
        if (gpu->vgpus_running > 0 && gpu->vgpus_running != NO_ID) {
            *vec_push(&used) = gpu->addr;
        }
    }
    if (*watch_of(port) != NULL) {
        nvml_watch_set(*watch_of(port), used.items, used.n);
    }
    vec_done(&used);
    return r;
}

static int watch(struct gpu_port *port, gpu_report_fn *fn, void *data, struct error *err)
{
    pthread_mutex_lock(in_use(port));
    nvml_watch_free(*watch_of(port));
    *watch_of(port) = NULL;
    int r = fn == NULL ? 0 : nvml_watch_new(fn, data, watch_of(port));
    pthread_mutex_unlock(in_use(port));
    return r == 0 ? 0 : error_set_errno(err, -r, "nvml", "starting a thread for the GPUs' reports");
}

static void pause_watch(struct gpu_port *port, bool on)
{
    if (on) {
        pthread_mutex_lock(in_use(port));
    }
    if (*watch_of(port) != NULL) {
        nvml_watch_hush(*watch_of(port), on);
    }
    if (!on) {
        pthread_mutex_unlock(in_use(port));
    }
}

static const struct nvml_verb *verb_of(const struct step *step, struct error *err)
{
    if (step->kind >= STEP_KIND_COUNT || verbs[step->kind] == NULL) {
        error_set(err, REASON_INTERNAL, "nvml", "step \"%s\" is not for the GPU driver",
                  step_kind_name(step->kind));
        return NULL;
    }
    return verbs[step->kind];
}

static int check(struct gpu_port *port, const struct step *step, struct error *err)
{
    const struct nvml_verb *verb = verb_of(step, err);
    if (verb == NULL) {
        return -REASON_INTERNAL;
    }
    int r = nvml_open(step_library(port), err);
    if (r < 0) {
        return r;
    }
    CLEANUP_NVML struct nvml *nvml = step_library(port);
    struct nvml_gpu gpu;
    r = nvml_gpu_find(nvml, &step->gpu, &gpu, err);
    return r == 0 ? verb->check(&gpu, step, err) : r;
}

static int apply(struct gpu_port *port, struct step *step, struct error *err)
{
    const struct nvml_verb *verb = verb_of(step, err);
    if (verb == NULL) {
        return -REASON_INTERNAL;
    }
    int r = nvml_open(step_library(port), err);
    if (r < 0) {
        return r;
    }
    CLEANUP_NVML struct nvml *nvml = step_library(port);
    struct nvml_gpu gpu;
    r = nvml_gpu_find(nvml, &step->gpu, &gpu, err);
    return r == 0 ? verb->apply(&gpu, step, err) : r;
}

static int read_state(struct gpu_port *port, const struct gpu_vgpu_query *query,
                      struct gpu_vgpu_state *ret_state, struct error *err)
{
    int r = nvml_open(library(port), err);
    if (r < 0) {
        return r;
    }
    CLEANUP_NVML struct nvml *nvml = library(port);
    struct nvml_gpu gpu;
    r = nvml_gpu_find(nvml, &query->gpu, &gpu, err);
    return r == 0 ? nvml_vgpu_state(&gpu, query, ret_state, err) : r;
}

static int vgpu_state(struct gpu_port *port, const struct gpu_vgpu_query *query,
                      struct gpu_vgpu_state *ret_state, struct error *err)
{
    pthread_mutex_lock(in_use(port));
    int r = read_state(port, query, ret_state, err);
    pthread_mutex_unlock(in_use(port));
    return r;
}

static int compare(struct gpu_port *port, const struct pci_addr *addr, const char *metadata,
                   char ret_word[16], struct error *err)
{
    int r = nvml_open(library(port), err);
    if (r < 0) {
        return r;
    }
    CLEANUP_NVML struct nvml *nvml = library(port);
    struct nvml_gpu gpu;
    r = nvml_gpu_find(nvml, addr, &gpu, err);
    return r == 0 ? nvml_compatible(&gpu, metadata, ret_word, err) : r;
}

static int compatible(struct gpu_port *port, const struct pci_addr *addr, const char *metadata,
                      char ret_word[16], struct error *err)
{
    pthread_mutex_lock(in_use(port));
    int r = compare(port, addr, metadata, ret_word, err);
    pthread_mutex_unlock(in_use(port));
    return r;
}

static void port_free(struct gpu_port *port)
{
    if (port != NULL) {
        nvml_watch_free(*watch_of(port));
        nvml_boards_done(&((struct nvml_port *)(void *)port)->boards);
        nvml_done(library(port));
        nvml_done(step_library(port));
        pthread_mutex_destroy(in_use(port));
        free(port);
    }
}

struct gpu_port *nvml_port_new(void)
{
    static const struct gpu_port_ops ops = {.observe = observe,
                                            .check = check,
                                            .apply = apply,
                                            .watch = watch,
                                            .pause_watch = pause_watch,
                                            .vgpu_state = vgpu_state,
                                            .compatible = compatible,
                                            .free = port_free};
    struct nvml_port *port = xcalloc(1, sizeof(*port));
    port->base.ops = &ops;
    pthread_mutex_init(&port->in_use, NULL);
    return &port->base;
}
