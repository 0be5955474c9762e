/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "base/exit_status.h"
#include "cli/command.h"
#include "cli/exit_statuses.h"
#include "cli/layout_file.h"
#include "cli/layout_view.h"
#include "cli/layout_words.h"
#include "cli/model_notice.h"
#include "cli/prose.h"

/* Its own, so that a script tells "no" from "what?"; what no source says is neither. */
static const struct command_status statuses[] = {
    {EXIT_STATUS_DONE, "the layout fits (of a file: everything for this GPU does)"},
    {EXIT_STATUS_NO, "it does not"},
    {12, "no source says whether it does"},
    {0},
};

static const char help[] =
    "Usage: cleave layout check --gpu GPU PROFILE[@START][=COUNT]...\n"
    "              [--existing PROFILE@START,...] [--vgpu TYPE[=COUNT]...] [--mixed]\n"
    "       cleave layout check --gpu GPU -f FILE [--strict]\n"
    "\n"
    "Says whether a GPU of that model can be cut like this, and where each part\n"
    "goes; or why not, and what comes nearest. Works from the catalog alone: no\n"
    "daemon, no GPU.\n"
    "\n"
    "      --gpu GPU            a model such as a100-pcie-40gb, or a PCI id:\n"
    "                           0xDEVICE[:0xSUBSYSTEM]\n"
    "      --existing LIST      GPU instances that stay where they are\n"
    "      --vgpu TYPE=COUNT    vGPUs; without a PROFILE, the GPU instances they need\n"
    "                           are chosen (behind TYPE@ID, the placement id in\n"
    "                           mixed-size mode)\n"
    "      --mixed              mixed-size mode: framebuffer sizes may differ\n"
    "  -f, --file FILE          check each label of a mig-parted or\n"
    "                           vgpu-device-manager file, or of a Kubernetes\n"
    "                           ConfigMap or helm values that hold some\n"
    "      --strict             of a file, refuse what no GPU in the catalog has, and\n"
    "                           names that vgpu-device-manager does not read\n"
    "  -o, --output FORMAT      table (default), wide (all columns), json or yaml\n"
    "  -h, --help               show this\n"
    "\n"
    "A PROFILE may name compute instances: 1c.3g.20gb=3 is one 3g.20gb with three in\n"
    "it. Typed as in a file, they share an instance that has slices left:\n"
    "2c.3g.20gb 1c.3g.20gb is one 3g.20gb, too.\n"
    "Names are taken as other tools write them: 9:0 and 9,14,19 (nvidia-smi, where :0\n"
    "is the start), nvidia-474 (mdev), nvidia.com/mig-3g.20gb (Kubernetes),\n"
    "gpu:a100_3g.20gb:2 (Slurm, where :2 is the count). docs/howto/names.md has all.\n"
    "GPU instances are taken to be time-sliced by the hypervisor where the GPU can.\n";

static void print_refusal(const struct layout_words *words, const struct gpu_model *model,
                          const struct layout_request *request, struct error *err)
{
    struct cli cli = words->cli;
    CLEANUP_JSON json_t *json = layout_view_error(err);
    json_object_set_new(json, "gpu", layout_view_model(model));
    json_object_set_new(json, "fits", err->reason == REASON_UNKNOWN ? json_null() : json_false());
    if (!cli_print_raw(&cli, json)) {
        layout_view_print_existing(model, request, cli_width(&cli));
        fflush(stdout);
        err->subject[0] = '\0'; /* the model, which the line above names */
        cli_report(err);
    }
}

static void print_fit(const struct layout_words *words, const struct gpu_model *model,
                      const struct layout_request *request)
{
    struct cli cli = words->cli;
    CLEANUP_JSON json_t *json = layout_view_request(request);
    json_object_set_new(json, "gpu", layout_view_model(model));
    json_object_set_new(json, "fits", json_true());
    if (!cli_print_raw(&cli, json)) {
        layout_view_print(model, request, cli_width(&cli));
    }
}

/* What a published maximum says, without where. */
static void print_count(const struct layout_words *words, const struct gpu_model *model,
                        const struct layout_request *request)
{
    struct cli cli = words->cli;
    CLEANUP_JSON json_t *json = layout_view_request(request);
    json_object_set_new(json, "gpu", layout_view_model(model));
    json_object_set_new(json, "fits", json_true());
    if (!cli_print_raw(&cli, json)) {
        CLEANUP_STRBUF struct strbuf text = {0};
        layout_view_summary(request, &text);
        prose_print(cli_width(&cli),
                    "%s: %s fits by the published maximum, but no source says where each one "
                    "starts",
                    model->name, strbuf_str(&text));
    }
}

static int check_words(const struct layout_words *words, const struct gpu_model *model)
{
    struct layout_request request = {.mixed = false};
    struct error err = {0};
    int r = layout_words_request(words, model, &request, &err);
    if (r != 0 && err.reason != REASON_NO_CAPACITY) {
        return cli_report(&err);
    }
    r = r != 0 ? r : layout_check(model, &request.existing, &err);
    r = r != 0 ? r : layout_fit(model, &request, &err);
    r = r != 0 ? r : layout_mixed_is_known(model, &request, &err);
    if (r == -REASON_UNKNOWN && layout_fits_by_count(model, &request)) {
        print_count(words, model, &request);
        return EXIT_STATUS_DONE;
    }
    if (r != 0) {
        print_refusal(words, model, &request, &err);
        return r == -REASON_UNKNOWN ? reason_exit_status(REASON_UNKNOWN) : EXIT_STATUS_NO;
    }
    print_fit(words, model, &request);
    return EXIT_STATUS_DONE;
}

static int check_layout(const struct layout_words *words, struct error *err)
{
    CLEANUP(catalog_freep) struct catalog *catalog = NULL;
    const struct gpu_model *model = NULL;
    enum import_verdict worst = IMPORT_FITS;
    int r = catalog_load_default(&catalog, err);
    r = r != 0 ? r : catalog_find(catalog, words->gpu, &model, err);
    if (r == 0) {
        model_notice_report(catalog, words->gpu, model);
    }
    if (r == 0 && words->file == NULL) {
        return check_words(words, model);
    }
    r = r != 0 ? r : layout_file_check(words, catalog, model, &worst, err);
    if (r != 0) {
        return cli_report(err);
    }
    return worst == IMPORT_REFUSED   ? EXIT_STATUS_NO
           : worst == IMPORT_UNKNOWN ? reason_exit_status(REASON_UNKNOWN)
                                     : EXIT_STATUS_DONE;
}

static int cmd_layout_check(int argc, char **argv)
{
    struct layout_words words;
    struct error err = {0};
    if (layout_words_parse(argc, argv, &words, &err) != 0) {
        return cli_report(&err);
    }
    if (words.help) {
        fputs(help, stdout);
        exit_statuses_print(statuses);
        return EXIT_STATUS_DONE;
    }
    return check_layout(&words, &err);
}

/* ---- the table ---- */

static const struct command commands[] = {
    {.object = "layout",
     .name = "check",
     .args = "PROFILE...",
     .help = "say whether a layout is possible on a GPU model (no daemon needed)",
     .examples = {"layout check --gpu a100-40gb 3g.20gb 2g.10gb"},
     .statuses = statuses,
     .run_raw = cmd_layout_check},
};
const struct command_table layout_commands = COMMAND_TABLE(commands);
