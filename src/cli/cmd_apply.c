/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <unistd.h>

#include "base/json.h"
#include "base/str.h"
#include "cli/command.h"
#include "cli/plan_follow.h"
#include "cli/prose.h"
#include "cli/type_notice.h"
#include "cli/view.h"

/* Indices of the options in their tables, for arguments->values. */
enum { APPLY_FILE, APPLY_MOVE_IDLE, APPLY_YES };

#define MAX_SITE_NAME 63
#define MAX_SITE_CLAIMS 1024

/* What `cleave layout check` reads, and people take for a site. */
static int refuse_other_file(const json_t *site, const char *file, struct error *err)
{
    const char *tool = json_object_get(site, "mig-configs") != NULL    ? "mig-parted"
                       : json_object_get(site, "vgpu-configs") != NULL ? "vgpu-device-manager"
                                                                       : NULL;
    if (tool == NULL) {
        return 0;
    }
    error_set(err, REASON_INVALID, file, "this is a file of %s, not a site", tool);
    error_hint(err,
               "`cleave layout check --gpu GPU -f %s` checks it; a site has a claim for each "
               "instance or vGPU: docs/howto/site.md",
               SHELL_ARG(file));
    return -REASON_INVALID;
}

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

/* Has the plan the claim twice? Then it is changed or moved, and stays. */
static bool stays(const json_t *entries, const char *claim)
{
    for (size_t i = 0; i < json_array_size(entries); i++) {
        const json_t *entry = json_array_get(entries, i);
        if (!str_eq(view_text(entry, "verb", ""), "release") &&
            str_eq(view_text(entry, "claim.name", ""), claim)) {
            return true;
        }
    }
    return false;
}

/* "a of VM web1, b": the claims that the plan releases for good. */
static size_t add_released(const json_t *plan, struct strbuf *out)
{
    const json_t *entries = view_at(plan, "claims");
    size_t n = 0;
    for (size_t i = 0; i < json_array_size(entries); i++) {
        const json_t *entry = json_array_get(entries, i);
        const char *claim = view_text(entry, "claim.name", "-");
        const char *vm = view_text(entry, "claim.vm", NULL);
        if (str_eq(view_text(entry, "verb", ""), "release") && !stays(entries, claim)) {
            strbuf_addf(out, "%s%s%s%s", n++ == 0 ? "" : ", ", claim, vm == NULL ? "" : " of VM ",
                        vm == NULL ? "" : vm);
        }
    }
    return n;
}

static bool is_confirmed(void)
{
    char answer[16] = "";
    fputs("Go on? [y/N] ", stderr);
    (void)fflush(stderr);
    if (fgets(answer, sizeof(answer), stdin) == NULL) {
        fputc('\n', stderr);
        return false;
    }
    return answer[0] == 'y' || answer[0] == 'Y';
}

/* Claims that the file lacks are deleted: a person is asked first, and a script says that it means
 * it. A program that waits for an answer that never comes would be worse than a refusal. */
static int confirm_deletions(struct cli *cli, const json_t *body, const char *file,
                             struct error *err)
{
    CLEANUP_JSON json_t *change = NULL;
    CLEANUP_STRBUF struct strbuf names = {0};
    cli->dry_run = true;
    int result = cli_change(cli, "POST", "/v1/apply", body, &change, err);
    cli->dry_run = false;
    size_t n = result == 0 ? add_released(view_at(change, "plan"), &names) : 0;
    if (n == 0) {
        return result;
    }
    bool person = isatty(STDIN_FILENO) == 1 && isatty(STDERR_FILENO) == 1;
    if (person) {
        prose_report("%s lacks %zu claim%s of its site, which %s deleted: %s", file, n,
                     n == 1 ? "" : "s", n == 1 ? "is" : "are", strbuf_str(&names));
        if (is_confirmed()) {
            return 0;
        }
        return error_set(err, REASON_CONFLICT, "", "nothing was changed");
    }
    error_set(err, REASON_CONFLICT, "",
              "%s lacks %zu claim%s of its site, which would be deleted: %s", file, n,
              n == 1 ? "" : "s", strbuf_str(&names));
    error_hint(err, "if that is meant: `cleave apply -f %s --yes`", SHELL_ARG(file));
    return -REASON_CONFLICT;
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
    result = result != 0 ? result : refuse_other_file(site, file, err);
    result = result != 0 ? result : site_body(site, file, &body, err);
    if (result != 0) {
        return result;
    }
    if (arguments->values[APPLY_MOVE_IDLE] != NULL) {
        json_object_set_new(body, "moveIdle", json_true());
    }
    bool asks = arguments->values[APPLY_YES] == NULL && !cli->dry_run;
    result = asks ? confirm_deletions(cli, body, file, err) : 0;
    result = result != 0 ? result : plan_follow_change(cli, "POST", "/v1/apply", body, err);
    if (result != 0) {
        name_the_file(err, file);
        return result;
    }
    type_notice_report(cli, view_at(body, "claims"));
    return 0;
}

/* ---- the table ---- */

static const struct command_option apply_options[] = {
    [APPLY_FILE] = {"file", 'f', "FILE", "site file, YAML or .json; - for standard input"},
    [APPLY_MOVE_IDLE] = {"move-idle", 0, NULL, MOVE_IDLE_HELP},
    [APPLY_YES] = {"yes", 'y', NULL,
                   "delete claims that the file lacks; else a terminal is asked, and a script that "
                   "does not say so is refused"},
};

static const struct command commands[] = {
    {.object = "apply",
     .args = "-f FILE",
     .help = "make the claims of a site match its file",
     .examples = {"apply -f site.yaml --dry-run", "apply -f site.yaml", "apply -f site.yaml --yes"},
     STATUSES({4, "claims would be deleted, and --yes is missing"}),
     OPTIONS(apply_options),
     .changes = true,
     .waits = true,
     .run = cmd_apply},
};
const struct command_table apply_commands = COMMAND_TABLE(commands);
