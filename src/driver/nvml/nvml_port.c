/* SPDX-License-Identifier: Apache-2.0 */
#include "driver/nvml/nvml_port.h"

#include "base/mem.h"
#include "driver/nvml/nvml_observe.h"
#include "driver/nvml/nvml_step.h"

struct nvml_port {
    struct gpu_port base;
    struct nvml nvml;
};

static const struct nvml_verb *const verbs[STEP_KIND_COUNT] = {
    [STEP_MIG_ENABLE] = &nvml_verb_mode, [STEP_MIG_DISABLE] = &nvml_verb_mode,
    [STEP_MIXED_ON] = &nvml_verb_mixed,  [STEP_MIXED_OFF] = &nvml_verb_mixed,
    [STEP_GI_CREATE] = &nvml_verb_gi,    [STEP_GI_DESTROY] = &nvml_verb_gi,
    [STEP_CI_CREATE] = &nvml_verb_ci,    [STEP_CI_DESTROY] = &nvml_verb_ci,
};

static struct nvml *library(struct gpu_port *port)
{
    return &((struct nvml_port *)(void *)port)->nvml;
}

static int observe(struct gpu_port *port, struct host *host, struct error *err)
{
    return nvml_observe(library(port), host, err);
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
    int r = nvml_open(library(port), err);
    if (r < 0) {
        return r;
    }
    CLEANUP_NVML struct nvml *nvml = library(port);
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
    int r = nvml_open(library(port), err);
    if (r < 0) {
        return r;
    }
    CLEANUP_NVML struct nvml *nvml = library(port);
    struct nvml_gpu gpu;
    r = nvml_gpu_find(nvml, &step->gpu, &gpu, err);
    return r == 0 ? verb->apply(&gpu, step, err) : r;
}

static void port_free(struct gpu_port *port)
{
    if (port != NULL) {
        nvml_done(library(port));
        free(port);
    }
}

struct gpu_port *nvml_port_new(void)
{
    static const struct gpu_port_ops ops = {
        .observe = observe, .check = check, .apply = apply, .free = port_free};
    struct nvml_port *port = xcalloc(1, sizeof(*port));
    port->base.ops = &ops;
    return &port->base;
}
