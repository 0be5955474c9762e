/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files of two tools that people already have: mig-parted's `mig-configs` and vgpu-device-manager's
 * `vgpu-configs`. Read as written, before any GPU is known; import_fit() then asks whether a label
 * can be on a given model.
 */
#ifndef IMPORT_IMPORT_H
#define IMPORT_IMPORT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/json.h"
#include "base/vec.h"
#include "catalog/catalog.h"
#include "layout/layout.h"

#define IMPORT_MAX_LABELS 4096
#define IMPORT_MAX_ENTRIES 256  /* of a label */
#define IMPORT_MAX_FILTERS 256  /* of an entry */
#define IMPORT_MAX_DEVICES 1024 /* of an entry */
#define IMPORT_MAX_ITEMS 64     /* of an entry */
#define IMPORT_MAX_COUNT 4096   /* of one profile or type */

enum import_kind {
    IMPORT_MIG,  /* mig-configs: items are GI or CI profiles */
    IMPORT_VGPU, /* vgpu-configs: items are vGPU types */
};

/* "0x<device><vendor>[:0x<subdevice><subvendor>]" */
struct import_filter {
    uint32_t device;
    uint32_t subsystem; /* subdevice; CAT_UNKNOWN: any */
};

struct import_item {
    char name[64]; /* "1g.5gb+me", "1c.3g.20gb", "DC-1-2Q" */
    uint32_t count;
    bool foreign; /* a vGPU type as cleave reads it, and vgpu-device-manager does not */
};

/* One way to set up the GPUs that it is for. */
struct import_entry {
    VEC(struct import_filter) filters; /* none: every GPU */
    bool all_devices;
    VEC(uint32_t) devices; /* indexes, unless all */
    bool mig_enabled;      /* of mig-configs */
    VEC(struct import_item) items;
};

struct import_label {
    char name[128];
    char from[160]; /* where in the file its config is: "data.config.yaml"; "": the file is it */
    enum import_kind kind;
    VEC(struct import_entry) entries;
};

struct import_file {
    size_t n_configs;
    VEC(struct import_label) labels; /* in the order of the file */
};

/* Takes a file's documents apart; `origin` names it in errors. */
int import_parse(const json_t *documents, const char *origin, struct import_file **ret_file,
                 struct error *err);
/* Reads a file: a config, or what has some in it (ConfigMaps, helm values). "-" is standard input.
 */
int import_read(const char *path, struct import_file **ret_file, struct error *err);
void import_free(struct import_file *file);
DEFINE_FREEP(struct import_file *, import_free)

/* ---- on a GPU ---- */

enum import_verdict {
    IMPORT_FITS,
    IMPORT_OTHER_GPU, /* its filter, profiles or types are of other boards */
    IMPORT_REFUSED,   /* cannot be on this board */
    IMPORT_UNKNOWN,   /* no source says whether it can */
};
const char *import_verdict_name(enum import_verdict verdict); /* "fits", "other-gpu", … */

/* What became of one entry. */
struct import_fit {
    enum import_verdict verdict;
    bool nowhere;        /* it names what no GPU in the catalog has */
    const char *foreign; /* the first item in a spelling that the file's tool refuses */
    bool two_kinds;      /* it has time-sliced and MIG-backed types, as its tool refuses */
    bool mig;            /* MIG mode, where it fits */
    struct layout_request request; /* placed, where it fits */
    struct error why;              /* where it does not */
};

/* The GPU in question. */
struct import_target {
    const struct catalog *catalog; /* tells other boards' names from wrong ones */
    const struct gpu_model *model;
    uint32_t device; /* PCI ids; CAT_UNKNOWN if any of the model's will do */
    uint32_t subsystem;
    bool mixed; /* mixed-size mode is on */
};

void import_fit(const struct import_target *target, enum import_kind kind,
                const struct import_entry *entry, struct import_fit *ret_fit);

/* Is the entry for boards such as the target? Its devices are not asked. */
bool import_is_for(const struct import_target *target, const struct import_entry *entry);

/* Do two entries of a label want different things of one GPU? Then -CONFLICT, which names the GPU
 * and both. */
int import_check_label(const struct import_target *target, const struct import_label *label,
                       struct error *err);

#endif
