/* SPDX-License-Identifier: Apache-2.0 */
#include "plan/nearby.h"

#include <stdio.h>

#include "base/str.h"
#include "plan/candidate.h"
#include "plan/work_solve.h"
#include "plan/work_try.h"

/* The loss. */
struct distance {
    uint32_t memory_mib;
    uint32_t compute;
    uint32_t media;
};

/* What a GPU has instead. */
struct offer {
    struct gpu_work *work;
    const char *type;    /* NULL: the claim's own */
    const char *profile; /* the same; the type's own with a type on a GPU instance */
    struct distance distance;
};

struct nearby {
    const struct claim *claim;
    VEC(struct offer) offers;
    char what[2 * NAME_SIZE]; /* of the chosen one: "L40S-8Q", "2g.10gb@4" */
};

/* ---- what a model has instead ---- */

static bool give_up(uint32_t had, uint32_t has, uint32_t *ret_lost)
{
    *ret_lost = had - has;
    return had != CAT_UNKNOWN && has != CAT_UNKNOWN && has <= had;
}

/* The extra engines that another instance has: the same one without them may fit. */
static bool give_up_media(enum cat_media had, enum cat_media has, uint32_t *ret_lost)
{
    static const uint32_t rank[] = {
        [MEDIA_NONE] = 0, [MEDIA_PLAIN] = 1, [MEDIA_ME] = 2, [MEDIA_ALL] = 3};
    *ret_lost = rank[had] - rank[has];
    return rank[has] <= rank[had];
}

static bool give_up_media_of(const struct admitted *wanted, const struct cat_vgpu_type *type,
                             uint32_t *ret_lost)
{
    const struct cat_profile *has = NULL;
    if (wanted->profile == NULL || type->gi_profile == NULL ||
        model_find_profile(wanted->model, type->gi_profile, &has, NULL) != 0) {
        return true;
    }
    return give_up_media(wanted->profile->media, has->media, ret_lost);
}

static bool is_less_type(const struct admitted *wanted, const struct cat_vgpu_type *type,
                         struct distance *ret_distance)
{
    *ret_distance = (struct distance){0};
    return type->series == wanted->type->series && type->mig_backed == wanted->type->mig_backed &&
           give_up(wanted->type->framebuffer_mib, type->framebuffer_mib,
                   &ret_distance->memory_mib) &&
           give_up_media_of(wanted, type, &ret_distance->media) &&
           ret_distance->memory_mib + ret_distance->media > 0;
}

static bool is_less_profile(const struct admitted *wanted, const struct cat_profile *profile,
                            struct distance *ret_distance)
{
    const struct cat_profile *had = wanted->profile;
    bool known = give_up(had->memory_mib, profile->memory_mib, &ret_distance->memory_mib) &&
                 give_up(had->compute_slices, profile->compute_slices, &ret_distance->compute);
    return known && profile->gfx == had->gfx &&
           give_up_media(had->media, profile->media, &ret_distance->media) &&
           ret_distance->memory_mib + ret_distance->compute + ret_distance->media > 0;
}

/* ---- trying ---- */

static void describe(const struct gpu_work *work, const struct claim *wish, char *out, size_t size)
{
    uint32_t start = work->assigned[work->n_added - 1].start;
    if (wish->spec.type[0] != '\0') {
        str_print(out, size, "%s", wish->spec.type);
    } else if (start == NO_ID) {
        str_print(out, size, "%s", wish->spec.profile);
    } else {
        str_print(out, size, "%s@%u", wish->spec.profile, start);
    }
}

static void list_types(struct nearby *nearby, struct gpu_work *work,
                       const struct admitted *admitted)
{
    struct distance distance = {0};
    for (vec_each(&work->model->types, type)) {
        const char *blank = strrchr(type->name, ' ');
        if (is_less_type(admitted, type, &distance)) {
            *vec_push(&nearby->offers) =
                (struct offer){.work = work,
                               .type = blank != NULL ? blank + 1 : type->name,
                               .profile = admitted->profile != NULL ? type->gi_profile : NULL,
                               .distance = distance};
        }
    }
}

static void list_profiles(struct nearby *nearby, struct gpu_work *work,
                          const struct admitted *admitted)
{
    struct distance distance = {0};
    for (vec_each(&work->model->profiles, profile)) {
        if (is_less_profile(admitted, profile, &distance)) {
            *vec_push(&nearby->offers) =
                (struct offer){.work = work, .profile = profile->name, .distance = distance};
        }
    }
}

static void list_offers(struct nearby *nearby, struct gpu_work *work)
{
    struct admitted admitted = {0};
    if (work->model == NULL ||
        admit_on_gpu(work->planner, nearby->claim, work->gpu, &admitted, NULL) != 0) {
        return;
    }
    if (nearby->claim->spec.start != NO_ID) {
        *vec_push(&nearby->offers) = (struct offer){.work = work};
    }
    if (admitted.type != NULL) {
        list_types(nearby, work, &admitted);
    } else if (admitted.profile != NULL) {
        list_profiles(nearby, work, &admitted);
    }
}

static bool score_offer(void *data, uint32_t candidate, struct place_score *ret_score)
{
    const struct nearby *nearby = data;
    const struct offer *offer = &nearby->offers.items[candidate];
    ret_score->keys[0] = offer->distance.memory_mib;
    ret_score->keys[1] = offer->distance.compute;
    ret_score->keys[2] = offer->distance.media;
    candidate_score(offer->work, nearby->claim, &ret_score->keys[3]);
    return true;
}

/* The GPU is left as it was: of an offer that fits only its name is kept. */
static int judge_offer(void *data, const struct place_entry *entry, struct error *err)
{
    struct nearby *nearby = data;
    const struct offer *offer = &nearby->offers.items[entry->candidate];
    struct claim wish = *nearby->claim;
    wish.spec.start = NO_ID;
    if (offer->type != NULL) {
        STR_SET(wish.spec.type, offer->type);
    }
    if (offer->profile != NULL) {
        STR_SET(wish.spec.profile, offer->profile);
    }
    int result = work_try(offer->work, &wish, NULL, err);
    if (result == 0) {
        describe(offer->work, &wish, nearby->what, sizeof(nearby->what));
        offer->work->n_added--;
        work_solve_again(offer->work);
    }
    return result;
}

static void put_first(struct error *err, const char *what, const struct gpu *gpu)
{
    char bdf[BDF_SIZE];
    char before[sizeof(err->hint)];
    STR_SET(before, err->hint);
    error_hint(err, "nearest that fits: %s on GPU %s%s%s", what, pci_addr_format(&gpu->addr, bdf),
               before[0] != '\0' ? "; or " : "", before);
}

void nearby_tell(struct works *works, const struct claim *claim, struct error *err)
{
    bool about_place = err != NULL && err->reason == REASON_INVALID && claim->spec.start != NO_ID;
    if (err == NULL || claim->reserved.set || (err->reason != REASON_NO_CAPACITY && !about_place)) {
        return;
    }
    struct nearby nearby = {.claim = claim};
    for (size_t g = 0; g < works->n; g++) {
        list_offers(&nearby, &works->items[g]);
    }
    const struct place_question question = {.n = (uint32_t)nearby.offers.n,
                                            .score = score_offer,
                                            .judge = judge_offer,
                                            .data = &nearby};
    CLEANUP(place_answer_done) struct place_answer answer;
    if (place_choose(&question, &answer) == 0) {
        put_first(err, nearby.what, nearby.offers.items[answer.chosen].work->gpu);
    } else if (err->hint[0] == '\0') {
        error_hint(
            err,
            "nothing smaller fits either: delete a claim that is not needed, or use another host");
    }
    vec_done(&nearby.offers);
}
