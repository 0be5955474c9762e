/* SPDX-License-Identifier: Apache-2.0 */
/* Records of GPUs: loaded at start, changed together with the plans that change it. */
#include "state/gpu_records.h"

#include "base/str.h"
#include "state/state.h"
#include "state/txn.h"

struct gpu_record gpu_records_copy(const struct manager *m, const struct gpu *gpu)
{
    const struct gpu_record *known = gpu_records_find(&m->gpu_records, gpu);
    return known != NULL ? *known : gpu_record_of(gpu);
}

void txn_put_gpu_record(struct txn *txn, const struct gpu_record *record)
{
    draft_put_gpu_record(&txn->draft, record);
}

/* The GPU as it is seen now may tell more than the record did: its UUID, another address. */
static struct gpu_record current(const struct manager *m, const struct gpu_records *records,
                                 const struct pci_addr *addr)
{
    const struct gpu *gpu = m->host == NULL ? NULL : host_find_gpu_addr(m->host, addr);
    const struct gpu_record *known =
        gpu == NULL ? gpu_records_find_addr(records, addr) : gpu_records_find(records, gpu);
    struct gpu_record record = {.addr = *addr};
    if (known != NULL) {
        record = *known;
        record.addr = *addr;
    }
    if (gpu != NULL && gpu_known_uuid(gpu)[0] != '\0') {
        STR_SET(record.uuid, gpu_known_uuid(gpu));
    }
    return record;
}

struct gpu_record gpu_records_copy_at(const struct manager *m, const struct pci_addr *addr)
{
    return current(m, &m->gpu_records, addr);
}

struct gpu_record txn_gpu_record(const struct txn *txn, const struct pci_addr *addr)
{
    return current(txn->manager, draft_gpu_records(&txn->draft), addr);
}

/* Where the board is now; NULL: it is not to be seen. */
static const struct gpu *find_board(const struct manager *m, const struct step *step)
{
    return m->host == NULL ? NULL : host_find_board(m->host, step->board, &step->gpu);
}

struct gpu_record txn_step_record(const struct txn *txn, const struct step *step)
{
    const struct gpu *gpu = find_board(txn->manager, step);
    if (gpu != NULL) {
        return txn_gpu_record(txn, &gpu->addr);
    }
    for (vec_each(draft_gpu_records(&txn->draft), record)) {
        if (step->board[0] != '\0' && str_eq_case(record->uuid, step->board)) {
            return *record;
        }
    }
    if (step->board[0] == '\0') {
        return txn_gpu_record(txn, &step->gpu);
    }
    struct gpu_record none = {.addr = step->gpu};
    STR_SET(none.uuid, step->board);
    return none;
}

void txn_follow_plan(struct txn *txn, const struct plan *plan)
{
    VEC(struct pci_addr) seen = {0};
    for (vec_each(&plan->steps, step)) {
        bool known = false;
        for (vec_each(&seen, addr)) {
            known = known || pci_addr_cmp(addr, &step->gpu) == 0;
        }
        if (known) {
            continue;
        }
        *vec_push(&seen) = step->gpu;
        struct gpu_record record = txn_step_record(txn, step);
        struct pci_addr now = record.addr;
        record.addr = step->gpu; /* as the plan's steps name it */
        bool changed = gpu_record_follow(&record, plan);
        record.addr = now;
        if (changed) {
            txn_put_gpu_record(txn, &record);
        }
    }
    vec_done(&seen);
}
