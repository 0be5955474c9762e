/* SPDX-License-Identifier: Apache-2.0 */
/* Host files that no one has to write: "board:l40s*2,t4" is a host with two L40S and a T4. */
#ifndef SIM_STATE_BOARD_H
#define SIM_STATE_BOARD_H

#include "base/json.h"
#include "catalog/catalog.h"

#define SIM_BOARD_PREFIX "board:"

/* The document that such a text stands for; caller's reference. Boards are keys or aliases of the
 * catalog. A kernel before 6.8 is chosen when no board has SR-IOV: their vGPUs are mediated devices
 * of the GPU itself. */
int sim_board_document(const char *text, const struct catalog *catalog, json_t **ret_document,
                       struct error *err);

#endif
