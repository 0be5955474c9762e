/* SPDX-License-Identifier: Apache-2.0 */
/* The two ways a GPU carries vGPUs; layout_place_vgpus() picks one. Private to layout. */
#ifndef LAYOUT_VGPU_H
#define LAYOUT_VGPU_H

#include "layout/layout.h"

/* Each type suits the mode, and none exceeds its maximum per GPU. */
int vgpu_check(const struct gpu_model *model, const struct layout_vgpu_mode *mode,
               const struct layout_vgpus *vgpus, struct error *err);

/* On GPU instances, time-sliced inside them or not. */
int vgpu_place_mig(const struct gpu_model *model, const struct layout_gis *gis,
                   const struct layout_vgpu_mode *mode, struct layout_vgpus *vgpus,
                   struct error *err);
/* On the whole GPU, all of one size. */
int vgpu_place_equal(const struct gpu_model *model, struct layout_vgpus *vgpus, struct error *err);
/* On the whole GPU, sizes as they come: chooses placement ids. */
int vgpu_place_mixed(const struct gpu_model *model, struct layout_vgpus *vgpus, struct error *err);

/* Vgpus of exactly this type. */
uint32_t vgpu_count(const struct layout_vgpus *vgpus, const struct cat_vgpu_type *type);

#endif
