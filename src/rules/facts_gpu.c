/* SPDX-License-Identifier: Apache-2.0 */
#include "rules/facts_gpu.h"

#include "base/str.h"
#include "rules/say.h"

static bool gpu_observed(const struct rule_facts *f, char *out)
{
    return say_bool(out, f->gpu != NULL);
}

/* Unknown without one: nothing drives the GPU, and so nothing has said what it can. */
static bool gpu_driver(const struct rule_facts *f, char *out)
{
    return f->gpu != NULL && f->gpu->driver[0] != '\0' && say_text(out, f->gpu->driver);
}

static bool gpu_address(const struct rule_facts *f, char *out)
{
    char bdf[BDF_SIZE];
    return f->gpu != NULL && say_text(out, pci_addr_format(&f->gpu->addr, bdf));
}

/* The driver's answer wins; without one, the catalog's. */
static bool gpu_ts_supported(const struct rule_facts *f, char *out)
{
    if (f->gpu != NULL && f->gpu->mig_timeslicing_supported != TRI_UNKNOWN) {
        return say_tristate(out, f->gpu->mig_timeslicing_supported);
    }
    return f->model != NULL && say_support(out, (int)f->model->mig_timesliced);
}

static bool gpu_ts_enabled(const struct rule_facts *f, char *out)
{
    return f->gpu != NULL && say_tristate(out, f->gpu->mig_timeslicing_enabled);
}

static bool gpu_iommu(const struct rule_facts *f, char *out)
{
    return f->gpu != NULL && say_bool(out, f->gpu->iommu_group != NO_ID);
}

static bool gpu_scheduler(const struct rule_facts *f, char *out)
{
    return f->scheduler != NULL && f->scheduler->policy != SCHEDULER_UNKNOWN &&
           say_text(out, gpu_scheduler_policy_name(f->scheduler->policy));
}

static bool gpu_vgpu_interface(const struct rule_facts *f, char *out)
{
    return f->gpu != NULL && f->gpu->iface != VGPU_IFACE_NONE &&
           say_text(out, vgpu_interface_name(f->gpu->iface));
}

static bool gpu_fractional_multi(const struct rule_facts *f, char *out)
{
    return f->gpu != NULL && say_answer(out, f->gpu->board.fractional_multi);
}

static bool gpu_mixed_types_multi(const struct rule_facts *f, char *out)
{
    return f->gpu != NULL && say_answer(out, f->gpu->board.mixed_types_multi);
}

static const struct fact gpu_rows[] = {
    {"gpu.address", gpu_address},
    {"gpu.driver", gpu_driver},
    {"gpu.fractional-multi-vgpu", gpu_fractional_multi},
    {"gpu.iommu", gpu_iommu},
    {"gpu.mig-time-slicing-enabled", gpu_ts_enabled},
    {"gpu.mig-time-slicing-supported", gpu_ts_supported},
    {"gpu.mixed-types-per-vm", gpu_mixed_types_multi},
    {"gpu.observed", gpu_observed},
    {"gpu.scheduler", gpu_scheduler},
    {"gpu.vgpu-interface", gpu_vgpu_interface},
};
const struct fact_table gpu_facts = FACT_TABLE(gpu_rows);
