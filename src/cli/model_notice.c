/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/model_notice.h"

#include <string.h>
#include <strings.h>

#include "cli/prose.h"

/* "a100-pcie-40gb" of "a100", but no "a1000". */
static bool is_longer(const char *key, const char *text)
{
    size_t len = strlen(text);
    return len > 0 && strncasecmp(key, text, len) == 0 && key[len] == '-';
}

void model_notice_add(const struct catalog *catalog, const char *text,
                      const struct gpu_model *model, struct strbuf *out)
{
    CLEANUP_STRBUF struct strbuf others = {0};
    if (!is_longer(model->key, text)) {
        return;
    }
    for (size_t i = 0; i < catalog_count(catalog); i++) {
        const struct gpu_model *other = catalog_at(catalog, i);
        if (other != model && is_longer(other->key, text)) {
            strbuf_addf(&others, "%s%s", others.len == 0 ? "" : ", ", other->key);
        }
    }
    if (others.len > 0) {
        strbuf_addf(out, "\"%s\" is read as %s; there are also %s", text, model->key,
                    strbuf_str(&others));
    }
}

void model_notice_report(const struct catalog *catalog, const char *text,
                         const struct gpu_model *model)
{
    CLEANUP_STRBUF struct strbuf note = {0};
    model_notice_add(catalog, text, model, &note);
    if (note.len > 0) {
        prose_report("note: %s", strbuf_str(&note));
    }
}
