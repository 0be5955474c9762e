/* SPDX-License-Identifier: Apache-2.0 */
/* Looks and who waits for them, from inside. Private to src/watch, and to tests; loop thread only
 * unless said. */
#ifndef WATCH_LOOKS_INSIDE_H
#define WATCH_LOOKS_INSIDE_H

#include "base/error.h"
#include "base/vec.h"
#include "exec/ports.h"
#include "watch/source.h"

struct observer {
    observed_fn *fn;
    void *data;
    uint64_t needs[SOURCE_COUNT]; /* number of the look that answers; 0: not asked for */
    uint64_t due_us; /* monotonic: what was seen last will do then; 0: it has to be fresh */
};
struct observers {
    struct observer *items;
    size_t n;
    size_t cap;
};

/* Looks at one half, and the one under way. */
struct observation {
    struct worker *worker;
    uint64_t begun; /* looks so far; the last one is under way if it is not `ended` */
    uint64_t ended;
    bool known;           /* manager->host has what a look found */
    struct error problem; /* of the last look that ended; reason NONE: there was none */
    uint64_t begun_us;    /* monotonic */
    uint64_t seen_us;     /* real time: when the last whole look began; 0: never */
    uint64_t late_us;     /* monotonic: when patience with the look under way ends */
    bool late;            /* it is over: that look is waited for no more */
    bool again;           /* sysfs is looked at once more, for NVML is late */
    /* The look under way; the worker's until it is done: */
    struct ports ports;
    struct host *host;
    int result;
    struct error err;
};

/* NVML is asked what it knows of `host`; the driver worker's until it is done. */
struct driver_look {
    struct manager *manager;
    struct gpu_port *port;
    struct host *host;
    uint64_t number;   /* of the look */
    uint64_t n_plans;  /* manager->n_plans when it began */
    uint64_t since_us; /* monotonic */
    int result;
    struct error err;
};

struct looks {
    struct observation at[SOURCE_COUNT];
    struct observers observers;
    struct worker *driver_worker;    /* asks NVML; steps have workers of their own */
    struct driver_look *driver_look; /* under way; NULL: none */
    bool driver_known;               /* NVML has answered once */
    char driver_problem[128];        /* of GPUs while NVML is late; "": it is not */
    bool driver_unasked;             /* that is: a step in hand keeps NVML closed */
    struct host *kernel_view;        /* while NVML is late: its GPUs as the kernel shows them */
    struct evloop_timer *patience;   /* with looks under way, and of who only reads */
};

static inline bool observation_is_under_way(const struct observation *observation)
{
    return observation->begun > observation->ended;
}

#endif
