/* SPDX-License-Identifier: Apache-2.0 */
#include "plan/places.h"

#include "base/str.h"
#include "plan/mode.h"
#include "plan/restore.h"

static bool is_in_the_way(const struct claim *a, const struct claim *b)
{
    return claim_collides(a, b) || (pci_addr_cmp(&a->assigned.gpu, &b->assigned.gpu) == 0 &&
                                    mode_of_claim(a->spec.mode) != mode_of_claim(b->spec.mode));
}

const struct claim *places_rival(const struct host *host, const struct claims *claims,
                                 const struct claim *claim)
{
    for (vec_each(claims, other)) {
        if (other->state != CLAIM_BOUND || str_eq(other->name, claim->name)) {
            continue;
        }
        struct claim placed = restore_place(host, other);
        if (placed.assigned.set && is_in_the_way(&placed, claim)) {
            return other;
        }
    }
    return NULL;
}

bool places_judge(const struct host *host, const struct claims *claims, bool moved,
                  const struct claim *claim, struct assignment *ret_got)
{
    const struct assignment *got = &claim->assigned;
    if (claim->state != CLAIM_BOUND || !got->set || got->gpu_uuid[0] != '\0' ||
        got->board == CLAIM_BOARD_ELSEWHERE) {
        return false;
    }
    *ret_got = *got;
    const struct gpu *gpu = host_find_gpu_addr(host, &got->gpu);
    if ((moved && got->board == CLAIM_BOARD_OLD_BOOT) ||
        places_rival(host, claims, claim) != NULL) {
        ret_got->board = CLAIM_BOARD_ELSEWHERE;
        return true;
    }
    if (gpu == NULL || got->board != CLAIM_BOARD_HERE || gpu_known_uuid(gpu)[0] == '\0') {
        return false;
    }
    STR_SET(ret_got->gpu_uuid, gpu_known_uuid(gpu));
    return true;
}

static bool is_in(const struct plan *plan, const struct claim *claim)
{
    for (vec_each(&plan->claims, entry)) {
        if (entry->verb != PLAN_KEEP && str_eq(entry->claim.name, claim->name)) {
            return true;
        }
    }
    return false;
}

int places_check_plan(const struct host *host, const struct claims *claims, const struct plan *plan,
                      struct error *err)
{
    for (vec_each(&plan->claims, entry)) {
        bool gets = entry->verb == PLAN_BIND || entry->verb == PLAN_RESTORE;
        for (size_t i = 0; gets && i < claims->n; i++) {
            const struct claim *other = &claims->items[i];
            char bdf[BDF_SIZE];
            if (other->state != CLAIM_BOUND || is_in(plan, other) ||
                claim_find_gpu(other, host) == NULL || !claim_collides(&entry->claim, other)) {
                continue;
            }
            error_set(err, REASON_CONFLICT, SUBJECT("claim", entry->claim.name),
                      "claim \"%s\" can't have %s: claim \"%s\" has it", entry->claim.name,
                      pci_addr_format(&entry->claim.assigned.device, bdf), other->name);
            error_hint(err, "`cleave claim show %s` shows more", other->name);
            return -REASON_CONFLICT;
        }
    }
    return 0;
}
