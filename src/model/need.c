/* SPDX-License-Identifier: Apache-2.0 */
#include "model/need.h"

#include <stdio.h>
#include <string.h>

#include "base/parse.h"
#include "base/str.h"

#define MEMORY_MAX_MIB (4096U * 1024)

WORDS_DEFINE(guest_os_words, "guest", GUEST_WINDOWS + 1, WORD(GUEST_LINUX, "linux"),
             WORD(GUEST_WINDOWS, "windows"))
WORDS_DEFINE(isolation_words, "isolation", ISOLATION_COUNT, WORD(ISOLATION_NONE, "none"),
             WORD(ISOLATION_MEMORY, "memory"), WORD(ISOLATION_HARDWARE, "hardware"))
WORDS_DEFINE(boundary_words, "boundary", BOUNDARY_COUNT, WORD(BOUNDARY_VM, "vm"),
             WORD(BOUNDARY_GROUP, "group"))
WORDS_DEFINE(consumer_words, "consumer", CONSUMER_COUNT, WORD(CONSUMER_VM, "vm"),
             WORD(CONSUMER_HOST, "host"))

/* ---- amounts ---- */

static const struct {
    const char *unit;
    uint32_t mib;
} units[] = {{"M", 1},    {"Mi", 1},     {"MiB", 1},   {"Gi", 1024},       {"Ti", 1024 * 1024},
             {"G", 1024}, {"GiB", 1024}, {"GB", 1024}, {"T", 1024 * 1024}, {"TiB", 1024 * 1024}};

bool need_parse_memory(const char *text, uint32_t *ret_mib)
{
    char digits[16];
    size_t len = strspn(text, "0123456789");
    uint32_t number = 0;
    snprintf(digits, sizeof(digits), "%.*s", (int)(len < sizeof(digits) ? len : 0), text);
    for (size_t i = 0; parse_u32(digits, &number) && i < ARRAY_SIZE(units); i++) {
        if (str_eq_case(text + len, units[i].unit) && number > 0 &&
            number <= MEMORY_MAX_MIB / units[i].mib) {
            *ret_mib = number * units[i].mib;
            return true;
        }
    }
    return false;
}

const char *need_memory_text(uint32_t mib, char out[NEED_TEXT_SIZE])
{
    bool whole = mib % 1024 == 0;
    snprintf(out, NEED_TEXT_SIZE, "%u%s", whole ? mib / 1024 : mib, whole ? "GiB" : "MiB");
    return out;
}

bool need_parse_compute(const char *text, uint32_t *ret_percent)
{
    char digits[8];
    size_t len = strspn(text, "0123456789");
    const char *rest = text + len;
    uint32_t part = 0;
    uint32_t whole = 100;
    snprintf(digits, sizeof(digits), "%.*s", (int)(len < sizeof(digits) ? len : 0), text);
    if (!parse_u32(digits, &part) ||
        (*rest == '/' ? !parse_u32(rest + 1, &whole) : *rest != '\0' && !str_eq(rest, "%")) ||
        part < 1 || part > whole || whole > 100) {
        return false;
    }
    *ret_percent = 100 * part / whole;
    return true;
}

/* ---- the scheduler ---- */

enum scheduler_policy need_policy(const struct need *need, bool alone)
{
    if (need->scheduler != SCHEDULER_UNKNOWN) {
        return need->scheduler;
    }
    return need->predictable && !alone ? SCHEDULER_FIXED_SHARE : SCHEDULER_UNKNOWN;
}

/* ---- contradictions ---- */

static bool is_for_host(const struct need *need)
{
    return need->consumer == CONSUMER_HOST;
}

#define CONFLICT(name, condition)                                                                  \
    static bool name(const struct need *need)                                                      \
    {                                                                                              \
        return condition;                                                                          \
    }
CONFLICT(host_and_guest, is_for_host(need) && need->guest != GUEST_LINUX)
CONFLICT(host_and_migration, is_for_host(need) && need->live_migration)
CONFLICT(host_and_usable, is_for_host(need) && need->usable_memory)
CONFLICT(host_and_group, is_for_host(need) && need->boundary == BOUNDARY_GROUP)
CONFLICT(host_and_scheduler, is_for_host(need) && need->scheduler != SCHEDULER_UNKNOWN)
CONFLICT(host_and_mixed, is_for_host(need) && need->mixed)
CONFLICT(host_and_params, is_for_host(need) && vgpu_params_any(&need->params))
CONFLICT(unified_and_off, need->unified_memory && need->params.unified_memory == TRI_NO)
CONFLICT(peers_and_one, need->peer_traffic && need->gpus < 2)
CONFLICT(gpus_and_share, need->gpus > 1 && need->count > 1)
CONFLICT(group_and_none, need->boundary == BOUNDARY_GROUP && need->isolation == ISOLATION_NONE)
CONFLICT(usable_and_any, need->usable_memory && need->memory_mib == 0)
CONFLICT(predictable_and_others, need->predictable && need->scheduler != SCHEDULER_UNKNOWN &&
                                     need->scheduler != SCHEDULER_FIXED_SHARE)

/* Each pair that no GPU's mode could serve, whatever it is; what depends on boards, drivers and
 * licences is the rules' to judge. */
static const struct need_conflict conflicts[] = {
    {"consumer", "guest", "a process on the host has no guest", host_and_guest},
    {"consumer", "liveMigration", "only a VM moves while it runs", host_and_migration},
    {"consumer", "usableMemory", "there is no guest that could see less", host_and_usable},
    {"consumer", "boundary", "groups are of VMs", host_and_group},
    {"consumer", "scheduler", "the policies are of vGPUs", host_and_scheduler},
    {"consumer", "mixed", "the sizes are of vGPUs", host_and_mixed},
    {"consumer", "params", "the parameters are of vGPUs", host_and_params},
    {"unifiedMemory", "params", "the parameter turns it off", unified_and_off},
    {"peerTraffic", "gpus", "peers are 2 GPUs or more of one VM", peers_and_one},
    {"gpus", "count", "so many VMs on one GPU have one GPU each", gpus_and_share},
    {"boundary", "isolation", "a boundary says between whom isolation is asked for",
     group_and_none},
    {"usableMemory", "memory", "no amount is stated", usable_and_any},
    /* Time slices of best effort and equal share depend on what other VMs do: NVIDIA vGPU software
     * user guide, "Changing Scheduling Behavior for Time-Sliced vGPUs". */
    {"predictable", "scheduler", "of the policies only fixed-share keeps other VMs out",
     predictable_and_others},
};

const struct need_conflict *need_find_conflict(const struct need *need)
{
    for (size_t i = 0; i < ARRAY_SIZE(conflicts); i++) {
        if (conflicts[i].holds(need)) {
            return &conflicts[i];
        }
    }
    return NULL;
}
