/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/type_notice.h"

#include <string.h>

#include "base/json.h"
#include "base/str.h"
#include "cli/prose.h"
#include "cli/view.h"

static bool lacks_class(const char *type)
{
    size_t len = strlen(type);
    return len > 0 && type[len - 1] >= '0' && type[len - 1] <= '9';
}

static bool is_any_without_class(const json_t *claims)
{
    bool any = false;
    for (size_t i = 0; i < json_array_size(claims); i++) {
        any = any || lacks_class(view_text(json_array_get(claims, i), "type", ""));
    }
    return any;
}

/* "L40S-8A, L40S-8Q" of "L40S-8". */
static void add_others(const json_t *types, const char *name, struct strbuf *out)
{
    for (size_t i = 0; i < json_array_size(types); i++) {
        const char *other = view_last_word(view_text(json_array_get(types, i), "name", ""));
        bool longer = strlen(other) == strlen(name) + 1 && str_starts(other, name);
        char last = other[0] == '\0' ? '\0' : other[strlen(other) - 1];
        if (longer && last >= 'A' && last <= 'Z' && strstr(strbuf_str(out), other) == NULL) {
            strbuf_addf(out, "%s%s", out->len == 0 ? "" : ", ", other);
        }
    }
}

void type_notice_report(struct cli *cli, const json_t *claims)
{
    CLEANUP_JSON json_t *answer = NULL;
    CLEANUP_JSON json_t *said = json_object();
    if (!is_any_without_class(claims) || cli_get(cli, "/v1/profiles", &answer, NULL) != 0) {
        return;
    }
    for (size_t i = 0; i < json_array_size(claims); i++) {
        CLEANUP_STRBUF struct strbuf others = {0};
        const char *type = view_text(json_array_get(claims, i), "type", "");
        const char *name = view_last_word(type);
        if (!lacks_class(type) || json_object_get(said, name) != NULL) {
            continue;
        }
        add_others(view_at(answer, "types"), name, &others);
        if (others.len > 0) {
            prose_report("warning: %s is a type of its own, without a class; there are also %s",
                         name, strbuf_str(&others));
        }
        json_object_set_new(said, name, json_true());
    }
}
