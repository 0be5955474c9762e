/* SPDX-License-Identifier: Apache-2.0 */
/* The grammar of MIG profile names: [<C>c.]<G>g.<GB>gb[+attr[,attr]|-attr], in either case. */
#ifndef CATALOG_PROFILE_NAME_H
#define CATALOG_PROFILE_NAME_H

#include <stdint.h>

#include "base/error.h"

struct profile_name {
    uint32_t ci_slices; /* 0: the whole GPU instance; else a compute instance of so many in it */
    uint32_t gi_slices;
    uint32_t memory_gb;
    char gi[64]; /* the GPU instance's own name: without "<C>c.", in lower case */
};

/* Reads a name as it is written; whether a GPU has it is the catalog's to say. -INVALID with what
 * is wrong. */
int profile_name_parse(const char *text, struct profile_name *ret_name, struct error *err);

#endif
