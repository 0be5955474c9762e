/* SPDX-License-Identifier: Apache-2.0 */
/* From which versions on a rule holds, and up to which. Private to src/rules. */
#ifndef RULES_VERSION_RANGE_H
#define RULES_VERSION_RANGE_H

#include <stddef.h>

#include "base/json.h"
#include "rules/rule_facts.h"
#include "rules/version.h"

/* X(symbol, key in a file, what people call it, fact of one host, fact of a side of a migration) */
#define VERSION_KIND_MAP(X)                                                                        \
    X(VGPU, "vgpu", "vGPU", "host.driver", "driver")                                               \
    X(DRIVER, "driver", "driver", "host.driver", "driver")                                         \
    X(LIBVIRT, "libvirt", "libvirt", "host.libvirt", "libvirt")                                    \
    X(QEMU, "qemu", "QEMU", "host.qemu", "qemu")                                                   \
    X(KERNEL, "kernel", "kernel", "host.kernel", "kernel")                                         \
    X(GUEST_DRIVER, "guest-driver", "guest driver", "guest.driver", "guest-driver")

enum version_kind {
#define VERSION_KIND_ENUM(sym, key, word, fact, side) VERSION_##sym,
    VERSION_KIND_MAP(VERSION_KIND_ENUM)
#undef VERSION_KIND_ENUM
        VERSION_KIND_COUNT
};

struct version_range {
    char from[VERSION_KIND_COUNT][VERSION_SIZE]; /* the first; "" none */
    char to[VERSION_KIND_COUNT][VERSION_SIZE];   /* the first where it no longer holds; "" none */
};

#define VERSION_RANGE_TEXT_SIZE 256

/* Reads `from` and `to` of a rule. `migrated`: of a migration's sides. */
void version_range_read(struct reader *r, bool migrated, struct version_range *range);
bool version_range_is_open(const struct version_range *range);
/* Of a migration it is enough that one of both hosts is in the range. */
enum tristate version_range_holds(const struct version_range *range, bool migrated,
                                  const struct rule_facts *facts);
/* "vGPU 17 and later, before libvirt 10.0"; "" if the range is open. Returns out. */
const char *version_range_text(const struct version_range *range,
                               char out[VERSION_RANGE_TEXT_SIZE]);
/* Does it begin or end with that version, or a later one of its kind? `kind` and `version` as in a
 * file; a vGPU release is compared with drivers', too. Writes how: "begins with vGPU 19". */
bool version_range_changes_since(const struct version_range *range, enum version_kind kind,
                                 const char *version, char ret_change[VERSION_RANGE_TEXT_SIZE]);
/* {"vgpu": "17", …}; null if there is none. */
json_t *version_range_bound(const char bounds[VERSION_KIND_COUNT][VERSION_SIZE]);
/* "19", "19.1" and "v19.1" are of vGPU software, "580", "R580" and "580.82.07" of NVIDIA's driver;
 * "libvirt=9.7" names its kind. False and `err` if it is none of these. */
bool version_range_parse_since(const char *text, enum version_kind *ret_kind,
                               char ret_version[VERSION_SIZE], struct error *err);

#endif
