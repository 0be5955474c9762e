/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A profile or vGPU type with how many of it and where, in each way that people write it:
 * NAME[@START][=COUNT], nvidia-smi's 9:0, Slurm's gpu:1g.5gb:2, Kubernetes'
 * nvidia.com/mig-1g.5gb: 2, and 2 x NAME as cleave's own hints have it.
 */
#ifndef CLI_LAYOUT_ITEM_H
#define CLI_LAYOUT_ITEM_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

#define LAYOUT_ITEM_NAME 128
#define LAYOUT_ITEM_MAX 4096 /* of one */

struct layout_item {
    char name[LAYOUT_ITEM_NAME]; /* as written; the catalog knows its spellings */
    uint32_t start;              /* memory slice or placement id; LAYOUT_ANYWHERE */
    bool colon;                  /* the start stood behind nvidia-smi's ":", not "@" */
    uint32_t count;
};

/* One item. -INVALID with how it is written. */
int layout_item_parse(const char *word, struct layout_item *ret_item, struct error *err);

/* The next item of a list, "9,14,19": cuts it off *rest and moves that on. NULL at the end. Caller
 * frees. The comma of "1g.24gb+me,gfx" parts nothing. */
char *layout_item_cut(const char **rest);

#endif
