/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Compute profiles of a GPU instance. NVML numbers those of 1, 2, 3, 4, 6, 7 and 8 slices
 * (NVML_COMPUTE_INSTANCE_PROFILE_*). Published listings of `nvidia-smi mig -lcip` on the A100 have
 * 1c and 2g of a 2g, 1c, 2c and 3g of a 3g, 1c, 2c and 4g of a 4g, 1c, 2c, 3c, 4c and 7g of a 7g.
 * The MIG user guide's text also speaks of 3c.4g.20gb; no listing has it. Of each there are as many
 * as the instance has slices for.
 */
#include "catalog/catalog.h"

#define LARGEST_PART 4 /* slices of the largest compute instance that shares a GPU instance */

bool profile_has_compute(const struct cat_profile *profile, uint32_t slices)
{
    if (profile->compute_slices == CAT_UNKNOWN || slices == profile->compute_slices) {
        return true;
    }
    bool is_part = slices > 0 && slices < profile->compute_slices && slices <= LARGEST_PART;
    return is_part && !(slices == 3 && profile->compute_slices == 4);
}
