/* SPDX-License-Identifier: Apache-2.0 */
/* Field values: numbers by id, each with a code of its own. Ids: nvml.h, NVML_FI_DEV_…. */
#include "sim/nvml/reader.h"
#include "sim/rpc/client.h"

#define SCOPE_GPU 0u
#define TLIMIT_MEMORY_MAX 0

/* Everything that fields are made of, read once per call. */
struct source {
    struct rpc_gpu gpu;
    struct rpc_board facts;
    struct rpc_telemetry t;
};

enum condition { ALWAYS, ECC_ON, RETIRES, REMAPS, TLIMIT, HBM, GPU_SCOPE, NOT_GA100 };

/* X(id, driver branch that first had it, type, condition, value from `s`). */
#define FIELD_MAP(X)                                                                               \
    X(1, 0, U32, ALWAYS, s->gpu.settings[SIM_SET_ECC_OFF] == 0)                                    \
    X(2, 0, U32, ALWAYS, s->gpu.settings[SIM_SET_ECC_OFF_PENDING] == 0)                            \
    X(3, 0, U64, ECC_ON, s->t.corrected.volatile_count)                                            \
    X(4, 0, U64, ECC_ON, s->t.uncorrected.volatile_count)                                          \
    X(5, 0, U64, ECC_ON, s->t.corrected.aggregate_count)                                           \
    X(6, 0, U64, ECC_ON, s->t.uncorrected.aggregate_count)                                         \
    X(11, 0, U64, ECC_ON, s->t.corrected.volatile_count)                                           \
    X(12, 0, U64, ECC_ON, s->t.uncorrected.volatile_count)                                         \
    X(22, 0, U64, ECC_ON, s->t.corrected.aggregate_count)                                          \
    X(23, 0, U64, ECC_ON, s->t.uncorrected.aggregate_count)                                        \
    X(29, 0, U32, RETIRES, 0)                                                                      \
    X(30, 0, U32, RETIRES, 0)                                                                      \
    X(31, 0, U32, RETIRES, 0)                                                                      \
    X(74, 0, U64, ALWAYS, 0)                                                                       \
    X(75, 0, U64, ALWAYS, 0)                                                                       \
    X(76, 0, U64, ALWAYS, 0)                                                                       \
    X(82, 0, U32, HBM, s->t.memory_celsius)                                                        \
    X(83, 0, U64, ALWAYS, s->t.energy_mj)                                                          \
    X(91, 0, U32, ALWAYS, 0)                                                                       \
    X(92, 0, U32, RETIRES, 0)                                                                      \
    X(93, 0, U32, RETIRES, 0)                                                                      \
    X(94, 0, U32, ALWAYS, 0)                                                                       \
    X(95, 0, U32, ALWAYS, 0)                                                                       \
    X(142, 0, U32, REMAPS, 0)                                                                      \
    X(143, 0, U32, REMAPS, s->t.uncorrected.aggregate_count)                                       \
    X(144, 0, U32, REMAPS, s->t.uncorrected.volatile_count > 0)                                    \
    X(145, 0, U32, REMAPS, 0)                                                                      \
    X(169, 520, U32, ALWAYS, 0)                                                                    \
    X(170, 520, U32, ALWAYS, 0)                                                                    \
    X(173, 530, U32, ALWAYS, 0)                                                                    \
    X(174, 530, U32, ALWAYS, 0)                                                                    \
    X(175, 530, U32, ALWAYS, 0)                                                                    \
    X(176, 530, U32, ALWAYS, 0)                                                                    \
    X(177, 530, U32, ALWAYS, 0)                                                                    \
    X(178, 530, U32, ALWAYS, 0)                                                                    \
    X(179, 530, U32, ALWAYS, 0)                                                                    \
    X(180, 530, U32, ALWAYS, 0)                                                                    \
    X(181, 530, U32, ALWAYS, 0)                                                                    \
    X(182, 530, U32, ALWAYS, 0)                                                                    \
    X(184, 530, U32, ALWAYS, s->gpu.mig_capable && s->gpu.arch > NVML_ARCH_AMPERE)                 \
    X(185, 535, U32, NOT_GA100, s->t.now.power_mw)                                                 \
    X(186, 535, U32, GPU_SCOPE, s->t.now.power_mw)                                                 \
    X(187, 535, U32, GPU_SCOPE, s->facts.min_power_mw)                                             \
    X(188, 535, U32, GPU_SCOPE, s->facts.power_mw)                                                 \
    X(189, 535, U32, GPU_SCOPE, s->facts.power_mw)                                                 \
    X(190, 535, U32, GPU_SCOPE, s->t.limit_mw)                                                     \
    X(191, 535, U64, GPU_SCOPE, s->t.energy_mj)                                                    \
    X(192, 535, U32, GPU_SCOPE, s->t.limit_mw)                                                     \
    X(193, 535, I32, TLIMIT, (int32_t)(s->facts.max_celsius - s->facts.shutdown_celsius))          \
    X(194, 535, I32, TLIMIT, (int32_t)(s->facts.max_celsius - s->facts.slowdown_celsius))          \
    X(195, 535, I32, TLIMIT, TLIMIT_MEMORY_MAX)                                                    \
    X(196, 535, I32, TLIMIT, 0)                                                                    \
    X(251, 570, U64, ALWAYS, 0)                                                                    \
    X(252, 570, U64, ALWAYS, 0)                                                                    \
    X(253, 570, U64, ALWAYS, 0)

static bool holds(enum condition condition, const struct source *s, uint32_t scope)
{
    switch (condition) {
    case ALWAYS:
        return true;
    case ECC_ON:
        return s->gpu.settings[SIM_SET_ECC_OFF] == 0;
    case RETIRES:
        return s->facts.page_retirement;
    case REMAPS:
        return s->facts.row_remapper;
    case TLIMIT:
        return s->facts.tlimit;
    case HBM:
        return s->facts.hbm;
    case GPU_SCOPE:
        return scope == SCOPE_GPU;
    case NOT_GA100: /* averaged power: Ampere and newer, but GA100 */
        return scope == SCOPE_GPU && s->gpu.arch >= NVML_ARCH_AMPERE &&
               !(s->gpu.arch == NVML_ARCH_AMPERE && s->facts.hbm);
    }
    return false;
}

static void put(struct nvml_field_value *field, enum nvml_value_type type, int64_t value)
{
    field->value_type = type;
    field->value.u64 = 0;
    if (type == NVML_VALUE_I32) {
        field->value.i32 = (int32_t)value;
    } else if (type == NVML_VALUE_U32) {
        field->value.u32 = (uint32_t)value;
    } else {
        field->value.u64 = (uint64_t)value;
    }
}

static bool older_than(uint32_t branch)
{
    return session_branch() < branch;
}

static int32_t fill(const struct source *s, struct nvml_field_value *field)
{
    switch (field->field_id) {
#define X(id, since, type, condition, value)                                                       \
    case id:                                                                                       \
        if (older_than(since)) {                                                                   \
            return NVML_ERROR_INVALID_ARGUMENT;                                                    \
        }                                                                                          \
        if (!holds(condition, s, field->scope_id)) {                                               \
            return NVML_ERROR_NOT_SUPPORTED;                                                       \
        }                                                                                          \
        put(field, NVML_VALUE_##type, (int64_t)(value));                                           \
        return NVML_SUCCESS;
        FIELD_MAP(X)
#undef X
    default:
        return NVML_ERROR_NOT_SUPPORTED;
    }
}

int32_t nvmlDeviceGetFieldValues(struct nvml_device *device, int32_t values_count,
                                 struct nvml_field_value *values)
{
    struct source s;
    int r = device_read(device, values, &s.gpu);
    if (r == NVML_SUCCESS && values_count <= 0) {
        r = NVML_ERROR_INVALID_ARGUMENT;
    }
    if (r == NVML_SUCCESS) {
        r = facts_read(device, values, &s.facts);
    }
    if (r == NVML_SUCCESS) {
        r = telemetry_read(device, values, &s.t);
    }
    for (int32_t i = 0; r == NVML_SUCCESS && i < values_count; i++) {
        values[i].timestamp = (int64_t)s.t.now.time_us;
        values[i].latency_usec = 0;
        values[i].nvml_return = fill(&s, &values[i]);
    }
    return r;
}

/* Clears counters; those there are stay what they are. */
int32_t nvmlDeviceClearFieldValues(struct nvml_device *device, int32_t values_count,
                                   struct nvml_field_value *values)
{
    struct ref ref;
    int r = board_ref(device, values, &ref);
    if (r == NVML_SUCCESS && values_count <= 0) {
        r = NVML_ERROR_INVALID_ARGUMENT;
    }
    for (int32_t i = 0; r == NVML_SUCCESS && i < values_count; i++) {
        values[i].nvml_return = NVML_ERROR_NOT_SUPPORTED;
    }
    return r;
}
