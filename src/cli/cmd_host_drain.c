/* SPDX-License-Identifier: Apache-2.0 */
/* host drain, undrain: what goes where, and how far it is. */
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/parse.h"
#include "base/str.h"
#include "cli/command.h"
#include "cli/follow.h"
#include "cli/listing.h"
#include "cli/prose.h"
#include "cli/view.h"

/* Indices of the options in their tables, for arguments->values. */
enum { DRAIN_TO, DRAIN_STOP, DRAIN_PARALLEL, DRAIN_REASON, DRAIN_STATUS, DRAIN_CANCEL };

/* ---- the request ---- */

/* "URI,PEER,MIGRATE-URI", the latter two optional. */
static json_t *read_target(const char *text)
{
    static const char *const keys[] = {"destination", "peer", "migrateUri"};
    CLEANUP_JSON json_t *target = json_object();
    for (size_t i = 0; i < ARRAY_SIZE(keys) && text != NULL; i++) {
        size_t len = i + 1 < ARRAY_SIZE(keys) ? strcspn(text, ",") : strlen(text);
        if (len > 0 && json_object_set_new(target, keys[i], json_stringn(text, len)) != 0) {
            return NULL;
        }
        text = text[len] == ',' ? text + len + 1 : NULL;
    }
    return TAKE_PTR(target);
}

static int make_body(const struct arguments *arguments, json_t **ret_body, struct error *err)
{
    CLEANUP_JSON json_t *body = json_pack("{s:b}", "stop", arguments->values[DRAIN_STOP] != NULL);
    json_t *to = json_array();
    json_object_set_new(body, "to", to);
    for (size_t i = 0; i < arguments->n_repeated; i++) {
        if (json_array_append_new(to, read_target(arguments->repeated[i].value)) != 0) {
            return error_set(err, REASON_INVALID, "", "a target is not UTF-8 text");
        }
    }
    uint32_t parallel = 1;
    const char *count = arguments->values[DRAIN_PARALLEL];
    if (count != NULL && (!parse_u32(count, &parallel) || parallel < 1 || parallel > 8)) {
        return error_set(err, REASON_INVALID, "",
                         "--parallel must be a number from 1 to 8, not \"%s\"", count);
    }
    json_object_set_new(body, "parallel", json_integer(parallel));
    const char *reason = arguments->values[DRAIN_REASON];
    if (reason != NULL && json_object_set_new(body, "reason", json_string(reason)) != 0) {
        return error_set(err, REASON_INVALID, "", "the reason is not UTF-8 text");
    }
    *ret_body = TAKE_PTR(body);
    return 0;
}

/* ---- the table ---- */

static void add_verdict(const json_t *vm, struct strbuf *out)
{
    static const struct {
        const char *verdict;
        const char *text;
    } texts[] = {{"migrate", "migrates"}, {"stop", "must stop"}, {"stay", "can't move"}};
    const char *verdict = view_text(vm, "verdict", "-");
    for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
        if (str_eq(texts[i].verdict, verdict)) {
            strbuf_add(out, texts[i].text);
        }
    }
}

static void add_step(const json_t *vm, struct strbuf *out)
{
    const char *step = view_text(vm, "step", "-");
    int64_t total = view_int(vm, "totalBytes", 0);
    int64_t done = view_int(vm, "processedBytes", 0);
    int64_t downtime = view_int(vm, "downtimeMs", -1);
    strbuf_add(out, step);
    if (str_eq(step, "moving") && total > 0) {
        strbuf_addf(out, ", %d %%",
                    (int)(done >= total ? 99 : (double)done * 100.0 / (double)total));
    } else if (str_eq(step, "gone") && downtime >= 0) {
        strbuf_addf(out, ", down %lld ms", (long long)downtime);
    }
}

/* Why it can't move, or what went wrong; else how long it is expected to take. */
static void add_remark(const json_t *vm, struct strbuf *out)
{
    const char *text = view_text(vm, "problem", view_text(vm, "why", NULL));
    int64_t estimate = view_int(vm, "estimateMs", -1);
    if (text != NULL) {
        strbuf_add(out, text);
    } else if (estimate >= 0) {
        strbuf_addf(out, "about %.1f s", (double)estimate / 1000.0);
    }
}

static const struct column drain_columns[] = {
    {"VM", .path = "vm", .align = TABLE_NAME},
    {"GPU", .path = "devices", .align = TABLE_LIST},
    {"VERDICT", .cell = add_verdict, .none = "no target was asked yet"},
    {"TO", .path = "target", .align = TABLE_NAME},
    {"STATE", .cell = add_step},
    {"WHY", .cell = add_remark, .align = TABLE_WRAP},
};
static const struct listing drain_listing = {
    .arrays = {"drain.vms"}, LISTING_COLUMNS(drain_columns), .empty = "no VM runs on this host"};

/* ---- following it ---- */

static bool drain_is_over(const json_t *drain)
{
    return view_text(drain, "finishedAt", NULL) != NULL;
}

/* A line for each VM whose step has changed. */
static void report_vms(const json_t *drain, json_t *seen)
{
    const json_t *vms = view_at(drain, "vms");
    for (size_t i = 0; i < json_array_size(vms); i++) {
        const json_t *vm = json_array_get(vms, i);
        const char *name = view_text(vm, "vm", "-");
        const char *step = view_text(vm, "step", "-");
        if (str_eq(json_string_value(json_object_get(seen, name)), step) ||
            str_eq(step, "waiting")) {
            continue;
        }
        json_object_set_new(seen, name, json_string(step));
        CLEANUP_STRBUF struct strbuf text = {0};
        add_step(vm, &text);
        const char *problem = view_text(vm, "problem", NULL);
        const char *target = str_eq(step, "moving") ? view_text(vm, "target", NULL) : NULL;
        prose_report("VM %s: %s%s%s%s%s", name, strbuf_str(&text), target != NULL ? " to " : "",
                     target != NULL ? target : "", problem != NULL ? ": " : "",
                     problem != NULL ? problem : "");
    }
}

static const struct follow drain_follow = {
    .url = "/v1/drain",
    .path = "drain",
    .ended = drain_is_over,
    .report = report_vms,
    .interrupt = {.text = "\nthe drain continues; `cleave host drain --cancel` ends it\n"}};

/* ---- the commands ---- */

static bool has_verdict(const json_t *drain, const char *verdict)
{
    const json_t *vms = view_at(drain, "vms");
    for (size_t i = 0; i < json_array_size(vms); i++) {
        if (str_eq(view_text(json_array_get(vms, i), "verdict", ""), verdict)) {
            return true;
        }
    }
    return false;
}

static int refuse_incomplete(const json_t *drain, const char *command, struct error *err)
{
    bool helps = has_verdict(drain, "stay") && !view_true(drain, "stop");
    error_set(err, REASON_CONFLICT, "", "VMs %s here", command);
    error_hint(err, "the table says why; %s",
               helps ? "--stop stops VMs that can't migrate"
                     : "migrate or stop the VMs that are left (`cleave vm migrate`, `cleave vm "
                       "stop`), and drain again");
    return -REASON_CONFLICT;
}

/* A dry run in which a VM stays ends as its run will. */
static int print_end(struct cli *cli, const json_t *reply, bool cancels, struct error *err)
{
    const json_t *drain = view_at(reply, "drain");
    const char *state = view_text(drain, "state", "-");
    if (!cli_print_raw(cli, reply)) {
        listing_print(&drain_listing, reply, cli_width(cli));
        if (cli->dry_run) {
            printf("\nDry run: nothing was changed.\n");
        } else {
            putchar('\n');
            prose_print(cli_width(cli), "The drain is %s.%s", state,
                        drain_is_over(drain)
                            ? " The host takes no new claims until `cleave host undrain`."
                            : "");
        }
    }
    if (cli->dry_run) {
        bool stays = !cancels && has_verdict(drain, "stay");
        return stays ? refuse_incomplete(drain, "would still run", err) : 0;
    }
    return str_eq(state, "incomplete") ? refuse_incomplete(drain, "still run", err) : 0;
}

static int show_drain(struct cli *cli, struct error *err)
{
    CLEANUP_JSON json_t *reply = NULL;
    int result = cli_get(cli, "/v1/drain", &reply, err);
    if (result == 0 && !cli_print_raw(cli, reply)) {
        listing_print(&drain_listing, reply, cli_width(cli));
        printf("\nThe drain is %s.\n", view_text(reply, "drain.state", "-"));
    }
    return result;
}

static int cmd_host_drain(struct cli *cli, const struct arguments *arguments, struct error *err)
{
    CLEANUP_JSON json_t *reply = NULL;
    CLEANUP_JSON json_t *body = NULL;
    if (arguments->values[DRAIN_STATUS] != NULL) {
        return show_drain(cli, err);
    }
    bool cancels = arguments->values[DRAIN_CANCEL] != NULL;
    int result = cancels ? 0 : make_body(arguments, &body, err);
    if (result == 0) {
        result =
            cli_change(cli, "POST", cancels ? "/v1/drain/cancel" : "/v1/drain", body, &reply, err);
    }
    if (result == 0 && !cli->dry_run && !cli->no_wait) {
        result = follow_run(cli, &drain_follow, &reply, err);
    }
    return result != 0 ? result : print_end(cli, reply, cancels, err);
}

static int cmd_host_undrain(struct cli *cli, const struct arguments *arguments UNUSED,
                            struct error *err)
{
    CLEANUP_JSON json_t *reply = NULL;
    int result = cli_change(cli, "DELETE", "/v1/drain", NULL, &reply, err);
    if (result == 0 && !cli_print_raw(cli, reply)) {
        printf("%s\n", cli->dry_run ? "the host would take new claims again"
                                    : "the host takes new claims again");
    }
    return result;
}

/* ---- the table ---- */

static const struct command_option drain_options[] = {
    [DRAIN_TO] = {"to", 0, "URI[,PEER[,MIGRATE-URI]]",
                  "libvirt's URI of a target; several are asked in this order"},
    [DRAIN_STOP] = {"stop", 0, NULL, "stop VMs that can't migrate; default: they stay"},
    [DRAIN_PARALLEL] = {"parallel", 0, "COUNT", "number of VMs at once, 1 to 8; default: 1"},
    [DRAIN_REASON] = {"reason", 0, "TEXT", "shown with the drain"},
    [DRAIN_STATUS] = {"status", 0, NULL, "show the present drain, or the latest one"},
    [DRAIN_CANCEL] =
        {"cancel", 0, NULL,
         "cancel the drain; VMs that have moved stay on their targets, and the host takes no new "
         "claims until `cleave host undrain`"},
};

static const struct command commands[] = {
    {.object = "host",
     .name = "drain",
     .help = "migrate or stop every VM of this host, and keep new claims off its GPUs",
     .examples = {"host drain --dry-run", "host drain --to qemu+ssh://host-2/system"},
     STATUSES({4, "VMs stay on this host; of a dry run, would stay"}),
     OPTIONS(drain_options),
     .repeats = REPEATS(DRAIN_TO),
     .changes = true,
     .waits = true,
     .run = cmd_host_drain},
    {.object = "host",
     .name = "undrain",
     .help = "end the maintenance: allow new claims on the host again",
     .examples = {"host undrain"},
     .changes = true,
     .run = cmd_host_undrain},
};
const struct command_table host_drain_commands = COMMAND_TABLE(commands);
