/* SPDX-License-Identifier: Apache-2.0 */
/* gpu cordon, uncordon, recover: what goes to a GPU, decided by hand. */
#include <stdio.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"
#include "cli/plan_follow.h"
#include "cli/verb.h"
#include "cli/view.h"

static int change_cordon(struct cli *cli, const struct arguments *words, const char *method,
                         const json_t *body, const char *what, struct error *err)
{
    CLEANUP_FREE char *path = client_path("/v1/gpus/", words->args[0], "/cordon");
    CLEANUP_JSON json_t *gpu = NULL;
    int result = cli_change(cli, method, path, body, &gpu, err);
    if (result != 0 || cli_print_raw(cli, gpu)) {
        return result;
    }
    const char *address = view_text(gpu, "address", words->args[0]);
    printf("GPU %s %s%s\n", address, cli->dry_run ? "would be " : "is ", what);
    return 0;
}

int cmd_gpu_cordon(struct cli *cli, const struct arguments *words, struct error *err)
{
    const char *reason = words->values[CORDON_REASON];
    CLEANUP_JSON json_t *body = json_object();
    if (reason != NULL && json_object_set_new(body, "reason", json_string(reason)) != 0) {
        return error_set(err, REASON_INVALID, "", "the reason is not UTF-8 text");
    }
    return change_cordon(cli, words, "PUT", body,
                         "cordoned: it gets no new claims, and keeps those it has", err);
}

int cmd_gpu_uncordon(struct cli *cli, const struct arguments *words, struct error *err)
{
    return change_cordon(cli, words, "DELETE", NULL, "open: it gets new claims again", err);
}

int cmd_gpu_recover(struct cli *cli, const struct arguments *words, struct error *err)
{
    CLEANUP_FREE char *path = client_path("/v1/gpus/", words->args[0], "/recover");
    return plan_follow_change(cli, "POST", path, NULL, err);
}
