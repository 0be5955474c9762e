/* SPDX-License-Identifier: Apache-2.0 */
#include "base/attr.h"
#include "store/store.h"

static const char *const names[] = {
    [RECORD_GPU] = "gpu",   [RECORD_MIGRATION] = "migration", [RECORD_DRAIN] = "drain",
    [RECORD_HOST] = "host", [RECORD_MADE] = "made",           [RECORD_RELEASED] = "released",
};
_Static_assert(ARRAY_SIZE(names) == RECORD_KIND_COUNT, "every kind of record has a name");

const char *record_kind_name(enum record_kind kind)
{
    return names[kind];
}
