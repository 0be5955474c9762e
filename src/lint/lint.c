/* SPDX-License-Identifier: Apache-2.0 */
#include "lint/lint.h"

#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "lint/lint_rule.h"

/* By kind of fault, which is the id of its rule in data/rules. */
static const struct {
    const char *kind;
    lint_fn *walk;
} walks[] = {
    /* ---- devices ---- */
    {"managed-vgpu", lint_managed_vgpu},
    {"unmanaged-gpu", lint_unmanaged_gpu},
    {"device-absent", lint_absent},
    {"vgpu-missing", lint_no_vgpu},
    {"claim-of-another-vm", lint_other_claim},
    {"alias-stale", lint_stale_alias},
    {"device-twice", lint_twice},
    {"device-shared", lint_shared},
    {"libvirt-too-old", lint_old_libvirt},
    {"pci-domain-too-wide", lint_wide_domain},
    {"iommu-group", lint_group},
    {"gpu-problem", lint_gpu_problem},
    {"device-by-hand", lint_by_hand},
    /* ---- the machine ---- */
    {"two-displays", lint_two_displays},
    {"display-without-viewer", lint_no_viewer},
    {"ramfb-without-display", lint_ramfb_alone},
    {"numa-elsewhere", lint_numa},
    {"memory-limit", lint_memory_limit},
    {"viommu", lint_viommu},
    {"emulator-args", lint_emulator_args},
    {"machine-without-pcie", lint_i440fx},
    /* ---- claims ---- */
    {"claim-missing", lint_claim_missing},
    {"claim-failed", lint_claim_failed},
    {"saved-state", lint_saved_state},
    {"claim-conflict", lint_claim_intruded},
    {"not-migratable", lint_cannot_move},
    {"autostart-on-demand", lint_autostart},
};

/* ---- what the host knows of the devices ---- */

static const struct claim *claim_with(const struct claims *claims, const struct domain_device *it)
{
    for (vec_each(claims, claim)) {
        struct claim_device device;
        if (claim->state != CLAIM_RELEASED && claim_device(claim, &device) &&
            claim_device_is(&device, &it->addr, it->mdev_uuid)) {
            return claim;
        }
    }
    return NULL;
}

static bool is_before(const struct lint *lint, const struct seen *seen)
{
    for (const struct seen *other = lint->seen.items; other < seen; other++) {
        if (lint_is_same(other->device, seen->device)) {
            return true;
        }
    }
    return false;
}

/* Nothing is there that a VM could get; unknown is not nothing. */
static bool has_nothing(const struct seen *seen)
{
    return seen->state == HOST_DEVICE_NO_MDEV || seen->state == HOST_DEVICE_VF_OFF ||
           seen->state == HOST_DEVICE_NO_VGPU;
}

static enum leaves judge(const struct lint *lint, const struct seen *seen)
{
    if (is_before(lint, seen)) {
        return LEAVES_TWICE;
    }
    if (seen->claim != NULL) {
        return lint_is_ours(lint, seen->claim) ? LEAVES_NOT : LEAVES_FOREIGN;
    }
    if (seen->device->claim[0] != '\0') {
        return seen->meant != NULL ? LEAVES_NOT : LEAVES_STALE;
    }
    return has_nothing(seen) ? LEAVES_NOTHING : LEAVES_NOT;
}

/* The claim of its alias, which `cleave vm start` follows. */
static const struct claim *meant_claim(const struct lint *lint, const struct seen *seen)
{
    const struct claim *claim = claims_find(lint->claims, seen->device->claim);
    bool follows = claim != NULL && lint_is_ours(lint, claim) && claim->state == CLAIM_BOUND;
    return follows && claim != seen->claim ? claim : NULL;
}

static void look_up(struct lint *lint)
{
    for (vec_each(&lint->facts->devices, device)) {
        struct seen *seen = vec_push(&lint->seen);
        char bdf[BDF_SIZE];
        seen->device = device;
        seen->claim = claim_with(lint->claims, device);
        STR_SET(seen->name,
                device_name(device->is_mdev ? device->mdev_uuid : "", &device->addr, bdf));
        struct vm_device named = {.is_mdev = device->is_mdev,
                                  .addr = device->addr,
                                  .managed = device->managed == TRI_YES};
        STR_SET(named.mdev_uuid, device->mdev_uuid);
        struct host_device it = host_device_find(lint->host, &named);
        seen->state = it.state;
        seen->gpu = it.gpu;
        seen->whole = it.whole;
        seen->vf = it.vf;
        seen->vgpu = it.vgpu;
        seen->meant = meant_claim(lint, seen);
        seen->leaves = judge(lint, seen);
    }
}

/* ---- the whole ---- */

static int worst_first(const void *a, const void *b)
{
    const struct finding *x = a;
    const struct finding *y = b;
    if (x->severity != y->severity) {
        return x->severity < y->severity ? -1 : 1;
    }
    if (x->line != y->line) {
        return x->line < y->line ? -1 : 1;
    }
    if (x->order != y->order) {
        return x->order < y->order ? -1 : 1;
    }
    return strcmp(x->message, y->message);
}

void lint_domain(const struct domain_facts *facts, const struct host *host,
                 const struct claims *claims, const struct rules *rules,
                 struct findings *ret_findings)
{
    struct lint lint = {.facts = facts, .host = host, .claims = claims, .findings = ret_findings};
    look_up(&lint);
    for (size_t i = 0; i < ARRAY_SIZE(walks); i++) {
        lint.kind = walks[i].kind;
        walks[i].walk(&lint);
    }
    lint_ask_rules(&lint, rules);
    vec_done(&lint.faults);
    vec_done(&lint.seen);
    if (ret_findings->n > 0) {
        qsort(ret_findings->items, ret_findings->n, sizeof(ret_findings->items[0]), worst_first);
    }
}

const char *lint_fault_kind(size_t index)
{
    return index < ARRAY_SIZE(walks) ? walks[index].kind : NULL;
}
