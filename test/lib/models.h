/* SPDX-License-Identifier: Apache-2.0 */
/* GPU models made by hand, so that tests of layout need no catalog files. */
#ifndef TEST_LIB_MODELS_H
#define TEST_LIB_MODELS_H

#include "catalog/catalog.h"
#include "layout/layout.h"

extern const struct gpu_model model_a100;         /* A100 40GB: 8 memory slices, 7 compute */
extern const struct gpu_model model_a30;          /* A30: 4 and 4 */
extern const struct gpu_model model_rtx_pro_6000; /* 12 and 4, "+gfx", MIG time-slicing */
extern const struct gpu_model model_l40s;         /* no MIG; mixed sizes */

/* By name, of a type also without the family before it; the test fails if the model has none. */
const struct cat_profile *model_profile(const struct gpu_model *model, const char *name);
const struct cat_vgpu_type *model_type(const struct gpu_model *model, const char *name);

/* "3g.20gb@0 2g.10gb 1g.5gb=2": blanks between, no start means anywhere, "=n" repeats. */
struct layout_gis gis_of(const struct gpu_model *model, const char *text);
/* "DC-1-8Q=3 DC-1-8A": to be placed. */
struct layout_vgpus vgpus_of(const struct gpu_model *model, const char *text);

#endif
