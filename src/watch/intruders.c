/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Other tools' vGPUs that harm claims: one that stands in the place of a claim's own, or on the GPU
 * instance that a claim has to itself. cleave leaves them alone, and says so: in the claim, in
 * `host show`, and with an event when one is seen first and when it is gone.
 */
#include "watch/intruders.h"

#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "model/encode.h"
#include "state/listeners.h"
#include "state/state.h"
#include "state/txn.h"

/* ---- what one claim suffers ---- */

static const struct claim *owner_of(const struct manager *m, const struct gpu *gpu,
                                    const struct vgpu *vgpu)
{
    for (vec_each(&m->claims, claim)) {
        bool here = claim_is_on(claim, gpu);
        if (here && claim_vgpu_at(claim, gpu) == vgpu && claim_is_vgpu(claim, vgpu)) {
            return claim;
        }
    }
    return NULL;
}

/* "vGPU L40S-8Q at 0000:41:00.4 of VM "x"" */
static void name_vgpu(const struct vgpu *vgpu, char *out, size_t size)
{
    char device[BDF_SIZE];
    bool held = vgpu->holder[0] != '\0';
    str_print(out, size, "vGPU %s at %s%s%s%s", vgpu->type[0] != '\0' ? vgpu->type : "of some type",
              device_name(vgpu->mdev_uuid, &vgpu->vf, device), held ? " of VM \"" : "",
              vgpu->holder, held ? "\"" : "");
}

static void say_in_place(const struct vgpu *vgpu, char *text, size_t size)
{
    char name[VM_NAME_SIZE + 160];
    name_vgpu(vgpu, name, sizeof(name));
    str_print(text, size,
              "%s, which cleave did not make, is in the place of its vGPU: delete it with the tool "
              "that made it, then `cleave host restore`",
              name);
}

static void say_shared(const struct manager *m, const struct claim *claim, const struct gpu *gpu,
                       const struct vgpu *vgpu, char *text, size_t size)
{
    char bdf[BDF_SIZE];
    char name[VM_NAME_SIZE + 160];
    const struct claim *owner = owner_of(m, gpu, vgpu);
    name_vgpu(vgpu, name, sizeof(name));
    str_print(text, size,
              "its exclusive GPU instance %s at %u of GPU %s has another vGPU: %s, %s%s%s; %s",
              claim->assigned.profile, claim->assigned.start, pci_addr_format(&gpu->addr, bdf),
              name, owner != NULL ? "of claim \"" : "which no claim owns",
              owner != NULL ? owner->name : "", owner != NULL ? "\"" : "",
              owner != NULL ? "release that claim, or move it"
                            : "delete or move that vGPU with the tool that made it");
}

bool claim_is_intruded(const struct manager *m, const struct claim *claim, char *text, size_t size)
{
    const struct gpu *gpu =
        m->host != NULL && claim->state == CLAIM_BOUND ? claim_find_gpu(claim, m->host) : NULL;
    if (gpu == NULL || gpu->problem[0] != '\0') {
        return false;
    }
    const struct vgpu *at = claim_vgpu_at(claim, gpu);
    if (at != NULL && !claim_is_vgpu(claim, at)) {
        say_in_place(at, text, size);
        return true;
    }
    const struct vgpu *intruder = claim_find_intruder(claim, gpu);
    if (intruder != NULL) {
        say_shared(m, claim, gpu, intruder, text, size);
    }
    return intruder != NULL;
}

json_t *intruders_list(const struct manager *m)
{
    json_t *list = json_array();
    for (vec_each(&m->claims, claim)) {
        char text[ERROR_TEXT_SIZE];
        if (claim_is_intruded(m, claim, text, sizeof(text))) {
            json_array_append_new(list, json_pack("{s:s, s:o, s:s}", "claim", claim->name, "vm",
                                                  encode_text(claim->vm), "reason", text));
        }
    }
    return list;
}

/* ---- events ---- */

/* Claims whose intruder an event reported. */
struct intruded {
    VEC(struct intruded_claim { char claim[NAME_SIZE]; })
    items;
};

struct intruded *intruded_new(void)
{
    return xcalloc(1, sizeof(struct intruded));
}

void intruded_free(struct intruded *intruded)
{
    vec_done(&intruded->items);
    free(intruded);
}

/* Can the claim's GPU be judged now? A plan may be about to set it right. */
static bool is_clear(const struct manager *m, const struct claim *claim)
{
    const struct gpu *gpu = claim_find_gpu(claim, m->host);
    return gpu != NULL && gpu->problem[0] == '\0' &&
           !holds_bar(&m->holds, hold_gpu(&gpu->addr), WANT_GPU_REPORT);
}

static bool is_reported(const struct manager *m, const char *name, size_t *ret_at)
{
    for (*ret_at = 0; *ret_at < m->intruded->items.n; (*ret_at)++) {
        if (str_eq(m->intruded->items.items[*ret_at].claim, name)) {
            return true;
        }
    }
    return false;
}

static void note_claim(struct manager *m, const struct claim *claim)
{
    char text[ERROR_TEXT_SIZE];
    size_t at = 0;
    bool reported = is_reported(m, claim->name, &at);
    bool is = claim_is_intruded(m, claim, text, sizeof(text));
    if (is && !reported) {
        STR_SET(vec_push(&m->intruded->items)->claim, claim->name);
        txn_event_alone(m, EVENT_CLAIM_CONFLICT, SUBJECT("claim", claim->name), "", "%s", text);
        log_warning("claim %s: %s", claim->name, text);
    } else if (!is && reported) {
        vec_remove(&m->intruded->items, at);
        txn_event_alone(m, EVENT_CLAIM_CONFLICT_ENDED, SUBJECT("claim", claim->name), "",
                        "another tool's vGPU is no longer in its place or on its GPU instance");
    }
}

void intruders_note(struct manager *m, struct hardware_look *look)
{
    if (look->late) {
        return; /* none of them could be seen */
    }
    for (size_t i = m->intruded->items.n; i > 0; i--) {
        if (claims_find(&m->claims, m->intruded->items.items[i - 1].claim) == NULL) {
            vec_remove(&m->intruded->items, i - 1);
        }
    }
    for (vec_each(&m->claims, claim)) {
        if (claim->state == CLAIM_BOUND && claim->assigned.set && is_clear(m, claim)) {
            note_claim(m, claim);
        }
    }
}
