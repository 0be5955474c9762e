/* SPDX-License-Identifier: Apache-2.0 */
/*
 * GPU instances and what lives on them. Keeps every instance that can stay: those of staying claims
 * and those that nobody claims are pinned; those that only leaving claims used may serve the new
 * ones unchanged, and are destroyed otherwise.
 */
#include <stdio.h>

#include "base/str.h"
#include "plan/work.h"

/* The instances of one GPU while its plan is made. Indexes: existing = order of gpu->gis;
 * wanted = pinned ones first (each at its own place), then new needs. */
struct mig {
    struct layout_gis existing;
    struct layout_gis wanted;
    uint32_t pinned;
    uint32_t unwanted; /* only leaving claims used it */
    uint32_t foreign;  /* no claim's, and empty: may be used, is never destroyed */
    uint32_t lost;     /* pinned, and not there: a reboot took what a staying claim stood on */
    /* Per wanted: vGPUs on it by now, their type, and whether one wants it alone. */
    struct {
        const struct cat_vgpu_type *type;
        uint32_t n_vgpus;
        bool taken;        /* by an exclusive claim, or a bare instance */
        uint32_t existing; /* index when pinned, NO_ID when new */
    } use[LAYOUT_MAX_GIS];
    uint32_t of_claim[WORK_MAX_CLAIMS]; /* added claim → wanted index */
    struct layout_change change;
};

static bool stands_on(const struct claim *claim, const struct gi *gi)
{
    return mode_of_claim(claim->spec.mode) == GPU_MIG && claim->got.start == gi->start &&
           claim->got.size == gi->size;
}

static bool any_stands_on(const struct claim *const *claims, size_t n, const struct gi *gi)
{
    for (size_t i = 0; i < n; i++) {
        if (stands_on(claims[i], gi)) {
            return true;
        }
    }
    return false;
}

/* vGPUs on the instance that stay; *ret_type is the type of one of them. */
static uint32_t count_staying(const struct gpu_work *work, const struct gi *gi,
                              const struct cat_vgpu_type **ret_type)
{
    uint32_t claimed = work_claims_on(work, gi, ret_type);
    uint32_t n = 0;
    for (vec_each(&work->gpu->vgpus, vgpu)) {
        if (vgpu->gi_id == gi->id && !work_leaves(work, vgpu)) {
            n++;
            *ret_type = work_type_of(work, vgpu);
        }
    }
    return n > claimed ? n : claimed;
}

static bool exclusive_on(const struct gpu_work *work, const struct gi *gi)
{
    for (size_t i = 0; i < work->n_kept; i++) {
        if (stands_on(work->kept[i], gi) &&
            work->kept[i]->spec.mode != CLAIM_TIME_SLICED_MIG_BACKED) {
            return true;
        }
    }
    return false;
}

static int read_existing(const struct gpu_work *work, struct mig *mig, struct error *err)
{
    for (vec_each(&work->gpu->gis, gi)) {
        const struct cat_profile *profile = model_profile_by_id(work->model, gi->profile_id);
        if (profile == NULL || mig->existing.n == LAYOUT_MAX_GIS) {
            char subject[64];
            return error_set(err, REASON_UNSUPPORTED, work_subject(work, subject, sizeof(subject)),
                             "GPU instance %u of GPU %s has profile %u, which the catalog does "
                             "not know",
                             gi->id, subject + 4, gi->profile_id);
        }
        uint32_t i = mig->existing.n++;
        mig->existing.items[i] = (struct layout_gi){.profile = profile, .start = gi->start};
        const struct cat_vgpu_type *type = NULL;
        uint32_t staying = count_staying(work, gi, &type);
        bool kept = any_stands_on(work->kept, work->n_kept, gi) || staying > 0;
        bool leaving = any_stands_on(work->gone, work->n_gone, gi);
        if (kept) {
            uint32_t w = mig->wanted.n++;
            mig->wanted.items[w] = mig->existing.items[i];
            mig->use[w].type = type;
            mig->use[w].n_vgpus = staying;
            mig->use[w].taken = exclusive_on(work, gi);
            mig->use[w].existing = i;
            mig->pinned |= 1U << i;
        } else if (leaving) {
            mig->unwanted |= 1U << i;
        } else {
            mig->pinned |= 1U << i;
            /* Somebody's compute instances: not ours to use. */
            mig->foreign |= gi->n_ci == 0 ? 1U << i : 0;
            if (gi->n_ci > 0) {
                uint32_t w = mig->wanted.n++;
                mig->wanted.items[w] = mig->existing.items[i];
                mig->use[w].taken = true;
                mig->use[w].existing = i;
            }
        }
    }
    return 0;
}

static bool is_free(const struct mig *mig, const struct layout_gi *wanted)
{
    for (uint32_t i = 0; i < mig->existing.n; i++) {
        const struct layout_gi *gi = &mig->existing.items[i];
        if (gi->start < wanted->start + wanted->profile->memory_slices &&
            wanted->start < gi->start + gi->profile->memory_slices) {
            return false;
        }
    }
    return true;
}

/* The places of instances that a reboot took stay those of their claims, unless another instance
 * stands there by now. */
static void read_lost(const struct gpu_work *work, struct mig *mig)
{
    for (size_t k = 0; k < work->n_kept; k++) {
        const struct claim *claim = work->kept[k];
        const struct gi gi = {.start = claim->got.start, .size = claim->got.size};
        struct layout_gi place = {.start = gi.start};
        if (mode_of_claim(claim->spec.mode) != GPU_MIG || gi.start == NO_ID ||
            mig->existing.n == LAYOUT_MAX_GIS ||
            model_find_profile(work->model, claim->got.profile, &place.profile, NULL) != 0 ||
            !is_free(mig, &place)) {
            continue;
        }
        uint32_t i = mig->existing.n++;
        uint32_t w = mig->wanted.n++;
        mig->existing.items[i] = place;
        mig->wanted.items[w] = place;
        mig->use[w].n_vgpus = work_claims_on(work, &gi, &mig->use[w].type);
        mig->use[w].taken = exclusive_on(work, &gi);
        mig->use[w].existing = i;
        mig->pinned |= 1U << i;
        mig->lost |= 1U << i;
    }
}

/* Room for one more vGPU of the type on a wanted instance? */
static bool has_room(const struct mig *mig, uint32_t w, const struct admitted *added)
{
    const struct cat_vgpu_type *type = added->type;
    uint32_t start = added->claim.spec.start;
    return mig->wanted.items[w].profile == added->profile && !mig->use[w].taken &&
           (start == NO_ID || mig->wanted.items[w].start == start) && mig->use[w].n_vgpus > 0 &&
           mig->use[w].type != NULL && mig->use[w].type->framebuffer_mib == type->framebuffer_mib &&
           type->max_per_gi != CAT_UNKNOWN && mig->use[w].n_vgpus < type->max_per_gi;
}

static int refuse_mix(const struct gpu_work *work, const struct cat_profile *profile,
                      const char *what, struct error *err)
{
    char subject[64];
    error_set(err, REASON_CONFLICT, work_subject(work, subject, sizeof(subject)),
              "GPU %s can't hold %s of profile %s together: the driver, not cleave, picks the GPU "
              "instance of a vGPU",
              subject + 4, what, profile->name);
    error_hint(err, "use another GPU, or another profile for one of them");
    return -REASON_CONFLICT;
}

static bool could_share(const struct cat_vgpu_type *type)
{
    return type != NULL && type->max_per_gi != CAT_UNKNOWN && type->max_per_gi > 1;
}

/* The driver picks among all instances of a profile that have room (open-gpu-kernel-modules,
 * kernel_vgpu_mgr.c). So two kinds of claim don't meet on one profile of one GPU: an exclusive vGPU
 * of a type that could share with sharing ones, and a vGPU with a bare instance; nor does a bare
 * instance join a vGPU that is there, which an undo may have to delete and make again. */
static int check_mix(const struct gpu_work *work, const struct mig *mig, size_t i,
                     struct error *err)
{
    const struct admitted *added = &work->added[i];
    bool bare = added->type == NULL;
    bool shares = added->claim.spec.mode == CLAIM_TIME_SLICED_MIG_BACKED;
    for (uint32_t w = 0; w < mig->wanted.n; w++) {
        bool has_vgpu = mig->use[w].n_vgpus > 0;
        if (mig->wanted.items[w].profile != added->profile) {
            continue;
        }
        if ((bare && has_vgpu) || (!bare && !has_vgpu && mig->use[w].taken)) {
            return refuse_mix(work, added->profile, "a vGPU and a bare GPU instance", err);
        }
        bool exclusive = mig->use[w].taken && could_share(mig->use[w].type);
        if (!bare && has_vgpu &&
            ((shares && exclusive) ||
             (!shares && could_share(added->type) && !mig->use[w].taken))) {
            return refuse_mix(work, added->profile, "exclusive and shared vGPUs", err);
        }
    }
    return 0;
}

/* An empty instance that nobody claims serves as well as a new one: names its place. */
static void use_foreign(struct mig *mig, uint32_t w)
{
    struct layout_gi *wanted = &mig->wanted.items[w];
    for (uint32_t i = 0; i < mig->existing.n; i++) {
        const struct layout_gi *gi = &mig->existing.items[i];
        bool fits = gi->profile == wanted->profile &&
                    (wanted->start == LAYOUT_ANYWHERE || wanted->start == gi->start);
        if ((mig->foreign & 1U << i) != 0 && fits) {
            wanted->start = gi->start;
            mig->foreign &= ~(1U << i);
            return;
        }
    }
}

static int want_instance(struct gpu_work *work, struct mig *mig, size_t i, struct error *err)
{
    const struct admitted *added = &work->added[i];
    bool shares = added->claim.spec.mode == CLAIM_TIME_SLICED_MIG_BACKED;
    int result = check_mix(work, mig, i, err);
    if (result != 0) {
        return result;
    }
    for (uint32_t w = 0; shares && w < mig->wanted.n; w++) {
        if (has_room(mig, w, added)) {
            mig->use[w].n_vgpus++;
            mig->of_claim[i] = w;
            return 0;
        }
    }
    if (mig->wanted.n == LAYOUT_MAX_GIS) {
        return error_set(err, REASON_NO_CAPACITY, "gpu", "more than %d GPU instances on one GPU",
                         LAYOUT_MAX_GIS);
    }
    uint32_t w = mig->wanted.n++;
    uint32_t start = added->claim.spec.start;
    mig->wanted.items[w] = (struct layout_gi){.profile = added->profile,
                                              .start = start == NO_ID ? LAYOUT_ANYWHERE : start};
    mig->use[w].type = added->type;
    mig->use[w].n_vgpus = added->type != NULL ? 1 : 0;
    mig->use[w].taken = !shares;
    mig->use[w].existing = NO_ID;
    mig->of_claim[i] = w;
    use_foreign(mig, w);
    return 0;
}

/* MIG mode and virtual functions, in the order that keeps what is made after them: sriov-manage
 * rebinds the driver and wipes GPU instances (bigstack-oss/cubecos#312), so it runs before any is
 * created and never while one stays. */
static int prepare(struct gpu_work *work, const struct mig *mig, struct error *err)
{
    const struct gpu *gpu = work->gpu;
    bool wants_vgpu = false;
    for (size_t i = 0; i < work->n_added; i++) {
        wants_vgpu = wants_vgpu || work->added[i].type != NULL;
    }
    if (!gpu->mig_enabled) {
        if (gpu->vfs_enabled > 0) {
            work_step(work, STEP_SRIOV_DISABLE);
        }
        work_step(work, STEP_MIG_ENABLE);
    }
    bool off = gpu->vfs_enabled == 0 || !gpu->mig_enabled;
    if (!wants_vgpu || gpu->vfs_total == 0 || !off) {
        return 0;
    }
    for (uint32_t i = 0; i < mig->existing.n; i++) {
        if ((mig->pinned & ~mig->lost & 1U << i) != 0) {
            char subject[64];
            const struct layout_gi *gi = &mig->existing.items[i];
            error_set(err, REASON_CONFLICT, work_subject(work, subject, sizeof(subject)),
                      "GPU %s needs its virtual functions enabled, which would wipe GPU instance "
                      "%s at %u",
                      subject + 4, gi->profile->name, gi->start);
            error_hint(err, "release that instance first, or use another GPU");
            return -REASON_CONFLICT;
        }
    }
    work_step(work, STEP_SRIOV_ENABLE);
    return 0;
}

static struct step *gi_step(struct gpu_work *work, enum step_kind kind,
                            const struct cat_profile *profile, uint32_t start)
{
    return work_gi_step(work, kind, profile->name, profile->id, start, profile->memory_slices);
}

static void tell_instance(struct gpu_work *work, const struct cat_profile *profile, uint32_t start,
                          const char *what)
{
    work_tell_instance(work, profile->name, start, profile->memory_slices, what);
}

static bool bare_stays(const struct gpu_work *work, const struct mig *mig, uint32_t w)
{
    for (size_t i = 0; i < work->n_added; i++) {
        if (mig->of_claim[i] == w && work->added[i].claim.spec.mode == CLAIM_GPU_INSTANCE) {
            return true;
        }
    }
    return false;
}

/* Existing instances: kept as they are, or destroyed with their compute instances. With virtual
 * functions to be enabled, even a fitting one must be made anew. */
static void change_existing(struct gpu_work *work, const struct mig *mig, bool *ret_serves)
{
    bool wiped = work_has_step(work, STEP_SRIOV_ENABLE);
    for (uint32_t i = 0; i < mig->existing.n; i++) {
        if ((mig->lost & 1U << i) != 0) {
            continue;
        }
        const struct layout_gi *gi = &mig->existing.items[i];
        const struct gi *observed = &work->gpu->gis.items[i];
        bool keep = mig->change.keep[i] && !wiped;
        uint32_t serves = keep ? mig->change.serves[i] : UINT32_MAX;
        if (serves != UINT32_MAX) {
            ret_serves[serves] = true;
        }
        bool pinned = (mig->pinned & 1U << i) != 0;
        bool drop_ci = !pinned && observed->n_ci > 0 &&
                       (!keep || serves == UINT32_MAX || !bare_stays(work, mig, serves));
        if (drop_ci) {
            gi_step(work, STEP_CI_DESTROY, gi->profile, gi->start);
        }
        if (!keep) {
            gi_step(work, STEP_GI_DESTROY, gi->profile, gi->start);
        }
        tell_instance(work, gi->profile, gi->start, keep ? "kept" : "destroyed");
    }
}

/* A lost instance comes back with the first vGPU that joins those of its claims. */
static bool comes_back(const struct gpu_work *work, const struct mig *mig, uint32_t w)
{
    uint32_t i = mig->use[w].existing;
    bool joined = false;
    for (size_t added = 0; added < work->n_added; added++) {
        joined = joined || mig->of_claim[added] == w;
    }
    return joined && i != NO_ID && (mig->lost & 1U << i) != 0;
}

static void create_new(struct gpu_work *work, const struct mig *mig, const bool *serves)
{
    for (uint32_t w = 0; w < mig->wanted.n; w++) {
        bool there = mig->use[w].existing != NO_ID || serves[w];
        if (there && !comes_back(work, mig, w)) {
            continue;
        }
        const struct cat_profile *profile = mig->wanted.items[w].profile;
        gi_step(work, STEP_GI_CREATE, profile, mig->change.start[w]);
        tell_instance(work, profile, mig->change.start[w], "created");
    }
}

static uint32_t observed_gi(const struct gpu_work *work, uint32_t start, uint32_t size)
{
    for (vec_each(&work->gpu->gis, gi)) {
        if (gi->start == start && gi->size == size) {
            return gi->id;
        }
    }
    return NO_ID;
}

/* What each new claim gets, and the steps that give it. */
static int serve_claims(struct gpu_work *work, const struct mig *mig, const bool *serves,
                        struct error *err)
{
    for (size_t i = 0; i < work->n_added; i++) {
        const struct admitted *added = &work->added[i];
        uint32_t w = mig->of_claim[i];
        struct assignment *got = &work->got[i];
        STR_SET(got->profile, added->profile->name);
        got->start = mig->change.start[w];
        got->size = added->profile->memory_slices;
        bool there = mig->use[w].existing != NO_ID || serves[w];
        got->gi_id = there ? observed_gi(work, got->start, got->size) : NO_ID;
        if (added->claim.spec.mode == CLAIM_GPU_INSTANCE) {
            struct step *step = gi_step(work, STEP_CI_CREATE, added->profile, got->start);
            STR_SET(step->claim, added->claim.name);
            continue;
        }
        int result = work_take_device(work, i, err);
        if (result != 0) {
            return result;
        }
        work_create_vgpu(work, i);
        work_attach(work, i);
    }
    return 0;
}

/* All vGPUs that will be there, on the instances that will be there: legal together? */
static int check_vgpus(const struct gpu_work *work, const struct mig *mig, struct error *err)
{
    struct layout_vgpus vgpus = {.n = 0};
    struct layout_gis gis = mig->wanted;
    for (uint32_t w = 0; w < gis.n; w++) {
        gis.items[w].start = mig->change.start[w];
        for (uint32_t k = 0;
             mig->use[w].type != NULL && k < mig->use[w].n_vgpus && vgpus.n < LAYOUT_MAX_VGPUS;
             k++) {
            vgpus.items[vgpus.n++] = (struct layout_vgpu){
                .type = mig->use[w].type, .gi = w, .placement_id = LAYOUT_ANYWHERE};
        }
    }
    struct layout_vgpu_mode mode = {.mig = true,
                                    .mig_timesliced =
                                        work->gpu->mig_timeslicing_supported == TRI_YES &&
                                        work->gpu->mig_timeslicing_enabled == TRI_YES};
    return layout_place_vgpus(work->model, &gis, &mode, &vgpus, err);
}

int work_mig(struct gpu_work *work, struct error *err)
{
    if (work->n_added == 0 && work->n_gone == 0) {
        return 0;
    }
    struct mig mig = {0};
    int result = read_existing(work, &mig, err);
    read_lost(work, &mig);
    for (size_t i = 0; result == 0 && i < work->n_added; i++) {
        result = want_instance(work, &mig, i, err);
    }
    if (result == 0) {
        result = layout_change(work->model, &mig.existing, mig.pinned, mig.unwanted, &mig.wanted,
                               &mig.change, err);
    }
    result = result != 0 ? result : check_vgpus(work, &mig, err);
    if (result == 0 && work->n_added > 0) {
        result = prepare(work, &mig, err);
    }
    if (result != 0) {
        char subject[64];
        if (err != NULL && err->subject[0] == '\0') {
            STR_SET(err->subject, work_subject(work, subject, sizeof(subject)));
        }
        return result;
    }
    bool serves[LAYOUT_MAX_GIS] = {false};
    change_existing(work, &mig, serves);
    create_new(work, &mig, serves);
    return serve_claims(work, &mig, serves, err);
}
