/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/parse.h"
#include "base/str.h"
#include "cli/command.h"
#include "cli/layout_item.h"
#include "cli/listing.h"
#include "cli/need_advice.h"
#include "cli/need_options.h"
#include "cli/param_options.h"
#include "cli/plan_follow.h"
#include "cli/prose.h"
#include "cli/type_notice.h"
#include "cli/view.h"
#include "cli/vm_lint_view.h"
#include "layout/layout.h"

/* Indices of the options in their tables, for arguments->values. */
enum { CLAIM_LIST_RELEASED };
enum {
    CLAIM_VM,
    CLAIM_MODE,
    CLAIM_GPU,
    CLAIM_TYPE,
    CLAIM_PROFILE,
    CLAIM_MIXED,
    CLAIM_GUEST,
    CLAIM_MIGRATABLE,
    CLAIM_TENANT,
    CLAIM_ON_DEMAND,
    CLAIM_MOVE_IDLE,
    CLAIM_PARAM,
    CLAIM_OVERRIDE,
    CLAIM_COUNT
};

/* Option → key of the API. */
static const char *const text_keys[] = {
    [CLAIM_VM] = "vm",         [CLAIM_MODE] = "mode",       [CLAIM_GPU] = "gpu",
    [CLAIM_TYPE] = "type",     [CLAIM_PROFILE] = "profile", [CLAIM_GUEST] = "guest",
    [CLAIM_TENANT] = "tenant",
};

/* "2g.10gb@4", nvidia-smi's "14:4" → profile and start. */
static int split_profile(json_t *body, const char *text, struct error *err)
{
    struct layout_item item;
    int r = layout_item_parse(text, &item, NULL);
    if (r != 0) {
        return error_set(err, REASON_INVALID, "",
                         "--profile is PROFILE or PROFILE@START, and \"%s\" is neither", text);
    }
    if (item.count != 1) {
        error_set(err, REASON_INVALID, "", "a claim gets one instance, not %u of \"%s\"",
                  item.count, item.name);
        error_hint(err, "make a claim for each instance, or list all of them in a site file: "
                        "`cleave apply -f FILE`");
        return -REASON_INVALID;
    }
    if (item.start == LAYOUT_ANYWHERE) {
        return 0;
    }
    json_object_set_new(body, "profile", json_string(item.name));
    json_object_set_new(body, "start", json_integer(item.start));
    return 0;
}

/* "--memory 20G --isolation hardware" → need, "--count 3" → count. */
static int add_need(json_t *body, const struct arguments *arguments, struct error *err)
{
    struct need need;
    int r = need_options_read(arguments, &need, err);
    if (r == 0 && need.count > 0) {
        json_object_set_new(body, "count", json_integer(need.count));
    }
    if (r == 0 && need_options_given(arguments)) {
        need.count = 0; /* so many claims, not so many on one GPU */
        json_object_set_new(body, "need", need_to_json(&need));
    }
    return r;
}

/* "RULE=REASON". */
static int add_override(json_t *body, const char *text, struct error *err)
{
    const char *equals = text == NULL ? NULL : strchr(text, '=');
    if (text == NULL) {
        return 0;
    }
    if (equals == NULL || equals == text || equals[1] == '\0') {
        error_set(err, REASON_INVALID, "", "--override is RULE=REASON, not \"%s\"", text);
        error_hint(err, "name the rule and say why it does not hold for this claim; `cleave rule "
                        "list` lists the rules");
        return -REASON_INVALID;
    }
    json_t *one = json_pack("{s:o, s:s}", "rule", json_stringn(text, (size_t)(equals - text)),
                            "reason", equals + 1);
    if (one == NULL) {
        return error_set(err, REASON_INVALID, "", "--override is not UTF-8 text");
    }
    json_t *list = json_object_get(body, "overrides");
    if (list == NULL) {
        list = json_array();
        json_object_set_new(body, "overrides", list);
    }
    json_array_append_new(list, one);
    return 0;
}

static int add_overrides(json_t *body, const struct arguments *arguments, struct error *err)
{
    int result = 0;
    for (size_t i = 0; result == 0 && i < arguments->n_repeated; i++) {
        if (arguments->repeated[i].option == CLAIM_OVERRIDE) {
            result = add_override(body, arguments->repeated[i].value, err);
        }
    }
    return result;
}

static int cmd_claim_create(struct cli *cli, const struct arguments *arguments, struct error *err)
{
    CLEANUP_JSON json_t *body = json_pack("{s:s}", "name", arguments->args[0]);
    if (body == NULL) {
        return error_set(err, REASON_INVALID, "", "the name is not UTF-8 text");
    }
    for (size_t i = 0; i < ARRAY_SIZE(text_keys); i++) {
        if (text_keys[i] == NULL || arguments->values[i] == NULL) {
            continue;
        }
        json_t *value = json_string(arguments->values[i]);
        if (value == NULL) {
            return error_set(err, REASON_INVALID, "", "--%s is not UTF-8 text", text_keys[i]);
        }
        json_object_set_new(body, text_keys[i], value);
    }
    if (arguments->values[CLAIM_MIXED] != NULL) {
        json_object_set_new(body, "mixed", json_true());
    }
    if (arguments->values[CLAIM_ON_DEMAND] != NULL) {
        json_object_set_new(body, "hold", json_string("on-demand"));
    }
    if (arguments->values[CLAIM_MIGRATABLE] != NULL) {
        json_object_set_new(body, "migratable", json_true());
    }
    if (arguments->values[CLAIM_MOVE_IDLE] != NULL) {
        json_object_set_new(body, "moveIdle", json_true());
    }
    const char *profile = arguments->values[CLAIM_PROFILE];
    int result = profile == NULL ? 0 : split_profile(body, profile, err);
    result = result != 0 ? result : add_need(body, arguments, err);
    result = result != 0 ? result : param_options_read(arguments, CLAIM_PARAM, body, err);
    result = result != 0 ? result : add_overrides(body, arguments, err);
    result = result != 0 ? result : plan_follow_change(cli, "POST", "/v1/claims", body, err);
    if (result == 0) {
        CLEANUP_JSON json_t *claims = json_pack("[O]", body);
        type_notice_report(cli, claims);
    }
    if (result == 0 && cli->dry_run && json_object_get(body, "need") != NULL) {
        need_advice_print(cli, json_object_get(body, "need"));
    }
    if (result == 0 && arguments->values[CLAIM_VM] != NULL && !cli->dry_run) {
        vm_lint_view_report(cli, arguments->values[CLAIM_VM]);
    }
    return result;
}

static int cmd_claim_delete(struct cli *cli, const struct arguments *arguments, struct error *err)
{
    CLEANUP_FREE char *path = client_path("/v1/claims/", arguments->args[0], "");
    return plan_follow_change(cli, "DELETE", path, NULL, err);
}

static int cmd_claim_restore(struct cli *cli, const struct arguments *arguments, struct error *err)
{
    CLEANUP_FREE char *path = client_path("/v1/claims/", arguments->args[0], "/restore");
    return plan_follow_change(cli, "POST", path, NULL, err);
}

/* A mark for those that are spoken of below the table. */
static void add_claim_state(const json_t *claim, struct strbuf *out)
{
    strbuf_addf(out, "%s%s", view_text(claim, "state", "-"),
                view_text(claim, "problem", NULL) != NULL ? " !" : "");
}

static void print_claim_problems(const json_t *answer, size_t width)
{
    const json_t *claims = view_at(answer, "claims");
    bool first = true;
    for (size_t i = 0; i < json_array_size(claims); i++) {
        const json_t *claim = json_array_get(claims, i);
        const char *problem = view_text(claim, "problem", NULL);
        if (problem != NULL) {
            fputs(first ? "\n" : "", stdout);
            prose_print(width, "! %s: %s", view_text(claim, "name", "-"), problem);
            first = false;
        }
    }
}

static const struct column claim_columns[] = {
    {"CLAIM", .path = "name", .align = TABLE_NAME},
    {"STATE", .cell = add_claim_state},
    {"VM", .path = "vm", .align = TABLE_NAME},
    {"MODE", .path = "mode", .drop = 3},
    {"TYPE", .path = "type", .format = COLUMN_WORD, .drop = 4},
    {"INSTANCE", .path = "assigned.profile|profile", .drop = 2},
    {"GPU", .path = "assigned.gpu"},
    {"DEVICE", .path = "assigned.mdevUuid|assigned.device|reserved.mdevUuid|reserved.device"},
    {"SITE", .path = "site", .align = TABLE_NAME, .drop = 1},
};
static const struct listing claim_listing = {.arrays = {"claims"},
                                             .name = "name",
                                             LISTING_COLUMNS(claim_columns),
                                             .empty = "no claims",
                                             .after = print_claim_problems};

static const struct column released_columns[] = {
    {"CLAIM", .path = "claim.name", .align = TABLE_NAME},
    {"VM", .path = "claim.vm", .align = TABLE_NAME},
    {"MODE", .path = "claim.mode", .drop = 1},
    {"TYPE", .path = "claim.type", .format = COLUMN_WORD},
    {"RELEASED", .path = "releasedAt", .format = COLUMN_TIME, .drop = 2},
    {"WHY", .path = "reason", .align = TABLE_WRAP},
};
static const struct listing released_listing = {.arrays = {"released"},
                                                .name = "claim.name",
                                                LISTING_COLUMNS(released_columns),
                                                .empty = "no claims that can be restored"};

static int cmd_claim_list(struct cli *cli, const struct arguments *arguments, struct error *err)
{
    return arguments->values[CLAIM_LIST_RELEASED] != NULL
               ? listing_show(cli, "/v1/released-claims", &released_listing, err)
               : listing_show(cli, "/v1/claims", &claim_listing, err);
}

/* "1g.24gb+gfx at slices 3-5, id 2". */
static void add_instance(const json_t *claim, struct strbuf *out)
{
    int64_t start = view_int(claim, "assigned.start", -1);
    const char *profile = view_text(claim, "assigned.profile", NULL);
    if (profile == NULL) {
        return;
    }
    strbuf_add(out, profile);
    if (start >= 0) {
        char id[VIEW_SIZE];
        strbuf_addf(out, " at slices %d-%d, id %s", (int)start,
                    (int)(start + view_int(claim, "assigned.size", 1) - 1),
                    view_any(claim, "assigned.gpuInstance", id));
    }
}

/* "memory 20GiB, isolation hardware, predictable". */
static void add_need_words(const json_t *claim, struct strbuf *out)
{
    const char *key = NULL;
    json_t *value = NULL;
    json_t *need = json_object_get(claim, "need");
    json_object_foreach(need, key, value)
    {
        strbuf_addf(out, "%s%s", out->len > 0 ? ", " : "", key);
        if (json_is_string(value)) {
            strbuf_addf(out, " %s", json_string_value(value));
        } else if (json_is_integer(value)) {
            strbuf_addf(out, " %lld", (long long)json_integer_value(value));
        }
        for (size_t i = 0; i < json_array_size(value); i++) {
            strbuf_addf(out, "%s%s", i > 0 ? " or " : " ",
                        json_string_value(json_array_get(value, i)));
        }
        strbuf_add(out, json_is_array(value) && json_array_size(value) == 0 ? " none" : "");
    }
}

/* "unified-memory on, console off". */
static void add_wanted_params(const json_t *claim, struct strbuf *out)
{
    const json_t *params = view_at(claim, "params");
    for (size_t i = 0; i < VGPU_PARAM_COUNT; i++) {
        const json_t *value = json_object_get(params, vgpu_param_table[i].name);
        if (json_is_boolean(value)) {
            strbuf_addf(out, "%s%s %s", out->len > 0 ? ", " : "", vgpu_param_table[i].word,
                        json_is_true(value) ? "on" : "off");
        }
    }
}

static void add_override_words(const json_t *claim, struct strbuf *out)
{
    const json_t *list = view_at(claim, "overrides");
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *one = json_array_get(list, i);
        strbuf_addf(out, "%s%s (%s)", i > 0 ? "; " : "", view_text(one, "rule", "-"),
                    view_text(one, "reason", "-"));
    }
}

static const struct column wanted_fields[] = {
    {"State", .path = "state"},
    {"Problem", .path = "problem"},
    {"Tenant", .path = "tenant"},
    {"VM", .path = "vm"},
    {"Mode", .path = "mode"},
    {"Type", .path = "type"},
    {"Wanted GPU", .path = "gpu", .none = "any"},
    {"Wanted Profile", .path = "profile", .none = "any"},
    {"Wanted Start", .path = "start", .format = COLUMN_VALUE, .none = "any"},
    {"Mixed Sizes", .path = "mixed", .format = COLUMN_FLAG},
    {"Guest", .path = "guest"},
    {"Migratable", .path = "migratable", .format = COLUMN_FLAG},
    {"Parameters", .cell = add_wanted_params, .none = "the driver's defaults"},
    {"Hold", .path = "hold"},
    {"Need", .cell = add_need_words},
    {"Chosen", .path = "choice"},
    {"Overrides", .cell = add_override_words, .align = TABLE_WRAP},
    {"Site", .path = "site"},
    {"Made", .path = "createdAt", .format = COLUMN_TIME},
    {"By", .path = "author"},
};

static void add_used(const json_t *claim, struct strbuf *out)
{
    view_add_percent(claim, "usedPercent", out);
}

static const struct column held_fields[] = {
    {"GPU", .path = "assigned.gpu"},
    {"GPU UUID", .path = "assigned.gpuUuid"},
    {"GPU Instance", .cell = add_instance},
    {"Device", .path = "assigned.device"},
    {"mdev", .path = "assigned.mdevUuid"},
    {"Placement Id", .path = "assigned.placementId", .format = COLUMN_VALUE},
    {"MIG Device", .path = "assigned.migUuid"},
    {"Share", .path = "share.text", .none = "unknown"},
    {"Used", .cell = add_used, .none = "unknown"},
    {"Licence", .path = "licence.text", .none = "unknown"},
};

static void print_held(const struct cli *cli, const json_t *claim)
{
    if (view_at(claim, "assigned") != NULL) {
        printf("Holds\n");
        listing_print_fields(held_fields, ARRAY_SIZE(held_fields), claim, cli_width(cli));
        return;
    }
    const char *device = view_text(claim, "reserved.device", NULL);
    printf("Holds nothing\n");
    if (device != NULL) {
        prose_print(cli_width(cli), "the definition of VM \"%s\" names %s for this claim",
                    view_text(claim, "vm", "-"), view_text(claim, "reserved.mdevUuid", device));
    }
}

static int cmd_claim_show(struct cli *cli, const struct arguments *arguments, struct error *err)
{
    CLEANUP_FREE char *path = client_path("/v1/claims/", arguments->args[0], "");
    CLEANUP_JSON json_t *claim = NULL;
    int result = cli_get(cli, path, &claim, err);
    if (result != 0 || cli_print_raw(cli, claim)) {
        return result;
    }
    printf("Claim %s\n", view_text(claim, "name", "-"));
    listing_print_fields(wanted_fields, ARRAY_SIZE(wanted_fields), claim, cli_width(cli));
    print_held(cli, claim);
    return 0;
}

/* ---- the table ---- */

static const struct command_option claim_create_options[] = {
    [CLAIM_VM] = {"vm", 0, "VM", "libvirt domain that gets the device"},
    [CLAIM_MODE] = {"mode", 0, "MODE",
                    "passthrough, time-sliced, mig-backed, time-sliced-mig-backed or gpu-instance; "
                    "default: follows from type or profile"},
    [CLAIM_GPU] = {"gpu", 0, "GPU",
                   "PCI address, UUID, index or model; default: any GPU that fits"},
    [CLAIM_TYPE] = {"type", 0, "TYPE", "vGPU type, such as L40S-8Q"},
    [CLAIM_PROFILE] = {"profile", 0, "PROFILE[@START]",
                       "GPU instance profile, such as 2g.10gb, and its first memory slice"},
    [CLAIM_MIXED] = {"mixed", 0, NULL, "the vGPU may share its GPU with vGPUs of other sizes"},
    [CLAIM_GUEST] = {"guest", 0, "OS", "linux (default) or windows"},
    [CLAIM_MIGRATABLE] = {"migratable", 0, NULL, "the device must be able to live-migrate"},
    [CLAIM_TENANT] = {"tenant", 0, "TENANT", "owner of the claim; default: \"default\""},
    [CLAIM_ON_DEMAND] = {"on-demand", 0, NULL, "keep the device only while the VM is on"},
    [CLAIM_MOVE_IDLE] = {"move-idle", 0, NULL, MOVE_IDLE_HELP},
    [CLAIM_PARAM] = {"param", 0, "NAME=on|off",
                     "parameter of the vGPU: unified-memory, debugger, profiler, "
                     "frame-rate-limiter or console; may be given several times"},
    [CLAIM_OVERRIDE] = {"override", 0, "RULE=REASON",
                        "a soft rule that does not bind this claim, and why; several times for "
                        "several rules"},
    [CLAIM_COUNT] = {"count", 0, "N", "so many claims, NAME-1 to NAME-N, for VMs VM-1 to VM-N"},
    NEED_OPTIONS,
};

static const struct command_option claim_list_options[] = {
    [CLAIM_LIST_RELEASED] =
        {"released", 0, NULL,
         "list claims that were released because their VMs were gone, and can be restored"},
};

static const struct command commands[] = {
    {.object = "claim",
     .name = "create",
     .args = "NAME",
     .n_args = 1,
     .help = "create a claim: ask for a GPU or a part of one",
     .examples = {"claim create web1 --vm web1 --type L40S-8Q --dry-run",
                  "claim create train --vm train --memory 18G --isolation hardware",
                  "claim create whole --vm big --mode passthrough --gpu l40s"},
     OPTIONS(claim_create_options),
     .repeats = REPEATS(CLAIM_PARAM) | REPEATS(CLAIM_OVERRIDE),
     .changes = true,
     .waits = true,
     .run = cmd_claim_create},
    {.object = "claim",
     .name = "list",
     .help = "list claims",
     .examples = {"claim list", "claim list --sort gpu", "claim list -o name"},
     OPTIONS(claim_list_options),
     .lists = true,
     .listing = &claim_listing,
     .watches = true,
     .run = cmd_claim_list},
    {.object = "claim",
     .name = "show",
     .args = "NAME",
     .n_args = 1,
     .help = "show one claim and its device",
     .examples = {"claim show web1"},
     .run = cmd_claim_show},
    {.object = "claim",
     .name = "delete",
     .args = "NAME...",
     .n_args = 1,
     .each = true,
     .in_order = true,
     .help = "delete claims and release their devices",
     .examples = {"claim delete web1 --dry-run", "claim delete web1 web2"},
     .changes = true,
     .waits = true,
     .run = cmd_claim_delete},
    {.object = "claim",
     .name = "restore",
     .args = "NAME",
     .n_args = 1,
     .help = "restore a claim that was released because its VM was gone",
     .examples = {"claim restore web1"},
     .changes = true,
     .waits = true,
     .run = cmd_claim_restore},
};
const struct command_table claim_commands = COMMAND_TABLE(commands);
