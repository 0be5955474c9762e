/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "advise/advise.h"
#include "advise/advise_json.h"
#include "advise/serving_boards.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"
#include "cli/advice_view.h"
#include "cli/command.h"
#include "cli/model_notice.h"
#include "cli/need_options.h"
#include "cli/param_options.h"
#include "cli/sizing_options.h"
#include "cli/view.h"
#include "lib/client.h"

/* Indices of the options in their table, for arguments->values. */
enum { ADVISE_GPU, ADVISE_BOARD, ADVISE_CATALOG, ADVISE_PARAM };

/* ---- from the catalog ---- */

/* Of a board among many, its best alone. */
static void keep_best(struct advices *advices, size_t first)
{
    size_t n = advices->items[first].verdict == VERDICT_NO ? first : first + 1;
    while (advices->n > n) {
        advices->n--;
        advice_done(&advices->items[advices->n]);
    }
}

/* The board that is used best comes first: a part before a whole GPU, then the mode that suits the
 * need, then what leaves the least memory unused. */
static int by_use(const void *a, const void *b)
{
    const struct advice *x = a;
    const struct advice *y = b;
    if (x->whole != y->whole) {
        return x->whole ? 1 : -1;
    }
    if (x->order != y->order) {
        return x->order < y->order ? -1 : 1;
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
    for (size_t i = 0; i < ret_advices->n; i++) {
        ret_advices->items[i].rank = (uint32_t)i + 1;
    }
}

static int advise_offline(const struct arguments *arguments, const struct need *need,
                          json_t **ret_json, struct error *err)
{
    CLEANUP(catalog_freep) struct catalog *catalog = NULL;
    CLEANUP(rules_freep) struct rules *rules = NULL;
    const char *board = arguments->values[ADVISE_BOARD];
    const struct gpu_model *model = NULL;
    struct advices advices = {0};
    int r = catalog_load_default(&catalog, err);
    r = r != 0 ? r : rules_load_default(&rules, err);
    if (r == 0 && board != NULL) {
        r = catalog_find(catalog, board, &model, err);
    }
    if (r == 0 && model != NULL) {
        model_notice_report(catalog, board, model);
        advise_board(rules, model, need, &advices);
    } else if (r == 0) {
        advise_catalog(rules, catalog, need, &advices);
    }
    if (r == 0) {
        *ret_json = advices_to_json(rules, &advices);
    }
    advices_done(&advices);
    return r;
}

/* ---- of this host ---- */

/* The address of a GPU of this host by index, UUID or address; else the text itself, which may be a
 * board's key. */
static char *address_of(struct cli *cli, const char *gpu)
{
    CLEANUP_FREE char *path = client_path("/v1/gpus/", gpu, "");
    CLEANUP_JSON json_t *found = NULL;
    bool known = cli_get(cli, path, &found, NULL) == 0;
    return xstrdup(known ? view_text(found, "address", gpu) : gpu);
}

static int advise_host(struct cli *cli, const struct arguments *arguments, const struct need *need,
                       json_t **ret_json, struct error *err)
{
    const char *gpu = arguments->values[ADVISE_GPU];
    CLEANUP_JSON json_t *body = need_to_json(need);
    int r = cli_change(cli, "POST", "/v1/advice", body, ret_json, err);
    if (r == -REASON_UNAVAILABLE && err != NULL && client_found_none(cli->client)) {
        error_hint(err, "`cleave advise --catalog …` answers from the catalog, without cleaved");
    }
    CLEANUP_FREE char *address = r == 0 && gpu != NULL ? address_of(cli, gpu) : NULL;
    if (address != NULL && !advice_keep_gpu(*ret_json, address)) {
        r = error_set(err, REASON_NOT_FOUND, gpu, "this host has no GPU \"%.64s\" to advise on",
                      gpu);
        error_hint(err,
                   "`cleave gpu list` shows those that it has; `cleave advise --board MODEL …` "
                   "asks about a board of the catalog");
    }
    return r;
}

/* ---- the command ---- */

static int read_params(const struct arguments *arguments, struct need *need, struct error *err)
{
    CLEANUP_JSON json_t *body = json_object();
    int r = param_options_read(arguments, ADVISE_PARAM, body, err);
    const json_t *params = json_object_get(body, "params");
    for (size_t i = 0; r == 0 && i < VGPU_PARAM_COUNT; i++) {
        const struct vgpu_param *param = &vgpu_param_table[i];
        const json_t *on = json_object_get(params, param->name);
        if (on != NULL) {
            vgpu_param_set(&need->params, param, json_is_true(on));
        }
    }
    return r;
}

/* Which boards would serve it, or what is nearest: of the catalog of this program. "": unknown. */
static void describe_boards(const struct need *need, char out[SERVING_BOARDS_TEXT_SIZE])
{
    CLEANUP(catalog_freep) struct catalog *catalog = NULL;
    CLEANUP(rules_freep) struct rules *rules = NULL;
    out[0] = '\0';
    if (catalog_load_default(&catalog, NULL) == 0 && rules_load_default(&rules, NULL) == 0) {
        (void)serving_boards_describe(rules, catalog, need, out);
    }
}

static int refuse(const struct arguments *arguments, bool offline, const struct need *need,
                  struct error *err)
{
    const char *board = arguments->values[ADVISE_BOARD];
    char boards[SERVING_BOARDS_TEXT_SIZE];
    describe_boards(need, boards);
    const char *then = boards[0] != '\0' ? "; " : "";
    if (board != NULL) {
        error_set(err, REASON_NO_CAPACITY, NULL, "no mode of %s serves that", board);
        error_hint(err, "%s%s`cleave advise --catalog …` shows each board that serves it", boards,
                   then);
    } else if (offline) {
        error_set(err, REASON_NO_CAPACITY, NULL, "no board of the catalog serves that");
        error_hint(err, "%s%s`cleave advise --board MODEL …` says why that board does not", boards,
                   then);
    } else {
        error_set(err, REASON_NO_CAPACITY, NULL, "no GPU of this host serves that");
        error_hint(err, "%s%s`cleave advise --catalog …` shows each board that serves it", boards,
                   then);
    }
    return -REASON_NO_CAPACITY;
}

static int check_options(const struct arguments *arguments, struct error *err)
{
    const char *const *values = arguments->values;
    bool offline = values[ADVISE_BOARD] != NULL || values[ADVISE_CATALOG] != NULL;
    if (values[ADVISE_GPU] != NULL && offline) {
        return error_set(err, REASON_INVALID, "--gpu",
                         "--gpu names a GPU of this host; --board and --catalog ask about none");
    }
    if (values[ADVISE_BOARD] != NULL && values[ADVISE_CATALOG] != NULL) {
        return error_set(err, REASON_INVALID, "--catalog",
                         "--board asks about one board, and --catalog about all: leave one out");
    }
    return 0;
}

static int cmd_advise(struct cli *cli, const struct arguments *arguments, struct error *err)
{
    struct need need;
    CLEANUP_JSON json_t *json = NULL;
    CLEANUP_JSON json_t *sizing = NULL;
    bool offline =
        arguments->values[ADVISE_BOARD] != NULL || arguments->values[ADVISE_CATALOG] != NULL;
    int r = check_options(arguments, err);
    r = r != 0 ? r : need_options_read(arguments, &need, err);
    r = r != 0 ? r : read_params(arguments, &need, err);
    r = r != 0 ? r : sizing_options_read(arguments, &need, &sizing, err);
    r = r != 0 ? r : need_options_check(&need, err);
    if (r == 0) {
        r = offline ? advise_offline(arguments, &need, &json, err)
                    : advise_host(cli, arguments, &need, &json, err);
    }
    if (r != 0) {
        return r;
    }
    if (sizing != NULL) {
        json_object_set(json, "sizing", sizing);
    }
    if (!cli_print_raw(cli, json)) {
        if (sizing != NULL) {
            sizing_print(sizing, cli_width(cli));
        }
        advice_print(json, cli_width(cli));
    }
    return advice_serves(json) ? 0 : refuse(arguments, offline, &need, err);
}

/* ---- the table ---- */

static const struct command_option advise_options[] = {
    [ADVISE_GPU] = {"gpu", 0, "GPU",
                    "only this GPU of the host: its address or index, or its board"},
    [ADVISE_BOARD] = {"board", 0, "MODEL", "each mode of this board, without cleaved"},
    [ADVISE_CATALOG] = {"catalog", 0, NULL, "the best of each board, without cleaved"},
    [ADVISE_PARAM] = {"param", 0, "NAME=on|off",
                      "a parameter of the vGPU, as of `claim create`; may be repeated"},
    NEED_OPTIONS,
    {"guest", 0, "OS", "linux (default) or windows"},
    {"count", 0, "N", "so many such VMs on one GPU"},
    {"mixed", 0, NULL, "next to vGPUs of other sizes on its GPU"},
    SIZING_OPTIONS,
};

static const struct command commands[] = {
    {.object = "advise",
     .help = "say which mode and type serve a need, and why not the others",
     .examples = {"advise --memory 18G --isolation hardware",
                  "advise --board l40s --memory 8G --graphics --licences vWS",
                  "advise --catalog --model llama-3.1-8b --concurrency 16"},
     STATUSES({5, "nothing serves the need"}),
     OPTIONS(advise_options),
     .repeats = REPEATS(ADVISE_PARAM),
     .run = cmd_advise},
};
const struct command_table advise_commands = COMMAND_TABLE(commands);
