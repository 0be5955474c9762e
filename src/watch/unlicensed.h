/* SPDX-License-Identifier: Apache-2.0 */
/* vGPUs of running VMs that have no licence, or no longer. Loop thread only. */
#ifndef WATCH_UNLICENSED_H
#define WATCH_UNLICENSED_H

#include <stdint.h>

#include "model/vgpu_licence.h"

struct hardware_look;
struct manager;

/* A guest's reboot gives the licence back and takes it again, within some minutes. */
#define UNLICENSED_PATIENCE_US (UINT64_C(5) * 60 * 1000000)

/* Licence states seen of one vGPU while one VM has had the vGPU. All zero: nothing yet. */
struct licence_history {
    enum vgpu_licence_state last;
    bool was_licensed;
    uint64_t since_us; /* monotonic: when it was seen to be missing first; 0: it is not */
    bool reported;
};

enum licence_news {
    LICENCE_NO_NEWS,
    LICENCE_LOST,      /* it was there, and is not */
    LICENCE_NEVER_GOT, /* the time for getting one is over, and the driver holds the vGPU back */
    LICENCE_IS_BACK,
};

/* Takes in what a look shows; what there is to report. Pure. */
enum licence_news licence_history_add(struct licence_history *history,
                                      const struct vgpu_licence *licence, uint64_t now_us);

struct unlicensed;
struct unlicensed *unlicensed_new(void);
void unlicensed_free(struct unlicensed *unlicensed);
/* Events for what has changed since the last look. */
void unlicensed_note(struct manager *m, struct hardware_look *look);

#endif
