/* SPDX-License-Identifier: Apache-2.0 */
#include "drawn_need.h"

#include "base/str.h"

void drawn_need_set(struct random *random, struct claim *claim)
{
    static const uint32_t memory[] = {0, 1024, 4096, 5000, 8192, 10240, 16384, 20480, 40960, 81920};
    static const uint32_t compute[] = {0, 0, 0, 14, 25, 28, 50, 100};
    struct need need = {
        .memory_mib = memory[random_below(random, ARRAY_SIZE(memory))],
        .compute = compute[random_below(random, ARRAY_SIZE(compute))],
        .isolation = (enum isolation)random_below(random, ISOLATION_COUNT),
        .predictable = random_below(random, 5) == 0,
        .graphics = random_below(random, 4) == 0,
        .guest = random_below(random, 6) == 0 ? GUEST_WINDOWS : GUEST_LINUX,
        .any_licence = random_below(random, 5) > 0,
        .licences = random_below(random, 2) == 0 ? 0 : LICENCE_SET(LICENCE_NVAIE),
    };
    need.usable_memory = need.memory_mib > 0 && random_below(random, 4) == 0;
    if (need.isolation != ISOLATION_NONE && random_below(random, 4) == 0) {
        need.boundary = BOUNDARY_GROUP;
    }
    claim->has_need = true;
    claim->need = need;
    claim->spec.mode = CLAIM_MODE_AUTO;
    claim->spec.type[0] = claim->spec.profile[0] = '\0';
    claim->spec.start = NO_ID;
    claim->spec.mixed = claim->spec.migratable = false;
    claim->spec.guest = need.guest;
}
