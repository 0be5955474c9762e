/* SPDX-License-Identifier: Apache-2.0 */
#include "rules/facts_gpu.h"

#include <stdio.h>
#include <string.h>

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

static bool gpu_mixed_sizes(const struct rule_facts *f, char *out)
{
    return f->gpu != NULL && say_answer(out, f->gpu->board.mixed_sizes);
}

static bool gpu_vgpu_host(const struct rule_facts *f, char *out)
{
    return f->gpu != NULL && f->gpu->board.vgpu_host != BOARD_VGPU_UNKNOWN &&
           say_bool(out, f->gpu->board.vgpu_host == BOARD_VGPU_YES);
}

static bool gpu_mig_enabled(const struct rule_facts *f, char *out)
{
    return f->gpu != NULL && f->gpu->mig_capable == TRI_YES && say_bool(out, f->gpu->mig_enabled);
}

static bool gpu_mig_pending(const struct rule_facts *f, char *out)
{
    return f->gpu != NULL && f->gpu->mig_capable == TRI_YES && say_bool(out, f->gpu->mig_pending);
}

static bool say_switch(char *out, enum tristate value)
{
    return value != TRI_UNKNOWN && say_text(out, value == TRI_YES ? "on" : "off");
}

static bool gpu_ecc(const struct rule_facts *f, char *out)
{
    return f->gpu != NULL && say_switch(out, f->gpu->ecc);
}

static bool gpu_ecc_pending(const struct rule_facts *f, char *out)
{
    return f->gpu != NULL && say_switch(out, f->gpu->ecc_pending);
}

static bool gpu_exclusive_process(const struct rule_facts *f, char *out)
{
    return f->gpu != NULL && say_tristate(out, f->gpu->exclusive_process);
}

static bool gpu_display(const struct rule_facts *f, char *out)
{
    return f->gpu != NULL && say_tristate(out, f->gpu->display);
}

static bool gpu_nvlinks(const struct rule_facts *f, char *out)
{
    return f->gpu != NULL && f->gpu->nvlinks_known && say_number(out, f->gpu->nvlinks);
}

/* Virtual functions of a GPU with a problem may not have been read: then it is unknown. */
static bool gpu_sriov(const struct rule_facts *f, char *out)
{
    return f->gpu != NULL && f->gpu->problem[0] == '\0' && say_bool(out, f->gpu->vfs_total > 0);
}

static bool gpu_resettable(const struct rule_facts *f, char *out)
{
    return f->gpu != NULL && f->gpu->problem[0] == '\0' &&
           say_bool(out, f->gpu->reset_methods[0] != '\0');
}

/* ---- the rest of its IOMMU group ---- */

static bool group_is_known(const struct rule_facts *f)
{
    return f->gpu != NULL && f->host != NULL && f->gpu->problem[0] == '\0' &&
           f->gpu->iommu_group != NO_ID;
}

static bool is_function(const struct gpu *gpu, const struct pci_addr *addr)
{
    for (vec_each(&gpu->vfs, vf)) {
        if (pci_addr_cmp(&vf->addr, addr) == 0) {
            return true;
        }
    }
    return false;
}

/* A GPU that can go to a VM with the rest of its group. */
static bool is_gpu(const struct rule_facts *f, const struct pci_addr *addr)
{
    const struct gpu *gpu = host_find_gpu_addr(f->host, addr);
    return gpu != NULL && gpu->other_vendor == 0;
}

/* A function that the host uses, and that no GPU of the group takes along: those of a GPU's board,
 * and its virtual functions, go and come with the GPU. */
static bool is_in_use(const struct rule_facts *f, const struct group_member *member)
{
    for (vec_each(&f->host->gpus, gpu)) {
        bool takes = gpu->other_vendor == 0 && gpu->iommu_group == f->gpu->iommu_group;
        if (takes &&
            (pci_same_slot(&gpu->addr, &member->addr) ||
             pci_addr_cmp(&gpu->addr, &member->addr) == 0 || is_function(gpu, &member->addr))) {
            return false;
        }
    }
    return group_member_bars(member);
}

static bool is_other_gpu(const struct rule_facts *f, const struct group_member *member)
{
    return is_gpu(f, &member->addr);
}

/* "0000:82:00.0 (snd_hda_intel), 0000:83:00.0 (nvme) and 3 others"; how many there are. */
static size_t list_members(const struct rule_facts *f, char out[FACT_SIZE],
                           bool (*counts)(const struct rule_facts *, const struct group_member *))
{
    size_t n = 0;
    size_t left_out = 0;
    out[0] = '\0';
    for (vec_each(&f->gpu->group_members, member)) {
        if (!counts(f, member)) {
            continue;
        }
        char bdf[BDF_SIZE];
        char one[64];
        bool driven = member->driver[0] != '\0';
        snprintf(one, sizeof(one), "%s%s%s%s%s", n > 0 ? ", " : "",
                 pci_addr_format(&member->addr, bdf), driven ? " (" : "", member->driver,
                 driven ? ")" : "");
        size_t len = strlen(out);
        if (left_out > 0 || len + strlen(one) + sizeof(" and 99 others") > FACT_SIZE) {
            left_out++;
        } else {
            str_copy(out + len, FACT_SIZE - len, one);
        }
        n++;
    }
    if (left_out > 0) {
        size_t len = strlen(out);
        snprintf(out + len, FACT_SIZE - len, " and %zu other%s", left_out, left_out > 1 ? "s" : "");
    }
    return n;
}

#define GROUP_FACTS(name, counts)                                                                  \
    static bool gpu_group_##name(const struct rule_facts *f, char *out)                            \
    {                                                                                              \
        char list[FACT_SIZE];                                                                      \
        return group_is_known(f) && say_bool(out, list_members(f, list, counts) > 0);              \
    }                                                                                              \
    static bool gpu_group_##name##_list(const struct rule_facts *f, char *out)                     \
    {                                                                                              \
        return group_is_known(f) && list_members(f, out, counts) > 0;                              \
    }
GROUP_FACTS(shared, is_in_use)
GROUP_FACTS(gpus, is_other_gpu)

static bool gpu_group(const struct rule_facts *f, char *out)
{
    return f->gpu != NULL && f->gpu->iommu_group != NO_ID && say_number(out, f->gpu->iommu_group);
}

/* ---- VBIOS: five numbers of two hexadecimal digits ---- */

/* NVIDIA MIG user guide, getting started, prerequisites of RTX PRO Blackwell boards. */
static const struct {
    const char *model, *vbios;
} mig_vbios[] = {
    {"rtx-pro-5000-blackwell-48gb", "98.02.73.00.00"},
    {"rtx-pro-5000-blackwell-72gb", "98.02.73.00.00"},
    {"rtx-pro-6000-blackwell-ws", "98.02.55.00.00"},
    {"rtx-pro-6000-blackwell-max-q", "98.02.6A.00.00"},
};

static bool parse_vbios(const char *text, uint64_t *ret_value)
{
    *ret_value = 0;
    for (int i = 0; i < 5; i++) {
        unsigned part = 0;
        int len = 0;
        if (sscanf(text, i < 4 ? "%2x.%n" : "%2x%n", &part, &len) != 1 || len == 0) {
            return false;
        }
        *ret_value = *ret_value << 8 | part;
        text += len;
    }
    return *text == '\0';
}

static const char *vbios_for_mig(const struct rule_facts *f)
{
    const char *key = f->model != NULL ? f->model->key : f->gpu != NULL ? f->gpu->model : "";
    for (size_t i = 0; i < ARRAY_SIZE(mig_vbios); i++) {
        if (str_eq(key, mig_vbios[i].model)) {
            return mig_vbios[i].vbios;
        }
    }
    return NULL;
}

static bool gpu_vbios(const struct rule_facts *f, char *out)
{
    return f->gpu != NULL && say_text(out, f->gpu->board.vbios);
}

static bool gpu_vbios_for_mig(const struct rule_facts *f, char *out)
{
    return say_text(out, vbios_for_mig(f));
}

static bool gpu_vbios_has_mig(const struct rule_facts *f, char *out)
{
    const char *least = vbios_for_mig(f);
    uint64_t wanted = 0;
    uint64_t has = 0;
    return f->gpu != NULL && least != NULL && parse_vbios(least, &wanted) &&
           parse_vbios(f->gpu->board.vbios, &has) && say_bool(out, has >= wanted);
}

static const struct fact gpu_rows[] = {
    {"gpu.address", gpu_address},
    {"gpu.display", gpu_display},
    {"gpu.driver", gpu_driver},
    {"gpu.ecc", gpu_ecc},
    {"gpu.ecc-pending", gpu_ecc_pending},
    {"gpu.exclusive-process", gpu_exclusive_process},
    {"gpu.fractional-multi-vgpu", gpu_fractional_multi},
    {"gpu.group", gpu_group},
    {"gpu.group-gpus", gpu_group_gpus_list},
    {"gpu.group-has-gpus", gpu_group_gpus},
    {"gpu.group-shared", gpu_group_shared},
    {"gpu.group-sharers", gpu_group_shared_list},
    {"gpu.iommu", gpu_iommu},
    {"gpu.mig-enabled", gpu_mig_enabled},
    {"gpu.mig-pending", gpu_mig_pending},
    {"gpu.mig-time-slicing-enabled", gpu_ts_enabled},
    {"gpu.mig-time-slicing-supported", gpu_ts_supported},
    {"gpu.mixed-sizes", gpu_mixed_sizes},
    {"gpu.mixed-types-per-vm", gpu_mixed_types_multi},
    {"gpu.nvlinks", gpu_nvlinks},
    {"gpu.observed", gpu_observed},
    {"gpu.resettable", gpu_resettable},
    {"gpu.scheduler", gpu_scheduler},
    {"gpu.sriov", gpu_sriov},
    {"gpu.vbios", gpu_vbios},
    {"gpu.vbios-for-mig", gpu_vbios_for_mig},
    {"gpu.vbios-has-mig", gpu_vbios_has_mig},
    {"gpu.vgpu-host", gpu_vgpu_host},
    {"gpu.vgpu-interface", gpu_vgpu_interface},
};
const struct fact_table gpu_facts = FACT_TABLE(gpu_rows);
