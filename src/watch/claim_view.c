/* SPDX-License-Identifier: Apache-2.0 */
/* A claim as the API shows it: what is stored of it, and what the host says of it now. */
#include "watch/claim_view.h"

#include "base/clock.h"
#include "base/str.h"
#include "model/encode.h"
#include "plan/restore.h"
#include "state/state.h"
#include "watch/claim_device.h"
#include "watch/gone.h"
#include "watch/intruders.h"
#include "watch/looks.h"
#include "watch/seen.h"

#define GONE_TIME_SIZE 64

static void say_gone(const struct manager *m, const struct claim *claim, const struct gone *gone,
                     json_t *json)
{
    char text[ERROR_TEXT_SIZE];
    if (gone->held) {
        str_print(text, sizeof(text),
                  "its VM \"%s\" is missing, but cleaved did not see that it was undefined (%s): "
                  "the claim is kept",
                  claim->vm, gone->why);
        json_object_set_new(json, "problem", encode_text(text));
        return;
    }
    json_t *at = encode_time(clock_realtime_us() + gone_left_us(m, gone));
    str_print(text, sizeof(text), "its VM \"%s\" is gone: it will be released at %s", claim->vm,
              json_string_value(at));
    json_object_set_new(json, "problem", encode_text(text));
    json_object_set_new(json, "releaseAt", at);
}

void claim_say_away(const struct manager *m, const struct claim *claim, char *text, size_t size)
{
    char bdf[BDF_SIZE];
    char other[BDF_SIZE];
    const struct gpu *moved = restore_gpu_of(m->host, claim);
    pci_addr_format(&claim->assigned.gpu, bdf);
    if (moved != NULL) {
        str_print(text, size, "its GPU was at %s and is at %s now: `cleave host restore`", bdf,
                  pci_addr_format(&moved->addr, other));
    } else if (claim->assigned.gpu_uuid[0] == '\0' && claim_is_displaced(claim, m->host)) {
        claim_say_unknown_board(m, claim, text, size);
    } else if (claim_is_displaced(claim, m->host)) {
        str_print(text, size, "its GPU %s is not on this host, and another board is at %s now",
                  claim->assigned.gpu_uuid, bdf);
    } else {
        str_print(text, size, "its GPU %s is not on the PCI bus", bdf);
    }
}

bool claim_lacks_device(const struct manager *m, const struct claim *claim, char *text, size_t size)
{
    char bdf[BDF_SIZE];
    if (m->host == NULL || !looks_are_known(m, SOURCE_HARDWARE) || claim->state != CLAIM_BOUND ||
        !claim->assigned.set) {
        return false;
    }
    const struct gpu *gpu = claim_find_gpu(claim, m->host);
    if (gpu == NULL) {
        claim_say_away(m, claim, text, size);
        return true;
    }
    if (gpu->problem[0] != '\0') {
        str_print(text, size, "its GPU %s can't be used: %s", pci_addr_format(&gpu->addr, bdf),
                  gpu->problem);
        return true;
    }
    if (claim_device_is_there(m, claim)) {
        return false;
    }
    if (claim_is_intruded(m, claim, text, size)) {
        return true;
    }
    if (claim->spec.hold == CLAIM_ON_DEMAND) { /* of a saved VM, after a boot */
        str_print(text, size, "its device %s is missing: the start of VM \"%s\" makes it again",
                  device_name(claim->assigned.mdev_uuid, &claim->assigned.device, bdf), claim->vm);
        return true;
    }
    if (claim->spec.mode == CLAIM_GPU_INSTANCE) {
        str_print(text, size, "its GPU instance %s on %s is missing: `cleave host restore`",
                  claim->assigned.profile, pci_addr_format(&gpu->addr, bdf));
        return true;
    }
    str_print(text, size, "its device %s is missing: `cleave host restore` makes it again",
              device_name(claim->assigned.mdev_uuid, &claim->assigned.device, bdf));
    return true;
}

/* Does its vGPU stand, and will its VM start with other parameters than the claim's? */
static bool has_other_params(const struct manager *m, const struct claim *claim, char *text,
                             size_t size)
{
    char bdf[BDF_SIZE];
    char why[ERROR_TEXT_SIZE];
    const struct vgpu_params wanted = claim_params(claim);
    const struct gpu *gpu =
        m->host != NULL && claim->state == CLAIM_BOUND && vgpu_params_any(&wanted)
            ? claim_find_gpu(claim, m->host)
            : NULL;
    const struct vgpu *vgpu = gpu != NULL ? claim_vgpu_at(claim, gpu) : NULL;
    bool on = vgpu != NULL && vgpu->holder[0] != '\0';
    if (vgpu == NULL || !claim_is_vgpu(claim, vgpu)) {
        return false;
    }
    const char *device = device_name(vgpu->mdev_uuid, &vgpu->vf, bdf);
    if (!vgpu->params_known) {
        str_print(text, size, "the parameters of its vGPU %s can't be read", device);
        return true;
    }
    if (!claim_params_differ(claim, vgpu, why, sizeof(why))) {
        return false;
    }
    str_print(text, size, "another program changed its vGPU %s: %s; %s writes them again", device,
              why, on ? "the next start of its VM" : "`cleave host restore`");
    return true;
}

/* What its device is entitled to, what it uses, and its licence, where it stands. */
static void say_device(const struct manager *m, const struct claim *claim, json_t *json)
{
    const struct gpu *gpu = m->host != NULL && claim->state == CLAIM_BOUND && claim->assigned.set
                                ? claim_find_gpu(claim, m->host)
                                : NULL;
    bool vgpus = claim_has_vgpu(claim);
    const struct vgpu *vgpu = gpu != NULL && vgpus ? claim_vgpu_at(claim, gpu) : NULL;
    if (gpu == NULL || (vgpus && (vgpu == NULL || !claim_is_vgpu(claim, vgpu)))) {
        return;
    }
    struct vgpu_share share = {.kind = SHARE_PART, .parts = 1};
    share.whole = claim->spec.mode == CLAIM_GPU_INSTANCE ? SHARE_OF_INSTANCE : SHARE_OF_GPU;
    if (claim->spec.mode == CLAIM_MIG_BACKED) {
        share.whole = SHARE_OF_INSTANCE; /* its own, whatever the driver tells of the vGPU */
    } else if (vgpu != NULL) {
        share = vgpu->share;
    }
    json_object_set_new(json, "share", schema_to_json(&vgpu_share_schema, &share, FACE_API));
    json_object_set_new(json, "usedPercent",
                        vgpu != NULL && vgpu->used_percent.known
                            ? json_integer((json_int_t)vgpu->used_percent.value)
                            : json_null());
    if (vgpu != NULL) {
        json_object_set_new(json, "licence",
                            schema_to_json(&vgpu_licence_schema, &vgpu->licence, FACE_API));
    }
}

json_t *claim_view(const struct manager *m, const struct claim *claim)
{
    char text[ERROR_TEXT_SIZE];
    json_t *json = claim_to_json(claim);
    say_device(m, claim, json);
    const struct gone *gone = gone_find(m, claim->name);
    if (gone != NULL) {
        say_gone(m, claim, gone, json);
    } else if (claim->problem[0] == '\0' && (claim_lacks_device(m, claim, text, sizeof(text)) ||
                                             claim_is_intruded(m, claim, text, sizeof(text)) ||
                                             has_other_params(m, claim, text, sizeof(text)))) {
        json_object_set_new(json, "problem", encode_text(text));
    }
    return json;
}

json_t *claim_view_held(const struct manager *m)
{
    json_t *list = json_array();
    for (vec_each(&m->claims, claim)) {
        const struct gone *gone = gone_find(m, claim->name);
        if (gone != NULL && gone->held) {
            json_array_append_new(list, json_pack("{s:s, s:s, s:s}", "claim", claim->name, "vm",
                                                  claim->vm, "reason", gone->why));
        }
    }
    return list;
}

json_t *claim_view_without(const struct manager *m, const char *vm_name, const char *vm_uuid)
{
    json_t *list = json_array();
    for (vec_each(&m->claims, claim)) {
        char text[ERROR_TEXT_SIZE];
        if (claim->state != CLAIM_FAILED || claim->was_bound ||
            !claim_is_of(claim, vm_name, vm_uuid)) {
            continue;
        }
        str_print(text, sizeof(text),
                  "VM \"%s\" starts without claim \"%s\", which failed; `cleave claim delete %s`, "
                  "and create it again if the VM needs it",
                  vm_name, claim->name, claim->name);
        json_array_append_new(list, json_string(text));
    }
    if (json_array_size(list) == 0) {
        json_decref(list);
        return NULL;
    }
    return list;
}
