/* SPDX-License-Identifier: Apache-2.0 */
/* Which vGPUs and bare instances can be kept apart on one profile of one GPU, where the driver
 * chooses the instances of vGPUs. */
#include "plan/work_mix.h"
#include "base/str.h"

static int refuse_mix(const struct gpu_work *work, const struct cat_profile *profile,
                      const char *what, struct error *err)
{
    error_set(err, REASON_NO_CAPACITY, work->subject,
              "GPU %s can't have %s of profile %s together, because the driver, not cleave, "
              "chooses the GPU instance of a vGPU",
              work->bdf, what, profile->name);
    error_hint(err, "use another GPU, or another profile for one of them");
    return -REASON_NO_CAPACITY;
}

/* Another tool's vGPU is on some instance of that profile, and the interface doesn't say on which.
 */
static int check_foreign(const struct gpu_work *work, const struct admitted *added,
                         struct error *err)
{
    for (vec_each(&work->gpu->vgpus, vgpu)) {
        const struct cat_vgpu_type *type = work_type_of(work, vgpu);
        bool elsewhere = type != NULL && model_profile_of_type(work->model, type) != added->profile;
        if (vgpu->gi_id != NO_ID || elsewhere || !work_is_foreign(work, vgpu)) {
            continue;
        }
        error_set(err, REASON_CONFLICT, work->subject,
                  "GPU %s has vGPU %s (%s), which no claim owns, on one of its GPU instances, and "
                  "the %s interface does not say on which, so cleave can't use profile %s there",
                  work->bdf, vgpu->mdev_uuid, vgpu->type[0] != '\0' ? vgpu->type : "of some type",
                  vgpu_interface_name(work->gpu->iface), added->profile->name);
        error_hint(err,
                   "use another GPU or profile, or delete that vGPU with the tool that made it");
        return -REASON_CONFLICT;
    }
    return 0;
}

/* The interface doesn't say which instance a vGPU is on, and so not which of several shared ones is
 * empty. Exclusive and shared vGPUs of one profile stay apart there, also in turn. */
static int check_shown(const struct gpu_work *work, const struct mig *mig,
                       const struct admitted *added, struct error *err)
{
    bool shares = added->claim.spec.mode == CLAIM_TIME_SLICED_MIG_BACKED;
    bool mixed = false;
    for (uint32_t w = 0; w < mig->wanted.n; w++) {
        const struct cat_vgpu_type *type = mig->use[w].n_vgpus > 0 ? mig->use[w].type : NULL;
        bool same = mig->wanted.items[w].profile == added->profile && type != NULL &&
                    type->framebuffer_mib == added->type->framebuffer_mib;
        mixed = mixed || (same && shares == mig->use[w].taken);
    }
    for (size_t i = 0; !shares && i < work->n_gone; i++) {
        const struct cat_vgpu_type *type = NULL;
        if (model_find_type(work->model, work->gone[i]->spec.type, &type, NULL) != 0 ||
            type->framebuffer_mib != added->type->framebuffer_mib) {
            continue;
        }
        mixed = mixed || (work->gone[i]->spec.mode == CLAIM_TIME_SLICED_MIG_BACKED &&
                          str_eq(work->gone[i]->assigned.profile, added->profile->name));
    }
    return mixed ? refuse_mix(work, added->profile, "exclusive and shared vGPUs", err) : 0;
}

int work_check_mix(const struct gpu_work *work, const struct mig *mig, size_t i, struct error *err)
{
    const struct admitted *added = &work->added[i];
    bool bare = added->type == NULL;
    for (uint32_t w = 0; w < mig->wanted.n; w++) {
        bool has_vgpu = mig->use[w].n_vgpus > 0;
        if (mig->wanted.items[w].profile == added->profile &&
            ((bare && has_vgpu) || (!bare && !has_vgpu && mig->use[w].taken))) {
            return refuse_mix(work, added->profile, "a vGPU and a bare GPU instance", err);
        }
    }
    if (work->gpu->iface != VGPU_IFACE_MDEV) {
        return 0;
    }
    int r = check_foreign(work, added, err);
    return r != 0 || bare ? r : check_shown(work, mig, added, err);
}
