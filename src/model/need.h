/* SPDX-License-Identifier: Apache-2.0 */
/* What a VM needs of a GPU, in its owner's words: no mode, no type, no profile. */
#ifndef MODEL_NEED_H
#define MODEL_NEED_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/json.h"
#include "base/words.h"
#include "model/gpu_scheduler.h"
#include "model/licence.h"
#include "model/vgpu_params.h"
#include "schema/schema.h"

enum guest_os { GUEST_LINUX, GUEST_WINDOWS };
WORDS_DECLARE(guest_os, guest_os_words)

/* What of another VM's doing must not reach this one? Names are stored and never change. */
enum isolation {
    ISOLATION_NONE,     /* "none": not asked for */
    ISOLATION_MEMORY,   /* "memory": memory and faults; a time-sliced vGPU has that */
    ISOLATION_HARDWARE, /* "hardware": compute too, by a GPU instance or a whole GPU */
    ISOLATION_COUNT
};
WORDS_DECLARE(isolation, isolation_words)

/* Between which VMs is that so? */
enum boundary {
    BOUNDARY_VM,    /* "vm": between any two */
    BOUNDARY_GROUP, /* "group": between groups; the VMs of one may share a GPU instance */
    BOUNDARY_COUNT
};
WORDS_DECLARE(boundary, boundary_words)

enum consumer {
    CONSUMER_VM,   /* "vm" */
    CONSUMER_HOST, /* "host": a process or container on the host */
    CONSUMER_COUNT
};
WORDS_DECLARE(consumer, consumer_words)

/* All zero: any GPU, for a Linux VM that has no licence. */
struct need {
    uint32_t memory_mib; /* at least; 0: any */
    bool usable_memory;  /* ... as the guest sees it; else the nominal size of a type */
    uint32_t compute;    /* at least this share of one GPU, in percent; 0: any */
    enum isolation isolation;
    enum boundary boundary;
    bool predictable; /* other VMs don't change how fast it is */
    enum consumer consumer;
    enum guest_os guest;
    bool graphics; /* a display or a graphics API */
    bool live_migration;
    bool unified_memory;             /* CUDA unified memory */
    uint32_t gpus;                   /* of one VM; 0: 1 */
    bool peer_traffic;               /* between them */
    uint32_t count;                  /* such VMs on one GPU; 0: 1 */
    bool mixed;                      /* next to vGPUs of other sizes on its GPU */
    enum scheduler_policy scheduler; /* SCHEDULER_UNKNOWN: any */
    bool any_licence;                /* whichever product it takes can be had; else: */
    licence_set licences;            /* the products that there are */
    struct vgpu_params params;       /* of its vGPU */
};

#define NEED_MAX_GPUS 16
#define NEED_MAX_COUNT 1024
#define NEED_TEXT_SIZE 32

/* {memory, usableMemory, compute, …}: only what is stated. Schema Need in api/openapi.yaml. A need
 * in which nothing is said of licences takes any. */
extern const struct schema need_schema;
/* Reads what a person writes, and refuses words that contradict each other. */
int need_from_json(const json_t *json, const char *origin, const char *path, struct need *ret_need,
                   struct error *err);
json_t *need_to_json(const struct need *need);
bool need_is_same(const struct need *a, const struct need *b);

/* How vGPUs must share the time of their GPU, or of their GPU instance: as the need says, and where
 * it says nothing by fixed share for one that has to be predictable and shares it with others.
 * SCHEDULER_UNKNOWN: in any way. `alone`: no other vGPU is there. */
enum scheduler_policy need_policy(const struct need *need, bool alone);

/* "20G", "20GiB", "512M"; without a unit it is none, for tools differ on what that means. */
bool need_parse_memory(const char *text, uint32_t *ret_mib);
/* "25%", "25", or slices of those that a GPU has: "2/7", which is 28 %. */
bool need_parse_compute(const char *text, uint32_t *ret_percent);
/* "20GiB", "512MiB". Returns out. */
const char *need_memory_text(uint32_t mib, char out[NEED_TEXT_SIZE]);
/* Two words that can't both be meant, such as a process on the host and a Windows guest. NULL:
 * there are none. */
const struct need_conflict *need_find_conflict(const struct need *need);
struct need_conflict {
    const char *word, *other; /* keys of its JSON form */
    const char *why;
    bool (*holds)(const struct need *need);
};

#endif
