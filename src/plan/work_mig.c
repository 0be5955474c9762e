/* SPDX-License-Identifier: Apache-2.0 */
/*
 * GPU instances and what lives on them. Keeps every instance that can stay: those of staying claims
 * and those that no one claims are pinned; those that only leaving claims used may serve the new
 * ones unchanged, and are destroyed otherwise, as is a bare one that changes its owner.
 */
#include <stdio.h>

#include "base/str.h"
#include "plan/seats.h"
#include "plan/work_device.h"
#include "plan/work_enter.h"
#include "plan/work_mix.h"
#include "plan/work_parts.h"
#include "plan/work_scheduler.h"

static bool any_stands_on(const struct claim *const *claims, size_t n, const struct gi *gi)
{
    for (size_t i = 0; i < n; i++) {
        if (work_stands_on(claims[i], gi)) {
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
        if (vgpu->gi_id == gi->id && !work_vgpu_is_released(work, vgpu)) {
            n++;
            *ret_type = work_type_of(work, vgpu);
        }
    }
    return n > claimed ? n : claimed;
}

static bool exclusive_on(const struct gpu_work *work, const struct gi *gi)
{
    for (size_t i = 0; i < work->n_kept; i++) {
        if (work_stands_on(work->kept[i], gi) &&
            work->kept[i]->spec.mode != CLAIM_TIME_SLICED_MIG_BACKED) {
            return true;
        }
    }
    return false;
}

/* Its owner did not agree to share with a claim. */
static bool foreign_on(const struct gpu_work *work, const struct gi *gi)
{
    for (vec_each(&work->gpu->vgpus, vgpu)) {
        if (vgpu->gi_id == gi->id && work_is_foreign(work, vgpu)) {
            return true;
        }
    }
    return false;
}

/* mdev doesn't say which instance a vGPU is on: may it be on this one, and be another tool's, which
 * took the place of what a leaving claim had? */
static bool may_carry_other(const struct gpu_work *work, const struct gi *gi)
{
    for (size_t i = 0; i < work->n_gone; i++) {
        const struct vgpu *vgpu = claim_vgpu_at(work->gone[i], work->gpu);
        if (vgpu != NULL && vgpu->gi_id == NO_ID && work_stands_on(work->gone[i], gi) &&
            !claim_is_vgpu(work->gone[i], vgpu)) {
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
            return error_set(
                err, REASON_UNSUPPORTED, work->subject,
                "GPU instance %u of GPU %s has profile %u, which the catalog does not have", gi->id,
                work->bdf, gi->profile_id);
        }
        uint32_t i = mig->existing.n++;
        mig->existing.items[i] = (struct layout_gi){.profile = profile, .start = gi->start};
        const struct cat_vgpu_type *type = NULL;
        uint32_t staying = count_staying(work, gi, &type);
        bool kept =
            any_stands_on(work->kept, work->n_kept, gi) || staying > 0 || may_carry_other(work, gi);
        bool leaving = any_stands_on(work->gone, work->n_gone, gi);
        if (kept) {
            uint32_t w = mig->wanted.n++;
            mig->wanted.items[w] = mig->existing.items[i];
            mig->use[w].type = type;
            mig->use[w].n_vgpus = staying;
            mig->use[w].n_before = staying;
            mig->use[w].type_before = type;
            mig->use[w].policy = gi->scheduler.policy;
            mig->use[w].taken = exclusive_on(work, gi) || foreign_on(work, gi);
            mig->use[w].existing = i;
            mig->pinned |= 1U << i;
        } else if (leaving) {
            mig->unwanted |= 1U << i;
        } else {
            mig->pinned |= 1U << i;
            /* Someone's compute instances: not ours to use. */
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

/* As it was made for its claims, and will be again. */
static enum scheduler_policy policy_of_lost(const struct gpu_work *work, const struct gi *gi)
{
    enum scheduler_policy policy = SCHEDULER_UNKNOWN;
    for (size_t i = 0; i < work->n_kept && policy == SCHEDULER_UNKNOWN; i++) {
        struct admitted as = {.claim = *work->kept[i], .model = work->model};
        if (work_stands_on(work->kept[i], gi) &&
            model_find_type(work->model, as.claim.spec.type, &as.type, NULL) == 0) {
            policy = admit_policy(&as);
        }
    }
    return work_policy_of_new(work, policy);
}

/* The places of instances that a reboot took stay those of their claims, unless another instance
 * stands there by now. */
static void read_lost(const struct gpu_work *work, struct mig *mig)
{
    for (size_t k = 0; k < work->n_kept; k++) {
        const struct claim *claim = work->kept[k];
        const struct gi gi = {.start = claim->assigned.start, .size = claim->assigned.size};
        struct layout_gi place = {.start = gi.start};
        if (mode_of_claim(claim->spec.mode) != GPU_MIG || gi.start == NO_ID ||
            mig->existing.n == LAYOUT_MAX_GIS ||
            model_find_profile(work->model, claim->assigned.profile, &place.profile, NULL) != 0 ||
            !is_free(mig, &place)) {
            continue;
        }
        uint32_t i = mig->existing.n++;
        uint32_t w = mig->wanted.n++;
        mig->existing.items[i] = place;
        mig->wanted.items[w] = place;
        mig->use[w].n_vgpus = work_claims_on(work, &gi, &mig->use[w].type);
        mig->use[w].policy = policy_of_lost(work, &gi);
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
    enum scheduler_policy policy = admit_policy(added);
    return (policy == SCHEDULER_UNKNOWN || policy == mig->use[w].policy) &&
           mig->wanted.items[w].profile == added->profile && !mig->use[w].taken &&
           (start == NO_ID || mig->wanted.items[w].start == start) && mig->use[w].n_vgpus > 0 &&
           mig->use[w].type != NULL && mig->use[w].type->framebuffer_mib == type->framebuffer_mib &&
           type->max_per_gi != CAT_UNKNOWN && mig->use[w].n_vgpus < type->max_per_gi;
}

/* Have vGPUs that come the policy that they need on an existing instance? It was made with one. */
static bool is_shared_by(const struct gpu_work *work, uint32_t existing,
                         enum scheduler_policy policy)
{
    return policy == SCHEDULER_UNKNOWN || work->gpu->gis.items[existing].scheduler.policy == policy;
}

/* An empty instance that no one claims serves as well as a new one: names its place. */
static void use_foreign(const struct gpu_work *work, enum scheduler_policy policy, struct mig *mig,
                        uint32_t w)
{
    struct layout_gi *wanted = &mig->wanted.items[w];
    for (uint32_t i = 0; i < mig->existing.n; i++) {
        const struct layout_gi *gi = &mig->existing.items[i];
        bool fits = gi->profile == wanted->profile &&
                    (wanted->start == LAYOUT_ANYWHERE || wanted->start == gi->start) &&
                    is_shared_by(work, i, policy);
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
    int result = work_check_mix(work, mig, i, err);
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
    mig->use[w].policy = work_policy_of_new(work, admit_policy(added));
    use_foreign(work, admit_policy(added), mig, w);
    return 0;
}

/* Virtual functions are never enabled while an instance stays: that would wipe it. */
static int prepare(struct gpu_work *work, const struct mig *mig, struct error *err)
{
    bool wants_vgpu = false;
    for (size_t i = 0; i < work->n_added; i++) {
        wants_vgpu = wants_vgpu || work->added[i].type != NULL;
    }
    bool wipes = work_enter_wipes(work, wants_vgpu);
    for (uint32_t i = 0; wipes && i < mig->existing.n; i++) {
        if ((mig->pinned & ~mig->lost & 1U << i) != 0) {
            const struct layout_gi *gi = &mig->existing.items[i];
            error_set(err, REASON_CONFLICT, work->subject,
                      "cleave must enable the virtual functions of GPU %s, which would destroy GPU "
                      "instance %s at %u",
                      work->bdf, gi->profile->name, gi->start);
            error_hint(err, "release that instance first, or use another GPU");
            return -REASON_CONFLICT;
        }
    }
    work_enter(work, GPU_MIG, wants_vgpu);
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
    work_report_instance(work, profile->name, start, profile->memory_slices, what);
}

/* The bare instance that leaves comes back as it is: only to the claim that has it, of the same
 * tenant. Its programs run on, and its memory is not cleared, so another owner never gets it. */
static bool comes_back_as_it_is(const struct gpu_work *work, const struct mig *mig,
                                const struct claim *gone, uint32_t w)
{
    for (size_t i = 0; i < work->n_added; i++) {
        const struct claim *claim = &work->added[i].claim;
        if (mig->of_claim[i] == w && claim->spec.mode == CLAIM_GPU_INSTANCE &&
            str_eq(claim->name, gone->name) && str_eq(claim->tenant, gone->tenant)) {
            return true;
        }
    }
    return false;
}

/* The leaving claim that has the instance bare; NULL: none has. */
static const struct claim *bare_leaving(const struct gpu_work *work, const struct gi *gi)
{
    for (size_t i = 0; i < work->n_gone; i++) {
        if (work->gone[i]->spec.mode == CLAIM_GPU_INSTANCE && work_stands_on(work->gone[i], gi)) {
            return work->gone[i];
        }
    }
    return NULL;
}

/* What the claims that come ask for on the wanted instance. */
static enum scheduler_policy needed_on(const struct gpu_work *work, const struct mig *mig,
                                       uint32_t w)
{
    enum scheduler_policy policy = SCHEDULER_UNKNOWN;
    for (size_t i = 0; i < work->n_added && policy == SCHEDULER_UNKNOWN; i++) {
        policy = mig->of_claim[i] == w ? admit_policy(&work->added[i]) : policy;
    }
    return policy;
}

/* Existing instances: kept as they are, or destroyed with their compute instances. Even a fitting
 * one is made again when virtual functions are to be enabled, when it changes its owner, or when
 * its vGPUs would share it by another policy than they need. */
static void change_existing(struct gpu_work *work, const struct mig *mig, bool *ret_serves)
{
    bool wiped = work_is_wiped(work);
    for (uint32_t i = 0; i < mig->existing.n; i++) {
        if ((mig->lost & 1U << i) != 0) {
            continue;
        }
        const struct layout_gi *gi = &mig->existing.items[i];
        const struct gi *observed = &work->gpu->gis.items[i];
        const struct claim *bare = bare_leaving(work, observed);
        uint32_t w = mig->change.keep[i] && !wiped ? mig->change.serves[i] : UINT32_MAX;
        bool as_it_is = bare != NULL && w != UINT32_MAX && comes_back_as_it_is(work, mig, bare, w);
        bool pinned = (mig->pinned & 1U << i) != 0;
        bool fits = pinned || w == UINT32_MAX || is_shared_by(work, i, needed_on(work, mig, w));
        bool keep = mig->change.keep[i] && !wiped && fits && (pinned || bare == NULL || as_it_is);
        if (keep && w != UINT32_MAX) {
            ret_serves[w] = true;
        }
        if (!pinned && observed->n_ci > 0 && !as_it_is) {
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

static bool is_created(const struct gpu_work *work, const struct mig *mig, const bool *serves,
                       uint32_t w)
{
    bool there = mig->use[w].existing != NO_ID || serves[w];
    return !there || comes_back(work, mig, w);
}

static uint32_t observed_gi(const struct gpu_work *work, uint32_t start, uint32_t size)
{
    const struct gi *gi = gpu_find_gi_at(work->gpu, start, size);
    return gi == NULL ? NO_ID : gi->id;
}

/* What each new claim gets. */
static int give_devices(struct gpu_work *work, const struct mig *mig, const bool *serves,
                        struct error *err)
{
    for (size_t i = 0; i < work->n_added; i++) {
        const struct admitted *added = &work->added[i];
        uint32_t w = mig->of_claim[i];
        struct assignment *got = &work->assigned[i];
        STR_SET(got->profile, added->profile->name);
        got->start = mig->change.start[w];
        got->size = added->profile->memory_slices;
        got->gi_id =
            is_created(work, mig, serves, w) ? NO_ID : observed_gi(work, got->start, got->size);
        int result = added->type != NULL ? work_take_device(work, i, err) : 0;
        if (result != 0) {
            return result;
        }
    }
    return 0;
}

/* The instances as they are when the first of the plan's is made: those of `wanted` by their
 * indexes, then empty ones that stay and no one wants. */
static void look_at_seats(const struct gpu_work *work, const struct mig *mig, const bool *serves,
                          struct seats *seats)
{
    *seats = (struct seats){.work = work, .n = mig->wanted.n};
    for (uint32_t w = 0; w < mig->wanted.n; w++) {
        const struct cat_profile *profile = mig->wanted.items[w].profile;
        bool lost = mig->use[w].existing != NO_ID && (mig->lost & 1U << mig->use[w].existing) != 0;
        struct seats_gi *gi = &seats->items[w];
        *gi = (struct seats_gi){.profile = profile,
                                .start = mig->change.start[w],
                                .size = profile->memory_slices,
                                .id = NO_ID,
                                .there = !lost && !is_created(work, mig, serves, w),
                                .exclusive = mig->use[w].taken,
                                .n_vgpus = mig->use[w].n_before,
                                .type = mig->use[w].type_before};
        gi->id = gi->there ? observed_gi(work, gi->start, gi->size) : NO_ID;
    }
    for (uint32_t i = 0; i < mig->existing.n && seats->n < SEATS_MAX; i++) {
        const struct layout_gi *gi = &mig->existing.items[i];
        if ((mig->foreign & 1U << i) != 0 && !work_is_wiped(work)) {
            seats->items[seats->n++] = (struct seats_gi){.profile = gi->profile,
                                                         .start = gi->start,
                                                         .size = gi->profile->memory_slices,
                                                         .id = NO_ID,
                                                         .there = true,
                                                         .exclusive = true};
        }
    }
}

/* Instances that are there before those that are made; then the fuller the earlier, as one without
 * room left is none that the driver could choose for the next. */
static void order_of_making(const struct gpu_work *work, const struct mig *mig,
                            const struct seats *seats, uint32_t order[LAYOUT_MAX_GIS])
{
    uint32_t keys[LAYOUT_MAX_GIS];
    for (uint32_t w = 0; w < mig->wanted.n; w++) {
        const struct cat_vgpu_type *type = mig->use[w].type;
        uint32_t most = type != NULL ? seats_most(work, type) : 0;
        uint32_t left = most > mig->use[w].n_vgpus ? most - mig->use[w].n_vgpus : 0;
        uint32_t key = seats->items[w].there ? 0 : 1 + left;
        uint32_t at = w;
        for (; at > 0 && keys[at - 1] > key; at--) {
            keys[at] = keys[at - 1];
            order[at] = order[at - 1];
        }
        keys[at] = key;
        order[at] = w;
    }
}

/* The steps that give claim i what it has been assigned on wanted instance w. */
static int serve(struct gpu_work *work, size_t i, uint32_t w, struct seats *seats,
                 struct error *err)
{
    const struct admitted *added = &work->added[i];
    const struct assignment *got = &work->assigned[i];
    if (added->claim.spec.mode == CLAIM_GPU_INSTANCE) {
        struct step *step = gi_step(work, STEP_CI_CREATE, added->profile, got->start);
        STR_SET(step->claim, added->claim.name);
        return 0;
    }
    int result = seats_take(seats, w, added->type, work_create_vgpu(work, i), err);
    if (result == 0) {
        work_attach(work, i);
    }
    return result;
}

/* Does a claim come that may share the instance with others? */
static bool is_shared(const struct gpu_work *work, const struct mig *mig, uint32_t w)
{
    for (size_t i = 0; i < work->n_added; i++) {
        if (mig->of_claim[i] == w &&
            work->added[i].claim.spec.mode == CLAIM_TIME_SLICED_MIG_BACKED) {
            return true;
        }
    }
    return false;
}

/* Each instance is followed by its own vGPUs before the next one is made. */
static int make_all(struct gpu_work *work, const struct mig *mig, const bool *serves,
                    struct error *err)
{
    struct seats seats;
    uint32_t order[LAYOUT_MAX_GIS];
    look_at_seats(work, mig, serves, &seats);
    order_of_making(work, mig, &seats, order);
    for (uint32_t n = 0; n < mig->wanted.n; n++) {
        uint32_t w = order[n];
        const struct cat_profile *profile = mig->wanted.items[w].profile;
        if (is_created(work, mig, serves, w)) {
            struct step *step = gi_step(work, STEP_GI_CREATE, profile, mig->change.start[w]);
            if (is_shared(work, mig, w)) {
                work_share_instance(work, mig->use[w].policy, step);
            }
            tell_instance(work, profile, mig->change.start[w], "created");
            seats.items[w].there = true;
        }
        for (size_t i = 0; i < work->n_added; i++) {
            int result = mig->of_claim[i] == w ? serve(work, i, w, &seats, err) : 0;
            if (result != 0) {
                return result;
            }
        }
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
        result = result != 0 ? result : check_vgpus(work, &mig, err);
        work_drop_layout_hint(result, err);
    }
    if (result == 0 && work->n_added > 0) {
        result = prepare(work, &mig, err);
    }
    if (result != 0) {
        if (err != NULL && err->subject[0] == '\0') {
            STR_SET(err->subject, work->subject);
        }
        return result;
    }
    bool serves[LAYOUT_MAX_GIS] = {false};
    change_existing(work, &mig, serves);
    result = give_devices(work, &mig, serves, err);
    return result != 0 ? result : make_all(work, &mig, serves, err);
}
