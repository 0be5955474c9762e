/* SPDX-License-Identifier: Apache-2.0 */
#include "mhost.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/str.h"
#include "manager/manager.h"
#include "restore/restore_run.h"
#include "state/config.h"
#include "state/state.h"
#include "turn/queue.h"
#include "watch/looks.h"

#define TICK_US 200
#define PATIENCE_US 60000000 /* ends what hangs, on a machine with other work, too */
#define RESTORE_TIMEOUT_US 3000000

void mhost_furnish(struct fake_host *host)
{
    host->driver_load = 1;
    fake_host_add_gpu(host, 0x41, 0x20f1, 0x145f);
    struct fake_gpu *rtx = fake_host_add_gpu(host, 0x61, 0x2bb5, 0x204e);
    rtx->mig_timeslicing = true;
    rtx->fills = true;
    rtx->memory_slices = 12;
    struct fake_gpu *l40s = fake_host_add_gpu(host, 0x81, 0x26b9, 0x1851);
    l40s->mig_capable = false;
    fake_host_add_vm(host, "web1");
    fake_host_add_vm(host, "web2");
    fake_host_add_vm(host, "web3");
    fake_host_add_vm(host, "web4");
}

static void must(int result, const struct error *err, const char *what)
{
    if (result != 0) {
        fprintf(stderr, "memory host: %s: %s\n", what, err->message);
        abort();
    }
}

void mhost_data_load(struct mhost_data *data)
{
    struct error err = {0};
    must(catalog_load_default(&data->catalog, &err), &err, "catalog");
    must(rules_load_default(&data->rules, &err), &err, "rules");
}

void mhost_data_done(struct mhost_data *data)
{
    rules_free(data->rules);
    catalog_free(data->catalog);
}

void mhost_open(struct mhost *mhost, const struct mhost_data *data, struct fake_host *host,
                struct store *store)
{
    struct error err = {0};
    memset(mhost, 0, sizeof(*mhost));
    mhost->data = data;
    mhost->vm_grace_us = 60000000;
    mhost->host = host;
    must(evloop_new(&mhost->loop), &err, "event loop");
    struct ports fakes = fake_ports_new(host);
    mhost->fake_guest = fakes.guest;
    mhost->ports = faulty_ports_new(fakes, &mhost->faults);
    mhost->fake_watch = fake_guest_port_new(host);
    mhost->watch_guest = faulty_guest_new(mhost->fake_watch, &mhost->faults);
    mhost->store = faulty_store_new(store, &mhost->faults);
}

int mhost_start(struct mhost *mhost)
{
    struct manager_config config = {.loop = mhost->loop,
                                    .catalog = mhost->data->catalog,
                                    .rules = mhost->data->rules,
                                    .store = mhost->store,
                                    .ports = mhost->ports,
                                    .watch_guest = mhost->watch_guest,
                                    .vm_grace_us = mhost->vm_grace_us,
                                    .hook_deadline_us = mhost->hook_deadline_us,
                                    .restore_timeout_us = RESTORE_TIMEOUT_US};
    if (mhost->configure != NULL) {
        mhost->configure(mhost, &config);
    }
    return manager_new(&config, &mhost->manager, &mhost->start_err);
}

/* With its loop, as a process ends: timers that the manager set lead nowhere afterwards. */
void mhost_stop(struct mhost *mhost)
{
    struct error err = {0};
    manager_free(mhost->manager);
    mhost->manager = NULL;
    evloop_free(mhost->loop);
    mhost->loop = NULL;
    must(evloop_new(&mhost->loop), &err, "event loop");
}

void mhost_close(struct mhost *mhost)
{
    mhost_stop(mhost);
    ports_free(&mhost->ports);
    mhost->watch_guest->ops->free(mhost->watch_guest);
    mhost->store->ops->free(mhost->store);
    evloop_free(mhost->loop);
}

/* ---- waiting ---- */

struct watcher {
    struct mhost *mhost;
    struct evloop *loop;
    bool (*is_over)(void *data);
    void *data;
    uint64_t deadline_us;
    bool timed_out;
};

static void watch(void *data)
{
    struct watcher *watcher = data;
    if (watcher->mhost->tick != NULL) {
        watcher->mhost->tick(watcher->mhost);
    }
    bool over = watcher->is_over(watcher->data);
    watcher->timed_out = !over && clock_monotonic_us() > watcher->deadline_us;
    if (over || watcher->timed_out) {
        evloop_stop(watcher->loop, 0);
        return;
    }
    (void)evloop_after(watcher->loop, TICK_US, watch, watcher);
}

static bool wait_for(struct mhost *mhost, bool (*is_over)(void *data), void *data)
{
    struct watcher watcher = {.mhost = mhost,
                              .loop = mhost->loop,
                              .is_over = is_over,
                              .data = data,
                              .deadline_us = clock_monotonic_us() + PATIENCE_US};
    (void)evloop_after(mhost->loop, 0, watch, &watcher);
    (void)evloop_run(mhost->loop);
    return !watcher.timed_out;
}

static bool is_answered(void *data)
{
    return ((struct answer *)data)->there;
}

bool mhost_wait(struct mhost *mhost, struct answer *answer)
{
    return wait_for(mhost, is_answered, answer);
}

static bool is_stored(void *data)
{
    const struct manager *m = ((struct mhost *)data)->manager;
    bool wait = m->events_backoff.next_us != 0; /* until the store does not fail any more */
    return !ledger_is_busy(m->ledger) && (m->lone_events.n == 0 || wait);
}

bool mhost_wait_stored(struct mhost *mhost)
{
    return wait_for(mhost, is_stored, mhost);
}

static bool is_idle(void *data)
{
    const struct manager *m = ((struct mhost *)data)->manager;
    return is_stored(data) && !m->busy && queue_length(m) == 0 && m->parked.n == 0 &&
           !looks_under_way(m) && !restore_is_active(m->restore);
}

bool mhost_wait_until(struct mhost *mhost, bool (*is_over)(void *data), void *data)
{
    return wait_for(mhost, is_over, data);
}

bool mhost_settle(struct mhost *mhost)
{
    return wait_for(mhost, is_idle, mhost);
}

struct reach {
    struct mhost *mhost;
    unsigned calls;
};

static bool is_idle_or_reached(void *data)
{
    const struct reach *reach = data;
    return is_idle(reach->mhost) || reach->mhost->faults.calls >= reach->calls;
}

bool mhost_settle_or_reach(struct mhost *mhost, unsigned calls)
{
    struct reach reach = {mhost, calls};
    return wait_for(mhost, is_idle_or_reached, &reach);
}

/* ---- requests ---- */

void mhost_reply(json_t *body, const struct error *err, void *data)
{
    struct answer *answer = data;
    answer->there = true;
    answer->body = body;
    if (err != NULL) {
        answer->err = *err;
    }
}

void answer_done(struct answer *answer)
{
    json_decref(answer->body);
    answer->body = NULL;
}

static int finish(struct mhost *mhost, struct answer *own, struct answer *ret_answer)
{
    if (!mhost_wait(mhost, own)) {
        error_set(&own->err, REASON_INTERNAL, "memory host", "no answer");
    }
    int result = -(int)own->err.reason;
    if (ret_answer != NULL) {
        *ret_answer = *own;
    } else {
        answer_done(own);
    }
    return result;
}

void mhost_call(struct mhost *mhost, enum verb_id verb, const struct request *request)
{
    static const struct caller hook = {.author = "root", .roles = ROLES_ALL};
    static const struct caller tester = {.author = "tester", .roles = ROLES_CONNECTED};
    struct request full = *request;
    if (full.caller == NULL) {
        full.caller = verb == VERB_RUN_HOOK ? &hook : &tester;
    }
    if (full.reply == NULL) {
        full.reply = mhost_reply;
    }
    service_call(manager_service(mhost->manager), verb, &full);
}

static int request(struct mhost *mhost, enum verb_id verb, const char *text,
                   struct answer *ret_answer)
{
    struct answer answer = {0};
    CLEANUP_JSON json_t *body = NULL;
    int result = json_read(text, strlen(text), "test", &body, &answer.err);
    if (result != 0) {
        return result;
    }
    mhost_ask(mhost, verb, &answer, .json = body);
    return finish(mhost, &answer, ret_answer);
}

int mhost_create(struct mhost *mhost, const char *claim_json, struct answer *answer)
{
    return request(mhost, VERB_CREATE_CLAIM, claim_json, answer);
}

int mhost_apply(struct mhost *mhost, const char *site_json, struct answer *answer)
{
    return request(mhost, VERB_APPLY_SITE, site_json, answer);
}

int mhost_delete(struct mhost *mhost, const char *claim, struct answer *ret_answer)
{
    struct answer answer = {0};
    mhost_ask(mhost, VERB_DELETE_CLAIM, &answer, .target = claim);
    return finish(mhost, &answer, ret_answer);
}

int mhost_hook(struct mhost *mhost, const char *vm, const char *operation,
               struct answer *ret_answer)
{
    struct answer answer = {0};
    char xml[128];
    (void)snprintf(xml, sizeof(xml), "<domain><name>%s</name></domain>", vm);
    CLEANUP_JSON json_t *body =
        json_pack("{s:s, s:s, s:s}", "domain", vm, "operation", operation, "xml", xml);
    mhost_ask(mhost, VERB_RUN_HOOK, &answer, .json = body);
    return finish(mhost, &answer, ret_answer);
}

const char *mhost_claim_state(struct mhost *mhost, const char *claim)
{
    const struct claim *found = claims_find(&mhost->manager->claims, claim);
    return found == NULL ? "" : claim_state_name(found->state);
}

const char *answer_text(const struct answer *answer, const char *path)
{
    const json_t *json = answer->body;
    while (json != NULL) {
        char key[64];
        const char *dot = strchr(path, '.');
        size_t len = dot == NULL ? strlen(path) : (size_t)(dot - path);
        if (len >= sizeof(key)) {
            return NULL;
        }
        memcpy(key, path, len);
        key[len] = '\0';
        json = json_object_get(json, key);
        if (dot == NULL) {
            return json_string_value(json);
        }
        path = dot + 1;
    }
    return NULL;
}

/* ---- soundness ---- */

static struct fake_vf *vf_of(struct fake_host *host, const struct claim *claim)
{
    struct fake_gpu *gpu = fake_host_gpu(host, &claim->assigned.gpu);
    unsigned function = claim->assigned.device.device * 8U + claim->assigned.device.function;
    return gpu == NULL || function < FAKE_VF_OFFSET || function >= FAKE_VF_OFFSET + FAKE_VFS
               ? NULL
               : &gpu->vfs[function - FAKE_VF_OFFSET];
}

/* What the claim holds, or else what is named for it, is in its VM's definition. */
static bool vm_has(struct fake_host *host, const struct claim *claim)
{
    const struct fake_vm *vm = fake_host_vm(host, claim->vm);
    struct claim_device own = {0};
    for (uint32_t i = 0; vm != NULL && claim_device(claim, &own) && i < vm->n_devices; i++) {
        if (pci_addr_cmp(&vm->devices[i], &own.device) == 0) {
            return true;
        }
    }
    return vm == NULL; /* one that is gone has no definition */
}

static bool has_gi(struct fake_host *host, const struct claim *claim)
{
    const struct fake_gpu *gpu = fake_host_gpu(host, &claim->assigned.gpu);
    for (size_t i = 0; gpu != NULL && i < FAKE_GIS; i++) {
        const struct fake_gi *gi = &gpu->gis[i];
        if (gi->used && gi->id == claim->assigned.gi_id && gi->start == claim->assigned.start &&
            str_eq(gi->profile, claim->assigned.profile)) {
            return true;
        }
    }
    return false;
}

/* NULL, or how the device that a bound claim holds is not what it should be. */
static const char *check_device(struct fake_host *host, const struct claim *claim)
{
    const struct fake_gpu *gpu = fake_host_gpu(host, &claim->assigned.gpu);
    if (claim->assigned.profile[0] != '\0' && !has_gi(host, claim)) {
        return "is bound to a GPU instance that is not there";
    }
    if (claim->spec.mode == CLAIM_PASSTHROUGH) {
        return str_eq(gpu->driver, "vfio-pci") ? NULL : "lost its GPU";
    }
    if (claim->spec.mode == CLAIM_GPU_INSTANCE) {
        return NULL;
    }
    const struct fake_vf *vf = vf_of(host, claim);
    if (vf == NULL || !str_eq(vf->type, claim->spec.type)) {
        return "is bound to a vGPU that is not there";
    }
    char why[ERROR_TEXT_SIZE];
    const struct vgpu_params wanted = claim_params(claim);
    return vgpu_params_serve(&wanted, vf->params, why, sizeof(why))
               ? NULL
               : "is bound to a vGPU with other parameters";
}

static const char *check_claim(const struct mhost *mhost, const struct claim *claim)
{
    if (claim->state == CLAIM_BINDING || claim->state == CLAIM_RELEASING) {
        return "is between two states";
    }
    const char *wrong = NULL;
    if (claim->state == CLAIM_FAILED) {
        return claim->assigned.set         ? "failed and holds something"
               : claim->problem[0] == '\0' ? "failed and does not say why"
                                           : NULL;
    }
    if (claim->state == CLAIM_BOUND && !mhost->forgetful) {
        wrong = check_device(mhost->host, claim);
    }
    bool bare = claim->spec.mode == CLAIM_GPU_INSTANCE;
    return wrong != NULL || bare || vm_has(mhost->host, claim) ? wrong
                                                               : "is not in its VM's definition";
}

/* Two claims that hold the same device, or a whole GPU and a part of it. */
static const char *check_pairs(const struct claims *claims)
{
    for (vec_each(claims, one)) {
        for (vec_each(claims, other)) {
            if (one == other || !one->assigned.set || !other->assigned.set ||
                pci_addr_cmp(&one->assigned.gpu, &other->assigned.gpu) != 0) {
                continue;
            }
            bool whole = one->spec.mode == CLAIM_PASSTHROUGH;
            bool bare =
                one->spec.mode == CLAIM_GPU_INSTANCE && other->spec.mode == CLAIM_GPU_INSTANCE;
            bool same = bare ? one->assigned.start == other->assigned.start
                             : pci_addr_cmp(&one->assigned.device, &other->assigned.device) == 0;
            bool alone =
                one->spec.mode == CLAIM_MIG_BACKED && other->assigned.start == one->assigned.start;
            if (whole || same || alone) {
                return one->name;
            }
        }
    }
    return NULL;
}

static uint32_t count_devices(const struct fake_host *host)
{
    uint32_t n = 0;
    for (size_t i = 0; i < FAKE_VMS; i++) {
        n += host->vms[i].n_devices;
    }
    return n;
}

struct counts {
    uint32_t vgpus, devices, instances;
};

static void count_claim(const struct mhost *mhost, const struct claim *claim, struct counts *counts)
{
    bool bare = claim->spec.mode == CLAIM_GPU_INSTANCE;
    struct claim_device own = {0};
    counts->devices += !bare && fake_host_vm(mhost->host, claim->vm) != NULL &&
                       claim->state != CLAIM_FAILED && claim_device(claim, &own);
    if (claim->state != CLAIM_BOUND) {
        return;
    }
    counts->instances += claim->assigned.profile[0] != '\0';
    counts->vgpus +=
        !bare && claim->spec.mode != CLAIM_PASSTHROUGH && check_device(mhost->host, claim) == NULL;
}

static bool counts_agree(const struct mhost *mhost, const struct counts *claimed, char *why,
                         size_t size)
{
    uint32_t vgpus = fake_host_count_vgpus(mhost->host);
    uint32_t gis = fake_host_count_gis(mhost->host);
    if (vgpus != claimed->vgpus) {
        snprintf(why, size, "%u vGPUs exist, %u are claimed", vgpus, claimed->vgpus);
        return false;
    }
    if (count_devices(mhost->host) != claimed->devices) {
        snprintf(why, size, "VMs have %u devices, %u are claimed", count_devices(mhost->host),
                 claimed->devices);
        return false;
    }
    /* Several claims may share one instance. */
    if (gis > claimed->instances) {
        snprintf(why, size, "%u GPU instances exist, at most %u are claimed", gis,
                 claimed->instances);
        return false;
    }
    return true;
}

bool mhost_is_sound(struct mhost *mhost, char *why, size_t size)
{
    struct counts counts = {0};
    for (vec_each(&mhost->manager->claims, claim)) {
        const char *wrong = check_claim(mhost, claim);
        if (wrong != NULL) {
            snprintf(why, size, "claim %s (%s) %s", claim->name, claim_state_name(claim->state),
                     wrong);
            return false;
        }
        count_claim(mhost, claim, &counts);
    }
    const char *twice = check_pairs(&mhost->manager->claims);
    if (twice != NULL) {
        snprintf(why, size, "what claim %s holds is assigned twice", twice);
        return false;
    }
    return counts_agree(mhost, &counts, why, size) && mhost_holds_agree(mhost, why, size);
}

static const char *check_on_demand(struct fake_host *host, const struct claim *claim)
{
    const struct fake_vm *vm = fake_host_vm(host, claim->vm);
    bool on = vm != NULL && vm->running;
    if (claim->spec.hold != CLAIM_ON_DEMAND || claim->state == CLAIM_FAILED) {
        return NULL;
    }
    if (on != (claim->state == CLAIM_BOUND)) {
        return on ? "is on-demand and holds nothing while its VM is on"
                  : "is on-demand and not pending while its VM is off";
    }
    return NULL;
}

bool mhost_power_agrees(struct mhost *mhost, char *why, size_t size)
{
    for (vec_each(&mhost->manager->claims, claim)) {
        const char *wrong = check_on_demand(mhost->host, claim);
        if (wrong != NULL) {
            snprintf(why, size, "claim %s (%s) %s", claim->name, claim_state_name(claim->state),
                     wrong);
            return false;
        }
    }
    return true;
}
