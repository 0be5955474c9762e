/* SPDX-License-Identifier: Apache-2.0 */
#include "migration/migration_release.h"

#include "state/release_plan.h"
#include "state/state.h"

int migration_release_plan(const struct manager *m, const struct migration_devices *devices,
                           const char *author, const char *reason, struct plan **ret_plan,
                           struct error *err)
{
    const char *names[MIGRATION_MAX_CLAIMS];
    struct claim_release release = {.claims = names, .author = author, .reason = reason};
    for (vec_each(devices, device)) {
        if (claims_find(&m->claims, device->claim) != NULL) {
            names[release.n++] = device->claim;
        }
    }
    return release_plan_build(m, &release, ret_plan, err);
}
