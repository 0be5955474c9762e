/* SPDX-License-Identifier: Apache-2.0 */
/* Facts and checks of a migration. Schemas MigrationFacts and MigrationCheck in openapi.yaml. */
#include "base/json.h"
#include "base/str.h"
#include "model/check.h"
#include "model/decode.h"
#include "model/encode.h"

#define MAX_CHECKS 1024

json_t *facts_to_json(const struct migration_facts *facts)
{
    json_t *json = json_object();
    for (size_t i = 0; i < MIGRATION_FACT_COUNT; i++) {
        json_object_set_new(json, migration_fact_name((enum migration_fact)i),
                            encode_text(facts->values[i]));
    }
    return json;
}

void facts_read(struct reader *outer, const char *key, struct migration_facts *ret_facts)
{
    json_t *json = reader_object(outer, key);
    if (json == NULL) {
        return;
    }
    char path[160];
    struct reader r;
    reader_init(&r, json, outer->origin, reader_path(outer, key, -1, path, sizeof(path)),
                outer->err);
    for (size_t i = 0; i < MIGRATION_FACT_COUNT; i++) {
        decode_text(&r, migration_fact_name((enum migration_fact)i), ret_facts->values[i],
                    sizeof(ret_facts->values[i]));
    }
    int result = reader_end(&r);
    outer->result = outer->result != 0 ? outer->result : result;
}

static json_t *check_to_json(const struct check *check)
{
    return json_pack("{s:s, s:o, s:s, s:o, s:o, s:o, s:o, s:o}", "rule", check->rule, "claim",
                     encode_text(check->claim), "result", check_result_name(check->result),
                     "source", encode_text(check->source), "target", encode_text(check->target),
                     "message", encode_text(check->message), "hint", encode_text(check->hint),
                     "document", encode_text(check->document));
}

json_t *checks_to_json(const struct checks *checks)
{
    json_t *list = json_array();
    for (vec_each(checks, check)) {
        json_array_append_new(list, check_to_json(check));
    }
    return list;
}

static int check_read(const json_t *json, const char *origin, const char *path,
                      struct check *ret_check, struct error *err)
{
    struct reader r;
    reader_init(&r, json, origin, path, err);
    decode_text(&r, "rule", ret_check->rule, sizeof(ret_check->rule));
    decode_text(&r, "claim", ret_check->claim, sizeof(ret_check->claim));
    int result = reader_word(&r, "result", &check_result_words);
    ret_check->result = result < 0 ? CHECK_UNKNOWN : (enum check_result)result;
    decode_text(&r, "source", ret_check->source, sizeof(ret_check->source));
    decode_text(&r, "target", ret_check->target, sizeof(ret_check->target));
    decode_text(&r, "message", ret_check->message, sizeof(ret_check->message));
    decode_text(&r, "hint", ret_check->hint, sizeof(ret_check->hint));
    decode_text(&r, "document", ret_check->document, sizeof(ret_check->document));
    return reader_end(&r);
}

void checks_read(struct reader *outer, const char *key, struct checks *ret_checks)
{
    json_t *list = reader_array_or_null(outer, key, MAX_CHECKS);
    for (size_t i = 0; list != NULL && i < json_array_size(list); i++) {
        char path[160];
        int result = check_read(json_array_get(list, i), outer->origin,
                                reader_path(outer, key, (int)i, path, sizeof(path)),
                                vec_push(ret_checks), outer->err);
        outer->result = outer->result != 0 ? outer->result : result;
    }
}
