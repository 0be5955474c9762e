/* SPDX-License-Identifier: Apache-2.0 */
#include "plan/host_warnings.h"

#include "base/str.h"
#include "model/encode.h"
#include "plan/plan_request.h"

struct host_warning {
    struct check check;
    char gpu[BDF_SIZE];  /* "": the host itself */
    char last[BDF_SIZE]; /* the GPU that was counted last */
    uint32_t others;
};

struct host_warning_list {
    struct host_warning *items;
    size_t n;
    size_t cap;
};

static struct host_warning *find(const struct host_warning_list *list, const char *rule)
{
    for (vec_each(list, warning)) {
        if (str_eq(warning->check.rule, rule)) {
            return warning;
        }
    }
    return NULL;
}

/* A warning of the host is not said again of each of its GPUs. */
static void take(const struct checks *checks, const char *gpu, struct host_warning_list *list)
{
    for (vec_each(checks, check)) {
        struct host_warning *known = find(list, check->rule);
        if (known == NULL) {
            known = vec_push(list);
            known->check = *check;
            STR_SET(known->gpu, gpu);
        } else if (known->gpu[0] != '\0' && !str_eq(known->last, gpu)) {
            known->others++;
        }
        STR_SET(known->last, gpu);
    }
}

static void ask(const struct planner *planner, const struct rule_facts *facts, const char *gpu,
                struct host_warning_list *list)
{
    CLEANUP(checks_done) struct checks checks = {0};
    rules_warn(planner->rules, RULE_OF_HOST, facts, &checks);
    take(&checks, gpu, list);
}

static const char *name_of(const struct host *host, const struct gpu_guest *guest)
{
    const struct vm *vm = host_find_vm_of(host, "", guest->vm_uuid);
    return vm != NULL ? vm->name : guest->vm_uuid;
}

static void ask_of_gpu(const struct planner *planner, const struct gpu *gpu,
                       struct host_warning_list *list)
{
    char bdf[BDF_SIZE];
    pci_addr_format(&gpu->addr, bdf);
    struct rule_facts facts = {.host = planner->host,
                               .gpu = gpu,
                               .model = gpu_model_of(planner, gpu),
                               .scheduler = planner_wanted_scheduler(planner, gpu)};
    ask(planner, &facts, bdf, list);
    for (vec_each(&gpu->guests, guest)) {
        facts.guest = name_of(planner->host, guest);
        facts.guest_driver = guest->driver;
        ask(planner, &facts, bdf, list);
    }
}

json_t *host_warnings(const struct planner *planner)
{
    struct host_warning_list list = {0};
    const struct rule_facts host = {.host = planner->host};
    ask(planner, &host, "", &list);
    for (vec_each(&planner->host->gpus, gpu)) {
        if (gpu->other_vendor == 0) {
            ask_of_gpu(planner, gpu, &list);
        }
    }
    json_t *array = json_array();
    for (vec_each(&list, warning)) {
        json_array_append_new(
            array, json_pack("{s:s, s:o, s:s, s:s, s:i}", "rule", warning->check.rule, "gpu",
                             encode_text(warning->gpu), "text", warning->check.message, "hint",
                             warning->check.hint, "others", (int)warning->others));
    }
    vec_done(&list);
    return array;
}
