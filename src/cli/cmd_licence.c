/* SPDX-License-Identifier: Apache-2.0 */
/* licence list, usage, pool set, pool delete. */
#include <stdio.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/parse.h"
#include "base/str.h"
#include "cli/command.h"
#include "cli/listing.h"
#include "cli/prose.h"
#include "cli/view.h"

/* Indices of the options in their tables, for arguments->values. */
enum { USAGE_MONTH, USAGE_RECORDS };
enum { POOL_COUNT, POOL_EXPIRES, POOL_POLICY, POOL_NOTE };

/* ---- list ---- */

/* "8 of 10", "10, 2 lacking"; nothing where there is no pool. */
static void add_pool(const json_t *item, struct strbuf *out)
{
    const json_t *pool = view_at(item, "pool");
    if (pool != NULL) {
        json_int_t lacking = json_integer_value(json_object_get(pool, "lacking"));
        strbuf_addf(out, "%lld", (long long)json_integer_value(json_object_get(pool, "count")));
        if (lacking > 0) {
            strbuf_addf(out, ", %lld lacking", (long long)lacking);
        }
    }
}

static void add_expiry(const json_t *item, struct strbuf *out)
{
    bool expired = json_is_true(view_at(item, "pool.expired"));
    strbuf_addf(out, "%s%s", view_text(item, "pool.expires", ""), expired ? " (over)" : "");
}

static const struct column licence_columns[] = {
    {"PRODUCT", .path = "product"},
    {"IN USE", .path = "inUse", .format = COLUMN_VALUE, .align = TABLE_RIGHT},
    {"RESERVED", .path = "reserved", .format = COLUMN_VALUE, .align = TABLE_RIGHT},
    {"PEAK", .path = "peak", .format = COLUMN_VALUE, .align = TABLE_RIGHT},
    {"POOL", .cell = add_pool, .none = "unknown"},
    {"EXPIRES", .cell = add_expiry},
    {"POLICY", .path = "pool.policy"},
    {"COUNTED BY", .path = "countedBy", .drop = 1},
    {"NOTE", .path = "pool.note", .align = TABLE_WRAP, .drop = 2},
};
static const struct listing licence_listing = {
    .arrays = {"licences"}, .name = "product", LISTING_COLUMNS(licence_columns)};

static int cmd_licence_list(struct cli *cli, const struct arguments *arguments, struct error *err)
{
    (void)arguments;
    return listing_show(cli, "/v1/licences", &licence_listing, err);
}

/* ---- usage ---- */

static void add_tenant(const json_t *item, struct strbuf *out)
{
    strbuf_add(out, json_is_true(json_object_get(item, "total")) ? "(all)"
                                                                 : view_text(item, "tenant", "-"));
}

/* "12.5": hours, of which months are billed. */
static void add_hours(const json_t *item, struct strbuf *out)
{
    json_int_t seconds = json_integer_value(json_object_get(item, "useSeconds"));
    strbuf_addf(out, "%lld.%lld", (long long)(seconds / 3600),
                (long long)(seconds % 3600 * 10 / 3600));
}

static const char *const usage_arrays[] = {"totals", "usage"};

static void complete_usage(struct cli *cli, json_t *answer)
{
    (void)cli;
    json_t *month = json_object_get(answer, "month");
    for (size_t k = 0; k < ARRAY_SIZE(usage_arrays); k++) {
        const json_t *rows = json_object_get(answer, usage_arrays[k]);
        for (size_t i = 0; i < json_array_size(rows); i++) {
            json_object_set(json_array_get(rows, i), "month", month);
            json_object_set_new(json_array_get(rows, i), "total", json_boolean(k == 0));
        }
    }
}

static const struct column usage_columns[] = {
    {"MONTH", .path = "month"},
    {"PRODUCT", .path = "product"},
    {"TENANT", .cell = add_tenant},
    {"PEAK", .path = "peak", .format = COLUMN_VALUE, .align = TABLE_RIGHT},
    {"PEAK AT", .path = "peakAt", .format = COLUMN_TIME, .drop = 1},
    {"HOURS", .cell = add_hours, .align = TABLE_RIGHT},
    {"STARTS", .path = "starts", .format = COLUMN_VALUE, .align = TABLE_RIGHT},
};
static const struct listing usage_listing = {.arrays = {"totals", "usage"},
                                             .name = "product",
                                             LISTING_COLUMNS(usage_columns),
                                             .complete = complete_usage,
                                             .empty = "no licences were in use in that month"};

static void add_end(const json_t *item, struct strbuf *out)
{
    char text[VIEW_SIZE];
    bool over = view_at(item, "until") != NULL;
    bool unknown = json_is_true(json_object_get(item, "endUnknown"));
    strbuf_addf(out, "%s%s", unknown ? "before " : "",
                over ? view_time(item, "until", text) : "in use");
}

static const struct column record_columns[] = {
    {"VM", .path = "vm"},
    {"PRODUCT", .path = "product"},
    {"TENANT", .path = "tenant", .drop = 1},
    {"GPU", .path = "gpu", .drop = 2},
    {"VGPUS", .path = "vgpus", .format = COLUMN_VALUE, .align = TABLE_RIGHT, .drop = 3},
    {"FROM", .path = "from", .format = COLUMN_TIME},
    {"UNTIL", .cell = add_end},
};
static const struct listing record_listing = {.arrays = {"records"},
                                              .name = "vm",
                                              LISTING_COLUMNS(record_columns),
                                              .empty = "no licences were in use in that month"};

static int cmd_licence_usage(struct cli *cli, const struct arguments *arguments, struct error *err)
{
    const char *month = arguments->values[USAGE_MONTH];
    bool records = arguments->values[USAGE_RECORDS] != NULL;
    CLEANUP_FREE char *url = month == NULL ? xstrdup("/v1/licences/usage")
                                           : client_path("/v1/licences/usage?month=", month, "");
    return listing_show(cli, url, records ? &record_listing : &usage_listing, err);
}

/* ---- pools ---- */

static void say_product(const struct cli *cli, const json_t *answer)
{
    const json_t *licence = view_at(answer, "licence");
    const json_t *pool = view_at(licence, "pool");
    CLEANUP_STRBUF struct strbuf text = {0};
    const char *product = view_text(licence, "product", "");
    if (pool == NULL) {
        prose_print(cli_width(cli), "%s %s no pool: how many licences there are is not known",
                    product, cli->dry_run ? "would have" : "has");
        return;
    }
    add_pool(licence, &text);
    const char *expires = view_text(pool, "expires", NULL);
    prose_print(cli_width(cli), "%s %s a pool of %s%s%s; beyond it, claims are %s", product,
                cli->dry_run ? "would have" : "has", strbuf_str(&text),
                expires != NULL ? ", until " : "", expires != NULL ? expires : "",
                str_eq(view_text(pool, "policy", ""), "refuse") ? "refused" : "warned of");
}

static int change_pool(struct cli *cli, const struct arguments *arguments, const char *method,
                       const json_t *body, struct error *err)
{
    CLEANUP_FREE char *path = client_path("/v1/licences/pools/", arguments->args[0], "");
    CLEANUP_JSON json_t *answer = NULL;
    int r = cli_change(cli, method, path, body, &answer, err);
    if (r == 0 && !cli_print_raw(cli, answer)) {
        say_product(cli, answer);
    }
    return r;
}

static int set_text(json_t *body, const char *key, const char *text, struct error *err)
{
    return text == NULL || json_object_set_new(body, key, json_string(text)) == 0
               ? 0
               : error_set(err, REASON_INVALID, "", "the %s is not UTF-8 text", key);
}

static int cmd_pool_set(struct cli *cli, const struct arguments *arguments, struct error *err)
{
    const char *const *values = arguments->values;
    uint32_t count = 0;
    if (values[POOL_COUNT] == NULL) {
        error_set(err, REASON_INVALID, "", "a pool needs --count");
        error_hint(err, "give the number of licences: --count 10");
        return -REASON_INVALID;
    }
    if (!parse_u32(values[POOL_COUNT], &count)) {
        return error_set(err, REASON_INVALID, "", "--count is a number of licences, not \"%s\"",
                         values[POOL_COUNT]);
    }
    CLEANUP_JSON json_t *body = json_pack("{s:I}", "count", (json_int_t)count);
    int r = set_text(body, "expires", values[POOL_EXPIRES], err);
    r = r != 0 ? r : set_text(body, "policy", values[POOL_POLICY], err);
    r = r != 0 ? r : set_text(body, "note", values[POOL_NOTE], err);
    return r != 0 ? r : change_pool(cli, arguments, "PUT", body, err);
}

static int cmd_pool_delete(struct cli *cli, const struct arguments *arguments, struct error *err)
{
    return change_pool(cli, arguments, "DELETE", NULL, err);
}

/* ---- the table ---- */

static const struct command_option usage_options[] = {
    [USAGE_MONTH] = {"month", 0, "MONTH", "a month in UTC, such as 2026-11; else this one"},
    [USAGE_RECORDS] = {"records", 0, NULL, "each VM that had a licence, from when until when"},
};

static const struct command_option pool_options[] = {
    [POOL_COUNT] = {"count", 0, "N", "so many licences there are"},
    [POOL_EXPIRES] = {"expires", 0, "DATE",
                      "the last day on which they hold, in UTC (2027-01-31), or a time"},
    [POOL_POLICY] = {"policy", 0, "POLICY",
                     "what becomes of a new claim beyond the pool: warn (default) or refuse"},
    [POOL_NOTE] = {"note", 0, "TEXT", "shown with the pool"},
};

static const struct command commands[] = {
    {.object = "licence",
     .name = "list",
     .help = "list NVIDIA's licensed products: in use, reserved, at peak this month, and pools",
     .examples = {"licence list", "licence list -o wide"},
     .lists = true,
     .watches = true,
     .listing = &licence_listing,
     .run = cmd_licence_list},
    {.object = "licence",
     .name = "usage",
     .help = "show the use of licences in a month, by product and tenant",
     .examples = {"licence usage --month 2026-11", "licence usage -o csv",
                  "licence usage --records"},
     OPTIONS(usage_options),
     .lists = true,
     .listing = &usage_listing,
     .run = cmd_licence_usage},
    {.object = "licence",
     .name = "pool set",
     .args = "PRODUCT",
     .n_args = 1,
     .help = "set how many licences of a product there are, and until when",
     .examples = {"licence pool set vWS --count 10",
                  "licence pool set nvaie --count 4 --expires 2027-01-31 --policy refuse"},
     OPTIONS(pool_options),
     .changes = true,
     .run = cmd_pool_set},
    {.object = "licence",
     .name = "pool delete",
     .args = "PRODUCT",
     .n_args = 1,
     .help = "delete the pool of a product: how many licences there are is not known then",
     .examples = {"licence pool delete vWS"},
     .changes = true,
     .run = cmd_pool_delete},
};
const struct command_table licence_commands = COMMAND_TABLE(commands);
