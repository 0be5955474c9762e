/* SPDX-License-Identifier: Apache-2.0 */
#include "driver/sysfs/vgpu.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/fs.h"
#include "base/parse.h"
#include "base/str.h"
#include "driver/sysfs/holder.h"
#include "driver/sysfs/offer.h"
#include "driver/sysfs/vgpu_read.h"
#include "driver/sysfs/vgpu_write.h"

static bool is_mdev(const struct step *step)
{
    return step->mdev_uuid[0] != '\0';
}

static int read_offers(const struct sysfs *sys, const struct step *step,
                       const struct pci_addr *function, struct offers *offers)
{
    return is_mdev(step) ? offers_read_mdev(sys, function, offers)
                         : offers_read_vendor(sys, function, offers);
}

/* The step's type id: given, or found by name in what this function or a sibling offers (a VF with
 * a vGPU offers nothing itself). NO_ID when the name is unknown. */
static uint32_t find_type_id(const struct sysfs *sys, const struct step *step)
{
    if (step->type_id != NO_ID) {
        return step->type_id;
    }
    CLEANUP_OFFERS struct offers offers = {0};
    read_offers(sys, step, &step->device, &offers);
    const struct vgpu_offer *offer = offers_find(&offers, NO_ID, step->type);
    if (offer != NULL) {
        return offer->type_id;
    }
    CLEANUP_VFS struct sysfs_vfs vfs = {0};
    (void)sysfs_read_vfs(sys, &step->gpu, &vfs);
    for (vec_each(&vfs, vf)) {
        CLEANUP_OFFERS struct offers others = {0};
        read_offers(sys, step, vf, &others);
        offer = offers_find(&others, NO_ID, step->type);
        if (offer != NULL) {
            return offer->type_id;
        }
    }
    return NO_ID;
}

/* The vGPU on the step's device now; type_id 0: none. */
static int read_current(const struct sysfs *sys, const struct step *step, struct vgpu *ret_vgpu,
                        struct error *err)
{
    char subject[SYSFS_SUBJECT_SIZE];
    char bdf[BDF_SIZE];
    sysfs_subject("function", &step->device, subject);
    pci_addr_format(&step->device, bdf);
    if (is_mdev(step)) {
        *ret_vgpu = (struct vgpu){.gi_id = NO_ID, .placement_id = NO_ID};
        int r = vgpu_read_mdev(sys, step->mdev_uuid, ret_vgpu);
        if (r == 0 || r == -ENOENT) {
            return 0;
        }
        return error_set_errno(err, -r, subject, "cannot read the mediated device %s",
                               step->mdev_uuid);
    }
    int r = vgpu_read_vendor(sys, &step->device, ret_vgpu);
    if (r == 0) {
        return 0;
    }
    if (r != -ENOENT && r != -ENOTDIR) {
        return error_set_errno(err, -r, subject, "cannot read current_vgpu_type of %s", bdf);
    }
    if (!sysfs_pci_exists(sys, &step->device)) {
        r = error_set(err, REASON_NOT_FOUND, subject, "there is no PCI function %s", bdf);
        error_hint(
            err,
            "the GPU's virtual functions must be enabled; cleave does so when a claim needs them");
        return r;
    }
    char driver[32];
    sysfs_read_driver(sys, &step->device, driver, sizeof(driver));
    r = error_set(err, REASON_UNSUPPORTED, subject,
                  "%s has no vGPU interface; its driver is \"%s\"", bdf,
                  driver[0] == '\0' ? "none" : driver);
    error_hint(err, "vGPUs need NVIDIA's vGPU host driver on the function; check that "
                    "nvidia-vgpu-mgr runs, and which driver is loaded");
    return r;
}

/* Refuses when another vGPU than the wanted one is already there; *ret_there: the wanted one is. */
static int compare_current(const struct step *step, const struct vgpu *now, uint32_t type_id,
                           bool *ret_there, struct error *err)
{
    *ret_there = false;
    if (now->type_id == 0) {
        return 0;
    }
    bool same_place = !is_mdev(step) || pci_addr_cmp(&now->vf, &step->device) == 0;
    if (now->type_id == type_id && same_place) {
        *ret_there = true;
        return 0;
    }
    char subject[SYSFS_SUBJECT_SIZE];
    char bdf[BDF_SIZE];
    return error_set(err, REASON_CONFLICT, sysfs_subject("function", &step->device, subject),
                     "%s already carries a vGPU of type %u, not %s", pci_addr_format(&now->vf, bdf),
                     now->type_id, step->type);
}

/* Is the type on offer? The message lists what is. */
static int check_offer(const struct sysfs *sys, const struct step *step, uint32_t type_id,
                       struct error *err)
{
    char subject[SYSFS_SUBJECT_SIZE];
    char bdf[BDF_SIZE];
    sysfs_subject("function", &step->device, subject);
    pci_addr_format(&step->device, bdf);
    CLEANUP_OFFERS struct offers offers = {0};
    int r = read_offers(sys, step, &step->device, &offers);
    if (r < 0) {
        r = error_set_errno(err, -r, subject, "cannot read the vGPU types that %s offers", bdf);
        error_hint(err, "check that NVIDIA's vGPU host driver is loaded");
        return r;
    }
    const struct vgpu_offer *offer = type_id == NO_ID ? NULL : offers_find(&offers, type_id, NULL);
    if (offer != NULL && offer->available > 0) {
        return 0;
    }
    CLEANUP_STRBUF struct strbuf names = {0};
    for (vec_each(&offers, other)) {
        if (other->available > 0 && names.len < 200) {
            strbuf_addf(&names, "%s%s", names.len > 0 ? ", " : "", other->name);
        }
    }
    r = error_set(err, REASON_NO_CAPACITY, subject, "%s does not offer vGPU type %s now", bdf,
                  step->type);
    if (names.len > 0) {
        error_hint(err, "it offers %s", strbuf_str(&names));
    } else {
        error_hint(err, "it offers no types: the GPU is full, or is in MIG mode without a GPU "
                        "instance for this type");
    }
    return r;
}

/* The UUID becomes part of a path. */
static int check_uuid(const struct step *step, struct error *err)
{
    if (!is_mdev(step) || parse_uuid(step->mdev_uuid)) {
        return 0;
    }
    return error_set(err, REASON_INVALID, step->mdev_uuid,
                     "\"%s\" is not a UUID for a mediated device", step->mdev_uuid);
}

int vgpu_check_create(const struct sysfs *sys, const struct step *step, struct error *err)
{
    struct vgpu now = {0};
    int r = check_uuid(step, err);
    if (r == 0) {
        r = read_current(sys, step, &now, err);
    }
    if (r != 0) {
        return r;
    }
    uint32_t type_id = find_type_id(sys, step);
    bool there = false;
    r = compare_current(step, &now, type_id, &there, err);
    return r != 0 || there ? r : check_offer(sys, step, type_id, err);
}

/* Reads back what was made and compares it with what the step asked for. */
static int verify(const struct sysfs *sys, struct step *step, uint32_t type_id, struct error *err)
{
    struct vgpu now = {0};
    int r = read_current(sys, step, &now, err);
    if (r != 0) {
        return r;
    }
    char subject[SYSFS_SUBJECT_SIZE];
    char bdf[BDF_SIZE];
    sysfs_subject("function", &step->device, subject);
    pci_addr_format(&step->device, bdf);
    if (now.type_id != type_id) {
        return error_set(err, REASON_DRIVER, subject,
                         "%s reads back vGPU type %u after %u (%s) was written", bdf, now.type_id,
                         type_id, step->type);
    }
    if (is_mdev(step) && pci_addr_cmp(&now.vf, &step->device) != 0) {
        return error_set(err, REASON_DRIVER, subject, "%s came up on another function than %s",
                         step->mdev_uuid, bdf);
    }
    if (step->placement_id != NO_ID && now.placement_id != NO_ID &&
        now.placement_id != step->placement_id) {
        return error_set(err, REASON_DRIVER, subject,
                         "the vGPU on %s has placement %u instead of %u", bdf, now.placement_id,
                         step->placement_id);
    }
    step->type_id = type_id;
    step->assigned_gi_id = now.gi_id;
    return 0;
}

/* Where the kernel keeps what the vGPU's VM starts with. */
static struct sysfs_path params_file(const struct sysfs *sys, const struct step *step)
{
    return is_mdev(step)
               ? sysfs_path(sys, "/sys/bus/mdev/devices/%s/nvidia/vgpu_params", step->mdev_uuid)
               : sysfs_pci(sys, &step->device, "nvidia/vgpu_params");
}

static int create_vendor(const struct sysfs *sys, const struct step *step, uint32_t type_id,
                         const char *subject, struct error *err)
{
    struct sysfs_path params = params_file(sys, step);
    int r = vgpu_write_placement(&params, step, subject, err);
    if (r != 0) {
        return r;
    }
    struct sysfs_path type = sysfs_pci(sys, &step->device, "nvidia/current_vgpu_type");
    char value[16];
    snprintf(value, sizeof(value), "%u", type_id);
    r = sysfs_write(&type, value, subject, err);
    if (r != 0) {
        error_hint(err,
                   "the kernel log says why (dmesg, lines with NVRM or vgpu); on a GPU in MIG "
                   "mode a GPU instance must have room for %s",
                   step->type);
    }
    return r;
}

static int create_mdev(const struct sysfs *sys, const struct step *step, uint32_t type_id,
                       const char *subject, struct error *err)
{
    char bdf[BDF_SIZE];
    pci_addr_format(&step->device, bdf);
    struct sysfs_path create = sysfs_path(
        sys, "/sys/bus/pci/devices/%s/mdev_supported_types/nvidia-%u/create", bdf, type_id);
    return sysfs_write(&create, step->mdev_uuid, subject, err);
}

int vgpu_create(const struct sysfs *sys, struct step *step, struct error *err)
{
    int r = vgpu_check_create(sys, step, err);
    if (r != 0) {
        return r;
    }
    uint32_t type_id = find_type_id(sys, step);
    struct vgpu now = {0};
    r = read_current(sys, step, &now, err);
    if (r != 0) {
        return r;
    }
    char subject[SYSFS_SUBJECT_SIZE];
    sysfs_subject("function", &step->device, subject);
    bool is_new = now.type_id == 0;
    if (is_new) {
        r = is_mdev(step) ? create_mdev(sys, step, type_id, subject, err)
                          : create_vendor(sys, step, type_id, subject, err);
    }
    struct sysfs_path params = params_file(sys, step);
    r = r != 0 ? r : vgpu_write_params(&params, step, is_new, subject, err);
    return r != 0 ? r : verify(sys, step, type_id, err);
}

int vgpu_check_params(const struct sysfs *sys, const struct step *step, struct error *err)
{
    struct vgpu now = {0};
    char device[BDF_SIZE];
    int r = check_uuid(step, err);
    r = r != 0 ? r : read_current(sys, step, &now, err);
    if (r == 0 && now.type_id == 0) {
        char subject[SYSFS_SUBJECT_SIZE];
        sysfs_subject("function", &step->device, subject);
        r = error_set(err, REASON_NOT_FOUND, subject, "there is no vGPU on %s any more",
                      device_name(step->mdev_uuid, &step->device, device));
    }
    return r;
}

int vgpu_set_params(const struct sysfs *sys, struct step *step, struct error *err)
{
    char subject[SYSFS_SUBJECT_SIZE];
    struct sysfs_path params = params_file(sys, step);
    int r = vgpu_check_params(sys, step, err);
    sysfs_subject("function", &step->device, subject);
    return r != 0 ? r : vgpu_write_params(&params, step, false, subject, err);
}

/* The vGPU that is to be deleted: *ret_there false when it is gone already, with the function or
 * without. A VF is used again and again, so another type on it is another tool's vGPU. */
static int find_victim(const struct sysfs *sys, const struct step *step, bool *ret_there,
                       struct error *err)
{
    *ret_there = false;
    int r = check_uuid(step, err);
    if (r != 0 || !sysfs_pci_exists(sys, &step->device)) {
        return r;
    }
    struct vgpu now = {0};
    struct error problem = {0};
    r = read_current(sys, step, &now, &problem);
    if (r == -REASON_UNSUPPORTED) {
        return 0; /* no vGPU interface, so no vGPU */
    }
    if (r != 0 && err != NULL) {
        *err = problem;
    }
    if (r != 0 || now.type_id == 0) {
        return r;
    }
    uint32_t type_id = find_type_id(sys, step);
    if (type_id != NO_ID && type_id != now.type_id) {
        return compare_current(step, &now, type_id, ret_there, err);
    }
    *ret_there = true;
    return 0;
}

/* Whatever was said: what an emulator has open is in use. */
static int check_holder(const struct sysfs *sys, const struct step *step, struct error *err)
{
    char subject[SYSFS_SUBJECT_SIZE];
    sysfs_subject("function", &step->device, subject);
    return is_mdev(step) ? holder_check_mdev(sys, step->mdev_uuid, subject, err)
                         : holder_check(sys, &step->device, subject, err);
}

int vgpu_check_delete(const struct sysfs *sys, const struct step *step, struct error *err)
{
    bool there = false;
    int r = find_victim(sys, step, &there, err);
    return r != 0 || !there ? r : check_holder(sys, step, err);
}

int vgpu_delete(const struct sysfs *sys, struct step *step, struct error *err)
{
    bool there = false;
    int r = find_victim(sys, step, &there, err);
    r = r != 0 || !there ? r : check_holder(sys, step, err);
    if (r != 0 || !there) {
        return r;
    }
    char subject[SYSFS_SUBJECT_SIZE];
    sysfs_subject("function", &step->device, subject);
    struct sysfs_path file =
        is_mdev(step) ? sysfs_path(sys, "/sys/bus/mdev/devices/%s/remove", step->mdev_uuid)
                      : sysfs_pci(sys, &step->device, "nvidia/current_vgpu_type");
    r = sysfs_write(&file, is_mdev(step) ? "1" : "0", subject, err);
    if (r == -REASON_IN_USE) {
        error_hint(err, "a VM or a program has the vGPU open: stop it first");
    }
    if (r != 0) {
        return r;
    }
    struct vgpu now = {0};
    r = read_current(sys, step, &now, err);
    if (r == 0 && now.type_id != 0) {
        r = error_set(err, REASON_DRIVER, subject, "the vGPU of type %u is still there",
                      now.type_id);
    }
    return r;
}
