/* SPDX-License-Identifier: Apache-2.0 */
/* What a VM needs of a GPU, in its owner's words: no mode, no type, no profile. */
#ifndef MODEL_NEED_H
#define MODEL_NEED_H

#include <stdbool.h>
#include <stdint.h>

#include "model/claim.h"
#include "model/gpu_scheduler.h"
#include "model/licence.h"

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
};

#endif
