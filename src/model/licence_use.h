/* SPDX-License-Identifier: Apache-2.0 */
/* The ledger of licences in use: one record per VM, product and, where the product is counted by
 * GPU, GPU; and per month a summary of records that are kept no more. Times are realtime. */
#ifndef MODEL_LICENCE_USE_H
#define MODEL_LICENCE_USE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/host.h"
#include "model/licence.h"
#include "schema/schema.h"

struct licence_use {
    uint64_t number; /* its record's; grows */
    char vm[VM_NAME_SIZE];
    char tenant[NAME_SIZE]; /* of its claims; "" none */
    enum licence product;
    char gpu[BDF_SIZE]; /* "": the product is counted by VM */
    uint32_t vgpus;     /* on it */
    uint64_t from_us;   /* first seen so */
    uint64_t until_us;  /* seen so no more; 0: it goes on */
    bool end_unknown;   /* it ended before `until_us`, while cleaved did not see the VM */
};
struct licence_uses {
    struct licence_use *items; /* by number */
    size_t n;
    size_t cap;
};

/* What a product was used in a month; of one tenant, or of all. */
struct licence_month_use {
    enum licence product;
    bool of_all;
    char tenant[NAME_SIZE];
    uint32_t peak;    /* most licences at one moment */
    uint64_t peak_us; /* the first such moment; 0: there was none */
    uint64_t use_us;  /* the time of all its records */
    uint32_t starts;  /* records that begin in the month */
};
#define LICENCE_MONTH_SIZE 8 /* "2026-11" */
struct licence_month {
    char month[LICENCE_MONTH_SIZE];
    VEC(struct licence_month_use) uses;
};
struct licence_months {
    struct licence_month *items; /* by month */
    size_t n;
    size_t cap;
};

#define LICENCE_MONTH_MAX_USES 1024

extern const struct schema licence_use_schema, licence_month_use_schema;
json_t *licence_use_to_json(const struct licence_use *use);
json_t *licence_use_to_stored_json(const struct licence_use *use);
int licence_use_from_stored_json(const json_t *json, struct licence_use *ret_use,
                                 struct error *err);
json_t *licence_month_to_stored_json(const struct licence_month *month);
/* The caller ends the month with licence_month_done(), also after an error. */
int licence_month_from_stored_json(const json_t *json, struct licence_month *ret_month,
                                   struct error *err);
void licence_month_done(struct licence_month *month);
void licence_months_done(struct licence_months *months);

/* The month's first moment and that of the next one, in UTC. False: "2026-11" is its form. */
bool licence_month_bounds(const char *month, uint64_t *ret_from_us, uint64_t *ret_to_us);
/* The month of a moment; returns out. */
const char *licence_month_of(uint64_t us, char out[LICENCE_MONTH_SIZE]);

#endif
