/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One move of a VM to another host, as the source knows it. What the target knows is in
 * model/incoming.h; docs/internals/migration.md tells the whole story.
 */
#ifndef MODEL_MIGRATION_H
#define MODEL_MIGRATION_H

#include "model/check.h"
#include "model/claim.h"
#include "model/plan.h"

#define MIGRATION_MAX_CLAIMS 16
#define MIGRATION_MAX_STEPS 4096 /* of a stored document, or another host's */
#define MIGRATION_URI_SIZE 512

/* At the source. Names are stored and never change. */
enum migration_state {
    MIGRATION_CHECKING,
    MIGRATION_PREPARING, /* the target makes the devices */
    MIGRATION_MOVING,    /* libvirt moves the VM */
    MIGRATION_SWITCHING, /* the VM is there; the target takes it over */
    MIGRATION_RELEASING, /* the target owns it; what the source had goes */
    MIGRATION_DONE,
    MIGRATION_ABORTING, /* the VM is here; the target gives everything back */
    MIGRATION_CANCELLED,
    MIGRATION_FAILED,
    MIGRATION_STATE_COUNT
};
WORDS_DECLARE(migration_state, migration_state_words)

/* What a person said of a VM whose target does not answer. Names are stored and never change. */
enum migration_resolution {
    RESOLUTION_NONE,
    RESOLUTION_TARGET,
    RESOLUTION_SOURCE,
    RESOLUTION_COUNT
};
WORDS_DECLARE(migration_resolution, migration_resolution_words) /* RESOLUTION_NONE has no word */

struct migration_progress {
    struct amount total_bytes, processed_bytes, remaining_bytes;
    struct amount bytes_per_s, dirty_bytes_per_s;
    struct amount device_bytes; /* of device state, such as a framebuffer */
    struct amount elapsed_ms, downtime_ms;
};

/* Inputs and outcome of plan/estimate.h. */
struct migration_estimate {
    struct amount memory_bytes, framebuffer_bytes, dirty_bytes_per_s, link_bytes_per_s;
    bool known;     /* as the two times below are */
    bool converges; /* memory is sent faster than the guest changes it */
    struct amount total_ms, downtime_ms;
};

/* What a claim has at the source and gets at the target. */
struct migration_device {
    char claim[NAME_SIZE];
    struct assignment from, to;
};
struct migration_devices {
    struct migration_device *items;
    size_t n;
    size_t cap;
};

/* What the target will do, for people: the steps of its plan. */
struct migration_step {
    char text[STEP_TEXT_SIZE];
};
struct migration_steps {
    struct migration_step *items;
    size_t n;
    size_t cap;
};

struct migration_request {
    char vm[VM_NAME_SIZE];
    char destination[MIGRATION_URI_SIZE]; /* libvirt's URI of the target */
    char peer[MIGRATION_URI_SIZE];        /* address of the target's cleaved */
    char migrate_uri[MIGRATION_URI_SIZE]; /* where the data flows; "" libvirt chooses */
    uint64_t bandwidth_bytes;             /* per second, 0 no limit */
    uint64_t max_downtime_ms;             /* 0 the emulator's default */
    bool strict;                          /* what is unknown blocks, too */
};

struct migration {
    char id[40];
    char author[NAME_SIZE];
    struct migration_request request;
    char vm_uuid[40];
    char target[NAME_SIZE]; /* host name there, "" not known yet */
    enum migration_state state;
    bool cancel; /* asked for */
    bool moved;  /* libvirt said that the VM is there */
    enum migration_resolution resolution;
    char resolved_by[NAME_SIZE];
    uint64_t answered_us; /* realtime: when the target answered last, at least; 0 never */
    struct migration_devices devices;
    struct checks checks;
    struct migration_steps steps;
    struct migration_estimate estimate;
    struct migration_progress progress; /* of the job; the outcome once it ended */
    char plan[40];                      /* of the release */
    char problem[ERROR_TEXT_SIZE], rule[48], hint[ERROR_TEXT_SIZE];
    enum reason reason;   /* of the problem */
    uint64_t created_us;  /* realtime, as all of these */
    uint64_t finished_us; /* 0 until finished */
};
void migration_free(struct migration *migration);
DEFINE_FREEP(struct migration *, migration_free)
bool migration_is_over(const struct migration *migration);

extern const struct schema migration_schema;
extern const struct schema migration_device_schema;
json_t *migration_to_json(const struct migration *migration);
/* Reads what migration_to_json() wrote. */
int migration_from_stored_json(const json_t *json, struct migration **ret_migration,
                               struct error *err);

#endif
