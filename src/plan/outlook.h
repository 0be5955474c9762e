/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Host, claims and records as they will be when plans are done, without a look at the hardware: for
 * who asks what a change would do behind others that are not made yet. What only the driver can
 * tell (ids of what it makes, UUIDs of GPUs that come home) is unknown there. Pure.
 */
#ifndef PLAN_OUTLOOK_H
#define PLAN_OUTLOOK_H

#include "model/claim.h"
#include "model/gpu_record.h"
#include "model/host.h"
#include "model/plan.h"

struct outlook {
    struct host *host;
    struct claims claims;
    struct gpu_records records;
};

/* Copies of its own; outlook_done() frees them. */
void outlook_init(struct outlook *outlook, const struct host *host, const struct claims *claims,
                  const struct gpu_records *records);
void outlook_done(struct outlook *outlook);
/* The plan is done. */
void outlook_follow(struct outlook *outlook, const struct plan *plan);
/* The VM has started, with what its definition names. */
void outlook_start(struct outlook *outlook, const char *vm_name, const char *vm_uuid);
/* An ATTACH or DETACH has changed the stored definition of a VM of the host; other kinds do
 * nothing. */
void outlook_define(struct host *host, const struct step *step);

#endif
