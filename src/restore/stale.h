/* SPDX-License-Identifier: Apache-2.0 */
/* VMs whose definitions or saved states still name old devices. */
#ifndef RESTORE_STALE_H
#define RESTORE_STALE_H

#include <jansson.h>

#include "model/claim.h"
#include "model/host.h"

/* A device that a claim had when the host began to be restored. */
struct stale_device {
    char claim[NAME_SIZE];
    struct claim_device device;
};
struct stale_devices {
    struct stale_device *items;
    size_t n;
    size_t cap;
};

/* Adds what claims of VMs have now; one that is remembered stays as it was. vec_done() frees. */
void stale_remember(struct stale_devices *before, const struct claims *claims);
/* Forgets those whose claim is gone, or whose VM has no saved state. */
void stale_forget(struct stale_devices *before, const struct host *host,
                  const struct claims *claims);
/* `definitions` of schema Restore in api/openapi.yaml; empty while libvirt does not answer. */
json_t *stale_list(const struct host *host, const struct claims *claims,
                   const struct stale_devices *before);

#endif
