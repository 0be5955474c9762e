/* SPDX-License-Identifier: Apache-2.0 */
#include "advise/advise_json.h"
#include "base/mem.h"
#include "base/str.h"
#include "plan/host_advice.h"

static json_t *texts(const struct strlist *list)
{
    json_t *json = json_array();
    for (size_t i = 0; i < list->n; i++) {
        json_array_append_new(json, json_string(list->items[i]));
    }
    return json;
}

static json_t *number(uint32_t value)
{
    return value == CAT_UNKNOWN ? json_null() : json_integer(value);
}

static json_t *addresses(const struct host_advice *row)
{
    char bdf[BDF_SIZE];
    json_t *json = json_array();
    for (vec_each(&row->alike, gpu)) {
        json_array_append_new(json, json_string(pci_addr_format(&(*gpu)->addr, bdf)));
    }
    return json;
}

static json_t *row_to_json(const struct rules *rules, const struct host_advice *row)
{
    char bdf[BDF_SIZE];
    bool serves = row->advice.verdict != VERDICT_NO;
    json_t *json = advice_to_json(rules, &row->advice);
    json_t *cost = json_object_get(json, "cost");
    json_object_set_new(json, "gpu", json_string(pci_addr_format(&row->gpu->addr, bdf)));
    json_object_set_new(json, "alike", addresses(row));
    json_object_set_new(json, "steps", texts(&row->steps));
    json_object_set_new(json, "moves",
                        json_pack("{s:o, s:o}", "claims", texts(&row->moved_claims), "vms",
                                  texts(&row->moved_vms)));
    json_object_set_new(cost, "strandedMib", serves ? number(row->stranded_mib) : json_null());
    json_object_set_new(cost, "roomAfter", serves ? number(row->room_after) : json_null());
    json_object_set_new(cost, "vmsBlocked", serves ? number(row->blocked) : json_null());
    return json;
}

json_t *host_advices_to_json(const struct rules *rules, const struct host_advices *advices)
{
    json_t *list = json_array();
    CLEANUP_FREE const struct advice **all = xcalloc(advices->n + 1, sizeof(*all));
    for (size_t i = 0; i < advices->n; i++) {
        all[i] = &advices->items[i].advice;
        json_array_append_new(list, row_to_json(rules, &advices->items[i]));
    }
    return json_pack("{s:o, s:o}", "advice", list, "notes", advice_notes(all, advices->n));
}
