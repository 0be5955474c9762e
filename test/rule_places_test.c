/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Can each rule be asked where it applies? For each fact and each place that asks rules a probe,
 * a rule that is broken when the fact is known, finds out which facts are known there. A rule whose
 * facts are known in no place would be dead.
 */
#include <stdio.h>
#include <stdlib.h>

#include "advise/contender.h"
#include "base/fs.h"
#include "lint/lint.h"
#include "plan/admit.h"
#include "plan/host_warnings.h"
#include "plan/planner_fixture.h"
#include "plan/preflight.h"
#include "rule_probe.h"

enum place { ADMISSION, ADVICE, WARNINGS, HOST, LINT, MIGRATED_VM, MIGRATED_DEVICE, PLACE_COUNT };
static const char *const place_names[] = {
    "admission", "advice", "plan", "host", "lint", "migration of a VM", "migration of a device"};

#define MAX_FACTS 512
static bool known[PLACE_COUNT][MAX_FACTS];

static void note(enum place place, const char *rule)
{
    unsigned fact = 0;
    assert_int_equal(sscanf(rule, "f%u", &fact), 1);
    assert_true(fact < probe_fact_count() && probe_fact_count() <= MAX_FACTS);
    known[place][fact] = true;
}

/* ---- a host that says all, and claims that say all ---- */

static void say_all(struct fixture *f)
{
    struct host *host = f->host;
    STR_SET(host->driver_version, "580.105.06");
    STR_SET(host->kernel, "6.8.0");
    STR_SET(host->libvirt_version, "11.3.0");
    STR_SET(host->qemu_version, "9.2.0");
    STR_SET(host->os, "ubuntu 24.04");
    host->open_modules = host->nvgrace_vfio = host->confidential = TRI_NO;
    host->functions_known = true;
    for (vec_each(&host->gpus, gpu)) {
        STR_SET(gpu->driver, "nvidia");
        STR_SET(gpu->name, "NVIDIA board");
        STR_SET(gpu->board.vbios, "98.02.55.00.00");
        STR_SET(gpu->reset_methods, "bus");
        gpu->iface = VGPU_IFACE_MDEV;
        gpu->iommu_group = 7;
        gpu->ecc = gpu->ecc_pending = TRI_YES;
        gpu->exclusive_process = gpu->display = TRI_NO;
        gpu->nvlinks_known = true;
        gpu->mig_timeslicing_enabled = TRI_YES;
        gpu->board.vgpu_host = BOARD_VGPU_YES;
        gpu->board.fractional_multi = gpu->board.mixed_types_multi = BOARD_YES;
        gpu->board.mixed_sizes = BOARD_YES;
        struct group_member *member = vec_push(&gpu->group_members);
        member->addr = (struct pci_addr){.bus = 0xf0};
        STR_SET(member->driver, "nvme");
        member = vec_push(&gpu->group_members);
        member->addr = host->gpus.items[gpu == host->gpus.items ? 1 : 0].addr;
        STR_SET(member->driver, "nvidia");
        struct gpu_guest *guest = vec_push(&gpu->guests);
        STR_SET(guest->vm_uuid, "11111111-1111-4111-8111-111111111111");
        STR_SET(guest->driver, "580.95.05");
    }
}

static void say_type(struct gpu *gpu, const char *name)
{
    struct board_type *type = vec_push(&gpu->board.types);
    *type = (struct board_type){
        .max_per_vm = 4, .exclusive_type = BOARD_NO, .exclusive_size = BOARD_NO};
    STR_SET(type->name, name);
}

static const struct {
    const char *gpu, *type, *profile;
    enum claim_mode mode;
} wants[] = {
    {L40S, "L40S-8Q", "", CLAIM_TIME_SLICED},
    {A100, "A100-1-5C", "", CLAIM_MIG_BACKED},
    {RTX, "DC-1-8C", "", CLAIM_TIME_SLICED_MIG_BACKED},
    {A100, "", "1g.5gb", CLAIM_GPU_INSTANCE},
    {L40S, "", "", CLAIM_PASSTHROUGH},
    {L40S_2, "", "1g.24gb", CLAIM_GPU_INSTANCE}, /* that slot has a workstation board here */
};

static const struct need need = {.memory_mib = 1024,
                                 .compute = 1,
                                 .isolation = ISOLATION_MEMORY,
                                 .gpus = 1,
                                 .count = 1,
                                 .any_licence = true};

static struct claim want(size_t i, const char *name)
{
    struct claim claim =
        make(name, wants[i].mode == CLAIM_GPU_INSTANCE ? "" : "vm1", wants[i].type);
    claim.spec.mode = wants[i].mode;
    STR_SET(claim.spec.gpu, wants[i].gpu);
    STR_SET(claim.spec.profile, wants[i].profile);
    claim.has_need = true;
    claim.need = need;
    return claim;
}

/* ---- the places ---- */

static struct planner planner_with(struct fixture *f, const struct rules *rules, const char *type)
{
    struct planner planner = planner_now(f);
    planner.rules = rules;
    say_all(f);
    for (vec_each(&f->host->gpus, gpu)) {
        say_type(gpu, type);
    }
    return planner;
}

/* The first has its GPU already. */
static int plan_second(struct planner *planner, struct fixture *f, size_t i, struct plan **ret_plan,
                       struct error *err)
{
    struct claim claim = want(i, "b");
    const struct claim *list[] = {&claim};
    const struct plan_request request = {
        .add = list, .n_add = 1, .author = "test", .new_uuid = id_uuid};
    struct claim *first = vec_push(&f->claims);
    *first = want(i, "a");
    first->assigned =
        (struct assignment){.set = true, .gpu = host_find_gpu(f->host, wants[i].gpu)->addr};
    int result = planner_admit(planner, &claim, err);
    result = result != 0 ? result : planner_build(planner, &request, ret_plan, err);
    f->claims.n = 0;
    return result;
}

static int plan_claims(struct planner *planner, size_t i, size_t n, struct plan **ret_plan,
                       struct error *err)
{
    struct claim claims[] = {want(i, "a"), want(i, "b")};
    const struct claim *list[] = {&claims[0], &claims[1]};
    const struct plan_request request = {
        .add = list, .n_add = n, .author = "test", .new_uuid = id_uuid};
    for (size_t k = 0; k < n; k++) {
        int result = planner_admit(planner, &claims[k], err);
        if (result != 0) {
            return result;
        }
    }
    return planner_build(planner, &request, ret_plan, err);
}

static void probe_admission(struct fixture *f)
{
    for (size_t i = 0; i < ARRAY_SIZE(wants); i++) {
        for (size_t fact = 0; fact < fact_count(); fact++) {
            CLEANUP(rules_freep) struct rules *rules = probe_new(fact, "claim", "");
            if (rules == NULL) {
                continue;
            }
            struct planner planner = planner_with(f, rules, wants[i].type);
            CLEANUP(plan_freep) struct plan *plan = NULL;
            struct error err = {0};
            int result = plan_claims(&planner, i, 2, &plan, &err);
            if (result == 0) {
                CLEANUP(plan_freep) struct plan *second = NULL;
                result = plan_second(&planner, f, i, &second, &err);
            }
            if (result == -REASON_RULE && err.rule[0] == 'f') {
                note(ADMISSION, err.rule);
            }
        }
    }
}

static void probe_warnings(struct fixture *f)
{
    CLEANUP(rules_freep) struct rules *rules = probe_all("claim", "warns: true,");
    for (size_t i = 0; i < ARRAY_SIZE(wants); i++) {
        struct planner planner = planner_with(f, rules, wants[i].type);
        CLEANUP(plan_freep) struct plan *plan = NULL;
        struct error err = {0};
        if (plan_claims(&planner, i, 2, &plan, &err) != 0) { /* one of both has no room */
            (void)plan_claims(&planner, i, 1, &plan, &err);
        }
        for (size_t k = 0; plan != NULL && k < plan->warnings.n; k++) {
            const char *rule = strstr(plan->warnings.items[k].text, "(rule f");
            if (rule != NULL) {
                note(WARNINGS, rule + strlen("(rule "));
            }
        }
    }
}

static void probe_advice(struct fixture *f)
{
    CLEANUP(rules_freep) struct rules *rules = probe_all("claim", "");
    for (size_t i = 0; i < ARRAY_SIZE(wants); i++) {
        struct contenders contenders = {0};
        struct planner planner = planner_now(f);
        const struct gpu_model *model =
            gpu_model_of(&planner, host_find_gpu(f->host, wants[i].gpu));
        contenders_judge(rules, model, &need, wants[i].mode, &contenders);
        for (vec_each(&contenders, contender)) {
            for (vec_each(&contender->broken, check)) {
                note(ADVICE, check->rule);
            }
        }
        contenders_done(&contenders);
    }
}

static void probe_host(struct fixture *f)
{
    CLEANUP(rules_freep) struct rules *rules = probe_all("host", "warns: true,");
    struct planner planner = planner_with(f, rules, "");
    CLEANUP_JSON json_t *list = host_warnings(&planner);
    for (size_t i = 0; i < json_array_size(list); i++) {
        note(HOST, json_string_value(json_object_get(json_array_get(list, i), "rule")));
    }
}

static void probe_lint(struct fixture *f)
{
    CLEANUP(rules_freep) struct rules *rules = probe_all("definition", "warns: true,");
    struct planner planner = planner_with(f, rules, "");
    struct vm *vm = vec_push(&f->host->vms);
    STR_SET(vm->name, "web1");
    struct domain_facts facts = {.name = "web1", .machine = "pc-q35-7.2"};
    for (vec_each(&f->host->gpus, gpu)) {
        const struct gpu_model *model = gpu_model_of(&planner, gpu);
        STR_SET(gpu->model, model->key);
        vec_push(&facts.devices)->addr = gpu->addr;
        struct claim *claim = vec_push(&f->claims);
        *claim = want(0, "a");
        claim->spec.mode = CLAIM_PASSTHROUGH;
        claim->state = CLAIM_BOUND;
        STR_SET(claim->vm, "web1");
        claim->assigned = (struct assignment){.set = true, .gpu = gpu->addr, .device = gpu->addr};
    }
    struct findings findings = {0};
    lint_domain(&facts, planner.host, planner.claims, rules, &findings);
    for (vec_each(&findings, finding)) {
        if (finding->rule[0] == 'f' && finding->rule[1] >= '0' && finding->rule[1] <= '9') {
            note(LINT, finding->rule);
        }
    }
    f->claims.n = 0;
    vec_done(&findings);
    vec_done(&facts.devices);
}

/* ---- a migration between two such hosts ---- */

static void hold_vgpu(struct fixture *f, struct vm *vm, size_t i)
{
    struct gpu *gpu = host_find_gpu(f->host, wants[i].gpu);
    struct pci_addr vf = {0};
    assert_true(gpu_vf_addr(gpu, 0, &vf));
    struct vgpu *vgpu = vec_push(&gpu->vgpus);
    vgpu->vf = vf;
    vgpu->gi_id = vgpu->placement_id = NO_ID;
    vgpu->params_known = true;
    struct vm_device *device = vec_push(&vm->devices);
    device->addr = vf;
    device->live = true;
    struct claim *claim = vec_push(&f->claims);
    *claim = want(i, "a");
    claim->state = CLAIM_BOUND;
    claim->assigned =
        (struct assignment){.set = true, .gpu = gpu->addr, .device = vf, .gi_id = NO_ID};
    STR_SET(claim->assigned.profile, wants[i].profile[0] != '\0' ? wants[i].profile : "1g.5gb");
    STR_SET(claim->spec.profile, wants[i].profile);
}

static void note_broken(enum place place, const struct checks *checks, bool of_device)
{
    for (vec_each(checks, check)) {
        if (check->result == CHECK_FAILED && (check->claim[0] != '\0') == of_device) {
            note(place, check->rule);
        }
    }
}

static void no_uuid(char out[37])
{
    snprintf(out, 37, "22222222-2222-4222-8222-222222222222");
}

/* The GPU of wants[i] first, and no other counted, so that the VM goes there. */
static struct host *copy_with_gpu(const struct fixture *f, size_t i)
{
    struct host *host = host_copy(f->host);
    struct gpu *gpu = host_find_gpu(host, wants[i].gpu);
    struct gpu first = host->gpus.items[0];
    host->gpus.items[0] = *gpu;
    *gpu = first;
    host->gpus.n = 1;
    return host;
}

static void migrate(struct fixture *f, const struct rules *rules, size_t i, enum place place)
{
    struct planner planner = planner_with(f, rules, wants[i].type);
    STR_SET(f->host->name, "alpha");
    STR_SET(f->host->cpu_arch, "x86_64");
    STR_SET(f->host->cpu_vendor, "Intel");
    STR_SET(f->host->cpu_model, "Cascadelake-Server");
    struct vm *vm = vec_push(&f->host->vms);
    STR_SET(vm->name, "vm1");
    vm->state = VM_RUNNING;
    vm->machine.known = true;
    struct gpu *gpu = host_find_gpu(f->host, wants[i].gpu);
    gpu->pci_subsystem_id = gpu->pci_subsystem_id == NO_ID ? 0x1851 : gpu->pci_subsystem_id;
    gpu->iface = VGPU_IFACE_VENDOR_VFIO;
    gpu->scheduler.policy = SCHEDULER_EQUAL_SHARE;
    gpu->heterogeneous = TRI_NO;
    CLEANUP(host_freep) struct host *target = copy_with_gpu(f, i);
    hold_vgpu(f, vm, i);
    struct vm_device *own = vec_push(&vm->devices);
    own->addr = (struct pci_addr){.bus = 0xf0};
    own->live = true;
    CLEANUP(migration_offer_freep) struct migration_offer *offer = NULL;
    CLEANUP(checks_done) struct checks checks = {0};
    CLEANUP(plan_freep) struct plan *plan = NULL;
    struct nvml_answers answers = {0};
    *vec_push(&answers) = (struct nvml_answer){.gpu = gpu->addr, .word = "live"};
    assert_int_equal(preflight_offer(&planner, vm, &offer, &f->err), 0);
    preflight_source(rules, offer, &checks);
    static const struct claims none;
    planner.host = target;
    planner.claims = &none;
    const struct plan_request request = {.author = "t", .reason = "t", .new_uuid = no_uuid};
    preflight_target(&planner, offer, &answers, &request, &plan, &checks);
    note_broken(place, &checks, place == MIGRATED_DEVICE);
    target->gpus.n = f->host->gpus.n;
    f->claims.n = 0;
    vec_done(&answers);
}

static void probe_migration(struct fixture *f, enum place place)
{
    for (size_t fact = fact_count(); fact < probe_fact_count(); fact++) {
        CLEANUP(rules_freep)
        struct rules *rules =
            probe_new(fact, place == MIGRATED_DEVICE ? "migrated-device" : "migrated-vm", "");
        for (size_t i = 0; i < 2; i++) {
            migrate(f, rules, i, place);
        }
    }
}

/* ---- the rules ---- */

static bool is_known(enum place place, const char *fact)
{
    int index = fact_find(fact);
    assert_true(index >= 0);
    return known[place][index];
}

/* All facts of the condition but those of which it is enough that they are unknown. */
static const char *find_unknown(enum place place, const json_t *condition)
{
    static const char *const others[] = {"differs-from", "older-than", "exceeds"};
    const char *fact = json_string_value(json_object_get(condition, "fact"));
    if (json_object_get(condition, "known") != NULL ||
        json_object_get(condition, "unless") != NULL) {
        return NULL;
    }
    if (!is_known(place, fact)) {
        return fact;
    }
    for (size_t i = 0; i < ARRAY_SIZE(others); i++) {
        const char *other = json_string_value(json_object_get(condition, others[i]));
        if (other != NULL && !is_known(place, other)) {
            return other;
        }
    }
    return NULL;
}

static const char *find_unknown_version(enum place place, const char *fact, const char *side)
{
    char of_side[64];
    bool of_migration = place == MIGRATED_VM || place == MIGRATED_DEVICE;
    bool all = true;
    static const char *const sides[] = {"source", "target"};
    for (size_t i = 0; of_migration && i < ARRAY_SIZE(sides); i++) {
        snprintf(of_side, sizeof(of_side), "%s.%s", sides[i], side);
        all = all && is_known(place, of_side);
    }
    return (of_migration ? all : is_known(place, fact)) ? NULL : fact;
}

/* What keeps the rule from being asked there; NULL: nothing. */
static const char *find_missing(enum place place, const json_t *rule)
{
    const json_t *when = json_object_get(rule, "when");
    const char *missing = NULL;
    for (size_t i = 0; missing == NULL && i < json_array_size(when); i++) {
        missing = find_unknown(place, json_array_get(when, i));
    }
    static const struct {
        const char *key, *fact, *side;
    } versions[] = {{"vgpu", "host.driver", "driver"},      {"driver", "host.driver", "driver"},
                    {"libvirt", "host.libvirt", "libvirt"}, {"qemu", "host.qemu", "qemu"},
                    {"kernel", "host.kernel", "kernel"},    {"guest-driver", "guest.driver", NULL}};
    for (size_t i = 0; missing == NULL && i < ARRAY_SIZE(versions); i++) {
        bool asked = json_object_get(json_object_get(rule, "from"), versions[i].key) != NULL ||
                     json_object_get(json_object_get(rule, "to"), versions[i].key) != NULL;
        missing = asked ? find_unknown_version(place, versions[i].fact, versions[i].side) : NULL;
    }
    return missing;
}

/* Where a rule must be asked: a claim is refused at its admission, and warned of in its plan. */
static enum place place_of(const json_t *rule)
{
    const char *applies = json_string_value(json_object_get(rule, "applies"));
    if (applies != NULL && str_eq(applies, "host")) {
        return HOST;
    }
    if (applies != NULL && str_eq(applies, "definition")) {
        return LINT;
    }
    if (applies != NULL && str_starts(applies, "migrated-")) {
        return str_eq(applies, "migrated-vm") ? MIGRATED_VM : MIGRATED_DEVICE;
    }
    return json_is_true(json_object_get(rule, "warns")) ? WARNINGS : ADMISSION;
}

/* The guest alone knows it, and no host can ask: the check of such a migration says so. */
static bool is_answered_by_guest(const char *fact)
{
    return str_eq(fact, "source.guest-driver-model");
}

/* A text would say "unknown" in place of that fact; NULL: of none. */
static const char *find_blank(enum place place, const char *text, char out[FACT_SIZE])
{
    for (const char *at = text; (at = strchr(at, '{')) != NULL; at++) {
        snprintf(out, FACT_SIZE, "%.*s", (int)strcspn(at + 1, "}"), at + 1);
        bool of_refusal = str_eq(out, "target.room-problem"); /* of a target without room */
        if (!of_refusal && !is_known(place, out)) {
            return out;
        }
    }
    return NULL;
}

static size_t check_texts(enum place place, const json_t *rule)
{
    static const char *const keys[] = {"message", "instead"};
    size_t n = 0;
    for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
        char fact[FACT_SIZE];
        if (find_blank(place, json_string_value(json_object_get(rule, keys[i])), fact) != NULL) {
            print_error("%s: %s: {%s} is unknown in %s\n",
                        json_string_value(json_object_get(rule, "id")), keys[i], fact,
                        place_names[place]);
            n++;
        }
    }
    return n;
}

static size_t check_file(const char *path)
{
    CLEANUP_JSON json_t *tree = NULL;
    assert_int_equal(json_read_file(path, &tree, NULL), 0);
    const json_t *list = json_object_get(tree, "rules");
    size_t dead = 0;
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *rule = json_array_get(list, i);
        const char *id = json_string_value(json_object_get(rule, "id"));
        enum place place = place_of(rule);
        const char *missing = find_missing(place, rule);
        if (missing != NULL && is_answered_by_guest(missing)) {
            continue;
        }
        bool advised = place == ADMISSION && find_missing(ADVICE, rule) == NULL;
        print_message("%s: %s%s\n", id, missing == NULL ? place_names[place] : "NOWHERE",
                      advised ? ", advice" : "");
        dead += check_texts(place, rule) + (advised ? check_texts(ADVICE, rule) : 0);
        if (missing != NULL) {
            print_error("%s: %s does not know %s\n", id, place_names[place], missing);
            dead++;
        }
    }
    return dead;
}

static void each_rule_can_be_asked_where_it_applies(void **state)
{
    struct fixture *f = *state;
    probe_admission(f);
    probe_warnings(f);
    probe_advice(f);
    probe_host(f);
    probe_lint(f);
    probe_migration(f, MIGRATED_VM);
    probe_migration(f, MIGRATED_DEVICE);
    CLEANUP_FREE char *dir = xasprintf("%s/rules", getenv("CLEAVE_DATADIR"));
    CLEANUP_STRLIST struct strlist names = {0};
    size_t dead = 0;
    assert_int_equal(fs_list(dir, &names), 0);
    for (vec_each(&names, name)) {
        CLEANUP_FREE char *path = xasprintf("%s/%s", dir, *name);
        dead += str_ends(path, ".yaml") ? check_file(path) : 0;
    }
    assert_int_equal(dead, 0);
}

/* A site's own rules may speak of whatever the reader takes: it must be known where they are
 * asked. */
static void each_fact_that_a_rule_may_speak_of_is_known(void **state)
{
    (void)state;
    static const struct {
        const char *applies, *weight;
        enum place place;
    } rows[] = {{"claim", "", ADMISSION},
                {"claim", "warns: true,", WARNINGS},
                {"host", "warns: true,", HOST},
                {"definition", "", LINT}};
    size_t n = 0;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        for (size_t fact = 0; fact < fact_count(); fact++) {
            CLEANUP(rules_freep)
            struct rules *rules = probe_new(fact, rows[i].applies, rows[i].weight);
            if (rules != NULL && !known[rows[i].place][fact]) {
                print_error("%s: rules of a %s may ask for %s, which is never known there\n",
                            place_names[rows[i].place], rows[i].applies, fact_name(fact));
                n++;
            }
        }
    }
    assert_int_equal(n, 0);
}

static int setup_with_workstation(void **state)
{
    int result = setup(state);
    add_gpu(*state, 0xa1, 0x2bb1, 0x204b, 12);
    return result;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_rule_can_be_asked_where_it_applies),
        cmocka_unit_test(each_fact_that_a_rule_may_speak_of_is_known),
    };
    return cmocka_run_group_tests_name("places of rules", tests, setup_with_workstation, teardown);
}
