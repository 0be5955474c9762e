/* SPDX-License-Identifier: Apache-2.0 */
/* The boot that the store knows, and whether what it took is back. Loop thread only. */
#ifndef STATE_BOOT_RECORD_H
#define STATE_BOOT_RECORD_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

struct draft;
struct manager;

struct boot_record {
    char id[40];
    uint64_t driver_load; /* as in struct host: all is there that this load of the driver took */
    bool restored;        /* what the boot took is back */
    bool given_up;        /* its restoration was cancelled: none begins on its own any more */
};

/* -INVALID: the document has another form. */
int boot_record_parse(const json_t *document, struct boot_record *ret_boot, struct error *err);
/* *ret_boot has no id if the store knows none. */
int boot_record_read(const struct manager *m, struct boot_record *ret_boot, struct error *err);
void boot_record_put(struct draft *draft, const struct boot_record *boot);
/* With the first plan of a store comes the boot in which it was made. True: it is put. */
bool boot_record_note(const struct manager *m, struct draft *draft);

#endif
