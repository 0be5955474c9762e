/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Knowledge about GPU models: MIG profiles with placements, vGPU types, mixed-size placement
 * tables, PCI ids. Loaded once from data/catalog (one YAML file per model) and immutable after.
 * Every value carries its source and confidence in the files; unknown stays unknown here:
 * CAT_UNKNOWN for numbers.
 */
#ifndef CATALOG_CATALOG_H
#define CATALOG_CATALOG_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/vec.h"
#include "base/words.h"

#define CAT_UNKNOWN UINT32_MAX
#define CAT_MAX_PLACEMENTS 16
#define CAT_MAX_ALSO 2

/* Placement of a GPU instance in memory slices. */
struct cat_placement {
    uint32_t start;
    uint32_t size;
};

/* Which media engines a GI profile takes; decides what may stand next to it. */
enum cat_media {
    MEDIA_PLAIN, /* its share */
    MEDIA_ME,    /* "+me": the extra engines; at most max_instances of them */
    MEDIA_ALL,   /* "+me.all": every engine of the GPU; only MEDIA_NONE may stand next to it */
    MEDIA_NONE,  /* "-me": none */
};

/* The evidence for a value, best first. */
enum cat_confidence { CAT_MEASURED_DUMP, CAT_VENDOR_DOC, CAT_INFERRED };
WORDS_DECLARE(cat_confidence, cat_confidence_words)

/* Where a value comes from; text NULL when the value itself is unknown. */
struct cat_source {
    const char *text;
    const char *confidence; /* one of cat_confidence_words */
};

struct cat_profile {
    const char *name;      /* "1g.24gb+gfx" */
    uint32_t id;           /* driver's GI profile id (-lgip "ID") */
    uint32_t nvml_profile; /* NVML_GPU_INSTANCE_PROFILE_* value */
    uint32_t max_instances;
    uint32_t memory_mib; /* as a source states or prints it; CAT_UNKNOWN */
    uint32_t compute_slices;
    uint32_t memory_slices;
    uint32_t sm;                                          /* multiprocessors; CAT_UNKNOWN */
    uint32_t copy_engines, decoders, encoders, jpeg, ofa; /* CAT_UNKNOWN each */
    bool gfx;                                             /* "+gfx" */
    enum cat_media media;
    struct cat_placement placements[CAT_MAX_PLACEMENTS];
    uint32_t n_placements; /* 0: no source for them */
    const char *source;
    const char *confidence; /* one of cat_confidence_words */
    struct cat_source placements_source, also_source;
    const char *also[CAT_MAX_ALSO]; /* its names under other drivers and tools; NULL */
};

struct cat_vgpu_type {
    const char *name;               /* as the driver prints it without vendor prefix: "L40S-8Q" */
    const char *full_name;          /* "NVIDIA L40S-8Q", "GRID A100-1-5C" */
    uint32_t type_id;               /* CAT_UNKNOWN */
    char series;                    /* 'A', 'B', 'C', 'Q'; 'G' for the suffix-less gaming types */
    uint32_t framebuffer_mib;       /* nominal; CAT_UNKNOWN */
    uint32_t guest_framebuffer_mib; /* what a guest sees; CAT_UNKNOWN */
    uint32_t max_heads;             /* CAT_UNKNOWN */
    const char *max_resolution;     /* "7680x4320", NULL */
    bool mig_backed;
    bool listed;                /* the driver of the GPU here names it; false in the catalog */
    uint32_t max_per_gpu;       /* equal-size mode, or all GIs together; CAT_UNKNOWN */
    uint32_t max_per_gpu_mixed; /* CAT_UNKNOWN: none or unknown */
    /* MIG-backed only: */
    uint32_t gi_slices;
    uint32_t gi_profile_id; /* CAT_UNKNOWN when no source */
    const char *gi_profile; /* name of a cat_profile of the same model, or NULL */
    uint32_t max_per_gi;    /* > 1: may be time-sliced inside a GI; CAT_UNKNOWN */
    uint32_t subsystem_id;  /* of the virtual device; CAT_UNKNOWN */
    const char *source;     /* of the type id, else of the limits, else of the PCI ids */
    const char *confidence;
    struct cat_source id_source, limit_source, mixed_source, profile_source, subsystem_source;
};

/* A row of a mixed-size placement table. */
struct cat_mixed_row {
    uint32_t framebuffer_mib;
    uint32_t placement_size;
    uint32_t max_equal; /* CAT_UNKNOWN */
    uint32_t max_mixed; /* CAT_UNKNOWN */
    uint32_t placement_ids[64];
    uint32_t n_placement_ids;
};

struct cat_pci_id {
    uint32_t device;
    uint32_t subsystem; /* CAT_UNKNOWN: any (no subsystem published) */
    const char *name;
};

enum cat_arch {
    ARCH_VOLTA,
    ARCH_TURING,
    ARCH_AMPERE,
    ARCH_ADA,
    ARCH_HOPPER,
    ARCH_BLACKWELL,
    ARCH_UNKNOWN /* of no model of the catalog: a driver may have newer ones */
};
const char *cat_arch_name(enum cat_arch arch);
const char *cat_arch_key(enum cat_arch arch); /* as files name it: "ada" */

/* Can the model do something? CAT_MAYBE: no source says. */
enum cat_answer { CAT_NO, CAT_YES, CAT_MAYBE };

/* The size of a board's memory as its driver counts it, which differs from the nominal one: some is
 * kept for ECC, some for the driver. CAT_UNKNOWN each. */
struct cat_measured {
    uint32_t mib;          /* with ECC on */
    uint32_t ecc_off_mib;  /* with ECC off; unknown: the same */
    uint32_t reserved_mib; /* of that, by the driver */
    uint32_t bar1_mib;
    struct cat_source source;
};

#define CAT_NOT_MEASURED                                                                           \
    ((struct cat_measured){.mib = CAT_UNKNOWN,                                                     \
                           .ecc_off_mib = CAT_UNKNOWN,                                             \
                           .reserved_mib = CAT_UNKNOWN,                                            \
                           .bar1_mib = CAT_UNKNOWN})

struct gpu_model {
    const char *key;  /* file name without .yaml, lower case: "rtx-pro-6000-blackwell-se" */
    const char *name; /* "RTX PRO 6000 Blackwell Server Edition 96GB" */
    enum cat_arch arch;
    uint32_t memory_mib; /* nominal framebuffer; CAT_UNKNOWN when it shares the system's */
    struct cat_measured measured;
    struct {
        const char **items;
        size_t n;
        size_t cap;
    } aliases;
    VEC(struct cat_pci_id) pci_ids;
    struct cat_source pci_source, mig_source, vgpu_source, sriov_vfs_source, nvlink_source;
    /* MIG; n profiles == 0 for boards without it. */
    uint32_t compute_slices;          /* CAT_UNKNOWN */
    uint32_t memory_slices;           /* CAT_UNKNOWN */
    uint32_t max_gpu_instances;       /* CAT_UNKNOWN */
    bool mig_needs_reset;             /* Ampere: mode change by reset, survives a reboot */
    VEC(struct cat_profile) profiles; /* sorted by profile id descending, as -lgip prints */
    /* vGPU; n types == 0 for boards without it. */
    const char *vgpu_prefix; /* "A100X", NULL */
    enum cat_answer sriov, time_sliced, mixed_size, mig_backed, mig_timesliced;
    enum cat_answer nvlink; /* do full-size vGPUs of two boards exchange data over NVLink? */
    uint32_t sriov_vfs;     /* CAT_UNKNOWN */
    VEC(struct cat_vgpu_type) types;
    VEC(struct cat_mixed_row) mixed; /* empty: no published table */
};

struct catalog;

/* Loads every *.yaml of a directory (models) and of its mixed-size/ (placement tables) and checks
 * each: placements inside the GPU and of one size, ids unique, types naming existing profiles,
 * max_instances reachable, every value with a source, … Errors name file and line or key. */
int catalog_load(const char *dir, struct catalog **ret_catalog, struct error *err);
/* From $CLEAVE_DATADIR/catalog, else the installed directory. */
int catalog_load_default(struct catalog **ret_catalog, struct error *err);
void catalog_free(struct catalog *catalog);
DEFINE_FREEP(struct catalog *, catalog_free)

size_t catalog_count(const struct catalog *catalog);
const struct gpu_model *catalog_at(const struct catalog *catalog, size_t i); /* sorted by key */

/* By key, alias, name or product name ("NVIDIA A100-PCIE-40GB") with case ignored and blanks taken
 * for dashes, or "0xDEVICE[:0xSUBSYSTEM]", also mig-parted's
 * "0x<device><vendor>[:0x<subdevice><subvendor>]". Unknown: -NOT_FOUND naming the nearest keys.
 * A device id that several models share without a telling subsystem: -INVALID listing candidates.
 */
int catalog_find(const struct catalog *catalog, const char *text,
                 const struct gpu_model **ret_model, struct error *err);
/* By ids read from the hardware. NULL if unknown or ambiguous; subsystem CAT_UNKNOWN if not read.
 */
const struct gpu_model *catalog_find_pci(const struct catalog *catalog, uint32_t device,
                                         uint32_t subsystem);

/* "1g.24gb+gfx", the profile id "47", or as another tool writes it (spelling.h). -NOT_FOUND names
 * the nearest; -INVALID says what else the text is, on any model. */
int model_find_profile(const struct gpu_model *model, const char *text,
                       const struct cat_profile **ret_profile, struct error *err);
const struct cat_profile *model_profile_by_id(const struct gpu_model *model, uint32_t id);
/* May a compute instance on a GPU instance of the profile have so many slices? As many as the
 * instance has is all of it. */
bool profile_has_compute(const struct cat_profile *profile, uint32_t slices);
/* "L40S-8Q" of "NVIDIA L40S-8Q" and "GRID L40S-8Q"; points into `text`. */
const char *type_without_brand(const char *text);
/* Full or short name ("NVIDIA L40S-8Q", "L40S-8Q", "DC-1-8C"), the type id, or as another tool
 * writes it. A type without a series letter ("DC-1-12") is found by its full name or id, and by a
 * shorter one only where `listed`. */
int model_find_type(const struct gpu_model *model, const char *text,
                    const struct cat_vgpu_type **ret_type, struct error *err);
/* MiB that an instance of the profile has at least: where no source states them, seven eighths of
 * the gigabytes of its name, which no profile with published MiB falls short of. CAT_UNKNOWN. */
uint32_t profile_least_mib(const struct cat_profile *profile);
/* Does an instance of the type, or of its profile, have more or fewer media engines than others of
 * its size? */
bool type_is_for_media(const struct gpu_model *model, const struct cat_vgpu_type *type);
/* The profile of the GPU instance that a MIG-backed type lives on, or NULL if no source says. */
const struct cat_profile *model_profile_of_type(const struct gpu_model *model,
                                                const struct cat_vgpu_type *type);
/* The type's framebuffer; where no source states it, the gigabytes of its name, which are that
 * (NVIDIA vGPU software user guide, "Virtual GPU Types"). CAT_UNKNOWN. */
uint32_t type_nominal_mib(const struct cat_vgpu_type *type);
/* The framebuffer that a guest sees of the type: where no source says it of the type, as much as of
 * another type of its size on the board that is MIG-backed or not as it is; the series makes no
 * difference where both are published. CAT_UNKNOWN; `model` may be NULL. */
uint32_t type_guest_mib(const struct gpu_model *model, const struct cat_vgpu_type *type);
/* How many vGPUs of the type a GPU has at most: where no source says it of the type, as many as of
 * a time-sliced A, B or Q type of its size, for which the published tables say the same on each
 * board. CAT_UNKNOWN. */
uint32_t type_most_per_gpu(const struct gpu_model *model, const struct cat_vgpu_type *type);
/* The share of the GPU's compute that a vGPU of the type can count on, in percent, rounded down:
 * that of its GPU instance, or its turn when the GPU (or instance) is full. CAT_UNKNOWN; either may
 * be NULL. */
uint32_t type_compute(const struct gpu_model *model, const struct cat_vgpu_type *type);
/* Is a vGPU of the type all of a GPU, so that no other vGPU is there with it? */
bool type_is_whole(const struct gpu_model *model, const struct cat_vgpu_type *type);
const struct cat_vgpu_type *model_type_by_id(const struct gpu_model *model, uint32_t type_id);
/* Looks a type up over all models: for claims that name no GPU. Stops at max; returns the count. */
size_t catalog_find_types(const struct catalog *catalog, const char *text,
                          const struct gpu_model **ret_models, size_t max);

#endif
