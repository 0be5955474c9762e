/* SPDX-License-Identifier: Apache-2.0 */
/* Records of GPUs. Loop thread only. */
#ifndef STATE_GPU_RECORDS_H
#define STATE_GPU_RECORDS_H

#include "model/gpu_record.h"

struct manager;
struct txn;

/* A copy, as the transaction has it so far. */
struct gpu_record txn_gpu_record(const struct txn *txn, const struct pci_addr *addr);
/* Of the board that the step is about: another may sit at its address by now. */
struct gpu_record txn_step_record(const struct txn *txn, const struct step *step);
/* The record takes the place of that GPU's, if there is one. */
void txn_put_gpu_record(struct txn *txn, const struct gpu_record *record);
/* Follows the steps of a plan that has ended in the records of its GPUs. */
void txn_follow_plan(struct txn *txn, const struct plan *plan);

/* A copy; a fresh one when nothing is remembered. */
struct gpu_record gpu_records_copy(const struct manager *m, const struct gpu *gpu);
/* The same by address, also of a GPU that is not there now. */
struct gpu_record gpu_records_copy_at(const struct manager *m, const struct pci_addr *addr);

#endif
