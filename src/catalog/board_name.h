/* SPDX-License-Identifier: Apache-2.0 */
/* Names as people and tools write them. Private to the catalog. */
#ifndef CATALOG_BOARD_NAME_H
#define CATALOG_BOARD_NAME_H

#include <stdbool.h>

#include "catalog/catalog.h"

/* Same name: case ignored, ' ' and '_' count as '-'. */
bool cat_same_name(const char *a, const char *b);

/* "A100-PCIE-40GB" of "NVIDIA A100-PCIE-40GB"; points into `name`. */
const char *cat_without_vendor(const char *name);

/* Is the model a "nvidia_a100-sxm4-40gb", an "A100"? One word of a name is enough. */
bool cat_is_of_board(const struct gpu_model *model, const char *board);

/* The part of a vGPU type's name after the board's words: "DC-1-8C". */
const char *cat_short_type(const char *name);

#endif
