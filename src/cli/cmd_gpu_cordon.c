/* SPDX-License-Identifier: Apache-2.0 */
/* gpu cordon, uncordon: claims that come are kept away by hand. */
#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"
#include "cli/command.h"
#include "cli/prose.h"
#include "cli/view.h"

/* Indices of the options in their tables, for arguments->values. */
enum { CORDON_REASON };

static int change_cordon(struct cli *cli, const struct arguments *arguments, const char *method,
                         const json_t *body, const char *what, struct error *err)
{
    CLEANUP_FREE char *path = client_path("/v1/gpus/", arguments->args[0], "/cordon");
    CLEANUP_JSON json_t *gpu = NULL;
    int result = cli_change(cli, method, path, body, &gpu, err);
    if (result != 0 || cli_print_raw(cli, gpu)) {
        return result;
    }
    const char *address = view_text(gpu, "address", arguments->args[0]);
    prose_print(cli_width(cli), "GPU %s %s%s", address, cli->dry_run ? "would be " : "is ", what);
    return 0;
}

static int cmd_gpu_cordon(struct cli *cli, const struct arguments *arguments, struct error *err)
{
    const char *reason = arguments->values[CORDON_REASON];
    CLEANUP_JSON json_t *body = json_object();
    if (reason != NULL && json_object_set_new(body, "reason", json_string(reason)) != 0) {
        return error_set(err, REASON_INVALID, "", "the reason is not UTF-8 text");
    }
    return change_cordon(cli, arguments, "PUT", body,
                         "cordoned: it takes no new claims, and keeps the claims that it has", err);
}

static int cmd_gpu_uncordon(struct cli *cli, const struct arguments *arguments, struct error *err)
{
    return change_cordon(cli, arguments, "DELETE", NULL, "open: it takes new claims again", err);
}

/* ---- the table ---- */

static const struct command_option cordon_options[] = {
    [CORDON_REASON] = {"reason", 0, "TEXT", "shown to anyone who asks why a GPU takes no claims"},
};

static const struct command commands[] = {
    {.object = "gpu",
     .name = "cordon",
     .args = "GPU...",
     .n_args = 1,
     .each = true,
     .help = "keep new claims off GPUs; claims that are on them stay",
     .examples = {"gpu cordon 0000:41:00.0 --reason maintenance"},
     OPTIONS(cordon_options),
     .changes = true,
     .run = cmd_gpu_cordon},
    {.object = "gpu",
     .name = "uncordon",
     .args = "GPU...",
     .n_args = 1,
     .each = true,
     .help = "allow new claims on GPUs again",
     .examples = {"gpu uncordon 0000:41:00.0"},
     .changes = true,
     .run = cmd_gpu_uncordon},
};
const struct command_table gpu_cordon_commands = COMMAND_TABLE(commands);
