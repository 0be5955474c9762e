/* SPDX-License-Identifier: Apache-2.0 */
#include "model/made.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "model/encode.h"

static void vgpu_key(const struct pci_addr *gpu, const struct pci_addr *device,
                     const char *mdev_uuid, char out[MADE_KEY_SIZE])
{
    char bdf[BDF_SIZE];
    char vf[BDF_SIZE];
    str_print(out, MADE_KEY_SIZE, "%s vgpu %s", pci_addr_format(gpu, bdf),
              device_name(mdev_uuid, device, vf));
    for (char *at = out; *at != '\0'; at++) {
        *at = (char)tolower((unsigned char)*at);
    }
}

static void gi_key(const struct pci_addr *gpu, uint32_t start, uint32_t size,
                   char out[MADE_KEY_SIZE])
{
    char bdf[BDF_SIZE];
    str_print(out, MADE_KEY_SIZE, "%s gpu-instance %u+%u", pci_addr_format(gpu, bdf), start, size);
}

bool made_key(const struct step *step, char out[MADE_KEY_SIZE])
{
    switch ((int)step->kind) {
    case STEP_VGPU_CREATE:
    case STEP_VGPU_DELETE:
        vgpu_key(&step->gpu, &step->device, step->mdev_uuid, out);
        return true;
    case STEP_GI_CREATE:
    case STEP_GI_DESTROY:
        gi_key(&step->gpu, step->start, step->size, out);
        return true;
    default:
        return false;
    }
}

void made_key_of_vgpu(const struct pci_addr *gpu, const struct vgpu *vgpu, char out[MADE_KEY_SIZE])
{
    vgpu_key(gpu, &vgpu->vf, vgpu->mdev_uuid, out);
}

void made_key_of_gi(const struct pci_addr *gpu, const struct gi *gi, char out[MADE_KEY_SIZE])
{
    gi_key(gpu, gi->start, gi->size, out);
}

bool made_is_on(const char *key, const struct pci_addr *gpu)
{
    char bdf[BDF_SIZE];
    pci_addr_format(gpu, bdf);
    size_t len = strlen(bdf);
    return strncmp(key, bdf, len) == 0 && key[len] == ' ';
}

bool made_is_wiped_by(enum step_kind kind)
{
    switch ((int)kind) {
    case STEP_SRIOV_ENABLE:
    case STEP_SRIOV_DISABLE:
    case STEP_MIG_ENABLE:
    case STEP_MIG_DISABLE:
    case STEP_BIND_VFIO:
    case STEP_GPU_RESET:
    case STEP_PCI_RESCAN:
        return true;
    default:
        return false;
    }
}

json_t *made_to_json(const struct step *step)
{
    bool is_vgpu = step->kind == STEP_VGPU_CREATE;
    return json_pack("{s:s, s:o, s:o, s:o}", "kind", is_vgpu ? "vgpu" : "gpu-instance", "gpu",
                     encode_addr(&step->gpu), "type",
                     encode_text(is_vgpu ? step->type : step->profile), "claim",
                     encode_text(step->claim));
}

int made_check_json(const json_t *document, struct error *err)
{
    static const char *const keys[] = {"kind", "gpu", "type"};
    for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
        if (!json_is_string(json_object_get(document, keys[i]))) {
            return error_set(err, REASON_INTERNAL, "store", "its \"%s\" is no text", keys[i]);
        }
    }
    return 0;
}
