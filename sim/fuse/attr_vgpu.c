/* SPDX-License-Identifier: Apache-2.0 */
/* vGPUs in both kernel interfaces: NVIDIA's vendor VFIO files on a VF, and mediated devices. */
#include <errno.h>

#include "base/parse.h"
#include "sim/fuse/attr.h"

#define MAX_TYPES 256

/* ---- vendor VFIO: <VF>/nvidia/… ---- */

/* Heading and rows as captured from an L40S host in harvester/pcidevices; empty when the VF has a
 * vGPU or the GPU has no room (harvester/pcidevices gpuhelper.go). */
int read_creatable(const struct ref *ref, struct strbuf *out)
{
    const struct cat_vgpu_type *types[MAX_TYPES];
    struct sim_gpu *gpu = ref->fn.gpu;
    uint32_t n = sim_vf_creatable(ref->host, gpu, ref->fn.vf, types, MAX_TYPES);
    if (n > 0) {
        strbuf_add(out, "ID    : vGPU Name\n");
    }
    for (uint32_t i = 0; i < n; i++) {
        strbuf_addf(out, "%-5u : %s\n", sim_type_id(gpu->model, types[i]), types[i]->full_name);
    }
    return 0;
}

int read_current_type(const struct ref *ref, struct strbuf *out)
{
    const struct sim_vgpu *vgpu = &ref->fn.vf->vgpu;
    strbuf_addf(out, "%u\n", vgpu->exists ? sim_type_id(ref->fn.gpu->model, vgpu->type) : 0);
    return 0;
}

int write_current_type(const struct ref *ref, const char *text)
{
    uint32_t type_id = 0;
    if (!parse_u32(text, &type_id)) {
        return -EINVAL;
    }
    return sim_vf_set_type(ref->host, ref->fn.gpu, ref->fn.vf, type_id);
}

static int add_params(const struct sim_vgpu *vgpu, struct strbuf *out)
{
    strbuf_addf(out, "%s\n", vgpu->params); /* a newline alone where there are none, as there */
    return 0;
}

int read_vf_params(const struct ref *ref, struct strbuf *out)
{
    return add_params(&ref->fn.vf->vgpu, out);
}

int write_vf_params(const struct ref *ref, const char *text)
{
    return sim_vf_set_params(ref->host, ref->fn.gpu, ref->fn.vf, text);
}

/* An id, or the words of the NVIDIA vGPU user guide where it has no meaning. */
static int add_id(uint32_t id, struct strbuf *out)
{
    if (id == SIM_NONE) {
        strbuf_add(out, "Not Applicable\n");
    } else {
        strbuf_addf(out, "%u\n", id);
    }
    return 0;
}

int read_vf_gi(const struct ref *ref, struct strbuf *out)
{
    const struct sim_vgpu *vgpu = &ref->fn.vf->vgpu;
    return vgpu->exists ? add_id(vgpu->gi_id, out) : -ENXIO;
}

int read_vf_placement(const struct ref *ref, struct strbuf *out)
{
    const struct sim_vgpu *vgpu = &ref->fn.vf->vgpu;
    return vgpu->exists ? add_id(vgpu->placement_id, out) : -ENXIO;
}

int read_warm_update(const struct ref *ref, struct strbuf *out)
{
    if (!ref->fn.vf->vgpu.exists) {
        return -ENXIO;
    }
    strbuf_add(out, "0\n");
    return 0;
}

int write_warm_update(const struct ref *ref, const char *text)
{
    if (!ref->fn.vf->vgpu.exists) {
        return -ENXIO;
    }
    return str_eq(text, "0") || str_eq(text, "1") ? 0 : -EINVAL;
}

/* ---- mdev_supported_types/nvidia-NNN/… ---- */

int read_type_name(const struct ref *ref, struct strbuf *out)
{
    const struct cat_vgpu_type *type = ref->type != NULL ? ref->type : ref->mdev->type;
    strbuf_addf(out, "%s\n", type->full_name);
    return 0;
}

/* Heads and resolution of the largest display each series may have (NVIDIA vGPU user guide 17,
 * appendix A.1); the frame-rate limiter holds B types at 45 and the others at 60 per second. */
int read_type_description(const struct ref *ref, struct strbuf *out)
{
    static const struct {
        char series;
        unsigned heads, frame_rate;
        const char *resolution;
    } rows[] = {
        {'Q', 4, 60, "7680x4320"},
        {'B', 4, 45, "5120x2880"},
        {'C', 1, 60, "4096x2160"},
        {'A', 1, 60, "1280x1024"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        if (rows[i].series == ref->type->series) {
            strbuf_addf(out, "num_heads=%u, frl_config=%u, framebuffer=%uM, max_resolution=%s",
                        rows[i].heads, rows[i].frame_rate, ref->type->framebuffer_mib,
                        rows[i].resolution);
        }
    }
    if (ref->type->max_per_gpu != CAT_UNKNOWN) {
        strbuf_addf(out, ", max_instance=%u", ref->type->max_per_gpu);
    }
    strbuf_add(out, "\n");
    return 0;
}

int read_type_api(const struct ref *ref UNUSED, struct strbuf *out)
{
    strbuf_add(out, "vfio-pci\n");
    return 0;
}

int read_type_available(const struct ref *ref, struct strbuf *out)
{
    strbuf_addf(out, "%u\n", sim_mdev_available(ref->host, function_addr(&ref->fn), ref->type));
    return 0;
}

int write_mdev_create(const struct ref *ref, const char *text)
{
    return sim_mdev_create(ref->host, function_addr(&ref->fn),
                           sim_type_id(ref->fn.gpu->model, ref->type), text);
}

/* ---- an mdev's own files ---- */

int write_mdev_remove(const struct ref *ref, const char *text)
{
    uint32_t value = 0;
    if (!parse_u32(text, &value)) {
        return -EINVAL;
    }
    return value == 0 ? 0 : sim_mdev_remove(ref->host, ref->mdev->uuid);
}

int read_mdev_params(const struct ref *ref, struct strbuf *out)
{
    return add_params(ref->mdev, out);
}

int write_mdev_params(const struct ref *ref, const char *text)
{
    return sim_vgpu_set_params(ref->host, ref->fn.gpu, ref->mdev, text);
}

int read_mdev_placement(const struct ref *ref, struct strbuf *out)
{
    return add_id(ref->mdev->placement_id, out);
}

int read_mdev_uevent(const struct ref *ref UNUSED, struct strbuf *out)
{
    strbuf_add(out, "DRIVER=nvidia\n");
    return 0;
}
