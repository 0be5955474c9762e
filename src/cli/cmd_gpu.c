/* SPDX-License-Identifier: Apache-2.0 */
#include <langinfo.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/parse.h"
#include "base/str.h"
#include "cli/command.h"
#include "cli/gpu_problem_view.h"
#include "cli/listing.h"
#include "cli/picture.h"
#include "cli/plan_follow.h"
#include "cli/view.h"

/* Indices of the options in their tables, for arguments->values. */
enum { SCHEDULER_SLICE, SCHEDULER_FREQUENCY, SCHEDULER_AVERAGING };

#define GIB (1024.0 * 1024 * 1024)

/* ---- the list ---- */

/* Memory slices that GPU instances have; -1 if that isn't known. */
static int64_t used_slices(const json_t *gpu)
{
    const json_t *instances = view_at(gpu, "gpuInstances");
    int64_t used = json_is_array(instances) ? 0 : -1;
    for (size_t i = 0; i < json_array_size(instances) && used >= 0; i++) {
        int64_t size = view_int(json_array_get(instances, i), "size", -1);
        used = size >= 0 ? used + size : -1;
    }
    return used;
}

/* "2.0 of 96.0 GiB", as NVML counts it. GPU instances leave that at 0 until something runs on them:
 * of a GPU in MIG mode it is slices that are taken. */
static void add_memory(const json_t *gpu, struct strbuf *out)
{
    int64_t slices = view_int(gpu, "memorySlices", -1);
    if (view_true(gpu, "mig.enabled") && slices > 0 && used_slices(gpu) >= 0) {
        strbuf_addf(out, "%lld of %lld slices", (long long)used_slices(gpu), (long long)slices);
        return;
    }
    int64_t total = view_int(gpu, "memory.totalBytes", -1);
    int64_t used = view_int(gpu, "memory.usedBytes", -1);
    if (total >= 0 && used >= 0) {
        strbuf_addf(out, "%.1f of %.1f GiB", (double)used / GIB, (double)total / GIB);
    } else if (total >= 0) {
        strbuf_addf(out, "%.1f GiB", (double)total / GIB);
    }
}

/* What keeps a GPU from being used: a problem, a quarantine, a cordon; the first of them. */
static void add_problem(const json_t *gpu, struct strbuf *out)
{
    if (view_text(gpu, "problem", NULL) != NULL) {
        strbuf_add(out, view_text(gpu, "problem", "-"));
    } else if (view_at(gpu, "quarantine") != NULL) {
        strbuf_addf(out, "quarantined: %s", view_text(gpu, "quarantine.reason", "-"));
    } else if (view_at(gpu, "cordoned") != NULL) {
        strbuf_add(out, "cordoned");
    }
}

/* The GPU's own, without what has lines of their own. */
static void add_own_problem(const json_t *gpu, struct strbuf *out)
{
    if (view_text(gpu, "problem", NULL) != NULL) {
        strbuf_add(out, view_text(gpu, "problem", "-"));
    }
}

/* Without its maker, which all have in common. */
static void add_name(const json_t *gpu, struct strbuf *out)
{
    static const char maker[] = "NVIDIA ";
    const char *name =
        view_text(gpu, "name", view_text(gpu, "modelName", view_text(gpu, "model", "")));
    strbuf_add(out, str_starts(name, maker) ? name + strlen(maker) : name);
}

static const struct column gpu_columns[] = {
    {"GPU", .path = "address"},
    {"INDEX", .path = "index", .format = COLUMN_VALUE, .align = TABLE_RIGHT, .drop = 3},
    {"NAME", .cell = add_name, .align = TABLE_SHORT},
    {"MODE", .path = "mode"},
    {"MEMORY", .cell = add_memory, .align = TABLE_RIGHT, .drop = 4},
    {"INSTANCES", .path = "gpuInstances", .format = COLUMN_COUNT, .align = TABLE_RIGHT, .drop = 1},
    {"VGPUS", .path = "vgpus", .format = COLUMN_COUNT, .align = TABLE_RIGHT, .drop = 2},
    {"VM", .path = "vm", .align = TABLE_NAME},
    {"PROBLEM", .cell = add_problem, .align = TABLE_WRAP},
};

/* How many memory slices each GPU has is its model's to say, and what it is called while another
 * driver than NVIDIA's has it. Late answers are named once, with the
 * first. */
static void add_slices_of_models(struct cli *cli, json_t *answer)
{
    CLEANUP_JSON json_t *profiles = NULL;
    if (view_text(answer, "late", NULL) != NULL) {
        return;
    }
    (void)cli_get(cli, "/v1/profiles", &profiles, NULL);
    const json_t *gpus = view_at(answer, "gpus");
    const json_t *models = view_at(profiles, "models");
    for (size_t i = 0; i < json_array_size(gpus); i++) {
        json_t *gpu = json_array_get(gpus, i);
        for (size_t k = 0; k < json_array_size(models); k++) {
            const json_t *model = json_array_get(models, k);
            if (str_eq(view_text(model, "key", ""), view_text(gpu, "model", NULL))) {
                json_object_set_new(gpu, "memorySlices",
                                    json_integer(view_int(model, "memorySlices", -1)));
                json_object_set(gpu, "modelName", view_at(model, "name"));
            }
        }
    }
}

static const struct listing gpu_listing = {.arrays = {"gpus"},
                                           .name = "address",
                                           LISTING_COLUMNS(gpu_columns),
                                           .empty = "no GPUs",
                                           .complete = add_slices_of_models};

static int cmd_gpu_list(struct cli *cli, const struct arguments *arguments UNUSED,
                        struct error *err)
{
    return listing_show(cli, "/v1/gpus", &gpu_listing, err);
}

/* ---- one GPU ---- */

static void add_pci_id(const json_t *gpu, struct strbuf *out)
{
    const char *subsystem = view_text(gpu, "pciSubsystemId", NULL);
    strbuf_addf(out, "%s%s%s", view_text(gpu, "pciId", "-"),
                subsystem == NULL ? "" : ", subsystem ", subsystem == NULL ? "" : subsystem);
}

static void add_group(const json_t *gpu, struct strbuf *out)
{
    if (view_at(gpu, "iommuGroup") == NULL) {
        return;
    }
    const json_t *others = view_at(gpu, "iommuGroup.otherMembers");
    strbuf_addf(out, "%d", (int)view_int(gpu, "iommuGroup.number", 0));
    for (size_t i = 0; i < json_array_size(others); i++) {
        const char *bdf = json_string_value(json_array_get(others, i));
        const json_t *driver = json_object_get(view_at(gpu, "iommuGroup.drivers"), bdf);
        const char *name = json_is_string(driver) ? json_string_value(driver) : "no driver";
        strbuf_addf(out, "%s %s (%s)", i == 0 ? ", shared with" : ",", bdf, name);
    }
}

static void add_mig_mode(const json_t *gpu, struct strbuf *out)
{
    if (view_at(gpu, "mig.enabled") == NULL) {
        return; /* not known */
    }
    bool enabled = view_true(gpu, "mig.enabled");
    bool pending = view_true(gpu, "mig.pending");
    bool incapable = view_at(gpu, "mig.capable") != NULL && !view_true(gpu, "mig.capable");
    if (enabled == pending) {
        strbuf_add(out, incapable ? "N/A" : enabled ? "Enabled" : "Disabled");
    } else {
        strbuf_add(out, enabled ? "Enabled, Disabled after the next reset"
                                : "Disabled, Enabled after the next reset");
    }
}

/* A capability that the driver may not report, in nvidia-smi's words. */
static void add_capability(const json_t *gpu, const char *path, const char *yes, const char *no,
                           struct strbuf *out)
{
    if (view_at(gpu, path) != NULL) {
        strbuf_add(out, view_true(gpu, path) ? yes : no);
    }
}

static void add_mig_slicing_support(const json_t *gpu, struct strbuf *out)
{
    add_capability(gpu, "mig.timeSlicingSupported", "Supported", "Not Supported", out);
}

static void add_mig_slicing(const json_t *gpu, struct strbuf *out)
{
    add_capability(gpu, "mig.timeSlicingEnabled", "Enabled", "Disabled", out);
}

static void add_mixed_sizes(const json_t *gpu, struct strbuf *out)
{
    add_capability(gpu, "mixedSizes", "Enabled", "Disabled", out);
}

static void add_scheduler(const json_t *gpu, struct strbuf *out)
{
    const json_t *scheduler = view_at(gpu, "scheduler");
    if (scheduler == NULL) {
        return;
    }
    int64_t slice_ns = view_int(scheduler, "sliceNs", 0);
    int64_t averaging = view_int(scheduler, "averaging", 0);
    strbuf_add(out, view_text(scheduler, "policy", "-"));
    if (slice_ns > 0) {
        strbuf_addf(out, ", %.4g ms slices", (double)slice_ns / 1e6);
    }
    if (averaging > 0) {
        strbuf_addf(out, ", averaging %d", (int)averaging);
    }
}

static void add_functions(const json_t *gpu, struct strbuf *out)
{
    if (view_at(gpu, "virtualFunctionsTotal") != NULL) {
        strbuf_addf(out, "%zu of %d", json_array_size(view_at(gpu, "virtualFunctions")),
                    (int)view_int(gpu, "virtualFunctionsTotal", 0));
    }
}

/* "why (who, since when)". */
static void add_decision(const json_t *decision, const char *who, struct strbuf *out)
{
    if (decision != NULL) {
        char since[VIEW_SIZE];
        strbuf_addf(out, "%s (%s, since %s)", view_text(decision, "reason", "no reason given"),
                    view_text(decision, who, "-"), view_time(decision, "since", since));
    }
}

static void add_cordon(const json_t *gpu, struct strbuf *out)
{
    add_decision(view_at(gpu, "cordoned"), "by", out);
}

static void add_quarantine(const json_t *gpu, struct strbuf *out)
{
    add_decision(view_at(gpu, "quarantine"), "kind", out);
}

static const struct column gpu_fields[] = {
    {"Product Name", .path = "name|modelName"},
    {"Model", .path = "model", .none = "unknown"},
    {"UUID", .path = "uuid"},
    {"Index", .path = "index", .format = COLUMN_VALUE},
    {"PCI Id", .cell = add_pci_id},
    {"NUMA Node", .path = "numaNode", .format = COLUMN_VALUE},
    {"IOMMU Group", .cell = add_group},
    {"Driver", .path = "driver"},
    {"Mode", .path = "mode"},
    {"Memory", .cell = add_memory},
    {"MIG Mode", .cell = add_mig_mode},
    {"MIG Time-Slicing", .cell = add_mig_slicing_support, .none = "N/A"},
    {"MIG Time-Slicing Mode", .cell = add_mig_slicing, .none = "N/A"},
    {"Mixed vGPU Sizes", .cell = add_mixed_sizes, .none = "N/A"},
    {"vGPU Scheduler", .cell = add_scheduler, .none = "N/A"},
    {"vGPU Interface", .path = "vgpuInterface"},
    {"Virtual Functions", .cell = add_functions},
    {"Cordoned", .cell = add_cordon},
    {"Quarantine", .cell = add_quarantine},
    {"Problem", .cell = add_own_problem},
};

static void add_used(const json_t *vgpu, struct strbuf *out)
{
    view_add_percent(vgpu, "usedPercent", out);
}

static const struct column share_columns[] = {
    {"VGPU", .path = "mdevUuid|device"},
    {"TYPE", .path = "type", .format = COLUMN_WORD, .drop = 2},
    {"VM", .path = "vm", .align = TABLE_NAME, .drop = 1},
    {"SHARE", .path = "share.text"},
    {"USED", .cell = add_used, .align = TABLE_RIGHT},
    {"LICENCE", .path = "licence.state", .drop = 3},
};
static const struct listing share_listing = {.arrays = {"vgpus"}, LISTING_COLUMNS(share_columns)};

static int cmd_gpu_show(struct cli *cli, const struct arguments *arguments, struct error *err)
{
    CLEANUP_FREE char *path = client_path("/v1/gpus/", arguments->args[0], "");
    CLEANUP_JSON json_t *gpu = NULL;
    int result = cli_get(cli, path, &gpu, err);
    if (result != 0 || cli_print_raw(cli, gpu)) {
        return result;
    }
    /* A board that the catalog lacks still has a picture, with fewer numbers in it. */
    CLEANUP_JSON json_t *profiles = NULL;
    CLEANUP_FREE char *query =
        client_path("/v1/profiles?gpu=", view_text(gpu, "address", arguments->args[0]), "");
    (void)cli_get(cli, query, &profiles, NULL);
    const json_t *model = json_array_get(view_at(profiles, "models"), 0);
    json_object_set(gpu, "modelName", view_at(model, "name"));
    printf("GPU %s\n", view_text(gpu, "address", "-"));
    listing_print_fields(gpu_fields, ARRAY_SIZE(gpu_fields), gpu, cli_width(cli));
    CLEANUP_JSON json_t *claims = NULL;
    (void)cli_get(cli, "/v1/claims", &claims, NULL);
    bool utf8 = str_eq(nl_langinfo(CODESET), "UTF-8");
    CLEANUP_STRBUF struct strbuf picture = {0};
    picture_draw(gpu, profiles, claims, utf8 ? PICTURE_UTF8 : PICTURE_ASCII, cli_width(cli),
                 &picture);
    printf("\n%s", strbuf_str(&picture));
    if (json_array_size(view_at(gpu, "vgpus")) > 0) {
        printf("\n");
        listing_print(&share_listing, gpu, cli_width(cli));
    }
    gpu_problem_view_print(gpu, claims, cli_width(cli));
    return 0;
}

static int cmd_gpu_mode(struct cli *cli, const struct arguments *arguments, struct error *err)
{
    CLEANUP_FREE char *path = client_path("/v1/gpus/", arguments->args[0], "/mode");
    CLEANUP_JSON json_t *body = json_pack("{s:s}", "mode", arguments->args[1]);
    if (body == NULL) {
        return error_set(err, REASON_INVALID, "", "the mode is not UTF-8 text");
    }
    return plan_follow_change(cli, "PUT", path, body, err);
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
        return error_set(err, REASON_INVALID, option, "%s must be a number above 0, not \"%s\"",
                         option, text);
    }
    json_object_set_new(body, key, json_integer(value));
    return 0;
}

static int cmd_gpu_scheduler(struct cli *cli, const struct arguments *arguments, struct error *err)
{
    CLEANUP_FREE char *path = client_path("/v1/gpus/", arguments->args[0], "/scheduler");
    CLEANUP_JSON json_t *body = json_pack("{s:s}", "policy", arguments->args[1]);
    if (body == NULL) {
        return error_set(err, REASON_INVALID, "", "the policy is not UTF-8 text");
    }
    const char *slice = arguments->values[SCHEDULER_SLICE];
    if (slice != NULL && slice_ns(slice) == 0) {
        return error_set(err, REASON_INVALID, "--slice",
                         "--slice must be a time such as 2ms or 1500us, not \"%s\"", slice);
    }
    if (slice != NULL) {
        json_object_set_new(body, "sliceNs", json_integer(slice_ns(slice)));
    }
    int r =
        add_number(body, "frequencyHz", "--frequency", arguments->values[SCHEDULER_FREQUENCY], err);
    r = r != 0 ? r
               : add_number(body, "averaging", "--averaging",
                            arguments->values[SCHEDULER_AVERAGING], err);
    return r != 0 ? r : plan_follow_change(cli, "PUT", path, body, err);
}

static int cmd_gpu_recover(struct cli *cli, const struct arguments *arguments, struct error *err)
{
    CLEANUP_FREE char *path = client_path("/v1/gpus/", arguments->args[0], "/recover");
    return plan_follow_change(cli, "POST", path, NULL, err);
}

/* ---- the table ---- */

static const struct command_option gpu_scheduler_options[] = {
    [SCHEDULER_SLICE] = {"slice", 0, "TIME", "a fixed time slice, 1ms to 30ms"},
    [SCHEDULER_FREQUENCY] = {"frequency", 0, "HZ",
                             "scheduling frequency of adaptive round robin, 63 to 960"},
    [SCHEDULER_AVERAGING] = {"averaging", 0, "FACTOR",
                             "averaging factor of adaptive round robin, 1 to 60"},
};

static const struct command commands[] = {
    {.object = "gpu",
     .name = "list",
     .help = "list GPUs",
     .examples = {"gpu list", "gpu list -o wide --sort mode", "gpu list --watch"},
     .lists = true,
     .listing = &gpu_listing,
     .watches = true,
     .run = cmd_gpu_list},
    {.object = "gpu",
     .name = "show",
     .args = "GPU",
     .n_args = 1,
     .help = "show one GPU, with a picture of its slices",
     .examples = {"gpu show 0", "gpu show 0000:41:00.0"},
     .run = cmd_gpu_show},
    {.object = "gpu",
     .name = "mode",
     .args = "GPU MODE",
     .n_args = 2,
     .help = "set the mode of a GPU: idle, passthrough, time-sliced or mig",
     .examples = {"gpu mode 0 mig --dry-run", "gpu mode 0000:41:00.0 passthrough"},
     .changes = true,
     .waits = true,
     .run = cmd_gpu_mode},
    {.object = "gpu",
     .name = "scheduler",
     .args = "GPU POLICY",
     .n_args = 2,
     .help = "set how vGPUs share a GPU, or each GPU instance: best-effort, equal-share or "
             "fixed-share",
     .examples = {"gpu scheduler 0 fixed-share --slice 2ms"},
     OPTIONS(gpu_scheduler_options),
     .changes = true,
     .waits = true,
     .run = cmd_gpu_scheduler},
    {.object = "gpu",
     .name = "recover",
     .args = "GPU",
     .n_args = 1,
     .help = "reset a quarantined GPU and restore its claims' devices",
     .examples = {"gpu recover 0000:41:00.0"},
     .changes = true,
     .waits = true,
     .run = cmd_gpu_recover},
};
const struct command_table gpu_commands = COMMAND_TABLE(commands);
