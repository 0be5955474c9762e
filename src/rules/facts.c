/* SPDX-License-Identifier: Apache-2.0 */
#include "rules/facts.h"

#include <stdio.h>
#include <string.h>

#include "base/parse.h"
#include "base/str.h"

static bool set_fact(char out[FACT_SIZE], const char *text)
{
    if (text == NULL || text[0] == '\0') {
        return false;
    }
    str_copy(out, FACT_SIZE, text);
    return true;
}

static bool say_bool(char out[FACT_SIZE], bool value)
{
    return set_fact(out, value ? "true" : "false");
}

static bool say_number(char out[FACT_SIZE], uint32_t value)
{
    if (value == CAT_UNKNOWN) {
        return false;
    }
    snprintf(out, FACT_SIZE, "%u", value);
    return true;
}

/* A catalog answer: CAT_MAYBE is unknown. */
static bool say_support(char out[FACT_SIZE], int support)
{
    return support != CAT_MAYBE && say_bool(out, support == CAT_YES);
}

static bool say_tristate(char out[FACT_SIZE], enum tristate value)
{
    return value != TRI_UNKNOWN && say_bool(out, value == TRI_YES);
}

static bool claim_mode(const struct rule_facts *f, char *out)
{
    return set_fact(out, claim_mode_name(f->spec->mode));
}

static bool claim_type(const struct rule_facts *f, char *out)
{
    return set_fact(out, f->type != NULL ? f->type->name : f->spec->type);
}

static bool claim_guest(const struct rule_facts *f, char *out)
{
    return set_fact(out, guest_os_name(f->spec->guest));
}

static bool claim_mixed(const struct rule_facts *f, char *out)
{
    return say_bool(out, f->spec->mixed);
}

static bool claim_migratable(const struct rule_facts *f, char *out)
{
    return say_bool(out, f->spec->migratable);
}

static bool claim_has_vm(const struct rule_facts *f, char *out)
{
    return say_bool(out, f->has_vm);
}

static bool model_key(const struct rule_facts *f, char *out)
{
    return f->model != NULL && set_fact(out, f->model->key);
}

static bool model_name(const struct rule_facts *f, char *out)
{
    return f->model != NULL && set_fact(out, f->model->name);
}

static bool model_arch(const struct rule_facts *f, char *out)
{
    return f->model != NULL && f->model->arch != ARCH_UNKNOWN &&
           set_fact(out, cat_arch_name(f->model->arch));
}

/* A board whose profiles no one published (RTX PRO 5000 72GB) is known to have MIG by its vGPU
 * types only; one with neither has none. */
static bool model_mig(const struct rule_facts *f, char *out)
{
    if (f->model == NULL) {
        return false;
    }
    if (f->model->profiles.n > 0) {
        return say_bool(out, true);
    }
    return f->model->mig_backed == CAT_NO && say_bool(out, false);
}

static bool model_time_sliced(const struct rule_facts *f, char *out)
{
    return f->model != NULL && say_support(out, (int)f->model->time_sliced);
}

static bool model_mixed(const struct rule_facts *f, char *out)
{
    return f->model != NULL && say_support(out, (int)f->model->mixed_size);
}

static bool model_gfx(const struct rule_facts *f, char *out)
{
    if (f->model == NULL) {
        return false;
    }
    bool any = false;
    for (vec_each(&f->model->profiles, profile)) {
        any = any || profile->gfx;
    }
    return say_bool(out, any);
}

static bool type_profile(const struct rule_facts *f, char *out)
{
    return f->type != NULL && set_fact(out, f->type->gi_profile);
}

static bool type_fits_profile(const struct rule_facts *f, char *out)
{
    if (f->type == NULL || f->profile == NULL || f->type->gi_profile == NULL) {
        return false;
    }
    return say_bool(out, str_eq(f->type->gi_profile, f->profile->name));
}

static bool type_max_per_gi(const struct rule_facts *f, char *out)
{
    return f->type != NULL && f->type->mig_backed && say_number(out, f->type->max_per_gi);
}

static bool type_framebuffer(const struct rule_facts *f, char *out)
{
    return f->type != NULL && say_number(out, f->type->framebuffer_mib);
}

static bool profile_name(const struct rule_facts *f, char *out)
{
    return f->profile != NULL && set_fact(out, f->profile->name);
}

static bool profile_gfx(const struct rule_facts *f, char *out)
{
    return f->profile != NULL && say_bool(out, f->profile->gfx);
}

static bool gpu_observed(const struct rule_facts *f, char *out)
{
    return say_bool(out, f->gpu != NULL);
}

/* Unknown without one: nothing drives the GPU, and so nothing has said what it can. */
static bool gpu_driver(const struct rule_facts *f, char *out)
{
    return f->gpu != NULL && f->gpu->driver[0] != '\0' && set_fact(out, f->gpu->driver);
}

static bool gpu_address(const struct rule_facts *f, char *out)
{
    char bdf[BDF_SIZE];
    return f->gpu != NULL && set_fact(out, pci_addr_format(&f->gpu->addr, bdf));
}

/* The driver's answer wins; without one, the catalog's. */
static bool gpu_ts_supported(const struct rule_facts *f, char *out)
{
    if (f->gpu != NULL && f->gpu->mig_timeslicing_supported != TRI_UNKNOWN) {
        return say_tristate(out, f->gpu->mig_timeslicing_supported);
    }
    return f->model != NULL && say_support(out, (int)f->model->mig_timesliced);
}

static bool gpu_ts_enabled(const struct rule_facts *f, char *out)
{
    return f->gpu != NULL && say_tristate(out, f->gpu->mig_timeslicing_enabled);
}

static bool gpu_iommu(const struct rule_facts *f, char *out)
{
    return f->gpu != NULL && say_bool(out, f->gpu->iommu_group != NO_ID);
}

static bool gpu_scheduler(const struct rule_facts *f, char *out)
{
    return f->scheduler != NULL && f->scheduler->policy != SCHEDULER_UNKNOWN &&
           set_fact(out, gpu_scheduler_policy_name(f->scheduler->policy));
}

static bool gpu_vgpu_interface(const struct rule_facts *f, char *out)
{
    return f->gpu != NULL && f->gpu->iface != VGPU_IFACE_NONE &&
           set_fact(out, vgpu_interface_name(f->gpu->iface));
}

/* "11" of "11.3.0". */
static bool say_major(char *out, const char *version)
{
    char major[16];
    uint32_t value = 0;
    if (version == NULL) {
        return false;
    }
    (void)STR_SET(major, version);
    major[strcspn(major, ".")] = '\0';
    return parse_u32(major, &value) && say_number(out, value);
}

static bool host_driver(const struct rule_facts *f, char *out)
{
    return set_fact(out, f->driver);
}

static bool host_driver_major(const struct rule_facts *f, char *out)
{
    return say_major(out, f->driver);
}

static bool host_libvirt(const struct rule_facts *f, char *out)
{
    return set_fact(out, f->libvirt);
}

static bool host_libvirt_major(const struct rule_facts *f, char *out)
{
    return say_major(out, f->libvirt);
}

static bool claim_name(const struct rule_facts *f, char *out)
{
    return set_fact(out, f->claim);
}

/* ---- together with another claim of the same VM ---- */

static bool other_claim(const struct rule_facts *f, char *out)
{
    return f->other != NULL && set_fact(out, f->other->claim);
}

static bool other_type(const struct rule_facts *f, char *out)
{
    return f->other != NULL && set_fact(out, f->other->type);
}

static bool other_same_type(const struct rule_facts *f, char *out)
{
    return f->other != NULL && f->type != NULL &&
           say_bool(out, str_eq(f->type->name, f->other->type));
}

/* Board and series of both: L40S and Q. */
static bool other_same_family(const struct rule_facts *f, char *out)
{
    const struct rule_other *other = f->other;
    if (other == NULL || f->type == NULL || f->model == NULL || other->of == NULL ||
        other->model == NULL) {
        return false;
    }
    return say_bool(out, str_eq(f->model->key, other->model->key) &&
                             f->type->series == other->of->series);
}

static const struct board_type *board_type_of(const struct rule_facts *f)
{
    for (size_t i = 0; f->gpu != NULL && f->type != NULL && i < f->gpu->board.types.n; i++) {
        const struct board_type *type = &f->gpu->board.types.items[i];
        if (type->type_id == f->type->type_id || str_ends(type->name, f->type->name)) {
            return type;
        }
    }
    return NULL;
}

static bool type_max_per_vm(const struct rule_facts *f, char *out)
{
    const struct board_type *type = board_type_of(f);
    return type != NULL && type->max_per_vm != BOARD_UNKNOWN && say_number(out, type->max_per_vm);
}

static bool vm_same_type(const struct rule_facts *f, char *out)
{
    return f->other != NULL && say_number(out, f->other->n_same);
}

static bool vm_within_limit(const struct rule_facts *f, char *out)
{
    const struct board_type *type = board_type_of(f);
    return f->other != NULL && type != NULL && type->max_per_vm != BOARD_UNKNOWN &&
           say_bool(out, f->other->n_same <= type->max_per_vm);
}

/* Does the type take a whole board's memory? */
static bool type_whole(const struct rule_facts *f, char *out)
{
    return f->type != NULL && f->model != NULL && type_nominal_mib(f->type) != CAT_UNKNOWN &&
           f->model->memory_mib != CAT_UNKNOWN &&
           say_bool(out, type_nominal_mib(f->type) >= f->model->memory_mib);
}

static bool say_answer(char out[FACT_SIZE], enum board_answer answer)
{
    return answer != BOARD_ANSWER_UNKNOWN && say_bool(out, answer == BOARD_YES);
}

static bool gpu_fractional_multi(const struct rule_facts *f, char *out)
{
    return f->gpu != NULL && say_answer(out, f->gpu->board.fractional_multi);
}

static bool gpu_mixed_types_multi(const struct rule_facts *f, char *out)
{
    return f->gpu != NULL && say_answer(out, f->gpu->board.mixed_types_multi);
}

/* ---- the need ---- */

#define NEED_BOOL(name)                                                                            \
    static bool need_##name(const struct rule_facts *f, char *out)                                 \
    {                                                                                              \
        return f->need != NULL && say_bool(out, f->need->name);                                    \
    }
NEED_BOOL(graphics)
NEED_BOOL(peer_traffic)
NEED_BOOL(predictable)
NEED_BOOL(unified_memory)
NEED_BOOL(live_migration)

static bool need_boundary(const struct rule_facts *f, char *out)
{
    return f->need != NULL && set_fact(out, boundary_name(f->need->boundary));
}

static bool need_consumer(const struct rule_facts *f, char *out)
{
    return f->need != NULL && set_fact(out, consumer_name(f->need->consumer));
}

static bool need_isolation(const struct rule_facts *f, char *out)
{
    return f->need != NULL && set_fact(out, isolation_name(f->need->isolation));
}

static bool need_count(const struct rule_facts *f, char *out)
{
    return f->need != NULL && say_number(out, f->need->count);
}

static bool need_memory(const struct rule_facts *f, char *out)
{
    return f->need != NULL && say_number(out, f->need->memory_mib);
}

static bool need_licences(const struct rule_facts *f, char *out)
{
    return f->need != NULL &&
           (f->need->any_licence ? set_fact(out, "any")
                                 : licence_describe(f->need->licences, out, FACT_SIZE) != NULL);
}

/* Unknown where no source says which product a series takes. */
static bool licence_needed(const struct rule_facts *f, char *out)
{
    return f->need != NULL && licence_describe(f->licences, out, FACT_SIZE) != NULL;
}

static bool licence_covered(const struct rule_facts *f, char *out)
{
    return f->need != NULL && say_bool(out, f->licences == 0 || f->need->any_licence ||
                                                (f->need->licences & f->licences) != 0);
}

static bool model_memory(const struct rule_facts *f, char *out)
{
    return f->model != NULL && say_number(out, f->model->memory_mib);
}

static bool model_mig_backed(const struct rule_facts *f, char *out)
{
    return f->model != NULL && say_support(out, (int)f->model->mig_backed);
}

static bool model_max_instances(const struct rule_facts *f, char *out)
{
    return f->model != NULL && say_number(out, f->model->max_gpu_instances);
}

static bool model_nvlink(const struct rule_facts *f, char *out)
{
    return f->model != NULL && say_support(out, (int)f->model->nvlink);
}

/* Has the board a type for graphics in the claim's mode? */
static bool mode_graphics_types(const struct rule_facts *f, char *out)
{
    if (f->model == NULL || f->model->types.n == 0) {
        return false;
    }
    bool mig = f->spec->mode != CLAIM_TIME_SLICED;
    bool any = false;
    for (vec_each(&f->model->types, type)) {
        any = any || (type->mig_backed == mig && type->series != 'C');
    }
    return say_bool(out, any);
}

/* What a VM of this mode has to itself towards those that the need names: memory, or hardware. */
static bool mode_isolation(const struct rule_facts *f, char *out)
{
    bool grouped = f->need != NULL && f->need->boundary == BOUNDARY_GROUP;
    bool in_time = f->spec->mode == CLAIM_TIME_SLICED ||
                   (f->spec->mode == CLAIM_TIME_SLICED_MIG_BACKED && !grouped);
    return f->need != NULL &&
           set_fact(out, isolation_name(in_time ? ISOLATION_MEMORY : ISOLATION_HARDWARE));
}

/* Of what the claim's mode offers, the largest. */
static bool mode_largest(const struct rule_facts *f, char *out)
{
    uint32_t most = 0;
    if (f->model == NULL) {
        return false;
    }
    if (f->spec->mode == CLAIM_PASSTHROUGH) {
        return say_number(out, f->model->memory_mib);
    }
    for (vec_each(&f->model->types, type)) {
        uint32_t size = type_nominal_mib(type);
        if (f->spec->mode != CLAIM_GPU_INSTANCE &&
            type->mig_backed == (f->spec->mode != CLAIM_TIME_SLICED) && size != CAT_UNKNOWN) {
            most = size > most ? size : most;
        }
    }
    for (vec_each(&f->model->profiles, profile)) {
        if (f->spec->mode == CLAIM_GPU_INSTANCE && profile->memory_mib != CAT_UNKNOWN) {
            most = profile->memory_mib > most ? profile->memory_mib : most;
        }
    }
    return most > 0 && say_number(out, most);
}

static bool need_compute(const struct rule_facts *f, char *out)
{
    return f->need != NULL && say_number(out, f->need->compute);
}

static bool share_of_type(const struct rule_facts *f, char *out)
{
    return say_number(out, type_compute(f->model, f->type));
}

/* Can vGPUs of the type exchange data with another GPU's over NVLink? */
static bool type_peer_transfers(const struct rule_facts *f, char *out)
{
    char whole[FACT_SIZE];
    if (f->type == NULL || f->model == NULL) {
        return false;
    }
    if (f->type->mig_backed || f->model->nvlink == CAT_NO) {
        return say_bool(out, false);
    }
    if (!type_whole(f, whole)) {
        return false;
    }
    return str_eq(whole, "false") ? say_bool(out, false) : say_support(out, (int)f->model->nvlink);
}

static const struct {
    const char *name;
    bool (*value)(const struct rule_facts *facts, char *out);
} table[] = {
    {"claim.guest", claim_guest},
    {"claim.has-vm", claim_has_vm},
    {"claim.migratable", claim_migratable},
    {"claim.mixed", claim_mixed},
    {"claim.mode", claim_mode},
    {"claim.name", claim_name},
    {"claim.type", claim_type},
    {"gpu.address", gpu_address},
    {"gpu.driver", gpu_driver},
    {"gpu.fractional-multi-vgpu", gpu_fractional_multi},
    {"gpu.iommu", gpu_iommu},
    {"gpu.mig-time-slicing-enabled", gpu_ts_enabled},
    {"gpu.mig-time-slicing-supported", gpu_ts_supported},
    {"gpu.mixed-types-per-vm", gpu_mixed_types_multi},
    {"gpu.observed", gpu_observed},
    {"gpu.scheduler", gpu_scheduler},
    {"gpu.vgpu-interface", gpu_vgpu_interface},
    {"host.driver", host_driver},
    {"host.driver-major", host_driver_major},
    {"host.libvirt", host_libvirt},
    {"host.libvirt-major", host_libvirt_major},
    {"licence.covered", licence_covered},
    {"licence.needed", licence_needed},
    {"mode.graphics-types", mode_graphics_types},
    {"mode.isolation", mode_isolation},
    {"mode.largest-mib", mode_largest},
    {"model.arch", model_arch},
    {"model.gfx-profiles", model_gfx},
    {"model.key", model_key},
    {"model.max-gpu-instances", model_max_instances},
    {"model.memory-mib", model_memory},
    {"model.mig", model_mig},
    {"model.mig-backed", model_mig_backed},
    {"model.mixed-sizes", model_mixed},
    {"model.name", model_name},
    {"model.nvlink", model_nvlink},
    {"model.time-sliced", model_time_sliced},
    {"need.boundary", need_boundary},
    {"need.compute", need_compute},
    {"need.consumer", need_consumer},
    {"need.count", need_count},
    {"need.graphics", need_graphics},
    {"need.isolation", need_isolation},
    {"need.licences", need_licences},
    {"need.live-migration", need_live_migration},
    {"need.memory-mib", need_memory},
    {"need.peer-traffic", need_peer_traffic},
    {"need.predictable", need_predictable},
    {"need.unified-memory", need_unified_memory},
    {"other.claim", other_claim},
    {"other.same-board-and-series", other_same_family},
    {"other.same-type", other_same_type},
    {"other.type", other_type},
    {"profile.gfx", profile_gfx},
    {"profile.name", profile_name},
    {"type.compute", share_of_type},
    {"type.fits-profile", type_fits_profile},
    {"type.framebuffer-mib", type_framebuffer},
    {"type.max-per-gi", type_max_per_gi},
    {"type.max-per-vm", type_max_per_vm},
    {"type.name", claim_type},
    {"type.peer-transfers", type_peer_transfers},
    {"type.profile", type_profile},
    {"type.whole-board", type_whole},
    {"vm.same-type", vm_same_type},
    {"vm.within-limit", vm_within_limit},
};

/* After the table: what is known of a migration's source, then of its target. */
static const char *const sides[] = {
#define SOURCE_FACT(sym, name, text) "source." name,
    MIGRATION_FACT_MAP(SOURCE_FACT)
#undef SOURCE_FACT
#define TARGET_FACT(sym, name, text) "target." name,
        MIGRATION_FACT_MAP(TARGET_FACT)
#undef TARGET_FACT
};

size_t fact_count(void)
{
    return ARRAY_SIZE(table);
}

bool fact_is_of_migration(size_t index)
{
    return index >= ARRAY_SIZE(table);
}

const char *fact_name(size_t index)
{
    return fact_is_of_migration(index) ? sides[index - ARRAY_SIZE(table)] : table[index].name;
}

int fact_find(const char *name)
{
    for (size_t i = 0; i < ARRAY_SIZE(table) + ARRAY_SIZE(sides); i++) {
        if (str_eq(fact_name(i), name)) {
            return (int)i;
        }
    }
    return -1;
}

bool fact_value(size_t index, const struct rule_facts *facts, char out[FACT_SIZE])
{
    if (!fact_is_of_migration(index)) {
        return table[index].value(facts, out);
    }
    size_t i = index - ARRAY_SIZE(table);
    const struct migration_facts *side = i < MIGRATION_FACT_COUNT ? facts->source : facts->target;
    return side != NULL && set_fact(out, side->values[i % MIGRATION_FACT_COUNT]);
}
