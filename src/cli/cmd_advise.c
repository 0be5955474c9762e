/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "advise/advise.h"
#include "advise/advise_json.h"
#include "base/json.h"
#include "base/str.h"
#include "cli/command.h"
#include "cli/listing.h"
#include "cli/model_notice.h"
#include "cli/need_options.h"
#include "cli/prose.h"
#include "cli/sizing_options.h"
#include "cli/view.h"

/* Indices of the options in their table, for arguments->values. */
enum { ADVISE_GPU };

/* ---- what is shown ---- */

static void add_what(const json_t *item, struct strbuf *out)
{
    const char *type = view_text(item, "type", NULL);
    const char *profile = view_text(item, "profile", NULL);
    bool whole = str_eq(view_text(item, "mode", ""), claim_mode_name(CLAIM_PASSTHROUGH));
    strbuf_add(out, whole ? "the whole GPU" : type != NULL ? type : profile != NULL ? profile : "");
}

static void add_licences(const json_t *item, struct strbuf *out)
{
    const json_t *list = json_object_get(item, "licences");
    if (json_array_size(list) == 0 && json_is_integer(json_object_get(item, "rank"))) {
        strbuf_add(out, "none");
    }
    for (size_t i = 0; i < json_array_size(list); i++) {
        strbuf_addf(out, "%s%s", i > 0 ? " or " : "", json_string_value(json_array_get(list, i)));
    }
}

/* Of a mode that serves, what is to be changed for it; of another, why it does not. */
static void add_why(const json_t *item, struct strbuf *out)
{
    const json_t *reasons = json_object_get(item, "reasons");
    const char *change = view_text(item, "change", NULL);
    if (change != NULL) {
        strbuf_add(out, change);
    }
    for (size_t i = 0; i < json_array_size(reasons); i++) {
        const json_t *reason = json_array_get(reasons, i);
        strbuf_addf(out, "%s%s [%s]", out->len > 0 ? "; " : "", view_text(reason, "text", ""),
                    view_text(reason, "rule", ""));
    }
}

static const struct column columns[] = {
    {"RANK", .path = "rank", .format = COLUMN_VALUE, .align = TABLE_RIGHT, .none = "no"},
    {"GPU", .path = "gpu", .align = TABLE_NAME, .drop = 1},
    {"MODE", .path = "mode"},
    {"GETS", .cell = add_what},
    {"PER GPU", .path = "perGpu", .format = COLUMN_VALUE, .align = TABLE_RIGHT, .drop = 2},
    {"LICENCE", .cell = add_licences},
};
static const struct listing advice_listing = {.arrays = {"advice"}, LISTING_COLUMNS(columns)};

static void print_reasons(const json_t *answer, size_t width)
{
    const json_t *list = json_object_get(answer, "advice");
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *item = json_array_get(list, i);
        CLEANUP_STRBUF struct strbuf why = {0};
        add_why(item, &why);
        if (why.len > 0) {
            printf("\n%s, %s:\n", view_text(item, "gpu", ""), view_text(item, "mode", ""));
            prose_print_indented(width, 2, "%s", strbuf_str(&why));
        }
    }
}

/* ---- the command ---- */

/* Of a board among many, its best alone. */
static void keep_best(struct advices *advices, size_t first)
{
    size_t n = advices->items[first].verdict == VERDICT_NO ? first : first + 1;
    while (advices->n > n) {
        advices->n--;
        vec_done(&advices->items[advices->n].reasons);
    }
}

/* The board that is used best comes first: a part before a whole GPU, then what leaves the least
 * memory unused. */
static int by_use(const void *a, const void *b)
{
    const struct advice *x = a;
    const struct advice *y = b;
    if (x->whole != y->whole) {
        return x->whole ? 1 : -1;
    }
    return x->wasted_mib != y->wasted_mib ? (x->wasted_mib < y->wasted_mib ? -1 : 1)
                                          : strcmp(x->model->key, y->model->key);
}

static void advise_catalog(const struct rules *rules, const struct catalog *catalog,
                           const struct need *need, struct advices *ret_advices)
{
    for (size_t i = 0; i < catalog_count(catalog); i++) {
        size_t first = ret_advices->n;
        advise_board(rules, catalog_at(catalog, i), need, ret_advices);
        keep_best(ret_advices, first);
    }
    if (ret_advices->n > 0) {
        qsort(ret_advices->items, ret_advices->n, sizeof(ret_advices->items[0]), by_use);
    }
}

static int advise(const struct arguments *arguments, const struct need *need,
                  struct advices *ret_advices, json_t **ret_json, struct error *err)
{
    CLEANUP(catalog_freep) struct catalog *catalog = NULL;
    CLEANUP(rules_freep) struct rules *rules = NULL;
    const char *gpu = arguments->values[ADVISE_GPU];
    const struct gpu_model *model = NULL;
    int r = catalog_load_default(&catalog, err);
    r = r != 0 ? r : rules_load_default(&rules, err);
    if (r == 0 && gpu != NULL) {
        r = catalog_find(catalog, gpu, &model, err);
    }
    if (r == 0 && model != NULL) {
        model_notice_report(catalog, gpu, model);
        advise_board(rules, model, need, ret_advices);
    } else if (r == 0) {
        advise_catalog(rules, catalog, need, ret_advices);
    }
    if (r == 0) {
        *ret_json = advices_to_json(rules, ret_advices);
    }
    return r;
}

static int refuse(const struct arguments *arguments, struct error *err)
{
    const char *gpu = arguments->values[ADVISE_GPU];
    if (gpu != NULL) {
        return error_set(err, REASON_NO_CAPACITY, NULL, "no mode of %s serves that", gpu);
    }
    error_set(err, REASON_NO_CAPACITY, NULL, "no board of the catalog serves that");
    error_hint(err, "`cleave advise --gpu MODEL …` says why that board does not");
    return -REASON_NO_CAPACITY;
}

static int cmd_advise(struct cli *cli, const struct arguments *arguments, struct error *err)
{
    struct need need;
    struct advices advices = {0};
    CLEANUP_JSON json_t *json = NULL;
    CLEANUP_JSON json_t *sizing = NULL;
    int r = need_options_read(arguments, &need, err);
    r = r != 0 ? r : sizing_options_read(arguments, &need, &sizing, err);
    r = r != 0 ? r : advise(arguments, &need, &advices, &json, err);
    if (r == 0 && sizing != NULL) {
        json_object_set(json, "sizing", sizing);
    }
    bool serves = advices.n > 0 && advices.items[0].verdict != VERDICT_NO;
    advices_done(&advices);
    if (r != 0) {
        return r;
    }
    bool raw = cli_print_raw(cli, json);
    if (!raw && sizing != NULL) {
        sizing_print(sizing, cli_width(cli));
    }
    if (!raw && json_array_size(view_at(json, "advice")) > 0) {
        listing_print(&advice_listing, json, cli_width(cli));
        print_reasons(json, cli_width(cli));
        printf("%s", serves ? "" : "\n");
        fflush(stdout);
    }
    return serves ? 0 : refuse(arguments, err);
}

/* ---- the table ---- */

static const struct command_option advise_options[] = {
    [ADVISE_GPU] = {"gpu", 0, "MODEL",
                    "each mode of this board, and why not; else the best of each board"},
    NEED_OPTIONS,
    {"guest", 0, "OS", "linux (default) or windows"},
    {"count", 0, "N", "so many such VMs on one GPU"},
    {"mixed", 0, NULL, "next to vGPUs of other sizes on its GPU"},
    SIZING_OPTIONS,
};

static const struct command commands[] = {
    {.object = "advise",
     .help = "say which mode and type serve a need, and why not the others (no daemon needed)",
     .examples = {"advise --memory 18G --isolation hardware",
                  "advise --gpu l40s --memory 8G --graphics --licences vWS",
                  "advise --model llama-3.1-8b --context 8k --concurrency 16"},
     OPTIONS(advise_options),
     .run = cmd_advise},
};
const struct command_table advise_commands = COMMAND_TABLE(commands);
