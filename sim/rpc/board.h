/* SPDX-License-Identifier: Apache-2.0 */
/* Electrical and thermal facts of a board, as far as they are published; the rest is typical of its
 * architecture. */
#ifndef SIM_RPC_BOARD_H
#define SIM_RPC_BOARD_H

#include "catalog/catalog.h"
#include "sim/rpc/calls.h"

/* Fills `out` for any model. */
void board_facts(const struct gpu_model *model, struct rpc_board *out);

#endif
