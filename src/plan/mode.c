/* SPDX-License-Identifier: Apache-2.0 */
#include "plan/mode.h"

#include <stdio.h>

#include "base/str.h"

#define TO(mode) (1U << (mode))
#define MAX_NAMED 6 /* claims */

static const struct {
    unsigned next;
} edges[] = {
    [GPU_IDLE] = {.next = TO(GPU_PASSTHROUGH) | TO(GPU_TIME_SLICED) | TO(GPU_MIG)},
    [GPU_PASSTHROUGH] = {.next = TO(GPU_IDLE)},
    [GPU_TIME_SLICED] = {.next = TO(GPU_IDLE)},
    [GPU_MIG] = {.next = TO(GPU_IDLE)},
};
_Static_assert(ARRAY_SIZE(edges) == GPU_MODE_COUNT, "every mode has its edges");

bool mode_edge(enum gpu_mode from, enum gpu_mode to)
{
    return (edges[from].next & TO(to)) != 0;
}

bool mode_path(enum gpu_mode from, enum gpu_mode to)
{
    return from == to || mode_edge(from, to) ||
           (mode_edge(from, GPU_IDLE) && mode_edge(GPU_IDLE, to));
}

enum gpu_mode mode_of_claim(enum claim_mode mode)
{
    switch (mode) {
    case CLAIM_PASSTHROUGH:
        return GPU_PASSTHROUGH;
    case CLAIM_TIME_SLICED:
        return GPU_TIME_SLICED;
    case CLAIM_MIG_BACKED:
    case CLAIM_TIME_SLICED_MIG_BACKED:
    case CLAIM_GPU_INSTANCE:
        return GPU_MIG;
    case CLAIM_MODE_COUNT:
        break;
    }
    return GPU_IDLE;
}

static bool named(const char *const *names, size_t n, const char *name)
{
    for (size_t i = 0; i < n; i++) {
        if (str_eq(names[i], name)) {
            return true;
        }
    }
    return false;
}

/* Does a claim that goes hold this instance (by its place) or this vGPU (by its device)? */
static bool goes_gi(const struct claims *claims, const char *const *released, size_t n,
                    const struct gpu *gpu, const struct gi *gi)
{
    for (size_t i = 0; i < claims->n; i++) {
        const struct claim *claim = &claims->items[i];
        if (claim_is_on(claim, gpu) && named(released, n, claim->name) &&
            claim->assigned.start == gi->start && claim->assigned.size == gi->size) {
            return true;
        }
    }
    return false;
}

static bool goes_vgpu(const struct claims *claims, const char *const *released, size_t n,
                      const struct vgpu *vgpu)
{
    for (size_t i = 0; i < claims->n; i++) {
        const struct claim *claim = &claims->items[i];
        if (!claim_holds(claim) || !named(released, n, claim->name)) {
            continue;
        }
        bool same = vgpu->mdev_uuid[0] != '\0'
                        ? str_eq(claim->assigned.mdev_uuid, vgpu->mdev_uuid)
                        : claim->assigned.mdev_uuid[0] == '\0' &&
                              pci_addr_cmp(&claim->assigned.device, &vgpu->vf) == 0;
        if (same) {
            return true;
        }
    }
    return false;
}

struct released {
    const char *const *names;
    size_t n;
};

/* All claims in the way are named: each has to go. */
static int check_claims(const struct gpu *gpu, const struct claims *claims,
                        const struct released *released, const char *want, struct error *err)
{
    char bdf[BDF_SIZE];
    size_t n = 0;
    bool used = true; /* as its mode says; not after a release that failed half-way */
    CLEANUP_STRBUF struct strbuf list = {0};
    CLEANUP_STRBUF struct strbuf words = {0};
    for (size_t i = 0; i < claims->n; i++) {
        const struct claim *claim = &claims->items[i];
        if (!claim_is_on(claim, gpu) || named(released->names, released->n, claim->name)) {
            continue;
        }
        used = used && mode_of_claim(claim->spec.mode) == gpu->mode;
        if (++n <= MAX_NAMED) {
            strbuf_addf(&list, "%s\"%s\"%s", n > 1 ? ", " : "", claim->name,
                        claim->state == CLAIM_FAILED ? " (failed)" : "");
            strbuf_addf(&words, "%s%s", n > 1 ? " " : "", claim->name);
        }
    }
    if (n == 0) {
        return 0;
    }
    if (n > MAX_NAMED) {
        strbuf_addf(&list, " and %zu more", n - MAX_NAMED);
    }
    error_set(err, REASON_CONFLICT, SUBJECT("gpu", pci_addr_format(&gpu->addr, bdf)),
              "GPU %s is %s%s by claim%s %s, so it can't become %s", bdf,
              used ? "used as " : "still held", used ? gpu_mode_name(gpu->mode) : "",
              n > 1 ? "s" : "", strbuf_str(&list), want);
    if (n <= MAX_NAMED) {
        error_hint(err, "use another GPU, or delete the claims first: `cleave claim delete %s`",
                   strbuf_str(&words));
    } else {
        error_hint(err, "use another GPU, or delete the claims first: `cleave claim list` shows "
                        "which are on it");
    }
    return -REASON_CONFLICT;
}

/* What no claim owns, or one that stays, stands in the way. */
static int check_standing(const struct gpu *gpu, const struct claims *claims,
                          const struct released *released, enum gpu_mode to, struct error *err)
{
    char bdf[BDF_SIZE];
    char subject[64];
    pci_addr_format(&gpu->addr, bdf);
    snprintf(subject, sizeof(subject), "gpu/%s", bdf);
    const char *from = gpu_mode_name(gpu->mode);
    const char *want = gpu_mode_name(to);
    for (vec_each(&gpu->vgpus, vgpu)) {
        if (!goes_vgpu(claims, released->names, released->n, vgpu)) {
            error_set(err, REASON_CONFLICT, subject,
                      "GPU %s can't change from %s to %s: it has vGPU %s, which no claim owns", bdf,
                      from, want, vgpu->type);
            error_hint(err, "if it is not needed, `cleave gpu mode %s idle` removes it", bdf);
            return -REASON_CONFLICT;
        }
    }
    for (vec_each(&gpu->gis, gi)) {
        if (!goes_gi(claims, released->names, released->n, gpu, gi)) {
            error_set(err, REASON_CONFLICT, subject,
                      "GPU %s can't change from %s to %s: it has GPU instance %u (%s at %u), which "
                      "no claim owns",
                      bdf, from, want, gi->id, gi->profile, gi->start);
            error_hint(err, "if it is not needed, `cleave gpu mode %s idle` removes it", bdf);
            return -REASON_CONFLICT;
        }
    }
    return 0;
}

int mode_guard(const struct gpu *gpu, const struct claims *claims, const char *const *released,
               size_t n_released, bool clears, enum gpu_mode to, struct error *err)
{
    char bdf[BDF_SIZE];
    char subject[64];
    pci_addr_format(&gpu->addr, bdf);
    snprintf(subject, sizeof(subject), "gpu/%s", bdf);
    const char *from = gpu_mode_name(gpu->mode);
    const char *want = gpu_mode_name(to);
    if (!mode_path(gpu->mode, to)) {
        return error_set(err, REASON_UNSUPPORTED, subject, "GPU %s can't change from %s to %s", bdf,
                         from, want);
    }
    if (gpu->holder[0] != '\0') {
        return error_set(err, REASON_IN_USE, subject,
                         "GPU %s can't change from %s to %s: VM \"%s\" runs with it", bdf, from,
                         want, gpu->holder);
    }
    const struct released gone = {released, n_released};
    int result = check_claims(gpu, claims, &gone, want, err);
    if (result != 0) {
        return result;
    }
    for (vec_each(&gpu->vgpus, vgpu)) { /* before the others: what runs can't be cleared */
        if (vgpu->holder[0] != '\0') {
            return error_set(err, REASON_IN_USE, subject,
                             "GPU %s can't change from %s to %s: VM \"%s\" runs with its vGPU %s",
                             bdf, from, want, vgpu->holder, vgpu->type);
        }
    }
    return clears ? 0 : check_standing(gpu, claims, &gone, to, err);
}
