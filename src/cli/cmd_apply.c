/* SPDX-License-Identifier: Apache-2.0 */
#include "base/json.h"
#include "base/str.h"
#include "cli/command.h"
#include "cli/plan_follow.h"

/* Indices of the options in their tables, for arguments->values. */
enum { APPLY_FILE, APPLY_MOVE_IDLE };

#define MAX_SITE_NAME 63
#define MAX_SITE_CLAIMS 1024

/* {site: NAME, claims: […], moveIdle?} becomes the API's {name, claims, moveIdle?}. */
static int site_body(const json_t *site, const char *origin, json_t **ret_body, struct error *err)
{
    struct reader r;
    reader_init(&r, site, origin, "", err);
    const char *name = reader_str(&r, "site", MAX_SITE_NAME);
    json_t *claims = reader_array(&r, "claims", MAX_SITE_CLAIMS);
    bool moves = reader_bool_or(&r, "moveIdle", false);
    int result = reader_end(&r);
    if (result == 0) {
        *ret_body = json_pack("{s:s, s:O}", "name", name, "claims", claims);
    }
    if (result == 0 && moves) {
        json_object_set_new(*ret_body, "moveIdle", json_true());
    }
    return result;
}

/* The daemon speaks of the "request body"; the user wrote a file. */
static void name_the_file(struct error *err, const char *file)
{
    static const char sent[] = "request body";
    if (str_starts(err->subject, sent)) {
        char rest[sizeof(err->subject)];
        STR_SET(rest, err->subject + strlen(sent));
        str_copy(err->subject, sizeof(err->subject), file);
        size_t len = strlen(err->subject);
        str_copy(err->subject + len, sizeof(err->subject) - len, rest);
    }
}

static int cmd_apply(struct cli *cli, const struct arguments *arguments, struct error *err)
{
    const char *file = arguments->values[APPLY_FILE];
    if (file == NULL) {
        error_set(err, REASON_INVALID, "", "apply needs a site file");
        error_hint(err, "write `cleave apply -f site.yaml`");
        return -REASON_INVALID;
    }
    CLEANUP_JSON json_t *site = NULL;
    CLEANUP_JSON json_t *body = NULL;
    int result = json_read_file(file, &site, err);
    result = result != 0 ? result : site_body(site, file, &body, err);
    if (result != 0) {
        return result;
    }
    if (arguments->values[APPLY_MOVE_IDLE] != NULL) {
        json_object_set_new(body, "moveIdle", json_true());
    }
    result = plan_follow_change(cli, "POST", "/v1/apply", body, err);
    if (result != 0) {
        name_the_file(err, file);
    }
    return result;
}

/* ---- the table ---- */

static const struct command_option apply_options[] = {
    [APPLY_FILE] = {"file", 'f', "FILE", "site file, YAML or .json; - for standard input"},
    [APPLY_MOVE_IDLE] = {"move-idle", 0, NULL, MOVE_IDLE_HELP},
};

static const struct command commands[] = {
    {.object = "apply",
     .args = "-f FILE",
     .help = "make the claims of a site exactly those of its file",
     .examples = {"apply -f site.yaml --dry-run", "apply -f site.yaml"},
     OPTIONS(apply_options),
     .changes = true,
     .waits = true,
     .run = cmd_apply},
};
const struct command_table apply_commands = COMMAND_TABLE(commands);
