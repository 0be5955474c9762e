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

static bool host_libvirt(const struct rule_facts *f, char *out)
{
    return set_fact(out, f->libvirt);
}

static bool host_libvirt_major(const struct rule_facts *f, char *out)
{
    char major[16];
    uint32_t value = 0;
    if (f->libvirt == NULL) {
        return false;
    }
    (void)STR_SET(major, f->libvirt);
    major[strcspn(major, ".")] = '\0';
    return parse_u32(major, &value) && say_number(out, value);
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
    return f->type != NULL && f->model != NULL && f->type->framebuffer_mib != CAT_UNKNOWN &&
           f->model->memory_mib != CAT_UNKNOWN &&
           say_bool(out, f->type->framebuffer_mib >= f->model->memory_mib);
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
    {"host.libvirt", host_libvirt},
    {"host.libvirt-major", host_libvirt_major},
    {"model.arch", model_arch},
    {"model.gfx-profiles", model_gfx},
    {"model.key", model_key},
    {"model.mig", model_mig},
    {"model.mixed-sizes", model_mixed},
    {"model.name", model_name},
    {"model.time-sliced", model_time_sliced},
    {"other.claim", other_claim},
    {"other.same-board-and-series", other_same_family},
    {"other.same-type", other_same_type},
    {"other.type", other_type},
    {"profile.gfx", profile_gfx},
    {"profile.name", profile_name},
    {"type.fits-profile", type_fits_profile},
    {"type.framebuffer-mib", type_framebuffer},
    {"type.max-per-gi", type_max_per_gi},
    {"type.max-per-vm", type_max_per_vm},
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
