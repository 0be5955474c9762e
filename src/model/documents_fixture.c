/* SPDX-License-Identifier: Apache-2.0 */
/* A filled and an empty document of each kind. */
#include "model/documents_fixture.h"

#include "base/str.h"
#include "model/event.h"
#include "model/samples_fixture.h"
#include "test.h"

/* Each writes what it reads; NULL: it was refused. */
static json_t *claim_again(const json_t *json, struct error *err)
{
    struct claim claim;
    return claim_from_stored_json(json, &claim, err) == 0 ? claim_to_json(&claim) : NULL;
}

static json_t *wish_again(const json_t *json, struct error *err)
{
    struct claim claim;
    int r = claim_from_json(json, "site.yaml", "claims[2]", &claim, err);
    return r == 0 ? claim_to_json(&claim) : NULL;
}

static json_t *plan_again(const json_t *json, struct error *err)
{
    CLEANUP(plan_freep) struct plan *plan = NULL;
    return plan_from_stored_json(json, &plan, err) == 0 ? plan_to_json(plan) : NULL;
}

static json_t *migration_again(const json_t *json, struct error *err)
{
    CLEANUP(migration_freep) struct migration *migration = NULL;
    int r = migration_from_stored_json(json, &migration, err);
    return r == 0 ? migration_to_json(migration) : NULL;
}

static json_t *incoming_again(const json_t *json, struct error *err)
{
    CLEANUP(incoming_freep) struct incoming *incoming = NULL;
    int r = incoming_from_json(json, "host-b", &incoming, err);
    return r == 0 ? incoming_to_json(incoming) : NULL;
}

static json_t *offer_again(const json_t *json, struct error *err)
{
    CLEANUP(migration_offer_freep) struct migration_offer *offer = NULL;
    int r = migration_offer_from_json(json, &offer, err);
    return r == 0 ? migration_offer_to_json(offer) : NULL;
}

static json_t *drain_again(const json_t *json, struct error *err)
{
    CLEANUP(drain_freep) struct drain *drain = NULL;
    int r = drain_from_stored_json(json, &drain, err);
    return r == 0 ? drain_to_stored_json(drain) : NULL;
}

static json_t *drain_request_again(const json_t *json, struct error *err)
{
    CLEANUP(drain_freep) struct drain *drain = NULL;
    return drain_from_json(json, &drain, err) == 0 ? drain_to_json(drain) : NULL;
}

static json_t *record_again(const json_t *json, struct error *err)
{
    struct gpu_record record;
    int r = gpu_record_from_stored_json(json, &record, err);
    return r == 0 ? gpu_record_to_json(&record) : NULL;
}

static json_t *event_again(const json_t *json, struct error *err)
{
    struct event event;
    int r = event_from_stored_json(json, &event, err);
    return r == 0 ? event_to_stored_json(&event) : NULL;
}

static void add(struct documents *all, const char *name, json_t *json,
                json_t *(*again)(const json_t *json, struct error *err))
{
    assert_non_null(json);
    *vec_push(all) = (struct document){.name = name, .json = json, .again = again};
}

static void add_request(struct documents *all, const char *name, json_t *json,
                        json_t *(*again)(const json_t *json, struct error *err))
{
    add(all, name, json, again);
    all->items[all->n - 1].is_request = true;
}

static void add_claims(struct documents *all)
{
    struct claim full = sample_claim("web1");
    struct claim bare = sample_bare_claim("web2");
    add(all, "claim", claim_to_json(&full), claim_again);
    add(all, "claim-bare", claim_to_json(&bare), claim_again);
    bare.state = CLAIM_PENDING;
    bare.was_bound = false;
    add(all, "claim-pending", claim_to_json(&bare), claim_again);
    struct claim need = sample_bare_claim("web3");
    need.has_need = true;
    need.need = (struct need){.memory_mib = 20480,
                              .usable_memory = true,
                              .compute = 25,
                              .isolation = ISOLATION_HARDWARE,
                              .boundary = BOUNDARY_GROUP,
                              .predictable = true,
                              .guest = GUEST_WINDOWS,
                              .graphics = true,
                              .live_migration = true,
                              .unified_memory = true,
                              .gpus = 2,
                              .peer_traffic = true,
                              .mixed = true,
                              .scheduler = SCHEDULER_FIXED_SHARE,
                              .licences = LICENCE_SET(LICENCE_VWS)};
    need.typed = (struct claim_words){.set = true, .mode = CLAIM_TIME_SLICED, .start = NO_ID};
    STR_SET(need.typed.type, "L40S-24Q");
    STR_SET(need.choice, "L40S-24Q (time-sliced) on 0000:41:00.0");
    add(all, "claim-need", claim_to_json(&need), claim_again);
    add_request(all, "claim-request",
                json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:i, s:b, s:s, s:b, s:s}", "name",
                          "web1", "tenant", "research", "vm", "web1", "mode", "auto", "gpu", "l40s",
                          "type", "L40S-8Q", "profile", "2g.20gb", "start", 4, "mixed", 1, "guest",
                          "windows", "migratable", 1, "hold", "on-demand"),
                wish_again);
    add_request(all, "claim-request-bare", json_pack("{s:s}", "name", "web1"), wish_again);
}

static void add_plans(struct documents *all)
{
    CLEANUP(plan_freep) struct plan *plan = sample_plan();
    add(all, "plan", plan_to_json(plan), plan_again);
    plan->state = PLAN_PLANNED;
    STR_SET(plan->later, "whether it is open");
    add(all, "plan-planned", plan_to_json(plan), NULL);
    CLEANUP(plan_freep) struct plan *bare = plan_new();
    add(all, "plan-bare", plan_to_json(bare), plan_again);
}

static void add_migrations(struct documents *all)
{
    CLEANUP(migration_freep) struct migration *migration = sample_migration();
    CLEANUP(migration_freep) struct migration *bare = xcalloc(1, sizeof(*bare));
    CLEANUP(incoming_freep) struct incoming *incoming = sample_incoming();
    CLEANUP(incoming_freep) struct incoming *none = xcalloc(1, sizeof(*none));
    CLEANUP(migration_offer_freep) struct migration_offer *offer = sample_offer();
    add(all, "migration", migration_to_json(migration), migration_again);
    add(all, "migration-bare", migration_to_json(bare), migration_again);
    add(all, "incoming", incoming_to_json(incoming), incoming_again);
    add(all, "incoming-bare", incoming_to_json(none), incoming_again);
    add(all, "offer", migration_offer_to_json(offer), offer_again);
}

static void add_drains(struct documents *all)
{
    CLEANUP(drain_freep) struct drain *drain = sample_drain();
    CLEANUP(drain_freep) struct drain *bare = xcalloc(1, sizeof(*bare));
    bare->parallel = 1;
    add(all, "drain", drain_to_json(drain), NULL);
    add(all, "drain-stored", drain_to_stored_json(drain), drain_again);
    add(all, "drain-bare", drain_to_stored_json(bare), drain_again);
    add_request(all, "drain-request",
                json_pack("{s:[{s:s, s:s, s:s}], s:b, s:i, s:s}", "to", "destination",
                          "qemu+ssh://host-b/system", "peer", "http://host-b:7770", "migrateUri",
                          "tcp://10.0.0.2", "stop", 1, "parallel", 2, "reason", "new memory"),
                drain_request_again);
}

static void add_observed(struct documents *all)
{
    struct gpu_record record = sample_record();
    struct gpu_record bare = {.addr = record.addr};
    struct event event = {.seq = 12, .time_us = SAMPLE_TIME_US};
    struct event none = {0};
    CLEANUP(host_freep) struct host *host = sample_host();
    CLEANUP(host_freep) struct host *unknown = host_new();
    STR_SET(event.kind, "claim-created");
    STR_SET(event.subject, "claim/web1");
    STR_SET(event.author, "ada");
    STR_SET(event.message, "claim \"web1\" was created");
    add(all, "gpu-record", gpu_record_to_json(&record), record_again);
    add(all, "gpu-record-bare", gpu_record_to_json(&bare), record_again);
    add(all, "cordon", cordon_to_json(&record.cordon), NULL);
    add(all, "quarantine", quarantine_to_json(&record.quarantine), NULL);
    add(all, "quarantine-none", quarantine_to_json(&bare.quarantine), NULL);
    add(all, "stuck", stuck_vfs_to_json(&record), NULL);
    add(all, "event", event_to_json(&event), NULL);
    add(all, "event-stored", event_to_stored_json(&event), event_again);
    add(all, "event-bare", event_to_json(&none), NULL);
    add(all, "host", host_to_json(host), NULL);
    add(all, "host-unknown", host_to_json(unknown), NULL);
    add(all, "gpu", gpu_to_json(&host->gpus.items[0]), NULL);
    add(all, "gpu-nothing", gpu_to_json(&host->gpus.items[1]), NULL);
    add(all, "gpu-unknown", gpu_to_json(&host->gpus.items[2]), NULL);
    add(all, "vm", vm_to_json(&host->vms.items[0]), NULL);
    add(all, "vm-bare", vm_to_json(&host->vms.items[1]), NULL);
}

struct documents documents_make(void)
{
    struct documents all = {0};
    add_claims(&all);
    add_plans(&all);
    add_migrations(&all);
    add_drains(&all);
    add_observed(&all);
    return all;
}

void documents_done(struct documents *all)
{
    for (vec_each(all, document)) {
        json_decref(document->json);
    }
    vec_done(all);
}
