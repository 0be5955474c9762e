/* SPDX-License-Identifier: Apache-2.0 */
#include "restore/restore_absent.h"

#include "base/id.h"
#include "base/str.h"
#include "plan/planner.h"
#include "state/state.h"
#include "watch/seen.h"

/* ---- the list ---- */

static void say_displaced(const struct manager *m, const struct claim *claim, struct error *why)
{
    char text[ERROR_TEXT_SIZE];
    claim_say_unknown_board(m, claim, text, sizeof(text));
    error_set(why, REASON_CONFLICT, SUBJECT("claim", claim->name), "%s", text);
    error_hint(why,
               "cleave does nothing for this claim: `cleave claim delete %s`, then create it again "
               "on the GPU that it should have",
               claim->name);
}

static struct restore_absent absent_of(const struct manager *m, const struct claim *claim)
{
    struct restore_absent absent = {.has_uuid = claim->assigned.gpu_uuid[0] != '\0'};
    char bdf[BDF_SIZE];
    STR_SET(absent.claim, claim->name);
    pci_addr_format(&claim->assigned.gpu, bdf);
    if (!absent.has_uuid && claim_is_displaced(claim, m->host)) {
        say_displaced(m, claim, &absent.why);
        return absent;
    }
    error_set(&absent.why, REASON_NOT_FOUND, SUBJECT("claim", claim->name),
              "GPU %s%s%s is not on this host", bdf, absent.has_uuid ? ", " : "",
              claim->assigned.gpu_uuid);
    error_hint(&absent.why,
               "the claim stays bound: put the board back, into any slot, or `cleave claim delete "
               "%s`",
               claim->name);
    return absent;
}

void restore_absent_find(const struct manager *m, struct restore_run *run)
{
    struct restore_run before = {.absent = run->absent};
    run->absent.items = NULL;
    run->absent.n = run->absent.cap = 0;
    for (vec_each(&m->claims, claim)) {
        if (!restore_wants(claim) || restore_gpu_of(m->host, claim) != NULL) {
            continue;
        }
        struct restore_absent absent = absent_of(m, claim);
        for (vec_each(&before.absent, old)) {
            absent = old->tried && str_eq(old->claim, claim->name) ? *old : absent;
        }
        *vec_push(&run->absent) = absent;
    }
    vec_done(&before.absent);
}

/* ---- another device ---- */

static struct plan *choose_again(const struct planner *planner, const struct restore_run *run,
                                 const struct claim *claim, struct error *err)
{
    char bdf[BDF_SIZE];
    char reason[PLAN_REASON_SIZE];
    const struct claim open = restore_open(claim);
    const struct claim *add[] = {&open};
    const char *remove[] = {claim->name};
    str_print(reason, sizeof(reason), "host restore, GPU %s of claim %s is gone",
              pci_addr_format(&claim->assigned.gpu, bdf), claim->name);
    const struct plan_request request = {.add = add,
                                         .n_add = 1,
                                         .remove = remove,
                                         .n_remove = 1,
                                         .purpose = PURPOSE_ALLOCATE,
                                         .author = run->operation->author,
                                         .reason = reason,
                                         .new_uuid = id_uuid};
    struct plan *plan = NULL;
    return planner_build(planner, &request, &plan, err) == 0 ? plan : NULL;
}

/* Why it has no other device, next to why it has not its own. */
static void say_refused(struct restore_absent *absent, const struct error *why)
{
    struct error both = absent->why;
    error_set(&both, why->reason, SUBJECT("claim", absent->claim),
              "%s, and another choice within its need failed: %s", absent->why.message,
              why->message);
    error_hint(&both, "the claim stays bound: put the board back, or make room and `cleave host "
                      "restore`");
    absent->why = both;
}

struct plan *restore_absent_next_plan(const struct planner *planner, struct restore_run *run)
{
    for (vec_each(&run->absent, absent)) {
        const struct claim *claim = claims_find(planner->claims, absent->claim);
        if (absent->tried || claim == NULL || !restore_may_choose_again(planner->host, claim)) {
            continue;
        }
        struct error err = {0};
        absent->tried = true;
        struct plan *plan = choose_again(planner, run, claim, &err);
        absent->running = plan != NULL;
        if (plan != NULL) {
            return plan;
        }
        say_refused(absent, &err);
    }
    return NULL;
}

void restore_absent_plan_ended(struct restore_run *run, const struct plan *plan,
                               const struct error *why)
{
    for (vec_each(&run->absent, absent)) {
        struct error err = {0};
        if (!absent->running) {
            continue;
        }
        absent->running = false;
        if (plan == NULL) {
            say_refused(absent, why);
        } else if (plan->state != PLAN_DONE) {
            error_set(&err, REASON_DRIVER, SUBJECT("claim", absent->claim), "%s", plan->problem);
            say_refused(absent, &err);
        }
    }
}
