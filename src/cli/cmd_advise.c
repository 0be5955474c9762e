/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "advise/advise.h"
#include "advise/advise_json.h"
#include "base/parse.h"
#include "base/str.h"
#include "cli/command.h"
#include "cli/listing.h"
#include "cli/need_words.h"
#include "cli/prose.h"
#include "cli/view.h"

/* Indices of the options in their table, for arguments->values. */
enum {
    ADVISE_GPU,
    ADVISE_MEMORY,
    ADVISE_USABLE,
    ADVISE_COMPUTE,
    ADVISE_ISOLATION,
    ADVISE_BOUNDARY,
    ADVISE_PREDICTABLE,
    ADVISE_GUEST,
    ADVISE_GRAPHICS,
    ADVISE_LIVE_MIGRATION,
    ADVISE_UNIFIED_MEMORY,
    ADVISE_PEER_TRAFFIC,
    ADVISE_COUNT,
    ADVISE_LICENCES,
    ADVISE_FOR,
};

/* ---- the need ---- */

static int read_count(const char *text, uint32_t *ret_count, struct error *err)
{
    if (parse_u32(text, ret_count) && *ret_count >= 1 && *ret_count <= 1000000) {
        return 0;
    }
    return error_set(err, REASON_INVALID, "--count", "\"%.40s\" is no number of VMs", text);
}

static int read_words(const struct arguments *arguments, struct need *need, struct error *err)
{
    uint32_t isolation = ISOLATION_NONE;
    uint32_t boundary = BOUNDARY_VM;
    uint32_t guest = GUEST_LINUX;
    uint32_t consumer = CONSUMER_VM;
    const struct {
        unsigned option;
        const char *name;
        const struct words *words;
        uint32_t *value;
    } rows[] = {{ADVISE_ISOLATION, "--isolation", &isolation_words, &isolation},
                {ADVISE_BOUNDARY, "--boundary", &boundary_words, &boundary},
                {ADVISE_GUEST, "--guest", &guest_os_words, &guest},
                {ADVISE_FOR, "--for", &consumer_words, &consumer}};
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        const char *text = arguments->values[rows[i].option];
        int r = text == NULL
                    ? 0
                    : need_read_word(rows[i].name, text, rows[i].words, rows[i].value, err);
        if (r != 0) {
            return r;
        }
    }
    need->isolation = (enum isolation)isolation;
    need->boundary = (enum boundary)boundary;
    need->guest = (enum guest_os)guest;
    need->consumer = (enum consumer)consumer;
    return 0;
}

static int read_need(const struct arguments *arguments, struct need *need, struct error *err)
{
    const char *const *values = arguments->values;
    *need = (struct need){.any_licence = true,
                          .usable_memory = values[ADVISE_USABLE] != NULL,
                          .predictable = values[ADVISE_PREDICTABLE] != NULL,
                          .graphics = values[ADVISE_GRAPHICS] != NULL,
                          .live_migration = values[ADVISE_LIVE_MIGRATION] != NULL,
                          .unified_memory = values[ADVISE_UNIFIED_MEMORY] != NULL,
                          .peer_traffic = values[ADVISE_PEER_TRAFFIC] != NULL};
    int r = read_words(arguments, need, err);
    if (r == 0 && values[ADVISE_MEMORY] != NULL) {
        r = need_read_memory(values[ADVISE_MEMORY], &need->memory_mib, err);
    }
    if (r == 0 && values[ADVISE_COMPUTE] != NULL) {
        r = need_read_percent(values[ADVISE_COMPUTE], &need->compute, err);
    }
    if (r == 0 && values[ADVISE_COUNT] != NULL) {
        r = read_count(values[ADVISE_COUNT], &need->count, err);
    }
    if (r == 0 && values[ADVISE_LICENCES] != NULL) {
        r = need_read_licences(values[ADVISE_LICENCES], need, err);
    }
    return r;
}

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
        advise_board(rules, model, need, ret_advices);
    } else if (r == 0) {
        advise_catalog(rules, catalog, need, ret_advices);
    }
    if (r == 0) {
        *ret_json = advices_to_json(ret_advices);
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
    int r = read_need(arguments, &need, err);
    r = r != 0 ? r : advise(arguments, &need, &advices, &json, err);
    bool serves = advices.n > 0 && advices.items[0].verdict != VERDICT_NO;
    advices_done(&advices);
    if (r != 0) {
        return r;
    }
    if (!cli_print_raw(cli, json) && json_array_size(view_at(json, "advice")) > 0) {
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
    [ADVISE_MEMORY] = {"memory", 0, "SIZE", "at least this much framebuffer, such as 20G"},
    [ADVISE_USABLE] = {"usable", 0, NULL, "the memory is what the guest sees, not a type's size"},
    [ADVISE_COMPUTE] = {"compute", 0, "PERCENT", "at least this share of one GPU, such as 25%"},
    [ADVISE_ISOLATION] = {"isolation", 0, "KIND",
                          "none, memory (and faults), or hardware (compute, too)"},
    [ADVISE_BOUNDARY] = {"boundary", 0, "KIND",
                         "between single VMs (vm) or groups of them (group)"},
    [ADVISE_PREDICTABLE] = {"predictable", 0, NULL, "other VMs must not change how fast it is"},
    [ADVISE_GUEST] = {"guest", 0, "OS", "linux (default) or windows"},
    [ADVISE_GRAPHICS] = {"graphics", 0, NULL, "a display, or a graphics API"},
    [ADVISE_LIVE_MIGRATION] = {"live-migration", 0, NULL, "it must move while it runs"},
    [ADVISE_UNIFIED_MEMORY] = {"unified-memory", 0, NULL, "CUDA unified memory"},
    [ADVISE_PEER_TRAFFIC] = {"peer-traffic", 0, NULL, "several GPUs in one VM exchange data"},
    [ADVISE_COUNT] = {"count", 0, "N", "so many such VMs on one GPU"},
    [ADVISE_LICENCES] = {"licences", 0, "LIST",
                         "products that you have: any (default), none, vPC,vWS,vApps,nvaie"},
    [ADVISE_FOR] = {"for", 0, "WHAT", "vm (default), or host: a process on the host"},
};

static const struct command commands[] = {
    {.object = "advise",
     .help = "which mode and type serve a need, and why not the others (no daemon needed)",
     .examples = {"advise --memory 18G --isolation hardware",
                  "advise --gpu l40s --memory 8G --graphics --licences vWS"},
     OPTIONS(advise_options),
     .run = cmd_advise},
};
const struct command_table advise_commands = COMMAND_TABLE(commands);
