/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Known layouts and known impossibilities, each with where it is written down, against the catalog
 * that ships. A row is a model, and profiles as gis_of() reads them.
 */
#include "test.h"

#include <string.h>

#include "base/str.h"
#include "loaded_catalog.h"
#include "models.h"

#define NOS "nebuly-ai/nos pkg/gpu/mig/known_configs.go"
#define HAMI "Project-HAMi/HAMi 0ce9ff83^ scheduler/device-configmap.yaml, knownMigGeometries"
#define OPERATOR "NVIDIA/gpu-operator a22dbf671 state-mig-manager/0400_configmap.yaml"
#define MIG_GUIDE "NVIDIA MIG user guide: side by side since R510"
#define VGPU_GUIDE "NVIDIA vGPU software user guide, MIG-backed examples"
#define NVML_H "nvml.h (NVML API 13) on *_ALL_ME profiles"
#define LGIPP "derived from the placements and maxima of nvidia-smi mig -lgip, -lgipp"

struct possible {
    const char *model;
    const char *profiles;
    const char *source;
};

struct impossible {
    const char *model;
    const char *profiles;
    const char *why; /* part of the message */
    const char *source;
};

/* clang-format off */
static const struct possible possible[] = {
    { "a100-sxm4-40gb", "7g.40gb", NOS },
    { "a100-sxm4-40gb", "4g.20gb 2g.10gb 1g.5gb", NOS },
    { "a100-sxm4-40gb", "4g.20gb 1g.5gb=3", NOS },
    { "a100-sxm4-40gb", "3g.20gb=2", NOS },
    { "a100-sxm4-40gb", "3g.20gb 2g.10gb 1g.5gb", NOS },
    { "a100-sxm4-40gb", "3g.20gb 1g.5gb=3", NOS },
    { "a100-sxm4-40gb", "2g.10gb=2 3g.20gb", NOS },
    { "a100-sxm4-40gb", "2g.10gb 1g.5gb=2 3g.20gb", NOS },
    { "a100-sxm4-40gb", "2g.10gb=3 1g.5gb", NOS },
    { "a100-sxm4-40gb", "2g.10gb 1g.5gb=5", NOS },
    { "a30", "2g.12gb=2", NOS },
    { "a100-sxm4-40gb", "1g.5gb=7", HAMI },
    { "a100-sxm4-40gb", "3g.20gb=2", HAMI },
    { "a100-sxm4-80gb", "3g.40gb=2", HAMI },
    { "h100-sxm5-80gb", "1g.10gb=7", HAMI },
    { "h100-sxm5-80gb", "1g.10gb 2g.20gb=3", HAMI },
    { "h100-sxm5-80gb", "3g.40gb=2", HAMI },
    { "h100-nvl-94gb", "1g.12gb 2g.24gb=3", HAMI },
    { "h100-nvl-94gb", "3g.47gb=2", HAMI },
    { "h20-96gb", "1g.12gb=7", HAMI },
    { "h20-96gb", "3g.48gb=2", HAMI },
    { "h200-sxm5-141gb", "1g.18gb=7", HAMI },
    { "h200-sxm5-141gb", "1g.18gb 2g.35gb=3", HAMI },
    { "h200-sxm5-141gb", "3g.71gb=2", HAMI },
    { "b200-180gb", "1g.23gb=7", HAMI },
    { "b200-180gb", "1g.23gb 2g.45gb=3", HAMI },
    { "b200-180gb", "3g.90gb=2", HAMI },
    { "rtx-pro-6000-blackwell-se", "1g.24gb=4", HAMI },
    { "rtx-pro-6000-blackwell-se", "4g.96gb", HAMI },
    { "a100-sxm4-40gb", "1g.5gb=7", OPERATOR },
    { "a100-sxm4-40gb", "1g.5gb+me", OPERATOR },
    { "a100-sxm4-40gb", "3g.20gb=2", OPERATOR },
    { "a100-sxm4-40gb", "7g.40gb", OPERATOR },
    { "rtx-pro-6000-blackwell-se", "1g.24gb-me=4", OPERATOR },
    { "rtx-pro-6000-blackwell-se", "2g.48gb=2", OPERATOR },
    { "rtx-pro-6000-blackwell-se", "2g.48gb+gfx=2", OPERATOR },
    { "rtx-pro-6000-blackwell-se", "4g.96gb+gfx", OPERATOR },
    { "h100-sxm5-80gb", "1g.10gb=7", OPERATOR },
    { "h100-pcie-80gb", "1g.10gb=7", OPERATOR },
    { "a100-sxm4-80gb", "1g.10gb=7", OPERATOR },
    { "a100-sxm4-40gb", "1g.10gb=4", OPERATOR },
    { "a100-sxm4-80gb", "1g.10gb+me", OPERATOR },
    { "h100-sxm5-80gb", "1g.10gb+me", OPERATOR },
    { "h100-pcie-80gb", "1g.10gb+me", OPERATOR },
    { "a100-sxm4-80gb", "1g.20gb=4", OPERATOR },
    { "b200-180gb", "1g.23gb=7", OPERATOR },
    { "b200-180gb", "1g.23gb+me", OPERATOR },
    { "rtx-pro-6000-blackwell-se", "1g.24gb+me", OPERATOR },
    { "h100-sxm5-80gb", "2g.20gb=3", OPERATOR },
    { "a100-sxm4-80gb", "3g.40gb=2", OPERATOR },
    { "h100-sxm5-80gb", "3g.40gb=2", OPERATOR },
    { "h100-pcie-80gb", "3g.40gb=2", OPERATOR },
    { "a100-sxm4-80gb", "4g.40gb", OPERATOR },
    { "h100-pcie-80gb", "4g.40gb", OPERATOR },
    { "a100-sxm4-80gb", "7g.80gb", OPERATOR },
    { "h100-sxm5-80gb", "7g.80gb", OPERATOR },
    { "h100-pcie-80gb", "7g.80gb", OPERATOR },
    { "a30", "2g.12gb=2", OPERATOR },
    { "a30", "4g.24gb", OPERATOR },
    { "h100-nvl-94gb", "1g.12gb=7", OPERATOR },
    { "gh200-96gb", "1g.12gb=7", OPERATOR },
    { "h20-96gb", "1g.12gb=7", OPERATOR },
    { "h100-nvl-94gb", "1g.12gb+me", OPERATOR },
    { "h20-96gb", "1g.12gb+me", OPERATOR },
    { "h100-nvl-94gb", "1g.24gb=4", OPERATOR },
    { "gh200-96gb", "1g.24gb=4", OPERATOR },
    { "h20-96gb", "1g.24gb=4", OPERATOR },
    { "rtx-pro-6000-blackwell-se", "1g.24gb=4", OPERATOR },
    { "gh200-96gb", "2g.24gb=3", OPERATOR },
    { "b200-180gb", "2g.45gb=3", OPERATOR },
    { "gb200-186gb", "2g.47gb=3", OPERATOR },
    { "h100-nvl-94gb", "4g.47gb", OPERATOR },
    { "gh200-96gb", "3g.48gb=2", OPERATOR },
    { "h20-96gb", "3g.48gb=2", OPERATOR },
    { "gb200-186gb", "3g.93gb=2", OPERATOR },
    { "gh200-96gb", "4g.48gb", OPERATOR },
    { "h20-96gb", "4g.48gb", OPERATOR },
    { "b200-180gb", "4g.90gb", OPERATOR },
    { "gb200-186gb", "4g.93gb", OPERATOR },
    { "gb200-186gb", "7g.186gb", OPERATOR },
    { "rtx-pro-6000-blackwell-se", "1g.24gb=2 2g.48gb", OPERATOR },
    { "gh200-144gb", "1g.18gb=2 2g.36gb 3g.72gb", OPERATOR },
    { "h200-sxm5-141gb", "1g.18gb=2 2g.35gb 3g.71gb", OPERATOR },
    { "h100-nvl-94gb", "1g.12gb=2 2g.24gb 3g.47gb", OPERATOR },
    { "h20-3e-141gb", "1g.18gb=7", OPERATOR },
    { "h200-sxm5-141gb", "1g.18gb+me", OPERATOR },
    { "h200-nvl-141gb", "1g.18gb+me", OPERATOR },
    { "gh200-144gb", "1g.18gb+me", OPERATOR },
    { "h200-sxm5-141gb", "1g.35gb=4", OPERATOR },
    { "gb300-278gb", "1g.35gb=7", OPERATOR },
    { "h20-3e-141gb", "2g.35gb=3", OPERATOR },
    { "h200-sxm5-141gb", "2g.35gb=3", OPERATOR },
    { "h200-nvl-141gb", "2g.35gb=3", OPERATOR },
    { "h20-3e-141gb", "3g.71gb=2", OPERATOR },
    { "h200-sxm5-141gb", "3g.71gb=2", OPERATOR },
    { "h200-sxm5-141gb", "4g.71gb", OPERATOR },
    { "h20-3e-141gb", "7g.141gb", OPERATOR },
    { "h200-sxm5-141gb", "7g.141gb", OPERATOR },
    { "gh200-144gb", "1g.36gb=4", OPERATOR },
    { "gh200-144gb", "3g.72gb=2", OPERATOR },
    { "gh200-144gb", "4g.72gb", OPERATOR },
    { "b300-269gb", "1g.34gb+me", OPERATOR },
    { "b300-269gb", "1g.67gb=4", OPERATOR },
    { "b300-269gb", "3g.135gb=2", OPERATOR },
    { "b300-269gb", "4g.135gb", OPERATOR },
    { "b300-269gb", "7g.269gb", OPERATOR },
    { "gb300-278gb", "1g.35gb+me", OPERATOR },
    { "gb300-278gb", "1g.70gb=4", OPERATOR },
    { "gb300-278gb", "2g.70gb=3", OPERATOR },
    { "gb300-278gb", "3g.139gb=2", OPERATOR },
    { "a100-sxm4-40gb", "4g.20gb 3g.20gb", MIG_GUIDE },
    { "a100-sxm4-40gb", "2g.10gb=3", VGPU_GUIDE },
    { "a100-sxm4-40gb", "3g.20gb=2", VGPU_GUIDE },
    { "a100-sxm4-40gb", "4g.20gb 2g.10gb 1g.5gb", VGPU_GUIDE },
    { "rtx-pro-6000-blackwell-se", "1g.24gb+me.all 1g.24gb-me=3", NVML_H },
};

static const struct impossible impossible[] = {
    { "a100-sxm4-40gb", "1g.5gb=8", "takes at most 7 of \"1g.5gb\", and 8 are wanted", LGIPP },
    { "a100-sxm4-40gb", "1g.5gb+me=2", "takes at most 1 of \"1g.5gb+me\", and 2 are wanted", LGIPP },
    { "a100-sxm4-40gb", "4g.20gb=2", "takes at most 1 of \"4g.20gb\", and 2 are wanted", LGIPP },
    { "a100-sxm4-40gb", "3g.20gb=3", "takes at most 2 of \"3g.20gb\", and 3 are wanted", LGIPP },
    { "a100-sxm4-40gb", "3g.20gb=2 1g.5gb", "need 9 memory slices, and 8 of 8 are free", LGIPP },
    { "a100-sxm4-40gb", "4g.20gb 2g.10gb=2", "need 8 compute slices, and 7 of 7 are free", LGIPP },
    { "a100-sxm4-40gb", "4g.20gb 3g.20gb 1g.5gb", "need 9 memory slices, and 8 of 8 are free", LGIPP },
    { "a100-sxm4-40gb", "2g.10gb=4", "takes at most 3 of \"2g.10gb\", and 4 are wanted", LGIPP },
    { "h100-sxm5-80gb", "1g.20gb=5", "takes at most 4 of \"1g.20gb\", and 5 are wanted", LGIPP },
    { "h100-sxm5-80gb", "1g.20gb=2 3g.40gb=2", "memory slices, and 8 of 8 are free", LGIPP },
    { "a30", "1g.6gb=5", "takes at most 4 of \"1g.6gb\", and 5 are wanted", LGIPP },
    { "a30", "4g.24gb 1g.6gb", "need 5 memory slices, and 4 of 4 are free", LGIPP },
    { "rtx-pro-6000-blackwell-se", "2g.48gb=2 1g.24gb", "need 15 memory slices, and 12 of 12 are free", LGIPP },
    { "rtx-pro-6000-blackwell-se", "1g.24gb+me.all 2g.48gb+me.all", "takes every media engine, so \"2g.48gb+me.all\" cannot stand next to it", NVML_H },
};

/* Every maximal layout of the base profiles: nothing more of them can be added. Derived from
 * -lgipp; for 7-slice parts the 19 are those of the table in the NVIDIA MIG user guide. */
static const struct {
    const char *model;
    const char *layout;
} maximal[] = {
    { "a100-sxm4-40gb", "1g.5gb@0 1g.5gb@1 1g.5gb@2 1g.5gb@3 1g.5gb@4 1g.5gb@5 1g.5gb@6" },
    { "a100-sxm4-40gb", "1g.5gb@0 1g.5gb@1 1g.5gb@2 1g.5gb@3 2g.10gb@4 1g.5gb@6" },
    { "a100-sxm4-40gb", "1g.5gb@0 1g.5gb@1 1g.5gb@2 1g.5gb@3 3g.20gb@4" },
    { "a100-sxm4-40gb", "1g.5gb@0 1g.5gb@1 2g.10gb@2 1g.5gb@4 1g.5gb@5 1g.5gb@6" },
    { "a100-sxm4-40gb", "1g.5gb@0 1g.5gb@1 2g.10gb@2 2g.10gb@4 1g.5gb@6" },
    { "a100-sxm4-40gb", "1g.5gb@0 1g.5gb@1 2g.10gb@2 3g.20gb@4" },
    { "a100-sxm4-40gb", "2g.10gb@0 1g.5gb@2 1g.5gb@3 1g.5gb@4 1g.5gb@5 1g.5gb@6" },
    { "a100-sxm4-40gb", "2g.10gb@0 1g.5gb@2 1g.5gb@3 2g.10gb@4 1g.5gb@6" },
    { "a100-sxm4-40gb", "2g.10gb@0 1g.5gb@2 1g.5gb@3 3g.20gb@4" },
    { "a100-sxm4-40gb", "2g.10gb@0 2g.10gb@2 1g.5gb@4 1g.5gb@5 1g.5gb@6" },
    { "a100-sxm4-40gb", "2g.10gb@0 2g.10gb@2 2g.10gb@4 1g.5gb@6" },
    { "a100-sxm4-40gb", "2g.10gb@0 2g.10gb@2 3g.20gb@4" },
    { "a100-sxm4-40gb", "3g.20gb@0 1g.5gb@4 1g.5gb@5 1g.5gb@6" },
    { "a100-sxm4-40gb", "3g.20gb@0 2g.10gb@4 1g.5gb@6" },
    { "a100-sxm4-40gb", "3g.20gb@0 3g.20gb@4" },
    { "a100-sxm4-40gb", "4g.20gb@0 1g.5gb@4 1g.5gb@5 1g.5gb@6" },
    { "a100-sxm4-40gb", "4g.20gb@0 2g.10gb@4 1g.5gb@6" },
    { "a100-sxm4-40gb", "4g.20gb@0 3g.20gb@4" },
    { "a100-sxm4-40gb", "7g.40gb@0" },
    { "h100-sxm5-80gb", "1g.10gb@0 1g.10gb@1 1g.10gb@2 1g.10gb@3 1g.10gb@4 1g.10gb@5 1g.10gb@6" },
    { "h100-sxm5-80gb", "1g.10gb@0 1g.10gb@1 1g.10gb@2 1g.10gb@3 2g.20gb@4 1g.10gb@6" },
    { "h100-sxm5-80gb", "1g.10gb@0 1g.10gb@1 1g.10gb@2 1g.10gb@3 3g.40gb@4" },
    { "h100-sxm5-80gb", "1g.10gb@0 1g.10gb@1 2g.20gb@2 1g.10gb@4 1g.10gb@5 1g.10gb@6" },
    { "h100-sxm5-80gb", "1g.10gb@0 1g.10gb@1 2g.20gb@2 2g.20gb@4 1g.10gb@6" },
    { "h100-sxm5-80gb", "1g.10gb@0 1g.10gb@1 2g.20gb@2 3g.40gb@4" },
    { "h100-sxm5-80gb", "2g.20gb@0 1g.10gb@2 1g.10gb@3 1g.10gb@4 1g.10gb@5 1g.10gb@6" },
    { "h100-sxm5-80gb", "2g.20gb@0 1g.10gb@2 1g.10gb@3 2g.20gb@4 1g.10gb@6" },
    { "h100-sxm5-80gb", "2g.20gb@0 1g.10gb@2 1g.10gb@3 3g.40gb@4" },
    { "h100-sxm5-80gb", "2g.20gb@0 2g.20gb@2 1g.10gb@4 1g.10gb@5 1g.10gb@6" },
    { "h100-sxm5-80gb", "2g.20gb@0 2g.20gb@2 2g.20gb@4 1g.10gb@6" },
    { "h100-sxm5-80gb", "2g.20gb@0 2g.20gb@2 3g.40gb@4" },
    { "h100-sxm5-80gb", "3g.40gb@0 1g.10gb@4 1g.10gb@5 1g.10gb@6" },
    { "h100-sxm5-80gb", "3g.40gb@0 2g.20gb@4 1g.10gb@6" },
    { "h100-sxm5-80gb", "3g.40gb@0 3g.40gb@4" },
    { "h100-sxm5-80gb", "4g.40gb@0 1g.10gb@4 1g.10gb@5 1g.10gb@6" },
    { "h100-sxm5-80gb", "4g.40gb@0 2g.20gb@4 1g.10gb@6" },
    { "h100-sxm5-80gb", "4g.40gb@0 3g.40gb@4" },
    { "h100-sxm5-80gb", "7g.80gb@0" },
    { "a30", "1g.6gb@0 1g.6gb@1 1g.6gb@2 1g.6gb@3" },
    { "a30", "1g.6gb@0 1g.6gb@1 2g.12gb@2" },
    { "a30", "2g.12gb@0 1g.6gb@2 1g.6gb@3" },
    { "a30", "2g.12gb@0 2g.12gb@2" },
    { "a30", "4g.24gb@0" },
    { "rtx-pro-6000-blackwell-se", "1g.24gb@0 1g.24gb@3 1g.24gb@6 1g.24gb@9" },
    { "rtx-pro-6000-blackwell-se", "1g.24gb@0 1g.24gb@3 2g.48gb@6" },
    { "rtx-pro-6000-blackwell-se", "2g.48gb@0 1g.24gb@6 1g.24gb@9" },
    { "rtx-pro-6000-blackwell-se", "2g.48gb@0 2g.48gb@6" },
    { "rtx-pro-6000-blackwell-se", "4g.96gb@0" },
};

static const struct base {
    const char *model;
    const char *profiles[6];
    uint32_t layouts;   /* maximal ones */
    uint32_t multisets; /* the same without places */
} bases[] = {
    { "a100-sxm4-40gb", { "1g.5gb", "2g.10gb", "3g.20gb", "4g.20gb", "7g.40gb" }, 19, 14 },
    { "h100-sxm5-80gb", { "1g.10gb", "2g.20gb", "3g.40gb", "4g.40gb", "7g.80gb" }, 19, 14 },
    { "a30", { "1g.6gb", "2g.12gb", "4g.24gb" }, 5, 4 },
    { "rtx-pro-6000-blackwell-se", { "1g.24gb", "2g.48gb", "4g.96gb" }, 5, 4 },
};

/* What stands, what is added, and the start it gets (LAYOUT_ANYWHERE: none). */
static const struct {
    const char *model;
    const char *existing;
    const char *added;
    uint32_t start;
} sequences[] = {
    { "rtx-pro-6000-blackwell-se", "1g.24gb@3 1g.24gb@6", "2g.48gb", LAYOUT_ANYWHERE },
    { "rtx-pro-6000-blackwell-se", "1g.24gb@6 1g.24gb@9", "2g.48gb", 0 },
    { "a100-sxm4-40gb", "1g.5gb@1 1g.5gb@3 1g.5gb@5", "2g.10gb", LAYOUT_ANYWHERE },
    { "a100-sxm4-40gb", "1g.5gb@4", "3g.20gb", 0 },
};

/* vGPUs on GIs; why NULL: they fit. */
static const struct {
    const char *model;
    const char *gis; /* NULL: MIG mode is off */
    const char *vgpus;
    const char *why;
    const char *source;
} vgpus[] = {
    { "a100-pcie-40gb", "1g.5gb=7", "A100-1-5C=7", NULL, "vGPU type tables: 7 per GPU" },
    { "rtx-pro-6000-blackwell-se", "1g.24gb+gfx", "DC-1-12Q DC-1-8Q", "takes one framebuffer size",
      "measured: bigstack-oss/cubecos PR#1223" },
    { "rtx-pro-6000-blackwell-se", "1g.24gb", "DC-1-24C", "needs a \"1g.24gb+gfx\" GPU instance",
      "open-gpu-kernel-modules 595.45.04, GFX_SIZE flags" },
    { "a40", NULL, "A40-24Q A40-12Q", "in equal-size mode a GPU takes one size", VGPU_GUIDE },
    { "a100-pcie-40gb", "3g.20gb=2", "A100-3-20C=2", NULL, VGPU_GUIDE },
    { "a100-pcie-40gb", "3g.20gb=2", "A100-3-20C=3", "takes at most 2 of \"A100-3-20C\"", VGPU_GUIDE },
    { "a100-pcie-40gb", "2g.10gb=3", "A100-2-10C=3", NULL, VGPU_GUIDE },
    { "a100-pcie-40gb", "4g.20gb 2g.10gb 1g.5gb", "A100-4-20C A100-2-10C A100-1-5C", NULL, VGPU_GUIDE },
    { "a100-pcie-40gb", "2g.10gb", "A100-1-5C", "needs a \"1g.5gb\" GPU instance, and there is only 2g.10gb",
      "open-gpu-kernel-modules 595.45.04, vgpuSmcTypeIdMappings" },
    { "a100-pcie-40gb", "2g.10gb", "A100-2-10C=2", "would need MIG time-slicing",
      "open-gpu-kernel-modules 595.45.04, kernel_vgpu_mgr.c" },
    { "a100-pcie-40gb", NULL, "A100-1-5C", "lives on a GPU instance, and MIG mode is off",
      "measured: bigstack-oss/cubecos PR#1223, empty list and EIO" },
    { "rtx-pro-6000-blackwell-se", "1g.24gb+gfx", "DC-1-3Q=4 DC-1-3A=4", NULL,
      "measured: bigstack-oss/cubecos PR#1223, Q and A on one instance" },
};
/* clang-format on */

static const struct gpu_model *model_of(const char *key)
{
    const struct gpu_model *model = NULL;
    struct error err;
    if (catalog_find(catalog, key, &model, &err) != 0) {
        fail_msg("%s", err.message);
    }
    return model;
}

static void every_layout_that_is_written_down_as_possible_is_placed(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(possible); i++) {
        const struct gpu_model *model = model_of(possible[i].model);
        struct layout_gis none = {.n = 0};
        struct layout_gis gis = gis_of(model, possible[i].profiles);
        struct error err;
        if (layout_place(model, &none, &gis, &err) != 0 || layout_check(model, &gis, &err) != 0) {
            fail_msg("%s: %s (%s): %s", possible[i].model, possible[i].profiles, possible[i].source,
                     err.message);
        }
    }
}

static void every_layout_that_cannot_be_is_refused_for_its_reason(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(impossible); i++) {
        const struct gpu_model *model = model_of(impossible[i].model);
        struct layout_gis none = {.n = 0};
        struct layout_gis gis = gis_of(model, impossible[i].profiles);
        struct error err = {.message = "placed"};
        if (layout_place(model, &none, &gis, &err) == 0 ||
            strstr(err.message, impossible[i].why) == NULL) {
            fail_msg("%s: %s (%s): %s", impossible[i].model, impossible[i].profiles,
                     impossible[i].source, err.message);
        }
    }
}

/* ---- maximal layouts ---- */

struct enumeration {
    const struct gpu_model *model;
    const struct cat_profile *profiles[6];
    uint32_t n_profiles;
    uint32_t layouts;
    char multisets[64][96];
    uint32_t n_multisets;
};

static bool is_maximal(const struct enumeration *e, const struct layout_gis *gis)
{
    for (uint32_t i = 0; i < e->n_profiles; i++) {
        if (layout_remaining(e->model, gis, e->profiles[i]) > 0) {
            return false;
        }
    }
    return true;
}

static bool is_listed(const struct enumeration *e, const struct layout_gis *gis)
{
    for (size_t i = 0; i < ARRAY_SIZE(maximal); i++) {
        struct layout_gis known = {.n = 0};
        if (str_eq(maximal[i].model, e->model->key)) {
            known = gis_of(e->model, maximal[i].layout);
        }
        uint32_t same = 0;
        for (uint32_t a = 0; a < known.n; a++) {
            for (uint32_t b = 0; b < gis->n; b++) {
                same += known.items[a].profile == gis->items[b].profile &&
                        known.items[a].start == gis->items[b].start;
            }
        }
        if (known.n == gis->n && same == gis->n) {
            return true;
        }
    }
    return false;
}

static void count_multiset(struct enumeration *e, const struct layout_gis *gis)
{
    char text[96] = "";
    for (uint32_t p = 0; p < e->n_profiles; p++) {
        uint32_t n = 0;
        for (uint32_t i = 0; i < gis->n; i++) {
            n += gis->items[i].profile == e->profiles[p];
        }
        text[p] = (char)('0' + n);
    }
    for (uint32_t i = 0; i < e->n_multisets; i++) {
        if (str_eq(e->multisets[i], text)) {
            return;
        }
    }
    assert_true(e->n_multisets < ARRAY_SIZE(e->multisets));
    STR_SET(e->multisets[e->n_multisets++], text);
}

static void enumerate(struct enumeration *e, struct layout_gis gis, uint32_t profile,
                      uint32_t placement)
{
    if (profile == e->n_profiles) {
        if (is_maximal(e, &gis)) {
            char text[256];
            if (!is_listed(e, &gis)) {
                fail_msg("%s: %s is not listed", e->model->key,
                         layout_text(&gis, text, sizeof(text)));
            }
            e->layouts++;
            count_multiset(e, &gis);
        }
        return;
    }
    const struct cat_profile *p = e->profiles[profile];
    if (placement == p->n_placements) {
        enumerate(e, gis, profile + 1, 0);
        return;
    }
    enumerate(e, gis, profile, placement + 1);
    gis.items[gis.n++] = (struct layout_gi){p, p->placements[placement].start};
    if (layout_check(e->model, &gis, NULL) == 0) {
        enumerate(e, gis, profile, placement + 1);
    }
}

static void the_maximal_layouts_are_those_of_the_tables(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(bases); i++) {
        struct enumeration e = {.model = model_of(bases[i].model)};
        while (bases[i].profiles[e.n_profiles] != NULL) {
            e.profiles[e.n_profiles] = model_profile(e.model, bases[i].profiles[e.n_profiles]);
            e.n_profiles++;
        }
        enumerate(&e, (struct layout_gis){.n = 0}, 0, 0);
        assert_int_equal(e.layouts, bases[i].layouts);
        assert_int_equal(e.n_multisets, bases[i].multisets);
    }
}

/* ---- one after the other ---- */

static void one_more_instance_finds_its_start_or_none(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(sequences); i++) {
        const struct gpu_model *model = model_of(sequences[i].model);
        struct layout_gis existing = gis_of(model, sequences[i].existing);
        uint32_t start =
            layout_find_start(model, &existing, model_profile(model, sequences[i].added));
        if (start != sequences[i].start) {
            fail_msg("%s next to %s starts at %d", sequences[i].added, sequences[i].existing,
                     (int)start);
        }
    }
}

static void vgpus_live_where_the_sources_say(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(vgpus); i++) {
        const struct gpu_model *model = model_of(vgpus[i].model);
        struct layout_vgpu_mode mode = {.mig = vgpus[i].gis != NULL,
                                        .mig_timesliced = model->mig_timesliced == CAT_YES};
        struct layout_gis none = {.n = 0};
        struct layout_gis gis = gis_of(model, mode.mig ? vgpus[i].gis : "");
        struct layout_vgpus wanted = vgpus_of(model, vgpus[i].vgpus);
        struct error err = {.message = ""};
        assert_int_equal(layout_place(model, &none, &gis, &err), 0);
        int r = layout_place_vgpus(model, &gis, &mode, &wanted, &err);
        bool right =
            vgpus[i].why == NULL ? r == 0 : r != 0 && strstr(err.message, vgpus[i].why) != NULL;
        if (!right) {
            fail_msg("%s on %s (%s): %s", vgpus[i].vgpus, vgpus[i].gis, vgpus[i].source,
                     r == 0 ? "fits" : err.message);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_layout_that_is_written_down_as_possible_is_placed),
        cmocka_unit_test(every_layout_that_cannot_be_is_refused_for_its_reason),
        cmocka_unit_test(the_maximal_layouts_are_those_of_the_tables),
        cmocka_unit_test(one_more_instance_finds_its_start_or_none),
        cmocka_unit_test(vgpus_live_where_the_sources_say),
    };
    return cmocka_run_group_tests(tests, load_catalog, unload_catalog);
}
