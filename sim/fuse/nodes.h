/* SPDX-License-Identifier: Apache-2.0 */
/* Every file of the simulated kernel. */
#ifndef SIM_FUSE_NODES_H
#define SIM_FUSE_NODES_H

#include "sim/fuse/node.h"

extern const struct node nodes[];
extern const size_t n_nodes;

#endif
