/* SPDX-License-Identifier: Apache-2.0 */
#include "plan/passed_over.h"

#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "plan/gpu_gate.h"

#define MAX_NAMES 4 /* of claims on one GPU */
#define MAX_GPUS 4
#define MAX_ONE 240 /* bytes about one GPU */
#define RESERVE 120 /* bytes for the claim's name in front and the number of the rest behind */

/* A GPU that was passed over. */
struct passed {
    const struct gpu *gpu;
    const struct gpu_work *work; /* NULL: the claim was not let on it, whatever stands there */
    struct error why;
};

static struct passed passed_at(const struct passed_over *passed, size_t i)
{
    const struct place_entry *entry = &passed->answer->items[i];
    struct passed one = {
        .gpu = &passed->planner->host->gpus.items[entry->candidate],
        .work = passed->works == NULL ? NULL : &passed->works[entry->candidate],
    };
    place_why(passed->question, entry, &one.why);
    return one;
}

/* ---- what stands on a GPU ---- */

static void add_name(struct strbuf *out, size_t n, const char *name, uint32_t start)
{
    if (n <= MAX_NAMES) {
        strbuf_addf(out, "%s%s", n > 1 ? ", " : "", name);
    }
    if (n <= MAX_NAMES && start != NO_ID) {
        strbuf_addf(out, "@%u", start);
    }
}

/* "claims b@4, c@6, d (new)": with the place of a GPU instance. Returns how many. */
static size_t add_claims(struct strbuf *out, const struct gpu_work *work)
{
    size_t n = 0;
    size_t n_all = work->n_kept + work->n_added;
    strbuf_add(out, n_all == 0 ? "" : n_all == 1 ? "claim " : "claims ");
    for (size_t i = 0; i < work->n_kept; i++) {
        const struct claim *claim = work->kept[i];
        bool on_gi = mode_of_claim(claim->spec.mode) == GPU_MIG;
        add_name(out, ++n, claim->name, on_gi ? claim->assigned.start : NO_ID);
    }
    for (size_t i = 0; i < work->n_added; i++) {
        char name[NAME_SIZE + 8];
        snprintf(name, sizeof(name), "%s (new)", work->added[i].claim.name);
        add_name(out, ++n, name, NO_ID);
    }
    if (n > MAX_NAMES) {
        strbuf_addf(out, " and %zu more", n - MAX_NAMES);
    }
    return n;
}

/* Has the instance no claim and no vGPU? Those are named for it. */
static bool is_foreign_gi(const struct gpu_work *work, const struct gi *gi)
{
    bool used = false;
    for (size_t i = 0; i < work->n_kept; i++) {
        used = used || work_stands_on(work->kept[i], gi);
    }
    for (size_t i = 0; i < work->n_gone; i++) {
        used = used || work_stands_on(work->gone[i], gi);
    }
    for (vec_each(&work->gpu->vgpus, vgpu)) {
        used = used || vgpu->gi_id == gi->id;
    }
    return !used;
}

static void add_foreign(struct strbuf *out, const struct gpu_work *work, size_t n_claims)
{
    size_t n = 0;
    CLEANUP_STRBUF struct strbuf first = {0};
    for (vec_each(&work->gpu->vgpus, vgpu)) {
        if (work_is_foreign(work, vgpu) && ++n == 1) {
            bool held = vgpu->holder[0] != '\0';
            strbuf_addf(&first, "vGPU %s%s%s%s", vgpu->type, held ? " of VM \"" : "", vgpu->holder,
                        held ? "\"" : "");
        }
    }
    for (vec_each(&work->gpu->gis, gi)) {
        if (is_foreign_gi(work, gi) && ++n == 1) {
            strbuf_addf(&first, "GPU instance %s@%u", gi->profile, gi->start);
        }
    }
    if (n == 0) {
        return;
    }
    strbuf_addf(out, "%s%s", n_claims > 0 ? " and " : "", strbuf_str(&first));
    if (n > 1) {
        strbuf_addf(out, " and %zu more, which no claim owns", n - 1);
    } else {
        strbuf_add(out, ", which no claim owns");
    }
}

static void add_holders(struct strbuf *out, const struct gpu_work *work)
{
    add_foreign(out, work, add_claims(out, work));
}

/* ---- why ---- */

/* What a GPU is, whatever claim comes. */
static const struct {
    int (*check)(const struct planner *planner, const struct gpu *gpu, struct error *err);
    const char *words;
} states[] = {
    {gate_check_quarantine, "is quarantined"},
    {gate_check_driver, "has a driver that is not nvidia"},
    {gate_check_cordon, "is cordoned"},
    {gate_check_held, "is being changed by a plan that waits"},
};

static const char *find_state(const struct passed_over *passed, const struct passed *one)
{
    for (size_t i = 0; i < ARRAY_SIZE(states); i++) {
        struct error err = {0};
        if (states[i].check(passed->planner, one->gpu, &err) != 0 &&
            str_eq(err.message, one->why.message)) {
            return states[i].words;
        }
    }
    return NULL;
}

/* Claims and what no claim owns are the reason only where room or the GPU's mode was looked at. */
static bool is_about_holders(const struct passed_over *passed, const struct passed *one)
{
    return one->work != NULL && find_state(passed, one) == NULL &&
           (one->why.reason == REASON_NO_CAPACITY || one->why.reason == REASON_CONFLICT);
}

static bool is_other_mode(const struct gpu_work *work, const struct claim *claim)
{
    return work->n_kept > 0 &&
           mode_of_claim(work->kept[0]->spec.mode) != mode_of_claim(claim->spec.mode);
}

/* Would the claim's vGPU be of another size mode than those that stay, or of another size where all
 * must have one, and is the memory there? Then room is not what lacks. NULL: no. */
static const char *find_size_mode(const struct gpu_work *work, const struct admitted *admitted)
{
    bool mixed = work->gpu->heterogeneous == TRI_YES;
    uint64_t sum_mib = admitted->type->framebuffer_mib;
    const char *words = NULL;
    for (vec_each(&work->gpu->vgpus, vgpu)) {
        const struct cat_vgpu_type *type =
            work_vgpu_is_released(work, vgpu) ? NULL : work_type_of(work, vgpu);
        if (type == NULL) {
            continue;
        }
        sum_mib += type->framebuffer_mib;
        if (mixed != admitted->claim.spec.mixed) {
            words = mixed ? "is in mixed-size mode" : "is in equal-size mode";
        } else if (!mixed && type->framebuffer_mib != admitted->type->framebuffer_mib) {
            words = "is in equal-size mode, with vGPUs of another size";
        }
    }
    return sum_mib <= work->model->memory_mib ? words : NULL;
}

static const char *size_mode_of(const struct passed_over *passed, const struct passed *one,
                                const struct claim *claim)
{
    struct admitted admitted = {0};
    bool known = one->work != NULL && one->work->model != NULL &&
                 admit_on_gpu(passed->planner, claim, one->gpu, &admitted, NULL) == 0;
    bool sliced = known && admitted.claim.spec.mode == CLAIM_TIME_SLICED;
    return sliced && !one->gpu->mig_enabled ? find_size_mode(one->work, &admitted) : NULL;
}

/* A GPU's own sentence without its name in front: that stands there already. */
static void add_sentence(struct strbuf *out, const char *message, const char *bdf)
{
    char name[BDF_SIZE + 8];
    snprintf(name, sizeof(name), "GPU %s ", bdf);
    bool named = str_starts(message, name);
    strbuf_addf(out, "%s %s", named ? "" : ":", message + (named ? strlen(name) : 0));
}

static void describe(struct strbuf *out, const struct passed_over *passed, const struct passed *one,
                     const struct claim *claim)
{
    char bdf[BDF_SIZE];
    pci_addr_format(&one->gpu->addr, bdf);
    strbuf_add(out, bdf);
    const char *state = find_state(passed, one);
    const struct gpu_model *model = gpu_model_of(passed->planner, one->gpu);
    CLEANUP_STRBUF struct strbuf holders = {0};
    if (is_about_holders(passed, one)) {
        add_holders(&holders, one->work);
    }
    if (state != NULL) {
        strbuf_addf(out, " %s", state);
    } else if (one->why.reason == REASON_NOT_FOUND && model != NULL) {
        const char *what = claim->spec.type[0] != '\0' ? claim->spec.type : claim->spec.profile;
        strbuf_addf(out, " is %s, which has no %s", model->name, what);
    } else if (holders.len > 0 && one->why.reason == REASON_NO_CAPACITY) {
        const char *size_mode = size_mode_of(passed, one, claim);
        strbuf_addf(out, " %s (%s)", size_mode == NULL ? "has no room" : size_mode,
                    strbuf_str(&holders));
    } else if (holders.len > 0 && is_other_mode(one->work, claim)) {
        strbuf_addf(out, " is used as %s (%s)",
                    gpu_mode_name(mode_of_claim(one->work->kept[0]->spec.mode)),
                    strbuf_str(&holders));
    } else {
        add_sentence(out, one->why.message, bdf);
    }
}

/* ---- all of them ---- */

static void append(struct error *err, const char *text)
{
    size_t len = strlen(err->message);
    (void)str_copy(err->message + len, sizeof(err->message) - len, text);
}

/* The things that stand on the GPU and say why, if its sentence doesn't name it yet. */
static void tell_holders(const struct passed_over *passed, const struct passed *best,
                         struct error *err)
{
    char bdf[BDF_SIZE];
    pci_addr_format(&best->gpu->addr, bdf);
    CLEANUP_STRBUF struct strbuf holders = {0};
    if (is_about_holders(passed, best)) {
        add_holders(&holders, best->work);
    }
    const struct gpu_work *work = best->work;
    char only[NAME_SIZE + 2];
    snprintf(only, sizeof(only), "\"%s\"",
             work == NULL || work->n_kept == 0 ? "" : work->kept[0]->name);
    bool is_named = work != NULL && work->n_kept == 1 && work->n_added == 0 &&
                    strstr(err->message, only) != NULL;
    if (holders.len == 0 || is_named) {
        return;
    }
    CLEANUP_STRBUF struct strbuf text = {0};
    bool named = passed->answer->n == 1 || strstr(err->message, bdf) != NULL;
    strbuf_addf(&text, "; on %s: %s", named ? "it" : bdf, strbuf_str(&holders));
    append(err, strbuf_str(&text));
}

/* Is the claim itself wrong, on this GPU as on that? */
static bool is_the_claim(const struct place_entry *a, const struct place_entry *b)
{
    return a->reason == b->reason && (a->reason == REASON_INVALID || a->reason == REASON_RULE);
}

/* The text about the others while it grows, and what did not fit. */
struct others {
    struct strbuf text;
    size_t n_named, n_more;
};

static void tell_one(struct others *others, const struct passed_over *passed, size_t i,
                     const struct claim *claim, size_t room)
{
    if (others->n_named == MAX_GPUS) {
        others->n_more++;
        return;
    }
    const struct passed one = passed_at(passed, i);
    CLEANUP_STRBUF struct strbuf words = {0};
    describe(&words, passed, &one, claim);
    size_t len = str_cut_len(strbuf_str(&words), words.len, MAX_ONE);
    if (others->text.len + len + RESERVE > room) {
        others->n_more++;
        return;
    }
    others->n_named++;
    strbuf_add(&others->text, others->n_named > 1 ? "; " : "; passed over: ");
    strbuf_addn(&others->text, strbuf_str(&words), len);
    strbuf_add(&others->text, len < words.len ? "..." : "");
}

/* GPUs that could serve such a claim first, then those of another model. */
static void tell_others(const struct passed_over *passed, size_t best, const struct claim *claim,
                        struct error *err)
{
    struct others others = {0};
    const struct place_answer *answer = passed->answer;
    size_t room = sizeof(err->message) - strlen(err->message);
    for (size_t k = 0; k < 2 * answer->n; k++) {
        size_t i = k % answer->n;
        const struct place_entry *one = &answer->items[i];
        bool is_model = one->reason == REASON_NOT_FOUND;
        if (i != best && is_model == (k >= answer->n) && !is_the_claim(one, &answer->items[best])) {
            tell_one(&others, passed, i, claim, room);
        }
    }
    if (others.n_more > 0) {
        strbuf_addf(&others.text, "%s%zu more",
                    others.n_named > 0 ? "; and " : "; passed over: ", others.n_more);
    }
    append(err, strbuf_str(&others.text));
    strbuf_done(&others.text);
}

void passed_over_tell(const struct passed_over *passed, const struct claim *claim,
                      struct error *err)
{
    if (err == NULL) {
        return;
    }
    size_t best = place_most_telling(passed->question, passed->answer);
    const struct passed one = passed_at(passed, best);
    *err = one.why;
    tell_holders(passed, &one, err);
    tell_others(passed, best, claim, err);
}
