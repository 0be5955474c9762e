/* SPDX-License-Identifier: Apache-2.0 */
#include "advise/advise_json.h"

#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"
#include "rules/rules_json.h"

static json_t *number(uint32_t value)
{
    return value == CAT_UNKNOWN ? json_null() : json_integer(value);
}

static json_t *text_or_null(const char *text)
{
    return text == NULL || text[0] == 0 ? json_null() : json_string(text);
}

static json_t *licences_to_json(licence_set licences)
{
    json_t *list = json_array();
    for (uint32_t i = 0; i < LICENCE_COUNT; i++) {
        if ((licences & LICENCE_SET(i)) != 0) {
            json_array_append_new(list, json_string(licence_name((enum licence)i)));
        }
    }
    return list;
}

/* Source and versions of a rule, as the rules have them now; "" of what is no rule. */
static json_t *reason_to_json(const struct rules *rules, const struct check *reason)
{
    CLEANUP_JSON json_t *found = rules_find_json(rules, reason->rule);
    const json_t *rule = json_array_get(found, 0);
    const char *source = json_string_value(json_object_get(rule, "source"));
    const char *versions = json_string_value(json_object_get(rule, "versions"));
    return json_pack("{s:s, s:s, s:o, s:s, s:o}", "rule", reason->rule, "text", reason->message,
                     "hint", text_or_null(reason->hint), "source",
                     reason->document[0] != '\0' || source == NULL ? reason->document : source,
                     "versions", text_or_null(versions));
}

static json_t *reasons_to_json(const struct rules *rules, const struct checks *reasons)
{
    json_t *list = json_array();
    for (vec_each(reasons, reason)) {
        json_array_append_new(list, reason_to_json(rules, reason));
    }
    return list;
}

json_t *advice_to_json(const struct rules *rules, const struct advice *advice)
{
    static const struct checks none;
    bool serves = advice->verdict != VERDICT_NO;
    json_t *cost = json_pack("{s:o, s:o, s:o, s:o, s:b}", "unusedMib", number(advice->wasted_mib),
                             "unseenMib", number(advice->unseen_mib), "computePercent",
                             number(advice->compute), "unusedComputePercent",
                             number(advice->wasted_compute), "wholeGpu", advice->whole);
    return json_pack("{s:o, s:s, s:s, s:s, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "rank",
                     advice->rank == 0 ? json_null() : json_integer(advice->rank), "verdict",
                     verdict_name(advice->verdict), "mode", claim_mode_name(advice->mode), "gpu",
                     advice->model->key, "model", advice->model->key, "type",
                     text_or_null(advice->type != NULL ? advice->type->name : NULL), "profile",
                     text_or_null(advice->profile != NULL ? advice->profile->name : NULL), "perGpu",
                     number(advice->per_gpu), "licences", licences_to_json(advice->licences),
                     "change", text_or_null(advice->change), "reasons",
                     reasons_to_json(rules, &advice->reasons), "warnings",
                     reasons_to_json(rules, serves ? &advice->warnings : &none), "cost", cost);
}

/* ---- what is often taken otherwise ---- */

/* A vGPU on a GPU instance: VergeIO's table of modes says that MIG takes no licence, which holds
 * for processes on the host; each vGPU of a VM takes one (NVIDIA AI Enterprise, "Licensing"). */
static bool is_slice_of_vm(const struct advice *advice)
{
    return advice->verdict != VERDICT_NO &&
           (advice->mode == CLAIM_MIG_BACKED || advice->mode == CLAIM_TIME_SLICED_MIG_BACKED);
}

static bool is_bare_instance(const struct advice *advice)
{
    return advice->verdict != VERDICT_NO && advice->mode == CLAIM_GPU_INSTANCE;
}

static bool is_licensed_passthrough(const struct advice *advice)
{
    return advice->verdict != VERDICT_NO && advice->mode == CLAIM_PASSTHROUGH &&
           advice->licences != 0;
}

static const struct {
    bool (*holds)(const struct advice *advice);
    const char *text;
} notes[] = {
    {is_slice_of_vm, "A MIG slice in a VM is a vGPU and needs a licence. A bare GPU instance on "
                     "the host needs none, and neither does pass-through for compute."},
    {is_bare_instance, "A bare GPU instance on the host needs no licence. The same slice in a VM "
                       "is a vGPU and needs one."},
    {is_licensed_passthrough, "Graphics on a GPU that is passed through needs a licence, too: vWS, "
                              "or vApps. vPC does not cover it."},
};

json_t *advice_notes(const struct advice *const *advices, size_t n)
{
    json_t *list = json_array();
    for (size_t i = 0; i < ARRAY_SIZE(notes); i++) {
        size_t k = 0;
        while (k < n && !notes[i].holds(advices[k])) {
            k++;
        }
        if (k < n) {
            json_array_append_new(list, json_string(notes[i].text));
        }
    }
    return list;
}

json_t *advices_to_json(const struct rules *rules, const struct advices *advices)
{
    json_t *list = json_array();
    CLEANUP_FREE const struct advice **all = xcalloc(advices->n + 1, sizeof(*all));
    for (size_t i = 0; i < advices->n; i++) {
        all[i] = &advices->items[i];
        json_array_append_new(list, advice_to_json(rules, &advices->items[i]));
    }
    return json_pack("{s:o, s:o}", "advice", list, "notes", advice_notes(all, advices->n));
}
