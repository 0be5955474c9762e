/* SPDX-License-Identifier: Apache-2.0 */
#include "fake_manager.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/stopping.h"
#include "base/str.h"
#include "fake_bodies.h"

#define MAX_CLAIMS 64

/* 2026-01-02T03:04:05Z: golden files want a clock that stands still. */
#define FAKE_NOW_US UINT64_C(1767323045000000)

struct manager {
    struct evloop *loop;
    struct host *host;
    struct claim claims[MAX_CLAIMS];
    size_t n_claims;
    struct plan *plan; /* the latest */
    struct event events[3];
    struct later *later;
};

/* A reply on its way. */
struct later {
    struct manager *manager;
    struct later *next;
    manager_reply_fn *reply;
    void *data;
    json_t *body;
};

static void reply_now(void *data)
{
    struct later *later = data;
    struct later **link = &later->manager->later;
    while (*link != later) {
        link = &(*link)->next;
    }
    *link = later->next;
    later->reply(later->body, NULL, later->data);
    free(later);
}

/* Answers on the loop's next turn, as the real manager does when a worker was asked. */
static void reply_later(struct manager *m, json_t *body, manager_reply_fn *reply, void *data)
{
    struct later *later = xcalloc(1, sizeof(*later));
    *later =
        (struct later){.manager = m, .next = m->later, .reply = reply, .data = data, .body = body};
    m->later = later;
    evloop_after(m->loop, 1000, reply_now, later);
}

static void reply_not_found(const char *what, const char *name, manager_reply_fn *reply, void *data)
{
    struct error err = {0};
    char subject[128];
    snprintf(subject, sizeof(subject), "%s/%s", what, name);
    error_set(&err, REASON_NOT_FOUND, subject, "there is no %s \"%s\"", what, name);
    error_hint(&err, "\"cleave %s list\" shows them", what);
    reply(NULL, &err, data);
}

static struct claim *find_claim(struct manager *m, const char *name)
{
    for (size_t i = 0; i < m->n_claims; i++) {
        if (str_eq(m->claims[i].name, name)) {
            return &m->claims[i];
        }
    }
    return NULL;
}

static struct event event_make(uint64_t seq, const char *kind, const char *subject,
                               const char *message)
{
    struct event event = {.seq = seq, .time_us = FAKE_NOW_US, .author = "root"};
    STR_SET(event.kind, kind);
    STR_SET(event.subject, subject);
    STR_SET(event.message, message);
    return event;
}

struct manager *fake_manager_new(struct evloop *loop)
{
    struct manager *m = xcalloc(1, sizeof(*m));
    m->loop = loop;
    m->host = fake_host();
    m->events[0] = event_make(1, "host-observed", "host", "2 GPUs, 2 VMs");
    m->events[1] = event_make(2, "gpu-changed", "gpu/0000:41:00.0", "mode idle is now mig");
    m->events[2] = event_make(3, "claim-bound", "claim/old", "got DC-1-8C on 0000:41:00.2");
    return m;
}

void fake_manager_free(struct manager *m)
{
    while (m->later != NULL) {
        struct later *later = m->later;
        m->later = later->next;
        struct error err = {0};
        error_set(&err, REASON_UNAVAILABLE, STOPPING_SUBJECT, "cleaved is stopping");
        later->reply(NULL, &err, later->data);
        json_decref(later->body);
        free(later);
    }
    host_free(m->host);
    plan_free(m->plan);
    free(m);
}

/* ---- reading ---- */

void manager_get_health(struct manager *m, manager_reply_fn *reply, void *data)
{
    (void)m;
    reply(json_pack("{s:s, s:s, s:[], s:n, s:i, s:n}", "status", "ok", "version", CLEAVE_VERSION,
                    "problems", "turn", "waiting", 0, "observedAt"),
          NULL, data);
}

void manager_get_host(struct manager *m, manager_reply_fn *reply, void *data)
{
    json_t *body = host_to_json(m->host);
    json_object_set_new(body, "heldClaims", json_array());
    json_object_set_new(body, "intruders", json_array());
    json_object_set_new(body, "hook", json_pack("{s:s, s:n, s:n}", "state", "unknown", "vm", "at"));
    reply_later(m, body, reply, data);
}

static json_t *fake_restore(const char *state)
{
    return json_pack("{s:s, s:n, s:n, s:[{s:s, s:n, s:s, s:i, s:n, s:[{s:s, s:s, s:n, s:n}], s:n, "
                     "s:n}], s:[], s:[], s:[{s:s, s:n, s:s, s:s, s:s}]}",
                     "state", state, "startedAt", "finishedAt", "gpus", "gpu", "0000:41:00.0",
                     "uuid", "state", "restored", "attempts", 0, "plan", "claims", "name", "web1",
                     "state", "restored", "problem", "hint", "problem", "hint", "absent", "plans",
                     "definitions", "vm", "web1", "claim", "device", "0000:26:00.0", "problem",
                     "its definition names it", "hint", "virsh edit web1");
}

void manager_restore_host(struct manager *m, const struct caller *caller, const json_t *body,
                          bool dry_run, manager_reply_fn *reply, void *data)
{
    (void)caller;
    (void)body;
    reply_later(m, fake_restore(dry_run ? "planned" : "done"), reply, data);
}

void manager_get_restore(struct manager *m, manager_reply_fn *reply, void *data)
{
    reply_later(m, fake_restore("done"), reply, data);
}

void manager_list_gpus(struct manager *m, manager_reply_fn *reply, void *data)
{
    json_t *list = json_array();
    for (vec_each(&m->host->gpus, gpu)) {
        json_array_append_new(list, gpu_to_json(gpu));
    }
    reply_later(m, json_pack("{s:o}", "gpus", list), reply, data);
}

void manager_get_gpu(struct manager *m, const char *gpu, manager_reply_fn *reply, void *data)
{
    const struct gpu *found = host_find_gpu(m->host, gpu);
    if (found == NULL) {
        reply_not_found("gpu", gpu, reply, data);
        return;
    }
    reply(gpu_to_json(found), NULL, data);
}

void manager_list_profiles(struct manager *m, const char *gpu, manager_reply_fn *reply, void *data)
{
    if (gpu != NULL && host_find_gpu(m->host, gpu) == NULL) {
        reply_not_found("gpu", gpu, reply, data);
        return;
    }
    reply(fake_profiles(gpu == NULL ? NULL : host_find_gpu(m->host, gpu)), NULL, data);
}

void manager_list_claims(struct manager *m, manager_reply_fn *reply, void *data)
{
    json_t *list = json_array();
    for (size_t i = 0; i < m->n_claims; i++) {
        json_array_append_new(list, claim_to_json(&m->claims[i]));
    }
    reply(json_pack("{s:o}", "claims", list), NULL, data);
}

void manager_get_claim(struct manager *m, const char *name, manager_reply_fn *reply, void *data)
{
    const struct claim *claim = find_claim(m, name);
    if (claim == NULL) {
        reply_not_found("claim", name, reply, data);
        return;
    }
    reply(claim_to_json(claim), NULL, data);
}

void manager_list_plans(struct manager *m, manager_reply_fn *reply, void *data)
{
    json_t *list = json_array();
    if (m->plan != NULL) {
        json_array_append_new(list, plan_to_json(m->plan));
    }
    reply(json_pack("{s:o}", "plans", list), NULL, data);
}

/* One step is done at each poll. */
static void plan_advance(struct manager *m)
{
    for (vec_each(&m->plan->steps, step)) {
        if (step->state != STEP_DONE) {
            step->state = STEP_DONE;
            return;
        }
    }
    m->plan->state = PLAN_DONE;
    m->plan->finished_us = FAKE_NOW_US + 1500000;
    for (size_t i = 0; i < m->n_claims; i++) {
        m->claims[i].state = CLAIM_BOUND;
    }
}

void manager_get_plan(struct manager *m, const char *id, manager_reply_fn *reply, void *data)
{
    if (m->plan == NULL || !str_eq(m->plan->id, id)) {
        reply_not_found("plan", id, reply, data);
        return;
    }
    plan_advance(m);
    reply_later(m, plan_to_json(m->plan), reply, data);
}

void manager_list_vms(struct manager *m, manager_reply_fn *reply, void *data)
{
    json_t *list = json_array();
    for (vec_each(&m->host->vms, vm)) {
        json_array_append_new(list, vm_to_json(vm));
    }
    reply(json_pack("{s:o}", "vms", list), NULL, data);
}

void manager_list_events(struct manager *m, uint64_t after, size_t max, manager_reply_fn *reply,
                         void *data)
{
    json_t *list = json_array();
    for (size_t i = 0; i < ARRAY_SIZE(m->events); i++) {
        if (m->events[i].seq > after && json_array_size(list) < max) {
            json_array_append_new(list, event_to_json(&m->events[i]));
        }
    }
    reply(json_pack("{s:o}", "events", list), NULL, data);
}

void manager_list_rules(struct manager *m UNUSED, manager_reply_fn *reply, void *data)
{
    reply(fake_rules(), NULL, data);
}

void manager_run_hook(struct manager *m UNUSED, const struct caller *caller UNUSED,
                      const json_t *body UNUSED, manager_reply_fn *reply, void *data)
{
    reply(json_pack("{s:s}", "answer", "allow"), NULL, data);
}

void manager_list_garbage(struct manager *m UNUSED, manager_reply_fn *reply, void *data)
{
    reply(json_pack("{s:[], s:[]}", "garbage", "kept"), NULL, data);
}

/* ---- changing ---- */

static json_t *change_body(const struct plan *plan, const struct claim *claim)
{
    json_t *claims = json_array();
    if (claim != NULL) {
        json_array_append_new(claims, claim_to_json(claim));
    }
    return json_pack("{s:o, s:o}", "plan", plan_to_json(plan), "claims", claims);
}

static struct plan *plan_for(const struct caller *caller, const char *reason)
{
    struct plan *plan = fake_plan(reason);
    STR_SET(plan->author, caller->author);
    plan->created_us = FAKE_NOW_US;
    return plan;
}

static void reply_change(struct manager *m, struct plan *plan, const struct claim *claim,
                         bool dry_run, manager_reply_fn *reply, void *data)
{
    CLEANUP(plan_freep) struct plan *owned = plan;
    owned->state = dry_run ? PLAN_PLANNED : PLAN_RUNNING;
    reply_later(m, change_body(owned, claim), reply, data);
    if (!dry_run) {
        plan_free(m->plan);
        m->plan = TAKE_PTR(owned);
    }
}

void manager_collect_garbage(struct manager *m, const struct caller *caller, bool dry_run,
                             manager_reply_fn *reply, void *data)
{
    reply_change(m, plan_for(caller, "gc"), NULL, dry_run, reply, data);
}

void manager_set_gpu_mode(struct manager *m, const struct caller *caller, const char *gpu,
                          const json_t *body, bool dry_run, manager_reply_fn *reply, void *data)
{
    struct error err = {0};
    struct reader r;
    reader_init(&r, body, "request body", "", &err);
    (void)reader_word(&r, "mode", &gpu_mode_words);
    if (reader_end(&r) != 0) {
        reply(NULL, &err, data);
        return;
    }
    if (host_find_gpu(m->host, gpu) == NULL) {
        reply_not_found("gpu", gpu, reply, data);
        return;
    }
    reply_change(m, plan_for(caller, "gpu mode"), NULL, dry_run, reply, data);
}

void manager_set_gpu_scheduler(struct manager *m, const struct caller *caller, const char *gpu,
                               const json_t *body, bool dry_run, manager_reply_fn *reply,
                               void *data)
{
    (void)body;
    if (host_find_gpu(m->host, gpu) == NULL) {
        reply_not_found("gpu", gpu, reply, data);
        return;
    }
    reply_change(m, plan_for(caller, "gpu scheduler"), NULL, dry_run, reply, data);
}

static void reply_gpu_found(struct manager *m, const char *gpu, manager_reply_fn *reply, void *data)
{
    if (host_find_gpu(m->host, gpu) == NULL) {
        reply_not_found("gpu", gpu, reply, data);
        return;
    }
    reply(gpu_to_json(host_find_gpu(m->host, gpu)), NULL, data);
}

void manager_cordon_gpu(struct manager *m, const struct caller *caller, const char *gpu,
                        const json_t *body, bool dry_run, manager_reply_fn *reply, void *data)
{
    (void)caller;
    (void)body;
    (void)dry_run;
    reply_gpu_found(m, gpu, reply, data);
}

void manager_uncordon_gpu(struct manager *m, const struct caller *caller, const char *gpu,
                          bool dry_run, manager_reply_fn *reply, void *data)
{
    (void)caller;
    (void)dry_run;
    reply_gpu_found(m, gpu, reply, data);
}

void manager_recover_gpu(struct manager *m, const struct caller *caller, const char *gpu,
                         bool dry_run, manager_reply_fn *reply, void *data)
{
    if (host_find_gpu(m->host, gpu) == NULL) {
        reply_not_found("gpu", gpu, reply, data);
        return;
    }
    reply_change(m, plan_for(caller, "gpu recover"), NULL, dry_run, reply, data);
}

/* A Windows guest stands for every rule. */
static int admit(const struct claim *claim, struct error *err)
{
    if (claim->spec.guest == GUEST_WINDOWS) {
        error_set(err, REASON_RULE, "claim/windows", "a MIG-backed vGPU can't serve Windows");
        error_hint(err, "use a time-sliced type");
        STR_SET(err->rule, "mig-vgpu-not-for-windows-on-h100");
        return -REASON_RULE;
    }
    return 0;
}

static void begin_claim(struct claim *claim, const struct caller *caller, bool dry_run)
{
    STR_SET(claim->author, caller->author);
    claim->created_us = FAKE_NOW_US;
    claim->version = 1;
    claim->state = dry_run ? CLAIM_PENDING : CLAIM_BINDING;
    fake_assign(claim);
}

void manager_create_claim(struct manager *m, const struct caller *caller, const json_t *body,
                          bool dry_run, manager_reply_fn *reply, void *data)
{
    struct claim claim;
    struct error err = {0};
    if (claim_from_json(body, "request body", "", &claim, &err) != 0 || admit(&claim, &err) != 0) {
        reply(NULL, &err, data);
        return;
    }
    if (find_claim(m, claim.name) != NULL || m->n_claims == MAX_CLAIMS) {
        error_set(&err, REASON_CONFLICT, claim.name, "claim \"%s\" exists already", claim.name);
        reply(NULL, &err, data);
        return;
    }
    begin_claim(&claim, caller, dry_run);
    if (!dry_run) {
        m->claims[m->n_claims++] = claim;
    }
    reply_change(m, plan_for(caller, "claim create"), &claim, dry_run, reply, data);
}

void manager_list_released(struct manager *m, manager_reply_fn *reply, void *data)
{
    (void)m;
    reply(json_pack("{s:[]}", "released"), NULL, data);
}

/* Any name was released once. */
void manager_restore_claim(struct manager *m, const struct caller *caller, const char *name,
                           bool dry_run, manager_reply_fn *reply, void *data)
{
    json_t *wanted = json_pack("{s:s, s:s}", "name", name, "type", "L40S-8Q");
    struct claim claim;
    int result = claim_from_json(wanted, "released claim", "", &claim, NULL);
    json_decref(wanted);
    if (result != 0) {
        reply_not_found("claim", name, reply, data);
        return;
    }
    begin_claim(&claim, caller, dry_run);
    reply_change(m, plan_for(caller, "claim restore"), &claim, dry_run, reply, data);
}

void manager_delete_claim(struct manager *m, const struct caller *caller, const char *name,
                          bool dry_run, manager_reply_fn *reply, void *data)
{
    struct claim *claim = find_claim(m, name);
    if (claim == NULL) {
        reply_not_found("claim", name, reply, data);
        return;
    }
    struct claim gone = *claim;
    gone.state = CLAIM_RELEASING;
    if (!dry_run) {
        *claim = m->claims[--m->n_claims];
    }
    reply_change(m, plan_for(caller, "claim delete"), &gone, dry_run, reply, data);
}

void manager_foresee_delete(struct manager *m, const struct caller *caller, const char *name,
                            const char *behind UNUSED, manager_reply_fn *reply, void *data)
{
    manager_delete_claim(m, caller, name, true, reply, data);
}

void manager_apply_site(struct manager *m, const struct caller *caller, const json_t *body,
                        bool dry_run, manager_reply_fn *reply, void *data)
{
    struct error err = {0};
    struct reader r;
    reader_init(&r, body, "request body", "", &err);
    reader_str(&r, "name", NAME_SIZE - 1);
    reader_array(&r, "claims", MAX_CLAIMS);
    if (reader_end(&r) != 0) {
        reply(NULL, &err, data);
        return;
    }
    reply_change(m, plan_for(caller, "apply"), NULL, dry_run, reply, data);
}

static void reply_vm(struct manager *m, const char *name, manager_reply_fn *reply, void *data)
{
    const struct vm *vm = host_find_vm(m->host, name);
    if (vm == NULL) {
        reply_not_found("vm", name, reply, data);
        return;
    }
    reply_later(m, json_pack("{s:o}", "vm", vm_to_json(vm)), reply, data);
}

void manager_create_vm(struct manager *m, const struct caller *caller UNUSED, const json_t *body,
                       bool dry_run, manager_reply_fn *reply, void *data)
{
    struct error err = {0};
    struct reader r;
    reader_init(&r, body, "request body", "", &err);
    const char *name = reader_str(&r, "name", VM_NAME_SIZE - 1);
    reader_str(&r, "template", INPUT_MAX_BYTES);
    if (reader_end(&r) != 0) {
        reply(NULL, &err, data);
        return;
    }
    struct vm made = {.state = VM_SHUT_OFF, .vcpus = 1, .mem_kib = 262144};
    STR_SET(made.name, name);
    if (!dry_run) {
        *vec_push(&m->host->vms) = made;
    }
    reply(json_pack("{s:o}", "vm", vm_to_json(&made)), NULL, data);
}

void manager_start_vm(struct manager *m, const struct caller *caller UNUSED, const char *vm,
                      bool dry_run UNUSED, manager_reply_fn *reply, void *data)
{
    reply_vm(m, vm, reply, data);
}

void manager_foresee_start(struct manager *m, const struct caller *caller, const char *vm,
                           const char *behind UNUSED, manager_reply_fn *reply, void *data)
{
    manager_start_vm(m, caller, vm, true, reply, data);
}

void manager_lint_vm(struct manager *m, const char *vm, manager_reply_fn *reply, void *data)
{
    if (host_find_vm(m->host, vm) == NULL) {
        reply_not_found("vm", vm, reply, data);
        return;
    }
    json_t *finding = json_pack("{s:s, s:s, s:i, s:s, s:s, s:s, s:s, s:s}", "rule", "managed-vgpu",
                                "severity", "error", "line", 7, "element", "hostdev", "message",
                                "0000:41:00.4 carries a vGPU, and is managed='yes'", "why",
                                "libvirt takes the function from the vendor's driver", "source",
                                "harvester/harvester#10026", "advice", "write managed='no'");
    reply(json_pack("{s:s, s:[o], s:i, s:i, s:i}", "vm", vm, "findings", finding, "errors", 1,
                    "warnings", 0, "notes", 0),
          NULL, data);
}

void manager_stop_vm(struct manager *m, const struct caller *caller UNUSED, const char *vm,
                     const json_t *body UNUSED, bool dry_run UNUSED, manager_reply_fn *reply,
                     void *data)
{
    reply_vm(m, vm, reply, data);
}

void manager_delete_vm(struct manager *m, const struct caller *caller UNUSED, const char *vm,
                       bool dry_run UNUSED, manager_reply_fn *reply, void *data)
{
    reply_vm(m, vm, reply, data);
}
