/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What no VM and no claim needs any more: claims without a VM, failed claims that still hold
 * something, vGPUs and GPU instances that cleave made and no claim holds, and devices that
 * definitions have for claims that are gone. What cleave made is remembered (model/made.h); what
 * others made is never touched, nor is anything that a running VM has: that is listed, with the
 * reason.
 */
#include "verbs/gc.h"

#include <stdio.h>

#include "base/id.h"
#include "base/str.h"
#include "model/made.h"
#include "state/planner_view.h"
#include "state/state.h"
#include "turn/plans.h"
#include "turn/queue.h"
#include "verbs/questions.h"
#include "watch/gone.h"
#include "watch/looks.h"

struct collector {
    struct manager *manager;
    json_t *made;             /* RECORD_MADE */
    VEC(struct step) steps;   /* what clears the garbage */
    VEC(const char *) claims; /* that go */
    json_t *garbage, *kept;
};

static void collector_done(struct collector *c)
{
    json_decref(c->made);
    vec_done(&c->steps);
    vec_done(&c->claims);
    json_decref(c->garbage);
    json_decref(c->kept);
}

/* ---- what cleave made ---- */

static int read_made(struct collector *c, struct error *err)
{
    return ledger_records(c->manager->ledger, RECORD_MADE, &c->made, err);
}

static bool is_made(const struct collector *c, const struct step *like)
{
    char key[MADE_KEY_SIZE];
    const json_t *made = made_key(like, key) ? json_object_get(c->made, key) : NULL;
    const char *type = json_string_value(json_object_get(made, "type"));
    const char *seen = like->kind == STEP_VGPU_DELETE ? like->type : like->profile;
    return made != NULL && (type == NULL || seen[0] == '\0' || str_eq(type, seen));
}

/* ---- the list ---- */

static json_t *item(const char *kind, const char *name, const struct pci_addr *gpu, const char *vm,
                    const char *text)
{
    char bdf[BDF_SIZE];
    return json_pack("{s:s, s:s, s:o, s:o, s:s}", "kind", kind, "name", name, "gpu",
                     gpu == NULL ? json_null() : json_string(pci_addr_format(gpu, bdf)), "vm",
                     vm[0] == '\0' ? json_null() : json_string(vm), "text", text);
}

static void keep(struct collector *c, json_t *what, const char *reason)
{
    json_object_set_new(what, "reason", json_string(reason));
    json_array_append_new(c->kept, what);
}

static struct step *add_step(struct collector *c, enum step_kind kind, const struct pci_addr *gpu)
{
    struct step *step = vec_push(&c->steps);
    *step = step_make(kind, gpu);
    step_set_gpu(step, host_find_gpu_addr(c->manager->host, gpu));
    return step;
}

/* ---- claims ---- */

static const char *running_vm(const struct manager *m, const struct claim *claim)
{
    struct claim_device own = {0};
    const struct gpu *gpu = claim_find_gpu(claim, m->host);
    if (gpu == NULL || !claim->assigned.set || !claim_device(claim, &own)) {
        return "";
    }
    if (claim->spec.mode == CLAIM_PASSTHROUGH) {
        return gpu->holder;
    }
    const struct vgpu *vgpu = claim_vgpu_at(claim, gpu);
    return vgpu == NULL || !claim_is_vgpu(claim, vgpu) ? "" : vgpu->holder;
}

/* A VM that was not seen to be undefined may only be out of sight. */
static void keep_held(struct collector *c, const struct claim *claim, const struct gone *gone)
{
    char text[ERROR_TEXT_SIZE];
    char why[ERROR_TEXT_SIZE];
    str_print(text, sizeof(text), "claim \"%s\": its VM \"%s\" is missing", claim->name, claim->vm);
    str_print(why, sizeof(why),
              "cleaved did not see that its VM was undefined: %s; `cleave claim delete %s` "
              "releases the claim",
              gone->why, claim->name);
    keep(c,
         item("claim", claim->name, claim->assigned.set ? &claim->assigned.gpu : NULL, claim->vm,
              text),
         why);
}

static void collect_claim(struct collector *c, const struct claim *claim)
{
    const struct manager *m = c->manager;
    const struct gone *gone = gone_find(m, claim->name);
    if (holds_bar(&m->holds, hold_claim(claim), WANT_CLAIM_COLLECT)) {
        return; /* it goes, or comes, with its VM */
    }
    bool fails = claim->state == CLAIM_FAILED && claim->assigned.set;
    if (gone == NULL && !fails) {
        return;
    }
    char text[ERROR_TEXT_SIZE];
    char why[ERROR_TEXT_SIZE];
    const char *vm = running_vm(m, claim);
    json_t *what = NULL;
    if (gone != NULL && gone->held) {
        keep_held(c, claim, gone);
        return;
    }
    if (gone != NULL) {
        uint64_t left_s = (gone_left_us(m, gone) + 999999) / 1000000;
        str_print(text, sizeof(text),
                  "claim \"%s\": its VM \"%s\" is gone; released in %llu s (if it was saved to a "
                  "file, it needs the claim again: `cleave claim restore %s`)",
                  claim->name, claim->vm, (unsigned long long)left_s, claim->name);
        what = item("claim", claim->name, claim->assigned.set ? &claim->assigned.gpu : NULL,
                    claim->vm, text);
        json_object_set_new(what, "dueInSeconds", json_integer((json_int_t)left_s));
    } else {
        str_print(text, sizeof(text), "claim \"%s\" failed and still has a device", claim->name);
        what = item("failed-claim", claim->name, &claim->assigned.gpu, claim->vm, text);
    }
    if (vm[0] != '\0') {
        str_print(why, sizeof(why), "VM \"%s\" runs with its device", vm);
        keep(c, what, why);
        return;
    }
    json_array_append_new(c->garbage, what);
    *vec_push(&c->claims) = claim->name;
}

/* ---- hardware ---- */

static bool is_claimed(const struct manager *m, const struct gpu *gpu, const struct vgpu *vgpu)
{
    for (vec_each(&m->claims, claim)) {
        struct claim_device own = {0};
        if (claim_is_on(claim, gpu) && claim->spec.mode != CLAIM_PASSTHROUGH &&
            claim_device(claim, &own) && claim_device_is(&own, &vgpu->vf, vgpu->mdev_uuid) &&
            claim_is_vgpu(claim, vgpu)) {
            return true;
        }
    }
    return false;
}

static bool is_claimed_gi(const struct manager *m, const struct gpu *gpu, const struct gi *gi)
{
    for (vec_each(&m->claims, claim)) {
        const struct assignment *got = &claim->assigned;
        if (claim_is_on(claim, gpu) && got->start == gi->start && got->size == gi->size) {
            return true;
        }
    }
    return false;
}

static void collect_vgpu(struct collector *c, const struct gpu *gpu, const struct vgpu *vgpu,
                         bool *ret_stays)
{
    char bdf[BDF_SIZE];
    char text[ERROR_TEXT_SIZE];
    char why[ERROR_TEXT_SIZE] = "another tool made it";
    if (is_claimed(c->manager, gpu, vgpu)) {
        *ret_stays = true;
        return;
    }
    const char *name = device_name(vgpu->mdev_uuid, &vgpu->vf, bdf);
    str_print(text, sizeof(text), "vGPU %s at %s, which no claim holds", vgpu->type, name);
    json_t *what = item("vgpu", name, &gpu->addr, vgpu->holder, text);
    struct step step = step_make(STEP_VGPU_DELETE, &gpu->addr);
    step.device = vgpu->vf;
    step.type_id = vgpu->type_id;
    step.placement_id = vgpu->placement_id;
    STR_SET(step.mdev_uuid, vgpu->mdev_uuid);
    STR_SET(step.type, vgpu->type);
    const struct gi *gi = vgpu->gi_id != NO_ID ? gpu_find_gi(gpu, vgpu->gi_id) : NULL;
    if (gi != NULL) {
        step_set_instance(&step, gi);
        STR_SET(step.profile, gi->profile);
    }
    if (vgpu->holder[0] != '\0') {
        str_print(why, sizeof(why), "VM \"%s\" runs with it", vgpu->holder);
    } else if (is_made(c, &step)) {
        json_array_append_new(c->garbage, what);
        *vec_push(&c->steps) = step;
        return;
    }
    *ret_stays = true;
    keep(c, what, why);
}

static void collect_gi(struct collector *c, const struct gpu *gpu, const struct gi *gi, bool in_use)
{
    if (is_claimed_gi(c->manager, gpu, gi)) {
        return;
    }
    char name[128];
    char text[ERROR_TEXT_SIZE];
    str_print(name, sizeof(name), "%s@%u", gi->profile, gi->start);
    str_print(text, sizeof(text), "GPU instance %s at %u, which no claim holds", gi->profile,
              gi->start);
    json_t *what = item("gpu-instance", name, &gpu->addr, "", text);
    struct step step = step_make(STEP_GI_DESTROY, &gpu->addr);
    step.profile_id = gi->profile_id;
    step.start = gi->start;
    step.size = gi->size;
    STR_SET(step.profile, gi->profile);
    if (in_use || !is_made(c, &step)) {
        keep(c, what, in_use ? "a vGPU that stays may be on it" : "another tool made it");
        return;
    }
    json_array_append_new(c->garbage, what);
    if (gi->n_ci > 0) {
        struct step *inner = add_step(c, STEP_CI_DESTROY, &gpu->addr);
        *inner = step;
        inner->kind = STEP_CI_DESTROY;
    }
    *vec_push(&c->steps) = step;
}

static void collect_gpu(struct collector *c, const struct gpu *gpu)
{
    VEC(uint32_t) used = {0}; /* GPU instances with a vGPU that stays */
    bool anywhere = false;    /* one whose instance is not known stays */
    for (vec_each(&gpu->vgpus, vgpu)) {
        bool stays = false;
        collect_vgpu(c, gpu, vgpu, &stays);
        if (stays && vgpu->gi_id != NO_ID) {
            *vec_push(&used) = vgpu->gi_id;
        }
        anywhere =
            anywhere || (stays && vgpu->gi_id == NO_ID && !is_claimed(c->manager, gpu, vgpu));
    }
    for (vec_each(&gpu->gis, gi)) {
        bool in_use = anywhere;
        for (vec_each(&used, id)) {
            in_use = in_use || *id == gi->id;
        }
        collect_gi(c, gpu, gi, in_use);
    }
    vec_done(&used);
}

/* ---- definitions ---- */

static void collect_device(struct collector *c, const struct vm *vm, const struct vm_device *device)
{
    const struct manager *m = c->manager;
    const struct claim *claim = claims_find(&m->claims, device->claim);
    struct claim_device own = {0};
    bool is_of = claim != NULL && claim_is_of(claim, vm->name, vm->uuid);
    bool known = is_of && claim_device(claim, &own);
    char bdf[BDF_SIZE];
    char text[ERROR_TEXT_SIZE];
    if (known && vm_device_is(device, &own.device, own.mdev_uuid)) {
        return;
    }
    const char *name = vm_device_name(device, bdf);
    str_print(text, sizeof(text), "%s in the definition of VM \"%s\" for claim \"%s\", which %s",
              name, vm->name, device->claim,
              claim == NULL ? "does not exist any more"
              : is_of       ? "has another device now"
                            : "belongs to another VM");
    json_t *what = item("hostdev", name, NULL, vm->name, text);
    if (vm->state != VM_SHUT_OFF) {
        keep(c, what, "the VM is not off");
        return;
    }
    json_array_append_new(c->garbage, what);
    struct step *step =
        add_step(c, known ? STEP_ATTACH : STEP_DETACH, known ? &own.gpu : &device->addr);
    STR_SET(step->claim, device->claim);
    STR_SET(step->vm, vm->name);
    STR_SET(step->vm_uuid, vm->uuid);
    step->device = known ? own.device : device->addr;
    STR_SET(step->mdev_uuid, known ? own.mdev_uuid : device->is_mdev ? device->mdev_uuid : "");
}

static int collect(struct collector *c, struct error *err)
{
    const struct manager *m = c->manager;
    int r = read_made(c, err);
    if (r != 0) {
        return r;
    }
    for (vec_each(&m->claims, claim)) {
        collect_claim(c, claim);
    }
    for (vec_each(&m->host->gpus, gpu)) {
        collect_gpu(c, gpu);
    }
    for (vec_each(&m->host->vms, vm)) {
        for (vec_each(&vm->devices, device)) {
            if (device->persistent && device->claim[0] != '\0') {
                collect_device(c, vm, device);
            }
        }
    }
    return 0;
}

static void collector_init(struct collector *c, struct manager *m)
{
    *c = (struct collector){.manager = m, .garbage = json_array(), .kept = json_array()};
}

/* ---- requests ---- */

/* Without libvirt it is unknown which VM is gone, or what runs. */
static int check_libvirt(const struct manager *m, struct error *err)
{
    if (m->host->libvirt_problem[0] == '\0') {
        return 0;
    }
    return error_set(err, REASON_UNAVAILABLE, "libvirt",
                     "libvirt does not answer, so it is unknown what VMs use: %s",
                     m->host->libvirt_problem);
}

static int answer(struct manager *m, const char *name, json_t **ret_body, struct error *err)
{
    (void)name;
    CLEANUP(collector_done) struct collector c;
    collector_init(&c, m);
    bool seen = looks_are_late(m, SOURCE_GUESTS) && looks_seen_us(m, SOURCE_GUESTS) != 0;
    int r = seen ? 0 : check_libvirt(m, err);
    r = r != 0 ? r : collect(&c, err);
    if (r == 0) {
        *ret_body = json_pack("{s:O, s:O}", "garbage", c.garbage, "kept", c.kept);
    }
    return r;
}

void verb_list_garbage(struct manager *m, const struct request *request)
{
    questions_ask(m, answer, "", request);
}

/* Adds the lists of garbage to the plan's reply. */
static void reply_lists(json_t *body, const struct error *err, void *data)
{
    struct change *lists = data;
    if (body != NULL) {
        json_object_update(body, lists->json);
    }
    lists->reply(body, err, lists->data);
    change_free(lists);
}

static void run_gc(struct change *change)
{
    CLEANUP(collector_done) struct collector c;
    struct manager *m = change->manager;
    struct plan *plan = NULL;
    struct error err = {0};
    collector_init(&c, m);
    int r = check_libvirt(m, &err);
    r = r != 0 ? r : collect(&c, &err);
    struct plan_request request = {.remove = c.claims.items,
                                   .n_remove = c.claims.n,
                                   .extra = c.steps.items,
                                   .n_extra = c.steps.n,
                                   .author = change->caller.author,
                                   .reason = "gc",
                                   .new_uuid = id_uuid};
    struct planner planner = planner_view(m);
    r = r != 0 ? r : planner_build(&planner, &request, &plan, &err);
    if (r != 0) {
        change_refuse(change, &err);
        return;
    }
    ((struct change *)change->data)->json =
        json_pack("{s:O, s:O}", "garbage", c.garbage, "kept", c.kept);
    change_carry_out(change, plan);
}

void verb_collect_garbage(struct manager *m, const struct request *request)
{
    struct change *lists = change_new(m, NULL, request, "");
    struct request plan = {.caller = request->caller,
                           .dry_run = request->dry_run,
                           .reply = reply_lists,
                           .data = lists};
    change_enqueue(change_new(m, run_gc, &plan, ""));
}
