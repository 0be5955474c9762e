/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A VM that comes from another host: what the source asks for (struct migration_offer) and what
 * this host keeps ready for it (struct incoming).
 */
#ifndef MODEL_INCOMING_H
#define MODEL_INCOMING_H

#include "model/migration.h"

#define MIGRATION_METADATA_SIZE 4096

/* What the source asks for. */
struct offer_claim {
    struct claim claim; /* as a user would ask for it */
    struct migration_facts facts;
    char metadata[MIGRATION_METADATA_SIZE]; /* NVML's of the vGPU, base64; "" unknown */
};
struct migration_offer {
    char id[40];
    char host[NAME_SIZE]; /* the source */
    char vm[VM_NAME_SIZE], vm_uuid[40];
    bool strict;
    struct migration_facts facts; /* of VM and host */
    struct offer_claim *claims;
    size_t n_claims;
};
void migration_offer_free(struct migration_offer *offer);
DEFINE_FREEP(struct migration_offer *, migration_offer_free)

/* At the target. Names are stored and never change. */
enum incoming_state {
    INCOMING_PREPARING, /* a plan makes the devices */
    INCOMING_PREPARED,  /* waits for the VM */
    INCOMING_COMMITTED, /* the VM and its claims live here */
    INCOMING_ABORTING,  /* a plan takes the devices away */
    INCOMING_ABORTED,   /* nothing is left of it */
    INCOMING_STATE_COUNT
};
WORDS_DECLARE(incoming_state, incoming_state_words)

struct incoming {
    char id[40];            /* the migration's */
    char host[NAME_SIZE];   /* where it comes from */
    char target[NAME_SIZE]; /* this host */
    char author[NAME_SIZE];
    char vm[VM_NAME_SIZE], vm_uuid[40];
    enum incoming_state state;
    enum vm_state vm_state;           /* here, when asked; VM_UNKNOWN also when there is none */
    bool vm_present;                  /* known to libvirt here, or unknown */
    bool abort;                       /* asked for while preparing */
    char plan[40];                    /* in hand: to prepare or to abort */
    struct migration_devices devices; /* their `to`, as far as known */
    struct checks checks;             /* dry run and offer only */
    struct migration_steps steps;     /* likewise */
    char problem[ERROR_TEXT_SIZE];
    uint64_t created_us, finished_us;
};
void incoming_free(struct incoming *incoming);
DEFINE_FREEP(struct incoming *, incoming_free)
bool incoming_is_over(const struct incoming *incoming);

extern const struct schema migration_offer_schema;
extern const struct schema incoming_schema;
json_t *migration_offer_to_json(const struct migration_offer *offer);
/* The same without the claims' needs, for a host whose cleaved knows none; NULL: there are none. */
json_t *migration_offer_to_plain_json(const struct migration_offer *offer);
/* Into one that is all 0. */
int migration_offer_read(const json_t *json, void *migration_offer, struct error *err);
void migration_offer_done(void *migration_offer);
/* Moves it to the heap. */
struct migration_offer *migration_offer_take(struct migration_offer *offer);
int migration_offer_from_json(const json_t *json, struct migration_offer **ret_offer,
                              struct error *err);
json_t *incoming_to_json(const struct incoming *incoming);
/* Reads what incoming_to_json() wrote, here or by another host. */
int incoming_from_json(const json_t *json, const char *origin, struct incoming **ret_incoming,
                       struct error *err);

#endif
