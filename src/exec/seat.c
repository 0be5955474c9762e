/* SPDX-License-Identifier: Apache-2.0 */
#include "exec/seat.h"

#include <stdio.h>

#include "base/str.h"

/* A driver that chooses at random may need several rounds when functions are few. */
#define MAX_ROUNDS 32

struct filler {
    struct pci_addr device;
    bool there;
    bool elsewhere; /* not on the instance that is to stay free */
};

struct seating {
    const struct ports *ports;
    const struct seat *seat;
    VEC(struct filler) fillers; /* one per function set aside */
};

static void find_functions(struct seating *s)
{
    const struct step *step = s->seat->step;
    for (size_t i = 0; i < s->seat->n_spares; i++) {
        const struct plan_spare *spare = &s->seat->spares[i];
        if (pci_addr_cmp(&spare->gpu, &step->gpu) == 0 &&
            pci_addr_cmp(&spare->device, &step->device) != 0) {
            *vec_push(&s->fillers) = (struct filler){.device = spare->device};
        }
    }
}

static void seating_done(struct seating *s)
{
    vec_done(&s->fillers);
}

static struct step filler_step(const struct seating *s, enum step_kind kind,
                               const struct filler *filler)
{
    const struct step *step = s->seat->step;
    struct step one = step_make(kind, &step->gpu);
    STR_SET(one.type, step->type);
    STR_SET(one.profile, step->profile);
    one.type_id = step->type_id;
    one.device = filler->device;
    return one;
}

static int drop(const struct seating *s, struct filler *filler, struct error *err)
{
    struct step step = filler_step(s, STEP_VGPU_DELETE, filler);
    int result = filler->there ? ports_apply(s->ports, &step, err) : 0;
    filler->there = result != 0;
    return result;
}

/* All of them, or only those on the instance that is to stay free. The first error is reported. */
static int drop_all(struct seating *s, bool all, struct error *err)
{
    int first = 0;
    for (vec_each(&s->fillers, filler)) {
        int result = all || !filler->elsewhere ? drop(s, filler, first == 0 ? err : NULL) : 0;
        first = first != 0 ? first : result;
    }
    return first;
}

/* Takes the other instances' room: until it is gone as far as the planner counted it, or the driver
 * takes no more, or there is no function left. */
static int fill(struct seating *s, struct error *err)
{
    const struct step *step = s->seat->step;
    uint32_t n_elsewhere = 0;
    for (vec_each(&s->fillers, filler)) {
        n_elsewhere += filler->there;
    }
    for (vec_each(&s->fillers, filler)) {
        if (step->fillers > 0 && n_elsewhere == step->fillers) {
            break;
        }
        if (filler->there) {
            continue;
        }
        struct step one = filler_step(s, STEP_VGPU_CREATE, filler);
        if (ports_apply(s->ports, &one, NULL) != 0) {
            /* Full, most likely; what it is shows when the vGPU itself is made. Half of this one
             * may be there. */
            filler->there = true;
            int result = drop(s, filler, err);
            if (result != 0) {
                return result;
            }
            break;
        }
        filler->there = true;
        filler->elsewhere = one.assigned_gi_id != step->gi_id;
        n_elsewhere += filler->elsewhere;
    }
    return drop_all(s, false, err);
}

static bool is_right(const struct step *step)
{
    return step->gi_id == NO_ID || step->assigned_gi_id == step->gi_id ||
           (step->assigned_gi_id == NO_ID && step->fillers == 0);
}

static int refuse(const struct seating *s, uint32_t landed, struct error *err)
{
    const struct step *step = s->seat->step;
    char bdf[BDF_SIZE];
    char subject[ERROR_SUBJECT_SIZE];
    error_subject("gpu", pci_addr_format(&step->gpu, bdf), subject);
    if (landed == NO_ID) {
        error_set(err, REASON_DRIVER, subject,
                  "GPU %s does not report which GPU instance vGPU %s is on; it must be %s at %u",
                  bdf, step->type, step->profile, step->start);
        return -REASON_DRIVER;
    }
    error_set(err, REASON_CONFLICT, subject,
              "GPU %s put vGPU %s on GPU instance %u instead of instance %u (%s at %u)", bdf,
              step->type, landed, step->gi_id, step->profile, step->start);
    error_hint(err,
               "%zu virtual functions were free for short-lived vGPUs on the other instances; the "
               "kernel log says why these did not help (dmesg)",
               s->fillers.n);
    return -REASON_CONFLICT;
}

static int take_back(const struct seating *s, struct error *err)
{
    struct step undo = step_undo(s->seat->step);
    return ports_apply(s->ports, &undo, err);
}

/* The vGPU stands on another instance: off with it, fill, and once more. */
static int insist(struct seating *s, struct error *err)
{
    struct step *step = s->seat->step;
    int result = 0;
    for (unsigned round = 0; result == 0 && !is_right(step); round++) {
        uint32_t landed = step->assigned_gi_id;
        result = take_back(s, err);
        if (result != 0) {
            return result;
        }
        if (round == MAX_ROUNDS || landed == NO_ID || s->fillers.n == 0) {
            return refuse(s, landed, err);
        }
        result = fill(s, err);
        result = result != 0 ? result : ports_apply(s->ports, step, err);
    }
    return result;
}

bool seat_needed(const struct step *step)
{
    return step->kind == STEP_VGPU_CREATE && step->start != NO_ID;
}

int seat_check(const struct ports *ports, const struct seat *seat, struct error *err)
{
    int result = seat->again && seat_needed(seat->step) ? seat_clear(ports, seat, err) : 0;
    return result != 0 ? result : ports_check(ports, seat->step, err);
}

int seat_apply(const struct ports *ports, const struct seat *seat, struct error *err)
{
    return seat_needed(seat->step) ? seat_create(ports, seat, err)
                                   : ports_apply(ports, seat->step, err);
}

int seat_create(const struct ports *ports, const struct seat *seat, struct error *err)
{
    CLEANUP(seating_done) struct seating s = {.ports = ports, .seat = seat};
    find_functions(&s);
    int result = seat->again ? seat_clear(ports, seat, err) : 0;
    result = result != 0 ? result : ports_apply(ports, seat->step, err);
    result = result != 0 ? result : insist(&s, err);
    int left = drop_all(&s, true, result == 0 ? err : NULL);
    return result != 0 ? result : left;
}

int seat_clear(const struct ports *ports, const struct seat *seat, struct error *err)
{
    CLEANUP(seating_done) struct seating s = {.ports = ports, .seat = seat};
    find_functions(&s);
    int first = 0;
    for (vec_each(&s.fillers, filler)) {
        struct error one = {0};
        filler->there = true;
        int result = drop(&s, filler, &one);
        /* Another type, or one that a VM has open, is no filler. */
        bool other = result == -REASON_CONFLICT || result == -REASON_IN_USE;
        if (result != 0 && !other && first == 0) {
            first = result;
            if (err != NULL) {
                *err = one;
            }
        }
    }
    return first;
}

uint32_t seat_instance(const struct plan *plan, const struct step *step)
{
    uint32_t id = step->gi_id;
    if ((step->kind != STEP_VGPU_CREATE && step->kind != STEP_VGPU_DELETE) ||
        step->start == NO_ID) {
        return id;
    }
    for (vec_each(&plan->steps, other)) {
        bool same = pci_addr_cmp(&other->gpu, &step->gpu) == 0 && other->start == step->start &&
                    other->size == step->size && other->assigned_gi_id != NO_ID;
        /* One that failed may have destroyed it all the same; its undo says what is there. */
        bool undone = other->state == STEP_UNDONE || other->state == STEP_FAILED;
        bool made = (other->kind == STEP_GI_CREATE && other->state == STEP_DONE) ||
                    (other->kind == STEP_GI_DESTROY && undone);
        if (same && made) {
            id = other->assigned_gi_id;
        }
    }
    return id;
}
