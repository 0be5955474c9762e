/* SPDX-License-Identifier: Apache-2.0 */
/* Cordons: no new claims on a GPU, by decision of a person or of a drain; what is there stays. */
#include "verbs/cordon.h"

#include "base/clock.h"
#include "base/json.h"
#include "base/str.h"
#include "state/gpu_records.h"
#include "state/reply_json.h"
#include "state/state.h"
#include "state/txn.h"
#include "turn/queue.h"
#include "watch/observe.h"

void txn_cordon(struct txn *txn, const struct gpu *gpu, const char *author, const char *why)
{
    char bdf[BDF_SIZE];
    struct gpu_record record = txn_gpu_record(txn, &gpu->addr);
    if (record.cordon.set && (why[0] == '\0' || str_eq(record.cordon.why, why))) {
        return; /* it is already: its reason stays, and since when */
    }
    record.cordon = (struct cordon){.set = true, .since_us = clock_realtime_us()};
    STR_SET(record.cordon.by, author);
    STR_SET(record.cordon.why, why);
    txn_put_gpu_record(txn, &record);
    txn_event(txn, EVENT_GPU_CORDONED, SUBJECT("gpu", pci_addr_format(&gpu->addr, bdf)), author,
              "no new claims%s%s", why[0] != '\0' ? ": " : "", why);
}

void txn_uncordon(struct txn *txn, const struct gpu *gpu, const char *author)
{
    char bdf[BDF_SIZE];
    struct gpu_record record = txn_gpu_record(txn, &gpu->addr);
    if (!record.cordon.set) {
        return;
    }
    record.cordon = (struct cordon){0};
    txn_put_gpu_record(txn, &record);
    txn_event(txn, EVENT_GPU_UNCORDONED, SUBJECT("gpu", pci_addr_format(&gpu->addr, bdf)), author,
              "takes new claims again");
}

/* ---- by hand ---- */

typedef void act_fn(struct txn *txn, const struct change *change, const struct gpu *gpu);

/* Answers with the GPU as it is then. */
static void acted(const struct error *err, void *data)
{
    struct change *change = data;
    struct manager *m = change->manager;
    struct error own = {0};
    const struct gpu *gpu = host_find_gpu(m->host, change->name);
    if (err == NULL && gpu == NULL && host_unknown_gpu(m->host, change->name, &own) != 0) {
        err = &own; /* it has left the bus meanwhile */
    }
    if (err != NULL) {
        change_refuse(change, err);
        return;
    }
    change_answer(change, reply_gpu(gpu, &m->gpu_records));
}

/* In the ledger's turn, and no other is taken: a plan that runs was made before. */
static void act_in_turn(struct change *change, act_fn *act)
{
    struct manager *m = change->manager;
    struct error err = {0};
    char bdf[BDF_SIZE];
    const struct gpu *gpu = host_find_gpu(m->host, change->name);
    if (gpu == NULL) {
        (void)host_unknown_gpu(m->host, change->name, &err);
        change_refuse(change, &err);
        return;
    }
    STR_SET(change->name, pci_addr_format(&gpu->addr, bdf));
    if (change->dry_run) {
        acted(NULL, change);
        return;
    }
    struct txn txn;
    txn_begin(&txn, m);
    act(&txn, change, gpu);
    txn_commit_then(&txn, acted, change);
}

static void act_cordon(struct txn *txn, const struct change *change, const struct gpu *gpu)
{
    txn_cordon(txn, gpu, change->caller.author, change->why);
}

static void cordon_in_turn(void *data)
{
    act_in_turn(data, act_cordon);
}

static void act_uncordon(struct txn *txn, const struct change *change, const struct gpu *gpu)
{
    txn_uncordon(txn, gpu, change->caller.author);
}

static void uncordon_in_turn(void *data)
{
    act_in_turn(data, act_uncordon);
}

static void cordon_observed(struct manager *m, const struct error *err, void *data)
{
    (void)m;
    change_take_ledger(data, err, cordon_in_turn);
}

static void uncordon_observed(struct manager *m, const struct error *err, void *data)
{
    (void)m;
    change_take_ledger(data, err, uncordon_in_turn);
}

void verb_cordon_gpu(struct manager *m, const struct request *request)
{
    const struct cordon_body *body = request->body;
    struct change *change = change_new(m, NULL, request, request->target);
    STR_SET(change->why, body->reason);
    observe_hardware(m, cordon_observed, change);
}

void verb_uncordon_gpu(struct manager *m, const struct request *request)
{
    observe_hardware(m, uncordon_observed, change_new(m, NULL, request, request->target));
}
