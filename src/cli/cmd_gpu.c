/* SPDX-License-Identifier: Apache-2.0 */
#include <langinfo.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/parse.h"
#include "base/str.h"
#include "cli/change.h"
#include "cli/picture.h"
#include "cli/table.h"
#include "cli/trouble.h"
#include "cli/verb.h"
#include "cli/view.h"

#define MIB (1024 * 1024)

/* "2.0 of 96.0 GiB". */
static const char *memory_text(const json_t *gpu, char out[VIEW_SIZE])
{
    int64_t total = view_int(gpu, "memory.totalBytes", -1);
    int64_t used = view_int(gpu, "memory.usedBytes", -1);
    double gib = 1024.0 * MIB;
    if (total < 0) {
        str_copy(out, VIEW_SIZE, "-");
    } else if (used < 0) {
        snprintf(out, VIEW_SIZE, "%.1f GiB", (double)total / gib);
    } else {
        snprintf(out, VIEW_SIZE, "%.1f of %.1f GiB", (double)used / gib, (double)total / gib);
    }
    return out;
}

static const char *count_text(const json_t *gpu, const char *path, char out[VIEW_SIZE])
{
    const json_t *list = view_at(gpu, path);
    if (json_is_array(list)) {
        snprintf(out, VIEW_SIZE, "%zu", json_array_size(list));
    } else {
        str_copy(out, VIEW_SIZE, "-"); /* not known */
    }
    return out;
}

/* What keeps a GPU from being used: a problem, a quarantine, a cordon; the first of them. */
static const char *trouble_text(const json_t *gpu, char out[VIEW_SIZE])
{
    const char *problem = view_text(gpu, "problem", NULL);
    if (problem != NULL) {
        return problem;
    }
    if (view_at(gpu, "quarantine") != NULL) {
        snprintf(out, VIEW_SIZE, "quarantined: %s", view_text(gpu, "quarantine.reason", "-"));
        return out;
    }
    return view_at(gpu, "cordoned") != NULL ? "cordoned" : "-";
}

/* "why (who, since when)"; "-" when not set. */
static const char *decision_text(const json_t *gpu, const char *key, const char *who,
                                 struct strbuf *out)
{
    const json_t *set = view_at(gpu, key);
    if (set == NULL) {
        return "-";
    }
    strbuf_addf(out, "%s (%s, since %s)", view_text(set, "reason", "no reason given"),
                view_text(set, who, "-"), view_text(set, "since", "-"));
    return strbuf_str(out);
}

int cmd_gpu_list(struct cli *cli, const struct arguments *words UNUSED, struct error *err)
{
    CLEANUP_JSON json_t *json = NULL;
    int result = cli_get(cli, "/v1/gpus", &json, err);
    if (result != 0 || cli_print_raw(cli, json)) {
        return result;
    }
    static const struct table_column columns[] = {
        {"GPU", TABLE_LEFT, 0},    {"INDEX", TABLE_RIGHT, 3},  {"NAME", TABLE_SHORT, 0},
        {"MODE", TABLE_LEFT, 0},   {"MEMORY", TABLE_RIGHT, 4}, {"INSTANCES", TABLE_RIGHT, 1},
        {"VGPUS", TABLE_RIGHT, 2}, {"VM", TABLE_NAME, 0},      {"PROBLEM", TABLE_WRAP, 0},
    };
    CLEANUP(table_freep)
    struct table *table = table_new(columns, ARRAY_SIZE(columns), cli_width(cli));
    const json_t *gpus = view_at(json, "gpus");
    for (size_t i = 0; i < json_array_size(gpus); i++) {
        const json_t *gpu = json_array_get(gpus, i);
        char index[VIEW_SIZE];
        char memory[VIEW_SIZE];
        char instances[VIEW_SIZE];
        char vgpus[VIEW_SIZE];
        char trouble[VIEW_SIZE];
        const char *model = view_text(gpu, "model", "-");
        const char *const cells[] = {
            view_text(gpu, "address", "-"),  view_any(gpu, "index", index),
            view_text(gpu, "name", model),   view_text(gpu, "mode", "-"),
            memory_text(gpu, memory),        count_text(gpu, "gpuInstances", instances),
            count_text(gpu, "vgpus", vgpus), view_text(gpu, "vm", "-"),
            trouble_text(gpu, trouble),
        };
        table_row(table, cells);
    }
    table_print_or(table, "no GPUs");
    return 0;
}

/* A capability that the driver may not report, in nvidia-smi's words. */
static const char *reported(const json_t *gpu, const char *path, const char *yes, const char *no)
{
    if (view_at(gpu, path) == NULL) {
        return "N/A";
    }
    return view_true(gpu, path) ? yes : no;
}

static const char *mig_text(const json_t *gpu)
{
    if (view_at(gpu, "mig.enabled") == NULL) {
        return "-"; /* not known */
    }
    bool enabled = view_true(gpu, "mig.enabled");
    bool pending = view_true(gpu, "mig.pending");
    if (enabled != pending) {
        return enabled ? "Enabled, Disabled after the next reset"
                       : "Disabled, Enabled after the next reset";
    }
    if (view_at(gpu, "mig.capable") != NULL && !view_true(gpu, "mig.capable")) {
        return "N/A";
    }
    return enabled ? "Enabled" : "Disabled";
}

static const char *group_text(const json_t *gpu, struct strbuf *out)
{
    if (view_at(gpu, "iommuGroup") == NULL) {
        return "-";
    }
    const json_t *others = view_at(gpu, "iommuGroup.otherMembers");
    strbuf_addf(out, "%d", (int)view_int(gpu, "iommuGroup.number", 0));
    for (size_t i = 0; i < json_array_size(others); i++) {
        const char *bdf = json_string_value(json_array_get(others, i));
        const json_t *driver = json_object_get(view_at(gpu, "iommuGroup.drivers"), bdf);
        const char *name = json_is_string(driver) ? json_string_value(driver) : "no driver";
        strbuf_addf(out, "%s %s (%s)", i == 0 ? ", shared with" : ",", bdf, name);
    }
    return strbuf_str(out);
}

static const char *scheduler_text(const json_t *gpu, struct strbuf *out)
{
    const json_t *scheduler = view_at(gpu, "scheduler");
    if (scheduler == NULL) {
        return "N/A";
    }
    int64_t slice_ns = view_int(scheduler, "sliceNs", 0);
    int64_t averaging = view_int(scheduler, "averaging", 0);
    strbuf_addf(out, "%s", view_text(scheduler, "policy", "-"));
    if (slice_ns > 0) {
        strbuf_addf(out, ", %.4g ms slices", (double)slice_ns / 1e6);
    }
    if (averaging > 0) {
        strbuf_addf(out, ", averaging %d", (int)averaging);
    }
    return strbuf_str(out);
}

static void print_details(const struct cli *cli, const json_t *gpu)
{
    char index[VIEW_SIZE];
    char memory[VIEW_SIZE];
    char numa[VIEW_SIZE];
    char pci[VIEW_SIZE];
    char functions[VIEW_SIZE];
    CLEANUP_STRBUF struct strbuf group = {0};
    CLEANUP_STRBUF struct strbuf scheduler = {0};
    CLEANUP_STRBUF struct strbuf cordon = {0};
    CLEANUP_STRBUF struct strbuf quarantine = {0};
    const char *subsystem = view_text(gpu, "pciSubsystemId", NULL);
    snprintf(pci, sizeof(pci), "%s%s%s", view_text(gpu, "pciId", "-"),
             subsystem == NULL ? "" : ", subsystem ", subsystem == NULL ? "" : subsystem);
    str_copy(functions, sizeof(functions), "-");
    if (view_at(gpu, "virtualFunctionsTotal") != NULL) {
        snprintf(functions, sizeof(functions), "%zu of %d",
                 json_array_size(view_at(gpu, "virtualFunctions")),
                 (int)view_int(gpu, "virtualFunctionsTotal", 0));
    }
    const struct table_field fields[] = {
        {"Product Name", view_text(gpu, "name", "-")},
        {"Model", view_text(gpu, "model", "unknown")},
        {"UUID", view_text(gpu, "uuid", "-")},
        {"Index", view_any(gpu, "index", index)},
        {"PCI Id", pci},
        {"NUMA Node", view_any(gpu, "numaNode", numa)},
        {"IOMMU Group", group_text(gpu, &group)},
        {"Driver", view_text(gpu, "driver", "-")},
        {"Mode", view_text(gpu, "mode", "-")},
        {"Memory", memory_text(gpu, memory)},
        {"MIG Mode", mig_text(gpu)},
        {"MIG Time-Slicing",
         reported(gpu, "mig.timeSlicingSupported", "Supported", "Not Supported")},
        {"MIG Time-Slicing Mode", reported(gpu, "mig.timeSlicingEnabled", "Enabled", "Disabled")},
        {"Mixed vGPU Sizes", reported(gpu, "mixedSizes", "Enabled", "Disabled")},
        {"vGPU Scheduler", scheduler_text(gpu, &scheduler)},
        {"vGPU Interface", view_text(gpu, "vgpuInterface", "-")},
        {"Virtual Functions", functions},
        {"Cordoned", decision_text(gpu, "cordoned", "by", &cordon)},
        {"Quarantine", decision_text(gpu, "quarantine", "kind", &quarantine)},
        {"Problem", view_text(gpu, "problem", "-")},
    };
    printf("GPU %s\n", view_text(gpu, "address", "-"));
    fields_print(fields, ARRAY_SIZE(fields), cli_width(cli));
}

int cmd_gpu_show(struct cli *cli, const struct arguments *words, struct error *err)
{
    CLEANUP_FREE char *path = client_path("/v1/gpus/", words->args[0], "");
    CLEANUP_JSON json_t *gpu = NULL;
    int result = cli_get(cli, path, &gpu, err);
    if (result != 0 || cli_print_raw(cli, gpu)) {
        return result;
    }
    print_details(cli, gpu);
    /* A board that the catalog lacks still has a picture, with fewer numbers in it. */
    CLEANUP_JSON json_t *profiles = NULL;
    CLEANUP_FREE char *query =
        client_path("/v1/profiles?gpu=", view_text(gpu, "address", words->args[0]), "");
    (void)cli_get(cli, query, &profiles, NULL);
    CLEANUP_JSON json_t *claims = NULL;
    (void)cli_get(cli, "/v1/claims", &claims, NULL);
    bool utf8 = str_eq(nl_langinfo(CODESET), "UTF-8");
    CLEANUP_STRBUF struct strbuf picture = {0};
    picture_draw(gpu, profiles, claims, utf8 ? PICTURE_UTF8 : PICTURE_ASCII, &picture);
    printf("\n%s", strbuf_str(&picture));
    trouble_print(gpu, claims, cli_width(cli));
    return 0;
}

int cmd_gpu_mode(struct cli *cli, const struct arguments *words, struct error *err)
{
    CLEANUP_FREE char *path = client_path("/v1/gpus/", words->args[0], "/mode");
    CLEANUP_JSON json_t *body = json_pack("{s:s}", "mode", words->args[1]);
    if (body == NULL) {
        return error_set(err, REASON_INVALID, "", "the mode is not UTF-8 text");
    }
    return change_run(cli, "PUT", path, body, err);
}

/* "2ms", "1.5ms", "2000us" or "2000000ns" in nanoseconds; 0 if it is none of these. */
static uint32_t slice_ns(const char *text)
{
    static const struct {
        const char *unit;
        double ns;
    } units[] = {{"ms", 1e6}, {"us", 1e3}, {"ns", 1.0}};
    char *end = NULL;
    double value = strtod(text, &end);
    for (size_t i = 0; end != text && i < ARRAY_SIZE(units); i++) {
        double ns = value * units[i].ns;
        if (str_eq(end, units[i].unit) && ns >= 1.0 && ns < (double)UINT32_MAX) {
            return (uint32_t)(ns + 0.5);
        }
    }
    return 0;
}

static int add_number(json_t *body, const char *key, const char *option, const char *text,
                      struct error *err)
{
    uint32_t value = 0;
    if (text == NULL) {
        return 0;
    }
    if (!parse_u32(text, &value) || value == 0) {
        return error_set(err, REASON_INVALID, option, "%s is a number above 0, not \"%s\"", option,
                         text);
    }
    json_object_set_new(body, key, json_integer(value));
    return 0;
}

int cmd_gpu_scheduler(struct cli *cli, const struct arguments *words, struct error *err)
{
    CLEANUP_FREE char *path = client_path("/v1/gpus/", words->args[0], "/scheduler");
    CLEANUP_JSON json_t *body = json_pack("{s:s}", "policy", words->args[1]);
    if (body == NULL) {
        return error_set(err, REASON_INVALID, "", "the policy is not UTF-8 text");
    }
    const char *slice = words->values[SCHEDULER_SLICE];
    if (slice != NULL && slice_ns(slice) == 0) {
        return error_set(err, REASON_INVALID, "--slice",
                         "--slice is a time such as 2ms or 1500us, not \"%s\"", slice);
    }
    if (slice != NULL) {
        json_object_set_new(body, "sliceNs", json_integer(slice_ns(slice)));
    }
    int r = add_number(body, "frequencyHz", "--frequency", words->values[SCHEDULER_FREQUENCY], err);
    r = r != 0
            ? r
            : add_number(body, "averaging", "--averaging", words->values[SCHEDULER_AVERAGING], err);
    return r != 0 ? r : change_run(cli, "PUT", path, body, err);
}
