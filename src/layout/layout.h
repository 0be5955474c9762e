/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Layouts that are legal on one GPU, where to put the next thing, and why not. Pure functions over
 * the catalog: no I/O, no clock, no allocation. Occupancy is a mask of memory slices, so that the
 * same code serves one GPU and a fleet.
 */
#ifndef LAYOUT_LAYOUT_H
#define LAYOUT_LAYOUT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "catalog/catalog.h"

#define LAYOUT_MAX_GIS 16
#define LAYOUT_MAX_VGPUS 64
#define LAYOUT_ANYWHERE UINT32_MAX

typedef uint32_t slice_mask; /* bit i = memory slice i; a GPU has at most 32 */

/* A GPU instance, existing or wanted. `profile` points into the model. */
struct layout_gi {
    const struct cat_profile *profile;
    uint32_t start; /* LAYOUT_ANYWHERE: to be placed (wanted ones only) */
};

struct layout_gis {
    struct layout_gi items[LAYOUT_MAX_GIS];
    uint32_t n;
};

/* Compute instances on a GPU instance. n 0: it is not divided. */
#define LAYOUT_MAX_COMPUTE 8
struct layout_compute {
    uint32_t slices[LAYOUT_MAX_COMPUTE]; /* of each */
    uint32_t n;
};

slice_mask layout_mask(const struct layout_gi *gi);
slice_mask layout_occupied(const struct layout_gis *gis);

/* Are these GIs, all placed, allowed together? Checks placements, overlap, per-profile maxima,
 * total instances, media engines. Error: one sentence naming the two that clash. */
int layout_check(const struct gpu_model *model, const struct layout_gis *gis, struct error *err);

/* Places every wanted GI that has no start next to `existing` (which stay where they are).
 * Exhaustive: finds a placement whenever there is one; among all it prefers the one that leaves the
 * largest profiles possible, then the lowest starts. `wanted` order is kept; starts are filled in.
 * On failure: -NO_CAPACITY with the blocker in the message and the nearest layout that works in the
 * hint (fewest instances dropped or profiles shrunk). */
int layout_place(const struct gpu_model *model, const struct layout_gis *existing,
                 struct layout_gis *wanted, struct error *err);

/* Can the profile go on next to `existing`? LAYOUT_ANYWHERE if not, else the best start. */
uint32_t layout_find_start(const struct gpu_model *model, const struct layout_gis *existing,
                           const struct cat_profile *profile);
/* How many more of the profile fit next to `existing`. */
uint32_t layout_remaining(const struct gpu_model *model, const struct layout_gis *existing,
                          const struct cat_profile *profile);

/* Keeps as many of `existing` as possible while giving room to all `wanted` (a multiset without
 * starts, or with fixed ones): which of the existing serve a wanted one unchanged, which must go.
 * `pinned` bit i: existing[i] is in use and must stay; being in use, it serves only a wanted one
 * that names its start. Provably minimal: no other choice destroys fewer; among those that destroy
 * as few, the one that creates fewest, then leaves the most. Existing instances that no wanted one
 * matches are destroyed only if `destroy_unwanted` bit i or if they are in the way (never when
 * pinned). On failure as layout_place(), seen with everything gone but the pinned ones. */
struct layout_change {
    bool keep[LAYOUT_MAX_GIS];       /* per existing */
    uint32_t serves[LAYOUT_MAX_GIS]; /* per existing: index of the wanted it serves, or NO index
                                        (UINT32_MAX) */
    uint32_t start[LAYOUT_MAX_GIS];  /* per wanted: final start */
    uint32_t destroyed;
};
int layout_change(const struct gpu_model *model, const struct layout_gis *existing, uint32_t pinned,
                  uint32_t destroy_unwanted, const struct layout_gis *wanted,
                  struct layout_change *ret_change, struct error *err);

/* ---- compute instances ---- */

/* GPU instances that are asked for: so many whole ones, or compute instances on some. */
struct layout_part {
    const struct cat_profile *profile;
    uint32_t slices; /* of each compute instance; 0: the whole GPU instance */
    uint32_t start;  /* of the GPU instance, or LAYOUT_ANYWHERE */
    uint32_t count;
};

/* Appends the GPU instances that the parts need, the fewest of each profile: compute instances
 * share one of their profile that has slices left, and that starts where they are to be.
 * `compute` goes along with gis->items. -NOT_FOUND: there is no such compute profile. */
int layout_pack(const struct gpu_model *model, const struct layout_part *parts, size_t n,
                struct layout_gis *gis, struct layout_compute compute[LAYOUT_MAX_GIS],
                struct error *err);

/* Puts compute instances onto GPU instances that are there, are divided and have slices left; takes
 * them out of the parts' counts. */
void layout_share(const struct layout_gis *gis, struct layout_compute compute[LAYOUT_MAX_GIS],
                  struct layout_part *parts, size_t n);

/* "3 x 1c", "2c, 1c"; "" where the instance is not divided. Writes into out. */
const char *layout_compute_text(const struct layout_compute *compute, char *out, size_t size);

/* ---- vGPUs ---- */

/* Existing or wanted vGPU. */
struct layout_vgpu {
    const struct cat_vgpu_type *type;
    uint32_t gi;           /* index into the GIs for MIG-backed; LAYOUT_ANYWHERE: to be chosen */
    uint32_t placement_id; /* mixed-size: chosen; else LAYOUT_ANYWHERE */
};
struct layout_vgpus {
    struct layout_vgpu items[LAYOUT_MAX_VGPUS];
    uint32_t n;
};

struct layout_vgpu_mode {
    bool mig;            /* MIG mode is on: types must be MIG-backed */
    bool mixed;          /* mixed-size (heterogeneous) mode of the GPU, or of its GIs */
    bool mig_timesliced; /* GPU and hypervisor both support it */
};

/* May all these vGPUs live on these GIs (or on the whole GPU)? Checks type ↔ GI profile, one
 * framebuffer size per GI or GPU unless mixed, per-GI and per-GPU maxima, placement ids. Fills in
 * `gi` and `placement_id` where LAYOUT_ANYWHERE (a placement id stays LAYOUT_ANYWHERE where the
 * driver chooses it: equal sizes, GIs, models without a published table). */
int layout_place_vgpus(const struct gpu_model *model, const struct layout_gis *gis,
                       const struct layout_vgpu_mode *mode, struct layout_vgpus *vgpus,
                       struct error *err);

/* The GIs that MIG-backed vGPUs without one need beyond `existing`, which carry what `vgpus` says:
 * the fewest of each profile, without starts (layout_place() gives them). */
int layout_gis_for_vgpus(const struct gpu_model *model, const struct layout_gis *existing,
                         const struct layout_vgpu_mode *mode, const struct layout_vgpus *vgpus,
                         struct layout_gis *ret_added, struct error *err);

/* ---- all at once ---- */

/* What one GPU shall carry next to what it has. */
struct layout_request {
    struct layout_gis existing; /* stay; carry wanted vGPUs too */
    struct layout_gis gis;      /* wanted; none: those that the vGPUs need */
    struct layout_compute existing_compute[LAYOUT_MAX_GIS], compute[LAYOUT_MAX_GIS];
    struct layout_vgpus vgpus; /* wanted; `gi` counts existing ones first, then wanted ones */
    bool mixed;                /* the GPU, or each GI, may mix framebuffer sizes */
    bool mig_timesliced;       /* the hypervisor time-slices GIs where the GPU can */
};

/* Places the whole request, in place: the mode follows from the types, GIs (if none are named) from
 * the vGPUs; then starts, carriers and placement ids. */
int layout_fit(const struct gpu_model *model, struct layout_request *request, struct error *err);

/* Where layout_fit() says -UNKNOWN, because no source has placements: a published maximum still
 * answers for one profile alone. Then true, and the starts stay open. */
bool layout_fits_by_count(const struct gpu_model *model, struct layout_request *request);

/* Does a source say that a fitted request of mixed sizes can be placed? Where the model has no
 * table of placements, only the published maximum of one type does. -UNKNOWN if none does. */
int layout_mixed_is_known(const struct gpu_model *model, const struct layout_request *request,
                          struct error *err);

/* ---- text ---- */

/* Text map of a GPU's memory slices, for people: "[1g.5gb |2g.10gb (2 x 1c)|········]". `compute`
 * goes along with gis->items; NULL: none is divided. Writes into out. */
const char *layout_draw(const struct gpu_model *model, const struct layout_gis *gis,
                        const struct layout_compute *compute, char *out, size_t size);

/* "3g.20gb@0, 2g.10gb@4", in the order given. Writes into out. */
const char *layout_text(const struct layout_gis *gis, char *out, size_t size);

#endif
