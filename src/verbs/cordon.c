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
    bool same =
        record.cordon.set && str_eq(record.cordon.by, author) && str_eq(record.cordon.why, why);
    if (same) {
        return;
    }
    record.cordon = (struct cordon){.set = true, .since_us = clock_realtime_us()};
    STR_SET(record.cordon.by, author);
    STR_SET(record.cordon.why, why);
    txn_put_gpu_record(txn, &record);
    txn_event(txn, "gpu-cordoned", SUBJECT("gpu", pci_addr_format(&gpu->addr, bdf)), author,
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
    txn_event(txn, "gpu-uncordoned", SUBJECT("gpu", pci_addr_format(&gpu->addr, bdf)), author,
              "takes new claims again");
}

/* ---- by hand ---- */

/* Answers with the GPU as it is then. No turn is taken: a plan that runs was made before. */
static void answer(struct change *change,
                   void (*act)(struct txn *, const struct change *, const struct gpu *))
{
    struct manager *m = change->manager;
    struct error err = {0};
    const struct gpu *gpu = host_find_gpu(m->host, change->name);
    int r = gpu == NULL ? host_unknown_gpu(m->host, change->name, &err) : 0;
    if (r == 0 && !change->dry_run) {
        struct txn txn;
        txn_begin(&txn, m);
        act(&txn, change, gpu);
        r = txn_commit(&txn, &err);
    }
    if (r != 0) {
        change_refuse(change, &err);
        return;
    }
    change_answer(change, reply_gpu(gpu, &m->gpu_records));
}

static void act_cordon(struct txn *txn, const struct change *change, const struct gpu *gpu)
{
    txn_cordon(txn, gpu, change->caller.author, change->why);
}

static void act_uncordon(struct txn *txn, const struct change *change, const struct gpu *gpu)
{
    txn_uncordon(txn, gpu, change->caller.author);
}

static void cordon_observed(struct manager *m, const struct error *err, void *data)
{
    (void)m;
    if (err != NULL) {
        change_refuse(data, err);
        return;
    }
    answer(data, act_cordon);
}

static void uncordon_observed(struct manager *m, const struct error *err, void *data)
{
    (void)m;
    if (err != NULL) {
        change_refuse(data, err);
        return;
    }
    answer(data, act_uncordon);
}

void manager_cordon_gpu(struct manager *m, const struct request *request)
{
    const struct cordon_body *body = request->body;
    struct change *change = change_new(m, NULL, request, request->target);
    STR_SET(change->why, body->reason);
    manager_observe_hardware(m, cordon_observed, change);
}

void manager_uncordon_gpu(struct manager *m, const struct request *request)
{
    manager_observe_hardware(m, uncordon_observed, change_new(m, NULL, request, request->target));
}
