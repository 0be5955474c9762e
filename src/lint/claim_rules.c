/* SPDX-License-Identifier: Apache-2.0 */
/* Rules about what the VM's claims say. */
#include "base/str.h"
#include "lint/lint_rule.h"

static bool has_device(const struct lint *lint, const struct claim_device *wanted)
{
    for (vec_each(&lint->facts->devices, device)) {
        if (claim_device_is(wanted, &device->addr, device->mdev_uuid)) {
            return true;
        }
    }
    return false;
}

void lint_claim_missing(struct lint *lint)
{
    for (vec_each(lint->claims, claim)) {
        struct claim_device device;
        if (!lint_is_ours(lint, claim) || claim->state != CLAIM_BOUND ||
            claim->spec.mode == CLAIM_GPU_INSTANCE || !claim_device(claim, &device) ||
            has_device(lint, &device)) {
            continue;
        }
        char bdf[BDF_SIZE];
        struct fault *it =
            lint_find(lint, 0, "devices", "it lacks %s, the device of claim \"%s\"",
                      device_name(device.mdev_uuid, &device.device, bdf), claim->name);
        lint_advise(it, "`cleave vm start %s` puts the device in", SHELL_ARG(lint->facts->name));
    }
}

void lint_claim_failed(struct lint *lint)
{
    for (vec_each(lint->claims, claim)) {
        if (lint_is_ours(lint, claim) && claim->state == CLAIM_FAILED) {
            struct fault *it =
                lint_find(lint, 0, "devices", "its claim \"%s\" failed%s%s", claim->name,
                          claim->problem[0] != '\0' ? ": " : "", claim->problem);
            /* The VM starts without what it never had. */
            it->severity = claim->was_bound ? SEVERITY_ERROR : SEVERITY_WARNING;
            lint_advise(it, "`cleave claim delete %s`, and create it again if the VM needs it",
                        claim->name);
        }
    }
}

/* Of a claim that is this VM's no more: nothing puts another device in. */
static void find_lost_claim(struct lint *lint, const struct domain_device *device, const char *name)
{
    bool gone = claims_find(lint->claims, device->claim) == NULL;
    struct fault *it =
        lint_find(lint, 0, "hostdev", "its saved state has %s for claim \"%s\", which is not %s",
                  name, device->claim, gone ? "there any more" : "this VM's");
    it->severity = SEVERITY_ERROR;
    CLEANUP_STRBUF struct strbuf back = {0};
    if (gone) {
        strbuf_addf(&back, "if the claim was released, `cleave claim restore %s` restores it; ",
                    device->claim);
    }
    lint_advise(
        it,
        "%s`virsh managedsave-remove %s` deletes the saved state, and the guest's memory with it",
        strbuf_str(&back), SHELL_WORD(lint->facts->name));
}

/* A saved state keeps the kind of device that its guest saw. */
static void find_stuck(struct lint *lint, const struct domain_device *device,
                       const struct claim *claim, const char *name)
{
    struct fault *it =
        lint_find(lint, 0, "hostdev",
                  "its saved state has the %s %s for claim \"%s\", but the claim now gets a %s",
                  device->is_mdev ? "mediated device" : "PCI function", name, claim->name,
                  device->is_mdev ? "PCI function" : "mediated device");
    it->severity = SEVERITY_ERROR;
    lint_advise(it,
                "this host can't restore the state: `virsh managedsave-remove %s` deletes it, and "
                "the guest's memory with it",
                SHELL_WORD(lint->facts->name));
}

void lint_saved_state(struct lint *lint)
{
    for (vec_each(&lint->facts->saved, device)) {
        const struct claim *claim = claims_find(lint->claims, device->claim);
        struct claim_device now = {0};
        char bdf[BDF_SIZE];
        char other[BDF_SIZE];
        const char *name =
            device_name(device->is_mdev ? device->mdev_uuid : "", &device->addr, bdf);
        enum tristate other_kind = device->is_mdev ? TRI_NO : TRI_YES;
        if (claim == NULL || !lint_is_ours(lint, claim)) {
            find_lost_claim(lint, device, name);
        } else if (claim_is_mdev(claim, lint->host) == other_kind) {
            find_stuck(lint, device, claim, name);
        } else if (claim_device(claim, &now) &&
                   !claim_device_is(&now, &device->addr, device->mdev_uuid)) {
            struct fault *it = lint_find(
                lint, 0, "hostdev", "its saved state has %s for claim \"%s\", which has %s now",
                name, claim->name, device_name(now.mdev_uuid, &now.device, other));
            lint_advise(it,
                        "`cleave vm start %s` puts that device into the saved state and starts the "
                        "VM; `virsh start` is refused",
                        SHELL_ARG(lint->facts->name));
        }
    }
}

/* As the claim's problem says it (watch/intruders.c). */
void lint_claim_intruded(struct lint *lint)
{
    for (vec_each(lint->claims, claim)) {
        const struct gpu *gpu = claim_find_gpu(claim, lint->host);
        if (!lint_is_ours(lint, claim) || claim->state != CLAIM_BOUND || gpu == NULL ||
            gpu->problem[0] != '\0') {
            continue;
        }
        char bdf[BDF_SIZE];
        const struct vgpu *at = claim_vgpu_at(claim, gpu);
        const struct vgpu *other = claim_find_intruder(claim, gpu);
        bool replaced = at != NULL && !claim_is_vgpu(claim, at);
        const struct vgpu *vgpu = replaced ? at : other;
        if (vgpu == NULL) {
            continue;
        }
        struct fault *it = lint_find(lint, 0, "devices", "vGPU %s at %s is %s claim \"%s\"",
                                     vgpu->type[0] != '\0' ? vgpu->type : "of some type",
                                     device_name(vgpu->mdev_uuid, &vgpu->vf, bdf),
                                     replaced ? "another tool's, in the place of the vGPU of"
                                              : "on the exclusive GPU instance of",
                                     claim->name);
        it->severity = replaced ? SEVERITY_ERROR : SEVERITY_WARNING;
        lint_advise(
            it, "delete or move that vGPU with the tool that made it; see `cleave claim show %s`",
            claim->name);
    }
}

/* A whole GPU, or another device that is no vGPU of a claim. */
static void find_devices_that_stay(struct lint *lint)
{
    for (vec_each(&lint->seen, seen)) {
        bool missing = seen->gpu == NULL && (seen->claim != NULL || seen->meant != NULL);
        if ((seen->whole || seen->gpu == NULL) && !missing && seen->leaves == LEAVES_NOT) {
            struct fault *it =
                lint_find(lint, seen->device->line, lint_element(seen), "%s %s can't move",
                          seen->whole ? "the whole GPU" : "the device", seen->name);
            lint_advise(it, "remove it, or drop `migratable` from the VM's claims");
        }
    }
}

void lint_cannot_move(struct lint *lint)
{
    if (!lint_must_migrate(lint)) {
        return;
    }
    find_devices_that_stay(lint);
    for (vec_each(&lint->facts->obstacles, obstacle)) {
        struct fault *it = lint_find(lint, obstacle->line, "domain",
                                     "it has %s, which can't live-migrate", obstacle->what);
        lint_advise(it, "remove it, or drop `migratable` from the VM's claims");
    }
    if (str_eq(lint->facts->cpu_mode, "host-passthrough")) {
        struct fault *it = lint_find(lint, lint->facts->cpu_line, "cpu",
                                     "with host-passthrough it can migrate only to the same CPU");
        it->severity = SEVERITY_NOTE;
        lint_advise(it, "use mode host-model or custom if the hosts' CPUs differ");
    }
}

void lint_autostart(struct lint *lint)
{
    for (vec_each(lint->claims, claim)) {
        if (lint->facts->autostart && lint_is_ours(lint, claim) &&
            claim->spec.hold == CLAIM_ON_DEMAND) {
            struct fault *it = lint_find(
                lint, 0, "domain", "it starts with the host, but its claim \"%s\" is on-demand",
                claim->name);
            lint_advise(it, "if the VM must start, create the claim without --on-demand");
        }
    }
}
