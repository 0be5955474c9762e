/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bodies of requests that are no document of their own: what the verb's function gets, and its
 * field table (or reader). Those that are: struct drain, struct migration_offer.
 */
#ifndef MODEL_BODY_H
#define MODEL_BODY_H

#include "model/claim.h"
#include "model/drain.h"
#include "model/gpu_scheduler.h"
#include "model/host.h"
#include "model/incoming.h"
#include "model/licence_pool.h"
#include "model/migration.h"
#include "model/need.h"
#include "schema/schema.h"

#define BODY_MAP(X)                                                                                \
    X(claim)                                                                                       \
    X(cordon)                                                                                      \
    X(drain)                                                                                       \
    X(hook)                                                                                        \
    X(licence_pool)                                                                                \
    X(migration)                                                                                   \
    X(mode)                                                                                        \
    X(need)                                                                                        \
    X(offer)                                                                                       \
    X(restore)                                                                                     \
    X(scheduler)                                                                                   \
    X(resolution)                                                                                  \
    X(site)                                                                                        \
    X(stop)                                                                                        \
    X(vm)

struct body_kind {
    const char *document;        /* its schema in api/openapi.yaml */
    size_t size;                 /* of the struct that it is read into */
    const struct schema *schema; /* its field table; NULL: it has none */
    enum face face;
    /* In place of the table alone, or NULL. The struct is all 0 before. */
    int (*read)(const json_t *json, void *body, struct error *err);
    void (*done)(void *body); /* NULL: nothing is to be freed */
};

#define BODY_KIND(name) extern const struct body_kind body_##name;
BODY_MAP(BODY_KIND)
#undef BODY_KIND

/* 0, with *ret_body to be given to body_done(), or -reason. `json` NULL: as though it were {}. */
int body_read(const struct body_kind *kind, const json_t *json, void **ret_body, struct error *err);
void body_done(const struct body_kind *kind, void *body);

/* ---- the structs; struct drain, struct migration_request, struct migration_offer, struct
 * gpu_scheduler and struct need are bodies, too ---- */

/* A claim, and what is asked for this once. */
struct claim_body {
    struct claim claim;
    bool move_idle;
};

/* The claims of a site become exactly these. */
struct site_body {
    char name[NAME_SIZE];
    struct claims claims;
    bool move_idle;
};

struct cordon_body {
    char reason[256];
};

struct mode_body {
    enum gpu_mode mode;
};

struct restore_body {
    uint32_t timeout_s;
};

struct resolution_body {
    enum migration_resolution where; /* the VM is */
};

/* Texts are of the JSON that was read. */
struct vm_body {
    char name[VM_NAME_SIZE];
    const char *template; /* libvirt domain XML */
};

struct stop_body {
    bool force; /* pull the plug */
    uint32_t timeout_s;
};

/* What libvirt calls its hook for: https://libvirt.org/hooks.html */
enum hook_operation {
    HOOK_PREPARE,
    HOOK_START,
    HOOK_STARTED,
    HOOK_STOPPED,
    HOOK_RELEASE,
    HOOK_MIGRATE,
    HOOK_RESTORE,
    HOOK_RECONNECT,
    HOOK_ATTACH,
    HOOK_OPERATION_COUNT
};
WORDS_DECLARE(hook_operation, hook_operation_words)

/* Texts are of the JSON that was read. */
struct hook_body {
    const char *domain;
    enum hook_operation operation;
    const char *extra; /* "-": none */
    const char *xml;
};

#endif
