/* SPDX-License-Identifier: Apache-2.0 */
/*
 * VMs of claims that are gone. A VM that can't be seen is not gone yet: libvirt may have come up
 * without the disk on which its definitions are, or be another one. A claim is released only when
 * libvirt said in an event that its VM was undefined, or when one and the same libvirt had its VM
 * and then had it no more, and had not lost all of its VMs at once. Loop thread only.
 */
#ifndef WATCH_GONE_H
#define WATCH_GONE_H

#include "model/claim.h"
#include "model/host.h"

struct manager;

/* A claim whose VM is gone, and since when. */
struct gone {
    char claim[NAME_SIZE];
    uint64_t since_us; /* monotonic */
    /* Nothing shows that the VM was undefined: the claim is kept. Else it is released after a
     * while. */
    bool held;
    char why[96]; /* it is held */
};

struct gone_vms *gone_new(void);
void gone_free(struct gone_vms *gone);

/* NULL: its VM is there, or it has none. */
struct gone *gone_find(const struct manager *m, const char *claim);
/* The claim's VM is there again. */
void gone_forget(struct manager *m, const struct gone *gone);
/* Forgets the entries of claims that are no longer stored. */
void gone_trim(struct manager *m);
/* Until its release, in microseconds; 0: it is due. Means nothing for one that is held. */
uint64_t gone_left_us(const struct manager *m, const struct gone *gone);
/* Before `now` takes the place of what was seen of the VMs: which of them are gone for good? */
void gone_note(struct manager *m, const struct host *now);
/* Is the claim's VM not there now, and no migration has to do with it? */
bool vm_is_gone(const struct manager *m, const struct claim *claim);
/* An earlier cleaved has seen the claim's VM go: the grace period goes on from then. */
void gone_remember(struct manager *m, const struct claim *claim);
/* No one has seen the claim's VM end: the claim is kept, and an event says so. */
void gone_hold(struct manager *m, const struct claim *claim);
/* Stores with the claim since when its VM is gone, for a cleaved that is started again before the
 * grace period is over. 0: its VM is there. */
void gone_store_since(struct manager *m, const struct claim *claim, uint64_t realtime_us);

#endif
