/* SPDX-License-Identifier: Apache-2.0 */
#include "advise/advise_json.h"

#include "base/str.h"

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

static json_t *reasons_to_json(const struct checks *reasons)
{
    json_t *list = json_array();
    for (vec_each(reasons, reason)) {
        json_array_append_new(list, json_pack("{s:s, s:s, s:o, s:s}", "rule", reason->rule, "text",
                                              reason->message, "hint", text_or_null(reason->hint),
                                              "source", reason->document));
    }
    return list;
}

static json_t *advice_to_json(const struct advice *advice)
{
    return json_pack(
        "{s:o, s:s, s:s, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:{s:o, s:b}}", "rank",
        advice->rank == 0 ? json_null() : json_integer(advice->rank), "verdict",
        verdict_name(advice->verdict), "mode", claim_mode_name(advice->mode), "gpu",
        advice->model->key, "type", text_or_null(advice->type != NULL ? advice->type->name : NULL),
        "profile", text_or_null(advice->profile != NULL ? advice->profile->name : NULL), "perGpu",
        number(advice->per_gpu), "licences", licences_to_json(advice->licences), "change",
        text_or_null(advice->change), "reasons", reasons_to_json(&advice->reasons), "cost",
        "unusedMib", number(advice->wasted_mib), "wholeGpu", advice->whole);
}

json_t *advices_to_json(const struct advices *advices)
{
    json_t *list = json_array();
    for (vec_each(advices, advice)) {
        json_array_append_new(list, advice_to_json(advice));
    }
    return json_pack("{s:o}", "advice", list);
}
