/* SPDX-License-Identifier: Apache-2.0 */
#include <signal.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/parse.h"
#include "cli/migration_view.h"
#include "cli/table.h"
#include "cli/verb.h"
#include "cli/view.h"

#define POLL_MS 200
#define CLEAR_LINE "\r\033[K"
#define MIB (UINT64_C(1024) * 1024)
#define MAX_MIB (UINT64_C(1) << 40)

/* ---- asking for it ---- */

static int add_number(json_t *body, const struct arguments *words, size_t option, const char *key,
                      uint64_t unit, struct error *err)
{
    const char *text = words->values[option];
    uint64_t number = 0;
    if (text == NULL) {
        return 0;
    }
    if (!parse_u64(text, &number) || number == 0 || number > MAX_MIB) {
        return error_set(err, REASON_INVALID, "", "--%s is a whole number above 0, not \"%s\"",
                         words->verb->options[option].name, text);
    }
    json_object_set_new(body, key, json_integer((json_int_t)(number * unit)));
    return 0;
}

static int make_body(const struct arguments *words, json_t **ret_body, struct error *err)
{
    static const struct {
        size_t option;
        const char *key;
    } texts[] = {{MIGRATE_PEER, "peer"}, {MIGRATE_URI, "migrateUri"}};
    CLEANUP_JSON json_t *body =
        json_pack("{s:s, s:s, s:b}", "vm", words->args[0], "destination", words->args[1], "strict",
                  words->values[MIGRATE_STRICT] != NULL);
    if (body == NULL) {
        return error_set(err, REASON_INVALID, "", "a name is not UTF-8 text");
    }
    for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
        json_t *value = json_string(words->values[texts[i].option]);
        if (value != NULL) {
            json_object_set_new(body, texts[i].key, value);
        }
    }
    int r = add_number(body, words, MIGRATE_BANDWIDTH, "bandwidthBytes", MIB, err);
    r = r != 0 ? r : add_number(body, words, MIGRATE_MAX_DOWNTIME, "maxDowntimeMs", 1, err);
    if (r == 0) {
        *ret_body = TAKE_PTR(body);
    }
    return r;
}

/* ---- following it ---- */

static volatile sig_atomic_t interrupts;

static void on_interrupt(int number)
{
    (void)number;
    interrupts++;
}

struct follow {
    struct cli *cli;
    bool tty;
    bool line;
    char state[32]; /* reported last */
    int interrupts; /* acted upon */
};

static void tell(struct follow *follow, const json_t *migration)
{
    CLEANUP_STRBUF struct strbuf text = {0};
    migration_view_line(migration, &text);
    if (follow->tty) {
        struct winsize size = {0};
        int width =
            ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 1 ? size.ws_col : 80;
        fprintf(stderr, CLEAR_LINE "%.*s", width - 1, strbuf_str(&text));
        fflush(stderr);
        follow->line = true;
    } else if (!str_eq(follow->state, view_text(migration, "state", ""))) {
        fprintf(stderr, "%s\n", strbuf_str(&text));
    }
    STR_SET(follow->state, view_text(migration, "state", ""));
}

static void cancel(struct follow *follow, const char *path)
{
    struct error err = {0};
    CLEANUP_JSON json_t *json = NULL;
    fprintf(stderr, "%scancelling; once more to leave it to itself\n",
            follow->line ? CLEAR_LINE : "");
    if (cli_change(follow->cli, "DELETE", path, NULL, &json, &err) != 0) {
        (void)cli_report(&err);
    }
}

/* Until it is over, or the user has interrupted twice. */
static int follow_to_the_end(struct follow *follow, json_t **migration, struct error *err)
{
    CLEANUP_FREE char *path = client_path("/v1/migrations/", view_text(*migration, "id", ""), "");
    int r = 0;
    while (r == 0 && !migration_view_over(*migration) && interrupts < 2) {
        tell(follow, *migration);
        if (interrupts > follow->interrupts) {
            follow->interrupts++;
            cancel(follow, path);
        }
        const struct timespec pause = {.tv_nsec = POLL_MS * 1000000L};
        nanosleep(&pause, NULL);
        CLEANUP_JSON json_t *json = NULL;
        r = cli_get(follow->cli, path, &json, err);
        if (r == 0) {
            json_decref(*migration);
            *migration = json_incref(view_at(json, "migration"));
        }
    }
    if (follow->line) {
        fputs(CLEAR_LINE, stderr);
    }
    return r;
}

/* ---- what became of it ---- */

static int print_dry_run(const struct cli *cli, const json_t *migration, struct error *err)
{
    migration_view_checks(migration, true, cli_width(cli));
    printf("\n");
    migration_view_steps(migration, cli_width(cli));
    migration_view_times(migration, cli_width(cli));
    int r = migration_view_refusal(migration, err);
    printf("%s", r == 0 ? "\nDry run: nothing was changed; it would migrate.\n"
                        : "\nDry run: nothing was changed.\n");
    return r;
}

static int print_end(const struct cli *cli, const json_t *migration, struct error *err)
{
    const char *state = view_text(migration, "state", "-");
    const char *vm = view_text(migration, "request.vm", "-");
    const char *target = view_text(migration, "target", "the target");
    if (!migration_view_over(migration)) {
        const char *id = view_text(migration, "id", "-");
        prose_print(cli_width(cli),
                    "VM %s is on its way (%s); `cleave migration show %s` tells how far it is", vm,
                    state, id);
        return 0;
    }
    if (str_eq(state, "done")) {
        prose_print(cli_width(cli), "VM %s runs on %s", vm, target);
        migration_view_times(migration, cli_width(cli));
        return 0;
    }
    if (str_eq(state, "cancelled")) {
        return error_set(err, REASON_CONFLICT, "", "cancelled: VM \"%s\" stays here", vm);
    }
    if (view_text(migration, "target", NULL) != NULL) {
        migration_view_checks(migration, false, cli_width(cli));
    }
    int r = migration_view_problem(migration, err);
    return r != 0 ? r : error_set(err, REASON_DRIVER, "", "the migration failed");
}

int cmd_vm_migrate(struct cli *cli, const struct arguments *words, struct error *err)
{
    CLEANUP_JSON json_t *body = NULL;
    CLEANUP_JSON json_t *json = NULL;
    int r = make_body(words, &body, err);
    r = r != 0 ? r : cli_change(cli, "POST", "/v1/migrations", body, &json, err);
    if (r != 0) {
        return r;
    }
    CLEANUP_JSON json_t *migration = json_incref(view_at(json, "migration"));
    if (!cli->dry_run && !cli->no_wait) {
        struct follow follow = {.cli = cli, .tty = isatty(STDERR_FILENO) == 1};
        (void)signal(SIGINT, on_interrupt);
        r = follow_to_the_end(&follow, &migration, err);
    }
    if (r != 0) {
        return r;
    }
    if (cli->output != OUTPUT_TABLE) {
        CLEANUP_JSON json_t *whole = json_pack("{s:O}", "migration", migration);
        (void)cli_print_raw(cli, whole);
        r = cli->dry_run ? migration_view_refusal(migration, err) : 0;
        return r != 0 ? r : migration_view_problem(migration, err);
    }
    return cli->dry_run ? print_dry_run(cli, migration, err) : print_end(cli, migration, err);
}
