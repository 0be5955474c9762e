/* SPDX-License-Identifier: Apache-2.0 */
#include "fake_door.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/stopping.h"
#include "base/str.h"
#include "feed/feed.h"
#include "model/body.h"

#define LATER_US 1000

/* Stands in for the manager: the door only passes it on. */
struct manager {
    struct evloop *loop;
    json_t *claims, *vms; /* lists */
    json_t *plan;         /* the latest; NULL: none */
    struct later *later;
};

struct fake_door {
    struct manager manager;
    struct feed_source source;
    verb_fn *functions[VERB_COUNT];
    struct service service;
};

/* Read once: a fuzzer makes many doors. */
static const json_t *the_answers(void)
{
    static json_t *answers;
    struct error err = {0};
    if (answers == NULL &&
        json_read_file(SOURCE_ROOT "/test/lib/fake_answers.yaml", &answers, &err) != 0) {
        fprintf(stderr, "%s\n", err.message);
        abort();
    }
    return answers;
}

/* A copy. */
static json_t *made_up(const char *key)
{
    return json_deep_copy(json_object_get(the_answers(), key));
}

static json_t *answer_of(const char *verb)
{
    return json_deep_copy(json_object_get(json_object_get(the_answers(), "answers"), verb));
}

static const char *text(const json_t *object, const char *key)
{
    const char *found = json_string_value(json_object_get(object, key));
    return found == NULL ? "" : found;
}

/* ---- answers ---- */

/* A reply on its way, as the real manager's when a worker was asked. */
struct later {
    struct manager *manager;
    struct later *next;
    struct request request;
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
    request_answer(&later->request, later->body);
    free(later);
}

static void answer_later(struct manager *m, const struct request *request, json_t *body)
{
    struct later *later = xcalloc(1, sizeof(*later));
    *later = (struct later){.manager = m, .next = m->later, .request = *request, .body = body};
    m->later = later;
    evloop_after(m->loop, LATER_US, reply_now, later);
}

static void refuse_unknown(const struct request *request, const char *what, const char *name)
{
    struct error err = {0};
    error_set(&err, REASON_NOT_FOUND, SUBJECT(what, name), "there is no %s \"%s\"", what, name);
    error_hint(&err, "\"cleave %s list\" shows them", what);
    request_refuse(request, &err);
}

/* The entry of that name in a list, borrowed; NULL: none. */
static json_t *find_named(const json_t *list, const char *key, const char *name)
{
    for (size_t i = 0; i < json_array_size(list); i++) {
        json_t *entry = json_array_get(list, i);
        if (str_eq(text(entry, key), name)) {
            return entry;
        }
    }
    return NULL;
}

/* `claim` may be NULL; it is stolen. */
static void answer_change(struct manager *m, const struct request *request, json_t *claim)
{
    json_t *plan = made_up("plan");
    json_object_set_new(plan, "author", json_string(request->caller->author));
    json_object_set_new(plan, "state", json_string(request->dry_run ? "planned" : "running"));
    json_object_set(
        plan, "reason",
        json_object_get(json_object_get(the_answers(), "reasons"), verb_of(request->verb)->name));
    json_t *claims = json_array();
    if (claim != NULL) {
        json_array_append_new(claims, claim);
    }
    answer_later(m, request,
                 json_pack("{s:o, s:o}", "plan", json_deep_copy(plan), "claims", claims));
    if (request->dry_run) {
        json_decref(plan);
        return;
    }
    json_decref(m->plan);
    m->plan = plan;
}

/* What has one answer. */
static void answer(struct manager *m, const struct request *request)
{
    enum verb_id id = request->verb;
    json_t *body = answer_of(verb_of(id)->name);
    if (id == VERB_GET_HOST || id == VERB_LIST_GPUS || id == VERB_GET_RESTORE) {
        answer_later(m, request, body);
    } else {
        request_answer(request, body);
    }
}

static void restore_host(struct manager *m, const struct request *request)
{
    json_t *body = answer_of("getRestore");
    json_object_set_new(body, "state", json_string(request->dry_run ? "planned" : "done"));
    answer_later(m, request, body);
}

static void end_drain(struct manager *m UNUSED, const struct request *request)
{
    request_answer(request, answer_of("getDrain"));
}

static void list_events(struct manager *m UNUSED, const struct request *request)
{
    json_t *body = answer_of("listEvents");
    json_t *events = json_object_get(body, "events");
    while (json_array_size(events) > 0 &&
           (uint64_t)json_integer_value(json_object_get(json_array_get(events, 0), "seq")) <=
               request->after) {
        json_array_remove(events, 0);
    }
    while (json_array_size(events) > request->limit) {
        json_array_remove(events, request->limit);
    }
    request_answer(request, body);
}

/* A change that is like any other. */
static void change(struct manager *m, const struct request *request)
{
    answer_change(m, request, NULL);
}

/* ---- GPUs ---- */

/* By index or address; NULL: there is none. Owned. */
static json_t *find_gpu(const char *name, size_t *ret_i)
{
    CLEANUP_JSON json_t *body = answer_of("listGpus");
    const json_t *gpus = json_object_get(body, "gpus");
    for (size_t i = 0; i < json_array_size(gpus); i++) {
        json_t *gpu = json_array_get(gpus, i);
        char index[2] = {(char)('0' + i), '\0'};
        if (str_eq(name, index) || str_eq(name, text(gpu, "address"))) {
            *ret_i = i;
            return json_incref(gpu);
        }
    }
    return NULL;
}

static void get_gpu(struct manager *m UNUSED, const struct request *request)
{
    size_t i = 0;
    json_t *gpu = find_gpu(request->target, &i);
    if (gpu == NULL) {
        refuse_unknown(request, "gpu", request->target);
        return;
    }
    request_answer(request, gpu);
}

static void list_profiles(struct manager *m, const struct request *request)
{
    size_t i = 0;
    CLEANUP_JSON json_t *gpu = request->gpu == NULL ? NULL : find_gpu(request->gpu, &i);
    if (request->gpu == NULL) {
        answer(m, request);
    } else if (gpu == NULL) {
        refuse_unknown(request, "gpu", request->gpu);
    } else {
        CLEANUP_JSON json_t *all = made_up("profilesOfGpus");
        request_answer(request, json_incref(json_array_get(all, i)));
    }
}

/* ---- changes ---- */

static void change_gpu(struct manager *m, const struct request *request)
{
    size_t i = 0;
    CLEANUP_JSON json_t *gpu = find_gpu(request->target, &i);
    if (gpu == NULL) {
        refuse_unknown(request, "gpu", request->target);
        return;
    }
    answer_change(m, request, NULL);
}

static void list_plans(struct manager *m, const struct request *request)
{
    json_t *plans = json_array();
    if (m->plan != NULL) {
        json_array_append(plans, m->plan);
    }
    CLEANUP_JSON json_t *body = json_pack("{s:o}", "plans", plans);
    request_answer(request, json_deep_copy(body));
}

/* One step is done each time. */
static void advance_plan(struct manager *m)
{
    json_t *steps = json_object_get(m->plan, "steps");
    for (size_t i = 0; i < json_array_size(steps); i++) {
        json_t *step = json_array_get(steps, i);
        if (!str_eq(text(step, "state"), "done")) {
            json_object_set_new(step, "state", json_string("done"));
            return;
        }
    }
    json_object_update_new(m->plan, made_up("planEnd"));
    for (size_t i = 0; i < json_array_size(m->claims); i++) {
        json_object_set_new(json_array_get(m->claims, i), "state", json_string("bound"));
    }
}

static void get_plan(struct manager *m, const struct request *request)
{
    if (!str_eq(text(m->plan, "id"), request->target)) {
        refuse_unknown(request, "plan", request->target);
        return;
    }
    advance_plan(m);
    answer_later(m, request, json_deep_copy(m->plan));
}

/* ---- claims ---- */

static void list_claims(struct manager *m, const struct request *request)
{
    request_answer(request, json_pack("{s:o}", "claims", json_deep_copy(m->claims)));
}

static void get_claim(struct manager *m, const struct request *request)
{
    json_t *claim = find_named(m->claims, "name", request->target);
    if (claim == NULL) {
        refuse_unknown(request, "claim", request->target);
        return;
    }
    request_answer(request, json_deep_copy(claim));
}

/* A Windows guest stands for every rule. */
static int check_claim(const struct manager *m, const struct claim *claim, struct error *err)
{
    if (claim->spec.guest == GUEST_WINDOWS) {
        error_set(err, REASON_RULE, "claim/windows", "a MIG-backed vGPU can't serve Windows");
        error_hint(err, "use a time-sliced type");
        STR_SET(err->rule, "mig-vgpu-not-for-windows-on-h100");
        return -REASON_RULE;
    }
    if (find_named(m->claims, "name", claim->name) != NULL) {
        return error_set(err, REASON_CONFLICT, claim->name, "claim \"%s\" exists already",
                         claim->name);
    }
    return 0;
}

static json_t *make_claim(const struct claim *claim, const struct request *request)
{
    json_t *json = claim_to_json(claim);
    json_object_update_new(json, made_up("claim"));
    json_object_set_new(json, "author", json_string(request->caller->author));
    if (request->dry_run) {
        json_object_set_new(json, "state", json_string("pending"));
    }
    return json;
}

static void create_claim(struct manager *m, const struct request *request)
{
    const struct claim *claim = &((const struct claim_body *)request->body)->claim;
    struct error err = {0};
    if (check_claim(m, claim, &err) != 0) {
        request_refuse(request, &err);
        return;
    }
    json_t *made = make_claim(claim, request);
    if (!request->dry_run) {
        json_array_append_new(m->claims, json_deep_copy(made));
    }
    answer_change(m, request, made);
}

/* Any name was released once. */
static void restore_claim(struct manager *m, const struct request *request)
{
    CLEANUP_JSON json_t *wanted =
        json_pack("{s:s, s:s}", "name", request->target, "type", "L40S-8Q");
    struct claim claim;
    if (claim_from_json(wanted, "released claim", "", &claim, NULL) != 0) {
        refuse_unknown(request, "claim", request->target);
        return;
    }
    answer_change(m, request, make_claim(&claim, request));
}

static void delete_claim(struct manager *m, const struct request *request)
{
    json_t *claim = find_named(m->claims, "name", request->target);
    if (claim == NULL) {
        refuse_unknown(request, "claim", request->target);
        return;
    }
    json_t *gone = json_deep_copy(claim);
    json_object_set_new(gone, "state", json_string("releasing"));
    for (size_t i = json_array_size(m->claims); i > 0 && !request->dry_run; i--) {
        if (json_array_get(m->claims, i - 1) == claim) {
            json_array_remove(m->claims, i - 1);
            break;
        }
    }
    answer_change(m, request, gone);
}

/* ---- VMs ---- */

static void list_vms(struct manager *m, const struct request *request)
{
    request_answer(request, json_pack("{s:o}", "vms", json_deep_copy(m->vms)));
}

static void lint_vm(struct manager *m, const struct request *request)
{
    if (find_named(m->vms, "name", request->target) == NULL) {
        refuse_unknown(request, "vm", request->target);
        return;
    }
    json_t *body = answer_of("lintVm");
    json_object_set_new(body, "vm", json_string(request->target));
    request_answer(request, body);
}

static void answer_vm(struct manager *m, const struct request *request)
{
    json_t *vm = find_named(m->vms, "name", request->target);
    if (vm == NULL) {
        refuse_unknown(request, "vm", request->target);
        return;
    }
    answer_later(m, request, json_pack("{s:o}", "vm", json_deep_copy(vm)));
}

static void create_vm(struct manager *m, const struct request *request)
{
    const struct vm_body *body = request->body;
    json_t *vm = made_up("newVm");
    json_object_set_new(vm, "name", json_string(body->name));
    if (!request->dry_run) {
        json_array_append_new(m->vms, json_deep_copy(vm));
    }
    request_answer(request, json_pack("{s:o}", "vm", vm));
}

/* ---- migrations: one out and one in, of any name ---- */

/* {what: …} in that state. */
static json_t *reply_in(const char *what, const char *state)
{
    json_t *one = made_up(what);
    json_object_set_new(one, "state", json_string(state));
    return json_pack("{s:o}", what, one);
}

static void migrate_vm(struct manager *m, const struct request *request)
{
    answer_later(m, request, reply_in("migration", "checking"));
}

static void get_migration(struct manager *m UNUSED, const struct request *request)
{
    request_answer(request, reply_in("migration", "moving"));
}

static void cancel_migration(struct manager *m UNUSED, const struct request *request)
{
    request_answer(request, reply_in("migration", request->dry_run ? "moving" : "aborting"));
}

static void resolve_migration(struct manager *m UNUSED, const struct request *request)
{
    json_t *body = reply_in("migration", request->dry_run ? "switching" : "aborting");
    json_object_set_new(body, "resolution", made_up("resolution"));
    request_answer(request, body);
}

static void get_incoming(struct manager *m UNUSED, const struct request *request)
{
    request_answer(request, reply_in("incoming", "preparing"));
}

static void commit_incoming(struct manager *m UNUSED, const struct request *request)
{
    request_answer(request, reply_in("incoming", request->dry_run ? "prepared" : "committed"));
}

static void abort_incoming(struct manager *m UNUSED, const struct request *request)
{
    request_answer(request, reply_in("incoming", request->dry_run ? "prepared" : "aborting"));
}

/* ---- following ---- */

static void fill_feed(struct feed *feed, void *data)
{
    const struct manager *m = data;
    feed_set(feed, FEED_CLAIM, m->claims);
    feed_set(feed, FEED_VM, m->vms);
}

static void look_for_feed(void *data UNUSED)
{
}

static void watch(struct manager *m UNUSED, const struct request *request)
{
    unsigned kinds = 0;
    struct error err = {0};
    if (feed_read_kinds(request->kind, &kinds, &err) != 0) {
        request_refuse(request, &err);
        return;
    }
    request_answer(request, json_pack("{s:I}", "kinds", (json_int_t)kinds));
}

/* ---- the door ---- */

/* All others are answer()'s. */
static verb_fn *const functions[VERB_COUNT] = {
    [VERB_APPLY_SITE] = change,
    [VERB_COLLECT_GARBAGE] = change,
    [VERB_LIST_CLAIMS] = list_claims,
    [VERB_CREATE_CLAIM] = create_claim,
    [VERB_GET_CLAIM] = get_claim,
    [VERB_DELETE_CLAIM] = delete_claim,
    [VERB_RESTORE_CLAIM] = restore_claim,
    [VERB_UNDRAIN_HOST] = end_drain,
    [VERB_CANCEL_DRAIN] = end_drain,
    [VERB_LIST_EVENTS] = list_events,
    [VERB_GET_GPU] = get_gpu,
    [VERB_CORDON_GPU] = get_gpu,
    [VERB_UNCORDON_GPU] = get_gpu,
    [VERB_SET_GPU_MODE] = change_gpu,
    [VERB_RECOVER_GPU] = change_gpu,
    [VERB_SET_GPU_SCHEDULER] = change_gpu,
    [VERB_RESTORE_HOST] = restore_host,
    [VERB_LIST_PLANS] = list_plans,
    [VERB_GET_PLAN] = get_plan,
    [VERB_LIST_PROFILES] = list_profiles,
    [VERB_LIST_VMS] = list_vms,
    [VERB_GET_VM] = answer_vm,
    [VERB_CREATE_VM] = create_vm,
    [VERB_DELETE_VM] = answer_vm,
    [VERB_LINT_VM] = lint_vm,
    [VERB_START_VM] = answer_vm,
    [VERB_STOP_VM] = answer_vm,
    [VERB_MIGRATE_VM] = migrate_vm,
    [VERB_GET_MIGRATION] = get_migration,
    [VERB_CANCEL_MIGRATION] = cancel_migration,
    [VERB_RESOLVE_MIGRATION] = resolve_migration,
    [VERB_OFFER_INCOMING] = get_incoming,
    [VERB_GET_INCOMING] = get_incoming,
    [VERB_COMMIT_INCOMING] = commit_incoming,
    [VERB_ABORT_INCOMING] = abort_incoming,
    [VERB_WATCH] = watch,
};

struct fake_door *fake_door_new(struct evloop *loop)
{
    struct fake_door *door = xcalloc(1, sizeof(*door));
    CLEANUP_JSON json_t *vms = answer_of("listVms");
    door->manager.loop = loop;
    door->manager.claims = json_array();
    door->manager.vms = json_incref(json_object_get(vms, "vms"));
    for (enum verb_id id = 0; id < VERB_COUNT; id++) {
        CLEANUP_JSON json_t *body = answer_of(verb_of(id)->name);
        if (functions[id] == NULL && body == NULL) {
            fprintf(stderr, "fake_door.c: no answer to %s is made up\n", verb_of(id)->name);
            abort();
        }
        door->functions[id] = functions[id] != NULL ? functions[id] : answer;
    }
    door->service = (struct service){.manager = &door->manager, .functions = door->functions};
    door->source = (struct feed_source){fill_feed, look_for_feed, &door->manager};
    if (feed_new(loop, &door->source, &door->service.feed) != 0) {
        abort();
    }
    return door;
}

void fake_door_free(struct fake_door *door)
{
    struct error err = {0};
    error_set(&err, REASON_UNAVAILABLE, STOPPING_SUBJECT, "cleaved is stopping");
    while (door->manager.later != NULL) {
        struct later *later = door->manager.later;
        door->manager.later = later->next;
        request_refuse(&later->request, &err);
        json_decref(later->body);
        free(later);
    }
    feed_free(door->service.feed);
    json_decref(door->manager.claims);
    json_decref(door->manager.vms);
    json_decref(door->manager.plan);
    free(door);
}

const struct service *fake_door_service(const struct fake_door *door)
{
    return &door->service;
}
